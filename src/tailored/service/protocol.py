"""One connection: the server's protocol with limits to heads of requests, and a short way for evaluations."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sized
from time import perf_counter
from typing import Any, NamedTuple

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tailored.engine.kept import Kept
from tailored.service.app import Service
from tailored.service.evaluations import EVALUATE
from tailored.service.problems import Problem
from tailored.service.requests import JSON_HEADERS, App, Request, Response

EVALUATE_URL = EVALUATE.encode()
FIRST_LINE = b"POST %b HTTP/1.1\r\n" % EVALUATE_URL
HEAD_ENDS = b"\r\n\r\n"
MOST_MET, LONGEST_MET = 1024, 2048
"""Heads of requests that are kept, and the bytes of each at most."""
SECRETS = frozenset({b"authorization", b"cookie", b"x-api-key"})
"""Headers that are kept nowhere, and so no head that has one."""

log = logging.getLogger("tailored.service")


def protocol(service: Service) -> type[asyncio.Protocol]:
    """The protocol of the connections to a service."""

    class Served(Connection):
        pass

    Served.service, Served.heads, Served.turn, Served.met = service, Heads(), Turn(), Kept(MOST_MET)
    return Served


class Met(NamedTuple):
    """What the head of an evaluation says, and how long it says that the body is."""

    request: Request
    length: int


class Heads:
    """The heads of answers up to their length, which stay the same until the date changes."""

    def __init__(self) -> None:
        self._first: list[tuple[bytes, bytes]] = []
        self._kept: dict[tuple[object, ...], bytes] = {}

    def __call__(
        self, first: list[tuple[bytes, bytes]], status: int, headers: tuple[tuple[bytes, bytes], ...]
    ) -> bytes:
        """`first` are the headers of every answer: a list that is replaced each second, and never changed."""
        if first is not self._first:
            self._first, self._kept = first, {}
        known = status, headers
        head = self._kept.get(known)
        if head is None:
            lines = [b"%b: %b\r\n" % header for header in (*first, *headers)]
            head = self._kept[known] = b"".join((STATUS_LINE[status], *lines, b"content-length: "))
        return head


class Turn:
    """The evaluations that came in one turn of the event loop, answered together at its end.

    What is done for one of them is then still in the caches of the processor when it is done for the next;
    with a system call between any two it is not.
    """

    def __init__(self) -> None:
        self._waiting: list[Connection] = []

    def add(self, connection: Connection) -> None:
        """Has a connection answer soon."""
        if not self._waiting:
            connection.loop.call_soon(self._answer)
        self._waiting.append(connection)

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            try:
                connection.answer()
            except Exception:  # whatever is wrong with one of them, the others get their answers
                log.exception("An evaluation could not be answered")
                connection.transport.abort()


class Flow(FlowControl):
    """Reads nothing more while requests wait in the queue of a connection.

    Otherwise each that is begun would let more in, without end where a client asks and takes no answers.
    """

    def __init__(self, transport: asyncio.Transport, queue: Sized) -> None:
        super().__init__(transport)
        self._queue = queue

    def resume_reading(self) -> None:
        if not self._queue:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """Limits the size of a request's head, and the time it may take.

    An evaluation that arrives in one piece, and for which nothing has to be waited for, takes a short way: it
    is answered without a task of its own, and without what only applications need to know of a request.
    Whatever is unusual about a request sends it the ordinary way. A head that came before, byte for byte, is
    not parsed again: what it says, and where it ends, is the same.
    """

    service: Service
    heads: Heads
    turn: Turn
    met: Kept[bytes, Met]

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.flow = Flow(transport, self.pipeline)
        self._stalled: asyncio.TimerHandle | None = None
        """Rings when its answers were not taken for too long."""
        self._most, self._seconds = self.service.limits.headers, self.service.limits.header_seconds
        self._size = 0
        """Bytes of a head that is not whole yet; -1 between head and end of a request."""
        self._refused = False
        self._timer: asyncio.TimerHandle | None = self.loop.call_later(self._seconds, self._too_late)
        self._is_first = False
        """Whether nothing of what was just read went the short way yet: the rest waits its turn."""
        self._held: bytes | None = None
        """What is here of the body of a request that may go the short way."""
        self._asked: bytes | None = None
        """The body of an evaluation that waits for the end of the turn."""
        self._request: Request | None = None
        """The head of that."""
        self._unparsed: bytes | None = None
        """All of it, where the parser has not seen it."""
        self._piece: bytes | None = None
        """What was just read, where a request begins with it."""
        self._since = 0.0
        """When its head was whole."""
        self._resting: float | None = None
        """Since when nothing is asked, on the clock of the loop."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.answer()
        self._stop_timer()
        self._stop_resting()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(self.service.limits.body_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def eof_received(self) -> None:
        self.answer()
        super().eof_received()

    def shutdown(self) -> None:
        self.answer()
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        self._piece = None
        if self._size == 0:
            end = data.find(HEAD_ENDS) + len(HEAD_ENDS)
            met = self.met.get(data[:end])
            if met is not None and len(data) - end == met.length and self._is_at_rest():
                self._resting, self._since = None, perf_counter()
                self._stop_timer()
                self._request, self._asked, self._unparsed = met.request, data[end:], data
                self.turn.add(self)
                return
            self._piece = data
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

    def on_message_begin(self) -> None:
        self.answer()  # what comes next waits for it
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        if self._size > self._most:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self._most:
                self._refused = True
                raise ValueError("the head is too large")  # the parser stops, and the answer is a refusal
        self._size = -1
        self._stop_timer()
        if self._is_first and self.url == EVALUATE_URL and self._is_plain() and self._can_be_read():
            self._is_first, self._held, self._since = False, b"", perf_counter()
        else:
            self._begin()

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        self._size = 0
        if self._held is None:
            super().on_message_complete()
        elif len(self._held) <= self.service.limits.body:
            self._meet(len(self._held))
            self._held, self._asked, self._unparsed = None, self._held, None
            self.turn.add(self)
        else:
            self._go_the_ordinary_way(self._held)
            super().on_message_complete()

    def answer(self) -> None:
        """Answers the evaluation that waits for that, if one does."""
        if self._asked is None:
            return
        body, self._asked = self._asked, None
        assert self._request is not None
        answer = self.service.at_once(self._request, body, self._since)
        if isinstance(answer, bytes):
            self._write(200, JSON_HEADERS, answer)
        elif isinstance(answer, Response):
            self._write(answer.status, answer.headers, answer.body)
        elif self._unparsed is None:
            self._go_the_ordinary_way(body, answer)
            super().on_message_complete()
        else:
            ordinary, self.app, self._is_first = self.app, answer, False
            super().data_received(self._unparsed)
            self.app = ordinary

    def on_response_complete(self) -> None:
        self._stop_resting()
        super().on_response_complete()
        self._resting = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._resting is not None:
            self._rest_until(self._resting + self.timeout_keep_alive)

    def _rest_until(self, moment: float) -> None:
        """Closes the connection at a moment, unless something is asked before."""
        seconds = moment - self.loop.time()
        if seconds > 0:
            self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)
        elif not self.transport.is_closing():
            self.transport.close()

    def _unset_keepalive_if_required(self) -> None:
        """The timer goes on, and looks again: to set one for each request costs more than that."""
        self._resting = None

    def _stop_resting(self) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def _is_plain(self) -> bool:
        """Whether a request can go the short way, as far as its head tells."""
        parser = self.parser
        return (
            parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not (parser.should_upgrade() or self.expect_100_continue)
            and self._is_at_rest()
        )

    def _is_at_rest(self) -> bool:
        """Whether everything that was asked before is answered, and the answers are being taken."""
        before = self.cycle
        return (
            self._asked is None
            and (before is None or before.response_complete)
            and not (self.flow.write_paused or self.transport.is_closing())
        )

    def _can_be_read(self) -> bool:
        """Whether a body is what evaluations take; where it is not, the ordinary way tells."""
        try:
            self._request = self.service.evaluation(self.headers)
        except Problem:
            return False
        return True

    def _meet(self, length: int) -> None:
        """Keeps the head of the request that was just read, with a body of so many bytes."""
        request, piece = self._request, self._piece
        if request is None or piece is None or not piece.startswith(FIRST_LINE):
            return
        if not SECRETS.isdisjoint(request.headers):
            return
        end = piece.index(HEAD_ENDS) + len(HEAD_ENDS)
        if end <= LONGEST_MET and request.headers.get(b"content-length") == b"%d" % length:
            self.met.keep(piece[:end], Met(request, length))

    def _write(self, status: int, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
        head = self.heads(self.server_state.default_headers, status, headers)
        if not self.transport.is_closing():
            self.transport.write(b"".join((head, b"%d\r\n\r\n" % len(body), body)))
        self.server_state.total_requests += 1
        self._resting = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._rest_until(self._resting + self.timeout_keep_alive)

    def _begin(self) -> None:
        """Begins the ordinary way: what was heard of the request so far becomes what applications take."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()

    def _go_the_ordinary_way(self, body: bytes, app: App | None = None) -> None:
        """Has a task of its own answer, by the service or by what is left to do for it."""
        self._held = None
        ordinary, self.app = self.app, app or self.app
        self._begin()
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
        self.answer()
        if (begun := self.cycle) is not None and begun.response_started and not begun.response_complete:
            self.transport.close()  # in the middle of an answer there is no place for another one
            return
        self.service.counts.add("tailored_requests", ("other", str(problem.status)))
        body = problem.to_json()
        kind, ends = b"content-type: application/problem+json\r\n", b"connection: close\r\n\r\n"
        head = b"%bcontent-length: %d\r\n%b" % (kind, len(body), ends)
        self.transport.write(STATUS_LINE[problem.status] + head + body)
        self.transport.close()
