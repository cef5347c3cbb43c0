"""Walks through the nodes of a body that was read already, to find where in it something stands."""

from __future__ import annotations

from collections.abc import Iterator

from tailored.book.collect import Entry
from tailored.book.nodes import MappingNode, Node, ScalarNode, SequenceNode


def entries_of(node: Node) -> Iterator[tuple[str, Node]]:
    """The entries of a body, merged ones included."""
    for key, value in node.value if isinstance(node, MappingNode) else ():
        if key.value == "<<":
            for merged in value.value if isinstance(value, SequenceNode) else [value]:
                yield from entries_of(merged)
        elif isinstance(key, ScalarNode):
            yield key.value, value


def scalars_of(node: Node) -> Iterator[ScalarNode]:
    """The values that a node holds, however deep."""
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from scalars_of(item)
    elif isinstance(node, MappingNode):
        for _, value in node.value:
            yield from scalars_of(value)


def place_of(entry: Entry, key: str, text: str) -> Node:
    """Where a text stands below a key of an entry; the id of the entry where it cannot be found."""
    below = (node for name, node in entries_of(entry.body) if name == key)
    return next((one for node in below for one in scalars_of(node) if one.value == text), entry.key)
