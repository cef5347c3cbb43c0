"""Small random books, and every request that one of them can tell from another.

A book reads few attributes, and their constants come from small pools. For each attribute there is a list
of values that meets every test that can be written with its pool in every way (between, beyond, and beside
the constants; missing). All their combinations are all there is to know of such a book.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from itertools import product
from typing import Any

MISSING: Any = None
_DAYS = ["2026-11-20", "2026-11-22"]

ATTRIBUTES: dict[str, dict[str, Any]] = {
    "context.page": {"type": "string", "values": ["home", "cart"]},
    "context.app": {"type": "version"},
    "user.age": {"type": "integer"},
    "user.score": {"type": "number"},
    "user.vip": {"type": "boolean"},
    "user.tags": {"type": "list of strings"},
    "user.mail": {"type": "string"},
    "user.born": {"type": "date"},
    "user.seen": {"type": "datetime"},
    "user.ill": {"type": "boolean", "topic": "health"},
    "user.clicks": {"type": "integer", "purpose": "ads"},
}

VALUES: dict[str, list[Any]] = {
    "context.page": [MISSING, "home", "cart", "elsewhere"],
    "context.app": [MISSING, "1.0-a", "1.0", "1.5", "2", "3"],
    "user.age": [MISSING, 9, 10, 11, 12, 13],
    "user.score": [MISSING, 0, 0.5, 0.7, 1, 2],
    "user.vip": [MISSING, True, False],
    "user.tags": [
        *(MISSING, [], ["a"], ["b"], ["x"], ["a", "b"], ["a", "x"], ["b", "x"], ["x", "y"]),
        *(["a", "b", "x"], ["a", "x", "y"], ["b", "x", "y"], ["x", "y", "z"]),
        *(["a", "b", "x", "y"], ["a", "x", "y", "z"], ["b", "x", "y", "z"], ["w", "x", "y", "z"]),
    ],
    "user.mail": [
        *(MISSING, "", "a", "b", "c", "aa", "ab", "ba", "bb", "ac", "ca", "bc", "cb", "aab", "aba", "abb"),
        *("baa", "bab", "bba", "aca", "acb", "bca", "bcb", "cab", "cba", "abc", "bac", "cc", "acab", "abca"),
        *("abcb", "bcab", "babcb", "abcab", "bcaba", "cabc", "bacab", "caba", "cbab", "abab", "baba", "bcba"),
        *("cac", "cbc", "caac", "cbabc", "abacb", "bacb", "bcac", "cacb", "bcaab", "abcba", "acabc"),
    ],
    "user.born": [
        MISSING,
        "2026-11-16",
        "2026-11-17",
        "2026-11-18",
        "2026-11-19",
        "2026-11-20",
        "2026-11-21",
        "2026-11-22",
        "2026-11-23",
        "2026-11-25",
    ],
    "user.seen": [
        MISSING,
        *(
            f"2026-11-{day}T{time}Z"
            for day in (17, 18, 19, 20, 21, 22, 23, 25)
            for time in ("00:00:00", "10:00:00")
        ),
        *("2026-11-20T23:59:59.999999Z", "2026-11-21T10:00:00.000001Z"),
    ],
    "user.ill": [MISSING, True, False],
    "user.clicks": [MISSING, 0, 1, 2],
}
NOWS = [
    *("2026-11-19T10:00:00Z", "2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z", "2026-11-21T23:00:00Z"),
    *("2026-11-22T10:00:00Z", "2026-11-24T10:00:00Z"),
]
"""Moments before, between and after the days of schedules, and those from which `in the last` counts."""

_OPERATORS: dict[str, list[Any]] = {
    "context.page": ["home", "cart", ["home", "cart"], {"is not": "home"}, {"none of": ["home", "cart"]}],
    "context.app": [
        {"at least": "1.0"},
        {"less than": "2"},
        {"between": ["1.0", "2"]},
        "1.0",
        {"is not": "2"},
    ],
    "user.age": [
        *(10, {"at least": 12}, {"less than": 10}, {"more than": 10}, {"at most": 12}, {"is not": 10}),
        *({"between": [10, 12]}, [10, 12], {"none of": [10]}),
    ],
    "user.score": [{"at least": 0.5}, {"less than": 1}, {"between": [0.5, 1]}, 1, {"more than": 0.5}],
    "user.vip": [True, False, {"is not": True}],
    "user.tags": [
        *("a", "b", ["a", "b"], {"contains all": ["a", "b"]}, {"contains none": ["a"]}, {"size": 0}),
        *({"size": {"at least": 2}}, {"size": {"less than": 2}}, {"contains none": ["a", "b"]}, {"size": 1}),
        *({"contains": "a", "size": 1}, {"size": {"less than": 4}}, {"size": {"at least": 4}}),
        *({"contains any": ["a", "b"]}, {"contains all": ["a", "b"], "size": {"less than": 4}}),
    ],
    "user.mail": [
        *(
            "ab",
            {"contains": "ab"},
            {"starts with": "a"},
            {"ends with": "b"},
            {"like": "a*b"},
            {"contains": "a"},
        ),
        *({"is not": "ab"}, {"like": "*b*"}, {"starts with": "ab"}, ["ab", "b"], {"like": "b"}),
    ],
    "user.born": [
        *({"before": "2026-11-20"}, {"after": "2026-11-20"}, {"between": ["2026-11-20", "2026-11-22"]}),
        *({"in the last": "1 day"}, {"not in the last": "1 day"}, "2026-11-20"),
    ],
    "user.seen": [
        *({"before": "2026-11-20"}, {"after": "2026-11-20"}, {"after": "2026-11-21T10:00:00Z"}),
        *({"in the last": "1 day"}, {"not in the last": "1 day"}, {"in the last": "2 days"}),
    ],
    "user.ill": [True, False],
    "user.clicks": [1, {"at least": 1}, {"less than": 1}],
}


_COMPARED = {"user.age", "user.score", "user.tags", "user.mail", "context.page", "user.born"}
"""What items are compared with."""


class SmallBook:
    """A random book (plain data), and the requests that tell all there is to tell of it."""

    def __init__(self, seed: int, most_requests: int = 400) -> None:
        self.dice = dice = random.Random(seed)
        self.names = dice.sample(sorted(ATTRIBUTES), dice.choice([1, 2, 2, 3]))
        self.labelled = dice.random() < 0.4
        self.scheduled = dice.random() < 0.3
        while len(self.names) > 1 and self._size() > most_requests:
            self.names.pop()
        self.data = self._book()

    @property
    def guarded(self) -> bool:
        """Whether labels matter in it."""
        return self.labelled or not {"user.ill", "user.clicks"}.isdisjoint(self.names)

    def _size(self) -> int:
        """How many requests there are."""
        size = (20 if self.guarded else 2) * len(self._nows())
        for name in self.names:
            size *= len(VALUES[name])
        return size

    def _nows(self) -> list[str]:
        relative = any(name in ("user.born", "user.seen") for name in self.names)
        return NOWS if self.scheduled or relative else NOWS[:1]

    def _book(self) -> dict[str, Any]:
        dice = self.dice
        sides: dict[str, dict[str, Any]] = {"user": {}, "context": {}}
        for name in self.names:
            side, short = name.split(".")
            sides[side][short] = ATTRIBUTES[name]
        self.segments = [f"s{number}" for number in range(dice.randrange(3))]
        segments: dict[str, Any] = {}
        for name in self.segments:
            segments[name] = {"when": self._condition(tuple(segments), 2)}
            if self.guarded and dice.random() < 0.2:
                segments[name]["topic"] = "health"
        many: dict[str, Any] = {"many": dice.choice([1, 2, 3])}
        if dice.random() < 0.5:
            many |= {"default": ["c0"], "fill": dice.random() < 0.5}
        return {
            "attributes": sides,
            "purposes": {"ads": {"honours": ["gpc"]} if dice.random() < 0.5 else {}},
            "slots": {
                "hero": dice.choice([{}, {"default": "c0"}]),
                "list": many,
                "mods": {"order": ["m0", "m1", "m2"]},
            },
            "settings": {"path": {"type": "string", "default": "a", "values": ["a", "b", "c"]}},
            "content": {
                **{f"c{number}": {"title": f"C{number}", "tags": [f"t{number % 2}"]} for number in range(3)},
                "ill": {"title": "I", "topic": "health"},
                "ad": {"title": "A", "purpose": "ads"},
                "own": {"title": "O", "purpose": "personalization"},
            },
            "segments": segments,
            "rules": {f"r{number}": self._rule() for number in range(dice.choice([2, 3, 4, 5]))},
        }

    def _rule(self) -> dict[str, Any]:
        dice = self.dice
        rule: dict[str, Any] = {"when": self._condition(tuple(self.segments), 2)}
        contents = ["c0", "c1", "c2"] + (["ill", "ad", "own"] if self.guarded else [])
        kind = dice.choice(["hero", "hero", "list", "list", "mods", "path", "hide"])
        if kind == "hero":
            rule["show"] = {"hero": dice.choice(contents)}
        elif kind == "list":
            rule["show"] = {"list": [dice.choice(contents)]}
        elif kind == "mods":
            rule["order"] = {"mods": dice.sample(["m0", "m1", "m2"], dice.choice([1, 2]))}
        elif kind == "path":
            rule["set"] = {"path": dice.choice(["a", "b", "c"])}
        else:
            rule["hide"] = [dice.choice(["hero", "list"])]
        if dice.random() < 0.15:
            rule.setdefault("set", {})["path"] = dice.choice(["b", "c"])
        if dice.random() < 0.3:
            rule["priority"] = dice.choice([50, 100, 200])
        if self.guarded and dice.random() < 0.2:
            rule |= dice.choice([{"topic": "health"}, {"purpose": "ads"}])
        if self.scheduled and dice.random() < 0.6:
            first, last = _DAYS
            rule |= dice.choice([{"from": first}, {"until": last}, {"from": first, "until": last}])
        return rule

    def ranked(self) -> dict[str, Any]:
        """The same book, in which most rules that show something leave the choice to a scorer."""
        data, dice = copy.deepcopy(self.data), self.dice
        feature = dice.choice(self.names)
        data["scorers"] = {"s": {"kind": "python", "features": [feature], "timeout": "10 s"}}
        for number, rule in enumerate(data["rules"].values()):
            for slot in rule.get("show", {}) if dice.random() < 0.8 else ():
                named = dice.sample(["c0", "c1", "c2", *(["ill", "ad"] if self.guarded else [])], 2)
                rule["show"][slot] = {"best of" if slot == "hero" else "of": named, "by": "s"}
                if dice.random() < 0.3:
                    rule["show"][slot]["without"] = [{"id": dice.choice(named)}]
                if slot == "list" and number % 3:
                    rule["show"][slot]["top"] = 1
        return data

    def stocked(self) -> dict[str, Any]:
        """The same book, in which most rules that show something choose items by what the request says."""
        data, dice = copy.deepcopy(self.data), self.dice
        compared = {name.split(".")[1]: name for name in self.names if name in _COMPARED}
        types = {short: {"type": ATTRIBUTES[name]["type"]} for short, name in compared.items()}
        known = {
            short: [one for one in VALUES[name] if one not in (MISSING, [])]
            for short, name in compared.items()
        }
        items = {
            f"i{number}": {
                short: dice.choice(values) for short, values in known.items() if dice.random() < 0.8
            }
            for number in range(3)
        }
        data["catalogs"] = {"things": {"attributes": types | {"cheap": {"type": "boolean"}}, "items": items}}
        for item in items.values():
            item["cheap"] = dice.random() < 0.5
        for rule in data["rules"].values():
            for slot in rule.get("show", {}) if dice.random() < 0.8 else ():
                where: dict[str, Any] = {short: {"same as": name} for short, name in compared.items()}
                if dice.random() < 0.3:
                    where["cheap"] = True
                if where and dice.random() < 0.15:
                    where = {"not": where}
                of = {"catalog": "things"} | ({"where": where} if where else {})
                rule["show"][slot] = {"of": of, "top": 1}
        return data

    def guarantee(self) -> dict[str, Any]:
        """A guarantee about the same book, which may hold or not."""
        dice = self.dice
        claims = [
            *({"show": "hero"}, {"show": ["hero", "list"]}, {"show": {"hero": ["c0", "c1"]}}),
            *({"show": {"list": "c2"}}, {"show content tagged": "t0"}, {"show content tagged": ["t0", "t1"]}),
            *({"hide": "list"}, {"hide": ["hero", "list"]}, {"order": {"mods": ["m1"]}}),
            *({"order": {"mods": ["m0", "m2"]}}, {"set": {"path": "b"}}, {"set": {"path": ["a", "c"]}}),
            {"show": {"list": "c0"}, "set": {"path": "a"}},
        ]
        found: dict[str, Any] = {} if dice.random() < 0.3 else {"when": self.condition()}
        for word in dice.choice([["never"], ["always"], ["never"], ["always"], ["never", "always"]]):
            found[word] = dice.choice(claims)
        return found

    def condition(self) -> Any:
        """Another condition of the same book."""
        return self._condition(tuple(self.segments), 2)

    def _condition(self, segments: tuple[str, ...], depth: int) -> Any:
        dice = self.dice
        chance = dice.random()
        if depth and chance < 0.15:
            return {"any": [self._condition(segments, depth - 1) for _ in range(2)]}
        if depth and chance < 0.3:
            return {"not": self._condition(segments, depth - 1)}
        if depth and chance < 0.45:
            return {"all": [self._condition(segments, depth - 1) for _ in range(2)]}
        if segments and chance < 0.6:
            return {"segment": dice.choice(segments)}
        if chance < 0.63:
            return "always"
        if self.guarded and chance < 0.67:
            return {"opt_outs": dice.choice(["ads", "personalization"])}
        name = dice.choice(self.names)
        test = {"known": dice.random() < 0.5} if dice.random() < 0.12 else dice.choice(_OPERATORS[name])
        return {name: test}

    def requests(self) -> Iterator[tuple[dict[str, Any], dict[str, Any], str]]:
        """Every request that tests of these pools can tell from others."""
        outs: list[dict[str, Any]] = [{}, {"opt_outs": ["personalization"]}]
        signals: list[dict[str, Any]] = [{}]
        consents: list[dict[str, Any]] = [{}]
        if self.guarded:
            outs += [{"opt_outs": given} for given in ([], ["ads"], ["ads", "personalization"], "all")]
            signals.append({"gpc": True})
            consents.append({"consents": {"health": True}})
        permissions = [{**one, **two} for one in consents for two in outs]
        for values in product(*(VALUES[name] for name in self.names)):
            sides: dict[str, dict[str, Any]] = {"user": {}, "context": {}}
            for name, value in zip(self.names, values, strict=True):
                if value is not MISSING:
                    side, short = name.split(".")
                    sides[side][short] = value
            for permission, signal, now in product(permissions, signals, self._nows()):
                yield {**sides["user"], **permission}, {**sides["context"], **signal}, now
