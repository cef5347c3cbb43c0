"""Checking a file that is not saved, as an editor does at every pause, and running thousands of tests."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from time import monotonic, perf_counter, process_time, sleep

import yaml

from benchmarks.tables import show
from tailored.book.kept import Kept
from tailored.book.load import check_book
from tailored.book.source import read_sources
from tailored.testing.outcome import outcome_of

BOOK = "rules"
UNSAVED = "home.yaml"
ROUNDS = 31
CASES = 5_000
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
TAILORED = str(Path(sys.executable).with_name("tailored"))
ASK = [TAILORED, "validate", BOOK, "--stdin-path", f"{BOOK}/{UNSAVED}"]
PAUSE = 0.2
"""Seconds between two questions, in which the checker tidies up."""


def run() -> None:
    """Prints the tables."""
    _within_a_process()
    _whole_processes()
    _tests()


def _texts(number: int) -> Iterator[bytes]:
    """The file with something written into it, each time something else."""
    text = Path(BOOK, UNSAVED).read_bytes()
    return (text + b"# %d\n" % one for one in range(number))


def _within_a_process() -> None:
    """Processor time of the check alone, of a book that is new, and of one after a change."""
    kept = Kept()
    composing, first, again = [], [], []
    for text in _texts(ROUNDS):
        sources = read_sources(BOOK)
        began = process_time()
        for content in sources.values():
            yaml.compose(content, Loader=yaml.CSafeLoader)
        composing.append(process_time() - began)
        for times, memory in ((first, Kept()), (again, kept)):
            began = process_time()
            with memory.in_use():
                check_book(read_sources(BOOK, {UNSAVED: text}), NOW, BOOK, notes=True)
            times.append(process_time() - began)
    rows: list[list[str | float]] = [
        [what, median(times[1:]) * 1e3, median(times[1:]) / median(composing)]
        for what, times in (("a book that was not read before", first), ("a book after a change", again))
    ]
    show(
        "checking the example book with a file that is not saved, processor time",
        ["", "ms", "times yaml.compose"],
        rows,
    )


def _whole_processes() -> None:
    """What an editor waits for, by the clock; interleaved, as other work on the machine slows down all."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "a checker stays": ASK,
        "without one (TAILORED_STAY=0)": ASK,
    }
    times: dict[str, list[float]] = {what: [] for what in commands}
    used: dict[str, list[float]] = {what: [] for what in commands}
    with _desk() as environment:
        _asked(ASK, next(_texts(1)), environment)  # the first call starts it
        end = monotonic() + 30
        while not any(Path(environment["XDG_RUNTIME_DIR"]).glob("tailored/*.socket")) and monotonic() < end:
            sleep(PAUSE)
        for text in _texts(ROUNDS):
            for what, command in commands.items():
                stay = "0" if "without" in what else "600"
                sleep(PAUSE)
                took, cost = _asked(command, text, {**environment, "TAILORED_STAY": stay})
                times[what].append(took * 1e3)
                used[what].append(cost * 1e3)
    rows: list[list[str | float]] = [
        [what, median(times[what]), quantiles(times[what], n=10)[-1], median(used[what])] for what in commands
    ]
    show(
        "validate --stdin-path as a whole process (target: 100 ms)",
        ["", "ms", "p90", "ms of the processor"],
        rows,
    )


@contextmanager
def _desk() -> Iterator[dict[str, str]]:
    """An environment with a checker of its own, and with the byte code that an installed package has."""
    folder = tempfile.mkdtemp(prefix="tailored-")
    environment = {
        **{key: value for key, value in os.environ.items() if key != "CI"},
        "XDG_RUNTIME_DIR": folder,
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": folder,
        "TAILORED_STAY": "600",
    }
    _asked(ASK, next(_texts(1)), {**environment, "TAILORED_STAY": "0"})
    try:
        yield environment
    finally:
        subprocess.run(
            [TAILORED, "validate", "--stop"], env=environment, stdout=subprocess.DEVNULL, check=True
        )
        shutil.rmtree(folder)


def _asked(command: list[str], text: bytes, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds by the clock, and seconds of the processor in the process that was started."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    subprocess.run(command, input=text, stdout=subprocess.DEVNULL, env=environment, check=True)
    took, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _tests() -> None:
    """A table with thousands of rows on top of the example book."""
    pages = ("home", "product", "cart", "checkout")
    rows = "".join(
        f"      - {{age: {number % 90}, visits_last_30_days: {number % 31}, page: {pages[number % 4]}}}\n"
        for number in range(CASES)
    )
    about = "tests:\n  many:\n    now: 2026-11-24\n    expect: {greeting: {hidden: false}}\n    each:\n"
    text = about + rows
    sources = read_sources(BOOK, {"tests/many.yaml": text.encode()})
    began = process_time()
    book, report = check_book(sources, NOW, BOOK)
    read = process_time() - began
    assert report.errors == 0, report.to_text()
    began = process_time()
    outcome = outcome_of(book, report.texts, NOW)
    took = process_time() - began
    assert not outcome.failed, outcome.summary
    show(
        f"tailored test with {len(book.tests):,} cases (target: seconds)",
        ["reading, s", "running, s", "cases a second"],
        [[read, took, len(book.tests) / (read + took)]],
    )
