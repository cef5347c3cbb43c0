"""The transparency report of a book as data: what each attribute is used for, and what needs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any as Anything

from tailored.book.builtin import ATTRIBUTES, PERSONALIZATION, is_personal
from tailored.book.flows import asks_about_a_person
from tailored.book.model import Catalog, Content, Purpose, Rule, RuleBook, Scorer, Segment, Topic
from tailored.book.possible import Possible
from tailored.book.rankings import content_named, scorers_asked
from tailored.book.templates import attributes_in
from tailored.condition.tree import (
    Attribute,
    Condition,
    attributes_read,
    segments_named,
)


@dataclass(frozen=True, slots=True)
class Use:
    """Something that reads an attribute, and what it reads it through, from the outside in."""

    kind: str
    id: str
    through: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Anything]:
        """The use as JSON data."""
        return {"kind": self.kind, "id": self.id, "through": list(self.through)}


@dataclass(frozen=True, slots=True)
class Usage:
    """What becomes of one attribute. `silent` are the rules that cannot fire where it is missing."""

    attribute: Attribute
    consent: str | None
    purposes: tuple[str, ...]
    used_by: tuple[Use, ...]
    silent: tuple[Rule, ...]

    @property
    def personal(self) -> bool:
        """Whether it tells something about a person: as the book says, and whenever it is sensitive."""
        return self.attribute.personal or self.consent is not None

    def to_dict(self) -> dict[str, Anything]:
        """The usage as JSON data. Several topics, or flags, are one text, joined by commas."""
        return {
            "name": self.attribute.key,
            "type": self.attribute.type.value,
            "personal": self.personal,
            "topic": ", ".join(self.attribute.topics) or None,
            "consent": self.consent,
            "purposes": list(self.purposes),
            "used_by": [use.to_dict() for use in self.used_by],
        }


@dataclass(frozen=True, slots=True)
class Labelled:
    """A topic or a purpose, and what carries it; of `personalization`, what opting out of it stops."""

    label: Topic | Purpose
    used_by: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The transparency report of a book. `unused` are the attributes that it should not collect."""

    attributes: tuple[Usage, ...]
    unused: tuple[str, ...]
    topics: tuple[Labelled, ...]
    purposes: tuple[Labelled, ...]

    def to_dict(self) -> dict[str, Anything]:
        """The report as JSON data."""
        return {
            "attributes": [usage.to_dict() for usage in self.attributes],
            "unused": list(self.unused),
            "topics": [_topic(one) for one in self.topics],
            "purposes": [_purpose(one) for one in self.purposes],
        }


def report(book: RuleBook) -> Report:
    """The transparency report of a book: its own attributes, and those built in that it reads."""
    uses, rules = uses_of(book), {rule.id: rule for rule in book.rules}
    attributes = tuple(
        _usage(book, rules, attribute, uses.get(key, ()))
        for key, attribute in book.attributes.items()
        if attribute not in ATTRIBUTES or key in uses
    )
    unused = tuple(usage.attribute.key for usage in attributes if not usage.used_by)
    return Report(attributes, unused, _topics(book), _purposes(book, attributes))


def uses_of(book: RuleBook) -> dict[str, tuple[Use, ...]]:
    """Everything that reads an attribute, by its whole name: rules, segments, scorers, and templates.

    Through segments each reader is named once, by the shortest way to it.
    """
    found: dict[str, dict[Use, None]] = {}

    def add(use: Use, names: Iterable[str]) -> None:
        for name in sorted(names):
            found.setdefault(name, {})[use] = None

    texts = {
        kind: {name: _of_request(attributes_in(thing.fields)) for name, thing in things.items()}
        for kind, things in (("content", book.content), ("catalog", book.catalogs))
    }
    features = {
        name: _of_request(one.key for one in scorer.features) for name, scorer in book.scorers.items()
    }
    for rule in book.rules:
        for through, condition in _conditions(rule.when, book):
            add(Use("rule", rule.id, through), _names(condition))
        rankings = rule.rank.values()
        for ranking in rankings:
            for condition in (ranking.where, *ranking.without):
                add(Use("rule", rule.id), _names(condition))
        shown = [item for items in rule.show.values() for item in items]
        shown += [item for ranking in rankings for item in content_named(ranking, book.content)]
        for item in dict.fromkeys(shown):
            add(Use("rule", rule.id, (f"content {item}",)), texts["content"][item])
        for catalog in dict.fromkeys(one.catalog for one in rankings if one.catalog is not None):
            add(Use("rule", rule.id, (f"catalog {catalog}",)), texts["catalog"][catalog])
        for scorer in dict.fromkeys(name for one in rankings for name in scorers_asked(one, book.scorers)):
            add(Use("rule", rule.id, (f"scorer {scorer}",)), features[scorer])
    for segment in book.segments.values():
        for through, condition in _conditions(segment.when, book):
            add(Use("segment", segment.id, through), _names(condition))
    for scorer, names in features.items():
        add(Use("scorer", scorer), names)
    for kind, things in texts.items():
        for name, names in things.items():
            add(Use(kind, name), names)
    return {name: tuple(uses) for name, uses in found.items()}


def flags_of(topics: Iterable[str], book: RuleBook) -> list[str]:
    """The consent flags that these topics need, each once; `never` where no flag opens one."""
    needed = [book.topics[topic] for topic in topics if book.topics[topic].sensitive]
    return list(dict.fromkeys(topic.consent or "never" for topic in needed))


def missing_without(usage: Usage) -> tuple[list[str], list[str], list[str]]:
    """What the rules that need an attribute decide: slots that they fill or order, or hide, and settings."""
    filled = [slot for rule in usage.silent for slot in (*rule.show, *rule.rank, *rule.order)]
    hidden = [slot for rule in usage.silent for slot in rule.hide]
    values = [setting for rule in usage.silent for setting in rule.set]
    return list(dict.fromkeys(filled)), list(dict.fromkeys(hidden)), list(dict.fromkeys(values))


def asking_in_lists(usage: Usage, book: RuleBook) -> list[Rule]:
    """The rules that fire without an attribute, and whose rankings have conditions on items that read it."""
    return [
        rule
        for rule in book.rules
        if rule not in usage.silent
        and any(
            usage.attribute.key in _names(condition)
            for ranking in rule.rank.values()
            for condition in (ranking.where, *ranking.without)
        )
    ]


def _conditions(condition: Condition, book: RuleBook) -> Iterator[tuple[tuple[str, ...], Condition]]:
    """A condition and those of the segments that it names, near ones first, each with the way to it."""
    waiting: list[tuple[tuple[str, ...], Condition]] = [((), condition)]
    seen: set[str] = set()
    for through, current in waiting:
        yield through, current
        for name in segments_named(current):
            if name not in seen:
                seen.add(name)
                waiting.append(((*through, f"segment {name}"), book.segments[name].when))


def _names(condition: Condition) -> set[str]:
    return _of_request(attribute.key for attribute in attributes_read(condition))


def _of_request(names: Iterable[str]) -> set[str]:
    """Those of these attributes that people have: what is known of items tells nothing about anybody."""
    return {name for name in names if not name.startswith("item.")}


def _usage(book: RuleBook, rules: Mapping[str, Rule], attribute: Attribute, uses: tuple[Use, ...]) -> Usage:
    named = [attribute.purpose]
    for use in uses:
        for kind, _, name in (step.partition(" ") for step in (f"{use.kind} {use.id}", *use.through)):
            if kind == "rule":
                named.append(rules[name].purpose)
            elif kind != "segment":
                named.append(_purposed(kind, book)[name].purpose)
    reading = dict.fromkeys(use.id for use in uses if use.kind == "rule")
    labelled = bool(attribute.topics or attribute.purpose)  # what is merely missing is null to JSONLogic
    possible = Possible(
        book.segments,
        missing=lambda one: one.key == attribute.key,
        hidden=lambda one: labelled and one.key == attribute.key,
    )
    return Usage(
        attribute,
        ", ".join(flags_of(attribute.topics, book)) or None,
        tuple(dict.fromkeys(purpose for purpose in named if purpose is not None)),
        uses,
        tuple(rules[name] for name in reading if not possible.of(rules[name].when)[0]),
    )


def _purposed(kind: str, book: RuleBook) -> Mapping[str, Content | Catalog | Scorer]:
    if kind == "content":
        return book.content
    return book.catalogs if kind == "catalog" else book.scorers


Thing = Attribute | Segment | Content | Rule | Catalog | Scorer


def _things(book: RuleBook) -> Iterator[tuple[Use, Thing]]:
    for attribute in book.attributes.values():
        yield Use("attribute", attribute.key), attribute
    for segment in book.segments.values():
        yield Use("segment", segment.id), segment
    for item in book.content.values():
        yield Use("content", item.id), item
    for catalog in book.catalogs.values():
        yield Use("catalog", catalog.id), catalog
    for scorer in book.scorers.values():
        yield Use("scorer", scorer.id), scorer
    for rule in book.rules:
        yield Use("rule", rule.id), rule


def _topics(book: RuleBook) -> tuple[Labelled, ...]:
    """The topics that something carries, and those that the book says are not sensitive."""
    carriers: dict[str, list[Use]] = {name: [] for name in book.topics}
    for use, thing in _things(book):
        for topic in thing.topics:
            carriers[topic].append(use)
    return tuple(
        Labelled(topic, tuple(carriers[name]))
        for name, topic in book.topics.items()
        if carriers[name] or not topic.sensitive
    )


def _purposes(book: RuleBook, attributes: Iterable[Usage]) -> tuple[Labelled, ...]:
    carriers: dict[str, dict[Use, None]] = {name: {} for name in book.purposes}
    for usage in attributes:
        if is_personal(usage.attribute) and usage.used_by:
            carriers[PERSONALIZATION][Use("attribute", usage.attribute.key)] = None
    for use, thing in _things(book):
        purpose = None if isinstance(thing, Segment) else thing.purpose
        if purpose is not None:
            carriers[purpose][use] = None
        if isinstance(thing, Rule) and asks_about_a_person(thing, book):
            carriers[PERSONALIZATION][use] = None
    return tuple(Labelled(purpose, tuple(carriers[name])) for name, purpose in book.purposes.items())


def _carriers(one: Labelled) -> list[Mapping[str, str]]:
    return [{"kind": use.kind, "id": use.id} for use in one.used_by]


def _topic(one: Labelled) -> dict[str, Anything]:
    topic = one.label
    assert isinstance(topic, Topic)
    return {
        "id": topic.id,
        "description": topic.description,
        "sensitive": topic.sensitive,
        "because": topic.because or None,
        "consent": (topic.consent or "never") if topic.sensitive else None,
        "used_by": _carriers(one),
    }


def _purpose(one: Labelled) -> dict[str, Anything]:
    purpose = one.label
    assert isinstance(purpose, Purpose)
    return {
        "id": purpose.id,
        "description": purpose.description,
        "honours": list(purpose.honours),
        "used_by": _carriers(one),
    }
