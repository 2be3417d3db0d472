"""``resource-hub database``: the schema of this installation."""

from __future__ import annotations

import click

import config
from resource_hub.infra import schema


def migrate(settings: config.Settings) -> None:
    """Bring the schema to the newest revision, as the role that owns the tables."""
    schema.upgrade(settings.migration_url or settings.database_url, settings.app_role)


def register(cli: click.Group) -> None:
    @cli.group()
    def database() -> None:
        """The schema of this installation."""

    @database.command()
    def upgrade() -> None:
        """Bring the schema to the newest revision; running it again changes nothing."""
        settings = config.from_environment()
        migrate(settings)
        click.echo("The schema is current.")

    @database.command()
    def check() -> None:
        """Say whether the schema is current; ends with status 1 when it is not."""
        settings = config.from_environment()
        if schema.is_current(settings.migration_url or settings.database_url):
            click.echo("The schema is current.")
            return
        raise click.ClickException("The schema is not current: run resource-hub database upgrade")
