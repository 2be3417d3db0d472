"""The office's year: figures against the schemes, what is missing, watch-lists, and every figure explained."""

from resource_hub.entrypoints.web.assessment import explaining, instruments, overview, scores
from resource_hub.entrypoints.web.assessment.common import asked_period, blueprint, period_tabs

__all__ = ["asked_period", "blueprint", "explaining", "instruments", "overview", "period_tabs", "scores"]
