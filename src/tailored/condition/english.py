"""The reader that says a condition in English, and why a value does not pass a test."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from tailored.condition.operators import LISTS
from tailored.condition.tree import (
    All,
    Any,
    Attribute,
    Condition,
    Consent,
    InSegment,
    Logic,
    Not,
    Op,
    Operand,
    SameAs,
    Size,
    Test,
    Value,
)
from tailored.condition.types import Type

LONGEST_TEXT = 60
"""Characters of a text that a sentence shows."""
LONGEST_LIST = 6
"""Values that an answer to "why not?" lists."""


def in_words(condition: Condition, shared: Collection[str] = ()) -> str:
    """A condition as a sentence: `page is home and viewed categories contain hiking-boots`.

    `shared` are the names that user and context both have; only these are written whole, as `user.language`.
    """
    return _sentence(condition, False, shared)


def why_not(test: Test, value: Value | None, shared: Collection[str] = (), *, negated: bool = False) -> str:
    """Why a value does not pass a test (`negated`: its negation): `page is `cart`, not `home``.

    The value must be one that fails it, or None where it is missing.
    """
    name = attribute_in_words(test.attribute, shared)
    verb = agreeing("is", test.attribute)
    if value is None:
        return f"{name} {verb} missing"
    if test.op is Op.KNOWN:
        return f"{name} {verb} known"
    if isinstance(test.operand, Size) and isinstance(value, tuple):
        name, test, value = f"the number of {name}", _count(test.operand), len(value)
    op, operands = _plain(test)
    if isinstance(value, tuple):
        unwanted = negated is not (op is Op.CONTAINS_NONE)
        culprits = [_word(operand) for operand in operands if (operand in value) is unwanted]
        said = _fill("contain {and}" if unwanted else "{lack}", _cut(culprits))
        return f"{name} {agreeing(said, test.attribute)}"
    words = _cut([_marked(operand) for operand in operands])
    return f"{name} is {_marked(value)}{_fill(_MISSES[op][negated], words)}"


def says_of(test: Test, name: str, *, negated: bool = False, short: bool = False) -> str:
    """What a test (`negated`: its negation) says of an attribute under this name: `your age is at least 18`.

    `short` lists a few operands only.
    """
    if isinstance(test.operand, Size):
        name, test = f"the number of {name}", _count(test.operand)
    op, operands = _plain(test)
    if op is Op.KNOWN:
        negated = negated is bool(test.operand)
    words = [_word(operand) for operand in operands]
    said = _fill(_PIECES[op][negated], _cut(words) if short else words)
    return f"{name} {agreeing(said, test.attribute)}"


def attribute_in_words(attribute: Attribute, shared: Collection[str] = ()) -> str:
    """The name of an attribute as words: `visits_last_30_days`, `visitsLast30Days`: visits last 30 days."""
    if attribute.name in shared:
        return attribute.key
    apart = re.sub(
        r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=\d+[A-Z])", " ", attribute.name
    )
    words = apart.replace("_", " ").split()
    return " ".join(word.lower() if word[1:].islower() or len(word) == 1 else word for word in words)


def value_in_words(value: Value) -> str:
    """A value as a sentence shows it; the elements of a list joined by commas."""
    if isinstance(value, tuple):
        return ", ".join(_word(item) for item in value) or "nothing"
    return _word(value)


def shared_names(attributes: Iterable[Attribute]) -> frozenset[str]:
    """The names that both user and context have."""
    names = [attribute.name for attribute in attributes]
    return frozenset(name for name in names if names.count(name) > 1)


def joined(words: Sequence[str], last: str = "and") -> str:
    """`a, b and c`; nothing for none."""
    *first, final = words or [""]
    return f"{', '.join(first)} {last} {final}" if first else final


def _sentence(condition: Condition, negated: bool, shared: Collection[str]) -> str:
    """What a condition says, or its negation, which is pushed down to the leaves."""
    if isinstance(condition, Not):
        return _sentence(condition.part, not negated, shared)
    if isinstance(condition, All | Any):
        return _joint(condition, negated, shared)
    if isinstance(condition, Test):
        return _says(condition, negated, shared)
    if isinstance(condition, InSegment):
        return f"{'not in' if negated else 'in'} {condition.id}"
    if isinstance(condition, Consent):
        return f"consent for {joined(condition.topics)} is {'not ' * negated}given"
    if isinstance(condition, SameAs):
        what, other = (attribute_in_words(one, shared) for one in (condition.attribute, condition.other))
        whose = "their" if condition.other.side == "user" else "the"
        if condition.attribute.key == "item.id":
            if condition.other.type in LISTS:
                return f"it is {'not ' * negated}in {whose} {other}"
            return f"it is {'not ' * negated}{whose} {other}"
        return f"{what} is {'not ' * negated}the same as {whose} {other}"
    return _logic(condition, negated, shared)


def _says(test: Test, negated: bool, shared: Collection[str]) -> str:
    return says_of(test, attribute_in_words(test.attribute, shared), negated=negated)


def _joint(condition: All | Any, negated: bool, shared: Collection[str]) -> str:
    every = isinstance(condition, All) is not negated
    if not condition.parts:
        return "always" if every else "never"
    parts = _parts(condition, negated)
    if _are_segments(parts, every):
        ids = list(dict.fromkeys(part.id for part, _ in parts if isinstance(part, InSegment)))
        if len(ids) == 1:
            return f"{'not ' * every}in {ids[0]}"
        return f"in neither {joined(ids, 'nor')}" if every else f"in {joined(ids, 'or')}"
    sentences = list(dict.fromkeys(_grouped(part, no, shared) for part, no in parts))
    loose = any(re.search(" (and|or|nor) ", text) for text in sentences if not text.startswith("("))
    return f"{',' * loose} {'and' if every else 'or'} ".join(sentences)


def _parts(condition: All | Any, negated: bool) -> list[tuple[Condition, bool]]:
    """The parts to join, each with whether it is negated; what is joined in the same way is one list."""
    every = isinstance(condition, All) is not negated
    parts: list[tuple[Condition, bool]] = []
    for part in condition.parts:
        no = negated
        while isinstance(part, Not) or (isinstance(part, All | Any) and len(part.parts) == 1):
            part, no = (part.part, not no) if isinstance(part, Not) else (part.parts[0], no)
        if isinstance(part, All | Any) and part.parts and (isinstance(part, All) is not no) is every:
            parts.extend(_parts(part, no))
        else:
            parts.append((part, no))
    return parts


def _are_segments(parts: list[tuple[Condition, bool]], every: bool) -> bool:
    """Whether all say `in a segment` (or all `not in`), so that one verb does for them."""
    alike = all(isinstance(part, InSegment) and no is every for part, no in parts)
    return alike and len(parts) > 1


def _grouped(condition: Condition, negated: bool, shared: Collection[str]) -> str:
    """A part of a sentence, in brackets where it is joined itself."""
    sentence = _sentence(condition, negated, shared)
    if not isinstance(condition, All | Any) or not condition.parts:
        return sentence
    every = isinstance(condition, All) is not negated
    return sentence if _are_segments(_parts(condition, negated), every) else f"({sentence})"


def _logic(leaf: Logic, negated: bool, shared: Collection[str]) -> str:
    names = [attribute_in_words(attribute, shared) for attribute in leaf.reads]
    about = f" on {joined(names)}" if names else ""
    return f"a JSONLogic expression{about} {'does not say' if negated else 'says'} so"


def _count(size: Size) -> Test:
    """A test on the size of a list as a test on a number."""
    return Test(Attribute("", "number", Type.INTEGER), size.op, size.operand)


def _plain(test: Test) -> tuple[Op, tuple[Operand, ...]]:
    """The operator and its operands; to contain one value is to contain any of a list of one."""
    operands = test.operand if isinstance(test.operand, tuple) else (test.operand,)
    member = test.op is Op.CONTAINS and test.attribute.type in LISTS
    return (Op.CONTAINS_ANY if member else test.op), operands


def _fill(piece: str, words: Sequence[str]) -> str:
    """A piece of the tables with its operands."""
    one = len(words) == 1
    forms = {
        "or": joined(words, "or"),
        "and": joined(words),
        "nor": f"not {words[0]}" if one else f"neither {joined(words, 'nor')}",
        "lack": f"do not contain {words[0]}" if one else f"contain neither {joined(words, 'nor')}",
        "every": words[0] if one else f"{'both' if len(words) == 2 else 'all of'} {joined(words)}",
    }
    return piece.format_map(forms)


def agreeing(said: str, attribute: Attribute) -> str:
    """What is said of an attribute, with the verb its name asks for: `visits contain`, `cart contains`."""
    if attribute.type not in LISTS:
        return said
    if re.search("[^s]s$", attribute.name):
        return re.sub("^is ?", lambda found: found[0].replace("is", "are"), said)
    return re.sub("^(contain|do)(?= )", lambda found: {"contain": "contains", "do": "does"}[found[0]], said)


def _cut(words: list[str]) -> list[str]:
    return (
        [*words[: LONGEST_LIST - 1], f"{len(words) - LONGEST_LIST + 1} more"]
        if words[LONGEST_LIST:]
        else words
    )


def _word(value: Operand) -> str:
    """A value in a sentence: texts bare where they cannot be mistaken, else in quotes."""
    if isinstance(value, str):
        text = _printable(value)
        bare = re.fullmatch(r"[\w.+/:@%-]*[\w-]", text) and text not in ("and", "or", "nor", "not")
        return text if bare else json.dumps(text, ensure_ascii=False)
    return _bare(value)


def _marked(value: Operand) -> str:
    """A value in an answer: texts in backticks."""
    return f"`{_printable(value)}`" if isinstance(value, str) else _bare(value)


def _bare(value: Operand) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        spec = "seconds" if value.second or value.microsecond else "minutes"
        spec = "microseconds" if value.microsecond else spec
        return f"{value.replace(tzinfo=None).isoformat(' ', spec)} UTC"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _printable(text: str) -> str:
    """A text that is fit for a terminal, cut where it is long."""
    cut = f"{text[: LONGEST_TEXT - 1]}…" if len(text) > LONGEST_TEXT else text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in cut)


_IS = ("is {or}", "is {nor}")
_AT_LEAST = ("is at least {or}", "is less than {or}")
_MORE_THAN = ("is more than {or}", "is at most {or}")
_IN_THE_LAST = ("is in the last {or}", "is not in the last {or}")
_CONTAIN = ("contain {or}", "{lack}")

_PIECES: dict[Op, tuple[str, str]] = {
    Op.KNOWN: ("is known", "is not known"),
    Op.IS: _IS,
    Op.IS_NOT: _IS[::-1],
    Op.ONE_OF: _IS,
    Op.NONE_OF: _IS[::-1],
    Op.AT_LEAST: _AT_LEAST,
    Op.LESS_THAN: _AT_LEAST[::-1],
    Op.MORE_THAN: _MORE_THAN,
    Op.AT_MOST: _MORE_THAN[::-1],
    Op.BETWEEN: ("is between {and}", "is not between {and}"),
    Op.BEFORE: ("is before {or}", "is not before {or}"),
    Op.AFTER: ("is after {or}", "is not after {or}"),
    Op.IN_THE_LAST: _IN_THE_LAST,
    Op.NOT_IN_THE_LAST: _IN_THE_LAST[::-1],
    Op.CONTAINS: ("contains {or}", "does not contain {or}"),
    Op.STARTS_WITH: ("starts with {or}", "does not start with {or}"),
    Op.ENDS_WITH: ("ends with {or}", "does not end with {or}"),
    Op.LIKE: ("is like {or}", "is not like {or}"),
    Op.CONTAINS_ANY: _CONTAIN,
    Op.CONTAINS_ALL: ("contain {and}", "do not contain {every}"),
    Op.CONTAINS_NONE: _CONTAIN[::-1],
}
"""What each operator says of an attribute, and what its negation says. `size` is a test on a number."""

_MISSES: dict[Op, tuple[str, str]] = {
    Op.IS: (", not {or}", ""),
    Op.IS_NOT: ("", ", not {or}"),
    Op.ONE_OF: (", not {or}", ""),
    Op.NONE_OF: ("", ", not {or}"),
    Op.AT_LEAST: (", not at least {or}", ", not less than {or}"),
    Op.LESS_THAN: (", not less than {or}", ", not at least {or}"),
    Op.MORE_THAN: (", not more than {or}", ", not at most {or}"),
    Op.AT_MOST: (", not at most {or}", ", not more than {or}"),
    Op.BETWEEN: (", not between {and}", ", between {and}"),
    Op.BEFORE: (", not before {or}", ", before {or}"),
    Op.AFTER: (", not after {or}", ", after {or}"),
    Op.IN_THE_LAST: (", not in the last {or}", ", in the last {or}"),
    Op.NOT_IN_THE_LAST: (", in the last {or}", ", not in the last {or}"),
    Op.CONTAINS: (", which does not contain {or}", ", which contains {or}"),
    Op.STARTS_WITH: (", which does not start with {or}", ", which starts with {or}"),
    Op.ENDS_WITH: (", which does not end with {or}", ", which ends with {or}"),
    Op.LIKE: (", not like {or}", ", like {or}"),
}
"""What an answer adds to a single value that fails a test, or its negation; lists say what they contain."""
