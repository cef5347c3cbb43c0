"""One connection: the server's protocol with limits to heads of requests, and a short way for evaluations."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tailored.service.app import EVALUATE, Service
from tailored.service.problems import Problem
from tailored.service.requests import App, Response

EVALUATE_URL = EVALUATE.encode()


def protocol(service: Service) -> type[asyncio.Protocol]:
    """The protocol of the connections to a service."""

    class Served(Connection):
        pass

    Served.service, Served.heads = service, Heads()
    return Served


class Heads:
    """The heads of answers up to their length, which stay the same until the date changes."""

    def __init__(self) -> None:
        self._first: list[tuple[bytes, bytes]] = []
        self._kept: dict[tuple[object, ...], bytes] = {}

    def __call__(self, first: list[tuple[bytes, bytes]], answer: Response) -> bytes:
        """`first` are the headers of every answer: a list that is replaced each second, and never changed."""
        if first is not self._first:
            self._first, self._kept = first, {}
        known = answer.status, answer.headers
        head = self._kept.get(known)
        if head is None:
            lines = [b"%b: %b\r\n" % header for header in (*first, *answer.headers)]
            head = self._kept[known] = b"".join((STATUS_LINE[answer.status], *lines, b"content-length: "))
        return head


class Connection(HttpToolsProtocol):
    """Limits the size of a request's head, and the time it may take.

    An evaluation that arrives in one piece, and for which nothing has to be waited for, takes a short way: it
    is answered where it is read, without a task of its own. Whatever is unusual about a request sends it the
    ordinary way.
    """

    service: Service
    heads: Heads

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._most, self._seconds = self.service.limits.headers, self.service.limits.header_seconds
        self._size = 0
        """Bytes of a head that is not whole yet; -1 between head and end of a request."""
        self._refused = False
        self._timer: asyncio.TimerHandle | None = self.loop.call_later(self._seconds, self._too_late)
        self._is_first = False
        """Whether nothing of what was just read went the short way yet: the rest waits its turn."""
        self._held: bytes | None = None
        """What is here of the body of a request that may go the short way."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._size >= 0:
            self._size += len(data)
        self._is_first = self.service.answers_at_once
        super().data_received(data)
        if self._held is not None:  # the rest is still to come
            self._go_the_ordinary_way(self._held)
        if self._size > 0 and not self.transport.is_closing():
            if self._size > self._most:
                self._refuse(self._head_too_large())
            elif self._timer is None:
                self._timer = self.loop.call_later(self._seconds, self._too_late)

    def on_headers_complete(self) -> None:
        if self._size > self._most:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self._most:
                self._refused = True
                raise ValueError("the head is too large")  # the parser stops, and the answer is a refusal
        self._size = -1
        self._stop_timer()
        if self._is_first and self.url == EVALUATE_URL and self._is_plain():
            self._is_first, self._held = False, b""
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        self._size = 0
        if self._held is not None:
            body, app = self._held, None
            if len(body) <= self.service.limits.body:
                answer = self.service.at_once(self.headers, body)
                if isinstance(answer, Response):
                    self._answer(answer)
                    return
                app = answer
            self._go_the_ordinary_way(body, app)
        super().on_message_complete()

    def _is_plain(self) -> bool:
        """Whether a request can go the short way, as far as its head tells."""
        parser, before = self.parser, self.cycle
        return (
            parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not (parser.should_upgrade() or self.expect_100_continue or self.flow.write_paused)
            and (before is None or before.response_complete)
        )

    def _answer(self, answer: Response) -> None:
        self._held = None
        head = self.heads(self.server_state.default_headers, answer)
        self.transport.write(b"%b%d\r\n\r\n%b" % (head, len(answer.body), answer.body))
        self.on_response_complete()

    def _go_the_ordinary_way(self, body: bytes, app: App | None = None) -> None:
        """Has a task of its own answer, by the service or by what is left to do for it."""
        self._held = None
        ordinary, self.app = self.app, app or self.app
        super().on_headers_complete()
        self.app = ordinary
        if body:
            super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        unread = Problem("bad-request", "This is no HTTP request that can be read.")
        self._refuse(self._head_too_large() if self._refused else unread)

    def _head_too_large(self) -> Problem:
        return Problem("head-too-large", f"The head of the request is larger than {self._most:,} bytes.")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            if self._size:
                seconds = f"{self._seconds:g} seconds"
                self._refuse(Problem("too-slow", f"The head of the request took longer than {seconds}."))
            else:
                self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        body = problem.to_json()
        kind, ends = b"content-type: application/problem+json\r\n", b"connection: close\r\n\r\n"
        head = b"%bcontent-length: %d\r\n%b" % (kind, len(body), ends)
        self.transport.write(STATUS_LINE[problem.status] + head + body)
        self.transport.close()
