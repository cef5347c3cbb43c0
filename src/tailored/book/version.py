"""The version of a book: a hash of what it means, untouched by comments, line ends and formatting."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from functools import cache
from json import dumps
from json.encoder import encode_basestring_ascii as quoted
from operator import attrgetter
from typing import Any

from tailored.book.model import RuleBook
from tailored.condition.tree import All, Attribute, InSegment, Logic, Op, SameAs, Test
from tailored.condition.types import Type, Version, as_text

_SECTIONS = (
    "attributes",
    "topics",
    "purposes",
    "slots",
    "settings",
    "content",
    "segments",
    "catalogs",
    "scorers",
)


def book_version(book: RuleBook) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON of a book: ids in order, rules in resolution order."""
    tests: dict[int, str] = {}

    def condition(value: Any) -> str:
        """A condition; the same tests, which are many in a grown book, are told once."""
        if type(value) is All:
            parts = ",".join([tests.get(id(part)) or condition(part) for part in value.parts])
            return f'["All","parts",["list",{parts}]]' if parts else '["All"]'
        text = tests[id(value)] = _canonical(value)
        return text

    things: dict[str, Iterable[str]] = {}
    for name in _SECTIONS:
        section: Mapping[str, Any] = getattr(book, name)
        things[name] = [_whole(section[id_]) for id_ in sorted(section)]
    things["items"] = [
        f"[{','.join([_whole(attribute) for attribute in book.catalogs[name].attributes.values()])}]"
        for name in sorted(book.catalogs)
    ]
    things["rules"] = [_whole(rule, condition) for rule in book.rules]
    sections = [f'"{name}":[{",".join(texts)}]' for name, texts in things.items()]
    text = f'{{{",".join(sections)},"tcf":{_whole(book.tcf)}}}'
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> str:
    """JSON that differs where the value does. Kinds are named, so that no two kinds look alike."""
    return _CANONICAL.get(type(value), _whole)(value)


def _whole(value: Any, condition: Callable[[Any], str] | None = None) -> str:
    """Everything that an object says but its place in a file; what is empty is left out."""
    begin, names, parts = _fields(type(value))  # type: ignore[arg-type]  # dataclasses can be hashed
    said = [begin]
    for name, part in zip(names, parts(value), strict=True):
        if part or type(part) in _NUMBERS:  # what else is falsy is empty
            said.append(name)
            said.append(condition(part) if condition and name is _WHEN else _canonical(part))
    return "".join(said) + "]"


_WHEN = ',"when",'
_NUMBERS = frozenset([int, float, bool])


@cache
def _fields(kind: type[Any]) -> tuple[str, list[str], Callable[[Any], tuple[Any, ...]]]:
    """How an object of a dataclass begins, its fields, and what takes them out of it."""
    names = [field.name for field in fields(kind) if field.type != "Span"]
    said = [_WHEN if name == "when" else f',"{name}",' for name in names]
    parts = attrgetter(*names)
    return f'["{kind.__name__}"', said, parts if len(names) > 1 else lambda value: (parts(value),)


def _several(values: Sequence[Any]) -> str:
    try:
        told = list(map(quoted, values))  # nearly all are texts
    except TypeError:
        told = list(map(_canonical, values))
    return ",".join(['["list"', *told]) + "]"


def _mapping(value: Mapping[str, Any]) -> str:
    if len(value) == 1:  # as what nearly every rule shows
        [(only, said)] = value.items()
        return f'["mapping",[{quoted(only)},{_canonical(said)}]]'
    items = [f"[{quoted(key)},{_canonical(value[key])}]" for key in sorted(value)]
    return ",".join(['["mapping"', *items]) + "]"


def _number(value: float) -> str:
    return dumps(value, allow_nan=False)


_CANONICAL: dict[type[Any], Callable[[Any], str]] = {
    **dict.fromkeys((str, Op, Type), quoted),
    **dict.fromkeys((float, type(None)), _number),
    bool: lambda value: "true" if value else "false",
    int: int.__repr__,
    **dict.fromkeys((tuple, list), _several),
    dict: _mapping,
    date: lambda value: f'["date","{value.isoformat()}"]',
    datetime: lambda value: f'["datetime","{as_text(value)}"]',
    Version: lambda value: f'["version",{quoted(value.text)}]',
    # An attribute is told whole in its section, and by its name where a condition reads it.
    Attribute: lambda value: f'["attribute","{value.key}"]',
    Test: lambda value: f'["test","{value.attribute.key}","{value.op}",{_canonical(value.operand)}]',
    InSegment: lambda value: f'["segment",{quoted(value.id)}]',
    Logic: lambda value: f'["logic",{quoted(value.text)}]',
    SameAs: lambda value: f'["same as","{value.attribute.key}","{value.other.key}"]',
}
"""From a type to what tells its values; dataclasses that are not named here tell all their fields."""
