"""The in-process provider, through the official OpenFeature SDK for Python."""

import asyncio

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from tailored import Engine
from tailored.openfeature import TailoredProvider
from tests.support.shop import BOOK, write
from tests.support.waiting import while_waiting

NORWEGIAN = EvaluationContext("u-1", {"country": "NO", "user.city": "Bergen", "age": 20})
DOMAIN = "tailored-tests"


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return Engine.load(write(tmp_path_factory.mktemp("book") / "rules"))


@pytest.fixture
def provider(engine):
    return TailoredProvider(engine)


@pytest.fixture
def client(provider):
    api.set_provider(provider, DOMAIN)
    yield api.get_client(DOMAIN)
    api.shutdown()


@pytest.mark.parametrize(
    "kind, key, default, decided, otherwise",
    [
        ("boolean", "on", True, True, False),
        ("string", "text", "", "team", "solo"),
        ("string", "since", "", "2026-12-24", "2026-11-01"),
        ("string", "app", "", "4.10", "1.2"),
        ("integer", "whole", 0, 7, 1),
        ("float", "ratio", 0.0, 3.0, 2.0),
        ("float", "whole", 0.0, 7.0, 1.0),
        ("object", "words", [], ["c"], ["a", "b"]),
        ("object", "modules", {}, {"order": ["m3", "m1", "m2"]}, {"order": ["m1", "m2", "m3"]}),
        (
            "object",
            "hero",
            {},
            {"content": "hello", "fields": {"title": "Hello Bergen"}},
            {"content": "plain", "fields": {"title": "Welcome"}},
        ),
        ("object", "bare", {}, {"content": None, "fields": {}}, {"content": None, "fields": {}}),
    ],
)
def test_every_type_of_value_comes_with_its_reason_variant_and_metadata(
    client, engine, kind, key, default, decided, otherwise
):
    details = getattr(client, f"get_{kind}_details")
    found, plain = details(key, default, NORWEGIAN), details(key, default)
    assert (found.value, found.error_code) == (decided, None)
    assert type(found.value) is type(decided)
    assert (plain.value, plain.reason, plain.error_code) == (otherwise, Reason.DEFAULT, None)
    assert found.flag_metadata["book"] == found.flag_metadata["version"] == engine.version
    assert "rule" not in plain.flag_metadata
    if key != "bare":
        assert (found.reason, found.flag_metadata["rule"]) == (Reason.TARGETING_MATCH, "norway")
    awaited = asyncio.run(getattr(client, f"get_{kind}_details_async")(key, default, NORWEGIAN))
    assert awaited == found


@pytest.mark.parametrize(
    "key, variant", [("hero", "hello"), ("list", "a,b"), ("modules", "m3,m1,m2"), ("bare", "")]
)
def test_a_variant_is_what_was_placed(client, key, variant):
    assert client.get_object_details(key, {}, NORWEGIAN).variant == variant


def test_settings_have_their_value_as_variant(client):
    assert client.get_boolean_details("on", False, NORWEGIAN).variant == "true"
    assert client.get_object_details("words", [], NORWEGIAN).variant == "c"


def test_a_hidden_slot_is_a_disabled_flag(client):
    hidden = client.get_object_details("hero", {"mine": 1}, EvaluationContext("u-1", {"page": "cart"}))
    assert (hidden.reason, hidden.value) == (Reason.DISABLED, {"content": None, "fields": {}})
    assert hidden.flag_metadata["rule"] == "cart"


@pytest.mark.parametrize(
    "kind, key, default, context, code, said",
    [
        ("boolean", "nothing", True, None, ErrorCode.FLAG_NOT_FOUND, "no slot and no setting `nothing`"),
        ("object", "heor", {}, None, ErrorCode.FLAG_NOT_FOUND, "Did you mean `hero`?"),
        ("boolean", "text", True, None, ErrorCode.TYPE_MISMATCH, "`text` is not a boolean"),
        ("integer", "on", 3, None, ErrorCode.TYPE_MISMATCH, "not an integer"),
        ("integer", "ratio", 3, None, ErrorCode.TYPE_MISMATCH, "not an integer"),
        ("float", "on", 3.0, None, ErrorCode.TYPE_MISMATCH, "not a float"),
        ("object", "text", {}, None, ErrorCode.TYPE_MISMATCH, "not an object"),
        ("string", "hero", "", None, ErrorCode.TYPE_MISMATCH, "not a string"),
        ("string", "text", "x", {"both": "y"}, ErrorCode.INVALID_CONTEXT, "`user.both` or `context.both`"),
        (
            "string",
            "text",
            "x",
            {"consents": {"health": False}, "user.consents": {"health": True}},
            ErrorCode.INVALID_CONTEXT,
            "`consents` and `user.consents` are the same",
        ),
    ],
)
def test_what_goes_wrong_has_its_error_code_and_gives_the_applications_default(
    client, kind, key, default, context, code, said
):
    asked = EvaluationContext("u-1", context or {})
    details = getattr(client, f"get_{kind}_details")(key, default, asked)
    assert (details.value, details.reason, details.error_code) == (default, Reason.ERROR, code)
    assert said in details.error_message


def test_what_is_no_text_is_not_told_in_an_error(client):
    asked = EvaluationContext("u-1", {"country": "NO", "city": "Oslo"})
    assert client.get_object_value("hero", {}, asked)["fields"] == {"title": "Hello Oslo"}
    details = client.get_string_details("hero", "", asked)
    assert details.error_message == "`hero` is not a string, but an object."


def test_names_may_be_whole_or_short_and_others_are_ignored(client):
    for attributes in (
        {"user.country": "NO", "city": "Oslo"},
        {"country": "NO", "address": {"city": "Oslo"}},
        {"country": "NO", "city": "Oslo", "favourite": object, "context.both": "x", "user.both": "y"},
    ):
        value = client.get_object_value("hero", {}, EvaluationContext("u-1", attributes))
        assert value["fields"] == {"title": "Hello Oslo"}


def test_another_engine_can_take_over_and_the_application_hears_of_it(client, provider, tmp_path):
    heard = []
    client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, heard.append)
    provider.use(Engine.load(write(tmp_path / "rules", BOOK.replace("default: solo", "default: team"))))
    assert client.get_string_value("text", "") == "team"
    assert "text" in heard[0].flags_changed


def test_the_event_loop_goes_on_while_a_scorer_is_waited_for():
    def ask(engine):
        api.set_provider(TailoredProvider(engine), DOMAIN)
        return api.get_client(DOMAIN).get_object_details_async("hero", {})

    assert while_waiting(ask).value["content"] == "b"
    api.shutdown()
