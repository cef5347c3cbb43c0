"""What `together` finds beside popularity on a table of 100,000 interactions, and how long it learns.

The table is synthetic, with a long tail and latent tastes, unless the variable INTERACTIONS names a file with
the columns user, item and timestamp.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from benchmarks.tables import show
from tailored.book.load import load_book

USERS, ITEMS, ROWS, TASTES = 943, 1_682, 100_000, 12
SEED = 20261125
MODELS = ("neighbours", "ease", "als", None)
BOOK = "attributes: {user: {viewed: {type: list of strings}}}\nscorers:\n" + "".join(
    f"  {model or 'best'}: {{kind: together, history: [user.viewed], interactions: log.csv"
    f"{f', model: {model}' if model else ''}}}\n"
    for model in MODELS
)


def synthetic() -> str:
    """People with two of twelve tastes each, items with one and a popularity of a long tail; as CSV."""
    source = np.random.default_rng(SEED)
    popular = 1 / (20 + source.permutation(ITEMS)) ** 1.1
    taste = source.integers(TASTES, size=ITEMS)
    many = np.clip(source.lognormal(4.2, 0.9, USERS), 20, 700)
    many = np.maximum(20, np.round(many * ROWS / many.sum())).astype(int)
    lines = ["user,item,timestamp"]
    for user, count in enumerate(many):
        liked = np.isin(taste, source.choice(TASTES, 2, replace=False))
        chance = popular * np.where(liked, 20.0, 1.0)
        chosen = source.choice(ITEMS, count, replace=False, p=chance / chance.sum())
        start = int(source.integers(1_600_000_000, 1_700_000_000))
        lines += [f"u{user},i{item},{start + 60 * place}" for place, item in enumerate(chosen)]
    return "\n".join(lines) + "\n"


def run() -> None:
    """Prints NDCG@10 of a random fifth beside popularity, and the seconds of training."""
    from tailored.scoring.models.interactions import read_interactions
    from tailored.scoring.models.judge import judge
    from tailored.scoring.models.learning import learn

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "book.yaml").write_text(BOOK)
        Path(folder, "log.csv").write_text(synthetic())
        book = load_book(folder)
        file = os.environ.get("INTERACTIONS")
        data = read_interactions(file or "log.csv", None if file else folder, {})
    rows = []
    for model in MODELS:
        start, worked = perf_counter(), process_time()
        learnt = learn(data.matrix(), model)
        seconds, worked = perf_counter() - start, process_time() - worked
        made = judge(book, model or "best", data, "random:0.2", 0, 10)
        own, popular, chance = (one.ndcg for one in made.figures)
        rows.append(
            (model or f"best ({learnt.name})", f"{own:.3f}", f"{popular:.3f}", f"{chance:.3f}",
             f"{own / popular:.2f}", f"{seconds:.1f} s", f"{worked:.1f} s")
        )  # fmt: skip
        print(f"{model or 'best'} done", file=sys.stderr)
    what = f"the table {file}" if file else "a synthetic table, with a long tail and latent tastes"
    title = f"{len(data):,} interactions, {len(data.users)} people, {len(data.items)} items: {what}"
    show(title, ("model", "NDCG@10", "popularity", "random", "ratio", "training", "of one core"), rows)
