"""A file's bytes to YAML nodes: strict, with places, bounded in depth and in what aliases expand to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml import AliasEvent, CollectionEndEvent, CollectionStartEvent, Node, NodeEvent
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from tailored.book.diagnostics import split_lines
from tailored.book.syntax import explained

PLAIN, QUOTED, COLLECTION = "\ud800plain", "\ud800quoted", "\ud800collection"
"""The tags of nodes without one. No file can write them itself, as a lone surrogate is no UTF-8."""
DEEPEST = 60
"""How deep YAML may nest. (Cython recursion has no guard of its own.)"""
MOST_EXPANSION = 20_000
"""How many nodes the aliases of one file may stand for, beyond those that are written out."""

_ALIAS = re.compile(r"(?:^|[\s\[{,:-])\*[^\s*,\]}]")


@dataclass(eq=False)
class Unreadable(Exception):
    """A file does not parse: its text, and one finding about it (line and column count from 0)."""

    text: str
    line: int
    column: int
    code: str
    message: str
    hint: str


class _TooDeep(Exception):
    def __init__(self, mark: Any) -> None:
        self.mark = mark


class _Composer(CParser):
    """PyYAML's C composer; its tags only say how a scalar is written, and it counts depth.

    It calls three methods for each node. As closures they take half the time that they would take as methods.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        depth = 0

        def resolve(kind: type[Node], value: str | None, implicit: Any) -> str:
            return COLLECTION if value is None else PLAIN if implicit[0] else QUOTED

        def descend(parent: Node | None, index: Any) -> None:
            nonlocal depth
            depth += 1
            if depth > DEEPEST:
                raise _TooDeep(parent.start_mark if parent else None)

        def ascend() -> None:
            nonlocal depth
            depth -= 1

        self.resolve, self.descend_resolver, self.ascend_resolver = resolve, descend, ascend


def compose(content: bytes) -> tuple[str, Node | None]:
    """A file's text and its root node, None where it is empty. Raises Unreadable where it does not parse."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(content, error) from None
    composer = _Composer(text)
    try:
        root = composer.get_single_node()
    except _TooDeep as error:
        raise _too_deep(text, error.mark) from None
    except yaml.YAMLError as error:
        raise _syntax(text, error) from None
    finally:
        composer.dispose()
    if root is not None and "*" in text and _ALIAS.search(text):
        _check_aliases(text)
    return text, root


def _not_utf8(content: bytes, error: UnicodeDecodeError) -> Unreadable:
    # the place counts from the file's beginning, a byte order mark left out
    lines = split_lines(content[: content.index(error.object) + error.start].decode("utf-8-sig", "replace"))
    return Unreadable(
        content.decode("utf-8-sig", "replace"),
        len(lines) - 1,
        len(lines[-1]),
        "not-utf8",
        f"This file is not UTF-8: the byte 0x{error.object[error.start]:02x} stands for nothing here.",
        "Save the file as UTF-8 in your editor.",
    )


def _too_deep(text: str, mark: Any) -> Unreadable:
    return Unreadable(
        text,
        mark.line,
        mark.column,
        "too-deep",
        f"This nests more than {DEEPEST} levels deep.",
        "Give a part of it a name of its own, as a segment.",
    )


def _syntax(text: str, error: yaml.YAMLError) -> Unreadable:
    found = explained(text, error)
    return Unreadable(text, found.line, found.column, "yaml-syntax", found.message, found.hint)


@dataclass(slots=True)
class _Open:
    """A collection that is being read: its anchor, its nodes so far, and its height."""

    anchor: str | None
    nodes: int = 1
    height: int = 1


@dataclass(slots=True)
class _Anchored:
    """What each anchor stands for, and which anchors are still being read."""

    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    open: list[_Open] = field(default_factory=list)
    expansion: int = 0


def _check_aliases(text: str) -> None:
    """Raises Unreadable at the first alias of itself, of too much, or of something too deep."""
    seen = _Anchored()
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, CollectionStartEvent):
            seen.open.append(_Open(event.anchor))
            continue
        if isinstance(event, CollectionEndEvent):
            done = seen.open.pop()
            nodes, height, anchor = done.nodes, done.height, done.anchor
        elif isinstance(event, AliasEvent):
            nodes, height = _expanded(text, event.start_mark, str(event.anchor), seen)
            anchor = None
        elif isinstance(event, NodeEvent):
            nodes, height, anchor = 1, 0, event.anchor
        else:
            continue
        if anchor is not None:
            seen.sizes[anchor] = nodes, height
        if seen.open:
            around = seen.open[-1]
            around.nodes += nodes
            around.height = max(around.height, height + 1)


def _expanded(text: str, mark: Any, anchor: str, seen: _Anchored) -> tuple[int, int]:
    if any(around.anchor == anchor for around in seen.open):
        raise Unreadable(
            text,
            mark.line,
            mark.column,
            "too-many-aliases",
            f"This alias stands for `&{anchor}`, which it is a part of.",
            "Take the alias out; nothing can contain itself.",
        )
    nodes, height = seen.sizes[anchor]
    if len(seen.open) + height > DEEPEST:
        raise _too_deep(text, mark)
    seen.expansion += nodes
    if seen.expansion > MOST_EXPANSION:
        raise Unreadable(
            text,
            mark.line,
            mark.column,
            "too-many-aliases",
            f"The aliases up to here expand to more than {MOST_EXPANSION:,} pieces.",
            "Write less of it with aliases; a segment can be named as often as you like.",
        )
    return nodes, height
