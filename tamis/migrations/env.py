"""What Alembic runs to migrate: on the connection of `tamis.schema`, within its transaction."""

from alembic import context

from tamis.database import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
