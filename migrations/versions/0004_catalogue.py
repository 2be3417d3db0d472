"""Listings, their changes on the way through approval, imports and the search index.

Revision: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from migrations import columns as c
from migrations import guards

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_search",
        sa.Column("person_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "id", name=op.f("pk_saved_search")),
    )
    op.create_table(
        "import_mapping",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("document", c.JSON, nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_import_mapping_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_import_mapping")),
        sa.UniqueConstraint("institution_id", "name", name="uq_import_mapping_name"),
    )
    op.create_table(
        "import_run",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("file_id", c.ID, nullable=False),
        sa.Column("file_name", sa.String(length=300), nullable=False),
        sa.Column("mapping", c.JSON, nullable=False),
        sa.Column("options", c.JSON, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("report", c.JSON, nullable=False),
        sa.Column("shape", c.JSON, nullable=False),
        sa.Column("error", c.JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("started_by", c.ID, nullable=True),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("ended_at", c.INSTANT, nullable=True),
        sa.CheckConstraint(
            "state IN ('uploaded','checked','waiting','running','done','failed')",
            name=op.f("ck_import_run_state"),
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_import_run_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_import_run")),
    )
    op.create_index("ix_import_run_institution", "import_run", ["institution_id", "created_at"], unique=False)
    op.create_index("ix_import_run_state", "import_run", ["state", "created_at"], unique=False)
    op.create_table(
        "resource",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("department_id", c.ID, nullable=True),
        sa.Column("name_zh", sa.String(length=300), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("summary_zh", sa.Text(), nullable=False),
        sa.Column("summary_en", sa.Text(), nullable=False),
        sa.Column("class_code", sa.String(length=12), nullable=False),
        sa.Column("maker", sa.String(length=200), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=80), nullable=False),
        sa.Column("specification", c.JSON, nullable=False),
        sa.Column("accessories", sa.Text(), nullable=False),
        sa.Column("details", c.JSON, nullable=False),
        sa.Column("place_zh", sa.String(length=300), nullable=False),
        sa.Column("place_en", sa.String(length=300), nullable=False),
        sa.Column("city", sa.String(length=80), nullable=False),
        sa.Column("latitude_micro", sa.Integer(), nullable=True),
        sa.Column("longitude_micro", sa.Integer(), nullable=True),
        sa.Column("original_value_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("commissioned_on", sa.Date(), nullable=True),
        sa.Column("decommissioned_on", sa.Date(), nullable=True),
        sa.Column("general_purpose", sa.Boolean(), nullable=False),
        sa.Column("modes", c.JSON, nullable=False),
        sa.Column("bookable", sa.Boolean(), nullable=False),
        sa.Column("open_to_outside", sa.Boolean(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("contact_name", sa.String(length=120), nullable=False),
        sa.Column("contact_phone", sa.String(length=60), nullable=False),
        sa.Column("contact_email", sa.String(length=254), nullable=False),
        sa.Column("contact_verified_on", sa.Date(), nullable=True),
        sa.Column("rules_zh", sa.Text(), nullable=False),
        sa.Column("rules_en", sa.Text(), nullable=False),
        sa.Column("photo_id", c.ID, nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("listed_on", sa.Date(), nullable=True),
        sa.Column("source_key", sa.String(length=200), nullable=True),
        sa.Column("source_digest", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.Column("changed_at", c.INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('instrument','facility','natural','dataset','literature','service')",
            name=op.f("ck_resource_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('draft','pending','public','withdrawn')", name=op.f("ck_resource_state")
        ),
        sa.CheckConstraint(
            "original_value_minor IS NULL OR original_value_minor >= 0",
            name=op.f("ck_resource_value_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "department_id"],
            ["department.institution_id", "department.id"],
            name="fk_resource_department_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_resource_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_resource")),
        sa.UniqueConstraint("institution_id", "code", name="uq_resource_code"),
        sa.UniqueConstraint("institution_id", "source_key", name="uq_resource_source_key"),
    )
    op.create_index("ix_resource_department", "resource", ["institution_id", "department_id"], unique=False)
    op.create_index("ix_resource_state", "resource", ["state", "kind"], unique=False)
    op.create_table(
        "listing_change",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("document", c.JSON, nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("decision_note", sa.Text(), nullable=False),
        sa.Column("submitted_by", c.ID, nullable=True),
        sa.Column("submitted_at", c.INSTANT, nullable=True),
        sa.Column("decided_by", c.ID, nullable=True),
        sa.Column("decided_at", c.INSTANT, nullable=True),
        sa.Column("applied_at", c.INSTANT, nullable=True),
        sa.Column("withdraws", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", c.INSTANT, nullable=False),
        sa.CheckConstraint(
            "state IN ('draft','pending','approved','refused','in_force','superseded')",
            name=op.f("ck_listing_change_state"),
        ),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_listing_change_resource_id",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_listing_change_institution_id")
        ),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_listing_change")),
        sa.UniqueConstraint("institution_id", "resource_id", "number", name="uq_listing_change_number"),
    )
    op.create_index("ix_listing_change_due", "listing_change", ["state", "effective_on"], unique=False)
    op.create_index("ix_listing_change_state", "listing_change", ["institution_id", "state"], unique=False)
    op.create_table(
        "resource_index",
        sa.Column("docid", c.ROW_NUMBER, sa.Identity(always=False), nullable=False),
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("class_code", sa.String(length=12), nullable=False),
        sa.Column("class_group", sa.String(length=2), nullable=False),
        sa.Column("city", sa.String(length=80), nullable=False),
        sa.Column("modes", sa.Integer(), nullable=False),
        sa.Column("open_to_outside", sa.Boolean(), nullable=False),
        sa.Column("latitude_micro", sa.Integer(), nullable=True),
        sa.Column("longitude_micro", sa.Integer(), nullable=True),
        sa.Column("sort_name", sa.String(length=120), nullable=False),
        sa.Column("listed_on", sa.Date(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("tokens", c.SEARCH_TOKENS, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_resource_index_resource",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["organisation.id"], name=op.f("fk_resource_index_institution_id")
        ),
        sa.PrimaryKeyConstraint("docid", name=op.f("pk_resource_index")),
        sa.UniqueConstraint("institution_id", "resource_id", name="uq_resource_index_resource"),
    )
    op.create_index("ix_resource_index_city", "resource_index", ["city"], unique=False)
    op.create_index("ix_resource_index_kind", "resource_index", ["kind", "city"], unique=False)
    op.create_index("ix_resource_index_sort_name", "resource_index", ["sort_name", "docid"], unique=False)
    op.create_table(
        "unit",
        sa.Column("institution_id", c.ID, nullable=False),
        sa.Column("id", c.ID, nullable=False),
        sa.Column("resource_id", c.ID, nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name_zh", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("serial_number", sa.String(length=100), nullable=False),
        sa.Column("kiosk_secret", sa.String(length=64), nullable=True),
        sa.Column("source_key", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["institution_id", "resource_id"],
            ["resource.institution_id", "resource.id"],
            name="fk_unit_resource_id",
        ),
        sa.ForeignKeyConstraint(["institution_id"], ["organisation.id"], name=op.f("fk_unit_institution_id")),
        sa.PrimaryKeyConstraint("institution_id", "id", name=op.f("pk_unit")),
        sa.UniqueConstraint("institution_id", "code", name="uq_unit_code"),
        sa.UniqueConstraint("institution_id", "resource_id", "position", name="uq_unit_position"),
    )
    guards.install(op.get_bind())


def downgrade() -> None:
    op.execute("DROP TABLE IF EXISTS resource_text")
    op.drop_table("unit")
    op.drop_index("ix_resource_index_sort_name", table_name="resource_index")
    op.drop_index("ix_resource_index_kind", table_name="resource_index")
    op.drop_index("ix_resource_index_city", table_name="resource_index")
    op.drop_table("resource_index")
    op.drop_index("ix_listing_change_state", table_name="listing_change")
    op.drop_index("ix_listing_change_due", table_name="listing_change")
    op.drop_table("listing_change")
    op.drop_index("ix_resource_state", table_name="resource")
    op.drop_index("ix_resource_department", table_name="resource")
    op.drop_table("resource")
    op.drop_index("ix_import_run_state", table_name="import_run")
    op.drop_index("ix_import_run_institution", table_name="import_run")
    op.drop_table("import_run")
    op.drop_table("import_mapping")
    op.drop_table("saved_search")
