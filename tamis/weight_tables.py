"""The tables of what is learned of senders (row 7), and of outgoing mail that waits for reports of failure.

They are made by the migrations only (`tamis.schema`). Times are UTC.
"""

from typing import Final

from sqlalchemy import Column, DateTime, Float, Index, Integer, Table, Text

from tamis.database import METADATA, text_of

SENDER_WEIGHT: Final = Table(
    "sender_weight",
    METADATA,
    Column("domain", text_of(253), primary_key=True, doc="the recipient domain"),
    Column("sender", text_of(320), primary_key=True, doc="normalised"),
    Column("weight", Float, nullable=False, doc="as it was at that time; it decays"),
    Column("at", DateTime, nullable=False),
    Column("validations", Integer, nullable=False),
    Column("releases", Integer, nullable=False),
    Column("sent", Integer, nullable=False, doc="mail to it without a report of failure"),
    Column("complaints", Integer, nullable=False),
    Column("changed_by", text_of(255), nullable=False),
    Index("sender_weight_sender", "sender"),
    Index("sender_weight_at", "at"),
)

SENT: Final = Table(
    "sent",
    METADATA,
    Column("mail_id", text_of(16), primary_key=True, doc="our id of the outgoing message"),
    Column("recipient", text_of(320), primary_key=True, doc="normalised"),
    Column("domain", text_of(253), nullable=False, doc="of who sent it"),
    Column("message_key", text_of(32), nullable=False, doc="digest of its Message-ID, empty where it has none"),
    Column("envelope_key", text_of(32), nullable=False, doc="digest of its ENVID, empty where it has none"),
    Column("sent_at", DateTime, nullable=False),
    Column("state", text_of(7), nullable=False, doc="waiting, counted or failed"),
    Column("counted_at", DateTime, nullable=True, doc="when it was learned from"),
    Index("sent_message", "message_key"),
    Index("sent_envelope", "envelope_key"),
    Index("sent_state", "state", "sent_at"),
    Index("sent_at", "sent_at"),
)
"""Recipients of outgoing mail, until no report of failure can come any more."""

UNDELIVERED: Final = Table(
    "undelivered",
    METADATA,
    Column("key", text_of(32), primary_key=True, doc="digest of the Message-ID or the ENVID that it names"),
    Column("mail_id", text_of(16), primary_key=True, doc="our id of the report"),
    Column("recipients", Text, nullable=False, doc="JSON: those that it says had no delivery; empty for all"),
    Column("seen_at", DateTime, nullable=False),
)
"""Reports of failure whose message has not been found yet: it may be on its way here from another process."""
