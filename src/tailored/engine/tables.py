"""Tables from a value of one attribute to the clauses that it lets pass, as bits of one integer."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import inf, nextafter
from typing import Any, TypeAlias

from tailored.condition.types import Type, Version

MOST_MASKS = 8192
"""Masks that one table holds. Wider domains keep what differs from such a mask as lists of clauses."""

Lookup: TypeAlias = Callable[[Any], int]
"""From a present value to the clauses that it lets pass."""
Cut: TypeAlias = tuple[Any, int]
"""A place between values: just before a bound (0) or just after it (1)."""
Range: TypeAlias = tuple[Cut | None, Cut | None]


@dataclass(slots=True)
class Draft:
    """A table while it is filled: the clauses that use it, and for each value or cut those that it turns."""

    of: str
    kind: str
    used: list[int] = field(default_factory=list)
    turns: dict[Any, list[int]] = field(default_factory=dict)
    first: list[int] = field(default_factory=list)
    """For ranges: the clauses that the lowest values let pass."""

    def add(self, bits: Sequence[int], what: Any) -> None:
        """Lets clauses use the table, which all ask the same of it."""
        self.used += bits
        if self.kind not in ("within", "beyond"):
            for value in what:
                self.turns.setdefault(value, []).extend(bits)
            return
        low, high = what
        if low is not None and high is not None and low >= high:
            low = high = None  # nothing lies between; only a clause of two tests can ask for that
            starts = self.kind == "beyond"
        else:
            starts = (low is None) is (self.kind == "within")
        if starts:
            self.first += bits
        for cut in (low, high):
            if cut is not None:
                self.turns.setdefault(cut, []).extend(bits)

    def bounds(self, after: Callable[[Any], Any]) -> Iterator[Any]:
        """Where each span of values that are alike for this table begins, but the first."""
        if self.kind in ("within", "beyond"):
            for bound, is_after in self.turns:
                yield after(bound) if is_after else bound
            return
        for value in self.turns:
            bound = value.key if isinstance(value, Version) else value
            yield bound
            yield after(bound)

    def table(self, size: int) -> Lookup:
        """The finished table: from a present value to the clauses that it lets pass."""
        lookup = _TABLE[self.kind](self, size)
        if self.turns and self.kind in ("within", "beyond") and isinstance(next(iter(self.turns))[0], tuple):
            return lambda value: lookup(value.key)  # bounds that are tuples order versions
        return lookup


def _values(draft: Draft, size: int) -> Lookup:
    """From a value to the clauses that ask for it, or do not exclude it."""
    others = _everything(size)
    if draft.kind == "among":
        others ^= as_bits(draft.used, size)
    masks, lists = _masks(draft, size)
    known = Masks({value: mask ^ others for value, mask in masks.items()}, others)
    if not lists:
        return known.__getitem__
    return lambda value: as_bits(lists[value], size) ^ others if value in lists else known[value]


def _members(draft: Draft, size: int) -> Lookup:
    """From a list to the clauses that ask for one of its members, or exclude none of them."""
    asks, everything = draft.kind == "some", _everything(size)
    others = everything ^ as_bits(draft.used, size) if asks else everything
    masks, lists = _masks(draft, size)
    masks = {member: mask | others if asks else everything ^ mask for member, mask in masks.items()}

    def rare(member: Any) -> int:
        mask = as_bits(lists[member], size)
        return mask | others if asks else everything ^ mask

    def lookup(members: tuple[Any, ...]) -> int:
        found = None
        for member in members:
            mask = masks.get(member)
            if mask is None and member in lists:
                mask = rare(member)
            if mask is not None:
                found = mask if found is None else found | mask if asks else found & mask
        return others if found is None else found

    return lookup


def _ranges(draft: Draft, size: int) -> Lookup:
    """From a value to the clauses in whose range it lies.

    Between two bounds, and at a bound, all values are alike. The spans so made are numbered from 0 (below
    every bound); where there are too many, masks stand at some of them, and lists of turns at the rest.
    """
    bounds = sorted({bound for bound, _ in draft.turns})
    number = {bound: place for place, bound in enumerate(bounds)}
    turns: list[list[int]] = [[] for _ in range(2 * len(bounds) + 1)]
    for (bound, after), bits in draft.turns.items():
        turns[2 * number[bound] + 1 + after] = bits
    step = -(-len(turns) // MOST_MASKS)
    current = bytearray((size >> 3) + 1)
    _turn(current, draft.first)
    outside = _everything(size) ^ as_bits(draft.used, size)
    masks = []
    for span, bits in enumerate(turns):
        _turn(current, bits)
        if span % step == 0:
            masks.append(int.from_bytes(current, "little") | outside)
    if step == 1:
        return lambda value: masks[bisect_left(bounds, value) + bisect_right(bounds, value)]
    rest = [array("I", bits) for bits in turns]

    def lookup(value: Any) -> int:
        span = bisect_left(bounds, value) + bisect_right(bounds, value)
        at = span // step
        mask = masks[at]
        for bits in rest[at * step + 1 : span + 1]:
            mask ^= as_bits(bits, size)
        return mask

    return lookup


def spans(ranges: Mapping[int, tuple[datetime | None, datetime | None]], size: int) -> Lookup:
    """From a moment to the clauses whose span it lies in, by their places; those without one always pass."""
    draft = Draft("value", "within")
    for place, (start, end) in ranges.items():
        draft.add([size - 1 - place], (start and (start, 0), end and (end, 0)))
    return draft.table(size)


_TABLE: dict[str, Callable[[Draft, int], Lookup]] = {
    "among": _values,
    "except": _values,
    "some": _members,
    "none": _members,
    "within": _ranges,
    "beyond": _ranges,
}


class Masks(dict[Any, int]):
    """Masks by value; `others` for every value that is not there."""

    __slots__ = ("others",)

    def __init__(self, masks: dict[Any, int], others: int) -> None:
        super().__init__(masks)
        self.others = others

    def __missing__(self, value: Any) -> int:
        return self.others


def _masks(draft: Draft, size: int) -> tuple[dict[Any, int], dict[Any, array[int]]]:
    """The clauses of each value: as masks for the values that most clauses name, as lists for the rest."""
    by_use = sorted(draft.turns.items(), key=lambda entry: -len(entry[1]))
    masks = {value: as_bits(bits, size) for value, bits in by_use[:MOST_MASKS]}
    return masks, {value: array("I", bits) for value, bits in by_use[MOST_MASKS:]}


def always(mask: int) -> Lookup:
    """The table of what lets every value pass."""
    return lambda value: mask


@dataclass(frozen=True, slots=True)
class Steps:
    """A table of ordered values: the mask of each span of values that are alike, by where it begins."""

    bounds: list[Any]
    masks: list[int]
    """One more than there are bounds: the first is for what lies below them all."""
    by_key: bool
    """Whether the bounds are keys of versions."""

    def span(self, value: Any) -> int:
        """Which mask is that of a value."""
        return bisect_right(self.bounds, value.key if self.by_key else value)

    def __call__(self, value: Any) -> int:
        return self.masks[self.span(value)]


def at_once(drafts: Sequence[Draft], lookups: Sequence[Lookup], type_: Type) -> Steps | None:
    """One table that says the same as these together, of ordered values; None where it would be too wide.

    All values between two bounds are alike, so the lowest of them tells for all.
    """
    lowest = {bound for draft in drafts for bound in draft.bounds(_AFTER[type_])} - {None}
    if len(lowest) >= MOST_MASKS or _TOO_FINE in lowest:
        return None
    bounds, lookup = sorted(lowest), together(lookups)
    is_version = type_ is Type.VERSION
    values = [Version(bound, "") if is_version else bound for bound in (_BELOW[type_], *bounds)]
    return Steps(bounds, [lookup(value) for value in values], is_version)


def together(lookups: Sequence[Lookup]) -> Lookup:
    """One table that says what all of these say together."""
    first, *rest = lookups
    if not rest:
        return first

    def lookup(value: Any) -> int:
        found = first(value)
        for one in rest:
            found &= one(value)
        return found

    return lookup


def _everything(size: int) -> int:
    return (1 << size) - 1


def _turn(buffer: bytearray, bits: Iterable[int]) -> None:
    """Turns bits of a buffer on, or off where they are on."""
    for bit in bits:
        buffer[bit >> 3] ^= 1 << (bit & 7)


def as_bits(bits: Sequence[int], size: int) -> int:
    """Bits as an integer, built at once, as every OR of a long integer would copy it."""
    if len(bits) <= 2:
        return (1 << bits[0]) | (1 << bits[-1]) if bits else 0
    buffer = bytearray((size >> 3) + 1)
    for bit in bits:
        buffer[bit >> 3] |= 1 << (bit & 7)
    return int.from_bytes(buffer, "little")


def _moment_after(bound: datetime) -> datetime | None:
    return None if bound == _LAST_MOMENT else bound + timedelta(microseconds=1)


def _day_after(bound: date) -> date | None:
    return None if bound == date.max else bound + timedelta(days=1)


def _number_after(bound: float) -> Any:
    """Beyond 2**52 numbers without a fraction lie closer to each other than those with one can."""
    return nextafter(bound, inf) if abs(bound) < 2**52 else _TOO_FINE


_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
_TOO_FINE = object()
_AFTER: dict[Type, Callable[[Any], Any]] = {
    Type.INTEGER: lambda bound: bound + 1,
    Type.NUMBER: _number_after,
    Type.DATE: _day_after,
    Type.DATETIME: _moment_after,
    Type.VERSION: lambda key: (*key, ()),
}
"""The lowest value above a bound, None where there is none. No key of a version begins with another."""
_BELOW: dict[Type, Any] = {
    Type.INTEGER: -inf,
    Type.NUMBER: -inf,
    Type.DATE: date.min,
    Type.DATETIME: datetime.min.replace(tzinfo=UTC),
    Type.VERSION: (),
}
"""Something that no bound of a type is above, unless there is nothing below that bound."""
