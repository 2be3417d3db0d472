"""``resource-hub import``: sheets into the catalogue."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from resource_hub.domain.catalogue.importing import mapping as mappings
from resource_hub.domain.catalogue.importing import sheet as sheets
from resource_hub.kernel.errors import DomainError, Reason


def register(cli: click.Group) -> None:
    @cli.group(name="import")
    def import_() -> None:
        """Bring sheets into the catalogue."""

    @import_.command()
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--institution", required=True, help="Code of the host that owns the instruments.")
    @click.option(
        "--mapping", "mapping_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="TOML or JSON: which column is which field. Without it the headings are guessed.",
    )  # fmt: skip
    @click.option("--use", "saved", default="", help="Name of a mapping that the institution saved.")
    @click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
    @click.option("--partial", is_flag=True, help="Import the good rows of a file that has bad ones.")
    @click.option("--publish", is_flag=True, help="Make them public at once, in the name of the office.")
    @click.option(
        "--incomplete", is_flag=True, help="With --publish: also what lacks a contact, place or class."
    )
    @click.option("--make-departments", is_flag=True, help="Add departments that are new.")
    @click.option("--kind", default="instrument", show_default=True, help="Kind, where no column says it.")
    @click.option("--encoding", default="", help="Where the file does not show it: UTF-8, GB18030, UTF-16.")
    @click.option("--delimiter", default="", help='Where the file does not show it: "," ";" tab "|".')
    @click.option("--sheet", default="", help="Sheet of a workbook; the first one otherwise.")
    @click.option("--problems", default=50, show_default=True, help="How many problems are printed.")
    def instruments(
        file: Path,
        institution: str,
        mapping_file: Path | None,
        saved: str,
        dry_run: bool,
        partial: bool,
        publish: bool,
        incomplete: bool,
        make_departments: bool,
        kind: str,
        encoding: str,
        delimiter: str,
        sheet: str,
        problems: int,
    ) -> None:
        """Import instruments (or other resources) from a CSV or XLSX sheet with any headings.

        A row is known by its code: the second run of the same file changes nothing.
        """
        import config
        from resource_hub.app import create_app
        from resource_hub.domain.accounts import service as accounts
        from resource_hub.domain.catalogue import service
        from resource_hub.domain.catalogue.terms import ResourceKind

        app = create_app(config.from_environment(), web=False)
        with app.app_context():
            if kind not in {str(k) for k in ResourceKind}:
                raise click.BadParameter(", ".join(ResourceKind), param_hint="--kind")
            try:
                host = accounts.organisation(institution)
                opened = sheets.open_sheet(file, encoding=encoding, delimiter=delimiter, sheet=sheet)
                columns = _mapping(mapping_file, saved, host.id, opened.shape.headings)
                options = service.ImportOptions(
                    listed=publish,
                    complete=not incomplete,
                    make_departments=make_departments,
                    partial=partial,
                    kind=ResourceKind(kind),
                )
                how = f"{opened.shape.encoding or opened.shape.sheet} {opened.shape.delimiter!r}".strip()
                click.echo(f"{file.name}: {how}, {len(opened.shape.headings)} columns")
                for column in columns.columns:
                    click.echo(f"  {column.heading} → {column.target}")
                left = [
                    h for h in opened.shape.headings if h and h not in {c.heading for c in columns.columns}
                ]
                if left:
                    click.echo(f"  left out: {', '.join(left)}")
                look = service.preview(opened, columns, host.id, options, seconds=3600)
                outcome = look.outcome
                _tell(outcome.problems, problems)
                if dry_run:
                    click.echo("dry run: " + _counts(outcome))
                    sys.exit(1 if outcome.refused else 0)
                if outcome.refused and not partial:
                    click.echo(
                        f"nothing was imported: {outcome.refused} rows are refused (--partial imports the others)"
                    )
                    sys.exit(1)
                done = service.import_directly(
                    opened, columns, host.id, options, progress=lambda n: click.echo(f"  {n} rows", err=True)
                )
                click.echo(_counts(done))
            except DomainError as error:
                for reason in error.reasons:
                    click.echo(_sentence(reason), err=True)
                sys.exit(1)


def _mapping(file: Path | None, saved: str, institution_id, headings):  # type: ignore[no-untyped-def]
    from resource_hub.domain.catalogue import service
    from resource_hub.domain.catalogue.errors import MappingInvalid

    if file is not None:
        return mappings.from_text(file.read_text(encoding="utf-8-sig"), file.name)
    if saved:
        kept = dict(service.mappings(institution_id))
        if saved not in kept:
            raise MappingInvalid(Reason("catalogue.mapping_not_saved", {"name": saved}))
        return kept[saved]
    return mappings.guess(headings)


def _counts(outcome) -> str:  # type: ignore[no-untyped-def]
    return (
        f"{outcome.created} created, {outcome.updated} updated, {outcome.unchanged} unchanged, "
        f"{outcome.refused} refused"
    )


def _tell(problems, limit: int) -> None:  # type: ignore[no-untyped-def]
    for problem in problems[:limit]:
        place = f"line {problem.line}" + (
            f", column {problem.column} ({problem.heading})" if problem.column else ""
        )
        click.echo(f"  {place}: {_sentence(problem.reason)}")
    if len(problems) > limit:
        click.echo(f"  … and {len(problems) - limit} more")


def _sentence(reason: Reason) -> str:
    """Sentence and remedy in English: the command line speaks one language."""
    from flask_babel import force_locale

    from resource_hub.entrypoints.support import sentences

    with force_locale("en"):
        told = sentences.tell(reason)
    return f"{told.sentence} {told.remedy}".strip()
