"""pytest collects the tests of a book beside those of the code: real runs in projects of their own."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

BOOK = """\
attributes:
  user: {age: {type: integer}}
slots: {hero: {default: plain}}
content: {plain: {title: Welcome}, wine: {title: Wine}}
rules:
  grown-ups-see-wine: {when: {age: {at least: 18}}, show: {hero: wine}}
tests:
  wine-at-18: {user: {age: 18}, expect: {hero: wine}}
"""
MORE = """\
tests:
  by-age:
    each:
      - {age: 17, hero: plain}
      - {age: 18, hero: wine}
"""
CONFIGURATION = '[tool.pytest.ini_options]\ntestpaths = ["tests"]\ntailored_books = ["rules"]\n'


@pytest.fixture
def project(tmp_path):
    """A Python project with a test of its own and a rule book."""
    for folder in ("tests", "rules/more"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(CONFIGURATION)
    (tmp_path / "tests" / "test_code.py").write_text("def test_code():\n    pass\n")
    (tmp_path / "rules" / "book.yaml").write_text(BOOK)
    (tmp_path / "rules" / "more" / "ages.yaml").write_text(MORE)
    return tmp_path


def run(project: Path, *arguments: str, as_installed: bool = False) -> tuple[int, str]:
    """Runs pytest with this plugin and no others, which take longer than the rest; or as it is installed."""
    alone = [] if as_installed else ["-p", "tailored.pytest_plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *alone, *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | ({} if as_installed else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
    )
    return done.returncode, done.stdout + done.stderr


def test_the_tests_of_the_book_run_beside_those_of_the_code(project):
    code, said = run(project, "-v", as_installed=True)
    assert code == 0
    for name in (
        "tests/test_code.py::test_code PASSED",
        "rules/book.yaml::wine-at-18 PASSED",
        "rules/more/ages.yaml::by-age[17] PASSED",
        "rules/more/ages.yaml::by-age[18] PASSED",
    ):
        assert name in said
    assert "4 passed" in said


def test_what_the_command_line_names_is_all_that_runs(project):
    assert "1 passed" in run(project, "tests")[1]
    assert "3 passed" in run(project, "rules")[1]
    assert "1 passed" in run(project, "rules/book.yaml")[1]
    assert "1 passed, 3 deselected" in run(project, "-k", "by-age and 17")[1]
    assert "1 passed" in run(project, "rules/more/ages.yaml::by-age[17]")[1]


def test_a_failure_reads_as_on_the_command_line(project):
    (project / "rules" / "more" / "ages.yaml").write_text(MORE.replace("17", "16").replace("18", "17"))
    code, said = run(project, "--junitxml", "report.xml")
    assert code == 1
    assert "rules/more/ages.yaml:5:25  test-failed" in said
    assert "`by-age[17]`: `hero` should be `wine`, and is plain, by default." in said
    assert "nearly    grown-ups-see-wine  age is 17, not at least 18" in said
    assert "FAILED rules/more/ages.yaml::by-age[17]" in said
    assert "Traceback" not in said
    failed = ElementTree.parse(project / "report.xml").findall(".//failure")
    assert len(failed) == 1


def test_a_book_with_errors_is_one_error_with_what_validate_says(project):
    (project / "rules" / "more" / "ages.yaml").write_text(MORE.replace("plain", "plan"))
    code, said = run(project)
    assert code == 2
    assert said.count("There is no content `plan`.") == 1
    assert "Did you mean `plain`?" in said
    assert "1 error" in said
    assert "Traceback" not in said


def test_nothing_is_collected_where_no_book_is_named(project):
    (project / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    assert "1 passed" in run(project, "-v", as_installed=True)[1]


def test_a_book_within_what_is_searched_anyway_runs_once(project):
    (project / "pyproject.toml").write_text(CONFIGURATION.replace('testpaths = ["tests"]\n', ""))
    assert "4 passed" in run(project)[1]
