"""A whole book is read, linked and checked; every mistake is reported in one go, sorted by place."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from tailored.book.diagnostics import RuleBookError
from tailored.book.load import check_book, load_book
from tests.support.steps import steps

BASE = """\
attributes: {user: {age: {type: integer}}, context: {page: {type: string, values: [home, cart]}}}
slots: {hero: {default: plain}, list: {many: 2}, modules: {order: [m, n]}}
settings: {path: {type: string, default: a, values: [a, b]}}
content: {plain: {title: Hi}, socks: {title: Socks, price: 9.5}, ill: {title: X, topic: health}}
segments: {young: {when: {age: {less than: 30}}}}
rules:
  base:
    {when: {segment: young}, show: {hero: socks, list: [plain, ill]}, order: {modules: [n]}, set: {path: b}}
"""


NOW = datetime(2026, 11, 15, tzinfo=UTC)


def check(text: str, **more: str):
    sources = {"base.yaml": BASE.encode(), "z.yaml": text.encode()}
    return check_book(sources | {name: more[name].encode() for name in more}, NOW)


def test_the_example_book_is_without_findings():
    book = load_book("rules")
    assert len(book.rules) >= 30
    assert len(book.slots) >= 8
    priorities = [rule.priority for rule in book.rules]
    assert priorities == sorted(priorities, reverse=True)


def test_a_rule_is_read_whole():
    book, report = check(
        "slots: {footer: {}}\n"
        "rules: {f: {when: always, show: {footer: plain}, priority: 3}, "
        "r: {when: {page: home, segment: young}, show: {hero: socks, list: [socks, plain]}, "
        "hide: footer, order: {modules: [n]}, set: {path: b}, priority: 7, "
        "from: 2026-11-01, until: 2026-12-01T10:00Z}}"
    )
    assert report.diagnostics == ()
    rule = book.rules[1]
    assert rule.show == {"hero": ("socks",), "list": ("socks", "plain")}
    assert (rule.hide, rule.order, rule.set, rule.priority) == (
        ("footer",),
        {"modules": ("n",)},
        {"path": "b"},
        7,
    )
    assert (rule.start, rule.end) == (
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 12, 1, 10, tzinfo=UTC),
    )
    assert book.content["socks"].fields == {"title": "Socks", "price": 9.5}


@pytest.mark.parametrize(
    "body, code, words",
    [
        ("when: always, show: {hreo: socks}", "unknown-slot", "Did you mean `hero`?"),
        ("when: always, show: {hero: sokcs}", "unknown-content", "Did you mean `socks`?"),
        ("when: always, show: {hero: [socks]}", "wrong-slot-kind", "not a list"),
        ("when: always, show: {list: [plain, socks, ill]}", "too-many-items", "takes 2 items"),
        ("when: always, show: {modules: socks}", "wrong-slot-kind", "Use `order` for it."),
        ("when: always, hide: [modules]", "wrong-slot-kind", "`hide` is not for `modules`"),
        ("when: always, order: {hero: [m]}", "wrong-slot-kind", "Use `show` for it."),
        ("when: always, order: {modules: [o]}", "unknown-module", "has no module `o`"),
        ("when: always, set: {pat: b}", "unknown-setting", "Did you mean `path`?"),
        ("when: always, set: {path: c}", "unknown-value", "They are a, b"),
        ("when: always", "no-action", "does nothing"),
        ("hide: [hero]", "no-when", "when: always"),
        ("when: always, hide: [hero], priority: 1001", "priority-range", "0 to 1000"),
        ("when: always, hide: [hero], priority: high", "wrong-type", "whole number"),
        ("when: always, hide: [hero], from: 2026-11-02, until: 2026-11-02", "reversed-schedule", "not after"),
        ("when: always, hide: [hero], from: soon", "wrong-type", "`soon` is none"),
        ("when: {segment: yuong}, hide: [hero]", "unknown-segment", "Did you mean `young`?"),
        ("when: {logic: {'==': [{var: user.aeg}, 3]}}, hide: [hero]", "unknown-attribute", "`user.age`"),
        ("when: {logic: {'=!': [1, 2]}}, hide: [hero]", "bad-logic", "no operator `=!`"),
        ("when: {logic: {'==': [1]}}, hide: [hero]", "bad-logic", "argument"),
        ("when: {logic: {'==': [1, 2], '!=': [1, 2]}}, hide: [hero]", "bad-logic", "one key"),
        ("when: {logic: {var: {cat: [user., age]}}}, hide: [hero]", "bad-logic", "not written out"),
        ("when: always, hide: [hero], topic: helth", "unknown-topic", "Did you mean `health`?"),
    ],
)
def test_a_mistake_in_a_rule_is_explained(body, code, words):
    _, report = check(f"rules: {{r: {{{body}}}}}")
    assert [d.code for d in report.diagnostics] == [code]
    assert words in f"{report.diagnostics[0].message} {report.diagnostics[0].hint}"


@pytest.mark.parametrize(
    "text, code, words",
    [
        ("segments: {a: {when: {segment: b}}, b: {when: {not: {segment: a}}}}", "segment-cycle", "a → b → a"),
        ("segments: {a: {description: x}}", "missing-key", "no `when`"),
        (
            "slots: {s: {default: ill}}\nrules: {r: {when: always, show: {s: plain}}}",
            "labelled-default",
            "fit for everyone",
        ),
        (
            "slots: {s: {default: non}}\nrules: {r: {when: always, show: {s: plain}}}",
            "unknown-content",
            "There is no content `non`",
        ),
        (
            "content: {c: {tpoic: health}}\nrules: {r: {when: always, show: {hero: c}}}",
            "label-slip",
            "Write `topic`",
        ),
        (
            "content: {c: {format: txt}}\nrules: {r: {when: always, show: {hero: c}}}",
            "unknown-value",
            "`html` or `text`",
        ),
    ],
)
def test_a_mistake_elsewhere_is_explained(text, code, words):
    _, report = check(text)
    assert [d.code for d in report.diagnostics] == [code]
    assert words in f"{report.diagnostics[0].message} {report.diagnostics[0].hint}"


def test_all_files_are_checked_even_when_one_does_not_parse():
    _, report = check("rules: [", **{"a.yaml": "slots: {Bad Id: {}}"})
    assert [d.code for d in report.diagnostics] == ["bad-id", "yaml-syntax"]


def test_a_book_with_errors_does_not_load(tmp_path):
    (tmp_path / "a.yaml").write_text("rules: {r: {when: always}}")
    with pytest.raises(RuleBookError, match="no-action") as refused:
        load_book(tmp_path)
    assert refused.value.diagnostics[0].code == "no-action"


def codes(text: str, **more: str) -> list[str]:
    return [finding.code for finding in check(text, **more)[1].diagnostics]


@pytest.mark.parametrize(
    "text, code, words",
    [
        ("rules: {r: {when: always, hide: list, until: 2026-11-15}}", "past-until", "ended at 2026-11-15"),
        ("rules: {r: {when: always, hide: list, until: 2026-11-14T23:59:59Z}}", "past-until", "never fires"),
        ("rules: {r: {when: always, hide: list, review: 2026-11-01}}", "past-review", "due at 2026-11-01"),
        (
            "rules: {r: {when: always, hide: list, review: 2020-01-01, until: 2021-01-01}}",
            "past-until",
            "ended",
        ),
        (
            "rules: {r: {when: always, show: {hero: plain}, hide: [list, hero]}}",
            "show-and-hide",
            "hiding wins",
        ),
        ("segments: {old: {when: {age: {more than: 70}}}}", "unused-segment", "the segment `old`"),
        ("content: {new: {title: New}}", "unused-content", "the content `new`"),
        ("settings: {mode: {type: string, default: a}}", "unused-setting", "No rule sets `mode`"),
        ("slots: {foot: {}}", "unfillable-slot", "`foot`, so it is always empty."),
        ("slots: {foot: {default: plain}}", "unfillable-slot", "`foot`, so it always shows its default."),
        (
            "slots: {foot: {many: 3}}\nrules: {r: {when: always, hide: foot}}",
            "unfillable-slot",
            "always empty",
        ),
        ("slots: {parts: {order: [a, b]}}", "unfillable-slot", "No rule orders `parts`"),
    ],
)
def test_what_is_allowed_but_hardly_meant_is_a_warning(text, code, words):
    _, report = check(text)
    assert [(finding.code, finding.severity) for finding in report.diagnostics] == [(code, "warning")]
    assert words in report.diagnostics[0].message


@pytest.mark.parametrize(
    "text",
    [
        "rules: {r: {when: always, hide: list, until: 2026-11-15T00:00:01Z, review: 2026-11-16}}",
        "segments: {old: {when: {age: {more than: 70}}}, older: {when: {segment: old}}}\n"
        "rules: {r: {when: {segment: older}, hide: list}}",
        "content: {new: {title: New}}\nslots: {foot: {default: new}}\n"
        "rules: {r: {when: always, show: {foot: plain}}}",
    ],
)
def test_what_is_used_and_not_past_has_no_warning(text):
    assert codes(text) == []


@pytest.mark.parametrize(
    "text, expected",
    [
        # a declaration with an error is reported there, not at every use
        (
            "attributes: {user: {size: {type: int}}}\nrules: {r: {when: {size: 3}, hide: list}}",
            ["unknown-type"],
        ),
        (
            "attributes: {user: {size: {type: int}}}\nrules: {r: {when: {user.size: 3}, hide: list}}",
            ["unknown-type"],
        ),
        (
            "attributes: {user: {size: {type: int}}}\ncontent: {c: {t: '{{ user.size }}{{ size }}'}}\n"
            "rules: {r: {when: always, show: {hero: c}}}",
            ["unknown-type"],
        ),
        (
            "slotz: {}\ncontent: {c: {t: '{{ user.shoe }}{{ user.aeg }}'}}\n"
            "rules: {r: {when: always, show: {hero: c}}}",
            ["unknown-section", "unknown-attribute", "unknown-attribute"],
        ),
        (
            "settings: {mode: {type: integer, default: x}}\nrules: {r: {when: always, set: {mode: 3}}}",
            ["wrong-type"],
        ),
        ("slots: {foot: 6}\nrules: {r: {when: always, show: {foot: [plain, socks]}}}", ["wrong-kind"]),
        ("slots: {foot: {mny: 2}}\nrules: {r: {when: always, show: {foot: [plain]}}}", ["unknown-key"]),
        ("slots: {Foot: {}}\nrules: {r: {when: always, hide: [Foot]}}", ["bad-id"]),
        ("content: {new: 3}\nrules: {r: {when: always, show: {hero: new}}}", ["wrong-kind"]),
        ("segments: {old: 3}\nrules: {r: {when: {segment: old}, hide: list}}", ["wrong-kind"]),
        ("topics: {knees: 3}\nrules: {r: {when: always, hide: list, topic: knees}}", ["wrong-kind"]),
        # a slip hides no use
        (
            "content: {winter-hat: {title: W}}\nrules: {r: {when: always, show: {hero: wintr-hat}}}",
            ["unknown-content"],
        ),
        ("content: {new: {title: N}}\nrules: {r: {when: always, shw: {hero: new}}}", ["unknown-key"]),
        # an error elsewhere hides no warning
        (
            "content: {new: {title: N}}\nrules: {r: {when: always, hide: list, priority: 2000}}",
            ["unused-content", "priority-range"],
        ),
        # where a name may be in what is unread, only slips are reported
        ("slotz: {foot: {}}\nrules: {r: {when: always, show: {foot: plain}}}", ["unknown-section"]),
        (
            "slotz: {foot: {}}\nrules: {r: {when: always, show: {foot: plain, heroe: plain}}}",
            ["unknown-section", "unknown-slot"],
        ),
        ("rules: {r: {whn: always}}", ["no-action", "unknown-key"]),
        ("rules: {r: {whn: always, shw: {hero: plain}}}", ["unknown-key", "unknown-key"]),
    ],
)
def test_a_mistake_is_reported_once(text, expected):
    assert codes(text) == expected


def test_a_file_that_does_not_parse_hides_neither_slips_nor_brings_follow_ups():
    found = codes(
        "slots: {foot: {}", **{"a.yaml": "rules: {r: {when: {shoe: 3}, show: {foot: plain, heroe: plain}}}"}
    )
    assert found == ["unknown-attribute", "unknown-slot", "yaml-syntax"]


def test_a_chain_of_segments_is_bounded():
    chain = "segments:\n  s0: {when: {age: 1}}\n"
    chain += "".join(f"  s{i}: {{when: {{segment: s{i - 1}}}}}\n" for i in range(1, 3000))
    _, report = check(chain + "rules: {r: {when: {segment: s2999}, hide: list}}\n")
    assert [finding.code for finding in report.diagnostics] == ["too-deep"]
    assert str(report.diagnostics[0].span) == "z.yaml:102:3"
    assert "100 levels" in report.diagnostics[0].message


def test_a_rule_is_bounded_with_its_segments_followed():
    chain = "segments:\n  s0: {when: {age: 1}}\n"
    chain += "".join(f"  s{i}: {{when: {{segment: s{i - 1}}}}}\n" for i in range(1, 95))
    nested = "{any: [" * 8 + "{segment: s94}" + "]}" * 8
    _, report = check(chain + f"rules: {{r: {{when: {nested}, hide: list}}}}\n")
    assert [(finding.code, str(finding.span)) for finding in report.diagnostics] == [
        ("too-deep", "z.yaml:97:9")
    ]


def test_a_long_circle_is_shown_in_short():
    circle = "".join(f"  s{i}: {{when: {{segment: s{(i + 1) % 500}}}}}\n" for i in range(500))
    _, report = check(f"segments:\n{circle}")
    assert [finding.message for finding in report.diagnostics] == [
        "`s0` refers to itself: s0 → s1 → s2 → s3 → s4 → s5 → … → s498 → s499 → s0."
    ]


def test_hints_name_what_there_is_and_say_where_there_is_nothing():
    def hint(text: str) -> str:
        return check_book({"a.yaml": text.encode()})[1].diagnostics[0].hint

    assert hint("rules: {r: {when: always, set: {mode: 3}}}") == "The book has no settings yet."
    assert hint("rules: {r: {when: always, hide: [hero]}}") == "The book has no slots yet."
    assert hint("rules: {r: {when: {segment: x}, hide: []}}") == "The book has no segments yet."
    many = "".join(f"  s{i}: {{}}\n" for i in range(30))
    assert hint(f"rules: {{r: {{when: always, hide: [zebra]}}}}\nslots:\n{many}").endswith(
        "s19, and 10 more."
    )


@pytest.mark.parametrize(
    "value", [".inf", "-.Inf", ".nan", "1e999", "9223372036854775808", "-99999999999999999999"]
)
def test_content_holds_only_numbers_that_json_holds(value):
    _, report = check(
        f"content: {{new: {{n: [{{deep: {value}}}]}}}}\nrules: {{r: {{when: always, show: {{hero: new}}}}}}"
    )
    assert [(finding.code, finding.span.column) for finding in report.diagnostics] == [("wrong-type", 28)]


def test_a_default_with_a_mistake_is_marked_itself():
    _, report = check(
        "slots:\n  foot:\n    many: 2\n    default: [plain, nothing]\n"
        "rules: {r: {when: always, show: {foot: plain}}}"
    )
    assert [(finding.code, str(finding.span)) for finding in report.diagnostics] == [
        ("unknown-content", "z.yaml:4:22")
    ]


def test_the_book_is_checked_at_the_clock_unless_told_otherwise(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "slots: {hero: {}}\ncontent: {c: {title: C}}\n"
        "rules: {r: {when: always, show: {hero: c}, until: 2020-01-01}}"
    )
    sources = {"a.yaml": (tmp_path / "a.yaml").read_bytes()}
    assert [finding.code for finding in check_book(sources)[1].diagnostics] == ["past-until"]
    assert check_book(sources, datetime(2019, 1, 1))[1].diagnostics == ()
    assert load_book(tmp_path, datetime(2019, 1, 1)).rules[0].end == datetime(2020, 1, 1, tzinfo=UTC)


def test_a_book_with_twice_the_mistakes_takes_about_twice_the_steps():
    def book(size: int) -> str:
        content = "".join(f"  content-{i}: {{}}\n" for i in range(size))
        rules = "".join(f"  r{i}: {{when: always, show: {{hero: kontent-{i}}}}}\n" for i in range(size))
        texts = "".join(f"  t{i}: {{title: '{'{{ user.aeg }}' * (size // 10)}'}}\n" for i in range(20))
        return f"content:\n{content}{texts}rules:\n{rules}"

    (_, report), once = steps(lambda: check(book(200)))
    _, twice = steps(lambda: check(book(400)))
    assert twice < 2.2 * once
    found = Counter(finding.code for finding in report.diagnostics)
    assert (found["unknown-content"], found["unknown-attribute"]) == (200, 400)
