"""What a guarantee claims: as a formula, of a decision, and in the words for whoever breaks it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tailored.book.model import Claim, RuleBook
from tailored.condition.english import joined
from tailored.proof.outcomes import Offer, Target, defaults_of, filled, first_of, gives, hidden, offers_of
from tailored.proof.proof import Proof
from tailored.proof.reader import Reader
from tailored.proof.replay import Outcome, Replayed, answer_of, rules_of
from tailored.proof.solving import Solver
from tailored.proof.symbols import Formula, every, no, some


@dataclass(frozen=True, slots=True)
class Placed:
    """The targets of a book, with formulas for what they hold, in the terms of one reader and one solver."""

    proof: Proof
    reader: Reader
    solver: Solver

    def holds(self, claim: Claim) -> Formula:
        """That a decision is as a claim says."""
        if claim.kind == "show content tagged":
            tagged = _tagged(self.proof.book, claim.values)
            return some([self.content(target, tagged) for target in self.proof.targets])
        target = next(target for target in self.proof.targets if target.id == claim.target)
        if claim.kind == "hide":
            return hidden(target, self.reader)
        if claim.kind == "show":
            return self.content(target, claim.values) if claim.values else self.something(target)
        return some([first for offer, first in self.answers(target) if _answers(claim, offer.what)])

    def answers(self, target: Target) -> Iterator[tuple[Offer, Formula]]:
        """What a target for one thing may be, each with the formula that it is."""
        return first_of([*self._offers(target), *defaults_of(target, self.reader)], self.solver.define)

    def something(self, target: Target) -> Formula:
        """That a slot is not empty."""
        given = [gives(target, rule, self.reader) for rule in target.offering]
        given += [offer.may for offer in defaults_of(target, self.reader)]
        return every([no(hidden(target, self.reader)), some(given)])

    def content(self, target: Target, wanted: Collection[Any]) -> Formula:
        """That a slot holds at least one of these."""
        seen = no(hidden(target, self.reader))
        if target.kind == "single":
            return every([seen, some([at for offer, at in self.answers(target) if offer.what in wanted])])
        if target.kind != "many":
            return some([])
        slot, spare = self.proof.book.slots[target.id], defaults_of(target, self.reader)
        held = filled(slot, self._offers(target), spare, self.solver.define).held
        return every([seen, some([at for content, at in held.items() if content in wanted])])

    def _offers(self, target: Target) -> list[Offer]:
        return [offer for rule in target.offering for offer in offers_of(target, rule, self.reader)]


def is_so(claim: Claim, book: RuleBook, replayed: Replayed) -> bool:
    """Whether a decision is as a claim says."""
    if claim.kind == "show content tagged":
        tagged = _tagged(book, claim.values)
        return any(not tagged.isdisjoint(held(replayed.outcomes[slot])) for slot in book.slots)
    outcome = replayed.outcomes[claim.target]
    if claim.kind == "hide":
        return outcome.get("reason") == "hidden"
    if claim.kind == "show":
        found = held(outcome)
        return not set(claim.values).isdisjoint(found) if claim.values else bool(found)
    if claim.kind == "order":
        return _answers(claim, tuple(outcome["order"]))
    return _answers(claim, replayed.values[claim.target])


def held(outcome: Outcome) -> list[str]:
    """The content that a slot holds."""
    items = [item["content"] for item in outcome.get("items", ())]
    return items or [content for content in (outcome.get("content"),) if content is not None]


def break_of(claim: Claim, book: RuleBook, replayed: Replayed, never: bool) -> tuple[str, list[str]]:
    """What breaks a claim, told of the decision that does, and the rules from which it has that."""
    if claim.kind == "show content tagged":
        return _shows_tagged(claim, book, replayed, never)
    target, outcome = claim.target, replayed.outcomes[claim.target]
    rules = sorted(rules_of(outcome))
    if outcome.get("reason") == "hidden":
        return f"`{target}` is hidden{_by(rules)}", rules
    if claim.kind == "hide":
        return f"`{target}` is not hidden", []
    if claim.kind == "show" and not held(outcome):
        return f"`{target}` is empty", []
    if claim.kind == "show":
        found = [name for name in held(outcome) if not never or not claim.values or name in claim.values]
        is_full = "items" not in outcome or len(found) >= (book.slots[target].many or 1)
        rules = sorted(_givers(outcome, found)) if never or is_full else []
        return f"`{target}` shows {joined(found)}{_by(rules) if never or is_full else ' only'}", rules
    answer = answer_of(outcome)
    if claim.kind == "order":
        return f"`{target}` begins with {joined(answer[: len(claim.values)])}{_by(rules)}", rules
    return f"`{target}` is {json.dumps(answer, ensure_ascii=False)}{_by(rules)}", rules


def _shows_tagged(claim: Claim, book: RuleBook, replayed: Replayed, never: bool) -> tuple[str, list[str]]:
    tags = joined([str(tag) for tag in claim.values], "or")
    if not never:
        return f"nothing that is shown is tagged {tags}", []
    tagged, said, rules = _tagged(book, claim.values), "", set()
    for slot in book.slots:
        outcome = replayed.outcomes[slot]
        if found := [name for name in held(outcome) if name in tagged]:
            givers = _givers(outcome, found)
            rules |= givers
            said = said or f"`{slot}` shows {joined(found)}, which is tagged {tags}{_by(sorted(givers))}"
    return said, sorted(rules)


def _by(rules: list[str]) -> str:
    return f", by {joined([f'`{rule}`' for rule in rules])}" if rules else ", by default"


def _givers(outcome: Outcome, names: Collection[str]) -> set[str]:
    """The rules that a slot has some content from."""
    items = outcome.get("items", (outcome,))
    return {item["rule"] for item in items if item["content"] in names} - {None}


def _tagged(book: RuleBook, tags: Collection[Any]) -> frozenset[str]:
    return frozenset(name for name, item in book.content.items() if not set(tags).isdisjoint(item.tags))


def _answers(claim: Claim, answer: Any) -> bool:
    """Whether an order, or the value of a setting, is as a claim says."""
    if claim.kind == "order":
        return tuple(answer[: len(claim.values)]) == claim.values
    return any(answer == value and type(answer) is type(value) for value in claim.values)
