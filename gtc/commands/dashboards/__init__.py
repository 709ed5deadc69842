"""`gtc dashboards …`: the files of `superset_exports/` and a Superset."""

from gtc.commands.dashboards.group import group

__all__ = ["group"]
