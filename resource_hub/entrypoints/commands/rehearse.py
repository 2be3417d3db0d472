"""``resource-hub rehearse``: real input of others into a database of its own, with totals to compare."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

import config
from resource_hub.entrypoints.commands import rehearse_files as files
from resource_hub.infra import schema


def peak_memory() -> str:
    """The most memory that this process has held, in MB."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{kilobytes / 1024 if sys.platform != 'darwin' else kilobytes / 1_048_576:,.0f} MB"


def database_url(text: str) -> str:
    """An address as it is; anything else is the path of a SQLite file."""
    return text if "://" in text else f"sqlite:///{Path(text).resolve()}"


def register(cli: click.Group) -> None:
    @cli.command()
    @click.option(
        "--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder with the published inputs.",
    )  # fmt: skip
    @click.option("--db", required=True, help="A SQLite file, or the address of a PostgreSQL database.")
    @click.option("--only", type=click.Choice(["instruments", "usage"]), help="One half only.")
    @click.option("--migration-url", default="", help="Address of the role that owns the tables, if another.")
    @click.option(
        "--app-role", default="", help="Role that the application uses, if another owns the tables."
    )
    def rehearse(data: Path, db: str, only: str | None, migration_url: str, app_role: str) -> None:
        """Import published registers, sheets, prices and a usage log, and print what became of them.

        Run again on the same database it creates nothing.
        """
        from resource_hub.app import create_app
        from resource_hub.entrypoints.commands import rehearse_instruments, rehearse_usage

        wanted = (() if only == "usage" else files.INSTRUMENTS) + (
            () if only == "instruments" else (files.LOG,)
        )
        if lacking := files.missing(data, wanted):
            raise click.ClickException(f"not there below {data}: {', '.join(lacking)}")
        url = database_url(db)
        started = time.monotonic()
        try:
            schema.upgrade(migration_url or url, app_role)
        except (SQLAlchemyError, OSError) as error:
            raise click.ClickException(f"{_without_password(db)}: {_first_line(error)}") from error
        app = create_app(replace(config.from_environment(), database_url=url), web=False)
        created = 0
        try:
            with app.app_context():
                if only != "usage":
                    created += rehearse_instruments.created(rehearse_instruments.run(data, click.echo))
                    click.echo(f"peak memory so far: {peak_memory()}")
                if only != "instruments":
                    created += rehearse_usage.run(data, click.echo)
        except files.BrokenInput as error:
            raise click.ClickException(str(error)) from error
        click.echo(
            f"{created:,} created in all, {time.monotonic() - started:.1f} s, peak memory {peak_memory()}"
        )


def _without_password(db: str) -> str:
    return make_url(db).render_as_string(hide_password=True) if "://" in db else db


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
