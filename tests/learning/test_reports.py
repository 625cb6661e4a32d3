"""The folder of reports: who may write there, and whatever else lies in it."""

import os
import pwd
import subprocess
import time
from pathlib import Path

import pytest

from tamis import limits
from tamis.commands.check_config import warnings
from tamis.config import parse
from tamis.learning.journal import Journal
from tamis.learning.reports import ReportsTask, reporter_of
from tamis.learning.teaching import Reporter, Source, lesson
from tests.learning.mail import raw

SCRIPT = Path(__file__).resolve().parents[2] / "postfix" / "dovecot" / "tamis-report"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(f"sqlite:///{tmp_path}/tamis.db")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "reports"
    path.mkdir()
    return path


def learned(journal: Journal) -> list[tuple[str, str, str, bool]]:
    with journal.reading() as reading:
        entries = reading.entries() if reading else []
    return [(entry.by, entry.domain, entry.digest, entry.spam) for entry in entries]


def test_reports_are_learned_and_removed(folder: Path, journal: Journal) -> None:
    (folder / "1").write_bytes(b"spam Bob@Example.ORG\n" + raw(1))
    (folder / "2").write_bytes(b"ham carl\r\n" + raw(2))
    ReportsTask(str(folder), journal).run()
    assert sorted(learned(journal)) == [
        ("bob@example.org", "example.org", lesson(raw(1), True).digest, True),
        ("carl", "", lesson(raw(2), False).digest, False),
    ]
    assert list(folder.iterdir()) == []
    ReportsTask(str(folder), journal).run()


def test_the_later_word_counts(folder: Path, journal: Journal) -> None:
    for number, label in enumerate((b"spam", b"ham", b"spam")):
        (folder / f"{9 - number}").write_bytes(label + b" bob@example.org\n" + raw(1))
        os.utime(folder / f"{9 - number}", (number, number))
    ReportsTask(str(folder), journal).run()
    assert [spam for *_, spam in learned(journal)] == [True, False, True]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"spam\n",
        b"eggs bob@example.org\nSubject: x\n\nx\n",
        b"spam bob@example.org",
        b"spam bob@example.org\n",
        b"spam b ob@example.org\nSubject: x\n",
        b"spam \x1b[31m@example.org\nSubject: x\n",
        b"spam " + b"b" * 300 + b"\nSubject: x\n\nx\n",
        b"\0" * 5000,
    ],
)
def test_what_is_no_report_is_removed(
    folder: Path, journal: Journal, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "1").write_bytes(content)
    ReportsTask(str(folder), journal).run()
    assert learned(journal) == []
    assert list(folder.iterdir()) == []
    assert "what lies among the reports is removed" in caplog.text


def test_hostile_things_in_the_folder(folder: Path, journal: Journal, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"spam bob@example.org\n" + raw(1))
    (folder / "link").symlink_to(secret)
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    (folder / "good").write_bytes(b"spam bob@example.org\n" + raw(2))
    began = time.monotonic()
    ReportsTask(str(folder), journal).run()
    assert time.monotonic() - began < 30, "nobody waits for a writer"
    assert len(learned(journal)) == 1
    assert [path.name for path in folder.iterdir()] == ["folder"]
    assert secret.exists()


def test_what_is_being_written_is_left_alone(folder: Path, journal: Journal) -> None:
    for name, age in ((".new", 0), (".old", 2 * 3600)):
        (folder / name).write_bytes(b"spam bob@example.org\nSub")
        os.utime(folder / name, (time.time() - age,) * 2)
    ReportsTask(str(folder), journal).run()
    assert [path.name for path in folder.iterdir()] == [".new"]
    assert learned(journal) == []


def test_so_many_at_once_and_so_much_of_each(folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REPORTS_AT_ONCE", 2)
    monkeypatch.setattr(limits, "LESSONS_A_DAY", 2)
    for number in range(3):
        (folder / f"{number}").write_bytes(
            b"spam bob@example.org\n" + raw(number) + b"y" * number * limits.MESSAGE_BYTES
        )
    ReportsTask(str(folder), journal).run()
    assert len(list(folder.iterdir())) == 1
    ReportsTask(str(folder), journal).run()
    assert list(folder.iterdir()) == [], "what is too much for one day is not kept for the next"
    assert len(learned(journal)) == 2


def test_a_database_that_is_away_loses_no_report(folder: Path, tmp_path: Path) -> None:
    (folder / "1").write_bytes(b"spam bob@example.org\n" + raw(1))
    with pytest.raises(Exception, match="unable to open"):
        ReportsTask(str(folder), Journal(f"sqlite:///{tmp_path}/nowhere/tamis.db")).run()
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "by", "domain"),
    [
        ("Bob@EXAMPLE.org", "bob@example.org", "example.org"),
        ("bob", "bob", ""),
        ("bob@", "bob@", ""),
        ("bob@ex ample", "bob@ex ample", ""),
        ("bob@münchen.example", "bob@xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
    ],
)
def test_who_reports(name: str, by: str, domain: str) -> None:
    assert reporter_of(name) == Reporter(by, Source.RECIPIENT, domain)


def test_a_folder_that_is_missing_is_said(folder: Path) -> None:
    def said() -> bool:
        config = parse(f'[learning]\nreports = "{folder}"\n', "x")
        return any("learning.reports" in warning for warning in warnings(config))

    assert not said()
    folder.rmdir()
    assert said()


# The script that Dovecot runs


def run(folder: Path, script: Path, *arguments: str, message: bytes = b"Subject: x\n\nx\n", **user: int) -> int:
    script.write_text(SCRIPT.read_text().replace("/var/spool/tamis-learn", str(folder)))
    script.chmod(0o755)
    return subprocess.run([script, *arguments], input=message, capture_output=True, timeout=60, **user).returncode  # type: ignore[call-overload, no-any-return]


def test_the_script_writes_a_report(folder: Path, journal: Journal, tmp_path: Path) -> None:
    script = tmp_path / "tamis-report"
    large = raw(1) + b"y" * (limits.MESSAGE_BYTES + 100_000)
    assert run(folder, script, "spam", "bob@example.org", message=large) == 0
    assert run(folder, script, "ham", "$(touch x);`id` bob") == 0
    assert run(folder, script, "eggs", "bob") == 64
    assert sorted(path.stat().st_size for path in folder.iterdir()) == [38, limits.MESSAGE_BYTES + 21]
    ReportsTask(str(folder), journal).run()
    assert [(by, spam) for by, _, _, spam in learned(journal)] == [("bob@example.org", True)]
    folder.rmdir()
    assert run(folder, script, "spam", "bob") != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")
def test_only_the_mail_user_may_report_and_only_the_daemon_may_read(folder: Path, tmp_path: Path) -> None:
    """As docs/delivery.md makes the folder: here games is the mail user, and the daemon is mail."""
    mail_user, daemon, stranger = (pwd.getpwnam(name) for name in ("games", "mail", "news"))
    for place in (tmp_path, *tmp_path.parents[:3]):
        place.chmod(place.stat().st_mode | 0o055)
    os.chown(folder, daemon.pw_uid, mail_user.pw_gid)
    folder.chmod(0o1730)
    script = tmp_path / "tamis-report"
    as_mail_user = {"user": mail_user.pw_uid, "group": mail_user.pw_gid}
    assert run(folder, script, "spam", "bob@example.org", **as_mail_user) == 0
    assert run(folder, script, "spam", "x", user=stranger.pw_uid, group=stranger.pw_gid) != 0
    (report,) = folder.iterdir()

    def may(command: list[str], **user: int) -> bool:
        return subprocess.run(command, capture_output=True, timeout=60, **user).returncode == 0  # type: ignore[call-overload, no-any-return]

    assert not may(["ls", str(folder)], **as_mail_user)
    assert not may(["cat", str(report)], user=stranger.pw_uid, group=stranger.pw_gid)
    as_daemon = {"user": daemon.pw_uid, "group": daemon.pw_gid}
    assert may(["cat", str(report)], **as_daemon)
    assert may(["rm", "-f", str(report)], **as_daemon)
    assert list(folder.iterdir()) == []
