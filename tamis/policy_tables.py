"""The tables of policies, of every change to them, and of notices of quotas.

They are made by the migrations only (`tamis.schema`).
"""

from typing import Final

from sqlalchemy import Column, DateTime, Index, Integer, Table, Text

from tamis.database import METADATA, text_of

POLICY: Final = Table(
    "policy",
    METADATA,
    Column("owner", text_of(320), primary_key=True, doc="address, domain, policy:NAME; empty for the platform"),
    Column("domain", text_of(253), nullable=False, doc="the domain that the owner is, or is in; else empty"),
    Column("chosen", Text, nullable=False, doc="what is chosen: JSON, an object of full keys"),
    Column("changed_by", text_of(255), nullable=False),
    Column("changed_at", DateTime, nullable=False, doc="UTC"),
    Index("policy_domain", "domain", "owner"),
)
"""What one owner has chosen; without a row, nothing."""

QUOTA_NOTICE: Final = Table(
    "quota_notice",
    METADATA,
    Column("address", text_of(320), primary_key=True),
    Column("at", DateTime, nullable=False, doc="UTC"),
)
"""When a mailbox was told last that it is nearly full."""

POLICY_EVENT: Final = Table(
    "policy_event",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("owner", text_of(320), nullable=False),
    Column("domain", text_of(253), nullable=False),
    Column("key", text_of(80), nullable=False),
    Column("at", DateTime, nullable=False, doc="UTC"),
    Column("by", text_of(255), nullable=False),
    Column("old", Text, nullable=True, doc="JSON; nothing where it was not set"),
    Column("new", Text, nullable=True, doc="JSON; nothing where it is not set any more"),
    Column("note", text_of(255), nullable=False, default=""),
    Index("policy_event_owner", "owner", "key", "id"),
    Index("policy_event_domain", "domain", "id"),
)
"""One change of one key. Never changed, never removed."""
