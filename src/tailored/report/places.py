"""Where findings are: their paths as a terminal opens them, and as a repository knows them."""

from __future__ import annotations

import os
from pathlib import Path

from tailored.book.diagnostics import Span


def in_terminal(folder: str, span: Span) -> str:
    """`rules/home.yaml:14:13`."""
    return f"{os.path.join(folder, '')}{span}"


def repository_root(folder: str) -> Path:
    """The root of the repository that a folder is in; where it is in none, the current folder."""
    real = Path(os.path.realpath(folder))
    for parent in (real, *real.parents):
        if (parent / ".git").exists():
            return parent
    return Path(os.path.realpath("."))


def in_repository(folder: str, span: Span) -> str:
    """A file's path from the root of its repository, with `/`; absolute where it is outside."""
    path = Path(os.path.realpath(folder), *span.path.split("/"))
    root = repository_root(folder)
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
