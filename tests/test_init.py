"""`tailored init` writes a book to begin with: small, valid for good, and never over anything."""

import json
import os
import shlex

import pytest
from click.testing import CliRunner

from tailored.book.load import load_book
from tailored.cli import main
from tailored.cli.init import init
from tailored.cli.validate import validate


def run(folder):
    return CliRunner().invoke(init, [str(folder)])


def test_the_book_is_small_and_without_a_finding(tmp_path):
    assert run(tmp_path / "book").exit_code == 0
    checked = CliRunner().invoke(validate, [str(tmp_path / "book"), "--strict"])
    assert (checked.exit_code, checked.output) == (
        0,
        "No problems in 3 files.\n1 note; `--notes` shows it.\n",
    )
    lines = sum(len(path.read_text().splitlines()) for path in (tmp_path / "book").iterdir())
    assert lines <= 90


def test_the_book_shows_one_of_each_kind_and_stays_awake(tmp_path):
    run(tmp_path)
    book = load_book(tmp_path)
    assert {slot.kind for slot in book.slots.values()} == {"single", "many", "order"}
    assert len(book.segments) == 1
    assert any(rule.topics for rule in book.rules)
    assert any(rule.start for rule in book.rules)
    assert not any(rule.end or rule.review for rule in book.rules)


def test_what_to_do_next_can_be_pasted(tmp_path):
    folder = tmp_path / "my book"
    done = run(folder)
    commands = [shlex.split(line) for line in done.output.splitlines() if line.startswith("  ")]
    assert [command[:3] for command in commands] == [
        ["tailored", verb, str(folder)] for verb in ("validate", "evaluate", "describe")
    ]
    assert [CliRunner().invoke(main, command[1:]).exit_code for command in commands] == [0, 0, 0]
    decided = json.loads(CliRunner().invoke(main, [*commands[1][1:], "--format", "json"]).output)
    assert decided["slots"]["hero"]["content"] == "hiking-socks"
    assert decided["warnings"] == []


@pytest.mark.parametrize("before", ["empty", "hidden"])
def test_an_empty_folder_is_filled(tmp_path, before):
    if before == "hidden":
        (tmp_path / ".git").mkdir()
    assert run(tmp_path).exit_code == 0
    assert (tmp_path / "rules.yaml").exists()


def test_nothing_is_ever_overwritten(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    done = run(tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert (
        done.stderr == f"tailored: {tmp_path} is not empty, and nothing is overwritten: name a new folder\n"
    )
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_an_empty_name_is_no_folder_to_write_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("")
    assert (done.exit_code, done.stderr) == (2, "tailored: no folder is named: the name is empty\n")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "folder, reason",
    [("file", "is a file: name a new folder"), ("file/book", "cannot be written: Not a directory")],
)
def test_what_cannot_be_written_is_one_line_and_exit_2(tmp_path, folder, reason):
    (tmp_path / "file").write_text("mine")
    done = run(tmp_path / folder)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"{reason}\n")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"
