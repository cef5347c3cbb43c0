"""`tailored explain`: why one user sees what they see."""

from __future__ import annotations

import json

import click

from tailored.cli.requests import load_engine, options, read_request, stop
from tailored.engine.explain import explain as explained


@click.command()
@options
@click.option(
    "--slot", "slots", multiple=True, metavar="ID", help="Only this slot or setting; may be repeated."
)
def explain(
    book: str,
    user: str | None,
    context: str | None,
    request_: str | None,
    now: str | None,
    form: str,
    slots: tuple[str, ...],
) -> None:
    """Say why one user sees what they see: per slot, what became of every rule that names it.

    Takes what `tailored evaluate` takes, and exits as it does.
    """
    request = read_request(user, context, request_, now)
    engine = load_engine(book, form)
    for name in slots:
        if name not in engine.book.slots and name not in engine.book.settings:
            stop(f"--slot: the book has no slot and no setting {name}")
    try:
        explanation = explained(engine, request.user, request.context, request.now)
    except ValueError as error:
        stop(str(error))
    if form == "json":
        click.echo(json.dumps(explanation.to_dict(slots), indent=2, ensure_ascii=False))
        return
    click.echo(explanation.to_text(slots))
    for warning in explanation.decision.warnings:
        click.echo(f"\nwarning: {warning.message}")
