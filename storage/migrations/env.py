"""Runs the migrations on the connection that `storage.schema` hands over."""

from typing import Any

from alembic import context

from storage.tables import KEYS_SCHEMA, Row


def _ours(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "schema" or name in (None, KEYS_SCHEMA)


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Row.metadata,
    include_schemas=connection.dialect.name == "postgresql",
    include_name=_ours,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
