"""Keys that are not indented far enough: which they are, and the body that they belong into."""

from __future__ import annotations

from tailored.book.compose import COLLECTION
from tailored.book.nodes import MappingNode, Node, ScalarNode, is_null, words_of
from tailored.book.sections import ATTRIBUTE, CONTENT, PURPOSE, RULE, SEGMENT, SETTING, SLOT, TOPIC

KEYS = {
    "attributes": ATTRIBUTE,
    "topics": TOPIC,
    "purposes": PURPOSE,
    "slots": SLOT,
    "settings": SETTING,
    "content": CONTENT,
    "segments": SEGMENT,
    "rules": RULE,
}
"""The keys of the bodies of each section."""


def is_misplaced(section: str, name: str, value: Node, before: Node) -> bool:
    """Whether an entry of a section is no thing of its own, but belongs into the body of the one before.

    That is so for a key of such a body without a body of its own, and, below an empty body, for all that
    cannot be one.
    """
    keys = KEYS.get(section)
    if keys is None or is_null(value) or not (is_null(before) or isinstance(before, MappingNode)):
        return False
    if isinstance(value, MappingNode):
        is_body = section == "content" or not value.value or any(word in keys for word in words_of(value))
        return name in keys and not is_body
    return name in keys or is_null(before)


def put_below(before: Node, key: ScalarNode, value: Node) -> Node:
    """The body with one more entry."""
    entries = [*before.value, (key, value)] if isinstance(before, MappingNode) else [(key, value)]
    start = before.start_mark if isinstance(before, MappingNode) else key.start_mark
    return MappingNode(COLLECTION, entries, start, value.end_mark)
