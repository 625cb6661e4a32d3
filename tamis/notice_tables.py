"""The tables of what people are told about held mail. They are made by the migrations only (`tamis.schema`).

Times are UTC.
"""

from typing import Final

from sqlalchemy import Column, DateTime, Index, Integer, Table, Text

from tamis.database import METADATA, text_of

SENDER_NOTICE: Final = Table(
    "sender_notice",
    METADATA,
    Column("person", text_of(320), primary_key=True, doc="who is told, as `tamis.telling.person` has it"),
    Column("sender", Text, nullable=False, doc="where the notice goes: as said in MAIL FROM"),
    Column("sender_key", text_of(320), nullable=False, doc="normalised: whose held mail its page lists"),
    Column("message_id", text_of(16), nullable=False, doc="the message that it is about"),
    Column("asked_at", DateTime, nullable=False, doc="no other for the same person within a day"),
    Column("state", text_of(8), nullable=False, doc="sending, at-dot, sent, refused or needless"),
    Column("tries", Integer, nullable=False),
    Column("next_at", DateTime, nullable=False, doc="not sent before; whoever sends it puts this off first"),
    Column("last_reply", text_of(255), nullable=False),
    Index("sender_notice_next", "state", "next_at"),
)
"""The latest notice to each sender."""

MAILBOX: Final = Table(
    "mailbox",
    METADATA,
    Column("recipient", text_of(320), primary_key=True, doc="an address for which mail is or was held"),
    Column("mailbox", text_of(320), primary_key=True, doc="where its mail goes; several for an alias of several"),
    Column("found_at", DateTime, nullable=False),
    Index("mailbox_mailbox", "mailbox"),
)
"""Whose held mail belongs to which mailbox: aliases and catch-alls merged. Kept by the keeper."""

DIGEST: Final = Table(
    "digest",
    METADATA,
    Column("mailbox", text_of(320), primary_key=True),
    Column("day", text_of(10), nullable=False, doc="the day of the latest digest, of the machine's time zone"),
    Column("until", DateTime, nullable=False, doc="what was held until then has stood in one"),
    Column("state", text_of(8), nullable=False, doc="as in sender_notice"),
    Column("tries", Integer, nullable=False),
    Column("next_at", DateTime, nullable=False),
    Column("last_reply", text_of(255), nullable=False),
    Index("digest_next", "state", "next_at"),
)

SPENT: Final = Table(
    "spent",
    METADATA,
    Column("nonce", text_of(64), primary_key=True),
    Column("expires_at", DateTime, nullable=False),
    Index("spent_expires", "expires_at"),
)
"""Proofs of being a person that have been used: each counts once, on whatever machine."""
