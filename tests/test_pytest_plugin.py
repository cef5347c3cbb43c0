"""pytest collects the tests of a book beside those of the code: real runs in projects of their own."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import tailored.cli.validate
import tailored.report.formats
import tailored.testing.run  # noqa: F401  (a run in this process forgets what it was the first to import)
from tests.support import grown_ups

pytest_plugins = ["pytester"]

BOOK = f"""\
{grown_ups.BOOK}
tests:
  wine-at-18: {{user: {{age: 18}}, expect: {{hero: wine}}}}
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


def as_installed(project: Path, *arguments: str) -> tuple[int, str]:
    """Runs pytest in a process of its own, with every plugin that is installed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs pytest in this process, which is quicker, with this plugin and no others."""

    def run(project: Path, *arguments: str) -> tuple[int, str]:
        monkeypatch.chdir(project)
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        alone = ["-p", "no:cacheprovider", "-p", "tailored.pytest_plugin"]
        done = pytester.runpytest_inprocess(*alone, *arguments)
        return int(done.ret), f"{done.stdout}\n{done.stderr}"

    return run


def test_the_tests_of_the_book_run_beside_those_of_the_code(project):
    code, said = as_installed(project, "-v")
    assert code == 0
    for name in (
        "tests/test_code.py::test_code PASSED",
        "rules/book.yaml::wine-at-18 PASSED",
        "rules/more/ages.yaml::by-age[17] PASSED",
        "rules/more/ages.yaml::by-age[18] PASSED",
    ):
        assert name in said
    assert "4 passed" in said


def test_what_the_command_line_names_is_all_that_runs(project, run):
    assert "1 passed" in run(project, "tests")[1]
    assert "3 passed" in run(project, "rules")[1]
    assert "1 passed" in run(project, "rules/book.yaml")[1]
    assert "1 passed, 3 deselected" in run(project, "-k", "by-age and 17")[1]
    assert "1 passed" in run(project, "rules/more/ages.yaml::by-age[17]")[1]


def test_a_failure_reads_as_on_the_command_line(project, run):
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


def test_a_book_with_errors_is_one_error_with_what_validate_says(project, run):
    (project / "rules" / "more" / "ages.yaml").write_text(MORE.replace("plain", "plan"))
    code, said = run(project)
    assert code == 2
    assert said.count("There is no content `plan`.") == 1
    assert "Did you mean `plain`?" in said
    assert "1 error" in said
    assert "Traceback" not in said


def test_a_book_that_is_not_there_is_an_error_and_no_green_run(project, run):
    (project / "pyproject.toml").write_text(CONFIGURATION.replace('["rules"]', '["rulse"]'))
    for arguments in ([], ["tests"]):
        code, said = run(project, *arguments)
        assert code == pytest.ExitCode.USAGE_ERROR
        assert f"ERROR: tailored_books: there is no folder {project / 'rulse'}. Did you mean `rules`?" in said
        assert "passed" not in said


def test_a_folder_without_rule_files_is_an_error_and_no_green_run(project, run):
    (project / "rules" / "book.yaml").unlink()
    (project / "rules" / "more" / "ages.yaml").unlink()
    code, said = run(project)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: tailored_books: {project / 'rules'} holds no .yaml files." in said


def test_an_error_is_laid_at_the_file_that_has_it(project, run):
    (project / "rules" / "a-names.yaml").write_text("content: {beer: {title: Beer}}\n")
    (project / "rules" / "z-rules.yaml").write_text("rules: {r: {when: {age: 1}, show: {hero: bear}}}\n")
    code, said = run(project)
    assert code == 2
    assert [line for line in said.splitlines() if line.startswith("ERROR rules")] == [
        "ERROR rules/book.yaml",
        "ERROR rules/more/ages.yaml",
        "ERROR rules/z-rules.yaml",
    ]
    at_its_file = said.partition("ERROR collecting rules/z-rules.yaml")[2]
    assert "There is no content `bear`." in at_its_file
    assert "Did you mean `beer`?" in at_its_file
    assert said.count("There is no content `bear`.") == 1
    first = project / "rules" / "z-rules.yaml"
    told = f"tailored: these tests do not run, as the book has errors; the first is at {first}:1:42"
    assert said.count(told) == 2


def test_tests_of_a_book_with_an_error_in_another_file_do_not_pass_in_silence(project, run):
    (project / "rules" / "z-rules.yaml").write_text("rules: {r: {when: {age: 1}, show: {hero: wein}}}\n")
    code, said = run(project, "rules/more")
    assert code == 2
    assert "these tests do not run, as the book has errors" in said


def test_a_wrong_row_of_a_table_is_told_where_tests_stand(project, run):
    (project / "rules" / "stock.csv").write_text("id,price\nsocks,cheap\n")
    (project / "rules" / "stock.yaml").write_text(
        "catalogs: {stock: {file: stock.csv, attributes: {price: {type: number}}}}\n"
    )
    code, said = run(project)
    assert code == 2
    assert "rules/stock.csv:2:" in said
    assert "cheap" in said


def test_nothing_is_collected_where_no_book_is_named(project, run):
    (project / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    assert "1 passed" in as_installed(project, "-v")[1]


def test_a_book_within_what_is_searched_anyway_runs_once(project, run):
    (project / "pyproject.toml").write_text(CONFIGURATION.replace('testpaths = ["tests"]\n', ""))
    assert "4 passed" in run(project)[1]
