"""`superset_exports/`: the files as they are, by kind and key."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from bi.identity import Kind
from gtc.settings import PROJECT_ROOT

#: The reviewed files.
TREE = PROJECT_ROOT / "superset_exports"

Content = dict[str, Any]

KINDS: tuple[Kind, ...] = ("database", "dataset", "chart", "dashboard")

#: Where the files of a kind stand, and how many folders lie between that and the file.
FOLDERS: dict[Kind, tuple[str, int]] = {
    "database": ("databases", 0),
    "dataset": ("datasets", 1),
    "chart": ("charts", 1),
    "dashboard": ("dashboards", 0),
}


class TreeError(Exception):
    """A file cannot be read or used; the text names it."""


@dataclass
class Tree:
    """Every asset by its key, within its kind."""

    database: dict[str, Content] = field(default_factory=dict)
    dataset: dict[str, Content] = field(default_factory=dict)
    chart: dict[str, Content] = field(default_factory=dict)
    dashboard: dict[str, Content] = field(default_factory=dict)

    def of(self, kind: Kind) -> dict[str, Content]:
        """The assets of one kind."""
        found: dict[str, Content] = getattr(self, kind)
        return found

    def only(self, slugs: list[str] | None) -> "Tree":
        """The same with these dashboards only; all of them where none is named. Raises TreeError."""
        if unknown := [slug for slug in slugs or [] if slug not in self.dashboard]:
            raise TreeError(f"there is no dashboard {unknown[0]} (there are: {', '.join(self.dashboard)})")
        return replace(self, dashboard={slug: self.dashboard[slug] for slug in slugs}) if slugs else self

    def names(self, kind: Kind) -> dict[str, str]:
        """Key by uuid."""
        return {str(content.get("uuid")): key for key, content in self.of(kind).items()}


def load_yaml(text: str) -> Any:
    """A YAML document, read by the fast parser where it is there. Raises YAMLError."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both are safe


def file_of(kind: Kind, key: str) -> str:
    """The path of an asset's file within the tree. Datasets stand in the folder of the one database."""
    folder, _ = FOLDERS[kind]
    return f"{folder}/warehouse/{key}.yaml" if kind == "dataset" else f"{folder}/{key}.yaml"


def read_tree(root: Path = TREE) -> Tree:
    """Read every file. Raises TreeError."""
    if not root.is_dir():
        raise TreeError(f"there is no folder of dashboards: {root}")
    tree = Tree()
    for kind in KINDS:
        folder, depth = FOLDERS[kind]
        for path in sorted((root / folder).rglob("*.yaml")):
            key = path.relative_to(root / folder).with_suffix("").as_posix()
            if key.count("/") != depth:
                raise TreeError(f"{path.relative_to(root)}: a {kind} stands {depth} folders below {folder}/")
            tree.of(kind)[key.split("/")[-1] if kind == "dataset" else key] = read_file(path, root)
    return tree


def read_file(path: Path, root: Path) -> Content:
    """One YAML document of the tree at `root`. Raises TreeError."""
    name = path.relative_to(root)
    try:
        content = load_yaml(path.read_text())
    except yaml.YAMLError as error:
        raise TreeError(f"{name}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise TreeError(f"{name}: must hold one mapping")
    return content
