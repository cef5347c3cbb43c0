"""Content: what can be placed, its labels, its fields and the templates in them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import isfinite

from tailored.book.collect import Entry
from tailored.book.declarations import Body, Labels, read_names, read_text
from tailored.book.model import Content, Json
from tailored.book.nodes import MappingNode, Node, Reader, ScalarNode, SequenceNode, plain_value, short
from tailored.book.places import Placed
from tailored.book.sections import CONTENT
from tailored.book.suggest import one_slip_away
from tailored.book.templates import is_template, template_problems
from tailored.condition.tree import Attribute
from tailored.condition.types import INTEGER_LIMIT


def read_content(
    entries: dict[str, Entry], labels: Labels, attributes: Mapping[str, Attribute]
) -> dict[str, Content]:
    """The content of a book. A key one slip away from a word of the language is an error."""
    return {name: _content(entry, labels, attributes) for name, entry in entries.items()}


def _content(entry: Entry, labels: Labels, attributes: Mapping[str, Attribute]) -> Content:
    reader, name = entry.reader, entry.id
    body: Body = reader.mapping(entry.body, "Content", f"{name}: {{title: ...}}") or {}
    for key, (key_node, _) in body.items():
        if (word := slipped_word(key)) is not None:
            reader.error(
                key_node,
                "label-slip",
                f"`{short(key)}` is one slip away from `{word}`, a word of the language.",
                f"Write `{word}`, or give the field another name.",
            )
    topics, purpose, not_about = labels.read(reader, body)
    form = read_text(reader, body, "format") or "html"
    if form not in ("html", "text"):
        message = f"There is no format `{short(form)}`."
        reader.error(body["format"][1], "unknown-value", message, "Write `html` or `text`.")
    return Content(
        name,
        {key: read_field(reader, node, attributes) for key, (_, node) in body.items() if key not in CONTENT},
        topics,
        purpose,
        _words(reader, body, "tags"),
        read_text(reader, body, "type"),
        form != "text",
        not_about,
        read_text(reader, body, "description"),
        read_text(reader, body, "owner"),
        reader.span(entry.key),
    )


@lru_cache(maxsize=1024)
def slipped_word(key: str) -> str | None:
    """The word of the language that a key of a field is one slip away from."""
    return None if key in CONTENT else next((word for word in CONTENT if one_slip_away(key, word)), None)


def _words(reader: Reader, body: Body, key: str) -> tuple[str, ...]:
    return tuple(name for name, _ in read_names(reader, body[key][1], f"`{key}`")) if key in body else ()


def read_field(reader: Reader, node: Node, attributes: Mapping[str, Attribute]) -> Json:
    """The JSON data that a field holds. The templates in it are checked, and stay texts."""
    if not reader.untagged(node):
        return None
    if isinstance(node, MappingNode):
        return {
            key: read_field(reader, value, attributes) for key, (_, value) in reader.entries(node).items()
        }
    if isinstance(node, SequenceNode):
        return tuple(read_field(reader, item, attributes) for item in node.value)
    assert isinstance(node, ScalarNode)
    value = plain_value(node)
    if isinstance(value, str):
        if is_template(value):
            _check_template(reader, node, attributes)
    elif (isinstance(value, float) and not isfinite(value)) or (
        isinstance(value, int) and abs(value) >= INTEGER_LIMIT
    ):
        message = f"`{short(node.value)}` is no number that every application can read."
        reader.error(node, "wrong-type", message, "Put it in quotes if it is text.")
        return None
    return value


def _check_template(reader: Reader, node: ScalarNode, attributes: Mapping[str, Attribute]) -> None:
    if problems := template_problems(node.value, attributes):
        placed = Placed(reader.path, reader.source, node)
        for problem in problems:
            if problem.attribute and reader.is_excused("attribute", problem.attribute, problem.is_slip):
                continue
            span = placed.span(problem.start, problem.end)
            reader.error(span, problem.code, problem.message, problem.hint)
