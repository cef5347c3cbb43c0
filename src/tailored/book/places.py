"""Where in a file a piece of a scalar's text stands, however the scalar is quoted, folded or indented."""

from __future__ import annotations

import re
from bisect import bisect_right

from yaml import ScalarNode

from tailored.book.diagnostics import Span

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+")
_ESCAPE_LENGTH = {"x": 4, "u": 6, "U": 10}
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_SPACE = " \t\r\n\x85\u2028\u2029"


class Placed:
    """A scalar of a file, ready to say where the pieces of its value stand."""

    def __init__(self, path: str, source: str, node: ScalarNode) -> None:
        raw = source[node.start_mark.index : node.end_mark.index]
        self.path, self.mark = path, node.start_mark
        self.places = _places(raw, node.value, node.style)
        self.breaks = [match.end() for match in _BREAK.finditer(raw)]

    def span(self, start: int, end: int) -> Span:
        """The place of the characters `start` to `end` of the value."""
        last = len(self.places) - 1
        line, column = self._spot(self.places[min(start, last)])
        end_line, end_column = self._spot(self.places[min(end - 1, last)])
        return Span(self.path, line, column, line, (end_column if end_line == line else column) + 1)

    def _spot(self, at: int) -> tuple[int, int]:
        """Line and column of an index in the raw text."""
        line = bisect_right(self.breaks, at)
        column = at - self.breaks[line - 1] if line else at + self.mark.column
        return self.mark.line + line + 1, column + 1


def _places(raw: str, value: str, style: str | None) -> list[int]:
    """For each character of a scalar's value, the index in its raw text of what writes it.

    Folding and indentation only change white space, and only double quotes know escapes, so the two texts are
    walked side by side: white space is matched loosely, everything else one by one.
    """
    at = _begin(raw, style)
    places = []
    for char in value:
        if char not in _SPACE:
            at = _next_word(raw, at, style)
        elif style == '"':
            at = _after_continuation(raw, at)
        places.append(min(at, max(0, len(raw) - 1)))
        if style == '"' and raw[at : at + 1] == "\\":
            at += _ESCAPE_LENGTH.get(raw[at + 1 : at + 2], 2)
        elif style == "'" and raw[at : at + 2] == "''":
            at += 2
        elif char not in _SPACE or raw[at : at + 1] in _SPACE:
            at += 1
    return places


def _begin(raw: str, style: str | None) -> int:
    """Where the text begins: behind anchor, quote, or the header of a block."""
    properties = _PROPERTIES.match(raw)
    at = properties.end() if properties else 0
    if style in ("|", ">"):
        return len(raw) - len(raw[at:].partition("\n")[2])
    return at + 1 if style in ("'", '"') else at


def _next_word(raw: str, at: int, style: str | None) -> int:
    while at < len(raw):
        if raw[at] in _SPACE:
            at += 1
        elif style == '"' and (after := _after_continuation(raw, at)) > at:
            at = after
        else:
            break
    return at


def _after_continuation(raw: str, at: int) -> int:
    """Behind a backslash that joins two lines, if one stands here."""
    if raw[at : at + 2] in ("\\\n", "\\\r"):
        return at + 2
    return at
