"""What the database itself holds, beyond columns: partitions, the overlap guard, append-only rows, rights, search.

Alembic's batch mode on SQLite drops triggers without a word, so every migration that touches one of these tables ends
by calling ``install`` again. Every statement may run any number of times.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

# Growing tables of hosts: 8 hash partitions on PostgreSQL.
PARTITIONED = (
    "occupancy",
    "free_window",
    "quote",
    "booking",
    "booking_event",
    "booking_message",
    "booking_file",
    "series_occurrence",
    "evidence",
    "evidence_private",
    "usage_session",
    "session_line",
    "usage_entry",
    "chain_link",
    "usage_rollup",
    "charge",
    "money_entry",
    "statement_line",
    "claim_line",
)
PARTITIONS = 8

# Rows that are never updated, deleted or truncated.
APPEND_ONLY = (
    "audit_entry",
    "booking_event",
    "result_download",
    "evidence",
    "usage_entry",
    "chain_link",
    "day_root",
    "charge",
    "money_entry",
    "run_line",
    "assessment_input",
)

# Whose stamp a change of a row renews: columns that name the subject, or a fixed one. What readers keep in memory about
# a subject holds until then (resource_hub/infra/stamps.py). Calendars and programmes are read by all and change rarely.
_CALENDARS, _PROGRAMMES = "=00000000-0000-0000-0000-000000000001", "=00000000-0000-0000-0000-000000000002"
STAMPED = {
    "person": ("id",),
    "api_token": ("person_id",),
    "organisation": ("id",),
    "department": ("institution_id",),
    "membership": ("organisation_id",),
    "customer": ("id", "organisation_id"),
    "customer_class_override": ("customer_id",),
    "firm_facts": ("organisation_id",),
    "standing": ("organisation_id",),
    "resource": ("id",),
    "unit": ("resource_id",),
    "listing_change": ("resource_id",),
    "resource_link": ("resource_id",),
    "opening_hours": ("resource_id",),
    "opening_exception": ("resource_id",),
    "house_rules": ("resource_id",),
    "tariff": ("resource_id",),
    "statement": ("customer_id",),
    "calendar_day": (_CALENDARS,),
    "programme": (_PROGRAMMES,),
}

OVERLAP = "ex_occupancy_overlap"


def install(connection: Connection, app_role: str | None = None) -> None:
    """Create or renew every guard on the tables that exist."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        present = {
            row[0]
            for row in connection.execute(
                text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
            )
        }
        statements = _postgresql(present)
        if app_role:
            statements += _rights(app_role, present)
    else:
        present = {
            row[0] for row in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
        }
        statements = _sqlite(present)
    for statement in statements:
        connection.exec_driver_sql(statement)


def _sqlite(present: set[str]) -> list[str]:
    statements = []
    if "occupancy" in present:
        # Stored rows never overlap, so only the last one that starts before the new end can collide.
        probe = (
            "(SELECT o.ends_at FROM occupancy o WHERE o.institution_id = NEW.institution_id AND o.unit_id = NEW.unit_id"
            " AND o.starts_at < NEW.ends_at AND o.id IS NOT NEW.id ORDER BY o.starts_at DESC LIMIT 1) > NEW.starts_at"
        )
        for name, event in (
            ("tr_occupancy_overlap_insert", "INSERT"),
            ("tr_occupancy_overlap_update", "UPDATE OF institution_id, unit_id, starts_at, ends_at"),
        ):
            statements += [
                f"DROP TRIGGER IF EXISTS {name}",
                f"CREATE TRIGGER {name} BEFORE {event} ON occupancy WHEN {probe}"
                f" BEGIN SELECT RAISE(ABORT, '{OVERLAP}'); END",
            ]
    for table in APPEND_ONLY:
        if table not in present:
            continue
        for event in ("UPDATE", "DELETE"):
            name = f"tr_{table}_no_{event.lower()}"
            statements += [
                f"DROP TRIGGER IF EXISTS {name}",
                f"CREATE TRIGGER {name} BEFORE {event} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, 'append_only:{table}'); END",
            ]
    if "resource_index" in present:
        statements += _sqlite_search()
    if "change_stamp" in present:
        statements += _sqlite_stamps(present)
    return statements


# ---- stamps of subjects ----------------------------------------------------------------------------------------


def _sqlite_stamps(present: set[str]) -> list[str]:
    """One row a subject: there is only one writer. The stamp is drawn, so that what was rolled back never comes again."""
    statements = []
    for table, subjects in STAMPED.items():
        if table not in present:
            continue
        for event, images in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
            name = f"tr_{table}_stamp_{event.lower()}"
            named = " UNION ".join(
                f"SELECT x'{one[1:].replace('-', '')}' AS s"
                if one.startswith("=")
                else f"SELECT {image}.{one} AS s"
                for image in images
                for one in subjects
            )
            statements += [
                f"DROP TRIGGER IF EXISTS {name}",
                f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN"
                f" DELETE FROM change_stamp WHERE subject_id IN ({named});"
                " INSERT INTO change_stamp (subject_id, stamp)"
                f" SELECT s, randomblob(16) FROM ({named}) WHERE s IS NOT NULL; END",
            ]
    return statements


def _postgresql_stamps(present: set[str]) -> list[str]:
    """A new row for each change, so that nobody who changes something waits for another; a job joins them later."""
    statements = [
        "CREATE OR REPLACE FUNCTION stamp_change() RETURNS trigger LANGUAGE plpgsql AS $$"
        " DECLARE one text; images text[]; rows text;"
        " BEGIN"
        " images := CASE TG_OP WHEN 'INSERT' THEN ARRAY['born'] WHEN 'DELETE' THEN ARRAY['gone']"
        " ELSE ARRAY['gone', 'born'] END;"
        " FOREACH one IN ARRAY TG_ARGV LOOP"
        " SELECT string_agg(CASE WHEN starts_with(one, '=') THEN format('SELECT %%L::uuid AS s FROM %%I', substr(one, 2), i)"
        " ELSE format('SELECT %%I AS s FROM %%I', one, i) END, ' UNION ') INTO rows FROM unnest(images) i;"
        " EXECUTE 'INSERT INTO change_stamp (subject_id, stamp) SELECT s, gen_random_uuid() FROM ('"
        " || rows || ') t WHERE s IS NOT NULL GROUP BY s';"
        " END LOOP; RETURN NULL; END $$"
    ]
    for table, subjects in STAMPED.items():
        if table not in present:
            continue
        named = ", ".join(f"'{one}'" for one in subjects)
        for event, images in (
            ("INSERT", "NEW TABLE AS born"),
            ("UPDATE", "OLD TABLE AS gone NEW TABLE AS born"),
            ("DELETE", "OLD TABLE AS gone"),
        ):
            statements.append(
                f"CREATE OR REPLACE TRIGGER tr_{table}_stamp_{event.lower()} AFTER {event} ON {table}"
                f" REFERENCING {images} FOR EACH STATEMENT EXECUTE FUNCTION stamp_change({named})"
            )
    return statements


def drop_stamps(connection: Connection, tables: Iterable[str] | None = None) -> None:
    """Take the triggers away that renew stamps: of some tables, or of all before the stamps' own table goes."""
    if tables is not None:
        on = " ON {}" if connection.dialect.name == "postgresql" else ""
        for table in tables:
            for event in ("insert", "update", "delete"):
                connection.exec_driver_sql(
                    f"DROP TRIGGER IF EXISTS tr_{table}_stamp_{event}" + on.format(table)
                )
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP FUNCTION IF EXISTS stamp_change() CASCADE")
        return
    for table in STAMPED:
        for event in ("insert", "update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS tr_{table}_stamp_{event}")


# ---- search of the catalogue: tokens are made in Python, so the database only splits at blanks -----------------


def _sqlite_search() -> list[str]:
    """An FTS5 index over resource_index.tokens that keeps no text of its own, and the triggers that feed it."""
    add = "INSERT INTO resource_text(rowid, tokens) VALUES (NEW.docid, NEW.tokens);"
    drop = "INSERT INTO resource_text(resource_text, rowid, tokens) VALUES ('delete', OLD.docid, OLD.tokens);"
    statements = [
        "CREATE VIRTUAL TABLE IF NOT EXISTS resource_text USING fts5(tokens, content='resource_index',"
        " content_rowid='docid', tokenize=\"unicode61 remove_diacritics 0 tokenchars '_'\")"
    ]
    for name, event, body in (
        ("tr_resource_index_insert", "INSERT", add),
        ("tr_resource_index_delete", "DELETE", drop),
        ("tr_resource_index_update", "UPDATE OF docid, tokens", drop + " " + add),
    ):
        statements += [
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} AFTER {event} ON resource_index BEGIN {body} END",
        ]
    return statements


def _postgresql_search() -> list[str]:
    return ["CREATE INDEX IF NOT EXISTS ex_resource_index_tokens ON resource_index USING gin (tokens)"]


def _postgresql(present: set[str]) -> list[str]:
    statements = ["CREATE EXTENSION IF NOT EXISTS btree_gist"]
    for table in PARTITIONED:
        if table in present:
            statements += [
                f"CREATE TABLE IF NOT EXISTS {table}_p{n} PARTITION OF {table}"
                f" FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {n})"
                for n in range(PARTITIONS)
            ]
    statements.append(_references_by_partition())
    if "occupancy" in present:
        statements.append(
            f"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = '{OVERLAP}'"
            " AND connamespace = current_schema()::regnamespace) THEN"
            f" ALTER TABLE occupancy ADD CONSTRAINT {OVERLAP} EXCLUDE USING gist"
            " (institution_id WITH =, unit_id WITH =, tstzrange(starts_at, ends_at, '[)') WITH &&);"
            " END IF; END $$"
        )
    if "resource_index" in present:
        statements += _postgresql_search()
    if "change_stamp" in present:
        statements += _postgresql_stamps(present)
        statements += [_slot_behind_lock(n) for n in range(PARTITIONS)]
    statements.append(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'append_only:%%', TG_TABLE_NAME USING ERRCODE = '23R01'; END $$"
    )
    for table in APPEND_ONLY:
        if table not in present:
            continue
        statements.append(
            f"CREATE OR REPLACE TRIGGER tr_{table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        # Statement triggers are not passed on to partitions, so TRUNCATE is refused on each of them.
        parts = [f"{table}_p{n}" for n in range(PARTITIONS)] if table in PARTITIONED else []
        for name in [table, *parts]:
            statements.append(
                f"CREATE OR REPLACE TRIGGER tr_{name}_no_truncate BEFORE TRUNCATE ON {name}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
    return statements


def _slot_behind_lock(number: int) -> str:
    """All that a booking asks before it writes, in one way to the server, for the hosts of one partition: the resource
    is locked with its helpers in the order of their ids, and behind the lock are read the stamps of subjects, what holds
    its units in a span, and their kept windows that meet or touch it.

    A volatile function sees in each of its statements what is committed by then; so what is read behind the lock is what
    the one before in the queue has left. Of what starts before the span only the last can reach into it. Nothing is
    sorted, so that all is found by the keys of its units, however few rows there were when the server made its plan.
    """
    return (
        f"CREATE OR REPLACE FUNCTION slot_behind_lock_p{number}("
        "p_host uuid, p_resource uuid, p_subjects uuid[], p_start timestamptz, p_end timestamptz)"
        " RETURNS TABLE (r_what text, r_id uuid, r_starts timestamptz, r_ends timestamptz, r_kind text, r_other uuid,"
        " r_expires timestamptz, r_setup bigint, r_teardown bigint)"
        " LANGUAGE plpgsql VOLATILE SET enable_sort = off AS $$ BEGIN"
        " RETURN QUERY SELECT 'locked', r.id, NULL::timestamptz, NULL::timestamptz, NULL, NULL::uuid, NULL::timestamptz,"
        " NULL::bigint, NULL::bigint FROM resource r WHERE r.institution_id = p_host AND r.id = ANY(ARRAY(SELECT p_resource"
        " UNION ALL SELECT l.helper_id FROM resource_link l WHERE l.institution_id = p_host"
        " AND l.resource_id = p_resource)) ORDER BY r.id FOR NO KEY UPDATE;"
        " RETURN QUERY SELECT 'stamp', s.subject_id, NULL::timestamptz, NULL::timestamptz, NULL, s.stamp,"
        " NULL::timestamptz, NULL::bigint, NULL::bigint FROM change_stamp s WHERE s.subject_id = ANY(p_subjects)"
        " ORDER BY s.stamp;"
        " IF p_start IS NOT NULL THEN RETURN QUERY"
        " SELECT 'held', h.unit_id, h.starts_at, h.ends_at, h.kind::text, h.holder_id, h.expires_at, h.setup_seconds,"
        " h.teardown_seconds FROM unit u CROSS JOIN LATERAL ("
        f"SELECT * FROM occupancy_p{number} o WHERE o.institution_id = p_host AND o.unit_id = u.id"
        f" AND o.starts_at >= coalesce((SELECT b.starts_at FROM occupancy_p{number} b"
        " WHERE b.institution_id = p_host AND b.unit_id = u.id AND b.starts_at < p_start"
        " ORDER BY b.starts_at DESC LIMIT 1), p_start)"
        " AND o.starts_at < p_end AND o.ends_at > p_start ORDER BY o.starts_at OFFSET 0) h"
        " WHERE u.institution_id = p_host AND u.resource_id = p_resource"
        " UNION ALL SELECT 'window', k.unit_id, k.starts_at, k.ends_at, k.audience::text, NULL, NULL, NULL, NULL"
        " FROM unit u CROSS JOIN (VALUES ('all'), ('outside')) a (audience) CROSS JOIN LATERAL ("
        f"SELECT * FROM free_window_p{number} w WHERE w.institution_id = p_host AND w.unit_id = u.id"
        " AND w.audience = a.audience"
        f" AND w.starts_at >= coalesce((SELECT b.starts_at FROM free_window_p{number} b"
        " WHERE b.institution_id = p_host AND b.unit_id = u.id AND b.audience = a.audience"
        " AND b.starts_at < p_start ORDER BY b.starts_at DESC LIMIT 1), p_start)"
        " AND w.starts_at <= p_end AND w.ends_at >= p_start ORDER BY w.starts_at OFFSET 0) k"
        " WHERE u.institution_id = p_host AND u.resource_id = p_resource; END IF; END $$"
    )


def drop_slot_behind_lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        for number in range(PARTITIONS):
            connection.exec_driver_sql(
                f"DROP FUNCTION IF EXISTS slot_behind_lock_p{number}"
                "(uuid, uuid, uuid[], timestamptz, timestamptz)"
            )


def _references_by_partition() -> str:
    """Let partition refer to partition, where both tables are cut by the institution that stands in the reference.

    It says the same, because the rows of one institution are in partitions of one number. But a reference into the
    whole table is checked by a query over all its partitions: 67 µs a row where the server plans it each time, and a
    scan of the table where it keeps a plan made while the table was small; into one partition it is 8 µs.
    """
    tables = ", ".join(f"'{table}'" for table in PARTITIONED)
    return (
        "DO $$ DECLARE found record; BEGIN"
        " FOR found IN SELECT conname, pg_get_constraintdef(k.oid) AS said, child.relname AS child,"
        " parent.relname AS parent FROM pg_constraint k JOIN pg_class child ON child.oid = k.conrelid"
        " JOIN pg_class parent ON parent.oid = k.confrelid WHERE k.contype = 'f' AND k.conparentid = 0"
        " AND k.connamespace = current_schema()::regnamespace"
        f" AND child.relname IN ({tables}) AND parent.relname IN ({tables})"
        " AND strpos(pg_get_constraintdef(k.oid), 'FOREIGN KEY (institution_id, ') = 1"
        " LOOP EXECUTE 'ALTER TABLE ' || found.child || ' DROP CONSTRAINT ' || found.conname;"
        f" FOR n IN 0..{PARTITIONS - 1} LOOP"
        " EXECUTE 'ALTER TABLE ' || found.child || '_p' || n || ' ADD CONSTRAINT ' || found.conname || ' '"
        " || replace(found.said, 'REFERENCES ' || found.parent || '(', 'REFERENCES ' || found.parent || '_p' || n"
        " || '(');"
        " END LOOP; END LOOP; END $$"
    )


def _rights(role: str, present: set[str]) -> list[str]:
    """The application's role owns nothing; on append-only tables it may only read and add."""
    if not role.replace("_", "").isalnum():
        raise ValueError(f"not a plain role name: {role!r}")
    statements = [
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        # For ANALYZE after a bulk load; changes no rows.
        f"GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO {role}",
    ]
    for table in APPEND_ONLY:
        if table in present:
            parts = [f"{table}_p{n}" for n in range(PARTITIONS)] if table in PARTITIONED else []
            for name in [table, *parts]:
                statements.append(f"REVOKE UPDATE, DELETE, TRUNCATE ON {name} FROM {role}")
    if "alembic_version" in present:
        statements.append(f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}")
    return statements
