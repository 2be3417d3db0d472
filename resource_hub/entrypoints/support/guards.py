"""Who may enter. Every route says it; what says nothing is refused when the application starts.

::

    @blueprint.get("/o/<organisation>/today")
    @allows(Role.MANAGER, Role.DEPUTY, Role.OPERATOR)
    def today(organisation): ...

``PUBLIC`` everybody, ``SIGNED_IN`` every signed-in person, ``MEMBER`` every role of the organisation in the address,
otherwise the roles named. Under ``/o/<organisation>/…`` the guard puts the actor into ``g.actor``: 404 where the person
has no role there, 403 where the role is not enough. Under ``/api/`` the bearer token names person and organisation.
The decorator only declares; one hook before each request decides, so the order of decorators does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, Response, current_app, g, redirect, request, url_for
from flask_login import LoginManager, UserMixin, current_user
from werkzeug.exceptions import HTTPException, Unauthorized
from werkzeug.wrappers import Response as AnyResponse

from resource_hub.infra import stamps
from resource_hub.kernel.errors import DomainError, Forbidden, NotFound

PUBLIC = "public"
SIGNED_IN = "signed_in"
MEMBER = "member"

_ATTRIBUTE = "__allows__"
F = TypeVar("F", bound=Callable[..., Any])

# Views of extensions, which cannot carry our decorator.
DECLARED: dict[str, frozenset[str]] = {
    "static": frozenset({PUBLIC}),
    "api-docs.openapi_json": frozenset({PUBLIC}),
}


class UndeclaredRoute(RuntimeError):
    """A route that does not say who may enter."""


class WrongDeclaration(RuntimeError):
    """A declaration that cannot be kept."""


def allows(*who: Any) -> Callable[[F], F]:
    """Declare who may enter a view, a view class or a method of one."""
    if not who:
        raise WrongDeclaration("allows() needs PUBLIC, SIGNED_IN, MEMBER or roles")
    names = frozenset(str(getattr(one, "value", one)) for one in who)
    if len(names) > 1 and names & {PUBLIC, SIGNED_IN, MEMBER}:
        raise WrongDeclaration("PUBLIC, SIGNED_IN and MEMBER stand alone")

    def declare(view: F) -> F:
        setattr(view, _ATTRIBUTE, names)
        return view

    return declare


def declared(app: Flask, endpoint: str, method: str) -> frozenset[str] | None:
    """Who may enter, or None where nothing was said."""
    if endpoint in DECLARED:
        return DECLARED[endpoint]
    view = app.view_functions.get(endpoint)
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        wanted = "get" if method == "HEAD" and not hasattr(view_class, "head") else method.lower()
        if method == "OPTIONS":
            wanted = next(
                (m for m in ("get", "post", "put", "patch", "delete") if hasattr(view_class, m)), "get"
            )
        found = getattr(getattr(view_class, wanted, None), _ATTRIBUTE, None)
        return found if found is not None else getattr(view_class, _ATTRIBUTE, None)
    return getattr(view, _ATTRIBUTE, None)


def undeclared(app: Flask) -> list[str]:
    """Routes without a declaration, and such whose roles cannot be known for lack of an organisation."""
    problems = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            who = declared(app, rule.endpoint, method)
            if who is None:
                problems.append(f"{method} {rule.rule} ({rule.endpoint}) does not say who may enter")
            elif (
                who not in (frozenset({PUBLIC}), frozenset({SIGNED_IN}))
                and "organisation" not in rule.arguments
                and not is_api(rule.rule)
            ):
                problems.append(
                    f"{method} {rule.rule} ({rule.endpoint}) asks for roles but names no organisation"
                )
    return sorted(problems)


def refuse_undeclared(app: Flask) -> None:
    """Call when all routes are there; an application with an open door does not start."""
    problems = undeclared(app)
    if problems:
        raise UndeclaredRoute("; ".join(problems))


def is_api(path: str) -> bool:
    return path.startswith("/api/")


class SignedIn(UserMixin):
    """The person of a browser session, as flask-login wants it. ``get_id`` is what stands in the cookie."""

    def __init__(self, person: Any, session_key: str) -> None:
        self.person = person
        self._session_key = session_key

    def get_id(self) -> str:
        return self._session_key


login_manager = LoginManager()
login_manager.session_protection = "basic"


@login_manager.user_loader
def _load(session_key: str) -> SignedIn | None:
    from resource_hub.domain.accounts import service

    try:
        person = service.signed_in_person(session_key)
    except (DomainError, ValueError):
        return None
    return SignedIn(person, session_key) if person is not None else None


@login_manager.unauthorized_handler
def _ask_to_sign_in() -> AnyResponse:
    """To the sign-in page, and back afterwards. Only addresses of our own are remembered."""
    endpoint = current_app.config.get("SIGN_IN_ENDPOINT", "accounts.sign_in")
    if endpoint not in current_app.view_functions:
        raise Unauthorized()
    if request.method == "GET":
        back = request.full_path.rstrip("?")
    else:  # what was typed is lost, so at least the page with the form comes back
        back = urlsplit(request.referrer or "").path
    return redirect(url_for(endpoint, next=back or None))


def safe_next(target: str | None) -> str | None:
    """``target`` when it is a path of this site, else None: no redirect to foreign addresses."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc or any(ord(c) < 32 for c in target) else target


def _guard() -> Response | AnyResponse | None:
    g.setdefault("actor", None)
    if request.endpoint is None:  # no such page; the 404 or 405 is raised when the request is dispatched
        return None
    who = _declared()
    if is_api(request.path):
        try:
            _guard_api(who)
        except (HTTPException, DomainError):
            if stamps.sure():
                raise
            _guard_api(who)
        return None
    if who == {PUBLIC}:
        return None
    if not current_user.is_authenticated:
        return login_manager.unauthorized()
    _load_actor(who)
    return None


def _declared() -> frozenset[str]:
    endpoint = request.endpoint or ""
    who = declared(current_app._get_current_object(), endpoint, request.method)  # type: ignore[attr-defined]
    if who is None:
        raise UndeclaredRoute(f"{endpoint} does not say who may enter")
    return who


def enter_api() -> None:
    """Look again whether the request at hand may enter, because something was not as it was believed."""
    _guard_api(_declared())


def _load_actor(who: frozenset[str]) -> None:
    code = (request.view_args or {}).get("organisation")
    if code is None:
        return
    from resource_hub.domain.accounts import service

    g.actor = service.actor(current_user.person.id, code)  # raises NotFound without a role there
    _ask_role(who)


def _ask_role(who: Iterable[str]) -> None:
    names = frozenset(who)
    if names & {PUBLIC, SIGNED_IN, MEMBER}:
        return
    if g.actor is None:
        raise NotFound()
    if not names & {str(getattr(role, "value", role)) for role in g.actor.roles}:
        raise Forbidden()


def _guard_api(who: frozenset[str]) -> None:
    from resource_hub.domain.accounts import service

    g.actor = None
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        actor = service.actor_for_token(token.strip())
        if actor is not None:
            g.actor = actor
        elif who != {PUBLIC}:
            raise Unauthorized(www_authenticate=None)
    if who == {PUBLIC}:
        return
    if g.actor is None:
        raise Unauthorized()
    _ask_role(who)


def person() -> Any | None:
    """The signed-in person's record, or None."""
    if not hasattr(current_app, "login_manager"):  # jobs and commands: nobody signs in there
        return None
    return current_user.person if current_user and current_user.is_authenticated else None


def person_id() -> UUID | None:
    """Who acts: the person of the token on the API, of the browser session elsewhere."""
    if g.get("actor") is not None:
        return g.actor.person_id
    found = person()
    return found.id if found is not None else None


def install(app: Flask) -> None:
    login_manager.init_app(app)
    app.before_request(_guard)
