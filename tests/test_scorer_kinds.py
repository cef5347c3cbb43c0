"""The kinds of scorers that need no training: what each puts first, and why, in words."""

import json
import sqlite3
import sys
import time
from collections import Counter
from importlib.metadata import EntryPoint

import pytest

from tailored.book.load import check_book, load_book
from tailored.engine import policy
from tailored.engine.engine import Engine
from tailored.scoring.kinds import python as python_kind

BASE = """\
attributes:
  user:
    country: {type: string}
    plan: {type: string}
    visits: {type: integer}
  context: {page: {type: string}}
purposes: {ads: {}}
slots: {list: {many: 4}}
content: {a: {title: A}, b: {title: B}, c: {title: C}, d: {title: D}}
rules: {best: {when: always, show: {list: {best of: [a, b, c, d], by: model}}}}
"""


def engine(tmp_path, scorers, scorers_given=None, **files):
    """An engine of a book in a folder, with other files beside it."""
    (tmp_path / "book.yaml").write_text(BASE + "scorers:\n" + "".join(f"  {one}\n" for one in scorers))
    for name, content in files.items():
        (tmp_path / name.replace("_", ".")).write_text(content)
    return Engine(load_book(tmp_path), scorers_given)


def findings(tmp_path, scorers, **files):
    (tmp_path / "book.yaml").write_text(BASE)
    text = (BASE + "scorers:\n" + "".join(f"  {one}\n" for one in scorers)).encode()
    for name, content in files.items():
        (tmp_path / name.replace("_", ".")).write_text(content)
    return [
        str(one.span) + " " + one.code
        for one in check_book({"book.yaml": text}, folder=tmp_path)[1].diagnostics
    ]


def order(decision):
    assert decision["list"].scorer.fallback is False, decision["list"].scorer
    return "".join(item.content for item in decision["list"].items)


COUNTS = "item,count,country\na,10,NO\nb,40,NO\nc,300,US\na,30,US\nb,1,DE\n"


def test_what_is_chosen_most_comes_first(tmp_path):
    made = engine(tmp_path, ["model: {kind: popularity, file: counts.csv}"], counts_csv=COUNTS)
    assert order(made.evaluate({}, {})) == "cbad"
    assert made.evaluate({}, {}).why("list", "c") == "You see this because it is popular."


def test_what_is_popular_in_her_region_comes_first_and_says_so(tmp_path):
    scorer = "model: {kind: popularity, file: counts.csv, by: country, names: {NO: Norway}}"
    made = engine(tmp_path, [scorer], counts_csv=COUNTS)
    norwegian = made.evaluate({"country": "NO"}, {})
    assert order(norwegian) == "bacd"
    assert norwegian.why("list", "b") == "You see this because it is popular in Norway."
    assert norwegian.why("list", "d") == "You see this because it applies to everyone."


@pytest.mark.parametrize(
    "user", [{}, {"country": "DE"}, {"country": "XX"}, {"country": "NO", "opt_outs": ["personalization"]}]
)
def test_small_groups_and_those_of_whom_nothing_is_known_see_the_global_figure(tmp_path, user):
    made = engine(tmp_path, ["model: {kind: popularity, file: counts.csv, by: country}"], counts_csv=COUNTS)
    assert order(made.evaluate(user, {})) == "cbad"


def test_smoothing_keeps_a_little_data_from_saying_much(tmp_path):
    table = "item,count,views\na,1,1\nb,80,100\nc,10,100\nd,5,100\n"
    rates = "model: {{kind: popularity, file: counts.csv, of: views, smoothing: {}}}"
    assert order(engine(tmp_path, [rates.format(0)], counts_csv=table).evaluate({}, {})) == "abcd"
    assert order(engine(tmp_path, [rates.format(5)], counts_csv=table).evaluate({}, {})) == "bacd"


def test_additive_smoothing_is_what_the_formula_says(tmp_path):
    scorer = "model: {kind: popularity, file: counts.csv, by: country, smoothing: 2}"
    made = engine(tmp_path, [scorer], counts_csv=COUNTS)
    model = made._ranker.scorers.scorer("model")
    (content,) = made._ranker._eligible.content.values()
    candidates = content.candidates
    total, items = 381, 3
    shares = [(40 + 2) / (total + 6), (41 + 2) / (total + 6), (300 + 2) / (total + 6), 2 / (total + 6)]
    assert model.score({}, candidates) == pytest.approx(shares)
    norway = [(10 + 6 * shares[0]) / 56, (40 + 6 * shares[1]) / 56, 6 * shares[2] / 56]
    assert model.score({"user.country": "NO"}, candidates)[:items] == pytest.approx(norway)


def test_counts_come_from_a_query_too(tmp_path):
    connection = sqlite3.connect(tmp_path / "shop.sqlite")
    connection.execute("create table sales (sku text, sold integer)")
    connection.executemany("insert into sales values (?, ?)", [("d", 9), ("b", 5)])
    connection.commit()
    connection.close()
    query = '"select sku as item, sold as count from sales"'
    scorer = f"model: {{kind: popularity, sql: {query}, database: shop.sqlite}}"
    assert order(engine(tmp_path, [scorer]).evaluate({}, {})) == "dbac"


@pytest.mark.parametrize(
    "table, found",
    [
        ("item,count\na,-1\n", "counts.csv:2:1 wrong-type"),
        ("item,count\na,1\nb,x\n", "counts.csv:3:1 wrong-type"),
        ("item,count\na,nan\n", "counts.csv:2:1 wrong-type"),
        ("item,count\n,1\n", "counts.csv:2:1 unreadable-row"),
        ("item,count\na,1,2\n", "counts.csv:2:1 unreadable-row"),
        ("item,cuont\na,1\n", "book.yaml:12:35 missing-column"),
        ("", "book.yaml:12:35 unreadable-file"),
        ("item,count\n", "book.yaml:12:35 empty-source"),
    ],
)
def test_a_table_of_counts_is_checked_row_by_row(tmp_path, table, found):
    assert findings(tmp_path, ["model: {kind: popularity, file: counts.csv}"], counts_csv=table) == [found]


@pytest.mark.parametrize(
    "settings, table, message, hint",
    [
        (
            "by: country",
            "item,country\na,NO\n",
            "it needs `item`, `count` (how often it was chosen) and `country` (the group).",
            "Its columns are item, country.",
        ),
        (
            "of: views",
            "item,cuont,views\na,1,2\n",
            "and `views` (how often it was shown).",
            "Did you mean `cuont`?",
        ),
    ],
)
def test_a_table_of_counts_without_a_column_says_what_it_needs(tmp_path, settings, table, message, hint):
    (tmp_path / "counts.csv").write_text(table)
    book = f"{BASE}scorers:\n  model: {{kind: popularity, file: counts.csv, {settings}}}\n"
    (found,) = check_book({"book.yaml": book.encode()}, folder=tmp_path)[1].diagnostics
    assert message in found.message
    assert found.hint == hint


POPULAR = "kind: popularity, file: counts.csv"


@pytest.mark.parametrize(
    "scorer, code, message, mend",
    [
        ("kind: python, timeout: 25", "wrong-time", "`25` is none", "Write `25 ms`, or `s` for seconds."),
        ("kind: python, timeout: 25 MS", "wrong-time", "`25 MS` is none", "Write `25 ms`."),
        ('kind: python, timeout: "1,5 s"', "wrong-time", "`1,5 s` is none", "Write `1.5 s`."),
        ("kind: python, timeout: .5 s", "wrong-time", "`.5 s` is none", "Write `0.5 s`."),
        ("kind: python, timeout: 250 us", "wrong-time", "`250 us` is none", "Write `25 ms`, or `2 s` for"),
        (
            "kind: python, timeout: 1 minute",
            "out-of-range",
            "between 0 and 10 seconds, and 1 minute",
            "25 ms is",
        ),
        ("kind: python, timeout: 0 ms", "out-of-range", "0 ms does not", "25 ms is usual"),
        (
            'kind: http, url: "http://x/", rest: 0 s',
            "out-of-range",
            "between 0 and 3600 seconds",
            "30 s is usual.",
        ),
        (
            "kind: python, features: [nothing]",
            "unknown-attribute",
            "`nothing`",
            "Declare it under `attributes`",
        ),
        ("kind: python, features: [country, country]", "repeated-item", "`country` stands", "Keep one"),
        (f"{POPULAR}, by: [country, plan]", "wrong-kind", "takes one attribute, not a list", "Name one."),
        (f"{POPULAR}, smoothing: -1", "out-of-range", "between 0 and 1,000,000", "from 0 to 1,000,000."),
        (
            f"{POPULAR}, names: {{NO: Norway}}",
            "missing-key",
            "`names` says nothing without `by`",
            "Write `by:`",
        ),
        (
            f"{POPULAR}, database: counts.csv",
            "missing-key",
            "`database` says nothing without `sql`",
            "`sql:`",
        ),
        (
            'kind: popularity, sql: "select 1"',
            "missing-key",
            "a query, and no `database`",
            "Write `database:`",
        ),
        (
            "kind: bandit, state: s.json, prior: [0, 1]",
            "wrong-type",
            "two numbers above 0",
            "Write `[1, 1]`.",
        ),
        (
            "kind: blend, weights: {model: 1}, k: 3",
            "missing-key",
            "`k` says nothing without `ranks`",
            "`ranks:`",
        ),
    ],
)
def test_what_a_setting_cannot_mean_is_found_once_and_with_its_mend(tmp_path, scorer, code, message, mend):
    (tmp_path / "counts.csv").write_text(COUNTS)
    text = BASE + f"scorers:\n  model: {{{scorer}}}\n"
    every = check_book({"book.yaml": text.encode()}, folder=tmp_path)[1].diagnostics
    (found,) = [one for one in every if one.code != "scorer-cycle"]
    assert found.code == code
    assert message in found.message
    assert mend in found.hint


@pytest.mark.parametrize("rest, seconds", [("500 ms", 0.5), ("30 s", 30), ("2 minutes", 120)])
def test_times_have_the_units_that_people_write(rest, seconds):
    text = BASE + f'scorers: {{model: {{kind: http, url: "http://x/", rest: {rest}}}}}\n'
    book, report = check_book({"book.yaml": text.encode()})
    assert report.diagnostics == ()
    assert book.scorers["model"].settings["rest"] == seconds


def test_a_table_of_counts_that_is_emptied_or_damaged_while_running_leaves_what_was_learnt(tmp_path):
    made = engine(tmp_path, ["model: {kind: popularity, file: counts.csv}"], counts_csv=COUNTS)
    assert order(made.evaluate({}, {})) == "cbad"
    for table, says in (
        ("item,count\n", "its table has no rows"),
        ("item,count\na,x\n", "`count` takes a number from 0 on, and `x` is none"),
    ):
        (tmp_path / "counts.csv").write_text(table)
        (found,) = made.refresh().diagnostics
        assert (found.code, found.severity, str(found.span)) == ("wrong-model", "error", "book.yaml:12:3")
        assert found.message == f"`model` is not ready: {says}."
        assert found.hint == "It goes on with what it had."
        assert order(made.evaluate({}, {})) == "cbad"
    (tmp_path / "counts.csv").write_text("item,count\na,2\nb,1\n")
    assert made.refresh().diagnostics == ()
    assert order(made.evaluate({}, {})) == "abcd"


def test_a_table_of_counts_without_rows_means_the_fallback(tmp_path):
    made = engine(tmp_path, ["model: {kind: popularity, file: counts.csv}"], counts_csv="item,count\n")
    assert made.evaluate({}, {})["list"].scorer.reason == "`model` is not ready: its table has no rows."


class Letters:
    """Scores by the place of a letter in a text."""

    def __init__(self, text, **more):
        self.text = text
        self.__dict__.update(more)

    def score(self, facts, candidates):
        return [-self.text.index(one.id) for one in candidates]


class Broken:
    def score(self, facts, candidates):
        raise ValueError


def test_a_blend_weighs_what_others_say(tmp_path):
    scorers = [
        "one: {kind: python}",
        "other: {kind: python}",
        "model: {kind: blend, timeout: 9 s, weights: {one: 3, other: 1}}",
    ]
    given = {"one": Letters("abcd"), "other": Letters("dcba")}
    assert order(engine(tmp_path, scorers, given).evaluate({}, {})) == "abcd"


def test_a_blend_joins_places_by_reciprocal_ranks(tmp_path):
    scorers = [
        "one: {kind: python}",
        "other: {kind: python}",
        "model: {kind: blend, timeout: 9 s, ranks: [one, other], k: 1}",
    ]
    made = engine(tmp_path, scorers, {"one": Letters("abcd"), "other": Letters("bdac")})
    # a: 1/2 + 1/4, b: 1/3 + 1/2, c: 1/4 + 1/5, d: 1/5 + 1/3
    assert order(made.evaluate({}, {})) == "badc"


def test_a_blend_goes_on_without_what_fails(tmp_path):
    scorers = [
        "one: {kind: python}",
        "other: {kind: python}",
        "model: {kind: blend, timeout: 9 s, weights: {one: 9, other: 1}}",
    ]
    assert (
        order(engine(tmp_path, scorers, {"one": Broken(), "other": Letters("dcba")}).evaluate({}, {}))
        == "dcba"
    )
    none = engine(tmp_path, scorers, {"one": Broken(), "other": Broken()}).evaluate({}, {})
    assert none["list"].scorer.reason == "`model` has no answer: none of the scorers that it joins has one."


def test_a_blend_asks_no_scorer_that_a_label_keeps_back(tmp_path):
    scorers = [
        "one: {kind: python, topic: health}",
        "other: {kind: python}",
        "model: {kind: blend, timeout: 9 s, weights: {one: 9, other: 1}}",
    ]
    made = engine(tmp_path, scorers, {"one": Letters("cabd"), "other": Letters("dcba")})
    assert order(made.evaluate({}, {})) == "dcba"
    assert order(made.evaluate({"consents": {"health": True}}, {})) == "cabd"


def test_a_blend_within_a_blend_asks_no_scorer_that_a_label_keeps_back(tmp_path):
    scorers = [
        "one: {kind: python, topic: health}",
        "other: {kind: python}",
        "inner: {kind: blend, weights: {one: 9, other: 1}}",
        "model: {kind: blend, timeout: 9 s, weights: {inner: 1}}",
    ]
    made = engine(tmp_path, scorers, {"one": Letters("cabd"), "other": Letters("dcba")})
    assert order(made.evaluate({}, {})) == "dcba"
    assert order(made.evaluate({"consents": {"health": True}}, {})) == "cabd"


def test_the_scorers_of_a_blend_within_a_blend_see_their_features(tmp_path):
    seen = []

    class Looking(Letters):
        def score(self, facts, candidates):
            seen.append(dict(facts))
            return super().score(facts, candidates)

    scorers = [
        "model: {kind: blend, timeout: 9 s, weights: {inner: 1}}",
        "inner: {kind: blend, weights: {one: 1}}",
        "one: {kind: python, features: [country]}",
    ]
    made = engine(tmp_path, scorers, {"one": Looking("dcba")})
    assert order(made.evaluate({"country": "NO", "plan": "pro"}, {})) == "dcba"
    assert seen == [{"user.country": "NO"}]


def test_a_blend_takes_up_what_its_scorers_learn_anew_wherever_it_stands(tmp_path):
    scorers = [
        "model: {kind: blend, timeout: 9 s, weights: {inner: 1}}",
        "inner: {kind: blend, ranks: [popular]}",
        "popular: {kind: popularity, file: counts.csv}",
    ]
    made = engine(tmp_path, scorers, counts_csv=COUNTS)
    assert order(made.evaluate({}, {})) == "cbad"
    (tmp_path / "counts.csv").write_text("item,count\nd,3\nc,2\nb,1\n")
    assert made.refresh().diagnostics == ()
    assert order(made.evaluate({}, {})) == "dcba"


def test_the_scorers_of_a_blend_see_their_own_features_only(tmp_path):
    seen = {}

    class Looking(Letters):
        def score(self, facts, candidates):
            seen[self.text] = dict(facts)
            return super().score(facts, candidates)

    scorers = [
        "one: {kind: python, features: [country]}",
        "other: {kind: python, features: [visits]}",
        "model: {kind: blend, timeout: 9 s, weights: {one: 1, other: 1}}",
    ]
    made = engine(tmp_path, scorers, {"one": Looking("abcd"), "other": Looking("dcba")})
    made.evaluate({"country": "NO", "visits": 3, "plan": "pro"}, {})
    assert seen == {"abcd": {"user.country": "NO"}, "dcba": {"user.visits": 3}}


@pytest.mark.parametrize("state", ["bandit.json", "bandit.sqlite", "state/bandit.db"])
def test_a_bandit_learns_what_people_take_up_and_remembers_it(tmp_path, state):
    scorers = [f"model: {{kind: bandit, state: {state}}}"]
    made = engine(tmp_path, scorers)
    for number in range(200):
        decision = made.evaluate({}, {"request_id": str(number)})
        shown = decision["list"].items[0].content
        made.feedback("model", shown, 1 if shown == "c" else 0)
    made.close()
    again = engine(tmp_path, scorers)
    first = Counter(
        again.evaluate({}, {"request_id": f"later {n}"})["list"].items[0].content for n in range(100)
    )
    assert first["c"] > 90
    again.close()


def test_two_processes_share_the_state_of_a_bandit(tmp_path):
    for state in ("bandit.sqlite", "bandit.json"):
        one, other = (engine(tmp_path, [f"model: {{kind: bandit, state: {state}}}"]) for _ in range(2))
        for _ in range(300):
            one.feedback("model", "d", 1)
        assert order(other.evaluate({}, {"request_id": "r"}))[0] == "d"
        one.close()
        other.close()


def test_the_same_state_and_request_give_the_same_decision(tmp_path):
    made = engine(tmp_path, ["model: {kind: bandit, state: bandit.json}"])
    again = engine(tmp_path, ["model: {kind: bandit, state: bandit.json}"])
    for number in range(20):
        context = {"request_id": str(number)}
        assert made.evaluate({}, context).to_json() == again.evaluate({}, context).to_json()


@pytest.mark.parametrize("reward", [-1, 2, float("nan"), True, "1", None])
def test_a_reward_lies_between_0_and_1(tmp_path, reward):
    made = engine(tmp_path, ["model: {kind: bandit, state: bandit.json}"])
    with pytest.raises(ValueError, match="between 0 and 1"):
        made.feedback("model", "a", reward)


def test_feedback_is_for_scorers_that_learn(tmp_path):
    made = engine(tmp_path, ["model: {kind: popularity, file: counts.csv}"], counts_csv=COUNTS)
    with pytest.raises(ValueError, match="`model` takes no feedback"):
        made.feedback("model", "a", 1)
    with pytest.raises(KeyError):
        made.feedback("nobody", "a", 1)


def test_a_damaged_state_means_the_fallback(tmp_path):
    made = engine(tmp_path, ["model: {kind: bandit, state: bandit.json}"], bandit_json="{")
    decision = made.evaluate({}, {})
    assert decision["list"].scorer.used is None
    assert decision["list"].scorer.reason == "`model` is not ready: its state in `bandit.json` is no JSON."


NO_COUNTS = "does not hold two counts for each candidate"


@pytest.mark.parametrize(
    "counts, says",
    [
        ("[NaN, 1]", "holds a count that does not lie between 0 and 1e+12"),
        ("[-1, 1]", "holds a count that does not lie between 0 and 1e+12"),
        ("[1e308, 1]", "holds a count that does not lie between 0 and 1e+12"),
        ("[1]", NO_COUNTS),
        ('["a", 1]', NO_COUNTS),
        ('"12"', NO_COUNTS),
        ("[true, 1]", NO_COUNTS),
        ("null", NO_COUNTS),
    ],
)
def test_a_state_that_holds_no_counts_is_damaged_too(tmp_path, counts, says):
    state = f'{{"a": {counts}}}'
    made = engine(tmp_path, ["model: {kind: bandit, state: bandit.json}"], bandit_json=state)
    assert f"its state in `bandit.json` {says}" in made.evaluate({}, {})["list"].scorer.reason


def test_pages_do_not_wait_for_another_process_that_writes(tmp_path):
    made = engine(tmp_path, ["model: {kind: bandit, state: bandit.sqlite}"])
    for _ in range(300):
        made.feedback("model", "d", 1)
    assert order(made.evaluate({}, {"request_id": "r"}))[0] == "d"
    other = sqlite3.connect(tmp_path / "bandit.sqlite", isolation_level=None)
    other.execute("begin immediate")
    other.execute("update bandit set taken = 0, passed = 300")
    start = time.monotonic()
    assert order(made.evaluate({}, {"request_id": "r"}))[0] == "d"
    assert time.monotonic() - start < 0.5
    other.execute("commit")
    assert order(made.evaluate({}, {"request_id": "r"}))[0] != "d"
    other.close()


def test_feedback_that_cannot_be_kept_is_an_oserror(tmp_path, monkeypatch):
    monkeypatch.setattr("tailored.scoring.kinds.bandit.LONGEST_WRITE", 0.01)
    made = engine(tmp_path, ["model: {kind: bandit, state: bandit.sqlite}"])
    other = sqlite3.connect(tmp_path / "bandit.sqlite", isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(OSError, match="locked"):
        made.feedback("model", "d", 1)
    other.close()
    made = engine(tmp_path, ["model: {kind: bandit, state: bandit.json}"])
    (tmp_path / "bandit.json").write_text("{")
    with pytest.raises(OSError, match=r"The state `bandit.json` of the bandit is no JSON\."):
        made.feedback("model", "d", 1)
    assert (tmp_path / "bandit.json").read_text() == "{"


@pytest.mark.parametrize("candidate", [None, "", 7, ["a"]])
def test_feedback_names_a_candidate(tmp_path, candidate):
    made = engine(tmp_path, ["model: {kind: bandit, state: bandit.json}"])
    with pytest.raises(ValueError, match="named by its id"):
        made.feedback("model", candidate, 1)


def test_an_installed_package_may_offer_a_scorer(tmp_path, monkeypatch):
    module = tmp_path / "offered_scorer.py"
    module.write_text(
        "class Offered:\n    def score(self, facts, candidates):\n"
        "        return [ord(one.id) for one in candidates]\n"
        "made = Offered()\ndef make():\n    return Offered()\nodd = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    points = {
        name: EntryPoint(name, f"offered_scorer:{name}", "tailored.scorers")
        for name in ("Offered", "made", "make", "odd")
    }
    monkeypatch.setattr(
        python_kind, "entry_points", lambda group, name: [points[name]] if name in points else []
    )
    for name in ("Offered", "made", "make"):
        made = engine(tmp_path, [f"model: {{kind: python, name: {name}, timeout: 9 s}}"])
        assert order(made.evaluate({}, {})) == "dcba"
    odd = engine(tmp_path, ["model: {kind: python, name: odd}"]).evaluate({}, {})
    assert odd["list"].scorer.reason.startswith("`model` is not ready")
    sys.modules.pop("offered_scorer", None)


def test_yaml_can_name_a_scorer_but_never_import_one(tmp_path):
    decision = engine(tmp_path, ['model: {kind: python, name: "os:system"}']).evaluate({}, {})
    assert decision["list"].scorer.used is None


def test_a_decision_with_a_scorer_is_json(tmp_path):
    made = engine(tmp_path, ["model: {kind: popularity, file: counts.csv}"], counts_csv=COUNTS)
    data = json.loads(made.evaluate({}, {}).to_json())
    assert data["slots"]["list"]["scorer"] == {
        "name": "model",
        "used": "model",
        "fallback": False,
        "reason": None,
    }
    assert [item["propensity"] for item in data["slots"]["list"]["items"]] == [1.0] * 4


def test_popular_in_norway_is_said_of_what_somebody_in_norway_chose(tmp_path):
    counts = "item,count,country\na,5,NO\nb,10,NO\nc,900,SE\nd,100,SE\n"
    popular = "model: {kind: popularity, file: counts.csv, by: user.country, at least: 10, smoothing: 5}"
    decision = engine(tmp_path, [popular], counts_csv=counts).evaluate({"country": "NO"}, {})
    assert order(decision)[0] == "c"  # as smoothing has it
    assert decision.why("list", "c") == "You see this because it is popular."
    assert "NO" in decision.why("list", "b")


def test_a_blend_says_what_it_goes_on_without(tmp_path):
    scorers = [
        "model: {kind: blend, weights: {popular: 1, bought: 2}}",
        "popular: {kind: popularity, file: counts.csv}",
        "bought: {kind: python}",
    ]
    scorer = engine(tmp_path, scorers, counts_csv=COUNTS).evaluate({}, {})["list"].scorer
    assert (scorer.used, scorer.fallback) == ("model", False)
    assert scorer.reason.startswith(
        "`model` goes on without a part: `bought` is not ready: no object `bought` was passed in"
    )


@pytest.mark.parametrize(
    "given, says",
    [
        ({"modle": object()}, "the book has no scorer `modle` of the kind python, .* Did you mean `model`"),
        ({"other": object()}, "`other` is of the kind popularity, so this object is never asked"),
    ],
)
def test_an_object_that_no_scorer_is_made_of_is_warned_of(tmp_path, given, says):
    scorers = ["model: {kind: python}", "other: {kind: popularity, file: counts.csv}"]
    with pytest.warns(UserWarning, match=says):
        engine(tmp_path, scorers, given, counts_csv=COUNTS)


def test_scorers_are_given_by_their_names(tmp_path):
    with pytest.raises(TypeError, match="a mapping from ids of scorers to objects"):
        engine(tmp_path, ["model: {kind: python}"], [object()])


def test_a_function_in_place_of_a_scorer_is_said_so(tmp_path):
    made = engine(tmp_path, ["model: {kind: python}"], {"model": lambda facts, candidates: [0.0]})
    reason = made.evaluate({}, {})["list"].scorer.reason
    assert "is no object with a method `score(facts, candidates)`" in reason


def test_feedback_for_a_misspelt_scorer_says_what_was_meant(tmp_path):
    made = engine(tmp_path, ["model: {kind: bandit, state: bandit.json}"])
    with pytest.raises(KeyError, match="Did you mean `model`"):
        made.feedback("modle", "a", 1)


LONG = """
slots: {{list: {{many: 6}}}}
catalogs:
  films:
    attributes: {{studio: {{type: string}}}}
    items: {{{items}}}
scorers: {{learner: {{kind: bandit, state: state.json, timeout: 9 s}}}}
rules:
  all:
    when: always
    show: {{list: {{top: 6, of: {{catalog: films}}, by: learner, {more}}}}}
"""


@pytest.mark.parametrize("more", ["diversity: 0.3", "explore: 20%, at most: {2 per: studio}"])
def test_what_a_long_list_of_a_bandit_takes_is_bounded_and_worked_out_once_for_a_state(
    tmp_path, monkeypatch, more
):
    items = ", ".join(f"f{number}: {{studio: s{number % 20}}}" for number in range(200))
    (tmp_path / "book.yaml").write_text(LONG.format(items=items, more=more))
    made, tops = Engine(load_book(tmp_path)), []
    make = policy._Top.__init__
    monkeypatch.setattr(policy._Top, "__init__", lambda top, *rest: tops.append(top) or make(top, *rest))
    for number in range(20):
        decision = made.evaluate({}, {"request_id": f"r{number}"})
        assert decision["list"].scorer.used == "learner"
    assert 5 <= len(tops) <= 10
    made.feedback("learner", "f3", 1)
    made.evaluate({}, {"request_id": "r1"})
    assert 10 <= len(tops) <= 20
