"""The journal of what was learned of messages. It is made by the migrations only (`tamis.schema`). Times are UTC."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, LargeBinary, Table

from tamis.database import METADATA, text_of

LEARNED: Final = Table(
    "learned",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", DateTime, nullable=False),
    Column("by", text_of(255), nullable=False, doc="who said it"),
    Column("source", text_of(13), nullable=False, doc="administrator, recipient, release, trap or self"),
    Column("domain", text_of(253), nullable=False, doc="the recipient domain, empty for the platform"),
    Column("digest", text_of(40), nullable=False, doc="hexadecimal digest of the message's content"),
    Column("spam", Boolean, nullable=False),
    Column("features", LargeBinary, nullable=False, doc="hashed features, compressed; no text"),
    Column("features_version", Integer, nullable=False),
    Index("learned_digest", "digest"),
    Index("learned_by", "by", "at"),
    Index("learned_at", "at"),
    Index("learned_domain", "domain", "id"),
)
"""Nothing in it is changed: of what one reporter said of one message for one domain, the last word counts."""
