"""How a person stands with hosts: strikes with appeal, trainings with expiry. For the person and for who decides."""

from __future__ import annotations

from resource_hub.entrypoints.web.standing import mine, strikes, trainings
from resource_hub.entrypoints.web.standing.blueprints import blueprint

__all__ = ["blueprint", "mine", "strikes", "trainings"]
