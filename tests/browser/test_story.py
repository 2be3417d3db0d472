"""The main job from end to end, as its people live through it, in a demonstration of its own.

Some of them read Chinese and some English, as in life, and each looks at where they came to in the other language too.
An engineer finds an instrument, sees its calendar and the price net of support, and books; uses it with a phone; the
manager confirms the day; it is billed, claimed, and put into a payout run that a second person approves; the office
finds the hours in its year. Time is moved forward as a visitor moves it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, expect

from tests.support.demonstration import START, Demonstration
from tests.support.server import ROOT
from tools import look, sights

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOST, FIRM, FUNDER, RESOURCE = "snu-su", "suxin", "jsfund", "sem2"
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
READS = {"engineer": "en", "manager": "zh", "payer": "zh", "funder": "en", "approver": "zh", "office": "en"}
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# A loaded machine makes the scheduler slow, never the story wrong.
PATIENCE = 90_000


class Story:
    """A demonstration with its people, each in a browser of their own; every answer is looked at."""

    def __init__(self, browser: Browser, demonstration: Demonstration) -> None:
        self.browser, self.at = browser, demonstration
        self.wrong: list[str] = []

    @contextmanager
    def person(self, who: str, size: dict[str, int] = DESK) -> Iterator[Page]:
        own = READS[who]
        context = self.browser.new_context(
            base_url=self.at.url, locale=LOCALES[own], timezone_id="Asia/Shanghai", viewport=size,
            accept_downloads=True,
        )  # fmt: skip
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("response", self._judge)
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        look.sign_in_by_form(page, sights.Person(who, who, f"{who}@demo.example"), self.at.password)
        look.speak(page, own)
        yield page
        reached = page.url
        for language in LOCALES:
            if language != own:
                look.speak(page, language)
                page.goto(reached)
        context.close()

    def _judge(self, response: Response) -> None:
        if response.status >= 500:
            self.wrong.append(f"{response.status} {response.url}")
        missing = response.headers.get("x-untranslated")
        if missing:
            self.wrong.append(f"{response.url}: no Chinese for {missing}")

    def forward(self, **by: float) -> None:
        """Move the demonstration's time with the command."""
        hours = timedelta(**by).total_seconds() / 3600
        command = ["demo", "advance", "--hours", f"{hours:.4f}", "--folder", str(self.at.folder)]
        done = subprocess.run(
            [sys.executable, "-c", START, *command], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def until(page: Page, path: str, shown: Locator) -> None:
    """Ask for a page until the scheduler has done what is looked for."""
    for _ in range(PATIENCE // 1500):
        page.goto(path)
        if shown.count():
            return
        page.wait_for_timeout(1500)
    raise AssertionError(f"{path} never showed it:\n{page.inner_text('main')[:3000]}")


def find_and_book(story: Story) -> tuple[str, date]:
    """The engineer: search, the instrument's week, a time dragged on, the price net of support, one page, booked."""
    with story.person("engineer") as page:
        page.goto("/search")
        page.locator("main input[name=q]").fill("scanning electron")
        page.keyboard.press("Enter")
        hit = page.locator(f"main a[href*='/hosts/{HOST}/resources/{RESOURCE}']").first
        expect(page.locator("main")).to_contain_text("¥")
        hit.click()
        page.wait_for_url(f"**/hosts/{HOST}/resources/{RESOURCE}**")
        page.locator("#week nav a[rel=next]").click()
        free = page.locator(".tt-cell.is-free[data-bookable]")
        wide = free.evaluate_all("cells => cells.findIndex(c => c.dataset.until - c.dataset.begin >= 240)")
        free = free.nth(wide)
        free.scroll_into_view_if_needed()
        box = free.bounding_box()
        assert box is not None
        minutes = int(free.get_attribute("data-until") or 0) - int(free.get_attribute("data-begin") or 0)
        a_minute = box["width"] / minutes
        y = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 32 * a_minute, y)
        page.mouse.down()
        page.mouse.move(box["x"] + 100 * a_minute, y, steps=6)
        page.mouse.move(box["x"] + 148 * a_minute, y, steps=6)
        page.mouse.up()
        # 2 h at 200, a quarter taken off at once by the province's voucher.
        expect(page.locator("#quote .sums")).to_contain_text("400.00")
        expect(page.locator("#quote .sums .sum.is-main")).to_contain_text("300.00")
        day = date.fromisoformat(page.locator("#booking-form [name=start_day]").input_value())
        page.locator(".book-go button").click()
        page.wait_for_url(f"**/o/{FIRM}/book/**")
        page.locator("[name=description]").fill("断口形貌 fracture surface")
        page.locator("#order .form-end button.is-primary").click()
        page.wait_for_url(f"**/o/{FIRM}/bookings/{HOST}/*")
        expect(page.locator(".sums .sum.is-main")).to_contain_text("300.00")
        return page.url.removeprefix(story.at.url), day


def use_it(story: Story, booking: str) -> None:
    """Time goes to the start of the booking; the phone at the instrument says start and stop."""
    with story.person("engineer", PHONE) as page:
        page.goto(booking)
        page.locator(".demo button[value=booking]").click()
        start = page.locator("form[data-tap]:has(input[name=booking_id]) button.tap")
        until(page, f"/u/{HOST}/{RESOURCE}", start)
        start.click()
        stop = page.locator("button.is-stop")
        stop.wait_for()
        story.forward(minutes=110)
        page.goto(f"/u/{HOST}/{RESOURCE}")
        stop.click()
        stop.wait_for(state="detached")


def confirm_the_day(story: Story, day: date, booking: str) -> str:
    """The manager: today's board, the day's list, confirmed; the session is sealed and says how well it is proven."""
    with story.person("manager") as page:
        page.goto(f"/o/{HOST}/today?day={day}")
        expect(page.locator(".today-lane").first).to_be_visible()
        page.goto(f"/o/{HOST}/day-close?day={day}")
        line = page.locator(".close-line").filter(has=page.locator("input[name=session]")).last
        session = line.locator(".close-what a").first.get_attribute("href") or ""
        line.locator("input[name=session]").check()
        page.locator("form.close .form-end button.is-primary").click()
        page.wait_for_load_state()
        page.goto(session)
        expect(page.locator("main")).to_contain_text("已锁定")
        return session


def billed_and_claimed(story: Story, day: date) -> None:
    """The month is over and the statement is there, line by line, as a page and as a PDF; so is the claim."""
    with story.person("payer") as page:
        page.goto(f"/o/{FIRM}/statements")
        page.locator(".demo button[value=month]").click()
        story.forward(days=9)
        of_month = page.locator(f"main tbody a:has-text('{HOST.upper()}-{day:%Y%m}-')")
        until(page, f"/o/{FIRM}/statements", of_month)
        of_month.click()
        page.wait_for_url(f"**/statements/{HOST}/*")
        expect(page.locator("main table").first).to_contain_text("300.00")
        pdf = page.request.get(
            page.locator("main header a[download], .page-head a[download]").first.get_attribute("href") or ""
        )
        assert pdf.ok and pdf.body()[:5] == b"%PDF-"
        page.goto(f"/o/{FIRM}/support")
        expect(page.locator(f"main tr:has-text('{day.isoformat()}')").first).to_be_visible()


def paid_out(story: Story, day: date) -> None:
    """The funder: computed, sampled, checked; the second person; public notice; paid."""
    with story.person("funder") as page:
        page.goto(f"/o/{FUNDER}/runs")
        page.locator("[name=since]").fill(day.isoformat())
        page.locator("[name=until]").fill((day + timedelta(days=1)).isoformat())
        page.locator("main form button.is-primary").first.click()
        page.wait_for_url(f"**/o/{FUNDER}/runs/*")
        run = page.url.removeprefix(story.at.url)
        page.locator("form[action$='/sample'] button").click()
        page.wait_for_load_state()
        while page.locator("#sample button[value=right]").count():
            left = page.locator("#sample .is-wait").count()
            page.locator("#sample article:has(.is-wait) button[value=right]").first.click()
            page.wait_for_load_state()
            if page.locator("#sample .is-wait").count() == 0 or left == 0:
                break
        assert page.locator("form[action$='/approve'] button").count() == 0, "who computed cannot approve"
    with story.person("approver") as page:
        page.goto(run)
        page.locator("form[action$='/approve'] button").click()
        page.wait_for_load_state()
        page.goto(run)
        page.locator("form[action$='/notice'] button").click()
        page.wait_for_load_state()
        story.forward(days=9)
        pay = page.locator("form[action$='/pay'] button")
        until(page, run, pay)
        with page.expect_download() as table:
            page.locator(".page-head a[href*='csv']").first.click()
        assert day.isoformat() in table.value.path().read_text("utf-8-sig")
        pay.click()
        page.wait_for_load_state()
        page.goto(f"{run}?replay=1")
        expect(page.locator(".notice.is-good").first).to_be_visible()


def in_the_year(story: Story, day: date, session: str) -> None:
    """The office: the year's figure, opened down to the session behind it."""
    with story.person("office") as page:
        page.goto(f"/o/{HOST}/year?period={day.year}")
        expect(page.locator("main svg").first).to_be_visible()
        page.locator(f"main a[href*='/o/{HOST}/year/figures/']").first.click()
        page.wait_for_url("**/year/figures/*")
        expect(page.locator(".big-figure")).to_contain_text(re.compile(r"\d+:\d\d"))
        behind = page.request.get(page.locator("main a[href*='proof.csv']").get_attribute("href") or "")
        assert session.rsplit("/", 1)[1] in behind.text()
        page.locator("main tbody a.row-link").first.click()
        page.wait_for_url("**/sessions/**")


def test_from_finding_an_instrument_to_payout_and_score(
    browser: Browser, own_demonstration: Demonstration
) -> None:
    story = Story(browser, own_demonstration)
    booking, day = find_and_book(story)
    use_it(story, booking)
    session = confirm_the_day(story, day, booking)
    billed_and_claimed(story, day)
    paid_out(story, day)
    in_the_year(story, day, session)
    assert story.wrong == []
