"""Hypothesis strategies of books with catalogs, scorers and rankings, and scorers that answer or fail."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st

from tailored.scoring.protocol import NoAnswer
from tests.support.conditions import mostly

ATTRIBUTES = {
    "user": {
        "country": {"type": "string", "values": ["NO", "US"]},
        "brand": {"type": "string"},
        "likes": {"type": "list of strings"},
        "bought": {"type": "list of strings"},
        "budget": {"type": "integer"},
        "ills": {"type": "list of strings", "topic": "health"},
        "clicks": {"type": "integer", "purpose": "ads"},
    },
    "context": {"page": {"type": "string", "values": ["home", "cart"]}, "product": {"type": "string"}},
}
ITEM_ATTRIBUTES = {
    "name": {"type": "string"},
    "brand": {"type": "string"},
    "kind": {"type": "string", "values": ["a", "b"]},
    "price": {"type": "integer"},
    "fresh": {"type": "boolean"},
    "marks": {"type": "list of strings"},
}
SCORERS = ("s0", "s1", "s2", "s3")
BEHAVIOURS = ("good", "good", "draws", "raises", "short", "nan", "infinite", "none", "same")
_CONTENT = ("c0", "c1", "c2", "ill", "advert")
_IDS = tuple(f"i{number}" for number in range(12))


class Acting:
    """A scorer whose numbers depend on nothing but what it is given, and that may fail as it is told."""

    def __init__(self, name: str, behaviour: str) -> None:
        self.name, self.behaviour = name, behaviour
        self.steady = name != "s1"  # one of them is asked anew each time
        if behaviour == "draws":
            self.draws = self._draws

    def score(self, facts, candidates):
        if self.behaviour == "raises":
            raise ZeroDivisionError("a text that must not get out")
        if self.behaviour == "none":
            raise NoAnswer("nothing is known")
        scores = [self._number(0, facts, candidate) for candidate in candidates]
        odd = {
            "short": scores[1:],
            "nan": [*scores[1:], float("nan")],
            "infinite": [*scores[1:], float("inf")],
        }
        return odd.get(self.behaviour, [0.5] * len(scores) if self.behaviour == "same" else scores)

    def _draws(self, facts, candidates):
        return [[self._number(n, facts, one) for one in candidates] for n in range(3)]

    def _number(self, draw, facts, candidate) -> float:
        given = f"{sorted(facts.items())} {candidate.id} {sorted(candidate.attributes.items())}"
        text = f"{self.name} {draw} {given}"
        return sha256(text.encode()).digest()[0] // 16 / 16


def numbers_of(scorer_of):
    """The numbers of scorers, as the specification asks for them; `scorer_of` finds a scorer by its id."""

    def numbers(name, facts, candidates):
        scorer = scorer_of(name)
        draws = getattr(scorer, "draws", None)
        return draws(facts, candidates) if draws else [scorer.score(facts, candidates)]

    return numbers


def without_propensities(data):
    """A decision with its propensities apart, which are compared as numbers."""
    placed = [one for slot in data["slots"].values() for one in (slot, *slot.get("items", ()))]
    return data, [one.pop("propensity") for one in placed if "propensity" in one]


_LABELS = mostly(
    st.just({}),
    st.sampled_from([{"topic": "health"}, {"purpose": "ads"}, {"topic": ["health"], "purpose": "ads"}]),
    4,
)
_LABELLED = st.sampled_from([{"topic": "health"}, {"purpose": "ads"}])
_SAME = st.sampled_from(
    [
        {"brand": {"same as": "user.brand"}},
        {"marks": {"same as": "user.likes"}},
        {"brand": {"same as": "user.likes"}},
        {"price": {"same as": "user.budget"}},
        {"id": {"same as": "context.product"}},
        {"bought": True},
        {"user.bought": False},
        {"marks": {"same as": "user.ills", "known": True}},
    ]
)
_TESTS = _SAME | st.sampled_from(
    [
        {"kind": "a"},
        {"kind": ["a", "b"]},
        {"price": {"at most": 3}},
        {"fresh": True},
        {"fresh": {"known": False}},
        {"marks": {"contains any": ["x", "y"]}},
        {"marks": {"size": {"at least": 1}}},
        {"item.brand": {"starts with": "p"}},
        {"id": {"none of": ["i0", "i1"]}},
    ]
)


@cache
def wheres():
    """Conditions on items."""
    return st.recursive(
        _TESTS | st.just("always"),
        lambda inner: st.one_of(
            inner.map(lambda one: {"not": one}),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        ),
        max_leaves=4,
    )


_LEAST = st.sampled_from([0, 5, 8])
_NAMES = {
    least: st.lists(st.sampled_from(_IDS), min_size=least, max_size=10, unique=True) for least in (0, 5, 8)
}
_ITEM = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Boots", "Socks"]),
        "brand": st.sampled_from(["p", "q", "pq"]),
        "kind": st.sampled_from(["a", "b"]),
        "price": st.integers(1, 5),
        "fresh": st.booleans(),
        "marks": st.lists(st.sampled_from(["x", "y", "z"]), min_size=1, max_size=2),
    },
)


@st.composite
def items(draw: Any) -> dict[str, Any]:
    """Items, of which any may lack anything."""
    return {name: draw(_ITEM) | draw(_LABELS) for name in draw(_NAMES[draw(_LEAST)])}


@st.composite
def rankings(draw: Any, of_items: dict[str, Any], most: int) -> dict[str, Any]:
    """A ranking over the catalog or over content."""
    of_catalog = draw(mostly(st.just(True), st.just(False), 3))
    whole, some = (
        st.just({"catalog": "things"}),
        wheres().map(lambda where: {"catalog": "things", "where": where}),
    )
    where = mostly(whole, some, 1)
    known = [*_CONTENT, *of_items] if of_catalog else [*_CONTENT]
    listed = st.lists(st.sampled_from(_CONTENT), min_size=1, max_size=4, unique=True)
    body: dict[str, Any] = (
        {"of": draw(where)} if of_catalog else {draw(st.sampled_from(["of", "best of"])): draw(listed)}
    )
    on_content = st.sampled_from([{"id": "c0"}, {"tags": "x"}, {"type": "t"}, {"bought": True}])
    attributes = ["brand", "kind", "marks", "price"] if of_catalog else ["type", "tags"]
    scorers = st.sampled_from(SCORERS)
    share = st.sampled_from(["0%", "20%", "50%", "100%", "33.3%"])
    names = st.lists(st.sampled_from(known), min_size=1, max_size=3)
    pins = st.lists(
        st.tuples(st.sampled_from(known), st.integers(1, most)),
        min_size=1,
        max_size=2,
        unique_by=(lambda p: p[0], lambda p: p[1]),
    )
    optional = {
        "by": mostly(scorers, scorers, 2),
        "explore": st.one_of(
            share,
            st.builds(lambda share, first: {"share": share, "first": first}, share, names),
            st.builds(lambda share, by: {"share": share, "by": by}, share, scorers),
        ),
        "without": st.lists(wheres() if of_catalog else on_content, min_size=1, max_size=2),
        "at most": st.dictionaries(
            st.sampled_from(["1 per", "2 per"]), st.sampled_from(attributes), min_size=1
        ),
        "pin": pins.map(lambda found: [{"id": name, "at": at} for name, at in found]),
        "diversity": st.sampled_from([0, 0.3, 1]) | st.just({"weight": 0.5, "over": attributes[:2]}),
    }
    if "best of" not in body:
        optional["top"] = st.integers(1, most)
    body |= draw(st.fixed_dictionaries({}, optional=optional))
    if "pin" in body:
        body["pin"] = [pin for pin in body["pin"] if pin["at"] <= body.get("top", most)] or [
            {"id": known[0], "at": 1}
        ]
    return body


_WHENS = mostly(st.just("always"), st.sampled_from([{"page": "home"}, {"country": "NO"}]), 3)
_FEATURES = st.lists(
    st.sampled_from(["country", "user.ills", "clicks", "page", "item.price"]),
    min_size=1,
    max_size=3,
    unique=True,
)


@st.composite
def ranked_books(draw: Any) -> tuple[dict[str, Any], dict[str, Acting]]:
    """A whole book, and its scorers."""
    things = draw(items())
    rules = {}
    for place in range(draw(st.integers(1, 4))):
        shows = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "hero": rankings(things, 1) | st.sampled_from(_CONTENT),
                    "list": rankings(things, 4)
                    | st.lists(st.sampled_from(_CONTENT), min_size=1, max_size=2, unique=True),
                    "full": rankings(things, 3),
                },
            ).filter(bool)
        )
        rules[f"r{place}"] = {
            "when": draw(_WHENS),
            "show": shows,
            "priority": draw(st.sampled_from([50, 100])),
            **draw(_LABELS),
        }
        if draw(st.integers(0, 9)) == 0:
            rules[f"r{place}"]["hide"] = ["list"]
    acting = {name: Acting(name, draw(st.sampled_from(BEHAVIOURS))) for name in SCORERS}
    scorers: dict[str, Any] = {}
    for place, name in enumerate(SCORERS):
        scorers[name] = {"kind": "python", "timeout": "10 s", **draw(_LABELS)}
        scorers[name]["features"] = draw(_FEATURES)
        if place and draw(st.booleans()):
            scorers[name]["fallback"] = SCORERS[draw(st.integers(0, place - 1))]
    catalog: dict[str, Any] = {
        "attributes": ITEM_ATTRIBUTES,
        "items": things,
        **draw(st.just({}) | _LABELS | _LABELLED),
    }
    if draw(st.booleans()):
        catalog["fields"] = {
            "title": "{{ item.name }} {{ user.country }}",
            "odd": "{{ 6 / (item.price - 3) }}",
        }
    book = {
        "attributes": ATTRIBUTES,
        "purposes": {"ads": {}},
        "slots": {
            "hero": draw(st.sampled_from([{}, {"default": "c0"}])),
            "list": {"many": 4},
            "full": {"many": 3, "default": ["c0", "c1"], "fill": draw(st.booleans())},
        },
        "content": {
            "c0": {"title": "Zero", "type": "t", "tags": ["x"]},
            "c1": {"title": "One {{ user.country }}", "tags": ["x", "y"]},
            "c2": {"title": "Two", "price": 3, "type": "t"},
            "ill": {"title": "Ill", "topic": "health"},
            "advert": {"title": "Advert", "purpose": "ads"},
        },
        "catalogs": {"things": catalog},
        "scorers": scorers,
        "rules": rules,
    }
    return book, acting


def ranked_requests():
    """Requests that are named by a request id or by a user."""
    user = st.fixed_dictionaries(
        {"id": st.sampled_from(["u1", "u2", "u3"])},
        optional={
            "country": st.sampled_from(["NO", "US", "XX"]),
            "brand": st.sampled_from(["p", "q", 3]),
            "likes": st.lists(st.sampled_from(["x", "y", "p"]), max_size=2),
            "bought": st.lists(st.sampled_from(_IDS), max_size=3),
            "budget": st.integers(1, 5),
            "ills": st.just(["x"]),
            "clicks": st.integers(0, 2),
            "consents": st.sampled_from([{"health": True}, {}]),
            "opt_outs": st.sampled_from([["ads"], ["personalization"], []]),
        },
    )
    context = st.fixed_dictionaries(
        {},
        optional={
            "request_id": st.sampled_from(["q1", "q2", "q3", "q4"]),
            "page": st.sampled_from(["home", "cart"]),
            "product": st.sampled_from(_IDS),
        },
    )
    return st.lists(st.tuples(user, context), min_size=2, max_size=4)
