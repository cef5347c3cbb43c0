"""A difference for people and for machines: a finding for each slot and setting that changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tailored.book.diagnostics import Span
from tailored.book.model import Rule, RuleBook
from tailored.proof.difference import CHANGED, SAME, UNPROVEN, Change, Difference, bearing
from tailored.proof.traffic import Share, Traffic
from tailored.report.outcome import Case, Finding, Outcome

MOST_RULES = 20
"""How many rules of one slot are pointed at."""


def outcome_of(
    found: Difference,
    old: RuleBook,
    new: RuleBook,
    texts: Mapping[str, str],
    seen: Traffic | None = None,
    failing: bool = False,
) -> Outcome:
    """What a command shows of a difference: a case for each slot and setting. `texts` are the new book's."""
    data = found.to_dict() if seen is None else {**found.to_dict(), "traffic": seen.to_dict()}
    cases = tuple(
        Case(name, kind, _declared(name, new), tuple(_findings(name, kind, change, old, new, seen)))
        for kind, changes in (("slot", found.slots), ("setting", found.settings))
        for name, change in changes.items()
    )
    return Outcome(
        "diff",
        (),
        _summary(found),
        cases,
        texts,
        data,
        notes="" if seen is None else _shares(seen),
        failing=failing and (found.changed or found.unproven),
    )


def _summary(found: Difference) -> str:
    kinds = [
        (changes, noun) for changes, noun in ((found.slots, "slot"), (found.settings, "setting")) if changes
    ]
    every = [change.status for changes, _ in kinds for change in changes.values()]
    if all(status == SAME for status in every):
        of = " and ".join(_count(len(changes), noun) for changes, noun in kinds)
        return f"No change in meaning: proven for {of or 'an empty book'}."
    parts = []
    for changes, noun in kinds:
        changed = sum(change.status == CHANGED for change in changes.values())
        parts.append(f"{changed} of {_count(len(changes), noun)}")
    return f"{' and '.join(parts)} changed in meaning; {every.count(SAME)} proven the same."


def _findings(
    name: str, kind: str, change: Change, old: RuleBook, new: RuleBook, seen: Traffic | None
) -> Iterator[Finding]:
    """What there is to say of a slot or a setting, first at a rule that is not as before."""
    rules, gone = _changed_rules(name, old, new)
    first = rules[0].span if rules else _declared(name, new)
    about = {kind: name, "rules": [rule.id for rule in rules], "gone": gone}
    if change.status == UNPROVEN:
        is_ranked = any(name in rule.rank for book in (old, new) for rule in book.rules)
        on = "what a scorer answers" if is_ranked else "a `logic:`"
        message = f"{name}: could not be decided; it hangs on {on}"
        yield Finding("meaning-unproven", "warning", message, span=first, more=about)
    if change.status != CHANGED:
        return
    when = f" when {change.when}" if change.when else ""
    message = f"{name}: changed{when}".replace(" when always", " for everybody")
    lines = [f"old  {_answer(change.old)}", f"new  {_answer(change.new)}"]
    if change.witness is not None:
        lines.append(f"such as {json.dumps(change.witness.to_dict(), ensure_ascii=False)}")
    if seen is not None and name in seen.targets:
        lines.append(f"{_share(seen.targets[name])} of the recorded requests")
    yield Finding(
        "meaning-changed", "warning", message, "", first, "\n".join(lines), {**about, **change.to_dict()}
    )
    for rule in rules[1:MOST_RULES]:
        message = f"{name}: `{rule.id}` is part of this change, too."
        yield Finding(
            "meaning-changed", "warning", message, span=rule.span, more={kind: name, "rule": rule.id}
        )


def _changed_rules(name: str, old: RuleBook, new: RuleBook) -> tuple[list[Rule], list[str]]:
    """The rules that bear on a slot or a setting as none of the old book does, and the ids of those gone."""

    def bears(rule: Rule) -> bool:
        return name in (*rule.show, *rule.rank, *rule.hide, *rule.order, *rule.set)

    were, are = (
        [(rule, repr((bearing(rule, name), rule.priority))) for rule in book.rules if bears(rule)]
        for book in (old, new)
    )
    before, after = ({said for _, said in rules} for rules in (were, are))
    changed = [rule for rule, said in are if said not in before]
    return changed, [rule.id for rule, said in were if said not in after]


def _declared(name: str, book: RuleBook) -> Span | None:
    """Where a slot or a setting is declared."""
    declared = book.slots.get(name) or book.settings.get(name)
    return declared.span if declared is not None else None


def _shares(seen: Traffic) -> str:
    lines = [f"recorded requests: {_share(seen.every)} affected"]
    lines += [f"  of {name}: {_share(share)}" for name, share in seen.segments.items() if share.requests]
    if seen.unreadable:
        lines.append(f"  {_count(seen.unreadable, 'line')} held no request")
    return "\n".join(lines)


def _share(share: Share) -> str:
    return f"{share.affected:,} of {share.requests:,} ({share.share:.1%})"


def _answer(answer: Any) -> str:
    if answer is None:
        return "(nothing)"
    if answer == "hidden":
        return "(hidden)"
    if isinstance(answer, dict) and "content" in answer:
        return _content(answer)
    if isinstance(answer, list):
        return (
            ", ".join(_content(one) if isinstance(one, dict) else str(one) for one in answer) or "(nothing)"
        )
    return json.dumps(answer, ensure_ascii=False) if isinstance(answer, bool) else str(answer)


def _content(answer: dict[str, Any]) -> str:
    fields = json.dumps(answer["fields"], ensure_ascii=False)
    return f"{answer['content']} {fields if len(fields) <= 100 else fields[:99] + '…'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
