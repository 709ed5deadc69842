"""Start, stop and look at the services, through supervisord's own XML-RPC interface."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from gtc.services.config import CONFIG_FILE, environment, prepare_directories, socket_path
from gtc.services.errors import ServiceError
from gtc.services.health import holder_of_port, superset_answers, warehouse_answers
from gtc.services.reports import PROGRAMS, are_wanted, broker_address, broker_answers, require_broker
from gtc.services.superset import OnAdministrator, last_line, prepare
from gtc.settings import Settings

#: Seconds that a service may take until it answers; the engine reopens a thousand parts in under one, Superset imports
#: half a gigabyte of packages.
START_SECONDS = {"warehouse": 60, "superset": 180, "superset_worker": 60, "superset_beat": 60}

#: Seconds that the services may take to finish their work and end.
STOP_SECONDS = 90


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


def up(settings: Settings, on_administrator: OnAdministrator) -> list[ServiceState]:
    """Start what does not run yet and wait until it answers. Raises ServiceError.

    `on_administrator` hears name and password of Superset's first administrator, when one is made.
    """
    if are_wanted(settings):
        require_broker(settings)
    if settings.warehouse_embedded and not warehouse_answers(settings):
        _refuse_taken_warehouse_port(settings)
        _start_program(settings, "warehouse", lambda: warehouse_answers(settings))
    if settings.superset_embedded and not superset_answers(settings):
        _refuse_taken_port(settings.superset_host, settings.superset_port, "SUPERSET_PORT")
        prepare(settings, on_administrator)
        _start_program(settings, "superset", lambda: superset_answers(settings))
    for name in PROGRAMS if are_wanted(settings) else ():
        if not _is_running(settings, name):
            _start_program(settings, name, partial(_is_running, settings, name))
    found = states(settings)
    for state in found:
        if not state.is_healthy:
            raise ServiceError(f"the {state.name} did not come up: {state.detail}")
    return found


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
    found = [_warehouse_state(settings)]
    if settings.superset_embedded:
        found.append(_superset_state(settings))
    if are_wanted(settings):
        found += [_reports_state(settings, name) for name in PROGRAMS]
    return found


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


def _superset_state(settings: Settings) -> ServiceState:
    if superset_answers(settings):
        return ServiceState("superset", "running", settings.superset_url, _description(settings, "superset"))
    return ServiceState("superset", "down", settings.superset_url, _why_down(settings, "superset"))


def _reports_state(settings: Settings, name: str) -> ServiceState:
    """Nobody listens on a port here: it runs, and its broker is there."""
    address = broker_address(settings)
    if not _is_running(settings, name):
        return ServiceState(name, "down", address, _why_down(settings, name))
    if not broker_answers(settings):
        return ServiceState(name, "down", address, "the broker does not answer; start Redis")
    return ServiceState(name, "running", address, _description(settings, name))


def _is_running(settings: Settings, name: str) -> bool:
    info = _process_info(settings, name)
    return info is not None and info["statename"] == "RUNNING"


def _description(settings: Settings, name: str) -> str:
    info = _process_info(settings, name)
    return str(info["description"]) if info else "started by somebody else"


def _why_down(settings: Settings, name: str) -> str:
    info = _process_info(settings, name)
    if info is None or info["statename"] == "STOPPED":
        return "not started; run `make up`"
    last_words = _last_words(settings, name)
    return f"{info['statename'].lower()}; {last_words}" if last_words else info["statename"].lower()


def _last_words(settings: Settings, name: str) -> str:
    log = log_file(settings, name)
    return last_line(log.read_text(errors="replace")) if log.exists() else ""


def _refuse_taken_warehouse_port(settings: Settings) -> None:
    info = _process_info(settings, "warehouse")
    if info and info["statename"] == "RUNNING" and holder_of_port(settings.warehouse_host, settings.warehouse_port):
        raise ServiceError("the warehouse runs with other passwords than `.env` has; run `make down`, then `make up`")
    _refuse_taken_port(settings.warehouse_host, settings.warehouse_port, "WAREHOUSE_PORT")


def _refuse_taken_port(host: str, port: int, setting: str) -> None:
    if holder := holder_of_port(host, port):
        raise ServiceError(f"port already in use: {port} ({holder}); end that program or set {setting} in `.env`")


def _refuse_other_settings(settings: Settings, pid: int) -> None:
    """Programs get the settings with which supervisord was started."""
    try:
        there = psutil.Process(pid).environ()
    except psutil.Error:
        return  # another user's; what it knows cannot be seen
    here = environment(settings)
    if stale := sorted(name for name in here if name.startswith("SUPERSET_") and here[name] != there.get(name)):
        raise ServiceError(f"the services run with another {stale[0]} than `.env` has; run `make down`, then `make up`")


def _start_supervisor(settings: Settings) -> None:
    if _supervisor(settings) is not None:
        return
    prepare_directories(settings)
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(CONFIG_FILE)]
    ended = subprocess.run(command, env=environment(settings), check=False, capture_output=True, text=True)
    if ended.returncode != 0:
        raise ServiceError(f"supervisord did not start: {(ended.stderr or ended.stdout).strip()}")
    _wait(lambda: _supervisor(settings) is not None, START_SECONDS["warehouse"], "supervisord does not answer")


def _start_program(settings: Settings, name: str, answers: Callable[[], bool]) -> None:
    _start_supervisor(settings)
    supervisor = _supervisor(settings)
    if supervisor is None:
        raise ServiceError("supervisord does not answer; look into the log with `gtc status`")
    _refuse_other_settings(settings, supervisor.getPID())
    try:
        supervisor.startProcess(name)
    except Fault as fault:
        if fault.faultCode == Faults.BAD_NAME:
            raise ServiceError(
                f"supervisord was started before it knew {name}; run `make down`, then `make up`"
            ) from None
        if fault.faultCode not in (Faults.ALREADY_STARTED,):
            reason = _last_words(settings, name) or fault.faultString
            raise ServiceError(f"the {name} did not start: {reason}") from None
    _wait(answers, START_SECONDS[name], f"the {name} does not answer")


def _process_info(settings: Settings, name: str) -> dict[str, Any] | None:
    supervisor = _supervisor(settings)
    try:
        return cast("dict[str, Any]", supervisor.getProcessInfo(name)) if supervisor else None
    except Fault:  # a supervisord that was started before it knew the program
        return None


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


def _wait(condition: Callable[[], bool], seconds: float, complaint: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ServiceError(f"{complaint} within {seconds:.0f} s; run `gtc status`")
        time.sleep(0.1)
