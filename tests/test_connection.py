"""However a request arrives, its answer is the same, comes in its turn, and is counted once."""

import asyncio
import contextlib
import json
import selectors
import socket
import time
from types import SimpleNamespace

import pytest

from tailored.engine.kept import Kept
from tailored.service.app import Service
from tailored.service.live import LiveBook
from tailored.service.metrics import Counts
from tailored.service.protocol import Connection
from tests.support.serving import Served
from tests.support.shop import BOOK, write

GOOD = b'{"user": {"country": "NO"}, "context": {"page": "home"}}'
BAD = b'{"user": {}, "context": {}, "extra": 1}'
SLOW = (
    BOOK.replace("slots:\n", "slots:\n  ranked: {many: 2}\n")
    + "  waits:\n    when: {page: home}\n    show: {ranked: {of: [a, b], by: far}}\n"
    + "scorers:\n  far: {kind: http, url: 'http://127.0.0.1:9/', timeout: 20 ms}\n"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    settings = folder / "service.yaml"
    settings.write_text("cors: [https://shop.example]\nlimits: {body: 2000}\n")
    with Served(write(folder / "rules"), ["--config", str(settings)]) as served:
        yield served


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    """A service whose decisions for the page `home` wait for a scorer."""
    with Served(write(tmp_path_factory.mktemp("waiting") / "rules", SLOW)) as served:
        yield served


def post(body, *headers, version="1.1", path="/v1/evaluate"):
    lines = [f"POST {path} HTTP/{version}", "host: x", "content-type: application/json"]
    return "\r\n".join([*lines, f"content-length: {len(body)}", *headers, "", ""]).encode() + body


def chunked(*pieces):
    lines = ["POST /v1/evaluate HTTP/1.1", "host: x", "transfer-encoding: chunked", "", ""]
    return "\r\n".join(lines).encode() + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in [*pieces, b""])


def answers(served, pieces, number):
    """What is answered to bytes that are sent piece by piece: so many statuses, heads and bodies."""
    port = int(served.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.02 if len(pieces) > 1 else 0)
        with connection.makefile("rb") as file:
            return [answer(file) for _ in range(number)]


def answer(file):
    status = file.readline()
    while status.startswith(b"HTTP/1.1 100"):
        file.readline()
        status = file.readline()
    headers = dict(line.decode().rstrip().split(": ", 1) for line in iter(file.readline, b"\r\n"))
    return int(status.split()[1]), headers, file.read(int(headers["content-length"]))


WHOLE = post(GOOD)
SPLIT = WHOLE.index(b"\r\n\r\n") + 4
WAYS = {
    "in one piece": [WHOLE],
    "its body later": [WHOLE[:SPLIT], WHOLE[SPLIT:]],
    "byte by byte at the end": [WHOLE[:-3], *(bytes([one]) for one in WHOLE[-3:])],
    "in chunks": [chunked(GOOD[:9], GOOD[9:])],
    "in chunks that come one by one": [chunked(GOOD[:9], GOOD[9:])[:90], chunked(GOOD[:9], GOOD[9:])[90:]],
    "when told to go on": [post(GOOD, "expect: 100-continue")],
    "as HTTP/1.0": [post(GOOD, version="1.0")],
    "as the last one": [post(GOOD, "connection: close")],
    "with a query": [post(GOOD, path="/v1/evaluate?x=1")],
    "from a page": [post(GOOD, "origin: https://shop.example")],
}


@pytest.mark.parametrize("pieces", WAYS.values(), ids=WAYS)
def test_it_is_answered_alike_and_counted_once(served, pieces):
    counted = {"endpoint": "/v1/evaluate", "status": "200"}
    expected = served.client.post("/v1/evaluate", content=GOOD).content
    before = served.metric("tailored_requests_total", **counted)
    ((status, headers, body),) = answers(served, pieces, 1)
    assert (status, body) == (200, expected)
    assert headers["content-type"] == "application/json"
    assert "date" in headers
    assert headers["vary"] == "Origin"
    assert (headers.get("access-control-allow-origin") == "https://shop.example") == (b"origin" in pieces[0])
    closes = b"connection: close" in pieces[0] or b"HTTP/1.0" in pieces[0]
    assert (headers.get("connection") == "close") == closes
    assert served.metric("tailored_requests_total", **counted) == before + 1


@pytest.mark.parametrize("pieces", WAYS.values(), ids=WAYS)
def test_a_head_that_came_before_says_the_same_again(served, pieces):
    counted = {"endpoint": "/v1/evaluate", "status": "200"}
    before = served.metric("tailored_requests_total", **counted)
    found = [answers(served, pieces, 1)[0] for _ in range(3)]
    assert [(status, body) for status, _, body in found] == [(200, found[0][2])] * 3
    assert [sorted(headers) for _, headers, _ in found] == [sorted(found[0][1])] * 3
    assert served.metric("tailored_requests_total", **counted) == before + 3


def test_a_head_that_came_before_may_bring_another_body_or_be_cut_or_followed_by_more(served):
    other, wrong = GOOD.replace(b"NO", b"SE"), GOOD.replace(b'"}', b'",', 1)
    expected = [served.client.post("/v1/evaluate", content=one).content for one in (GOOD, other)]
    whole, second = post(GOOD), post(other)
    sent = [whole, second, whole[:SPLIT], whole[SPLIT:], whole + second, post(wrong), whole[:-1], whole[-1:]]
    found = answers(served, sent, 7)
    assert [status for status, _, _ in found] == [200] * 5 + [400, 200]
    bodies = [body for status, _, body in found if status == 200]
    assert bodies == [expected[0], expected[1], expected[0], *expected, expected[0]]


def test_what_a_head_leaves_open_is_never_taken_from_one_that_came_before(served):
    whole = post(b"0\r\n\r\n")
    assert [answers(served, [whole], 1)[0][0] for _ in range(2)] == [400, 400]
    pieces = chunked(b"5\r\n5\r")
    assert [answers(served, [one], 1)[0][0] for one in (pieces, chunked(GOOD), pieces, chunked(GOOD))] == [
        400,
        200,
        400,
        200,
    ]
    led = b"\r\n\r\n" + post(GOOD)
    assert [answers(served, [led], 1)[0][0] for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    ("header", "is_kept"),
    [
        ("accept: */*", True),
        ("authorization: Bearer k", False),
        ("x-api-key: k", False),
        ("cookie: k", False),
    ],
)
def test_no_head_that_carries_a_secret_is_kept(header, is_kept):
    piece = post(GOOD, header)
    lines = piece.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    connection = object.__new__(Connection)
    connection.met, connection._piece = Kept(8), piece
    connection._request = SimpleNamespace(headers=dict(line.split(b": ") for line in lines))
    connection._meet(len(GOOD))
    assert bool(connection.met) is is_kept


REFUSED = {
    "a field too many": (BAD, 400, "bad-request"),
    "no json": (GOOD[:-1], 400, "not-json"),
    "too large": (b'{"user": {"x": "' + b"x" * 2_000 + b'"}, "context": {}}', 413, "too-large"),
}


@pytest.mark.parametrize("body, status, kind", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_refusal_is_the_same_too(served, body, status, kind, is_whole):
    sent = post(body)
    pieces = [sent] if is_whole else [sent[:-9], sent[-9:]]
    ((found, headers, said),) = answers(served, pieces, 1)
    assert found == status
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(said)["type"] == f"urn:tailored:problem:{kind}"


def test_requests_that_are_sent_at_once_are_answered_in_their_order(served):
    asked = [b'{"user": {}, "context": {"page": "%b"}}' % page for page in (b"home", b"cart")]
    both = [served.client.post("/v1/evaluate", content=one).content for one in asked]
    sent = post(asked[0]) + post(asked[1]) + post(BAD) + chunked(asked[0]) + post(asked[1])
    found = answers(served, [sent], 5)
    assert [status for status, _, _ in found] == [200, 200, 400, 200, 200]
    assert [found[place][2] for place in (0, 1, 3, 4)] == both * 2


def test_what_waits_for_a_scorer_is_answered_in_its_turn_and_counted_once(waiting):
    here = b'{"user": {}, "context": {"page": "cart"}}'
    found = answers(waiting, [post(here) + post(GOOD) + post(here) + post(GOOD)], 4)
    assert [status for status, _, _ in found] == [200] * 4
    ranked = [json.loads(body)["slots"]["ranked"] for _, _, body in found]
    assert ["scorer" in one for one in ranked] == [False, True, False, True]
    for _ in range(2):
        ((_, _, alone),) = answers(waiting, [post(GOOD)], 1)
        assert json.loads(alone)["slots"]["ranked"]["scorer"]["fallback"] is True
    assert waiting.metric("tailored_requests_total", endpoint="/v1/evaluate", status="200") == 6
    assert waiting.metric("tailored_evaluations_total") == 6
    assert waiting.metric("tailored_scorer_fallbacks_total") == 4


def test_a_moment_that_is_none_is_refused_where_a_scorer_would_be_waited_for(waiting):
    ((status, _, said),) = answers(waiting, [post(GOOD[:-1] + b', "now": "yesterday"}')], 1)
    assert status == 400
    assert json.loads(said)["errors"][0]["field"] == "/now"


def connected(served):
    return socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), timeout=30)


def test_who_says_that_nothing_more_comes_is_answered_all_the_same(served):
    with connected(served) as connection:
        connection.sendall(post(GOOD) + post(BAD))
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as file:
            assert [answer(file)[0] for _ in range(2)] == [200, 400]
            assert file.read() == b""


def test_what_follows_and_cannot_be_read_is_refused_after_the_answer(served):
    with connected(served) as connection:
        connection.sendall(post(GOOD) + b"\x00 nonsense\r\n\r\n")
        with connection.makefile("rb") as file:
            assert [answer(file)[0] for _ in range(2)] == [200, 400]
            assert file.read() == b""


def test_a_request_whose_sender_leaves_at_once_is_counted_all_the_same(served):
    counted = {"endpoint": "/v1/evaluate", "status": "200"}
    before = served.metric("tailored_requests_total", **counted)
    for _ in range(20):
        with connected(served) as connection:
            connection.sendall(post(GOOD))
    end = time.monotonic() + 20
    while served.metric("tailored_requests_total", **counted) < before + 20 and time.monotonic() < end:
        time.sleep(0.05)
    assert served.metric("tailored_requests_total", **counted) == before + 20


@pytest.mark.parametrize("sent", [post(GOOD), post(GOOD, "expect: 100-continue")], ids=["short", "ordinary"])
def test_a_connection_at_rest_is_closed_after_a_while_and_one_in_use_is_not(tmp_path, sent):
    settings = tmp_path / "service.yaml"
    settings.write_text("limits: {idle_seconds: 1}\n")
    with (
        Served(write(tmp_path / "rules"), ["--config", str(settings)]) as brief,
        connected(brief) as connection,
    ):
        with connection.makefile("rb") as file:
            for _ in range(5):
                connection.sendall(sent)
                assert answer(file)[0] == 200
                time.sleep(0.4)
            rested = time.monotonic()
            assert file.read() == b""
        assert time.monotonic() - rested < 10


def test_what_is_refused_before_there_is_a_request_is_counted_and_not_written_of(served):
    counted = {"endpoint": "other", "status": "400"}
    before = served.metric("tailored_requests_total", **counted)
    for sent in b"FOO\r\n\r\n", chunked(GOOD).replace(b"\r\n38\r\n", b"\r\nzz\r\n"):
        assert answers(served, [sent], 1)[0][0] == 400
    assert served.metric("tailored_requests_total", **counted) == before + 2
    assert [line for line in served.said if "Serving" not in line] == []


def test_nothing_is_written_into_an_answer_that_has_begun(served):
    line = GOOD + b"\n"
    head = chunked().partition(b"\r\n0\r\n")[0].replace(b"/v1/evaluate ", b"/v1/evaluate/batch ")
    head = head.replace(b"host: x", b"host: x\r\ncontent-type: application/x-ndjson") + b"\r\n"
    with connected(served) as connection, connection.makefile("rb") as file:
        connection.sendall(head + b"%x\r\n%b\r\n" % (len(line), line))
        assert file.readline() == b"HTTP/1.1 200 OK\r\n"
        time.sleep(0.1)
        connection.sendall(b"no chunk\r\n")
        assert b"HTTP/1.1" not in file.read()


@pytest.mark.parametrize("lines", [[], [GOOD + b"\n"]], ids=["before its answer", "in its answer"])
def test_a_request_that_the_end_of_the_service_cuts_off_is_no_defect(tmp_path, lines):
    counts = Counts()
    app = Service(LiveBook(str(write(tmp_path / "rules")), counts), counts, watch=False)
    arriving = [{"type": "http.request", "body": line, "more_body": True} for line in lines]

    async def receive():
        return arriving.pop() if arriving else await asyncio.Event().wait()

    async def send(message):
        pass

    async def end():
        headers = [(b"content-type", b"application/x-ndjson")]
        scope = {"type": "http", "method": "POST", "path": "/v1/evaluate/batch", "headers": headers}
        task = asyncio.create_task(app(scope, receive, send))
        await asyncio.sleep(0.05)
        task.cancel()
        await task

    asyncio.run(end())
    assert counts.counters["tailored_disconnects"] == {("/v1/evaluate/batch",): 1}


def test_of_many_that_come_at_once_none_waits_for_all_that_the_others_ask(served):
    """Each asks again as soon as it is answered; counted are all answers until everyone had a first one."""
    number = 200
    port = int(served.url.rpartition(":")[2])
    watched, once = selectors.DefaultSelector(), set()
    with contextlib.ExitStack() as stack:
        for place in range(number):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
            watched.register(connection, selectors.EVENT_READ, place)
            connection.sendall(post(GOOD))
        every = 0
        while len(once) < number:
            for key, _ in watched.select(60):
                key.fileobj.recv(65_536)
                key.fileobj.sendall(post(GOOD))
                once.add(key.data)
                every += 1
    assert every < 10 * number
