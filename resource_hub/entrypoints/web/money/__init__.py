"""Pages of money: tariffs, statements, billing, support, programmes, payout runs, the rulebook."""

from resource_hub.entrypoints.web.money.billing import blueprint as billing
from resource_hub.entrypoints.web.money.funder import blueprint as funder
from resource_hub.entrypoints.web.money.public import notices, support
from resource_hub.entrypoints.web.money.rulebook import blueprint as rulebook
from resource_hub.entrypoints.web.money.rulebook import rules
from resource_hub.entrypoints.web.money.subsidy import blueprint as subsidy
from resource_hub.entrypoints.web.money.tariffs import blueprint as tariffs

__all__ = ["billing", "funder", "notices", "rulebook", "rules", "subsidy", "support", "tariffs"]
