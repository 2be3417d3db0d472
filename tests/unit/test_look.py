"""How ./dev look reads its map."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.look import find_link
from tools.sights import Sight, read_map


def test_a_star_stands_for_one_part_of_a_path() -> None:
    links = [
        "/o/suxin/bookings",
        "/hosts/a/bookings/7/edit",
        "/hosts/a/bookings/6?tab=1",
        "/hosts/a/bookings/7",
    ]
    assert find_link("/hosts/*/bookings/*", links) == "/hosts/a/bookings/7"
    assert find_link("/hosts/*/bookings/*", links[:3]) == "/hosts/a/bookings/6?tab=1"
    assert find_link("/hosts/*/samples/*", links) is None


def test_pages_are_given_to_each_of_their_people(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        '[people.engineer]\nsign_in = "engineer@demo.example"\n'
        '[[page]]\npath = "/"\nname = "landing"\nmain = true\n'
        '[[page]]\nperson = ["engineer", "visitor"]\npath = "/search"\nname = "search"\n'
    )
    the_map = read_map(path)
    assert the_map.of("engineer") == [Sight("engineer", "/search", "search")]
    assert [sight.name for sight in the_map.of("visitor")] == ["landing", "search"]
    assert [sight.name for sight in the_map.of("visitor", main_only=True)] == ["landing"]


def test_a_page_for_nobody_known_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('[[page]]\nperson = "stranger"\npath = "/"\nname = "landing"\n')
    with pytest.raises(ValueError, match="stranger"):
        read_map(path)
