"""Messages to named receivers through four channels, their texts and switches, robots of camps

Revision: 0050
Follows: 0040
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0050"
down_revision = "0040"
branch_labels = None
depends_on = None

AUDIENCE = sa.Enum(
    "staff", "member", "group", name="notice_audience", native_enum=False, create_constraint=True, length=32
)
# Who the messages of before were for, as far as the rows tell.
FILL = """
UPDATE notifications AS n SET
  audience = CASE n.channel WHEN 'inbox' THEN 'member' ELSE 'staff' END,
  recipient = CASE n.channel WHEN 'inbox' THEN coalesce(
      (SELECT m.planet_nickname FROM members m WHERE m.id = n.member_id),
      (SELECT p.planet_nickname FROM payments p WHERE p.payer_id = n.payer_id ORDER BY p.created_at DESC LIMIT 1),
      '') ELSE '' END,
  payment_id = (SELECT m.payment_id FROM members m WHERE m.id = n.member_id),
  next_attempt_at = CASE n.status WHEN 'pending' THEN n.next_attempt_at END
"""


def upgrade() -> None:
    _channels("wecom_app", "wecom_robot", "mp_template", "inbox")
    op.alter_column("notifications", "dedupe_key", type_=sa.String(length=250))
    op.alter_column("notifications", "next_attempt_at", nullable=True)
    op.add_column("notifications", sa.Column("audience", sa.String(length=32), nullable=True))
    op.add_column("notifications", sa.Column("recipient", sa.String(length=100), nullable=True))
    op.add_column("notifications", sa.Column("payment_id", sa.Uuid(), nullable=True))
    op.add_column("notifications", sa.Column("staff_id", sa.Uuid(), nullable=True))
    op.add_column("notifications", sa.Column("values", postgresql.JSONB(), nullable=True))
    op.add_column("notifications", sa.Column("resends", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("notifications", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.execute(FILL)
    op.alter_column("notifications", "audience", nullable=False)
    op.alter_column("notifications", "recipient", nullable=False)
    op.alter_column("notifications", "resends", server_default=None)
    op.create_check_constraint(
        op.f("ck_notifications_notice_audience"), "notifications", "audience IN ('staff', 'member', 'group')"
    )
    op.create_foreign_key(op.f("fk_notifications_payment_id"), "notifications", "payments", ["payment_id"], ["id"])
    op.create_foreign_key(op.f("fk_notifications_staff_id"), "notifications", "staff", ["staff_id"], ["id"])
    op.create_foreign_key(
        op.f("fk_notifications_merged_into"), "notifications", "notifications", ["merged_into"], ["id"]
    )
    op.drop_index("ix_notifications_due", table_name="notifications")
    op.create_index(
        "ix_notifications_due",
        "notifications",
        ["next_attempt_at"],
        postgresql_where=sa.text("status IN ('pending', 'failed')"),
    )
    op.create_index(
        "ix_notifications_unsent", "notifications", ["created_at", "id"], postgresql_where=sa.text("status <> 'sent'")
    )
    op.drop_index(op.f("ix_notifications_created_at"), table_name="notifications")
    op.create_index(op.f("ix_notifications_created_at_id"), "notifications", ["created_at", "id"])
    op.create_index(op.f("ix_notifications_scene_created_at_id"), "notifications", ["scene", "created_at", "id"])
    op.create_index(op.f("ix_notifications_camp_id_created_at_id"), "notifications", ["camp_id", "created_at", "id"])
    op.create_table(
        "notice_scenes",
        sa.Column("scene", sa.String(length=50), nullable=False),
        sa.Column("audience", AUDIENCE, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("channels", postgresql.JSONB(), nullable=False),
        sa.Column("roles", postgresql.JSONB(), nullable=False),
        sa.Column("staff_ids", postgresql.JSONB(), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("mp_template_id", sa.String(length=64), nullable=False),
        sa.Column("mp_fields", postgresql.JSONB(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["updated_by"], ["staff.id"], name=op.f("fk_notice_scenes_updated_by")),
        sa.PrimaryKeyConstraint("scene", "audience", name=op.f("pk_notice_scenes")),
    )
    op.create_table(
        "send_slots",
        sa.Column("receiver", sa.String(length=100), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("receiver", name=op.f("pk_send_slots")),
    )
    op.add_column("camps", sa.Column("sealed_robot_key", sa.Text(), nullable=True))
    op.add_column("camps", sa.Column("robot_key_hint", sa.String(length=8), nullable=True))


def downgrade() -> None:
    op.drop_column("camps", "robot_key_hint")
    op.drop_column("camps", "sealed_robot_key")
    op.drop_table("send_slots")
    op.drop_table("notice_scenes")
    for name in ("camp_id_created_at_id", "scene_created_at_id", "created_at_id"):
        op.drop_index(op.f(f"ix_notifications_{name}"), table_name="notifications")
    op.create_index(op.f("ix_notifications_created_at"), "notifications", ["created_at"])
    op.drop_index("ix_notifications_unsent", table_name="notifications")
    op.drop_index("ix_notifications_due", table_name="notifications")
    op.create_index(
        "ix_notifications_due", "notifications", ["next_attempt_at"], postgresql_where=sa.text("status = 'pending'")
    )
    for name in ("merged_into", "resends", "values", "staff_id", "payment_id", "recipient", "audience"):
        op.drop_column("notifications", name)
    op.execute("UPDATE notifications SET next_attempt_at = created_at WHERE next_attempt_at IS NULL")
    op.alter_column("notifications", "next_attempt_at", nullable=False)
    # What the older schema can't name or hold.
    op.execute("DELETE FROM notifications WHERE channel = 'mp_template' OR length(dedupe_key) > 200")
    op.alter_column("notifications", "dedupe_key", type_=sa.String(length=200))
    _channels("wecom_app", "wecom_robot", "inbox")


def _channels(*names: str) -> None:
    op.drop_constraint(op.f("ck_notifications_notice_channel"), "notifications", type_="check")
    listed = ", ".join(f"'{name}'" for name in names)
    op.create_check_constraint(op.f("ck_notifications_notice_channel"), "notifications", f"channel IN ({listed})")
