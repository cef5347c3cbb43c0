"""JSONLogic that comes in: what it evaluates to, and the tests that some of it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any as Json

from datalogic_py import DataLogicError, Engine

from tailored.condition.operators import LISTS, TIMES
from tailored.condition.tree import All, Any, Attribute, Condition, Not, Op, Scalar, Size, Test
from tailored.condition.types import ELEMENT, Type, as_text, parse_date, parse_datetime

_ENGINE = Engine(families=["Core"])


@lru_cache(maxsize=4096)
def evaluator(text: str) -> Callable[[Mapping[str, Json]], bool | None]:
    """What an expression (as JSON) says of data `{"user": {...}, "context": {...}}`; None where it fails.

    Compiled once for each text; the function may be shared by threads. Raises DataLogicError where the
    expression is none.
    """
    rule = _ENGINE.compile(f'{{"!!":[{text}]}}')

    def evaluate(data: Mapping[str, Json]) -> bool | None:
        try:
            return bool(rule.evaluate(data))
        except DataLogicError:  # such as arithmetic with what is no number
            return None

    return evaluate


def translated(expression: Json, attributes: Mapping[str, Attribute]) -> Condition | None:
    """The tests that are true and false exactly where an expression is; None where there are none such.

    An expression has an answer for what is missing, too: the tests are joined with `known` to give the same.

    >>> page = Attribute("context", "page", Type.STRING)
    >>> translated({"===": [{"var": "context.page"}, "home"]}, {page.key: page}) == All(
    ...     (Test(page, Op.KNOWN, True), Test(page, Op.IS, "home"))
    ... )
    True
    """
    if not isinstance(expression, dict):
        return None
    ((name, given),) = expression.items()
    arguments = given if isinstance(given, list) else [given]
    if name in ("and", "or"):
        parts = [part for one in arguments if (part := translated(one, attributes)) is not None]
        if len(parts) < len(arguments) or not parts:
            return None
        return _joined(All if name == "and" else Any, parts)
    if name in ("!", "!!"):
        part = translated(arguments[0], attributes) if len(arguments) == 1 else None
        return Not(part) if part is not None and name == "!" else part
    return _one_attribute(expression, name, arguments, attributes)


def _joined(kind: type[All] | type[Any], parts: Iterable[Condition]) -> Condition:
    """Parts joined, each once, those of the same kind taken in."""
    flat: dict[Condition, None] = {}
    for part in parts:
        flat.update(dict.fromkeys(part.parts if isinstance(part, kind) else (part,)))
    return next(iter(flat)) if len(flat) == 1 else kind(tuple(flat))


def _one_attribute(
    expression: Json, name: str, arguments: Sequence[Json], attributes: Mapping[str, Attribute]
) -> Condition | None:
    """An operation on one attribute and constants, joined with its answer where the attribute is missing."""
    read = [_read(one, attributes) for one in ([expression] if name == "var" else arguments)]
    found = [attribute for attribute in read if attribute is not None]
    if len(found) != 1 or _can_be_hidden(found[0]):
        return None
    attribute = found[0]
    if len(arguments) == 2 and None in arguments and name in ("===", "!=="):
        return Test(attribute, Op.KNOWN, name == "!==")
    constants = [None if isinstance(one, dict) else one for one in arguments]
    test = _TRUTHY[attribute.type](attribute) if name == "var" else _test(name, constants, attribute)
    answer = evaluator(json.dumps(expression))({})
    if test is None or answer is None:
        return None
    return _joined(Any if answer else All, [Test(attribute, Op.KNOWN, not answer), test])


def _can_be_hidden(attribute: Attribute) -> bool:
    """Whether the guard may hide an attribute, by its labels or as one of a user who opted out.

    A hidden attribute makes a whole expression unknown, for which tests could not tell it from a missing one.
    """
    return attribute.side == "user" or bool(attribute.topics) or attribute.purpose is not None


def _read(argument: Json, attributes: Mapping[str, Attribute]) -> Attribute | None:
    """The attribute that an argument is, if it is one and nothing more."""
    if not isinstance(argument, dict):
        return None
    name = argument.get("var")
    if isinstance(name, list) and len(name) == 1:
        name = name[0]
    return attributes.get(name) if isinstance(name, str) else None


def _test(name: str, arguments: Sequence[Json], attribute: Attribute) -> Condition | None:
    """What an operation is for a present value, which stands where `arguments` has None."""
    if len(arguments) == 3 and name in ("<", "<=") and arguments[1] is None:
        low, high = (_test(name, pair, attribute) for pair in (arguments[:2], arguments[1:]))
        return All((low, high)) if low is not None and high is not None else None
    if len(arguments) != 2:
        return None
    left, right = arguments
    if name == "in":
        return _member(right, attribute) if left is None else _holds(left, attribute)
    op = name if left is None else _MIRRORED.get(name, name)
    operand = constant(right if left is None else left, attribute)
    if operand is None or attribute.type in LISTS:
        return None
    return _comparison(op, operand, attribute)


def _comparison(op: str, operand: Scalar, attribute: Attribute) -> Condition | None:
    if op in _EQUALITY:
        return Test(attribute, _EQUALITY[op], operand)
    if attribute.type in TIMES and op in _OF_TIMES:
        test_op, wanted = _OF_TIMES[op]
        test = Test(attribute, test_op, operand)
        return test if wanted else Not(test)
    if attribute.type in (Type.INTEGER, Type.NUMBER) and op in _OF_NUMBERS:
        return Test(attribute, _OF_NUMBERS[op], operand)
    return None


def _member(of: Json, attribute: Attribute) -> Condition | None:
    if not isinstance(of, list) or not of or attribute.type in LISTS:
        return None
    operands = [operand for one in of if (operand := constant(one, attribute)) is not None]
    return Test(attribute, Op.ONE_OF, tuple(operands)) if len(operands) == len(of) else None


def _holds(part: Json, attribute: Attribute) -> Condition | None:
    if attribute.type is Type.STRING and isinstance(part, str):
        return Test(attribute, Op.CONTAINS, part)
    operand = constant(part, attribute) if attribute.type in LISTS else None
    return None if operand is None else Test(attribute, Op.CONTAINS, operand)


def constant(value: Json, attribute: Attribute) -> Scalar | None:
    """A constant of an expression as one of the attribute's type (for a list, of its elements'), or None.

    None, too, where the engine compares in ways of its own: texts that it takes for times or spans of time,
    and numbers beyond what every reader holds exactly. What is not among the declared `values` stays with it.
    """
    typed = _CONSTANT[ELEMENT.get(attribute.type, attribute.type)](value)
    return typed if not attribute.values or typed in attribute.values else None


def _number(value: Json) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _EXACT:
        return None
    return int(value) if value == int(value) else value


def _integer(value: Json) -> int | None:
    number = _number(value)
    return number if isinstance(number, int) else None


def _time(parse: Callable[[str], Json]) -> Callable[[Json], Scalar | None]:
    def read(value: Json) -> Scalar | None:
        time = parse(value) if isinstance(value, str) else None
        return time if time is not None and as_text(time) == value else None

    return read


_EXACT = 2**53
_LIKE_A_TIME = re.compile(r"[0-9].*[A-Za-z]", re.DOTALL)
_CONSTANT: dict[Type, Callable[[Json], Scalar | None]] = {
    Type.STRING: lambda value: value if isinstance(value, str) and not _LIKE_A_TIME.match(value) else None,
    Type.INTEGER: _integer,
    Type.NUMBER: _number,
    Type.BOOLEAN: lambda value: value if isinstance(value, bool) else None,
    Type.DATE: _time(parse_date),
    Type.DATETIME: _time(parse_datetime),
    Type.VERSION: lambda value: None,
}

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_EQUALITY = {"===": Op.IS, "==": Op.IS, "!==": Op.IS_NOT, "!=": Op.IS_NOT}
_OF_NUMBERS = {"<": Op.LESS_THAN, "<=": Op.AT_MOST, ">": Op.MORE_THAN, ">=": Op.AT_LEAST}
_OF_TIMES = {
    "<": (Op.BEFORE, True),
    "<=": (Op.AFTER, False),
    ">": (Op.AFTER, True),
    ">=": (Op.BEFORE, False),
}

_TRUTHY: dict[Type, Callable[[Attribute], Condition]] = {
    **dict.fromkeys(Type, lambda attribute: Test(attribute, Op.KNOWN, True)),
    **dict.fromkeys(LISTS, lambda attribute: Test(attribute, Op.SIZE, Size(Op.AT_LEAST, 1))),
    Type.STRING: lambda attribute: Test(attribute, Op.IS_NOT, ""),
    Type.INTEGER: lambda attribute: Test(attribute, Op.IS_NOT, 0),
    Type.NUMBER: lambda attribute: Test(attribute, Op.IS_NOT, 0),
    Type.BOOLEAN: lambda attribute: Test(attribute, Op.IS, True),
}
"""When JSONLogic takes a present value for true."""
