"""The engine agrees with the specification on generated books and requests, in every part of the decision."""

import json
import random
from collections import Counter, UserDict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tailored.book.load import check_book
from tailored.condition.values import read_now
from tailored.engine.engine import Engine
from tailored.engine.reference import decide
from tests.support.books import books
from tests.support.conditions import NOW, contexts, users, written
from tests.support.small_books import SmallBook

REQUESTS = st.lists(st.tuples(users(), contexts()), min_size=3, max_size=6)
SEEN: Counter[str] = Counter()


def compare(written_book, requests) -> None:
    book, report = check_book({"book.yaml": written(written_book)}, now=NOW)
    errors = [finding for finding in report.diagnostics if finding.severity == "error"]
    assert {finding.code for finding in errors} <= {"never-consented"}, report.to_text()
    never = {f.message.split("`")[1] for f in errors if "can never do anything" in f.message}
    engine = Engine(book)
    for user, context in requests:
        decision = engine.evaluate(user, context, NOW)
        assert decision.to_dict() == decide(book, user, context, NOW)
        assert json.loads(decision.to_json()) == decision.to_dict()
        assert never.isdisjoint(used_rules(decision.to_dict()))
        SEEN.update({placement.reason for placement in decision.slots.values()})
        SEEN.update({f"withheld {entry.kind} {entry.label}" for entry in decision.withheld})
        SEEN.update({warning.code for warning in decision.warnings})
        SEEN.update(
            {"a purpose of the book"} if {"ads", "tips"} & {entry.name for entry in decision.withheld} else ()
        )
        SEEN.update({"never consented"} if never else ())
        SEEN.update(["set"] if any(setting.rule for setting in decision.settings.values()) else [])


def used_rules(decision) -> set[str | None]:
    """The rules that gave something to a slot or a setting."""
    slots = decision["slots"].values()
    given = [
        *slots,
        *decision["settings"].values(),
        *(item for slot in slots for item in slot.get("items", ())),
    ]
    return {thing.get("rule") for thing in given}


def generated(examples: int, **options):
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=quiet, **options)


@generated(120, derandomize=True)
@given(books(), REQUESTS)
def agree(written_book, requests):
    compare(written_book, requests)


@pytest.mark.no_cover
def test_the_engine_decides_as_the_specification_says_and_every_part_of_a_decision_comes_up():
    SEEN.clear()
    agree()
    parts = {"rule", "default", "hidden", "set", "wrong-type", "too-large", "unlisted-value", "failed-text"}
    parts |= {f"withheld {kind} {label}" for kind in ("rule", "content") for label in ("topic", "purpose")}
    parts |= {"a purpose of the book", "never consented"}
    assert parts - set(SEEN) == set()


@pytest.mark.long
@generated(10_000)
@given(books(), REQUESTS)
def test_the_engine_decides_as_the_specification_says_on_many_more(written_book, requests):
    compare(written_book, requests)


ODD = [5, "x", True, 2.5, [1], ["a", 5], {"a": 1}, "2026-11-22", "1.0", "\ud800", "a" * 70_000, object()]


def compare_small(seed: int, several: int) -> None:
    """Small books are read in a hurry: as they are asked, with something odd, and by their own requests."""
    small, dice = SmallBook(seed), random.Random(seed)
    book, report = check_book({"book.yaml": written(small.data)}, now=NOW)
    assert report.errors == 0, report.to_text()
    engine = Engine(book)
    requests = list(small.requests())
    for user, context, moment in dice.sample(requests, min(several, len(requests))):
        odd = dict(user), dict(context)
        for side, name in dice.sample([("user", "id"), *(one.split(".") for one in small.names)], 1):
            odd[side == "context"][name] = dice.choice(ODD)
        now = read_now(moment)
        for asked in ((user, context), odd, (UserDict(user), context)):
            decision = engine.evaluate(*asked, moment)
            SEEN.update(["in a hurry"] if decision.reasons[1] == engine._reader.settled else [])
            assert decision.to_dict() == decide(book, *asked, now), (seed, asked, moment)


@pytest.mark.no_cover
def test_the_engine_decides_by_small_books_as_the_specification_says():
    SEEN.clear()
    for seed in range(80):
        compare_small(seed, 8)
    assert SEEN["in a hurry"] > 200


@pytest.mark.long
def test_the_engine_decides_by_many_more_small_books_as_the_specification_says():
    for seed in range(1_000, 3_000):
        compare_small(seed, 50)
