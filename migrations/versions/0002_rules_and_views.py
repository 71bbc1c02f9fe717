"""What the database refuses, and the views for reports

Revision: 0002
Follows: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("audit_log", "state_changes", "ledger_transactions", "ledger_entries")
FROZEN = {
    "payments": ("camp_id", "payer_id", "mch_id", "app_id", "out_trade_no", "amount_fen"),
    "members": ("camp_id", "payment_id", "paid_fen", "refund_policy"),
    "refunds": ("camp_id", "payment_id", "kind", "out_refund_no", "amount_fen"),
}

REFUSE_CHANGE = """
CREATE FUNCTION camp_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""

REFUSE_FROZEN = """
CREATE FUNCTION camp_refuse_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a column of % that may never change was changed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""

# Checked at commit: both sides of a movement are there, and they cancel out.
LEDGER_BALANCES = """
CREATE FUNCTION camp_ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sides integer;
    balance bigint;
BEGIN
    SELECT count(*), coalesce(sum(amount_fen), 0) INTO sides, balance
        FROM ledger_entries WHERE transaction_id = NEW.id;
    IF sides < 2 OR balance <> 0 THEN
        RAISE EXCEPTION 'ledger transaction % has % sides and is off by % fen', NEW.id, sides, balance
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""

# An entry added later to a settled transaction would unbalance it unseen: entries come with their transaction.
LEDGER_ENTRY_FITS = """
CREATE FUNCTION camp_ledger_entry_fits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    balance bigint;
BEGIN
    SELECT sum(amount_fen) INTO balance FROM ledger_entries WHERE transaction_id = NEW.transaction_id;
    IF balance <> 0 THEN
        RAISE EXCEPTION 'ledger transaction % is off by % fen', NEW.transaction_id, balance
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""

# What is refunded, or may still be, never exceeds what was paid. The payment's lock makes two at once wait.
# Planned anew each time: a plan kept from when the table was empty reads all of it for each row.
REFUND_WITHIN_PAID = """
CREATE FUNCTION camp_refund_within_paid() RETURNS trigger LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    paid bigint;
    other bigint;
BEGIN
    IF NEW.status IN ('rejected', 'closed') THEN
        RETURN NEW;
    END IF;
    SELECT amount_fen INTO paid FROM payments
        WHERE id = NEW.payment_id AND status = 'paid' FOR NO KEY UPDATE;
    IF paid IS NULL THEN
        RAISE EXCEPTION 'payment % is not paid', NEW.payment_id USING ERRCODE = 'check_violation';
    END IF;
    SELECT coalesce(sum(amount_fen), 0) INTO other FROM refunds
        WHERE payment_id = NEW.payment_id AND id <> NEW.id AND status NOT IN ('rejected', 'closed');
    IF other + NEW.amount_fen > paid THEN
        RAISE EXCEPTION 'refunds of payment % would exceed what was paid', NEW.payment_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
"""

MEMBER_FULL_INFO = """
CREATE VIEW v_member_full_info AS
SELECT m.id AS member_id, m.camp_id, c.name AS camp_name, c.status AS camp_status, c.starts_on, c.ends_on,
       m.payment_id, p.out_trade_no, p.transaction_id, p.channel, m.paid_fen, m.paid_at,
       m.planet_nickname, m.planet_number, m.wechat_nickname,
       m.match_status, m.confidence, m.match_method, m.planet_user_id, m.joined,
       m.days_ranking, m.days_posts, coalesce(m.days_posts, m.days_ranking, 0) AS days,
       (m.refund_policy ->> 'required_days')::integer AS required_days,
       m.match_status = 'matched'
           AND coalesce(m.days_ranking, 0) >= (m.refund_policy ->> 'required_days')::integer
           AND coalesce(m.days_posts, m.days_ranking, 0) >= (m.refund_policy ->> 'required_days')::integer
           AS reached,
       coalesce(r.refunded_fen, 0) AS refunded_fen, r.last_refunded_at
FROM members m
JOIN camps c ON c.id = m.camp_id
JOIN payments p ON p.id = m.payment_id
LEFT JOIN LATERAL (
    SELECT sum(amount_fen) AS refunded_fen, max(succeeded_at) AS last_refunded_at
    FROM refunds WHERE refunds.payment_id = m.payment_id AND refunds.status = 'succeeded'
) r ON true
"""

CAMP_STATISTICS = """
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
    for function in (REFUSE_CHANGE, REFUSE_FROZEN, LEDGER_BALANCES, LEDGER_ENTRY_FITS, REFUND_WITHIN_PAID):
        op.execute(function)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION camp_refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION camp_refuse_change()"
        )
    for table, columns in FROZEN.items():
        changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
        op.execute(
            f"CREATE TRIGGER frozen BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({changed}) "
            "EXECUTE FUNCTION camp_refuse_frozen()"
        )
    op.execute(
        "CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_transactions DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION camp_ledger_balances()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION camp_ledger_entry_fits()"
    )
    op.execute(
        "CREATE TRIGGER within_paid BEFORE INSERT ON refunds FOR EACH ROW EXECUTE FUNCTION camp_refund_within_paid()"
    )
    # Coming back from rejected takes money up again; other moves keep what they already hold.
    op.execute(
        "CREATE TRIGGER within_paid_again BEFORE UPDATE OF status ON refunds FOR EACH ROW "
        "WHEN (OLD.status IN ('rejected', 'closed')) EXECUTE FUNCTION camp_refund_within_paid()"
    )
    op.execute(MEMBER_FULL_INFO)
    op.execute(CAMP_STATISTICS)


def downgrade() -> None:
    op.execute("DROP VIEW v_camp_statistics")
    op.execute("DROP VIEW v_member_full_info")
    op.execute("DROP TRIGGER within_paid_again ON refunds")
    op.execute("DROP TRIGGER within_paid ON refunds")
    op.execute("DROP TRIGGER balanced ON ledger_entries")
    op.execute("DROP TRIGGER balanced ON ledger_transactions")
    for table in FROZEN:
        op.execute(f"DROP TRIGGER frozen ON {table}")
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
        op.execute(f"DROP TRIGGER append_only_truncate ON {table}")
    for function in (
        "camp_refund_within_paid",
        "camp_ledger_entry_fits",
        "camp_ledger_balances",
        "camp_refuse_frozen",
        "camp_refuse_change",
    ):
        op.execute(f"DROP FUNCTION {function}()")
