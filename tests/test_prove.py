"""`tailored prove`: what it finds, how it says so, and what a book may allow."""

import json
import os
import pty
import re
import subprocess
import sys

import pytest

from tailored.book.load import check_book
from tailored.condition.tree import Op
from tailored.engine.engine import Engine
from tailored.proof.reader import TRANSLATE
from tailored.proof.texts import text_with
from tests.support.command import BIN, tailored

BASE = """\
attributes:
  user:
    age: {type: integer}
    country: {type: string, values: [NO, US]}
    mail: {type: string}
    seen: {type: list of strings}
    since: {type: datetime}
    ill: {type: boolean, topic: health}
    score: {type: number}
  context:
    page: {type: string, values: [home, cart]}
slots:
  hero: {default: plain}
  list: {many: 2, default: [plain]}
settings:
  path: {type: string, default: solo, values: [solo, team]}
content:
  plain: {title: Welcome}
  a: {title: A, tags: [advertising]}
  b: {title: B}
  sick: {title: Sick, topic: health}
"""


def prove(folder, text, *options):
    """The findings about a book of the base and this text, by code; and how the command ended."""
    (folder / "base.yaml").write_text(BASE)
    (folder / "book.yaml").write_text(text)
    done = tailored("prove", str(folder), "--format", "json", *options)
    assert done.stderr == ""
    data = json.loads(done.stdout)
    return {finding["code"]: finding for finding in data["diagnostics"]}, data, done.returncode


def test_every_operator_is_translated():
    assert set(TRANSLATE) == set(Op) - {Op.KNOWN}


@pytest.mark.parametrize(
    "when",
    [
        "{seen: {contains all: [a, b, c], size: {less than: 5}}}",
        "{seen: {contains all: [a, b, c], size: {between: [2, 9]}}}",
        "{orders: {size: {at least: 2}}}",
        "{orders: {contains none: [1, 2], size: 3}}",
    ],
)
def test_a_list_holds_as_many_members_as_its_size_leaves_room_for(tmp_path, when):
    rules = f"rules:\n  r: {{when: {when}, show: {{hero: a}}}}\n"
    found, data, code = prove(
        tmp_path, f"attributes: {{user: {{orders: {{type: list of integers}}}}}}\n{rules}"
    )
    assert ("never-fires" in found, data["undecided"], code) == (False, [], 0)


def test_a_label_that_keeps_a_rule_from_winning_is_named(tmp_path):
    text = """\
purposes: {ads: {}}
content: {sale: {title: Sale, purpose: ads}}
rules:
  r: {when: {opt_outs: ads}, show: {hero: sale}}
"""
    found, _, _ = prove(tmp_path, text)
    assert found["never-wins"]["others"] == []
    assert "as `sale` is not for those who opted out of ads." in found["never-wins"]["message"]


def test_the_example_book_is_clean_and_its_guarantees_hold():
    done = tailored("prove", "--strict", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    assert (data["diagnostics"], data["undecided"]) == ([], [])
    assert set(data["guarantees"].values()) == {"proven"}
    assert len(data["guarantees"]) > 4


@pytest.mark.parametrize(
    "when, rest, words",
    [
        ("{age: {at least: 18, less than: 13}}", "", "`age is at least 18` and `age is less than 13`"),
        ("{segment: kids, age: 20}", "", "`age is less than 13 (in kids)` and `age is 20`"),
        ("{page: home, not: {page: [home, cart]}}", "", "`page is home`"),
        ("{mail: {starts with: a, ends with: b, like: 'b*'}}", "", "`mail starts with a`"),
        ("{seen: {contains all: [a, b], size: 1}}", "", "`seen contains a and b`"),
        (
            "{since: {in the last: 3 days, before: 2026-01-01}}",
            "from: 2026-02-01",
            "it is awake from 2026-02-01",
        ),
    ],
)
def test_tests_that_contradict_each_other_are_named(tmp_path, when, rest, words):
    rule = f"{{when: {when}, show: {{hero: a}}{', ' + rest if rest else ''}}}"
    found, _, code = prove(
        tmp_path, f"segments: {{kids: {{when: {{age: {{less than: 13}}}}}}}}\nrules: {{r: {rule}}}"
    )
    finding = found["never-fires"]
    assert (finding["rule"], finding["witness"], finding["others"], code) == ("r", None, [], 0)
    assert words in finding["message"]
    assert "contradict each other" in finding["message"]
    assert (finding["path"], finding["severity"]) == ("book.yaml", "warning")


@pytest.mark.parametrize(
    "rule, why, mend",
    [
        (
            "{when: {age: 3, opt_outs: personalization}, show: {hero: a}}",
            "`age is 3` (hidden from those who opted out of personalization)",
            "Take the rule out, or do not ask about `age` here.",
        ),
        (
            "{when: {page: home, opt_outs: ads}, purpose: ads, show: {hero: a}}",
            "`it is not for those who opted out of ads` contradict each other.",
            "Take the rule out, or take its `purpose` off, if it is not for ads.",
        ),
        (
            "{when: {age: 3, gpc: true}, show: {hero: a}}",
            "`age is 3` (hidden from those who opted out of personalization)",
            "Take the rule out, or do not ask about `age` here.",
        ),
        (
            "{when: {shown: x, opt_outs: ads}, show: {hero: a}}",
            "`shown is x` (hidden from those who opted out of ads)",
            "Take the rule out, or do not ask about `shown` here.",
        ),
        (
            "{when: {age: {known: false}, opt_outs: personalization}, show: {hero: a}}",
            "`it asks about the user, so it is not for those who opted out of personalization`",
            "Take the rule out, or let it ask about nothing of the user but opt-outs.",
        ),
        (
            "{when: {secret: true}, show: {hero: a}}",
            "there is nobody of whom secret is true (needs consent for hush, which nobody is asked for).",
            "Take the rule out, or take the `topic` off `secret`, if it is not about that.",
        ),
    ],
)
def test_a_rule_that_no_consent_and_no_opt_out_lets_through_never_fires_for_that_reason(
    tmp_path, rule, why, mend
):
    text = f"""\
purposes: {{ads: {{}}, personalization: {{honours: [gpc]}}}}
topics: {{hush: {{consent: never}}}}
attributes:
  user: {{secret: {{type: boolean, topic: hush}}}}
  context: {{shown: {{type: string, purpose: ads}}}}
rules: {{r: {rule}}}
"""
    found, _, _ = prove(tmp_path, text)
    finding = found["never-fires"]
    assert "whatever people consent to or opt out of" in finding["message"]
    assert why in finding["message"]
    assert finding["hint"] == mend


def test_a_rule_that_others_always_cover_never_wins_and_they_are_named(tmp_path):
    rules = """\
rules:
  r1: {when: {age: {at least: 18}}, show: {hero: a}}
  r2: {when: {age: {less than: 18}}, show: {hero: a}}
  r3: {when: {country: US}, show: {hero: a}}
  r4: {when: {age: {between: [10, 30]}}, show: {hero: b}, priority: 50}
"""
    found, _, _ = prove(tmp_path, rules)
    finding = found["never-wins"]
    assert (finding["rule"], finding["others"]) == ("r4", ["r1", "r2"])
    assert 10 <= finding["witness"]["user"]["age"] <= 30


def test_what_a_gate_may_keep_back_covers_nothing(tmp_path):
    rules = "rules:\n  r1: {when: always, show: {hero: sick}}\n  r2: {when: always, show: {hero: b}}\n"
    found, _, _ = prove(tmp_path, rules)
    assert "never-wins" not in found


def test_rules_of_one_priority_that_can_meet_are_ambiguous_with_somebody_who_meets_both(tmp_path):
    rules = (
        "rules:\n  r1: {when: {country: NO}, show: {hero: a}}\n  r2: {when: {page: home}, show: {hero: b}}\n"
    )
    found, _, _ = prove(tmp_path, rules)
    finding = found["ambiguous"]
    assert (finding["rule"], finding["others"], finding["slot"]) == ("r2", ["r1"], "hero")
    assert "country is NO and page is home" in finding["message"]
    witness = finding["witness"]
    decision = Engine.load(tmp_path).evaluate(witness["user"], witness["context"], witness["now"])
    assert decision["hero"].rule == "r1"


@pytest.mark.parametrize(
    "first, second",
    [
        ("when: {country: NO}, show: {hero: a}", "when: {country: US}, show: {hero: b}"),
        ("when: {country: NO}, show: {hero: a}", "when: {page: home}, show: {hero: a}"),
        ("when: {country: NO}, show: {hero: a}, priority: 9", "when: {page: home}, show: {hero: b}"),
        (
            "when: {country: NO}, show: {hero: a}, until: 2026-01-01",
            "when: always, show: {hero: b}, from: 2026-01-01",
        ),
    ],
)
def test_rules_that_cannot_meet_or_agree_are_not_ambiguous(tmp_path, first, second):
    found, _, _ = prove(tmp_path, f"rules:\n  r1: {{{first}}}\n  r2: {{{second}}}\n")
    assert "ambiguous" not in found


def test_all_whom_a_rule_meets_are_listed_and_the_sentence_names_twenty(tmp_path):
    rules = "".join(f"  r{number}: {{when: {{age: {number}}}, show: {{hero: a}}}}\n" for number in range(30))
    found, _, _ = prove(tmp_path, f"rules:\n{rules}  last: {{when: {{page: home}}, show: {{hero: b}}}}\n")
    finding = found["ambiguous"]
    assert (finding["rule"], finding["others"]) == ("last", [f"r{number}" for number in range(30)])
    assert "`r19` and 10 more have" in finding["message"]
    assert "`r20`" not in finding["message"]


def test_either_rule_may_allow_a_conflict_and_an_allow_that_silences_nothing_is_a_finding(tmp_path):
    for at in (1, 2):
        allow = [", allow: {ambiguous: Either will do}" if at == place else "" for place in (1, 2)]
        rules = (
            f"rules:\n  r1: {{when: {{country: NO}}, show: {{hero: a}}{allow[0]}}}\n"
            f"  r2: {{when: {{page: home}}, show: {{hero: b}}{allow[1]}}}\n"
        )
        found, _, code = prove(tmp_path, rules, "--strict")
        assert (found, code) == ({}, 0)
    found, _, code = prove(
        tmp_path,
        "rules: {r: {when: always, show: {hero: a}, allow: {never-fires: It will soon}}}",
        "--strict",
    )
    assert (set(found), code) == ({"unused-allow"}, 1)
    assert found["unused-allow"]["rule"] == "r"


@pytest.mark.parametrize(
    "reason, is_fine",
    [
        ("", False),
        ("5", False),
        ("x", False),
        ("true", False),
        ("n/a", False),
        ("'- 5'", False),
        ("Meant so", True),
        ("Bevisst valg", True),
        ("どちらでもよい", True),
    ],
)
def test_a_reason_is_a_sentence(reason, is_fine):
    book = f"slots: {{hero: {{allow: {{slot-may-be-empty: {reason or repr('')}}}}}}}\n"
    _, report = check_book({"book.yaml": book.encode()})
    told = [(one.code, one.severity) for one in report.diagnostics if one.severity == "error"]
    assert told == ([] if is_fine else [("no-reason", "error")])
    if not is_fine:
        (finding,) = [one for one in report.diagnostics if one.code == "no-reason"]
        assert "two words at least" in finding.message


def test_what_one_rule_allows_silences_no_conflict_of_others(tmp_path):
    text = """
rules:
  r1: {when: {page: home}, show: {hero: a}, allow: {ambiguous: Either will do}}
  r2: {when: {age: 1}, show: {hero: b}}
  r3: {when: {country: NO}, show: {hero: plain}}
"""
    found, data, _ = prove(tmp_path, text)
    assert [(one["rule"], one["others"]) for one in data["diagnostics"]] == [("r3", ["r2"])]
    assert found["ambiguous"]["message"].startswith("`r3` and `r2` have the same priority")


ALLOWED = [
    ("rules", "r", "never-fires", "when: {age: 1, country: {known: false}, not: {age: 1}}, show: {hero: a}"),
    ("rules", "r", "never-wins", "when: {age: 1}, show: {hero: a}, priority: 1"),
    ("rules", "r", "ambiguous", "when: {age: {at least: 1}}, show: {hero: a}, priority: 90"),
    ("segments", "s", "segment-always", "when: {any: [{age: {known: true}}, {age: {known: false}}]}"),
    ("segments", "s", "segment-never", "when: {all: [{age: 1}, {age: 2}]}"),
    ("segments", "s", "segment-equal", "when: {age: {more than: 17}}"),
    ("slots", "list", "slot-may-be-empty", "many: 2"),
    ("guarantees", "g", "guarantee-idle", "when: {age: {less than: 5, more than: 5}}, never: {show: hero}"),
    (
        "guarantees",
        "g",
        "guarantee-unproven",
        "when: {logic: {'<': [{'+': [{var: user.age}, 1]}, {var: user.age}]}}, never: {show: hero}",
    ),
]
"""The section and the id of a thing, and a body of it of which something is found."""
OTHERS = {
    "rules": ["first: {when: {any: [{age: 1}, {page: home}]}, show: {hero: b}, priority: 90}"],
    "segments": ["grown: {when: {age: {at least: 18}}}"],
    "slots": ["hero: {default: plain}"],
}


@pytest.mark.parametrize("section, name, code, body", ALLOWED)
def test_what_is_allowed_is_silent_and_an_allow_of_nothing_is_a_finding(tmp_path, section, name, code, body):
    sections = {key: list(things) for key, things in OTHERS.items()}

    def codes(said):
        every = {**sections, section: [*sections.get(section, []), f"{name}: {{{said}}}"]}
        base = BASE.replace("slots:\n  hero: {default: plain}\n  list: {many: 2, default: [plain]}\n", "")
        text = "".join(f"{key}:\n" + "".join(f"  {one}\n" for one in all_) for key, all_ in every.items())
        (tmp_path / "base.yaml").write_text(base)
        (tmp_path / "book.yaml").write_text(text)
        done = tailored("prove", tmp_path, "--format", "json")
        assert done.stderr == ""
        return [one["code"] for one in json.loads(done.stdout)["diagnostics"]]

    if section != "slots":
        sections["slots"].append("list: {many: 2, default: [plain]}")
    reason = f"allow: {{{code}: It is meant to be}}"
    assert codes(body) == [code]
    assert codes(f"{body}, {reason}") == []
    harmless = {
        "rules": "when: {age: 7}, show: {hero: a}, priority: 200",
        "segments": "when: {age: 7}",
        "slots": "many: 2, default: [plain]",
        "guarantees": "never: {set: {path: none-such}}",
    }[section].replace("none-such", "team")
    assert codes(f"{harmless}, {reason}") == ["unused-allow"]


def test_what_every_book_guarantees_cannot_be_written_over():
    book = b"slots: {hero: {}}\nguarantees:\n  no-sensitive-content-without-consent: {never: {show: hero}}\n"
    _, report = check_book({"book.yaml": book})
    (finding,) = [one for one in report.diagnostics if one.severity == "error"]
    assert (finding.code, finding.span.line) == ("duplicate-id", 3)
    assert "proven for every book" in finding.message


@pytest.mark.parametrize(
    "guarantee, code, mend",
    [
        ("always: {show: {}}", "empty-list", "Say of what: `show: {hero: some-content}`."),
        ("always: {set: {}}", "empty-list", "Say of what: `set: {some-setting: a}`."),
        ("always: {order: {}}", "empty-list", "Say of what: `order: {modules: a}`."),
        ("always: {hide: {}}", "empty-list", "Say of what: `hide: hero`."),
        ("always: {}", "empty-list", "It takes show, show content tagged, set, hide, order."),
        ("never: {show: path}", "unknown-slot", "`path` is a setting: use `set`."),
        ("never: {set: {hero: a}}", "unknown-setting", "`hero` is a slot: use `show`, `hide` or `order`."),
        ("never: {show: hero}, allow: {}", "empty-list", "Write `allow: {guarantee-unproven: "),
    ],
)
def test_a_guarantee_that_claims_nothing_or_of_nothing_has_one_finding(guarantee, code, mend):
    book = f"{BASE}guarantees: {{g: {{{guarantee}}}}}\n"
    _, report = check_book({"book.yaml": book.encode()})
    (finding,) = [one for one in report.diagnostics if one.severity == "error"]
    assert finding.code == code
    assert finding.hint.startswith(mend)


def test_an_opaque_expression_is_no_alarm_and_what_hangs_on_it_is_said_to_be_open(tmp_path):
    logic = '{"<": [{var: user.age}, {var: user.score}]}'
    found, data, _ = prove(tmp_path, f"rules: {{r: {{when: {{logic: {logic}}}, show: {{hero: a}}}}}}")
    assert (found, data["undecided"]) == ({}, [])
    never = '{"<": [{"+": [{var: user.age}, 1]}, {var: user.age}]}'
    rule = f"{{when: {{age: {{known: true}}, logic: {never}}}, show: {{hero: a}}}}"
    found, data, _ = prove(
        tmp_path, f"rules: {{r: {rule}}}\nguarantees: {{g: {{never: {{show: {{hero: a}}}}}}}}"
    )
    assert set(found) == {"guarantee-unproven"}
    assert data["guarantees"]["g"] == "unproven"
    assert data["diagnostics"][0]["others"] == ["r"]
    said = tailored("prove", tmp_path).stdout
    assert "undecided  whether the rule `r` can ever fire" in said
    assert {"code": "never-fires", "id": "r"} in data["undecided"]


@pytest.mark.parametrize(
    "guarantee, broken",
    [
        ("when: {page: cart}, never: {show: hero}", True),
        ("when: {page: home}, never: {show: {hero: a}}", True),
        ("when: {page: cart}, never: {show: {hero: [a, b]}}", False),
        ("always: {show: [hero, list]}", False),
        ("when: {page: cart}, always: {show: {hero: plain}}", False),
        ("never: {show content tagged: advertising}", True),
        ("when: {age: {less than: 18}}, never: {show content tagged: advertising}", False),
        ("when: {country: NO}, always: {set: {path: team}}", False),
        ("always: {set: {path: [solo, team]}}", False),
        ("never: {set: {path: team}}", True),
        ("always: {show content tagged: advertising}", True),
    ],
)
def test_a_guarantee_is_proven_or_shown_to_be_broken(tmp_path, guarantee, broken):
    rules = """\
rules:
  r1: {when: {page: home, age: {at least: 18}}, show: {hero: a}}
  r2: {when: {country: NO}, set: {path: team}}
"""
    found, data, code = prove(tmp_path, f"{rules}guarantees: {{g: {{{guarantee}}}}}")
    assert data["guarantees"]["g"] == ("broken" if broken else "proven")
    assert ("guarantee-broken" in found, code) == (broken, int(broken))
    assert data["guarantees"]["no-sensitive-content-without-consent"] == "proven"
    if broken:
        finding = found["guarantee-broken"]
        assert (finding["severity"], finding["guarantee"]) == ("error", "g")
        assert set(finding["witness"]) == {"user", "context", "now"}


OPAQUE = '{"<": [{"+": [{var: user.age}, 1]}, {var: user.age}]}'


def test_an_open_guarantee_names_the_logic_that_it_hangs_on_and_no_other(tmp_path):
    """Nobody is older next year than they are now, but the prover cannot tell."""
    text = f"""\
segments: {{odd: {{when: {{logic: {OPAQUE}}}}}}}
rules:
  at-home: {{when: {{logic: {OPAQUE}, age: {{known: true}}, page: home}}, show: {{hero: a}}}}
  in-cart: {{when: {{segment: odd, age: {{known: true}}, page: cart}}, show: {{hero: a}}}}
guarantees:
  no-ads-at-home: {{when: {{page: home}}, never: {{show content tagged: advertising}}}}
  no-ads-in-cart: {{when: {{page: cart}}, never: {{show content tagged: advertising}}}}
  of-nobody: {{when: {{logic: {OPAQUE}, age: {{known: true}}, page: home}}, never: {{show: list}}}}
"""
    _, data, _ = prove(tmp_path, text)
    told = {one["guarantee"]: one for one in data["diagnostics"]}
    assert {name: one["code"] for name, one in told.items()} == dict.fromkeys(told, "guarantee-unproven")
    assert told["no-ads-at-home"]["others"] == ["at-home"]
    assert told["no-ads-at-home"]["hint"].startswith("It hangs on the `logic:` of `at-home`: ")
    assert told["no-ads-in-cart"]["others"] == ["in-cart"]
    assert "of `in-cart` (through `odd`): " in told["no-ads-in-cart"]["hint"]
    assert told["of-nobody"]["others"] == []
    assert "of its own `when`: " in told["of-nobody"]["hint"]


def test_rules_of_which_nobody_knows_whether_they_fire_are_open_and_the_others_are_told_apart(tmp_path):
    text = f"""\
rules:
  r1: {{when: {{logic: {OPAQUE}, age: {{known: true}}}}, show: {{hero: a}}}}
  r2: {{when: {{page: home}}, show: {{hero: b}}}}
  r3: {{when: {{country: NO}}, show: {{hero: a}}}}
"""
    found, data, _ = prove(tmp_path, text)
    assert (found["ambiguous"]["rule"], found["ambiguous"]["others"]) == ("r3", ["r2"])
    opened = {(one["code"], one["id"]) for one in data["undecided"]}
    assert opened == {("never-fires", "r1"), ("ambiguous", "r2")}


def test_an_open_guarantee_that_hangs_on_a_scorer_says_so(tmp_path):
    text = """\
scorers: {likes: {kind: python}}
rules: {r: {when: {page: home}, show: {list: {of: [a, b], by: likes, top: 1}}}}
guarantees: {g: {when: {page: home}, never: {show: {list: b}}}}
"""
    found, _, _ = prove(tmp_path, text)
    finding = found["guarantee-unproven"]
    assert (finding["others"], "logic" in finding["hint"]) == (["r"], False)
    assert finding["hint"].startswith("It hangs on what a scorer puts first in `r`: ")


@pytest.mark.parametrize(
    "claim, others, said",
    [
        ("never: {show: {list: a}}", ["ads"], "`list` shows a, by `ads`."),
        (
            "never: {show content tagged: advertising}",
            ["ads"],
            "`list` shows a, which is tagged advertising, by `ads`.",
        ),
        ("never: {show: list}", ["ads", "plain"], "`list` shows b and a, by `ads` and `plain`."),
        ("always: {show: {list: plain}}", ["ads", "plain"], "`list` shows b and a, by `ads` and `plain`."),
        ("always: {show: {room: plain}}", [], "`room` shows a only."),
        ("always: {hide: list}", [], "`list` is not hidden."),
    ],
)
def test_a_broken_guarantee_names_the_rules_that_break_it_and_no_others(tmp_path, claim, others, said):
    text = f"""\
slots: {{room: {{many: 3, default: [plain]}}}}
rules:
  plain: {{when: {{page: home}}, show: {{list: b}}, priority: 200}}
  ads: {{when: {{page: home, country: NO}}, show: {{list: a, room: a}}}}
guarantees: {{g: {{when: {{page: home, country: NO}}, {claim}}}}}
"""
    found, _, _ = prove(tmp_path, text)
    finding = found["guarantee-broken"]
    assert (finding["others"], finding["message"].partition("page is home, ")[2]) == (others, said)


@pytest.mark.parametrize("choice", ["[a, b]", "{catalog: shop}"])
def test_what_fills_up_a_slot_is_not_promised_where_a_ranking_may_fill_it(tmp_path, choice):
    (tmp_path / "shop.csv").write_text("id,title\nboots,Boots\n")
    text = f"""\
catalogs: {{shop: {{file: shop.csv, attributes: {{title: {{type: string}}}}}}}}
scorers: {{likes: {{kind: python}}}}
slots: {{top: {{many: 1, default: [plain], fill: true}}}}
rules: {{r: {{when: always, show: {{top: {{of: {choice}, by: likes}}}}}}}}
guarantees: {{g: {{always: {{show: {{top: plain}}}}}}}}
"""
    found, data, _ = prove(tmp_path, text)
    assert data["guarantees"]["g"] != "proven"
    assert found.keys() & {"guarantee-broken", "guarantee-unproven"}


@pytest.mark.parametrize(
    "when, opt_outs",
    [("page: home", ["ads"]), ("page: home, opt_outs: {known: false}, gpc: {known: false}", "unreadable")],
)
def test_a_witness_names_what_is_opted_out_of_where_that_is_enough(tmp_path, when, opt_outs):
    text = f"""\
purposes: {{ads: {{}}}}
content: {{sale: {{title: Sale, purpose: ads}}}}
rules: {{r: {{when: {{{when}}}, show: {{hero: sale}}}}}}
guarantees: {{g: {{when: {{{when}}}, always: {{show: {{hero: sale}}}}}}}}
"""
    found, _, _ = prove(tmp_path, text)
    witness = found["guarantee-broken"]["witness"]
    assert witness["user"] == {"opt_outs": opt_outs}
    (tmp_path / "witness.json").write_text(json.dumps(witness))
    done = tailored("evaluate", tmp_path, "--request", tmp_path / "witness.json", "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["slots"]["hero"]["content"] == "plain"


def test_a_guarantee_is_no_part_of_decisions_and_of_the_version(tmp_path):
    text = "rules: {r: {when: always, show: {hero: a}}}\n"
    prove(tmp_path, text)
    before = Engine.load(tmp_path).version
    prove(tmp_path, f"{text}guarantees: {{g: {{never: {{show: hero}}}}}}")
    assert Engine.load(tmp_path).version == before


@pytest.mark.parametrize(
    "text, code",
    [
        ("guarantees: {g: {when: {page: home}}}", "missing-key"),
        ("guarantees: {g: {never: {show: heroo}}}", "unknown-slot"),
        ("guarantees: {g: {never: {shwo: hero}}}", "unknown-key"),
        ("guarantees: {g: {always: {set: {path: tem}}}}", "unknown-value"),
        ("guarantees: {g: {always: {show: {hero: aa}}}}", "unknown-content"),
        ("guarantees: {g: {when: {pge: home}, always: {show: hero}}}", "unknown-attribute"),
        ("rules: {r: {when: always, show: {hero: a}, allow: {ambiguous: ''}}}", "no-reason"),
        ("rules: {r: {when: always, show: {hero: a}, allow: {segment-equal: x}}}", "unknown-finding"),
    ],
)
def test_a_book_with_errors_is_reported_as_validate_does(tmp_path, text, code):
    found, _, ended = prove(tmp_path, text)
    assert (code in found, ended) == (True, 1)


def test_it_says_what_it_needs_where_z3_is_missing_and_where_there_is_no_book(tmp_path):
    (tmp_path / "z3.py").write_text("raise ModuleNotFoundError('no z3', name='z3')")
    done = subprocess.run(
        [sys.executable, "-c", "from tailored.cli import main; main()", "prove"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'tailored[proof]'" in done.stderr
    done = tailored("prove", str(tmp_path / "nowhere"))
    assert (done.returncode, done.stdout) == (2, "")


def test_a_terminal_shows_how_far_it_is_and_a_pipe_does_not(tmp_path):
    """Standard error is a terminal here, as a shell opens one."""
    rules = "".join(
        f"  r{age}: {{when: {{age: {age}}}, show: {{hero: a}}, priority: {age}}}\n" for age in range(90)
    )
    (tmp_path / "book.yaml").write_text(f"{BASE}rules:\n{rules}")
    terminal, end = pty.openpty()
    proving = subprocess.Popen([BIN / "tailored", "prove", tmp_path], stdout=subprocess.DEVNULL, stderr=end)
    os.close(end)
    shown = b""
    try:
        while more := os.read(terminal, 4096):
            shown += more
    except OSError:  # a terminal that nobody writes to any more
        pass
    os.close(terminal)
    assert proving.wait() == 0
    steps = [int(step) for step in re.findall(r"Proving .*?(\d+)%", shown.decode())]
    assert steps == sorted(steps)
    assert steps[0] == 0
    assert steps[-1] == 100
    assert any(0 < step < 100 for step in steps), shown
    assert tailored("prove", tmp_path).stderr == ""


def test_a_text_is_found_that_has_some_patterns_and_lacks_others():
    from tailored.condition.tree import Attribute, Test
    from tailored.condition.types import Type

    mail = Attribute("user", "mail", Type.STRING)

    def test(op, operand):
        return Test(mail, op, operand)

    assert text_with([(test(Op.LIKE, "a*b*c"), True), (test(Op.CONTAINS, "b"), False)], ()) is None
    both = [(test(Op.STARTS_WITH, "ab"), True), (test(Op.ENDS_WITH, "ba"), True)]
    assert text_with([*both, (test(Op.CONTAINS, " "), False)], ("abba",)) == "aba"
    assert text_with([(test(Op.STARTS_WITH, "a"), True), (test(Op.STARTS_WITH, "b"), True)], ()) is None


def test_rules_that_meet_for_a_moment_only_are_told_with_it(tmp_path):
    rules = """
rules:
  old: {when: {page: home}, show: {hero: a}, until: 2035-02-01}
  new: {when: {page: home}, show: {hero: b}, from: 2035-01-31T23:59:59Z}
"""
    found, _, _ = prove(tmp_path, rules)
    assert "when page is home and it is 2035-01-31 23:59:59; `old` wins" in found["ambiguous"]["message"]
