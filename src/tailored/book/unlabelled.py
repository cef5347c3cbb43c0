"""What speaks of a sensitive topic and carries no label for it: nobody should forget one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tailored.book.collect import KIND, Collected, Entry
from tailored.book.content import slipped_word
from tailored.book.diagnostics import Span
from tailored.book.lexicon import Hit, Lexicon, lexicon_of, tokens, words_of
from tailored.book.model import Content, Json, Rule, RuleBook, Segment
from tailored.book.nodes import MappingNode, Node, ScalarNode, SequenceNode, short
from tailored.book.places import Placed
from tailored.book.sections import CONTENT
from tailored.book.templates import is_template
from tailored.condition.tree import Attribute

_SPOKEN = {
    "attributes": frozenset(["description", "values", "path"]),
    "segments": frozenset(["description"]),
    "rules": frozenset(["description", "hypothesis", "because"]),
}
"""The keys whose texts are looked at; in content, those of its fields, its description and its tags."""
_UNSPOKEN = CONTENT.keys() - {"description", "tags"}
_READ = re.compile(r"\b(?:user|context)\.\w+(?:\.\w+)*", re.ASCII)

Thing = Attribute | Segment | Rule | Content


def check_unlabelled(collected: Collected, book: RuleBook) -> None:
    """Warns of things whose words speak of a sensitive topic without its label; once for thing and topic.

    A `not_about` takes that warning away; where there is none to take away, it is warned of itself.
    """
    lexicon = lexicon_of(book.topics)
    things: list[tuple[str, str, Thing]] = [
        *(("segments", thing.id, thing) for thing in book.segments.values()),
        *(("rules", thing.id, thing) for thing in book.rules),
        *(("content", thing.id, thing) for thing in book.content.values()),
    ]
    texts = ["\n".join(_texts(thing)) for *_, thing in things]
    found = set(_with_suspicious_words(texts, lexicon))
    found.update(place for place, (*_, thing) in enumerate(things) if thing.not_about)
    declared: list[tuple[str, str, Thing]] = [
        ("attributes", key, thing)
        for key, thing in book.attributes.items()
        if key in collected.sections["attributes"]
    ]
    for section, id_, thing in (*declared, *(things[place] for place in sorted(found))):
        _check(section, collected.sections[section][id_], thing, lexicon, book)


def _texts(thing: Thing) -> Iterator[str]:
    """All that a thing says, to be looked through quickly."""
    if isinstance(thing, Rule):
        yield from (thing.id, thing.description, thing.hypothesis, thing.because)
    elif isinstance(thing, Segment):
        yield from (thing.id, thing.description)
    elif isinstance(thing, Content):
        yield from (thing.id, thing.description, *thing.tags)
        yield from _texts_in(thing.fields)


def _texts_in(data: Json) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, tuple):
        for item in data:
            yield from _texts_in(item)
    elif isinstance(data, dict):
        for item in data.values():
            yield from _texts_in(item)


def _with_suspicious_words(texts: list[str], lexicon: Lexicon) -> Iterator[int]:
    """The places of the texts that have a word of the lexicon. Words are compared once, not for each text."""
    suspicious = lexicon.suspicious(set(tokens("\n".join(texts))))
    if suspicious:
        pattern = re.compile("|".join(map(re.escape, suspicious)))
        for place, text in enumerate(texts):
            if pattern.search(text.lower()):
                yield place


def _check(section: str, entry: Entry, thing: Thing, lexicon: Lexicon, book: RuleBook) -> None:
    """Warns of the first words for each topic that is neither a thing's label nor in its `not_about`."""
    spoken = set(thing.topics)
    for node in _nodes(section, entry):
        for hit in _hits(node, lexicon, is_name=node is entry.key and section == "attributes"):
            if hit.topic in spoken:
                continue
            spoken.add(hit.topic)
            if hit.topic not in thing.not_about:
                said = short(node.value[hit.start : hit.end])
                message = f"This {KIND[section]} speaks of {hit.topic} (`{said}`), and has no label for it."
                mend = f"Write `topic: {hit.topic}`, or `not_about: [{hit.topic}]` where that is not meant."
                entry.reader.warn(_span(entry, node, hit), "unlabelled-topic", message, mend)
    for topic in thing.not_about:
        if topic in book.topics and (topic in thing.topics or topic not in spoken):
            message = f"No word of this {KIND[section]} speaks of {topic}, so there is nothing to take back."
            if topic in thing.topics:
                message = (
                    f"This {KIND[section]} carries `topic: {topic}`, and says that it is not about that."
                )
            mend = f"Take `{topic}` out of `not_about`."
            entry.reader.warn(_named(entry, topic), "unneeded-not-about", message, mend)


def _named(entry: Entry, topic: str) -> Node:
    """The place where `not_about` names a topic."""
    lists = (node for key, node in _pairs(entry.body) if key == "not_about")
    names = (name for node in lists for name in _scalars(node) if name.value == topic)
    return next(names, entry.key)


def _hits(node: ScalarNode, lexicon: Lexicon, *, is_name: bool) -> Iterable[Hit]:
    text: str = node.value
    if is_template(text):  # what it reads has labels of its own
        text = _READ.sub(lambda read: " " * len(read[0]), text)
    return lexicon.hits(words_of(text, is_name=is_name))


def _span(entry: Entry, node: ScalarNode, hit: Hit) -> Span:
    return Placed(entry.reader.path, entry.reader.source, node).span(hit.start, hit.end)


def _nodes(section: str, entry: Entry) -> Iterator[ScalarNode]:
    """The nodes of what a thing says, its name first."""
    yield entry.key
    spoken = _SPOKEN.get(section)
    for key, node in _pairs(entry.body):
        if key in spoken if spoken is not None else key not in _UNSPOKEN and slipped_word(key) is None:
            yield from _scalars(node)


def _pairs(node: Node) -> Iterator[tuple[str, Node]]:
    """The entries of a body, merged ones included."""
    for key, value in node.value if isinstance(node, MappingNode) else ():
        if key.value == "<<":
            for merged in value.value if isinstance(value, SequenceNode) else [value]:
                yield from _pairs(merged)
        elif isinstance(key, ScalarNode):
            yield key.value, value


def _scalars(node: Node) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from _scalars(item)
    elif isinstance(node, MappingNode):
        for _, value in node.value:
            yield from _scalars(value)
