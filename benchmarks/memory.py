"""The memory of loaded engines, each in a process of its own: what Python holds for each rule."""

from __future__ import annotations

import gc
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

from benchmarks.books import make
from benchmarks.tables import show

BOOKS = ("selective 10000", "dense 10000", "selective 100000", "wide 10000")


def run(quick: bool = False) -> None:
    """Prints kilobytes for each rule, after so many requests that the tables are filled."""
    rows: list[list[str | float]] = []
    for book in BOOKS[1:2] if quick else BOOKS:
        name, size = book.split()
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.memory", name, size],
            cwd=Path(__file__).resolve().parent.parent,
            check=True,
            capture_output=True,
            text=True,
        )
        rows.append([name, f"{int(size):,}", *map(float, done.stdout.split())])
    show("Memory, KB a rule (target: at most 6)", ["mix", "rules", "loaded", "after 5,000 requests"], rows)


def _text(name: str, size: int) -> str:
    """A generated book; `wide` has one attribute of as many values as rules, and one of as many bounds."""
    if name != "wide":
        return make(name, size, 0).text
    dice = random.Random(3)
    book = make("selective", size, 0).text
    lines = []
    for line in book.splitlines():
        if line.startswith("    when: {"):
            extra = f"orders: {dice.randrange(10**6)}, spent: {{at least: {dice.randrange(10**7) / 100}}}, "
            extra += f"search: word-{dice.randrange(10**6)}, "
            kept = [part for part in ("orders", "spent", "search") if f"{part}:" not in line]
            parts = dict(zip(("orders", "spent", "search"), extra.split(", "), strict=False))
            line = line.replace("when: {", "when: {" + "".join(f"{parts[part]}, " for part in kept))
        lines.append(line)
    return "\n".join(lines) + "\n"


def _held() -> float:
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / 1024


def _main(name: str, size: int) -> None:
    from benchmarks.evaluate import NOW, engine_of

    engine_of(_text(name, 10))  # so that modules and lexicons are loaded
    text = _text(name, size)
    requests = make("selective", 10, 5_000).requests
    tracemalloc.start()
    before = _held()
    engine = engine_of(text)
    loaded = _held()
    for request in requests:
        engine.evaluate(*request, NOW)
    print((loaded - before) / size, (_held() - before) / size)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
