"""YAML is read strictly, with places: what a file says is what it means, and every oddity has a finding."""

import pytest

from tailored.book.diagnostics import Diagnostic, Report, RuleBookError, Span, sort
from tailored.book.nodes import MappingNode, Reader, kind_of, plain_value, short


def compose(content: str | bytes):
    report: list[Diagnostic] = []
    reader = Reader("a.yaml", report)
    text, root = reader.compose(content if isinstance(content, bytes) else content.encode())
    return reader, report, text, root


def test_an_empty_file_is_an_empty_book():
    _, report, _, root = compose("# nothing yet\n")
    assert root is None
    assert report == []


@pytest.mark.parametrize(
    "content, code, line, column",
    [
        ("a: [1\nb: 2", "yaml-syntax", 2, 2),
        ("a: b\n\tc: d", "yaml-syntax", 2, 1),
        ("a: 'x\nb: c", "yaml-syntax", 1, 4),
        ("a: \x01b", "yaml-syntax", 1, 4),
        ("a: 1\n---\nb: 2", "yaml-syntax", 2, 1),
        ("a: b: c", "yaml-syntax", 1, 5),
        ("a: *nowhere", "yaml-syntax", 1, 4),
        (b"a: 1\nb: caf\xe9\n", "not-utf8", 2, 7),
        ("[" * 100_000, "too-deep", 1, 60),
        ("a: &a [*a]", "too-many-aliases", 1, 8),
    ],
)
def test_a_file_that_cannot_be_read_is_a_finding_with_its_place(content, code, line, column):
    _, report, _, root = compose(content)
    assert root is None
    assert [(d.code, d.span.line, d.span.column) for d in report] == [(code, line, column)]
    assert report[0].message.endswith(".")


def test_aliases_do_not_expand_beyond_a_bound():
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
    _, report, _, root = compose(laughs)
    assert root is None
    assert [d.code for d in report] == ["too-many-aliases"]


@pytest.mark.parametrize(
    "content, code, place",
    [
        ("a: &a [x, x]\nb: &b [*a, {c: *b}]", "too-many-aliases", (2, 16)),
        ("a: &a {b: *a}", "too-many-aliases", (1, 11)),
        ("a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 20 + "*a" + "]" * 20, "too-deep", (2, 24)),
        ("a: &a [" + "x, " * 900 + "]\nb: [" + "*a, " * 23 + "]", "too-many-aliases", (2, 93)),
    ],
)
def test_what_an_alias_does_wrong_is_found_at_the_alias(content, code, place):
    _, report, _, root = compose(content)
    assert root is None
    assert [(finding.code, (finding.span.line, finding.span.column)) for finding in report] == [(code, place)]


@pytest.mark.parametrize(
    "content, word, mend",
    [
        ("{title: Hello, world}", "world", '`title: "Hello, world"`'),
        ("{title: Hello, my dear friend, n: 1}", "my dear friend", '`title: "Hello, my dear friend"`'),
        ("{page home}", "page home", "Write `page home: ...`."),
        ("{list: [1], b}", "b", "Write `b: ...`."),
    ],
)
def test_a_comma_that_cuts_a_text_is_found(content, word, mend):
    reader, report, _, root = compose(content)
    assert word not in reader.entries(root)
    assert [finding.message for finding in report] == [f"`{word}` stands here without a value."]
    assert mend in report[0].hint


def test_an_empty_value_after_a_colon_is_a_value():
    reader, report, _, root = compose("{a: , b: }")
    assert list(reader.entries(root)) == ["a", "b"]
    assert report == []


def test_merge_keys_give_what_is_not_written_beside_them():
    reader, report, _, root = compose(
        "base: &b {x: 1, y: 2}\nmore: &m {z: 3}\none:\n  <<: [*b, *m]\n  y: 9\n"
    )
    entries = reader.entries(reader.entries(root)["one"][1])
    assert {key: value.value for key, (_, value) in entries.items()} == {"y": "9", "x": "1", "z": "3"}
    assert report == []


def test_a_merge_key_takes_mappings_only():
    reader, report, _, root = compose("<<: 3")
    reader.entries(root)
    assert [d.code for d in report] == ["wrong-kind"]


def test_a_key_stands_once():
    reader, report, _, root = compose("a: 1\nb: 2\na: 3\n")
    entries = reader.entries(root)
    assert entries["a"][1].value == "1"
    assert [(d.code, d.span.line) for d in report] == [("duplicate-key", 3)]
    assert "line 1" in report[0].message


@pytest.mark.parametrize(
    "content, words",
    [
        ("a: {b: 1\nc: 2\n", "What `{` opens in line 1 should go on or end here."),
        ("a:\n  b: [1\nc: 2\n", "The list that `[` opens in line 2 should go on or end here."),
        ("a: 1\nb: 'x\nc: 2\n", "A quote is opened in line 2 and never closed."),
        ("a: {b: 1}}\n", "This `}` closes nothing."),
        ("a: b: c", 'A second `:` makes no sense here. Put the text in quotes: `"b: c"`.'),
        ("a: - b", "A list cannot begin here."),
        ("a: [1, , 2]", "A value is missing here."),
        ("%x", "A line cannot begin with `%`. Put the text in quotes."),
        ('a: "\\uD800"', "This escape stands for no character."),
        ('a: "\\q"', "This `\\` starts no known escape."),
    ],
)
def test_what_is_no_yaml_is_explained_in_plain_words(content, words):
    _, report, _, _ = compose(content)
    assert [finding.code for finding in report] == ["yaml-syntax"]
    assert words in f"{report[0].message} {report[0].hint}"


@pytest.mark.parametrize(
    "text", ["a: !<plain> [1]", "a: !<plain> x", "a: !<collection> x", "a: !<quoted> {b: c}"]
)
def test_no_tag_passes_for_none(text):
    reader, report, _, root = compose(text)
    assert not reader.untagged(reader.entries(root)["a"][1])
    assert [d.code for d in report] == ["tag"]


@pytest.mark.parametrize("text, code", [("? [a]\n: 1", "wrong-kind"), ("!!int 3: 1", "tag")])
def test_a_key_is_a_word(text, code):
    reader, report, _, root = compose(text)
    reader.entries(root)
    assert [d.code for d in report] == [code]


def test_a_value_of_another_kind_is_said_in_words():
    reader, report, _, root = compose("a: [1]\nb:\nc: yes\nd: !x {}\ne: {}")
    entries = {key: value for key, (_, value) in reader.entries(root).items()}
    assert reader.mapping(entries["a"], "A slot", "{default: x}") is None
    assert reader.text(entries["b"], "An owner") is None
    assert reader.flag(entries["c"], "`fill`") is None
    assert reader.mapping(entries["d"], "A slot", "{default: x}") is None
    assert reader.mapping(entries["e"], "A slot", "{default: x}") == {}
    assert [d.message for d in report] == [
        "A slot must be a mapping, not a list.",
        "An owner must be text, not empty.",
        "`fill` must be `true` or `false`, not `yes`.",
        "A rule book has no tags such as `!x`.",
    ]


def test_a_single_item_is_a_list_of_one():
    reader, _, _, root = compose("a: [x, y]\nb: z")
    entries = {key: value for key, (_, value) in reader.entries(root).items()}
    assert [item.value for item in reader.items(entries["a"])] == ["x", "y"]
    assert [item.value for item in reader.items(entries["b"])] == ["z"]
    assert reader.text(entries["b"], "b") == "z"


@pytest.mark.parametrize(
    "written, value",
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", float("inf")),
        ("-.Inf", float("-inf")),
        ('"18"', "18"),
        ("2026-11-01", "2026-11-01"),
    ],
)
def test_scalars_are_read_by_the_core_schema_of_yaml_1_2(written, value):
    _, _, _, root = compose(f"a: {written}")
    assert isinstance(root, MappingNode)
    read = plain_value(root.value[0][1])
    assert read == value
    assert type(read) is type(value)


def test_a_long_value_is_cut_in_a_sentence():
    assert short("x" * 100) == "x" * 59 + "…"
    _, _, _, root = compose("a: {b: 1}")
    assert kind_of(root.value[0][1]) == "a mapping"


def test_a_report_shows_the_line_with_a_caret_and_counts():
    text = "rules:\n  a:\n    when: {page: chekout}\n"
    wrong = Diagnostic(
        "unknown-value",
        "error",
        "`chekout` is not a page.",
        "Did you mean `checkout`?",
        Span("home.yaml", 3, 18, 3, 25),
    )
    late = Diagnostic("past-review", "warning", "Its review is due.", "", Span("home.yaml", 2, 3, 2, 4))
    report = Report(sort([wrong, late, wrong]), {"home.yaml": text, "b.yaml": ""})
    assert (
        report.to_text("rules/")
        == """\
rules/home.yaml:2:3  past-review (warning)
    2 |   a:
      |   ^
   Its review is due.

rules/home.yaml:3:18  unknown-value
    3 |     when: {page: chekout}
      |                  ^^^^^^^
   `chekout` is not a page.
   Did you mean `checkout`?

1 error and 1 warning in 1 of 2 files."""
    )
    assert (report.errors, report.warnings) == (1, 1)
    assert (report.strict().errors, report.strict().warnings) == (2, 0)
    assert report.to_dict()["diagnostics"][1] == {
        "code": "unknown-value",
        "severity": "error",
        "message": "`chekout` is not a page.",
        "hint": "Did you mean `checkout`?",
        "path": "home.yaml",
        "line": 3,
        "column": 18,
        "end_line": 3,
        "end_column": 25,
    }
    assert str(RuleBookError(report)) == report.to_text()


def test_a_report_without_findings_says_so():
    assert Report((), {"a.yaml": ""}).to_text() == "No problems in 1 file."


def test_the_caret_stands_below_its_word_behind_wide_letters():
    line = "a: {日本: é, e\u0301: 😀, here: 語}"
    column = line.index("here") + 1
    span = Span("a", 1, column, 1, column + 4)
    _, _, caret, *_ = Report((Diagnostic("c", "error", "m.", "", span),), {"a": line}).to_text().splitlines()
    # two letters and an emoji are two cells wide, and the accent has none of its own
    assert caret.removeprefix("      | ") == " " * (column - 1 + 3 - 1) + "^^^^"
    wide = Span("a", 1, line.index("語") + 1, 1, line.index("語") + 2)
    assert Report((Diagnostic("c", "error", "m.", "", wide),), {"a": line}).to_text().count("^") == 2


def test_a_long_line_is_cut_around_the_caret():
    line = "x" * 300 + "HERE" + "y" * 300
    report = Report((Diagnostic("c", "error", "m.", "", Span("a", 1, 301, 1, 305)),), {"a": line})
    _, shown, caret, *_ = report.to_text().splitlines()
    start = caret.index("^")
    assert shown[start : start + 4] == "HERE"
    assert shown.endswith("…")
    assert len(shown) < 130
