"""Requests as they arrive: bodies within limits, JSON within a depth, and the fields of an evaluation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import orjson

from tailored.book.suggest import did_you_mean
from tailored.service.problems import FieldError, Problem, bad_field

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON_TYPE = b"application/json"
LINES_TYPE = b"application/x-ndjson"
JSON_HEADERS = ((b"content-type", JSON_TYPE),)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may take. Sizes are bytes, times seconds, `rate` requests a second for each key."""

    body: int = 1_000_000
    depth: int = 32
    headers: int = 16_384
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    idle_seconds: float = 30.0
    batch: int = 256_000_000
    rate: float | None = None
    burst: int | None = None


class Disconnected(Exception):
    """The client went away before its request was whole."""


class Response(NamedTuple):
    """A whole answer."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = JSON_HEADERS


class Asked(NamedTuple):
    """An evaluation that is asked for. `slots` are the slots and settings to answer with; all where empty."""

    user: dict[str, Any]
    context: dict[str, Any]
    now: str | None
    slots: tuple[str, ...]


class Request:
    """One request: its head, and its body as it arrives."""

    __slots__ = ("_receive", "headers", "is_whole", "key", "limits", "method", "opts_out", "path", "tail")

    def __init__(
        self,
        method: str,
        path: str,
        headers: Iterable[tuple[bytes, bytes]],
        limits: Limits,
        receive: Receive | None = None,
    ) -> None:
        """`receive` gives its body, where that is not here already."""
        self.method, self.path = method, path
        self.headers = dict(headers)
        self.opts_out = self.headers.get(b"sec-gpc") == b"1"
        """Whether the browser says so (https://www.w3.org/TR/gpc/)."""
        self.limits = limits
        self.tail = ""
        """What the path holds in place of a parameter."""
        self.key = ""
        """The name of the key that the request came with."""
        self.is_whole = receive is None or method in ("GET", "HEAD", "OPTIONS")
        """Whether nothing of it is left to arrive."""
        self._receive: Receive = receive or _nothing

    def says(self, media_type: bytes) -> bool:
        """Whether the body says that it is of this type."""
        name, _, _ = self.headers.get(b"content-type", b"").partition(b";")
        return name.strip().lower() == media_type

    def expect(self, media_type: bytes, or_else: str = "") -> None:
        """Refuses a body that says it is something else, or that is compressed."""
        given = self.headers.get(b"content-type")
        if given is not None and given != media_type:
            name, _, parameters = given.partition(b";")
            charset = parameters.strip().lower().replace(b'"', b"")
            if name.strip().lower() != media_type or charset not in (b"", b"charset=utf-8"):
                kind = media_type.decode()
                raise Problem("unsupported-media-type", f"Send the body as {kind}{or_else} in UTF-8.")
        if self.headers.get(b"content-encoding", b"identity") != b"identity":
            raise Problem("unsupported-media-type", "Send the body without a content encoding.")

    async def body(self) -> bytes:
        """The whole body. Raises Problem where it is too large or slow, Disconnected where it ends early."""
        length = self.headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length) > self.limits.body:
            await self._drain(int(length))
            raise _too_large(self.limits.body)
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                return await self._whole()
        except TimeoutError:
            raise Problem(
                "too-slow", f"The body took longer than {self.limits.body_seconds:g} seconds."
            ) from None

    async def _whole(self) -> bytes:
        whole = bytearray()
        while not self.is_whole:
            message = await self._receive()
            if message["type"] != "http.request":
                raise Disconnected
            self.is_whole = not message.get("more_body")
            whole += message.get("body", b"")
            if len(whole) > self.limits.body:
                raise _too_large(self.limits.body)
        return bytes(whole)

    async def _drain(self, length: int) -> None:
        """Takes in a body that is refused, if it is not huge, so that its sender lives to read why."""
        if length > 16 * self.limits.body or b"expect" in self.headers:
            return
        try:
            async with asyncio.timeout(1.0):
                while (await self._receive()).get("more_body"):
                    pass
        except TimeoutError:
            return

    async def lines(self) -> AsyncIterator[tuple[int, bytes | None]]:
        """The numbered lines of the body as they arrive, but for those that are blank.

        None stands for one that is longer than a body may be.
        """
        rest, dropping, total, number = bytearray(), False, 0, 0
        more = True
        while more:
            try:
                async with asyncio.timeout(self.limits.body_seconds):
                    message = await self._receive()
            except TimeoutError:
                raise Problem("too-slow", "No line arrived for too long.") from None
            if message["type"] != "http.request":
                raise Disconnected
            rest += message.get("body", b"")
            total += len(message.get("body", b""))
            if total > self.limits.batch:
                raise _too_large(self.limits.batch)
            more = message.get("more_body", False)
            self.is_whole = not more
            *whole, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            if not more:
                whole.append(last)
            for line in whole:
                number += 1
                if dropping or len(line) > self.limits.body:
                    dropping = False
                    yield number, None
                elif line.strip():
                    yield number, line
            if len(rest) > self.limits.body:
                rest, dropping = bytearray(), True


async def _nothing() -> dict[str, Any]:
    """What is received of a request that is here already."""
    return {"type": "http.disconnect"}


def read_json(body: bytes, depth: int, what: str = "body") -> Any:
    """The JSON value of a body, or of a line of it.

    Raises Problem where it is none, or nested deeper than `depth`.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        data = _odd_json(body)
        if data is _NO_JSON:
            raise Problem("not-json", _reason(body, error, what)) from None
    if body.count(b"{") + body.count(b"[") > depth and _deeper_than(data, depth):
        raise Problem("bad-request", f"The {what} is nested deeper than {depth} levels.")
    return data


_NO_JSON = object()


def _odd_json(body: bytes) -> Any:
    """JSON that orjson refuses for what one value holds: half an emoji, as pages cut them, or 1e999.

    Such a value is odd, no more: the engine warns of it.
    """
    try:
        return json.loads(body.decode(), parse_constant=_refuse, parse_int=_huge_int)
    except (ValueError, RecursionError):
        return _NO_JSON


def _huge_int(digits: str) -> int:
    """A whole number; of one that no float holds, and Python would not read, as much as is too large."""
    return int(digits[:400])


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def read_asked(data: Any, names: Mapping[str, Any], at: str = "") -> Asked:
    """The fields of an evaluation. `names` are the slots and settings of the book. Raises Problem.

    `at` is the JSON Pointer to where they stand in the body.
    """
    if type(data) is not dict:
        raise bad_field(at, "a request must be a JSON object with `user` and `context`")
    user: Any = data.get("user")
    context: Any = data.get("context")
    if user.__class__ is dict and context.__class__ is dict and len(data) == 2:
        return Asked(user, context, None, ())
    now, slots = data.get("now"), data.get("slots")
    if type(user) is dict and type(context) is dict and type(now) is str and len(data) == 3:
        return Asked(user, context, now, ())
    errors = [*islice(_wrong_fields(data, names), MOST_TOLD)]
    if errors:
        errors = [FieldError(at + error.field, error.message) for error in errors]
        detail = "; ".join(error.message for error in errors[:3]).replace(".;", ";")
        raise Problem("bad-request", f"{detail[:1].upper()}{detail[1:]}", sorted(errors))
    return Asked(user, context, now, tuple(dict.fromkeys(slots or ())))


MOST_TOLD, LONGEST_NAME = 20, 60
"""Errors that are told of a body that has more, and letters of a name that nobody knows: to look for what was
meant takes time."""
_FIELDS = ("user", "context", "now", "slots")


def _wrong_fields(data: Mapping[str, Any], names: Mapping[str, Any]) -> Iterator[FieldError]:
    for name in ("user", "context"):
        if name not in data:
            yield FieldError(f"/{name}", f"`{name}` is missing; send {{}} where nothing is known")
        elif type(data[name]) is not dict:
            yield FieldError(f"/{name}", f"`{name}` must be an object such as {{}}")
    if "now" in data and type(data["now"]) is not str:
        yield FieldError("/now", "`now` must be a text such as 2026-11-24T10:00:00Z")
    if "slots" in data:
        yield from _wrong_slots(data["slots"], names)
    for name in data:
        if name not in _FIELDS:
            known = name[:LONGEST_NAME]
            hint = did_you_mean(known, _FIELDS) or "It takes user, context, now and slots."
            yield FieldError(f"/{_pointer(known)}", f"there is no field `{known}`. {hint}")


def _wrong_slots(slots: object, names: Mapping[str, Any]) -> Iterator[FieldError]:
    if type(slots) is not list:
        yield FieldError("/slots", "`slots` must be a list of ids of slots and settings")
        return
    if not slots and names:
        message = "`slots` names nothing; name slots and settings, or leave it out to get all of them"
        yield FieldError("/slots", message)
    for place, name in enumerate(slots):
        if type(name) is not str:
            yield FieldError(f"/slots/{place}", "an id is a text")
        elif name not in names:
            yield FieldError(f"/slots/{place}", no_such_flag(name, names))


def no_such_flag(name: str, names: Mapping[str, Any]) -> str:
    """The sentence about a name that is none of a slot or a setting."""
    known = name[:LONGEST_NAME]
    return f"the book has no slot and no setting `{known}`. {did_you_mean(known, names)}".rstrip()


def wrong_now(error: Exception) -> Problem:
    """The refusal for a `now` that is no time."""
    return bad_field("/now", str(error))


def accepts(given: bytes | None, etag: bytes) -> bool:
    """Whether If-None-Match names an entity tag (https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2)."""
    if given is None:
        return False
    tags = [tag.strip().removeprefix(b"W/") for tag in given.split(b",")]
    return etag in tags or b"*" in tags


def _reason(body: bytes, error: orjson.JSONDecodeError, what: str) -> str:
    if not body.strip():
        return "The body is empty; send a JSON object."
    try:
        body.decode()
    except UnicodeDecodeError as wrong:
        return f"The {what} is not UTF-8: byte {wrong.start} cannot stand there."
    at = f"line {error.lineno}, column {error.colno}" if what == "body" else f"column {error.colno}"
    return f"The {what} is not JSON: {error.msg}, at {at}."


def _deeper_than(data: Any, depth: int) -> bool:
    """Whether lists and objects are nested deeper than `depth`, found without recursion."""
    level: Sequence[Any] = [data]
    for _ in range(depth):
        level = [
            inner
            for one in level
            if type(one) in (dict, list)
            for inner in (one.values() if type(one) is dict else one)
            if type(inner) in (dict, list)
        ]
        if not level:
            return False
    return bool(level)


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _too_large(most: int) -> Problem:
    return Problem("too-large", f"The body is larger than {most:,} bytes.")
