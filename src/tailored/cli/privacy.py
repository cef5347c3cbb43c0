"""`tailored privacy`: what the book uses about people, and one person's view of that."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from tailored.cli.requests import load_engine, read_request, stop
from tailored.engine.person import view
from tailored.engine.render_view import view_page
from tailored.guard.document import Page, to_html, to_markdown
from tailored.guard.render_report import report_page
from tailored.guard.report import report

WRITTEN: dict[str, Callable[[Page], str]] = {"markdown": to_markdown, "html": to_html}


@click.command()
@click.argument("book", default="rules", type=click.Path(readable=False))
@click.option("--user", metavar="JSON", help="One person: JSON text, a file, or - to read it.")
@click.option("--context", metavar="JSON", help="Her context: JSON text, a file, or - to read it.")
@click.option(
    "--request", "request_", metavar="FILE", help="A JSON file with user, context and now; - reads it."
)
@click.option("--now", metavar="ISO", help="The moment for one person; the clock's unless given.")
@click.option(
    "--format",
    "form",
    type=click.Choice([*WRITTEN, "json"]),
    default="markdown",
    help="Text, one page for the web, or for machines.",
)
def privacy(
    book: str, user: str | None, context: str | None, request_: str | None, now: str | None, form: str
) -> None:
    """Say what the rule book in the folder BOOK (rules, unless named) uses about people, and for what.

    With --user, --context or --request: what it makes of one person's data, and what each opt-out and each
    consent would change for her. It shows names of her data, and no values.

    Exits with 1 where the book has errors, with 2 where there is no book or no request to read.
    """
    if user is context is request_ is None:
        if now is not None:
            stop("--now is for one person: name her with --user or --request")
        engine = load_engine(book, form)
        told = report(engine.book)
        _write(form, told.to_dict, lambda: report_page(engine.book, told, engine.version))
        return
    request = read_request(user, context, request_, now)
    engine = load_engine(book, form)
    try:
        seen = view(engine, request.user, request.context, request.now)
    except ValueError as error:
        stop(str(error))
    _write(form, seen.to_dict, lambda: view_page(engine.book, seen, engine.version))


def _write(form: str, data: Callable[[], dict[str, Any]], page: Callable[[], Page]) -> None:
    text = WRITTEN[form](page()) if form in WRITTEN else json.dumps(data(), indent=2, ensure_ascii=False)
    click.echo(text.removesuffix("\n").encode(errors="replace"))
