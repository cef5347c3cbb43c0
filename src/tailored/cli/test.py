"""`tailored test`: the tests of a rule book, and what none of them has tried."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import click

from tailored.book.diagnostics import BookNotReadable
from tailored.book.load import check_book
from tailored.book.source import read_sources
from tailored.cli.formats import end, format_option, moment, stop
from tailored.report.formats import written
from tailored.report.outcome import Outcome, of_report
from tailored.testing.outcome import outcome_of
from tailored.testing.select import Selects, selecting

LOOKS_EVERY = 0.3
"""Seconds between two looks at the files of a book."""


@click.command()
@click.argument("book", default="rules", type=click.Path(readable=False))
@click.option("-k", "expression", metavar="TEXT", help="Only tests whose names hold this; and, or, not.")
@click.option("--watch", is_flag=True, help="Run again whenever a file of the book changes; end with Ctrl-C.")
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Fail where the tests have tried less than this.",
)
@click.option("--now", callback=moment, metavar="ISO", help="The moment of tests that do not say one.")
@format_option()
def test(
    book: str,
    expression: str | None,
    watch: bool,
    min_coverage: float | None,
    now: datetime | None,
    form: str,
) -> None:
    """Run the tests of the rule book in the folder BOOK (rules, unless named), and tell what they left out.

    Exits with 0 where all tests pass, with 1 where one fails, the book has errors or coverage is too low,
    with 2 when there is no book to read.
    """
    selects = _selects(expression)
    if selects is not None and min_coverage is not None:
        stop("--min-coverage is for all tests: leave -k out")
    if watch:
        _watch(book, selects, min_coverage, now, form)
    try:
        outcome, _ = run_tests(book, selects, min_coverage, now)
    except BookNotReadable as error:
        stop(error)
    if selects is not None and not outcome.cases and not outcome.failed:
        stop(f"-k: no test has a name with {expression}")
    end(form, [outcome], book)


def run_tests(
    book: str, selects: Selects | None, min_coverage: float | None, now: datetime | None
) -> tuple[Outcome, list[str]]:
    """The outcome of a book's tests, or of checking it where it has errors, and the files they include.

    Raises BookNotReadable.
    """
    moment_ = now or datetime.now(UTC)
    found, report = check_book(read_sources(book), moment_, book)
    files = sorted({test.file for test in found.tests if test.file})
    if report.errors:
        errors = tuple(one for one in report.diagnostics if one.severity == "error")
        return of_report("test", replace(report, diagnostics=errors)), files
    return outcome_of(found, report.texts, moment_, selects, min_coverage), files


def _selects(expression: str | None) -> Selects | None:
    if expression is None or not expression.strip():
        return None
    try:
        return selecting(expression)
    except ValueError as error:
        stop(f"-k: {error}")


def _watch(
    book: str, selects: Selects | None, min_coverage: float | None, now: datetime | None, form: str
) -> None:
    """Runs the tests, and again whenever a file changes, until somebody ends it."""
    files: list[str] = []
    seen: object = None
    try:
        while True:
            sources, times = _sources(book), _written(files)
            if (sources, times) != seen:
                if sys.stdout.isatty():
                    click.clear()
                try:
                    outcome, files = run_tests(book, selects, min_coverage, now)
                    said = written(form, [outcome], book)
                except BookNotReadable as error:
                    said = f"tailored: {error}"
                # what changes from here on is new; the times from before the run, of files that it had then
                seen = sources, {file: times.get(file, at) for file, at in _written(files).items()}
                click.echo(said.encode(errors="replace"))
                click.echo(f"Watching {book} ...", err=True)
            time.sleep(LOOKS_EVERY)
    except KeyboardInterrupt:
        sys.exit(0)


def _sources(book: str) -> object:
    """What the files of a book hold, or why they cannot be read."""
    try:
        return read_sources(book)
    except BookNotReadable as error:
        return str(error)


def _written(files: Iterable[str]) -> dict[str, int]:
    """When files were last written; 0 where there is none."""
    times = {}
    for file in files:
        try:
            times[file] = os.stat(file).st_mtime_ns
        except OSError:
            times[file] = 0
    return times
