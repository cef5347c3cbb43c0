"""A whole rule book told in English: for whom each rule is, what it does, and what it needs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from tailored.book.builtin import ATTRIBUTES, GPC, NEEDED_TO_ASK, PERSONALIZATION
from tailored.book.flows import Labelled, asks_about_a_person, flag_in_words, is_sensitive, read_by
from tailored.book.model import (
    Catalog,
    Content,
    Purpose,
    Ranking,
    Rule,
    RuleBook,
    Scorer,
    Segment,
    Setting,
    Slot,
    Topic,
)
from tailored.book.rankings import content_named, scorers_named
from tailored.book.scorers import joined_by, named_by
from tailored.condition.english import attribute_in_words, in_words, joined, shared_names, value_in_words
from tailored.condition.tree import ALWAYS, Attribute, segments_named
from tailored.condition.types import A_VALUE

WIDTH = 100
"""Columns of the text form."""

Told = dict[str, Any]
"""A thing of the book as JSON data; every text in it is meant for people."""


def describe(book: RuleBook) -> Told:
    """The book as JSON data: its counts, then each section, rules in resolution order within their file."""
    shared = shared_names(book.attributes.values())
    rules = sorted(book.rules, key=lambda rule: rule.span.path.split("/"))
    own = [attribute for attribute in book.attributes.values() if attribute not in ATTRIBUTES]
    return {
        "counts": {
            "rules": len(rules),
            "files": len({rule.span.path for rule in rules}),
            "slots": len(book.slots),
            "settings": len(book.settings),
            "segments": len(book.segments),
            "content": len(book.content),
            "attributes": len(own),
        },
        "rules": [_rule(rule, book, shared) for rule in rules],
        "slots": [_slot(slot, book) for slot in book.slots.values()],
        "settings": [_setting(setting, book) for setting in book.settings.values()],
        "segments": [_segment(segment, book, shared) for segment in book.segments.values()],
        "content": [_content(item, book) for item in book.content.values()],
        "catalogs": [_catalog(catalog, book) for catalog in book.catalogs.values()],
        "scorers": [_scorer(scorer, book) for scorer in book.scorers.values()],
        "attributes": [_attribute(attribute) for attribute in own],
        "topics": [told for topic in book.topics.values() if (told := _topic(topic, book))["labels"]],
        "purposes": [_purpose_itself(purpose, book) for purpose in book.purposes.values()],
        "without_personalization": [rule.id for rule in book.rules if not _is_personal(rule, book)],
    }


def to_text(told: Told) -> str:
    """What `describe` tells, for people."""
    counts = told["counts"]
    parts = [
        _count(counts["rules"], "rule") + f" in {_count(counts['files'], 'file')}",
        _count(counts["slots"], "slot"),
        _count(counts["settings"], "setting"),
        _count(counts["segments"], "segment"),
        _count(counts["content"], "content item"),
        _count(counts["attributes"], "attribute"),
    ]
    blocks = [_wrapped(f"This book has {joined(parts)}.", "")]
    for path, rules in groupby(told["rules"], key=lambda rule: rule["path"]):
        blocks += [f"RULES in {path}, the strongest first", *map(_block, rules)]
    for section in _SECTIONS:
        if told[section]:
            blocks += [section.upper(), *map(_block, told[section])]
    stay = told["without_personalization"]
    blocks.append(
        _wrapped(
            f"For someone who opted out of {PERSONALIZATION}, {_count(len(stay), 'rule')} of "
            f"{counts['rules']} can fire, because their conditions read nothing about the user"
            f"{': ' + joined(stay) if stay else ''}. "
            "What their lists and texts read of the user is missing then.",
            "",
        )
    )
    return "\n\n".join(blocks)


_SECTIONS = (
    "slots", "settings", "segments", "content", "catalogs", "scorers", "attributes", "topics", "purposes",
)  # fmt: skip
_LABELS = {
    "when": "when",
    "then": "then",
    "kind": "kind",
    "holds": "holds",
    "source": "from",
    "reads": "reads",
    "timeout": "timeout",
    "fallback": "fallback",
    "rules": "rules",
    "priority": "priority",
    "awake": "awake",
    "consent": "consent",
    "purpose": "purpose",
    "used_by": "used by",
    "opt_out": "opt-out",
    "labels": "labels",
    "owner": "owner",
    "hypothesis": "because",
    "because": "tells",
}
"""The keys that the text form shows, in its order, and what it calls them."""


def _block(thing: Told) -> str:
    lines = [f"  {thing['id']}"]
    if thing["description"]:
        lines.append(_wrapped(thing["description"], " " * 4))
    for key, label in _LABELS.items():
        told = thing.get(key)
        for said in told if isinstance(told, list) else [] if told is None else [str(told)]:
            lines.append(_wrapped(said, " " * 14, f"    {label:<10}"))
            label = ""
    return "\n".join(lines)


def _wrapped(text: str, indent: str, first: str | None = None) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _rule(rule: Rule, book: RuleBook, shared: frozenset[str]) -> Told:
    placed = [book.content[item] for item in _named(rule, book)]
    catalogs = [book.catalogs[one.catalog] for one in rule.rank.values() if one.catalog]
    things = [
        ("this rule", rule),
        *read_by(rule.when, book),
        *((f"the content {one.id}", one) for one in placed),
        *((f"the catalog {one.id}", one) for one in catalogs),
    ]
    return {
        "id": rule.id,
        "path": rule.span.path,
        "line": rule.span.line,
        "description": rule.description,
        "when": in_words(rule.when, shared),
        "then": list(_actions(rule)),
        "priority": rule.priority,
        "from": _moment(rule.start),
        "until": _moment(rule.end),
        "review": _moment(rule.review),
        "awake": _schedule(rule),
        "consent": _consent(things, book),
        "purpose": _purpose(things),
        "owner": rule.owner or None,
        "hypothesis": rule.hypothesis or None,
        "because": rule.because or None,
    }


def _named(rule: Rule, book: RuleBook) -> list[str]:
    """The content that a rule names, itself or in its rankings."""
    shown = [item for items in rule.show.values() for item in items]
    return [*shown, *(name for one in rule.rank.values() for name in content_named(one, book.content))]


def _actions(rule: Rule) -> Iterator[str]:
    for slot, items in rule.show.items():
        yield f"shows {joined(items)} in {slot}"
    for slot, ranking in rule.rank.items():
        yield f"shows {_ranked(ranking)} in {slot}"
    if rule.hide:
        yield f"hides {joined(rule.hide)}"
    for slot, modules in rule.order.items():
        yield f"puts {joined(modules)} first in {slot}"
    for setting, value in rule.set.items():
        yield f"sets {setting} to {value_in_words(value)}"


def _ranked(ranking: Ranking) -> str:
    """What a ranking shows: `the best 6 of products where in stock is true, by hybrid`."""
    of = joined(ranking.of, "or") if ranking.catalog is None else ranking.catalog
    where = f" where {in_words(ranking.where)}" if ranking.where != ALWAYS else ""
    best = f"the best {ranking.top}" if ranking.top is not None else "the best"
    parts = [f"{best} of {of}{where}", f"by {ranking.by}" if ranking.by is not None else "as they stand"]
    parts += [f"but for those where {in_words(condition)}" for condition in ranking.without]
    parts += [f"at most {cap.number} per {cap.per.removeprefix('item.')}" for cap in ranking.at_most]
    parts += [f"with {pin.id} at place {pin.at}" for pin in ranking.pin]
    if ranking.explore is not None:
        parts.append(f"with {100 * ranking.explore.share:g}% of the places explored")
    if ranking.diversity is not None:
        parts.append(f"with the weight {ranking.diversity.weight:g} on being unlike each other")
    return ", ".join(parts)


def _moment(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    plain = value_in_words(moment)
    return plain.removesuffix(" 00:00 UTC")


def _schedule(rule: Rule) -> str | None:
    start, end, review = _moment(rule.start), _moment(rule.end), _moment(rule.review)
    begins = " begins" if end and len(end) == len("2026-11-01") else ""
    said = [f"from {start}"] * bool(start) + [f"until {end}{begins}"] * bool(end)
    awake = " ".join(said) or "always"
    if review:
        return f"{awake}; to be looked at again by {review}"
    return awake if said else None


def _is_personal(rule: Rule, book: RuleBook) -> bool:
    """Whether opting out of personalization puts a rule to sleep."""
    return rule.purpose == PERSONALIZATION or asks_about_a_person(rule, book)


def _consent(things: Iterable[tuple[str, Labelled]], book: RuleBook) -> list[str]:
    """One sentence per topic that consent is needed for: which, and for what."""
    needs: dict[str, list[str]] = {}
    for name, thing in things:
        for topic in thing.topics:
            if is_sensitive(topic, book.topics) and name not in needs.setdefault(topic, []):
                needs[topic].append(name)
    return [f"{flag_in_words(book.topics[topic])}, for {joined(names)}" for topic, names in needs.items()]


def _purpose(things: Iterable[tuple[str, Labelled]]) -> str | None:
    found = {
        name: thing.purpose for name, thing in things if not isinstance(thing, Segment) and thing.purpose
    }
    purposes = list(dict.fromkeys(found.values()))
    return f"{joined(purposes)}, for {joined(list(found))}" if found else None


def _slot(slot: Slot, book: RuleBook) -> Told:
    hiding = [rule.id for rule in book.rules if slot.id in rule.hide]
    filling = [rule for rule in book.rules if slot.id in {*rule.show, *rule.rank, *rule.order}]
    said = [f"hidden by {joined(hiding)}"] * bool(hiding) + _strongest(filling)
    return {
        "id": slot.id,
        "description": slot.description,
        "kind": slot.kind,
        "holds": _holds(slot),
        "default": list(slot.default),
        "rules": said or ["none"],
    }


def _strongest(rules: list[Rule]) -> list[str]:
    return [", ".join(f"{rule.id} ({rule.priority})" for rule in rules)] if rules else []


def _holds(slot: Slot) -> str:
    if slot.modules is not None:
        return f"{joined(slot.modules)}, in this order unless a rule puts some first"
    most = "one content item" if slot.many is None else f"up to {_count(slot.many, 'content item')}"
    if not slot.default:
        return f"{most}; nothing where no rule places any"
    where = "where rules leave room" if slot.fill else "where no rule places any"
    return f"{most}; {joined(slot.default)} {where}"


def _setting(setting: Setting, book: RuleBook) -> Told:
    values = f", one of {value_in_words(setting.values)}" if setting.values else ""
    default = value_in_words(setting.default)
    return {
        "id": setting.id,
        "description": setting.description,
        "holds": f"{A_VALUE[setting.type]}{values}; {default} where no rule sets it",
        "rules": _strongest([rule for rule in book.rules if setting.id in rule.set]) or ["none"],
    }


def _segment(segment: Segment, book: RuleBook, shared: frozenset[str]) -> Told:
    things: list[Segment | Rule] = [*book.segments.values(), *book.rules]
    users = [thing.id for thing in things if segment.id in segments_named(thing.when)]
    return {
        "id": segment.id,
        "description": segment.description,
        "when": in_words(segment.when, shared),
        "consent": _consent([("this segment", segment), *read_by(segment.when, book)], book),
        "used_by": joined(users) or None,
        "owner": segment.owner or None,
    }


def _content(item: Content, book: RuleBook) -> Told:
    title = next((field for field in item.fields.values() if isinstance(field, str)), "")
    shown = [rule.id for rule in book.rules if item.id in _named(rule, book)]
    defaults = [f"the default of {slot.id}" for slot in book.slots.values() if item.id in slot.default]
    return {
        "id": item.id,
        "description": item.description or title,
        "consent": _consent([("this content", item)], book),
        "purpose": _purpose([("this content", item)]),
        "used_by": joined([*shown, *defaults]) or None,
        "owner": item.owner or None,
    }


def _catalog(catalog: Catalog, book: RuleBook) -> Told:
    known = [attribute.name for attribute in catalog.attributes.values() if attribute.name != "id"]
    source = catalog.file or catalog.database or "the book itself"
    again = "" if catalog.refresh is None else f", looked at again every {_span(catalog.refresh)}"
    shown = [rule.id for rule in book.rules if any(one.catalog == catalog.id for one in rule.rank.values())]
    return {
        "id": catalog.id,
        "description": catalog.description,
        "holds": f"{_count(len(book.items.get(catalog.id, ())), 'item')} with {joined(known)}",
        "source": f"{source}{again}",
        "consent": _consent([("this catalog", catalog)], book),
        "purpose": _purpose([("this catalog", catalog)]),
        "used_by": joined(shown) or None,
        "owner": catalog.owner or None,
    }


def _scorer(scorer: Scorer, book: RuleBook) -> Told:
    asking = [rule.id for rule in book.rules if scorer.id in _asked(rule)]
    naming = [one.id for one in book.scorers.values() if scorer.id in named_by(one)]
    joins = f" of {joined(joined_by(scorer))}" if joined_by(scorer) else ""
    return {
        "id": scorer.id,
        "description": scorer.description,
        "kind": f"{scorer.kind}{joins}",
        "reads": joined([feature.key for feature in scorer.features]) or "nothing about the request",
        "timeout": f"{scorer.timeout * 1000:g} ms",
        "fallback": scorer.fallback or "the rule's own order",
        "consent": _consent([("this scorer", scorer)], book),
        "purpose": _purpose([("this scorer", scorer)]),
        "used_by": joined([*asking, *naming]) or None,
        "owner": scorer.owner or None,
    }


def _asked(rule: Rule) -> list[str]:
    return [name for ranking in rule.rank.values() for name in scorers_named(ranking)]


def _attribute(attribute: Attribute) -> Told:
    values = f", one of {value_in_words(attribute.values)}" if attribute.values else ""
    personal = "; tells something about a person" if attribute.personal else ""
    return {
        "id": attribute.key,
        "description": attribute.description,
        "holds": f"{A_VALUE[attribute.type]}{values}{personal}",
        "labels": joined(attribute.topics) or None,
        "words": attribute_in_words(attribute),
        "purpose": attribute.purpose,
    }


def _things(book: RuleBook) -> list[tuple[str, Labelled]]:
    return [
        *((f"the attribute {thing.key}", thing) for thing in book.attributes.values()),
        *((f"the segment {thing.id}", thing) for thing in book.segments.values()),
        *((f"the content {thing.id}", thing) for thing in book.content.values()),
        *((f"the catalog {thing.id}", thing) for thing in book.catalogs.values()),
        *((f"the scorer {thing.id}", thing) for thing in book.scorers.values()),
        *((f"the rule {thing.id}", thing) for thing in book.rules),
    ]


def _topic(topic: Topic, book: RuleBook) -> Told:
    needs = "never given" if topic.consent is None else f"user.consents.{topic.consent} must be true"
    return {
        "id": topic.id,
        "description": topic.description,
        "consent": [needs if topic.sensitive else f"none needed: {topic.because}"],
        "labels": [name for name, thing in _things(book) if topic.id in thing.topics],
    }


def _purpose_itself(purpose: Purpose, book: RuleBook) -> Told:
    things = [
        name
        for name, thing in _things(book)
        if not isinstance(thing, Segment) and thing.purpose == purpose.id
    ]
    everything = [f"every user attribute but {joined(NEEDED_TO_ASK)}"] * (purpose.id == PERSONALIZATION)
    signals = ["context.gpc: true is an opt-out, too"] * (GPC in purpose.honours)
    return {
        "id": purpose.id,
        "description": purpose.description,
        "opt_out": [f"user.opt_outs: [{purpose.id}]", *signals],
        "labels": [*everything, *things],
    }


def _span(seconds: float) -> str:
    sizes = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60}
    noun, size = next((pair for pair in sizes.items() if seconds % pair[1] == 0), ("second", 1))
    return _count(int(seconds // size), noun)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
