"""What to do while the warehouse holds no marts: until then pages show the engine's complaint, not charts."""

from gtc.settings import Settings
from warehouse.client import WarehouseUnavailableError, connect


def first_steps(settings: Settings) -> str:
    """One line of advice; empty once there are marts, and while the warehouse does not answer."""
    schema = settings.dataset.schema
    try:
        with connect(settings, connect_timeout=2) as client:
            found = client.query("select count() from system.tables where database = {name:String}", {"name": schema})
    except WarehouseUnavailableError:
        return ""
    if found.result_rows[0][0]:
        return ""
    return (
        f"there are no marts in {schema} yet, so dashboards have nothing to show; run `make demo`, "
        "or fill raw with `gtc import` or `gtc simulate`, then `gtc build`"
    )
