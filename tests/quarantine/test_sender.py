"""The sender, against a real SMTP server: what is due goes out, changed as was wished, and nothing twice by design."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tamis import resting
from tamis.postfix.ports import free_ports
from tamis.postfix.sink import Sink
from tamis.quarantine import transitions
from tamis.quarantine.outbox import POSSIBLE_DUPLICATES
from tamis.quarantine.rows import now
from tamis.quarantine.sender import Sender
from tamis.quarantine.store import Store
from tamis.quarantine.tables import OUTBOX
from tamis.settings import Delivery
from tests.quarantine.held import RAW, copy, counter, events, hold, parted, rows, states


@pytest.fixture
def refused() -> dict[str, str]:
    return {}


@pytest.fixture
def sink(refused: dict[str, str]) -> Iterator[Sink]:
    with Sink(refuse=refused.get) as sink:
        yield sink


@pytest.fixture
def mailboxes() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def sender(store: Store, sink: Sink, mailboxes: Sink) -> Sender:
    where = {"server": f"127.0.0.1:{sink.port}", "mailbox_server": f"127.0.0.1:{mailboxes.port}"}
    return Sender(store, Delivery(timeout_seconds=10.0, **where))


def due(store: Store) -> None:
    with store.transaction() as connection:
        connection.execute(update(OUTBOX).values(next_at=now() - timedelta(seconds=1)))


def last_reply(store: Store) -> str:
    with store.transaction() as connection:
        return connection.execute(select(OUTBOX.c.last_reply)).scalar_one()


def test_nothing_to_do(sender: Sender) -> None:
    assert sender.send_due() == 0


def test_an_empty_outbox_is_asked_again_only_after_a_change(
    store: Store, sender: Sender, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resting, "_REST_NANOSECONDS", 0)
    asked = []
    claim = sender._outbox.claim
    monkeypatch.setattr(sender._outbox, "claim", lambda most: [asked.append(most), claim(most)][1])
    store.engine()
    time.sleep(0.02)
    assert [sender.send_due() for _ in range(3)] == [0, 0, 0]
    assert len(asked) == (3 if store.stamp() is None else 1)
    time.sleep(0.02)
    name = hold(store, copy("bob@example.org"))
    transitions.release(store, [f"{name}.1"], "ann", "")
    assert sender.send_due() == 1
    assert len(sink.messages) == 1


def test_what_waits_for_its_time_is_sent_though_nothing_changes(
    store: Store, sender: Sender, sink: Sink, refused: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resting, "_REST_NANOSECONDS", 0)
    refused["bob@example.org"] = "451 4.3.0 later"
    name = hold(store, copy("bob@example.org"))
    transitions.release(store, [f"{name}.1"], "ann", "")
    assert sender.send_due() == 1
    time.sleep(0.02)
    assert [sender.send_due() for _ in range(3)] == [0, 0, 0]
    refused.clear()
    later = now() + timedelta(minutes=1)
    monkeypatch.setattr("tamis.quarantine.outbox.now", lambda: later)
    assert sender.send_due() == 1
    assert states(store) == {f"{name}.1": "delivered"}


def test_a_release(store: Store, sender: Sender, sink: Sink) -> None:
    """The octets as they came, our fields above them."""
    raw = RAW + b".dot\r\nno end"
    name = hold(store, copy("Bob@example.org"), raw=raw, sender="Ann@Sender.example")
    transitions.release(store, [f"{name}.1"], "ann", "X-Icodia-SpamFilter-WL")
    assert sender.send_due() == 1
    (message,) = sink.messages
    assert (message.sender, message.recipients) == ("Ann@Sender.example", ("Bob@example.org",))
    above = b"X-Icodia-SpamFilter-WL: Released by ann\r\nX-Tamis-Verdict: spam; action=hold\r\n"
    assert message.content == above + raw + b"\r\n"
    assert states(store) == {f"{name}.1": "delivered"}
    assert events(store, f"{name}.1")[-1] == ("delivered", "outbox", "250 2.0.0 taken")


def test_a_copy_made_anew(store: Store, sender: Sender, sink: Sink) -> None:
    raw = b"X-Spam-Status: forged\r\n" + RAW
    hold(store, *parted("bob@example.org", "carol@example.org"), raw=raw)
    assert sender.send_due() == 1
    (message,) = sink.messages
    assert message.recipients == ("bob@example.org", "carol@example.org")
    assert message.content == b"X-Tamis-Verdict: spam; action=hold\r\n" + RAW.replace(b"hello", b"SPAM: hello")
    assert rows(store)["outbox"] == 0


def test_the_null_sender(store: Store, sender: Sender, sink: Sink) -> None:
    hold(store, *parted("bob@example.org"), sender="", sender_key="")
    sender.send_due()
    assert sink.messages[0].sender == ""


def test_legs_go_to_the_listener_that_expands_nothing(
    store: Store, sender: Sender, sink: Sink, mailboxes: Sink
) -> None:
    name = hold(store, copy("team@example.org", legs=("bob@mail.example", "carol@mail.example")))
    transitions.release(store, [f"{name}.1"], "ann", "")
    sender.send_due()
    assert sink.messages == []
    assert mailboxes.messages[0].recipients == ("bob@mail.example", "carol@mail.example")


def test_many_over_one_connection(store: Store, sender: Sender, sink: Sink) -> None:
    for number in range(45):
        hold(store, *parted(f"{number}@example.org"), raw=RAW + b"%d\r\n" % number)
    assert sender.send_due() == 45
    assert sorted(message.recipients[0] for message in sink.messages) == sorted(f"{n}@example.org" for n in range(45))
    assert set(states(store).values()) == {"delivered"}


def test_refused_for_good(store: Store, sender: Sender, sink: Sink, refused: dict[str, str]) -> None:
    refused["bob@example.org"] = "550 5.1.1 nobody"
    name = hold(store, copy("bob@example.org"))
    transitions.release(store, [f"{name}.1"], "ann", "")
    assert sender.send_due() == 1
    assert states(store) == {f"{name}.1": "held"}
    assert events(store, f"{name}.1")[-1] == ("held", "outbox", "not delivered: 550 5.1.1 nobody")
    assert sender.send_due() == 0


def test_refused_for_now_is_tried_again(store: Store, sender: Sender, sink: Sink, refused: dict[str, str]) -> None:
    refused["carol@example.org"] = "450 4.2.2 full"
    name = hold(store, *parted("bob@example.org", "carol@example.org"))
    sender.send_due()
    assert states(store) == {f"{name}.1": "delivered", f"{name}.2": "released"}
    assert last_reply(store) == "450 4.2.2 full"
    assert sender.send_due() == 0, "not at once"
    refused.clear()
    due(store)
    assert sender.send_due() == 1
    assert [message.recipients for message in sink.messages] == [("bob@example.org",), ("carol@example.org",)]
    assert counter(store, POSSIBLE_DUPLICATES) == 0


def test_some_legs_have_it(store: Store, sink: Sink, mailboxes: Sink, refused: dict[str, str]) -> None:
    refused["b@mail.example"] = "450 4.2.2 full"
    sender = Sender(store, Delivery(mailbox_server=f"127.0.0.1:{sink.port}"))
    hold(store, *parted("team@example.org", legs=("a@mail.example", "b@mail.example")))
    with store.transaction() as connection:
        connection.execute(update(OUTBOX).values(expand=False))
    sender.send_due()
    refused.clear()
    due(store)
    sender.send_due()
    assert [message.recipients for message in sink.messages] == [("a@mail.example",), ("b@mail.example",)]


def test_a_server_that_is_not_there(store: Store) -> None:
    name = hold(store, *parted("bob@example.org"))
    sender = Sender(store, Delivery(server=f"127.0.0.1:{free_ports(1)[0]}", timeout_seconds=2.0))
    assert sender.send_due() == 1
    assert states(store) == {f"{name}.1": "released"}
    assert "refused" in last_reply(store)
    assert counter(store, POSSIBLE_DUPLICATES) == 0


def test_octets_that_are_gone(store: Store, sender: Sender, sink: Sink) -> None:
    """Somebody emptied the spool: the rest goes out all the same."""
    name = hold(store, *parted("bob@example.org"))
    other = hold(store, *parted("carol@example.org"), raw=RAW + b"x")
    for digest in store.spool.digests():
        if store.spool.path(digest).stat().st_size == len(RAW):
            store.spool.remove([digest])
    assert sender.send_due() == 2
    assert states(store) == {f"{name}.1": "released", f"{other}.1": "delivered"}
    assert "No such file" in last_reply(store)


class Silent:
    """A server that takes a message to its end and then says nothing more."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Silent":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._thread.join(10)

    def _serve(self) -> None:
        client, _ = self._socket.accept()
        with client, client.makefile("rwb", buffering=0) as file:
            file.write(b"220 ready\r\n")
            for line in file:
                file.write(b"354 go on\r\n" if line.startswith(b"DATA") else b"250 ok\r\n")
                if line.startswith(b"DATA"):
                    break
            for line in file:
                if line == b".\r\n":
                    return


def test_no_answer_to_the_end(store: Store) -> None:
    """It may have arrived: it is sent again all the same, and counted."""
    name = hold(store, *parted("bob@example.org"))
    with Silent() as silent:
        assert Sender(store, Delivery(server=f"127.0.0.1:{silent.port}", timeout_seconds=5.0)).send_due() == 1
    assert counter(store, POSSIBLE_DUPLICATES) == 1
    assert states(store) == {f"{name}.1": "released"}


def test_two_senders(store: Store, sender: Sender, sink: Sink, mailboxes: Sink) -> None:
    """Threads of one process share a claimant's name; two processes do not."""
    for number in range(30):
        hold(store, *parted(f"{number}@example.org"), raw=RAW + b"%d\r\n" % number)
    other = Sender(store, Delivery(server=f"127.0.0.1:{sink.port}"))
    other._outbox._me = "another host 1 1"
    threads = [threading.Thread(target=one.send_due) for one in (sender, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    sender.send_due()
    assert sorted(message.recipients[0] for message in sink.messages) == sorted(f"{n}@example.org" for n in range(30))
    assert counter(store, POSSIBLE_DUPLICATES) == 0
