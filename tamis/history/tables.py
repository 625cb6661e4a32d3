"""The tables of the history of decisions. They are made by the migrations only (`tamis.schema`)."""

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table

from tamis.database import METADATA, text_of

_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")

DECISION: Final = Table(
    "decision",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=False, doc="ascends with time (tamis.history.keys)"),
    Column("found_by", LargeBinary, nullable=False, doc="its keys, 8 octets each: what is removed with it"),
    Column("decided", LargeBinary, nullable=False, doc="tamis.history.decided.Decided: JSON, deflated"),
)

DECISION_KEY: Final = Table(
    "decision_key",
    METADATA,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""What each decision is found by. Its primary key is the only index, and all that a search reads."""

DECISION_COUNT: Final = Table(
    "decision_count",
    METADATA,
    Column("hour", Integer, primary_key=True, autoincrement=False, doc="hours since 1970, UTC"),
    Column("domain", text_of(253), primary_key=True, doc="the recipient domain; empty: all of the platform"),
    Column("what", text_of(16), primary_key=True, doc="verdict, action, row, test or latency"),
    Column("name", text_of(64), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""How many recipients got what; of latency, how many messages took at most so many milliseconds."""
