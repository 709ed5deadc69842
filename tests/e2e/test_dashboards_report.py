"""A report: the picture of a dashboard arrives at a real mail server, as `.env` names it."""

import email
import email.policy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from platforms import free_port
from superset_side import Platform

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]

SEND = Path(__file__).with_name("send_report.py")

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


def test_a_report_of_a_dashboard_arrives_by_mail(platform: Platform, mail_server: tuple[Letters, int]) -> None:
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            pytest.skip(f"there is no {program}; on Debian: apt-get install chromium chromium-driver")
    letters, port = mail_server
    platform.run(
        [".venv/bin/python", "-c", IN_SUPERSET, str(SEND), "executive", "board@example.com"],
        SUPERSET_SMTP_HOST="127.0.0.1", SUPERSET_SMTP_PORT=str(port), SUPERSET_SMTP_FROM="reports@example.com",
    )  # fmt: skip
    [(envelope, letter)] = letters.came
    assert envelope.mail_from == "reports@example.com"
    assert envelope.rcpt_tos == ["board@example.com"]
    assert letter["Subject"].startswith("[GlobalTaxCalc] ")
    pictures = [part for part in letter.walk() if part.get_content_type() == "image/png"]
    assert pictures
    png = pictures[0].get_payload(decode=True)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    assert width >= 1000
    assert height >= 600
    (platform.root / "var" / "screenshots").mkdir(parents=True, exist_ok=True)
    (platform.root / "var" / "screenshots" / "report.png").write_bytes(png)
