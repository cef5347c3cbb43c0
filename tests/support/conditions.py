"""Hypothesis strategies of conditions and requests: plain data, as authors write it and applications send it.

Pools of constants are small, so that tests and values collide and boundaries are hit; they ascend. Strategies
are made once, outside of what draws from them: making them again for each draw took longer than drawing.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
"""The moment around which the dates of the pools lie."""

ATTRIBUTES: dict[str, dict[str, dict[str, Any]]] = {
    "user": {
        "country": {"type": "string", "values": ["US", "CA", "NO", "DE"]},
        "language": {"type": "string"},
        "city": {"type": "string", "path": "address.city"},
        "age": {"type": "integer"},
        "score": {"type": "number"},
        "vip": {"type": "boolean"},
        "born": {"type": "date"},
        "signed_up_at": {"type": "datetime"},
        "viewed": {"type": "list of strings", "values": ["boots", "socks", "tents"]},
        "ratings": {"type": "list of numbers"},
        "diagnoses": {"type": "list of strings", "topic": "health"},
        "income": {"type": "integer", "topic": "finance"},
        "kids": {"type": "integer", "topic": "children"},
        "clicks": {"type": "integer", "purpose": "ads"},
    },
    "context": {
        "language": {"type": "string"},
        "page": {"type": "string", "values": ["home", "cart", "checkout"]},
        "app": {"type": "version"},
        "steps": {"type": "list of integers"},
        "temperature": {"type": "number"},
        "opened_at": {"type": "datetime"},
    },
}
"""An `attributes:` section: each of the ten types, a name that both sides have, a path, topics, a purpose."""
PURPOSES: dict[str, dict[str, Any]] = {"ads": {}, "tips": {}}
"""The `purposes:` section that goes with it."""

_TEXTS = [
    "",
    "18",
    "2026-11-24",
    "Hik",
    "boots",
    "hik",
    "hiking",
    "hiking-boots",
    "öl",
    "öle",
    "😀",
    "😀a",
    "😁",
]
_DAYS = ["2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25", "2026-12-24"]
_MOMENTS = [
    "2026-10-25T10:00:00Z",
    "2026-11-23T09:59:59.999999Z",
    "2026-11-23T10:00:00",
    "2026-11-23T23:59:59.999999Z",
    "2026-11-24T00:00:00Z",
    "2026-11-24T01:30:00+01:30",
    "2026-11-24T10:00:00.000Z",
    "2026-11-24T05:00:00.000001-05:00",
    "2026-11-24T23:59:59Z",
    "2026-11-25T00:00:00+00:00",
]
_VERSIONS = [
    "0.9",
    "1",
    "1.0.0",
    "1.9",
    "1.10.0-alpha",
    "1.10.0-rc.1",
    "1.10.0-rc.2",
    "1.10",
    "1.10.0+7",
    "2",
]
_POOLS: dict[str, list[Any]] = {
    "string": _TEXTS,
    "integer": [-(2**63) + 1, -1, 0, 1, 2, 17, 18, 19, 2**53, 2**53 + 1, 2**63 - 1],
    "number": [-1, -0.5, 0, 1, 17, 17.5, 18, 18.25, 19, 2**53 + 1, 2**63 - 1],
    "boolean": [False, True],
    "date": _DAYS,
    "datetime": [*_MOMENTS[:4], *_DAYS[2:3], *_MOMENTS[4:9], *_DAYS[3:4], *_MOMENTS[9:]],
    "version": _VERSIONS,
}
_ELEMENTS = {"list of strings": "string", "list of integers": "integer", "list of numbers": "number"}
_PARTS = ["", "h", "hik", "boots", "o", "-", "ö", "😀", "O", "2026-11"]
_PATTERNS = ["*", "hik*", "*boots", "h*g*s", "*😀*", "hiking", "**", "*o*", "N*"]
_DURATIONS = ["1 minute", "10 hours", "1 day", "2 days", "1 week", "30 days"]
_ORDERS = ("at least", "more than", "at most", "less than")

_ODD: list[Any] = [
    *(True, 1, 17.5, 2**63, 10**400, 1e300, float("nan"), float("inf")),
    *("18", "x", b"18", "\ud800", "2026-11-24", "2026-02-30", "x" * 70_000),
    *(object, date(2026, 11, 24), NOW, {}, {"a": 1}, [], ["x"] * 10_001),
]

LOGIC: list[dict[str, Any]] = [
    {">": [{"var": "context.temperature"}, {"var": "user.score"}]},
    {"===": [{"var": "context.page"}, "home"]},
    {"===": [{"var": "user.country"}, "NO"]},
    {"!==": [{"var": "user.country"}, "NO"]},
    {"in": ["boots", {"var": "user.viewed"}]},
    {"in": [{"var": "context.page"}, ["home", "cart"]]},
    {">=": [{"var": "user.income"}, 18]},
    {"!": [{"var": "user.diagnoses"}]},
    {"var": "user.consents.health"},
    {"some": [{"var": "context.steps"}, {">": [{"var": ""}, 17]}]},
    {"missing": ["user.age", "context.page"]},
    {"<": [{"var": "user.clicks"}, 18]},
    {">": [{"+": [{"var": "user.language"}, 1]}, 18]},
    {"or": [{"!": [{"var": "user.vip"}]}, {"<": [{"var": "context.temperature"}, 18]}]},
]
"""Expressions for `logic:`: some that become tests, some that stay opaque, one that can fail to evaluate."""


def written(data: Any) -> bytes:
    """Plain data as the text of a rule file: JSON, which is YAML too."""
    return json.dumps(data, ensure_ascii=False).encode()


def mostly(common: SearchStrategy[Any], rare: SearchStrategy[Any], one_in: int = 10) -> SearchStrategy[Any]:
    """`common`, and once in `one_in` `rare`."""
    return st.integers(1, one_in).flatmap(lambda dice: rare if dice == one_in else common)


def names() -> dict[str, dict[str, Any]]:
    """What an author may call each attribute: whole always, short where only one side has the name."""
    found = {}
    for side, other in (("user", "context"), ("context", "user")):
        for name, spec in ATTRIBUTES[side].items():
            found[f"{side}.{name}"] = spec
            if name not in ATTRIBUTES[other]:
                found[name] = spec
    return found


def tests_of(spec: dict[str, Any]) -> SearchStrategy[Any]:
    """What may be written as the test of an attribute with this declaration."""
    type_ = spec["type"]
    listed = st.sampled_from(spec.get("values") or _POOLS[_ELEMENTS.get(type_, type_)])
    several = st.lists(listed, min_size=1, max_size=3)
    mappings = _mappings(_operators(type_, listed, several))
    return mostly(mappings, listed | several, 3)


@cache
def conditions(segments: tuple[str, ...] = (), logic: bool = True) -> SearchStrategy[Any]:
    """Conditions as they may be written in a book with ATTRIBUTES and these segments."""
    entries = _entry_of(_TESTS)
    if segments:
        one = st.sampled_from(segments)
        several = st.lists(one, min_size=1, max_size=2)
        entries = mostly(entries, st.tuples(st.just("segment"), one | several), 4)
    if logic:
        entries = mostly(entries, st.tuples(st.just("logic"), st.sampled_from(LOGIC)))

    def mapping(extra: SearchStrategy[Any], least: int, most: int) -> SearchStrategy[Any]:
        return st.lists(extra, min_size=least, max_size=most).map(dict)

    def larger(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
        parts = st.lists(inner, min_size=1, max_size=3)
        joined = st.one_of(
            st.tuples(st.just("any"), parts),
            st.tuples(st.just("all"), parts),
            st.tuples(st.just("not"), inner),
        )
        return st.tuples(mapping(joined, 1, 2), mapping(entries, 0, 1)).map(lambda two: {**two[0], **two[1]})

    return st.recursive(mostly(mapping(entries, 1, 2), st.just("always"), 30), larger, max_leaves=6)


def values_of(spec: dict[str, Any]) -> SearchStrategy[Any]:
    """What a request may carry for an attribute with this declaration; once in a while null, or ill-typed."""
    type_ = spec["type"]
    single = _single(_ELEMENTS.get(type_, type_), spec.get("values", ()))
    typed = single
    if type_ in _ELEMENTS:
        typed = mostly(st.lists(single, max_size=4), st.lists(single, max_size=2).map(tuple), 5)
    return mostly(typed, st.none() | _ill_typed(single), 8)


@st.composite
def users(draw: Any) -> dict[str, Any]:
    """The user of a request: attributes where their paths say, consents and opt-outs, any of them missing."""
    return _side(draw, "user") | draw(_CONSENTS) | draw(_OPT_OUTS) | draw(_IDS)


@st.composite
def contexts(draw: Any) -> dict[str, Any]:
    """The context of a request."""
    return _side(draw, "context") | draw(_SIGNALS)


def _odd(key: str, *values: Any) -> SearchStrategy[Any]:
    return st.fixed_dictionaries({key: st.sampled_from(values)})


_consents = mostly(st.just(True), st.sampled_from([False, None, 1, "true"]), 3)
_given = st.fixed_dictionaries({}, optional=dict.fromkeys(("health", "finance", "children"), _consents))
_CONSENTS = mostly(st.fixed_dictionaries({"consents": _given}), _odd("consents", True, None, [1]))
_OPT_OUTS = mostly(
    st.just({}), _odd("opt_outs", [], ["personalization"], ["ads"], ["ads", "tips"], None, "all"), 3
)
_IDS = mostly(st.just({}), _odd("id", "u1", 7, None))
_SIGNALS = mostly(st.just({}), _odd("gpc", True, True, False, 1, "1"), 3)
_ONE_IN_FIVE = st.integers(1, 5)
_ONE_IN_TEN = st.integers(1, 10)
_NO_MAPPING = st.sampled_from([None, "x", [], 3])


def _side(draw: Any, side: str) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, spec in ATTRIBUTES[side].items():
        if draw(_ONE_IN_FIVE) == 5:
            continue
        *way, last = spec.get("path", name).split(".")
        holder = data
        for step in way:
            holder = holder.setdefault(step, {})
        holder[last] = draw(_VALUES[side, name])
        if way and draw(_ONE_IN_TEN) == 10:
            data[way[0]] = draw(_NO_MAPPING)
    return data


def _operators(
    type_: str, value: SearchStrategy[Any], values: SearchStrategy[Any]
) -> dict[str, SearchStrategy[Any]]:
    found: dict[str, SearchStrategy[Any]] = {"known": st.booleans()}
    if type_ in _ELEMENTS:
        found["contains"] = value
        found |= {f"contains {word}": values for word in ("any", "all", "none")}
        found["size"] = _sizes()
        return found
    found |= {"is": value, "is not": value, "one of": values, "none of": values}
    if type_ == "string":
        part = st.sampled_from(_PARTS)
        found |= {
            "contains": part,
            "starts with": part,
            "ends with": part,
            "like": st.sampled_from(_PATTERNS),
        }
    if type_ in ("integer", "number", "version"):
        found |= dict.fromkeys(_ORDERS, value)
    if type_ in ("date", "datetime"):
        found |= dict.fromkeys(("before", "after"), value)
        found |= {op: st.sampled_from(_DURATIONS) for op in ("in the last", "not in the last")}
    if type_ in ("integer", "number", "version", "date", "datetime"):
        found["between"] = _pairs(_POOLS[type_])
    return found


def _pairs(pool: list[Any]) -> SearchStrategy[list[Any]]:
    places = st.lists(st.integers(0, len(pool) - 1), min_size=2, max_size=2).map(sorted)
    return places.map(lambda two: [pool[at] for at in two])


def _sizes() -> SearchStrategy[Any]:
    count = st.integers(0, 4)
    operators = dict.fromkeys(("is", "is not", *_ORDERS), count)
    operators |= {op: st.lists(count, min_size=1, max_size=2) for op in ("one of", "none of")}
    operators["between"] = _pairs([0, 1, 2, 3, 4])
    return count | _mappings(operators)


def _mappings(values: dict[str, SearchStrategy[Any]]) -> SearchStrategy[dict[str, Any]]:
    return st.lists(_entry_of(values), min_size=1, max_size=2).map(dict)


def _entry_of(values: dict[str, SearchStrategy[Any]]) -> SearchStrategy[tuple[str, Any]]:
    entries = {key: st.tuples(st.just(key), value) for key, value in values.items()}
    return st.sampled_from(sorted(entries)).flatmap(entries.__getitem__)


def _single(type_: str, values: Any) -> SearchStrategy[Any]:
    pool = [*values] * 8 + _POOLS[type_]
    if type_ == "date":
        return st.sampled_from([*pool, *map(date.fromisoformat, pool), "20261124"])
    if type_ == "datetime":
        return st.sampled_from([*_MOMENTS, *map(_moment, _MOMENTS), "2026-11-24T10", "20261124T100000Z"])
    if type_ == "integer":
        return st.sampled_from([*pool, 18.0])
    return st.sampled_from(pool)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(timezone(timedelta(hours=3))) if moment.second else moment


def _ill_typed(single: SearchStrategy[Any]) -> SearchStrategy[Any]:
    odd = st.sampled_from(_ODD)
    return odd | st.tuples(single, odd).map(list)


_VALUES = {
    (side, name): values_of(spec) for side, specs in ATTRIBUTES.items() for name, spec in specs.items()
}
_TESTS = {name: tests_of(spec) for name, spec in names().items()}
