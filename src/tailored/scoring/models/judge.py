"""How good a scorer is: it learns from a part of who chose what, and is asked for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tailored.book.model import RuleBook
from tailored.book.scorers import joined_by
from tailored.condition.types import Type
from tailored.scoring.catalogs import Catalogs
from tailored.scoring.models.arrays import Array
from tailored.scoring.models.interactions import Interactions, hits, ndcg, rankings
from tailored.scoring.models.learning import Learnt, learn, likeness
from tailored.scoring.models.together import Together
from tailored.scoring.protocol import Candidate, Failure, NoAnswer, Scorer, Surroundings
from tailored.scoring.registry import loader
from tailored.scoring.scores import means_of

Tell = Callable[[int, int], None]


class CannotJudge(Exception):
    """There is nothing to judge, or no way to; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of asking one scorer; means over the people of whom something was held out.

    `recall` and `ndcg` of the first k, both from 0 to 1; `coverage`, the share of all items that stand in
    somebody's list; `diversity`, 1 less the mean cosine of two items in a list by who chose them; `answered`,
    the share of people for whom it had an answer. Without one, a list is empty.
    """

    name: str
    recall: float
    ndcg: float
    coverage: float
    diversity: float
    answered: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The figures of a scorer and of the two baselines, and what they were measured on."""

    k: int
    split: str
    seed: int
    users: int
    items: int
    learnt_from: int
    held_out: int
    models: dict[str, str]
    failed: dict[str, int]
    """Why it failed to answer, and for how many people."""
    figures: tuple[Figures, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {**asdict(self), "figures": [asdict(one) for one in self.figures]}


def split(data: Interactions, how: str, seed: int) -> Array:
    """A mask of what is held out: `last-out`, or `random:0.2` for that share. Raises CannotJudge.

    With `last-out`, it is the newest of each person who has more than one; of two at the same time, the one
    that stands later in the table.
    """
    if how == "last-out":
        if data.times is None:
            raise CannotJudge(
                "`last-out` needs a column of times: name it with --timestamp, or use random:0.2"
            )
        out = np.zeros(len(data), dtype=bool)
        order = np.lexsort((np.arange(len(data)), data.times, data.rows))
        last = np.append(np.diff(data.rows[order]) != 0, True)
        out[order[last]] = True
        out &= np.bincount(data.rows)[data.rows] > 1
    else:
        out = np.random.default_rng(seed).random(len(data)) < share(how)
    if not out.any() or out.all():
        empty = "held out" if not out.any() else "left to learn from"
        raise CannotJudge(f"with `{how}`, nothing of this table is {empty}: it has too few rows for a person")
    return out


def share(how: str) -> float:
    """The share of `random:0.2`. Raises CannotJudge."""
    kind, _, number = how.partition(":")
    try:
        found = float(number)
    except ValueError:
        found = 0.0
    if kind != "random" or not 0 < found < 1:
        raise CannotJudge(f"there is no split `{how}`: write last-out, or random:0.2 for a fifth")
    return found


def judge(
    book: RuleBook, name: str, data: Interactions, how: str, seed: int, k: int, tell: Tell | None = None
) -> Judgement:
    """Judges a scorer of a book, next to popularity and to chance.

    A `together` learns from what is not held out, whatever model its file holds. Every item of the table that
    somebody has not chosen yet is ranked. Raises CannotJudge, NotReady, and ImportError.
    """
    out = split(data, how, seed)
    part, held_out = data.matrix(~out), data.matrix(out)
    wanted = held_out.getnnz(axis=1)
    who = np.flatnonzero(wanted)
    learnt: dict[str, Learnt] = {}
    if tell is None:
        tell = _silent
    scorer, catalogs = _made(book, name, part, data.items, seed, learnt, tell)
    begun = len(who) if learnt else 0
    candidates = [catalogs.lookup(item) or Candidate(item) for item in data.items]
    keys = _histories(book, name)
    scores = np.full((len(who), len(data.items)), -np.inf)
    answered = 0
    failures: Counter[str] = Counter()
    for number, user in enumerate(who):
        history = tuple(data.items[place] for place in part[user].indices)
        try:
            scores[number] = means_of(scorer, dict.fromkeys(keys, history) if history else {}, candidates)
            answered += 1
        except NoAnswer:
            pass
        except Exception as error:  # on a page, the fallback would be asked
            failures[str(error) if isinstance(error, Failure) else f"raised {type(error).__name__}"] += 1
        tell(begun + number + 1, begun + len(who))
    failed = {why: failures[why] for why in sorted(failures, key=lambda why: -failures[why])}
    if failed and not answered:
        raise CannotJudge(f"it never answered, but {next(iter(failures))}")  # the first tells the cause
    popular = np.tile(np.asarray(part.sum(axis=0), dtype=np.float64), (len(who), 1))
    chance = np.random.default_rng(seed).random((len(who), len(data.items)))
    alike = likeness(part, None)
    figures = []
    for label, given, share_ in (
        (name, scores, answered / len(who)), ("popularity", popular, 1.0), ("random", chance, 1.0)
    ):  # fmt: skip
        ranked = rankings(given, part[who], k)
        found = hits(ranked, held_out[who])
        figures.append(
            Figures(
                label,
                float((found.sum(axis=1) / wanted[who]).mean()),
                float(ndcg(found, wanted[who]).mean()),
                len(set(ranked[ranked >= 0].tolist())) / len(data.items),
                _diversity(ranked, alike),
                share_,
            )
        )
    models = {one: f"{found.name}, {found.settings}" for one, found in learnt.items()}
    return Judgement(
        k,
        how,
        seed,
        len(who),
        len(data.items),
        int((~out).sum()),
        int(out.sum()),
        models,
        failed,
        tuple(figures),
    )


def _made(
    book: RuleBook,
    name: str,
    part: Any,
    items: Sequence[str],
    seed: int,
    learnt: dict[str, Learnt],
    tell: Tell,
) -> tuple[Scorer, Catalogs]:
    """The scorer, where every `together` in it knows only what is not held out."""
    catalogs = Catalogs(book)

    def half(done: int, steps: int) -> None:
        tell(done, 2 * steps)  # the other half is judging

    def made(name: str) -> Scorer:
        declared = book.scorers[name]
        if declared.kind != "together":
            return loader(declared.kind)(declared, surroundings)
        model = declared.settings.get("model")
        learnt[name] = learn(part, str(model) if model else None, seed, half)
        arrays = {"items": np.array(items), **learnt[name].model.arrays()}
        history: Any = declared.settings["history"]
        return Together(arrays, history, catalogs.lookup)

    surroundings = Surroundings(book, {}, catalogs.lookup, catalogs.candidates, made)
    return made(name), catalogs


def _histories(book: RuleBook, name: str) -> list[str]:
    """The attributes that hold what a person chose, for a scorer and those that it joins."""
    declared = book.scorers[name]
    named: Any = declared.settings.get("history") or ()
    lists = [one.key for one in declared.features if one.type is Type.STRINGS and one.side == "user"]
    joined = [key for one in joined_by(declared) for key in _histories(book, one)]
    return list(dict.fromkeys([*named, *(() if named else lists), *joined]))


def _silent(done: int, steps: int) -> None:
    return None


def _diversity(ranked: Array, alike: Any) -> float:
    """1 less the mean cosine of two items in a list, over the lists of two or more."""
    found = []
    for row in ranked:
        places = row[row >= 0]
        if len(places) > 1:
            pairs = len(places) * (len(places) - 1)
            found.append(1 - float(alike[places][:, places].sum()) / pairs)
    return float(np.mean(found)) if found else 0.0
