"""Runs one worker of the service: the HTTP server with its limits, its socket, and its signals."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import uvicorn

from tailored.service.app import Service
from tailored.service.protocol import protocol

MOST_TAKEN = 32
"""Connections that are taken in one turn of the event loop."""

log = logging.getLogger("tailored.service")


def serve(service: Service, listener: socket.socket, started: Callable[[], None]) -> None:
    """Serves until SIGINT or SIGTERM; SIGHUP has the book read again. `started` is called once it can."""
    config = uvicorn.Config(
        service,
        http=protocol(service),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",
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
    """The server with our signals: it ends without raising the signal once more, so that it exits with 0.

    On uvloop it takes connections itself. That loop takes one in each turn, and answers all others first: of
    many that come at once, each would wait for all that those before it ask meanwhile.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], reload: Callable[[], Any]) -> None:
        super().__init__(config)
        self._ready, self._reload = ready, reload
        self._tasks: set[asyncio.Task[Any]] = set()
        self._listeners: list[socket.socket] = []

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
        if sockets and type(asyncio.get_running_loop()).__module__.startswith("uvloop"):
            await super().startup([])
            self._listeners = sockets
            for listener in sockets:
                self._listen(listener)
        else:
            await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            asyncio.get_running_loop().remove_reader(listener)
        await super().shutdown(sockets)

    def _listen(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            asyncio.get_running_loop().add_reader(listener, self._take, listener)

    def _take(self, listener: socket.socket) -> None:
        """Takes the connections that wait, but no more than leaves some of them to other workers."""
        loop = asyncio.get_running_loop()
        for _ in range(MOST_TAKEN):
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:  # whoever it was has gone again
                continue
            except OSError as error:  # no more files, or no memory for them
                log.warning("No connection can be taken for a second: %s", error.strerror)
                loop.remove_reader(listener)
                loop.call_later(1, self._listen, listener)
                return
            connection.setblocking(False)
            self._go_on_with(loop.connect_accepted_socket(self._protocol, connection))

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def _reread(self) -> None:
        self._go_on_with(self._reload())

    def _go_on_with(self, work: Coroutine[Any, Any, Any]) -> None:
        """Has the loop do something that nobody waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
