"""Rows of performance_metrics: a sample of the requests behind the clicks, with latency, errors and incidents."""

import numpy as np
import pyarrow as pa

from simulator import vocabulary as words
from simulator.columns import chosen, ids, low, stamps
from simulator.draws import Floats, Ints, generator, pick, uuids
from simulator.people import People
from simulator.product_rows import CELL_KEYS, Stream
from simulator.scenario import Scenario
from simulator.world_parts import RouteKind

KINDS: tuple[RouteKind, ...] = ("page", "calculator", "result", "account", "checkout")
_KIND_OF_EVENT = {
    words.PAGE_VIEW: 0,
    words.CALCULATOR_STARTED: 1,
    words.CALCULATOR_STEP: 1,
    words.CALCULATOR_ERROR: 1,
    words.CALCULATOR_COMPLETED: 2,
    words.SIGN_UP: 3,
    words.LOGIN: 3,
    words.PLAN_CHANGED: 3,
    words.SUBSCRIPTION_CANCELLED: 3,
    words.CHECKOUT_STARTED: 4,
    words.TRIAL_STARTED: 4,
    words.PURCHASE: 4,
}
_ERRORS = ("", "ServiceUnavailable", "InternalServerError", "GatewayTimeout", "BadRequest", "NotFound")
_STATUS = np.array([200, 503, 500, 504, 400, 404], dtype=np.uint16)
_UNAVAILABLE, _INTERNAL = 1, 2

#: A request is answered at the latest after this time.
LONGEST_MS = 60_000.0


def routes(scenario: Scenario) -> list[str]:
    """Route templates: pages first, then the programming interfaces."""
    laws = scenario.world.requests.routes
    pages = [path for path in words.page_paths(scenario) if not path.startswith("/calculators/")]
    return [*pages, "/calculators/{calculator}", *(laws[kind].route for kind in KINDS[1:])]


def request_rows(scenario: Scenario, people: People, stream: Stream, users: pa.Array) -> tuple[pa.Table, Ints]:
    """Requests of one cell, and the moment of each."""
    world = scenario.world.requests
    random = generator(scenario.seed, "requests", people.cell)
    rows = np.flatnonzero(random.random(stream.count) < world.sample)
    moment = stream.moment[rows]
    kind = np.array([_KIND_OF_EVENT[name] for name in range(len(words.EVENT_NAMES))])[stream.name[rows]]
    laws = [world.routes[name] for name in KINDS]
    median, sigma = np.array([law.median_ms for law in laws])[kind], np.array([law.sigma for law in laws])[kind]
    duration = median * np.exp(sigma * random.standard_normal(len(rows)))
    size = np.array([law.kilobytes for law in laws])[kind] * 1024 * random.gamma(4, 0.25, len(rows))
    error = np.where(random.random(len(rows)) < world.background_errors, pick(random, [0, 1, 3, 1, 4, 4], len(rows)), 0)
    duration, error = _incidents(scenario, random, moment, kind, duration, error)
    table = pa.table(
        {
            "event_id": ids(
                uuids(scenario.seed, "performance_metrics", people.cell * CELL_KEYS + np.arange(len(rows)))
            ),
            "event_at": stamps(moment),
            "route": low(routes(scenario), _route_numbers(scenario, kind, stream.page[rows])),
            "method": low([law.method for law in laws], kind),
            "status_code": pa.array(_STATUS[error]),
            "duration_ms": pa.array(np.minimum(duration, LONGEST_MS).astype(np.float32)),
            "response_bytes": pa.array(np.where(error > 0, 512, size).astype(np.uint32)),
            "country": low(scenario.countries, people.country[stream.person[rows]]),
            "server": low(world.servers, random.integers(0, len(world.servers), len(rows))),
            "error_type": low(_ERRORS, error),
            "user_id": chosen(users, np.where(stream.known[rows], stream.person[rows], -1)),
        }
    )
    return table, moment


def _route_numbers(scenario: Scenario, kind: Ints, page: Ints) -> Ints:
    pages = len(routes(scenario)) - len(KINDS)
    return np.where(kind == 0, np.minimum(page, pages), pages + kind)


def _incidents(
    scenario: Scenario,
    random: np.random.Generator,
    moment: Ints,
    kind: Ints,
    duration: Floats,
    error: Ints,
) -> tuple[Floats, Ints]:
    for stretch, incident in scenario.incidents:
        hit = stretch.holds(moment) & np.isin(kind, [KINDS.index(name) for name in incident.routes])
        fails = hit & (random.random(len(moment)) < incident.failing)
        error = np.where(fails, _UNAVAILABLE if incident.kind == "outage" else _INTERNAL, error)
        duration = np.where(hit, duration * incident.factor, duration)
    return duration, error
