"""What a condition demands of single attributes: boxes, two of which may surely have no request in common.

It is quick and cautious: what it cannot tell apart, such as patterns of texts, it takes for possible. Only a
solver says that something can happen; this says that something never does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any as Anything
from typing import TypeAlias

from tailored.condition.kleene import test_holds
from tailored.condition.normal import Both, Either, Literal, Normal, normalise
from tailored.condition.operators import LISTS
from tailored.condition.tree import Attribute, Condition, Consent, InSegment, Logic, Op, Size, Test
from tailored.condition.types import Type, first_moment, last_moment

MOST_BOXES = 24
"""Of how many boxes a condition is made; alternatives beyond that are taken to demand nothing."""

Wanted: TypeAlias = tuple[Test | InSegment | Logic, bool]
"""A leaf that must be true, or must be false."""
Bound: TypeAlias = tuple[Anything, int]
"""A value, and 1 (of a lower bound) or -1 (of an upper one) where it is not included itself."""
When: TypeAlias = Callable[[str], Condition]
"""The condition of a segment, by its id."""


@dataclass(frozen=True, slots=True)
class Values:
    """The values that pass some tests of one attribute: no more than those `among`, from `low` to `high`."""

    tests: tuple[tuple[Test, bool], ...] = ()
    among: frozenset[Anything] | None = None
    low: Bound | None = None
    high: Bound | None = None

    def joined(self, other: Values) -> Values:
        """The values of both."""
        among = self.among if other.among is None else other.among
        if self.among is not None and other.among is not None:
            among = self.among & other.among
        low = max((one for one in (self.low, other.low) if one), default=None)
        high = min((one for one in (self.high, other.high) if one), default=None)
        return Values(self.tests + other.tests, among, low, high)

    def may_meet(self, other: Values) -> bool:
        """Whether both may have a value in common."""
        if self.among is not None and other.among is not None and self.among.isdisjoint(other.among):
            return False  # which is so for most, and quickly told
        if (self.low and other.high and self.low > other.high) or (
            other.low and self.high and other.low > self.high
        ):
            return False
        return not self.joined(other).is_empty

    def spread(self, other: Values) -> Values:
        """Values that hold those of either; which tests they pass is not told."""
        among = None
        if self.among is not None and other.among is not None:
            among = self.among | other.among
        low = min(self.low, other.low) if self.low and other.low else None
        high = max(self.high, other.high) if self.high and other.high else None
        return Values((), among, low, high)

    @property
    def is_empty(self) -> bool:
        """Whether surely no value is left."""
        if self.low is not None and self.high is not None:
            if self.low > self.high:
                return True
            if self.among is None and self.low == self.high:
                return not self._pass(self.low[0])
        return self.among is not None and not any(map(self._pass, self.among))

    def _pass(self, value: Anything) -> bool:
        return all(test_holds(test, value, _ANY_MOMENT) is wanted for test, wanted in self.tests)


@dataclass(frozen=True, slots=True)
class Box:
    """What must hold at once: the values of attributes by their whole names, and leaves."""

    values: dict[str, Values]
    leaves: frozenset[Wanted] = frozenset()
    known: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()

    def joined(self, other: Box) -> Box | None:
        """What both demand; None where that is surely impossible."""
        if not self.may_meet(other):
            return None
        values = dict(self.values)
        for key, theirs in other.values.items():
            values[key] = values[key].joined(theirs) if key in values else theirs
        return Box(values, self.leaves | other.leaves, self.known | other.known, self.missing | other.missing)

    def spread(self, other: Box) -> Box:
        """A box that holds both."""
        values = {
            key: self.values[key].spread(other.values[key]) for key in self.values if key in other.values
        }
        return Box(values, self.leaves & other.leaves, self.known & other.known, self.missing & other.missing)

    def may_meet(self, other: Box) -> bool:
        """Whether one request may be in both."""
        if not (self.missing.isdisjoint(other.known) and other.missing.isdisjoint(self.known)):
            return False
        for key in self.values.keys() & other.values.keys():
            if not self.values[key].may_meet(other.values[key]):
                return False
        return not any((leaf, not wanted) in other.leaves for leaf, wanted in self.leaves)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a condition demands: to be in one of some boxes, all within the `hull` (None: there are none)."""

    boxes: tuple[Box, ...]
    hull: Box | None

    def listed(self) -> list[tuple[str, frozenset[Anything]]]:
        """The attributes, by whole names, of which no values but these pass."""
        values = self.hull.values if self.hull is not None else {}
        return [(key, one.among) for key, one in values.items() if one.among is not None]

    def may_meet(self, other: Demand) -> bool:
        """Whether both conditions may be true of one request."""
        if self.hull is None or other.hull is None or not self.hull.may_meet(other.hull):
            return False
        if len(self.boxes) == len(other.boxes) == 1:
            return True
        return any(box.may_meet(another) for box in self.boxes for another in other.boxes)


_ANY_MOMENT = datetime(2026, 11, 24, tzinfo=UTC)
"""No test that depends on the moment is ever asked."""
_EVERYTHING = Box({})
_DISCRETE: dict[Type, tuple[Callable[[Anything], Anything], Callable[[Anything], Anything]]] = {
    Type.INTEGER: (lambda value: value - 1, lambda value: value + 1),
    Type.DATE: (
        lambda value: value - timedelta(1) if value > date.min else value,
        lambda value: value + timedelta(1) if value < date.max else value,
    ),
}
"""The types of which a value has one before and one after it."""
_OPPOSITE = {
    Op.IS_NOT: Op.IS,
    Op.NONE_OF: Op.ONE_OF,
    Op.LESS_THAN: Op.AT_LEAST,
    Op.AT_MOST: Op.MORE_THAN,
    Op.NOT_IN_THE_LAST: Op.IN_THE_LAST,
    Op.CONTAINS_NONE: Op.CONTAINS_ANY,
}
"""The operators that say the contrary of another one."""


class Demands:
    """The boxes of conditions of one book; those of its segments are kept."""

    def __init__(self, when: When) -> None:
        self._when = when
        self._segments: dict[tuple[str, bool], list[Box]] = {}

    def of(self, condition: Condition) -> Demand:
        """What a condition demands; of one that is never true, perhaps that there is no request for it."""
        boxes = self._boxes(normalise(condition, lambda segment: ()))
        return Demand(tuple(boxes), reduce(Box.spread, boxes) if boxes else None)

    def _boxes(self, normal: Normal) -> list[Box]:
        if isinstance(normal, Both):
            boxes = [_EVERYTHING]
            for part in normal.parts:
                theirs = self._boxes(part)
                if len(boxes) * len(theirs) <= MOST_BOXES:
                    boxes = _joined(boxes, theirs)
            return boxes
        if isinstance(normal, Either):
            boxes = [box for part in normal.parts for box in self._boxes(part)]
            return boxes if len(boxes) <= MOST_BOXES else [_EVERYTHING]
        return self._of_leaf(normal)

    def _of_leaf(self, literal: Literal) -> list[Box]:
        leaf, wanted = literal.leaf, literal.wanted
        if isinstance(leaf, Test):
            box = _of_test(leaf, wanted)
            return [] if any(values.is_empty for values in box.values.values()) else [box]
        if isinstance(leaf, Consent):
            return [_EVERYTHING]
        itself = Box({}, frozenset([(leaf, wanted)]))
        if isinstance(leaf, Logic):
            return [itself]
        if (leaf.id, wanted) not in self._segments:
            inner = normalise(self._when(leaf.id), lambda segment: (), wanted)
            self._segments[leaf.id, wanted] = self._boxes(inner)
        return _joined([itself], self._segments[leaf.id, wanted])


def _joined(some: Iterable[Box], others: Iterable[Box]) -> list[Box]:
    """What one of some boxes and one of the others demand together."""
    every = (one.joined(other) for one in some for other in others)
    return [box for box in every if box is not None]


def _of_test(test: Test, wanted: bool) -> Box:
    attribute, key = test.attribute, frozenset((test.attribute.key,))
    if test.op is Op.KNOWN:
        return Box({}, known=key) if test.operand is wanted else Box({}, missing=key)
    if test.op in _OPPOSITE:
        test, wanted = Test(attribute, _OPPOSITE[test.op], test.operand), not wanted
    if isinstance(test.operand, Size):
        length = Attribute(attribute.side, f"{attribute.name} size", Type.INTEGER)
        inner = _of_test(Test(length, test.operand.op, test.operand.operand), wanted)
        return Box(inner.values, inner.leaves, key)
    if attribute.type in LISTS:
        return Box({}, frozenset(_of_members(test, wanted)), key)
    itself = frozenset([(test, wanted)])
    if test.op is Op.IN_THE_LAST:
        return Box({}, itself, key)
    return Box({attribute.key: _values(test, wanted)}, itself, key)


def _of_members(test: Test, wanted: bool) -> Iterable[Wanted]:
    """What a test of a list says of its members one by one, where it does, and itself."""
    yield test, wanted
    members = test.operand if isinstance(test.operand, tuple) else (test.operand,)
    says_each = len(members) == 1 or (wanted if test.op is Op.CONTAINS_ALL else not wanted)
    if says_each:
        for member in members:
            yield Test(test.attribute, Op.CONTAINS, member), wanted


def _values(test: Test, wanted: bool) -> Values:
    type_, operand = test.attribute.type, test.operand
    tests = ((test, wanted),)
    if type_ is Type.BOOLEAN:
        return Values(tests, frozenset((True, False)))
    if wanted and type_ is not Type.DATETIME and test.op in (Op.IS, Op.ONE_OF):
        return Values(tests, frozenset(operand if isinstance(operand, tuple) else (operand,)))
    low, high = _bounds(test.op, operand, wanted, type_)
    return Values(tests, None, low, high)


def _bounds(op: Op, operand: Anything, wanted: bool, type_: Type) -> tuple[Bound | None, Bound | None]:
    """The bounds of the values that pass a test; None where there are none, or where they leave a gap."""
    first, last = _ends(operand, type_)
    if op is Op.AT_LEAST:
        return ((first, 0), None) if wanted else (None, _below(first, type_))
    if op in (Op.MORE_THAN, Op.AFTER):
        return (_above(last, type_), None) if wanted else (None, (last, 0))
    if op is Op.BEFORE:
        return (None, _below(first, type_)) if wanted else ((first, 0), None)
    if op in (Op.BETWEEN, Op.IS, Op.ONE_OF) and wanted:
        return (first, 0), (last, 0)
    return None, None


def _ends(operand: Anything, type_: Type) -> tuple[Anything, Anything]:
    """The least and the greatest of the operands; of days, where times are asked for, their ends."""
    every = operand if isinstance(operand, tuple) else (operand,)
    if type_ is Type.DATETIME:
        return min(map(first_moment, every)), max(map(last_moment, every))
    return min(every), max(every)


def _below(value: Anything, type_: Type) -> Bound:
    before = _DISCRETE[type_][0](value) if type_ in _DISCRETE else value
    return (before, 0) if before != value else (value, -1)


def _above(value: Anything, type_: Type) -> Bound:
    after = _DISCRETE[type_][1](value) if type_ in _DISCRETE else value
    return (after, 0) if after != value else (value, 1)
