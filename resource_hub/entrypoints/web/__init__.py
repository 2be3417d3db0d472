"""Pages. One blueprint an area; ``register`` puts them all into the application."""

from __future__ import annotations

import importlib

from flask import Blueprint, Flask

# (module, blueprint) in the order of the map of pages (docs/map.toml). An area that has several names them all.
AREAS: tuple[tuple[str, str], ...] = (
    ("shell", "blueprint"),
)


def blueprints() -> list[Blueprint]:
    return [getattr(importlib.import_module(f"{__name__}.{module}"), name) for module, name in AREAS]


def register(app: Flask) -> None:
    from resource_hub.entrypoints.web import context

    context.install(app)
    for blueprint in blueprints():
        app.register_blueprint(blueprint)
    if app.debug or app.testing:
        from resource_hub.entrypoints.web import patterns

        app.register_blueprint(patterns.blueprint)
