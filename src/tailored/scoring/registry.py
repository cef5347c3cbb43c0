"""From a kind to what makes its scorers; a module is imported where a book has a scorer of its kind."""

from __future__ import annotations

from importlib import import_module

from tailored.scoring.protocol import Loader

LOADERS = {
    "python": "tailored.scoring.kinds.python",
    "popularity": "tailored.scoring.kinds.popularity",
    "blend": "tailored.scoring.kinds.blend",
    "bandit": "tailored.scoring.kinds.bandit",
    "http": "tailored.scoring.kinds.http",
    "similar": "tailored.scoring.models.similar",
    "together": "tailored.scoring.models.together",
    "onnx": "tailored.scoring.models.onnx",
}
"""The module of each kind; its function `load(declared, surroundings)` makes the scorer."""

RELOADED = frozenset(("popularity", "similar", "together", "onnx", "blend"))
"""The kinds that are made again when data is refreshed: what they hold was read from files."""


def loader(kind: str) -> Loader:
    """What makes scorers of a kind. Raises ImportError where a library that it needs is not installed."""
    load: Loader = import_module(LOADERS[kind]).load
    return load
