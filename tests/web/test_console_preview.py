"""A held message looked at in the console: safely, by who may see it, and never without its being written down."""

from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest

from tamis.accounts import Accounts
from tests.quarantine.held import copy, hold
from tests.web.conftest import visitor
from tests.web.test_console_changes import Site

HOSTILE = (
    b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    b"<p onclick=alert(1)>zorgblatt</p><script>alert(2)</script><img src=//track.example/p><a href=//x.example>y</a>"
    b"<iframe src=//x.example></iframe><form action=/held/console method=post></form><style>@import'//x'</style>\r\n"
    b"--b\r\nContent-Type: application/pdf\r\n"
    b'Content-Disposition: attachment; filename="<b>\\"../x.pdf"\r\n\r\nx\r\n--b--\r\n'
)
_NUMBERS = count()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    one = Site(tmp_path_factory.mktemp("preview"))
    yield one
    for each in one.visitors.values():
        each.client.close()


def held(site: Site, recipient: str) -> str:
    # The same octets again would be the same message.
    raw = b"Subject: %d\r\n" % next(_NUMBERS) + HOSTILE
    return f"{hold(site.store, copy(recipient), raw=raw)}.1"


def looks(site: Site) -> list[tuple[str, str]]:
    return [(by, subject) for by, action, subject in site.changes() if action.startswith("look at held mail")]


def test_it_is_shown_without_what_acts(site: Site) -> None:
    ours = held(site, "bob@example.org")
    olga = site.visitors["olga"]
    assert f"/console/held/{ours}/preview" in olga.get(f"/console/held/{ours.partition('.')[0]}").text
    page = olga.get(f"/console/held/{ours}/preview").text
    assert "zorgblatt" in page
    assert f'<iframe class="preview" sandbox src="/held/console/held/{ours}/content"' in page
    assert "&lt;b&gt;" in page
    content = olga.get(f"/console/held/{ours}/content")
    assert "zorgblatt" in content.text
    for bad in ("script", "onclick", "alert", "<img", "href", "<iframe", "<form", "@import"):
        assert bad not in content.text
    assert content.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert content.headers["x-frame-options"] == "SAMEORIGIN"


def test_who_looked_is_written_down(site: Site) -> None:
    ours = held(site, "bob@example.org")
    before = len(looks(site))
    for name in ("audrey", "root"):
        assert site.visitors[name].get(f"/console/held/{ours}/preview").status_code == 200
    assert site.visitors["root"].get(f"/console/held/{ours}/content").status_code == 200
    assert looks(site)[: len(looks(site)) - before] == [("root", ours), ("root", ours), ("audrey", ours)]
    assert "look at held mail, text" in site.visitors["olga"].get("/console/audit").text


@pytest.mark.slow
def test_what_is_not_theirs_is_not_there(site: Site) -> None:
    ours, theirs = held(site, "locked@example.org"), held(site, "eve@example.com")
    gone = held(site, "bob@example.org")
    assert site.act("root", "delete", gone) == 200
    Accounts(site.config.database_url).lock("locked@example.org", "root")
    before = looks(site)
    olga = site.visitors["olga"]
    for name in (ours, theirs, gone, "x", "' OR 1=1 --", "%00", "..%2f..", ours.replace(".1", ".9"), "0" * 5000):
        for what in ("preview", "content"):
            assert olga.get(f"/console/held/{name}/{what}").status_code == 404, name
    assert site.visitors["root"].get(f"/console/held/{gone}/preview").status_code == 404
    with closing(visitor(site.config).client) as stranger:
        for what in ("preview", "content"):
            answer = stranger.get(f"/held/console/held/{ours}/{what}", follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, "/held/console/login")
    assert looks(site) == before
