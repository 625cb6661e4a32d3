"""The version of the database's tables: compared with this code's, and raised to it by the migrations.

Alembic is imported only where tables are made, changed or compared with the model: whoever reads, or writes
to a database that is up to date, asks for one row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from tamis import console_tables, notice_tables, policy_tables, reputation_tables, weight_tables
from tamis.attachments import tables as file_tables
from tamis.database import LIST_ENTRY, METADATA, VERSION
from tamis.history import tables as history_tables
from tamis.images import tables as image_tables
from tamis.learning import tables as learning_tables
from tamis.quarantine import tables

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

REVISION: Final = "0014"
"""The newest migration in `tamis/migrations/versions`; their numbers ascend."""

UNNUMBERED: Final = ""
"""The revision of a database without tables, or with those of the first days, before there were migrations."""

_TABLE: Final = "alembic_version"
_WITH_TABLES: Final = (
    tables,
    notice_tables,
    reputation_tables,
    weight_tables,
    file_tables,
    image_tables,
    learning_tables,
    policy_tables,
    history_tables,
    console_tables,
)
"""Modules whose import tells the model their tables."""
_MODEL: Final = METADATA
"""All tables, those of held mail too."""
_LOCK: Final = 0x74616D6973
"""The advisory lock of PostgreSQL under which tables are changed."""
_WAIT_SECONDS: Final = 60


class SchemaError(SQLAlchemyError):
    """Tables that this version of Tamis cannot use; the text is one clear line."""


def revision(connection: Connection) -> str:
    """Return the revision of the database. Raises `SchemaError` for one that this version does not know."""
    if not connection.dialect.has_table(connection, _TABLE):
        return UNNUMBERED
    found = [str(row) for row in connection.execute(text("SELECT version_num FROM alembic_version")).scalars()]
    if not found:
        return UNNUMBERED
    if len(found) > 1 or len(found[0]) != len(REVISION) or not found[0].isdigit():
        raise SchemaError(f"its version {', '.join(sorted(found))!r} is none of Tamis: is it another program's?")
    if found[0] > REVISION:
        raise SchemaError(f"its version {found[0]} is newer than {REVISION}, which this Tamis knows: update Tamis")
    return found[0]


def holds_tables(connection: Connection) -> bool:
    """Return whether the tables of the first migration are there, numbered or not."""
    return all(connection.dialect.has_table(connection, table.name) for table in (LIST_ENTRY, VERSION))


def readable(connection: Connection) -> bool:
    """Return whether there are tables to read. Raises `SchemaError` for those of a newer version."""
    return revision(connection) != UNNUMBERED or holds_tables(connection)


def upgrade(engine: Engine) -> str:
    """Bring the tables up to date, and return the revision they had. Any number of processes may do it at once.

    All of it is one transaction: whatever fails leaves the database as it was.
    """
    with engine.connect() as connection:
        before = revision(connection)
    if before == REVISION:
        return before
    with _alone(engine) as connection:
        # Another process may have been faster.
        before = revision(connection)
        if before != REVISION:
            _migrate(connection)
    return before


def differences(connection: Connection) -> list[str]:
    """Return how the tables differ from the model, one line each; nothing for tables as they should be."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def ours(_object: Any, name: str | None, kind: str, reflected: bool, _model: Any) -> bool:
        foreign = kind == "table" and name not in _MODEL.tables
        # One that not every database has is in no model.
        return not (reflected and (foreign or name == tables.PAIRS_INDEX))

    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "target_metadata": _MODEL, "include_object": ours}
    )
    return [str(difference) for difference in compare_metadata(context, _MODEL)]


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction during which no other process changes the tables; others wait for it to end."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # Python's module would begin a transaction only at the first row that is written.
            driver: Any = connection.connection.driver_connection
            driver.isolation_level = None
            connection.exec_driver_sql(f"PRAGMA busy_timeout={_WAIT_SECONDS * 1000}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'")
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        yield connection
        connection.commit()


def alembic_config() -> "AlembicConfig":
    """Return what Alembic needs to find the migrations."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "tamis:migrations")
    return config


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.util import CommandError

    config = alembic_config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise SchemaError(str(error)) from error
