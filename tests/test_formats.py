"""Findings in the formats of CI, each read by what reads it there."""

import json
import os
import re
from functools import cache
from pathlib import Path

import jsonschema
import junitparser
import pytest

from tailored.book.diagnostics import Span
from tailored.report.formats import FORMATS, written
from tailored.report.markdown import block, code, prose
from tailored.report.outcome import Case, Finding, Outcome
from tests.support.command import tailored
from tests.support.node import NodeToolMissing, sarif_schema

ODD = "50% of `a|b`,\r\nsaid: <b>@all</b> & \x00\x1b[31m*co*]]>"
"""A text in which every format has something to escape."""
FINDING = Finding(
    "unknown-slot",
    "error",
    ODD,
    "Did you mean: `x,y`?",
    Span("home page.yaml", 3, 5, 3, 9),
    "one\ntwo",
    {"k": [1]},
)
OUTCOME = Outcome(
    "validate",
    (
        FINDING,
        Finding("odd", "warning", "Over two lines.", "", Span("home page.yaml", 3, 5, 4, 2)),
        Finding("told", "note", "Nowhere."),
    ),
    "1 error.",
    texts={"home page.yaml": "a\nb\nslots: x\n", "other.yaml": ""},
    data={"errors": 1},
)
TESTED = Outcome(
    "test",
    (),
    "1 of 2 tests failed.",
    (Case("a[NO]", "a", Span("a.yaml", 2, 3, 2, 4), (), 0.25), Case("b", "b", None, (FINDING,), 0.5)),
)


@cache
def schema() -> dict:
    try:
        return sarif_schema()
    except NodeToolMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with a book in `shop/my rules`, and a folder beside it to run in."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "shop" / "my rules").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return "../shop/my rules"


def sarif(outcomes, folder: str) -> dict:
    log = json.loads(written("sarif", outcomes, folder))
    jsonschema.validate(log, schema())
    return log


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "outcomes", [[OUTCOME], [TESTED], [OUTCOME, TESTED], [Outcome("prove", (), "None.")]]
)
def test_every_format_writes_every_outcome(form, outcomes, repository):
    assert written(form, outcomes, repository).strip()


def test_sarif_is_valid_and_its_places_begin_at_the_root_of_the_repository(repository):
    (run,) = sarif([OUTCOME, TESTED], repository)["runs"]
    first, _, third, of_case = run["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "shop/my%20rules/home%20page.yaml", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 9}
    assert first["properties"] == {"k": [1]}
    assert [one["level"] for one in run["results"]] == ["error", "warning", "note", "error"]
    assert third["locations"][0]["physicalLocation"]["region"]["startLine"] == 1
    assert of_case["ruleId"] == "unknown-slot"
    rules = run["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in run["results"]] == [
        one["ruleId"] for one in run["results"]
    ]


def test_sarif_of_every_kind_of_finding_is_valid_and_has_the_help_of_its_page(tmp_path):
    page = Path("docs/diagnostics.md").read_text()
    codes = re.findall(r"^## (\S+)$", page, re.MULTILINE)
    findings = tuple(Finding(one, "error", "Something.") for one in codes)
    (run,) = sarif([Outcome("validate", findings, "Much.")], str(tmp_path))["runs"]
    for rule in run["tool"]["driver"]["rules"]:
        assert rule["shortDescription"]["text"].endswith(".")
        assert f"## {rule['id']}\n\n{rule['help']['markdown']}\n" in page
        assert rule["shortDescription"]["text"] in rule["help"]["text"].replace("\n", " ")


def test_sarif_of_a_broken_book_is_valid(tmp_path):
    (tmp_path / "ünï code.yaml").write_text("rules:\n  calm:\n    hide: [hero]\n    whne: always\n")
    done = tailored("validate", tmp_path, "--format", "sarif")
    assert done.returncode == 1
    log = json.loads(done.stdout)
    jsonschema.validate(log, schema())
    assert [one["ruleId"] for one in log["runs"][0]["results"]] == ["unknown-slot", "unknown-key"]


def test_junit_is_read_by_a_parser(repository, tmp_path):
    (tmp_path / "report.xml").write_text(written("junit", [OUTCOME, TESTED], repository), encoding="utf-8")
    validate, test = junitparser.JUnitXml.fromfile(str(tmp_path / "report.xml"))
    assert (validate.name, validate.tests, validate.failures) == ("validate", 3, 1)
    failed = {case.name: [result.type for result in case.result] for case in validate}
    assert failed == {"home page.yaml": ["unknown-slot"], "other.yaml": [], "validate": []}
    assert (test.tests, test.failures, test.time) == (2, 1, 0.75)
    passed, broken = test
    assert (passed.name, passed.classname, passed.is_passed) == ("a[NO]", "a", True)
    assert (passed._elem.get("file"), passed._elem.get("line")) == ("shop/my rules/a.yaml", "2")
    (failure,) = broken.result
    assert "50% of `a|b`" in failure.message
    assert "../shop/my rules/home page.yaml:3:5  error unknown-slot" in failure.text
    assert failure.text.endswith("one\ntwo")


COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def annotations(text: str) -> list[tuple[str, dict[str, str], str]]:
    """What GitHub's runner makes of lines: the rules of its own parser."""

    def data(text: str) -> str:
        return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")

    def value(text: str) -> str:
        return data(text.replace("%3A", ":").replace("%2C", ","))

    found = []
    for line in text.split("\n"):
        if match := COMMAND.fullmatch(line):
            pairs = (pair.partition("=") for pair in match[2].split(","))
            found.append((match[1], {key: value(text) for key, _, text in pairs}, data(match[3])))
    return found


def test_annotations_stand_on_their_lines_with_their_texts_unharmed(repository):
    (first, second) = annotations(written("github", [OUTCOME], repository))
    level, places, said = first
    assert level == "error"
    assert places == {
        "file": "shop/my rules/home page.yaml",
        "line": "3",
        "endLine": "3",
        "col": "5",
        "endColumn": "8",
        "title": "unknown-slot",
    }
    assert said == f"{ODD}\nDid you mean: `x,y`?\none\ntwo"
    assert second[:2] == (
        "warning",
        {"file": "shop/my rules/home page.yaml", "line": "3", "endLine": "4", "title": "odd"},
    )


def test_a_summary_cannot_give_commands_to_github(repository):
    sly = Outcome("validate", (), "fine\n::error file=x::sly")
    assert annotations(written("github", [sly], repository)) == []


def test_paths_outside_of_a_repository_begin_at_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "rules").mkdir()
    monkeypatch.chdir(tmp_path)
    ((_, places, _), *_) = annotations(written("github", [OUTCOME], "rules"))
    assert places["file"] == "rules/home page.yaml"


@pytest.mark.parametrize(
    "text, shown",
    [
        ("see <b> & *this*", r"see \<b\> & \*this\*"),
        ("`<b>` stays", "`<b>` stays"),
        ("ask @all", "ask @\u200ball"),
        ("a | b", r"a \| b"),
        ("an odd ` alone", r"an odd \` alone"),
    ],
)
def test_prose_in_markdown_is_text_and_code(text, shown):
    assert prose(text) == shown


def test_code_and_blocks_are_closed_by_nothing_within():
    assert code("a`b") == "``a`b``"
    assert code("`a`") == "`` `a` ``"
    assert block("```\nx") == "````text\n```\nx\n````"


def test_markdown_begins_with_a_table_of_the_checks(repository):
    said = written("markdown", [OUTCOME, TESTED, Outcome("prove", (), "Not run.", ran=False)], repository)
    assert said.startswith(
        "## ❌ Tailored: validate and test did not pass\n\n"
        "| | check | result |\n| --- | --- | --- |\n"
        "| ❌ | validate | 1 error. |\n| ❌ | test | 1 of 2 tests failed. |\n| ➖ | prove | Not run. |\n"
    )
    assert "<details><summary>1 to know</summary>" in said


def test_a_folder_whose_name_is_no_text_has_a_uri(tmp_path):
    folder = tmp_path / os.fsdecode(b"r\xff")
    folder.mkdir()
    (folder / "a.yaml").write_text("slots: 3\n")
    done = tailored("validate", folder, "--format", "sarif")
    [found] = json.loads(done.stdout)["runs"][0]["results"]
    assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("/r%FF/a.yaml")


IDLE = [
    OUTCOME,
    Outcome("prove", (), "Not run, as it was asked to be skipped.", ran=False),
    Outcome("diff", (), "Not run: there is no Z3.", failing=True, ran=False),
]


def test_a_check_that_did_not_run_has_passed_in_no_format(repository, tmp_path):
    (tmp_path / "report.xml").write_text(written("junit", IDLE, repository), encoding="utf-8")
    every = junitparser.JUnitXml.fromfile(str(tmp_path / "report.xml"))
    assert (every.tests, every.failures, every.errors, every.skipped) == (5, 1, 1, 1)
    _, skipped, broken = every
    assert [case.is_skipped for case in skipped] == [True]
    assert [(case.is_error, case.result[0].message) for case in broken] == [(True, IDLE[2].summary)]
    assert annotations(written("github", IDLE, repository))[-1] == (
        "error",
        {"title": "diff"},
        IDLE[2].summary,
    )
    assert "\nprove: Not run, as" in written("github", IDLE, repository)
    (invocation,) = sarif(IDLE, repository)["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [one["level"] for one in invocation["toolExecutionNotifications"]] == ["note", "error"]
    (invocation,) = sarif(IDLE[:2], repository)["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is True
