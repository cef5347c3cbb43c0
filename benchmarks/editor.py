"""Checking a file that is not saved, as an editor does at every pause, and running thousands of tests.

All times are of the processor, not of the clock: a machine that does other work makes the clock's useless.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import process_time

import yaml

from benchmarks.tables import show
from tailored.book.load import check_book
from tailored.book.source import read_sources
from tailored.testing.outcome import outcome_of

BOOK = "rules"
UNSAVED = "home.yaml"
ROUNDS = 11
CASES = 5_000
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def run() -> None:
    """Prints both tables."""
    _unsaved()
    _tests()


def _unsaved() -> None:
    """The work within a process, and whole processes, interleaved with what they cannot do without."""
    text = Path(BOOK, UNSAVED).read_bytes()
    command = [
        str(Path(sys.executable).with_name("tailored")),
        "validate",
        BOOK,
        "--stdin-path",
        f"{BOOK}/{UNSAVED}",
    ]
    libraries = [sys.executable, "-c", "import click, jinja2, yaml"]
    composing, checking, starting, whole = [], [], [], []
    cache = tempfile.mkdtemp(prefix="tailored-")
    for _ in range(ROUNDS + 1):  # the first one leaves the byte code that an installed package has
        sources = read_sources(BOOK)
        began = process_time()
        for content in sources.values():
            yaml.compose(content, Loader=yaml.CSafeLoader)
        composing.append(process_time() - began)
        began = process_time()
        check_book(read_sources(BOOK, {UNSAVED: text}), NOW, BOOK, notes=True)
        checking.append(process_time() - began)
        starting.append(_process(libraries, b"", cache))
        whole.append(_process(command, text, cache))
    rows: list[list[str | float]] = [
        ["within a process", median(checking) * 1e3, median(checking) / median(composing), "yaml.compose"],
        ["a whole process", median(whole) * 1e3, median(whole) / median(starting), "starting the libraries"],
    ]
    shutil.rmtree(cache)
    show(
        "validate --stdin-path of the example book (target: 100 ms of work)", ["", "ms", "times", "of"], rows
    )


def _process(command: list[str], stdin: bytes, cache: str) -> float:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": cache}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, input=stdin, stdout=subprocess.DEVNULL, env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


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
