"""The operators: for which types each is, and what operand it takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto

from tailored.condition.tree import Op
from tailored.condition.types import Type


class Takes(IntEnum):
    """The kinds of operands."""

    FLAG = auto()
    """`true` or `false`."""
    VALUE = auto()
    """One value of the attribute's type; for a list, of its elements' type."""
    VALUES = auto()
    """A list of such values, not empty."""
    BOUND = auto()
    """One value of the attribute's type that it is compared with, not held to its `values`."""
    PAIR = auto()
    """A low and a high value, both included."""
    PART = auto()
    """A piece of text, not held to the attribute's `values`."""
    DURATION = auto()
    """`30 days`."""
    COUNT = auto()
    """A whole number, or a mapping of the operators for numbers."""


@dataclass(frozen=True, slots=True)
class Operator:
    """What an operator is for, and what stands after it."""

    types: frozenset[Type]
    takes: Takes
    example: str


LISTS = frozenset({Type.STRINGS, Type.INTEGERS, Type.NUMBERS})
TIMES = frozenset({Type.DATE, Type.DATETIME})
_EVERY = frozenset(Type)
_SINGLE = _EVERY - LISTS
_ORDERED = frozenset({Type.INTEGER, Type.NUMBER, Type.VERSION})
_TEXT = frozenset({Type.STRING})

OPERATORS: dict[Op, Operator] = {
    Op.KNOWN: Operator(_EVERY, Takes.FLAG, "true"),
    Op.IS: Operator(_SINGLE, Takes.VALUE, "NO"),
    Op.IS_NOT: Operator(_SINGLE, Takes.VALUE, "NO"),
    Op.ONE_OF: Operator(_SINGLE, Takes.VALUES, "[NO, DE]"),
    Op.NONE_OF: Operator(_SINGLE, Takes.VALUES, "[NO, DE]"),
    Op.AT_LEAST: Operator(_ORDERED, Takes.BOUND, "18"),
    Op.MORE_THAN: Operator(_ORDERED, Takes.BOUND, "18"),
    Op.AT_MOST: Operator(_ORDERED, Takes.BOUND, "18"),
    Op.LESS_THAN: Operator(_ORDERED, Takes.BOUND, "18"),
    Op.BETWEEN: Operator(_ORDERED | TIMES, Takes.PAIR, "[18, 65]"),
    Op.BEFORE: Operator(TIMES, Takes.BOUND, "2026-11-01"),
    Op.AFTER: Operator(TIMES, Takes.BOUND, "2026-11-01"),
    Op.IN_THE_LAST: Operator(TIMES, Takes.DURATION, "30 days"),
    Op.NOT_IN_THE_LAST: Operator(TIMES, Takes.DURATION, "30 days"),
    Op.CONTAINS: Operator(_TEXT | LISTS, Takes.VALUE, "boots"),
    Op.STARTS_WITH: Operator(_TEXT, Takes.PART, "hik"),
    Op.ENDS_WITH: Operator(_TEXT, Takes.PART, "ing"),
    Op.LIKE: Operator(_TEXT, Takes.PART, '"*.edu"'),
    Op.CONTAINS_ANY: Operator(LISTS, Takes.VALUES, "[boots, socks]"),
    Op.CONTAINS_ALL: Operator(LISTS, Takes.VALUES, "[boots, socks]"),
    Op.CONTAINS_NONE: Operator(LISTS, Takes.VALUES, "[boots, socks]"),
    Op.SIZE: Operator(LISTS, Takes.COUNT, "{at least: 3}"),
}


def operators_of(type_: Type) -> list[Op]:
    """The operators that an attribute of this type has, in the order of the language's table."""
    return [op for op, operator in OPERATORS.items() if type_ in operator.types]


def takes(op: Op, type_: Type) -> Takes:
    """What operand an operator takes: `contains` looks for a part of a text, for a member of a list."""
    if op is Op.CONTAINS and type_ is Type.STRING:
        return Takes.PART
    return OPERATORS[op].takes
