"""YAML nodes, and the safe ways to take them apart.

Values are built from the nodes by whoever knows their type, so that the surprises of YAML 1.1 (`NO`, `1_000`,
`12:30`) never arise and every value has its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from tailored.book.compose import COLLECTION, DEEPEST, PLAIN, QUOTED, Unreadable, compose
from tailored.book.diagnostics import Diagnostic, Severity, Span
from tailored.book.kept import kept
from tailored.book.mends import mended_value
from tailored.book.source import NoFile
from tailored.book.suggest import closest, there_are
from tailored.condition.types import Type

__all__ = [
    "DEEPEST",
    "Flaws",
    "MappingNode",
    "Node",
    "Reader",
    "ScalarNode",
    "SequenceNode",
    "example_of",
    "kind_of",
    "mended_flag",
    "plain_scalar",
    "plain_value",
    "repeated",
    "scalars",
    "words_of",
]

TypeOf: TypeAlias = Callable[[str], Type]
"""Gives the type of the values that a key takes."""


def _a_number(key: str) -> Type:
    return Type.NUMBER


UNKNOWN = {
    "attribute": "unknown-attribute",
    "catalog": "unknown-catalog",
    "content": "unknown-content",
    "item": "unknown-item",
    "purpose": "unknown-purpose",
    "rule": "unknown-rule",
    "scorer": "unknown-scorer",
    "segment": "unknown-segment",
    "setting": "unknown-setting",
    "slot": "unknown-slot",
    "topic": "unknown-topic",
}
"""The code of the finding about a name that is none, by the kind of thing it should name."""
_PLURAL = {kind: "content" if kind == "content" else f"{kind}s" for kind in UNKNOWN}
_MOST_SUGGESTIONS = 100

_OTHER_SIDE = {"user": "context", "context": "user"}
_KEEP_ONE = "Keep one of the two, or join them."
_JOIN = {
    "all": "Put the conditions of both into one list.",
    "any": "Put both below `all`: `all: [{any: [...]}, {any: [...]}]`.",
    "not": "Put both below `all`: `all: [{not: {...}}, {not: {...}}]`.",
    "segment": "Put both below `all`: `all: [{segment: ...}, {segment: ...}]`.",
    "logic": "Put both below `all`: `all: [{logic: {...}}, {logic: {...}}]`.",
}
_DECLARED = re.compile(r"([\w.-]+)[\"']?\s*:")
_TAGS = {PLAIN, QUOTED, COLLECTION}

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(slots=True)
class Flaws:
    """What the files of a book hold but cannot be used: names whose own declaration has an error."""

    broken: set[tuple[str, str]] = field(default_factory=set)
    """The kind and the name of each."""
    meant: set[str] = field(default_factory=set)
    """The names that somebody most likely meant, with a slip."""
    unread: set[str] = field(default_factory=set)
    """The names that may be declared in what could not be read."""
    repeats: list[Repeat] = field(default_factory=list)
    """The entries that were left out, as their keys had stood before."""

    def taken(self, node: Node) -> list[Repeat]:
        """The entries that were left out of a mapping, which somebody now takes care of."""
        found = [repeat for repeat in self.repeats if repeat.node is node]
        if found:
            self.repeats = [repeat for repeat in self.repeats if repeat.node is not node]
        return found


@dataclass(frozen=True, slots=True)
class Repeat:
    """An entry of a mapping whose key stands in it twice; `first` is the one that was read."""

    reader: Reader
    node: MappingNode
    key: ScalarNode
    value: Node
    first: ScalarNode


class Reader:
    """Reads one file of a book: hands out its nodes and collects what is wrong with them."""

    def __init__(self, path: str, report: list[Diagnostic], flaws: Flaws | None = None) -> None:
        self.path = path
        self.report = report
        self.flaws = flaws or Flaws()
        self.source = ""

    def compose(self, content: bytes) -> tuple[str, Node | None]:
        """A file's text and root node; None where it is empty, or does not parse (which is reported)."""
        if isinstance(content, NoFile):
            message = f"`{self.path}` cannot be read: {content.decode()}."
            mend = "Put the file there, or take the name out of the book."
            self.error(Span(self.path, 1, 1, 1, 2), "unreadable-file", message, mend)
            self.source = ""
            return "", None
        try:
            self.source, root = kept(content, self.path, lambda: compose(content))
        except Unreadable as error:
            self.source, root = error.text, None
            self.flaws.unread.update(_DECLARED.findall(error.text))
            place = Span(self.path, error.line + 1, error.column + 1, error.line + 1, error.column + 2)
            self.error(place, error.code, error.message, error.hint)
        return self.source, root

    def span(self, node: Node) -> Span:
        """The place of a node; of a block, where it begins."""
        start, end = node.start_mark, node.end_mark
        if end.line > start.line and not isinstance(node, ScalarNode) and end.column == 0:
            return Span(self.path, start.line + 1, start.column + 1, start.line + 1, start.column + 2)
        return Span(self.path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def error(self, node: Node | Span, code: str, message: str, hint: str = "") -> None:
        self._add(node, code, "error", message, hint)

    def warn(self, node: Node | Span, code: str, message: str, hint: str = "") -> None:
        self._add(node, code, "warning", message, hint)

    def note(self, node: Node | Span, code: str, message: str, hint: str = "") -> None:
        self._add(node, code, "note", message, hint)

    def _add(self, node: Node | Span, code: str, severity: Severity, message: str, hint: str) -> None:
        span = node if isinstance(node, Span) else self.span(node)
        self.report.append(Diagnostic(code, severity, message, hint, span))

    def is_excused(self, kind: str, name: str, is_slip: bool) -> bool:
        """Whether an unknown name is not worth a finding: its declaration has an error, or may be unread."""
        if (kind, name) in self.flaws.broken:
            return True
        unread = self.flaws.unread
        return bool(unread) and not is_slip and not unread.isdisjoint((name, name.partition(".")[2]))

    def closest(self, word: str, names: Iterable[str]) -> str | None:
        """The name that is most like a word, or None; always None after many findings, as it takes long."""
        return closest(word, names) if len(self.report) < _MOST_SUGGESTIONS else None

    def did_you_mean(self, word: str, names: Iterable[str]) -> str:
        """The hint that names the closest of `names`, or an empty text."""
        near = self.closest(word, names)
        return f"Did you mean `{near}`?" if near is not None else ""

    def unknown(
        self,
        node: Node,
        kind: str,
        name: str,
        names: Iterable[str],
        hint: str = "",
        severity: Severity = "error",
        called: str = "",
    ) -> None:
        """Reports a name that is none of `names`, unless its declaration is there, with an error of its own.

        `called` is what the sentence calls it, where that is not the kind.

        What could not be read may declare a name that stands in it; that is reported only if it is a slip.
        """
        every = list(names)
        near = _whole_name(name, every) if kind == "attribute" else None
        near = near or self.closest(name, every)
        if near is not None:
            self.flaws.meant.add(near)
        if self.is_excused(kind, name, near is not None):
            return
        mend = f"Did you mean `{near}`?" if near is not None else hint or there_are(_PLURAL[kind], every)
        self._add(node, UNKNOWN[kind], severity, f"There is no {called or kind} `{short(name)}`.", mend)

    def entries(self, node: MappingNode, type_of: TypeOf = _a_number) -> dict[str, tuple[ScalarNode, Node]]:
        """The entries of a mapping by key, each with its key node; duplicate and odd keys are reported.

        Merge keys (`<<`) are followed; what is written beside them wins. `type_of` is for the mend of numbers
        with a comma.
        """
        plain: dict[str, tuple[ScalarNode, Node]] = {}
        for entry in node.value:  # nearly every mapping is as simple as this
            if entry[0].tag is not PLAIN or entry[1].value == "":
                break
            plain[entry[0].value] = entry
        else:
            if len(plain) == len(node.value) and "<<" not in plain:
                return plain
        return self._odd_entries(node, type_of)

    def _odd_entries(
        self, node: MappingNode, type_of: TypeOf = _a_number
    ) -> dict[str, tuple[ScalarNode, Node]]:
        entries: dict[str, tuple[ScalarNode, Node]] = {}
        merged: list[Node] = []
        loose: dict[int, list[ScalarNode]] = {}
        """The keys without a value, by how many entries stand before them."""
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._no_key(node, key)
                continue
            name = key.value
            if key.tag not in _TAGS:
                self._tagged(key)
            elif name == "<<" and key.tag == PLAIN:
                merged.append(value)
                continue
            if value.value == "" and value.start_mark.index == key.end_mark.index and value.tag == PLAIN:
                loose.setdefault(len(entries), []).append(key)
                continue
            if name in entries:
                first = entries[name][0]
                self.flaws.repeats.append(Repeat(self, node, key, value, first))
                line = first.start_mark.line + 1
                message = f"`{short(name)}` stands here twice; the first is in line {line}."
                self.error(key, "duplicate-key", message, _JOIN.get(name, _KEEP_ONE))
                continue
            entries[name] = (key, value)
        every = list(entries.values())
        for place, keys in loose.items():
            self._no_value(keys, every[place - 1] if place else None, type_of)
        for value in merged:
            for name, entry in self._merged(value):
                entries.setdefault(name, entry)
        return entries

    def _no_key(self, node: MappingNode, key: Node) -> None:
        """Reports a key that is no word: mostly the text of a template without quotes."""
        text = self.source[node.start_mark.index : node.end_mark.index]
        if text.startswith("{{") and "\n" not in text:
            hint = f'Put all of it in quotes: `"{short(text)}"`.'
            self.error(node, "wrong-kind", "A text that begins with `{{` needs quotes.", hint)
        else:
            self.error(key, "wrong-kind", "A key must be a word, not a list or a mapping.", "Name it.")

    def _no_value(
        self, keys: list[ScalarNode], before: tuple[ScalarNode, Node] | None, type_of: TypeOf
    ) -> None:
        """Reports keys without a colon: mostly the rest of an unquoted text or number with a comma in it."""
        pieces = [key.value for key in keys]
        if before is None or not isinstance(before[1], ScalarNode):
            for key in keys:
                hint = f"Write `{short(key.value)}: ...`."
                self.error(key, "no-value", f"`{short(key.value)}` stands here without a value.", hint)
            return
        name, text = before[0].value, before[1].value
        if text.lstrip("-").isdigit() and all(map(str.isdigit, pieces)):
            mend = mended_value(",".join([text, *pieces]), type_of(name))
            hint = f"If this is one number, {mend[:1].lower()}{mend[1:]}" if mend else "Take the comma out."
            self.error(keys[0], "no-value", f"`{short(pieces[0])}` stands here without a value.", hint)
            return
        for key in keys:
            both = f"{short(text)}, {short(key.value)}"
            hint = f'If a comma belongs to the text, put it in quotes: `{short(name)}: "{both}"`. '
            hint += f"For several values, write `{short(name)}: [{both}]`."
            self.error(key, "no-value", f"`{short(key.value)}` stands here without a value.", hint)

    def _merged(self, value: Node) -> Iterator[tuple[str, tuple[ScalarNode, Node]]]:
        sources = value.value if isinstance(value, SequenceNode) else [value]
        for source in sources:
            if isinstance(source, MappingNode):
                yield from self.entries(source).items()
            else:
                self.error(
                    source,
                    "wrong-kind",
                    "`<<` merges mappings only.",
                    "Write `<<: *name` of an anchored mapping.",
                )

    def mapping(
        self, node: Node, what: str, example: str, type_of: TypeOf = _a_number
    ) -> dict[str, tuple[ScalarNode, Node]] | None:
        """The entries of a node that must be a mapping; else None, and that is reported."""
        if isinstance(node, MappingNode) and (node.tag is COLLECTION or self.untagged(node)):
            return self.entries(node, type_of)
        if not isinstance(node, MappingNode):
            self.error(
                node,
                "wrong-kind",
                f"{what} must be a mapping, not {kind_of(node)}.",
                f"Write it as `{example}`.",
            )
        return None

    def items(self, node: Node) -> list[Node]:
        """The items of a list, or the node itself as the only one."""
        return node.value if isinstance(node, SequenceNode) and self.untagged(node) else [node]

    def warn_of_repeats(self, items: list[Node]) -> None:
        """Warns of the items that stand in their list twice."""
        for item in repeated(items):
            message = f"`{short(item.value)}` stands in this list twice."
            self.warn(item, "repeated-item", message, "Keep one of the two.")

    def text(self, node: Node, what: str) -> str | None:
        """A scalar's text as it stands in the file; None (reported) where it is no scalar, or empty."""
        if not isinstance(node, ScalarNode) or is_null(node):
            self.error(node, "wrong-kind", f"{what} must be text, not {kind_of(node)}.", _as_text(node))
            return None
        return str(node.value) if self.untagged(node) else None

    def flag(self, node: Node, what: str) -> bool | None:
        """The boolean that a scalar is; None (reported) where it is none."""
        value = plain_value(node) if isinstance(node, ScalarNode) else None
        if isinstance(value, bool):
            return value
        mend = mended_flag(node.value) if isinstance(node, ScalarNode) else "Write `true` or `false`."
        self.error(node, "wrong-kind", f"{what} must be `true` or `false`, not {kind_of(node)}.", mend)
        return None

    def untagged(self, node: Node) -> bool:
        """Whether a node carries no tag of its own (`!!int`, `!thing`); one that does is reported."""
        if node.tag in _TAGS:
            return True
        self._tagged(node)
        return False

    def _tagged(self, node: Node) -> None:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        hint = "Leave the tag out; quote what is text."
        value = f"{tag[1:]} {node.value}".strip(" =") if isinstance(node, ScalarNode) else ""
        if value and (tag.startswith("!=") or (tag[1:2] not in "!<" and not node.value)):
            hint = f"Write `{{is not: {short(value)}}}` for what it is not; quote what is text."
        self.error(node, "tag", f"A rule book has no tags such as `{short(tag)}`.", hint)


def _whole_name(name: str, known: list[str]) -> str | None:
    """The attribute that a name means which lacks its side, or has the other one."""
    side, _, rest = name.partition(".")
    meant = (f"{_OTHER_SIDE.get(side, side)}.{rest}", f"user.{name}", f"context.{name}")
    return next((key for key in meant if key in known), None)


def is_null(node: Node) -> bool:
    """Whether a node is YAML's null: empty, `~` or `null`, not quoted."""
    return node.tag == PLAIN and node.value in _NULLS


def words_of(node: MappingNode) -> list[str]:
    """The keys of a mapping that are words, as they stand in it."""
    return [key.value for key, _ in node.value if isinstance(key, ScalarNode)]


def scalars(node: Node, most: int = 10_000) -> Iterator[str]:
    """The texts in a node, `most` of its pieces looked at."""
    waiting: list[Node] = [node]
    for place in range(most):
        if place >= len(waiting):
            return
        current = waiting[place]
        if isinstance(current, ScalarNode):
            yield current.value
        elif isinstance(current, MappingNode):
            waiting += [part for pair in current.value for part in pair]
        else:
            waiting += current.value


def plain_scalar(text: str) -> ScalarNode:
    """The node of a text that is written without quotes."""
    return ScalarNode(PLAIN, text)


def kind_of(node: Node) -> str:
    """How a sentence calls what a node is."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    if is_null(node) or not node.value.strip():
        return "empty"
    return f"`{short(node.value)}`"


def repeated(items: list[Node]) -> list[ScalarNode]:
    """The scalars of a list that stand in it before."""
    if len(items) < 2:
        return []
    words = [item for item in items if isinstance(item, ScalarNode)]
    if len({item.value for item in words}) == len(words):
        return []
    first: dict[str, ScalarNode] = {}
    return [item for item in words if first.setdefault(item.value, item) is not item]


def mended_flag(text: str) -> str:
    """The mend for a text that stands where true or false belongs."""
    word = text.strip().casefold()
    if word in ("true", "yes", "on", "y", "1", "ja"):
        return "Write `true`, without quotes."
    if word in ("false", "no", "off", "n", "0", "nein"):
        return "Write `false`, without quotes."
    return "Write `true` or `false`."


def example_of(node: Node, otherwise: str) -> str:
    """What a node holds, for an example of how to write it; `otherwise` where that is too much."""
    if not isinstance(node, ScalarNode) or is_null(node) or len(node.value) > 30:
        return otherwise
    return str(node.value) if node.value.isprintable() else otherwise


def _as_text(node: Node) -> str:
    """The mend for what stands where a text belongs."""
    if isinstance(node, SequenceNode):
        if len(node.value) == 1 and isinstance(node.value[0], ScalarNode):
            return f"Write `{short(node.value[0].value)}` alone, without the `[ ]`."
        return "Write one text; quotes are needed where it begins with `[`."
    if isinstance(node, MappingNode):
        return "Write one text; quotes are needed where it begins with `{` or holds `: `."
    return "Write it, or leave it out."


def short(text: str, most: int = 60) -> str:
    """A text cut to what fits into a sentence."""
    text = " ".join("".join(char if char.isprintable() else " " for char in text[: 8 * most]).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def plain_value(node: ScalarNode) -> str | int | float | bool | None:
    """A scalar read by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2, 10.3.2)."""
    text: str = node.value
    if node.tag != PLAIN:
        return text
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if len(text) <= 400:
        if _INTEGER.fullmatch(text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _SPECIAL_FLOAT.fullmatch(text):
            return float(text.replace(".", "").lower())
    return text
