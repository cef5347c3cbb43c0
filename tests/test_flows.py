"""Notes say what consent each rule will need; what can never be consented to is an error."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from tailored.book.diagnostics import RuleBookError
from tailored.book.load import check_book
from tailored.cli.validate import validate
from tailored.engine.engine import Engine

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
BASE = """\
attributes:
  user:
    ills: {type: list of strings, topic: health}
    income: {type: integer, topic: finance}
    clicks: {type: integer, purpose: ads}
    age: {type: integer}
  context:
    page: {type: string}
topics:
  health: {consent: care}
  secret: {consent: never}
  children: {sensitive: false, because: We sell toys}
purposes: {ads: {honours: gpc}}
slots: {hero: {}, list: {many: 3}}
content:
  plain: {title: Hi}
  ill: {title: Ill, topic: health}
  advert: {title: "{{ user.income }}", purpose: ads}
  toy: {title: Toy, topic: children}
  locked: {title: Locked, topic: secret}
segments:
  knees: {when: {ills: knee}}
  old-knees: {topic: finance, when: {segment: knees, age: {at least: 60}}}
"""


def report_of(rule: str, base: str = BASE):
    files = {"base.yaml": base.encode(), "r.yaml": f"rules: {{r: {rule}}}\n".encode()}
    return check_book(files, NOW, notes=True)[1]


def noted(rule: str) -> list[str]:
    report = report_of(rule)
    assert report.errors == 0, report.to_text()
    return [one.message for one in report.diagnostics if one.code == "label-flows"]


@pytest.mark.parametrize(
    "rule, said",
    [
        ("{when: {page: home}, show: {hero: plain}}", None),
        ("{when: {page: home}, show: {hero: toy}}", None),
        ("{topic: children, when: {page: home}, show: {hero: plain}}", None),
        (
            "{when: {ills: knee}, show: {hero: plain}}",
            "`r` needs consent for health (the flag care), through the attribute user.ills.",
        ),
        (
            "{when: {not: {segment: knees}}, show: {hero: plain}}",
            "`r` needs consent for health (the flag care), through the group `knees` and "
            "the attribute user.ills.",
        ),
        (
            "{when: {segment: old-knees}, show: {hero: plain}}",
            "`r` needs consent for finance, through the group `old-knees`, and "
            "for health (the flag care), through the group `old-knees`, the group `knees` and "
            "the attribute user.ills.",
        ),
        (
            "{when: {logic: {'>': [{var: user.income}, 3]}}, show: {hero: plain}}",
            "`r` needs consent for finance, through the attribute user.income.",
        ),
        (
            "{topic: finance, when: {page: home}, show: {list: [ill, plain]}}",
            "`r` needs consent for finance, through its own label, and "
            "for health (the flag care), through the content ill.",
        ),
        (
            "{when: {page: home}, show: {hero: advert}}",
            "`r` needs consent for finance, through the attribute user.income in a text of advert. "
            "It is not for those who opted out of ads, through the content advert.",
        ),
        (
            "{when: {clicks: 3}, hide: hero}",
            "`r` is not for those who opted out of ads, through the attribute user.clicks.",
        ),
    ],
)
def test_a_note_says_which_consent_a_rule_needs_and_through_what(rule, said):
    assert noted(rule) == ([] if said is None else [said])


@pytest.mark.parametrize(
    "rule, said",
    [
        (
            "{topic: secret, when: {page: home}, hide: hero}",
            "`r` can never do anything: it carries the topic secret",
        ),
        ("{when: {page: home}, show: {hero: locked}}", "`locked` is never shown"),
        ("{when: {page: home}, show: {list: [plain, locked]}, hide: hero}", "`locked` is never shown"),
    ],
)
def test_a_rule_that_needs_what_is_never_asked_is_an_error(rule, said):
    report = report_of(rule)
    found = [one for one in report.diagnostics if one.severity == "error"]
    assert [one.code for one in found] == ["never-consented"]
    assert found[0].message.startswith(said)
    with pytest.raises(RuleBookError, match="never-consented"):
        raise RuleBookError(report)


NEVER = BASE.replace("health: {consent: care}", "health: {consent: never}")


@pytest.mark.parametrize(
    "condition, is_dead",
    [
        ("{ills: knee}", True),
        ("{not: {ills: knee}}", True),
        ("{ills: {known: true}}", True),
        ("{ills: {known: false}}", False),
        ("{any: [{ills: knee}, {page: home}]}", False),
        ("{all: [{ills: knee}, {page: home}]}", True),
        ("{not: {all: [{ills: knee}, {page: home}]}}", False),
        ("{segment: knees}", True),
        ("{not: {segment: knees}}", True),
        ("{logic: {'!': [{var: user.ills}]}}", True),
    ],
)
def test_a_condition_is_dead_only_where_nothing_can_make_it_true(condition, is_dead):
    rule = f"{{when: {condition}, show: {{hero: plain}}}}"
    codes = {one.code for one in report_of(rule, NEVER).diagnostics if one.severity == "error"}
    assert codes == ({"never-consented"} if is_dead else set())
    book, _ = check_book({"base.yaml": NEVER.encode(), "r.yaml": f"rules: {{r: {rule}}}".encode()}, NOW)
    user = {"ills": ["knee"], "consents": {"health": True, "care": True, "never": True}}
    fires = [
        Engine(book).evaluate(who, {"page": page}, NOW)["hero"].rule == "r"
        for who in (user, {})
        for page in ("home", "cart")
    ]
    assert any(fires) is not is_dead


def files(folder, rule: str) -> str:
    (folder / "base.yaml").write_text(BASE.replace("  locked: {title: Locked, topic: secret}\n", ""))
    (folder / "r.yaml").write_text(
        f"rules: {{r: {rule}, s: {{when: {{page: home}}, show: {{list: [toy, ill, advert]}}}}}}\n"
    )
    return str(folder)


def test_text_counts_the_notes_and_shows_them_below_the_problems_when_asked(tmp_path):
    book = files(tmp_path, "{when: {segment: old-knees}, hide: hero}")
    quiet = CliRunner().invoke(validate, [book])
    assert "label-flows" not in quiet.output
    assert quiet.output.endswith("2 warnings in 1 of 2 files.\n2 notes; `--notes` shows them.\n")
    loud = CliRunner().invoke(validate, [book, "--notes"])
    blocks = loud.output.split("\n\n")
    heads = [block.split("\n")[0].partition("  ")[2] for block in blocks]
    assert heads == [
        "unfillable-slot (warning)",
        "unused-content (warning)",
        "label-flows (note)",
        "label-flows (note)",
        "",
    ]
    assert loud.output.endswith("2 warnings in 1 of 2 files.\n2 notes.\n")


def test_json_always_has_the_notes_and_they_change_no_count_and_no_exit_code(tmp_path):
    book = files(tmp_path, "{when: {segment: old-knees}, show: {hero: plain}}")
    for options in ([], ["--notes"], ["--strict"], ["--strict", "--notes"]):
        done = CliRunner().invoke(validate, [book, "--format", "json", *options])
        told = json.loads(done.output)
        assert (done.exit_code, told["errors"], told["warnings"], told["notes"]) == (0, 0, 0, 2)
        assert {one["severity"] for one in told["diagnostics"]} == {"note"}


def test_a_book_with_other_errors_has_no_notes_which_could_be_wrong():
    report = report_of("{when: {ills: knee}, show: {heor: plain}}")
    assert (report.errors, report.notes) == (1, 0)
