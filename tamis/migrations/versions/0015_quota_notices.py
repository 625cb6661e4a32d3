"""When mailboxes were told that they are nearly full."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: Final = "0015"
down_revision: Final = "0014"


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "quota_notice",
        sa.Column("address", _text(320), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
    )
