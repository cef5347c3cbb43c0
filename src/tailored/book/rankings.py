"""Rankings: what a rule lets a scorer choose, from which candidates, and within which bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tailored.book.catalogs import ITEM_ID, attribute_of_items
from tailored.book.collect import Entry
from tailored.book.conditions import Names, find_attribute, read_condition, read_tests
from tailored.book.constants import read_typed
from tailored.book.declarations import Body, read_names, read_text
from tailored.book.model import (
    Cap,
    Catalog,
    CatalogItem,
    Content,
    Diversity,
    Explore,
    Pin,
    Ranking,
    Scorer,
    Slot,
)
from tailored.book.nodes import MappingNode, Node, Reader, ScalarNode, kind_of, short
from tailored.book.passing import why_none_passes
from tailored.book.scorers import named_by, read_number
from tailored.book.sections import DIVERSITY, EXPLORE, OF, PIN, RANKING
from tailored.book.suggest import did_you_mean, listed
from tailored.condition.tree import ALWAYS, Attribute, Condition, Not, SameAs
from tailored.condition.tree import All as AllOf
from tailored.condition.tree import Any as AnyOf
from tailored.condition.types import A_VALUE, ELEMENT, Type

OF_CONTENT = {
    attribute.key: attribute
    for attribute in (
        ITEM_ID,
        Attribute("item", "type", Type.STRING),
        Attribute("item", "tags", Type.STRINGS),
    )
}
"""What is known of content, where content is ranked."""
_PER = re.compile(r"(\d{1,4})\s+per", re.ASCII)
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s*%", re.ASCII)
_ALIKE = (Type.STRING, Type.STRINGS, Type.BOOLEAN)


@dataclass(frozen=True)
class RankingReader:
    """Reads rankings against everything else in the book."""

    names: Names
    content: Mapping[str, Content]
    catalogs: Mapping[str, Catalog]
    items: Mapping[str, tuple[CatalogItem, ...]]
    scorers: Mapping[str, Entry]

    def read(self, reader: Reader, node: Node, slot: Slot) -> Ranking | None:
        """The ranking that a node writes for a slot. What is wrong is reported, and left out of it."""
        body = _body(reader, node, RANKING, "A ranking", "{top: 6, of: {catalog: products}, by: popular}")
        if body is None:
            return None
        of, catalog, where, known = self._source(reader, node, body)
        if of is None:
            return None
        top = self._top(reader, body, slot)
        return Ranking(
            of,
            catalog.id if catalog is not None else None,
            where,
            self._scorer(reader, body, "by"),
            top,
            self._explore(reader, body, catalog),
            self._without(reader, body, known),
            self._at_most(reader, body, known),
            self._pin(reader, body, top or slot.many or 1, catalog),
            self._diversity(reader, body, known),
        )

    def _source(
        self, reader: Reader, node: Node, body: Body
    ) -> tuple[tuple[str, ...] | None, Catalog | None, Condition, Mapping[str, Attribute]]:
        """The content, or the catalog and its condition, and what is known of either."""
        nothing = None, None, ALWAYS, OF_CONTENT
        if "best of" in body and ("of" in body or "top" in body):
            other = "of" if "of" in body else "top"
            message = f"`best of` and `{other}` stand here together."
            mend = "Write `best of: [...]` for one content item, or `top: 6` and `of:` for a list."
            reader.error(body[other][0], "unknown-key", message, mend)
            return nothing
        if "best of" not in body and "of" not in body:
            mend = "Write `best of: [a, b]`, or `of: {catalog: ...}`."
            reader.error(node, "missing-key", "This ranking does not say what is chosen from.", mend)
            return nothing
        source = body["best of" if "best of" in body else "of"][1]
        if "of" in body and isinstance(source, MappingNode):
            inner = (
                _body(reader, source, OF, "`of`", "of: {catalog: products, where: {in_stock: true}}") or {}
            )
            return self._catalog(reader, source, inner)
        named = read_names(reader, source, "`best of`" if "best of" in body else "`of`")
        reader.warn_of_repeats([item for _, item in named])
        for name, item in named:
            if name not in self.content:
                reader.unknown(item, "content", name, self.content, self._of_a_catalog(name))
        of = tuple(dict.fromkeys(name for name, _ in named if name in self.content))
        return of, None, ALWAYS, OF_CONTENT

    def _of_a_catalog(self, name: str) -> str:
        """The mend for the name of a catalog, or of an item, where content belongs; empty for any other."""
        if name in self.catalogs:
            return f"Write `of: {{catalog: {name}}}`."
        holding = (one for one, items in self.items.items() if any(item.id == name for item in items))
        one = next(holding, None)
        return f"It is an item: write `of: {{catalog: {one}, where: {{id: [{name}]}}}}`." if one else ""

    def _catalog(
        self, reader: Reader, node: Node, body: Body
    ) -> tuple[tuple[str, ...] | None, Catalog | None, Condition, Mapping[str, Attribute]]:
        name = read_text(reader, body, "catalog")
        if not name:
            reader.error(
                node, "missing-key", "`of` does not say its `catalog`.", "Write `catalog:` and its name."
            )
        elif name not in self.catalogs:
            reader.unknown(body["catalog"][1], "catalog", name, self.catalogs)
        if name not in self.catalogs:
            return None, None, ALWAYS, OF_CONTENT
        catalog = self.catalogs[name]
        where = self._condition(reader, body["where"][1], catalog.attributes) if "where" in body else ALWAYS
        if (same := next(_negated(where), None)) is not None:
            message = f"For whom `{same.other.key}` is missing, this lets no item through."
            mend = f"Below `without`, say what is left out: {_example(same)}."
            reader.warn(body["where"][0], "lets-nothing-through", message, mend)
        elif items := self.items.get(name):
            instead = why_none_passes(where, items, self.names.attributes)
            if instead is not None:
                message = f"No item of `{name}` passes this."
                reader.warn(body["where"][0], "lets-nothing-through", message, instead)
        return (), catalog, where, catalog.attributes

    def _condition(self, reader: Reader, node: Node, known: Mapping[str, Attribute]) -> Condition:
        """A condition on items, whose leaves are tests on what is known of them."""
        items = _Items(self.names, known)
        return read_condition(reader, node, Names(known, {}, leaf=items.leaf))

    def _scorer(self, reader: Reader, body: Body, key: str) -> str | None:
        name = read_text(reader, body, key)
        if name and name not in self.scorers:
            reader.unknown(body[key][1], "scorer", name, self.scorers)
        return name or None

    def _top(self, reader: Reader, body: Body, slot: Slot) -> int | None:
        if "top" not in body:
            return None
        node, most = body["top"][1], slot.many or 1
        number = read_typed(reader, node, Type.INTEGER, "`top`")
        if not isinstance(number, int):
            return None
        if number < 1:
            reader.error(
                node, "out-of-range", f"`top` is at least 1, and {number} is not.", "Write `top: 6`."
            )
        elif number > most and ("slot", slot.id) not in reader.flaws.broken:
            takes = f"{most} items" if slot.many else "one item"
            mend = "Lower it, or raise the slot's `many`." if slot.many else "Write `top: 1`."
            reader.error(node, "too-many-items", f"`{slot.id}` takes {takes}, and `top` is {number}.", mend)
        return number

    def _explore(self, reader: Reader, body: Body, catalog: Catalog | None) -> Explore | None:
        if "explore" not in body:
            return None
        node = body["explore"][1]
        if not isinstance(node, MappingNode):
            share = _share(reader, node)
            return Explore(share) if share is not None else None
        inner = _body(reader, node, EXPLORE, "`explore`", "explore: {share: 20%, first: [trail-guide]}") or {}
        if "share" not in inner:
            reader.error(node, "missing-key", "`explore` does not say its `share`.", "Write `share: 20%`.")
            return None
        named = read_names(reader, inner["first"][1], "`first`") if "first" in inner else []
        reader.warn_of_repeats([item for _, item in named])
        first = tuple(name for name, item in named if self._is_known(reader, item, name, catalog))
        share = _share(reader, inner["share"][1])
        return Explore(share, first, self._scorer(reader, inner, "by")) if share is not None else None

    def _without(self, reader: Reader, body: Body, known: Mapping[str, Attribute]) -> tuple[Condition, ...]:
        nodes = reader.items(body["without"][1]) if "without" in body else []
        if "without" in body and not nodes:
            mend = "List at least one condition, or leave the key out."
            reader.error(body["without"][1], "empty-list", "`without` has an empty list.", mend)
        return tuple(self._condition(reader, node, known) for node in nodes)

    def _at_most(self, reader: Reader, body: Body, known: Mapping[str, Attribute]) -> tuple[Cap, ...]:
        if "at most" not in body:
            return ()
        caps = []
        entries = reader.mapping(body["at most"][1], "`at most`", "at most: {2 per: brand}") or {}
        for word, (key, node) in entries.items():
            match = _PER.fullmatch(word)
            if match is None or int(match[1]) == 0:
                message = f"`at most` takes a number above 0 and `per`, not `{short(word)}`."
                reader.error(key, "wrong-type", message, "Write `{2 per: brand}`.")
                continue
            for name, item in read_names(reader, node, f"`{word}`"):
                attribute = attribute_of_items(reader, item, name, known)
                if attribute is not None:
                    caps.append(Cap(int(match[1]), attribute.key))
        return tuple(caps)

    def _pin(self, reader: Reader, body: Body, most: int, catalog: Catalog | None) -> tuple[Pin, ...]:
        pins: dict[int, Pin] = {}
        nodes = reader.items(body["pin"][1]) if "pin" in body else []
        if "pin" in body and not nodes:
            mend = "Name what is pinned, or leave the key out."
            reader.error(body["pin"][1], "empty-list", "`pin` has an empty list.", mend)
        for node in nodes:
            inner = _body(reader, node, PIN, "A pin", "pin: [{id: trail-guide, at: 1}]")
            if inner is None:
                continue
            missing = [key for key in PIN if key not in inner]
            if missing:
                message = f"This pin does not say its `{missing[0]}`."
                reader.error(node, "missing-key", message, "Write `{id: trail-guide, at: 1}`.")
                continue
            name = reader.text(inner["id"][1], "`id`")
            place = read_typed(reader, inner["at"][1], Type.INTEGER, "`at`")
            if name is None or not isinstance(place, int):
                continue
            if not 1 <= place <= most:
                message = f"`at` lies between 1 and {most}, and {place} does not."
                reader.error(inner["at"][1], "out-of-range", message, "The first place is 1.")
            elif place in pins:
                message = f"Two things are pinned at place {place}: `{pins[place].id}`, and `{short(name)}`."
                reader.error(inner["at"][1], "duplicate-item", message, "Give one of them another place.")
            elif any(pin.id == name for pin in pins.values()):
                message = f"`{short(name)}` is pinned twice."
                reader.error(inner["id"][1], "duplicate-item", message, "Keep one of the two.")
            elif self._is_known(reader, inner["id"][1], name, catalog):
                pins[place] = Pin(name, place)
        return tuple(pins[place] for place in sorted(pins))

    def _is_known(self, reader: Reader, node: Node, name: str, catalog: Catalog | None) -> bool:
        """Whether a name is an item of the catalog or content; of items that are not read nobody knows.

        What a file or a query no longer gives may come back, and must not keep a book from being loaded.
        """
        items = self.items.get(catalog.id) if catalog is not None else ()
        if name in self.content or (not items and catalog is not None):
            return True
        ids = [item.id for item in items or ()]
        if name in ids or ("content", name) in reader.flaws.broken:
            return True
        if catalog is None:
            reader.unknown(node, "content", name, self.content)
            return False
        hint = f"`{catalog.id}` has {listed(ids)}. Content may be named here, too."
        may_come = bool(catalog.file or catalog.sql)
        reader.unknown(
            node, "item", name, [*ids, *self.content], hint, severity="warning" if may_come else "error"
        )
        return may_come

    def _diversity(self, reader: Reader, body: Body, known: Mapping[str, Attribute]) -> Diversity | None:
        if "diversity" not in body:
            return None
        node = body["diversity"][1]
        over = tuple(key for key, one in known.items() if one.type in _ALIKE and one is not ITEM_ID)
        if isinstance(node, MappingNode):
            example = "diversity: {weight: 0.3, over: [category]}"
            inner = _body(reader, node, DIVERSITY, "`diversity`", example) or {}
            if "weight" not in inner:
                reader.error(
                    node, "missing-key", "`diversity` does not say its `weight`.", "Write `weight: 0.3`."
                )
                return None
            if "over" in inner:
                found = [
                    attribute_of_items(reader, item, name, known)
                    for name, item in read_names(reader, inner["over"][1], "`over`")
                ]
                over = tuple(attribute.key for attribute in found if attribute is not None)
            node = inner["weight"][1]
        share = _SHARE.fullmatch(str(node.value).strip()) if isinstance(node, ScalarNode) else None
        if share is not None and float(share[1]) <= 100:
            message = f"`diversity` takes a number from 0 to 1, and {kind_of(node)} is none."
            reader.error(node, "wrong-type", message, f"Write `{float(share[1]) / 100:g}`.")
            return None
        weight = read_number(reader, node, "`diversity`", 0, 1)
        return Diversity(weight, over) if weight is not None else None


@dataclass(frozen=True)
class _Items:
    """Reads the leaves of a condition on items."""

    request: Names
    known: Mapping[str, Attribute]

    def leaf(self, reader: Reader, key: str, key_node: Node, node: Node) -> Iterator[Condition]:
        """The tests of an entry."""
        if key in ("segment", "logic"):
            message = f"`{key}` is about people, and here items are asked about."
            reader.error(key_node, "wrong-kind", message, "Put it below the rule's `when`.")
            return
        attribute = self.known.get(key) or self.known.get(f"item.{key}")
        if attribute is not None:
            yield from self._tests(reader, node, attribute)
            return
        keys = [key] if key in self.request.attributes else self.request.short.get(key, [])
        if not keys:
            attribute_of_items(reader, key_node, key, self.known)
            return
        other = find_attribute(reader, key_node, key, self.request)
        if other is None:
            return
        if other.type is Type.STRINGS and isinstance(node, ScalarNode):
            flag = reader.flag(node, f"`{key}`")
            if flag is not None:
                listed_there = SameAs(self.known[ITEM_ID.key], other)
                yield listed_there if flag else Not(listed_there)
            return
        message = f"`{short(key)}` is of the {other.side}, and here items are asked about."
        mend = f"Compare an attribute of items with it: `{{brand: {{same as: {other.key}}}}}`."
        reader.error(key_node, "wrong-kind", message, mend)

    def _tests(self, reader: Reader, node: Node, attribute: Attribute) -> Iterator[Condition]:
        entries = reader.entries(node) if isinstance(node, MappingNode) and reader.untagged(node) else {}
        for word, (key, value) in entries.items():
            if isinstance(value, MappingNode) and [one.value for one, _ in value.value] == ["same as"]:
                message = f"`same as` cannot stand below `{short(word)}`."
                mend = f"Write `{attribute.name}: {{same as: ...}}`; below `without`, that is left out."
                reader.error(key, "unknown-operator", message, mend)
                return
        if not isinstance(node, MappingNode) or "same as" not in entries:
            yield from read_tests(reader, node, attribute)
            return
        for word, (key, value) in entries.items():
            if word == "same as":
                yield from self._same(reader, value, attribute)
            else:
                yield from read_tests(reader, _one(node, key, value), attribute)

    def _same(self, reader: Reader, node: Node, attribute: Attribute) -> Iterator[Condition]:
        name = reader.text(node, "`same as`")
        other = find_attribute(reader, node, name, self.request) if name is not None else None
        if other is None:
            return
        kinds = [ELEMENT.get(one.type, one.type) for one in (attribute, other)]
        if kinds[0] is not kinds[1] and set(kinds) != {Type.INTEGER, Type.NUMBER}:
            message = (
                f"`{attribute.name}` is {A_VALUE[attribute.type]}, and `{other.key}` {A_VALUE[other.type]}."
            )
            reader.error(node, "wrong-type", message, "Name an attribute of the same type.")
            return
        yield SameAs(attribute, other)


def content_named(ranking: Ranking, content: Mapping[str, Content]) -> tuple[str, ...]:
    """The content that a ranking names: its candidates, what is pinned, and what comes first."""
    first = ranking.explore.first if ranking.explore is not None else ()
    return tuple(name for name in (*ranking.of, *(pin.id for pin in ranking.pin), *first) if name in content)


def scorers_asked(ranking: Ranking, scorers: Mapping[str, Scorer]) -> Iterator[str]:
    """The scorers that a ranking asks, and those that these ask, each once."""
    waiting = list(dict.fromkeys(scorers_named(ranking)))
    for name in waiting:
        if name in scorers:
            yield name
            waiting += [other for other in named_by(scorers[name]) if other not in waiting]


def scorers_named(ranking: Ranking) -> tuple[str, ...]:
    """The scorers that a ranking asks."""
    by = (ranking.by, ranking.explore.by if ranking.explore is not None else None)
    return tuple(name for name in by if name is not None)


def _negated(condition: Condition, negated: bool = False) -> Iterator[SameAs]:
    """The comparisons with somebody, or the moment, that stand under a `not`."""
    if isinstance(condition, SameAs):
        yield from [condition] if negated else []
    elif isinstance(condition, Not):
        yield from _negated(condition.part, not negated)
    elif isinstance(condition, AllOf | AnyOf):
        for part in condition.parts:
            yield from _negated(part, negated)


def _example(same: SameAs) -> str:
    """How `without` says it."""
    if same.attribute is ITEM_ID and same.other.type is Type.STRINGS:
        return f"`without: [{{{same.other.name}: true}}]`"
    return f"`without: [{{{same.attribute.name}: {{same as: {same.other.key}}}}}]`"


def _one(node: MappingNode, key: Node, value: Node) -> MappingNode:
    """The mapping of one entry of another."""
    return MappingNode(node.tag, [(key, value)], node.start_mark, node.end_mark)


def _body(reader: Reader, node: Node, keys: dict[str, str], what: str, example: str) -> Body | None:
    body = reader.mapping(node, what, example)
    if body is None:
        return None
    for name, (key, _) in body.items():
        if name not in keys:
            hint = did_you_mean(name, keys) or f"It may have {listed(keys, 20)}."
            reader.error(key, "unknown-key", f"{what} has no key `{short(name)}`.", hint)
    return {name: pair for name, pair in body.items() if name in keys}


def _share(reader: Reader, node: Node) -> float | None:
    """The share, from 0 to 1, that `20%` writes, or None (reported)."""
    text = str(node.value).strip() if isinstance(node, ScalarNode) else ""
    match = _SHARE.fullmatch(text)
    if match is None or float(match[1]) > 100:
        message = f"`explore` takes a share from 0% to 100%, and {kind_of(node)} is none."
        fraction = re.fullmatch(r"0?\.(\d{1,2})", text)
        mend = f"{int(fraction[1].ljust(2, '0'))}%" if fraction else f"{text}%" if text.isdigit() else "20%"
        reader.error(node, "wrong-share", message, f"Write `{mend if not mend.startswith('0') else '20%'}`.")
        return None
    return float(match[1]) / 100
