"""What `train` and `evaluate-scorer` share: a book, a scorer of it, a table of interactions, and a bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from tailored.book.model import RuleBook
from tailored.book.suggest import did_you_mean, listed
from tailored.book.tables import Unusable
from tailored.cli.requests import stop

if TYPE_CHECKING:
    from tailored.scoring.models.interactions import Interactions

TOLD = 3
"""Rows that cannot be used of which each is told; of the rest, the number."""


def counted(number: int, one: str, many: str = "") -> str:
    """`1 person`, `1,682 items`: a number of things in words."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def known_scorer(book: RuleBook, name: str) -> None:
    """Ends the command where a book has no such scorer."""
    if name not in book.scorers:
        has = f"scorers are {listed(book.scorers)}." if book.scorers else "the book declares none."
        stop(f"there is no scorer `{name}`: {did_you_mean(name, book.scorers) or has}")


def read(path: str, folder: str | None, columns: dict[str, Any]) -> Interactions:
    """The table; says on standard error which rows were left out, and ends where it cannot be used."""
    with needed():
        from tailored.scoring.models.interactions import read_interactions
    try:
        data = read_interactions(path, folder, columns)
    except Unusable as error:
        stop(f"{error.message} {error.hint}".strip())
    for row, why in data.unusable[:TOLD]:
        click.echo(f"tailored: row {row} of {path} was left out: {why}.", err=True)
    if len(data.unusable) > TOLD:
        more = len(data.unusable) - TOLD
        said = "one more row was" if more == 1 else f"{more:,} more rows were"
        click.echo(f"tailored: {said} left out.", err=True)
    return data


@contextmanager
def needed() -> Iterator[None]:
    """Ends the command where a library of the extra is not installed."""
    try:
        yield
    except ImportError as error:
        stop(f"this needs the library {error.name}: install it with `pip install 'tailored[scoring]'`")


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, and nothing elsewhere. It is told the steps done and the steps there are."""
    if not sys.stderr.isatty():
        yield lambda done, steps: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def tell(done: int, steps: int) -> None:
            bar.length = steps
            bar.update(done - bar.pos)

        yield tell
