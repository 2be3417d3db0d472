"""Pages. One blueprint an area; ``register`` puts them all into the application."""

from __future__ import annotations

import importlib

from flask import Blueprint, Flask

# (module, blueprint) in the order of the map of pages (docs/map.toml). An area that has several names them all.
AREAS: tuple[tuple[str, str], ...] = (
    ("shell", "blueprint"),
    ("accounts", "blueprint"),
    ("accounts", "inbox_blueprint"),
    ("accounts", "team_blueprint"),
    ("accounts", "organisations_blueprint"),
    ("feeds", "blueprint"),
    ("catalogue", "search"),
    ("catalogue", "hosts"),
    ("catalogue", "manage"),
    ("catalogue", "approvals"),
    ("catalogue", "imports"),
    ("customer", "blueprint"),
    ("booking", "blueprint"),
    ("booking", "bookings"),
    ("booking", "orders"),
    ("booking", "requests"),
    ("booking", "calendar"),
    ("booking", "series"),
    ("booking", "waiting"),
    ("quotes", "blueprint"),
    ("availability", "blueprint"),
    ("availability", "calendar_days"),
    ("calendars", "blueprint"),
    ("standing", "blueprint"),
    ("money", "tariffs"),
    ("money", "billing"),
    ("money", "subsidy"),
    ("money", "funder"),
    ("money", "support"),
    ("money", "notices"),
    ("money", "rules"),
    ("money", "rulebook"),
    ("usage", "blueprint"),
    ("usage", "phone"),
    ("usage", "operations"),
    ("usage", "proofs"),
    ("rating_reports", "blueprint"),
    ("audit", "blueprint"),
    ("assessment", "blueprint"),
    ("reports", "blueprint"),
)


def blueprints() -> list[Blueprint]:
    return [getattr(importlib.import_module(f"{__name__}.{module}"), name) for module, name in AREAS]


def register(app: Flask) -> None:
    from resource_hub.entrypoints.web import context

    context.install(app)
    for blueprint in blueprints():
        app.register_blueprint(blueprint)
    from resource_hub.entrypoints import feeds

    app.register_blueprint(feeds.blueprint)
    if app.debug or app.testing:
        from resource_hub.entrypoints.web import patterns

        app.register_blueprint(patterns.blueprint)
