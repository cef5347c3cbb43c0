"""A service that scores, asked by POST; it is left alone for a while when it fails too often in a row."""

from __future__ import annotations

import os
import threading
import weakref
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import httpx
from purgatory import SyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from tailored.book.model import Scorer as Declared
from tailored.condition.tree import Value
from tailored.condition.types import Version, as_text
from tailored.scoring.protocol import Candidate, FactValues, NotReady, Surroundings

FAILURES = 5
"""Failures in a row after which a service is left alone."""
REST = 30.0
"""Seconds for which it is left alone."""
MOST_CONNECTIONS = 100
LARGEST_ANSWER = 10_000_000
"""Bytes."""


class IsOpen(Exception):
    """The service is left alone for a while. The text is a sentence for the placement."""

    word = "open"


class HttpScorer:
    """Asks a service. It is sent `{"facts": {...}, "candidates": [{"id": ..., "attributes": {...}}, ...]}`.

    It answers `{"scores": [...]}`; any other status than 200, or other form, counts as a failure.
    """

    def __init__(self, declared: Declared, url: str, token: str | None, failures: int, rest: float) -> None:
        self._name, self._url = declared.id, url
        self._options: dict[str, Any] = {
            "headers": {"authorization": f"Bearer {token}"} if token else {},
            "timeout": declared.timeout,
            "limits": httpx.Limits(
                max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS
            ),
        }
        self._client = httpx.Client(**self._options)
        self._clients: weakref.WeakKeyDictionary[AbstractEventLoop, httpx.AsyncClient] = (
            weakref.WeakKeyDictionary()
        )
        self._breaker = SyncCircuitBreakerFactory().get_breaker(declared.id, failures, rest)
        self._lock = threading.Lock()

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """What the service says. Raises IsOpen, or what httpx raises."""
        with self._guarded():
            return _read(self._client.post(self._url, json=_body(facts, candidates)))

    async def score_async(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """The same, awaited."""
        loop = get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = httpx.AsyncClient(**self._options)
        with self._guarded():
            return _read(await client.post(self._url, json=_body(facts, candidates)))

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Lets nothing through while the breaker is open, and tells it what came of the rest."""
        with self._lock:
            try:
                self._breaker.__enter__()
            except OpenedState:
                raise IsOpen(f"`{self._name}` failed too often, and is left alone for a while.") from None
        try:
            yield
        except BaseException as error:  # also when the call was cancelled because time was up
            with self._lock:
                self._breaker.__exit__(type(error), error, error.__traceback__)
            raise
        with self._lock:
            self._breaker.__exit__(None, None, None)


def _body(facts: FactValues, candidates: Sequence[Candidate]) -> dict[str, Any]:
    return {
        "facts": {name: as_data(value) for name, value in facts.items()},
        "candidates": [
            {"id": one.id, "attributes": {name: as_data(value) for name, value in one.attributes.items()}}
            for one in candidates
        ],
    }


def as_data(value: Value) -> Any:
    """A value as JSON data: times and versions as texts, lists as lists."""
    if isinstance(value, tuple):
        return [as_data(one) for one in value]
    if isinstance(value, date):
        return as_text(value)
    return str(value) if isinstance(value, Version) else value


def _read(response: httpx.Response) -> Sequence[float]:
    response.raise_for_status()
    if response.status_code != 200 or len(response.content) > LARGEST_ANSWER:
        raise ValueError("no answer to use")
    scores = response.json()["scores"]
    if not isinstance(scores, list):
        raise TypeError("no list of scores")
    return scores


def load(declared: Declared, surroundings: Surroundings) -> HttpScorer:
    """The scorer of a service. Raises NotReady where the variable of its token is not set."""
    settings = declared.settings
    variable = settings.get("token")
    token = os.environ.get(str(variable)) if variable else None
    if variable and not token:
        raise NotReady(f"the environment variable {variable} is not set")
    failures, rest = settings.get("failures", FAILURES), settings.get("rest", REST)
    assert isinstance(failures, int)
    assert isinstance(rest, int | float)
    return HttpScorer(declared, str(settings["url"]), token, failures, float(rest))
