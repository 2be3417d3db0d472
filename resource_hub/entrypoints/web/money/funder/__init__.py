"""The funder's pages: overview, programmes and budgets, applications, payout runs, usage behind the money."""

from resource_hub.entrypoints.web.money.funder import lines, overview, programmes, runs
from resource_hub.entrypoints.web.money.funder.common import blueprint

__all__ = ["blueprint", "lines", "overview", "programmes", "runs"]
