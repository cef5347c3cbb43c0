"""Conditions as people write them, to the condition tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from tailored.book.constants import read_constant, written
from tailored.book.diagnostics import Span
from tailored.book.logic import read_logic
from tailored.book.nodes import MappingNode, Node, Reader, ScalarNode, SequenceNode, kind_of, short
from tailored.book.suggest import did_you_mean, listed
from tailored.condition.operators import LISTS, Takes, operators_of, takes
from tailored.condition.tree import (
    ALWAYS,
    All,
    Any,
    Attribute,
    Condition,
    InSegment,
    Not,
    Op,
    Operand,
    Scalar,
    Size,
    Test,
)
from tailored.condition.types import A_VALUE, Type, first_moment, last_moment, parse_duration

WORDS = ("any", "all", "not", "segment", "logic", "always")
"""The words of the language, which no attribute may be called."""

_ALLOWED: dict[Type, dict[str, Op]] = {type_: {str(op): op for op in operators_of(type_)} for type_ in Type}
_SIZE = Attribute("user", "size", Type.INTEGER)
_OF_SIZES = {word: op for word, op in _ALLOWED[Type.INTEGER].items() if op is not Op.KNOWN}

Leaf: TypeAlias = Callable[[Reader, str, Node, Node], Iterable[Condition]]
"""Reads an entry of a condition: its key, the key's node and the node of its value."""


@dataclass
class Names:
    """What the conditions of a book may name, and where they named it."""

    attributes: Mapping[str, Attribute]
    segments: Mapping[str, object]
    segments_used: dict[str, Span] = field(default_factory=dict)
    leaf: Leaf | None = None
    """Reads what stands beside `any`, `all` and `not`, where that is not about a request."""

    def __post_init__(self) -> None:
        self.short: dict[str, list[str]] = {}
        for key, attribute in self.attributes.items():
            self.short.setdefault(attribute.name, []).append(key)


def read_condition(reader: Reader, node: Node, names: Names) -> Condition:
    """The condition that a node writes. What is wrong is reported, and left out of the tree."""
    if isinstance(node, ScalarNode) and node.value == "always" and reader.untagged(node):
        return ALWAYS
    if not isinstance(node, MappingNode):
        hint = "Write `all:` or `any:` before the list." if isinstance(node, SequenceNode) else ""
        reader.error(
            node,
            "wrong-kind",
            f"A condition must be a mapping such as `page: home`, or `always`, not {kind_of(node)}.",
            hint,
        )
        return ALWAYS
    entries = reader.entries(node) if reader.untagged(node) else {}
    if not node.value:
        reader.error(
            node, "empty-list", "This condition is empty.", "Write `always` if that is what you mean."
        )
    return _all([part for key, value in entries.items() for part in _entry(reader, key, *value, names)])


def _all(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _entry(reader: Reader, key: str, key_node: Node, node: Node, names: Names) -> Iterator[Condition]:
    if key in ("any", "all"):
        if not isinstance(node, SequenceNode):
            reader.error(
                node,
                "wrong-kind",
                f"`{key}` takes a list of conditions, not {kind_of(node)}.",
                f"Write `{key}: [{{page: home}}, {{page: cart}}]`.",
            )
        elif not node.value:
            reader.error(node, "empty-list", f"`{key}` has an empty list.", "List at least one condition.")
        else:
            parts = tuple(read_condition(reader, item, names) for item in node.value)
            yield Any(parts) if key == "any" else All(parts)
    elif key == "not":
        yield Not(read_condition(reader, node, names))
    elif names.leaf is not None:
        yield from names.leaf(reader, key, key_node, node)
    elif key == "segment":
        yield from _segment(reader, node, names)
    elif key == "logic":
        if (leaf := read_logic(reader, node, names.attributes)) is not None:
            yield leaf
    elif (attribute := find_attribute(reader, key_node, key, names)) is not None:
        yield from read_tests(reader, node, attribute)


def _segment(reader: Reader, node: Node, names: Names) -> Iterator[Condition]:
    items = reader.items(node)
    if not items:
        reader.error(node, "empty-list", "`segment` has an empty list.", "Name at least one segment.")
        return
    found = []
    for item in items:
        name = reader.text(item, "A segment's name")
        if name is None:
            continue
        if name not in names.segments:
            reader.unknown(item, "segment", name, names.segments)
            continue
        names.segments_used.setdefault(name, reader.span(item))
        found.append(InSegment(name))
    if found:
        yield found[0] if len(found) == 1 else Any(tuple(found))


def find_attribute(reader: Reader, node: Node, name: str, names: Names) -> Attribute | None:
    """The attribute that a name means, short or whole; None (reported) where it means none, or two."""
    if name in names.attributes:
        return names.attributes[name]
    keys = names.short.get(name, [])
    if len(keys) == 1:
        return names.attributes[keys[0]]
    if keys:
        reader.error(
            node,
            "ambiguous-attribute",
            f"Both user and context have `{name}`.",
            f"Write `{keys[0]}` or `{keys[1]}`.",
        )
    else:
        every = [*WORDS[:5], *names.short, *names.attributes]
        hint = "Declare it under `attributes`, or write one that is declared there."
        reader.unknown(node, "attribute", name, every, hint)
    return None


def read_tests(reader: Reader, node: Node, attribute: Attribute) -> Iterator[Test]:
    """The tests on an attribute that a value, a list or a mapping of operators writes."""
    many = attribute.type in LISTS
    if isinstance(node, MappingNode):
        if not node.value:
            reader.error(
                node, "empty-list", f"`{attribute.name}` has an empty test.", "Write a value or an operator."
            )
        for word, (key_node, operand) in reader.entries(node).items():
            yield from _operator(reader, key_node, word, operand, attribute)
    elif isinstance(node, SequenceNode):
        yield from _test(reader, attribute, Op.CONTAINS_ANY if many else Op.ONE_OF, node, Takes.VALUES)
    else:
        yield from _test(reader, attribute, Op.CONTAINS if many else Op.IS, node, Takes.VALUE)


def _operator(reader: Reader, key_node: Node, word: str, node: Node, attribute: Attribute) -> Iterator[Test]:
    allowed = _OF_SIZES if attribute is _SIZE else _ALLOWED[attribute.type]
    if word in allowed:
        yield from _test(reader, attribute, allowed[word], node, takes(allowed[word], attribute.type))
        return
    what = f"`{attribute.name}` is {A_VALUE[attribute.type]}"
    offer = f"Operators for it are {listed(allowed, 20)}."
    if word in tuple(Op):
        reader.error(key_node, "wrong-operator", f"{what}, which `{word}` is not for.", offer)
    else:
        reader.error(
            key_node,
            "unknown-operator",
            f"There is no operator `{short(word)}`.",
            did_you_mean(word, allowed) or offer,
        )


def _test(reader: Reader, attribute: Attribute, op: Op, node: Node, kind: Takes) -> Iterator[Test]:
    if kind is Takes.COUNT:
        for size in _sizes(reader, node):
            yield Test(attribute, op, size)
        return
    operand = _OPERANDS[kind](reader, node, attribute, op)
    if operand is not None:
        yield Test(attribute, op, operand)


def _sizes(reader: Reader, node: Node) -> Iterator[Size]:
    return (Size(test.op, test.operand) for test in read_tests(reader, node, _SIZE))


def _flag(reader: Reader, node: Node, attribute: Attribute, op: Op) -> Operand | None:
    return reader.flag(node, f"`{op}`")


def _value(reader: Reader, node: Node, attribute: Attribute, op: Op) -> Operand | None:
    return read_constant(reader, node, attribute)


def _part(reader: Reader, node: Node, attribute: Attribute, op: Op) -> Operand | None:
    return read_constant(reader, node, attribute, listed_only=False)


def _values(reader: Reader, node: Node, attribute: Attribute, op: Op) -> Operand | None:
    if not isinstance(node, SequenceNode):
        reader.error(
            node, "wrong-kind", f"`{op}` takes a list, not {kind_of(node)}.", f"Write `{op}: [a, b]`."
        )
        return None
    if not node.value:
        reader.error(
            node, "empty-list", f"The list for `{attribute.name}` is empty.", "List at least one value."
        )
        return None
    values = [read_constant(reader, item, attribute) for item in node.value]
    known = tuple(value for value in values if value is not None)
    return known if len(known) == len(values) else None


def _pair(reader: Reader, node: Node, attribute: Attribute, op: Op) -> Operand | None:
    if not isinstance(node, SequenceNode) or len(node.value) != 2:
        reader.error(
            node, "wrong-kind", "`between` takes a low and a high value.", "Write `between: [18, 65]`."
        )
        return None
    low, high = (read_constant(reader, item, attribute, listed_only=False) for item in node.value)
    if low is None or high is None:
        return None
    if _is_after(low, high):
        reader.error(
            node,
            "reversed-range",
            f"`between` runs from low to high, and {written(low)} is above {written(high)}.",
            f"Write `between: [{written(high)}, {written(low)}]`.",
        )
        return None
    return (low, high)


def _is_after(low: Scalar, high: Scalar) -> bool:
    if isinstance(low, date) and isinstance(high, date):
        return first_moment(low) > last_moment(high)
    return low > high  # type: ignore[operator]  # both are of the attribute's type


def _duration(reader: Reader, node: Node, attribute: Attribute, op: Op) -> Operand | None:
    text = reader.text(node, f"`{op}`")
    duration = parse_duration(text) if text is not None else None
    if text is not None and duration is None:
        reader.error(
            node,
            "wrong-type",
            f"`{op}` takes a span of time, and {kind_of(node)} is none.",
            "Write a number of minutes, hours, days or weeks, such as `30 days`.",
        )
    return duration


_OPERANDS = {
    Takes.FLAG: _flag,
    Takes.VALUE: _value,
    Takes.VALUES: _values,
    Takes.PAIR: _pair,
    Takes.PART: _part,
    Takes.DURATION: _duration,
}
