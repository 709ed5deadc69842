"""Which roles a deploy made. Superset keeps only name and permissions of a role, so the mark is a permission.

Nothing in Superset asks for it. It names the role: a copy that somebody makes, or a role that is given another name,
bears a mark that is not its own and belongs to people.
"""

from collections.abc import Iterator
from typing import Any

from bi.servers import Server, ask, rows

#: The permission; it stands on a view that is named after the file and the role.
READ = "can_read"
VIEW = "access.yaml: "


def mark_of(role: str) -> str:
    """The mark of a role in Superset's words."""
    return f"{READ} on {VIEW}{role}"


def is_mark(permission: str) -> bool:
    """Whether a permission is a mark of any role."""
    return permission.startswith(mark_of(""))


def missing_views(server: Server, roles: list[str]) -> list[str]:
    """Roles for whose mark there is no view yet."""
    present = {row["name"] for row in rows(server, "security/resources")}
    return [role for role in roles if f"{VIEW}{role}" not in present]


def missing_marks(server: Server, roles: list[str], known: dict[str, int]) -> list[dict[str, int]]:
    """What makes a mark of each view that is none yet."""
    wanted = [role for role in roles if mark_of(role) not in known]
    if not wanted:
        return []
    [read] = [row["id"] for row in rows(server, "security/permissions") if row["name"] == READ]
    views = {row["name"]: row["id"] for row in rows(server, "security/resources")}
    return [
        {"permission_id": read, "view_menu_id": views[f"{VIEW}{role}"]} for role in wanted if f"{VIEW}{role}" in views
    ]


def marked_roles(server: Server, known: dict[str, int], numbers: dict[str, int]) -> list[str]:
    """Roles on the server that bear their own mark."""
    named = [permission.removeprefix(mark_of("")) for permission in known if is_mark(permission)]
    return sorted(
        role for role in named if role in numbers and known[mark_of(role)] in permissions_of(server, numbers[role])
    )


def permissions_of(server: Server, role: int) -> set[int]:
    """Numbers of what a role may do."""
    return {row["id"] for row in ask(server, "GET", f"/api/v1/security/roles/{role}/permissions/")["result"]}


def holders_of(server: Server, role: str) -> int:
    """How many people have a role."""
    return sum(any(one["name"] == role for one in row["roles"]) for row in rows(server, "security/users"))


def dashboards_naming(server: Server, role: str) -> Iterator[tuple[str, int, list[int]]]:
    """Title and number of each dashboard that a role may read, and the other roles that may."""
    columns = ["id", "dashboard_title", "roles.id", "roles.name"]
    for row in rows(server, "dashboard", columns):
        named: list[dict[str, Any]] = row["roles"]
        if any(one["name"] == role for one in named):
            yield row["dashboard_title"], row["id"], [one["id"] for one in named if one["name"] != role]
