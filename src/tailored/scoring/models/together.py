"""What people chose who chose the same things: a trained model, kept as plain arrays."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from tailored.book.model import Scorer as Declared
from tailored.scoring.models.history import known_history, strongest
from tailored.scoring.protocol import Candidate, FactValues, NoAnswer, NotReady, Surroundings, model_file

Array = Any


class Together:
    """Scores by what each thing in a person's history says for each item.

    `arrays` are those of a file that `save` wrote: weights between items, or factors from which those of a
    person are worked out while she waits. People it has never seen are like all others: their history counts.
    """

    quick = steady = True

    def __init__(
        self, arrays: dict[str, Array], history: Sequence[str], lookup: Callable[[str], Candidate | None]
    ) -> None:
        self.items: list[str] = arrays["items"].tolist()
        self._places = {name: place for place, name in enumerate(self.items)}
        self._history, self._lookup = history, lookup
        self._factors: Array | None = None
        if "factors" in arrays:
            self._factors = arrays["factors"].astype(np.float64)
            self._alpha, self._ridge = arrays["alpha"].tolist()
            self._square = self._factors.T @ self._factors + self._ridge * np.eye(self._factors.shape[1])
            fine = len(self._factors) == len(self.items)
        else:
            self._data, self._indices, self._starts = (arrays[one] for one in ("data", "indices", "indptr"))
            fine = len(self._starts) == len(self.items) + 1 and self._starts[-1] == len(self._data)
            fine = fine and len(self._indices) == len(self._data)
            fine = fine and bool(np.all((self._indices >= 0) & (self._indices < len(self.items))))
        if not fine:
            raise ValueError("arrays that do not fit")

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """What the history says for each candidate; one that is not in the model comes last.

        Raises NoAnswer without a history, or where none of the candidates is known.
        """
        places = [self._places.get(candidate.id, -1) for candidate in candidates]
        if max(places, default=-1) < 0:
            raise NoAnswer("none of the candidates is known to it")
        every = self._every(self._known(facts))
        last = float(min(every.min(), 0.0))
        return [float(every[place]) if place >= 0 else last for place in places]

    def explain(self, facts: FactValues, candidate: Candidate) -> str | None:
        """`because you bought hiking boots`: the thing in the history that says most for the candidate."""
        history = self._known(facts)
        place = self._places.get(candidate.id)
        if place is None:
            return None
        return strongest(history, self._said(history)[:, place].tolist(), self._lookup)

    def _known(self, facts: FactValues) -> dict[str, str]:
        return known_history(facts, self._history, self._places)

    def _every(self, history: dict[str, str]) -> Array:
        """What a history says for each item, [items]."""
        if self._factors is not None:
            return self._said(history).sum(axis=0)
        said = np.zeros(len(self.items))
        for name in history:
            part = slice(*self._starts[self._places[name] : self._places[name] + 2])
            said[self._indices[part]] += self._data[part]
        return said

    def _said(self, history: dict[str, str]) -> Array:
        """What each thing of a history says for each item, [history, items]."""
        rows = [self._places[name] for name in history]
        if self._factors is not None:
            chosen = self._factors[rows]
            normal = self._square + (self._alpha - 1) * chosen.T @ chosen
            return self._alpha * np.linalg.solve(normal, chosen.T).T @ self._factors.T
        said = np.zeros((len(rows), len(self.items)))
        for number, row in enumerate(rows):
            part = slice(self._starts[row], self._starts[row + 1])
            said[number, self._indices[part]] = self._data[part]
        return said


def save(path: Path, items: Sequence[str], arrays: dict[str, Array]) -> None:
    """Writes a model beside, and puts it in the place of the old one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, items=np.array(items), **arrays)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def load(declared: Declared, surroundings: Surroundings) -> Together:
    """The model that `tailored train` wrote. Raises NotReady where there is none, or it is damaged."""
    path, name = surroundings.model_path(declared), model_file(declared)
    history: Any = declared.settings["history"]
    try:
        with np.load(path, allow_pickle=False) as file:
            return Together({key: file[key] for key in file.files}, history, surroundings.lookup)
    except FileNotFoundError:
        raise NotReady(f"there is no model `{name}`; `tailored train {declared.id}` makes it") from None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, TypeError, AttributeError) as error:
        mend = f"`tailored train {declared.id}` makes it"
        raise NotReady(f"`{name}` is no model of this kind; {mend}") from error
