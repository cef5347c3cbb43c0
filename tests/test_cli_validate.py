"""`tailored validate` prints findings for people and machines, and exits honestly."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.command import tailored


def test_the_example_book_is_valid_by_default():
    done = tailored("validate", "--strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No problems in ")


def test_findings_are_shown_with_their_line(tmp_path):
    (tmp_path / "home.yaml").write_text("rules:\n  calm:\n    hide: [hero]\n    whne: always\n")
    done = tailored("validate", str(tmp_path))
    assert done.returncode == 1
    assert (
        f"{tmp_path}/home.yaml:4:5  unknown-key\n    4 |     whne: always\n      |     ^^^^\n" in done.stdout
    )
    assert "Did you mean `when`?" in done.stdout
    data = json.loads(tailored("validate", str(tmp_path), "--format", "json").stdout)
    assert (data["errors"], data["warnings"]) == (2, 0)
    assert [d["code"] for d in data["diagnostics"]] == ["unknown-slot", "unknown-key"]
    assert set(data["diagnostics"][0]) == {
        "code", "severity", "message", "hint", "path", "line", "column", "end_line", "end_column",
    }  # fmt: skip


def test_warnings_fail_only_when_strict(tmp_path):
    (tmp_path / "a.yaml").write_text("slots: {hero: {}}\nrules: {calm: {hide: [hero], when: always}}")
    assert tailored("validate", str(tmp_path)).returncode == 0
    assert tailored("validate", str(tmp_path), "--strict").returncode == 1


def test_a_book_that_is_not_there_is_one_line_and_exit_2(tmp_path):
    done = tailored("validate", str(tmp_path / "nowhere"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "there is no folder" in done.stderr
    assert tailored("validate", "--frmat").returncode == 2


def test_schedules_are_checked_at_the_time_that_now_names(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "slots: {hero: {}}\ncontent: {c: {title: C}}\n"
        "rules: {r: {when: always, show: {hero: c}, from: 2026-11-01, until: 2026-12-01}}"
    )
    for now, code in [("2026-11-30", 0), ("2026-11-30T23:59:59Z", 0), ("2026-12-01", 1), ("20261201T00Z", 1)]:
        assert tailored("validate", str(tmp_path), "--strict", "--now", now).returncode == code
    done = tailored("validate", str(tmp_path), "--now", "soon")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'soon' is no ISO 8601 date or time" in done.stderr


COMMANDS_OF_A_READER = (["validate"], ["describe"], ["schema"], ["export", "--to", "jsonlogic"])
AS_A_STRANGER = """
import importlib, json, os, sys
from click.testing import CliRunner
from tailored.cli import main
commands = json.loads(sys.argv[1])
for command in commands:
    importlib.import_module(f"tailored.cli.{command[0]}")
if os.geteuid() == 0:
    os.setgroups([])
    os.setuid(65534)
for command in commands:
    done = CliRunner().invoke(main, [*command, "book"])
    print(json.dumps([done.exit_code, done.stdout, done.stderr]))
"""
"""The commands, run by a user who is not allowed everything; what they need is imported before."""
UNMEASURED = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
"""The environment without what asks for coverage: such a user may not write its file."""


@pytest.mark.parametrize("closed", ["book", "book/a.yaml", "book/inner"])
def test_a_book_that_may_not_be_read_is_one_line_and_exit_2(closed):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the temporary folders of the tests are closed to others themselves
        (folder / "book" / "inner").mkdir(parents=True)
        (folder / "book" / "a.yaml").write_text("slots: {}")
        (folder / closed).chmod(0)
        arguments = [sys.executable, "-c", AS_A_STRANGER, json.dumps(COMMANDS_OF_A_READER)]
        done = subprocess.run(
            arguments, cwd=folder, env=UNMEASURED, capture_output=True, text=True, check=False
        )
        (folder / closed).chmod(0o755)
    assert (done.returncode, done.stderr) == (0, "")
    told = [2, "", f"tailored: {closed} cannot be read: Permission denied\n"]
    assert [json.loads(line) for line in done.stdout.splitlines()] == [told] * len(COMMANDS_OF_A_READER)


@pytest.mark.parametrize(
    "given, reason",
    [
        ("book.yaml", "book.yaml is a file; a rule book is a folder: name the folder it is in"),
        ("empty", "empty holds no .yaml files"),
        ("nowhere", "there is no folder nowhere"),
        ("", "no folder is named: the name is empty"),
    ],
)
def test_what_is_no_book_is_told_in_one_line_by_every_command(tmp_path, given, reason):
    (tmp_path / "book.yaml").write_text("slots: {}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".hidden.yaml").write_text("slots: {}")
    for command in (
        ["validate"],
        ["describe"],
        ["schema"],
        ["evaluate", "--user", "{}"],
        ["explain", "--user", "{}"],
    ):
        done = tailored(command[0], given, *command[1:], cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"tailored: {reason}\n"), command
