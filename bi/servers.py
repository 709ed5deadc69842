"""Two ways to a Superset: the application itself, started for the moment (`InApp`), or a server's REST API (`Remote`).

Both answer the same questions, so that everything above works with and without a running server.
"""

import io
import json
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import quote

import requests

from gtc.services.config import SUPERSET_PYTHON, environment
from gtc.services.superset import install, last_line, require_key
from gtc.settings import PROJECT_ROOT, Settings

IN_APP = PROJECT_ROOT / "bi" / "superset" / "in_app.py"

#: How many rows a list may have in one answer; FAB_API_MAX_PAGE_SIZE of Superset's configuration allows it.
PAGE = 10_000

#: Seconds that one answer may take: an import of everything on a busy machine.
ANSWER_SECONDS = 300

Files = dict[str, str]


class SupersetError(Exception):
    """Superset refused or could not be reached; the text says what and why."""


@dataclass(frozen=True)
class Answer:
    """Status and body of one request."""

    status: int
    body: Any

    @property
    def is_good(self) -> bool:
        """Whether it did what was asked."""
        return self.status < 300

    @property
    def complaint(self) -> str:
        """What Superset says is wrong, in one line."""
        body = self.body
        if isinstance(body, dict):
            body = body.get("message") or [entry.get("message") for entry in body.get("errors", [])] or body
        return f"{self.status}, {' '.join(str(body).split())[:400]}"


class Server(Protocol):
    """A Superset that can be asked."""

    def request(self, method: str, path: str, body: Any = None) -> Answer:
        """One request of the REST API; `path` starts with /api/v1/."""

    def import_assets(self, files: Files, passwords: dict[str, str]) -> None:
        """Create or update what the files say. Raises SupersetError."""

    def export_assets(self) -> Files:
        """Every asset as Superset exports it."""


def ask(server: Server, method: str, path: str, body: Any = None) -> Any:
    """The body of a good answer. Raises SupersetError."""
    answer = server.request(method, path, body)
    if not answer.is_good:
        raise SupersetError(f"{method} {path}: {answer.complaint}")
    return answer.body


def rows(server: Server, resource: str, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Every row of a list; `columns` must name `id`. Raises SupersetError.

    Superset sorts no list that it is not asked to, and PostgreSQL then answers pages that overlap and leave rows out.
    So all rows are asked for at once, and where a server gives less, they are counted.
    """
    found: dict[int, dict[str, Any]] = {}
    for page in count():
        columns_part = f",columns:!({','.join(columns)})" if columns else ""
        query = quote(f"(page:{page},page_size:{PAGE}{columns_part})", safe="(),:!")
        answer = ask(server, "GET", f"/api/v1/{resource}/?q={query}")
        found |= {row["id"]: row for row in answer["result"]}
        if len(found) >= answer["count"]:
            break
        if not answer["result"]:
            raise SupersetError(
                f"{resource}: {len(found)} of {answer['count']} rows came; set FAB_API_MAX_PAGE_SIZE = {PAGE} in the "
                "configuration of Superset, as bi/superset/superset_config.py does"
            )
    yield from found.values()


class InApp:
    """Superset in a process of its own, without a network; closing it ends the process."""

    def __init__(self, settings: Settings) -> None:
        require_key(settings)
        install()
        settings.log_dir.mkdir(parents=True, exist_ok=True)
        self._log = settings.log_dir / "superset_in_app.log"
        with self._log.open("w") as complaints:
            self._process = subprocess.Popen(
                [SUPERSET_PYTHON, IN_APP], env=environment(settings), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=complaints, text=True, bufsize=1,
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)

    def request(self, method: str, path: str, body: Any = None) -> Answer:
        """One request of the REST API, answered by the application."""
        answer = self._ask({"op": "request", "method": method, "path": path, "json": body})
        return Answer(answer["status"], _document(answer["body"]))

    def import_assets(self, files: Files, passwords: dict[str, str]) -> None:
        """Superset's own importer."""
        self._ask({"op": "import", "files": files, "passwords": passwords})

    def export_assets(self) -> Files:
        """Superset's own exporter."""
        files: Files = self._ask({"op": "export"})["files"]
        return files

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps(question, default=str) + "\n")
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise SupersetError(f"Superset did not start: {last_line(self._log.read_text())} ({self._log})")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SupersetError(f"Superset refused: {answer['error']}")
        return answer


class Remote:
    """A running Superset, logged in with name and password. Raises SupersetError."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.headers.update({"Accept": "application/json", "Referer": self._url})
        credentials = {"username": username, "password": password, "provider": "db", "refresh": False}
        found = ask(self, "POST", "/api/v1/security/login", credentials)
        self._session.headers["Authorization"] = f"Bearer {found['access_token']}"
        self._session.headers["X-CSRFToken"] = ask(self, "GET", "/api/v1/security/csrf_token/")["result"]

    def request(self, method: str, path: str, body: Any = None) -> Answer:
        """One request of the REST API. A redirect is a refusal: Superset sends strangers to its log-in page."""
        return self._send(method, path, json=body)

    def import_assets(self, files: Files, passwords: dict[str, str]) -> None:
        """The importer, as the REST API offers it."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as bundle:
            for name, text in files.items():
                bundle.writestr(f"bundle/{name}", text)
        answer = self._send(
            "POST", "/api/v1/assets/import/",
            files={"bundle": ("bundle.zip", packed.getvalue(), "application/zip")},
            data={"passwords": json.dumps(passwords)},
        )  # fmt: skip
        if answer.body != {"message": "OK"}:
            raise SupersetError(f"import refused: {answer.complaint}")

    def export_assets(self) -> Files:
        """The exporter, as the REST API offers it."""
        answer = self._session.get(f"{self._url}/api/v1/assets/export/", timeout=ANSWER_SECONDS, allow_redirects=False)
        if answer.status_code != 200:
            raise SupersetError(f"export refused: {answer.status_code}")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
            return {name.split("/", 1)[1]: bundle.read(name).decode() for name in bundle.namelist()}

    def _send(self, method: str, path: str, **content: Any) -> Answer:
        try:
            answer = self._session.request(
                method, f"{self._url}{path}", timeout=ANSWER_SECONDS, allow_redirects=False, **content
            )
        except requests.RequestException as error:
            raise SupersetError(f"no answer from {self._url}: {type(error).__name__}; run `make up`") from None
        return Answer(answer.status_code, _document(answer.text))


@contextmanager
def timed() -> Iterator[list[float]]:
    """Seconds of the block, in the list's only entry, once it is over."""
    took: list[float] = []
    started = time.monotonic()
    yield took
    took.append(time.monotonic() - started)


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
