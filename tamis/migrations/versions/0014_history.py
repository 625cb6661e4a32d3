"""The history of decisions: what each said, what it is found by, and how many there were in each hour."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: Final = "0014"
down_revision: Final = "0010"


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "decision",
        sa.Column("number", number, primary_key=True, autoincrement=False),
        sa.Column("found_by", sa.LargeBinary, nullable=False),
        sa.Column("decided", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "decision_key",
        sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "decision_count",
        sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("domain", _text(253), primary_key=True),
        sa.Column("what", _text(16), primary_key=True),
        sa.Column("name", _text(64), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
