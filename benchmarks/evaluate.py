"""One evaluation: how it grows with the book, how even it is, and where its time goes."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from time import perf_counter_ns
from typing import Any

from benchmarks.books import make
from benchmarks.tables import show
from tailored.book.load import check_book
from tailored.engine.engine import Engine
from tailored.engine.resolve import resolve

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SIZES = {
    "selective": (10, 1_000, 10_000, 100_000),
    "dense": (10, 1_000, 10_000),
    "table": (10, 1_000, 10_000),
}
ROUNDS = 20


def run() -> None:
    """Prints medians in microseconds, and as multiples of an empty call with two dictionaries."""
    empty = _median([_timed(_nothing, request) for _ in range(ROUNDS) for request in [({}, {})] * 100])
    rows: list[list[str | float]] = []
    stages: list[list[str | float]] = []
    for name, sizes in SIZES.items():
        before = 0.0
        for size in sizes:
            mix = make(name, size)
            engine = engine_of(mix.text)
            times = sorted(measured(lambda user, context: engine.evaluate(user, context, NOW), mix.requests))  # noqa: B023
            middle = _median(times)
            rows.append(
                [
                    name,
                    f"{size:,}",
                    middle,
                    times[len(times) * 99 // 100] / 1e3 / middle,
                    middle / before if before else "",
                    middle / empty,
                ]
            )
            before = middle
            if size == 10_000:
                stages.append([name, *_stages(engine, mix.requests), middle])
    show(
        "One evaluation (targets: p99 at most 4 medians; selective grows at most 2.5, then 5 times)",
        ["mix", "rules", "median, us", "p99 / median", "growth", "empty calls"],
        rows,
    )
    plain = engine_of(make("selective", 10_000, 0).text)
    nothing = _median(measured(lambda user, context: plain.evaluate(user, context, NOW), [({}, {})]))
    mix = make("selective", 10_000, templates=True)
    engine = engine_of(mix.text)
    greeting = _median(measured(lambda user, context: engine.evaluate(user, context, NOW), mix.requests))
    print(f"  selective, 10,000 rules, every fourth item a template: {greeting:.0f} us")
    print(f"  an empty request: {nothing:.0f} us, {nothing / empty:.0f} empty calls")
    show(
        "Where it goes at 10,000 rules, us at the median",
        ["mix", "facts", "index", "resolution", "decision", "whole"],
        stages,
    )


def engine_of(text: str) -> Engine:
    """The engine of a book that is one text."""
    book, report = check_book({"book.yaml": text.encode()})
    assert report.errors == 0, report.to_text()
    return Engine(book)


def measured(work: Callable[..., Any], requests: list[Any], rounds: int = ROUNDS) -> list[int]:
    """Nanoseconds of each request in each round, after one round that nobody counts."""
    for request in requests:
        work(*request)
    gc.collect()
    return [_timed(work, request) for _ in range(rounds) for request in requests]


def _stages(engine: Engine, requests: list[Any]) -> list[float]:
    facts = [engine.facts(*request, NOW) for request in requests]
    resolved = [(engine._plan, engine._matcher.firing(one), one.permissions) for one in facts]
    reading = _median(measured(lambda user, context: engine.facts(user, context, NOW), requests))
    index = _median(measured(engine._matcher.firing, [(one,) for one in facts]))
    resolving = _median(measured(resolve, resolved))
    deciding = _median(measured(engine.decide, [(one,) for one in facts]))
    return [reading, index, resolving, deciding - index - resolving]


def _nothing(user: dict[str, Any], context: dict[str, Any]) -> None:
    return None


def _timed(work: Callable[..., Any], request: Any) -> int:
    start = perf_counter_ns()
    work(*request)
    return perf_counter_ns() - start


def _median(nanoseconds: list[int]) -> float:
    return median(nanoseconds) / 1e3
