"""Tables of what is kept because it will be asked for again, of a bounded size."""

from __future__ import annotations

from typing import TypeVar

MOST_KEPT = 512
"""Lists of candidates, ways to choose from them, and placements that are kept, of each so many."""
MOST_OUTCOMES = 2048
"""Outcomes of rankings, and things that they place, that are kept."""
MOST_KEPT_OF = 500
"""Candidates of a list that is kept."""

K = TypeVar("K")
V = TypeVar("V")


class Kept(dict[K, V]):
    """What is kept, under what tells it from others. Threads share it: whatever is lost is made again.

    Where the identity of a thing is part of a key, the thing must be held by what is kept, so that no other
    gets its identity.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        super().__init__()
        self._most = most

    def keep(self, known: K, one: V) -> None:
        """Keeps something; begins anew when there is too much."""
        if len(self) >= self._most:
            self.clear()
        self[known] = one
