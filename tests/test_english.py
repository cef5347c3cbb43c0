"""Conditions are told in English that says exactly what they say, and so is why a value does not pass."""

from datetime import UTC, date, datetime

import pytest

from tailored.book.conditions import Names, read_condition
from tailored.book.nodes import Reader
from tailored.condition import english, kleene
from tailored.condition.english import attribute_in_words, in_words, shared_names, why_not
from tailored.condition.operators import OPERATORS, Takes, takes
from tailored.condition.tree import ALWAYS, All, Any, Attribute, Consent, Not, Op, Size, Test
from tailored.condition.types import ELEMENT, Duration, Type, parse_version

NAMES = {
    "page": Type.STRING,
    "search_query": Type.STRING,
    "visits_last_30_days": Type.INTEGER,
    "age": Type.INTEGER,
    "vip": Type.BOOLEAN,
    "memberSince": Type.DATE,
    "seen": Type.DATETIME,
    "app": Type.VERSION,
    "viewed_categories": Type.STRINGS,
}
ATTRIBUTES = {f"user.{name}": Attribute("user", name, type_) for name, type_ in NAMES.items()}


def read(text: str):
    report = []
    reader = Reader("a.yaml", report)
    names = Names(ATTRIBUTES, {"boots": None, "tents": None, "maps": None})
    condition = read_condition(reader, reader.compose(text.encode())[1], names)
    assert report == []
    return condition


@pytest.mark.parametrize(
    "text, words",
    [
        ("always", "always"),
        ("not: always", "never"),
        ("page: home", "page is home"),
        ("page: two words", 'page is "two words"'),
        ("page: or", 'page is "or"'),
        ("page: ''", 'page is ""'),
        ("page: [home, cart, 2]", "page is home, cart or 2"),
        ("page: {is not: home}", "page is not home"),
        ("page: {none of: [home, cart]}", "page is neither home nor cart"),
        ("page: {known: true}", "page is known"),
        ("page: {known: false}", "page is not known"),
        ("search_query: {contains: tent}", "search query contains tent"),
        ("search_query: {starts with: winter-}", "search query starts with winter-"),
        ("search_query: {ends with: s}", "search query ends with s"),
        ("search_query: {like: '*.edu'}", 'search query is like "*.edu"'),
        ("age: {at least: 18, less than: 30}", "age is at least 18 and age is less than 30"),
        ("age: {between: [18, 30]}", "age is between 18 and 30"),
        ("vip: true", "vip is true"),
        ("app: {more than: 4.10}", "app is more than 4.10"),
        ("memberSince: {after: 2026-06-30}", "member since is after 2026-06-30"),
        ("seen: {before: 2026-06-30}", "seen is before 2026-06-30"),
        ("seen: {before: 2026-06-30T10:00+02:00}", "seen is before 2026-06-30 08:00 UTC"),
        ("seen: {in the last: 1 days}", "seen is in the last 1 day"),
        ("seen: {not in the last: 60 days}", "seen is not in the last 60 days"),
        ("viewed_categories: boots", "viewed categories contain boots"),
        ("viewed_categories: [a, b]", "viewed categories contain a or b"),
        ("viewed_categories: {contains all: [a, b]}", "viewed categories contain a and b"),
        ("viewed_categories: {contains none: [a]}", "viewed categories do not contain a"),
        ("viewed_categories: {contains none: [a, b]}", "viewed categories contain neither a nor b"),
        ("viewed_categories: {known: false}", "viewed categories are not known"),
        ("viewed_categories: {size: {at least: 3}}", "the number of viewed categories is at least 3"),
        ("segment: boots", "in boots"),
        ("segment: [boots, tents]", "in boots or tents"),
        (
            "logic: {'>': [{var: user.age}, {var: user.visits_last_30_days}]}",
            "a JSONLogic expression on age and visits last 30 days says so",
        ),
        ("logic: {'==': [1, 1]}", "a JSONLogic expression says so"),
    ],
)
def test_a_condition_reads_as_a_sentence(text, words):
    assert in_words(read(text)) == words


@pytest.mark.parametrize(
    "text, words",
    [
        ("{page: home}", "page is not home"),
        ("{page: {is not: home}}", "page is home"),
        ("{not: {page: home}}", "page is home"),
        ("{page: {known: false}}", "page is known"),
        ("{age: {at least: 18}}", "age is less than 18"),
        ("{age: {between: [1, 2]}}", "age is not between 1 and 2"),
        ("{search_query: {like: '*x'}}", 'search query is not like "*x"'),
        ("{viewed_categories: {contains all: [a, b]}}", "viewed categories do not contain both a and b"),
        (
            "{viewed_categories: {contains all: [a, b, c]}}",
            "viewed categories do not contain all of a, b and c",
        ),
        ("{viewed_categories: {size: 0}}", "the number of viewed categories is not 0"),
        ("{segment: boots}", "not in boots"),
        ("{segment: [boots, tents]}", "in neither boots nor tents"),
        ("{page: home, age: 3}", "page is not home or age is not 3"),
        ("{any: [{page: home}, {age: 3}]}", "page is not home and age is not 3"),
        ("{logic: {'==': [1, 1]}}", "a JSONLogic expression does not say so"),
    ],
)
def test_a_negation_is_told_by_what_it_leaves(text, words):
    assert in_words(read(f"not: {text}")) == words


@pytest.mark.parametrize(
    "text, words",
    [
        ("{page: home, segment: boots}", "page is home and in boots"),
        ("{page: [home, cart], age: 3}", "page is home or cart, and age is 3"),
        ("any: [{page: home}, {age: 3}]", "page is home or age is 3"),
        ("any: [{page: home}, {age: 3}, {page: home}]", "page is home or age is 3"),
        ("{page: home, all: [{page: home}]}", "page is home"),
        ("any: [{segment: boots}, {segment: boots}]", "in boots"),
        ("{not: {any: [{segment: boots}, {segment: boots}]}}", "not in boots"),
        ("any: [{page: home, age: 3}, {vip: true}]", "(page is home and age is 3) or vip is true"),
        ("{page: home, any: [{age: 3}, {vip: true}]}", "page is home and (age is 3 or vip is true)"),
        ("{page: home, any: [{segment: boots}, {vip: true}]}", "page is home and (in boots or vip is true)"),
        ("{page: home, segment: [boots, tents]}", "page is home, and in boots or tents"),
        ("{page: home, all: [{age: 3}, {vip: true}]}", "page is home and age is 3 and vip is true"),
        (
            "{page: home, not: {any: [{age: 3}, {vip: true}]}}",
            "page is home and age is not 3 and vip is not true",
        ),
        ("{page: home, any: [{age: 3}]}", "page is home and age is 3"),
        ("{page: home, all: [always]}", "page is home and always"),
        ("any: [{segment: boots}, {not: {segment: tents}}]", "in boots or not in tents"),
    ],
)
def test_what_is_joined_in_two_ways_is_told_apart(text, words):
    assert in_words(read(text)) == words


def test_consent_is_told_by_its_topics():
    assert in_words(Consent(("health",))) == "consent for health is given"
    assert in_words(Not(Consent(("health", "finance")))) == "consent for health and finance is not given"


@pytest.mark.parametrize(
    "text, value, answer",
    [
        ("page: home", "cart", "page is `cart`, not `home`"),
        ("page: [home, product]", "cart", "page is `cart`, not `home` or `product`"),
        ("page: {is not: cart}", "cart", "page is `cart`"),
        ("page: {none of: [home, cart]}", "cart", "page is `cart`"),
        ("page: home", None, "page is missing"),
        ("page: {known: true}", None, "page is missing"),
        ("page: {known: false}", "cart", "page is known"),
        ("page: home", "x" * 80, f"page is `{'x' * 59}…`, not `home`"),
        ("page: home", "a\n\u202eb", "page is `a\\n\\u202eb`, not `home`"),
        ("search_query: {contains: tent}", "boots", "search query is `boots`, which does not contain `tent`"),
        ("search_query: {starts with: w-}", "s-1", "search query is `s-1`, which does not start with `w-`"),
        ("search_query: {like: '*x'}", "y", "search query is `y`, not like `*x`"),
        ("visits_last_30_days: {at least: 12}", 1, "visits last 30 days is 1, not at least 12"),
        ("age: {between: [1, 4]}", 6, "age is 6, not between 1 and 4"),
        ("vip: true", False, "vip is false, not true"),
        ("app: {at least: 1.10}", parse_version("1.9"), "app is 1.9, not at least 1.10"),
        (
            "memberSince: {after: 2026-06-30}",
            date(2026, 6, 30),
            "member since is 2026-06-30, not after 2026-06-30",
        ),
        (
            "seen: {in the last: 2 days}",
            datetime(2026, 6, 30, 8, 0, 5, tzinfo=UTC),
            "seen is 2026-06-30 08:00:05 UTC, not in the last 2 days",
        ),
        (
            "seen: {not in the last: 2 days}",
            datetime(2026, 6, 30, 8, tzinfo=UTC),
            "seen is 2026-06-30 08:00 UTC, in the last 2 days",
        ),
        ("viewed_categories: boots", ("a", "b"), "viewed categories do not contain boots"),
        ("viewed_categories: [x, y]", ("a", "b"), "viewed categories contain neither x nor y"),
        ("viewed_categories: {contains all: [a, x]}", ("a", "b"), "viewed categories do not contain x"),
        ("viewed_categories: {contains none: [a, x]}", ("a", "b"), "viewed categories contain a"),
        (
            "viewed_categories: [a, b, c, d, e, f, g]",
            (),
            "viewed categories contain neither a, b, c, d, e nor 2 more",
        ),
        ("viewed_categories: boots", None, "viewed categories are missing"),
        (
            "viewed_categories: {size: {at least: 3}}",
            ("a",),
            "the number of viewed categories is 1, not at least 3",
        ),
        ("viewed_categories: {size: 3}", None, "viewed categories are missing"),
    ],
)
def test_why_a_value_does_not_pass(text, value, answer):
    assert why_not(read(text), value) == answer


@pytest.mark.parametrize(
    "text, value, answer",
    [
        ("page: cart", "cart", "page is `cart`"),
        ("page: {is not: home}", "cart", "page is `cart`, not `home`"),
        ("page: {known: true}", "cart", "page is known"),
        ("age: {at least: 12}", 15, "age is 15, not less than 12"),
        ("age: {between: [1, 4]}", 3, "age is 3, between 1 and 4"),
        ("search_query: {ends with: s}", "boots", "search query is `boots`, which ends with `s`"),
        ("viewed_categories: [a, x]", ("a", "b"), "viewed categories contain a"),
        ("viewed_categories: {contains all: [a, b]}", ("a", "b"), "viewed categories contain a and b"),
        ("viewed_categories: {contains none: [x]}", ("a", "b"), "viewed categories do not contain x"),
        (
            "viewed_categories: {size: {less than: 3}}",
            ("a",),
            "the number of viewed categories is 1, not at least 3",
        ),
    ],
)
def test_why_a_value_does_not_pass_a_negation(text, value, answer):
    assert why_not(read(text), value, negated=True) == answer


@pytest.mark.parametrize(
    "name, words",
    [
        ("first_name", "first name"),
        ("firstName", "first name"),
        ("visitsLast30Days", "visits last 30 days"),
        ("isVIP", "is VIP"),
        ("VIPLevel", "VIP level"),
        ("page", "page"),
    ],
)
def test_a_name_reads_as_words(name, words):
    assert attribute_in_words(Attribute("user", name, Type.STRING)) == words


def test_a_name_that_both_sides_have_is_written_whole():
    sides = [Attribute(side, "language", Type.STRING) for side in ("user", "context")]
    shared = shared_names([*sides, *ATTRIBUTES.values()])
    assert in_words(Test(sides[1], Op.IS, "en"), shared) == "context.language is en"
    assert in_words(All((read("age: 3"), Test(sides[0], Op.IS, "en"))), shared) == (
        "age is 3 and user.language is en"
    )
    assert why_not(Test(sides[0], Op.IS, "en"), None, shared) == "user.language is missing"


def test_every_operator_has_its_row_in_each_table():
    assert set(english._PIECES) == set(OPERATORS) - {Op.SIZE}
    for_lists = {Op.CONTAINS_ANY, Op.CONTAINS_ALL, Op.CONTAINS_NONE}
    assert set(english._MISSES) == set(OPERATORS) - {Op.SIZE, Op.KNOWN} - for_lists


VALUES = {
    Type.STRING: ("ab", "cd", "ef"),
    Type.INTEGER: (1, 2, 3),
    Type.NUMBER: (1.5, 2, 3),
    Type.BOOLEAN: (True, False),
    Type.DATE: (date(2026, 1, 1), date(2026, 11, 20), date(2027, 1, 1)),
    Type.DATETIME: tuple(datetime(year, 11, 20, tzinfo=UTC) for year in (2025, 2026, 2027)),
    Type.VERSION: tuple(parse_version(text) for text in ("1.9", "1.10", "2")),
}
NOW = datetime(2026, 11, 24, tzinfo=UTC)
OPERANDS = {
    Takes.FLAG: lambda some: [True, False],
    Takes.VALUE: lambda some: some,
    Takes.BOUND: lambda some: some,
    Takes.PART: lambda some: [*some, "*b"],
    Takes.VALUES: lambda some: [some[:1], some[:2]],
    Takes.PAIR: lambda some: [(some[0], some[1]), (some[1], some[1])],
    Takes.DURATION: lambda some: [Duration(30, "days"), Duration(1, "weeks")],
    Takes.COUNT: lambda some: [Size(op, 2) for op in (Op.IS, Op.AT_LEAST, Op.LESS_THAN)],
}


@pytest.mark.parametrize("op, type_", [(op, type_) for op in Op for type_ in sorted(OPERATORS[op].types)])
def test_a_test_its_negation_and_every_miss_have_words_of_their_own(op, type_):
    attribute = Attribute("user", "thing", type_)
    single = VALUES[ELEMENT.get(type_, type_)]
    values = single if type_ not in ELEMENT else [single[:n] for n in range(len(single) + 1)]
    misses = 0
    for operand in OPERANDS[takes(op, type_)](single):
        test = Test(attribute, op, operand)
        assert in_words(test) != in_words(Not(test))
        assert in_words(test).startswith(("thing ", "the number of thing "))
        for value in [*values, None]:
            passes = kleene.test_holds(test, value, NOW)
            if passes is not True:
                assert why_not(test, value).startswith(("thing ", "the number of thing "))
                assert why_not(test, value) != in_words(test)
                misses += 1
            if passes is not False:
                assert why_not(test, value, negated=True) != in_words(Not(test))
    assert misses


def test_a_joint_without_parts_is_always_or_never():
    assert (in_words(ALWAYS), in_words(Any(())), in_words(Not(Any(())))) == ("always", "never", "always")
