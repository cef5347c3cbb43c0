"""What authors write as a value, read by the type of the attribute it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from tailored.book.compose import QUOTED
from tailored.book.mends import mended_comparison, mended_value
from tailored.book.nodes import (
    Node,
    Reader,
    ScalarNode,
    SequenceNode,
    example_of,
    is_null,
    kind_of,
    mended_flag,
    plain_scalar,
    plain_value,
    short,
)
from tailored.book.suggest import listed
from tailored.condition.operators import operators_of
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
    value = read_typed(reader, node, type_, f"`{attribute.name}`", whole_days=True, mend=_compared)
    if value is not None and listed_only and attribute.values and value not in attribute.values:
        names, found = [written(known) for known in attribute.values], short(written(value))
        message = f"`{found}` is not one of the values of `{attribute.name}`. They are {listed(names)}."
        reader.error(node, "unknown-value", message, reader.did_you_mean(found, names))
        return None
    return value


def read_typed(
    reader: Reader,
    node: Node,
    type_: Type,
    what: str,
    *,
    whole_days: bool = False,
    mend: Callable[[Reader, Node, Type], str] = lambda *_: "",
) -> Scalar | None:
    """The value of a single type that a scalar writes, or None (reported). `what` names whose value it is.

    With `whole_days` a date may stand for a whole day where a time is asked for. `mend` knows what the author
    of something else may have meant; where it gives nothing, the type knows how its values are written.
    """
    if not isinstance(node, ScalarNode) or is_null(node):
        hint = mend(reader, node, type_) or _alone(node, type_)
        reader.error(node, "wrong-type", f"{what} takes {A_VALUE[type_]}, not {kind_of(node)}.", hint)
        return None
    if not reader.untagged(node):
        return None
    try:
        if type_ is Type.DATETIME and whole_days and (day := parse_date(node.value)):
            return day
        return _READ[type_](node)
    except _Refused as refused:
        usual = str(refused) or mended_value(node.value, type_) or f"Write it like `{EXAMPLE[type_]}`."
        shown = (
            f'"{short(node.value)}" in quotes'
            if _is_quoted(node)
            else f"`{short(_as_written(reader, node))}`"
        )
        message = f"{what} takes {A_VALUE[type_]}, and {shown} is none."
        reader.error(node, "wrong-type", message, mend(reader, node, type_) or usual)
        return None


def parse_constant(text: str, type_: Type) -> Scalar | None:
    """The value of a single type that a text writes without quotes, or None."""
    try:
        return _READ[type_](plain_scalar(text))
    except _Refused:
        return None


def _compared(reader: Reader, node: Node, type_: Type) -> str:
    """The mend for what stands where a value is compared with an attribute."""
    if is_null(node):
        return "Write `known: false` for someone of whom it is missing."
    if not isinstance(node, ScalarNode):
        return ""
    text = _as_written(reader, node)
    allowed = [str(op) for op in operators_of(type_)]
    return mended_comparison(text.strip(), type_, allowed) if len(text) <= 60 else ""


def _as_written(reader: Reader, node: ScalarNode) -> str:
    """A scalar's text; of a folded one its first line, for `>3` begins such a text in YAML."""
    if node.style != ">":
        return str(node.value)
    return reader.source[node.start_mark.index :].partition("\n")[0]


def _alone(node: Node, type_: Type) -> str:
    """The mend for a list or a mapping that stands where one value belongs."""
    if isinstance(node, SequenceNode) and len(node.value) == 1:
        return f"Write `{example_of(node.value[0], EXAMPLE[type_])}` alone, without the `[ ]`."
    return f"Write one value, such as `{EXAMPLE[type_]}`."


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
    if isinstance(value, bool) or value is None or value != value or abs(value) == float("inf"):
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
    raise _Refused(mended_flag(node.value))


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
