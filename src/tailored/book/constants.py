"""What authors write as a value, read by the type of the attribute it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from tailored.book.compose import QUOTED
from tailored.book.nodes import Node, Reader, ScalarNode, is_null, kind_of, plain_scalar, plain_value, short
from tailored.book.suggest import listed
from tailored.condition.tree import Attribute, Scalar
from tailored.condition.types import (
    A_VALUE,
    ELEMENT,
    EXAMPLE,
    INTEGER_LIMIT,
    Type,
    as_text,
    parse_date,
    parse_datetime,
    parse_version,
)


class _Refused(Exception):
    """A constant is not of its type; the text is the mend, or empty."""


def read_constant(
    reader: Reader, node: Node, attribute: Attribute, *, listed_only: bool = True
) -> Scalar | None:
    """The value that `node` writes for `attribute` (for a list, for one of its elements), or None (reported).

    With `listed_only` an author is held to the attribute's declared `values`.
    """
    type_ = ELEMENT.get(attribute.type, attribute.type)
    value = read_typed(reader, node, type_, f"`{attribute.name}`", whole_days=True)
    if value is not None and listed_only and attribute.values and value not in attribute.values:
        names, found = [written(known) for known in attribute.values], short(written(value))
        message = f"`{found}` is not one of the values of `{attribute.name}`. They are {listed(names)}."
        reader.error(node, "unknown-value", message, reader.did_you_mean(found, names))
        return None
    return value


def read_typed(
    reader: Reader, node: Node, type_: Type, what: str, *, whole_days: bool = False
) -> Scalar | None:
    """The value of a single type that a scalar writes, or None (reported). `what` names whose value it is.

    With `whole_days` a date may stand for a whole day where a time is asked for.
    """
    if not isinstance(node, ScalarNode) or is_null(node):
        mend = "Write `known: false` for someone of whom it is missing." if is_null(node) else ""
        reader.error(node, "wrong-type", f"{what} takes {A_VALUE[type_]}, not {kind_of(node)}.", mend)
        return None
    if not reader.untagged(node):
        return None
    try:
        if type_ is Type.DATETIME and whole_days and (day := parse_date(node.value)):
            return day
        return _READ[type_](node)
    except _Refused as refused:
        mend = str(refused) or f"Write it like `{EXAMPLE[type_]}`."
        shown = f'"{short(node.value)}" in quotes' if _is_quoted(node) else f"`{short(node.value)}`"
        reader.error(node, "wrong-type", f"{what} takes {A_VALUE[type_]}, and {shown} is none.", mend)
        return None


def parse_constant(text: str, type_: Type) -> Scalar | None:
    """The value of a single type that a text writes without quotes, or None."""
    try:
        return _READ[type_](plain_scalar(text))
    except _Refused:
        return None


def written(value: Scalar) -> str:
    """A value as an author would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime):
        return as_text(value)
    return str(value)


def _is_quoted(node: ScalarNode) -> bool:
    return node.tag == QUOTED and node.style in ("'", '"')


def _string(node: ScalarNode) -> str:
    return str(node.value)


def _number(node: ScalarNode) -> int | float:
    value = plain_value(node)
    if isinstance(value, str):
        if node.tag == QUOTED and isinstance(plain_value(plain_scalar(node.value)), int | float):
            raise _Refused(f"Write {short(node.value)} without quotes.")
        raise _Refused
    if isinstance(value, bool) or value is None or value != value or abs(value) in (float("inf"),):
        raise _Refused
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and abs(value) >= INTEGER_LIMIT:
        raise _Refused("Whole numbers of more than 64 bits are too large.")
    return value


def _integer(node: ScalarNode) -> int:
    value = _number(node)
    if isinstance(value, float):
        raise _Refused
    return value


def _boolean(node: ScalarNode) -> bool:
    value = plain_value(node)
    if isinstance(value, bool):
        return value
    word = node.value.casefold()
    if word in ("true", "yes", "on"):
        raise _Refused("Write `true`, without quotes.")
    if word in ("false", "no", "off"):
        raise _Refused("Write `false`, without quotes.")
    raise _Refused


def _parsed(parse: Callable[[str], Scalar | None]) -> Callable[[ScalarNode], Scalar]:
    def read(node: ScalarNode) -> Scalar:
        value = parse(node.value)
        if value is None:
            raise _Refused
        return value

    return read


_READ: dict[Type, Callable[[ScalarNode], Scalar]] = {
    Type.STRING: _string,
    Type.INTEGER: _integer,
    Type.NUMBER: _number,
    Type.BOOLEAN: _boolean,
    Type.DATE: _parsed(parse_date),
    Type.DATETIME: _parsed(parse_datetime),
    Type.VERSION: _parsed(parse_version),
}
