"""Remembers decisions, for streams of requests that repeat: off unless an engine is asked to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Any

from tailored.book.model import RuleBook
from tailored.condition.tree import Condition, Op, Test, leaves
from tailored.engine.decision import Decision
from tailored.engine.facts import Facts, FactsReader
from tailored.guard.permissions import Permissions
from tailored.guard.report import uses_of


class Memory:
    """The decisions that were asked for last, by all that they depend on. Threads may share it.

    That is what the book reads of a request, what the request permits, and the moment, as far as schedules
    tell moments apart; where a condition asks for what was `in the last` days, each moment is its own.
    Requests with anything odd in them are not remembered.
    """

    def __init__(self, book: RuleBook, reader: FactsReader, size: int) -> None:
        """Raises ImportError without cachetools, ValueError where the book or the size does not fit."""
        try:
            from cachetools import LRUCache
        except ImportError:
            raise ImportError(
                "Decisions are remembered with cachetools: pip install 'tailored[cache]'."
            ) from None
        if size < 1:
            raise ValueError("`remember` is the number of decisions to keep, 1 or more.")
        if book.scorers:
            raise ValueError("Decisions of a book with scorers cannot be remembered, since scorers learn.")
        self._reader = reader
        read = uses_of(book)
        self._places = [place for place, key in enumerate(reader.keys) if key in read]
        self._is_read = [key in read for key in reader.keys]
        self._moments = sorted({time for rule in book.rules for time in (rule.start, rule.end) if time})
        self._each_moment = any(map(_asks_for_now, _conditions(book)))
        self._decisions: Any = LRUCache(size)
        self._lock = Lock()

    def evaluate(
        self,
        user: Mapping[str, object],
        context: Mapping[str, object],
        now: datetime,
        decide: Callable[[Facts], Decision],
    ) -> Decision:
        """The decision for a request, remembered or made."""
        glanced = self._reader.glance(user, context, now)
        if glanced is not None:
            asked = self._key(*glanced, now)
            with self._lock:
                decision: Decision | None = self._decisions.get(asked)
            if decision is not None:
                return decision
        facts = self._reader.read(user, context, now)
        if glanced is None or not facts.is_ordinary:
            return decide(facts)
        # What no rule reads of this request must not stay behind `why` of a decision that others get, too.
        made = decide(facts.without(self._is_read))
        with self._lock:
            self._decisions[self._key(facts.permissions, facts.raws, now)] = made
        return made

    def _key(self, permissions: Permissions, raws: Sequence[Any], now: datetime) -> tuple[Any, ...]:
        return (
            now if self._each_moment else bisect_right(self._moments, now),
            frozenset(permissions.consents.items()),
            permissions.opt_outs,
            *[raws[place] for place in self._places],
        )


def _conditions(book: RuleBook) -> Iterator[Condition]:
    for rule in book.rules:
        yield rule.when
    for segment in book.segments.values():
        yield segment.when


def _asks_for_now(condition: Condition) -> bool:
    return any(
        isinstance(leaf, Test) and leaf.op in (Op.IN_THE_LAST, Op.NOT_IN_THE_LAST)
        for leaf in leaves(condition)
    )
