"""The book that is served, and how a new one takes its place: read aside, checked, swapped in one step."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tailored.book.diagnostics import BookNotReadable, Diagnostic, Report, RuleBookError
from tailored.book.load import check_book
from tailored.book.source import read_sources
from tailored.engine.engine import Engine
from tailored.service.encode import Encoder
from tailored.service.flags import Contexts
from tailored.service.kept import keep, kept
from tailored.service.metrics import Counts

log = logging.getLogger("tailored.service")

GLANCE = 2.0
"""Seconds after which the folder is looked at anyway: it may have been replaced as a whole."""


SETTLED, MOST_LOOKS = 0.02, 100
"""Seconds for which a changed folder must have stayed the same, and how often it is looked at for that."""
_GRACE = 60.0
"""Seconds after which nobody asks an old book any more."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A book ready to serve: everything that a request needs of it, so that none mixes two books."""

    engine: Engine
    report: Report
    sources: dict[str, bytes]
    at: datetime
    encoder: Encoder
    contexts: Contexts
    names: Mapping[str, object]
    """The slots and settings."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A book that could not take the place of the one that is served, and why."""

    at: datetime
    reason: str
    diagnostics: tuple[Diagnostic, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The refusal as JSON data."""
        return {
            "at": self.at.isoformat(),
            "reason": self.reason,
            "diagnostics": [finding.to_dict() for finding in self.diagnostics],
        }


class LiveBook:
    """The book of a folder as it is served, with `refused` set while the folder holds one that is not."""

    def __init__(self, folder: str, counts: Counts, log: Path | None = None) -> None:
        """`log` is the decision log, in case it lies in the folder: to write it is no change of the book.

        Raises RuleBookError and BookNotReadable, as Engine.load does.
        """
        self.folder, self._counts, self._log = folder, counts, log
        self.kept: Path | None = None
        """Where the last good book is kept, for a worker that takes another one's place."""
        self.refused: Refused | None = None
        self._reading = asyncio.Lock()
        self.current = self._read()
        gc.freeze()

    def renew(self) -> None:
        """Loads the book once more, in a process that was forked: threads and connections stay behind.

        Where the folder holds none that can be used, it is the last good one that any worker had.
        """
        try:
            self.current = self._read()
        except (RuleBookError, BookNotReadable) as error:
            self.refused = _refusal(error)
            if self.kept is not None and (texts := kept(self.kept)) is not None:
                with contextlib.suppress(RuleBookError):  # where data of catalogs is gone, too
                    self.current = self._made({name: text.encode("latin-1") for name, text in texts.items()})

    async def reload(self) -> str:
        """Reads the folder again, and says what came of it.

        `changed`; `unchanged`; `refreshed` where the rules are the same, and the data of catalogs and scorers
        was read again; or `refused`, while the old book, or the old data, goes on.
        """
        async with self._reading:
            old = self.current
            try:
                loaded = await asyncio.to_thread(self._read, old)
            except (RuleBookError, BookNotReadable) as error:
                self.refused = _refusal(error)
                outcome = "refused"
                log.error("The new book is refused, the old one goes on: %s", self.refused.reason)
            except Exception as error:
                # Whatever is wrong with a folder, requests go on.
                self.refused = Refused(datetime.now(UTC), f"it cannot be loaded ({type(error).__name__})")
                outcome = "refused"
                log.exception("The new book cannot be loaded; the old one goes on")
            else:
                self.refused = None
                outcome = "unchanged" if loaded.engine.version == old.engine.version else "changed"
                if loaded is old and (old.engine.book.catalogs or old.engine.book.scorers):
                    outcome = await self._refresh(old.engine)
                if loaded is not old:
                    self.current = loaded
                    old.encoder.flush()
                    if old.engine.book.scorers:
                        asyncio.get_running_loop().call_later(_GRACE, old.engine.close)
                if outcome == "changed":
                    log.info("The book is now %s", loaded.engine.version[:12])
                    self._keep(loaded.sources)
        self._counts.add("tailored_reloads", (outcome,))
        return outcome

    def _keep(self, sources: Mapping[str, bytes]) -> None:
        if self.kept is not None:
            keep(self.kept, {name: content.decode("latin-1") for name, content in sources.items()})

    async def _refresh(self, engine: Engine) -> str:
        """Reads the data of catalogs and scorers again; what cannot be used leaves the old in its place."""
        report = await asyncio.to_thread(engine.refresh)
        if not report.errors:
            return "refreshed"
        self.refused = _refusal(RuleBookError(report))
        log.error("The new data is refused, the old goes on: %s", self.refused.reason)
        return "refused"

    async def watch(self) -> None:
        """Reloads whenever something in the folder changes, until cancelled."""
        from watchfiles import awatch

        read = _place(self.folder)
        while True:
            place = _place(self.folder)
            if place != read:
                read = place
                await self.reload()
                continue
            if place is None:
                await asyncio.sleep(GLANCE)
                continue
            try:
                async for changes in awatch(
                    self.folder,
                    watch_filter=None,
                    debounce=200,
                    step=20,
                    rust_timeout=int(GLANCE * 1000),
                    yield_on_timeout=True,
                ):
                    if any(not self._is_log(path) for _, path in changes):
                        await self.reload()
                    if _place(self.folder) != place:
                        break
            except Exception as error:  # a watch that breaks is begun anew
                log.warning("The folder cannot be watched for a moment: %s", error)
                await asyncio.sleep(GLANCE)
            await asyncio.sleep(0.05)

    def _read(self, old: Loaded | None = None) -> Loaded:
        sources = read_sources(self.folder)
        if old is None:
            return self._made(sources)
        # A file that is being written is cut off for a moment, and so may be a book without errors.
        for _ in range(MOST_LOOKS):
            if sources == old.sources:
                return old
            before = sources
            time.sleep(SETTLED)
            sources = read_sources(self.folder)
            if sources == before:
                break
        return self._made(sources)

    def _made(self, sources: dict[str, bytes]) -> Loaded:
        book, report = check_book(sources, None, self.folder, tests=False)
        if report.errors:
            raise RuleBookError(report, os.path.join(self.folder, ""))
        engine = Engine(book)
        names = {**book.slots, **book.settings}
        encoder = Encoder(engine.version, self._counts)
        return Loaded(engine, report, sources, datetime.now(UTC), encoder, Contexts(book), names)

    def _is_log(self, path: str) -> bool:
        """Whether a file is the decision log, one of a worker's, or one that is full."""
        if self._log is None:
            return False
        one, log = Path(path).resolve(), self._log.resolve()
        return one.parent == log.parent and one.name.startswith(log.stem)


def _refusal(error: RuleBookError | BookNotReadable) -> Refused:
    if isinstance(error, RuleBookError):
        found = tuple(one for one in error.diagnostics if one.severity == "error")
        first = found[0]
        said = f"{first.span}: {first.message} {first.hint}".rstrip()
        if len(found) > 1:
            said += f" (and {len(found) - 1} more error{'s' if len(found) > 2 else ''})"
        return Refused(datetime.now(UTC), said, error.diagnostics)
    return Refused(datetime.now(UTC), str(error))


def _place(folder: str) -> tuple[str, int] | None:
    """Where a folder really is, and which it is; None where there is none."""
    try:
        real = os.path.realpath(folder)
        return real, os.stat(real).st_ino
    except OSError:
        return None
