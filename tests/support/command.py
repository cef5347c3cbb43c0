"""The command line as people run it: `tailored` in this process, which is quicker, or any command in its own.

That a process of its own answers alike is what tests/test_command.py is about.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner

from tailored.cli import main

BIN = Path(sys.executable).parent
"""Where the commands are that were installed beside this Python."""


def tailored(
    *arguments: object, cwd: str | Path = ".", stdin: str | bytes = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs `tailored` in this process, in a folder. What it does not catch is raised."""
    command = [str(one) for one in arguments]
    with chdir(cwd):
        done = CliRunner().invoke(
            main, command, stdin, environment, catch_exceptions=False, prog_name="tailored"
        )
    return subprocess.CompletedProcess(command, done.exit_code, done.stdout, done.stderr)


def run(
    command: list[object], cwd: str | Path = ".", stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs any command in a process of its own; it finds `tailored` as people do, by the path."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    return subprocess.run(
        [str(one) for one in command],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path, **environment},
    )


def git(folder: Path, *arguments: str) -> str:
    """What git prints, as somebody with a name."""
    who = ["-c", "user.name=Kari", "-c", "user.email=kari@example.org", "-c", "commit.gpgsign=false"]
    done = run(["git", *who, *arguments], folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
