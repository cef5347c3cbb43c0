"""What the tests of a book have tried, and what none of them has: rules, segments, and operators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any as Anything

from tailored.book.diagnostics import Span
from tailored.book.model import Rule, RuleBook
from tailored.condition.english import in_words, shared_names
from tailored.condition.kleene import Truth, truth
from tailored.condition.logic import evaluator
from tailored.condition.tree import (
    ALWAYS,
    All,
    Any,
    Condition,
    InSegment,
    Logic,
    Not,
    Op,
    Test,
)
from tailored.engine.decision import Decision, Placement
from tailored.engine.engine import Engine
from tailored.engine.facts import Facts, nested
from tailored.testing.boundaries import Tried, sides_of
from tailored.testing.rivals import losable_rules

_NEVER = Any(())


@dataclass(frozen=True, slots=True)
class Goal:
    """One thing that a test should try: `says` ends the sentence "`of` was never ...\"."""

    kind: str
    """`rule`, `segment` or `operator`."""
    of: str
    """The id of the rule or the segment."""
    says: str
    span: Span | None

    def to_dict(self) -> dict[str, Anything]:
        """The goal as JSON data."""
        place = (
            {"path": self.span.path, "line": self.span.line} if self.span else {"path": None, "line": None}
        )
        return {"kind": self.kind, "id": self.of, "never": self.says, **place}


@dataclass(frozen=True, slots=True)
class _Operator:
    """A side of a test in a condition: tried where the test alone decides what its rule or segment says."""

    goal: Goal
    key: str
    takes_missing: bool
    tried: Tried
    with_it: Condition
    without_it: Condition
    of_rule: bool


class Coverage:
    """Watches the tests of a book. `see` is told each; `left` are the goals that none has reached."""

    def __init__(self, engine: Engine) -> None:
        self._engine, book = engine, engine.book
        self._shared = shared_names(book.attributes.values())
        self._fire = {rule.id: Goal("rule", rule.id, "fired", rule.span) for rule in book.rules}
        losable = losable_rules(book)
        self._lose = {
            rule.id: Goal("rule", rule.id, "lost to another rule", rule.span)
            for rule in book.rules
            if rule.id in losable
        }
        self._segments = {
            (name, answer): Goal("segment", name, "true" if answer else "false", None)
            for name in book.segments
            for answer in (True, False)
        }
        self._operators = [
            *(one for rule in book.rules for one in self._sides(rule.id, rule.when, rule.span)),
            *(
                one
                for segment in book.segments.values()
                for one in self._sides(segment.id, segment.when, None)
            ),
        ]
        self.goals = (
            *self._fire.values(),
            *self._lose.values(),
            *self._segments.values(),
            *(operator.goal for operator in self._operators),
        )

    @property
    def left(self) -> tuple[Goal, ...]:
        """The goals that no test has reached, in the order of the book."""
        left = [*self._fire.values(), *self._lose.values(), *self._segments.values()]
        return (*left, *(operator.goal for operator in self._operators))

    @property
    def percent(self) -> float:
        """How much of the goals was reached; all of it where there are none."""
        return 100 * (1 - len(self.left) / len(self.goals)) if self.goals else 100.0

    def see(self, facts: Facts, decision: Decision) -> None:
        """Takes one test into account."""
        for rule in self._engine.firing(facts):
            if rule.id in self._fire and not any(self._held_back(rule, facts)):
                del self._fire[rule.id]
            if rule.id in self._lose and self._has_lost(rule, facts, decision):
                del self._lose[rule.id]
        world = _World(self._engine.book, facts)
        for name, answer in [*self._segments]:
            if world.leaf(InSegment(name)) is answer:
                del self._segments[name, answer]
        self._operators = [one for one in self._operators if not self._is_tried(one, world)]

    def _held_back(self, rule: Rule, facts: Facts) -> Iterator[tuple[str, str]]:
        yield from facts.permissions.held_back(rule.topics, rule.purpose)
        if rule.id in self._engine.personal and facts.permissions.opted_out("personalization"):
            yield ("purpose", "personalization")

    def _has_lost(self, rule: Rule, facts: Facts, decision: Decision) -> bool:
        """Whether a rule that fires is beaten somewhere; being kept back by the guard is no defeat."""
        if any(self._held_back(rule, facts)):
            return False
        for name in (*rule.hide, *rule.order, *rule.set):
            if decision[name].rule not in (None, rule.id):
                return True
        for name, contents in rule.show.items():
            placement: Placement = decision[name]
            given = {item.rule for item in placement.items} if placement.kind == "many" else {placement.rule}
            beaten = placement.hidden or rule.id not in given
            if beaten and not all(
                any(facts.permissions.held_back(item.topics, item.purpose))
                for item in (self._engine.book.content[content] for content in contents)
            ):
                return True
        return False

    def _sides(self, of: str, when: Condition, span: Span | None) -> Iterator[_Operator]:
        for leaf, with_it, without_it in _variants(when):
            for side in sides_of(leaf):
                says = f"tried {side.says}: {in_words(leaf, self._shared)}"
                yield _Operator(
                    Goal("operator", of, says, span),
                    leaf.attribute.key,
                    leaf.op is Op.KNOWN,
                    side.tried,
                    with_it,
                    without_it,
                    span is not None,
                )

    def _is_tried(self, operator: _Operator, world: _World) -> bool:
        value = world.facts.values.get(operator.key)
        if value is None and not operator.takes_missing:
            return False
        if not operator.tried(value, world.facts.now):
            return False
        with_it, without_it = world.truth(operator.with_it), world.truth(operator.without_it)
        if operator.of_rule:  # which fires, or does not; of a segment it counts whether anybody knows
            return (with_it is True) is not (without_it is True)
        return with_it is not without_it


class _World:
    """What is true of one request."""

    def __init__(self, book: RuleBook, facts: Facts) -> None:
        self._book, self.facts = book, facts
        self._segments: dict[str, Truth] = {}

    def truth(self, condition: Condition) -> Truth:
        return truth(condition, self.facts.values, self.facts.now, self.leaf)

    def leaf(self, leaf: Condition) -> Truth:
        """Whether a leaf holds that depends on more than a value."""
        if isinstance(leaf, InSegment):
            if leaf.id not in self._segments:
                segment = self._book.segments[leaf.id]
                hidden = any(self.facts.permissions.held_back(segment.topics, None))
                self._segments[leaf.id] = None if hidden else self.truth(segment.when)
            return self._segments[leaf.id]
        assert isinstance(leaf, Logic)
        if any(self.facts.permissions.hiding(attribute) for attribute in leaf.reads):
            return None
        return evaluator(leaf.text)(nested(self.facts, leaf.reads))


def _variants(condition: Condition) -> Iterator[tuple[Test, Condition, Condition]]:
    """Each test of a condition, with the condition in which it holds and the one in which it does not."""
    if isinstance(condition, Test):
        yield condition, ALWAYS, _NEVER
    elif isinstance(condition, Not):
        for leaf, with_it, without_it in _variants(condition.part):
            yield leaf, Not(with_it), Not(without_it)
    elif isinstance(condition, All | Any):
        for place, part in enumerate(condition.parts):
            for leaf, *both in _variants(part):
                one, other = (
                    type(condition)((*condition.parts[:place], variant, *condition.parts[place + 1 :]))
                    for variant in both
                )
                yield leaf, one, other
