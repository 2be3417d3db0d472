"""Rules of pricing: reading a tariff, the one price function, sentences and differences of tariffs."""

from resource_hub.domain.pricing.rules.document import read_tariff, tariff_digest
from resource_hub.domain.pricing.rules.price import charged_spans, counted_seconds, price

__all__ = ["charged_spans", "counted_seconds", "price", "read_tariff", "tariff_digest"]
