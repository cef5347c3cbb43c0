"""The sections of all files, merged: every id with its place, once."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from tailored.book.diagnostics import Diagnostic
from tailored.book.indents import KEYS, is_misplaced, put_below
from tailored.book.nodes import Flaws, MappingNode, Node, Reader, ScalarNode, is_null, scalars, short
from tailored.book.sections import SECTIONS
from tailored.book.suggest import closest, listed

_ID = re.compile(r"[a-z0-9_.-]+", re.ASCII)
_MOST_ID = 200
_SIDES = ("user", "context")
KIND = {
    "attributes": "attribute",
    "topics": "topic",
    "purposes": "purpose",
    "consent": "framework",
    "slots": "slot",
    "settings": "setting",
    "content": "content",
    "catalogs": "catalog",
    "scorers": "scorer",
    "segments": "segment",
    "rules": "rule",
    "tests": "test",
    "guarantees": "guarantee",
}
"""How a sentence calls one thing of a section."""


class Entry(NamedTuple):
    """One id of a section: the reader of its file, its key and its body."""

    id: str
    reader: Reader
    key: ScalarNode
    body: Node
    is_told: bool = False
    """Whether the finding that its id stands twice is there already."""


Pair: TypeAlias = tuple[str, ScalarNode, Node, bool]
"""An id, its node, its body, and whether the id had stood in the same mapping before (which is reported)."""


@dataclass
class Collected:
    """All entries by section and id, in book order. Attributes are `attributes`, by their whole names."""

    sections: dict[str, dict[str, Entry]] = field(default_factory=lambda: {name: {} for name in SECTIONS})
    repeated: list[tuple[str, Entry]] = field(default_factory=list)
    """The entries whose ids had stood in their sections before, with those: read for their findings only."""
    texts: dict[str, str] = field(default_factory=dict)
    flaws: Flaws = field(default_factory=Flaws)


def collect(sources: dict[str, bytes], report: list[Diagnostic], without: Container[str] = ()) -> Collected:
    """The entries of all files of a book, taken in the order given. What is wrong goes to `report`.

    Sections `without` are passed over.
    """
    collected = Collected()
    for path, content in sources.items():
        reader = Reader(path, report, collected.flaws)
        collected.texts[path], root = reader.compose(content)
        if root is None or is_null(root):
            continue
        for section, entry in _file(reader, root, without):
            _add(collected, section, entry)
    _no_slot_is_a_setting(collected)
    return collected


def _file(reader: Reader, root: Node, without: Container[str]) -> Iterator[tuple[str, Entry]]:
    """The entries of one file, each with its section; one with a slip in its name is read all the same."""
    empty = ""
    for name, key, node, _ in _pairs(reader, root, "A rule file", "rules: {...}"):
        section = name if name in SECTIONS else closest(name, SECTIONS)
        if section is None and empty and isinstance(node, MappingNode):
            hint = f"Indent it below `{empty}:`, which is empty."
            reader.error(key, "wrong-indent", f"`{short(name)}` stands beside `{empty}`, not below it.", hint)
            yield from ((empty, entry) for entry in _bodies(reader, empty, [(name, key, node, False)]))
            continue
        if section != name:
            hint = f"Did you mean `{section}`?" if section else f"Sections are {listed(SECTIONS)}."
            reader.error(key, "unknown-section", f"There is no section `{short(name)}`.", hint)
        if section in without:
            continue
        if section is None:
            reader.flaws.unread.update(scalars(node))
        elif is_null(node):
            empty = section if section != "attributes" else ""
        else:
            yield from ((section, entry) for entry in _entries(reader, section, node))


def _pairs(reader: Reader, node: Node, what: str, example: str) -> Iterator[Pair]:
    """The entries of a node that may declare names, those that repeat others included."""
    entries = reader.mapping(node, what, example)
    if entries is None:
        reader.flaws.unread.update(scalars(node))
        return
    for name, (key, value) in entries.items():
        yield name, key, value, False
    for repeat in reader.flaws.taken(node):
        yield repeat.key.value, repeat.key, repeat.value, True


def _entries(reader: Reader, section: str, node: Node) -> Iterator[Entry]:
    pairs = _pairs(reader, node, f"`{section}`", f"{section}: {{some-id: {{...}}}}")
    if section != "attributes":
        yield from _bodies(reader, section, pairs)
        return
    for name, key, value, _ in pairs:
        side = name if name in _SIDES else closest(name, _SIDES)
        if side != name:
            hint = f"Did you mean `{side}`?" if side else "Put it below `user:` or `context:`."
            message = f"Attributes are of `user` or `context`, not of `{short(name)}`."
            reader.error(key, "unknown-key", message, hint)
        if side is None:
            reader.flaws.unread.update((name, *scalars(value)))
        elif not is_null(value):
            inner = _pairs(reader, value, f"`{short(name)}`", f"{name}: {{country: {{type: string}}}}")
            for entry in _bodies(reader, section, inner):
                yield Entry(f"{side}.{entry.id}", reader, entry.key, entry.body, entry.is_told)


def _bodies(reader: Reader, section: str, pairs: Iterable[Pair]) -> Iterator[Entry]:
    """The entries of a section. What stands beside a body and belongs into it is reported, and put there."""
    last: Entry | None = None
    keys = KEYS.get(section, {})
    for name, key, value, is_told in pairs:
        may_be = name in keys or (last is not None and is_null(last.body))
        if last is not None and may_be and is_misplaced(section, name, value, last.body):
            message = f"`{short(name)}` stands beside `{short(last.id)}`, not below it."
            reader.error(key, "wrong-indent", message, f"Indent it further than `{short(last.id)}`.")
            last = Entry(last.id, reader, last.key, put_below(last.body, key, value), last.is_told)
            continue
        if last is not None:
            yield last
        if section != "attributes":
            _check_id(reader, key, name, section)
        last = Entry(name, reader, key, value, is_told)
    if last is not None:
        yield last


def _check_id(reader: Reader, key: ScalarNode, name: str, section: str) -> None:
    """Reports what is no id. The thing counts as there, under this name and the mended one."""
    if _ID.fullmatch(name) and len(name) <= _MOST_ID:
        return
    mended = re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-")
    reader.flaws.broken.update((KIND[section], meant) for meant in (name, mended))
    reader.flaws.meant.add(name)
    if len(name) > _MOST_ID:
        message = f"This id has {len(name):,} letters, and {_MOST_ID} are the most."
        reader.error(key, "bad-id", message, "Shorten it.")
        return
    shown = f"`{short(name)}`" if name.strip() else "An empty text"
    reader.error(
        key,
        "bad-id",
        f"{shown} is no id: ids are lower-case letters, digits, `-`, `_` and `.`.",
        f"Write `{mended}`." if mended else "Give it a name.",
    )


def _add(collected: Collected, section: str, entry: Entry) -> None:
    first = collected.sections[section].setdefault(entry.id, entry)
    if first is entry:
        return
    collected.repeated.append((section, entry))
    if not entry.is_told:
        place = first.reader.span(first.key)
        message = f"`{short(entry.id)}` stands in `{section}` twice; the first is at {place}."
        entry.reader.error(entry.key, "duplicate-id", message, "Rename one of the two, or delete it.")


def _no_slot_is_a_setting(collected: Collected) -> None:
    for name, entry in collected.sections["settings"].items():
        if slot := collected.sections["slots"].get(name):
            entry.reader.error(
                entry.key,
                "duplicate-id",
                f"`{name}` is a slot already, at {slot.reader.span(slot.key)}; both are keys of a decision.",
                "Rename one of the two.",
            )
