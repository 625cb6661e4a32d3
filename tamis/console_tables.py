"""The tables of the administrator's console: accounts, visits, locked mailboxes, and what was changed by whom.

They are made by the migrations only (`tamis.schema`). Times are UTC.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, Table, Text

from tamis.database import METADATA, text_of

ACCOUNT: Final = Table(
    "account",
    METADATA,
    Column("name", text_of(64), primary_key=True),
    Column("password", text_of(255), nullable=False, doc="argon2id, with its salt and costs"),
    Column("role", text_of(8), nullable=False, doc="platform, domain or auditor"),
    Column("domains", Text, nullable=False, doc="recipient domains of the role domain, by spaces"),
    Column("disabled", Boolean, nullable=False),
    Column("made_at", DateTime, nullable=False),
    Column("made_by", text_of(255), nullable=False),
)

VISIT: Final = Table(
    "console_visit",
    METADATA,
    Column("digest", text_of(64), primary_key=True, doc="hexadecimal BLAKE2b-256 of what the cookie says"),
    Column("account", text_of(64), nullable=False),
    Column("began_at", DateTime, nullable=False),
    Column("ends_at", DateTime, nullable=False),
    Index("console_visit_account", "account"),
)

LOCKED: Final = Table(
    "locked_mailbox",
    METADATA,
    Column("address", text_of(320), primary_key=True, doc="normalised; invisible to administrators of its domain"),
    Column("locked_at", DateTime, nullable=False),
    Column("locked_by", text_of(255), nullable=False),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", DateTime, nullable=False),
    Column("by", text_of(255), nullable=False),
    Column("address", text_of(45), nullable=False, doc="from where; empty: the command line"),
    Column("action", text_of(64), nullable=False),
    Column("subject", text_of(320), nullable=False, doc="of what"),
    Column("domain", text_of(253), nullable=False, doc="whose administrators may see it; empty: the platform's alone"),
    Column("note", text_of(1000), nullable=False),
    Index("audit_domain", "domain", "id"),
)
