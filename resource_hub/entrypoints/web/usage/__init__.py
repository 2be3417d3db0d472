"""Pages of usage: the laboratory's day, sessions, the phone at the instrument, operations, signed roots."""

from resource_hub.entrypoints.web.usage.laboratory import blueprint
from resource_hub.entrypoints.web.usage.operations import blueprint as operations
from resource_hub.entrypoints.web.usage.phone import blueprint as phone
from resource_hub.entrypoints.web.usage.proofs import blueprint as proofs
from resource_hub.entrypoints.web.usage.sessions import routes as _sessions

__all__ = ["_sessions", "blueprint", "operations", "phone", "proofs"]
