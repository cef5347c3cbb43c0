"""Refusals (https://www.rfc-editor.org/rfc/rfc9457): what is wrong with a request, and in which field."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

Headers = list[tuple[bytes, bytes]]

TITLES = {
    "bad-request": (400, "The request cannot be used"),
    "not-json": (400, "The body is not JSON"),
    "unauthorized": (401, "A key is needed"),
    "forbidden": (403, "The key lacks the scope"),
    "not-found": (404, "There is nothing here"),
    "method-not-allowed": (405, "Another method is needed"),
    "too-slow": (408, "The request took too long to arrive"),
    "book-refused": (409, "The new book cannot be used"),
    "too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "Another kind of body is needed"),
    "wrong-host": (421, "The service does not answer to this name"),
    "too-many-requests": (429, "Too many requests"),
    "head-too-large": (431, "The head of the request is too large"),
    "defect": (500, "The service has a defect"),
}
"""The status and the title of each problem; docs/service.md tells more of each."""


class FieldError(NamedTuple):
    """What is wrong with one field. `field` is a JSON Pointer (RFC 6901) into the body."""

    field: str
    message: str


class Problem(Exception):
    """A refusal, on its way to the client. `name` is one of TITLES."""

    def __init__(
        self, name: str, detail: str, errors: Sequence[FieldError] = (), headers: Headers | None = None
    ) -> None:
        super().__init__(detail)
        self.name, self.detail, self.errors = name, detail, tuple(errors)
        self.status, self.title = TITLES[name]
        self.headers = headers or []
        self.more: dict[str, Any] = {}
        """Members of the problem that only this kind has."""

    def to_dict(self) -> dict[str, Any]:
        """The problem as JSON data."""
        data: dict[str, Any] = {
            "type": f"urn:tailored:problem:{self.name}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            data["errors"] = [{"field": error.field, "message": error.message} for error in self.errors]
        return data | self.more

    def to_json(self) -> bytes:
        """The problem as the bytes of its JSON; of half an emoji in a name that was sent, `?` is left."""
        data = self.to_dict()
        try:
            return orjson.dumps(data)
        except TypeError:
            return json.dumps(data, ensure_ascii=False).encode(errors="replace")


def bad_field(field: str, message: str) -> Problem:
    """The refusal of a body for one field of it."""
    return Problem("bad-request", f"{message[:1].upper()}{message[1:]}", [FieldError(field, message)])
