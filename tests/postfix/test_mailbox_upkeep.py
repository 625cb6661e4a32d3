"""The upkeep of mailboxes with a real Dovecot: old spam is deleted, who is nearly full is told, once in 24 hours."""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tamis import doveadm
from tamis.cli import main
from tamis.config import Config, load
from tamis.mailbox_upkeep import Upkeep
from tamis.message import Message
from tamis.policy_store import PolicyStore
from tamis.postfix.dovecot import DovecotUnavailable, PrivateDovecot, require_dovecot

pytestmark = [pytest.mark.servers, pytest.mark.slow]

ANN, BOB, EVE = "ann@mail.example", "bob@mail.example", "eve@mail.example"
USERS_QUERY = 'users_query = "SELECT address FROM mailbox"\n'
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUOTA = """
mail_plugins = $mail_plugins quota
plugin {
  quota = count:User quota
  quota_rule = *:storage=100K
  quota_vsizes = yes
}
doveadm_password = sesame
service doveadm {
  chroot =
  unix_listener doveadm-server {
    mode = 0666
  }
}
"""
CLIENT = "doveadm_password = sesame\nmail_plugins = quota\nlog_path = /dev/stderr\nssl = no\n"
"""Of docs/mailboxes.md."""


class WithQuota(PrivateDovecot):
    """Every mailbox may hold 100 KB."""

    def _prepare(self) -> None:
        super()._prepare()
        (self.folder / "conf.d" / "0-quota.conf").write_text(QUOTA, "utf-8")
        (self.folder / "client.conf").write_text(CLIENT, "utf-8")


@pytest.fixture(scope="module")
def dovecot() -> Iterator[PrivateDovecot]:
    try:
        require_dovecot()
    except DovecotUnavailable as error:
        pytest.skip(str(error))
    with WithQuota(rule=False) as one:
        yield one


@pytest.fixture
def config(dovecot: PrivateDovecot, tmp_path: Path) -> Config:
    for mailbox in (dovecot.folder / "mail").iterdir():
        shutil.rmtree(mailbox)
    with sqlite3.connect(tmp_path / "vmail.db") as connection:
        connection.execute("CREATE TABLE mailbox (address TEXT)")
        connection.executemany("INSERT INTO mailbox VALUES (?)", [(ANN,), (BOB,), (EVE,)])
    file = tmp_path / "tamis.toml"
    state = f'[daemon]\nuser = "root"\nstate_directory = "{tmp_path}"\n'
    # Nobody, who may look into no mailbox.
    asked = ["setpriv", "--reuid=nobody", "--clear-groups"] if os.getuid() == 0 else []
    words = json.dumps([*asked, "doveadm", "-c", str(dovecot.folder / "client.conf")])
    server = dovecot.folder / "run" / "doveadm-server"
    command = f'[mailboxes]\ndoveadm = {words}\nserver = "{server}"\nquota_from = "support@host.example"\n'
    users = f'[directory]\nurl = "sqlite:///{tmp_path}/vmail.db"\n'
    file.write_text(state + command + users + USERS_QUERY)
    return load(file)


def put(config: Config, user: str, folder: str, subject: str, size: int = 100) -> None:
    octets = f"From: a@x.example\r\nSubject: {subject}\r\n\r\n".encode() + b"x" * 70 * (size // 70) + b"\r\n"
    doveadm.Doveadm(config.settings.mailboxes.doveadm, config.settings.mailboxes.server).save(user, folder, octets)


def subjects(dovecot: PrivateDovecot, user: str, folder: str = "INBOX") -> list[str]:
    return [Message(one).subject for one in dovecot.mailbox(user, folder)]


def test_old_spam_is_deleted_where_that_was_chosen(
    dovecot: PrivateDovecot, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doveadm, "_UNIT", "s")  # Seconds for days: nobody waits for days.
    PolicyStore(config.database_url).set("mail.example", {"junk_days": 2}, "ann")
    PolicyStore(config.database_url).set(BOB, {"junk_days": 3000}, "ann")
    PolicyStore(config.database_url).set(EVE, {"junk_days": 0}, "ann")
    for user in (ANN, BOB, EVE):
        put(config, user, "Junk", "old")
        put(config, user, "INBOX", "mine")
    time.sleep(3.1)
    put(config, BOB, "Junk", "new")
    report = Upkeep(config).run([ANN, BOB, EVE, "no user"], NOW)
    assert (report.mailboxes, report.cleaned, report.told, report.failed) == (2, 2, [], [])
    assert subjects(dovecot, ANN, "Junk") == []
    assert sorted(subjects(dovecot, BOB, "Junk")) == ["new", "old"]
    assert subjects(dovecot, EVE, "Junk") == ["old"]
    assert [subjects(dovecot, user) for user in (ANN, BOB, EVE)] == [["mine"]] * 3


def test_who_is_nearly_full_is_told_once_in_24_hours(dovecot: PrivateDovecot, config: Config) -> None:
    store = PolicyStore(config.database_url)
    store.set("mail.example", {"quota_percent": 50}, "ann")
    store.set(BOB, {"language": "fr"}, "ann")
    store.set(EVE, {"quota_percent": 0}, "ann")
    for user in (ANN, BOB, EVE):
        put(config, user, "INBOX", "small")
    upkeep, users = Upkeep(config), [ANN, BOB, EVE]
    assert upkeep.run(users, NOW).told == []
    for user in (ANN, BOB, EVE):
        put(config, user, "INBOX", "large", 60_000)
    assert upkeep.run(users, NOW).told == [ANN, BOB]
    assert upkeep.run(users, NOW + timedelta(hours=23, minutes=59)).told == []
    assert subjects(dovecot, EVE) == ["small", "large"]
    (english,) = (Message(one) for one in dovecot.mailbox(ANN) if b"support@host.example" in one)
    assert english.subject == "Your mailbox is nearly full"
    assert english.header("Auto-Submitted") == "auto-generated"
    assert "is full to 5" in english.text
    assert "Empty the folder Junk" in english.text
    assert english.header("X-Tamis-Verdict") is None
    (french,) = (Message(one) for one in dovecot.mailbox(BOB) if b"support@host.example" in one)
    assert french.subject == "Votre boîte est bientôt pleine"
    assert "Videz la corbeille" in french.text
    assert upkeep.run(users, NOW + timedelta(hours=24)).told == [ANN, BOB]


def test_a_mailbox_that_has_no_room_left_is_told_later(dovecot: PrivateDovecot, config: Config) -> None:
    PolicyStore(config.database_url).set(ANN, {"quota_percent": 50}, "ann")
    put(config, ANN, "INBOX", "large", 101_500)
    (failure,) = Upkeep(config).run([ANN], NOW).failed
    assert failure.endswith("Saving failed: Quota exceeded (mailbox for user is full)")
    (dovecot.folder / "mail" / ANN / "Maildir" / "cur").rename(dovecot.folder / "gone")
    shutil.rmtree(dovecot.folder / "mail" / ANN)
    shutil.rmtree(dovecot.folder / "gone")
    put(config, ANN, "INBOX", "large", 80_000)
    assert Upkeep(config).run([ANN], NOW).told == [ANN]


def test_the_command_looks_after_all_users_of_the_directory(
    dovecot: PrivateDovecot, config: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamis.commands.mailboxes.become_service_user", lambda config: None)
    from tamis.directory_task import DirectoryTask

    DirectoryTask(config).run()
    PolicyStore(config.database_url).set("mail.example", {"junk_days": 30, "quota_percent": 90}, "ann")
    assert main(["mailboxes", "upkeep", "-c", config.file, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"mailboxes": 3, "cleaned": 3, "told": [], "failed": []}


def test_without_doveadm_there_is_one_line(
    config: Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tamis.commands.mailboxes.become_service_user", lambda config: None)
    file = tmp_path / "other.toml"
    file.write_text(f'[daemon]\nstate_directory = "{tmp_path}"\n[mailboxes]\ndoveadm = ["no-such-program"]\n')
    assert main(["mailboxes", "upkeep", "-c", str(file)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "no-such-program" in err


def test_without_a_running_dovecot_the_reason_is_said_and_no_backtrace(dovecot: PrivateDovecot, tmp_path: Path) -> None:
    file = tmp_path / "client.conf"
    file.write_text(f"{CLIENT}base_dir = {tmp_path}\n")
    with pytest.raises(doveadm.DoveadmFailed, match=r"userdb list: connect.* failed: No such file or directory$"):
        doveadm.Doveadm(["doveadm", "-c", str(file)]).users()
