"""From options to a running service: what it needs is made here, once, and given to each worker."""

from __future__ import annotations

import importlib
import logging
import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailored.book.suggest import did_you_mean
from tailored.service.app import Peers, Service
from tailored.service.config import Config
from tailored.service.decision_log import DecisionLog, FileSink, Sink, UserIds
from tailored.service.keys import Gate
from tailored.service.live import LiveBook
from tailored.service.metrics import Counts
from tailored.service.server import is_loopback, listen, serve, url
from tailored.service.workers import Siblings, supervise

if TYPE_CHECKING:
    from tailored.service.telemetry import Telemetry

log = logging.getLogger("tailored.service")

SECRET = "TAILORED_LOG_SECRET"
"""The environment variable that holds the secret which user ids are hashed with."""


class CannotServe(Exception):
    """The service cannot run; one line says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `tailored serve` is told, beside the settings."""

    book: str
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    watch: bool = True
    otel: bool = False
    insecure: bool = False
    log_sink: str | None = None


def run(options: Options, config: Config, say: Callable[[str], None]) -> None:
    """Serves until it is told to end.

    Raises CannotServe, and RuleBookError and BookNotReadable where there is no book to begin with.
    """
    is_open = not config.keys and not _is_local(options.host)
    if is_open and not options.insecure:
        raise CannotServe(
            f"{options.host} can be reached from elsewhere, and no keys are configured: make some with "
            "`tailored key` and name them in --config, or say --insecure."
        )
    if options.workers > 1 and not hasattr(os, "fork"):
        raise CannotServe("several workers need a system that can fork; use --workers 1 here.")
    counts = Counts()
    live = LiveBook(options.book, counts, Path(config.log.file) if config.log.file else None)
    attributes = live.current.engine.book.attributes
    for name in config.log.attributes:
        if name not in attributes:
            whole = [key for key in attributes if key.split(".", 1)[1] == name]
            mend = f"Write it whole: {' or '.join(whole)}." if whole else did_you_mean(name, attributes)
            raise CannotServe(f"log_attributes: the book has no attribute `{name}`. {mend}".rstrip())
    try:
        listener = listen(options.host, options.port)
    except OSError as error:
        raise CannotServe(f"{options.host}:{options.port} cannot be bound: {error.strerror}") from None
    user_ids = UserIds(_secret(config, options), config.log.plain_ids)

    def ready() -> None:
        say(f"Serving {options.book} at {url(listener)} (book {live.current.engine.version[:12]})")
        if is_open:
            say(f"No keys are configured: whoever reaches {options.host} may read and reload the book.")

    def service(number: int, peers: Peers | None = None) -> Service:
        return Service(
            live,
            counts,
            Gate(config.keys, config.limits, options.workers, "" if options.insecure else options.host),
            config.limits,
            config.cors,
            _decision_log(config, options, user_ids, number),
            peers,
            options.watch,
            _telemetry(options, user_ids),
        )

    if options.workers == 1:
        serve(service(0), listener, ready)
        return
    with tempfile.TemporaryDirectory(prefix="tailored-") as folder:
        live.kept = Path(folder) / "book"
        parent = os.getpid()

        def worker(number: int, again: bool) -> None:
            peers = Siblings(Path(folder), number, options.workers, parent)
            if again and (inherited := peers.inherited()):
                counts.take(inherited)
            if again or live.current.engine.book.scorers:
                live.renew()
            serve(service(number, peers), listener, lambda: None)

        supervise(options.workers, worker, ready)


def _is_local(host: str) -> bool:
    """Whether a host can be reached from this machine only. Raises CannotServe where there is none."""
    try:
        if not host:
            raise OSError("the name is empty")
        return is_loopback(host)
    except OSError as error:
        raise CannotServe(f"--host `{host}` is no address to bind to: {error.strerror or error}.") from None


def _secret(config: Config, options: Options) -> bytes:
    given = os.environ.get(SECRET, "")
    is_logged = config.log.file or options.log_sink or options.otel
    if is_logged and not given and not config.log.plain_ids:
        log.warning("%s is not set: hashes of user ids change with every start", SECRET)
    return given.encode() or secrets.token_bytes(32)


def _decision_log(config: Config, options: Options, user_ids: UserIds, number: int) -> DecisionLog | None:
    settings = config.log
    if options.log_sink is not None:
        sink = _made(options.log_sink)
    elif settings.file:
        path = Path(settings.file)
        if options.workers > 1:
            path = path.with_name(f"{path.stem}.{number}{path.suffix}")
        try:
            sink = FileSink(path, settings.size, settings.keep)
        except OSError as error:
            raise CannotServe(f"the decision log {path} cannot be opened: {error.strerror}") from None
    else:
        return None
    return DecisionLog(sink, user_ids, settings.attributes, settings.queue)


def _made(name: str) -> Sink:
    """The sink that a callable `module:name` makes."""
    module, _, attribute = name.partition(":")
    if not (module and attribute):
        raise CannotServe(f"--log-sink takes MODULE:NAME, such as ours:Sink, not {name}.")
    if os.getcwd() not in sys.path:  # where one's own module lies, as `python -m` would find it
        sys.path.append(os.getcwd())
    try:
        made: Sink = getattr(importlib.import_module(module), attribute)()
        made.write  # noqa: B018
    except Exception as error:  # it is foreign code
        raise CannotServe(f"--log-sink {name} makes no sink: {type(error).__name__}: {error}") from None
    return made


def _telemetry(options: Options, user_id: UserIds) -> Telemetry | None:
    if not options.otel:
        return None
    try:
        from tailored.service.telemetry import exporting
    except ImportError as error:
        raise CannotServe(
            f"--otel needs the extra `otel` ({error.name} is missing): pip install 'tailored[otel]'"
        ) from None
    return exporting(user_id)
