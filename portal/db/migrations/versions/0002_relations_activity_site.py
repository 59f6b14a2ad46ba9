"""relations activity site"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("timestamp", sa.DateTime(), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("object_type", sa.String(length=20), nullable=False),
        sa.Column("object_id", sa.String(length=36), nullable=False),
        sa.Column("activity_type", sa.String(length=60), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.create_index(
            "ix_activity_object", ["object_id", "timestamp"], unique=False
        )
        batch_op.create_index("ix_activity_timestamp", ["timestamp"], unique=False)
        batch_op.create_index(
            "ix_activity_user", ["user_id", "timestamp"], unique=False
        )

    op.create_table(
        "config_option",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_config_option")),
    )
    op.create_table(
        "task_status",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("entity_id", sa.String(length=100), nullable=False),
        sa.Column("entity_type", sa.String(length=100), nullable=False),
        sa.Column("task_type", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("last_updated", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_status")),
        sa.UniqueConstraint(
            "entity_id",
            "task_type",
            "key",
            name=op.f("uq_task_status_entity_id_task_type_key"),
        ),
    )
    op.create_table(
        "term_translation",
        sa.Column("term", sa.String(length=500), nullable=False),
        sa.Column("lang_code", sa.String(length=10), nullable=False),
        sa.Column("term_translation", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("term", "lang_code", name=op.f("pk_term_translation")),
    )
    op.create_table(
        "vocabulary",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vocabulary")),
        sa.UniqueConstraint("name", name=op.f("uq_vocabulary_name")),
    )
    op.create_table(
        "dashboard",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("last_viewed", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user.id"],
            name=op.f("fk_dashboard_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_dashboard")),
    )
    op.create_table(
        "follower",
        sa.Column("follower_id", sa.String(length=36), nullable=False),
        sa.Column("object_type", sa.String(length=20), nullable=False),
        sa.Column("object_id", sa.String(length=36), nullable=False),
        sa.Column("datetime", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["follower_id"],
            ["user.id"],
            name=op.f("fk_follower_follower_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "follower_id", "object_type", "object_id", name=op.f("pk_follower")
        ),
    )
    with op.batch_alter_table("follower", schema=None) as batch_op:
        batch_op.create_index(
            "ix_follower_object", ["object_type", "object_id"], unique=False
        )

    op.create_table(
        "group_alias",
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["group.id"],
            name=op.f("fk_group_alias_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "group_id", "kind", "text", name=op.f("pk_group_alias")
        ),
    )
    with op.batch_alter_table("group_alias", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_group_alias_text"), ["text"], unique=False)

    op.create_table(
        "package_member",
        sa.Column("package_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("capacity", sa.String(length=20), nullable=False),
        sa.Column("modified", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["package_id"],
            ["package.id"],
            name=op.f("fk_package_member_package_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user.id"],
            name=op.f("fk_package_member_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "package_id", "user_id", name=op.f("pk_package_member")
        ),
    )
    with op.batch_alter_table("package_member", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_package_member_user_id"), ["user_id"], unique=False
        )

    op.create_table(
        "package_relationship",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("object_id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["object_id"],
            ["package.id"],
            name=op.f("fk_package_relationship_object_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["package.id"],
            name=op.f("fk_package_relationship_subject_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package_relationship")),
        sa.UniqueConstraint(
            "subject_id",
            "object_id",
            "type",
            name=op.f("uq_package_relationship_subject_id_object_id_type"),
        ),
    )
    with op.batch_alter_table("package_relationship", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_package_relationship_object_id"), ["object_id"], unique=False
        )

    op.create_table(
        "resource_view",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("resource_id", sa.String(length=36), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("view_type", sa.String(length=40), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
            name=op.f("fk_resource_view_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_view")),
    )
    with op.batch_alter_table("resource_view", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_resource_view_resource_id"), ["resource_id"], unique=False
        )

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("eager", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.drop_index(batch_op.f("ix_outbox_due"))
        batch_op.create_index(
            "ix_outbox_due", ["topic", "eager", "due", "id"], unique=False
        )

    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_package_owner_org"))
        batch_op.create_index(
            "ix_package_owner", ["owner_org", "state", "private"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("package", schema=None) as batch_op:
        batch_op.drop_index("ix_package_owner")
        batch_op.create_index(
            batch_op.f("ix_package_owner_org"), ["owner_org"], unique=False
        )

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_due")
        batch_op.create_index(
            batch_op.f("ix_outbox_due"), ["topic", "due", "id"], unique=False
        )
        batch_op.drop_column("eager")

    with op.batch_alter_table("resource_view", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_resource_view_resource_id"))

    op.drop_table("resource_view")
    with op.batch_alter_table("package_relationship", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_package_relationship_object_id"))

    op.drop_table("package_relationship")
    with op.batch_alter_table("package_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_package_member_user_id"))

    op.drop_table("package_member")
    with op.batch_alter_table("group_alias", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_group_alias_text"))

    op.drop_table("group_alias")
    with op.batch_alter_table("follower", schema=None) as batch_op:
        batch_op.drop_index("ix_follower_object")

    op.drop_table("follower")
    op.drop_table("dashboard")
    op.drop_table("vocabulary")
    op.drop_table("term_translation")
    op.drop_table("task_status")
    op.drop_table("config_option")
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.drop_index("ix_activity_user")
        batch_op.drop_index("ix_activity_timestamp")
        batch_op.drop_index("ix_activity_object")

    op.drop_table("activity")
