"""Proofs in English: which parts of a rule contradict each other, and whom a witness is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tailored.book.builtin import PERSONALIZATION, is_personal
from tailored.book.model import Rule, RuleBook
from tailored.condition.english import (
    agreeing,
    attribute_in_words,
    in_words,
    joined,
    shared_names,
    value_in_words,
)
from tailored.condition.normal import Both, Either, Literal, Normal
from tailored.condition.tree import All, Any, Condition, InSegment, Not, Op, Test
from tailored.condition.types import as_text
from tailored.proof.reader import Reader
from tailored.proof.replay import Replay
from tailored.proof.solving import Solver
from tailored.proof.symbols import Formula, Request


@dataclass(frozen=True, slots=True)
class Part:
    """Something that must hold for a rule to be used: a formula, and a clause of a sentence."""

    formula: Formula
    said: str
    kept: str = ""
    """What may keep it from holding whatever is known: the end of a clause."""
    mend: str = ""
    """What to do about that."""


def parts_of(rule: Rule, reader: Reader) -> Iterator[Part]:
    """All that must hold for a rule to be used, with the segments that it names taken apart."""
    yield from condition_parts(rule.when, reader)
    if rule.start is not None or rule.end is not None:
        yield Part(
            reader.symbols.awake(rule.start, rule.end), f"it is awake {schedule(rule.start, rule.end)}"
        )
    if rule.topics:
        said = f"it needs consent for {joined(rule.topics)}"
        yield Part(reader.open(rule.topics), said, mend="take its `topic` off, if it is not about that")
    if rule.purpose is not None:
        said = f"it is not for those who opted out of {rule.purpose}"
        mend = f"take its `purpose` off, if it is not for {rule.purpose}"
        yield Part(reader.permitted((), rule.purpose), said, mend=mend)
    if rule.id in reader.personal:
        said = f"it asks about the user, so it is not for those who opted out of {PERSONALIZATION}"
        mend = "let it ask about nothing of the user but opt-outs"
        yield Part(reader.permitted((), PERSONALIZATION), said, mend=mend)


def condition_parts(condition: Condition, reader: Reader) -> Iterator[Part]:
    """What must hold for a condition, with the segments that it names taken apart."""
    shared = shared_names(reader.book.attributes.values())
    for literal, through in _conjuncts(reader.normal(condition), reader, ""):
        said = in_words(condition_of(literal), shared)
        test = literal.leaf if isinstance(literal, Literal) else None
        labels = _labels(test, reader.book) if isinstance(test, Test) else ("", "")
        yield Part(reader.satisfied(literal), f"{said}{through}", *labels)


def _labels(test: Test, book: RuleBook) -> tuple[str, str]:
    """What may hide what a test asks about, and what to do about it."""
    one = test.attribute
    if test.op is Op.KNOWN and test.operand is False:
        return "", ""
    closed = [
        topic for topic in one.topics if book.topics[topic].sensitive and not book.topics[topic].consent
    ]
    if closed:
        kept = f"needs consent for {joined(closed)}, which nobody is asked for"
        return kept, f"take the `topic` off `{one.name}`, if it is not about that"
    purposes = [one.purpose] if one.purpose is not None else []
    purposes += [PERSONALIZATION] if is_personal(one) else []
    if purposes:
        return (
            f"hidden from those who opted out of {joined(purposes, 'or')}",
            f"do not ask about `{one.name}` here",
        )
    return "", ""


def _conjuncts(normal: Normal, reader: Reader, through: str) -> Iterator[tuple[Normal, str]]:
    if isinstance(normal, Both):
        for part in normal.parts:
            yield from _conjuncts(part, reader, through)
    elif isinstance(normal, Literal) and isinstance(normal.leaf, InSegment):
        name = normal.leaf.id
        within = f" ({'in' if normal.wanted else 'not in'} {name})"
        inner = reader.normal(reader.book.segments[name].when, normal.wanted)
        yield from _conjuncts(inner, reader, through or within)
    else:
        yield normal, through


def condition_of(normal: Normal) -> Condition:
    """The condition that a normal form stands for."""
    if isinstance(normal, Literal):
        return normal.leaf if normal.wanted else Not(normal.leaf)
    parts = tuple(condition_of(part) for part in normal.parts)
    return Any(parts) if isinstance(normal, Either) else All(parts)


def schedule(start: datetime | None, end: datetime | None) -> str:
    """From when, and until when, in words."""
    begins = f"from {day_or_moment(as_text(start))}" if start is not None else ""
    ends = f"until {day_or_moment(as_text(end))}" if end is not None else ""
    return f"{begins} {ends}".strip()


def day_or_moment(text: str) -> str:
    """A moment in UTC, as short as it can be said."""
    return (
        text.removesuffix("T00:00:00.000000Z")
        .replace(":00.000000Z", "")
        .replace("T", " ")
        .removesuffix(".000000Z")
    )


def contradiction(parts: Sequence[Part], kept: bool = False) -> str:
    """A sentence's end that says which parts exclude each other, and, where that counts, what keeps them."""
    said = {part.said: f" ({part.kept})" if kept and part.kept else "" for part in parts}
    if len(said) == 1:
        ((one, why),) = said.items()
        return f"{one if one.startswith('it ') else f'there is nobody of whom {one}'}{why}"
    return f"{joined([f'`{one}`{why}' for one, why in said.items()])} contradict each other"


def core_of(solver: Solver, parts: Sequence[Part]) -> list[Part]:
    """The fewest parts that exclude each other; none where all can hold together."""
    literals = [solver.literal(part.formula) for part in parts]
    if not solver.excluded(literals):
        return []
    left = solver.smallest(literals)
    return [
        part for part, literal in zip(parts, literals, strict=True) if any(one.eq(literal) for one in left)
    ]


def whom(request: Request, replay: Replay, *rules: Rule) -> str:
    """The person of a request in English: `country is NO and page is home`.

    The moment is told where any of some rules has a schedule.
    """
    book, facts = replay.book, replay.engine.facts(request.user, request.context, request.now)
    shared = shared_names(book.attributes.values())
    said = []
    for key, value in facts.values.items():
        attribute = book.attributes[key]
        name = attribute_in_words(attribute, shared)
        said.append(f"{name} {agreeing('is', attribute)} {value_in_words(value)}")
    hidden = [
        attribute_in_words(attribute, shared)
        for key, attribute in book.attributes.items()
        if key not in facts.values and facts.permissions.hiding(attribute) and _carries(request, attribute)
    ]
    if hidden:
        said.append(f"{joined(hidden)} {'is' if len(hidden) == 1 else 'are'} hidden by the guard")
    consents = [name for name, given in facts.permissions.consents.items() if given]
    if consents:
        said.append(f"consent for {joined(consents)} is given")
    if facts.permissions.everything:
        said.append("the opt-outs cannot be read")
    if any(rule.start is not None or rule.end is not None for rule in rules):
        said.append(f"it is {day_or_moment(request.now)}")
    return joined(said) if said else "nothing is known"


def shown(request: Request) -> str:
    """A witness as a line, ready for `tailored evaluate --request -`."""
    return f"witness: {json.dumps(request.to_dict(), ensure_ascii=False)}"


def _carries(request: Request, attribute: object) -> bool:
    holder: object = getattr(request, attribute.side)  # type: ignore[attr-defined]
    for step in attribute.path or (attribute.name,):  # type: ignore[attr-defined]
        holder = holder.get(step) if isinstance(holder, dict) else None
    return holder is not None
