"""The console: who gets in, who sees what, and that nothing is changed by who may not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.accounts import Accounts, BadAccount, Role
from tamis.accounts import _hasher as real_hasher
from tamis.audit import Audit
from tamis.cli import main
from tamis.config import Config
from tests.history.deciding import made
from tests.postgresql import Cluster
from tests.web.conftest import Visitor, settings, visitor
from tests.web.console import ACCOUNTS, BOTH, OURS, PASSWORD, THEIRS, furnish, logged_in

PAGES = (
    "",
    "/decisions",
    f"/decisions/{made(OURS).id}",
    "/policies",
    "/learning",
    "/replay?level=12&days=14",
    "/audit",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Config:
    config = settings(tmp_path_factory.mktemp("console"))
    furnish(config)
    return config


@pytest.fixture(scope="module")
def visitors(site: Config) -> Iterator[dict[str, Visitor]]:
    found = {name: logged_in(site, name) for name in ACCOUNTS}
    yield found
    for one in found.values():
        one.client.close()


# Who gets in


def test_strangers_log_in_first(site: Config) -> None:
    stranger = visitor(site)
    for path in (*PAGES, "/accounts"):
        assert stranger.get(f"/console{path}").url.path == "/held/console/login"
    stranger.get("/console/login")
    assert stranger.post("/console/accounts", {"do": "disable", "name": "root"}).url.path == "/held/console/login"
    assert not Accounts(site.database_url).all()[-1].disabled


@pytest.mark.parametrize(
    ("name", "password"), [("root", "wrong"), ("nobody", PASSWORD), ("", ""), ("root'--", "x" * 5000)]
)
def test_a_wrong_name_or_password(site: Config, name: str, password: str) -> None:
    one = visitor(site)
    one.get("/console/login")
    answer = one.post("/console/login", {"name": name, "password": password})
    assert answer.status_code == 403
    assert "no account of that name and password" in answer.text
    assert "tamis_console" not in one.client.cookies


def test_guessing_is_limited(site: Config) -> None:
    one = visitor(site, client=("198.51.100.77", 1))
    one.get("/console/login")
    answers = [one.post("/console/login", {"name": f"guess{n}", "password": "x"}).status_code for n in range(21)]
    assert answers[0] == 403
    assert answers[-1] == 429


def test_a_visit_ends(tmp_path: Path) -> None:
    config = settings(tmp_path)
    furnish(config)
    one = logged_in(config, "root")
    cookie = one.client.cookies["tamis_console"]
    one.get("/console")
    assert one.post("/console/logout").url.path == "/held/console/login"
    one.client.cookies.set("tamis_console", cookie, path="/held/console")
    assert one.get("/console").url.path == "/held/console/login"
    for change in (lambda a: a.set_password("olga", "another password"), lambda a: a.remove("audrey")):
        name = "olga" if Accounts(config.database_url).check("olga", PASSWORD) else "audrey"
        one = logged_in(config, name)
        change(Accounts(config.database_url))
        assert one.get("/console").url.path == "/held/console/login"


def test_the_cookie_is_kept_from_scripts_and_other_sites(site: Config) -> None:
    one = visitor(site)
    one.get("/console/login")
    answer = one.client.post(
        "/held/console/login",
        data={"form_token": one.hidden("form_token"), "name": "root", "password": PASSWORD},
        follow_redirects=False,
    )
    (cookie,) = [value for value in answer.headers.get_list("set-cookie") if value.startswith("tamis_console")]
    for attribute in ("HttpOnly", "Secure", "SameSite=strict", "Path=/held/console"):
        assert attribute in cookie


def test_passwords_are_argon2_and_never_shown(site: Config, visitors: dict[str, Visitor]) -> None:
    with Accounts(site.database_url)._store.read() as connection:
        assert connection is not None
        hashes = connection.exec_driver_sql("SELECT password FROM account").scalars().all()
    assert all(one.startswith("$argon2id$") for one in hashes)
    assert real_hasher().hash(PASSWORD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "argon2" not in visitors["root"].get("/console/accounts").text


# Who sees what


@pytest.mark.slow
def test_every_page_for_everybody(visitors: dict[str, Visitor]) -> None:
    for name, one in visitors.items():
        for path in PAGES:
            for language in ("en", "fr"):
                answer = one.get(f"/console{path}", headers={"Accept-Language": language})
                assert answer.status_code == 200, (name, path)
                assert "<script>" not in answer.text
                assert f'lang="{language}"' in answer.text


def test_the_overview_counts_what_one_may_see(visitors: dict[str, Visitor]) -> None:
    def total(name: str) -> str:
        (found,) = re.findall(r"<dt>Recipients</dt><dd>(\d+)</dd>", visitors[name].get("/console?span=week").text)
        return str(found)

    assert (total("root"), total("audrey"), total("olga")) == ("4", "4", "2")
    page = visitors["root"].get("/console").text
    assert "16 maps-rbl" in page
    assert "RBL_HALF" in page
    assert "<rect" in page


def decisions(one: Visitor, query: str = "") -> set[int]:
    found = re.findall(r"/console/decisions/([0-9a-f]{16})", one.get(f"/console/decisions?{query}").text)
    return {int(name, 16) for name in found}


def test_decisions_are_searched(visitors: dict[str, Visitor]) -> None:
    root = visitors["root"]
    assert decisions(root) == {OURS, BOTH, THEIRS}
    assert decisions(root, "text=eve@example.com") == {BOTH, THEIRS}
    assert decisions(root, "text=4Q1") == decisions(root, f"text={made(1).id}") == {OURS}
    assert decisions(root, "verdict=ham") == {THEIRS}
    assert decisions(root, "row=16&days=7") == {OURS, BOTH}
    assert decisions(root, "text=%00%27&row=x&days=y&after=z") == set()


def test_administrators_of_a_domain_see_nothing_of_others(visitors: dict[str, Visitor]) -> None:
    olga = visitors["olga"]
    assert decisions(olga) == {OURS, BOTH}
    assert decisions(olga, "text=eve@example.com") == decisions(olga, "text=example.com") == set()
    assert olga.get(f"/console/decisions/{made(THEIRS).id}").status_code == 404
    both = olga.get(f"/console/decisions/{made(BOTH).id}")
    assert both.status_code == 200
    assert "example.com" not in both.text
    assert "eve@example.com" in visitors["audrey"].get(f"/console/decisions/{made(BOTH).id}").text
    assert olga.get("/console/accounts").status_code == 404


def test_locked_mailboxes_are_invisible_to_them(tmp_path: Path) -> None:
    config = settings(tmp_path)
    furnish(config)
    Accounts(config.database_url).lock("Bob@Example.org", "root")
    olga, root = logged_in(config, "olga"), logged_in(config, "root")
    assert decisions(olga) == decisions(olga, "text=bob@example.org") == set()
    assert olga.get(f"/console/decisions/{made(OURS).id}").status_code == 404
    assert decisions(root, "text=bob@example.org") == {OURS, BOTH}


def test_a_decision_is_explained(visitors: dict[str, Visitor]) -> None:
    page = visitors["root"].get(f"/console/decisions/{made(OURS).id}").text
    for text in (
        "4 of 7 lists know 192.0.2.7",
        "RBL_HALF",
        "RDNS_NONE",
        "no answer",
        "3.25",
        "mail.example.net",
        "4Q1",
    ):
        assert text in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;@x.example" in page
    for path in ("0" * 16, "%2e%2e", "x'--"):
        assert visitors["root"].get(f"/console/decisions/{path}").status_code == 404


def test_a_replay_says_what_would_have_been(visitors: dict[str, Visitor]) -> None:
    root, olga = visitors["root"], visitors["olga"]
    assert "3 of 4 recipients would have got something else" in root.get("/console/replay?mode=junk").text
    assert "2 of 2 recipients would have got something else" in olga.get("/console/replay?mode=junk").text
    page = olga.get("/console/replay?level=12&off=maps-rbl&off=nonsense").text
    assert "2 of 2 recipients would have got something else" in page
    assert "2 are not certain" in page
    assert olga.get("/console/replay?mode=junk&domain=example.com").status_code == 404
    assert "recipients would" not in root.get("/console/replay?level=99&mode=x&days=y").text


# Who changes what


def test_accounts_are_changed_by_the_platform_alone(site: Config, visitors: dict[str, Visitor]) -> None:
    new = {"do": "add", "name": "new", "password": PASSWORD, "role": "domain", "domains": "example.net"}
    for name in ("olga", "audrey"):
        visitors[name].get("/console")
        assert visitors[name].post("/console/accounts", new).status_code == 403
    root = visitors["root"]
    root.get("/console/accounts")
    assert root.post("/console/accounts", new).status_code == 200
    assert [(one.name, one.domains) for one in Accounts(site.database_url).all() if one.name == "new"] == [
        ("new", ("example.net",))
    ]
    for bad in ({**new, "name": "short", "password": "short"}, new, {**new, "name": "x", "role": "god"},
                {**new, "name": "x", "domains": ""}, {**new, "name": "<b>"}):  # fmt: skip
        assert root.post("/console/accounts", bad).status_code == 400
    for do in ("lock", "unlock"):
        assert root.post("/console/accounts", {"do": do, "name": "ceo@example.org"}).status_code == 200
    assert root.post("/console/accounts", {"do": "disable", "name": "new"}).status_code == 200
    assert Accounts(site.database_url).check("new", PASSWORD) is None
    audit = root.get("/console/audit").text
    for text in ("add account: new", "lock mailbox: ceo@example.org", "disable account: new", "203.0.113.9"):
        assert text in audit
    assert "disable account" not in visitors["olga"].get("/console/audit").text


def test_forms_of_other_sites_change_nothing(site: Config, visitors: dict[str, Visitor]) -> None:
    client = visitors["root"].client
    for fields in ({"do": "disable", "name": "olga"}, {"do": "disable", "name": "olga", "form_token": "x" * 40}):
        assert client.post("/held/console/accounts", data=fields).status_code == 403
    assert client.get("/held/console/accounts?do=disable&name=olga").status_code == 200
    assert Accounts(site.database_url).check("olga", PASSWORD) is not None


@pytest.mark.servers
def test_all_of_it_over_postgresql(cluster: Cluster, tmp_path: Path) -> None:
    config = settings(tmp_path, cluster.new_database())
    furnish(config)
    one = visitor(config)
    one.get("/console/login")
    assert one.post("/console/login", {"name": "ro\0ot", "password": "x"}).status_code == 403
    for name in ("root", "olga"):
        one = logged_in(config, name)
        for path in (*PAGES, "/held", "/lists"):
            for hostile in ("", "%00", "%27%22%5C", "%ED%A0%80", "%F4%8F%BF%BF"):
                query = "&".join(f"{key}={hostile}" for key in ("text", "whose", "verdict", "row", "after", "before"))
                answer = one.get(f"/console{path.partition('?')[0]}?{query}")
                assert answer.status_code in (200, 404), (path, hostile)
        one.get("/console/lists")
        fields = {"list": "whitelist_sender", "domain": "", "do": "add", "value": "a\0b.example", "note": "\0"}
        assert one.post("/console/lists", fields).status_code in (200, 400)
    assert len(Audit(config.database_url).page(None, 100)) >= 2


# Accounts, and the command


@pytest.mark.parametrize("name", ["", "Ann", "-x", "a b", "x" * 65, "a\n", "é"])
def test_names_that_cannot_be(site: Config, name: str) -> None:
    with pytest.raises(BadAccount):
        Accounts(site.database_url).add(name, PASSWORD, Role.AUDITOR, (), "the tests")


def test_accounts_by_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import getpass
    import io

    file = tmp_path / "tamis.toml"
    file.write_text(f'[daemon]\nuser = "{getpass.getuser()}"\nstate_directory = "{tmp_path}"\n')

    def run(*words: str, typed: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return main(["account", *words, "-c", str(file)])

    assert run("add", "ann", "--role", "domain", "--domain", "Example.ORG", typed=f"{PASSWORD}\n") == 0
    accounts = Accounts(f"sqlite:///{tmp_path}/tamis.db")
    assert accounts.check("ann", PASSWORD) is not None
    assert run("add", "ann", "--role", "auditor", typed=f"{PASSWORD}\n") == 2
    assert run("add", "eve", "--role", "auditor", typed="short\n") == 2
    assert run("password", "ann", typed="another password\n") == 0
    assert run("close", "ann") == 0
    assert accounts.check("ann", "another password") is None
    assert run("lock", "ceo@example.org") == 0
    capsys.readouterr()
    assert run("list", "--json") == 0
    assert '"name":"ann","role":"domain","domains":["example.org"],"closed":true' in capsys.readouterr().out
    assert run("unlock", "ceo@example.org") == 0
    assert run("unlock", "ceo@example.org") == 2
    assert run("remove", "ann") == 0
    assert run("remove", "ann") == 2
    assert [one.action for one in Audit(f"sqlite:///{tmp_path}/tamis.db").page(None, 3)] == [
        "remove account", "remove account", "unlock mailbox"
    ]  # fmt: skip
