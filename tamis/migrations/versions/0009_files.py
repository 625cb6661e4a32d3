"""Statistics of files, and the vertices of the hypercube."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: Final = "0009"
down_revision: Final = "0006"


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "attachment",
        sa.Column("digest", _text(64), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("kind", _text(20), nullable=False),
        sa.Column("name", _text(255), nullable=False),
        sa.Column("runs", sa.Boolean, nullable=False),
        sa.Column("first_seen", sa.DateTime, nullable=False),
        sa.Column("last_seen", sa.DateTime, nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("recipients", sa.Integer, nullable=False),
        sa.Column("ham", sa.Integer, nullable=False),
        sa.Column("spam", sa.Integer, nullable=False),
        sa.Column("malware", sa.Integer, nullable=False),
        sa.Column("sketch", _text(64), nullable=False),
    )
    op.create_index("attachment_last_seen", "attachment", ["last_seen"])
    op.create_index("attachment_runs", "attachment", ["runs", "recipients"])
    op.create_table(
        "vertex",
        sa.Column("sketch", _text(64), primary_key=True),
        sa.Column("kind", _text(20), nullable=False),
        sa.Column("family", _text(80), nullable=False),
        sa.Column("bad", sa.Integer, nullable=False),
        sa.Column("good", sa.Integer, nullable=False),
        sa.Column("first_seen", sa.DateTime, nullable=False),
        sa.Column("last_seen", sa.DateTime, nullable=False),
        sa.Column("good_at", sa.DateTime, nullable=True),
        sa.Column("taught_by", _text(255), nullable=False),
    )
    op.create_index("vertex_last_seen", "vertex", ["last_seen"])
