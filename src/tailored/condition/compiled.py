"""The reader that makes conditions fast: each test to a closure over what can be worked out beforehand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any as Anything
from typing import TypeAlias

from tailored.condition.kleene import is_like
from tailored.condition.normal import Literal
from tailored.condition.tree import Op, Scalar, Size, Test
from tailored.condition.types import Duration, Type, first_moment, last_moment

Check: TypeAlias = Callable[[Anything, datetime], bool]
"""Whether a present value satisfies a test at a moment."""


def compiled(literal: Literal) -> Check:
    """The check that a literal of a test makes of a present value; for `known`, of a value or None."""
    test = literal.leaf
    assert isinstance(test, Test)
    check = _COMPILE[test.op](test.operand, test.attribute.type)
    return check if literal.wanted else _negated(check)


def _negated(check: Check) -> Check:
    return lambda value, now: not check(value, now)


def _is(operand: Scalar, type_: Type) -> Check:
    if type_ is Type.DATETIME:
        return _between((operand, operand), type_)
    return lambda value, now: bool(value == operand)


def _one_of(operand: tuple[Scalar, ...], type_: Type) -> Check:
    if type_ is Type.DATETIME:
        days = [_is(one, type_) for one in operand]
        return lambda value, now: any(day(value, now) for day in days)
    known = frozenset(operand)
    return lambda value, now: value in known


def _between(operand: tuple[Anything, Anything], type_: Type) -> Check:
    low, high = operand
    if type_ is Type.DATETIME:
        low, high = first_moment(low), last_moment(high)
    return lambda value, now: bool(low <= value <= high)


def _before(operand: Anything, type_: Type) -> Check:
    end = first_moment(operand) if type_ is Type.DATETIME else operand
    return lambda value, now: bool(value < end)


def _after(operand: Anything, type_: Type) -> Check:
    start = last_moment(operand) if type_ is Type.DATETIME else operand
    return lambda value, now: bool(value > start)


def _in_the_last(operand: Duration, type_: Type) -> Check:
    length = operand.length
    if type_ is Type.DATETIME:
        return lambda value, now: _earlier(now, length) <= value <= now
    return lambda value, now: _earlier(now, length).date() <= value <= now.date()


def _earlier(now: datetime, length: timedelta) -> datetime:
    try:
        return now - length
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _contains_any(operand: tuple[Scalar, ...], type_: Type) -> Check:
    wanted = frozenset(operand)
    return lambda value, now: not wanted.isdisjoint(value)


def _contains_all(operand: tuple[Scalar, ...], type_: Type) -> Check:
    wanted = frozenset(operand)
    return lambda value, now: wanted.issubset(value)


def _size(operand: Size, type_: Type) -> Check:
    check = _COMPILE[operand.op](operand.operand, Type.INTEGER)
    return lambda value, now: check(len(value), now)


def _not(compile_: Callable[[Anything, Type], Check]) -> Callable[[Anything, Type], Check]:
    return lambda operand, type_: _negated(compile_(operand, type_))


_COMPILE: dict[Op, Callable[[Anything, Type], Check]] = {
    Op.KNOWN: lambda operand, type_: lambda value, now: (value is not None) is operand,
    Op.IS: _is,
    Op.IS_NOT: _not(_is),
    Op.ONE_OF: _one_of,
    Op.NONE_OF: _not(_one_of),
    Op.AT_LEAST: lambda operand, type_: lambda value, now: bool(value >= operand),
    Op.MORE_THAN: lambda operand, type_: lambda value, now: bool(value > operand),
    Op.AT_MOST: lambda operand, type_: lambda value, now: bool(value <= operand),
    Op.LESS_THAN: lambda operand, type_: lambda value, now: bool(value < operand),
    Op.BETWEEN: _between,
    Op.BEFORE: _before,
    Op.AFTER: _after,
    Op.IN_THE_LAST: _in_the_last,
    Op.NOT_IN_THE_LAST: _not(_in_the_last),
    Op.CONTAINS: lambda operand, type_: lambda value, now: operand in value,
    Op.STARTS_WITH: lambda operand, type_: lambda value, now: bool(value.startswith(operand)),
    Op.ENDS_WITH: lambda operand, type_: lambda value, now: bool(value.endswith(operand)),
    Op.LIKE: lambda operand, type_: lambda value, now: is_like(value, operand),
    Op.CONTAINS_ANY: _contains_any,
    Op.CONTAINS_ALL: _contains_all,
    Op.CONTAINS_NONE: _not(_contains_any),
    Op.SIZE: _size,
}
"""From an operator to what makes its check, given the operand and the attribute's type."""
