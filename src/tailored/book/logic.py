"""`logic:` as people write it: JSONLogic, checked, to an opaque leaf of the tree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from datalogic_py import DataLogicError, Engine

from tailored.book.nodes import MappingNode, Node, Reader, ScalarNode, SequenceNode, plain_value
from tailored.book.suggest import did_you_mean, listed
from tailored.condition.tree import Attribute, Logic

_WORDS = (
    "var missing missing_some if ?: == === != !== ! !! or and > >= < <= max min + - * / % "
    "map reduce filter all none some merge in cat substr"
)
STANDARD = frozenset(_WORDS.split())
"""The operators of https://jsonlogic.com/operations.html, without `log`, which decides nothing."""

_ENGINE = Engine()


def json_value(reader: Reader, node: Node) -> Any:
    """The JSON data that a node writes."""
    if isinstance(node, MappingNode):
        return {key: json_value(reader, value) for key, (_, value) in reader.entries(node).items()}
    if isinstance(node, SequenceNode):
        return [json_value(reader, item) for item in node.value]
    assert isinstance(node, ScalarNode)
    return plain_value(node)


def read_logic(reader: Reader, node: Node, attributes: Mapping[str, Attribute]) -> Logic | None:
    """The leaf that a JSONLogic expression becomes; None (reported) where it is no valid one."""
    value = json_value(reader, node)
    problem = _unknown_operator(value)
    if problem is None:
        findings = [finding["message"] for finding in _ENGINE.check(json.dumps(value), "strict")]
        problem = findings[0] if findings else None
    if problem is not None:
        reader.error(
            node,
            "bad-logic",
            f"This is not valid JSONLogic: {problem}.",
            f"Operators are {listed(sorted(STANDARD), 40)}.",
        )
        return None
    try:
        facts = _ENGINE.compile(json.dumps(value)).facts()
    except DataLogicError as error:
        reader.error(node, "bad-logic", f"This is not valid JSONLogic: {error}.")
        return None
    if facts["computed_reads"] or [] in facts["reads"]:
        reader.error(
            node,
            "bad-logic",
            "This reads a variable whose name is not written out.",
            "Name what it reads, as `{var: user.country}`.",
        )
        return None
    names = [".".join(str(part) for part in path) for path in facts["reads"]]
    undeclared = [name for name in names if name not in attributes and not name.startswith("user.consents.")]
    for name in undeclared:
        reader.error(
            node,
            "unknown-attribute",
            f"`logic` reads `{name}`, which no attribute is called.",
            did_you_mean(name, attributes)
            or "Variables are `user.NAME` and `context.NAME` of declared attributes.",
        )
    if undeclared:
        return None
    reads = tuple(attributes[name] for name in sorted(names) if name in attributes)
    return Logic(json.dumps(value, ensure_ascii=False, separators=(",", ":")), reads)


def _unknown_operator(value: Any) -> str | None:
    """A sentence about the first mapping that is no operation of the standard, or None."""
    if isinstance(value, list):
        return next((problem for item in value if (problem := _unknown_operator(item))), None)
    if not isinstance(value, dict):
        return None
    if len(value) != 1:
        return f"an operation has one key, and here are {len(value)}"
    name, arguments = next(iter(value.items()))
    return _unknown_operator(arguments) if name in STANDARD else f"there is no operator `{name}`"
