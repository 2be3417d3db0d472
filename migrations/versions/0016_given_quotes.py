"""Quotes that a host gives by hand: what customers ask, each version of the answer, and the frozen price made of one.

Revision: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0016"
down_revision = "0015"
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
        "inquiry",
        *_host_row("inquiry"),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("length_seconds", sa.BigInteger(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("wanted_from", sa.Date(), nullable=True),
        sa.Column("wanted_until", sa.Date(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("changed_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('window','samples','access')", name=op.f("ck_inquiry_kind")),
        sa.CheckConstraint(
            "state IN ('asked','given','accepted','declined','refused','withdrawn')",
            name=op.f("ck_inquiry_state"),
        ),
        sa.CheckConstraint("length_seconds >= 0 AND samples >= 0", name=op.f("ck_inquiry_amounts")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_inquiry_customer_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_inquiry_person_id")),
        _host_fk("inquiry", "resource", "resource_id"),
        sa.UniqueConstraint("institution_id", "number", name="uq_inquiry_number"),
    )
    op.create_index("ix_inquiry_state", "inquiry", ["institution_id", "state", "created_at"], unique=False)
    op.create_index("ix_inquiry_customer", "inquiry", ["customer_id", "created_at"], unique=False)
    op.create_table(
        "inquiry_file",
        *_host_row("inquiry_file"),
        sa.Column("inquiry_id", c.ID, nullable=False),
        sa.Column("file_organisation_id", c.ID, nullable=False),
        sa.Column("file_id", c.ID, nullable=False),
        _host_fk("inquiry_file", "inquiry", "inquiry_id"),
    )
    op.create_index("ix_inquiry_file_inquiry", "inquiry_file", ["institution_id", "inquiry_id"], unique=False)
    op.create_table(
        "given_quote",
        *_host_row("given_quote"),
        sa.Column("inquiry_id", c.ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("lines", c.JSON, nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("given_by", c.ID, nullable=False),
        sa.Column("given_at", c.INSTANT, nullable=False),
        sa.Column("decided_by", c.ID, nullable=True),
        sa.Column("decided_at", c.INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('given','accepted','declined','withdrawn','replaced')",
            name=op.f("ck_given_quote_state"),
        ),
        sa.CheckConstraint("total_minor > 0", name=op.f("ck_given_quote_total")),
        sa.CheckConstraint(
            "state NOT IN ('accepted','declined') OR decided_by <> given_by",
            name=op.f("ck_given_quote_second_person"),
        ),
        sa.ForeignKeyConstraint(["given_by"], ["person.id"], name=op.f("fk_given_quote_given_by")),
        _host_fk("given_quote", "inquiry", "inquiry_id"),
        sa.UniqueConstraint("institution_id", "inquiry_id", "number", name="uq_given_quote_number"),
    )
    op.create_table(
        "agreed_quote",
        *_host_row("agreed_quote"),
        sa.Column("given_id", c.ID, nullable=False),
        _host_fk("agreed_quote", "quote", "id"),
        _host_fk("agreed_quote", "given_quote", "given_id"),
    )
    op.create_index("ix_agreed_quote_given", "agreed_quote", ["institution_id", "given_id"], unique=False)
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_table("agreed_quote")
    op.drop_table("given_quote")
    op.drop_table("inquiry_file")
    op.drop_table("inquiry")
    guards.install(op.get_bind())
