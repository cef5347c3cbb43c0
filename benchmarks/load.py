"""Loading a book of 10,000 rules, against what the C parser of YAML takes for the same text."""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import yaml

from benchmarks.books import make
from benchmarks.tables import show
from tailored.book.load import check_book
from tailored.engine.engine import Engine

RULES = 10_000
ROUNDS = 5


def run() -> None:
    """Prints the ratio. Both are measured without the garbage collector, which `check_book` pauses, too."""
    rows = []
    for name in ("selective", "dense"):
        text = make(name, RULES, 0, templates=True).text
        sources = {"book.yaml": text.encode()}
        composing, checking, building = [], [], []
        for _ in range(ROUNDS):
            composing.append(_timed(lambda: yaml.compose(text, Loader=yaml.CSafeLoader))[0])  # noqa: B023
            took, (book, report) = _timed(lambda: check_book(sources))  # noqa: B023
            assert report.errors == 0, report.to_text()
            checking.append(took)
            building.append(_timed(lambda: Engine(book))[0])  # noqa: B023
        base, check, build = median(composing), median(checking), median(building)
        rows.append([name, base * 1e3, check / base, build / base, (check + build) / base])
    show(
        f"Loading {RULES:,} rules (target: at most 3 times yaml.compose)",
        ["mix", "compose, ms", "check_book", "Engine", "together"],
        rows,
    )


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    gc.disable()
    try:
        start = perf_counter()
        result = work()
        return perf_counter() - start, result
    finally:
        gc.enable()
