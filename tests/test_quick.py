"""What an application may expect of the function of a book, which stands in for `evaluate`."""

import dataclasses
import re
import sys
import typing
from datetime import UTC, datetime
from unittest import mock

import pytest

from tailored.book.load import check_book
from tailored.engine.engine import Engine
from tailored.engine.reference import decide

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SMALL = """
attributes:
  user:
    plan: {type: string}
    note: {type: string}
    born: {type: date}
    seen: {type: datetime}
    tags: {type: list of strings}
    health: {type: string}
    diagnoses: {type: list of strings, topic: health, path: health.diagnoses}
slots: {hero: {}}
content: {c: {title: T}}
rules:
  tagged: {when: {plan: pro, tags: {contains: a}}, show: {hero: c}}
  born: {when: {plan: pro, born: {before: 2000-01-01}}, show: {hero: c}}
  seen: {when: {plan: pro, seen: {before: 2000-01-01}}, show: {hero: c}}
"""
RANKED = """
attributes: {user: {plan: {type: string}}}
slots: {hero: {}}
content: {c: {title: T}, d: {title: D}}
scorers: {s: {kind: python}}
rules: {r: {when: always, show: {hero: {best of: [c, d], by: s}}}}
"""


def engine_of(text=SMALL, kind=Engine, **more):
    book, report = check_book({"book.yaml": text.encode()})
    assert report.errors == 0, report.to_text()
    return kind(book, **more)


def warm(engine):
    """Asks until what all slots show is known, so that the next request is decided at once."""
    for _ in range(4):
        engine.evaluate({"plan": "free"}, {}, NOW)
    return engine


class Frozen(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime(2020, 1, 1, tzinfo=tz)


def test_a_clock_that_the_tests_of_an_application_hold_is_the_clock(monkeypatch):
    engine = engine_of()
    for name, module in list(sys.modules.items()):  # as freezegun does
        if name.startswith("tailored") and getattr(module, "datetime", None) is datetime:
            monkeypatch.setattr(module, "datetime", Frozen)
    assert Engine.evaluate(engine, {}, {}).facts.now.year == 2020
    assert engine.evaluate({}, {}).facts.now.year == 2020


def test_a_book_may_be_loaded_while_the_method_is_replaced():
    with mock.patch.object(Engine, "evaluate", return_value="mine"):
        assert engine_of().evaluate({}, {}, NOW) == "mine"


def test_the_types_of_the_call_can_be_read():
    assert typing.get_type_hints(engine_of().evaluate) == typing.get_type_hints(Engine.evaluate)


class Loose(str):
    def __eq__(self, other):
        return isinstance(other, str) and str.lower(self) == str.lower(other)

    def __hash__(self):
        return hash(str.lower(self))


@pytest.mark.parametrize("remember", [0, 10])
def test_a_list_of_texts_that_call_themselves_equal_to_others_is_not_taken_for_these(remember):
    rules = "a: {when: {tags: a}, show: {hero: c}}"
    engine = engine_of(SMALL[: SMALL.index("rules:")] + f"rules: {{{rules}}}", remember=remember)
    first = engine.evaluate({"tags": [Loose("A")]}, {}, NOW)
    assert first["hero"].rule is None
    for _ in range(4):
        engine.evaluate({"tags": ["a"]}, {}, NOW)
    again = engine.evaluate({"tags": [Loose("A")]}, {}, NOW)
    assert again == first
    if not remember:
        assert again.facts.values == {"user.tags": ("A",)}


class Own(Engine):
    def evaluate(self, user, context, now=None):
        return super().evaluate(user, context, now)


@pytest.mark.parametrize(
    ("text", "kind", "more"),
    [(SMALL, Own, {}), (RANKED, Engine, {"scorers": {"s": lambda facts, candidates: {}}})],
)
def test_an_error_has_none_of_ours_behind_it(text, kind, more):
    with pytest.raises(TypeError, match="`user` must be a mapping") as raised:
        engine_of(text, kind, **more).evaluate([], {}, NOW)
    assert raised.value.__context__ is None


def test_a_small_book_may_ask_for_thousands_of_attributes():
    names = [f"a{number}" for number in range(3_200)]
    rules = [names[at : at + 16] for at in range(0, len(names), 16)]
    text = "\n".join(
        [
            f"attributes: {{user: {{{', '.join(f'{name}: {{type: integer}}' for name in names)}}}}}",
            "slots: {hero: {}}",
            "content: {c: {title: C}}",
            "rules:",
            *(
                f"  r{n}: {{when: {{{', '.join(f'{one}: 1' for one in of)}}}, show: {{hero: c}}}}"
                for n, of in enumerate(rules)
            ),
        ]
    )
    assert engine_of(text).evaluate(dict.fromkeys(rules[3], 1), {}, NOW)["hero"].rule == "r3"


class StandIn:
    """What proxies are (of wrapt, werkzeug or Django): they tell the class of what they stand for."""

    def __init__(self, of):
        self.of = of

    __class__ = property(lambda self: type(self.of))
    __hash__ = property(lambda self: self.of.__hash__)

    def __eq__(self, other):
        return self.of == other

    def __len__(self):
        return len(self.of)

    def isascii(self):
        return self.of.isascii()


@pytest.mark.parametrize("text", [SMALL, SMALL.replace("title: T", "title: 'T {{ user.plan }}'")])
def test_what_stands_in_for_a_text_cannot_change_a_decision_afterwards(text):
    engine = engine_of(f"{text}  plain: {{when: {{plan: pro}}, show: {{hero: c}}}}")
    for _ in range(4):
        engine.evaluate({"plan": "pro"}, {}, NOW)
    plan = StandIn("pro")
    decision = engine.evaluate({"plan": plan}, {}, NOW)
    before = decision.why("hero"), dict(decision.facts.values)
    plan.of = "free"
    assert (decision.why("hero"), decision.facts.values) == before


def test_what_stands_in_for_a_text_is_read_alike_whatever_else_a_request_holds():
    engine = engine_of(f"{SMALL}  plain: {{when: {{plan: pro}}, show: {{hero: c}}}}")
    rules = {
        engine.evaluate({"plan": StandIn("pro")} | more, {}, NOW)["hero"].rule
        for more in ({}, {"tags": 5})
        for _ in range(4)
    }
    assert len(rules) == 1


def test_what_is_hidden_from_a_request_is_nowhere_in_its_decision():
    engine = warm(engine_of())
    decision = engine.evaluate({"plan": "free", "health": {"diagnoses": ["knee"]}}, {}, NOW)
    assert "knee" not in repr(decision.reasons[3:])
    assert "knee" not in repr(dataclasses.asdict(decision))


def test_why_is_worked_out_of_facts_that_are_made_once(monkeypatch):
    engine = warm(engine_of(re.sub(r" +health: .*\n| +diagnoses: .*\n", "", SMALL)))
    made = []
    settled = engine._reader._settle
    vars(engine._reader)["_settle"] = lambda raws: made.append(1) or settled(raws)
    decision = engine.evaluate({"plan": "free", "tags": ["a"]}, {}, NOW)
    assert (decision.why("hero"), decision.warnings) == (decision.why("hero"), ())
    assert len(made) == 1


@pytest.mark.parametrize("rules", [1_023, 1_024, 1_025, 1_026])
def test_books_around_the_length_of_short_bits_decide_at_once(rules):
    lines = [f"  r{n}: {{when: {{age: {n}}}, show: {{hero: c}}}}" for n in range(rules)]
    text = "attributes: {user: {age: {type: integer}}}\nslots: {hero: {}}\ncontent: {c: {title: C}}\nrules:\n"
    engine = engine_of(text + "\n".join(lines))
    for age in (0, rules - 1):
        decisions = [engine.evaluate({"age": age}, {}, NOW) for _ in range(4)]
        assert decisions[-1]["hero"].rule == f"r{age}"
        assert len(decisions[-1].reasons) > 2


class Everything:
    """Says that it is a dictionary, and has something under every name."""

    __class__ = dict

    def get(self, key, default=None):
        return None if key in ("id", "plan") else ["knee"]

    def __contains__(self, key):
        return False

    def __len__(self):
        return 1

    def __iter__(self):
        return iter(())

    def __getitem__(self, key):
        raise KeyError(key)


def test_what_is_hidden_is_not_looked_up_in_what_only_says_that_it_is_a_dictionary():
    rules = "ill: {when: {ills: knee}, show: {hero: c}}"
    attributes = "attributes: {user: {ills: {type: list of strings, topic: health}}}"
    engine = engine_of(
        f"{attributes}\nslots: {{hero: {{}}}}\ncontent: {{c: {{title: T}}}}\nrules: {{{rules}}}"
    )
    decision = engine.evaluate(Everything(), {}, NOW)
    assert decision["hero"].rule is None
    assert "user.ills" not in decision.facts.values


@pytest.mark.parametrize("name", ["\ud800", "x" * 70_000])
def test_a_consent_whose_name_cannot_be_one_takes_no_other_away(name):
    engine = engine_of(
        "slots: {hero: {}}\ncontent: {c: {title: T, topic: health}}\n"
        "rules: {r: {when: always, show: {hero: c}}}"
    )
    for said in ({"health": True}, {"health": True, name: True}, {name: True}, {"health": False, name: True}):
        decision = engine.evaluate({"consents": said}, {}, NOW)
        assert decision.to_dict() == decide(engine.book, {"consents": said}, {}, NOW)
        assert decision["hero"].rule == ("r" if said.get("health") else None)
