"""Conditions are read as the language says, and every mistake is explained in the author's words."""

from datetime import UTC, date, datetime

import pytest

from tailored.book.conditions import Names, read_condition
from tailored.book.diagnostics import Diagnostic
from tailored.book.nodes import Reader
from tailored.book.suggest import one_slip_away
from tailored.condition.tree import ALWAYS, All, Any, Attribute, InSegment, Not, Op, Size, Test
from tailored.condition.types import Duration, Type, parse_version

ATTRIBUTES = {
    attribute.key: attribute
    for attribute in [
        Attribute("user", "country", Type.STRING, values=("US", "NO", "DE")),
        Attribute("user", "plan", Type.STRING),
        Attribute("user", "age", Type.INTEGER),
        Attribute("user", "score", Type.NUMBER),
        Attribute("user", "vip", Type.BOOLEAN),
        Attribute("user", "born", Type.DATE),
        Attribute("user", "seen", Type.DATETIME),
        Attribute("user", "app", Type.VERSION),
        Attribute("user", "viewed", Type.STRINGS),
        Attribute("user", "language", Type.STRING),
        Attribute("context", "language", Type.STRING),
        Attribute("context", "page", Type.STRING, values=("home", "checkout")),
    ]
}


def read(text: str):
    report: list[Diagnostic] = []
    reader = Reader("a.yaml", report)
    _, root = reader.compose(text.encode())
    return read_condition(reader, root, Names(ATTRIBUTES, {"hikers": None, "campers": None})), report


def test(name: str, op: Op, operand):
    return Test(ATTRIBUTES[name], op, operand)


test.__test__ = False


@pytest.mark.parametrize(
    "text, tree",
    [
        ("always", ALWAYS),
        ("country: NO", test("user.country", Op.IS, "NO")),
        ("country: [NO, DE]", test("user.country", Op.ONE_OF, ("NO", "DE"))),
        ("user.country: {is not: US}", test("user.country", Op.IS_NOT, "US")),
        ("viewed: boots", test("user.viewed", Op.CONTAINS, "boots")),
        ("viewed: [boots, socks]", test("user.viewed", Op.CONTAINS_ANY, ("boots", "socks"))),
        ("plan: 2", test("user.plan", Op.IS, "2")),
        ("plan: true", test("user.plan", Op.IS, "true")),
        ("age: {at least: 18}", test("user.age", Op.AT_LEAST, 18)),
        ("age: 18.0", test("user.age", Op.IS, 18)),
        ("score: {between: [1.5, 2]}", test("user.score", Op.BETWEEN, (1.5, 2))),
        ("vip: true", test("user.vip", Op.IS, True)),
        ("app: {at least: 1.10}", test("user.app", Op.AT_LEAST, parse_version("1.10"))),
        ("born: {before: '2010-01-01'}", test("user.born", Op.BEFORE, date(2010, 1, 1))),
        ("seen: {after: 2026-11-01}", test("user.seen", Op.AFTER, date(2026, 11, 1))),
        (
            "seen: {after: 2026-11-01T10:00Z}",
            test("user.seen", Op.AFTER, datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ),
        (
            "seen: {between: [2026-11-01, 2026-11-01]}",
            test("user.seen", Op.BETWEEN, (date(2026, 11, 1),) * 2),
        ),
        ("seen: {in the last: 30 days}", test("user.seen", Op.IN_THE_LAST, Duration(30, "days"))),
        ("page: {starts with: che}", test("context.page", Op.STARTS_WITH, "che")),
        ("plan: {known: false}", test("user.plan", Op.KNOWN, False)),
        ("viewed: {size: 3}", test("user.viewed", Op.SIZE, Size(Op.IS, 3))),
        ("viewed: {size: {at least: 3}}", test("user.viewed", Op.SIZE, Size(Op.AT_LEAST, 3))),
        ("segment: hikers", InSegment("hikers")),
        ("segment: [hikers, campers]", Any((InSegment("hikers"), InSegment("campers")))),
        ("not: {segment: hikers}", Not(InSegment("hikers"))),
        ("any: [{vip: true}, always]", Any((test("user.vip", Op.IS, True), ALWAYS))),
        ("all: [{vip: true}]", All((test("user.vip", Op.IS, True),))),
        ("{vip: true, age: 3}", All((test("user.vip", Op.IS, True), test("user.age", Op.IS, 3)))),
    ],
)
def test_a_condition_is_read_by_the_types_of_its_attributes(text, tree):
    condition, report = read(text)
    assert report == []
    assert condition == tree


@pytest.mark.parametrize(
    "text, code, column, words",
    [
        ("page: chekout", "unknown-value", 7, "`chekout` is not one of the values of `page`"),
        ("page: chekout", "unknown-value", 7, "Did you mean `checkout`?"),
        ("pgae: home", "unknown-attribute", 1, "Did you mean `page`?"),
        ("zzzzzz: home", "unknown-attribute", 1, "Declare it"),
        ("language: en", "ambiguous-attribute", 1, "Write `user.language` or `context.language`."),
        ("segment: hiker", "unknown-segment", 10, "Did you mean `hikers`?"),
        ("segment: zzz", "unknown-segment", 10, "hikers, campers"),
        ("segment: []", "empty-list", 10, "at least one"),
        ("segment: [{}]", "wrong-kind", 11, "not a mapping"),
        ('age: "18"', "wrong-type", 6, "Write 18 without quotes."),
        ("age: 17.5", "wrong-type", 6, "a whole number"),
        ("age: abc", "wrong-type", 6, "`abc` is none"),
        ("age: 99999999999999999999", "wrong-type", 6, "too large"),
        ("score: .inf", "wrong-type", 8, "a number"),
        ("age: !!int 3", "tag", 6, "!!int"),
        ("vip: yes", "wrong-type", 6, "Write `true`, without quotes."),
        ('vip: "no"', "wrong-type", 6, "Write `false`, without quotes."),
        ("vip: maybe", "wrong-type", 6, "true or false"),
        ("born: 2026-02-30", "wrong-type", 7, "There is no such day."),
        ("country:", "wrong-type", 9, "known: false"),
        ("country: []", "empty-list", 10, "at least one value"),
        ("country: {}", "empty-list", 10, "empty test"),
        ("country: {one of: NO}", "wrong-kind", 19, "Write `one of: [NO]`."),
        ("country: {one of: [NO, XX]}", "unknown-value", 24, "US, NO, DE"),
        ("country: {at least: 3}", "wrong-operator", 11, "Operators for it are known, is,"),
        ("viewed: {size: {known: true}}", "wrong-operator", 17, "which `known` is not for"),
        ("country: {iss: NO}", "unknown-operator", 11, "Did you mean `is`?"),
        ("age: {between: [9, 1]}", "reversed-range", 16, "Write `between: [1, 9]`."),
        ("seen: {between: [2026-11-02, 2026-11-01]}", "reversed-range", 17, "2026-11-02 is above"),
        ("age: {between: 9}", "wrong-kind", 16, "a low and a high"),
        ("age: {between: [x, 9]}", "wrong-type", 17, "`x` is none"),
        ("seen: {in the last: 2 months}", "wrong-type", 21, "Write `60 days`."),
        ("seen: {in the last: soon}", "wrong-type", 21, "minutes, hours, days or weeks"),
        ("plan: {known: 1}", "wrong-kind", 15, "`true` or `false`"),
        ("{not: {vip: true}, not: {age: 3}}", "duplicate-key", 20, "`all: ["),
        ("any: []", "empty-list", 6, "at least one condition"),
        ("any: {page: home}", "wrong-kind", 6, "a list of conditions"),
        ("[{page: home}]", "wrong-kind", 1, "`all:` or `any:`"),
        ("{}", "empty-list", 1, "`always`"),
    ],
)
def test_a_mistake_in_a_condition_has_a_place_and_a_mend(text, code, column, words):
    _, report = read(text)
    assert [(d.code, d.span.line, d.span.column) for d in report] == [(code, 1, column)]
    assert words in f"{report[0].message} {report[0].hint}"


@pytest.mark.parametrize("word", ["tpoic", "topics", "topi", "tobic", "Topic", "ttopic"])
def test_one_slip_of_a_letter_is_noticed(word):
    assert one_slip_away(word, "topic")


@pytest.mark.parametrize("word", ["topic", "title", "text", "typical", ""])
def test_two_slips_make_another_word(word):
    assert not one_slip_away(word, "topic")
