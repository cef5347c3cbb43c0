"""`tailored evaluate` and `tailored explain` on the real command line."""

import json
from pathlib import Path

import pytest

from tests.support.command import tailored

HIKER = "examples/requests/hiker.json"


@pytest.mark.parametrize("command", ["evaluate", "explain"])
def test_a_request_comes_from_text_a_file_or_standard_input(command, tmp_path):
    request = json.loads(Path(HIKER).read_text(encoding="utf-8"))
    user, context = json.dumps(request["user"]), json.dumps(request["context"])
    (tmp_path / "user.json").write_text(user, encoding="utf-8")
    form = ["--format", "json"]
    answers = {
        tailored(command, "--request", HIKER, *form).stdout,
        tailored(command, "rules", "--request", "-", *form, stdin=json.dumps(request)).stdout,
        tailored(command, "--user", user, "--context", context, "--now", request["now"], *form).stdout,
        tailored(
            command,
            "--user",
            str(tmp_path / "user.json"),
            "--context",
            "-",
            "--now",
            request["now"],
            *form,
            stdin=context,
        ).stdout,
    }
    assert len(answers) == 1
    assert json.loads(answers.pop())["slots"]["hero"]["content"] == "hiking-socks"


def test_people_get_a_table_with_what_was_withheld_and_warned_of():
    user = '{"viewed_categories": ["knee-supports"], "age": "x"}'
    told = tailored(
        "evaluate", "--user", user, "--context", '{"page": "magazine"}', "--now", "2026-11-24"
    ).stdout
    assert "withheld: content gentle-trails (topic health)" in told
    assert "warning: `user.age` is not a whole number; it counts as missing." in told
    assert any(line.split() == ["guidance", "(nothing)", "default"] for line in told.splitlines())
    told = tailored("evaluate", "--request", "examples/requests/checkout.json").stdout
    assert any(line.split() == ["hero", "(hidden)", "calm-checkout"] for line in told.splitlines())


def test_explain_can_be_asked_for_one_slot():
    told = tailored("explain", "--request", HIKER, "--slot", "hero").stdout
    assert told.startswith("hero: hiking-socks, by boots-viewers-see-socks (priority 50)\n  won ")
    assert "greeting:" not in told


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ([], "say for whom: --user and --context, or --request FILE"),
        (["--request", HIKER, "--user", "{}"], "give either --request, or --user and --context"),
        (["--user", "-", "--context", "-"], "only one of --user and --context can be read"),
        (["--user", ""], "--user is empty: give JSON text such as {}, a file, or -"),
        (["", "--user", "{}"], "no folder is named: the name is empty"),
        (["--user", "nobody.json"], "--user: there is no file nobody.json"),
        (["--user", "{age: 3}"], "--user: this is not JSON"),
        (["--user", "[1]"], "--user must be a JSON object such as {}"),
        (["--user", "rules"], "--user: rules cannot be read"),
        (["--user", "{}", "--now", "soon"], "`now` is no ISO 8601 time"),
        (["nowhere", "--user", "{}"], "there is no folder nowhere"),
        (["--request", "package.json"], "--request: a request has user, context and now, not"),
    ],
)
def test_what_cannot_run_exits_with_2_and_one_line(arguments, reason):
    for command in ("evaluate", "explain"):
        done = tailored(command, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"tailored: {reason}")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "request_, reason",
    [
        ('{"user": 3}', "--request: user must be an object"),
        ('{"now": 3}', "--request: now must be a text"),
        ("[" * 100_000, "--request"),
        ('{"user": {"age": 1' + "0" * 5000 + "}}", "--request"),
    ],
)
def test_a_request_that_is_none_exits_with_2(request_, reason):
    done = tailored("evaluate", "--request", "-", stdin=request_)
    assert done.returncode == 2
    assert done.stderr.startswith(f"tailored: {reason}")


def test_a_file_that_is_not_utf8_is_said_to_be(tmp_path):
    (tmp_path / "user.json").write_bytes(b'{"name": "\xff"}')
    done = tailored("evaluate", "--user", str(tmp_path / "user.json"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is not UTF-8" in done.stderr


def test_an_unknown_slot_is_said_to_be():
    done = tailored("explain", "--user", "{}", "--slot", "hreo")
    assert (done.returncode, done.stderr) == (
        2,
        "tailored: --slot: the book has no slot and no setting hreo\n",
    )


def test_a_book_with_errors_prints_them_and_exits_with_1(tmp_path):
    (tmp_path / "book.yaml").write_text("rules: {r: {when: {page: home}, show: {hero: x}}}")
    done = tailored("evaluate", str(tmp_path), "--user", "{}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "unknown-attribute" in done.stderr
    done = tailored("evaluate", str(tmp_path), "--user", "{}", "--format", "json")
    assert json.loads(done.stdout)["errors"] == 3
