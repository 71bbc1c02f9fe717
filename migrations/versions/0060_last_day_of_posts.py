"""Statistics: a last day (今日打卡率) only where the posts were read

Revision: 0060
Follows: 0050
"""

from alembic import op

revision = "0060"
down_revision = "0050"
branch_labels = None
depends_on = None

# The days a member is given credit for, as members.rules.assess has them.
DAYS = "coalesce(days_posts, days_ranking, days_import, 0)"
REQUIRED = "(refund_policy ->> 'required_days')::integer"

# The newest complete sync has read the posts: else nobody knows who checked in on a day.
POSTS_READ = """AND (
            SELECT s.posts_read FROM sync_runs s WHERE s.camp_id = c.id AND s.status = 'complete'
            ORDER BY s.created_at DESC, s.id DESC LIMIT 1
          )"""


def camp_statistics(condition: str) -> str:
    """The view of 0020, with one more condition for ``last_day``."""
    return f"""
CREATE OR REPLACE VIEW v_camp_statistics AS
SELECT c.id AS camp_id, c.name AS camp_name, c.status, c.starts_on, c.ends_on, c.deposit_fen, c.capacity,
       m.enrolled, m.matched, m.joined, m.participated, m.completed, m.attendance,
       p.income_fen, r.refunded_fen, r.refunds_due, r.refunds_succeeded, r.refunds_failed, r.refunds_pending_review,
       l.last_day, l.last_day_members
FROM camps c
LEFT JOIN LATERAL (
    SELECT count(*) AS enrolled, count(*) FILTER (WHERE match_status = 'matched') AS matched,
           count(*) FILTER (WHERE joined) AS joined, count(*) FILTER (WHERE {DAYS} > 0) AS participated,
           count(*) FILTER (WHERE reached) AS completed,
           coalesce(sum(least({DAYS}::double precision / {REQUIRED}, 1)), 0) AS attendance
    FROM members WHERE members.camp_id = c.id
) m ON true
LEFT JOIN LATERAL (
    SELECT coalesce(sum(amount_fen), 0)::bigint AS income_fen
    FROM payments WHERE payments.camp_id = c.id AND payments.status = 'paid'
) p ON true
LEFT JOIN LATERAL (
    SELECT coalesce(sum(amount_fen) FILTER (WHERE status = 'succeeded'), 0)::bigint AS refunded_fen,
           count(*) FILTER (WHERE status NOT IN ('pending_review', 'rejected', 'closed')) AS refunds_due,
           count(*) FILTER (WHERE status = 'succeeded') AS refunds_succeeded,
           count(*) FILTER (WHERE status = 'failed') AS refunds_failed,
           count(*) FILTER (WHERE status = 'pending_review') AS refunds_pending_review
    FROM refunds WHERE refunds.camp_id = c.id
) r ON true
LEFT JOIN LATERAL (
    SELECT d.day AS last_day, CASE WHEN d.day IS NOT NULL THEN (
        SELECT count(*) FROM checkins k JOIN members km
            ON km.camp_id = k.camp_id AND km.planet_user_id = k.planet_user_id AND km.match_status = 'matched'
        WHERE k.camp_id = c.id AND k.day = d.day
    ) END AS last_day_members
    FROM (SELECT least(c.ends_on, (c.last_complete_sync_at AT TIME ZONE 'Asia/Shanghai')::date - 1)) seen(day)
    LEFT JOIN LATERAL (
        SELECT seen.day
        WHERE seen.day >= c.starts_on AND c.last_complete_sync_at IS NOT NULL AND c.status IN ('ongoing', 'ended')
          {condition}
    ) d ON true
) l ON true
WHERE c.deleted_at IS NULL AND c.status <> 'draft'
"""  # noqa: S608 - made of the constants above


def upgrade() -> None:
    op.execute(camp_statistics(POSTS_READ))


def downgrade() -> None:
    op.execute(camp_statistics(""))
