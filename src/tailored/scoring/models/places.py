"""Where items stand in the arrays of a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tailored.scoring.protocol import Candidate

MOST_QUICK = 20_000
"""Items, and candidates, up to which a model answers within some milliseconds."""


def quick(items: int) -> int:
    """The number of candidates up to which a model of so many items needs no thread."""
    return MOST_QUICK if items <= MOST_QUICK else 0


class Places(dict[str, int]):
    """The place of each item by its id."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__((name, place) for place, name in enumerate(names))
        self._kept: tuple[Sequence[Candidate], Any] = (), np.array([], dtype=np.int64)
        """The candidates that were asked about last, which hardly vary, and their places; -1 for none."""

    def of(self, candidates: Sequence[Candidate]) -> Any:
        """The place of each candidate, -1 where it has none."""
        kept = self._kept
        if kept[0] is not candidates:
            places = [self.get(candidate.id, -1) for candidate in candidates]
            kept = candidates, np.array(places, dtype=np.int64)
            if isinstance(candidates, tuple):  # and so stays as it is
                self._kept = kept
        return kept[1]

    def picked(self, candidates: Sequence[Candidate], every: Any, otherwise: float) -> list[float]:
        """The number of each candidate among those of all items, or another where it has no place."""
        places = self.of(candidates)
        picked: list[float] = np.where(places >= 0, every[places], otherwise).tolist()
        return picked
