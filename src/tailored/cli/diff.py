"""`tailored diff`: what a change of the rules means, for whom, proven or shown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeAlias

import click

from tailored.book.diagnostics import BookNotReadable
from tailored.book.load import check_book
from tailored.book.model import RuleBook
from tailored.book.revisions import folder_at, fork_of
from tailored.book.source import read_sources
from tailored.cli.formats import end, format_option, moment, stop
from tailored.cli.prove import NO_Z3, is_fit

_Read: TypeAlias = tuple[RuleBook, Mapping[str, str]]
"""A book, and the texts of its files."""


@click.command()
@click.argument("what", nargs=-1, metavar="OLD NEW | REV..REV [-- BOOK] | REV [-- BOOK] | REV:OLD NEW")
@format_option()
@click.option("--requests", "recorded", metavar="FILE", help="Recorded requests, one JSON object a line.")
@click.option("--now", callback=moment, metavar="ISO", help="Show requests at this time, where any will do.")
def diff(what: tuple[str, ...], form: str, recorded: str | None, now: datetime | None) -> None:
    """Compare what two rule books mean: two folders, or one folder at two revisions of git.

    `main..HEAD -- rules` compares two revisions, `main -- rules` a revision with the files as they are, and
    `main:old-folder rules` a folder that has moved since.
    Exits with 0 where nothing changed, 1 where something did (or could not be decided), 2 where it could
    not run.
    """
    with _books(what) as (old, (new, texts), folder):
        try:
            from tailored.proof.difference import both
            from tailored.proof.difference_words import outcome_of
        except ModuleNotFoundError as error:
            if error.name != "z3":
                raise
            stop(NO_Z3)
        pair = both(old, new, now)
        found = pair.difference()
        seen = None
        if recorded is not None:
            from tailored.condition.types import as_text
            from tailored.proof.traffic import traffic

            seen = traffic(_lines(recorded), pair.old, pair.new, as_text(pair.symbols.moment))
        end(form, [outcome_of(found, old, new, texts, seen, failing=True)], folder)


@contextmanager
def _books(what: Sequence[str]) -> Iterator[tuple[RuleBook, _Read, str]]:
    """The two books that the arguments name, the texts of the new one, and its folder."""
    if len(what) == 2 and all(map(os.path.isdir, what)):
        yield _read(what[0], what[0])[0], _read(what[1], what[1]), what[1]
        return
    if len(what) == 2 and any(":" in one for one in what) and all(map(_names_a_book, what)):
        old, new = map(_named, what)
        yield old[0], new, what[1].rpartition(":")[2]
        return
    if any(one.startswith("-") for one in what):
        stop("options such as --format stand before the `--`: tailored diff --format json main -- rules")
    if not 1 <= len(what) <= 2 or (len(what) == 1 and os.path.isdir(what[0])):
        stop("say what to compare: OLD NEW (folders), or a revision such as main..HEAD -- rules")
    revisions, folder = what[0], what[1] if len(what) == 2 else "rules"
    if len(what) == 2 and not os.path.isdir(folder) and ".." not in revisions:
        stop(f"there is no folder {folder}")
    if ".." not in revisions:
        yield _at(revisions, folder)[0], _read(folder, folder), folder
        return
    three = "..." in revisions
    first, last = (one or "HEAD" for one in revisions.split("..." if three else "..", 1))
    try:
        first = fork_of(first, last, folder) if three else first
    except BookNotReadable as error:
        stop(str(error))
    yield _at(first, folder)[0], _at(last, folder), folder


def _names_a_book(given: str) -> bool:
    """Whether this is a folder, or `REV:FOLDER`, as git writes what a revision has."""
    return os.path.isdir(given) or all(given.partition(":"))


def _named(given: str) -> _Read:
    """The book in a folder, or in a folder of a revision."""
    if os.path.isdir(given):
        return _read(given, given)
    revision, _, folder = given.partition(":")
    return _at(revision, folder)


def _at(revision: str, folder: str) -> _Read:
    """The book in a folder at a revision."""
    try:
        with folder_at(revision, folder) as there:
            return _read(there, f"{folder} at {revision}")
    except BookNotReadable as error:
        stop(str(error))


def _read(folder: str, name: str) -> _Read:
    """The book in a folder; the command ends where it has errors."""
    try:
        book, report = check_book(read_sources(folder), None, folder, tests=False)
    except BookNotReadable as error:
        stop(str(error).replace(folder, name))
    if not is_fit(report):
        click.echo(report.to_text(os.path.join(name, "") if name == folder else f"{name}: "), err=True)
        stop(f"{name} has errors, so nothing is sure of what it means")
    return book, report.texts


def _lines(path: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8-sig") as file:
            yield from file
    except OSError as error:
        stop(f"--requests: {path} cannot be read: {error.strerror}")
    except ValueError:
        stop(f"--requests: {path} is not UTF-8")
