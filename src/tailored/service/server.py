"""Runs one worker of the service: the HTTP server with its limits, its socket, and its signals."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tailored.service.app import Service
from tailored.service.requests import Limits


def serve(service: Service, listener: socket.socket, started: Callable[[], None]) -> None:
    """Serves until SIGINT or SIGTERM; SIGHUP has the book read again. `started` is called once it can."""
    config = uvicorn.Config(
        service,
        http=_protocol(service.limits),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=int(service.limits.idle_seconds),
        timeout_graceful_shutdown=10,
    )
    server = _Server(config, started, service.live.reload)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError where the address is none, is taken, or is not allowed."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def is_loopback(host: str) -> bool:
    """Whether every address of a host can be reached from this machine only. Raises OSError for no host."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return all(ipaddress.ip_address(str(address[0]).split("%")[0]).is_loopback for *_, address in found)


def url(listener: socket.socket) -> str:
    """Where a listening socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """The server with our signals: it ends without raising the signal once more, so that it exits with 0."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], reload: Callable[[], Any]) -> None:
        super().__init__(config)
        self._ready, self._reload = ready, reload
        self._reloads: set[asyncio.Task[Any]] = set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        handlers: dict[signal.Signals, Callable[[], None]] = {
            one: lambda: self.handle_exit(signal.SIGTERM, None) for one in (signal.SIGINT, signal.SIGTERM)
        }
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = self._reread
        try:
            for one, handler in handlers.items():
                loop.add_signal_handler(one, handler)
        except (NotImplementedError, RuntimeError, ValueError):
            with super().capture_signals():  # where loops know no signals, or outside the main thread
                yield
            return
        try:
            yield
        finally:
            for one in handlers:
                loop.remove_signal_handler(one)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    def _reread(self) -> None:
        task = asyncio.get_running_loop().create_task(self._reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)


def _protocol(limits: Limits) -> type[asyncio.Protocol]:
    class Limited(_LimitedProtocol):
        most, seconds = limits.headers, limits.header_seconds

    return Limited


class _LimitedProtocol(HttpToolsProtocol):
    """The server's protocol with two limits more: the size of a request's head, and the time it may take."""

    most: int
    seconds: float

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._size = 0
        """Bytes of a head that is not whole yet; -1 between head and end of a request."""
        self._refused = False
        self._timer: asyncio.TimerHandle | None = self.loop.call_later(self.seconds, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._size >= 0:
            self._size += len(data)
        super().data_received(data)
        if self._size > 0 and not self.transport.is_closing():
            if self._size > self.most:
                self._refuse(b"431 Request Header Fields Too Large")
            elif self._timer is None:
                self._timer = self.loop.call_later(self.seconds, self._too_late)

    def on_headers_complete(self) -> None:
        if self._size > self.most:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self.most:
                self._refused = True
                raise ValueError("the head is too large")  # the parser stops, and the answer is a refusal
        self._size = -1
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._size = 0

    def send_400_response(self, msg: str) -> None:
        if self._refused:
            self._refuse(b"431 Request Header Fields Too Large")
        else:
            super().send_400_response(msg)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            if self._size:
                self._refuse(b"408 Request Timeout")
            else:
                self.transport.close()

    def _refuse(self, status: bytes) -> None:
        self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
