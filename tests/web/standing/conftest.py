"""The same microscope and manager as the pages of availability."""

from tests.web.availability.conftest import in_context, manager, now, scene

__all__ = ["in_context", "manager", "now", "scene"]
