"""The tables of held mail and of copies made anew. They are made by the migrations only (`tamis.schema`).

Times are UTC. A message stands once in `message` and once in the spool, whatever the number of its recipients.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    Table,
    Text,
    TypeDecorator,
    text,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import ARRAY

from tamis.database import METADATA, text_of
from tamis.quarantine.words import pairs

CONTENT: Final = Table(
    "content",
    METADATA,
    Column("digest", text_of(64), primary_key=True, doc="hexadecimal BLAKE2b-256 of the octets on the wire"),
    Column("size", BigInteger, nullable=False),
    Column("stored_at", DateTime, nullable=False, doc="of the latest message with this content"),
)
"""What the spool holds. Whoever adds a message with a content, or removes the content, locks its row first."""

MESSAGE: Final = Table(
    "message",
    METADATA,
    Column("id", text_of(16), primary_key=True, doc="our id, as in the headers and the log"),
    Column("digest", text_of(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("received_at", DateTime, nullable=False),
    Column("sender", Text, nullable=False, doc="as said in MAIL FROM, empty for the null sender"),
    Column("sender_key", text_of(320), nullable=False, doc="normalised, for comparing"),
    Column("mail_parameters", Text, nullable=False, doc="of MAIL FROM, those that go with a copy"),
    Column("peer", text_of(45), nullable=False),
    Column("rdns", text_of(255), nullable=False),
    Column("helo", text_of(255), nullable=False),
    Column("queue_id", text_of(64), nullable=False),
    Column("header_id", text_of(255), nullable=False, doc="Message-ID:"),
    Column("author", text_of(255), nullable=False),
    Column("subject", text_of(255), nullable=False),
    Column("learn", Boolean, nullable=False, doc="waits to be learned as spam: only traps got it"),
    Index("message_digest", "digest"),
    Index("message_sender", "sender_key"),
    Index("message_peer", "peer"),
    Index("message_queue", "queue_id"),
    Index("message_learn", "received_at", sqlite_where=text("learn"), postgresql_where=text("learn")),
)


class Pairs(TypeDecorator[str]):
    """The pairs of letters (`words.pairs`) of the text that is assigned. On SQLite, which needs none, it is empty."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(ARRAY(Integer) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        return pairs(value) if value and dialect.name == "postgresql" else None


_ON_ITS_WAY: Final = text("outbox_id IS NOT NULL")
_TO_BE_TOLD: Final = text("telling = 'waiting'")

COPY: Final = Table(
    "copy",
    METADATA,
    Column("id", text_of(20), primary_key=True, doc="our id of the message, a dot and a number"),
    Column("message_id", text_of(16), nullable=False),
    Column("recipient", text_of(320), nullable=False, doc="normalised: whose copy it is"),
    Column("domain", text_of(253), nullable=False),
    Column("rcpt_to", Text, nullable=False, doc="as said in RCPT TO"),
    Column("rcpt_parameters", Text, nullable=False, doc="of RCPT TO, those that go with a copy"),
    Column("legs", Text, nullable=False, doc="addresses it goes to in place of rcpt_to, by spaces; usually none"),
    Column("legs_left", Text, nullable=False, doc="those that have not taken it, once some have"),
    Column("state", text_of(9), nullable=False),
    Column("action", text_of(8), nullable=False),
    Column("mode", text_of(10), nullable=False),
    Column("row", text_of(3), nullable=False, doc="number of the deciding row, empty where none decided"),
    Column("row_name", text_of(32), nullable=False),
    Column("test", text_of(64), nullable=False),
    Column("because", text_of(300), nullable=False),
    Column("score", Integer, nullable=False, doc="thousandths of a point"),
    Column("level", Float, nullable=False),
    Column("malware", Boolean, nullable=False, doc="never released by the sender, no notice"),
    Column("fields", Text, nullable=False, doc="JSON: the header fields written above it"),
    Column("held_at", DateTime, nullable=False),
    Column("changed_at", DateTime, nullable=False),
    Column("changed_by", text_of(255), nullable=False),
    Column("seen", Integer, nullable=False, doc="how often the client brought it within a day"),
    Column("answered", Boolean, nullable=False, default=False, doc="the MTA has had our answer: nobody tries again"),
    Column("outbox_id", text_of(16), nullable=True, doc="what it goes out with while released"),
    Column("size", BigInteger, nullable=False, doc="octets of the message"),
    Column("words", text_of(2000), nullable=False, doc="what is searched: subject, sender, author, Message-ID"),
    Column("telling", text_of(12), nullable=False, default="", doc="whether its sender is told of it (tamis.telling)"),
    Column("pairs", Pairs, nullable=True, doc="the words again, for an index of PostgreSQL"),
    Index("copy_message", "message_id"),
    Index("copy_recipient", "recipient", "state", "held_at", "id"),
    # With all that is counted, or searched: a table of wide rows need not be read for it. The words stand only where
    # a change of state moves entries from one end of the index to another, never about all of it.
    Index("copy_domain", "domain", "state", "held_at", "id", "size"),
    Index("copy_state", "state", "held_at", "id", "size", "row", "words"),
    Index("copy_telling", "held_at", sqlite_where=_TO_BE_TOLD, postgresql_where=_TO_BE_TOLD),
    Index("copy_outbox", "outbox_id", sqlite_where=_ON_ITS_WAY, postgresql_where=_ON_ITS_WAY),
)
PAIRS_INDEX: Final = "copy_pairs"
"""On PostgreSQL alone: the pairs of letters of what is held. SQLite reads an index from end to end in less time."""
HELD: Final = text("state = 'held'")
"""The copies that it has. A question has to say the same words to be answered from it."""

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("id", text_of(16), primary_key=True),
    Column("message_id", text_of(16), nullable=False),
    Column("kind", text_of(7), nullable=False, doc="parted or release"),
    Column("expand", Boolean, nullable=False, doc="whether the MTA expands the recipients' aliases"),
    Column("changes", Text, nullable=False, doc="JSON: fields above, names removed, Subjects"),
    Column("created_at", DateTime, nullable=False),
    Column("next_at", DateTime, nullable=False, doc="not sent before"),
    Column("tries", Integer, nullable=False),
    Column("claimed_by", text_of(255), nullable=False, doc="host, process and its start; empty: nobody"),
    Column("claimed_at", DateTime, nullable=True),
    Column("at_dot", Boolean, nullable=False, doc="the end of the message may have reached the MTA"),
    Column("last_reply", text_of(255), nullable=False),
    Index("outbox_next", "next_at"),
)
"""Copies on their way to the MTA; a row is gone once they have arrived."""

EVENT: Final = Table(
    "event",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("copy_id", text_of(20), nullable=False),
    Column("at", DateTime, nullable=False),
    Column("state", text_of(9), nullable=False),
    Column("by", text_of(255), nullable=False),
    Column("note", text_of(255), nullable=False),
    Index("event_copy", "copy_id"),
)
"""Every change of a copy's state after its first."""

COUNTER: Final = Table(
    "counter",
    METADATA,
    Column("name", text_of(32), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
