"""What rules mean, one claim each: resolution, schedules, odd requests, and the shape of a decision."""

import json
import pickle
import re
import sys
import threading
from collections import ChainMap, UserDict
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from pathlib import Path

import pytest

import tailored
from tailored import BookNotReadable, Engine, RuleBookError
from tests.support.make import BASE, make

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_a_hide_beats_every_show():
    engine = make(
        "s: {when: always, show: {hero: a}, priority: 900}\nh: {when: always, hide: hero, priority: 0}"
    )
    hero = engine.evaluate({}, {}, NOW)["hero"]
    assert (hero.reason, hero.rule, hero.content, hero.hidden) == ("hidden", "h", None, True)
    assert hero.to_dict() == {"reason": "hidden", "rule": "h"}


def test_where_several_hide_the_first_in_order_is_named():
    engine = make(
        "low: {when: always, hide: hero, priority: 1}\n"
        "one: {when: always, hide: hero}\n"
        "two: {when: always, hide: hero}"
    )
    assert engine.evaluate({}, {}, NOW)["hero"].rule == "one"


@pytest.mark.parametrize(
    "rules, winner",
    [
        ("x: {when: always, show: {hero: a}}\ny: {when: always, show: {hero: b}, priority: 101}", "y"),
        ("x: {when: always, show: {hero: a}}\ny: {when: always, show: {hero: b}}", "x"),
        ("x: {when: always, show: {hero: a}, priority: 0}\ny: {when: {page: cart}, show: {hero: b}}", "x"),
    ],
)
def test_the_higher_priority_wins_then_the_first_in_the_book(rules, winner):
    assert make(rules).evaluate({}, {"page": "home"}, NOW)["hero"].rule == winner


def test_first_in_the_book_goes_by_path_part_by_part():
    from tailored.book.load import check_book

    rule = "rules: {%s: {when: always, show: {hero: c}}}"
    sources = {
        "base.yaml": b"slots: {hero: {}}\ncontent: {c: {title: x}}",
        "a-b/x.yaml": (rule % "dash").encode(),
        "a/x.yaml": (rule % "slash").encode(),
    }
    book, report = check_book(sources)
    assert report.errors == 0
    assert Engine(book).evaluate({}, {}, NOW)["hero"].rule == "slash"


def test_a_many_slot_is_filled_in_order_without_repeats_up_to_its_number():
    engine = make(
        "low: {when: always, show: {list: [d, a, b]}, priority: 1}\n"
        "high: {when: always, show: {list: [a, c]}}"
    )
    placed = [(item.content, item.rule) for item in engine.evaluate({}, {}, NOW)["list"].items]
    assert placed == [("a", "high"), ("c", "high"), ("d", "low")]


@pytest.mark.parametrize(
    "slot, shown, reason, items",
    [
        ("filled", "b", "rule", [("b", "r"), ("plain", None), ("a", None)]),
        ("filled", "a", "rule", [("a", "r"), ("plain", None)]),
        ("unfilled", "b", "rule", [("b", "r")]),
        ("list", None, "default", []),
        ("filled", None, "default", [("plain", None), ("a", None)]),
        ("unfilled", None, "default", [("plain", None), ("a", None)]),
    ],
)
def test_a_default_stands_in_for_rules_and_fills_up_only_where_the_slot_says_so(slot, shown, reason, items):
    engine = make(
        f"r: {{when: always, show: {{{slot}: {shown}}}}}" if shown else "r: {when: always, hide: hero}"
    )
    placement = engine.evaluate({}, {}, NOW)[slot]
    assert placement.reason == reason
    assert [(item.content, item.rule) for item in placement.items] == items


def test_a_slot_without_anything_is_there_all_the_same():
    assert make("r: {when: always, hide: hero}").evaluate({}, {}, NOW).to_dict()["slots"]["bare"] == {
        "reason": "default",
        "rule": None,
        "content": None,
        "fields": {},
    }


def test_the_first_order_rule_puts_its_modules_first_and_the_rest_keep_their_places():
    engine = make("x: {when: always, order: {modules: [m3]}}\ny: {when: always, order: {modules: [m2]}}")
    assert engine.evaluate({}, {}, NOW)["modules"].to_dict() == {
        "reason": "rule",
        "rule": "x",
        "order": ["m3", "m1", "m2"],
    }


def test_a_setting_takes_the_value_of_the_first_rule_or_its_default():
    engine = make("x: {when: {page: cart}, set: {path: team}}")
    assert engine.evaluate({}, {"page": "cart"}, NOW).settings["path"].to_dict() == {
        "value": "team",
        "rule": "x",
    }
    assert engine.evaluate({}, {}, NOW)["path"].to_dict() == {"value": "solo", "rule": None}


@pytest.mark.parametrize(
    "now, awake",
    [
        ("2026-10-31T23:59:59.999999Z", False),
        ("2026-11-01T00:00:00Z", True),
        ("2026-11-01T01:00:00+02:00", False),
        ("2026-11-30T23:59:59.999999Z", True),
        ("2026-12-01", False),
        (datetime(2026, 11, 1), True),
        (datetime(2026, 12, 1, 1, tzinfo=timezone(timedelta(hours=2))), True),
    ],
)
def test_a_rule_is_awake_from_its_first_moment_to_before_its_last(now, awake):
    engine = make("r: {when: always, show: {hero: a}, from: 2026-11-01, until: 2026-12-01}")
    assert (engine.evaluate({}, {}, now)["hero"].rule == "r") is awake


@pytest.mark.parametrize(
    "condition, user, fires",
    [
        ("{country: {is not: US}}", {}, False),
        ("{not: {country: US}}", {}, False),
        ("{not: {country: US}}", {"country": "NO"}, True),
        ("{any: [{country: US}, {age: 3}]}", {"age": 3}, True),
        ("{all: [{country: US}, {age: 3}]}", {"age": 3}, False),
        ("{not: {all: [{country: US}, {age: 3}]}}", {"age": 4}, True),
        ("{age: {known: false}}", {"age": "18"}, True),
        ("{age: {known: true}}", {"age": 18.0}, True),
        ("{not: {segment: young}}", {}, False),
        ("{not: {segment: young}}", {"age": 30}, True),
        ("{city: Bergen}", {"address": {"city": "Bergen"}}, True),
        ("{city: Bergen}", {"city": "Bergen"}, False),
        ("{seen: [x, y]}", {"seen": ("y",)}, True),
        ("{seen: {size: 0}}", {"seen": []}, True),
        ("{seen: {contains none: [x]}}", {"seen": []}, True),
    ],
)
def test_a_rule_fires_only_when_its_condition_is_known_to_be_true(condition, user, fires):
    engine = make(f"r: {{when: {condition}, show: {{hero: a}}}}")
    assert (engine.evaluate(user, {}, NOW)["hero"].rule == "r") is fires


class Odd(dict):
    def get(self, *args):
        raise RuntimeError("never")


DEEP: dict = {}
for _ in range(100_000):
    DEEP = {"city": DEEP}

ODD = [
    ("age", "18", "wrong-type"),
    ("age", True, "wrong-type"),
    ("age", float("nan"), "wrong-type"),
    ("age", float("inf"), "wrong-type"),
    ("age", 1.5, "wrong-type"),
    ("age", 10**400, "too-large"),
    ("age", [18], "wrong-type"),
    ("name", b"Kari", "wrong-type"),
    ("name", "x" * 70_000, "too-large"),
    ("name", "\ud800", "wrong-type"),
    ("name", object(), "wrong-type"),
    ("seen", "boots", "wrong-type"),
    ("seen", ["boots", 3], "wrong-type"),
    ("seen", ["x"] * 20_000, "too-large"),
    ("seen", {"x"}, "wrong-type"),
    ("address", "Bergen", "wrong-type"),
    ("address", Odd(city="x"), "wrong-type"),
    ("address", DEEP, "wrong-type"),
    ("born", NOW, "wrong-type"),
    ("born", "2026-02-30", "wrong-type"),
    ("since", date(2026, 1, 1), "wrong-type"),
    ("since", datetime.max.replace(tzinfo=timezone(timedelta(hours=-2))), "wrong-type"),
    ("app", 1.1, "wrong-type"),
    ("vip", 1, "wrong-type"),
]


@pytest.mark.parametrize(
    "name, value, code", ODD, ids=[f"{name}-{place}" for place, (name, *_) in enumerate(ODD)]
)
def test_a_value_that_cannot_be_used_counts_as_missing_with_a_warning_that_does_not_tell_it(
    name, value, code
):
    engine = make(
        "r: {when: {any: [{age: {known: true}}, {city: {known: true}}, {seen: {known: true}}]}, hide: hero}"
    )
    decision = engine.evaluate({name: value}, {}, NOW)
    assert decision["hero"].reason == "default"
    (warning,) = decision.warnings
    assert warning.code == code
    assert warning.attribute == {"address": "user.city"}.get(name, f"user.{name}")
    what = r"not (text|an? [a-z ]+|true or false)|larger than anything that makes sense"
    assert re.fullmatch(rf"`user\.\w+` is ({what}); it counts as missing\.", warning.message)


def test_a_text_outside_the_values_is_used_as_it_is_with_a_warning():
    engine = make("r: {when: {country: {is not: US}}, show: {hero: a}}")
    decision = engine.evaluate({"country": "SE"}, {}, NOW)
    assert decision["hero"].rule == "r"
    assert [warning.to_dict() for warning in decision.warnings] == [
        {
            "code": "unlisted-value",
            "attribute": "user.country",
            "message": "`user.country` has a value that the book does not list; it is used as it is.",
        }
    ]


def test_what_the_book_does_not_declare_is_ignored():
    decision = make("r: {when: always, hide: hero}").evaluate(
        {"shoe": object(), 3: 4, None: 1}, {"x": DEEP}, NOW
    )
    assert decision.warnings == ()


@pytest.mark.parametrize("user", [None, [], "u1", 3, {"a"}])
def test_a_user_or_context_that_is_no_mapping_is_a_type_error_with_a_sentence(user):
    engine = make("r: {when: always, hide: hero}")
    with pytest.raises(TypeError, match="`user` must be a mapping such as a dict, not"):
        engine.evaluate(user, {}, NOW)
    with pytest.raises(TypeError, match="`context` must be a mapping"):
        engine.evaluate({}, user, NOW)


@pytest.mark.parametrize(
    "now, error", [("soon", ValueError), (3, TypeError), (date(2026, 1, 1), TypeError), ("", ValueError)]
)
def test_a_now_that_is_no_time_is_refused(now, error):
    with pytest.raises(error, match="`now`"):
        make("r: {when: always, hide: hero}").evaluate({}, {}, now)


@pytest.mark.parametrize("kind", [dict, UserDict, ChainMap])
def test_any_mapping_will_do(kind):
    engine = make("r: {when: {age: 3, city: x}, show: {hero: a}}")
    assert engine.evaluate(kind({"age": 3, "address": kind({"city": "x"})}), kind(), NOW)["hero"].rule == "r"


def test_a_request_is_left_as_it_was():
    user, context = {"seen": ["a"], "consents": {"health": True}}, {"page": "home"}
    before = deepcopy((user, context))
    make("r: {when: {seen: a}, show: {hero: a}}").evaluate(user, context, NOW)
    assert (user, context) == before


def test_a_setting_that_is_a_list_is_frozen_too():
    base = BASE.replace("settings:\n", "settings:\n  days: {type: list of integers, default: [7]}\n")
    decision = make("r: {when: always, set: {days: [1, 2]}}", base).evaluate({}, {}, NOW)
    assert decision["days"].value == (1, 2)
    assert decision.to_dict()["settings"]["days"]["value"] == [1, 2]
    assert hash(decision) == hash(decision)


def test_a_decision_is_a_frozen_mapping_of_slots_and_settings():
    engine = make("r: {when: always, show: {hero: hello, list: [a]}}")
    decision = engine.evaluate({"name": "Kari"}, {}, NOW)
    assert decision["hero"].fields == {"title": "Hello, Kari"}
    assert list(decision) == [*engine.book.slots, *engine.book.settings]
    assert len(decision) == len(list(decision))
    assert "hero" in decision
    assert "nope" not in decision
    with pytest.raises(KeyError, match="no slot and no setting `nope`"):
        decision["nope"]
    with pytest.raises(AttributeError):
        decision.book = "x"
    with pytest.raises(AttributeError):
        decision["hero"].content = "x"
    with pytest.raises(TypeError, match="cannot be changed"):
        decision["hero"].fields["title"] = "x"
    with pytest.raises(TypeError, match="cannot be changed"):
        decision.slots.pop("hero")
    assert pickle.loads(pickle.dumps(decision)) == decision == deepcopy(decision)
    assert hash(decision) == hash(engine.evaluate({"name": "Kari"}, {}, NOW))


def test_the_data_of_a_decision_is_the_callers_to_change_and_the_same_every_time():
    engine = make("r: {when: always, show: {hero: hello}}")
    decision = engine.evaluate({}, {}, NOW)
    data = decision.to_dict()
    data["slots"]["hero"]["fields"]["title"] = "changed"
    assert decision["hero"].fields["title"] == "Hello"
    assert decision.to_json() == engine.evaluate({}, {}, NOW).to_json()
    assert json.loads(decision.to_json(indent=2)) == decision.to_dict()


@pytest.mark.parametrize("name", ["book", "version", "evaluate", "_plan", "anything"])
def test_an_engine_cannot_be_changed(name):
    engine = make("r: {when: always, show: {hero: a}}")
    with pytest.raises(AttributeError, match=f"never changes, so its `{name}` cannot be set"):
        setattr(engine, name, None)
    with pytest.raises(AttributeError, match=f"never changes, so its `{name}` cannot be deleted"):
        delattr(engine, name)
    assert engine.evaluate({}, {})["hero"].content == "a"


def test_a_moment_in_a_zone_that_cannot_be_read_is_a_value_error():
    class Nowhere(tzinfo):
        def utcoffset(self, moment):
            raise RuntimeError

    with pytest.raises(ValueError, match="whose zone cannot be read"):
        make("r: {when: always, show: {hero: a}}").evaluate({}, {}, datetime(2026, 11, 1, tzinfo=Nowhere()))


def test_threads_share_an_engine():
    engine = make("r: {when: {segment: young}, show: {hero: hello}}")
    expected = {age: engine.evaluate({"age": age, "name": "x"}, {}, NOW).to_json() for age in range(60)}
    wrong = []

    def ask():
        for _ in range(20):
            for age, answer in expected.items():
                if engine.evaluate({"age": age, "name": "x"}, {}, NOW).to_json() != answer:
                    wrong.append(age)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert wrong == []


def test_the_books_version_changes_with_its_meaning_only(tmp_path):
    def version(text: str) -> str:
        (tmp_path / "book.yaml").write_bytes(text.encode())
        return Engine.load(tmp_path).version

    book = (
        "slots: {hero: {}}\ncontent: {c: {title: T}}\nattributes: {context: {page: {type: string}}}\n"
        "rules:\n  one: {when: {page: home}, show: {hero: c}}\n"
        "  two: {when: always, hide: hero, priority: 5}\n"
    )
    same = [
        "# a comment\n" + book,
        book.replace("\n", "\r\n"),
        book.replace("{page: home}", "\n      context.page: {is: 'home'}")
        .replace("one: {when:", "one:\n    when:")
        .replace(", show: {hero: c}}\n", "\n    show:\n      hero: c\n"),
        book.replace("rules:\n", "rules:\n  two: {when: always, hide: [hero], priority: 5}\n").replace(
            "  two: {when: always, hide: hero, priority: 5}\n", ""
        ),
    ]
    other = [book.replace("home", "cart"), book.replace("title: T", "title: U"), book.replace("5", "6")]
    assert {version(text) for text in same} == {version(book)}
    assert len({version(text) for text in [book, *other]}) == 4


def test_a_book_with_errors_raises_what_the_validator_prints(tmp_path):
    (tmp_path / "book.yaml").write_text("rules: {r: {when: {page: home}, show: {hero: x}}}")
    with pytest.raises(RuleBookError) as caught:
        Engine.load(tmp_path)
    assert {finding.code for finding in caught.value.diagnostics} >= {"unknown-attribute", "unknown-slot"}
    assert "book.yaml:1:" in str(caught.value)
    with pytest.raises(BookNotReadable, match="there is no folder"):
        Engine.load(tmp_path / "nothing")


def test_evaluate_takes_the_book_of_the_environment_and_loads_it_once(monkeypatch):
    monkeypatch.setattr("tailored.engine.engine._engine", None)
    monkeypatch.setenv("TAILORED_RULES", str(Path("rules").resolve()))
    decision = tailored.evaluate({}, {"page": "home"}, NOW)
    assert decision["hero"].content == "generic-hero"
    monkeypatch.setenv("TAILORED_RULES", "/nowhere")
    assert tailored.evaluate({}, {"page": "home"}, NOW) == decision
