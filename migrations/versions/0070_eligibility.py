"""One verdict: what members are entitled to in columns of theirs, days granted to them, and fees

Revision: 0070
Follows: 0060
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0070"
down_revision = "0060"
branch_labels = None
depends_on = None

VERDICTS = ("eligible", "needs_confirmation", "not_eligible")
ACCOUNTS = (
    "provider_clearing",
    "deposits_held",
    "refunds_in_transit",
    "forfeited_income",
    "offline_settlements",
)
MOVEMENTS = ("paid", "sent", "confirmed", "reversed", "settled_offline", "kept")

FROZEN = {
    "members": ("camp_id", "payment_id", "paid_fen", "refund_policy"),
    "refunds": ("camp_id", "payment_id", "kind", "out_refund_no", "amount_fen"),
}

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

# One camp after the other (LATERAL), so that few camps cost little; what nobody selects isn't read at all.
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

# The views and the generated column of before, to go back to.
OLD_REACHED = """
(((match_status)::text = 'matched'::text)
AND (COALESCE(days_ranking, 0) >= ((refund_policy ->> 'required_days'::text))::integer)
AND (COALESCE(days_posts, days_ranking, 0) >= ((refund_policy ->> 'required_days'::text))::integer))
"""
OLD_DAYS = "coalesce(days_posts, days_ranking, days_import, 0)"
OLD_ATTENDANCE = f"least({OLD_DAYS}::double precision / (refund_policy ->> 'required_days')::integer, 1)"
OLD_MEMBER_FULL_INFO = MEMBER_FULL_INFO.replace("m.paid_fen, m.fee_fen", "m.paid_fen").replace(
    "m.days, m.required_days, m.standing, m.verdict, m.entitled_fen",
    """coalesce(m.days_posts, m.days_ranking, 0) AS days,
       (m.refund_policy ->> 'required_days')::integer AS required_days,
       m.match_status = 'matched'
           AND coalesce(m.days_ranking, 0) >= (m.refund_policy ->> 'required_days')::integer
           AND coalesce(m.days_posts, m.days_ranking, 0) >= (m.refund_policy ->> 'required_days')::integer
           AS reached""",
)
OLD_CAMP_STATISTICS = (
    CAMP_STATISTICS.replace("m.partial, ", "")
    .replace("           count(*) FILTER (WHERE verdict = 'partial') AS partial,\n", "")
    .replace("standing = 'reached'", "reached")
    .replace("WHERE days > 0", f"WHERE {OLD_DAYS} > 0")
    .replace("CASE WHEN required_days > 0 THEN least(days::double precision / required_days, 1) END", OLD_ATTENDANCE)
)
OLD_CAMP_DAYS = f"""
CREATE VIEW v_camp_days AS
SELECT camp_id, {OLD_DAYS} AS days, count(*) AS members FROM members GROUP BY camp_id, {OLD_DAYS}
"""  # noqa: S608 - made of the constants above


def upgrade() -> None:
    _drop_views()
    op.drop_index("ix_members_camp_id_reached", table_name="members")
    op.drop_column("members", "reached")
    _add_results()
    op.create_index(
        "ix_members_camp_id_standing",
        "members",
        ["camp_id", "standing"],
        postgresql_include=["match_status", "verdict", "joined", "days", "required_days"],
    )
    op.add_column("refunds", sa.Column("breakdown", postgresql.JSONB(), nullable=True))
    listed = sa.Enum(*VERDICTS, "partial", name="listed_verdict", native_enum=False, create_constraint=True, length=32)
    op.add_column("refunds", sa.Column("listed_verdict", listed, nullable=True))
    op.execute("UPDATE refunds SET listed_verdict = verdict")
    # A row in review shows its member's evidence; the decision freezes it.
    op.execute(
        "UPDATE refunds SET verdict = NULL, verdict_reasons = '[]', days = NULL, days_ranking = NULL, "
        "days_posts = NULL, days_import = NULL, required_days = NULL, confidence = NULL, match_method = NULL "
        "WHERE status = 'pending_review'"
    )
    _one_of("refunds", "verdict", (*VERDICTS, "partial"))
    _one_of("ledger_entries", "account", (*ACCOUNTS, "service_income"))
    _one_of("ledger_transactions", "movement", (*MOVEMENTS, "fee"))
    _create_grants()
    _freeze("members", (*FROZEN["members"], "fee_fen"))
    _freeze(
        "refunds", FROZEN["refunds"][:-1], "OR (OLD.amount_fen <> NEW.amount_fen AND OLD.status <> 'pending_review')"
    )
    _check_again("OLD.status IN ('rejected', 'closed') OR NEW.amount_fen > OLD.amount_fen", "status, amount_fen")
    for view in (MEMBER_FULL_INFO, CAMP_STATISTICS, CAMP_DAYS):
        op.execute(view)


def _add_results() -> None:
    enum = {"native_enum": False, "create_constraint": True, "length": 32}
    standing = sa.Enum("not_started", "in_progress", "reached", "out_of_reach", name="standing", **enum)
    verdict = sa.Enum("eligible", "partial", "needs_confirmation", "not_eligible", name="verdict", **enum)
    # The defaults fill rows that are there; the next night's job judges them.
    columns = (
        sa.Column("fee_fen", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("days", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("required_days", sa.Integer(), nullable=True),
        sa.Column("standing", standing, nullable=False, server_default="not_started"),
        sa.Column("entitled_fen", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("verdict", verdict, nullable=True),
        sa.Column("verdict_reasons", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("breakdown", postgresql.JSONB(), nullable=False, server_default="{}"),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
    )
    for column in columns:
        op.add_column("members", column)
        if column.server_default is not None:
            op.alter_column("members", column.name, server_default=None)
    op.create_check_constraint(
        op.f("ck_members_entitled_within_paid"), "members", "entitled_fen BETWEEN 0 AND paid_fen - fee_fen"
    )
    op.create_check_constraint(op.f("ck_members_fee_within_paid"), "members", "fee_fen BETWEEN 0 AND paid_fen")


def _create_grants() -> None:
    kind = sa.Enum(
        "leave", "makeup", "appeal", "amnesty", "coach", name="grant_kind", native_enum=False, create_constraint=True,
        length=32,
    )  # fmt: skip
    op.create_table(
        "day_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("camp_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["camp_id"], ["camps.id"], name=op.f("fk_day_grants_camp_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_day_grants_member_id")),
        sa.ForeignKeyConstraint(["granted_by"], ["staff.id"], name=op.f("fk_day_grants_granted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_grants")),
        sa.UniqueConstraint("member_id", "day", name=op.f("uq_day_grants_member_id_day")),
    )
    op.create_index(op.f("ix_day_grants_camp_id"), "day_grants", ["camp_id"])
    for name, event, each in (
        ("append_only", "UPDATE OR DELETE", "ROW"),
        ("append_only_truncate", "TRUNCATE", "STATEMENT"),
    ):
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON day_grants FOR EACH {each} EXECUTE FUNCTION camp_refuse_change()"
        )


def _one_of(table: str, column: str, values: tuple[str, ...]) -> None:
    """Replace the check of an enum's values."""
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, sa.column(column).in_(values))


def _freeze(table: str, columns: tuple[str, ...], more: str = "") -> None:
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    op.execute(f"DROP TRIGGER frozen ON {table}")
    op.execute(
        f"CREATE TRIGGER frozen BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({changed} {more}) "
        "EXECUTE FUNCTION camp_refuse_frozen()"
    )


def _check_again(condition: str, columns: str) -> None:
    """When an update of a refund has to be held against what was paid."""
    op.execute("DROP TRIGGER within_paid_again ON refunds")
    op.execute(
        f"CREATE TRIGGER within_paid_again BEFORE UPDATE OF {columns} ON refunds FOR EACH ROW "
        f"WHEN ({condition}) EXECUTE FUNCTION camp_refund_within_paid()"
    )


def _drop_views() -> None:
    for view in ("v_camp_days", "v_camp_statistics", "v_member_full_info"):
        op.execute(f"DROP VIEW {view}")


def downgrade() -> None:
    _drop_views()
    _check_again("OLD.status IN ('rejected', 'closed')", "status")
    for table, columns in FROZEN.items():
        _freeze(table, columns)
    op.drop_table("day_grants")
    _one_of("ledger_transactions", "movement", MOVEMENTS)
    _one_of("ledger_entries", "account", ACCOUNTS)
    _one_of("refunds", "verdict", VERDICTS)
    op.drop_column("refunds", "listed_verdict")
    op.drop_column("refunds", "breakdown")
    op.drop_index("ix_members_camp_id_standing", table_name="members")
    for column in (
        "judged_at", "breakdown", "verdict_reasons", "verdict", "entitled_fen", "standing", "required_days", "days",
        "fee_fen",
    ):  # fmt: skip
        op.drop_column("members", column)
    op.add_column(
        "members", sa.Column("reached", sa.Boolean(), sa.Computed(OLD_REACHED, persisted=True), nullable=False)
    )
    op.create_index(
        "ix_members_camp_id_reached",
        "members",
        ["camp_id", "reached"],
        postgresql_include=["match_status", "joined", "days_posts", "days_ranking", "days_import", "refund_policy"],
    )
    for view in (OLD_MEMBER_FULL_INFO, OLD_CAMP_STATISTICS, OLD_CAMP_DAYS):
        op.execute(view)
