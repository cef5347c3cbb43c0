"""What the commands that check a book share: the option for a format, and how they end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NoReturn, TypeVar

import click

from tailored.report.formats import FORMATS, written
from tailored.report.outcome import Outcome

Command = TypeVar("Command", bound=Callable[..., None])


def format_option(*forms: str) -> Callable[[Command], Command]:
    """The option `--format`, which takes these formats, or all of them."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(forms or FORMATS),
        default="text",
        help="For people, for machines, or for a service that shows findings.",
    )


def end(form: str, outcomes: Sequence[Outcome], folder: str) -> NoReturn:
    """Prints what commands found, and exits with 1 where one of them failed, else with 0."""
    text, code = ended(form, outcomes, folder)
    click.echo(text, nl=False)
    sys.exit(code)


def ended(form: str, outcomes: Sequence[Outcome], folder: str) -> tuple[bytes, int]:
    """What commands found, as it is printed, and the exit code."""
    text = written(form, outcomes, folder) + "\n"
    return text.encode(errors="replace"), 1 if any(outcome.failed for outcome in outcomes) else 0


def stop(reason: object) -> NoReturn:
    """Ends a command that could not run."""
    click.echo(f"tailored: {reason}", err=True)
    sys.exit(2)


def moment(context: click.Context, option: click.Parameter, text: str | None) -> datetime | None:
    """The moment that an option names; a date is midnight UTC. Raises click.BadParameter where it is none."""
    from tailored.condition.types import first_moment, parse_date, parse_datetime

    if text is None:
        return None
    value: date | None = parse_date(text) or parse_datetime(text)
    if value is None:
        raise click.BadParameter(f"{text!r} is no ISO 8601 date or time, such as 2026-11-01T08:30:00Z.")
    return first_moment(value)
