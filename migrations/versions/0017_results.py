"""Results of orders: files with a last day, what stays of them after it, and who fetched them.

Results without a last day, as they were attached before, become ordinary documents of their order.

Revision: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def _host_row(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f(f"fk_{table}_institution_id")
        ),
    ]


def _host_fk(table: str, target: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["institution_id", column], [f"{target}.institution_id", f"{target}.id"], name=f"fk_{table}_{column}"
    )


def upgrade() -> None:
    op.create_table(
        "result_file",
        *_host_row("result_file"),
        sa.Column("booking_id", c.ID, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("sha256", c.BYTES, nullable=False),
        sa.Column("delivered_by", c.ID, nullable=False),
        sa.Column("delivered_at", c.INSTANT, nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("expires_at", c.INSTANT, nullable=False),
        sa.Column("remind_at", c.INSTANT, nullable=True),
        sa.Column("ended_at", c.INSTANT, nullable=True),
        sa.Column("ended_by", c.ID, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("deleted_at", c.INSTANT, nullable=True),
        sa.CheckConstraint("delivered_at < expires_at", name=op.f("ck_result_file_span")),
        sa.CheckConstraint("deleted_at IS NULL OR ended_at IS NOT NULL", name=op.f("ck_result_file_deleted")),
        sa.ForeignKeyConstraint(["delivered_by"], ["person.id"], name=op.f("fk_result_file_delivered_by")),
        _host_fk("result_file", "booking", "booking_id"),
    )
    op.create_index("ix_result_file_booking", "result_file", ["institution_id", "booking_id"], unique=False)
    op.create_index("ix_result_file_expires_at", "result_file", ["expires_at"], unique=False)
    op.create_index("ix_result_file_remind_at", "result_file", ["remind_at"], unique=False)
    op.create_table(
        "result_download",
        *_host_row("result_download"),
        sa.Column("result_id", c.ID, nullable=False),
        sa.Column("at", c.INSTANT, nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        _host_fk("result_download", "result_file", "result_id"),
    )
    op.create_index(
        "ix_result_download_result", "result_download", ["institution_id", "result_id", "at"], unique=False
    )
    op.create_index("ix_stored_file_sha256", "stored_file", ["sha256"], unique=False)
    op.execute("UPDATE booking_file SET kind = 'attachment' WHERE kind = 'result'")
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_index("ix_stored_file_sha256", table_name="stored_file")
    op.drop_table("result_download")
    op.drop_table("result_file")
    guards.install(op.get_bind())
