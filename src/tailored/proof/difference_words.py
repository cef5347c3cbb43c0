"""A difference for people and for machines: a finding for each slot and setting that changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tailored.book.diagnostics import Span
from tailored.book.model import RuleBook
from tailored.condition.english import joined
from tailored.proof.changed import Part, declared, other_scorers, parts_of_change
from tailored.proof.difference import CHANGED, SAME, UNPROVEN, Change, Difference
from tailored.proof.reader import scorers_of
from tailored.proof.traffic import Share, Traffic
from tailored.report.outcome import Case, Finding, Outcome

MOST_PARTS = 20
"""How many rules, segments and content of one slot are pointed at."""
_KEYS = {"rules": "rule", "segments": "segment", "content": "content", "catalogs": "catalog"}
"""By the key under which a finding lists them, what is part of a change."""


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
    """What there is to say of a slot or a setting, first at something that is not as before."""
    parts, gone = parts_of_change(name, old, new)
    before, after = list(_shown(change.old)), list(_shown(change.new))

    def order(part: Part) -> int:
        """First content that the witness sees, where nothing else differs for it; last what it does not."""
        if part.what != "content":
            return 1
        return 2 if part.id not in (*before, *after) else 0 if before == after else 1

    parts.sort(key=order)
    first = parts[0].span if parts else _declared(name, new)
    ids = {key: [part.id for part in parts if part.what == what] for key, what in _KEYS.items()}
    about = {kind: name, "gone": gone, **ids}
    rankings = [(book, rule.rank[name]) for book in (old, new) for rule in book.rules if name in rule.rank]
    if change.status == UNPROVEN:
        on = "which candidates a ranking finds" if rankings else "a `logic:`"
        if any(scorers_of(book, ranking) for book, ranking in rankings):
            on = "what a scorer answers"
        others = other_scorers(name, old, new)
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
    if parts and parts[0].how:
        message += f", as `{parts[0].id}` {parts[0].how}"
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
    for part in parts[1:MOST_PARTS]:
        how = f"; it {part.how}" if part.how else ""
        message = f"{name}: `{part.id}` is part of this change, too{how}."
        more = {kind: name, part.what: part.id}
        yield Finding("meaning-changed", "warning", message, span=part.span, more=more)


def _shown(answer: Any) -> Iterator[str]:
    """The content in an answer of a slot."""
    for one in answer if isinstance(answer, list) else [answer]:
        if isinstance(one, dict) and one["content"] is not None:
            yield one["content"]


def _declared(name: str, book: RuleBook) -> Span | None:
    """Where a slot or a setting is declared."""
    thing = declared(name, book)
    return thing.span if thing is not None else None


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
