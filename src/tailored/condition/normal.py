"""The normal form of conditions: negation pushed down to the leaves, so that readers need no third value.

A literal is satisfied when its leaf is known to be what it wants. A missing attribute satisfies neither a
test nor its negation, so a condition is true exactly when its normal form is satisfied, and false exactly
when the normal form of its negation is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tailored.condition.tree import All, Any, Condition, Consent, InSegment, Logic, Not, SameAs, Test


@dataclass(frozen=True, slots=True)
class Literal:
    """A leaf that must be true (`wanted`), or must be false."""

    leaf: Test | InSegment | Logic | Consent
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Both:
    """Satisfied when every part is."""

    parts: tuple[Normal, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Satisfied when at least one part is."""

    parts: tuple[Normal, ...]


Normal: TypeAlias = Literal | Both | Either
Labels: TypeAlias = Callable[[str], tuple[str, ...]]
"""The topics of a segment, by its id."""


def normalise(condition: Condition, labels: Labels, wanted: bool = True) -> Normal:
    """The normal form of a condition, or (not `wanted`) of its negation.

    >>> from tailored.condition.tree import InSegment, Not
    >>> normalise(Not(InSegment("new")), lambda segment: ("health",))
    Both(parts=(Literal(leaf=Consent(topics=('health',)), wanted=True), \
Literal(leaf=InSegment(id='new'), wanted=False)))
    """
    if isinstance(condition, Test):
        return Literal(condition, wanted)
    if isinstance(condition, Not):
        return normalise(condition.part, labels, not wanted)
    if isinstance(condition, All | Any):
        parts = [normalise(part, labels, wanted) for part in condition.parts]
        return _joined(Both if isinstance(condition, All) is wanted else Either, parts)
    if isinstance(condition, InSegment) and (topics := labels(condition.id)):
        return Both((Literal(Consent(topics)), Literal(condition, wanted)))
    assert not isinstance(condition, SameAs)  # no rule has it
    return Literal(condition, wanted)


def _joined(kind: type[Both] | type[Either], parts: Sequence[Normal]) -> Normal:
    """Parts joined, each once, those of the same kind taken in."""
    if len(parts) == 1:
        return parts[0]
    flat: dict[Normal, None] = {}
    for part in parts:
        if isinstance(part, kind):
            flat.update(dict.fromkeys(part.parts))
        else:
            flat[part] = None
    return next(iter(flat)) if len(flat) == 1 else kind(tuple(flat))
