"""Catalogs as a book declares them: the source of their items, and what is known of each."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tailored.book.collect import Entry
from tailored.book.conditions import WORDS
from tailored.book.content import read_field
from tailored.book.declarations import NAME, Body, Labels, read_body, read_text, read_type, read_values
from tailored.book.items import ItemReader, no_items
from tailored.book.model import Catalog, CatalogItem, Json
from tailored.book.nodes import Flaws, MappingNode, Node, Reader, ScalarNode, is_null, short
from tailored.book.sections import CATALOG, ITEM_ATTRIBUTE
from tailored.book.suggest import listed
from tailored.condition.tree import Attribute
from tailored.condition.types import Type, parse_duration

ITEM_ID = Attribute("item", "id", Type.STRING, description="The item's id")
"""What every item has."""
LABELS = ("topic", "purpose")
"""The columns that label an item, in every catalog."""
_SOURCES = ("file", "sql", "items")


@dataclass
class CatalogReader:
    """Reads catalogs, and keeps what is known of the items of any."""

    labels: Labels
    request: Mapping[str, Attribute]
    """What the templates of fields may read beside the item."""
    folder: str | None = None
    attributes: dict[str, Attribute] = field(default_factory=lambda: {ITEM_ID.key: ITEM_ID})
    items: dict[str, tuple[CatalogItem, ...]] = field(default_factory=dict)

    def read(self, entry: Entry, data: Mapping[str, bytes], texts: dict[str, str]) -> Catalog | None:
        """The catalog that an entry writes, its items read; None where it has no body.

        `data` are the files that are at hand already; `texts` takes in those that findings point into.
        """
        reader, name = entry.reader, entry.id
        before = len(reader.report)
        example = f"{name}: {{file: {name}.csv, attributes: {{price: {{type: number}}}}}}"
        body = read_body(entry, CATALOG, "A catalog", example)
        if not body:
            reader.flaws.broken.add(("catalog", name))
            return None
        attributes, columns = self._attributes(reader, body)
        topics, purpose, not_about = self.labels.read(reader, body)
        self._check_source(entry, body)
        catalog = Catalog(
            name,
            {ITEM_ID.key: ITEM_ID} | attributes,
            columns,
            reader.span(entry.key),
            read_text(reader, body, "id") or "id",
            read_text(reader, body, "file"),
            read_text(reader, body, "sql"),
            read_text(reader, body, "database"),
            (),
            self._fields(reader, body, attributes),
            read_text(reader, body, "format") != "text",
            _refresh(reader, body),
            topics,
            purpose,
            not_about,
            read_text(reader, body, "description"),
            read_text(reader, body, "owner"),
        )
        for key, attribute in attributes.items():
            self.attributes.setdefault(key, attribute)
        places = {key: reader.span(body[key][1]) for key in ("file", "sql", "database") if key in body}
        items = ItemReader(self.labels, reader.report, reader.flaws, texts, places)
        if "items" in body:
            catalog = replace(catalog, items=items.of_node(reader, body["items"][1], catalog))
            self.items[name] = catalog.items
        elif len(reader.report) == before and (self.folder is not None or catalog.file in data):
            self.items[name] = items.of_source(catalog, self.folder, data)
        if self.items.get(name) == () and len(reader.report) == before:
            mend = "Nothing of it can be shown until it has some."
            reader.report.append(no_items(catalog, "warning", mend))
        return catalog

    def _attributes(self, reader: Reader, body: Body) -> tuple[dict[str, Attribute], dict[str, str]]:
        found, columns = {}, {}
        example = "attributes: {price: {type: number}}"
        entries = (
            reader.mapping(body["attributes"][1], "`attributes`", example) if "attributes" in body else {}
        )
        for name, (key, node) in (entries or {}).items():
            if not NAME.fullmatch(name) or name in (*WORDS, "id", *LABELS):
                message = f"`{short(name)}` cannot be the name of an attribute of items."
                mend = (
                    "Every item has `id`, and may have `topic` and `purpose`."
                    if name in ("id", *LABELS)
                    else (
                        "Names are letters, digits and `_`, begin with a letter, and are no words of the "
                        "language. If the column is called so, give it another name and say `column:`."
                    )
                )
                reader.error(key, "bad-name", message, mend)
                continue
            spec = Entry(name, reader, key, node)
            inner = read_body(spec, ITEM_ATTRIBUTE, "An attribute of items", f"{name}: {{type: string}}")
            type_ = read_type(spec, inner, ITEM_ATTRIBUTE)
            if type_ is None:
                continue
            attribute = Attribute(
                "item",
                name,
                type_,
                read_values(reader, inner, type_, name),
                description=read_text(reader, inner, "description"),
            )
            found[attribute.key] = attribute
            columns[attribute.key] = read_text(reader, inner, "column") or name
        return found, columns

    def _check_source(self, entry: Entry, body: Body) -> None:
        reader = entry.reader
        given = [name for name in _SOURCES if name in body]
        if not given:
            message = f"`{entry.id}` does not say where its items are."
            mend = "Write `file:` and a .yaml, .csv or .parquet file, `sql:` with `database:`, or `items:`."
            reader.error(entry.key, "missing-key", message, mend)
        for name in given[1:]:
            message = f"`{entry.id}` has both `{given[0]}` and `{name}`."
            reader.error(body[name][0], "unknown-key", message, "A catalog has one source: take one out.")
        for one, other in (("sql", "database"), ("database", "sql")):
            if one in body and other not in body:
                message = f"`{entry.id}` has `{one}`, and no `{other}`."
                mend = "`sql` is the query, `database` the file that it asks."
                reader.error(body[one][0], "missing-key", message, mend)

    def _fields(self, reader: Reader, body: Body, attributes: Mapping[str, Attribute]) -> dict[str, Json]:
        if "fields" not in body:
            return {}
        known = {**attributes, ITEM_ID.key: ITEM_ID, **self.request}
        entries = reader.mapping(body["fields"][1], "`fields`", 'fields: {title: "{{ item.name }}"}') or {}
        form = read_text(reader, body, "format") or "html"
        if form not in ("html", "text"):
            message = f"There is no format `{short(form)}`."
            reader.error(body["format"][1], "unknown-value", message, "Write `html` or `text`.")
        return {key: read_field(reader, node, known) for key, (_, node) in entries.items()}


def attribute_of_items(
    reader: Reader, node: Node, name: str, known: Mapping[str, Attribute]
) -> Attribute | None:
    """The attribute of items that a name means, `price` or `item.price`, or None (reported)."""
    key = name if name.startswith("item.") else f"item.{name}"
    if key in known:
        return known[key]
    every = [attribute.name for attribute in known.values()]
    offer = f"Items have {listed(every, 20)}."
    reader.unknown(node, "attribute", name, [*every, *known] if name.startswith("item.") else every, offer)
    return None


def catalog_files(sources: Mapping[str, bytes]) -> set[str]:
    """The files among these that are sources of catalogs, and no files of rules."""
    found = set()
    for path, content in sources.items():
        if b"catalogs" not in content:
            continue
        reader = Reader(path, [], Flaws())
        for body in _values(reader, _value(reader, reader.compose(content)[1], "catalogs")):
            name = _value(reader, body, "file")
            if isinstance(name, ScalarNode) and not is_null(name):
                found.add(posixpath.normpath(name.value))
    return found & sources.keys()


def _value(reader: Reader, node: Node | None, key: str) -> Node | None:
    entries = reader.entries(node) if isinstance(node, MappingNode) else {}
    return entries[key][1] if key in entries else None


def _values(reader: Reader, node: Node | None) -> list[Node]:
    entries = reader.entries(node) if isinstance(node, MappingNode) else {}
    return [value for _, value in entries.values()]


def _refresh(reader: Reader, body: Body) -> float | None:
    if "refresh" not in body:
        return None
    text = reader.text(body["refresh"][1], "`refresh`")
    duration = parse_duration(text) if text is not None else None
    if text is not None and duration is None:
        message = f"`refresh` takes a span of time, and `{short(text)}` is none."
        mend = "Write a number of minutes, hours, days or weeks, such as `10 minutes`."
        reader.error(body["refresh"][1], "wrong-time", message, mend)
    return duration.length.total_seconds() if duration is not None else None
