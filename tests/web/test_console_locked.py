"""Mailboxes that are locked: neither pages nor sums of held mail tell administrators of their domain of them."""

import re
from pathlib import Path

import pytest

from tamis.accounts import Accounts
from tamis.history.store import HistoryStore
from tests.history.deciding import made
from tests.web.test_api import Programs
from tests.web.test_console_changes import Site, seen


@pytest.mark.slow
def test_pages_and_sums_leave_them_out(tmp_path: Path) -> None:
    site = Site(tmp_path)
    ours = [site.hold("bob@example.org") for _ in range(2)]
    theirs = [site.hold("ceo@example.org") for _ in range(3)]
    for one in (ours[0], *theirs[:2]):
        assert site.act("root", "release", f"{one}.1") == 200
    Accounts(site.config.database_url).lock("Ceo@example.org", "root")

    def released(name: str) -> list[tuple[str, str]]:
        page = site.visitors[name].get("/console").text
        return re.findall(r'>27 bayes</th><td class="number">(\d+)</td><td class="number">(\d+)</td>', page)

    assert released("root") == released("audrey") == [("3", "5")]
    assert released("olga") == [("1", "2")]
    assert seen(site.visitors["olga"], "/console/held") == {f"{ours[1]}.1"}
    programs = Programs(site)
    verdicts = {name: programs.get(name, "/overview")["verdicts"] for name in ("olga", "root")}
    HistoryStore(site.config.database_url).add(
        [made(71, recipients=("ceo@example.org", "bob@example.org")), made(72, recipients=("ceo@example.org",))]
    )
    after = {name: programs.get(name, "/overview")["verdicts"] for name in ("olga", "root")}
    assert after["olga"]["spam"] - verdicts["olga"].get("spam", 0) == 1
    assert after["root"]["spam"] - verdicts["root"].get("spam", 0) == 3
    # The newest are those that are not there.
    page = programs.get("olga", "/held?limit=1")
    assert ([one["id"] for one in page["copies"]], page["after"]) == ([f"{ours[1]}.1"], f"{ours[1]}.1")
    assert programs.get("olga", f"/held?limit=1&after={ours[1]}.1") == {"copies": [], "after": None}
    assert len(programs.get("root", "/held")["copies"]) == 2
    for one in (programs.client, *site.visitors.values()):
        one.client.close()
