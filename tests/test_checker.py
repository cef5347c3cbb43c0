"""The checker that stays answers `validate --stdin-path` as the command does, and gets in nobody's way."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tailored as package
from tailored.report.formats import FORMATS
from tests.support.command import BIN, tailored

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes as Linux shows them")

ROOT = Path(__file__).parents[1]
HOME = (ROOT / "rules" / "home.yaml").read_bytes()
BROKEN = b"rules:\n  s\xc3\xb6m:\n    hide: [hero]\n    whne: always  # \xf0\x9f\x98\x80\n"
PATIENCE = 30.0
"""Seconds that something may take on a machine with much else to do."""


class Desk:
    """Where somebody works: with sockets of their own, so that no checker but theirs is met."""

    def __init__(self, folder: str, **environment: str) -> None:
        self.run_dir = Path(folder)
        self.place = self.run_dir / "tailored"
        kept = {key: value for key, value in os.environ.items() if key not in ("CI", "TAILORED_STAY")}
        # Python tells what it imports: the one who only asks does without click
        self.environment = {
            **kept,
            "XDG_RUNTIME_DIR": folder,
            "PYTHONPROFILEIMPORTTIME": "1",
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            **environment,
        }

    def start(self, *arguments: object, cwd: Path = ROOT, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["tailored", *map(str, arguments)],
            cwd=cwd,
            env={**self.environment, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=_as_at_a_terminal,
        )

    def run(
        self, *arguments: object, stdin: bytes = HOME, cwd: Path = ROOT, **environment: str
    ) -> tuple[int, bytes, str, bool]:
        """The exit code, both outputs, and whether a checker answered."""
        return ended(self.start(*arguments, cwd=cwd, **environment), stdin)

    def check(self, path: object = "rules/home.yaml", **named: object) -> tuple[int, bytes, str, bool]:
        return self.run("validate", "--stdin-path", path, **named)

    def checkers(self) -> list[int]:
        """The processes of this desk that stay, those that are only starting included."""
        return sorted(int(folder.name) for folder in Path("/proc").glob("[0-9]*") if self.is_mine(folder))

    def is_mine(self, process: Path) -> bool:
        try:
            mine = b"XDG_RUNTIME_DIR=" + os.fsencode(self.run_dir) + b"\0"
            # whoever asks belongs to the session of these tests
            is_one = os.getsid(int(process.name)) == int(process.name)
            return is_one and mine in (process / "environ").read_bytes()
        except OSError:
            return False

    def ready(self, path: object = "rules/home.yaml", **named: object) -> int:
        """Asks once, and waits for the checker that this leaves. Its process."""
        self.check(path, **named)
        until(lambda: len(self.checkers()) == 1 and any(self.place.glob("*.socket")))
        for key in [key for key in self.environment if key.startswith("COV")]:
            del self.environment[key]  # the checker is measured; of those who ask it, a few are enough
        return self.checkers()[0]

    def close(self) -> None:
        self.run("validate", "--stop")
        for process in self.checkers():
            os.kill(process, signal.SIGKILL)
        until(lambda: not self.checkers())
        shutil.rmtree(self.run_dir)


def ended(process: subprocess.Popen[bytes], stdin: bytes = b"") -> tuple[int, bytes, str, bool]:
    out, err = process.communicate(stdin, timeout=PATIENCE)
    lines = err.decode().splitlines(keepends=True)
    said = "".join(line for line in lines if not line.startswith("import time:"))
    return process.returncode, out, said, not any(line.endswith(" click\n") for line in lines)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "this never came about"
        time.sleep(0.02)


def _as_at_a_terminal() -> None:
    """What runs the tests in the background may ignore interrupts, and whatever they start would, too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def asking_for_more(desk: Desk) -> subprocess.Popen[bytes]:
    """Somebody who asks, and waits for the rest of the text."""
    asking = desk.start("validate", "--stdin-path", "rules/home.yaml")
    asking.stdin.write(HOME[:100])
    asking.stdin.flush()
    until(lambda: fcntl.ioctl(asking.stdin, termios.FIONREAD, bytes(4)) == bytes(4))  # all of it is read
    return asking


@pytest.fixture
def desk() -> Iterator[Desk]:
    mine = Desk(tempfile.mkdtemp(prefix="tl-", dir="/tmp"))  # paths of sockets must be short
    yield mine
    mine.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Desk]:
    """A desk whose checker is there already."""
    mine = Desk(tempfile.mkdtemp(prefix="tl-", dir="/tmp"))
    mine.ready()
    yield mine
    mine.close()


def test_the_first_call_leaves_a_checker_which_answers_the_next(desk):
    first = desk.check()
    assert first == (0, tailored("validate", "rules").stdout.encode(), "", False)
    until(lambda: any(desk.place.glob("*.socket")))
    assert desk.check() == (*first[:3], True)
    assert desk.check(stdin=BROKEN)[0::3] == (1, True)
    assert len(desk.checkers()) == 1


@pytest.mark.parametrize(
    "stdin, arguments",
    [
        (HOME, []),
        (b"", []),
        (b"rules: \xff", []),
        (HOME, ["--strict", "--notes"]),
        (HOME, ["--now", "2036-01-01"]),
        *((BROKEN, ["--format", form]) for form in FORMATS),
        *((HOME, ["--format", form]) for form in FORMATS),
    ],
)
def test_it_answers_as_the_command_does(shared, arguments, stdin):
    here = tailored("validate", "--stdin-path", "rules/home.yaml", *arguments, cwd=ROOT, stdin=stdin)
    asked = shared.run("validate", *arguments, "--stdin-path=rules/home.yaml", stdin=stdin)
    assert asked == (here.returncode, here.stdout.encode(), here.stderr, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--stdin-path", "elsewhere/home.yaml"],
        ["--stdin-path", "rules/notes.txt"],
        ["nowhere", "--stdin-path", "nowhere/home.yaml"],
        ["--stdin-path", "rules/home.yaml", "--now", "soon"],
        ["--stdin-path", "rules/home.yaml", "--frmat", "json"],
        ["--stdin-path", "rules/home.yaml", "--help"],
        ["--stdin-path"],
    ],
    ids=" ".join,
)
def test_what_is_wrong_with_the_arguments_is_told_by_the_command_before_it_reads_a_text(shared, arguments):
    here = shared.run("validate", *arguments, TAILORED_STAY="0")
    asking = shared.start("validate", *arguments)
    until(lambda: asking.poll() is not None)  # standard input is still open
    assert ended(asking) == here
    assert here[1] or here[2]
    assert len(shared.checkers()) == 1


def test_paths_are_those_of_whoever_asks(shared, shop):
    (shop / "link").symlink_to(shop / "rules")
    text = b"rules:\n  one: {when: always, show: {hero: c}}\n"
    for cwd, arguments in [
        (shop, ["--stdin-path", "rules/more/home.yaml"]),
        (shop, ["--stdin-path", "link/more/home.yaml"]),
        (shop, ["./rules", "--stdin-path", shop / "rules" / "more" / "home.yaml"]),
        (shop / "rules", [".", "--stdin-path", "more/home.yaml"]),
        (shop / "rules" / "more", ["..", "--stdin-path", "home.yaml"]),
        (ROOT, [shop / "link", "--stdin-path", shop / "link" / "more" / "new.yaml"]),
    ]:
        here = tailored("validate", *arguments, cwd=cwd, stdin=text)
        assert "unknown-content" in here.stdout
        assert shared.run("validate", *arguments, stdin=text, cwd=cwd) == (1, here.stdout.encode(), "", True)


def test_files_are_read_as_they_are_at_the_moment(shared, shop):
    path = shop / "rules" / "shared.yaml"
    text = (shop / "rules" / "more" / "home.yaml").read_bytes()
    before = path.stat()
    asked = {"path": "rules/more/home.yaml", "stdin": text, "cwd": shop}
    assert shared.check(**asked)[0::3] == (0, True)
    path.write_text(path.read_text().replace("{a: {", "{c: {"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # of the same size and time
    assert shared.check(**asked)[0::3] == (1, True)
    (shop / "rules" / "content.yaml").write_text("content: {a: {title: A}}\n")
    assert shared.check(**asked)[0::3] == (0, True)
    path.unlink()
    assert shared.check(**asked)[0::3] == (1, True)


def test_without_standard_input_that_is_said(shared):
    for redirection, reason in [
        ("<&-", "there is no standard input"),
        ("0> /dev/null", "cannot be read: Bad file"),
    ]:
        done = subprocess.run(
            f"tailored validate --stdin-path rules/home.yaml {redirection}",
            shell=True,
            cwd=ROOT,
            env={**shared.environment, "PYTHONPROFILEIMPORTTIME": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert reason in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_reader_who_goes_away_ends_the_command_as_ever(shared):
    for stay in ("600", "0"):
        with subprocess.Popen(
            ["tailored", "validate", "--stdin-path", "rules/home.yaml"],
            cwd=ROOT,
            env={**shared.environment, "TAILORED_STAY": stay} if stay == "0" else shared.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            process.stdout.close()
            process.stdin.write(HOME)
            process.stdin.close()
            assert process.wait(PATIENCE) == 1


def test_a_text_that_is_too_long_is_checked_by_the_command(shared):
    text = b"#" * 16_000_001
    assert shared.check(stdin=text)[0::3] == shared.check(stdin=text, TAILORED_STAY="0")[0::3] == (1, False)


def test_of_those_that_start_together_one_stays(desk):
    asking = [desk.start("validate", "--stdin-path", "rules/home.yaml") for _ in range(3)]
    answers = [ended(one, HOME) for one in asking]
    assert answers == [answers[0]] * 3
    assert answers[0][0] == 0
    until(lambda: any(desk.place.glob("*.socket")))
    until(lambda: len(desk.checkers()) == 1)
    assert desk.check() == (*answers[0][:3], True)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_after_a_checker_that_was_killed_the_next_one_stays(desk, ending):
    killed = desk.ready()
    os.kill(killed, ending)
    until(lambda: not desk.checkers())
    assert any(desk.place.glob("*.socket"))  # it had no time to take it away
    assert desk.check()[0::3] == (0, False)
    until(lambda: desk.checkers() != [] and desk.check()[3])


def test_a_checker_that_hangs_is_not_waited_for(desk):
    hanging = desk.ready()
    os.kill(hanging, signal.SIGSTOP)
    try:
        assert desk.check(stdin=BROKEN)[0::3] == (1, False)
    finally:
        os.kill(hanging, signal.SIGCONT)
    assert desk.check(stdin=BROKEN)[0::3] == (1, True)
    assert desk.checkers() == [hanging]


def test_who_stops_asking_in_the_middle_does_no_harm(shared):
    checkers = shared.checkers()
    for ending in (signal.SIGKILL, signal.SIGTERM):
        asking = asking_for_more(shared)
        asking.send_signal(ending)
        asking.communicate()
        assert shared.check()[0::3] == (0, True)
    assert shared.checkers() == checkers


def test_an_interrupt_ends_it_with_a_word(shared):
    asking = asking_for_more(shared)
    asking.send_signal(signal.SIGINT)
    assert ended(asking) == (1, b"", "\nAborted!\n", True)


def test_a_busy_checker_keeps_nobody_waiting(desk, shop):
    (shop / "rules" / "tests.yaml").write_text("tests:\n  t: {request: pipe.json, expect: {hero: a}}\n")
    desk.ready()
    pipe = shop / "rules" / "pipe.json"
    os.mkfifo(pipe)  # whoever opens it waits until somebody writes into it
    text = (shop / "rules" / "more" / "home.yaml").read_bytes()
    waiting = desk.start("validate", "--stdin-path", "rules/more/home.yaml", cwd=shop)
    waiting.stdin.write(text)
    waiting.stdin.close()
    waiting.stdin = None
    until(lambda: desk.check()[0::3] == (0, False))
    time.sleep(2.5)  # longer than it may be silent
    assert waiting.poll() is None
    pipe.write_text('{"user": {}}')
    assert ended(waiting)[0::3] == (0, True)
    assert desk.check()[0::3] == (0, True)


def test_a_broken_answer_is_none(desk):
    desk.ready()
    [path] = desk.place.glob("*.socket")
    assert desk.run("validate", "--stop")[1] == b"Ended 1 checker.\n"
    with socket.socket(socket.AF_UNIX) as listener, open(f"{path}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # so that nobody takes the place
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(PATIENCE)
        for answer in (b"", b"?", b"-", b"+", b"+7", b"+0\0\0\0\1\0\0\0\0\0\0\0\x09half"):
            asking = desk.start("validate", "--stdin-path", "rules/home.yaml")
            asking.stdin.write(BROKEN)
            asking.stdin.close()
            asking.stdin = None
            connection, _ = listener.accept()
            with connection:
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                assert ended(asking)[0::3] == (1, False)


@pytest.mark.parametrize("kind", ["open", "link", "file"])
def test_a_folder_that_others_can_look_into_is_not_used(desk, kind, tmp_path):
    if kind == "open":
        desk.place.mkdir(mode=0o755)
    elif kind == "link":
        tmp_path.chmod(0o700)
        desk.place.symlink_to(tmp_path)
    else:
        desk.place.write_text("")
    assert desk.check()[0::3] == (0, False)
    time.sleep(0.5)
    assert desk.checkers() == []
    assert kind == "file" or list(desk.place.iterdir()) == []


def test_only_its_user_can_look_into_its_folder(shared):
    assert shared.place.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "environment, arguments",
    [
        ({"TAILORED_STAY": "0"}, ["--stdin-path", "rules/home.yaml"]),
        ({"TAILORED_STAY": "off"}, ["--stdin-path", "rules/home.yaml"]),
        ({"CI": "true"}, ["--stdin-path", "rules/home.yaml"]),
        ({}, ["rules"]),
        ({}, ["--stdin-path", "elsewhere.yaml"]),
        ({}, ["--stop"]),
    ],
)
def test_where_none_is_wanted_none_is_started(desk, environment, arguments):
    desk.run("validate", *arguments, **environment)
    time.sleep(0.5)
    assert desk.checkers() == []
    assert not desk.place.exists()


def test_one_that_is_there_is_not_asked_where_none_is_wanted(shared):
    assert shared.check(TAILORED_STAY="0")[3] is False
    assert shared.check(CI="1")[3] is False


def test_it_ends_when_nobody_asks(desk):
    desk.environment["TAILORED_STAY"] = "1"
    desk.ready()
    until(lambda: not desk.checkers())
    assert not any(desk.place.glob("*.socket"))


def test_it_ends_when_it_is_told_to(desk):
    assert desk.run("validate", "--stop")[:2] == (0, b"No checker is running.\n")
    desk.ready()
    assert desk.run("validate", "--stop")[:2] == (0, b"Ended 1 checker.\n")
    assert desk.checkers() == []
    assert not any(desk.place.glob("*.socket"))


def test_it_ends_when_its_code_changes(desk, tmp_path):
    """A copy of the package stands for an upgrade, or for somebody who works on it."""
    copy = tmp_path / "code" / "tailored"
    shutil.copytree(Path(package.__file__).parent, copy)
    desk.environment = {key: value for key, value in desk.environment.items() if not key.startswith("COV")}
    desk.environment["PYTHONPATH"] = str(copy.parent)
    old = desk.ready()
    assert desk.check()[3]
    path = copy / "book" / "diagnostics.py"
    path.write_text(path.read_text().replace("No problems in", "Nothing to say about"))
    first = desk.check()
    assert first[0::3] == (0, False)
    assert b"Nothing to say about" in first[1]
    until(lambda: desk.checkers() not in ([], [old]) and any(desk.place.glob("*.socket")))
    assert desk.check() == (*first[:3], True)


def test_a_command_with_threads_starts_one_anew(desk, shop):
    """Reading Parquet begins threads, which a fork of the process would lack."""
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"id": ["socks"], "price": [12.5]}), shop / "rules" / "things.parquet")
    path = shop / "rules" / "more" / "things.yaml"
    path.write_text("catalogs: {things: {file: things.parquet, attributes: {price: {type: number}}}}\n")
    asked = {"path": "rules/more/things.yaml", "stdin": path.read_bytes(), "cwd": shop}
    checker = desk.ready(**asked)
    assert b"\0-P\0-c\0" in (Path("/proc") / str(checker) / "cmdline").read_bytes()
    first = desk.check(**asked, TAILORED_STAY="0")
    assert desk.check(**asked) == (*first[:3], True)


def test_two_pythons_have_two_checkers(desk):
    desk.ready()
    assert desk.check(PYTHONHASHSEED="1")[3] is False
    until(lambda: len([*desk.place.glob("*.socket")]) == 2)
    assert desk.run("validate", "--stop")[1] == b"Ended 2 checkers.\n"


def test_it_holds_on_to_nothing_of_whoever_started_it(desk):
    checker = desk.ready()
    process = Path("/proc") / str(checker)
    assert os.readlink(process / "cwd") == "/"
    open_files = {one.name: os.readlink(one) for one in (process / "fd").iterdir()}
    assert [open_files[fd] for fd in "012"] == ["/dev/null"] * 3
    assert not any("pipe:" in target for target in open_files.values())
    assert os.getsid(checker) == checker
