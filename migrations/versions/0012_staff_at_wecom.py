"""The WeCom account of a member of staff

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("staff", sa.Column("wecom_user_id", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("staff", "wecom_user_id")
