"""An editor asks about a file that is not saved: it is checked as a part of its book."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.command import tailored

ROOT = Path(__file__).parents[1]


def validate(*arguments: object, stdin: bytes = b"", cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return tailored("validate", *arguments, cwd=cwd, stdin=stdin)


def codes(done: subprocess.CompletedProcess[str]) -> list[tuple[str, str, int]]:
    found = json.loads(done.stdout)["diagnostics"]
    return [(one["path"], one["code"], one["line"]) for one in found if one["severity"] != "note"]


def test_the_text_on_standard_input_takes_the_place_of_the_file(shop):
    text = b"rules:\n  one: {when: always, show: {hero: c}}\n"
    arguments = ("rules", "--stdin-path", "rules/more/home.yaml", "--format", "json")
    done = validate(*arguments, stdin=text, cwd=shop)
    assert done.returncode == 1
    assert ("more/home.yaml", "unknown-content", 2) in codes(done)
    mended = validate(*arguments, stdin=text.replace(b"hero: c", b"hero: b"), cwd=shop)
    assert mended.returncode == 0
    assert codes(mended) == [("shared.yaml", "unused-content", 2)]
    assert b"hero: a" in (shop / "rules" / "more" / "home.yaml").read_bytes()


def test_what_the_file_breaks_elsewhere_is_told_too(shop):
    text = b"slots: {heroo: {}}\ncontent: {a: {title: A}}\n"
    done = validate("rules", "--stdin-path", "rules/shared.yaml", "--format", "json", stdin=text, cwd=shop)
    assert ("more/home.yaml", "unknown-slot", 2) in codes(done)


def test_a_file_that_does_not_exist_yet_is_a_part_of_the_book(shop):
    text = b"rules:\n  two: {when: always, show: {hero: b}}\n"
    done = validate("--stdin-path", "rules/new.yaml", "--format", "json", stdin=text, cwd=shop)
    assert (done.returncode, codes(done)) == (0, [])


@pytest.mark.parametrize("path", ["rules/more/home.yaml", "./rules/../rules/more/home.yaml", None])
def test_a_path_may_be_written_in_any_way(shop, path):
    path = path or shop / "rules" / "more" / "home.yaml"
    done = validate("--stdin-path", path, "--format", "json", stdin=b"rules: 3", cwd=shop)
    assert ("more/home.yaml", "wrong-kind", 1) in codes(done)


def test_a_path_through_a_link_is_the_same_file(shop):
    (shop / "link").symlink_to(shop / "rules")
    done = validate("--stdin-path", "link/more/home.yaml", "--format", "json", stdin=b"rules: 3", cwd=shop)
    assert ("more/home.yaml", "wrong-kind", 1) in codes(done)


def test_what_no_book_can_hold_is_refused_in_a_line(shop):
    for path, reason in [
        ("elsewhere/home.yaml", "is not in the book rules"),
        ("rules", "is not in the book rules"),
        ("rules/notes.txt", "is no rule file"),
        ("rules/.hidden.yaml", "is no rule file"),
    ]:
        done = validate("--stdin-path", path, cwd=shop)
        assert (done.returncode, done.stdout) == (2, "")
        assert reason in done.stderr
        assert done.stderr.count("\n") == 1
    done = validate("nowhere", "--stdin-path", "nowhere/a.yaml", cwd=shop)
    assert (done.returncode, done.stderr) == (2, "tailored: there is no folder nowhere\n")


def test_bytes_that_are_no_text_are_a_finding(shop):
    done = validate(
        "--stdin-path", "rules/more/home.yaml", "--format", "json", stdin=b"rules: \xff", cwd=shop
    )
    assert ("more/home.yaml", "not-utf8", 1) in codes(done)
    assert done.stderr == ""


def test_the_example_book_is_as_it_is_saved():
    path = ROOT / "rules" / "home.yaml"
    done = validate("--stdin-path", path, stdin=path.read_bytes())
    assert done.stdout == validate().stdout
