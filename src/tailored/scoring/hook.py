"""The scoring hook: asks a scorer in a way that cannot break, slow down or de-anonymise a page."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, TypeAlias

from tailored.book.model import RuleBook
from tailored.book.model import Scorer as Declared
from tailored.book.scorers import joined_by
from tailored.condition.tree import Value
from tailored.guard.permissions import Permissions
from tailored.scoring.catalogs import Catalogs
from tailored.scoring.protocol import Candidate, NoAnswer, NotReady, Scorer, Surroundings
from tailored.scoring.registry import RELOADED, loader
from tailored.scoring.workers import Busy, Workers

Draws: TypeAlias = tuple[tuple[float, ...], ...]
"""Equally likely lists of scores, mostly one; in each a number for every candidate."""

Asked: TypeAlias = tuple[str, str]
"""A scorer, and in a word what came of asking it."""
SETTLED = frozenset(("answered", "no answer", "not ready", "withheld"))
"""The words for what comes of a steady scorer whenever it is asked the same."""

BREATH = 0.0005
"""Seconds for which a page lets others go on when it finds no thread. Else one that makes page after page
would hold the interpreter for 5 ms at a time, and all others would wait."""

log = logging.getLogger("tailored.scoring")
log.addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking a scorer. `used` is the one whose order counts, None for the rule's own order.

    `reason` says why the one that was asked did not answer, or what was amiss when it did. `asked` are all
    that were asked on the way.
    """

    name: str
    used: str | None
    draws: Draws | None
    reason: str | None = None
    asked: tuple[Asked, ...] = field(default=(), compare=False)

    @property
    def fallback(self) -> bool:
        """Whether another order counts than that of the scorer that was asked."""
        return self.used != self.name

    @property
    def is_settled(self) -> bool:
        """Whether steady scorers would have answered the same when asked again."""
        return SETTLED.issuperset(word for _, word in self.asked)

    def to_dict(self) -> dict[str, Any]:
        """What a placement tells of it, as JSON data."""
        return {"name": self.name, "used": self.used, "fallback": self.fallback, "reason": self.reason}


@dataclass(slots=True)
class Patience:
    """How long the scorers of one decision have been waited for already, in seconds."""

    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class _Failed:
    """Why a call gave no scores: a word to count by, and a sentence about the scorer."""

    word: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Ready:
    """A scorer of the book, and the threads that wait for it; None for one that is quick."""

    declared: Declared
    scorer: Scorer
    workers: Workers | None


@dataclass(frozen=True, slots=True)
class _Call:
    """A scorer to be asked with what it may know."""

    ready: _Ready
    scorer: Scorer
    facts: dict[str, Value]
    candidates: Sequence[Candidate]
    seconds: float


_Outcome: TypeAlias = Draws | _Failed


@dataclass
class Scorers:
    """The scorers of a book, ready to be asked. Threads share them.

    `given` are the objects of the application, for the kind `python`. One that cannot be made falls back.
    """

    book: RuleBook
    given: Mapping[str, object]
    catalogs: Catalogs
    _ready: dict[str, _Ready | _Failed] = field(default_factory=dict)
    _making: threading.RLock = field(default_factory=threading.RLock)
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        catalogs = self.catalogs
        self.refreshed = 0
        """How often scorers were made again."""
        self._surroundings = Surroundings(
            self.book, self.given, catalogs.lookup, catalogs.candidates, self.scorer
        )
        self.features = {name: _readable(declared, self.book) for name, declared in self.book.scorers.items()}

    def make_all(self) -> None:
        """Makes every scorer now, so that no page waits for that."""
        for name in self.book.scorers:
            self._made(name)

    def scorer(self, name: str) -> Scorer:
        """A scorer of the book. Raises NotReady where it cannot be made."""
        made = self._made(name)
        if isinstance(made, _Failed):
            raise NotReady(made.reason)
        return made.scorer

    def waits(self, name: str) -> bool:
        """Whether asking a scorer, or one that it falls back to, may take long."""
        current: str | None = name
        while current is not None:
            made = self._made(current)
            if isinstance(made, _Ready) and made.workers is not None:
                return True
            current = self.book.scorers[current].fallback
        return False

    def is_steady(self, name: str) -> bool:
        """Whether a scorer, until it is made again, answers the same to the same; so does one not ready."""
        made = self._made(name)
        return isinstance(made, _Failed) or getattr(made.scorer, "steady", False) is True

    def count(self, asked: Sequence[Asked]) -> None:
        """Counts what came of asking scorers."""
        with self._counting:
            for one in asked:
                self._counts[one] += 1

    def ask(
        self,
        name: str,
        values: Mapping[str, Value],
        permissions: Permissions,
        candidates: Sequence[Candidate],
        patience: Patience,
    ) -> Answer:
        """The scores of candidates, by a scorer or by what it falls back to.

        `values` are the facts of the request as the door lets them through; each scorer sees those that it
        declares. Waits no longer than the scorer's timeout, less what `patience` was spent already.
        """
        chain = self._chain(name, values, permissions, candidates, patience)
        try:
            call = next(chain)
            while True:
                call = chain.send(self._asked(call))
        except StopIteration as done:
            answer: Answer = done.value
            return answer

    async def ask_async(
        self,
        name: str,
        values: Mapping[str, Value],
        permissions: Permissions,
        candidates: Sequence[Candidate],
        patience: Patience,
    ) -> Answer:
        """The same, without holding a thread while scorers that wait on others are waited for."""
        chain = self._chain(name, values, permissions, candidates, patience)
        try:
            call = next(chain)
            while True:
                call = chain.send(await self._awaited(call))
        except StopIteration as done:
            answer: Answer = done.value
            return answer

    def explain(
        self, name: str, values: Mapping[str, Value], permissions: Permissions, candidate: Candidate
    ) -> str | None:
        """Why a scorer favours a candidate, in a few words; None where it does not say."""
        made = self._made(name)
        declared = self.book.scorers[name]
        if isinstance(made, _Failed) or any(permissions.held_back(declared.topics, declared.purpose)):
            return None
        try:
            explain = getattr(self._permitted(made.scorer, permissions), "explain", None)
            said = explain(self._facts(declared, values), candidate) if explain is not None else None
        except Exception:  # an explanation is never worth a page
            return None
        return said if isinstance(said, str) and said else None

    def counts(self) -> dict[str, dict[str, int]]:
        """By scorer, how often it `answered`, and how often it did not, by what kept it from that."""
        with self._counting:
            found = sorted(self._counts.items())
        counts: dict[str, dict[str, int]] = {name: {} for name in self.book.scorers}
        for (name, word), number in found:
            counts[name][word] = number
        return counts

    def learn(self, name: str, candidate: str, reward: float) -> None:
        """Tells a scorer what came of placing a candidate. Raises ValueError where it does not learn."""
        if isinstance(reward, bool) or not isinstance(reward, int | float) or not 0 <= reward <= 1:
            raise ValueError(f"A reward lies between 0 and 1, and {reward!r} does not.")
        made = self._made(name)
        learn = getattr(made.scorer, "learn", None) if isinstance(made, _Ready) else None
        if learn is None:
            why = made.reason if isinstance(made, _Failed) else f"`{name}` takes no feedback."
            raise ValueError(why)
        learn(candidate, float(reward))

    def refresh(self) -> None:
        """Makes those scorers again that hold data read from files; the others keep what they hold."""
        with self._making:
            for name, declared in self.book.scorers.items():
                if declared.kind in RELOADED:
                    self._ready[name] = self._make(declared)
            self.refreshed += 1

    def close(self) -> None:
        """Lets go of threads, connections and files."""
        for made in list(self._ready.values()):
            if isinstance(made, _Ready):
                if made.workers is not None:
                    made.workers.close()
                close = getattr(made.scorer, "close", None)
                if close is not None:
                    close()

    def _made(self, name: str) -> _Ready | _Failed:
        made = self._ready.get(name)
        if made is None:
            with self._making:
                made = self._ready.get(name)
                if made is None:
                    made = self._ready[name] = self._make(self.book.scorers[name])
        return made

    def _make(self, declared: Declared) -> _Ready | _Failed:
        try:
            scorer = loader(declared.kind)(declared, self._surroundings)
        except NotReady as error:
            return self._cannot(declared, str(error))
        except ImportError as error:
            return self._cannot(declared, f"the library `{error.name}` is not installed")
        except Exception as error:  # a damaged model must not keep the rest of the book from loading
            return self._cannot(declared, f"making it raised {type(error).__name__}")
        quick = getattr(scorer, "quick", False) is True
        return _Ready(declared, scorer, None if quick else Workers(declared.id))

    def _cannot(self, declared: Declared, why: str) -> _Failed:
        log.warning("scorer %s is not ready: %s", declared.id, why)
        return _Failed("not ready", f"`{declared.id}` is not ready: {why}.")

    def _chain(
        self,
        name: str,
        values: Mapping[str, Value],
        permissions: Permissions,
        candidates: Sequence[Candidate],
        patience: Patience,
    ) -> Generator[_Call, _Outcome, Answer]:
        """Walks from a scorer to its fallbacks; yields whom to ask, and is sent what came of it."""
        first: str | None = None
        current: str | None = name
        asked: list[Asked] = []
        most = self.book.scorers[name].timeout
        while current is not None:
            declared = self.book.scorers[current]
            outcome: _Outcome
            made = self._made(current)
            if held := next(permissions.held_back(declared.topics, declared.purpose), None):
                outcome = _Failed("withheld", f"`{current}` is for those who {_WHO[held[0]]} {held[1]}.")
            elif isinstance(made, _Failed):
                outcome = made
            else:
                seconds = min(declared.timeout, most) - patience.waited
                start = time.monotonic()
                scorer = self._permitted(made.scorer, permissions)
                outcome = yield _Call(made, scorer, self._facts(declared, values), candidates, seconds)
                if made.workers is not None:
                    patience.waited += time.monotonic() - start
            word = outcome.word if isinstance(outcome, _Failed) else "answered"
            asked.append((current, word))
            self.count(asked[-1:])
            if not isinstance(outcome, _Failed):
                return Answer(name, current, outcome, first, tuple(asked))
            first = first or outcome.reason
            current = declared.fallback
        return Answer(name, None, None, first, tuple(asked))

    def _facts(self, declared: Declared, values: Mapping[str, Value]) -> dict[str, Value]:
        """The features that the request has, as a mapping of the scorer's own."""
        return {key: values[key] for key in self.features[declared.id] if key in values}

    def _permitted(self, scorer: Scorer, permissions: Permissions) -> Scorer:
        """A scorer that joins others, without those that labels keep back."""
        among = getattr(scorer, "among", None)
        if among is None:
            return scorer
        permitted: Scorer = among(
            {
                name
                for name, one in self.book.scorers.items()
                if not any(permissions.held_back(one.topics, one.purpose))
            }
        )
        return permitted

    def _asked(self, call: _Call) -> _Outcome:
        workers, scorer = call.ready.workers, call.scorer
        if workers is None:
            return _outcome(call, lambda: _scored(scorer, call.facts, call.candidates))
        if call.seconds <= 0:
            return _Failed("timeout", f"`{call.ready.declared.id}` was not asked: no time was left.")
        try:
            job = workers.submit(lambda: _scored(scorer, call.facts, call.candidates))
        except Busy:
            time.sleep(BREATH)
            return _busy(call)
        if not job.wait(call.seconds):
            return _late(call)
        return _outcome(call, lambda: _result(job.value, job.error))

    async def _awaited(self, call: _Call) -> _Outcome:
        workers, scorer = call.ready.workers, call.scorer
        score = getattr(scorer, "score_async", None)
        if score is None and inspect.iscoroutinefunction(scorer.score):
            score = scorer.score
        if workers is None or call.seconds <= 0:
            return self._asked(call)
        try:
            if score is not None:
                value = await asyncio.wait_for(score(call.facts, call.candidates), call.seconds)
                return _outcome(call, lambda: (value,))
            loop = asyncio.get_running_loop()
            done = asyncio.Event()
            job = workers.submit(lambda: _scored(scorer, call.facts, call.candidates))
            job.then(lambda: _wake(loop, done))
            try:
                await asyncio.wait_for(done.wait(), call.seconds)
            finally:
                job.abandon()
            return _outcome(call, lambda: _result(job.value, job.error))
        except TimeoutError:
            return _late(call)
        except Busy:
            return _busy(call)
        except Exception as error:
            raised = error
            return _outcome(call, lambda: _result(None, raised))


def _wake(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(done.set)


def _readable(declared: Declared, book: RuleBook) -> frozenset[str]:
    """What a scorer may read: its features, and those of the scorers that it joins."""
    joined = [book.scorers[name] for name in joined_by(declared) if name in book.scorers]
    return frozenset(one.key for one in declared.features).union(*(_readable(one, book) for one in joined))


def _scored(scorer: Scorer, facts: dict[str, Value], candidates: Sequence[Candidate]) -> Sequence[Any]:
    """Equally likely lists of scores, as the scorer gives them."""
    draws = getattr(scorer, "draws", None)
    if draws is not None:
        found: Sequence[Any] = draws(facts, candidates)
        return found
    scores: Any = scorer.score(facts, candidates)
    return (asyncio.run(scores) if inspect.iscoroutine(scores) else scores,)


def _result(value: Any, error: BaseException | None) -> Any:
    if error is not None:
        raise error
    return value


def _outcome(call: _Call, get: Any) -> _Outcome:
    """The scores of a call, checked; whatever is wrong with them, or was raised, is a failure."""
    name = call.ready.declared.id
    try:
        draws = tuple(map(_numbers, get()))
    except NoAnswer as error:
        return _Failed("no answer", f"`{name}` has no answer: {error}.")
    except _NoNumber:
        return _Failed("wrong", f"`{name}` gave a score that is no finite number.")
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and call.ready.workers is None:
            raise
        word = getattr(error, "word", "error")
        said = str(error) if word != "error" else f"`{name}` raised {type(error).__name__}."
        log.debug("scorer %s failed", name, exc_info=error)
        return _Failed(word, said)
    if not draws or any(len(scores) != len(call.candidates) for scores in draws):
        gave = len(draws[0]) if draws else 0
        return _Failed("wrong", f"`{name}` gave {gave} scores for {len(call.candidates)} candidates.")
    return draws


class _NoNumber(Exception):
    """A score is no finite number."""


def _numbers(scores: Any) -> tuple[float, ...]:
    """Scores, checked; at once where they are plain numbers, as mostly."""
    found = tuple(scores)
    if {*map(type, found)} <= {float} and all(map(isfinite, found)):
        return found
    return tuple(map(_number, found))


def _number(score: Any) -> float:
    if isinstance(score, str | bytes | bool) or score is None:
        raise _NoNumber
    try:
        number = float(score)
    except (TypeError, ValueError, OverflowError):
        raise _NoNumber from None
    if not isfinite(number):
        raise _NoNumber
    return number


def _late(call: _Call) -> _Failed:
    declared = call.ready.declared
    return _Failed("timeout", f"`{declared.id}` did not answer within {declared.timeout * 1000:g} ms.")


def _busy(call: _Call) -> _Failed:
    return _Failed("busy", f"`{call.ready.declared.id}` has too many requests to answer already.")


_WHO = {"topic": "consent to", "purpose": "have not opted out of"}
