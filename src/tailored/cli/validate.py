"""`tailored validate`: everything that is wrong with a rule book, in one go."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import datetime

import click

from tailored.book.diagnostics import BookNotReadable
from tailored.book.kept import Kept
from tailored.book.load import check_book
from tailored.book.model import Scorer
from tailored.book.scorers import TryModel
from tailored.book.source import ENDINGS, read_sources
from tailored.cli.ask import stop_checkers
from tailored.cli.formats import ended, format_option, moment, stop
from tailored.report.outcome import of_report


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
    help="Check the book as if the file PATH held what standard input does, which need not be saved. "
    "A process stays in the background to answer at once next time; TAILORED_STAY=0 has none.",
)
@click.option(
    "--stop", "is_stop", is_flag=True, help="End what stays in the background, and do nothing else."
)
@click.pass_obj
def validate(
    kept: Kept | None,
    book: str,
    form: str,
    strict: bool,
    notes: bool,
    now: datetime | None,
    stdin_path: str | None,
    is_stop: bool,
) -> None:
    """Report all problems of the rule book in the folder BOOK (rules, unless named), sorted by place.

    Notes change no exit code; the formats for machines always have them.

    Exits with 0 without errors, 1 with errors, 2 when there is no book to read.
    """
    if is_stop:
        click.echo(stop_checkers())
        return
    try:
        unsaved = {} if stdin_path is None else {name_within(book, stdin_path): _standard_input()}
        with (kept or Kept()).in_use():
            text, code = checked(book, form, strict, notes, now, unsaved, None if unsaved else _why_not_ready)
    except BookNotReadable as error:
        stop(error)
    click.echo(text, nl=False)
    sys.exit(code)


def checked(
    book: str,
    form: str,
    strict: bool,
    notes: bool,
    now: datetime | None,
    unsaved: Mapping[str, bytes],
    tried: TryModel | None = None,
) -> tuple[bytes, int]:
    """What the command prints about a book, and its exit code. Raises BookNotReadable."""
    _, report = check_book(read_sources(book, unsaved), now, book, notes=True, try_model=tried)
    report = report.strict() if strict else report
    return ended(form, [of_report("validate", report, notes if form == "text" else None)], book)


def name_within(book: str, path: str) -> str:
    """The name that a file has in a book: its path from there. Raises BookNotReadable where it has none."""
    if not os.path.isdir(book):
        raise BookNotReadable(f"there is no folder {book}")
    ways = [os.path.relpath(path, book), os.path.relpath(os.path.realpath(path), os.path.realpath(book))]
    inside = [way.split(os.sep) for way in ways if way.split(os.sep)[0] not in (os.pardir, os.curdir)]
    if not inside:
        raise BookNotReadable(f"--stdin-path: {path} is not in the book {book}")
    if any(part.startswith(".") for part in inside[0]) or not path.endswith(ENDINGS):
        raise BookNotReadable(
            f"--stdin-path: {path} is no rule file: those end in .yaml or .yml, and begin with no dot"
        )
    return "/".join(inside[0])


def _why_not_ready(scorer: Scorer, folder: str) -> str | None:
    """Why a model cannot be used. Who types does not wait for that, nor for importing it."""
    from tailored.scoring.registry import why_not_ready

    return why_not_ready(scorer, folder)


def _standard_input() -> bytes:
    """What standard input holds. Raises BookNotReadable."""
    if sys.stdin is None:
        raise BookNotReadable("--stdin-path: there is no standard input")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise BookNotReadable(f"--stdin-path: standard input cannot be read: {error.strerror}") from None
