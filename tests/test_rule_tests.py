"""Tests in a book: what they may say, what is wrong with them, and what it takes to pass."""

import json
from datetime import UTC, datetime
from textwrap import dedent, indent

import pytest

from tailored.book.load import check_book, load_book
from tailored.book.version import book_version
from tailored.engine.engine import Engine
from tailored.testing.run import run
from tests.support.make import BASE

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
RULES = """\
rules:
  adults-see-a: {when: {age: {at least: 18}}, show: {hero: a, filled: [b], list: [c]}, priority: 80}
  norwegians-see-b:
    when: {page: home, country: NO}
    show: {hero: b}
    order: {modules: [m2]}
    set: {path: team}
  sick-see-ill: {when: {ills: flu}, show: {hero: ill}, topic: health, priority: 200}
  locals-are-greeted: {when: {city: Bergen}, show: {bare: hello}}
  calm-cart: {when: {page: cart}, hide: [hero]}
  app-users: {when: {app: {at least: 4.10}}, show: {unfilled: [d]}}
  newcomers: {when: {since: {in the last: 2 days}}, show: {unfilled: [c]}}
  collectors: {when: {vip: true}, show: {list: [a, b, d]}, priority: 20}
"""


def checked(text: str, folder=None):
    """The book of the base, the rules and these tests (what stands below `tests:`), and the findings."""
    tests = f"tests:\n{indent(dedent(text).strip(), '  ')}\n"
    sources = {"a.yaml": BASE.encode(), "b.yaml": RULES.encode(), "c.yaml": tests.encode()}
    return check_book(sources, NOW, folder)


def findings(text: str, folder=None) -> list[tuple[str, str]]:
    """The codes of what is wrong in tests, each with its mend."""
    _, report = checked(text, folder)
    return [(one.code, one.hint) for one in report.diagnostics if one.span.path == "c.yaml"]


def messages(text: str) -> list[str]:
    """What failures say, of tests that are well written."""
    book, report = checked(text)
    assert [one for one in report.diagnostics if one.span.path == "c.yaml"] == []
    cases = run(Engine(book), book.tests, NOW)
    return [failure.message for case in cases for failure in case.failures]


PASSING = """
    all-kinds:
      description: Every piece that can be expected
      user: {age: 18, country: NO, address: }
      context: {page: home}
      expect:
        hero: {content: b, rule: norwegians-see-b, default: false, hidden: false, without: [a, c]}
        bare: {content: , default: true}
        list: {items: [c], first: [c], rule: adults-see-a}
        filled: [b, plain, a]
        modules: {order: [m2, m1, m3], first: [m2], rule: norwegians-see-b}
        path: {value: team, rule: norwegians-see-b}
    nobody:
      context: {page: home}
      expect: {hero: plain, list: [], filled: {default: true}, modules: {default: true}, path: solo}
    hidden:
      context: {page: cart}
      expect: {hero: {hidden: true, rule: calm-cart}}
    nested-data:
      user: {city: Bergen, name: Kari}
      expect: {bare: {content: hello, fields: {title: "Hello, Kari"}}}
    consent-in-each-way:
      user: {ills: [flu]}
      each:
        - {consents: [health], hero: ill}
        - {consents: {health: true}, hero: ill}
        - {consents: {health: false}, hero: plain}
        - {consents: [], hero: plain}
        - {hero: plain}
    versions-and-times-are-read-by-their-type:
      now: 2026-11-24T10:00:00Z
      each:
        - {app: 4.10, unfilled: [d]}
        - {app: 4.9, unfilled: {default: true}}
        - {since: 2026-11-22T10:00:00Z, unfilled: [c]}
        - {since: 2026-11-22, unfilled: {default: true}}
    combinations:
      each: {page: [home, cart], country: [NO, US], consents: [[], [health]]}
      expect: {hero: {without: [ill]}}
"""


def passing() -> str:
    return PASSING.replace(", address: }", "}")


def test_what_comes_out_as_expected_passes():
    assert messages(passing()) == []


def test_a_table_makes_a_test_of_each_row_with_a_name_of_its_own():
    book, _ = checked(passing())
    names = [test.id for test in book.tests]
    assert len(names) == len(set(names)) == 21
    assert "combinations[home, NO, nothing]" in names
    assert "combinations[cart, US, health]" in names
    assert "consent-in-each-way[health]" in names


@pytest.mark.parametrize(
    "expect, message",
    [
        ("hero: b", "`hero` should be `b`, and is a, by adults-see-a (priority 80)."),
        ("hero: {content: }", "`hero` should be nothing, and is a, by adults-see-a (priority 80)."),
        ("hero: {without: [b, a]}", "`hero` should not hold `a`, and is a, by adults-see-a (priority 80)."),
        ("hero: {hidden: true}", "`hero` should be hidden, and is a, by adults-see-a (priority 80)."),
        ("hero: {default: true}", "should be left to its default, and is a, by adults-see-a (priority 80)."),
        ("bare: {default: false}", "`bare` should not be left to its default, and is nothing, by default."),
        ("hero: {rule: calm-cart}", "should be decided by `calm-cart`, and is a, by adults-see-a"),
        ("hero: {fields: {title: B}}", '`hero` should have `title` as "B", not "A", and is a'),
        ("list: [b, c]", "`list` should hold `b`, `c`, and is c."),
        ("list: []", "`list` should hold nothing, and is c."),
        ("list: {first: [a]}", "`list` should begin with `a`, and is c."),
        ("filled: [b]", "`filled` should hold `b`, and is b, plain (default), a (default)."),
        ("modules: [m3, m2, m1]", "should have the order `m3`, `m2`, `m1`, and is m1, m2, m3; by default."),
        ("modules: {first: [m2]}", "`modules` should begin with `m2`, and is m1, m2, m3; by default."),
        ("path: team", '`path` should be "team", and is "solo", by default.'),
        ("path: {rule: norwegians-see-b}", '`path` should be decided by `norwegians-see-b`, and is "solo"'),
    ],
)
def test_what_comes_out_otherwise_fails_and_says_what_it_is(expect, message):
    (said,) = messages(f"t: {{user: {{age: 20}}, expect: {{{expect}}}}}")
    assert said.startswith("`t`: ")
    assert message in said


def test_a_failure_explains_what_became_of_the_rules_that_bear_on_it():
    book, _ = checked("t: {user: {age: 20, country: NO}, context: {page: cart}, expect: {hero: b}}")
    (case,) = run(Engine(book), book.tests, NOW)
    (failure,) = case.failures
    assert failure.details.splitlines() == [
        "won       calm-cart         page is cart",
        "nearly    norwegians-see-b  page is `cart`, not `home`",
    ]
    assert (failure.span.path, failure.span.line, failure.more["target"]) == ("c.yaml", 2, "hero")


def test_a_field_that_what_is_placed_lacks_is_called_missing():
    base = BASE.replace("b: {title: B}", "b: {title: B, image: b.jpg}")
    tests = "tests:\n  t: {user: {age: 20}, expect: {hero: {fields: {image: x}}}}\n"
    book, report = check_book(
        {"a.yaml": base.encode(), "b.yaml": RULES.encode(), "c.yaml": tests.encode()}, NOW
    )
    assert not report.errors
    (case,) = run(Engine(book), book.tests, NOW)
    assert '`hero` should have `image` as "x", not missing, and is a' in case.failures[0].message


WRONG = [
    ("t: {user: {agee: 3}, expect: {hero: a}}", "unknown-attribute", "Did you mean `age`?"),
    ("t: {user: {page: home}, expect: {hero: a}}", "unknown-attribute", "`page` is of `context`."),
    ("t: {user: {age: '3'}, expect: {hero: a}}", "wrong-type", "Write 3 without quotes."),
    ("t: {user: {seen: boots}, expect: {hero: a}}", "wrong-type", "Write `seen: [boots]`."),
    ("t: {context: {page: hme}, expect: {hero: a}}", "unknown-value", "Did you mean `home`?"),
    ("t: {context: {page: zoo}, expect: {hero: a}}", "unlisted-value", "file named by `request`"),
    ("t: {user: {opt_outs: [personalisation]}, expect: {hero: a}}", "unknown-purpose", "`personalization`?"),
    ("t: {now: soon, expect: {hero: a}}", "wrong-type", "2026-11-01T08:30:00Z"),
    ("t: {consents: [helth], expect: {hero: a}}", "unknown-flag", "Did you mean `health`?"),
    ("t: {consents: {health: yes}, expect: {hero: a}}", "wrong-kind", ""),
    ("t: {expect: {heroo: a}}", "unknown-slot", "Did you mean `hero`?"),
    ("t: {expect: {pathh: a}}", "unknown-slot", "Did you mean `path`?"),
    ("t: {expect: {hero: plan}}", "unknown-content", "Did you mean `plain`?"),
    ("t: {expect: {hero: hidden}}", "unknown-content", "Write `hero: {hidden: true}`."),
    ("t: {expect: {bare: nothing}}", "unknown-content", "write `bare: {content: null}`."),
    ("t: {expect: {list: none}}", "unknown-content", "write `list: {items: []}`."),
    ("t: {user: {address: {city: Oslo}}, expect: {hero: a}}", "unknown-attribute", "Write `city`, which"),
    ("t: {expect: {hero: default}}", "unknown-content", "Write `hero: {default: true}`."),
    ("t: {expect: {hero: [a]}}", "wrong-expectation", "Write `hero: some-content`."),
    ("t: {expect: {hero: {items: [a]}}}", "wrong-expectation", "It may say content, fields, without, hidden"),
    ("t: {expect: {list: {content: a}}}", "wrong-expectation", "It may say items, first, without, hidden"),
    (
        "t: {expect: {modules: {hidden: true}}}",
        "wrong-expectation",
        "It may say order, first, default, rule.",
    ),
    ("t: {expect: {path: {content: a}}}", "wrong-expectation", "It may say value, default, rule."),
    ("t: {expect: {hero: {hiden: true}}}", "unknown-key", "Did you mean `hidden`?"),
    ("t: {expect: {hero: {hidden: true, content: a}}}", "wrong-expectation", "Take one of the two out."),
    ("t: {expect: {hero: {fields: {titel: x}}}}", "wrong-expectation", "Did you mean `title`?"),
    ("t: {expect: {hero: {fields: {colour: x}}}}", "wrong-expectation", "Fields are title."),
    ("t: {expect: {hero: {fields: {}}}}", "empty-list", "Name at least one"),
    ("t: {expect: {list: {first: []}}}", "empty-list", "Name what must come first."),
    ("t: {request: {user: {age: 3}}, expect: {hero: a}}", "wrong-kind", "Write `user: {...}` and"),
    ("t: {expect: {hero: {content: , fields: {title: x}}}}", "wrong-expectation", "Take one of the two out."),
    ("t: {expect: {hero: {content: a, without: [a]}}}", "wrong-expectation", "Take one of the two out."),
    ("t: {expect: {list: {items: [a], first: [b]}}}", "wrong-expectation", "Take one of the two out."),
    ("t: {expect: {list: {items: [a], without: [a]}}}", "wrong-expectation", "Take one of the two out."),
    ("t: {expect: {list: {first: [a], without: [a]}}}", "wrong-expectation", "Take one of the two out."),
    (
        "t: {expect: {modules: {order: [m1, m2, m3], first: [m2]}}}",
        "wrong-expectation",
        "Take one of the two out.",
    ),
    (
        "t: {expect: {hero: {default: true, rule: calm-cart}}}",
        "wrong-expectation",
        "Take one of the two out.",
    ),
    ("t: {expect: {hero: {rule: adult-see-a}}}", "unknown-rule", "Did you mean `adults-see-a`?"),
    ("t: {expect: {hero: {rule: app-users}}}", "wrong-expectation", "Rules that do are"),
    ("t: {expect: {list: [a, a]}}", "duplicate-item", "Keep one of the two."),
    ("t: {expect: {list: [a, b, c, d]}}", "too-many-items", "Shorten the list"),
    ("t: {expect: {modules: [m1, m2]}}", "wrong-expectation", "Write `modules: {first: [...]}`"),
    ("t: {expect: {modules: [m1, m2, mm3]}}", "unknown-module", "Did you mean `m3`?"),
    ("t: {expect: {path: teem}}", "unknown-value", "Did you mean `team`?"),
    ("t: {expect: {}}", "empty-list", "expect: {hero: some-content}"),
    ("t: {expect: {hero: {}}}", "empty-list", "It may say content"),
    ("t: {context: {page: home}}", "missing-key", "expect: {hero: some-content}"),
    ("t: {expct: {hero: a}}", "unknown-key", "Did you mean `expect`?"),
    ("t: 3", "wrong-kind", "Write it as `t: {"),
    ("Big One: {expect: {hero: a}}", "bad-id", "Write `big-one`."),
    ("t: {each: [{contry: NO}], expect: {hero: a}}", "unknown-column", "Did you mean `country`?"),
    ("t: {each: [{herro: a}], expect: {hero: a}}", "unknown-column", "Did you mean `hero`?"),
    ("t: {each: [], expect: {hero: a}}", "empty-list", "Write `each: [{country: NO}]`."),
    ("t: {each: 3, expect: {hero: a}}", "wrong-kind", "Write `each: [{country: NO}"),
    ("t: {each: [3], expect: {hero: a}}", "wrong-kind", "Write it as `{country: NO}`."),
    ("t: {each: {country: NO}, expect: {hero: a}}", "wrong-kind", "Write `each: {country: [...]}`."),
    ("t: {each: {country: []}, expect: {hero: a}}", "empty-list", "Name at least one value"),
    (
        f"t: {{each: {{age: {list(range(101))}, score: {list(range(101))}}}, expect: {{hero: a}}}}",
        "too-many-items",
        "Leave values out",
    ),
]


@pytest.mark.parametrize("text, code, mend", WRONG, ids=[text[:60] for text, _, _ in WRONG])
def test_what_is_wrong_has_one_finding_with_a_mend(text, code, mend):
    ((found, hint),) = findings(text)
    assert found == code
    assert mend in hint


@pytest.mark.parametrize(
    "expect",
    [
        "{hero: {default: true, content: plain}}",
        "{hero: {default: true, hidden: false}}",
        "{hero: {default: false, rule: adults-see-a, content: a, fields: {title: A}}}",
        "{bare: {default: true, content: }}",
        "{hero: {rule: calm-cart, hidden: true}}",
        "{hero: {content: ill, fields: {title: Ill}}}",
        "{filled: {rule: adults-see-a, items: [b, plain, a], first: [b, plain], without: [c]}}",
        "{unfilled: {default: true, items: [plain, a], first: [plain], without: [d]}}",
        "{modules: {default: true, order: [m1, m2, m3], first: [m1, m2]}}",
        "{modules: {rule: norwegians-see-b, first: [m2]}}",
        "{path: {rule: norwegians-see-b, value: team}}",
        "{path: {default: true, value: solo}}",
        "{hero: {without: [d]}}",
    ],
)
def test_expectations_that_can_hold_together_are_fine(expect):
    assert findings(f"t: {{expect: {expect}}}") == []


def test_an_expectation_that_cannot_hold_is_shown_at_its_own_place_with_the_reason():
    _, report = checked("t: {expect: {hero: {default: true, rule: calm-cart}}}")
    (said,) = [one for one in report.diagnostics if one.span.path == "c.yaml"]
    assert said.message == (
        "`hero` cannot have this `default` and this `rule`: a default stands where no rule decides."
    )
    assert said.span.column == len("  t: {expect: {hero: {default: true, rule: ") + 1


def test_a_row_that_expects_nothing_is_shown_itself():
    _, report = checked("t:\n  each:\n    - {country: NO, hero: a}\n    - {country: US}\n")
    (said,) = [one for one in report.diagnostics if one.span.path == "c.yaml"]
    assert (said.code, said.span.line) == ("missing-key", 5)
    assert said.message == "This expects nothing, nor does the rest of `t`."


@pytest.mark.parametrize(
    "row, given",
    [
        ("{}", {"health": True, "finance": True}),
        ("{consents: {health: false}}", {"health": False, "finance": True}),
        ("{consents: {}}", {"health": True, "finance": True}),
        ("{consents: [health]}", {"health": True}),
        ("{consents: []}", {}),
    ],
)
def test_a_list_of_consents_is_all_of_them_and_a_mapping_comes_on_top(tmp_path, row, given):
    (tmp_path / "r.json").write_text(json.dumps({"user": {"consents": {"health": True, "finance": True}}}))
    for consents in ("consents: [health, finance]", "request: r.json"):
        test = f"t: {{{consents}, each: [{row}], user: {{age: 1}}, expect: {{hero: a}}}}"
        book, report = checked(test, tmp_path)
        assert not report.errors
        assert book.tests[0].user.get("consents", {}) == given


def test_what_is_hidden_is_told_from_what_is_empty():
    rules = RULES.replace("hide: [hero]", "hide: [list]")
    tests = "tests: {t: {context: {page: cart}, expect: {list: []}}}\n"
    sources = {"a.yaml": BASE.encode(), "b.yaml": rules.encode(), "c.yaml": tests.encode()}
    book, report = check_book(sources, NOW)
    assert not report.errors
    (case,) = run(Engine(book), book.tests, NOW)
    assert "write list: {hidden: true}" in case.failures[0].details


def test_an_expectation_that_todays_rules_cannot_meet_is_a_test_that_fails():
    for expect in (
        "{hero: d}",
        "{hero: {rule: adults-see-a, content: b}}",
        "{path: {default: true, value: team}}",
    ):
        book, report = checked(f"t: {{user: {{age: 20}}, expect: {expect}}}")
        assert not report.errors
        (case,) = run(Engine(book), book.tests, NOW)
        assert case.failures


def test_content_that_no_rule_places_is_called_so():
    book, _ = checked("t: {user: {age: 20}, expect: {hero: d}}")
    (case,) = run(Engine(book), book.tests, NOW)
    assert case.failures[0].details.endswith("no rule and no default places d in hero")


def test_a_name_that_two_things_have_is_written_whole_as_a_column():
    base = BASE.replace("hero: {default: plain}", "hero: {default: plain}\n  age: {default: plain}")

    def codes(column: str) -> list[str]:
        tests = f"tests: {{t: {{each: [{{{column}}}], expect: {{hero: plain}}}}}}"
        _, report = check_book({"a.yaml": base.encode(), "c.yaml": tests.encode()}, NOW)
        return [one.code for one in report.diagnostics if one.span.path == "c.yaml"]

    assert codes("age: 3") == ["ambiguous-attribute"]
    assert codes("user.age: 3") == codes("expect.age: plain") == []


def test_a_request_is_included_from_beside_the_test(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (tmp_path / "kari.json").write_text(json.dumps({"user": {"age": 17}, "context": {"page": "zoo"}}))
    book, report = checked(
        """
        as-she-is: {request: ../kari.json, expect: {hero: plain}}
        a-year-later: {request: ../kari.json, user: {age: 18}, expect: {hero: a}}
        in-the-cart: {request: ../kari.json, each: {page: [cart]}, expect: {hero: {hidden: true}}}
        """,
        folder,
    )
    assert report.errors == 0
    assert [test.context["page"] for test in book.tests] == ["zoo", "zoo", "cart"]
    assert all(not case.failures for case in run(Engine(book), book.tests, NOW))


@pytest.mark.parametrize(
    "content, code, mend",
    [
        (None, "missing-file", "Did you mean `kari.json`?"),
        (b"{", "bad-request", "A request is an object such as"),
        (b"\xff", "bad-request", "A request is an object such as"),
        (b"[]", "bad-request", "A request is an object such as"),
        (b'{"usr": {}}', "bad-request", "A request has `user`, `context` and `now`."),
        (b'{"user": 3}', "bad-request", "A request is an object such as"),
        (b'{"now": "soon"}', "bad-request", "2026-11-24T10:00:00Z"),
        (b"[" * 100_000, "bad-request", "A request is an object such as"),
    ],
)
def test_a_file_that_holds_no_request_is_a_finding(tmp_path, content, code, mend):
    (tmp_path / "kari.json").write_bytes(content or b"{}")
    name = "karin.json" if content is None else "kari.json"
    ((found, hint),) = findings(f"t: {{request: {name}, expect: {{hero: plain}}}}", tmp_path)
    assert found == code
    assert mend in hint


def test_a_folder_is_no_request(tmp_path):
    ((code, _),) = findings("t: {request: ., expect: {hero: plain}}", tmp_path)
    assert code == "missing-file"


def test_names_that_have_an_error_of_their_own_are_not_reported_again():
    broken = BASE.replace("age: {type: integer}", "age: {type: intger}")
    tests = "tests: {t: {user: {age: 3}, each: [{age: 4}], expect: {hero: plain}}}"
    _, report = check_book({"a.yaml": broken.encode(), "c.yaml": tests.encode()}, NOW)
    assert [one.span.path for one in report.diagnostics if one.severity == "error"] == ["a.yaml"]


def test_tests_are_no_part_of_what_a_book_means(tmp_path):
    def write(tests: str) -> None:
        (tmp_path / "a.yaml").write_text(BASE + RULES.replace("rules:\n", "rules:\n", 1))
        (tmp_path / "c.yaml").write_text(tests)

    write("tests: {t: {user: {age: 20}, expect: {hero: a}}}")
    without = load_book(tmp_path)
    book, report = check_book({p.name: p.read_bytes() for p in tmp_path.iterdir()}, NOW, tmp_path)
    assert report.errors == 0
    assert (len(without.tests), len(book.tests)) == (0, 1)
    assert book_version(without) == book_version(book)
    write("tests: {t: {expect: {heroo: a}}, Odd Name: 3}")
    assert book_version(load_book(tmp_path)) == book_version(book)
    assert Engine.load(tmp_path).evaluate({"age": 20}, {})["hero"].content == "a"


RANKED = """\
attributes: {user: {country: {type: string}}}
slots: {list: {many: 3}, hero: {}}
content: {guide: {title: Guide}}
catalogs:
  things: {attributes: {price: {type: integer}}, items: {sock: {price: 9}, hat: {price: 25}}}
rules:
  things-for-all: {when: always, show: {list: {of: {catalog: things}, pin: [{id: guide, at: 2}]}}}
tests:
  all-things: {expect: EXPECT}
"""


@pytest.mark.parametrize(
    "expect, found",
    [
        ("{list: [sock, guide, hat]}", []),
        ("{list: {first: [sock], rule: things-for-all}}", []),
        (
            "{list: {without: [sock]}}",
            ["`all-things`: `list` should not hold `sock`, and is sock, guide (pinned), hat."],
        ),
        ("{list: [sock, guide, cap]}", ["unknown-content"]),
        ("{hero: sock}", ["unknown-content"]),
        ("{hero: guide}", ["`all-things`: `hero` should be `guide`, and is nothing, by default."]),
        (
            "{list: {items: [sock], rule: things-for-all}}",
            ["`all-things`: `list` should hold `sock`, and is sock, guide (pinned), hat."],
        ),
    ],
)
def test_items_of_a_catalog_are_expected_by_their_ids_where_a_rule_ranks_them(expect, found):
    book, report = check_book({"book.yaml": RANKED.replace("EXPECT", expect).encode()}, NOW)
    if report.errors:
        assert [one.code for one in report.diagnostics if one.severity == "error"] == found
        return
    cases = run(Engine(book), book.tests, NOW)
    assert [failure.message for case in cases for failure in case.failures] == found


@pytest.mark.parametrize(
    "expect, message, hint",
    [
        (
            "{list: {first: [f9999]}}",
            "There is no content and no item `f9999`.",
            "`list` may hold guide, sock, hat.",
        ),
        ("{list: [sokc]}", "There is no content and no item `sokc`.", "Did you mean `sock`?"),
        ("{hero: f9999}", "There is no content `f9999`.", "The book's content is guide."),
    ],
)
def test_where_items_may_stand_an_unknown_name_is_no_content_and_no_item(expect, message, hint):
    book = RANKED.replace("EXPECT", expect).encode()
    (found,) = [one for one in check_book({"book.yaml": book}, NOW)[1].diagnostics if one.severity == "error"]
    assert (found.code, found.message, found.hint) == ("unknown-content", message, hint)
