"""Filling a demonstration: an invented world, a year of its past, and people to sign in as.

Everything goes through the services that real people use, many calls to one unit; nothing is written past the rules.
The same seed makes the same world.
"""

from __future__ import annotations

from collections.abc import Callable

import config
from resource_hub.adapters.signing import FileSigner
from resource_hub.app import create_app
from resource_hub.domain.notices import service as notices
from resource_hub.domain.usage import service as usage
from resource_hub.entrypoints.demo import past, today, world, yearly
from resource_hub.infra import clock
from resource_hub.infra.database import db, reading
from resource_hub.infra.unit_of_work import unit_of_work

PASSWORD = world.PASSWORD
LOGINS = world.LOGINS


def interrupted(settings: config.Settings) -> bool:
    """Whether a filling began in this database and never came to its end."""
    app = create_app(settings, web=False)
    with app.app_context():
        session = reading()
        found = clock.is_demonstration(session) and not clock.filled(session)
        db.session.remove()
        db.engine.dispose()
    return found


def ensure(settings: config.Settings, say: Callable[[str], object] = lambda _text: None) -> bool:
    """Fill the database of a demonstration that is not filled yet.

    Returns:
        Whether anything had to be done.

    Raises:
        NotADemonstration: the database is in use as a real one.
    """
    app = create_app(settings, web=False)
    with app.app_context():
        if clock.filled(reading()):
            return False
        if not clock.is_demonstration(reading()):
            with unit_of_work() as unit:
                clock.mark_demonstration(unit.session)
        app.extensions["resource_hub_demonstration"] = True
        now = today.entry(clock.now())
        with unit_of_work() as unit:
            clock.advance(unit.session, now)
        made = world.build()
        say(
            f"  {made.institutions} institutions, {len(made.resources)} resources, {made.firms} firms,"
            f" {made.funders} funders"
        )
        counts = past.tell(made, now, say)
        say(
            f"  {counts.bookings} bookings, {counts.sessions} sessions, {counts.statements} statements of the past year"
        )
        say(f"  {yearly.tell(made)} instruments with the figures of their year entered")
        _link_and_sign(settings)
        with unit_of_work() as unit:
            clock.filled(unit.session, done=True)
    return True


def _link_and_sign(settings: config.Settings) -> None:
    """The ledger of the past in its chains, each day's root signed; hosts and funders were told of it in its time."""
    with notices.silence():
        while usage.link_due(500):
            pass
        usage.sign_roots(clock.now(), FileSigner(settings.keys_dir))
