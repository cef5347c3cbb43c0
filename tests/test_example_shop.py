"""The lists of the example shop: what they hold, whom they are for, and that scripts make their data."""

import csv
import runpy
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from click.testing import CliRunner

from tailored import Engine
from tailored.cli import main

CATALOGUE = Path("rules/catalogue")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load("rules")


def rows(name: str) -> list[dict[str, str]]:
    with open(CATALOGUE / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_catalogue_is_what_the_script_makes(tmp_path):
    runpy.run_path("examples/make_catalogue.py")["main"](tmp_path)
    for name in ("products.csv", "interactions.csv", "popular.csv"):
        assert (tmp_path / name).read_bytes() == (CATALOGUE / name).read_bytes()
    assert len(rows("products.csv")) >= 200


def test_the_exported_model_is_what_the_script_trains(tmp_path):
    onnx = pytest.importorskip("onnx", reason="the script needs onnx")
    runpy.run_path("examples/train_likely.py")["main"](tmp_path / "likely.onnx")
    models = [onnx.load(path) for path in (tmp_path / "likely.onnx", "rules/models/likely.onnx")]
    weights = [
        {one.name: onnx.numpy_helper.to_array(one).tolist() for one in model.graph.initializer}
        for model in models
    ]
    assert weights[0] == weights[1]
    assert models[0].graph.node == models[1].graph.node


def test_what_was_learnt_of_the_catalogue_is_what_it_says_now(tmp_path):
    pytest.importorskip("sklearn", reason="the extra scoring is not installed")
    copytree("rules", tmp_path / "rules")
    kept = tmp_path / "rules" / "models" / "like-what-you-saw.npz"
    with np.load(kept) as file:
        before = {name: file[name].tolist() for name in file.files}
    result = CliRunner().invoke(main, ["train", "--book", str(tmp_path / "rules")])
    assert result.exit_code == 0, result.output
    with np.load(kept) as file:
        after = {name: file[name].tolist() for name in file.files}
    assert after.pop("data") == pytest.approx(before.pop("data"))
    assert after == before, "run `tailored train` after a change of the catalogue"


def test_newcomers_find_what_is_chosen_most_in_their_country(engine):
    decision = engine.evaluate({"id": "new", "country": "NO"}, {"page": "home"}, "2026-11-24")
    norway = {row["item"]: int(row["count"]) for row in rows("popular.csv") if row["country"] == "NO"}
    stock = {row["id"]: row for row in rows("products.csv") if row["in_stock"] == "true"}
    shown = [item.content for item in decision["for-you"].items]
    assert decision["for-you"].scorer.used == "popular-in-country"
    assert len(shown) == 6
    counts = [norway[name] for name in shown]
    assert counts[0] == max(norway.get(name, 0) for name in stock)
    assert counts == sorted(counts, reverse=True)
    assert len({stock[name]["category"] for name in shown}) == 6
    assert decision.why("for-you", shown[0]) == "You see this because it is popular in Norway."


def test_whoever_has_a_history_finds_a_list_of_her_own_of_which_a_fifth_is_new(engine):
    user = {
        "id": "u",
        "country": "NO",
        "viewed_products": ["tents-2"],
        "bought_products": ["skis-1", "skis-2"],
    }
    new = []
    for number in range(300):
        context = {"page": "product", "product": "tents-2", "request_id": f"r{number}"}
        decision = engine.evaluate(user, context, "2026-11-24")
        shown = [item.content for item in decision["for-you"].items]
        assert len(shown) == 6
        assert {"tents-2", "skis-1", "skis-2"}.isdisjoint(shown)
        brands = [row["brand"] for row in rows("products.csv") if row["id"] in shown] if number < 20 else []
        assert all(brands.count(brand) <= 2 for brand in brands)
        new += [item for item in shown if decision.why("for-you", item).endswith("something new.")]
    assert decision["for-you"].rule is None
    assert {item.rule for item in decision["for-you"].items} == {"chosen-for-you"}
    assert len(new) / (300 * 6) == pytest.approx(0.2, abs=0.03)


def test_what_is_hidden_on_checkout_asks_no_scorer(engine):
    decision = engine.evaluate({"id": "u", "viewed_products": ["tents-2"]}, {"page": "checkout"})
    assert decision["for-you"].scorer is None
    assert decision["for-you"].items == ()


def test_the_demo_shows_the_lists_with_their_reasons(capsys):
    runpy.run_path("examples/demo.py", run_name="__main__")
    shown = capsys.readouterr().out
    assert "You see this because it is popular in Norway." in shown
    assert "You see this because it is something new." in shown
