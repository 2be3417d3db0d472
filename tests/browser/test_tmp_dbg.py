import pytest
from tests.browser.test_unit_page import scene
pytestmark = pytest.mark.browser
def test_dbg(app, page, scene):
    page.on("console", lambda m: print("CONSOLE", m.text))
    page.on("pageerror", lambda m: print("ERR", m))
    page.on("response", lambda r: print("RESP", r.status, r.request.method, r.url))
    page.goto("/u/ustc/sem-1-a")
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="上机", exact=True).click()
    page.wait_for_timeout(3000)
    print(page.inner_text("#unit"))
    page.screenshot(path="/tmp/usage_scratch/dbg.png")
