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
    """Adds the books to what is collected, where the command line names nothing itself."""
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


class BookFile(pytest.File):
    """A file of a rule book; its cases are the tests that stand in it."""

    book: Path

    def collect(self) -> Iterator[Case]:
        """The tests in this file. Raises Failed where the book has errors."""
        loaded = _loaded(self.config, self.book)
        if loaded is None:
            return
        for test in loaded.tests:
            if self.book.joinpath(*test.span.path.split("/")) == self.path:
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

    def __init__(self, folder: Path) -> None:
        from tailored.book.diagnostics import BookNotReadable
        from tailored.book.load import check_book
        from tailored.book.source import read_sources
        from tailored.engine.engine import Engine

        self.folder, self.now = folder, datetime.now(UTC)
        try:
            book, report = check_book(read_sources(folder), self.now, folder)
        except BookNotReadable as error:
            raise Failed(f"tailored: {error}") from None
        if report.errors:
            raise Failed(report.to_text(f"{folder}/"))
        self.tests, self.texts = book.tests, report.texts
        self.engine: Engine = Engine(book)


_KEPT = pytest.StashKey[dict[Path, _Loaded | None]]()


def _loaded(config: pytest.Config, folder: Path) -> _Loaded | None:
    """The book in a folder. With errors in it, raises Failed for the first of its files; None for others."""
    kept = config.stash.setdefault(_KEPT, {})
    if folder not in kept:
        kept[folder] = None
        kept[folder] = _Loaded(folder)
    return kept[folder]
