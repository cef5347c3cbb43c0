"""Asking the checker that stays (checker.py), which is all that `validate --stdin-path` does where one runs.

An editor waits for all that is imported to ask. So that is what Python has loaded anyway, and sockets.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would take as long as asking
    from _socket import socket
    from collections.abc import Sequence
    from typing import TextIO

    from tailored.book.kept import Kept

CHECK, STOP = b"check", b"stop"
"""What one can ask of a checker."""
GO_ON, BUSY, BEAT = b"+", b"-", b"."
"""What it says: that it waits for the text; that it stays, and others must do this; that it is at it."""
EXIT_CODES = {b"0": 0, b"1": 1}
"""What it says before the answer."""
MOST = 16_000_000
"""Bytes of a text that a checker takes."""
USUAL_STAY = 600
"""Seconds."""
ENDING = ".socket"
_PATIENCE = 0.5
"""Seconds in which a checker says whether it takes a question; one or two milliseconds are usual."""
_SILENCE = 2.0
"""Seconds in which it gives a sign of life while it checks."""
_MOST_WAITING = 8
_LONGEST_PATH = 100
"""Bytes that a socket's path may have on every system."""
_PROGRAM = (
    "import sys, time; began = time.time_ns(); sys.path.append(sys.argv.pop(1)); "
    "from tailored.cli import ask, checker; listener = ask.listening(); "
    "listener is None or checker.stay(listener, began, sys.argv[1], sys.argv[2:])"
)
"""What a checker runs that is no fork. Its code is also found where no installation has it."""


def is_question(arguments: Sequence[str]) -> bool:
    """Whether a checker may answer what the command line was given, as far as one can see without it."""
    return (
        arguments[:1] == ["validate"]
        and any(one.partition("=")[0] == "--stdin-path" for one in arguments)
        and seconds_to_stay() > 0
        and not os.environ.get("CI")
        and "_TAILORED_COMPLETE" not in os.environ
        and sys.stdin is not None
        and sys.stdout is not None
        and bool(sys.executable)
        and _is_a_command_of_its_own()
    )


def _is_a_command_of_its_own() -> bool:
    """Whether this process is nothing but the command, and Python got no options that a checker lacks."""
    started = sys.orig_argv[1:3]
    return started == ["-m", "tailored"] or os.path.basename("".join(started[:1])) == "tailored"


def seconds_to_stay() -> int:
    """How long a checker waits for the next question, as TAILORED_STAY says; 0 where there is to be none."""
    said = os.environ.get("TAILORED_STAY", "")
    return int(said) if said.isdecimal() else 0 if said else USUAL_STAY


def folder() -> str | None:
    """Where the sockets are: a folder that only this user can look into. None where there can be none.

    It need not be there yet.
    """
    if sys.platform == "win32":
        return None
    me, place = os.geteuid(), os.environ.get("XDG_RUNTIME_DIR", "")
    try:
        if os.path.isabs(place) and os.path.isdir(place) and os.stat(place).st_uid == me:
            path = os.path.join(place, "tailored")
        else:
            place = os.environ.get("TMPDIR", "")
            path = os.path.join(place if os.path.isabs(place) else "/tmp", f"tailored-{me}")
        status = os.lstat(path)
    except FileNotFoundError:
        return path
    except OSError:
        return None
    is_closed_folder = status.st_mode & 0o170077 == 0o040000  # and no link to one
    return path if is_closed_folder and status.st_uid == me else None


def socket_path() -> str | None:
    """Where the checker for this user, Python, installation and surroundings listens, if there can be one."""
    from binascii import crc32

    place = folder()
    path = os.path.join(place, f"{crc32(identity()):08x}{ENDING}") if place is not None else ""
    return path if 0 < len(os.fsencode(path)) <= _LONGEST_PATH else None


def identity() -> bytes:
    """What a checker has in common with whoever asks it, as otherwise they might not answer alike."""
    told = [sys.version, sys.executable, sys.prefix, __file__, sys.getfilesystemencoding()]
    told += [
        f"{key}={os.environ[key]}" for key in sorted(os.environ) if key.startswith(("PYTHON", "TAILORED_"))
    ]
    told += map(str, (os.getuid(), os.geteuid(), os.getgid(), os.getegid(), sorted(os.getgroups())))
    root = os.stat("/")
    told += map(str, (root.st_dev, root.st_ino))
    if os.path.lexists(space := "/proc/self/ns/mnt"):
        told.append(os.readlink(space))  # containers may share the folder for sockets, and not the book
    return os.fsencode("\0".join(told))


def answered(arguments: Sequence[str]) -> tuple[int | None, bool]:
    """Has the checker do the work, and prints its answer. Gives the exit code, and whether none is there.

    Without an exit code, nothing was printed and the command has to do the work; standard input is as it was.
    """
    path = socket_path()
    if path is None:
        return None, False
    is_missing = True
    try:
        checker = connected(path)
    except OSError:
        return None, True
    try:
        checker.sendall(framed(CHECK, identity(), os.fsencode(os.getcwd()), *map(os.fsencode, arguments)))
        said = checker.recv(1)
        is_missing = not said
        if said != GO_ON:
            return None, is_missing
        text = sys.stdin.buffer.read()
        sys.stdin = _readable(text)  # for the case that the command has to do the work
        if len(text) > MOST:
            return None, False
        is_missing = True
        checker.settimeout(_SILENCE)
        checker.sendall(framed(text))
        while (said := checker.recv(1)) == BEAT:
            pass
        is_missing = not said
        if said not in EXIT_CODES:
            return None, is_missing
        [answer] = parts_of(checker)
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()
        return EXIT_CODES[said], False
    except TimeoutError:
        return None, False  # it hangs
    except (OSError, ValueError):
        return None, is_missing
    except KeyboardInterrupt:  # which click tells so
        print("\nAborted!", file=sys.stderr)
        return 1, False
    finally:
        checker.close()


def start_checker(arguments: Sequence[str], began: int, kept: Kept) -> None:
    """Leaves a checker in the background, for questions like this one, whose answer has just been printed.

    `began` is when this process did, in nanoseconds of the clock; `kept` is what it worked out.
    """
    try:
        if _has_one_thread():
            _fork(began, os.getcwd(), arguments, kept)
        else:  # others would be missing in a fork
            _start_anew(os.getcwd(), arguments)
    except OSError:
        return  # the next call does the work, too


def _has_one_thread() -> bool:
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _fork(began: int, cwd: str, arguments: Sequence[str], kept: Kept) -> None:
    """Goes on as a checker in the background, where nothing has to be loaded again."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    if os.fork():
        return
    try:
        os.setsid()
        os.chdir("/")
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2:
                os.closerange(int(name), int(name) + 1)
        listener = listening()  # at once: the next call may come while the rest is loaded
        if listener is not None:
            from tailored.cli.checker import stay

            stay(listener, began, cwd, arguments, kept)
    finally:
        os._exit(0)


def _start_anew(cwd: str, arguments: Sequence[str]) -> None:
    from subprocess import DEVNULL, Popen

    code = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    command = [sys.executable, "-P", "-c", _PROGRAM, code, cwd, *arguments]
    started = Popen(command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, cwd="/", start_new_session=True)
    started.returncode = 0  # nobody waits for it


def listening() -> int | None:
    """The number of a socket for a new checker; None where there is one already, or where none may be."""
    import fcntl
    from _socket import AF_UNIX, SOCK_STREAM, socket

    place, path = folder(), socket_path()
    if place is None or path is None:
        return None
    if not os.path.isdir(place):
        os.mkdir(place, 0o700)
    if folder() != place:
        return None
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until this process ends
    except BlockingIOError:
        return None
    if os.path.lexists(path):
        os.unlink(path)  # of one that had no time for that
    listener = socket(AF_UNIX, SOCK_STREAM)
    listener.bind(path)
    listener.listen(_MOST_WAITING)
    return listener.detach()


def stop_checkers() -> str:
    """Ends all checkers of this user, of any version, and says how many there were."""
    place, ended, others = folder(), 0, 0
    names = os.listdir(place) if place is not None and os.path.isdir(place) else []
    for name in names:
        if place is None or not name.endswith(ENDING):
            continue
        try:
            checker = connected(os.path.join(place, name))
        except OSError:  # it ended without taking its socket away
            continue
        try:
            checker.sendall(framed(STOP))
            checker.settimeout(_SILENCE)
            while checker.recv(1):
                pass
            ended += 1
        except OSError:
            others += 1
        finally:
            checker.close()
    if others:
        return f"{others} of {ended + others} checkers did not answer; they end by themselves, or by `kill`."
    return f"Ended {ended} checker{'s' * (ended != 1)}." if ended else "No checker is running."


def connected(path: str) -> socket:
    """A connection to the checker that listens there, if it is of this user. Raises OSError."""
    from _socket import AF_UNIX, SOCK_STREAM, socket

    found = socket(AF_UNIX, SOCK_STREAM)
    try:
        found.settimeout(_PATIENCE)
        found.connect(path)
        if not is_mine(found):
            raise PermissionError
    except BaseException:
        found.close()
        raise
    return found


def is_mine(connection: socket) -> bool:
    """Whether a process of this user is at the other end, where the system can say so."""
    import _socket

    if sys.platform != "linux":
        return True  # the folder is closed to others
    said = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)  # pid, uid and gid
    return int.from_bytes(said[4:8], sys.byteorder) == os.geteuid()


def framed(*parts: bytes) -> bytes:
    """Parts in one message: how many, then each with its length before it."""
    return b"".join([len(parts).to_bytes(4), *(len(part).to_bytes(8) + part for part in parts)])


def parts_of(connection: socket, most: int = sys.maxsize) -> list[bytes]:
    """The parts of the next message. Raises ValueError where it ends too early or is longer than `most`."""
    parts = []
    for _ in range(int.from_bytes(_exactly(connection, 4))):
        length = int.from_bytes(_exactly(connection, 8))
        most -= length
        if most < 0:
            raise ValueError
        parts.append(_exactly(connection, length))
    return parts


def _exactly(connection: socket, length: int) -> bytes:
    pieces = []
    while length:
        piece = connection.recv(min(length, 1 << 20))
        if not piece:
            raise ValueError
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _readable(text: bytes) -> TextIO:
    """A text as standard input."""
    import io

    return io.TextIOWrapper(io.BytesIO(text))
