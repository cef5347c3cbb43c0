"""What a catalog holds now against the `where` of a ranking: a slip in a value shows nothing to anybody."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import UTC, datetime

from tailored.book.model import CatalogItem
from tailored.book.nodes import short
from tailored.book.suggest import did_you_mean
from tailored.condition.kleene import truth
from tailored.condition.tree import All, Attribute, Condition, Op, Test, leaves

MOST_TEXTS = 10_000
"""Values of items among which one that is like another is looked for."""
_ANY_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
"""For conditions that do not hang on the moment."""


def why_none_passes(where: Condition, items: Sequence[CatalogItem], request: Container[str]) -> str | None:
    """What to write instead where no item passes, whoever asks and whenever; None where one may pass.

    `request` has the attributes of the request by whole names, which somebody may have written as a text.
    """
    every = where.parts if isinstance(where, All) else (where,)
    parts = [part for part in every if all(map(_hangs_on_items, leaves(part)))]
    if any(_passes(All(tuple(parts)), item) for item in items):
        return None
    for part in parts:
        if isinstance(part, Test) and isinstance(part.operand, str):
            name, text = part.attribute.name, part.operand
            if text in request:
                return f"Write `{name}: {{same as: {text}}}`."
            if not any(_passes(part, item) for item in items):
                near = did_you_mean(text, _texts(part.attribute, items))
                return near or f"No item has `{short(text)}` as its `{name}`."
    return "Look at what the items have: while none passes, nothing is shown."


def _hangs_on_items(leaf: Condition) -> bool:
    """Whether a leaf asks about an item alone, and neither about somebody nor about the moment."""
    return isinstance(leaf, Test) and leaf.op not in (Op.IN_THE_LAST, Op.NOT_IN_THE_LAST)


def _passes(condition: Condition, item: CatalogItem) -> bool:
    return truth(condition, item.values, _ANY_MOMENT, lambda leaf: None) is True


def _texts(attribute: Attribute, items: Sequence[CatalogItem]) -> list[str]:
    """What items have as an attribute of texts, each once."""
    found: dict[str, None] = {}
    for item in items:
        value = item.values.get(attribute.key, ())
        found |= dict.fromkeys(map(str, value if isinstance(value, tuple) else (value,)))
    return list(found)[:MOST_TEXTS]
