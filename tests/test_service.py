"""The service over real HTTP: what it answers, how it refuses, and that it decides as the engine does."""

import json
import socket
from pathlib import Path

import httpx
import jsonschema
import pytest

from tailored import Engine
from tailored.engine.explain import explain
from tests.support.serving import Served
from tests.support.shop import BOOK, write

REQUESTS = {path.stem: json.loads(path.read_text()) for path in Path("examples/requests").glob("*.json")}
HIKER = REQUESTS["hiker"]


@pytest.fixture(scope="module")
def served():
    with Served() as served:
        yield served


@pytest.fixture(scope="module")
def engine():
    return Engine.load("rules")


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_it_decides_as_the_engine_does(served, engine, name):
    request = REQUESTS[name]
    answer = served.evaluate(request)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    asked = request["user"], request["context"], request["now"]
    decided = in_time(lambda: engine.evaluate(*asked).to_dict())
    for _ in range(3):  # what was encoded once stays the same
        assert in_time(lambda: served.evaluate(request).json()) == decided


def in_time(decide):
    """A decision whose scorers all answered in time: on a busy machine one may be late."""
    for _ in range(50):
        decided = decide()
        if "did not answer within" not in json.dumps(decided):
            return decided
    raise AssertionError("no scorer was ever in time")


def test_only_the_slots_and_settings_asked_for_are_answered(served, engine):
    answer = served.evaluate(HIKER, slots=["hero", "onboarding-path"]).json()
    whole = engine.evaluate(HIKER["user"], HIKER["context"], HIKER["now"]).to_dict()
    assert answer["slots"] == {"hero": whole["slots"]["hero"]}
    assert answer["settings"] == {"onboarding-path": whole["settings"]["onboarding-path"]}


def test_now_is_the_clocks_unless_given(served):
    asked = {"user": {}, "context": {"page": "home"}}
    winter = served.evaluate(asked, now="2035-11-24T10:00:00Z").json()["slots"]["campaign-strip"]
    assert winter != served.evaluate(asked, now="2026-07-01").json()["slots"]["campaign-strip"]


@pytest.mark.parametrize(
    "body, field, said",
    [
        ({"context": {}}, "/user", "`user` is missing"),
        ({"user": [], "context": {}}, "/user", "`user` must be an object"),
        ({"user": {}, "context": None}, "/context", "`context` must be an object"),
        ({"user": {}, "context": {}, "now": 5}, "/now", "`now` must be a text"),
        ({"user": {}, "context": {}, "now": None}, "/now", "`now` must be a text"),
        ({"user": {}, "context": {}, "now": "tomorrow"}, "/now", "no ISO 8601 time"),
        ({"user": {}, "context": {}, "slots": "hero"}, "/slots", "must be a list"),
        ({"user": {}, "context": {}, "slots": []}, "/slots", "leave it out to get all of them"),
        ({"user": {}, "context": {}, "slots": [1]}, "/slots/0", "an id is a text"),
        ({"user": {}, "context": {}, "slots": ["hreo"]}, "/slots/0", "Did you mean `hero`?"),
        ({"user": {}, "context": {}, "solts": []}, "/solts", "Did you mean `slots`?"),
        ({"user": {}, "context": {}, "a/b~": 1}, "/a~1b~0", "there is no field"),
        ({"user": {}, "context": {}, "\ud83d": 1}, "/?", "there is no field `?`"),
        ({"user": {}, "context": {}, "slots": ["\ud83d"]}, "/slots/0", "no setting `?`"),
        ([], "", "must be a JSON object with"),
        ("x", "", "must be a JSON object with"),
    ],
)
def test_a_bad_request_says_which_field(served, body, field, said):
    headers = {"content-type": "application/json"}
    answer = served.client.post("/v1/evaluate", content=json.dumps(body), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == 400
    assert problem["type"] == "urn:tailored:problem:bad-request"
    (error,) = [one for one in problem["errors"] if one["field"] == field]
    assert said in error["message"]


@pytest.mark.parametrize(
    "content",
    [
        b'{"user": {"first_name": "\\ud83d"}, "context": {}}',
        b'{"user": {"first_name": 1e999}, "context": {}}',
        b'{"user": {"first_name": 123456789012345678901234567890}, "context": {}}',
        b'{"user": {"first_name": ' + b"9" * 5000 + b'}, "context": {}}',
    ],
)
def test_what_cannot_be_is_a_warning_and_costs_nobody_a_decision(served, content):
    """Pages cut texts in the middle of an emoji, and write numbers that no float holds."""
    answer = served.client.post("/v1/evaluate", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    (warning,) = answer.json()["warnings"]
    assert warning["attribute"] == "user.first_name"


@pytest.mark.parametrize(
    "content, status, said",
    [
        (b"", 400, "The body is empty"),
        (b"{", 400, "at line 1, column 2"),
        (b'{"user": {}, "context": {}', 400, "not JSON"),
        (b'{"user": {"age": NaN}, "context": {}}', 400, "not JSON"),
        ('{"user": {"name": "Åse"}, "context": {}}'.encode("utf-16"), 400, "not UTF-8"),
        ('{"user": {"name": "Åse"}, "context": {}}'.encode("latin-1"), 400, "not UTF-8: byte 19"),
        (b'{"user": ' + b"[" * 100 + b"]" * 100 + b', "context": {}}', 400, "deeper than 32 levels"),
        (b"[" * 100_000, 400, "not JSON"),
        (b'{"user": {"x": "' + b"x" * 1_000_000 + b'"}, "context": {}}', 413, "larger than 1,000,000 bytes"),
    ],
    ids=["empty", "cut", "unclosed", "nan", "utf-16", "latin-1", "deep", "very deep", "large"],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_reason(served, content, status, said):
    answer = served.client.post("/v1/evaluate", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    "path, body",
    [
        ("/v1/evaluate", {"user": {}, "context": {}, "slots": ["hreo"] * 50_000}),
        ("/v1/evaluate", {"user": {}, "context": {}, **{f"u{number}": 1 for number in range(50_000)}}),
        ("/v1/evaluate", {"user": {}, "context": {}, "u" * 500_000: 1}),
        ("/v1/evaluate/batch", [{}] * 50_000),
    ],
    ids=["slots", "fields", "a long name", "requests"],
)
def test_of_very_many_mistakes_only_some_are_told(served, path, body):
    """To tell all of them would take seconds, for which everybody else had to wait."""
    answer = served.client.post(path, json=body)
    assert answer.status_code == 400
    assert 1 <= len(answer.json()["errors"]) <= 20
    assert len(answer.content) < 5_000


def test_32_levels_are_fine_and_33_are_not(served):
    def body(levels):
        inner = levels - 2  # of the body itself and of `user`
        nested = b"[" * inner + b"]" * inner
        return b'{"context": {}, "user": {"x": ' + nested + b"}}"

    headers = {"content-type": "application/json"}
    answers = [served.client.post("/v1/evaluate", content=body(n), headers=headers) for n in (32, 33)]
    assert [answer.status_code for answer in answers] == [200, 400]


def test_a_body_that_comes_in_pieces_is_read_within_the_limit(served):
    def pieces(size):
        yield b'{"user": {"first_name": "'
        for _ in range(size // 1000):
            yield b"x" * 1000
        yield b'"}, "context": {}}'

    headers = {"content-type": "application/json"}
    assert served.client.post("/v1/evaluate", content=pieces(50_000), headers=headers).status_code == 200
    assert served.client.post("/v1/evaluate", content=pieces(2_000_000), headers=headers).status_code == 413


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": 'Application/JSON; charset="UTF-8"'}, 200),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "application/json; charset=latin-1"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, 415),
    ],
)
def test_only_json_in_utf8_is_taken(served, headers, status):
    answer = served.client.post("/v1/evaluate", content=b'{"user": {}, "context": {}}', headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "method, path, status, allow",
    [
        ("GET", "/v1/evaluate", 405, "POST, OPTIONS"),
        ("PUT", "/v1/book", 405, "GET, HEAD, OPTIONS"),
        ("OPTIONS", "/v1/evaluate", 204, "POST, OPTIONS"),
        ("HEAD", "/healthz", 200, None),
        ("GET", "/", 404, None),
        ("POST", "/v1/evaluate/", 404, None),
        ("POST", "/ofrep/v1/evaluate/flags/", 404, None),
        ("GET", "/v1/../etc/passwd", 404, None),
    ],
)
def test_other_paths_and_methods_are_refused_by_name(served, method, path, status, allow):
    answer = served.client.request(method, path)
    assert (answer.status_code, answer.headers.get("allow")) == (status, allow)
    assert (answer.content == b"") == (status in (200, 204))


def test_explain_says_what_became_of_every_rule(served, engine):
    answer = served.client.post("/v1/explain", json={**HIKER, "slots": ["hero"]}).json()
    expected = explain(engine, HIKER["user"], HIKER["context"], HIKER["now"]).to_dict(["hero"])
    assert answer == expected
    statuses = {rule["status"] for rule in answer["slots"]["hero"]["rules"]}
    assert {"won", "nearly", "lost"} <= statuses


def test_the_book_is_told_with_its_counts_and_diagnostics(served, engine):
    told = served.client.get("/v1/book").json()
    assert told["version"] == engine.version
    assert told["counts"]["rules"] == len(engine.book.rules)
    assert told["counts"]["slots"] == len(engine.book.slots)
    assert (told["errors"], told["refused"]) == (0, None)
    assert all({"code", "path", "line", "message"} <= one.keys() for one in told["diagnostics"])


def test_it_says_that_it_lives_and_which_book_it_is_ready_with(served, engine):
    assert served.client.get("/healthz").json() == {"status": "ok"}
    assert served.client.get("/readyz").json() == {"status": "ready", "book": engine.version}


def test_a_batch_answers_each_line_in_order(served, engine):
    asked = [{**HIKER, "now": f"2026-11-{day:02}"} for day in range(1, 29)]
    lines = [json.dumps(one) for one in asked]
    lines[3:3] = ["", "{", '{"user": {}}', '{"user": {"x": "' + "x" * 1_000_001 + '"}}']
    answer = served.client.post(
        "/v1/evaluate/batch", content="\n".join(lines), headers={"content-type": "application/x-ndjson"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    answers = [json.loads(line) for line in answer.text.splitlines()]
    problems, decisions = answers[3:6], answers[:3] + answers[6:]
    assert [(one["line"], one["type"].rpartition(":")[2]) for one in problems] == [
        (5, "not-json"),
        (6, "bad-request"),
        (7, "too-large"),
    ]
    assert problems[0]["detail"].startswith("The line is not JSON")
    assert decisions == [engine.evaluate(one["user"], one["context"], one["now"]).to_dict() for one in asked]


def test_a_list_of_requests_is_answered_or_refused_as_a_whole(served, engine):
    asked = [REQUESTS[name] for name in ("hiker", "vip", "reader")]
    answer = served.client.post("/v1/evaluate/batch", json=asked)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == [
        engine.evaluate(one["user"], one["context"], one["now"]).to_dict() for one in asked
    ]
    refused = served.client.post("/v1/evaluate/batch", json=[*asked, {"user": 5, "context": {}}, 5])
    assert refused.status_code == 400
    assert [one["field"] for one in refused.json()["errors"]] == ["/3/user", "/4"]
    assert served.client.post("/v1/evaluate/batch", json={}).status_code == 400
    lines = {"content-type": "application/x-ndjson"}
    assert served.client.post("/v1/evaluate/batch", content=b"\n\n", headers=lines).status_code == 400


def test_a_batch_answers_while_its_lines_still_arrive(served):
    line = json.dumps(HIKER).encode() + b"\n"
    with socket.create_connection(
        ("127.0.0.1", int(served.url.rpartition(":")[2])), timeout=20
    ) as connection:
        connection.sendall(
            b"POST /v1/evaluate/batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\n"
            b"transfer-encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n" % (len(line), line)
        )
        arrived = b""
        while b'"hero":' not in arrived:
            arrived += connection.recv(65_536)
        connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(line), line))
        while not arrived.endswith(b"0\r\n\r\n"):
            arrived += connection.recv(65_536)
    assert arrived.count(b'"hero":') == 2


def test_metrics_count_requests_decisions_and_what_was_withheld():
    with Served() as served:
        for _ in range(3):
            served.evaluate(HIKER)
        served.evaluate(REQUESTS["saver-no-consent"])
        served.evaluate(REQUESTS["checkout"], slots=["recommendations"])
        served.client.post("/v1/evaluate", content=b"{", headers={"content-type": "application/json"})
        requests = {
            status: served.metric("tailored_requests_total", endpoint="/v1/evaluate", status=status)
            for status in ("200", "400")
        }
        assert requests == {"200": 5, "400": 1}
        assert served.metric("tailored_evaluations_total") == 5
        hero = "boots-viewers-see-socks"
        assert served.metric("tailored_decisions_total", slot="hero", rule=hero, reason="rule") == 3
        assert served.metric("tailored_decisions_total", slot="hero") == 4
        assert served.metric("tailored_decisions_total", slot="recommendations", reason="hidden") == 1
        assert served.metric("tailored_settings_total", setting="onboarding-path") == 4
        assert served.metric("tailored_withheld_total", topic="finance") > 0
        assert served.metric("tailored_request_seconds_count", endpoint="/v1/evaluate") == 6
        assert 0 < served.metric("tailored_request_seconds_sum", endpoint="/v1/evaluate") < 10
        (infinite,) = [served.metric("tailored_request_seconds_bucket", endpoint="/v1/evaluate", le="+Inf")]
        assert infinite == 6
        openmetrics = served.client.get("/metrics", headers={"accept": "application/openmetrics-text"})
        assert openmetrics.text.endswith("# EOF\n")


def test_answers_are_as_the_openapi_document_says(served):
    document = served.client.get("/openapi.json").json()

    def matches(name, data):
        jsonschema.validate(
            data, {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        )

    matches("Request", HIKER)
    for request in REQUESTS.values():
        matches("Decision", served.evaluate(request).json())
    matches("Decision", served.client.post("/v1/explain", json=HIKER).json())
    matches("Book", served.client.get("/v1/book").json())
    matches("Problem", served.evaluate({}).json())
    matches("Flags", served.client.post("/ofrep/v1/evaluate/flags", json={}).json())
    assert document["components"]["schemas"]["Request"]["properties"]["slots"]["items"]["enum"][0] == "hero"


def test_the_documentation_page_has_every_path_and_loads_nothing_from_elsewhere(served):
    page = served.client.get("/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    for path in served.client.get("/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_keys_of_the_connection_survive_refusals(served):
    with httpx.Client(base_url=served.url, trust_env=False) as client:
        for _ in range(3):
            assert client.post("/v1/evaluate", json={"user": 1, "context": {}}).status_code == 400
            assert client.post("/v1/evaluate", json=HIKER).status_code == 200


@pytest.fixture(scope="module")
def selling(tmp_path_factory):
    """A service whose one rule is for a purpose that honours the signal Sec-GPC."""
    book = BOOK.replace("norway:\n", "norway:\n    purpose: selling\n")
    book += "purposes:\n  selling: {description: Selling data, honours: gpc}\n"
    with Served(write(tmp_path_factory.mktemp("selling") / "rules", book)) as served:
        yield served


@pytest.mark.parametrize("context", [{}, {"gpc": False}, {"gpc": "no"}, {"gpc": None}])
@pytest.mark.parametrize("sent, heeded", [("1", True), ("0", False), ("yes", False)])
def test_the_signal_of_a_browser_opts_out_whatever_the_page_says(selling, context, sent, heeded):
    request = {"user": {"country": "NO"}, "context": {"page": "home", **context}}
    headers = {"sec-gpc": sent}

    def post(path, body, **more):
        answer = selling.client.post(path, headers={**headers, **more}, content=json.dumps(body))
        assert answer.status_code == 200
        return answer.json()

    flags = {"context": {"targetingKey": "u", "country": "NO", "page": "home", **context}}
    one = post("/v1/evaluate", request)
    lines = post("/v1/evaluate/batch", request, **{"content-type": "application/x-ndjson"})
    assert one["slots"]["hero"]["reason"] == ("default" if heeded else "rule")
    assert [entry.get("purpose") for entry in one["withheld"]] == (["selling"] if heeded else [])
    assert lines == post("/v1/evaluate/batch", [request], **{"content-type": "application/json"})[0] == one
    assert post("/v1/explain", request)["withheld"] == one["withheld"]
    reason = "DEFAULT" if heeded else "TARGETING_MATCH"
    assert post("/ofrep/v1/evaluate/flags/hero", flags)["reason"] == reason
    every = {flag["key"]: flag["reason"] for flag in post("/ofrep/v1/evaluate/flags", flags)["flags"]}
    assert every["hero"] == reason
