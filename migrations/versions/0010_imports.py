"""Sheets that staff import: check-ins and the planet's members

Revision: 0010
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = ("checkin_days", "checkin_totals", "planet_members")


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column(
            "kind",
            sa.Enum(*KINDS, name="import_kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("planet_id", sa.Uuid(), nullable=False),
        sa.Column("camp_id", sa.Uuid(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'planet_members') = (camp_id IS NULL)", name=op.f("ck_imports_check_ins_are_a_camp_s")
        ),
        sa.ForeignKeyConstraint(["camp_id"], ["camps.id"], name=op.f("fk_imports_camp_id")),
        sa.ForeignKeyConstraint(["created_by"], ["staff.id"], name=op.f("fk_imports_created_by")),
        sa.ForeignKeyConstraint(["planet_id"], ["planets.id"], name=op.f("fk_imports_planet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index(op.f("ix_imports_camp_id_created_at"), "imports", ["camp_id", "created_at"])
    op.create_index(op.f("ix_imports_planet_id_created_at"), "imports", ["planet_id", "created_at"])
    op.create_table(
        "imported_totals",
        sa.Column("camp_id", sa.Uuid(), nullable=False),
        sa.Column("planet_user_id", sa.String(length=32), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("days >= 0", name=op.f("ck_imported_totals_days_not_negative")),
        sa.ForeignKeyConstraint(["camp_id"], ["camps.id"], name=op.f("fk_imported_totals_camp_id")),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_imported_totals_import_id")),
        sa.PrimaryKeyConstraint("camp_id", "planet_user_id", name=op.f("pk_imported_totals")),
    )
    op.create_table(
        "planet_members",
        sa.Column("planet_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("nickname", sa.Text(), nullable=False),
        sa.Column("wechat_nickname", sa.Text(), nullable=False),
        sa.Column("card_nickname", sa.Text(), nullable=False),
        sa.Column("remark_nickname", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=True),
        sa.Column("left", sa.Boolean(), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=True),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_planet_members_import_id")),
        sa.ForeignKeyConstraint(["planet_id"], ["planets.id"], name=op.f("fk_planet_members_planet_id")),
        sa.PrimaryKeyConstraint("planet_id", "number", name=op.f("pk_planet_members")),
    )
    op.add_column("members", sa.Column("days_import", sa.Integer(), nullable=True))
    op.add_column("refunds", sa.Column("days_import", sa.Integer(), nullable=True))
    op.add_column("planet_users", sa.Column("listed_number", sa.String(length=20), nullable=True))


def downgrade() -> None:
    op.drop_column("planet_users", "listed_number")
    op.drop_column("refunds", "days_import")
    op.drop_column("members", "days_import")
    for table in ("planet_members", "imported_totals", "imports"):
        op.drop_table(table)
