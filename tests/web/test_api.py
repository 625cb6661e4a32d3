"""The HTTP interface: tokens, what each account may, and that it is as it is described."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from tamis.accounts import Accounts
from tamis.policy_store import PolicyStore
from tamis.web.console import api
from tamis.web.console.openapi import description
from tests.history.deciding import made
from tests.web.conftest import Visitor, visitor
from tests.web.console import ACCOUNTS, BOTH, OURS, PASSWORD, THEIRS
from tests.web.test_console_changes import Site


class Programs:
    """A program for each account."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.client: Visitor = visitor(site.config)
        accounts = Accounts(site.config.database_url)
        self.tokens = {name: accounts.make_token(name, 1) for name in ACCOUNTS}

    def ask(self, name: str, method: str, path: str, said: Any = None, token: str | None = None) -> httpx.Response:
        token = self.tokens.get(name, "") if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.client.request(method, f"/held/api/v1{path}", json=said, headers=headers)

    def get(self, name: str, path: str) -> Any:
        answer = self.ask(name, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status(self, name: str, method: str, path: str, said: Any = None) -> int:
        answer = self.ask(name, method, path, said)
        assert answer.status_code == 200 or list(answer.json()) == ["error"]
        return answer.status_code


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    one = Programs(Site(tmp_path_factory.mktemp("api")))
    yield one
    one.client.client.close()


def decisions(programs: Programs, name: str, query: str = "") -> list[int]:
    return [int(one["id"], 16) for one in programs.get(name, f"/decisions?{query}")["decisions"]]


def test_a_token_is_needed(programs: Programs) -> None:
    for token in ("", "tamis_x", programs.tokens["root"][:-1], "' OR 1=1 --"):
        answer = programs.ask("", "GET", "/decisions", token=token)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    browser = programs.site.visitors["root"]
    assert browser.client.get("/held/api/v1/decisions").status_code == 401
    cookie = browser.client.cookies["tamis_console"]
    assert programs.ask("", "GET", "/decisions", token=cookie).status_code == 401
    stranger = visitor(programs.site.config)
    stranger.client.cookies.set("tamis_console", programs.tokens["root"], path="/held/console")
    assert stranger.get("/console").url.path == "/held/console/login"


def test_a_database_that_does_not_answer(browser: Visitor, tmp_path: Path) -> None:
    (tmp_path / "tamis.db").write_bytes(b"no database at all, and longer than any header of one" * 10)
    for method, path in (("GET", "/decisions"), ("POST", "/learning?as=spam")):
        answer = browser.client.request(method, f"/held/api/v1{path}", headers={"Authorization": "Bearer tamis_x"})
        assert (answer.status_code, answer.json()) == (503, {"error": "the database does not answer"})


def test_a_token_ends_with_the_password(programs: Programs) -> None:
    accounts = Accounts(programs.site.config.database_url)
    token = accounts.make_token("audrey", 1)
    assert programs.ask("", "GET", "/changes", token=token).status_code == 200
    accounts.set_password("audrey", PASSWORD)
    assert programs.ask("", "GET", "/changes", token=token).status_code == 401
    programs.tokens["audrey"] = accounts.make_token("audrey", 1)


def test_decisions(programs: Programs) -> None:
    assert decisions(programs, "root") == [OURS, BOTH, THEIRS]
    assert decisions(programs, "olga") == [OURS, BOTH]
    assert decisions(programs, "olga", "text=eve@example.com") == []
    assert decisions(programs, "root", "recipient=example.com&verdict=ham&since=1d") == [THEIRS]
    page = programs.get("root", "/decisions?limit=2")
    assert [int(one["id"], 16) for one in page["decisions"]] == [OURS, BOTH]
    assert decisions(programs, "root", f"limit=2&after={page['after']}") == [THEIRS]
    one = programs.get("olga", f"/decisions/{made(BOTH).id}")
    assert one["recipients"] == ["bob@example.org"]
    assert one["verdicts"][0]["test"] == "RBL_HALF"
    assert programs.status("olga", "GET", f"/decisions/{made(THEIRS).id}") == 404
    for query in ("limit=0", "limit=9999", "since=x", "after=x"):
        assert programs.status("root", "GET", f"/decisions?{query}") == 400


def test_held_mail(programs: Programs) -> None:
    site = programs.site
    ours, theirs = site.hold("bob@example.org"), site.hold("eve@example.com")
    assert [one["id"] for one in programs.get("olga", "/held")["copies"]] == [f"{ours}.1"]
    assert len(programs.get("root", "/held?state=all")["copies"]) == 2
    assert programs.get("olga", "/held?whose=eve@example.com") == {"copies": [], "after": None}
    assert set(programs.get("audrey", f"/held/{ours}.1/text")) == {"text", "html", "cut", "attachments"}
    assert ("audrey", "look at held mail, text", f"{ours}.1") in site.changes()
    assert programs.status("olga", "GET", f"/held/{theirs}.1/text") == 404
    assert programs.status("olga", "POST", f"/held/{theirs}.1/release") == 404
    assert programs.status("audrey", "POST", f"/held/{ours}.1/release") == 403
    assert programs.status("root", "GET", "/held?state=x") == 400
    assert programs.ask("olga", "POST", f"/held/{ours}.1/release", {"note": "by program"}).json() == {"released": True}
    assert programs.ask("olga", "POST", f"/held/{ours}.1/release").json() == {"released": False}
    assert programs.ask("root", "DELETE", f"/held/{theirs}.1").json() == {"deleted": True}
    assert (site.state(f"{ours}.1"), site.state(f"{theirs}.1")) == ("released", "deleted")
    assert ("olga", "release held mail", f"{ours}.1") in site.changes()


def test_lists_and_policies(programs: Programs) -> None:
    entry = {"value": "Partner.example", "domain": "example.org", "days": 7}
    assert programs.ask("olga", "POST", "/lists/whitelist_sender", entry).json() == {"new": True}
    (found,) = programs.get("olga", "/lists/whitelist_sender")["entries"]
    assert (found["value"], found["added_by"], found["expires_at"] is not None) == ("partner.example", "olga", True)
    assert programs.status("olga", "POST", "/lists/whitelist_sender", {**entry, "domain": "example.com"}) == 404
    assert programs.status("audrey", "DELETE", "/lists/whitelist_sender", entry) == 403
    for bad in ({"value": "a b c@"}, {"value": 5}, {"value": "x.example", "days": 0}):
        assert programs.status("root", "POST", "/lists/whitelist_sender", bad) == 400
    assert programs.ask("olga", "DELETE", "/lists/whitelist_sender", entry).json() == {"removed": True}
    assert programs.ask("olga", "PATCH", "/policies/example.org", {"set": {"level": 6, "cyrillic": True}}).json() == {
        "changed": [
            {"key": "filters.cyrillic.enabled", "old": None, "new": True},
            {"key": "level", "old": None, "new": 6.0},
        ]
    }
    policy = programs.get("audrey", "/policies/example.org")
    assert policy["chosen"] == {"filters.cyrillic.enabled": True, "level": 6.0}
    assert policy["effective"]["level"]["value"] == 6.0
    assert programs.status("olga", "PATCH", "/policies/default", {"set": {"level": 3}}) == 404
    for said in (
        {"set": {"level": 5}},
        {"set": {"nonsense": 1}},
        {"set": 5},
        {"unset": "level"},
        [1],
        {"set": {"mode": None}},
    ):
        assert programs.status("root", "PATCH", "/policies/example.org", said) == 400, said
    assert PolicyStore(programs.site.config.database_url).chosen("default") == {}


def test_health_and_changes(programs: Programs) -> None:
    assert programs.get("audrey", "/health")["well"] is False
    assert programs.status("olga", "GET", "/health") == 403
    assert {one["domain"] for one in programs.get("olga", "/changes")["changes"]} <= {"example.org"}
    assert programs.get("root", "/changes?limit=1")["changes"][0]["by"]


def test_bodies_have_bounds(programs: Programs) -> None:
    assert programs.status("root", "POST", "/lists/trap", {"value": "x" * 70_000}) == 413
    headers = {"Authorization": f"Bearer {programs.tokens['root']}"}
    for body in (b"{", b"[" * 60_000, b"\xff"):
        answer = programs.client.client.post("/held/api/v1/lists/trap", content=body, headers=headers)
        assert answer.status_code == 400


@pytest.mark.slow
def test_accounts_and_locked_mailboxes(programs: Programs) -> None:
    new = {"name": "Zoe", "password": PASSWORD, "role": "domain", "domains": ["example.org"]}
    for who in ("olga", "audrey"):
        assert programs.status(who, "POST", "/accounts", new) == 403
        assert programs.status(who, "POST", "/locked/bob@example.org") == 403
    assert programs.status("olga", "GET", "/accounts") == 403
    assert programs.ask("root", "POST", "/accounts", new).json() == {"name": "zoe"}
    for wrong in (
        {**new, "name": "a b"},
        {**new, "role": "king"},
        {**new, "domains": "x"},
        {**new, "password": "x"},
        {},
    ):
        assert programs.status("root", "POST", "/accounts", wrong) == 400
    assert programs.status("root", "POST", "/accounts", new) == 400
    found = {one["name"]: one for one in programs.get("audrey", "/accounts")["accounts"]}
    assert found["zoe"] == {"name": "zoe", "role": "domain", "domains": ["example.org"], "disabled": False}
    assert PASSWORD not in str(found)
    token = Accounts(programs.site.config.database_url).make_token("zoe", 1)
    assert programs.ask("", "GET", "/held", token=token).status_code == 200
    assert programs.ask("root", "PATCH", "/accounts/zoe", {"disabled": True}).json()["disabled"] is True
    assert programs.ask("", "GET", "/held", token=token).status_code == 401
    assert programs.status("root", "PATCH", "/accounts/nobody", {"disabled": True}) == 400
    assert programs.ask("root", "POST", "/locked/Bob@Example.org").json() == {"locked": "bob@example.org"}
    assert programs.get("root", "/accounts")["locked"] == ["bob@example.org"]
    assert programs.ask("root", "DELETE", "/locked/bob@example.org").json() == {"unlocked": True}
    assert programs.status("root", "POST", "/locked/nonsense") == 400
    assert ("root", "add account", "zoe") in programs.site.changes()


def test_rules_and_sums(programs: Programs) -> None:
    assert programs.status("olga", "GET", "/rules") == 403
    rules = {one["name"]: one for one in programs.get("audrey", "/rules")["rules"]}
    assert len(rules) > 100
    assert {"description", "use", "decides", "decided"} <= set(rules[min(rules)])
    said = programs.get("root", "/rules/proposals?days=7")
    assert set(said) == {"proposals", "flagged", "toml"}
    assert programs.status("root", "GET", "/rules/proposals?days=x") == 400
    ours, all_of_it = (programs.get(name, "/overview?span=week")["verdicts"] for name in ("olga", "root"))
    assert sum(ours.values()) <= sum(all_of_it.values())
    assert programs.status("root", "GET", "/overview?span=x") == 400


def test_it_is_as_it_is_described(programs: Programs) -> None:
    said = programs.ask("", "GET", "/openapi.json").json()
    assert said == description("/held/api/v1")
    described = {(path, method.upper()) for path, methods in said["paths"].items() for method in methods}
    there = {
        (re.sub(r"\{(\w+):str\}", r"{\1}", route.path).removeprefix("/api/v1"), method)
        for route in api.ROUTES
        for method in route.methods or ()
        if method != "HEAD" and not route.path.endswith("openapi.json")
    }
    assert described == there
    for path, methods in said["paths"].items():
        for one in methods.values():
            named = {each["name"] for each in one["parameters"] if each["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))
