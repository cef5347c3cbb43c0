"""The version of a book: a hash of what it means, untouched by comments, line ends and formatting."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

from tailored.book.model import RuleBook
from tailored.condition.types import Version, as_text


def book_version(book: RuleBook) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON of a book: ids in order, rules in resolution order."""
    sections = {
        "attributes": book.attributes,
        "topics": book.topics,
        "slots": book.slots,
        "settings": book.settings,
        "content": book.content,
        "segments": book.segments,
    }
    data: dict[str, Any] = {
        name: [_canonical(section[id_]) for id_ in sorted(section)] for name, section in sections.items()
    }
    data["rules"] = [_canonical(rule) for rule in book.rules]
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """JSON data that differs where the value does. Kinds are named, so that no two kinds look alike."""
    if value is None or isinstance(value, str | bool | int | float):
        return str(value) if type(value) not in (str, bool, int, float, type(None)) else value
    if isinstance(value, Version):
        return ["version", value.text]
    if isinstance(value, date):
        return [type(value).__name__, as_text(value)]
    if is_dataclass(value):
        parts = [
            [field.name, _canonical(getattr(value, field.name))]
            for field in fields(value)
            if field.type != "Span" and getattr(value, field.name) not in (None, "", (), {})
        ]
        return [type(value).__name__, *parts]
    if isinstance(value, Mapping):
        return ["mapping", *([key, _canonical(one)] for key, one in sorted(value.items()))]
    assert isinstance(value, tuple | list), type(value)
    return ["list", *map(_canonical, value)]
