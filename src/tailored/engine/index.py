"""The index: every clause is one bit of an integer, the first clause the highest.

A clause is a conjunction of literals. For each attribute that clauses test, tables lead from a value to the
integer of the clauses that this value lets pass; a request ANDs about one integer for each attribute, and
what is left are the clauses that hold. Literals that no table can hold stay with whoever asked.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from tailored.condition.compiled import Check, compiled
from tailored.condition.normal import Literal
from tailored.condition.operators import LISTS
from tailored.condition.tree import Consent, Op, Size, Test, Value
from tailored.condition.types import Type, first_moment, last_moment
from tailored.guard.permissions import Permissions

MOST_MASKS = 1024
"""Masks that one table holds. Wider domains keep what differs from such a mask as lists of clauses."""
MOST_CHECKS = 48
"""Tests of one attribute that are tried one by one, such as `contains` on a text."""
MOST_LAYERS = 3
"""Tables of one kind for one attribute: a clause with more tests of that kind keeps the rest."""

Lookup: TypeAlias = Callable[[Any], int]


class Index:
    """The clauses of a book, ready to be asked. It is built once and shared by threads."""

    def __init__(self, clauses: Sequence[Sequence[Literal]]) -> None:
        """`left` names, by the place of its clause, each literal that no table holds."""
        self.size = len(clauses)
        self.everything = (1 << self.size) - 1
        self.left: dict[int, list[Literal]] = {}
        drafts: dict[_Name, _Draft] = {}
        consents: dict[tuple[str, ...], list[int]] = {}
        checks: dict[str, dict[Literal, list[int]]] = {}
        known: dict[tuple[str, bool], list[int]] = {}
        for place, literals in enumerate(clauses):
            bit = self.size - 1 - place
            needs: dict[tuple[str, str, str], Any] = {}
            layers: dict[tuple[str, str, str], int] = {}
            for literal in literals:
                leaf = literal.leaf
                if isinstance(leaf, Consent):
                    consents.setdefault(leaf.topics, []).append(bit)
                elif not isinstance(leaf, Test):
                    self.left.setdefault(place, []).append(literal)
                elif leaf.op is Op.KNOWN:
                    known.setdefault((leaf.attribute.key, leaf.operand is literal.wanted), []).append(bit)
                elif (need := _need(leaf.op, leaf.operand, leaf.attribute.type, literal.wanted)) is None:
                    checks.setdefault(leaf.attribute.key, {}).setdefault(literal, []).append(bit)
                else:
                    kind, of, what = need
                    name = (leaf.attribute.key, of, kind)
                    join = _JOIN.get(kind)
                    if join is not None and name in needs:
                        needs[name] = join(needs[name], what)
                    elif join is not None:
                        needs[name] = what
                    elif (layer := layers.get(name, 0)) == MOST_LAYERS:
                        self.left.setdefault(place, []).append(literal)
                    else:
                        _draft(drafts, (*name, layer)).add(bit, what)
                        layers[name] = layer + 1
            for name, what in needs.items():
                _draft(drafts, (*name, 0)).add(bit, what)
        self._consents = [
            (frozenset(topics), self.everything ^ as_bits(bits, self.size))
            for topics, bits in consents.items()
        ]
        self._attributes = self._groups(drafts, checks, known)

    def _groups(
        self,
        drafts: dict[_Name, _Draft],
        checks: dict[str, dict[Literal, list[int]]],
        known: dict[tuple[str, bool], list[int]],
    ) -> list[tuple[str, int, tuple[Lookup, ...], tuple[tuple[Check, int], ...]]]:
        """For each attribute: the clauses that pass where it is missing, its tables, and its checks."""
        keys = dict.fromkeys([*(name[0] for name in drafts), *checks, *(key for key, _ in known)])
        groups = []
        for key in keys:
            missing, lookups, tried = self.everything, [], []
            for name, draft in drafts.items():
                if name[0] == key:
                    missing &= ~as_bits(draft.used, self.size)
                    lookups.append(draft.table(self.size))
            by_use = sorted(checks.get(key, {}).items(), key=lambda entry: -len(entry[1]))
            for literal, bits in by_use[:MOST_CHECKS]:
                others = self.everything ^ as_bits(bits, self.size)
                missing &= others
                tried.append((compiled(literal), others))
            for literal, bits in by_use[MOST_CHECKS:]:
                for bit in bits:
                    self.left.setdefault(self.size - 1 - bit, []).append(literal)
            missing &= ~as_bits(known.get((key, True), ()), self.size)
            if (key, False) in known:
                lookups.append(_always(self.everything ^ as_bits(known[key, False], self.size)))
            groups.append((key, missing, tuple(lookups), tuple(tried)))
        return groups

    def matching(self, values: Mapping[str, Value], now: datetime, permissions: Permissions) -> int:
        """The clauses that hold as far as the tables know, as bits."""
        found = self.everything
        get = values.get
        for key, missing, lookups, checks in self._attributes:
            value = get(key)
            if value is None:
                found &= missing
                continue
            for lookup in lookups:
                found &= lookup(value)
            for check, others in checks:
                if not check(value, now):
                    found &= others
            if not found:
                return 0
        for topics, others in self._consents:
            if not topics.isdisjoint(permissions.closed):
                found &= others
        return found


_Name: TypeAlias = tuple[str, str, str, int]
"""An attribute, what of it is tested (its value or its size), the kind of table, and the layer."""
_Cut: TypeAlias = tuple[Any, int]
"""A place between values: just before a bound (0) or just after it (1)."""
_Range: TypeAlias = tuple[_Cut | None, _Cut | None]


def _need(op: Op, operand: Any, type_: Type, wanted: bool) -> tuple[str, str, Any] | None:
    """What a test needs of a present value: the kind of table, of the value or its size, and the operand."""
    if type_ in LISTS:
        if op is Op.SIZE:
            assert isinstance(operand, Size)
            need = _need(operand.op, operand.operand, Type.INTEGER, wanted)
            return need and (need[0], "size", need[2])
        if op is Op.CONTAINS_ALL and (not wanted or len(operand) > 1):
            return None
        members = frozenset((operand,) if op is Op.CONTAINS else operand)
        return ("some" if (op is not Op.CONTAINS_NONE) is wanted else "none"), "value", members
    if op in _EQUAL and type_ is not Type.DATETIME:
        is_list, positive = _EQUAL[op]
        values = frozenset(operand if is_list else (operand,))
        return ("among" if positive is wanted else "except"), "value", values
    if op in _RANGE:
        low, high = _RANGE[op](operand, type_)
        if op is Op.IS_NOT:
            wanted = not wanted
        return ("within" if wanted else "beyond"), "value", (low, high)
    return None


_EQUAL = {
    Op.IS: (False, True),
    Op.IS_NOT: (False, False),
    Op.ONE_OF: (True, True),
    Op.NONE_OF: (True, False),
}
"""For each operator of equality: whether it takes a list, and whether it asks for a value or against it."""


def _bound(operand: Any, type_: Type) -> Any:
    return operand.key if type_ is Type.VERSION else operand


def _start(operand: Any, type_: Type) -> _Cut:
    return (first_moment(operand) if type_ is Type.DATETIME else _bound(operand, type_)), 0


def _end(operand: Any, type_: Type) -> _Cut:
    return (last_moment(operand) if type_ is Type.DATETIME else _bound(operand, type_)), 1


_RANGE: dict[Op, Callable[[Any, Type], _Range]] = {
    Op.IS: lambda operand, type_: (_start(operand, type_), _end(operand, type_)),
    Op.IS_NOT: lambda operand, type_: (_start(operand, type_), _end(operand, type_)),
    Op.AT_LEAST: lambda operand, type_: (_start(operand, type_), None),
    Op.MORE_THAN: lambda operand, type_: (_end(operand, type_), None),
    Op.AT_MOST: lambda operand, type_: (None, _end(operand, type_)),
    Op.LESS_THAN: lambda operand, type_: (None, _start(operand, type_)),
    Op.BETWEEN: lambda operand, type_: (_start(operand[0], type_), _end(operand[1], type_)),
    Op.BEFORE: lambda operand, type_: (None, _start(operand, type_)),
    Op.AFTER: lambda operand, type_: (_end(operand, type_), None),
}
"""From an operator to the range of values that it asks for."""


def _overlap(one: _Range, other: _Range) -> _Range:
    lows = [low for low, _ in (one, other) if low is not None]
    highs = [high for _, high in (one, other) if high is not None]
    return max(lows, default=None), min(highs, default=None)


_JOIN: dict[str, Callable[[Any, Any], Any]] = {
    "among": frozenset.intersection,
    "except": frozenset.union,
    "none": frozenset.union,
    "within": _overlap,
}
"""How two needs of a clause become one; kinds that are not here take a table each."""


@dataclass(slots=True)
class _Draft:
    """A table while it is filled: the clauses that use it, and for each value or cut those that it turns."""

    of: str
    kind: str
    used: list[int] = field(default_factory=list)
    turns: dict[Any, list[int]] = field(default_factory=dict)
    first: list[int] = field(default_factory=list)
    """For ranges: the clauses that the lowest values let pass."""

    def add(self, bit: int, what: Any) -> None:
        """Lets a clause use the table."""
        self.used.append(bit)
        if self.kind not in ("within", "beyond"):
            for value in what:
                self.turns.setdefault(value, []).append(bit)
            return
        low, high = what
        if low is not None and high is not None and low >= high:
            low = high = None  # nothing lies between; only a clause of two tests can ask for that
            starts = self.kind == "beyond"
        else:
            starts = (low is None) is (self.kind == "within")
        if starts:
            self.first.append(bit)
        for cut in (low, high):
            if cut is not None:
                self.turns.setdefault(cut, []).append(bit)

    def table(self, size: int) -> Lookup:
        """The finished table: from a present value to the clauses that it lets pass."""
        lookup = _TABLE[self.kind](self, size)
        if self.of == "size":
            return lambda value: lookup(len(value))
        if self.turns and self.kind in ("within", "beyond") and isinstance(next(iter(self.turns))[0], tuple):
            return lambda value: lookup(value.key)  # bounds that are tuples order versions
        return lookup


def _draft(drafts: dict[_Name, _Draft], name: _Name) -> _Draft:
    draft = drafts.get(name)
    if draft is None:
        draft = drafts[name] = _Draft(name[1], name[2])
    return draft


def _values(draft: _Draft, size: int) -> Lookup:
    """From a value to the clauses that ask for it, or do not exclude it."""
    others = _everything(size)
    if draft.kind == "among":
        others ^= as_bits(draft.used, size)
    masks, lists = _masks(draft, size)
    known = _Masks({value: mask ^ others for value, mask in masks.items()}, others)
    if not lists:
        return known.__getitem__
    return lambda value: as_bits(lists[value], size) ^ others if value in lists else known[value]


def _members(draft: _Draft, size: int) -> Lookup:
    """From a list to the clauses that ask for one of its members, or exclude none of them."""
    base = _everything(size) ^ as_bits(draft.used, size)
    masks, lists = _masks(draft, size)
    asks = draft.kind == "some"
    everything = _everything(size)

    def lookup(members: tuple[Any, ...]) -> int:
        found = 0
        for member in members:
            if member in masks:
                found |= masks[member]
            elif member in lists:
                found |= as_bits(lists[member], size)
        return found | base if asks else everything ^ found

    return lookup


def _ranges(draft: _Draft, size: int) -> Lookup:
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
        since = bytearray((size >> 3) + 1)
        for bits in rest[at * step + 1 : span + 1]:
            _turn(since, bits)
        return masks[at] ^ int.from_bytes(since, "little")

    return lookup


def spans(ranges: Mapping[int, tuple[datetime | None, datetime | None]], size: int) -> Lookup:
    """From a moment to the clauses whose span it lies in, by their places; those without one always pass."""
    draft = _Draft("value", "within")
    for place, (start, end) in ranges.items():
        draft.add(size - 1 - place, (start and (start, 0), end and (end, 0)))
    return draft.table(size)


_TABLE: dict[str, Callable[[_Draft, int], Lookup]] = {
    "among": _values,
    "except": _values,
    "some": _members,
    "none": _members,
    "within": _ranges,
    "beyond": _ranges,
}


class _Masks(dict[Any, int]):
    """Masks by value; `others` for every value that is not there."""

    __slots__ = ("others",)

    def __init__(self, masks: dict[Any, int], others: int) -> None:
        super().__init__(masks)
        self.others = others

    def __missing__(self, value: Any) -> int:
        return self.others


def _masks(draft: _Draft, size: int) -> tuple[dict[Any, int], dict[Any, array[int]]]:
    """The clauses of each value: as masks for the values that most clauses name, as lists for the rest."""
    by_use = sorted(draft.turns.items(), key=lambda entry: -len(entry[1]))
    masks = {value: as_bits(bits, size) for value, bits in by_use[:MOST_MASKS]}
    return masks, {value: array("I", bits) for value, bits in by_use[MOST_MASKS:]}


def _always(mask: int) -> Lookup:
    return lambda value: mask


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
