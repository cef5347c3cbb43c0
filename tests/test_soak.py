"""A minute at full load with everything that goes wrong: no 5xx, no growth of memory, and exact counts."""

import contextlib
import http.client
import json
import random
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.support.serving import Served
from tests.support.shop import BOOK, write

SECONDS = 60
WARM_UP = 20
MALFORMED = 2_000
JSON = {"content-type": "application/json"}
GOOD = [
    b'{"user": {"country": "NO"}, "context": {"page": "home"}}',
    b'{"user": {}, "context": {}, "slots": ["hero"]}',
]
HEAD = (
    b"POST /v1/evaluate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n"
)


def malformed(dice):
    """A body that is refused, of a kind that somebody might send, and the statuses that are right for it."""
    kind = dice.randrange(8)
    if kind == 0:
        odd = bytes(dice.randrange(128, 256) for _ in range(9))
        return b'{"user": {"country": "N' + odd + b'"}}', JSON, {400}
    if kind == 1:
        whole = dice.choice(GOOD)
        return whole[: dice.randrange(len(whole) - 1)], JSON, {400}
    if kind == 2:
        depth = dice.randrange(40, 3000)
        return b'{"user": {"x": ' + b"[" * depth + b"]" * depth + b'}, "context": {}}', JSON, {400}
    if kind == 3:
        wrong = dice.choice([None, 5, "x", [], True, 1.5, [{}]])
        field = dice.choice(["user", "context", "slots", "now"])
        asked = {"user": {}, "context": {}, field: wrong}
        if field == "slots" and wrong == []:
            asked["slots"] = [0]
        if field == "now" and wrong == "x":
            asked["now"] = "yesterday"
        return json.dumps(asked).encode(), JSON, {400}
    if kind == 4:
        return dice.choice(GOOD).decode().encode(dice.choice(["utf-16", "utf-32"])), JSON, {400}
    if kind == 5:
        return dice.choice(GOOD), {"content-type": dice.choice(["text/plain", "image/png"])}, {415}
    if kind == 6:
        return b'{"user": {}, "context": {}, "extra": 1}', JSON, {400}
    return dice.randbytes(dice.randrange(1, 300)), JSON, {400}


class Load:
    """Threads that ask until they are told to end. What they were answered is in `statuses`."""

    def __init__(self, served):
        self.address = served.url.removeprefix("http://")
        self.port = int(self.address.rpartition(":")[2])
        self.statuses, self.wrong, self.malformed = Counter(), [], 0
        self.going, self.lock = threading.Event(), threading.Lock()
        self.going.set()

    def note(self, status, right, what):
        with self.lock:
            self.statuses[str(status)] += 1
            if status not in right:
                self.wrong.append((status, what))

    def ask(self, seed):
        """Good requests on a connection that is kept."""
        dice = random.Random(seed)
        connection = http.client.HTTPConnection(self.address, timeout=60)
        while self.going.is_set():
            connection.request("POST", "/v1/evaluate", dice.choice(GOOD), JSON)
            answer = connection.getresponse()
            json.loads(answer.read())
            self.note(answer.status, {200}, "good")
        connection.close()

    def spoil(self, seed):
        """Bodies that cannot be used, one after the other."""
        dice = random.Random(seed)
        connection = http.client.HTTPConnection(self.address, timeout=60)
        while self.going.is_set() or self.malformed < MALFORMED:
            body, headers, right = malformed(dice)
            connection.request("POST", "/v1/evaluate", body, headers)
            answer = connection.getresponse()
            answer.read()
            self.note(answer.status, right, body[:80])
            self.malformed += 1
            time.sleep(0.005)
        connection.close()

    def oversize(self):
        """Bodies that are too large."""
        while self.going.is_set():
            connection = http.client.HTTPConnection(self.address, timeout=60)
            connection.request("POST", "/v1/evaluate", b'{"user": {"x": "' + b"x" * 1_500_000, JSON)
            answer = connection.getresponse()
            answer.read()
            self.note(answer.status, {413}, "large")
            connection.close()
            time.sleep(0.2)

    def leave(self, seed):
        """Clients that go away in the middle, or dribble."""
        dice = random.Random(seed)
        while self.going.is_set():
            with (
                contextlib.suppress(OSError),  # it was cut off, as it should be
                socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection,
            ):
                for byte in HEAD[: dice.randrange(len(HEAD) - 1)][:: dice.randrange(1, 40)]:
                    connection.sendall(bytes([byte]))
                if dice.random() < 0.5:
                    time.sleep(0.02)
            with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
                connection.sendall(HEAD + b'{"user": {')
                time.sleep(0.02)


def memory(pid):
    """What a process holds in memory, in kilobytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_minute_of_everything_at_once(tmp_path):
    book = write(tmp_path / "rules")
    with Served(book) as served:
        load = Load(served)
        work = [load.ask] * 6 + [load.spoil, load.leave, load.leave]
        threads = [threading.Thread(target=one, args=(seed,)) for seed, one in enumerate(work)]
        threads.append(threading.Thread(target=load.oversize))
        for thread in threads:
            thread.start()
        started, reloads, samples = time.monotonic(), 0, []
        while (passed := time.monotonic() - started) < SECONDS:
            number = reloads % 7
            edition = BOOK.replace("title: Welcome", f"title: Edition {number}")
            write(book, edition if number < 6 else "rules: {r: {}}")
            connection = http.client.HTTPConnection(load.address, timeout=60)
            connection.request("POST", "/v1/book/reload")
            assert connection.getresponse().status == (409 if number == 6 else 200)
            connection.close()
            reloads += 1
            if passed > WARM_UP:
                samples.append(memory(served.process.pid))
            time.sleep(0.1)
        load.going.clear()
        for thread in threads:
            thread.join(60)
        half = len(samples) // 2
        before, after = max(samples[:half]), max(samples[half:])
        print(
            f"\n{dict(load.statuses)}, {load.malformed} malformed, {reloads} reloads, "
            f"{before:,} KB then {after:,} KB"
        )
        assert load.wrong == []
        assert load.malformed >= MALFORMED
        assert not [status for status in load.statuses if status >= "500"]
        assert after <= before * 1.1
        for status, count in load.statuses.items():
            counted = served.metric("tailored_requests_total", endpoint="/v1/evaluate", status=status)
            assert counted == count, status
        assert served.metric("tailored_requests_total", endpoint="/v1/book/reload") == reloads
        assert served.metric("tailored_evaluations_total") == load.statuses["200"]
        assert served.metric("tailored_decisions_total", slot="hero") == load.statuses["200"]
        assert served.metric("tailored_disconnects_total") > 0
        assert not [line for line in served.said if "Traceback" in line]
