"""Strict YAML with positions: a file's text to nodes, and the safe ways to take nodes apart.

PyYAML's C parser composes nodes; values are built from the nodes by whoever knows their type, so that the
surprises of YAML 1.1 (`NO`, `1_000`, `12:30`) never arise and every value has its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from tailored.book.diagnostics import Diagnostic, Severity, Span, split_lines

__all__ = ["MappingNode", "Node", "Reader", "ScalarNode", "SequenceNode", "kind_of", "plain_value"]

PLAIN, QUOTED, COLLECTION = "plain", "quoted", "collection"
_KEEP_ONE = "Keep one of the two, or join them."
_TAGS = {PLAIN, QUOTED, COLLECTION}
DEEPEST = 60
"""How deep YAML may nest. (Cython recursion has no guard of its own.)"""
MOST_EXPANSION = 20_000
"""How many nodes the aliases of one file may stand for, beyond those that are written out."""

_NULL = re.compile(r"null|Null|NULL|~|")
_BOOLEAN = re.compile(r"(true|True|TRUE)|(false|False|FALSE)")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class _TooDeep(Exception):
    def __init__(self, mark: Any) -> None:
        self.mark = mark


class _Composer(CParser):
    """PyYAML's C composer; its tags only say how a scalar is written, and it counts depth."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def resolve(self, kind: type[Node], value: str | None, implicit: Any) -> str:
        if kind is ScalarNode:
            return PLAIN if implicit[0] else QUOTED
        return COLLECTION

    def descend_resolver(self, parent: Node | None, index: Any) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise _TooDeep(parent.start_mark if parent else None)

    def ascend_resolver(self) -> None:
        self.depth -= 1


class Reader:
    """Reads one file of a book: hands out its nodes and collects what is wrong with them."""

    def __init__(self, path: str, report: list[Diagnostic]) -> None:
        self.path = path
        self.report = report

    def compose(self, content: bytes) -> tuple[str, Node | None]:
        """A file's text and root node; None where it is empty, or does not parse (which is reported)."""
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return self._not_utf8(content, error)
        try:
            composer = _Composer(text)
            try:
                root = composer.get_single_node()
            finally:
                composer.dispose()
        except _TooDeep as error:
            self._at(
                error.mark.line,
                error.mark.column,
                "too-deep",
                f"This nests more than {DEEPEST} levels deep.",
                "Give a part of it a name of its own, as a segment.",
            )
            return text, None
        except yaml.YAMLError as error:
            self._syntax(text, error)
            return text, None
        if root is not None and "*" in text and not self._aliases_are_bounded(text, root):
            return text, None
        return text, root

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

    def _add(self, node: Node | Span, code: str, severity: Severity, message: str, hint: str) -> None:
        span = node if isinstance(node, Span) else self.span(node)
        self.report.append(Diagnostic(code, severity, message, hint, span))

    def _at(self, line: int, column: int, code: str, message: str, hint: str) -> None:
        self.error(Span(self.path, line + 1, column + 1, line + 1, column + 2), code, message, hint)

    def entries(self, node: MappingNode) -> dict[str, tuple[ScalarNode, Node]]:
        """The entries of a mapping by key, each with its key node; duplicate and odd keys are reported.

        Merge keys (`<<`) are followed; what is written beside them wins.
        """
        entries: dict[str, tuple[ScalarNode, Node]] = {}
        merged: list[Node] = []
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.error(key, "wrong-kind", "A key must be a word, not a list or a mapping.")
                continue
            name = key.value
            if key.tag not in _TAGS:
                self._tagged(key)
            elif name == "<<" and key.tag == PLAIN:
                merged.append(value)
                continue
            if name in entries:
                first = entries[name][0].start_mark
                self.error(
                    key,
                    "duplicate-key",
                    f"`{name}` stands here twice; the first is in line {first.line + 1}.",
                    "Put both into one list: `all: [{...}, {...}]`." if name in ("any", "not") else _KEEP_ONE,
                )
                continue
            entries[name] = (key, value)
        for value in merged:
            for name, entry in self._merged(value):
                entries.setdefault(name, entry)
        return entries

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

    def mapping(self, node: Node, what: str, example: str) -> dict[str, tuple[ScalarNode, Node]] | None:
        """The entries of a node that must be a mapping; else None, and that is reported."""
        if isinstance(node, MappingNode) and self.untagged(node):
            return self.entries(node)
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

    def text(self, node: Node, what: str) -> str | None:
        """A scalar's text as it stands in the file; None (reported) where it is no scalar, or empty."""
        if isinstance(node, ScalarNode) and self.untagged(node) and not is_null(node):
            return str(node.value)
        if not isinstance(node, ScalarNode) or is_null(node):
            self.error(node, "wrong-kind", f"{what} must be text, not {kind_of(node)}.")
        return None

    def flag(self, node: Node, what: str) -> bool | None:
        """The boolean that a scalar is; None (reported) where it is none."""
        value = plain_value(node) if isinstance(node, ScalarNode) else None
        if isinstance(value, bool):
            return value
        self.error(node, "wrong-kind", f"{what} must be `true` or `false`, not {kind_of(node)}.")
        return None

    def untagged(self, node: Node) -> bool:
        """Whether a node carries no tag of its own (`!!int`, `!thing`); one that does is reported."""
        if node.tag in _TAGS:
            return True
        self._tagged(node)
        return False

    def _tagged(self, node: Node) -> None:
        self.error(
            node,
            "tag",
            f"A rule book has no tags such as `{node.tag.replace('tag:yaml.org,2002:', '!!')}`.",
            "Leave the tag out; quote what is text.",
        )

    def _not_utf8(self, content: bytes, error: UnicodeDecodeError) -> tuple[str, None]:
        before = content[: error.start].decode("utf-8-sig", "replace")
        lines = split_lines(before)
        self._at(
            len(lines) - 1,
            len(lines[-1]),
            "not-utf8",
            f"This file is not UTF-8: the byte 0x{content[error.start]:02x} stands for nothing here.",
            "Save the file as UTF-8 in your editor.",
        )
        return content.decode("utf-8-sig", "replace"), None

    def _syntax(self, text: str, error: yaml.YAMLError) -> None:
        line, column = 0, 0
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
        context = str(getattr(error, "context", None) or "")
        if mark is not None:
            line, column = mark.line, mark.column
        elif (position := getattr(error, "position", None)) is not None:
            lines = split_lines(text.encode()[:position].decode("utf-8", "ignore"))
            line, column = len(lines) - 1, len(lines[-1])
        unknown = f"This is not YAML: {problem}{', ' + context if context else ''}."
        message, hint = next(
            ((message, hint) for sign, message, hint in _SYNTAX if sign in problem or sign in context),
            (unknown, ""),
        )
        last = max(0, len(split_lines(text)) - 1)
        self._at(min(line, last), column, "yaml-syntax", message, hint)

    def _aliases_are_bounded(self, text: str, root: Node) -> bool:
        """Whether the aliases of a file stand for a bounded number of nodes, none of them for itself."""
        sizes: dict[int, int] = {}
        open_: set[int] = set()
        culprit: list[tuple[Node, bool]] = []

        def size(node: Node) -> int:
            key = id(node)
            if key in open_:
                culprit.append((node, True))
                return 1
            if key not in sizes:
                open_.add(key)
                total = 1
                if isinstance(node, MappingNode):
                    total += sum(size(part) for pair in node.value for part in pair)
                elif isinstance(node, SequenceNode):
                    total += sum(size(part) for part in node.value)
                open_.discard(key)
                sizes[key] = total
                if total > len(sizes) + MOST_EXPANSION and not culprit:
                    culprit.append((node, False))
            return sizes[key]

        size(root)
        if culprit:
            node, circular = culprit[0]
            mark = node.start_mark
            if circular:
                self._at(
                    mark.line,
                    mark.column,
                    "too-many-aliases",
                    "This anchor contains an alias of itself.",
                    "Take the alias out; nothing can contain itself.",
                )
            else:
                self._at(
                    mark.line,
                    mark.column,
                    "too-many-aliases",
                    f"The aliases in here expand to more than {MOST_EXPANSION} pieces.",
                    "Write less of it with aliases; a segment can be named as often as you like.",
                )
        return not culprit


_SYNTAX = (
    (
        "found a tab character",
        "There is a tab here; YAML is indented with spaces.",
        "Replace the tab by spaces.",
    ),
    (
        "found character that cannot start any token",
        "No value can start with this character.",
        "Put the value in quotes, or indent with spaces if this is a tab.",
    ),
    ("found unexpected end of stream", "A quote is opened and never closed.", "Close the quote."),
    (
        "mapping values are not allowed",
        "A second `:` makes no sense here.",
        "Put the text in quotes if it contains `: `; else check the indentation.",
    ),
    ("could not find expected ':'", "A `:` is missing here or in the line above.", "Write `key: value`."),
    (
        "while parsing a block mapping",
        "This does not line up with the lines above it.",
        "Keys of one mapping start in the same column; check the indentation.",
    ),
    (
        "while parsing a block collection",
        "This does not line up with the list above it.",
        "Start every item with `- ` in the same column.",
    ),
    (
        "while parsing a flow sequence",
        "A list `[` is not closed properly here.",
        "Separate its items by commas and close it with `]`.",
    ),
    (
        "while parsing a flow mapping",
        "A mapping `{` is not closed properly here.",
        "Separate its entries by commas and close it with `}`.",
    ),
    (
        "expected a single document",
        "A rule file is one document; a second begins here.",
        "Take the `---` out, or move the rest to a file of its own.",
    ),
    (
        "found undefined alias",
        "This alias names no anchor in this file.",
        "Write `&name` at the thing it stands for, above.",
    ),
    ("found duplicate anchor", "This anchor stands here twice.", "Give each anchor a name of its own."),
    ("control characters are not allowed", "There is an invisible control character here.", "Delete it."),
    ("special characters are not allowed", "There is an invisible control character here.", "Delete it."),
    (
        "found unknown escape character",
        "This `\\` starts no known escape.",
        "Use single quotes, or write `\\\\`.",
    ),
)


def is_null(node: Node) -> bool:
    """Whether a node is YAML's null: empty, `~` or `null`, not quoted."""
    return isinstance(node, ScalarNode) and node.tag == PLAIN and _NULL.fullmatch(node.value) is not None


def kind_of(node: Node) -> str:
    """How a sentence calls what a node is."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    if is_null(node):
        return "empty"
    return f"`{short(node.value)}`"


def short(text: str, most: int = 60) -> str:
    """A text cut to what fits into a sentence."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def plain_value(node: ScalarNode) -> str | int | float | bool | None:
    """A scalar read by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2, 10.3.2)."""
    text: str = node.value
    if node.tag != PLAIN:
        return text
    if _NULL.fullmatch(text):
        return None
    if match := _BOOLEAN.fullmatch(text):
        return match.group(1) is not None
    if len(text) <= 400:
        if _INTEGER.fullmatch(text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _SPECIAL_FLOAT.fullmatch(text):
            return float(text.replace(".", "").lower())
    return text
