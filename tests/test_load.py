"""A whole book is read, linked and checked; every mistake is reported in one go, sorted by place."""

from datetime import UTC, datetime

import pytest

from tailored.book.diagnostics import RuleBookError
from tailored.book.load import check_book, load_book

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
