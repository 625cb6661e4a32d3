"""Policies of domains and addresses, and the lists of addresses."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: Final = "0011"
down_revision: Final = "0010"


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "policy",
        sa.Column("owner", _text(320), primary_key=True),
        sa.Column("domain", _text(253), nullable=False),
        sa.Column("chosen", sa.Text, nullable=False),
        sa.Column("changed_by", _text(255), nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
    )
    op.create_index("policy_domain", "policy", ["domain", "owner"])
    op.create_table(
        "policy_event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("owner", _text(320), nullable=False),
        sa.Column("domain", _text(253), nullable=False),
        sa.Column("key", _text(80), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("by", _text(255), nullable=False),
        sa.Column("old", sa.Text, nullable=True),
        sa.Column("new", sa.Text, nullable=True),
        sa.Column("note", _text(255), nullable=False),
    )
    op.create_index("policy_event_owner", "policy_event", ["owner", "key", "id"])
    op.create_index("policy_event_domain", "policy_event", ["domain", "id"])
    op.create_table(
        "quota_notice",
        sa.Column("address", _text(320), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    # A list may be an address's own. SQLite keeps texts of any length.
    with op.batch_alter_table("list_entry") as table:
        table.alter_column("domain", existing_type=_text(253), type_=_text(320), existing_nullable=False)
