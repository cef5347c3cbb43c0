"""What a command found: findings, cases, and a closing line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tailored.book.diagnostics import Diagnostic, Report, Severity, Span
from tailored.condition.english import joined


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say. `span` is None where it is about no place; `hint` is the mend, or empty."""

    code: str
    severity: Severity
    message: str
    hint: str = ""
    span: Span | None = None
    details: str = ""
    """Further lines for people, shown as they stand: a witness, an explanation."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further keys for machines."""

    @classmethod
    def of(cls, diagnostic: Diagnostic) -> Finding:
        """A finding of the validator."""
        return cls(diagnostic.code, diagnostic.severity, diagnostic.message, diagnostic.hint, diagnostic.span)

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON data, with the keys of a diagnostic, those of the place null without one."""
        place = dict.fromkeys(("path", "line", "column", "end_line", "end_column"))
        if self.span is not None:
            place = {key: getattr(self.span, key) for key in place}
        what = {"code": self.code, "severity": self.severity, "message": self.message, "hint": self.hint}
        return {**what, **place, **self.more}


@dataclass(frozen=True, slots=True)
class Case:
    """One case that passed, or failed by its findings. `group` is what it belongs to, `seconds` its time."""

    name: str
    group: str
    span: Span | None = None
    failures: tuple[Finding, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one command found about a book, ready to be written in every format."""

    command: str
    findings: tuple[Finding, ...]
    summary: str
    """The closing line."""
    cases: tuple[Case, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The texts of the book's files by their paths, to show lines from."""
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What `--format json` prints."""
    notes: str = ""
    """Further lines for people before the closing line: coverage, shares of traffic."""
    markdown: str = ""
    """The same in Markdown; where it is empty, `notes` stand as they are."""
    failing: bool = False
    ran: bool = True
    """False where the command did not run; the closing line says why."""
    options: str = ""
    """What the command has to be given, beside the folder, to find the same by itself."""

    @property
    def failed(self) -> bool:
        """Whether the command exits with 1."""
        return self.failing or any(finding.severity == "error" for finding in self.every_finding())

    def every_finding(self) -> Iterable[Finding]:
        """The findings, then those of the cases."""
        yield from self.findings
        for case in self.cases:
            yield from case.failures


def verdict(outcomes: Sequence[Outcome]) -> str:
    """What several commands come to, in half a sentence that names those that failed or could not run."""
    failed = [outcome for outcome in outcomes if outcome.failed]
    said = []
    for ran, what in ((True, "did not pass"), (False, "could not run")):
        if names := [outcome.command for outcome in failed if outcome.ran is ran]:
            said.append(f"{joined(names)} {what}")
    if not any(outcome.ran for outcome in outcomes):
        said.append("nothing was checked")
    return ", and ".join(said) or "all is well"


def of_report(command: str, report: Report, notes: bool | None = None) -> Outcome:
    """The outcome that a report of the validator is; with `notes`, as people see it with them, or without."""
    return Outcome(
        command,
        tuple(map(Finding.of, report.diagnostics if notes is None else report.shown(notes))),
        report.summary() if notes is None else report.closing(notes),
        texts=report.texts,
        data=report.to_dict(),
    )
