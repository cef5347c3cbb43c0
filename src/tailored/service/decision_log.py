"""The decision log: a record for each decision, written aside, so that no request ever waits for it.

schemas/decision-log.schema.json describes a record. What attributes hold is not in it, but for those that
`attributes` lists, and of those only what the guard lets through.
"""

from __future__ import annotations

import errno
import hmac
import logging
import os
import threading
import traceback
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, time
from typing import Any, NamedTuple, Protocol

import orjson

from tailored.engine.decision import Decision, Item, Placement
from tailored.engine.facts import as_json
from tailored.service.encode import dumps
from tailored.service.metrics import Counts
from tailored.service.requests import Asked

log = logging.getLogger("tailored.service")

MOST_WAITING = 10_000
"""Records that may wait for the writer; what comes beyond is lost, and counted."""
AT_ONCE = 500
PAUSE = 0.05
"""Seconds between two looks of an idle writer."""


class Sink(Protocol):
    """Where records go. It is called by one thread only; what it raises loses these records, no more."""

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Takes some records, in the order in which they were made."""


class UserIds:
    """What may be told of a user's id: its HMAC-SHA-256 under a secret, or with `plain` the id itself."""

    def __init__(self, secret: bytes, plain: bool = False) -> None:
        self._secret, self._plain = secret, plain

    def __call__(self, user: object) -> str | None:
        """None where there is no id, or it is no text."""
        if not isinstance(user, str) or self._plain:
            return user if isinstance(user, str) else None
        return hmac.digest(self._secret, user.encode(errors="surrogatepass"), "sha256").hex()


class Waiting(NamedTuple):
    """A decision until the writer has time for it."""

    at: float
    asked: Asked
    decision: Decision


class DecisionLog:
    """Makes records and hands them to a sink. `attributes` are the whole names of those that are logged."""

    def __init__(
        self,
        sink: Sink,
        user_ids: UserIds,
        attributes: Sequence[str] = (),
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._sink, self._user_ids = sink, user_ids
        self._attributes = tuple(attributes)
        self._most = most_waiting
        self._waiting: deque[Waiting] = deque()
        self._closing = threading.Event()
        self._told = 0.0
        self.written = 0
        self.lost = {"queue": 0, "sink": 0}
        self._counted: dict[str, int] = {}
        self._writer = threading.Thread(target=self._write_all, name="decision-log", daemon=True)
        self._writer.start()

    def put(self, asked: Asked, decision: Decision) -> None:
        """Takes in a decision; it is lost where too many wait already."""
        if len(self._waiting) >= self._most:
            self.lost["queue"] += 1
        else:
            self._waiting.append(Waiting(time(), asked, decision))

    def record(self, waiting: Waiting) -> dict[str, Any]:
        """What is told of a decision. It speaks of nothing that the guard hides from the request."""
        asked, decision = waiting.asked, waiting.decision
        only, facts = frozenset(asked.slots), decision.facts
        assert facts is not None
        record: dict[str, Any] = {
            "time": datetime.fromtimestamp(waiting.at, UTC).isoformat(timespec="milliseconds"),
            "user": self._user_ids(facts.value("user.id")),
            "book": decision.book,
            "slots": {
                name: _placed(placement)
                for name, placement in decision.slots.items()
                if not only or name in only
            },
            "settings": {
                name: setting.to_dict()
                for name, setting in decision.settings.items()
                if not only or name in only
            },
            "withheld": sorted({entry.name for entry in decision.withheld}),
        }
        if asked.now is not None:
            record["now"] = asked.now
        if self._attributes:
            values = [(name, facts.value(name)) for name in self._attributes]
            record["attributes"] = {name: as_json(value) for name, value in values if value is not None}
        return record

    def count(self, counts: Counts) -> None:
        """Adds what was written and lost since the last time."""
        for name, labels, now in (
            ("tailored_log_records", (), self.written),
            ("tailored_log_lost", ("queue",), self.lost["queue"]),
            ("tailored_log_lost", ("sink",), self.lost["sink"]),
        ):
            key = "/".join((name, *labels))
            counts.add(name, labels, now - self._counted.get(key, 0))
            self._counted[key] = now

    def close(self, seconds: float = 5.0) -> None:
        """Writes what waits, for at most so long, and ends the writer."""
        self._closing.set()
        self._writer.join(seconds)
        if self._waiting:
            log.error("The decision log ends with %d records unwritten", len(self._waiting))

    def _write_all(self) -> None:
        while True:
            batch: list[Waiting] = []
            while self._waiting and len(batch) < AT_ONCE:
                batch.append(self._waiting.popleft())
            if batch:
                self._write(batch)
            elif self._closing.wait(PAUSE) and not self._waiting:
                return

    def _write(self, batch: list[Waiting]) -> None:
        try:
            self._sink.write([self.record(one) for one in batch])
        except BaseException as error:
            # A full disk or a broken sink must not end the writer, not even one that calls sys.exit.
            self.lost["sink"] += len(batch)
            if monotonic() - self._told > 60 or not self._told:
                self._told = monotonic()
                log.error("The decision log loses records: %s", _reason(error))
        else:
            self.written += len(batch)
            if self._told:
                self._told = 0.0
                log.warning("The decision log is written again; %d records are lost", self.lost["sink"])


class FileSink:
    """Appends records to a file, a line each, and moves it aside (`.1`, `.2`, ...) when it is full.

    A record is there as a whole or not at all: one call writes whole lines, and what a crash or a full disk
    cuts is taken back. Only the last `keep` full files are kept.
    """

    def __init__(self, path: str | os.PathLike[str], size: int = 64_000_000, keep: int = 8) -> None:
        self.path, self._size, self._keep = Path(path), size, keep
        self._file = _open(self.path)

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Raises OSError where the records cannot be written; then none of them is in the file."""
        data = b"".join(dumps(record) + b"\n" for record in records)
        if not self._is_in_place():  # moved aside or removed by somebody else, such as logrotate
            self._open_anew()
        start = os.fstat(self._file).st_size
        if start and start + len(data) > self._size:
            self._rotate()
            start = 0
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            self._take_back(start)
            raise

    def _take_back(self, start: int) -> None:
        try:
            os.ftruncate(self._file, start)
        except OSError:
            return  # no plain file: a pipe, a device

    def _rotate(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            if (older := _numbered(self.path, number)).exists():
                older.replace(_numbered(self.path, number + 1))
        if self._keep:
            self.path.replace(_numbered(self.path, 1))
        else:
            self.path.unlink()
        self._open_anew()

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def _open_anew(self) -> None:
        file = _open(self.path)
        os.close(self._file)
        self._file = file


def _reason(error: BaseException) -> str:
    """What went wrong and where. A message of a foreign sink is not told: it may hold what records hold."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {at.filename}, line {at.lineno}"


_HEAD = b'{"'
"""What every record begins with."""


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _open(path: Path) -> int:
    """The file, open to append; an incomplete last record is taken off.

    Raises OSError where it cannot be opened, or holds something else, which is left as it is.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
    size = end = os.fstat(file).st_size
    head = os.pread(file, len(_HEAD), 0) if size else b""
    if not _HEAD.startswith(head):
        os.close(file)
        raise FileExistsError(errno.EEXIST, "it holds something else than decisions")
    while end:
        start = max(0, end - 65_536)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end != size:
        try:
            orjson.loads(os.pread(file, size - end, end))
            os.write(file, b"\n")  # all of it is here but the end of its line
        except orjson.JSONDecodeError:
            os.ftruncate(file, end)
    return file


def _placed(placement: Placement) -> dict[str, Any]:
    """What a record tells of a slot: ids, never texts, as those may hold what attributes hold."""
    told: dict[str, Any] = {"reason": placement.reason}
    if placement.items:
        told["items"] = [_item(item) for item in placement.items]
    elif placement.order:
        told |= {"rule": placement.rule, "order": list(placement.order)}
    else:
        told |= _item(placement)
    if placement.scorer is not None:
        told["scorer"] = placement.scorer.to_dict()
    return told


def _item(item: Item | Placement) -> dict[str, Any]:
    told: dict[str, Any] = {"content": item.content, "rule": item.rule}
    if item.catalog is not None:
        told["catalog"] = item.catalog
    if item.propensity is not None:
        told["propensity"] = item.propensity
    return told
