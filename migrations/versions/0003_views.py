"""What reports read: each camp's figures, how many members have how many days, and all there is to a member

Revision: 0003
Follows: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# One camp after the other (LATERAL), so that few camps cost little; a column that isn't selected isn't read at all.
# ``last_day`` only where the newest complete sync has read the posts: else it is unknown who checked in on a day.
CAMP_STATISTICS = """
CREATE VIEW v_camp_statistics AS
SELECT c.id AS camp_id, c.name AS camp_name, c.status, c.starts_on, c.ends_on, c.deposit_fen, c.capacity,
       m.enrolled, m.matched, m.joined, m.participated, m.completed, m.partial, m.attendance,
       p.income_fen, r.refunded_fen, r.refunds_due, r.refunds_succeeded, r.refunds_failed, r.refunds_pending_review,
       l.last_day, l.last_day_members
FROM camps c
LEFT JOIN LATERAL (
    SELECT count(*) AS enrolled, count(*) FILTER (WHERE match_status = 'matched') AS matched,
           count(*) FILTER (WHERE joined) AS joined, count(*) FILTER (WHERE days > 0) AS participated,
           count(*) FILTER (WHERE standing = 'reached') AS completed,
           count(*) FILTER (WHERE verdict = 'partial') AS partial,
           coalesce(sum(CASE WHEN required_days > 0 THEN least(days::double precision / required_days, 1) END), 0)
           AS attendance
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
          AND (
            SELECT s.posts_read FROM sync_runs s WHERE s.camp_id = c.id AND s.status = 'complete'
            ORDER BY s.created_at DESC, s.id DESC LIMIT 1
          )
    ) d ON true
) l ON true
WHERE c.deleted_at IS NULL AND c.status <> 'draft'
"""

CAMP_DAYS = """
CREATE VIEW v_camp_days AS SELECT camp_id, days, count(*) AS members FROM members GROUP BY camp_id, days
"""

MEMBER_FULL_INFO = """
CREATE VIEW v_member_full_info AS
SELECT m.id AS member_id, m.camp_id, c.name AS camp_name, c.status AS camp_status, c.starts_on, c.ends_on,
       m.payment_id, p.out_trade_no, p.transaction_id, p.channel, m.paid_fen, m.fee_fen, m.paid_at,
       m.planet_nickname, m.planet_number, m.wechat_nickname,
       m.match_status, m.confidence, m.match_method, m.planet_user_id, m.joined,
       m.days_ranking, m.days_posts, m.days, m.required_days, m.standing, m.verdict, m.entitled_fen,
       coalesce(r.refunded_fen, 0) AS refunded_fen, r.last_refunded_at
FROM members m
JOIN camps c ON c.id = m.camp_id
JOIN payments p ON p.id = m.payment_id
LEFT JOIN LATERAL (
    SELECT sum(amount_fen) AS refunded_fen, max(succeeded_at) AS last_refunded_at
    FROM refunds WHERE refunds.payment_id = m.payment_id AND refunds.status = 'succeeded'
) r ON true
"""


def upgrade() -> None:
    for view in (CAMP_STATISTICS, CAMP_DAYS, MEMBER_FULL_INFO):
        op.execute(view)


def downgrade() -> None:
    for view in ("v_member_full_info", "v_camp_days", "v_camp_statistics"):
        op.execute(f"DROP VIEW {view}")
