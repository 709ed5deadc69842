"""Superset as somebody with a name and a password meets it: over HTTP, with nothing of ours in between."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

#: Made in the platform's own environment: a user, with the roles named.
MAKE_USERS = """
import json, sys
from bi.servers import InApp, ask, rows
from gtc.settings import load_settings
people = json.load(sys.stdin)
with InApp(load_settings()) as server:
    roles = {row["name"]: row["id"] for row in rows(server, "security/roles")}
    known = {row["username"] for row in rows(server, "security/users")}
    for name, (password, names) in people.items():
        assert name not in known, name
        ask(server, "POST", "/api/v1/security/users/", {
            "username": name, "first_name": name, "last_name": "Test", "email": f"{name}@example.com", "active": True,
            "password": password, "roles": [roles[role] for role in names],
        })
"""

REMOVE_USERS = """
import json, sys
from bi.servers import InApp, ask, rows
from gtc.settings import load_settings
names = json.load(sys.stdin)
with InApp(load_settings()) as server:
    for row in rows(server, "security/users"):
        if row["username"] in names:
            ask(server, "DELETE", f"/api/v1/security/users/{row['id']}")
"""


@dataclass
class Platform:
    """A platform that runs from a folder, and the environment in which its commands are run."""

    root: Path
    environment: dict[str, str]
    url: str

    def gtc(self, *arguments: str, check: bool = True, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run `gtc …` there; with `check` it has to end well."""
        return self.run([".venv/bin/gtc", *arguments], check=check, **variables)

    def run(
        self, command: list[str], *, check: bool = True, given: str | None = None, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        ended = subprocess.run(
            command, cwd=self.root, env={**self.environment, **variables}, input=given,
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        assert not check or ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
        return ended

    def make_users(self, people: dict[str, tuple[str, list[str]]]) -> None:
        """Users by name, with password and roles."""
        self.run([".venv/bin/python", "-c", MAKE_USERS], given=json.dumps(people))

    def remove_users(self, names: list[str]) -> None:
        """Out with users of a test."""
        self.run([".venv/bin/python", "-c", REMOVE_USERS], given=json.dumps(names))


class FromAddress(HTTPAdapter):
    """Sends from another address of this machine: limits count by address, so that other tests need not wait."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> Any:
        return super().init_poolmanager(*arguments, **options, source_address=(self._address, 0))


@dataclass
class Person:
    """Somebody at the REST API; without a name a stranger."""

    url: str
    name: str = ""
    password: str = ""
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers.update({"Accept": "application/json", "Referer": self.url})
        if self.name:
            self.log_in_by_form()

    def log_in_by_form(self) -> None:
        """The log-in page, as a browser sends it; its token is good for what the session then asks."""
        answer = self.send_form(self.password)
        assert answer.status_code == 302, answer.text
        assert "/login" not in answer.headers["Location"], "wrong password"

    def send_form(self, password: str) -> requests.Response:
        """What the log-in page answers."""
        page = self.get("/login/", headers={"Accept": "text/html"}).text
        found = re.search(r"csrf_token[^>]*value=.([^\"'&>]+)|csrf_token&#34;: ?&#34;([^&]+)&#34;", page)
        assert found, page[:2000]
        token = found[1] or found[2]
        given = {"username": self.name, "password": password, "csrf_token": token}
        self.session.headers["X-CSRFToken"] = token
        return self.session.post(f"{self.url}/login/", data=given, timeout=60, allow_redirects=False)

    def log_in(self, password: str | None = None) -> requests.Response:
        """What the log-in of the API answers."""
        given = {"username": self.name, "password": password or self.password, "provider": "db", "refresh": False}
        return self.session.post(f"{self.url}/api/v1/security/login", json=given, timeout=60)

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET, without following Superset to its log-in page."""
        return self.session.get(f"{self.url}{path}", timeout=120, allow_redirects=False, **options)

    def post(self, path: str, body: Any) -> requests.Response:
        """POST of a JSON document."""
        return self.session.post(f"{self.url}{path}", json=body, timeout=120, allow_redirects=False)

    def put(self, path: str, body: Any) -> requests.Response:
        """PUT of a JSON document."""
        return self.session.put(f"{self.url}{path}", json=body, timeout=120, allow_redirects=False)

    def delete(self, path: str) -> requests.Response:
        """DELETE."""
        return self.session.delete(f"{self.url}{path}", timeout=120, allow_redirects=False)

    def dashboards(self) -> dict[str, int]:
        """Number by slug of the dashboards that the person is shown."""
        found = self.get("/api/v1/dashboard/?q=(page_size:100)")
        return {row["slug"]: row["id"] for row in found.json()["result"]} if found.ok else {}

    def data(self, dataset: int, dashboard: int | None, chart: int | None, **query: Any) -> requests.Response:
        """The answer to any query of a dataset, asked as a chart of a dashboard asks it."""
        form = {"dashboardId": dashboard, "slice_id": chart} if dashboard else {}
        context = {
            "datasource": {"id": dataset, "type": "table"}, "form_data": form, "force": True,
            "queries": [{"columns": [], "metrics": [], "filters": [], "row_limit": 5000, **query}],
            "result_format": query.pop("result_format", "json"), "result_type": "full",
        }  # fmt: skip
        return self.post("/api/v1/chart/data", context)

    def sql(self, database: int, statement: str) -> requests.Response:
        """The answer of SQL Lab."""
        asked = {
            "database_id": database,
            "sql": statement,
            "schema": "analytics",
            "runAsync": False,
            "queryLimit": 1000,
        }
        return self.post("/api/v1/sqllab/execute/", asked)
