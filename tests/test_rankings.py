"""Rankings: the engine agrees with the specification, and propensities are what they say."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from tailored.book.load import check_book
from tailored.engine.engine import Engine
from tailored.engine.reference import decide
from tests.support.conditions import NOW, written
from tests.support.rankings import numbers_of, ranked_books, ranked_requests, without_propensities

SEEN: Counter[str] = Counter()


def compare(made, requests) -> None:
    written_book, acting = made
    book, report = check_book({"book.yaml": written(written_book)}, now=NOW)
    assert report.errors == 0, report.to_text()
    engine = Engine(book, acting)
    for user, context in requests:
        decision = engine.evaluate(user, context, NOW)
        mine, likely = without_propensities(decision.to_dict())
        specified = decide(book, user, context, NOW, numbers_of(acting.__getitem__))
        said, expected = without_propensities(specified)
        assert mine == said
        assert likely == pytest.approx(expected, abs=2e-6)
        assert all(0 < one <= 1 for one in likely)
        for slot in decision.slots.values():
            SEEN.update({slot.reason, *(["a scorer"] if slot.scorer else [])})
            if slot.scorer is not None:
                SEEN.update({(slot.scorer.reason or "no reason").split("` ")[-1].split(" for ")[0]})
            SEEN.update({"chance"} if any((item.propensity or 1) < 1 for item in slot.items) else ())
            SEEN.update({"an item"} if any(item.catalog for item in slot.items) else ())
        SEEN.update({f"withheld {entry.kind}" for entry in decision.withheld})
        SEEN.update({warning.code for warning in decision.warnings})
        again = engine.evaluate(user, context, NOW)
        assert again == decision
        assert [again.why(name) for name in again] == [decision.why(name) for name in decision]
    engine.close()


def generated(examples: int, **options):
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=quiet, **options)


@generated(60, derandomize=True)
@given(ranked_books(), ranked_requests())
def agree(made, requests):
    compare(made, requests)


def test_the_engine_ranks_as_the_specification_says_and_every_part_comes_up():
    SEEN.clear()
    agree()
    parts = {
        "rule",
        "default",
        "hidden",
        "a scorer",
        "no reason",
        "raised ZeroDivisionError.",
        "chance",
        "an item",
    }
    parts |= {"withheld content", "withheld catalog", "failed-text", "gave a score that is no finite number."}
    parts |= {"has no answer: nothing is known."}
    assert parts - set(SEEN) == set()


@pytest.mark.long
@generated(5_000)
@given(ranked_books(), ranked_requests())
def test_the_engine_ranks_as_the_specification_says_on_many_more(made, requests):
    compare(made, requests)


PRICES = {
    f"i{number}": {"price": number, "brand": "pq"[number % 2], "kind": "ab"[number % 3 == 0]}
    for number in range(12)
}


TEXT = {"type": "string"}


class Dearest:
    def score(self, facts, candidates):
        return [candidate.attributes["price"] for candidate in candidates]


class Trending:
    def score(self, facts, candidates):
        return [-candidate.attributes["price"] for candidate in candidates]


class Undecided:
    def score(self, facts, candidates):
        return self.draws(facts, candidates)[0]

    def draws(self, facts, candidates):
        return [[(number * place) % 7 for place in range(len(candidates))] for number in range(5)]


def engine_of(ranking: dict, slot: str = "list", *further: dict) -> Engine:
    rankings = {f"r{number}": one for number, one in enumerate((ranking, *further))}
    book = {
        "slots": {"hero": {}, "list": {"many": 6}},
        "content": {"guide": {"title": "Guide"}},
        "catalogs": {
            "things": {
                "attributes": {"price": {"type": "integer"}, "brand": TEXT, "kind": TEXT},
                "items": PRICES,
            }
        },
        "scorers": {
            name: {"kind": "python", "timeout": "9 s"} for name in ("dearest", "trending", "undecided")
        },
        "rules": {
            name: {"when": "always", "show": {slot: {"of": {"catalog": "things"}, **one}}}
            for name, one in rankings.items()
        },
    }
    made, report = check_book({"book.yaml": written(book)}, now=NOW)
    assert report.errors == 0, report.to_text()
    return Engine(made, {"dearest": Dearest(), "trending": Trending(), "undecided": Undecided()})


@pytest.mark.parametrize(
    "ranking, slot",
    [
        ({"by": "dearest", "explore": "20%"}, "list"),
        ({"by": "dearest", "explore": "50%", "top": 4}, "list"),
        ({"by": "dearest", "explore": "20%"}, "hero"),
        ({"by": "dearest", "explore": "30%", "at most": {"3 per": "brand"}}, "list"),
        ({"by": "dearest", "explore": "60%", "at most": {"2 per": ["brand", "kind"]}}, "list"),
        (
            {
                "by": "dearest",
                "explore": {"share": "40%", "first": ["i2"]},
                "pin": [{"id": "guide", "at": 2}],
            },
            "list",
        ),
        ({"by": "dearest", "explore": {"share": "40%", "by": "trending"}}, "list"),
        ({"by": "undecided", "top": 3}, "list"),
        ({"by": "undecided", "explore": "50%", "at most": {"2 per": "brand"}}, "list"),
        ({"by": "dearest", "explore": "50%", "diversity": 0.5}, "list"),
        ({"by": "dearest", "explore": "100%"}, "list"),
    ],
    ids=str,
)
def test_recorded_propensities_are_the_frequencies_of_many_requests(ranking, slot):
    engine, many = engine_of(ranking, slot), 1000
    shown, recorded = Counter(), {}
    for number in range(many):
        placement = engine.evaluate({}, {"request_id": f"request {number}"}, NOW)[slot]
        things = placement.items or (placement,)
        for one in things:
            shown[one.content] += 1
            assert recorded.setdefault(one.content, one.propensity) == one.propensity
    for name, propensity in recorded.items():
        spread = (propensity * (1 - propensity) / many) ** 0.5
        assert abs(shown[name] / many - propensity) <= 4.5 * spread + 1e-6, name
    assert sum(recorded.values()) == pytest.approx(len(things), abs=1e-4)


def test_what_is_placed_without_chance_or_a_scorer_is_certain():
    placed = engine_of({"top": 3, "pin": [{"id": "i5", "at": 1}]}).evaluate({}, {}, NOW)["list"].items
    assert [(item.content, item.propensity) for item in placed] == [("i5", 1.0), ("i0", 1.0), ("i1", 1.0)]


def test_where_two_rankings_fill_a_slot_each_propensity_is_given_what_stands_there_already():
    first = {"top": 1, "by": "dearest", "explore": {"share": "50%", "first": ["i3"]}}
    engine, many = engine_of(first, "list", {"top": 2, "by": "trending", "explore": "30%"}), 1500
    shown, recorded, begun = Counter(), {}, Counter()
    for number in range(many):
        begin, *rest = engine.evaluate({}, {"request_id": f"request {number}"}, NOW)["list"].items
        begun[begin.content] += 1
        assert [one.rule for one in (begin, *rest)] == ["r0", "r1", "r1"]
        for one in rest:
            shown[begin.content, one.content] += 1
            assert recorded.setdefault((begin.content, one.content), one.propensity) == one.propensity
    assert set(begun) == {"i11", "i3"}
    for (begin, name), propensity in recorded.items():
        spread = (propensity * (1 - propensity) / begun[begin]) ** 0.5
        assert abs(shown[begin, name] / begun[begin] - propensity) <= 4.5 * spread + 1e-6, name
    for begin in begun:
        assert sum(one for (before, _), one in recorded.items() if before == begin) == pytest.approx(
            2, abs=1e-4
        )


def test_a_fifth_of_the_places_is_explored_and_by_what_lies_outside_the_top():
    engine, top = engine_of({"by": "dearest", "explore": "20%"}), {f"i{number}" for number in range(6, 12)}
    explored, places = [], Counter()
    for number in range(1000):
        items = engine.evaluate({}, {"request_id": str(number)}, NOW)["list"].items
        new = [place for place, item in enumerate(items) if item.content not in top]
        explored.append(len(new))
        places.update(new)
    assert set(explored) == {1, 2}
    assert sum(explored) / 6000 == pytest.approx(0.2, abs=0.01)
    assert set(places) == set(range(6))


def test_the_same_request_draws_the_same_and_the_same_user_does_for_a_day():
    engine = engine_of({"by": "dearest", "explore": "50%"})

    def seen(user, context, now="2026-11-24T10:00:00Z"):
        return tuple(item.content for item in engine.evaluate(user, context, now)["list"].items)

    assert len({seen({"id": name}, {"request_id": "r"}) for name in "abcdef"}) == 1
    assert len({seen({"id": "a"}, {}, f"2026-11-24T{hour:02}:00:00Z") for hour in range(24)}) == 1
    assert len({seen({"id": "a"}, {}, f"2026-11-{day:02}") for day in range(1, 29)}) > 1
    assert len({seen({"id": str(name)}, {}) for name in range(30)}) > 1
    assert len({seen({}, {}) for _ in range(60)}) > 1


def test_what_editors_name_comes_first_in_the_places_of_exploration():
    engine = engine_of({"by": "dearest", "explore": {"share": "50%", "first": ["i1", "guide", "i11"]}})
    for number in range(20):
        shown = [item.content for item in engine.evaluate({}, {"request_id": str(number)})["list"].items]
        assert "i1" in shown
        assert "i11" in shown


def test_diversity_puts_unlike_things_next_to_each_other():
    alike = engine_of({"by": "dearest", "top": 3}).evaluate({}, {})["list"].items
    unlike = engine_of({"by": "dearest", "top": 3, "diversity": {"weight": 0.9, "over": ["kind"]}})
    assert [item.content for item in alike] == ["i11", "i10", "i9"]
    assert [item.content for item in unlike.evaluate({}, {})["list"].items][:2] == ["i11", "i9"]


def test_things_that_were_explored_say_so():
    decision = engine_of({"by": "dearest", "explore": "100%", "top": 2}).evaluate({}, {"request_id": "r"})
    first = decision["list"].items[0].content
    assert decision.why("list", first) == "You see this because it is something new."


RANKED = """\
attributes: {user: {bought: {type: list of strings}}, context: {product: {type: string}}}
slots: {list: {many: 3}}
catalogs: {things: {attributes: {price: {type: integer}}, items: {sock: {price: 9}, hat: {price: 25}}}}
rules: {shown: {when: always, show: {list: RANKING}}}
"""


@pytest.mark.parametrize(
    "ranking, code, mend",
    [
        ("{top: 1, of: {catalog: things}, pin: [{id: hat, at: 2}]}", "out-of-range", "The first place is 1."),
        ("{of: {catalog: things}, pin: []}", "empty-list", "Name what is pinned, or leave the key out."),
        ("{of: {catalog: things}, diversity: 30%}", "wrong-type", "Write `0.3`."),
        ("{of: {catalog: things, where: {not: {bought: true}}}}", "lets-nothing-through", "[{bought: true}]"),
        (
            "{of: {catalog: things, where: {any: [{price: 9}, {not: {id: {same as: product}}}]}}}",
            "lets-nothing-through",
            "[{id: {same as: context.product}}]",
        ),
    ],
)
def test_what_a_ranking_cannot_mean_is_found(ranking, code, mend):
    found = check_book({"book.yaml": RANKED.replace("RANKING", ranking).encode()})[1].diagnostics
    assert [one.code for one in found] == [code]
    assert mend in found[0].hint


PASSING = """\
attributes: {user: {brand: {type: string}}}
slots: {list: {many: 3}}
catalogs:
  things:
    attributes:
      {price: {type: integer}, kind: {type: string}, tags: {type: list of strings}, new: {type: date}}
    items: {sock: {price: 9, kind: wool, tags: [warm]}, hat: {price: 25, kind: felt, new: 2026-01-31}}
rules: {shown: {when: always, show: {list: {of: {catalog: things, where: WHERE}}}}}
"""


@pytest.mark.parametrize(
    "where, mend",
    [
        ("{kind: wol}", "Did you mean `wool`?"),
        ("{tags: wram, price: 9}", "Did you mean `warm`?"),
        ("{kind: leather}", "No item has `leather` as its `kind`."),
        ("{kind: user.brand}", "Write `kind: {same as: user.brand}`."),
        ("{kind: [silk, cotton]}", "Look at what the items have: while none passes, nothing is shown."),
        ("{kind: wool, price: {more than: 10}}", "Look at what the items have: while none passes"),
        ("{kind: wol, price: {known: true}, item.kind: {same as: user.brand}}", "Did you mean `wool`?"),
    ],
)
def test_a_where_that_no_item_passes_is_a_warning_with_what_items_have(where, mend):
    (found,) = check_book({"book.yaml": PASSING.replace("WHERE", where).encode()})[1].diagnostics
    assert (found.code, found.severity) == ("lets-nothing-through", "warning")
    assert found.message == "No item of `things` passes this."
    assert found.hint.startswith(mend)


@pytest.mark.parametrize(
    "where",
    [
        "{kind: wool}",
        "{kind: [silk, felt]}",
        "{kind: {same as: user.brand}}",
        "{any: [{kind: silk}, {kind: {same as: user.brand}}]}",
        "{new: {in the last: 2 days}}",
        "{new: {after: 2026-01-01}}",
        "{not: {kind: wool}}",
    ],
)
def test_a_where_that_an_item_passes_or_may_pass_for_somebody_or_some_day_is_fine(where):
    assert check_book({"book.yaml": PASSING.replace("WHERE", where).encode()})[1].diagnostics == ()


def test_same_as_below_an_operator_is_told_where_it_belongs():
    where = "{kind: {is not: {same as: user.brand}}}"
    (found,) = check_book({"book.yaml": PASSING.replace("WHERE", where).encode()})[1].diagnostics
    assert (found.code, found.message) == ("unknown-operator", "`same as` cannot stand below `is not`.")
    assert "below `without`" in found.hint


@pytest.mark.parametrize(
    "ranking, code, message, mend",
    [
        ("{of: {catalog: things}, pin: [{id: sokc, at: 1}]}", "item", "item `sokc`", "Did you mean `sock`?"),
        ("{of: {catalog: things}, pin: [{id: gide, at: 1}]}", "item", "item `gide`", "Did you mean `guide`?"),
        (
            "{of: {catalog: things}, pin: [{id: umbrella, at: 1}]}",
            "item",
            "item `umbrella`",
            "`things` has sock, hat. Content may be named here, too.",
        ),
        (
            "{of: {catalog: things}, explore: {share: 20%, first: [haat]}}",
            "item",
            "item `haat`",
            "Did you mean `hat`?",
        ),
        (
            "{of: [guide], pin: [{id: hat, at: 1}]}",
            "content",
            "content `hat`",
            "The book's content is guide.",
        ),
    ],
)
def test_what_is_pinned_or_comes_first_is_an_item_of_the_catalog_or_content(ranking, code, message, mend):
    book = RANKED.replace("RANKING", ranking) + "content: {guide: {title: Guide}}\n"
    every = check_book({"book.yaml": book.encode()})[1].diagnostics
    (found,) = [one for one in every if one.severity == "error"]
    assert (found.code, found.message) == (f"unknown-{code}", f"There is no {message}.")
    assert found.hint == mend


@pytest.mark.parametrize("where", ["{bought: true}", "{not: {not: {bought: true}}}", "{not: {price: 9}}"])
def test_a_not_over_items_alone_is_fine(where):
    book = RANKED.replace("RANKING", f"{{of: {{catalog: things, where: {where}}}}}")
    assert check_book({"book.yaml": book.encode()})[1].diagnostics == ()
