"""The history of decisions, found by keys and summed by the hour; accounts of the console, and what they changed."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: Final = "0014"
down_revision: Final = "0013"


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
    op.create_table(
        "account",
        sa.Column("name", _text(64), primary_key=True),
        sa.Column("password", _text(255), nullable=False),
        sa.Column("role", _text(8), nullable=False),
        sa.Column("domains", sa.Text, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("made_by", _text(255), nullable=False),
    )
    op.create_table(
        "console_visit",
        sa.Column("digest", _text(64), primary_key=True),
        sa.Column("account", _text(64), nullable=False),
        sa.Column("began_at", sa.DateTime, nullable=False),
        sa.Column("ends_at", sa.DateTime, nullable=False),
    )
    op.create_index("console_visit_account", "console_visit", ["account"])
    op.create_table(
        "locked_mailbox",
        sa.Column("address", _text(320), primary_key=True),
        sa.Column("locked_at", sa.DateTime, nullable=False),
        sa.Column("locked_by", _text(255), nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", number, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("by", _text(255), nullable=False),
        sa.Column("address", _text(45), nullable=False),
        sa.Column("action", _text(64), nullable=False),
        sa.Column("subject", _text(320), nullable=False),
        sa.Column("domain", _text(253), nullable=False),
        sa.Column("note", _text(1000), nullable=False),
    )
    op.create_index("audit_domain", "audit", ["domain", "id"])
