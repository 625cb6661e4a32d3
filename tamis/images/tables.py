"""The table of known images. It is made by the migrations only (`tamis.schema`). Times are UTC."""

import enum
from typing import Final

from sqlalchemy import Column, DateTime, Index, Integer, LargeBinary, Table

from tamis.database import METADATA, text_of


class State(enum.StrEnum):
    """`KNOWN`: mail with it is spam. `PROPOSED`: traps got it, in too few messages yet. `CLEARED`: a person took it
    back; traps do not bring it again."""

    KNOWN = "known"
    PROPOSED = "proposed"
    CLEARED = "cleared"


IMAGE: Final = Table(
    "known_image",
    METADATA,
    Column("id", text_of(32), primary_key=True, doc="digest of its pixels, in hexadecimal digits"),
    Column("octets", text_of(32), nullable=False, doc="digest of its octets, likewise"),
    Column("shape", text_of(64), nullable=False, doc="likewise; empty where it has none"),
    Column("sketch", LargeBinary, nullable=False, doc="of its text: 32 bits of each run, little-endian"),
    Column("runs", Integer, nullable=False, doc="how many its text has; none where it is too short to be known by"),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("says", text_of(80), nullable=False, doc="the first words of its text, for people to know it by"),
    Column("state", text_of(8), nullable=False),
    Column("messages", Integer, nullable=False, doc="how many different ones brought it to where it was learned"),
    Column("learned_by", text_of(255), nullable=False, doc="who first; traps are `traps`"),
    Column("added_at", DateTime, nullable=False),
    Column("seen_at", DateTime, nullable=False),
    Column("changed_by", text_of(255), nullable=False),
    Column("note", text_of(255), nullable=False),
    Index("known_image_state", "state", "seen_at"),
)
"""A spam image, or one that may be."""
