"""``resource-hub ledger``: does it hold?"""

from __future__ import annotations

import time

import click

_WORDS = {
    "gap": "the link of this position is missing",
    "entry_missing": "the sealed row is gone",
    "body": "the sealed bytes are not those that were hashed",
    "digest": "the link does not follow from the one before it",
    "column": "this column no longer says what was sealed",
    "root_signature": "the signature of this day's root does not hold",
    "root_row": "this day's root was signed for another day or position",
    "root_head": "the chain is not the one that was signed on this day",
    "entry_without_place": "a sealed row stands neither in the chain nor in the sealer's queue",
}


def in_words(what: str) -> str:
    """The code of a break with what it means: ``column:grade, this column no longer says what was sealed``."""
    return f"{what}, {_WORDS[what.partition(':')[0]]}"


def register(cli: click.Group) -> None:
    @cli.group()
    def ledger() -> None:
        """The sealed ledger of use and money."""

    @ledger.command()
    @click.option("--institution", "code", help="Only this institution, by its code.")
    @click.option("--kind", type=click.Choice(["usage", "money"]), help="Only this kind of chain.")
    def verify(code: str | None, kind: str | None) -> None:
        """Recompute every chain from the kept bytes and check the signed roots; name the first row that is broken.

        Ends with status 1 when a chain does not hold.
        """
        from resource_hub.app import create_app
        from resource_hub.domain.accounts import service as accounts
        from resource_hub.domain.usage import service as usage
        from resource_hub.infra.database import db
        from resource_hub.reports import ledger as report

        broken = links = 0
        started = time.monotonic()
        with create_app(web=False).app_context():
            institution_id = accounts.organisation(code).id if code else None
            chains = [c for c in report.chains(institution_id) if kind in (None, c[1])]
            for one, chain_kind in chains:
                name = accounts.organisation(one).code
                db.session.rollback()
                verdict = None
                for verdict in report.verify(one, chain_kind):
                    if verdict.broken is None and verdict.links and verdict.links % 100_000 == 0:
                        click.echo(f"{name} {chain_kind}: {verdict.links} rows so far")
                assert verdict is not None
                links += verdict.links
                found = verdict.broken
                if found is None:
                    waiting = f", {verdict.waiting} wait for the sealer" if verdict.waiting else ""
                    click.echo(
                        f"{name} {chain_kind}: {verdict.links} rows hold, {verdict.roots} signed roots{waiting}"
                    )
                else:
                    broken += 1
                    row = f" (row {found.entry_id})" if found.entry_id else ""
                    click.echo(
                        f"{name} {chain_kind}: BROKEN at position {found.position}{row}: {in_words(found.what)}",
                        err=True,
                    )
                db.session.rollback()
                usage.note_verified(
                    one,
                    chain_kind,
                    verdict.links,
                    None if found is None else f"{found.position}: {found.what}",
                )
        seconds = time.monotonic() - started
        click.echo(f"{len(chains)} chains, {links} rows in {seconds:.1f} s; {broken} broken.")
        if broken:
            click.echo(
                "Rows before the named one are proven. Compare that row with a backup and with the roots that hosts and"
                " funders were sent; what was sealed is mended by a correction, never in place.",
                err=True,
            )
            raise SystemExit(1)
