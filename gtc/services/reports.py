"""Reports by the clock: a worker of Celery sends them, its beat says when. Between the two stands a broker, Redis."""

import socket
from urllib.parse import urlsplit

from gtc.services.errors import ServiceError
from gtc.settings import Settings

#: Programs of deploy/supervisord.conf, in the order in which they start.
PROGRAMS = ("superset_worker", "superset_beat")

#: Where Redis listens when the address does not say.
REDIS_PORT = 6379


def are_wanted(settings: Settings) -> bool:
    """Whether reports are to be sent from here: a mail server is named."""
    return settings.superset_embedded and bool(settings.superset_smtp_host)


def require_broker(settings: Settings) -> None:
    """Raises ServiceError while nothing can carry orders from the clock to the worker."""
    if not settings.superset_redis_url.get_secret_value():
        raise ServiceError(
            "SUPERSET_SMTP_HOST is set, but reports need a broker: set SUPERSET_REDIS_URL in `.env`, for example "
            "redis://127.0.0.1:6379/0, or clear SUPERSET_SMTP_HOST"
        )
    if not broker_answers(settings):
        raise ServiceError(
            f"nobody answers at {broker_address(settings)}, the broker of reports; start Redis, correct "
            "SUPERSET_REDIS_URL, or clear SUPERSET_SMTP_HOST in `.env`"
        )


def broker_address(settings: Settings) -> str:
    """Host and port of the broker, without its password."""
    found = urlsplit(settings.superset_redis_url.get_secret_value())
    return f"{found.hostname}:{found.port or REDIS_PORT}" if found.hostname else ""


def broker_answers(settings: Settings) -> bool:
    """True when somebody listens where the broker should."""
    host, _, port = broker_address(settings).rpartition(":")
    if not host:
        return False
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True
