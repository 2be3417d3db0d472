"""``resource-hub backup FILE`` and ``resource-hub restore FILE``."""

from __future__ import annotations

from pathlib import Path

import click


def register(cli: click.Group) -> None:
    cli.add_command(backup)
    cli.add_command(restore)


def _say(quiet: bool) -> object:
    def progress(table: str, rows: int) -> None:
        if rows and not quiet:
            click.echo(f"  {table}: {rows:,}")

    return progress


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--quiet", is_flag=True, help="Print the last line only.")
def backup(file: Path, quiet: bool) -> None:
    """Write the whole installation (database, stored files, keys) into FILE, as it is at one moment.

    The web and the scheduler may go on working. FILE holds private keys and personal data: keep it safe.
    """
    from resource_hub.app import create_app
    from resource_hub.infra import snapshot

    app = create_app(web=False)
    with app.app_context():
        settings = app.extensions["resource_hub_settings"]
        done = snapshot.take(file, settings.instance_dir, _say(quiet))  # type: ignore[arg-type]
    click.echo(
        f"{file}: {done.total_rows:,} rows of {len(done.rows)} tables, {done.files} files, {done.size:,} bytes, "
        f"manifest sha256 {done.digest}"
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--quiet", is_flag=True, help="Print the last line only.")
def restore(file: Path, quiet: bool) -> None:
    """Put FILE into an empty, migrated database. An archive of SQLite goes into PostgreSQL and the other way round.

    Nothing is ever overwritten: a database with rows or an installation with files is refused.
    """
    from resource_hub.app import create_app
    from resource_hub.domain.catalogue import service as catalogue
    from resource_hub.infra import snapshot

    app = create_app(web=False)
    with app.app_context():
        settings = app.extensions["resource_hub_settings"]
        done = snapshot.restore(file, settings.instance_dir, _say(quiet))  # type: ignore[arg-type]
        catalogue.rebuild_index()
    click.echo(f"{file}: {done.total_rows:,} rows and {done.files} files are back, as of {done.taken_at}")
