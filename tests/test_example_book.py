"""The example shop decides for its example visitors what a reader of the book expects."""

import json
from pathlib import Path

import pytest

from tailored import Engine
from tailored.condition.values import read_now
from tailored.engine.reference import decide
from tests.support.rankings import numbers_of, without_propensities

REQUESTS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in Path("examples/requests").glob("*.json")
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load("rules")


def ask(engine: Engine, name: str):
    request = REQUESTS[name]
    return engine.evaluate(request["user"], request["context"], request.get("now"))


@pytest.mark.parametrize(
    "name, slot, content",
    [
        ("hiker", "hero", "hiking-socks"),
        ("anonymous", "hero", "generic-hero"),
        ("vip", "hero", "vip-lounge-hero"),
        ("black-week", "hero", "black-week-hero"),
        ("opted-out", "hero", "generic-hero"),
        ("hiker-with-gpc", "hero", "winter-hero"),
        ("at-risk", "campaign-strip", "strip-wish-list-kept"),
        ("anonymous", "campaign-strip", "strip-free-returns"),
        ("saver-no-consent", "account-first-view", "account-overview"),
        ("saver-with-consent", "account-first-view", "savings-for-retirement"),
        ("cabin-saver-with-consent", "account-first-view", "savings-for-a-home"),
        ("newcomer-team", "onboarding-step", "onboarding-team"),
    ],
)
def test_a_visitor_sees_what_the_book_means_for_them(engine, name, slot, content):
    assert ask(engine, name)[slot].content == content


def test_a_greeting_reads_well_with_and_without_a_name(engine):
    assert ask(engine, "hiker")["greeting"].fields["title"] == "Welcome back, Kari!"
    assert ask(engine, "anonymous")["greeting"].fields["title"] == "Hello!"


def test_nothing_gets_in_the_way_on_checkout(engine):
    decision = ask(engine, "checkout")
    hidden = {name for name, placement in decision.slots.items() if placement.hidden}
    assert hidden == {"recommendations", "hero", "campaign-strip", "shortcuts"}


def test_readers_find_continue_reading_first(engine):
    assert ask(engine, "reader")["home-modules"].order[0] == "continue-reading"
    assert ask(engine, "anonymous")["home-modules"].order[0] == "hero"


def test_power_users_get_shortcuts_and_newcomers_get_guidance(engine):
    power, new = ask(engine, "power-user"), ask(engine, "newcomer-on-a-phone")
    assert len(power["shortcuts"].items) >= 3
    assert power["shortcuts-bar"].value is True
    assert power["guidance"].hidden or not power["guidance"].items
    assert new["guidance"].items


def test_the_answer_to_the_onboarding_question_chooses_the_path(engine):
    paths = {
        name: ask(engine, name)["onboarding-path"].value
        for name in ("newcomer-team", "client-project", "hiker")
    }
    assert paths == {"newcomer-team": "team", "client-project": "client", "hiker": "solo"}


def test_what_is_most_popular_depends_on_the_country(engine):
    norway, canada = (
        engine.evaluate({"country": country}, {"page": "home"})["popular-near-you"]
        for country in ("NO", "CA")
    )
    assert norway.items[0].content == "ice-cleats"
    assert canada.items[0].content == "canoe-bag"


def test_sensitive_content_is_withheld_until_there_is_consent(engine):
    without = [entry.to_dict() for entry in ask(engine, "saver-no-consent").withheld]
    assert without == [{"kind": "content", "id": "savings-plan-intro", "topic": "finance"}]
    assert ask(engine, "saver-with-consent").withheld == ()
    sore = ask(engine, "sore-knee-no-consent")
    assert [entry.id for entry in sore.withheld] == ["gentle-trails"]
    assert "gentle-trails" not in [item.content for item in sore["magazine-list"].items]
    assert ask(engine, "sore-knee-with-consent")["magazine-list"].items[0].content == "gentle-trails"


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_the_specification_decides_alike_and_nothing_is_odd(engine, name):
    request = REQUESTS[name]
    decision = ask(engine, name)
    numbers = numbers_of(engine._ranker.scorers.scorer)
    said = decide(engine.book, request["user"], request["context"], read_now(request["now"]), numbers)
    mine, likely = without_propensities(decision.to_dict())
    theirs, expected = without_propensities(said)
    assert mine == theirs
    assert likely == pytest.approx(expected, abs=2e-6)
    assert decision.warnings == ()


def test_the_example_tells_what_it_is_meant_to_tell(engine):
    book = engine.book
    kinds = {slot.kind for slot in book.slots.values()}
    areas = {rule.span.path.split("/")[-1] for rule in book.rules}
    assert (len(book.rules) >= 30, len(book.slots) >= 8) == (True, True)
    assert kinds == {"single", "many", "order"}
    assert areas >= {
        "home.yaml",
        "product.yaml",
        "checkout.yaml",
        "onboarding.yaml",
        "media.yaml",
        "account.yaml",
    }
