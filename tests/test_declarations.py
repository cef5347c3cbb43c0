"""Attributes, topics, slots and settings are read with their kinds; every mistake has a mend."""

import pytest

from tailored.book.builtin import TOPICS
from tailored.book.collect import collect
from tailored.book.declarations import (
    Labels,
    read_attributes,
    read_purposes,
    read_settings,
    read_slots,
    read_topics,
)
from tailored.book.diagnostics import Diagnostic
from tailored.book.model import Setting, Slot, Topic
from tailored.book.source import read_sources
from tailored.condition.types import Type


def read(*texts: str):
    report: list[Diagnostic] = []
    collected = collect({f"{i}.yaml": text.encode() for i, text in enumerate(texts)}, report)
    sections = collected.sections
    topics = read_topics(sections["topics"])
    return (
        topics,
        read_attributes(sections["attributes"], Labels(topics, read_purposes(sections["purposes"]))),
        read_slots(sections["slots"]),
        read_settings(sections["settings"]),
        report,
    )


def test_the_example_book_declares_without_a_finding():
    report: list[Diagnostic] = []
    sections = collect(read_sources("rules"), report).sections
    topics = read_topics(sections["topics"])
    attributes = read_attributes(sections["attributes"], Labels(topics, read_purposes(sections["purposes"])))
    slots = read_slots(sections["slots"])
    settings = read_settings(sections["settings"])
    assert report == []
    assert attributes["context.page"].type is Type.STRING
    assert {slot.kind for slot in slots.values()} == {"single", "many", "order"}
    assert settings["onboarding-path"].values == ("solo", "team", "client")


def test_a_declaration_says_everything_about_an_attribute():
    _, attributes, _, _, report = read(
        "topics: {pregnancy: {description: Expecting, consent: health}, secret: {consent: never}}",
        "attributes: {user: {city: {type: string, path: address.city, personal: true, "
        "topic: [health, pregnancy], purpose: personalization, "
        "values: [Oslo, 2], description: Where}}, context: }",
    )
    city = attributes["user.city"]
    assert report == []
    assert (city.path, city.personal, city.topics) == (("address", "city"), True, ("health", "pregnancy"))
    assert (city.values, city.description, city.purpose) == (("Oslo", "2"), "Where", "personalization")
    assert {"user.id", "user.opt_outs", "context.gpc", "context.request_id"} < set(attributes)


def test_topics_open_by_their_own_flag_unless_the_book_says_otherwise():
    topics, *_ = read(
        "topics: {pregnancy: {consent: health}, secret: {consent: never}, closed: {consent: Never}}"
    )
    assert topics["health"] == Topic("health", "health", TOPICS["health"])
    assert topics["pregnancy"].consent == "health"
    assert (topics["secret"].consent, topics["closed"].consent) == (None, None)


def test_slots_are_of_three_kinds():
    *_, slots, settings, report = read(
        "slots: {a: {default: x}, b: {many: 2, default: [x, y], fill: true}, c: {order: [m, n]}}",
        "settings: {s: {type: integer, default: 3}, l: {type: list of strings, default: [a]}}",
    )
    assert report == []
    assert slots == {
        "a": Slot("a", ("x",)),
        "b": Slot("b", ("x", "y"), 2, True),
        "c": Slot("c", modules=("m", "n")),
    }
    assert settings == {"s": Setting("s", Type.INTEGER, 3), "l": Setting("l", Type.STRINGS, ("a",))}


@pytest.mark.parametrize(
    "text, code, words",
    [
        ("- a", "wrong-kind", "A rule file must be a mapping"),
        ("ruels: {}", "unknown-section", "Did you mean `rules`?"),
        ("rules: []", "wrong-kind", "must be a mapping"),
        ("slots: {Hero Slot: {}}", "bad-id", "Write `hero-slot`."),
        (
            "slots: {a: {}}\nsettings: {a: {type: integer, default: 1}}",
            "duplicate-id",
            "both are keys of a decision",
        ),
        ("attributes: {usr: {}}", "unknown-key", "Did you mean `user`?"),
        ("attributes: {user: {first-name: {type: string}}}", "bad-name", "`path:`"),
        ("attributes: {user: {any: {type: string}}}", "bad-name", "words of the language"),
        ("attributes: {user: {consents: {type: string}}}", "bad-name", "exists in every book"),
        ("attributes: {user: {a: string}}", "wrong-kind", "{type: string}"),
        ("attributes: {user: {a: {}}}", "missing-key", "Types are string"),
        ("attributes: {user: {a: {type: strng}}}", "unknown-type", "Did you mean `string`?"),
        ("attributes: {user: {a: {type: string, valeus: [x]}}}", "unknown-key", "Did you mean `values`?"),
        ("attributes: {user: {a: {type: integer, values: [x]}}}", "wrong-type", "`x` is none"),
        ("attributes: {user: {a: {type: integer, values: []}}}", "empty-list", "at least one"),
        ("attributes: {user: {a: {type: string, values: x}}}", "wrong-kind", "Write `values: [x]`."),
        ("attributes: {user: {a: {type: string, topic: heath}}}", "unknown-topic", "Did you mean `health`?"),
        ("attributes: {user: {a: {type: string, topic: []}}}", "empty-list", "at least one"),
        ("attributes: {user: {a: {type: string, purpose: x}}}", "unknown-purpose", "personalization"),
        ("attributes: {user: {a: {type: string, path: a..b}}}", "wrong-kind", "address.city"),
        ("slots: {a: {default: [x]}}", "wrong-slot-kind", "one default"),
        ("slots: {a: {fill: true}}", "wrong-slot-kind", "Only a `many` slot"),
        ("slots: {a: {order: [m], many: 2}}", "wrong-slot-kind", "takes no `many`"),
        ("slots: {a: {order: [m, m]}}", "duplicate-item", "twice"),
        ("slots: {a: {many: 1, default: [x, y]}}", "too-many-items", "takes 1"),
        ("slots: {a: {many: 0}}", "wrong-type", "from 1 to 1000"),
        ("slots: {a: {many: six}}", "wrong-type", "a whole number"),
        ("settings: {s: {type: integer}}", "missing-key", "no `default`"),
        ("settings: {s: {default: 1}}", "missing-key", "`type`"),
        ("settings: {s: {type: string, default: x, values: [y]}}", "unknown-value", "They are y"),
        ("settings: {s: {type: list of strings, default: x}}", "wrong-type", "takes a list"),
        ("settings: {s: {type: integer, default: x}}", "wrong-type", "`x` is none"),
    ],
)
def test_a_mistake_in_a_declaration_is_explained(text, code, words):
    *_, report = read(text)
    assert [d.code for d in report] == [code]
    assert words in f"{report[0].message} {report[0].hint}"


def test_an_id_stands_once_in_the_book_and_both_places_are_named():
    *_, report = read("slots: {a: {}}", "slots:\n  a: {}")
    assert [(d.code, str(d.span)) for d in report] == [("duplicate-id", "1.yaml:2:3")]
    assert "0.yaml:1:9" in report[0].message
