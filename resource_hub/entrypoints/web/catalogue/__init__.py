"""Pages of the catalogue: search, resource, host, managing listings, the office's approvals, import."""

from resource_hub.entrypoints.web.catalogue.approvals import blueprint as approvals
from resource_hub.entrypoints.web.catalogue.imports import blueprint as imports
from resource_hub.entrypoints.web.catalogue.manage import blueprint as manage
from resource_hub.entrypoints.web.catalogue.public import hosts, search

__all__ = ["approvals", "hosts", "imports", "manage", "search"]
