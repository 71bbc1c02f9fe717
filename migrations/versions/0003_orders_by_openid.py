"""Find a person's orders by the openid that paid them

Revision: 0003
Follows: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Unpaid orders have none, and guests' payments are looked for at each visit.
    op.create_index(op.f("ix_payments_openid"), "payments", ["openid"], postgresql_where="openid IS NOT NULL")


def downgrade() -> None:
    op.drop_index(op.f("ix_payments_openid"), table_name="payments")
