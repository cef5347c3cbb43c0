"""Asking Z3: a request with which something happens, or the certainty that there is none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import z3

from tailored.condition.logic import evaluator
from tailored.engine.facts import as_json
from tailored.proof.symbols import (
    NO,
    YES,
    Chain,
    Formula,
    Impossible,
    Members,
    Place,
    Request,
    Symbols,
    Timeline,
    every,
    is_so,
)
from tailored.proof.texts import Unsure

Happens: TypeAlias = Callable[[Request], bool]
"""Whether something happens with a request, by replaying it."""

MOST_TRIES = 40
"""Models that are tried before a question counts as undecided."""
MOST_MILLISECONDS = 20_000
"""What one question may take before it counts as undecided."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a question: a witness that was replayed, or `never`; neither is undecided."""

    witness: Request | None = None
    never: bool = False
    core: tuple[Formula, ...] = field(default=())
    """Where it never happens: some of the assumptions that exclude it together."""

    @property
    def undecided(self) -> bool:
        return self.witness is None and not self.never


class Solver:
    """A solver of Z3 that knows the axioms of all requests, and takes in those that are learnt later."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self._solver = z3.SimpleSolver() if symbols.relative else z3.SolverFor("QF_FD")
        self._solver.set("timeout", MOST_MILLISECONDS)
        self._learnt = 0
        self._names = 0
        self._wished: list[Formula] = []
        self._hoped = 0
        self._model: z3.ModelRef | None = None
        self._defined: dict[int, tuple[Formula, Formula]] = {}

    def add(self, formula: Formula) -> None:
        """Asserts for good."""
        self._solver.add(formula)

    def literal(self, formula: Formula) -> Formula:
        """A literal that, assumed, brings a formula with it."""
        self._names += 1
        name = z3.Bool(f"assume {self._names}")
        self._solver.add(z3.Implies(name, formula))
        return name

    def define(self, formula: Formula) -> Formula:
        """A name for a formula, so that what builds on it stays small."""
        if formula is YES or formula is NO or z3.is_const(formula):
            return formula
        known = self._defined.get(formula.get_id())
        if known is None:
            self._names += 1
            name = z3.Bool(f"name {self._names}")
            self._solver.add(name == formula)
            known = self._defined[formula.get_id()] = (name, formula)
        return known[0]

    def ask(
        self,
        assumed: Sequence[Formula],
        happens: Happens,
        about: Collection[Place] = (),
    ) -> Answer:
        """Whether something can happen when all that is `assumed` holds: literals, so that a core is found.

        `happens` replays a request. A model that replays otherwise hangs on a `logic:` (or on attributes that
        share a place); what it says of that request is learnt, and others are tried. Before all of a model is
        replayed, what it says `about` the places that matter is.
        """
        lessons: list[Formula] = []
        wishes = self._wishes()
        for _ in range(MOST_TRIES):
            self._catch_up()
            literals = [*assumed, self.literal(every(lessons))] if lessons else [*assumed]
            result = self._check(literals, wishes)
            if result != z3.sat:
                sure = result == z3.unsat and not lessons
                return Answer(never=sure, core=tuple(self._solver.unsat_core()) if sure else ())
            model = self._model = self._solver.model()
            try:
                request = self.symbols.request(model, about) if about else None
                if request is None or not happens(request):
                    request = self.symbols.request(model)
                elif request is not None:
                    return Answer(request)
            except Impossible as impossible:
                self.symbols.axioms.append(impossible.lemma)
                continue
            except Unsure:
                return Answer()
            if request is not None and happens(request):
                return Answer(request)
            if len(wishes) > 1:
                wishes = wishes[1:]  # what is hoped of rankings is no help here
                continue
            lesson = self._lesson(model)
            if lesson is None:
                return Answer()
            lessons.append(lesson)
        return Answer()

    def _wishes(self) -> list[Formula]:
        """What models should be like, if they can: as is hoped of rankings, and at a moment people know."""
        symbols = self.symbols
        if len(symbols.hopes) > self._hoped or not self._wished:
            self._hoped = len(symbols.hopes)
            hopes = [every([*symbols.hopes, symbols.preferred])] if symbols.hopes else []
            self._wished = [self.literal(wish) for wish in (*hopes, symbols.preferred)]
        return self._wished

    def _check(self, literals: Sequence[Formula], wishes: Sequence[Formula]) -> z3.CheckSatResult:
        """Looks for a model that grants the first of some wishes that can be granted, or none of them."""
        for wish in wishes:
            result = self._solver.check(*literals, wish)
            if result == z3.sat or (
                result == z3.unsat and not any(one.eq(wish) for one in self._solver.unsat_core())
            ):
                return result
        return self._solver.check(*literals)

    def is_so(self, formula: Formula) -> bool:
        """Whether a formula is true in the model that was found last."""
        assert self._model is not None
        return is_so(self._model, formula)

    def possible(self, assumed: Sequence[Formula]) -> bool:
        """Whether these literals may hold together; `is_so` then tells of how."""
        self._catch_up()
        result = self._solver.check(*assumed)
        self._model = self._solver.model() if result == z3.sat else None
        return bool(result == z3.sat)

    def excluded(self, assumed: Sequence[Formula]) -> bool:
        """Whether these literals exclude each other for every request."""
        self._catch_up()
        return bool(self._solver.check(*assumed) == z3.unsat)

    def core(self, assumed: Sequence[Formula]) -> list[Formula] | None:
        """Some of these literals that exclude each other for every request; None where they do not."""
        return list(self._solver.unsat_core()) if self.excluded(assumed) else None

    def smallest(self, core: Sequence[Formula]) -> list[Formula]:
        """Of literals that exclude each other, some from which nothing can be left out."""
        found = self.core(core)
        left = list(core) if found is None else found
        for one in list(left):
            fewer = [other for other in left if not other.eq(one)]
            if self.excluded(fewer):
                left = fewer
        return left

    def _catch_up(self) -> None:
        axioms = self.symbols.axioms
        if self._learnt < len(axioms):
            self._solver.add(every(axioms[self._learnt :]))
            self._learnt = len(axioms)

    def _lesson(self, model: z3.ModelRef) -> Formula | None:
        """What to keep from a model that replays otherwise: what expressions really say of its values."""
        symbols = self.symbols
        values = symbols.values(model)
        consents = {name: True for name, flag in symbols.flags.items() if is_so(model, flag)}
        wrong: list[Formula] = []
        for (text, places), (true, false, leaf) in symbols.logics.items():
            data: dict[str, dict[str, object]] = {"user": {"consents": consents}, "context": {}}
            alike: list[Formula] = [
                flag if name in consents else z3.Not(flag)
                for name, flag in symbols.flags.items()
                if f"user.consents.{name}" in text
            ]
            for place, attribute in zip(places, leaf.reads, strict=True):
                variable = symbols.variables[place]
                if place in values:
                    data[attribute.side][attribute.name] = as_json(values[place])
                    alike += [variable.known, *_chosen(variable.value, model)]
                else:
                    alike.append(z3.Not(variable.known))
            said = evaluator(text)(data)
            expected = true if said is True else z3.Not(true)
            contrary = false if said is False else z3.Not(false)
            agrees = is_so(model, z3.And(expected, contrary))
            if not agrees:
                wrong.append(z3.Implies(z3.And(alike), z3.And(expected, contrary)))
        if wrong:
            return every(wrong)
        shared = [variable.known for place, variable in symbols.variables.items() if place in values]
        return z3.Not(z3.And(shared)) if shared and not symbols.logics else None


def _chosen(value: object, model: z3.ModelRef) -> list[Formula]:
    """That a value lies in the cells that a model chose."""
    if isinstance(value, Chain):
        return [value.within(1 << value.place(model))]
    if isinstance(value, Timeline):
        return [value.number == model.eval(value.number, True)]
    assert isinstance(value, Members)
    has = [one if is_so(model, one) else z3.Not(one) for one in value.members.values()]
    return [*has, value.size.within(1 << value.size.place(model))]
