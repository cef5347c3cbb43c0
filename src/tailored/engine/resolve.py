"""Resolution: of the rules that fire, what each slot and each setting gets, and what the guard kept back."""

from __future__ import annotations

from dataclasses import dataclass, field

from tailored.book.builtin import PERSONALIZATION, is_personal
from tailored.book.model import Rule, RuleBook, Slot
from tailored.condition.tree import Condition, Scalar, attributes_read, segments_named
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
class Resolution:
    """What every slot and every setting gets, and what was kept back."""

    slots: dict[str, Choice]
    settings: dict[str, tuple[Scalar | tuple[Scalar, ...], str | None]]
    withheld: list[Withheld]


class Plan:
    """What of a book bears on each slot and each setting, as bits of the clauses of its rules."""

    def __init__(self, book: RuleBook, matcher: Matcher) -> None:
        self.book, self.matcher = book, matcher
        self.personal = personal_rules(book)
        self.labelled_content = frozenset(
            name for name, item in book.content.items() if item.topics or item.purpose is not None
        )
        hides: dict[str, list[int]] = {}
        offers: dict[str, list[int]] = {}
        sets: dict[str, list[int]] = {}
        labelled, personal = [], []
        for place, rule in enumerate(book.rules):
            for names, bearing in (
                (rule.hide, hides),
                (rule.show, offers),
                (rule.order, offers),
                (rule.set, sets),
            ):
                for name in names:
                    bearing.setdefault(name, []).append(place)
            if rule.topics or rule.purpose is not None or self._names_labelled(rule):
                labelled.append(place)
            if rule.id in self.personal:
                personal.append(place)
        clauses = matcher.clauses
        self.slots = [
            (slot, clauses(hides.get(name, ())), clauses(offers.get(name, ())))
            for name, slot in book.slots.items()
        ]
        self.settings = [(setting, clauses(sets.get(name, ()))) for name, setting in book.settings.items()]
        self.labelled_rules, self.personal_rules = clauses(labelled), clauses(personal)

    def _names_labelled(self, rule: Rule) -> bool:
        return any(not self.labelled_content.isdisjoint(names) for names in rule.show.values())


def resolve(plan: Plan, firing: int, permissions: Permissions) -> Resolution:
    """What follows from the clauses that fire: those that hold, of rules that are awake."""
    withheld: set[Withheld] = set()
    usable = _usable(plan, firing, permissions, withheld)
    rules, first = plan.book.rules, plan.matcher.first
    slots = {}
    for slot, hides, offers in plan.slots:
        if hidden := usable & hides:
            slots[slot.id] = Choice("hidden", rules[first(hidden)].id)
        elif slot.modules is None:
            slots[slot.id] = _items(plan, slot, usable & offers, permissions)
        elif ordered := usable & offers:
            rule = rules[first(ordered)]
            named = rule.order[slot.id]
            rest = tuple(name for name in slot.modules if name not in named)
            slots[slot.id] = Choice("rule", rule.id, order=named + rest)
        else:
            slots[slot.id] = Choice("default", order=slot.modules)
    settings: dict[str, tuple[Scalar | tuple[Scalar, ...], str | None]] = {}
    for setting, sets in plan.settings:
        if setters := usable & sets:
            rule = rules[first(setters)]
            settings[setting.id] = rule.set[setting.id], rule.id
        else:
            settings[setting.id] = setting.default, None
    return Resolution(slots, settings, sorted(withheld))


def _usable(plan: Plan, firing: int, permissions: Permissions, withheld: set[Withheld]) -> int:
    """The clauses that fire and that no label keeps back. What labels keep back goes to `withheld`."""
    usable, opted_out = firing, permissions.opted_out(PERSONALIZATION)
    asked = plan.labelled_rules | plan.personal_rules if opted_out else plan.labelled_rules
    for place in plan.matcher.rules(firing & asked):
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
            usable &= ~plan.matcher.clauses((place,))
    return usable


def personal_rules(book: RuleBook) -> frozenset[str]:
    """The rules whose conditions read something about the user, themselves or through segments."""
    segments: dict[str, bool] = {}

    def reads(condition: Condition) -> bool:
        return any(is_personal(attribute) for attribute in attributes_read(condition)) or any(
            segment(name) for name in segments_named(condition)
        )

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


def last_check(book: RuleBook, resolution: Resolution, permissions: Permissions) -> int:
    """Takes out what stands in a finished resolution without permission; how much that was (none, ever).

    It asks each item of the book itself, whatever was worked out about labels before.
    """
    taken = 0
    for choice in resolution.slots.values():
        allowed = []
        for entry in choice.items:
            item = book.content[entry[0]]
            unlabelled = not item.topics and item.purpose is None
            if unlabelled or not any(permissions.held_back(item.topics, item.purpose)):
                allowed.append(entry)
        taken += len(choice.items) - len(allowed)
        choice.items = allowed
    return taken
