"""What requests may say for a ranking to find something: values that `same as` compares items with.

They claim nothing. Values are told apart by them, and models with them are tried first, so that a request
that shows what a ranking gives is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from tailored.book.model import CatalogItem, Ranking, RuleBook
from tailored.condition.kleene import truth
from tailored.condition.operators import LISTS
from tailored.condition.tree import All, Condition, Op, SameAs, Test
from tailored.proof.domains import EPOCH

MOST_ITEMS = 5
"""How many items of a ranking are hoped for."""


def hoped_for(book: RuleBook, ranking: Ranking) -> Iterator[list[Test]]:
    """For each of some items, the tests that a request passes which a ranking finds it by."""
    compared = [part for part in _parts(ranking.where) if isinstance(part, SameAs)]
    if compared:
        for item in islice(_fitting(book, ranking, compared), MOST_ITEMS):
            yield [_alike(part, item) for part in compared]


def _alike(part: SameAs, item: CatalogItem) -> Test:
    """That a request says the same as an item."""
    value = item.values[part.attribute.key]
    values = value if isinstance(value, tuple) else (value,)
    return Test(part.other, Op.CONTAINS_ANY if part.other.type in LISTS else Op.ONE_OF, values)


def _fitting(book: RuleBook, ranking: Ranking, compared: Sequence[SameAs]) -> Iterator[CatalogItem]:
    """The items that a ranking finds if what it compares with the request is so."""
    for item in book.items.get(ranking.catalog or "", ()):
        has_all = all(item.values.get(part.attribute.key) not in (None, ()) for part in compared)
        if has_all and truth(ranking.where, item.values, EPOCH, lambda leaf: True):
            yield item


def _parts(condition: Condition) -> Iterator[Condition]:
    """What must hold together."""
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _parts(part)
    else:
        yield condition
