"""An engine that remembers decides as the specification says, whatever else was asked of it before."""

import gc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tailored.book.load import check_book
from tailored.engine.engine import Engine
from tailored.engine.reference import decide
from tests.support.books import books
from tests.support.conditions import NOW, contexts, users, written
from tests.support.make import BASE

MOMENTS = st.sampled_from(
    [NOW, NOW + timedelta(microseconds=1), NOW + timedelta(days=1), NOW - timedelta(days=30)]
)
CONSENTS = st.sampled_from(
    [{}, {"consents": {"health": True}}, {"consents": {"health": 1}}, {"opt_outs": ["ads"]}]
)


def remembering(rules: str, size: int = 100, base: str = BASE) -> Engine:
    book, report = check_book({"book.yaml": f"{base}rules:\n  {rules}\n".encode()})
    assert report.errors == 0, report.to_text()
    return Engine(book, remember=size)


@settings(
    max_examples=60,
    phases=[Phase.generate],
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(books(), st.lists(st.tuples(users(), contexts(), CONSENTS), min_size=2, max_size=4), st.data())
def agree(book, requests, data):
    checked, report = check_book({"book.yaml": written(book)}, now=NOW)
    errors = {finding.code for finding in report.diagnostics if finding.severity == "error"}
    assert errors <= {"never-consented"}, report.to_text()
    engine = Engine(checked, remember=3)
    for _ in range(8):
        user, context, said = data.draw(st.sampled_from(requests))
        now = data.draw(MOMENTS)
        asked = {**user, **said}
        decision = engine.evaluate(asked, context, now)
        assert decision.to_dict() == decide(checked, asked, context, now)
        again = engine.evaluate(dict(asked), dict(context), now)
        assert again == decision
        SEEN["remembered" if again is decision else "made again"] += 1


SEEN = {"remembered": 0, "made again": 0}


def test_an_engine_that_remembers_decides_as_the_specification_says():
    agree()
    assert SEEN["remembered"] >= 50
    assert SEEN["made again"] >= 50


def test_what_no_rule_reads_makes_no_difference():
    engine = remembering("r: {when: {age: 3}, show: {hero: a}}")
    one = engine.evaluate({"id": "kari", "age": 3}, {}, NOW)
    assert engine.evaluate({"id": "ola", "age": 3}, {}, NOW) is one
    assert engine.evaluate({"id": "ola", "age": 4}, {}, NOW) is not one


def test_what_is_remembered_holds_nothing_that_no_rule_reads():
    engine = remembering("r: {when: {age: 3}, show: {hero: a}}")
    decision = engine.evaluate({"id": "Kari Nordmann", "age": 3}, {}, NOW)
    assert decision.why("hero") == "You see this because your age is 3."
    reached, seen = [decision.reasons], set()
    while reached:
        one = reached.pop()
        assert one != "Kari Nordmann"
        if id(one) not in seen and len(seen) < 2000:
            seen.add(id(one))
            reached += [
                part
                for part in gc.get_referents(one)
                if isinstance(part, (tuple, list, dict, str)) or "Facts" in type(part).__name__
            ]


def test_a_schedule_that_begins_is_not_slept_through():
    engine = remembering("r: {when: always, from: 2026-12-01, until: 2026-12-02, show: {hero: a}}")
    days = [
        datetime(2026, *day, tzinfo=UTC) for day in ((11, 30), (11, 29), (12, 1), (12, 2), (12, 1), (11, 30))
    ]
    assert [engine.evaluate({}, {}, day)["hero"].rule for day in days] == [None, None, "r", None, "r", None]
    assert engine.evaluate({}, {}, days[0]) is engine.evaluate({}, {}, days[1])


def test_consent_that_is_withdrawn_counts_at_once():
    engine = remembering("r: {when: always, show: {hero: ill}}")
    given_ = [{"consents": {"health": yes}} for yes in (True, False, True, 1)]
    assert [engine.evaluate(user, {}, NOW)["hero"].content for user in given_] == [
        "ill",
        "plain",
        "ill",
        "plain",
    ]


def test_it_keeps_no_more_than_it_was_told_to():
    engine = remembering("r: {when: {age: {at least: 3}}, show: {hero: a}}", size=2)
    first = engine.evaluate({"age": 1}, {}, NOW)
    assert engine.evaluate({"age": 1}, {}, NOW) is first
    for age in (2, 3):
        engine.evaluate({"age": age}, {}, NOW)
    assert engine.evaluate({"age": 1}, {}, NOW) is not first


def test_a_request_changed_afterwards_changes_nothing():
    engine = remembering("r: {when: {ills: knee}, show: {hero: a}}")
    user = {"ills": ["knee"], "consents": {"health": True}}
    decision = engine.evaluate(user, {}, NOW)
    before = decision.why("hero")
    user["ills"].append("back")
    user["consents"]["health"] = False
    assert decision.why("hero") == before
    assert engine.evaluate(user, {}, NOW)["hero"].content == "plain"


@pytest.mark.parametrize("size", [-1, -5])
def test_a_number_that_is_none_is_refused_in_words(size):
    with pytest.raises(ValueError, match="1 or more"):
        remembering("r: {when: always, show: {hero: a}}", size=size)


def test_nothing_is_remembered_unless_asked_for():
    engine = remembering("r: {when: always, show: {hero: a}}", size=0)
    assert engine.evaluate({}, {}, NOW) is not engine.evaluate({}, {}, NOW)
