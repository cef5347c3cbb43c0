"""The definitions that every schema has, and those in which names are open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tailored.book.consent import TCF_ITEMS
from tailored.book.schema.bodies import CONTENTS, RANKING_OF_RULE, SETTABLE
from tailored.book.schema.conditions import (
    ANY_OPERATORS,
    ITEM_CONDITION,
    WORDS_OF_CONDITIONS,
    condition_with,
    test_of,
    test_with,
)
from tailored.book.schema.pieces import (
    NAMES,
    TEXT,
    Schema,
    closed,
    described,
    enum,
    list_of,
    mapping,
    of_type,
    one_or_more,
    ref,
)
from tailored.book.sections import CLAIM, TCF
from tailored.condition.types import A_VALUE, EXAMPLE, Type


def _scalar(type_: Type, types: list[str], **keywords: Any) -> Schema:
    message = f"This takes {A_VALUE[type_]}, such as `{EXAMPLE[type_]}`."
    return {"type": types, **keywords, "errorMessage": message}


def _any_scalar(message: str) -> Schema:
    """Text, a number or a boolean; said without the type `boolean`, for which editors would offer `true`."""
    texts = {"type": ["string", "number"], "errorMessage": message}
    return {"anyOf": [texts, {"not": {"type": ["object", "array", "null"]}}]}


def _dated(type_: Type, pattern: str) -> Schema:
    """A date, or what begins with one; without dashes it is a number in YAML."""
    day_as_number = {"type": ["integer"], "minimum": 1000_01_01, "maximum": 9999_12_31}
    return {"anyOf": [_scalar(type_, ["string"], pattern=pattern), day_as_number]}


_DAY = "([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})"
_TYPES: dict[Type, Schema] = {
    Type.STRING: _any_scalar("This takes text."),
    Type.INTEGER: _scalar(Type.INTEGER, ["integer"]),
    Type.NUMBER: _scalar(Type.NUMBER, ["number"]),
    Type.BOOLEAN: _scalar(Type.BOOLEAN, ["boolean"]),
    Type.DATE: _dated(Type.DATE, f"^{_DAY}$"),
    Type.DATETIME: _dated(Type.DATETIME, f"^{_DAY}([Tt ][0-9]{{2}}.*)?$"),
    Type.VERSION: _scalar(
        Type.VERSION, ["string", "number"], pattern=r"^[0-9]+(\.[0-9]+){0,2}([-+].*)?$", minimum=0
    ),
}
COMMON: dict[str, Schema] = {
    **{type_.value: schema for type_, schema in _TYPES.items()},
    "value": _any_scalar("This takes a value."),
    "span-of-time": {
        "type": ["string"],
        "pattern": r"^\s*[0-9]{1,8}\s+(minute|hour|day|week)s?\s*$",
        "errorMessage": "This takes a number of minutes, hours, days or weeks, such as `30 days`.",
    },
    "size": test_of(Type.INTEGER, of_type(Type.INTEGER), ["3"]),
    "type": enum({type_.value: f"It holds {A_VALUE[type_]}" for type_ in Type}, "a type"),
    "share": {
        "type": ["string"],
        "pattern": r"^\s*[0-9]{1,3}(\.[0-9]{1,4})?\s*%\s*$",
        "errorMessage": "This takes a share, such as `20%`.",
    },
    "item-condition": ITEM_CONDITION,
    "ranking": RANKING_OF_RULE,
}
SOME_TCF_ITEMS = one_or_more(enum({str(item): f"TCF purpose {item}" for item in TCF_ITEMS}, "a TCF purpose"))
SHAPES_OF_PIECES: dict[str, Schema] = {
    "content": {"anyOf": [ref("content"), {"type": ["null"]}]},
    "items": one_or_more(ref("content"), minItems=0),
    "without": one_or_more(ref("content")),
    "fields": mapping(),
    "hidden": of_type(Type.BOOLEAN),
    "default": of_type(Type.BOOLEAN),
    "rule": ref("rule"),
}


def consents(flag: Schema, flags: Mapping[str, Schema]) -> Schema:
    """Consent as a list of flags, or as a mapping of them."""
    given = of_type(Type.BOOLEAN)
    named = closed(flags) if flags else mapping(additionalProperties=given)
    return one_or_more(flag, minItems=0) | {"anyOf": [flag, list_of(flag, minItems=0), named]}


def claim(slots: Schema, contents: Schema, settings: Schema, orders: Schema) -> Schema:
    """What `never` and `always` of a guarantee hold."""
    shapes = {
        "show": {"anyOf": [*one_or_more(slots)["anyOf"], contents]},
        "show content tagged": NAMES,
        "set": settings,
        "hide": one_or_more(slots),
        "order": orders,
    }
    return closed(described(CLAIM, shapes), minProperties=1)


ANY_NAMES: dict[str, Schema] = {
    "content": TEXT,
    "segment": TEXT,
    "topic": TEXT,
    "purpose": TEXT,
    **{f"tcf-{key}": mapping(additionalProperties=SOME_TCF_ITEMS) for key in TCF},
    "scorer": TEXT,
    "catalog": TEXT,
    "test": test_with(ref("value"), ANY_OPERATORS),
    "condition": condition_with(
        mapping(properties=WORDS_OF_CONDITIONS, additionalProperties=ref("test"), minProperties=1)
    ),
    "show": mapping(additionalProperties={"anyOf": [*CONTENTS["anyOf"], ref("ranking")]}, minProperties=1),
    "hide": NAMES,
    "order": mapping(additionalProperties=NAMES, minProperties=1),
    "set": mapping(additionalProperties=SETTABLE, minProperties=1),
    "consents": consents(TEXT, {}),
    "request-user": mapping(),
    "request-context": mapping(),
    "expect": mapping(minProperties=1),
    "claim": claim(
        TEXT,
        mapping(additionalProperties=CONTENTS),
        mapping(additionalProperties=SETTABLE),
        mapping(additionalProperties=NAMES),
    ),
}
