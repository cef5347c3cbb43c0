"""The plug-in of pytest that collects the tests of rule books beside those of the code.

Books are named in the configuration, as folders from pytest's root: `tailored_books = ["rules"]`. Nothing of
Tailored but this file is loaded where none is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tailored.book.diagnostics import Span
    from tailored.book.model import RuleTest
    from tailored.engine.engine import Engine

OPTION = "tailored_books"
_ENDINGS = (".yaml", ".yml")


class Failed(Exception):
    """A test of a book failed, or its book has errors; the text is what `tailored test` prints."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option that names the books."""
    about = "folders of rule books whose tests are collected, from the root of the project"
    parser.addini(OPTION, about, type="linelist", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Adds the books to what is collected, where the command line names nothing itself.

    Raises UsageError for a book that is not there: its tests must not be missed in silence.
    """
    _check_there(_books(config))
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        searched = [Path(argument).resolve() for argument in config.args]
        config.args += [
            str(book)
            for book in _books(config)
            if not any(book.resolve().is_relative_to(folder) for folder in searched)
        ]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> BookFile | None:
    """A file of a book, if it is one."""
    if file_path.suffix in _ENDINGS:
        for book in _books(parent.config):
            if file_path.resolve().is_relative_to(book.resolve()):
                collected: BookFile = BookFile.from_parent(parent, path=file_path)
                collected.book = book
                return collected
    return None


def _books(config: pytest.Config) -> list[Path]:
    return [config.rootpath / name for name in config.getini(OPTION)]


def _check_there(books: list[Path]) -> None:
    """Raises UsageError for the first folder that is none, or that holds no rule files."""
    if not books:
        return
    from tailored.book.diagnostics import BookNotReadable
    from tailored.book.source import read_sources
    from tailored.book.suggest import did_you_mean

    for book in books:
        try:
            read_sources(book)
        except BookNotReadable as error:
            beside = book.parent.iterdir() if book.parent.is_dir() else ()
            hint = did_you_mean(book.name, [path.name for path in beside if path.is_dir()])
            raise pytest.UsageError(f"{OPTION}: {error}. {hint}".rstrip()) from None


class BookFile(pytest.File):
    """A file of a rule book; its cases are the tests that stand in it."""

    book: Path

    def collect(self) -> Iterator[Case]:
        """The tests in this file. Raises Failed where the book has errors and this file is part of it."""
        loaded = _loaded(self.config, self.book)
        mine = [test for test in loaded.tests if loaded.file_of(test.span) == self.path]
        loaded.check(self.path, has_tests=bool(mine))
        for test in mine:
            case: Case = Case.from_parent(self, name=test.id)
            case.test, case.loaded = test, loaded
            yield case

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]
        """The findings of the validator, as they are."""
        return str(excinfo.value) if isinstance(excinfo.value, Failed) else str(super().repr_failure(excinfo))


class Case(pytest.Item):
    """One test of a book."""

    test: RuleTest
    loaded: _Loaded

    def runtest(self) -> None:
        """Raises Failed, which tells the difference."""
        from tailored.report.formats import to_text
        from tailored.report.outcome import Outcome
        from tailored.testing.run import run

        (case,) = run(self.loaded.engine, [self.test], self.loaded.now)
        if case.failures:
            outcome = Outcome("test", case.failures, "", texts=self.loaded.texts)
            raise Failed(to_text([outcome], str(self.loaded.folder)).rstrip())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]
        """What was expected, what came out, and why."""
        return str(excinfo.value) if isinstance(excinfo.value, Failed) else str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the test stands."""
        return self.path, self.test.span.line - 1, self.test.id


class _Loaded:
    """A book, read once for all of its files; `now` is the moment of tests that do not say one."""

    engine: Engine
    """There is one for a book without errors only."""

    def __init__(self, folder: Path) -> None:
        from tailored.book.load import check_book
        from tailored.book.source import read_sources
        from tailored.engine.engine import Engine

        self.folder, self.now = folder, datetime.now(UTC)
        book, self._report = check_book(read_sources(folder), self.now, folder)
        self.tests, self.texts = book.tests, self._report.texts
        errors = [one.span for one in self._report.diagnostics if one.severity == "error"]
        self._errors = [span for span in errors if span.path.endswith(_ENDINGS)] or errors
        if not errors:
            self.engine = Engine(book, warm=False)

    def file_of(self, span: Span) -> Path:
        """The file that holds a place of the book."""
        return self.folder.joinpath(*span.path.split("/"))

    def check(self, path: Path, *, has_tests: bool) -> None:
        """Raises Failed where the book has errors: at the first file with one all of what `validate` says.

        Other files with tests say that these do not run, so that none is missed, whatever is collected.
        """
        if not self._errors:
            return
        first = self._errors[0]  # in a rule file, if any is in one: tables of catalogs are not collected
        is_elsewhere = not first.path.endswith(_ENDINGS)
        if path == self.file_of(first) or (has_tests and is_elsewhere):
            raise Failed(self._report.to_text(f"{self.folder}/"))
        if has_tests:
            place = f"{self.folder}/{first}"
            raise Failed(f"tailored: these tests do not run, as the book has errors; the first is at {place}")


_KEPT = pytest.StashKey[dict[Path, _Loaded]]()


def _loaded(config: pytest.Config, folder: Path) -> _Loaded:
    """The book in a folder. Raises Failed where it cannot be read."""
    from tailored.book.diagnostics import BookNotReadable

    kept = config.stash.setdefault(_KEPT, {})
    if folder not in kept:
        try:
            kept[folder] = _Loaded(folder)
        except BookNotReadable as error:
            raise Failed(f"tailored: {error}") from None
    return kept[folder]
