"""The cheap way: what a condition asks of each attribute by itself, as bits of cells.

Two rules whose boxes share no cell of some attribute cannot meet, and need no solver. A request made from
boxes is a good guess, which a replay confirms or not. Only a solver can say that something never happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tailored.book.model import Rule
from tailored.condition.normal import Both, Either, Normal
from tailored.condition.tree import Attribute, InSegment, Op, Test, attributes_read
from tailored.proof.domains import RELATIVE, Cells
from tailored.proof.reader import Reader
from tailored.proof.symbols import Members, Place, Request, build, place_of

_PICKS: tuple[Callable[[int], int], ...] = (
    lambda mask: (mask & -mask).bit_length() - 1,
    lambda mask: mask.bit_length() - 1,
    lambda mask: sorted(_bits(mask))[mask.bit_count() // 2],
    lambda mask: sorted(_bits(mask))[mask.bit_count() // 4],
    lambda mask: sorted(_bits(mask))[mask.bit_count() * 3 // 4],
)
"""Which of some cells a guess takes."""
_HAVING = (Op.CONTAINS, Op.CONTAINS_ANY, Op.CONTAINS_ALL)


@dataclass(slots=True)
class Box:
    """What must hold of single attributes: their cells, the members of lists, and `now`."""

    cells: dict[Place, int] = field(default_factory=dict)
    """The cells that a value may be in, as bits; it must be known."""
    missing: set[Place] = field(default_factory=set)
    has: dict[Place, set[Any]] = field(default_factory=dict)
    start: datetime | None = None
    end: datetime | None = None

    def copy(self) -> Box:
        """The same, to be narrowed further."""
        has = {place: set(members) for place, members in self.has.items()}
        return Box(dict(self.cells), set(self.missing), has, self.start, self.end)


class Boxes:
    """The boxes of the rules of one book."""

    def __init__(self, reader: Reader, now: datetime) -> None:
        self._reader, self._symbols, self._now = reader, reader.symbols, now
        self._boxes: dict[str, Box] = {}
        self._masks: dict[tuple[Test, bool], int] = {}

    def of(self, rule: Rule) -> Box:
        """What a rule asks of single attributes whatever else holds: it never fires outside of its box."""
        if rule.id not in self._boxes:
            box = Box(start=rule.start, end=rule.end)
            self._narrow(box, self._reader.normal(rule.when), guess=False)
            self._boxes[rule.id] = box
        return self._boxes[rule.id]

    def meet(self, rule: Rule, other: Rule) -> bool:
        """Whether two rules may both fire, as far as single attributes tell."""
        one, two = self.of(rule), self.of(other)
        if not (one.missing.isdisjoint(two.cells) and two.missing.isdisjoint(one.cells)):
            return False
        return all(mask & two.cells.get(place, mask) for place, mask in one.cells.items())

    def guesses(self, rules: Iterable[Rule]) -> Iterator[Request]:
        """Requests with which these rules may well all be used."""
        box = Box()
        for rule in rules:
            box.start = max(filter(None, (box.start, rule.start)), default=None)
            box.end = min(filter(None, (box.end, rule.end)), default=None)
            if not self._narrow(box, self._reader.normal(rule.when), guess=True):
                return
            for attribute in read_by_rankings(rule):
                place = place_of(attribute)
                if place not in box.missing:
                    box.cells.setdefault(place, self._whole(place))
        for pick in _PICKS:
            request = self._request(box, pick)
            if request is None:
                return
            yield request

    def _narrow(self, box: Box, normal: Normal, guess: bool) -> bool:
        """Narrows a box to where a condition may hold; whether anything is left. A guess takes a branch."""
        if isinstance(normal, Both):
            # the branches last: what all of them need is known by then
            parts = sorted(normal.parts, key=lambda part: isinstance(part, Either))
            return all(self._narrow(box, part, guess) for part in parts)
        if isinstance(normal, Either):
            return not guess or self._branch(box, normal)
        leaf = normal.leaf
        if isinstance(leaf, InSegment):
            segment = self._reader.book.segments[leaf.id]
            return self._narrow(box, self._reader.normal(segment.when, normal.wanted), guess)
        return not isinstance(leaf, Test) or self._test(box, leaf, normal.wanted)

    def _branch(self, box: Box, either: Either) -> bool:
        for part in either.parts:
            trial = box.copy()
            if self._narrow(trial, part, True):
                box.cells, box.missing, box.has = trial.cells, trial.missing, trial.has
                return True
        return False

    def _test(self, box: Box, test: Test, wanted: bool) -> bool:
        place = place_of(test.attribute)
        if test.op is Op.KNOWN and test.operand is not wanted:
            box.missing.add(place)
            return place not in box.cells
        if place in box.missing:
            return False
        value, whole = self._symbols.variables[place].value, self._whole(place)
        mask = whole if test.op is Op.KNOWN else self._mask(test, wanted, whole)
        left = box.cells[place] = box.cells.get(place, whole) & mask
        if (
            wanted
            and test.op in (Op.CONTAINS, Op.CONTAINS_ANY, Op.CONTAINS_ALL)
            and isinstance(value, Members)
        ):
            members = test.operand if isinstance(test.operand, tuple) else (test.operand,)
            held = box.has.setdefault(place, set())
            if test.op is not Op.CONTAINS_ANY or held.isdisjoint(members):
                held.update(members if test.op is Op.CONTAINS_ALL else members[:1])
        return left != 0

    def _whole(self, place: Place) -> int:
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
                lowest = self._lowest(variable.value.size.cells, mask, len(box.has.get(place, ())))
                if lowest is None:
                    return None
                values[place] = variable.value.filled(sorted(box.has.get(place, ()), key=repr), lowest)
            else:
                values[place] = variable.value.cells.values[pick(mask)]
        now = self._now
        if box.start is not None and now < box.start:
            now = box.start
        if box.end is not None and now >= box.end:
            now = box.end - timedelta(microseconds=1)
        return build(values, dict.fromkeys(self._symbols.flags, True), now)

    def _lowest(self, sizes: Cells, mask: int, least: int) -> int | None:
        """The first cell of sizes among some in which a list with so many members fits."""
        last = len(sizes.values) - 1
        for place, size in enumerate(sizes.values):
            if mask >> place & 1 and (size >= least or place == last):
                return place
        return None


def read_by_rankings(rule: Rule) -> Iterator[Attribute]:
    """What rankings of a rule read of the user and the context, to choose among candidates."""
    for ranking in rule.rank.values():
        for condition in (ranking.where, *ranking.without):
            yield from (one for one in attributes_read(condition) if one.side in ("user", "context"))


class Meetings:
    """Which of some rules may meet: by cell of each attribute, the rules whose boxes have it, as bits."""

    def __init__(self, boxes: Boxes, rules: Sequence[Rule]) -> None:
        self._boxes = [boxes.of(rule) for rule in rules]
        self._by_cell: dict[Place, dict[int, int]] = {}
        self._free: dict[Place, int] = {}
        everyone = (1 << len(rules)) - 1
        places = {place for box in self._boxes for place in box.cells}
        for place in places:
            by_cell: dict[int, int] = {}
            free = everyone
            for at, box in enumerate(self._boxes):
                if place in box.cells:
                    free ^= 1 << at
                    for cell in _bits(box.cells[place]):
                        by_cell[cell] = by_cell.get(cell, 0) | 1 << at
                elif place in box.missing:
                    free ^= 1 << at
            self._by_cell[place], self._free[place] = by_cell, free
        self._everyone = everyone

    def after(self, at: int) -> Iterator[int]:
        """The places of the rules behind a rule that it may meet."""
        return _bits(self._of(at) >> at + 1 << at + 1)

    def _of(self, at: int) -> int:
        found = self._everyone
        for place, mask in self._boxes[at].cells.items():
            by_cell, may = self._by_cell[place], self._free[place]
            for cell in _bits(mask):
                may |= by_cell.get(cell, 0)
            found &= may
        return found


def _bits(mask: int) -> Iterator[int]:
    """The places of the ones among bits."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
