"""From a kind to what makes its scorers; a module is imported where a book has a scorer of its kind."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tailored.book.model import Scorer
from tailored.scoring.protocol import Loader, NotReady

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


def why_not_ready(declared: Scorer, folder: str) -> str | None:
    """Why the model of a scorer cannot be used; None where it can, and for kinds without one.

    Raises ImportError where a library that it needs is not installed.
    """
    open_ = getattr(import_module(LOADERS[declared.kind]), "opened", None)
    try:
        if open_ is not None:
            open_(declared, Path(folder))
    except NotReady as error:
        return str(error)
    return None
