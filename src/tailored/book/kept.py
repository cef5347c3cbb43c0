"""What need not be worked out again by a process that checks one book after every change.

Only what follows from a text alone is kept, with that text as its key: so it cannot be out of date. What a
check did not need is gone after it, so no more is kept than a book is made of. What is kept is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

MOST = 2_000_000
"""Characters of the texts of which something is kept; what comes of one is up to a hundred times as large."""
_Known = dict[str | bytes, dict[Hashable, Any]]


class Kept:
    """What the last check worked out, by the texts and then the keys."""

    def __init__(self) -> None:
        self._last: _Known = {}
        self._next: _Known = {}
        self._size = 0

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Within this, `kept` gives what the check before needed, too. Nothing is left where it fails."""
        before = _IN_USE.set(self)
        try:
            yield
            self._last = self._next
        except BaseException:
            self._last = {}
            raise
        finally:
            self._next, self._size = {}, 0
            _IN_USE.reset(before)

    def get(self, text: str | bytes, key: Hashable, make: Callable[[], T]) -> T:
        if text not in self._next:
            self._size += len(text)
            if self._size > MOST:
                return make()
            self._next[text] = {}
        known, last = self._next[text], self._last.get(text, {})
        if key not in known:
            known[key] = last[key] if key in last else make()
        found: T = known[key]
        return found


_IN_USE: ContextVar[Kept | None] = ContextVar("kept", default=None)


def kept(text: str | bytes | None, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, or gave for the same text and key, where that is kept: what it raises never is."""
    here = _IN_USE.get()
    return make() if here is None or text is None else here.get(text, key, make)
