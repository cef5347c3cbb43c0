"""The difference of two books in what they mean: for each slot and setting, whether any request can tell.

Where no answer can differ, that is proven. Where one can, there is a request that both books were asked, and
the circumstances under which answers differ, in English.

A difference needs something to do with it that only one of the books has: a rule that is new, gone or moved,
or that means something else. So only such rules are asked about, each against those that it can meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any

import z3

from tailored.book.model import Rule, RuleBook, Slot
from tailored.book.rules import A_SLOT
from tailored.condition.types import as_text, midnight
from tailored.proof.outcomes import (
    Offer,
    Target,
    defaults_of,
    differ,
    filled,
    first_of,
    hidden,
    offers_of,
    singly,
    targets_of,
)
from tailored.proof.reader import Reader
from tailored.proof.replay import Replay, answer_of
from tailored.proof.shrink import smaller
from tailored.proof.solving import Solver
from tailored.proof.symbols import Formula, Request, Symbols, every, no, raw_of, some
from tailored.proof.when import circumstances

CHANGED, SAME, UNPROVEN = "changed", "same", "unproven"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one slot or setting. Answers are JSON data; what a book lacks answers null."""

    status: str
    witness: Request | None = None
    old: Any = None
    new: Any = None
    when: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The change as JSON data."""
        return {
            "changed": self.status == CHANGED,
            "proven": self.status != UNPROVEN,
            "witness": self.witness.to_dict() if self.witness is not None else None,
            "old": self.old,
            "new": self.new,
            "when": self.when or None,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """All slots and settings of both books, each with what became of it."""

    slots: dict[str, Change] = field(default_factory=dict)
    settings: dict[str, Change] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether any request gets another answer."""
        return any(change.status == CHANGED for change in (*self.slots.values(), *self.settings.values()))

    @property
    def unproven(self) -> bool:
        """Whether something could not be decided."""
        return any(change.status == UNPROVEN for change in (*self.slots.values(), *self.settings.values()))

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON data."""
        return {
            "changed": self.changed,
            "slots": {name: change.to_dict() for name, change in self.slots.items()},
            "settings": {name: change.to_dict() for name, change in self.settings.items()},
        }


def difference(old: RuleBook, new: RuleBook, now: datetime | None = None) -> Difference:
    """What differs in meaning between two books. Requests that show it are at the moment `now`, if they can
    be (the beginning of today, unless given)."""
    return both(old, new, now).difference()


def both(old: RuleBook, new: RuleBook, now: datetime | None = None) -> Pair:
    """Two books, ready to be compared."""
    symbols = Symbols([old, new], (), now or midnight(datetime.now(UTC).date()))
    return Pair(symbols, Side(old, symbols), Side(new, symbols))


class Side:
    """One of the two books."""

    def __init__(self, book: RuleBook, symbols: Symbols) -> None:
        self.book = book
        self.reader = Reader(book, symbols)
        self.targets = {target.id: target for target in targets_of(book)}

    @cached_property
    def replay(self) -> Replay:
        """The book's engine, made when a request is to be asked."""
        return Replay(self.book)

    def answer(self, name: str, request: Request) -> Any:
        """What a slot or a setting answers: what is placed, with its texts as written; None without one."""
        if name not in self.targets:
            return None
        return self._written(answer_of(self.replay(request).outcomes[name]), self.targets[name])

    def _written(self, answer: Any, target: Target) -> Any:
        if target.kind == "single" and answer != "hidden":
            return {"content": None, "fields": {}} if answer is None else self.content(answer)
        if target.kind == "many" and answer != "hidden":
            return [self.content(content) for content in answer]
        return answer

    def with_something(self, name: str) -> Request | None:
        """A small request for which a slot or a setting holds something; None where none was found."""
        target = self.targets[name]

        def holds(request: Request) -> bool:
            answer = answer_of(self.replay(request).outcomes[name])
            return answer not in (None, "hidden", [])

        solver = Solver(self.reader.symbols)
        offers = [offer for rule in target.offering for offer in offers_of(target, rule, self.reader)]
        offers += defaults_of(target, self.reader)
        seen = every([no(hidden(target, self.reader)), some([offer.may for offer in offers])])
        witness = solver.ask([solver.literal(seen)], holds).witness
        return None if witness is None else smaller(witness, holds)

    def content(self, name: str) -> Any:
        """Content as it is placed: its id, and its fields as they are written; an item with its values."""
        item = self.book.content.get(name)
        if item is None:
            return {"content": name, "fields": self._items.get(name, {})}
        return {"content": name, "fields": _plain(item.fields)} | ({} if item.escaped else {"format": "text"})

    @cached_property
    def _items(self) -> dict[str, dict[str, Any]]:
        """By the id of each item of the catalogs, its values, and the fields that its catalog writes."""
        return {
            item.id: {
                name.removeprefix("item."): raw_of(value)
                for name, value in item.values.items()
                if name != "item.id"
            }
            | _plain(catalog.fields)
            for name, catalog in self.book.catalogs.items()
            for item in self.book.items.get(name, ())
        }


@dataclass
class Pair:
    """Two books that are asked together."""

    symbols: Symbols
    old: Side
    new: Side

    def difference(self) -> Difference:
        """What became of every slot and every setting."""
        old, new = self.old.book, self.new.book
        return Difference(
            {name: self.compared(name) for name in dict.fromkeys((*new.slots, *old.slots))},
            {name: self.compared(name) for name in dict.fromkeys((*new.settings, *old.settings))},
        )

    def compared(self, name: str) -> Change:
        """What became of a slot or a setting."""
        one, two = self.old.targets.get(name), self.new.targets.get(name)
        if one is None or two is None or one.kind != two.kind:
            return self._appeared(name)
        if self._alike_around and self._written_alike(one, two):
            return Change(SAME)
        unproven = False
        solver = Solver(self.symbols)
        ways = self._differences(one, two, solver)
        for formula in ways:
            answer = solver.ask([solver.literal(formula)], lambda request: self._tells(name, request))
            if answer.witness is not None:
                return self._changed(answer.witness, one, two, solver, some([formula, *ways]))
            unproven = unproven or answer.undecided
        return Change(UNPROVEN if unproven else SAME)

    @cached_property
    def _alike_around(self) -> bool:
        """Whether everything that rules are read with is written alike in both books."""
        old, new = self.old.book, self.new.book
        return all(getattr(old, section) == getattr(new, section) for section in _AROUND)

    def _written_alike(self, one: Target, two: Target) -> bool:
        """Whether a target and the rules that bear on it are written alike, so that no solver is needed."""
        old, new = self.old.book, self.new.book
        return (
            old.slots.get(one.id) == new.slots.get(two.id)
            and old.settings.get(one.id) == new.settings.get(two.id)
            and len(one.offering) == len(two.offering)
            and len(one.hiding) == len(two.hiding)
            and all(
                bearing(rule, one.id) == bearing(other, two.id)
                for rule, other in zip(
                    (*one.hiding, *one.offering), (*two.hiding, *two.offering), strict=True
                )
            )
        )

    def _tells(self, name: str, request: Request) -> bool:
        return bool(self.old.answer(name, request) != self.new.answer(name, request))

    def _appeared(self, name: str) -> Change:
        """A slot that only one of the books has, or that is of another kind in each."""
        sides = [side for side in (self.new, self.old) if name in side.targets]
        empty = Request({}, {}, as_text(self.symbols.moment))
        found = (request for side in sides if (request := side.with_something(name)) is not None)
        witness = next(found, empty)
        kinds = [side.targets[name].kind if name in side.targets else "" for side in (self.old, self.new)]
        said = f"it was {_A_KIND.get(kinds[0])}, and is {_A_KIND.get(kinds[1])}"
        if "" in kinds:
            what = "setting" if "setting" in kinds else "slot"
            said = f"the {what} is {'gone' if kinds[0] else 'new'}"
        answers = self.old.answer(name, witness), self.new.answer(name, witness)
        return Change(CHANGED, witness, *answers, f"always: {said}")

    def _changed(
        self, witness: Request, one: Target, two: Target, solver: Solver, differs: Formula
    ) -> Change:
        name = one.id
        witness = smaller(witness, lambda request: self._tells(name, request))
        if not all(side.replay.confirmed(witness, [name]) for side in (self.old, self.new)):
            return Change(UNPROVEN)
        when = circumstances(
            [(self.old.reader, one), (self.new.reader, two)],
            solver,
            differs,
            lambda request: self._tells(name, request),
        )
        return Change(CHANGED, witness, self.old.answer(name, witness), self.new.answer(name, witness), when)

    def _differences(self, one: Target, two: Target, solver: Solver) -> Iterator[Formula]:
        """The ways in which answers can differ, in the terms of a solver."""
        old_hidden, new_hidden = hidden(one, self.old.reader), hidden(two, self.new.reader)
        if not same(old_hidden, new_hidden):
            yield old_hidden != new_hidden
        seen = every([no(old_hidden), no(new_hidden)])
        old = [*self._offers(one, self.old), *self._defaults(one, self.old)]
        new = [*self._offers(two, self.new), *self._defaults(two, self.new)]
        if len(old) == len(new) and all(map(_same_offer, old, new)) and self._alike(one, two):
            return
        if one.kind == "many":
            yield every([seen, self._lists_differ(one, two, solver)])
        else:
            yield every([seen, self._answers_differ(old, new, solver)])

    def _alike(self, one: Target, two: Target) -> bool:
        """Whether the two slots themselves are declared alike."""
        old, new = self.old.book.slots.get(one.id), self.new.book.slots.get(two.id)
        return old is None or new is None or (old.many, old.fill) == (new.many, new.fill)

    def _offers(self, target: Target, side: Side) -> list[Offer]:
        found = [offer for rule in target.offering for offer in offers_of(target, rule, side.reader)]
        return [Offer(offer.rule, _whole(target, side, offer.what), offer.may) for offer in found]

    def _defaults(self, target: Target, side: Side) -> list[Offer]:
        found = defaults_of(target, side.reader)
        return [Offer(None, _whole(target, side, offer.what), offer.may) for offer in found]

    def _answers_differ(self, old: Sequence[Offer], new: Sequence[Offer], solver: Solver) -> Formula:
        """That the first offer that may be placed is another one.

        What both books begin with, and what both end with, is told apart by neither.
        """
        start = 0
        while start < min(len(old), len(new)) and _same_offer(old[start], new[start]):
            start += 1
        end = 0
        while end < min(len(old), len(new)) - start and _same_offer(old[-1 - end], new[-1 - end]):
            end += 1
        rest = old[len(old) - end :]
        middles = old[start : len(old) - end], new[start : len(new) - end]
        answers: list[dict[Any, list[Formula]]] = []
        firsts: list[dict[int, Formula]] = []
        for offers in middles:
            by_answer: dict[Any, list[Formula]] = {}
            by_offer: dict[int, Formula] = {}
            for offer, first in first_of(offers, solver.define):
                by_answer.setdefault(offer.what, []).append(first)
                by_offer[id(offer)] = first
            passed = solver.define(every([no(offer.may) for offer in offers]))
            for offer, first in first_of(rest, solver.define):
                by_answer.setdefault(offer.what, []).append(every([passed, first]))
            answers.append(by_answer)
            firsts.append(by_offer)
        reached = solver.define(every([no(offer.may) for offer in old[:start]]))
        ways = some(
            every([firsts[side][id(offer)], no(some(answers[1 - side].get(offer.what, ())))])
            for side, own in enumerate(_own(*middles))
            for offer in own
        )
        return every([reached, ways])

    def _lists_differ(self, one: Target, two: Target, solver: Solver) -> Formula:
        offers, spare = [], []
        for target, side in ((one, self.old), (two, self.new)):
            offers.append(self._offers(target, side))
            self._note_choices(offers[-1], side.book.slots[target.id])
            spare.append(self._defaults(target, side))
        fillings = [
            filled(side.book.slots[one.id], offers[place], spare[place], solver.define, True)
            for place, side in enumerate((self.old, self.new))
        ]
        if self._alike(one, two) and len(spare[0]) == len(spare[1]) and all(map(_same_offer, *spare)):
            return every([some([offer.may for own in _own(*offers) for offer in own]), differ(*fillings)])
        return differ(*fillings)

    def _note_choices(self, offers: Sequence[Offer], slot: Slot) -> None:
        """Notes what rankings choose from catalogs as choices, of which nothing is known."""
        for one in (one for offer in offers for one in singly(offer, slot) if one is not offer):
            self.symbols.choices[-1, one.what] = z3.Bool(one.what)


_AROUND = ("attributes", "topics", "purposes", "content", "segments", "catalogs", "items", "scorers")
"""What rules are read with."""


_A_KIND = {**A_SLOT, "setting": "a setting"}


def bearing(rule: Rule, target: str) -> tuple[Any, ...]:
    """What a rule does to a target, and when."""
    does = rule.show.get(target), rule.rank.get(target), rule.order.get(target), rule.set.get(target)
    return (rule.when, does, target in rule.hide, rule.start, rule.end, rule.topics, rule.purpose)


def same(one: Formula, two: Formula) -> bool:
    """Whether two formulas are one and the same expression."""
    return bool(z3.eq(one, two))


def _same_offer(one: Offer, two: Offer) -> bool:
    return bool(one.what == two.what and type(one.what) is type(two.what) and same(one.may, two.may))


def _whole(target: Target, side: Side, what: Any) -> Any:
    """What an offer answers: content with its fields as written, so that other fields are another answer."""
    if target.kind in ("single", "many"):
        item = side.book.content.get(what)
        return (what, repr(_plain(item.fields)), item.escaped) if item else (what, "", True)
    return (what, type(what).__name__) if target.kind == "setting" else what


def _plain(value: Any) -> Any:
    """Frozen data as plain lists and dictionaries."""
    if isinstance(value, dict) or hasattr(value, "items"):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value


def _own(old: Sequence[Offer], new: Sequence[Offer]) -> tuple[list[Offer], list[Offer]]:
    """The offers that only one of two books has, or has at another place among those that both have."""
    ours, others = ([(repr(offer.what), offer.may.get_id()) for offer in one] for one in (old, new))
    in_both = SequenceMatcher(None, ours, others, autojunk=False).get_matching_blocks()
    mine = {place for block in in_both for place in range(block.a, block.a + block.size)}
    theirs = {place for block in in_both for place in range(block.b, block.b + block.size)}
    return (
        [offer for place, offer in enumerate(old) if place not in mine],
        [offer for place, offer in enumerate(new) if place not in theirs],
    )
