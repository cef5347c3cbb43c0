"""`tailored diff`: meaning, not text; whom a change concerns; revisions; recorded traffic."""

import json
import os
from xml.etree import ElementTree

import pytest

from tests.support.command import git, tailored

BOOK = """\
attributes:
  user: {country: {type: string, values: [NO, US]}, age: {type: integer}}
  context:
    page: {type: string, values: [home, product, cart]}
    device: {type: string, values: [mobile, desktop]}
slots:
  hero: {default: plain}
  list: {many: 2}
settings:
  path: {type: string, default: solo, values: [solo, team]}
content:
  plain: {title: Welcome}
  a: {title: A}
  b: {title: B}
segments:
  power: {when: {age: {at least: 50}}}
rules:
  r1:
    when: {page: home, country: NO}
    show: {hero: a, list: [a]}
  r2:
    when: {page: [home, product]}
    show: {hero: b}
    priority: 50
"""


def book(folder, name, *changes):
    text = BOOK
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / name).mkdir()
    (folder / name / "book.yaml").write_text(text)


def compare(folder, *changes, options=()):
    book(folder, "old")
    book(folder, "new", *changes)
    done = tailored("diff", "old", "new", "--format", "json", *options, cwd=folder)
    assert done.stderr == ""
    return json.loads(done.stdout), done.returncode


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [("  r1:", "  renamed:")],
        [("{page: home, country: NO}", "{all: [{country: NO}, {page: home}]}")],
        [("{page: [home, product]}", "{any: [{page: product}, {page: home}]}")],
        [("priority: 50", "priority: 60")],
        [("age: {at least: 50}", "age: {more than: 49}")],
    ],
)
def test_a_refactoring_is_proven_to_change_nothing(tmp_path, changes):
    data, code = compare(tmp_path, *changes)
    assert (data["changed"], code) == (False, 0)
    assert all(change["proven"] for change in (*data["slots"].values(), *data["settings"].values()))


def test_a_change_is_shown_with_both_answers_and_for_whom(tmp_path):
    new = "{page: product, device: mobile, not: {segment: power}}\n    show: {hero: a}"
    data, code = compare(tmp_path, ("rules:\n", f"rules:\n  r0:\n    when: {new}\n"))
    hero = data["slots"]["hero"]
    assert (data["changed"], hero["changed"], code) == (True, True, 1)
    assert hero["old"] == {"content": "b", "fields": {"title": "B"}}
    assert hero["new"] == {"content": "a", "fields": {"title": "A"}}
    assert hero["when"] == "page is product, device is mobile and not in power"
    assert hero["witness"]["context"] == {"page": "product", "device": "mobile"}
    assert not data["slots"]["list"]["changed"]


def test_other_fields_hiding_settings_and_a_slot_that_is_gone_are_changes(tmp_path):
    data, _ = compare(
        tmp_path,
        ("a: {title: A}", "a: {title: Other}"),
        ("    priority: 50", "    hide: [list]\n    set: {path: team}\n    priority: 50"),
    )
    assert data["slots"]["hero"]["new"]["fields"] == {"title": "Other"}
    assert data["slots"]["list"]["new"] == "hidden"
    assert (data["settings"]["path"]["old"], data["settings"]["path"]["new"]) == ("solo", "team")


GONE = ("  list: {many: 2}\n", "")


@pytest.mark.parametrize(
    "changes, answers, when",
    [
        (
            [GONE, (", list: [a]", "")],
            ([{"content": "a", "fields": {"title": "A"}}], None),
            "the slot is gone",
        ),
        (
            [("list: {many: 2}", "list: {}"), ("list: [a]", "list: a")],
            ([{"content": "a", "fields": {"title": "A"}}], {"content": "a", "fields": {"title": "A"}}),
            "it was a slot for many items, and is a slot for one item",
        ),
        (
            [("list: {many: 2}", "list: {}"), (", list: [a]", "")],
            ([{"content": "a", "fields": {"title": "A"}}], {"content": None, "fields": {}}),
            "it was a slot for many items, and is a slot for one item",
        ),
    ],
)
def test_of_a_slot_that_is_gone_or_of_another_kind_the_two_answers_can_be_told_apart(
    tmp_path, changes, answers, when
):
    data, _ = compare(tmp_path, *changes)
    found = data["slots"]["list"]
    assert (found["old"], found["new"], found["when"]) == (*answers, f"always: {when}")
    said = tailored("diff", "old", "new", cwd=tmp_path).stdout.split("list: changed")[1]
    old, new = (line.strip().partition("  ")[2] for line in said.splitlines()[1:3])
    assert old == '[a {"title": "A"}]'
    assert new in ('a {"title": "A"}', "(nothing)", "(there is no slot of that name)")


def test_a_segment_that_means_something_else_is_pointed_at(tmp_path):
    named = ("page: [home, product]}", "page: [home, product], segment: power}")
    book(tmp_path, "old", named)
    book(tmp_path, "new", named, ("at least: 50", "at least: 60"))
    lines = (tmp_path / "new" / "book.yaml").read_text().splitlines()
    at = next(place for place, line in enumerate(lines, 1) if line.startswith("  power:"))
    done = tailored("diff", "old", "new", "--format", "github", cwd=tmp_path)
    (said,) = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert said.startswith(f"::warning file=new/book.yaml,line={at},")


@pytest.mark.parametrize(
    "changes, place, said",
    [
        (
            [("{title: A}", "{title: Ah}")],
            13,
            "when page is home and country is NO, as `a` has another `title`",
        ),
        (
            [("{title: A}", "{title: A, topic: health}")],
            13,
            "when page is home, country is NO and consent for health is not given, as `a` has a new `topic`",
        ),
        ([("{title: Welcome}", "{text: Welcome}")], 12, "as `plain` has a new `text` and no `title`"),
        ([("{title: A}", "{title: A, format: text}")], 13, "as `a` has a new `format`"),
        # what the witness sees comes first
        ([("{title: A}", "{title: Ah}"), ("{title: B}", "{title: Be}")], 14, "as `b` has another `title`"),
        ([("{default: plain}", "{default: b}"), ("{title: A}", "{title: Ah}")], 7, "page is"),
        # and before rules, where nothing else differs in what it sees
        ([("list: [a]}", "list: [b, a]}"), ("{title: A}", "{title: Ah}")], 13, "as `a` has another `title`"),
    ],
)
def test_content_that_says_something_else_is_pointed_at_where_it_stands(tmp_path, changes, place, said):
    book(tmp_path, "old")
    book(tmp_path, "new", *changes)
    done = tailored("diff", "old", "new", cwd=tmp_path).stdout
    assert done.startswith(f"new/book.yaml:{place}:3  meaning-changed")
    assert said in next(line for line in done.splitlines() if "hero: changed" in line)
    if len(changes) > 1 and place != 13:
        assert "hero: `a` is part of this change, too; it has another `title`." in done


def test_values_of_settings_are_shown_as_they_are_written_on_both_sides(tmp_path):
    compare(tmp_path, ("default: solo", "default: team"))
    said = tailored("diff", "old", "new", cwd=tmp_path).stdout
    assert 'old  "solo"\n     new  "team"\n' in said


def test_a_rule_that_moved_is_pointed_at_itself(tmp_path):
    first, second = (
        "  r1:\n    when: {page: home}\n    show: {hero: a}\n",
        "  r2:\n    when: {country: NO}\n    show: {hero: b}\n",
    )
    for name, rules in ("old", first + second), ("new", second + first):
        (tmp_path / name).mkdir()
        (tmp_path / name / "book.yaml").write_text(f"{BOOK.partition('rules:')[0]}rules:\n{rules}")
    done = tailored("diff", "old", "new", "--format", "github", cwd=tmp_path)
    lines = (tmp_path / "new" / "book.yaml").read_text().splitlines()
    (said,) = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert f"line={lines.index('  r1:') + 1}," in said or f"line={lines.index('  r2:') + 1}," in said


RANKED = """\
scorers:
  likes: {kind: python, features: [user.age]}
  other: {kind: python}
rules:
  r0:
    when: {page: product}
    show: {list: {of: [a, b], by: likes}}
"""


@pytest.mark.parametrize(
    "new", ["features: [user.country]}", "features: [user.age], fallback: other}", "topic: health}"]
)
def test_a_scorer_that_is_not_as_it_was_leaves_no_change_unproven_and_is_pointed_at(tmp_path, new):
    ranked = ("rules:\n", RANKED)
    book(tmp_path, "old", ranked)
    book(tmp_path, "new", ranked, ("features: [user.age]}", new))
    data = json.loads(tailored("diff", "old", "new", "--format", "json", cwd=tmp_path).stdout)
    assert {name: one["proven"] for name, one in data["slots"].items()} == {"hero": True, "list": False}
    said = tailored("diff", "old", "new", cwd=tmp_path).stdout
    assert "it hangs on what a scorer answers, and `likes` is not as it was" in said
    same = tailored("diff", "old", "old", cwd=tmp_path)
    assert (same.returncode, "No change in meaning" in same.stdout) == (0, True)


def test_a_rule_with_a_scorer_is_told_by_what_it_asks_and_by_nothing_else(tmp_path):
    book(tmp_path, "old", ("rules:\n", RANKED))
    book(tmp_path, "new", ("rules:\n", RANKED.replace("page: product", "page: cart")))
    data = json.loads(tailored("diff", "old", "new", "--format", "json", cwd=tmp_path).stdout)
    ways = data["slots"]["list"]["when"].split("; or when ")
    assert sorted(ways) == [
        "page is cart, where a scorer chooses so",
        "page is product, where a scorer chooses so",
    ]


def test_an_open_question_about_a_ranking_without_a_scorer_blames_none(tmp_path):
    text = """\
attributes: {user: {likes: {type: list of strings}}}
catalogs: {shop: {file: shop.csv, attributes: {kind: {type: string}, price: {type: number}}}}
slots: {recs: {many: 2}}
rules:
  r:
    when: always
    show:
      recs: {of: {catalog: shop, where: {any: [{kind: {same as: user.likes}}, {price: {more than: 99}}]}}}
"""
    for name, price in ("old", 10), ("new", 12):
        (tmp_path / name).mkdir()
        (tmp_path / name / "book.yaml").write_text(text)
        (tmp_path / name / "shop.csv").write_text(f"id,kind,price\nboots,shoes,{price}\n")
    done = tailored("diff", "old", "new", cwd=tmp_path)
    assert done.returncode == 1
    assert "it hangs on which candidates a ranking finds" in done.stdout


def test_an_item_of_a_catalog_that_costs_more_is_a_change(tmp_path):
    text = """\
catalogs: {shop: {file: shop.csv, attributes: {price: {type: number}}}}
slots: {recs: {many: 2}}
rules: {r: {when: always, show: {recs: {of: {catalog: shop}}}}}
"""
    for name, price in ("old", 10), ("new", 12):
        (tmp_path / name).mkdir()
        (tmp_path / name / "book.yaml").write_text(text)
        (tmp_path / name / "shop.csv").write_text(f"id,price\nboots,{price}\n")
    found = json.loads(tailored("diff", "old", "new", "--format", "json", cwd=tmp_path).stdout)
    recs = found["slots"]["recs"]
    assert (recs["changed"], recs["new"]) == (True, [{"content": "boots", "fields": {"price": 12}}])
    said = "recs: changed for everybody, where a ranking finds something, as `shop` has another `boots`\n"
    assert said in tailored("diff", "old", "new", cwd=tmp_path).stdout
    assert tailored("diff", "old", "old", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("of", ["[a, b]", "{catalog: stock}"])
def test_a_second_ranking_of_the_same_takes_what_the_first_leaves(tmp_path, of):
    rule = f"when: always, show: {{list: {{of: {of}, top: 1}}}}"
    catalog = (
        "catalogs: {stock: {attributes: {price: {type: number}}, items: {x: {price: 1}, y: {price: 2}}}}\n"
    )
    for name, rules in ("old", ["r8", "r9"]), ("new", ["r9"]):
        (tmp_path / name).mkdir()
        text = BOOK + "".join(f"  {one}: {{{rule}}}\n" for one in rules) + catalog
        (tmp_path / name / "book.yaml").write_text(text)
    done = tailored("diff", "old", "new", "--format", "json", cwd=tmp_path)
    change = json.loads(done.stdout)["slots"]["list"]
    assert [len(change["old"]), len(change["new"])] == [2, 1]


@pytest.mark.parametrize(
    "where, user, item",
    [
        ("brand: {same as: user.brand}, price: {less than: 10}", {"brand": "Acme"}, "socks"),
        ("brand: {same as: user.brands}, size: {at least: 1}", {"brands": ["Acme"]}, "socks"),
        ("tags: {same as: user.brands}, price: {more than: 10}", {"brands": ["dry"]}, "tent"),
        (
            "size: {same as: user.size}, tags: {same as: user.brands}",
            {"size": 38, "brands": ["warm"]},
            "socks",
        ),
    ],
)
def test_who_gets_an_item_by_what_is_known_of_her_is_found(tmp_path, where, user, item):
    stocked = BOOK.replace(
        "age: {type: integer}",
        "age: {type: integer}, brand: {type: string}, brands: {type: list of strings}, size: {type: integer}",
    )
    types = (
        "brand: {type: string}, price: {type: number}, tags: {type: list of strings}, size: {type: integer}"
    )
    items = (
        "socks: {brand: Acme, price: 3, tags: [warm], size: 38}, tent: {brand: Fell, price: 300, tags: [dry]}"
    )
    ranking = f"{{of: {{catalog: stock, where: {{{where}}}}}, top: 1}}"
    rule = f"  r3: {{when: {{page: cart}}, show: {{list: {ranking}}}}}\n"
    catalog = f"catalogs: {{stock: {{attributes: {{{types}}}, items: {{{items}}}}}}}\n"
    for name, text in ("old", stocked + catalog), ("new", stocked + rule + catalog):
        (tmp_path / name).mkdir()
        (tmp_path / name / "b.yaml").write_text(text)
    done = tailored("diff", "old", "new", "--format", "json", cwd=tmp_path)
    change = json.loads(done.stdout)["slots"]["list"]
    assert change["witness"]["user"] == user
    assert [one["content"] for one in change["new"]] == [item]
    assert change["when"] == "page is cart, where a ranking finds something"
    proven = json.loads(tailored("prove", "new", "--format", "json", cwd=tmp_path).stdout)
    assert proven["undecided"] == []


def test_a_line_whose_moment_or_names_no_book_can_read_is_counted_as_such_and_ends_nothing(tmp_path):
    bad = [
        '{"user": {}, "context": {}, "now": "2026-13-45"}',
        '{"user": {}, "context": {}, "now": 5}',
        '{"user": {}, "context": {}, "now": "0001-01-01T00:00:00+14:00"}',
        '{"attributes": {"user.country": "NO"}, "time": "garbage"}',
        '{"attributes": {"country": "NO"}}',
    ]
    recorded = tmp_path / "requests.ndjson"
    recorded.write_text("\n".join([*bad, '{"attributes": {"user.country": "NO"}}']))
    data, code = compare(tmp_path, ("country: NO}", "country: US}"), options=("--requests", str(recorded)))
    assert (code, data["traffic"]["requests"], data["traffic"]["unreadable"]) == (1, 1, 5)


def test_recorded_requests_say_what_share_of_the_traffic_is_affected(tmp_path):
    lines = [
        {"user": {"country": "NO", "age": 60}, "context": {"page": "home"}},
        {"request": {"user": {}, "context": {"page": "cart"}, "now": "2026-11-24T10:00:00Z"}},
        {"time": "2026-11-24T10:00:00Z", "attributes": {"user.country": "NO", "context.page": "home"}},
        {"user": {"country": "US"}, "context": {"page": "home"}},
    ]
    recorded = tmp_path / "requests.ndjson"
    recorded.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "no request\n")
    data, code = compare(tmp_path, ("country: NO}", "country: US}"), options=("--requests", str(recorded)))
    traffic = data["traffic"]
    assert (traffic["requests"], traffic["affected"], traffic["share"], traffic["unreadable"]) == (
        4,
        3,
        0.75,
        1,
    )
    assert traffic["slots"]["hero"] == {"requests": 4, "affected": 3, "share": 0.75}
    assert traffic["segments"]["power"] == {"requests": 1, "affected": 1, "share": 1.0}
    assert code == 1


def test_revisions_of_git_are_compared_with_each_other_and_with_the_files_as_they_are(tmp_path):
    git(tmp_path, "init", "-b", "main")
    book(tmp_path, "rules")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    path = tmp_path / "rules" / "book.yaml"
    path.write_text(BOOK.replace("hero: b", "hero: a"))
    done = tailored("diff", "main", "--", "rules", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "hero: changed when page is" in done.stdout
    git(tmp_path, "commit", "-am", "two")
    assert tailored("diff", "main~1..main", "--", "rules", cwd=tmp_path).returncode == 1
    assert tailored("diff", "main", "--", "rules", cwd=tmp_path).returncode == 0
    assert tailored("diff", "main..", cwd=tmp_path).returncode == 0
    done = tailored("diff", "nope..main", "--", "rules", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tailored: there is no revision nope")


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a repository to somebody else, which root alone can do")
def test_of_a_repository_of_somebody_else_it_is_said_how_git_reads_it(tmp_path):
    book(tmp_path, "rules")
    git(tmp_path, "init", "-b", "main")
    for path in [tmp_path, *tmp_path.rglob("*")]:
        os.chown(path, 4321, 4321)
    said = tailored("diff", "main", "--", "rules", cwd=tmp_path, SUDO_UID="").stderr
    assert said.startswith(f"tailored: git: detected dubious ownership in repository at '{tmp_path}'")
    assert said.endswith(f"; to allow it: git config --global --add safe.directory {tmp_path}\n")


def test_a_folder_that_moved_is_compared_with_where_it_was(tmp_path):
    git(tmp_path, "init", "-b", "main")
    (tmp_path / "shop").mkdir()
    book(tmp_path / "shop", "rules")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    git(tmp_path, "mv", "shop/rules", "shop/book")
    git(tmp_path, "commit", "-m", "moved")
    for here, arguments, code in [
        ("shop", ("main~1:rules", "book"), 0),
        (".", ("main~1:shop/rules", "main:shop/book"), 0),
        ("shop", ("main~1", "--", "book"), 2),
        ("shop", ("main~1:nowhere", "book"), 2),
        ("shop", ("nope:rules", "book"), 2),
    ]:
        done = tailored("diff", *arguments, cwd=tmp_path / here)
        assert done.returncode == code, done.stdout + done.stderr
        assert ("there is no" in done.stderr) is (code == 2)


TWO = (
    "rules:\n",
    "rules:\n  r0:\n    when: {page: product, not: {segment: power}}\n    show: {hero: a}\n"
    "  r9:\n    when: {page: cart}\n    show: {hero: a}\n",
)


def test_each_changed_rule_is_pointed_at_where_it_stands_in_the_new_book(tmp_path):
    book(tmp_path, "old")
    book(tmp_path, "new", TWO)
    lines = (tmp_path / "new" / "book.yaml").read_text().splitlines()
    first, second = (lines.index(f"  {name}:") + 1 for name in ("r0", "r9"))
    done = tailored("diff", "old", "new", "--format", "github", cwd=tmp_path)
    said = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert done.returncode == 1
    assert [line.partition(",endLine")[0] for line in said] == [
        f"::warning file=new/book.yaml,line={at}" for at in (first, second)
    ]
    assert "hero: changed when" in said[0]
    assert "`r9` is part of this change, too" in said[1]
    sarif = json.loads(tailored("diff", "old", "new", "--format", "sarif", cwd=tmp_path).stdout)
    found = sarif["runs"][0]["results"]
    regions = [one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in found]
    assert regions == [first, second]
    assert found[0]["properties"]["witness"]["context"]["page"] in ("product", "cart")


def test_junit_has_a_case_for_each_slot_and_setting_and_fails_where_one_changed(tmp_path):
    book(tmp_path, "old")
    book(tmp_path, "new", TWO)
    done = tailored("diff", "old", "new", "--format", "junit", cwd=tmp_path)
    suite = ElementTree.fromstring(done.stdout.encode())[0]
    failed = {case.get("name"): case.find("failure") is not None for case in suite}
    assert failed == {"hero": True, "list": False, "path": False}
    assert (suite.get("failures"), done.returncode) == ("1", 1)
    same = tailored("diff", "old", "old", "--format", "junit", cwd=tmp_path)
    assert 'failures="0"' in same.stdout
    assert same.returncode == 0


def test_a_difference_is_told_in_the_words_of_the_authors_and_briefly(tmp_path):
    named = ("power: {when", "power: {description: Power users., when")
    new = "{page: product, device: mobile, not: {segment: power}}\n    show: {hero: a}"
    data, _ = compare(tmp_path, named, ("rules:\n", f"rules:\n  r0:\n    when: {new}\n"))
    assert data["slots"]["hero"]["when"] == 'page is product, device is mobile and not in "Power users"'


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("until: 2030-02-01", "until: 2030-02-10", ["it is from 2030-02-01 until 2030-02-10"]),
        ("from: 2030-01-01", "from: 2029-12-24", ["it is from 2029-12-24 until 2030-01-01"]),
        (
            "from: 2030-01-01, until: 2030-02-01",
            "from: 2030-01-10",
            ["it is from 2030-01-01 until 2030-01-10", "it is from 2030-02-01"],
        ),
        ("from: 2030-01-01, until", "until", ["it is before 2030-01-01"]),
        (", until: 2030-02-01", "", ["it is from 2030-02-01"]),
    ],
)
def test_of_another_schedule_the_time_is_told_that_makes_the_difference(tmp_path, old, new, said):
    rule = "  r0: {when: always, set: {path: team}, from: 2030-01-01, until: 2030-02-01}\n"
    book(tmp_path, "old", ("rules:\n", f"rules:\n{rule}"))
    book(tmp_path, "new", ("rules:\n", f"rules:\n{rule.replace(old, new)}"))
    done = tailored("diff", "old", "new", "--format", "json", cwd=tmp_path)
    when = json.loads(done.stdout)["settings"]["path"]["when"]
    assert sorted(when.split("; or when ")) == said


def test_the_values_that_an_attribute_must_not_have_are_told_at_once(tmp_path):
    rules = "  p1: {when: {page: home}, set: {path: team}}\n  p2: {when: {page: cart}, set: {path: team}}\n"
    book(tmp_path, "old", ("rules:\n", f"rules:\n{rules}"))
    book(tmp_path, "new", ("rules:\n", f"rules:\n{rules}"), ("default: solo", "default: team"))
    done = tailored("diff", "old", "new", "--format", "json", cwd=tmp_path)
    when = json.loads(done.stdout)["settings"]["path"]["when"]
    assert when == "page is neither home nor cart (or missing)"


@pytest.mark.parametrize(
    "when, said",
    [
        ("{age: {at least: 18, less than: 30}}", "age is at least 18 but less than 30"),
        ("{age: {at least: 18, at most: 30}}", "age is between 18 and 30"),
        ("{age: {more than: 18, less than: 20}}", "age is 19"),
        ("{age: {at least: 18}, not: {age: {at least: 30}}}", "age is at least 18 but less than 30"),
        ("{all: [{age: {between: [10, 30]}}, {age: {between: [20, 40]}}]}", "age is between 20 and 30"),
        ("{price: {more than: 1.5, less than: 2}}", "price is more than 1.5 but less than 2"),
        ("{version: {at least: 1.2, less than: 2}}", "version is at least 1.2 but less than 2"),
        ("{born: {after: 2000-01-01, before: 2010-01-01}}", "born is after 2000-01-01 but before 2010-01-01"),
        (
            "{not: {born: {before: 2000-01-01}}, born: {before: 2010-01-01}}",
            "born is not before 2000-01-01 but before 2010-01-01",
        ),
        ("{all: [{at: {after: 2026-01-01}}, {at: {before: 2026-02-01T10:00:00Z}}]}", None),
    ],
)
def test_two_bounds_on_one_attribute_are_told_together(tmp_path, when, said):
    more = "price: {type: number}, version: {type: version}, born: {type: date}, at: {type: datetime}}"
    typed = ("age: {type: integer}}", f"age: {{type: integer}}, {more}")
    book(tmp_path, "old", typed)
    book(tmp_path, "new", typed, ("rules:\n", f"rules:\n  r0: {{when: {when}, set: {{path: team}}}}\n"))
    done = tailored("diff", "old", "new", "--format", "json", cwd=tmp_path)
    told = json.loads(done.stdout)["settings"]["path"]["when"]
    # a day and a moment are not compared in words
    assert told == (said or "at is after 2026-01-01 and at is before 2026-02-01 10:00 UTC")


def test_bounds_of_a_value_that_may_be_missing_say_so_once(tmp_path):
    rule = "  r0: {when: {age: {at least: 18, less than: 30}}, set: {path: team}}\n"
    book(tmp_path, "old", ("rules:\n", f"rules:\n{rule}"))
    book(tmp_path, "new", ("rules:\n", f"rules:\n{rule}"), ("default: solo", "default: team"))
    done = tailored("diff", "old", "new", "--format", "json", cwd=tmp_path)
    told = json.loads(done.stdout)["settings"]["path"]["when"].split("; or when ")
    assert sorted(told) == ["age is at least 30 (or missing)", "age is less than 18 (or missing)"]


def test_a_difference_in_very_many_cases_is_told_of_some_and_says_so(tmp_path):
    rules = "".join(
        f"  s{age}: {{when: {{age: {{at least: {age}}}, page: home, device: mobile, country: NO}}, "
        f"show: {{hero: {'ab'[age % 2]}}}}}\n"
        for age in reversed(range(60))
    )
    book(tmp_path, "old", ("rules:\n", f"rules:\n{rules}"))
    book(tmp_path, "new", ("rules:\n", f"rules:\n{rules.replace('hero: b', 'hero: plain')}"))
    done = tailored("diff", "old", "new", "--format", "json", cwd=tmp_path)
    when = json.loads(done.stdout)["slots"]["hero"]["when"]
    assert when.endswith("; or in other cases"), when
    assert when.endswith("; or in other cases"), when
    assert len(when) < 400, when


def test_of_a_revision_and_a_folder_the_one_that_is_not_there_is_named(tmp_path):
    git(tmp_path, "init", "-b", "main")
    book(tmp_path, "rules")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    done = tailored("diff", "main", "--", "rulse", cwd=tmp_path)
    assert done.stderr == "tailored: there is no folder rulse\n"
    assert "there is no revision mian" in tailored("diff", "mian", "--", "rules", cwd=tmp_path).stderr


def test_options_behind_the_dashes_are_told_their_place(tmp_path):
    book(tmp_path, "rules")
    done = tailored("diff", "main", "--", "rules", "--format", "json", cwd=tmp_path)
    assert done.returncode == 2
    assert "options such as --format stand before the `--`" in done.stderr


def test_what_cannot_be_compared_is_said_in_a_line(tmp_path):
    book(tmp_path, "old")
    book(tmp_path, "broken", ("page: home,", "page: hoem,"))
    for arguments in [("old",), ("old", "nowhere"), ("old", "broken"), ()]:
        done = tailored("diff", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert "tailored: " in done.stderr
        assert "Traceback" not in done.stderr


WORDS = """
purposes: {news: {description: News, honours: [gpc]}}
attributes:
  user: {age: {type: integer}, premium: {type: boolean}, country: {type: string, values: ["NO", SE, GB]}}
  context: {page: {type: string, values: [front, account]}, device: {type: string, values: [mobile, tablet]}}
slots: {offers: {}, hero: {default: b}, stories: {}}
settings: {limit: {type: integer, default: 1000}}
content: {a: {t: x}, b: {t: y}}
segments: {young: {description: "Young people", when: {age: {less than: 26}}}}
rules:
  young-offers: {when: {segment: young}, show: {offers: a}}
  elders: {when: {age: {at least: 70}}, set: {limit: 10}}
  heroes: {when: {page: account, country: ["NO", SE, GB]}, show: {hero: a}}
  stories: {when: {page: front}, purpose: news, show: {stories: a}}
"""


FIRST = "rules:\n  new: {when: WHEN, show: {OFFER: b}, priority: 900}"


@pytest.mark.parametrize(
    "old, new, said",
    [
        (
            "{segment: young}",
            "{segment: young, device: {is not: tablet}}",
            'in "Young people" and device is tablet (or missing)',
        ),
        ("default: 1000", "default: 900", "age is less than 70 (or missing)"),
        (
            "rules:",
            "rules:\n  grown: {when: {age: {at least: 18}}, set: {limit: 5}, priority: 50}",
            "age is at least 18 but less than 70",
        ),
        (
            "rules:",
            FIRST.replace("900", "50").replace("WHEN", "{age: {less than: 40}}").replace("OFFER", "offers"),
            'age is less than 40 and not in "Young people"',
        ),
        (
            "less than: 26",
            "at most: 26",
            "age is 26",
        ),
        ('["NO", SE, GB]}, show', '["NO", SE]}, show', "page is account and country is GB"),
        (
            "rules:",
            FIRST.replace("WHEN", "{page: account, country: {is not: 'NO'}}").replace("OFFER", "hero"),
            "page is account and country is SE or GB",
        ),
        (
            "rules:",
            FIRST.replace("WHEN", "{not: {premium: true}}").replace("OFFER", "offers"),
            "premium is false",
        ),
        (
            ", honours: [gpc]",
            "",
            "page is front, opted out of news by the old book and not opted out of news by the new book",
        ),
        ("rules:", FIRST.replace("WHEN", "always").replace("OFFER", "offers"), "always"),
    ],
)
def test_a_description_is_true_of_all_whom_it_fits_and_of_the_witness(tmp_path, old, new, said):
    for name, text in ("old", WORDS), ("new", WORDS.replace(old, new, 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "book.yaml").write_text(text)
    done = tailored("diff", str(tmp_path / "old"), str(tmp_path / "new"), "--format", "json")
    found = json.loads(done.stdout)
    changes = [*found["slots"].values(), *found["settings"].values()]
    assert [change["when"] for change in changes if change["changed"]] == [said]
