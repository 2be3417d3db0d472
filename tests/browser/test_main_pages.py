"""The main pages of the map as each person, in both languages, at a desk and on a phone (./dev look does all pages)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.support.demonstration import Demonstration
from tools import look, sights

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("demonstration")]

MAP = sights.read_map()


def test_every_person_of_the_map_has_main_pages() -> None:
    assert [person for person in MAP.people if not MAP.of(person, main_only=True)] == []


@pytest.mark.parametrize("person", MAP.people)
def test_main_pages(browser: Browser, shared_demonstration: Demonstration, person: str) -> None:
    views = look.visit(
        browser,
        shared_demonstration.url,
        MAP.people[person],
        MAP.of(person, main_only=True),
        password=shared_demonstration.password,
    )
    wrong = [f"{view.title} {view.path}: {finding}" for view in views for finding in view.findings]
    assert not wrong, "\n" + "\n".join(wrong)
