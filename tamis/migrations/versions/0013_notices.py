"""What people are told about held mail: notices to senders, digests, whose mailbox it is."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: Final = "0013"
down_revision: Final = "0012"


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    # Nobody is told of what was held before: whether its sender may be was not written down.
    op.add_column("copy", sa.Column("telling", _text(12), nullable=False, server_default="earlier"))
    where = sa.text("telling = 'waiting'")
    op.create_index("copy_telling", "copy", ["held_at"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "sender_notice",
        sa.Column("person", _text(320), primary_key=True),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("sender_key", _text(320), nullable=False),
        sa.Column("message_id", _text(16), nullable=False),
        sa.Column("asked_at", sa.DateTime, nullable=False),
        *_sending(),
    )
    op.create_index("sender_notice_next", "sender_notice", ["state", "next_at"])
    op.create_table(
        "mailbox",
        sa.Column("recipient", _text(320), primary_key=True),
        sa.Column("mailbox", _text(320), primary_key=True),
        sa.Column("found_at", sa.DateTime, nullable=False),
    )
    op.create_index("mailbox_mailbox", "mailbox", ["mailbox"])
    op.create_table(
        "digest",
        sa.Column("mailbox", _text(320), primary_key=True),
        sa.Column("day", _text(10), nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
        *_sending(),
    )
    op.create_index("digest_next", "digest", ["state", "next_at"])
    op.create_table(
        "spent",
        sa.Column("nonce", _text(64), primary_key=True),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.create_index("spent_expires", "spent", ["expires_at"])


def _sending() -> "list[sa.Column[object]]":
    return [
        sa.Column("state", _text(8), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", sa.DateTime, nullable=False),
        sa.Column("last_reply", _text(255), nullable=False),
    ]
