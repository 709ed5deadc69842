"""The words of the definition of funnels, each as the smallest example that depends on it; and faulty declarations."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from funnels_support import Macros
from marts_support import Row, for_dataset, rows, uuid_of

from gtc.settings import Settings
from warehouse.dbt import BuildError, build

MACROS = Macros({})
NAMES = ["one", "two", "three", "four", "five"]


def declared(*events: str, **more: Any) -> Row:
    """A funnel whose steps are event names."""
    steps = [{"name": NAMES[n], "where": {"event_name": event}} for n, event in enumerate(events)]
    return {"name": "f", "title": "F", "description": "F.", "window": "1 hour", "steps": steps} | more


def changed(funnel: Row, step: int, **more: Any) -> Row:
    """The funnel with a step that says more."""
    steps = [*funnel["steps"]]
    steps[step - 1] = steps[step - 1] | more
    return funnel | {"steps": steps}


def moment(text: str) -> datetime:
    """`13:30` or `13:30:00.001` of one day, `+1 13:30` of the next."""
    day = datetime(2026, 1, 1) + timedelta(days=text.startswith("+1"))
    return datetime.fromisoformat(f"{day.date()}T{text.removeprefix('+1 ')}")


def walk(client: Client, funnel: Row, story: str) -> list[Row]:
    """Rows of one person about whom `story` says `A 13:00, B 13:45`; ids sort against the order in which it is told."""
    events = [part.strip().split(" ", 1) for part in story.split(",")]
    told = ", ".join(
        f"(toUUID('{uuid_of(100 - n)}'), toDateTime64('{moment(at)}', 3, 'UTC'), '{name}', '{name.lower()}')"
        for n, (name, at) in enumerate(events)
    )
    columns = "'ada' as person_id, event.1 as event_id, event.2 as event_at, event.3 as event_name, event.4 as country"
    table = f"(select {columns}, map('', '') as properties from (select arrayJoin([{told}]) as event))"
    sources = {"events": table, "revenue": "", "sessions": ""}
    assert MACROS.funnel_faults([funnel]) == []
    sql = MACROS.funnel_query(MACROS.funnel_plan(funnel), sources)
    return rows(client, f"select * from ({sql}) order by entry_date")


def furthest(client: Client, funnel: Row, story: str) -> int:
    """How far the person comes; 0 for somebody who is not in the funnel."""
    best = [row for row in walk(client, funnel, story) if row["is_best"]]
    assert len(best) <= 1
    return best[0]["furthest_step"] if best and not best[0]["is_excluded"] else 0


ABC = declared("A", "B", "C")
A, B, _ = ABC["steps"]
NO_X = [{"where": {"event_name": "X"}, "from": "one", "to": "two"}]
EXCLUDING = ABC | {"exclusions": NO_X}
SKIPPING = changed(ABC, 2, optional=True)
STRICT, ANY, FIRST = {"order": "strict"}, {"order": "any"}, {"reentry": "first"}


@pytest.mark.parametrize(
    ("funnel", "story", "step"),
    [
        # The example of the definition.
        (ABC, "A 13:00, A 13:30, B 13:45, C 14:15", 3),
        (ABC | FIRST, "A 13:00, A 13:30, B 13:45, C 14:15", 2),
        # The window is measured from the chain's own entry and includes its last moment.
        (ABC, "A 13:00, B 13:59, C 14:00", 3),
        (ABC, "A 13:00, B 13:59, C 14:00:00.001", 2),
        # At the same moment, steps are taken in their order, whatever the ids say.
        (ABC, "C 13:00, B 13:00, A 13:00", 3),
        (declared("A", "B", "A"), "A 13:00, A 13:00, B 13:00", 3),
        # One event fills one step.
        (declared("A", "A"), "A 13:00", 1),
        (declared("A", "A"), "A 13:00, A 13:00", 2),
        (declared("A", "A") | ANY, "A 13:00", 1),
        (declared("A", "A", "B") | ANY, "A 13:00, B 13:10, A 13:20", 3),
        # A later step before its turn counts for nothing; nobody enters without the first step.
        (ABC, "C 12:00, A 13:00, C 13:10, B 13:20", 2),
        (ABC, "B 13:00, C 13:10", 0),
        # Strict: any other event clears the chain, but not what it has reached.
        (ABC | STRICT, "A 13:00, B 13:10, Z 13:20, C 13:30", 2),
        (ABC | STRICT, "A 13:00, A 13:05, B 13:10, C 13:30", 3),
        (ABC | STRICT, "A 13:00, Z 13:05, B 13:10, C 13:30, A 13:40, B 13:50", 2),
        # Any order: all steps inside one window, wherever it begins.
        (ABC | ANY, "C 13:00, A 13:30, B 14:00", 3),
        (ABC | ANY, "C 12:59, A 13:30, B 14:00, C 14:30", 3),
        (ABC | ANY, "C 12:59, A 13:30, B 14:00", 2),
        # Exclusion between the first two steps.
        (EXCLUDING, "A 13:00, X 13:05, B 13:10, C 13:20", 0),
        (EXCLUDING, "A 13:00, X 13:05", 0),  # step 1 included
        (EXCLUDING, "A 13:00, X 13:05, A 13:06, B 13:10", 2),  # a fresh step 1 starts clean
        (EXCLUDING, "A 13:00, X 13:05, B 13:10, C 13:20, A 13:30", 0),  # the furthest chain decides
        (EXCLUDING, "A 13:00, B 13:10, X 13:15, C 13:20", 3),  # after the second step it is harmless
        (EXCLUDING, "A 13:00, X 13:00, B 13:10", 2),  # at the moment of a step it lies between nothing
        (EXCLUDING, "A 13:00, X 14:00:00.001", 1),  # nor after the window
        (EXCLUDING, "A 13:00, X 14:00", 0),
        # Optional steps may be skipped; steps may have windows of their own.
        (SKIPPING, "A 13:00, C 13:10", 3),
        (SKIPPING, "A 13:00, B 13:10", 2),
        (changed(ABC, 2, within="10 minutes"), "A 13:00, B 13:10, C 13:59", 3),
        (changed(ABC, 2, within="10 minutes"), "A 13:00, B 13:10:00.001, C 13:59", 1),
        # A step may have to wait; what comes too early fills nothing, and what comes later does.
        (changed(ABC, 2, after="10 minutes"), "A 13:00, B 13:09:59.999, C 13:59", 1),
        (changed(ABC, 2, after="10 minutes"), "A 13:00, B 13:10, C 13:59", 3),
        (changed(ABC, 2, after="10 minutes"), "A 13:00, B 13:05, B 13:20, C 13:59", 3),
        (changed(ABC, 2, after="10 minutes") | STRICT, "A 13:00, B 13:05, B 13:20, C 13:59", 1),
        # Only the first time that the person ever did it.
        (changed(ABC, 1, first_time=True), "A 13:00, A 14:30, B 14:40, C 14:50", 1),
        (changed(ABC, 2, first_time=True), "B 12:00, A 13:00, B 13:10", 1),
    ],
)
def test_the_furthest_step(marts_client: Client, funnel: Row, story: str, step: int) -> None:
    assert furthest(marts_client, funnel, story) == step


def test_of_equally_far_chains_the_earliest_counts(marts_client: Client) -> None:
    [row] = walk(marts_client, ABC, "A 13:00, A 13:30, B 13:45")
    assert row["step_times"] == [moment("13:00"), moment("13:45")]


def test_each_entry_day_has_its_best_chain_and_the_range_filters_the_entry(marts_client: Client) -> None:
    first, second = walk(marts_client, ABC, "A 23:30, B 23:40, A 23:50, C +1 00:20, A +1 12:00")
    assert (first["furthest_step"], first["is_best"], second["furthest_step"], second["is_best"]) == (3, True, 1, False)
    assert first["step_times"][2] == moment("+1 00:20")


def test_a_skipped_step_has_no_time_and_is_not_done(marts_client: Client) -> None:
    [row] = walk(marts_client, SKIPPING, "A 13:00, C 13:10")
    assert (row["steps_done"], row["step_times"]) == (0b101, [moment("13:00"), None, moment("13:10")])


def test_breakdowns_are_taken_where_they_are_declared(marts_client: Client) -> None:
    places = [{"name": at, "column": "country", "at": at} for at in ("first", "two", "three", "last")]
    [row] = walk(marts_client, ABC | {"breakdowns": places}, "A 13:00, B 13:10")
    assert row["breakdown_values"] == {"first": "a", "two": "b", "three": "", "last": "b"}


def test_texts_with_quotes_and_backslashes_stay_texts(marts_client: Client) -> None:
    funnel = ABC | {
        "name": "f",
        "steps": [{"name": "one", "where": {"event_name": "it's \\ A", "country": {"not": "'"}}}],
    }
    assert furthest(marts_client, funnel, "A 13:00") == 0


#: What is wrong with a declaration, and what the build says.
FAULTY = [
    ({"color": "red"}, "funnel f: unknown key `color`"),
    ({"steps": []}, "funnel f: no steps"),
    ({"steps": [{"name": "one"}]}, "funnel f: step one: no condition: write `where` with at least one column"),
    ({"steps": [{"name": "one", "where": {}}]}, "funnel f: step one: no condition"),
    ({"steps": [{"name": "one", "where": {"colour": "x"}}]}, "funnel f: step one: unknown column `colour` of events"),
    ({"steps": [{"name": "one", "where": {"country": {"above": 1}}}]}, "step one: unknown comparison `above`"),
    ({"steps": [{"name": "one", "where": {"country": []}}]}, "step one: `country` is compared with nothing"),
    (
        {"steps": [{"name": "one", "source": "logs", "where": {"a": "b"}}]},
        "step one: `source` is logs; it may be events",
    ),
    ({"steps": [A, A]}, "funnel f: step one: declared twice"),
    ({"steps": "visit"}, "funnel f: `steps` must be a list of mappings"),
    ({"steps": [A | {"optional": True}]}, "step one: the first step cannot be optional"),
    ({"steps": [A, B | {"optional": "yes"}]}, "step two: `optional` is yes; it may be true or false"),
    ({"steps": [A, B | {"within": "soon"}]}, "funnel f: step two: `within` is soon"),
    ({"steps": [A, B | {"after": "later"}]}, "step two: `after` is later; write a duration such as `1 hour`"),
    ({"steps": [A | {"after": "1 minute"}]}, "step one: the first step has no step before it to be after"),
    ({"steps": [A, B | {"after": "2 hours"}]}, "`after` is 2 hours, and the time for the step is over in 1 hour"),
    (
        {"steps": [A, B | {"after": "6 minutes", "within": "5 minutes"}]},
        "`after` is 6 minutes, and the time for the step is over in 5 minutes",
    ),
    ({"steps": [A, B | {"after": "1 minute"}]} | ANY, "`after` need an order of steps, `order` is any"),
    ({"steps": [A | {"name": "last"}]}, "`name` is last; `first` and `last` are places of breakdowns"),
    (
        {"steps": [ABC["steps"][0], ABC["steps"][1] | {"optional": True}]} | ANY,
        "need an order of steps, `order` is any",
    ),
    ({"window": "a while"}, "funnel f: `window` is a while; write a duration such as `7 days` or `1 hour`"),
    ({"window": None}, "funnel f: `window` is None; write a duration"),
    ({"window": "0 days"}, "funnel f: `window` is 0 days"),
    ({"order": "sorted"}, "funnel f: `order` is sorted; it may be ordered, strict, any"),
    ({"reentry": "last"}, "funnel f: `reentry` is last; it may be best, first"),
    ({"value": "much"}, "funnel f: `value` is much; it is money"),
    ({"title": ""}, "funnel f: `title` is missing"),
    ({"name": "My funnel"}, "funnel My funnel: `name` is My funnel; write lower-case letters"),
    (
        {"exclusions": [NO_X[0] | {"to": "six"}]},
        "exclusion 1: `to` is six; it must be one of the steps one, two",
    ),
    ({"exclusions": [NO_X[0] | {"from": "two"}]}, "funnel f: exclusion 1: `from` two is not before `to` two"),
    ({"exclusions": [{"from": "one", "to": "two"}]}, "funnel f: exclusion 1: no condition"),
    ({"breakdowns": [{"column": "shoe_size"}]}, "breakdown shoe_size: unknown breakdown column `shoe_size`"),
    ({"breakdowns": [{"column": "country", "at": "six"}]}, "funnel f: breakdown country: `at` is six"),
    ({"breakdowns": [{"column": "country"}] * 2}, "funnel f: breakdown country: declared twice"),
]


@pytest.mark.parametrize(("fault", "said"), FAULTY)
def test_a_faulty_declaration_is_named_in_one_line(fault: Row, said: str) -> None:
    found = MACROS.funnel_faults([ABC | fault])
    assert len(found) == 1
    assert said in found[0]
    assert "\n" not in found[0]


def test_a_name_is_declared_once_and_the_list_is_a_list() -> None:
    assert MACROS.funnel_faults([ABC, ABC]) == ["funnel f: declared twice"]
    assert MACROS.funnel_faults({"f": ABC}) == ["`funnels` must be a list"]
    assert MACROS.funnel_faults(["f"]) == ["funnel 1 must be a mapping"]
    assert MACROS.funnel_faults([ABC]) == []


def test_a_faulty_declaration_stops_the_build(warehouse: Settings) -> None:
    faulty = ABC | {"window": "a while"}
    try:
        result = build(for_dataset(warehouse, "faulty"), select="declared_funnels", variables={"funnels": [faulty]})
    except BuildError as error:
        said = str(error)
    else:
        said = " ".join(node.message for node in result.failures)
    assert "funnel f: `window` is a while; write a duration such as `7 days` or `1 hour`" in said
