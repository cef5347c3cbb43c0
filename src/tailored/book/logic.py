"""`logic:` as people write it: JSONLogic, checked node by node, to tests or to an opaque leaf of the tree."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from tailored.book.nodes import MappingNode, Node, Reader, ScalarNode, SequenceNode, kind_of, plain_value
from tailored.book.suggest import did_you_mean, listed
from tailored.condition.logic import translated
from tailored.condition.tree import Attribute, Condition, Logic
from tailored.condition.types import INTEGER_LIMIT

MANY = 10_000
STANDARD: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("!", "!!"), (1, 1)),
    **dict.fromkeys(("==", "===", "!=", "!==", ">", ">=", "%", "in", "/", "missing_some"), (2, 2)),
    **dict.fromkeys(("map", "filter", "all", "some", "none"), (2, 2)),
    **dict.fromkeys(("<", "<=", "substr", "reduce"), (2, 3)),
    **dict.fromkeys(("and", "or", "+", "*", "max", "min", "cat", "merge", "missing"), (1, MANY)),
    **dict.fromkeys(("if", "?:"), (2, MANY)),
    **dict.fromkeys(("var", "-"), (1, 2)),
}
"""The operators of https://jsonlogic.com/operations.html, with the fewest and the most arguments they take.

Without `log`, which decides nothing.
"""

_WHOLE = {
    **dict.fromkeys(("", None), ("the request", "user.country")),
    "user": ("the user", "user.country"),
    "context": ("the context", "context.page"),
    "user.consents": ("all consents", "user.consents.health"),
}
"""What cannot be read as a whole: how a sentence calls it, and what one reads of it instead."""

_FLAG = re.compile(r"user\.consents\.[^.]+")


class _Scope(Enum):
    """What `var` reads: the request, or, within an operation on a list, the element at hand."""

    REQUEST = auto()
    ELEMENT = auto()
    REDUCE = auto()


_SCOPES = {
    **dict.fromkeys(("map", "filter", "all", "some", "none"), (_Scope.REQUEST, _Scope.ELEMENT)),
    "reduce": (_Scope.REQUEST, _Scope.REDUCE, _Scope.REQUEST),
}
_WITHIN = {
    _Scope.ELEMENT: ("",),
    _Scope.REDUCE: ("current", "accumulator"),
}


def read_logic(reader: Reader, node: Node, attributes: Mapping[str, Attribute]) -> Condition | None:
    """The condition that a JSONLogic expression becomes; None (reported) where it is no valid one."""
    if not isinstance(node, MappingNode):
        reader.error(
            node,
            "bad-logic",
            f"`logic` takes an operation of JSONLogic, not {kind_of(node)}.",
            "Write it without quotes around all of it."
            if isinstance(node, ScalarNode) and node.value.lstrip().startswith("{")
            else 'Write it like `logic: {"===": [{var: user.country}, "NO"]}`.',
        )
        return None
    expression = _Expression(reader, attributes)
    value = expression.read(node, _Scope.REQUEST)
    if expression.broken:
        return None
    test = translated(value, attributes)
    if test is not None:
        return test
    reads = tuple(attributes[name] for name in sorted(expression.reads))
    return Logic(json.dumps(value, ensure_ascii=False, separators=(",", ":")), reads)


class _Expression:
    """Reads one expression: its JSON data, the attributes that it reads, and whether anything is wrong.

    The gate at the door counts on `reads` being complete, so a name that is not written out is refused.
    """

    def __init__(self, reader: Reader, attributes: Mapping[str, Attribute]) -> None:
        self.reader, self.attributes = reader, attributes
        self.reads: set[str] = set()
        self.broken = False

    def read(self, node: Node, scope: _Scope) -> Any:
        """The JSON data of an argument: an operation, a list of arguments, or a constant."""
        if not self.reader.untagged(node):
            self.broken = True
            return None
        if isinstance(node, MappingNode):
            return self._operation(node, scope)
        if isinstance(node, SequenceNode):
            return [self.read(item, scope) for item in node.value]
        return self._constant(node)

    def _operation(self, node: MappingNode, scope: _Scope) -> Any:
        found = len(self.reader.report)
        entries = self.reader.entries(node)
        if len(self.reader.report) > found:
            self.broken = True
            return None
        if len(entries) != 1:
            hint = "Join two with `and`: `{and: [{...}, {...}]}`."
            self._wrong(node, f"An operation has one key, and here {_are(len(entries))}.", hint)
            return None
        ((name, (key, given)),) = entries.items()
        if name not in STANDARD:
            hint = did_you_mean(name, STANDARD) or f"Operators are {listed(STANDARD, 40)}."
            self._wrong(key, f"JSONLogic has no operator `{name}`.", hint)
            return None
        arguments = given.value if isinstance(given, SequenceNode) else [given]
        least, most = STANDARD[name]
        if not least <= len(arguments) <= most:
            self._wrong(key, f"`{name}` takes {_count(least, most)}, and here {_are(len(arguments))}.")
            return None
        if name == "var":
            self._variable(arguments[0], scope)
        elif name in ("missing", "missing_some"):
            self._names(arguments if name == "missing" else arguments[1:], scope)
        elif name in _SCOPES and scope is _Scope.REQUEST:
            scopes = _SCOPES[name]
            values = [self.read(*pair) for pair in zip(arguments, scopes, strict=False)]
            return {name: values}
        elif name in _SCOPES:
            self._wrong(key, f"`{name}` stands within an operation on a list, whose elements are no lists.")
            return None
        return {name: self.read(given, scope)}

    def _constant(self, node: Node) -> Any:
        value = plain_value(node) if isinstance(node, ScalarNode) else None
        if isinstance(value, float) and not math.isfinite(value):
            self._wrong(node, f"{kind_of(node)} is no number that JSON has.", "Write a number such as 9.5.")
        if isinstance(value, int) and abs(value) >= INTEGER_LIMIT:
            self._wrong(node, "Whole numbers of more than 64 bits are too large.")
        return value

    def _names(self, nodes: list[Node], scope: _Scope) -> None:
        """What `missing` and `missing_some` look for, which they read."""
        for node in nodes:
            for item in node.value if isinstance(node, SequenceNode) else [node]:
                self._variable(item, scope)

    def _variable(self, node: Node, scope: _Scope) -> None:
        name = plain_value(node) if isinstance(node, ScalarNode) else None
        if not isinstance(node, ScalarNode):
            self._wrong(
                node,
                "This reads a variable whose name is not written out.",
                "Name what it reads, as `{var: user.country}`.",
            )
        elif scope is not _Scope.REQUEST:
            self._element(node, name, scope)
        elif isinstance(name, str) and name in self.attributes:
            self.reads.add(name)
        elif name in _WHOLE:
            what, part = _WHOLE[name]
            self._wrong(node, f"This reads {what} as a whole.", f"Name what it reads, as `{part}`.")
        elif not isinstance(name, str) or not _FLAG.fullmatch(name):
            self.broken = True
            hint = "Variables are `user.NAME` and `context.NAME` of declared attributes."
            self.reader.unknown(node, "attribute", str(name), self.attributes, hint)

    def _element(self, node: Node, name: object, scope: _Scope) -> None:
        if name not in _WITHIN[scope]:
            names = " and ".join(f'`{{var: "{name}"}}`' for name in _WITHIN[scope])
            self._wrong(
                node,
                f"Within an operation on a list, `var` reads the element at hand, not {kind_of(node)}.",
                f"Here one can read {names}. What is asked of the request stands outside the operation.",
            )

    def _wrong(self, node: Node, message: str, hint: str = "") -> None:
        self.broken = True
        self.reader.error(node, "bad-logic", message, hint)


def _count(least: int, most: int) -> str:
    if least == most:
        return f"{least} argument{'s' * (least != 1)}"
    return (
        f"at least {least} argument{'s' * (least != 1)}" if most == MANY else f"{least} or {most} arguments"
    )


def _are(number: int) -> str:
    return f"{'is' if number == 1 else 'are'} {number}"
