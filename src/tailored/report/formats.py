"""The formats that commands print: one function for each, from outcomes and the book's folder to text."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from importlib import import_module

from tailored.book.diagnostics import block_of, split_lines
from tailored.report.outcome import Finding, Outcome, verdict
from tailored.report.places import in_terminal

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
    """Findings with their lines and a caret, then what else there is to say, then the closing line.

    Of several commands the end is a table of them, and what is to be done.
    """
    if len(outcomes) == 1:
        return _one(outcomes[0], folder)
    blocks = [f"== {outcome.command} ==\n\n{_one(outcome, folder)}" for outcome in outcomes]
    return "\n\n".join([*blocks, f"== all together ==\n\n{_together(outcomes, folder)}"])


def _together(outcomes: Sequence[Outcome], folder: str) -> str:
    width = max(len(outcome.command) for outcome in outcomes)
    lines = []
    for outcome in outcomes:
        word = "failed" if outcome.failed else "ok" if outcome.ran else "not run"
        lines.append(f"  {word:<7}  {outcome.command:<{width}}  {' '.join(outcome.summary.split())}")
    to_do = [_to_do(outcome, folder) for outcome in outcomes if outcome.failed and outcome.ran]
    return "\n".join([*lines, "", *to_do, f"Tailored: {verdict(outcomes)}."])


def _to_do(outcome: Outcome, folder: str) -> str:
    """Where the errors of a command begin, and how to see them by themselves."""
    errors = [finding for finding in outcome.every_finding() if finding.severity == "error"]
    places = [in_terminal(folder, finding.span) for finding in errors if finding.span is not None]
    many = f"{len(errors)} errors, the first" if len(errors) > 1 else "1 error"
    what = f"{many} at {places[0]}." if places else " ".join(error.message for error in errors[:1])
    command = " ".join(["tailored", outcome.command, folder, *filter(None, [outcome.options])])
    return f"{outcome.command}: {what} Mend it, and run `{command}` again."


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
