"""Routes whose requests believe what this process saw last, because a unit of theirs compares it anyway.

::

    @blueprint.post(f"{_AT}/bookings")
    @blueprint.response(201, BookingSchema)
    @allows(MEMBER)
    @believes
    def book(...): ...

Asking first whether answers in memory still hold costs a booking a way to the database, and behind the lock it is asked
again. Where something has changed meanwhile, the guard and the view are run once more, and ask first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, current_app, request

from resource_hub.entrypoints.support import guards
from resource_hub.infra import stamps

_ATTRIBUTE = "__believes__"
F = TypeVar("F", bound=Callable[..., Any])


def believes(view: F) -> F:
    """Declare it of a view. Until its unit commits it must change nothing that cannot be done twice."""
    setattr(view, _ATTRIBUTE, True)
    return view


def begin() -> None:
    """Call before the guard."""
    if getattr(current_app.view_functions.get(request.endpoint or ""), _ATTRIBUTE, False):
        stamps.believe()


def finish(app: Flask) -> None:
    """Call when all routes are there."""
    for endpoint, view in app.view_functions.items():
        if getattr(view, _ATTRIBUTE, False):
            app.view_functions[endpoint] = _compared(view)


def _compared(view: F) -> F:
    """No answer leaves that was made of what is not so any more."""

    @wraps(view)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            answer = view(*args, **kwargs)
        except Exception:
            if stamps.sure():
                raise
        else:
            if stamps.sure():
                return answer
        guards.enter_api()
        return view(*args, **kwargs)

    return call  # type: ignore[return-value]
