"""A house with years behind it: many camps full of members, check-ins and refunds, written by PostgreSQL itself."""

import re
from dataclasses import dataclass

from sqlalchemy import text

from backend.core import clock
from backend.core.db import Database
from backend.models.staff import Staff, StaffRole
from tests import factories


@dataclass(frozen=True, slots=True)
class Size:
    """``camps`` of ``members`` each, who check in on every one of ``days``; only the newest five aren't archived."""

    camps: int
    members: int
    days: int

    @property
    def people(self) -> int:
        return self.camps * self.members

    @property
    def checkins(self) -> int:
        return self.people * self.days


# A name in a statement; ``::`` is a cast.
_NAME = re.compile(r"(?<!:):([a-z]+)\b")

# One planet, and camps one after the other up to today; then each member's refund, and five lines of the log.
# A refund that waits has no evidence of its own, one that was decided has its member's (money.refunds.evidence).
_CAMPS = """
INSERT INTO camps (id, created_at, name, description, status, deposit_fen, capacity, starts_on, ends_on,
                   refund_policy, planet_id, checkin_id, last_complete_sync_at)
SELECT gen_random_uuid(), :now - make_interval(days => (:camps - c) * 7), '写作营 ' || c, '',
       CASE WHEN c <= :camps - 5 THEN 'archived' WHEN c <= :camps - 2 THEN 'settling' ELSE 'ongoing' END,
       9900, 1000, :today - (:camps - c) * 7 - :days, :today - (:camps - c) * 7 - 1,
       jsonb_build_object('kind', 'threshold', 'required_days', greatest(:days / 3, 1)), :planet, c::text, :now
FROM generate_series(1, :camps) c
"""
_NUMBERED = """
CREATE TEMP TABLE crowd ON COMMIT DROP AS
SELECT gen_random_uuid() AS member_id, gen_random_uuid() AS payment_id, gen_random_uuid() AS payer_id,
       camps.id AS camp_id, camps.status AS camp_status, camps.starts_on, camps.refund_policy,
       m AS number, camps.checkin_id::int * 100000 + m AS unique_number,
       CASE WHEN m % 50 = 0 THEN 'unmatched' WHEN m % 50 = 1 THEN 'conflict' ELSE 'matched' END AS match_status,
       CASE WHEN m % 50 < 2 THEN 0 WHEN m % 20 = 2 THEN 66 ELSE 100 END AS confidence,
       (camps.starts_on - 1 + make_interval(secs => m * 60)) AT TIME ZONE 'Asia/Shanghai' AS paid_at,
       greatest(:days - m % 25, 0) AS days, greatest(:days / 3, 1) AS required_days
FROM camps, generate_series(1, :members) m
"""
# What judging them would find: the columns, and the text that people read.
_JUDGED = """
CREATE TEMP TABLE judged ON COMMIT DROP AS
SELECT crowd.member_id, counted.days, counted.is_paid, CASE WHEN counted.is_paid THEN 9900 ELSE 0 END AS entitled_fen,
       CASE WHEN NOT counted.is_matched THEN 'in_progress' WHEN counted.is_paid THEN 'reached'
            WHEN camp_status = 'ongoing' THEN 'in_progress' ELSE 'out_of_reach' END AS standing,
       CASE WHEN camp_status = 'ongoing' THEN NULL WHEN confidence < 100 THEN 'needs_confirmation'
            WHEN counted.is_paid THEN 'eligible' ELSE 'not_eligible' END AS verdict,
       CASE WHEN NOT counted.is_matched THEN '["not_matched", "not_counted"]'::jsonb
            ELSE CASE WHEN confidence < 100 THEN '["match_below_100"]'::jsonb ELSE '[]' END
                 || CASE WHEN camp_status = 'ongoing' THEN '[]'::jsonb
                         WHEN counted.is_paid THEN '["enough_days"]' ELSE '["days_short"]' END END AS reasons,
       jsonb_build_object(
           'days', counted.days, 'granted', 0, 'leaves', 0, 'amnesties', 0, 'missed', :days - counted.days,
           'deposit_fen', 9900,
           'line', format('打卡 %s 天；%s → ¥%s', counted.days,
                          CASE WHEN counted.is_paid THEN '条件已满足，全额退还'
                               ELSE format('未满足「累计打卡满 %s 天」', required_days) END,
                          CASE WHEN counted.is_paid THEN 99 ELSE 0 END)
       ) AS breakdown
FROM crowd, LATERAL (
    SELECT match_status = 'matched' AS is_matched, CASE match_status WHEN 'matched' THEN crowd.days ELSE 0 END AS days,
           match_status = 'matched' AND crowd.days >= required_days AS is_paid
) counted
"""
_PEOPLE = """
INSERT INTO planet_users (planet_id, user_id, number, name, alias, "left", updated_at)
SELECT :planet, '8' || lpad(m::text, 13, '0'), m::text, '学员 ' || m, NULL, false, :now
FROM generate_series(1, :members) m
"""
_ROWS = (
    "INSERT INTO payers (id, created_at, openid) SELECT payer_id, paid_at, 'o-' || unique_number FROM crowd",
    """
INSERT INTO payments (id, created_at, camp_id, payer_id, channel, mch_id, app_id, out_trade_no, status, amount_fen,
                      description, planet_nickname, planet_number, wechat_nickname, expires_at, transaction_id, openid,
                      paid_at, recorded_at, source)
SELECT payment_id, paid_at, camp_id, payer_id, 'jsapi', '1', 'wx', 'P' || unique_number, 'paid', 9900, '写作营',
       '学员 ' || number, number::text, '微信 ' || number, paid_at, '42' || unique_number, 'o-' || unique_number,
       paid_at, paid_at, 'callback'
FROM crowd
""",
    """
INSERT INTO members (id, created_at, camp_id, payer_id, payment_id, openid, planet_nickname, planet_number,
                     wechat_nickname, match_status, confidence, match_method, planet_user_id, refund_policy, joined,
                     paid_fen, fee_fen, paid_at, days_ranking, days_posts, counted_at, days, required_days, standing,
                     entitled_fen, verdict, verdict_reasons, breakdown, judged_at)
SELECT member_id, paid_at, camp_id, payer_id, payment_id, 'o-' || unique_number, '学员 ' || number, number::text,
       '微信 ' || number, match_status, confidence,
       CASE confidence WHEN 100 THEN 'planet_number' WHEN 66 THEN 'planet_nickname' END,
       CASE match_status WHEN 'matched' THEN '8' || lpad(number::text, 13, '0') END, refund_policy, number % 3 > 0,
       9900, 0, paid_at, CASE match_status WHEN 'matched' THEN crowd.days END,
       CASE match_status WHEN 'matched' THEN crowd.days END, CASE match_status WHEN 'matched' THEN :now END,
       judged.days, required_days, standing, entitled_fen, verdict, reasons, breakdown, :now
FROM crowd JOIN judged USING (member_id)
""",
    """
INSERT INTO refunds (id, created_at, camp_id, member_id, payment_id, kind, status, amount_fen, out_refund_no, reason,
                     listed_verdict, verdict, verdict_reasons, days, days_ranking, days_posts, required_days,
                     confidence, match_method, breakdown, reviewed_at, attempts, sendings, manual_retries,
                     succeeded_at, settled_offline)
SELECT gen_random_uuid(), paid_at + make_interval(days => :days + 2), camp_id, member_id, payment_id, 'camp', status,
       entitled_fen, 'R' || unique_number, '', judged.verdict,
       CASE WHEN decided THEN judged.verdict END, CASE WHEN decided THEN reasons ELSE '[]' END,
       CASE WHEN decided THEN judged.days END, CASE WHEN decided THEN judged.days END,
       CASE WHEN decided THEN judged.days END, CASE WHEN decided THEN required_days END,
       CASE WHEN decided THEN confidence END,
       CASE WHEN decided THEN CASE confidence WHEN 100 THEN 'planet_number' ELSE 'planet_nickname' END END,
       CASE WHEN decided THEN breakdown END,
       CASE WHEN decided THEN paid_at + make_interval(days => :days + 2, hours => 6) END,
       decided::int, decided::int, 0,
       CASE WHEN status = 'succeeded' THEN paid_at + make_interval(days => :days + 3) END, false
FROM crowd JOIN judged USING (member_id), LATERAL (
    SELECT CASE WHEN camp_status = 'archived' THEN 'succeeded' WHEN number % 100 = 3 THEN 'failed'
                ELSE 'pending_review' END AS status, camp_status = 'archived' OR number % 100 = 3 AS decided
) state
WHERE camp_status <> 'ongoing' AND entitled_fen > 0
""",
    """
INSERT INTO checkin_totals (camp_id, planet_user_id, name, days_ranking, days_posts, sync_run_id)
SELECT camps.id, '8' || lpad(m::text, 13, '0'), '学员 ' || m, :days, :days, sync_runs.id
FROM camps JOIN sync_runs ON sync_runs.camp_id = camps.id, generate_series(1, :members) m
""",
    """
INSERT INTO checkins (camp_id, planet_user_id, day, posted_at, topic_id, excerpt, source)
SELECT camps.id, '8' || lpad(m::text, 13, '0'), camps.starts_on + d,
       (camps.starts_on + d + make_interval(secs => m * 60)) AT TIME ZONE 'Asia/Shanghai', NULL, '今日打卡', 'posts'
FROM camps, generate_series(0, :days - 1) d, generate_series(1, :members) m
""",
    """
INSERT INTO audit_log (id, created_at, actor_kind, actor_id, actor_name, action, target_type, target_id, target_name,
                       camp_id)
SELECT gen_random_uuid(), paid_at + make_interval(hours => l), 'staff', NULL, '小王',
       (ARRAY['refund.approve', 'member.join', 'member.match', 'refund.reject', 'auth.login'])[l], 'member', member_id,
       '学员 ' || number, camp_id
FROM crowd, generate_series(1, 5) l
""",
)
# The first coach leads every second camp and reviewed everything; the other the rest.
_COACHES = """
INSERT INTO camp_staff (camp_id, staff_id, kind)
SELECT id, CASE WHEN checkin_id::int % 2 = 0 THEN :one ELSE :two END, 'coach' FROM camps
"""
_REVIEWS = "UPDATE refunds SET reviewer_id = :one WHERE status <> 'pending_review'"
_RUNS = """
INSERT INTO sync_runs (id, created_at, camp_id, trigger, status, pages_done, people_seen, people_expected, posts_seen,
                       posts_read, rows_malformed, heartbeat_at, started_at, finished_at)
SELECT gen_random_uuid(), :now, id, 'scheduler', 'complete', 50, :members, :members, 0, true, 0, :now, :now, :now
FROM camps
"""


async def fill(db: Database, size: Size) -> Staff:
    """Fill an empty migrated database; returns the super admin who works there."""
    async with db.transaction() as session:
        planet = await factories.make_planet(session)
        staff = await factories.make_staff(session, StaffRole.SUPER_ADMIN)
        values = {
            "camps": str(size.camps),
            "members": str(size.members),
            "days": str(size.days),
            "today": f"date '{clock.today()}'",
            "now": f"timestamptz '{clock.now().isoformat()}'",
            "planet": f"uuid '{planet.id}'",
        }
        for name in ("one", "two"):
            coach = await factories.make_staff(session, StaffRole.COACH)
            values[name] = f"uuid '{coach.id}'"
        # The rules about refunds are checked row by row, and these rows keep them by their making.
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in (_CAMPS, _PEOPLE, _RUNS, _NUMBERED, _JUDGED, *_ROWS, _COACHES, _REVIEWS):
            connection = await session.connection()
            await connection.exec_driver_sql(_NAME.sub(lambda found: values[found[1]], statement))
    await _vacuum(db)
    return staff


async def _vacuum(db: Database) -> None:
    """As autovacuum would have done in time: fresh statistics, and a visibility map for index-only scans."""
    async with db.engine.connect() as raw:
        connection = await raw.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM (ANALYZE)"))
