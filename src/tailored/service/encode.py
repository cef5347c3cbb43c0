"""Decisions as JSON bytes. What many requests share is encoded once, and counted where it is used."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from tailored.engine.decision import Decision, Placement, SettingValue
from tailored.service.metrics import Counts

Entry = Placement | SettingValue

_MOST = 4_096
"""Entries, and whole sections, that are kept encoded."""
_MOST_SEEN = 1_024
"""Entries that were met once, and are kept encoded when they are met again."""


class _Part:
    """An encoded entry, or a section. `of` is what it was made from, held so that its id stays its own."""

    __slots__ = ("encoded", "name", "of", "uses")

    def __init__(self, name: str, of: Entry | Mapping[str, Entry], encoded: bytes) -> None:
        self.name, self.of, self.encoded = name, of, encoded
        self.uses = 0


class Encoder:
    """Encodes and counts the decisions of one book; what it counted goes to `counts` with `flush`.

    Engines give the same object where they decide the same: such an entry is encoded when it is met for the
    second time, and found by its identity from then on. One that is made for a request is encoded for it.
    """

    def __init__(self, version: str, counts: Counts) -> None:
        self._head = b'{"book":' + orjson.dumps(version) + b',"slots":{'
        self._counts = counts
        self._parts: dict[int, _Part] = {}
        self._seen: dict[int, Entry | Mapping[str, Entry]] = {}

    def encode(self, decision: Decision, only: Iterable[str] = ()) -> bytes:
        """A decision as JSON; `only` these slots and settings, where any are named."""
        slots: Mapping[str, Placement] = decision.slots
        settings: Mapping[str, SettingValue] = decision.settings
        if only:
            chosen = frozenset(only)
            slots = {name: one for name, one in slots.items() if name in chosen}
            settings = {name: one for name, one in settings.items() if name in chosen}
        slot_parts = self._section(slots)
        setting_parts = self._section(settings)
        tail = b'},"withheld":[],"warnings":[]}'
        if decision.withheld or decision.warnings:
            for entry in decision.withheld:
                of_topic = entry.label == "topic"
                labels = (entry.kind, entry.name, "") if of_topic else (entry.kind, "", entry.name)
                self._counts.add("tailored_withheld", labels)
            withheld = [entry.to_dict() for entry in decision.withheld]
            warnings = [warning.to_dict() for warning in decision.warnings]
            tail = b'},"withheld":' + dumps(withheld) + b',"warnings":' + dumps(warnings) + b"}"
        return b"".join((self._head, slot_parts, b'},"settings":{', setting_parts, tail))

    def count(self, decision: Decision, only: Iterable[str] = ()) -> None:
        """Counts a decision that is answered in another form."""
        self.encode(decision, only)

    def flush(self) -> None:
        """Hands over what was counted since the last time."""
        for part in self._parts.values():
            if part.uses:
                self._count(part.name, part.of, part.uses)
                part.uses = 0

    def _section(self, entries: Mapping[str, Entry]) -> bytes:
        whole = self._parts.get(id(entries))
        if whole is not None:
            whole.uses += 1
            return whole.encoded
        encoded = self._joined(entries)
        self._keep("", entries, encoded)
        return encoded

    def _joined(self, entries: Mapping[str, Entry]) -> bytes:
        find = self._parts.get
        encoded = []
        for name, entry in entries.items():
            part = find(id(entry))
            if part is not None and part.name == name:
                part.uses += 1
                encoded.append(part.encoded)
            else:
                encoded.append(self._new(name, entry))
        return b",".join(encoded)

    def _new(self, name: str, entry: Entry) -> bytes:
        encoded = b'"%b":%b' % (name.encode(), dumps(entry.to_dict()))  # an id needs no escapes
        self._count(name, entry, 1)
        self._keep(name, entry, encoded)
        return encoded

    def _keep(self, name: str, of: Entry | Mapping[str, Entry], encoded: bytes) -> None:
        """Keeps what is met for the second time."""
        at = id(of)
        if self._seen.get(at) is of:
            if len(self._parts) >= _MOST:
                self.flush()
                self._parts.clear()
            self._parts.setdefault(at, _Part(name, of, encoded))
        else:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen[at] = of

    def _count(self, name: str, entry: Entry | Mapping[str, Entry], uses: int) -> None:
        """A `many` slot counts once for each rule that gave it something."""
        add = self._counts.add
        if isinstance(entry, Mapping):
            for each, of in entry.items():
                self._count(each, of, uses)
            return
        if isinstance(entry, SettingValue):
            add("tailored_settings", (name, entry.rule or ""), uses)
            return
        if entry.items:
            for rule in {item.rule for item in entry.items}:
                add("tailored_decisions", (name, rule or "", entry.reason), uses)
        else:
            add("tailored_decisions", (name, entry.rule or "", entry.reason), uses)
        asked = entry.scorer
        if asked is not None and asked.fallback:
            add("tailored_scorer_fallbacks", (name, asked.name, asked.used or ""), uses)


def dumps(data: Any) -> bytes:
    """JSON bytes; what the fast codec does not take (whole numbers beyond 64 bits) goes the slow way."""
    try:
        return orjson.dumps(data)
    except TypeError:
        return json.dumps(data, separators=(",", ":")).encode()
