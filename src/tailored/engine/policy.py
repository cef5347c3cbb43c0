"""How a ranking chooses: the order, caps, diversity and exploration, and how likely each choice is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property, lru_cache
from hashlib import sha256
from itertools import chain
from math import floor, inf
from typing import Any, TypeAlias

from tailored.book.model import Ranking
from tailored.engine.kept import Kept
from tailored.scoring.protocol import Candidate
from tailored.scoring.scores import MOST_COMPARED, MOST_EXPLORED, Draws

MOST_SELECTED = 64
"""Selections from the same scores that are kept."""
DIGITS = 6
"""Of a propensity."""

Used: TypeAlias = dict[Hashable, int]
"""How often each value of a capped attribute stands in a list."""


class Policy:
    """Every list that one ranking may make of its candidates for a request, and how likely each is.

    Candidates are named by their places in the order of the book or the catalog. `draws` are equally likely
    lists of their scores, `later` those by which exploration is ordered; None is the rule's own order.
    """

    def __init__(
        self,
        ranking: Ranking,
        candidates: Sequence[Candidate],
        pinned: Sequence[Candidate],
        room: int,
        draws: Draws | None,
        later: Draws | None,
    ) -> None:
        self.ranking, self.candidates, self.pinned, self.room = ranking, candidates, pinned, room
        self.caps = _Caps(ranking, candidates, pinned)
        self.later = later
        self._draws: Sequence[tuple[float, ...] | None] = draws or (None,)
        self._tops: dict[int, _Top] = {}
        self._propensities: dict[int, float] = {}
        self._alike: dict[int, dict[int, float]] = {}
        """By the identity of a thing, how alike candidates are to it: every draw compares the same."""

    def drawn(self, draw: Callable[[str], float]) -> tuple[list[int], list[int]]:
        """What is kept of the top, and what is explored, in order; `draw` gives numbers from 0 to 1."""
        top = self._top(int(draw("draw") * len(self._draws)) if len(self._draws) > 1 else 0)
        if not top.fewest and not top.chance:
            return top.top, []
        number = min(top.fewest + (draw("share") < top.chance), len(top.pool))
        return top.select(number, int(draw("offset") * len(top.drawn)))

    def propensity(self, candidate: int) -> float:
        """The probability that a candidate is placed, over all draws."""
        found = self._propensities.get(candidate)
        if found is None:
            tops = [self._top(draw) for draw in range(len(self._draws))]
            found = round(sum(top.probability(candidate) for top in tops) / len(tops), DIGITS)
            self._propensities[candidate] = found
        return found

    def compare(self, near: dict[int, float], other: Candidate, over: Sequence[str]) -> None:
        """Raises what is known of each candidate's likeness to those before it to that to one more."""
        known = self._alike.setdefault(id(other), {})
        for one, most in near.items():
            likeness = known.get(one)
            if likeness is None:
                likeness = known[one] = _alike(self.candidates[one], other, over)
            if likeness > most:
                near[one] = likeness

    def _top(self, draw: int) -> _Top:
        if draw not in self._tops:
            self._tops[draw] = _Top(self, self._draws[draw])
        return self._tops[draw]


class _Top:
    """What follows from one list of scores: the top, and what exploration may put in its place."""

    def __init__(self, policy: Policy, scores: tuple[float, ...] | None) -> None:
        self._caps = policy.caps
        self._order = _order(scores, len(policy.candidates))
        self.top = self._greedy(policy, scores)
        explore = policy.ranking.explore
        share = explore.share * len(self.top) if explore is not None else 0.0
        self.fewest = floor(share)
        self.chance = share - self.fewest
        self.first: list[int] = []
        self.drawn: list[int] = []
        if explore is not None and share > 0:
            in_top = set(self.top)
            rest = [one for one in self._order if one not in in_top]
            by_id = {policy.candidates[one].id: one for one in rest} if explore.first else {}
            self.first = [by_id[name] for name in dict.fromkeys(explore.first) if name in by_id]
            others = [one for one in rest[:MOST_EXPLORED] if one not in self.first]
            if policy.later is not None:
                scored = policy.later[0]
                self.first += sorted(others, key=lambda one: -scored[one])
            else:
                self.drawn = sorted(others, key=lambda one: _mixed(policy.candidates[one].id))
        self.pool = [*self.first, *self.drawn]
        self._selected: Kept[tuple[int, int], tuple[list[int], list[int]]] = Kept(MOST_SELECTED)

    def select(self, number: int, offset: int) -> tuple[list[int], list[int]]:
        """What is kept, and what is explored: so many, beginning with those named, then from an offset on.

        Where caps leave less than that, the order fills up.
        """
        found = self._selected.get((number, offset))
        if found is None:
            found = self._select(number, offset)
            self._selected.keep((number, offset), found)
        return found

    def _select(self, number: int, offset: int) -> tuple[list[int], list[int]]:
        kept = self.top[: len(self.top) - number]
        if number == 0:
            return kept, []
        used = self._caps.used(kept)
        explored: list[int] = []
        for one in chain(self.first, self.drawn[offset:], self.drawn[:offset]):
            if len(explored) == number:
                break
            if self._caps.take(used, one):
                explored.append(one)
        if len(explored) < number:
            missing = number - len(explored)
            rest = (one for one in self._order if one not in kept and one not in explored)
            kept += _first(missing, (one for one in rest if self._caps.take(used, one)))
        return kept, explored

    def probability(self, candidate: int) -> float:
        """The probability that a candidate is placed, given these scores."""
        if not self.pool or self.fewest + self.chance == 0:
            return float(candidate in self._in_top)
        if self._caps:
            return self._enumerated.get(candidate, 0.0)
        found = 0.0
        for number, chance in self._numbers():
            if candidate in self._in_top:
                found += chance * (self._in_top[candidate] < len(self.top) - number)
            elif candidate in self._in_first:
                found += chance * (self._in_first[candidate] < number)
            else:
                found += chance * max(0, number - len(self.first)) / len(self.drawn)
        return found

    @cached_property
    def _in_top(self) -> dict[int, int]:
        return {one: place for place, one in enumerate(self.top)}

    @cached_property
    def _in_first(self) -> dict[int, int]:
        return {one: place for place, one in enumerate(self.first)}

    def _numbers(self) -> list[tuple[int, float]]:
        """How many may be explored, each with its probability."""
        most = len(self.pool)
        return [(min(self.fewest, most), 1 - self.chance), (min(self.fewest + 1, most), self.chance)]

    @cached_property
    def _enumerated(self) -> dict[int, float]:
        """The probabilities where caps make one choice depend on another: over all offsets."""
        found: dict[int, float] = {}
        for number, chance in self._numbers():
            for chosen, share in self._lists(number) if chance else ():
                for one in chosen:
                    found[one] = found.get(one, 0.0) + chance * share
        return found

    def _lists(self, number: int) -> Iterator[tuple[Sequence[int], float]]:
        """What may be placed when so many are explored, in parts, each with its probability."""
        kept = self.top[: len(self.top) - number]
        used = self._caps.used(kept)
        named = _first(number, (one for one in self.first if self._caps.take(used, one)))
        fitting = [place for place, one in enumerate(self.drawn) if self._caps.fits(used, one)]
        missing = number - len(named)
        if not missing or not fitting:
            yield [one for part in self.select(number, 0) for one in part], 1.0
            return
        yield [*kept, *named], 1.0
        ones = [self.drawn[place] for place in fitting]
        before = fitting[-1] - len(self.drawn)
        for start, place in enumerate(fitting):  # every offset after the one before leads to this one
            share, before = (place - before) / len(self.drawn), place
            if missing == 1:
                yield ones[start : start + 1], share
                continue
            taken = dict(used)
            walk = (one for one in chain(ones[start:], ones[:start]) if self._caps.take(taken, one))
            explored = _first(missing, walk)
            if len(explored) < missing:  # then the order fills up, beside what is kept
                whole = {one for part in self.select(number, place) for one in part}
                explored = [*whole.difference(kept, named)]
            yield explored, share

    def _greedy(self, policy: Policy, scores: tuple[float, ...] | None) -> list[int]:
        """The first of the order that caps let through, each as unlike those before it as is asked for."""
        used = self._caps.used([])
        diversity = policy.ranking.diversity
        if diversity is None or diversity.weight == 0:
            return _first(policy.room, (one for one in self._order if self._caps.take(used, one)))
        over = [key.removeprefix("item.") for key in diversity.over]
        weight = diversity.weight
        worth = [(1 - weight) * one for one in _relevance(scores, self._order)]
        near = dict.fromkeys(self._order[:MOST_COMPARED], 0.0)

        for pinned in policy.pinned:
            policy.compare(near, pinned, over)
        top: list[int] = []
        while len(top) < policy.room:
            best, most = -1, -inf
            for one, likeness in near.items():
                if worth[one] - weight * likeness > most and self._caps.fits(used, one):
                    best, most = one, worth[one] - weight * likeness
            if best < 0:
                break
            self._caps.take(used, best)
            top.append(best)
            del near[best]
            policy.compare(near, policy.candidates[best], over)
        rest = (one for one in self._order[MOST_COMPARED:] if self._caps.take(used, one))
        return top + _first(policy.room - len(top), rest)


class _Caps:
    """How many of a list may have a value in common. It is false where there is no cap."""

    def __init__(
        self, ranking: Ranking, candidates: Sequence[Candidate], pinned: Sequence[Candidate]
    ) -> None:
        self._caps = [(cap.per.removeprefix("item."), cap.number) for cap in ranking.at_most]
        self._candidates = candidates
        self._known: dict[int, list[tuple[tuple[int, Hashable], int]]] = {}
        self._pinned: Used = {}
        for one in pinned:
            _add(self._pinned, self._counted(one))

    def __bool__(self) -> bool:
        return bool(self._caps)

    def used(self, chosen: Sequence[int]) -> Used:
        """What a list with these, and with what is pinned, has in common."""
        used = dict(self._pinned)
        if self._caps:
            for one in chosen:
                _add(used, self._values(one))
        return used

    def fits(self, used: Used, one: int) -> bool:
        """Whether a candidate may be added to a list."""
        return not self._caps or all(used.get(value, 0) < most for value, most in self._values(one))

    def take(self, used: Used, one: int) -> bool:
        """Adds a candidate to a list, if it may be."""
        if not self.fits(used, one):
            return False
        if self._caps:
            _add(used, self._values(one))
        return True

    def _values(self, one: int) -> list[tuple[tuple[int, Hashable], int]]:
        """What of a candidate is counted, each with how often it may be there."""
        known = self._known.get(one)
        if known is None:
            known = self._known[one] = self._counted(self._candidates[one])
        return known

    def _counted(self, candidate: Candidate) -> list[tuple[tuple[int, Hashable], int]]:
        return [
            ((place, value), most)
            for place, (name, most) in enumerate(self._caps)
            for value in _several(candidate.attributes.get(name))
        ]


def _add(used: Used, counted: list[tuple[tuple[int, Hashable], int]]) -> None:
    for value, _ in counted:
        used[value] = used.get(value, 0) + 1


def _several(value: Any) -> Sequence[Any]:
    """The values that an attribute holds; none where it is missing or empty."""
    if isinstance(value, tuple):
        return value
    return () if value is None or value == "" else (value,)


def _order(scores: tuple[float, ...] | None, number: int) -> list[int]:
    """The highest score first; of equals, the first."""
    if scores is None:
        return list(range(number))
    return sorted(range(number), key=scores.__getitem__, reverse=True)


def _relevance(scores: tuple[float, ...] | None, order: list[int]) -> list[float]:
    """From 1 for the best to 0 for the worst: by scores, or by places where there are none."""
    if scores is None:
        last = max(1, len(order) - 1)
        return [(len(order) - 1 - place) / last if len(order) > 1 else 1.0 for place in range(len(order))]
    low, high = min(scores), max(scores)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]


def _alike(one: Candidate, other: Candidate, over: Sequence[str]) -> float:
    """How alike two are, from 0 to 1: the mean over attributes; lists by what they share (Jaccard)."""
    return sum(_same(one.attributes.get(name), other.attributes.get(name)) for name in over) / max(
        1, len(over)
    )


def _same(one: Any, other: Any) -> float:
    if one is None or other is None:
        return 0.0
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len({*one} & {*other}) / max(1, len({*one} | {*other}))
    return float(one == other)


def _first(number: int, found: Iterator[int]) -> list[int]:
    """The first so many; no more are looked at."""
    taken: list[int] = []
    while len(taken) < number and (one := next(found, None)) is not None:
        taken.append(one)
    return taken


@lru_cache(maxsize=100_000)
def _mixed(name: str) -> bytes:
    """Orders ids in a way that has nothing to do with what they name."""
    return sha256(name.encode()).digest()
