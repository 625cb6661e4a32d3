"""A session without an MTA: what callbacks make of messages, and that nothing leaves a callback."""

import queue
import socket
import threading
import time
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import Milter
import milter
import pytest

from tamis import limits
from tamis.config import Config
from tamis.contract import Stage
from tamis.disposition import Disposition, Group
from tamis.filters.order import ORDER
from tamis.headers import Changes
from tamis.mail import Mail
from tamis.milter import examiner as examiner_module
from tamis.milter import forged, log, protocol
from tamis.milter.activity import Activity, StillQuiet
from tamis.milter.core import Core
from tamis.milter.examiner import Examiner
from tamis.milter.process import BackOff
from tamis.milter.session import Session
from tamis.milter.transaction import Transaction
from tamis.networks import identify
from tamis.policy import Policies
from tamis.record import Record, Refusal
from tamis.settings import DomainSection, Headers, Log, Networks, PolicySection, Settings


class Engine:
    """Notes what it is given; `act` may be put in its way."""

    ready = True

    def __init__(self, config: Config) -> None:
        self.policy_of = Policies(config).for_recipient
        self.seen: list[Mail] = []
        self.told: list[str] = []
        self.disposition = Disposition()
        self.refusing: Refusal | None = None
        self.refuses_early = True
        self.ready = True
        self.asked: queue.Queue[tuple[Stage, str, str, str, bool]] = queue.Queue()
        self.act: Any = lambda: None

    def refresh(self) -> None: ...

    def keep(self) -> None: ...

    def concluded(self, record: Record, answer: str) -> None:
        self.told.append(answer)

    def refused(self, mail: Mail, refusal: Refusal, answer: str) -> None:
        self.told.append(answer)

    def undecided(self, about: Mapping[str, object], because: str, answer: str) -> None:
        self.told.append(f"{answer} {because}")

    def examine(self, mail: Mail) -> Record:
        self.seen.append(mail)
        self.act()
        return Record(mail)

    def dispose(self, record: Record) -> Disposition:
        return self.disposition

    def may_refuse(self, peer: object) -> bool:
        return self.refuses_early

    def refusal(self, mail: Mail, recipient: str) -> Refusal | None:
        return self.refusing

    def prefetch(self, mail: Mail, stage: Stage) -> None:
        self.asked.put((stage, str(mail.peer), mail.helo, mail.sender, mail.sender_known))


class Wire:
    """A session, its engine, and what was sent to the MTA."""

    def __init__(self, changes: Changes, settings: Settings | None = None) -> None:
        config = Config(settings or Settings())
        self.engine, self.activity = Engine(config), Activity()
        self.engine.disposition = Disposition(stay=Group((), changes))
        core = Core(lambda _: None, lambda *_: self.engine, identify, lambda _: {})
        self.session = Session(Examiner(core, config, self.engine), self.activity)
        self.session._setctx(None)
        self.macros: dict[str, Any] = {"i": "4ABC"}
        self.sent: list[tuple[Any, ...]] = []
        self.session.getsymval = self.getsymval
        self.session.addheader = lambda *words: self.sent.append(("add", *words))
        self.session.chgheader = lambda *words: self.sent.append(("change", *words))
        self.session.setreply = lambda *words: self.sent.append(("reply", *words))
        self.session.progress = lambda: self.sent.append(("progress",))
        self.session.negotiate([0x1FF, 0x1FFFFF, 0, 0])

    def getsymval(self, name: str) -> str | None:
        value = self.macros.get(name)
        if isinstance(value, Exception):
            raise value
        return value

    def message(self, sender: bytes = b"<a@x.example>", header: bytes = b" x") -> int:
        self.session.envfrom(sender)
        self.session.envrcpt(b"<b@example.org>", b"NOTIFY=NEVER")
        self.session.header("Subject", header)
        self.session.body(b"one\r\n")
        return int(self.session.eom())


@pytest.fixture
def wire() -> Wire:
    changes = Changes(remove=["subject", "X-None"], add=[("X-A", "1"), ("X-B", "2")], subject="SPAM: x")
    return Wire(changes)


def test_protocol_negotiated(wire: Wire) -> None:
    session = wire.session
    for bit in ("NR_CONN", "NR_HELO", "NR_MAIL", "NR_HDR", "NR_BODY", "NOEOH", "NODATA", "NOUNKNOWN"):
        assert session._protocol & getattr(milter, f"P_{bit}"), bit
    assert session._protocol & milter.P_HDR_LEADSPC
    assert not session._protocol & milter.P_RCPT_REJ
    assert not session._protocol & milter.P_NR_RCPT  # Rows 2 and 3 answer there.


def test_changes_are_sent_from_the_highest_copy_down_and_the_last_field_first(wire: Wire) -> None:
    wire.session.envfrom(b"<>")
    for value in (b" one", b" two"):
        wire.session.header("SUBJECT", value)
    assert wire.session.eom() == Milter.CONTINUE
    assert wire.sent == [
        ("change", "subject", 2, None),
        ("change", "subject", 1, None),
        ("change", "Subject", 1, " SPAM: x"),
        ("add", "X-B", " 2", 0),
        ("add", "X-A", " 1", 0),
    ]


def test_further_subjects_are_changed_by_their_number() -> None:
    wire = Wire(Changes(subject="SPAM: one", repeated_subjects={2: "SPAM: two"}))
    wire.session.envfrom(b"<>")
    for value in (b" one", b" two"):
        wire.session.header("Subject", value)
    wire.session.eom()
    assert wire.sent == [("change", "Subject", 1, " SPAM: one"), ("change", "Subject", 2, " SPAM: two")]


FORGED = ("X-Spam-Status", "x-ico-bay", "X-SPAM-STATUS", "X-Mark", "X-Spam-Flag")


def forge(wire: Wire, *names: str, recipients: tuple[bytes, ...] = (b"<b@example.org>",)) -> int:
    """A message with these header fields; returns the answer to its end."""
    wire.session.envfrom(b"<a@x.example>")
    for recipient in recipients:
        wire.session.envrcpt(recipient)
    for name in names:
        wire.session.header(name, b" forged")
    return int(wire.session.eom())


def removals(wire: Wire) -> list[tuple[str, int]]:
    assert all(words[0] == "change" and words[3] is None for words in wire.sent)
    return sorted((words[1].lower(), words[2]) for words in wire.sent)


def test_failing_engine_leaves_the_message_alone_but_for_forged_headers(wire: Wire) -> None:
    def fail() -> None:
        raise TimeoutError("of its own")

    wire.engine.act = fail
    assert wire.message() == Milter.CONTINUE
    assert wire.sent == []
    assert forge(wire, *FORGED) == Milter.CONTINUE
    assert removals(wire) == [("x-ico-bay", 1), ("x-spam-flag", 1), ("x-spam-status", 1), ("x-spam-status", 2)]
    numbers = [words[2] for words in wire.sent if words[1] == "X-Spam-Status"]
    assert numbers == [2, 1]
    assert wire.activity.messages == 0


def test_failing_engine_knows_the_names_that_the_configuration_gives() -> None:
    wire = Wire(Changes(), Settings(headers=Headers(score="X-Mark")))
    wire.engine.act = lambda: 1 / 0
    forge(wire, *FORGED)
    assert ("x-mark", 1) in removals(wire)
    assert ("x-ico-bay", 1) in removals(wire)


def test_failing_engine_leaves_outgoing_mail_alone_altogether() -> None:
    wire = Wire(Changes(), Settings(networks=Networks(own=("192.0.2.0/24",))))
    wire.engine.act = lambda: 1 / 0
    wire.session.connect("x.example", socket.AF_INET, ("192.0.2.1", 1000))
    forge(wire, *FORGED)
    wire.session.connect("x.example", socket.AF_INET, ("198.51.100.1", 1000))
    wire.macros["{auth_authen}"] = "ann"
    forge(wire, *FORGED)
    assert wire.sent == []
    del wire.macros["{auth_authen}"]
    forge(wire, *FORGED)
    assert len(wire.sent) == 4


def test_second_failure_is_only_logged(wire: Wire, capfd: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object) -> None:
        raise OSError("the MTA has gone")

    log.configure(Log())
    wire.engine.act = wire.session.chgheader = fail
    assert forge(wire, *FORGED) == Milter.CONTINUE
    first, second = capfd.readouterr().err.splitlines()
    assert "without a verdict" in first
    assert "forged headers stay" in second


FLOOD = ("X-Spam-Status",) * 400
REMOVING = Changes(remove=["X-Spam-Status"], add=[("X-A", "1")])


def policies(**own: Any) -> Settings:
    return Settings(policy=PolicySection(mode="tag"), domain={"example.org": DomainSection(**own)})


@pytest.mark.parametrize("refuses", [True, False])
def test_who_refuses_nobody_is_not_asked(wire: Wire, refuses: bool) -> None:
    wire.engine.refusing = Refusal(ORDER[1], "BANNED_IP", "a ban")
    wire.engine.refuses_early = refuses
    wire.session.envfrom(b"<a@x.example>")
    assert wire.session.envrcpt(b"<b@example.org>") == (protocol.TEMPFAIL if refuses else protocol.CONTINUE)


def test_too_many_forged_headers_are_refused_with_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure(Log())
    wire = Wire(REMOVING, policies())
    assert forge(wire, *FLOOD) == Milter.REJECT
    assert wire.sent == [("reply", "554", "5.7.1", wire.sent[0][3])]
    assert "400 header fields" in wire.sent[0][3]
    assert wire.engine.seen == []
    assert wire.activity.messages == 0
    (line,) = capfd.readouterr().err.splitlines()
    assert 'msg="the message is refused"' in line
    assert "queue_id=4ABC" in line
    assert "recipients=b@example.org" in line


@pytest.mark.parametrize("own", [{"mode": "observe"}, {"antispam": False}])
def test_too_many_forged_headers_stay_where_nothing_is_refused(
    own: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    log.configure(Log())
    wire = Wire(REMOVING, policies(**own))
    assert forge(wire, *FLOOD) == Milter.CONTINUE
    assert wire.sent == [("add", "X-A", " 1", 0)]
    assert "forged headers stay" in capfd.readouterr().err.splitlines()[0]


def test_one_recipient_who_observes_lets_the_message_through_for_all() -> None:
    wire = Wire(REMOVING, policies(mode="observe"))
    assert forge(wire, *FLOOD, recipients=(b"<c@elsewhere.example>",)) == Milter.REJECT
    assert forge(wire, *FLOOD, recipients=(b"<c@elsewhere.example>", b"<b@Example.ORG>")) == Milter.CONTINUE


def test_too_many_forged_headers_stay_where_the_engine_fails(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure(Log())
    wire = Wire(REMOVING, policies(mode="observe"))
    wire.engine.act = lambda: 1 / 0
    assert forge(wire, *FLOOD) == Milter.CONTINUE
    assert wire.sent == []
    assert "400 are too many" in capfd.readouterr().err.splitlines()[-1]


def test_outgoing_mail_may_have_any_headers() -> None:
    wire = Wire(Changes(), policies())
    wire.macros["{auth_authen}"] = "ann"
    assert forge(wire, *FLOOD) == Milter.CONTINUE
    assert wire.sent == []


def test_few_forged_headers_among_many_fields_are_too_many_as_well() -> None:
    transaction = Transaction(None)
    for _ in range(limits.REMOVAL_STEPS // 2 - 2):
        transaction.add_header("A", b"")
    transaction.add_header("X-Ico-Bay", b" 1")
    transaction.add_header("x-ico-bay", b" 2")
    assert forged.too_many(Changes(remove=["X-Ico-Bay"]), transaction) == 0
    transaction.add_header("A", b"")
    assert forged.too_many(Changes(remove=["X-Ico-Bay"]), transaction) == 2
    assert forged.too_many(Changes(remove_some={"A": [1, 2]}), transaction) == 2


def test_change_that_cannot_be_sent_means_no_change_but_the_removal_of_forged_headers() -> None:
    for bad in ("nul \0", "surrogate \udcff"):
        wire = Wire(Changes(remove=["Subject"], add=[("X-A", "1"), ("X-B", bad)]))
        assert forge(wire, "Subject", *FORGED) == Milter.CONTINUE
        assert [name for name, _ in removals(wire)] == ["x-ico-bay", "x-spam-flag", "x-spam-status", "x-spam-status"]


@pytest.mark.slow
def test_mta_is_kept_patient_and_a_filter_that_never_returns_given_up(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examiner_module, "_PROGRESS_SECONDS", 0.02)
    monkeypatch.setattr(examiner_module, "_GIVE_UP_SECONDS", 1.0)
    never = threading.Event()
    wire.engine.act = lambda: never.wait(30)
    assert wire.message() == Milter.CONTINUE
    never.set()
    assert 3 < wire.sent.count(("progress",)) < 60
    assert set(wire.sent) == {("progress",)}


def test_mta_never_waits_longer_than_the_whole_budget(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.FILTERS_SECONDS < examiner_module._GIVE_UP_SECONDS == limits.END_OF_MESSAGE_SECONDS
    monkeypatch.setattr(examiner_module, "_GIVE_UP_SECONDS", 0.2)
    never = threading.Event()
    wire.engine.act = lambda: never.wait(5)
    began = time.monotonic()
    wire.message()
    assert time.monotonic() - began < 0.7  # Not rounded up to the next second.
    never.set()


def test_filters_run_in_a_thread_that_python_made(wire: Wire) -> None:
    threads = []
    wire.engine.act = lambda: threads.append(threading.current_thread())
    wire.message()
    assert threads[0].name.startswith("examine")
    assert threads[0] is not threading.current_thread()


def test_callbacks_in_any_order_with_any_octets_never_raise(wire: Wire) -> None:
    session = wire.session
    wire.macros = {"i": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), "{auth_authen}": None}
    assert session.eom() == Milter.CONTINUE
    session.connect("unknown", socket.AF_UNIX, "/some/socket")
    session.connect("x", 0, None)
    session.body(b"\xff")
    session.header("N\udcff", b"\xff")
    session.envrcpt(b"<\xff@x.example>")
    session.eom()
    session.connect("x", socket.AF_INET, ("nonsense", 1))
    session.connect("x", socket.AF_INET, ("192.0.2.1",))
    wire.message(sender=b"\xff\xfe", header=b"\x80")
    for mail in wire.engine.seen:
        assert mail.queue_id == ""
    for _ in range(2):
        session.abort()
        session.close()
    assert (wire.activity.sessions, wire.activity.messages) == (0, 0)


def test_second_connect_starts_the_session_again(wire: Wire) -> None:
    session = wire.session
    session.connect("proxy.example", socket.AF_INET, ("192.0.2.1", 1000))
    session.hello("proxy.example")
    session.envfrom(b"<dropped@x.example>")
    session.connect("[2001:db8::7]", socket.AF_INET6, ("2001:db8::7", 1000, 0, 0))
    wire.message()
    (mail,) = wire.engine.seen
    assert (str(mail.peer), mail.rdns, mail.helo, mail.sender) == ("2001:db8::7", "", "", "a@x.example")


@pytest.mark.parametrize(
    ("name", "address", "port", "outgoing"),
    [
        ("localhost", ("127.0.0.1", 0), "0", True),
        ("localhost", ("127.0.0.1", 0), None, True),
        ("localhost", ("127.0.0.1", 0), "25", False),
        ("localhost", ("127.0.0.1", 40000), "0", False),
        ("mail.example", ("192.0.2.1", 0), "0", False),
    ],
)
def test_local_submission_is_the_client_that_postfix_invents(
    wire: Wire, name: str, address: tuple[str, int], port: str | None, outgoing: bool
) -> None:
    wire.macros["{daemon_port}"] = port
    wire.session.connect(name, socket.AF_INET, address)
    wire.message(sender=b"a@x.example")
    assert wire.engine.seen[0].mail_class.value == ("outgoing" if outgoing else "inbound")


def test_peer_comes_from_the_macro_where_the_callback_was_left_out(wire: Wire) -> None:
    wire.macros["{client_addr}"] = "IPv6:2001:db8::7"
    wire.message()
    assert str(wire.engine.seen[0].peer) == "2001:db8::7"


def test_address_comes_from_the_callback_where_the_mta_sends_no_macro_or_a_broken_one(wire: Wire) -> None:
    wire.message()
    wire.macros |= {"{mail_addr}": UnicodeDecodeError("utf-8", b"", 0, 1, ""), "{rcpt_addr}": ""}
    wire.message()
    wire.macros |= {"{mail_addr}": "c@x.example", "{rcpt_addr}": "d@example.org"}
    wire.message()
    seen = [(mail.sender, *mail.recipients) for mail in wire.engine.seen]
    assert seen == [("a@x.example", "b@example.org")] * 2 + [("c@x.example", "d@example.org")]


def test_connection_used_again_keeps_what_was_negotiated(wire: Wire) -> None:
    again = Session(wire.session._examiner, wire.activity)
    again._setctx(None)
    again.connect("x", socket.AF_INET, ("192.0.2.1", 1))
    assert again._protocol == wire.session._protocol


def test_the_network_is_asked_as_soon_as_it_can_be(wire: Wire) -> None:
    wire.session.connect("x.example", socket.AF_INET, ("192.0.2.1", 1000))
    assert wire.engine.asked.empty()
    wire.session.hello("mail.x.example")
    assert wire.engine.asked.get(timeout=5) == (Stage.CONNECTION, "192.0.2.1", "mail.x.example", "", False)
    wire.session.envfrom(b"<a@x.example>")
    assert wire.engine.asked.get(timeout=5) == (Stage.SENDER, "192.0.2.1", "mail.x.example", "a@x.example", True)


def test_what_cannot_be_asked_ahead_costs_nothing(wire: Wire, capfd: pytest.CaptureFixture[str]) -> None:
    log.configure(Log())
    wire.engine.asked = None  # type: ignore[assignment]
    assert wire.message() == Milter.CONTINUE
    assert len(wire.engine.seen) == 1
    assert "not asked ahead" in capfd.readouterr().err


def test_activity_counts_sessions_and_messages(wire: Wire) -> None:
    activity = wire.activity
    assert not activity.quiet(idle_sessions_too=True)
    assert activity.quiet(idle_sessions_too=False)
    wire.session.envfrom(b"<>")
    wire.session.envfrom(b"<>")
    assert activity.messages == 1
    wire.session.hello("again")
    assert activity.messages == 0
    wire.session.envfrom(b"<>")
    wire.session.close()
    assert activity.quiet(idle_sessions_too=True)


def test_large_message_is_kept_up_to_the_cap_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MESSAGE_BYTES", 100)
    transaction = Transaction(None)
    transaction.add_header("Subject", b" x")
    for _ in range(20):
        transaction.add_body(b"123456789\r\n")
    transaction.add_header("subject", b" late")
    message = transaction.message()
    assert message.capped
    assert len(message.raw) <= 100
    assert message.raw.startswith(b"Subject: x\n\n123456789\n")
    assert message.size == len(b"Subject: x\n\n") + 20 * 10 + len(b"subject: late\n")
    assert transaction.copies("SUBJECT") == 2


def test_copies_of_a_field_are_counted_in_any_case_and_by_the_whole_name() -> None:
    transaction = Transaction(None)
    for name in ("X-A", "x-a", "X-A ", "X-AB", "A", "X-\udcff"):
        transaction.add_header(name, b" x")
    assert [transaction.copies(name) for name in ("X-a", "x-ab", "a", "b", "X-\udcff")] == [3, 1, 1, 0, 1]


def test_a_header_of_countless_tiny_fields_takes_little_memory() -> None:
    tracemalloc.start()
    transaction = Transaction(None)
    for number in range(25_000):
        transaction.add_header(f"{number:x}", b"")
    transaction.add_header("Subject", b" x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert transaction.copies("subject") == 1
    assert peak < 1_000_000


def test_quiet_must_last() -> None:
    still = StillQuiet(0.0)
    assert not still(False)
    assert still(True)
    longer = StillQuiet(60)
    assert not longer(True)


def test_back_off_grows_for_those_who_die_young_and_starts_again() -> None:
    back_off = BackOff(first=1, longest=5, young=10)
    assert [back_off.delay(0), back_off.delay(0), back_off.delay(0), back_off.delay(0)] == [1, 2, 4, 5]
    assert back_off.delay(60) == 1


def test_pymilter_is_not_shadowed_by_the_folder() -> None:
    folder = Path(__file__).parents[2] / "milter"
    assert not (folder / "__init__.py").exists()
    assert str(milter.__file__).endswith(".so")
