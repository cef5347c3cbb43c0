"""Drives a language server over standard input and output, as an editor would, one question at a time.

Lines and columns count from 0 and columns are UTF-16 units, as the protocol has it
(https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/).
"""

from __future__ import annotations

import json
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

Json = dict[str, Any]


class LanguageServerError(Exception):
    """The server died, stayed silent for too long, or answered a request with an error."""


@dataclass(frozen=True)
class Position:
    """A place between two characters of a document."""

    line: int
    character: int


@dataclass(frozen=True)
class Mark:
    """What a server marks in a document: the words it covers and the message."""

    text: str
    message: str
    start: Position
    severity: int


@dataclass(frozen=True)
class Document:
    """An opened text, with the words for pointing into it."""

    path: Path
    text: str

    @property
    def uri(self) -> str:
        return self.path.absolute().as_uri()

    def after(self, words: str) -> Position:
        """Return the place right after the first occurrence of `words`, which must be there."""
        return self._position(self.text.index(words) + len(words))

    def on(self, words: str) -> Position:
        """Return a place inside the first occurrence of `words`, which must be there."""
        return self._position(self.text.index(words) + len(words) // 2)

    def between(self, start: Json, end: Json) -> str:
        """Return the text of a range as the protocol writes it."""
        return self.text[self._offset(start) : self._offset(end)]

    def _position(self, offset: int) -> Position:
        before = self.text[:offset]
        return Position(before.count("\n"), _units(before.rpartition("\n")[2]))

    def _offset(self, position: Json) -> int:
        lines = self.text.split("\n")
        row = position["line"]
        column = lines[row].encode("utf-16-le")[: 2 * position["character"]].decode("utf-16-le")
        return sum(len(line) + 1 for line in lines[:row]) + len(column)


class LanguageServer:
    """A running server; use it in a `with` block, which shuts it down and leaves no process behind.

    `settings` maps a section (`yaml`, `http`) to what the editor is configured with. `timeout` bounds every
    question, in seconds; past it, and when the server dies, LanguageServerError is raised.
    """

    def __init__(
        self, command: Sequence[str], *, root: Path, settings: Mapping[str, Any], timeout: float = 30.0
    ) -> None:
        self._settings = settings
        self._timeout = timeout
        self._messages: queue.SimpleQueue[Json | None] = queue.SimpleQueue()
        self._answers: dict[int, Json] = {}
        self._published: dict[str, list[Json]] = {}
        self._configured = False
        self._last_id = 0
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the server)
        self._process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input: IO[bytes] = self._process.stdin
        self._output: IO[bytes] = self._process.stdout
        self._reader = threading.Thread(target=self._read_all, daemon=True)
        self._reader.start()
        try:
            self._introduce(root)
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> LanguageServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._request("shutdown")
                self._send({"method": "exit"})
                self._process.wait(timeout=self._timeout)
        finally:
            self._end()

    def open(self, path: Path, text: str) -> Document:
        """Open a document with this text; the file need not exist. A path can be opened once."""
        document = Document(path, text)
        if document.uri in self._published:
            raise ValueError(f"{path} is open already")
        self._published[document.uri] = []
        item = {"uri": document.uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": item}})
        return document

    def complete(self, document: Document, position: Position) -> list[Json]:
        """Return the completion items that are offered at a place, in the server's order."""
        answer = self._request("textDocument/completion", _at(document, position))
        items: list[Json] = answer["items"] if isinstance(answer, dict) else answer or []
        return items

    def hover(self, document: Document, position: Position) -> str:
        """Return what is shown over a place, in Markdown; empty where there is nothing."""
        answer = self._request("textDocument/hover", _at(document, position))
        if not answer:
            return ""
        contents = answer["contents"]
        return contents if isinstance(contents, str) else str(contents["value"])

    def diagnose(self, document: Document) -> list[Mark]:
        """Return everything the server marks in a document, waiting for its first verdict."""
        self._wait(lambda: bool(self._published[document.uri]), "publish diagnostics")
        latest = self._published[document.uri][-1]["diagnostics"]
        return [
            Mark(
                text=document.between(found["range"]["start"], found["range"]["end"]),
                message=found["message"],
                start=Position(**found["range"]["start"]),
                severity=found.get("severity", 1),
            )
            for found in latest
        ]

    def _introduce(self, root: Path) -> None:
        uri = root.absolute().as_uri()
        capabilities = {
            "workspace": {"configuration": True, "workspaceFolders": True},
            "textDocument": {
                "completion": {
                    "completionItem": {"documentationFormat": ["markdown"], "snippetSupport": True},
                    "contextSupport": True,
                },
                "hover": {"contentFormat": ["markdown"]},
                "publishDiagnostics": {"relatedInformation": True},
            },
        }
        folders = [{"uri": uri, "name": root.name}]
        self._request(
            "initialize",
            {"processId": None, "rootUri": uri, "workspaceFolders": folders, "capabilities": capabilities},
        )
        self._send({"method": "initialized", "params": {}})
        # What is opened before the server knows its settings is judged without a schema.
        self._wait(lambda: self._configured, "ask for its configuration")

    def _request(self, method: str, params: Json | None = None) -> Any:
        self._last_id += 1
        mine = self._last_id
        self._send({"id": mine, "method": method, **({} if params is None else {"params": params})})
        self._wait(lambda: mine in self._answers, f"answer {method}")
        answer = self._answers.pop(mine)
        if "error" in answer:
            raise LanguageServerError(f"{method}: {answer['error']['message']}")
        return answer.get("result")

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        """Take in messages until `done`; `what` names what was awaited, for the error."""
        deadline = time.monotonic() + self._timeout
        while not done():
            try:
                message = self._messages.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise LanguageServerError(f"the server did not {what} in {self._timeout:g} seconds") from None
            if message is None:
                raise LanguageServerError(f"the server ended before it could {what}: {self._last_words()}")
            self._take_in(message)

    def _take_in(self, message: Json) -> None:
        match message:
            case {"method": "textDocument/publishDiagnostics", "params": published}:
                self._published.setdefault(published["uri"], []).append(published)
            case {"method": "workspace/configuration", "id": asked, "params": {"items": items}}:
                self._send(
                    {"id": asked, "result": [self._settings.get(item.get("section")) for item in items]}
                )
                self._configured = True
            case {"method": _, "id": asked}:
                self._send({"id": asked, "result": None})
            case {"id": answered} if "method" not in message:
                self._answers[answered] = message

    def _send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        try:
            self._input.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            self._input.flush()
        except OSError as broken:
            raise LanguageServerError(f"the server has ended: {self._last_words()}") from broken

    def _read_all(self) -> None:
        """Pass every message on, and None at the end of the stream; runs on a thread of its own."""
        try:
            while (message := _read(self._output)) is not None:
                self._messages.put(message)
        finally:
            self._messages.put(None)

    def _last_words(self) -> str:
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip()
        return said[-500:] or "it said nothing"

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._input, self._output, self._errors):
            with suppress(OSError):  # what a dead server did not read is lost
                stream.close()


def _read(stream: IO[bytes]) -> Json | None:
    """Read one message; None where the stream ends."""
    length = 0
    while (line := stream.readline().strip()) or not length:
        name, separator, value = line.partition(b":")
        if not separator:
            return None
        if name.lower() == b"content-length":
            length = int(value)
    message: Json = json.loads(stream.read(length))
    return message


def _at(document: Document, position: Position) -> Json:
    return {"textDocument": {"uri": document.uri}, "position": asdict(position)}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
