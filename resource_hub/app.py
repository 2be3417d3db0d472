"""Composition root: settings → extensions, adapters, blueprints, subscriptions. The only place that knows everybody."""

from __future__ import annotations

import importlib
from types import ModuleType

from flask import Flask
from sqlalchemy import inspect, select
from sqlalchemy.exc import SQLAlchemyError

import config
from resource_hub.infra import database, outbox, schema
from resource_hub.infra.database import db

CAPABILITIES = (
    "accounts",
    "notices",
    "catalogue",
    "availability",
    "pricing",
    "booking",
    "usage",
    "billing",
    "subsidy",
    "assessment",
)


def create_app(settings: config.Settings | None = None, *, web: bool = True) -> Flask:
    """An application bound to one database.

    ``web=False`` leaves out pages, API and their extensions: for the scheduler and the command line.
    """
    settings = settings or config.from_environment()
    app = Flask(
        "resource_hub",
        root_path=str(config.ROOT / "resource_hub"),
        template_folder=str(config.ROOT / "templates"),
        static_folder=str(config.ROOT / "static"),
        static_url_path="/static",
    )
    url = schema.normal_url(settings.database_url)
    # Every view and hook is a plain function, so none has to be asked at each request whether it is.
    app.ensure_sync = lambda func: func  # type: ignore[method-assign]
    app.config.update(
        SECRET_KEY=settings.secret_key,
        TESTING=settings.testing,
        SQLALCHEMY_DATABASE_URI=url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(url, settings),
        MAX_CONTENT_LENGTH=settings.max_upload_bytes,
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        **settings.extra,
    )
    app.extensions["resource_hub_settings"] = settings
    if settings.trusted_proxies:
        from werkzeug.middleware.proxy_fix import ProxyFix

        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    schema.load_tables()
    db.init_app(app)
    with app.app_context():
        database.prepare_engine(db.engine)
        app.extensions["resource_hub_demonstration"] = is_demonstration()
    _wire()
    if web:
        from resource_hub.entrypoints import api
        from resource_hub.entrypoints import web as pages
        from resource_hub.entrypoints.support import setup

        setup.init_app(app)
        pages.register(app)
        api.register(app)
        setup.finish(app)
    else:
        # Letters and the words of the command line are written in people's languages too.
        from resource_hub.entrypoints.support import language

        language.install(app)
    return app


def _engine_options(url: str, settings: config.Settings) -> dict[str, object]:
    # The values of a statement that failed are people's data; they do not belong into a log.
    common = {"pool_size": settings.pool_size, "hide_parameters": not settings.testing}
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 10}, "max_overflow": 20, **common}
    return {"max_overflow": 10, **common}


def is_demonstration() -> bool:
    """Read once at start: a database becomes a demonstration when it is filled, never later."""
    try:
        if not inspect(db.engine).has_table("demo_state"):
            return False
        from resource_hub.infra.tables import DemoState

        return database.reading().scalar(select(DemoState.id)) is not None
    except SQLAlchemyError:
        return False
    finally:
        db.session.remove()


def _optional(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _wire() -> None:
    """Connect what the import rules keep apart: subscriptions of the outbox and ports of lower rooms."""
    for capability in CAPABILITIES:
        for part in ("subscriptions", "service"):
            module = _optional(f"resource_hub.domain.{capability}.{part}")
            if module is not None and hasattr(module, "SUBSCRIPTIONS"):
                outbox.subscribe(module.SUBSCRIPTIONS)
                break
    from resource_hub.domain.assessment import ports as assessment_ports
    from resource_hub.reports.year_facts import YearFacts

    assessment_ports.install(facts=YearFacts())
    from resource_hub.domain.accounts import service as accounts
    from resource_hub.domain.booking import ports as booking_ports
    from resource_hub.domain.booking.handing_over import OpenOrders

    accounts.install_open_work("booking", OpenOrders())
    from resource_hub.domain.usage.uses import Uses

    booking_ports.install(training=accounts.Trainings(), uses=Uses())
    _wire_catalogue()
    _wire_money()


def _wire_catalogue() -> None:
    """Free times and working days as the catalogue shows them, and who is told of its changes."""
    from resource_hub.domain.availability import service as availability
    from resource_hub.domain.catalogue import ports as catalogue_ports
    from resource_hub.domain.notices import service as notices

    catalogue_ports.install(
        # An hour is what lists ask for; the resource's own page knows its shortest booking.
        next_free=lambda keys: availability.next_free(keys, 3600),
        working_days_after=availability.working_day_after,
        units_changed=availability.units_changed,
        notify=notices.notify,
    )


def _wire_money() -> None:
    """Support and debts as booking and billing ask for them; list prices as the catalogue shows them."""
    from resource_hub.domain.billing import service as billing
    from resource_hub.domain.booking import ports as booking_ports
    from resource_hub.domain.catalogue import ports as catalogue_ports
    from resource_hub.domain.subsidy import service as subsidy
    from resource_hub.reports import indicative_prices

    catalogue_ports.install(price_list=indicative_prices.price_list)
    billing.install(deduct_at_once=subsidy.Deduction())
    booking_ports.install(
        expected_support=subsidy.Expected(), hold_of_funds=subsidy.Holds(), standing=billing.Standing()
    )
