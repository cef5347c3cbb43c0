"""What labels mean for rules: which topics and purposes each needs, and which can never do anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tailored.book.builtin import is_personal
from tailored.book.collect import Collected
from tailored.book.model import Catalog, Content, Ranking, Rule, RuleBook, Scorer, Segment, Topic
from tailored.book.possible import Possible
from tailored.book.rankings import content_named, scorers_asked
from tailored.book.suggest import listed
from tailored.book.templates import attributes_in
from tailored.book.walk import place_of
from tailored.condition.english import joined
from tailored.condition.tree import (
    All,
    Any,
    Attribute,
    Condition,
    InSegment,
    Logic,
    Not,
    Test,
    attributes_read,
    segments_named,
)

Labelled = Rule | Segment | Attribute | Content | Scorer | Catalog
Needs = dict[tuple[str, str], dict[str, tuple[str, ...]]]
"""From ("topic" or "purpose", its id) to the things that carry it, in words, with the groups on the way."""
_MOST_NAMED = 6


def read_by(condition: Condition, book: RuleBook) -> Iterator[tuple[str, Segment | Attribute]]:
    """The segments and attributes that a condition reads, itself or through segments, each once."""
    waiting: list[Condition] = [condition]
    seen: set[str] = set()
    for current in waiting:
        for attribute in attributes_read(current):
            if attribute.key not in seen:
                seen.add(attribute.key)
                yield f"the attribute {attribute.key}", attribute
        for name in segments_named(current):
            if name not in seen and name in book.segments:
                seen.add(name)
                yield f"the segment {name}", book.segments[name]
                waiting.append(book.segments[name].when)


def asks_about_a_person(rule: Rule, book: RuleBook) -> bool:
    """Whether a condition reads something about the user, so that opting out of personalization stops it."""
    return any(isinstance(thing, Attribute) and is_personal(thing) for _, thing in read_by(rule.when, book))


def is_sensitive(topic: str, topics: Mapping[str, Topic]) -> bool:
    """Whether a topic needs consent; one that the book does not know is none."""
    return topic in topics and topics[topic].sensitive


def flag_in_words(topic: Topic) -> str:
    """A topic with the flag that opens it."""
    if topic.consent is None:
        return f"{topic.id} (never given)"
    return topic.id if topic.consent == topic.id else f"{topic.id} (the flag {topic.consent})"


def check_never(collected: Collected, book: RuleBook) -> set[str]:
    """Reports the rules that can never fire, or never show what they name, as nobody is asked for a consent.

    Gives the ids of those that can never fire.
    """
    never = frozenset(topic.id for topic in book.topics.values() if topic.sensitive and topic.consent is None)
    found: set[str] = set()

    def is_closed(one: Attribute | Segment) -> bool:
        return not never.isdisjoint(one.topics)

    possible = Possible(book.segments, missing=is_closed, hidden=is_closed, closed=is_closed)
    for rule in book.rules if never else ():
        entry = collected.sections["rules"][rule.id]
        if why := _why_never(rule, book, never, possible):
            found.add(rule.id)
            message = f"`{rule.id}` can never do anything: {why}, for which consent is never asked."
            mend = "Take the rule out, or the label off what is not about that topic."
            entry.reader.error(entry.key, "never-consented", message, mend)
            continue
        ranked = [name for ranking in rule.rank.values() for name in content_named(ranking, book.content)]
        for name in dict.fromkeys([name for names in rule.show.values() for name in names] + ranked):
            if name in book.content and (closed := never.intersection(book.content[name].topics)):
                topics = joined(sorted(closed))
                message = f"`{name}` is never shown: consent for its topic {topics} is never asked."
                mend = "Show something else, or take the label off if it is not about that topic."
                entry.reader.error(place_of(entry, "show", name), "never-consented", message, mend)
    return found


def note_flows(collected: Collected, book: RuleBook, never: set[str]) -> None:
    """Notes for every rule what consent it needs, and through what. The book must be without errors."""
    flows = _Flows(book)
    for rule in book.rules:
        if rule.id not in never and (needs := flows.needs(rule)):
            entry = collected.sections["rules"][rule.id]
            entry.reader.note(entry.key, "label-flows", _in_words(rule.id, needs, book))


def _in_words(rule: str, needs: Needs, book: RuleBook) -> str:
    topics, purposes = (
        [(name, _listed(through)) for (label, name), through in needs.items() if label == kind]
        for kind in ("topic", "purpose")
    )
    said = [f"for {flag_in_words(book.topics[name])}, through {things}" for name, things in topics]
    sentences = [f"`{rule}` needs consent {', and '.join(said)}."] if said else []
    for name, things in purposes:
        who = "It" if sentences else f"`{rule}`"
        sentences.append(f"{who} is not for those who opted out of {name}, through {things}.")
    return " ".join(sentences)


def _listed(through: Mapping[str, tuple[str, ...]]) -> str:
    """The things of labels, each with the groups through which one comes to it."""
    ways = [joined([*way, thing]) for thing, way in through.items()]
    if not any(through.values()):
        return joined(ways) if len(ways) <= _MOST_NAMED else listed(ways, _MOST_NAMED)
    more = [f"{len(ways) - _MOST_NAMED} more"] if len(ways) > _MOST_NAMED else []
    return ", and through ".join([*ways[:_MOST_NAMED], *more])


class _Flows:
    """Adds up labels; what many rules share (segments, content) is worked out once."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._segments: dict[str, Needs] = {}
        self._contents: dict[str, Needs] = {}
        self._carrying = {
            attribute.key: needs
            for attribute in book.attributes.values()
            if (needs := self._own(f"the attribute {attribute.key}", attribute.topics, attribute.purpose))
        }
        self._has_labels = (
            bool(self._carrying)
            or any(segment.topics for segment in book.segments.values())
            or any(
                thing.topics or thing.purpose
                for things in (book.content, book.scorers, book.catalogs)
                for thing in things.values()
            )
        )

    def needs(self, rule: Rule) -> Needs:
        """What a rule needs through its label, its condition, and the content that it shows."""
        needs = self._own("its own label", rule.topics, rule.purpose)
        if self._has_labels:
            self._condition(rule.when, needs)
            for names in rule.show.values():
                for name in names:
                    _add(needs, self._content(name))
            for ranking in rule.rank.values():
                self._ranking(ranking, needs)
        return needs

    def _ranking(self, ranking: Ranking, needs: Needs) -> None:
        book = self._book
        for name in content_named(ranking, book.content):
            _add(needs, self._content(name))
        for condition in (ranking.where, *ranking.without):
            for attribute in attributes_read(condition):
                _add(needs, self._carrying.get(attribute.key, {}))
        if ranking.catalog is not None:
            catalog = book.catalogs[ranking.catalog]
            _add(needs, self._own(f"the catalog {catalog.id}", catalog.topics, catalog.purpose))
        for name in scorers_asked(ranking, book.scorers):
            scorer = book.scorers[name]
            _add(needs, self._own(f"the scorer {name}", scorer.topics, scorer.purpose))
            for attribute in scorer.features:
                _add(needs, self._carrying.get(attribute.key, {}))

    def _own(self, words: str, topics: Iterable[str], purpose: str | None) -> Needs:
        needs: Needs = {
            ("topic", name): {words: ()} for name in topics if is_sensitive(name, self._book.topics)
        }
        if purpose is not None:
            needs["purpose", purpose] = {words: ()}
        return needs

    def _condition(self, condition: Condition, needs: Needs) -> None:
        if isinstance(condition, Test):
            if condition.attribute.key in self._carrying:
                _add(needs, self._carrying[condition.attribute.key])
        elif isinstance(condition, All | Any):
            for part in condition.parts:
                self._condition(part, needs)
        elif isinstance(condition, Not):
            self._condition(condition.part, needs)
        elif isinstance(condition, InSegment):
            _add(needs, self._segment(condition.id))
        elif isinstance(condition, Logic):
            for attribute in condition.reads:
                _add(needs, self._carrying.get(attribute.key, {}))

    def _segment(self, name: str) -> Needs:
        if name not in self._segments:
            segment = self._book.segments[name]
            group = f"the group `{name}`"
            needs = self._segments[name] = self._own(group, segment.topics, None)
            inner: Needs = {}
            self._condition(segment.when, inner)
            _add(needs, inner, group)
        return self._segments[name]

    def _content(self, name: str) -> Needs:
        if name not in self._contents:
            item = self._book.content[name]
            needs = self._contents[name] = self._own(f"the content {name}", item.topics, item.purpose)
            for key in sorted(attributes_in(item.fields) & self._carrying.keys()):
                for label in self._carrying[key]:
                    needs.setdefault(label, {})[f"the attribute {key} in a text of {name}"] = ()
        return self._contents[name]


def _add(needs: Needs, more: Needs, *group: str) -> None:
    """Adds what something needs, or what a group asks about does: of two ways to a thing, the shorter."""
    for label, through in more.items():
        ways = needs.setdefault(label, {})
        for thing, way in through.items():
            if thing not in ways or len(ways[thing]) > len(group) + len(way):
                ways[thing] = (*group, *way)


def _why_never(rule: Rule, book: RuleBook, never: frozenset[str], possible: Possible) -> str:
    """What keeps a rule from ever firing, up to the topic; an empty text where nothing does."""
    if own := never.intersection(rule.topics):
        return f"it carries the topic {joined(sorted(own))}"
    if not possible.of(rule.when)[0]:
        carried = {
            topic: name
            for name, thing in read_by(rule.when, book)
            for topic in thing.topics
            if topic in never
        }
        if carried:
            needs = [f"{name} with the topic {topic}" for topic, name in carried.items()]
            return f"its condition needs {joined(needs)}"
    return ""
