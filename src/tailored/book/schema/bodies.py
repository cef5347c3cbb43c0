"""The shapes of all sections and of what stands in them, which are the same in every book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tailored.book.builtin import GPC
from tailored.book.kinds import KINDS
from tailored.book.schema.pieces import (
    A_NUMBER,
    NAMES,
    TEXT,
    Schema,
    closed,
    declared,
    described,
    enum,
    list_of,
    mapping,
    of_type,
    one_or_more,
    ref,
    section,
    whole_number,
)
from tailored.book.sections import (
    ATTRIBUTE,
    CATALOG,
    CONSENT,
    CONTENT,
    DIVERSITY,
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
from tailored.condition.types import Type

SIDES = {"user": "What is known of the person", "context": "What is known of the moment"}
"""The sides of a request, each with the sentence that editors show."""
ACTIONS = ("show", "hide", "order", "set")


def _body(
    keys: Mapping[str, str], own: Mapping[str, Schema] | None = None, required: Iterable[str] = ()
) -> Schema:
    """The body of an entry. `own` has the keys whose shapes differ from those in other sections."""
    body = closed(described(keys, {**_SHAPES, **(own or {})}))
    if not required:
        return body
    return body | {
        "required": [*required],
        "errorMessage": f"This needs {listed(f'`{key}`' for key in required)}.",
    }


def _allow(findings: Mapping[str, str]) -> Schema:
    """Findings of the prover, each with the reason why it is fine."""
    message = "This takes the reason, in a sentence of two words at least."
    sentence = {"type": ["string"], "minLength": 3, "errorMessage": message}
    return closed(described(findings, dict.fromkeys(findings, sentence)), minProperties=1)


def _attributes(keys: Mapping[str, str]) -> Schema:
    """Declarations of attributes by name, each with these keys."""
    message = "Names of attributes are letters, digits and `_`, and begin with a letter."
    return declared(r"^([A-Za-z][A-Za-z0-9_]*|<<)$", message, _body(keys, required=["type"]))


CONTENTS = one_or_more(ref("content"))
_A_TIME = {
    "type": ["string"],
    "pattern": r"^\s*[0-9]{1,6}(\.[0-9]{1,3})?\s*(m(illi)?s(econds?)?|s(econds?)?|minutes?)\s*$",
    "errorMessage": "This takes a time, such as `25 ms` or `2 s`.",
}
_NUMBERS = {"type": ["object"], "additionalProperties": A_NUMBER}
_TAKES_OF_KINDS: dict[str, Schema] = {
    "attribute": TEXT,
    "attributes of items": NAMES,
    "choice": TEXT,
    "column": TEXT,
    "duration": _A_TIME,
    "environment": TEXT,
    "file": TEXT,
    "histories": NAMES,
    "new file": TEXT,
    "training file": TEXT,
    "number": A_NUMBER,
    "pair": list_of(A_NUMBER, minItems=2, maxItems=2),
    "scorers": one_or_more(ref("scorer")),
    "text": TEXT,
    "texts": {"type": ["object"], "additionalProperties": TEXT},
    "url": TEXT,
    "weights": _NUMBERS,
    "whole": of_type(Type.INTEGER),
}
"""From what a setting of a scorer takes to its shape."""
_SCORING_SHAPES: dict[str, Schema] = {
    "file": TEXT,
    "sql": TEXT,
    "database": TEXT,
    "id": TEXT,
    "column": TEXT,
    "fields": mapping(),
    "refresh": ref("span-of-time"),
    "features": NAMES,
    "timeout": _A_TIME,
    "fallback": ref("scorer"),
    "best of": CONTENTS,
    "top": whole_number(1, 1000),
    "by": ref("scorer"),
    "share": ref("share"),
    "first": NAMES,
    "catalog": ref("catalog"),
    "where": ref("item-condition"),
    "without": one_or_more(ref("item-condition")),
    "weight": A_NUMBER,
    "over": NAMES,
    "at": whole_number(1, 1000),
}
_SHAPES: dict[str, Schema] = {
    "description": TEXT,
    "owner": TEXT,
    "hypothesis": TEXT,
    "because": TEXT,
    "path": TEXT,
    "consent": TEXT,
    "type": ref("type"),
    "values": list_of(ref("value")),
    "personal": of_type(Type.BOOLEAN),
    "topic": one_or_more(ref("topic")),
    "purpose": ref("purpose"),
    "tags": NAMES,
    "not_about": one_or_more(ref("topic")),
    "sensitive": of_type(Type.BOOLEAN),
    "words": NAMES,
    "honours": one_or_more(enum({GPC: "The Sec-GPC signal: context.gpc is true"}, "a signal")),
    "format": enum({"html": "Values are escaped", "text": "Values stand as they are"}, "a format"),
    "many": whole_number(1, 1000),
    "fill": of_type(Type.BOOLEAN),
    "when": ref("condition"),
    "show": ref("show"),
    "hide": ref("hide"),
    "order": ref("order"),
    "set": ref("set"),
    "priority": whole_number(0, 1000),
    **_SCORING_SHAPES,
    "from": of_type(Type.DATETIME),
    "until": of_type(Type.DATETIME),
    "review": of_type(Type.DATETIME),
    "request": TEXT,
    "user": ref("request-user"),
    "context": ref("request-context"),
    "now": of_type(Type.DATETIME),
    "consents": ref("consents"),
    "each": {
        "anyOf": [
            list_of(mapping(minProperties=0)),
            mapping(additionalProperties=list_of({}), minProperties=1),
        ]
    },
    "expect": ref("expect"),
}
_DOES = {"errorMessage": f"This does nothing: it needs one of {listed(ACTIONS)}."}
SETTABLE = {"anyOf": [ref("value"), list_of(ref("value"), minItems=0)]}
_TCF = {key: ref(f"tcf-{key}") for key in TCF}
_ITEMS = {
    "type": ["object", "array", "null"],
    "errorMessage": "This takes items by id, such as `socks: {price: 12.5}`.",
}
_KIND = enum({name: kind.sentence for name, kind in KINDS.items()}, "a kind of scorer")
_SETTINGS_OF_KINDS = {
    name: setting.sentence for kind in KINDS.values() for name, setting in reversed(kind.settings.items())
}
_SETTING_SHAPES = {
    name: _TAKES_OF_KINDS[setting.takes] for kind in KINDS.values() for name, setting in kind.settings.items()
}
SHAPES_OF_SECTIONS: dict[str, Schema] = {
    "attributes": closed(described(SIDES, dict.fromkeys(SIDES, _attributes(ATTRIBUTE))))
    | {"type": ["object", "null"]},
    "topics": section(_body(TOPIC)),
    "purposes": section(_body(PURPOSE)),
    "consent": closed(described(CONSENT, {"tcf": closed(described(TCF, _TCF))}))
    | {"type": ["object", "null"]},
    "slots": section(_body(SLOT, {"default": CONTENTS, "order": NAMES, "allow": _allow(SLOT_FINDINGS)})),
    "settings": section(_body(SETTING, {"default": SETTABLE}, ["type", "default"])),
    "content": section(_body(CONTENT, {"type": TEXT}) | {"propertyNames": {}}),
    "catalogs": section(_body(CATALOG, {"items": _ITEMS, "attributes": _attributes(ITEM_ATTRIBUTE)})),
    "scorers": section(
        _body(
            SCORER | _SETTINGS_OF_KINDS,
            {"kind": _KIND, "purpose": ref("purpose"), **_SETTING_SHAPES},
            ["kind"],
        )
    ),
    "tests": section(_body(TEST)),
    "guarantees": section(
        _body(
            GUARANTEE,
            {"never": ref("claim"), "always": ref("claim"), "allow": _allow(GUARANTEE_FINDINGS)},
        )
    ),
    "segments": section(_body(SEGMENT, {"allow": _allow(SEGMENT_FINDINGS)}, ["when"])),
    "rules": section(
        _body(RULE, {"allow": _allow(RULE_FINDINGS)})
        | {"anyOf": [_DOES | {"required": [action]} for action in ACTIONS]}
    ),
}
RANKING_OF_RULE = _body(
    RANKING,
    {
        "of": {"anyOf": [ref("content"), list_of(ref("content")), _body(OF)]},
        "explore": {"anyOf": [ref("share"), _body(EXPLORE, required=["share"])]},
        "at most": mapping(patternProperties={"^[0-9]{1,4}\\s+per$": NAMES}, additionalProperties=False),
        "pin": one_or_more(_body(PIN, {"id": TEXT}, ["id", "at"])),
        "diversity": {"anyOf": [A_NUMBER, _body(DIVERSITY, required=["weight"])]},
    },
)
