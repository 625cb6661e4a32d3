"""What is learned of senders, and outgoing mail that waits for reports of failure."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: Final = "0005"
down_revision: Final = "0004"


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sender_weight",
        sa.Column("domain", _text(253), primary_key=True),
        sa.Column("sender", _text(320), primary_key=True),
        sa.Column("weight", sa.Float, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("validations", sa.Integer, nullable=False),
        sa.Column("releases", sa.Integer, nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
        sa.Column("complaints", sa.Integer, nullable=False),
        sa.Column("changed_by", _text(255), nullable=False),
    )
    op.create_index("sender_weight_sender", "sender_weight", ["sender"])
    op.create_index("sender_weight_at", "sender_weight", ["at"])
    op.create_table(
        "sent",
        sa.Column("mail_id", _text(16), primary_key=True),
        sa.Column("recipient", _text(320), primary_key=True),
        sa.Column("domain", _text(253), nullable=False),
        sa.Column("message_key", _text(32), nullable=False),
        sa.Column("envelope_key", _text(32), nullable=False),
        sa.Column("sent_at", sa.DateTime, nullable=False),
        sa.Column("state", _text(7), nullable=False),
        sa.Column("counted_at", sa.DateTime, nullable=True),
    )
    op.create_index("sent_message", "sent", ["message_key"])
    op.create_index("sent_envelope", "sent", ["envelope_key"])
    op.create_index("sent_state", "sent", ["state", "sent_at"])
    op.create_index("sent_at", "sent", ["sent_at"])
    op.create_table(
        "undelivered",
        sa.Column("key", _text(32), primary_key=True),
        sa.Column("mail_id", _text(16), primary_key=True),
        sa.Column("recipients", sa.Text, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
    )
