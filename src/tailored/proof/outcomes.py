"""What a slot or a setting gets, as formulas: who offers what, who hides it, what it holds in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import z3

from tailored.book.model import Ranking, Rule, RuleBook, Setting, Slot
from tailored.proof.reader import Reader
from tailored.proof.symbols import NO, YES, Formula, every, no, some

Define: TypeAlias = Callable[[Formula], Formula]
"""Names a formula in a solver."""


@dataclass(frozen=True)
class Target:
    """A slot or a setting, with the rules that bear on it, in resolution order."""

    id: str
    kind: str
    """`single`, `many`, `order` or `setting`."""
    hiding: tuple[Rule, ...]
    offering: tuple[Rule, ...]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """By rule, its place among those that offer something."""
        return {rule.id: place for place, rule in enumerate(self.offering)}

    @cached_property
    def again(self) -> Mapping[str, int]:
        """By rule whose ranking others before it have, too, how many: it takes what they leave of a list."""
        seen: list[Ranking] = []
        found = {}
        for rule in self.offering if self.kind == "many" else ():
            if (ranking := rule.rank.get(self.id)) is not None:
                found[rule.id] = seen.count(ranking)
                seen.append(ranking)
        return found

    @property
    def what(self) -> str:
        """How a finding calls it."""
        return "setting" if self.kind == "setting" else "slot"


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that a rule (None: the default) would place, and the formula under which it may be placed.

    `what` is a content id, the modules of an order, or a value.
    """

    rule: Rule | None
    what: Any
    may: Formula


def targets_of(book: RuleBook) -> list[Target]:
    """Every slot and every setting of a book."""
    hiding: dict[str, list[Rule]] = {}
    offering: dict[str, list[Rule]] = {}
    for rule in book.rules:
        for name in dict.fromkeys(rule.hide):
            hiding.setdefault(name, []).append(rule)
        for name in (*rule.show, *rule.rank, *rule.order, *rule.set):
            offering.setdefault(name, []).append(rule)
    kinds = {name: slot.kind for name, slot in book.slots.items()} | dict.fromkeys(book.settings, "setting")
    return [
        Target(name, kind, tuple(hiding.get(name, ())), tuple(offering.get(name, ())))
        for name, kind in kinds.items()
    ]


def candidates(rule: Rule, slot: str) -> tuple[str, ...]:
    """The content that a rule may put into a slot; of a catalog, one name that stands for its items."""
    ranking = rule.rank.get(slot)
    if ranking is None:
        return rule.show.get(slot, ())
    return ranking.of or (f"a choice of {ranking!r}",)


def offers_of(target: Target, rule: Rule, reader: Reader) -> list[Offer]:
    """What a rule offers a slot or a setting."""
    usable, again = reader.usable(rule), target.again.get(rule.id, 0)
    if target.kind == "setting":
        return [Offer(rule, rule.set[target.id], usable)]
    if target.kind == "order":
        return [Offer(rule, arranged(reader.book.slots[target.id], rule.order[target.id]), usable)]
    offers = []
    for content in dict.fromkeys(candidates(rule, target.id)):
        may = [usable]
        if content in reader.book.content:
            may.append(reader.placeable(content))
        if ranking := rule.rank.get(target.id):
            may.append(reader.chosen(ranking, content, again))
        is_one = not again or content in reader.book.content
        offers.append(Offer(rule, content if is_one else f"{content}, for the {again + 1}. time", every(may)))
    return offers


def arranged(slot: Slot, first: tuple[str, ...]) -> tuple[str, ...]:
    """The modules of an order slot with these in front."""
    return first + tuple(module for module in slot.modules or () if module not in first)


def defaults_of(target: Target, reader: Reader) -> list[Offer]:
    """What a slot or a setting has where no rule gives it anything."""
    thing: Slot | Setting = (
        reader.book.settings[target.id] if target.kind == "setting" else reader.book.slots[target.id]
    )
    if isinstance(thing, Setting):
        return [Offer(None, thing.default, YES)]
    if thing.modules is not None:
        return [Offer(None, thing.modules, YES)]
    return [Offer(None, content, reader.placeable(content)) for content in thing.default]


def hidden(target: Target, reader: Reader) -> Formula:
    """That some rule hides a slot."""
    return some([reader.usable(rule) for rule in target.hiding])


def gives(target: Target, rule: Rule, reader: Reader) -> Formula:
    """That a rule offers something that may be placed."""
    return some([offer.may for offer in offers_of(target, rule, reader)])


def first_of(offers: Iterable[Offer], define: Define) -> Iterator[tuple[Offer, Formula]]:
    """Each offer with the formula that it is the first that may be placed."""
    none = YES
    for offer in offers:
        yield offer, every([none, offer.may])
        none = define(every([none, no(offer.may)]))


class Filling:
    """The state of a `many` slot while it is filled: which content is in, and how many items there are."""

    def __init__(self, most: int, define: Define, places: bool = False) -> None:
        self._most, self._define, self._places = most, define, places
        self._in: dict[Any, Formula] = {}
        self._at_least: list[Formula] = [YES, *[NO] * most]
        self.at: dict[tuple[Any, int], list[Formula]] = {}
        """By content and place, the formulas of which one holds where it stands there."""

    @property
    def held(self) -> Mapping[Any, Formula]:
        """By content, that it is in."""
        return self._in

    @property
    def empty(self) -> Formula:
        """That there is nothing in it yet."""
        return no(self._at_least[1])

    def with_places(self) -> Filling:
        """The same state, to go on from in one of several ways, and to tell what then stands where."""
        twin = Filling(self._most, self._define, True)
        twin._in, twin._at_least = dict(self._in), list(self._at_least)
        return twin

    def room_for(self, offer: Offer) -> Formula:
        """That an offer would be placed now."""
        return every([offer.may, no(self._in.get(offer.what, NO)), no(self._at_least[self._most])])

    def add(self, offer: Offer) -> None:
        """Places an offer where there is room for it."""
        added = self._define(self.room_for(offer))
        if added is NO:
            return
        before = list(self._at_least)
        for number in range(self._most, 0, -1):
            if before[number - 1] is not NO:
                self._at_least[number] = self._define(
                    some([before[number], every([before[number - 1], added])])
                )
                if self._places:
                    here = every([added, before[number - 1], no(before[number])])
                    self.at.setdefault((offer.what, number), []).append(here)
        self._in[offer.what] = self._define(some([self._in.get(offer.what, NO), added]))


def differ(one: Filling, two: Filling) -> Formula:
    """That two fillings do not hold the same content at the same places."""
    places = one.at.keys() | two.at.keys()
    return some(some(one.at.get(at, ())) != some(two.at.get(at, ())) for at in sorted(places, key=repr))


def filled(
    slot: Slot, offered: Sequence[Offer], spare: Sequence[Offer], define: Define, places: bool = False
) -> Filling:
    """A `many` slot after what rules offer it, and its default where that is due."""
    single = [one for offer in offered for one in singly(offer, slot)]
    distinct = len({offer.what for offer in (*single, *spare)})
    filling = Filling(max(1, min(slot.many or 1, distinct)), define, places)
    for offer in single:
        filling.add(offer)
    due = YES if slot.fill else filling.empty
    for offer in spare:
        filling.add(Offer(None, offer.what, every([due, offer.may])))
    return filling


def singly(offer: Offer, slot: Slot) -> Iterator[Offer]:
    """An offer of one thing; of a choice from a catalog as many as a slot has room for, each perhaps.

    What each of these is called is also the name of the formula that it is chosen.
    """
    if offer.rule is None or slot.id not in offer.rule.rank or offer.rule.rank[slot.id].of:
        yield offer
        return
    for number in range(slot.many or 1):
        what = f"{number} of {offer.what}"
        yield Offer(offer.rule, what, every([offer.may, z3.Bool(what)]))
