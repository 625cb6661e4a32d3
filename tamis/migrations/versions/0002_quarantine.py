"""Held mail, copies made anew, and their history."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: Final = "0002"
down_revision: Final = "0001"


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "content",
        sa.Column("digest", _text(64), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("stored_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "message",
        sa.Column("id", _text(16), primary_key=True),
        sa.Column("digest", _text(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.DateTime, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("sender_key", _text(320), nullable=False),
        sa.Column("mail_parameters", sa.Text, nullable=False),
        sa.Column("peer", _text(45), nullable=False),
        sa.Column("rdns", _text(255), nullable=False),
        sa.Column("helo", _text(255), nullable=False),
        sa.Column("queue_id", _text(64), nullable=False),
        sa.Column("header_id", _text(255), nullable=False),
        sa.Column("author", _text(255), nullable=False),
        sa.Column("subject", _text(255), nullable=False),
        sa.Column("learn", sa.Boolean, nullable=False),
    )
    op.create_table(
        "copy",
        sa.Column("id", _text(20), primary_key=True),
        sa.Column("message_id", _text(16), nullable=False),
        sa.Column("recipient", _text(320), nullable=False),
        sa.Column("domain", _text(253), nullable=False),
        sa.Column("rcpt_to", sa.Text, nullable=False),
        sa.Column("rcpt_parameters", sa.Text, nullable=False),
        sa.Column("legs", sa.Text, nullable=False),
        sa.Column("legs_left", sa.Text, nullable=False),
        sa.Column("state", _text(9), nullable=False),
        sa.Column("action", _text(8), nullable=False),
        sa.Column("mode", _text(10), nullable=False),
        sa.Column("row", _text(3), nullable=False),
        sa.Column("row_name", _text(32), nullable=False),
        sa.Column("test", _text(64), nullable=False),
        sa.Column("because", _text(300), nullable=False),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("level", sa.Float, nullable=False),
        sa.Column("malware", sa.Boolean, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("held_at", sa.DateTime, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.Column("changed_by", _text(255), nullable=False),
        sa.Column("seen", sa.Integer, nullable=False),
        sa.Column("answered", sa.Boolean, nullable=False),
        sa.Column("outbox_id", _text(16), nullable=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("words", _text(2000), nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("id", _text(16), primary_key=True),
        sa.Column("message_id", _text(16), nullable=False),
        sa.Column("kind", _text(7), nullable=False),
        sa.Column("expand", sa.Boolean, nullable=False),
        sa.Column("changes", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("next_at", sa.DateTime, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("claimed_by", _text(255), nullable=False),
        sa.Column("claimed_at", sa.DateTime, nullable=True),
        sa.Column("at_dot", sa.Boolean, nullable=False),
        sa.Column("last_reply", _text(255), nullable=False),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("copy_id", _text(20), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("state", _text(9), nullable=False),
        sa.Column("by", _text(255), nullable=False),
        sa.Column("note", _text(255), nullable=False),
    )
    op.create_table(
        "counter",
        sa.Column("name", _text(32), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.create_index("message_digest", "message", ["digest"])
    op.create_index("message_sender", "message", ["sender_key"])
    op.create_index("message_peer", "message", ["peer"])
    op.create_index("message_queue", "message", ["queue_id"])
    where = sa.text("learn")
    op.create_index("message_learn", "message", ["received_at"], sqlite_where=where, postgresql_where=where)
    op.create_index("copy_message", "copy", ["message_id"])
    op.create_index("copy_recipient", "copy", ["recipient", "state", "held_at"])
    op.create_index("copy_domain", "copy", ["domain", "state", "held_at", "size", "row", "words"])
    op.create_index("copy_state", "copy", ["state", "held_at", "size", "row", "words"])
    op.create_index("copy_outbox", "copy", ["outbox_id"])
    op.create_index("outbox_next", "outbox", ["next_at"])
    op.create_index("event_copy", "event", ["copy_id"])
