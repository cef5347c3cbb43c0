"""`tailored validate`: everything that is wrong with a rule book, in one go."""

from __future__ import annotations

import json
import os
import sys
from datetime import date, datetime

import click

from tailored.book.diagnostics import BookNotReadable
from tailored.book.load import check_book
from tailored.book.source import read_sources
from tailored.condition.types import first_moment, parse_date, parse_datetime


def moment(context: click.Context, option: click.Parameter, text: str | None) -> datetime | None:
    """The moment that an option names; a date is midnight UTC. Raises click.BadParameter where it is none."""
    if text is None:
        return None
    value: date | None = parse_date(text) or parse_datetime(text)
    if value is None:
        raise click.BadParameter(f"{text!r} is no ISO 8601 date or time, such as 2026-11-01T08:30:00Z.")
    return first_moment(value)


@click.command()
@click.argument("book", default="rules", type=click.Path())
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="For people, or machines."
)
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option(
    "--now", callback=moment, metavar="ISO", help="Check schedules at this time, not at the clock's."
)
def validate(book: str, form: str, strict: bool, now: datetime | None) -> None:
    """Report all problems of the rule book in the folder BOOK (rules, unless named), sorted by place.

    Exits with 0 without errors, 1 with errors, 2 when there is no book to read.
    """
    try:
        _, report = check_book(read_sources(book), now)
    except BookNotReadable as error:
        click.echo(f"tailored: {error}", err=True)
        sys.exit(2)
    report = report.strict() if strict else report
    if form == "json":
        click.echo(json.dumps(report.to_dict(), indent=2))
    else:
        click.echo(report.to_text(os.path.join(book, "")))
    sys.exit(1 if report.errors else 0)
