"""Findings as annotations of GitHub Actions: a command per line, which marks the line of a pull request.

The commands and their escapes: https://docs.github.com/actions, "Workflow commands".
"""

from __future__ import annotations

from collections.abc import Sequence

from tailored.report.outcome import Finding, Outcome
from tailored.report.places import in_repository


def to_github(outcomes: Sequence[Outcome], folder: str) -> str:
    """A line for each error and warning, then the closing lines as plain text.

    Notes are left out: they would stand in every pull request, whatever it changes.
    """
    findings = [finding for outcome in outcomes for finding in outcome.every_finding()]
    lines = [_annotation(finding, folder) for finding in findings if finding.severity != "note"]
    return "\n".join([*lines, *map(_closing, outcomes)])


def _closing(outcome: Outcome) -> str:
    """The closing line of a command, marked where it could not run, as no finding tells that."""
    said = _plain(outcome.summary)
    if outcome.failing and not outcome.ran:
        return f"::error title={_property(outcome.command)}::{_data(said)}"
    return f"{outcome.command}: {said}"


def _annotation(finding: Finding, folder: str) -> str:
    properties: dict[str, str | int] = {}
    if span := finding.span:
        properties = {"file": in_repository(folder, span), "line": span.line, "endLine": span.end_line}
        if span.line == span.end_line:  # columns are for one line only, and both are included
            properties |= {"col": span.column, "endColumn": max(span.column, span.end_column - 1)}
    properties["title"] = finding.code
    written = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    said = "\n".join(filter(None, (finding.message, finding.hint, finding.details)))
    return f"::{finding.severity} {written}::{_data(said)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _plain(text: str) -> str:
    """A line that GitHub does not take for a command."""
    return " ".join(text.split())
