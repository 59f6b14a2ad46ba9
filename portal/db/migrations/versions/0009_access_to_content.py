"""Whether files and rows were looked at for personal data: everything that is stored is
looked at once more.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATES = (
    ("resource", "file_access"),
    ("resource", "rows_access"),
    ("table_version", "access"),
)


def upgrade() -> None:
    for table, column in STATES:
        with op.batch_alter_table(table) as batch:
            batch.add_column(
                sa.Column(
                    column,
                    sa.String(length=10),
                    nullable=False,
                    server_default="waiting",
                )
            )
    with op.batch_alter_table("validation_override") as batch:
        batch.add_column(
            sa.Column("columns", sa.JSON(), nullable=False, server_default="[]")
        )
    moment = sa.bindparam(
        "moment", datetime.now(UTC).replace(tzinfo=None), sa.DateTime()
    )
    queue = sa.text(
        "INSERT INTO outbox (topic, entity_id, created, due, attempts, eager) "
        "SELECT 'load', id, :moment, :moment, 0, false FROM resource "
        "WHERE state = 'active' AND (file_key IS NOT NULL OR version_id IS NOT NULL)"
    )
    op.get_bind().execute(queue.bindparams(moment))


def downgrade() -> None:
    with op.batch_alter_table("validation_override") as batch:
        batch.drop_column("columns")
    for table, column in STATES:
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
