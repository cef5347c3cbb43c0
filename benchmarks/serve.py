"""The service under load, as a part of what the barest echo endpoint on the same server can do.

Server and load generator (wrk) have a core each. An endpoint and the echo take turns of a second each, with
the same requests, and each turn is compared with that of the echo right before or after it: what else the
machine does weighs on both alike. Told are the medians of the rounds.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.books import make
from benchmarks.tables import show

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 50
SECONDS = 1
WARM_UP = 3
"""Seconds that each has before its first turn."""
ROUNDS = 20
RULES = 10_000
SCRIPT = """
local bodies, next = {}, 0
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
request = function()
  next = next % #bodies + 1
  return wrk.format("POST", os.getenv("AT"), {["Content-Type"] = "application/json"}, bodies[next])
end
done = function(summary, latency, requests)
  io.write(string.format("ASKED %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status))
end
"""


class Round(NamedTuple):
    """One round of load on one endpoint. Times are in milliseconds, `cpu` in microseconds a request."""

    rate: float
    p50: float
    p99: float
    cpu: float


def run() -> None:
    """Prints requests a second, the parts of the echo's, and the spread of the latency."""
    for tool in ("wrk", "taskset"):
        if shutil.which(tool) is None:
            print(f"{tool} is not installed; on Debian: apt-get install wrk util-linux")
            return
    with tempfile.TemporaryDirectory() as folder:
        book = make("selective", RULES)
        (Path(folder) / "rules").mkdir()
        (Path(folder) / "rules" / "book.yaml").write_text(book.text)
        examples = [
            json.loads(path.read_text()) for path in sorted((ROOT / "examples" / "requests").glob("*.json"))
        ]
        shop = _bodies(folder, "shop", examples)
        many = _bodies(
            folder, "many", [{"user": user, "context": context} for user, context in book.requests]
        )
        serve = [sys.executable, "-m", "tailored", "serve"]
        echo = [sys.executable, str(ROOT / "benchmarks" / "echo.py")]
        endpoints = {
            "echo, the shop's requests": (echo, "/", shop),
            "evaluate, the shop": ([*serve, str(ROOT / "rules"), "--port"], "/v1/evaluate", shop),
            "echo, the same again": (echo, "/", shop),
            "evaluate, the shop unranked": ([*serve, _unranked(folder), "--port"], "/v1/evaluate", shop),
            f"echo, requests of {RULES:,} rules": (echo, "/", many),
            f"evaluate, {RULES:,} rules": ([*serve, f"{folder}/rules", "--port"], "/v1/evaluate", many),
        }
        script = Path(folder) / "load.lua"
        script.write_text(SCRIPT)
        rounds: dict[str, list[Round]] = {name: [] for name in endpoints}
        servers = {name: _Server(command) for name, (command, _, _) in endpoints.items()}
        try:
            for name, (_, path, bodies) in endpoints.items():
                servers[name].load(script, path, bodies, WARM_UP)
            names = list(endpoints)
            for number in range(ROUNDS):
                for pair in zip(names[::2], names[1::2], strict=True):
                    for name in pair if number % 2 else reversed(pair):  # none is always the first
                        _, path, bodies = endpoints[name]
                        rounds[name].append(servers[name].load(script, path, bodies, SECONDS))
        finally:
            for server in servers.values():
                server.end()
    _report(rounds)


def _report(rounds: dict[str, list[Round]]) -> None:
    rows: list[list[str | float]] = []
    names = list(rounds)
    for place, name in enumerate(names):
        echo = rounds[names[place - place % 2]]
        parts = [one.rate / other.rate for one, other in zip(rounds[name], echo, strict=True)]
        cpu = [other.cpu / one.cpu for one, other in zip(rounds[name], echo, strict=True)]
        rows.append(
            [
                name,
                median(one.rate for one in rounds[name]),
                f"{median(parts):.0%}" if place % 2 else "",
                f"{median(cpu):.0%}" if place % 2 else "",
                median(one.cpu for one in rounds[name]),
                median(one.p50 for one in rounds[name]),
                median(one.p99 for one in rounds[name]),
                median(one.p99 / one.p50 for one in rounds[name]),
            ]
        )
    heads = [
        "endpoint",
        "requests/s",
        "of the echo",
        "by CPU",
        "CPU us each",
        "p50 ms",
        "p99 ms",
        "p99 / p50",
    ]
    show(
        f"{CONNECTIONS} connections (targets: 65% of echo, 45% at {RULES:,} rules, p99 at most 5 medians)",
        heads,
        rows,
    )


class _Server:
    """A server on a core of its own; it sleeps while the others have their turn."""

    def __init__(self, command: Sequence[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            ["taskset", "-c", "0", *command, str(self.port)], env=environment, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"{command} does not listen")

    def load(self, script: Path, path: str, bodies: Path, seconds: int) -> Round:
        """One round of load. Raises RuntimeError where an answer is an error."""
        url = f"http://127.0.0.1:{self.port}"
        before = self._cpu()
        done = subprocess.run(
            [
                "taskset",
                "-c",
                "1",
                "wrk",
                "-t1",
                f"-c{CONNECTIONS}",
                f"-d{seconds}s",
                "--timeout",
                "30s",
                "-s",
                str(script),
                url,
            ],
            env={**os.environ, "BODIES": str(bodies), "AT": path},
            capture_output=True,
            text=True,
            check=True,
        )
        used = self._cpu() - before
        found = re.search(r"ASKED (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
        assert found is not None, done.stdout
        asked, duration, p50, p99, errors = map(int, found.groups())
        if errors:
            raise RuntimeError(f"{path}: {errors} errors\n{done.stdout}")
        return Round(asked / duration * 1e6, p50 / 1e3, p99 / 1e3, used / asked * 1e6)

    def end(self) -> None:
        """Ends the server."""
        self._process.terminate()
        self._process.wait(30)

    def _cpu(self) -> float:
        """Seconds of CPU time that the server has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _unranked(folder: str) -> str:
    """The example book without what scorers choose: what is left is rules and texts."""
    book = Path(folder) / "unranked"
    shutil.copytree(ROOT / "rules", book)
    (book / "for-you.yaml").unlink()
    return str(book)


def _bodies(folder: str, name: str, requests: Sequence[object]) -> Path:
    path = Path(folder) / f"{name}.ndjson"
    path.write_text("".join(f"{json.dumps(request)}\n" for request in requests))
    return path
