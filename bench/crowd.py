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

# One planet, and camps one after the other up to today; each member's refund follows, and five lines of the log.
_CAMPS = """
INSERT INTO camps (id, created_at, name, description, status, deposit_fen, capacity, starts_on, ends_on,
                   refund_policy, planet_id, checkin_id, last_complete_sync_at)
SELECT gen_random_uuid(), :now - make_interval(days => (:camps - c) * 7), '写作营 ' || c, '',
       CASE WHEN c <= :camps - 5 THEN 'archived' WHEN c <= :camps - 2 THEN 'settling' ELSE 'ongoing' END,
       9900, 1000, :today - (:camps - c) * 7 - :days, :today - (:camps - c) * 7 - 1,
       jsonb_build_object('kind', 'threshold', 'required_days', :days / 3), :planet, c::text, :now
FROM generate_series(1, :camps) c
"""
_NUMBERED = """
CREATE TEMP TABLE crowd ON COMMIT DROP AS
SELECT gen_random_uuid() AS member_id, gen_random_uuid() AS payment_id, gen_random_uuid() AS payer_id,
       camps.id AS camp_id, camps.status AS camp_status, camps.starts_on, camps.refund_policy,
       m AS number, camps.checkin_id::int * 100000 + m AS unique_number,
       CASE WHEN m % 50 = 0 THEN 'unmatched' WHEN m % 50 = 1 THEN 'conflict' ELSE 'matched' END AS match_status,
       CASE WHEN m % 50 < 2 THEN 0 WHEN m % 20 = 2 THEN 66 ELSE 100 END AS confidence,
       (camps.starts_on - 1 + make_interval(secs => m * 60)) AT TIME ZONE 'Asia/Shanghai' AS paid_at
FROM camps, generate_series(1, :members) m
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
                     paid_fen, paid_at, days_ranking, days_posts, counted_at)
SELECT member_id, paid_at, camp_id, payer_id, payment_id, 'o-' || unique_number, '学员 ' || number, number::text,
       '微信 ' || number, match_status, confidence,
       CASE confidence WHEN 100 THEN 'planet_number' WHEN 66 THEN 'planet_nickname' END,
       CASE match_status WHEN 'matched' THEN '8' || lpad(number::text, 13, '0') END, refund_policy, number % 3 > 0,
       9900, paid_at, CASE match_status WHEN 'matched' THEN :days - number % 25 END,
       CASE match_status WHEN 'matched' THEN :days - number % 25 END, :now
FROM crowd
""",
    """
INSERT INTO refunds (id, created_at, camp_id, member_id, payment_id, kind, status, amount_fen, out_refund_no, reason,
                     verdict, verdict_reasons, days, required_days, confidence, match_method, reviewed_at, attempts,
                     sendings, manual_retries, succeeded_at, settled_offline)
SELECT gen_random_uuid(), paid_at + make_interval(days => :days + 2), camp_id, member_id, payment_id, 'camp',
       CASE WHEN camp_status = 'archived' THEN 'succeeded' WHEN number % 100 = 3 THEN 'failed' ELSE 'pending_review'
       END, 9900, 'R' || unique_number, '', 'eligible', '["enough_days"]', :days, :days / 3, confidence,
       'planet_number', paid_at + make_interval(days => :days + 2, hours => 6), 1, 1, 0,
       CASE WHEN camp_status = 'archived' THEN paid_at + make_interval(days => :days + 3) END, false
FROM crowd WHERE camp_status <> 'ongoing' AND match_status = 'matched'
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
        for statement in (_CAMPS, _PEOPLE, _RUNS, _NUMBERED, *_ROWS, _COACHES, _REVIEWS):
            connection = await session.connection()
            await connection.exec_driver_sql(_NAME.sub(lambda found: values[found[1]], statement))
    await _vacuum(db)
    return staff


async def _vacuum(db: Database) -> None:
    """As autovacuum would have done in time: fresh statistics, and a visibility map for index-only scans."""
    async with db.engine.connect() as raw:
        connection = await raw.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM (ANALYZE)"))
