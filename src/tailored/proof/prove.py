"""Everything that can be proven of a book, in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tailored.book.diagnostics import Report
from tailored.book.load import collector_paused
from tailored.book.model import RuleBook
from tailored.condition.english import joined
from tailored.condition.types import midnight
from tailored.proof.allow import silenced
from tailored.proof.guarantees import check_guarantees
from tailored.proof.proof import Proof, begin, nothing
from tailored.proof.rules import check_rules
from tailored.proof.segments import check_segments
from tailored.proof.slots import check_slots
from tailored.report.outcome import Finding, Outcome


@dataclass(frozen=True, slots=True)
class Proven:
    """What came of it: the findings by place, and the questions that stayed open, as a code and an id."""

    findings: tuple[Finding, ...]
    undecided: tuple[tuple[str, str], ...]
    guarantees: Mapping[str, str]
    """`proven`, `broken` or `unproven`, by guarantee; the one that is built in comes first."""
    open_for: str = ""
    """What the open questions may hang on, in words."""


@collector_paused()
def prove(book: RuleBook, progress: Callable[[int], None] = nothing, now: datetime | None = None) -> Proven:
    """All findings about a book. `progress` is told how many more of `steps_of` are done; witnesses are at
    the moment `now` if they can be (the beginning of today, unless given)."""
    asked = [guarantee.when for guarantee in book.guarantees.values()]
    proof = begin(book, asked, progress, now or midnight(datetime.now(UTC).date()))
    status: dict[str, str] = {}
    findings = silenced(book, list(_checked(proof, status)), proof.undecided)
    return Proven(
        tuple(sorted(findings, key=_by_place)), tuple(sorted(proof.undecided)), status, _open_for(proof)
    )


def _open_for(proof: Proof) -> str:
    on = ["on a `logic:`, which you may write as tests"] if proof.symbols.logics else []
    on += ["on what a ranking chooses"] if any(rule.rank for rule in proof.book.rules) else []
    return f"it hangs {joined(on, 'or')}" if on else "the search for an answer takes too long"


def steps_of(book: RuleBook) -> int:
    """How many steps proving a book takes: one for each rule, and one for each thing that it gives."""
    given = sum(len(rule.show) + len(rule.rank) + len(rule.order) + len(rule.set) for rule in book.rules)
    return given + len(book.rules)


def _checked(proof: Proof, status: dict[str, str]) -> Iterator[Finding]:
    yield from check_rules(proof)
    yield from check_segments(proof)
    yield from check_slots(proof)
    yield from check_guarantees(proof, status)


def _by_place(finding: Finding) -> tuple[object, ...]:
    span = finding.span
    assert span is not None
    return (span.path.split("/"), span, finding.code)


def outcome_of(proven: Proven, report: Report, strict: bool = False) -> Outcome:
    """What a command shows of it. `report` is the validator's, whose errors come first."""
    errors = [Finding.of(finding) for finding in report.diagnostics if finding.severity == "error"]
    findings = [
        replace(finding, severity="error") if strict and finding.severity == "warning" else finding
        for finding in (*errors, *proven.findings)
    ]
    counts = {
        f"{kind}s": sum(finding.severity == kind for finding in findings)
        for kind in ("error", "warning", "note")
    }
    data = {
        "diagnostics": [finding.to_dict() for finding in findings],
        **counts,
        "guarantees": dict(proven.guarantees),
        "undecided": [{"code": code, "id": id_} for code, id_ in proven.undecided],
    }
    found = [
        f"{counts[f'{kind}s']} {kind}{'s' * (counts[f'{kind}s'] != 1)}"
        for kind in ("error", "warning")
        if counts[f"{kind}s"]
    ]
    said = " and ".join(found) if found else "Nothing to report"
    return Outcome("prove", tuple(findings), f"{said}.", texts=report.texts, data=data, notes=_notes(proven))


def _notes(proven: Proven) -> str:
    """What became of the guarantees, and what stayed open."""
    lines = [f"{status:<8}  {name}" for name, status in proven.guarantees.items()]
    lines += [f"undecided  whether {_OPEN[code].format(id_)}" for code, id_ in proven.undecided]
    if proven.undecided:
        lines.append(f"           ({proven.open_for})")
    return "\n".join(lines)


_OPEN = {
    "never-fires": "the rule `{}` can ever fire",
    "never-wins": "the rule `{}` can ever win",
    "ambiguous": "the rule `{}` can meet another of its priority",
    "segment-always": "everybody is in the segment `{}`",
    "segment-never": "anybody can be in the segment `{}`",
    "segment-equal": "the segment `{}` is the same as another",
    "slot-may-be-empty": "the slot `{}` can end up empty",
}
"""What is open of each code, in words."""
