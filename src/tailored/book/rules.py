"""Segments and rules: who sees what, and when."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from tailored.book.collect import Entry
from tailored.book.compose import PLAIN
from tailored.book.conditions import Names, read_condition
from tailored.book.constants import read_typed
from tailored.book.declarations import (
    Body,
    Labels,
    is_lacking,
    read_allow,
    read_body,
    read_names,
    read_setting_value,
    read_text,
)
from tailored.book.model import Content, Ranking, Rule, Segment, Setting, Slot
from tailored.book.nodes import MappingNode, Node, Reader, SequenceNode, TypeOf, short
from tailored.book.rankings import RankingReader
from tailored.book.sections import RULE, RULE_FINDINGS, SEGMENT, SEGMENT_FINDINGS
from tailored.book.suggest import listed
from tailored.book.templates import is_template
from tailored.condition.tree import ALWAYS, Scalar
from tailored.condition.types import Type, first_moment


def read_segments(entries: dict[str, Entry], names: Names, labels: Labels) -> dict[str, Segment]:
    """The segments of a book."""
    segments = {}
    for name, entry in entries.items():
        reader = entry.reader
        body = read_body(entry, SEGMENT, "A segment", f"{name}: {{when: {{page: home}}}}")
        if is_lacking(entry, body, SEGMENT, "when"):
            reader.error(entry.key, "missing-key", f"`{name}` has no `when`.", "Say who is in it.")
        when = read_condition(reader, body["when"][1], names) if "when" in body else ALWAYS
        topics, _, not_about = labels.read(reader, body)
        segments[name] = Segment(
            name,
            when,
            topics,
            read_text(reader, body, "description"),
            read_text(reader, body, "owner"),
            not_about,
            reader.span(entry.key),
            read_allow(reader, body, SEGMENT_FINDINGS),
        )
    return segments


class RuleReader:
    """Reads rules against everything else in the book, and against the time at which the book is checked."""

    def __init__(
        self,
        names: Names,
        labels: Labels,
        slots: dict[str, Slot],
        settings: dict[str, Setting],
        content: dict[str, Content],
        rankings: RankingReader,
        now: datetime,
    ) -> None:
        self.names, self.labels, self.slots = names, labels, slots
        self.settings, self.content, self.rankings, self.now = settings, content, rankings, now

    def read(self, entry: Entry) -> Rule:
        """The rule that an entry writes. What is wrong is reported, and left out of it."""
        reader, name = entry.reader, entry.id
        body = read_body(entry, RULE, "A rule", f"{name}: {{when: {{page: home}}, show: {{hero: socks}}}}")
        if "when" not in body and is_lacking(entry, body, RULE, "when"):
            message = f"`{name}` has no `when`, so it always fires."
            reader.warn(entry.key, "no-when", message, "Write `when: always` if so.")
        if body.keys().isdisjoint(_ACTIONS) and is_lacking(entry, body, RULE, *_ACTIONS):
            mend = "Give it `show`, `hide`, `order` or `set`."
            reader.error(entry.key, "no-action", f"`{name}` does nothing.", mend)
        topics, purpose, not_about = self.labels.read(reader, body)
        start, end, review = self._schedule(reader, body)
        shown, ranked = self._show(reader, body) if "show" in body else ({}, {})
        hidden = self._hide(reader, body) if "hide" in body else ()
        if hidden:
            self._check_hidden(reader, body, name, {*shown, *ranked}, hidden)
        return Rule(
            name,
            read_condition(reader, body["when"][1], self.names) if "when" in body else ALWAYS,
            reader.span(entry.key),
            shown,
            hidden,
            self._order(reader, body) if "order" in body else {},
            self._set(reader, body) if "set" in body else {},
            _priority(reader, body),
            start,
            end,
            review,
            topics,
            purpose,
            read_text(reader, body, "description"),
            read_text(reader, body, "owner"),
            read_text(reader, body, "hypothesis"),
            _because(reader, body),
            not_about,
            ranked,
            read_allow(reader, body, RULE_FINDINGS),
        )

    def _schedule(
        self, reader: Reader, body: Body
    ) -> tuple[datetime | None, datetime | None, datetime | None]:
        """`from`, `until` and `review`; the times that are past have a warning."""
        if _TIMES.isdisjoint(body):
            return None, None, None
        start, end, review = (_moment(reader, body, key) for key in ("from", "until", "review"))
        if start and end and start >= end:
            mend = "Swap them, or mend one."
            reader.error(body["until"][1], "reversed-schedule", "`until` is not after `from`.", mend)
        elif end and end <= self.now:
            message = f"This rule ended at {body['until'][1].value} and never fires again."
            reader.warn(
                body["until"][1], "past-until", message, "Take the rule out, or give it a later `until`."
            )
        elif review and review <= self.now:
            message = f"The review of this rule was due at {body['review'][1].value}."
            mend = "Keep the rule and give it a later `review`, or take it out."
            reader.warn(body["review"][1], "past-review", message, mend)
        return start, end, review

    def _slots(
        self, reader: Reader, body: Body, action: str, kinds: tuple[str, ...]
    ) -> Iterator[tuple[Slot | None, Node, Node]]:
        """The slots that an action names, each with its key and what it says of them; None is reported."""
        example = {"show": "{hero: socks}", "order": "{modules: [a, b]}"}[action]
        for name, (key, value) in _said(reader, body, action, f"{action}: {example}").items():
            yield self._slot(reader, key, name, action, kinds), key, value

    def _slot(
        self, reader: Reader, node: Node, name: str, action: str, kinds: tuple[str, ...]
    ) -> Slot | None:
        slot = self.slots.get(name)
        if slot is None:
            reader.unknown(node, "slot", name, self.slots)
        elif slot.kind not in kinds and self._is_sure(reader, slot):
            mend = "Use `order` for it." if slot.kind == "order" else "Use `show` for it."
            reader.error(
                node, "wrong-slot-kind", f"`{action}` is not for `{name}`, {A_SLOT[slot.kind]}.", mend
            )
            return None
        return slot

    def _is_sure(self, reader: Reader, slot: Slot) -> bool:
        """Whether a slot is what it says; of one whose declaration has an error nobody knows."""
        return ("slot", slot.id) not in reader.flaws.broken

    def _show(self, reader: Reader, body: Body) -> tuple[dict[str, tuple[str, ...]], dict[str, Ranking]]:
        """What is shown by slot: content, and what scorers choose."""
        shown: dict[str, tuple[str, ...]] = {}
        ranked: dict[str, Ranking] = {}
        for slot, key, node in self._slots(reader, body, "show", ("single", "many")):
            if slot is not None and node.tag is PLAIN and node.value in self.content:
                shown[slot.id] = (node.value,)
                continue
            if slot is None and (key.value in self.slots or isinstance(node, MappingNode)):
                continue
            if slot is not None and isinstance(node, MappingNode):
                if (ranking := self.rankings.read(reader, node, slot)) is not None:
                    ranked[slot.id] = ranking
                continue
            named = read_names(reader, node, f"`{short(key.value)}`")
            reader.warn_of_repeats(reader.items(node))
            known = tuple(name for name, item in named if known_content(reader, item, name, self.content))
            if slot is None:
                continue
            shown[slot.id] = known
            sure = self._is_sure(reader, slot)
            if slot.many is None and isinstance(node, SequenceNode) and named and sure:
                reader.error(
                    node, "wrong-slot-kind", f"`{slot.id}` takes one content item, not a list.", "Name one."
                )
            if slot.many is not None and len(named) > slot.many and sure:
                reader.error(
                    node,
                    "too-many-items",
                    f"`{slot.id}` takes {slot.many} items, and here are {len(named)}.",
                    "Shorten the list, or raise the slot's `many`.",
                )
        return shown, ranked

    def _hide(self, reader: Reader, body: Body) -> tuple[str, ...]:
        named = read_names(reader, body["hide"][1], "`hide`")
        reader.warn_of_repeats([node for _, node in named])
        slots = [self._slot(reader, node, name, "hide", ("single", "many")) for name, node in named]
        return tuple(slot.id for slot in slots if slot is not None)

    def _check_hidden(
        self, reader: Reader, body: Body, name: str, shown: Container[str], hidden: tuple[str, ...]
    ) -> None:
        for node in reader.items(body["hide"][1]):
            if node.value in hidden and node.value in shown:
                message = f"`{name}` shows and hides `{node.value}`; the hiding wins."
                reader.warn(node, "show-and-hide", message, "Take one of the two out.")

    def _order(self, reader: Reader, body: Body) -> dict[str, tuple[str, ...]]:
        orders = {}
        for slot, _, node in self._slots(reader, body, "order", ("order",)):
            if slot is None:
                continue
            modules = slot.modules or ()
            named = read_names(reader, node, f"`{slot.id}`")
            reader.warn_of_repeats([item for _, item in named])
            for name, item in named:
                if name not in modules and self._is_sure(reader, slot):
                    hint = reader.did_you_mean(name, modules) or f"Its modules are {listed(modules, 20)}."
                    message = f"`{slot.id}` has no module `{short(name)}`."
                    reader.error(item, "unknown-module", message, hint)
            orders[slot.id] = tuple(dict.fromkeys(name for name, _ in named if name in modules))
        return orders

    def _set(self, reader: Reader, body: Body) -> dict[str, Scalar | tuple[Scalar, ...]]:
        values: dict[str, Any] = {}
        said = _said(reader, body, "set", "set: {some-setting: value}", self._type_of)
        for name, (key, node) in said.items():
            setting = self.settings.get(name)
            if setting is None:
                reader.unknown(key, "setting", name, self.settings)
            elif (value := read_setting_value(reader, node, setting.type, setting.values, name)) is not None:
                values[name] = value
        return values

    def _type_of(self, setting: str) -> Type:
        return self.settings[setting].type if setting in self.settings else Type.NUMBER


_TIMES = frozenset(["from", "until", "review"])
_PRIORITIES = {str(priority): priority for priority in range(1001)}
"""As nearly every rule writes them."""
_ACTIONS = ("show", "hide", "order", "set")
A_SLOT = {
    "single": "a slot for one item",
    "many": "a slot for many items",
    "order": "a slot whose modules are ordered",
}


def _said(reader: Reader, body: Body, action: str, example: str, *type_of: TypeOf) -> Body:
    """The entries of an action, of which there must be one."""
    found = reader.mapping(body[action][1], f"`{action}`", example, *type_of)
    if found is not None and not found:
        reader.error(body[action][1], "empty-list", f"`{action}` is empty.", f"Write `{example}`.")
    return found or {}


def known_content(reader: Reader, node: Node, name: str, content: Mapping[str, Content]) -> bool:
    """Whether the book has this content; if not, that is reported."""
    if name in content:
        return True
    reader.unknown(node, "content", name, content)
    return False


def _moment(reader: Reader, body: Body, key: str) -> datetime | None:
    if key not in body:
        return None
    value = read_typed(reader, body[key][1], Type.DATETIME, f"`{key}`", whole_days=True)
    return first_moment(value) if isinstance(value, date) else None


def _because(reader: Reader, body: Body) -> str:
    text = read_text(reader, body, "because")
    if is_template(text):
        reader.error(
            body["because"][1],
            "wrong-kind",
            "`because` is a sentence for people, and no template.",
            "Write it without `{{` and `{%`, such as `because: you recently looked at hiking boots`.",
        )
    return text


def _priority(reader: Reader, body: Body) -> int:
    if "priority" not in body:
        return 100
    node = body["priority"][1]
    if node.tag is PLAIN and node.value in _PRIORITIES:
        return _PRIORITIES[node.value]
    example = "Write a number from 0 to 1000, such as `priority: 200`; the higher wins."
    value = read_typed(reader, node, Type.INTEGER, "`priority`", mend=lambda *_: example)
    if isinstance(value, int) and not 0 <= value <= 1000:
        reader.error(
            body["priority"][1],
            "priority-range",
            f"`priority` runs from 0 to 1000, and {value} lies outside.",
            "The higher wins; 100 is usual.",
        )
    return int(value) if isinstance(value, int) else 100
