"""What a slot can hold at all: content and items that a rule, a ranking or a default places there."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from tailored.book.model import Catalog, Rule, RuleBook


class Placeable:
    """What can be placed in one slot of a book without errors."""

    def __init__(self, book: RuleBook, slot: str) -> None:
        self._book, self._slot = book, slot

    @cached_property
    def catalogs(self) -> tuple[Catalog, ...]:
        """The catalogs that rankings of this slot choose from."""
        names = dict.fromkeys(rule.rank[self._slot].catalog for rule in self._rules)
        every = self._book.catalogs
        return tuple(every[name] for name in names if name is not None and name in every)

    @cached_property
    def items(self) -> dict[str, Catalog]:
        """The items of those catalogs, as they are now."""
        return {item.id: one for one in self.catalogs for item in self._book.items.get(one.id, ())}

    @property
    def is_told(self) -> bool:
        """Whether the items of all of them could be read; else nobody knows what can be placed."""
        return all(self._book.items.get(one.id) for one in self.catalogs)

    @cached_property
    def fields(self) -> dict[str, None]:
        """The names of all fields that content, or items of those catalogs, have."""
        found = dict.fromkeys(name for item in self._book.content.values() for name in item.fields)
        for catalog in self.catalogs:
            attributes = (key.removeprefix("item.") for key in catalog.attributes)
            found |= dict.fromkeys(catalog.fields or attributes)
        return found

    @property
    def _rules(self) -> Iterable[Rule]:
        """The rules with a ranking for the slot."""
        return (rule for rule in self._book.rules if self._slot in rule.rank)
