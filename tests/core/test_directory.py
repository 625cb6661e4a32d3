"""Domains and users that are kept elsewhere: read by the keeper from SQL, or asked of Postfix's tables."""

import logging
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from tamis import limits
from tamis.config import Config, ConfigError, parse
from tamis.contract import Context
from tamis.destinations import Destinations, Kind
from tamis.directory import Directory, DirectorySource
from tamis.directory_task import DirectoryNotRead, DirectoryTask, open_directory
from tamis.filters.malformed_headers import MalformedHeaders
from tamis.mail import Mail
from tamis.message import Message
from tamis.policy import Policies
from tamis.policy_keys import canonical
from tamis.policy_store import PolicyStore
from tamis.policy_texts import DatabaseTexts
from tamis.snapshot import directory_path

QUERIES = """
domains_query = "SELECT name AS domain, plan AS policy FROM hosted WHERE active = 1"
users_query = "SELECT login AS address, fullname AS name, plan AS policy FROM mailbox"
seconds = 1
"""


@pytest.fixture
def elsewhere(database_url: str) -> Engine:
    """Another program's database."""
    engine = create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    run(
        engine,
        "CREATE TABLE hosted (name VARCHAR(255), plan VARCHAR(40), active INTEGER)",
        "CREATE TABLE mailbox (login VARCHAR(255), fullname VARCHAR(255), plan VARCHAR(40))",
        "INSERT INTO hosted VALUES ('Example.ORG', 'gold', 1), ('example.net', NULL, 1), ('gone.example', 'gold', 0)",
        "INSERT INTO mailbox VALUES ('Ann@example.org', 'Ann Martin', 'silver'), ('bob@example.org', 'Bob', NULL)",
    )
    return engine


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.fixture
def config(elsewhere: Engine, tmp_path: Path) -> Config:
    url = elsewhere.url.render_as_string(hide_password=False)
    return parse(f'[daemon]\nstate_directory = "{tmp_path}"\n[directory]\nurl = "{url}"\n{QUERIES}', "x")


def read(config: Config) -> Directory:
    DirectoryTask(config).run()
    found = DirectorySource(config).fresh()
    assert found is not None
    return found


def test_what_the_queries_say(config: Config) -> None:
    known = read(config)
    assert known.is_domain("example.org")
    assert known.is_domain("example.net")
    assert not known.is_domain("gone.example")
    assert known.user_name("ann@example.org") == "Ann Martin"
    assert known.user_name("eve@example.org") is None
    assert known.addresses
    policies = {one: known.policy_of(one) for one in ("example.org", "example.net", "ann@example.org")}
    assert policies == {"example.org": "gold", "example.net": "", "ann@example.org": "silver"}
    assert known.has_person("example.org", "MARTIN, Ann")
    assert not known.has_person("example.net", "Ann Martin")
    assert not known.has_person("example.org", "Bob")  # One word is the name of too many.


def test_named_policies_beneath_what_the_owner_has_chosen(config: Config, tmp_path: Path) -> None:
    known = read(config)
    own = parse(f'[daemon]\nstate_directory = "{tmp_path}"\n[database]\nurl = "sqlite:///{tmp_path}/own.db"\n', "x")
    store = PolicyStore(own.database_url)
    store.set("policy:gold", {"mode": "junk", "level": 9}, "ann")
    store.set("policy:silver", {"mode": "tag"}, "ann")
    store.set("example.org", {"level": 6}, "ann")
    policies = Policies(own, DatabaseTexts(own), known)
    found = {one: policies.for_recipient(one) for one in ("ann@example.org", "ann+x@example.org", "bob@example.org")}
    assert {one: (policy.mode.value, policy.level) for one, policy in found.items()} == {
        "ann@example.org": ("tag", 6),
        "ann+x@example.org": ("tag", 6),
        "bob@example.org": ("junk", 6),
    }
    assert policies.effective("ann@example.org").values() == found["ann@example.org"].values()


def test_a_change_is_taken_up_and_what_is_the_same_is_not_written_anew(config: Config, elsewhere: Engine) -> None:
    source = DirectorySource(config)
    DirectoryTask(config).run()
    assert source.fresh() is not None
    before = directory_path(config).stat().st_mtime_ns
    DirectoryTask(config).run()
    assert directory_path(config).stat().st_mtime_ns == before
    assert source.fresh() is None
    run(elsewhere, "UPDATE hosted SET plan = 'bronze' WHERE name = 'example.net'")
    DirectoryTask(config).run()
    changed = source.fresh()
    assert changed is not None
    assert changed.policy_of("example.net") == "bronze"


def test_rows_that_are_none_are_left_out(config: Config, elsewhere: Engine, caplog: pytest.LogCaptureFixture) -> None:
    run(
        elsewhere,
        "INSERT INTO hosted VALUES ('a b', NULL, 1), (NULL, NULL, 1), ('bad.example', 'No Name', 1)",
        "INSERT INTO mailbox VALUES ('nobody', NULL, NULL), ('x@y@z', NULL, NULL)",
    )
    with caplog.at_level(logging.WARNING):
        known = read(config)
    assert "left out: 5" in caplog.text
    assert known.is_domain("bad.example")
    assert known.policy_of("bad.example") == ""


@pytest.mark.parametrize("harm", ["DROP TABLE mailbox", "DELETE FROM hosted"])
def test_the_last_good_answer_stays(config: Config, elsewhere: Engine, harm: str) -> None:
    read(config)
    run(elsewhere, *(["DELETE FROM mailbox"] if "hosted" in harm else []), harm)
    with pytest.raises(DirectoryNotRead, match="the last good ones stay"):
        DirectoryTask(config).run()
    known = DirectorySource(config).fresh()
    assert known is not None
    assert known.policy_of("ann@example.org") == "silver"


def test_nothing_can_be_changed_by_a_query(config: Config, elsewhere: Engine, tmp_path: Path) -> None:
    url = elsewhere.url.render_as_string(hide_password=False)
    query = "DELETE FROM hosted RETURNING name AS domain"
    text = f'[daemon]\nstate_directory = "{tmp_path}"\n[directory]\nurl = "{url}"\ndomains_query = "{query}"\n'
    with pytest.raises(DirectoryNotRead, match=r"read-?only|syntax error"):
        DirectoryTask(parse(text, "x")).run()
    with elsewhere.connect() as connection:
        assert len(connection.exec_driver_sql("SELECT * FROM hosted").all()) == 3


def test_domains_of_the_directory_are_here(config: Config) -> None:
    known = read(config)
    destinations = Destinations(config.settings.aliases, known.is_domain)
    assert destinations.find("ann@example.org").kind is Kind.MAILBOX
    assert destinations.find("ann@elsewhere.example").kind is Kind.REDIRECTION


def test_an_author_with_the_name_of_a_user(config: Config) -> None:
    def found(author: str, **options: Any) -> list[str]:
        mail = Mail(Message(f"From: {author}\r\n\r\nx".encode()), recipients=("bob@example.org",))
        ctx = Context(options=MalformedHeaders.Options(**options), recipients=mail.recipients, directory=known)
        return [hit.name for hit in MalformedHeaders().check(mail, ctx) if hit.name == "FROM_NAME_PROTECTED"]

    known = read(config)
    assert found("Ann Martin <x@elsewhere.example>", protect_users=True) == ["FROM_NAME_PROTECTED"]
    assert found("Ann Martin <x@elsewhere.example>", protect_users=True, protected_names=("Ann Martin",)) == [
        "FROM_NAME_PROTECTED"
    ]
    assert found("Ann Martin <ann@example.org>", protect_users=True) == []
    assert found("Ann Martin <x@elsewhere.example>") == []


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ('url = "sqlite:////x.db"', "url: a domains_query or a users_query is needed beside it"),
        ('users_query = "SELECT 1"', "users_query: a url is needed beside it"),
        ('policy_maps = ["/etc/policies"]', "is not a table of Postfix"),
    ],
)
def test_mistakes_of_the_section(section: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(f"[directory]\n{section}\n", "x")


@pytest.mark.parametrize("url", ["nonsense", "nodriver://x", "postgresql://h:port/x"])
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(Exception, match=r"not a database url|its driver is missing"):
        open_directory(url)


@pytest.mark.servers
def test_tables_of_postfix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(limits, "DIRECTORY_SECONDS", 0.0)
    monkeypatch.setattr(limits, "DIRECTORY_REST_SECONDS", 0.0)
    postmap = tmp_path / "postmap"
    postmap.write_text(f'#!/bin/sh\nMAIL_CONFIG={tmp_path} exec /usr/sbin/postmap "$@"\n')
    postmap.chmod(0o755)
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")
    table = tmp_path / "policies"
    table.write_text("example.org gold\nann@example.org silver\nbad.example No-Name\n")
    subprocess.run([postmap, f"hash:{table}"], check=True)
    config = parse(f'[aliases]\npostmap = "{postmap}"\n[directory]\npolicy_maps = ["hash:{table}"]\n', "x")
    source = DirectorySource(config)
    known = source.fresh()
    assert known is not None
    assert source.fresh() is None
    assert [known.policy_of(one) for one in ("example.org", "ann@example.org", "bob@example.org", "a\nb")] == [
        "gold",
        "silver",
        "",
        "",
    ]
    table.write_text("example.org bronze\n")
    subprocess.run([postmap, f"hash:{table}"], check=True)
    assert known.policy_of("example.org") == "bronze"
    (tmp_path / "policies.db").unlink()
    with caplog.at_level(logging.WARNING):
        assert [known.policy_of("example.org") for _ in range(3)] == ["bronze"] * 3
        assert known.policy_of("ann@example.org") == "silver"
    assert caplog.text.count("the last answers stay") == 1


def test_the_option_is_a_key_of_policies() -> None:
    assert canonical("malformed-headers.protect_users") == "filters.malformed-headers.protect_users"
