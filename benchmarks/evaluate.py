"""One evaluation: how it grows with the book, how even it is, where its time goes, what memory gains."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from statistics import median
from time import thread_time_ns
from typing import Any

from benchmarks.books import Request, make, visits
from benchmarks.tables import show
from benchmarks.turns import in_turns
from tailored.book.load import check_book
from tailored.content.render import FrozenDict
from tailored.engine.decision import Decision
from tailored.engine.engine import Engine

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SIZES = {
    "selective": (10, 1_000, 10_000, 100_000),
    "dense": (10, 1_000, 10_000),
    "table": (10, 1_000, 10_000),
}
QUICK = {"selective": (10, 1_000, 10_000), "dense": (10_000,)}
ROUNDS = 20


def run(quick: bool = False) -> None:
    """Prints medians in microseconds of processor time, and as multiples of an empty call."""
    rows: list[list[str | float]] = []
    stages: list[list[str | float]] = []
    for name, sizes in (QUICK if quick else SIZES).items():
        before: tuple[Engine, Sequence[Request]] | None = None
        for size in sizes:
            mix = make(name, size)
            engine = engine_of(mix.text)
            times = sorted(measured(asked(engine), mix.requests))
            middle = median(times) / 1e3
            late = times[len(times) * 99 // 100] / 1e3 / middle
            growth: float | str = ""
            if before is not None:  # in turns, as the machine's pace changes
                growth = _growth(before, (engine, mix.requests))
            rows.append([name, f"{size:,}", middle, late, growth, *_empty_request(engine)])
            before = engine, mix.requests
            if size in (10, 10_000):
                stages.append([name, f"{size:,}", *_stages(engine, mix.requests)])
    show(
        "One evaluation, µs (targets: p99 at most 4 medians; selective grows at most 2.5, then 5 times)",
        ["mix", "rules", "median", "p99 / median", "growth", "an empty request", "in empty calls"],
        rows,
    )
    show(
        "Where it goes, µs for each request on average",
        ["mix", "rules", "typing, gates", "index", "resolution", "object", "whole"],
        stages,
    )
    if quick:
        _remembering("selective")
    else:
        _texts_and_batches()
        _remembering("selective", "dense")


def engine_of(text: str, remember: int = 0) -> Engine:
    """The engine of a book that is one text."""
    book, report = check_book({"book.yaml": text.encode()})
    assert report.errors == 0, report.to_text()
    return Engine(book, remember=remember)


def asked(engine: Engine) -> Callable[[Request], Decision]:
    """Asks as applications do: `engine.evaluate(*request, NOW)` would take a tenth of it by itself."""

    def ask(request: Request) -> Decision:
        user, context = request
        return engine.evaluate(user, context, NOW)

    return ask


def measured(work: Callable[[Any], Any], requests: Sequence[Any], rounds: int = ROUNDS) -> list[int]:
    """Nanoseconds of each request in each round, after one round that nobody counts."""
    for request in requests:
        work(request)
    gc.collect()
    times = []
    for _ in range(rounds):
        for request in requests:
            start = thread_time_ns()
            work(request)
            times.append(thread_time_ns() - start)
    return times


def per_call(work: Callable[[Any], Any], requests: Sequence[Any], rounds: int = 40) -> float:
    """Microseconds of a call on average, in the median of many rounds, without the cost of the clock."""
    for request in requests:
        work(request)
    gc.collect()
    times = []
    for _ in range(rounds):
        start = thread_time_ns()
        for request in requests:
            work(request)
        times.append((thread_time_ns() - start) / len(requests))
    return median(times) / 1e3


def _growth(*books: tuple[Engine, Sequence[Request]]) -> float:
    """How many times the median of the second book is that of the first, measured in turns."""
    times: list[list[int]] = [[], []]
    for _ in range(ROUNDS):
        for (engine, requests), found in zip(books, times, strict=True):
            found += measured(asked(engine), requests, 1)
    return median(times[1]) / median(times[0])


def _stages(engine: Engine, requests: Sequence[Request]) -> list[float]:
    facts = [engine.facts(*request, NOW) for request in requests]
    decisions = [engine.decide(one) for one in facts]
    typing = per_call(lambda request: engine._reader.glance(*request, NOW), requests)
    reading = per_call(lambda request: engine.facts(*request, NOW), requests)
    deciding = per_call(engine.decide, facts)
    making = per_call(_made_again, decisions)
    whole = per_call(asked(engine), requests)
    return [typing, reading - typing, deciding - making, making, whole]


def _made_again(one: Decision) -> Decision:
    return Decision(one.book, FrozenDict(one.slots), one.settings, (), (), one.reasons)


def _texts_and_batches() -> None:
    mix = make("selective", 10_000, templates=True)
    engine = engine_of(mix.text)
    plain = engine_of(make("selective", 10_000).text)
    without, greeting, _ = in_turns(
        asked(plain),
        mix.requests,
        asked(engine),
        mix.requests,
        2.0,
    )
    print(f"\nselective, 10,000 rules: {without:.1f} µs; every fourth item a template: {greeting:.1f} µs")
    many = make("selective", 10_000, requests=8_000).requests
    for what, stream in (("visits of five pages, 500 at a time", visits(many)), ("always new lists", many)):
        again, other, times = in_turns(
            asked(plain),
            many[:200],
            asked(plain),
            stream,
            3.0,
        )
        print(f"200 requests that come again: {again:.1f} µs; {what}: {other:.1f} µs, {times:.2f} times")
    *_, gain = in_turns(
        lambda batch: [plain.decide(plain._reader.read(*one, NOW)) for one in batch],
        [mix.requests],
        lambda batch: [plain.evaluate(*one, NOW) for one in batch],
        [mix.requests],
        2.0,
    )
    print(f"a batch without what is done once for each call, against a loop: {gain:.2f} times")


def _remembering(*mixes: str) -> None:
    """A stream in which the n-th most frequent request comes 1/n times as often as the first."""
    rows: list[list[str | float]] = []
    for name in mixes:
        mix = make(name, 10_000, requests=5_000)
        weights = list(accumulate(1 / rank for rank in range(1, len(mix.requests) + 1)))
        stream = random.Random(7).choices(mix.requests, cum_weights=weights, k=4_000)
        plain, remembering = engine_of(mix.text), engine_of(mix.text, remember=1_000)
        for request in stream:
            assert remembering.evaluate(*request, NOW) == plain.evaluate(*request, NOW)
        remembered, without, gain = in_turns(
            asked(remembering),
            stream,
            asked(plain),
            stream,
            2.0,
        )
        rows.append([name, without, remembered, gain])
    show(
        "1,000 decisions remembered, a Zipf stream over 5,000 requests, 10,000 rules",
        ["mix", "without, µs", "remembering, µs", "times faster"],
        rows,
    )


def _empty_request(engine: Engine, calls: int = 1_000) -> tuple[float, float]:
    """Microseconds of a request that says nothing, and how many calls of an empty function that is.

    They are measured in turns, without loop and clock, as the machine's pace changes.
    """
    user: dict[str, Any] = {}
    context: dict[str, Any] = {}
    evaluate, times, ratios = engine.evaluate, [], []
    for _ in range(100):
        start = thread_time_ns()
        for _ in range(calls):
            evaluate(user, context, NOW)
        evaluated = thread_time_ns()
        for _ in range(calls * 10):
            _nothing(user, context)
        called = thread_time_ns()
        for _ in range(calls * 10):
            pass
        loop = (thread_time_ns() - called) / calls / 10
        request = (evaluated - start) / calls - loop
        times.append(request)
        ratios.append(request / ((called - evaluated) / calls / 10 - loop))
    return median(times) / 1e3, median(ratios)


def _nothing(user: dict[str, Any], context: dict[str, Any]) -> None:
    return None
