"""Rules as clauses: the ways in which each can be used, and what must hold at once for every one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from tailored.book.builtin import PERSONALIZATION
from tailored.book.model import Rule
from tailored.condition.normal import Both, Either, Literal, Normal
from tailored.condition.tree import Attribute, Consent, InSegment, Logic, Op, Test, attributes_read
from tailored.proof.domains import RELATIVE
from tailored.proof.hopes import hoped_for
from tailored.proof.reader import Reader
from tailored.proof.symbols import place_of

MOST_WAYS = 24
"""How many clauses a rule is multiplied out to at most; what would make more is left out of all of them."""
NOW = ("now",)
Key: TypeAlias = tuple[Any, ...]
"""What clauses ask about: an attribute by its place, ("consent", flag), ("purpose", its id), or `NOW`."""
Ask: TypeAlias = tuple[Any, Any]
"""A test and what it must be; of `NOW`, from when and until when. Of consents and purposes a yes is asked."""
Asks: TypeAlias = tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """What must hold at once, in one way in which a rule can be used."""

    asks: Mapping[Key, Asks]
    enough: bool
    """Whether everybody who fits it gets what the rule gives."""
    needed: bool
    """Whether nobody else gets it in this way."""


class Clauses:
    """The clauses of the rules of one book."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._ways: dict[str, list[Clause]] = {}

    def of(self, rule: Rule, content: Iterable[str] = (), ranked: bool = False) -> list[Clause]:
        """The ways in which a rule gives something: content that may be placed, and may be ranked."""
        ways = self._of(rule)
        wanted: dict[Key, Asks] = {}
        for item in (self._reader.book.content[name] for name in content):
            wanted |= self._labels(item.topics, item.purpose)
        if ("consent", "") in wanted:
            return []
        if not ranked and not wanted:
            return ways
        return [
            Clause(_joined(one.asks, asks), one.enough and not ranked, one.needed and not ranked)
            for asks in (self._hoped(rule, wanted) if ranked else [wanted])
            for one in ways
        ]

    def _hoped(self, rule: Rule, wanted: Mapping[Key, Asks]) -> Iterator[dict[Key, Asks]]:
        """What else may help rankings to find something."""
        known = {place_of(one): ((Test(one, Op.KNOWN, True), True),) for one in read_by_rankings(rule)}
        for ranking in rule.rank.values():
            for tests in islice(hoped_for(self._reader.book, ranking), 1):
                yield {**wanted, **known, **{place_of(one.attribute): ((one, True),) for one in tests}}
        yield {**wanted, **known}

    def _of(self, rule: Rule) -> list[Clause]:
        """The ways in which a rule can be used."""
        if rule.id not in self._ways:
            labels = self._labels(rule.topics, rule.purpose)
            if rule.id in self._reader.personal:
                labels |= self._labels((), PERSONALIZATION)
            if rule.start is not None or rule.end is not None:
                labels[NOW] = ((rule.start, rule.end),)
            ways = self._multiplied([self._reader.normal(rule.when)], MOST_WAYS)
            clauses = [self._clause(literals, labels, exact) for literals, exact in ways]
            self._ways[rule.id] = [one for one in clauses if one is not None]
        return self._ways[rule.id]

    def _labels(self, topics: Iterable[str], purpose: str | None) -> dict[Key, Asks]:
        """What labels ask of consents and opt-outs. A consent that nobody is asked for has no name."""
        asked = [self._reader.book.topics[topic] for topic in topics]
        found: dict[Key, Asks] = {("consent", one.consent or ""): () for one in asked if one.sensitive}
        return found if purpose is None else found | {("purpose", purpose): ()}

    def _multiplied(self, waiting: list[Normal], most: int) -> Iterator[tuple[list[Literal], bool]]:
        """The literals of each way through a condition, and whether they are all of it."""
        found: list[Literal] = []
        branches: list[Either] = []
        while waiting:
            normal = waiting.pop()
            if isinstance(normal, Both):
                waiting += normal.parts
            elif isinstance(normal, Either):
                branches.append(normal)
            elif isinstance(normal.leaf, InSegment):
                segment = self._reader.book.segments[normal.leaf.id]
                waiting.append(self._reader.normal(segment.when, normal.wanted))
            else:
                found.append(normal)
        fitting = sorted(branches, key=lambda either: len(either.parts))
        if not fitting:
            yield found, True
        elif len(fitting[0].parts) > most:
            yield found, False
        else:
            first, *rest = fitting
            for part in first.parts:
                for literals, exact in self._multiplied([part, *rest], most // len(first.parts)):
                    yield [*found, *literals], exact

    def _clause(self, literals: Iterable[Literal], labels: Mapping[Key, Asks], exact: bool) -> Clause | None:
        """A clause; None for one that nobody can fit."""
        asks: dict[Key, dict[Ask, None]] = {key: dict.fromkeys(asked) for key, asked in labels.items()}
        enough, needed = exact, True
        for literal in literals:
            leaf, wanted = literal.leaf, literal.wanted
            if isinstance(leaf, Test):
                asks.setdefault(place_of(leaf.attribute), {})[leaf, wanted] = None
                if leaf.op in RELATIVE:
                    enough = needed = False
                elif leaf.op is Op.KNOWN and leaf.operand is not wanted:
                    needed = needed and not leaf.attribute.topics and leaf.attribute.purpose is None
                else:
                    for key in self._labels(leaf.attribute.topics, leaf.attribute.purpose):
                        asks.setdefault(key, {})
            elif isinstance(leaf, Consent):
                for key in self._labels(leaf.topics, None):
                    asks.setdefault(key, {})
            else:
                assert isinstance(leaf, Logic)
                enough = False
        if ("consent", "") in asks:
            return None
        return Clause({key: tuple(asked) for key, asked in asks.items()}, enough, needed)


def _joined(one: Mapping[Key, Asks], two: Mapping[Key, Asks]) -> dict[Key, Asks]:
    """What both ask."""
    found = dict(one)
    for key, asks in two.items():
        found[key] = found[key] + asks if found.get(key) else asks
    return found


def read_by_rankings(rule: Rule) -> Iterator[Attribute]:
    """What rankings of a rule read of the user and the context, to choose among candidates."""
    for ranking in rule.rank.values():
        for condition in (ranking.where, *ranking.without):
            yield from (one for one in attributes_read(condition) if one.side in ("user", "context"))
