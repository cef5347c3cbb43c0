"""What is like the things somebody viewed or bought: TF-IDF over texts and tags of items."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer

from tailored.book.model import Scorer as Declared
from tailored.condition.types import Type
from tailored.scoring.models.history import known_history, strongest
from tailored.scoring.protocol import Candidate, FactValues, NotReady, Surroundings

_TEXTS = frozenset(("title", "name", "description", "summary", "text"))
"""Attributes that are compared word by word, unless the book says which."""


class Similar:
    """Compares items by the cosine of their TF-IDF vectors; a word and a tag are one dimension each.

    A candidate's score is its mean likeness to the things in the history. Likeness of a thing to itself does
    not count: who looked at it once need not be shown it again for that.
    """

    quick = steady = True

    def __init__(
        self, items: Mapping[str, Candidate], vectors: Any, history: Sequence[str],
        lookup: Callable[[str], Candidate | None],
    ) -> None:  # fmt: skip
        self._places = {name: place for place, name in enumerate(items)}
        self._vectors, self._history, self._lookup = vectors, history, lookup

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """The mean likeness of each candidate, 0 to 1. Raises NoAnswer without a history."""
        history = self._known(facts)
        known = [place for place, one in enumerate(candidates) if one.id in self._places]
        scores = [0.0] * len(candidates)
        likeness = self._likeness(history, [candidates[place].id for place in known])
        for place, score in zip(known, likeness.mean(axis=0).tolist(), strict=True):
            scores[place] = score
        return scores

    def explain(self, facts: FactValues, candidate: Candidate) -> str | None:
        """`because you looked at hiking boots`: the thing in the history that is most like the candidate."""
        history = self._known(facts)
        if candidate.id not in self._places:
            return None
        likeness = self._likeness(history, [candidate.id])[:, 0].tolist()
        return strongest(history, likeness, self._lookup)

    def _known(self, facts: FactValues) -> dict[str, str]:
        """The part of the history that can be compared."""
        return known_history(facts, self._history, self._places)

    def _likeness(self, history: Iterable[str], names: Sequence[str]) -> Any:
        """The cosines, [history, names], dense; of a thing with itself 0."""
        rows, columns = [self._places[one] for one in history], [self._places[one] for one in names]
        found = (self._vectors[rows] @ self._vectors[columns].T).toarray()
        for row, place in enumerate(rows):
            if place in columns:
                found[row, columns.index(place)] = 0.0
        return found


def tokens(candidate: Candidate, texts: Collection[str], tags: Collection[str]) -> list[str]:
    """The words of an item's texts, and its tags as `attribute=value`."""
    found = []
    for name in texts:
        found += re.findall(r"\w+", _joined(candidate.attributes.get(name)).lower())
    for name in tags:
        value = candidate.attributes.get(name)
        found += [f"{name}={one}" for one in (value if isinstance(value, tuple) else (value,)) if one]
    return found


def _joined(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value if isinstance(value, str) else ""


def load(declared: Declared, surroundings: Surroundings) -> Similar:
    """Learns the words and tags of everything in the catalogs and the content of a book.

    It is made again when a catalog is refreshed. Raises NotReady where there is nothing to compare.
    """
    book, settings = surroundings.book, declared.settings
    items: dict[str, Candidate] = {}
    for catalog in book.catalogs:
        for candidate in surroundings.stock(catalog):
            items.setdefault(candidate.id, candidate)
    for name in book.content:
        candidate_or_none = surroundings.lookup(name)
        if candidate_or_none is not None:
            items.setdefault(name, candidate_or_none)
    given = [_names(settings.get(key)) for key in ("text", "tags")]
    texts, tags = given if any(given) else _usual(declared, surroundings)
    vectorizer = TfidfVectorizer(analyzer=lambda one: tokens(one, texts, tags), sublinear_tf=True)
    try:
        vectors = vectorizer.fit_transform(items.values())
    except ValueError:  # no item, or none with a word
        raise NotReady("no item has a text or a tag to compare") from None
    history: Any = settings["history"]
    return Similar(items, vectors, history, surroundings.lookup)


def _names(keys: Any) -> tuple[str, ...]:
    return tuple(key.removeprefix("item.") for key in keys or ())


def _usual(declared: Declared, surroundings: Surroundings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The texts and the tags of items, where the book does not say which count."""
    strings = dict.fromkeys(
        attribute.name
        for catalog in surroundings.book.catalogs.values()
        for attribute in catalog.attributes.values()
        if attribute.type in (Type.STRING, Type.STRINGS) and attribute.name != "id"
    )
    strings |= dict.fromkeys(("title", "description", "tags"))
    return tuple(one for one in strings if one in _TEXTS), tuple(one for one in strings if one not in _TEXTS)
