"""Pages of people: signing in, registering, one's own account, inbox, team, the platform's organisations."""

from __future__ import annotations

from resource_hub.entrypoints.web.accounts import joining, own, signing_in  # noqa: F401 - they add routes
from resource_hub.entrypoints.web.accounts.blueprint import blueprint
from resource_hub.entrypoints.web.accounts.inbox import blueprint as inbox_blueprint
from resource_hub.entrypoints.web.accounts.organisations import blueprint as organisations_blueprint
from resource_hub.entrypoints.web.accounts.team import blueprint as team_blueprint

__all__ = ["blueprint", "inbox_blueprint", "organisations_blueprint", "team_blueprint"]
