"""Row 3."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tamis.answers import Answers
from tamis.config import ConfigError, parse
from tamis.contract import Abstain, Context
from tamis.engine import Engine
from tamis.examination import Snapshot
from tamis.filters.greylisting import Greylisting, stable_sender
from tamis.greylist import Greylist
from tamis.lists import Entry, ListName, Lists
from tamis.policy import Policies
from tamis.record import Refusal
from tamis.redis_client import RedisClient
from tamis.refusal import refused_for_now
from tamis.shared_state import shared_state
from tamis.testing import hits, mail
from tests.redis_server import Server

FILTER = Greylisting()
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
SENDER, RECIPIENT = "ann@sender.example", "bob@example.org"


class Tries:
    """Tries to deliver, some seconds after the first."""

    def __init__(self, server: Server) -> None:
        self.redis = RedisClient(server.url)
        self.lists: Sequence[Entry] = ()

    def __call__(self, seconds: float = 0, **about: object) -> list[str]:
        """Return the names of the filter's hits; `about` are words of the envelope and options."""
        options = {name: about.pop(name) for name in Greylisting.Options.__struct_fields__ if name in about}
        message = mail("", **{"sender": SENDER, **about})  # type: ignore[arg-type]
        message.now = NOW + timedelta(seconds=seconds)
        asked = Greylisting.Options(**options)  # type: ignore[arg-type]
        return hits(FILTER, message, asked, self.lists, greylist=Greylist(self.redis))

    def refused(self, config: str, recipient: str, seconds: float = 0) -> Refusal | None:
        message = mail("", sender=SENDER)
        message.now = NOW + timedelta(seconds=seconds)
        snapshot = Snapshot(Policies(parse(config, "x")), Lists(self.lists), None)
        return refused_for_now(message, recipient, snapshot, Answers(RedisClient()), shared_state(self.redis))


@pytest.fixture
def tries(server: Server) -> Tries:
    return Tries(server)


# Hit, clean, no answer


@pytest.mark.servers
def test_hit_and_clean(tries: Tries) -> None:
    assert tries() == ["GREYLISTED"]
    assert tries(299) == ["GREYLISTED"]
    assert tries(300) == []
    assert tries(301) == []


@pytest.mark.servers
def test_the_hit_is_the_recipients_and_says_how_long(tries: Tries) -> None:
    message = mail("", sender=SENDER, recipients=["bob@example.org", "carol@example.org", "bob@example.org"])
    found = list(FILTER.check(message, Context(FILTER.Options(), message.recipients, greylist=Greylist(tries.redis))))
    assert [(hit.recipient, hit.decides) for hit in found] == [("bob@example.org", True), ("carol@example.org", True)]
    assert found[0].because == "192.0.2.0/24 is new with this sender and recipient: 300 s to wait"


def test_abstains_where_nothing_is_remembered(tmp_path: Path) -> None:
    for greylist in (None, Greylist(RedisClient()), Greylist(RedisClient(f"unix://{tmp_path}/none.sock"))):
        with pytest.raises(Abstain, match="no Redis"):
            hits(FILTER, mail(""), greylist=greylist)


def test_abstains_without_a_peer() -> None:
    with pytest.raises(Abstain, match="the peer is not known"):
        hits(FILTER, mail("", peer=""))


# Who is the same


@pytest.mark.servers
@pytest.mark.parametrize(
    ("first", "other", "same"),
    [
        ("192.0.2.7", "192.0.2.250", True),
        ("192.0.2.7", "192.0.3.7", False),
        ("2001:db8:1:2::7", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::7", "2001:db8:1:3::7", False),
        ("::ffff:192.0.2.7", "192.0.2.9", True),
    ],
)
def test_the_next_try_may_come_from_a_neighbour(tries: Tries, first: str, other: str, same: bool) -> None:
    tries(peer=first)
    assert (tries(300, peer=other) == []) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("list-return-1234-bob=example.org@lists.example", "list-return-1299-bob=example.org@lists.example"),
        ("bounce+7f3a9c.1d2e3f-bob=example.org@mg.example", "bounce+aa01bb.ffee00-bob=example.org@mg.example"),
        (
            "0100018c2ad45b2c-1c1b64f6-dead-4e4e-beef-0a1b2c3d4e5f-000000@ses.example",
            "0100018c2ad99999-aaaaaaaa-5e5e-4b4b-cafe-ffffffffffff-000000@ses.example",
        ),
        ("prvs=0123456789=ann@sender.example", "prvs=9876543210=ann@sender.example"),
        ("srs0=hHhH=tT=origin.example=ann@relay.example", "srs0=xYzZ=uU=origin.example=ann@relay.example"),
        ("srs0+abcd=ef=origin.example=ann@relay.example", "srs0=wxyz=gh=origin.example=ann@relay.example"),
        ("msprvs1=20001abc=bounces-1@e.example", "msprvs1=20002xyz=bounces-22@e.example"),
    ],
)
def test_senders_of_one_series_are_one(one: str, other: str) -> None:
    assert stable_sender(one) == stable_sender(other) != one
    assert stable_sender(stable_sender(one)) == stable_sender(one)


@pytest.mark.parametrize(
    "sender", ["ann@sender.example", "", "ann.lee_x@2024.example", "news-letter@a1.example", "dad@x"]
)
def test_senders_of_people_stay_as_they_are(sender: str) -> None:
    assert stable_sender(sender) == sender


@pytest.mark.parametrize(
    ("one", "other"),
    [("ann@a.example", "bob@a.example"), ("list-ann=a.example@l.example", "list-bob=a.example@l.example")],
)
def test_other_senders_are_others(one: str, other: str) -> None:
    assert stable_sender(one) != stable_sender(other)


def test_a_long_sender_takes_no_time() -> None:
    for piece in ("srs0=", "a=", "0", "-", "+", "srs0=a=", "é"):
        stable_sender(piece * 50_000 + "@sender.example")


# Options


@pytest.mark.servers
def test_times_are_options(tries: Tries) -> None:
    assert tries(delay_minutes=0.5) == ["GREYLISTED"]
    assert tries(30, delay_minutes=0.5) == []
    assert tries(0, retry_hours=1, sender="x@x.example") == ["GREYLISTED"]
    assert tries(3601, retry_hours=1, sender="x@x.example") == ["GREYLISTED"]


@pytest.mark.servers
def test_a_peer_network_that_comes_back_is_known(tries: Tries) -> None:
    people = [f"user{number}@example.org" for number in range(5)]
    assert tries(recipients=people) == ["GREYLISTED"] * 5
    assert tries(300, recipients=people[:4]) == []
    assert tries(301, recipients=["new@example.org"]) == ["GREYLISTED"]
    assert tries(302, recipients=people) == []
    assert tries(303, recipients=["newer@example.org"], peer="192.0.2.99") == []
    assert tries(303, recipients=["newer@example.org"], pass_peer_after=0) == ["GREYLISTED"]


@pytest.mark.servers
@pytest.mark.parametrize(
    ("about", "exempt"),
    [
        ({"exempt_domains": ("sender.example",), "rdns": "mx7.Sender.Example."}, True),
        ({"exempt_domains": ("sender.example",), "rdns": "sender.example"}, True),
        ({"exempt_domains": ("sender.example",), "rdns": "notsender.example"}, False),
        ({"exempt_domains": ("sender.example",), "rdns": ""}, False),
        ({"exempt_domains": ("sender.example",), "helo": "mx7.sender.example"}, False),
        ({"exempt_networks": ("198.51.100.0/24", "192.0.2.0/29")}, True),
        ({"exempt_networks": ("192.0.2.8/29", "2001:db8::/32")}, False),
        ({"exempt_null_sender": True, "sender": ""}, True),
        ({"exempt_null_sender": True}, False),
        ({"sender": ""}, False),
    ],
)
def test_exemptions(tries: Tries, server: Server, about: dict[str, object], exempt: bool) -> None:
    assert (tries(**about) == []) == exempt
    assert bool(server.client.keys("*")) != exempt


@pytest.mark.servers
def test_row_4_is_no_exemption_unless_an_option_says_so(tries: Tries) -> None:
    tries.lists = [Entry(ListName.WHITELIST_IP, "192.0.2.7", "example.org")]
    people = ["bob@example.org", "carol@example.com"]
    assert tries(recipients=people) == ["GREYLISTED"] * 2
    assert tries(recipients=people, exempt_whitelisted=True) == ["GREYLISTED"]
    tries.lists = [Entry(ListName.WHITELIST_IP, "192.0.2.0/24")]
    assert tries(recipients=people, exempt_whitelisted=True) == []


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ('exempt_networks = ["192.0.2.7/24"]', "'192.0.2.7/24' is not an IP address or network"),
        ('exempt_domains = ["Sender.Example"]', "write 'sender.example' for 'Sender.Example'"),
        ('exempt_domains = [".sender.example"]', "is not a domain name"),
        ("delay_minutes = 0", "expected `float` > 0"),
        ("delay_minutes = 60", "expected `float` <= 30"),
    ],
)
def test_options_are_checked(option: str, said: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        parse(f"[policy.filters.greylisting]\n{option}\n", "tamis.toml")
    (problem,) = wrong.value.problems
    assert str(problem).startswith(f"tamis.toml:2: policy.filters.greylisting.{option.partition(' ')[0]}: ")
    assert said in str(problem)


# What it leads to

ON = "[policy.filters.greylisting]\nenabled = true\n"


@pytest.mark.servers
def test_it_is_the_recipients_policy_that_delays(tries: Tries) -> None:
    config = '[domain."example.org".filters.greylisting]\nenabled = true\ndelay_minutes = 1\n'
    refusal = tries.refused(config, RECIPIENT)
    assert refusal is not None
    assert (refusal.row.number, refusal.test) == ("3", "GREYLISTED")
    assert tries.refused(config, "carol@example.com") is None
    assert tries.refused(config, RECIPIENT, 59) is not None
    assert tries.refused(config, RECIPIENT, 60) is None
    assert tries.refused("", "dave@example.org") is None


@pytest.mark.servers
def test_in_mode_observe_it_is_only_printed(server: Server, tmp_path: Path) -> None:
    state = f'[daemon]\nstate_directory = "{tmp_path}"\n[policy]\nmode = "observe"\n'
    engine = Engine(parse(state + ON, "x"), server.url)

    def printed(seconds: float) -> list[tuple[str, ...]]:
        message = mail("Subject: hello\n\nhello\n", sender=SENDER, recipients=[RECIPIENT, "carol@example.org"])
        message.now = NOW + timedelta(seconds=seconds)
        assert engine.refusal(message, RECIPIENT) is None
        return [
            tuple(name for name, _ in verdict.tests if name == "GREYLISTED")
            for verdict in engine.examine(message).verdicts
        ]

    assert printed(0) == [("GREYLISTED",)] * 2
    assert printed(300) == [(), ()]


@pytest.mark.servers
def test_redis_gone_delays_nobody(tries: Tries, tmp_path: Path) -> None:
    tries.redis = RedisClient(f"unix://{tmp_path}/none.sock")
    assert tries.refused(ON, RECIPIENT) is None


@pytest.mark.servers
def test_a_ban_comes_first_and_nothing_is_remembered(tries: Tries, server: Server) -> None:
    tries.lists = [Entry(ListName.BAN_IP, "192.0.2.7")]
    refusal = tries.refused(ON, RECIPIENT)
    assert refusal is not None
    assert refusal.row.name == "banned-ip"
    assert server.client.keys("*") == []
