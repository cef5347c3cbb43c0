"""Conditions leave as JSONLogic that an independent engine evaluates alike, and come back the same."""

import json
from collections import Counter

import datalogic_py
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tailored.book.load import check_book
from tailored.cli.export import rule_as_jsonlogic, surroundings_of
from tailored.condition import jsonlogic
from tailored.condition.jsonlogic import NotExportable, to_jsonlogic
from tailored.condition.kleene import truth
from tailored.condition.logic import evaluator
from tailored.condition.operators import OPERATORS
from tailored.condition.tree import InSegment, Logic, Op, leaves
from tailored.condition.values import TooLarge, WrongType, read_value
from tailored.engine.engine import Engine
from tailored.engine.facts import as_json, nested, read_facts
from tests.support.command import tailored
from tests.support.conditions import ATTRIBUTES, LOGIC, NOW, PURPOSES, conditions, contexts, users, written

ENGINE = datalogic_py.Engine()
BASE = {
    "attributes": ATTRIBUTES,
    "purposes": PURPOSES | {"ads": {"honours": "gpc"}},
    "topics": {"secret": {"consent": "never"}, "children": {"sensitive": False, "because": "Toys"}},
    "slots": {"hero": {}},
    "segments": {
        "vips": {"when": {"vip": True}},
        "patients": {"when": {"not": {"diagnoses": "boots"}}, "topic": "health"},
        "nobody": {"when": {"any": [{"segment": "vips"}, {"page": "home"}]}, "topic": "secret"},
    },
}
SEGMENTS = tuple(BASE["segments"])
PROPERTY = settings(
    max_examples=120, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
PURPOSE = st.sampled_from([None, "personalization", "ads", "tips"])
REQUESTS = st.lists(st.tuples(users(), contexts()), min_size=3, max_size=5)


def book_of(when, **body):
    rule = {"when": when, "hide": ["hero"], **body}
    book, report = check_book({"a.yaml": written({**BASE, "rules": {"r": rule}})})
    errors = {finding.code for finding in report.diagnostics if finding.severity == "error"}
    assert errors <= {"never-consented"}, report.to_text()  # such a rule never fires, in JSONLogic neither
    return book


def truth_of(condition, book, facts):
    """What the language says of a condition, by the plain reader."""

    def leaf(part):
        if isinstance(part, InSegment):
            segment = book.segments[part.id]
            closed = facts.permissions.closed.intersection(segment.topics)
            return None if closed else truth(segment.when, facts.values, facts.now, leaf)
        assert isinstance(part, Logic)
        if any(map(facts.permissions.hiding, part.reads)):
            return None
        return evaluator(part.text)(nested(facts, part.reads))

    return truth(condition, facts.values, facts.now, leaf)


def data_of(book, user, context, facts):
    """A request in the form that exported expressions read: typed, but not redacted."""
    data = {"user": {"consents": dict(facts.permissions.consents)}, "context": {}}
    for attribute in book.attributes.values():
        raw = user if attribute.side == "user" else context
        for name in attribute.path or (attribute.name,):
            raw = raw.get(name) if isinstance(raw, dict) else None
        try:
            data[attribute.side][attribute.name] = as_json(read_value(raw, attribute.type))
        except (WrongType, TooLarge):
            continue
    if facts.permissions.everything:
        data["user"]["opt_outs"] = list(book.purposes)
    return data


def exported(condition, book, **labels):
    try:
        return to_jsonlogic(condition, surroundings_of(book), **labels)
    except NotExportable:
        return None


@pytest.mark.no_cover
def test_an_exported_condition_is_true_exactly_where_the_language_says_so():
    seen = Counter()

    @PROPERTY
    @given(conditions(SEGMENTS), REQUESTS)
    def check(when, requests):
        book = book_of(when)
        condition = book.rules[0].when
        expression = exported(condition, book)
        if expression is None:
            return
        rule = ENGINE.compile(expression)
        for user, context in requests:
            facts = read_facts(book, user, context, NOW)
            try:
                answer = rule.evaluate(data_of(book, user, context, facts))
            except datalogic_py.EvaluateError:  # arithmetic with a text, verbatim from a `logic:`
                assert any(isinstance(leaf, Logic) for leaf in leaves(condition))
                continue
            assert answer is (truth_of(condition, book, facts) is True)
            seen[answer] += 1

    check()
    assert min(seen[True], seen[False]) > 50


@pytest.mark.no_cover
def test_an_exported_rule_is_true_exactly_where_the_rule_fires():
    @PROPERTY
    @given(
        conditions(SEGMENTS, logic=False),
        REQUESTS,
        st.sampled_from(["health", "secret", "children", []]),
        PURPOSE,
    )
    def check(when, requests, topic, purpose):
        labels = ({"topic": topic} if topic else {}) | ({"purpose": purpose} if purpose else {})
        book = book_of(when, **labels)
        engine = Engine(book)
        try:
            expression = rule_as_jsonlogic(book, book.rules[0], surroundings_of(book))["when"]
        except NotExportable:
            return
        for user, context in requests:
            fires = engine.evaluate(user, context, NOW)["hero"].reason == "hidden"
            data = data_of(book, user, context, read_facts(book, user, context, NOW))
            assert ENGINE.eval(expression, data) is fires

    check()


@pytest.mark.no_cover
def test_an_exported_condition_comes_back_as_logic_with_the_same_truth():
    seen = Counter()

    @PROPERTY
    @given(conditions(SEGMENTS, logic=False), REQUESTS)
    def check(when, requests):
        book = book_of(when)
        condition = book.rules[0].when
        expression = exported(condition, book)
        if expression is None:
            return
        back = book_of({"logic": expression}).rules[0].when
        opaque = [attribute for leaf in leaves(back) if isinstance(leaf, Logic) for attribute in leaf.reads]
        for user, context in requests:
            facts = read_facts(book, user, context, NOW)
            here, there = truth_of(condition, book, facts) is True, truth_of(back, book, facts) is True
            if any(map(facts.permissions.hiding, opaque)):
                assert here or not there  # `logic:` that reads what is hidden is unknown as a whole
            else:
                assert here is there
                seen[here] += 1

    check()
    assert min(seen[True], seen[False]) > 50


@pytest.mark.parametrize(
    "when, expression",
    [
        ("always", {"!!": [True]}),
        ({"not": "always"}, {"!!": [False]}),
        ({"page": "home"}, [{"===": [{"var": "context.page"}, "home"]}]),
        ({"page": {"is not": "home"}}, [{"!==": [{"var": "context.page"}, "home"]}]),
        ({"not": {"page": ["home", "cart"]}}, [{"!": [{"in": [{"var": "context.page"}, ["home", "cart"]]}]}]),
        ({"page": {"known": False}}, {"===": [{"var": "context.page"}, None]}),
        ({"temperature": {"between": [1, 2.5]}}, [{"<=": [1, {"var": "context.temperature"}, 2.5]}]),
        (
            {"context.language": {"starts with": "öl"}},
            [{"===": [{"substr": [{"var": "context.language"}, 0, 2]}, "öl"]}],
        ),
        (
            {"context.language": {"ends with": "le"}},
            [{"===": [{"substr": [{"var": "context.language"}, -2]}, "le"]}],
        ),
        ({"context.language": {"contains": "l"}}, [{"in": ["l", {"var": "context.language"}]}]),
        ({"steps": {"contains all": [1, 2]}}, [{"in": [n, {"var": "context.steps"}]} for n in (1, 2)]),
        (
            {"steps": {"size": {"more than": 2}}},
            [{">": [{"reduce": [{"var": "context.steps"}, {"+": [{"var": "accumulator"}, 1]}, 0]}, 2]}],
        ),
        (
            {"opened_at": "2026-11-24"},
            [
                {
                    "<=": [
                        "2026-11-24T00:00:00.000000Z",
                        {"var": "context.opened_at"},
                        "2026-11-24T23:59:59.999999Z",
                    ]
                }
            ],
        ),
        (
            {"opened_at": {"after": "2026-11-24T02:00+02:00"}},
            [{">": [{"var": "context.opened_at"}, "2026-11-24T00:00:00.000000Z"]}],
        ),
    ],
)
def test_a_test_is_exported_with_a_guard_against_null(when, expression):
    if isinstance(expression, list):
        name = {"var": next(iter(leaves(book_of(when).rules[0].when))).attribute.key}
        expression = {"and": [{"!==": [name, None]}, *expression]}
    book = book_of(when)
    assert exported(book.rules[0].when, book) == expression


HEALTH = {"===": [{"var": "user.consents.health"}, True]}
NOT_OPTED_OUT = {"!": [{"in": ["personalization", {"var": "user.opt_outs"}]}]}
DIAGNOSES = {"var": "user.diagnoses"}


@pytest.mark.parametrize(
    "when, expression",
    [
        ({"segment": "patients"}, {"!": [{"in": ["boots", DIAGNOSES]}]}),
        ({"not": {"segment": "patients"}}, {"in": ["boots", DIAGNOSES]}),
    ],
)
def test_consent_stays_a_demand_on_both_sides_of_a_negation(when, expression):
    book = book_of(when)
    demands = [HEALTH, NOT_OPTED_OUT, {"!==": [DIAGNOSES, None]}]
    assert exported(book.rules[0].when, book) == {"and": [*demands, expression]}


def test_what_a_rule_demands_is_asked_once_and_first():
    book = book_of({"diagnoses": "boots"}, topic="health")
    whole = rule_as_jsonlogic(book, book.rules[0], surroundings_of(book))
    known = {"!==": [DIAGNOSES, None]}
    assert whole["when"] == {"and": [HEALTH, NOT_OPTED_OUT, known, {"in": ["boots", DIAGNOSES]}]}


def test_a_topic_that_nothing_opens_is_never_true():
    book = book_of({"segment": "nobody"})
    assert exported(book.rules[0].when, book) == {"!!": [False]}


def test_logic_is_exported_as_it_stands_behind_its_demands():
    book = book_of({"not": {"logic": LOGIC[6]}})
    finance = {"===": [{"var": "user.consents.finance"}, True]}
    assert exported(book.rules[0].when, book) == {"and": [finance, NOT_OPTED_OUT, {"!": [LOGIC[6]]}]}


@pytest.mark.parametrize(
    "when, words",
    [
        ({"page": {"like": "h*"}}, "`context.page: {like: h*}`: it has no patterns"),
        ({"app": {"at least": "1.9"}}, "`context.app: {at least: 1.9}`: it does not know versions"),
        (
            {"opened_at": {"in the last": "30 days"}},
            "`context.opened_at: {in the last: 30 days}`: it has no clock",
        ),
        ({"born": {"not in the last": "1 day"}}, "`user.born: {not in the last: 1 day}`: it has no clock"),
        (
            {"city": {"starts with": "😀"}},
            "`user.city: {starts with: 😀}`: engines count such characters differently",
        ),
        ({"any": [{"page": "home"}, {"city": {"ends with": "a😀"}}]}, "`user.city: {ends with: a😀}`"),
    ],
)
def test_what_standard_jsonlogic_cannot_say_is_refused_by_name(when, words):
    book = book_of(when)
    with pytest.raises(NotExportable, match="JSONLogic cannot say") as refused:
        to_jsonlogic(book.rules[0].when, surroundings_of(book))
    assert words in str(refused.value)


def test_segments_that_double_at_every_level_are_refused_before_they_fill_the_memory():
    segments = {"s0": {"when": {"page": "home"}}}
    for level in range(1, 30):
        below = {"segment": f"s{level - 1}"}
        segments[f"s{level}"] = {"when": {"any": [{"all": [below, {"vip": True}]}, {"not": below}]}}
    sections = {"attributes": ATTRIBUTES, "purposes": PURPOSES, "segments": segments}
    book, report = check_book({"a.yaml": written(sections)})
    assert report.errors == 0
    with pytest.raises(NotExportable, match="100,000 pieces"):
        to_jsonlogic(InSegment("s29"), surroundings_of(book))


def test_every_operator_has_its_row():
    assert set(jsonlogic._SAY) | {Op.KNOWN} == set(OPERATORS)


def run(*arguments):
    return tailored("export", *arguments)


BOOK = """\
attributes: {context: {page: {type: string}, app: {type: version}}}
slots: {hero: {default: plain}, list: {many: 2}, modules: {order: [m, n]}}
settings: {path: {type: string, default: a, values: [a, b]}}
content: {plain: {title: Hi}}
segments:
  home: {when: {page: home}}
  new: {when: {app: 2}}
rules:
  later: {when: {segment: new}, hide: hero}
  first:
    when: {segment: home}
    show: {hero: plain, list: plain}
    hide: [list]
    order: {modules: [n]}
    set: {path: b}
    priority: 200
    from: 2026-11-01
"""
AT_HOME = {"and": [{"!==": [{"var": "context.page"}, None]}, {"===": [{"var": "context.page"}, "home"]}]}


def test_a_book_is_printed_in_resolution_order_and_what_is_left_out_is_told(tmp_path):
    (tmp_path / "a.yaml").write_text(BOOK)
    done = run(str(tmp_path), "--to", "jsonlogic")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "rules": {
            "first": {
                "when": AT_HOME,
                "priority": 200,
                "show": {"hero": "plain", "list": ["plain"]},
                "hide": ["list"],
                "order": {"modules": ["n"]},
                "set": {"path": "b"},
                "from": "2026-11-01T00:00:00.000000Z",
            }
        },
        "segments": {"home": {"when": AT_HOME}},
    }
    assert done.stderr.splitlines() == [
        f"{tmp_path}/a.yaml:9:3  rule `later` is left out: "
        "JSONLogic cannot say `context.app: {is: 2}`: it does not know versions.",
        "segment `new` is left out: JSONLogic cannot say `context.app: {is: 2}`: it does not know versions.",
    ]


def test_only_what_is_named_is_printed(tmp_path):
    (tmp_path / "a.yaml").write_text(BOOK)
    done = run(str(tmp_path), "--to", "jsonlogic", "--segment", "home")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"rules": {}, "segments": {"home": {"when": AT_HOME}}}
    done = run(str(tmp_path), "--to", "jsonlogic", "--rule", "firts")
    assert done.returncode == 2
    assert "there is no `firts` in the book. Did you mean `first`?" in done.stderr


def test_a_book_with_errors_is_not_exported(tmp_path):
    (tmp_path / "a.yaml").write_text("rules: {r: {when: {pgae: home}}}")
    done = run(str(tmp_path), "--to", "jsonlogic")
    assert (done.returncode, done.stdout) == (1, "")
    assert "unknown-attribute" in done.stderr
    done = run(str(tmp_path / "nowhere"), "--to", "jsonlogic")
    assert done.returncode == 2
    assert done.stderr.startswith("tailored: there is no folder")
