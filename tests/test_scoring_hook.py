"""The scoring hook: whatever a scorer does, the page goes on, and the placement says so."""

import asyncio
import itertools
import json
import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tailored.book.load import check_book
from tailored.engine.engine import Engine
from tailored.scoring.protocol import NoAnswer
from tailored.scoring.workers import MOST_THREADS, MOST_WAITING, Busy, Workers

BOOK = """\
attributes:
  user:
    country: {{type: string}}
    ills: {{type: list of strings, topic: health}}
    clicks: {{type: integer, purpose: ads}}
purposes: {{ads: {{}}}}
slots: {{hero: {{default: a}}, list: {{many: 3}}}}
content:
  a: {{title: A}}
  b: {{title: B}}
  c: {{title: C}}
scorers:
  model: {{kind: python, features: [country, ills, clicks], {model}}}
  spare: {{kind: python, {spare}}}
rules:
  best:
    when: always
    show: {{hero: {{best of: [a, b, c], by: model}}}}
"""


class Saying:
    """A scorer that says one thing, or does it."""

    def __init__(self, says):
        self.says, self.facts = says, []

    def score(self, facts, candidates):
        self.facts.append(dict(facts))
        if isinstance(self.says, BaseException):
            raise self.says
        return self.says() if callable(self.says) else self.says


def engine(
    says, spare=(0, 1, 0), model="timeout: 9 s, fallback: spare", spare_settings="timeout: 9 s", book=BOOK
):
    text = book.format(model=model, spare=spare_settings)
    made, report = check_book({"book.yaml": text.encode()})
    assert report.errors == 0, report.to_text()
    return Engine(made, {"model": Saying(says), "spare": Saying(spare)})


def asked(decision, slot="hero"):
    return decision.to_dict()["slots"][slot]["scorer"]


def test_the_highest_score_is_shown_and_the_placement_says_who_chose():
    decision = engine([1, 3, 2]).evaluate({"country": "NO"}, {})
    assert decision["hero"].content == "b"
    assert asked(decision) == {"name": "model", "used": "model", "fallback": False, "reason": None}
    assert decision.to_dict()["slots"]["hero"]["propensity"] == 1.0


def test_of_equals_the_first_of_the_book_is_shown():
    assert engine([2, 2, 2]).evaluate({}, {})["hero"].content == "a"


class Strange:
    def __len__(self):
        raise RuntimeError

    __iter__ = __len__

    def __repr__(self):
        return "strange"


@pytest.mark.parametrize(
    "says, reason",
    [
        (ValueError("her secret"), "`model` raised ValueError."),
        (SystemExit(3), "`model` raised SystemExit."),
        (MemoryError(), "`model` raised MemoryError."),
        ([1], "`model` gave 1 score for 3 candidates."),
        ([1, 2], "`model` gave 2 scores for 3 candidates."),
        ([1, 2, 3, 4], "`model` gave 4 scores for 3 candidates."),
        ([], "`model` gave 0 scores for 3 candidates."),
        ([1, float("nan"), 2], "`model` gave a score that is no finite number."),
        ([1, float("inf"), 2], "`model` gave a score that is no finite number."),
        ([1, 10**400, 2], "`model` gave a score that is no finite number."),
        ([1, None, 2], "`model` gave a score that is no finite number."),
        ([1, "2", 2], "`model` gave a score that is no finite number."),
        ([1, True, 2], "`model` gave a score that is no finite number."),
        (None, "`model` gave None, not a list of scores."),
        ("123", "`model` gave str, not a list of scores."),
        (b"123", "`model` gave bytes, not a list of scores."),
        ({1.0, 2.0, 3.0}, "`model` gave set, not a list of scores."),
        ({"a": 1, "b": 2, "c": 3}, "`model` gave dict, not a list of scores."),
        (lambda: itertools.repeat(1.0), "`model` gave 4 scores for 3 candidates."),
        (Strange(), "`model` raised RuntimeError."),
        (NoAnswer("she is new here"), "`model` has no answer: she is new here."),
    ],
    ids=lambda one: "endless" if callable(one) else str(one),
)
def test_a_scorer_that_fails_is_replaced_by_its_fallback(says, reason):
    made = engine(says)
    decision = made.evaluate({}, {})
    assert decision["hero"].content == "b"
    assert asked(decision) == {"name": "model", "used": "spare", "fallback": True, "reason": reason}
    assert sum(made.scorer_counts()["model"].values()) == 1
    assert made.scorer_counts()["spare"] == {"answered": 1}


class Vandal:
    """Tries to change everything that it is given, each time."""

    def score(self, facts, candidates):
        facts.clear()
        self.refused = 0
        for change in (
            lambda: candidates.clear(),
            lambda: candidates.reverse(),
            lambda: candidates[0].attributes.update(title="changed", size=9),
            lambda: candidates[0].attributes.clear(),
            lambda: setattr(candidates[0], "id", "changed"),
        ):
            try:
                change()
            except (AttributeError, TypeError):
                self.refused += 1
        return [1] * len(candidates)


@pytest.mark.parametrize("quick", [True, False])
def test_a_scorer_can_change_nothing_of_what_it_is_given(quick):
    vandal = Vandal()
    vandal.quick = quick
    book = BOOK.format(model="timeout: 9 s", spare="").replace("rules:", VANDAL_CATALOG + "rules:")
    book = book.replace("hero: {best", "list: {of: {catalog: things}, by: model}, hero: {best")
    made, report = check_book({"book.yaml": book.encode()})
    assert report.errors == 0, report.to_text()
    made = Engine(made, {"model": vandal})
    for _ in range(2):
        decision = made.evaluate({"country": "NO"}, {})
        assert vandal.refused == 5
        assert decision["hero"].content == "a"
        assert decision["hero"].fields == {"title": "A"}
        assert [dict(item.fields) for item in decision["list"].items] == [{"size": 1}, {"size": 2}]


VANDAL_CATALOG = """\
catalogs: {things: {attributes: {size: {type: integer}}, items: {x: {size: 1}, y: {size: 2}}}}
"""


def test_a_list_that_takes_long_to_walk_is_not_waited_for_either():
    made = engine(lambda: (time.sleep(0.5) or 1.0 for _ in range(3)), model="timeout: 20 ms")
    start = time.monotonic()
    decision = made.evaluate({}, {})
    assert time.monotonic() - start < 0.45
    assert asked(decision)["reason"] == "`model` did not answer within 20 ms."


def test_where_every_scorer_fails_the_order_of_the_rule_counts():
    decision = engine(ValueError(), spare=[1]).evaluate({}, {})
    assert decision["hero"].content == "a"
    assert asked(decision) == {
        "name": "model",
        "used": None,
        "fallback": True,
        "reason": "`model` raised ValueError.",
    }


def test_a_scorer_that_nobody_passed_in_falls_back_and_loading_does_not_fail(caplog):
    made, report = check_book(
        {"book.yaml": BOOK.format(model="fallback: spare", spare="timeout: 1 s").encode()}
    )
    assert report.errors == 0
    decision = Engine(made).evaluate({}, {})
    assert decision["hero"].content == "a"
    assert asked(decision)["reason"].startswith("`model` is not ready: no object `model` was passed in")


def test_a_scorer_sees_the_features_that_it_declares_and_nothing_else():
    made = engine([1, 2, 3])
    scorer = made._ranker.scorers.scorer("model")
    made.evaluate({"country": "NO", "name": "Kari", "ills": ["knee"], "clicks": 3}, {"page": "home"})
    made.evaluate({"country": "NO", "ills": ["knee"], "consents": {"health": True}, "opt_outs": ["ads"]}, {})
    made.evaluate({"country": "NO", "clicks": 1, "opt_outs": ["personalization"]}, {})
    assert scorer.facts == [
        {"user.country": "NO", "user.clicks": 3},
        {"user.country": "NO", "user.ills": ("knee",)},
        {},
    ]


@pytest.mark.parametrize(
    "label, user, used",
    [
        ("topic: health", {}, "spare"),
        ("topic: health", {"consents": {"health": True}}, "model"),
        ("purpose: ads", {"opt_outs": ["ads"]}, "spare"),
        ("purpose: ads", {}, "model"),
    ],
)
def test_a_labelled_scorer_falls_back_without_permission_and_is_not_asked(label, user, used):
    made = engine([3, 2, 1], model=f"timeout: 9 s, fallback: spare, {label}")
    assert asked(made.evaluate(user, {}))["used"] == used
    assert len(made._ranker.scorers.scorer("model").facts) == (used == "model")


def sleeping(seconds):
    def sleep():
        time.sleep(seconds)
        return [1, 2, 3]

    return sleep


def test_a_scorer_that_takes_too_long_is_not_waited_for():
    made = engine(sleeping(1), model="timeout: 20 ms")
    start = time.monotonic()
    decision = made.evaluate({}, {})
    assert time.monotonic() - start < 0.9
    assert asked(decision)["reason"] == "`model` did not answer within 20 ms."
    assert made.scorer_counts()["model"] == {"timeout": 1}


def test_threads_and_waiting_calls_are_bounded_while_a_scorer_hangs():
    hang = threading.Event()
    made = engine(hang.wait, model="timeout: 2 ms, fallback: spare", spare_settings="timeout: 2 ms")
    before = set(threading.enumerate())
    with ThreadPoolExecutor(50) as pool:
        decisions = list(pool.map(lambda _: made.evaluate({}, {}), range(400)))
        running = [one for one in set(threading.enumerate()) - before if one.name == "tailored-model"]
    assert len(decisions) == 400
    assert len(running) <= MOST_THREADS
    assert made._ranker.scorers._workers["model"]._crew.queue.qsize() <= MOST_WAITING + MOST_THREADS
    assert made.scorer_counts()["model"].keys() <= {"timeout", "busy"}
    assert "busy" in made.scorer_counts()["model"]
    hang.set()
    made.close()
    for thread in running:
        thread.join(10)
    assert not any(thread.is_alive() for thread in running)


def test_where_every_thread_hangs_nobody_waits_until_one_is_free():
    hang = threading.Event()
    workers = Workers("hang")
    jobs = [workers.submit(hang.wait) for _ in range(MOST_THREADS)]
    assert not any(job.wait(0.05) for job in jobs)
    with pytest.raises(Busy):
        workers.submit(lambda: 1)
    hang.set()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            assert workers.submit(lambda: 2).wait(10)
            break
        except Busy:
            time.sleep(0.01)
    else:
        pytest.fail("no thread came back")
    workers.close()


def test_a_machine_without_threads_to_give_means_the_fallback(monkeypatch):
    def none_left(self):
        raise RuntimeError("can't start new thread")

    made = engine([1, 2, 3], model="timeout: 5 ms")
    monkeypatch.setattr(threading.Thread, "start", none_left)
    assert asked(made.evaluate({}, {}))["used"] is None


def test_threads_without_anything_to_do_end(monkeypatch):
    monkeypatch.setattr("tailored.scoring.workers.MOST_IDLE", 0.01)
    workers = Workers("idle")
    assert workers.submit(lambda: 1).wait(10)
    for thread in [one for one in threading.enumerate() if one.name == "tailored-idle"]:
        thread.join(10)
        assert not thread.is_alive()
    assert workers.submit(lambda: 2).wait(10)


def test_all_scorers_of_one_decision_share_the_time():
    book = BOOK.replace("show: {{hero:", "show: {{list: {{best of: [a, b, c], by: model}}, hero:")
    made = engine(sleeping(2), model="timeout: 200 ms, fallback: spare", book=book)
    decision = made.evaluate({}, {})
    assert asked(decision, "hero")["reason"] == "`model` did not answer within 200 ms."
    assert asked(decision, "list")["reason"] == "`model` was not asked: no time was left."


class Awaiting:
    def __init__(self):
        self.running = self.most = 0

    async def score(self, facts, candidates):
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.05)
        self.running -= 1
        return [0, 0, 1]


def awaiting_engine(scorer, model="timeout: 5 s"):
    made, _ = check_book({"book.yaml": BOOK.format(model=model, spare="timeout: 1 s").encode()})
    return Engine(made, {"model": scorer})


def test_scorers_that_wait_on_others_are_awaited_without_threads():
    scorer = Awaiting()
    made = awaiting_engine(scorer)

    async def page():
        return await asyncio.gather(*(made.evaluate_async({}, {}) for _ in range(40)))

    assert {decision["hero"].content for decision in asyncio.run(page())} == {"c"}
    assert scorer.most > MOST_THREADS
    assert made.evaluate({}, {})["hero"].content == "c"


@pytest.mark.parametrize("error", [asyncio.CancelledError(), TimeoutError(), SystemExit(3), ValueError()])
def test_what_an_awaited_scorer_raises_is_never_the_pages_trouble(error):
    class Raising:
        async def score(self, facts, candidates):
            raise error

    decision = asyncio.run(awaiting_engine(Raising()).evaluate_async({}, {}))
    assert asked(decision)["reason"] == f"`model` raised {type(error).__name__}."


def test_a_page_that_nobody_wants_any_more_is_cancelled():
    made = awaiting_engine(Awaiting())

    async def page():
        task = asyncio.ensure_future(made.evaluate_async({}, {}))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(page())


def test_what_is_awaited_too_long_falls_back_too():
    made = awaiting_engine(Awaiting(), model="timeout: 1 ms")
    decision = asyncio.run(made.evaluate_async({}, {}))
    assert asked(decision)["reason"] == "`model` did not answer within 1 ms."


def test_an_event_loop_goes_on_while_an_ordinary_scorer_is_waited_for():
    made = engine(sleeping(0.1), model="timeout: 5 s")

    async def page():
        ticks = 0
        task = asyncio.ensure_future(made.evaluate_async({}, {}))
        while not task.done():
            await asyncio.sleep(0.005)
            ticks += 1
        return ticks, task.result()

    ticks, decision = asyncio.run(page())
    assert ticks > 3
    assert decision["hero"].content == "c"


def test_a_decision_can_be_pickled_with_its_sentences():
    decision = engine([1, 3, 2]).evaluate({}, {})
    again = pickle.loads(pickle.dumps(decision))
    assert again.to_dict() == decision.to_dict()
    assert again.why("hero") == decision.why("hero")


class Service(BaseHTTPRequestHandler):
    """A scoring service on the loopback; what it answers is set on the server."""

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server.asked.append((body, self.headers.get("authorization")))
        status, answer = server.answer(body)
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        for drop in [data] if not server.drops else [data[place : place + 1] for place in range(len(data))]:
            time.sleep(server.drops)
            self.wfile.write(drop)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def service():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.asked, server.drops = [], 0.0
    server.answer = lambda body: (200, {"scores": [len(one["id"]) for one in body["candidates"]]})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


HTTP_BOOK = """\
attributes: {{user: {{country: {{type: string}}, born: {{type: date}}, likes: {{type: list of strings}}}}}}
slots: {{hero: {{}}}}
content: {{a: {{title: A}}, bbb: {{title: B, price: 3}}, cc: {{title: C, tags: [x]}}}}
scorers:
  remote:
    {{kind: http, url: "http://127.0.0.1:{port}/", features: [country, born, likes], {more}}}
rules: {{best: {{when: always, show: {{hero: {{best of: [a, bbb, cc], by: remote}}}}}}}}
"""


def http_engine(service, more="failures: 3, rest: 0.3 s"):
    more = more if "timeout" in more else f"timeout: 5 s, {more}"
    text = HTTP_BOOK.format(port=service.server_address[1], more=more)
    made, report = check_book({"book.yaml": text.encode()})
    assert report.errors == 0, report.to_text()
    return Engine(made)


def test_a_service_is_sent_the_features_and_the_candidates(service, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SCORER_TOKEN", "letmein")
    made = http_engine(service, "token: SCORER_TOKEN")
    user = {"country": "NO", "born": "2000-01-31", "likes": ["x", "y"], "name": "Kari"}
    decision = made.evaluate(user, {})
    assert decision["hero"].content == "bbb"
    (body, authorization), *_ = service.asked
    assert body["facts"] == {"user.country": "NO", "user.born": "2000-01-31", "user.likes": ["x", "y"]}
    assert [one["id"] for one in body["candidates"]] == ["a", "bbb", "cc"]
    assert body["candidates"][1]["attributes"] == {"title": "B", "price": 3, "type": "", "tags": []}
    assert authorization == "Bearer letmein"
    assert "letmein" not in caplog.text
    asynchronous = asyncio.run(made.evaluate_async(user, {}))
    assert asynchronous["hero"].content == "bbb"
    made.close()


def test_what_an_awaited_answer_needs_is_imported_before_the_first_page_waits(service, tmp_path):
    more = "timeout: 5 s"
    (tmp_path / "book.yaml").write_text(HTTP_BOOK.format(port=service.server_address[1], more=more))
    program = (
        "import asyncio, sys\nfrom tailored import Engine\n"
        f"engine = Engine.load({str(tmp_path)!r})\nbefore = set(sys.modules)\n"
        "decision = asyncio.run(engine.evaluate_async({}, {}))\n"
        "print(decision['hero'].content, sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "bbb []\n"


def test_a_token_that_is_not_set_means_the_fallback(service, monkeypatch):
    monkeypatch.delenv("SCORER_TOKEN", raising=False)
    decision = http_engine(service, "token: SCORER_TOKEN").evaluate({}, {})
    assert "the environment variable SCORER_TOKEN is not set" in asked(decision)["reason"]
    assert service.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}),
        (204, b""),
        (200, b"no json"),
        (200, {}),
        (200, {"scores": "abc"}),
        (200, [1, 2, 3]),
        (302, {}),
    ],
)
def test_a_service_that_answers_nonsense_falls_back(service, answer):
    service.answer = lambda body: answer
    made = http_engine(service)
    assert asked(made.evaluate({}, {}))["used"] is None
    assert asked(asyncio.run(made.evaluate_async({}, {})))["used"] is None
    made.close()


@pytest.mark.parametrize(
    "answer, reason",
    [
        ((503, {}), "`remote` answered with status 503."),
        ((200, b" " * 1_000_001), "`remote` answered with more than 1,000,000 bytes."),
        ((200, b"[" * 100_000), '`remote` answered something else than `{"scores": [...]}`.'),
        ((200, {"scores": {"a": 1}}), "`remote` gave dict, not a list of scores."),
        ((200, b'{"scores": [NaN, 1, 2]}'), "`remote` gave a score that is no finite number."),
    ],
    ids=["status", "huge", "deep", "mapping", "nan"],
)
def test_the_reason_says_what_a_service_answered(service, answer, reason):
    service.answer = lambda body: answer
    made = http_engine(service)
    assert asked(made.evaluate({}, {}))["reason"] == reason
    assert asked(asyncio.run(made.evaluate_async({}, {})))["reason"] == reason
    made.close()


def test_a_service_that_answers_drop_by_drop_keeps_no_thread(service):
    service.drops = 0.02
    made = http_engine(service, "timeout: 100 ms")
    assert asked(made.evaluate({}, {}))["reason"] == "`remote` did not answer within 100 ms."
    workers = made._ranker.scorers._workers["remote"]
    deadline = time.monotonic() + 10
    while workers._late and time.monotonic() < deadline:
        time.sleep(0.01)
    assert workers._late == 0
    made.close()


def test_a_service_that_cannot_be_reached_is_said_so(service):
    made = http_engine(service)
    service.shutdown()
    service.server_close()
    assert asked(made.evaluate({}, {}))["reason"] == "`remote` could not be reached (ConnectError)."
    made.close()


def test_a_service_that_fails_again_and_again_is_left_alone_and_asked_again_later(service):
    service.answer = lambda body: (500, {})
    made = http_engine(service)
    reasons = [asked(made.evaluate({}, {}))["reason"] for _ in range(8)]
    assert reasons[-1] == "`remote` failed too often, and is left alone for a while."
    assert len(service.asked) == 3
    assert made.scorer_counts()["remote"] == {"error": 3, "open": 5}
    service.answer = lambda body: (200, {"scores": [1, 2, 3]})
    deadline = time.monotonic() + 10
    while (decision := made.evaluate({}, {}))["hero"].content != "cc" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert asked(decision)["fallback"] is False
    made.close()


def test_without_rankings_nothing_of_scoring_is_imported(tmp_path):
    (tmp_path / "book.yaml").write_text(
        "slots: {hero: {}}\ncontent: {a: {title: A}}\nrules: {r: {when: always, show: {hero: a}}}\n"
    )
    code = (
        "import sys; from tailored import Engine; "
        f"Engine.load({str(tmp_path)!r}).evaluate({{}}, {{}}); "
        "mine = ('tailored.scoring', 'tailored.engine.rank', 'tailored.engine.policy'); "
        "theirs = ('httpx', 'numpy', 'duckdb', 'pyarrow', 'purgatory', 'asyncio', 'sqlite3'); "
        "print([name for name in sys.modules if name.startswith((*mine, *theirs))])"
    )

    # without what asks for coverage, which imports some of these itself
    plain = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", code], env=plain, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("last_words", ["suppress", "finally"])
def test_a_scorer_that_will_not_be_cancelled_holds_up_no_page_and_is_left_alone_when_it_piles_up(last_words):
    begun, go = [], []

    class Stubborn:
        async def score(self, facts, candidates):
            begun.append(1)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if last_words == "finally":
                    raise
            finally:
                while not go:
                    await asyncio.sleep(0.01)
            return [0.0] * len(candidates)

    async def crowd():
        reasons = []
        for _ in range(3):
            pages = [engine.evaluate_async({}, {}) for _ in range(40)]
            reasons += [one["hero"].scorer.reason for one in await asyncio.gather(*pages)]
        assert len(begun) < 120
        go.append(1)
        return reasons

    engine = awaiting_engine(Stubborn(), "timeout: 25 ms")
    reasons = asyncio.run(crowd())
    assert set(reasons) == {
        "`model` did not answer within 25 ms.",
        "`model` has too many requests to answer already.",
    }
