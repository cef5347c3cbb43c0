"""The version of a book: a hash of what it means, untouched by comments, line ends and formatting."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import date, datetime
from functools import cache
from typing import Any

from tailored.book.model import RuleBook
from tailored.condition.tree import Attribute, InSegment, Logic, Op, SameAs, Test
from tailored.condition.types import Type, Version, as_text


def book_version(book: RuleBook) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON of a book: ids in order, rules in resolution order."""
    sections: dict[str, Mapping[str, Any]] = {
        "attributes": book.attributes,
        "topics": book.topics,
        "purposes": book.purposes,
        "slots": book.slots,
        "settings": book.settings,
        "content": book.content,
        "segments": book.segments,
        "catalogs": book.catalogs,
        "scorers": book.scorers,
    }
    data: dict[str, Any] = {
        name: [_whole(section[id_]) for id_ in sorted(section)] for name, section in sections.items()
    }
    data["items"] = [
        [_whole(attribute) for attribute in book.catalogs[name].attributes.values()]
        for name in sorted(book.catalogs)
    ]
    data["rules"] = [_whole(rule) for rule in book.rules]
    data["tcf"] = _whole(book.tcf)
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """JSON data that differs where the value does. Kinds are named, so that no two kinds look alike."""
    return _CANONICAL.get(type(value), _whole)(value)  # type: ignore[no-untyped-call]


def _whole(value: Any) -> list[Any]:
    """Everything that an object says but its place in a file; what is empty is left out."""
    parts: list[Any] = [type(value).__name__]
    for name in _names(type(value)):  # type: ignore[arg-type]
        if (part := getattr(value, name)) not in _EMPTY:
            parts += (name, _canonical(part))
    return parts


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.type != "Span")


def _several(values: Iterable[Any]) -> list[Any]:
    return ["list", *map(_canonical, values)]


def _mapping(value: Mapping[str, Any]) -> list[Any]:
    return ["mapping", *([key, _canonical(value[key])] for key in sorted(value))]


def _as_it_is(value: Any) -> Any:
    return value


_EMPTY: tuple[Any, ...] = (None, "", (), {})
_CANONICAL: dict[type[Any], Callable[[Any], Any]] = {
    **dict.fromkeys((str, int, float, bool, type(None)), _as_it_is),
    **dict.fromkeys((Op, Type), str),
    **dict.fromkeys((tuple, list), _several),
    dict: _mapping,
    date: lambda value: ["date", value.isoformat()],
    datetime: lambda value: ["datetime", as_text(value)],
    Version: lambda value: ["version", value.text],
    # An attribute is told whole in its section, and by its name where a condition reads it.
    Attribute: lambda value: ["attribute", value.key],
    Test: lambda value: ["test", value.attribute.key, value.op, _canonical(value.operand)],
    InSegment: lambda value: ["segment", value.id],
    Logic: lambda value: ["logic", value.text],
    SameAs: lambda value: ["same as", value.attribute.key, value.other.key],
}
"""From a type to what tells its values; dataclasses that are not named here tell all their fields."""
