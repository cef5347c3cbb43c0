"""The application: a table of endpoints behind one function that takes a request and answers it (ASGI 3)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import cached_property, partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from tailored.service.decision_log import DecisionLog
from tailored.service.docs import docs_page
from tailored.service.encode import dumps
from tailored.service.evaluations import BATCH, EVALUATE, FLAG, Evaluations
from tailored.service.keys import Gate
from tailored.service.live import LiveBook
from tailored.service.metrics import Counts, exposition
from tailored.service.openapi import openapi
from tailored.service.problems import Headers, Problem
from tailored.service.requests import (
    JSON_TYPE,
    LINES_TYPE,
    App,
    Disconnected,
    Limits,
    Receive,
    Request,
    Response,
    Scope,
    Send,
)

if TYPE_CHECKING:
    from tailored.service.telemetry import Telemetry

log = logging.getLogger("tailored.service")

PROBLEM_HEADER = (b"content-type", b"application/problem+json")


class Endpoint(NamedTuple):
    """What answers a method and a path. `scope` is what a key must have; empty where none is needed."""

    name: str
    scope: str
    answer: Callable[[Request], Awaitable[Response | AsyncIterator[bytes]]]


class Peers:
    """The other workers of this service: none, unless there are several (see workers.py)."""

    async def counts(self, own: dict[str, Any]) -> list[dict[str, Any]]:
        """What the others have counted; they keep in mind what is told of this one's `own` counts."""
        return []

    async def reload(self) -> None:
        """Has the others read their book again."""

    def listening(self, service: Service) -> contextlib.AbstractAsyncContextManager[None]:
        """Answers the others while it is entered."""
        return contextlib.nullcontext()


class Service:
    """Serves a book. `cors` are the origins whose pages may ask; `*` is any."""

    def __init__(
        self,
        live: LiveBook,
        counts: Counts,
        gate: Gate | None = None,
        limits: Limits | None = None,
        cors: Sequence[str] = (),
        decision_log: DecisionLog | None = None,
        peers: Peers | None = None,
        watch: bool = True,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.live, self.counts = live, counts
        self.gate, self.limits = gate or Gate(), limits or Limits()
        self.peers = peers or Peers()
        self._cors = frozenset(origin.encode() for origin in cors)
        self._log, self._watch, self._telemetry = decision_log, watch, telemetry
        asks = self._asks = Evaluations(live, counts, self.limits, decision_log, telemetry)
        self._endpoints: dict[str, dict[str, Endpoint]] = {
            EVALUATE: {"POST": Endpoint(EVALUATE, "evaluate", asks.evaluate)},
            BATCH: {"POST": Endpoint(BATCH, "evaluate", asks.batch)},
            "/v1/explain": {"POST": Endpoint("/v1/explain", "explain", asks.explain)},
            "/v1/book": {"GET": Endpoint("/v1/book", "admin", self._book)},
            "/v1/book/reload": {"POST": Endpoint("/v1/book/reload", "admin", self._reload)},
            "/healthz": {"GET": Endpoint("/healthz", "", self._health)},
            "/readyz": {"GET": Endpoint("/readyz", "", self._ready)},
            "/metrics": {"GET": Endpoint("/metrics", "admin", self._metrics)},
            "/openapi.json": {"GET": Endpoint("/openapi.json", "", self._openapi)},
            "/docs": {"GET": Endpoint("/docs", "", self._docs)},
            FLAG[:-1]: {"POST": Endpoint(FLAG[:-1], "evaluate", asks.flags)},
        }
        self._flag = {"POST": Endpoint(FLAG + "{key}", "evaluate", asks.one_flag)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or runs the service's lifespan."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1003})
            return
        started = perf_counter()
        request = Request(scope["method"], scope["path"], scope["headers"], self.limits, receive)
        name = "other"
        answer: Response | AsyncIterator[bytes]
        try:
            endpoint = self._find(request)
            name = endpoint.name
            if endpoint.scope:
                self.gate.enter(request, endpoint.scope)
            if self._telemetry is None:
                answer = await endpoint.answer(request)
            else:
                answer = await self._telemetry.traced(name, request, endpoint.answer)
        except (Disconnected, asyncio.CancelledError):  # or the service ends
            self.counts.add("tailored_disconnects", (name,))
            return
        except Exception as error:
            answer = _refusal(error, name)
        if isinstance(answer, Response):
            await self._send(request, answer, send)
            self.counts.observe(name, answer.status, perf_counter() - started)
        else:
            await self._stream(request, name, answer, send)
            self.counts.observe(name, 200, perf_counter() - started)

    @property
    def answers_at_once(self) -> bool:
        """Whether `at_once` may be asked; not where requests are traced."""
        return self._telemetry is None

    def evaluation(self, headers: Headers) -> Request:
        """What is asked with the head of an evaluation. Raises Problem where its body cannot be read."""
        request = Request("POST", EVALUATE, headers, self.limits)
        request.expect(JSON_TYPE)
        return request

    def at_once(self, request: Request, body: bytes, started: float) -> bytes | Response | App:
        """The answer to an evaluation whose body is here as a whole; its bytes, where all is as usual.

        `started` is when its head was here. Where scorers have to be waited for, it is an application instead
        that answers when they have.
        """
        answer: bytes | Response | Awaitable[bytes]
        try:
            self.gate.enter(request, "evaluate")
            answer = self._asks.evaluated(request, body)
        except Exception as error:
            answer = _refusal(error, EVALUATE)
        if isinstance(answer, bytes):
            self.counts.observe(EVALUATE, 200, perf_counter() - started)
            if not self._cors:
                return answer
            answer = Response(200, answer)
        elif isinstance(answer, Response):
            self.counts.observe(EVALUATE, answer.status, perf_counter() - started)
        else:
            return partial(self._later, request, answer, started)
        if self._cors:
            return answer._replace(headers=(*answer.headers, *self._cors_headers(request)))
        return answer

    async def _later(
        self,
        request: Request,
        awaited: Awaitable[bytes],
        started: float,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answers what was begun `at_once`."""
        try:
            answer = Response(200, await awaited)
        except Exception as error:
            answer = _refusal(error, EVALUATE)
        await self._send(request, answer, send)
        self.counts.observe(EVALUATE, answer.status, perf_counter() - started)

    def _find(self, request: Request) -> Endpoint:
        methods = self._endpoints.get(request.path)
        if methods is None:
            if not request.path.startswith(FLAG) or len(request.path) == len(FLAG):
                raise Problem("not-found", "There is no such path; /docs has those that there are.")
            methods = self._flag
            request.tail = request.path[len(FLAG) :]
        method = "GET" if request.method == "HEAD" else request.method
        endpoint = methods.get(method)
        if endpoint is not None:
            return endpoint
        allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])
        if method == "OPTIONS":
            return Endpoint("other", "", _options(allowed))
        raise Problem(
            "method-not-allowed", f"This path takes {allowed}.", headers=[(b"allow", allowed.encode())]
        )

    async def _send(self, request: Request, answer: Response, send: Send) -> None:
        headers = list(answer.headers)
        if answer.status not in _BODILESS:
            headers.append((b"content-length", str(len(answer.body)).encode()))
        if not request.is_whole:
            headers.append((b"connection", b"close"))
        if self._cors:
            headers += self._cors_headers(request)
        body = b"" if request.method == "HEAD" else answer.body
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, request: Request, name: str, lines: AsyncIterator[bytes], send: Send) -> None:
        headers: Headers = [(b"content-type", LINES_TYPE)]
        if self._cors:
            headers += self._cors_headers(request)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            async for line in lines:
                await send({"type": "http.response.body", "body": line, "more_body": True})
        except (Disconnected, asyncio.CancelledError):
            self.counts.add("tailored_disconnects", (name,))
            return
        except Exception as error:
            last = _refusal(error, name).body + b"\n"
            await send({"type": "http.response.body", "body": last, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _cors_headers(self, request: Request) -> Headers:
        origin = request.headers.get(b"origin")
        if origin is None or (origin not in self._cors and b"*" not in self._cors):
            return [(b"vary", b"Origin")]
        headers = [
            (b"vary", b"Origin"),
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", b"ETag, Retry-After"),
        ]
        if request.method == "OPTIONS":
            headers += [
                (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
                (
                    b"access-control-allow-headers",
                    b"Authorization, Content-Type, If-None-Match, Traceparent, Tracestate, X-API-Key",
                ),
                (b"access-control-max-age", b"600"),
            ]
        return headers

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        watching = asyncio.create_task(self.live.watch()) if self._watch else None
        async with self.peers.listening(self):
            await send({"type": "lifespan.startup.complete"})
            await receive()
        if watching is not None:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        if self._log is not None:
            await asyncio.to_thread(self._log.close)
        await send({"type": "lifespan.shutdown.complete"})

    # The endpoints that tell of the service, in the order of the table.

    async def _book(self, request: Request) -> Response:
        loaded, refused = self.live.current, self.live.refused
        book = loaded.engine.book
        counts = {
            name: len(getattr(book, name))
            for name in ("attributes", "topics", "slots", "settings", "content", "segments", "rules")
        }
        data = {
            "version": loaded.engine.version,
            "loaded_at": loaded.at.isoformat(),
            "counts": counts,
            **loaded.report.to_dict(),
            "refused": None if refused is None else refused.to_dict(),
        }
        return Response(200, dumps(data))

    async def _reload(self, request: Request) -> Response:
        outcome = await self.live.reload()
        await self.peers.reload()
        if self.live.refused is not None:
            problem = Problem("book-refused", f"The old book goes on: {self.live.refused.reason}")
            problem.more = {
                "diagnostics": self.live.refused.to_dict()["diagnostics"],
                "version": self.live.current.engine.version,
            }
            raise problem
        return Response(200, dumps({"outcome": outcome, "version": self.live.current.engine.version}))

    async def _health(self, request: Request) -> Response:
        return Response(200, b'{"status":"ok"}')

    async def _ready(self, request: Request) -> Response:
        data = {"status": "ready", "book": self.live.current.engine.version}
        return Response(200, dumps(data))

    async def _metrics(self, request: Request) -> Response:
        self.collect()
        own = self.counts.to_dict()
        total = Counts.total([own, *await self.peers.counts(own)])
        loaded = self.live.current
        gauges = {
            "tailored_book_info": ("The book that is served", {"version": loaded.engine.version}, 1.0),
            "tailored_book_rules": ("Rules of the book", {}, float(len(loaded.engine.book.rules))),
            "tailored_book_loaded_timestamp_seconds": ("When it was read", {}, loaded.at.timestamp()),
            "tailored_book_refused": (
                "Whether the folder holds a book that cannot be used",
                {},
                float(self.live.refused is not None),
            ),
        }
        accept = request.headers.get(b"accept", b"").decode("latin-1")
        body, content_type = exposition(total, gauges, accept)
        return Response(200, body, ((b"content-type", content_type.encode()),))

    async def _openapi(self, request: Request) -> Response:
        if not self.gate.allows(request, "evaluate"):
            return self._told_to_everyone[0]
        return Response(200, dumps(openapi(self.live.current.names, bool(self.gate.keys), self.limits)))

    async def _docs(self, request: Request) -> Response:
        return self._told_to_everyone[1]

    @cached_property
    def _told_to_everyone(self) -> tuple[Response, Response]:
        """The document without the names of the book, and its page; made once, as nothing limits who asks."""
        document = openapi(None, bool(self.gate.keys), self.limits)
        policy = (
            b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
        )
        headers = ((b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", policy))
        return Response(200, dumps(document)), Response(200, docs_page(document), headers)

    def collect(self) -> None:
        """Brings together what this worker has counted."""
        self.live.current.encoder.flush()
        if self._log is not None:
            self._log.count(self.counts)


_BODILESS = (204, 304)


def _refusal(error: Exception, name: str) -> Response:
    """The answer where something was raised; whatever is no refusal is a defect, which the log tells of."""
    problem = error
    if not isinstance(problem, Problem):
        log.error("A request to %s failed; this is a defect", name, exc_info=error)
        problem = Problem("defect", "The service failed; its log says how.")
    return Response(problem.status, problem.to_json(), (PROBLEM_HEADER, *problem.headers))


def _options(allowed: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return Response(204, b"", ((b"allow", allowed.encode()),))

    return answer
