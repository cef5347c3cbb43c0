"""The person herself is told in one sentence why she sees this, and nothing hidden from her request."""

import copy
import pickle
import re
from datetime import UTC, datetime

import pytest

from tailored import Engine
from tailored.book.load import check_book
from tests.support.make import BASE, make

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
BY_DEFAULT = "nothing chosen for you applies here"
YES = {"consents": {"health": True, "finance": True}}
SEGMENTS = """\
  boots: {description: Looked at hiking boots, when: {seen: boots}}
  adults: {description: Grown-ups., when: {age: {at least: 18}}}
  makers: {description: Made their account. Or so., when: {age: {at least: 1}}}
  bare-one: {when: {country: NO, age: {at least: 18}}}
  mixed: {description: Looked ill, when: {any: [{ills: knee}, {country: NO}]}}
  aching: {description: Told us about their knee, topic: health, when: {age: {at least: 1}}}
"""


def why(rules: str, user: dict, context: dict | None = None, slot: str = "hero") -> str:
    engine = make(rules, BASE + SEGMENTS)
    return engine.evaluate(user, {"page": "home"} if context is None else context, NOW).why(slot)


def reason(rest: str, user: dict, context: dict | None = None) -> str:
    """What stands between "You see this because" and the full stop, for one rule."""
    said = why(f"r: {{{rest}, show: {{hero: a}}}}", user, context)
    return said.removeprefix("You see this because ").removesuffix(".")


@pytest.mark.parametrize(
    "because, said",
    [
        ("you recently looked at hiking boots", "you recently looked at hiking boots"),
        ("You recently looked at hiking boots.", "you recently looked at hiking boots"),
        ("because you live in Oslo", "you live in Oslo"),
        ("You see this because you live in Oslo.", "you live in Oslo"),
        ("Oslo has its birthday", "Oslo has its birthday"),
        ("it  is\n    winter ", "it is winter"),
        ("<b>you</b> & we", "<b>you</b> & we"),
    ],
)
def test_an_author_may_say_why(because, said):
    rule = f"r:\n  when: always\n  show: {{hero: a}}\n  because: |\n    {because}"
    assert why(rule, {}) == f"You see this because {said}."


@pytest.mark.parametrize(
    "condition, user, said",
    [
        ("{page: home}", {}, "the page is home"),
        ("{country: [US, NO]}", {"country": "NO"}, "your country is NO"),
        ("{country: {none of: [US, NO]}}", {"country": "DE"}, "your country is neither US nor NO"),
        ("{not: {country: [US, NO]}}", {"country": "DE"}, "your country is neither US nor NO"),
        (
            "{age: {at least: 18}, vip: true}",
            {"age": 20, "vip": True},
            "your age is at least 18 and vip is true for you",
        ),
        ("{name: {starts with: K}}", {"name": "Kari"}, "your name starts with K"),
        ("{vip: true}", {"vip": True}, "vip is true for you"),
        ("{vip: {is not: true}}", {"vip": False}, "vip is false for you"),
        ("{city: {known: true}}", {"address": {"city": "Oslo"}}, "we know your city"),
        ("{city: {known: false}}", {}, "we do not know your city"),
        (
            "{since: {in the last: 2 days}}",
            {"since": "2026-11-24T00:00:00Z"},
            'your "since" is in the last 2 days',
        ),
        ("{seen: [boots, socks, tents]}", {"seen": ["socks", "boots"]}, "your seen contains boots and socks"),
        ("{seen: {contains none: [a, b]}}", {"seen": ["c"]}, "your seen contains neither a nor b"),
        ("{not: {seen: {contains all: [a, b]}}}", {"seen": ["b"]}, "your seen does not contain a"),
        ("{seen: {size: {at least: 2}}}", {"seen": ["a", "b"]}, "the number of your seen is at least 2"),
        (
            "{logic: {'>': [{var: user.score}, {var: user.age}]}}",
            {"score": 2, "age": 1},
            "a formula on your age and your score holds",
        ),
        (
            "{not: {logic: {'>': [{var: user.score}, {var: user.age}]}}}",
            {"score": 1, "age": 2},
            "a formula on your age and your score does not hold",
        ),
        ("always", {}, "it applies to everyone"),
        (
            "{not: {any: [{country: NO}, {vip: true}]}}",
            {"country": "US", "vip": False},
            "your country is not NO and vip is false for you",
        ),
    ],
)
def test_without_it_the_condition_is_told_in_the_second_person(condition, user, said):
    assert reason(f"when: {condition}", user) == said


@pytest.mark.parametrize(
    "condition, said",
    [
        ("{segment: boots}", "you looked at hiking boots"),
        ("{segment: adults}", 'you are in the group "Grown-ups"'),
        ("{segment: makers}", "you made your account"),
        ("{not: {segment: adults}}", 'you are not in the group "Grown-ups"'),
        ("{segment: bare-one}", "your country is NO and your age is at least 18"),
        (
            "{segment: [adults, boots, young]}",
            'you are in the group "Grown-ups" and you looked at hiking boots',
        ),
    ],
)
def test_a_segment_is_told_by_its_description_or_else_by_what_it_asks(condition, said):
    age = 3 if "not" in condition else 40
    assert reason(f"when: {condition}", {"age": age, "country": "NO", "seen": ["boots"]}) == said


def test_of_alternatives_only_those_that_hold_are_told():
    condition = "when: {any: [{country: NO}, {page: cart}, {age: {at least: 18}}]}"
    assert reason(condition, {"country": "NO", "age": 3}) == "your country is NO"
    assert reason(condition, {"country": "NO", "age": 30}) == "your country is NO and your age is at least 18"


def test_a_long_condition_is_cut():
    parts = ", ".join(f"{{age: {{at least: {n}}}}}" for n in range(7))
    said = reason(f"when: {{all: [{parts}]}}", {"age": 30})
    assert said.endswith("your age is at least 3 and for 3 more reasons")
    many = reason(f"when: {{name: {{none of: {[f'n{n}' for n in range(9)]}}}}}", {"name": "Kari"})
    assert many == "your name is neither n0, n1, n2, n3, n4 nor 4 more"


@pytest.mark.parametrize(
    "rest, hidden, said",
    [
        ("when: {any: [{ills: knee}, {page: home}]}", "knee|ills", "the page is home"),
        (
            "when: {any: [{ills: knee}, {page: home}]}, because: your knee hurts",
            "knee|ills",
            "the page is home",
        ),
        (
            "when: {any: [{segment: aching}, {page: home}]}, because: your knee hurts",
            "knee|aching",
            "the page is home",
        ),
        ("when: {any: [{segment: aching}, {page: home}]}", "knee|aching", "the page is home"),
        ("when: {segment: mixed}", "ill|mixed", "your country is NO"),
        ("when: {segment: mixed}, because: you are ill", "ill|mixed", "your country is NO"),
        ("when: {ills: {known: false}, page: home}", "ills", "the page is home"),
        ("when: {ills: {known: false}}", "ills", "nothing that may be used about you speaks against it"),
        ("when: {any: [{logic: {'!!': [{var: user.ills}]}}, {page: home}]}", "ills", "the page is home"),
        ("when: {page: home}, because: you like it here", "page", "you like it here"),
    ],
)
def test_nothing_hidden_is_mentioned(rest, hidden, said):
    user = {"country": "NO", "age": 3, "ills": ["knee"]}
    assert reason(rest, user) == said
    assert not re.search(rf"\b({hidden})\b", said)


@pytest.mark.parametrize(
    "rest, said",
    [
        ("when: {any: [{ills: knee}, {page: home}]}, because: your knee hurts", "your knee hurts"),
        ("when: {segment: aching}", "you told us about your knee"),
        ("when: {ills: knee}", "your ills contain knee"),
        ("when: {segment: mixed}", "you looked ill"),
        ("when: {segment: mixed}, topic: health, because: you are ill", "you are ill"),
    ],
)
def test_with_consent_the_same_rules_say_it_all(rest, said):
    assert reason(rest, {"country": "US", "age": 3, "ills": ["knee"]} | YES) == said


def test_after_an_opt_out_of_personalization_only_the_moment_is_left():
    user = {"country": "NO", "age": 30, "opt_outs": ["personalization"]}
    rules = (
        "r: {when: {age: 30}, show: {hero: b}, because: you are 30}\ns: {when: {page: home}, show: {hero: a}}"
    )
    assert why(rules, user) == "You see this because the page is home."


@pytest.mark.parametrize(
    "actions, slot, said",
    [
        ("show: {hero: a}", "hero", "You see this because the page is home."),
        ("show: {bare: a}", "hero", f"You see this because {BY_DEFAULT}."),
        ("show: {hero: a}", "bare", f"You see nothing here because {BY_DEFAULT}."),
        ("hide: hero", "hero", "You see nothing here because the page is home."),
        ("hide: list", "list", "You see nothing here because the page is home."),
        ("order: {modules: [m2]}", "modules", "You see it in this order because the page is home."),
        ("show: {hero: a}", "modules", f"You see it in this order because {BY_DEFAULT}."),
        ("set: {path: team}, because: You buy.", "path", "This is set as it is because you buy."),
        ("show: {hero: a}", "path", f"This is set as it is because {BY_DEFAULT}."),
        ("show: {list: [a, b]}", "list", "You see this because the page is home."),
        ("show: {hero: a}", "list", f"You see nothing here because {BY_DEFAULT}."),
        ("show: {hero: a}", "unfilled", f"You see this because {BY_DEFAULT}."),
        (
            "show: {filled: b}",
            "filled",
            "You see this because the page is home; the rest is not chosen for you.",
        ),
        ("show: {hero: ill}, because: your knee hurts", "hero", f"You see this because {BY_DEFAULT}."),
    ],
)
def test_every_kind_of_slot_and_setting_has_its_sentence(actions, slot, said):
    assert why(f"r: {{when: {{page: home}}, {actions}}}", {}, slot=slot) == said


def test_a_slot_of_many_tells_the_reasons_of_every_rule_that_gave_something():
    rules = (
        "r: {when: {page: home}, show: {list: a}}\n"
        "s: {when: always, show: {list: b}, because: We like it.}\n"
        "t: {when: {page: home}, show: {list: c}}\n"
        "late: {when: always, show: {list: [a, b]}, because: never}"
    )
    assert why(rules, {}, slot="list") == "You see this because the page is home and because we like it."


def test_both_sides_of_a_name_are_told_apart():
    base = BASE.replace(
        "  context:\n", "    has_app: {type: boolean}\n    is_new: {type: boolean}\n  context:\n"
    )
    base = base.replace("    page:", "    country: {type: string}\n    hasTouch: {type: boolean}\n    page:")
    tests = "user.country: NO, context.country: US, has_app: true, is_new: false, hasTouch: true"
    rule = f"r: {{when: {{{tests}}}, show: {{hero: a}}}}"
    user = {"country": "NO", "has_app": True, "is_new": False}
    assert make(rule, base).evaluate(user, {"country": "US", "hasTouch": True}, NOW).why("hero") == (
        "You see this because your country is NO, the country is US, you have app, you are not new "
        "and has touch is true."
    )


@pytest.mark.parametrize("name", ["nope", "", "r"])
def test_an_unknown_name_is_a_key_error_like_that_of_the_decision(name):
    decision = make("r: {when: always, show: {hero: a}}").evaluate({}, {}, NOW)
    with pytest.raises(KeyError) as by_why:
        decision.why(name)
    with pytest.raises(KeyError) as by_index:
        decision[name]
    assert by_why.value.args == by_index.value.args


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_a_decision_says_the_same_and_holds_nothing_of_the_person(copied):
    rules = "r: {when: {age: {at least: 18}}, show: {hero: a, list: [b]}}"
    decision = make(rules).evaluate({"age": 40, "name": "Kari Nordmann"}, {"page": "home"}, NOW)
    other = copied(decision)
    assert other == decision
    assert hash(other) == hash(decision)
    assert {name: other.why(name) for name in other} == {name: decision.why(name) for name in decision}
    assert b"Nordmann" not in pickle.dumps(decision)
    assert "Nordmann" not in repr(decision)
    assert type(other.reasons).__name__ == "FrozenDict"


def test_decisions_that_differ_in_the_reason_alone_are_the_same_decision():
    engine = make("r: {when: {any: [{age: 3}, {country: NO}]}, show: {hero: a}}")
    by_age, by_country = engine.evaluate({"age": 3}, {}, NOW), engine.evaluate({"country": "NO"}, {}, NOW)
    assert by_age == by_country
    assert by_age.why("hero") != by_country.why("hero")
    assert "why" not in str(by_age.to_dict())


def test_segments_in_segments_are_read_once_each():
    depth = 40
    segments = ["  s0: {when: {country: NO}}"]
    segments += [
        f"  s{n}: {{when: {{all: [{{segment: s{n - 1}}}, {{segment: s{n - 1}}}]}}}}" for n in range(1, depth)
    ]
    engine = make(
        f"r: {{when: {{segment: s{depth - 1}}}, show: {{hero: a}}}}", BASE + "\n".join(segments) + "\n"
    )
    assert (
        engine.evaluate({"country": "NO"}, {}, NOW).why("hero") == "You see this because your country is NO."
    )


@pytest.mark.parametrize(
    "because, code",
    [("[a, b]", "wrong-kind"), ("{a: b}", "wrong-kind"), ("'Hi {{ user.name }}'", "wrong-kind")],
)
def test_because_is_text_and_no_template(because, code):
    rules = f"rules: {{r: {{when: always, show: {{hero: a}}, because: {because}}}}}"
    report = check_book({"base.yaml": BASE.encode(), "rules.yaml": rules.encode()})[1]
    found = [(d.code, d.span.column) for d in report.diagnostics if d.severity == "error"]
    assert found == [(code, rules.index("because: ") + 10)]


def test_the_sentences_of_the_example_book_are_whole():
    decision = Engine.load("rules").evaluate(
        {"viewed_categories": ["hiking-boots"], "country": "NO"}, {"page": "home"}, NOW
    )
    assert decision.why("hero") == "You see this because the page is home and you looked at hiking boots."
    for name in decision:
        assert re.fullmatch(r"(You|This) [^\n]+ because [^\n]+[^.]\.", decision.why(name)), name
