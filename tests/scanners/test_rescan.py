"""Mail that passed while no scanner answered, scanned by the keeper's task once one does: a real clamd."""

import logging
import os
import time
from pathlib import Path

import pytest

from tamis import limits, schema
from tamis.config import Config, parse
from tamis.database import open_database
from tamis.engine import Engine
from tamis.message import Message
from tamis.scanners.rescan import Rescan
from tamis.scanners.unscanned import Unscanned
from tamis.testing import mail
from tests.scanner_servers import Clamd
from tests.scanners.conftest import EVIL

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("no_network")]
INFECTED = "From: a@sender.example\nMessage-ID: <1@sender.example>\n\n" + EVIL.decode() + "\n"


def config_of(folder: Path, endpoint: str, more: str = "") -> Config:
    toml = f'[daemon]\nstate_directory = "{folder}"\n[clamd.a]\nendpoints = ["{endpoint}"]\n[antivirus]\n{more}'
    return parse(toml, "x")


def pass_unscanned(folder: Path, text: str, **envelope: object) -> None:
    """Let a message through while its scanner is away."""
    config = config_of(folder, "inet:1@127.0.0.1", "defer_minutes = 0\n")
    engine = Engine(config, unscanned=Unscanned(config.unscanned_folder, limits.MIB))
    assert engine.examine(mail(text, **envelope)).unscanned  # type: ignore[arg-type]


def test_what_is_found_is_said_with_all_that_finds_the_mail(
    tmp_path: Path, clam: Clamd, caplog: pytest.LogCaptureFixture
) -> None:
    pass_unscanned(tmp_path, INFECTED, sender="a@sender.example", recipients=["x@example.org", "y@example.org"])
    pass_unscanned(tmp_path, "From: a@sender.example\n\nhello\n")
    assert len(list((tmp_path / "unscanned").iterdir())) == 2
    assert all(not path.stat().st_mode & 0o077 for path in (tmp_path / "unscanned").iterdir())
    with caplog.at_level(logging.INFO, "tamis"):
        Rescan(config_of(tmp_path, clam.endpoint)).run()
    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    fields = error.__dict__["fields"]
    assert error.getMessage() == "mail that passed unscanned is infected"
    assert (fields["found"], fields["scanner"]) == ("Test.Evil.UNOFFICIAL", "a")
    assert (fields["message_id"], fields["sender"]) == ("<1@sender.example>", "a@sender.example")
    assert fields["recipients"] == ["x@example.org", "y@example.org"]
    assert "what passed unscanned is clean" in caplog.messages
    assert list((tmp_path / "unscanned").iterdir()) == []


def test_it_waits_while_no_scanner_answers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pass_unscanned(tmp_path, INFECTED)
    dead = Rescan(config_of(tmp_path, "inet:1@127.0.0.1"))
    for _ in range(5):
        dead.run()
    (path,) = (tmp_path / "unscanned").iterdir()
    long_ago = time.time() - 6 * 86400
    os.utime(path, (long_ago, long_ago))
    dead.run()
    assert "what passed unscanned is never scanned" in caplog.messages
    assert not path.exists()


def test_nothing_is_clean_because_no_scanner_is_left(tmp_path: Path) -> None:
    pass_unscanned(tmp_path, INFECTED)
    Rescan(parse(f'[daemon]\nstate_directory = "{tmp_path}"\n', "x")).run()
    assert len(list((tmp_path / "unscanned").iterdir())) == 1


def test_a_file_that_is_none_of_ours_is_given_up(tmp_path: Path, clam: Clamd) -> None:
    folder = tmp_path / "unscanned"
    folder.mkdir()
    (folder / "x").write_bytes(b"\xff\n")
    (folder / "y").write_bytes(b"")
    Rescan(config_of(tmp_path, clam.endpoint)).run()
    assert list(folder.iterdir()) == []


def test_room_is_bounded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = Unscanned(tmp_path / "unscanned", 1000)
    for _ in range(5):
        folder.keep(mail("Subject: x\n\n" + "a" * 300), [1])
    assert len(folder.waiting()) == 3
    assert caplog.messages == ["no room to keep mail that passes unscanned"]
    Unscanned(tmp_path / "none", 0).keep(mail("x"), [1])
    assert not (tmp_path / "none").exists()


def test_what_cannot_be_kept_costs_no_message(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "unscanned").write_text("a file")
    Unscanned(tmp_path / "unscanned" / "sub", 1000).keep(mail("Subject: x\n\n"), [1])
    beyond = mail("x")
    beyond.message = Message(b"Subject: x\n\n" + b"a" * limits.MESSAGE_BYTES, limits.MESSAGE_BYTES + 100)
    Unscanned(tmp_path / "other", 10 * limits.MIB).keep(beyond, [1])
    assert caplog.messages == ["a message that passed is not kept to be scanned"] * 2
    assert Unscanned(tmp_path / "other", 1).waiting() == []


def test_wire_data_that_is_no_unicode(tmp_path: Path, clam: Clamd, caplog: pytest.LogCaptureFixture) -> None:
    pass_unscanned(tmp_path, INFECTED, sender="\udcff@x\0.example", recipients=["\udcfe@example.org"])
    schema.upgrade(open_database(f"sqlite:///{tmp_path}/tamis.db"))
    Rescan(config_of(tmp_path, clam.endpoint)).run()
    assert "mail that passed unscanned is infected" in caplog.messages
