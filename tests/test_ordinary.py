"""The function that reads ordinary requests: nothing of a book becomes code; the rest is read plainly."""

import builtins
import copy
import dataclasses
import inspect
import pickle
import re
import sys
import threading
from collections import UserDict
from datetime import UTC, date, datetime

import pytest

from tailored.book.load import check_book
from tailored.engine.engine import Engine
from tailored.engine.reference import decide
from tests.support.make import make

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
CODE = "'\"); __import__('os').system('false') #\\n{v0}{n}%s"
BOOK = """
attributes:
  user:
    city: {{type: string, path: "a.{path}"}}
    plan: {{type: string, values: [{text}, free]}}
    seen: {{type: list of strings}}
    age: {{type: integer}}
    score: {{type: number}}
    born: {{type: date}}
    at: {{type: datetime}}
    app: {{type: version}}
    vip: {{type: boolean}}
  context:
    search: {{type: string}}
slots: {{hero: {{}}}}
content: {{c: {{title: T}}}}
rules:
  plan: {{when: {{plan: {text}, city: {text}}}, show: {{hero: c}}}}
  seen: {{when: {{seen: {text}, search: {{contains: {text}}}}}, show: {{hero: c}}}}
  age: {{when: {{age: 3}}, show: {{hero: c}}}}
  score: {{when: {{score: 0.5}}, show: {{hero: c}}}}
  born: {{when: {{born: 2026-11-24}}, show: {{hero: c}}}}
  at: {{when: {{at: {{before: 2026-11-24}}}}, show: {{hero: c}}}}
  app: {{when: {{app: "1.0"}}, show: {{hero: c}}}}
  vip: {{when: {{vip: true}}, show: {{hero: c}}}}
"""


def engine_of() -> Engine:
    text = "'" + CODE.replace("'", "''") + "'"
    book, report = check_book({"book.yaml": BOOK.format(text=text, path="b-c").encode()})
    assert report.errors == 0, report.to_text()
    return Engine(book)


WORDS = """
def read self user context now return raise pass if elif else is not None and or in for one try except True
type str int float bool list tuple dict len map bisect get isascii tzinfo bit_length KeyError Exception
datetime UTC read_now otherwise gated Odd CONSENTS OPT_OUTS GPC consents door door_of own side found clauses
nested found_at is_text MANY ELSE LEAST MOST LONGEST key make slots_of known SHORT hides firing all_firing
kept_back slots facts decide ranks beside_ranks Open FrozenDict book version withheld settings as_set values
sets reasons tell warnings __class__ Decision raws
"""
PATTERNS = r"((user|context)_)?(enough|first|rest|at_once)|(nothing_of|without)_[a-z]+|[a-z]+\d+(_\d+)?"


def variants() -> dict[str, str]:
    """Books for which other lines are written, whose every name and text would be code."""
    text = "'" + CODE.replace("'", "''") + "'"
    book = BOOK.format(text=text, path="b-c")
    rules = [f"  r{n}: {{when: {{age: {n}}}, show: {{hero: c}}}}" for n in range(1_100)]
    labels = "health: {type: string, topic: health}\n    seen:"
    shown = "{best of: [c], by: s}"
    return {
        "small": book,
        "texts": book.replace("title: T", "title: 'T {{ user.plan }}'"),
        "large": book + "  hidden: {when: {plan: free}, hide: [hero]}\n" + "\n".join(rules),
        "labels": book.replace("seen:", labels, 1) + "  ill: {topic: health, when: always, show: {hero: c}}",
        "settings": f"settings: {{city: {{type: string, default: {text}}}}}"
        + book.replace("hero: c", "hero: c}, set: {city: free"),
        "schedules": book + "  soon: {when: always, from: 2026-11-24, show: {hero: c}}",
        "ranked": "scorers: {s: {kind: python}}"
        + book
        + f"  ranked: {{when: always, show: {{hero: {shown}}}}}",
    }


@pytest.mark.parametrize("variant", variants())
def test_nothing_of_a_book_stands_in_the_source(variant, monkeypatch):
    sources = []
    real = builtins.compile

    def spy(source, name, mode, *rest, **more):
        if "ordinary" in str(name):
            sources.append(source)
        return real(source, name, mode, *rest, **more)

    monkeypatch.setattr(builtins, "compile", spy)
    book, report = check_book({"book.yaml": variants()[variant].encode()})
    assert report.errors == 0, report.to_text()
    engine = Engine(book, {"s": lambda facts, candidates: {}})
    for _ in range(2):
        engine.evaluate({"plan": CODE}, {}, NOW).warnings  # noqa: B018
    assert len(sources) >= 2
    for source in sources:
        assert not re.search(r"city|plan|seen|system|import|b-c|free|['\"]", source)
        words = set(re.findall(r"\w+", source)) - set(re.findall(r"\w+", WORDS))
        assert not [word for word in words if not re.fullmatch(PATTERNS, word) and not word.isdecimal()]


def test_names_and_values_that_would_be_code_are_only_names_and_values():
    engine = engine_of()
    user = {"plan": CODE, "a": {"b-c": CODE}}
    assert engine.evaluate(user, {}, NOW)["hero"].rule == "plan"
    assert engine.evaluate({"seen": [CODE]}, {"search": f"x{CODE}x"}, NOW)["hero"].rule == "seen"


class Text(str):
    pass


class Key(str):
    """Raises when it is compared with a key of its own hash."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        raise RuntimeError


VALUES = [
    *(
        None,
        True,
        False,
        0,
        1,
        3,
        -3,
        2**63 - 1,
        2**63,
        -(2**63),
        0.5,
        3.0,
        -0.0,
        1e300,
        float("nan"),
        float("inf"),
    ),
    *("", "free", CODE, "other", "å", "\ud800", "x" * 65_536, "x" * 65_537, Text("free"), b"free", object()),
    *("2026-11-24", "20261124", "2026-W48-2", "2026-11-31", "２026-11-24", "2026-11-24T10:00:00Z"),
    *("2026-11-24T24:00:00Z", "2026-11-24T23:59:60Z", "2026-11-24T10:00:00+01:00", "2026-W48-2T10:00:00Z"),
    *(date(2026, 11, 24), NOW, datetime(2026, 11, 24), "1", "1.0", "1.0.0+x", "01", "1.0-a"),
    *(
        [],
        ["free"],
        [CODE],
        (CODE,),
        ["å"],
        [1],
        [True],
        [None],
        ["x" * 65_537],
        ["x"] * 10_001,
        [Text("free")],
        {},
    ),
]


@pytest.mark.parametrize(
    "name", ["plan", "seen", "age", "score", "born", "at", "app", "vip", "a", "consents", "opt_outs"]
)
def test_every_kind_of_value_is_read_as_the_specification_says(name):
    engine = engine_of()
    for value in [*VALUES, *({"b-c": one} for one in VALUES)]:
        user = {name: value, "other": 1}
        expected = decide(engine.book, user, {}, NOW)
        for _ in range(4):  # what repeats is remembered
            assert engine.evaluate(user, {}, NOW).to_dict() == expected, value
        foreign = UserDict(user)
        assert engine.evaluate(foreign, {}, NOW).to_dict() == engine.evaluate(user, {}, NOW).to_dict()


def test_a_list_that_came_before_does_not_stand_in_for_one_that_equals_it():
    rules = "r: {when: {any: [{bought: {contains: 1}}, {seen: {contains: free}}]}, show: {hero: a}}"
    book = f"""
attributes: {{user: {{bought: {{type: list of integers}}, seen: {{type: list of strings}}}}}}
slots: {{hero: {{}}}}
content: {{a: {{title: A}}}}
rules: {{{rules}}}
"""
    read, report = check_book({"book.yaml": book.encode()})
    assert report.errors == 0, report.to_text()
    engine = Engine(read)
    for _ in range(3):
        assert engine.evaluate({"bought": [1], "seen": ["free"]}, {}, NOW).warnings == ()
    for odd in ([True], [1.5], ["1"]):
        (warning,) = engine.evaluate({"bought": odd}, {}, NOW).warnings
        assert warning.attribute == "user.bought"
    assert engine.evaluate({"bought": [1.0]}, {}, NOW)["hero"].rule == "r"
    (seen,) = engine.facts({"seen": [Text("free")]}, {}, NOW).values["user.seen"]
    assert type(seen) is str


@pytest.mark.parametrize("permitted", [{}, {"consents": {"health": True}}, {"opt_outs": ["personalization"]}])
def test_a_side_that_is_empty_is_as_one_that_says_nothing_of_the_book(permitted):
    engine = make(
        "bare: {when: {not: {country: {known: true}}, page: {known: false}}, show: {hero: a}}\n"
        "aged: {when: {age: {at least: 3}}, show: {hero: b}}\n"
        "home: {topic: health, when: {page: home, ills: {known: false}}, show: {hero: c}}"
    )
    for user in ({}, {"age": 4}):
        for context in ({}, {"page": "home"}):
            asked = user | permitted
            plain = engine.evaluate(asked, context, NOW)
            assert plain == engine.evaluate({**asked, "x": 1}, {**context, "x": 1}, NOW)
            assert plain.to_dict() == decide(engine.book, asked, context, NOW)


def test_a_key_that_cannot_be_compared_hurts_nobody():
    engine = make("r: {when: {age: 3}, show: {hero: a}}")
    decision = engine.evaluate({Key("age"): 3, "country": "NO"}, {}, NOW)
    assert decision["hero"].rule is None
    assert [warning.attribute for warning in decision.warnings] == ["user.age"]


def test_what_is_hidden_is_not_looked_up_in_mappings_that_have_everything():
    class Everything(UserDict):
        def get(self, key, default=None):
            return ["knee"]

    engine = make("r: {when: {ills: knee}, show: {hero: a}}")
    assert engine.facts(Everything(), {}, NOW).values.get("user.ills") is None


def test_a_decision_explains_what_was_asked_whatever_becomes_of_the_request():
    engine = engine_of()
    user = {"seen": [CODE], "age": 3}
    context = {"search": CODE}
    decision = engine.evaluate(user, context, NOW)
    other = engine.evaluate({"seen": [CODE], "age": 3}, {"search": CODE}, NOW)
    user["seen"].clear()
    user.clear()
    context.clear()
    assert decision.why("hero") == other.why("hero") != ""


def test_threads_that_fill_the_tables_together_decide_alike():
    engine = engine_of()
    requests = [
        ({"plan": plan, "age": age, "vip": vip, "app": "1.0", "score": age / 2}, {"search": plan})
        for plan in ("free", CODE)
        for age in range(6)
        for vip in (True, False)
    ]
    expected = [decide(engine.book, *request, NOW) for request in requests]
    wrong = []

    def ask(offset):
        for n in range(len(requests) * 3):
            place = (n + offset) % len(requests)
            if engine.evaluate(*requests[place], NOW).to_dict() != expected[place]:
                wrong.append(place)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=ask, args=(offset,)) for offset in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []


SMALL = """
attributes:
  user:
    plan: {type: string}
    born: {type: date}
    tags: {type: list of strings}
    size: {type: integer, values: [1, 2]}
slots: {hero: {}}
content: {c: {title: T}}
rules:
  tagged: {when: {plan: pro, tags: {contains: a}}, show: {hero: c}}
  born: {when: {plan: pro, born: {before: 2000-01-01}}, show: {hero: c}}
"""


@pytest.mark.parametrize("plan", ["free", "pro"])
def test_what_no_rule_needed_to_look_at_is_warned_of_all_the_same(plan):
    book, report = check_book({"book.yaml": SMALL.encode()})
    assert report.errors == 0
    engine = Engine(book)
    tags, odd = ["a", 5], {"a": 1}
    user = {"plan": plan, "born": "yesterday", "tags": tags, "size": 9, "id": odd}
    decision, expected = engine.evaluate(user, {}, NOW), decide(book, user, {}, NOW)
    tags[1], user["born"], user["size"] = "b", "2001-01-01", 1
    odd.clear()
    assert [(one.code, one.attribute) for one in decision.warnings] == [
        ("wrong-type", "user.id"),
        ("wrong-type", "user.born"),
        ("wrong-type", "user.tags"),
        ("unlisted-value", "user.size"),
    ]
    assert decision.to_dict() == expected
    assert decision.facts.values == {"user.plan": plan, "user.size": 9}


def test_a_decision_that_was_made_in_a_hurry_is_like_any_other():
    book, _ = check_book({"book.yaml": SMALL.encode()})
    engine = Engine(book)
    user = {"plan": "free", "tags": ["a", "b"], "born": "1999-05-05"}
    made, other = (engine.evaluate(user, {}, NOW) for _ in range(2))
    assert made == other == pickle.loads(pickle.dumps(made)) == copy.deepcopy(made)
    assert dataclasses.replace(made, book="other").warnings == ()
    assert "warnings=()" in repr(made)
    assert made.facts.values["user.tags"] == ("a", "b")
    assert engine.evaluate({**user, "size": "no"}, {}, NOW) != made
    with pytest.raises(AttributeError, match="no `colour`"):
        _ = made.colour


@pytest.mark.parametrize("plan", ["free", "pro"])
def test_a_class_of_ones_own_may_add_to_what_an_engine_does(plan):
    class Counted(Engine):
        asked = 0

        def evaluate(self, user, context, now=None):
            Counted.asked += 1
            return super().evaluate(user, context, now)

    book, _ = check_book({"book.yaml": SMALL.encode()})
    own, engine = Counted(book), Engine(book)
    for user in ({"plan": plan, "tags": ["a"]}, {"plan": 5}, UserDict(plan=plan)):
        for consents in ({}, {"opt_outs": ["personalization"]}):
            expected = engine.evaluate(user | consents, {}, NOW)
            assert expected.to_dict() == decide(book, user | consents, {}, NOW)
            assert own.evaluate(user | consents, {}, NOW) == Engine.evaluate(engine, user | consents, {}, NOW)
            assert own.evaluate(user | consents, {}, NOW) == expected
    assert Counted.asked == 12


def test_the_call_tells_what_it_takes_whatever_stands_in_for_it():
    book, _ = check_book({"book.yaml": SMALL.encode()})
    engine = Engine(book)
    assert [*inspect.signature(engine.evaluate).parameters] == ["user", "context", "now"]
    assert engine.evaluate.__doc__ == Engine.evaluate.__doc__ != ""
    assert engine.evaluate(context={}, user={}, now=NOW) == engine.evaluate({}, {}, NOW)
    for odd, error in ((5, TypeError), ("yesterday", ValueError)):
        with pytest.raises(error, match="`now`"):
            engine.evaluate({}, {}, odd)
    with pytest.raises(TypeError, match="`user` must be a mapping") as raised:
        engine.evaluate([], {}, NOW)
    assert raised.value.__context__ is None


@pytest.mark.parametrize("slots", ["{}", "{hero: {}, list: {many: 2, default: [d]}, all: {many: 3}}"])
def test_books_of_more_clauses_than_a_table_has_keys_decide_like_others(slots):
    show = "show: {hero: c, list: [c]}, " if "hero" in slots else ""
    rules = [
        f"  r{n}: {{when: {{age: {n % 40}, plan: p{n % 7}}}, {show}set: {{size: 2}}}}" for n in range(1_100)
    ]
    if "hero" in slots:
        rules.append("  hidden: {when: {plan: p3, age: {more than: 30}}, hide: [hero]}")
        rules.append("  all: {when: {age: 5}, show: {all: [d, h]}}")
    text = "\n".join(
        [
            "attributes: {user: {age: {type: integer}, plan: {type: string}}}",
            f"slots: {slots}",
            "settings: {size: {type: integer, default: 1}}",
            "content: {c: {title: C}, d: {title: D}, h: {title: H, topic: health}}",
            "rules:",
            *rules,
        ]
    )
    book, report = check_book({"book.yaml": text.encode()})
    assert report.errors == 0, report.to_text()
    engine = Engine(book)
    for user in (
        {},
        {"age": 5, "plan": "p5"},
        {"age": 39, "plan": "p3"},
        {"age": 5},
        {"plan": "p1", "age": 0},
    ):
        for said in ({}, {"opt_outs": ["personalization"]}, {"consents": {"health": True}}):
            expected = decide(book, user | said, {}, NOW)
            for _ in range(2):
                assert engine.evaluate(user | said, {}, NOW).to_dict() == expected
