"""The scoring hook: asks a scorer in a way that cannot break, slow down or de-anonymise a page."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tailored.book.diagnostics import Diagnostic
from tailored.book.model import RuleBook
from tailored.book.model import Scorer as Declared
from tailored.book.scorers import joined_by, readable
from tailored.book.suggest import did_you_mean
from tailored.condition.tree import Value
from tailored.guard.permissions import Permissions
from tailored.scoring.catalogs import Catalogs
from tailored.scoring.protocol import Candidate, Failure, NoAnswer, NotReady, Scorer, Surroundings
from tailored.scoring.registry import RELOADED, loader
from tailored.scoring.scores import Draws, checked, scores_of
from tailored.scoring.workers import MOST_WAITING, Busy, Workers

Asked: TypeAlias = tuple[str, str]
"""A scorer, and in a word what came of asking it."""
SETTLED = frozenset(("answered", "no answer", "not ready", "withheld"))
"""The words for what comes of a steady scorer whenever it is asked the same."""

A_MOMENT = 0.01
"""Seconds after which a call that is too late is cancelled: pages that are due now do not wait for that."""

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

    def without_draws(self) -> Answer:
        """The same without what it was worked out from."""
        return Answer(self.name, self.used, None, self.reason, self.asked)

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
    """A scorer of the book, and the number of candidates of which it is asked without a thread."""

    declared: Declared
    scorer: Scorer
    quick: int


@dataclass(frozen=True, slots=True)
class _Call:
    """A scorer to be asked with what it may know."""

    declared: Declared
    scorer: Scorer
    facts: dict[str, Value]
    candidates: Sequence[Candidate]
    workers: Workers | None
    """The threads that wait for it; None where it is quick."""
    until: float
    """The moment up to which it is waited for, on the monotonic clock."""


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
    _late: Counter[str] = field(default_factory=Counter)
    """By scorer, the tasks that nobody waits for any more."""
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        book, catalogs = self.book, self.catalogs
        _check_given(book, self.given)
        self.refreshed = 0
        """How often scorers were made again."""
        self._surroundings = Surroundings(book, self.given, catalogs.lookup, catalogs.candidates, self.scorer)
        self._workers = {name: Workers(name) for name in book.scorers}
        """The threads of each, which outlast a refresh."""
        self.features = {name: readable(name, book.scorers) for name in book.scorers}

    def make_all(self) -> None:
        """Makes every scorer now, so that no page waits for that."""
        for name in self.book.scorers:
            made = self._made(name)
            warm = getattr(made.scorer, "warm", None) if isinstance(made, _Ready) else None
            if warm is not None:
                warm()

    def scorer(self, name: str) -> Scorer:
        """A scorer of the book. Raises NotReady where it cannot be made."""
        made = self._made(name)
        if isinstance(made, _Failed):
            raise NotReady(made.reason)
        return made.scorer

    def waits(self, name: str, candidates: int) -> bool:
        """Whether asking a scorer, or one that it falls back to, of so many candidates may take long."""
        current: str | None = name
        while current is not None:
            made = self._made(current)
            if isinstance(made, _Ready) and made.quick < candidates:
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
            explain = getattr(self._permitted(made, permissions), "explain", None)
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
        """Tells a scorer what came of placing a candidate.

        Raises ValueError where it does not learn, OSError where it cannot keep what it learnt.
        """
        if isinstance(reward, bool) or not isinstance(reward, int | float) or not 0 <= reward <= 1:
            raise ValueError(f"A reward is a number between 0 and 1, and {reward!r} is none.")
        if not isinstance(candidate, str) or not candidate:
            raise ValueError(f"A candidate is named by its id, and {candidate!r} is none.")
        made = self._made(name)
        learn = getattr(made.scorer, "learn", None) if isinstance(made, _Ready) else None
        if learn is None:
            why = made.reason if isinstance(made, _Failed) else f"`{name}` takes no feedback."
            raise ValueError(why)
        learn(candidate, float(reward))

    def refresh(self) -> list[Diagnostic]:
        """Makes those scorers again that hold data read from files; the others keep what they hold.

        One that cannot be made again goes on as it was; the findings say why.
        """
        found = []
        with self._making:
            for name in _parts_first(self.book.scorers):
                declared = self.book.scorers[name]
                if declared.kind not in RELOADED:
                    continue
                made = self._make(declared)
                if isinstance(made, _Failed) and isinstance(self._ready.get(name), _Ready):
                    mend = "It goes on with what it had."
                    found.append(Diagnostic("wrong-model", "error", made.reason, mend, declared.span))
                else:
                    self._ready[name] = made
            self.refreshed += 1
        return found

    def close(self) -> None:
        """Lets go of threads, connections and files."""
        for workers in self._workers.values():
            workers.close()
        for made in list(self._ready.values()):
            if isinstance(made, _Ready):
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
            quick = getattr(scorer, "quick", False)
            return _Ready(declared, scorer, sys.maxsize if quick is True else int(quick))
        except NotReady as error:
            return self._cannot(declared, str(error))
        except ImportError as error:
            return self._cannot(declared, f"the library `{error.name}` is not installed")
        except Exception as error:  # a damaged model must not keep the rest of the book from loading
            return self._cannot(declared, f"making it raised {type(error).__name__}")

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
            start = time.monotonic()
            seconds = min(declared.timeout, most) - patience.waited
            if held := next(permissions.held_back(declared.topics, declared.purpose), None):
                outcome = _Failed("withheld", f"`{current}` is for those who {_WHO[held[0]]} {held[1]}.")
            elif isinstance(made, _Failed):
                outcome = made
            elif seconds <= 0 and len(candidates) > made.quick:
                outcome = _Failed("timeout", f"`{current}` was not asked: no time was left.")
            else:
                scorer = self._permitted(made, permissions)
                facts = self._facts(declared, values)
                workers = self._workers[current] if len(candidates) > made.quick else None
                outcome = yield _Call(declared, scorer, facts, candidates, workers, start + seconds)
                if workers is not None:
                    patience.waited += time.monotonic() - start
            word = outcome.word if isinstance(outcome, _Failed) else "answered"
            asked.append((current, word))
            self.count(asked[-1:])
            if not isinstance(outcome, _Failed):
                first = first or getattr(made.scorer, "amiss", None)  # type: ignore[union-attr]
                return Answer(name, current, outcome, first, tuple(asked))
            first = first or outcome.reason
            current = declared.fallback
        return Answer(name, None, None, first, tuple(asked))

    def _facts(self, declared: Declared, values: Mapping[str, Value]) -> dict[str, Value]:
        """The features that the request has, as a mapping of the scorer's own."""
        return {key: values[key] for key in self.features[declared.id] if key in values}

    def _permitted(self, made: _Ready, permissions: Permissions) -> Scorer:
        """A scorer; one that joins others, without those that labels keep back."""
        if made.declared.kind != "blend":
            return made.scorer
        scorers = self.book.scorers.values()
        kept_back = (one.id for one in scorers if any(permissions.held_back(one.topics, one.purpose)))
        permitted: Scorer = made.scorer.among({*self.book.scorers}.difference(kept_back))  # type: ignore[attr-defined]
        return permitted

    def _asked(self, call: _Call) -> _Outcome:
        if call.workers is None:
            return _outcome(call, lambda: scores_of(call.scorer, call.facts, call.candidates))
        try:
            job = call.workers.submit(lambda: scores_of(call.scorer, call.facts, call.candidates))
        except Busy:
            return _busy(call)
        return _outcome(call, job.result) if job.wait(call.until - time.monotonic()) else _late(call)

    async def _awaited(self, call: _Call) -> _Outcome:
        score = getattr(call.scorer, "score_async", None)
        if score is None and inspect.iscoroutinefunction(call.scorer.score):
            score = call.scorer.score
        if score is not None:
            return await self._task(call, score)
        if call.workers is None:
            return self._asked(call)
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        try:
            job = call.workers.submit(lambda: scores_of(call.scorer, call.facts, call.candidates))
        except Busy:
            return _busy(call)
        job.then(lambda: _wake(loop, done))
        try:
            async with asyncio.timeout(call.until - time.monotonic()):
                await done.wait()
        except TimeoutError:
            return _late(call)
        finally:
            job.give_up()
        return _outcome(call, job.result)

    async def _task(self, call: _Call, score: Callable[..., Any]) -> _Outcome:
        """Waits for a scorer in a task of its own: one that will not be cancelled holds up no page."""
        name = call.declared.id
        with self._counting:
            if self._late[name] >= MOST_WAITING:
                return _busy(call)
        loop = asyncio.get_running_loop()
        seconds = max(0.0, call.until - time.monotonic())
        task = loop.create_task(_guarded(call, score, seconds + A_MOMENT))
        is_over = loop.create_future()
        task.add_done_callback(lambda done: _release(is_over))
        timer = loop.call_later(seconds, _release, is_over)
        try:
            await is_over
        except BaseException:
            task.cancel()
            raise
        finally:
            timer.cancel()
            if not task.done():
                self._count_late(name, 1)
                task.add_done_callback(lambda done: self._count_late(name, -1))
        return task.result() if task.done() else _late(call)

    def _count_late(self, name: str, number: int) -> None:
        """Counts the tasks that nobody waits for any more."""
        with self._counting:
            self._late[name] += number


def _release(is_over: asyncio.Future[None]) -> None:
    if not is_over.done():
        is_over.set_result(None)


def _check_given(book: RuleBook, given: Mapping[str, object]) -> None:
    """Warns of objects that no scorer of the book is. Raises TypeError where they have no names."""
    if not isinstance(given, Mapping):
        raise TypeError("`scorers` must be a mapping from ids of scorers to objects: {'hero-model': model}.")
    own = [name for name, declared in book.scorers.items() if declared.kind == "python"]
    for name in given:
        if name not in own:
            kind = f"`{name}` is of the kind {book.scorers[name].kind}" if name in book.scorers else ""
            said = kind or f"the book has no scorer `{name}` of the kind python"
            mend = "" if kind else did_you_mean(str(name), own)
            warnings.warn(f"scorers: {said}, so this object is never asked. {mend}".rstrip(), stacklevel=2)


async def _guarded(call: _Call, score: Callable[..., Any], most: float) -> _Outcome:
    """What comes of a scorer; it may raise anything, `SystemExit` and `CancelledError` included.

    It is cancelled after so many seconds.
    """
    try:
        async with asyncio.timeout(most):
            value = await score(call.facts, call.candidates)
        return checked((value,), len(call.candidates))
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        return _failure(call, error)


def _wake(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(done.set)


def _parts_first(scorers: Mapping[str, Declared]) -> list[str]:
    """All scorers, those that one joins before it."""
    order: dict[str, None] = {}

    def add(name: str) -> None:
        for part in joined_by(scorers[name]):
            add(part)
        order[name] = None

    for name in scorers:
        add(name)
    return list(order)


def _outcome(call: _Call, get: Callable[[], Draws]) -> _Outcome:
    """The scores of a call; whatever is wrong with them, or was raised, is a failure."""
    try:
        return get()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and call.workers is None:
            raise
        return _failure(call, error)


def _failure(call: _Call, error: BaseException) -> _Failed:
    name = call.declared.id
    log.debug("scorer %s failed", name, exc_info=error)
    if isinstance(error, NoAnswer):
        return _Failed("no answer", f"`{name}` has no answer: {error}.")
    if isinstance(error, Failure):
        return _Failed(error.word, f"`{name}` {error}.")
    return _Failed("error", f"`{name}` raised {type(error).__name__}.")


def _late(call: _Call) -> _Failed:
    declared = call.declared
    return _Failed("timeout", f"`{declared.id}` did not answer within {declared.timeout * 1000:g} ms.")


def _busy(call: _Call) -> _Failed:
    return _Failed("busy", f"`{call.declared.id}` has too many requests to answer already.")


_WHO = {"topic": "consent to", "purpose": "have not opted out of"}
