"""Decisions as JSON bytes. What many requests share is encoded once, and counted where it is used."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import orjson

from tailored.engine.decision import Decision, Placement
from tailored.service.metrics import Counts

_MOST = 4096


class _Part:
    """One encoded entry of a decision. `of` is what it was made from, held so that its id stays its own."""

    __slots__ = ("counters", "encoded", "of", "uses")

    def __init__(self, of: object, encoded: bytes, counters: list[tuple[str, tuple[str, ...]]]) -> None:
        self.of, self.encoded, self.counters = of, encoded, counters
        self.uses = 0


class Encoder:
    """Encodes and counts the decisions of one book; what it counted goes to `counts` with `flush`."""

    def __init__(self, version: str, counts: Counts) -> None:
        self._head = b'{"book":' + orjson.dumps(version) + b',"slots":{'
        self._counts = counts
        self._parts: dict[tuple[str, int], _Part] = {}

    def encode(self, decision: Decision, only: Iterable[str] = ()) -> bytes:
        """A decision as JSON; `only` these slots and settings, where any are named."""
        chosen = frozenset(only)
        slots = self._section(decision.slots, _slot_counters, chosen)
        settings = self._section(decision.settings, _setting_counters, chosen)
        tail = b'},"withheld":[],"warnings":[]}'
        if decision.withheld or decision.warnings:
            for entry in decision.withheld:
                of_topic = entry.label == "topic"
                labels = (entry.kind, entry.name, "") if of_topic else (entry.kind, "", entry.name)
                self._counts.add("tailored_withheld", labels)
            withheld = [entry.to_dict() for entry in decision.withheld]
            warnings = [warning.to_dict() for warning in decision.warnings]
            tail = b'},"withheld":' + dumps(withheld) + b',"warnings":' + dumps(warnings) + b"}"
        return b"".join((self._head, slots, b'},"settings":{', settings, tail))

    def count(self, decision: Decision, only: Iterable[str] = ()) -> None:
        """Counts a decision that is answered in another form."""
        self.encode(decision, only)

    def flush(self) -> None:
        """Hands over what was counted since the last time."""
        for part in self._parts.values():
            if part.uses:
                for name, labels in part.counters:
                    self._counts.add(name, labels, part.uses)
                part.uses = 0

    def _section(self, entries: Any, counters: Any, chosen: frozenset[str]) -> bytes:
        known = self._parts
        encoded = []
        for name, entry in entries.items():
            if chosen and name not in chosen:
                continue
            part = known.get((name, id(entry)))
            if part is None:
                if len(known) >= _MOST:
                    self.flush()
                    known.clear()
                text = dumps(name) + b":" + dumps(entry.to_dict())
                part = known[name, id(entry)] = _Part(entry, text, counters(name, entry))
            part.uses += 1
            encoded.append(part.encoded)
        return b",".join(encoded)


def dumps(data: Any) -> bytes:
    """JSON bytes; what the fast codec does not take (whole numbers beyond 64 bits) goes the slow way."""
    try:
        return orjson.dumps(data)
    except TypeError:
        return json.dumps(data, separators=(",", ":")).encode()


def _slot_counters(name: str, placement: Placement) -> list[tuple[str, tuple[str, ...]]]:
    """A `many` slot counts once for each rule that gave it something."""
    rules = {placement.rule} if not placement.items else {item.rule for item in placement.items}
    found: list[tuple[str, tuple[str, ...]]] = [
        ("tailored_decisions", (name, rule or "", placement.reason))
        for rule in sorted(rules, key=lambda r: r or "")
    ]
    scorer = getattr(placement, "scorer", None)
    if scorer is not None:
        said = (
            scorer
            if isinstance(scorer, dict)
            else {key: getattr(scorer, key, None) for key in ("name", "fallback", "reason")}
        )
        if said.get("fallback"):
            labels = (name, str(said.get("name")), str(said.get("reason") or ""))
            found.append(("tailored_scorer_fallbacks", labels))
    return found


def _setting_counters(name: str, setting: Any) -> list[tuple[str, tuple[str, ...]]]:
    return [("tailored_settings", (name, setting.rule or ""))]
