"""The small shapes of which the schemas are put together: lists, closed mappings, names to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from tailored.book.nodes import plain_scalar, plain_value
from tailored.book.suggest import listed
from tailored.condition.tree import Scalar
from tailored.condition.types import Type

Schema: TypeAlias = dict[str, Any]
_MERGE = "<<"
MOST_LISTED = 20


def ref(name: str) -> Schema:
    """The shape that stands under this name in the definitions."""
    return {"$ref": f"#/definitions/{name}"}


def of_type(type_: Type) -> Schema:
    """A value of a type."""
    return ref(type_.replace(" ", "-"))


def list_of(item: Schema, **keywords: Any) -> Schema:
    """A list that is not empty, unless `keywords` say so."""
    message = "This takes a list, such as `[a, b]`."
    return {"type": ["array"], "items": item, "minItems": 1, **keywords, "errorMessage": message}


def one_or_more(item: Schema, **keywords: Any) -> Schema:
    """One such thing, or a list of them."""
    return {"anyOf": [item, list_of(item, **keywords)]}


def mapping(**keywords: Any) -> Schema:
    """A mapping with any keys, unless `keywords` say which."""
    return {"type": ["object"], "errorMessage": "This takes a mapping, such as `key: value`.", **keywords}


def closed(keys: Mapping[str, Schema], **keywords: Any) -> Schema:
    """A mapping that may have these keys. They are judged by name, so that editors mark the slip itself."""
    message = f"This takes {listed(keys, MOST_LISTED)}." if keys else "The book declares nothing for this."
    names = {"enum": [*keys, _MERGE], "errorMessage": message, "doNotSuggest": True}
    return mapping(properties=dict(keys), propertyNames=names, additionalProperties={}, **keywords)


def declared(pattern: str, message: str, value: Schema) -> Schema:
    """A mapping from names of this form to what they mean; it may be left empty."""
    names = {"pattern": pattern, "patternErrorMessage": message, "doNotSuggest": True}
    return mapping(propertyNames=names, additionalProperties=value) | {"type": ["object", "null"]}


def section(value: Schema) -> Schema:
    """A mapping from ids to bodies; it may be left empty."""
    return declared(r"^([a-z0-9_.-]+|<<)$", "Ids are lower-case letters, digits, `-`, `_` and `.`.", value)


def described(sentences: Mapping[str, str], shapes: Mapping[str, Schema]) -> dict[str, Schema]:
    """The shape of each key that has a sentence, with that sentence, which editors show."""
    return {key: {"description": sentence, **shapes[key]} for key, sentence in sentences.items()}


def enum(names: Mapping[str, str], what: str) -> Schema:
    """One of these names, each with its sentence."""
    if not names:
        return {"not": {}}
    spelt = [(spelling, sentence) for name, sentence in names.items() for spelling in spellings_of(name)]
    return {
        "enum": [spelling for spelling, _ in spelt],
        "enumDescriptions": [sentence for _, sentence in spelt],
        "errorMessage": f"This takes the name of {what}: {listed(names, MOST_LISTED)}.",
    }


def spellings_of(value: Scalar) -> list[Any]:
    """The JSON data that a value may be in a file: the text "2" may be written `2`, too."""
    if not isinstance(value, str):
        return [value]
    plain = plain_value(plain_scalar(value))
    return [value, plain] if isinstance(plain, bool | int | float) and abs(plain) < float("inf") else [value]


def whole_number(low: int, high: int) -> Schema:
    """A whole number between these two, both included."""
    message = f"This takes a whole number from {low} to {high}."
    return {"type": ["integer"], "minimum": low, "maximum": high, "errorMessage": message}


TEXT = of_type(Type.STRING)
NAMES = one_or_more(TEXT)
A_NUMBER = of_type(Type.NUMBER)
