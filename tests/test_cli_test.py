"""`tailored test` runs the tests of a book as its authors do."""

import json
import subprocess
import threading
from pathlib import Path

import pytest

from tests.support.command import BIN, tailored
from tests.support.grown_ups import BOOK, TESTS


def run(*arguments: str, cwd: str | Path = ".") -> subprocess.CompletedProcess[str]:
    return tailored("test", *arguments, cwd=cwd)


@pytest.fixture
def book(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "book.yaml").write_text(BOOK)
    (folder / "tests.yaml").write_text(TESTS)
    return folder


def test_the_tests_of_the_example_book_pass_and_cover_it():
    done = run("--min-coverage", "90")
    assert (done.returncode, done.stderr) == (0, "")
    assert "tests passed; they cover 100%" in done.stdout


def test_a_failure_is_shown_at_its_line_with_what_came_out_and_why(book):
    (book / "tests.yaml").write_text(TESTS.replace("age: 18", "age: 16"))
    done = run(cwd=book.parent)
    assert done.returncode == 1
    assert done.stdout.startswith(
        """\
rules/tests.yaml:2:48  test-failed
    2 |   wine-at-18: {user: {age: 16}, expect: {hero: wine}}
      |                                                ^^^^
   `wine-at-18`: `hero` should be `wine`, and is plain, by default.
     nearly    grown-ups-see-wine  age is 16, not at least 18

Rules that no test has tried:
"""
    ), done.stdout
    assert done.stdout.endswith("1 of 2 tests failed; they cover 33.3% (1 of 3).\n")


def test_machines_read_every_case_and_what_is_left(book):
    (book / "tests.yaml").write_text(TESTS.replace("hero: plain", "hero: {default: false}"))
    done = run("--format", "json", cwd=book.parent)
    data = json.loads(done.stdout)
    assert done.returncode == 1
    assert [(case["name"], case["passed"]) for case in data["tests"]] == [
        ("wine-at-18", True), ("no-wine-at-17", False),
    ]  # fmt: skip
    assert (data["passed"], data["failed"]) == (1, 1)
    (failure,) = data["tests"][1]["failures"]
    assert (failure["code"], failure["path"], failure["line"]) == ("test-failed", "tests.yaml", 3)
    assert (failure["target"], failure["piece"], failure["expected"]) == ("hero", "default", False)
    assert failure["actual"]["content"] == "plain"
    assert data["coverage"] == {"percent": 100.0, "goals": 3, "left": []}


def test_k_selects_by_name_and_asks_for_no_coverage(book):
    one, most = run("-k", "at-17", str(book)), run("-k", "wine and not (17 or 19)", str(book))
    assert (one.stdout, most.stdout) == ("1 test passed.\n", "1 test passed.\n")
    for expression, reason in [
        ("champagne", "-k: no test has a name with champagne"),
        ("wine and", "-k: a text is missing at its end"),
        ("(wine", "-k: a `(` is not closed"),
        ("wine)", "-k: `)` is not expected there"),
    ]:
        done = run("-k", expression, str(book))
        assert (done.returncode, done.stdout) == (2, "")
        assert reason in done.stderr


def test_too_little_coverage_fails(book):
    (book / "tests.yaml").write_text(TESTS.partition("  no-wine")[0])
    assert run(str(book)).returncode == 0
    assert run(str(book), "--min-coverage", "60").returncode == 0
    done = run(str(book), "--min-coverage", "90")
    assert done.returncode == 1
    assert "The tests cover 66.6% (2 of 3), and 90% is the least." in done.stdout
    assert "grown-ups-see-wine  never tried at 17: age is at least 18" in done.stdout


def test_a_book_with_errors_is_told_as_by_validate_and_nothing_runs(book):
    (book / "tests.yaml").write_text(TESTS.replace("hero: wine", "hero: vine"))
    done = run(str(book))
    assert done.returncode == 1
    assert "unknown-content" in done.stdout
    assert "Did you mean `wine`?" in done.stdout
    assert "passed" not in done.stdout


def test_a_book_without_tests_is_no_failure(book):
    (book / "tests.yaml").unlink()
    done = run(str(book))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "No tests.")


def test_a_book_that_is_not_there_is_one_line_and_exit_2(tmp_path):
    done = run(str(tmp_path / "nowhere"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no folder" in done.stderr
    assert run("--min-coverage", "101").returncode == 2
    assert run("-k", "x", "--min-coverage", "50").returncode == 2


def test_the_clock_is_the_moment_only_where_a_test_and_now_say_none(book):
    (book / "book.yaml").write_text(
        BOOK.replace("show: {hero: wine}}", "show: {hero: wine}, from: 2030-01-01}")
    )
    (book / "tests.yaml").write_text(
        TESTS + "  asleep: {user: {age: 18}, now: 2029-12-31T23:59:59Z, expect: {hero: plain}}\n"
    )
    assert run(str(book), "--now", "2030-01-01").returncode == 0
    assert run(str(book), "--now", "2029-01-01").returncode == 1


def test_watch_runs_again_when_a_file_changes(book, tmp_path):
    request = tmp_path / "request.json"
    request.write_text('{"user": {"age": 18}}')
    (book / "tests.yaml").write_text(TESTS + "  kari: {request: ../request.json, expect: {hero: wine}}\n")
    watching = subprocess.Popen(
        [BIN / "tailored", "test", "--watch", book],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    too_long = threading.Timer(120, watching.kill)  # so that a defect fails the test, and does not hang it
    too_long.start()
    try:
        assert "3 tests passed" in line_of(watching)
        (book / "tests.yaml").write_text((book / "tests.yaml").read_text() + "  broken: 3\n")
        assert "1 error" in line_of(watching)
        (book / "tests.yaml").write_text((book / "tests.yaml").read_text().replace("  broken: 3\n", ""))
        assert "3 tests passed" in line_of(watching)
        request.write_text('{"user": {"age": 170}, "context": {}}')
        assert "3 tests passed" in line_of(watching)
        request.write_text('{"user": {"age": 7}}')
        assert "1 of 3 tests failed" in line_of(watching)
    finally:
        too_long.cancel()
        watching.terminate()
        watching.wait(timeout=20)


def line_of(process: subprocess.Popen[str]) -> str:
    """The closing line of the next run."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().endswith(".") and ("test" in line or "error in" in line) and not line.startswith(" "):
            return line
    raise AssertionError("it ended")


def test_thousands_of_cases_run_in_one_go(book):
    rows = "\n".join(
        f"      - {{age: {age}, hero: {'wine' if age > 17 else 'plain'}}}" for age in range(3000)
    )
    (book / "tests.yaml").write_text(f"tests:\n  ages:\n    each:\n{rows}\n")
    done = run(str(book))
    assert (done.returncode, done.stdout) == (0, "3000 tests passed; they cover 100% (3 of 3).\n")
