"""What people write out of habit is told how it is written here."""

import pytest

from tailored.book.load import check_book
from tailored.book.mends import meant_operator, mended_comparison, mended_span, mended_value
from tailored.condition.operators import operators_of
from tailored.condition.types import Type

BASE = """\
attributes:
  user:
    age: {type: integer}
    score: {type: number}
    vip: {type: boolean}
    born: {type: date}
    since: {type: datetime}
    app: {type: version}
    seen: {type: list of strings}
    country: {type: string}
  context: {page: {type: string, values: [home, cart]}}
slots: {hero: {}}
content: {c: {title: C}}
segments: {young: {when: {age: 3}}}
rules:
  base: {when: {segment: young}, show: {hero: c}}
"""


def findings(text: str):
    """The errors that a text adds to the base."""
    report = check_book({"a.yaml": BASE.encode(), "b.yaml": text.encode()})[1]
    return [finding for finding in report.diagnostics if finding.severity == "error"]


@pytest.mark.parametrize(
    "type_, text, mend",
    [
        (Type.NUMBER, "1,5", "Write `1.5`."),
        (Type.NUMBER, "1.000,50", "Write `1000.50`."),
        (Type.NUMBER, "1,000.5", "Write `1000.5`."),
        (Type.NUMBER, "1,000", "Write `1000`, or `1.000`, as you mean it."),
        (Type.INTEGER, "1_000", "Write `1000`."),
        (Type.INTEGER, "50%", "Write the number alone: `50`."),
        (Type.INTEGER, "€ 5", "Write the number alone: `5`."),
        (Type.INTEGER, "many", ""),
        (Type.DATE, "1.11.2026", "Write `2026-11-01`, the year first."),
        (Type.DATE, "2026/11/1", "Write `2026-11-01`, the year first."),
        (Type.DATE, "01/11/2026", "Write `2026-11-01` or `2026-01-11`, the year first."),
        (Type.DATE, "13/11/2026", "Write `2026-11-13`, the year first."),
        (Type.DATE, "Nov 1, 2026", "Write `2026-11-01`, the year first."),
        (Type.DATE, "2026-02-30", "There is no such day."),
        (Type.DATE, "2026-11-01T08:30Z", "Write the day alone: `2026-11-01`."),
        (Type.DATE, "soon", ""),
        (Type.DATETIME, "1.11.2026", "Write `2026-11-01`, the year first."),
        (Type.DATETIME, "2026-11-01 8:30", "Write `2026-11-01T08:30`."),
        (Type.DATETIME, "1.11.2026 08:30", "Write `2026-11-01T08:30`, the year first."),
        (Type.VERSION, "v1.2", "Write `1.2`."),
        (Type.VERSION, "1.2.3.4", "A version has at most three numbers: write `1.2.3`."),
        (Type.VERSION, "1.02", "Write `1.2`."),
        (Type.STRING, "1,5", ""),
    ],
)
def test_a_value_as_it_is_written_elsewhere_has_a_mend(type_, text, mend):
    assert mended_value(text, type_) == mend


@pytest.mark.parametrize(
    "type_, text, mend",
    [
        (Type.INTEGER, ">3", "{more than: 3}"),
        (Type.INTEGER, ">= 3", "{at least: 3}"),
        (Type.INTEGER, "<=3", "{at most: 3}"),
        (Type.INTEGER, "!= 3", "{is not: 3}"),
        (Type.INTEGER, "18+", "{at least: 18}"),
        (Type.INTEGER, "18-65", "{between: [18, 65]}"),
        (Type.INTEGER, "18 to 65", "{between: [18, 65]}"),
        (Type.DATE, ">2026-11-01", "{after: 2026-11-01}"),
        (Type.DATE, "30 days ago", "{in the last: 30 days}"),
        (Type.VERSION, ">=1.2", "{at least: 1.2}"),
    ],
)
def test_a_comparison_in_signs_has_a_mend(type_, text, mend):
    allowed = [str(op) for op in operators_of(type_)]
    assert mended_comparison(text, type_, allowed) == f"Write `{mend}`."
    assert mended_comparison("home", type_, allowed) == ""


@pytest.mark.parametrize(
    "word, type_, operator",
    [
        ("equals", Type.STRING, "is"),
        ("equals", Type.STRINGS, "contains"),
        ("not equal", Type.STRING, "is not"),
        ("notEqual", Type.STRING, "is not"),
        ("in", Type.STRING, "one of"),
        ("in", Type.STRINGS, "contains any"),
        ("one of", Type.STRINGS, "contains any"),
        (">=", Type.INTEGER, "at least"),
        (">=", Type.DATE, "after"),
        ("gte", Type.VERSION, "at least"),
        ("at_least", Type.INTEGER, "at least"),
        ("atLeast", Type.INTEGER, "at least"),
        ("AT-LEAST", Type.INTEGER, "at least"),
        ("regex", Type.STRING, "like"),
        ("matches", Type.STRING, "like"),
        ("startsWith", Type.STRING, "starts with"),
        ("exists", Type.DATE, "known"),
        ("length", Type.STRINGS, "size"),
        ("before", Type.INTEGER, "less than"),
        ("regex", Type.INTEGER, None),
        ("zebra", Type.INTEGER, None),
    ],
)
def test_the_operators_of_other_languages_are_understood(word, type_, operator):
    assert meant_operator(word, [str(op) for op in operators_of(type_)]) == operator


@pytest.mark.parametrize(
    "text, mend",
    [
        ("30d", "30 days"),
        ("30days", "30 days"),
        ("P30D", "30 days"),
        ("a month", "30 days"),
        ("1 week ago", "1 week"),
        ("2 years", "730 days"),
        ("3 h", "3 hours"),
        ("10 seconds", "1 minute"),
        ("30", "30 days`, or whatever it counts"),
    ],
)
def test_a_span_of_time_as_it_is_written_elsewhere_has_a_mend(text, mend):
    assert mended_span(text).rstrip("`.") == f"Write `{mend}".rstrip("`.")
    assert mended_span("soon") == ""


@pytest.mark.parametrize(
    "when, code, hint",
    [
        ("{age: '>= 3'}", "wrong-type", "Write `{at least: 3}`."),
        ("\n      age: >3", "wrong-type", "Write `{more than: 3}`."),
        ("\n      age: >= 3", "yaml-syntax", "Write `{at least: 3}`."),
        ("{age: >3}", "yaml-syntax", "Write `{more than: 3}`."),
        ("\n      age: != 3", "tag", "Write `{is not: 3}`"),
        ("\n      country: !NO", "tag", "Write `{is not: NO}`"),
        ("{score: 1,5}", "no-value", "If this is one number, write `1.5`."),
        ("{score: -1,5}", "no-value", "If this is one number, write `-1.5`."),
        ("{age: 1,5}", "no-value", "If this is one number, write it like `1` or `2`."),
        ("{age: 1,500}", "no-value", "If this is one number, write `1500`."),
        ("{score: 1,500}", "no-value", "If this is one number, write `1500`, or `1.500`, as you mean it."),
        ("{score: 1,500,000}", "no-value", "If this is one number, write `1500000`."),
        ("{age: {at least: 1,5}}", "no-value", "If this is one number, write it like `1` or `2`."),
        ("{app: {at least: 4,10}}", "no-value", "If this is one number, write `4.10`."),
        ("{country: NO, SE}", "no-value", "For several values, write `country: [NO, SE]`."),
        ("\n      age: 1,5", "wrong-type", "Write it like `1` or `2`."),
        ("\n      app: 4,10", "wrong-type", "Write `4.10`."),
        ("\n      score: 1,5", "wrong-type", "Write `1.5`."),
        ("{user.page: home}", "unknown-attribute", "Did you mean `context.page`?"),
        ("{context.age: 3}", "unknown-attribute", "Did you mean `user.age`?"),
        ("{logic: {'==': [{var: age}, 3]}}", "unknown-attribute", "Did you mean `user.age`?"),
        ("{logic: '{\"==\": [1, 2]}'}", "bad-logic", "without quotes"),
        ("{not: [{page: home}]}", "wrong-kind", "without the `[ ]`"),
        ("{not: [{page: home}, {age: 3}]}", "wrong-kind", "`not: {any: [...]}`"),
        ("{any: [{age: 1}], any: [{age: 2}]}", "duplicate-key", "`all: [{any: [...]}, {any: [...]}]`"),
        ("{country: {is: [NO, SE]}}", "wrong-type", "Write `one of: [...]`."),
        ("{seen: {is: boots}}", "wrong-operator", "Did you mean `contains`? Operators for it are known,"),
        ("{age: 3.5}", "wrong-type", "Write it like `3` or `4`."),
        ("{seen: {size: 1.5}}", "wrong-type", "Write it like `1` or `2`."),
        ("{since: {in the last: 999999999 weeks}}", "wrong-type", "at most 365,000 days"),
        ("{vip: Yes}", "wrong-type", "Write `true`, without quotes."),
        ("{vip: off}", "wrong-type", "Write `false`, without quotes."),
        ("{vip: {known: yes}}", "wrong-kind", "Write `true`, without quotes."),
        ("{since: {in the last: 30d}}", "wrong-type", "Write `30 days`."),
        ("{age: {at least: [3]}}", "wrong-type", "Write `3` alone, without the `[ ]`."),
        ("{age: {at least: {a: 3}}}", "wrong-type", "Write one value, such as `18`."),
        ("always,", "wrong-kind", "Write `always`."),
        ("everyone", "wrong-kind", "Write `always`."),
        ("young", "wrong-kind", "Write `{segment: young}`."),
        ("page = home", "wrong-kind", "Write `{page: home}`."),
        ("page is home", "wrong-kind", "Write `{page: home}`."),
    ],
)
def test_a_slip_in_a_condition_is_told_how_to_write_it(when, code, hint):
    (finding,) = findings(f"rules:\n  r:\n    when: {when}\n    hide: hero\n")
    assert finding.code == code
    assert hint in finding.hint


@pytest.mark.parametrize(
    "text, words",
    [
        ("@home", 'A text cannot begin with `@`. Put it in quotes: `"@home"`.'),
        ("*bold* text", 'which repeats what `&` marks. Put it in quotes: `"*bold* text"`.'),
        ("*bold", 'This alias names no anchor in this file. Write `&bold` at the thing it stands for, above; '
         'a text goes in quotes: `"*bold"`.'),
        ("& more", 'which marks what `*` repeats. Put it in quotes: `"& more"`.'),
        ("%50 off", 'A text cannot begin with `%`. Put it in quotes: `"%50 off"`.'),
        ("`code`", "A text cannot begin with a backtick. Put it in quotes: `\"`code`\"`."),
        ("> quote", 'which starts a text of several lines. Put it in quotes: `"> quote"`.'),
        ("Hi: there", 'A second `:` makes no sense here. Put the text in quotes: `"Hi: there"`.'),
        ("'Hi' there", "goes on here after its closing quote. Put quotes around all of it: `\"Hi there\"`."),
        ("'Don't'", "goes on here after its closing quote. Put quotes around all of it: `\"Don't\"`."),
        ("[new] boots", 'goes on here after its closing bracket. If all of it is text, put it in quotes: '
         '`"[new] boots"`.'),
        ("{{ user.age }}", 'A text that begins with `{{` needs quotes. Put all of it in quotes: '
         '`"{{ user.age }}"`.'),
        ("{{ user.age }}, hi", 'put it in quotes: `"{{ user.age }}, hi"`.'),
    ],
)  # fmt: skip
def test_a_text_that_needs_quotes_is_told_so(text, words):
    (finding,) = findings(f"content:\n  d:\n    title: {text}\n")
    assert words in f"{finding.message} {finding.hint}"
    assert finding.span.line == 3


@pytest.mark.parametrize(
    "text, place, words",
    [
        ("rules:\n\tr:\n\t\twhen: always\n", (2, 1), "There is a tab here"),
        ("rules:\n  r:\n    when always\n    hide: hero\n", (3, 5), "A `:` is missing in `when always`. "
         "Write `when: always`."),
        ("rules:\n  r:\n    when:always\n    hide: hero\n", (3, 5), "A space is missing after the `:`. "
         "Write `when: always`."),
        ("rules\n  r:\n    when: always\n", (1, 1), "A `:` is missing in `rules`. Write `rules:`."),
        ("rules:\n  r:\n   when: always\n    hide: hero\n", (4, 5), "indented further than the line above"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_yaml_is_told_why(text, place, words):
    (finding,) = findings(text)
    assert (finding.code, finding.span.line, finding.span.column) == ("yaml-syntax", *place)
    assert words in f"{finding.message} {finding.hint}"


@pytest.mark.parametrize(
    "body, hint",
    [
        ("priority: high", "Write a number from 0 to 1000"),
        ("owner: [me]", "Write `me` alone, without the `[ ]`."),
        ("owner: {a: b}", "Write one text; quotes are needed where it begins with `{` or holds `: `."),
        ("from: 1.11.2026", "Write `2026-11-01`, the year first."),
        ("show: {Hero: c}", "Did you mean `hero`?"),
        ("show: {hero: C}", "Did you mean `c`?"),
        ("display: {hero: c}", "Did you mean `show`?"),
        ("weight: 3", "Did you mean `priority`?"),
        ("other: {when: always, hide: hero}", "let it begin in the column of `r`"),
    ],
)
def test_a_slip_in_a_rule_is_told_how_to_write_it(body, hint):
    (finding,) = findings(f"rules: {{r: {{when: always, hide: hero, {body}}}}}".replace(
        ", hide: hero, display", ", display"))  # fmt: skip
    assert hint in finding.hint


@pytest.mark.parametrize(
    "spec, hint",
    [
        ("{type: str}", "Did you mean `string`?"),
        ("{type: bool}", "Did you mean `boolean`?"),
        ("{type: timestamp}", "Did you mean `datetime`?"),
        ("{type: array}", "Did you mean `list of strings`?"),
        ("{type: string, options: [a]}", "Did you mean `values`?"),
        ("{type: string, values: []}", "List at least one, or take `values` out."),
        ("{type: string, values: a}", "Write `values: [a]`."),
        ("{type: string, personal: Yes}", "Write `true`, without quotes."),
    ],
)
def test_a_slip_in_an_attribute_is_told_how_to_write_it(spec, hint):
    (finding,) = findings(f"attributes: {{user: {{new: {spec}}}}}")
    assert finding.hint == hint


@pytest.mark.parametrize("action", ["show", "set", "order"])
def test_an_action_that_says_nothing_is_an_error(action):
    (finding,) = findings(f"rules: {{r: {{when: always, {action}: {{}}}}}}")
    assert finding.code == "empty-list"


@pytest.mark.parametrize(
    "text, place, sign",
    [
        ("rules:\n  bad: {when: [\n", (2, 15), "]"),
        ("rules: {a: [}\n", (1, 12), "]"),
        ("rules: {a: 1", (1, 8), "}"),
    ],
)
def test_a_bracket_that_is_never_closed_is_shown(text, place, sign):
    (finding,) = findings(text)
    assert (finding.code, finding.hint) == ("yaml-syntax", f"Write `{sign}`.")
    assert (finding.span.line, finding.span.column) == place


@pytest.mark.parametrize("test", ['country: {like: ""}', 'country: {contains: ""}', "seen: {size: -1}"])
def test_a_test_that_tells_nobody_apart_is_a_warning(test):
    text = f"rules: {{r: {{when: {{{test}}}, hide: hero}}}}"
    report = check_book({"a.yaml": BASE.encode(), "b.yaml": text.encode()})[1]
    assert [finding.code for finding in report.diagnostics if finding.span.path == "b.yaml"] == ["idle-test"]


@pytest.mark.parametrize(
    "operator", ["at least: 2", "more than: 2", "at most: 2", "less than: 2", "between: [2, 4]"]
)
def test_a_comparison_need_not_name_a_declared_value(operator):
    text = "attributes: {user: {level: {type: integer, values: [1, 3]}}}\n"
    assert findings(f"{text}rules: {{r: {{when: {{level: {{{operator}}}}}, hide: hero}}}}") == []


@pytest.mark.parametrize(
    "written, code, hint",
    [
        ("num: 3.5", "wrong-type", "Write it like `3` or `4`."),
        ("num: 3,5", "no-value", "If this is one number, write it like `3` or `4`."),
        ("num: '3'", "wrong-type", "Write 3 without quotes."),
        ("num: true", "wrong-type", "Write it like `18`."),
        ("num: [3]", "wrong-type", "Write `3` alone, without the `[ ]`."),
        ("num: ", "wrong-type", "Write one value, such as `18`."),
        ("num: 99999999999999999999", "wrong-type", "Whole numbers of more than 64 bits are too large."),
        ("ratio: 3,5", "no-value", "If this is one number, write `3.5`."),
        ("ratio: .nan", "wrong-type", "Write it like `9.5`."),
        ("sizes: 3", "wrong-type", "Write `[3]`."),
        ("sizes: [3.5]", "wrong-type", "Write it like `3` or `4`."),
        ("least: 1.2.3.4", "wrong-type", "A version has at most three numbers: write `1.2.3`."),
        ("day: 24.12.2026", "wrong-type", "Write `2026-12-24`, the year first."),
        ("on: yes", "wrong-type", "Write `true`, without quotes."),
        ("text: [a]", "wrong-type", "Write `a` alone, without the `[ ]`."),
    ],
)
def test_a_value_of_the_wrong_kind_for_a_setting_is_told_how_to_write_it(written, code, hint):
    settings = "num: {type: integer, default: 1}, ratio: {type: number, default: 1}, "
    settings += "sizes: {type: list of integers, default: []}, least: {type: version, default: 1.0}, "
    settings += "day: {type: date, default: 2026-11-01}, on: {type: boolean, default: true}, "
    settings += "text: {type: string, default: a}"
    (finding,) = findings(f"settings: {{{settings}}}\nrules: {{r: {{when: always, set: {{{written}}}}}}}\n")
    assert (finding.code, finding.hint) == (code, hint)


@pytest.mark.parametrize("written", ["num: 3", "num: 3.0", "num: 3e2", "num: -0"])
def test_a_whole_number_may_be_written_with_a_fraction_of_nothing(written):
    settings = "settings: {num: {type: integer, default: 1}}"
    assert findings(f"{settings}\nrules: {{r: {{when: always, set: {{{written}}}}}}}\n") == []
