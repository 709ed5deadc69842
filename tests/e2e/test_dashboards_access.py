"""Who reaches what: every role over HTTP, on the demo's Superset. `gtc dashboards deploy` made the roles."""

import csv
import io
from typing import Any

import pytest
from superset_side import FromAddress, Person, Platform

from bi.access import read_access
from bi.identity import uuid_of
from bi.tree import Tree, read_tree

COUNTRY = "DE"


@pytest.fixture(scope="module")
def files(platform: Platform) -> Tree:
    return read_tree(platform.root / "superset_exports")


@pytest.fixture(scope="module")
def allowed(platform: Platform) -> dict[str, set[str]]:
    """Slugs by role, as access.yaml has them."""
    access = read_access(platform.root / "superset_exports")
    roles = {role for roles in access.dashboards.values() for role in roles}
    return {role: {slug for slug, names in access.dashboards.items() if role in names} for role in roles}


def numbers(boss: Person, resource: str) -> dict[str, int]:
    """Number by uuid."""
    found: dict[str, int] = {}
    for page in range(10):
        rows = boss.get(f"/api/v1/{resource}/?q=(page:{page},page_size:100,columns:!(id,uuid))").json()["result"]
        found |= {row["uuid"]: row["id"] for row in rows}
    return found


@pytest.fixture(scope="module")
def country_charts(files: Tree, people: dict[str, Person], allowed: dict[str, set[str]]) -> list[dict[str, Any]]:
    """Charts that a country manager is shown: dataset, chart, dashboard, and the dataset's columns."""
    boss = people["boss"]
    charts, datasets, dashboards = (numbers(boss, resource) for resource in ("chart", "dataset", "dashboard"))
    by_uuid = {dataset["uuid"]: dataset for dataset in files.dataset.values()}
    found = [
        {
            "key": key,
            "dataset": datasets[chart["dataset_uuid"]],
            "chart": charts[uuid_of("chart", key)],
            "dashboard": dashboards[uuid_of("dashboard", key.split("/")[0])],
            "columns": [column["column_name"] for column in by_uuid[chart["dataset_uuid"]]["columns"]],
            "table": by_uuid[chart["dataset_uuid"]]["table_name"],
        }
        for key, chart in files.chart.items()
        if key.split("/")[0] in allowed["Country manager"]
    ]
    assert len(found) > 10
    return found


def database(boss: Person) -> int:
    return int(boss.get("/api/v1/database/").json()["result"][0]["id"])


def test_each_role_is_shown_the_dashboards_of_the_file(people: dict[str, Person], allowed: dict[str, set[str]]) -> None:
    assert set(people["vic"].dashboards()) == allowed["Viewer"]
    assert set(people["dora"].dashboards()) == allowed["Country manager"]
    assert set(people["ann"].dashboards()) == allowed["Analyst"]
    assert people["nobody"].dashboards() == {}
    hidden = allowed["Viewer"] - allowed["Country manager"]
    assert hidden
    for slug in hidden:
        assert people["dora"].get(f"/api/v1/dashboard/{slug}").status_code in (403, 404)


def test_a_viewer_sees_the_data_of_charts_and_reaches_nothing_but_dashboards(
    people: dict[str, Person], country_charts: list[dict[str, Any]]
) -> None:
    viewer, boss, one = people["vic"], people["boss"], country_charts[0]
    page = viewer.get(f"/superset/dashboard/{one['dashboard']}/")
    assert page.status_code in (200, 302)
    count = {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "n"}
    assert (
        viewer.data(one["dataset"], one["dashboard"], one["chart"], metrics=[count]).json()["result"][0]["rowcount"]
        == 1
    )
    assert viewer.data(one["dataset"], None, None, metrics=[count]).status_code == 403
    assert viewer.get(f"/api/v1/dataset/{one['dataset']}").status_code in (403, 404)
    assert viewer.get("/api/v1/dataset/").status_code == 403
    assert viewer.get("/api/v1/database/").status_code == 403
    assert viewer.sql(database(boss), "select 1").status_code == 403
    assert viewer.get("/api/v1/security/users/").status_code == 403
    assert viewer.get("/api/v1/security/roles/").status_code == 403
    assert viewer.get("/api/v1/rowlevelsecurity/").status_code == 403
    assert viewer.get("/api/v1/assets/export/").status_code == 403
    assert viewer.get(f"/api/v1/dashboard/export/?q=!({one['dashboard']})").status_code == 403
    assert viewer.put(f"/api/v1/dashboard/{one['dashboard']}", {"dashboard_title": "mine"}).status_code == 403
    assert viewer.put(f"/api/v1/chart/{one['chart']}", {"slice_name": "mine"}).status_code == 403
    assert viewer.delete(f"/api/v1/chart/{one['chart']}").status_code == 403
    assert viewer.post("/api/v1/chart/", {"slice_name": "mine"}).status_code == 403
    assert viewer.get("/api/v1/chart/").json()["count"] == 0
    for path in ("/sqllab/", "/users/list/", "/databaseview/list/", "/tablemodelview/list/"):
        assert viewer.get(path).status_code in (302, 403, 404), path


def test_a_stranger_and_somebody_without_a_role_get_nothing(
    people: dict[str, Person], country_charts: list[dict[str, Any]]
) -> None:
    one = country_charts[0]
    for person in (people["stranger"], people["nobody"]):
        assert person.dashboards() == {}
        for path in (
            f"/api/v1/dashboard/{one['dashboard']}", f"/api/v1/dashboard/{one['dashboard']}/charts",
            f"/api/v1/chart/{one['chart']}", f"/api/v1/dataset/{one['dataset']}", f"/api/v1/chart/{one['chart']}/data/",
            "/api/v1/assets/export/", "/api/v1/database/", "/api/v1/security/users/",
        ):  # fmt: skip
            assert person.get(path).status_code in (302, 401, 403, 404), path
        assert person.data(one["dataset"], one["dashboard"], one["chart"], columns=["country"]).status_code in (
            401,
            403,
        )
    stranger = people["stranger"].get(f"/superset/dashboard/{one['dashboard']}/")
    assert stranger.status_code == 302
    assert "/login" in stranger.headers["Location"]


def test_a_country_manager_gets_zero_foreign_rows_whatever_a_chart_asks(
    people: dict[str, Person], country_charts: list[dict[str, Any]]
) -> None:
    seen = 0
    for one in country_charts:
        asked = (one["dataset"], one["dashboard"], one["chart"])
        count = {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "n"}
        if "country" in one["columns"]:
            answer = people["dora"].data(*asked, columns=["country"], metrics=[count])
            rows = answer.json()["result"][0]["data"]
            assert {row["country"] for row in rows} <= {COUNTRY}, one["key"]
            seen += sum(row["n"] for row in rows)
        else:
            answer = people["dora"].data(*asked, metrics=[count])
            assert answer.json()["result"][0]["data"] == [{"n": 0}], one["key"]
    assert seen > 0
    everything = people["boss"].data(*asked, metrics=[count]).json()["result"][0]["data"]
    assert everything[0]["n"] > 0


def test_a_country_manager_gets_zero_foreign_rows_in_a_download(
    people: dict[str, Person], country_charts: list[dict[str, Any]]
) -> None:
    one = next(one for one in country_charts if one["table"] == "revenue_daily")
    count = {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "n"}
    context = {
        "datasource": {"id": one["dataset"], "type": "table"}, "force": True, "result_format": "csv",
        "result_type": "full", "form_data": {"dashboardId": one["dashboard"], "slice_id": one["chart"]},
        "queries": [{"columns": ["country"], "metrics": [count], "filters": [], "row_limit": 1000}],
    }  # fmt: skip
    for person, expected in (("dora", {COUNTRY}), ("boss", None)):
        answer = people[person].post("/api/v1/chart/data", context)
        assert answer.status_code == 200, answer.text
        _, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
        countries = {row[0] for row in rows}
        assert countries == expected if expected else len(countries) > 5
    assert people["dora"].get("/api/v1/assets/export/").status_code == 403


def test_rows_behind_a_chart_are_shown_to_analysts_and_to_nobody_else_who_reads_pages(
    people: dict[str, Person], country_charts: list[dict[str, Any]]
) -> None:
    one = next(one for one in country_charts if one["table"] == "revenue_daily")
    path = f"/datasource/samples?datasource_type=table&datasource_id={one['dataset']}&per_page=50&page=1"
    path += f"&force=true&dashboard_id={one['dashboard']}"
    drilled = {"filters": [{"col": "country", "op": "==", "val": COUNTRY}]}
    found = people["ann"].post(path, drilled)
    assert found.status_code == 200, found.text
    rows = found.json()["result"]["data"]
    assert len(rows) == 50
    assert {row["country"] for row in rows} == {COUNTRY}
    for person in ("vic", "dora", "nobody", "stranger"):
        assert people[person].post(path, drilled).status_code in (302, 401, 403), person
    assert {person for person in ("ann", "vic", "dora", "nobody") if may(people[person], "can_drill", "Dashboard")} == {
        "ann", "dora",
    }  # fmt: skip
    assert {person for person in ("ann", "vic", "dora") if may(people[person], "can_samples", "Datasource")} == {"ann"}


def may(person: Person, permission: str, view: str) -> bool:
    """Whether the pages offer it to somebody: they read this list."""
    answer = person.get("/api/v1/me/roles/")
    roles = answer.json()["result"]["roles"] if answer.ok else {}
    return any([permission, view] == list(pair) for pairs in roles.values() for pair in pairs)


def test_a_country_manager_who_drills_by_another_column_sees_rows_of_the_country(
    people: dict[str, Person], country_charts: list[dict[str, Any]]
) -> None:
    one = next(one for one in country_charts if one["table"] == "revenue_daily")
    count = {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "n"}
    form = {"dashboardId": one["dashboard"], "slice_id": 0, "chart_id": one["chart"], "groupby": ["plan", "country"]}
    context = {
        "datasource": {"id": one["dataset"], "type": "table"}, "force": True, "form_data": form,
        "queries": [{"columns": ["plan", "country"], "metrics": [count], "filters": [], "row_limit": 1000}],
        "result_format": "json", "result_type": "full",
    }  # fmt: skip
    offered = f"/api/v1/dataset/{one['dataset']}/drill_info/?q=(dashboard_id:{one['dashboard']})"
    columns = [column["column_name"] for column in people["dora"].get(offered).json()["result"]["columns"]]
    assert "plan" in columns
    assert people["vic"].get(offered).status_code == 403
    answer = people["dora"].post("/api/v1/chart/data", context)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["result"][0]["data"]
    assert {row["country"] for row in rows} == {COUNTRY}
    assert len({row["plan"] for row in rows}) > 1
    assert people["nobody"].post("/api/v1/chart/data", context).status_code == 403


def test_a_country_manager_has_neither_datasets_nor_sql_lab(
    people: dict[str, Person], country_charts: list[dict[str, Any]]
) -> None:
    dora, one = people["dora"], country_charts[0]
    assert dora.get(f"/api/v1/dataset/{one['dataset']}").status_code in (403, 404)
    assert dora.get("/api/v1/dataset/").status_code == 403
    samples = f"/datasource/samples?datasource_type=table&datasource_id={one['dataset']}"
    assert dora.post(samples, {}).status_code in (403, 404)
    assert dora.sql(database(people["boss"]), "select * from analytics.revenue_daily").status_code == 403


def test_the_rows_of_a_country_manager_stay_the_same_with_sql_lab(people: dict[str, Person]) -> None:
    number = database(people["boss"])
    statement = "select country, count(*) as n from analytics.revenue_daily group by country"
    dan, ann = (people[person].sql(number, statement) for person in ("dan", "ann"))
    assert ann.status_code == 200, ann.text
    assert len(ann.json()["data"]) > 5
    assert dan.status_code == 200, dan.text
    assert {row["country"] for row in dan.json()["data"]} == {COUNTRY}
    nested = "select * from (select distinct country from analytics.revenue_daily) as inside"
    assert people["dan"].sql(number, nested).json()["data"] == [{"country": COUNTRY}]


def test_an_analyst_asks_marts_and_nothing_else_and_cannot_write(people: dict[str, Person]) -> None:
    ann, number = people["ann"], database(people["boss"])
    assert ann.sql(number, "select count(*) as n from analytics.kpi_daily").json()["data"][0]["n"] > 0
    for table in ("raw.user_events", "analytics_staging.stg_user_events", "system.processes"):
        refused = ann.sql(number, f"select * from {table} limit 1")
        assert [error["error_type"] for error in refused.json()["errors"]] == ["TABLE_SECURITY_ACCESS_ERROR"], table
    for statement in (
        "drop table analytics.kpi_daily",
        "insert into analytics.kpi_daily select * from analytics.kpi_daily",
    ):
        assert ann.sql(number, statement).status_code >= 400, statement
    assert ann.get("/api/v1/security/users/").status_code == 403


def test_the_warehouse_is_read_by_the_read_only_user(people: dict[str, Person]) -> None:
    number = database(people["boss"])
    asked = people["boss"].sql(number, "select getSetting('readonly') as readonly")
    assert asked.json()["data"][0]["readonly"] > 0
    shown = people["boss"].get(f"/api/v1/database/{number}/connection").json()["result"]
    assert shown["sqlalchemy_uri"].startswith("clickhousedb://reader:XXXXXXXXXX@")  # pragma: allowlist secret


def test_a_wrong_password_is_refused_and_guessing_is_limited(
    platform: Platform, passwords: dict[str, tuple[str, str]]
) -> None:
    name, password = passwords["vic"]
    guesser = Person(platform.url)
    guesser.name = name
    guesser.session.mount("http://", FromAddress("127.0.0.2"))
    guesser.session.headers["Connection"] = "close"  # each guess may meet another process of the server
    statuses = [guesser.log_in(f"guess {number}").status_code for number in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert guesser.log_in(password).status_code == 429, "the right guess must wait too"
    elsewhere = Person(platform.url)
    elsewhere.name = name
    assert elsewhere.log_in(password).status_code == 200, "others need not wait"


def test_guessing_is_limited_on_the_log_in_page_too(platform: Platform, passwords: dict[str, tuple[str, str]]) -> None:
    name, password = passwords["vic"]
    guesser = Person(platform.url)
    guesser.name = name
    guesser.session.mount("http://", FromAddress("127.0.0.3"))
    guesser.session.headers["Connection"] = "close"
    wrong = [guesser.send_form(f"guess {number}") for number in range(12)]
    assert [answer.status_code for answer in wrong] == [302] * 10 + [429] * 2
    assert "/login" in wrong[0].headers["Location"]
    assert guesser.send_form(password).status_code == 429, "the right guess must wait too"
    elsewhere = Person(platform.url, name, password)
    assert elsewhere.dashboards(), "others need not wait"


def test_pages_bear_security_headers_and_cookies_are_closed(platform: Platform) -> None:
    answer = Person(platform.url).get("/login/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "://" not in policy, "a page may ask another host, which then knows who opens it"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
