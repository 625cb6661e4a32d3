"""The lists and their version number.

Tables that the first days' Tamis made, before there were migrations, are taken over with what they hold.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from tamis.schema import SchemaError

revision: Final = "0001"
down_revision: Final = None


def _text(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _missing(table: str, columns: set[str]) -> bool:
    """Return whether a table is to be made. Raises `SchemaError` for another program's of that name."""
    inspector = sa.inspect(op.get_bind())
    if not inspector.has_table(table):
        return True
    if {column["name"] for column in inspector.get_columns(table)} != columns:
        raise SchemaError(f"its table {table!r} is not of Tamis: give Tamis a database of its own")
    return False


def upgrade() -> None:
    entry = {"id", "list", "domain", "value", "added_by", "added_at", "expires_at", "note"}
    if _missing("list_entry", entry):
        op.create_table(
            "list_entry",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("list", _text(32), nullable=False),
            sa.Column("domain", _text(253), nullable=False),
            sa.Column("value", _text(320), nullable=False),
            sa.Column("added_by", _text(255), nullable=False),
            sa.Column("added_at", sa.DateTime, nullable=False),
            sa.Column("expires_at", sa.DateTime, nullable=True),
            sa.Column("note", _text(255), nullable=False),
            sa.UniqueConstraint("list", "domain", "value"),
        )
    if _missing("version", {"name", "number"}):
        op.create_table(
            "version",
            sa.Column("name", _text(32), primary_key=True),
            sa.Column("number", sa.Integer, nullable=False),
        )
    # Its row is there from the start: whoever changes a list locks it first.
    version = sa.table("version", sa.column("name", sa.String), sa.column("number", sa.Integer))
    if op.get_bind().execute(sa.select(version.c.name).where(version.c.name == "lists")).first() is None:
        op.bulk_insert(version, [{"name": "lists", "number": 0}])
