"""Held mail and lists in the console: released, deleted, added, removed, by whose it is to do, and written down."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.accounts import Accounts
from tamis.audit import Audit
from tamis.config import Config
from tamis.list_store import ListStore
from tamis.lists import ListName
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tests.quarantine.held import copy, hold, states
from tests.web.conftest import Visitor, settings
from tests.web.console import ACCOUNTS, furnish, logged_in


class Site:
    """A site with held mail, and somebody of each role."""

    def __init__(self, folder: Path) -> None:
        self.config: Config = settings(folder, more='[lists]\nwhitelist_sender = ["friend@example.net"]\n')
        furnish(self.config)
        self.store = Store(self.config.database_url, Spool(self.config.spool_folder))
        self.store.spool.prepare()
        self.visitors = {name: logged_in(self.config, name) for name in ACCOUNTS}

    def hold(self, *recipients: str, malware: bool = False) -> str:
        """Hold a message; return our id of it."""
        copies = [copy(one, malware=malware) for one in recipients]
        return hold(self.store, *copies, raw=f"Subject: {self._number()}\r\n\r\nx\r\n".encode())

    def _number(self) -> int:
        with self.store.reading() as connection:
            assert connection is not None
            return int(connection.exec_driver_sql("SELECT count(*) FROM message").scalar_one())

    def act(self, name: str, do: str, *copies: str, **more: str) -> int:
        one = self.visitors[name]
        one.get("/console/held")
        return one.post("/console/held", {"do": do, "copy": list(copies), **more}).status_code

    def state(self, copy_id: str) -> str:
        return states(self.store)[copy_id]

    def changes(self) -> list[tuple[str, str, str]]:
        found = Audit(self.config.database_url).page(None, 100)
        return [(one.by, one.action, one.subject) for one in found if one.action != "log in"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    one = Site(tmp_path_factory.mktemp("console"))
    yield one
    for each in one.visitors.values():
        each.client.close()


def seen(one: Visitor, path: str) -> set[str]:
    return set(re.findall(r"/console/held/([0-9a-f]{16}\.\d+)", one.get(path).text))


def test_who_sees_what_is_held(site: Site) -> None:
    ours, theirs = site.hold("bob@example.org"), site.hold("eve@example.com")
    both = site.hold("bob@example.org", "eve@example.com")
    root, olga = site.visitors["root"], site.visitors["olga"]
    assert {f"{ours}.1", f"{theirs}.1", f"{both}.1", f"{both}.2"} <= seen(root, "/console/held")
    assert seen(olga, "/console/held") == {f"{ours}.1", f"{both}.1"}
    for whose in ("eve@example.com", "example.com", "@example.com"):
        assert seen(olga, f"/console/held?whose={whose}") == set()
    assert seen(root, "/console/held?whose=eve@example.com&state=all") == {f"{theirs}.1", f"{both}.2"}
    assert olga.get(f"/console/held/{theirs}").status_code == 404
    page = olga.get(f"/console/held/{both}").text
    assert "bob@example.org" in page
    assert "eve@example.com" not in page
    assert root.get("/console/held?state=x&after=y").status_code == 404
    Accounts(site.config.database_url).lock("bob@example.org", "root")
    try:
        assert seen(olga, "/console/held") == set()
        assert olga.get(f"/console/held/{ours}").status_code == 404
        assert site.act("olga", "release", f"{ours}.1") == 404
    finally:
        Accounts(site.config.database_url).unlock("bob@example.org")


def test_release_and_delete(site: Site) -> None:
    one, two = site.hold("bob@example.org"), site.hold("bob@example.org")
    assert site.act("olga", "release", f"{one}.1", note="a customer") == 200
    assert site.state(f"{one}.1") == "released"
    assert "a customer" in site.visitors["olga"].get(f"/console/held/{one}").text
    assert site.act("root", "delete", f"{two}.1") == 200
    assert site.state(f"{two}.1") == "deleted"
    assert site.changes()[:2] == [
        ("root", "delete held mail", f"{two}.1"),
        ("olga", "release held mail", f"{one}.1"),
    ]


def test_who_may_not_changes_nothing(site: Site) -> None:
    ours, theirs = site.hold("bob@example.org"), site.hold("eve@example.com")
    before = site.changes()
    assert site.act("audrey", "release", f"{ours}.1") == 403
    assert site.act("olga", "release", f"{theirs}.1") == 404
    assert site.act("olga", "delete", f"{ours}.1", f"{theirs}.1") == 404
    for ids in ((), ("x",), (f"{ours}.9",), ("' OR 1=1 --",)):
        assert site.act("root", "delete", *ids) in (400, 404)
    assert site.act("root", "explode", f"{ours}.1") == 400
    assert site.state(f"{ours}.1") == site.state(f"{theirs}.1") == "held"
    assert site.changes() == before


def test_malware_needs_a_second_word(site: Site) -> None:
    bad = site.hold("bob@example.org", malware=True)
    assert site.act("root", "release", f"{bad}.1") == 200
    assert site.state(f"{bad}.1") == "held"
    assert site.act("root", "release", f"{bad}.1", malware="yes") == 200
    assert site.state(f"{bad}.1") == "released"


def entries(site: Site) -> set[tuple[str, str, str]]:
    stored = ListStore(site.config.database_url).stored()
    return {(one.entry.list.value, one.entry.domain, one.entry.value) for one in stored}


def change(site: Site, name: str, **fields: str) -> int:
    one = site.visitors[name]
    one.get("/console/lists")
    return one.post("/console/lists", {"list": "whitelist_sender", "domain": "", "do": "add", **fields}).status_code


def test_lists(site: Site) -> None:
    root, olga = site.visitors["root"], site.visitors["olga"]
    assert "friend@example.net" in root.get("/console/lists?list=whitelist_sender").text
    assert "friend@example.net" not in olga.get("/console/lists?list=whitelist_sender").text
    assert change(site, "root", value="News@Shop.example", note="<b>why</b>") == 200
    assert change(site, "olga", value="partner.example", days="30") == 200
    assert change(site, "olga", domain="example.org", list="ban_ip", value="192.0.2.7") == 200
    wanted = {
        ("whitelist_sender", "", "news@shop.example"),
        ("whitelist_sender", "example.org", "partner.example"),
        ("ban_ip", "example.org", "192.0.2.7/32"),
    }
    assert {(one[0], one[1], one[2].removesuffix("/32")) for one in entries(site)} == {
        (one[0], one[1], one[2].removesuffix("/32")) for one in wanted
    }
    page = root.get("/console/lists?list=whitelist_sender&text=news").text
    assert "news@shop.example" in page
    assert "&lt;b&gt;why&lt;/b&gt;" in page
    assert "news@shop.example" not in root.get("/console/lists?list=whitelist_sender&text=other").text
    assert change(site, "root", value="no address at all@") == 400
    assert change(site, "root", do="remove", value="news@shop.example") == 200
    assert ("whitelist_sender", "", "news@shop.example") not in entries(site)
    for name, fields, status in (
        ("audrey", {"value": "x.example"}, 403),
        ("olga", {"value": "x.example", "domain": "example.com"}, 404),
        ("root", {"value": "x.example", "list": "complaint_ip"}, 404),
    ):
        assert change(site, name, **fields) == status
    assert olga.get("/console/lists?domain=example.com").status_code == 404
    assert not any("x.example" in one for one in entries(site))


def test_health(site: Site) -> None:
    page = site.visitors["root"].get("/console/health").text
    assert "the lists have never been read" in page
    assert "the shipped one" in page
    assert site.visitors["audrey"].get("/console/health").status_code == 200
    assert site.visitors["olga"].get("/console/health").status_code == 404
    assert ListName.WHITELIST_SENDER.value in page
