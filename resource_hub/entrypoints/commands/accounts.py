"""``resource-hub init``: the first administrator of a real installation."""

from __future__ import annotations

import os

import click

import config
from resource_hub.entrypoints.commands.database import migrate

PASSWORD_VARIABLE = "RESOURCE_HUB_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable, not a password


def register(cli: click.Group) -> None:
    @cli.command()
    @click.option("--name", prompt="Name of the first administrator", help="Name of the first administrator.")
    @click.option("--email", prompt="E-mail", help="Address to sign in with.")
    @click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
    def init(name: str, email: str, language: str) -> None:
        """Set up a real installation: the schema and the first administrator.

        The password is read from RESOURCE_HUB_ADMIN_PASSWORD, or asked for. A database that has an administrator, or is
        a demonstration, is left as it is.
        """
        from resource_hub.app import create_app
        from resource_hub.domain.accounts import service

        settings = config.from_environment()
        migrate(settings)
        with create_app(settings, web=False).app_context():
            if service.is_initialised():
                raise click.ClickException(
                    "This database has its first administrator already, or is a demonstration; nothing was changed."
                )
            password = os.environ.get(PASSWORD_VARIABLE) or click.prompt(
                "Password (at least 10 characters)", hide_input=True, confirmation_prompt=True
            )
            person = service.initialise(name=name, email=email, password=password, language=language)
        click.echo(f"{person.email} is the first administrator. Sign in at {settings.base_url}/sign-in")
