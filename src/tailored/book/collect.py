"""The sections of all files, merged: every id with its place, once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tailored.book.diagnostics import Diagnostic
from tailored.book.nodes import Node, Reader, ScalarNode, is_null
from tailored.book.sections import SECTIONS
from tailored.book.suggest import did_you_mean, listed

_ID = re.compile(r"[a-z0-9_.-]+", re.ASCII)
_MOST_ID = 200


@dataclass(frozen=True, slots=True)
class Entry:
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


def collect(sources: dict[str, bytes], report: list[Diagnostic]) -> Collected:
    """The entries of all files of a book, taken in the order given. What is wrong goes to `report`."""
    collected = Collected()
    for path, content in sources.items():
        reader = Reader(path, report)
        collected.texts[path], root = reader.compose(content)
        if root is None or is_null(root):
            continue
        top = reader.mapping(root, "A rule file", "rules: {...}")
        for name, (key, node) in (top or {}).items():
            if name not in SECTIONS:
                hint = did_you_mean(name, SECTIONS) or f"Sections are {listed(SECTIONS)}."
                reader.error(key, "unknown-section", f"There is no section `{name}`.", hint)
                continue
            if is_null(node):
                continue
            for entry in _entries(reader, name, node):
                _add(collected.sections[name], entry, name)
    _no_slot_is_a_setting(collected)
    return collected


def _entries(reader: Reader, section: str, node: Node) -> Iterator[Entry]:
    body = reader.mapping(node, f"`{section}`", f"{section}: {{some-id: {{...}}}}")
    for name, (key, value) in (body or {}).items():
        if section != "attributes":
            if _is_id(reader, key, name):
                yield Entry(name, reader, key, value)
        elif name not in ("user", "context"):
            hint = did_you_mean(name, ["user", "context"]) or "Put it below `user:` or `context:`."
            reader.error(key, "unknown-key", f"Attributes are of `user` or `context`, not of `{name}`.", hint)
        elif not is_null(value):
            side = reader.mapping(value, f"`{name}`", f"{name}: {{country: {{type: string}}}}")
            for attribute, (inner, spec) in (side or {}).items():
                yield Entry(f"{name}.{attribute}", reader, inner, spec)


def _is_id(reader: Reader, key: ScalarNode, name: str) -> bool:
    if _ID.fullmatch(name) and len(name) <= _MOST_ID:
        return True
    mended = re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-")[:_MOST_ID]
    reader.error(
        key,
        "bad-id",
        f"`{name}` is no id: ids are lower-case letters, digits, `-`, `_` and `.`.",
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
