"""The tables of what is lastingly known of files: statistics of each, and the vertices of the hypercube.

They are made by the migrations only (`tamis.schema`). Times are UTC.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, Table

from tamis.database import METADATA, text_of

ATTACHMENT: Final = Table(
    "attachment",
    METADATA,
    Column("digest", text_of(64), primary_key=True, doc="SHA-256"),
    Column("size", BigInteger, nullable=False),
    Column("kind", text_of(20), nullable=False, doc="its true type"),
    Column("name", text_of(255), nullable=False, doc="as it was last sent"),
    Column("runs", Boolean, nullable=False, doc="executable-like"),
    Column("first_seen", DateTime, nullable=False),
    Column("last_seen", DateTime, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("recipients", Integer, nullable=False, doc="of each message, added up"),
    Column("ham", Integer, nullable=False, doc="messages that were let through to everybody"),
    Column("spam", Integer, nullable=False, doc="messages that were spam for somebody"),
    Column("malware", Integer, nullable=False),
    Column("sketch", text_of(64), nullable=False, doc="its vertex, empty where none was made"),
    Index("attachment_last_seen", "last_seen"),
    Index("attachment_runs", "runs", "recipients"),
)

VERTEX: Final = Table(
    "vertex",
    METADATA,
    Column("sketch", text_of(64), primary_key=True, doc="256 bits"),
    Column("kind", text_of(20), nullable=False),
    Column("family", text_of(80), nullable=False, doc="of the bad ones, empty where there is none"),
    Column("bad", Integer, nullable=False),
    Column("good", Integer, nullable=False),
    Column("first_seen", DateTime, nullable=False),
    Column("last_seen", DateTime, nullable=False),
    Column("good_at", DateTime, nullable=True, doc="when mail last counted as good: once a day"),
    Column("taught_by", text_of(255), nullable=False, doc="who taught it, empty for rows 1, 24 and 26"),
    Index("vertex_last_seen", "last_seen"),
)
