"""The decision log: what a record tells and what it never tells, and that no request ever waits for it."""

import contextlib
import hmac
import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import httpx
import jsonschema
import pytest

from tailored import Engine
from tailored.service.decision_log import DecisionLog, FileSink, UserIds
from tailored.service.metrics import Counts
from tailored.service.requests import Asked
from tests.support.serving import Served
from tests.support.shop import BOOK, write

SCHEMA = json.loads(Path("schemas/decision-log.schema.json").read_text())
SICK = {
    "user": {"id": "u-1", "country": "NO", "ills": ["knee"], "address": {"city": "Bergen"}, "age": 20},
    "context": {"page": "home", "request_id": "r-1"},
}


@pytest.fixture
def book(tmp_path):
    return write(tmp_path / "rules")


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def served_records(book, tmp_path, settings="", requests=(SICK,), env=None, after=None):
    """The records of a service that answered some requests and was ended."""
    log = tmp_path / "decisions.ndjson"
    (tmp_path / "service.yaml").write_text(f"log: {log}\n{settings}")
    with Served(book, ["--config", str(tmp_path / "service.yaml")], env=env) as served:
        for request in requests:
            assert served.evaluate(request).status_code == 200
        if after is not None:
            after(served)
        assert served.end() == 0
    found = records(log)
    for record in found:
        jsonschema.validate(record, SCHEMA)
    return found


def test_it_is_off_by_default(book, tmp_path):
    with Served(book, cwd=tmp_path) as served:
        served.evaluate(SICK)
        assert served.metric("tailored_log_records_total") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["rules"]


def test_a_record_tells_what_was_decided_and_by_which_rules(book, tmp_path):
    (record,) = served_records(book, tmp_path, requests=[{**SICK, "now": "2026-11-24T10:00:00Z"}])
    assert record["book"] == Engine.load(book).version
    assert record["now"] == "2026-11-24T10:00:00Z"
    assert record["slots"]["hero"] == {"reason": "rule", "content": "hello", "rule": "norway"}
    assert record["slots"]["bare"] == {"reason": "default", "content": None, "rule": None}
    assert record["slots"]["list"] == {
        "reason": "rule",
        "items": [{"content": "a", "rule": "norway"}, {"content": "b", "rule": "grown"}],
    }
    assert record["slots"]["modules"] == {"reason": "rule", "rule": "norway", "order": ["m3", "m1", "m2"]}
    assert record["settings"]["text"] == {"value": "team", "rule": "norway"}


def test_it_never_tells_what_attributes_hold(book, tmp_path):
    (record,) = served_records(book, tmp_path)
    said = json.dumps(record)
    assert not [value for value in ("u-1", "Bergen", "knee", "r-1", '"NO"') if value in said]
    assert "attributes" not in record


def test_listed_attributes_are_told_if_the_guard_lets_them_through(book, tmp_path):
    listed = "log_attributes: [user.city, user.ills, context.page, context.request_id]\n"
    consenting = {**SICK, "user": {**SICK["user"], "consents": {"health": True}}}
    silent, open_ = served_records(book, tmp_path, listed, [SICK, consenting])
    assert silent["attributes"] == {
        "user.city": "Bergen",
        "context.page": "home",
        "context.request_id": "r-1",
    }
    assert open_["attributes"] == {**silent["attributes"], "user.ills": ["knee"]}


def test_rankings_are_told_with_their_scorer_and_propensities_and_fallbacks_are_counted(tmp_path):
    ranked = BOOK + "  ranked: {when: always, priority: 900, show: {list: {top: 2, of: [a, b], by: mine}}}\n"
    book = write(tmp_path / "rules", ranked + "scorers: {mine: {kind: python, features: [user.country]}}\n")
    counted = []

    def count(served):
        counted.append(served.metric("tailored_scorer_fallbacks_total", slot="list", scorer="mine"))

    (record,) = served_records(book, tmp_path, after=count)
    told = record["slots"]["list"]
    assert (told["scorer"]["name"], told["scorer"]["fallback"]) == ("mine", True)
    assert [item["content"] for item in told["items"]] == ["a", "b"]
    assert all(0 < item["propensity"] <= 1 for item in told["items"])
    assert counted == [1]


def test_withheld_topics_are_told(tmp_path):
    rules = BOOK + "  sore:\n    topic: health\n    when: always\n    show: {bare: a}\n"
    book = write(tmp_path / "rules", rules)
    (record,) = served_records(book, tmp_path)
    assert record["withheld"] == ["health"]


def test_ids_of_users_are_hashed_under_the_secret_unless_configured(book, tmp_path):
    (hashed,) = served_records(book, tmp_path, env={"TAILORED_LOG_SECRET": "one"})
    assert hashed["user"] == hmac.new(b"one", b"u-1", "sha256").hexdigest()
    (tmp_path / "decisions.ndjson").unlink()
    (plain,) = served_records(book, tmp_path, "log_user_ids: plain\n")
    assert plain["user"] == "u-1"


def test_an_id_with_a_label_is_told_by_consent_only(tmp_path):
    labelled = BOOK.replace("  user:\n", "  user:\n    id: {type: string, topic: health}\n", 1)
    consenting = {**SICK, "user": {**SICK["user"], "consents": {"health": True}}}
    requests = [SICK, consenting]
    silent, told = served_records(
        write(tmp_path / "rules", labelled), tmp_path, "log_user_ids: plain\n", requests
    )
    assert (silent["user"], told["user"]) == (None, "u-1")


def test_without_a_secret_hashes_are_of_this_start_only_and_that_is_said(book, tmp_path):
    with Served(book, ["--log", str(tmp_path / "log")], env={"TAILORED_LOG_SECRET": ""}) as served:
        served.evaluate(SICK)
        assert any("TAILORED_LOG_SECRET is not set" in line for line in served.said)
    (record,) = records(tmp_path / "log")
    assert len(record["user"]) == 64


def test_a_question_for_one_slot_is_a_record_of_that_slot(book, tmp_path):
    def ask(served):
        served.evaluate(SICK, slots=["hero", "text"])
        served.client.post("/ofrep/v1/evaluate/flags/on", json={"context": {"targetingKey": "u-1"}})

    _, some, flag = served_records(book, tmp_path, after=ask)
    assert ([*some["slots"]], [*some["settings"]]) == (["hero"], ["text"])
    assert ([*flag["slots"]], [*flag["settings"]]) == ([], ["on"])


@pytest.mark.parametrize(
    "name, said",
    [
        ("user.shoe", "the book has no attribute `user.shoe`"),
        ("user.ctiy", r"no attribute `user.ctiy`. Did you mean `user.city`\?"),
        ("page", "Write it whole: context.page."),
    ],
)
def test_an_attribute_that_the_book_does_not_have_cannot_be_listed(book, tmp_path, name, said):
    (tmp_path / "service.yaml").write_text(f"log: x\nlog_attributes: [{name}]\n")
    with pytest.raises(AssertionError, match=said):
        Served(book, ["--config", str(tmp_path / "service.yaml")]).__enter__()


def test_a_log_that_cannot_be_opened_is_said_at_once(book, tmp_path):
    with pytest.raises(AssertionError, match="cannot be opened"):
        Served(book, ["--log", str(tmp_path / "nowhere" / "log")]).__enter__()


def test_a_log_that_somebody_moves_aside_or_removes_is_begun_anew(tmp_path):
    path = tmp_path / "log.ndjson"
    sink = FileSink(path)
    sink.write([{"time": 1}])
    path.rename(tmp_path / "old")
    sink.write([{"time": 2}])
    assert ((tmp_path / "old").read_text(), path.read_text()) == ('{"time":1}\n', '{"time":2}\n')
    path.unlink()
    sink.write([{"time": 3}])
    assert path.read_text() == '{"time":3}\n'


def test_a_file_that_holds_something_else_is_left_as_it_is(book, tmp_path):
    poem = tmp_path / "poem.txt"
    for text in ("My only copy, without a newline", '{\n  "keys": {}\n}'):
        poem.write_text(text)
        with pytest.raises(AssertionError, match="it holds something else than decisions"):
            Served(book, ["--log", str(poem)]).__enter__()
        assert poem.read_text() == text


def test_every_moment_of_a_kill_leaves_whole_records(book, tmp_path):
    """It is killed at random moments under load; what is in the file can be read, and a restart goes on."""
    log = tmp_path / "decisions.ndjson"
    lines = [json.dumps(SICK)] * 3000
    for delay in (0.03, 0.3):
        with Served(book, ["--log", str(log)]) as served:
            threading.Timer(delay, served.signal, [signal.SIGKILL]).start()
            with contextlib.suppress(httpx.HTTPError):  # it is gone, as it should be
                for _ in range(50):
                    served.client.post(
                        "/v1/evaluate/batch",
                        content="\n".join(lines),
                        headers={"content-type": "application/x-ndjson"},
                    )
            assert served.process.wait(20) == -signal.SIGKILL
        whole, _, _ = log.read_bytes().rpartition(b"\n")
        found = [json.loads(line) for line in whole.splitlines()]
        assert all(record["slots"]["hero"]["content"] == "hello" for record in found)
    with Served(book, ["--log", str(log)]) as served:
        served.evaluate(SICK)
    assert records(log)[-1]["slots"]["hero"]["content"] == "hello"


class TestTheFile:
    def test_a_last_record_that_lacks_its_newline_only_is_kept(self, tmp_path):
        path = tmp_path / "log"
        path.write_bytes(b'{"a": 1}\n{"b": 2}')
        FileSink(path).write([{"c": 3}])
        assert path.read_bytes() == b'{"a": 1}\n{"b": 2}\n{"c":3}\n'

    def test_an_incomplete_last_record_is_taken_off(self, tmp_path):
        path = tmp_path / "log"
        path.write_bytes(b'{"a": 1}\n' + b'{"b": ' + b"x" * 200_000)
        FileSink(path).write([{"c": 3}])
        assert records(path) == [{"a": 1}, {"c": 3}]
        path.write_bytes(b'{"' + b"x" * 200_000)
        FileSink(path).write([{"c": 3}])
        assert records(path) == [{"c": 3}]

    def test_it_is_moved_aside_when_it_is_full_and_only_some_are_kept(self, tmp_path):
        sink = FileSink(tmp_path / "log", size=100, keep=2)
        for number in range(40):
            sink.write([{"number": number}])
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == ["log", "log.1", "log.2"]
        kept = [one["number"] for name in reversed(names) for one in records(tmp_path / name)]
        assert kept == [*range(kept[0], 40)]
        assert all((tmp_path / name).stat().st_size <= 100 for name in names)

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
    def test_a_full_disk_loses_records_and_nothing_else(self, book):
        with Served(book, ["--log", "/dev/full"]) as served:
            for _ in range(20):
                assert served.evaluate(SICK).status_code == 200
            end = time.monotonic() + 10
            while served.metric("tailored_log_lost_total", reason="sink") < 20 and time.monotonic() < end:
                time.sleep(0.05)
            assert served.metric("tailored_log_lost_total", reason="sink") == 20
            assert served.metric("tailored_log_records_total") == 0
            assert any("No space left on device" in line for line in served.said)
            assert served.end() == 0

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
    def test_a_disk_that_fills_up_holds_whole_records_and_takes_more_once_it_is_emptied(self, tmp_path):
        disk = tmp_path / "disk"
        disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, text=True
        )
        if mounted.returncode:
            pytest.skip(f"no small disk can be made here: {mounted.stderr.strip()}")
        try:
            sink = FileSink(disk / "log", size=10**9)
            written = 0
            with contextlib.suppress(OSError):  # that the disk is full is what this is about
                while written < 1000:
                    sink.write([{"filler": "x" * 1000, "number": written + one} for one in range(7)])
                    written += 7
            assert 0 < written < 100
            assert [one["number"] for one in records(disk / "log")] == [*range(written)]
            os.truncate(disk / "log", 0)
            sink.write([{"again": True}])
            assert records(disk / "log") == [{"again": True}]
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)


class _Sink:
    """A sink with the one method that it needs."""

    def __init__(self, hold=None, error=None):
        self.records, self.hold, self.error = [], hold, error

    def write(self, records):
        if self.hold is not None:
            self.hold.wait(20)
        if self.error is not None:
            raise self.error
        self.records += records


@pytest.fixture
def decide(book):
    engine = Engine.load(book)

    def decide(log, times=1):
        for _ in range(times):
            asked = Asked(SICK["user"], SICK["context"], None, ())
            log.put(asked, engine.evaluate(asked.user, asked.context))

    return decide


def lost(log):
    counts = Counts()
    log.count(counts)
    return {labels[0]: count for labels, count in counts.counters["tailored_log_lost"].items() if count}


def test_a_slow_sink_holds_up_nobody_and_what_is_too_much_is_counted(decide):
    hold = threading.Event()
    sink = _Sink(hold)
    log = DecisionLog(sink, UserIds(b"secret"), most_waiting=10)
    started = time.monotonic()
    decide(log, 600)
    assert time.monotonic() - started < 10  # the sink would have held it up for 20 seconds
    hold.set()
    log.close()
    assert len(sink.records) + lost(log)["queue"] == 600
    assert len(sink.records) >= 10


def written_after(error, decide):
    """The log of a sink that lost five records to an error, and then got three."""
    sink = _Sink(error=error)
    log = DecisionLog(sink, UserIds(b"secret"))
    decide(log, 5)
    while lost_so_far(log) < 5:
        time.sleep(0.01)
    sink.error = None
    decide(log, 3)
    log.close()
    assert len(sink.records) == 3
    return log


def test_a_sink_that_fails_loses_its_records_and_gets_the_next(decide, caplog):
    log = written_after(RuntimeError("broken by Kari"), decide)
    assert lost(log) == {"sink": 5}
    first, last = caplog.messages
    assert re.search(r"RuntimeError in .*test_decision_log.py, line \d+$", first)
    assert last == "The decision log is written again; 5 records are lost"


def test_a_sink_that_calls_exit_loses_its_records_and_gets_the_next(decide):
    written_after(SystemExit(3), decide)


def test_what_a_slow_sink_leaves_at_the_end_is_said(decide, caplog):
    hold = threading.Event()
    log = DecisionLog(_Sink(hold), UserIds(b"secret"))
    decide(log, 1)
    while log._waiting:  # until the sink has it
        time.sleep(0.01)
    decide(log, 7)
    log.close(seconds=0.1)
    hold.set()
    assert caplog.messages == ["The decision log ends with 7 records unwritten"]


def test_what_makes_no_sink_is_said_in_a_line(book, tmp_path):
    (tmp_path / "ours.py").write_text(
        "def broken():\n    raise RuntimeError('no disk')\n\nclass Mute: pass\n"
    )
    for name, said in ("broken", "RuntimeError: no disk"), ("Mute", "no attribute 'write'"):
        with pytest.raises(AssertionError, match=said) as failed:
            Served(book, ["--log-sink", f"ours:{name}"], cwd=tmp_path).__enter__()
        assert "Traceback" not in str(failed.value)


def lost_so_far(log):
    return log.lost["sink"]


def test_any_sink_with_one_method_can_be_named_on_the_command_line(book, tmp_path):
    (tmp_path / "ours.py").write_text(
        "class Sink:\n"
        "    def write(self, records):\n"
        "        open('seen', 'a').writelines(str(record['user']) + '\\n' for record in records)\n"
    )
    env = {"TAILORED_LOG_SECRET": "x"}
    with Served(book, ["--log-sink", "ours:Sink"], env=env, cwd=tmp_path) as served:
        served.evaluate(SICK)
    assert len((tmp_path / "seen").read_text().split()) == 1
    with pytest.raises(AssertionError, match="makes no sink"):
        Served(book, ["--log-sink", "ours:Nothing"], env=env, cwd=tmp_path).__enter__()


def test_several_workers_write_a_file_each(book, tmp_path):
    with Served(book, ["--log", str(tmp_path / "log.ndjson"), "--workers", "2"]) as served:
        for _ in range(40):
            assert served.on_a_fresh_connection("POST", "/v1/evaluate", SICK)[0] == 200
    found = [records(tmp_path / f"log.{number}.ndjson") for number in range(2)]
    assert sum(map(len, found)) == 40
    assert len({record["user"] for one in found for record in one}) == 1
