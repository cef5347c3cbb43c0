"""Tailored decides what each user of a product sees, by rules that product teams write."""

from tailored.book.diagnostics import BookNotReadable, Diagnostic, RuleBookError
from tailored.book.model import RuleBook
from tailored.engine.decision import Decision
from tailored.engine.engine import Engine, evaluate

__all__ = ["BookNotReadable", "Decision", "Diagnostic", "Engine", "RuleBook", "RuleBookError", "evaluate"]
