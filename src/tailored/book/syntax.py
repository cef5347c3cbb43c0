"""What is wrong with a text that is no YAML, in the author's words instead of the parser's."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml
from yaml.tokens import (
    BlockEndToken,
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    StreamEndToken,
)

from tailored.book.diagnostics import split_lines
from tailored.book.mends import mended_comparison
from tailored.condition.operators import operators_of
from tailored.condition.types import Type


@dataclass(frozen=True, slots=True)
class Explained:
    """Where a text stops to be YAML (line and column count from 0), why, and what to write instead."""

    line: int
    column: int
    message: str
    hint: str


def explained(text: str, error: yaml.YAMLError) -> Explained:
    """The parser's error in plain words."""
    lines = split_lines(text)
    line, column = _place(text, error)
    if (unclosed := _unclosed(text, line, column)) is not None:
        return unclosed
    line = min(line, len(lines) - 1)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    context = str(getattr(error, "context", None) or "")
    special = _special(lines, line, column, problem, context)
    if special is not None:
        return special
    opened = getattr(error, "context_mark", None)
    unknown = f"This is not YAML: {problem}{', ' + context if context else ''}."
    message, hint = next(
        ((message, hint) for sign, message, hint in _SYNTAX if sign in problem or sign in context),
        (unknown, ""),
    )
    if opened is not None and "unexpected end of stream" in problem:
        line, column = opened.line, opened.column
    message = message.replace("LINE", str(opened.line + 1 if opened is not None else line + 1))
    return Explained(line, column, message, hint)


_BRACKETS = {
    FlowSequenceStartToken: ("[", "]", FlowSequenceEndToken),
    FlowMappingStartToken: ("{", "}", FlowMappingEndToken),
}


def _unclosed(text: str, line: int, column: int) -> Explained | None:
    """The innermost bracket that is open where the file ends, or another closes, if that is the error."""
    opened: list[yaml.Token] = []
    is_last = True
    try:
        for token in yaml.scan(text, Loader=yaml.CSafeLoader):
            if type(token) in _BRACKETS:
                opened.append(token)
            elif isinstance(token, FlowSequenceEndToken | FlowMappingEndToken) and opened:
                mark = token.start_mark
                if not isinstance(token, _BRACKETS[type(opened[-1])][2]):
                    is_last = (mark.line, mark.column) == (line, column)
                    break
                opened.pop()
            if not isinstance(token, BlockEndToken | StreamEndToken):
                is_last = (token.start_mark.line, token.start_mark.column) < (line, column)
    except yaml.YAMLError:
        return None
    if not opened or not is_last:
        return None
    sign, end, _ = _BRACKETS[type(opened[-1])]
    mark = opened[-1].start_mark
    return Explained(mark.line, mark.column, f"`{sign}` is never closed.", f"Write `{end}`.")


def _place(text: str, error: yaml.YAMLError) -> tuple[int, int]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return mark.line, mark.column
    if (position := getattr(error, "position", None)) is not None:
        before = split_lines(text.encode()[:position].decode("utf-8", "ignore"))
        return len(before) - 1, len(before[-1])
    return 0, 0


_TAB = ("There is a tab here; YAML is indented with spaces.", "Replace the tab by spaces.")
_VALUE = re.compile(r"\s*(?:- +)*(?:[^\s:{\[\"'][^:{\[]*:\s+)?(\S.*)")
_MEANING = {
    "*": ", which repeats what `&` marks",
    "&": ", which marks what `*` repeats",
    ">": ", which starts a text of several lines",
    "|": ", which starts a text of several lines",
}


def _special(lines: list[str], line: int, column: int, problem: str, context: str) -> Explained | None:
    """What can be said better by looking at the line itself."""
    shown = lines[line]
    sign = shown[column : column + 1]
    if sign in ("}", "]") and "block" in context:
        return Explained(line, column, f"This `{sign}` closes nothing.", "Take it out, or open it before.")
    if "cannot start any token" in problem:
        return Explained(line, column, *_TAB) if sign == "\t" else _beginning(line, column, shown)
    if any(what in context for what in ("block scalar", "an alias", "an anchor")):
        value = _VALUE.match(shown)
        if value is not None and shown[value.start(1)] in _MEANING:
            return _beginning(line, value.start(1), shown)
    if "undefined alias" in problem:
        what = _rest(shown, column)
        hint = f'Write `&{what[1:]}` at the thing it stands for, above; a text goes in quotes: `"{what}"`.'
        return Explained(line, column, "This alias names no anchor in this file.", hint)
    if "mapping values are not allowed" in problem:
        return _second_colon(lines, line, column)
    if "expected key" in problem and "block mapping" in context and shown[:column].strip():
        return _after_its_end(line, column, shown)
    return None


def _beginning(line: int, column: int, shown: str) -> Explained:
    """A text without quotes begins with a sign that means something else."""
    sign, text = shown[column], _rest(shown, column)
    allowed = [str(op) for op in operators_of(Type.INTEGER)]
    hint = mended_comparison(text, Type.NUMBER, allowed) or f"Put it in quotes: `{_quoted(text)}`."
    what = f"`{sign}`" if sign != "`" else "a backtick"
    return Explained(line, column, f"A text cannot begin with {what}{_MEANING.get(sign, '')}.", hint)


def _rest(shown: str, column: int) -> str:
    """A text from a column on, up to where it ends in a list, in a mapping, or before a comment."""
    is_inner = any(sign in shown[:column] for sign in "{[")
    found = re.match(r"[^,}\]]*" if is_inner else r".*", shown[column:])
    return (found.group() if found else "").partition(" #")[0].strip()


def _quoted(text: str) -> str:
    mark = "'" if '"' in text else '"'
    return f"{mark}{text}{mark}"


def _second_colon(lines: list[str], line: int, column: int) -> Explained:
    """A colon where there can be none: in a text without quotes, or below a line that lacks one."""
    shown = lines[line]
    if (first := re.match(r"\s*(?:- +)*[^\s:#][^:]*: +(\S.*)", shown[:column])) is not None:
        text = shown[first.start(1) :].partition(" #")[0].strip()
        hint = f"Put the text in quotes: `{_quoted(text)}`."
        return Explained(line, column, "A second `:` makes no sense here.", hint)
    above = next((at for at in range(line - 1, -1, -1) if lines[at].strip()), None)
    if above is not None:
        start = len(lines[above]) - len(lines[above].lstrip())
        text = lines[above].strip()
        if glued := re.match(r"([\w.-]+):(\S.*)", text):
            hint = f"Write `{glued.group(1)}: {glued.group(2)}`."
            return Explained(above, start, "A space is missing after the `:`.", hint)
        if ":" not in text:
            key, _, rest = text.partition(" ")
            hint = f"Write `{key}: {rest}`." if rest else f"Write `{key}:`."
            return Explained(above, start, f"A `:` is missing in `{text[:60]}`.", hint)
    message = "This is indented further than the line above, which has its value already."
    return Explained(line, len(shown) - len(shown.lstrip()), message, "Let both begin in the same column.")


def _after_its_end(line: int, column: int, shown: str) -> Explained | None:
    """A text that goes on after the quote or bracket with which it should end."""
    value = _VALUE.match(shown)
    if value is None or (sign := shown[value.start(1)]) not in "\"'{[" or value.start(1) >= column:
        return None
    text = shown[value.start(1) :].partition(" #")[0].strip()
    if sign in "{[":
        hint = f"If all of it is text, put it in quotes: `{_quoted(text)}`."
        return Explained(line, column, "Something goes on here after its closing bracket.", hint)
    inner = text[1:-1] if text.endswith(sign) and len(text) > 1 else text.replace(sign, "")
    hint = f"Put quotes around all of it: `{_quoted(inner)}`."
    return Explained(line, column, "The text goes on here after its closing quote.", hint)


_SYNTAX = (
    ("found a tab character", *_TAB),
    (
        "found unexpected end of stream",
        "A quote is opened in line LINE and never closed.",
        "Close the quote.",
    ),
    (
        "mapping values are not allowed",
        "A second `:` makes no sense here.",
        "Put the text in quotes if it contains `: `; else check the indentation.",
    ),
    (
        "block sequence entries are not allowed",
        "A list cannot begin here.",
        "Start each item with `- ` on a line of its own, below its key; a text goes in quotes.",
    ),
    ("mapping keys are not allowed", "A `?` makes no sense here.", "Put the text in quotes."),
    (
        "did not find expected node content",
        "A value is missing here.",
        "Write one, or take the comma out.",
    ),
    ("incompatible YAML", "A rule file is YAML 1.1 or 1.2.", "Take the `%YAML` line out."),
    ("scanning a directive", "A line cannot begin with `%`.", "Put the text in quotes."),
    ("invalid Unicode character", "This escape stands for no character.", "Write the character itself."),
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
        "The list that `[` opens in line LINE should go on or end here.",
        "Separate its items by commas and close it with `]`.",
    ),
    (
        "while parsing a flow mapping",
        "What `{` opens in line LINE should go on or end here.",
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
