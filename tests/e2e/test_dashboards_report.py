"""A report: the picture of a dashboard arrives at a real mail server, when it is asked for and when its time comes."""

import email
import email.policy
import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from platforms import free_port
from superset_side import Person, Platform

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]

SEND = Path(__file__).with_name("send_report.py")

#: Seconds in which a report of every minute has to arrive, on a machine that is busy.
PATIENCE = 360

#: Runs the script in Superset's environment, with the settings of the platform.
IN_SUPERSET = """
import subprocess, sys
from gtc.services.config import SUPERSET_PYTHON, environment
from gtc.settings import load_settings
sys.exit(subprocess.run([SUPERSET_PYTHON, *sys.argv[1:]], env=environment(load_settings()), check=False).returncode)
"""


class Letters:
    """A mail server's postbox."""

    def __init__(self) -> None:
        self.came: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        """Keep what came."""
        self.came.append((envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 OK"


@pytest.fixture
def mail_server() -> Iterator[tuple[Letters, int]]:
    letters, port = Letters(), free_port()
    server = Controller(letters, hostname="127.0.0.1", port=port)
    server.start()
    yield letters, port
    server.stop()


def need(*programs: str) -> None:
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"there is no {program}; on Debian: apt-get install chromium chromium-driver")


def test_a_report_of_a_dashboard_arrives_by_mail(platform: Platform, mail_server: tuple[Letters, int]) -> None:
    need("chromium", "chromedriver")
    letters, port = mail_server
    platform.run(
        [".venv/bin/python", "-c", IN_SUPERSET, str(SEND), "executive", "board@example.com"],
        SUPERSET_SMTP_HOST="127.0.0.1", SUPERSET_SMTP_PORT=str(port), SUPERSET_SMTP_FROM="reports@example.com",
    )  # fmt: skip
    [(envelope, letter)] = letters.came
    assert envelope.mail_from == "reports@example.com"
    assert envelope.rcpt_tos == ["board@example.com"]
    assert letter["Subject"].startswith("[GlobalTaxCalc] ")
    keep_picture(letter, platform, "report")


def test_a_report_that_is_due_each_minute_is_sent_by_the_services_of_up(
    platform: Platform, passwords: dict[str, tuple[str, str]], mail_server: tuple[Letters, int], redis_url: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    """A second Superset with a copy of the first one's metadata, supervised with worker and beat."""
    need("chromium", "chromedriver")
    letters, port = mail_server
    home = tmp_path / "var" / "superset"
    home.mkdir(parents=True)
    first = platform.root / "var" / "superset" / "superset.db"
    with closing(sqlite3.connect(first)) as source, closing(sqlite3.connect(home / first.name)) as copy:
        source.backup(copy)
    variables = {
        "GTC_VAR_DIR": str(tmp_path / "var"), "WAREHOUSE_EMBEDDED": "false", "SUPERSET_PORT": str(free_port()),
        "SUPERSET_SMTP_HOST": "127.0.0.1", "SUPERSET_SMTP_PORT": str(port), "SUPERSET_REDIS_URL": redis_url,
    }  # fmt: skip
    names = ["warehouse", "superset", "superset_worker", "superset_beat"]
    try:
        up = json.loads(platform.gtc("up", "--json", **variables).stdout)
        assert [(service["name"], service["state"]) for service in up] == [(name, "running") for name in names]
        assert platform.gtc("up", **variables).returncode == 0, "a second one finds everything running"
        boss = Person(f"http://127.0.0.1:{variables['SUPERSET_PORT']}", *passwords["boss"])
        made = boss.post("/api/v1/report/", {
            "type": "Report", "name": "each minute", "crontab": "* * * * *", "timezone": "UTC", "active": True,
            "dashboard": boss.dashboards()["executive"], "report_format": "PNG", "working_timeout": 300,
            "recipients": [{"type": "Email", "recipient_config_json": {"target": "board@example.com"}}],
        })  # fmt: skip
        assert made.status_code == 201, made.text
        deadline = time.monotonic() + PATIENCE
        while not letters.came:
            assert time.monotonic() < deadline, (tmp_path / "var" / "log" / "superset_worker.log").read_text()[-3000:]
            time.sleep(1)
        _, letter = letters.came[0]
        assert letter["Subject"].startswith("[GlobalTaxCalc] each minute")
        keep_picture(letter, platform, "report-by-the-clock")
    finally:
        platform.gtc("down", **variables)
    ended = platform.gtc("status", "--json", check=False, **variables)
    assert ended.returncode == 1
    assert [service["state"] for service in json.loads(ended.stdout)] == ["running", "down", "down", "down"]


def keep_picture(letter: Any, platform: Platform, name: str) -> None:
    """The picture in a letter is one of a whole page; it is kept beside the screenshots."""
    pictures = [part for part in letter.walk() if part.get_content_type() == "image/png"]
    assert pictures
    png = pictures[0].get_payload(decode=True)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    assert width >= 1000
    assert height >= 600
    (platform.root / "var" / "screenshots").mkdir(parents=True, exist_ok=True)
    (platform.root / "var" / "screenshots" / f"{name}.png").write_bytes(png)
