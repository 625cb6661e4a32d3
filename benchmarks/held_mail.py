"""Held mail that was never sent: as many messages as wanted, through the code that holds mail, without its waits."""

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import BindParameter, bindparam, update

from tamis.disposition import dispose
from tamis.filters.order import BY_NAME
from tamis.mail import Mail, parse_ip
from tamis.message import Message
from tamis.quarantine.entry import SmtpFacts, new_message
from tamis.quarantine.records import NewMessage
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.quarantine.tables import COPY, MESSAGE
from tamis.record import Record, Verdict
from tamis.settings import Headers

DOMAINS: Final = 200
MAILBOXES: Final = 25
"""In each domain."""
DAYS: Final = 30
_TOGETHER: Final = 500
_TEXT: Final = (
    "account action again approved balance bank best bonus buy call card casino cash cheap claim click "
    "congratulations credit customer deal delivery discount doctor dollars double earn expires fast final free "
    "friend gift guarantee health hello help hour important income invoice last limited loan lottery luxury "
    "meeting million money news notice offer official online only open order parcel password payment pending "
    "pharmacy pills please price prize promotion refund reminder reply report request required reward safe sale "
    "save secret security service special statement stock sunday system tax team ticket today transfer update "
    "urgent verify visit warning watch week winner work"
)
_WORDS: Final = _TEXT.split()
_ROWS: Final = ("bayes", "bayes", "bayes", "bayes", "blacklisted-sender", "blacklisted-ip", "mail-checksum",
                "missing-sender", "empty-mail", "cyrillic")  # fmt: skip
_TESTS: Final = (("BAYES", 8421), ("MISSING_DATE", 214), ("MISSING_MESSAGE_ID", 250), ("RECEIVED_NONE", 0))


def skewed(chance: random.Random, number: int) -> int:
    """A number below another, small ones more often: some domains get much of the mail."""
    return int(number * chance.random() ** 2)


def mails(number: int, octets: int, seed: int = 1) -> Iterator[tuple[Mail, tuple[Verdict, ...], bytes]]:
    """Yield messages to hold, with the verdicts of their recipients, and their octets."""
    chance = random.Random(seed)
    filler = (b"All work and no play makes Jack a dull boy, so they say.\r\n" * (octets // 58 + 1))[:octets]
    for count in range(number):
        words = chance.choices(_WORDS, k=chance.randint(3, 9))
        sender = f"{words[0]}.{words[1]}{chance.randrange(100)}@{words[2]}{skewed(chance, 20000)}.example"
        raw = (
            f"From: {words[0].title()} {words[1].title()} <{sender}>\r\nTo: undisclosed-recipients:;\r\n"
            f"Subject: {' '.join(words)} {count}\r\nMessage-ID: <{chance.getrandbits(96):024x}@{words[2]}.example>\r\n"
            f"Date: Wed, 25 Nov 2026 13:49:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"
        ).encode()
        domain = f"customer{skewed(chance, DOMAINS)}.example"
        wanted = 1 if chance.random() < 0.9 else chance.randint(2, 4)
        boxes = chance.sample(range(MAILBOXES), wanted)
        mail = Mail(
            message=Message(raw.replace(b"\r\n", b"\n")),
            peer=parse_ip(f"198.51.{skewed(chance, 256)}.{chance.randrange(256)}"),
            rdns=f"mail{skewed(chance, 5000)}.{words[2]}.example",
            helo=f"mail.{words[2]}.example",
            sender=sender,
            recipients=[f"user{box}@{domain}" for box in boxes],
            queue_id=f"{chance.getrandbits(56):014X}",
        )
        row = BY_NAME[chance.choice(_ROWS)]
        because = f"score {8 + chance.random():.3f} reaches the level 7.5"
        verdicts = tuple(
            Verdict(one, True, "hold", "quarantine", 7.5, 8885, _TESTS, row, "BAYES", because)
            for one in mail.recipients
        )
        yield mail, verdicts, raw + filler[: max(0, octets - len(raw))]


def new(spool: Spool, mail: Mail, verdicts: tuple[Verdict, ...], octets: bytes) -> NewMessage:
    """Put a message into the spool; return what is to be written of it."""
    incoming = spool.incoming()
    incoming.write(octets)
    incoming.store()
    disposition = dispose(Record(mail, verdicts=verdicts), Headers(), lambda _recipients: {})
    return new_message(mail, disposition, SmtpFacts(mta="mx.tamis.example"), incoming)


def _at_once(fd: object) -> None:
    """What is made here need not survive a power cut."""


def fill(store: Store, number: int, octets: int) -> None:
    """Hold messages as if they had come over the last days; nothing waits for the disk."""
    wait = os.fsync
    os.fsync = _at_once
    try:
        batch: list[NewMessage] = []
        for count, one in enumerate(mails(number, octets), 1):
            batch.append(new(store.spool, *one))
            if len(batch) == _TOGETHER or count == number:
                store.write(batch)
                _date_back(store, batch, count - len(batch), number)
                for message in batch:
                    message.incoming.discard()
                batch.clear()
    finally:
        os.fsync = wait


def _date_back(store: Store, batch: list[NewMessage], first: int, number: int) -> None:
    end = datetime.now(UTC).replace(tzinfo=None)
    moments = [end - timedelta(days=DAYS * (1 - (first + place) / number)) for place in range(len(batch))]
    rows = [{"one": message.id, "then": moment} for message, moment in zip(batch, moments, strict=True)]
    then: BindParameter[datetime] = bindparam("then")
    with store.transaction() as connection:
        connection.execute(update(MESSAGE).where(MESSAGE.c.id == bindparam("one")).values(received_at=then), rows)
        ours = update(COPY).where(COPY.c.message_id == bindparam("one"))
        connection.execute(ours.values(held_at=then, changed_at=then), rows)
