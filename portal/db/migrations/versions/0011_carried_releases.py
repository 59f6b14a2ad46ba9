"""Of a release: which one it goes on from, so that what was let pass is known again by
the hash of its own bytes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("validation_override") as batch:
        batch.add_column(sa.Column("origin_id", sa.String(length=36), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM validation_override WHERE origin_id IS NOT NULL")
    with op.batch_alter_table("validation_override") as batch:
        batch.drop_column("origin_id")
