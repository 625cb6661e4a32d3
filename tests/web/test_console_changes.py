"""Held mail and lists in the console: released, deleted, added, removed, by whose it is to do, and written down."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis import limits
from tamis.accounts import Accounts
from tamis.audit import Audit
from tamis.config import Config
from tamis.learning.journal import Journal
from tamis.learning.teaching import Source
from tamis.list_store import ListStore
from tamis.lists import ListName
from tamis.policy_store import PolicyStore
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tests.quarantine.held import copy, hold, states
from tests.web.conftest import Visitor, settings
from tests.web.console import ACCOUNTS, furnish, logged_in


def store_of(config: Config) -> Store:
    store = Store(config.database_url, Spool(config.spool_folder))
    store.spool.prepare()
    return store


class Site:
    """A site with held mail, and somebody of each role."""

    def __init__(self, folder: Path) -> None:
        self.config: Config = settings(folder, more='[lists]\nwhitelist_sender = ["friend@example.net"]\n')
        furnish(self.config)
        self.store = store_of(self.config)
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


@pytest.mark.slow
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


def taught(site: Site) -> set[tuple[str, str, int, int]]:
    found = Journal(site.config.database_url).taught()
    return {(one.by, one.domain, one.ham, one.spam) for one in found if one.source is Source.ADMINISTRATOR}


@pytest.mark.slow
def test_the_classifier_is_taught_by_a_click_and_takes_it_back(site: Site) -> None:
    ours, theirs, bad = (
        site.hold("bob@example.org"),
        site.hold("eve@example.com"),
        site.hold("b@example.org", malware=True),
    )

    def teach(name: str, do: str, **fields: str) -> int:
        one = site.visitors[name]
        one.get("/console/learning")
        return one.post("/console/learning", {"do": do, **fields}).status_code

    assert "This is spam" in site.visitors["olga"].get(f"/console/held/{ours}").text
    assert "This is spam" not in site.visitors["audrey"].get(f"/console/held/{ours}").text
    assert teach("olga", "spam", copy=f"{ours}.1") == 200
    assert teach("olga", "ham", copy=f"{ours}.1") == teach("root", "spam", copy=f"{theirs}.1") == 200
    assert taught(site) == {("olga", "example.org", 1, 1), ("root", "", 0, 1)}
    assert "root" not in site.visitors["olga"].get("/console/learning").text
    assert "olga" in site.visitors["root"].get("/console/learning").text
    for name, do, fields, status in (
        ("audrey", "spam", {"copy": f"{ours}.1"}, 403),
        ("olga", "spam", {"copy": f"{theirs}.1"}, 404),
        ("root", "spam", {"copy": f"{bad}.1"}, 404),
        ("root", "spam", {"copy": "x"}, 404),
        ("root", "maybe", {"copy": f"{ours}.1"}, 400),
        ("olga", "undo", {"by": "root"}, 404),
        ("root", "undo", {"by": ""}, 404),
    ):
        assert teach(name, do, **fields) == status, (name, do)
    assert teach("olga", "undo", by="olga") == teach("root", "undo", by="root") == 200
    assert taught(site) == set()
    assert ("olga", "undo what was learned", "olga") in site.changes()


def test_a_domain_teaches_so_much_in_a_day_by_clicks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LESSONS_A_DAY", 1)
    held = f"{site.hold('bob@example.org')}.1"

    def answer(name: str, do: str, **fields: str) -> int:
        one = site.visitors[name]
        one.get("/console/learning")
        return one.post("/console/learning", {"do": do, **fields}).status_code

    # What it has released before is taught, too.
    answer("olga", "undo", by="olga")
    for name, do, status in (("olga", "spam", 200), ("olga", "ham", 429), ("root", "spam", 200), ("root", "ham", 200)):
        assert answer(name, do, copy=held) == status, (name, do)
    assert taught(site) == {("olga", "example.org", 0, 1), ("root", "", 1, 1)}


def set_policy(site: Site, name: str, owner: str, **keys: str) -> int:
    one = site.visitors[name]
    one.get("/console/policies")
    fields = {f"key:{key.replace('__', '.')}": value for key, value in keys.items() if key not in ("confirmed", "note")}
    more = {key: keys[key] for key in ("confirmed", "note") if key in keys}
    return one.post("/console/policies", {"owner": owner, **fields, **more}).status_code


@pytest.mark.slow
def test_policies(site: Site) -> None:
    root, olga = site.visitors["root"], site.visitors["olga"]
    store = PolicyStore(site.config.database_url)
    assert set_policy(site, "olga", "example.org", mode="junk", level="6", note="asked for") == 200
    assert store.chosen("example.org") == {"mode": "junk", "level": 6.0}
    page = olga.get("/console/policies?owner=example.org").text
    assert "policy of example.org, set by olga" in page
    assert "asked for" in page
    assert set_policy(site, "olga", "Bob@Example.org", filters__cyrillic__enabled="on", level="") == 200
    assert store.chosen("bob@example.org") == {"filters.cyrillic.enabled": True}
    assert "bob@example.org" in olga.get("/console/policies").text
    assert set_policy(site, "root", "default", mode="tag") == set_policy(site, "root", "policy:gold", level="9") == 200
    assert set_policy(site, "olga", "example.org", level="", mode="junk") == 200
    assert store.chosen("example.org") == {"mode": "junk"}
    assert root.get("/console/policies?owner=policy:gold").status_code == 200
    for bad in ({"level": "5"}, {"mode": "explode"}, {"filters__cyrillic__ratio": "much"}):
        assert set_policy(site, "olga", "example.org", **bad) == 400
    switch = {"filters__attachment-hashes__enabled": "off"}
    assert set_policy(site, "root", "example.org", **switch) == 400
    assert "optimal security policy" in (root.response.text if root.response else "")
    assert set_policy(site, "root", "example.org", **switch, confirmed="yes") == 200
    for name, whose, status in (
        ("olga", "example.com", 404),
        ("olga", "default", 404),
        ("olga", "policy:gold", 404),
        ("olga", "eve@example.com", 404),
        ("audrey", "example.org", 403),
        ("root", "no domain", 404),
    ):
        assert set_policy(site, name, whose, mode="observe") == status, whose
    for whose in ("example.com", "default", "policy:gold"):
        assert olga.get(f"/console/policies?owner={whose}").status_code == 404
    assert site.visitors["audrey"].get("/console/policies?owner=example.org").status_code == 200
    changes = root.get("/console/audit").text
    assert "change policy: example.org" in changes
    assert "level=6" in changes


def test_health(site: Site) -> None:
    page = site.visitors["root"].get("/console/health").text
    assert "the lists have never been read" in page
    assert "the shipped one" in page
    assert site.visitors["audrey"].get("/console/health").status_code == 200
    assert site.visitors["olga"].get("/console/health").status_code == 404
    assert ListName.WHITELIST_SENDER.value in page
