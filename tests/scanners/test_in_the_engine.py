"""Scanners in the engine: what is held, what is kept of verdicts, what is asked again, and what passes."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tamis.commands.common import read_message
from tamis.config import parse
from tamis.decision_log import fields
from tamis.engine import Engine
from tamis.mail import Mail, MailClass
from tamis.record import Record, Verdict, as_json
from tamis.testing import mail
from tests.redis_server import Server
from tests.scanner_servers import Clamd, signature
from tests.scanners.conftest import EVIL

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("no_network")]

TEXT = "From: Ann <ann@sender.example>\nSubject: {}\nMIME-Version: 1.0\nMessage-ID: <{}@x>\nTo: {}\n\n{}\n"
NOBODY = "inet:1@127.0.0.1"
Make = Callable[..., Engine]


@pytest.fixture
def engine_of(tmp_path: Path, server: Server) -> Make:
    def make(*endpoints: str, more: str = "") -> Engine:
        sections = "".join(f'[clamd.s{n}]\nendpoints = ["{one}"]\nstage = {n}\n' for n, one in enumerate(endpoints, 1))
        return Engine(parse(f'[daemon]\nstate_directory = "{tmp_path}"\n{sections}{more}', "x"), server.url)

    return make


def letter(text: str = EVIL.decode(), subject: str = "x", number: int = 1, to: str = "bob", **envelope: object) -> Mail:
    envelope = {"sender": "ann@sender.example", **envelope}
    return mail(TEXT.format(subject, number, to, text), **envelope)  # type: ignore[arg-type]


def one(record: Record) -> Verdict:
    (verdict,) = record.verdicts
    return verdict


def probed(engine: Engine) -> Engine:
    """An engine that knows what its scanners are, as a worker's does a second after its start."""
    assert engine._scanners is not None
    engine._scanners.probe()
    return engine


@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize(
    ("mode", "action"), [("quarantine", "hold"), ("tag", "hold"), ("junk", "hold"), ("observe", "observe")]
)
def test_infected_mail_in_every_mode(engine_of: Make, clam: Clamd, mode: str, action: str, stage: int) -> None:
    with Clamd() as other:
        order = [clam.endpoint, other.endpoint][:: 1 if stage == 1 else -1]
        verdict = one(engine_of(*order, more=f'[policy]\nmode = "{mode}"\n').examine(letter()))
    assert verdict.row is not None
    assert (verdict.row.number, verdict.action, verdict.malware) == ("1" if stage == 1 else "24", action, True)
    assert verdict.because == f"s{stage} finds Test.Evil.UNOFFICIAL"


def test_a_file_is_read_to_its_end(engine_of: Make, tmp_path: Path) -> None:
    """Also beyond what other rows see."""
    path = tmp_path / "large.eml"
    path.write_bytes(b"Subject: x\r\n\r\n" + b"a line of text\r\n" * 400_000 + EVIL + b"\r\n")
    with Clamd(signature("Test.Evil", EVIL)) as server:
        record = engine_of(server.endpoint).examine(Mail(read_message(str(path)), recipients=["bob@example.org"]))
    assert one(record).malware
    assert ("SIZE_CAPPED", 0) in one(record).tests


def test_outgoing_malware_is_refused(engine_of: Make, clam: Clamd) -> None:
    sent = letter()
    sent.mail_class = MailClass.OUTGOING
    refusal = engine_of(clam.endpoint).examine(sent).refusal
    assert refusal is not None
    assert refusal.action == "refuse"


def test_malware_is_held_whatever_names_the_reason(engine_of: Make, clam: Clamd) -> None:
    """The first decisive row names the reason, and what it would do with spam is not done with malware."""
    more = '[lists]\nblacklist_sender = ["spammer.example"]\n[policy]\nmode = "tag"\n'
    with Clamd() as first:
        engine = engine_of(first.endpoint, clam.endpoint, more=more)
        verdict = one(engine.examine(letter(sender="x@spammer.example")))
        assert verdict.row is not None
        assert (verdict.row.number, verdict.action, verdict.malware) == ("9", "hold", True)
        assert verdict.because.endswith("; and malware: s2 finds Test.Evil.UNOFFICIAL")
        spam = one(engine.examine(letter("hello", sender="x@spammer.example")))
        assert (spam.action, spam.malware) == ("tag", False)
        # Nor does a whitelist let it through.
        more = '[lists]\nwhitelist_ip = ["192.0.2.7"]\n[policy]\nmode = "tag"\n'
        assert one(engine_of(first.endpoint, clam.endpoint, more=more).examine(letter())).action == "hold"


def cached(record: Record) -> bool:
    return next(answer.cached for answer in record.answers if answer.row.name == "antivirus-1")


def test_a_bulk_mailing_is_scanned_once(engine_of: Make, clam: Clamd) -> None:
    engine = probed(engine_of(clam.endpoint))
    assert not cached(engine.examine(letter("hello")))
    for copy in (letter("hello", number=2), letter("hello", to="carol"), letter("hello", peer="192.0.2.9")):
        assert cached(engine.examine(copy))


def test_a_verdict_is_of_the_content_alone_and_of_all_of_it(engine_of: Make, clam: Clamd) -> None:
    engine = probed(engine_of(clam.endpoint))
    for subject in ("x", EVIL.decode()):
        record = engine.examine(letter("hello", subject=subject))
        assert not cached(record)
        assert one(record).malware is (subject != "x")


def test_another_kind_of_content_is_another_content(engine_of: Make, clam: Clamd) -> None:
    """The same body under other MIME fields is something else to a scanner."""
    from tests.scanners.test_clamd import EICAR_MAIL

    engine = probed(engine_of(clam.endpoint, more="[policy.filters.attachment-hashes]\nenabled = false\n"))
    plain = EICAR_MAIL.replace(b"multipart/mixed", b"text/plain")
    assert not one(engine.examine(mail(plain))).malware
    assert one(engine.examine(mail(EICAR_MAIL))).malware


def test_a_new_signature_acts_at_once(engine_of: Make) -> None:
    with Clamd(number=5) as server:
        engine = probed(engine_of(server.endpoint))
        for _ in range(2):
            assert not one(engine.examine(letter())).malware
        assert cached(engine.examine(letter()))
        server.learn(signature("Test.New", EVIL))
        assert one(probed(engine).examine(letter())).malware
        # And goes as it came: what was kept of it is of another database.
        assert cached(engine.examine(letter()))


def test_without_a_number_of_the_database_no_verdict_is_kept(engine_of: Make) -> None:
    with Clamd() as server:
        engine = probed(engine_of(server.endpoint))
        for _ in range(2):
            assert not cached(engine.examine(letter()))
        server.learn(signature("Test.New", EVIL))
        assert one(engine.examine(letter())).malware


def test_no_verdict_is_kept_where_that_is_switched_off(engine_of: Make, clam: Clamd) -> None:
    engine = probed(engine_of(clam.endpoint, more="[antivirus]\ncache_seconds = 0\n"))
    for _ in range(2):
        assert not cached(engine.examine(letter("hello")))


# --- while nobody answers


def test_a_total_outage_asks_again_then_passes_mail_on(engine_of: Make) -> None:
    record = engine_of(NOBODY).examine(letter("hello"))
    assert record.ask_again.startswith("not scanned: s1: inet:1@127.0.0.1: no connection")
    assert fields(record)["action"] == "later"
    assert as_json(record)["ask_again"] == record.ask_again
    record = engine_of(NOBODY, more="[antivirus]\ndefer_minutes = 0\n").examine(letter("hello"))
    assert record.ask_again == ""
    assert ("AV_UNAVAILABLE", 0) in one(record).tests
    assert one(record).action == "deliver"


def test_outgoing_mail_is_asked_for_again_too(engine_of: Make) -> None:
    sent = letter("hello")
    sent.mail_class = MailClass.OUTGOING
    assert engine_of(NOBODY).examine(sent).ask_again


def test_one_that_answers_is_no_total_outage(engine_of: Make, clam: Clamd) -> None:
    record = engine_of(NOBODY, clam.endpoint).examine(letter("hello"))
    assert record.ask_again == ""
    assert ("AV_UNAVAILABLE", 0) in one(record).tests
    assert one(engine_of(NOBODY, clam.endpoint).examine(letter())).malware


def test_nobody_waits_whose_policy_waits_for_nothing(engine_of: Make) -> None:
    for more in ('[policy]\nmode = "observe"\n', "[policy.filters.antivirus-1]\nenabled = false\n"):
        assert engine_of(NOBODY, more=more).examine(letter("hello")).ask_again == ""
    more = '[domain."watching.example"]\nmode = "observe"\n'
    both = letter("hello", recipients=["a@example.org", "b@watching.example"])
    assert engine_of(NOBODY, more=more).examine(both).ask_again == ""


def test_what_is_held_anyway_is_held(engine_of: Make) -> None:
    more = '[lists]\nblacklist_sender = ["spammer.example"]\n'
    record = engine_of(NOBODY, more=more).examine(letter("hello", sender="x@spammer.example"))
    assert (one(record).action, record.ask_again) == ("hold", "")


def test_a_new_worker_knows_how_long_it_has_lasted(engine_of: Make, server: Server) -> None:
    engine = probed(engine_of(NOBODY))
    assert engine.examine(letter("hello")).ask_again
    (key,) = server.client.keys("tamis:antivirus:out:*")
    server.client.set(key, repr(time.time() - 601), ex=60)
    assert probed(engine_of(NOBODY)).examine(letter("hello")).ask_again == ""


def test_while_they_come_back_one_by_one_mail_is_asked_for_again(engine_of: Make) -> None:
    with Clamd(tcp=True) as second:
        second.kill()
        engine = engine_of(NOBODY, second.endpoint)
        assert engine.examine(letter("hello")).ask_again
        second.start()
        assert engine._scanners is not None
        for scanner in engine._scanners.antivirus.of_stage(2):
            scanner.service.probe_soon()
        assert probed(engine).examine(letter("hello")).ask_again
        engine._scanners.antivirus._total_at -= 6
        assert engine.examine(letter("hello")).ask_again == ""


@pytest.fixture
def hung(clam: Clamd) -> Iterator[Clamd]:
    clam.hang()
    yield clam
    clam.resume()


def test_one_that_hangs_costs_one_wait(engine_of: Make, hung: Clamd) -> None:
    engine = engine_of(hung.endpoint)
    began = time.monotonic()
    assert engine.examine(letter("hello")).ask_again
    first = time.monotonic() - began
    assert first < 5.5
    assert engine.examine(letter("hello")).ask_again
    assert time.monotonic() - began - first < 1
