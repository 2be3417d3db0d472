"""A value by host: the usual one, and where it is another."""

from uuid import UUID

from resource_hub.kernel.by_host import ByHost

A, B, C = (UUID(int=n) for n in (1, 2, 3))


def test_the_commonest_value_is_the_usual_one() -> None:
    made = ByHost.of({A: 7, B: 9, C: 7}, 0)
    assert (made.usual, made.others) == (7, {B: 9})
    assert [made.at(host) for host in (A, B, C)] == [7, 9, 7]
    assert made.at(UUID(int=4)) == 7


def test_without_values_it_is_what_was_given() -> None:
    assert ByHost.of({}, 5) == ByHost(5)
