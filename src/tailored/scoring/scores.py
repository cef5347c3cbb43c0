"""What scorers give, checked where they run: to walk a list may take long, too."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable, Mapping, Sequence, Set, Sized
from itertools import islice
from math import isfinite
from typing import Any, TypeAlias

from tailored.book.model import Ranking
from tailored.scoring.protocol import Candidate, FactValues, Failure, Scorer

Draws: TypeAlias = tuple[tuple[float, ...], ...]
"""Equally likely lists of scores, mostly one; in each a number for every candidate."""


MOST_COMPARED = 200
"""Candidates among which diversity is looked for: those with the highest scores."""
MOST_EXPLORED = 500
"""Candidates that exploration draws from: those that follow the top."""
MOST_WORK = 20_000
"""Microseconds, about, that a page may take to work out how likely each choice is."""
FEWEST_DRAWS = 5


def most_draws(ranking: Ranking, candidates: int, room: int) -> int:
    """Of how many equally likely lists one is drawn, by what each of them takes on a machine of our days."""
    work = 0.7 * candidates
    if ranking.diversity is not None:
        work += 1.5 * min(candidates, MOST_COMPARED) * room
    if ranking.explore is not None and ranking.at_most:
        work += 15 * min(candidates, MOST_EXPLORED)
    return max(FEWEST_DRAWS, int(MOST_WORK / max(work, 1)))


class Wrong(Failure):
    """What a scorer gave are no scores of the candidates."""

    word = "wrong"


def scores_of(scorer: Scorer, facts: FactValues, candidates: Sequence[Candidate]) -> Draws:
    """What a scorer gives. Raises Wrong, and whatever the scorer does."""
    draws = getattr(scorer, "draws", None)
    given = (_given(scorer, facts, candidates),) if draws is None else draws(facts, candidates)
    return checked(given, len(candidates))


def means_of(scorer: Scorer, facts: FactValues, candidates: Sequence[Candidate]) -> tuple[float, ...]:
    """One list of what a scorer gives, also of one that draws; raises the same."""
    return checked((_given(scorer, facts, candidates),), len(candidates))[0]


def _given(scorer: Scorer, facts: FactValues, candidates: Sequence[Candidate]) -> Any:
    scores: Any = scorer.score(facts, candidates)
    return asyncio.run(scores) if inspect.iscoroutine(scores) else scores


def checked(draws: Iterable[Any], number: int) -> Draws:
    """Lists of so many finite numbers. Raises Wrong, and whatever walking them raises."""
    found = tuple(_numbers(scores, number) for scores in draws)
    if not found:
        raise Wrong(f"gave 0 scores for {number} candidate{'s' * (number != 1)}")
    return found


def _numbers(scores: Any, number: int) -> tuple[float, ...]:
    if isinstance(scores, str | bytes | Set | Mapping) or not isinstance(scores, Iterable):
        raise Wrong(f"gave {type(scores).__name__.removesuffix('Type')}, not a list of scores")
    found = scores if type(scores) is tuple else tuple(islice(scores, number + 1))
    if len(found) != number:
        gave = len(scores) if isinstance(scores, Sized) else len(found)
        raise Wrong(f"gave {gave} score{'s' * (gave != 1)} for {number} candidate{'s' * (number != 1)}")
    if {*map(type, found)} <= {float} and all(map(isfinite, found)):  # as mostly
        return found
    return tuple(map(_number, found))


def _number(score: Any) -> float:
    if not (isinstance(score, str | bytes | bool) or score is None):
        try:
            number = float(score)
        except (TypeError, ValueError, OverflowError):
            pass
        else:
            if isfinite(number):
                return number
    raise Wrong("gave a score that is no finite number")
