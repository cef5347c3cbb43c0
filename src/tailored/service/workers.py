"""Several workers behind one address: processes that share its socket, and what must be known to all.

Each worker listens on a socket of its own in a private folder, where the others ask for its counts and have
it read the book again. A worker that dies is replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from tailored.service.app import Peers, Service
from tailored.service.kept import keep, kept

_PATIENCE = 30.0
"""Seconds that a worker waits for another one to read its book."""
_OFTEN = 1.0
"""Seconds between two times that a worker's counts are kept, and that it looks for its parent."""


_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Siblings(Peers):
    """The other workers, reached through sockets in a folder that only this user may enter."""

    def __init__(self, folder: Path, number: int, workers: int, parent: int) -> None:
        """`parent` is told by the parent itself: a worker that asks may be too late."""
        self._folder, self._number, self._workers, self._parent = folder, number, workers, parent

    def inherited(self) -> dict[str, Any] | None:
        """What the worker had counted that this one replaces, as far as anybody has been told of it."""
        return self._kept(self._number)

    async def counts(self, own: dict[str, Any]) -> list[dict[str, Any]]:
        """What the others have counted; of one that is being replaced, what it had.

        What is told of this worker's `own` counts is kept, so that nobody ever sees them fall.
        """
        self._keep(own)
        others = [number for number in range(self._workers) if number != self._number]
        answers = zip(others, await self._ask("counts"), strict=True)
        told = [answer or self._kept(number) for number, answer in answers]
        return [one for one in told if one is not None]

    async def reload(self) -> None:
        """Has the others read their book again, and waits until they have."""
        await self._ask("reload")

    @contextlib.asynccontextmanager
    async def listening(self, service: Service) -> AsyncIterator[None]:
        """Answers the others while it is entered."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            said = (await reader.readline()).strip()
            if said == b"reload":
                await service.live.reload()
            service.collect()
            counts = service.counts.to_dict()
            self._keep(counts)
            writer.write(json.dumps(counts).encode() + b"\n")
            await writer.drain()
            writer.close()

        place = self._place(self._number)
        place.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(answer, place)
        keeping = asyncio.create_task(self._keep_up(service))
        try:
            yield
        finally:
            keeping.cancel()
            server.close()

    async def _keep_up(self, service: Service) -> None:
        """Keeps the counts now and then, for a worker that takes this one's place.

        A worker ends when its parent is gone: nobody could end it by that, and it would hold the address.
        """
        while True:
            await asyncio.sleep(_OFTEN)
            if os.getppid() != self._parent:
                os.kill(os.getpid(), signal.SIGTERM)
            service.collect()
            self._keep(service.counts.to_dict())

    def _keep(self, counts: dict[str, Any]) -> None:
        keep(self._folder / f"{self._number}.json", counts)

    def _kept(self, number: int) -> dict[str, Any] | None:
        counts: dict[str, Any] | None = kept(self._folder / f"{number}.json")
        return counts

    def _place(self, number: int) -> Path:
        return self._folder / f"{number}.sock"

    async def _ask(self, what: str) -> list[Any]:
        others = [number for number in range(self._workers) if number != self._number]
        return list(await asyncio.gather(*(self._ask_one(number, what) for number in others)))

    async def _ask_one(self, number: int, what: str) -> Any:
        try:
            async with asyncio.timeout(_PATIENCE):
                reader, writer = await asyncio.open_unix_connection(self._place(number), limit=2**26)
                writer.write(what.encode() + b"\n")
                line = await reader.readline()
                writer.close()
                return json.loads(line)
        except (OSError, ValueError, TimeoutError):
            return None


def supervise(workers: int, run: Callable[[int, bool], None], started: Callable[[], None]) -> None:
    """Runs `run(number, again)` in that many processes until SIGINT or SIGTERM; passes SIGHUP on.

    `again` says that a worker replaces one that died. `started` is called when all are running.
    """
    running: dict[int, int] = {}
    ending = False

    def start(number: int, again: bool) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # until it is known whom to pass them on to
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the worker listens to it
            for one in (signal.SIGINT, signal.SIGTERM):
                signal.signal(one, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            code = 1
            try:
                run(number, again)
                code = 0
            except KeyboardInterrupt:
                code = 0
            except BaseException as error:
                print(f"tailored: worker {number} failed: {error!r}", file=sys.stderr)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        running[child] = number
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def pass_on(number: int, frame: object) -> None:
        nonlocal ending
        ending = ending or number != signal.SIGHUP
        one = signal.SIGTERM if number != signal.SIGHUP else signal.SIGHUP
        for child in list(running):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, one)

    for one in _SIGNALS:
        signal.signal(one, pass_on)
    for number in range(workers):
        start(number, again=False)
    started()
    born = time.monotonic()
    while running:
        child, _ = os.wait()
        number = running.pop(child)
        if not ending and time.monotonic() - born < 1:
            time.sleep(1)  # one that dies at once must not be replaced in a tight loop
        if not ending:
            born = time.monotonic()
            print(f"tailored: worker {number} ended and is replaced", file=sys.stderr)
            start(number, again=True)
