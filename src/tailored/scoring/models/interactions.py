"""Tables of who chose what, and when, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from tailored.book.tables import Table, Unusable, interaction_columns, of_csv, read_table
from tailored.scoring.models.arrays import Array


@dataclass(frozen=True)
class Interactions:
    """Who chose what first when: one row for each pair of a person and an item, in the order of the table.

    `rows` and `columns` are places in `users` and `items`; `times` are seconds, None where there are none.
    `unusable` are rows that were left out, as (row, why).
    """

    users: tuple[str, ...]
    items: tuple[str, ...]
    rows: Array
    columns: Array
    times: Array | None
    unusable: tuple[tuple[int, str], ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def matrix(self, which: Array | None = None) -> Any:
        """The binary matrix [users, items] of all pairs, or of those that a mask keeps; CSR, float32."""
        kept = slice(None) if which is None else which
        rows, columns = self.rows[kept], self.columns[kept]
        ones = np.ones(len(rows), dtype=np.float32)
        return sparse.csr_matrix((ones, (rows, columns)), shape=(len(self.users), len(self.items)))


def read_interactions(path: str, folder: str | None, columns: Mapping[str, str]) -> Interactions:
    """The table in a file: Parquet, or text with commas, semicolons or tabs, whose first line names columns.

    `columns` may call user, item and timestamp otherwise; only a timestamp that is not named may be missing.
    Raises Unusable where the file or a column is missing, or no row can be used.
    """
    if path.lower().endswith((".parquet", ".csv", ".tsv", ".txt")):
        table = read_table(path, "", "", folder)
    else:  # texts of this kind have many endings
        try:
            table = of_csv(path, Path(folder or "", path).read_bytes())
        except OSError as error:
            raise Unusable.of_file(path, folder, error) from None
    return _pairs(table, *interaction_columns(path, table.columns, columns))


def _pairs(table: Table, user: str, item: str, time: str | None) -> Interactions:
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    pairs: dict[tuple[int, int], float] = {}
    unusable = []
    for number, cells in table.rows:
        if cells is None:
            unusable.append((number, "it does not have as many cells as the first line"))
            continue
        who, what = _text(cells[user]), _text(cells[item])
        when = 0.0 if time is None else _seconds(cells[time])
        if not who or not what:
            unusable.append((number, f"it has no `{item if who else user}`"))
        elif when is None:
            why = f"`{time}` takes a number or an ISO time, and `{cells[time or '']}` is none"
            unusable.append((number, why))
        else:
            pair = users.setdefault(who, len(users)), items.setdefault(what, len(items))
            pairs[pair] = min(when, pairs.get(pair, when))
    if not pairs:
        why = f" Row {unusable[0][0]}: {unusable[0][1]}." if unusable else ""
        raise Unusable("unreadable-row", f"`{table.path}` has no row that can be used.{why}", "")
    rows, places = np.array(list(pairs), dtype=np.int64).T
    times = None if time is None else np.array(list(pairs.values()))
    return Interactions(tuple(users), tuple(items), rows, places, times, tuple(unusable))


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _seconds(cell: object) -> float | None:
    """The seconds since 1970 of a number or an ISO time, or None."""
    if isinstance(cell, datetime):
        return (cell if cell.tzinfo else cell.replace(tzinfo=UTC)).timestamp()
    try:
        number = float(cell)  # type: ignore[arg-type]
        return number if isfinite(number) else None
    except (TypeError, ValueError):
        pass
    try:
        return _seconds(datetime.fromisoformat(str(cell).strip()))
    except (ValueError, OverflowError):
        return None


def rankings(scores: Array, seen: Any, k: int) -> Array:
    """The places of the k highest scores of each row without those seen, [users, k]; -1 where none is left.

    Of equal scores, those in front come first.
    """
    scores = np.array(scores, dtype=np.float64)
    scores[seen.nonzero()] = -np.inf
    k = min(k, scores.shape[1])
    bar = np.partition(scores, -k, axis=1)[:, -k]
    best = np.empty((len(scores), k), dtype=np.int64)
    for number, row in enumerate(scores):
        among = np.flatnonzero(row >= bar[number])
        best[number] = among[np.argsort(-row[among], kind="stable")[:k]]
    return np.where(np.isfinite(np.take_along_axis(scores, best, axis=1)), best, -1)


def hits(ranked: Array, wanted: Any) -> Array:
    """Which places of rankings hold what was wanted; booleans, [users, k]."""
    found = np.asarray(wanted[np.arange(len(ranked))[:, None], np.maximum(ranked, 0)].todense()) > 0
    return found & (ranked >= 0)


def ndcg(found: Array, wanted: Sequence[int] | Array) -> Array:
    """Of each row, the normalised discounted cumulative gain of binary hits.

    (Järvelin and Kekäläinen, 2002.) The ideal list has min(k, wanted) hits.
    """
    discounts = 1 / np.log2(np.arange(2, found.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(wanted, found.shape[1])]
    return np.divide(found @ discounts, ideal, out=np.zeros(len(found)), where=ideal > 0)
