"""Failed log-ins by user name and by address, and passwords that were used before

Revision: 0031
Follows: 0030
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "login_guards",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("failures", sa.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_login_guards")),
    )
    op.create_index(op.f("ix_login_guards_updated_at"), "login_guards", ["updated_at"])
    op.add_column(
        "staff",
        sa.Column("former_password_hashes", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("staff", "former_password_hashes")
    op.drop_table("login_guards")
