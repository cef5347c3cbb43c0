"""A service that scores, asked by POST; it is left alone for a while when it fails too often in a row."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
import weakref
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import anyio
import httpx
from purgatory import SyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from tailored.book.model import Scorer as Declared
from tailored.condition.tree import Value
from tailored.condition.types import Version, as_text
from tailored.scoring.protocol import Candidate, FactValues, Failure, NotReady, Surroundings

FAILURES = 5
"""Failures in a row after which a service is left alone."""
REST = 30.0
"""Seconds for which it is left alone."""
MOST_CONNECTIONS = 100
LARGEST_ANSWER = 1_000_000
"""Bytes."""


class IsOpen(Failure):
    """The service is left alone for a while."""

    word = "open"


class HttpScorer:
    """Asks a service. It is sent `{"facts": {...}, "candidates": [{"id": ..., "attributes": {...}}, ...]}`.

    It answers `{"scores": [...]}`; any other status than 200, or other form, counts as a failure.
    """

    def __init__(self, declared: Declared, url: str, token: str | None, failures: int, rest: float) -> None:
        self._url, self._timeout = url, declared.timeout
        self._options: dict[str, Any] = {
            "headers": {"accept-encoding": "identity"}
            | ({"authorization": f"Bearer {token}"} if token else {}),
            "timeout": declared.timeout,
            "limits": httpx.Limits(
                max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS
            ),
            "verify": httpx.create_ssl_context(),  # once, since that takes longer than a page may wait
        }
        self._client = httpx.Client(**self._options)
        self._clients: weakref.WeakKeyDictionary[AbstractEventLoop, httpx.AsyncClient] = (
            weakref.WeakKeyDictionary()
        )
        self._breaker = SyncCircuitBreakerFactory().get_breaker(declared.id, failures, rest)
        self._lock = threading.Lock()

    def score(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """What the service says. Raises Failure."""
        with self._guarded():
            until, body = time.monotonic() + self._timeout, bytearray()
            with self._client.stream("POST", self._url, json=_body(facts, candidates)) as response:
                _check(response)
                for part in response.iter_raw():
                    _take(body, part, until)
            return _scores(body)

    async def score_async(self, facts: FactValues, candidates: Sequence[Candidate]) -> Sequence[float]:
        """The same, awaited."""
        loop = get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = httpx.AsyncClient(**self._options)
        with self._guarded():
            until, body = time.monotonic() + self._timeout, bytearray()
            async with client.stream("POST", self._url, json=_body(facts, candidates)) as response:
                _check(response)
                async for part in response.aiter_raw():
                    _take(body, part, until)
            return _scores(body)

    def warm(self) -> None:
        """Has imported what the first answer that is awaited would import, while a page waits."""
        first = threading.Thread(target=asyncio.run, args=(anyio.sleep(0),))
        first.start()
        first.join()

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
                raise IsOpen("failed too often, and is left alone for a while") from None
        try:
            yield
        except BaseException as error:  # also when the call was cancelled because time was up
            with self._lock:
                self._breaker.__exit__(type(error), error, error.__traceback__)
            if isinstance(error, httpx.TransportError):
                raise Failure(f"could not be reached ({type(error).__name__})") from error
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


def _check(response: httpx.Response) -> None:
    if response.status_code != 200:
        raise Failure(f"answered with status {response.status_code}")
    if response.headers.get("content-encoding", "identity") != "identity":  # a little may become a lot
        raise Failure("answered compressed, for which it was not asked")


def _take(body: bytearray, part: bytes, until: float) -> None:
    """Takes in a part of an answer; one that has no end, or comes drop by drop, is broken off."""
    body += part
    if len(body) > LARGEST_ANSWER:
        raise Failure(f"answered with more than {LARGEST_ANSWER:,} bytes")
    if time.monotonic() > until:
        raise Failure("did not answer in time")


def _scores(body: bytearray) -> Sequence[float]:
    try:
        scores: Sequence[float] = json.loads(body)["scores"]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise Failure('answered something else than `{"scores": [...]}`') from None
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
