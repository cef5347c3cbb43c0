"""Helpers for frameworks: what a request tells, and the example applications, run and asked."""

import asyncio
import html
import re
import socket
import subprocess
import sys
import time

import django.conf
import flask
import httpx
import pytest
from django.test import RequestFactory
from django.urls import ResolverMatch
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tailored import Engine
from tailored.web.django import Tailored as DjangoHelper
from tailored.web.flask import Tailored as FlaskHelper
from tailored.web.starlette import Tailored as StarletteHelper
from tailored.web.visitor import context_of
from tests.support.waiting import while_waiting

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari"
PIXEL = "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36"
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari"
TAB = "Mozilla/5.0 (Linux; Android 15; SM-X910) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"
LAPTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"


@pytest.mark.parametrize(
    "headers, told",
    [
        ({}, {}),
        ({"User-Agent": IPHONE}, {"device": "mobile"}),
        ({"User-Agent": PIXEL}, {"device": "mobile"}),
        ({"User-Agent": IPAD}, {"device": "tablet"}),
        ({"User-Agent": TAB}, {"device": "tablet"}),
        ({"User-Agent": LAPTOP}, {"device": "desktop"}),
        ({"Sec-CH-UA-Mobile": "?1"}, {"device": "mobile"}),
        ({"Sec-CH-UA-Mobile": "?0"}, {"device": "desktop"}),
        ({"Accept-Language": "nb-NO,nb;q=0.9,en;q=0.8"}, {"language": "nb"}),
        ({"Accept-Language": "en;q=0.5, DE;q=0.9"}, {"language": "de"}),
        ({"Accept-Language": "*, ;;;, x"}, {}),
        ({"Accept-Language": "en;q=0"}, {}),
        ({"Referer": "https://News.Example/a?token=secret"}, {"referrer": "news.example"}),
        ({"Referer": "https://shop.example/cart"}, {}),
        ({"Referer": "https://[broken"}, {}),
        ({"Sec-GPC": "1"}, {"gpc": True}),
        ({"Sec-GPC": "0"}, {}),
        ({"X-Request-ID": "r-1"}, {"request_id": "r-1"}),
        ({"X-Request-ID": "a b"}, {}),
    ],
)
def test_a_request_tells_device_language_referrer_and_gpc(headers, told):
    assert context_of(httpx.Headers(headers), None, "shop.example:443") == told
    assert context_of(httpx.Headers(headers), "home", "shop.example") == {"page": "home", **told}


@pytest.mark.parametrize("host", ["shop.example", "Shop.Example:8000", "[::1]:8000", "[::1]", "192.0.2.1:80"])
def test_a_link_of_the_site_itself_is_no_referrer(host):
    headers = httpx.Headers({"Referer": f"http://{host}/cart"})
    assert context_of(headers, None, host) == {}
    assert "referrer" in context_of(headers, None, "[broken")


def test_a_browser_with_an_endless_name_is_told_by_its_beginning():
    """To look through all of it would take a second."""
    assert context_of(httpx.Headers({"User-Agent": "Android" * 9000 + "Mobile"}), None) == {
        "device": "tablet"
    }


@pytest.fixture(scope="module", params=["fastapi", "flask", "django"])
def shop(request):
    """One of the example applications, running."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, f"examples/{request.param}_shop.py", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
            end = time.monotonic() + 60
            while time.monotonic() < end and process.poll() is None:
                try:
                    client.get("/why")
                    break
                except httpx.ConnectError:
                    time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def engine():
    return Engine.load("rules")


def test_an_example_shows_a_visitor_what_the_book_says(shop, engine):
    page = shop.get("/", params={"visitor": "hiker"}, headers={"user-agent": LAPTOP})
    assert page.status_code == 200
    assert "<h1>Warm feet, Kari</h1>" in page.text
    assert "<li>boot-wax</li>" in page.text
    stranger = shop.get("/", headers={"user-agent": LAPTOP}).text
    assert "Warm feet" not in stranger
    assert f"<h1>{engine.evaluate({}, {'page': 'home'})['hero'].fields['title']}</h1>" in stranger


def test_an_example_says_why_of_the_page_that_was_shown(shop, engine):
    page = shop.get("/", params={"visitor": "hiker"}, headers={"user-agent": LAPTOP}).text
    link = html.unescape(re.search('<a href="([^"]*)">Why am I seeing this', page)[1])
    said = shop.get(link, headers={"user-agent": LAPTOP}).json()["hero"]
    assert said == "You see this because the page is home and you looked at hiking boots."
    assert shop.get("/why").json()["hero"] == engine.evaluate({}, {"page": "home"}).why("hero")
    checkout = shop.get("/why", params={"page": "checkout"}).json()["hero"]
    assert checkout == engine.evaluate({}, {"page": "checkout"}).why("hero")


def ask_starlette(engine, hook):
    async def home(request):
        return JSONResponse((await StarletteHelper(engine, hook, hook)(request)).to_dict())

    async def ask():
        app = Starlette(routes=[Route("/", home)])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            return (await client.get("/")).json()

    return asyncio.run(ask())


def ask_flask(engine, hook):
    app = flask.Flask("shop")
    shop = FlaskHelper(app, engine, lambda: hook(None), lambda: hook(None))
    app.add_url_rule("/", "home", lambda: shop().to_dict())
    return app.test_client().get("/").json


def ask_django(engine, hook):
    if not django.conf.settings.configured:
        django.conf.settings.configure()
    request = RequestFactory().get("/")
    request.resolver_match = ResolverMatch(print, (), {}, url_name="home")
    return DjangoHelper(engine, hook, hook)(request).to_dict()


@pytest.mark.parametrize("ask", [ask_starlette, ask_flask, ask_django])
def test_a_hook_that_gives_none_knows_nothing_of_the_visitor(ask, engine):
    placed = ask(engine, lambda request: None)["slots"]["hero"]
    assert placed == engine.evaluate({}, {"page": "home"})["hero"].to_dict()
    assert ask(engine, lambda request: {"viewed_categories": ["hiking-boots"]})["slots"]["hero"] != placed


def test_a_browser_that_asks_not_to_be_profiled_is_heard(tmp_path):
    (tmp_path / "book.yaml").write_text(
        "purposes: {personalization: {honours: [gpc]}}\n"
        "attributes: {user: {country: {type: string}}, context: {page: {type: string}}}\n"
        "slots: {hero: {default: plain}}\ncontent: {plain: {}, norway: {}, about: {}}\n"
        "rules:\n  r: {when: {country: 'NO'}, show: {hero: norway}}\n"
        "  a: {when: {page: about_us}, show: {hero: about}}\n"
    )
    tailored = StarletteHelper(
        Engine.load(tmp_path), lambda request: {"country": "NO"}, lambda request: {"extra": 1}
    )
    given = []

    async def home(request):
        given.append(await tailored(request))
        assert await tailored(request) is given[-1]
        return JSONResponse(given[-1].to_dict())

    async def about_us(request):
        return await home(request)

    app = Starlette(routes=[Route("/", home), Route("/about", about_us)])

    async def hero(path, **headers):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            answer = await client.get(path, headers=headers)
            return answer.json()["slots"]["hero"]["content"]

    assert asyncio.run(hero("/")) == "norway"
    assert asyncio.run(hero("/", **{"sec-gpc": "1"})) == "plain"
    assert asyncio.run(hero("/about", **{"sec-gpc": "1"})) == "about"


def test_other_requests_go_on_while_a_scorer_is_waited_for():
    request = Request(
        {"type": "http", "headers": [], "server": ("shop", 80), "path": "/", "query_string": b""}
    )
    decision = while_waiting(lambda engine: StarletteHelper(engine)(request))
    assert decision["hero"].content == "b"
