"""What a book mostly repeats is read by short paths, which say what the long ones say."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from tailored.book.conditions import Names, read_condition
from tailored.book.diagnostics import Diagnostic
from tailored.book.load import check_book, load_book
from tailored.book.nodes import MappingNode, Reader
from tailored.book.version import book_version
from tailored.condition.tree import Attribute, InSegment, Logic, SameAs, Test
from tailored.condition.types import Type, Version, as_text
from tests.support import shop

KEYS = ["a", "b", "c", "'a'", '"b"', "<<", "!!str a", "!odd c", "[x]", "''"]
VALUES = ["1", "", "~", "'x'", "{a: 1, b: 2}", "*m", "*s", "[*m, *s]", "!odd y", "&n {c: 3}"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=5), st.booleans())
def test_a_mapping_reads_alike_by_the_short_way_and_the_full_one(pairs, in_one_line):
    pairs = [(key, value.replace("&n", f"&n{place}")) for place, (key, value) in enumerate(pairs)]
    written = [f"? {key}\n  : {value}\n" for key, value in pairs]
    if in_one_line:
        written = ["{" + ", ".join(f"{key}: {value}" if value else key for key, value in pairs) + "}\n"]
    text = "m: &m {a: 9, c: 8}\ns: &s text\nbody:\n" + "".join(f"  {line}" for line in written or ["{}\n"])
    report: list[Diagnostic] = []
    reader = Reader("a.yaml", report)
    _, root = reader.compose(text.encode())
    assert report == [], text
    body = root.value[2][1]
    assert isinstance(body, MappingNode)
    short, found = list(reader.entries(body).items()), report[:]
    report.clear()
    assert list(reader._odd_entries(body).items()) == short
    assert report == found


ATTRIBUTES = [
    Attribute("user", "country", Type.STRING, ("DE", "FR")),
    Attribute("user", "age", Type.INTEGER),
    Attribute("user", "member", Type.BOOLEAN),
    Attribute("user", "seen", Type.DATETIME),
    Attribute("user", "tags", Type.STRINGS),
]
WORDS = ["DE", "'DE'", "XX", "5", "'5'", "007", "!!int 5", "true", "~", "2026-01-02", "v", "'v'", "&x 5"]
ASKED = st.one_of(
    st.sampled_from(WORDS),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(lambda words: f"[{', '.join(words)}]"),
    st.tuples(
        st.sampled_from(["is", "is not", "one of", "at least", "contains", "contains all", "before"]),
        st.sampled_from(WORDS),
    ).map(lambda pair: f"{{{pair[0]}: {pair[1]}}}"),
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([one.name for one in ATTRIBUTES]), ASKED), min_size=2, max_size=8))
def test_a_test_that_was_read_before_is_read_as_if_it_were_new(asked):
    report: list[Diagnostic] = []
    reader = Reader("a.yaml", report)
    text = "".join(f"- {{{name}: {value}}}\n" for name, value in asked)
    anchors = count()
    _, root = reader.compose(re.sub("&x", lambda _: f"&x{next(anchors)}", text).encode())
    assert report == []
    attributes = {one.key: one for one in ATTRIBUTES}
    remembering = Names(attributes, {})
    for node in [*root.value, *root.value]:
        outcomes = []
        for names in (remembering, Names(attributes, {})):
            report.clear()
            condition = read_condition(reader, node, names)
            outcomes.append((condition, repr(condition), report[:]))
        assert outcomes[0] == outcomes[1]


def told(value):
    """A value as data for JSON, by the plainest words for what a version hashes."""
    if isinstance(value, StrEnum | str):
        return str(value)
    if isinstance(value, bool | int | float | None):
        return value
    if isinstance(value, tuple | list):
        return ["list", *map(told, value)]
    if isinstance(value, dict):
        return ["mapping", *([key, told(value[key])] for key in sorted(value))]
    if isinstance(value, datetime):
        return ["datetime", as_text(value)]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    if isinstance(value, Version):
        return ["version", value.text]
    if isinstance(value, Attribute):
        return ["attribute", value.key]
    if isinstance(value, Test):
        return ["test", value.attribute.key, str(value.op), told(value.operand)]
    if isinstance(value, InSegment | Logic):
        return ["segment", value.id] if isinstance(value, InSegment) else ["logic", value.text]
    if isinstance(value, SameAs):
        return ["same as", value.attribute.key, value.other.key]
    return whole(value)


def whole(value):
    assert is_dataclass(value)
    said = [type(value).__name__]
    for field in fields(value):
        part = getattr(value, field.name)
        if field.type != "Span" and (part or (isinstance(part, int | float) and part == 0)):
            said += [field.name, told(part)]
    return said


def plain_version(book):
    names = [
        "attributes",
        "topics",
        "purposes",
        "slots",
        "settings",
        "content",
        "segments",
        "catalogs",
        "scorers",
    ]
    things = {
        name: [whole(getattr(book, name)[id_]) for id_ in sorted(getattr(book, name))] for name in names
    }
    things["items"] = [
        [whole(one) for one in book.catalogs[name].attributes.values()] for name in sorted(book.catalogs)
    ]
    things["rules"] = [whole(rule) for rule in book.rules]
    text = json.dumps({**things, "tcf": whole(book.tcf)}, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_version_of_the_example_book_is_what_json_dumps_gives():
    book = load_book("rules", datetime(2026, 1, 1, tzinfo=UTC))
    assert book_version(book) == plain_version(book)


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@cache
def small_book():
    return check_book({"book.yaml": shop.BOOK.encode()})[0]


@settings(deadline=None)
@given(st.dictionaries(st.text(), DATA))
def test_the_version_of_any_content_is_what_json_dumps_gives(data):
    book = small_book()
    name = next(iter(book.content))
    changed = replace(book, content={**book.content, name: replace(book.content[name], fields=data)})
    assert book_version(changed) == plain_version(changed)
