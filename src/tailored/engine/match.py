"""Matching: which rules' conditions hold for the facts of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from tailored.book.model import RuleBook, Segment
from tailored.condition.compiled import compiled
from tailored.condition.logic import evaluator
from tailored.condition.normal import Both, Literal, Normal, normalise
from tailored.condition.tree import Condition, Consent, InSegment, Logic, Op, Test
from tailored.engine.facts import Facts, nested

Satisfied: TypeAlias = Callable[[Facts], bool]


class Matcher:
    """The conditions of a book, ready to be asked. It is built once and shared by threads."""

    def __init__(self, book: RuleBook) -> None:
        segments = _Segments(book.segments)
        self._rules = [segments.satisfied(rule.when, wanted=True) for rule in book.rules]

    def matching(self, facts: Facts) -> list[int]:
        """The rules whose conditions are known to be true, by their places in resolution order."""
        return [place for place, holds in enumerate(self._rules) if holds(facts)]


class _Segments:
    """Compiles conditions; each segment once for each thing that it may be wanted to be."""

    def __init__(self, segments: Mapping[str, Segment]) -> None:
        self._segments = segments
        self._compiled: dict[tuple[str, bool], Satisfied] = {}

    def satisfied(self, condition: Condition, *, wanted: bool) -> Satisfied:
        """Whether a condition is known to be what is wanted of it."""
        return self._joined(normalise(condition, lambda name: self._segments[name].topics, wanted))

    def _joined(self, normal: Normal) -> Satisfied:
        if isinstance(normal, Literal):
            return self._literal(normal)
        parts = [self._joined(part) for part in normal.parts]
        return _both(parts) if isinstance(normal, Both) else _either(parts)

    def _literal(self, literal: Literal) -> Satisfied:
        leaf = literal.leaf
        if isinstance(leaf, Test):
            return _test(literal, leaf)
        if isinstance(leaf, InSegment):
            return self._segment(leaf.id, literal.wanted)
        if isinstance(leaf, Logic):
            return _logic(leaf, literal.wanted)
        return _consent(leaf)

    def _segment(self, name: str, wanted: bool) -> Satisfied:
        known = (name, wanted)
        if known not in self._compiled:
            self._compiled[known] = self.satisfied(self._segments[name].when, wanted=wanted)
        holds = self._compiled[known]

        def remembered(facts: Facts) -> bool:
            answer = facts.remembered.get(known)
            if answer is None:
                answer = facts.remembered[known] = holds(facts)
            return answer

        return remembered


def _test(literal: Literal, test: Test) -> Satisfied:
    key, check = test.attribute.key, compiled(literal)
    if test.op is Op.KNOWN:
        return lambda facts: check(facts.values.get(key), facts.now)

    def holds(facts: Facts) -> bool:
        value = facts.values.get(key)
        return value is not None and check(value, facts.now)

    return holds


def _logic(leaf: Logic, wanted: bool) -> Satisfied:
    evaluate = evaluator(leaf.text)

    def holds(facts: Facts) -> bool:
        if any(facts.permissions.hiding(attribute) for attribute in leaf.reads):
            return False
        return evaluate(nested(facts, leaf.reads)) is wanted

    return holds


def _consent(leaf: Consent) -> Satisfied:
    return lambda facts: facts.permissions.closed.isdisjoint(leaf.topics)


def _both(parts: list[Satisfied]) -> Satisfied:
    def holds(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110 (a plain loop is twice as fast as a generator here)
            if not part(facts):
                return False
        return True

    return holds


def _either(parts: list[Satisfied]) -> Satisfied:
    def holds(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110
            if part(facts):
                return True
        return False

    return holds
