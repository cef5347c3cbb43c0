"""Tests: requests, alone or in tables, and what must come out of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import product
from typing import Any

from tailored.book.collect import Entry
from tailored.book.conditions import Names, find_attribute
from tailored.book.consent import flags_of
from tailored.book.constants import read_typed, written
from tailored.book.declarations import Body, read_body, read_names, read_text
from tailored.book.expectations import ExpectationReader
from tailored.book.includes import Included, Includes
from tailored.book.kept import kept
from tailored.book.model import Expectation, RuleBook, RuleTest
from tailored.book.nodes import MappingNode, Node, Reader, ScalarNode, SequenceNode, is_null, kind_of, short
from tailored.book.sections import TEST
from tailored.book.suggest import listed
from tailored.condition.tree import Attribute, Scalar
from tailored.condition.types import ELEMENT, Type, as_text, first_moment, parse_date, parse_datetime

MOST_ROWS = 10_000
"""How many tests one table may make."""

_WORDS = ("now", "consents", "request")
"""The columns of a table that are neither attributes nor slots nor settings."""
_EXPECT = "expect."


@dataclass(slots=True)
class _Draft:
    """What one test, or one row of its table, says."""

    values: dict[str, Any] = field(default_factory=dict)
    """JSON data by the whole names of attributes."""
    consents: dict[str, bool] = field(default_factory=dict)
    are_all: bool = False
    """Whether these are all consents, as a list says, and not some on top of others."""
    now: datetime | None = None
    included: Included | None = None
    expect: dict[tuple[str, str], Expectation] = field(default_factory=dict)

    def beneath(self, row: _Draft) -> _Draft:
        """What a row says on top of this."""
        return _Draft(
            self.values | row.values,
            row.consents if row.are_all else self.consents | row.consents,
            row.are_all or self.are_all,
            row.now or self.now,
            row.included or self.included,
            self.expect | row.expect,
        )


def read_tests(
    entries: Mapping[str, Entry],
    rules: Mapping[str, object],
    book: RuleBook,
    names: Names,
    folder: str | os.PathLike[str] | None,
) -> tuple[RuleTest, ...]:
    """The tests of a book, one for each row of a table. `rules` are all that it writes, by their ids."""
    reader = _TestReader(book, names, ExpectationReader(book, rules), Includes(folder))
    around = _around(book, rules) if entries else None
    around = kept("", around, lambda: around)  # the one of the check before, if they are equal
    return tuple(test for entry in entries.values() for test in reader.tests(entry, around))


@dataclass(frozen=True, slots=True)
class _Around:
    """All of a book that tests are held against. When rules fire and what is said does not matter to them."""

    declared: tuple[Mapping[str, object], ...]
    content: list[tuple[str, ...]]
    """The id and the fields of each."""
    rules: list[tuple[object, ...]]
    """The id of each, the slots and settings of its actions, and the catalogs it ranks."""
    written: list[str]

    def __hash__(self) -> int:
        return len(self.rules)  # mappings have no hash


def _around(book: RuleBook, written: Iterable[str]) -> _Around:
    return _Around(
        (book.attributes, book.topics, book.purposes, book.slots, book.settings, book.catalogs, book.items),
        [(one.id, *one.fields) for one in book.content.values()],
        [
            (
                rule.id,
                *(tuple(targets) for targets in (rule.show, rule.hide, rule.order, rule.set)),
                *((slot, ranking.catalog) for slot, ranking in rule.rank.items()),
            )
            for rule in book.rules
        ],
        list(written),
    )


@dataclass(frozen=True, slots=True)
class _TestReader:
    """Reads tests against everything else in the book."""

    book: RuleBook
    names: Names
    expectations: ExpectationReader
    includes: Includes

    def tests(self, entry: Entry, around: _Around | None) -> tuple[RuleTest, ...]:
        """The tests that an entry writes. Those without findings are kept, as long as the book around is."""
        reader = entry.reader
        if reader.flaws.broken or reader.flaws.unread:  # then some things are passed over in silence
            return tuple(self.read(entry))
        read: list[tuple[RuleTest, ...]] = []

        def make() -> tuple[RuleTest, ...] | None:
            before = len(reader.report)
            read.append(tuple(self.read(entry)))
            # a file with a request may change by itself
            is_whole = len(reader.report) == before and not any(test.file for test in read[0])
            return read[0] if is_whole else None

        found = kept(reader.source, (reader.path, entry.id, around), make)
        if found is None:
            return read[0] if read else tuple(self.read(entry))
        return found

    def read(self, entry: Entry) -> Iterator[RuleTest]:
        """The tests that an entry writes. What is wrong is reported, and left out of them."""
        reader, name = entry.reader, entry.id
        before = len(reader.report)
        example = f"{name}: {{context: {{page: home}}, expect: {{hero: socks}}}}"
        body = read_body(entry, TEST, "A test", example)
        base = self._draft(reader, body)
        read_text(reader, body, "description")
        if "each" not in body:
            self._check_expects(entry, base, before, entry.key)
            yield self._test(entry, name, base, entry.key)
            return
        taken: dict[str, int] = {}
        for label, place, row in self._rows(reader, body["each"][1]):
            whole = base.beneath(row)
            self._check_expects(entry, whole, before, place)
            taken[label] = taken.get(label, 0) + 1
            again = f" #{taken[label]}" if taken[label] > 1 else ""
            yield self._test(entry, f"{name}[{label}{again}]", whole, place)

    def _check_expects(self, entry: Entry, draft: _Draft, before: int, place: Node) -> None:
        if not draft.expect and len(entry.reader.report) == before:
            mend = "Say what must come out: `expect: {hero: some-content}`."
            said = f"`{entry.id}` expects nothing: it has no `expect`."
            if place is not entry.key:
                said = f"This expects nothing, nor does the rest of `{entry.id}`."
            entry.reader.error(place, "missing-key", said, mend)
        self.expectations.check(entry.reader, draft.expect.values())

    def _test(self, entry: Entry, name: str, draft: _Draft, place: Node) -> RuleTest:
        included = draft.included or Included()
        sides: dict[str, dict[str, Any]] = {"user": dict(included.user), "context": dict(included.context)}
        for key, value in draft.values.items():
            attribute = self.book.attributes[key]
            _put(sides[attribute.side], attribute.path or (attribute.name,), value)
        given = sides["user"].get("consents")
        if draft.are_all and given is not None:
            sides["user"]["consents"] = given = {}
        if draft.consents:
            sides["user"]["consents"] = {**(given if isinstance(given, dict) else {}), **draft.consents}
        now = draft.now
        if now is None and included.now is not None:
            now = first_moment(parse_date(included.now) or parse_datetime(included.now) or date.max)
        return RuleTest(
            name,
            entry.id,
            sides["user"],
            sides["context"],
            now,
            tuple(draft.expect.values()),
            entry.reader.span(place),
            included.path,
        )

    def _draft(self, reader: Reader, body: Body) -> _Draft:
        draft = _Draft()
        for side in ("user", "context"):
            if side in body:
                self._side(reader, side, body[side][1], draft)
        for word in _WORDS:
            if word in body:
                self._word(reader, word, body[word][1], draft)
        if "expect" in body:
            node = body["expect"][1]
            expected = reader.mapping(node, "`expect`", "expect: {hero: some-content}") or {}
            if isinstance(node, MappingNode) and not node.value:
                reader.error(
                    node, "empty-list", "`expect` is empty.", "Write `expect: {hero: some-content}`."
                )
            for target, (key, value) in expected.items():
                self._expect(reader, target, key, value, draft)
        return draft

    def _expect(self, reader: Reader, target: str, key: Node, node: Node, draft: _Draft) -> None:
        for one in self.expectations.read(reader, target, key, node):
            draft.expect[target, one.piece] = one

    def _side(self, reader: Reader, side: str, node: Node, draft: _Draft) -> None:
        example = f"{side}: {{{'country: NO' if side == 'user' else 'page: home'}}}"
        for name, (key, value) in (reader.mapping(node, f"`{side}`", example) or {}).items():
            if (side, name) == ("user", "consents"):
                self._consents(reader, value, draft)
                continue
            attribute = self.book.attributes.get(f"{side}.{name}")
            if attribute is not None:
                self._value(reader, attribute, value, draft)
                continue
            mine = [one.name for one in self.book.attributes.values() if one.side == side]
            other = "context" if side == "user" else "user"
            hint = f"`{name}` is of `{other}`." if f"{other}.{name}" in self.book.attributes else ""
            inside = [
                one for one in self.book.attributes.values() if one.side == side and one.path[:1] == (name,)
            ]
            if inside:
                hint = f"Write `{inside[0].name}`, which is read from `{'.'.join(inside[0].path)}`."
            reader.unknown(key, "attribute", name, [] if hint else mine, hint)

    def _value(self, reader: Reader, attribute: Attribute, node: Node, draft: _Draft) -> None:
        """Takes the JSON data that a node writes for an attribute; null makes it missing."""
        if is_null(node):
            draft.values[attribute.key] = None
            return
        single = ELEMENT.get(attribute.type)
        if single is None:
            value = self._scalar(reader, attribute, attribute.type, node)
        elif isinstance(node, SequenceNode):
            read = [self._scalar(reader, attribute, single, item) for item in node.value]
            value = None if None in read else read
        else:
            mend = f"Write `{attribute.name}: [{short(node.value)}]`." if isinstance(node, ScalarNode) else ""
            message = f"`{attribute.name}` takes a list, not {kind_of(node)}."
            reader.error(node, "wrong-type", message, mend)
            value = None
        if value is not None:
            draft.values[attribute.key] = value

    def _scalar(self, reader: Reader, attribute: Attribute, type_: Type, node: Node) -> Any:
        value = read_typed(reader, node, type_, f"`{attribute.name}`", whole_days=True)
        if value is None:
            return None
        purposes = attribute.key == "user.opt_outs"
        if purposes and value not in self.book.purposes:
            reader.unknown(node, "purpose", str(value), self.book.purposes)
        if attribute.values and value not in attribute.values:
            self._unlisted(reader, attribute, node, value)
        return _json(value, type_)

    def _unlisted(self, reader: Reader, attribute: Attribute, node: Node, value: Scalar) -> None:
        """Reports a value that an attribute does not list: a slip is an error, anything else may be meant."""
        names, shown = [written(known) for known in attribute.values], short(written(value))
        message = f"`{shown}` is not one of the values of `{attribute.name}`. They are {listed(names)}."
        if mend := reader.did_you_mean(shown, names):
            reader.error(node, "unknown-value", message, mend)
        else:
            reader.warn(
                node, "unlisted-value", message, "If that is meant, a file named by `request` may hold it."
            )

    def _word(self, reader: Reader, word: str, node: Node, draft: _Draft) -> None:
        if word == "consents":
            self._consents(reader, node, draft)
        elif word == "request" and isinstance(node, MappingNode):
            message = "`request` names a file, and does not hold the request itself."
            mend = "Write `user: {...}` and `context: {...}` in the test, without `request`."
            reader.error(node, "wrong-kind", message, mend)
        elif word == "request":
            draft.included = self.includes.read(reader, node)
        else:
            value = read_typed(reader, node, Type.DATETIME, "`now`", whole_days=True)
            if isinstance(value, date):
                draft.now = first_moment(value)

    def _consents(self, reader: Reader, node: Node, draft: _Draft) -> None:
        if isinstance(node, MappingNode):
            for flag, (key, value) in (reader.entries(node) if reader.untagged(node) else {}).items():
                given = reader.flag(value, f"Consent to `{short(flag)}`")
                if self._is_flag(reader, flag, key) and given is not None:
                    draft.consents[flag] = given
            return
        draft.are_all = True
        if not (isinstance(node, SequenceNode) and not node.value):
            for flag, item in read_names(reader, node, "`consents`"):
                if self._is_flag(reader, flag, item):
                    draft.consents[flag] = True

    def _is_flag(self, reader: Reader, flag: str, node: Node) -> bool:
        flags = flags_of(self.book.topics)
        if flag in flags:
            return True
        topic = self.book.topics.get(flag)
        near = reader.closest(flag, flags)
        if topic is not None:
            hint = (
                f"`{flag}` is opened by `{topic.consent}`." if topic.consent else "Nobody can consent to it."
            )
        else:
            hint = f"Did you mean `{near}`?" if near is not None else f"Flags are {listed(flags, 20)}."
        if not reader.is_excused("topic", flag, near is not None):
            message = f"No sensitive topic asks for the consent flag `{short(flag)}`."
            reader.error(node, "unknown-flag", message, hint)
        return False

    def _rows(self, reader: Reader, node: Node) -> Iterator[tuple[str, Node, _Draft]]:
        """The rows of a table: a label, a place, and what each says."""
        if isinstance(node, MappingNode):
            yield from self._combinations(reader, node)
            return
        if not isinstance(node, SequenceNode) or not reader.untagged(node):
            mend = "Write `each: [{country: NO}, {country: SE}]`, or `each: {country: [NO, SE]}`."
            message = f"`each` takes a list of rows, or columns with lists, not {kind_of(node)}."
            reader.error(node, "wrong-kind", message, mend)
            return
        if not node.value:
            reader.error(node, "empty-list", "`each` has no rows.", "Write `each: [{country: NO}]`.")
        if self._too_many(reader, node, len(node.value)):
            return
        for number, item in enumerate(node.value, 1):
            cells = reader.mapping(item, "A row of `each`", "{country: NO}")
            if cells is None:
                continue
            draft, labels = _Draft(), []
            for name, (key, value) in cells.items():
                column = self._column(reader, name, key)
                if column is not None:
                    self._cell(reader, column, key, value, draft)
                    labels += [] if column.startswith(_EXPECT) else [_label(value)]
            yield ", ".join(labels) or f"row {number}", item, draft

    def _combinations(self, reader: Reader, node: MappingNode) -> Iterator[tuple[str, Node, _Draft]]:
        columns: list[list[tuple[str, _Draft]]] = []
        entries = reader.entries(node) if reader.untagged(node) else {}
        if not node.value:
            reader.error(node, "empty-list", "`each` has no columns.", "Write `each: {country: [NO, SE]}`.")
        size = 1
        for name, (key, value) in entries.items():
            column = self._column(reader, name, key)
            if isinstance(value, SequenceNode) and not value.value:
                message = f"`{short(name)}` has an empty list."
                reader.error(value, "empty-list", message, "Name at least one value, or take it out.")
            elif not isinstance(value, SequenceNode):
                message = f"`{short(name)}` takes a list here, one value for each test, not {kind_of(value)}."
                reader.error(value, "wrong-kind", message, f"Write `each: {{{short(name)}: [...]}}`.")
            elif column is not None:
                cells = []
                for item in value.value:
                    draft = _Draft()
                    self._cell(reader, column, key, item, draft)
                    cells.append((_label(item), draft))
                columns.append(cells)
                size *= len(cells)
        if not columns or self._too_many(reader, node, size):
            return
        for cells_ in product(*columns):
            whole = _Draft()
            for _, draft in cells_:
                whole = whole.beneath(draft)
            yield ", ".join(label for label, _ in cells_), node, whole

    def _too_many(self, reader: Reader, node: Node, size: int) -> bool:
        if size > MOST_ROWS:
            message = f"This table makes {size:,} tests, and {MOST_ROWS:,} are the most."
            reader.error(node, "too-many-items", message, "Leave values out, or make several tests of it.")
        return size > MOST_ROWS

    def _column(self, reader: Reader, name: str, key: Node) -> str | None:
        """What a column is: one of the words, an attribute's whole name, or `expect.` and a target."""
        if name in _WORDS:
            return name
        if name.startswith(_EXPECT):
            return name if self._is_target(reader, name.removeprefix(_EXPECT), key) else None
        is_target = self.expectations.kind(name) is not None
        if name in self.names.attributes or name in self.names.short:
            if is_target:
                keys = self.names.short.get(name, [name])
                message = f"The book has an attribute and a slot or a setting `{name}`."
                mend = f"Write `{keys[0]}`, or `{_EXPECT}{name}`."
                reader.error(key, "ambiguous-attribute", message, mend)
                return None
            attribute = find_attribute(reader, key, name, self.names)
            return attribute.key if attribute else None
        if is_target:
            return f"{_EXPECT}{name}"
        every = [*_WORDS, *self.names.short, *self.names.attributes, *self.book.slots, *self.book.settings]
        near = reader.closest(name, every)
        if not any(
            reader.is_excused(kind, name, near is not None) for kind in ("attribute", "slot", "setting")
        ):
            mend = "A column is an attribute, a slot, a setting, `now`, `consents` or `request`."
            hint = f"Did you mean `{near}`?" if near is not None else mend
            reader.error(key, "unknown-column", f"`each` has no use for a column `{short(name)}`.", hint)
        return None

    def _is_target(self, reader: Reader, target: str, key: Node) -> bool:
        if self.expectations.kind(target) is not None:
            return True
        list(self.expectations.read(reader, target, key, key))  # which reports it
        return False

    def _cell(self, reader: Reader, column: str, key: Node, node: Node, draft: _Draft) -> None:
        if column in _WORDS:
            self._word(reader, column, node, draft)
        elif column.startswith(_EXPECT):
            self._expect(reader, column.removeprefix(_EXPECT), key, node, draft)
        else:
            self._value(reader, self.book.attributes[column], node, draft)


def _json(value: Scalar, type_: Type) -> Any:
    """A value as a request carries it; a day stands for its midnight where a time is asked for."""
    if isinstance(value, date):
        return as_text(first_moment(value) if type_ is Type.DATETIME else value)
    return value if isinstance(value, str | bool | int | float) else str(value)


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Puts a value at a path of nested data. What stands in its way is replaced; nothing shared changes."""
    for name in path[:-1]:
        inner = data.get(name)
        data[name] = dict(inner) if isinstance(inner, dict) else {}
        data = data[name]
    data[path[-1]] = value


def _label(node: Node) -> str:
    """How the name of a test shows what stands in a cell."""
    if isinstance(node, ScalarNode):
        return short(node.value, 40) or "nothing"
    if isinstance(node, SequenceNode):
        return " ".join(_label(item) for item in node.value) or "nothing"
    return " ".join(f"{key.value} {_label(value)}" for key, value in node.value)
