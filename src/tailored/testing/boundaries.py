"""The sides of every operator: the values at and beyond its boundaries, which a test should try.

A whole number and a day have a next one, so that the other side of a boundary is one value; of numbers,
times and versions it is anything beyond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any as Anything
from typing import TypeAlias

from tailored.condition.english import value_in_words
from tailored.condition.kleene import test_holds
from tailored.condition.tree import Attribute, Op, Size, Test
from tailored.condition.types import Type, first_moment, last_moment

Tried: TypeAlias = Callable[[Anything, datetime], bool]
"""Whether a present value is on a side, at a moment."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an operator, as the end of a sentence: never tried `at 18`."""

    says: str
    tried: Tried


def sides_of(test: Test) -> list[Side]:
    """The sides of a test."""
    if isinstance(test.operand, Size):
        counted = sides_of(Test(_COUNTED, test.operand.op, test.operand.operand))
        return [_of_length(side) for side in counted if not side.says.startswith("at -")]
    return list(_SIDES[test.op](test))


_COUNTED = Attribute("user", "size", Type.INTEGER)


def _of_length(side: Side) -> Side:
    """The side of a number of elements."""
    number = side.says.removeprefix("at ")
    says = f"with {number} of them" if number != side.says else side.says
    return Side(says, lambda value, now: side.tried(len(value), now))


def _at(value: Anything) -> Side:
    """A value itself; of a day, where a time is asked for, any time of it."""
    if isinstance(value, date):
        return Side(
            f"at {value_in_words(value)}",
            lambda found, now: (
                first_moment(value) <= found <= last_moment(value)
                if isinstance(found, datetime)
                else found == value
            ),
        )
    return Side(f"at {value_in_words(value)}", lambda found, now: bool(found == value))


def _below(value: Anything, type_: Type) -> Side:
    if type_ is Type.INTEGER:
        return _at(value - 1)
    if type_ is Type.DATE:
        return _at(value - timedelta(days=1)) if value > date.min else _at(value)
    if isinstance(value, date):
        return Side(f"before {value_in_words(value)}", lambda found, now: bool(found < first_moment(value)))
    return Side(f"below {value_in_words(value)}", lambda found, now: bool(found < value))


def _above(value: Anything, type_: Type) -> Side:
    if type_ is Type.INTEGER:
        return _at(value + 1)
    if type_ is Type.DATE:
        return _at(value + timedelta(days=1)) if value < date.max else _at(value)
    if isinstance(value, date):
        return Side(f"after {value_in_words(value)}", lambda found, now: bool(found > last_moment(value)))
    return Side(f"above {value_in_words(value)}", lambda found, now: bool(found > value))


def _low(test: Test) -> Iterator[Side]:
    yield _at(test.operand)
    yield _below(test.operand, test.attribute.type)


def _high(test: Test) -> Iterator[Side]:
    yield _at(test.operand)
    yield _above(test.operand, test.attribute.type)


def _between(test: Test) -> Iterator[Side]:
    assert isinstance(test.operand, tuple)
    low, high = test.operand
    yield _below(low, test.attribute.type)
    yield _at(low)
    if high != low:
        yield _at(high)
    yield _above(high, test.attribute.type)


def _in_the_last(test: Test) -> Iterator[Side]:
    length = test.operand.length  # type: ignore[union-attr]
    is_day = test.attribute.type is Type.DATE

    def ago(now: datetime) -> datetime:
        try:
            return now - length
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)

    def at(value: Anything, now: datetime) -> bool:
        return bool(value == (ago(now).date() if is_day else ago(now)))

    def before(value: Anything, now: datetime) -> bool:
        if is_day:
            return bool(value == ago(now).date() - timedelta(days=1))
        return bool(value < ago(now))

    yield Side(f"exactly {test.operand} ago", at)
    yield Side(f"more than {test.operand} ago", before)


def _members(test: Test) -> Iterator[Side]:
    assert isinstance(test.operand, tuple)
    for one in test.operand:
        yield _at(one)
    everything = Test(test.attribute, Op.ONE_OF, test.operand)
    yield Side("with another value", lambda value, now: test_holds(everything, value, now) is False)


def _value(test: Test) -> Iterator[Side]:
    yield _at(test.operand)
    same = Test(test.attribute, Op.IS, test.operand)
    yield Side("with another value", lambda value, now: test_holds(same, value, now) is False)


def _passing(test: Test) -> Iterator[Side]:
    yield Side("where it holds", lambda value, now: test_holds(test, value, now) is True)
    yield Side("where it does not hold", lambda value, now: test_holds(test, value, now) is False)


def _each_member(test: Test) -> Iterator[Side]:
    assert isinstance(test.operand, tuple)
    wanted = test.operand
    for one in wanted:
        yield Side(f"with {value_in_words(one)}", lambda value, now, one=one: one in value)  # type: ignore[misc]
    yield Side("with none of them", lambda value, now: not any(one in value for one in wanted))


def _every_member(test: Test) -> Iterator[Side]:
    assert isinstance(test.operand, tuple)
    wanted = test.operand
    yield Side("with all of them", lambda value, now: all(one in value for one in wanted))
    for one in wanted:
        yield Side(
            f"with all but {value_in_words(one)}",
            lambda value, now, one=one: (
                one not in value and all(other in value for other in wanted if other != one)
            ),  # type: ignore[misc]
        )


def _known(test: Test) -> Iterator[Side]:
    yield Side("where it is known", lambda value, now: value is not None)
    yield Side("where it is missing", lambda value, now: value is None)


_SIDES: dict[Op, Callable[[Test], Iterator[Side]]] = {
    Op.KNOWN: _known,
    Op.IS: _value,
    Op.IS_NOT: _value,
    Op.ONE_OF: _members,
    Op.NONE_OF: _members,
    Op.AT_LEAST: _low,
    Op.LESS_THAN: _low,
    Op.MORE_THAN: _high,
    Op.AT_MOST: _high,
    Op.BETWEEN: _between,
    Op.BEFORE: _low,
    Op.AFTER: _high,
    Op.IN_THE_LAST: _in_the_last,
    Op.NOT_IN_THE_LAST: _in_the_last,
    Op.CONTAINS: _passing,
    Op.STARTS_WITH: _passing,
    Op.ENDS_WITH: _passing,
    Op.LIKE: _passing,
    Op.CONTAINS_ANY: _each_member,
    Op.CONTAINS_ALL: _every_member,
    Op.CONTAINS_NONE: _each_member,
}
"""From an operator to its sides. `size` has those of the operator on the number."""
