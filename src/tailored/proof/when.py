"""The circumstances under which two books differ: as few tests as make sure of it, in English."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tailored.book.model import Rule
from tailored.condition.english import attribute_in_words, in_words, joined, says_of, shared_names
from tailored.condition.normal import Literal, Normal
from tailored.condition.tree import Condition, Consent, InSegment, Not, Test
from tailored.proof.outcomes import Target
from tailored.proof.reader import Reader
from tailored.proof.solving import Happens, Solver
from tailored.proof.symbols import Formula, every, no
from tailored.proof.words import condition_of, schedule

MOST_WAYS = 3
"""How many ways to differ a sentence tells."""
LONGEST_NAME = 50
"""Letters of a description that a segment is called by."""
MOST_TESTS = 5
"""How many things one of them names."""
MOST_THINGS = 8
"""After how many things no further way is told."""


@dataclass(frozen=True, slots=True)
class _Atom:
    """Something that holds of a request or does not, with both said in English."""

    formula: Formula
    yes: str
    no: str


def circumstances(
    sides: Sequence[tuple[Reader, Target]],
    solver: Solver,
    differs: Formula,
    tells: Happens,
) -> str:
    """When answers differ, as a sentence; each of its ways is sure to make a difference.

    Where there are more ways than a sentence tells, it says so.
    """
    atoms = list(_atoms(sides))
    differs = solver.define(differs)
    told: list[str] = []
    things = 0
    while len(told) < MOST_WAYS and things < MOST_THINGS:
        answer = solver.ask([differs], tells)
        if answer.witness is None:
            return "; or when ".join(told) if answer.never else _and_more(told)
        cube = _cube(solver, atoms, differs)
        if cube is None:
            return _and_more(told)
        if not cube:
            return "always"
        told.append(_said([text for _, text in cube]))
        things += len(cube)
        solver.add(no(every([literal for literal, _ in cube])))
    return "; or when ".join(told) if solver.ask([differs], tells).never else _and_more(told)


def _and_more(told: list[str]) -> str:
    return f"{'; or when '.join(told)}; or in other cases" if told else ""


def _said(texts: Sequence[str]) -> str:
    """Things that hold together, the first of many."""
    if len(texts) <= MOST_TESTS + 1:
        return joined(texts)
    return joined([*texts[:MOST_TESTS], f"{len(texts) - MOST_TESTS} more things hold"])


def _cube(solver: Solver, atoms: Sequence[_Atom], differs: Formula) -> list[tuple[Formula, str]] | None:
    """The fewest things that hold in the model just found, and make sure of a difference."""
    held = [(atom, solver.is_so(atom.formula)) for atom in atoms]
    # what does not hold is left out first: "page is home" says more than "page is not cart"
    held.sort(key=lambda pair: pair[1])
    names = [(solver.define(atom.formula), is_so) for atom, is_so in held]
    literals = [name if is_so else no(name) for name, is_so in names]
    alike = no(differs)
    core = solver.smallest([*literals, alike])
    if not core:
        return None
    found = []
    for (atom, is_so), literal in zip(held, literals, strict=True):
        if any(one.eq(literal) for one in core):
            said = atom.yes if is_so else atom.no
            found.append(((literal, said), (not is_so, atoms.index(atom))))
    return [pair for pair, _ in sorted(found, key=lambda one: one[1])]


def _atoms(sides: Sequence[tuple[Reader, Target]]) -> Iterator[_Atom]:
    """What rules of the targets ask, each thing once."""
    seen: set[int] = set()
    for reader, target in sides:
        shared = shared_names(reader.book.attributes.values())
        for rule in (*target.hiding, *target.offering):
            for atom in (*_of_condition(reader.normal(rule.when), reader, shared), *_of_rule(rule, reader)):
                if atom.formula.get_id() not in seen:
                    seen.add(atom.formula.get_id())
                    yield atom
    for reader, _ in sides:
        for name, flag in reader.symbols.flags.items():
            if flag.get_id() not in seen:
                seen.add(flag.get_id())
                yield _Atom(flag, f"consent for {name} is given", f"consent for {name} is not given")
        for purpose in reader.book.purposes:
            formula = reader.opted_out(purpose)
            if formula.get_id() not in seen:
                seen.add(formula.get_id())
                yield _Atom(formula, f"opted out of {purpose}", f"not opted out of {purpose}")


def _of_condition(normal: Normal, reader: Reader, shared: frozenset[str]) -> Iterator[_Atom]:
    if isinstance(normal, Literal):
        if not isinstance(normal.leaf, Consent):
            condition = condition_of(normal)
            negation = condition.part if isinstance(condition, Not) else Not(condition)
            said = [_in_words(one, reader, shared) for one in (condition, negation)]
            yield _Atom(reader.literal(normal), *said)
        return
    for part in normal.parts:
        yield from _of_condition(part, reader, shared)


def _in_words(condition: Condition, reader: Reader, shared: frozenset[str]) -> str:
    """A leaf or its negation in English, a segment by what its author calls it, long lists cut short."""
    leaf = condition.part if isinstance(condition, Not) else condition
    negated = leaf is not condition
    if isinstance(leaf, Test):
        return says_of(leaf, attribute_in_words(leaf.attribute, shared), negated=negated, short=True)
    if not isinstance(leaf, InSegment):
        return in_words(condition, shared)
    described = " ".join(reader.book.segments[leaf.id].description.split()).rstrip(".")
    name = f'"{described}"' if 0 < len(described) <= LONGEST_NAME else leaf.id
    return f"{'not ' * negated}in {name}"


def _of_rule(rule: Rule, reader: Reader) -> Iterator[_Atom]:
    if rule.start is not None or rule.end is not None:
        awake = reader.symbols.awake(rule.start, rule.end)
        yield _Atom(awake, f"it is {schedule(rule)}", f"it is not {schedule(rule)}")
