"""What is written of a message whose recipients do not all get the MTA's own copy."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from tamis.headers import Changes
from tamis.quarantine.spool import Incoming
from tamis.record import Verdict
from tamis.telling import Telling


class State(enum.StrEnum):
    """Where a copy is: of each message each recipient has one, in one state."""

    HELD = "held"
    RELEASED = "released"
    """On its way through the outbox."""
    DELIVERED = "delivered"
    """The MTA has taken it."""
    EXPIRED = "expired"
    DELETED = "deleted"


NEEDS_CONTENT: Final = (State.HELD, State.RELEASED)

Fields = list[tuple[str, str]]
"""Header fields in order, values sanitised and folded with ``\\n\\t``."""


@dataclass(frozen=True, slots=True)
class NewOutbox:
    """A copy that is made anew for one or more recipients. `expand`: the MTA expands their aliases."""

    id: str
    changes: Changes
    expand: bool = True


@dataclass(frozen=True, slots=True)
class NewCopy:
    """One recipient's share. `legs` are the addresses it goes to in place of `rcpt_to`, where aliases are parted.

    `fields` are written above a held copy when it is released; `outbox` is how a copy that is not held goes out.
    """

    verdict: Verdict
    rcpt_to: str
    rcpt_parameters: str = ""
    legs: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    outbox: NewOutbox | None = None

    @property
    def state(self) -> State:
        return State.RELEASED if self.outbox else State.HELD


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One message to hold or to copy. `incoming` has its octets and has been stored."""

    id: str
    incoming: Incoming
    received_at: datetime
    sender: str
    sender_key: str
    mail_parameters: str
    peer: str
    rdns: str
    helo: str
    queue_id: str
    header_id: str
    author: str
    subject: str
    copies: tuple[NewCopy, ...]
    learn: bool = False
    """Whether it may be learned as spam without anybody having looked at it."""
    telling: Telling = Telling.UNPROVED
    """Whether the sender of what is held may be told of it."""


class StoredChanges(msgspec.Struct, frozen=True):
    """What is done to the octets on their way out; JSON in the database."""

    add: Fields = []
    remove: list[str] = []
    remove_some: dict[str, list[int]] = {}
    """Fields of which only some copies go, by their numbers from 1 at the top."""
    subjects: dict[str, str] = {}
    """New values of Subject fields by their number, from 1."""


def encode_fields(fields: tuple[tuple[str, str], ...] | Fields) -> str:
    return msgspec.json.encode(fields).decode()


def decode_fields(text: str) -> Fields:
    """Raises `msgspec.DecodeError` for what is not ours."""
    return msgspec.json.decode(text, type=Fields)


def encode_changes(changes: StoredChanges) -> str:
    return msgspec.json.encode(changes).decode()


def decode_changes(text: str) -> StoredChanges:
    """Raises `msgspec.DecodeError` for what is not ours."""
    return msgspec.json.decode(text, type=StoredChanges)


def stored_changes(changes: Changes) -> StoredChanges:
    """Return changes as the outbox keeps them."""
    subjects = {str(number): value for number, value in changes.repeated_subjects.items()}
    if changes.subject is not None:
        subjects["1"] = changes.subject
    return StoredChanges(changes.add, changes.remove, changes.remove_some, subjects)
