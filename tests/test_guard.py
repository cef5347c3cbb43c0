"""The guard's two gates: what is hidden at the door, what may not leave, and what of it is told."""

from collections import UserDict
from datetime import UTC, datetime

import pytest

from tailored.book.load import check_book
from tailored.engine import engine as engine_module
from tailored.engine.engine import Engine
from tailored.engine.explain import explain
from tailored.engine.reference import decide
from tests.support.make import BASE, make

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
YES = {"consents": {"health": True, "finance": True}}


def rule_of(rules: str, user: dict, context: dict | None = None) -> str | None:
    return make(rules).evaluate(user, context or {"page": "home"}, NOW)["hero"].rule


@pytest.mark.parametrize("consent", [None, False, 1, "true", "yes", [True], {"given": True}])
def test_only_a_literal_true_is_consent(consent):
    rules = "r: {when: {ills: knee}, show: {hero: a}}"
    assert rule_of(rules, {"ills": ["knee"], "consents": {"health": True}}) == "r"
    assert rule_of(rules, {"ills": ["knee"], "consents": {"health": consent}}) is None


@pytest.mark.parametrize("consents", [True, "health", ["health"], [("health", True)], 1, b"x"])
def test_consents_that_are_no_mapping_are_no_consent_and_a_warning(consents):
    engine = make("r: {when: {ills: knee}, show: {hero: a}}")
    decision = engine.evaluate({"ills": ["knee"], "consents": consents}, {}, NOW)
    assert decision["hero"].rule is None
    assert [(w.code, w.attribute) for w in decision.warnings] == [("wrong-type", "user.consents")]


def test_a_flag_that_is_neither_true_nor_false_is_told():
    decision = make("r: {when: always, hide: hero}").evaluate(
        {"consents": {"health": "true", "x": 3}}, {}, NOW
    )
    assert [(w.code, w.attribute) for w in decision.warnings] == [("wrong-type", "user.consents.health")]


@pytest.mark.parametrize(
    "condition",
    [
        "{ills: knee}",
        "{not: {ills: knee}}",
        "{ills: {known: true}}",
        "{segment: sick}",
        "{not: {segment: sick}}",
        '{logic: {"!": [{var: user.ills}]}}',
        "{logic: {or: [true, {var: user.ills}]}}",
    ],
)
def test_without_consent_nothing_can_be_learnt_from_a_labelled_thing(condition):
    rules = f"r: {{when: {condition}, show: {{hero: a}}}}"
    for ills in ({}, {"ills": ["knee"]}, {"ills": []}, {"ills": 3}):
        for page in ("home", "cart"):
            decision = make(rules).evaluate(ills, {"page": page}, NOW)
            assert decision["hero"].rule is None
            assert decision.warnings == ()
            assert decision.withheld == ()


def test_a_labelled_attribute_is_missing_so_known_false_holds():
    assert rule_of("r: {when: {ills: {known: false}}, show: {hero: a}}", {"ills": ["knee"]}) == "r"


def test_with_consent_a_labelled_segment_and_its_negation_are_as_any_other():
    assert rule_of("r: {when: {segment: sick}, show: {hero: a}}", YES) == "r"
    assert rule_of("r: {when: {not: {segment: sick}}, show: {hero: a}}", YES, {"page": "cart"}) == "r"


def test_templates_see_nothing_behind_the_door():
    base = BASE.replace("{title: A}", "{title: \"{{ user.income | default('unknown') }}\"}")
    engine = make("r: {when: always, show: {hero: a}}", base)
    assert engine.evaluate({"income": 900}, {}, NOW)["hero"].fields["title"] == "unknown"
    assert engine.evaluate({"income": 900} | YES, {}, NOW)["hero"].fields["title"] == "900"


def test_labelled_content_is_passed_over_for_the_next_rule_or_the_default():
    engine = make(
        "first: {when: always, show: {hero: ill, list: [ill, a]}, priority: 900}\n"
        "next: {when: {page: home}, show: {hero: b}}"
    )
    home = engine.evaluate({}, {"page": "home"}, NOW)
    assert (home["hero"].content, home["hero"].rule) == ("b", "next")
    assert [item.content for item in home["list"].items] == ["a"]
    assert engine.evaluate({}, {"page": "cart"}, NOW)["hero"].reason == "default"
    assert engine.evaluate(YES, {"page": "home"}, NOW)["hero"].content == "ill"


def withheld(rules: str, user: dict, context: dict | None = None) -> list[dict]:
    return make(rules).evaluate(user, context or {"page": "home"}, NOW).to_dict()["withheld"]


def test_withheld_lists_labelled_rules_and_content_that_would_have_been_used():
    rules = (
        "z: {when: {page: home}, topic: [health, finance], show: {hero: ill}}\n"
        "y: {when: always, show: {list: [ill, a]}, priority: 1}"
    )
    ill = {"kind": "content", "id": "ill", "topic": "health"}
    both = [
        {"kind": "rule", "id": "z", "topic": "finance"},
        {"kind": "rule", "id": "z", "topic": "health"},
    ]
    assert withheld(rules, {}) == [ill, *both]
    assert withheld(rules, {"consents": {"health": True}}) == both[:1]
    assert withheld(rules, YES) == []
    assert withheld(rules, {}, {"page": "cart"}) == [ill]


@pytest.mark.parametrize("until", ["until: 2026-11-24", "from: 2026-11-25"])
def test_a_rule_that_is_asleep_withholds_nothing(until):
    assert withheld(f"r: {{when: always, topic: health, show: {{hero: ill}}, {until}}}", {}) == []


def test_a_labelled_rule_whose_condition_reads_what_is_hidden_is_not_listed():
    assert withheld("r: {when: {ills: knee}, topic: health, show: {hero: ill}}", {"ills": ["knee"]}) == []


def test_a_withheld_hide_hides_nothing_and_a_withheld_set_sets_nothing():
    engine = make("r: {when: always, topic: health, hide: hero, set: {path: team}, order: {modules: [m3]}}")
    decision = engine.evaluate({}, {}, NOW)
    assert decision["hero"].reason == decision["modules"].reason == "default"
    assert decision["path"].value == "solo"


@pytest.mark.parametrize(
    "condition, asleep",
    [
        ("{country: NO}", True),
        ("{country: {known: false}}", True),
        ("{not: {country: NO}}", True),
        ("{segment: young}", True),
        ("{any: [{page: home}, {age: 3}]}", True),
        ("{logic: {'>': [{var: user.score}, 1]}}", True),
        ("{page: home}", False),
        ("{id: u1}", False),
        ("{opt_outs: personalization}", False),
        ("{logic: {'!': [{var: user.consents.health}]}}", False),
        ("always", False),
    ],
)
def test_opting_out_of_personalization_puts_rules_about_the_user_to_sleep(condition, asleep):
    rules = f"r: {{when: {condition}, show: {{hero: a}}}}"
    user = {"id": "u1", "country": "US", "age": 3, "score": 2, "opt_outs": ["personalization"]}
    assert (rule_of(rules, user) is None) is asleep


def test_opting_out_lists_the_sleeping_rules_that_hold_on_what_is_left():
    rules = (
        "gone: {when: {country: NO}, show: {hero: a}}\n"
        "left: {when: {any: [{page: home}, {age: 3}]}, show: {hero: a}}\n"
        "own: {when: always, purpose: personalization, show: {hero: a}}"
    )
    assert withheld(rules, {"country": "NO", "opt_outs": ["personalization"]}) == [
        {"kind": "rule", "id": "left", "purpose": "personalization"},
        {"kind": "rule", "id": "own", "purpose": "personalization"},
    ]


@pytest.mark.parametrize(
    "opt_outs, warned",
    [
        (["personalisation"], True),
        (["personalization", "ads"], True),
        (["personalization"], False),
        ([], False),
    ],
)
def test_an_opt_out_of_a_purpose_that_the_book_lacks_is_warned_of_without_its_name(opt_outs, warned):
    engine = make("r: {when: {age: 30}, show: {hero: a}}")
    user = {"age": 30, "opt_outs": opt_outs}
    decision = engine.evaluate(user, {}, NOW)
    found = [(warning.code, warning.attribute) for warning in decision.warnings]
    assert found == [("unknown-purpose", "user.opt_outs")] * warned
    assert not [purpose for purpose in opt_outs if purpose in str(decision.warnings)]
    assert decision["hero"].content == ("plain" if "personalization" in opt_outs else "a")
    assert decide(engine.book, user, {}, NOW) == decision.to_dict()


def test_opting_out_hides_the_user_from_templates_but_for_the_id():
    base = BASE.replace("{title: A}", "{title: '{{ user.id }}{{ user.name }}{{ context.page }}'}")
    engine = make("r: {when: always, show: {hero: a}}", base)
    user = {"id": "u1", "name": "Kari", "opt_outs": ["personalization"]}
    assert engine.evaluate(user, {"page": "home"}, NOW)["hero"].fields["title"] == "u1home"


@pytest.mark.parametrize("opt_outs", ["personalization", [3], {"personalization": True}, 1, [None], True])
def test_opt_outs_that_cannot_be_read_opt_out_of_everything(opt_outs):
    engine = make("r: {when: {country: NO}, show: {hero: a}}")
    decision = engine.evaluate({"country": "NO", "opt_outs": opt_outs}, {}, NOW)
    assert decision["hero"].rule is None
    assert [(w.code, w.attribute) for w in decision.warnings] == [("wrong-type", "user.opt_outs")]


def test_a_topic_whose_consent_is_never_asked_stays_closed():
    base = BASE + "topics: {health: {consent: never}}\n"
    engine = make("r: {when: always, show: {hero: ill}}", base, despite="never-consented")
    user = {"consents": {"health": True, "never": True}}
    assert engine.evaluate(user, {}, NOW)["hero"].reason == "default"


def test_a_topic_opens_by_the_flag_that_the_book_names():
    base = BASE + "topics: {health: {consent: care}}\n"
    engine = make("r: {when: always, show: {hero: ill}}", base)
    assert engine.evaluate({"consents": {"health": True}}, {}, NOW)["hero"].reason == "default"
    assert engine.evaluate({"consents": {"care": True}}, {}, NOW)["hero"].content == "ill"


def test_the_last_check_stands_behind_the_exit(monkeypatch):
    engine = make("r: {when: always, show: {hero: ill}}")
    real = engine_module.choose

    def faulty(plan, one, clauses, permissions):
        choice = real(plan, one, clauses, permissions)
        if one.slot.id == "hero":
            choice.items = [("ill", "r")]
        return choice

    monkeypatch.setattr(engine_module, "choose", faulty)
    for _ in range(2):  # nor is it given to the next one
        engine.evaluate({"consents": {"health": True}}, {}, NOW)
        decision = engine.evaluate({}, {}, NOW)
        assert decision["hero"].content is None
        assert [warning.code for warning in decision.warnings] == ["guard"]


def test_what_is_kept_for_one_is_never_given_to_another_whom_it_does_not_suit():
    base = BASE.replace(
        "{title: A}", "{title: '{{ user.score }} {{ user.consents.health }} {{ user.ills }}'}"
    )
    engine = make(
        "a: {when: {page: home}, show: {hero: ill, list: [ill, a]}}\n"
        "b: {when: {age: 30}, topic: health, show: {list: [b]}, hide: hero}\n"
        "c: {when: {age: {at least: 1}}, show: {hero: a, list: [a, b]}}",
        base,
    )
    consents = ({}, {"health": True}, {"health": False}, {"health": "yes"})
    users = [
        {"age": age, "score": age, "ills": ["knee"], "consents": consent}
        for age in (1, True, 30, 1.0)
        for consent in consents
    ]
    for user in (*users, *reversed(users), *users):
        for page in ("home", "cart"):
            expected = decide(engine.book, user, {"page": page}, NOW)
            assert engine.evaluate(user, {"page": page}, NOW).to_dict() == expected


def test_nothing_that_is_hidden_changes_a_decision_or_its_explanation():
    engine = make(
        "a: {when: {any: [{ills: knee}, {segment: sick}, {income: {at least: 3}}]}, show: {hero: ill}}\n"
        "b: {when: {not: {ills: knee}}, topic: finance, show: {hero: hello}}\n"
        '"c": {when: {logic: {">": [{var: user.income}, 5]}}, hide: hero}\n'
        "d: {when: {ills: {known: false}}, show: {list: [ill, a]}}"
    )
    hidden = [
        {},
        {"ills": ["knee"]},
        {"ills": 3},
        {"income": 9},
        {"income": None, "ills": []},
        {"ills": "x" * 99_999},
    ]
    seen = {str(explain(engine, {"age": 3} | user, {"page": "home"}, NOW).to_dict()) for user in hidden}
    assert len(seen) == 1


PURPOSES = BASE + "purposes: {tips: {honours: gpc}, ads: {description: Advertisements}}\n"
WITH_PURPOSES = (
    PURPOSES.replace("    age: {type: integer}", "    age: {type: integer, purpose: ads}")
    .replace("  d: {title: D}", '  d: {title: "D{{ user.age }}", purpose: tips}')
    .replace("page: {type: string, values: [home, cart]}", "page: {type: string, purpose: ads}")
)


def decided(rules: str, user: dict, context: dict | None = None, base: str = WITH_PURPOSES) -> dict:
    """The decision, for which the specification must speak, too."""
    engine = make(rules, base)
    decision = engine.evaluate(user, context or {}, NOW).to_dict()
    assert decision == decide(engine.book, user, context or {}, NOW)
    return decision


@pytest.mark.parametrize(
    "opt_outs, gpc, stops",
    [
        (None, None, set()),
        ([], False, set()),
        (["tips"], None, {"tips"}),
        (["ads"], None, {"ads"}),
        (["ads", "tips", "anything"], None, {"ads", "tips"}),
        (None, True, {"tips"}),
        (["ads"], True, {"ads", "tips"}),
        (None, 1, set()),
        (None, "1", set()),
        (None, "true", set()),
        ("ads", None, {"ads", "tips"}),
    ],
)
def test_an_opt_out_by_kind_stops_rules_attributes_and_content_of_that_purpose(opt_outs, gpc, stops):
    user = {"age": 40, "name": "Kari"} | ({"opt_outs": opt_outs} if opt_outs is not None else {})
    context = {"page": "home"} | ({"gpc": gpc} if gpc is not None else {})
    rules = (
        "rule: {when: always, purpose: ads, show: {hero: b}}\n"
        "attribute: {when: {age: 40}, set: {path: team}}\n"
        "moment: {when: {page: home}, show: {bare: c}}\n"
        "content: {when: always, show: {list: [d, c]}}"
    )
    decision = decided(rules, user, context)
    slots = decision["slots"]
    is_unreadable = opt_outs == "ads"
    assert slots["hero"]["rule"] == (None if "ads" in stops else "rule")
    assert decision["settings"]["path"]["rule"] == (None if "ads" in stops else "attribute")
    assert slots["bare"]["rule"] == (None if "ads" in stops else "moment")
    assert [item["content"] for item in slots["list"]["items"]] == (["c"] if "tips" in stops else ["d", "c"])
    told = {(one["kind"], one["id"]): one["purpose"] for one in decision["withheld"]}
    expected = {("rule", "rule"): "ads"} if "ads" in stops else {}
    expected |= {("content", "d"): "tips"} if "tips" in stops else {}
    assert told == expected
    is_unknown = "anything" in (opt_outs or ())
    assert bool(decision["warnings"]) == (
        is_unreadable or is_unknown or (isinstance(gpc, int | str) and not isinstance(gpc, bool))
    )


@pytest.mark.parametrize(
    "condition, fires",
    [
        ("{age: 40}", False),
        ("{age: {known: false}}", False),
        ("{not: {age: 3}}", False),
        ("{any: [{age: 40}, {page: home}]}", False),
        ("{segment: young}", False),
        ("{not: {segment: young}}", False),
        ("{logic: {'!': [{var: user.age}]}}", False),
        ("{page: home}", True),
        ("always", True),
        ("{id: u1}", True),
        ("{opt_outs: personalization}", True),
        ("{logic: {'!': [{var: user.consents.x}]}}", True),
    ],
)
def test_personalization_stops_every_rule_that_asks_about_the_user_and_leaves_the_rest(condition, fires):
    user = {"id": "u1", "age": 40, "opt_outs": ["personalization"]}
    decision = decided(f"r: {{when: {condition}, show: {{hero: a}}}}", user, {"page": "home"}, base=BASE)
    assert decision["slots"]["hero"]["rule"] == ("r" if fires else None)
    assert decision["slots"]["hero"]["content"] == ("a" if fires else "plain")


def test_what_opts_out_of_one_purpose_leaves_the_others_alone():
    user = {"age": 40, "country": "NO", "opt_outs": ["ads"]}
    rules = "r: {when: {country: NO}, show: {hero: b}}"
    assert decided(rules, user)["slots"]["hero"]["rule"] == "r"


def test_a_topic_that_is_not_sensitive_closes_nothing():
    base = BASE + "topics: {health: {sensitive: false, because: This is a clinic}}\n"
    rules = "r: {when: {ills: knee, segment: sick}, topic: health, show: {hero: ill}}"
    decision = decided(rules, {"ills": ["knee"]}, {"page": "home"}, base)
    assert (decision["slots"]["hero"]["content"], decision["withheld"]) == ("ill", [])
    assert make(rules, base).evaluate({"ills": ["knee"]}, {"page": "home"}, NOW).warnings == ()


LABELLED_PERMISSIONS = """
attributes:
  user: {opt_outs: {type: list of strings, topic: health}}
  context: {gpc: {type: boolean, topic: health}}
slots: {hero: {}}
content: {a: {title: A}}
rules:
  out: {when: {opt_outs: {contains: experiments}}, show: {hero: a}}
  signal: {when: {gpc: true}, show: {hero: a}}
"""


@pytest.mark.parametrize("consents", [{}, {"health": True}])
@pytest.mark.parametrize("said", [({"opt_outs": ["experiments"]}, {}), ({}, {"gpc": True})])
def test_what_the_guard_reads_is_hidden_from_rules_where_the_book_labels_it(consents, said):
    book, report = check_book({"book.yaml": LABELLED_PERMISSIONS.encode()})
    assert report.errors == 0, report.to_text()
    engine, (user, context) = Engine(book), said
    user = user | {"consents": consents}
    for asked in (user, UserDict(user)):
        decision = engine.evaluate(asked, context, NOW)
        assert decision.to_dict() == decide(book, user, context, NOW)
        assert (decision["hero"].content == "a") is bool(consents)


@pytest.mark.parametrize(
    "body", ["sensitive: false", "sensitive: false, because: ''", "because: x, sensitive: no"]
)
def test_a_topic_stays_sensitive_unless_the_book_says_why_not(body):
    text = BASE + f"topics: {{health: {{{body}}}}}\nrules: {{r: {{when: always, show: {{hero: ill}}}}}}\n"
    book, report = check_book({"a.yaml": text.encode()}, NOW)
    assert report.errors == 1
    assert Engine(book).evaluate({}, {}, NOW)["hero"].content == "plain"


@pytest.mark.parametrize(
    "rules",
    [
        "r: {when: {logic: {'!': [{var: user.ills}]}}, show: {hero: a}}",
        "r: {when: {logic: {'or': [true, {var: user.ills}]}}, show: {hero: a}}",
        "r: {when: {not: {logic: {'!': [{var: user.ills}]}}}, show: {hero: a}}",
        "r: {when: {segment: sick}, show: {hero: a}}",
        "r: {when: {not: {segment: sick}}, show: {hero: a}}",
        "r: {when: {not: {all: [{segment: sick}, {page: home}]}}, show: {hero: a}}",
        "r: {when: {ills: {contains none: [knee]}}, show: {hero: a}}",
    ],
)
def test_what_is_closed_is_unknown_whatever_it_says_for_engine_and_specification(rules):
    for ills in (["knee"], [], None, 3):
        decision = decided(rules, {"ills": ills}, {"page": "home"}, BASE)
        assert decision["slots"]["hero"]["rule"] is None
        assert (decision["withheld"], decision["warnings"]) == ([], [])


@pytest.mark.parametrize(
    "label", ["topic: health", "purpose: personalization", "topic: [children, health]", "purpose: ads"]
)
def test_a_default_that_carries_a_label_is_an_error(label):
    text = PURPOSES.replace("plain: {title: Welcome}", f"plain: {{title: Welcome, {label}}}")
    _, report = check_book({"a.yaml": text.encode()}, NOW)
    assert {one.code for one in report.diagnostics if one.severity == "error"} == {"labelled-default"}
