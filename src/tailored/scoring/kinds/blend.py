"""Several scorers together: by weights on what each says, or by the places that each gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tailored.book.model import Scorer as Declared
from tailored.book.scorers import readable
from tailored.scoring.protocol import Candidate, FactValues, NoAnswer, NotReady, Scorer, Surroundings
from tailored.scoring.scores import Draws, scores_of

MOST_QUICK = 2_000
"""Candidates of which lists are joined within some milliseconds."""
FLATNESS = 60.0
"""The `k` of reciprocal-rank fusion, from Cormack, Clarke and Buettcher (SIGIR 2009)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the scorers that a blend joins."""

    name: str
    scorer: Scorer
    weight: float
    features: frozenset[str]
    """What it may read, by whole names."""

    def facts(self, facts: FactValues) -> dict[str, Any]:
        """Those of the blend's facts that this scorer may read."""
        return {key: value for key, value in facts.items() if key in self.features}

    def among(self, permitted: Collection[str]) -> Part:
        """The same; of a blend, only of those scorers that a request permits."""
        if not isinstance(self.scorer, Blend):
            return self
        return replace(self, scorer=self.scorer.among(permitted))


@dataclass(frozen=True)
class Blend:
    """Joins scorers; one that has no answer, or fails, is left out. `flatness` is None for weights."""

    parts: tuple[Part, ...]
    flatness: float | None
    amiss: str | None = None
    """A sentence about those that could not be made."""

    @property
    def quick(self) -> int:
        """As many as each of its parts is quick with."""
        return min(MOST_QUICK, *(_quick(part.scorer) for part in self.parts))

    @property
    def steady(self) -> bool:
        return all(getattr(part.scorer, "steady", False) is True for part in self.parts)

    def among(self, permitted: Collection[str]) -> Blend:
        """The same of those scorers only that a request permits."""
        parts = tuple(part.among(permitted) for part in self.parts if part.name in permitted)
        return Blend(parts, self.flatness, self.amiss)

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """The first of the lists that `draws` gives."""
        return self.draws(facts, candidates)[0]

    def draws(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[Sequence[float]]:
        """As many lists as the part that gives most of them; mostly one."""
        found = [(part, drawn) for part in self.parts if (drawn := _drawn(part, facts, candidates))]
        if not found:
            raise NoAnswer("none of the scorers that it joins has one")
        most = max(len(drawn) for _, drawn in found)
        return [
            self._joined([(part.weight, drawn[draw % len(drawn)]) for part, drawn in found])
            for draw in range(most)
        ]

    def explain(self, facts: FactValues, candidate: Candidate) -> str | None:
        """What the first of the scorers says that says anything, the one with the highest weight first."""
        for part in sorted(self.parts, key=lambda part: -part.weight):
            explain = getattr(part.scorer, "explain", None)
            said = explain(part.facts(facts), candidate) if explain is not None and part.weight > 0 else None
            if said:
                return str(said)
        return None

    def _joined(self, parts: Sequence[tuple[float, Sequence[float]]]) -> list[float]:
        size = len(parts[0][1])
        joined = [0.0] * size
        for weight, scores in parts:
            if self.flatness is None:
                low, high = min(scores, default=0.0), max(scores, default=0.0)
                shares = [(score - low) / (high - low) if high > low else 0.0 for score in scores]
            else:
                order = sorted(range(size), key=scores.__getitem__, reverse=True)
                shares = [0.0] * size
                for place, one in enumerate(order, 1):
                    shares[one] = 1 / (self.flatness + place)
            joined = [score + weight * share for score, share in zip(joined, shares, strict=True)]
        return joined


def _quick(scorer: Scorer) -> int:
    quick = getattr(scorer, "quick", False)
    return MOST_QUICK if quick is True else int(quick)


def _drawn(part: Part, facts: FactValues, candidates: Sequence[Candidate]) -> Draws:
    """What a part says, or nothing where it fails or says nonsense."""
    try:
        return scores_of(part.scorer, part.facts(facts), candidates)
    except Exception:  # the others may still answer
        return ()


def load(declared: Declared, surroundings: Surroundings) -> Blend:
    """The blend of those of its scorers that are ready. Raises NotReady where none is."""
    weights: Mapping[str, Any] | None = declared.settings.get("weights")  # type: ignore[assignment]
    names: Any = weights if weights is not None else declared.settings["ranks"]
    parts, missing = [], []
    for name in names:
        try:
            scorer = surroundings.scorer(name)
        except NotReady as error:
            missing.append(str(error))
            continue
        weight = float(weights[name]) if weights is not None else 1.0
        parts.append(Part(name, scorer, weight, readable(name, surroundings.book.scorers)))
    if not parts:
        raise NotReady(f"none of the scorers that it joins is ready ({missing[0].rstrip('.')})")
    flatness = declared.settings.get("k", FLATNESS)
    assert isinstance(flatness, int | float)
    amiss = f"`{declared.id}` goes on without a part: {missing[0]}" if missing else None
    return Blend(tuple(parts), None if weights is not None else float(flatness), amiss)
