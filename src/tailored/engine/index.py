"""The index: every clause is one bit of an integer, the first clause the highest.

A clause is a conjunction of literals. For each attribute that clauses test, tables lead from a value to the
integer of the clauses that this value lets pass; a request ANDs about one integer for each attribute, and
what is left are the clauses that hold. Literals that no table can hold stay with whoever asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from tailored.condition.compiled import compiled
from tailored.condition.normal import Literal
from tailored.condition.operators import LISTS
from tailored.condition.tree import Attribute, Consent, Op, Size, Test
from tailored.condition.types import Type, first_moment, last_moment
from tailored.engine import tables
from tailored.engine.tables import Cut, Draft, Lookup, Masks, Range, always, as_bits, at_once, together
from tailored.guard.permissions import Permissions

MOST_CHECKS = 48
"""Tests of one attribute that are tried one by one, such as `contains` on a text."""
MOST_LAYERS = 3
"""Tables of one kind for one attribute: a clause with more tests of that kind keeps the rest."""


MOST_OUTCOMES = 1024
"""Outcomes of the checks of one attribute whose clauses are remembered."""


class Checks(dict[tuple[bool, ...], int]):
    """Tests of one attribute that are tried one by one, such as `contains` on a text.

    It leads from their outcomes to the clauses that pass; these are remembered, as most are the same.
    """

    def __init__(self, tests: Sequence[tuple[Literal, int]], everything: int) -> None:
        """The tests come with the clauses that do not ask for them."""
        super().__init__()
        words = dict.fromkeys(test.leaf.operand for test, _ in tests if _is_part(test))  # type: ignore[union-attr]
        self.words = list(words)
        """Pieces of text that are looked for; what comes of them stands first among the outcomes."""
        rest = [(test, others) for test, others in tests if not _is_part(test)]
        self.checks = [compiled(test) for test, _ in rest]
        self._tests = [
            (self.words.index(test.leaf.operand), test.wanted, others)  # type: ignore[union-attr]
            for test, others in tests
            if _is_part(test)
        ]
        self._tests += [(place, True, others) for place, (_, others) in enumerate(rest, len(words))]
        self._everything = everything
        self.asking = 0
        """The clauses that ask for one of them."""
        for _, others in tests:
            self.asking |= everything ^ others

    def __missing__(self, outcomes: tuple[bool, ...]) -> int:
        passing = self._everything
        for place, wanted, others in self._tests:
            if outcomes[place] is not wanted:
                passing &= others
        if len(self) < MOST_OUTCOMES:
            self[outcomes] = passing
        return passing

    def passing(self, value: Any, now: datetime) -> int:
        """The clauses that a present value lets pass."""
        words = [word in value for word in self.words]
        return self[(*words, *[check(value, now) for check in self.checks])]


def _is_part(literal: Literal) -> bool:
    """Whether a test asks for a part of a text."""
    test = literal.leaf
    return isinstance(test, Test) and test.op is Op.CONTAINS and test.attribute.type is Type.STRING


@dataclass(frozen=True, slots=True)
class Column:
    """What the clauses ask of one attribute."""

    everything: int
    """All clauses."""
    asking: int
    """Those that ask for it."""
    missing: int
    """Those that pass where it is missing."""
    lookup: Lookup
    """From a present value to the clauses that pass, but for `sizes` and `checks`."""
    known: Mapping[Any, int] | None
    """The same for values that the book lists or tests name, of a text or a flag; None where too many."""
    sizes: Lookup | None
    """From the number of members to the clauses that pass, for a list whose size is asked for."""
    checks: Checks | None

    def passing(self, value: Any, now: datetime) -> int:
        """The clauses that a present value lets pass."""
        found = self.lookup(value)
        if self.sizes:
            found &= self.sizes(len(value))
        return found if self.checks is None else found & self.checks.passing(value, now)


class Index:
    """The clauses of a book, ready to be asked. It is built once and shared by threads."""

    def __init__(self, clauses: Sequence[Sequence[Literal]]) -> None:
        """`left` names, by the place of its clause, each literal that no table holds."""
        self.size = len(clauses)
        self.everything = (1 << self.size) - 1
        self.left: dict[int, list[Literal]] = {}
        drafts: dict[_Name, Draft] = {}
        attributes: dict[str, Attribute] = {}
        consents: dict[tuple[str, ...], list[int]] = {}
        checks: dict[str, dict[Literal, list[int]]] = {}
        known: dict[tuple[str, bool], list[int]] = {}
        read: dict[int, _Need | None] = {}
        """What literals need of tables, by their identity: books repeat the same tests much."""
        joined: list[_Need] = []
        for place, literals in enumerate(clauses):
            bit = self.size - 1 - place
            needs: dict[_Table, _Need] = {}
            layers: dict[_Table, int] = {}
            for literal in literals:
                same = id(literal)
                if same not in read:
                    read[same] = _needed(literal)
                    if isinstance(literal.leaf, Test):
                        attributes[literal.leaf.attribute.key] = literal.leaf.attribute
                if (need := read[same]) is not None:
                    table = need.table
                    if need.join is None:
                        layer = layers.get(table, 0)
                        if layer == MOST_LAYERS:
                            self.left.setdefault(place, []).append(literal)
                        else:
                            need.alone[layer].append(bit)
                            layers[table] = layer + 1
                    elif table in needs:
                        both = need.join(needs[table].what, need.what)
                        needs[table] = _Need(table, both, need.join)
                        joined.append(needs[table])
                    else:
                        needs[table] = need
                    continue
                leaf = literal.leaf
                if isinstance(leaf, Consent):
                    consents.setdefault(leaf.topics, []).append(bit)
                elif not isinstance(leaf, Test):
                    self.left.setdefault(place, []).append(literal)
                else:
                    key = leaf.attribute.key
                    if leaf.op is Op.KNOWN:
                        known.setdefault((key, leaf.operand is literal.wanted), []).append(bit)
                    else:
                        checks.setdefault(key, {}).setdefault(literal, []).append(bit)
            for need in needs.values():
                need.alone[0].append(bit)
        for need in (*filter(None, read.values()), *joined):
            for layer, bits in enumerate(need.alone):
                if bits:
                    _draft(drafts, (*need.table, layer)).add(bits, need.what)
        self._consents = [
            (frozenset(topics), self.everything ^ as_bits(bits, self.size))
            for topics, bits in consents.items()
        ]
        self.columns = {
            key: self._column(attribute, drafts, checks.get(key, {}), known)
            for key, attribute in attributes.items()
        }

    def _column(
        self,
        attribute: Attribute,
        drafts: dict[_Name, Draft],
        checks: dict[Literal, list[int]],
        presence: dict[tuple[str, bool], list[int]],
    ) -> Column:
        key, others = attribute.key, self.everything
        asked = {name: draft for name, draft in drafts.items() if name[0] == key}
        missing = others & ~self._bits(presence.get((key, True), ()))
        of: dict[str, tuple[list[Draft], list[Lookup]]] = {"value": ([], []), "size": ([], [])}
        for (_, what, _, _), draft in asked.items():
            missing &= ~self._bits(draft.used)
            of[what][0].append(draft)
            of[what][1].append(draft.table(self.size))
        if (key, False) in presence:
            of["value"][1].append(always(others & ~self._bits(presence[key, False])))
        by_use = sorted(checks.items(), key=lambda entry: -len(entry[1]))
        tests = [(literal, others & ~self._bits(bits)) for literal, bits in by_use[:MOST_CHECKS]]
        tried = Checks(tests, others) if tests else None
        for literal, bits in by_use[MOST_CHECKS:]:
            for bit in bits:
                self.left.setdefault(self.size - 1 - bit, []).append(literal)
        missing &= ~(tried.asking if tried is not None else 0)
        asking = others & ~missing | self._bits(presence.get((key, False), ()))
        drafted, lookups = of["value"]
        lookup, known = _joined(attribute, drafted, lookups or [always(others)])
        sizes = None
        if of["size"][1]:
            sizes = at_once(*of["size"], Type.INTEGER) or together(of["size"][1])
        return Column(others, asking, missing, lookup, known, sizes, tried)

    def _bits(self, bits: Sequence[int]) -> int:
        return as_bits(bits, self.size)

    def permitted(self, permissions: Permissions) -> int:
        """The clauses whose segments' labels are permitted."""
        found = self.everything
        for topics, others in self._consents:
            if not topics.isdisjoint(permissions.closed):
                found &= others
        return found


def _joined(
    attribute: Attribute, drafts: Sequence[Draft], lookups: Sequence[Lookup]
) -> tuple[Lookup, Mapping[Any, int] | None]:
    """The tables of an attribute as one, and its masks by value, if it has a table of all that matter."""
    if attribute.type in _ORDERED:
        whole = at_once(drafts, lookups, attribute.type)
    elif attribute.type in LISTS:
        whole = None
    else:
        named = {*attribute.values, *(value for draft in drafts for value in draft.turns)}
        named |= {True, False} if attribute.type is Type.BOOLEAN else set()
        if len(named) <= tables.MOST_MASKS:
            lookup = together(lookups)
            known = {value: lookup(value) for value in named}
            return Masks(known, lookup(_ELSE)).__getitem__, known
        whole = None
    return whole or together(lookups), None


_ELSE = object()
"""A value that no test names."""
_ORDERED = frozenset({Type.INTEGER, Type.NUMBER, Type.DATE, Type.DATETIME, Type.VERSION})


_Table: TypeAlias = tuple[str, str, str]
"""An attribute, what of it is tested (its value or its size), and the kind of table."""
_Name: TypeAlias = tuple[str, str, str, int]
"""A table, and its layer."""


@dataclass(slots=True)
class _Need:
    """What a test, or several of a clause, need of a table, and by layer the clauses that need just that."""

    table: _Table
    what: Any
    join: Callable[[Any, Any], Any] | None
    """Makes it one with another need of the same clause; None where each takes a layer of its own."""
    alone: list[list[int]] = field(default_factory=lambda: [[] for _ in range(MOST_LAYERS)])


def _needed(literal: Literal) -> _Need | None:
    """What a literal needs of a table; None where no table holds it."""
    test = literal.leaf
    if not isinstance(test, Test) or test.op is Op.KNOWN:
        return None
    need = _need(test.op, test.operand, test.attribute.type, literal.wanted)
    if need is None:
        return None
    kind, of, what = need
    return _Need((test.attribute.key, of, kind), what, _JOIN.get(kind))


def _draft(drafts: dict[_Name, Draft], name: _Name) -> Draft:
    draft = drafts.get(name)
    if draft is None:
        draft = drafts[name] = Draft(name[1], name[2])
    return draft


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


def _start(operand: Any, type_: Type) -> Cut:
    return (first_moment(operand) if type_ is Type.DATETIME else _bound(operand, type_)), 0


def _end(operand: Any, type_: Type) -> Cut:
    return (last_moment(operand) if type_ is Type.DATETIME else _bound(operand, type_)), 1


_RANGE: dict[Op, Callable[[Any, Type], Range]] = {
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


def _overlap(one: Range, other: Range) -> Range:
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
