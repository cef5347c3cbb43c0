"""Recorded requests, asked of two books: how many of them get another answer, by slot and by segment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tailored.condition.tree import InSegment
from tailored.condition.values import read_now
from tailored.proof.difference import Side
from tailored.proof.symbols import Request


@dataclass
class Share:
    """How many of some requests are affected."""

    requests: int = 0
    affected: int = 0

    def count(self, affected: bool) -> None:
        """Takes in one more."""
        self.requests += 1
        self.affected += affected

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.affected / self.requests if self.requests else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The share as JSON data."""
        return {"requests": self.requests, "affected": self.affected, "share": round(self.share, 6)}


@dataclass
class Traffic:
    """What recorded requests say. `unreadable` are lines that hold no request."""

    every: Share = field(default_factory=Share)
    targets: dict[str, Share] = field(default_factory=dict)
    segments: dict[str, Share] = field(default_factory=dict)
    unreadable: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The shares as JSON data; slots and settings stand together."""
        return {
            **self.every.to_dict(),
            "unreadable": self.unreadable,
            "slots": {name: share.to_dict() for name, share in self.targets.items()},
            "segments": {name: share.to_dict() for name, share in self.segments.items()},
        }


def traffic(lines: Iterable[str], old: Side, new: Side, now: str) -> Traffic:
    """Asks both books each request of an NDJSON file; `now` is the moment of those that carry none.

    A person counts for a segment who is in it by either book.
    """
    found = Traffic()
    for request in requests_of(lines, now):
        if request is None:
            found.unreadable += 1
            continue
        affected = False
        for name in dict.fromkeys((*new.targets, *old.targets)):
            tells = old.answer(name, request) != new.answer(name, request)
            found.targets.setdefault(name, Share()).count(tells)
            affected = affected or tells
        found.every.count(affected)
        for name in dict.fromkeys((*new.book.segments, *old.book.segments)):
            share = found.segments.setdefault(name, Share())
            sides = [side for side in (new, old) if name in side.book.segments]
            if any(side.replay.truth(InSegment(name), request) is True for side in sides):
                share.count(affected)
    return found


def requests_of(lines: Iterable[str], now: str) -> Iterator[Request | None]:
    """The requests of the lines of a file; None for a line that holds none.

    A line is a request (`user`, `context`, `now`), has one under `request`, or is a record of the decision
    log, whose `attributes` are by whole names and whose `time` is the moment.
    """
    for line in lines:
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            yield None
            continue
        yield _request(record, now)


def _request(record: Any, now: str) -> Request | None:
    if not isinstance(record, dict):
        return None
    inner = record.get("request")
    whole = inner if isinstance(inner, dict) else record
    user, context = whole.get("user"), whole.get("context")
    if isinstance(record.get("attributes"), dict) and not isinstance(context, dict):
        if (sides := _sides(record["attributes"])) is None:
            return None
        user, context = sides
    if not (isinstance(user, dict) or isinstance(context, dict)):
        return None
    moment = whole.get("now") or record.get("now") or record.get("time") or now
    try:
        read_now(moment)
    except (TypeError, ValueError):
        return None
    return Request(
        user if isinstance(user, dict) else {}, context if isinstance(context, dict) else {}, moment
    )


def _sides(attributes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Attributes by whole names (`user.country`), or already by side, as the two sides of a request.

    None where one is of no side, as no book could read it.
    """
    sides: dict[str, dict[str, Any]] = {"user": {}, "context": {}}
    for key, value in attributes.items():
        side, _, name = key.partition(".")
        if side in sides and name:
            sides[side][name] = value
        elif side in sides and isinstance(value, dict):
            sides[side].update(value)
        else:
            return None
    return sides["user"], sides["context"]
