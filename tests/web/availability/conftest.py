"""The API of a host with one instrument, as its parties and a stranger see it."""

from tests.support.door import make_world, other_host, world

__all__ = ["make_world", "other_host", "world"]
