"""What is like the things somebody viewed or bought: TF-IDF over texts and tags of items."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tailored.book.model import Scorer as Declared
from tailored.book.scorers import model_file
from tailored.condition.types import Type
from tailored.scoring.models.arrays import UNREADABLE, Array, read
from tailored.scoring.models.history import known_history, strongest
from tailored.scoring.models.places import Places, quick
from tailored.scoring.protocol import Candidate, FactValues, NotReady, Surroundings

LEARNS_WITH = "sklearn.feature_extraction.text"
"""Imported where something is learnt only: that takes longer than all the rest of a command."""
_TEXTS = frozenset(("title", "name", "description", "summary", "text"))
"""Attributes that are compared word by word, unless the book says which."""


class Similar:
    """Compares items by the cosine of their TF-IDF vectors; a word and a tag are one dimension each.

    `arrays` are those that `learn` gives: `data`, `indices` and `indptr` of the vectors, as rows of a sparse
    matrix. A candidate's score is its mean likeness to the things in the history. Likeness of a thing to
    itself does not count: who looked at it once need not be shown it again for that.
    """

    steady = True

    def __init__(
        self, arrays: dict[str, Array], history: Sequence[str], lookup: Callable[[str], Candidate | None],
        *, changes: bool = False,
    ) -> None:  # fmt: skip
        names = arrays["items"].tolist()
        self._places = Places(names)
        self._data, self._indices, self._starts = (arrays[one] for one in ("data", "indices", "indptr"))
        self._row_of = np.repeat(np.arange(len(names)), np.diff(self._starts))
        """The row of each number in `data`."""
        self._width = int(self._indices.max(initial=-1)) + 1
        self._history, self._lookup, self._changes = history, lookup, changes
        self._own = np.bincount(self._row_of, self._data**2, len(names))
        """The likeness of each to itself: 1, or 0 where it has no word."""
        self.quick = quick(len(names))

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """The mean likeness of each candidate, 0 to 1. Raises NoAnswer without a history."""
        rows = self._rows(self._known(facts))
        whole = np.zeros(self._width)
        for row in rows:
            part = self._part(row)
            whole[self._indices[part]] += self._data[part]
        likeness = np.bincount(self._row_of, self._data * whole[self._indices], len(self._own))
        likeness[rows] -= self._own[rows]
        return self._places.picked(candidates, likeness / len(rows), 0.0)

    def explain(self, facts: FactValues, candidate: Candidate) -> str | None:
        """`because you looked at hiking boots`: the thing in the history that is most like the candidate."""
        history = self._known(facts)
        place = self._places.get(candidate.id)
        if place is None:
            return None
        whole, own = np.zeros(self._width), self._part(place)
        whole[self._indices[own]] = self._data[own]
        parts = [(row, self._part(row)) for row in self._rows(history)]
        likeness = [
            0.0 if row == place else float(self._data[part] @ whole[self._indices[part]])
            for row, part in parts
        ]
        return strongest(history, likeness, self._lookup)

    def warm(self) -> None:
        """Imports what it takes to learn again, where items may change: that takes a second or two."""
        if self._changes:
            import_module(LEARNS_WITH)

    def _part(self, row: int) -> slice:
        return slice(*self._starts[row : row + 2])

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


def words_of(declared: Declared, surroundings: Surroundings) -> dict[str, list[str]]:
    """The words and tags of everything in the catalogs and the content of a book, by ids."""
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
    return {name: tokens(item, texts, tags) for name, item in items.items()}


def fingerprint(words: Mapping[str, Sequence[str]]) -> str:
    """Tells apart what may be learnt from."""
    return sha256(repr(list(words.items())).encode(errors="surrogatepass")).hexdigest()


def learn(words: Mapping[str, Sequence[str]]) -> dict[str, Array]:
    """The TF-IDF vectors of items as arrays, with the fingerprint of what they were learnt from.

    Raises NotReady where there is nothing to compare, and ImportError.
    """
    vectorizer = import_module(LEARNS_WITH).TfidfVectorizer(analyzer=list, sublinear_tf=True)
    try:
        vectors = vectorizer.fit_transform(words.values())
    except ValueError:  # no item, or none with a word
        raise NotReady("no item has a text or a tag to compare") from None
    return {
        "items": np.array(list(words)),
        "data": vectors.data,
        "indices": vectors.indices,
        "indptr": vectors.indptr,
        "learnt_from": np.array(fingerprint(words)),
    }


def load(declared: Declared, surroundings: Surroundings) -> Similar:
    """What `tailored train` kept, if it was learnt from the items that there are now; else it learns anew.

    It is made again when a catalog is refreshed. Raises NotReady where there is nothing to compare.
    """
    words = words_of(declared, surroundings)
    folder = surroundings.book.folder
    path = None if folder is None else Path(folder, model_file(declared.id, declared.settings))
    arrays = None if path is None else _kept(path, words)
    history: Any = declared.settings["history"]
    return Similar(
        arrays or learn(words),
        history,
        surroundings.lookup,
        changes=any(one.file or one.sql for one in surroundings.book.catalogs.values()),
    )


def _kept(path: Path, words: Mapping[str, Sequence[str]]) -> dict[str, Array] | None:
    """The arrays of a file, where they were learnt from these words and fit together."""
    try:
        arrays = read(path)
        if arrays["learnt_from"].item() != fingerprint(words) or arrays["items"].tolist() != list(words):
            return None
        data, indices, starts = (arrays[one] for one in ("data", "indices", "indptr"))
        fine = len(starts) == len(words) + 1 and len(data) == len(indices) == starts[-1]
        fine = fine and np.isfinite(data).all() and (indices >= 0).all() and (np.diff(starts) >= 0).all()
        return arrays if fine and starts[0] == 0 else None
    except UNREADABLE:
        return None


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
