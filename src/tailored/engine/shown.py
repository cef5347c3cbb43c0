"""What rankings chose, as placements with their texts, and in words why each thing is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from tailored.book.model import Content, RuleBook
from tailored.book.templates import attributes_in
from tailored.content.render import FrozenDict, Renderer, View, views
from tailored.engine.chosen import Chosen, Filled
from tailored.engine.decision import Item, Placement, SettingValue
from tailored.engine.facts import Facts, as_json
from tailored.engine.kept import MOST_OUTCOMES, Kept
from tailored.engine.why import sentence
from tailored.scoring.hook import Scorers


class Shown:
    """Makes placements of what was chosen. What holds nothing of the request is made once."""

    def __init__(self, book: RuleBook, is_permitted: Callable[[str, Facts], bool]) -> None:
        """`is_permitted` says whether a request permits a piece of content."""
        self._is_permitted = is_permitted
        self._renderer = Renderer(book.content)
        self._static = {
            name for name, catalog in book.catalogs.items() if not attributes_in(catalog.fields or {})
        }
        """The catalogs whose texts read nothing but the item."""
        self._fields = {
            name: Renderer({name: Content(name, catalog.fields, escaped=catalog.escaped)})
            for name, catalog in book.catalogs.items()
            if catalog.fields
        }
        self._placed: Kept[tuple[object, ...], tuple[Placement, list[Chosen]]] = Kept()
        """Placements, with what is placed: its identity is in the key."""
        self._items: Kept[tuple[object, ...], tuple[Item, Chosen]] = Kept(MOST_OUTCOMES)
        """The same for single things."""

    def texts(self, facts: Facts) -> Texts:
        """The texts of one request."""
        return Texts(self._renderer, self._fields, facts)

    def placement(self, filled: Filled, texts: Texts) -> Placement:
        """What a slot shows; kept where its texts read nothing of the request."""
        slot, chosen = filled.slot, filled.chosen
        full = len(chosen) == (slot.many or 1) or (chosen and not slot.fill)
        if not full or not all(one.key[0] in self._static for one in chosen):
            return self._made(filled, texts)
        known = (
            slot.id,
            filled.answer,
            *[(id(one.candidate), one.rule, one.propensity) for one in chosen],
        )
        kept = self._placed.get(known)
        if kept is None:
            failed = len(texts.failed)
            kept = self._made(filled, texts), chosen
            if len(texts.failed) == failed:
                self._placed.keep(known, kept)
        return kept[0]

    def _made(self, filled: Filled, texts: Texts) -> Placement:
        slot, chosen = filled.slot, filled.chosen
        reason = "rule" if chosen else "default"
        if not chosen or slot.fill:
            taken = {one.key for one in chosen}
            spare = [(None, name) for name in slot.default if self._is_permitted(name, texts.facts)]
            chosen = [*chosen, *(Chosen(key, None) for key in spare if key not in taken)][: slot.many or 1]
        items = tuple([self._item(one, texts) for one in chosen])
        if slot.many is not None:
            return Placement("many", reason, None, items=items, scorer=filled.answer)
        if not items:
            return Placement("single", reason, None, scorer=filled.answer)
        only = items[0]
        return Placement(
            "single",
            reason,
            only.rule,
            only.content,
            only.fields,
            scorer=filled.answer,
            catalog=only.catalog,
            propensity=only.propensity,
        )

    def _item(self, one: Chosen, texts: Texts) -> Item:
        """One thing in a slot; kept where its texts read nothing of the request."""
        known = None
        if one.key[0] in self._static:
            known = id(one.candidate), one.rule, one.propensity
            if (kept := self._items.get(known)) is not None:
                return kept[0]
        failed = len(texts.failed)
        item = Item(one.key[1], texts.fields(one), one.rule, one.key[0], one.propensity)
        if known is not None and len(texts.failed) == failed:
            self._items.keep(known, (item, one))
        return item


class Texts:
    """Renders what is placed, for one request."""

    def __init__(self, renderer: Renderer, fields: Mapping[str, Renderer], facts: Facts) -> None:
        self._renderer, self._fields, self.facts = renderer, fields, facts
        self.failed: list[str] = []

    @cached_property
    def _seen(self) -> dict[str, View]:
        return views(self.facts.values, self.facts.permissions.consents)

    def fields(self, chosen: Chosen) -> FrozenDict:
        """The fields of content, or of an item: what its catalog says, or else its attributes."""
        catalog, name = chosen.key
        if catalog is None:
            return self._renderer.render(name, self._seen, self.failed)
        assert chosen.candidate is not None
        attributes = chosen.candidate.attributes
        if catalog not in self._fields:
            return FrozenDict({key: frozen(value) for key, value in attributes.items()})
        failed: list[str] = []
        seen = {**self._seen, "item": View({**attributes, "id": name})}
        fields = self._fields[catalog].render(catalog, seen, failed)
        self.failed += [name for _ in failed]
        return fields


def frozen(value: object) -> object:
    """An attribute's value as JSON data that nobody can change."""
    return tuple(value) if isinstance(value, tuple) else as_json(value)  # type: ignore[arg-type]


class ItemReasons:
    """Tells why somebody sees what a decision holds, and why each thing that a ranking placed."""

    def __init__(self, book: RuleBook, scorers: Scorers, every: Sequence[Filled]) -> None:
        self._book, self._scorers, self._every = book, scorers, every

    @cached_property
    def _chosen(self) -> dict[tuple[str, str], Chosen]:
        return {
            (filled.slot.id, one.key[1]): one
            for filled in self._every
            for one in filled.chosen
            if one.candidate
        }

    def is_pinned(self, slot: str, item: str) -> bool:
        """Whether an editor gave a thing its place."""
        chosen = self._chosen.get((slot, item))
        return chosen is not None and chosen.by == "pin"

    def __call__(
        self, facts: Facts, decided: Placement | SettingValue, name: str, item: str | None = None
    ) -> str:
        chosen = None if item is None else self._chosen.get((name, item))
        words = chosen and in_words(chosen, self._scorers, facts)
        if not words:
            return sentence(self._book, facts, decided, name)
        return f"You see this {words if words.startswith('because ') else f'because it is {words}'}."


def in_words(chosen: Chosen, scorers: Scorers, facts: Facts) -> str | None:
    """Why this one, in a few words, as its scorer says: `popular in Norway`; None where nobody says."""
    if chosen.by == "explore":
        return "something new"
    if chosen.by in (None, "pin") or chosen.candidate is None:
        return None
    return scorers.explain(str(chosen.by), facts.values, facts.permissions, chosen.candidate)
