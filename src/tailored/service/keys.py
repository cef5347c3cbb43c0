"""Who may ask for what, and how often: API keys with scopes, and a bucket of requests for each."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urlsplit

from tailored.service.problems import Problem
from tailored.service.requests import Limits, Request

SCOPES = ("evaluate", "explain", "admin")

NAMES = "Use letters, digits, - and _, a letter or a digit first."
SCHEME = b"bearer"
_CHALLENGE = b'Bearer realm="tailored"'


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as it is stored: by its hash. `rate` and `burst` win over those of the limits."""

    name: str
    digest: bytes = field(repr=False)
    scopes: frozenset[str]
    rate: float | None = None
    burst: int | None = None


def is_name(text: str) -> bool:
    """Whether a key may be named so."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", text, re.ASCII) is not None


def new_key() -> tuple[str, str]:
    """A fresh key with 256 random bits, and the text that is stored of it."""
    key = f"tlr_{secrets.token_urlsafe(32)}"
    return key, f"sha256:{digest(key.encode()).hex()}"


def digest(key: bytes) -> bytes:
    """The hash of a key. Keys are random, so that a fast hash is enough: there is nothing to guess."""
    return hashlib.sha256(key).digest()


MOST_NAMES = 100
"""Hosts, with their ports, that are known to be this machine."""


class Bucket:
    """A token bucket: `rate` requests a second in the long run, at most `burst` at once."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        self.rate, self.burst, self._clock = rate, burst, clock
        self._left, self._at = float(burst), clock()

    def take(self) -> float:
        """Takes one request out: 0, or the seconds until there will be one."""
        now = self._clock()
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self.rate


class Gate:
    """Lets requests in. Without keys everything is open, to whoever reaches the address.

    With `host`, the name of an open service that only this machine reaches, requests may ask for that and for
    names that mean nothing elsewhere: the page of a stranger, whose own name leads here, asks for that name.
    """

    def __init__(
        self, keys: Sequence[Key] = (), limits: Limits | None = None, workers: int = 1, host: str = ""
    ) -> None:
        limits = limits or Limits()
        self.keys = tuple(keys)
        self._buckets: dict[str, Bucket] = {}
        self._host, self._workers = host, workers
        self._named: set[bytes | None] = {None}
        """What requests named as their host and may go on naming."""
        for key in self.keys or [Key("", b"", frozenset(SCOPES))]:
            rate = key.rate or limits.rate
            if rate:
                burst = key.burst or limits.burst or max(1, math.ceil(rate))
                self._buckets[key.name] = Bucket(rate / workers, max(1, burst // workers))

    def enter(self, request: Request, scope: str) -> None:
        """Raises Problem where the request may not have what `scope` opens, or asks too often."""
        if self.keys:
            key = self._key(request)
            if key is None:
                raise _unauthorized(request)
            request.key = key.name
            if scope not in key.scopes:
                said = f"The key `{key.name}` does not have the scope `{scope}`."
                error = b', error="insufficient_scope", scope="%b"' % scope.encode()
                raise Problem("forbidden", said, headers=[(b"www-authenticate", _CHALLENGE + error)])
        elif not self._is_asked_by_name(request):
            raise Problem(
                "wrong-host",
                "Without keys this service answers to names of its own machine only, such as localhost. "
                "For another name, configure keys, or say --insecure.",
            )
        if not self._buckets or scope == "admin":  # whoever looks after a flood must get through
            return
        if (bucket := self._buckets.get(request.key)) and (wait := bucket.take()):
            seconds = str(math.ceil(wait))
            who = "This key" if self.keys else "Everyone together"
            detail = (
                f"{who} may ask {bucket.rate * self._workers:g} times a second; ask again in {seconds} s."
            )
            raise Problem("too-many-requests", detail, headers=[(b"retry-after", seconds.encode())])

    def _is_asked_by_name(self, request: Request) -> bool:
        """Whether a request names this machine, and not something that the whole world may use."""
        named = request.headers.get(b"host")
        if not self._host or named in self._named:
            return True
        if not self._is_local(named or b""):
            return False
        if len(self._named) < MOST_NAMES:
            self._named.add(named)
        return True

    def _is_local(self, named: bytes) -> bool:
        try:
            name = (urlsplit(f"//{named.decode('latin-1')}").hostname or "").rstrip(".")
            if "." not in name or name.endswith(".localhost") or name == self._host.lower():
                return True
            ipaddress.ip_address(name)
        except ValueError:  # it is no address, or brackets around none
            return False
        return True

    def allows(self, request: Request, scope: str) -> bool:
        """Whether a request could have what a scope opens; nothing is taken from its bucket."""
        if not self.keys:
            return self._is_asked_by_name(request)
        key = self._key(request)
        return key is not None and scope in key.scopes

    def _key(self, request: Request) -> Key | None:
        given = _given(request)
        if given is None:
            return None
        hashed, found = digest(given), None
        for key in self.keys:  # every one, so that the time tells nothing
            if hmac.compare_digest(key.digest, hashed):
                found = key
        return found


def _given(request: Request) -> bytes | None:
    """The key that a request came with. Where there is an Authorization, that counts."""
    authorization = request.headers.get(b"authorization")
    if authorization is None:
        return request.headers.get(b"x-api-key")
    scheme, _, token = authorization.partition(b" ")
    return token.strip() if scheme.lower() == SCHEME else None


def _unauthorized(request: Request) -> Problem:
    """The refusal of a request without a key, or with none that is known (RFC 6750, section 3)."""
    said, error = "Send a key: `Authorization: Bearer KEY`, or `X-API-Key: KEY` and no Authorization.", b""
    if _given(request) is not None:
        said, error = "There is no such key.", b', error="invalid_token"'
    return Problem("unauthorized", said, headers=[(b"www-authenticate", _CHALLENGE + error)])
