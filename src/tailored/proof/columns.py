"""The values of one attribute for a search: of each, the clauses that it lets hold, as bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, islice, product
from operator import and_, or_
from typing import Any, TypeAlias

from tailored.condition.tree import Op, Test
from tailored.condition.types import Type
from tailored.proof.domains import PATTERNS, Cells, ListCells
from tailored.proof.texts import Unsure, text_with

Option: TypeAlias = tuple[int, Any] | None
"""The clauses that are left with a value, and the value."""
Passes: TypeAlias = Callable[[Any], Callable[[Any], bool]]
"""Makes what tells whether a value is as something asks."""
Made: TypeAlias = Callable[[frozenset[Any], list[Any], frozenset[Any]], Iterator[Any]]
"""Values that have all of some parts, as many as may be of others (the best first), and none of the last.

Gives None where there are more.
"""

_count = int.bit_count
MOST_PARTS = 5
"""Of how many members of a list, or parts of a text, every combination is tried."""
MOST_CHOICES = 200
"""How many values are tried that differ in nothing else."""


class Column:
    """What may be chosen for one thing that clauses ask about: of each value, the clauses that it lets hold.

    What they ask is numbered. The first value is that of a request of which nothing is known.
    """

    def __init__(
        self,
        asked: Mapping[Any, int],
        everything: int,
        values: Iterable[Any],
        passes: Passes,
        in_order: bool = False,
    ) -> None:
        """`asked` is what clauses ask, with their bits. Of values `in_order` those before are better."""
        self.numbers = {asks: number for number, asks in enumerate(asked)}
        self._bits = list(asked.values())
        self._checks = [passes(asks) for asks in asked]
        self._values, self._in_order = tuple(values), in_order
        self.asking = reduce(or_, self._bits)
        """The clauses that ask anything."""
        self._others = everything & ~self.asking
        self._known: dict[Any, int] = {}
        self._alive = [self.alive(value) for value in self._values]
        everywhere = (1 << len(self._values)) - 1
        self._fitting = [
            sum(1 << at for at, alive in enumerate(self._alive) if alive & bits) for bits in self._bits
        ]
        """By what is asked, the values that are so, as bits."""
        self._all = everywhere
        self._always: dict[int, int] = {}
        self._reach: dict[int, int] = {}
        self.default, self.missing = self._values[0], self._alive[0]
        """The first value, and the clauses that it lets hold."""
        self.unless = self.missing & self.asking
        """Those of them that another value may not let hold."""

    def alive(self, value: Any) -> int:
        """The clauses that a value lets hold."""
        if value not in self._known:
            held = [bits for check, bits in zip(self._checks, self._bits, strict=True) if check(value)]
            self._known[value] = reduce(or_, held, self._others)
        return self._known[value]

    def options(self, asks: tuple[int, ...], left: int) -> Iterable[Option]:
        """Values that are as asked, those first that leave the fewest of some clauses; None for others."""
        found: dict[int, Any] = {}
        for at in places(reduce(and_, (self._fitting[number] for number in asks), self._all)):
            found.setdefault(self._alive[at] & left, self._values[at])
            if not left:
                break
        return (
            found.items() if self._in_order else [(less, found[less]) for less in sorted(found, key=_count)]
        )

    def always(self, asks: int) -> int:
        """Clauses that each value lets hold that is as asked."""
        if asks not in self._always:
            self._always[asks] = reduce(and_, (self._alive[at] for at in places(self._fitting[asks])), -1)
        return self._always[asks]

    def reach(self, asks: int) -> int:
        """The clauses that some value that is as asked may let hold."""
        if asks not in self._reach:
            self._reach[asks] = reduce(or_, (self._alive[at] for at in places(self._fitting[asks])), 0)
        return self._reach[asks]


def places(bits: int) -> Iterator[int]:
    """The places of ones among bits.

    >>> list(places(0b1011))
    [0, 1, 3]
    """
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is asked of the parts of a value: the members of a list, or the patterns of a text."""

    has: frozenset[Any] = frozenset()
    lacks: frozenset[Any] = frozenset()
    one_of: tuple[frozenset[Any], ...] = ()
    """Groups of parts; of each it has one."""
    not_all: bool = False
    """Whether it is also asked not to have all of several."""

    def joined(self, other: _Wish) -> _Wish:
        """What both ask."""
        not_all = self.not_all or other.not_all
        return _Wish(self.has | other.has, self.lacks | other.lacks, self.one_of + other.one_of, not_all)


def _wish(test: Test, wanted: bool) -> _Wish:
    """What a test asks of parts; nothing where it asks something else."""
    if test.attribute.type is Type.STRING:
        part = frozenset((test,) if test.op in PATTERNS else ())
        return _Wish(has=part) if wanted else _Wish(lacks=part)
    if test.op not in _MEMBERS:
        return _Wish()
    members = frozenset(test.operand if isinstance(test.operand, tuple) else (test.operand,))
    if test.op is Op.CONTAINS_ALL and len(members) > 1:
        return _Wish(has=members) if wanted else _Wish(not_all=True)
    if wanted is (test.op is Op.CONTAINS_NONE):
        return _Wish(lacks=members)
    return _Wish(has=members) if len(members) == 1 else _Wish(one_of=(members,))


_MEMBERS = (Op.CONTAINS, Op.CONTAINS_ANY, Op.CONTAINS_ALL, Op.CONTAINS_NONE)


class Parts(Column):
    """The same for a list or a text: of values there is no end, so those are made that a question needs."""

    def __init__(
        self, asked: Mapping[Any, int], everything: int, values: Iterable[Any], passes: Passes, made: Made
    ) -> None:
        super().__init__(asked, everything, values, passes)
        self._make = made
        self._wishes = [reduce(_Wish.joined, (_wish(*ask) for ask in asks), _Wish()) for asks in asked]

    def always(self, asks: int) -> int:
        return self._others

    def reach(self, asks: int) -> int:
        return -1

    def options(self, asks: tuple[int, ...], left: int) -> Iterator[Option]:
        wish = reduce(_Wish.joined, (self._wishes[number] for number in asks), _Wish())
        yield from super().options(asks, left)
        if wish.not_all:
            yield None
        asking = [self._checks[number] for number in asks]
        rivals = [number for number, bits in enumerate(self._bits) if bits & left]
        for value in (
            () if wish.has & wish.lacks else self._made(wish, {n: self._bits[n] & left for n in rivals})
        ):
            if value is None:
                yield None
            elif all(check(value) for check in asking):
                held = (self._bits[number] for number in rivals if self._checks[number](value))
                yield reduce(or_, held, self._others) & left, value

    def _made(self, wish: _Wish, rivals: Mapping[int, int]) -> Iterator[Any]:
        """Values as wished that leave few clauses of what rivals ask; None where others may be better."""
        if any(self._wishes[number].not_all for number in rivals):
            yield None
        spoilt: dict[Any, int] = {}
        helps: set[Any] = set()
        for number, bits in rivals.items():
            one = self._wishes[number]
            helps |= one.has.union(*one.one_of)
            for part in one.lacks:
                spoilt[part] = spoilt.get(part, 0) | bits
        free = spoilt.keys() - wish.has - wish.lacks
        good = _worth_having({part: spoilt[part] for part in sorted(free - helps, key=repr)})
        either = sorted(free & helps, key=repr)
        if len(either) > MOST_PARTS:
            yield None
        for size in range(len(either[:MOST_PARTS]) + 1):
            for some in combinations(either[:MOST_PARTS], size):
                has = wish.has.union(some)
                groups = [one - wish.lacks for one in wish.one_of if one.isdisjoint(has.union(good))]
                found = product(
                    *(sorted(one - helps, key=repr)[:1] or sorted(one, key=repr) for one in groups)
                )
                for chosen in islice(found, MOST_CHOICES):
                    held = has.union(chosen)
                    yield from self._make(held, good, wish.lacks.union(helps, spoilt) - held.union(good))
                if next(found, None) is not None:
                    yield None


def _worth_having(spoilt: Mapping[Any, int]) -> list[Any]:
    """Parts, by the bits of what they spoil, without those beside which another spoils as much."""
    kept: dict[int, Any] = {}
    for part in sorted(spoilt, key=lambda part: -spoilt[part].bit_count()):
        bits = spoilt[part]
        if not any(bits & more == bits for more in kept):
            kept[bits] = part
    return list(kept.values())


def lists(cells: ListCells) -> Made:
    """Makes lists of each size."""

    def made(has: frozenset[Any], good: list[Any], lacks: frozenset[Any]) -> Iterator[Any]:
        sizes = cells.sizes.values
        for place in range(len(sizes) - 1, -1, -1):
            room = sizes[place] - len(has)
            if place == len(sizes) - 1 or len(good) <= room:
                yield cells.filled(has.union(good), place)
            elif room >= 0:
                some = combinations(good, room)
                for extra in islice(some, MOST_CHOICES):
                    yield cells.filled(has.union(extra), place)
                if next(some, None) is not None:
                    yield None

    return made


def texts(cells: Cells) -> Made:
    """Makes texts that no test names; where parts exclude each other, not the best."""
    known: dict[frozenset[tuple[Test, bool]], str | None] = {}

    def text(wanted: frozenset[tuple[Test, bool]]) -> str | None:
        if wanted not in known:
            try:
                known[wanted] = text_with(sorted(wanted, key=repr), set(cells.values[:-1]))
            except Unsure:
                known[wanted] = None
        return known[wanted]

    def made(has: frozenset[Any], good: list[Any], lacks: frozenset[Any]) -> Iterator[Any]:
        failed = frozenset((test, False) for test in lacks)
        found = text(failed.union((test, True) for test in has.union(good)))
        yield found
        if found is None:
            yield text(failed.union((test, True) for test in has))

    return made
