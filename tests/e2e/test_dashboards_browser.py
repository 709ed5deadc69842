"""Every dashboard in a real browser, as a viewer: all charts are drawn, none complains, a filter changes the numbers.

Screenshots go to var/screenshots. Debian's `chromium` is used; where CI is set, it has to be there.
"""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_opens import FLAGS, open_page, open_pages, reader, summary
from playwright.sync_api import Browser, Page, sync_playwright
from superset_side import Platform

from bi.access import read_access
from bi.tree import TREE, read_tree
from gtc.settings import PROJECT_ROOT

SCREENSHOTS = PROJECT_ROOT / "var" / "screenshots"

#: Seconds until every chart of a page has to be drawn, on a machine that is busy with other tests.
PATIENCE = 90

#: Pages that a viewer may open.
SLUGS = sorted(slug for slug, roles in read_access(TREE).dashboards.items() if "Viewer" in roles)

CHARTS = "[data-test='chart-grid-component']"
DRAWN = f"{CHARTS} [data-test='slice-container']"
COMPLAINTS = f"{CHARTS} .ant-alert-error, {CHARTS} [data-test='chart-error'], {CHARTS} .ant-empty"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if not program:
        assert not os.environ.get("CI"), "Chromium has to be there: apt-get install chromium"
        pytest.skip("there is no chromium; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(chromium: Browser, platform: Platform, passwords: dict[str, tuple[str, str]]) -> Iterator[Page]:
    """A browser in which the viewer is logged in, high enough for a whole tab: lower charts are drawn when seen."""
    with reader(chromium, platform.url, *passwords["vic"], height=3200) as opened:
        yield opened


def open_dashboard(page: Page, platform: Platform, slug: str) -> None:
    page.goto(f"{platform.url}/superset/dashboard/{slug}/", wait_until="domcontentloaded")
    page.wait_for_selector(CHARTS, timeout=PATIENCE * 1000)
    wait_until_drawn(page)


def wait_until_drawn(page: Page) -> None:
    """Every chart that is seen has been drawn and nothing turns; a chart that complains fails at once."""
    deadline = time.monotonic() + PATIENCE
    while True:
        page.wait_for_timeout(300)
        complaints = page.locator(f"{COMPLAINTS}").locator("visible=true").all_inner_texts()
        assert not complaints, complaints
        charts, drawn = (page.locator(what).locator("visible=true").count() for what in (CHARTS, DRAWN))
        turning = page.locator(".loading").locator("visible=true").count()
        if charts and charts == drawn and not turning:
            return
        assert time.monotonic() < deadline, f"{drawn} of {charts} charts are drawn, {turning} still load"


def photograph(page: Page, name: str) -> Path:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(1000)  # the animation of a chart that was just drawn
    path = SCREENSHOTS / f"{name}.png"
    boxes = (chart.bounding_box() for chart in page.locator(CHARTS).locator("visible=true").all())
    height = max(box["y"] + box["height"] for box in boxes if box) + 40
    page.screenshot(path=path, clip={"x": 0, "y": 0, "width": 1440, "height": min(height, 3200)})
    return path


@pytest.mark.parametrize("slug", SLUGS)
def test_a_viewer_opens_the_dashboard_and_every_chart_is_drawn(page: Page, platform: Platform, slug: str) -> None:
    open_dashboard(page, platform, slug)
    seen = page.locator(CHARTS).locator("visible=true").count()
    photograph(page, slug)
    tabs = page.locator(".ant-tabs-tab")
    for number in range(1, tabs.count()):
        tabs.nth(number).click()
        wait_until_drawn(page)
        seen += page.locator(CHARTS).locator("visible=true").count()
        photograph(page, f"{slug}-{number + 1}")
    expected = [key for key in read_tree(TREE).chart if key.startswith(f"{slug}/")]
    assert seen == len(expected)


def test_a_changed_filter_changes_the_numbers(page: Page, platform: Platform) -> None:
    open_dashboard(page, platform, "revenue")
    before = big_numbers(page)
    assert before
    field = page.locator("[data-test='NATIVE_FILTER-country']")
    field.click()
    page.keyboard.type("Germany")
    page.locator(".ant-select-item-option[title='Germany']").locator("visible=true").first.click()
    page.keyboard.press("Escape")
    page.locator("[data-test='filter-bar__apply-button']").click()
    wait_until_drawn(page)
    photograph(page, "revenue-germany")
    after = big_numbers(page)
    assert len(after) == len(before)
    assert all(new != old for new, old in zip(after, before, strict=True)), (before, after)


def test_the_first_reader_after_a_deploy_finds_the_first_screen_cached(
    chromium: Browser, platform: Platform, passwords: dict[str, tuple[str, str]]
) -> None:
    shutil.rmtree(platform.root / "var" / "superset" / "cache" / "data_", ignore_errors=True)
    platform.gtc("dashboards", "deploy")
    with reader(chromium, platform.url, *passwords["vic"]) as page:
        for slug in SLUGS:
            opened = open_page(page, platform.url, slug)
            assert opened.answers, slug
            assert opened.cached == len(opened.answers), f"{slug}: {opened.cached} of {len(opened.answers)} cached"
            twice = [one for one, times in Counter(opened.asked).items() if times > 1]
            assert twice == [], f"{slug} asks more than once for {twice}"


def test_pages_open_quickly(
    chromium: Browser, platform: Platform, passwords: dict[str, tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The bound is for a machine that does other things too; `make bench` has the strict one."""
    with reader(chromium, platform.url, *passwords["vic"]) as page:
        found = summary(open_pages(page, platform.url, SLUGS, times=1))
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    (SCREENSHOTS / "opens.json").write_text(json.dumps(found, indent=2))
    with capsys.disabled():
        print("\npage opens, second load:", *(f"{slug} {one['seconds']} s" for slug, one in found["pages"].items()))
    assert found["median_seconds"] < 10


def big_numbers(page: Page) -> list[str]:
    """The big numbers that are seen, as they are written."""
    return [text.strip() for text in page.locator(".header-line").locator("visible=true").all_inner_texts()]


def test_a_stranger_sees_the_log_in_page_only(chromium: Browser, platform: Platform) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{platform.url}/superset/dashboard/{SLUGS[0]}/", wait_until="domcontentloaded")
    page.wait_for_selector("#username", timeout=PATIENCE * 1000)
    assert page.locator(CHARTS).count() == 0
    context.close()
