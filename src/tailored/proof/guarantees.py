"""Guarantees: each claim proven for every request, or a request that breaks it; or said to be open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tailored.book.builtin import GUARANTEE as BUILT_IN
from tailored.book.model import Claim, Guarantee, Rule, RuleBook
from tailored.condition.english import joined
from tailored.condition.tree import Condition, InSegment, Logic, leaves
from tailored.proof.outcomes import (
    Target,
    defaults_of,
    filled,
    first_of,
    gives,
    hidden,
    offers_of,
)
from tailored.proof.proof import Proof
from tailored.proof.replay import Outcome, Replayed, answer_of
from tailored.proof.shrink import smaller
from tailored.proof.solving import Answer, Happens, Solver
from tailored.proof.symbols import Formula, Request, every, no, some
from tailored.proof.words import condition_parts, contradiction, core_of, shown, whom
from tailored.report.outcome import Finding

PROVEN, BROKEN, UNPROVEN = "proven", "broken", "unproven"


def check_guarantees(proof: Proof, status: dict[str, str]) -> Iterator[Finding]:
    """`guarantee-broken` and `guarantee-unproven`; what became of each guarantee goes to `status`."""
    yield from _sensitive(proof, status)
    for guarantee in proof.book.guarantees.values():
        status[guarantee.id] = PROVEN
        yield from _idle(proof, guarantee)
        for word, claims in (("never", guarantee.never), ("always", guarantee.always)):
            for claim in claims:
                yield from _claim(proof, guarantee, claim, word == "never", status)


@dataclass(frozen=True, slots=True)
class _Placed:
    """The targets of a book, with formulas for what they hold, in the terms of one solver."""

    proof: Proof
    solver: Solver

    def target(self, name: str) -> Target:
        """A slot or a setting with the rules that bear on it."""
        return next(target for target in self.proof.targets if target.id == name)

    def holds(self, claim: Claim) -> Formula:
        """That a decision is as a claim says."""
        if claim.kind == "show content tagged":
            tagged = _tagged(self.proof.book, claim.values)
            return some([self.content(target, tagged) for target in self.proof.targets])
        target = self.target(claim.target)
        if claim.kind == "hide":
            return hidden(target, self.proof.reader)
        if claim.kind == "show":
            held = self.content(target, claim.values) if claim.values else self.something(target)
            return held
        return some([first for offer, first in self.answers(target) if _answers(claim, offer.what)])

    def answers(self, target: Target) -> Iterator[tuple[Any, Formula]]:
        """What a target for one thing may be, each with the formula that it is."""
        reader = self.proof.reader
        offers = [offer for rule in target.offering for offer in offers_of(target, rule, reader)]
        return first_of([*offers, *defaults_of(target, reader)], self.solver.define)

    def something(self, target: Target) -> Formula:
        """That a slot is not empty."""
        reader = self.proof.reader
        given = [gives(target, rule, reader) for rule in target.offering]
        given += [offer.may for offer in defaults_of(target, reader)]
        return every([no(hidden(target, reader)), some(given)])

    def content(self, target: Target, wanted: Collection[Any]) -> Formula:
        """That a slot holds at least one of these."""
        reader = self.proof.reader
        seen = no(hidden(target, reader))
        if target.kind == "single":
            return every([seen, some([at for offer, at in self.answers(target) if offer.what in wanted])])
        if target.kind != "many":
            return some([])
        offers = [offer for rule in target.offering for offer in offers_of(target, rule, reader)]
        slot = self.proof.book.slots[target.id]
        held = filled(slot, offers, defaults_of(target, reader), self.solver.define).held
        return every([seen, some([at for content, at in held.items() if content in wanted])])


def _tagged(book: RuleBook, tags: Collection[Any]) -> frozenset[str]:
    return frozenset(name for name, item in book.content.items() if not set(tags).isdisjoint(item.tags))


def _answers(claim: Claim, answer: Any) -> bool:
    """Whether an order, or the value of a setting, is as a claim says."""
    if claim.kind == "order":
        return tuple(answer[: len(claim.values)]) == claim.values
    return any(answer == value and type(answer) is type(value) for value in claim.values)


def _idle(proof: Proof, guarantee: Guarantee) -> Iterator[Finding]:
    """`guarantee-idle`: it speaks of nobody, and so promises nothing."""

    def is_met(request: Request) -> bool:
        return proof.replay.truth(guarantee.when, request) is True

    solver = Solver(proof.symbols)
    if not solver.ask([solver.literal(proof.reader.holds(guarantee.when))], is_met).never:
        return
    core = core_of(proof.cores, list(condition_parts(guarantee.when, proof.reader)))
    why = contradiction(core) if core else "its `when` never holds"
    message = f"`{guarantee.id}` speaks of nobody, so it protects nothing: {why}."
    about: dict[str, Any] = {"guarantee": guarantee.id, "others": [], "witness": None}
    hint = "Look for a slip in its `when`, or take it out."
    yield Finding("guarantee-idle", "warning", message, hint, guarantee.span, more=about)


def _claim(
    proof: Proof, guarantee: Guarantee, claim: Claim, never: bool, status: dict[str, str]
) -> Iterator[Finding]:
    solver = Solver(proof.symbols)
    solver.add(proof.reader.holds(guarantee.when))
    holds = _Placed(proof, solver).holds(claim)

    def breaks(request: Request) -> bool:
        if proof.replay.truth(guarantee.when, request) is not True:
            return False
        return _is_so(proof, claim, proof.see(request)) is never

    answer = solver.ask([solver.literal(holds if never else no(holds))], breaks)
    if answer.never:
        return
    said = _in_words(claim, proof, never)
    yield _finding(proof, guarantee.id, guarantee, said, answer, breaks, claim, status)


def _finding(
    proof: Proof,
    name: str,
    guarantee: Guarantee,
    said: Callable[[Replayed], str],
    answer: Answer,
    breaks: Happens,
    claim: Claim,
    status: dict[str, str],
) -> Finding:
    span = guarantee.span
    targets = [claim.target] if claim.target else list(proof.book.slots)
    if answer.witness is None or not proof.replay.confirmed(answer.witness, targets):
        status[name] = UNPROVEN if status.get(name) != BROKEN else BROKEN
        message = f"`{name}` could not be proven: no request was found that breaks it, and none is excluded."
        bearing = [rule for rule in proof.book.rules if _bears(rule, targets)]
        rules = [rule.id for rule in bearing if _is_opaque(rule.when, proof.book)]
        whose = f" of {joined([f'`{rule}`' for rule in rules])}" if rules else ""
        hint = f"It hangs on the `logic:`{whose}, of which nothing is known; write that as tests, if you can."
        about: dict[str, Any] = {"guarantee": name, "others": rules, "witness": None}
        return Finding("guarantee-unproven", "warning", message, hint, span, more=about)
    status[name] = BROKEN
    witness = smaller(answer.witness, breaks)
    replayed = proof.see(witness)
    others = sorted(_givers(proof, claim, replayed, targets))
    message = f"`{name}` is broken: when {whom(witness, proof.replay)}, {said(replayed)}."
    about = {"guarantee": name, "others": others, "witness": witness.to_dict()}
    return Finding("guarantee-broken", "error", message, "", span, shown(witness), about)


def _is_opaque(condition: Condition, book: RuleBook) -> bool:
    """Whether a condition, or a segment in it, has a `logic:` of which nothing is known."""
    return any(
        _is_opaque(book.segments[leaf.id].when, book)
        if isinstance(leaf, InSegment)
        else isinstance(leaf, Logic)
        for leaf in leaves(condition)
    )


def _bears(rule: Rule, targets: Collection[str]) -> bool:
    return not set(targets).isdisjoint((*rule.show, *rule.rank, *rule.hide, *rule.order, *rule.set))


def _givers(proof: Proof, claim: Claim, replayed: Replayed, targets: list[str]) -> set[str]:
    """The rules that a decision has what a claim speaks of from."""
    if claim.kind != "show content tagged":
        return {rule for target in targets for rule in replayed.named(target)}
    tagged, found = _tagged(proof.book, claim.values), set()
    for slot in targets:
        outcome = replayed.outcomes[slot]
        found |= {item["rule"] for item in outcome.get("items", (outcome,)) if item.get("content") in tagged}
    return found - {None}


def _is_so(proof: Proof, claim: Claim, replayed: Replayed) -> bool:
    """Whether a decision is as a claim says."""
    if claim.kind == "show content tagged":
        tagged = _tagged(proof.book, claim.values)
        return any(not tagged.isdisjoint(_held(replayed.outcomes[slot])) for slot in proof.book.slots)
    outcome = replayed.outcomes[claim.target]
    if claim.kind == "hide":
        return outcome.get("reason") == "hidden"
    if claim.kind == "show":
        held = _held(outcome)
        return not set(claim.values).isdisjoint(held) if claim.values else bool(held)
    if claim.kind == "order":
        return _answers(claim, tuple(outcome["order"]))
    return _answers(claim, replayed.values[claim.target])


def _held(outcome: Outcome) -> list[str]:
    """The content that a slot holds."""
    items = [item["content"] for item in outcome.get("items", ())]
    return items or [content for content in (outcome.get("content"),) if content is not None]


def _in_words(claim: Claim, proof: Proof, never: bool) -> Callable[[Replayed], str]:
    """What breaks a claim, told of the decision that does."""

    def said(replayed: Replayed) -> str:
        if claim.kind == "show content tagged":
            return _shows_tagged(claim, proof, replayed, never)
        outcome = replayed.outcomes[claim.target]
        by = replayed.named(claim.target)
        whose = f", by {joined([f'`{rule}`' for rule in sorted(by)])}" if by else ", by default"
        if outcome.get("reason") == "hidden":
            return f"`{claim.target}` is hidden{whose}"
        if claim.kind == "hide":
            return f"`{claim.target}` is not hidden"
        if claim.kind == "show":
            held = _held(outcome)
            return f"`{claim.target}` shows {joined(held)}{whose}" if held else f"`{claim.target}` is empty"
        answer = answer_of(outcome)
        if claim.kind == "order":
            return f"`{claim.target}` begins with {joined(answer[: len(claim.values)])}{whose}"
        return f"`{claim.target}` is {answer}{whose}"

    return said


def _shows_tagged(claim: Claim, proof: Proof, replayed: Replayed, never: bool) -> str:
    tags = joined([str(tag) for tag in claim.values], "or")
    if not never:
        return f"nothing that is shown is tagged {tags}"
    tagged = _tagged(proof.book, claim.values)
    for slot in proof.book.slots:
        if found := [content for content in _held(replayed.outcomes[slot]) if content in tagged]:
            by = replayed.named(slot)
            whose = joined([f"`{rule}`" for rule in sorted(by)]) if by else "default"
            return f"`{slot}` shows {joined(found)}, which is tagged {tags}, by {whose}"
    return ""


def _sensitive(proof: Proof, status: dict[str, str]) -> Iterator[Finding]:
    """That no decision holds content of a sensitive topic without consent for it."""
    status[BUILT_IN] = PROVEN
    book, solver = proof.book, Solver(proof.symbols)
    placed = _Placed(proof, solver)
    sensitive = {
        name: item
        for name, item in book.content.items()
        if any(book.topics[topic].sensitive for topic in item.topics)
    }
    for target in proof.targets:
        for name in sensitive if target.kind in ("single", "many") else ():
            wrong = every([placed.content(target, [name]), no(proof.reader.open(sensitive[name].topics))])
            claim = Claim("show", target.id, (name,))

            def breaks(request: Request, name: str = name, target: Target = target) -> bool:
                replayed = proof.see(request)
                closed = replayed.facts.permissions.closed
                return name in _held(replayed.outcomes[target.id]) and not closed.isdisjoint(
                    sensitive[name].topics
                )

            answer = solver.ask([solver.literal(wrong)], breaks)
            if not answer.never:
                guarantee = Guarantee(BUILT_IN, book.slots[target.id].span)
                said = _in_words(claim, proof, True)
                yield _finding(proof, BUILT_IN, guarantee, said, answer, breaks, claim, status)
