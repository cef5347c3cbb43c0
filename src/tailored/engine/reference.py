"""The specification: what a decision is, written as plainly as possible.

Nothing here is fast or clever. The engine shares none of it but the reading of texts as times and versions
and the rendering of templates, and must agree with it on every book and every request; tests generate both
and compare. The meaning of one condition stands in condition/kleene.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from tailored.book.model import Content, Rule, RuleBook, Slot
from tailored.book.version import book_version
from tailored.condition.kleene import Truth, truth
from tailored.condition.logic import evaluator
from tailored.condition.tree import All as AllOf
from tailored.condition.tree import Any as AnyOf
from tailored.condition.tree import Attribute, Condition, InSegment, Logic, Not, Test
from tailored.condition.types import (
    A_VALUE,
    ELEMENT,
    Type,
    as_text,
    in_utc,
    parse_date,
    parse_datetime,
    parse_version,
)
from tailored.content.render import Renderer, View, views
from tailored.engine.reference_ranking import Numbers, nobody, rank_slot, withheld_by

Label = tuple[str, str]
"""("topic", id) or ("purpose", id)."""


def decide(
    book: RuleBook,
    user: Mapping[str, Any],
    context: Mapping[str, Any],
    now: datetime,
    numbers: Numbers = nobody,
) -> dict[str, Any]:
    """The decision as JSON data. `numbers` are what scorers say; unless given, none has an answer."""
    return {"book": book_version(book), **answers(book, user, context, now, numbers)}


def answers(
    book: RuleBook,
    user: Mapping[str, Any],
    context: Mapping[str, Any],
    now: datetime,
    numbers: Numbers = nobody,
) -> dict[str, Any]:
    """All of the decision but the version of its book."""
    request = {"user": user, "context": context}
    consents, opt_outs, warnings = permissions(book, user, context)
    facts: dict[str, Any] = {}
    for key, attribute in book.attributes.items():
        raw = at_path(request[attribute.side], attribute.path or (attribute.name,))
        if raw is None or is_hidden(book, attribute, consents, opt_outs):
            continue
        if key == "user.opt_outs" and opt_outs == "everything":
            continue
        problem, value = typed(raw, attribute.type)
        if problem == "wrong-type":
            warnings.append(warning(problem, key, f"is not {A_VALUE[attribute.type]}; it counts as missing."))
        elif problem == "too-large":
            warnings.append(
                warning(problem, key, "is larger than anything that makes sense; it counts as missing.")
            )
        else:
            facts[key] = value
            members = value if isinstance(value, tuple) else (value,)
            if attribute.values and not all(member in attribute.values for member in members):
                message = "has a value that the book does not list; it is used as it is."
                warnings.append(warning("unlisted-value", key, message))

    def leaf(condition: Condition) -> Truth:
        if isinstance(condition, InSegment):
            segment = book.segments[condition.id]
            if kept_back(book, segment.topics, None, consents, opt_outs):
                return None
            return truth(segment.when, facts, now, leaf)
        assert isinstance(condition, Logic)
        if any(is_hidden(book, attribute, consents, opt_outs) for attribute in condition.reads):
            return None
        return evaluator(condition.text)(logic_data(condition, facts, consents))

    def kept(topics: tuple[str, ...], purpose: str | None) -> list[Label]:
        return kept_back(book, topics, purpose, consents, opt_outs)

    usable: list[Rule] = []
    withheld: set[tuple[str, str, str, str]] = set()
    for rule in book.rules:
        awake = (rule.start is None or rule.start <= now) and (rule.end is None or now < rule.end)
        if not awake or truth(rule.when, facts, now, leaf) is not True:
            continue
        labels = kept_back(book, rule.topics, rule.purpose, consents, opt_outs)
        if reads_the_user(book, rule.when) and has_opted_out("personalization", opt_outs):
            labels.append(("purpose", "personalization"))
        withheld |= {("rule", rule.id, *label) for label in labels}
        for named in rule.show.values():
            for content in named:
                item = book.content[content]
                for label in kept_back(book, item.topics, item.purpose, consents, opt_outs):
                    withheld.add(("content", content, *label))
        for ranking in rule.rank.values():
            withheld |= withheld_by(book, ranking, facts, now, kept)
        if not labels:
            usable.append(rule)

    def permitted(content: Content) -> bool:
        return not kept_back(book, content.topics, content.purpose, consents, opt_outs)

    renderer, seen, failed = Renderer(book.content), views(facts, consents), list[str]()

    def fields(content: str) -> Any:
        return thawed(renderer.render(content, seen, failed))

    def item_fields(catalog: str, name: str) -> Any:
        item = next(one for one in book.items[catalog] if one.id == name)
        values = {key.removeprefix("item."): value for key, value in item.values.items()}
        if not book.catalogs[catalog].fields:
            return {key: json_of(value) for key, value in values.items() if key != "id"}
        one = Content(name, book.catalogs[catalog].fields, escaped=book.catalogs[catalog].escaped)
        return thawed(Renderer({name: one}).render(name, {**seen, "item": View(values)}, failed))

    slots = {}
    for name, slot in book.slots.items():
        slots[name] = placement(book, slot, usable, permitted, fields)
    for name, slot in book.slots.items():
        rules = [rule for rule in usable if name in rule.show or name in rule.rank]
        if any(name in rule.rank for rule in rules) and slots[name]["reason"] != "hidden":
            ranked = rank_slot(book, slot, rules, facts, now, kept, numbers)
            slots[name] = ranked_placement(book, slot, ranked, permitted, fields, item_fields)
    settings: dict[str, Any] = {}
    for name, setting in book.settings.items():
        setters = [rule for rule in usable if name in rule.set]
        value = setters[0].set[name] if setters else setting.default
        settings[name] = {"value": json_of(value), "rule": setters[0].id if setters else None}
    for content in dict.fromkeys(failed):
        message = f"A text of `{content}` could not be rendered with these values; it is empty."
        warnings.append({"code": "failed-text", "attribute": None, "message": message})
    return {
        "slots": slots,
        "settings": settings,
        "withheld": [{"kind": kind, "id": id_, label: of} for kind, id_, label, of in sorted(withheld)],
        "warnings": warnings,
    }


def placement(book: RuleBook, slot: Slot, usable: list[Rule], permitted: Any, fields: Any) -> dict[str, Any]:
    """What one slot gets from the usable rules, which stand in resolution order."""
    hiding = [rule for rule in usable if slot.id in rule.hide]
    if hiding:
        return {"reason": "hidden", "rule": hiding[0].id}
    if slot.modules is not None:
        ordering = [rule for rule in usable if slot.id in rule.order]
        if not ordering:
            return {"reason": "default", "rule": None, "order": list(slot.modules)}
        first = list(ordering[0].order[slot.id])
        rest = [module for module in slot.modules if module not in first]
        return {"reason": "rule", "rule": ordering[0].id, "order": first + rest}
    offers = [
        (content, rule.id)
        for rule in usable
        for content in rule.show.get(slot.id, ())
        if permitted(book.content[content])
    ]
    if slot.many is None:
        if offers:
            content, by = offers[0]
            return {"reason": "rule", "rule": by, "content": content, "fields": fields(content)}
        for content in slot.default:
            if permitted(book.content[content]):
                return {"reason": "default", "rule": None, "content": content, "fields": fields(content)}
        return {"reason": "default", "rule": None, "content": None, "fields": {}}
    reason = "rule" if offers else "default"
    if slot.fill or not offers:
        offers += [(content, None) for content in slot.default if permitted(book.content[content])]  # type: ignore[misc]
    items: list[dict[str, Any]] = []
    for content, by in offers:
        if len(items) < slot.many and content not in [item["content"] for item in items]:
            items.append({"content": content, "fields": fields(content), "rule": by})
    return {"reason": reason, "items": items}


def ranked_placement(
    book: RuleBook, slot: Slot, ranked: dict[str, Any], permitted: Any, fields: Any, item_fields: Any
) -> dict[str, Any]:
    """What a slot gets in which rankings took part; `ranked` is what reference_ranking says."""
    placed = list(ranked["placed"])
    took_part = bool(placed) or ranked["scorer"] is not None
    reason = "rule" if placed else "default"
    if slot.fill or not placed:
        for content in slot.default:
            taken = [one["thing"] for one in placed]
            if (None, content) not in taken and permitted(book.content[content]):
                placed.append({"thing": (None, content), "rule": None, "propensity": 1.0})
    items: list[dict[str, Any]] = []
    for one in placed[: slot.many or 1]:
        catalog, name = one["thing"]
        shown = fields(name) if catalog is None else item_fields(catalog, name)
        item = {"content": name, "fields": shown, "rule": one["rule"]}
        item |= {"catalog": catalog} if catalog is not None else {}
        item |= {"propensity": one["propensity"]} if took_part else {}
        items.append(item)
    asked = {"scorer": ranked["scorer"]} if ranked["scorer"] is not None else {}
    if slot.many is not None:
        return {"reason": reason, "items": items, **asked}
    only = items[0] if items else {"content": None, "fields": {}, "rule": None}
    return {"reason": reason, **only, **asked}


def permissions(
    book: RuleBook, user: Mapping[str, Any], context: Mapping[str, Any]
) -> tuple[dict[str, bool], Any, list[dict[str, str | None]]]:
    """The flags that are literally true or false; the purposes opted out of, or "everything"; warnings."""
    warnings = []
    consents: dict[str, bool] = {}
    raw = user.get("consents")
    if raw is not None and not isinstance(raw, Mapping):
        message = "is not a mapping of flags to true or false; it counts as no consent."
        warnings.append(warning("wrong-type", "user.consents", message))
    elif raw is not None:
        consents = {flag: value for flag, value in raw.items() if value is True or value is False}
        asked = {topic.consent for topic in book.topics.values() if topic.sensitive}
        for flag in sorted(flag for flag in raw if flag in asked):
            if raw[flag] is not None and not isinstance(raw[flag], bool):
                message = "is neither true nor false; it counts as no consent."
                warnings.append(warning("wrong-type", f"user.consents.{flag}", message))
    opt_outs: Any = ()
    if user.get("opt_outs") is not None:
        problem, opt_outs = typed(user["opt_outs"], Type.STRINGS)
        if problem:
            opt_outs = "everything"
            message = "is not a list of texts; it counts as opting out of everything."
            warnings.append(warning("wrong-type", "user.opt_outs", message))
        elif not all(purpose in book.purposes for purpose in opt_outs):
            message = "names a purpose that the book does not have; nothing follows from it."
            warnings.append(warning("unknown-purpose", "user.opt_outs", message))
    if context.get("gpc") is True and opt_outs != "everything":
        opt_outs = (*opt_outs, *(name for name, purpose in book.purposes.items() if "gpc" in purpose.honours))
    return consents, opt_outs, warnings


def has_opted_out(purpose: str, opt_outs: Any) -> bool:
    """Whether things of a purpose are asleep."""
    return opt_outs == "everything" or purpose in opt_outs


def kept_back(
    book: RuleBook, topics: tuple[str, ...], purpose: str | None, consents: Mapping[str, bool], opt_outs: Any
) -> list[Label]:
    """Those of a thing's labels that are not permitted; it may be used only where there are none."""
    labels = []
    for topic in topics:
        flag = book.topics[topic].consent
        if book.topics[topic].sensitive and (flag is None or consents.get(flag) is not True):
            labels.append(("topic", topic))
    if purpose is not None and has_opted_out(purpose, opt_outs):
        labels.append(("purpose", purpose))
    return labels


def is_personal(attribute: Attribute) -> bool:
    """Whether opting out of personalization makes an attribute missing."""
    return attribute.side == "user" and attribute.name not in ("id", "consents", "opt_outs")


def is_hidden(book: RuleBook, attribute: Attribute, consents: Mapping[str, bool], opt_outs: Any) -> bool:
    """Whether an attribute counts as missing."""
    if is_personal(attribute) and has_opted_out("personalization", opt_outs):
        return True
    return bool(kept_back(book, attribute.topics, attribute.purpose, consents, opt_outs))


def reads_the_user(book: RuleBook, condition: Condition) -> bool:
    """Whether a condition reads something about the user, itself or through segments."""
    if isinstance(condition, Test):
        return is_personal(condition.attribute)
    if isinstance(condition, AllOf | AnyOf):
        return any(reads_the_user(book, part) for part in condition.parts)
    if isinstance(condition, Not):
        return reads_the_user(book, condition.part)
    if isinstance(condition, InSegment):
        return reads_the_user(book, book.segments[condition.id].when)
    return isinstance(condition, Logic) and any(is_personal(attribute) for attribute in condition.reads)


def at_path(source: Any, path: tuple[str, ...]) -> Any:
    """What nested data holds at a path; None where there is nothing, an odd thing in what is no mapping."""
    for name in path:
        if source is None:
            return None
        source = source.get(name) if isinstance(source, Mapping) else object()
    return source


def typed(raw: Any, type_: Type) -> tuple[str, Any]:
    """("", the value) where a request's value is of the type; else the problem, as a warning's code."""
    if type_ in ELEMENT:
        if not isinstance(raw, list | tuple):
            return "wrong-type", None
        if len(raw) > 10_000:
            return "too-large", None
        found = [typed(one, ELEMENT[type_]) for one in raw]
        problems = [problem for problem, _ in found if problem]
        return (problems[0], None) if problems else ("", tuple(value for _, value in found))
    if type_ is Type.BOOLEAN:
        return ("", raw) if isinstance(raw, bool) else ("wrong-type", None)
    if type_ in (Type.INTEGER, Type.NUMBER):
        return typed_number(raw, type_)
    if type_ is Type.DATETIME and isinstance(raw, datetime):
        try:
            return "", in_utc(raw)
        except OverflowError:
            return "wrong-type", None
    if type_ is Type.DATE and isinstance(raw, date) and not isinstance(raw, datetime):
        return "", raw
    if not isinstance(raw, str):
        return "wrong-type", None
    if len(raw) > 65_536:
        return "too-large", None
    if any("\ud800" <= character <= "\udfff" for character in raw):
        return "wrong-type", None
    if type_ is Type.STRING:
        return "", raw
    parse: Any = {Type.DATE: parse_date, Type.DATETIME: parse_datetime, Type.VERSION: parse_version}[type_]
    value = parse(raw)
    return ("", value) if value is not None else ("wrong-type", None)


def typed_number(raw: Any, type_: Type) -> tuple[str, Any]:
    """The same for numbers: a float without a fraction is a whole number, and whole numbers have 64 bits."""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return "wrong-type", None
    if isinstance(raw, float):
        if raw != raw or raw in (float("inf"), float("-inf")):
            return "wrong-type", None
        if not raw.is_integer():
            return ("", raw) if type_ is Type.NUMBER else ("wrong-type", None)
        if abs(raw) >= 2**63:
            return ("", raw) if type_ is Type.NUMBER else ("too-large", None)
        raw = int(raw)
    return ("", raw) if abs(raw) < 2**63 else ("too-large", None)


def warning(code: str, attribute: str, message: str) -> dict[str, str | None]:
    """A warning about an attribute, as JSON data."""
    return {"code": code, "attribute": attribute, "message": f"`{attribute}` {message}"}


def json_of(value: Any) -> Any:
    """A typed value as JSON data."""
    if isinstance(value, tuple):
        return [json_of(one) for one in value]
    if isinstance(value, date):
        return as_text(value)
    return value if isinstance(value, str | bool | int | float) else str(value)


def logic_data(leaf: Logic, facts: Mapping[str, Any], consents: Mapping[str, bool]) -> dict[str, Any]:
    """What a `logic:` may read, nested as it reads it."""
    data: dict[str, Any] = {"user": {"consents": dict(consents)}, "context": {}}
    for attribute in leaf.reads:
        if attribute.key in facts:
            data[attribute.side][attribute.name] = json_of(facts[attribute.key])
    return data


def thawed(value: Any) -> Any:
    """Frozen data as plain lists and dictionaries."""
    if isinstance(value, Mapping):
        return {key: thawed(one) for key, one in value.items()}
    return [thawed(one) for one in value] if isinstance(value, tuple) else value
