"""When a camp's personal data were blanked

Revision: 0040
Follows: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("camps", sa.Column("personal_data_cleared_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("camps", "personal_data_cleared_at")
