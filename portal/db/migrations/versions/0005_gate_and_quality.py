"""gate and quality"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quality_history",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("package_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("openness", sa.Integer(), nullable=False),
        sa.Column("fresh", sa.Boolean(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_history")),
    )
    with op.batch_alter_table("quality_history", schema=None) as batch_op:
        batch_op.create_index(
            "ix_quality_history_package", ["package_id", "at"], unique=False
        )

    op.create_table(
        "quality_score",
        sa.Column("package_id", sa.String(length=36), nullable=False),
        sa.Column("owner_org", sa.String(length=36), nullable=True),
        sa.Column("sector", sa.String(length=100), nullable=True),
        sa.Column("computed", sa.DateTime(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("openness", sa.Integer(), nullable=False),
        sa.Column("fresh", sa.Boolean(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("package_id", name=op.f("pk_quality_score")),
    )
    with op.batch_alter_table("quality_score", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_quality_score_owner_org"), ["owner_org"], unique=False
        )
        batch_op.create_index(
            "ix_quality_score_points", ["points", "package_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_quality_score_sector"), ["sector"], unique=False
        )

    op.create_table(
        "quarantine",
        sa.Column("resource_id", sa.String(length=36), nullable=False),
        sa.Column("package_id", sa.String(length=36), nullable=False),
        sa.Column("report_id", sa.String(length=36), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("file_key", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("resource_id", name=op.f("pk_quarantine")),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_quarantine_file_key"), ["file_key"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_quarantine_package_id"), ["package_id"], unique=False
        )

    op.create_table(
        "validation_override",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("package_id", sa.String(length=36), nullable=False),
        sa.Column("resource_id", sa.String(length=36), nullable=True),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.String(length=36), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_validation_override")),
    )
    with op.batch_alter_table("validation_override", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_validation_override_content"), ["content"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_validation_override_package_id"),
            ["package_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_validation_override_resource_id"),
            ["resource_id"],
            unique=False,
        )

    op.create_table(
        "validation_policy",
        sa.Column("object_type", sa.String(length=20), nullable=False),
        sa.Column("object_id", sa.String(length=36), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("max_bad_percent", sa.Integer(), nullable=False),
        sa.Column("changed", sa.DateTime(), nullable=False),
        sa.Column("actor_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint(
            "object_type", "object_id", name=op.f("pk_validation_policy")
        ),
    )
    with op.batch_alter_table("resource", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("validation_timestamp", sa.DateTime(), nullable=True)
        )

    with op.batch_alter_table("validation_report", schema=None) as batch_op:
        batch_op.add_column(sa.Column("finished", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("error", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("actor_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("file_key", sa.String(length=64), nullable=True))
        batch_op.add_column(
            sa.Column("version_id", sa.String(length=36), nullable=True)
        )
    op.execute("UPDATE validation_report SET finished = created")


def downgrade() -> None:
    with op.batch_alter_table("validation_report", schema=None) as batch_op:
        for name in ("version_id", "file_key", "actor_id", "error", "finished"):
            batch_op.drop_column(name)
    with op.batch_alter_table("resource", schema=None) as batch_op:
        batch_op.drop_column("validation_timestamp")
    for name in (
        "validation_policy",
        "validation_override",
        "quarantine",
        "quality_score",
        "quality_history",
    ):
        op.drop_table(name)
