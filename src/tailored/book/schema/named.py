"""The definitions in which the names of a book stand, each with what is said about it."""

from __future__ import annotations

from tailored.book.conditions import Names
from tailored.book.consent import flags_of
from tailored.book.constants import written
from tailored.book.expectations import PIECES
from tailored.book.model import Content, RuleBook, Setting, Slot
from tailored.book.rules import A_SLOT
from tailored.book.schema.bodies import CONTENTS, SIDES
from tailored.book.schema.conditions import WORDS_OF_CONDITIONS, condition_with, open_value, test_of, value_of
from tailored.book.schema.general import SHAPES_OF_PIECES, SOME_TCF_ITEMS, claim, consents
from tailored.book.schema.pieces import Schema, closed, described, enum, list_of, of_type, one_or_more, ref
from tailored.book.sections import EXPECT, TEST
from tailored.book.suggest import listed
from tailored.condition.tree import Attribute, Scalar
from tailored.condition.types import A_VALUE, ELEMENT, EXAMPLE, Type


def names_of(book: RuleBook) -> dict[str, Schema]:
    """The definitions in which the names of a book stand."""
    slots = {name: _about_slot(slot) for name, slot in book.slots.items()}
    ordered = {name for name, slot in book.slots.items() if slot.kind == "order"}
    filled = {name: about for name, about in slots.items() if name not in ordered}
    short = {name: keys[0] for name, keys in Names(book.attributes, {}).short.items() if len(keys) == 1}
    whole = {key: key for key in book.attributes}
    attributes = {name: ref(key) for name, key in (short | whole).items()}
    return {
        "content": enum(
            {name: _about_content(item) for name, item in book.content.items()}, "a content item"
        ),
        "segment": enum({name: segment.description for name, segment in book.segments.items()}, "a segment"),
        "topic": enum({name: topic.description for name, topic in book.topics.items()}, "a topic"),
        "purpose": enum({name: purpose.description for name, purpose in book.purposes.items()}, "a purpose"),
        "tcf-consents": closed(
            {flag: {"description": f"Consent to {flag}", **SOME_TCF_ITEMS} for flag in flags_of(book.topics)}
        ),
        "tcf-opt_outs": closed(
            {
                name: {"description": purpose.description or name, **SOME_TCF_ITEMS}
                for name, purpose in book.purposes.items()
            }
        ),
        **{key: _test_on(attribute) for key, attribute in book.attributes.items()},
        "condition": condition_with(closed(WORDS_OF_CONDITIONS | attributes, minProperties=1)),
        "show": closed(described(filled, {name: _placed(book.slots[name]) for name in filled})),
        "hide": one_or_more(enum(filled, "a slot")),
        "order": closed(
            {
                name: {"description": slots[name], **_modules(book.slots[name])}
                for name in slots
                if name in ordered
            }
        ),
        "scorer": enum({name: one.description for name, one in book.scorers.items()}, "a scorer"),
        "catalog": enum({name: one.description for name, one in book.catalogs.items()}, "a catalog"),
        "set": closed(
            {
                name: {
                    "description": setting.description or name,
                    **_set_to(name, setting.type, setting.values),
                }
                for name, setting in book.settings.items()
            }
        ),
        "claim": claim(
            enum(filled, "a slot"),
            closed(described(filled, dict.fromkeys(filled, CONTENTS))),
            closed({name: _claimed(setting) for name, setting in book.settings.items()}),
            closed({name: _modules(book.slots[name]) for name in ordered}),
        ),
        "rule": enum({rule.id: rule.description for rule in book.rules}, "a rule"),
        "consents": consents(
            enum({flag: f"Consent to {flag}" for flag in flags_of(book.topics)}, "a consent flag"),
            {
                flag: {"description": f"Consent to {flag}", **of_type(Type.BOOLEAN)}
                for flag in flags_of(book.topics)
            },
        ),
        **{f"request-{side}": closed(_request_side(book, side)) for side in SIDES},
        "expect": closed(
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
            value = open_value(attribute.name, single, attribute.values)
            held = list_of(value, minItems=0) if attribute.type in ELEMENT else value
            found[attribute.name] = {
                "description": _about_attribute(attribute),
                "anyOf": [held, {"type": ["null"]}],
            }
    if side == "user":
        found["consents"] = {"description": TEST["consents"], **ref("consents")}
    return found


def _expected(slot: Slot) -> Schema:
    """What a test may expect of a slot: the short form, or its pieces."""
    modules = _modules(slot) if slot.kind == "order" else {}
    shapes = SHAPES_OF_PIECES | {"order": modules, "first": modules or one_or_more(ref("content"))}
    pieces = {piece: {"description": EXPECT[piece], **shapes[piece]} for piece in PIECES[slot.kind]}
    short = shapes[PIECES[slot.kind][0]]
    return {"anyOf": [*short.get("anyOf", [short]), closed(pieces, minProperties=1)]}


def _expected_value(name: str, type_: Type, values: tuple[Scalar, ...]) -> Schema:
    value = _set_to(name, type_, values)
    shapes = SHAPES_OF_PIECES | {"value": value}
    pieces = {piece: {"description": EXPECT[piece], **shapes[piece]} for piece in PIECES["setting"]}
    return {"anyOf": [value, closed(pieces, minProperties=1)]}


def _test_on(attribute: Attribute) -> Schema:
    single = ELEMENT.get(attribute.type, attribute.type)
    samples = [written(value) for value in attribute.values[:2]] or [EXAMPLE[single]]
    test = test_of(attribute.type, value_of(attribute.name, single, attribute.values), samples)
    return {"description": _about_attribute(attribute), **test}


def _placed(slot: Slot) -> Schema:
    """What `show` takes for a slot."""
    if slot.many is None:
        return {"anyOf": [ref("content"), ref("ranking")]}
    several = list_of(ref("content"), maxItems=slot.many)
    return {"anyOf": [ref("content"), several, ref("ranking")]}


def _modules(slot: Slot) -> Schema:
    return one_or_more(enum(dict.fromkeys(slot.modules or (), ""), "a module"))


def _set_to(name: str, type_: Type, values: tuple[Scalar, ...]) -> Schema:
    """What `set` takes for a setting."""
    if type_ in ELEMENT:
        return list_of(value_of(name, ELEMENT[type_], values), minItems=0)
    return value_of(name, type_, values)


def _claimed(setting: Setting) -> Schema:
    """What a guarantee says of a setting: a value, or a list of which it has one."""
    value = _set_to(setting.id, setting.type, setting.values)
    return value if setting.type in ELEMENT else one_or_more(value)


def _about_attribute(attribute: Attribute) -> str:
    needs = f"; needs consent for {listed(attribute.topics)}" if attribute.topics else ""
    return f"{attribute.description or attribute.key} ({A_VALUE[attribute.type]}{needs})"


def _about_slot(slot: Slot) -> str:
    return f"{slot.description or slot.id} ({A_SLOT[slot.kind]})"


def _about_content(item: Content) -> str:
    """Its description, or else its first text, which is what people know it by."""
    texts = (value for value in item.fields.values() if isinstance(value, str))
    return item.description or next(texts, "")
