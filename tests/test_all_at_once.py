"""One run reports every mistake: no mistake hides another, and none brings follow-ups."""

from datetime import UTC, datetime

import pytest

from tailored.book.load import check_book

BASE = """\
attributes:
  user: {age: {type: integer}, seen: {type: list of strings}}
  context: {page: {type: string, values: [home, cart]}}
slots: {hero: {default: plain}, list: {many: 2}, modules: {order: [m, n]}}
settings: {path: {type: string, default: a, values: [a, b]}}
content: {plain: {title: Hi}, socks: {title: Socks}}
segments: {young: {when: {age: {less than: 30}}}}
rules:
  base: {when: {segment: young}, show: {hero: socks, list: plain}, order: {modules: n}, set: {path: b}}
"""
ALWAYS = "when: always, hide: hero"


def codes(*texts: str) -> list[str]:
    """The codes of the errors and warnings that the texts add to the base."""
    sources = {f"{place}.yaml": text.encode() for place, text in enumerate([BASE, *texts])}
    report = check_book(sources, datetime(2026, 11, 15, tzinfo=UTC))[1]
    return [finding.code for finding in report.diagnostics if finding.severity != "note"]


@pytest.mark.parametrize(
    "text, expected",
    [
        # a name with a mistake hides nothing of its body
        ("rules: {Bad Id: {when: {age: x}, hid: list}}", ["bad-id", "wrong-type", "unknown-key"]),
        ("segments: {Bad: {when: {aeg: 1}}}", ["bad-id", "unknown-attribute"]),
        ("slots: {Bad: {many: x}}\nrules: {r: {when: always, hide: bad}}", ["bad-id", "wrong-type"]),
        ("settings: {Bad: {type: integer, default: x}}", ["bad-id", "wrong-type"]),
        ("content: {Bad: {title: '{{ user.x }}'}}", ["bad-id", "unknown-attribute"]),
        ("attributes: {user: {a-b: {type: strin, personal: x}}}", ["bad-name", "unknown-type", "wrong-kind"]),
        # a name that stands twice hides nothing of the second body
        ("rules: {base: {when: {age: x}, hide: heroo}}", ["duplicate-id", "wrong-type", "unknown-slot"]),
        ("segments: {young: {when: {aeg: 1}}}", ["duplicate-id", "unknown-attribute"]),
        ("slots: {list: {many: x}}", ["duplicate-id", "wrong-type"]),
        ("settings: {path: {type: integer, default: x}}", ["duplicate-id", "wrong-type"]),
        ("content: {socks: {title: '{{ user.x }}'}}", ["duplicate-id", "unknown-attribute"]),
        ("attributes: {user: {age: {type: inter}}}", ["duplicate-id", "unknown-type"]),
        ("topics: {knees: {sensitive: false}, knees: {wrds: [x]}}",
         ["insensitive-topic", "duplicate-key", "unknown-key"]),
        (f"rules: {{r: {{{ALWAYS}}}, r: {{when: {{age: x}}, hide: hreo}}}}",
         ["duplicate-key", "wrong-type", "unknown-slot"]),
        # nor does a key, whichever of its values is wrong
        ("rules: {r: {when: {age: x}, hide: hero, when: {age: y}}}",
         ["wrong-type", "duplicate-key", "wrong-type"]),
        ("rules: {r: {when: {any: [{age: 1}], any: [{age: x}]}, hide: hero}}",
         ["duplicate-key", "wrong-type"]),
        ("rules: {r: {when: always, show: {list: [socks]}, show: {hero: sokcs}}}",
         ["duplicate-key", "unknown-content"]),
        ("rules: {r: {when: always, hide: hero, hide: heor, hide: listt}}",
         ["duplicate-key", "unknown-slot", "duplicate-key", "unknown-slot"]),
        (f"rules: {{r: {{{ALWAYS}}}}}\nrules: {{s: {{when: {{age: x}}, hide: list}}}}",
         ["duplicate-key", "wrong-type"]),
        ("attributes: {user: {a: {type: string}}, user: {b: {type: strin}}}\n"
         "rules: {r: {when: {a: x}, hide: list}}", ["duplicate-key", "unknown-type"]),
        # a section with a slip is read; one that nobody knows excuses only the names in it
        ("slotz: {foot: {many: x}}\nrules: {r: {when: {aeg: 1}, hide: [foot, foo2]}}",
         ["unknown-section", "wrong-type", "unknown-attribute", "unknown-slot"]),
        ("places: {foot: {}}\nrules: {r: {when: {size: 1}, hide: [foot, zebra]}}",
         ["unknown-section", "unknown-attribute", "unknown-slot"]),
        ("attributes: {usr: {size: {type: nteger}}}\nrules: {r: {when: {size: 3, shoe: 3}, hide: list}}",
         ["unknown-key", "unknown-type", "unknown-attribute"]),
        ("attributes: {size: {type: integer}}\nrules: {r: {when: {size: 3, shoe: 3}, hide: list}}",
         ["unknown-key", "unknown-attribute"]),
        # a type with a mistake hides nothing beside it
        ("attributes: {user: {a: {type: nteger, values: 3, persnal: true, topic: helth, path: 'a..'}}}",
         ["unknown-type", "wrong-kind", "unknown-key", "unknown-topic", "wrong-kind"]),
        ("settings: {mode: {type: nteger, values: [], descripton: x}}",
         ["missing-key", "unknown-type", "empty-list", "unknown-key"]),
        # an unknown name hides nothing below it
        ("rules: {r: {when: {shoe: {atleast: 3}, page: hom}, show: {heero: sokcs}}}",
         ["unknown-attribute", "unknown-operator", "unknown-value", "unknown-slot", "unknown-content"]),
        ("rules: {r: {when: always, show: {hero: [sokcs, plain]}}}", ["wrong-slot-kind", "unknown-content"]),
        ("rules: {r: {ownr: me, when: always}}", ["no-action", "unknown-key"]),
        ("rules: {r: {ownr: me, hide: list}}", ["no-when", "unknown-key"]),
        ("rules: {r: {if: {age: 3}, display: {hero: plain}}}", ["unknown-key", "unknown-key"]),
        ("rules: {r: {when: [{age: x}, {any: {page: hom}}], hide: list}}",
         ["wrong-kind", "wrong-type", "wrong-kind", "unknown-value"]),
        ("rules: {r: {when: {not: [{age: x}], seen: {is: a}}, hide: list}}",
         ["wrong-kind", "wrong-type", "wrong-operator"]),
    ],
)  # fmt: skip
def test_no_mistake_hides_another(text, expected):
    assert codes(text) == expected


def test_a_slot_that_stands_twice_is_of_a_sure_kind_only_where_both_agree():
    rule = "rules: {r: {when: always, show: {hero: [socks]}}}"
    assert codes("slots: {hero: {default: plain}}", rule) == ["duplicate-id", "wrong-slot-kind"]
    assert codes("slots: {hero: {many: 2}}", rule) == ["duplicate-id"]


def test_a_file_that_does_not_parse_excuses_only_the_names_that_stand_in_it():
    broken = "slots:\n  foot: {\nsegments:\n  old: {when: {age: 70}}\n"
    rule = "rules: {r: {when: {segment: [old, ancient]}, hide: [foot, tail]}}"
    assert codes(broken, rule) == ["yaml-syntax", "unknown-segment", "unknown-slot"]


def test_what_only_a_file_that_does_not_parse_uses_counts_as_used():
    segments = "segments: {old: {when: {age: 70}}, ancient: {when: {age: 90}}}"
    assert codes(segments, "rules: {r: {when: {segment: old}") == ["unused-segment", "yaml-syntax"]


@pytest.mark.parametrize(
    "text, expected, hint",
    [
        ("rules:\n  r:\n  when: always\n  hide: hreo\n", ["wrong-indent", "wrong-indent", "unknown-slot"],
         "further than `r`"),
        ("rules:\n  r:\n    when: always\n  show: {hero: sokcs}\n", ["wrong-indent", "unknown-content"],
         "further than `r`"),
        ("rules:\nr:\n  when: {age: x}\n  hide: list\n", ["wrong-indent", "wrong-type"], "below `rules:`"),
        ("slots:\n  foot:\n  many: x\n", ["unfillable-slot", "wrong-indent", "wrong-type"], "`foot`"),
        ("content:\n  c:\n  title: Hi\n", ["unused-content", "wrong-indent"], "further than `c`"),
        ("attributes:\n  user:\n    a:\n    type: nteger\n", ["wrong-indent", "unknown-type"], "`a`"),
    ],
)  # fmt: skip
def test_a_line_that_is_not_indented_far_enough_is_read_where_it_belongs(text, expected, hint):
    assert codes(text) == expected
    report = check_book({"0.yaml": BASE.encode(), "1.yaml": text.encode()})[1]
    assert hint in next(finding.hint for finding in report.diagnostics if finding.code == "wrong-indent")


@pytest.mark.parametrize(
    "text",
    [
        "rules: {when: {when: always, hide: hero}, order: {when: always, hide: list}}",
        "slots: {description: {}, default: {many: 2}}\n"
        "rules: {r: {when: always, show: {description: plain, default: plain}}}",
        "content: {tags: {title: T}, owner: {title: O}}\n"
        "rules: {r: {when: always, show: {list: [tags, owner]}}}",
    ],
)
def test_an_id_may_be_a_word_that_is_a_key_elsewhere(text):
    assert codes(text) == []


@pytest.mark.parametrize(
    "text, place",
    [
        ("rules: {r: {when: always, show: {list: [plain, plain]}}}", 48),
        ("rules: {r: {when: always, hide: [hero, list, hero]}}", 46),
        ("rules: {r: {when: always, order: {modules: [n, n]}}}", 48),
        ("rules: {r: {when: {seen: [a, b, a]}, hide: list}}", 33),
        ("rules: {r: {when: {seen: {contains all: [a, a]}}, hide: list}}", 45),
        ("rules: {r: {when: {segment: [young, young]}, hide: list}}", 37),
        ("attributes: {user: {a: {type: integer, values: [1, 2, 1]}}}", 55),
        ("settings: {path2: {type: string, default: a, values: [a, a]}}\n"
         "rules: {r: {when: always, set: {path2: a}}}", 58),
        ("slots: {foot: {many: 2, default: [plain, plain]}}\n"
         "rules: {r: {when: always, show: {foot: plain}}}", 42),
    ],
)  # fmt: skip
def test_what_stands_in_a_list_twice_is_a_warning(text, place):
    report = check_book({"0.yaml": BASE.encode(), "1.yaml": text.encode()})[1]
    (finding,) = [finding for finding in report.diagnostics if finding.severity != "note"]
    assert (finding.code, finding.severity, finding.span.column) == ("repeated-item", "warning", place)


@pytest.mark.parametrize("flag", ["true", "no", "3", "[a]", "{a: b}", "", "'two words'", "a.b"])
def test_the_flag_of_a_topic_is_a_name(flag):
    assert codes(f"topics: {{knees: {{consent: {flag}}}}}") == ["wrong-kind"]


@pytest.mark.parametrize("flag", ["health", "never", "ownFlag-2", "'on-line'", "tcf:4"])
def test_a_flag_may_be_called_what_the_application_calls_it(flag):
    assert codes(f"topics: {{knees: {{consent: {flag}}}}}") == []
