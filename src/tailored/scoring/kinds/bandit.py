"""What people take up most, learnt while it is shown: Thompson sampling over the candidates.

Each candidate has a beta distribution of its rate, from how often it was taken up and left (Thompson, 1933).
A request draws one of a fixed number of samples of all of them, so the probability of each order is known.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from tailored.book.model import Scorer as Declared
from tailored.scoring.protocol import Candidate, FactValues, NotReady, Surroundings

DRAWS = 100
"""Samples of which a request draws one: propensities are multiples of a hundredth."""


class Bandit:
    """Thompson sampling. `prior` is how often a new candidate counts as taken up, and as left."""

    quick = True

    def __init__(self, memory: Memory, prior: tuple[float, float]) -> None:
        self._memory, self._prior = memory, prior

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """The rate that is expected of each candidate."""
        known = self._memory.read()
        rates = [self._shape(known, candidate.id) for candidate in candidates]
        return [taken / (taken + left) for taken, left in rates]

    def draws(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[Sequence[float]]:
        """Samples of the rates, all equally likely; the same for the same state."""
        known = self._memory.read()
        columns = [_samples(candidate.id, *self._shape(known, candidate.id)) for candidate in candidates]
        return list(zip(*columns, strict=True))

    def learn(self, candidate: str, reward: float) -> None:
        """Takes in that a candidate was taken up (1), left (0), or something between."""
        self._memory.add(candidate, reward, 1 - reward)

    def close(self) -> None:
        """Closes the file of the state."""
        self._memory.close()

    def _shape(self, known: Mapping[str, tuple[float, float]], name: str) -> tuple[float, float]:
        taken, left = known.get(name, (0.0, 0.0))
        return self._prior[0] + taken, self._prior[1] + left


@lru_cache(maxsize=10_000)
def _samples(name: str, taken: float, left: float) -> tuple[float, ...]:
    source = random.Random(sha256(f"{name}\0{taken!r}\0{left!r}".encode()).digest())
    return tuple(source.betavariate(taken, left) for _ in range(DRAWS))


class Memory(Protocol):
    """Where a bandit keeps how often each candidate was taken up, and left."""

    def read(self) -> Mapping[str, tuple[float, float]]:
        """What is known now, other processes included."""
        ...

    def add(self, name: str, taken: float, left: float) -> None:
        """Adds what came of one placement."""
        ...

    def close(self) -> None:
        """Lets go of the file."""
        ...


class JsonMemory:
    """A file that is written anew each time. For one process; several need SQLite."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: int | None = None
        self._known: dict[str, tuple[float, float]] = {}
        self.read()

    def read(self) -> Mapping[str, tuple[float, float]]:
        try:
            written = os.stat(self._path).st_mtime_ns
        except FileNotFoundError:
            return self._known
        if written != self._seen:
            with self._lock:
                self._known, self._seen = self._load(), written
        return self._known

    def add(self, name: str, taken: float, left: float) -> None:
        with self._lock:
            known = self._load() if self._path.exists() else {}
            before = known.get(name, (0.0, 0.0))
            known[name] = before[0] + taken, before[1] + left
            self._write(known)
            self._known, self._seen = known, os.stat(self._path).st_mtime_ns

    def close(self) -> None:
        return None

    def _load(self) -> dict[str, tuple[float, float]]:
        data = json.loads(self._path.read_text(encoding="utf-8"))
        return {name: (float(taken), float(left)) for name, (taken, left) in data.items()}

    def _write(self, known: Mapping[str, tuple[float, float]]) -> None:
        """Writes a file beside, and puts it in the place of the old one, so that none is ever half."""
        handle, beside = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(dict(sorted(known.items())), file, indent=1)
            os.replace(beside, self._path)
        except BaseException:
            os.unlink(beside)
            raise


class SqliteMemory:
    """A table that several processes may share; each has a connection of its own, also after a fork."""

    _connection: sqlite3.Connection
    _seen: int | None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, float]] = {}
        self._open()

    def read(self) -> Mapping[str, tuple[float, float]]:
        with self._lock:
            version = self._mine().execute("pragma data_version").fetchone()[0]
            if version != self._seen:
                rows = self._connection.execute("select candidate, taken, passed from bandit").fetchall()
                self._known = {name: (taken, left) for name, taken, left in rows}
                self._seen = version
            return self._known

    def add(self, name: str, taken: float, left: float) -> None:
        with self._lock:
            self._mine().execute(
                "insert into bandit values (?, ?, ?) on conflict (candidate)"
                " do update set taken = taken + excluded.taken, passed = passed + excluded.passed",
                (name, taken, left),
            )
            self._seen = None  # what this connection wrote itself does not change the version that it sees

    def close(self) -> None:
        self._connection.close()

    def _mine(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            self._open()
        return self._connection

    def _open(self) -> None:
        self._pid = os.getpid()
        self._seen = None
        self._connection = sqlite3.connect(
            self._path, timeout=1, isolation_level=None, check_same_thread=False
        )
        self._connection.execute(
            "create table if not exists bandit (candidate text primary key, taken real, passed real)"
        )


def load(declared: Declared, surroundings: Surroundings) -> Bandit:
    """The bandit whose state is in the file that its book names; it is made where there is none."""
    path = surroundings.path(str(declared.settings["state"]))
    prior = declared.settings.get("prior") or (1.0, 1.0)
    assert isinstance(prior, tuple)
    taken, left = (float(one) for one in prior if isinstance(one, int | float))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        memory = JsonMemory(path) if path.suffix == ".json" else SqliteMemory(path)
    except (OSError, sqlite3.Error, ValueError, TypeError, AttributeError) as error:
        raise NotReady(f"its state in `{path.name}` cannot be used ({type(error).__name__})") from error
    return Bandit(memory, (taken, left))
