"""Pages of quotes that a host gives by hand: ask for one, what waits for a price, one inquiry for both its sides."""

from __future__ import annotations

from resource_hub.entrypoints.web.quotes import asking, lists, showing
from resource_hub.entrypoints.web.quotes.blueprints import blueprint

__all__ = ["asking", "blueprint", "lists", "showing"]
