"""Findings about a rule book: where, what is wrong in the author's words, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol
from unicodedata import combining, east_asian_width

Severity = Literal["error", "warning", "note"]
"""A note tells what is good to know; nothing is wrong."""


class Span(NamedTuple):
    """A place in a file of the book. Lines and columns count from 1; the end is exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `code` is documented in docs/diagnostics.md; `hint` is the mend, or empty."""

    code: str
    severity: Severity
    message: str
    hint: str
    span: Span

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON data, with the place spelt out."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
            "path": self.span.path,
            "line": self.span.line,
            "column": self.span.column,
            "end_line": self.span.end_line,
            "end_column": self.span.end_column,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All findings about a book, sorted by place, with the texts of its files to show the lines from."""

    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.diagnostics)

    @property
    def warnings(self) -> int:
        return sum(finding.severity == "warning" for finding in self.diagnostics)

    @property
    def notes(self) -> int:
        return len(self.diagnostics) - self.errors - self.warnings

    def strict(self) -> Report:
        """The same findings, with every warning counted as an error."""
        return Report(
            tuple(
                replace(finding, severity="error") if finding.severity == "warning" else finding
                for finding in self.diagnostics
            ),
            self.texts,
        )

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON data."""
        return {
            "diagnostics": [finding.to_dict() for finding in self.diagnostics],
            "errors": self.errors,
            "warnings": self.warnings,
            "notes": self.notes,
        }

    def to_text(self, prefix: str = "", *, notes: bool = False) -> str:
        """The report for people: each finding with its line and a caret, then how many there are.

        `prefix` stands before every path, to make paths that a terminal can open.
        """
        lines: dict[str, list[str]] = {}
        blocks = [
            block_of(finding, self._lines(finding.span.path, lines), prefix) for finding in self.shown(notes)
        ]
        return "\n\n".join([*blocks, self.closing(notes)])

    def shown(self, notes: bool) -> tuple[Diagnostic, ...]:
        """What people are shown: what is wrong, then the notes if they are asked for."""
        first = [finding for finding in self.diagnostics if finding.severity != "note"]
        return (*first, *(finding for finding in self.diagnostics if notes and finding.severity == "note"))

    def _lines(self, path: str, cache: dict[str, list[str]]) -> list[str]:
        if path not in cache:
            cache[path] = split_lines(self.texts.get(path, ""))
        return cache[path]

    def closing(self, notes: bool) -> str:
        """The closing line, and one that counts the notes, whether they are shown or not."""
        if not self.notes:
            return self.summary()
        where = "" if notes else f"; `--notes` shows {'it' if self.notes == 1 else 'them'}"
        return f"{self.summary()}\n{_count(self.notes, 'note')}{where}."

    def summary(self) -> str:
        """The closing line."""
        files = len(self.texts)
        every = f"{files} file{'s' * (files != 1)}"
        problems = [finding for finding in self.diagnostics if finding.severity != "note"]
        if not problems:
            return f"No problems in {every}."
        counts = [_count(self.errors, "error")] if self.errors else []
        counts += [_count(self.warnings, "warning")] if self.warnings else []
        touched = len({finding.span.path for finding in problems})
        return f"{' and '.join(counts)} in {touched} of {every}."


class RuleBookError(Exception):
    """A rule book has errors. `diagnostics` holds every finding; the text is what the validator prints."""

    def __init__(self, report: Report, folder: str = "") -> None:
        self.report = report
        self.diagnostics = report.diagnostics
        super().__init__(report.to_text(folder))


class BookNotReadable(Exception):
    """There is no book to read: no such folder, no permission, no rule files in it. One line says which."""


def split_lines(text: str) -> list[str]:
    """The lines of a file, broken where the YAML parser breaks them, so that line numbers agree."""
    for mark in ("\r\n", "\r", "\x85", "\u2028", "\u2029"):
        text = text.replace(mark, "\n")
    return text.split("\n")


def sort(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings sorted by place, each once."""
    unique = dict.fromkeys(diagnostics)
    return tuple(
        sorted(unique, key=lambda d: (d.span.path.split("/"), d.span, d.severity, d.code, d.message))
    )


_MARK = {"error": "", "warning": " (warning)", "note": " (note)"}


class Said(Protocol):
    """What a finding says, whoever found it; `span` is None where it is about no place."""

    @property
    def code(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def message(self) -> str: ...
    @property
    def hint(self) -> str: ...
    @property
    def span(self) -> Span | None: ...


def block_of(finding: Said, lines: list[str], prefix: str) -> str:
    """A finding for people: its place, its line of the file's `lines` with a caret, and what it says."""
    span = finding.span
    place = f"{prefix}{span}  " if span else ""
    block = [f"{place}{finding.code}" + _MARK[finding.severity]]
    if span and span.line <= len(lines) and lines[span.line - 1].strip():
        shown, start, width = _window(lines[span.line - 1], span)
        caret = " " * _cells(shown[:start]) + "^" * max(1, _cells(shown[start : start + width]))
        block += [f"{span.line:>5} | {shown}", f"{'':>5} | {caret}"]
    block += [f"   {finding.message}"]
    if finding.hint:
        block += [f"   {finding.hint}"]
    return "\n".join(block)


def _cells(text: str) -> int:
    """How many cells of a terminal a text fills: two for a wide letter, none for a mark above a letter."""
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(char) or char in _NO_CELL else 2 if east_asian_width(char) in "WF" else 1
        for char in text
    )


_NO_CELL = "\u200d\ufe0e\ufe0f"
"""What joins emoji or says how to show a sign."""


def _window(line: str, span: Span, most: int = 110) -> tuple[str, int, int]:
    """The line cut to what fits around the span; where the caret starts in it, and how wide it is."""
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    width = max(1, min(end, len(line)) - start)
    first = max(0, start - most // 2) if len(line) > most else 0
    shown = "".join(char if char.isprintable() else " " for char in line[first : first + most]).rstrip()
    if first:
        shown = "…" + shown[1:]
    if first + most < len(line):
        shown += "…"
    start -= first
    return shown, start, max(1, min(width, most - start))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
