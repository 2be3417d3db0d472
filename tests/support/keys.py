"""A page as somebody without a mouse uses it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page


def tab_to(page: Page, target: Locator, most: int = 150) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(most):
        if target.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("not reached with the keyboard")


def press(page: Page, target: Locator) -> None:
    """Go to a button or a link with Tab, and press Enter there."""
    tab_to(page, target)
    page.keyboard.press("Enter")
