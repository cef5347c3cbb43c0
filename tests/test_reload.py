"""Rules change while they are served: nothing is lost or mixed, and a book with errors changes nothing."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from tailored import Engine
from tests.support.serving import Served
from tests.support.shop import BOOK, write

BROKEN = BOOK.replace("hero: hello", "hero: helo")


def until(claim, seconds=40, said=""):
    """Waits for what another process will do; the claim is checked once more by the test itself."""
    end = time.monotonic() + seconds
    while not claim() and time.monotonic() < end:
        time.sleep(0.02)
    assert claim(), said


def edition(number):
    """A book that tells its number in every slot and setting."""
    book = BOOK.replace("title: Welcome", f"title: Edition {number}")
    return book.replace("default: solo, values: [solo, team]", f"default: edition-{number}")


@pytest.fixture
def book(tmp_path):
    return write(tmp_path / "rules")


def text(served):
    return served.evaluate({"user": {}, "context": {}}).json()["settings"]["text"]["value"]


@pytest.mark.parametrize("how", ["watch", "signal", "post"])
def test_a_changed_book_is_served_without_a_restart(book, how):
    with Served(book, [] if how == "watch" else ["--no-watch"]) as served:
        before = served.client.get("/v1/book").json()["version"]
        changed = BOOK.replace("default: solo", "default: team")
        write(book, changed)
        if how == "signal":
            served.signal(signal.SIGHUP)
        elif how == "post":
            answer = served.client.post("/v1/book/reload")
            assert (answer.status_code, answer.json()["outcome"]) == (200, "changed")
            assert text(served) == "team"
        until(lambda: text(served) == "team")
        told = served.client.get("/v1/book").json()
        assert told["version"] == Engine.load(book).version != before
        assert served.metric("tailored_reloads_total", outcome="changed") == 1
        assert served.metric("tailored_book_info", version=told["version"]) == 1


def test_without_watching_a_changed_book_waits(book):
    with Served(book, ["--no-watch"]) as served:
        write(book, BOOK.replace("default: solo", "default: team"))
        time.sleep(1)
        assert text(served) == "solo"


def test_a_book_with_errors_is_refused_and_everyone_is_told_why(book):
    with Served(book) as served:
        before = served.client.get("/v1/book").json()["version"]
        write(book, BROKEN)
        answer = served.client.post("/v1/book/reload")
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (409, "urn:tailored:problem:book-refused")
        assert "Did you mean `hello`?" in {finding["hint"] for finding in problem["diagnostics"]}
        told = served.client.get("/v1/book").json()
        assert told["version"] == before == problem["version"]
        assert told["refused"]["diagnostics"] == problem["diagnostics"]
        assert "There is no content `helo`. Did you mean `hello`?" in told["refused"]["reason"]
        assert served.metric("tailored_book_refused") == 1
        assert served.metric("tailored_reloads_total", outcome="refused") >= 1
        assert served.evaluate({"user": {"country": "NO"}, "context": {}}).json()["book"] == before
        until(lambda: any("There is no content `helo`." in line for line in served.said))
        write(book)
        until(lambda: served.metric("tailored_book_refused") == 0)
        assert served.client.get("/v1/book").json()["refused"] is None


def test_a_folder_that_vanishes_is_refused_and_may_come_back_as_another(book, tmp_path):
    with Served(book) as served:
        book.rename(tmp_path / "away")
        until(lambda: served.client.post("/v1/book/reload").status_code == 409)
        assert "there is no folder" in served.client.get("/v1/book").json()["refused"]["reason"]
        other = write(tmp_path / "other", BOOK.replace("default: solo", "default: team"))
        other.rename(book)
        until(lambda: text(served) == "team", said=served.said)


def test_a_link_that_is_moved_to_another_book_is_followed(tmp_path):
    first = write(tmp_path / "first")
    second = write(tmp_path / "second", BOOK.replace("default: solo", "default: team"))
    link = tmp_path / "current"
    link.symlink_to(first)
    with Served(link) as served:
        assert text(served) == "solo"
        (tmp_path / "fresh").symlink_to(second)
        (tmp_path / "fresh").replace(link)
        until(lambda: text(served) == "team")


def test_comments_and_touches_change_nothing(book):
    with Served(book, ["--no-watch"]) as served:
        write(book, "# a comment\n" + BOOK)
        assert served.client.post("/v1/book/reload").json()["outcome"] == "unchanged"
        os.utime(book / "book.yaml")
        assert served.client.post("/v1/book/reload").json()["outcome"] == "unchanged"


def test_a_file_that_is_just_being_written_is_not_taken_for_a_book(book, tmp_path):
    (file,) = book.glob("*.yaml")

    def slowly(text):
        with file.open("w", buffering=1) as written:
            for piece in (text[: text.index("rules:")], text[text.index("rules:") :]):
                time.sleep(0.01)
                written.write(piece)
                written.flush()

    with Served(book, ["--no-watch"]) as served:
        allowed = {served.client.get("/v1/book").json()["version"]}
        for number in range(10):
            text = edition(number)
            allowed.add(Engine.load(write(tmp_path / "alone", text)).version)
            writer = threading.Thread(target=slowly, args=(text,))
            writer.start()
            while writer.is_alive():
                served.client.post("/v1/book/reload")
                assert served.client.get("/v1/book").json()["version"] in allowed
            writer.join()
        served.client.post("/v1/book/reload")
        assert served.client.get("/v1/book").json()["version"] == Engine.load(book).version


@pytest.mark.no_cover
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.long)])
def test_200_reloads_under_load_lose_no_request_and_never_mix_two_books(tmp_path, workers):
    book = write(tmp_path / "rules", edition(0))
    versions, seen, wrong = {Engine.load(book).version: 0}, set(), []
    asking = threading.Event()
    asking.set()

    def check(decision):
        number = versions.get(decision["book"])
        title = decision["slots"]["hero"]["fields"]["title"]
        if (title, decision["settings"]["text"]["value"]) != (f"Edition {number}", f"edition-{number}"):
            wrong.append((number, title))
        seen.add(number)

    def ask(url, answered):
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            while asking.is_set():
                answer = client.post("/v1/evaluate", json={"user": {}, "context": {}})
                if answer.status_code != 200:
                    wrong.append(answer.status_code)
                else:
                    check(answer.json())
                answered.append(1)

    for number in range(1, 201):
        other = write(tmp_path / "other", edition(number))
        versions[Engine.load(other).version] = number
    assert len(versions) == 201
    with Served(book, ["--no-watch", "--workers", str(workers)]) as served:
        answered = [[] for _ in range(4)]
        clients = [threading.Thread(target=ask, args=(served.url, one)) for one in answered]
        for client in clients:
            client.start()
        for number in range(1, 201):
            write(book, edition(number))
            answer = served.client.post("/v1/book/reload")
            assert versions[answer.json()["version"]] == number
        asking.clear()
        for client in clients:
            client.join(60)
        asked = sum(map(len, answered))
        assert wrong == []
        assert None not in seen
        assert len(seen) > 20
        assert served.metric("tailored_requests_total", endpoint="/v1/evaluate", status="200") == asked
        assert served.metric("tailored_evaluations_total") == asked
        assert served.metric("tailored_decisions_total", slot="hero") == asked
        assert served.metric("tailored_reloads_total", outcome="changed") == 200 * workers


def test_several_workers_share_an_address_and_count_together(book):
    with Served(book, ["--workers", "3"]) as served:
        for _ in range(60):  # each on a connection of its own, so that all workers get some
            assert served.on_a_fresh_connection("GET", "/readyz")[0] == 200
        assert served.metric("tailored_requests_total", endpoint="/readyz") == 60
        write(book, BOOK.replace("default: solo", "default: team"))
        served.signal(signal.SIGHUP)
        version = Engine.load(book).version.encode()
        until(lambda: all(version in served.on_a_fresh_connection("GET", "/readyz")[1] for _ in range(30)))
        assert served.end() == 0


def workers_of(served):
    if not shutil.which("pgrep"):
        pytest.skip("pgrep is not installed")
    found = subprocess.run(["pgrep", "-P", str(served.process.pid)], capture_output=True, text=True)
    return [int(one) for one in found.stdout.split()]


def replace_worker(served, dead):
    def is_replaced():
        workers = workers_of(served)  # once: a look between two moments would mix them
        return len(workers) == 2 and dead not in workers

    os.kill(dead, signal.SIGKILL)
    until(is_replaced, said=served.said)


def test_a_worker_that_dies_is_replaced_and_its_counts_stay(book):
    def counted():
        return served.metric("tailored_requests_total", endpoint="/readyz", status="200")

    with Served(book, ["--workers", "2"]) as served:
        for _ in range(40):
            assert served.on_a_fresh_connection("GET", "/readyz")[0] == 200
        assert counted() == 40
        for dead in workers_of(served):
            replace_worker(served, dead)
            assert counted() == 40
        for _ in range(20):
            assert served.on_a_fresh_connection("GET", "/readyz")[0] == 200
        assert counted() == 60
        assert any("is replaced" in line for line in served.said)


def test_workers_do_not_outlive_the_process_that_started_them(book):
    """They would hold the address, and nobody could end them by it."""
    with Served(book, ["--workers", "2"]) as served:
        workers = workers_of(served)
        assert len(workers) == 2
        served.signal(signal.SIGKILL)
        served.process.wait()
        until(lambda: not [one for one in workers if is_alive(one)])


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_that_is_replaced_serves_the_last_good_book(book):
    file = book / "book.yaml"
    with Served(book, ["--workers", "2", "--no-watch"]) as served:
        file.write_text(BOOK.replace("default: solo", "default: team"))
        assert served.client.post("/v1/book/reload").json()["outcome"] == "changed"
        file.write_text("rules: {r: {}}\n")
        assert served.client.post("/v1/book/reload").status_code == 409
        for dead in workers_of(served):
            replace_worker(served, dead)
        for _ in range(20):
            body = served.on_a_fresh_connection("POST", "/v1/evaluate", {"user": {}, "context": {}})[1]
            assert json.loads(body)["settings"]["text"]["value"] == "team"


def test_a_decision_log_in_the_folder_of_the_book_is_no_change_of_it(book):
    with Served(book, ["--log", str(book / "decisions.ndjson")]) as served:
        for _ in range(5):
            served.evaluate({"user": {}, "context": {}})
            time.sleep(0.3)  # the watch gathers what happens within 0.2 s
        assert served.metric("tailored_reloads_total", outcome="unchanged") == 0


def test_a_book_with_scorers_is_served_by_several_workers():
    hiker = json.loads(Path("examples/requests/hiker.json").read_text())
    decided = Engine.load("rules").evaluate(hiker["user"], hiker["context"], hiker["now"]).to_dict()
    with Served("rules", ["--workers", "2"]) as served:
        for _ in range(10):
            status, body = served.on_a_fresh_connection("POST", "/v1/evaluate", hiker)
            assert (status, json.loads(body)) == (200, decided)


def test_new_data_of_a_catalog_is_read_and_broken_data_is_refused(tmp_path):
    book = shutil.copytree("rules", tmp_path / "rules")
    products = book / "catalogue" / "products.csv"
    good = products.read_text()
    with Served(book, ["--no-watch"]) as served:
        version = served.client.get("/v1/book").json()["version"]
        products.write_text("\n".join(good.splitlines()[:3]) + "\n")
        assert served.client.post("/v1/book/reload").json() == {"outcome": "refreshed", "version": version}
        products.write_text(good.splitlines()[0] + "\n" + good.splitlines()[1].replace(",", ",,,,", 1) + "\n")
        refused = served.client.post("/v1/book/reload")
        assert (refused.status_code, bool(refused.json()["diagnostics"])) == (409, True)
        products.write_text(good)
        assert served.client.post("/v1/book/reload").status_code == 200
        assert served.client.get("/v1/book").json()["refused"] is None
