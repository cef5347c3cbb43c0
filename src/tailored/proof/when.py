"""The circumstances under which two books differ: as few tests as make sure of it, in English."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeAlias

import z3

from tailored.condition.english import attribute_in_words, in_words, joined, says_of, shared_names
from tailored.condition.normal import Literal, Normal
from tailored.condition.tree import Attribute, Consent, InSegment, Not, Op, Scalar, Test
from tailored.condition.types import Type
from tailored.proof.bounds import Bound, bounds_of, together
from tailored.proof.outcomes import Target
from tailored.proof.reader import Reader, scorers_of
from tailored.proof.solving import Happens, Solver
from tailored.proof.symbols import NO, Formula, every, no
from tailored.proof.words import condition_of, schedule

MOST_WAYS = 3
"""How many ways to differ a sentence tells."""
LONGEST_NAME = 50
"""Letters of a description that a segment is called by."""
MOST_TESTS = 5
"""How many things one of them names."""
MOST_THINGS = 8
"""After how many things no further way is told."""


Span: TypeAlias = tuple[datetime | None, datetime | None]
"""From when, and until when."""


@dataclass(frozen=True, slots=True, eq=False)  # formulas of Z3 are slow to compare
class _Atom:
    """Something that holds of a request or does not, with both said in English."""

    formula: Formula
    yes: str
    no: str
    unless: str = ""
    """What else may be so where it does not hold, and the contrary of what is asked does not, either."""
    contrary: Callable[[], Formula] = lambda: NO
    literal: Literal | None = None
    """What is asked of an attribute, where it is that."""
    shared: frozenset[str] = frozenset()
    during: Span | None = None
    """From when and until when it holds, where it is that."""


def circumstances(
    sides: Sequence[tuple[Reader, Target]],
    solver: Solver,
    differs: Formula,
    tells: Happens,
) -> str:
    """When answers differ, as a sentence; each of its ways is sure to make a difference.

    Where there are more ways than a sentence tells, it says so.
    """
    atoms = _told_apart(_atoms(sides))
    differs = solver.define(differs)
    choices = [solver.define(one) for one in solver.symbols.choices.values()]
    of_words = Solver(solver.symbols)  # what rules make of a request is no matter for what words say of it
    ways: list[tuple[frozenset[str], str]] = []
    chooses = "a scorer chooses so" if any(map(_scored, sides)) else "a ranking finds something"
    things = 0
    while len(ways) < MOST_WAYS and things < MOST_THINGS:
        answer = solver.ask([differs], tells)
        if answer.witness is None:
            return _joined(ways) if answer.never else _and_more(ways)
        is_sure = True
        if (cube := _cube(solver, atoms, differs)) is None:
            is_sure, cube = False, _cube(solver, atoms, differs, choices)
        if cube is None:
            return _and_more(ways)
        said = _said(list(dict.fromkeys(_texts(of_words, cube)))) if cube else "always"
        said = said if is_sure else f"{said}, where {chooses}"
        if not cube:
            return said
        ways.append((frozenset(str(one.name) for one in cube), said))
        things += len(cube)
        solver.add(no(every([one.name for one in cube])))
    return _joined(ways) if solver.ask([differs], tells).never else _and_more(ways)


def _scored(side: tuple[Reader, Target]) -> bool:
    """Whether a scorer is asked about a target."""
    reader, target = side
    rankings = (rule.rank[target.id] for rule in target.offering if target.id in rule.rank)
    return any(scorers_of(reader.book, ranking) for ranking in rankings)


def _joined(ways: Sequence[tuple[frozenset[str], str]]) -> str:
    """Ways to differ, each as what must hold and as it is said; what is part of another is left out."""
    return "; or when ".join(said for holds, said in ways if not any(other < holds for other, _ in ways))


def _and_more(ways: Sequence[tuple[frozenset[str], str]]) -> str:
    return f"{_joined(ways)}; or in other cases" if ways else ""


def _said(texts: Sequence[str]) -> str:
    """Things that hold together, the first of many."""
    if len(texts) <= MOST_TESTS + 1:
        return joined(texts)
    return joined([*texts[:MOST_TESTS], f"{len(texts) - MOST_TESTS} more things hold"])


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """Something that holds in a model, or does not, as a name of the solver."""

    atom: _Atom
    is_so: bool
    name: Formula

    def values(self) -> tuple[Test, bool] | None:
        """A test for values, with whether an attribute is one of them; None where this is no such test."""
        literal = self.atom.literal
        if literal is None or not isinstance(literal.leaf, Test) or literal.leaf.op not in _AMONG:
            return None
        return literal.leaf, (_AMONG[literal.leaf.op] is literal.wanted) is self.is_so


_AMONG = {Op.IS: True, Op.ONE_OF: True, Op.IS_NOT: False, Op.NONE_OF: False}
"""The tests for values, and whether they ask for them or against them."""


def _texts(solver: Solver, cube: Sequence[_Held]) -> Iterator[str]:
    """What a cube says: of the values of an attribute all at once, and so of the moment."""
    among: dict[Attribute, tuple[Scalar, ...]] = {}
    against: dict[Attribute, tuple[Scalar, ...]] = {}
    asked = [(one, one.values()) for one in cube]
    for one, said in asked:
        if said and said[1] and one.is_so:  # what is one of some values is not missing
            among[said[0].attribute] = _operands(said[0])
    for _, said in asked:
        if said and said[0].attribute in among:
            test, is_one = said
            left = among[test.attribute]
            among[test.attribute] = tuple(one for one in left if (one in _operands(test)) is is_one)
        elif said and not said[1] and said[0].attribute.type is not Type.BOOLEAN:
            known = against.get(said[0].attribute, ())
            against[said[0].attribute] = (*known, *(one for one in _operands(said[0]) if one not in known))
    bounds = list(_bounded(cube))
    told: set[Attribute] = set()
    awake, rest = _awake([one for one in cube if one.atom.during])
    yield from [_at(*awake)] if awake else []
    for one, said in asked:
        if one.atom.during and one not in rest:
            continue
        if said is None and (found := next((each for each in bounds if one in each[0]), None)):
            if one is found[0][0]:
                unless = (_unless(solver, cube, each.atom) for each in found[0] if not each.is_so)
                yield found[1] + next(filter(None, unless), "")
        elif said is None or said[0].attribute not in among | against:
            yield one.atom.yes if one.is_so else f"{one.atom.no}{_unless(solver, cube, one.atom)}"
        elif said[0].attribute not in told:
            told.add(attribute := said[0].attribute)
            op, values = (Op.ONE_OF, among) if attribute in among else (Op.NONE_OF, against)
            text = _in_words(Test(attribute, op, values[attribute]), False, one.atom.shared)
            yield text + ("" if one.is_so else _unless(solver, cube, one.atom))


def _bounded(cube: Sequence[_Held]) -> Iterator[tuple[list[_Held], str]]:
    """What sets bounds on one attribute, where that is more than one, and what it comes to in English."""
    groups: dict[Attribute, list[tuple[_Held, list[Bound]]]] = {}
    for one in cube:
        literal = one.atom.literal
        if literal is None or not isinstance(test := literal.leaf, Test):
            continue
        # what is not so is missing, or the contrary is so
        if bounds := list(bounds_of(test, literal.wanted is not one.is_so)):
            groups.setdefault(test.attribute, []).append((one, bounds))
    for attribute, group in groups.items():
        name = attribute_in_words(attribute, group[0][0].atom.shared)
        said = together(attribute, name, [bound for _, bounds in group for bound in bounds])
        if len(group) > 1 and said is not None:
            yield [one for one, _ in group], said


def _awake(held: Sequence[_Held]) -> tuple[Span | None, list[_Held]]:
    """The span of time that schedules leave together, if there is one, and those that it does not tell."""
    within = [one.atom.during for one in held if one.is_so and one.atom.during]
    start = max((start for start, _ in within if start), default=None)
    end = min((end for _, end in within if end), default=None)
    rest = []
    for one in held:
        first, last = one.atom.during or (None, None)
        if one.is_so:
            continue
        if last and (not first or (start and first <= start)) and (not start or start < last):
            start = last
        elif first and (not last or (end and last >= end)) and (not end or first < end):
            end = first
        else:
            rest.append(one)
    return ((start, end) if start or end else None), rest


def _at(start: datetime | None, end: datetime | None) -> str:
    """A span of time in words."""
    said = schedule(start, end)
    return f"it is {said}" if start else f"it is before {said.removeprefix('until ')}"


def _unless(solver: Solver, cube: Sequence[_Held], atom: _Atom) -> str:
    """What else may be so, if it can be with the rest."""
    if not atom.unless:
        return ""
    names = [(solver.define(one.atom.formula), one.is_so) for one in cube]
    held = [name if is_so else no(name) for name, is_so in names]
    return "" if solver.excluded([*held, solver.define(no(atom.contrary()))]) else f" (or {atom.unless})"


def _operands(test: Test) -> tuple[Scalar, ...]:
    return test.operand if isinstance(test.operand, tuple) else (test.operand,)  # type: ignore[return-value]


def _cube(
    solver: Solver, atoms: Sequence[_Atom], differs: Formula, choices: Sequence[Formula] = ()
) -> list[_Held] | None:
    """The fewest things that hold in the model just found and make sure of a difference, with its choices."""
    held = [(atom, solver.is_so(atom.formula)) for atom in atoms]
    # what does not hold is left out first: "page is home" says more than "page is not cart"
    held.sort(key=lambda pair: pair[1])
    names = [(solver.define(atom.formula), is_so) for atom, is_so in held]
    literals = [name if is_so else no(name) for name, is_so in names]
    given = [one if solver.is_so(one) else no(one) for one in choices]
    alike = no(differs)
    if (core := solver.core([*literals, *given, alike])) is None:
        return None
    core = solver.smallest(core)
    found = [
        _Held(atom, is_so, literal)
        for (atom, is_so), literal in zip(held, literals, strict=True)
        if any(one.eq(literal) for one in core)
    ]
    return sorted(found, key=lambda one: (not one.is_so, atoms.index(one.atom)))


def _told_apart(atoms: Iterable[tuple[_Atom, str]]) -> list[_Atom]:
    """Atoms in words that name the book where the two mean different things by the same."""
    found = list(atoms)
    often = Counter(atom.yes for atom, _ in found)
    return [
        replace(atom, yes=f"{atom.yes} by the {book}", no=f"{atom.no} by the {book}", literal=None)
        if often[atom.yes] > 1
        else atom
        for atom, book in found
    ]


def _atoms(sides: Sequence[tuple[Reader, Target]]) -> Iterator[tuple[_Atom, str]]:
    """What rules of the targets ask, each thing once, with the book that asks it first."""
    seen: set[int] = set()
    others = _meaning_otherwise(*(reader for reader, _ in sides))
    for asked in (_of_rules, _of_permissions):
        for (reader, target), book in zip(sides, ("old book", "new book"), strict=True):
            for atom in asked(reader, target, others):
                if atom.formula.get_id() not in seen:
                    seen.add(atom.formula.get_id())
                    yield atom, book


def _meaning_otherwise(old: Reader, new: Reader) -> frozenset[str]:
    """The segments that both books have, and that are not the same people."""
    in_both = old.book.segments.keys() & new.book.segments.keys()
    return frozenset(name for name in in_both if not z3.eq(old.segment(name, True), new.segment(name, True)))


def _of_rules(reader: Reader, target: Target, others: Collection[str]) -> Iterator[_Atom]:
    shared = shared_names(reader.book.attributes.values())
    for rule in (*target.hiding, *target.offering):
        yield from _of_condition(reader.normal(rule.when), reader, shared, others)
        if rule.start is not None or rule.end is not None:
            awake = reader.symbols.awake(rule.start, rule.end)
            said = schedule(rule.start, rule.end)
            yield _Atom(awake, f"it is {said}", f"it is not {said}", during=(rule.start, rule.end))


def _of_permissions(reader: Reader, target: Target, others: Collection[str]) -> Iterator[_Atom]:
    for name, flag in reader.symbols.flags.items():
        yield _Atom(flag, f"consent for {name} is given", f"consent for {name} is not given")
    for purpose in reader.book.purposes:
        yield _Atom(reader.opted_out(purpose), f"opted out of {purpose}", f"not opted out of {purpose}")


def _of_condition(
    normal: Normal, reader: Reader, shared: frozenset[str], others: Collection[str]
) -> Iterator[_Atom]:
    """What a condition asks, with those segments taken apart that mean something else in the other book."""
    if not isinstance(normal, Literal):
        for part in normal.parts:
            yield from _of_condition(part, reader, shared, others)
    elif isinstance(normal.leaf, InSegment) and normal.leaf.id in others:
        inner = reader.normal(reader.book.segments[normal.leaf.id].when, normal.wanted)
        yield from _of_condition(inner, reader, shared, others)
    elif not isinstance(normal.leaf, Consent):
        contrary = partial(reader.literal, Literal(normal.leaf, not normal.wanted))
        yield _Atom(reader.literal(normal), *_said_of(normal, reader, shared), contrary, normal, shared)


def _said_of(literal: Literal, reader: Reader, shared: frozenset[str]) -> tuple[str, str, str]:
    """That a literal is satisfied, and that it is not, and what may be so instead of that."""
    leaf = literal.leaf
    if isinstance(leaf, InSegment):
        described = " ".join(reader.book.segments[leaf.id].description.split()).rstrip(".")
        within = f'in "{described}"' if 0 < len(described) <= LONGEST_NAME else f"in {leaf.id}"
        yes, other = (within, f"not {within}") if literal.wanted else (f"not {within}", within)
        return yes, other, "unknown"
    if not isinstance(leaf, Test):
        condition = condition_of(literal)
        negation = condition.part if isinstance(condition, Not) else Not(condition)
        return in_words(condition, shared), in_words(negation, shared), ""
    negated = not literal.wanted
    if leaf.attribute.type is Type.BOOLEAN and leaf.op in (Op.IS, Op.IS_NOT):
        is_so = leaf.operand is ((leaf.op is Op.IS) is literal.wanted)
        said = [_in_words(Test(leaf.attribute, Op.IS, one), False, shared) for one in (is_so, not is_so)]
    else:
        said = [_in_words(leaf, one, shared) for one in (negated, not negated)]
    return said[0], said[1], "missing" if leaf.op is not Op.KNOWN else ""


def _in_words(test: Test, negated: bool, shared: frozenset[str]) -> str:
    """A test in English, a long list cut short."""
    return says_of(test, attribute_in_words(test.attribute, shared), negated=negated, short=True)
