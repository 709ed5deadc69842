"""How long a page takes to open in a browser: from the address to the last chart of the first screen."""

import json
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, Request

#: What a reader sees without scrolling; charts below are drawn when they come near.
SCREEN = {"width": 1440, "height": 900}

#: How Chromium starts: tests have no screen and run as root; /dev/shm is small where they run.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]

#: Seconds that a page may take at all.
PATIENCE = 90

#: The charts of the window have something drawn in them and nothing in it turns.
ALL_DRAWN = """() => {
    const seen = (one) => {
        const box = one.getBoundingClientRect();
        return box.width > 0 && box.top < innerHeight && box.bottom > 0;
    };
    const charts = [...document.querySelectorAll("[data-test='chart-grid-component']")].filter(seen);
    const done = (chart) => chart.querySelector("[data-test='slice-container'], [data-test='chart-error']");
    const turning = [...document.querySelectorAll(".loading")].some(seen);
    return charts.length > 0 && charts.every(done) && !turning;
}"""


@dataclass
class Opened:
    """One page: seconds until it stood there, what its charts and filters asked for, and what the server said."""

    slug: str
    seconds: float
    answers: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def cached(self) -> int:
        """How many answers came out of the server's cache."""
        return sum(answer["is_cached"] is True for answer in self.answers)


@contextmanager
def reader(browser: Browser, url: str, name: str, password: str, height: int = SCREEN["height"]) -> Iterator[Page]:
    """A browser window, as high as asked, in which somebody is logged in."""
    context = browser.new_context(viewport={**SCREEN, "height": height})
    page = context.new_page()
    page.goto(f"{url}/login/")
    page.fill("#username", name)
    page.fill("#password", password)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"^(?!.*/login)"), timeout=PATIENCE * 1000)
    yield page
    context.close()


def open_page(page: Page, url: str, slug: str) -> Opened:
    """Open a page and wait until its first screen is drawn."""
    came: list[Request] = []  # what ended: Superset takes back a question that another one replaces

    def keep(request: Request) -> None:
        came.append(request)

    page.goto("about:blank")
    page.on("requestfinished", keep)
    started = time.monotonic()
    page.goto(f"{url}/superset/dashboard/{slug}/", wait_until="commit")
    page.wait_for_function(ALL_DRAWN, timeout=PATIENCE * 1000, polling=50)
    opened = Opened(slug, time.monotonic() - started)
    page.remove_listener("requestfinished", keep)
    for response in [request.response() for request in came if "/api/v1/chart/data" in request.url]:
        if response and response.ok:
            opened.answers += json.loads(response.body())["result"]
            form = response.request.post_data_json["form_data"]
            opened.asked.append(str(form.get("native_filter_id") or form["slice_id"]))
    return opened


def open_pages(page: Page, url: str, slugs: list[str], times: int = 3) -> dict[str, Opened]:
    """The median opening of each page, with the browser's and the server's caches warm."""
    found = {}
    for slug in slugs:
        open_page(page, url, slug)
        openings = sorted((open_page(page, url, slug) for _ in range(times)), key=lambda one: one.seconds)
        found[slug] = openings[len(openings) // 2]
    return found


def summary(opened: dict[str, Opened]) -> dict[str, Any]:
    """For a table and for a file."""
    pages = {
        slug: {"seconds": round(one.seconds, 2), "charts": len(one.answers), "cached": one.cached}
        for slug, one in opened.items()
    }
    return {"median_seconds": round(statistics.median(one.seconds for one in opened.values()), 2), "pages": pages}
