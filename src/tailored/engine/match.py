"""Matching: which rules' conditions hold for the facts of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TypeAlias

from tailored.book.model import RuleBook, Segment
from tailored.condition.compiled import compiled
from tailored.condition.logic import evaluator
from tailored.condition.normal import Both, Either, Literal, Normal, normalise
from tailored.condition.tree import All, Condition, Consent, InSegment, Logic, Op, Test
from tailored.engine.facts import Facts, nested
from tailored.engine.index import Index
from tailored.engine.tables import as_bits, spans

MOST_CLAUSES = 8
"""How many clauses one rule may be multiplied out to."""
MOST_OF_A_SEGMENT = 8
"""How many tests of a segment its rules take in; of a larger one they ask whether it holds."""

Satisfied: TypeAlias = Callable[[Facts], bool]
Part: TypeAlias = Literal | Either
Clause: TypeAlias = tuple[Part, ...]
_Multiplied: TypeAlias = tuple[Part, list[Clause]]
"""A part of a conjunction, with the clauses of which one must hold for it."""


class Matcher:
    """The conditions of a book, ready to be asked. It is built once and shared by threads.

    Each rule is a few clauses, each clause a bit, the first the highest. What the index cannot hold of a
    clause is asked only when everything else of it holds.
    """

    def __init__(self, book: RuleBook) -> None:
        conditions = _Conditions(book.segments)
        clauses: list[Sequence[Literal]] = []
        rest: dict[int, list[Normal]] = {}
        schedules = {}
        self._rules: list[int] = []
        self._starts = [0]
        for place, rule in enumerate(book.rules):
            for clause in conditions.clauses(rule.when):
                if rule.start is not None or rule.end is not None:
                    schedules[len(clauses)] = rule.start, rule.end
                if Either in map(type, clause):
                    rest[len(clauses)] = [part for part in clause if isinstance(part, Either)]
                    clauses.append([part for part in clause if isinstance(part, Literal)])
                else:
                    clauses.append(clause)  # type: ignore[arg-type]  # there are literals only
                self._rules.append(place)
            self._starts.append(len(clauses))
        index = self.index = Index(clauses)
        self._size = index.size
        for place, left in index.left.items():
            rest.setdefault(place, []).extend(left)
        self._rest = {place: conditions.satisfied(Both(tuple(parts))) for place, parts in rest.items()}
        self._has_rest = self._bits(self._rest)
        self._awake = spans(schedules, self._size) if schedules else None
        self.is_index = not rest and not schedules
        """Whether the index tells all: the clauses that hold as far as it knows do hold."""
        self.firing: Callable[[Facts], int] = attrgetter("holding") if self.is_index else self._firing
        """The clauses that hold, of rules that are awake, as bits."""

    def matching(self, facts: Facts) -> list[int]:
        """The rules whose conditions are known to be true, by their places in resolution order."""
        return list(self.rules(self._holding(facts)))

    def _firing(self, facts: Facts) -> int:
        found = facts.holding
        if found & self._has_rest:
            found = self._holding(facts)
        return found if self._awake is None else found & self._awake(facts.now)

    def first(self, clauses: int) -> int:
        """The place of the first rule of some clauses, of which there must be one."""
        return self._rules[self._size - clauses.bit_length()]

    def rules(self, clauses: int) -> Iterator[int]:
        """The places of the rules of some clauses, in resolution order, each once."""
        last = -1
        while clauses:
            at = self._size - clauses.bit_length()
            clauses ^= 1 << (self._size - 1 - at)
            if self._rules[at] != last:
                last = self._rules[at]
                yield last

    def clauses(self, rules: Iterable[int]) -> int:
        """The clauses of rules, which are given by their places, as bits."""
        starts, last = self._starts, self._size - 1
        bits: list[int] = []
        for place in rules:
            start, end = starts[place], starts[place + 1]
            if end - start == 1:  # as of nearly all
                bits.append(last - start)
            else:
                bits += range(last - end + 1, last - start + 1)
        return as_bits(bits, self._size)

    def _bits(self, clauses: Iterable[int]) -> int:
        return as_bits([self._size - 1 - at for at in clauses], self._size)

    def _holding(self, facts: Facts) -> int:
        found = facts.holding
        asked = found & self._has_rest
        while asked:
            at = self._size - asked.bit_length()
            bit = 1 << (self._size - 1 - at)
            asked ^= bit
            if not self._rest[at](facts):
                found ^= bit
        return found


class _Conditions:
    """Multiplies conditions out to clauses, and compiles what stays; each segment once for each wish."""

    def __init__(self, segments: Mapping[str, Segment]) -> None:
        self._segments = segments
        self._multiplied: dict[tuple[str, bool], list[Clause]] = {}
        self._compiled: dict[tuple[str, bool], Satisfied] = {}
        self._parts: dict[int, tuple[_Multiplied, ...]] = {}
        self._alike: dict[Part, _Multiplied] = {}

    def clauses(self, condition: Condition) -> list[Clause]:
        """The clauses of which one must hold. A part that would make too many of them stays whole.

        What rules repeat is worked out once: parts of `all` by identity, what they come to by what it says.
        """
        if not isinstance(condition, All):
            return self._clauses(self._normal(condition, True))
        parts: list[_Multiplied] = []
        for part in condition.parts:
            parts += self._parts.get(id(part)) or self._part(part)
        if len({*map(id, parts)}) < len(parts):
            parts = [*{id(part): part for part in parts}.values()]
        return self._product(parts)

    def _part(self, condition: Condition) -> tuple[_Multiplied, ...]:
        """What a part of `all` adds to it, each literal and each `any` with its own clauses."""
        normal = self._normal(condition, True)
        parts = self._parts[id(condition)] = tuple(
            self._alike.get(part) or self._alike.setdefault(part, (part, self._clauses(part)))
            for part in _parts_of(normal)
        )
        return parts

    def _normal(self, condition: Condition, wanted: bool) -> Normal:
        return normalise(condition, lambda name: self._segments[name].topics, wanted)

    def _clauses(self, normal: Normal) -> list[Clause]:
        if isinstance(normal, Literal):
            return self._of_literal(normal)
        if isinstance(normal, Either):
            found = [clause for part in normal.parts for clause in self._clauses(part)]
            return found if len(found) <= MOST_CLAUSES else [(normal,)]
        return self._product([(part, self._clauses(part)) for part in _parts_of(normal)])

    def _product(self, parts: list[_Multiplied]) -> list[Clause]:
        product: list[Clause] = [()]
        for part, found in parts:
            if len(found) == 1:
                product = [clause + found[0] for clause in product]
            elif len(product) * len(found) <= MOST_CLAUSES:
                product = [clause + one for clause in product for one in found]
            else:
                product = [(*clause, part) for clause in product]
        return product

    def _of_literal(self, literal: Literal) -> list[Clause]:
        leaf = literal.leaf
        if isinstance(leaf, Test):
            if leaf.op is not Op.CONTAINS_ALL or not literal.wanted:
                return [(literal,)]
            assert isinstance(leaf.operand, tuple)
            return [tuple(Literal(Test(leaf.attribute, Op.CONTAINS, one)) for one in leaf.operand)]
        if isinstance(leaf, InSegment):
            found = self._of_segment(leaf.id, literal.wanted)
            return found if all(len(clause) <= MOST_OF_A_SEGMENT for clause in found) else [(literal,)]
        return [(literal,)]

    def _of_segment(self, name: str, wanted: bool) -> list[Clause]:
        known = (name, wanted)
        if known not in self._multiplied:
            self._multiplied[known] = self._clauses(self._normal(self._segments[name].when, wanted))
        return self._multiplied[known]

    def satisfied(self, normal: Normal) -> Satisfied:
        """Whether a normal form is satisfied."""
        if isinstance(normal, Literal):
            return self._literal(normal)
        parts = [self.satisfied(part) for part in normal.parts]
        if len(parts) == 1:
            return parts[0]
        return _both(parts) if isinstance(normal, Both) else _either(parts)

    def _literal(self, literal: Literal) -> Satisfied:
        leaf = literal.leaf
        if isinstance(leaf, Test):
            return _test(literal, leaf)
        if isinstance(leaf, InSegment):
            return self._segment(leaf.id, literal.wanted)
        if isinstance(leaf, Logic):
            return _logic(leaf, literal.wanted)
        return _consent(leaf)

    def _segment(self, name: str, wanted: bool) -> Satisfied:
        known = (name, wanted)
        if known not in self._compiled:
            self._compiled[known] = self.satisfied(self._normal(self._segments[name].when, wanted))
        holds = self._compiled[known]

        def remembered(facts: Facts) -> bool:
            answer = facts.remembered.get(known)
            if answer is None:
                answer = facts.remembered[known] = holds(facts)
            return answer

        return remembered


def _parts_of(normal: Normal) -> tuple[Part, ...]:
    """What a normal form demands all of."""
    if not isinstance(normal, Both):
        return (normal,)
    return normal.parts  # type: ignore[return-value]  # what is Both itself was taken in


def _test(literal: Literal, test: Test) -> Satisfied:
    key, check = test.attribute.key, compiled(literal)
    if test.op is Op.KNOWN:
        return lambda facts: check(facts.values.get(key), facts.now)

    def holds(facts: Facts) -> bool:
        value = facts.values.get(key)
        return value is not None and check(value, facts.now)

    return holds


def _logic(leaf: Logic, wanted: bool) -> Satisfied:
    evaluate = evaluator(leaf.text)

    def holds(facts: Facts) -> bool:
        if any(facts.permissions.hiding(attribute) for attribute in leaf.reads):
            return False
        return evaluate(nested(facts, leaf.reads)) is wanted

    return holds


def _consent(leaf: Consent) -> Satisfied:
    return lambda facts: facts.permissions.closed.isdisjoint(leaf.topics)


def _both(parts: list[Satisfied]) -> Satisfied:
    def holds(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110 (a plain loop is twice as fast as a generator here)
            if not part(facts):
                return False
        return True

    return holds


def _either(parts: list[Satisfied]) -> Satisfied:
    def holds(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110
            if part(facts):
                return True
        return False

    return holds
