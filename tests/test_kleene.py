"""What conditions mean: true, false or unknown."""

from datetime import UTC, date, datetime

import pytest

from tailored.book.conditions import Names, read_condition
from tailored.book.nodes import Reader
from tailored.condition import kleene
from tailored.condition.operators import OPERATORS
from tailored.condition.tree import Attribute, Op, Test
from tailored.condition.types import Duration, Type, parse_version

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
NAMES = {
    "s": Type.STRING,
    "n": Type.NUMBER,
    "d": Type.DATE,
    "t": Type.DATETIME,
    "v": Type.VERSION,
    "l": Type.STRINGS,
}
ATTRIBUTES = {f"user.{name}": Attribute("user", name, type_) for name, type_ in NAMES.items()}


def holds(text: str, **facts):
    report = []
    reader = Reader("a.yaml", report)
    condition = read_condition(reader, reader.compose(text.encode())[1], Names(ATTRIBUTES, {"who": None}))
    assert report == []
    return kleene.truth(condition, {f"user.{k}": v for k, v in facts.items()}, NOW, lambda leaf: None)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text, value, truth",
    [
        ("s: NO", "NO", True),
        ("s: [NO, DE]", "SE", False),
        ("s: {is not: US}", "NO", True),
        ("s: {none of: [a, b]}", "b", False),
        ("s: {starts with: ab}", "abc", True),
        ("s: {ends with: bc}", "abc", True),
        ("s: {contains: b}", "abc", True),
        ("s: {like: '*.edu'}", "x.edu", True),
        ("s: {like: 'a*b*a'}", "aba", True),
        ("s: {like: 'a*a'}", "a", False),
        ("s: {like: a}", "A", False),
        ("s: {like: '*b*'}", "a\nb", True),
        ("s: {like: '*x*'}", "ab", False),
        ("n: {at least: 3}", 3, True),
        ("n: {more than: 3}", 3, False),
        ("n: {at most: 3}", 3, True),
        ("n: {less than: 3}", 3, False),
        ("n: {between: [1, 3]}", 3, True),
        ("v: {at least: 1.9}", parse_version("1.10"), True),
        ("v: 1.0", parse_version("1"), True),
        ("v: {less than: 4.10}", parse_version("4.9"), True),
        ("v: {less than: 4.10}", parse_version("4.10.0"), False),
        ("v: {less than: 4.10}", parse_version("4.10-beta"), True),
        ("v: {at most: 4.10}", parse_version("4.10.0+7"), True),
        ("v: {at most: 4.10}", parse_version("4.10.1"), False),
        ("v: {at least: 4.10}", parse_version("4.10-beta"), False),
        ("v: {at least: 4.10}", parse_version("4.10.0"), True),
        ("v: {more than: 4.10}", parse_version("4.10.0"), False),
        ("v: {more than: 4.10}", parse_version("4.10.1-alpha"), True),
        ("v: {between: [4.9, 4.10]}", parse_version("4.9.0"), True),
        ("v: {between: [4.9, 4.10]}", parse_version("4.10"), True),
        ("v: {between: [4.9, 4.10]}", parse_version("4.10.1"), False),
        ("v: {between: [4.9, 4.10]}", parse_version("4.9-rc.1"), False),
        ("d: {before: 2026-11-24}", date(2026, 11, 23), True),
        ("d: {after: 2026-11-24}", date(2026, 11, 24), False),
        ("d: {between: [2026-11-23, 2026-11-24]}", date(2026, 11, 23), True),
        ("d: {between: [2026-11-23, 2026-11-24]}", date(2026, 11, 24), True),
        ("d: {between: [2026-11-23, 2026-11-24]}", date(2026, 11, 25), False),
        ("d: {before: 2026-11-24}", date(2026, 11, 24), False),
        ("d: {after: 2026-11-23}", date(2026, 11, 24), True),
        ("d: {in the last: 1 day}", date(2026, 11, 23), True),
        ("d: {in the last: 1 day}", date(2026, 11, 22), False),
        ("d: {not in the last: 1 day}", date(2026, 11, 25), True),
        ("t: 2026-11-24", at("2026-11-24T23:59:59.999999"), True),
        ("t: 2026-11-24", at("2026-11-25"), False),
        ("t: {after: 2026-11-24}", at("2026-11-24T23:00"), False),
        ("t: {after: 2026-11-24}", at("2026-11-25"), True),
        ("t: {before: 2026-11-24}", at("2026-11-24"), False),
        ("t: {before: 2026-11-24}", at("2026-11-23T23:59:59.999999"), True),
        ("t: {after: 2026-11-24}", at("2026-11-24T23:59:59.999999"), False),
        ("t: {before: 2026-11-24T10:00Z}", at("2026-11-24T10:00"), False),
        ("t: {before: 2026-11-24T10:00Z}", at("2026-11-24T09:59:59.999999"), True),
        ("t: {after: 2026-11-24T10:00Z}", at("2026-11-24T10:00"), False),
        ("t: {after: 2026-11-24T10:00Z}", at("2026-11-24T10:00:00.000001"), True),
        ("t: {between: [2026-11-24T10:00Z, 2026-11-24T11:00Z]}", at("2026-11-24T10:00"), True),
        ("t: {between: [2026-11-24T10:00Z, 2026-11-24T11:00Z]}", at("2026-11-24T11:00"), True),
        ("t: {between: [2026-11-24T10:00Z, 2026-11-24T11:00Z]}", at("2026-11-24T11:00:00.000001"), False),
        ("t: {between: [2026-11-23, 2026-11-24]}", at("2026-11-23"), True),
        ("t: {between: [2026-11-23, 2026-11-24]}", at("2026-11-24T23:59:59.999999"), True),
        ("t: {between: [2026-11-23, 2026-11-24]}", at("2026-11-25"), False),
        ("t: {between: [2026-11-23, 2026-11-24]}", at("2026-11-24T23:00"), True),
        ("t: {in the last: 2 hours}", at("2026-11-24T08:00"), True),
        ("t: {in the last: 2 hours}", at("2026-11-24T10:00:00.000001"), False),
        ("t: {in the last: 365000 days}", at("1100-01-01"), True),
        ("t: {in the last: 52142 weeks}", at("2026-11-01"), True),
        ("l: a", ("a", "b"), True),
        ("l: [x, b]", ("a", "b"), True),
        ("l: {contains all: [a, x]}", ("a",), False),
        ("l: {contains none: [x]}", (), True),
        ("l: {size: 0}", (), True),
        ("l: {size: {between: [1, 2]}}", ("a",), True),
        ("s: {known: true}", "x", True),
        ("s: {known: false}", "x", False),
    ],
)
def test_an_operator_compares_as_the_language_says(text, value, truth):
    assert holds(text, **{text[0]: value}) is truth


@pytest.mark.parametrize(
    "text, truth",
    [
        ("s: {is not: US}", None),
        ("not: {s: US}", None),
        ("s: {known: false}", True),
        ("not: {s: {known: false}}", False),
        ("l: {contains none: [a]}", None),
        ("l: {size: 0}", None),
        ("{s: a, n: 3}", None),
        ("{s: a, n: 4}", False),
        ("any: [{s: a}, {n: 3}]", True),
        ("any: [{s: a}, {n: 4}]", None),
        ("not: {any: [{s: a}, {n: 3}]}", False),
        ("segment: who", None),
        ("not: {segment: who}", None),
        ("always", True),
    ],
)
def test_what_is_missing_makes_a_test_unknown(text, truth):
    assert holds(text, n=3) is truth


def test_every_operator_has_its_row():
    assert set(kleene._HOLDS) | {Op.KNOWN} == set(OPERATORS)


def test_a_span_that_begins_before_all_time_begins_with_it():
    test = Test(ATTRIBUTES["user.t"], Op.IN_THE_LAST, Duration(1000, "days"))
    first = at("0001-01-01")
    assert kleene.truth(test, {"user.t": first}, at("0001-02-01"), lambda leaf: None) is True
