"""Bounds on one attribute, told together: `age is at least 18 but less than 30`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tailored.condition.english import says_of
from tailored.condition.tree import Attribute, Op, Size, Test
from tailored.condition.types import Type


@dataclass(frozen=True, slots=True)
class Bound:
    """What a value may not be below (`lower`) or above; if `strict`, it may not be that itself, either."""

    value: Any
    lower: bool
    strict: bool


_BOUNDS = {
    Op.AT_LEAST: (True, False),
    Op.MORE_THAN: (True, True),
    Op.AT_MOST: (False, False),
    Op.LESS_THAN: (False, True),
    Op.AFTER: (True, True),
    Op.BEFORE: (False, True),
}
"""The operators that set a bound: whether it is a lower one, and strict."""
_OF_NUMBERS = {kind: (op, False) for op, kind in _BOUNDS.items() if op not in (Op.AFTER, Op.BEFORE)}
_OF_TIMES = {
    (True, True): (Op.AFTER, False),
    (True, False): (Op.BEFORE, True),
    (False, True): (Op.BEFORE, False),
    (False, False): (Op.AFTER, True),
}
"""How a bound is said: by which operator, and whether negated (`not before`)."""


def bounds_of(test: Test, negated: bool) -> Iterator[Bound]:
    """The bounds that a test (`negated`: its negation) sets; none where it is about something else."""
    if isinstance(test.operand, Size):
        return
    if test.op in _BOUNDS:
        lower, strict = _BOUNDS[test.op]
        yield Bound(test.operand, lower is not negated, strict is not negated)
    elif test.op is Op.BETWEEN and not negated and isinstance(test.operand, tuple):
        low, high = test.operand
        yield Bound(low, True, False)
        yield Bound(high, False, False)


def together(attribute: Attribute, name: str, bounds: Sequence[Bound]) -> str | None:
    """What bounds come to, in English; None where a day and a moment are not to be compared."""
    times = {type(one.value) for one in bounds if isinstance(one.value, date)}
    if len(times) > 1:
        return None
    low = max((one for one in bounds if one.lower), key=lambda one: (one.value, one.strict), default=None)
    high = min(
        (one for one in bounds if not one.lower), key=lambda one: (one.value, not one.strict), default=None
    )
    if low is not None and high is not None and not times:
        whole = attribute.type is Type.INTEGER
        least, most = _reached(low, whole), _reached(high, whole)
        if least == most:
            return says_of(Test(attribute, Op.IS, least), name)
        if not low.strict and not high.strict:
            return says_of(Test(attribute, Op.BETWEEN, (least, most)), name)
    first, *rest = [_said(one, attribute, name, bool(times)) for one in (low, high) if one is not None]
    return " but ".join([first, *(one.removeprefix(f"{name} is ") for one in rest)])


def _reached(bound: Bound, whole: bool) -> Any:
    """The last value within a bound, where whole numbers have one, else the bound."""
    if bound.strict and whole:
        return bound.value + (1 if bound.lower else -1)
    return bound.value


def _said(bound: Bound, attribute: Attribute, name: str, is_time: bool) -> str:
    op, negated = (_OF_TIMES if is_time else _OF_NUMBERS)[bound.lower, bound.strict]
    return says_of(Test(attribute, op, bound.value), name, negated=negated)
