"""Resolution: of the rules that fire, what each slot and each setting gets, and what the guard kept back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tailored.book.builtin import PERSONALIZATION, is_personal
from tailored.book.model import Content, Rule, RuleBook, Slot
from tailored.condition.tree import Condition, Scalar, attributes_read, segments_named
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


def resolve(
    book: RuleBook, personal: frozenset[str], firing: Iterable[Rule], permissions: Permissions
) -> Resolution:
    """What follows from rules that are awake and whose conditions hold, in resolution order.

    `personal` are the rules whose conditions read something about the user.
    """
    withheld: set[Withheld] = set()
    hidden: dict[str, str] = {}
    shown: dict[str, list[tuple[str, str]]] = {}
    ordered: dict[str, tuple[tuple[str, ...], str]] = {}
    settings: dict[str, tuple[Scalar | tuple[Scalar, ...], str | None]] = {}
    for rule in firing:
        labels = set(permissions.held_back(rule.topics, rule.purpose))
        if rule.id in personal and permissions.opted_out(PERSONALIZATION):
            labels.add(("purpose", PERSONALIZATION))
        withheld.update(Withheld("rule", rule.id, label, name) for label, name in labels)
        usable = not labels
        for slot, contents in rule.show.items():
            for content in contents:
                if _permitted(book.content[content], permissions, withheld) and usable:
                    shown.setdefault(slot, []).append((content, rule.id))
        if not usable:
            continue
        for slot in rule.hide:
            hidden.setdefault(slot, rule.id)
        for slot, modules in rule.order.items():
            ordered.setdefault(slot, (modules, rule.id))
        for setting, value in rule.set.items():
            settings.setdefault(setting, (value, rule.id))
    return Resolution(
        {name: _choice(slot, hidden, shown, ordered) for name, slot in book.slots.items()},
        {name: settings.get(name, (setting.default, None)) for name, setting in book.settings.items()},
        sorted(withheld),
    )


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


def _permitted(content: Content, permissions: Permissions, withheld: set[Withheld]) -> bool:
    """Whether content may be placed: the gate at the exit."""
    permitted = True
    for label, name in permissions.held_back(content.topics, content.purpose):
        withheld.add(Withheld("content", content.id, label, name))
        permitted = False
    return permitted


def _choice(
    slot: Slot,
    hidden: Mapping[str, str],
    shown: Mapping[str, list[tuple[str, str]]],
    ordered: Mapping[str, tuple[tuple[str, ...], str]],
) -> Choice:
    if slot.id in hidden:
        return Choice("hidden", hidden[slot.id])
    if slot.modules is not None:
        if slot.id not in ordered:
            return Choice("default", order=slot.modules)
        first, rule = ordered[slot.id]
        return Choice("rule", rule, order=first + tuple(name for name in slot.modules if name not in first))
    found: dict[str, str | None] = {}
    for content, by in shown.get(slot.id, ()):
        found.setdefault(content, by)
    items = list(found.items())[: slot.many or 1]
    if items and slot.many is None:
        return Choice("rule", items[0][1], items)
    reason = "rule" if items else "default"
    if slot.fill or not items:
        spare = [(content, None) for content in slot.default if content not in found]
        items += spare[: (slot.many or 1) - len(items)]
    return Choice(reason, None, items)


def last_check(book: RuleBook, resolution: Resolution, permissions: Permissions) -> int:
    """Takes out what stands in a finished resolution without permission; how much that was (none, ever)."""
    taken = 0
    for choice in resolution.slots.values():
        allowed = [
            item
            for item in choice.items
            if not any(permissions.held_back(book.content[item[0]].topics, book.content[item[0]].purpose))
        ]
        taken += len(choice.items) - len(allowed)
        choice.items = allowed
    return taken
