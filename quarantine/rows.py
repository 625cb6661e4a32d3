"""What is written of a message, as rows of the tables: wire data made fit for every database."""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final

from tamis.quarantine.records import NewCopy, NewMessage, StoredChanges, encode_changes, encode_fields
from tamis.quarantine.words import searchable
from tamis.telling import Telling, of_copy

_KEY: Final = 320
"""Characters of an address (RFC 5321: 64 of the local part, 255 of the domain)."""
_ADDRESS: Final = 2048
"""Characters of an address as said: more than any command line has, since it must not be cut."""


def now() -> datetime:
    """The time as the tables keep it: UTC, without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)


def storable(text: str, length: int) -> str:
    """Return wire data as every database takes it: no NUL, nothing that is not Unicode, capped."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")[:length]


def key(text: str) -> str:
    """Return an address as it is compared in the tables: two that differ past its end differ still."""
    clean = storable(text, len(text))
    if len(clean) <= _KEY:
        return clean
    rest = hashlib.blake2b(clean.encode(), digest_size=16).hexdigest()
    return f"{clean[: _KEY - len(rest) - 1]}#{rest}"


def legs_of(copy: NewCopy) -> str:
    """Return where a copy goes in place of its address, as the table keeps it."""
    return storable(" ".join(copy.legs), 100_000)


def message_row(message: NewMessage) -> dict[str, Any]:
    """Return a message as a row of its table."""
    return {
        "id": message.id,
        "digest": message.incoming.digest,
        "size": message.incoming.size,
        "received_at": message.received_at.astimezone(UTC).replace(tzinfo=None),
        "sender": storable(message.sender, _ADDRESS),
        "sender_key": key(message.sender_key),
        "mail_parameters": storable(message.mail_parameters, 2000),
        "peer": message.peer,
        "rdns": storable(message.rdns, 255),
        "helo": storable(message.helo, 255),
        "queue_id": storable(message.queue_id, 64),
        "header_id": storable(message.header_id, 255),
        "author": storable(message.author, 255),
        "subject": storable(message.subject, 255),
        "learn": message.learn,
    }


def copy_row(message: NewMessage, copy: NewCopy, number: int) -> dict[str, Any]:
    """Return a copy as a row of its table; `number` tells it from the other copies of the message."""
    verdict, moment = copy.verdict, now()
    row = verdict.row
    words = searchable((message.subject, message.sender, message.author, message.header_id))
    return {
        "id": f"{message.id}.{number}",
        "message_id": message.id,
        "recipient": key(verdict.recipient),
        "domain": storable(verdict.recipient.rpartition("@")[2], 253),
        "rcpt_to": storable(copy.rcpt_to, _ADDRESS),
        "rcpt_parameters": storable(copy.rcpt_parameters, 2000),
        "legs": legs_of(copy),
        "legs_left": "",
        "state": copy.state.value,
        "action": verdict.action,
        "mode": verdict.mode,
        "row": row.number if row else "",
        "row_name": row.name if row else "",
        "test": storable(verdict.test, 64),
        "because": storable(verdict.because, 300),
        "score": verdict.score,
        "level": verdict.level,
        "malware": verdict.malware,
        "fields": encode_fields(copy.fields),
        "held_at": moment,
        "changed_at": moment,
        "changed_by": "",
        "seen": 1,
        "outbox_id": copy.outbox.id if copy.outbox else None,
        "size": message.incoming.size,
        "words": words,
        "pairs": words,
        "telling": (Telling.NOT_HELD if copy.outbox else of_copy(message.telling, verdict)).value,
    }


def outbox_row(outbox_id: str, message_id: str, kind: str, expand: bool, changes: StoredChanges) -> dict[str, Any]:
    """Return what copies go out with as a row of its table, due at once."""
    moment = now()
    return {
        "id": outbox_id,
        "message_id": message_id,
        "kind": kind,
        "expand": expand,
        "changes": encode_changes(changes),
        "created_at": moment,
        "next_at": moment,
        "tries": 0,
        "claimed_by": "",
        "claimed_at": None,
        "at_dot": False,
        "last_reply": "",
    }
