"""`gtc demo`: services, data, marts and their figures for each data set. Every step is safe to repeat."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from clickhouse_connect.driver.client import Client

from bi.access import read_access
from bi.release import release
from bi.servers import InApp
from bi.tree import TREE, read_tree
from gtc.build_state import BuildState
from gtc.services import OnAdministrator, up
from gtc.settings import PROJECT_ROOT, Dataset, Settings
from gtc.settings.datasets import MAIN_DATASET
from simulator import loads
from simulator.order import Order, thirteen_months
from simulator.run import simulate
from simulator.world_file import read_world
from warehouse.client import connect
from warehouse.dbt import build
from warehouse.headlines import Headline, headline_kpis
from warehouse.importer import Options, import_file, load_mapping
from warehouse.migrations import migrate

#: People who visit the simulated company in the demo: about a million events.
DEMO_USERS = 20_000

#: The second data set, where the file is at hand.
RETAIL = Dataset("online_retail")


class DemoError(Exception):
    """A step failed; the text says which and what to do."""


class Step(Protocol):
    """What a running step may say about itself."""

    def now(self, text: str) -> None:
        """What is being done at this moment."""

    def result(self, text: str) -> None:
        """What was done, for the closing line."""


#: Opens a step with its title; closing it ends its line.
Steps = Callable[[str], AbstractContextManager[Step]]


@dataclass(frozen=True)
class DemoDataset:
    """A data set of the demo: how it is named, how it is filled."""

    dataset: Dataset
    title: str
    fill: Callable[[Client, Settings, Step], str]


def run_demo(settings: Settings, steps: Steps, on_administrator: OnAdministrator) -> Iterator[list[Headline]]:
    """Do every step for every data set; yield the figures of each once its marts stand. Raises DemoError.

    `on_administrator` hears of Superset's first administrator, when one is made.
    """
    with steps("services") as step:
        step.result(", ".join(f"{service.name} at {service.address}" for service in up(settings, on_administrator)))
    for one in datasets(settings):
        chosen = settings.model_copy(update={"gtc_dataset": one.dataset.name})
        with connect(settings) as client:
            with steps(f"{one.dataset.name}: {one.title}") as step:
                migrate(client, one.dataset)
                step.result(one.fill(client, settings, step))
            with steps(f"{one.dataset.name}: marts and their tests") as step:
                step.result(build_marts(client, chosen, step))
            yield headline_kpis(client, one.dataset)
    if settings.superset_embedded:
        with steps("dashboards") as step:
            step.result(deploy_dashboards(settings, step))


def datasets(settings: Settings) -> list[DemoDataset]:
    """The simulated company, and Online Retail where its file is."""
    company = DemoDataset(Dataset("globaltaxcalc"), "simulated company", fill_with_simulation)
    retail = DemoDataset(RETAIL, "invoices of a UK retailer", fill_with_invoices)
    return [company, retail] if settings.gtc_online_retail_file.is_file() else [company]


def fill_with_simulation(client: Client, settings: Settings, step: Step) -> str:
    """Simulate thirteen months up to yesterday, unless the data set holds a finished simulation of an earlier day."""
    dataset = Dataset("globaltaxcalc")
    if any(load.status == "done" for load in loads.known_loads(client, dataset)):
        return "already simulated"
    order = Order(read_world(None), DEMO_USERS, *thirteen_months(), seed=1)
    summary = simulate(
        client,
        dataset,
        order,
        truth=settings.gtc_var_dir / "truth" / dataset.name,
        replace=True,
        progress=lambda done, total: step.now(f"{done:,} of {total:,} people"),
    )
    return f"{summary.total:,} rows, among them {summary.rows['user_events']:,} events"


def fill_with_invoices(client: Client, settings: Settings, step: Step) -> str:
    """Import Online Retail, once."""
    summary = import_file(
        client,
        RETAIL,
        str(settings.gtc_online_retail_file),
        load_mapping(PROJECT_ROOT / "warehouse" / "mappings" / "online_retail.yml"),
        Options(settings.gtc_var_dir / "import"),
        lambda name, done, total: step.now(f"{name}, {done / max(total, 1):.0%}"),
    )
    if summary.status == "already_loaded":
        return "already loaded"
    return f"{summary.rows_read:,} lines read, {summary.rows_rejected:,} rejected"


def deploy_dashboards(settings: Settings, step: Step) -> str:
    """Bring Superset to what the files say, for the simulated company."""
    company = settings.model_copy(update={"gtc_dataset": MAIN_DATASET})
    tree = read_tree()
    with InApp(company) as server:
        done = release(server, tree, read_access(TREE), company, warm=True, say=step.now)
    return f"{len(tree.dashboard)} pages, {len(tree.chart)} charts, {'unchanged' if done.is_nothing else 'deployed'}"


def build_marts(client: Client, settings: Settings, step: Step) -> str:
    """Build what the data set's raw tables and the models of this moment give, unless that stands already."""
    state = BuildState.of(client, settings)
    if state.is_built(client):
        return "already built from the same data and models"
    result = build(settings, say=step.now)
    if not result.success:
        failed = "; ".join(f"{node.name}: {node.message}" for node in result.failures[:3])
        raise DemoError(f"{len(result.failures)} nodes of dbt failed: {failed}; run `gtc build` to see all")
    state.remember()
    return f"{result.count('model')} models, {result.count('test') + result.count('unit_test')} tests passed"
