"""The two listeners for mail of Tamis's own: one expands aliases as the first pass does, one maps no address."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tamis.postfix import client
from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.sink import Sink, SunkMessage

pytestmark = pytest.mark.servers

MESSAGE = "From: ann@sender.example\nSubject: déjà vu\n\nno Date:, no Message-ID:, 8 bit: é\n".encode()
ALIASES = {
    "team@sink.example": "ann@sink.example, bob@sink.example",
    "single@sink.example": "ann@sink.example",
    "@sink.example": "catchall@sink.example",
    "ann@sink.example": "ann@sink.example",
    "bob@sink.example": "bob@sink.example",
}
LISTENERS = ("own", "mailbox")


@dataclass
class Site:
    """A Postfix whose milter is not there and which archives everything, and where its mail ends."""

    postfix: PrivatePostfix
    sink: Sink

    def port(self, listener: str) -> int:
        return self.postfix.own_port if listener == "own" else self.postfix.mailbox_port

    def through(self, listener: str, recipient: str, mail: tuple[str, ...] = (), rcpt: tuple[str, ...] = ()) -> bytes:
        """Send the message to a listener and return what arrived; `arrived` holds the envelopes."""
        before = self.sink.count
        with client.SmtpSession(self.port(listener), helo="localhost") as session:
            reply = session.send(MESSAGE, "offers@sender.example", [recipient], mail, rcpt)
        assert reply.accepted, reply
        assert self.postfix.wait_queue_empty()
        self.arrived: list[SunkMessage] = self.sink.messages[before:]
        return self.arrived[0].content

    def recipients(self) -> list[str]:
        return sorted(recipient for message in self.arrived for recipient in message.recipients)


@pytest.fixture(scope="module")
def site(can_run_postfix: None) -> Iterator[Site]:
    settings = {"always_bcc": "archive@sink.example", "recipient_delimiter": "+"}
    with (
        Sink() as sink,
        PrivatePostfix(
            "inet:127.0.0.1:1", routes={"sink.example": sink.transport}, aliases=ALIASES, settings=settings
        ) as postfix,
    ):
        yield Site(postfix, sink)


def test_mail_of_others_does_ask_the_milter(site: Site) -> None:
    reply = site.postfix.send(MESSAGE, "x@sender.example", ["ann@sink.example"])
    assert (reply.code, reply.accepted) == (451, False)


@pytest.mark.parametrize(
    ("recipient", "expanded"),
    [
        ("team@sink.example", ["ann@sink.example", "bob@sink.example"]),
        ("single@sink.example", ["ann@sink.example"]),
        ("nobody@sink.example", ["catchall@sink.example"]),
        ("single+x@sink.example", ["ann+x@sink.example"]),
    ],
)
def test_one_expands_and_the_other_does_not_and_no_archive_gets_a_copy(
    site: Site, recipient: str, expanded: list[str]
) -> None:
    site.through("own", recipient)
    assert site.recipients() == expanded
    site.through("mailbox", recipient)
    assert site.recipients() == [recipient]


@pytest.mark.parametrize("listener", LISTENERS)
def test_nothing_is_added_but_the_trace(site: Site, listener: str) -> None:
    content = site.through(listener, "ann@sink.example")
    assert content.startswith(b"Received: ")
    assert content.endswith(MESSAGE.replace(b"\n", b"\r\n"))
    assert content.count(b"\r\nDate:") + content.count(b"\r\nMessage-I") == 0


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("recipient", ["ann@sink.example", "single@sink.example", "team@sink.example"])
def test_what_the_sender_asked_of_delivery_survives(site: Site, listener: str, recipient: str) -> None:
    notify, original = "NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;zo+2Be@example.org"
    site.through(listener, recipient, ("RET=HDRS", "ENVID=QQ+2B314", "BODY=8BITMIME"), (notify, original))
    assert site.arrived
    for message in site.arrived:
        assert {"RET=HDRS", "ENVID=QQ+2B314", "BODY=8BITMIME"} <= set(message.mail_parameters.split())
        assert [set(one.split()) for one in message.rcpt_parameters] == [{notify, original}] * len(message.recipients)


@pytest.mark.parametrize("listener", LISTENERS)
def test_international_addresses_survive(site: Site, listener: str) -> None:
    recipient = "jürgen@sink.example"
    parameters = ("ORCPT=utf-8;j\\x{FC}rgen@sink.example", "NOTIFY=NEVER")
    site.through(listener, recipient, ("SMTPUTF8", "BODY=8BITMIME"), parameters)
    assert site.recipients() == ["catchall@sink.example" if listener == "own" else recipient]
    assert {"SMTPUTF8", "BODY=8BITMIME"} <= set(site.arrived[0].mail_parameters.split())
    assert set(site.arrived[0].rcpt_parameters[0].split()) == set(parameters)
