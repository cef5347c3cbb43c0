"""What speaks of a sensitive topic and carries no label for it: nobody should forget one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tailored.book.collect import KIND, Collected, Entry
from tailored.book.content import slipped_word
from tailored.book.diagnostics import Span
from tailored.book.kept import kept
from tailored.book.lexicon import Hit, Lexicon, lexicon_of, tokens, vocabulary, words_of
from tailored.book.model import Catalog, Content, Json, Rule, RuleBook, Scorer, Segment
from tailored.book.nodes import ScalarNode, short
from tailored.book.places import Placed
from tailored.book.sections import CONTENT
from tailored.book.templates import is_template
from tailored.book.walk import entries_of, place_of, scalars_of
from tailored.condition.tree import Attribute

_SPOKEN = {
    "attributes": frozenset(["description", "values", "path"]),
    "segments": frozenset(["description"]),
    "rules": frozenset(["description", "hypothesis", "because"]),
    "scorers": frozenset(["description"]),
    "catalogs": frozenset(["description"]),
}
"""The keys whose texts are looked at; in content, those of its fields, its description and its tags."""
_UNSPOKEN = CONTENT.keys() - {"description", "tags"}
_READ = re.compile(r"\b(?:user|context)\.\w+(?:\.\w+)*", re.ASCII)

Thing = Attribute | Segment | Rule | Content | Scorer | Catalog


def check_unlabelled(collected: Collected, book: RuleBook) -> None:
    """Warns of things whose words speak of a sensitive topic without its label; once for thing and topic.

    A `not_about` takes that warning away; where there is none to take away, it is warned of itself.
    """
    lexicon = lexicon_of(book.topics)
    for key, attribute in book.attributes.items():
        if key in collected.sections["attributes"]:
            _check("attributes", collected.sections["attributes"][key], attribute, lexicon, book)
    things: list[Rule | Segment | Content | Scorer | Catalog] = [
        *book.segments.values(),
        *book.rules,
        *book.content.values(),
        *book.scorers.values(),
        *book.catalogs.values(),
    ]
    texts = list(map(_text, things))
    suspicious = lexicon.suspicious(vocabulary("\n".join(texts)))
    for thing, text in zip(things, texts, strict=True):
        if thing.not_about or (suspicious and not suspicious.isdisjoint(tokens(text))):
            section = _SECTION[type(thing)]
            _check(section, collected.sections[section][thing.id], thing, lexicon, book)


_SECTION: dict[type[Thing], str] = {
    Segment: "segments",
    Rule: "rules",
    Content: "content",
    Scorer: "scorers",
    Catalog: "catalogs",
}


def _text(thing: Rule | Segment | Content | Scorer | Catalog) -> str:
    """All that a thing says, to be looked through quickly: words are looked up once, not for each thing."""
    if isinstance(thing, Rule):
        return f"{thing.id}\n{thing.description}\n{thing.hypothesis}\n{thing.because}"
    if isinstance(thing, Content):
        return "\n".join((thing.id, thing.description, *thing.tags, *_texts_in(thing.fields)))
    return f"{thing.id}\n{thing.description}"


def _texts_in(data: Json) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, tuple):
        for item in data:
            yield from _texts_in(item)
    elif isinstance(data, dict):
        for item in data.values():
            yield from _texts_in(item)


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
            entry.reader.warn(place_of(entry, "not_about", topic), "unneeded-not-about", message, mend)


def _hits(node: ScalarNode, lexicon: Lexicon, *, is_name: bool) -> Iterable[Hit]:
    text: str = node.value
    if is_template(text):  # what it reads has labels of its own
        text = _READ.sub(lambda read: " " * len(read[0]), text)
    return kept(text, (lexicon, is_name), lambda: [*lexicon.hits(words_of(text, is_name=is_name))])


def _span(entry: Entry, node: ScalarNode, hit: Hit) -> Span:
    return Placed(entry.reader.path, entry.reader.source, node).span(hit.start, hit.end)


def _nodes(section: str, entry: Entry) -> Iterator[ScalarNode]:
    """The nodes of what a thing says, its name first."""
    yield entry.key
    spoken = _SPOKEN.get(section)
    for key, node in entries_of(entry.body):
        if key in spoken if spoken is not None else key not in _UNSPOKEN and slipped_word(key) is None:
            yield from scalars_of(node)
