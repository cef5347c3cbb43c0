"""Explanations: why the winner won, and what became of every other rule that names the slot."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tailored import Engine
from tailored.book.load import check_book
from tailored.engine.explain import STATUSES, explain
from tests.support.make import make

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def verdicts(
    rules: str, user: dict, context: dict | None = None, slot: str = "hero"
) -> list[tuple[str, str, str]]:
    found = explain(make(rules), user, context or {"page": "home"}, NOW)
    (one,) = [one for one in (*found.slots, *found.settings) if one.id == slot]
    return [(verdict.rule, verdict.status, verdict.reason) for verdict in one.rules]


@pytest.mark.parametrize(
    "rule, user, status, reason",
    [
        ("when: {page: home}", {}, "won", "page is home"),
        ("when: {page: home, all: [{page: home}, {context.page: home}]}", {}, "won", "page is home"),
        ("when: {age: 3, all: [{age: 3}, {user.age: 3}]}", {"age": 4}, "nearly", "age is 4, not 3"),
        ("when: {age: 3, all: [{age: 3}, {user.age: 3}]}", {}, "unknown", "age is missing"),
        ("when: {any: [{age: 3}, {age: 3}]}", {"age": 4}, "nearly", "none of these: age is 4, not 3"),
        ("when: {page: cart}", {}, "nearly", "page is `home`, not `cart`"),
        ("when: {page: cart, age: 3}", {"age": 4}, "false", "page is `home`, not `cart`; age is 4, not 3"),
        ("when: {page: cart, age: 3}", {}, "false", "page is `home`, not `cart`"),
        ("when: {age: {at least: 18}}", {}, "unknown", "age is missing"),
        ("when: {not: {page: home}}", {}, "nearly", "page is `home`"),
        ("when: {segment: young}", {"age": 40}, "nearly", "not in young (age is 40, not less than 30)"),
        ("when: {segment: young}", {}, "unknown", "unknown whether in young (age is missing)"),
        ("when: {not: {segment: young}}", {"age": 4}, "nearly", "in young (age is 4, not at least 30)"),
        (
            "when: {any: [{page: cart}, {age: 3}]}",
            {"age": 4},
            "nearly",
            "none of these: page is `home`, not `cart`; age is 4, not 3",
        ),
        (
            "when: {any: [{page: cart}, {age: 3}]}",
            {},
            "unknown",
            "none of these: page is `home`, not `cart`; age is missing",
        ),
        ("when: always, from: 2026-12-01", {}, "asleep", "from 2026-12-01 00:00 UTC"),
        ("when: always, until: 2026-11-01", {}, "asleep", "until 2026-11-01 00:00 UTC"),
        ("when: {ills: knee}", {"ills": ["knee"]}, "withheld", "needs consent for health"),
        ("when: {ills: knee, page: cart}", {}, "false", "page is `home`, not `cart`"),
        ("when: {ills: knee, age: 3}", {}, "withheld", "needs consent for health; age is missing"),
        ("when: {segment: sick}", {}, "withheld", "needs consent for health"),
        ("when: always, topic: [health, finance]", {}, "withheld", "needs consent for health and finance"),
        (
            "when: {age: 3}",
            {"age": 3, "opt_outs": ["personalization"]},
            "withheld",
            "opted out of personalization",
        ),
        (
            'when: {logic: {"!": [{var: user.income}]}}',
            {"income": 3},
            "withheld",
            "needs consent for finance",
        ),
    ],
)
def test_every_rule_says_what_became_of_it(rule, user, status, reason):
    assert verdicts(f"r: {{{rule}, show: {{hero: a}}}}", user) == [("r", status, reason)]


def test_content_that_is_kept_back_withholds_its_rule():
    assert verdicts("r: {when: always, show: {hero: ill}}", {}) == [
        ("r", "withheld", "ill needs consent for health")
    ]


def test_a_loser_says_to_which_rule_it_lost():
    rules = (
        "low: {when: always, show: {hero: b}, priority: 40}\n"
        "late: {when: always, show: {hero: b}, priority: 50}\n"
        "best: {when: always, show: {hero: a}, priority: 60}\n"
        "tied: {when: always, show: {hero: a}, priority: 60}"
    )
    assert verdicts(rules, {}) == [
        ("best", "won", "always"),
        ("tied", "lost", "to best, which comes first in the book at the same priority"),
        ("late", "lost", "to best: priority 50 is below 60"),
        ("low", "lost", "to best: priority 40 is below 60"),
    ]


def test_what_is_hidden_names_who_hides_it():
    rules = (
        "show: {when: always, show: {hero: b}, priority: 900}\n"
        "hide: {when: always, hide: hero}\n"
        "also: {when: always, hide: hero}"
    )
    assert verdicts(rules, {}) == [
        ("hide", "won", "always"),
        ("show", "lost", "hidden by hide"),
        ("also", "lost", "hides it too, after hide"),
    ]


def test_in_a_slot_of_many_every_giver_wins_and_the_rest_say_why_not():
    rules = (
        "one: {when: always, show: {list: [a, b]}}\n"
        "two: {when: always, show: {list: [b, c]}}\n"
        "same: {when: always, show: {list: [a]}}\n"
        "full: {when: always, show: {list: [d]}}"
    )
    assert verdicts(rules, {}, slot="list") == [
        ("one", "won", "always"),
        ("two", "won", "always"),
        ("same", "lost", "placed already: a"),
        ("full", "lost", "no room left: it takes 3"),
    ]


def test_settings_and_orders_are_explained_too():
    rules = (
        "one: {when: always, set: {path: team}, order: {modules: [m3]}}\n"
        "two: {when: always, set: {path: solo}, order: {modules: [m2]}, priority: 7}"
    )
    for name in ("path", "modules"):
        assert [status for _, status, _ in verdicts(rules, {}, slot=name)] == ["won", "lost"]


def test_near_misses_come_right_after_the_winner():
    found = explain(Engine.load("rules"), {"visits_last_30_days": 2}, {"page": "home"}, NOW)
    for one in found.slots:
        places = [STATUSES.index(verdict.status) for verdict in one.rules]
        assert places == sorted(places)


def test_the_explanation_of_the_example_reads_as_one_would_tell_it():
    request = json.loads(Path("examples/requests/hiker.json").read_text(encoding="utf-8"))
    found = explain(Engine.load("rules"), request["user"], request["context"], request["now"])
    assert (
        found.to_text(["hero"])
        == """\
hero: hiking-socks, by boots-viewers-see-socks (priority 50)
  won       boots-viewers-see-socks  page is home and in hiking-boots-viewers
  nearly    calm-checkout            page is `home`, not `checkout`
  nearly    vip-lounge               member is false, not true
  lost      winter-campaign          to boots-viewers-see-socks: priority 40 is below 50
  unknown   grown-ups-only           age is missing
  asleep    black-week-2035          from 2035-11-20 00:00 UTC"""
    )


def test_the_explanation_of_every_example_request_agrees_with_its_decision():
    engine = Engine.load("rules")
    for path in sorted(Path("examples/requests").glob("*.json")):
        request = json.loads(path.read_text(encoding="utf-8"))
        found = explain(engine, request["user"], request["context"], request["now"])
        for one in found.slots:
            placement = found.decision[one.id]
            winners = {verdict.rule for verdict in one.rules if verdict.status == "won"}
            deciders = {item.rule for item in placement.items} | {placement.rule}
            assert winners == deciders - {None}, (path.name, one.id)


def test_the_json_holds_the_decision_and_the_verdicts():
    found = explain(
        make("r: {when: {page: cart}, show: {hero: a}, set: {path: team}}"), {}, {"page": "home"}, NOW
    )
    hero = found.to_dict(["hero"])["slots"]
    assert hero == {
        "hero": {
            "reason": "default",
            "rule": None,
            "content": "plain",
            "fields": {"title": "Welcome"},
            "outcome": "plain, by default",
            "why": "You see this because nothing chosen for you applies here.",
            "rules": [
                {
                    "rule": "r",
                    "status": "nearly",
                    "reason": "page is `home`, not `cart`",
                    "priority": 100,
                    "place": "rules.yaml:2",
                }
            ],
        }
    }
    assert set(found.to_dict()) == {"book", "slots", "settings", "withheld", "warnings"}


def test_what_chance_places_is_told_with_its_chance_also_where_no_scorer_is_asked():
    rules = """\
rules:
  drawn: {when: always, show: {films: {top: 2, of: {catalog: films}, explore: 100%}}}
  fixed: {when: always, show: {series: {top: 2, of: {catalog: films}}}}
slots: {films: {many: 2}, series: {many: 2}}
catalogs: {films: {items: {a: {}, b: {}, c: {}, d: {}, e: {}, f: {}}}}
"""
    book, found = check_book({"a.yaml": rules.encode()})
    assert found.errors == 0, found.to_text()
    told = explain(Engine(book), {"id": "u"}, {}, NOW)
    films, series = told.slots
    placed = {item.content: item.propensity for item in told.decision["films"].items}
    assert {item: share for item, share, _ in films.items} == placed
    assert all(share < 1 for share in placed.values())
    lines = told.to_text(["films"]).splitlines()
    for item, share in placed.items():
        assert f"    {item}  {share:6.1%}  You see this because it is something new." in lines
    assert series.items == ()
