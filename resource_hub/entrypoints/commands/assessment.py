"""``resource-hub assessment``: figures on the command line, and recomputing a kept self-assessment from its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

if TYPE_CHECKING:
    from resource_hub.domain.assessment.terms import Figure


def register(cli: click.Group) -> None:
    cli.add_command(assessment)


@click.group()
def assessment() -> None:
    """Figures of a year, and self-assessments that anyone can recompute."""


@assessment.command("figures")
@click.argument("host")
@click.option("--period", required=True, help="2025 for a calendar year, 2024-2025 for a school year.")
@click.option("--resource", help="Code of one instrument; all of the institution when left out.")
@click.option("--json", "as_json", is_flag=True, help="Exact fractions, sources and parts as JSON.")
def show(host: str, period: str, resource: str | None, as_json: bool) -> None:
    """Print the figures of HOST (its code) for a year: the same as on the pages of its office."""
    from resource_hub.app import create_app
    from resource_hub.domain.accounts import service as accounts
    from resource_hub.domain.accounts.terms import Actor, OrganisationKind, Role
    from resource_hub.domain.assessment import service
    from resource_hub.domain.assessment.rules import periods

    app = create_app(web=False)
    with app.app_context():
        institution = accounts.organisation(host)
        # Whoever runs this has the database itself; the office sees what there is to see.
        by = Actor(
            UUID(int=0),
            institution.id,
            OrganisationKind.INSTITUTION,
            frozenset({Role.OFFICE}),
            organisation_code=institution.code,
        )
        year = service.year(institution.id, periods.parse(period), by=by)
        if resource is None:
            found = year.figures()
        else:
            chosen = next((each for each in year.instruments if each.facts.code == resource), None)
            if chosen is None:
                raise click.ClickException(f"{host} has no instrument {resource} in {period}")
            found = chosen.figures()
        if as_json:
            click.echo(
                json.dumps([found[code].as_json() for code in sorted(found)], ensure_ascii=False, indent=1)
            )
            return
        for code in sorted(found):
            click.echo(_line(found[code]))


def _line(figure: Figure) -> str:
    value = "unknown" if figure.value is None else str(figure.low)
    if figure.value is not None and not figure.exact:
        value += f" to {figure.high}"
    unit = figure.currency + " (minor units)" if figure.currency else figure.unit.value
    marks = "" if figure.verified else "  [not verified]"
    missing = f"  ({len(figure.missing)} missing)" if figure.missing else ""
    return f"{figure.code:26} {value} {unit}{missing}{marks}"


@assessment.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--digest", help="The SHA-256 that was handed over with the file.")
def verify(file: Path, digest: str | None) -> None:
    """Recompute a kept self-assessment from FILE alone, with the rulebook of this release; no database is needed.

    Ends with status 1 when anything differs.
    """
    from resource_hub.domain.assessment import service

    body = file.read_bytes()
    try:
        document: dict[str, Any] = json.loads(body)
        kept = service.from_file(body, document, digest)
    except (ValueError, KeyError, TypeError) as fault:
        raise click.ClickException(f"{file} is no kept self-assessment: {fault}") from None
    found = service.replayed(kept)
    click.echo(f"host {document['host']}, {document['facts']['since']} to {document['facts']['until']}")
    click.echo(f"SHA-256 {kept.digest}" + ("" if found.digest_agrees else "  DIFFERS"))
    click.echo("rules   " + ("the same as then" if found.rules_agree else "DIFFER: the rulebook has changed"))
    click.echo("result  " + ("recomputed, the same" if found.result_agrees else "DIFFERS"))
    if not found.agrees:
        raise SystemExit(1)
