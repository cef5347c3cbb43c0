"""What a condition may still come out as where something that it reads is missing, whatever the rest is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tailored.book.model import Segment
from tailored.condition.tree import All, Any, Attribute, Condition, InSegment, Logic, Not, Op, Test

May: TypeAlias = tuple[bool, bool]
"""Whether a condition may be known to be true, and whether it may be known to be false."""


@dataclass(frozen=True, slots=True)
class Possible:
    """Answers about the conditions of a book where these attributes are `missing`.

    `hidden` are those of them that the guard keeps back, so that no `logic:` which reads one has an answer;
    `closed` are segments of which nobody is told whether somebody is in them.
    """

    segments: Mapping[str, Segment]
    missing: Callable[[Attribute], bool]
    hidden: Callable[[Attribute], bool]
    closed: Callable[[Segment], bool] = lambda segment: False
    _known: dict[str, May] = field(default_factory=dict)

    def of(self, condition: Condition) -> May:
        """What a condition may be. What else its tests ask is not looked at: it may be either."""
        if isinstance(condition, All | Any):
            parts = [self.of(part) for part in condition.parts]
            trues, falses = [true for true, _ in parts], [false for _, false in parts]
            return (all(trues), any(falses)) if isinstance(condition, All) else (any(trues), all(falses))
        if isinstance(condition, Not):
            true, false = self.of(condition.part)
            return false, true
        if isinstance(condition, InSegment):
            return self._segment(condition.id)
        if isinstance(condition, Test) and self.missing(condition.attribute):
            is_known = condition.op is Op.KNOWN
            return is_known and condition.operand is False, is_known and condition.operand is True
        if isinstance(condition, Logic) and any(map(self.hidden, condition.reads)):
            return False, False
        return True, True

    def _segment(self, name: str) -> May:
        if name not in self._known:
            self._known[name] = (True, True)  # also where it is unknown, or refers to itself
            segment = self.segments.get(name)
            if segment is not None:
                self._known[name] = (False, False) if self.closed(segment) else self.of(segment.when)
        return self._known[name]
