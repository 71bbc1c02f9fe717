"""Each audit row carries a hash chained to the one before; failures are told in a column of their own

Revision: 0030
Follows: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0020"
branch_labels = None
depends_on = None

# SHA-256 over the UTF-8 text of a JSON array, as jsonb prints it. Described in docs/audit-chain.md.
HASH = """
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
# theirs before they are committed. Planned anew each time: a plan from when the table was empty reads all of it.
CHAIN = """
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
CHAIN_AT_COMMIT = """
CREATE FUNCTION camp_chain_audit_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The first of a transaction's rows to come here takes the others along.
    IF EXISTS (SELECT FROM audit_log WHERE id = NEW.id AND seq IS NULL) THEN
        PERFORM camp_chain_audit();
    END IF;
    RETURN NULL;
END $$
"""

# An audit row changes once, by the chain itself, from having no place in it to having one.
APPEND_ONLY = """
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


def upgrade() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.execute("INSERT INTO audit_head (id, last_seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'))")
    op.add_column("audit_log", sa.Column("error", sa.Text(), nullable=True))
    op.add_column("audit_log", sa.Column("seq", sa.BigInteger(), nullable=True))
    op.add_column("audit_log", sa.Column("prev_hash", sa.LargeBinary(), nullable=True))
    op.add_column("audit_log", sa.Column("hash", sa.LargeBinary(), nullable=True))
    op.create_check_constraint(
        op.f("ck_audit_log_chained_whole"), "audit_log", "num_nulls(seq, prev_hash, hash) IN (0, 3)"
    )
    for function in (HASH, CHAIN, CHAIN_AT_COMMIT, APPEND_ONLY):
        op.execute(function)
    # What was written before comes first, in the order in which it was written.
    op.execute("DROP TRIGGER append_only ON audit_log")
    op.execute("SELECT camp_chain_audit()")
    op.create_unique_constraint(op.f("uq_audit_log_seq"), "audit_log", ["seq"])
    op.create_index("ix_audit_log_unchained", "audit_log", ["created_at", "id"], postgresql_where="seq IS NULL")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_log "
        "FOR EACH ROW EXECUTE FUNCTION camp_refuse_audit_change()"
    )
    op.execute(
        "CREATE TRIGGER chained_by_itself BEFORE INSERT ON audit_log FOR EACH ROW "
        "WHEN (NEW.seq IS NOT NULL) EXECUTE FUNCTION camp_refuse_change()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER chained AFTER INSERT ON audit_log DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION camp_chain_audit_at_commit()"
    )
    op.execute(
        "CREATE TRIGGER moves_on BEFORE UPDATE ON audit_head FOR EACH ROW "
        "WHEN (pg_trigger_depth() = 0 OR NEW.last_seq <= OLD.last_seq) EXECUTE FUNCTION camp_refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON audit_head "
        "FOR EACH STATEMENT EXECUTE FUNCTION camp_refuse_change()"
    )


def downgrade() -> None:
    for trigger in ("append_only", "chained_by_itself", "chained"):
        op.execute(f"DROP TRIGGER {trigger} ON audit_log")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_log "
        "FOR EACH ROW EXECUTE FUNCTION camp_refuse_change()"
    )
    op.execute("DROP FUNCTION camp_refuse_audit_change()")
    op.execute("DROP FUNCTION camp_chain_audit_at_commit()")
    op.execute("DROP FUNCTION camp_chain_audit()")
    op.execute("DROP FUNCTION camp_audit_hash(audit_log, bigint, bytea)")
    op.drop_index("ix_audit_log_unchained", table_name="audit_log")
    op.drop_constraint(op.f("uq_audit_log_seq"), "audit_log")
    op.drop_constraint(op.f("ck_audit_log_chained_whole"), "audit_log")
    for column in ("hash", "prev_hash", "seq", "error"):
        op.drop_column("audit_log", column)
    op.drop_table("audit_head")
