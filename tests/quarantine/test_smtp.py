"""What goes over the wire to the MTA's listener: dots, line ends, addresses, parameters."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tamis.postfix.sink import Sink
from tamis.quarantine.outbox import Envelope, Outgoing, Result
from tamis.quarantine.records import StoredChanges
from tamis.quarantine.smtp import Listener, path, stuffed

RAW = b"Subject: hello\r\n\r\n.one\r\n..two\r\nbody\r\n"


def reference(raw: bytes) -> bytes:
    """RFC 5321, section 4.5.2, said in the plainest way."""
    if raw and not raw.endswith(b"\r\n"):
        raw += b"\r\n"
    return b"".join(b"." + line if line.startswith(b".") else line for line in re.findall(rb"(?s).*?\r\n", raw))


@given(st.lists(st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a"]), max_size=6).map(b"".join)))
def test_dots_are_doubled_wherever_the_pieces_end(pieces: list[bytes]) -> None:
    assert b"".join(stuffed(pieces)) == reference(b"".join(pieces))


@given(st.lists(st.binary(max_size=20)))
def test_any_octets_in_any_pieces(pieces: list[bytes]) -> None:
    found = b"".join(stuffed(pieces))
    assert found == reference(b"".join(pieces))
    assert b"\r\n.\r\n" not in b"\r\n" + found, "the message would end there"


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("bob@example.org", "bob@example.org"),
        ("bob.a+b=c@example.org", "bob.a+b=c@example.org"),
        ("été@example.org", "été@example.org"),
        ('"bob a"@example.org', '"bob a"@example.org'),
        ("bob a@example.org", '"bob a"@example.org'),
        ("a@b@example.org", '"a@b"@example.org'),
        ('bob"a\\b@example.org', '"bob\\"a\\\\b"@example.org'),
        ("bob>@example.org", '"bob>"@example.org'),
        ("postmaster", "postmaster"),
        ("", ""),
    ],
)
def test_addresses_as_they_stand_in_a_command(address: str, written: str) -> None:
    assert path(address) == written


letters = st.text(st.one_of(st.characters(), st.sampled_from('"\\\r\n <>')), min_size=1, max_size=20)


@given(
    st.one_of(letters, letters.map('"{}"'.format)), st.sampled_from(["example.org", "[192.0.2.7]", "xn--1ca.example"])
)
@example("bob", "example.org\r\nDATA")
def test_no_address_ends_its_command(local: str, domain: str) -> None:
    written = path(f"{local}@{domain}")
    assert written.endswith(f"@{domain}") or "\r" in domain
    assert not re.search(r"[\r\n\0]", written)
    # Outside quotes nothing stands that ends the path.
    assert not re.search(r"[<> ]", re.sub(r'"(?:[^"\\]|\\.)*"', "", written))


# Against a server


@pytest.fixture
def refused() -> dict[str, str]:
    """What the server says to a recipient that it does not take."""
    return {}


@pytest.fixture
def sink(refused: dict[str, str]) -> Iterator[Sink]:
    with Sink(refuse=refused.get) as sink:
        yield sink


@pytest.fixture
def listener(sink: Sink) -> Iterator[Listener]:
    listener = Listener(f"127.0.0.1:{sink.port}", 10.0)
    yield listener
    listener.close()


def copies(*recipients: Envelope, mail_parameters: str = "") -> Outgoing:
    return Outgoing("1", "2", "3", "ann@sender.example", mail_parameters, True, StoredChanges(), recipients, 1)


def to(*addresses: str, parameters: str = "", name: str = "2.1") -> Envelope:
    return Envelope(name, addresses, parameters)


def test_what_arrives_is_what_was_sent(listener: Listener, sink: Sink) -> None:
    order: list[str] = []
    for _ in range(3):
        (result,) = listener.deliver(copies(to("bob@example.org")), [RAW[:20], RAW[20:]], lambda: order.append("dot"))
        assert (result.copy_id, result.left, result.reply[:3]) == ("2.1", (), "250")
    assert [message.content for message in sink.messages] == [RAW] * 3
    assert order == ["dot"] * 3


def test_parameters_go_where_the_server_knows_them(listener: Listener, sink: Sink) -> None:
    envelope = to("bob@example.org", parameters="NOTIFY=NEVER ORCPT=rfc822;bob@example.org XNEW=1")
    listener.deliver(copies(envelope, mail_parameters="RET=HDRS BODY=8BITMIME SIZE=100"), [RAW], lambda: None)
    assert sink.messages[0].mail_parameters == "RET=HDRS BODY=8BITMIME"


def test_each_recipient_has_an_answer(listener: Listener, sink: Sink, refused: dict[str, str]) -> None:
    refused.update({"no@example.org": "550 5.1.1 nobody", "later@example.org": "450 4.2.0 full"})
    outgoing = copies(
        to("bob@example.org", name="a"),
        to("no@example.org", name="b"),
        to("later@example.org", name="c"),
        to("carol@example.org", "later@example.org", "no@example.org", name="d"),
        to("carol@example.org", "no@example.org", name="e"),
    )
    assert listener.deliver(outgoing, [RAW], lambda: None) == [
        Result("a", "250 2.0.0 taken", (), False),
        Result("b", "550 5.1.1 nobody", ("no@example.org",), True),
        Result("c", "450 4.2.0 full", ("later@example.org",), False),
        Result("d", "450 4.2.0 full", ("later@example.org", "no@example.org"), False),
        Result("e", "550 5.1.1 nobody", ("no@example.org",), True),
    ]
    (message,) = sink.messages
    assert message.recipients == ("bob@example.org", "carol@example.org", "carol@example.org")


def test_nothing_is_sent_where_nobody_takes_it(listener: Listener, sink: Sink, refused: dict[str, str]) -> None:
    refused["bob@example.org"] = "550 5.1.1 nobody"
    (result,) = listener.deliver(copies(to("bob@example.org")), iter(lambda: 1 / 0, None), lambda: None)  # type: ignore[arg-type]
    assert result.refused
    # The connection is used again.
    (result,) = listener.deliver(copies(to("carol@example.org")), [RAW], lambda: None)
    assert not result.left


def test_what_fails_before_the_dot_is_not_taken(listener: Listener, sink: Sink) -> None:
    def fail() -> None:
        raise OSError("the database is gone")

    with pytest.raises(OSError, match="gone"):
        listener.deliver(copies(to("bob@example.org")), [RAW], fail)
    assert sink.messages == []
    listener.deliver(copies(to("bob@example.org")), [RAW], lambda: None)
    assert len(sink.messages) == 1


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(OSError, match="refused"):
        Listener("127.0.0.1:1", 1.0).deliver(copies(to("bob@example.org")), [RAW], lambda: None)
