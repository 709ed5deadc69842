"""`access.yaml`: roles, what they may do, who sees which dashboard and which rows. Applied through the REST API."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bi.role_marks import (
    dashboards_naming,
    holders_of,
    is_mark,
    mark_of,
    marked_roles,
    missing_marks,
    missing_views,
    permissions_of,
)
from bi.servers import Server, ask, rows
from bi.tree import Tree, TreeError
from gtc.settings import Settings

#: Roles that Superset brings; they are never changed, only copied from.
BUILT_IN = {"Admin", "Alpha", "Gamma", "Public", "sql_lab"}

#: A rule that lets nothing through: the dataset has no such column, so nobody can tell whose rows they are.
NO_ROWS = "1 = 0"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Role(_Strict):
    """What a role may do: what other roles may, and more by name."""

    description: str
    like: list[str] = Field(default_factory=list, description="roles whose permissions it has too")
    without: list[str] = Field(default_factory=list, description="views that it does not take over from them")
    permissions: list[str] = Field(default_factory=list, description="in Superset's words: `can_read on Dashboard`")
    read_marts: bool = Field(False, description="every table of the marts' schema, in SQL Lab and as dataset")


class RowRule(_Strict):
    """Makes one role per value of a column, `Country manager DE`, that sees the rows of that value only.

    Of a dataset without the column it sees what `instead` says, and nothing where that says nothing.
    """

    role: str
    column: str
    values: list[str]
    instead: dict[str, str] = Field(default_factory=dict, description="condition by dataset; {value} is the value")

    def role_of(self, value: str) -> str:
        """The role that sees the rows of one value."""
        return f"{self.role} {value}"


class Access(_Strict):
    """The whole file. A role that a row rule names is a pattern: it stands for one role per value."""

    roles: dict[str, Role] = Field(default_factory=dict)
    dashboards: dict[str, list[str]] = Field(default_factory=dict, description="roles by slug")
    rows: list[RowRule] = Field(default_factory=list)

    def expanded(self, name: str) -> list[str]:
        """The roles of Superset for which a role of the file stands."""
        found = [rule.role_of(value) for rule in self.rows if rule.role == name for value in rule.values]
        return found or [name]

    def each_role(self) -> dict[str, Role]:
        """Every role of Superset with what it may do."""
        return {one: role for name, role in self.roles.items() for one in self.expanded(name)}


@dataclass
class Applied:
    """What differs from the file, in words, with the request that mends it."""

    changes: list[tuple[str, str, str, Any]] = field(default_factory=list)

    def add(self, words: str, method: str, path: str, body: Any = None) -> None:
        """One difference."""
        self.changes.append((words, method, path, body))

    @property
    def words(self) -> list[str]:
        """The differences, one line each; a request that only helps another has no words."""
        return [words for words, *_ in self.changes if words]


def read_access(root: Path) -> Access:
    """The file of a tree; without one nobody but administrators may do anything. Raises TreeError."""
    path = root / "access.yaml"
    if not path.exists():
        return Access()
    try:
        return Access(**(yaml.safe_load(path.read_text()) or {}))
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise TreeError(f"access.yaml: {' '.join(str(error).split())}") from None


def apply_access(
    server: Server, access: Access, tree: Tree, settings: Settings, *, only_look: bool = False
) -> list[str]:
    """Bring roles, rules and dashboards' readers to what the file says; the differences, one line each.

    Roles come first, since rules and dashboards name them, and go last. With `only_look` nothing is changed.
    """
    told: list[str] = []
    for step in (_missing_roles, _mark_views, _marks, _permissions, _row_rules, _readers, _removed_roles):
        found = step(server, access, tree, settings)
        told += found.words
        if not only_look:
            for _, method, path, body in found.changes:
                ask(server, method, path, body)
    return told


def _missing_roles(server: Server, access: Access, tree: Tree, settings: Settings) -> Applied:
    present, found = _role_numbers(server), Applied()
    for name in access.each_role():
        if name not in present:
            found.add(f"role {name}: new", "POST", "/api/v1/security/roles/", {"name": name})
    return found


def _mark_views(server: Server, access: Access, tree: Tree, settings: Settings) -> Applied:
    found = Applied()
    for name in missing_views(server, list(access.each_role())):
        view = {"name": mark_of(name).split(" on ", 1)[1]}
        found.add(f"role {name}: marked as one of access.yaml", "POST", "/api/v1/security/resources/", view)
    return found


def _marks(server: Server, access: Access, tree: Tree, settings: Settings) -> Applied:
    found = Applied()
    for body in missing_marks(server, list(access.each_role()), _known_permissions(server)):
        found.add("", "POST", "/api/v1/security/permissions-resources/", body)
    return found


def _permissions(server: Server, access: Access, tree: Tree, settings: Settings) -> Applied:
    numbers, found = _role_numbers(server), Applied()
    known = _known_permissions(server)
    for name, role in access.each_role().items():
        if name in BUILT_IN:
            raise TreeError(f"access.yaml: the role {name} is Superset's own; choose another name")
        wanted = set(_wanted_permissions(server, role, access, known, tree, settings))
        wanted |= {known[mark] for mark in [mark_of(name)] if mark in known}
        current = permissions_of(server, numbers[name]) if name in numbers else set()
        if wanted != current:
            path = f"/api/v1/security/roles/{numbers.get(name)}/permissions"
            words = f"role {name}: {len(wanted - current)} permissions more, {len(current - wanted)} fewer"
            found.add(words, "POST", path, {"permission_view_menu_ids": sorted(wanted)})
    return found


def _wanted_permissions(
    server: Server, role: Role, access: Access, known: dict[str, int], tree: Tree, settings: Settings
) -> Iterator[int]:
    views = {number: name.split(" on ", 1)[1] for name, number in known.items()}
    for other in role.like:
        inherited = _inherited(server, other, access, known, tree, settings)
        yield from (number for number in inherited if views.get(number) not in role.without)
    names = list(role.permissions)
    if role.read_marts:
        schema = settings.dataset.schema
        present = {row["database_name"] for row in rows(server, "database", ["id", "database_name"])}
        ours = [database["database_name"] for database in tree.database.values()]
        names += [
            f"schema_access on [{one}].[{schema}]" for one in ours if one in present
        ]  # none before a first deploy
    for name in names:
        if name not in known:
            raise TreeError(f"access.yaml: Superset knows no permission `{name}`")
        yield known[name]


def _inherited(
    server: Server, name: str, access: Access, known: dict[str, int], tree: Tree, settings: Settings
) -> set[int]:
    """What another role may do: as the file says where it stands there, else as Superset brings it."""
    if name in access.roles:
        return set(_wanted_permissions(server, access.roles[name], access, known, tree, settings))
    if name not in BUILT_IN:
        raise TreeError(f"access.yaml: there is no role {name} to be like")
    marks = {number for permission, number in known.items() if is_mark(permission)}
    return permissions_of(server, _role_numbers(server)[name]) - marks


def _row_rules(server: Server, access: Access, tree: Tree, settings: Settings) -> Applied:
    """One rule per role and condition, over all datasets for which the condition is the same."""
    roles, found = _role_numbers(server), Applied()
    datasets = {row["table_name"]: row["id"] for row in rows(server, "dataset", ["id", "table_name", "schema"])}
    wanted = {
        f"{rule.role_of(value)}: {clause}": (
            clause,
            roles.get(rule.role_of(value), 0),
            sorted(datasets[name] for name in names if name in datasets),
        )
        for rule in access.rows
        for value in rule.values
        for clause, names in clauses(rule, value, tree).items()
    }
    present = {row["name"]: row["id"] for row in rows(server, "rowlevelsecurity", ["id", "name"])}
    our_roles = {*access.each_role(), *marked_roles(server, _known_permissions(server), roles)}
    ours = {name for name in present if name.split(":")[0] in our_roles}
    for name in sorted(ours - set(wanted)):
        found.add(f"rows of {name}: no longer", "DELETE", f"/api/v1/rowlevelsecurity/{present[name]}")
    for name, (clause, role, tables) in wanted.items():
        body = {"name": name, "filter_type": "Regular", "clause": clause, "group_key": name.split(":")[0],
                "roles": [role], "tables": tables, "description": "from access.yaml"}  # fmt: skip
        if name not in present:
            if tables:
                found.add(f"rows of {name}: new", "POST", "/api/v1/rowlevelsecurity/", body)
            continue
        now = ask(server, "GET", f"/api/v1/rowlevelsecurity/{present[name]}")["result"]
        same = (now["clause"], [one["id"] for one in now["roles"]], sorted(one["id"] for one in now["tables"]))
        if same != (clause, [role], tables):
            found.add(f"rows of {name}: other datasets", "PUT", f"/api/v1/rowlevelsecurity/{present[name]}", body)
    return found


def clauses(rule: RowRule, value: str, tree: Tree) -> dict[str, list[str]]:
    """Datasets by the condition that holds for them."""
    literal = "'" + value.replace("'", "''") + "'"
    found: dict[str, list[str]] = {}
    for key, dataset in sorted(tree.dataset.items()):
        column = next((one for one in dataset.get("columns", []) if one["column_name"] == rule.column), None)
        computed = column.get("expression") if column else None  # the warehouse does not know its name
        clause = f"{f'({computed})' if computed else rule.column} = {literal}" if column else NO_ROWS
        clause = rule.instead[key].replace("{value}", literal) if key in rule.instead else clause
        found.setdefault(clause, []).append(dataset["table_name"])
    return found


def _readers(server: Server, access: Access, tree: Tree, settings: Settings) -> Applied:
    """Who sees which dashboard. One that the file does not name is seen by those who have its datasets."""
    roles, found = _role_numbers(server), Applied()
    present = {row["slug"]: row["id"] for row in rows(server, "dashboard", ["id", "slug"])}
    for key, dashboard in tree.dashboard.items():
        slug = dashboard["slug"]
        names = [one for name in access.dashboards.get(key, []) for one in access.expanded(name)]
        if unknown := [name for name in names if name not in access.each_role() and name not in BUILT_IN]:
            raise TreeError(f"access.yaml: dashboard {key} names a role that does not exist: {unknown[0]}")
        if slug not in present:
            found.add(f"readers of {slug}: {', '.join(names)}", "GET", "/api/v1/dashboard/")
            continue
        now = ask(server, "GET", f"/api/v1/dashboard/{present[slug]}")["result"]
        current = {role["name"] for role in now["roles"]}
        if current != set(names):
            body = {"roles": sorted(roles.get(name, 0) for name in names)}
            found.add(
                f"readers of {slug}: {', '.join(names) or 'nobody'}", "PUT", f"/api/v1/dashboard/{present[slug]}", body
            )
    return found


def _removed_roles(server: Server, access: Access, tree: Tree, settings: Settings) -> Applied:
    """Roles that a deploy made and that the file no longer has. Numbers are given anew, so no page may keep one."""
    numbers, found = _role_numbers(server), Applied()
    for name in marked_roles(server, _known_permissions(server), numbers):
        if name not in access.each_role():
            for title, dashboard, others in dashboards_naming(server, name):
                path = f"/api/v1/dashboard/{dashboard}"
                found.add(f"readers of {title}: without {name}", "PUT", path, {"roles": others})
            words = f"role {name}: removed, {holders_of(server, name)} people had it"
            found.add(words, "DELETE", f"/api/v1/security/roles/{numbers[name]}")
    return found


def _role_numbers(server: Server) -> dict[str, int]:
    return {row["name"]: row["id"] for row in rows(server, "security/roles")}


def _known_permissions(server: Server) -> dict[str, int]:
    """Every permission by its words, `can_read on Dashboard`."""
    return {
        f"{row['permission']['name']} on {row['view_menu']['name']}": row["id"]
        for row in rows(server, "security/permissions-resources")
    }
