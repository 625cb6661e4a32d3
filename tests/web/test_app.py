"""The house of the pages: header fields, languages, errors, forms of others, limits, who asks."""

import asyncio
import re
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message

from tamis import limits
from tamis.redis_client import RedisClient
from tamis.settings import Web
from tamis.web import forms
from tamis.web.client import client_address, network_of
from tamis.web.limiter import Limiter
from tests.redis_server import Server
from tests.web.conftest import Visitor, settings, visitor

STATIC = Path(__file__).parents[2] / "web" / "static"


def test_every_answer_has_the_fields(browser: Visitor) -> None:
    for path in ("/", "/health", "/nothing", "/static/tamis.css", "/static/../app.py", "/%00"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'"), path
        assert "unsafe" not in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "max-age" in headers["strict-transport-security"]
        kept = "public" if path == "/static/tamis.css" else "no-store"
        assert headers["cache-control"].startswith(kept)


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(browser: Visitor) -> None:
    for template in (STATIC.parent / "templates").glob("*.html"):
        text = template.read_text("utf-8")
        assert not re.search(r"\bstyle=|\bon[a-z]+=|<style|javascript:|<script(?! src=\"\{\{ static)", text), template
        assert "|safe" not in text, template
        assert "autoescape" not in text, template
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", "".join(f.read_text() for f in STATIC.iterdir()))
    found = re.findall(r'(?:src|href)="([^"]*)"', browser.get("/").text)
    assert found
    for path in found:
        assert path.startswith(("/held/static/", "#")), path
        if path.startswith("/"):
            assert browser.get(path).status_code == 200


def test_languages(browser: Visitor) -> None:
    assert '<html lang="en">' in browser.get("/").text
    page = browser.get("/", headers={"Accept-Language": "fr-FR,fr;q=0.9"}).text
    assert '<html lang="fr">' in page
    assert "Courrier retenu" in page


def test_errors_are_pages(browser: Visitor) -> None:
    answer = browser.get("/nothing", headers={"Accept-Language": "fr"})
    assert (answer.status_code, "Il n’y a rien ici" in answer.text) == (404, True)
    assert browser.client.post("/held/").status_code == 405


def test_what_breaks_says_nothing_of_itself(tmp_path: Path) -> None:
    one = visitor(settings(tmp_path), raise_server_exceptions=False)

    def broken(request: Request) -> Response:
        raise RuntimeError("a secret")

    one.client.app.router.routes.insert(0, Route("/broken", broken))  # type: ignore[attr-defined]
    answer = one.get("https://mail.example.org/broken")
    assert answer.status_code == 500
    assert "a secret" not in answer.text
    assert answer.headers["content-security-policy"]


def test_health(browser: Visitor, tmp_path: Path) -> None:
    assert browser.get("/health").text == "ok\n"
    (tmp_path / "tamis.db").write_bytes(b"no database at all, and longer than any header of one" * 10)
    assert browser.get("/health").status_code == 503


@pytest.fixture
def changing(browser: Visitor) -> Visitor:
    """A visitor of a house with a form that answers what it was sent."""

    def answer(request: Request, form: forms.Form) -> Response:
        return PlainTextResponse(f"{form.one('x')} {form.all('y')}")

    browser.client.app.router.routes.insert(0, Route("/held/form", forms.posted(answer), methods=["POST"]))  # type: ignore[attr-defined]
    browser.get("/error-without-form")
    return browser


def with_token(one: Visitor) -> dict[str, str]:
    one.get("/")
    visit = one.client.cookies[forms.COOKIE]
    return {"form_token": forms.form_token(one.house.tokens, visit)}


def test_a_form_of_ours(changing: Visitor) -> None:
    answer = changing.client.post("/held/form", data={**with_token(changing), "x": "é", "y": ["1", "2"]})
    assert answer.text == "é ['1', '2']"


def test_forms_of_other_sites_are_refused(changing: Visitor) -> None:
    good = with_token(changing)
    post = changing.client.post
    assert post("/held/form", data={"x": "1"}).status_code == 403
    assert post("/held/form", data={"form_token": "x" * 50}).status_code == 403
    foreign = forms.form_token(changing.house.tokens, "A" * 22)
    assert post("/held/form", data={"form_token": foreign}).status_code == 403
    for site in ("cross-site", "same-site"):
        assert post("/held/form", data=good, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert post("/held/form", data=good, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert changing.client.get("/held/form", params=good).status_code == 404
    changing.client.cookies.clear()
    assert post("/held/form", data=good).status_code == 403


def test_who_goes_away_in_the_middle_of_a_form_breaks_nothing(changing: Visitor) -> None:
    come = iter([{"type": "http.request", "body": b"x=", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Message] = []

    async def receive() -> Message:
        return next(come)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"type": "http", "method": "POST", "path": "/held/form", "query_string": b"", "headers": headers}

    async def ask() -> None:
        await changing.client.app(scope, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == 400


def test_forms_have_bounds(changing: Visitor) -> None:
    good = with_token(changing)
    post = changing.client.post
    assert post("/held/form", data={**good, "x": "y" * limits.FORM_BYTES}).status_code == 413
    assert post("/held/form", data={**good, "x": ["y"] * limits.FORM_FIELDS}).status_code == 413
    assert post("/held/form", json=good).status_code == 415
    assert post("/held/form", files={"form_token": good["form_token"].encode()}).status_code == 415


@pytest.mark.parametrize("away", [True, False])
def test_limits(server: Server, away: bool) -> None:
    url = "redis://127.0.0.1:1" if away else server.url
    limiters = [Limiter(RedisClient(url)) for _ in range(2)]
    assert [limiters[0].allows("x", "ann", 2, 3600) for _ in range(3)] == [True, True, False]
    assert limiters[0].allows("x", "bob", 2, 3600)
    assert limiters[0].allows("y", "ann", 2, 3600)
    assert limiters[1].allows("x", "ann", 2, 3600) is away


def request_from(peer: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return Request({"type": "http", "client": (peer, 1) if peer else None, "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "who"),
    [
        ("203.0.113.9", ["192.0.2.1"], "203.0.113.9"),
        ("127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["6.6.6.6", "192.0.2.1, 127.0.0.1"], "192.0.2.1"),
        ("127.0.0.1", ["6.6.6.6, <script>"], "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        (None, ["2001:db8::1"], "2001:db8::1"),
    ],
)
def test_who_asks(peer: str | None, forwarded: list[str], who: str) -> None:
    assert client_address(request_from(peer, *forwarded), Web()) == who


def test_one_home_is_one_asker() -> None:
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::9") == "2001:0db8:0001:0002"
