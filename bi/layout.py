"""A dashboard's layout: the tree of rows, tabs and charts that Superset calls `position`."""

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]
Position = dict[str, Any]

ROOT = "ROOT_ID"


def walk(position: Position, start: str = ROOT) -> Iterator[Node]:
    """Nodes from the root down, in reading order; children that are not there are left out."""
    node = position.get(start)
    if not isinstance(node, dict):
        return
    yield node
    for child in node.get("children", []):
        yield from walk(position, child)


def nodes(position: Position) -> list[Node]:
    """Every node, reachable or not."""
    return [node for node in position.values() if isinstance(node, dict)]


def charts(position: Position) -> list[Node]:
    """The nodes of charts, in reading order."""
    return [node for node in walk(position) if node.get("type") == "CHART"]
