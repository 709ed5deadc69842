"""Start, stop and look at the services, through supervisord's own XML-RPC interface."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import Faults, SupervisorTransport

from gtc.services.config import CONFIG_FILE, environment, prepare_directories, socket_path
from gtc.services.health import holder_of_port, warehouse_answers
from gtc.settings import Settings

#: Seconds that a service may take until it answers; the engine reopens a thousand parts in under one.
START_SECONDS = 60

#: Seconds that the services may take to finish their work and end.
STOP_SECONDS = 90


class ServiceError(Exception):
    """A service could not be started or stopped; the text says what to do."""


@dataclass(frozen=True)
class ServiceState:
    """One service as an operator wants to see it."""

    name: str
    state: str
    address: str
    detail: str

    @property
    def is_healthy(self) -> bool:
        """Runs and answers."""
        return self.state == "running"


def up(settings: Settings) -> list[ServiceState]:
    """Start what does not run yet and wait until it answers. Raises ServiceError."""
    if settings.warehouse_embedded and not warehouse_answers(settings):
        _refuse_taken_port(settings)
        _start_supervisor(settings)
        _start_program(settings, "warehouse")
    state = _warehouse_state(settings)
    if not state.is_healthy:
        raise ServiceError(f"the warehouse did not come up: {state.detail}")
    return [state]


def down(settings: Settings) -> bool:
    """Stop every service and the supervisor; False when nothing ran."""
    supervisor = _supervisor(settings)
    if supervisor is None:
        return False
    supervisor.shutdown()
    _wait(lambda: not socket_path(settings).exists(), STOP_SECONDS, "the services did not stop")
    return True


def states(settings: Settings) -> list[ServiceState]:
    """Every service with its state, without changing anything."""
    return [_warehouse_state(settings)]


def log_file(settings: Settings, name: str) -> Path:
    """Where a service writes."""
    return settings.log_dir / f"{name}.log"


def _warehouse_state(settings: Settings) -> ServiceState:
    address = f"http://{settings.warehouse_host}:{settings.warehouse_port}"
    if warehouse_answers(settings):
        return ServiceState("warehouse", "running", address, _description(settings, "warehouse"))
    if not settings.warehouse_embedded:
        return ServiceState("warehouse", "down", address, "no answer; check WAREHOUSE_HOST and WAREHOUSE_PORT")
    return ServiceState("warehouse", "down", address, _why_down(settings, "warehouse"))


def _description(settings: Settings, name: str) -> str:
    info = _process_info(settings, name)
    return str(info["description"]) if info else "started by somebody else"


def _why_down(settings: Settings, name: str) -> str:
    info = _process_info(settings, name)
    if info is None or info["statename"] == "STOPPED":
        return "not started; run `make up`"
    last_words = _last_line(log_file(settings, name))
    return f"{info['statename'].lower()}; {last_words}" if last_words else info["statename"].lower()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _refuse_taken_port(settings: Settings) -> None:
    holder = holder_of_port(settings.warehouse_host, settings.warehouse_port)
    if not holder:
        return
    info = _process_info(settings, "warehouse")
    if info and info["statename"] == "RUNNING":
        raise ServiceError("the warehouse runs with other passwords than `.env` has; run `make down`, then `make up`")
    raise ServiceError(
        f"port already in use: {settings.warehouse_port} ({holder}); end that program or set WAREHOUSE_PORT in `.env`"
    )


def _start_supervisor(settings: Settings) -> None:
    if _supervisor(settings) is not None:
        return
    prepare_directories(settings)
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(CONFIG_FILE)]
    ended = subprocess.run(command, env=environment(settings), check=False, capture_output=True, text=True)
    if ended.returncode != 0:
        raise ServiceError(f"supervisord did not start: {(ended.stderr or ended.stdout).strip()}")
    _wait(lambda: _supervisor(settings) is not None, START_SECONDS, "supervisord does not answer")


def _start_program(settings: Settings, name: str) -> None:
    supervisor = _supervisor(settings)
    if supervisor is None:
        raise ServiceError("supervisord does not answer; look into the log with `gtc status`")
    try:
        supervisor.startProcess(name)
    except Fault as fault:
        if fault.faultCode not in (Faults.ALREADY_STARTED,):
            reason = _last_line(log_file(settings, name)) or fault.faultString
            raise ServiceError(f"the {name} did not start: {reason}") from None
    _wait(lambda: warehouse_answers(settings), START_SECONDS, f"the {name} does not answer")


def _process_info(settings: Settings, name: str) -> dict[str, Any] | None:
    supervisor = _supervisor(settings)
    return cast("dict[str, Any]", supervisor.getProcessInfo(name)) if supervisor else None


def _supervisor(settings: Settings) -> Any:
    """The `supervisor` namespace of a running supervisord, None when there is none."""
    socket = socket_path(settings)
    if not socket.exists():
        return None
    proxy = ServerProxy("http://localhost", transport=SupervisorTransport(None, None, f"unix://{socket}"))
    try:
        proxy.supervisor.getState()
    except (OSError, Fault):
        return None
    return proxy.supervisor


def _wait(condition: Any, seconds: float, complaint: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ServiceError(f"{complaint} within {seconds:.0f} s; run `gtc status`")
        time.sleep(0.1)
