"""Known spam images."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: Final = "0010"
down_revision: Final = "0004"


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "known_image",
        sa.Column("id", _text(32), primary_key=True),
        sa.Column("octets", _text(32), nullable=False),
        sa.Column("shape", _text(64), nullable=False),
        sa.Column("sketch", sa.LargeBinary, nullable=False),
        sa.Column("runs", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("says", _text(80), nullable=False),
        sa.Column("state", _text(8), nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("learned_by", _text(255), nullable=False),
        sa.Column("added_at", sa.DateTime, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
        sa.Column("changed_by", _text(255), nullable=False),
        sa.Column("note", _text(255), nullable=False),
    )
    op.create_index("known_image_state", "known_image", ["state", "seen_at"])
