"""How `together` learns: three models of who chose what, and the choice among them on a part of the table.

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
from threadpoolctl import threadpool_limits

from tailored.scoring.models.interactions import Array, hits, ndcg, rankings

MODELS = ("neighbours", "ease", "als")
HELD_OUT = 0.1
"""The share of the table that settings and models are judged by. It is learnt from in the end, too."""
MOST_PAIRS = 8_000
"""Items of which EASE, which inverts a matrix of all pairs, is asked to learn."""
MOST_WEIGHTS = 4_000_000
"""Weights between items that a model keeps; of each item, the largest."""
K = 10
_BM25 = ((0.9, 0.4), (1.2, 0.75))
_NEIGHBOURS = (50, 200)
_RIDGES = (150.0, 300.0, 600.0)
_FACTORS, _SWEEPS = 48, 8
_ALS = ((1.0, 1.0), (1.0, 10.0), (5.0, 10.0), (5.0, 30.0), (5.0, 60.0))
"""Of ALS: how much a choice weighs, and the regularisation."""


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
class Learnt:
    """A model, its name and settings, and the NDCG@10 of the best settings of every model that was tried.

    The figures are of the part that was held out; they are empty where there was nothing to choose.
    """

    model: Weights | Factors
    name: str
    settings: str
    figures: dict[str, float]


_Fit = Callable[[Any], Weights | Factors]


def learn(
    matrix: Any, model: str | None = None, seed: int = 0, tell: Callable[[int, int], None] | None = None
) -> Learnt:
    """Learns from a binary matrix [users, items]: a model, or the best of them, with the best settings.

    `tell` is called with the steps done and the steps there are. Numbers are worked out in one thread.
    """
    with threadpool_limits(1):
        return _learn(matrix, model, seed, tell or (lambda done, steps: None))


def _learn(matrix: Any, model: str | None, seed: int, tell: Callable[[int, int], None]) -> Learnt:
    part, held_out = _parts(matrix, np.random.default_rng(seed))
    names = [model] if model else [one for one in MODELS if one != "ease" or matrix.shape[1] <= MOST_PAIRS]
    tried = [(name, *one) for name in names for one in _settings(name, part, matrix)]
    best: dict[str, tuple[float, str, _Fit]] = {}
    for step, (name, settings, fit_part, fit_all) in enumerate(tried):
        tell(step, len(tried) + 1)
        figure = _judge(fit_part().scores(part), part, held_out)
        if name not in best or figure > best[name][0]:
            best[name] = figure, settings, fit_all
    tell(len(tried), len(tried) + 1)
    chosen = max(best, key=lambda name: best[name][0])
    learnt = best[chosen][2](matrix)
    tell(len(tried) + 1, len(tried) + 1)
    return Learnt(learnt, chosen, best[chosen][1], {name: one[0] for name, one in best.items()})


def _parts(matrix: Any, source: np.random.Generator) -> tuple[Any, Any]:
    """The part that is learnt from while judging, and the part that is held out."""
    pairs = matrix.tocoo()
    out = source.random(pairs.nnz) < HELD_OUT
    part, held_out = (
        sparse.csr_matrix((pairs.data[which], (pairs.row[which], pairs.col[which])), shape=matrix.shape)
        for which in (~out, out)
    )
    return part, held_out


def _judge(scores: Array, part: Any, held_out: Any) -> float:
    """The mean NDCG@10 over the people of whom something was held out; 0 where there is none."""
    wanted = held_out.getnnz(axis=1)
    who = np.flatnonzero(wanted)
    if not len(who):
        return 0.0
    ranked = rankings(scores[who], part[who], K)
    return float(ndcg(hits(ranked, held_out[who]), wanted[who]).mean())


def _settings(name: str, part: Any, whole: Any) -> Iterator[tuple[str, Callable[[], Any], _Fit]]:
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
        for ridge in _RIDGES:
            yield (
                f"ridge {ridge:g}",
                lambda ridge=ridge: ease(part, ridge),  # type: ignore[misc]
                lambda matrix, ridge=ridge: ease(matrix, ridge),  # type: ignore[misc]
            )
    else:
        for alpha, ridge in _ALS:
            yield (
                f"{_FACTORS} factors, confidence {alpha:g}, regularisation {ridge:g}",
                lambda alpha=alpha, ridge=ridge: als(part, alpha, ridge),  # type: ignore[misc]
                lambda matrix, alpha=alpha, ridge=ridge: als(matrix, alpha, ridge),  # type: ignore[misc]
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


def ease(matrix: Any, ridge: float) -> Weights:
    """EASE in closed form: B = I - P diag(1 / diag P), with P = (X'X + ridge I)^-1 (Steck, WWW 2019)."""
    gram = (matrix.T @ matrix).toarray().astype(np.float32)
    gram[np.diag_indices_from(gram)] += ridge
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(weights, 0.0)
    return Weights(sparse.csr_matrix(weights))


def als(matrix: Any, alpha: float, ridge: float) -> Factors:
    """Alternating least squares on implicit feedback, by the library `implicit`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of threads that are limited already
        from implicit.als import AlternatingLeastSquares

        factors = min(_FACTORS, max(1, min(matrix.shape) - 1))
        model = AlternatingLeastSquares(
            factors=factors, regularization=ridge, alpha=alpha, iterations=_SWEEPS, num_threads=1,
            random_state=0, use_gpu=False, calculate_training_loss=False,
        )  # fmt: skip
        model.fit(matrix.astype(np.float32), show_progress=False)
    return Factors(np.asarray(model.item_factors, dtype=np.float64), alpha, ridge)
