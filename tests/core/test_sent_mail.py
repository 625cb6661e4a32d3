"""What is noted of outgoing mail and of reports of failure, and what the keeper learns of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from tamis import limits
from tamis.config import Config, parse
from tamis.database import open_database
from tamis.delivery_failures import envelope_key, message_key
from tamis.engine import Engine, worker_engine
from tamis.mail import Mail, MailClass
from tamis.message import Message
from tamis.redis_client import RedisClient
from tamis.sender_weights import Event
from tamis.sent_ids import SentIds
from tamis.sent_journal import Journal, Sent, Undelivered, journal_folder, written
from tamis.sent_settling import Settling
from tamis.weight_store import WeightStore
from tamis.weight_tables import SENT, UNDELIVERED
from tests.core.test_delivery_failures import STATUS, report
from tests.redis_server import Server

ANN, BOB, EVE = "ann@example.org", "bob@example.net", "eve@example.net"
LETTER = "From: Ann <ann@example.org>\nMessage-ID: <1@example.org>\nSubject: hello\n\nhello\n"
ON = "[policy.filters.auto-whitelisted-sender]\noutgoing = true\n"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def configured(folder: Path, url: str = "", settings: str = ON) -> Config:
    head = f'[daemon]\nstate_directory = "{folder}"\n[database]\nurl = "{url}"\n[redis]\nserver = "none"\n'
    return parse(head + settings, "x")


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    return configured(tmp_path, database_url)


def outgoing(text: str = LETTER, *recipients: str, sender: str = ANN, **values: object) -> Mail:
    recipients = recipients or (BOB,)
    return Mail(Message(text.encode()), sender=sender, recipients=recipients, mail_class=MailClass.OUTGOING, **values)  # type: ignore[arg-type]


def inbound(text: str, sender: str = "") -> Mail:
    return Mail(Message(text.encode()), sender=sender, recipients=(ANN,))


def noted(config: Config, *mails: Mail) -> list[Sent | Undelivered]:
    """What a worker writes down of these messages."""
    engine = worker_engine(config, "")
    for mail in mails:
        engine.examine(mail)
    engine.keep()
    return [event for _, events in written(journal_folder(config)) for event in events]


@pytest.mark.slow
class TestWorker:
    """What is noted."""

    def test_outgoing_mail(self, tmp_path: Path) -> None:
        mail = outgoing(LETTER, BOB, "Eve@Example.NET", BOB, envelope_id="q 1")
        (event,) = noted(configured(tmp_path), mail)
        at, keys = mail.now.timestamp(), (message_key("1@example.org"), envelope_key("q 1"))
        assert event == Sent(mail.id, at, "example.org", *keys, (BOB, EVE))

    def test_off_by_default(self, tmp_path: Path) -> None:
        assert noted(configured(tmp_path, settings=""), outgoing(), inbound(report())) == []

    def test_it_is_each_domains_own_choice(self, tmp_path: Path) -> None:
        own = '[domain."example.org".filters.auto-whitelisted-sender]\noutgoing = true\n'
        other = outgoing(LETTER, sender="x@other.example")
        assert len(noted(configured(tmp_path, settings=own), outgoing(), other)) == 1

    def test_never_an_address_of_the_own_domain(self, tmp_path: Path) -> None:
        (event,) = noted(configured(tmp_path), outgoing(LETTER, "boss@example.org", BOB), outgoing(LETTER, ANN))
        assert event.recipients == (BOB,)

    @pytest.mark.parametrize(
        "header",
        ["Auto-Submitted: auto-replied", "Precedence: bulk", "List-Id: <x.example.org>", "X-Autoreply: yes",
         "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
         "List-Unsubscribe: <mailto:x@example.org>"],
    )  # fmt: skip
    def test_what_no_person_wrote_teaches_nothing(self, tmp_path: Path, header: str) -> None:
        """Else the answer of a vacation program to a spammer would let the spammer in."""
        assert noted(configured(tmp_path), outgoing(f"{header}\n{LETTER}")) == []

    def test_a_mailing_teaches_nothing(self, tmp_path: Path) -> None:
        many = [f"user{number}@example.net" for number in range(limits.SENT_RECIPIENTS + 1)]
        assert noted(configured(tmp_path), outgoing(LETTER, *many)) == []
        assert len(noted(configured(tmp_path), outgoing(LETTER, *many[1:]))) == 1

    def test_mail_without_a_name_teaches_nothing(self, tmp_path: Path) -> None:
        """No report could be told to be about it."""
        unnamed = LETTER.replace("Message-ID: <1@example.org>\n", "")
        assert noted(configured(tmp_path), outgoing(unnamed)) == []
        assert len(noted(configured(tmp_path), outgoing(unnamed, envelope_id="q1"))) == 1

    def test_refused_malware_teaches_nothing(self, tmp_path: Path) -> None:
        eicar = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
        assert noted(configured(tmp_path), outgoing(LETTER.replace("\n\nhello", f"\n\n{eicar}"))) == []

    @pytest.mark.parametrize("local", [False, True])
    def test_a_report_of_failure(self, tmp_path: Path, local: bool) -> None:
        """From another mail system, or from the MTA itself: then it has the class of what is sent from here."""
        mail = outgoing(report(), ANN, sender="") if local else inbound(report())
        assert noted(configured(tmp_path), mail) == [
            Undelivered(mail.id, mail.now.timestamp(), (message_key("1@example.org"),), (BOB,))
        ]

    def test_a_report_from_somebody(self, tmp_path: Path) -> None:
        """Some systems send reports from an address; what is no report is not looked at."""
        assert len(noted(configured(tmp_path), inbound(report(), "postmaster@example.net"))) == 1
        assert noted(configured(tmp_path / "x"), inbound(LETTER), inbound(LETTER, BOB)) == []

    @pytest.mark.slow
    def test_commands_note_nothing(self, tmp_path: Path) -> None:
        Engine(configured(tmp_path), network=False).examine(inbound(report()))
        assert not journal_folder(configured(tmp_path)).exists()


class TestJournal:
    """Files on their way to the keeper."""

    EVENT = Undelivered("a" * 16, 1.0, ("k",), ())

    def test_what_is_written_is_read_in_order_and_whole(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path / "sent")
        for number in range(3):
            journal.note(Undelivered(f"{number}", 1.0, ("k",), ("x@y.z",)))
            journal.flush()
            journal.flush()
        (tmp_path / "sent" / "1-1.new").write_bytes(b"[half")
        assert [event.id for _, events in written(tmp_path / "sent") for event in events] == ["0", "1", "2"]

    def test_a_damaged_file_is_removed(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        for content in (b"", b"[{}]", b"\xff", b'[{"type":"sent"}]'):
            (tmp_path / "1.json").write_bytes(content)
            assert list(written(tmp_path)) == []
            assert list(tmp_path.iterdir()) == []
        assert len(caplog.records) == 4

    def test_what_cannot_be_written_is_tried_again(self, tmp_path: Path) -> None:
        folder = tmp_path / "state" / "sent"
        journal = Journal(folder)
        journal.note(self.EVENT)
        with pytest.raises(OSError, match="No such file"):
            journal.flush()
        folder.parent.mkdir()
        journal.flush()
        assert [events for _, events in written(folder)] == [[self.EVENT]]

    def test_it_is_bounded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "JOURNAL_FILES", 2)
        monkeypatch.setattr(limits, "JOURNAL_EVENTS", 3)
        journal = Journal(tmp_path / "sent")
        for _ in range(4):
            for _ in range(5):
                journal.note(self.EVENT)
            journal.flush()
        assert [len(events) for _, events in written(tmp_path / "sent")] == [3, 3]


Learned = Callable[[str], float]


class TestKeeper:
    """What is learned."""

    @pytest.fixture
    def settling(self, config: Config) -> Settling:
        return Settling(config.database_url, journal_folder(config), config.settings.autowhitelist)

    @pytest.fixture
    def learned(self, config: Config) -> Learned:
        def points(sender: str = BOB) -> float:
            found = WeightStore(config.database_url, 90.0).find("example.org", sender)
            return round(found.at_time(datetime.now(UTC), 90.0), 2) if found else 0.0

        return points

    @staticmethod
    def later(config: Config, **time: float) -> None:
        """Let time pass for what has been sent."""
        with open_database(config.database_url).begin() as connection:
            for row in connection.execute(select(SENT)).all():
                moved = {"sent_at": row.sent_at - timedelta(**time)}
                connection.execute(update(SENT).where(SENT.c.mail_id == row.mail_id).values(moved))
            moved = {"seen_at": datetime(2020, 1, 1)} if time.get("days") else {}
            if moved:
                connection.execute(update(UNDELIVERED).values(moved))

    @staticmethod
    def rows(config: Config) -> int:
        with open_database(config.database_url).connect() as connection:
            return sum(len(connection.execute(select(table)).all()) for table in (SENT, UNDELIVERED))

    def test_nothing_was_ever_sent(self, settling: Settling, config: Config) -> None:
        settling.run()
        assert settling.forget() == 0
        assert WeightStore(config.database_url, 90.0).version() == 0

    def test_who_got_it_counts_after_the_waiting_time(
        self, config: Config, settling: Settling, learned: Learned
    ) -> None:
        noted(config, outgoing(LETTER, BOB, EVE))
        settling.run()
        assert list(written(journal_folder(config))) == []
        assert learned(BOB) == learned(EVE) == 0
        self.later(config, minutes=61)
        for _ in range(2):
            settling.run()
        assert learned(BOB) == learned(EVE) == 1
        found = WeightStore(config.database_url, 90.0).find("example.org", BOB)
        assert found is not None
        assert (found.counts[Event.SENT], found.why) == (1, "1 message to it")

    def test_a_report_in_time_keeps_its_recipient_from_counting(
        self, config: Config, settling: Settling, learned: Learned
    ) -> None:
        noted(config, outgoing(LETTER, BOB, EVE), inbound(report()))
        settling.run()
        self.later(config, minutes=61)
        settling.run()
        assert (learned(BOB), learned(EVE)) == (0, 1)

    def test_a_report_may_be_here_before_the_message(
        self, config: Config, settling: Settling, learned: Learned
    ) -> None:
        """Each worker writes its own files."""
        noted(config, inbound(report()))
        settling.run()
        noted(config, outgoing(LETTER, BOB, EVE))
        settling.run()
        self.later(config, minutes=61)
        settling.run()
        assert (learned(BOB), learned(EVE)) == (0, 1)

    def test_a_late_report_takes_back_what_was_counted(
        self, config: Config, settling: Settling, learned: Learned
    ) -> None:
        WeightStore(config.database_url, 90.0).learn("example.org", BOB, Event.VALIDATION, "x")
        noted(config, outgoing(LETTER, BOB, EVE))
        settling.run()
        self.later(config, minutes=61)
        settling.run()
        assert (learned(BOB), learned(EVE)) == (2, 1)
        noted(config, inbound(report()), inbound(report()))
        settling.run()
        assert (learned(BOB), learned(EVE)) == (1, 1)

    def test_a_report_by_envelope_id(self, config: Config, settling: Settling, learned: Learned) -> None:
        unnamed = LETTER.replace("Message-ID: <1@example.org>\n", "")
        noted(config, outgoing(unnamed, envelope_id="q1"))
        noted(config, inbound(report("Original-Envelope-Id: q1\n" + STATUS, returned="")))
        settling.run()
        self.later(config, minutes=61)
        settling.run()
        assert learned(BOB) == 0

    @pytest.mark.parametrize(
        "text",
        [report(STATUS.replace("failed", "delayed")), report(returned="Message-ID: <other@example.org>\n"),
         "From: Bob <bob@example.net>\nAuto-Submitted: auto-replied\nIn-Reply-To: <1@example.org>\n\nI am away.\n"],
    )  # fmt: skip
    def test_delays_automatic_replies_and_reports_on_other_mail_do_not_matter(
        self, config: Config, settling: Settling, learned: Learned, text: str
    ) -> None:
        noted(config, outgoing(), inbound(text))
        settling.run()
        self.later(config, minutes=61)
        settling.run()
        assert learned(BOB) == 1

    def test_a_report_on_an_address_we_do_not_know_is_on_all(
        self, config: Config, settling: Settling, learned: Learned
    ) -> None:
        """A recipient is forwarded to somewhere, and the report knows of that address alone."""
        noted(config, outgoing(LETTER, BOB, EVE), inbound(report(STATUS.replace("bob@example.net", "x@y.example"))))
        settling.run()
        self.later(config, minutes=61)
        settling.run()
        assert learned(BOB) == learned(EVE) == 0

    def test_what_is_taken_up_twice_counts_once(self, config: Config, settling: Settling, learned: Learned) -> None:
        """The keeper died between the database and the file."""
        noted(config, outgoing(), inbound(report(returned="Message-ID: <other@example.org>\n")))
        ((path, _),) = written(journal_folder(config))
        content = path.read_bytes()
        for _ in range(2):
            path.write_bytes(content)
            settling.run()
        assert self.rows(config) == 2
        self.later(config, minutes=61)
        settling.run()
        assert learned(BOB) == 1

    def test_nothing_is_lost_while_the_database_is_away(self, tmp_path: Path) -> None:
        away = configured(tmp_path, f"sqlite:///{tmp_path}/not/there/tamis.db")
        noted(away, outgoing())
        with pytest.raises((SQLAlchemyError, OSError)):
            Settling(away.database_url, journal_folder(away), away.settings.autowhitelist).run()
        assert len(list(written(journal_folder(away)))) == 1

    def test_it_is_forgotten(self, config: Config, settling: Settling, learned: Learned) -> None:
        noted(config, outgoing(), inbound(report(returned="Message-ID: <other@example.org>\n")))
        settling.run()
        assert settling.forget() == 0
        assert self.rows(config) == 2
        self.later(config, days=11)
        assert settling.forget() == 1
        assert self.rows(config) == 0

    def test_it_is_bounded(self, config: Config, settling: Settling, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "SENT_KEPT", 5)
        monkeypatch.setattr(limits, "REPORTS_KEPT", 3)
        mails = [replace(outgoing(), now=NOW + timedelta(seconds=number)) for number in range(9)]
        reports = [inbound(report(returned=f"Message-ID: <{number}@other.example>\n")) for number in range(9)]
        settings = config.settings.autowhitelist
        long_wait = Settling(config.database_url, journal_folder(config), settings)
        long_wait._wait = timedelta(days=36500)
        long_wait._remember = timedelta(days=36500)
        noted(config, *mails, *reports)
        long_wait.run()
        assert long_wait.forget() == 4
        with open_database(config.database_url).connect() as connection:
            assert len(connection.execute(select(SENT)).all()) == 5
            assert len(connection.execute(select(UNDELIVERED)).all()) <= 3


class TestMessageIds:
    """Those that row 11 recognises, in Redis."""

    KEY, OTHER = message_key("<1@example.org>"), message_key("<2@example.org>")

    def test_known_to_all(self, server: Server) -> None:
        here, there = SentIds(RedisClient(server.url)), SentIds(RedisClient(server.url))
        assert there.any_known([self.KEY], NOW) is False
        here.add(self.KEY, NOW)
        assert there.any_known([self.OTHER, self.KEY], NOW)
        assert there.any_known([self.OTHER], NOW) is False
        assert there.any_known([], NOW) is False

    def test_for_some_days_and_the_latest_alone(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        ids = SentIds(RedisClient(server.url), days=10)
        ids.add(self.KEY, NOW)
        assert ids.any_known([self.KEY], NOW + timedelta(days=9))
        assert ids.any_known([self.KEY], NOW + timedelta(days=11)) is False
        monkeypatch.setattr(limits, "SENT_IDS", 2)
        for number in range(3):
            ids.add(message_key(f"<{number}@x.example>"), NOW + timedelta(seconds=number + 1))
        assert ids.any_known([self.KEY, message_key("<0@x.example>")], NOW) is False
        assert ids.any_known([message_key("<1@x.example>")], NOW)

    def test_nothing_is_known_while_redis_is_away(self) -> None:
        ids = SentIds(RedisClient())
        ids.add(self.OTHER, NOW)
        assert ids.any_known([self.KEY], NOW) is None

    def test_outgoing_mail_is_remembered_whatever_is_learned(self, server: Server, tmp_path: Path) -> None:
        engine = worker_engine(configured(tmp_path, settings=""), server.url)
        engine.examine(outgoing())
        assert SentIds(RedisClient(server.url)).any_known([self.KEY], datetime.now(UTC))
