"""Names of events, pages and kinds of sessions, in the order of their numbers. Meanings: docs/events.md."""

from simulator.scenario import Scenario

EVENT_NAMES = (
    "page_view",
    "calculator_started",
    "calculator_step",
    "calculator_error",
    "calculator_completed",
    "sign_up",
    "login",
    "checkout_started",
    "trial_started",
    "purchase",
    "plan_changed",
    "subscription_cancelled",
)
(
    PAGE_VIEW,
    CALCULATOR_STARTED,
    CALCULATOR_STEP,
    CALCULATOR_ERROR,
    CALCULATOR_COMPLETED,
    SIGN_UP,
    LOGIN,
    CHECKOUT_STARTED,
    TRIAL_STARTED,
    PURCHASE,
    PLAN_CHANGED,
    SUBSCRIPTION_CANCELLED,
) = range(len(EVENT_NAMES))

#: Median seconds since the event before, and sigma of the lognormal law.
PACE = {
    PAGE_VIEW: (18.0, 0.9),
    CALCULATOR_STARTED: (4.0, 0.6),
    CALCULATOR_STEP: (14.0, 0.8),
    CALCULATOR_ERROR: (5.0, 0.6),
    CALCULATOR_COMPLETED: (2.0, 0.5),
    SIGN_UP: (45.0, 0.6),
    LOGIN: (12.0, 0.6),
    CHECKOUT_STARTED: (15.0, 0.7),
    TRIAL_STARTED: (20.0, 0.6),
    PURCHASE: (60.0, 0.6),
    PLAN_CHANGED: (20.0, 0.6),
    SUBSCRIPTION_CANCELLED: (25.0, 0.7),
}

#: Kinds of sessions: a visit before the account, the one that opens it, an ordinary one, and four with a purpose.
VISIT, OPENING, ORDINARY, BUYING, CHANGING, CANCELLING, RETURNING = range(7)

#: What follows the account in the session that opens it.
NOTHING, TRIAL, DIRECT = range(3)

#: Pages that have a purpose, after the ordinary ones of the world.
PURPOSE_PAGES = ("/sign-up", "/login", "/pricing", "/checkout", "/account", "/account/plan")


def page_paths(scenario: Scenario) -> list[str]:
    """All paths: ordinary pages, pages with a purpose, then one page a calculator."""
    calculators = [f"/calculators/{name.replace('_', '-')}" for name in scenario.world.calculators]
    return [*scenario.world.pages, *PURPOSE_PAGES, *calculators]


def purpose_page(scenario: Scenario, path: str) -> int:
    """Number of a page with a purpose."""
    return len(scenario.world.pages) + PURPOSE_PAGES.index(path)


def calculator_page(scenario: Scenario) -> int:
    """Number of the first calculator's page."""
    return len(scenario.world.pages) + len(PURPOSE_PAGES)
