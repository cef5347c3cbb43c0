"""The items of a catalog while an application runs: selected by bits, refreshed without a restart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tailored.book.model import Catalog, CatalogItem, Content
from tailored.condition.kleene import test_holds
from tailored.condition.tree import All as AllOf
from tailored.condition.tree import Any as AnyOf
from tailored.condition.tree import Condition, Not, Op, SameAs, Scalar, Test, Value
from tailored.content.render import FrozenDict
from tailored.guard.permissions import Permissions
from tailored.scoring.protocol import Candidate

Bits = tuple[int, int]
"""The items for which a condition is true, and those for which it is false, the first item lowest."""
_OF_TIME = frozenset((Op.IN_THE_LAST, Op.NOT_IN_THE_LAST))


@dataclass
class Stock:
    """Some candidates with what is known of each by whole names, ready to be asked. It never changes."""

    candidates: Sequence[Candidate]
    values: Sequence[Mapping[str, Value]]
    labels: Mapping[int, tuple[tuple[str, ...], str | None]] = field(default_factory=dict)
    """The topics and the purpose of those that carry any, by their places."""

    def __post_init__(self) -> None:
        self.everything = (1 << len(self.candidates)) - 1
        self.by_id = {candidate.id: place for place, candidate in enumerate(self.candidates)}
        self._holding: dict[str, tuple[int, dict[Scalar, int]]] = {}
        self._tests: dict[Test, Bits] = {}

    def true(self, condition: Condition, facts: Mapping[str, Value], now: datetime) -> int:
        """The items for which a condition is known to be true, as bits."""
        return self._bits(condition, facts, now)[0]

    def held_back(self, permissions: Permissions) -> dict[int, list[tuple[str, str]]]:
        """The labels that keep items back, by their places."""
        found = {
            place: list(permissions.held_back(topics, purpose))
            for place, (topics, purpose) in self.labels.items()
        }
        return {place: labels for place, labels in found.items() if labels}

    def _bits(self, condition: Condition, facts: Mapping[str, Value], now: datetime) -> Bits:
        if isinstance(condition, Test):
            return self._test(condition, now)
        if isinstance(condition, SameAs):
            return self._same(condition, facts)
        if isinstance(condition, Not):
            true, false = self._bits(condition.part, facts, now)
            return false, true
        assert isinstance(condition, AllOf | AnyOf)
        parts = [self._bits(part, facts, now) for part in condition.parts]
        every, some = self.everything, 0
        for true, false in parts:
            every, some = (
                (every & true, some | false) if isinstance(condition, AllOf) else (every & false, some | true)
            )
        return (every, some) if isinstance(condition, AllOf) else (some, every)

    def _test(self, test: Test, now: datetime) -> Bits:
        known = self._tests.get(test)
        if known is not None:
            return known
        true = false = 0
        for place, values in enumerate(self.values):
            holds = test_holds(test, values.get(test.attribute.key), now)
            if holds is not None:
                true, false = (true | 1 << place, false) if holds else (true, false | 1 << place)
        if test.op not in _OF_TIME:
            self._tests[test] = true, false
        return true, false

    def _same(self, same: SameAs, facts: Mapping[str, Value]) -> Bits:
        value = facts.get(same.other.key)
        if value is None:
            return 0, 0
        known, holding = self._by_value(same.attribute.key)
        true = 0
        for one in several(value):
            true |= holding.get(one, 0)
        return true, known & ~true

    def _by_value(self, key: str) -> tuple[int, dict[Scalar, int]]:
        """The items that have an attribute, and those that hold each of its values."""
        found = self._holding.get(key)
        if found is None:
            known = 0
            holding: dict[Scalar, int] = {}
            for place, values in enumerate(self.values):
                value = values.get(key)
                if value is not None:
                    known |= 1 << place
                    for one in several(value):
                        holding[one] = holding.get(one, 0) | 1 << place
            found = self._holding[key] = known, holding
        return found


def places(bits: int) -> Iterator[int]:
    """The places of bits, from the lowest."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def several(value: Value) -> tuple[Scalar, ...]:
    """The values that an attribute holds: one, or those of a list."""
    return value if isinstance(value, tuple) else (value,)


def stock_of_items(catalog: Catalog, items: Sequence[CatalogItem]) -> Stock:
    """The items of a catalog, with their own labels; those of the catalog are for the ranking to ask."""
    labels = {
        place: (item.topics, item.purpose) for place, item in enumerate(items) if item.topics or item.purpose
    }
    return Stock(
        [candidate_of_item(catalog, item) for item in items], [item.values for item in items], labels
    )


def candidate_of_item(catalog: Catalog, item: CatalogItem) -> Candidate:
    """An item as scorers see it."""
    return Candidate(
        item.id,
        FrozenDict(
            {key.removeprefix("item."): value for key, value in item.values.items() if key != "item.id"}
        ),
        catalog.id,
    )


def stock_of_content(content: Sequence[Content]) -> Stock:
    """Content that a ranking names."""
    return Stock(
        [candidate_of_content(item) for item in content],
        [values_of_content(item) for item in content],
        {place: (one.topics, one.purpose) for place, one in enumerate(content) if one.topics or one.purpose},
    )


def candidate_of_content(content: Content) -> Candidate:
    """Content as scorers see it: its type, its tags, and the fields that hold a text or a number."""
    plain: dict[str, Any] = {
        key: value for key, value in content.fields.items() if isinstance(value, str | int | float)
    }
    return Candidate(content.id, FrozenDict({**plain, "type": content.type, "tags": content.tags}))


def values_of_content(content: Content) -> dict[str, Value]:
    """What conditions, caps and diversity know of content, by whole names; what is empty is missing."""
    values: dict[str, Value] = {"item.id": content.id}
    if content.type:
        values["item.type"] = content.type
    if content.tags:
        values["item.tags"] = content.tags
    return values
