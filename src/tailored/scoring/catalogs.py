"""The catalogs of a running application: what is in stock now, and how that is read again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from tailored.book.declarations import Labels
from tailored.book.diagnostics import Diagnostic, Report, sort
from tailored.book.items import ItemReader, no_items
from tailored.book.model import Catalog, RuleBook
from tailored.book.nodes import Flaws
from tailored.scoring.protocol import Candidate
from tailored.scoring.stock import Stock, candidate_of_content, stock_of_items

log = logging.getLogger("tailored.scoring")
log.addHandler(logging.NullHandler())


class Catalogs:
    """The current stock of every catalog of a book. Threads share it; a refresh swaps a stock as a whole."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._labels = Labels(book.topics, book.purposes)
        self._stocks = {
            name: stock_of_items(catalog, book.items.get(name, ())) for name, catalog in book.catalogs.items()
        }
        self.content = {name: candidate_of_content(item) for name, item in book.content.items()}
        self.then: Callable[[], Iterable[Diagnostic]] = tuple
        """What is done after a refresh, and what is found then: some scorers learn from items."""
        self._refreshing = threading.Lock()
        self._due = {
            name: time.monotonic() + catalog.refresh
            for name, catalog in book.catalogs.items()
            if catalog.refresh is not None
        }

    def stock(self, name: str) -> Stock:
        """What a catalog has now. Where its `refresh` is due, a thread reads it again meanwhile."""
        due = self._due.get(name)
        if due is not None and time.monotonic() >= due:
            self._later(name)
        return self._stocks[name]

    def candidates(self, name: str) -> Sequence[Candidate]:
        """The items of a catalog as scorers see them."""
        return self._stocks[name].candidates

    def lookup(self, id_: str) -> Candidate | None:
        """The item of any catalog, or the content, of an id; None where there is none."""
        for stock in self._stocks.values():
            if id_ in stock.by_id:
                return stock.candidates[stock.by_id[id_]]
        return self.content.get(id_)

    def refresh(self, *names: str) -> Report:
        """Reads the sources of catalogs again (of all, unless named), and tells what is wrong with them.

        A catalog with errors, or of which nothing is left, keeps the items that it has. Raises KeyError for
        an unknown name.
        """
        found: list[Diagnostic] = []
        texts: dict[str, str] = {}
        with self._refreshing:
            for catalog in [self._book.catalogs[name] for name in names or self._book.catalogs]:
                if self._book.folder is not None and (catalog.file or catalog.sql):
                    # those written in the book change with the book
                    self._read(catalog, found, texts)
            found += self.then()
        return Report(sort(found), texts)

    def _read(self, catalog: Catalog, found: list[Diagnostic], texts: dict[str, str]) -> None:
        findings: list[Diagnostic] = []
        reader = ItemReader(self._labels, findings, Flaws(), texts)
        items = reader.of_source(catalog, self._book.folder, {})
        if not items and not findings and self._stocks[catalog.id].candidates:
            findings.append(no_items(catalog, "error", "It keeps those that it had until there are some."))
        found += findings
        if findings:
            log.error("catalog %s keeps its items: %s", catalog.id, findings[0].message)
        else:
            self._stocks[catalog.id] = stock_of_items(catalog, items)

    def _later(self, name: str) -> None:
        """Has a thread read a catalog again, one at a time."""
        if self._refreshing.locked():
            return
        self._due[name] = time.monotonic() + (self._book.catalogs[name].refresh or 0)
        threading.Thread(target=self.refresh, args=(name,), name=f"tailored-{name}", daemon=True).start()
