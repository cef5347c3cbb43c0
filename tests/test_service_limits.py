"""The service is locked by default: where it binds, who may ask, for what, how much, how fast, how often."""

import json
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from tailored.cli import main
from tailored.service.keys import Bucket, Gate, new_key
from tailored.service.problems import Problem
from tailored.service.requests import Limits, Request
from tests.support.serving import Served
from tests.support.shop import write

NAMES = ("shop", "support", "deploy")
KEYS = {name: new_key() for name in NAMES}
SCOPES = {"shop": "evaluate", "support": "explain", "deploy": "admin"}
ASKED = {"user": {"country": "NO"}, "context": {}}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return write(tmp_path_factory.mktemp("book") / "rules")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    file = tmp_path_factory.mktemp("settings") / "service.yaml"
    file.write_text(
        "keys:\n"
        + "".join(f"  {name}: {{hash: '{KEYS[name][1]}', scopes: [{SCOPES[name]}]}}\n" for name in NAMES)
        + "limits: {header_seconds: 1, body_seconds: 1, headers: 4000, idle_seconds: 1}\n"
    )
    return file


@pytest.fixture(scope="module")
def locked(book, settings):
    with Served(book, ["--config", str(settings)]) as served:
        yield served


def run(*arguments):
    """The command, in this process, as it never gets to serve."""
    return CliRunner().invoke(main, arguments)


def test_it_binds_to_this_machine_and_is_open_there(book):
    with Served(book) as served:
        assert served.url.startswith("http://127.0.0.1:")
        assert served.client.get("/v1/book").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_it_refuses_to_bind_elsewhere_without_keys(book, host):
    done = run("serve", str(book), "--host", host, "--port", "0")
    assert done.exit_code == 2
    assert "no keys are configured" in done.stderr
    assert "--insecure" in done.stderr
    assert isinstance(done.exception, SystemExit)


def test_with_keys_or_by_saying_insecure_it_binds_elsewhere(book, settings):
    for options, is_open in (["--insecure"], True), (["--config", str(settings)], False):
        with Served(book, ["--host", "0.0.0.0", *options]) as served:
            assert served.url.startswith("http://0.0.0.0:")
        told = [line for line in served.said if "whoever reaches 0.0.0.0 may read" in line]
        assert bool(told) is is_open


PATHS = {
    ("POST", "/v1/evaluate"): "evaluate",
    ("POST", "/ofrep/v1/evaluate/flags/hero"): "evaluate",
    ("POST", "/ofrep/v1/evaluate/flags"): "evaluate",
    ("POST", "/v1/explain"): "explain",
    ("GET", "/v1/book"): "admin",
    ("POST", "/v1/book/reload"): "admin",
    ("GET", "/metrics"): "admin",
    ("GET", "/healthz"): "",
    ("GET", "/readyz"): "",
    ("GET", "/docs"): "",
    ("GET", "/openapi.json"): "",
}


@pytest.mark.parametrize("method, path", PATHS)
def test_every_path_needs_its_scope(locked, method, path):
    def status(**headers):
        body = ASKED if method == "POST" else None
        return locked.client.request(method, path, json=body, headers=headers).status_code

    scope = PATHS[method, path]
    assert status() == (401 if scope else 200)
    assert status(authorization="Bearer nonsense") == (401 if scope else 200)
    assert status(authorization=f"Basic {KEYS['deploy'][0]}") == (401 if scope else 200)
    for name in NAMES:
        allowed = 200 if scope in ("", SCOPES[name]) else 403
        assert status(authorization=f"Bearer {KEYS[name][0]}") == allowed
        assert status(**{"x-api-key": KEYS[name][0]}) == allowed


@pytest.mark.parametrize(
    "headers, status, said, error",
    [
        ({}, 401, "X-API-Key", ""),
        ({"authorization": "Basic abc"}, 401, "Authorization: Bearer KEY", ""),
        ({"authorization": "", "x-api-key": KEYS["shop"][0]}, 401, "and no Authorization", ""),
        (
            {"authorization": "Bearer", "x-api-key": KEYS["shop"][0]},
            401,
            "no such key",
            ', error="invalid_token"',
        ),
        ({"authorization": "Basic abc", "x-api-key": KEYS["shop"][0]}, 401, "and no Authorization", ""),
        ({"x-api-key": "nonsense"}, 401, "no such key", ', error="invalid_token"'),
        (
            {"x-api-key": KEYS["support"][0]},
            403,
            "`support` does not have the scope `evaluate`",
            ', error="insufficient_scope", scope="evaluate"',
        ),
    ],
)
def test_a_refusal_says_what_to_send_and_challenges(locked, headers, status, said, error):
    for path in "/v1/evaluate", "/v1/evaluate/batch", "/ofrep/v1/evaluate/flags":
        answer = locked.client.post(path, json=ASKED, headers=headers)
        assert answer.status_code == status
        assert answer.headers["www-authenticate"] == f'Bearer realm="tailored"{error}'
        assert said in answer.json()["detail"]


def test_a_key_in_the_address_or_a_cookie_opens_nothing(locked):
    key = KEYS["shop"][0]
    for name in "key", "api_key", "access_token", "X-API-Key":
        answer = locked.client.post(
            f"/v1/evaluate?{name}={key}", json=ASKED, headers={"cookie": f"{name}={key}"}
        )
        assert answer.status_code == 401


def test_the_document_tells_slots_only_to_those_who_may_evaluate(locked):
    def told(**headers):
        document = locked.client.get("/openapi.json", headers=headers).json()
        assert document["components"]["securitySchemes"].keys() == {"bearer", "key"}
        return "hero" in json.dumps(document)

    assert (told(), told(**{"x-api-key": KEYS["shop"][0]})) == (False, True)


def test_keys_are_stored_as_hashes_and_never_said(locked, settings):
    made = run("key", "web", "--scope", "evaluate", "--scope", "admin").stdout
    assert "scopes: [evaluate, admin]" in made
    for secret, _ in KEYS.values():
        locked.client.post("/v1/evaluate", json=ASKED, headers={"x-api-key": secret})
        assert secret not in settings.read_text()
        assert secret not in "".join(locked.said)


def test_a_key_that_the_settings_would_refuse_is_not_made():
    done = run("key", "bad name!")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "`bad name!` cannot name a key. Use letters" in done.stderr


def test_a_key_may_ask_so_often_and_then_hears_when_to_come_back(book, tmp_path):
    file = tmp_path / "service.yaml"
    secrets = [new_key() for _ in range(2)]
    file.write_text(
        f"keys:\n  a: {{hash: '{secrets[0][1]}', scopes: [evaluate, admin], rate: 0.02, burst: 3}}\n"
        f"  b: {{hash: '{secrets[1][1]}', scopes: [evaluate]}}\n"
    )
    with Served(book, ["--config", str(file)]) as served:

        def ask(secret):
            return served.client.post("/v1/evaluate", json=ASKED, headers={"x-api-key": secret})

        answers = [ask(secrets[0][0]) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 50
        assert ask(secrets[1][0]).status_code == 200  # the other key has its own


def test_without_keys_the_rate_is_everybodys(book, tmp_path):
    file = tmp_path / "service.yaml"
    file.write_text("limits: {rate: 0.01, burst: 2}\n")
    with Served(book, ["--config", str(file)]) as served:
        statuses = [served.evaluate(ASKED).status_code for _ in range(4)]
        assert statuses == [200, 200, 429, 429]
        assert served.client.get("/healthz").status_code == 200


def test_a_bucket_fills_up_as_time_goes():
    now = [0.0]
    bucket = Bucket(rate=2, burst=3, clock=lambda: now[0])
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]
    now[0] = 0.5
    assert [bucket.take(), bucket.take()] == [0, 0.5]
    now[0] = 1000
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]


def test_a_refusal_tells_the_rate_of_all_workers_together():
    gate = Gate(limits=Limits(rate=10, burst=2), workers=2)
    gate.enter(Request("POST", "/v1/evaluate", [], Limits()), "evaluate")
    with pytest.raises(Problem, match="may ask 10 times a second"):
        gate.enter(Request("POST", "/v1/evaluate", [], Limits()), "evaluate")


def raw(served, *pieces, pause=0.0, seconds=10):
    """What comes back for bytes sent in pieces, until the service closes the connection."""
    port = int(served.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except OSError:
                break
            time.sleep(pause)
        answer = b""
        try:
            while chunk := connection.recv(65_536):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer


HEAD = b"POST /v1/evaluate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


def test_a_head_that_dribbles_in_is_cut_off(locked):
    answer = raw(locked, HEAD, b"x: y\r\n", pause=0.7)
    assert answer.startswith(b"HTTP/1.1 408")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "urn:tailored:problem:too-slow"


def test_a_connection_without_a_request_is_closed(locked):
    assert raw(locked) == b""


def test_a_body_that_dribbles_in_is_cut_off(locked):
    key = f"x-api-key: {KEYS['shop'][0]}\r\ncontent-length: 1000\r\n\r\n".encode()
    answer = raw(locked, HEAD + key, *[b"{"] * 3, pause=0.5)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"too-slow" in answer


@pytest.mark.parametrize("framing", [b"content-length: 1000", b"transfer-encoding: chunked"])
def test_a_body_that_never_begins_is_cut_off(locked, framing):
    answer = raw(locked, HEAD + f"x-api-key: {KEYS['shop'][0]}\r\n".encode() + framing + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 408")


def test_who_takes_no_answers_is_cut_off(locked):
    line = json.dumps(ASKED).encode() + b"\n"
    key = f"x-api-key: {KEYS['shop'][0]}\r\ncontent-length: 99999999\r\n\r\n".encode()
    head = HEAD.replace(b"/evaluate", b"/evaluate/batch").replace(b"json", b"x-ndjson")
    with socket.create_connection(
        ("127.0.0.1", int(locked.url.rpartition(":")[2])), timeout=20
    ) as connection:
        connection.sendall(head + key)
        with pytest.raises(ConnectionError):
            connection.sendall(line * 1_000_000)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_who_asks_without_end_and_takes_no_answers_fills_no_memory(book):
    """Every answer that is begun must not let in thousands of questions more."""
    asked = json.dumps(ASKED).encode()
    question = b"POST /v1/evaluate HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(asked) + asked
    with Served(book) as served:
        before = memory(served.process.pid)
        with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2]))) as connection:
            connection.settimeout(2)
            with pytest.raises(TimeoutError):
                connection.sendall(question * 2_000_000)
            assert memory(served.process.pid) < before + 30_000


def memory(process):
    """What a process holds in memory, in kilobytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def test_a_refused_request_does_not_keep_its_connection_for_the_rest_of_its_body(locked):
    answer = raw(locked, HEAD + b"content-length: 1000\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"connection: close" in answer


@pytest.mark.parametrize("pieces", [1, 50])
def test_a_head_that_is_too_large_is_refused(locked, pieces):
    header = b"x: " + b"y" * 5000 + b"\r\n"
    size = -(-len(header) // pieces)
    parts = [header[at : at + size] for at in range(0, len(header), size)]
    answer = raw(locked, HEAD, *parts, b"\r\n", pause=0.001)
    assert answer.startswith(b"HTTP/1.1 431")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "urn:tailored:problem:head-too-large"


def test_what_is_no_http_is_refused_as_a_problem(locked):
    answer = raw(locked, b"FOO / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 400


@pytest.mark.parametrize(
    "host, status",
    [
        ("localhost:8080", 200),
        ("127.0.0.1", 200),
        ("[::1]:5", 200),
        ("shop", 200),
        ("a.localhost", 200),
        ("evil.example", 421),
        ("localhost.evil.example:80", 421),
        ("127.0.0.1.evil.example", 421),
        ("evil.example.", 421),
        ("localhost@evil.example", 421),
        ("[::1", 421),
        ("[evil]", 421),
        ("]", 421),
    ],
)
def test_an_open_service_does_not_answer_to_the_name_of_a_stranger(host, status):
    gate = Gate(host="127.0.0.1")
    request = Request("POST", "/v1/explain", [(b"host", host.encode())], Limits())
    for _ in range(2):
        refusing = pytest.raises(Problem, match="say --insecure") if status == 421 else nullcontext()
        with refusing:
            gate.enter(request, "explain")


def test_a_page_whose_name_leads_here_reads_nothing(book):
    for options, status in ([], 421), (["--insecure"], 200):
        with Served(book, options) as served:
            for method, path in ("GET", "/v1/book"), ("POST", "/v1/evaluate"):
                answer = served.client.request(method, path, json=ASKED, headers={"host": "evil.example"})
                assert answer.status_code == status
                told = served.client.get("/openapi.json").json()["paths"][path][method.lower()]["responses"]
                assert str(status) in told
            document = served.client.get("/openapi.json", headers={"host": "evil.example"}).text
            assert ("hero" in document) == (status == 200)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        HEAD + b"content-length: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(locked, sent):
    assert raw(locked, sent).startswith(b"HTTP/1.1 400")


def test_the_service_lives_through_all_that(locked):
    assert locked.client.get("/healthz").status_code == 200
    assert not [line for line in locked.said if "Traceback" in line]


@pytest.mark.parametrize(
    "text, said",
    [
        ("kyes: {}\n", ["service.yaml:1:1", "The settings have no key `kyes`", "Did you mean `keys`?"]),
        ("keys: {a: {scopes: [evaluate]}}\n", ["The key `a` has no `hash`", "tailored key"]),
        ("keys: {a: {hash: secret, scopes: [evaluate]}}\n", ["A `hash` is `sha256:`"]),
        (f"keys: {{a: {{hash: 'sha256:{'0' * 64}', scopes: [evalaute]}}}}\n", ["Did you mean `evaluate`?"]),
        (f"keys: {{a: {{hash: 'sha256:{'0' * 64}'}}}}\n", ["The key `a` has no `scopes`"]),
        (
            "keys:\n"
            + "".join(f"  {name}: {{hash: 'sha256:{'0' * 64}', scopes: [admin]}}\n" for name in "ab"),
            ["service.yaml:3:3", "`b` is the same key as `a`."],
        ),
        ("keys: {}\n", ["names no key"]),
        ("limits: {body: lots}\n", ["`body` takes a whole number", "not `lots`"]),
        ("limits: {rate: 0}\n", ["`rate` takes a number"]),
        ("limits: {bdoy: 5}\n", ["Did you mean `body`?"]),
        ("cors: shop.example\n", ["is no origin of a page", "https://shop.example"]),
        *(
            (f"cors: ['{origin}']\n", ["is no origin of a page", "Write it as browsers send it"])
            for origin in (
                "https://shop.example/path",
                "https://Shop.example",
                "https://*.example",
                "https://shop.example:443",
                "https://me@shop.example",
                "https://",
                "null",
            )
        ),
        ("log: [a, b]\n", ["`log` must be text"]),
        ("log_user_ids: open\n", ["`log_user_ids` does not take `open`", "It takes hashed, plain."]),
        (f"keys: {{a: {{hash: 'sha256:{'0' * 64}', scopes: []}}}}\n", ["Name some of evaluate, explain"]),
        ("limits: {body: 5, body: 6}\n", ["stands here twice"]),
        ("- a\n", ["The settings must be a mapping"]),
        ("keys: [\n", ["service.yaml:"]),
    ],
)
def test_settings_with_errors_are_refused_with_place_and_mend(book, tmp_path, text, said):
    (tmp_path / "service.yaml").write_text(text)
    done = run("serve", str(book), "--port", "0", "--config", str(tmp_path / "service.yaml"))
    assert done.exit_code == 1
    assert [one for one in said if one not in done.stderr] == []
    assert isinstance(done.exception, SystemExit)


def test_what_keeps_it_from_serving_is_said_in_a_line(book, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, code, said in (
            ([str(book), "--port", port], 2, "cannot be bound: Address already in use"),
            ([str(book), "--host", "nowhere.invalid", "--port", "0"], 2, "`nowhere.invalid` is no address"),
            ([str(book), "--host", ""], 2, "the name is empty"),
            ([str(book), "--port", "0", "--log-sink", "ours"], 2, "--log-sink takes MODULE:NAME"),
            ([str(tmp_path / "none")], 2, "there is no folder"),
            ([str(book), "--config", str(tmp_path / "none.yaml")], 2, "cannot be read: No such file"),
            ([str(write(tmp_path / "broken", "rules: {r: {}}\n"))], 1, "no-action"),
        ):
            done = run("serve", *arguments)
            assert done.exit_code == code
            assert isinstance(done.exception, SystemExit)
            assert said in done.stderr


def test_without_its_extra_it_says_what_to_install(monkeypatch, book):
    monkeypatch.setitem(sys.modules, "orjson", None)
    for name in [name for name in sys.modules if name.startswith("tailored.service")]:
        monkeypatch.delitem(sys.modules, name)
    done = run("serve", str(book))
    assert done.exit_code == 2
    assert "pip install 'tailored[service]'" in done.stderr


def test_deciding_needs_nothing_of_the_service():
    code = (
        "import sys, tailored\n"
        "tailored.Engine.load('rules').evaluate({}, {})\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('orjson', 'uvicorn', 'openfeature')"
        " or name.startswith(('tailored.service', 'tailored.web', 'tailored.openfeature'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
