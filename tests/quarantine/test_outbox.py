"""The outbox: who sends what, what became of it, and what may have arrived twice."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tamis.mail import new_id
from tamis.quarantine import transitions
from tamis.quarantine.outbox import POSSIBLE_DUPLICATES, Outbox, Outgoing, Result, TakenOver, claimant
from tamis.quarantine.rows import now
from tamis.quarantine.store import Store
from tamis.quarantine.tables import COPY, OUTBOX
from tests.quarantine.held import RAW, copy, counter, events, hold, parted, rows, states

ANOTHER_HOST = f"not-{socket.gethostname()} 1 1"


@pytest.fixture
def outbox(store: Store) -> Outbox:
    return Outbox(store)


def result(outgoing: Outgoing, reply: str, *left: str, copy_id: str = "") -> Result:
    return Result(copy_id or outgoing.recipients[0].copy_id, reply, left, bool(left) and reply.startswith("5"))


def waiting(store: Store) -> Any:
    with store.transaction() as connection:
        return connection.execute(select(OUTBOX)).one()


def change(store: Store, **values: object) -> None:
    with store.transaction() as connection:
        connection.execute(update(OUTBOX).values(**values))


def due(store: Store) -> None:
    change(store, next_at=now() - timedelta(seconds=1))


def a_dead_process() -> str:
    """The name of a claimant of this machine that has ended."""
    code = "from tamis.quarantine.outbox import claimant; print(claimant())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


# Claims


def test_a_copy_that_another_sender_has_taken_over_is_not_sent(store: Store, outbox: Outbox) -> None:
    """As by a keeper that stood still for an hour, while one of another machine went on."""
    hold(store, *parted("bob@example.org"))
    (outgoing,) = outbox.claim(10)
    change(store, claimed_by=ANOTHER_HOST)
    with pytest.raises(TakenOver):
        outbox.at_dot(outgoing)
    assert not waiting(store).at_dot
    outbox.record(outgoing, [result(outgoing, "250 taken")])
    assert waiting(store).claimed_by == ANOTHER_HOST
    assert set(states(store).values()) == {"released"}


def test_what_is_claimed(store: Store, outbox: Outbox) -> None:
    name = hold(store, copy("held@example.org"), *parted("bob@example.org", "carol@example.org"),
                mail_parameters="RET=HDRS")  # fmt: skip
    (outgoing,) = outbox.claim(20)
    assert (outgoing.message_id, outgoing.sender, outgoing.mail_parameters) == (name, "ann@sender.example", "RET=HDRS")
    assert store.spool.path(outgoing.digest).read_bytes() == RAW
    assert [(one.copy_id, one.addresses) for one in outgoing.recipients] == [
        (f"{name}.2", ("bob@example.org",)),
        (f"{name}.3", ("carol@example.org",)),
    ]
    assert (outgoing.expand, outgoing.tries) == (True, 1)
    assert outgoing.changes.subjects == {"1": "SPAM: hello"}


def test_legs_go_in_place_of_the_address(store: Store, outbox: Outbox) -> None:
    name = hold(store, copy("team@example.org", legs=("bob@mail.example", "carol@mail.example")))
    transitions.release(store, [f"{name}.1"], "ann", "")
    (outgoing,) = outbox.claim(20)
    assert outgoing.recipients[0].addresses == ("bob@mail.example", "carol@mail.example")
    assert not outgoing.expand


def test_the_oldest_first_and_no_more_than_wanted(store: Store, outbox: Outbox) -> None:
    names = [hold(store, *parted("bob@example.org"), raw=RAW + b"%d" % number) for number in range(5)]
    assert [outgoing.message_id for outgoing in outbox.claim(3)] == names[:3]


@pytest.mark.parametrize(("minutes", "claimed"), [(-1, 1), (1, 0), (14, 0), (16, 1), (24 * 60, 1)])
def test_nothing_waits_longer_than_a_quarter_of_an_hour(
    store: Store, outbox: Outbox, minutes: int, claimed: int
) -> None:
    """Whatever was written by a clock that has been set back since."""
    hold(store, *parted("bob@example.org"))
    change(store, next_at=now() + timedelta(minutes=minutes))
    assert len(outbox.claim(20)) == claimed


@pytest.mark.parametrize(
    ("claimed_by", "hours", "taken"),
    [
        (ANOTHER_HOST, 0.5, False),
        (ANOTHER_HOST, 1.5, True),
        (ANOTHER_HOST, -0.5, False),
        (ANOTHER_HOST, -24.0, True),
        (f"{socket.gethostname()} {os.getpid()} 1", 0.0, True),
        (f"{socket.gethostname()} nonsense", 0.0, True),
        ("this process", 0.0, True),
        ("its parent", 100.0, True),
        ("its parent", 0.5, False),
        ("a dead process", 0.0, True),
    ],
    ids=[
        "another host",
        "another host long ago",
        "another host, clock a little behind",
        "another host before the clock was set back",
        "a process that was another",
        "nonsense",
        "this process",
        "its parent long ago",
        "its parent",
        "a dead process",
    ],
)
def test_claims_of_others(store: Store, outbox: Outbox, claimed_by: str, hours: float, taken: bool) -> None:
    hold(store, *parted("bob@example.org"))
    words = claimant().split()
    with open(f"/proc/{os.getppid()}/stat") as file:
        started = file.read().rpartition(")")[2].split()[19]
    names = {
        "this process": claimant(),
        "its parent": f"{words[0]} {os.getppid()} {started}",
        "a dead process": a_dead_process(),
    }
    change(store, claimed_by=names.get(claimed_by, claimed_by), claimed_at=now() - timedelta(hours=hours))
    assert len(outbox.claim(20)) == taken
    assert counter(store, POSSIBLE_DUPLICATES) == 0, "it had sent nothing"


def test_two_senders_never_have_the_same(store: Store) -> None:
    for number in range(40):
        hold(store, *parted("bob@example.org"), raw=RAW + b"%d" % number)
    senders = []
    for number in range(8):
        sender = Outbox(store)
        sender._me = f"host{number} 1 1"
        senders.append(sender)

    def send(sender: Outbox) -> list[str]:
        sent = []
        # A row that two want at the same moment is left to the next time by one of them.
        while rows(store)["outbox"]:
            for outgoing in sender.claim(4):
                sent.append(outgoing.id)
                sender.record(outgoing, [result(outgoing, "250 ok")])
        return sent

    with ThreadPoolExecutor(8) as threads:
        sent = [name for names in threads.map(send, senders) for name in names]
    assert len(sent) == len(set(sent)) == 40


# What became of it


def test_delivered(store: Store, outbox: Outbox) -> None:
    name = hold(store, *parted("bob@example.org"))
    (outgoing,) = outbox.claim(20)
    outbox.at_dot(outgoing)
    outbox.record(outgoing, [result(outgoing, "250 2.0.0 queued as 4XyZ")])
    assert states(store) == {f"{name}.1": "delivered"}
    assert events(store, f"{name}.1") == [("delivered", "outbox", "250 2.0.0 queued as 4XyZ")]
    assert rows(store)["outbox"] == 0
    assert counter(store, POSSIBLE_DUPLICATES) == 0
    assert len(transitions.unneeded(store)) == 1


def test_not_taken_for_now(store: Store, outbox: Outbox) -> None:
    name = hold(store, *parted("bob@example.org"))
    (outgoing,) = outbox.claim(20)
    outbox.record(outgoing, [result(outgoing, "451 4.3.0 later", "bob@example.org")])
    assert states(store) == {f"{name}.1": "released"}
    assert (waiting(store).claimed_by, waiting(store).last_reply) == ("", "451 4.3.0 later")
    assert outbox.claim(20) == [], "not at once"
    due(store)
    assert [one.tries for one in outbox.claim(20)] == [2]


def test_waits_grow_to_a_quarter_of_an_hour(store: Store, outbox: Outbox) -> None:
    hold(store, *parted("bob@example.org"))
    seconds = []
    for _ in range(12):
        (outgoing,) = outbox.claim(20)
        before = now()
        outbox.record(outgoing, [result(outgoing, "451 later", "bob@example.org")])
        seconds.append(round((waiting(store).next_at - before).total_seconds()))
        due(store)
    assert seconds == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    # Tries without end do no harm.
    change(store, tries=10_000)
    (outgoing,) = outbox.claim(20)
    outbox.record(outgoing, [result(outgoing, "451 later", "bob@example.org")])


def test_refused_for_good_is_held_again(store: Store, outbox: Outbox) -> None:
    name = hold(store, copy("bob@example.org"))
    one = f"{name}.1"
    transitions.release(store, [one], "ann", "")
    (outgoing,) = outbox.claim(20)
    outbox.record(outgoing, [result(outgoing, "550 5.1.1 nobody", "bob@example.org")])
    assert states(store) == {one: "held"}
    assert events(store, one)[-1] == ("held", "outbox", "not delivered: 550 5.1.1 nobody")
    assert rows(store)["outbox"] == 0
    # And can be released again.
    assert transitions.release(store, [one], "ann", "") == [one]
    assert len(outbox.claim(20)) == 1


def test_each_recipient_has_an_end_of_its_own(store: Store, outbox: Outbox) -> None:
    name = hold(store, *parted("bob@example.org", "carol@example.org", "dave@example.org"))
    (outgoing,) = outbox.claim(20)
    results = [
        result(outgoing, "250 ok", copy_id=f"{name}.1"),
        result(outgoing, "450 later", "carol@example.org", copy_id=f"{name}.2"),
        result(outgoing, "550 nobody", "dave@example.org", copy_id=f"{name}.3"),
    ]
    outbox.record(outgoing, results)
    assert states(store) == {f"{name}.1": "delivered", f"{name}.2": "released", f"{name}.3": "held"}
    due(store)
    (outgoing,) = outbox.claim(20)
    assert [one.addresses for one in outgoing.recipients] == [("carol@example.org",)]


@pytest.mark.parametrize(("reply", "state"), [("450 later", "released"), ("550 nobody", "held")])
def test_legs_that_have_it_do_not_get_it_again(store: Store, outbox: Outbox, reply: str, state: str) -> None:
    legs = ("a@mail.example", "b@mail.example", "c@mail.example")
    name = hold(store, *parted("team@example.org", legs=legs))
    (outgoing,) = outbox.claim(20)
    outbox.record(outgoing, [result(outgoing, reply, legs[1], legs[2])])
    assert states(store) == {f"{name}.1": state}
    with store.transaction() as connection:
        assert connection.execute(select(COPY.c.legs_left)).scalar_one() == f"{legs[1]} {legs[2]}"
    due(store)
    if state == "released":
        assert outbox.claim(20)[0].recipients[0].addresses == legs[1:]


def test_a_retry_after_some_legs_have_it(store: Store, outbox: Outbox) -> None:
    """The client did not hear our 250: what is brought again is the same copy, whatever is left to send of it."""
    legs = ("a@mail.example", "b@mail.example")
    hold(store, *parted("team@example.org", legs=legs))
    (outgoing,) = outbox.claim(20)
    outbox.record(outgoing, [result(outgoing, "450 later", legs[1])])
    hold(store, *parted("team@example.org", legs=legs))
    assert (rows(store)["copy"], rows(store)["outbox"]) == (1, 1)


def test_a_row_that_nobody_waits_for_goes(store: Store, outbox: Outbox) -> None:
    hold(store, *parted("bob@example.org"))
    with store.transaction() as connection:
        connection.execute(update(COPY).values(state="delivered", outbox_id=None))
    (outgoing,) = outbox.claim(20)
    assert outgoing.recipients == ()
    outbox.record(outgoing, [])
    assert rows(store)["outbox"] == 0


# Twice


def test_no_answer_to_the_dot_is_counted(store: Store, outbox: Outbox) -> None:
    name = hold(store, *parted("bob@example.org"))
    (outgoing,) = outbox.claim(20)
    outbox.at_dot(outgoing)
    outbox.record(outgoing, [result(outgoing, "ConnectionResetError", "bob@example.org")], uncertain=True)
    assert counter(store, POSSIBLE_DUPLICATES) == 1
    due(store)
    (outgoing,) = outbox.claim(20)
    outbox.record(outgoing, [result(outgoing, "250 ok")])
    assert states(store) == {f"{name}.1": "delivered"}
    assert counter(store, POSSIBLE_DUPLICATES) == 1, "once each"


@pytest.mark.parametrize(("at_dot", "counted"), [(False, 0), (True, 1)])
def test_a_sender_that_died(store: Store, at_dot: bool, counted: int) -> None:
    hold(store, *parted("bob@example.org"))
    dead = Outbox(store)
    dead._me = a_dead_process()
    (outgoing,) = dead.claim(20)
    if at_dot:
        dead.at_dot(outgoing)
    assert len(Outbox(store).claim(20)) == 1
    assert counter(store, POSSIBLE_DUPLICATES) == counted
    assert not waiting(store).at_dot


def test_counting_at_the_same_moment(store: Store) -> None:
    """Each takes over rows of a dead sender: the counter is one row, and nobody waits for anybody for ever."""
    for number in range(40):
        hold(store, *parted("bob@example.org"), raw=RAW + b"%d" % number)
    change(store, claimed_by=a_dead_process(), at_dot=True, claimed_at=now(), next_at=now())

    def claim(number: int) -> Sequence[Outgoing]:
        sender = Outbox(store)
        sender._me = f"{new_id()} 1 1"
        return [outgoing for _ in range(4) for outgoing in sender.claim(5)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(claim, range(8)))
    Outbox(store).claim(40)
    assert counter(store, POSSIBLE_DUPLICATES) == 40
