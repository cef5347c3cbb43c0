"""`tailored evaluate`: what one user sees."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from textwrap import wrap

import click

from tailored.cli.requests import load_engine, options, read_request, stop
from tailored.engine.decision import Decision, Placement


@click.command()
@options
def evaluate(
    book: str, user: str | None, context: str | None, request_: str | None, now: str | None, form: str
) -> None:
    """Say what one user sees, by the rule book in the folder BOOK (rules, unless named).

    Exits with 1 where the book has errors, with 2 where there is no book or no request to read.
    """
    request = read_request(user, context, request_, now)
    engine = load_engine(book, form)
    try:
        decision = engine.evaluate(request.user, request.context, request.now)
    except ValueError as error:
        stop(str(error))
    click.echo(decision.to_json(indent=2) if form == "json" else to_text(decision))


def to_text(decision: Decision) -> str:
    """A decision as a table for people: each slot and setting, what it gets, and which rule says so.

    Below it stands what did not come as the rules would have it, and why.
    """
    rows = [(name, _shown(placement), _why(placement)) for name, placement in decision.slots.items()]
    for name, setting in decision.settings.items():
        rows.append((name, _value(setting.value), setting.rule or "default"))
    lines = table(rows)
    lines += [
        f"fallback: {name} stands {_order(answer.used)}, not in that of {answer.name}: {answer.reason}"
        for name, placement in decision.slots.items()
        if (answer := placement.scorer) is not None and answer.fallback
    ]
    lines += [
        f"withheld: {entry.kind} {entry.id} ({entry.label} {entry.name})" for entry in decision.withheld
    ]
    lines += [f"warning: {warning.message}" for warning in decision.warnings]
    return "\n".join(lines)


def table(rows: Sequence[Sequence[str]], widest: int = 48) -> list[str]:
    """Rows as lines with aligned columns; a cell wider than `widest` is broken at its spaces."""
    broken = [
        [wrap(cell, widest, break_long_words=False, break_on_hyphens=False) or [""] for cell in row]
        for row in rows
    ]
    widths = [max(len(line) for cell in column for line in cell) for column in zip(*broken, strict=True)]
    lines = []
    for row in broken:
        for pieces in zip_longest(*row, fillvalue=""):
            cells = [f"{piece:<{width}}" for piece, width in zip(pieces, widths, strict=True)]
            lines.append("  ".join(cells).rstrip())
    return lines


def _shown(placement: Placement) -> str:
    if placement.hidden:
        return "(hidden)"
    shown = placement.order or tuple(item.content for item in placement.items)
    return ", ".join(shown) or placement.content or "(nothing)"


def _why(placement: Placement) -> str:
    if placement.kind == "many" and not placement.hidden:
        return ", ".join(dict.fromkeys(item.rule or "default" for item in placement.items)) or "default"
    return placement.rule or "default"


def _order(scorer: str | None) -> str:
    return f"in the order of {scorer}" if scorer is not None else "in the rule's own order"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(_value, value)) if isinstance(value, list | tuple) else str(value)
