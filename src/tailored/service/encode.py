"""Decisions as JSON bytes. What many requests share is encoded once, and counted where it is used."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any

import orjson

from tailored.engine.decision import Decision, Item, Placement, SettingValue
from tailored.engine.kept import Kept
from tailored.service.metrics import Counts

Entry = Placement | SettingValue

_MOST = 4_096
"""Entries, items and whole sections that are kept encoded, of each so many."""
_MOST_SEEN = 1_024
"""Those that were met once, and are kept encoded when they are met again."""
_MOST_USED = 16_384
"""Uses of them that are noted before they are counted together."""


class _Part:
    """An encoded entry, or a section. `of` is what it was made from, held so that its id stays its own."""

    __slots__ = ("encoded", "name", "of")

    def __init__(self, name: str, of: Entry | Mapping[str, Entry], encoded: bytes) -> None:
        self.name, self.of, self.encoded = name, of, encoded


_encoded = attrgetter("encoded")


class Encoder:
    """Encodes and counts the decisions of one book; what it counted goes to `counts` with `flush`.

    Engines give the same object where they decide the same: such an entry is encoded when it is met for the
    second time, and found by its identity from then on. One that is made for a request is encoded for it.
    """

    def __init__(self, version: str, counts: Counts) -> None:
        self._head = b'{"book":' + orjson.dumps(version) + b',"slots":{'
        self._counts = counts
        self._sections: Kept[int, _Part] = Kept(_MOST)
        self._entries: Kept[tuple[str, int], _Part] = Kept(_MOST)
        self._items: Kept[int, tuple[Item, bytes]] = Kept(_MOST)
        self._seen: Kept[int, object] = Kept(_MOST_SEEN)
        self._used: list[_Part] = []
        """What was answered and is not counted yet."""

    def encode(self, decision: Decision, only: Iterable[str] = ()) -> bytes:
        """A decision as JSON; `only` these slots and settings, where any are named."""
        slots: Mapping[str, Placement] = decision.slots
        settings: Mapping[str, SettingValue] = decision.settings
        if only:
            chosen = frozenset(only)
            slots = {name: one for name, one in slots.items() if name in chosen}
            settings = {name: one for name, one in settings.items() if name in chosen}
        if len(self._used) > _MOST_USED:
            self.flush()
        parts = []
        for entries in (slots, settings):
            whole = self._sections.get(id(entries))
            if whole is None:
                parts.append(self._section(entries))
            else:
                self._used.append(whole)
                parts.append(whole.encoded)
        tail = b'},"withheld":[],"warnings":[]}'
        if decision.withheld or decision.warnings:
            for entry in decision.withheld:
                of_topic = entry.label == "topic"
                labels = (entry.kind, entry.name, "") if of_topic else (entry.kind, "", entry.name)
                self._counts.add("tailored_withheld", labels)
            withheld = [entry.to_dict() for entry in decision.withheld]
            warnings = [warning.to_dict() for warning in decision.warnings]
            tail = b'},"withheld":' + dumps(withheld) + b',"warnings":' + dumps(warnings) + b"}"
        return b"".join((self._head, parts[0], b'},"settings":{', parts[1], tail))

    def count(self, decision: Decision, only: Iterable[str] = ()) -> None:
        """Counts a decision that is answered in another form."""
        self.encode(decision, only)

    def flush(self) -> None:
        """Hands over what was counted since the last time."""
        for part, uses in Counter(self._used).items():
            self._count(part.name, part.of, uses)
        self._used.clear()

    def _section(self, entries: Mapping[str, Entry]) -> bytes:
        parts = [*map(self._entries.get, zip(entries, map(id, entries.values()), strict=True))]
        if None in parts:
            pairs = zip(parts, entries.items(), strict=True)
            parts = [part or self._new(name, entry) for part, (name, entry) in pairs]
        self._used += parts  # type: ignore[arg-type]  # there is no None among them any more
        encoded = b",".join(map(_encoded, parts))
        if self._is_met_again(entries):
            self._sections.keep(id(entries), _Part("", entries, encoded))
        return encoded

    def _new(self, name: str, entry: Entry) -> _Part:
        encoded = dumps(entry.to_dict()) if isinstance(entry, SettingValue) else self._placement(entry)
        part = _Part(name, entry, b'"%b":%b' % (name.encode(), encoded))  # an id needs no escapes
        if self._is_met_again(entry):
            self._entries.keep((name, id(entry)), part)
        return part

    def _placement(self, placement: Placement) -> bytes:
        """A placement as JSON; a list, which may be one request's own, from its items, which others share."""
        if not placement.items:
            return dumps(placement.to_dict())
        items = b",".join(map(self._item, placement.items))
        asked = placement.scorer
        scorer = b"" if asked is None else b',"scorer":' + dumps(asked.to_dict())
        return b'{"reason":%b,"items":[%b]%b}' % (dumps(placement.reason), items, scorer)

    def _item(self, item: Item) -> bytes:
        kept = self._items.get(id(item))
        if kept is not None:
            return kept[1]
        encoded = dumps(item.to_dict())
        if self._is_met_again(item):
            self._items.keep(id(item), (item, encoded))
        return encoded

    def _is_met_again(self, one: object) -> bool:
        """Whether this very thing was met before, so that it is worth keeping."""
        if self._seen.get(id(one)) is one:
            return True
        self._seen.keep(id(one), one)
        return False

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
