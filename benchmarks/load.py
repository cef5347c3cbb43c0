"""Loading a book of 10,000 rules, against what the C parser of YAML takes for the same file."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import yaml

from benchmarks.books import make
from benchmarks.tables import show
from tailored.book.load import load_book
from tailored.engine.engine import Engine

RULES = 10_000
ROUNDS = 5


def run() -> None:
    """Prints how many times `yaml.compose` each stage takes, and all of `Engine.load` in one.

    Every round measures each once, one after the other, in time of the processor, so that what else the
    machine does counts for little. The garbage collector rests for all of them alike: Engine.load pauses it,
    and `yaml.compose`, which does not, would take longer with it.
    """
    rows = []
    for name in ("selective", "dense", "table"):
        with TemporaryDirectory() as folder:
            file = Path(folder, "book.yaml")
            file.write_text(make(name, RULES, 0, templates=True).text)
            stages: dict[str, Callable[[], Any]] = {
                "compose": lambda: yaml.compose(file.read_text(), Loader=yaml.CSafeLoader),  # noqa: B023
                "load": lambda: Engine.load(folder),
                "read": lambda: load_book(folder),
            }
            took: dict[str, list[float]] = {stage: [] for stage in stages}
            for _ in range(ROUNDS):
                for stage, work in stages.items():
                    took[stage].append(_timed(work))
        base = median(took["compose"])
        ratios = [load / compose for load, compose in zip(took["load"], took["compose"], strict=True)]
        read = median(took["read"]) / base
        rows.append([name, base * 1e3, read, median(ratios) - read, median(ratios), min(ratios)])
    show(
        f"Loading {RULES:,} rules (target: at most 3 times yaml.compose)",
        ["mix", "compose, ms", "read and check", "hash and index", "Engine.load, median", "best"],
        rows,
    )


def _timed(work: Callable[[], Any]) -> float:
    gc.collect()
    gc.disable()
    try:
        start = process_time()
        result = work()
        took = process_time() - start
    finally:
        gc.enable()
    del result  # what is thrown away is not a part of loading
    return took
