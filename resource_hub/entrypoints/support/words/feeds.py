"""Words of calendar feeds."""

from __future__ import annotations

from resource_hub.entrypoints.support.text import N_

WORDS = {
    "accounts.feed_kind.resource": N_("only when it is taken"),
    "accounts.feed_kind.unit": N_("only when it is taken"),
    "accounts.feed_kind.person": N_("a person’s calendar"),
    "accounts.feed_kind.customer": N_("a customer’s calendar"),
    "accounts.feed_kind.laboratory": N_("a laboratory’s calendar"),
}
