"""Slips in the rules of a book, one at a time, and whether the book's own tests and guarantees notice them.

`make mutants` runs it on the example book:

    python tests/support/mutants.py [BOOK] [--least PERCENT]

A mutant is the book with one operator, one bound, one priority or one consent changed. Those count that
change what somebody sees; of each that is not caught, a request is shown that gets another answer.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any as Anything

from tailored.book.load import check_book
from tailored.book.model import Rule, RuleBook
from tailored.book.source import read_sources
from tailored.condition.english import in_words
from tailored.condition.tree import All, Any, Condition, Logic, Not, Op, Size, Test, leaves
from tailored.condition.types import Duration, Version, as_text, parse_version
from tailored.engine.decision import Decision
from tailored.engine.engine import Engine
from tailored.testing.expect import is_met

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SEARCHED = 3_000
"""Generated requests that are asked where the prover cannot tell whether a mutant means the same."""

FLIPPED = {
    Op.IS: (Op.IS_NOT,),
    Op.IS_NOT: (Op.IS,),
    Op.ONE_OF: (Op.NONE_OF,),
    Op.NONE_OF: (Op.ONE_OF,),
    Op.AT_LEAST: (Op.MORE_THAN, Op.LESS_THAN),
    Op.MORE_THAN: (Op.AT_LEAST, Op.AT_MOST),
    Op.AT_MOST: (Op.LESS_THAN, Op.MORE_THAN),
    Op.LESS_THAN: (Op.AT_MOST, Op.AT_LEAST),
    Op.BEFORE: (Op.AFTER,),
    Op.AFTER: (Op.BEFORE,),
    Op.IN_THE_LAST: (Op.NOT_IN_THE_LAST,),
    Op.NOT_IN_THE_LAST: (Op.IN_THE_LAST,),
    Op.CONTAINS_ANY: (Op.CONTAINS_ALL, Op.CONTAINS_NONE),
    Op.CONTAINS_ALL: (Op.CONTAINS_ANY, Op.CONTAINS_NONE),
    Op.CONTAINS_NONE: (Op.CONTAINS_ANY,),
    Op.STARTS_WITH: (Op.ENDS_WITH, Op.CONTAINS),
    Op.ENDS_WITH: (Op.STARTS_WITH, Op.CONTAINS),
}
"""The operators that somebody could have written in place of another one, for the same operand."""


@dataclass(frozen=True)
class Mutant:
    """A book with one slip, and what that is in words."""

    kind: str
    of: str
    says: str
    book: RuleBook

    def __str__(self) -> str:
        return f"{self.kind:<9} {self.of}: {self.says}"


def mutants(book: RuleBook) -> Iterator[Mutant]:
    """The mutants of a book: of its rules, and of the segments and the labels that they rest on."""
    for rule in book.rules:
        for kind, says, when in _slips(rule.when):
            yield Mutant(kind, rule.id, says, with_rule(book, replace(rule, when=when)))
        for says, other in _other_schedules(rule):
            yield Mutant("bound", rule.id, says, with_rule(book, other))
        for priority in (0, 1000):
            if priority != rule.priority:
                says = f"priority {rule.priority} becomes {priority}"
                yield Mutant("priority", rule.id, says, with_rule(book, replace(rule, priority=priority)))
        if rule.topics:
            says = "needs no consent any more"
            yield Mutant("consent", rule.id, says, with_rule(book, replace(rule, topics=())))
        else:
            says = "needs consent for health"
            yield Mutant("consent", rule.id, says, with_rule(book, replace(rule, topics=("health",))))
    for segment in book.segments.values():
        for kind, says, when in _slips(segment.when):
            changed = {**book.segments, segment.id: replace(segment, when=when)}
            yield Mutant(kind, segment.id, says, replace(book, segments=changed))
    for section in ("segments", "content", "attributes"):
        things = getattr(book, section)
        for name, thing in things.items():
            if thing.topics:
                changed = {**things, name: replace(thing, topics=())}
                yield Mutant(
                    "consent", name, "needs no consent any more", replace(book, **{section: changed})
                )


def with_rule(book: RuleBook, changed: Rule) -> RuleBook:
    """The book with another rule in the place of the one of the same id."""
    rules = [changed if rule.id == changed.id else rule for rule in book.rules]
    first = lambda rule: (-rule.priority, rule.span.path.split("/"), rule.span.line)  # noqa: E731
    return replace(book, rules=tuple(sorted(rules, key=first)))


def _slips(condition: Condition) -> Iterator[tuple[str, str, Condition]]:
    """A condition with one slip each: the kind, what it is, and the condition."""
    if isinstance(condition, Test):
        for kind, other in _other_tests(condition):
            yield kind, f"{in_words(condition)}, becomes {in_words(other)}", other
    elif isinstance(condition, Not):
        yield "operator", f"not ({in_words(condition.part)}) loses its not", condition.part
        for kind, says, part in _slips(condition.part):
            yield kind, says, Not(part)
    elif isinstance(condition, All | Any):
        if len(condition.parts) > 1:
            flipped = Any if isinstance(condition, All) else All
            yield (
                "operator",
                f"{type(condition).__name__} becomes {flipped.__name__}",
                flipped(condition.parts),
            )
        for place, part in enumerate(condition.parts):
            for kind, says, other in _slips(part):
                parts = (*condition.parts[:place], other, *condition.parts[place + 1 :])
                yield kind, says, type(condition)(parts)
    else:  # a segment, or `logic:`
        yield "operator", f"{in_words(condition)}, becomes its opposite", Not(condition)


def _other_tests(test: Test) -> Iterator[tuple[str, Test]]:
    if test.op is Op.KNOWN:
        yield "operator", replace(test, operand=not test.operand)
    elif isinstance(test.operand, Size):
        for op in FLIPPED.get(test.operand.op, ()):
            yield "operator", replace(test, operand=replace(test.operand, op=op))
        for bound in _near(test.operand.operand):
            yield "bound", replace(test, operand=replace(test.operand, operand=bound))
    else:
        for op in FLIPPED.get(test.op, ()):
            yield "operator", replace(test, op=op)
        if test.op in _BOUNDED:
            yield from (("bound", replace(test, operand=bound)) for bound in _near(test.operand))


_BOUNDED = {
    Op.AT_LEAST,
    Op.MORE_THAN,
    Op.AT_MOST,
    Op.LESS_THAN,
    Op.BETWEEN,
    Op.BEFORE,
    Op.AFTER,
    Op.IN_THE_LAST,
    Op.NOT_IN_THE_LAST,
}


def _near(operand: Anything) -> Iterator[Anything]:
    """The bounds just beside a bound."""
    if isinstance(operand, tuple):
        low, high = operand
        yield from ((other, high) for other in _near(low))
        yield from ((low, other) for other in _near(high))
    elif isinstance(operand, Duration):
        yield replace(operand, count=operand.count + 1)
        if operand.count > 1:
            yield replace(operand, count=operand.count - 1)
    elif isinstance(operand, date):
        yield operand + timedelta(days=1)
        yield operand - timedelta(days=1)
    elif isinstance(operand, Version):
        major, minor = [int(part) for part in f"{operand.text}.0".split(".")[:2]]
        yield parse_version(f"{major}.{minor + 1}")
        if minor:
            yield parse_version(f"{major}.{minor - 1}")
    elif isinstance(operand, int | float) and not isinstance(operand, bool):
        yield operand + 1
        yield operand - 1


def _other_schedules(rule: Rule) -> Iterator[tuple[str, Rule]]:
    for key, word in (("start", "from"), ("end", "until")):
        moment = getattr(rule, key)
        if moment is not None:
            for days in (-1, 1):
                later = moment + timedelta(days=days)
                yield f"{word} {moment.date()} becomes {later.date()}", replace(rule, **{key: later})


def answer(decision: Decision) -> Anything:
    """What of a decision somebody sees: what is placed and set, whoever decided it."""
    slots = [
        (one.hidden, one.content, one.fields, [(item.content, item.fields) for item in one.items], one.order)
        for one in decision.slots.values()
    ]
    return slots, [setting.value for setting in decision.settings.values()]


class Requests:
    """Generated requests about a book: values at and beside its constants, some missing."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._pool: dict[str, list[Anything]] = {}
        conditions = [rule.when for rule in book.rules] + [one.when for one in book.segments.values()]
        for leaf in (leaf for condition in conditions for leaf in leaves(condition)):
            if isinstance(leaf, Test):
                self._pool.setdefault(leaf.attribute.key, []).extend(_samples(leaf))
            elif isinstance(leaf, Logic):
                for attribute in leaf.reads:
                    self._pool.setdefault(attribute.key, []).extend((1, 20, 300))
        self._pool = {key: pool for key, pool in self._pool.items() if pool}
        self._moments = [NOW] + [
            moment + step
            for rule in book.rules
            for moment in (rule.start, rule.end)
            if moment
            for step in (timedelta(), -timedelta(hours=1))
        ]
        self._flags = sorted({topic.consent for topic in book.topics.values() if topic.consent})

    def some(
        self, number: int, seed: str
    ) -> Iterator[tuple[dict[str, Anything], dict[str, Anything], datetime]]:
        """So many requests, the same for the same seed."""
        chance = random.Random(seed)
        for _ in range(number):
            now = chance.choice(self._moments) if chance.random() < 0.3 else NOW
            request: dict[str, dict[str, Anything]] = {"user": {}, "context": {}}
            for key, pool in self._pool.items():
                attribute = self._book.attributes[key]
                if chance.random() < 0.4:
                    continue
                if attribute.type.startswith("list of"):
                    members = [one for one in pool if not isinstance(one, list)]
                    lists = [one for one in pool if isinstance(one, list)]
                    many = chance.choice(lists) if lists and chance.random() < 0.3 else []
                    value: Anything = [*many, *chance.sample(members, min(len(members), chance.randrange(4)))]
                else:
                    value = chance.choice(pool)
                if callable(value):
                    value = value(now)
                _put(request[attribute.side], attribute.path or (attribute.name,), value)
            request["user"]["consents"] = {
                flag: True for flag in self._flags if flag in ("health", "finance") and chance.random() < 0.5
            }
            yield request["user"], request["context"], now


def _put(data: dict[str, Anything], path: tuple[str, ...], value: Anything) -> None:
    for name in path[:-1]:
        data = data.setdefault(name, {})
    data[path[-1]] = value


def _samples(test: Test) -> Iterator[Anything]:
    """Values for which a test, or a slip of it, says different things."""
    operand = test.operand
    if test.op is Op.KNOWN:
        return
    if isinstance(operand, Size):
        number = operand.operand if isinstance(operand.operand, int) else 3
        yield from (
            [str(one) for one in range(size)] for size in (number - 1, number, number + 1) if size >= 0
        )
    elif isinstance(operand, Duration):
        for days in (-1, 0, 1):
            for second in (-1, 0, 1):
                yield _ago(operand.length + timedelta(days=days, seconds=second))
        yield _ago(operand.length * 3)
    elif test.op in (Op.STARTS_WITH, Op.ENDS_WITH, Op.CONTAINS, Op.LIKE) and isinstance(operand, str):
        piece = operand.replace("*", "x")
        yield from (piece, f"{piece} z", f"z {piece}", "z")
    else:
        for one in operand if isinstance(operand, tuple) else (operand,):
            yield from map(_as_request, (one, *_near(one)))
        yield _as_request("something else") if isinstance(operand, str) else _as_request(operand)


def _ago(length: timedelta) -> Callable[[datetime], str]:
    return lambda now: as_text(now - length)


def _as_request(value: Anything) -> Anything:
    if isinstance(value, tuple):
        return _as_request(value[0])
    if isinstance(value, date):
        return as_text(value)
    return str(value) if isinstance(value, Version) else value


@dataclass(frozen=True)
class Judged:
    """A mutant, whether it was caught, and a request that tells it from the book (None where none does)."""

    mutant: Mutant
    caught: bool
    witness: Anything


def judge(engine: Engine, mutant: Mutant, requests: Requests) -> Judged:
    """Runs the tests of an engine's book on a mutant, and finds a request that gets another answer.

    Guarantees are asked about what tests do not notice, as proving takes longer.
    """
    other = Engine(mutant.book)
    caught = False
    for test in engine.book.tests:
        asked = test.user, test.context, test.now or NOW
        decision = other.evaluate(*asked)
        if not all(is_met(one, decision) for one in test.expect):
            caught = True
            if answer(decision) != answer(engine.evaluate(*asked)):
                return Judged(mutant, True, asked)
    witness = told_apart(engine, other, mutant, requests)
    return Judged(mutant, caught or (witness is not None and breaks_a_guarantee(mutant.book)), witness)


def told_apart(engine: Engine, other: Engine, mutant: Mutant, requests: Requests) -> Anything:
    """A request that gets another answer from a mutant: the prover's, or, without it, one of many."""
    try:
        from tailored.proof.difference import difference
    except ModuleNotFoundError:
        print("Z3 is not installed: whether slips change anything is searched, not proven.", file=sys.stderr)
    else:
        found = difference(engine.book, mutant.book, NOW)
        changes = [*found.slots.values(), *found.settings.values()]
        if found.changed:
            return next(change.witness for change in changes if change.witness is not None)
        if not found.unproven:
            return None
    for asked in requests.some(SEARCHED, str(mutant)):
        if answer(other.evaluate(*asked)) != answer(engine.evaluate(*asked)):
            return asked
    return None


def breaks_a_guarantee(book: RuleBook) -> bool:
    """Whether a guarantee of a book does not hold; False where it has none."""
    if not book.guarantees:
        return False
    from tailored.proof.prove import prove

    return "broken" in prove(book, now=NOW).guarantees.values()


def report(judged: Iterable[Judged]) -> tuple[str, float]:
    """The result in words, and the share that was caught of the mutants that change what somebody sees."""
    every = list(judged)
    real = [one for one in every if one.witness is not None]
    caught = [one for one in real if one.caught]
    lines = [f"not caught  {one.mutant}\n            seen by {one.witness}" for one in real if not one.caught]
    kinds = Counter(one.mutant.kind for one in real)
    good = Counter(one.mutant.kind for one in caught)
    lines += [f"{kind:<9} {good[kind]} of {kinds[kind]} caught" for kind in sorted(kinds)]
    share = 100 * len(caught) / len(real) if real else 100.0
    same = len(every) - len(real)
    lines.append(
        f"{len(caught)} of {len(real)} mutants that change what somebody sees are caught: {share:.1f}% "
        f"({same} more change nothing)"
    )
    return "\n".join(lines), share


def main() -> None:
    """Judges every mutant of a book, and exits with 1 where fewer than the least were caught."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("book", nargs="?", default="rules")
    options.add_argument("--least", type=float, default=90)
    given = options.parse_args()
    book, found = check_book(read_sources(given.book), folder=given.book)
    if found.errors:
        sys.exit(found.to_text(f"{given.book}/"))
    engine, requests = Engine(book), Requests(book)
    said, share = report(judge(engine, mutant, requests) for mutant in mutants(book))
    print(said)
    sys.exit(share < given.least)


if __name__ == "__main__":
    main()
