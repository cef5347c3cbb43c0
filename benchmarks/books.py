"""Generated rule books and requests in three mixes: the same seed gives the same books on every machine."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

SEED = 20261124
COUNTRIES = [first + second for first in "ABCDEFGH" for second in "LMNOP"]
LANGUAGES = [f"l{number}" for number in range(20)]
PAGES = ["home", "product", "cart", "checkout", *(f"page-{number}" for number in range(8))]
PLANS = ["free", "plus", "pro", "team"]
DEVICES = ["mobile", "desktop", "tablet", "tv"]
CATEGORIES = [f"category-{number}" for number in range(300)]
WORDS = ["boots", "socks", "tent", "stove", "rope", "lamp", "map", "pack"]
SINGLE = ["hero", "banner", "footer", "aside", "offer", "notice", "strip"]
"""Slots for one item; with `modules`, which has an order, a book has eight slots."""

ATTRIBUTES: dict[str, dict[str, dict[str, Any]]] = {
    "user": {
        "country": {"type": "string", "values": COUNTRIES},
        "language": {"type": "string", "values": LANGUAGES},
        "plan": {"type": "string", "values": PLANS},
        "age": {"type": "integer"},
        "spent": {"type": "number"},
        "member": {"type": "boolean"},
        "born": {"type": "date"},
        "seen_at": {"type": "datetime"},
        "categories": {"type": "list of strings"},
        "orders": {"type": "list of integers"},
    },
    "context": {
        "page": {"type": "string", "values": PAGES},
        "device": {"type": "string", "values": DEVICES},
        "app": {"type": "version"},
        "search": {"type": "string"},
    },
}

Request = tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Mix:
    """A book as text, and requests to ask of it."""

    text: str
    requests: list[Request]


def make(name: str, rules: int, requests: int = 200, templates: bool = False, many: bool = False) -> Mix:
    """A book of this many rules in the mix `dense`, `selective`, `table` or `ranges`.

    With `templates` every fourth content item greets; without, all fields are plain. With `many` the slot
    `strip` takes up to four items.
    """
    dice = random.Random(f"{SEED} {name} {rules}")
    book = _BOOKS[name](dice, rules)
    for item in list(book["content"].values())[::4] if templates else []:
        item["title"] += "{{ ' in ' ~ user.country if user.country }}"
    if many:
        book["slots"]["strip"] = {"many": 4}
    return Mix(_text(book), [_request(dice) for _ in range(requests)])


def visits(requests: list[Request], at_once: int = 500, pages: int = 5) -> list[Request]:
    """The requests of so many visitors at a time, each of whom looks at so many pages."""
    dice = random.Random(SEED)
    users = iter(requests)
    here = [[user, pages] for user, _ in islice(users, at_once)]
    stream = []
    while here:
        place = dice.randrange(len(here))
        user, left = here[place]
        stream.append((user, dice.choice(requests)[1]))
        here[place][1] -= 1
        if left == 1:
            after = next(users, None)
            here[place : place + 1] = [] if after is None else [[after[0], pages]]
    return stream


def _request(dice: random.Random) -> Request:
    user = {
        "id": f"user-{dice.randrange(10**6)}",
        "country": dice.choice(COUNTRIES),
        "language": dice.choice(LANGUAGES),
        "plan": dice.choice(PLANS),
        "age": dice.randrange(16, 80),
        "spent": round(dice.random() * 1000, 2),
        "member": dice.random() < 0.5,
        "born": _day(dice, 1940, 2010),
        "seen_at": f"{_day(dice, 2025, 2027)}T{dice.randrange(24):02}:{dice.randrange(60):02}:00Z",
        "categories": dice.sample(CATEGORIES, 5),
        "orders": [dice.randrange(50) for _ in range(dice.randrange(4))],
    }
    context = {
        "page": dice.choice(PAGES),
        "device": dice.choice(DEVICES),
        "app": f"{dice.randrange(1, 5)}.{dice.randrange(20)}.{dice.randrange(5)}",
        "search": " ".join(dice.sample(WORDS, 2)),
    }
    return user, context


def _day(dice: random.Random, first: int, end: int) -> str:
    return f"{dice.randrange(first, end)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}"


_Test = tuple[str, Any]
_WIDE: list[Callable[[random.Random], _Test]] = [
    lambda dice: ("country", dice.sample(COUNTRIES, 12)),
    lambda dice: ("country", {"none of": dice.sample(COUNTRIES, 26)}),
    lambda dice: ("language", dice.sample(LANGUAGES, 6)),
    lambda dice: ("plan", dice.choice(PLANS)),
    lambda dice: ("plan", {"none of": dice.sample(PLANS, 2)}),
    lambda dice: ("age", {"at least": dice.randrange(45, 75)}),
    lambda dice: ("age", {"between": [low := dice.randrange(16, 60), low + dice.randrange(10, 30)]}),
    lambda dice: ("spent", {"more than": round(500 + dice.random() * 450, 2)}),
    lambda dice: ("spent", {"at most": round(50 + dice.random() * 450, 2)}),
    lambda dice: ("member", dice.random() < 0.5),
    lambda dice: ("born", {"before": _day(dice, 1945, 1970)}),
    lambda dice: ("seen_at", {"after": f"{_day(dice, 2025, 2027)}T12:00:00Z"}),
    lambda dice: ("orders", {"size": {"at least": dice.randrange(2, 4)}}),
    lambda dice: ("orders", {"contains none": dice.sample(range(50), 20)}),
    lambda dice: ("page", dice.sample(PAGES, 4)),
    lambda dice: ("device", dice.choice(DEVICES)),
    lambda dice: ("app", {"at least": f"{dice.randrange(3, 5)}.{dice.randrange(20)}"}),
    lambda dice: ("search", {"contains": dice.choice(WORDS)}),
]
"""Tests that about a third of the requests pass."""
_NARROW: list[Callable[[random.Random], _Test]] = [
    lambda dice: ("country", dice.choice(COUNTRIES)),
    lambda dice: ("country", dice.sample(COUNTRIES, 3)),
    lambda dice: ("categories", dice.choice(CATEGORIES)),
    lambda dice: ("categories", dice.sample(CATEGORIES, 3)),
    lambda dice: ("language", dice.choice(LANGUAGES)),
    lambda dice: ("page", dice.choice(PAGES)),
]
"""What grown books are made of."""


def _tests(dice: random.Random, pool: list[Callable[[random.Random], _Test]], number: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while len(found) < number:
        found.setdefault(*dice.choice(pool)(dice))
    return found


def _dense(dice: random.Random, rules: int) -> dict[str, Any]:
    return _book(dice, rules, lambda: _condition(dice, _WIDE, _WIDE, dice.randrange(2, 6)))


def _selective(dice: random.Random, rules: int) -> dict[str, Any]:
    return _book(dice, rules, lambda: _condition(dice, _NARROW, _WIDE, dice.randrange(2, 5)))


def _table(dice: random.Random, rules: int) -> dict[str, Any]:
    columns = {"country": COUNTRIES, "language": LANGUAGES, "plan": PLANS, "page": PAGES, "device": DEVICES}

    def row() -> dict[str, Any]:
        asked = dice.sample(sorted(columns), dice.randrange(3, 6))
        return {name: dice.choice(columns[name]) for name in asked}

    return _one_slot(dice, rules, row)


def _ranges(dice: random.Random, rules: int) -> dict[str, Any]:
    columns: dict[str, Callable[[], Any]] = {
        "country": lambda: dice.choice(COUNTRIES),
        "language": lambda: dice.sample(LANGUAGES, 3),
        "page": lambda: dice.choice(PAGES),
        "age": lambda: {"between": [low := dice.randrange(16, 60), low + dice.randrange(10, 30)]},
        "spent": lambda: {"at least": round(dice.random() * 900, 2)},
        "categories": lambda: dice.choice(CATEGORIES),
    }

    def row() -> dict[str, Any]:
        return {name: columns[name]() for name in dice.sample(sorted(columns), dice.randrange(3, 6))}

    return _one_slot(dice, rules, row)


def _one_slot(dice: random.Random, rules: int, row: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A book as one decision table: every rule a row, one slot, first hit."""
    book = _book(dice, rules, row)
    for body in book["rules"].values():
        when = body["when"]
        body.clear()
        body |= {"when": when, "show": {"hero": f"item-{dice.randrange(len(book['content']))}"}}
    return {**book, "segments": {}, "slots": {"hero": {"default": "item-0"}}}


_BOOKS: dict[str, Callable[[random.Random, int], dict[str, Any]]] = {
    "dense": _dense,
    "selective": _selective,
    "table": _table,
    "ranges": _ranges,
}


def _condition(
    dice: random.Random,
    pool: list[Callable[[random.Random], _Test]],
    wide: list[Callable[[random.Random], _Test]],
    number: int,
) -> dict[str, Any]:
    """Some tests; now and then one is a segment, one `any` of two, one `not`."""
    when = _tests(dice, pool, number)
    if dice.random() < 0.3:
        when["segment"] = f"segment-{dice.randrange(40)}"
    if dice.random() < 0.1:
        when["any"] = [dict([dice.choice(pool)(dice)]), dict([dice.choice(pool)(dice)])]
    if dice.random() < 0.05:
        when["not"] = dict([dice.choice(wide)(dice)])
    return when


def _book(dice: random.Random, rules: int, condition: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    items = max(20, rules // 20)
    return {
        "attributes": ATTRIBUTES,
        "slots": {
            **{name: {"default": f"item-{place}"} for place, name in enumerate(SINGLE[:5])},
            "notice": {},
            "strip": {},
            "modules": {"order": ["m0", "m1", "m2", "m3"]},
        },
        "content": {f"item-{number}": _content(number) for number in range(items)},
        "segments": {
            f"segment-{number}": {"when": _tests(dice, _WIDE, dice.randrange(1, 3))} for number in range(40)
        },
        "rules": {
            f"rule-{number}": {
                "when": condition(),
                **_action(dice, items),
                "priority": dice.randrange(0, 1001, 50),
            }
            for number in range(rules)
        },
    }


def _content(number: int) -> dict[str, Any]:
    return {"title": f"Offer {number}", "image": f"picture-{number}.jpg", "link": f"/offers/{number}"}


def _action(dice: random.Random, items: int) -> dict[str, Any]:
    chance = dice.random()
    if chance < 0.02:
        return {"hide": [dice.choice(["notice", "aside"])]}
    if chance < 0.12:
        return {"order": {"modules": dice.sample(["m0", "m1", "m2", "m3"], 2)}}
    return {"show": {dice.choice(SINGLE): f"item-{dice.randrange(items)}"}}


def _text(book: Mapping[str, Any]) -> str:
    """A book as authors write it: a line for each key of a thing, and braces below that."""
    lines = []
    for section, things in book.items():
        lines.append(f"{section}:" if things else f"{section}: {{}}")
        for name, body in things.items():
            lines.append(f"  {name}:" if body else f"  {name}: {{}}")
            lines += [f"    {key}: {_flow(value)}" for key, value in body.items()]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        return f'"{value}"' if "{" in value else value
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
