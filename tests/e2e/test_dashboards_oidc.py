"""Log in with OpenID Connect: a second Superset over the demo's metadata, and a provider that says who comes."""

import json
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from platforms import free_port
from superset_side import Platform

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]

PROVIDER = Path(__file__).with_name("oidc_provider.py")

#: Seconds until a process answers, on a machine that is busy.
PATIENCE = 120

#: Replaces itself by a program of Superset's environment, with the settings of the platform.
IN_SUPERSET = """
import os, sys
from gtc.services.config import SUPERSET_PYTHON, environment
from gtc.settings import load_settings
os.execve(SUPERSET_PYTHON, [str(SUPERSET_PYTHON), *sys.argv[1:]], environment(load_settings()))
"""


@contextmanager
def running(platform: Platform, url: str, *arguments: str, **variables: str) -> Iterator[str]:
    """A program of Superset's environment, once it answers at the URL."""
    process = subprocess.Popen(
        [".venv/bin/python", "-c", IN_SUPERSET, *arguments], cwd=platform.root,
        env={**platform.environment, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(url):
            assert process.poll() is None, f"{arguments[0]} ended with status {process.returncode}"
            assert time.monotonic() < deadline, f"{arguments[0]} does not answer"
            time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


@contextmanager
def provider(platform: Platform, **claims: Any) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/.well-known/openid-configuration"
    with running(platform, url, str(PROVIDER), str(port), json.dumps(claims)):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def superset(platform: Platform, issuer: str) -> Iterator[str]:
    port = free_port()
    gunicorn = ["-m", "gunicorn", "--threads", "4", "--bind", f"127.0.0.1:{port}", "superset.app:create_app()"]
    with running(
        platform, f"http://127.0.0.1:{port}/health", *gunicorn,
        SUPERSET_OIDC_ISSUER=issuer, SUPERSET_OIDC_CLIENT_ID="superset", SUPERSET_OIDC_CLIENT_SECRET="not-checked",
        SUPERSET_OIDC_ROLES="staff=Viewer",
    ):  # fmt: skip
        yield f"http://127.0.0.1:{port}"


def who_came(platform: Platform, name: str, groups: list[str]) -> tuple[requests.Response, requests.Response]:
    """What Superset says of somebody back from the provider, and which dashboards it shows."""
    claims = {"sub": name, "preferred_username": name, "email": f"{name}@example.com", "given_name": "Olga",
              "family_name": "Test", "groups": groups}  # fmt: skip
    with provider(platform, **claims) as issuer, superset(platform, issuer) as url:
        session = requests.Session()
        assert session.get(f"{url}/login/oidc?next=", timeout=60).status_code == 200
        paths = ("/api/v1/me/", "/api/v1/dashboard/?q=(page_size:100)")
        me, shown = (session.get(f"{url}{path}", timeout=60, allow_redirects=False) for path in paths)
    return me, shown


def test_a_group_of_the_provider_is_a_role(platform: Platform) -> None:
    name = f"olga-{secrets.token_hex(4)}"
    me, shown = who_came(platform, name, ["staff", "others"])
    assert (me.json()["result"]["username"], me.json()["result"]["first_name"]) == (name, "Olga")
    assert {row["slug"] for row in shown.json()["result"]} >= {"executive", "users"}


def test_somebody_in_no_known_group_gets_nothing(platform: Platform) -> None:
    me, shown = who_came(platform, f"olga-{secrets.token_hex(4)}", ["others"])
    assert (me.status_code, shown.status_code) == (403, 403)
