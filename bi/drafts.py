"""Drafts: charts and datasets that were made in Superset, then exported, and have an identity of ours in the files.

A deploy gives the draft that identity where it stands. Its number, its owners and whoever else shows it stay; without
this the importer would make a second one beside it.
"""

from dataclasses import dataclass

from bi.identity import Kind, uuid_of
from bi.servers import Server, ask, rows
from bi.tree import Tree

#: Kinds that people make while they edit a page, with the field that holds the name.
KINDS: dict[Kind, str] = {"dataset": "table_name", "chart": "slice_name"}


@dataclass(frozen=True)
class Draft:
    """One asset of the server that bears another uuid than its key gives it."""

    kind: Kind
    key: str
    name: str
    uuid: str

    def __str__(self) -> str:
        return f"{self.kind} `{self.name}` as {self.key}"


def drafts_of(there: Tree) -> list[Draft]:
    """The drafts among what a server exports."""
    return [
        Draft(kind, key, str(content[name]), str(content["uuid"]))
        for kind, name in KINDS.items()
        for key, content in there.of(kind).items()
        if str(content["uuid"]) != uuid_of(kind, key)
    ]


def adoptable(there: Tree, tree: Tree) -> list[Draft]:
    """Drafts that have a file."""
    return [draft for draft in drafts_of(there) if draft.key in tree.of(draft.kind)]


def adopt(server: Server, drafts: list[Draft]) -> None:
    """Give each draft its identity. Raises SupersetError."""
    for kind in KINDS:
        wanted = {draft.uuid: draft for draft in drafts if draft.kind == kind}
        for row in rows(server, kind, ["id", "uuid"]) if wanted else ():
            if draft := wanted.get(str(row["uuid"])):
                ask(server, "PUT", f"/api/v1/{kind}/{row['id']}", {"uuid": uuid_of(kind, draft.key)})
