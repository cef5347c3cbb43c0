"""The checks of segments: everybody is in one, nobody can be, or it is another one under a second name."""

from __future__ import annotations

from collections.abc import Iterator

from tailored.book.model import Segment
from tailored.condition.kleene import Truth
from tailored.condition.tree import InSegment
from tailored.proof.proof import Proof
from tailored.proof.solving import Solver
from tailored.proof.symbols import Formula, Request, every, no, some
from tailored.proof.words import condition_parts, contradiction, core_of
from tailored.report.outcome import Finding


def check_segments(proof: Proof) -> Iterator[Finding]:
    """`segment-always`, `segment-never` and `segment-equal`."""
    solver = Solver(proof.symbols)
    usual: list[Segment] = []
    samples: list[Request] = []
    for segment in proof.book.segments.values():
        finding, witnesses = _one(proof, segment, solver)
        samples += witnesses
        if finding is not None:
            yield finding
        elif len(witnesses) == 2:
            usual.append(segment)
    yield from _equal(proof, usual, solver, samples)


def _true(proof: Proof, segment: Segment) -> Formula:
    return every([proof.reader.open(segment.topics), proof.reader.segment(segment.id, True)])


def _false(proof: Proof, segment: Segment) -> Formula:
    return every([proof.reader.open(segment.topics), proof.reader.segment(segment.id, False)])


def _truth(proof: Proof, segment: Segment, request: Request) -> Truth:
    return proof.replay.truth(InSegment(segment.id), request)


def _one(proof: Proof, segment: Segment, solver: Solver) -> tuple[Finding | None, list[Request]]:
    """What is odd about a segment; else somebody who is in it, and somebody who is not."""
    name, span = segment.id, segment.span
    about: dict[str, object] = {"segment": name, "others": [], "witness": None}
    is_in = _true(proof, segment)
    inside = solver.ask([solver.literal(is_in)], lambda request: _truth(proof, segment, request) is True)
    if inside.never:
        ungated = proof.ungated
        core = core_of(proof.cores, list(condition_parts(segment.when, ungated)))
        whatever, kept = ("", False) if core else (", whatever people consent to or opt out of", True)
        core = core or core_of(proof.cores, list(condition_parts(segment.when, proof.reader)))
        why = contradiction(core, kept) if core else "consent for its topic is never asked"
        message = f"Nobody can be in `{name}`{whatever}: {why}."
        hint = "Mend its condition, or take it out."
        return Finding("segment-never", "warning", message, hint, span, more=about), []
    outside = solver.ask(
        [solver.literal(no(is_in))], lambda request: _truth(proof, segment, request) is not True
    )
    if outside.never:
        message = f"Everybody is in `{name}`, whatever is known of them."
        hint = "Mend its condition, or write `when: always` in its place."
        return Finding("segment-always", "warning", message, hint, span, more=about), []
    if inside.undecided:
        proof.undecided |= {("segment-never", name)}
    if outside.undecided:
        proof.undecided |= {("segment-always", name)}
    return None, [answer.witness for answer in (inside, outside) if answer.witness is not None]


def _equal(
    proof: Proof, segments: list[Segment], solver: Solver, samples: list[Request]
) -> Iterator[Finding]:
    """The segments that no request can tell from an earlier one.

    Those that some request already told apart need no question; each answer is one request more.
    """
    truths = {segment.id: [_truth(proof, segment, request) for request in samples] for segment in segments}
    for place, segment in enumerate(segments):
        for other in segments[:place]:
            if truths[segment.id] != truths[other.id]:
                continue
            differ = some(
                [
                    _true(proof, segment) != _true(proof, other),
                    _false(proof, segment) != _false(proof, other),
                ]
            )

            def apart(request: Request, segment: Segment = segment, other: Segment = other) -> bool:
                return _truth(proof, segment, request) is not _truth(proof, other, request)

            answer = solver.ask([solver.literal(differ)], apart)
            if answer.witness is not None:
                for one in segments:
                    truths[one.id].append(_truth(proof, one, answer.witness))
            elif answer.undecided:
                proof.undecided |= {("segment-equal", segment.id)}
            else:
                message = (
                    f"`{segment.id}` is the same as `{other.id}`: nobody is in one and not in the other."
                )
                about = {"segment": segment.id, "others": [other.id], "witness": None}
                hint = "Keep one of the two."
                yield Finding("segment-equal", "warning", message, hint, segment.span, more=about)
                break
