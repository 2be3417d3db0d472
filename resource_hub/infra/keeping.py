"""Answers kept during a batch that has the database to itself: while nothing of their kind changes, ask once.

Outside a batch every look-up asks anew. What the batch itself changes must not be looked up through it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import is_dataclass
from datetime import date
from enum import Enum
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

P = ParamSpec("P")
R = TypeVar("R")

_kept: ContextVar[dict[Any, Any] | None] = ContextVar("kept_answers", default=None)
_PLAIN = (str, int, UUID, date, Enum, type(None))


@contextmanager
def keeping(*, joining: bool = False) -> Iterator[None]:
    """Keep the answers of look-ups until the end of the block; ``joining``, together with those of the block around."""
    around = _kept.get() if joining else None
    token = _kept.set({} if around is None else around)
    try:
        yield
    finally:
        _kept.reset(token)


def kept(look_up: Callable[P, R]) -> Callable[P, R]:
    """A look-up whose answer a batch keeps, by its arguments; a refusal is never kept."""

    @functools.wraps(look_up)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        answers = _kept.get()
        if answers is None:
            return look_up(*args, **kwargs)
        try:
            key = (look_up, _frozen(args), tuple((name, _frozen(value)) for name, value in sorted(kwargs.items())))
        except TypeError:
            return look_up(*args, **kwargs)
        if key not in answers:
            answers[key] = look_up(*args, **kwargs)
        return _own_copy(answers[key])

    return call


def _frozen(value: Any) -> Any:
    """A value to look an answer up by.

    Raises:
        TypeError: it cannot be one; what is read only once, above all.
    """
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(map(_frozen, value))
    if isinstance(value, (set, frozenset)):
        return frozenset(map(_frozen, value))
    if is_dataclass(value):
        hash(value)
        return value
    raise TypeError(f"{type(value).__name__} is no key")


def _own_copy(answer: R) -> R:
    return cast(R, answer.copy()) if isinstance(answer, (list, dict, set)) else answer
