"""What is said of scorers before anybody is served: models that cannot be used, packages, and pins."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from tailored import Engine
from tailored.cli import main

BOOK = """\
attributes:
  user:
    age: {type: integer}
    visits: {type: integer}
    viewed: {type: list of strings}
slots: {hero: {}, list: {many: 3}}
catalogs:
  things:
    attributes: {price: {type: number}}
    items: {a: {price: 1}, b: {price: 2}, c: {price: 3}, d: {price: 4}}
scorers:
  model: SCORER
rules:
  best: {when: always, show: {list: {top: 3, of: {catalog: things}, by: model, pin: [{id: d, at: 2}]}}}
  main: {when: always, show: {hero: {of: {catalog: things}, pin: [{id: c, at: 1}]}}}
"""
ONNX = Path("tests/books/diagnostics/younger-first.onnx")
TOGETHER = "{kind: together, history: [viewed], interactions: log.csv}"


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def book(tmp_path):
    def written(scorer):
        (tmp_path / "book.yaml").write_text(BOOK.replace("SCORER", scorer))
        (tmp_path / "log.csv").write_text("user,item\nx,a\nx,b\ny,a\ny,c\nz,b\nz,c\n")
        (tmp_path / "young.onnx").write_bytes(ONNX.read_bytes())
        return tmp_path

    return written


def findings(folder, code=0):
    found = json.loads(run("validate", folder, "--format", "json", code=code))["diagnostics"]
    return [
        (one["code"], one["line"], one["message"], one["hint"]) for one in found if one["severity"] != "note"
    ]


def test_a_model_that_is_not_trained_yet_is_told_with_the_command_that_trains_it(book):
    pytest.importorskip("implicit", reason="the extra scoring is not installed")
    folder = book(TOGETHER)
    ((code, line, message, hint),) = findings(folder)
    assert (code, line) == ("untrained", 12)
    assert message == "There is no file `models/model.npz`. The scorer falls back."
    assert hint == "`tailored train model` makes it."
    run("train", "model", "--book", folder)
    assert findings(folder) == []


def test_where_the_model_is_there_the_table_it_learnt_from_may_be_missing(book):
    pytest.importorskip("implicit", reason="the extra scoring is not installed")
    folder = book(TOGETHER)
    run("train", "model", "--book", folder)
    (folder / "log.csv").rename(folder / "loog.csv")
    assert findings(folder) == [
        (
            "missing-file",
            12,
            "There is no file `log.csv`, which `tailored train model` reads.",
            "Did you mean `loog.csv`?",
        )
    ]
    placed = Engine.load(folder).evaluate({"viewed": ["a"]}, {})["list"]
    assert placed.scorer.used == "model"
    assert "There is no file `log.csv`." in run("train", "model", "--book", folder, code=2)


def test_without_the_model_too_both_are_warned_of(book):
    folder = book(TOGETHER)
    (folder / "log.csv").unlink()
    assert [code for code, *_ in findings(folder)] == ["untrained", "missing-file"]


def test_a_damaged_model_is_told_with_the_command_that_trains_it(book):
    folder = book(TOGETHER)
    (folder / "models").mkdir()
    (folder / "models" / "model.npz").write_bytes(b"PK no model")
    ((code, line, message, hint),) = findings(folder, code=1)
    assert (code, line) == ("wrong-model", 12)
    assert "`models/model.npz` is no model of this kind" in message
    assert hint == "`tailored train model` makes it."


@pytest.mark.parametrize(
    "scorer, says",
    [
        (
            "{kind: onnx, file: young.onnx, features: [age, visits]}",
            "takes 1 features, and `features` names 2",
        ),
        ("{kind: onnx, file: young.onnx, features: [viewed]}", "takes numbers, and `user.viewed` is a list"),
        ("{kind: onnx, file: young.onnx, features: [age], output: rate}", "has no output `rate`, only score"),
        ("{kind: onnx, file: book.yaml, features: [age]}", "is no model that onnxruntime reads"),
        ("{kind: onnx, file: young.onnx}", "its `features` name no attribute"),
    ],
)
def test_a_model_that_does_not_take_its_features_is_an_error_at_its_place(book, scorer, says):
    pytest.importorskip("onnxruntime", reason="the extra scoring is not installed")
    folder = book(scorer)
    ((code, line, message, _),) = findings(folder, code=1)
    assert (code, line) == ("wrong-model", 12)
    assert says in message


def test_a_model_that_takes_its_features_has_no_finding(book):
    pytest.importorskip("onnxruntime", reason="the extra scoring is not installed")
    assert findings(book("{kind: onnx, file: young.onnx, features: [age]}")) == []


def sqlite_state(folder, *statements):
    with closing(sqlite3.connect(folder / "kept.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


COLUMNS = "has a table `bandit` with the columns item, hits, and not candidate (the primary key)"


@pytest.mark.parametrize(
    "state, content, says",
    [
        ("kept.json", b"{", "is no JSON"),
        ("kept.json", b"\xff\xfe", "is no JSON"),
        ("kept.json", b"[" * 100_000, "is no JSON"),
        ("kept.json", b"[1, 2]", "does not hold two counts for each candidate"),
        ("kept.json", b'{"a": {"taken": 1}}', "does not hold two counts for each candidate"),
        ("kept.json", b'{"a": [1, -1]}', "holds a count that does not lie between 0 and 1e+12"),
        ("kept.db", b"no database at all", "cannot be used (file is not a database)"),
        ("kept.db", ["create table bandit (item text, hits real)"], COLUMNS),
        (
            "kept.db",
            [
                "create table bandit (candidate text primary key, taken real, passed real)",
                "insert into bandit values ('a', 'often', 1)",
            ],
            "does not hold two counts for each candidate",
        ),
        ("kept.json", None, "cannot be used (Is a directory)"),
        ("kept.db", None, "cannot be used (Is a directory)"),
    ],
)
def test_the_state_of_a_bandit_that_cannot_be_used_is_an_error_at_its_place(book, state, content, says):
    folder = book(f"{{kind: bandit, state: {state}}}")
    if isinstance(content, bytes):
        (folder / state).write_bytes(content)
    elif content is None:
        (folder / state).mkdir()
    else:
        sqlite_state(folder, *content)
    before = sorted(path.name for path in folder.iterdir())
    ((code, line, message, hint),) = findings(folder, code=1)
    assert (code, line) == ("wrong-model", 12)
    assert message.startswith(f"`model` cannot be used: its state in `{state}` {says}")
    assert hint == "Mend it, or move it away: the scorer then begins anew."
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize("state", ["kept.json", "kept.db", "deep/kept.db"])
def test_a_state_that_is_fine_or_not_there_yet_has_no_finding_and_is_left_as_it_is(book, state):
    folder = book(f"{{kind: bandit, state: {state}}}")
    assert findings(folder) == []
    assert not (folder / state).exists()
    engine = Engine.load(folder)
    engine.feedback("model", "c", 1)
    assert findings(folder) == []  # while it is in use
    engine.close()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert findings(folder) == []
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_what_one_user_sees_says_why_another_order_counts(book):
    folder = book("{kind: python, fallback: kept}\n  kept: {kind: bandit, state: kept.json}")
    text = run("evaluate", folder, "--user", "{}")
    why = "`model` is not ready: no object `model` was passed in, and no package offers `model`."
    assert f"fallback: list stands in the order of kept, not in that of model: {why}\n" in text
    (folder / "kept.json").write_text("{")
    text = run("evaluate", folder, "--user", "{}")
    assert f"fallback: list stands in the rule's own order, not in that of model: {why}\n" in text
    assert "fallback" not in run("evaluate", book("{kind: bandit, state: new.json}"), "--user", "{}")


def test_an_explanation_says_what_is_pinned(book):
    pytest.importorskip("onnxruntime", reason="the extra scoring is not installed")
    folder = book("{kind: onnx, file: young.onnx, features: [item.price]}")
    text = run("explain", folder, "--user", "{}")
    assert "list: a, d (pinned), b\n" in text
    assert "hero: c (pinned), by main (priority 100)\n" in text
    slots = json.loads(run("explain", folder, "--user", "{}", "--format", "json"))["slots"]
    assert [one.get("pinned", False) for one in slots["list"]["items"]] == [False, True, False]


PACKAGE = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "dear-things"
version = "1"
[tool.hatch.build.targets.wheel]
include = ["dear_things.py"]
[project.entry-points."tailored.scorers"]
dearest = "dear_things:Dearest"
broken = "dear_things:Missing"
""",
    "dear_things.py": """\
class Dearest:
    def score(self, facts, candidates):
        return [candidate.attributes["price"] for candidate in candidates]
""",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder into which a package that offers scorers is really installed."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name, text in PACKAGE.items():
        (source / name).write_text(text)
    command = "pip install -q --no-deps --no-build-isolation --no-index --disable-pip-version-check --target"
    subprocess.run([sys.executable, "-m", *command.split(), site, source], check=True)
    return site


@pytest.mark.parametrize(
    "name, used, reason",
    [
        ("dearest", "model", None),
        ("broken", None, "`model` is not ready: making it raised AttributeError."),
        (
            "cheapest",
            None,
            "`model` is not ready: no object `model` was passed in, and no package offers `cheapest`.",
        ),
    ],
)
def test_a_scorer_of_an_installed_package_is_found_by_its_name(book, site, name, used, reason):
    folder = book(f"{{kind: python, name: {name}}}")
    command = [sys.executable, "-m", "tailored", "evaluate", folder, "--user", "{}", "--format", "json"]
    environment = {"PYTHONPATH": str(site), "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    placement = json.loads(done.stdout)["slots"]["list"]
    assert placement["scorer"] == {"name": "model", "used": used, "fallback": used is None, "reason": reason}
    assert [one["content"] for one in placement["items"]] == (["c", "d", "b"] if used else ["a", "d", "b"])
