"""Requests in files of their own, which tests include: JSON, taken as an application would send it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tailored.book.nodes import Node, Reader, short
from tailored.book.suggest import did_you_mean
from tailored.condition.types import parse_date, parse_datetime

_BEGINS = "Paths begin at the book's folder."

LARGEST = 10_000_000
"""Bytes that a file with a request may have."""

_MEND = 'A request is an object such as {"user": {"age": 18}, "context": {"page": "home"}}.'


@dataclass(frozen=True, slots=True)
class Included:
    """The request that a file holds; `now` is its text."""

    user: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    now: str | None = None
    path: str = ""


class Problem(NamedTuple):
    """What is wrong with a file."""

    code: str
    message: str
    hint: str


class Includes:
    """Reads the files that tests name, each once, from the book's `folder` on; without one, none."""

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self._folder = folder
        self._known: dict[str, Included | Problem] = {}

    def read(self, reader: Reader, node: Node) -> Included:
        """The request in the file that a node names; where there is none, that is reported."""
        name = reader.text(node, "`request`")
        if name is None or self._folder is None:
            return Included()
        path = os.path.normpath(os.path.join(self._folder, name))
        if path not in self._known:
            self._known[path] = _read(path, name)
        found = self._known[path]
        if isinstance(found, Included):
            return found
        problem = found
        reader.error(node, problem.code, problem.message, problem.hint)
        return Included()


def _read(path: str, name: str) -> Included | Problem:
    """The request in a file, or what is wrong with it."""
    shown = f"`{short(name, 200)}`"
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        return Problem("missing-file", f"There is no file {shown}.", _near(path))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        return Problem(
            "missing-file", f"{shown} cannot be read: {reason}.", "Name a JSON file that may be read."
        )
    if len(content) > LARGEST:
        return Problem("bad-request", f"{shown} is larger than any request.", _MEND)
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return Problem("bad-request", f"{shown} is not JSON: {error.msg}, at {where}.", _MEND)
    except (ValueError, RecursionError):
        return Problem("bad-request", f"{shown} is no JSON that can be read.", _MEND)
    return _request(data, path, shown)


def _request(data: Any, path: str, shown: str) -> Included | Problem:
    if not isinstance(data, dict):
        return Problem("bad-request", f"{shown} holds no request.", _MEND)
    if unknown := sorted(data.keys() - {"user", "context", "now"}):
        message = f"{shown} holds no request: it has a key `{short(unknown[0])}`."
        return Problem("bad-request", message, "A request has `user`, `context` and `now`.")
    for side in ("user", "context"):
        if not isinstance(data.get(side, {}), dict):
            return Problem("bad-request", f"`{side}` in {shown} is no object.", _MEND)
    now = data.get("now")
    if now is not None and not (isinstance(now, str) and (parse_date(now) or parse_datetime(now))):
        return Problem(
            "bad-request", f"`now` in {shown} is no time.", 'Write it like "2026-11-24T10:00:00Z".'
        )
    return Included(data.get("user", {}), data.get("context", {}), now, path)


def _near(path: str) -> str:
    """The mend that names the file most likely meant."""
    folder, name = os.path.split(path)
    try:
        names = [entry for entry in os.listdir(folder) if not entry.startswith(".")]
    except OSError:
        return _BEGINS
    return did_you_mean(name, names) or _BEGINS
