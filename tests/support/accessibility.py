"""axe-core in a page, for browser tests and for ./dev look."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tools import look


def assert_accessible(page: Page, *, without: tuple[str, ...] = ()) -> None:
    """Fail when axe finds something serious or critical on the page as it now stands.

    `without` names rules to leave out; say why where you use it.
    """
    findings = [finding for finding in look.axe(page) if finding["id"] not in without]
    assert not findings, "\n".join(describe(finding) for finding in findings)


def describe(finding: dict[str, Any]) -> str:
    """One finding as a line a person can act upon."""
    return look.describe_finding(finding)
