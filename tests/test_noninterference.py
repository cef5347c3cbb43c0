"""What the guard hides leaves no trace: people who differ in nothing else are told the same, byte for byte.

A request has a twin, in which everything that a gate hides is replaced: by other values, by values of the
wrong type, by far too much, by nothing. What hides are topics without consent, purposes that were opted out
of by name or by the signal Sec-GPC, and `personalization`. The two must agree in the decision, its
explanation, the sentences for the person, the warnings and the log.

The first test here was seen to fail with each of these broken by hand: `Permissions.hiding` without topics,
without purposes, without `personalization`; `read_permissions` deaf to the signal, or with one topic
(biometrics) always open; `held_back` with one purpose (experiments) always open; `FactsReader.read` that
warns of what is no text before it asks the door. With the gate at the exit left open,
`test_a_broken_gate_at_the_exit_is_noticed` shows what stands behind it. Some of these breaks are made again
at every run.
"""

import copy
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tailored.book.load import check_book
from tailored.book.model import RuleBook
from tailored.condition.tree import Attribute
from tailored.engine.engine import Engine
from tailored.engine.explain import explain
from tailored.guard.permissions import Permissions
from tailored.service.decision_log import DecisionLog, UserIds, Waiting
from tailored.service.requests import Asked
from tests.support.books import books
from tests.support.conditions import ATTRIBUTES, NOW, contexts, mostly, users, values_of, written
from tests.support.make import make
from tests.support.rankings import ranked_books, ranked_requests

BESIDE: dict[str, dict[str, dict[str, Any]]] = {
    "user": {
        "street": {"type": "string", "path": "address.street", "topic": "precise-location"},
        "town": {"type": "string", "path": "address.city", "topic": "precise-location"},
        "address": {"type": "string", "topic": "precise-location"},
        "knee": {"type": "string", "path": "body.knee.left", "topic": "health"},
        "mood": {"type": "string", "values": ["calm", "sad"], "topic": ["health", "biometrics"]},
        "beta": {"type": "integer", "purpose": "personalization"},
        "clicks": {"type": "integer", "purpose": "recommendations"},
    },
    "context": {
        "place": {"type": "string", "path": "geo.place", "topic": "precise-location"},
        "zone": {"type": "string", "path": "geo.zone"},
        "pulse": {"type": "number", "topic": "biometrics"},
        "variant": {"type": "string", "purpose": "experiments"},
    },
}
"""Attributes with labels beside those of the other tests: `town` lies where everybody may read `city`,
`address` holds both, and `geo` holds `place` beside what anybody may read."""
PURPOSES = {"recommendations": {"honours": ["gpc"]}, "experiments": {"description": "Trying things out"}}
EVERY = {side: ATTRIBUTES[side] | BESIDE[side] for side in ATTRIBUTES}
PIECES = [f"{side}.{name}" for side, specs in BESIDE.items() for name in specs]
PIECES += ["user.diagnoses", "user.income", "user.city"]
HUGE: list[Any] = ["x" * 70_000, ["x"] * 10_001, 2**70, {"deep": {"er": ["x"] * 99}}]
ODD: list[Any] = [None, 0, -1, True, 17.5, "calm", "boots", b"x", "\ud800", [], [None], {}, object, *HUGE]
Path: TypeAlias = tuple[str, ...]
SEEN: Counter[str] = Counter()


def path_of(name: str, spec: dict[str, Any]) -> Path:
    return tuple(spec.get("path", name).split("."))


@st.composite
def labelled_books(draw: Any) -> dict[str, Any]:
    """A generated book that reads hidden attributes everywhere: in rules, segments, `logic:`, templates."""
    book = draw(books())
    for number, rule in enumerate(book["rules"].values()):
        if draw(st.booleans()):
            rule["when"] = {draw(st.sampled_from(["any", "all"])): [draw(READS), rule["when"]]}
        if draw(st.integers(1, 4)) == 1:
            rule["because"] = f"you are {number}"
    for name, segment in book["segments"].items():
        if draw(st.integers(1, 3)) == 1:
            segment["when"] = {"any": [draw(READS), segment["when"]]}
        if draw(st.booleans()):
            segment["description"] = f"Looked at {name}"
    for body in book["content"].values():
        one, other = draw(st.sampled_from(PIECES)), draw(st.sampled_from(PIECES))
        body["extra"] = f"{{{{ {one} }}}}{{% if {other} %}}{{{{ {other} ~ {one} }}}}{{% endif %}}"
    for rule in book["rules"].values():
        if draw(st.integers(1, 4)) == 1:
            rule["purpose"] = draw(st.sampled_from(sorted(PURPOSES)))
    return {**book, "attributes": EVERY, "purposes": book["purposes"] | PURPOSES}


_NAMES = st.sampled_from(["street", "town", "user.address", "knee", "mood", "place"])
READS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    _NAMES.map(lambda name: {name: {"starts with": "c"}}),
    _NAMES.map(lambda name: {name: {"known": True}}),
    _NAMES.map(lambda name: {name: {"known": False}}),
    _NAMES.map(lambda name: {"not": {name: {"contains": "a"}}}),
    st.sampled_from(["user.street", "user.mood", "context.place"]).map(
        lambda name: {"logic": {"!": [{"var": name}]}}
    ),
    st.sampled_from(
        [
            {"beta": {"at least": 1}},
            {"clicks": {"known": False}},
            {"variant": {"is not": "c"}},
            {"pulse": {"known": False}},
            {"diagnoses": {"contains": "boots"}},
            {"income": {"at most": 18}},
        ]
    ),
)
"""Conditions on what may be hidden."""


OPT_OUTS = [["personalization"], ["recommendations", "experiments"], ["experiments"]]


@st.composite
def requests(draw: Any) -> dict[str, dict[str, Any]]:
    """A request that mostly keeps something to itself."""
    request = {"user": draw(users()), "context": draw(contexts())}
    for side, specs in BESIDE.items():
        for name, spec in specs.items():
            if draw(st.booleans()):
                put(request[side], path_of(name, spec), draw(VALUES[side, name]))
    request["context"] |= draw(st.sampled_from([{}, {"gpc": True}, {"gpc": False}]))
    if draw(st.integers(1, 2)) == 1:
        request["user"]["opt_outs"] = draw(st.sampled_from(OPT_OUTS))
    elif draw(st.booleans()):
        flags = st.sampled_from(["health", "finance", "biometrics"])
        request["user"]["consents"] = draw(st.dictionaries(flags, st.booleans(), max_size=2))
    return request


VALUES = {
    (side, name): mostly(st.sampled_from(["calm", "c", "a"]) | values_of(spec), st.sampled_from(HUGE), 6)
    for side, specs in EVERY.items()
    for name, spec in specs.items()
}


def put(data: dict[str, Any], path: Path, value: Any) -> None:
    """Puts a value at a path, unless something else than a mapping is on the way."""
    *way, last = path
    for step in way:
        data = data.setdefault(step, {})
        if not isinstance(data, dict):
            return
    data[last] = value


def take(data: Any, path: Path) -> None:
    *way, last = path
    for step in way:
        data = data.get(step) if isinstance(data, dict) else None
    if isinstance(data, dict):
        data.pop(last, None)


def is_hidden(book: RuleBook, attribute: Attribute, user: dict[str, Any], gpc: object) -> bool:
    """What the gate at the door has to hide, said once more from its meaning."""
    consents, opt_outs = user.get("consents"), user.get("opt_outs")
    flags = [
        topic.consent for topic in book.topics.values() if topic.id in attribute.topics and topic.sensitive
    ]
    given = consents if isinstance(consents, dict) else {}
    if any(flag is None or given.get(flag) is not True for flag in flags):
        return True
    out: set[str] = set()
    if isinstance(opt_outs, list | tuple) and all(isinstance(one, str) for one in opt_outs):
        out = set(opt_outs)
    elif opt_outs is not None:
        out = set(book.purposes)
    out |= {one.id for one in book.purposes.values() if gpc is True and "gpc" in one.honours}
    is_about_user = attribute.side == "user" and attribute.name not in ("id", "opt_outs")
    return attribute.purpose in out or (is_about_user and "personalization" in out)


def touches(path: Path, other: Path) -> bool:
    """Whether writing at one path changes what lies at the other."""
    length = min(len(path), len(other))
    return path[:length] == other[:length]


def twin_of(data: Any, book: RuleBook, request: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same request with other values wherever the gate at the door hides them, and only there."""
    twin = copy.deepcopy(request)
    hidden: list[tuple[Attribute, Path]] = []
    visible: list[tuple[str, Path]] = [
        ("user", ("consents",)),
        ("user", ("opt_outs",)),
        ("context", ("gpc",)),
    ]
    for attribute in book.attributes.values():
        path = attribute.path or (attribute.name,)
        if is_hidden(book, attribute, request["user"], request["context"].get("gpc")):
            hidden.append((attribute, path))
        else:
            visible.append((attribute.side, path))
    for attribute, path in hidden:
        if any(side == attribute.side and touches(path, other) for side, other in visible):
            SEEN["shared"] += 1  # who declares a place twice, once without a label, lets it be seen
            continue
        kind = data.draw(st.sampled_from(["typed", "odd", "missing", "kept"]))
        SEEN[kind] += 1
        if kind == "missing":
            take(twin[attribute.side], path)
        elif kind == "odd":
            put(twin[attribute.side], path, data.draw(st.sampled_from(ODD)))
        elif kind == "typed":
            put(twin[attribute.side], path, data.draw(VALUES[attribute.side, attribute.name]))
    return twin


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.name} {record.levelname} {record.getMessage()} {record.exc_text}")


class _Nowhere:
    def write(self, records: Any) -> None:
        raise AssertionError("nothing is put into the queue")


def told(engine: Engine, user: dict[str, Any], context: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Everything that anybody is told about one request."""
    root, records = logging.getLogger(), _Records()
    level = root.level
    root.addHandler(records)
    root.setLevel(logging.NOTSET)
    try:
        found = explain(engine, user, context, NOW)
        decision = found.decision
        yield "decision", decision.to_json()
        yield "again", engine.evaluate(user, context, NOW).to_json()
        yield "text", found.to_text()
        yield "explanation", found.to_dict()
        yield "why", [(name, decision.why(name)) for name in decision]
        yield "warnings", [warning.to_dict() for warning in decision.warnings]
        asked = Asked(user, context, None, ())
        log = DecisionLog(_Nowhere(), UserIds(b"secret", plain=True), tuple(engine.book.attributes))
        yield "decision log", log.record(Waiting(0.0, asked, decision))
        log.close(0)
    finally:
        root.removeHandler(records)
        root.setLevel(level)
    yield "log", records.texts


def compare(data: Any, written_book: dict[str, Any], pair: list[dict[str, dict[str, Any]]]) -> None:
    book, report = check_book({"book.yaml": written(written_book)}, now=NOW)
    errors = {finding.code for finding in report.diagnostics if finding.severity == "error"}
    assert errors <= {"never-consented"}, report.to_text()  # such rules must not leak either
    engine = Engine(book)
    for request in pair:
        twin = twin_of(data, book, request)
        one, other = told(engine, **request), told(engine, **twin)
        for (what, first), (_, second) in zip(one, other, strict=True):
            assert first == second, what
        decision = engine.evaluate(**request, now=NOW)
        SEEN.update({f"withheld {entry.label}" for entry in decision.withheld})
        SEEN.update({placement.reason for placement in decision.slots.values()})
        SEEN["differ"] += repr(request) != repr(twin)


PAIRS = st.lists(requests(), min_size=2, max_size=2)
FEW = settings(
    max_examples=50,
    phases=[Phase.generate],  # a failure takes minutes to shrink
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


def check(**more: Any) -> None:
    settings(FEW, **more)(given(st.data(), labelled_books(), PAIRS)(compare))()


@pytest.mark.no_cover
def test_people_who_differ_only_in_what_is_hidden_are_told_the_same():
    SEEN.clear()
    check()
    assert SEEN["differ"] >= 80
    wanted = {"typed", "odd", "missing", "shared", "rule", "hidden", "withheld topic", "withheld purpose"}
    assert wanted <= SEEN.keys(), sorted(SEEN)


RANKED_ODD = st.sampled_from([None, 0, -1, "x", ["x"], ["p", "q"], [3], {}, object, *HUGE])


@pytest.mark.no_cover
def test_what_is_hidden_from_scorers_and_conditions_on_items_leaves_no_trace_either():
    """The scorers of these books answer by everything that they are given."""
    seen: Counter[str] = Counter()

    @settings(FEW, max_examples=60)
    @given(st.data(), ranked_books(), ranked_requests())
    def compare_rankings(data, made, requests):
        book, report = check_book({"book.yaml": written(made[0])}, now=NOW)
        assert report.errors == 0, report.to_text()
        for user, context in requests:
            hidden = [
                one.name
                for one in book.attributes.values()
                if one.side == "user" and is_hidden(book, one, user, None)
            ]
            twin = {key: value for key, value in user.items() if key not in hidden}
            twin |= {name: data.draw(RANKED_ODD) for name in hidden}
            one, other = (ranked_for(book, made[1], who, context) for who in (user, twin))
            assert one == other
            seen["differ"] += repr(user) != repr(twin)
            seen["ranked"] += '"scorer"' in one["decision"]

    compare_rankings()
    assert seen["differ"] >= 80
    assert seen["ranked"] >= 25


def ranked_for(book: RuleBook, scorers: Any, user: Any, context: Any) -> dict[str, Any]:
    """What is told of one request by an engine of its own, as scorers that fail are asked less often."""
    engine = Engine(book, scorers)
    try:
        return dict(told(engine, user, context))
    finally:
        engine.close()


@pytest.mark.long
def test_they_are_told_the_same_on_many_more_books():
    check(max_examples=1_000, derandomize=False)


def door(*labels: str) -> Callable[..., Any]:
    """A gate at the door that knows only these kinds of labels."""
    real = Permissions.hiding
    return lambda self, attribute: tuple(one for one in real(self, attribute) if one[0] in labels)


@pytest.mark.parametrize("labels", [(), ("topic",), ("purpose",)])
def test_a_broken_gate_at_the_door_is_noticed(monkeypatch, labels):
    monkeypatch.setattr(Permissions, "hiding", door(*labels))
    with pytest.raises(AssertionError):
        check(report_multiple_bugs=False)


def test_a_broken_gate_at_the_exit_is_noticed(monkeypatch):
    """The exit guards labelled content: with it open, content is placed that the permissions hold back."""
    monkeypatch.setattr("tailored.engine.resolve._permitted", lambda *given: True)
    decision = make("r: {when: always, show: {hero: ill}}").evaluate({}, {}, NOW)
    assert decision["hero"].content is None
    assert [warning.code for warning in decision.warnings] == ["guard"]


def test_what_a_request_consents_to_does_make_a_difference():
    """So that the other tests do not pass for want of anything to tell."""
    engine = make("r: {when: {ills: knee}, show: {hero: a}}")
    ill, well = ({"ills": [what], "consents": {"health": True}} for what in ("knee", "none"))
    assert [*told(engine, ill, {})] != [*told(engine, well, {})]
