"""Hypothesis strategies of whole rule books: plain data, as authors write it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.support.conditions import ATTRIBUTES, PURPOSES, conditions, mostly

SEGMENTS = ("s0", "s1", "s2", "s3")
_TEXTS = [
    "Hello{{ ', ' ~ user.city if user.city }}",
    "{{ user.age + 1 }} {{ context.page | upper }}",
    "{% for one in user.viewed %}{{ one }};{% endfor %}",
    "{{ user.diagnoses | join('+') }}{{ user.vip }}{{ user.born }}{{ context.opened_at }}{{ context.app }}",
    "{{ user.income | default('no income') }} {% if user.consents.health %}yes{% endif %}",
    "{{ user.language ~ '<' ~ context.language }}",
    "{{ 18 / (user.age - 18) }}",
    "Plain & simple",
]
_CONTENT = ("c0", "c1", "c2", "c3", "ill", "rich", "both", "own", "advert", "open")
_LABELS: dict[str, dict[str, Any]] = {
    "ill": {"topic": "health"},
    "rich": {"topic": "finance"},
    "both": {"topic": ["finance", "health"]},
    "own": {"purpose": "personalization"},
    "advert": {"purpose": "ads"},
    "open": {"topic": "children"},
}
_LABEL = mostly(
    st.just({}),
    st.sampled_from(
        [
            {"topic": "health"},
            {"topic": ["health", "finance"]},
            {"topic": ["children", "finance"]},
            {"purpose": "personalization"},
            {"purpose": "ads"},
            {"purpose": "tips"},
        ]
    ),
    4,
)
_SIGNALS = st.sampled_from([{}, {"honours": ["gpc"]}])
_TIMES = st.sampled_from(["2026-11-23", "2026-11-24", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00+01:00"])
_LATER = st.sampled_from(["2026-11-24T10:00:00.000001Z", "2026-11-25", "2026-12-24"])


def _content(name: str) -> SearchStrategy[dict[str, Any]]:
    texts = st.sampled_from(_TEXTS)
    fields = st.fixed_dictionaries(
        {"title": texts},
        optional={
            "price": st.sampled_from([9.5, 3, True]),
            "links": st.lists(texts, max_size=2),
            "more": st.fixed_dictionaries({"text": texts}),
            "format": st.sampled_from(["html", "text"]),
        },
    )
    return fields.map(lambda body: {**body, **_LABELS.get(name, {})})


def _segment(place: int) -> SearchStrategy[dict[str, Any]]:
    """A segment that may name those before it, so that there is no circle."""
    body = st.fixed_dictionaries({"when": conditions(SEGMENTS[:place])})
    topic = mostly(
        st.just({}), st.sampled_from([{"topic": "health"}, {"topic": "finance"}, {"topic": "children"}]), 3
    )
    return st.tuples(body, topic).map(lambda two: {**two[0], **two[1]})


_schedules = mostly(
    st.just({}),
    st.fixed_dictionaries({}, optional={"from": _TIMES, "until": _LATER})
    | st.fixed_dictionaries({"until": _TIMES})
    | st.fixed_dictionaries({"from": _LATER}),
    3,
)
_content_ids = st.sampled_from((*_CONTENT, "own", "advert"))
_modules = st.lists(st.sampled_from(["m0", "m1", "m2"]), min_size=1, max_size=3, unique=True)
_shows = st.fixed_dictionaries(
    {},
    optional={
        "hero": _content_ids,
        "list": st.lists(_content_ids, min_size=1, max_size=2),
        "full": _content_ids,
    },
)
_actions: list[SearchStrategy[dict[str, Any]]] = [
    _shows.filter(bool).map(lambda shown: {"show": shown}),
    _modules.map(lambda modules: {"order": {"modules": modules}}),
    st.fixed_dictionaries(
        {},
        optional={
            "path": st.sampled_from(["a", "b"]),
            "limit": st.sampled_from([1, 2.5]),
            "days": st.just([1, 2]),
        },
    )
    .filter(bool)
    .map(lambda values: {"set": values}),
    st.lists(st.sampled_from(["hero", "list"]), min_size=1, max_size=2, unique=True).map(
        lambda slots: {"hide": slots}
    ),
]
_priorities = mostly(st.just({}), st.sampled_from([0, 99, 100, 101, 1000]).map(lambda n: {"priority": n}), 2)


_WHENS = mostly(conditions(SEGMENTS), st.just("always"), 4)
_ACTIONS = st.lists(st.sampled_from(_actions), min_size=1, max_size=2)
_SEGMENTS = {name: _segment(place) for place, name in enumerate(SEGMENTS)}
_CONTENTS = {name: _content(name) for name in _CONTENT}


@st.composite
def rules(draw: Any) -> dict[str, Any]:
    """One rule: mostly with a simple condition, so that many fire together."""
    rule = {"when": draw(_WHENS), **draw(_priorities), **draw(_schedules), **draw(_LABEL)}
    for action in draw(_ACTIONS):
        rule |= draw(action)
    return rule


_RULES = st.lists(rules(), min_size=2, max_size=8)
_FLAGS_OF_HEALTH = st.sampled_from(["health", "finance", "never"])
_CHILDREN = st.sampled_from([{}, {"sensitive": False, "because": "We sell to parents", "words": ["pram"]}])
_HEROES = st.sampled_from([{}, {"default": "c0"}])
_BOOLEANS = st.booleans()


@st.composite
def books(draw: Any) -> dict[str, Any]:
    """A whole book: slots of every kind, settings, labelled content, segments of segments, and some rules."""
    return {
        "attributes": ATTRIBUTES,
        "topics": {
            "health": {"consent": draw(_FLAGS_OF_HEALTH)},
            "children": draw(_CHILDREN),
        },
        "purposes": {name: draw(_SIGNALS) for name in (*PURPOSES, "personalization")},
        "slots": {
            "hero": draw(_HEROES),
            "list": {"many": 2},
            "full": {"many": 3, "default": ["c0", "c1"], "fill": draw(_BOOLEANS)},
            "modules": {"order": ["m0", "m1", "m2"]},
        },
        "settings": {
            "path": {"type": "string", "default": "a", "values": ["a", "b"]},
            "limit": {"type": "number", "default": 1},
            "days": {"type": "list of integers", "default": [7]},
            "since": {"type": "date", "default": "2026-11-24"},
        },
        "content": {name: draw(content) for name, content in _CONTENTS.items()},
        "segments": {name: draw(segment) for name, segment in _SEGMENTS.items()},
        "rules": {f"r{place}": rule for place, rule in enumerate(draw(_RULES))},
    }
