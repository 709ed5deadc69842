"""One release of the dashboards: assets, then access, then a warm cache."""

from collections.abc import Callable

from bi.access import Access, apply_access
from bi.check import run_charts
from bi.deploy import Deployed, deploy, differences
from bi.servers import Server
from bi.tree import Tree
from gtc.settings import Settings


def drift(server: Server, tree: Tree, access: Access, settings: Settings) -> Deployed:
    """How the server differs from the files, without changing anything."""
    found = differences(server, tree, settings)
    found.access = apply_access(server, access, tree, settings, only_look=True)
    return found


def release(
    server: Server, tree: Tree, access: Access, settings: Settings, *, warm: bool, say: Callable[[str], None]
) -> Deployed:
    """Bring the server to what the files say. Raises SupersetError, TreeError."""
    done = deploy(server, tree, settings, say)
    done.access = apply_access(server, access, tree, settings)
    if warm:
        charts = run_charts(server, tree)
        say(f"{len(charts)} charts cached")
    return done
