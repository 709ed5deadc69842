"""Worker and beat of Celery: who sends reports when their time comes. Read by superset_config.py."""

import os
from datetime import datetime, timedelta
from typing import Any

from celery.schedules import crontab
from celery.signals import task_prerun

#: What is later than that is not sent any more.
EXPIRES = timedelta(hours=1)


class CeleryConfig:
    """Which tasks there are and when they are due."""

    broker_url = os.environ["SUPERSET_REDIS_URL"]
    broker_connection_retry_on_startup = True
    imports = ("superset.sql_lab", "superset.tasks.scheduler")
    task_ignore_result = True
    worker_prefetch_multiplier = 1
    beat_schedule = {  # noqa: RUF012  # Celery's own form
        "reports.scheduler": {
            "task": "reports.scheduler",
            "schedule": crontab(minute="*"),
            "options": {"expires": EXPIRES.total_seconds()},
        },
        "reports.prune_log": {"task": "reports.prune_log", "schedule": crontab(minute=0, hour=0)},
    }


@task_prerun.connect  # type: ignore[untyped-decorator]  # Celery is not installed here
def read_the_hour(task: Any, **_: Any) -> None:
    """Superset logs when a report was due as it came over the wire, as text; SQLite takes no text for it."""
    if isinstance(task.request.eta, str):
        task.request.eta = datetime.fromisoformat(task.request.eta)
