"""What rankings came to is kept for others, and is what a ranking that has seen nobody would come to."""

import asyncio
import copy
import random
from itertools import product

import pytest

from tailored.book.load import check_book
from tailored.engine.engine import Engine
from tests.support.conditions import NOW, written
from tests.support.rankings import Acting

THINGS = {f"i{number}": {"price": number % 5, "brand": "pq"[number % 2]} for number in range(12)}
THINGS["i3"] |= {"topic": "health"}
THINGS["i4"] |= {"purpose": "ads"}
BOOK = {
    "attributes": {
        "user": {
            "country": {"type": "string"},
            "bought": {"type": "list of strings"},
            "first": {"type": "string"},
            "app": {"type": "version"},
            "ills": {"type": "list of strings", "topic": "health"},
            "clicks": {"type": "integer", "purpose": "ads"},
        },
        "context": {"page": {"type": "string"}, "product": {"type": "string"}},
    },
    "purposes": {"ads": {}},
    "slots": {"list": {"many": 4}, "hero": {"default": "hello"}},
    "content": {
        "hello": {"title": "Hello {{ user.first }} with {{ user.app }}"},
        "guide": {"title": "Guide", "topic": "health"},
    },
    "catalogs": {
        "things": {
            "attributes": {"price": {"type": "integer"}, "brand": {"type": "string"}},
            "items": THINGS,
        }
    },
    "scorers": {
        "s1": {"kind": "python", "features": ["country"], "timeout": "9 s"},
        "s2": {
            "kind": "python",
            "features": ["country", "user.ills", "clicks", "item.price"],
            "timeout": "9 s",
            "fallback": "s1",
        },
    },
    "rules": {
        "chosen": {
            "when": "always",
            "show": {
                "list": {
                    "of": {"catalog": "things", "where": {"not": {"id": {"same as": "context.product"}}}},
                    "by": "s2",
                    "without": [{"bought": True}],
                    "pin": [{"id": "guide", "at": 2}],
                },
                "hero": {"best of": ["hello", "guide"], "by": "s1"},
            },
        },
        "away": {"when": {"page": "cart"}, "hide": ["hero"]},
    },
}
EXPLORING = copy.deepcopy(BOOK)
EXPLORING["rules"]["chosen"]["show"]["list"] |= {
    "top": 2,
    "explore": "40%",
    "at most": {"1 per": "brand"},
}
EXPLORING["rules"]["then"] = {
    "when": "always",
    "show": {"list": {"of": {"catalog": "things"}, "by": "s1", "explore": {"share": "30%", "by": "s2"}}},
    "priority": 50,
}
USERS = {
    "country": [None, "NO"],
    "bought": [None, ["i7", "i8"]],
    "first": [None, "Kari"],
    "app": ["1.2", "1.2.0"],
    "ills": [None, ["knee"]],
    "clicks": [None, 3],
    "consents": [None, {"health": True}],
    "opt_outs": [None, ["ads"]],
}
HERE = {"product": "i5"}
CONTEXTS = {"page": [None, "cart"], "product": [None, "i5"]}


def book_of(data):
    book, report = check_book({"book.yaml": written(data)}, now=NOW)
    assert report.errors == 0, report.to_text()
    return book


def every(values):
    for chosen in product(*values.values()):
        yield {name: value for name, value in zip(values, chosen, strict=True) if value is not None}


class Counted(Acting):
    """A steady scorer that counts how often it is asked."""

    def __init__(self, name, behaviour="good", steady=True):
        super().__init__(name, behaviour)
        self.steady, self.asked = steady, 0

    def score(self, facts, candidates):
        self.asked += 1
        return super().score(facts, candidates)


@pytest.fixture
def made():
    """An engine with its scorers."""
    scorers = {name: Counted(name) for name in ("s1", "s2")}
    engine = Engine(book_of(BOOK), scorers)
    yield engine, scorers
    engine.close()


@pytest.mark.no_cover
@pytest.mark.parametrize("data", [BOOK, EXPLORING], ids=["settled", "exploring"])
def test_what_is_kept_is_what_a_ranking_that_has_seen_nobody_comes_to(data):
    book, chance = book_of(data), random.Random(7)
    scorers = {name: Counted(name) for name in ("s1", "s2")}
    kept, asked = Engine(book, scorers), 0
    requests = chance.sample([*product(every(USERS), every(CONTEXTS))], 250)
    for user, context in requests:
        user["id"] = f"u{chance.randrange(20)}"
        decision = kept.evaluate(user, context, NOW)
        anew = {name: Counted(name) for name in scorers}
        fresh = Engine(book, anew)
        expected = fresh.evaluate(user, context, NOW)
        assert decision.to_json() == expected.to_json(), (user, context)
        assert [decision.why(name) for name in decision] == [expected.why(name) for name in expected]
        asked += sum(one.asked for one in anew.values())
        fresh.close()
    kept.close()
    assert sum(one.asked for one in scorers.values()) < asked


def test_a_steady_scorer_is_asked_once_for_those_who_share_what_it_reads_and_counted_each_time(made):
    engine, scorers = made
    for number in range(10):
        engine.evaluate({"id": f"u{number}", "country": "NO"}, HERE, NOW)
        asyncio.run(engine.evaluate_async({"id": f"v{number}", "country": "NO"}, HERE, NOW))
    assert scorers["s1"].asked == scorers["s2"].asked == 1
    assert engine.scorer_counts() == {"s1": {"answered": 20}, "s2": {"answered": 20}}


@pytest.mark.parametrize("behaviour", ["raises", "nan", "short"])
def test_a_failure_is_not_kept(behaviour):
    scorers = {"s1": Counted("s1"), "s2": Counted("s2", behaviour)}
    engine = Engine(book_of(BOOK), scorers)
    for _ in range(3):
        assert engine.evaluate({}, HERE, NOW)["list"].scorer.used == "s1"
    scorers["s2"].behaviour = "good"
    assert engine.evaluate({}, HERE, NOW)["list"].scorer.used == "s2"
    engine.close()


def test_a_scorer_that_is_not_steady_is_asked_each_time():
    scorers = {"s1": Counted("s1"), "s2": Counted("s2", steady=False)}
    engine = Engine(book_of(BOOK), scorers)
    for _ in range(3):
        engine.evaluate({}, HERE, NOW)
    assert scorers["s2"].asked == 3
    engine.close()


def test_new_items_and_new_figures_count_at_once(tmp_path):
    (tmp_path / "things.csv").write_text("id,price\na,1\nb,2\n")
    (tmp_path / "chosen.csv").write_text("item,count\na,9\nb,1\n")
    ranking = {"of": {"catalog": "things"}, "by": "liked"}
    (tmp_path / "book.yaml").write_bytes(
        written(
            {
                "slots": {"list": {"many": 3}},
                "catalogs": {"things": {"file": "things.csv", "attributes": {"price": {"type": "integer"}}}},
                "scorers": {"liked": {"kind": "popularity", "file": "chosen.csv"}},
                "rules": {"r": {"when": "always", "show": {"list": ranking}}},
            }
        )
    )
    engine = Engine.load(tmp_path)

    def shown():
        return [item.content for item in engine.evaluate({}, {}, NOW)["list"].items]

    assert shown() == shown() == ["a", "b"]
    (tmp_path / "things.csv").write_text("id,price\na,1\nb,2\nc,3\n")
    engine.refresh("things")
    assert shown() == ["a", "b", "c"]
    (tmp_path / "chosen.csv").write_text("item,count\na,1\nb,2\nc,9\n")
    engine.refresh()
    assert shown() == ["c", "b", "a"]
    engine.close()


def test_where_chance_leaves_room_the_next_rule_is_asked_whenever_it_does():
    """Two things share nothing; what exploration puts in their stead fits beside neither."""
    tags = {"a": ["x"], "b": ["y"], "c": ["x", "y"], "d": ["x", "y"]}
    data = {
        "slots": {"list": {"many": 2}},
        "content": {"more": {"title": "More"}},
        "catalogs": {
            "things": {
                "attributes": {"tags": {"type": "list of strings"}},
                "items": {name: {"tags": of} for name, of in tags.items()},
            }
        },
        "rules": {
            "first": {
                "when": "always",
                "show": {
                    "list": {
                        "top": 2,
                        "of": {"catalog": "things"},
                        "explore": {"share": "70%", "first": ["c"]},
                        "at most": {"1 per": "tags"},
                    }
                },
                "priority": 160,
            },
            "then": {"when": "always", "show": {"list": "more"}},
        },
    }
    book = book_of(data)
    kept, seen = Engine(book), set()
    for number in range(40):
        context = {"request_id": f"r{number}"}
        decision = kept.evaluate({}, context, NOW)
        assert decision.to_json() == Engine(book).evaluate({}, context, NOW).to_json()
        seen.add(tuple(item.content for item in decision["list"].items))
    assert {("c", "more"), ("a", "b")} <= seen


def test_an_empty_id_names_nobody_so_visitors_do_not_share_their_draws():
    scorers = {name: Counted(name) for name in ("s1", "s2")}
    engine = Engine(book_of(EXPLORING), scorers)
    for user, context in (({}, {"request_id": ""}), ({"id": ""}, {}), ({"id": ""}, {"request_id": ""})):
        seen = {str(engine.evaluate(user, context, NOW)["list"].items) for _ in range(60)}
        assert len(seen) > 5
    engine.close()
