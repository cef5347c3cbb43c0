"""A slot or a setting on the way through its rules: who comes first there, and what is left to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import takewhile

from tailored.book.model import Rule
from tailored.proof.outcomes import Filling, Offer, Target, arranged, candidates, gives, hidden, offers_of
from tailored.proof.proof import Proof
from tailored.proof.reader import Reader
from tailored.proof.search import Search
from tailored.proof.solving import Answer, Happens, Solver
from tailored.proof.symbols import Formula, no, some


class Course:
    """A slot or a setting whose rules are asked in resolution order: what those before a rule leave to it.

    First comes the search. The solver learns of rules when it is asked, which most questions spare it.
    """

    def __init__(self, proof: Proof, target: Target) -> None:
        self.proof, self.target = proof, target
        ways = [proof.clauses.of(rule) for rule in target.hiding]
        for rule in target.offering:
            shown = () if target.kind == "many" else rule.show.get(target.id, ())
            ways.append(proof.clauses.of(rule, shown, target.id in rule.rank))
        self.search = Search(ways, proof.symbols.moment)
        self._passed = 0
        self._literals: dict[tuple[str, bool], Formula] = {}

    @cached_property
    def reader(self) -> Reader:
        """A reader of these rules alone."""
        return self.proof.alone([*self.target.hiding, *self.target.offering])

    @cached_property
    def solver(self) -> Solver:
        """A solver for whom the slot is not hidden."""
        solver = Solver(self.reader.symbols)
        solver.add(no(hidden(self.target, self.reader)))
        return solver

    @cached_property
    def filling(self) -> Filling | None:
        """What is in a `many` slot before the next rule."""
        return filling_of(self.proof, self.target, self.solver)

    def place(self, rule: Rule) -> int:
        """The place of a rule that offers something in the search: those that hide come before."""
        return len(self.target.hiding) + self.target.places[rule.id]

    def found(self, rules: Sequence[Rule], happens: Happens) -> Answer:
        """What the search says of rules that offer something, for whom none comes before the first of them.

        In a `many` slot others may come before them.
        """
        places = [self.place(rule) for rule in rules]
        answer = self.search.ask(places, self.search.before(places[0]), happens)
        if answer.witness is not None or self.target.kind != "many":
            return answer
        return self.search.ask(places, 0, happens)

    def rivals(self, rule: Rule) -> Iterator[Rule]:
        """The later rules of the same priority that a rule may meet, and that answer in another way."""
        offering, first = self.target.offering, self.target.places[rule.id] + 1
        alike = takewhile(lambda at: offering[at].priority == rule.priority, range(first, len(offering)))
        start = len(self.target.hiding)
        places = self.search.may_meet(self.place(rule), (start + at for at in alike))
        others = (offering[place - start] for place in places)
        return (other for other in others if is_other(self.proof, self.target, rule, other))

    def offers(self, rule: Rule) -> list[Offer]:
        """What a rule offers."""
        return offers_of(self.target, rule, self.reader)

    def wins(self, rule: Rule) -> Formula:
        """A literal: a rule places something. Rules must be asked about in their order."""
        place = self.target.places[rule.id]
        for one in self.target.offering[self._passed : place]:
            if self.filling is None:
                self.solver.add(no(gives(self.target, one, self.reader)))
            else:
                for offer in self.offers(one):
                    self.filling.add(offer)
        self._passed = place
        return self._literal(rule, True, lambda: room_for(self.filling, self.offers(rule)))

    def gives(self, rule: Rule) -> Formula:
        """A literal: a rule offers something."""
        return self._literal(rule, False, lambda: gives(self.target, rule, self.reader))

    def _literal(self, rule: Rule, wins: bool, formula: Callable[[], Formula]) -> Formula:
        if (rule.id, wins) not in self._literals:
            self._literals[rule.id, wins] = self.solver.literal(formula())
        return self._literals[rule.id, wins]


def filling_of(proof: Proof, target: Target, solver: Solver) -> Filling | None:
    """The state of a `many` slot with nothing in it; None for what is not filled."""
    if target.kind != "many":
        return None
    most = proof.book.slots[target.id].many or 1
    distinct = {content for rule in target.offering for content in candidates(rule, target.id)}
    return Filling(max(1, min(most, len(distinct))), solver.define)


def room_for(filling: Filling | None, offers: Sequence[Offer]) -> Formula:
    """That at least one of these offers would be placed now."""
    return some([offer.may if filling is None else filling.room_for(offer) for offer in offers])


def is_other(proof: Proof, target: Target, rule: Rule, other: Rule) -> bool:
    """Whether two rules would answer a target in different ways."""
    name = target.id
    if target.kind == "setting":
        return rule.set[name] != other.set[name]
    if target.kind == "order":
        slot = proof.book.slots[name]
        return arranged(slot, rule.order[name]) != arranged(slot, other.order[name])
    return candidates(rule, name) != candidates(other, name)
