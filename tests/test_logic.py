"""`logic:` is checked node by node, hides no read from the gate, and becomes tests that mean the same."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import datalogic_py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailored.book.conditions import Names, read_condition
from tailored.book.load import check_book
from tailored.book.logic import STANDARD
from tailored.book.nodes import Reader
from tailored.condition.kleene import truth
from tailored.condition.logic import evaluator, translated
from tailored.condition.tree import All, Any, Logic, Not, Op, Size, Test, attributes_read
from tailored.condition.types import ELEMENT, Type
from tailored.condition.values import TooLarge, WrongType, read_value
from tailored.engine.facts import as_json
from tests.support.conditions import ATTRIBUTES, LOGIC, NOW, PURPOSES, mostly, values_of, written

# Only what cannot be hidden becomes tests, so here the context has an attribute of every type.
LABELLED = {"topic", "purpose", "path"}
EVERY_TYPE = {name: spec for name, spec in ATTRIBUTES["user"].items() if not LABELLED & spec.keys()}
BOOK, _ = check_book(
    {
        "a.yaml": written(
            {
                "purposes": PURPOSES,
                "attributes": {
                    "user": ATTRIBUTES["user"],
                    "context": {
                        **EVERY_TYPE,
                        **ATTRIBUTES["context"],
                        "weather": {"type": "string", "topic": "precise-location"},
                        "visits": {"type": "integer", "purpose": "personalization"},
                    },
                },
            }
        )
    }
)
ENGINE = datalogic_py.Engine()


def read(text):
    report = []
    reader = Reader("a.yaml", report)
    _, root = reader.compose(text if isinstance(text, bytes) else text.encode())
    return read_condition(reader, root, Names(BOOK.attributes, {})), report


def test(name, op, operand):
    return Test(BOOK.attributes[name], op, operand)


test.__test__ = False


def known(name, *tests):
    return All((test(name, Op.KNOWN, True), *tests))


def unknown_or(name, *tests):
    return Any((test(name, Op.KNOWN, False), *tests))


COUNTRY, SCORE, PAGE, VIP, BORN = (f"context.{name}" for name in ("country", "score", "page", "vip", "born"))


@pytest.mark.parametrize(
    "expression, tree",
    [
        ({"===": [{"var": COUNTRY}, "NO"]}, known(COUNTRY, test(COUNTRY, Op.IS, "NO"))),
        ({"==": ["NO", {"var": [COUNTRY]}]}, known(COUNTRY, test(COUNTRY, Op.IS, "NO"))),
        ({"!==": [{"var": COUNTRY}, "NO"]}, unknown_or(COUNTRY, test(COUNTRY, Op.IS_NOT, "NO"))),
        ({"===": [{"var": COUNTRY}, None]}, test(COUNTRY, Op.KNOWN, False)),
        ({"!==": [None, {"var": COUNTRY}]}, test(COUNTRY, Op.KNOWN, True)),
        ({"in": [{"var": PAGE}, ["home", "cart"]]}, known(PAGE, test(PAGE, Op.ONE_OF, ("home", "cart")))),
        ({"in": ["om", {"var": PAGE}]}, known(PAGE, test(PAGE, Op.CONTAINS, "om"))),
        (
            {"in": ["boots", {"var": "context.viewed"}]},
            known("context.viewed", test("context.viewed", Op.CONTAINS, "boots")),
        ),
        ({">=": [{"var": SCORE}, 18]}, known(SCORE, test(SCORE, Op.AT_LEAST, 18))),
        ({"<": [{"var": SCORE}, 18.0]}, unknown_or(SCORE, test(SCORE, Op.LESS_THAN, 18))),
        ({">": [{"var": BORN}, "2026-11-24"]}, known(BORN, test(BORN, Op.AFTER, date(2026, 11, 24)))),
        (
            {">=": ["2026-11-24", {"var": BORN}]},
            known(BORN, Not(test(BORN, Op.AFTER, date(2026, 11, 24)))),
        ),
        (
            {"<": [{"var": "context.opened_at"}, "2026-11-24T10:00:00.000000Z"]},
            known("context.opened_at", test("context.opened_at", Op.BEFORE, NOW)),
        ),
        ({"<": [18, {"var": SCORE}]}, known(SCORE, test(SCORE, Op.MORE_THAN, 18))),
        (
            {"<=": [1, {"var": SCORE}, 3.5]},
            known(SCORE, test(SCORE, Op.AT_LEAST, 1), test(SCORE, Op.AT_MOST, 3.5)),
        ),
        ({"var": VIP}, known(VIP, test(VIP, Op.IS, True))),
        ({"!": {"var": VIP}}, Not(known(VIP, test(VIP, Op.IS, True)))),
        (
            {"!!": [{"var": "context.ratings"}]},
            known("context.ratings", test("context.ratings", Op.SIZE, Size(Op.AT_LEAST, 1))),
        ),
        ({"!!": [{"var": "context.app"}]}, test("context.app", Op.KNOWN, True)),
        (
            {"and": [{"!==": [{"var": PAGE}, None]}, {"===": [{"var": PAGE}, "home"]}]},
            known(PAGE, test(PAGE, Op.IS, "home")),
        ),
        (
            {"or": [{"var": VIP}, {"==": [{"var": PAGE}, "home"]}]},
            Any((known(VIP, test(VIP, Op.IS, True)), known(PAGE, test(PAGE, Op.IS, "home")))),
        ),
    ],
)
def test_what_tests_can_say_becomes_tests(expression, tree):
    assert translated(expression, BOOK.attributes) == tree
    assert read(written({"logic": expression})) == (tree, [])


@pytest.mark.parametrize(
    "expression",
    [
        {"!!": [True]},
        {">": [{"var": "context.temperature"}, {"var": SCORE}]},
        {"===": [{"var": "user.country"}, "NO"]},
        {"===": [{"var": "context.weather"}, "rain"]},
        {">": [{"var": "context.visits"}, 3]},
        {">=": [{"var": "user.income"}, 18]},
        {"!": [{"var": "user.diagnoses"}]},
        {"and": [{"var": VIP}, {"var": "user.consents.health"}]},
        {"==": [{"var": PAGE}, None]},
        {"===": [{"var": COUNTRY}, "Norway"]},
        {"===": [{"var": "context.language"}, "24h"]},
        {"===": [{"var": "context.language"}, 18]},
        {"<": [{"var": "context.language"}, "m"]},
        {">": [{"var": "context.age"}, 17.5]},
        {"===": [{"var": SCORE}, 2**53 + 1]},
        {"===": [{"var": "context.app"}, "1.9"]},
        {"===": [{"var": "context.signed_up_at"}, "2026-11-24T00:00:00Z"]},
        {"===": [{"var": "context.ratings"}, 1]},
        {"in": [{"var": PAGE}, []]},
        {"in": [{"var": PAGE}, ["home", None]]},
        {"in": [{"var": PAGE}, "home cart"]},
        {"var": [SCORE, 18]},
        {"<": [1, 2, {"var": SCORE}]},
        {"if": [{"var": VIP}, True, False]},
        {"missing": [COUNTRY, PAGE]},
        {"some": [{"var": "context.steps"}, {">": [{"var": ""}, 17]}]},
        {"reduce": [{"var": "context.steps"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]},
    ],
)
def test_what_tests_cannot_say_exactly_stays_an_opaque_leaf(expression):
    condition, report = read(written({"logic": expression}))
    assert report == []
    assert isinstance(condition, Logic)


@pytest.mark.parametrize(
    "expression, reads",
    [
        ({"missing": [COUNTRY, "user.consents.health"]}, [COUNTRY]),
        ({"missing": COUNTRY}, [COUNTRY]),
        ({"missing_some": [1, [SCORE, COUNTRY]]}, [COUNTRY, SCORE]),
        ({"var": [SCORE, {"var": "user.age"}]}, ["user.age", SCORE]),
        (
            {
                "reduce": [
                    {"filter": [{"var": "user.ratings"}, {">": [{"var": ""}, 1]}]},
                    {"+": [{"var": "current"}, {"var": "accumulator"}]},
                    {"var": SCORE},
                ]
            },
            ["user.ratings", SCORE],
        ),
        ({"in": ["personalization", {"var": "user.opt_outs"}]}, ["user.opt_outs"]),
        ({"==": [{"var": "user.id"}, {"var": "context.request_id"}]}, ["context.request_id", "user.id"]),
    ],
)
def test_every_read_is_known(expression, reads):
    condition, report = read(written({"logic": expression}))
    assert report == []
    assert sorted(attribute.key for attribute in set(attributes_read(condition))) == sorted(reads)


@pytest.mark.parametrize(
    "text, code, column, words",
    [
        ("logic: true", "bad-logic", 8, "an operation of JSONLogic, not `true`"),
        ("logic: 5", "bad-logic", 8, "not `5`"),
        ("logic: .inf", "bad-logic", 8, "not `.inf`"),
        ("logic: [{var: user.vip}]", "bad-logic", 8, "not a list"),
        ("logic: {}", "bad-logic", 8, "one key, and here are 0"),
        ("logic: {and: [{var: user.vip}, {}]}", "bad-logic", 32, "one key, and here are 0"),
        ("logic: {'!': 1, '!!': 2}", "bad-logic", 8, "Join two with `and`"),
        ("logic: {'>': [{var: user.age}, .nan]}", "bad-logic", 32, "`.nan` is no number that JSON has"),
        ("logic: {'>': [{var: user.age}, 99999999999999999999]}", "bad-logic", 32, "64 bits"),
        ("logic: {'>': [{var: user.age}, !!int 3]}", "tag", 32, "!!int"),
        ("logic: {'!': 1, '!': 2}", "duplicate-key", 17, "twice"),
        ("logic: {now: []}", "bad-logic", 9, "no operator `now`"),
        ("logic: {'!': [{mising: [user.age]}]}", "bad-logic", 16, "Did you mean `missing`?"),
        ("logic: {'!': [{val: [user, age]}]}", "bad-logic", 16, "no operator `val`"),
        ("logic: {in: [a]}", "bad-logic", 9, "`in` takes 2 arguments, and here is 1"),
        ("logic: {var: [user.age, 1, 2]}", "bad-logic", 9, "1 or 2 arguments, and here are 3"),
        ("logic: {'!': [1, 2]}", "bad-logic", 9, "`!` takes 1 argument, and here are 2"),
        ("logic: {'!': [{and: []}]}", "bad-logic", 16, "at least 1 argument, and here are 0"),
        ("logic: {'==': [{var: user.aeg}, 3]}", "unknown-attribute", 22, "Did you mean `user.age`?"),
        ("logic: {missing: [user.age, user.zzz]}", "unknown-attribute", 29, "no attribute `user.zzz`"),
        ("logic: {missing: [[user.age, user.zzz]]}", "unknown-attribute", 30, "no attribute `user.zzz`"),
        ("logic: {var: user.viewed.0}", "unknown-attribute", 14, "Did you mean `user.viewed`?"),
        ("logic: {var: ..user.age}", "unknown-attribute", 14, "Did you mean `user.age`?"),
        ("logic: {var: user.consents.a.b}", "unknown-attribute", 14, "no attribute"),
        ("logic: {var: age}", "unknown-attribute", 14, "no attribute `age`"),
        ("logic: {var: 1}", "unknown-attribute", 14, "no attribute `1`"),
        ('logic: {var: ""}', "bad-logic", 14, "reads the request as a whole"),
        ("logic: {var: user}", "bad-logic", 14, "reads the user as a whole"),
        ("logic: {var: user.consents}", "bad-logic", 14, "`user.consents.health`"),
        ("logic: {var: {cat: [user., age]}}", "bad-logic", 14, "not written out"),
        ("logic: {var: [[user.age]]}", "bad-logic", 15, "not written out"),
        ("logic: {missing: {merge: [user.age]}}", "bad-logic", 18, "not written out"),
        (
            "logic: {some: [{var: user.viewed}, {'==': [{var: user.age}, 1]}]}",
            "bad-logic",
            50,
            "not `user.age`",
        ),
        ("logic: {all: [{var: user.viewed}, {var: user.age}]}", "bad-logic", 41, '`{var: ""}`'),
        ("logic: {map: [{var: user.viewed}, {missing: user.age}]}", "bad-logic", 45, "stands outside"),
        ("logic: {reduce: [{var: user.ratings}, {var: ''}, 0]}", "bad-logic", 45, '`{var: "current"}`'),
        (
            "logic: {all: [{var: user.viewed}, {some: [[1], {var: ''}]}]}",
            "bad-logic",
            36,
            "within an operation",
        ),
    ],
)
def test_a_mistake_in_logic_is_shown_where_it_stands(text, code, column, words):
    _, report = read(text)
    assert [(d.code, d.span.column) for d in report] == [(code, column)]
    assert words in f"{report[0].message} {report[0].hint}"


def test_every_problem_of_an_expression_is_reported():
    _, report = read("logic: {and: [{var: user.aeg}, {now: []}, {in: [a]}]}")
    assert [d.span.column for d in report] == [21, 33, 44]


CONSTANTS = st.sampled_from(
    [
        *(None, True, False, [], 0, 1, 17, 17.5, 18, 18.0, -0.5, 2**53, 2**53 + 1, 1e300),
        *("", "0", "18", "NO", "DE", "home", "boots", "hik", "öl", "😀", "x y", "1.9", "1d", "24h"),
        *("2026-11-23", "2026-11-24", "2026-11-24T00:00:00Z", "2026-11-24T00:00:00.000000Z"),
        *("2026-11-23T09:59:59.999999Z", "2026-11-24T10:00:00.000000Z"),
    ]
)
PLAIN = {f"context.{name}": spec for name, spec in (EVERY_TYPE | ATTRIBUTES["context"]).items()}


def constants_for(name):
    """Constants of the type of an attribute, in the form that data have, and others."""
    typed = {
        Type.DATE: ["2026-11-23", "2026-11-24"],
        Type.DATETIME: ["2026-11-24T00:00:00.000000Z", "2026-11-24T10:00:00.000000Z"],
        Type.BOOLEAN: [True, False],
    }
    return CONSTANTS | st.sampled_from(
        typed.get(BOOK.attributes[name].type, [1, 17, 18, 18.25, "boots", "NO"])
    )


def atoms():
    names = st.sampled_from(sorted(PLAIN))
    ops = st.sampled_from(["===", "!==", "==", "!=", "<", "<=", ">", ">=", "in"])
    pairs = names.flatmap(
        lambda name: st.tuples(st.just({"var": name}), TYPED[name] | st.lists(TYPED[name], max_size=3))
    ).flatmap(st.permutations)
    triples = names.flatmap(lambda name: st.tuples(TYPED[name], st.just({"var": name}), TYPED[name])).map(
        list
    )
    two = st.tuples(ops, pairs).map(lambda pair: {pair[0]: pair[1]})
    three = st.tuples(st.sampled_from(["<", "<="]), triples).map(lambda pair: {pair[0]: pair[1]})
    return mostly(two, three | names.map(lambda name: {"var": name}), 4)


def expressions():
    def larger(inner):
        many = st.lists(inner, min_size=1, max_size=3)
        return st.one_of(
            st.tuples(st.sampled_from(["and", "or"]), many),
            st.tuples(st.sampled_from(["!", "!!"]), inner.map(lambda one: [one])),
        ).map(lambda pair: {pair[0]: pair[1]})

    return st.recursive(atoms(), larger, max_leaves=3)


@st.composite
def facts_for(draw, keys):
    """Typed values of these attributes, any of them missing."""
    facts = {}
    for key in keys:
        attribute = BOOK.attributes[key]
        raw = draw(VALUES[key])
        try:
            if raw is not None:
                facts[key] = read_value(raw, attribute.type)
        except (WrongType, TooLarge):
            continue
    return facts


def constants_as_values(attribute):
    """The constants of expressions, as values of an attribute: so that they are met."""
    many = ELEMENT.get(attribute.type)
    return CONSTANTS.map(lambda one: [one] if many else one)


TYPED = {name: constants_for(name) for name in PLAIN}
VALUES = {
    key: values_of(spec) | constants_as_values(BOOK.attributes[key]) | st.none()
    for key, spec in PLAIN.items()
}


@pytest.mark.no_cover
def test_tests_say_of_every_value_what_their_expression_says_missing_ones_included():
    seen = Counter()

    @settings(max_examples=300, derandomize=True, deadline=None)
    @given(expressions(), st.data())
    def check(expression, draws):
        condition = translated(expression, BOOK.attributes)
        if condition is None:
            return
        keys = {name for name in PLAIN if f'"{name}"' in str(expression).replace("'", '"')}
        assert {attribute.key for attribute in attributes_read(condition)} == keys
        evaluate = evaluator(written(expression).decode())
        for _ in range(4):
            facts = draws.draw(facts_for(sorted(keys)))
            data = {BOOK.attributes[key].name: as_json(value) for key, value in facts.items()}
            answer = evaluate({"context": data})
            assert truth(condition, facts, NOW, lambda leaf: None) is answer
            assert answer is not None
            seen[answer, len(facts) < len(keys)] += 1

    check()
    assert min(seen[pair] for pair in [(True, False), (True, True), (False, False), (False, True)]) > 20


@pytest.mark.no_cover
@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.recursive(
        expressions() | st.sampled_from(LOGIC),
        lambda inner: st.builds(
            lambda op, parts: {op: parts},
            st.sampled_from(["and", "or", "if", "cat", "+", "max"]),
            st.lists(inner, min_size=2, max_size=3),
        ),
    )
)
def test_the_gate_knows_every_attribute_that_the_engine_reads(expression):
    condition, report = read(written({"logic": expression}))
    assert report == []
    facts = ENGINE.compile(expression).facts()
    read_by_engine = {".".join(path) for path in facts["reads"]}
    assert {name for name in read_by_engine if not name.startswith("user.consents.")} == {
        attribute.key for attribute in attributes_read(condition)
    }
    assert not facts["computed_reads"]


def test_the_engine_has_every_standard_operator():
    assert {name for one in ENGINE.operators() for name in (one["name"], *one["aliases"])} >= set(STANDARD)


@pytest.mark.parametrize(
    "expression, data, answer",
    [
        ({"var": "user.vip"}, {"user": {"vip": True}}, True),
        ({"var": "user.vip"}, {}, False),
        ({"var": "user.viewed"}, {"user": {"viewed": []}}, False),
        ({">": [{"var": "user.language"}, 5]}, {"user": {"language": "no"}}, None),
        ({"+": [{"var": "user.language"}, 5]}, {"user": {"language": "no"}}, None),
    ],
)
def test_an_expression_is_true_false_or_unknown_where_it_fails(expression, data, answer):
    assert evaluator(written(expression).decode())(data) is answer


def test_threads_share_an_evaluator():
    evaluate = evaluator('{">":[{"var":"user.age"},17]}')
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda age: evaluate({"user": {"age": age}}), range(400)))
    assert answers == [age > 17 for age in range(400)]
    assert evaluator('{">":[{"var":"user.age"},17]}') is evaluate


@pytest.mark.parametrize("type_", Type)
def test_the_truth_of_every_type_has_its_row(type_):
    name = next(key for key, spec in PLAIN.items() if spec["type"] == type_)
    assert translated({"var": name}, BOOK.attributes) is not None
    assert translated({"var": name}, {}) is None
