"""Look-ups whose answers a batch keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from resource_hub.infra.keeping import keeping, kept
from resource_hub.kernel.keys import HostKey


class Counted:
    """A look-up that counts how often it really asks."""

    def __init__(self) -> None:
        self.asked = 0

        @kept
        def look_up(*of: object, again: object = None) -> list[object]:
            self.asked += 1
            return [*of, again]

        self.look_up = look_up


def test_outside_a_batch_every_look_up_asks() -> None:
    counted = Counted()
    assert counted.look_up(1) == counted.look_up(1) == [1, None]
    assert counted.asked == 2


@dataclass(frozen=True)
class Somebody:
    name: str


@dataclass
class Changing:
    name: str


@pytest.mark.parametrize(
    "argument",
    [1, "a", None, HostKey(UUID(int=1), UUID(int=2)), {1, 2}, frozenset({1}), [1, [2]], Somebody("x")],
)
def test_in_a_batch_the_same_question_is_asked_once(argument: object) -> None:
    counted = Counted()
    with keeping():
        assert counted.look_up(argument, again=argument) == counted.look_up(argument, again=argument)
        assert counted.asked == 1
        counted.look_up(argument)
        assert counted.asked == 2
    counted.look_up(argument)
    assert counted.asked == 3


@pytest.mark.parametrize("argument", [iter([1]), {}.values(), {1: 2}, object(), Changing("x"), [object()]])
def test_what_cannot_be_told_apart_is_asked_anew(argument: object) -> None:
    counted = Counted()
    with keeping():
        counted.look_up(argument)
        counted.look_up(argument)
    assert counted.asked == 2


def test_two_look_ups_do_not_share_answers() -> None:
    one, other = Counted(), Counted()
    with keeping():
        one.look_up(1)
        other.look_up(1)
    assert (one.asked, other.asked) == (1, 1)


def test_changing_an_answer_does_not_change_the_kept_one() -> None:
    counted = Counted()
    with keeping():
        counted.look_up(1).append("mine")
        assert counted.look_up(1) == [1, None]


def test_a_refusal_is_not_kept() -> None:
    answers: Iterator[object] = iter([KeyError(), "there"])

    @kept
    def look_up(_which: int) -> object:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with keeping():
        with pytest.raises(KeyError):
            look_up(1)
        assert look_up(1) == "there"


def test_nested_batches_are_apart() -> None:
    counted = Counted()

    def ask(times: Iterable[int]) -> None:
        for _ in times:
            counted.look_up("x")

    with keeping():
        ask(range(3))
        with keeping():
            ask(range(3))
        ask(range(3))
    assert counted.asked == 2


def test_a_joining_batch_shares_with_the_one_around_it() -> None:
    counted = Counted()
    with keeping():
        counted.look_up(1)
        with keeping(joining=True):
            counted.look_up(1)
            counted.look_up(2)
        counted.look_up(2)
    assert counted.asked == 2
    with keeping(joining=True):
        counted.look_up(1)
    assert counted.asked == 3
