"""Organisations, people, customers and how people sign in.

Revision: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "merge_proposal",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("folded_name", sa.String(length=300), nullable=False),
        sa.Column("member_ids", c.JSON, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("decided_by", c.ID, nullable=True),
        sa.Column("decided_at", c.INSTANT, nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('open','merged','kept_apart')", name=op.f("ck_merge_proposal_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_proposal")),
        sa.UniqueConstraint("kind", "folded_name", name="uq_merge_proposal_name"),
    )
    op.create_table(
        "organisation",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=True),
        sa.Column("uscc_override_reason", sa.Text(), nullable=True),
        sa.Column("uscc_override_by", c.ID, nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("jurisdiction", sa.String(length=12), nullable=False),
        sa.Column("region_zh", sa.String(length=100), nullable=False),
        sa.Column("region_en", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("website", sa.String(length=300), nullable=False),
        sa.Column("about_zh", sa.Text(), nullable=False),
        sa.Column("about_en", sa.Text(), nullable=False),
        sa.Column("settings", c.JSON, nullable=False),
        sa.Column("source_key", sa.String(length=200), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('institution','firm','funder','platform')", name=op.f("ck_organisation_kind")
        ),
        sa.CheckConstraint(
            "state IN ('pending','active','suspended','merged','rejected')",
            name=op.f("ck_organisation_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("code", name="uq_organisation_code"),
        sa.UniqueConstraint("source_key", name="uq_organisation_source_key"),
        sa.UniqueConstraint("uscc", name="uq_organisation_uscc"),
    )
    op.create_index("ix_organisation_kind", "organisation", ["kind", "state"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("email_verified_at", c.INSTANT, nullable=True),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("preferences", c.JSON, nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('active','suspended','erased')", name=op.f("ck_person_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name="uq_person_email"),
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("subject_digest", c.BYTES, nullable=False),
        sa.Column("at", c.INSTANT, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index("ix_sign_in_attempt_subject", "sign_in_attempt", ["subject_digest", "at"], unique=False)
    op.create_table(
        "api_token",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("organisation_id", c.ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("token_hash", c.BYTES, nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("expires_at", c.INSTANT, nullable=True),
        sa.Column("last_used_at", c.INSTANT, nullable=True),
        sa.Column("revoked_at", c.INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_api_token_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_api_token_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name="uq_api_token_hash"),
    )
    op.create_table(
        "customer",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("organisation_id", c.ID, nullable=False),
        sa.Column("department_id", c.ID, nullable=True),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("leader_id", c.ID, nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('firm','institution','group')", name=op.f("ck_customer_kind")),
        sa.CheckConstraint("state IN ('active','closed')", name=op.f("ck_customer_state")),
        sa.ForeignKeyConstraint(["leader_id"], ["person.id"], name=op.f("fk_customer_leader_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_customer_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("code", name="uq_customer_code"),
    )
    op.create_index("ix_customer_organisation", "customer", ["organisation_id", "kind"], unique=False)
    op.create_table(
        "department",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("parent_id", c.ID, nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.CheckConstraint("kind IN ('department','laboratory')", name=op.f("ck_department_kind")),
        sa.ForeignKeyConstraint(
            ["institution_id", "parent_id"],
            ["department.institution_id", "department.id"],
            name="fk_department_parent_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_department_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_department")),
        sa.UniqueConstraint("institution_id", "code", name="uq_department_code"),
    )
    op.create_table(
        "feed_secret",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("secret_hash", c.BYTES, nullable=False),
        sa.Column("prefix", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("person_id", c.ID, nullable=True),
        sa.Column("organisation_id", c.ID, nullable=True),
        sa.Column("subject_id", c.ID, nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("revoked_at", c.INSTANT, nullable=True),
        sa.CheckConstraint(
            "kind IN ('resource','unit','person','customer','laboratory')", name=op.f("ck_feed_secret_kind")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_feed_secret_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_feed_secret_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_secret")),
        sa.UniqueConstraint("secret_hash", name="uq_feed_secret_hash"),
    )
    op.create_index("ix_feed_secret_person", "feed_secret", ["person_id", "revoked_at"], unique=False)
    op.create_table(
        "firm_facts",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("organisation_id", c.ID, nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("sector", sa.String(length=40), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=True),
        sa.Column("income_minor", sa.BigInteger(), nullable=True),
        sa.Column("assets_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tech_sme_number", sa.String(length=60), nullable=True),
        sa.Column("entered_by", c.ID, nullable=True),
        sa.Column("entered_at", c.INSTANT, nullable=False),
        sa.CheckConstraint(
            "staff >= 0 AND income_minor >= 0 AND assets_minor >= 0", name=op.f("ck_firm_facts_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_firm_facts_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firm_facts")),
        sa.UniqueConstraint("organisation_id", "as_of", name="uq_firm_facts_as_of"),
    )
    op.create_table(
        "person_token",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("token_hash", c.BYTES, nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("expires_at", c.INSTANT, nullable=False),
        sa.Column("used_at", c.INSTANT, nullable=True),
        sa.CheckConstraint("purpose IN ('reset','verify')", name=op.f("ck_person_token_purpose")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_token_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_token")),
        sa.UniqueConstraint("token_hash", name="uq_person_token_hash"),
    )
    op.create_table(
        "standing",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("organisation_id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("entered_at", c.INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_standing_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing")),
    )
    op.create_index(
        "ix_standing_organisation", "standing", ["organisation_id", "kind", "since"], unique=False
    )
    op.create_table(
        "customer_class_override",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("customer_id", c.ID, nullable=False),
        sa.Column("customer_class", sa.String(length=30), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entered_by", c.ID, nullable=True),
        sa.Column("entered_at", c.INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_class_override_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_customer_class_override_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_customer_class_override")),
        sa.UniqueConstraint(
            "institution_id", "customer_id", "since", name="uq_customer_class_override_since"
        ),
    )
    op.create_table(
        "invitation",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("organisation_id", c.ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("customer_id", c.ID, nullable=True),
        sa.Column("department_id", c.ID, nullable=True),
        sa.Column("limit_minor", sa.BigInteger(), nullable=True),
        sa.Column("token_hash", c.BYTES, nullable=False),
        sa.Column("invited_by", c.ID, nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("expires_at", c.INSTANT, nullable=False),
        sa.Column("used_at", c.INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_invitation_customer_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_invitation_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name="uq_invitation_token_hash"),
    )
    op.create_index("ix_invitation_organisation", "invitation", ["organisation_id", "used_at"], unique=False)
    op.create_table(
        "membership",
        sa.Column("id", c.ID, nullable=False),
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("organisation_id", c.ID, nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("customer_id", c.ID, nullable=True),
        sa.Column("department_id", c.ID, nullable=True),
        sa.Column("limit_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("since", c.INSTANT, nullable=False),
        sa.Column("until", c.INSTANT, nullable=True),
        sa.Column("granted_by", c.ID, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending','active','ended','refused')", name=op.f("ck_membership_state")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_membership_customer_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_membership_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_membership_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
    )
    op.create_index(
        "ix_membership_organisation", "membership", ["organisation_id", "role", "state"], unique=False
    )
    op.create_index("ix_membership_person", "membership", ["person_id", "state"], unique=False)
    guards.install(op.get_bind())


def downgrade() -> None:
    op.drop_index("ix_membership_person", table_name="membership")
    op.drop_index("ix_membership_organisation", table_name="membership")
    op.drop_table("membership")
    op.drop_index("ix_invitation_organisation", table_name="invitation")
    op.drop_table("invitation")
    op.drop_table("customer_class_override")
    op.drop_index("ix_standing_organisation", table_name="standing")
    op.drop_table("standing")
    op.drop_table("person_token")
    op.drop_table("firm_facts")
    op.drop_index("ix_feed_secret_person", table_name="feed_secret")
    op.drop_table("feed_secret")
    op.drop_table("department")
    op.drop_index("ix_customer_organisation", table_name="customer")
    op.drop_table("customer")
    op.drop_table("api_token")
    op.drop_index("ix_sign_in_attempt_subject", table_name="sign_in_attempt")
    op.drop_table("sign_in_attempt")
    op.drop_table("person")
    op.drop_index("ix_organisation_kind", table_name="organisation")
    op.drop_table("organisation")
    op.drop_table("merge_proposal")
