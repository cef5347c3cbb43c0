"""Content, segments and rules: what can be placed, for whom, and when."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from tailored.book.collect import Entry
from tailored.book.conditions import Names, read_condition
from tailored.book.constants import read_typed
from tailored.book.declarations import Body, read_body, read_labels, read_names, read_setting_value, read_text
from tailored.book.logic import json_value
from tailored.book.model import Content, Rule, Segment, Setting, Slot, Topic
from tailored.book.nodes import Node, Reader, SequenceNode
from tailored.book.sections import CONTENT, RULE, SEGMENT
from tailored.book.suggest import did_you_mean, listed, one_slip_away
from tailored.condition.tree import ALWAYS, Scalar
from tailored.condition.types import Type, first_moment


def read_content(entries: dict[str, Entry], topics: dict[str, Topic]) -> dict[str, Content]:
    """The content of a book. A key one slip away from a word of the language is an error."""
    content = {}
    for name, entry in entries.items():
        reader = entry.reader
        body = reader.mapping(entry.body, "Content", f"{name}: {{title: ...}}") or {}
        for key, (key_node, _) in body.items():
            word = next((word for word in CONTENT if one_slip_away(key, word)), None)
            if word is not None and key not in CONTENT:
                reader.error(
                    key_node,
                    "label-slip",
                    f"`{key}` is one slip away from `{word}`, a word of the language.",
                    f"Write `{word}`, or give the field another name.",
                )
        labels, purpose = read_labels(reader, dict(body), topics)
        words = {
            key: [text for text, _ in read_names(reader, body[key][1], f"`{key}`")] if key in body else []
            for key in ("tags", "not_about")
        }
        form = read_text(reader, dict(body), "format") or "html"
        if form not in ("html", "text"):
            reader.error(
                body["format"][1], "unknown-value", f"There is no format `{form}`.", "Write `html` or `text`."
            )
        content[name] = Content(
            name,
            {key: json_value(reader, value) for key, (_, value) in body.items() if key not in CONTENT},
            labels,
            purpose,
            tuple(words["tags"]),
            read_text(reader, dict(body), "type"),
            form != "text",
            tuple(words["not_about"]),
            read_text(reader, dict(body), "description"),
            read_text(reader, dict(body), "owner"),
        )
    return content


def read_segments(entries: dict[str, Entry], names: Names, topics: dict[str, Topic]) -> dict[str, Segment]:
    """The segments of a book."""
    segments = {}
    for name, entry in entries.items():
        reader = entry.reader
        body = read_body(entry, SEGMENT, "A segment", f"{name}: {{when: {{page: home}}}}")
        if "when" not in body:
            reader.error(entry.key, "missing-key", f"`{name}` has no `when`.", "Say who is in it.")
        when = read_condition(reader, body["when"][1], names) if "when" in body else ALWAYS
        labels, _ = read_labels(reader, body, topics)
        segments[name] = Segment(
            name, when, labels, read_text(reader, body, "description"), read_text(reader, body, "owner")
        )
    return segments


class RuleReader:
    """Reads rules against everything else in the book."""

    def __init__(
        self,
        names: Names,
        topics: dict[str, Topic],
        slots: dict[str, Slot],
        settings: dict[str, Setting],
        content: dict[str, Content],
    ) -> None:
        self.names, self.topics, self.slots, self.settings, self.content = (
            names,
            topics,
            slots,
            settings,
            content,
        )

    def read(self, entry: Entry) -> Rule:
        """The rule that an entry writes. What is wrong is reported, and left out of it."""
        reader, name = entry.reader, entry.id
        body = read_body(entry, RULE, "A rule", f"{name}: {{when: {{page: home}}, show: {{hero: socks}}}}")
        if "when" not in body:
            reader.warn(
                entry.key,
                "no-when",
                f"`{name}` has no `when`, so it always fires.",
                "Write `when: always` if so.",
            )
        if not {"show", "hide", "order", "set"} & body.keys():
            reader.error(
                entry.key, "no-action", f"`{name}` does nothing.", "Give it `show`, `hide`, `order` or `set`."
            )
        when = read_condition(reader, body["when"][1], self.names) if "when" in body else ALWAYS
        start, end = _moment(reader, body, "from"), _moment(reader, body, "until")
        if start and end and start >= end:
            reader.error(
                body["until"][1],
                "reversed-schedule",
                "`until` is not after `from`.",
                "Swap them, or mend one.",
            )
        labels, purpose = read_labels(reader, body, self.topics)
        return Rule(
            name,
            when,
            reader.span(entry.key),
            self._show(reader, body),
            self._hide(reader, body),
            self._order(reader, body),
            self._set(reader, body),
            _priority(reader, body),
            start,
            end,
            _moment(reader, body, "review"),
            labels,
            purpose,
            read_text(reader, body, "description"),
            read_text(reader, body, "owner"),
            read_text(reader, body, "hypothesis"),
        )

    def _slots(
        self, reader: Reader, body: Body, action: str, kinds: tuple[str, ...]
    ) -> list[tuple[Slot, Node, Node]]:
        if action not in body:
            return []
        example = {"show": "{hero: socks}", "order": "{modules: [a, b]}"}[action]
        found = reader.mapping(body[action][1], f"`{action}`", f"{action}: {example}") or {}
        slots = (
            (self._slot(reader, key, name, action, kinds), key, value) for name, (key, value) in found.items()
        )
        return [(slot, key, value) for slot, key, value in slots if slot is not None]

    def _slot(
        self, reader: Reader, node: Node, name: str, action: str, kinds: tuple[str, ...]
    ) -> Slot | None:
        slot = self.slots.get(name)
        if slot is None:
            hint = did_you_mean(name, self.slots) or f"Slots are {listed(self.slots)}."
            reader.error(node, "unknown-slot", f"There is no slot `{name}`.", hint)
        elif slot.kind not in kinds:
            mend = "Use `order` for it." if slot.kind == "order" else "Use `show` for it."
            reader.error(
                node, "wrong-slot-kind", f"`{action}` is not for `{name}`, {A_SLOT[slot.kind]}.", mend
            )
            return None
        return slot

    def _show(self, reader: Reader, body: Body) -> dict[str, tuple[str, ...]]:
        shown = {}
        for slot, _, node in self._slots(reader, body, "show", ("single", "many")):
            if slot.many is None and isinstance(node, SequenceNode):
                reader.error(
                    node, "wrong-slot-kind", f"`{slot.id}` takes one content item, not a list.", "Name one."
                )
                continue
            named = read_names(reader, node, f"`{slot.id}`")
            if slot.many is not None and len(named) > slot.many:
                reader.error(
                    node,
                    "too-many-items",
                    f"`{slot.id}` takes {slot.many} items, and here are {len(named)}.",
                    "Shorten the list, or raise the slot's `many`.",
                )
            shown[slot.id] = tuple(
                name for name, item in named if known_content(reader, item, name, self.content)
            )
        return shown

    def _hide(self, reader: Reader, body: Body) -> tuple[str, ...]:
        named = read_names(reader, body["hide"][1], "`hide`") if "hide" in body else []
        slots = [self._slot(reader, node, name, "hide", ("single", "many")) for name, node in named]
        return tuple(slot.id for slot in slots if slot is not None)

    def _order(self, reader: Reader, body: Body) -> dict[str, tuple[str, ...]]:
        orders = {}
        for slot, _, node in self._slots(reader, body, "order", ("order",)):
            modules = slot.modules or ()
            named = read_names(reader, node, f"`{slot.id}`")
            for name, item in named:
                if name not in modules:
                    hint = did_you_mean(name, modules) or f"Its modules are {listed(modules)}."
                    reader.error(item, "unknown-module", f"`{slot.id}` has no module `{name}`.", hint)
            orders[slot.id] = tuple(dict.fromkeys(name for name, _ in named if name in modules))
        return orders

    def _set(self, reader: Reader, body: Body) -> dict[str, Scalar | tuple[Scalar, ...]]:
        found = (
            reader.mapping(body["set"][1], "`set`", "set: {some-setting: value}") if "set" in body else None
        )
        values: dict[str, Any] = {}
        for name, (key, node) in (found or {}).items():
            setting = self.settings.get(name)
            if setting is None:
                hint = did_you_mean(name, self.settings) or f"Settings are {listed(self.settings)}."
                reader.error(key, "unknown-setting", f"There is no setting `{name}`.", hint)
            elif (value := read_setting_value(reader, node, setting.type, setting.values, name)) is not None:
                values[name] = value
        return values


A_SLOT = {
    "single": "a slot for one item",
    "many": "a slot for many items",
    "order": "a slot whose modules are ordered",
}


def known_content(reader: Reader, node: Node, name: str, content: dict[str, Content]) -> bool:
    """Whether the book has this content; if not, that is reported."""
    if name in content:
        return True
    hint = did_you_mean(name, content) or f"Content is {listed(content)}."
    reader.error(node, "unknown-content", f"There is no content `{name}`.", hint)
    return False


def _moment(reader: Reader, body: Body, key: str) -> datetime | None:
    if key not in body:
        return None
    value = read_typed(reader, body[key][1], Type.DATETIME, f"`{key}`", whole_days=True)
    return first_moment(value) if isinstance(value, date) else None


def _priority(reader: Reader, body: Body) -> int:
    if "priority" not in body:
        return 100
    value = read_typed(reader, body["priority"][1], Type.INTEGER, "`priority`")
    if isinstance(value, int) and not 0 <= value <= 1000:
        reader.error(
            body["priority"][1],
            "priority-range",
            f"`priority` runs from 0 to 1000, and {value} lies outside.",
            "The higher wins; 100 is usual.",
        )
    return int(value) if isinstance(value, int) else 100
