"""The journal of what was learned of messages."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: Final = "0012"
down_revision: Final = "0011"


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "learned",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("by", _text(255), nullable=False),
        sa.Column("source", _text(13), nullable=False),
        sa.Column("domain", _text(253), nullable=False),
        sa.Column("digest", _text(40), nullable=False),
        sa.Column("spam", sa.Boolean, nullable=False),
        sa.Column("features", sa.LargeBinary, nullable=False),
        sa.Column("features_version", sa.Integer, nullable=False),
    )
    op.create_index("learned_digest", "learned", ["digest"])
    op.create_index("learned_by", "learned", ["by", "at"])
    op.create_index("learned_at", "learned", ["at"])
    op.create_index("learned_domain", "learned", ["domain", "id"])
