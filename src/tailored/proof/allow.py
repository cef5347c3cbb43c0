"""What a book allows: findings with a reason are silent, and a reason that silences nothing is a finding."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from tailored.book.model import Allowance, RuleBook
from tailored.report.outcome import Finding


def silenced(
    book: RuleBook, findings: list[Finding], undecided: Collection[tuple[str, str]]
) -> Iterator[Finding]:
    """The findings that no `allow` silences, and one for each `allow` that silences none.

    What several things cause together (`ambiguous`, `segment-equal`) either of them may allow.
    """
    allowed = dict(_allowances(book))
    used: set[tuple[str, str, str]] = set()
    for finding in findings:
        kind, id_ = next((kind, finding.more[kind]) for kind in _KINDS if kind in finding.more)
        if (kind, id_, finding.code) in allowed:
            used.add((kind, id_, finding.code))
            used |= {
                key
                for other in finding.more.get("others", ())
                if (key := (kind, other, finding.code)) in allowed
            }
            continue
        yield from _without_others(finding, kind, allowed, used)
    for (kind, id_, code), allowance in allowed.items():
        if (kind, id_, code) not in used and (code, id_) not in undecided:
            yield Finding(
                "unused-allow",
                "warning",
                f"`{id_}` allows `{code}`, and there is nothing to allow.",
                "Take it out: it would hide the next finding of that kind.",
                allowance.span,
                more={kind: id_, "others": [], "witness": None},
            )


_KINDS = ("rule", "segment", "slot", "guarantee")
_MUTUAL = ("ambiguous", "segment-equal")


def _without_others(
    finding: Finding,
    kind: str,
    allowed: Mapping[tuple[str, str, str], Allowance],
    used: set[tuple[str, str, str]],
) -> Iterator[Finding]:
    """A finding, but where all of its others allow it."""
    keys = {(kind, other, finding.code) for other in finding.more.get("others", ())}
    if finding.code in _MUTUAL and keys and keys <= allowed.keys():
        used |= keys
    else:
        yield finding


def _allowances(book: RuleBook) -> Iterator[tuple[tuple[str, str, str], Allowance]]:
    for kind, things in (
        ("rule", book.rules),
        ("segment", book.segments.values()),
        ("slot", book.slots.values()),
        ("guarantee", book.guarantees.values()),
    ):
        for thing in things:
            for code, allowance in thing.allow.items():
                yield (kind, thing.id, code), allowance
