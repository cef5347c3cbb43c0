"""`tailored describe`: the whole rule book in English, rule by rule."""

from __future__ import annotations

import json
import os
import sys

import click

from tailored.book.describe import describe as described
from tailored.book.describe import to_text
from tailored.book.diagnostics import BookNotReadable, RuleBookError
from tailored.book.load import load_book


@click.command()
@click.argument("book", default="rules", type=click.Path(readable=False))
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="For people, or machines."
)
def describe(book: str, form: str) -> None:
    """Tell the rule book in the folder BOOK (rules, unless named) in English, rule by rule.

    Exits with 1, after what `tailored validate` prints, where the book has errors; with 2 when there is no
    book to read.
    """
    try:
        told = described(load_book(book))
    except BookNotReadable as error:
        click.echo(f"tailored: {error}", err=True)
        sys.exit(2)
    except RuleBookError as error:
        report = error.report
        click.echo(
            json.dumps(report.to_dict(), indent=2)
            if form == "json"
            else report.to_text(os.path.join(book, ""))
        )
        sys.exit(1)
    click.echo(json.dumps(told, indent=2, ensure_ascii=False) if form == "json" else to_text(told))
