"""Alembic's way in: runs migrations over the connection that `portal.db.migrate` hands
in.
"""

from alembic import context

from portal.domain import (  # noqa: F401 - the models register themselves
    activity,
    datasets,
    datastore,
    events,
    gate,
    harvest,
    people,
    relations,
    scores,
    searches,
    site,
    workers,
)
from portal.domain.base import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
