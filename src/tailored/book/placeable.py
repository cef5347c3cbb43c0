"""What a slot can hold at all: content and items that a rule, a ranking or a default places there."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from tailored.book.model import Catalog, Ranking, Rule, RuleBook
from tailored.book.rankings import content_named


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
    def ids(self) -> frozenset[str]:
        """The ids of everything that a default or a rule places in the slot."""
        default = self._book.slots[self._slot].default
        return frozenset(default).union(*(self.of_rule(rule) for rule in self._book.rules))

    def of_rule(self, rule: Rule) -> frozenset[str]:
        """The ids of what one rule places in the slot."""
        ranking = rule.rank.get(self._slot)
        return frozenset(rule.show.get(self._slot, ())).union(
            () if ranking is None else self._ranked(ranking)
        )

    def fields_of(self, id_: str) -> tuple[str, ...] | None:
        """The names of the fields of content or of an item; None where there is none of that id."""
        if id_ in self._book.content:
            return tuple(self._book.content[id_].fields)
        return _fields_of_items(self.items[id_]) if id_ in self.items else None

    @cached_property
    def fields(self) -> dict[str, None]:
        """The names of all fields that something in the slot can have."""
        found: dict[str, None] = {}
        for id_ in self.ids & self._book.content.keys():
            found.update(dict.fromkeys(self._book.content[id_].fields))
        for catalog in self.catalogs:
            found.update(dict.fromkeys(_fields_of_items(catalog)))
        return dict.fromkeys(sorted(found))

    @property
    def _rules(self) -> Iterable[Rule]:
        """The rules with a ranking for the slot."""
        return (rule for rule in self._book.rules if self._slot in rule.rank)

    def _ranked(self, ranking: Ranking) -> Iterable[str]:
        yield from content_named(ranking, self._book.content)
        if ranking.catalog is not None:
            yield from (item.id for item in self._book.items.get(ranking.catalog, ()))


def _fields_of_items(catalog: Catalog) -> tuple[str, ...]:
    """What a decision shows of an item: the fields of its catalog, or else its attributes."""
    attributes = (key.removeprefix("item.") for key in catalog.attributes)
    return tuple(catalog.fields) or tuple(name for name in attributes if name != "id")
