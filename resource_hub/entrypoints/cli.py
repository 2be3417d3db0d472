"""The command line: ``resource-hub``. Each capability adds its commands in ``entrypoints/commands``."""

from __future__ import annotations

import importlib
import sys

import click

from resource_hub import __version__
from resource_hub.infra import logging
from resource_hub.kernel.errors import DomainError

COMMANDS = (
    "accounts",
    "assessment",
    "backup",
    "catalogue",
    "database",
    "demo",
    "ledger",
    "mail",
    "rehearse",
    "scheduler",
)


class _Program(click.Group):
    """Loads a command's module only when it is needed, so that ``--help`` of one does not import the others."""

    _loaded = False

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for name in COMMANDS:
            importlib.import_module(f"resource_hub.entrypoints.commands.{name}").register(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._load()
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Program)
@click.version_option(__version__, prog_name="resource-hub")
def cli() -> None:
    """Resource Hub: shared instruments, booked, recorded, billed, supported, assessed."""


def main() -> None:
    """Entry point. A refusal of the product is printed with its reasons and ends with status 1."""
    logging.configure("cli", level="WARNING")
    try:
        cli.main(prog_name="resource-hub", standalone_mode=True)
    except DomainError as error:
        from resource_hub.entrypoints.support.sentences import sentence

        for reason in error.reasons:
            place = f"{reason.place}: " if reason.place else ""
            click.echo(place + str(sentence(reason.code, reason.values)), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
