"""``resource-hub scheduler``: the process that does what nobody clicks for."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import click

import config
from resource_hub.entrypoints.jobs.runner import LEASE_SECONDS
from resource_hub.infra import logging


def register(cli: click.Group) -> None:
    @cli.command()
    @click.option("--once", is_flag=True, help="Do what is due now, then end.")
    @click.option(
        "--lease-seconds", default=LEASE_SECONDS, show_default=True, help="How long a dead leader leads."
    )
    def scheduler(once: bool, lease_seconds: float) -> None:
        """Run the jobs. Several may be started: one leads, another takes over when it dies or hangs."""
        from resource_hub.app import create_app
        from resource_hub.entrypoints.jobs.runner import Runner, serve

        settings = config.from_environment()
        logging.configure("scheduler", level=settings.log_level)
        runner = Runner(create_app(settings, web=False), lease_seconds=lease_seconds)
        if once:
            runner.keep_lease()
            if runner.lease is None:
                raise click.ClickException("another scheduler leads; it will do what is due")
            done = runner.catch_up()
            runner.give_up_lease()
            click.echo(f"{done} things done.")
            return
        stopped = threading.Event()

        def stop(_number: int, _frame: FrameType | None) -> None:
            stopped.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        click.echo(f"Scheduler {runner.holder} with {len(runner.jobs)} jobs. Stop with Ctrl-C.")
        serve(runner, stopped.is_set)
