"""How long readers wait for a page: on the platform of `make demo`, in Debian's chromium, as a viewer."""

import os
import secrets
import shutil
from collections.abc import Iterator

import pytest
from page_opens import FLAGS, open_pages, reader
from playwright.sync_api import Browser, sync_playwright
from superset_side import Platform

from bi.access import read_access
from bi.tree import TREE
from gtc.services import states
from gtc.settings import PROJECT_ROOT, load_settings

pytestmark = pytest.mark.bench

#: Seconds from the address to the last chart of the first screen, with warm caches, on a quiet machine of two cores.
LONGEST = 3.0


@pytest.fixture
def platform() -> Platform:
    settings = load_settings()
    if not settings.superset_embedded or not all(service.is_healthy for service in states(settings)):
        pytest.skip("the platform does not run here; `make demo` starts it")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WAREHOUSE_", "SUPERSET_"))}
    return Platform(PROJECT_ROOT, kept, settings.superset_url)


@pytest.fixture
def viewer(platform: Platform) -> Iterator[tuple[str, str]]:
    name, password = f"bench-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    platform.make_users({name: (password, ["Viewer"])})
    yield name, password
    platform.remove_users([name])


@pytest.fixture
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if not program:
        pytest.skip("there is no chromium; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def test_pages_open_within_seconds(platform, viewer, chromium, record_figure):
    slugs = sorted(slug for slug, roles in read_access(TREE).dashboards.items() if "Viewer" in roles)
    with reader(chromium, platform.url, *viewer) as page:
        opened = open_pages(page, platform.url, slugs)
    for one in opened.values():
        record_figure(f"page {one.slug} opens", one.seconds, "s")
    record_figure("slowest page opens", max(one.seconds for one in opened.values()), "s", LONGEST)
