"""Inbox and letters on their way.

Revision: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("organisation_id", c.ID, nullable=True),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("values", c.JSON, nullable=False),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("read_at", c.INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_notice_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_notice_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_person", "notice", ["person_id", "created_at"], unique=False)
    op.create_index("ix_notice_unread", "notice", ["person_id", "read_at"], unique=False)
    op.create_table(
        "notice_preference",
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("inbox", sa.Boolean(), nullable=False),
        sa.Column("mail", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_notice_preference_person_id")),
        sa.PrimaryKeyConstraint("person_id", "kind", name=op.f("pk_notice_preference")),
    )
    op.create_table(
        "mail_message",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("person_id", c.ID, nullable=True),
        sa.Column("notice_id", c.ID, nullable=True),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("values", c.JSON, nullable=False),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", c.INSTANT, nullable=False),
        sa.Column("sent_at", c.INSTANT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('waiting','sent','failed')", name=op.f("ck_mail_message_state")),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_mail_message_notice_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_mail_message_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_message")),
        sa.UniqueConstraint("message_id", name="uq_mail_message_message_id"),
    )
    op.create_index("ix_mail_message_due", "mail_message", ["state", "not_before"], unique=False)
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_index("ix_mail_message_due", table_name="mail_message")
    op.drop_table("mail_message")
    op.drop_table("notice_preference")
    op.drop_index("ix_notice_unread", table_name="notice")
    op.drop_index("ix_notice_person", table_name="notice")
    op.drop_table("notice")
