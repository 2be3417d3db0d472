"""Answers kept during a batch that has the database to itself: while nothing of their kind changes, ask once.

Outside a batch every look-up asks anew. What the batch itself changes must not be looked up through it. An answer that
is about stamped subjects alone also outlives the batch (``resource_hub/infra/stamps.py``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import is_dataclass
from datetime import date
from enum import Enum
from typing import Any, ParamSpec, TypeVar, cast, overload
from uuid import UUID

from resource_hub.infra import stamps
from resource_hub.kernel.keys import HostKey

P = ParamSpec("P")
R = TypeVar("R")
K = TypeVar("K", bound=Hashable)

_kept: ContextVar[dict[Any, Any] | None] = ContextVar("kept_answers", default=None)
_PLAIN = (str, int, bytes, UUID, date, Enum, type(None))


@contextmanager
def keeping(*, joining: bool = False) -> Iterator[None]:
    """Keep the answers of look-ups until the end of the block; ``joining``, together with those of the block around."""
    around = _kept.get() if joining else None
    token = _kept.set({} if around is None else around)
    try:
        yield
    finally:
        _kept.reset(token)


@overload
def kept(look_up: Callable[P, R]) -> Callable[P, R]: ...


@overload
def kept(*, about: Callable[..., Iterable[UUID]]) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def kept(look_up: Callable[P, R] | None = None, *, about: Callable[..., Iterable[UUID]] | None = None) -> Any:
    """A look-up whose answer a batch keeps, by its arguments; a refusal is never kept.

    ``about``: the stamped subjects of which alone the answer is made, by the arguments. Such an answer is found again
    under the same stamps, in this batch or in any later one; it must not depend on the time of day.
    """

    def decorate(look_up: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(look_up)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            answers = _kept.get()
            lasting = stamps.current() if about is not None else None
            if answers is None and lasting is None:
                return look_up(*args, **kwargs)
            try:
                key = _key(look_up, args, kwargs)
            except TypeError:
                return look_up(*args, **kwargs)
            if answers is not None and (found := answers.get(key, answers)) is not answers:
                return _own_copy(found)
            if about is not None and lasting is not None:
                answer = _from_memory(lasting, key, about(*args, **kwargs), lambda: look_up(*args, **kwargs))
            else:
                answer = look_up(*args, **kwargs)
            if answers is not None:
                answers[key] = answer
            return _own_copy(answer)

        return call

    return decorate if look_up is None else decorate(look_up)


def remembered(*, about: Callable[..., Iterable[UUID]]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A look-up that is answered from memory under the same stamps, and is no matter of batches: what a batch changes
    may be looked up through it."""

    def decorate(look_up: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(look_up)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            lasting = stamps.current()
            if lasting is None:
                return look_up(*args, **kwargs)
            key = _key(look_up, args, kwargs)
            return _own_copy(
                _from_memory(lasting, key, about(*args, **kwargs), lambda: look_up(*args, **kwargs))
            )

        return call

    return decorate


def each_remembered(
    what: tuple[Any, ...],
    keys: Sequence[K],
    about: Callable[[K], Iterable[UUID]],
    look_up: Callable[[Sequence[K]], Mapping[K, R]],
) -> dict[K, R]:
    """The same for many keys at once: those that memory does not know are looked up together.

    ``what`` names the question apart from its key.
    """
    lasting = stamps.current()
    if lasting is None:
        return dict(look_up(keys))
    if len(keys) > 1:  # the stamps of all in one statement
        lasting.of({one for key in keys for one in about(key)})
    memory = lasting.memory
    found: dict[K, R] = {}
    missing: dict[K, stamps.Stamp] = {}
    for key in keys:
        stamp = lasting.of(about(key))
        known = memory.get((what, _frozen(key)), stamp)
        if known is None:
            missing[key] = stamp
        else:
            found[key] = known[0]
    if missing:
        for key, answer in look_up(list(missing)).items():
            memory.put((what, _frozen(key)), missing[key], answer)
            found[key] = answer
    return found


def _from_memory(lasting: stamps.Stamps, key: Any, about: Iterable[UUID], look_up: Callable[[], R]) -> R:
    """The answer made under the stamps of what it is about, or a new one."""
    memory, stamp = lasting.memory, lasting.of(about)
    found = memory.get(key, stamp)
    if found is not None:
        kept: R = found[0]
        return kept
    answer = look_up()
    memory.put(key, stamp, answer)
    return answer


def _key(look_up: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
    """A question by its arguments.

    Raises:
        TypeError: one of them cannot be part of a key.
    """
    if not kwargs:
        return look_up, _frozen(args)
    return look_up, _frozen(args), tuple((name, _frozen(value)) for name, value in sorted(kwargs.items()))


def _frozen(value: Any) -> Any:
    """A value to look an answer up by.

    Raises:
        TypeError: it cannot be one; what is read only once, above all.
    """
    if type(value) is UUID:
        return value.int  # which hashes and compares ten times as fast
    if type(value) is HostKey:
        return value.institution_id.int, value.id.int
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
