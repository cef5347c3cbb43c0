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
from tailored.scoring.protocol import Candidate, FactValues, NotReady, Surroundings

MOST_ROWS = 2_000
"""Items of which it is kept how alike they are, so that it takes 32 MB at most."""
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
        self._rows: dict[int, Any] = {}
        """How alike an item and each item is, where there are few; worked out when first asked for."""
        self._asked: tuple[list[Candidate], list[int], Any] = [], [], np.zeros(0, dtype=np.intp)
        """The candidates that were asked about last, which of them can be compared, and where those are."""

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """The mean likeness of each candidate, 0 to 1. Raises NoAnswer without a history."""
        history = self._known(facts)
        asked = self._asked
        if asked[0] != candidates:
            known = [place for place, one in enumerate(candidates) if one.id in self._places]
            columns = np.array([self._places[candidates[place].id] for place in known], dtype=np.intp)
            asked = self._asked = [*candidates], known, columns
        likeness: list[float] = self._likeness(history, asked[2]).mean(axis=0).tolist()
        if len(likeness) == len(candidates):
            return likeness
        scores = [0.0] * len(candidates)
        for place, score in zip(asked[1], likeness, strict=True):
            scores[place] = score
        return scores

    def explain(self, facts: FactValues, candidate: Candidate) -> str | None:
        """`because you looked at hiking boots`: the thing in the history that is most like the candidate."""
        history = self._known(facts)
        place = self._places.get(candidate.id)
        if place is None:
            return None
        likeness = self._likeness(history, np.array([place]))[:, 0].tolist()
        return strongest(history, likeness, self._lookup)

    def _known(self, facts: FactValues) -> dict[str, str]:
        """The part of the history that can be compared."""
        return known_history(facts, self._history, self._places)

    def _likeness(self, history: Iterable[str], columns: Any) -> Any:
        """The cosines, [history, columns], dense; of a thing with itself 0."""
        rows = [self._places[one] for one in history]
        if len(self._places) <= MOST_ROWS:
            return np.array([self._row(place) for place in rows])[:, columns]
        found = (self._vectors[rows] @ self._vectors[columns].T).toarray()
        found[np.array(rows)[:, None] == columns] = 0.0
        return found

    def _row(self, place: int) -> Any:
        row = self._rows.get(place)
        if row is None:
            row = (self._vectors[place] @ self._vectors.T).toarray()[0]
            row[place] = 0.0
            self._rows[place] = row
        return row


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
