"""`tailored schema`: a JSON Schema of rule files, for editors and CI."""

from __future__ import annotations

import json
import sys

import click

from tailored.book.diagnostics import BookNotReadable
from tailored.book.load import check_book
from tailored.book.schema import rulebook_schema
from tailored.book.source import read_sources


@click.command()
@click.argument("book", required=False, type=click.Path(readable=False))
def schema(book: str | None) -> None:
    """Print the JSON Schema of rule files; with BOOK, one that knows the names in the book in that folder.

    Exits with 0; with 1 when the book has errors, so that names may be missing; with 2 when there is no book.
    """
    if book is None:
        click.echo(_text(rulebook_schema()))
        return
    try:
        found, report = check_book(read_sources(book), folder=book)
    except BookNotReadable as error:
        click.echo(f"tailored: {error}", err=True)
        sys.exit(2)
    click.echo(_text(rulebook_schema(found)))
    if report.errors:
        click.echo(
            f"tailored: {book} has errors, so names may be missing here; see `tailored validate {book}`",
            err=True,
        )
        sys.exit(1)


def _text(schema: dict[str, object]) -> str:
    return json.dumps(schema, indent=2)  # in ASCII, which every shell redirects unharmed
