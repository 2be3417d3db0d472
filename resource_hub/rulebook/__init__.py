"""Rulebook: law-like numbers as dated, cited data. Kernel only; no database, no clock, no Flask.

One file ``data/<jurisdiction>/<scheme>.toml`` is a *scheme*; it holds *versions* with the days on which they are in
force, and every number in them is a *parameter* with its unit, its article and the confidence mark of its source.
A rule asks ``scheme(code).on(day)`` for `Parameters` and reads from it; whatever it read is in ``.used`` as
citations. A parameter that is not there is an error that names place, scheme and version (law 4), never zero.
"""

from resource_hub.rulebook.loader import Rulebook, load, rulebook, scheme, schemes
from resource_hub.rulebook.terms import (
    BrokenScheme,
    MissingParameter,
    NotInForce,
    Parameter,
    Parameters,
    Scheme,
    Source,
    UnknownScheme,
    Version,
)

__all__ = [
    "BrokenScheme",
    "MissingParameter",
    "NotInForce",
    "Parameter",
    "Parameters",
    "Rulebook",
    "Scheme",
    "Source",
    "UnknownScheme",
    "Version",
    "load",
    "rulebook",
    "scheme",
    "schemes",
]
