"""Coverage: what no test of a book has tried."""

import json
from datetime import UTC, datetime

import pytest

from tailored.book.load import check_book
from tailored.condition.demands import Demands
from tailored.condition.tree import Op
from tailored.engine.engine import Engine
from tailored.testing.boundaries import _SIDES
from tailored.testing.coverage import Coverage
from tailored.testing.run import run
from tests.support.make import BASE
from tests.support.small_books import SmallBook

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
BASE_RULES = """\
rules:
  uses-the-segments: {when: {segment: [young, sick]}, show: {unfilled: [d]}}
"""


def left(rules: str, *tests: str, base: str = BASE) -> set[str]:
    """The goals about the rules (those below `rules:`) that these tests (bodies) leave."""
    lines = "".join(f"  t{number}: {body}\n" for number, body in enumerate(tests))
    sources = {
        "a.yaml": base.encode(),
        "b.yaml": f"rules:\n{rules}".encode(),
        "c.yaml": (f"tests:\n{lines}" if tests else "").encode(),
    }
    book, report = check_book(sources, NOW)
    assert report.errors == 0, report.to_text()
    coverage = Coverage(Engine(book))
    assert not [case for case in run(Engine(book), book.tests, NOW, coverage.see) if case.failures]
    return {f"{goal.of} {goal.says}" for goal in coverage.left if goal.kind != "segment" or not rules}


ONE = "  r: {{when: {{{}}}, show: {{hero: a}}}}\n"


@pytest.mark.parametrize(
    "condition, values, never",
    [
        ("age: {at least: 18}", [], ["at 18", "at 17"]),
        ("age: {at least: 18}", ["age: 18"], ["at 17"]),
        ("age: {at least: 18}", ["age: 19", "age: 3"], ["at 18", "at 17"]),
        ("age: {at least: 18}", ["age: 18", "age: 17"], []),
        ("age: {more than: 18}", ["age: 18"], ["at 19"]),
        ("age: {at most: 18}", ["age: 18"], ["at 19"]),
        ("age: {less than: 18}", ["age: 17"], ["at 18"]),
        ("age: {between: [3, 5]}", ["age: 4"], ["at 2", "at 3", "at 5", "at 6"]),
        ("score: {at least: 18}", ["score: 18", "score: 1.5"], []),
        ("score: {at least: 18}", ["score: 19"], ["at 18", "below 18"]),
        ("age: 18", ["age: 18"], ["with another value"]),
        ("age: {is not: 18}", ["age: 3"], ["at 18"]),
        ("country: [NO, US]", ["country: NO"], ["at US", "with another value"]),
        ("country: {none of: [NO, US]}", ["country: NO"], ["at US", "with another value"]),
        ("age: {known: true}", ["age: 18"], ["where it is missing"]),
        ("name: {contains: ar}", ["name: Kari"], ["where it does not hold"]),
        ("name: {like: 'K*'}", ["name: Ola"], ["where it holds"]),
        ("seen: [x, y]", ["seen: [x]"], ["with y", "with none of them"]),
        ("seen: {contains all: [x, y]}", ["seen: [x, y]"], ["with all but x", "with all but y"]),
        ("seen: {contains none: [x]}", ["seen: [z]"], ["with x"]),
        ("seen: {size: {at least: 2}}", ["seen: [x, y]"], ["with 1 of them"]),
        ("born: {before: 2020-01-02}", ["born: 2020-01-01"], ["at 2020-01-02"]),
        ("born: {after: 2020-01-02}", ["born: 2020-01-03"], ["at 2020-01-02"]),
        ("since: {before: 2020-01-02}", ["since: 2020-01-02T09:00:00Z"], ["before 2020-01-02"]),
        ("since: {in the last: 2 days}", ["since: 2026-11-22T10:00:00Z"], ["more than 2 days ago"]),
        ("since: {not in the last: 2 days}", ["since: 2026-11-20T10:00:00Z"], ["exactly 2 days ago"]),
        ("born: {in the last: 2 days}", ["born: 2026-11-22", "born: 2026-11-21"], []),
        ("app: {at least: 4.10}", ["app: 4.10.0", "app: 4.9"], []),
    ],
)
def test_an_operator_wants_both_sides_of_its_boundaries(condition, values, never):
    tests = [f"{{user: {{{value}}}, expect: {{list: []}}}}" for value in values]
    found = left(ONE.format(condition), *tests)
    sides = {one.removeprefix("r tried ").partition(":")[0] for one in found if one.startswith("r tried ")}
    assert sides == set(never)


def test_a_boundary_counts_only_where_nothing_else_decides():
    rule = ONE.format("age: {at least: 18}, vip: true")
    one = "{user: {age: 18, vip: false}, expect: {hero: plain}}"
    other = "{user: {age: 18, vip: true}, expect: {hero: a}}"
    assert "r tried at 18: age is at least 18" in left(rule, one)
    assert "r tried at 18: age is at least 18" not in left(rule, other)


def test_a_rule_that_never_fired_is_told():
    assert "r fired" in left(ONE.format("age: 3"), "{user: {age: 4}, expect: {hero: plain}}")
    assert "r fired" not in left(ONE.format("age: 3"), "{user: {age: 3}, expect: {hero: a}}")


def test_a_rule_that_the_guard_kept_back_never_fired():
    rule = "  r: {when: {age: 3}, show: {hero: a}, topic: health}\n"
    assert "r fired" in left(rule, "{user: {age: 3}, expect: {hero: plain}}")
    assert "r fired" not in left(rule, "{user: {age: 3}, consents: [health], expect: {hero: a}}")


def test_a_rule_that_can_lose_should_lose_once():
    rules = "  high: {when: {age: 3}, show: {hero: a}, priority: 200}\n"
    rules += "  low: {when: {vip: true}, show: {hero: b}}\n"
    assert "low lost to another rule" in left(rules)
    assert "high lost to another rule" not in left(rules)
    assert "low lost to another rule" not in left(rules, "{user: {age: 3, vip: true}, expect: {hero: a}}")


@pytest.mark.parametrize(
    "one, other",
    [
        ("when: {country: NO}, show: {hero: a}", "when: {country: US}, show: {hero: b}"),
        ("when: {age: {known: false}}, show: {hero: a}", "when: {age: 3}, show: {hero: b}"),
        (
            "when: always, show: {hero: a}, until: 2026-01-01",
            "when: always, show: {hero: b}, from: 2026-01-01",
        ),
        ("when: always, show: {list: [a]}", "when: always, show: {list: [b]}"),
        ("when: always, show: {hero: a}", "when: always, show: {list: [b]}"),
    ],
)
def test_a_rule_that_never_meets_a_stronger_one_need_not_lose(one, other):
    rules = f"  one: {{{one}}}\n  other: {{{other}}}\n"
    assert not any("lost" in goal for goal in left(rules))


@pytest.mark.parametrize(
    "one, other",
    [
        ("{age: {less than: 26}}", "{age: {at least: 70}}"),
        ("{age: {less than: 26}}", "{age: {more than: 24, is not: 25}}"),
        ("{age: {between: [3, 5]}}", "{age: [2, 6]}"),
        ("{age: {at least: 3}}", "{not: {age: {more than: 2}}}"),
        ("{score: {more than: 1}}", "{score: {at most: 1}}"),
        ("{app: {at least: 4.10}}", "{app: {less than: 4.9}}"),
        ("{born: {before: 2020-01-02}}", "{born: {after: 2020-01-01}}"),
        ("{born: 2020-01-02}", "{born: {before: 2020-01-02}}"),
        ("{since: {before: 2020-01-02}}", "{since: {between: [2020-01-02, 2020-01-03]}}"),
        ("{since: 2020-01-02}", "{since: {after: 2020-01-02}}"),
        ("{since: {in the last: 2 days}}", "{since: {not in the last: 2 days}}"),
        ("{vip: true}", "{not: {vip: true}}"),
        ("{vip: {is not: true}}", "{vip: {is not: false}}"),
        ("{country: NO}", "{country: {none of: [NO, US]}}"),
        ("{name: Kari}", "{name: {starts with: O}}"),
        ("{name: {like: 'K*'}}", "{not: {name: {like: 'K*'}}}"),
        ("{seen: x}", "{seen: {contains none: [x, y]}}"),
        ("{seen: {contains all: [x, y]}}", "{not: {seen: {contains: y}}}"),
        ("{seen: {size: {at least: 3}}}", "{seen: {size: 2}}"),
        ("{age: {known: false}}", "{age: {less than: 3}}"),
        ("{segment: young}", "{age: {at least: 30}}"),
        ("{segment: young}", "{not: {segment: young}}"),
        ("{segment: young}", "{all: [{page: home}, {not: {age: {less than: 40}}}]}"),
        ("{not: {segment: young}}", "{age: 3}"),
        ("{any: [{age: 3}, {age: {between: [7, 9]}}]}", "{age: {between: [4, 6]}}"),
        ("{logic: {'+': [{var: user.age}, 1]}}", "{not: {logic: {'+': [{var: user.age}, 1]}}}"),
    ],
)
def test_a_rule_that_can_never_meet_a_stronger_one_is_not_asked_to_lose(one, other):
    rules = f"  one: {{when: {one}, show: {{hero: a}}}}\n  other: {{when: {other}, show: {{hero: b}}}}\n"
    assert not any("lost" in goal for goal in left(rules))


@pytest.mark.parametrize(
    "one, other",
    [
        ("{age: {less than: 26}}", "{age: {at least: 25}}"),
        ("{age: {between: [3, 5]}}", "{age: [5, 6]}"),
        ("{score: {at least: 1}}", "{score: {at most: 1}}"),
        ("{since: 2020-01-02}", "{since: {after: 2020-01-02T09:00:00Z}}"),
        ("{country: NO}", "{country: {is not: US}}"),
        ("{name: {starts with: K}}", "{name: {starts with: O}}"),  # what patterns rule out is not looked into
        ("{seen: x}", "{seen: {contains none: [y]}}"),
        ("{seen: [x, y]}", "{seen: {contains none: [x]}}"),
        ("{not: {seen: {contains all: [x, y]}}}", "{seen: x}"),
        ("{any: [{age: 3}, {vip: true}]}", "{age: 4}"),
        ("{segment: young}", "{age: {less than: 3}}"),
        ("{age: {known: true}}", "{age: 3}"),
        ("{age: {known: false}}", "{score: 3}"),
    ],
)
def test_a_rule_that_can_meet_a_stronger_one_is_asked_to_lose(one, other):
    rules = f"  one: {{when: {one}, show: {{hero: a}}}}\n  other: {{when: {other}, show: {{hero: b}}}}\n"
    assert "other lost to another rule" in left(rules)


@pytest.mark.parametrize("seed", range(60))
def test_rules_that_some_request_fires_together_are_never_taken_for_apart(seed):
    small = SmallBook(seed, most_requests=1500)
    book, _ = check_book({"book.yaml": json.dumps(small.data).encode()}, NOW)
    engine = Engine(book)
    demands = Demands(lambda segment: book.segments[segment].when)
    demanded = {rule.id: demands.of(rule.when) for rule in book.rules}
    for user, context, now in small.requests():
        firing = [rule.id for rule in engine.firing(engine.facts(user, context, now))]
        for place, one in enumerate(firing):
            for other in firing[: place + 1]:
                assert demanded[one].may_meet(demanded[other])


def test_a_segment_should_be_true_once_and_false_once():
    base = BASE + BASE_RULES

    def never(*tests: str) -> set[str]:
        lines = "".join(f"  t{number}: {body}\n" for number, body in enumerate(tests))
        book, report = check_book({"a.yaml": base.encode(), "c.yaml": f"tests:\n{lines}".encode()}, NOW)
        assert report.errors == 0
        coverage = Coverage(Engine(book))
        run(Engine(book), book.tests, NOW, coverage.see)
        return {f"{goal.of} {goal.says}" for goal in coverage.left if goal.kind == "segment"}

    assert never("{context: {page: home}, expect: {hero: plain}}") == {
        "young true", "young false", "sick true", "sick false",
    }  # fmt: skip
    assert never(
        "{user: {age: 29}, expect: {hero: plain}}",
        "{user: {age: 30}, expect: {hero: plain}}",
        "{context: {page: home}, consents: [health], expect: {hero: plain}}",
        "{context: {page: cart}, consents: [health], expect: {hero: plain}}",
    ) == set()  # fmt: skip


def test_every_operator_has_sides():
    assert {*_SIDES, Op.SIZE} == set(Op)
