"""The reader that says what a condition means: true, false or unknown, after Kleene. Plain, not fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any as Anything
from typing import TypeAlias

from tailored.condition.tree import All, Any, Condition, Not, Op, Size, Test, Value
from tailored.condition.types import Duration, first_moment, last_moment

Truth: TypeAlias = bool | None
Leaf: TypeAlias = Callable[[Condition], Truth]


def truth(condition: Condition, facts: Mapping[str, Value], now: datetime, leaf: Leaf) -> Truth:
    """Whether a condition holds for the facts (typed values by whole attribute names) at the moment `now`.

    `leaf` answers for what depends on more than facts: segments, `logic:` and consent.
    """
    if isinstance(condition, All):
        return conjunction([truth(part, facts, now, leaf) for part in condition.parts])
    if isinstance(condition, Any):
        return negation(conjunction([negation(truth(part, facts, now, leaf)) for part in condition.parts]))
    if isinstance(condition, Not):
        return negation(truth(condition.part, facts, now, leaf))
    if isinstance(condition, Test):
        return test_holds(condition, facts.get(condition.attribute.key), now)
    return leaf(condition)


def conjunction(parts: Sequence[Truth]) -> Truth:
    """False where one part is false, else unknown where one is unknown, else true."""
    if False in parts:
        return False
    return None if None in parts else True


def negation(part: Truth) -> Truth:
    """Not unknown is unknown."""
    return None if part is None else not part


def test_holds(test: Test, value: Value | None, now: datetime) -> Truth:
    """Whether one test holds for a value; unknown where it is missing, but for `known`."""
    if test.op is Op.KNOWN:
        return (value is not None) is test.operand
    if value is None:
        return None
    return _HOLDS[test.op](value, test.operand, now)


def is_like(text: str, pattern: str) -> bool:
    """Whether a text has the form of a pattern in which `*` is any run of characters; takes linear time."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _is(value: Anything, operand: Anything, now: datetime) -> bool:
    if isinstance(value, datetime):
        return first_moment(operand) <= value <= last_moment(operand)
    return bool(value == operand)


def _one_of(value: Anything, operand: Anything, now: datetime) -> bool:
    return any(_is(value, one, now) for one in operand)


def _between(value: Anything, operand: Anything, now: datetime) -> bool:
    low, high = operand
    if isinstance(value, datetime):
        low, high = first_moment(low), last_moment(high)
    return bool(low <= value <= high)


def _before(value: Anything, operand: Anything, now: datetime) -> bool:
    return bool(value < (first_moment(operand) if isinstance(value, datetime) else operand))


def _after(value: Anything, operand: Anything, now: datetime) -> bool:
    return bool(value > (last_moment(operand) if isinstance(value, datetime) else operand))


def _in_the_last(value: Anything, operand: Duration, now: datetime) -> bool:
    start = _earlier(now, operand.length)
    if isinstance(value, datetime):
        return start <= value <= now
    day: date = value
    return start.date() <= day <= now.date()


def _earlier(now: datetime, length: timedelta) -> datetime:
    try:
        return now - length
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _contains(value: Anything, operand: Anything, now: datetime) -> bool:
    return operand in value


def _size(value: Anything, operand: Size, now: datetime) -> bool:
    return bool(_HOLDS[operand.op](len(value), operand.operand, now))


_HOLDS: dict[Op, Callable[[Anything, Anything, datetime], bool]] = {
    Op.IS: _is,
    Op.IS_NOT: lambda value, operand, now: not _is(value, operand, now),
    Op.ONE_OF: _one_of,
    Op.NONE_OF: lambda value, operand, now: not _one_of(value, operand, now),
    Op.AT_LEAST: lambda value, operand, now: bool(value >= operand),
    Op.MORE_THAN: lambda value, operand, now: bool(value > operand),
    Op.AT_MOST: lambda value, operand, now: bool(value <= operand),
    Op.LESS_THAN: lambda value, operand, now: bool(value < operand),
    Op.BETWEEN: _between,
    Op.BEFORE: _before,
    Op.AFTER: _after,
    Op.IN_THE_LAST: _in_the_last,
    Op.NOT_IN_THE_LAST: lambda value, operand, now: not _in_the_last(value, operand, now),
    Op.CONTAINS: _contains,
    Op.STARTS_WITH: lambda value, operand, now: bool(value.startswith(operand)),
    Op.ENDS_WITH: lambda value, operand, now: bool(value.endswith(operand)),
    Op.LIKE: lambda value, operand, now: is_like(value, operand),
    Op.CONTAINS_ANY: lambda value, operand, now: any(one in value for one in operand),
    Op.CONTAINS_ALL: lambda value, operand, now: all(one in value for one in operand),
    Op.CONTAINS_NONE: lambda value, operand, now: not any(one in value for one in operand),
    Op.SIZE: _size,
}
"""How each operator compares a present value with its operand; `known` is answered before."""
