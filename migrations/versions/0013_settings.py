"""Settings that staff save in the console

Revision: 0013
Follows: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settings_groups",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("values", JSONB(), nullable=False),
        sa.Column("secrets", JSONB(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["updated_by"], ["staff.id"], name=op.f("fk_settings_groups_updated_by")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings_groups")),
    )
    op.create_table(
        "settings_checks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings_checks")),
    )


def downgrade() -> None:
    op.drop_table("settings_checks")
    op.drop_table("settings_groups")
