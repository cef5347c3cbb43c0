"""The files of a rule book: which there are, in which order, and their texts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tailored.book.diagnostics import BookNotReadable

ENDINGS = (".yaml", ".yml")


class NoFile(bytes):
    """Stands for the content of what is named like a rule file and cannot be read; it says why, in UTF-8."""


NOTHING: Mapping[str, bytes] = {}


def read_sources(folder: str | os.PathLike[str], unsaved: Mapping[str, bytes] = NOTHING) -> dict[str, bytes]:
    """The files of the book at `folder`: path relative to it (with `/`) to content, in book order.

    What is `unsaved` takes the place of the files of those names, or stands beside the others. Raises
    BookNotReadable, with one line that says why, where there is no such folder, where it or a file in it may
    not be read, or where it holds no rule files.
    """
    root = Path(folder)
    if not os.fspath(folder):  # mostly a variable of a script that is not set; Path would take it for `.`
        raise BookNotReadable("no folder is named: the name is empty")
    if root.is_file():
        raise BookNotReadable(f"{root} is a file; a rule book is a folder: name the folder it is in")
    if not root.is_dir():
        raise BookNotReadable(f"there is no folder {root}")
    try:
        found = {tuple(path.relative_to(root).parts): path for path in _walk(root, set())}
        names = {parts: "/".join(_printable(part) for part in parts) for parts in found}
        sources = {
            names[parts]: _read(found[parts]) for parts in sorted(found) if names[parts] not in unsaved
        }
    except OSError as error:
        raise BookNotReadable(f"{error.filename or root} cannot be read: {error.strerror}") from error
    if unsaved:
        return in_book_order({**sources, **unsaved})
    if not sources:
        raise BookNotReadable(f"{root} holds no .yaml files")
    return sources


def in_book_order(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Sources sorted by their paths, compared part by part as plain strings."""
    return {path: sources[path] for path in sorted(sources, key=lambda path: path.split("/"))}


def _walk(folder: Path, seen: set[str]) -> Iterator[Path]:
    """What is named like a rule file below a folder. Links are followed, each folder once."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), seen)
        elif entry.name.endswith(ENDINGS):
            yield Path(entry.path)


def _read(path: Path) -> bytes:
    """What a file holds. Pipes, sockets and devices are not opened, as they could block or never end."""
    if path.is_file():
        return path.read_bytes()
    if path.is_symlink() and not path.exists():
        return NoFile(b"it is a link to a file that is not there")
    return NoFile(b"it is no regular file, but a pipe, a socket or a device")


def _printable(part: str) -> str:
    """A file's name as text that every terminal and every JSON reader takes."""
    return part.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
