"""Row 22."""

import re
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tamis import limits
from tamis.authentication import Authentication
from tamis.config import parse
from tamis.contract import Abstain, Context, Hit
from tamis.counters import Counters
from tamis.dns.zone import ZoneDns
from tamis.engine import Engine
from tamis.filters.mail_checksum import AMOUNT, MailChecksum
from tamis.mail import MailClass
from tamis.record import Record
from tamis.redis_client import RedisClient
from tamis.sender_weights import Weight
from tamis.settings import LEVELS
from tamis.testing import hits, mail
from tamis.weights import Weights
from tests.authentication.signing import signed, zone
from tests.authentication.test_dmarc import spf
from tests.redis_server import Server

pytestmark = pytest.mark.usefixtures("no_network")

FILTER = MailChecksum()
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)

TEXT = """\
From: Ann <ann@example.net>
To: {to}
Subject: Minutes of Monday
Message-ID: <{to}.1@example.net>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain; charset=utf-8

As agreed at the caf\u00e9.
--x
Content-Type: application/pdf; name=a.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjQ=
--x--
"""
COPY = TEXT.format(to="you@example.org")


def people(count: int, start: int = 0) -> list[str]:
    return [f"user{number}@example.org" for number in range(start, start + count)]


# No answer


@pytest.mark.parametrize(
    "text",
    [
        "From: ann@example.net\nSubject: hello\n\n",
        "From: ann@example.net\nSubject: hello\n\n \n\t\n",
        "Content-Type: multipart/mixed; boundary=x\n\n--x\n\n--x\nContent-Disposition: attachment\n\n--x--\n",
    ],
)
def test_abstains_where_there_is_nothing_to_compare(text: str) -> None:
    with pytest.raises(Abstain, match="no text"):
        hits(FILTER, mail(text, recipients=people(40)))


def test_abstains_where_not_all_was_read() -> None:
    with pytest.raises(Abstain, match="a cap"):
        hits(FILTER, mail("\n" + "a" * limits.MESSAGE_BYTES))


def test_abstains_where_nobody_counts(tmp_path: Path) -> None:
    for counters in (None, Counters(RedisClient()), Counters(RedisClient(f"unix://{tmp_path}/none.sock"))):
        with pytest.raises(Abstain, match="no Redis"):
            hits(FILTER, mail(COPY, recipients=people(40)), counters=counters)


# The number


@pytest.fixture
def counters(server: Server) -> Counters:
    return Counters(RedisClient(server.url))


def ask(
    counters: Counters,
    recipients: Sequence[str],
    text: str = COPY,
    seconds: float = 0,
    options: MailChecksum.Options | None = None,
) -> list[Hit]:
    message = mail(text, recipients=recipients)
    now = NOW + timedelta(seconds=seconds)
    context = Context(options=options or FILTER.Options(), recipients=message.recipients, counters=counters, now=now)
    return list(FILTER.check(message, context))


@pytest.mark.servers
def test_the_thirtieth_recipient_makes_it_spam(counters: Counters) -> None:
    copies = [ask(counters, [person], TEXT.format(to=person)) for person in people(31)]
    assert copies[:29] == [[]] * 29
    assert copies[29] == [
        Hit("MAIL_CHECKSUM", "the same message to 30 recipients within 10 min", decides=True, amount=AMOUNT)
    ]
    assert copies[30][0].because == "the same message to 31 recipients within 10 min"


@pytest.mark.servers
def test_one_message_to_many_hits_at_once(counters: Counters) -> None:
    assert ask(counters, people(29)) == []
    assert [hit.decides for hit in ask(counters, people(40))] == [True]
    assert hits(FILTER, mail("\nanother", recipients=people(40)), counters=counters) == ["MAIL_CHECKSUM"]
    assert hits(FILTER, mail("\na third", recipients=people(29)), counters=counters) == []


@pytest.mark.servers
def test_another_try_for_the_same_recipient_does_not_count(counters: Counters) -> None:
    for second in range(60):
        assert ask(counters, ["user@example.org", "<User@EXAMPLE.org>"], seconds=second) == []
    assert ask(counters, people(28)) == []
    assert ask(counters, people(29)) != []


@pytest.mark.servers
def test_the_window_slides(counters: Counters) -> None:
    assert ask(counters, people(29)) == []
    assert ask(counters, people(1, 29), seconds=599) != []
    assert ask(counters, people(1, 30), seconds=600) == []
    assert ask(counters, people(27, 31), seconds=1198) == []
    assert ask(counters, people(1, 58), seconds=1198) != []


@pytest.mark.servers
def test_other_messages_count_for_themselves(counters: Counters) -> None:
    for number, person in enumerate(people(60)):
        assert ask(counters, [person], f"From: ann@example.net\nSubject: {number // 29}\n\nbody\n") == []


@pytest.mark.servers
def test_each_domain_may_ask_for_another_number_and_window(counters: Counters) -> None:
    few, long = FILTER.Options(recipients=2, minutes=1), FILTER.Options(recipients=4, minutes=60)
    assert ask(counters, people(1), options=few) == []
    assert ask(counters, people(1, 1), options=few, seconds=61) == []
    assert ask(counters, people(1, 2), options=few, seconds=62) != []
    assert ask(counters, people(1, 3), options=long, seconds=3599) != []


def listed(counters: Counters, field: str, domain: str = "example.net", dns: Any = None) -> Hit:
    """What is said of a signed message with a field, to thirty at once."""
    text = signed(f"{field}: <x.example.net>\n{COPY}".encode().replace(b"\n", b"\r\n"), domain=domain)
    message = mail(text, recipients=people(30))
    known = zone(domain=domain) if dns is None else dns
    said = Authentication(message, ZoneDns(known))
    context = Context(FILTER.Options(), message.recipients, counters=counters, authentication=said, now=NOW)
    (hit,) = FILTER.check(message, context)
    assert (hit.name, hit.amount) == ("MAIL_CHECKSUM", AMOUNT)
    return hit


@pytest.mark.parametrize("field", ["List-Id", "list-unsubscribe"])
@pytest.mark.servers
def test_what_a_list_signs_for_the_author_only_scores(counters: Counters, field: str) -> None:
    hit = listed(counters, field)
    assert not hit.decides
    assert re.search(
        "to 30 recipients within 10 min, with list-.*and a DKIM signature of example.net", hit.because, re.I
    )


@pytest.mark.servers
def test_a_field_that_anybody_can_write_exempts_from_nothing(counters: Counters) -> None:
    assert listed(counters, "List-Post").decides
    assert listed(counters, "X-Note").decides
    assert listed(counters, "List-Id", domain="other.example").decides
    assert listed(counters, "List-Id", dns={}).decides
    assert ask(counters, people(30), f"List-Id: <x.example.net>\n{COPY}")[0].decides


@pytest.mark.servers
def test_a_failure_of_the_dns_decides_nothing(counters: Counters) -> None:
    hit = listed(counters, "List-Id", dns={"sel._domainkey.example.net TXT": "SERVFAIL"})
    assert (hit.decides, "cannot be verified now" in hit.because) == (False, True)


class Complaints:
    """Weights that know of complaints alone."""

    half_life_days = 90.0

    def __init__(self, *organisations: str) -> None:
        self._organisations = organisations

    def find(self, domain: str, sender: str) -> Weight | None:
        return None

    def complained_of(self, organisation: str, since: datetime) -> bool:
        return organisation in self._organisations


NO_COMPLAINT = Complaints()


def bulk(
    counters: Counters,
    day: float,
    author: str = "ann@news.example.net",
    passes: str = "pass",
    complaints: Weights | None = NO_COMPLAINT,
    quiet_days: int = 7,
) -> Hit:
    """What is said of mail of that day to thirty."""
    text = f"From: {author}\nSubject: {day}\n\nDear colleagues\n"
    message = mail(text, sender=author, recipients=people(30))
    said = Authentication(message, ZoneDns({}), spf(passes, author.partition("@")[2]))
    now = NOW + timedelta(days=day)
    options = FILTER.Options(quiet_days=quiet_days)
    told = Context(options, message.recipients, counters=counters, authentication=said, weights=complaints, now=now)
    (hit,) = FILTER.check(message, told)
    return hit


@pytest.mark.servers
def test_whose_earlier_bulk_mail_drew_no_complaint_only_scores(counters: Counters) -> None:
    assert [bulk(counters, day).decides for day in (0, 0.1, 6)] == [True] * 3
    hit = bulk(counters, 7.2)
    assert (hit.decides, hit.amount) == (False, AMOUNT)
    assert hit.because.endswith(
        "no complaint of ann@news.example.net, proved by SPF or DKIM, who had such mail on 1 earlier days"
    )
    for same in (
        bulk(counters, 7.2, complaints=Complaints("other.example")),
        bulk(counters, 14, quiet_days=8),
        bulk(counters, 89),
    ):
        assert not same.decides


@pytest.mark.servers
def test_who_is_not_proved_or_was_complained_of_is_not_excused(counters: Counters) -> None:
    bulk(counters, 0)
    bulk(counters, 0, author="eve@news.example.net", passes="fail")
    assert bulk(counters, 8, passes="fail").decides
    assert bulk(counters, 8, author="eve@news.example.net").decides, "nobody is known by what others signed"
    assert bulk(counters, 8, author="bob@news.example.net").decides
    assert bulk(counters, 8, complaints=Complaints("example.net")).decides
    assert bulk(counters, 8, complaints=None).decides, "complaints have not been read yet"
    assert bulk(counters, 8, quiet_days=0).decides
    assert bulk(counters, 120).decides, "what was long ago is forgotten"


def test_the_amount_alone_decides_at_no_level() -> None:
    assert 0 < AMOUNT < min(LEVELS)


# In the engine


def engine(tmp_path: Path, url: str, config: str = "") -> Engine:
    return Engine(parse(f'{config}\n[daemon]\nstate_directory = "{tmp_path}"\n', "x"), url)


def examine(examined: Engine, recipients: Sequence[str]) -> Record:
    return examined.examine(mail(COPY, sender="ann@example.net", recipients=recipients))


def row_of(record: Record) -> set[str]:
    return {verdict.row.name if verdict.row else "" for verdict in record.verdicts}


@pytest.mark.servers
def test_it_decides_and_scores(server: Server, tmp_path: Path) -> None:
    record = examine(engine(tmp_path, server.url), people(30))
    assert row_of(record) == {"mail-checksum"}
    assert all(dict(verdict.tests)["MAIL_CHECKSUM"] == 1000 * AMOUNT for verdict in record.verdicts)


@pytest.mark.servers
def test_copies_that_other_rows_decided_are_counted(server: Server, tmp_path: Path) -> None:
    """Blacklisted for one domain, whitelisted for another, with the antispam off for a third: one run."""
    config = (
        '[domain."black.example"]\nblacklist_ip = ["192.0.2.7"]\n'
        '[domain."white.example"]\nwhitelist_ip = ["192.0.2.7"]\n[domain."off.example"]\nantispam = false\n'
    )
    examined = engine(tmp_path, server.url, config)
    for number in range(10):
        for domain, row in (("black", "blacklisted-ip"), ("white", "whitelisted-ip"), ("off", "")):
            if number < 9 or domain != "off":
                record = examine(examined, [f"user{number}@{domain}.example"])
                assert row_of(record) == {row}
    record = examine(examined, ["bob@example.org", "bob@white.example", "bob@off.example"])
    assert [verdict.row.name if verdict.row else "" for verdict in record.verdicts] == [
        "mail-checksum",
        "whitelisted-ip",
        "",
    ]
    assert {dict(verdict.tests)["MAIL_CHECKSUM"] for verdict in record.verdicts} == {1000 * AMOUNT}


@pytest.mark.servers
def test_recipients_whose_domain_has_the_row_off_count_beside_others(server: Server, tmp_path: Path) -> None:
    config = '[domain."off.example".filters.mail-checksum]\nenabled = false\n'
    examined = engine(tmp_path, server.url, config)
    away = [f"user{number}@off.example" for number in range(40)]
    assert row_of(examine(examined, away)) == {""}
    assert server.calls().get("evalsha") is None
    record = examine(examined, [*away, "bob@example.org"])
    assert [verdict.spam for verdict in record.verdicts] == [False] * 40 + [True]


@pytest.mark.servers
def test_outgoing_mail_is_never_counted(server: Server, tmp_path: Path) -> None:
    examined = engine(tmp_path, server.url)
    message = mail(COPY, recipients=people(40))
    message.mail_class = MailClass.OUTGOING
    examined.examine(message)
    assert server.client.keys("tamis:count:*") == []
    assert row_of(examine(examined, people(1))) == {""}


@pytest.mark.servers
def test_garbage_in_redis_costs_this_answer_alone(server: Server, tmp_path: Path) -> None:
    examined = engine(tmp_path, server.url)
    examine(examined, people(30))
    (key,) = server.client.keys("tamis:count:*")
    server.client.delete(key)
    server.client.lpush(key, "x")
    record = examine(examined, people(30))
    assert "mail-checksum" in [answer.row.name for answer in record.answers if answer.abstained]
    assert any(answer.cached for answer in record.answers)
    assert dict(record.verdicts[0].tests)["MAIL_CHECKSUM_ABSTAINED"] == 0


@pytest.mark.slow
def test_a_hanging_redis_costs_one_timeout_for_cache_and_count_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamis.redis_client._FIRST_PAUSE", 60.0)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "hangs.sock"))
        listener.listen()
        listener.setblocking(False)
        examined = engine(tmp_path, f"unix://{tmp_path}/hangs.sock", "[redis]\ntimeout_seconds = 0.4")
        started = time.monotonic()
        records = [examine(examined, people(40)) for _ in range(10)]
        assert time.monotonic() - started > 0.3
        assert all(row_of(record) == {""} for record in records)
        # Nobody was asked for anything else: not even somebody who would have hung for less than a timeout.
        listener.accept()[0].close()
        with pytest.raises(BlockingIOError):
            listener.accept()
        assert examined._redis.failures == 1
