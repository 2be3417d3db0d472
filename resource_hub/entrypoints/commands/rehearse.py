"""``resource-hub rehearse``: real input of others into a database of its own, with totals to compare."""

from __future__ import annotations

import importlib
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

import click

import config
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
        from resource_hub.entrypoints.commands import rehearse_instruments

        url = database_url(db)
        started = time.monotonic()
        schema.upgrade(migration_url or url, app_role)
        settings = replace(config.from_environment(), database_url=url)
        app = create_app(settings, web=False)
        created = 0
        with app.app_context():
            if only != "usage":
                lacking = rehearse_instruments.missing(data)
                if lacking:
                    raise click.ClickException(
                        "not there: " + ", ".join(str(r.values["file"]) for r in lacking)
                    )
                created += rehearse_instruments.created(rehearse_instruments.run(data, click.echo))
                click.echo(f"peak memory so far: {peak_memory()}")
            if only != "instruments":
                usage = _usage_half()
                if usage is not None:
                    created += int(usage.run(data, click.echo) or 0)
        click.echo(
            f"{created:,} created in all, {time.monotonic() - started:.1f} s, peak memory {peak_memory()}"
        )


def _usage_half():  # type: ignore[no-untyped-def]
    try:
        return importlib.import_module("resource_hub.entrypoints.commands.rehearse_usage")
    except ModuleNotFoundError as error:
        if error.name and error.name.endswith("rehearse_usage"):
            return None
        raise
