"""What is chosen most: by all people, or by those who have an attribute in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tailored.book.constants import written
from tailored.book.counts import Counts, read_counts
from tailored.book.model import Scorer as Declared
from tailored.condition.english import attribute_in_words
from tailored.condition.tree import Attribute
from tailored.scoring.protocol import Candidate, FactValues, NotReady, Surroundings

SMOOTHING = 1.0
LEAST = 20.0
"""Counts that a group needs for figures of its own."""
_PLACES = frozenset(
    ("area", "city", "country", "county", "market", "place", "region", "state", "store", "town")
)


class Popularity:
    """Shares, or rates where it is known how often things were shown, with additive smoothing.

    With smoothing s, an item chosen c of C times among V items has the share (c + s) / (C + s V). In a group,
    the s V counts that are added have the shares p of all people: (c + s V p) / (C + s V). The rate of what
    was shown n times is (c + s r) / (n + s), where r is the rate of everything, or, in a group, of everyone.
    """

    quick = 20_000
    steady = True

    def __init__(
        self,
        every: Counts,
        groups: Mapping[str, Counts],
        by: Attribute | None,
        *,
        rates: bool,
        smoothing: float,
        least: float,
        names: Mapping[str, str],
    ) -> None:
        self._by, self._names = by, names
        self._smoothing, self._rates = smoothing, rates
        self._size = max(1, len(every.chosen))
        total = sum(every.shown.values())
        self._rate = sum(every.chosen.values()) / total if total else 0.0
        self._all = {item: self._of_all(every, item) for item in every.chosen}
        self._unseen = self._of_all(every, "")
        self._kept: dict[str | None, tuple[Sequence[Candidate], tuple[float, ...]]] = {}
        """The candidates that each group was asked about last, and what came of it."""
        self._groups = {
            name: {item: self._of_group(counts, item) for item in every.chosen}
            for name, counts in groups.items()
            if sum(counts.chosen.values()) >= least
        }
        self._chosen_in = {
            name: {item for item, times in groups[name].chosen.items() if times} for name in self._groups
        }
        """What a group chose itself, however little: of the rest, its figures say what all people do."""

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """The share, or the rate, of each candidate in the person's group, or else of all people."""
        group, figures = self._figures(facts)
        kept = self._kept.get(group)
        if kept is None or kept[0] != candidates:
            scores = tuple([figures.get(candidate.id, self._unseen) for candidate in candidates])
            kept = self._kept[group] = candidates, scores
        return kept[1]

    def explain(self, facts: FactValues, candidate: Candidate) -> str | None:
        """`popular in Norway`, for what is chosen more than most; None for anything else."""
        group, figures = self._figures(facts)
        if figures.get(candidate.id, 0.0) <= sum(figures.values()) / max(1, len(figures)):
            return None
        if group is None or self._by is None or candidate.id not in self._chosen_in[group]:
            return "popular"
        name, words = self._names.get(group, group), attribute_in_words(self._by)
        if self._by.name.rpartition("_")[2] in _PLACES:
            return f"popular in {name}"
        whose = "people whose" if self._by.side == "user" else "everyone where the"
        return f"popular with {whose} {words} is {name}"

    def _figures(self, facts: FactValues) -> tuple[str | None, Mapping[str, float]]:
        """The group whose figures count, and the figures."""
        value = facts.get(self._by.key) if self._by is not None else None
        values = value if isinstance(value, tuple) else () if value is None else (value,)
        group = next((name for one in values if (name := written(one)) in self._groups), None)
        return (None, self._all) if group is None else (group, self._groups[group])

    def _of_all(self, counts: Counts, item: str) -> float:
        chosen, added = counts.chosen.get(item, 0.0), self._smoothing
        if self._rates:
            shown = counts.shown.get(item, 0.0) + added
            return (chosen + added * self._rate) / shown if shown else 0.0
        total = sum(counts.chosen.values()) + added * self._size
        return (chosen + added) / total if total else 0.0

    def _of_group(self, counts: Counts, item: str) -> float:
        chosen, added = counts.chosen.get(item, 0.0), self._smoothing
        if self._rates:
            shown = counts.shown.get(item, 0.0) + added
            return (chosen + added * self._all[item]) / shown if shown else 0.0
        added *= self._size
        total = sum(counts.chosen.values()) + added
        return (chosen + added * self._all[item]) / total if total else 0.0


def load(declared: Declared, surroundings: Surroundings) -> Popularity:
    """The scorer of a table of counts."""
    settings = declared.settings
    by = next((one for one in declared.features if one.key == settings.get("by")), None)
    group = None if by is None else str(settings.get("group") or by.name)
    every, groups, _, problems = read_counts(settings, group, surroundings.book.folder)
    if problems:
        raise NotReady(problems[0].message.rstrip("."))
    if not every.chosen:
        raise NotReady("its table has no rows")
    names = settings.get("names") or {}
    assert isinstance(names, Mapping)
    return Popularity(
        every,
        groups,
        by,
        rates="of" in settings,
        smoothing=_number(settings.get("smoothing"), SMOOTHING),
        least=_number(settings.get("at least"), LEAST),
        names={key: str(name) for key, name in names.items()},
    )


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise
