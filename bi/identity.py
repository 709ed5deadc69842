"""Who an asset is: its uuid follows from its kind and its key, so that it is the same on every server."""

from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

Kind = Literal["database", "dataset", "chart", "dashboard"]

#: Everything of ours is named below this address; nothing has to answer there.
HOUSE = uuid5(NAMESPACE_URL, "https://globaltaxcalc.com/superset")


def uuid_of(kind: Kind, key: str) -> str:
    """The uuid of an asset; keys are file stems, those of charts with the dashboard before them: `executive/mrr`."""
    return str(uuid5(HOUSE, f"{kind}/{key}"))


def may_be_ours(uuid: str) -> bool:
    """Superset gives random uuids (version 4) to what people make in it; ours are version 5."""
    return UUID(uuid).version == 5
