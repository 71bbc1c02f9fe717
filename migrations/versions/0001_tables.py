"""All tables, with their keys, checks and indexes

Revision: 0001
Follows:

Written out, not taken from ``backend/models``: those move on, this stays what it was. It holds one copy of what every
table was made of, by topic; what the columns mean is said at the models. Names follow the convention below: ``None``
as an index's name has it made from the columns, and a check's name is given without ``ck_<table>_``.
"""

from typing import Any

from alembic import op
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
INSTANT = DateTime(timezone=True)


def upgrade() -> None:
    TABLES.create_all(op.get_bind(), checkfirst=False)
    # Where the chain of audit rows begins: 0 rows, and zeros for the hash before the first.
    op.execute("INSERT INTO audit_head (id, last_seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'))")


def downgrade() -> None:
    TABLES.drop_all(op.get_bind(), checkfirst=False)


def table(name: str, *items: SchemaItem) -> None:
    Table(name, TABLES, *items)


def identified() -> tuple[Column[Any], Column[Any]]:
    """The first columns of most tables."""
    return Column("id", Uuid, primary_key=True), Column("created_at", INSTANT, nullable=False)


def one_of(name: str, *values: str) -> Enum:
    """Text with a check of its values, so that a new one needs no new type."""
    return Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


# Staff, what they set, and what they uploaded

table(
    "staff",
    *identified(),
    Column("username", String(50), nullable=False),
    Column("display_name", String(50), nullable=False),
    Column("role", one_of("staff_role", "super_admin", "manager", "coach", "volunteer"), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("former_password_hashes", JSONB, nullable=False, server_default="[]"),
    Column("active", Boolean, nullable=False),
    Column("must_change_password", Boolean, nullable=False),
    Column("last_login_at", INSTANT),
    Column("deleted_at", INSTANT),
    Column("wecom_user_id", String(64)),
    # Staff are deleted softly: a name may be given again, and not in other capitals beside a living one.
    Index("uq_staff_username_live", text("lower(username)"), unique=True, postgresql_where=text("deleted_at IS NULL")),
)
table(
    "staff_sessions",
    *identified(),
    Column("staff_id", Uuid, ForeignKey("staff.id"), nullable=False, index=True),
    Column("expires_at", INSTANT, nullable=False, index=True),
    Column("revoked_at", INSTANT),
)
table(
    "login_guards",
    Column("subject", Text, primary_key=True),
    Column("failures", ARRAY(INSTANT), nullable=False),
    Column("locked_until", INSTANT),
    Column("updated_at", INSTANT, nullable=False, index=True),
)
table(
    "settings_groups",
    Column("name", Text, primary_key=True),
    Column("values", JSONB, nullable=False),
    Column("secrets", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    Column("updated_by", Uuid, ForeignKey("staff.id"), nullable=False),
)
table(
    "settings_checks",
    Column("name", Text, primary_key=True),
    Column("ok", Boolean, nullable=False),
    Column("latency_ms", Integer, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("checked_at", INSTANT, nullable=False),
)
table(
    "uploads",
    *identified(),
    Column("key", String(100), nullable=False, unique=True),
    Column("kind", one_of("upload_kind", "poster", "group_qr"), nullable=False),
    Column("content_type", String(50), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("uploaded_by", Uuid, ForeignKey("staff.id"), nullable=False),
)

# Planets and camps

table(
    "planets",
    *identified(),
    Column("name", String(50), nullable=False),
    Column("group_id", String(32), nullable=False, unique=True),
    Column("sealed_token", Text, nullable=False),
    Column("token_hint", String(8), nullable=False),
    Column("credential_status", one_of("credential_status", "untested", "valid", "credential_invalid"), nullable=False),
    Column("credential_checked_at", INSTANT),
    Column("credential_expires_at", INSTANT),
)
table(
    "planet_users",
    Column("planet_id", Uuid, ForeignKey("planets.id"), primary_key=True),
    Column("user_id", String(32), primary_key=True),
    Column("number", String(20)),
    Column("name", Text, nullable=False),
    Column("alias", Text),
    Column("listed_number", String(20)),
    Column("left", Boolean, nullable=False),
    Column("number_checked_at", INSTANT),
    Column("updated_at", INSTANT, nullable=False),
    Index(None, "planet_id", "number"),
)
table(
    "camps",
    *identified(),
    Column("name", String(50), nullable=False),
    Column("description", Text, nullable=False),
    Column(
        "status",
        one_of("camp_status", "draft", "enrolling", "ongoing", "ended", "settling", "archived", "cancelled"),
        nullable=False,
    ),
    Column("deposit_fen", BigInteger, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("enroll_opens_at", INSTANT),
    Column("enroll_closes_at", INSTANT),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("refund_policy", JSONB, nullable=False),
    Column("planet_id", Uuid, ForeignKey("planets.id")),
    Column("checkin_id", String(32)),
    Column("poster_key", String(100), ForeignKey("uploads.key")),
    Column("group_qr_key", String(100), ForeignKey("uploads.key")),
    Column("sealed_robot_key", Text),
    Column("robot_key_hint", String(8)),
    Column("published_at", INSTANT),
    Column("last_complete_sync_at", INSTANT),
    Column("deleted_at", INSTANT),
    Column("personal_data_cleared_at", INSTANT),
    CheckConstraint("deposit_fen > 0", name="deposit_positive"),
    CheckConstraint("ends_on >= starts_on", name="dates_in_order"),
    CheckConstraint("capacity BETWEEN 1 AND 1000", name="capacity_range"),
    # One living camp of a name, and one that counts a check-in project: else a day would count in two.
    Index(
        "uq_camps_name_live", "name", unique=True, postgresql_where=text("deleted_at IS NULL AND status <> 'archived'")
    ),
    Index(
        "uq_camps_checkin_live",
        "planet_id",
        "checkin_id",
        unique=True,
        postgresql_where=text("deleted_at IS NULL AND status <> 'archived' AND checkin_id IS NOT NULL"),
    ),
    Index(None, "status", "starts_on"),
)
table(
    "camp_staff",
    Column("camp_id", Uuid, ForeignKey("camps.id"), primary_key=True),
    Column("staff_id", Uuid, ForeignKey("staff.id"), primary_key=True, index=True),
    Column("kind", one_of("camp_staff_kind", "coach", "volunteer"), primary_key=True),
)

# People who pay, and what they paid for

table(
    "payers",
    *identified(),
    Column("openid", String(128), unique=True),
)
table(
    "oauth_states",
    Column("state_hash", String(64), primary_key=True),
    Column("browser_hash", String(64), nullable=False),
    Column("return_to", String(500), nullable=False),
    Column("expires_at", INSTANT, nullable=False, index=True),
    Column("used_at", INSTANT),
)
table(
    "payments",
    *identified(),
    Column("camp_id", Uuid, ForeignKey("camps.id"), nullable=False, index=True),
    Column("payer_id", Uuid, ForeignKey("payers.id"), nullable=False, index=True),
    Column("channel", one_of("channel", "jsapi", "h5", "native"), nullable=False),
    Column("mch_id", String(32), nullable=False),
    Column("app_id", String(32), nullable=False),
    Column("out_trade_no", String(32), nullable=False, unique=True),
    Column("status", one_of("payment_status", "pending", "paid", "closed"), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("description", String(127), nullable=False),
    Column("payer_ip", String(45)),
    Column("planet_nickname", String(50), nullable=False),
    Column("planet_number", String(20), nullable=False),
    Column("wechat_nickname", String(50), nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("prepay", Text),
    Column("prepay_expires_at", INSTANT),
    Column("transaction_id", String(32), unique=True),
    Column("openid", String(128)),
    Column("trade_type", String(16)),
    Column("paid_at", INSTANT),
    Column("recorded_at", INSTANT),
    Column("source", String(16)),
    Column("excess", one_of("excess", "already_enrolled", "camp_full", "camp_started", "camp_over")),
    Column("closed_at", INSTANT),
    CheckConstraint("amount_fen > 0", name="amount_positive"),
    CheckConstraint("(status = 'paid') = (transaction_id IS NOT NULL)", name="paid_has_transaction"),
    # Two taps on the button make one order.
    Index("uq_payments_pending", "camp_id", "payer_id", unique=True, postgresql_where=text("status = 'pending'")),
    Index("ix_payments_pending_expiry", "expires_at", postgresql_where=text("status = 'pending'")),
    # What figures of money read, without the rows: by camp, and by the time of payment.
    Index("ix_payments_income", "camp_id", postgresql_include=["amount_fen"], postgresql_where=text("status = 'paid'")),
    Index(None, "paid_at", postgresql_include=["camp_id", "amount_fen"]),
    # Unpaid orders have none, and a guest's payments are looked for at each visit.
    Index(None, "openid", postgresql_where=text("openid IS NOT NULL")),
)
table(
    "members",
    *identified(),
    Column("camp_id", Uuid, ForeignKey("camps.id"), nullable=False),
    Column("payer_id", Uuid, ForeignKey("payers.id"), nullable=False),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False, unique=True),
    Column("openid", String(128)),
    Column("planet_nickname", String(50), nullable=False),
    Column("planet_number", String(20), nullable=False),
    Column("wechat_nickname", String(50), nullable=False),
    Column(
        "match_status",
        one_of("match_status", "unmatched", "suggested", "matched", "conflict", "closed"),
        nullable=False,
    ),
    Column("confidence", Integer, nullable=False),
    Column("match_method", one_of("match_method", "planet_number", "planet_nickname", "wechat_nickname", "manual")),
    Column("planet_user_id", String(32)),
    Column("match_note", Text),
    Column("refund_policy", JSONB, nullable=False),
    Column("joined", Boolean, nullable=False),
    Column("joined_at", INSTANT),
    Column("paid_fen", BigInteger, nullable=False),
    Column("fee_fen", BigInteger, nullable=False),
    Column("paid_at", INSTANT, nullable=False),
    Column("days_ranking", Integer),
    Column("days_posts", Integer),
    Column("days_import", Integer),
    Column("counted_at", INSTANT),
    Column("days", Integer, nullable=False),
    Column("required_days", Integer),
    Column("standing", one_of("standing", "not_started", "in_progress", "reached", "out_of_reach"), nullable=False),
    Column("entitled_fen", BigInteger, nullable=False),
    Column("verdict", one_of("verdict", "eligible", "partial", "needs_confirmation", "not_eligible")),
    Column("verdict_reasons", JSONB, nullable=False),
    Column("breakdown", JSONB, nullable=False),
    Column("judged_at", INSTANT),
    CheckConstraint("confidence IN (0, 33, 66, 100)", name="confidence_levels"),
    CheckConstraint("paid_fen > 0", name="paid_positive"),
    CheckConstraint("fee_fen BETWEEN 0 AND paid_fen", name="fee_within_paid"),
    CheckConstraint("entitled_fen BETWEEN 0 AND paid_fen - fee_fen", name="entitled_within_paid"),
    CheckConstraint("(match_status = 'matched') <= (planet_user_id IS NOT NULL)", name="matched_has_planet_user"),
    # One place for one person, by whatever the person is known.
    Index("uq_members_camp_openid", "camp_id", "openid", unique=True, postgresql_where=text("openid IS NOT NULL")),
    Index(
        "uq_members_camp_planet_user",
        "camp_id",
        "planet_user_id",
        unique=True,
        postgresql_where=text("match_status = 'matched'"),
    ),
    Index("uq_members_camp_payer", "camp_id", "payer_id", unique=True),
    Index(None, "camp_id", "match_status"),
    Index(None, "paid_at", "id"),
    # With all that a camp's figures read of its members.
    Index(
        None, "camp_id", "standing", postgresql_include=["match_status", "verdict", "joined", "days", "required_days"]
    ),
    # What a person has to look at: few among many.
    Index(
        "ix_members_matching_queue", "camp_id", postgresql_where=text("match_status <> 'matched' OR confidence < 100")
    ),
    Index(None, "openid"),
    Index(None, "payer_id"),
)
table(
    "day_grants",
    *identified(),
    Column("camp_id", Uuid, ForeignKey("camps.id"), nullable=False, index=True),
    Column("member_id", Uuid, ForeignKey("members.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("kind", one_of("grant_kind", "leave", "makeup", "appeal", "amnesty", "coach"), nullable=False),
    Column("source_id", Uuid),
    Column("granted_by", Uuid, ForeignKey("staff.id")),
    Column("reason", Text, nullable=False),
    # A day that is granted twice would count twice.
    UniqueConstraint("member_id", "day"),
)

# Check-ins, and sheets that staff brought in

table(
    "sync_runs",
    *identified(),
    Column("camp_id", Uuid, ForeignKey("camps.id"), nullable=False),
    Column("trigger", one_of("sync_trigger", "scheduler", "manual"), nullable=False),
    Column("status", one_of("sync_status", "running", "complete", "partial", "failed"), nullable=False),
    Column("pages_done", Integer, nullable=False),
    Column("people_seen", Integer, nullable=False),
    Column("people_expected", Integer),
    Column("posts_seen", Integer, nullable=False),
    Column("posts_read", Boolean, nullable=False),
    Column("rows_malformed", Integer, nullable=False),
    Column("heartbeat_at", INSTANT, nullable=False),
    Column("started_at", INSTANT, nullable=False),
    Column("finished_at", INSTANT),
    Column("error_code", String(50)),
    Column("error_message", Text),
    # Two readings of one project at a time would overwrite each other's counts.
    Index("uq_sync_runs_running", "camp_id", unique=True, postgresql_where=text("status = 'running'")),
    Index(None, "camp_id", "created_at"),
)
table(
    "checkin_totals",
    Column("camp_id", Uuid, ForeignKey("camps.id"), primary_key=True),
    Column("planet_user_id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("alias", Text),
    Column("days_ranking", Integer, nullable=False),
    Column("days_posts", Integer),
    Column("sync_run_id", Uuid, ForeignKey("sync_runs.id"), nullable=False),
    CheckConstraint("days_ranking >= 0 AND days_posts >= 0", name="days_not_negative"),
)
table(
    "checkins",
    Column("camp_id", Uuid, ForeignKey("camps.id"), primary_key=True),
    Column("planet_user_id", String(32), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("posted_at", INSTANT),
    Column("topic_id", String(32)),
    Column("excerpt", Text, nullable=False),
    Column("source", one_of("checkin_source", "posts", "import"), nullable=False),
    # The newest of all camps; within a camp the primary key finds them.
    Index("ix_checkins_newest", "day", "posted_at", "camp_id", "planet_user_id"),
)
table(
    "imports",
    *identified(),
    Column("kind", one_of("import_kind", "checkin_days", "checkin_totals", "planet_members"), nullable=False),
    Column("planet_id", Uuid, ForeignKey("planets.id"), nullable=False),
    Column("camp_id", Uuid, ForeignKey("camps.id")),
    Column("file_name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
    Column("created_by", Uuid, ForeignKey("staff.id"), nullable=False),
    CheckConstraint("(kind = 'planet_members') = (camp_id IS NULL)", name="check_ins_are_a_camp_s"),
    Index(None, "camp_id", "created_at"),
    Index(None, "planet_id", "created_at"),
)
table(
    "imported_totals",
    Column("camp_id", Uuid, ForeignKey("camps.id"), primary_key=True),
    Column("planet_user_id", String(32), primary_key=True),
    Column("days", Integer, nullable=False),
    Column("import_id", Uuid, ForeignKey("imports.id"), nullable=False),
    CheckConstraint("days >= 0", name="days_not_negative"),
)
table(
    "planet_members",
    Column("planet_id", Uuid, ForeignKey("planets.id"), primary_key=True),
    Column("number", String(20), primary_key=True),
    Column("nickname", Text, nullable=False),
    Column("wechat_nickname", Text, nullable=False),
    Column("card_nickname", Text, nullable=False),
    Column("remark_nickname", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("joined_on", Date),
    Column("left", Boolean, nullable=False),
    Column("user_id", String(32)),
    Column("import_id", Uuid, ForeignKey("imports.id"), nullable=False),
    Column("updated_at", INSTANT, nullable=False),
)

# Money

table(
    "refunds",
    *identified(),
    Column("camp_id", Uuid, ForeignKey("camps.id"), nullable=False),
    Column("member_id", Uuid, ForeignKey("members.id"), index=True),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False, index=True),
    Column("kind", one_of("refund_kind", "camp", "duplicate", "exception"), nullable=False),
    Column(
        "status",
        one_of(
            "refund_status",
            "pending_review",
            "approved",
            "sending",
            "processing",
            "succeeded",
            "failed",
            "rejected",
            "closed",
        ),
        nullable=False,
    ),
    Column("amount_fen", BigInteger, nullable=False),
    Column("out_refund_no", String(64), nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    Column("verdict", one_of("verdict", "eligible", "partial", "needs_confirmation", "not_eligible")),
    Column("verdict_reasons", JSONB, nullable=False),
    Column("days", Integer),
    Column("days_ranking", Integer),
    Column("days_posts", Integer),
    Column("days_import", Integer),
    Column("required_days", Integer),
    Column("confidence", Integer),
    Column("match_method", String(32)),
    Column("breakdown", JSONB),
    Column("listed_verdict", one_of("listed_verdict", "eligible", "partial", "needs_confirmation", "not_eligible")),
    Column("created_by", Uuid, ForeignKey("staff.id")),
    Column("replaces_id", Uuid, ForeignKey("refunds.id")),
    Column("reviewer_id", Uuid, ForeignKey("staff.id")),
    Column("reviewed_at", INSTANT),
    Column("review_note", Text),
    Column("reject_reason", Text),
    Column("attempts", Integer, nullable=False),
    Column("sendings", Integer, nullable=False),
    Column("manual_retries", Integer, nullable=False),
    Column("next_attempt_at", INSTANT),
    Column("sent_at", INSTANT),
    Column("failure_code", String(64)),
    Column("failure_message", Text),
    Column("provider_refund_id", String(64), unique=True),
    Column("succeeded_at", INSTANT),
    Column("settled_offline", Boolean, nullable=False),
    Column("offline_note", Text),
    CheckConstraint("amount_fen > 0", name="amount_positive"),
    CheckConstraint("NOT settled_offline OR status = 'succeeded'", name="offline_is_settled"),
    CheckConstraint("status <> 'rejected' OR reject_reason IS NOT NULL", name="rejected_has_reason"),
    CheckConstraint("status IN ('pending_review', 'rejected') OR reviewed_at IS NOT NULL", name="sent_was_approved"),
    # Money may be on its way back once at a time, and a deposit's refund is one row until it has come to an end.
    Index(
        "uq_refunds_in_flight",
        "payment_id",
        unique=True,
        postgresql_where=text("status IN ('pending_review','approved','sending','processing','failed')"),
    ),
    Index(
        "uq_refunds_camp_kind",
        "payment_id",
        unique=True,
        postgresql_where=text("kind = 'camp' AND status NOT IN ('closed', 'succeeded')"),
    ),
    Index(None, "camp_id", "status", postgresql_include=["amount_fen"]),
    Index(
        "ix_refunds_due",
        "status",
        "next_attempt_at",
        postgresql_where=text("status IN ('approved','sending','processing')"),
    ),
    Index(None, "created_at", "id"),
    Index(None, "succeeded_at", postgresql_include=["camp_id", "amount_fen", "status"]),
)
table(
    "refund_holds",
    *identified(),
    Column("cause", String(50), nullable=False),
    Column("refund_id", Uuid, ForeignKey("refunds.id")),
    Column("ended_at", INSTANT),
    Column("ended_by", Uuid, ForeignKey("staff.id")),
    # At most one is open.
    Index("uq_refund_holds_open", text("(ended_at IS NULL)"), unique=True, postgresql_where=text("ended_at IS NULL")),
)
table(
    "ledger_transactions",
    *identified(),
    Column("camp_id", Uuid, ForeignKey("camps.id"), nullable=False),
    Column(
        "movement",
        one_of("movement", "paid", "sent", "confirmed", "reversed", "settled_offline", "kept", "fee"),
        nullable=False,
    ),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False),
    Column("refund_id", Uuid, ForeignKey("refunds.id")),
    Column("sequence", Integer, nullable=False),
    Column("occurred_at", INSTANT, nullable=False),
    # The same movement never happens twice, also one without a refund (NULL).
    UniqueConstraint("movement", "payment_id", "refund_id", "sequence", postgresql_nulls_not_distinct=True),
    Index(None, "camp_id", "occurred_at"),
)
table(
    "ledger_entries",
    Column("transaction_id", Uuid, ForeignKey("ledger_transactions.id"), primary_key=True),
    Column(
        "account",
        one_of(
            "account",
            "provider_clearing",
            "deposits_held",
            "refunds_in_transit",
            "forfeited_income",
            "offline_settlements",
            "service_income",
        ),
        primary_key=True,
    ),
    Column("camp_id", Uuid, ForeignKey("camps.id"), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    CheckConstraint("amount_fen <> 0", name="amount_not_zero"),
    Index(None, "camp_id", "account"),
)
table(
    "reconciliation_cases",
    *identified(),
    Column("kind", String(50), nullable=False),
    # One case per difference, however often it is found.
    Column("dedupe_key", String(200), nullable=False, unique=True),
    Column("status", one_of("case_status", "open", "resolved"), nullable=False),
    Column("summary", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("camp_id", Uuid, ForeignKey("camps.id")),
    Column("payment_id", Uuid, ForeignKey("payments.id")),
    Column("refund_id", Uuid, ForeignKey("refunds.id")),
    Column("resolved_at", INSTANT),
    Column("resolved_by", Uuid, ForeignKey("staff.id")),
    Column("resolution", Text),
    Index(None, "status", "created_at"),
)
table(
    "reconciliation_days",
    Column("day", Date, primary_key=True),
    Column("finished_at", INSTANT, nullable=False),
    Column("trade_rows", Integer, nullable=False),
    Column("fund_rows", Integer, nullable=False),
    Column("cases", Integer, nullable=False),
)

# Messages

table(
    "notifications",
    *identified(),
    Column("scene", String(50), nullable=False),
    Column("audience", one_of("notice_audience", "staff", "member", "group"), nullable=False),
    Column("channel", one_of("notice_channel", "wecom_app", "wecom_robot", "mp_template", "inbox"), nullable=False),
    # The same scene about the same object reaches a receiver once by a channel.
    Column("dedupe_key", String(250), nullable=False, unique=True),
    Column("camp_id", Uuid, ForeignKey("camps.id")),
    Column("member_id", Uuid, ForeignKey("members.id")),
    Column("payer_id", Uuid, ForeignKey("payers.id"), index=True),
    Column("payment_id", Uuid, ForeignKey("payments.id")),
    Column("staff_id", Uuid, ForeignKey("staff.id")),
    Column("recipient", String(100), nullable=False),
    Column("title", String(100), nullable=False),
    Column("content", Text, nullable=False),
    Column("values", JSONB),
    Column("status", one_of("notice_status", "pending", "sent", "failed", "skipped"), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("resends", Integer, nullable=False),
    Column("next_attempt_at", INSTANT),
    Column("sent_at", INSTANT),
    Column("read_at", INSTANT),
    Column("error", Text),
    Column("merged_into", Uuid, ForeignKey("notifications.id")),
    Index("ix_notifications_due", "next_attempt_at", postgresql_where=text("status IN ('pending', 'failed')")),
    # What a person may have to look at: few among many.
    Index("ix_notifications_unsent", "created_at", "id", postgresql_where=text("status <> 'sent'")),
    Index(None, "member_id", "created_at"),
    Index(None, "created_at", "id"),
    Index(None, "scene", "created_at", "id"),
    Index(None, "camp_id", "created_at", "id"),
)
table(
    "notice_scenes",
    Column("scene", String(50), primary_key=True),
    Column("audience", one_of("notice_audience", "staff", "member", "group"), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("channels", JSONB, nullable=False),
    Column("roles", JSONB, nullable=False),
    Column("staff_ids", JSONB, nullable=False),
    Column("title", String(100), nullable=False),
    Column("content", Text, nullable=False),
    Column("mp_template_id", String(64), nullable=False),
    Column("mp_fields", JSONB, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    Column("updated_by", Uuid, ForeignKey("staff.id")),
)
table(
    "send_slots",
    Column("receiver", String(100), primary_key=True),
    Column("free_at", INSTANT, nullable=False),
)

# Records

table(
    "audit_log",
    *identified(),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Uuid),
    Column("actor_name", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target_type", Text, nullable=False),
    Column("target_id", Uuid),
    Column("target_name", Text),
    Column("camp_id", Uuid),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("note", Text),
    Column("error", Text),
    Column("ip", Text),
    Column("user_agent", Text),
    Column("request_id", Text),
    Column("seq", BigInteger),
    Column("prev_hash", LargeBinary),
    Column("hash", LargeBinary),
    UniqueConstraint("seq"),
    CheckConstraint("num_nulls(seq, prev_hash, hash) IN (0, 3)", name="chained_whole"),
    Index(None, "created_at", "id"),
    Index(None, "action", "created_at"),
    Index(None, "target_type", "target_id"),
    Index("ix_audit_log_unchained", "created_at", "id", postgresql_where=text("seq IS NULL")),
)
table(
    "audit_head",
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
table(
    "state_changes",
    *identified(),
    Column("entity", Text, nullable=False),
    Column("entity_id", Uuid, nullable=False),
    Column("from_state", Text, nullable=False),
    Column("to_state", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Uuid),
    Column("note", Text),
    Index(None, "entity", "entity_id", "created_at"),
)
table(
    "inbox_events",
    *identified(),
    Column("source", String(32), nullable=False),
    Column("external_id", String(100), nullable=False),
    Column("event_type", String(64), nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("outcome", String(32), nullable=False),
    # The provider may tell the same thing many times.
    UniqueConstraint("source", "external_id"),
    Index(None, "created_at"),
)
table(
    "job_runs",
    *identified(),
    Column("name", String(50), nullable=False),
    Column("slot", INSTANT),
    Column("finished_at", INSTANT),
    Column("ok", Boolean),
    Column("summary", JSONB),
    Column("error", Text),
    Index(None, "name", "created_at"),
    # One worker among many takes a slot of the timetable; a run by hand has none.
    Index("uq_job_runs_slot", "name", "slot", unique=True),
)
