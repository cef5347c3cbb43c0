"""The values of an attribute, cut into cells: all values of one cell pass the same tests of the book.

Each cell has a value that stands for it, so that what a test says of a cell is what its plain meaning
(condition/kleene.py) says of that value. A list is cut into its mentioned members and its size.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, reduce
from itertools import count, islice
from operator import or_
from typing import Any

from tailored.condition.kleene import test_holds
from tailored.condition.operators import LISTS
from tailored.condition.tree import Attribute, Op, Scalar, Size, Test
from tailored.condition.types import (
    INTEGER_LIMIT,
    Type,
    Version,
    first_moment,
    last_moment,
    parse_version,
)
from tailored.condition.values import LONGEST_LIST

EPOCH = datetime(2026, 11, 24, 10, tzinfo=UTC)
"""Any moment: the tests that depend on `now` are no matter of cells."""
RELATIVE = (Op.IN_THE_LAST, Op.NOT_IN_THE_LAST)
_CUTS = (Op.AT_LEAST, Op.MORE_THAN, Op.BEFORE, Op.AFTER)
"""What all values up to some pass, or all from there on. (Of numbers, too, `before` is less.)"""
_CONTRARY = {
    Op.IS_NOT: Op.IS,
    Op.NONE_OF: Op.ONE_OF,
    Op.LESS_THAN: Op.AT_LEAST,
    Op.AT_MOST: Op.MORE_THAN,
}
"""What a known value passes where it fails the other."""
PATTERNS = (Op.CONTAINS, Op.STARTS_WITH, Op.ENDS_WITH, Op.LIKE)


@dataclass(frozen=True)
class Cells:
    """What stands for each cell, ascending for what has an order.

    `other` is the place of the cell of all texts that no test names; which patterns they have is open.
    """

    values: tuple[Any, ...]
    points: frozenset[Any] = frozenset()
    """Those values that are the only ones of their cells."""
    other: int | None = None

    def mask(self, test: Test, wanted: bool = True) -> int:
        """The cells, as bits, whose values pass a test (or fail it). The test must not be relative."""
        passing = self._passing(test.op, test.operand, test.attribute)
        return passing if wanted else (1 << len(self.values)) - 1 ^ passing

    def _passing(self, op: Op, operand: Any, attribute: Attribute) -> int:
        """The cells whose values pass: of values with an order (all but texts) found by halving."""
        test, whole = Test(attribute, op, operand), (1 << len(self.values)) - 1
        if op in _CONTRARY:
            return whole ^ self._passing(_CONTRARY[op], operand, attribute)
        if op is Op.ONE_OF:
            return reduce(or_, (self._passing(Op.IS, one, attribute) for one in operand))
        if self.other is None and op is Op.IS:
            return self._passing(Op.BETWEEN, (operand, operand), attribute)
        if op is Op.BETWEEN:
            low, high = operand
            return (
                whole & ~self._passing(Op.BEFORE, low, attribute) & ~self._passing(Op.AFTER, high, attribute)
            )
        if op in _CUTS:
            rises = op is not Op.BEFORE
            cut = bisect_left(self.values, True, key=lambda value: test_holds(test, value, EPOCH) is rises)
            return whole >> cut << cut if rises else (1 << cut) - 1
        if op is Op.IS:
            place = self._places.get(operand)
            return 0 if place is None else 1 << place
        return sum(1 << place for place, value in enumerate(self.values) if test_holds(test, value, EPOCH))

    @cached_property
    def _places(self) -> dict[Any, int]:
        """The cells of values."""
        return {value: place for place, value in enumerate(self.values)}


@dataclass(frozen=True, slots=True)
class ListCells:
    """The mentioned members of a list, and the cells of its size."""

    members: tuple[Scalar, ...]
    sizes: Cells
    of_texts: bool

    def size_mask(self, size: Size, wanted: bool = True) -> int:
        """The cells of sizes that pass a test of the number of elements (or fail it)."""
        return self.sizes.mask(Test(_COUNT, size.op, size.operand), wanted)

    def filled(self, found: Iterable[Any], place: int) -> tuple[Any, ...]:
        """These members and as many others as it takes for a list to be in a cell of sizes."""
        has = sorted(found, key=repr)
        least = self.sizes.values[place - 1] + 1 if place else 0
        others: Iterator[Any] = (f"another-{n}" if self.of_texts else 1000 + n for n in count(1))
        return (*has, *islice((one for one in others if one not in self.members), max(0, least - len(has))))


_COUNT = Attribute("user", "size", Type.INTEGER)


@dataclass(slots=True)
class Mentioned:
    """What the tests and expressions of the books say about one attribute."""

    type: Type
    tests: dict[Test, None] = field(default_factory=dict)
    points: dict[Any, None] = field(default_factory=dict)
    """Values to tell apart beside those of the tests."""
    listed: tuple[Scalar, ...] = ()

    @property
    def relative(self) -> bool:
        """Whether a test depends on `now`."""
        return any(test.op in RELATIVE for test in self.tests)

    @property
    def patterns(self) -> list[Test]:
        """The tests on parts of texts."""
        return [test for test in self.tests if self.type is Type.STRING and test.op in PATTERNS]


def cells_of(mentioned: Mentioned) -> Cells | ListCells:
    """The cells of an attribute."""
    type_ = mentioned.type
    if type_ in LISTS:
        members = dict.fromkeys(mentioned.points)
        sizes: dict[int, None] = {0: None}
        for test in mentioned.tests:
            if isinstance(test.operand, Size):
                sizes.update(dict.fromkeys(_constants(test.operand.operand)))
            elif test.op is not Op.KNOWN:
                members.update(dict.fromkeys(_constants(test.operand)))
        counts = [size for size in sizes if 0 <= size <= LONGEST_LIST]
        return ListCells(tuple(members), _interleaved(counts, _COUNTS), type_ is Type.STRINGS)
    constants, patterns = dict.fromkeys(mentioned.points), set(mentioned.patterns)
    for test in mentioned.tests:
        if test.op is not Op.KNOWN and test.op not in RELATIVE and test not in patterns:
            constants.update(dict.fromkeys(_constants(test.operand)))
        elif test.op is Op.LIKE and "*" not in str(test.operand):
            constants[test.operand] = None
    if type_ is Type.BOOLEAN:
        return Cells((False, True))
    if type_ is Type.STRING:
        return Cells((*constants, _another(mentioned, constants)), frozenset(constants), len(constants))
    points = list(constants)
    if type_ is Type.DATETIME:
        points = [moment for one in points for moment in (first_moment(one), last_moment(one))]
    return _interleaved(points, _ORDERS[type_])


def moments(points: Iterable[datetime], now: datetime) -> Cells:
    """The cells of a moment that is compared with these; `now` stands for its cell, if it is none of them."""
    cells = _interleaved(list(points), _ORDERS[Type.DATETIME])
    if now in cells.points:
        return cells
    place = sum(point < now for point in cells.points)
    gaps = [at for at, value in enumerate(cells.values) if value not in cells.points]
    mine = next(at for at in gaps if sum(point < cells.values[at] for point in cells.points) == place)
    return replace(cells, values=(*cells.values[:mine], now, *cells.values[mine + 1 :]))


def _constants(operand: Any) -> tuple[Any, ...]:
    return operand if isinstance(operand, tuple) else (operand,)


def _another(mentioned: Mentioned, constants: Iterable[Any]) -> str:
    """A text that no test names: a declared value, if there is one."""
    taken = set(constants)
    for value in mentioned.listed:
        if value not in taken and not any(test_holds(test, value, EPOCH) for test in mentioned.patterns):
            return str(value)
    text = "another"
    while text in taken or any(test_holds(test, text, EPOCH) for test in mentioned.patterns):
        text += "~"
        if len(text) > 40:
            break  # some pattern takes every text; which patterns it has is open anyway
    return text


@dataclass(frozen=True, slots=True)
class _Order:
    """A type with an order: a nice value below and above all points, and between two (None: nothing is)."""

    below: Callable[[Any], Any]
    above: Callable[[Any], Any]
    between: Callable[[Any, Any], Any]
    alone: Any


def _interleaved(points: Sequence[Any], order: _Order) -> Cells:
    """The points, ascending, with a value for each gap: before, between and after them."""
    ascending = sorted(set(points))
    if not ascending:
        return Cells((order.alone,))
    values = [order.below(ascending[0])]
    for place, point in enumerate(ascending):
        values.append(point)
        following = ascending[place + 1 : place + 2]
        values.append(order.between(point, following[0]) if following else order.above(point))
    return Cells(tuple(value for value in values if value is not None), frozenset(ascending))


def _number_between(low: Any, high: Any) -> Any:
    whole = math.floor(low) + 1
    if whole < high and abs(whole) < INTEGER_LIMIT:
        return whole
    middle = low / 2 + high / 2
    for value in (round(middle, 2), middle, math.nextafter(low, math.inf)):
        if low < value < high:
            return int(value) if value == int(value) and abs(value) < INTEGER_LIMIT else value
    return None


def _next_version(version: Version) -> Version | None:
    """The version that follows at once: of a release the lowest pre-release of the next patch."""
    major, minor, patch, *_ = version.key
    if len(version.key) == 4:
        return parse_version(f"{major}.{minor}.{int(str(patch)) + 1}-0")
    return (
        parse_version(f"{version.text.partition('+')[0]}.0")
        if version.text.count(".") >= 2
        else (parse_version(f"{major}.{minor}.{patch}-{version.text.partition('+')[0].partition('-')[2]}.0"))
    )


def _version_between(low: Version, high: Version) -> Version | None:
    major, minor, patch, *_ = low.key
    for text in (
        f"{major}.{int(str(minor)) + 1}",
        f"{major}.{minor}.{int(str(patch)) + 1}",
        f"{major}.{minor}.{patch}",
    ):
        version = parse_version(text)
        if version is not None and low < version < high:
            return version
    following = _next_version(low)
    return following if following is not None and following < high else None


def _version_above(low: Version) -> Version | None:
    version = parse_version(f"{int(str(low.key[0])) + 1}")
    return version if version is not None else _next_version(low)


def _version_below(high: Version) -> Version | None:
    lowest = parse_version("0.0.0-0")
    for text in ("0", "0.0.0-0"):
        version = parse_version(text)
        if version is not None and version < high:
            return version
    return lowest if lowest is not None and lowest < high else None


def _day_between(low: date, high: date) -> date | None:
    day = low + timedelta(1)
    return day if day < high else None


def _moment_between(low: datetime, high: datetime) -> datetime | None:
    middle = low + (high - low) / 2
    for value in (middle.replace(second=0, microsecond=0), middle.replace(microsecond=0), middle):
        if low < value < high:
            return value
    return None


def _shifted(moment: datetime, days: int) -> datetime:
    try:
        return moment + timedelta(days=days)
    except OverflowError:
        return _FIRST_MOMENT if days < 0 else _LAST_MOMENT


def _is_number(value: float) -> bool:
    """Whether a request may carry a number: whole numbers have 64 bits."""
    return abs(value) < INTEGER_LIMIT if isinstance(value, int) else math.isfinite(value)


_FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
_LARGEST = INTEGER_LIMIT - 1
_HUGE = sys.float_info.max
_COUNTS = _Order(
    lambda high: None,
    lambda low: low + 1 if low < LONGEST_LIST else None,
    lambda low, high: high - 1 if low + 1 < high else None,
    0,
)
"""Of several counts the greatest stands for all: so many members a list of that cell may have."""
_ORDERS: dict[Type, _Order] = {
    Type.INTEGER: _Order(
        lambda high: high - 1 if high > -_LARGEST else None,
        lambda low: low + 1 if low < _LARGEST else None,
        lambda low, high: low + 1 if low + 1 < high else None,
        1,
    ),
    Type.NUMBER: _Order(
        lambda high: next(
            (low for low in (high - 1, -1e300, -_HUGE) if _is_number(low) and low < high), None
        ),
        lambda low: next((high for high in (low + 1, 1e300, _HUGE) if _is_number(high) and high > low), None),
        _number_between,
        1,
    ),
    Type.DATE: _Order(
        lambda high: high - timedelta(1) if high > date.min else None,
        lambda low: low + timedelta(1) if low < date.max else None,
        _day_between,
        EPOCH.date(),
    ),
    Type.DATETIME: _Order(
        lambda high: _shifted(high, -1) if high > _FIRST_MOMENT else None,
        lambda low: _shifted(low, 1) if low < _LAST_MOMENT else None,
        _moment_between,
        EPOCH,
    ),
    Type.VERSION: _Order(_version_below, _version_above, _version_between, parse_version("1")),
}
