"""`tailored ci`: everything that can be checked of a change of rules, in one run with one summary."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from tailored.book.diagnostics import BookNotReadable, Report
from tailored.book.load import check_book
from tailored.book.model import RuleBook
from tailored.book.revisions import NotThere, folder_at
from tailored.book.source import read_sources
from tailored.cli.formats import format_option, moment, stop
from tailored.report.formats import FORMATS, written
from tailored.report.outcome import Outcome, of_report
from tailored.scoring.registry import why_not_ready
from tailored.testing.outcome import outcome_of as test_outcome_of

NO_Z3 = "Not run: this needs Z3, which is not installed: pip install 'tailored[proof]'."
ERRORS_FIRST = "Not run, as the book has errors."
ASKED_TO_SKIP = "Not run, as it was asked to be skipped."


class _NotRun(Exception):
    """A check could not run; the text says why."""


@dataclass(frozen=True, slots=True)
class _Book:
    """What the checks are given."""

    folder: str
    found: RuleBook
    report: Report
    base: str | None
    now: datetime
    shown: datetime | None
    """The moment that witnesses are to be at, where any will do; without one, the beginning of today."""
    strict: bool
    min_coverage: float | None


@click.command()
@click.argument("book", default="rules", type=click.Path())
@click.option("--base", metavar="REV", help="Compare the book with this revision: a branch, a tag, a commit.")
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Fail where the tests have tried less than this.",
)
@click.option("--now", callback=moment, metavar="ISO", help="The moment of all checks, not the clock's.")
@click.option(
    "--skip",
    multiple=True,
    type=click.Choice(["validate", "test", "prove", "diff"]),
    help="Leave a check out; may be repeated.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT=FILE",
    help="Also write the summary to a file, such as sarif=tailored.sarif; may be repeated.",
)
@format_option()
def ci(
    book: str,
    base: str | None,
    strict: bool,
    min_coverage: float | None,
    now: datetime | None,
    skip: tuple[str, ...],
    outputs: tuple[str, ...],
    form: str,
) -> None:
    """Validate, test and prove the rule book in the folder BOOK (rules, unless named), and tell what changed.

    Prints one summary, and appends it as Markdown to the file that GITHUB_STEP_SUMMARY names, if it does.
    A change of meaning is told, and is no failure. Exits with 1 where a check fails, with 2 where one cannot
    run.
    """
    if set(skip) == _CHECKS.keys():
        stop("--skip leaves nothing to run; leave one of the checks in")
    files = [_output(one) for one in outputs]
    moment_ = now or datetime.now(UTC)
    try:
        found, report = check_book(read_sources(book), moment_, book, try_model=why_not_ready)
    except BookNotReadable as error:
        stop(error)
    given = _Book(book, found, report, base, moment_, now, strict, min_coverage)
    outcomes, problems = _run(given, skip)
    click.echo(written(form, outcomes, book).encode(errors="replace"))
    try:
        for other, file in files:
            Path(file).write_text(written(other, outcomes, book) + "\n", encoding="utf-8", errors="replace")
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with open(summary, "a", encoding="utf-8", errors="replace") as end:
                end.write(written("markdown", outcomes, book) + "\n")
    except OSError as error:
        problems.append(f"{error.filename} cannot be written: {error.strerror}")
    for problem in problems:
        click.echo(f"tailored: {problem}", err=True)
    sys.exit(2 if problems else 1 if any(outcome.failed for outcome in outcomes) else 0)


def _output(given: str) -> tuple[str, str]:
    form, equals, file = given.partition("=")
    if form not in FORMATS or not equals or not file:
        stop(f"--output: {given} is not FORMAT=FILE with a format of {', '.join(FORMATS)}")
    return form, file


def _run(given: _Book, skip: Sequence[str]) -> tuple[list[Outcome], list[str]]:
    """The outcomes of all checks, in order, and why those that could not run did not."""
    outcomes, problems = [], []
    for name, check in _CHECKS.items():
        if name in skip:
            outcomes.append(_not_run(name, ASKED_TO_SKIP))
        elif name != "validate" and given.report.errors:
            outcomes.append(_not_run(name, ERRORS_FIRST))
        else:
            try:
                outcomes.append(check(given))
            except _NotRun as reason:
                outcomes.append(replace(_not_run(name, str(reason)), failing=True))
                problems.append(f"{name}: {str(reason).removeprefix('Not run: ')}")
    return outcomes, problems


def _not_run(name: str, reason: str) -> Outcome:
    return Outcome(name, (), reason, data={"not_run": reason}, ran=False)


def _validate(given: _Book) -> Outcome:
    outcome = of_report("validate", given.report.strict() if given.strict else given.report)
    return replace(outcome, options="--strict" if given.strict else "")


def _test(given: _Book) -> Outcome:
    outcome = test_outcome_of(given.found, given.report.texts, given.now, None, given.min_coverage)
    wanted = given.min_coverage
    return replace(outcome, options="" if wanted is None else f"--min-coverage {wanted:g}")


def _prove(given: _Book) -> Outcome:
    try:
        from tailored.proof.prove import outcome_of, prove
    except ModuleNotFoundError as error:
        raise _no_z3(error) from None
    outcome = outcome_of(prove(given.found, now=given.shown), given.report, given.strict)
    return replace(outcome, options="--strict" if given.strict else "")


def _diff(given: _Book) -> Outcome:
    if given.base is None:
        return _not_run("diff", "Not run, as no --base says what to compare with.")
    try:
        with folder_at(given.base, given.folder) as folder:
            base, report = check_book(read_sources(folder), given.now, folder, tests=False)
    except NotThere as error:
        return _not_run("diff", f"Everything is new: {error}.")
    except BookNotReadable as error:
        raise _NotRun(f"Not run: {error}.") from None
    if report.errors:
        return _not_run("diff", f"Not run, as the book has errors in the revision {given.base}.")
    try:
        from tailored.proof.difference import difference
        from tailored.proof.difference_words import outcome_of
    except ModuleNotFoundError as error:
        raise _no_z3(error) from None
    found = difference(base, given.found, given.shown)
    # what a change means is for a reviewer to judge: the summary tells it, and nothing fails
    return outcome_of(found, base, given.found, given.report.texts)


def _no_z3(error: ModuleNotFoundError) -> _NotRun:
    if error.name != "z3":
        raise error
    return _NotRun(NO_Z3)


_CHECKS: dict[str, Callable[[_Book], Outcome]] = {
    "validate": _validate,
    "test": _test,
    "prove": _prove,
    "diff": _diff,
}
"""The checks, in the order in which they run."""
