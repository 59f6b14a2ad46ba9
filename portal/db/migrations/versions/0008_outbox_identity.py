"""outbox rows are numbered once, and what is given up is kept"""

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # On SQLite the table is made anew, for AUTOINCREMENT cannot be added; what waits is
    # copied with its numbers.
    anew: Literal["always", "never"] = (
        "always" if op.get_bind().dialect.name == "sqlite" else "never"
    )
    with op.batch_alter_table(
        "outbox", recreate=anew, table_kwargs={"sqlite_autoincrement": True}
    ) as batch_op:
        batch_op.add_column(sa.Column("writer", sa.String(length=36), nullable=True))
        batch_op.drop_index("ix_outbox_due")
        batch_op.create_index("ix_outbox_order", ["topic", "attempts", "id"])
        batch_op.create_index("ix_outbox_eager", ["topic", "eager", "id"])
    op.create_table(
        "given_up",
        sa.Column("topic", sa.String(length=20), nullable=False),
        sa.Column("entity_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "entity_id", name=op.f("pk_given_up")),
    )


def downgrade() -> None:
    op.drop_table("given_up")
    with op.batch_alter_table("outbox", recreate="auto") as batch_op:
        batch_op.drop_index("ix_outbox_eager")
        batch_op.drop_index("ix_outbox_order")
        batch_op.create_index("ix_outbox_due", ["topic", "eager", "due", "id"])
        batch_op.drop_column("writer")
