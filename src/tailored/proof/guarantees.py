"""Guarantees: each claim proven for every request, or a request that breaks it; or said to be open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tailored.book.builtin import GUARANTEE as BUILT_IN
from tailored.book.model import Claim, Guarantee
from tailored.proof.claims import Placed, break_of, held, is_so
from tailored.proof.doubts import hangs_on
from tailored.proof.proof import Proof
from tailored.proof.reader import Reader
from tailored.proof.shrink import smaller
from tailored.proof.solving import Happens, Solver
from tailored.proof.symbols import Formula, Request, every, no
from tailored.proof.words import condition_parts, contradiction, core_of, shown, whom
from tailored.report.outcome import Finding

PROVEN, BROKEN, UNPROVEN = "proven", "broken", "unproven"


def check_guarantees(proof: Proof, status: dict[str, str]) -> Iterator[Finding]:
    """`guarantee-broken`, `guarantee-unproven` and `guarantee-idle`; what became of each goes to `status`."""
    yield from _sensitive(proof, status)
    for guarantee in proof.book.guarantees.values():
        status[guarantee.id] = PROVEN
        yield from _idle(proof, guarantee)
        for word, claims in (("never", guarantee.never), ("always", guarantee.always)):
            for claim in claims:
                yield from _claim(proof, guarantee, claim, word == "never", status)


@dataclass(frozen=True, slots=True)
class _Question:
    """Whether a request can break one claim of a guarantee."""

    proof: Proof
    guarantee: Guarantee
    claim: Claim
    never: bool
    spoken_of: Callable[[Reader], Formula]
    """Whom the guarantee speaks of."""
    breaks: Happens

    def formula(self, reader: Reader, solver: Solver) -> Formula:
        """That it is broken, as a reader reads rules."""
        holds = Placed(self.proof, reader, solver).holds(self.claim)
        return every([self.spoken_of(reader), holds if self.never else no(holds)])

    def asked(self, solver: Solver, status: dict[str, str]) -> Iterator[Finding]:
        """The finding that answers it; none where the claim is proven."""
        proof, guarantee = self.proof, self.guarantee
        broken = solver.literal(self.formula(proof.reader, solver))
        answer = solver.ask([broken], self.breaks)
        if answer.never:
            return
        targets = [self.claim.target] if self.claim.target else list(proof.book.slots)
        if answer.witness is None or not proof.replay.confirmed(answer.witness, targets):
            yield self._open(status, solver, targets)
            return
        status[guarantee.id] = BROKEN
        witness = smaller(answer.witness, self.breaks)
        said, others = break_of(self.claim, proof.book, proof.see(witness), self.never)
        message = f"`{guarantee.id}` is broken: when {whom(witness, proof.replay)}, {said}."
        about = {"guarantee": guarantee.id, "others": others, "witness": witness.to_dict()}
        yield Finding("guarantee-broken", "error", message, "", guarantee.span, shown(witness), about)

    def _open(self, status: dict[str, str], solver: Solver, targets: list[str]) -> Finding:
        name = self.guarantee.id
        status[name] = BROKEN if status[name] == BROKEN else UNPROVEN
        message = f"`{name}` could not be proven: no request was found that breaks it, and none is excluded."
        others, hint = hangs_on(self.proof, self.guarantee.when, targets, solver, self.formula)
        about: dict[str, Any] = {"guarantee": name, "others": others, "witness": None}
        return Finding("guarantee-unproven", "warning", message, hint, self.guarantee.span, more=about)


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
    def breaks(request: Request) -> bool:
        if proof.replay.truth(guarantee.when, request) is not True:
            return False
        return is_so(claim, proof.book, proof.see(request)) is never

    def spoken_of(reader: Reader) -> Formula:
        return reader.holds(guarantee.when)

    yield from _Question(proof, guarantee, claim, never, spoken_of, breaks).asked(
        Solver(proof.symbols), status
    )


def _sensitive(proof: Proof, status: dict[str, str]) -> Iterator[Finding]:
    """That no decision holds content of a sensitive topic without consent for it."""
    status[BUILT_IN] = PROVEN
    book, solver = proof.book, Solver(proof.symbols)
    sensitive = {
        name: item
        for name, item in book.content.items()
        if any(book.topics[topic].sensitive for topic in item.topics)
    }
    for target in proof.targets:
        for name in sensitive if target.kind in ("single", "many") else ():
            topics = sensitive[name].topics

            def breaks(
                request: Request, name: str = name, slot: str = target.id, topics: tuple[str, ...] = topics
            ) -> bool:
                replayed = proof.see(request)
                closed = replayed.facts.permissions.closed
                return name in held(replayed.outcomes[slot]) and not closed.isdisjoint(topics)

            def spoken_of(reader: Reader, topics: tuple[str, ...] = topics) -> Formula:
                return no(reader.open(topics))

            guarantee = Guarantee(BUILT_IN, book.slots[target.id].span)
            claim = Claim("show", target.id, (name,))
            yield from _Question(proof, guarantee, claim, True, spoken_of, breaks).asked(solver, status)
