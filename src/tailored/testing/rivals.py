"""Which rules can lose to another one, as far as can be seen at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from tailored.book.model import Rule, RuleBook
from tailored.condition.operators import TIMES
from tailored.condition.tree import All, Condition, InSegment, Op, Test

Demands: TypeAlias = Mapping[str, frozenset[object]]
"""The values that a condition demands of attributes, by their whole names."""


def losable_rules(book: RuleBook) -> frozenset[str]:
    """The rules that another one, or several, could keep from one of their slots or settings.

    Two rules whose conditions demand different values of the same attribute never meet, nor do two whose
    schedules do not overlap.
    """
    rivals = _Rivals(book)
    return frozenset(rule.id for rule in book.rules if rivals.can_beat(rule))


class _Rivals:
    """The rules of a book by what they do, each with what its condition demands."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._segments: dict[str, Demands] = {}
        self._places = {rule.id: place for place, rule in enumerate(book.rules)}
        self._demands = {rule.id: self._demanded(rule.when) for rule in book.rules}
        self._hiding: dict[str, list[Rule]] = {}
        self._deciding: dict[str, list[Rule]] = {}
        for rule in book.rules:
            for name in rule.hide:
                self._hiding.setdefault(name, []).append(rule)
            for name in (*rule.show, *rule.order, *rule.set):
                self._deciding.setdefault(name, []).append(rule)

    def can_beat(self, rule: Rule) -> bool:
        """Whether there are rules that could take a place of this one."""
        for name in rule.hide:
            if any(self._is_before(other, rule) for other in self._hiding[name]):
                return True
        for name in (*rule.order, *rule.set):
            if any(self._is_before(other, rule) for other in self._deciding[name]):
                return True
        for name, contents in rule.show.items():
            if any(other is not rule and self._may_meet(other, rule) for other in self._hiding.get(name, ())):
                return True
            placed: set[str] = set()
            most = self._book.slots[name].many or 1
            for other in self._deciding[name]:
                if self._is_before(other, rule):
                    placed.update(other.show.get(name, ()))
                    if len(placed) >= most or placed.issuperset(contents):
                        return True
        return False

    def _is_before(self, other: Rule, rule: Rule) -> bool:
        """Whether a rule comes before another one, and they may fire together."""
        return self._places[other.id] < self._places[rule.id] and self._may_meet(other, rule)

    def _may_meet(self, one: Rule, other: Rule) -> bool:
        if (one.end and other.start and one.end <= other.start) or (
            other.end and one.start and other.end <= one.start
        ):
            return False
        mine, theirs = self._demands[one.id], self._demands[other.id]
        return all(mine[key] & theirs[key] for key in mine.keys() & theirs.keys())

    def _demanded(self, condition: Condition) -> Demands:
        found: dict[str, frozenset[object]] = {}
        for key, values in self._pairs(condition):
            found[key] = found[key] & values if key in found else values
        return found

    def _pairs(self, condition: Condition) -> Iterable[tuple[str, frozenset[object]]]:
        if isinstance(condition, All):
            for part in condition.parts:
                yield from self._pairs(part)
        elif isinstance(condition, InSegment):
            if condition.id not in self._segments:
                self._segments[condition.id] = self._demanded(self._book.segments[condition.id].when)
            yield from self._segments[condition.id].items()
        elif isinstance(condition, Test) and condition.attribute.type not in TIMES:
            if condition.op is Op.IS:
                yield condition.attribute.key, frozenset((condition.operand,))
            elif condition.op is Op.ONE_OF and isinstance(condition.operand, tuple):
                yield condition.attribute.key, frozenset(condition.operand)
            elif condition.op is Op.KNOWN and condition.operand is False:
                yield condition.attribute.key, frozenset((None,))
