"""The page of the recipient: its own mail alone, why it is held, safely shown, and what may be done with it."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import insert, select

from tamis.filters.order import BY_NAME
from tamis.learning.tables import LEARNED
from tamis.list_store import ListStore
from tamis.message import Message
from tamis.notice_tables import MAILBOX
from tamis.quarantine.store import Store
from tamis.tokens import Purpose
from tamis.web import preview
from tamis.weight_store import WeightStore
from tests.quarantine.held import copy, events, hold, states
from tests.web.conftest import Visitor, settings, visitor

BOB = "bob@example.org"
PAGE = (
    "Subject: x\r\nFrom: ann@sender.example\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    "<html><head><title>T</title><style>p{{}}</style><base href='https://evil.example/'></head>"
    "<body onload=alert(1)><p style='background:url(https://evil.example/x)'>Visible é</p>{}</body></html>\r\n"
)
EVIL = [
    "<script>alert(1)</script>",
    "<img src=https://evil.example/1.png onerror=alert(1)>",
    "<svg onload=alert(1)><script>x</script></svg>",
    "<a href='javascript:alert(1)'>link</a>",
    "<a href='https://evil.example/'>link</a>",
    "<iframe src=https://evil.example></iframe>",
    "<form action=https://evil.example><input name=password></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<object data=https://evil.example></object><embed src=https://evil.example>",
    "<table background=https://evil.example/x><tr><td background=https://evil.example>y</td></tr></table>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<div style="position:fixed" onmouseover=alert(1)>y</div>',
    "<video src=https://evil.example autoplay></video><audio src=https://evil.example>",
]


@pytest.fixture
def bob(tmp_path: Path) -> Iterator[Visitor]:
    one = visitor(settings(tmp_path))
    one.house.store.spool.prepare()
    with closing(one.client):
        belongs(one.house.store, BOB, BOB)
        belongs(one.house.store, "sales@example.org", BOB)
        belongs(one.house.store, "eve@example.org", "eve@example.org")
        yield one


@pytest.fixture
def store(bob: Visitor) -> Store:
    return bob.house.store


def belongs(store: Store, recipient: str, mailbox: str) -> None:
    with store.transaction() as connection:
        now = datetime.now(UTC).replace(tzinfo=None)
        connection.execute(insert(MAILBOX).values(recipient=recipient, mailbox=mailbox, found_at=now))


def enter(one: Visitor, mailbox: str = BOB) -> str:
    return one.get(f"/mailbox/{one.house.tokens.make(Purpose.MAILBOX, mailbox, 1000)}").text


def held(store: Store, number: int = 1, *copies: object, **values: object) -> str:
    raw = values.pop("raw", b"Subject: %d\r\n\r\nx\r\n" % number)
    name = hold(store, *copies, raw=raw, **{"subject": f"no. {number}", **values})  # type: ignore[arg-type]
    return f"{name}.1"


def entries(one: Visitor) -> set[tuple[str, str, str]]:
    stored = ListStore(one.house.config.database_url).stored()
    return {(str(each.entry.list), each.entry.domain, each.entry.value) for each in stored}


def learned(one: Visitor) -> list[tuple[str, str, bool]]:
    """What the classifier has been told: by whom, for which domain, and whether it was spam."""
    with one.house.store.transaction() as connection:
        return [(row.source, row.domain, row.spam) for row in connection.execute(select(LEARNED))]


def test_all_of_one_mailbox_and_nothing_else(bob: Visitor, store: Store) -> None:
    held(store, 1)
    held(store, 2, copy("sales@example.org", row=BY_NAME["reverse-dns"]))
    held(store, 3, copy("eve@example.org"))
    page = enter(bob)
    assert re.findall(r"no\. \d", page) == ["no. 2", "no. 1"]
    assert "to sales@example.org" in page
    assert "has no name in the DNS" in page
    french = bob.get("/mailbox", headers={"Accept-Language": "fr"}).text
    assert "n’a pas de nom dans le DNS" in french
    assert "Courrier retenu" in french


def test_pages_of_a_full_mailbox(bob: Visitor, store: Store) -> None:
    for number in range(52):
        held(store, number)
    page = enter(bob)
    assert len(re.findall(r"no\. \d", page)) == 50
    older = re.findall(r'href="/held(/mailbox\?after=[^"]+)"', page)
    assert len(re.findall(r"no\. \d", bob.get(older[0]).text)) == 2
    assert bob.get("/mailbox?after=0123456789abcdef.1").status_code == 404
    assert bob.get("/mailbox?after=' OR 1=1").status_code == 200


def test_get_changes_nothing(bob: Visitor, store: Store) -> None:
    """Link scanners follow every link."""
    name = held(store, raw=PAGE.format("").encode())
    before = states(store), entries(bob)
    new = [bob.house.url(f"/mailbox/{bob.house.tokens.make(Purpose.MAILBOX, BOB, 1000)}")]
    new += [f"/held/mailbox?copy={name}&action={action}" for action in ("release", "delete", "block")]
    seen: set[str] = set()
    while new:
        path = new.pop()
        seen.add(path)
        answer = bob.client.get(path)
        found = re.findall(r'(?:href|src|action)="(/held[^"]*)"', answer.text)
        new += [one for one in found if one not in seen and one not in new]
    assert any(path.endswith("/content") for path in seen)
    assert (states(store), entries(bob)) == before
    assert bob.client.get("/held/mailbox").status_code == 200


def test_release(bob: Visitor, store: Store) -> None:
    name = held(store)
    enter(bob)
    page = bob.post("/mailbox", {"copy": name, "action": "release"})
    assert "1 message is on its way to you" in page.text
    assert events(store, name)[0][:2] == ("released", f"{BOB}, on its page")
    weight = WeightStore(bob.house.config.database_url, 90).find("example.org", "ann@sender.example")
    assert weight is not None
    assert weight.why == "1 release"
    assert learned(bob) == [("release", "example.org", False)]
    assert entries(bob) == set()


def test_release_and_always_allow(bob: Visitor, store: Store) -> None:
    name = held(store, 1, copy("sales@example.org"))
    enter(bob)
    bob.post("/mailbox", {"copy": name, "action": "allow"})
    assert states(store) == {name: "released"}
    # For that address alone: one recipient's choice never changes what another receives.
    assert entries(bob) == {("whitelist_sender", "sales@example.org", "ann@sender.example")}


def test_delete_and_block(bob: Visitor, store: Store) -> None:
    first, second, third = (held(store, number) for number in range(3))
    held(store, 4, sender="", sender_key="")
    enter(bob)
    assert "1 message has been deleted" in bob.post("/mailbox", {"copy": first, "action": "delete"}).text
    assert entries(bob) == set()
    page = bob.post("/mailbox", {"copy": [second, third], "action": "block"})
    assert "2 messages have been deleted" in page.text
    assert entries(bob) == {("blacklist_sender", BOB, "ann@sender.example")}
    assert list(states(store).values()).count("deleted") == 3


def test_report(bob: Visitor, store: Store) -> None:
    raw = b"From: ann@sender.example\r\nSubject: pills\r\n\r\n" + b"Buy our pills now, they are cheap.\r\n" * 9
    name = held(store, raw=raw)
    enter(bob)
    page = bob.post("/mailbox", {"copy": name, "action": "report"})
    assert "1 message has been reported" in page.text
    ((kind, owner, value),) = entries(bob)
    assert (kind, owner, value.split()[0]) == ("flagged", BOB, "192.0.2.7")
    assert learned(bob) == [("recipient", "example.org", True)]
    assert states(store) == {name: "held"}


def test_malware_stays(bob: Visitor, store: Store) -> None:
    name = held(store, 1, copy(malware=True, row=BY_NAME["antivirus-1"]))
    page = enter(bob)
    assert "dangerous" in page
    assert "Only an administrator" in bob.get(f"/mailbox/message/{name}").text
    for action in ("release", "allow"):
        bob.post("/mailbox", {"copy": name, "action": action, "form_token": bob.hidden("form_token")})
        bob.get("/mailbox")
    assert states(store) == {name: "held"}
    assert entries(bob) == set()


def test_another_mailbox_s_mail_by_a_changed_id(bob: Visitor, store: Store) -> None:
    hers, his = held(store, 1, copy("eve@example.org")), held(store, 2)
    enter(bob)
    for path in (f"/mailbox/message/{hers}", f"/mailbox/message/{hers}/content", f"/mailbox/message/{hers[:-2]}"):
        assert bob.get(path).status_code == 404
    assert bob.get(f"/mailbox?after={hers}").status_code in (200, 404)
    bob.get("/mailbox")
    for action in ("release", "allow", "delete", "block", "report"):
        bob.post("/mailbox", {"copy": hers, "action": action, "form_token": bob.hidden("form_token")})
        bob.get("/mailbox")
    assert states(store) == {hers: "held", his: "held"}
    assert entries(bob) == set()


@pytest.mark.parametrize("name", ["' OR 1=1 --", "%", "../../etc/passwd", "..%2f..%2ftamis.db", "0" * 16 + ".x", "é"])
def test_odd_ids(bob: Visitor, store: Store, name: str) -> None:
    mine = held(store)
    enter(bob)
    assert bob.get(f"/mailbox/message/{quote(name)}").status_code in (404, 410)
    bob.get("/mailbox")
    bob.post("/mailbox", {"copy": name, "action": "delete"})
    assert states(store) == {mine: "held"}
    bob.get("/mailbox")
    assert bob.post("/mailbox", {"copy": mine, "action": "drop"}).status_code == 400


@pytest.mark.parametrize("purpose", [Purpose.RELEASE, Purpose.RELEASE_VISIT, Purpose.MAILBOX_VISIT, Purpose.FORM])
def test_only_links_of_digests_open_it(bob: Visitor, store: Store, purpose: Purpose) -> None:
    held(store)
    assert bob.get(f"/mailbox/{bob.house.tokens.make(purpose, BOB, 1000)}").status_code == 410
    assert bob.get(f"/mailbox/{bob.house.tokens.make(Purpose.MAILBOX, BOB, -1)}").status_code == 410
    assert bob.get("/mailbox").status_code == 410


def test_forms_of_other_sites(bob: Visitor, store: Store) -> None:
    name = held(store)
    enter(bob)
    data = {"copy": name, "action": "delete"}
    assert bob.client.post("/held/mailbox", data=data).status_code == 403
    assert states(store) == {name: "held"}


def test_leaving(bob: Visitor, store: Store) -> None:
    enter(bob)
    bob.post("/mailbox/leave")
    assert bob.get("/mailbox").status_code == 410


# --- the preview


@pytest.mark.parametrize("markup", EVIL)
def test_nothing_runs_and_nothing_is_fetched(bob: Visitor, store: Store, markup: str) -> None:
    name = held(store, raw=PAGE.format(markup).encode())
    enter(bob)
    message = bob.get(f"/mailbox/message/{name}").text
    assert "<iframe" in message
    assert re.findall(r"<iframe[^>]* sandbox ", message)
    answer = bob.get(f"/mailbox/message/{name}/content")
    policy = answer.headers["content-security-policy"]
    assert policy == "sandbox; default-src 'none'; frame-ancestors 'self'; base-uri 'none'"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert "Visible é" in answer.text
    shown = answer.text.lower()
    assert not re.search(r"<(script|img|svg|iframe|form|input|meta|link|object|embed|base|video|audio|style)", shown)
    assert not re.search(r"<[^>]*\b(on\w+|href|src|style|background|action)\s*=", shown)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "\u202egpj"]
)
def test_what_strangers_write_is_shown_as_text(bob: Visitor, store: Store, text: str) -> None:
    file = text.replace('"', "'")
    raw = (
        f"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{text}\r\n--b\r\n"
        f'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="{file}.pdf"\r\n\r\nx\r\n--b--\r\n'
    ).encode()
    name = held(store, raw=raw, subject=text, author=text, sender=text, sender_key=text, rdns=text[:200])
    for page in (enter(bob), bob.get(f"/mailbox/message/{name}").text):
        assert "<script>" not in page
        assert "<img src=x" not in page
    assert ".pdf" in page
    assert "\u202egpj.pdf" not in page


def test_a_preview_is_bounded() -> None:
    shown = preview.preview(Message(b"Subject: x\n\n" + b"word " * 100_000))
    assert shown.cut
    assert len(shown.text) <= 100_000
    parts = b"".join(b"--b\nContent-Disposition: attachment; filename=f%d\n\nx\n" % one for one in range(200))
    shown = preview.preview(Message(b"Content-Type: multipart/mixed; boundary=b\n\n" + parts))
    assert len(shown.attachments) == 50
    assert preview.preview(Message(b"\0\xff" * 1000)).page is False
    assert preview.clean_page(Message(b"Content-Type: text/html\n\n" + b"<div>" * 20_000)).count("<div>") <= 20_000


def test_what_is_gone_is_said_to_be(bob: Visitor, store: Store) -> None:
    name = held(store)
    enter(bob)
    bob.post("/mailbox", {"copy": name, "action": "release"})
    page = bob.get(f"/mailbox/message/{name}")
    assert page.status_code == 200
    assert "no longer held" in page.text
    assert bob.get(f"/mailbox/message/{name}/content").status_code == 404
