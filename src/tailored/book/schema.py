"""JSON Schemas of rule files, for editors and CI: a general one, and one that knows the names of a book.

They are draft-07, which every editor speaks, with the keywords that the language server for YAML adds to it
(`errorMessage`, `enumDescriptions`, `doNotSuggest`; validators ignore them). A schema sees one file at a
time: it completes names and marks slips of the pen. It takes whatever `tailored.book.load.check_book` takes,
and leaves to that what no schema can say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from tailored.book.builtin import GPC
from tailored.book.conditions import Names
from tailored.book.consent import TCF_ITEMS, flags_of
from tailored.book.constants import written
from tailored.book.expectations import PIECES
from tailored.book.kinds import KINDS
from tailored.book.logic import STANDARD
from tailored.book.model import Content, RuleBook, Setting, Slot
from tailored.book.nodes import plain_scalar, plain_value
from tailored.book.rules import A_SLOT
from tailored.book.sections import (
    ATTRIBUTE,
    CATALOG,
    CLAIM,
    CONSENT,
    CONTENT,
    DIVERSITY,
    EXPECT,
    EXPLORE,
    GUARANTEE,
    GUARANTEE_FINDINGS,
    ITEM_ATTRIBUTE,
    OF,
    PIN,
    PURPOSE,
    RANKING,
    RULE,
    RULE_FINDINGS,
    SCORER,
    SECTIONS,
    SEGMENT,
    SEGMENT_FINDINGS,
    SETTING,
    SLOT,
    SLOT_FINDINGS,
    TCF,
    TEST,
    TOPIC,
)
from tailored.book.suggest import listed
from tailored.condition.operators import OPERATORS, TIMES, Takes, operators_of, takes
from tailored.condition.tree import Attribute, Op, Scalar
from tailored.condition.types import A_VALUE, ELEMENT, EXAMPLE, Type

Schema: TypeAlias = dict[str, Any]

CONDITION = {
    "any": "At least one of these conditions holds",
    "all": "Every one of these conditions holds",
    "not": "This condition is known not to hold",
    "segment": "Whoever is in this segment; of several, in at least one",
    "logic": "A JSONLogic expression, for engineers; its variables are user.NAME and context.NAME",
}
"""The words that a condition may have beside attributes, each with the sentence that editors show."""
SIDES = {"user": "What is known of the person", "context": "What is known of the moment"}
"""The sides of a request, each with the sentence that editors show."""

_TAKES = {
    Takes.FLAG: "true or false",
    Takes.VALUE: "a value",
    Takes.VALUES: "a list of values",
    Takes.BOUND: "a value to compare with",
    Takes.PAIR: "a low and a high value, both included",
    Takes.PART: "a piece of text",
    Takes.DURATION: "a span of time",
    Takes.COUNT: "a number of elements, or operators on it",
}
ACTIONS = ("show", "hide", "order", "set")
_MERGE = "<<"
_MOST_LISTED = 20


def rulebook_schema(book: RuleBook | None = None) -> Schema:
    """The JSON Schema of a rule file: of any book, or with the names of this one enumerated."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **_closed(_described(SECTIONS, _SECTIONS)),
        "type": ["object", "null"],
        "definitions": _COMMON | (_ANY_NAMES if book is None else _names_of(book)),
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _of(type_: Type) -> Schema:
    return _ref(type_.replace(" ", "-"))


def _list_of(item: Schema, **keywords: Any) -> Schema:
    message = "This takes a list, such as `[a, b]`."
    return {"type": ["array"], "items": item, "minItems": 1, **keywords, "errorMessage": message}


def _one_or_more(item: Schema, **keywords: Any) -> Schema:
    return {"anyOf": [item, _list_of(item, **keywords)]}


def _mapping(**keywords: Any) -> Schema:
    return {"type": ["object"], "errorMessage": "This takes a mapping, such as `key: value`.", **keywords}


def _closed(keys: Mapping[str, Schema], **keywords: Any) -> Schema:
    """A mapping that may have these keys. They are judged by name, so that editors mark the slip itself."""
    message = f"This takes {listed(keys, _MOST_LISTED)}." if keys else "The book declares nothing for this."
    names = {"enum": [*keys, _MERGE], "errorMessage": message, "doNotSuggest": True}
    return _mapping(properties=dict(keys), propertyNames=names, additionalProperties={}, **keywords)


def _section(value: Schema) -> Schema:
    """A mapping from ids to bodies; it may be left empty."""
    return _declared(r"^([a-z0-9_.-]+|<<)$", "Ids are lower-case letters, digits, `-`, `_` and `.`.", value)


def _declared(pattern: str, message: str, value: Schema) -> Schema:
    names = {"pattern": pattern, "patternErrorMessage": message, "doNotSuggest": True}
    return _mapping(propertyNames=names, additionalProperties=value) | {"type": ["object", "null"]}


def _described(sentences: Mapping[str, str], shapes: Mapping[str, Schema]) -> dict[str, Schema]:
    return {key: {"description": sentence, **shapes[key]} for key, sentence in sentences.items()}


def _body(
    keys: Mapping[str, str], own: Mapping[str, Schema] | None = None, required: Iterable[str] = ()
) -> Schema:
    """The body of an entry. `own` has the keys whose shapes differ from those in other sections."""
    body = _closed(_described(keys, {**_SHAPES, **(own or {})}))
    if not required:
        return body
    return body | {
        "required": [*required],
        "errorMessage": f"This needs {listed(f'`{key}`' for key in required)}.",
    }


def _enum(names: Mapping[str, str], what: str) -> Schema:
    """One of these names, each with its sentence."""
    if not names:
        return {"not": {}}
    spelt = [(spelling, sentence) for name, sentence in names.items() for spelling in _spellings(name)]
    return {
        "enum": [spelling for spelling, _ in spelt],
        "enumDescriptions": [sentence for _, sentence in spelt],
        "errorMessage": f"This takes the name of {what}: {listed(names, _MOST_LISTED)}.",
    }


def _spellings(value: Scalar) -> list[Any]:
    """The JSON data that a value may be in a file: the text "2" may be written `2`, too."""
    if not isinstance(value, str):
        return [value]
    plain = plain_value(plain_scalar(value))
    return [value, plain] if isinstance(plain, bool | int | float) and abs(plain) < float("inf") else [value]


def _whole_number(low: int, high: int) -> Schema:
    message = f"This takes a whole number from {low} to {high}."
    return {"type": ["integer"], "minimum": low, "maximum": high, "errorMessage": message}


def _operators(of: Mapping[Op, Takes], value: Schema, part: Schema, sentence: Callable[[Op], str]) -> Schema:
    """A mapping of operators; `part` is what they take where no declared value is asked for."""
    operands = {
        Takes.FLAG: _of(Type.BOOLEAN),
        Takes.VALUE: value,
        Takes.VALUES: _list_of(value),
        Takes.BOUND: part,
        Takes.PAIR: _list_of(part, minItems=2, maxItems=2),
        Takes.PART: part,
        Takes.DURATION: _ref("span-of-time"),
        Takes.COUNT: _ref("size"),
    }
    return _closed(
        {op: {"description": sentence(op), **operands[kind]} for op, kind in of.items()}, minProperties=1
    )


def _test(value: Schema, operators: Schema) -> Schema:
    return {"anyOf": [value, _list_of(value), operators]}


def _test_of(type_: Type, value: Schema, samples: list[str]) -> Schema:
    """A test on an attribute of a type. `samples` are values that examples may show."""
    single = ELEMENT.get(type_, type_)
    kinds = {op: takes(op, type_) for op in operators_of(type_)}
    shown = {Takes.VALUE: samples[0], Takes.VALUES: f"[{', '.join(samples)}]"}

    def sentence(op: Op) -> str:
        kind = kinds[op]
        if kind is Takes.PAIR and type_ in TIMES:
            return f"Takes {_TAKES[kind]}"
        return f"Takes {_TAKES[kind]}, such as {op}: {shown.get(kind, OPERATORS[op].example)}"

    return _test(value, _operators(kinds, value, _of(single), sentence))


def _value(name: str, type_: Type, values: Iterable[Scalar]) -> Schema:
    """One value of a single type: a declared one, where the type leaves no two ways to write it."""
    spellings = [spelling for value in values for spelling in _spellings(value)]
    if not spellings or type_ not in (Type.STRING, Type.INTEGER, Type.NUMBER):
        return _of(type_)
    known = listed(dict.fromkeys(map(written, values)), _MOST_LISTED)
    return {"enum": spellings, "errorMessage": f"`{name}` takes one of its values: {known}."}


def _allow(findings: Mapping[str, str]) -> Schema:
    """Findings of the prover, each with the reason why it is fine."""
    return _closed(_described(findings, dict.fromkeys(findings, _TEXT)), minProperties=1)


# What is the same in every book.

_TEXT = _of(Type.STRING)
_NAMES = _one_or_more(_TEXT)
_CONTENTS = _one_or_more(_ref("content"))

_A_TIME = {
    "type": ["string"],
    "pattern": r"^\s*[0-9]{1,6}(\.[0-9]{1,3})?\s*(ms|milliseconds?|s|seconds?)\s*$",
    "errorMessage": "This takes a time, such as `25 ms` or `2 s`.",
}
_A_NUMBER = _of(Type.NUMBER)
_NUMBERS = {"type": ["object"], "additionalProperties": _A_NUMBER}
_TAKES_OF_KINDS: dict[str, Schema] = {
    "attribute": _TEXT,
    "attributes of items": _NAMES,
    "choice": _TEXT,
    "column": _TEXT,
    "duration": _A_TIME,
    "environment": _TEXT,
    "file": _TEXT,
    "histories": _NAMES,
    "new file": _TEXT,
    "number": _A_NUMBER,
    "pair": _list_of(_A_NUMBER, minItems=2, maxItems=2),
    "scorers": _one_or_more(_ref("scorer")),
    "text": _TEXT,
    "texts": {"type": ["object"], "additionalProperties": _TEXT},
    "trained file": _TEXT,
    "url": _TEXT,
    "weights": _NUMBERS,
    "whole": _of(Type.INTEGER),
}
"""From what a setting of a scorer takes to its shape."""
_SCORING_SHAPES: dict[str, Schema] = {
    "file": _TEXT,
    "sql": _TEXT,
    "database": _TEXT,
    "id": _TEXT,
    "column": _TEXT,
    "fields": _mapping(),
    "refresh": _ref("span-of-time"),
    "features": _NAMES,
    "timeout": _A_TIME,
    "fallback": _ref("scorer"),
    "best of": _CONTENTS,
    "top": _whole_number(1, 1000),
    "by": _ref("scorer"),
    "share": _ref("share"),
    "first": _NAMES,
    "catalog": _ref("catalog"),
    "where": _ref("item-condition"),
    "without": _one_or_more(_ref("item-condition")),
    "weight": _A_NUMBER,
    "over": _NAMES,
    "at": _whole_number(1, 1000),
}
_SHAPES: dict[str, Schema] = {
    "description": _TEXT,
    "owner": _TEXT,
    "hypothesis": _TEXT,
    "because": _TEXT,
    "path": _TEXT,
    "consent": _TEXT,
    "type": _ref("type"),
    "values": _list_of(_ref("value")),
    "personal": _of(Type.BOOLEAN),
    "topic": _one_or_more(_ref("topic")),
    "purpose": _ref("purpose"),
    "tags": _NAMES,
    "not_about": _one_or_more(_ref("topic")),
    "sensitive": _of(Type.BOOLEAN),
    "words": _NAMES,
    "honours": _one_or_more(_enum({GPC: "The Sec-GPC signal: context.gpc is true"}, "a signal")),
    "format": _enum({"html": "Values are escaped", "text": "Values stand as they are"}, "a format"),
    "many": _whole_number(1, 1000),
    "fill": _of(Type.BOOLEAN),
    "when": _ref("condition"),
    "show": _ref("show"),
    "hide": _ref("hide"),
    "order": _ref("order"),
    "set": _ref("set"),
    "priority": _whole_number(0, 1000),
    **_SCORING_SHAPES,
    "from": _of(Type.DATETIME),
    "until": _of(Type.DATETIME),
    "review": _of(Type.DATETIME),
    "request": _TEXT,
    "user": _ref("request-user"),
    "context": _ref("request-context"),
    "now": _of(Type.DATETIME),
    "consents": _ref("consents"),
    "each": {
        "anyOf": [
            _list_of(_mapping(minProperties=0)),
            _mapping(additionalProperties=_list_of({}), minProperties=1),
        ]
    },
    "expect": _ref("expect"),
}
_ATTRIBUTES = _declared(
    r"^([A-Za-z][A-Za-z0-9_]*|<<)$",
    "Names of attributes are letters, digits and `_`, and begin with a letter.",
    _body(ATTRIBUTE, required=["type"]),
)
_DOES = {"errorMessage": f"This does nothing: it needs one of {listed(ACTIONS)}."}
_SETTABLE = {"anyOf": [_ref("value"), _list_of(_ref("value"), minItems=0)]}
_TCF = {key: _ref(f"tcf-{key}") for key in TCF}
_ITEM_ATTRIBUTES = _declared(
    r"^([A-Za-z][A-Za-z0-9_]*|<<)$",
    "Names of attributes are letters, digits and `_`, and begin with a letter.",
    _body(ITEM_ATTRIBUTE, required=["type"]),
)
_ITEMS = {
    "type": ["object", "array", "null"],
    "errorMessage": "This takes items by id, such as `socks: {price: 12.5}`.",
}
_KIND = _enum({name: kind.sentence for name, kind in KINDS.items()}, "a kind of scorer")
_SETTINGS_OF_KINDS = {
    name: setting.sentence for kind in KINDS.values() for name, setting in reversed(kind.settings.items())
}
_SETTING_SHAPES = {
    name: _TAKES_OF_KINDS[setting.takes] for kind in KINDS.values() for name, setting in kind.settings.items()
}
_SECTIONS: dict[str, Schema] = {
    "attributes": _closed(_described(SIDES, dict.fromkeys(SIDES, _ATTRIBUTES)))
    | {"type": ["object", "null"]},
    "topics": _section(_body(TOPIC)),
    "purposes": _section(_body(PURPOSE)),
    "consent": _closed(_described(CONSENT, {"tcf": _closed(_described(TCF, _TCF))}))
    | {"type": ["object", "null"]},
    "slots": _section(_body(SLOT, {"default": _CONTENTS, "order": _NAMES, "allow": _allow(SLOT_FINDINGS)})),
    "settings": _section(_body(SETTING, {"default": _SETTABLE}, ["type", "default"])),
    "content": _section(_body(CONTENT, {"type": _TEXT}) | {"propertyNames": {}}),
    "catalogs": _section(_body(CATALOG, {"items": _ITEMS, "attributes": _ITEM_ATTRIBUTES})),
    "scorers": _section(
        _body(
            SCORER | _SETTINGS_OF_KINDS,
            {"kind": _KIND, "purpose": _ref("purpose"), **_SETTING_SHAPES},
            ["kind"],
        )
    ),
    "tests": _section(_body(TEST)),
    "guarantees": _section(
        _body(
            GUARANTEE,
            {"never": _ref("claim"), "always": _ref("claim"), "allow": _allow(GUARANTEE_FINDINGS)},
        )
    ),
    "segments": _section(_body(SEGMENT, {"allow": _allow(SEGMENT_FINDINGS)}, ["when"])),
    "rules": _section(
        _body(RULE, {"allow": _allow(RULE_FINDINGS)})
        | {"anyOf": [_DOES | {"required": [action]} for action in ACTIONS]}
    ),
}


def _condition(tests: Schema) -> Schema:
    """A condition whose mapping holds the words of the language, and what `tests` says about attributes."""
    message = "A condition is `always`, or a mapping such as `page: home`."
    return {"anyOf": [{"enum": ["always"], "errorMessage": message}, tests | {"errorMessage": message}]}


_WORDS = _described(
    CONDITION,
    {
        "any": _list_of(_ref("condition")),
        "all": _list_of(_ref("condition")),
        "not": _ref("condition"),
        "segment": _one_or_more(_ref("segment")),
        "logic": _closed({operator: {} for operator in sorted(STANDARD)}),
    },
)


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
_COMMON: dict[str, Schema] = {
    **{type_.value: schema for type_, schema in _TYPES.items()},
    "value": _any_scalar("This takes a value."),
    "span-of-time": {
        "type": ["string"],
        "pattern": r"^\s*[0-9]{1,8}\s+(minute|hour|day|week)s?\s*$",
        "errorMessage": "This takes a number of minutes, hours, days or weeks, such as `30 days`.",
    },
    "size": _test_of(Type.INTEGER, _of(Type.INTEGER), ["3"]),
    "type": _enum({type_.value: f"It holds {A_VALUE[type_]}" for type_ in Type}, "a type"),
}
_ON_ITEMS = {word: CONDITION[word] for word in ("any", "all", "not")}
_COMMON |= {
    "share": {
        "type": ["string"],
        "pattern": r"^\s*[0-9]{1,3}(\.[0-9]{1,4})?\s*%\s*$",
        "errorMessage": "This takes a share, such as `20%`.",
    },
    "item-condition": _condition(
        _mapping(
            properties=_described(
                _ON_ITEMS,
                {
                    "any": _list_of(_ref("item-condition")),
                    "all": _list_of(_ref("item-condition")),
                    "not": _ref("item-condition"),
                },
            ),
            minProperties=1,
        )
    ),
    "ranking": _body(
        RANKING,
        {
            "of": {"anyOf": [_ref("content"), _list_of(_ref("content")), _body(OF)]},
            "explore": {"anyOf": [_ref("share"), _body(EXPLORE, required=["share"])]},
            "at most": _mapping(
                patternProperties={"^[0-9]{1,4}\\s+per$": _NAMES}, additionalProperties=False
            ),
            "pin": _one_or_more(_body(PIN, {"id": _TEXT}, ["id", "at"])),
            "diversity": {"anyOf": [_A_NUMBER, _body(DIVERSITY, required=["weight"])]},
        },
    ),
}
_TCF_ITEMS = _one_or_more(_enum({str(item): f"TCF purpose {item}" for item in TCF_ITEMS}, "a TCF purpose"))
_ANY_OPERATORS = _operators(
    {op: operator.takes for op, operator in OPERATORS.items()},
    _ref("value"),
    _ref("value"),
    lambda op: f"Takes {_TAKES[OPERATORS[op].takes]}, such as {op}: {OPERATORS[op].example}",
)
_PIECES: dict[str, Schema] = {
    "content": {"anyOf": [_ref("content"), {"type": ["null"]}]},
    "items": _one_or_more(_ref("content"), minItems=0),
    "without": _one_or_more(_ref("content")),
    "fields": _mapping(),
    "hidden": _of(Type.BOOLEAN),
    "default": _of(Type.BOOLEAN),
    "rule": _ref("rule"),
}


def _consents(flag: Schema, flags: Mapping[str, Schema]) -> Schema:
    """Consent as a list of flags, or as a mapping of them."""
    given = _of(Type.BOOLEAN)
    named = _closed(flags) if flags else _mapping(additionalProperties=given)
    return _one_or_more(flag, minItems=0) | {"anyOf": [flag, _list_of(flag, minItems=0), named]}


_ANY_NAMES: dict[str, Schema] = {
    "content": _TEXT,
    "segment": _TEXT,
    "topic": _TEXT,
    "purpose": _TEXT,
    **{f"tcf-{key}": _mapping(additionalProperties=_TCF_ITEMS) for key in TCF},
    "scorer": _TEXT,
    "catalog": _TEXT,
    "test": _test(_ref("value"), _ANY_OPERATORS),
    "condition": _condition(_mapping(properties=_WORDS, additionalProperties=_ref("test"), minProperties=1)),
    "show": _mapping(additionalProperties={"anyOf": [*_CONTENTS["anyOf"], _ref("ranking")]}, minProperties=1),
    "hide": _NAMES,
    "order": _mapping(additionalProperties=_NAMES, minProperties=1),
    "set": _mapping(additionalProperties=_SETTABLE, minProperties=1),
    "consents": _consents(_TEXT, {}),
    "request-user": _mapping(),
    "request-context": _mapping(),
    "expect": _mapping(minProperties=1),
}


def _claim(slots: Schema, contents: Schema, settings: Schema, orders: Schema) -> Schema:
    """What `never` and `always` of a guarantee hold."""
    shapes = {
        "show": {"anyOf": [*_one_or_more(slots)["anyOf"], contents]},
        "show content tagged": _NAMES,
        "set": settings,
        "hide": _one_or_more(slots),
        "order": orders,
    }
    return _closed(_described(CLAIM, shapes), minProperties=1)


_ANY_NAMES["claim"] = _claim(
    _TEXT,
    _mapping(additionalProperties=_CONTENTS),
    _mapping(additionalProperties=_SETTABLE),
    _mapping(additionalProperties=_NAMES),
)


def _names_of(book: RuleBook) -> dict[str, Schema]:
    """The definitions in which the names of a book stand."""
    slots = {name: _about_slot(slot) for name, slot in book.slots.items()}
    ordered = {name for name, slot in book.slots.items() if slot.kind == "order"}
    filled = {name: about for name, about in slots.items() if name not in ordered}
    short = {name: keys[0] for name, keys in Names(book.attributes, {}).short.items() if len(keys) == 1}
    whole = {key: key for key in book.attributes}
    attributes = {name: _ref(key) for name, key in (short | whole).items()}
    return {
        "content": _enum(
            {name: _about_content(item) for name, item in book.content.items()}, "a content item"
        ),
        "segment": _enum({name: segment.description for name, segment in book.segments.items()}, "a segment"),
        "topic": _enum({name: topic.description for name, topic in book.topics.items()}, "a topic"),
        "purpose": _enum({name: purpose.description for name, purpose in book.purposes.items()}, "a purpose"),
        "tcf-consents": _closed(
            {flag: {"description": f"Consent to {flag}", **_TCF_ITEMS} for flag in flags_of(book.topics)}
        ),
        "tcf-opt_outs": _closed(
            {
                name: {"description": purpose.description or name, **_TCF_ITEMS}
                for name, purpose in book.purposes.items()
            }
        ),
        **{key: _test_on(attribute) for key, attribute in book.attributes.items()},
        "condition": _condition(_closed(_WORDS | attributes, minProperties=1)),
        "show": _closed(_described(filled, {name: _placed(book.slots[name]) for name in filled})),
        "hide": _one_or_more(_enum(filled, "a slot")),
        "order": _closed(
            {
                name: {"description": slots[name], **_modules(book.slots[name])}
                for name in slots
                if name in ordered
            }
        ),
        "scorer": _enum({name: one.description for name, one in book.scorers.items()}, "a scorer"),
        "catalog": _enum({name: one.description for name, one in book.catalogs.items()}, "a catalog"),
        "set": _closed(
            {
                name: {
                    "description": setting.description or name,
                    **_set_to(name, setting.type, setting.values),
                }
                for name, setting in book.settings.items()
            }
        ),
        "claim": _claim(
            _enum(filled, "a slot"),
            _closed(_described(filled, dict.fromkeys(filled, _CONTENTS))),
            _closed({name: _claimed(setting) for name, setting in book.settings.items()}),
            _closed({name: _modules(book.slots[name]) for name in ordered}),
        ),
        "rule": _enum({rule.id: rule.description for rule in book.rules}, "a rule"),
        "consents": _consents(
            _enum({flag: f"Consent to {flag}" for flag in flags_of(book.topics)}, "a consent flag"),
            {
                flag: {"description": f"Consent to {flag}", **_of(Type.BOOLEAN)}
                for flag in flags_of(book.topics)
            },
        ),
        **{f"request-{side}": _closed(_request_side(book, side)) for side in SIDES},
        "expect": _closed(
            {name: {"description": slots[name], **_expected(slot)} for name, slot in book.slots.items()}
            | {
                name: {
                    "description": setting.description or name,
                    **_expected_value(name, setting.type, setting.values),
                }
                for name, setting in book.settings.items()
            },
            minProperties=1,
        ),
    }


def _request_side(book: RuleBook, side: str) -> dict[str, Schema]:
    """What `user` or `context` of a test may hold: a value of each attribute, or nothing."""
    found = {}
    for attribute in book.attributes.values():
        if attribute.side == side:
            single = ELEMENT.get(attribute.type, attribute.type)
            value = _open_value(attribute.name, single, attribute.values)
            held = _list_of(value, minItems=0) if attribute.type in ELEMENT else value
            found[attribute.name] = {
                "description": _about_attribute(attribute),
                "anyOf": [held, {"type": ["null"]}],
            }
    if side == "user":
        found["consents"] = {"description": TEST["consents"], **_ref("consents")}
    return found


def _open_value(name: str, type_: Type, values: Iterable[Scalar]) -> Schema:
    """One value of a single type; declared ones are offered, and others taken."""
    declared = _value(name, type_, values)
    return declared if declared == _of(type_) else {"anyOf": [declared, _of(type_)]}


def _expected(slot: Slot) -> Schema:
    """What a test may expect of a slot: the short form, or its pieces."""
    modules = _modules(slot) if slot.kind == "order" else {}
    shapes = _PIECES | {"order": modules, "first": modules or _one_or_more(_ref("content"))}
    pieces = {piece: {"description": EXPECT[piece], **shapes[piece]} for piece in PIECES[slot.kind]}
    short = shapes[PIECES[slot.kind][0]]
    return {"anyOf": [*short.get("anyOf", [short]), _closed(pieces, minProperties=1)]}


def _expected_value(name: str, type_: Type, values: tuple[Scalar, ...]) -> Schema:
    value = _set_to(name, type_, values)
    shapes = _PIECES | {"value": value}
    pieces = {piece: {"description": EXPECT[piece], **shapes[piece]} for piece in PIECES["setting"]}
    return {"anyOf": [value, _closed(pieces, minProperties=1)]}


def _test_on(attribute: Attribute) -> Schema:
    single = ELEMENT.get(attribute.type, attribute.type)
    samples = [written(value) for value in attribute.values[:2]] or [EXAMPLE[single]]
    test = _test_of(attribute.type, _value(attribute.name, single, attribute.values), samples)
    return {"description": _about_attribute(attribute), **test}


def _placed(slot: Slot) -> Schema:
    """What `show` takes for a slot."""
    if slot.many is None:
        return {"anyOf": [_ref("content"), _ref("ranking")]}
    several = _list_of(_ref("content"), maxItems=slot.many)
    return {"anyOf": [_ref("content"), several, _ref("ranking")]}


def _modules(slot: Slot) -> Schema:
    return _one_or_more(_enum(dict.fromkeys(slot.modules or (), ""), "a module"))


def _set_to(name: str, type_: Type, values: tuple[Scalar, ...]) -> Schema:
    """What `set` takes for a setting."""
    if type_ in ELEMENT:
        return _list_of(_value(name, ELEMENT[type_], values), minItems=0)
    return _value(name, type_, values)


def _claimed(setting: Setting) -> Schema:
    """What a guarantee says of a setting: a value, or a list of which it has one."""
    value = _set_to(setting.id, setting.type, setting.values)
    return value if setting.type in ELEMENT else _one_or_more(value)


def _about_attribute(attribute: Attribute) -> str:
    needs = f"; needs consent for {listed(attribute.topics)}" if attribute.topics else ""
    return f"{attribute.description or attribute.key} ({A_VALUE[attribute.type]}{needs})"


def _about_slot(slot: Slot) -> str:
    return f"{slot.description or slot.id} ({A_SLOT[slot.kind]})"


def _about_content(item: Content) -> str:
    """Its description, or else its first text, which is what people know it by."""
    texts = (value for value in item.fields.values() if isinstance(value, str))
    return item.description or next(texts, "")
