"""Finds the tools written in JavaScript that some tests drive, and installs them on first need.

Their versions are pinned in the `package.json` at the top of the project. They go to `.tools/node`, in a
folder named after that file's contents, so a new pin is a new folder and an old one is never half-updated.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OLDEST_NODE = 20
INSTALL_SECONDS = 300


class NodeToolMissing(Exception):
    """A tool cannot be had here; the message says why, as the reason of a skipped test."""


def yaml_language_server() -> list[str]:
    """Return the command that starts the language server for YAML on standard input and output.

    Raises NodeToolMissing where Node is absent or too old, or where the install fails.
    """
    node = _node()
    script = _installed() / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    if not script.is_file():
        raise NodeToolMissing(f"the installed yaml-language-server has no {script.name} to start")
    return [node, str(script), "--stdio"]


def node_script(script: Path, given: object, seconds: int = 120) -> Any:
    """What a script for Node prints as JSON, given JSON on standard input. It may import what is installed.

    Raises NodeToolMissing as above, AssertionError where the script fails.
    """
    copy = _installed() / script.name
    shutil.copy(script, copy)
    done = subprocess.run(
        [_node(), str(copy)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{script.name} failed: {done.stderr}")
    return json.loads(done.stdout)


def bundle(script: Path, to: Path) -> None:
    """Makes one file for a page of a script and everything it imports, with esbuild."""
    folder = _installed()
    copy = folder / script.name
    shutil.copy(script, copy)
    subprocess.run(
        [str(folder / "node_modules" / ".bin" / "esbuild"), str(copy), "--bundle", f"--outfile={to}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def sarif_schema() -> dict[str, Any]:
    """Return the JSON Schema of SARIF 2.1.0, from the package in which Microsoft ships it for tests.

    Raises NodeToolMissing where npm is absent, or the install fails.
    """
    folder = _installed() / "node_modules" / "@microsoft" / "jest-sarif" / "lib" / "schemas"
    schema: dict[str, Any] = json.loads((folder / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
    return schema


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise NodeToolMissing("Node is not installed (no `node` on the PATH)")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    major = said.strip().removeprefix("v").partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST_NODE:
        raise NodeToolMissing(
            f"Node {OLDEST_NODE} or newer is needed, and `node --version` says {said.strip()!r}"
        )
    return node


def _installed() -> Path:
    """Return the folder that holds the tools, filled at the first call ever."""
    manifest = ROOT / "package.json"
    home = ROOT / ".tools" / "node"
    folder = home / hashlib.sha256(manifest.read_bytes()).hexdigest()[:12]
    if folder.is_dir():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="installing-", ignore_cleanup_errors=True) as scratch:
        fresh = Path(scratch) / "tools"
        fresh.mkdir()
        shutil.copy(manifest, fresh)
        _npm_install(fresh)
        try:
            fresh.rename(folder)
        except OSError:
            # Another test process was faster; what it installed is the same.
            if not folder.is_dir():
                raise
    return folder


def _npm_install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NodeToolMissing("npm is not installed (no `npm` on the PATH)")
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run(
            [*command, "--prefix", str(folder)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as failed:
        lines = [line for line in failed.stderr.splitlines() if line.strip()]
        raise NodeToolMissing(f"npm install failed: {lines[0] if lines else failed}") from failed
    except subprocess.TimeoutExpired as slow:
        raise NodeToolMissing(f"npm install took more than {INSTALL_SECONDS} seconds") from slow
