"""A book as it was in a revision of its git repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tailored.book.diagnostics import BookNotReadable

_SECONDS = 120


class NotThere(BookNotReadable):
    """The revision is there, and has no such folder."""


@contextmanager
def folder_at(revision: str, folder: str | os.PathLike[str]) -> Iterator[str]:
    """A folder that holds what `folder` did in a revision (a branch, a tag, a commit), for a while.

    Raises BookNotReadable, with one line that says why, where git is missing, the folder is in no repository,
    or the revision or the book in it is not there.
    """
    path = Path(os.path.realpath(folder))
    root = _root(path)
    commit = _commit(root, revision)
    name = path.relative_to(os.path.realpath(root)).as_posix()
    with TemporaryDirectory(prefix="tailored-") as scratch:
        # an index of its own leaves the one that people work with alone
        index = {"GIT_INDEX_FILE": os.path.join(scratch, "index")}
        _git(root, "read-tree", commit, **index)
        names = _git(root, "ls-files", "-z", "--", f":(literal){name}", **index)
        files = Path(scratch, "files")
        _git(root, "checkout-index", "-z", "--stdin", f"--prefix={files}/", stdin=names, **index)
        book = files / name
        if not book.is_dir():
            raise NotThere(f"there is no folder {os.fspath(folder)} in the revision {revision}")
        yield os.fspath(book)


def fork_of(first: str, second: str, folder: str | os.PathLike[str]) -> str:
    """The commit from which two revisions went apart. Raises BookNotReadable, as `folder_at` does."""
    root = _root(Path(os.path.realpath(folder)))
    return _git(root, "merge-base", _commit(root, first), _commit(root, second)).strip()


def _root(path: Path) -> Path:
    """The top of the repository that a path is in."""
    inside = next(parent for parent in (path, *path.parents) if parent.is_dir())
    return Path(_git(inside, "rev-parse", "--show-toplevel").removesuffix("\n"))


def _commit(root: Path, revision: str) -> str:
    try:
        asked = f"{revision or ' '}^{{commit}}"
        return _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", asked).split()[-1]
    except BookNotReadable:
        hint = "in a shallow clone, fetch it first"
        raise BookNotReadable(f"there is no revision {revision} in {root}; {hint}") from None


def _git(folder: Path, *arguments: str, stdin: str = "", **environment: str) -> str:
    """What git prints. Raises BookNotReadable where it is missing, or fails."""
    try:
        done = subprocess.run(
            ["git", "-C", os.fspath(folder), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            env={**_outside(), "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **environment},
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise BookNotReadable("revisions need git, and it is not on the PATH") from None
    except subprocess.TimeoutExpired:
        raise BookNotReadable(f"git took more than {_SECONDS} seconds") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it failed"]
        said = next((line for line in lines if line.startswith("fatal: ")), lines[-1]).removeprefix("fatal: ")
        mend = lines[-1].strip()  # of a repository that belongs to somebody else, git says what allows it
        raise BookNotReadable(f"git: {said}" + (f"; to allow it: {mend}" if mend.startswith("git ") else ""))
    return done.stdout


def _outside() -> dict[str, str]:
    """The environment without what git tells its hooks, which may be about another repository."""
    told = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
    return {key: value for key, value in os.environ.items() if key not in told}
