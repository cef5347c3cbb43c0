"""`tailored prove`: what is certain of a rule book for every user and every context."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from tailored.book.diagnostics import BookNotReadable, Report
from tailored.book.load import check_book
from tailored.book.source import read_sources
from tailored.cli.formats import end, format_option, moment, stop
from tailored.report.outcome import of_report

NO_Z3 = "this needs Z3, which is not installed: pip install 'tailored[proof]'"


@click.command()
@click.argument("book", default="rules", type=click.Path(readable=False))
@format_option()
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option(
    "--now",
    callback=moment,
    metavar="ISO",
    help="Show requests at this time, where any will do.",
)
def prove(book: str, form: str, strict: bool, now: datetime | None) -> None:
    """Prove what holds for every user of the rule book in the folder BOOK (rules, unless named).

    Reports rules that never fire, never win, or win by their place alone, segments and slots that are not
    what they seem, and broken guarantees, each with a request that shows it. Exits with 0 without errors,
    1 with errors, 2 where it could not run.
    """
    try:
        read, report = check_book(read_sources(book), now, book)
    except BookNotReadable as error:
        stop(error)
    if not is_fit(report):
        end(form, [of_report("prove", report)], book)
    try:
        from tailored.proof.prove import outcome_of, prove, steps_of
    except ModuleNotFoundError as error:
        if error.name != "z3":
            raise
        stop(NO_Z3)
    with progress_of(steps_of(read), form) as progress:
        proven = prove(read, progress, now)
    end(form, [outcome_of(proven, report, strict)], book)


def is_fit(report: Report) -> bool:
    """Whether a book can be asked: a rule that can never do anything is an error, and can be asked."""
    return all(
        finding.severity != "error" or finding.code == "never-consented" for finding in report.diagnostics
    )


@contextmanager
def progress_of(steps: int, form: str) -> Iterator[Callable[[int], None]]:
    """Shows a bar on a terminal while a book is asked."""
    if form != "text" or not sys.stderr.isatty():
        yield lambda done: None
        return
    with click.progressbar(length=steps, label="Proving", file=sys.stderr) as bar:
        yield bar.update
