"""The tables of complaints, of what was proposed because of them, and of where list entries come from.

They are made by the migrations only (`tamis.schema`). Times are UTC.
"""

from typing import Final

from sqlalchemy import Column, DateTime, Index, Integer, Table

from tamis.database import METADATA, text_of

COMPLAINT: Final = Table(
    "complaint",
    METADATA,
    Column("kind", text_of(6), primary_key=True, doc="ip, sender or domain"),
    Column("value", text_of(320), primary_key=True),
    Column("report", text_of(40), primary_key=True, doc="digest of the report, so that each counts once"),
    Column("reporter", text_of(40), nullable=False, doc="digest of who complained: nobody's address is kept"),
    Column("type", text_of(32), nullable=False, doc="Feedback-Type (RFC 5965), as abuse or fraud"),
    Column("at", DateTime, nullable=False),
    Column("source", text_of(255), nullable=False, doc="who handed it over"),
)
"""One complaint of one accused."""

PROPOSAL: Final = Table(
    "proposal",
    METADATA,
    Column("kind", text_of(6), primary_key=True),
    Column("value", text_of(320), primary_key=True),
    Column("complaints", Integer, nullable=False),
    Column("reporters", Integer, nullable=False, doc="distinct ones"),
    Column("types", text_of(255), nullable=False, doc="how many complaints of each type"),
    Column("first_seen", DateTime, nullable=False),
    Column("last_seen", DateTime, nullable=False),
    Column("state", text_of(9), nullable=False, doc="open, listed or dismissed"),
    Column("decided_by", text_of(255), nullable=False, default=""),
    Column("decided_at", DateTime, nullable=True),
    Column("decided_complaints", Integer, nullable=False, default=0, doc="how many there were then"),
    Column("note", text_of(255), nullable=False, default=""),
    Index("proposal_state", "state", "complaints"),
)
"""An accused, with what a person decides by; its numbers follow from `complaint`."""

LIST_SOURCE: Final = Table(
    "list_source",
    METADATA,
    Column("name", text_of(255), primary_key=True, doc="as in list_entry.added_by"),
    Column("licence", text_of(255), nullable=False),
    Column("imported_at", DateTime, nullable=False),
)
"""Under which licence the entries of a source may be used."""
