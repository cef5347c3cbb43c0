"""Scorers that learn: what they find in a catalogue whose truth is known, and how they are judged."""

import json
import subprocess
import sys
from shutil import copytree

import numpy as np
import pytest
from click.testing import CliRunner

from tailored.cli import main
from tailored.engine.engine import Engine
from tests.support.tastes import shop

pytest.importorskip("implicit", reason="the extra scoring is not installed")

BOOK = """\
attributes: {user: {viewed: {type: list of strings}}}
slots: {list: {many: 5}}
catalogs:
  things: {file: things.csv, attributes: {name: {type: string}, kind: {type: string}}}
scorers:
  together: {kind: together, history: [user.viewed], interactions: log.csv}
  similar: {kind: similar, history: [user.viewed]}
  both: {kind: blend, weights: {together: 1, similar: 1}}
rules:
  best: {when: always, show: {list: {top: 5, of: {catalog: things}, by: together}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    made = shop(seed=7)
    (folder / "book.yaml").write_text(BOOK)
    (folder / "things.csv").write_text(made.catalog())
    (folder / "log.csv").write_text(made.table())
    return folder


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == code, result.output
    return result.output


def judged(folder, name, *more):
    output = run("evaluate-scorer", name, "--interactions", folder / "log.csv", "--book", folder,
                 "--format", "json", *more)  # fmt: skip
    return {one["name"]: one for one in json.loads(output)["figures"]}


@pytest.mark.parametrize("name", ["together", "similar", "both"])
@pytest.mark.parametrize("how", ["last-out", "random:0.2"])
def test_each_finds_the_planted_tastes_twice_as_well_as_popularity(folder, name, how):
    figures = judged(folder, name, "--split", how)
    assert figures[name]["ndcg"] > 2 * figures["popularity"]["ndcg"] > 2 * figures["random"]["ndcg"]
    assert figures[name]["recall"] > 2 * figures["popularity"]["recall"]
    assert figures[name]["answered"] == 1


@pytest.mark.parametrize("model", ["neighbours", "ease", "als", "ease+als"])
def test_every_model_knows_what_a_stranger_with_a_history_likes(folder, tmp_path, model):
    for name in ("things.csv", "log.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "book.yaml").write_text(BOOK.replace("log.csv}", f"log.csv, model: {model}}}"))
    assert f"together: {model} (" in run("train", "--book", tmp_path)
    decision = Engine.load(tmp_path).evaluate({"viewed": ["i3", "i9"]}, {})  # of the fourth taste
    placed = [item.content for item in decision["list"].items]
    assert decision["list"].scorer.used == "together"
    assert all(int(one[1:]) % 6 == 3 for one in placed)
    words = decision.why("list", next(one for one in placed if one not in ("i3", "i9")))
    assert words.startswith("You see this because you looked at summit thing")


@pytest.mark.no_cover
def test_similar_learns_once_and_answers_without_its_teacher(folder, tmp_path):
    copytree(folder, tmp_path / "shop")
    book = tmp_path / "shop"
    (book / "book.yaml").write_text(BOOK.replace("by: together", "by: similar"))
    fresh = placed_and_libraries(book)
    assert "sklearn" in fresh.pop("libraries")
    said = run("train", "similar", "--book", book)
    assert "words and tags of 120 items" in said
    kept = placed_and_libraries(book)
    assert not {"sklearn", "scipy"} & set(kept.pop("libraries"))
    assert kept == fresh
    with open(book / "things.csv", "a") as file:
        file.write("i500,a new summit thing,t3\n")
    changed = placed_and_libraries(book)
    assert "sklearn" in changed["libraries"]  # of other items, it learns anew
    (book / "models" / "similar.npz").write_bytes(b"PK broken")
    assert placed_and_libraries(book) == changed


def placed_and_libraries(book):
    """What a fresh process places, and which of these libraries it imports."""
    code = (
        "import json, sys\nfrom tailored.engine.engine import Engine\n"
        f"engine = Engine.load({str(book)!r}, warm=False)\n"
        "slot = engine.evaluate({'viewed': ['i3', 'i9']}, {})['list']\n"
        "found = {'sklearn', 'scipy', 'implicit', 'onnxruntime'} & set(sys.modules)\n"
        "used = slot.scorer and slot.scorer.used\n"
        "print(json.dumps({'placed': [one.content for one in slot.items], 'used': used,"
        " 'libraries': sorted(found)}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.no_cover
def test_a_command_pays_only_for_the_scorers_that_its_request_reaches(folder, tmp_path):
    copytree(folder, tmp_path / "shop")
    book = tmp_path / "shop"
    (book / "book.yaml").write_text(BOOK.replace("when: always", "when: {viewed: {size: 1}}"))
    assert placed_and_libraries(book) == {"placed": [], "used": None, "libraries": []}


@pytest.mark.no_cover
def test_an_engine_that_stays_is_warm_when_it_is_loaded(folder):
    code = (
        "import sys\nfrom tailored.engine.engine import Engine\n"
        f"Engine.load({str(folder)!r})\nassert 'sklearn' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_a_history_the_fallback_is_asked(folder):
    run("train", "together", "--book", folder)
    decision = Engine.load(folder).evaluate({"viewed": []}, {})
    assert decision["list"].scorer.used is None
    assert decision["list"].scorer.reason == "`together` has no answer: there is no history."


def test_a_model_is_kept_as_plain_arrays(folder):
    run("train", "together", "--book", folder)
    with np.load(folder / "models" / "together.npz", allow_pickle=False) as file:
        assert set(file["items"].tolist()) == {f"i{number}" for number in range(120)}
        assert all(file[name].dtype != object for name in file.files)


@pytest.mark.parametrize("content", [b"", b"no arrays", b"PK\x03\x04 broken"])
def test_a_damaged_model_falls_back_and_says_what_makes_it(folder, tmp_path, content):
    for name in ("things.csv", "log.csv", "book.yaml"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "together.npz").write_bytes(content)
    scorer = Engine.load(tmp_path).evaluate({"viewed": ["i3"]}, {})["list"].scorer
    assert scorer.fallback
    assert "`tailored train together` makes it" in scorer.reason


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["train", "togther"], "there is no scorer `togther`: Did you mean `together`?"),
        (["evaluate-scorer", "simila", "--interactions", "log.csv"], "Did you mean `similar`?"),
        (["evaluate-scorer", "similar"], "--interactions FILE"),
        (["evaluate-scorer", "similar", "--interactions", "lgo.csv"], "There is no file"),
        (["evaluate-scorer", "together", "--item", "itm"], "has no column `itm`. Did you mean `item`?"),
        (["evaluate-scorer", "together", "--split", "half"], "there is no split `half`"),
        (["evaluate-scorer", "together", "--split", "random:2"], "random:0.2"),
        (["evaluate-scorer", "together", "--interactions", "ONCE"], "nothing of this table is held out"),
        (["evaluate-scorer", "together", "--interactions", "UNTIMED"], "--timestamp"),
        (["evaluate-scorer", "together", "--interactions", "BAD"], "has no row that can be used"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_mend(folder, tmp_path, arguments, says):
    files = {"ONCE": "user,item,timestamp\na,x,1\nb,y,2\n", "UNTIMED": "user,item\na,x\na,y\n",
             "BAD": "user,item,timestamp\na,x,soon\n"}  # fmt: skip
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text)
    arguments = [str(tmp_path / f"{one}.csv") if one in files else one for one in arguments]
    output = run(*arguments, "--book", folder, code=2)
    assert says in output
    assert "book's folder" not in output  # these paths begin where the command runs


def test_a_table_without_the_columns_that_are_named_is_found_by_the_validator(folder, tmp_path):
    (tmp_path / "things.csv").write_text((folder / "things.csv").read_text())
    (tmp_path / "log.csv").write_text("user,thing\na,x\n")
    (tmp_path / "book.yaml").write_text(BOOK)
    output = run("validate", tmp_path, code=1)
    assert "`log.csv` has no column `item`. Its columns are user, thing." in " ".join(output.split())
    for more in ("item: thing", "item: thing, timestamp: when"):
        (tmp_path / "book.yaml").write_text(BOOK.replace("log.csv}", f"log.csv, {more}}}"))
        output = run("validate", tmp_path, code=int("when" in more))
    assert "has no column `when`" in output


def test_a_scorer_that_fails_while_it_is_judged_is_told(folder, tmp_path, monkeypatch):
    found = [lambda facts, candidates: [1] * len(candidates), lambda facts, candidates: 1 / 0]
    offered = type(
        "Offered", (), {"score": lambda self, *given: found[len(given[0]["user.viewed"]) % 2](*given)}
    )
    monkeypatch.setattr("tailored.scoring.kinds.python.entry_points", lambda group, name: [Point(offered)])
    book = BOOK.replace("  both:", "  own: {kind: python, features: [user.viewed]}\n  both:")
    copy = tmp_path / "shop"
    copytree(folder, copy)
    (copy / "book.yaml").write_text(book)
    (copy / "short.csv").write_text("user,item,timestamp\na,i1,1\na,i2,2\nb,i1,1\nb,i2,2\nb,i3,3\n")
    output = run("evaluate-scorer", "own", "--interactions", copy / "short.csv", "--book", copy)
    assert "for 1 person, own raised ZeroDivisionError" in output
    found.reverse()
    (copy / "short.csv").write_text("user,item,timestamp\nb,i1,1\nb,i2,2\nb,i3,3\nb,i4,4\n")
    found[:] = found[:1] * 2
    output = run("evaluate-scorer", "own", "--interactions", copy / "short.csv", "--book", copy, code=2)
    assert "`own` cannot be judged: it never answered, but raised ZeroDivisionError" in output


class Point:
    """An entry point."""

    def __init__(self, offered):
        self.load = lambda: offered


def test_training_and_judging_move_the_bar_together(folder):
    from tailored.book.load import load_book
    from tailored.scoring.models.interactions import read_interactions
    from tailored.scoring.models.judge import judge

    steps = []
    data = read_interactions(str(folder / "log.csv"), None, {})
    judge(load_book(folder), "both", data, "last-out", 0, 10, lambda done, of: steps.append(done / of))
    assert steps == sorted(steps)
    assert steps[-1] == 1
    assert sum(0 < step < 0.5 for step in steps) > 5
    assert sum(0.5 < step < 1 for step in steps) > 5


def test_tabs_and_other_names_are_read_and_bad_rows_are_told(folder, tmp_path):
    lines = (folder / "log.csv").read_text().replace(",", "\t").splitlines()
    path = tmp_path / "u.data"
    path.write_text("\n".join(["who\twhat\twhen", *lines[1:], "u1\t\t5", "u1\ti2\tsoon"]) + "\n")
    output = run("evaluate-scorer", "together", "--book", folder, "--interactions", path,
                 "--user", "who", "--item", "what", "--timestamp", "when")  # fmt: skip
    assert "it has no `what`" in output
    assert "`soon` is none" in output
    assert "popularity" in output


def test_last_out_holds_out_the_newest_of_each_person(folder, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user,item,timestamp\n" + "a,x,1\na,y,2\na,z,2026-01-01\nb,x,9\nb,y,3\nc,x,1\n")
    output = json.loads(run("evaluate-scorer", "together", "--book", folder, "--interactions", path,
                            "--k", 1, "--format", "json"))  # fmt: skip
    assert (output["users"], output["held_out"], output["learnt_from"]) == (2, 2, 4)


ONNX_BOOK = """\
attributes: {user: {budget: {type: number}}}
slots: {list: {many: 3}}
catalogs:
  things:
    attributes: {price: {type: number}}
    items: {a: {price: 10}, b: {price: 50}, c: {}}
scorers:
  model: {kind: onnx, file: model.onnx, features: [FEATURES], missing: 30, timeout: 2 s}
rules:
  best: {when: always, show: {list: {top: 3, of: {catalog: things}, by: model}}}
"""


def exported(path, inputs):
    """A model that wants what is nearest to the budget: minus the difference of price and budget."""
    onnx = pytest.importorskip("onnx", reason="onnx writes the model of this test")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    if inputs == 1:
        given = [helper.make_tensor_value_info("x", kind, [None, 2])]
        nodes = [helper.make_node("Split", ["x"], ["price", "budget"], axis=1, num_outputs=2)]
    else:
        given = [helper.make_tensor_value_info(name, kind, [None, 1]) for name in ("price", "budget")]
        nodes = []
    nodes += [
        helper.make_node("Sub", ["price", "budget"], ["difference"]),
        helper.make_node("Abs", ["difference"], ["far"]),
        helper.make_node("Neg", ["far"], ["score"]),
    ]
    result = [helper.make_tensor_value_info("score", kind, [None, 1])]
    graph = helper.make_graph(nodes, "nearest", given, result)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)


def onnx_order(tmp_path, inputs, features, user):
    exported(tmp_path / "model.onnx", inputs)
    (tmp_path / "book.yaml").write_text(ONNX_BOOK.replace("FEATURES", features))
    decision = Engine.load(tmp_path).evaluate(user, {})
    return "".join(item.content for item in decision["list"].items), decision["list"].scorer


@pytest.mark.parametrize("inputs", [1, 2])
def test_a_model_is_given_the_features_in_their_order(tmp_path, inputs):
    order, scorer = onnx_order(tmp_path, inputs, "item.price, user.budget", {"budget": 14.0})
    assert (order, scorer.used) == ("acb", "model")  # the missing price counts as 30
    order, _ = onnx_order(tmp_path, inputs, "item.price, user.budget", {"budget": 60})
    assert order == "bca"


def test_a_model_that_takes_other_features_falls_back_and_says_why(tmp_path):
    _, scorer = onnx_order(tmp_path, 1, "item.price", {})
    assert scorer.reason == "`model` is not ready: its model takes 2 features, and `features` names 1."
    (tmp_path / "model.onnx").write_bytes(b"nothing")
    scorer = Engine.load(tmp_path).evaluate({}, {})["list"].scorer
    assert scorer.reason == "`model` is not ready: `model.onnx` is no model that onnxruntime reads."


def test_factors_of_a_person_are_those_that_the_library_works_out():
    from implicit.als import AlternatingLeastSquares
    from scipy import sparse

    from tailored.scoring.models.learning import Factors

    matrix = sparse.random(40, 25, 0.2, "csr", np.float32, np.random.default_rng(1), data_rvs=np.ones)
    model = AlternatingLeastSquares(
        factors=6, regularization=2.0, alpha=3.0, iterations=3, random_state=0, num_threads=1,
        use_cg=False, dtype=np.float64,
    )  # fmt: skip
    model.fit(matrix, show_progress=False)
    expected = model.recalculate_user(np.arange(40), matrix) @ model.item_factors.T
    found = Factors(np.asarray(model.item_factors, dtype=float), 3.0, 2.0).scores(matrix)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


TYPED_BOOK = """\
attributes:
  user: {plan: {type: string}, member: {type: boolean}, since: {type: date}, seen: {type: datetime}}
slots: {list: {many: 3}}
catalogs:
  things:
    attributes: {price: {type: number}}
    items: {a: {price: 1}, b: {price: 2}, c: {price: 3}}
scorers:
  model: {kind: onnx, file: model.onnx, features: [FEATURES], timeout: 5 s, MORE}
rules:
  best: {when: always, show: {list: {top: 3, of: {catalog: things}, by: model}}}
"""


def typed(path, kinds, nodes, outputs):
    """A model with one input for each kind, and outputs of floats."""
    onnx = pytest.importorskip("onnx", reason="onnx writes the model of this test")
    helper, kind = onnx.helper, onnx.TensorProto
    given = [
        helper.make_tensor_value_info(name, getattr(kind, of.upper()), [None, 1])
        for name, of in kinds.items()
    ]
    made = [helper.make_tensor_value_info(name, kind.FLOAT, [None, None]) for name in outputs]
    graph = helper.make_graph([helper.make_node(*one[:3], **one[3]) for one in nodes], "typed", given, made)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)


def typed_scores(tmp_path, features, more=""):
    (tmp_path / "book.yaml").write_text(
        TYPED_BOOK.replace("FEATURES", features).replace(", MORE", f", {more}" if more else "")
    )
    return Engine.load(tmp_path)


@pytest.mark.parametrize(
    "kind, feature, user, order",
    [
        ("bool", "user.member", {"member": True}, "cba"),
        ("bool", "user.member", {"member": False}, "abc"),
        ("bool", "user.member", {}, "abc"),
        ("int64", "user.since", {"since": "1970-01-03"}, "cba"),
        ("int64", "user.since", {"since": "1970-01-01"}, "abc"),
        ("double", "user.seen", {"seen": "1970-01-01T00:00:02Z"}, "cba"),
        ("float", "user.seen", {"seen": "1970-01-01T00:00:00Z"}, "abc"),
    ],
)
def test_booleans_dates_and_times_are_numbers_for_a_model(tmp_path, kind, feature, user, order):
    nodes = [
        ("Cast", ["of_user"], ["number"], {"to": 1}),
        ("Mul", ["number", "price"], ["score"], {}),
    ]
    typed(tmp_path / "model.onnx", {"of_user": kind, "price": "float"}, nodes, ["score"])
    decision = typed_scores(tmp_path, f"{feature}, item.price").evaluate(user, {})
    assert decision["list"].scorer.used == "model", decision["list"].scorer
    assert "".join(item.content for item in decision["list"].items) == order


def test_a_model_may_take_texts_and_a_missing_one_is_empty(tmp_path):
    keys = {"keys_strings": ["pro"], "values_floats": [1.0], "default_float": -1.0, "domain": "ai.onnx.ml"}
    nodes = [("LabelEncoder", ["plan"], ["sign"], keys), ("Mul", ["sign", "price"], ["score"], {})]
    onnx = pytest.importorskip("onnx", reason="onnx writes the model of this test")
    typed(tmp_path / "model.onnx", {"plan": "string", "price": "float"}, nodes, ["score"])
    model = onnx.load(tmp_path / "model.onnx")
    model.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 3))
    onnx.save(model, tmp_path / "model.onnx")
    made = typed_scores(tmp_path, "user.plan, item.price")
    for user, order in (({"plan": "pro"}, "cba"), ({"plan": "free"}, "abc"), ({}, "abc")):
        decision = made.evaluate(user, {})
        assert decision["list"].scorer.used == "model", decision["list"].scorer
        assert "".join(item.content for item in decision["list"].items) == order


def test_an_output_is_named_or_else_the_last_and_its_last_column_counts(tmp_path):
    nodes = [
        ("Neg", ["price"], ["against"], {}),
        ("Concat", ["against", "price"], ["both"], {"axis": 1}),
    ]
    typed(tmp_path / "model.onnx", {"price": "float"}, nodes, ["against", "both"])
    for more, order in (("output: against", "abc"), ("output: both", "cba"), ("", "cba")):
        decision = typed_scores(tmp_path, "item.price", more).evaluate({}, {})
        assert "".join(item.content for item in decision["list"].items) == order
    scorer = typed_scores(tmp_path, "item.price", "output: score").evaluate({}, {})["list"].scorer
    assert scorer.reason == "`model` is not ready: its model has no output `score`, only against, both."
    scorer = typed_scores(tmp_path, "user.plan").evaluate({}, {})["list"].scorer
    assert scorer.reason == "`model` is not ready: its model takes numbers, and `user.plan` is text."
