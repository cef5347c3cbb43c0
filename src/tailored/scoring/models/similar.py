"""What is like the things somebody viewed or bought: TF-IDF over texts and tags of items."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from tailored.book.model import Scorer as Declared
from tailored.condition.types import Type
from tailored.scoring.models.history import known_history, strongest
from tailored.scoring.models.places import Places, quick
from tailored.scoring.protocol import Candidate, FactValues, NotReady, Surroundings

_TEXTS = frozenset(("title", "name", "description", "summary", "text"))
"""Attributes that are compared word by word, unless the book says which."""


class Similar:
    """Compares items by the cosine of their TF-IDF vectors; a word and a tag are one dimension each.

    A candidate's score is its mean likeness to the things in the history. Likeness of a thing to itself does
    not count: who looked at it once need not be shown it again for that.
    """

    steady = True

    def __init__(
        self, items: Mapping[str, Candidate], vectors: Any, history: Sequence[str],
        lookup: Callable[[str], Candidate | None],
    ) -> None:  # fmt: skip
        self._places = Places(items)
        self._vectors, self._history, self._lookup = vectors, history, lookup
        self._own = np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()
        """The likeness of each to itself: 1, or 0 where it has no word."""
        self.quick = quick(len(items))

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """The mean likeness of each candidate, 0 to 1. Raises NoAnswer without a history."""
        rows = self._rows(self._known(facts))
        whole = np.asarray(self._vectors[rows].sum(axis=0)).ravel()
        likeness = self._vectors @ whole
        likeness[rows] -= self._own[rows]
        return self._places.picked(candidates, likeness / len(rows), 0.0)

    def explain(self, facts: FactValues, candidate: Candidate) -> str | None:
        """`because you looked at hiking boots`: the thing in the history that is most like the candidate."""
        history = self._known(facts)
        place = self._places.get(candidate.id)
        if place is None:
            return None
        rows = self._rows(history)
        likeness = (self._vectors[rows] @ self._vectors[place].T).toarray().ravel()
        likeness[np.array(rows) == place] = 0.0
        return strongest(history, likeness.tolist(), self._lookup)

    def _known(self, facts: FactValues) -> dict[str, str]:
        """The part of the history that can be compared."""
        return known_history(facts, self._history, self._places)

    def _rows(self, history: Iterable[str]) -> list[int]:
        return [self._places[name] for name in history]


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
