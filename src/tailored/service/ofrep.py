"""The OpenFeature Remote Evaluation Protocol: one flag, or all of them, for an evaluation context.

The protocol: https://github.com/open-feature/protocol, `service/openapi.yaml`.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from tailored.engine.decision import Decision
from tailored.service.encode import dumps
from tailored.service.flags import Flag, UnusableContext, flag, flags
from tailored.service.live import Loaded
from tailored.service.problems import Problem
from tailored.service.requests import Request, Response, accepts, no_such_flag, read_json

Asked = tuple[dict[str, Any], dict[str, Any]]


def read(loaded: Loaded, body: bytes, depth: int, key: str | None = None) -> Asked | Response:
    """The user and the context that a body asks for, or the refusal, as the protocol has it."""
    try:
        data = read_json(body, depth)
    except Problem as problem:
        return failure("PARSE_ERROR", problem.detail, key)
    if type(data) is not dict:
        return failure("PARSE_ERROR", "The body must be a JSON object with `context`.", key)
    context = data.get("context", {})
    if type(context) is not dict:
        return failure("INVALID_CONTEXT", "`context` must be an object.", key)
    try:
        return loaded.contexts.read(context.get("targetingKey"), context)
    except UnusableContext as error:
        return failure("INVALID_CONTEXT", str(error), key)


def failure(code: str, details: str, key: str | None, status: int = 400) -> Response:
    """A failed evaluation."""
    data = {} if key is None else {"key": key}
    return Response(status, dumps({**data, "errorCode": code, "errorDetails": details}))


def not_found(loaded: Loaded, key: str) -> Response:
    """The answer for a flag that the book does not have."""
    said = no_such_flag(key, loaded.names)
    details = f"{said[:1].upper()}{said[1:]}"
    return failure("FLAG_NOT_FOUND", details, key, 404)


def one(loaded: Loaded, decision: Decision, key: str) -> Flag:
    """The flag of a slot or setting that the book has."""
    found = flag(loaded.engine.book, decision, key)
    assert found is not None
    return found


def every(loaded: Loaded, decision: Decision, request: Request) -> Response:
    """All flags, or 304 where the client has them already."""
    found = flags(loaded.engine.book, decision)
    body = dumps({"flags": [each.to_dict() for each in found], "metadata": {"book": decision.book}})
    etag = b'"' + blake2b(body, digest_size=16).hexdigest().encode() + b'"'
    if accepts(request.headers.get(b"if-none-match"), etag):
        return Response(304, b"", ((b"etag", etag),))
    return Response(200, body, ((b"content-type", b"application/json"), (b"etag", etag)))
