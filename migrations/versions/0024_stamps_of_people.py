"""Stamps of people: who a token belongs to is kept in memory until the token or its person changes.

Revision: 0024
Revises: 0023
"""

from alembic import op

from migrations import guards

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    guards.install(op.get_bind())
    # A process that ran before may remember people whose changes nobody stamped.
    if op.get_bind().dialect.name == "postgresql":
        op.execute("INSERT INTO change_stamp (subject_id, stamp) SELECT id, gen_random_uuid() FROM person")
    else:
        op.execute("DELETE FROM change_stamp WHERE subject_id IN (SELECT id FROM person)")
        op.execute("INSERT INTO change_stamp (subject_id, stamp) SELECT id, randomblob(16) FROM person")


def downgrade() -> None:
    guards.drop_stamps(op.get_bind(), ["person", "api_token"])
