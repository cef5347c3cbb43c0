"""Conditions as people write them, to the condition tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from tailored.book.compose import PLAIN
from tailored.book.constants import read_constant, written
from tailored.book.diagnostics import Span
from tailored.book.logic import read_logic
from tailored.book.mends import meant_operator, mended_span
from tailored.book.nodes import (
    MappingNode,
    Node,
    Reader,
    ScalarNode,
    SequenceNode,
    example_of,
    kind_of,
    short,
)
from tailored.book.suggest import closest, listed
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
from tailored.condition.types import (
    A_VALUE,
    ELEMENT,
    LONGEST_DURATION,
    Type,
    first_moment,
    is_too_long,
    last_moment,
    parse_duration,
)

WORDS = ("any", "all", "not", "segment", "logic", "always")
"""The words of the language, which no attribute may be called."""

_ALLOWED: dict[Type, dict[str, Op]] = {type_: {str(op): op for op in operators_of(type_)} for type_ in Type}
_SIZE = Attribute("user", "size", Type.INTEGER)
_OF_SIZES = {word: op for word, op in _ALLOWED[Type.INTEGER].items() if op is not Op.KNOWN}

Leaf: TypeAlias = Callable[[Reader, str, Node, Node], Iterable[Condition]]
"""Reads an entry of a condition: its key, the key's node and the node of its value."""


@dataclass(slots=True)
class Asked:
    """An attribute that conditions ask about, with what was read for it so far: grown books repeat much.

    The tables go by texts without quotes, and have only what was read without a finding.
    """

    attribute: Attribute
    constants: dict[str, Scalar] = field(default_factory=dict)
    """What the texts mean as values of the attribute, held to those that it declares."""
    others: dict[str, Scalar] = field(default_factory=dict)
    """What they mean where nothing holds them to declared values."""
    tests: dict[tuple[str, str], Test] = field(default_factory=dict)
    """The tests, by operator (empty where none is written) and text."""

    def read(
        self, reader: Reader, nodes: list[Node], *, listed_only: bool = True
    ) -> tuple[Scalar, ...] | None:
        """The values that nodes write; None (reported) where one writes none."""
        known = self.constants if listed_only else self.others
        values = [known.get(node.value) if node.tag is PLAIN else None for node in nodes]
        if None not in values:
            return tuple(values)  # type: ignore[arg-type]  # there is no None
        found = []
        for node in nodes:
            value = read_constant(reader, node, self.attribute, listed_only=listed_only)
            if value is not None:
                found.append(value)
                if node.tag is PLAIN:
                    known[node.value] = value
        return tuple(found) if len(found) == len(nodes) else None


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
        self.asked = {key: Asked(attribute) for key, attribute in self.attributes.items()}
        """The attributes, by every name that conditions may give them."""
        for name, keys in self.short.items():
            if len(keys) == 1:
                self.asked[name] = self.asked[keys[0]]
        self.members: dict[str, InSegment] = {}
        """The memberships read so far, as nothing differs between two of the same segment."""

    def type_of(self, name: str) -> Type:
        """The type of single values of an attribute, by a name that a condition may give it."""
        type_ = self.asked[name].attribute.type if name in self.asked else Type.NUMBER
        return ELEMENT.get(type_, type_)


def read_condition(reader: Reader, node: Node, names: Names) -> Condition:
    """The condition that a node writes. What is wrong is reported, and left out of the tree."""
    if isinstance(node, ScalarNode) and node.value == "always" and reader.untagged(node):
        return ALWAYS
    if not isinstance(node, MappingNode):
        hint = "Write `all:` or `any:` before the list."
        if isinstance(node, ScalarNode):
            hint = _mended(node.value, names)
        reader.error(
            node,
            "wrong-kind",
            f"A condition must be a mapping such as `page: home`, or `always`, not {kind_of(node)}.",
            hint,
        )
        if isinstance(node, SequenceNode):
            _read_for_findings(reader, node.value, names)
        return ALWAYS
    entries = reader.entries(node, names.type_of) if reader.untagged(node) else {}
    if not node.value:
        reader.error(
            node, "empty-list", "This condition is empty.", "Write `always` if that is what you mean."
        )
    parts: list[Condition] = []
    for key, (key_node, value) in entries.items():
        asked = names.asked.get(key) if names.leaf is None else None
        if asked is None:
            parts += _entry(reader, key, key_node, value, names)
        elif value.tag is PLAIN and (test := asked.tests.get(("", value.value))) is not None:
            parts.append(test)
        else:
            parts += _tests(reader, value, asked)
    return _all(parts)


def _read_for_findings(reader: Reader, nodes: list[Node], names: Names) -> None:
    """Reads conditions that stand where they cannot, as they may have mistakes of their own."""
    for node in nodes:
        if isinstance(node, MappingNode):
            read_condition(reader, node, names)


def _mended(text: str, names: Names) -> str:
    """The mend for a text that stands where a condition belongs."""
    if text.strip(" ,;.").casefold() in ("always", "true", "yes", "everyone", "anyone", "all", "any", "*"):
        return "Write `always`."
    if text in names.segments:
        return f"Write `{{segment: {text}}}`."
    if match := re.fullmatch(r"([\w.]+)\s*(?::|==?| is )\s*(\S.*)", text):
        return f"Write `{{{match.group(1)}: {short(match.group(2))}}}`."
    return "Write `{page: home}`, an attribute and its value, or `always`."


def _all(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _entry(reader: Reader, key: str, key_node: Node, node: Node, names: Names) -> Iterator[Condition]:
    """What an entry means whose key is a word of the language, or no attribute's name."""
    if key in ("any", "all"):
        if not isinstance(node, SequenceNode):
            reader.error(
                node,
                "wrong-kind",
                f"`{key}` takes a list of conditions, not {kind_of(node)}.",
                f"Write `{key}: [{{page: home}}, {{page: cart}}]`.",
            )
            _read_for_findings(reader, [node], names)
        elif not node.value:
            reader.error(node, "empty-list", f"`{key}` has an empty list.", "List at least one condition.")
        else:
            parts = tuple(read_condition(reader, item, names) for item in node.value)
            yield Any(parts) if key == "any" else All(parts)
    elif key == "not":
        if isinstance(node, SequenceNode):
            hint = "Write `not: {any: [...]}` if none of these may hold."
            if len(node.value) == 1:
                hint = "Write it without the `[ ]`, or without the `-`."
            reader.error(node, "wrong-kind", "`not` takes one condition, not a list.", hint)
            _read_for_findings(reader, node.value, names)
        else:
            yield Not(read_condition(reader, node, names))
    elif names.leaf is not None:
        yield from names.leaf(reader, key, key_node, node)
    elif key == "segment":
        yield from _segment(reader, node, names)
    elif key == "logic":
        if (leaf := read_logic(reader, node, names.attributes)) is not None:
            yield leaf
    else:
        _report_no_attribute(reader, key_node, key, names, WORDS[:5])
        if isinstance(node, MappingNode):
            _check_operators(reader, node)


def _segment(reader: Reader, node: Node, names: Names) -> Iterator[Condition]:
    if node.tag is PLAIN and node.value in names.members:
        yield names.members[node.value]
        return
    items = reader.items(node)
    if not items:
        reader.error(node, "empty-list", "`segment` has an empty list.", "Name at least one segment.")
        return
    found = []
    reader.warn_of_repeats(items)
    for item in items:
        name = reader.text(item, "A segment's name")
        if name is None:
            continue
        if name not in names.segments:
            reader.unknown(item, "segment", name, names.segments)
            continue
        names.segments_used.setdefault(name, reader.span(item))
        found.append(names.members.setdefault(name, InSegment(name)))
    if found:
        yield found[0] if len(found) == 1 else Any(tuple(found))


def find_attribute(reader: Reader, node: Node, name: str, names: Names) -> Attribute | None:
    """The attribute that a name means, short or whole; None (reported) where it means none, or two."""
    if (asked := names.asked.get(name)) is not None:
        return asked.attribute
    _report_no_attribute(reader, node, name, names)
    return None


def _report_no_attribute(
    reader: Reader, node: Node, name: str, names: Names, words: tuple[str, ...] = ()
) -> None:
    if keys := names.short.get(name):
        reader.error(
            node,
            "ambiguous-attribute",
            f"Both user and context have `{name}`.",
            f"Write `{keys[0]}` or `{keys[1]}`.",
        )
    else:
        every = [*words, *names.short, *names.attributes]
        hint = "Declare it under `attributes`, or write one that is declared there."
        reader.unknown(node, "attribute", name, every, hint)


def _check_operators(reader: Reader, node: MappingNode) -> None:
    """Reports what is no operator for any attribute."""
    for word, (key_node, _) in reader.entries(node).items():
        if word not in tuple(Op):
            every = tuple(str(op) for op in Op)
            near = meant_operator(word, every) or closest(word, every)
            hint = f"Did you mean `{near}`?" if near else f"Operators are {listed(every, 30)}."
            reader.error(key_node, "unknown-operator", f"There is no operator `{short(word)}`.", hint)


def read_tests(reader: Reader, node: Node, attribute: Attribute) -> list[Test]:
    """The tests on an attribute that a value, a list or a mapping of operators writes."""
    return _tests(reader, node, Asked(attribute))


def _tests(reader: Reader, node: Node, asked: Asked) -> list[Test]:
    attribute = asked.attribute
    many = attribute.type in LISTS
    if isinstance(node, SequenceNode):
        return _test(reader, asked, Op.CONTAINS_ANY if many else Op.ONE_OF, node, Takes.VALUES)
    if not isinstance(node, MappingNode):
        return _test(reader, asked, Op.CONTAINS if many else Op.IS, node, Takes.VALUE, "")
    if not node.value:
        reader.error(
            node, "empty-list", f"`{attribute.name}` has an empty test.", "Write a value or an operator."
        )
    found = []
    type_ = ELEMENT.get(attribute.type, attribute.type)
    for word, (key_node, operand) in reader.entries(node, lambda _: type_).items():
        if operand.tag is PLAIN and (test := asked.tests.get((word, operand.value))) is not None:
            found.append(test)
        else:
            found += _operator(reader, key_node, word, operand, asked)
    return found


def _operator(reader: Reader, key_node: Node, word: str, node: Node, asked: Asked) -> list[Test]:
    attribute = asked.attribute
    allowed = _OF_SIZES if attribute is _SIZE else _ALLOWED[attribute.type]
    if word in allowed:
        return _test(reader, asked, allowed[word], node, takes(allowed[word], attribute.type), word)
    what = f"`{attribute.name}` is {A_VALUE[attribute.type]}"
    offer = f"Operators for it are {listed(allowed, 20)}."
    meant = meant_operator(word, allowed)
    if word in tuple(Op):
        hint = f"Did you mean `{meant}`? {offer}" if meant else offer
        reader.error(key_node, "wrong-operator", f"{what}, which `{word}` is not for.", hint)
    else:
        near = meant or closest(word, allowed)
        hint = f"Did you mean `{near}`?" if near else offer
        reader.error(key_node, "unknown-operator", f"There is no operator `{short(word)}`.", hint)
    return []


def _test(
    reader: Reader, asked: Asked, op: Op, node: Node, kind: Takes, word: str | None = None
) -> list[Test]:
    """The test that `node` completes, or several of a size; kept for where `word` has the same text again."""
    if kind is Takes.COUNT:
        return [Test(asked.attribute, op, size) for size in _sizes(reader, node)]
    operand = _OPERANDS[kind](reader, node, asked, op)
    if operand is None:
        return []
    test = Test(asked.attribute, op, operand)
    if word is not None and node.tag is PLAIN and operand != "":  # an empty text has a finding of its own
        asked.tests[word, node.value] = test
    return [test]


def _sizes(reader: Reader, node: Node) -> Iterator[Size]:
    for test in read_tests(reader, node, _SIZE):
        numbers = test.operand if isinstance(test.operand, tuple) else (test.operand,)
        if all(isinstance(number, int) and number < 0 for number in numbers):
            message = f"No list has a size below 0, so `size` with {numbers[-1]} says nothing."
            reader.warn(node, "idle-test", message, "Write 0 or more; `size: 0` is an empty list.")
        yield Size(test.op, test.operand)


def _flag(reader: Reader, node: Node, asked: Asked, op: Op) -> Operand | None:
    return reader.flag(node, f"`{op}`")


def _value(reader: Reader, node: Node, asked: Asked, op: Op) -> Operand | None:
    if isinstance(node, SequenceNode) and (many := _FOR_MANY.get(op)) is not None:
        message = f"`{op}` takes one value, not a list."
        reader.error(node, "wrong-type", message, f"Write `{many}: [...]`.")
        return None
    return read_constant(reader, node, asked.attribute)


_FOR_MANY = {Op.IS: Op.ONE_OF, Op.IS_NOT: Op.NONE_OF, Op.CONTAINS: Op.CONTAINS_ANY}


def _bound(reader: Reader, node: Node, asked: Asked, op: Op) -> Operand | None:
    return read_constant(reader, node, asked.attribute, listed_only=False)


def _part(reader: Reader, node: Node, asked: Asked, op: Op) -> Operand | None:
    part = read_constant(reader, node, asked.attribute, listed_only=False)
    if part == "":
        message = f"`{op}` has an empty text, which {_OF_NOTHING.get(op, 'is a part of every text')}."
        mend = 'Write `is: ""` for the empty text.' if op is Op.LIKE else "Write a text, or `known: true`."
        reader.warn(node, "idle-test", message, mend)
    return part


_OF_NOTHING = {
    Op.LIKE: "only the empty text is like",
    Op.STARTS_WITH: "every text starts with",
    Op.ENDS_WITH: "every text ends with",
}


def _values(reader: Reader, node: Node, asked: Asked, op: Op) -> Operand | None:
    if not isinstance(node, SequenceNode):
        reader.error(
            node,
            "wrong-kind",
            f"`{op}` takes a list, not {kind_of(node)}.",
            f"Write `{op}: [{example_of(node, 'a, b')}]`.",
        )
        return None
    if not node.value:
        reader.error(
            node,
            "empty-list",
            f"The list for `{asked.attribute.name}` is empty.",
            "List at least one value.",
        )
        return None
    reader.warn_of_repeats(node.value)
    return asked.read(reader, node.value)


def _pair(reader: Reader, node: Node, asked: Asked, op: Op) -> Operand | None:
    if not isinstance(node, SequenceNode) or len(node.value) != 2:
        reader.error(
            node, "wrong-kind", "`between` takes a low and a high value.", "Write `between: [18, 65]`."
        )
        return None
    values = asked.read(reader, node.value, listed_only=False)
    if values is None:
        return None
    low, high = values
    if _is_after(low, high):
        reader.error(
            node,
            "reversed-range",
            f"`between` runs from low to high, and {written(low)} is above {written(high)}.",
            f"Write `between: [{written(high)}, {written(low)}]`.",
        )
        return None
    return values


def _is_after(low: Scalar, high: Scalar) -> bool:
    if isinstance(low, date) and isinstance(high, date):
        return first_moment(low) > last_moment(high)
    return low > high  # type: ignore[operator]  # both are of the attribute's type


def _duration(reader: Reader, node: Node, asked: Asked, op: Op) -> Operand | None:
    text = reader.text(node, f"`{op}`")
    duration = parse_duration(text) if text is not None else None
    if text is not None and duration is None and is_too_long(text):
        most = f"{LONGEST_DURATION.days:,} days"
        message = f"`{op}` takes at most {most}, and {kind_of(node)} is more."
        reader.error(node, "wrong-type", message, f"Write a span of at most {most}, such as `30 days`.")
    elif text is not None and duration is None:
        reader.error(
            node,
            "wrong-type",
            f"`{op}` takes a span of time, and {kind_of(node)} is none.",
            mended_span(text) or "Write a number of minutes, hours, days or weeks, such as `30 days`.",
        )
    return duration


_OPERANDS = {
    Takes.FLAG: _flag,
    Takes.VALUE: _value,
    Takes.BOUND: _bound,
    Takes.VALUES: _values,
    Takes.PAIR: _pair,
    Takes.PART: _part,
    Takes.DURATION: _duration,
}
