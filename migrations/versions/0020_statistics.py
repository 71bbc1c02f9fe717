"""Statistics: a camp's figures in one view that reads indexes only

Revision: 0020
Follows: 0013
"""

from alembic import op

revision = "0020"
down_revision = "0013"
branch_labels = None
depends_on = None

# The days a member is given credit for, as members.rules.assess has them.
DAYS = "coalesce(days_posts, days_ranking, days_import, 0)"
REQUIRED = "(refund_policy ->> 'required_days')::integer"

# One camp after the other (LATERAL), so that few camps cost little; what nobody selects isn't read at all.
CAMP_STATISTICS = f"""
CREATE VIEW v_camp_statistics AS
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
    ) d ON true
) l ON true
WHERE c.deleted_at IS NULL AND c.status <> 'draft'
"""  # noqa: S608 - made of the constants above

CAMP_DAYS = f"""
CREATE VIEW v_camp_days AS
SELECT camp_id, {DAYS} AS days, count(*) AS members FROM members GROUP BY camp_id, {DAYS}
"""  # noqa: S608 - made of the constants above

OLD_CAMP_STATISTICS = """
CREATE VIEW v_camp_statistics AS
SELECT c.id AS camp_id, c.name AS camp_name, c.status, c.starts_on, c.ends_on, c.deposit_fen, c.capacity,
       coalesce(m.enrolled, 0) AS enrolled, coalesce(m.matched, 0) AS matched, coalesce(m.joined, 0) AS joined,
       coalesce(m.participated, 0) AS participated, coalesce(m.reached, 0) AS reached,
       coalesce(p.income_fen, 0) AS income_fen, coalesce(r.refunded_fen, 0) AS refunded_fen,
       coalesce(p.income_fen, 0) - coalesce(r.refunded_fen, 0) AS net_fen,
       coalesce(r.succeeded, 0) AS refunds_succeeded, coalesce(r.failed, 0) AS refunds_failed,
       coalesce(r.due, 0) AS refunds_due, coalesce(r.pending_review, 0) AS refunds_pending_review
FROM camps c
LEFT JOIN (
    SELECT camp_id, count(*) AS enrolled, count(*) FILTER (WHERE match_status = 'matched') AS matched,
           count(*) FILTER (WHERE joined) AS joined, count(*) FILTER (WHERE days > 0) AS participated,
           count(*) FILTER (WHERE reached) AS reached
    FROM v_member_full_info GROUP BY camp_id
) m ON m.camp_id = c.id
LEFT JOIN (
    SELECT camp_id, sum(amount_fen) AS income_fen FROM payments WHERE status = 'paid' GROUP BY camp_id
) p ON p.camp_id = c.id
LEFT JOIN (
    SELECT camp_id, sum(amount_fen) FILTER (WHERE status = 'succeeded') AS refunded_fen,
           count(*) FILTER (WHERE status = 'succeeded') AS succeeded,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE status = 'pending_review') AS pending_review,
           count(*) FILTER (WHERE status NOT IN ('pending_review', 'rejected', 'closed')) AS due
    FROM refunds GROUP BY camp_id
) r ON r.camp_id = c.id
WHERE c.deleted_at IS NULL
"""


def upgrade() -> None:
    op.create_index(
        "ix_payments_income",
        "payments",
        ["camp_id"],
        postgresql_include=["amount_fen"],
        postgresql_where="status = 'paid'",
    )
    for table, columns, included in (
        ("payments", ["paid_at"], ["camp_id", "amount_fen"]),
        ("refunds", ["succeeded_at"], ["camp_id", "amount_fen", "status"]),
        ("refunds", ["camp_id", "status"], ["amount_fen"]),
        (
            "members",
            ["camp_id", "reached"],
            ["match_status", "joined", "days_posts", "days_ranking", "days_import", "refund_policy"],
        ),
    ):
        _replace_index(table, columns, included)
    op.execute("DROP VIEW v_camp_statistics")
    op.execute(CAMP_STATISTICS)
    op.execute(CAMP_DAYS)


def downgrade() -> None:
    op.execute("DROP VIEW v_camp_days")
    op.execute("DROP VIEW v_camp_statistics")
    op.execute(OLD_CAMP_STATISTICS)
    for table, columns in (
        ("members", ["camp_id", "reached"]),
        ("refunds", ["camp_id", "status"]),
        ("refunds", ["succeeded_at"]),
        ("payments", ["paid_at"]),
    ):
        _replace_index(table, columns, None)
    op.drop_index("ix_payments_income", table_name="payments")


def _replace_index(table: str, columns: list[str], included: list[str] | None) -> None:
    name = op.f(f"ix_{table}_{'_'.join(columns)}")
    op.drop_index(name, table_name=table)
    op.create_index(name, table, columns, postgresql_include=included)
