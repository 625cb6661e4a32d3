"""The classifier taught by a file in the console: by whom, for whom, within bounds, and taken back."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from html import unescape

import httpx2 as httpx
import pytest

from tamis import limits
from tamis.audit import Audit
from tamis.learning.journal import Journal
from tamis.learning.teaching import Reporter, Source, lesson
from tamis.web.console import access
from tests.web.conftest import Visitor, visitor
from tests.web.test_console_changes import Site, taught
from tests.web.test_uploads import FILE, KIND

ONE = b"From: a@x.example\r\nSubject: one\r\n\r\nwidgets for everybody, cheap\r\n"
TWO = b"From: b@x.example\nSubject: two\n\nquite another thing\n>From here\n"
_LINE = b"From a@x.example Mon Nov  2 10:00:00 2026\n"
MBOX = _LINE + ONE.replace(b"\r\n", b"\n") + b"\n" + _LINE + TWO
HOSTILE = '../../etc/"<script>alert(1)</script>\r\nX: y\0.eml'


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    one = Site(tmp_path_factory.mktemp("teaching"))
    yield one
    for each in one.visitors.values():
        each.client.close()


@pytest.fixture
def site(shared: Site) -> Iterator[Site]:
    yield shared
    for name in ("root", "olga"):
        Journal(shared.config.database_url).undo(name)


def upload(site: Site, name: str, octets: bytes, file_name: str = "a.eml", **fields: str) -> httpx.Response:
    one = site.visitors[name]
    one.get("/console/learning")
    return one.post(
        "/console/learning/file", {"do": "spam", "domain": "", **fields}, files={"file": (file_name, octets)}
    )


@pytest.mark.slow
def test_a_message_and_an_mbox(site: Site) -> None:
    page = upload(site, "root", ONE)
    assert (page.status_code, "Learned: 1. Known already: 0." in page.text) == (200, True)
    assert "Learned: 1. Known already: 1." in upload(site, "root", MBOX).text
    assert upload(site, "olga", MBOX, do="ham").status_code == 200
    assert upload(site, "root", ONE, domain="Example.com").status_code == 200
    assert taught(site) == {("root", "", 0, 2), ("root", "example.com", 0, 1), ("olga", "example.org", 2, 0)}
    assert ("root", "learn as spam from a file", "a.eml") in site.changes()


@pytest.mark.slow
def test_what_was_taught_last_is_taken_back(site: Site) -> None:
    before = lesson(b"From: c@x.example\r\n\r\nan older one\r\n", spam=True)
    olga_says = Reporter("olga", Source.ADMINISTRATOR, "example.org")
    Journal(site.config.database_url).learn(olga_says, [before], datetime.now(UTC) - timedelta(hours=2))
    assert "Take this file back" in upload(site, "olga", MBOX).text
    olga = site.visitors["olga"]
    for since, status in (("nonsense", 400), ("99999999w", 400), ("2099-01-01", 200), (olga.hidden("since"), 200)):
        assert olga.post("/console/learning", {"do": "undo", "by": "olga", "since": since}).status_code == status
        olga.get("/console/learning")
    assert taught(site) == {("olga", "example.org", 0, 1)}
    upload(site, "root", ONE)
    assert olga.post("/console/learning", {"do": "undo", "by": "root", "since": "1h"}).status_code == 404
    assert ("root", "", 0, 1) in taught(site)
    root = site.visitors["root"]
    assert root.post("/console/learning", {"do": "undo", "by": "root", "since": "1h"}).status_code == 200
    assert taught(site) == {("olga", "example.org", 0, 1)}


def test_who_may_not_teaches_nothing(site: Site) -> None:
    before = site.changes()
    assert upload(site, "audrey", ONE).status_code == 403
    assert upload(site, "olga", ONE, domain="example.com").status_code == 404
    assert upload(site, "root", ONE, domain="no domain").status_code == 404
    assert upload(site, "root", ONE, do="maybe").status_code == 400
    with closing(visitor(site.config).client) as stranger:
        answer = stranger.post("/held/console/learning/file", files={"file": ("a", ONE)}, follow_redirects=False)
        assert answer.status_code == 303
    assert "Teach messages of a file" not in site.visitors["audrey"].get("/console/learning").text
    assert (taught(site), site.changes()) == (set(), before)


def test_no_other_site_teaches_for_somebody(site: Site) -> None:
    root = site.visitors["root"]
    root.get("/console/learning")
    token = root.hidden("form_token")
    for fields, headers in (
        ({}, {}),
        ({"form_token": "x"}, {}),
        ({"form_token": token}, {"Sec-Fetch-Site": "cross-site"}),
    ):
        answer = root.client.post(
            "/held/console/learning/file", data={"do": "spam", **fields}, files={"file": ("a", ONE)}, headers=headers
        )
        assert answer.status_code == 403
    assert taught(site) == set()


def test_what_is_no_mail_teaches_nothing(site: Site) -> None:
    for octets in (b"", b" \r\n", b"\x89PNG\r\n\x1a\n" + bytes(5000), _LINE, MBOX + b"\n" + _LINE + b"no mail"):
        answer = upload(site, "root", octets)
        assert (answer.status_code, "Nothing was learned." in answer.text) == (400, True), octets[:20]
    assert taught(site) == set()


def test_the_name_of_a_file_is_text(site: Site) -> None:
    assert upload(site, "root", ONE, HOSTILE).status_code == 200
    (change,) = Audit(site.config.database_url).page(None, 1)
    assert change.subject.isprintable()
    assert "/" not in change.subject
    assert "<script" not in site.visitors["root"].get("/console/audit").text


def test_a_file_has_bounds(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UPLOAD_BYTES", 100_000)
    assert upload(site, "root", ONE + bytes(100_000)).status_code == 413
    assert upload(site, "root", ONE + bytes(300_000)).status_code == 413
    monkeypatch.setattr(limits, "UPLOAD_MESSAGES", 1)
    answer = upload(site, "root", MBOX)
    assert (answer.status_code, "More than 1 messages" in answer.text) == (400, True)
    assert taught(site) == set()


def test_administrators_of_a_domain_teach_so_much_in_a_day(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LESSONS_A_DAY", 1)
    assert "Left out, more than a day's: 1." in unescape(upload(site, "olga", MBOX).text)
    assert "Left out" not in upload(site, "root", MBOX).text
    assert taught(site) == {("olga", "example.org", 0, 1), ("root", "", 0, 2)}


def test_uploads_are_limited(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "UPLOADS_ASKED", (0, 600))
    assert upload(site, "root", ONE).status_code == 429


def test_who_may_not_is_not_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []

    def body() -> Iterator[bytes]:
        begun.append(True)
        yield FILE + b"--"

    def send(one: Visitor) -> int:
        return one.client.post(
            "/held/console/learning/file", content=body(), headers={"Content-Type": KIND}, follow_redirects=False
        ).status_code

    with closing(visitor(site.config).client) as stranger:
        assert send(Visitor(stranger, site.visitors["root"].house)) == 303
    assert send(site.visitors["audrey"]) == 403
    monkeypatch.setattr(access, "UPLOADS_ASKED", (0, 600))
    assert send(site.visitors["root"]) == 429
    assert begun == []
    monkeypatch.undo()
    # Read, and without the token of a form.
    assert (send(site.visitors["root"]), begun) == (403, [True])
