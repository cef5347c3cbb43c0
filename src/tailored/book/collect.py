"""The sections of all files, merged: every id with its place, once."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tailored.book.diagnostics import Diagnostic
from tailored.book.nodes import Flaws, Node, Reader, ScalarNode, is_null, short
from tailored.book.sections import SECTIONS
from tailored.book.suggest import did_you_mean, listed

_ID = re.compile(r"[a-z0-9_.-]+", re.ASCII)
_MOST_ID = 200
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


@dataclass
class Collected:
    """All entries by section and id, in book order. Attributes are `attributes`, by their whole names."""

    sections: dict[str, dict[str, Entry]] = field(default_factory=lambda: {name: {} for name in SECTIONS})
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
        for name, (key, node) in _mapping(reader, root, "A rule file", "rules: {...}").items():
            if name not in SECTIONS:
                hint = did_you_mean(name, SECTIONS) or f"Sections are {listed(SECTIONS)}."
                reader.error(key, "unknown-section", f"There is no section `{short(name)}`.", hint)
                collected.flaws.unread = True
            elif name not in without and not is_null(node):
                for entry in _entries(reader, name, node):
                    _add(collected.sections[name], entry, name)
    _no_slot_is_a_setting(collected)
    return collected


def _mapping(reader: Reader, node: Node, what: str, example: str) -> dict[str, tuple[ScalarNode, Node]]:
    """The entries of a node that may declare names; where it is no mapping, those stay unread."""
    entries = reader.mapping(node, what, example)
    reader.flaws.unread |= entries is None
    return entries or {}


def _entries(reader: Reader, section: str, node: Node) -> Iterator[Entry]:
    body = _mapping(reader, node, f"`{section}`", f"{section}: {{some-id: {{...}}}}")
    for name, (key, value) in body.items():
        if section != "attributes":
            if _is_id(reader, key, name):
                yield Entry(name, reader, key, value)
            else:
                reader.flaws.broken.add((KIND[section], name))
        elif name not in ("user", "context"):
            hint = did_you_mean(name, ["user", "context"]) or "Put it below `user:` or `context:`."
            message = f"Attributes are of `user` or `context`, not of `{short(name)}`."
            reader.error(key, "unknown-key", message, hint)
            reader.flaws.unread = True
        elif not is_null(value):
            side = _mapping(reader, value, f"`{name}`", f"{name}: {{country: {{type: string}}}}")
            for attribute, (inner, spec) in side.items():
                yield Entry(f"{name}.{attribute}", reader, inner, spec)


def _is_id(reader: Reader, key: ScalarNode, name: str) -> bool:
    if _ID.fullmatch(name) and len(name) <= _MOST_ID:
        return True
    if len(name) > _MOST_ID:
        message = f"This id has {len(name):,} letters, and {_MOST_ID} are the most."
        reader.error(key, "bad-id", message, "Shorten it.")
        return False
    mended = re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-")
    shown = f"`{short(name)}`" if name.strip() else "An empty text"
    reader.error(
        key,
        "bad-id",
        f"{shown} is no id: ids are lower-case letters, digits, `-`, `_` and `.`.",
        f"Write `{mended}`." if mended else "Give it a name.",
    )
    return False


def _add(section: dict[str, Entry], entry: Entry, name: str) -> None:
    first = section.get(entry.id)
    if first is None:
        section[entry.id] = entry
        return
    entry.reader.error(
        entry.key,
        "duplicate-id",
        f"`{entry.id}` stands in `{name}` twice; the first is at {first.reader.span(first.key)}.",
        "Rename one of the two, or delete it.",
    )


def _no_slot_is_a_setting(collected: Collected) -> None:
    for name, entry in collected.sections["settings"].items():
        if slot := collected.sections["slots"].get(name):
            entry.reader.error(
                entry.key,
                "duplicate-id",
                f"`{name}` is a slot already, at {slot.reader.span(slot.key)}; both are keys of a decision.",
                "Rename one of the two.",
            )
