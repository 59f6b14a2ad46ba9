"""offers

Roles that wait for the consent of those who are to have them, and accounts that nobody has opened yet.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INVITED = """password_hash IS NULL AND id IN (SELECT user_id FROM api_token WHERE name = 'invitation' AND expires_at IS NOT NULL)
    AND id NOT IN (SELECT user_id FROM api_token WHERE name <> 'invitation')"""  # an account that only its invitation can use


def upgrade() -> None:
    with op.batch_alter_table("package_member") as batch_op:
        batch_op.add_column(
            sa.Column(
                "state", sa.String(length=20), nullable=False, server_default="active"
            )
        )
    op.execute(
        # Constants.
        f"UPDATE \"user\" SET state = 'invited', email_key = NULL WHERE state = 'active' AND {INVITED}"  # noqa: S608
    )
    members = "table_name = 'user' AND table_id IN (SELECT id FROM \"user\" WHERE state = 'invited')"
    op.execute(
        # Constants.
        f"UPDATE member SET state = 'pending' WHERE state = 'active' AND {members}"  # noqa: S608
    )
    ended = "user_id IN (SELECT id FROM \"user\" WHERE state <> 'invited')"
    op.execute(
        # Constants.
        f"DELETE FROM api_token WHERE name = 'invitation' AND expires_at IS NOT NULL AND {ended}"  # noqa: S608
    )


def downgrade() -> None:
    op.execute("UPDATE \"user\" SET state = 'deleted' WHERE state = 'invited'")
    op.execute("DELETE FROM package_member WHERE state <> 'active'")
    op.execute("UPDATE member SET state = 'deleted' WHERE state = 'pending'")
    with op.batch_alter_table("package_member") as batch_op:
        batch_op.drop_column("state")
