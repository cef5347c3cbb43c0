"""Looks for a request among the cells of attributes: somebody whom some rules fit, and others do not.

Rules are clauses, each of which is one bit. A value of an attribute is the bits of the clauses that it lets
hold; so a request is an AND of such bits, and is found by choosing value after value, missing ones first,
until none of the rules to be avoided is left. Where every choice was tried, there is none. That settles
nearly all questions in a fraction of a millisecond; a solver is asked the others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce
from itertools import accumulate, islice, product
from operator import and_, or_
from typing import Any, TypeAlias

from tailored.condition.compiled import compiled
from tailored.condition.normal import Literal
from tailored.condition.operators import LISTS
from tailored.condition.tree import Op, Test
from tailored.condition.types import Type
from tailored.proof.clauses import NOW, Asks, Clause, Key
from tailored.proof.columns import Column, Parts, lists, texts
from tailored.proof.domains import RELATIVE, ListCells, Mentioned, cells_of, moments
from tailored.proof.solving import Answer, Happens
from tailored.proof.symbols import OPT_OUTS, Request, build

MOST_PAIRS = 64
"""In how many ways two rules may meet that are looked at."""
MOST_STEPS = 400
"""How many values are tried for one question before it is left to a solver."""

_Values: TypeAlias = dict[int, Any]
"""By the place of its column, the value that is chosen; all others have the first value of their columns."""


class Search:
    """Some rules in their order, each as its clauses: whom do some of them fit, and none of those before?

    Rules go by their places; `before` gives all clauses of the rules before one, as bits.
    """

    def __init__(self, rules: Sequence[Sequence[Clause]], moment: datetime) -> None:
        self._moment = moment
        self._clauses = [clause for clauses in rules for clause in clauses]
        self._starts = [0, *accumulate(map(len, rules))]
        self._enough = sum(1 << at for at, clause in enumerate(self._clauses) if clause.enough)
        self._needed = sum(1 << at for at, clause in enumerate(self._clauses) if clause.needed)
        asked: dict[Key, dict[Asks, int]] = {}
        for at, clause in enumerate(self._clauses):
            for key, asks in clause.asks.items():
                bits = asked.setdefault(key, {})
                bits[asks] = bits.get(asks, 0) | 1 << at
        self._keys = sorted(asked, key=_turn)
        everything = (1 << len(self._clauses)) - 1
        self._columns = [_column(key, asked[key], everything, moment) for key in self._keys]
        """In the order in which values are chosen where all else is equal."""
        places = {key: place for place, key in enumerate(self._keys)}
        self._asks: list[dict[int, tuple[int, ...]]] = [
            {places[key]: (self._columns[places[key]].numbers[asks],) for key, asks in clause.asks.items()}
            for clause in self._clauses
        ]
        self._changing = frozenset(place for place, one in enumerate(self._columns) if one.unless)
        self._unread: dict[frozenset[int], int] = {}

    def before(self, place: int) -> int:
        """The clauses of the rules before one."""
        return (1 << self._starts[place]) - 1

    def may_meet(self, place: int, others: Iterable[int]) -> Iterator[int]:
        """Those of some rules that a rule may meet."""
        found = ~self._needed
        for at in self._ways(place):
            asks = self._asks[at].items() if self._clauses[at].needed else ()
            found |= reduce(and_, (self._columns[column].reach(asked[0]) for column, asked in asks), -1)
        return (other for other in others if found & self._bits(other))

    def ask(self, rules: Sequence[int], avoided: int, happens: Happens) -> Answer:
        """Whether something can happen for whom these rules fit, and none of some clauses."""
        ways = list(islice(product(*map(self._ways, rules)), MOST_PAIRS + 1))
        all_ways = len(ways) <= MOST_PAIRS and all(self._clauses[at].needed for way in ways for at in way)
        for avoid in dict.fromkeys((avoided, avoided & self._enough)):
            never = all_ways and not avoid & ~self._enough
            for way in ways[:MOST_PAIRS]:
                values, is_all = self._fitting(way, avoid)
                never = never and is_all and values is None
                request = None if values is None else self._request(values)
                if request is not None and happens(request):
                    return Answer(request)
            if never:
                return Answer(never=True)
        return Answer()

    def cover(self, rule: int) -> list[int] | None:
        """The fewest rules before one that leave nobody to it; None where nobody knows."""
        if not all(self._clauses[at].needed for at in self._ways(rule)):
            return None
        chosen: list[int] = []
        while (passing := self._passing(rule, chosen)) is not None:
            beaten = passing & self.before(rule) & self._enough
            if not beaten:
                return None
            chosen.append(bisect_right(self._starts, (beaten & -beaten).bit_length() - 1) - 1)
        for one in list(chosen):
            fewer = [other for other in chosen if other != one]
            if self._passing(rule, fewer) is None:
                chosen = fewer
        return sorted(chosen)

    def _passing(self, rule: int, others: Iterable[int]) -> int | None:
        """The clauses that fit somebody whom a rule fits and others do not: 0 if unknown, None if nobody."""
        avoid = self._enough & sum(map(self._bits, others))
        for at in self._ways(rule):
            values, is_all = self._fitting((at,), avoid)
            if values is not None:
                alive = (one.alive(values.get(place, one.default)) for place, one in enumerate(self._columns))
                return reduce(and_, alive, -1)
            if not is_all:
                return 0
        return None

    def _ways(self, rule: int) -> range:
        return range(self._starts[rule], self._starts[rule + 1])

    def _bits(self, rule: int) -> int:
        return (1 << self._starts[rule + 1]) - (1 << self._starts[rule])

    def _fitting(self, way: Sequence[int], avoid: int) -> tuple[_Values | None, bool]:
        """Values that all clauses of a way fit and none of those to avoid; and whether all were tried."""
        asks = dict(self._asks[way[0]])
        for at in way[1:]:
            for place, more in self._asks[at].items():
                asks[place] = asks[place] + more if asks.get(place, more) != more else more
        left = avoid & self._missing(frozenset(asks) | self._changing)
        for place in self._changing:
            if left & self._columns[place].asking:
                asks.setdefault(place, ())
        choosing = _Choosing([(place, self._columns[place], asks[place]) for place in sorted(asks)])
        return choosing.values(left), choosing.all_tried

    def _missing(self, read: frozenset[int]) -> int:
        """The clauses that hold for whom nothing is known but what is read."""
        if read not in self._unread:
            unread = (one.missing for place, one in enumerate(self._columns) if place not in read)
            self._unread[read] = reduce(and_, unread, -1)
        return self._unread[read]

    def _request(self, values: _Values) -> Request | None:
        """The request that has these values."""
        held: dict[Any, Any] = {}
        consents: dict[str, bool] = {}
        opt_outs: list[str] = []
        now = self._moment
        for place, value in values.items():
            key = self._keys[place]
            if key == NOW:
                now = value
            elif key[0] == "purpose":
                opt_outs += [] if value else [key[1]]
            elif key[0] == "consent":
                consents |= {key[1]: True} if value else {}
            elif value is not None:
                held[key] = value
        if opt_outs:
            held[OPT_OUTS] = (*held.get(OPT_OUTS, ()), *opt_outs)
        return build(held, consents, now)


class _Choosing:
    """Chooses a value of each column, as asked, so that no clause is left."""

    def __init__(self, choices: Sequence[tuple[int, Column, tuple[int, ...]]]) -> None:
        self._choices = choices
        self._stays = [-1] * (len(choices) + 1)
        """By depth, the clauses that no choice from there on takes away."""
        for depth in range(len(choices) - 1, -1, -1):
            _, column, asks = choices[depth]
            self._stays[depth] = self._stays[depth + 1] & reduce(or_, map(column.always, asks), 0)
        self._failed: set[tuple[int, int]] = set()
        self._steps = 0
        self.all_tried = True
        """Whether there is nothing else to try."""

    def values(self, left: int, depth: int = 0) -> _Values | None:
        """Values with which none of the clauses is left; None where none were found."""
        if depth == len(self._choices):
            return None if left else {}
        if left & self._stays[depth] or (depth, left) in self._failed:
            return None
        place, column, asks = self._choices[depth]
        tried: list[int] = []
        for option in column.options(asks, left):
            self._steps += 1
            if self._steps > MOST_STEPS:
                self.all_tried = False
                return None
            if option is None:
                self.all_tried = False
                continue
            less, value = option
            if any(one & less == one for one in tried):
                continue
            found = self.values(less, depth + 1)
            if found is not None:
                return {**found, place: value}
            tried.append(less)
        self._failed.add((depth, left))
        return None


def _column(key: Key, asked: Mapping[Any, int], everything: int, moment: datetime) -> Column:
    """What may be chosen for a key."""
    if key == NOW:
        ends = [end for (schedule,) in asked for end in schedule if end is not None]
        moments_told_apart = dict.fromkeys((moment, *moments(ends, moment).values))
        return Column(asked, everything, moments_told_apart, _is_awake, in_order=True)
    if key[0] == "purpose":
        return Column(asked, everything, (True, None), _is_given)
    if key[0] == "consent":
        return Column(asked, everything, (None, True), _is_given)
    mentioned = Mentioned(key[2])
    for asks in asked:
        for test, _ in asks:
            mentioned.tests[test] = None
            mentioned.listed = test.attribute.values
            if test.op in RELATIVE:
                mentioned.points.update(dict.fromkeys(_ends(test, moment)))
    cells = cells_of(mentioned)

    def passes(asks: Asks) -> Callable[[Any], bool]:
        checks = [compiled(Literal(*ask)) for ask in asks]
        if any(test.op is not Op.KNOWN for test, _ in asks):
            return lambda value: value is not None and all(check(value, moment) for check in checks)
        return lambda value: all(check(value, moment) for check in checks)

    if isinstance(cells, ListCells):
        return Parts(asked, everything, (None,), passes, lists(cells))
    if mentioned.patterns:
        return Parts(asked, everything, (None, *cells.values[:-1]), passes, texts(cells))
    return Column(asked, everything, (None, *cells.values), passes)


def _is_given(asks: Asks) -> Callable[[Any], bool]:
    return bool


def _is_awake(asks: Asks) -> Callable[[Any], bool]:
    ((start, end),) = asks
    return lambda now: (start is None or start <= now) and (end is None or now < end)


def _ends(test: Test, now: datetime) -> Iterator[Any]:
    """Between which values a test that depends on the moment is passed."""
    first = now - min(test.operand.length, now - datetime.min.replace(tzinfo=UTC))  # type: ignore[union-attr]
    yield from (first.date(), now.date()) if test.attribute.type is Type.DATE else (first, now)


def _turn(key: Key) -> tuple[int, str]:
    """When the value of a key is chosen: the moment first, lists later, what is opted out of last."""
    late = 3 if key[0] == "purpose" else 2 if key[-1] in (*LISTS, Type.STRING) else 1
    return (0 if key == NOW else late), repr(key)
