"""``resource-hub demo``: a demonstration to look at, in a database of its own."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from unicodedata import east_asian_width

import click

import config
from resource_hub.entrypoints import processes


def demonstration_settings(folder: Path, host: str = "127.0.0.1", port: int = 8000) -> config.Settings:
    """Settings of a demonstration: everything in one folder, apart from any real installation."""
    return config.from_environment(demonstration_environment(folder, host, port))


def demonstration_environment(folder: Path, host: str, port: int) -> dict[str, str]:
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return {
        **os.environ,
        "RESOURCE_HUB_INSTANCE": str(folder),
        "RESOURCE_HUB_DATABASE_URL": f"sqlite:///{folder / 'demo.db'}",
        "RESOURCE_HUB_BASE_URL": f"http://{host}:{port}",
        "RESOURCE_HUB_MIGRATION_URL": "",
        "RESOURCE_HUB_MAIL_URL": "",
    }


def register(cli: click.Group) -> None:
    @cli.group()
    def demo() -> None:
        """A demonstration to look at, in a database of its own."""

    folder_option = click.option(
        "--folder",
        type=click.Path(file_okay=False, path_type=Path),
        default=config.ROOT / "var" / "demo",
        show_default="var/demo",
        help="Where the demonstration lives.",
    )

    @demo.command()
    @click.option("--host", default="127.0.0.1", show_default=True)
    @click.option("--port", default=8000, show_default=True)
    @folder_option
    def run(host: str, port: int, folder: Path) -> None:
        """Prepare the demonstration and serve it until stopped."""
        prepare(folder, host, port)
        environment = demonstration_environment(folder, host, port)
        commands = {"web": processes.web_command(host, port), "scheduler": processes.scheduler_command()}
        with processes.Processes(commands, environment) as children:
            started = time.monotonic()
            if not processes.wait_until_up(f"http://{host}:{port}/healthz"):
                raise click.ClickException("the web server did not answer; its messages stand above")
            click.echo(f"web and scheduler   {time.monotonic() - started:5.1f} s")
            announce(host, port)
            children.watch()

    @demo.command()
    @folder_option
    def fill(folder: Path) -> None:
        """Only create and fill the demonstration's database."""
        prepare(folder, "127.0.0.1", 8000)

    @demo.command()
    @click.option(
        "--to", "target", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="A wall-clock time."
    )
    @click.option("--hours", type=float, help="So many hours further.")
    @folder_option
    def advance(target: datetime | None, hours: float | None, folder: Path) -> None:
        """Move the demonstration's time forward; the scheduler then does what has become due."""
        from resource_hub.app import create_app
        from resource_hub.infra import clock
        from resource_hub.infra.unit_of_work import unit_of_work
        from resource_hub.kernel.time import local_exact, zone

        if (target is None) == (hours is None):
            raise click.UsageError("give either --to or --hours")
        app = create_app(demonstration_settings(folder), web=False)
        with app.app_context():
            tz = zone("Asia/Shanghai")
            moment = local_exact(target, tz, fold=0) if target else clock.now() + timedelta(hours=hours or 0)
            with unit_of_work() as unit:
                reached = clock.advance(unit.session, moment)
            click.echo(
                f"It is now {reached.astimezone(tz):%Y-%m-%d %H:%M} (Asia/Shanghai) in the demonstration."
            )


def prepare(folder: Path, host: str, port: int) -> None:
    """Create, migrate and fill what is not there yet; each step says how long it took."""
    from resource_hub.entrypoints.commands.database import migrate

    settings = demonstration_settings(folder, host, port)
    started = time.monotonic()
    migrate(settings)
    from resource_hub.entrypoints.demo import fill

    if fill.interrupted(settings):
        click.echo("The last filling was interrupted; it starts over.")
        for path in folder.glob("demo.db*"):
            path.unlink()
        migrate(settings)
    click.echo(f"schema              {time.monotonic() - started:5.1f} s")
    started = time.monotonic()
    if fill.ensure(settings, say=click.echo):
        click.echo(f"demonstration data  {time.monotonic() - started:5.1f} s")


def announce(host: str, port: int) -> None:
    from resource_hub.entrypoints.demo import fill

    click.echo(f"\nResource Hub stands at http://{host}:{port}\n")
    for title, address in fill.LOGINS:
        # Chinese letters take two places.
        gap = " " * (42 - sum(1 + (east_asian_width(letter) in "WF") for letter in title))
        click.echo(f"  {title}{gap}{address:<28} {fill.PASSWORD}")
    click.echo("\nStop with Ctrl-C.")
