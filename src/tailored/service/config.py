"""The settings of the service, read from a YAML file as strictly as a rule book."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tailored.book.diagnostics import Diagnostic, Report, RuleBookError, sort
from tailored.book.nodes import Node, Reader, ScalarNode, SequenceNode, kind_of, plain_value, short
from tailored.book.suggest import did_you_mean, listed
from tailored.service.keys import NAMES, SCOPES, Key, is_name
from tailored.service.requests import Limits

_SETTINGS = "The settings"
_EXAMPLE = "keys: {shop: {hash: 'sha256:...', scopes: [evaluate]}}"
_ORIGIN = re.compile(
    r"(?!https:.*:443$|http:.*:80$)[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?",
    re.ASCII,
)
"""What browsers send: in lower case, without a path, and without the port that goes without saying."""
_HASH = re.compile(r"sha256:([0-9a-fA-F]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How decisions are logged. `file` is empty where they are not."""

    file: str = ""
    size: int = 64_000_000
    keep: int = 8
    attributes: tuple[str, ...] = ()
    plain_ids: bool = False
    queue: int = 10_000


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that the settings file may say."""

    keys: tuple[Key, ...] = ()
    cors: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    log: LogSettings = field(default_factory=LogSettings)


_WHOLE_NUMBERS = ("body", "depth", "headers", "batch", "burst")
LIMITS = (*_WHOLE_NUMBERS, "header_seconds", "body_seconds", "idle_seconds", "rate")
LOG = ("log", "log_size", "log_keep", "log_attributes", "log_user_ids", "log_queue")
TOP = ("keys", "cors", "limits", *LOG)


def read_config(path: str | os.PathLike[str]) -> Config:
    """The settings in a file. Raises RuleBookError where they have errors, OSError where there is none."""
    with open(path, "rb") as file:
        content = file.read()
    found: list[Diagnostic] = []
    name = os.fspath(path)
    reader = Reader(name, found)
    text, root = reader.compose(content)
    config = _read(reader, root) if root is not None else Config()
    if found:
        raise RuleBookError(Report(sort(found), {name: text}))
    return config


def _read(reader: Reader, root: Node) -> Config:
    body = _body(reader, root, TOP, _SETTINGS, _EXAMPLE)
    limits = _limits(reader, body["limits"]) if "limits" in body else Limits()
    keys = _keys(reader, body["keys"]) if "keys" in body else ()
    return Config(keys, _origins(reader, body), limits, _log(reader, body))


def _body(reader: Reader, node: Node, keys: Any, what: str, example: str) -> dict[str, Node]:
    entries = reader.mapping(node, what, example) or {}
    for name, (key, _) in entries.items():
        if name not in keys:
            hint = did_you_mean(name, keys) or f"There is {listed(keys, 20)}."
            has = "have" if what == _SETTINGS else "has"
            reader.error(key, "unknown-key", f"{what} {has} no key `{short(name)}`.", hint)
    return {name: value for name, (_, value) in entries.items() if name in keys}


def _number(reader: Reader, node: Node, what: str, whole: bool, least: float = 1) -> Any:
    value = plain_value(node) if isinstance(node, ScalarNode) else None
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value < 1e12:
        kind = "whole number" if whole else "number"
        said = f"at least {least:g}" if least else "0 or more"
        reader.error(node, "wrong-type", f"`{what}` takes a {kind}, {said}, not {kind_of(node)}.")
        return None
    return value


def _limits(reader: Reader, node: Node) -> Limits:
    body = _body(reader, node, LIMITS, "`limits`", "limits: {body: 1000000}")
    given = {
        name: _number(reader, value, name, name in _WHOLE_NUMBERS, 1 if name in _WHOLE_NUMBERS else 0.001)
        for name, value in body.items()
    }
    return Limits(**{name: value for name, value in given.items() if value is not None})


def _keys(reader: Reader, node: Node) -> tuple[Key, ...]:
    entries = reader.mapping(node, "`keys`", _EXAMPLE) or {}
    found: list[Key] = []
    for name, (at, value) in entries.items():
        if not is_name(name):
            reader.error(at, "bad-name", f"`{short(name)}` cannot name a key.", NAMES)
        body = _body(reader, value, ("hash", "scopes", "rate", "burst"), f"The key `{name}`", _EXAMPLE)
        hashed = _hash(reader, at, name, body.get("hash"))
        for other in found:
            if hashed and other.digest == hashed:
                mend = "Make one for each with `tailored key NAME`."
                reader.error(at, "duplicate-id", f"`{name}` is the same key as `{other.name}`.", mend)
        scopes = _scopes(reader, at, name, body.get("scopes"))
        rate = _number(reader, body["rate"], "rate", False, 0.001) if "rate" in body else None
        burst = _number(reader, body["burst"], "burst", True) if "burst" in body else None
        found.append(Key(name, hashed, scopes, rate, burst))
    if not entries and not reader.report:
        reader.error(
            node, "empty-list", "`keys` names no key.", "Make one with `tailored key`, or leave it out."
        )
    return tuple(found)


def _hash(reader: Reader, at: Node, name: str, node: Node | None) -> bytes:
    mend = "Make a key with `tailored key NAME`; it prints what belongs here."
    if node is None:
        reader.error(at, "missing-key", f"The key `{name}` has no `hash`.", mend)
        return b""
    match = _HASH.fullmatch(reader.text(node, "`hash`") or "")
    if match is None:
        reader.error(node, "wrong-type", "A `hash` is `sha256:` and 64 hexadecimal digits.", mend)
        return b""
    return bytes.fromhex(match[1])


def _scopes(reader: Reader, at: Node, name: str, node: Node | None) -> frozenset[str]:
    if node is None:
        reader.error(
            at, "missing-key", f"The key `{name}` has no `scopes`.", f"Name some of {', '.join(SCOPES)}."
        )
        return frozenset()
    return frozenset(_texts(reader, node, "scopes", SCOPES))


def _texts(reader: Reader, node: Node, what: str, allowed: tuple[str, ...] = ()) -> list[str]:
    found = []
    for item in reader.items(node):
        text = reader.text(item, f"`{what}`")
        if text is None:
            continue
        if allowed and text not in allowed:
            hint = did_you_mean(text, allowed) or f"It takes {', '.join(allowed)}."
            reader.error(item, "unknown-value", f"`{what}` does not take `{short(text)}`.", hint)
            continue
        found.append(text)
    if not found and isinstance(node, SequenceNode) and not node.value:
        mend = f"Name some of {', '.join(allowed)}." if allowed else "Name at least one, or leave it out."
        reader.error(node, "empty-list", f"`{what}` has an empty list.", mend)
    return found


def _origins(reader: Reader, body: Mapping[str, Node]) -> tuple[str, ...]:
    if "cors" not in body:
        return ()
    for item in reader.items(body["cors"]):
        text = item.value if isinstance(item, ScalarNode) else ""
        if text != "*" and _ORIGIN.fullmatch(text) is None:
            mend = "Write it as browsers send it, like https://shop.example, or `*` for any."
            reader.error(item, "wrong-type", f"{kind_of(item)} is no origin of a page.", mend)
    return tuple(_texts(reader, body["cors"], "cors"))


_USER_IDS = ("hashed", "plain")


def _log(reader: Reader, body: Mapping[str, Node]) -> LogSettings:
    given: dict[str, Any] = {}
    readers: dict[str, Callable[[Node], Any]] = {
        "log": lambda node: reader.text(node, "`log`"),
        "log_size": lambda node: _number(reader, node, "log_size", True, 1000),
        "log_keep": lambda node: _number(reader, node, "log_keep", True, 0),
        "log_queue": lambda node: _number(reader, node, "log_queue", True),
        "log_attributes": lambda node: tuple(_texts(reader, node, "log_attributes")),
        "log_user_ids": lambda node: _texts(reader, node, "log_user_ids", _USER_IDS) == ["plain"],
    }
    fields = {"log": "file", "log_user_ids": "plain_ids"}
    for name, read in readers.items():
        if name in body and (value := read(body[name])) is not None:
            given[fields.get(name, name.removeprefix("log_"))] = value
    return LogSettings(**given)
