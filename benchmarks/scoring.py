"""The scoring hook: what a sleeping scorer costs a page, and what rankings cost beside none."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import Callable, Coroutine
from statistics import median
from time import perf_counter, sleep
from typing import Any

from benchmarks.tables import show
from tailored.book.load import check_book
from tailored.engine.engine import Engine

TIMEOUT = 25.0
"""Milliseconds, as a scorer has unless its book says otherwise."""
AT_ONCE, PAGES = 50, 40
ITEMS = 200
ROUNDS = 400
PLAIN = """\
attributes: {user: {country: {type: string}}}
slots: {hero: {}, list: {many: 6}}
content: {a: {title: A}, b: {title: B}, c: {title: C}}
rules:
  best: {when: {country: NO}, show: {hero: RANKING}}
"""
CATALOG = (
    "catalogs: {things: {attributes: {brand: {type: string}, price: {type: integer}}, items: {ITEMS}}}\n"
)


class Sleeping:
    """Answers after a second."""

    def score(self, facts: object, candidates: list[object]) -> list[float]:
        sleep(1)
        return [0.0] * len(candidates)


class Failing:
    """Raises."""

    def score(self, facts: object, candidates: list[object]) -> list[float]:
        raise ValueError


class Counting:
    """Answers at once."""

    quick = True

    def score(self, facts: object, candidates: list[object]) -> list[float]:
        return [float(place * 7 % 13) for place in range(len(candidates))]


def run() -> None:
    """Prints what a page waits for, and what rankings cost."""
    _waiting()
    _awaiting()
    _rankings()


def engine_of(text: str, **scorers: object) -> Engine:
    """The engine of a small book, and what stays of it frozen, as the service does.

    Else one full collection of garbage of this whole process is in the figures.
    """
    book, report = check_book({"book.yaml": text.encode()})
    assert not report.errors, report.to_text()
    engine = Engine(book, scorers)
    gc.collect()
    gc.freeze()
    return engine


def _waiting() -> None:
    """How long pages take whose scorer sleeps for a second, when 50 are made at once, wave after wave.

    Beside them the same pages with other scorers: what the machine takes for 50 pages anyway.
    """
    rows: list[list[str | float]] = []
    scorers = {
        "answers at once, without a thread": Counting(),
        "fails at once, in a thread": Failing(),
        "sleeps for a second": Sleeping(),
    }
    for name, scorer in scorers.items():
        times = _waves(scorer)
        running = sum(thread.name == "tailored-model" for thread in threading.enumerate())
        rows.append([name, len(times), median(times), times[len(times) * 99 // 100], times[-1], running])
    show(
        f"{AT_ONCE} pages at once (target: p99 of the sleeper at most {TIMEOUT + 5:g} ms)",
        ["the scorer", "pages", "median, ms", "p99, ms", "longest, ms", "its threads"],
        rows,
    )


def _waves(scorer: object) -> list[float]:
    """The times of all pages in milliseconds, sorted."""
    text = PLAIN.replace("RANKING", "{best of: [a, b, c], by: model}")
    engine = engine_of("scorers: {model: {kind: python}}\n" + text, model=scorer)
    times: list[float] = []
    begin = threading.Barrier(AT_ONCE)

    def visitor() -> None:
        for _ in range(PAGES):
            begin.wait()
            start = perf_counter()
            engine.evaluate({"country": "NO"}, {})
            times.append((perf_counter() - start) * 1e3)

    threads = [threading.Thread(target=visitor) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.close()
    return sorted(times)


class Awaited:
    """Answers after a second, awaited."""

    async def score(self, facts: object, candidates: list[object]) -> list[float]:
        await asyncio.sleep(1)
        return [0.0] * len(candidates)


def _awaiting() -> None:
    """The same on one event loop, beside bare timeouts: what the loop itself takes for 50 of them."""
    text = PLAIN.replace("RANKING", "{best of: [a, b, c], by: model}")
    engine = engine_of("scorers: {model: {kind: python}}\n" + text, model=Awaited())

    async def bare() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT / 1000):
                await asyncio.sleep(1)

    async def timed(page: Callable[[], Coroutine[Any, Any, object]], times: list[float]) -> None:
        start = perf_counter()
        await page()
        times.append((perf_counter() - start) * 1e3)

    async def waves() -> None:
        for _ in range(PAGES):  # in turns, so that both have the same neighbours
            for name, page in pages.items():
                await asyncio.gather(*(timed(page, times[name]) for _ in range(AT_ONCE)))

    pages: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "sleeps for a second": lambda: engine.evaluate_async({"country": "NO"}, {}),
        "a bare timeout, without an engine": bare,
    }
    times: dict[str, list[float]] = {name: [] for name in pages}
    asyncio.run(waves())
    engine.close()
    rows: list[list[str | float]] = []
    for name, took in times.items():
        took.sort()
        rows.append([name, len(took), took[0], median(took), took[len(took) * 99 // 100], took[-1]])
    show(
        f"{AT_ONCE} pages at once on one event loop (target: p99 at most {TIMEOUT + 5:g} ms)",
        ["the scorer", "pages", "least, ms", "median, ms", "p99, ms", "longest, ms"],
        rows,
    )


def _rankings() -> None:
    """What one evaluation takes, interleaved, as multiples of one whose book has no scorer."""
    items = ", ".join(f"i{n}: {{brand: b{n % 9}, price: {n % 31}}}" for n in range(ITEMS))
    catalog = CATALOG.replace("ITEMS", items)
    scorer = "scorers: {model: {kind: python}}\n"
    of = "of: {catalog: things, where: {price: {at most: 25}}}"
    books = {
        "no scorer in the book": PLAIN.replace("RANKING", "a"),
        "a catalog and a scorer that this page does not use": scorer
        + catalog
        + PLAIN.replace("RANKING", "a")
        + f"  other: {{when: {{country: SE}}, show: {{list: {{{of}, by: model}}}}}}\n",
        "best of three": scorer + PLAIN.replace("RANKING", "{best of: [a, b, c], by: model}"),
        f"six of {ITEMS} items": scorer + catalog + _listed(of),
        "and 20% explored": scorer + catalog + _listed(f"{of}, explore: 20%"),
        "and two per brand": scorer + catalog + _listed(f"{of}, explore: 20%, at most: {{2 per: brand}}"),
        "and diverse": scorer + catalog + _listed(f"{of}, explore: 20%, diversity: 0.3"),
    }
    engines = {name: engine_of(text, model=Counting()) for name, text in books.items()}
    times: dict[str, list[float]] = {name: [] for name in books}
    for number in range(ROUNDS):
        request: Any = {"country": "NO"}, {"request_id": f"r{number}"}
        for name, engine in engines.items():
            start = perf_counter()
            engine.evaluate(*request)
            times[name].append((perf_counter() - start) * 1e6)
    first = median(next(iter(times.values())))
    show(
        "One evaluation (target: none of it is felt where the book has no scorer)",
        ["what is ranked", "median, us", "times no scorer"],
        [[name, median(took), median(took) / first] for name, took in times.items()],
    )


def _listed(ranking: str) -> str:
    return PLAIN.replace("hero: RANKING", f"list: {{top: 6, {ranking}, by: model}}")


if __name__ == "__main__":
    run()
