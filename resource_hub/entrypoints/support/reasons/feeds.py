"""Sentences of calendar feeds."""

from __future__ import annotations

from resource_hub.entrypoints.support.text import N_

SENTENCES = {
    "accounts.too_many_feeds": N_("You already have %(max)s calendar addresses."),
}
REMEDIES = {
    "accounts.too_many_feeds": N_("Revoke one that you no longer use."),
}
