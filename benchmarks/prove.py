"""Proving generated books, and telling two apart: seconds of the processor, and against loading the book."""

from __future__ import annotations

import random
from collections.abc import Callable
from time import process_time
from typing import Any

from benchmarks.books import SEED, make
from benchmarks.tables import show
from tailored.book.load import check_book
from tailored.book.model import RuleBook
from tailored.proof.difference import difference
from tailored.proof.prove import prove


def run() -> None:
    """Prints the seconds (targets: 10 for 1,000 rules, 90 for 5,000, 5 for a difference of five rules)."""
    rows: list[list[str | float]] = []
    for size in (1000, 5000):
        for name in ("selective", "dense", "table"):
            loading, book = _timed(lambda: _book(make(name, size, 0).text))  # noqa: B023
            proving, proven = _timed(lambda: prove(book))  # noqa: B023
            findings = f"{len(proven.findings):,}"
            rows.append([name, f"{size:,}", loading, proving, proving / loading, findings])
    show("Proving a book", ["mix", "rules", "load, s", "prove, s", "times loading", "findings"], rows)
    rows = []
    for name in ("selective", "dense"):
        text = make(name, 1000, 0).text
        old, new = _book(text), _book(_changed(text))
        telling, found = _timed(lambda: difference(old, new))  # noqa: B023
        changed = sum(change.status == "changed" for change in found.slots.values())
        rows.append([name, telling, f"{changed} of {len(found.slots)}"])
    show("Telling two books of 1,000 rules apart", ["mix", "difference, s", "slots changed"], rows)


def _book(text: str) -> RuleBook:
    return check_book({"book.yaml": text.encode()})[0]


def _changed(text: str) -> str:
    """The same book with five rules of the highest priority."""
    lines = text.splitlines()
    places = [place for place, line in enumerate(lines) if line.startswith("    priority: ")]
    for place in random.Random(SEED).sample(places, 5):
        lines[place] = "    priority: 1000"
    return "\n".join(lines)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = process_time()
    result = work()
    return process_time() - start, result


if __name__ == "__main__":
    run()
