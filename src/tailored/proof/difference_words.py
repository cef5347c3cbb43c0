"""A difference for people and for machines: a finding for each slot and setting that changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from tailored.book.diagnostics import Span
from tailored.book.flows import read_by
from tailored.book.model import Rule, RuleBook, Scorer, Segment
from tailored.condition.english import joined
from tailored.proof.difference import CHANGED, SAME, UNPROVEN, Change, Difference, bearing
from tailored.proof.reader import as_asked, scorers_of
from tailored.proof.traffic import Share, Traffic
from tailored.report.outcome import Case, Finding, Outcome

MOST_RULES = 20
"""How many rules and segments of one slot are pointed at."""


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
    segments = _changed_segments(name, old, new)
    parts: list[tuple[str, Rule | Segment]] = [("rule", rule) for rule in rules]
    parts += [("segment", segment) for segment in segments]
    if _declared(name, old) is None:  # then all of its rules are new, as it is itself
        parts = []
    first = parts[0][1].span if parts else _declared(name, new)
    about = {
        kind: name,
        "rules": [rule.id for rule in rules],
        "gone": gone,
        "segments": [segment.id for segment in segments],
    }
    rankings = [(book, rule.rank[name]) for book in (old, new) for rule in book.rules if name in rule.rank]
    if change.status == UNPROVEN:
        on = "which candidates a ranking finds" if rankings else "a `logic:`"
        if any(scorers_of(book, ranking) for book, ranking in rankings):
            on = "what a scorer answers"
        others = _other_scorers(name, old, new)
        if others:
            verb = "is not as it was" if len(others) == 1 else "are not as they were"
            on += f", and {joined([f'`{one}`' for one in others])} {verb}"
        message = f"{name}: could not be decided; it hangs on {on}"
        scorer = next((new.scorers[one] for one in others if one in new.scorers), None)
        place = scorer.span if scorer and not parts else first
        yield Finding("meaning-unproven", "warning", message, span=place, more=about | {"scorers": others})
    if change.status != CHANGED:
        return
    when = f" when {change.when}" if change.when else " in what a ranking places" if rankings else ""
    message = f"{name}: changed{when}".replace(" when always", " for everybody")
    lines = [
        f"{which}  {_answer(answer, kind if _declared(name, book) else f'no {kind}')}"
        for which, answer, book in (("old", change.old, old), ("new", change.new, new))
    ]
    if change.witness is not None:
        lines.append(f"such as {json.dumps(change.witness.to_dict(), ensure_ascii=False)}")
    if seen is not None and name in seen.targets:
        lines.append(f"{_share(seen.targets[name])} of the recorded requests")
    yield Finding(
        "meaning-changed", "warning", message, "", first, "\n".join(lines), {**about, **change.to_dict()}
    )
    for what, part in parts[1:MOST_RULES]:
        message = f"{name}: `{part.id}` is part of this change, too."
        more = {kind: name, what: part.id}
        yield Finding("meaning-changed", "warning", message, span=part.span, more=more)


def _changed_segments(name: str, old: RuleBook, new: RuleBook) -> list[Segment]:
    """The segments that rules of a slot or a setting read, and that mean another thing than before."""
    read = {
        one.id: one
        for rule in new.rules
        if _bears(rule, name)
        for _, one in read_by(rule.when, new)
        if isinstance(one, Segment)
    }
    return [
        one
        for one in read.values()
        if (was := old.segments.get(one.id)) and (was.when, was.topics) != (one.when, one.topics)
    ]


def _bears(rule: Rule, name: str) -> bool:
    return name in (*rule.show, *rule.rank, *rule.hide, *rule.order, *rule.set)


def _changed_rules(name: str, old: RuleBook, new: RuleBook) -> tuple[list[Rule], list[str]]:
    """The rules that bear on a slot or a setting as none of the old book does (of the same rules, those that
    moved), and the ids of those gone."""
    were, are = (
        [(rule, repr((bearing(rule, name), rule.priority))) for rule in book.rules if _bears(rule, name)]
        for book in (old, new)
    )
    before, after = ({said for _, said in rules} for rules in (were, are))
    changed = [rule for rule, said in are if said not in before]
    gone = [rule.id for rule, said in were if said not in after]
    return changed or ([] if gone else _moved(were, are)), gone


def _moved(were: Sequence[tuple[Rule, str]], are: Sequence[tuple[Rule, str]]) -> list[Rule]:
    """The fewest rules that stand at another place among the same."""
    orders = [[said for _, said in rules] for rules in (were, are)]
    blocks = SequenceMatcher(None, orders[0], orders[1], autojunk=False).get_matching_blocks()
    kept = {place for block in blocks for place in range(block.b, block.b + block.size)}
    return [rule for place, (rule, _) in enumerate(are) if place not in kept]


def _other_scorers(name: str, old: RuleBook, new: RuleBook) -> list[str]:
    """The scorers that are asked about a slot and are not the same in both books."""
    asked: dict[str, list[Scorer | None]] = {}
    for book in (new, old):
        for ranking in (rule.rank[name] for rule in book.rules if name in rule.rank):
            for one in scorers_of(book, ranking):
                asked[one] = [each.scorers.get(one) for each in (old, new)]
    return [one for one, (before, after) in asked.items() if as_asked(before) != as_asked(after)]


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


def _answer(answer: Any, kind: str) -> str:
    """An answer of a `slot` or a `setting`; of neither, that there is none."""
    if kind not in ("slot", "setting"):
        return f"(there is {kind} of that name)"
    if kind == "setting":
        return json.dumps(answer, ensure_ascii=False)
    if answer == "hidden":
        return "(hidden)"
    if isinstance(answer, dict):
        return _content(answer)
    if answer and isinstance(answer[0], dict):
        return f"[{', '.join(map(_content, answer))}]"
    return ", ".join(answer) or "[] (nothing)"


def _content(answer: dict[str, Any]) -> str:
    if answer["content"] is None:
        return "(nothing)"
    fields = json.dumps(answer["fields"], ensure_ascii=False)
    return f"{answer['content']} {fields if len(fields) <= 100 else fields[:99] + '…'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
