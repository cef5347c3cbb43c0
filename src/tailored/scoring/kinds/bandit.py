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
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from tailored.book.model import Scorer as Declared
from tailored.scoring.protocol import Candidate, FactValues, NotReady, Surroundings

DRAWS = 100
"""Samples of which a request draws one: propensities are multiples of a hundredth."""
MOST_COUNTED = 1e12
LONGEST_WRITE = 5.0
"""Seconds for which feedback waits for another process that writes."""

Known: TypeAlias = Mapping[str, tuple[float, float]]
"""How often each candidate was taken up, and left."""


class Bandit:
    """Thompson sampling. `prior` is how often a new candidate counts as taken up, and as left."""

    quick = 50

    def __init__(self, memory: Memory, prior: tuple[float, float]) -> None:
        self._memory, self._prior = memory, prior
        self._drawn: tuple[Known, Sequence[Candidate], list[tuple[float, ...]]] | None = None
        """The samples that were drawn last, with what they are of: what follows from them is kept, too."""

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """The rate that is expected of each candidate."""
        known = self._memory.read()
        rates = [self._shape(known, candidate.id) for candidate in candidates]
        return [taken / (taken + left) for taken, left in rates]

    def draws(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[Sequence[float]]:
        """Samples of the rates, all equally likely; the same for the same state."""
        known, drawn = self._memory.read(), self._drawn
        if drawn is None or drawn[0] is not known or drawn[1] != candidates:
            columns = [_samples(candidate.id, *self._shape(known, candidate.id)) for candidate in candidates]
            drawn = self._drawn = known, candidates, list(zip(*columns, strict=True))
        return drawn[2]

    def learn(self, candidate: str, reward: float) -> None:
        """Takes in that a candidate was taken up (1), left (0), or something between. Raises OSError."""
        try:
            self._memory.add(candidate, reward, 1 - reward)
        except (sqlite3.Error, ValueError) as error:
            raise OSError(f"The state `{self._memory.path.name}` of the bandit {_why(error)}.") from error

    def close(self) -> None:
        """Closes the file of the state."""
        self._memory.close()

    def _shape(self, known: Known, name: str) -> tuple[float, float]:
        taken, left = known.get(name, (0.0, 0.0))
        return self._prior[0] + taken, self._prior[1] + left


@lru_cache(maxsize=10_000)
def _samples(name: str, taken: float, left: float) -> tuple[float, ...]:
    source = random.Random(sha256(f"{name}\0{taken!r}\0{left!r}".encode()).digest())
    return tuple(source.betavariate(taken, left) for _ in range(DRAWS))


class Memory(Protocol):
    """Where a bandit keeps how often each candidate was taken up, and left."""

    path: Path

    def read(self) -> Known:
        """What is known now, other processes included."""
        ...

    def add(self, name: str, taken: float, left: float) -> None:
        """Adds what came of one placement. Raises OSError, ValueError and sqlite3.Error."""
        ...

    def close(self) -> None:
        """Lets go of the file."""
        ...


class JsonMemory:
    """A file that is written anew each time. For one process; several need SQLite."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: int | None = None
        self._known: Known = {}
        self.read()

    def read(self) -> Known:
        try:
            written = os.stat(self.path).st_mtime_ns
        except FileNotFoundError:
            return self._known
        if written != self._seen:
            with self._lock:
                self._known, self._seen = self._load(), written
        return self._known

    def add(self, name: str, taken: float, left: float) -> None:
        with self._lock:
            known = self._load() if self.path.exists() else {}
            before = known.get(name, (0.0, 0.0))
            known[name] = before[0] + taken, before[1] + left
            self._write(known)
            self._known, self._seen = known, os.stat(self.path).st_mtime_ns

    def close(self) -> None:
        return None

    def _load(self) -> dict[str, tuple[float, float]]:
        data = json.loads(self.path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError(_NO_COUNTS)
        return checked(data.items())

    def _write(self, known: Known) -> None:
        """Writes a file beside, and puts it in the place of the old one, so that none is ever half."""
        handle, beside = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(dict(sorted(known.items())), file, indent=1)
            os.replace(beside, self.path)
        except BaseException:
            os.unlink(beside)
            raise


class SqliteMemory:
    """A table that several processes may share; each has connections of its own, also after a fork.

    A page never waits for one that writes: it reads without patience, and else goes by what was known last.
    """

    _reading: sqlite3.Connection
    _writing: sqlite3.Connection
    _seen: int | None
    """The version of the table that is known."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known: Known = {}
        self._open()

    def read(self) -> Known:
        self._after_fork()
        try:
            version = self._reading.execute("pragma data_version").fetchone()[0]
            if version != self._seen:
                rows = self._reading.execute("select candidate, taken, passed from bandit").fetchall()
                self._known = checked((name, shape) for name, *shape in rows)
                self._seen = version
        except sqlite3.OperationalError as error:
            if self._seen is None or not error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise
        return self._known

    def add(self, name: str, taken: float, left: float) -> None:
        self._after_fork()
        with self._lock:
            self._writing.execute(
                "insert into bandit values (?, ?, ?) on conflict (candidate)"
                " do update set taken = taken + excluded.taken, passed = passed + excluded.passed",
                (name, taken, left),
            )

    def close(self) -> None:
        self._reading.close()
        self._writing.close()

    def _after_fork(self) -> None:
        if self._pid != os.getpid():
            self._lock = threading.Lock()
            self._open()

    def _open(self) -> None:
        self._pid = os.getpid()
        self._seen = None
        self._writing, self._reading = (
            sqlite3.connect(self.path, timeout=patience, isolation_level=None, check_same_thread=False)
            for patience in (LONGEST_WRITE, 0)
        )
        self._writing.execute("pragma journal_mode = wal")  # whoever reads waits for nobody who writes
        self._writing.execute("pragma synchronous = normal")
        self._writing.execute(
            "create table if not exists bandit (candidate text primary key, taken real, passed real)"
        )
        check_columns(self._reading)
        self.read()


def check_columns(connection: sqlite3.Connection) -> None:
    """Raises ValueError where a database has a table of the bandit's name, and of another shape."""
    found = {name: key for _, name, _, _, _, key in connection.execute("pragma table_info(bandit)")}
    if found and list(found.items()) != [("candidate", 1), ("taken", 0), ("passed", 0)]:
        said = "and not candidate (the primary key), taken and passed"
        raise ValueError(f"has a table `bandit` with the columns {', '.join(found)}, {said}")


def checked(rows: Iterable[tuple[str, Any]]) -> dict[str, tuple[float, float]]:
    """What a state holds. Raises ValueError where a count is none: of some, no sample is ever found."""
    known = {}
    for name, counts in rows:
        if not isinstance(counts, list) or [type(one) in (int, float) for one in counts] != [True, True]:
            raise ValueError(_NO_COUNTS)
        taken, left = counts
        if not (0 <= taken <= MOST_COUNTED and 0 <= left <= MOST_COUNTED):
            raise ValueError(f"holds a count that does not lie between 0 and {MOST_COUNTED:g}")
        known[name] = float(taken), float(left)
    return known


_NO_COUNTS = 'does not hold two counts for each candidate, such as `{"socks": [3, 1]}`'


def load(declared: Declared, surroundings: Surroundings) -> Bandit:
    """The bandit whose state is in the file that its book names; it is made where there is none."""
    path = surroundings.folder() / str(declared.settings["state"])
    prior = declared.settings.get("prior") or (1.0, 1.0)
    assert isinstance(prior, tuple)
    taken, left = (float(one) for one in prior if isinstance(one, int | float))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        memory = JsonMemory(path) if path.suffix == ".json" else SqliteMemory(path)
    except WRONG as error:
        raise NotReady(f"its state in `{declared.settings['state']}` {_why(error)}") from error
    return Bandit(memory, (taken, left))


def opened(declared: Declared, folder: Path) -> None:
    """Looks at a state, and writes nothing. Raises NotReady where it cannot be used."""
    path = folder / str(declared.settings["state"])
    try:
        if path.suffix == ".json":
            JsonMemory(path)
        elif path.exists():
            _look(path)
    except WRONG as error:
        raise NotReady(f"its state in `{declared.settings['state']}` {_why(error)}") from error


def _look(path: Path) -> None:
    path.open("rb").close()  # which says better than SQLite why it cannot
    # Without a log beside it nobody has it open; opened as one that may change, it would be given one.
    rest = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{rest}", uri=True)) as connection:
        check_columns(connection)
        if connection.execute("select 1 from sqlite_master where name = 'bandit'").fetchone():
            rows = connection.execute("select candidate, taken, passed from bandit")
            checked((name, shape) for name, *shape in rows)


WRONG = (OSError, sqlite3.Error, ValueError, RecursionError)
"""What a state that cannot be used raises."""


def _why(error: Exception) -> str:
    """What is wrong with a state, as the rest of a sentence about it."""
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return "is no JSON"
    if isinstance(error, OSError):
        return f"cannot be used ({error.strerror})"
    if isinstance(error, sqlite3.Error):
        return f"cannot be used ({error})"
    return str(error)
