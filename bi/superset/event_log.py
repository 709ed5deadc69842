"""What Superset writes down about its readers: who asked and changed what, not how an answer was put together."""

from typing import Any

from superset.utils.log import DBEventLogger

#: Steps within the answer to one query of a chart. Each is a commit of its own; that the query was asked, by whom, and
#: how long it took stays in the log as `ChartDataRestApi.data`.
STEPS = {"_get_data_response", "ChartDataRestApi.json_dumps", "load_into_dataframe", "QueryObject.post_processing"}


class ReaderLog(DBEventLogger):  # type: ignore[misc]
    """Superset's log in its database, without the steps."""

    def log(self, user_id: int | None, action: str, *arguments: Any, **details: Any) -> None:
        """Write one event."""
        if action not in STEPS:
            super().log(user_id, action, *arguments, **details)
