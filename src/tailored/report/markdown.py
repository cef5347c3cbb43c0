"""Outcomes as Markdown that fits a comment on a pull request or the summary of a CI job."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tailored.report.outcome import Finding, Outcome, verdict
from tailored.report.places import in_terminal

MOST_FINDINGS = 50
"""How many findings of a command are listed, as a comment may not grow without end."""

_MARK = {"error": "❌", "warning": "⚠️", "note": "💬"}
_CODE = re.compile(r"(`+[^`]*`+)")
_ACTIVE = re.compile(r"([\\<>*_\[\]#|~])")


def to_markdown(outcomes: Sequence[Outcome], folder: str) -> str:
    """A section for each command; where there are several, a table of them comes first."""
    sections = [_section(outcome, folder) for outcome in outcomes]
    if len(outcomes) > 1:
        failed = any(outcome.failed for outcome in outcomes)
        rows = [f"| {_sign(one)} | {one.command} | {_cell(prose(one.summary))} |" for one in outcomes]
        table = "\n".join(["| | check | result |", "| --- | --- | --- |", *rows])
        sections = [f"## {'❌' if failed else '✅'} Tailored: {verdict(outcomes)}", table, *sections]
    return "\n\n".join(sections) + "\n"


def _sign(outcome: Outcome) -> str:
    if outcome.command == "diff" and any(outcome.every_finding()):
        return "🔀"  # a change of meaning is what most changes are for
    return "❌" if outcome.failed else "✅" if outcome.ran else "➖"


def _cell(text: str) -> str:
    """A text for one cell of a table."""
    return text.replace("\n", " ").replace("|", "\\|") if "\\|" not in text else text


def prose(text: str) -> str:
    """A sentence in which only code between backticks is markup, and nobody is notified by an `@`."""
    pieces = _CODE.split(text)
    return "".join(
        piece if number % 2 else _ACTIVE.sub(r"\\\1", piece).replace("@", "@\u200b").replace("`", "\\`")
        for number, piece in enumerate(pieces)
    )


def code(text: str) -> str:
    """A text between as many backticks as it needs."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def block(text: str, language: str = "text") -> str:
    """Lines as they stand, in a fence that nothing in them closes."""
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _section(outcome: Outcome, folder: str) -> str:
    every = list(outcome.every_finding())
    findings = [one for severity in ("error", "warning") for one in every if one.severity == severity]
    notes = [one for one in every if one.severity == "note"]
    parts = [f"### {_sign(outcome)} {outcome.command}: {prose(outcome.summary)}"]
    parts += [_finding(finding, folder) for finding in findings[:MOST_FINDINGS]]
    if len(findings) > MOST_FINDINGS:
        parts.append(f"… and {len(findings) - MOST_FINDINGS} more.")
    if notes:
        told = "\n\n".join(_finding(finding, folder) for finding in notes[:MOST_FINDINGS])
        parts.append(f"<details><summary>{len(notes)} to know</summary>\n\n{told}\n\n</details>")
    if outcome.markdown or outcome.notes:
        parts.append(outcome.markdown or block(outcome.notes))
    return "\n\n".join(parts)


def _finding(finding: Finding, folder: str) -> str:
    place = f"{code(in_terminal(folder, finding.span))} " if finding.span else ""
    said = [f"{_MARK[finding.severity]} {place}**{finding.code}**", prose(finding.message)]
    said += [prose(finding.hint)] if finding.hint else []
    shown = "  \n".join(said)
    return f"{shown}\n\n{block(finding.details)}" if finding.details else shown
