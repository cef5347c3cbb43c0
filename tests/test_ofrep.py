"""OFREP: the protocol as it is written, and the official clients for Python, Node and pages."""

import functools
import http.server
import json
import shutil
import threading
from pathlib import Path

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from tailored import Engine
from tailored.service.keys import new_key
from tests.support.node import NodeToolMissing, bundle, node_script
from tests.support.serving import Served
from tests.support.shop import BOOK, write

JS = Path(__file__).parent / "support" / "js"
ONE, ALL = "/ofrep/v1/evaluate/flags/", "/ofrep/v1/evaluate/flags"
NORWEGIAN = {"targetingKey": "u-1", "country": "NO", "user.city": "Bergen", "age": 20}
HELLO = {"content": "hello", "fields": {"title": "Hello Bergen"}}
KEY, STORED = new_key()
SLOW, OTHER = new_key(), new_key()


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return write(tmp_path_factory.mktemp("book") / "rules")


@pytest.fixture(scope="module")
def version(book):
    return Engine.load(book).version


@pytest.fixture(scope="module")
def served(book):
    with Served(book) as served:
        yield served


@pytest.fixture(scope="module")
def locked(book, tmp_path_factory):
    """A service that wants a key, lets pages of any origin ask, and answers two questions a minute."""
    settings = tmp_path_factory.mktemp("settings") / "service.yaml"
    settings.write_text(
        f"cors: '*'\nkeys:\n  shop: {{hash: '{STORED}', scopes: [evaluate]}}\n"
        f"  slow: {{hash: '{SLOW[1]}', scopes: [evaluate], rate: 0.01, burst: 1}}\n"
        f"  other: {{hash: '{OTHER[1]}', scopes: [admin]}}\n"
    )
    with Served(book, ["--config", str(settings)]) as served:
        yield served


def one(served, key, context):
    return served.client.post(ONE + key, json={"context": context})


@pytest.mark.parametrize(
    "key, value, variant",
    [
        ("hero", HELLO, "hello"),
        (
            "list",
            {
                "items": [
                    {"content": "a", "fields": {"title": "A"}, "rule": "norway"},
                    {"content": "b", "fields": {"title": "B"}, "rule": "grown"},
                ]
            },
            "a,b",
        ),
        ("modules", {"order": ["m3", "m1", "m2"]}, "m3,m1,m2"),
        ("on", True, "true"),
        ("text", "team", "team"),
        ("whole", 7, "7"),
        ("ratio", 3.0, "3.0"),
        ("since", "2026-12-24", "2026-12-24"),
        ("app", "4.10", "4.10"),
        ("words", ["c"], "c"),
    ],
)
def test_a_flag_has_value_reason_variant_and_metadata(served, version, key, value, variant):
    answer = one(served, key, NORWEGIAN)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "key": key,
        "value": value,
        "reason": "TARGETING_MATCH",
        "variant": variant,
        "metadata": {"book": version, "version": version, "rule": "norway"},
    }


@pytest.mark.parametrize(
    "key, context, reason, rule, value",
    [
        ("hero", {}, "DEFAULT", None, {"content": "plain", "fields": {"title": "Welcome"}}),
        ("bare", {}, "DEFAULT", None, {"content": None, "fields": {}}),
        ("on", {}, "DEFAULT", None, False),
        ("hero", {"page": "cart"}, "DISABLED", "cart", {"content": None, "fields": {}}),
        ("list", {"context.page": "cart"}, "DISABLED", "cart", {"items": []}),
    ],
)
def test_the_reason_is_the_protocols(served, key, context, reason, rule, value):
    flag = one(served, key, context).json()
    assert (flag["reason"], flag["metadata"].get("rule"), flag["value"]) == (reason, rule, value)


def test_all_flags_come_at_once(served):
    answer = served.client.post(ALL, json={"context": NORWEGIAN})
    flags = {flag["key"]: flag for flag in answer.json()["flags"]}
    assert list(flags) == [
        *["hero", "bare", "list", "modules", "on", "text", "whole", "ratio", "since", "app", "words"]
    ]
    assert all(flag == one(served, key, NORWEGIAN).json() for key, flag in flags.items())


def test_flags_that_are_as_they_were_are_not_sent_again(served):
    first = served.client.post(ALL, json={"context": NORWEGIAN})
    tag = first.headers["etag"]
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = served.client.post(ALL, json={"context": NORWEGIAN}, headers={"if-none-match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = served.client.post(ALL, json={"context": {}}, headers={"if-none-match": tag})
    assert other.status_code == 200
    assert other.headers["etag"] != tag


@pytest.mark.parametrize(
    "content, code, said",
    [
        (b"", "PARSE_ERROR", "empty"),
        (b"{", "PARSE_ERROR", "not JSON"),
        (b"[]", "PARSE_ERROR", "must be a JSON object"),
        (b'{"context": []}', "INVALID_CONTEXT", "must be an object"),
        (b'{"context": {"targetingKey": 5}}', "INVALID_CONTEXT", "must be a text"),
        (b'{"context": {"both": 5}}', "INVALID_CONTEXT", "write it whole"),
    ],
)
def test_a_bad_context_is_refused_as_the_protocol_has_it(served, content, code, said):
    headers = {"content-type": "application/json"}
    for path, key in ((ALL, None), (f"{ONE}hero", "hero")):
        answer = served.client.post(path, content=content, headers=headers)
        failure = answer.json()
        assert (answer.status_code, failure["errorCode"], failure.get("key")) == (400, code, key)
        assert said in failure["errorDetails"]


@pytest.mark.parametrize("key", ["heor", "a b", "a/b", "ø", "%00"])
def test_an_unknown_flag_is_not_found(served, key):
    answer = served.client.post(ONE + key.replace("%", "%25"), json={})
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "FLAG_NOT_FOUND")
    assert answer.json()["key"] == key
    assert key != "heor" or "Did you mean `hero`?" in answer.json()["errorDetails"]


def test_without_a_key_it_is_401_with_another_scope_403_and_too_often_429(locked):
    def status(key):
        answer = locked.client.post(f"{ONE}hero", json={}, headers={"authorization": f"Bearer {key}"})
        return answer.status_code, answer.headers.get("retry-after")

    assert locked.client.post(f"{ONE}hero", json={}).status_code == 401
    assert status("wrong") == (401, None)
    assert status(OTHER[0]) == (403, None)
    assert status(KEY) == (200, None)
    assert status(SLOW[0]) == (200, None)
    refused, seconds = status(SLOW[0])
    assert refused == 429
    assert 1 <= int(seconds) <= 100


class TestThePythonClient:
    @pytest.fixture
    def client(self, served):
        api.set_provider(OFREPProvider(served.url), "ofrep")
        yield api.get_client("ofrep")
        api.shutdown()

    @pytest.mark.parametrize(
        "kind, key, default, value",
        [
            ("boolean", "on", False, True),
            ("string", "text", "", "team"),
            ("integer", "whole", 0, 7),
            ("float", "ratio", 0.0, 3.0),
            ("object", "hero", {}, HELLO),
            ("object", "words", [], ["c"]),
        ],
    )
    def test_it_gets_every_type(self, client, version, kind, key, default, value):
        asked = EvaluationContext(
            "u-1", {key: one for key, one in NORWEGIAN.items() if key != "targetingKey"}
        )
        details = getattr(client, f"get_{kind}_details")(key, default, asked)
        assert (details.value, details.reason, details.error_code) == (value, Reason.TARGETING_MATCH, None)
        assert (details.flag_metadata["rule"], details.flag_metadata["book"]) == ("norway", version)

    def test_it_understands_hidden_slots_and_defaults(self, client):
        cart = EvaluationContext("u-1", {"page": "cart"})
        assert client.get_object_details("hero", {}, cart).reason == Reason.DISABLED
        assert client.get_object_details("bare", {}).reason == Reason.DEFAULT

    def test_it_understands_errors(self, client):
        assert client.get_boolean_details("none", True).error_code == ErrorCode.FLAG_NOT_FOUND
        assert client.get_boolean_details("text", True).error_code == ErrorCode.TYPE_MISMATCH
        ambiguous = client.get_boolean_details("on", True, EvaluationContext("u", {"both": 1}))
        assert ambiguous.error_code == ErrorCode.INVALID_CONTEXT

    def test_it_sends_its_key_and_waits_when_it_asked_too_often(self, locked):
        provider = OFREPProvider(locked.url, headers_factory=lambda: {"X-API-Key": SLOW[0]})
        api.set_provider(provider, "slow")
        client = api.get_client("slow")
        answers = [client.get_boolean_details("on", True) for _ in range(3)]
        assert {answer.error_code for answer in answers[1:]} == {ErrorCode.GENERAL}
        assert "paused due to TooManyRequests" in answers[-1].error_message
        api.shutdown()


def test_the_provider_for_node_gets_every_type(served, version):
    asked = [
        {"kind": kind, "key": key, "otherwise": otherwise, "context": context}
        for kind, key, otherwise, context in (
            ("Boolean", "on", False, NORWEGIAN),
            ("String", "text", "", NORWEGIAN),
            ("Number", "whole", 0, NORWEGIAN),
            ("Number", "ratio", 0, NORWEGIAN),
            ("Object", "hero", {}, NORWEGIAN),
            ("Object", "modules", {}, NORWEGIAN),
            ("Object", "hero", {}, {"page": "cart"}),
            ("Boolean", "on", True, {}),
            ("Boolean", "none", True, {}),
            ("Boolean", "text", True, {}),
            ("Boolean", "on", True, {"both": 1}),
        )
    ]
    answers = run_node({"baseUrl": served.url, "headers": [], "asked": asked})
    good, hidden, default, *failed = answers[:6], *answers[6:]
    assert [one["value"] for one in good] == [True, "team", 7, 3, HELLO, {"order": ["m3", "m1", "m2"]}]
    assert {one["reason"] for one in good} == {"TARGETING_MATCH"}
    assert {one["flagMetadata"]["book"] for one in good} == {version}
    assert [one["variant"] for one in good[4:]] == ["hello", "m3,m1,m2"]
    assert (hidden["reason"], hidden["value"]) == ("DISABLED", {"content": None, "fields": {}})
    assert (default["reason"], default["value"]) == ("DEFAULT", False)
    assert [one["errorCode"] for one in failed] == ["FLAG_NOT_FOUND", "TYPE_MISMATCH", "INVALID_CONTEXT"]
    assert [one["value"] for one in failed] == [True] * 3


def test_the_provider_for_node_sends_its_key(locked):
    asked = [{"kind": "Boolean", "key": "on", "otherwise": False, "context": NORWEGIAN}]
    for headers, value in ([["Authorization", f"Bearer {KEY}"]], True), ([["X-API-Key", "wrong"]], False):
        (answer,) = run_node({"baseUrl": locked.url, "headers": headers, "asked": asked})
        assert answer["value"] is value
        assert value or answer["errorCode"] == "GENERAL"


def run_node(given):
    try:
        return node_script(JS / "server.mjs", given)
    except NodeToolMissing as missing:
        pytest.skip(str(missing))


class _Pages(http.server.SimpleHTTPRequestHandler):
    change = None

    def do_GET(self):
        if self.path == "/change":
            _Pages.change()
            self.path = "/index.html"
        super().do_GET()

    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The address of a page that holds the provider for pages, of another origin than the service's."""
    folder = tmp_path_factory.mktemp("page")
    try:
        bundle(JS / "page.mjs", folder / "page.js")
    except NodeToolMissing as missing:
        pytest.skip(str(missing))
    (folder / "index.html").write_text("<!doctype html><title>shop</title><script src=page.js></script>")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Pages, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    server.shutdown()
    server.server_close()


def browse(url, *steps):
    executable = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if executable is None:
        pytest.skip("Chromium is not installed; on Debian, `make browser` installs it")
    return node_script(JS / "browse.mjs", {"executable": executable, "url": url, "steps": steps})


def started(served, context, key=KEY, poll=-1):
    headers = json.dumps([["Authorization", f"Bearer {key}"]])
    return f"await tailored.start({served.url!r}, {headers}, {json.dumps(context)}, {poll});"


def test_the_provider_for_pages_decides_in_a_real_browser(locked, page, version):
    told = browse(
        page,
        started(locked, NORWEGIAN),
        "return tailored.details('Object', 'hero', {})",
        "return tailored.details('Boolean', 'on', false)",
        "return tailored.details('Number', 'ratio', 0)",
        "return tailored.details('String', 'none', 'x')",
        "return tailored.details('Boolean', 'text', true)",
        "await tailored.move({targetingKey: 'u-2', page: 'cart'})",
        "return tailored.details('Object', 'hero', {})",
        "return tailored.details('Boolean', 'on', true)",
    )
    assert told["problems"] == []
    _, hero, on, ratio, missing, mismatch, _, hidden, off = told["answers"]
    assert (hero["value"], hero["reason"], hero["variant"]) == (HELLO, "TARGETING_MATCH", "hello")
    assert (hero["flagMetadata"]["rule"], hero["flagMetadata"]["book"]) == ("norway", version)
    assert (on["value"], ratio["value"]) == (True, 3)
    assert (missing["errorCode"], missing["value"]) == ("FLAG_NOT_FOUND", "x")
    assert (mismatch["errorCode"], mismatch["value"]) == ("TYPE_MISMATCH", True)
    assert (hidden["reason"], hidden["value"]["content"]) == ("DISABLED", None)
    assert (off["reason"], off["value"]) == ("DEFAULT", False)
    assert {one.partition("//")[2].partition(":")[0] for one in told["asked"]} == {"127.0.0.1"}


def test_a_page_without_a_key_cannot_start(locked, page):
    told = browse(page, started(locked, {}, "wrong"), "return tailored.details('Boolean', 'on', true)")
    failed, details = told["answers"]
    assert "Initialization failed" in failed["failed"]
    assert (details["value"], details["errorCode"]) == (True, "PROVIDER_FATAL")


def test_a_page_that_polls_is_told_nothing_new_until_the_rules_change(page, tmp_path):
    book, settings = write(tmp_path / "rules"), tmp_path / "service.yaml"
    settings.write_text(f"cors: {page.rpartition('/')[0]}\n")
    with Served(book, ["--config", str(settings)]) as served:
        _Pages.change = lambda: write(book, BOOK.replace("default: solo", "default: team"))
        told = browse(
            page,
            started(served, {"targetingKey": "u-1"}, "none", 200),
            "return tailored.details('String', 'text', '')",
            "await new Promise((later) => setTimeout(later, 1000)); await fetch('/change')",
            "return Promise.race([tailored.changed, new Promise((late) => setTimeout(late, 20000))])",
            "return tailored.details('String', 'text', '')",
        )
    _, before, _, changed, after = told["answers"]
    assert (before["value"], after["value"]) == ("solo", "team")
    assert "text" in changed
    statuses = [one.rpartition(" ")[2] for one in told["asked"] if "/ofrep/" in one]
    assert statuses.count("304") >= 2
    assert statuses.count("200") >= 2


def test_pages_of_other_origins_may_not_ask_unless_configured(served, locked):
    origin = {"origin": "https://elsewhere.example"}
    closed = served.client.post(ALL, json={}, headers=origin)
    assert "access-control-allow-origin" not in closed.headers
    asked = {
        **origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    preflight = locked.client.options(ALL, headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "https://elsewhere.example"
    assert "Content-Type" in preflight.headers["access-control-allow-headers"]


def test_the_documentation_page_can_ask_without_any_network(served):
    send = "document.querySelector('#evaluate form').requestSubmit()"
    told = browse(
        f"{served.url}/docs",
        f"{send}; await new Promise((later) => setTimeout(later, 1500))",
        "return document.querySelector('#evaluate output').textContent",
    )
    assert told["answers"][1].startswith("200")
    assert '"hero"' in told["answers"][1]
    assert told["problems"] == []
    assert all(one.startswith(served.url) for one in told["asked"])
