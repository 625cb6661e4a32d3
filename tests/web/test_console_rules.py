"""Rules in the console: what is in force and from where, what flagged mail proposes, and that nothing is changed."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from tamis import limits
from tamis.filters.order import BY_NAME
from tamis.quarantine.store import Store
from tamis.rules.reading import read
from tamis.web.console import rules
from tests.quarantine.held import copy, hold
from tests.web.conftest import Visitor, settings
from tests.web.console import ACCOUNTS, furnish, logged_in
from tests.web.test_console_changes import store_of

OWN = """
[rule.our-own]
description = "<b>widgets</b>"
patterns = ['widget']
decides = true

[rule.en-casino]
description = "taken out by us"
enabled = false
patterns = ['zorgblatt']
decides = true
"""


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "rules").mkdir()
        (folder / "rules" / "own.toml").write_text(OWN)
        self.config = settings(folder, more=f'[rules]\nfiles = ["{folder}/rules"]\n')
        furnish(self.config)
        self.store: Store = store_of(self.config)
        self.visitors: dict[str, Visitor] = {name: logged_in(self.config, name) for name in ACCOUNTS}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    one = Site(tmp_path_factory.mktemp("rules"))
    yield one
    for each in one.visitors.values():
        each.client.close()


def test_the_rules_in_force_with_their_files(site: Site) -> None:
    page = site.visitors["audrey"].get("/console/rules").text
    assert "en-next-of-kin" in page
    assert "en.toml" in page
    own = page[page.index("own.toml") :]
    assert "our-own" in own
    assert "&lt;b&gt;widgets&lt;/b&gt;" in own
    assert "taken out by us" in own
    assert 'role="alert"' not in page


@pytest.mark.slow
def test_a_mistake_is_said_and_the_other_files_are_shown(site: Site) -> None:
    wrong = site.folder / "rules" / "wrong.toml"
    for text in ("[rule.wrong]\ndescription = 'x'\npatterns = ['(']\nscore = 1\n", "nonsense <b>", "rule = 5\n"):
        wrong.write_text(text)
        page = site.visitors["root"].get("/console/rules").text
        wrong.unlink()
        assert 'role="alert"' in page
        assert "wrong.toml" in page
        assert "our-own" in page
        assert "<b>" not in page


def test_administrators_of_a_domain_see_no_rules(site: Site) -> None:
    for path in ("/console/rules", "/console/rules/proposals"):
        assert site.visitors["olga"].get(path).status_code == 404
        assert site.visitors["root"].post(path, {"do": "add"}).status_code == 405
    assert 'href="/held/console/rules"' not in site.visitors["olga"].get("/console/learning").text


@pytest.mark.slow
def test_what_traps_got_proposes_rules_that_do_nothing(site: Site) -> None:
    honeypot, root = BY_NAME["honeypot"], site.visitors["root"]
    assert "Nothing is proposed" in root.get("/console/rules/proposals").text
    for name in ("ann", "bob", "eve", "kim", "lee"):
        raw = f"Subject: x\r\n\r\nthe quixotic zorgblatt </textarea><script>alert(1)</script> for {name}\r\n".encode()
        hold(site.store, copy("eve@example.com", row=honeypot), raw=raw)
    before = sorted((site.folder / "rules").iterdir())
    for name in ("root", "audrey"):
        page = site.visitors[name].get("/console/rules/proposals?days=7").text
        (text,) = [one.partition("</textarea>")[0].partition(">")[2] for one in page.split("<textarea")[1:]]
        found = read([("proposed", unescape(text))])
        assert found
        assert not any(rule.enabled for rule in found.values())
        assert "zorgblatt" in text
        assert "<script" not in page
        assert "tamis rules check" in page
    assert sorted((site.folder / "rules").iterdir()) == before


def test_only_the_newest_messages_are_looked_at(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.CONSOLE_PROPOSAL_MESSAGES == 300
    monkeypatch.setattr(limits, "CONSOLE_PROPOSAL_MESSAGES", 3)
    for number in range(4):
        hold(site.store, copy(row=BY_NAME["honeypot"]), raw=f"Subject: {number}\r\n\r\nx\r\n".encode())
    assert "Flagged messages: 3." in site.visitors["root"].get("/console/rules/proposals").text


def test_asking_for_proposals_is_limited(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_ASKED", (1, 600))
    statuses = {site.visitors["audrey"].get("/console/rules/proposals").status_code for _ in range(3)}
    assert 429 in statuses
