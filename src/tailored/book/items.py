"""The items of a catalog: rows of any source, to typed values and labels."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from tailored.book.constants import parse_constant, read_typed, written
from tailored.book.diagnostics import Diagnostic, Severity, Span, split_lines
from tailored.book.kept import kept
from tailored.book.model import Catalog, CatalogItem
from tailored.book.nodes import UNKNOWN, Flaws, Node, Reader, ScalarNode, SequenceNode, is_null, short
from tailored.book.suggest import did_you_mean, listed, one_slip_away
from tailored.book.tables import Table, Unusable, read_table
from tailored.condition.tree import Attribute, Scalar, Value
from tailored.condition.types import A_VALUE, ELEMENT, EXAMPLE, Type
from tailored.condition.values import TooLarge, WrongType, read_value

if TYPE_CHECKING:
    from tailored.book.declarations import Labels

MOST_FINDINGS = 20
"""Rows of one source that are reported; of the others only their number."""
_SPLIT = re.compile(r"[;|]")


def no_items(catalog: Catalog, severity: Severity, hint: str) -> Diagnostic:
    """The finding about a catalog whose source is there, and holds nothing."""
    why = f"`{catalog.file or 'items'}` holds none"
    if catalog.sql:
        why = f"the query on `{catalog.database}` gives no rows"
    message = f"`{catalog.id}` has no items: {why}."
    return Diagnostic("empty-source", severity, message, hint, catalog.span)


class _Wrong(Exception):
    """A cell does not hold what it should; the text is the mend, or empty."""


@dataclass
class ItemReader:
    """Reads items, and reports what is wrong with their rows."""

    labels: Labels
    report: list[Diagnostic]
    flaws: Flaws
    texts: dict[str, str]
    places: Mapping[str, Span] = field(default_factory=dict)
    """Where the book names the source that is read, by its key: `file`, `sql` or `database`."""

    def of_source(
        self, catalog: Catalog, folder: str | None, data: Mapping[str, bytes]
    ) -> tuple[CatalogItem, ...]:
        """The items of a catalog's file or query, in `data` or in the folder of the book."""
        path = catalog.file or catalog.database
        content = data.get(path)
        try:
            if catalog.file.endswith((".yaml", ".yml")):
                return self._of_yaml(catalog, path, content, folder)
            table = read_table(catalog.file, catalog.sql, catalog.database, folder, content)
            return self._of_table(catalog, table)
        except Unusable as error:  # also in the middle of the rows
            key = "file" if catalog.file else "database" if error.code == "missing-file" else "sql"
            self._tell(self.place(catalog, key), error.code, error.message, error.hint)
            return ()

    def place(self, catalog: Catalog, key: str = "") -> Span:
        """Where the book names the source of a catalog, or else the catalog itself."""
        return self.places.get(key or ("file" if catalog.file else "sql"), catalog.span)

    def _of_yaml(
        self, catalog: Catalog, path: str, content: bytes | None, folder: str | None
    ) -> tuple[CatalogItem, ...]:
        if content is None:
            try:
                with open(os.path.join(folder or "", path), "rb") as file:
                    content = file.read()
            except OSError as error:
                raise Unusable.of_file(path, folder, error) from None
        reader = Reader(path, self.report, self.flaws)
        text, root = reader.compose(content)
        self.texts[path] = text
        return self.of_node(reader, root, catalog) if root is not None else ()

    def of_node(self, reader: Reader, node: Node, catalog: Catalog) -> tuple[CatalogItem, ...]:
        """The items that a mapping from ids, or a list with an id in each, writes."""
        found: dict[str, CatalogItem] = {}
        for key, body in self._bodies(reader, node, catalog):
            if key.value in found:
                message = f"The item `{short(key.value)}` stands here twice."
                reader.error(key, "duplicate-id", message, "Give each its own id, or delete one.")
                continue
            cells = {} if is_null(body) else reader.mapping(body, "An item", "socks: {price: 12.5}") or {}
            self._check_keys(reader, cells, catalog)
            values: dict[str, Value] = {"item.id": key.value}
            for name, column in catalog.columns.items():
                if column in cells and not is_null(cells[column][1]):
                    value = _of_node(reader, cells[column][1], catalog.attributes[name])
                    if value is not None:
                        values[name] = value
            topics, purpose, _ = self.labels.read(
                reader, {name: cells[name] for name in ("topic", "purpose") if name in cells}
            )
            found[key.value] = CatalogItem(key.value, values, topics, purpose)
        return tuple(found.values())

    def _bodies(self, reader: Reader, node: Node, catalog: Catalog) -> Iterable[tuple[ScalarNode, Node]]:
        if not isinstance(node, SequenceNode):
            return (reader.mapping(node, "Items", "items: {socks: {price: 12.5}}") or {}).values()
        found = []
        for body in node.value:
            cells = reader.mapping(body, "An item", f"{{{catalog.id_column}: socks, price: 12.5}}") or {}
            key = cells.get(catalog.id_column, (None, None))[1]
            if isinstance(key, ScalarNode) and not is_null(key):
                found.append((key, body))
            elif cells:
                message = f"This item has no `{catalog.id_column}`."
                reader.error(body, "unreadable-row", message, f"Write `{catalog.id_column}:` and its id.")
        return found

    def _check_keys(self, reader: Reader, cells: Mapping[str, tuple[Node, Node]], catalog: Catalog) -> None:
        known = {*catalog.columns.values(), catalog.id_column, "topic", "purpose"}
        for name, (key, _) in cells.items():
            if name not in known:
                hint = did_you_mean(name, known) or f"Declare it below `attributes` of `{catalog.id}`."
                reader.error(key, "unknown-key", f"An item has no attribute `{short(name)}`.", hint)

    def _of_table(self, catalog: Catalog, table: Table) -> tuple[CatalogItem, ...]:
        if not self._has_columns(catalog, table):
            return ()
        told: list[Diagnostic] = []
        key = (
            table.path,
            catalog.id,
            catalog.id_column,
            *catalog.columns.items(),
            *catalog.attributes.values(),
            *(tuple(names) for names in (self.labels.topics, self.labels.purposes)),
            self.place(catalog),
        )
        try:
            items, told = kept(table.text, key, lambda: (self._of_rows(catalog, table, told), told))
        finally:
            self.report += told
        return items

    def _of_rows(self, catalog: Catalog, table: Table, told: list[Diagnostic]) -> tuple[CatalogItem, ...]:
        rows = _Rows(self, catalog, table, told)
        found: dict[str, CatalogItem] = {}
        first: dict[str, int] = {}
        for number, cells in table.rows:
            if cells is None:
                message = f"This row does not have {len(table.columns)} cells, as the first line has."
                rows.tell(
                    number, "unreadable-row", message, "Put a cell with a comma in it in double quotes."
                )
                continue
            id_ = _as_id(cells.get(catalog.id_column))
            if not id_:
                message = f"This row has no id in `{catalog.id_column}`."
                rows.tell(number, "unreadable-row", message, "Give it one, or take the row out.")
            elif id_ in found:
                message = (
                    f"The item `{short(id_)}` stands here twice; the first is in {rows.name(first[id_])}."
                )
                rows.tell(number, "duplicate-id", message, "Give each its own id, or delete one.")
            else:
                found[id_], first[id_] = rows.item(id_, number, cells), number
        rows.close()
        return tuple(found.values())

    def _has_columns(self, catalog: Catalog, table: Table) -> bool:
        place = Span(table.path, 1, 1, 1, 2) if table.text is not None else self.place(catalog)
        if table.text is not None:
            self.texts[table.path] = table.text
        asked = {"its ids": catalog.id_column}
        asked |= {f"`{key.removeprefix('item.')}`": column for key, column in catalog.columns.items()}
        missing = {what: column for what, column in asked.items() if column not in table.columns}
        for what, column in missing.items():
            hint = did_you_mean(column, table.columns) or f"Its columns are {listed(table.columns, 20)}."
            message = f"`{catalog.id}` has no column `{short(column)}`, which holds {what}."
            self._tell(place, "missing-column", message, hint)
        known = {*asked.values(), "topic", "purpose"}
        slips = {
            column: one
            for column in table.columns
            if column not in known
            for one in ("topic", "purpose")
            if one_slip_away(column, one)
        }
        for column, word in slips.items():
            message = f"The column `{short(column)}` is one slip away from `{word}`, which labels items."
            self._tell(place, "label-slip", message, f"Call it `{word}`, or declare it as an attribute.")
        return not missing and not slips

    def _tell(self, span: Span, code: str, message: str, hint: str) -> None:
        self.report.append(Diagnostic(code, "error", message, hint, span))


class _Rows:
    """The rows of one table: makes items of them, and reports the first few that are wrong."""

    def __init__(self, items: ItemReader, catalog: Catalog, table: Table, told: list[Diagnostic]) -> None:
        self._items, self._catalog, self._table, self._told = items, catalog, table, told
        self._lines = split_lines(table.text) if table.text is not None else []
        self._wrong = 0

    def name(self, number: int) -> str:
        """How a sentence calls a row."""
        return f"line {number}" if self._table.text is not None else f"row {number}"

    def tell(self, number: int, code: str, message: str, hint: str) -> None:
        """Reports what is wrong with a row."""
        self._wrong += 1
        if self._wrong > MOST_FINDINGS:
            return
        if self._table.text is None:
            message = f"Row {number} of `{self._catalog.id}`: {message[0].lower()}{message[1:]}"
            span = self._items.place(self._catalog)
        else:
            line = self._lines[number - 1] if number <= len(self._lines) else ""
            span = Span(self._table.path, number, 1, number, len(line) + 1)
        self._told.append(Diagnostic(code, "error", message, hint, span))

    def close(self) -> None:
        """Reports how many more are wrong."""
        if self._wrong > MOST_FINDINGS:
            message = f"`{self._catalog.id}` has {self._wrong - MOST_FINDINGS} more things like these."
            self._told.append(
                Diagnostic("unreadable-row", "error", message, "", self._items.place(self._catalog))
            )

    def item(self, id_: str, number: int, cells: Mapping[str, object]) -> CatalogItem:
        """The item of a row."""
        catalog = self._catalog
        values: dict[str, Value] = {"item.id": id_}
        for key, column in catalog.columns.items():
            cell = cells[column]
            if cell is None or cell == "" or cell != cell:  # not a number is missing, too
                continue
            attribute = catalog.attributes[key]
            try:
                values[key] = _of_cell(cell, attribute.type)
            except _Wrong as wrong:
                message = f"`{column}` takes {A_VALUE[attribute.type]}, and `{short(str(cell))}` is none."
                self.tell(
                    number, "wrong-type", message, str(wrong) or f"Write it like `{EXAMPLE[attribute.type]}`."
                )
                continue
            odd = [one for one in _several(values[key]) if attribute.values and one not in attribute.values]
            if odd:
                names = [written(known) for known in attribute.values]
                message = f"`{short(written(odd[0]))}` is not one of the values of `{attribute.name}`."
                hint = did_you_mean(written(odd[0]), names) or f"They are {listed(names)}."
                self.tell(number, "unknown-value", message, hint)
        topics = self._labels(number, cells, "topic", self._items.labels.topics)
        purposes = self._labels(number, cells, "purpose", self._items.labels.purposes)
        return CatalogItem(id_, values, topics, purposes[0] if purposes else None)

    def _labels(
        self, number: int, cells: Mapping[str, object], kind: str, known: Mapping[str, object]
    ) -> tuple[str, ...]:
        cell = cells.get(kind)
        names = (
            cell if isinstance(cell, list | tuple) else _SPLIT.split(str(cell)) if cell is not None else []
        )
        found = tuple(name for one in names if (name := str(one).strip()))
        for name in found:
            if name not in known:
                hint = did_you_mean(name, known) or f"They are {listed(known, 20)}."
                self.tell(number, UNKNOWN[kind], f"There is no {kind} `{short(name)}`.", hint)
        return found  # an unknown label stays one: the guard must not open by a slip


def _of_node(reader: Reader, node: Node, attribute: Attribute) -> Value | None:
    """The value that a node writes for an attribute, or None (reported)."""
    single = ELEMENT.get(attribute.type)
    nodes = reader.items(node) if single is not None else [node]
    values = [read_typed(reader, one, single or attribute.type, f"`{attribute.name}`") for one in nodes]
    for one, value in zip(nodes, values, strict=True):
        if value is not None and attribute.values and value not in attribute.values:
            names = [written(known) for known in attribute.values]
            message = f"`{short(written(value))}` is not one of the values of `{attribute.name}`."
            hint = did_you_mean(written(value), names) or f"They are {listed(names)}."
            reader.error(one, "unknown-value", message, hint)
            return None
    known = tuple(value for value in values if value is not None)
    if len(known) < len(values):
        return None
    return known if single is not None else known[0]


def _of_cell(cell: object, type_: Type) -> Value:
    """The value of a cell, which is text (as in CSV) or of a type of its own. Raises _Wrong."""
    element = ELEMENT.get(type_)
    if element is not None:
        return tuple(_single(one, element) for one in _members(cell))
    return _single(cell, type_)


def _members(cell: object) -> list[object]:
    """The elements of a list: of its own type, as JSON, or as text with `;` or `|` between them."""
    if isinstance(cell, list | tuple):
        return list(cell)
    if not isinstance(cell, str):
        return [cell]
    if cell.lstrip().startswith("["):
        try:
            found = json.loads(cell)
        except ValueError:
            raise _Wrong('Write `["a", "b"]`, or `a;b`.') from None
        return list(found)
    return [part.strip() for part in _SPLIT.split(cell) if part.strip()]


def _single(cell: object, type_: Type) -> Scalar:
    if isinstance(cell, str) and type_ is not Type.STRING:
        constant = parse_constant(cell.strip(), type_)
        if constant is None:
            raise _Wrong
        return constant
    if type_ is Type.STRING and isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)  # ids and codes are often kept as numbers
    if type_ is Type.BOOLEAN and cell in (0, 1):
        cell = bool(cell)  # as SQLite keeps them
    if isinstance(cell, Decimal):
        cell = float(cell)
    try:
        value = read_value(cell, type_)
    except (WrongType, TooLarge):
        raise _Wrong from None
    assert not isinstance(value, tuple)
    return value


def _several(value: Value) -> tuple[Scalar, ...]:
    return value if isinstance(value, tuple) else (value,)


def _as_id(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None or isinstance(cell, bool) else str(cell).strip()
