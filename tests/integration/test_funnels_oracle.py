"""Any funnel that can be declared equals an oracle that walks through every chain on its own."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from funnels_support import Macros
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from marts_support import rows, uuid_of
from oracle_events import Row, day_cutter
from oracle_funnels import funnel_users

Wrong = tuple[str, str]

#: Where the made-up events stand.
DATABASE = "made_up_funnels"

#: London's midnight after the night in which its clocks went forward: a change of day in the middle of many chains.
MIDNIGHT = datetime(2025, 3, 30, 23)

EVENT_COLUMNS = ("event_name", "page_path", "country", "device_type")
REVENUE_COLUMNS = ("event_type", "plan", "country")


def made_up_people(count: int = 400, seed: int = 7) -> dict[str, list[Row]]:
    """People with a few events each from a tiny alphabet, on a grid of a few minutes, with many equal moments."""
    draw, people, number = random.Random(seed), {}, 0
    for person in range(count):
        grid = draw.choice([timedelta(minutes=1), timedelta(minutes=1), timedelta(minutes=7)])
        events = []
        for _ in range(draw.randint(1, 11)):
            number += 1
            jitter = timedelta(milliseconds=draw.choice([0, 0, 0, 1]))
            events.append(
                {
                    "source": draw.choice(["events"] * 5 + ["revenue"]),
                    "event_id": uuid_of(draw.getrandbits(40) * 100_000 + number),
                    "event_at": MIDNIGHT + grid * draw.randint(-5, 5) + jitter,
                    "event_name": draw.choice("aaabbcx"),
                    "page_path": draw.choice(["/p", "/q"]),
                    "event_type": draw.choice(["charge", "trial_started"]),
                    "plan": draw.choice(["plus", "pro"]),
                    "country": draw.choice(["GB", "FR"]),
                    "device_type": draw.choice(["mobile", "desktop"]),
                    "properties": draw.choice([{}, {"plan": "pro"}, {"calculator": "vat"}]),
                }
            )
        people[f"p{person}"] = events
    return people


PEOPLE = made_up_people()

#: One channel per visit, the second one from midnight on.
VISITS = [(MIDNIGHT - timedelta(days=1), "email"), (MIDNIGHT, "direct")]


def channel_of(person: str, moment: datetime) -> str:
    """The channel of the visit that had begun last."""
    return [channel for begun, channel in VISITS if begun <= moment][-1]


@pytest.fixture(scope="module")
def sources(marts_client: Client) -> Iterator[dict[str, str]]:
    """Tables with the made-up events, as person_funnels reads them."""
    client = marts_client
    client.command(f"drop database if exists {DATABASE}")
    client.command(f"create database {DATABASE}")
    texts = {"events": EVENT_COLUMNS, "revenue": REVENUE_COLUMNS}
    for source, columns in texts.items():
        client.command(
            f"create table {DATABASE}.{source} (person_id String, event_id UUID, event_at DateTime64(3, 'UTC'),"
            f" properties Map(String, String), {', '.join(f'{name} LowCardinality(String)' for name in columns)})"
            " engine = Memory"
        )
        names = ["event_id", "event_at", "properties", *columns]
        events = [(who, event) for who, found in PEOPLE.items() for event in found if event["source"] == source]
        data = [[who, *(event[name] for name in names)] for who, event in events]
        random.Random(1).shuffle(data)
        client.insert(source, data, column_names=["person_id", *names], database=DATABASE)
    client.command(
        f"create table {DATABASE}.sessions (person_id String, started_at DateTime64(3, 'UTC'), channel String)"
        " engine = Memory"
    )
    client.insert("sessions", [[who, *visit] for who in PEOPLE for visit in VISITS], database=DATABASE)
    yield {name: f"{DATABASE}.{name}" for name in ("events", "revenue", "sessions")}
    client.command(f"drop database {DATABASE}")


MACROS = Macros({}, time_zone="Europe/London")


def answer(
    client: Client, sources: dict[str, str], declaration: Row, wrong: tuple[str, str] | None = None
) -> list[Row]:
    """What the macros' SQL says about a declaration; `wrong` replaces a piece of it."""
    assert MACROS.funnel_faults([declaration]) == []
    sql = MACROS.funnel_query(MACROS.funnel_plan(declaration), sources)
    if wrong:
        assert wrong[0] in sql, f"the SQL has changed; change the mutant with it: {wrong[0]}"
        sql = sql.replace(*wrong)
    return rows(client, f"select * from ({sql}) order by person_id, entry_date settings join_use_nulls = 1")


def with_source(person: str) -> list[Row]:
    """Events with the columns of their own source only."""
    keep = {"events": EVENT_COLUMNS, "revenue": REVENUE_COLUMNS}
    always = ("source", "event_id", "event_at", "properties")
    return [{name: event[name] for name in (*always, *keep[event["source"]])} for event in PEOPLE[person]]


EVENTS_OF = {person: with_source(person) for person in PEOPLE}


def faults(found: list[Row], declaration: Row) -> str:
    """The person with the fewest events about whom SQL and oracle disagree; empty when they agree."""
    wanted = funnel_users(declaration, EVENTS_OF, day_cutter("Europe/London"), channel_of)
    by_person: dict[str, tuple[list[Row], list[Row]]] = {person: ([], []) for person in PEOPLE}
    for side, lines in enumerate((found, wanted)):
        for line in lines:
            by_person[line["person_id"]][side].append(line)
    wrong = [person for person, (left, right) in by_person.items() if left != right]
    if not wrong:
        return ""
    person = min(wrong, key=lambda who: len(PEOPLE[who]))
    events = sorted(EVENTS_OF[person], key=lambda event: event["event_at"])
    story = [f"{e['event_at']} {e.get('event_name', e.get('event_type'))} {e['event_id']} {e}" for e in events]
    left, right = by_person[person]
    return "\n".join([f"{len(wrong)} people, such as", *story, f"found  {left}", f"wanted {right}"])


conditions = st.sampled_from(
    [
        ("events", {"event_name": "a"}),
        ("events", {"event_name": "a"}),
        ("events", {"event_name": "b"}),
        ("events", {"event_name": "b"}),
        ("events", {"event_name": "c"}),
        ("events", {"event_name": ["b", "c"]}),
        ("events", {"event_name": "a", "page_path": "/p"}),
        ("events", {"event_name": {"matches": "^[ab]$"}, "page_path": "/q"}),
        ("events", {"event_name": {"not": ["a", "x"]}}),
        ("events", {"properties.calculator": "vat"}),
        ("revenue", {"event_type": "charge"}),
        ("revenue", {"event_type": "trial_started", "plan": "pro"}),
    ]
)
windows = st.sampled_from(["3 minutes", "5 minutes", "7 minutes", "1 hour", "300001 milliseconds", "1 week"])
pauses = st.sampled_from(["1 millisecond", "1 minute", "2 minutes", "3 minutes"])
NAMES = ["one", "two", "three", "four", "five"]


@st.composite
def declarations(draw: st.DrawFn) -> Row:
    """A funnel of any kind that may be declared."""
    order = draw(st.sampled_from(["ordered", "ordered", "ordered", "strict", "any"]))
    apart = draw(st.booleans())
    pool = draw(st.permutations(["a", "b", "c", "x"])) if apart else []
    steps: list[Row] = []
    for name in NAMES[: draw(st.integers(1, 4 if apart else 5))]:
        source, where = ("events", {"event_name": pool[len(steps)]}) if apart else draw(conditions)
        step: Row = {"name": name, "source": source, "where": where}
        if draw(st.integers(0, 5)) == 0:
            step["first_time"] = True
        if steps and order != "any":
            step |= {"optional": True} if draw(st.integers(0, 2)) == 0 else {}
            step |= {"within": draw(windows)} if draw(st.integers(0, 3)) == 0 else {}
            step |= {"after": draw(pauses)} if draw(st.integers(0, 3)) == 0 else {}
        steps.append(step)
    exclusions = []
    for _ in range(draw(st.integers(0, 2)) if len(steps) > 1 else 0):
        begin, end = sorted(draw(st.lists(st.integers(0, len(steps) - 1), min_size=2, max_size=2, unique=True)))
        source, where = draw(conditions | st.just(("events", {"event_name": "x"})))
        exclusions.append({"source": source, "where": where, "from": NAMES[begin], "to": NAMES[end]})
    at = st.sampled_from(["first", "first", "last", *NAMES[: len(steps)]])
    columns = draw(st.lists(st.sampled_from(["country", "device_type", "plan", "channel"]), unique=True, max_size=3))
    return {
        "name": "made_up",
        "title": "Made up",
        "description": "Drawn at random.",
        "order": order,
        "reentry": draw(st.sampled_from(["best", "best", "first"])),
        "window": draw(windows),
        "steps": steps,
        "exclusions": exclusions,
        "breakdowns": [{"column": column, "at": draw(at)} for column in columns],
    }


def steps_of(*names: str) -> list[Row]:
    """Steps on event names."""
    return [{"name": NAMES[n], "where": {"event_name": name}} for n, name in enumerate(names)]


def declared(*names: str, **more: Any) -> Row:
    """A funnel over event names."""
    return {"name": "f", "title": "F", "description": "F.", "window": "1 hour", "steps": steps_of(*names)} | more


NO_X = {"where": {"event_name": "x"}, "from": "one", "to": "two"}
TWICE = declared("a", "a", "b", window="5 minutes")


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(declarations())
@example(TWICE)
@example(TWICE | {"order": "any"})
@example(TWICE | {"order": "strict", "breakdowns": [{"column": "channel", "at": "last"}]})
@example(declared("a", "b", "c", window="5 minutes", exclusions=[NO_X]))
def test_any_funnel_equals_the_oracle(marts_client: Client, sources: dict[str, str], declaration: Row) -> None:
    assert faults(answer(marts_client, sources, declaration), declaration) == ""


SKIP_TWO = declared("a", "b", "c", "x", window="5 minutes")
SKIP_TWO["steps"][1] |= {"optional": True, "within": "3 minutes"}
PAUSE = declared("a", "b", window="5 minutes")
PAUSE["steps"][1] |= {"after": "1 minute"}
PAUSE_STRICT = PAUSE | {"order": "strict"}
NO_X_AT_ALL = {"where": {"event_name": "x"}, "from": "one", "to": "three"}
NO_X_FUNNEL = declared("a", "b", "c", window="5 minutes", exclusions=[NO_X_AT_ALL], breakdowns=[{"column": "country"}])

NO_X_AB = declared("a", "b", window="5 minutes", exclusions=[NO_X])

#: A funnel, a rule of its SQL, and the wrong one next to it.
MUTANTS: dict[str, tuple[Row, Wrong]] = {
    "the window ends before its last moment": (NO_X_FUNNEL, ("moments.1 <= 300000, 3", "moments.1 < 300000, 3")),
    "the window begins at the step before": (NO_X_FUNNEL, ("moments.3 - moments.1", "moments.3 - moments.2")),
    "steps stand against their order": (
        TWICE,
        ("(row.1, row.2, row.3), arrayFlatten", "(row.1, row.3, row.2), arrayFlatten"),
    ),
    "exclusions count at the moment of a step": (NO_X_AB, (">= 2, moments.2 - 1", ">= 2, moments.2")),
    "exclusions count while nobody waits": (NO_X_FUNNEL, ("moments.1 + 300000)", "moments.1 + 900000)")),
    "an excluded chain is as good as a clean one": (NO_X_FUNNEL, (") * 2 + (", ") * 2 + 0 * (")),
    "days are cut in UTC": (NO_X_FUNNEL, ("'Europe/London'", "'UTC'")),
    "ids of a moment are passed over": (NO_X_FUNNEL, ("gap > 0 and gap < 65536", "false")),
    "a later chain of a day is never better": (NO_X_FUNNEL, (" or rank < rank_before", "")),
    "the best day is the first": (NO_X_FUNNEL, ("bitShiftLeft(toUInt64(chain.2), 42) + ", "")),
    "optional steps are skipped at once": (SKIP_TWO, (" <= link_3.1", " < link_3.1 - 60000")),
    "a step has all the time in the world": (SKIP_TWO, ("link_2.1 - time <= 180000", "link_2.1 - time <= 18000000")),
    "a step comes at once": (PAUSE, ("between [0, 60000][row.2]", "between [0, 0][row.2]")),
    "a step comes later than its first moment": (PAUSE, ("between [0, 60000][row.2]", "between [0, 60001][row.2]")),
    "a strict step comes at once": (PAUSE_STRICT, ("between [0, 60000][number]", "between [0, 0][number]")),
    "an event fills two steps": (TWICE, (" and not has(acc.4, row.3)", "")),
    "an event clears nothing": (TWICE | {"order": "strict"}, ("(acc.1, acc.2, acc.3, acc.4, row.1)", "acc")),
    "any order is the order told": (TWICE | {"order": "any"}, ("row.4 != 0", "bitTest(row.4, 1)")),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_oracle_notices_a_wrong_rule(marts_client: Client, sources: dict[str, str], name: str) -> None:
    declaration, wrong = MUTANTS[name]
    assert faults(answer(marts_client, sources, declaration), declaration) == ""
    assert faults(answer(marts_client, sources, declaration, wrong), declaration) != ""
