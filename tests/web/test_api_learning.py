"""The HTTP interface to learning and replay: each account for what it manages, within bounds."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2 as httpx
import pytest

from tamis import limits
from tamis.redis_client import RedisClient
from tamis.web.console import replays
from tamis.web.limiter import Limiter
from tests.web.test_api import Programs
from tests.web.test_console_changes import Site, taught
from tests.web.test_console_teaching import MBOX, ONE


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    one = Programs(Site(tmp_path_factory.mktemp("api")))
    yield one
    one.client.client.close()


def teach(programs: Programs, name: str, octets: bytes, query: str) -> httpx.Response:
    token = programs.tokens.get(name, "x")
    return programs.client.client.post(
        f"/held/api/v1/learning?{query}", content=octets, headers={"Authorization": f"Bearer {token}"}
    )


@pytest.mark.slow
def test_a_file_is_taught_and_taken_back(programs: Programs) -> None:
    said = teach(programs, "root", MBOX, "as=spam&name=../x.mbox").json()
    assert {**said, "since": ""} == {"learned": 2, "known": 0, "left_out": 0, "by": "root", "domain": "", "since": ""}
    assert teach(programs, "olga", ONE, "as=ham&domain=example.org").json()["domain"] == "example.org"
    assert ("root", "learn as spam from a file", "x.mbox") in programs.site.changes()
    assert {one["by"] for one in programs.get("audrey", "/learning")["taught"]} == {"root", "olga"}
    assert {one["by"] for one in programs.get("olga", "/learning")["taught"]} == {"olga"}
    assert programs.status("olga", "DELETE", "/learning", {"by": "root"}) == 404
    assert programs.status("audrey", "DELETE", "/learning", {"by": "root"}) == 403
    for bad in ({"by": 5}, {"since": "x"}, {"since": 5}, {"since": "99999999w"}):
        assert programs.status("root", "DELETE", "/learning", bad) == 400
    assert programs.ask("root", "DELETE", "/learning", {"since": "2099-01-01"}).json() == {"undone": 0}
    assert programs.ask("root", "DELETE", "/learning", {"since": said["since"]}).json() == {"undone": 2}
    assert programs.ask("olga", "DELETE", "/learning").json() == {"undone": 1}
    assert taught(programs.site) == set()


def test_who_may_not_teaches_nothing(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    before = programs.site.changes()
    for name, octets, query, status in (
        ("nobody", ONE, "as=spam", 401),
        ("audrey", ONE, "as=spam", 403),
        ("olga", ONE, "as=spam&domain=example.com", 404),
        ("root", ONE, "as=spam&domain=no%20domain", 404),
        ("root", ONE, "", 400),
        ("root", ONE, "as=maybe", 400),
        ("root", b"", "as=spam", 400),
        ("root", bytes(1000), "as=spam", 400),
    ):
        answer = teach(programs, name, octets, query)
        assert (answer.status_code, list(answer.json())) == (status, ["error"]), query
    monkeypatch.setattr(limits, "UPLOAD_BYTES", 100)
    assert teach(programs, "root", ONE + bytes(100), "as=spam").status_code == 413
    # Strangers are turned away before their file is read.
    assert teach(programs, "nobody", ONE + bytes(100), "as=spam").status_code == 401
    assert (taught(programs.site), programs.site.changes()) == (set(), before)


def test_a_held_message_is_taught(programs: Programs) -> None:
    ours, theirs = programs.site.hold("bob@example.org"), programs.site.hold("eve@example.com")
    bad = programs.site.hold("bob@example.org", malware=True)
    assert programs.ask("olga", "POST", f"/held/{ours}.1/learn", {"as": "spam"}).json() == {"learned": True}
    assert programs.ask("olga", "POST", f"/held/{ours}.1/learn", {"as": "spam"}).json() == {"learned": False}
    for name, copy, said, status in (
        ("olga", theirs, {"as": "spam"}, 404),
        ("root", bad, {"as": "ham"}, 404),
        ("root", "x", {"as": "ham"}, 404),
        ("root", theirs, {"as": "x"}, 400),
        ("root", theirs, {"as": ["spam"]}, 400),
        ("audrey", ours, {"as": "spam"}, 403),
    ):
        assert programs.status(name, "POST", f"/held/{copy}.1/learn", said) == status, (name, said)
    assert taught(programs.site) == {("olga", "example.org", 0, 1)}


def test_replay(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    def replay(name: str, query: str) -> Any:
        return programs.get(name, f"/replay?{query}")

    before = programs.site.changes()
    query = "mode=junk&off=maps-rbl&days=14"
    everything, ours = replay("audrey", query), replay("olga", query)
    assert everything["recipients"] > ours["recipients"] > 0
    assert ours["changed"] > 0
    (difference,) = ours["differences"]
    assert difference["recipients"] == ours["changed"]
    for example in difference["examples"]:
        assert programs.status("olga", "GET", f"/decisions/{example['decision']}") == 200
    for query in ("", "level=x", "mode=x", "off=x", "mode=junk&days=3"):
        assert programs.status("root", "GET", f"/replay?{query}") == 400, query
    assert programs.status("olga", "GET", "/replay?mode=junk&domain=example.com") == 404
    monkeypatch.setattr(replays, "ASKED", (0, 600))
    assert programs.status("root", "GET", "/replay?mode=junk") == 429
    assert programs.site.changes() == before


def test_pages_and_programs_replay_so_often_together(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = programs.site.visitors["olga"]
    monkeypatch.setattr(replays, "ASKED", (2, 10**9))
    # Two processes, which would count in one Redis.
    house = replace(browser.house, limiter=Limiter(RedisClient("redis://127.0.0.1:1")))
    for one in (browser, programs.client):
        monkeypatch.setattr(one.client.app.state, "house", house)  # type: ignore[attr-defined]
    assert browser.get("/console/replay?mode=junk").status_code == 200
    assert programs.status("olga", "GET", "/replay?mode=junk") == 200
    assert browser.get("/console/replay?mode=junk").status_code == 429
    assert programs.status("olga", "GET", "/replay?mode=junk") == 429
    # The form alone reads nothing; and others may still ask.
    assert browser.get("/console/replay").status_code == 200
    assert programs.status("root", "GET", "/replay?mode=junk") == 200
