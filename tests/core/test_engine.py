"""The engine of a process: it takes up changed lists and models, and keeps the last good ones."""

import json
import logging
import os
import re
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis.config import Config, parse
from tamis.contract import Filter
from tamis.decision_log import fields
from tamis.engine import Engine, preload
from tamis.examination import FILTERS
from tamis.filters.order import Judgement
from tamis.headers import changes
from tamis.list_store import ListStore
from tamis.lists import ListName
from tamis.mail import Mail, MailClass
from tamis.model_source import model_path
from tamis.models.bayes import Model
from tamis.models.features import Indices, features
from tamis.models.storage import SHIPPED_MODEL
from tamis.record import as_json
from tamis.settings import Headers
from tamis.testing import mail
from tests.core.test_message_fuzz import hostile

pytestmark = pytest.mark.slow

PEER = "192.0.2.7"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return parse(f'[daemon]\nstate_directory = "{tmp_path}"\n', "x")


@pytest.fixture
def store(config: Config) -> ListStore:
    return ListStore(config.database_url)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The engine with the shipped model and every built row switched on."""
    folder = tmp_path_factory.mktemp("state")
    text = f'[daemon]\nstate_directory = "{folder}"\n[policy]\nmode = "tag"\n'
    rows = "[policy.filters]\ncyrillic.enabled = true\nsinograms = { enabled = true, kana = true, hangul = true }\n"
    return Engine(parse(text + rows, "x"))


def message() -> Mail:
    return mail("From: Ann <ann@example.net>\n\nbody\n", peer=PEER, sender="ann@example.net")


def row_of(engine: Engine) -> str:
    (verdict,) = engine.examine(message()).verdicts
    return verdict.row.name if verdict.row else ""


def test_changed_lists_are_taken_up(config: Config, store: ListStore) -> None:
    engine = Engine(config)
    store.add(ListName.BLACKLIST_IP, PEER, "", by="ann")
    assert row_of(engine) == ""
    engine.refresh()
    assert row_of(engine) == "blacklisted-ip"
    store.remove(ListName.BLACKLIST_IP, PEER, "")
    engine.refresh()
    assert row_of(engine) == ""


def test_what_did_not_change_is_not_read_again(config: Config, store: ListStore) -> None:
    store.add(ListName.BLACKLIST_IP, PEER, "", by="ann")
    engine = Engine(config)
    before = engine.snapshot
    engine.refresh()
    assert engine.snapshot is before


def test_lists_of_file_and_command_together(tmp_path: Path, store: ListStore) -> None:
    text = f'[daemon]\nstate_directory = "{tmp_path}"\n[lists]\nblacklist_sender = ["ann@example.net"]\n'
    engine = Engine(parse(text, "x"))
    assert row_of(engine) == "blacklisted-sender"
    store.add(ListName.WHITELIST_IP, PEER, "", by="ann")
    engine.refresh()
    assert row_of(engine) == "whitelisted-ip"


def test_the_last_good_lists_stay(config: Config, store: ListStore, caplog: pytest.LogCaptureFixture) -> None:
    store.add(ListName.BLACKLIST_IP, PEER, "", by="ann")
    engine = Engine(config)
    database = config.state_directory / "tamis.db"
    good = database.read_bytes()
    for extra in database.parent.glob("tamis.db-*"):
        extra.unlink()
    database.write_bytes(b"this is no database" * 1000)
    for _ in range(3):
        engine.refresh()
    assert row_of(engine) == "blacklisted-ip"
    assert [entry.levelname for entry in caplog.records if "lists" in entry.message] == ["WARNING"]
    assert "last good" in caplog.text

    database.write_bytes(good)
    ListStore(config.database_url).remove(ListName.BLACKLIST_IP, PEER, "")
    engine.refresh()
    assert row_of(engine) == ""


def test_a_database_whose_table_is_gone(config: Config, store: ListStore) -> None:
    store.add(ListName.BLACKLIST_IP, PEER, "", by="ann")
    engine = Engine(config)
    with sqlite3.connect(config.state_directory / "tamis.db") as connection:
        connection.execute("ALTER TABLE list_entry RENAME COLUMN value TO other")
        connection.execute("UPDATE version SET number = number + 1")
    engine.refresh()
    assert row_of(engine) == "blacklisted-ip"


@pytest.mark.parametrize(("column", "value"), [("list", "no_such_list"), ("value", "nonsense"), ("added_at", "never")])
def test_an_entry_that_makes_no_sense(
    config: Config, store: ListStore, caplog: pytest.LogCaptureFixture, column: str, value: str
) -> None:
    """As a newer version may write it: neither a worker's start nor a message may fail over it."""
    store.add(ListName.BLACKLIST_IP, PEER, "", by="ann")
    engine = Engine(config)
    with sqlite3.connect(config.state_directory / "tamis.db") as connection:
        connection.execute(
            "INSERT INTO list_entry VALUES (9, 'whitelist_ip', '', '192.0.2.9', 'x', '2024-01-01', NULL, '')"
        )
        connection.execute(f"UPDATE list_entry SET {column} = ? WHERE id = 9", [value])  # noqa: S608
        connection.execute("UPDATE version SET number = number + 1")
    engine.refresh()
    assert row_of(engine) == "blacklisted-ip"
    assert row_of(Engine(config)) == ""
    assert "lists not read" in caplog.text


def test_a_replaced_database_is_read(config: Config, store: ListStore, tmp_path: Path) -> None:
    """As after restoring a backup while the daemon runs."""
    store.add(ListName.BLACKLIST_IP, PEER, "", by="ann")
    engine = Engine(config)
    backup = ListStore(f"sqlite:///{tmp_path}/backup.db")
    for _ in range(2):
        backup.add(ListName.BLACKLIST_SENDER, "ann@example.net", "", by="ann")
    os.replace(tmp_path / "backup.db", tmp_path / "tamis.db")
    engine.refresh()
    assert row_of(engine) == "blacklisted-sender"


def test_starting_with_an_unreadable_database_leaves_the_configured_lists(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tamis.db").write_bytes(b"this is no database" * 1000)
    text = f'[daemon]\nstate_directory = "{tmp_path}"\n[lists]\nblacklist_ip = ["{PEER}"]\n'
    assert row_of(Engine(parse(text, "x"))) == "blacklisted-ip"
    assert "lists not read" in caplog.text


def test_an_engine_never_creates_the_database(config: Config) -> None:
    Engine(config).examine(message())
    assert list(config.state_directory.iterdir()) == []


def test_the_shipped_model_until_the_site_has_its_own(config: Config) -> None:
    assert model_path(config) == SHIPPED_MODEL
    engine = Engine(config)
    assert engine.snapshot.model is not None
    shipped = engine.snapshot.model.version
    own = Model()
    own.save(config.site_model)
    engine.refresh()
    assert engine.snapshot.model is not None
    assert engine.snapshot.model.version == own.version != shipped
    config.site_model.unlink()
    engine.refresh()
    assert engine.snapshot.model.version == shipped


def test_the_last_good_model_stays(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    own = Model()
    own.save(config.site_model)
    engine = Engine(config)
    config.site_model.write_bytes(b"this is no model")
    for _ in range(3):
        engine.refresh()
    assert engine.snapshot.model is not None
    assert engine.snapshot.model.version == own.version
    assert [entry.levelno for entry in caplog.records] == [logging.ERROR]

    own.learn(own_features(), spam=True)
    own.save(config.site_model)
    engine.refresh()
    assert engine.snapshot.model.version == own.version


def own_features() -> Indices:
    return features(message().message)


def test_a_preloaded_model_is_shared(config: Config) -> None:
    preload(config)
    assert Engine(config).snapshot.model is Engine(config).snapshot.model


def test_a_worker_that_starts_beside_a_damaged_model_takes_the_preloaded_one(config: Config) -> None:
    own = Model()
    own.save(config.site_model)
    preload(config)
    config.site_model.write_bytes(b"this is no model")
    model = Engine(config).snapshot.model
    assert model is not None
    assert model.version == own.version


@pytest.mark.parametrize("damage", [b"", b"this is no model", None], ids=["empty", "other", "folder"])
def test_a_site_model_that_cannot_be_used_gives_way_to_the_shipped_one(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, damage: bytes | None
) -> None:
    """Or no mail would be filtered after an upgrade that reads messages otherwise."""
    monkeypatch.setattr("tamis.model_source.PRELOADED", {})
    if damage is None:
        config.site_model.mkdir()
    else:
        config.site_model.write_bytes(damage)
    preload(config)
    assert [entry.levelno for entry in caplog.records] == [logging.ERROR]
    model = Engine(config).snapshot.model
    assert model is not None
    assert model.version == Model.load(SHIPPED_MODEL).version


def test_a_site_model_that_may_not_be_read_is_said(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tamis.model_source.os.access", lambda *_: False)
    preload(config)
    assert caplog.records == []
    Model().save(config.site_model)
    preload(config)
    assert "may not be read" in caplog.text


def test_a_model_damaged_before_a_reload_leaves_the_last_good_one(config: Config) -> None:
    own = Model()
    own.save(config.site_model)
    preload(config)
    config.site_model.write_bytes(b"this is no model")
    preload(config)
    model = Engine(config).snapshot.model
    assert model is not None
    assert model.version == own.version


def test_outgoing_mail_gets_no_verdict(config: Config) -> None:
    outgoing = message()
    outgoing.mail_class = MailClass.OUTGOING
    record = Engine(config).examine(outgoing)
    assert list(record.verdicts) == []
    assert record.refusal is None
    assert {answer.row.judgement for answer in record.answers} == {Judgement.MALWARE}


def test_a_decoy_listener_is_known_by_its_name(tmp_path: Path) -> None:
    text = f'[daemon]\nstate_directory = "{tmp_path}"\n[networks]\ndecoys = ["decoy"]\n'
    engine = Engine(parse(text, "x"))
    engine.refresh()
    for listener, row in (("decoy", "honeypot"), ("smtpd", "")):
        came = message()
        came.listener = listener
        (verdict,) = engine.examine(came).verdicts
        assert (verdict.row.name if verdict.row else "") == row


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(hostile, st.text(max_size=50), st.text(max_size=50))
def test_whatever_comes_is_answered(shipped: Engine, raw: bytes, sender: str, recipient: str) -> None:
    """No row fails on hostile input: it would abstain, and its tests would be switched off by the sender."""
    record = shipped.examine(mail(raw, peer=PEER, sender=sender, recipients=[recipient]))
    assert not [answer for answer in record.answers if answer.error]
    asks_redis = {"mail-checksum", "missing-sender"}
    asks_the_dns = {name for name, one in FILTERS.items() if type(one).queries is not Filter.queries}
    assert {answer.row.name for answer in record.answers if answer.abstained} <= asks_redis | asks_the_dns
    (verdict,) = record.verdicts
    assert verdict.score == sum(weight for _, weight in verdict.tests)
    written = changes(record, Headers())
    assert all(re.fullmatch(r"(?:[ -~]|\n\t)*", value) for _, value in written.add)
    json.dumps([as_json(record), fields(record)])


def test_a_hit_of_the_shipped_model_is_a_score(config: Config) -> None:
    (verdict,) = Engine(config).examine(message()).verdicts
    assert {"BAYES", "MISSING_DATE", "MISSING_SUBJECT"} <= dict(verdict.tests).keys()
    assert os.path.getsize(SHIPPED_MODEL) < 8_000_000
