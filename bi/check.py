"""Runs every chart as its readers do: with the default filters, with each one changed, after clicks on other charts."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from bi.browser_query import as_browser
from bi.clicks import clicked, clicks_of
from bi.filters import Choice, choices, defaults_of, filtered, filters_of, numbers_of, value_queries, with_first_items
from bi.headlines import fault_of_headline
from bi.normal import normal
from bi.servers import Server, SupersetError, rows, timed
from bi.tree import Content, Tree
from bi.words import country_names
from gtc.settings import Settings

#: The fault of a chart that answers with nothing.
NO_ROWS = "no rows"


@dataclass(frozen=True)
class ChartRun:
    """One query of one chart under one choice of filters. `fault` is empty when it is well."""

    dashboard: str
    chart: str
    filters: str
    rows: int
    seconds: float
    fault: str = ""

    def document(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


#: A term of the marts, such as paid_search: pages show words.
TERM = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")

#: A run with the server's answer, which is empty when there was none.
Outcome = tuple[ChartRun, dict[str, Any]]


def run_charts(server: Server, tree: Tree) -> list[ChartRun]:
    """Run charts and filters of every dashboard as the page opens, so that the server has their rows in its cache."""
    tidy = normal(tree)
    datasets = {str(row["uuid"]): row["id"] for row in rows(server, "dataset", ["id", "uuid"])}
    for dashboard in tidy.dashboard.values():
        for context in value_queries(dashboard, datasets):
            server.request("POST", "/api/v1/chart/data", context)
    return [run for run, _ in _runs(server, tidy, force=False, changed_filters=False)]


def check(server: Server, tree: Tree, settings: Settings, say: Callable[[str], None]) -> list[ChartRun]:
    """Every chart under every filter, past the caches; big numbers are compared with the mart. Raises SupersetError.

    Then a click on each chart that filters others, for every column that they share.
    """
    found, tidy = [], normal(tree)
    answers: dict[str, dict[str, Any]] = {}
    for run, answer in chain(_runs(server, tidy, force=True, changed_filters=True), _clicks(server, tidy, answers)):
        if answer and not run.filters:
            answers[run.chart] = answer
        fault = run.fault or fault_of_headline(answer, tidy, run.chart, settings)
        found.append(ChartRun(**{**asdict(run), "fault": fault}))
        under = f" · {run.filters}" if run.filters else ""
        say(f"{run.chart}{under}: {fault or f'{run.rows} rows'} ({run.seconds:.2f} s)")
    return found


def _runs(server: Server, tidy: Tree, *, force: bool, changed_filters: bool) -> Iterator[Outcome]:
    charts = {str(row["uuid"]): row["id"] for row in rows(server, "chart", ["id", "uuid"])}
    datasets = {str(row["uuid"]): row["id"] for row in rows(server, "dataset", ["id", "uuid"])}
    keys = tidy.names("chart")
    for slug, closed in tidy.dashboard.items():
        dashboard = with_first_items(server, closed, datasets)
        filters = filters_of(server, dashboard, datasets) if changed_filters else defaults_of(dashboard)
        for uuid, number in numbers_of(dashboard).items():
            key = keys[uuid]
            if uuid not in charts:
                yield ChartRun(slug, key, "", 0, 0.0, "is not on the server; run `gtc dashboards deploy`"), {}
                continue
            context = _context(server, charts[uuid])
            context = context if force else as_browser(context, tidy.chart[key]["params"])
            for changed, alternatives in choices(filters):
                if changed is None or number not in changed.excluded:
                    yield _first_with_rows(server, slug, key, number, context, alternatives, force=force)


def _clicks(server: Server, tidy: Tree, answers: dict[str, dict[str, Any]]) -> Iterator[Outcome]:
    """Charts after a click elsewhere. `answers` are those with default filters; what clicks ask alike is asked once."""
    keys, datasets = tidy.names("chart"), {one["uuid"]: one for one in tidy.dataset.values()}
    for slug, dashboard in tidy.dashboard.items():
        numbers = {number: keys[uuid] for uuid, number in numbers_of(dashboard).items() if keys[uuid] in answers}
        asked: set[tuple[int, tuple[str, ...]]] = set()
        for number, key in numbers.items():
            chart = tidy.chart[key]
            rows_shown = answers[key]["result"]["data"]
            for click in clicks_of(dashboard, number, chart, datasets[chart["dataset_uuid"]], rows_shown):
                for other in sorted(click.reach & set(numbers)):
                    dataset = datasets[tidy.chart[numbers[other]]["dataset_uuid"]]
                    contexts = [
                        (f"click on {key}: {', '.join(map(str, chosen.values()))}", context)
                        for chosen in click.alternatives
                        if (context := clicked(answers[numbers[other]]["context"], chosen, dataset))
                    ]
                    question = (other, tuple(click.alternatives[0]))
                    if contexts and question not in asked:
                        asked.add(question)
                        yield _first_answered(server, slug, numbers[other], contexts)


def _first_answered(server: Server, slug: str, key: str, contexts: list[tuple[str, dict[str, Any]]]) -> Outcome:
    """The first of the queries that gives rows; an error is an error at once."""
    for words, context in contexts:
        found = _run(server, slug, key, words, context)
        if found[0].fault != NO_ROWS:
            break
    return found


def _first_with_rows(
    server: Server,
    slug: str,
    key: str,
    number: int,
    context: Content,
    alternatives: list[tuple[str, Choice]],
    *,
    force: bool,
) -> Outcome:
    """The first alternative that gives rows."""
    contexts = [(words, {**filtered(context, number, chosen), "force": force}) for words, chosen in alternatives]
    return _first_answered(server, slug, key, contexts)


def _run(server: Server, slug: str, key: str, words: str, context: dict[str, Any]) -> Outcome:
    with timed() as took:
        answer = server.request("POST", "/api/v1/chart/data", context)
    if not answer.is_good:
        return ChartRun(slug, key, words, 0, took[0], answer.complaint), {}
    results = answer.body["result"]
    count = sum(result["rowcount"] or 0 for result in results)
    entity = context.get("form_data", {}).get("entity")
    fault = fault_of_words(results, entity) if all(map(_says_something, results)) else NO_ROWS
    return ChartRun(slug, key, words, count, took[0], fault), {"context": context, "result": results[0]}


def fault_of_words(results: list[dict[str, Any]], entity: str | None = None) -> str:
    """Names the first term or code of the marts that readers would see where words belong; empty when there is none.

    A map finds its countries by their codes, in the column `entity`, and shows their names.
    """
    rows_shown = (row for result in results for row in result["data"] or [])
    values = (value for row in rows_shown for name, value in row.items() if isinstance(value, str) and name != entity)
    codes = country_names()
    term = next((value for value in values if TERM.fullmatch(value) or value in codes), None)
    return f"shows the term {term}; give its dataset a column in words" if term else ""


def _says_something(result: dict[str, Any]) -> bool:
    """Whether there is a row with a value in it: an aggregate over nothing is one row of nothing."""
    return any(value is not None for row in result["data"] or [] for value in row.values())


def _context(server: Server, chart: int) -> dict[str, Any]:
    """The query that the server keeps for the chart. Raises SupersetError."""
    found = server.request("GET", f"/api/v1/chart/{chart}")
    if not found.is_good or not found.body["result"].get("query_context"):
        raise SupersetError(f"chart {chart} has no query on the server; run `gtc dashboards deploy`")
    context: dict[str, Any] = json.loads(found.body["result"]["query_context"])
    return context
