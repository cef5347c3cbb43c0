"""The formats that commands print: one function for each, from outcomes and the book's folder to text."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from importlib import import_module

from tailored.book.diagnostics import block_of, split_lines
from tailored.report.outcome import Finding, Outcome

FORMATS = ("text", "json", "sarif", "junit", "github", "markdown")


def written(form: str, outcomes: Sequence[Outcome], folder: str) -> str:
    """Outcomes in one of FORMATS, without a line end. `folder` is the book's, as the user named it."""
    if form == "text":
        return to_text(outcomes, folder)
    if form == "json":
        return to_json(outcomes)
    # each is loaded when it is asked for: an editor asks for text or JSON at every stroke
    write: Callable[[Sequence[Outcome], str], str] = getattr(
        import_module(f"tailored.report.{form}"), f"to_{form}"
    )
    return write(outcomes, folder).removesuffix("\n")


def to_json(outcomes: Sequence[Outcome]) -> str:
    """The data of one outcome; of several, by their commands."""
    if len(outcomes) == 1:
        return json.dumps(outcomes[0].data, indent=2)
    return json.dumps({outcome.command: outcome.data for outcome in outcomes}, indent=2)


def to_text(outcomes: Sequence[Outcome], folder: str) -> str:
    """Findings with their lines and a caret, then what else there is to say, then the closing line."""
    if len(outcomes) == 1:
        return _one(outcomes[0], folder)
    return "\n\n".join(f"== {outcome.command} ==\n\n{_one(outcome, folder)}" for outcome in outcomes)


def _one(outcome: Outcome, folder: str) -> str:
    lines: dict[str, list[str]] = {}
    blocks = [_shown(finding, outcome, lines, folder) for finding in outcome.every_finding()]
    return "\n\n".join([*blocks, *filter(None, [outcome.notes]), outcome.summary])


def _shown(finding: Finding, outcome: Outcome, lines: dict[str, list[str]], folder: str) -> str:
    path = finding.span.path if finding.span else ""
    if path not in lines:
        lines[path] = split_lines(outcome.texts.get(path, ""))
    shown = block_of(finding, lines[path], os.path.join(folder, ""))
    details = [f"     {line}".rstrip() for line in finding.details.splitlines()]
    return "\n".join([shown, *details])
