"""The lexicon: which words speak of which sensitive topic, and where a text has them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeAlias

import yaml

from tailored.book.model import Topic

_DATA = Path(__file__).with_name("lexicon.yaml")
_BLANKED = {code: " " for code in range(128) if not chr(code).isalpha()}
_TOKEN = re.compile(r"[^\W\d_]+")
_TOKEN_IN_A_NAME = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

Word: TypeAlias = tuple[str, int, int]
"""A word in small letters, and which characters of a text it is (the end is exclusive)."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Words of a text that speak of a topic, and which characters they are (the end is exclusive)."""

    topic: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """Tables of words: single words by their beginnings and whole, phrases by their first words."""

    starts: dict[str, list[str]] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    phrases: dict[str, list[tuple[Sequence[str], str | None]]] = field(default_factory=dict)
    """The words of each phrase, the last by its beginning, with its topic; None for a harmless one."""

    def suspicious(self, vocabulary: set[str]) -> set[str]:
        """Those of these words with which a finding may begin in texts that have no other words."""
        ordered = sorted(vocabulary)

        def beginning(start: str) -> Iterator[str]:
            at = bisect_left(ordered, start)
            while at < len(ordered) and ordered[at].startswith(start):
                yield ordered[at]
                at += 1

        found = {word for word in vocabulary if word in self.words or word.removesuffix("s") in self.words}
        for start in self.starts:  # they are fewer than the beginnings of all words
            found.update(beginning(start))
        for first in self.phrases.keys() & vocabulary:
            for (*whole, last), topic in self.phrases[first]:
                if topic is not None and vocabulary.issuperset(whole) and any(beginning(last)):
                    found.add(first)
        return found

    def hits(self, words: Sequence[Word]) -> Iterator[Hit]:
        """Where these words of a text speak of topics; a word in a harmless phrase does not."""
        found = []
        harmless: set[int] = set()
        for place, (word, start, end) in enumerate(words):
            found += [(place, Hit(topic, start, end)) for topic in self._topics(word)]
            for phrase, topic in self.phrases.get(word, ()):
                last = place + len(phrase) - 1
                if last >= len(words) or not _is_phrase(words[place : last + 1], phrase):
                    continue
                if topic is None:
                    harmless.update(range(place, last + 1))
                else:
                    found.append((place, Hit(topic, start, words[last][2])))
        return (hit for place, hit in found if place not in harmless)

    def _topics(self, word: str) -> Iterator[str]:
        yield from self.words.get(word, ())
        if word.endswith("s"):
            yield from self.words.get(word[:-1], ())
        for length in range(1, len(word) + 1):
            yield from self.starts.get(word[:length], ())

    def add_start(self, topic: str | None, text: str) -> None:
        """Adds the beginning of a word, or a phrase whose last word is one."""
        phrase = tokens(text)
        if len(phrase) == 1 and topic is not None:
            self.starts.setdefault(phrase[0], []).append(topic)
        elif phrase:
            self.phrases.setdefault(phrase[0], []).append((phrase, topic))

    def add_word(self, topic: str, text: str) -> None:
        """Adds a whole word."""
        self.words.setdefault(text, []).append(topic)


def lexicon_of(topics: Mapping[str, Topic]) -> Lexicon:
    """The words of the sensitive topics of a book: those built in, and those that the book adds."""
    return _lexicon(tuple((topic.id, topic.words) for topic in topics.values() if topic.sensitive))


@lru_cache(maxsize=8)  # most books have the same topics as the one before: it was saved again
def _lexicon(topics: tuple[tuple[str, tuple[str, ...]], ...]) -> Lexicon:
    lexicon = Lexicon()
    for topic, more in topics:
        built_in = _built_in().get(topic, {})
        for text in (*built_in.get("starts", ()), *more):
            lexicon.add_start(topic, text)
        for text in built_in.get("words", ()):
            lexicon.add_word(topic, text)
    for built_in in _built_in().values():
        for text in built_in.get("harmless", ()):
            lexicon.add_start(None, text)
    return lexicon


def tokens(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return _TOKEN.findall(text.lower())


def vocabulary(text: str) -> set[str]:
    """The different words of a long text, in small letters."""
    if not text.isascii():
        return set(tokens(text))
    return set(text.lower().translate(_BLANKED).split())  # three times as fast


def words_of(text: str, *, is_name: bool = False) -> list[Word]:
    """The words of a text with their places; in a name such as `hasDiabetes`, capitals begin words, too."""
    token = _TOKEN_IN_A_NAME if is_name else _TOKEN
    return [(match[0].lower(), match.start(), match.end()) for match in token.finditer(text)]


def _is_phrase(words: Sequence[Word], phrase: Sequence[str]) -> bool:
    *whole, last = phrase
    return words[-1][0].startswith(last) and [word for word, _, _ in words[:-1]] == whole


@cache
def _built_in() -> dict[str, dict[str, list[str]]]:
    data = yaml.load(_DATA.read_bytes(), Loader=yaml.CSafeLoader)
    return {
        topic: {
            kind: [text.strip() for text in texts.split(",") if text.strip()] for kind, texts in of.items()
        }
        for topic, of in data.items()
    }
