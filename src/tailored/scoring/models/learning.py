"""How `together` learns: models of who chose what, and the choice among them on a part of the table.

Every model reads a history as a row of a binary matrix, so it also knows what to say to people it never saw.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import lapack
from threadpoolctl import threadpool_limits

from tailored.scoring.models.arrays import Array, added
from tailored.scoring.models.interactions import hits, ndcg, rankings

MODELS = ["neighbours", "ease", "als"]
SUM = "ease+als"
"""What the best of the last two say, added up: they err in different places."""
HELD_OUT = 0.1
"""The share of the table that settings and models are judged by. It is learnt from in the end, too."""
MOST_JUDGED = 2_000
"""People by whom settings and models are judged, drawn where there are more."""
MOST_PAIRS = 8_000
"""Items of which EASE, which inverts a matrix of all pairs, is asked to learn."""
MOST_WEIGHTS = 4_000_000
"""Weights between items that a model keeps; of each item, the largest."""
K = 10
_BM25 = ((0.9, 0.4), (1.2, 0.75))
_NEIGHBOURS = (50, 200)
_EASE = ((300.0, 0.0), (150.0, 0.3), (300.0, 0.3), (600.0, 0.3))
"""Of EASE: the ridge, and the dropout."""
_SWEEPS = 8
_ALS = ((48, 1.0, 1.0), (48, 1.0, 10.0), (64, 2.0, 20.0), (48, 5.0, 10.0), (32, 5.0, 30.0), (48, 5.0, 60.0))
"""Of ALS: the factors, how much a choice weighs, and the regularisation."""


@dataclass(frozen=True)
class Weights:
    """What each thing of a history adds to each item: sparse, [items, items]."""

    matrix: Any

    def scores(self, histories: Any) -> Array:
        """[users, items], of a binary matrix of histories."""
        few = self.matrix.shape[0] <= MOST_PAIRS  # then all pairs fit, and that is faster
        found = histories @ (self.matrix.toarray() if few else self.matrix)
        return np.asarray(found if few else found.todense())

    def arrays(self) -> dict[str, Array]:
        """As plain arrays."""
        kept = largest(self.matrix, max(1, MOST_WEIGHTS // max(1, self.matrix.shape[0])))
        return {"data": kept.data.astype(np.float32), "indices": kept.indices, "indptr": kept.indptr}


@dataclass(frozen=True)
class Factors:
    """Factors of items, [items, factors], from which those of a person follow by her history.

    Hu, Koren and Volinsky (2008), equation 4; confidence is `alpha` in what was chosen, 1 in the rest.
    """

    items: Array
    alpha: float
    ridge: float

    @cached_property
    def square(self) -> Array:
        """What is the same for everyone in the normal equations, [factors, factors]."""
        return self.items.T @ self.items + self.ridge * np.eye(self.items.shape[1])

    def scores(self, histories: Any) -> Array:
        """[users, items], of a binary matrix of histories."""
        return np.stack([self.of(row) for row in np.split(histories.indices, histories.indptr[1:-1])])

    def of(self, history: Array) -> Array:
        """The scores of all items for one history of places."""
        said = self.alpha * self.items[history].sum(axis=0)
        found: Array = self.items @ np.linalg.solve(self.normal(history), said)
        return found

    def normal(self, history: Array) -> Array:
        """The matrix of the normal equations of a person, [factors, factors]."""
        chosen = self.items[history]
        return self.square + (self.alpha - 1) * chosen.T @ chosen

    def arrays(self) -> dict[str, Array]:
        """As plain arrays."""
        return {"factors": self.items.astype(np.float32), "alpha": np.array([self.alpha, self.ridge])}


@dataclass(frozen=True)
class Sum:
    """What weights and factors say, each less its mean and in its standard deviations over all items."""

    weights: Weights
    factors: Factors

    def scores(self, histories: Any) -> Array:
        """[users, items], of a binary matrix of histories."""
        return added(self.weights.scores(histories), self.factors.scores(histories))

    def arrays(self) -> dict[str, Array]:
        """As plain arrays."""
        return {**self.weights.arrays(), **self.factors.arrays()}


@dataclass(frozen=True)
class Learnt:
    """A model, its name and settings, and the NDCG@10 of the best settings of every model that was tried.

    The figures are of the part that was held out; they are empty where there was nothing to choose.
    """

    model: Weights | Factors | Sum
    name: str
    settings: str
    figures: dict[str, float]


_Fit = Callable[[Any], Weights | Factors | Sum]


@dataclass(frozen=True)
class _Tried:
    """The best settings of a model so far: NDCG@10 of each person, words, and what fits it to a matrix."""

    figures: Array
    settings: str
    fit: _Fit
    scores: Any = None
    """What it said on the way to its figures."""

    @property
    def figure(self) -> float:
        return float(self.figures.mean())


def learn(
    matrix: Any, model: str | None = None, seed: int = 0, tell: Callable[[int, int], None] | None = None
) -> Learnt:
    """Learns from a binary matrix [users, items]: a model, or the best of them, with the best settings.

    `tell` is called with the steps done and the steps there are. Numbers are worked out in one thread.
    """
    with threadpool_limits(1):
        return _learn(matrix, model, seed, tell or (lambda done, steps: None))


def _learn(matrix: Any, model: str | None, seed: int, tell: Callable[[int, int], None]) -> Learnt:
    source = np.random.default_rng(seed)
    part, held_out = _parts(matrix, source)
    who = np.flatnonzero(held_out.getnnz(axis=1))
    if len(who) > MOST_JUDGED:
        who = np.sort(source.choice(who, MOST_JUDGED, replace=False))
    histories, wanted = part[who], held_out[who]
    few = matrix.shape[1] <= MOST_PAIRS
    names = (
        ["ease", "als"] if model == SUM else [model] if model else MODELS if few else ["neighbours", "als"]
    )
    tried = [(name, *one) for name in names for one in _settings(name, part)]
    best: dict[str, _Tried] = {}
    for step, (name, settings, fit_part, fit_all) in enumerate(tried):
        tell(step, len(tried) + 1)
        scores = fit_part().scores(histories)
        figures = _judge(scores, histories, wanted)
        if name not in best or figures.mean() > best[name].figure:
            best[name] = _Tried(figures, settings, fit_all, scores)
    if {"ease", "als"} <= best.keys():
        best[SUM] = _sum(best["ease"], best["als"], histories, wanted)
    tell(len(tried), len(tried) + 1)
    chosen = SUM if model == SUM else _chosen(best)
    learnt = best[chosen].fit(matrix)
    tell(len(tried) + 1, len(tried) + 1)
    return Learnt(learnt, chosen, best[chosen].settings, {name: one.figure for name, one in best.items()})


def _chosen(best: dict[str, _Tried]) -> str:
    """The best model; the sum also where it is behind by less than a standard error of the difference.

    What two models say together hangs less on the part that happened to be held out.
    """
    first = max(best, key=lambda name: best[name].figure)
    if SUM not in best:
        return first
    ahead = best[first].figures - best[SUM].figures
    return SUM if ahead.mean() <= ahead.std() / np.sqrt(len(ahead)) else first


def _sum(ease_: _Tried, als_: _Tried, histories: Any, wanted: Any) -> _Tried:
    """Two models that were fitted, added up."""

    def fit(matrix: Any) -> Sum:
        weights, factors = ease_.fit(matrix), als_.fit(matrix)
        assert isinstance(weights, Weights)
        assert isinstance(factors, Factors)
        return Sum(weights, factors)

    figures = _judge(added(ease_.scores, als_.scores), histories, wanted)
    return _Tried(figures, f"{ease_.settings}; {als_.settings}", fit)


def _parts(matrix: Any, source: np.random.Generator) -> tuple[Any, Any]:
    """The part that is learnt from while judging, and the part that is held out."""
    pairs = matrix.tocoo()
    out = source.random(pairs.nnz) < HELD_OUT
    part, held_out = (
        sparse.csr_matrix((pairs.data[which], (pairs.row[which], pairs.col[which])), shape=matrix.shape)
        for which in (~out, out)
    )
    return part, held_out


def _judge(scores: Array, histories: Any, wanted: Any) -> Array:
    """The NDCG@10 of people of whom something was held out, [users]; one 0 where there is nobody."""
    if not wanted.shape[0]:
        return np.zeros(1)
    ranked = rankings(scores, histories, K)
    return ndcg(hits(ranked, wanted), wanted.getnnz(axis=1))


def _settings(name: str, part: Any) -> Iterator[tuple[str, Callable[[], Any], _Fit]]:
    """What a model may be set to: words for it, and what fits it to the part, and to any matrix."""
    if name == "neighbours":
        for weighting in (None, *_BM25):
            together = likeness(part, weighting)
            for many in _NEIGHBOURS:
                words = f"{many} neighbours by {'cosine' if weighting is None else f'BM25 {weighting}'}"
                yield (
                    words,
                    lambda together=together, many=many: Weights(largest(together, many)),  # type: ignore[misc]
                    lambda matrix, weighting=weighting, many=many: Weights(  # type: ignore[misc]
                        largest(likeness(matrix, weighting), many)
                    ),
                )
    elif name == "ease":
        gram = pairs(part)
        for ridge, dropout in _EASE:
            yield (
                f"ridge {ridge:g}" + (f" and dropout {dropout:g}" if dropout else ""),
                lambda ridge=ridge, dropout=dropout: ease(gram, ridge, dropout),  # type: ignore[misc]
                lambda matrix, ridge=ridge, dropout=dropout: ease(  # type: ignore[misc]
                    pairs(matrix), ridge, dropout
                ),
            )
    else:
        for factors, alpha, ridge in _ALS:
            yield (
                f"{factors} factors, confidence {alpha:g}, regularisation {ridge:g}",
                lambda one=(factors, alpha, ridge): als(part, *one),  # type: ignore[misc]
                lambda matrix, one=(factors, alpha, ridge): als(matrix, *one),  # type: ignore[misc]
            )


def likeness(matrix: Any, bm25: tuple[float, float] | None) -> Any:
    """How alike items are by the people who chose them, [items, items], 0 on the diagonal.

    The cosine; or, with `bm25` as (k1, b), the product of weights in which people who chose much, and items
    that many chose, count for less (Robertson and Zaragoza, 2009, with items as documents).
    """
    columns = matrix.T.tocsr().astype(np.float64)
    if bm25 is None:
        length = np.sqrt(np.maximum(columns.getnnz(axis=1), 1))
        weighed = sparse.diags(1 / length) @ columns
    else:
        k1, b = bm25
        chosen = columns.getnnz(axis=0)
        rarity = np.log(columns.shape[0]) - np.log1p(chosen)
        length = columns.getnnz(axis=1)
        flat = (1 - b) + b * length / max(length.mean(), 1e-9)
        weighed = sparse.diags((k1 + 1) / (k1 * flat + 1)) @ columns @ sparse.diags(rarity)
    found = (weighed @ weighed.T).tocsr()
    found.setdiag(0)
    found.eliminate_zeros()
    return found


def largest(matrix: Any, many: int) -> Any:
    """The same with the `many` largest weights of each row, by size; CSR, places in order."""
    matrix = matrix.tocsr()
    counts = np.diff(matrix.indptr)
    if not len(counts) or counts.max() <= many:
        return matrix
    places = []
    for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        size = np.abs(matrix.data[start:end])
        which = np.argpartition(-size, many - 1)[:many] if len(size) > many else np.arange(len(size))
        places.append(np.sort(which) + start)
    kept = np.concatenate(places)
    indptr = np.concatenate([[0], np.cumsum(np.minimum(counts, many))])
    return sparse.csr_matrix((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)


def pairs(matrix: Any) -> Array:
    """How many people chose both of two items, [items, items]."""
    return (matrix.T @ matrix).toarray().astype(np.float32)


def ease(gram: Array, ridge: float, dropout: float = 0.0) -> Weights:
    """EASE in closed form: B = I - P diag(1 / diag P), with P = (X'X + ridge I)^-1 (Steck, WWW 2019).

    `gram` is X'X. With dropout p, the ridge of each item grows by p / (1 - p) of how often it was chosen
    (Steck, NeurIPS 2020), so that weights do not lean on what is chosen most.
    """
    gram = gram.copy()
    gram[np.diag_indices_from(gram)] *= 1 / (1 - dropout)
    gram[np.diag_indices_from(gram)] += ridge
    half = lapack.spotri(lapack.spotrf(gram, lower=1)[0], lower=1)[0]  # by Cholesky, in half the time
    inverse = np.tril(half) + np.tril(half, -1).T
    weights = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(weights, 0.0)
    return Weights(sparse.csr_matrix(weights))


def als(matrix: Any, factors: int, alpha: float, ridge: float) -> Factors:
    """Alternating least squares on implicit feedback, by the library `implicit`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of threads that are limited already
        from implicit.als import AlternatingLeastSquares

        model = AlternatingLeastSquares(
            factors=min(factors, max(1, min(matrix.shape) - 1)), regularization=ridge, alpha=alpha,
            iterations=_SWEEPS, num_threads=1, random_state=0, use_gpu=False, calculate_training_loss=False,
        )  # fmt: skip
        model.fit(matrix.astype(np.float32), show_progress=False)
    return Factors(np.asarray(model.item_factors, dtype=np.float64), alpha, ridge)
