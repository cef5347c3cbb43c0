"""What people chose who chose the same things: a trained model, kept as plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from tailored.book.model import Scorer as Declared
from tailored.book.scorers import model_file
from tailored.scoring.models.arrays import UNREADABLE, Array, added, read, spread
from tailored.scoring.models.history import known_history, strongest
from tailored.scoring.models.places import Places, quick
from tailored.scoring.protocol import Candidate, FactValues, NoAnswer, NotReady, Surroundings


class Together:
    """Scores by what each thing in a person's history says for each item.

    `arrays` are those of a model: weights between items, or factors from which those of a person are worked
    out while she waits, or both, which are added up. People it has never seen are like all others: their
    history counts.
    """

    steady = True

    def __init__(
        self, arrays: dict[str, Array], history: Sequence[str], lookup: Callable[[str], Candidate | None]
    ) -> None:
        self.items: list[str] = arrays["items"].tolist()
        self._places = Places(self.items)
        self.quick = quick(len(self.items))
        self._history, self._lookup = history, lookup
        self._factors: Array | None = None
        self._starts: Array | None = None
        fine = True
        if "factors" in arrays:
            self._factors = arrays["factors"].astype(np.float64)
            self._alpha, self._ridge = arrays["alpha"].tolist()
            self._square = self._factors.T @ self._factors + self._ridge * np.eye(self._factors.shape[1])
            fine = fine and len(self._factors) == len(self.items)
        if "factors" not in arrays or "data" in arrays:
            self._data, self._indices, self._starts = (arrays[one] for one in ("data", "indices", "indptr"))
            fine = fine and len(self._starts) == len(self.items) + 1 and self._starts[-1] == len(self._data)
            fine = fine and len(self._indices) == len(self._data)
            fine = fine and bool(np.all((self._indices >= 0) & (self._indices < len(self.items))))
        if not fine:
            raise ValueError("arrays that do not fit")

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """What the history says for each candidate; one that is not in the model comes last.

        Raises NoAnswer without a history, or where none of the candidates is known.
        """
        if not (self._places.of(candidates) >= 0).any():
            raise NoAnswer("none of the candidates is known to it")
        every = self._every(self._rows(self._known(facts)))
        return self._places.picked(candidates, every, float(min(every.min(), 0.0)))

    def explain(self, facts: FactValues, candidate: Candidate) -> str | None:
        """`because you bought hiking boots`: the thing in the history that says most for the candidate."""
        history = self._known(facts)
        place = self._places.get(candidate.id)
        if place is None:
            return None
        return strongest(history, self._said(self._rows(history), place).tolist(), self._lookup)

    def _known(self, facts: FactValues) -> dict[str, str]:
        return known_history(facts, self._history, self._places)

    def _rows(self, history: Iterable[str]) -> list[int]:
        return [self._places[name] for name in history]

    def _every(self, rows: list[int]) -> Array:
        """What a history says for each item, [items]."""
        if self._starts is None or self._factors is None:
            return self._by_weights(rows) if self._factors is None else self._by_factors(rows)
        return added(self._by_weights(rows), self._by_factors(rows))

    def _said(self, rows: list[int], place: int) -> Array:
        """What each thing of a history says for one item, [history]; a constant for all may be left out."""
        if self._starts is None or self._factors is None:
            of = self._weights_for if self._factors is None else self._factors_for
            return of(rows, place)
        by_weights = self._weights_for(rows, place) / spread(self._by_weights(rows))
        by_factors = self._factors_for(rows, place) / spread(self._by_factors(rows))
        return by_weights + by_factors

    def _by_weights(self, rows: list[int]) -> Array:
        assert self._starts is not None
        said = np.zeros(len(self.items))
        for row in rows:
            part = slice(*self._starts[row : row + 2])
            said[self._indices[part]] += self._data[part]
        return said

    def _weights_for(self, rows: list[int], place: int) -> Array:
        assert self._starts is not None
        parts = [slice(*self._starts[row : row + 2]) for row in rows]
        return np.array([self._data[part][self._indices[part] == place].sum() for part in parts])

    def _by_factors(self, rows: list[int]) -> Array:
        assert self._factors is not None
        return self._factors @ self._persons(rows).sum(axis=0)

    def _factors_for(self, rows: list[int], place: int) -> Array:
        assert self._factors is not None
        return self._persons(rows) @ self._factors[place]

    def _persons(self, rows: list[int]) -> Array:
        """What each thing of a history adds to the factors of a person, [history, factors]."""
        assert self._factors is not None
        chosen = self._factors[rows]
        normal = self._square + (self._alpha - 1) * chosen.T @ chosen
        return self._alpha * np.linalg.solve(normal, chosen.T).T


def load(declared: Declared, surroundings: Surroundings) -> Together:
    """The model that `tailored train` wrote. Raises NotReady where there is none, or it is damaged."""
    return opened(declared, surroundings.folder(), surroundings.lookup)


def opened(
    declared: Declared, folder: Path, lookup: Callable[[str], Candidate | None] = lambda name: None
) -> Together:
    """The same, of a book in a folder."""
    name, history = model_file(declared.id, declared.settings), cast(Any, declared.settings["history"])
    try:
        return Together(read(folder / name), history, lookup)
    except FileNotFoundError:
        raise NotReady(f"there is no model `{name}`; `tailored train {declared.id}` makes it") from None
    except UNREADABLE as error:
        mend = f"`tailored train {declared.id}` makes it"
        raise NotReady(f"`{name}` is no model of this kind; {mend}") from error
