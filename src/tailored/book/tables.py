"""Rows from CSV, Parquet, and queries on SQLite and DuckDB, which are opened to be read only."""

from __future__ import annotations

import csv
import io
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tailored.book.suggest import closest, did_you_mean, listed

LONGEST_QUERY = 30.0
"""Seconds."""
MOST_ROWS = 1_000_000
"""Rows that a query may give."""
Cells = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a source, each with its number: its line in a text, else its place from 1.

    Cells of a text are texts; a row of the wrong length is None. `text` is None where there is none.
    """

    path: str
    columns: tuple[str, ...]
    rows: Iterable[tuple[int, Cells | None]]
    text: str | None = None


class Unusable(Exception):
    """A source that cannot be read: the code of the finding, what is wrong, and the mend."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint

    @classmethod
    def of_file(cls, path: str, folder: str | None, error: OSError) -> Unusable:
        """A file that is not there, or may not be read."""
        if not isinstance(error, FileNotFoundError):
            return cls("unreadable-file", f"`{path}` cannot be read: {error.strerror}.")
        place, name = os.path.split(path)
        try:
            beside = sorted(os.listdir(os.path.join(folder or "", place)))[:1000]
        except OSError:
            beside = []
        near = closest(name, beside)
        begin = "Paths begin at the book's folder." if folder is not None else ""
        hint = f"Did you mean `{os.path.join(place, near)}`?" if near is not None else begin
        return cls("missing-file", f"There is no file `{path}`.", hint)


def read_table(file: str, sql: str, database: str, folder: str | None, content: bytes | None = None) -> Table:
    """The rows of a file, or of a query on a database; paths are relative to `folder`.

    `content` is the file's, where it is at hand already. Raises Unusable.
    """
    path = file or database
    where = Path(folder or "", path)
    if content is None and not where.is_file():
        error = FileNotFoundError() if not where.exists() else IsADirectoryError(21, "it is no file")
        raise Unusable.of_file(path, folder, error)
    try:
        if sql:
            return _of_query(sql, path, where)
        if path.lower().endswith(".parquet"):
            return _of_parquet(path, where, content)
        if path.lower().endswith((".csv", ".tsv", ".txt")):
            return of_csv(path, where.read_bytes() if content is None else content)
    except OSError as error:
        raise Unusable.of_file(path, folder, error) from None
    message = f"`{path}` is of no kind that holds items."
    raise Unusable(
        "unreadable-file", message, "Files end in .yaml, .csv or .parquet; a database needs `sql:`."
    )


def columns_of(path: str, folder: str | None) -> tuple[str, ...]:
    """The columns of a file of rows, of which no row is read. Raises Unusable."""
    where = Path(folder or "", path)
    try:
        if not path.lower().endswith(".parquet"):
            with open(where, "rb") as file:
                return of_csv(path, file.readline()).columns
        return _of_parquet(path, where, None, rows=False).columns
    except OSError as error:
        raise Unusable.of_file(path, folder, error) from None


def interaction_columns(
    path: str, columns: tuple[str, ...], named: Mapping[str, Any]
) -> tuple[str, str, str | None]:
    """Which columns of a table of who chose what hold the person, the item, and the time, if any does.

    `named` may call user, item and timestamp otherwise; only a timestamp that is not named may be missing.
    Raises Unusable.
    """
    user, item, time = (str(named.get(name) or name) for name in ("user", "item", "timestamp"))
    for column in (user, item, *([time] if named.get("timestamp") else [])):
        if column not in columns:
            near = did_you_mean(column, columns) or f"Its columns are {listed(columns, 20)}."
            raise Unusable("missing-column", f"`{path}` has no column `{column}`.", near)
    return user, item, time if time in columns else None


def of_csv(path: str, content: bytes) -> Table:
    """The rows of a text with commas, semicolons or tabs. Raises Unusable."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"`{path}` is not UTF-8: line {line} holds other signs."
        raise Unusable("unreadable-file", message, "Save it as UTF-8.") from None
    if not text.strip():
        raise Unusable("unreadable-file", f"`{path}` is empty.", "Its first line names the columns.")
    first = text.splitlines()[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = tuple(" ".join(name.split()) for name in next(reader))
    except csv.Error as error:
        raise Unusable("unreadable-file", f"`{path}` cannot be read in line 1: {error}.") from None
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if twice is not None:
        message = f"`{path}` has two columns `{twice}`."
        raise Unusable("unreadable-file", message, "Give each its own name in the first line.")
    return Table(path, columns, _csv_rows(path, reader, columns), text)


def _csv_rows(path: str, reader: Any, columns: tuple[str, ...]) -> Iterator[tuple[int, Cells | None]]:
    line = reader.line_num + 1
    try:
        for row in reader:
            if row:
                yield line, dict(zip(columns, row, strict=True)) if len(row) == len(columns) else None
            line = reader.line_num + 1
    except csv.Error as error:
        raise Unusable("unreadable-file", f"`{path}` cannot be read in line {line}: {error}.") from None


def _of_parquet(path: str, where: Path, content: bytes | None, rows: bool = True) -> Table:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise _missing("pyarrow", "Parquet files") from None
    try:
        if not rows:
            return Table(path, tuple(parquet.read_schema(where).names), ())
        table = parquet.read_table(where if content is None else pyarrow.BufferReader(content))
    except (pyarrow.ArrowException, ValueError) as error:
        raise Unusable("unreadable-file", f"`{path}` is no Parquet file: {_line(error)}.") from None
    return Table(path, tuple(table.column_names), enumerate(table.to_pylist(), 1))


def _of_query(sql: str, path: str, where: Path) -> Table:
    with open(where, "rb") as file:
        head = file.read(16)
    if head == b"SQLite format 3\0":
        return _of_sqlite(sql, path, where)
    if head[8:12] != b"DUCK":
        raise Unusable("unreadable-file", f"`{path}` is neither an SQLite nor a DuckDB database.")
    return _of_duckdb(sql, path, where)


def _of_sqlite(sql: str, path: str, where: Path) -> Table:
    import sqlite3

    try:
        connection = sqlite3.connect(f"{where.absolute().as_uri()}?mode=ro", uri=True)
        try:
            connection.setlimit(
                sqlite3.SQLITE_LIMIT_ATTACHED, 0
            )  # to attach a file that is not there makes it
            return _asked(path, connection, sql)
        finally:
            connection.close()
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _refused(path, error) from None


def _of_duckdb(sql: str, path: str, where: Path) -> Table:
    try:
        import duckdb
    except ImportError:
        raise _missing("duckdb", "DuckDB") from None
    try:
        safe: dict[str, Any] = {"enable_external_access": "false", "autoinstall_known_extensions": "false"}
        with duckdb.connect(str(where), read_only=True, config=safe) as connection:
            return _asked(path, connection, sql)
    except duckdb.Error as error:
        raise _refused(path, error) from None


def _asked(path: str, connection: Any, sql: str) -> Table:
    """What a query gives; one that does not come to an end is broken off."""
    late = threading.Event()

    def interrupt() -> None:
        late.set()
        connection.interrupt()

    timer = threading.Timer(LONGEST_QUERY, interrupt)
    timer.daemon = True
    timer.start()
    try:
        cursor = connection.execute(sql)
        rows = cursor.fetchmany(MOST_ROWS + 1)
        description = cursor.description
    except Exception:
        if late.is_set():
            message = f"The query on `{path}` takes longer than {LONGEST_QUERY:g} s."
            raise Unusable("unreadable-file", message, "Have the database keep what it gives.") from None
        raise
    finally:
        timer.cancel()
    if not description:
        raise Unusable("unreadable-file", "The query gives no rows.", "Write `select ...`.")
    if len(rows) > MOST_ROWS:
        message = f"The query on `{path}` gives more than {MOST_ROWS:,} rows."
        raise Unusable("unreadable-file", message, "Select only what may be shown.")
    columns = tuple(str(column[0]) for column in description)
    return Table(path, columns, ((n, dict(zip(columns, row, strict=True))) for n, row in enumerate(rows, 1)))


def _refused(path: str, error: Exception) -> Unusable:
    return Unusable(
        "unreadable-file", f"The query on `{path}` failed: {_line(error)}.", "Try it in the database."
    )


def _missing(library: str, what: str) -> Unusable:
    message = f"{what} need the library {library}, which is not installed."
    return Unusable("missing-extra", message, "Install it with `pip install 'tailored[scoring]'`.")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
