"""Rules of support: what a programme grants, how a run is drawn, checked and paid."""

from resource_hub.domain.subsidy.rules.programme import (
    barred_until,
    decide,
    eligibility,
    own_share,
    through_tiers,
)

__all__ = ["barred_until", "decide", "eligibility", "own_share", "through_tiers"]
