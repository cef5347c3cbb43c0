"""The cheap way: what a condition asks of each attribute by itself, as bits of cells.

Two rules whose boxes share no cell of some attribute cannot meet, and need no solver. A request made from
boxes is a good guess, which a replay confirms or not. Only a solver can say that something never happens.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any

from tailored.book.model import Rule
from tailored.condition.normal import Both, Either, Normal
from tailored.condition.tree import Attribute, InSegment, Op, Test, attributes_read
from tailored.proof.domains import RELATIVE, Cells
from tailored.proof.reader import Reader
from tailored.proof.symbols import Members, Place, Request, build, place_of, runs
from tailored.proof.texts import Unsure, text_with

MOST_GUESSES = 16
"""How many requests are guessed for one question."""
MOST_WAYS = 8
"""How many ways through its branches are looked at of one condition."""
MOST_BUCKETS = 64
"""Into how many buckets the cells of an attribute are put to find rules that may meet."""
_PASSES_WITH = {Op.CONTAINS: True, Op.CONTAINS_ANY: True, Op.CONTAINS_ALL: True, Op.CONTAINS_NONE: False}
"""Whether having members is what passes a test of a list."""


@dataclass(slots=True)
class Box:
    """What must hold of single attributes: their cells, the members of lists, and `now`."""

    cells: dict[Place, int] = field(default_factory=dict)
    """The cells that a value may be in, as bits; it must be known."""
    missing: set[Place] = field(default_factory=set)
    has: dict[Place, set[Any]] = field(default_factory=dict)
    """The members of a list, or what tests on parts of a text ask of it: the test, and whether it passes."""
    lacks: dict[Place, set[Any]] = field(default_factory=dict)
    """The members that a list must not have."""
    start: datetime | None = None
    end: datetime | None = None

    def copy(self) -> Box:
        """The same, to be narrowed further."""
        has, lacks = (
            {place: set(members) for place, members in held.items()} for held in (self.has, self.lacks)
        )
        return Box(dict(self.cells), set(self.missing), has, lacks, self.start, self.end)

    def meets(self, other: Box) -> bool:
        """Whether something may be in both."""
        if not (self.missing.isdisjoint(other.cells) and other.missing.isdisjoint(self.cells)):
            return False
        theirs = other.cells
        return all(mask & theirs[place] for place, mask in self.cells.items() if place in theirs)

    def joined(self, other: Box) -> Box:
        """What must hold of what is in both."""
        box = self.copy()
        for place, mask in other.cells.items():
            box.cells[place] = box.cells.get(place, mask) & mask
        box.missing |= other.missing
        for mine, theirs in ((box.has, other.has), (box.lacks, other.lacks)):
            for place, members in theirs.items():
                mine[place] = mine.get(place, set()) | members
        box.start = max(filter(None, (box.start, other.start)), default=None)
        box.end = min(filter(None, (box.end, other.end)), default=None)
        return box


def _by_none(request: Request) -> tuple[Rule, ...]:
    return ()


class Boxes:
    """The boxes of the rules of one book."""

    def __init__(self, reader: Reader, now: datetime) -> None:
        self._reader, self._symbols, self._now = reader, reader.symbols, now
        self._boxes: dict[str, Box] = {}
        self._ways: dict[str, list[Box]] = {}
        self._masks: dict[tuple[Test, bool], int] = {}
        self._texts: dict[tuple[Place, frozenset[tuple[Test, bool]]], str | None] = {}

    def of(self, rule: Rule) -> Box:
        """What a rule asks of single attributes whatever else holds: it never fires outside of its box."""
        if rule.id not in self._boxes:
            box = Box(start=rule.start, end=rule.end)
            normal = self._reader.normal(rule.when)
            self._boxes[rule.id] = next(self._narrowed(box, (normal,), branches=False), box)
        return self._boxes[rule.id]

    def guesses(
        self, rule: Rule, other: Rule | None = None, beaten: Callable[[Request], Iterable[Rule]] = _by_none
    ) -> Iterator[Request]:
        """Requests with which these rules may well be used, each beside what beat those before."""
        ours, theirs = self._ways_of(rule), [Box()] if other is None else self._ways_of(other)
        dice = random.Random(f"{rule.id} {other and other.id}")
        pairs = [(one, two) for one in ours for two in theirs if one.meets(two)]
        left, fresh = None, True
        for number in range(MOST_GUESSES):
            if left is None:
                if not pairs:
                    return
                pair = dice.choice(pairs) if number else pairs[0]
                left, fresh = pair[0].joined(pair[1]), True
            request = self._request(left, _any_of(dice) if number else _lowest)
            if request is not None:
                yield request
            left = None if request is None else self._beside(left, beaten(request), dice)
            if left is None and fresh:
                pairs.remove(pair)
            fresh = False

    def _beside(self, box: Box, rules: Iterable[Rule], dice: random.Random) -> Box | None:
        """What is left of a box beside those of some rules: other cells of one attribute, or a member."""
        for rule in rules:
            theirs = self.of(rule)
            ways: list[tuple[Place, Any]] = [
                (place, None) for place, mask in box.cells.items() if mask & ~theirs.cells.get(place, mask)
            ]
            for place in theirs.lacks.keys() & box.cells.keys():
                ways += [(place, one) for one in sorted(theirs.lacks[place] - box.lacks.get(place, set()))]
            if not ways:
                return None
            place, member = dice.choice(ways)
            if member is None:
                box.cells[place] &= ~theirs.cells[place]
            else:
                box.has.setdefault(place, set()).add(member)
        return box

    def _ways_of(self, rule: Rule) -> list[Box]:
        """Boxes of some ways through the branches of a rule, with all that it reads."""
        if rule.id not in self._ways:
            start = Box(start=rule.start, end=rule.end)
            ways = self._narrowed(start, (self._reader.normal(rule.when),), branches=True)
            found = self._ways[rule.id] = list(islice(ways, MOST_WAYS))
            for place in map(place_of, read_by_rankings(rule)):
                for box in found:
                    if place not in box.missing:
                        box.cells.setdefault(place, self.whole(place))
        return self._ways[rule.id]

    def _narrowed(self, box: Box, normals: tuple[Normal, ...], branches: bool) -> Iterator[Box]:
        """A box, narrowed to where all of some conditions may hold, for each way through their branches."""
        if not normals:
            yield box
            return
        normal, *rest = normals
        if isinstance(normal, Both):
            # the branches last: what all of them need is known by then
            parts = sorted((*normal.parts, *rest), key=lambda part: isinstance(part, Either))
            yield from self._narrowed(box, tuple(parts), branches)
        elif isinstance(normal, Either):
            ways = [(part, *rest) for part in normal.parts] if branches else [tuple(rest)]
            for way in ways:
                yield from self._narrowed(box.copy(), way, branches)
        elif isinstance(normal.leaf, InSegment):
            segment = self._reader.book.segments[normal.leaf.id]
            within = self._reader.normal(segment.when, normal.wanted)
            yield from self._narrowed(box, (within, *rest), branches)
        elif not isinstance(normal.leaf, Test) or self._test(box, normal.leaf, normal.wanted):
            yield from self._narrowed(box, tuple(rest), branches)

    def _test(self, box: Box, test: Test, wanted: bool) -> bool:
        place = place_of(test.attribute)
        if test.op is Op.KNOWN and test.operand is not wanted:
            box.missing.add(place)
            return place not in box.cells
        if place in box.missing:
            return False
        value, whole = self._symbols.variables[place].value, self.whole(place)
        mask = whole if test.op is Op.KNOWN else self._mask(test, wanted, whole)
        left = box.cells[place] = box.cells.get(place, whole) & mask
        if isinstance(value, Members) and test.op in _PASSES_WITH:
            members = test.operand if isinstance(test.operand, tuple) else (test.operand,)
            held, lacked = box.has.setdefault(place, set()), box.lacks.setdefault(place, set())
            if _PASSES_WITH[test.op] is not wanted:
                if test.op is not Op.CONTAINS_ALL:
                    lacked.update(members)
            elif test.op is Op.CONTAINS_ALL:
                held.update(members)
            elif held.isdisjoint(members):
                held.update([one for one in members if one not in lacked][:1])
        elif test in self._symbols.variables[place].patterns:
            box.has.setdefault(place, set()).add((test, wanted))
        return left != 0

    def _text(self, place: Place, cells: Cells, parts: frozenset[tuple[Test, bool]]) -> str | None:
        """A text that no test names and that passes and fails some tests on parts; None if none is found."""
        if (place, parts) not in self._texts:
            try:
                self._texts[place, parts] = text_with(sorted(parts, key=repr), set(cells.values[:-1]))
            except Unsure:
                self._texts[place, parts] = None
        return self._texts[place, parts]

    def whole(self, place: Place) -> int:
        """All cells of a place."""
        value = self._symbols.variables[place].value
        return (1 << len(value.size.cells.values if isinstance(value, Members) else value.cells.values)) - 1

    def _mask(self, test: Test, wanted: bool, whole: int) -> int:
        """The cells in which a value may pass a test; all of them where cells do not tell."""
        known = (test, wanted)
        if known not in self._masks:
            variable = self._symbols.variables[place_of(test.attribute)]
            value = variable.value
            mask = whole
            if isinstance(value, Members):
                if test.op is Op.SIZE:
                    mask = value.cells.size_mask(test.operand, wanted)  # type: ignore[arg-type]
            elif test.op not in RELATIVE:
                mask = value.cells.mask(test, wanted)
                if test in variable.patterns:
                    mask |= 1 << (value.cells.other or 0)
            self._masks[known] = mask
        return self._masks[known]

    def _request(self, box: Box, pick: Callable[[int], int]) -> Request | None:
        values: dict[Place, Any] = {}
        for place, mask in box.cells.items():
            if not mask or place in box.missing:
                return None
            variable = self._symbols.variables[place]
            if isinstance(variable.value, Members):
                if not box.has.get(place, set()).isdisjoint(box.lacks.get(place, ())):
                    return None
                lowest = _smallest(variable.value.size.cells, mask, len(box.has.get(place, ())))
                if lowest is None:
                    return None
                values[place] = variable.value.filled(sorted(box.has.get(place, ()), key=repr), lowest)
            else:
                cell = pick(mask)
                values[place] = variable.value.cells.values[cell]
                if place in box.has and cell == variable.value.cells.other:
                    values[place] = self._text(place, variable.value.cells, frozenset(box.has[place]))
                    if values[place] is None:
                        return None
        now = self._now
        if box.start is not None and now < box.start:
            now = box.start
        if box.end is not None and now >= box.end:
            now = box.end - timedelta(microseconds=1)
        return build(values, dict.fromkeys(self._symbols.flags, True), now)


def _smallest(sizes: Cells, mask: int, least: int) -> int | None:
    """The first cell of sizes among some in which a list with so many members fits."""
    last = len(sizes.values) - 1
    for place, size in enumerate(sizes.values):
        if mask >> place & 1 and (size >= least or place == last):
            return place
    return None


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _any_of(dice: random.Random) -> Callable[[int], int]:
    """Takes any of some cells: the first from some place on."""

    def pick(mask: int) -> int:
        start = dice.randrange(mask.bit_length())
        return start + _lowest(mask >> start)

    return pick


def read_by_rankings(rule: Rule) -> Iterator[Attribute]:
    """What rankings of a rule read of the user and the context, to choose among candidates."""
    for ranking in rule.rank.values():
        for condition in (ranking.where, *ranking.without):
            yield from (one for one in attributes_read(condition) if one.side in ("user", "context"))


class Meetings:
    """Which of some rules may meet: by bucket of the cells of each attribute, the rules that have it."""

    def __init__(self, boxes: Boxes, rules: Sequence[Rule]) -> None:
        self._boxes = [boxes.of(rule) for rule in rules]
        self._everyone = (1 << len(rules)) - 1
        self._width = {
            place: -(-boxes.whole(place).bit_length() // MOST_BUCKETS)
            for place in {place for box in self._boxes for place in box.cells}
        }
        self._having: dict[Place, list[int]] = {}
        self._free: dict[Place, int] = {}
        for place in self._width:
            having, free = [0] * MOST_BUCKETS, self._everyone
            for at, box in enumerate(self._boxes):
                if place in box.cells or place in box.missing:
                    free ^= 1 << at
                for bucket in self._buckets(box, place):
                    having[bucket] |= 1 << at
            self._having[place], self._free[place] = having, free

    def after(self, at: int) -> Iterator[int]:
        """The places of the rules behind a rule that it may meet."""
        return self._among(self._everyone >> at + 1 << at + 1, at)

    def before(self, at: int) -> Iterator[int]:
        """The places of the rules before a rule that it may meet."""
        return self._among((1 << at) - 1, at)

    def _among(self, found: int, at: int) -> Iterator[int]:
        mine = self._boxes[at]
        for place in mine.cells:
            having = self._having[place]
            found &= reduce(or_, (having[bucket] for bucket in self._buckets(mine, place)), self._free[place])
        while found:
            other = _lowest(found)
            found ^= 1 << other
            if mine.meets(self._boxes[other]):
                yield other

    def _buckets(self, box: Box, place: Place) -> set[int]:
        """The buckets of a box's cells."""
        width = self._width[place]
        return {
            bucket
            for low, high in runs(box.cells.get(place, 0))
            for bucket in range(low // width, high // width + 1)
        }
