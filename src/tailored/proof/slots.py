"""The check of slots: which can end up with nothing in them, though nobody hides them."""

from __future__ import annotations

from collections.abc import Iterator

from tailored.condition.types import as_text
from tailored.proof.outcomes import Target, defaults_of, gives, hidden
from tailored.proof.proof import Proof
from tailored.proof.shrink import smaller
from tailored.proof.solving import Answer, Happens, Solver
from tailored.proof.symbols import YES, Request, no
from tailored.proof.words import shown, whom
from tailored.report.outcome import Finding


def check_slots(proof: Proof) -> Iterator[Finding]:
    """`slot-may-be-empty`."""
    for target in proof.targets:
        if target.kind not in ("single", "many"):
            continue

        def empty(request: Request, name: str = target.id) -> bool:
            outcome = proof.see(request).outcomes[name]
            nothing = not outcome.get("items") and outcome.get("content") is None
            return nothing and outcome["reason"] != "hidden"

        nobody = Request({}, {}, as_text(proof.symbols.moment))
        answer = Answer(nobody) if empty(nobody) else _asked(proof, target, empty)
        if answer.undecided:
            proof.undecided.add(("slot-may-be-empty", target.id))
        elif answer.witness is not None:
            witness = smaller(answer.witness, empty)
            if not proof.replay.confirmed(witness, [target.id]):
                proof.undecided.add(("slot-may-be-empty", target.id))
                continue
            slot = proof.book.slots[target.id]
            who = whom(witness, proof.replay)
            message = f"`{slot.id}` can end up with nothing in it, such as when {who}."
            hint = 'Give it a `default`, or say why that is fine: `allow: {slot-may-be-empty: "..."}`.'
            about = {"slot": slot.id, "others": [], "witness": witness.to_dict()}
            yield Finding("slot-may-be-empty", "warning", message, hint, slot.span, shown(witness), about)


def _asked(proof: Proof, target: Target, empty: Happens) -> Answer:
    """Whether a slot can end up empty, from the solver."""
    spare = defaults_of(target, proof.reader)
    if any(offer.may is YES for offer in spare):
        return Answer(never=True)
    solver = Solver(proof.symbols)
    solver.add(no(hidden(target, proof.reader)))
    for rule in target.offering:
        solver.add(no(gives(target, rule, proof.reader)))
    for offer in spare:
        solver.add(no(offer.may))
    return solver.ask([], empty)
