"""Tailored decides what each user of a product sees, by rules that product teams write."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing takes a third of the time that an editor has to wait
    from typing import Any

    from tailored.book.diagnostics import BookNotReadable, Diagnostic, RuleBookError
    from tailored.book.model import RuleBook
    from tailored.engine.decision import Decision
    from tailored.engine.engine import Engine, evaluate

__all__ = ["BookNotReadable", "Decision", "Diagnostic", "Engine", "RuleBook", "RuleBookError", "evaluate"]

_HOME = {
    "BookNotReadable": "tailored.book.diagnostics",
    "Decision": "tailored.engine.decision",
    "Diagnostic": "tailored.book.diagnostics",
    "Engine": "tailored.engine.engine",
    "RuleBook": "tailored.book.model",
    "RuleBookError": "tailored.book.diagnostics",
    "evaluate": "tailored.engine.engine",
}
"""Where each public name lives. It is loaded when it is first asked for: checking a file needs no engine."""


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
