"""What a run of a book's tests comes to: cases, coverage, and both as JSON, text and Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tailored.book.model import RuleBook
from tailored.engine.engine import Engine
from tailored.report.markdown import code, prose
from tailored.report.outcome import Case, Finding, Outcome
from tailored.testing.coverage import Coverage, Goal
from tailored.testing.run import run
from tailored.testing.select import Selects

MOST_LISTED = 30
"""How many goals that no test has reached are told of each kind; machines get all of them."""

_HEADS = {
    "rule": "Rules that no test has tried",
    "segment": "Segments that no test has tried",
    "operator": "Boundaries that no test has tried",
}


def outcome_of(
    book: RuleBook,
    texts: Mapping[str, str],
    now: datetime,
    selects: Selects | None = None,
    min_coverage: float | None = None,
) -> Outcome:
    """Runs the tests of a book without errors; `selects` those that count, else all, with coverage.

    Less than `min_coverage` percent is a finding.
    """
    engine = Engine(book, warm=False)
    coverage = Coverage(engine) if selects is None else None
    chosen = [test for test in book.tests if selects is None or selects(test.id)]
    cases = run(engine, chosen, now, coverage.see if coverage else None)
    findings = []
    if min_coverage is not None and coverage is not None and not coverage.percent >= min_coverage:
        message = f"The tests cover {_percent(coverage)}, and {min_coverage:g}% is the least."
        findings.append(Finding("low-coverage", "error", message, "Try what is listed as never tried."))
    failed = sum(bool(case.failures) for case in cases)
    return Outcome(
        "test",
        tuple(findings),
        _summary(len(cases), failed, coverage),
        tuple(cases),
        texts,
        _data(cases, failed, coverage),
        _text(coverage) if coverage else "",
        _markdown(coverage) if coverage else "",
    )


def _summary(number: int, failed: int, coverage: Coverage | None) -> str:
    if not number:
        return "No tests." if coverage else "No tests of that name."
    tests = f"{number} test{'s' * (number != 1)}"
    said = f"{failed} of {tests} failed" if failed else f"{tests} passed"
    return f"{said}; they cover {_percent(coverage)}." if coverage and coverage.goals else f"{said}."


def _percent(coverage: Coverage) -> str:
    """The coverage, rounded so that only all of it is 100%."""
    reached = len(coverage.goals) - len(coverage.left)
    return f"{int(coverage.percent * 10) / 10:g}% ({reached} of {len(coverage.goals)})"


def _data(cases: Sequence[Case], failed: int, coverage: Coverage | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "tests": [
            {
                "name": case.name,
                "test": case.group,
                "passed": not case.failures,
                "path": case.span.path if case.span else None,
                "line": case.span.line if case.span else None,
                "failures": [finding.to_dict() | {"details": finding.details} for finding in case.failures],
            }
            for case in cases
        ],
        "passed": len(cases) - failed,
        "failed": failed,
        "coverage": None,
    }
    if coverage is not None:
        data["coverage"] = {
            "percent": round(coverage.percent, 2),
            "goals": len(coverage.goals),
            "left": [goal.to_dict() for goal in coverage.left],
        }
    return data


def _by_kind(coverage: Coverage) -> dict[str, list[Goal]]:
    found: dict[str, list[Goal]] = {}
    for goal in coverage.left:
        found.setdefault(goal.kind, []).append(goal)
    return found


def _text(coverage: Coverage) -> str:
    blocks = []
    for kind, goals in _by_kind(coverage).items():
        width = max(len(goal.of) for goal in goals[:MOST_LISTED])
        lines = [f"  {goal.of:<{width}}  never {goal.says}" for goal in goals[:MOST_LISTED]]
        lines += [f"  and {len(goals) - MOST_LISTED} more"] if len(goals) > MOST_LISTED else []
        blocks.append("\n".join([f"{_HEADS[kind]}:", *lines]))
    return "\n\n".join(blocks)


def _markdown(coverage: Coverage) -> str:
    blocks = []
    for kind, goals in _by_kind(coverage).items():
        lines = [f"- {code(goal.of)} never {prose(goal.says)}" for goal in goals[:MOST_LISTED]]
        lines += [f"- and {len(goals) - MOST_LISTED} more"] if len(goals) > MOST_LISTED else []
        told = "\n".join(lines)
        head = f"{_HEADS[kind]}: {len(goals)}"
        blocks.append(f"<details><summary>{head}</summary>\n\n{told}\n\n</details>")
    return "\n\n".join(blocks)
