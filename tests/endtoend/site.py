"""A whole site for the tests: Postfix, the daemon whose keeper hands copies back to it, and a sink where mail ends."""

import os
import pwd
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tamis import config as configuration
from tamis.message import Message
from tamis.postfix.client import SmtpReply, SmtpSession
from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.ports import free_ports
from tamis.postfix.served import RunningTamis, service_user
from tamis.postfix.sink import Sink
from tamis.quarantine import transitions
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store

WHITELISTED = "X-Icodia-SpamFilter-WL"
PATIENCE = 60.0
SPAMMER = "203.0.113.66"
"""A peer whose mail is spam everywhere but in the domain `plain`, whatever it brings."""
HONEST = "203.0.113.25"
OUR_NETWORK = "10.20.0.0/16"
MODES = {
    "quarantine": 'mode = "quarantine"',
    "tag": 'mode = "tag"',
    "junk": 'mode = "junk"',
    "tagged-junk": 'mode = "junk"\ntag = true',
    "plain": f'mode = "quarantine"\nwhitelist_ip = ["{SPAMMER}"]',
    "observe": 'mode = "observe"',
}


def policies(*tops: str, lists: str = "") -> str:
    """Return settings for a domain of each mode, ``tag.example`` and so on, under each of these names.

    `lists` are further entries of the platform's lists.
    """
    general = f'[networks]\nown = ["{OUR_NETWORK}"]\n[lists]\nblacklist_ip = ["{SPAMMER}"]\n{lists}\n'
    return general + "".join(
        f'[domain."{domain}"]\n{policy}\n'
        for top in tops
        for domain, policy in zip(domains(top), MODES.values(), strict=True)
    )


def domains(top: str) -> list[str]:
    """Return the domains of `policies`, in the order of `MODES`."""
    return [f"{mode}.{top}" for mode in MODES]


def letter(subject: str) -> bytes:
    """A short message that tells nobody who gets it."""
    return (
        f"From: Ann <ann@author.example>\r\nTo: undisclosed-recipients:;\r\nSubject: {subject}\r\n"
        f"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\nMessage-ID: <{subject}@author.example>\r\n\r\nbody of {subject}\r\n"
    ).encode()


@dataclass(frozen=True, slots=True)
class Arrived:
    """One recipient's copy as the sink got it."""

    recipient: str
    content: bytes
    sender: str
    mail_parameters: frozenset[str]
    parameters: frozenset[str]
    transaction: int
    """Copies with the same number came in one transaction."""

    @property
    def message(self) -> Message:
        return Message(self.content)

    def header(self, name: str) -> str:
        """The one field of that name, unfolded; empty where there is none. Two are a failure."""
        values = [" ".join(one.text.split()) for one in self.message.fields(name.lower())]
        assert len(values) < 2, values
        return values[0] if values else ""


@dataclass
class Site:
    """A running site; `taken` is how much of what the sink got has been read."""

    postfix: PrivatePostfix
    tamis: RunningTamis
    sink: Sink
    taken: int = field(default=0)

    # --- mail

    @contextmanager
    def session(self, **peer: Any) -> Iterator[SmtpSession]:
        """A connection; with `login` to the submission listener."""
        peer = {"peer": "203.0.113.25", "name": "mail.sender.example", "helo": "mail.sender.example", **peer}
        port = self.postfix.submission_port if peer.get("login") else self.postfix.smtp_port
        with SmtpSession(peer.pop("port", port), **peer) as session:
            yield session

    def send(
        self,
        octets: bytes,
        sender: str,
        recipients: Sequence[str],
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] | Mapping[str, Sequence[str]] = (),
        **peer: Any,
    ) -> SmtpReply:
        """Send one message over a connection of its own, and return the answer."""
        with self.session(**peer) as session:
            return session.send(octets, sender, recipients, mail_options, rcpt_options)

    def deliver(self, octets: bytes, sender: str, recipients: Sequence[str], *options: Any, **peer: Any) -> SmtpReply:
        """Send one message that has to be accepted for all."""
        reply = self.send(octets, sender, recipients, *options, **peer)
        assert reply.accepted, reply
        assert not reply.refused
        return reply

    def settle(self, seconds: float = PATIENCE) -> None:
        """Wait until nothing is on its way any more: copies made anew first, they end in Postfix's queue."""
        deadline = time.monotonic() + seconds
        while self.rows("SELECT 1 FROM outbox LIMIT 1"):
            assert time.monotonic() < deadline, (self.rows("SELECT last_reply FROM outbox"), self.tamis.log_text())
            time.sleep(0.05)
        assert self.postfix.wait_queue_empty(seconds), self.postfix.log_text()[-3000:]

    def arrived(self) -> list[Arrived]:
        """Return what has arrived since this was last asked, one for each recipient, once all is settled."""
        self.settle()
        new = self.sink.messages[self.taken :]
        self.taken += len(new)
        return [
            Arrived(
                recipient, one.content, one.sender, frozenset(one.mail_parameters.split()), frozenset(words.split()), n
            )
            for n, one in enumerate(new)
            for recipient, words in zip(one.recipients, one.rcpt_parameters, strict=True)
        ]

    # --- held mail, by plain SQL

    @property
    def database(self) -> Path:
        return self.tamis.folder / "state" / "tamis.db"

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database, where there is one yet and it has the tables."""
        if not self.database.exists():
            return []
        with as_service_user(), closing(sqlite3.connect(self.database, timeout=20.0)) as connection:
            try:
                return connection.execute(query, values).fetchall()
            except sqlite3.OperationalError as error:
                # The file is there a moment before its tables.
                if "no such table" in str(error):
                    return []
                raise

    def held(self, queue_id: str = "") -> dict[str, str]:
        """Which copies of a message are held, or of all messages: their ids by recipient."""
        query = "SELECT recipient, copy.id FROM copy JOIN message ON message.id = message_id WHERE state = 'held'"
        return dict(self.rows(f"{query} AND queue_id = ?", queue_id) if queue_id else self.rows(query))

    def message_id(self, queue_id: str) -> str:
        """Our id of a message of which something was held or copied."""
        ((found,),) = self.rows("SELECT id FROM message WHERE queue_id = ?", queue_id)
        return str(found)

    # --- held mail, by the code

    @property
    def store(self) -> Store:
        config = configuration.load(self.tamis.config)
        return Store(config.database_url, Spool(config.spool_folder))

    def release(self, *copy_ids: str, by: str = "admin@example.org", malware: bool = False) -> list[str]:
        """Release held copies, and return those that were held."""
        if not copy_ids:
            return []  # Where nothing was ever held, it is not for us to make the database.
        with as_service_user():
            return transitions.release(self.store, copy_ids, by, WHITELISTED, malware=malware)


_acting = 0
_acting_lock = threading.Lock()


@contextmanager
def as_service_user() -> Iterator[None]:
    """Act as the user of the daemon: files that SQLite makes beside the database must be the daemon's."""
    global _acting
    with _acting_lock:
        # For all threads at once: the first becomes that user, the last is root again.
        if not _acting and os.getuid() == 0:
            os.seteuid(pwd.getpwnam(service_user()).pw_uid)
        _acting += 1
    try:
        yield
    finally:
        with _acting_lock:
            _acting -= 1
            if not _acting:
                os.seteuid(os.getuid())


def delivery(postfix: PrivatePostfix) -> str:
    """The section of the settings that names the listeners of a Postfix."""
    return f'[delivery]\nserver = "127.0.0.1:{postfix.own_port}"\nmailbox_server = "127.0.0.1:{postfix.mailbox_port}"\n'


@contextmanager
def running(
    toml: str,
    /,
    *,
    sunk: Sequence[str] = (),
    stored: Sequence[str] = (),
    routes: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    workers: int = 2,
    **postfix: Any,
) -> Iterator[Site]:
    """Run a site with these settings.

    Mail for the domains `sunk` ends in the sink, that for `stored` in the Maildir, other mail at its route or in the
    sink. Further arguments are those of the Postfix.
    """
    (port,) = free_ports(1)
    with Sink() as sink:
        instance = PrivatePostfix(
            f"inet:127.0.0.1:{port}",
            domains=stored,
            routes={**dict.fromkeys(sunk, sink.transport), **(routes or {})},
            default_transport=sink.transport,
            own_networks=[OUR_NETWORK],
            **postfix,
        )
        daemon = RunningTamis(
            delivery(instance) + toml,
            daemon=f"workers = {workers}",
            listen=f"inet:{port}@127.0.0.1",
            environment=environment,
        )
        with daemon, instance:
            yield Site(instance, daemon, sink)
