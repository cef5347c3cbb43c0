"""`tailored validate`: everything that is wrong with a rule book, in one go."""

from __future__ import annotations

import os
import sys
from datetime import datetime

import click

from tailored.book.diagnostics import BookNotReadable
from tailored.book.load import check_book
from tailored.book.source import ENDINGS, read_sources
from tailored.cli.formats import end, format_option, moment, stop
from tailored.report.outcome import of_report
from tailored.scoring.registry import why_not_ready


@click.command()
@click.argument("book", default="rules", type=click.Path(readable=False))
@format_option()
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option("--notes", is_flag=True, help="Show notes, too: which consent each rule needs, and for what.")
@click.option(
    "--now", callback=moment, metavar="ISO", help="Check schedules at this time, not at the clock's."
)
@click.option(
    "--stdin-path",
    metavar="PATH",
    help="Check the book as if the file PATH held what standard input does, which need not be saved.",
)
def validate(
    book: str, form: str, strict: bool, notes: bool, now: datetime | None, stdin_path: str | None
) -> None:
    """Report all problems of the rule book in the folder BOOK (rules, unless named), sorted by place.

    Notes change no exit code; the formats for machines always have them.

    Exits with 0 without errors, 1 with errors, 2 when there is no book to read.
    """
    try:
        if stdin_path is None:
            sources = read_sources(book)
        else:
            name = _within(book, stdin_path)
            sources = read_sources(book, {name: sys.stdin.buffer.read()})
        tried = why_not_ready if stdin_path is None else None  # who types need not wait for that
        _, report = check_book(sources, now, book, notes=True, try_model=tried)
    except BookNotReadable as error:
        stop(error)
    report = report.strict() if strict else report
    end(form, [of_report("validate", report, notes if form == "text" else None)], book)


def _within(book: str, path: str) -> str:
    """The name that a file has in a book: its path from there. The command ends where it has none."""
    if not os.path.isdir(book):
        stop(f"there is no folder {book}")
    ways = [os.path.relpath(path, book), os.path.relpath(os.path.realpath(path), os.path.realpath(book))]
    inside = [way.split(os.sep) for way in ways if way.split(os.sep)[0] not in (os.pardir, os.curdir)]
    if not inside:
        stop(f"--stdin-path: {path} is not in the book {book}")
    if any(part.startswith(".") for part in inside[0]) or not path.endswith(ENDINGS):
        stop(f"--stdin-path: {path} is no rule file: those end in .yaml or .yml, and begin with no dot")
    return "/".join(inside[0])
