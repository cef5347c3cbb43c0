"""What an open question hangs on: each `logic:` and each ranking that could decide it either way."""

from __future__ import annotations

from collections.abc import Callable, Collection

import z3

from tailored.book.model import Ranking, Rule, RuleBook
from tailored.condition.english import joined
from tailored.condition.tree import Condition, Logic, leaves
from tailored.proof.proof import Proof, is_opaque, opaque_segments
from tailored.proof.reader import Reader
from tailored.proof.solving import Solver
from tailored.proof.symbols import Formula, every, no

MOST_NAMED = 20
"""How many rules a sentence names at most."""
Asks = Callable[[Reader, Solver], Formula]
"""What is asked, as a reader reads the rules."""


class Doubted(Reader):
    """The same book, where something may be otherwise: each `logic:` of one condition, or some rankings."""

    def __init__(
        self, reader: Reader, condition: Condition | None = None, rankings: Collection[Ranking] = ()
    ) -> None:
        super().__init__(reader.book, reader.symbols)
        self._condition, self._rankings = condition, rankings
        logics = self.symbols.logics.values()
        self._free = [(one, _otherwise(one)) for true, false, _ in logics for one in (true, false)]
        self.axioms = every(no(z3.And(_otherwise(true), _otherwise(false))) for true, false, _ in logics)

    def holds(self, condition: Condition, wanted: bool = True) -> Formula:
        found = super().holds(condition, wanted)
        return z3.substitute(found, *self._free) if condition is self._condition else found

    def chosen(self, ranking: Ranking, content: str, again: int = 0) -> Formula:
        found = super().chosen(ranking, content, again)
        return _otherwise(found) if ranking in self._rankings else found


def hangs_on(
    proof: Proof, when: Condition, targets: Collection[str], solver: Solver, asks: Asks
) -> tuple[list[str], str]:
    """The rules that an open question about some targets hangs on, and the hint that says so.

    Something matters if a request would make what is asked true or false, were only that otherwise. `when` is
    the condition of the question itself.
    """
    it_is = solver.define(asks(proof.reader, solver))

    def matters(reader: Doubted) -> bool:
        solver.add(reader.axioms)
        return solver.possible([it_is, no(solver.define(asks(reader, solver)))])

    rules = [rule for rule in proof.book.rules if not _bearing(rule).isdisjoint(targets)]
    opaque, ranking = [], []
    for rule in rules:
        if rule.id in proof.opaque and matters(Doubted(proof.reader, rule.when)):
            opaque.append(rule)
        if rankings := [one for slot, one in rule.rank.items() if slot in targets]:
            ranking += [rule] if matters(Doubted(proof.reader, None, rankings)) else []
        if len(opaque) + len(ranking) >= MOST_NAMED:
            break
    own = is_opaque(when, proof.book) and matters(Doubted(proof.reader, when))
    names = list(dict.fromkeys(rule.id for rule in (*opaque, *ranking)))
    said = [_of_opaque(rule, proof.book) for rule in opaque] + (["its own `when`"] if own else [])
    hints = []
    if said:
        hints.append(f"It hangs on the `logic:` of {joined(said)}: write that as tests, if you can.")
    if ranking:
        whose = joined([f"`{rule.id}`" for rule in ranking])
        hints.append(f"It hangs on what a scorer puts first in {whose}: name other candidates, if you can.")
    return names, " ".join(hints) or "The search for one was given up, as it takes too long."


def _otherwise(one: Formula) -> Formula:
    return z3.Bool(f"{one} otherwise")


def _bearing(rule: Rule) -> set[str]:
    return {*rule.show, *rule.rank, *rule.hide, *rule.order, *rule.set}


def _of_opaque(rule: Rule, book: RuleBook) -> str:
    if any(isinstance(leaf, Logic) for leaf in leaves(rule.when)):
        return f"`{rule.id}`"
    segments = joined([f"`{name}`" for name in opaque_segments(rule.when, book)])
    return f"`{rule.id}` (through {segments})"
