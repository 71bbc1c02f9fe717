"""Long lists by index: their order, the matching queue, and who reached the days

Revision: 0011
Follows: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


REACHED = """
match_status = 'matched' AND coalesce(days_ranking, 0) >= (refund_policy ->> 'required_days')::integer
AND coalesce(days_posts, days_ranking, 0) >= (refund_policy ->> 'required_days')::integer
"""


def upgrade() -> None:
    op.add_column("members", sa.Column("reached", sa.Boolean(), sa.Computed(REACHED, persisted=True), nullable=False))
    op.create_index(op.f("ix_members_camp_id_reached"), "members", ["camp_id", "reached"])
    op.create_index(op.f("ix_members_paid_at_id"), "members", ["paid_at", "id"])
    op.create_index(
        "ix_members_matching_queue",
        "members",
        ["camp_id"],
        postgresql_where="match_status <> 'matched' OR confidence < 100",
    )
    op.create_index(op.f("ix_refunds_created_at_id"), "refunds", ["created_at", "id"])
    op.drop_index(op.f("ix_refunds_created_at"), table_name="refunds")
    op.create_index(op.f("ix_audit_log_created_at_id"), "audit_log", ["created_at", "id"])
    op.drop_index(op.f("ix_audit_log_created_at"), table_name="audit_log")
    op.create_index("ix_checkins_newest", "checkins", ["day", "posted_at", "camp_id", "planet_user_id"])
    op.drop_index(op.f("ix_checkins_camp_id_day"), table_name="checkins")


def downgrade() -> None:
    op.create_index(op.f("ix_checkins_camp_id_day"), "checkins", ["camp_id", "day"])
    op.drop_index("ix_checkins_newest", table_name="checkins")
    op.create_index(op.f("ix_audit_log_created_at"), "audit_log", ["created_at"])
    op.drop_index(op.f("ix_audit_log_created_at_id"), table_name="audit_log")
    op.create_index(op.f("ix_refunds_created_at"), "refunds", ["created_at"])
    op.drop_index(op.f("ix_refunds_created_at_id"), table_name="refunds")
    op.drop_index("ix_members_matching_queue", table_name="members")
    op.drop_index(op.f("ix_members_paid_at_id"), table_name="members")
    op.drop_index(op.f("ix_members_camp_id_reached"), table_name="members")
    op.drop_column("members", "reached")
