"""Complaints, what was proposed because of them, and the licences of list sources."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: Final = "0004"
down_revision: Final = "0002"


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "complaint",
        sa.Column("kind", _text(6), primary_key=True),
        sa.Column("value", _text(320), primary_key=True),
        sa.Column("report", _text(40), primary_key=True),
        sa.Column("reporter", _text(40), nullable=False),
        sa.Column("type", _text(32), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("source", _text(255), nullable=False),
    )
    op.create_table(
        "proposal",
        sa.Column("kind", _text(6), primary_key=True),
        sa.Column("value", _text(320), primary_key=True),
        sa.Column("complaints", sa.Integer, nullable=False),
        sa.Column("reporters", sa.Integer, nullable=False),
        sa.Column("types", _text(255), nullable=False),
        sa.Column("first_seen", sa.DateTime, nullable=False),
        sa.Column("last_seen", sa.DateTime, nullable=False),
        sa.Column("state", _text(9), nullable=False),
        sa.Column("decided_by", _text(255), nullable=False),
        sa.Column("decided_at", sa.DateTime, nullable=True),
        sa.Column("decided_complaints", sa.Integer, nullable=False),
        sa.Column("note", _text(255), nullable=False),
    )
    op.create_table(
        "list_source",
        sa.Column("name", _text(255), primary_key=True),
        sa.Column("licence", _text(255), nullable=False),
        sa.Column("imported_at", sa.DateTime, nullable=False),
    )
    op.create_index("proposal_state", "proposal", ["state", "complaints"])
