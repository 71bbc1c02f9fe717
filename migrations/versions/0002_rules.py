"""What the database refuses from any client: functions and the triggers that call them

Revision: 0002
Follows: 0001

By topic: what is append-only, what is frozen, the ledger's balance, refunds within what was paid, the chain of audit
rows. The tests are in ``tests/models/test_what_the_database_refuses.py`` and ``tests/audit``.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _append_only()
    _frozen()
    _ledger()
    _refunds()
    _audit_chain()


def downgrade() -> None:
    # Each takes its triggers along.
    for function in (
        "camp_chain_audit_at_commit()",
        "camp_chain_audit()",
        "camp_audit_hash(audit_log, bigint, bytea)",
        "camp_refuse_audit_change()",
        "camp_refund_within_paid()",
        "camp_ledger_entry_fits()",
        "camp_ledger_balances()",
        "camp_refuse_frozen()",
        "camp_refuse_change()",
    ):
        op.execute(f"DROP FUNCTION {function} CASCADE")


# ---- Append-only: a record that can be edited proves nothing

APPEND_ONLY = ("audit_log", "state_changes", "ledger_transactions", "ledger_entries", "day_grants")

REFUSE_CHANGE = """
CREATE FUNCTION camp_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""

# An audit row changes once, by the chain itself, from having no place in it to having one.
REFUSE_AUDIT_CHANGE = """
CREATE FUNCTION camp_refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told audit_log;
BEGIN
    IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 AND OLD.seq IS NULL AND NEW.seq IS NOT NULL THEN
        told := NEW;
        told.seq := NULL;
        told.prev_hash := NULL;
        told.hash := NULL;
        IF told IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""


def _append_only() -> None:
    op.execute(REFUSE_CHANGE)
    op.execute(REFUSE_AUDIT_CHANGE)
    for table in APPEND_ONLY:
        function = "camp_refuse_audit_change" if table == "audit_log" else "camp_refuse_change"
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
        # No trigger of rows sees TRUNCATE.
        op.execute(
            f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION camp_refuse_change()"
        )


# ---- Frozen: the deal that was paid for, and what the provider was told, never change afterwards

FROZEN = {
    "payments": ("camp_id", "payer_id", "mch_id", "app_id", "out_trade_no", "amount_fen"),
    "members": ("camp_id", "payment_id", "paid_fen", "refund_policy", "fee_fen"),
    "refunds": ("camp_id", "payment_id", "kind", "out_refund_no"),
}
# In review an amount follows what the member is entitled to; the decision freezes it.
AMOUNT_OF_A_DECIDED_REFUND = "(OLD.amount_fen <> NEW.amount_fen AND OLD.status <> 'pending_review')"

REFUSE_FROZEN = """
CREATE FUNCTION camp_refuse_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a column of % that may never change was changed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""


def _frozen() -> None:
    op.execute(REFUSE_FROZEN)
    for table, columns in FROZEN.items():
        changes = [f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns]
        if table == "refunds":
            changes.append(AMOUNT_OF_A_DECIDED_REFUND)
        op.execute(
            f"CREATE TRIGGER frozen BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({' OR '.join(changes)}) "
            "EXECUTE FUNCTION camp_refuse_frozen()"
        )


# ---- The ledger: money neither appears nor vanishes

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


def _ledger() -> None:
    op.execute(LEDGER_BALANCES)
    op.execute(LEDGER_ENTRY_FITS)
    op.execute(
        "CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_transactions DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION camp_ledger_balances()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION camp_ledger_entry_fits()"
    )


# ---- Refunds: never more back than was paid

# What is refunded, or may still be, never exceeds what was paid. The payment's lock makes two at once wait.
# Planned at each call: a plan kept from when the table was empty reads all of it for each row.
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


def _refunds() -> None:
    op.execute(REFUND_WITHIN_PAID)
    op.execute(
        "CREATE TRIGGER within_paid BEFORE INSERT ON refunds FOR EACH ROW EXECUTE FUNCTION camp_refund_within_paid()"
    )
    # Coming back from rejected takes money up again, and so does a larger amount; other moves keep what they hold.
    op.execute(
        "CREATE TRIGGER within_paid_again BEFORE UPDATE OF status, amount_fen ON refunds FOR EACH ROW "
        "WHEN (OLD.status IN ('rejected', 'closed') OR NEW.amount_fen > OLD.amount_fen) "
        "EXECUTE FUNCTION camp_refund_within_paid()"
    )


# ---- The audit log's chain (docs/audit-chain.md): what its owner changes all the same is found

# SHA-256 over the UTF-8 text of a JSON array, as jsonb prints it.
AUDIT_HASH = """
CREATE FUNCTION camp_audit_hash(entry audit_log, seq bigint, prev_hash bytea) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(jsonb_build_array(
        seq, encode(prev_hash, 'hex'), entry.id,
        to_char(entry.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        entry.actor_kind, entry.actor_id, entry.actor_name, entry.action,
        entry.target_type, entry.target_id, entry.target_name, entry.camp_id,
        entry.before, entry.after, entry.note, entry.error, entry.ip, entry.user_agent, entry.request_id
    )::text, 'UTF8'))
$$
"""

# Numbers and chains every row that has no place yet. Nobody sees another transaction's rows without one: they get
# theirs before they are committed. Planned at each call: a plan from when the table was empty reads all of it.
CHAIN_AUDIT = """
CREATE FUNCTION camp_chain_audit() RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    head audit_head;
    entry audit_log;
    hashed bytea;
BEGIN
    SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
    FOR entry IN SELECT * FROM audit_log WHERE seq IS NULL ORDER BY created_at, id LOOP
        hashed := camp_audit_hash(entry, head.last_seq + 1, head.hash);
        UPDATE audit_log SET seq = head.last_seq + 1, prev_hash = head.hash, hash = hashed WHERE id = entry.id;
        head.last_seq := head.last_seq + 1;
        head.hash := hashed;
    END LOOP;
    UPDATE audit_head SET last_seq = head.last_seq, hash = head.hash;
END $$
"""

# At commit, so that the head is locked for no longer than that, and after every other lock of the transaction.
CHAIN_AUDIT_AT_COMMIT = """
CREATE FUNCTION camp_chain_audit_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The first of a transaction's rows to come here takes the others along.
    IF EXISTS (SELECT FROM audit_log WHERE id = NEW.id AND seq IS NULL) THEN
        PERFORM camp_chain_audit();
    END IF;
    RETURN NULL;
END $$
"""


def _audit_chain() -> None:
    for function in (AUDIT_HASH, CHAIN_AUDIT, CHAIN_AUDIT_AT_COMMIT):
        op.execute(function)
    op.execute(
        "CREATE CONSTRAINT TRIGGER chained AFTER INSERT ON audit_log DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION camp_chain_audit_at_commit()"
    )
    # A row can't be inserted with a place of its own choice.
    op.execute(
        "CREATE TRIGGER chained_by_itself BEFORE INSERT ON audit_log FOR EACH ROW "
        "WHEN (NEW.seq IS NOT NULL) EXECUTE FUNCTION camp_refuse_change()"
    )
    # A head set by hand, or back, would hide rows that were cut off.
    op.execute(
        "CREATE TRIGGER moves_on BEFORE UPDATE ON audit_head FOR EACH ROW "
        "WHEN (pg_trigger_depth() = 0 OR NEW.last_seq <= OLD.last_seq) EXECUTE FUNCTION camp_refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON audit_head "
        "FOR EACH STATEMENT EXECUTE FUNCTION camp_refuse_change()"
    )
