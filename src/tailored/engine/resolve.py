"""Resolution: of the rules that fire, what each slot and each setting gets, and what the guard kept back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from tailored.book.builtin import PERSONALIZATION, is_personal
from tailored.book.model import Content, Rule, RuleBook, Setting, Slot
from tailored.condition.tree import All, Condition, InSegment, Scalar, Test, attributes_read, leaves
from tailored.engine.doors import Door
from tailored.engine.match import Matcher
from tailored.guard.permissions import Permissions


@dataclass(frozen=True, slots=True, order=True)
class Withheld:
    """A rule or content that would have been used, but for a label without consent, or opted out of."""

    kind: str
    id: str
    label: str
    """`topic` or `purpose`."""
    name: str

    def to_dict(self) -> dict[str, str]:
        """The entry as JSON data."""
        return {"kind": self.kind, "id": self.id, self.label: self.name}


@dataclass(slots=True)
class Choice:
    """What a slot gets. `items` are pairs of a content id and the rule that gave it, None for a default."""

    reason: str
    rule: str | None = None
    items: list[tuple[str, str | None]] = field(default_factory=list)
    order: tuple[str, ...] = ()


@dataclass(slots=True)
class SlotPlan:
    """What bears on a slot: the clauses of the rules that hide it, and of those that offer it something."""

    slot: Slot
    hides: int
    offers: int


@dataclass(slots=True)
class SettingPlan:
    """A setting, and the clauses of the rules that set it."""

    setting: Setting
    sets: int


class Plan:
    """What of a book bears on each slot and each setting, as bits of the clauses of its rules."""

    def __init__(self, book: RuleBook, matcher: Matcher) -> None:
        self.book, self.matcher = book, matcher
        self.personal = personal_rules(book)
        self.labelled_content = frozenset(
            name for name, item in book.content.items() if item.topics or item.purpose is not None
        )
        hides: defaultdict[str, list[int]] = defaultdict(list)
        offers: defaultdict[str, list[int]] = defaultdict(list)
        sets: defaultdict[str, list[int]] = defaultdict(list)
        self._labelled, personal = [], []
        for place, rule in enumerate(book.rules):
            for name in rule.show:
                offers[name].append(place)
            for name in rule.hide:
                hides[name].append(place)
            for name in rule.order:
                offers[name].append(place)
            for name in rule.set:
                sets[name].append(place)
            if (
                rule.topics
                or rule.purpose is not None
                or (self.labelled_content and self._names_labelled(rule))
            ):
                self._labelled.append(place)
            if rule.id in self.personal:
                personal.append(place)
        clauses = matcher.clauses
        self.slots = [
            SlotPlan(slot, clauses(hides.get(name, ())), clauses(offers.get(name, ())))
            for name, slot in book.slots.items()
        ]
        self.settings = [
            SettingPlan(setting, clauses(sets.get(name, ()))) for name, setting in book.settings.items()
        ]
        self._personal = clauses(personal)
        self.hides = reduce(or_, (one.hides for one in self.slots), 0)
        self.sets = reduce(or_, (one.sets for one in self.settings), 0)
        ranked = {name for rule in book.rules for name in rule.rank}
        self.ranks = clauses(place for place, rule in enumerate(book.rules) if rule.rank)
        """The clauses of the rules that leave a slot to a ranking."""
        self.beside_ranks = clauses(
            place
            for place, rule in enumerate(book.rules if ranked else ())
            if rule.rank or not ranked.isdisjoint(rule.show)
        )
        """Those, and the clauses of the rules that show something in such a slot themselves."""

    def _names_labelled(self, rule: Rule) -> bool:
        return any(not self.labelled_content.isdisjoint(names) for names in rule.show.values())

    def kept_back(self, permissions: Permissions) -> int:
        """The clauses of rules that permissions keep back, themselves or something that they show."""
        content, rules, found = self.book.content, self.book.rules, []
        for place in self._labelled:
            shown = [content[name] for names in rules[place].show.values() for name in names]
            labelled: list[Rule | Content] = [rules[place], *shown]
            if any(any(permissions.held_back(one.topics, one.purpose)) for one in labelled):
                found.append(place)
        personal = self._personal if permissions.opted_out(PERSONALIZATION) else 0
        return self.matcher.clauses(found) | personal

    def rule_of(self, clauses: int) -> Rule:
        """The first rule of some clauses, of which there must be one."""
        return self.book.rules[self.matcher.first(clauses)]


def choose(plan: Plan, one: SlotPlan, usable: int, permissions: Permissions) -> Choice:
    """What a slot gets from clauses that no label keeps back."""
    slot = one.slot
    if hidden := usable & one.hides:
        return Choice("hidden", plan.rule_of(hidden).id)
    if slot.modules is None:
        return _items(plan, slot, usable & one.offers, permissions)
    if ordered := usable & one.offers:
        rule = plan.rule_of(ordered)
        named = rule.order[slot.id]
        rest = tuple(name for name in slot.modules if name not in named)
        return Choice("rule", rule.id, order=named + rest)
    return Choice("default", order=slot.modules)


def choose_value(plan: Plan, one: SettingPlan, usable: int) -> tuple[Scalar | tuple[Scalar, ...], str | None]:
    """The value that a setting gets from clauses that no label keeps back, and the rule that gives it."""
    if setters := usable & one.sets:
        rule = plan.rule_of(setters)
        return rule.set[one.setting.id], rule.id
    return one.setting.default, None


def usable(plan: Plan, firing: int, door: Door, withheld: set[Withheld]) -> int:
    """The clauses that fire and that no label keeps back. What labels keep back goes to `withheld`."""
    permissions = door.permissions
    left, opted_out = firing, permissions.opted_out(PERSONALIZATION)
    for place in plan.matcher.rules(firing & door.kept_back):
        rule = plan.book.rules[place]
        labels = set(permissions.held_back(rule.topics, rule.purpose))
        if opted_out and rule.id in plan.personal:
            labels.add(("purpose", PERSONALIZATION))
        withheld.update(Withheld("rule", rule.id, label, name) for label, name in labels)
        for names in rule.show.values():
            for name in names:
                item = plan.book.content[name]
                kept_back = permissions.held_back(item.topics, item.purpose)
                withheld.update(Withheld("content", name, label, of) for label, of in kept_back)
        if labels:
            left &= ~plan.matcher.clauses((place,))
    return left


def personal_rules(book: RuleBook) -> frozenset[str]:
    """The rules whose conditions read something about the user, themselves or through segments."""
    segments: dict[str, bool] = {}
    known: dict[int, bool] = {}
    """The answers of parts of `all`, by identity, as rules share many."""

    def reads(condition: Condition) -> bool:
        if isinstance(condition, All):
            for part in condition.parts:
                answer = known.get(id(part))
                if answer is None:
                    answer = known[id(part)] = reads(part)
                if answer:
                    return True
            return False
        for leaf in leaves(condition):
            if isinstance(leaf, InSegment):
                if segment(leaf.id):
                    return True
            elif isinstance(leaf, Test):
                if is_personal(leaf.attribute):
                    return True
            elif any(is_personal(attribute) for attribute in attributes_read(leaf)):
                return True
        return False

    def segment(name: str) -> bool:
        if name not in segments:
            segments[name] = reads(book.segments[name].when)
        return segments[name]

    return frozenset(rule.id for rule in book.rules if reads(rule.when))


def _permitted(plan: Plan, name: str, permissions: Permissions) -> bool:
    """Whether content may be placed: the gate at the exit."""
    if name not in plan.labelled_content:
        return True
    item = plan.book.content[name]
    return not any(permissions.held_back(item.topics, item.purpose))


def _items(plan: Plan, slot: Slot, offers: int, permissions: Permissions) -> Choice:
    """What a single or a many slot gets from the clauses that offer it something."""
    most = slot.many or 1
    found: dict[str, str | None] = {}
    for place in plan.matcher.rules(offers):
        rule = plan.book.rules[place]
        for name in rule.show[slot.id]:
            if len(found) < most and _permitted(plan, name, permissions):
                found.setdefault(name, rule.id)
        if len(found) == most:
            break
    items = list(found.items())
    if items and slot.many is None:
        return Choice("rule", items[0][1], items)
    reason = "rule" if items else "default"
    if slot.fill or not items:
        spare = [(name, None) for name in slot.default if name not in found]
        items += spare[: most - len(items)]
    return Choice(reason, None, items)


def last_check(book: RuleBook, choice: Choice, permissions: Permissions) -> int:
    """Takes out what a slot would show without permission; how much that was (none, ever).

    It asks each item of the book itself, whatever was worked out about labels before.
    """
    allowed = []
    for entry in choice.items:
        item = book.content[entry[0]]
        if not any(permissions.held_back(item.topics, item.purpose)):
            allowed.append(entry)
    taken = len(choice.items) - len(allowed)
    choice.items = allowed
    return taken
