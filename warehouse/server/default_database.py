"""Makes `default` an ordinary Atomic database.

The engine in the wheel behaves like clickhouse-local: its first database is an overlay over the file system, where
`SELECT * FROM '/etc/passwd'` reads the file, for a reader too, and where refreshable views are refused. So the overlay
gets another name in the configuration and is detached at once, and `default` is defined on disk before the engine
starts.
"""

import uuid
from pathlib import Path

#: Name of the overlay for the moment between the engine's start and its detaching; `<default_database>` in the config.
OVERLAY = "_files_of_this_machine"

#: What takes the overlay away; to be run before anybody may ask anything.
DETACH_OVERLAY = f"DETACH DATABASE {OVERLAY}"


def define_default_database(data: Path) -> None:
    """Write the definition of `default` into the engine's directory unless it is there.

    A directory that the overlay used keeps its tables: they belong to the identifier in the link `metadata/default`.
    The link itself has to go, since the overlay would claim the identifier it names; the engine makes it anew.
    """
    metadata = data / "metadata"
    metadata.mkdir(parents=True, exist_ok=True)
    definition, link = metadata / "default.sql", metadata / "default"
    if not definition.exists():
        identifier = link.readlink().name if link.is_symlink() else str(uuid.uuid4())
        definition.write_text(f"ATTACH DATABASE _ UUID '{identifier}'\nENGINE = Atomic\n", encoding="utf-8")
    if link.is_symlink():
        link.unlink()
