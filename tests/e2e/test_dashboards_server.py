"""Files and server: deploy, drift, prune, refusal, export and the check of every chart, on the demo's Superset."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from superset_side import Person, Platform

from bi.identity import uuid_of
from bi.normal import normal_files
from bi.tree import Content, read_tree


@pytest.fixture
def tree(platform: Platform, tmp_path: Path) -> Path:
    """A copy of the files that a test may change."""
    return Path(shutil.copytree(platform.root / "superset_exports", tmp_path / "tree"))


@dataclass
class Afar:
    """`gtc dashboards …` against the running server over its REST API: no application has to be started for it."""

    platform: Platform
    name: str
    password: str

    def __call__(self, command: str, *options: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        there = ("--url", self.platform.url, "--user", self.name)
        return self.platform.gtc(
            "dashboards", command, *options, *there, check=check, SUPERSET_LOGIN_PASSWORD=self.password
        )

    def deploy(self, tree: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("deploy", "--no-warm", "--json", "--tree", str(tree)).stdout)
        return found


@pytest.fixture(scope="module")
def afar(platform: Platform, passwords: dict[str, tuple[str, str]]) -> Afar:
    return Afar(platform, *passwords["boss"])


@pytest.fixture
def mended(afar: Afar) -> Iterator[None]:
    """Whatever a test does to the server is undone."""
    yield
    afar("deploy", "--no-warm")


def edit(path: Path, change: Any) -> None:
    content: Content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def a_chart(platform: Platform, boss: Person, viz_type: str = "big_number_total") -> tuple[str, int]:
    """Key and number of a chart of that kind."""
    files = read_tree(platform.root / "superset_exports")
    key = next(key for key, chart in files.chart.items() if chart["viz_type"] == viz_type)
    return key, number_of(boss, key)


def number_of(boss: Person, key: str) -> int:
    """The number that the server gave to a chart."""
    return next(int(row["id"]) for row in all_of_server(boss, "chart") if row["uuid"] == uuid_of("chart", key))


def test_the_demo_deployed_everything_and_a_second_deploy_changes_nothing(
    platform: Platform, people: dict[str, Person], afar: Afar
) -> None:
    files = read_tree(platform.root / "superset_exports")
    assert set(files.dashboard) <= set(people["boss"].dashboards())
    again = afar.deploy(platform.root / "superset_exports")
    assert (again["changed"], again["removed"], again["access"]) == ([], [], [])
    assert platform.gtc("dashboards", "deploy", "--check").stdout.strip() == "files and server agree"


def test_an_edit_in_superset_is_drift_then_a_small_diff_then_gone(
    platform: Platform, people: dict[str, Person], afar: Afar, tree: Path, mended: None
) -> None:
    boss = people["boss"]
    key, number = a_chart(platform, boss)
    assert boss.put(f"/api/v1/chart/{number}", {"slice_name": "Renamed by hand", "cache_timeout": 77}).ok
    drift = afar("deploy", "--check", "--tree", str(tree), check=False)
    assert drift.returncode == 1
    assert "+slice_name" in drift.stdout
    assert "-slice_name: Renamed by hand" in drift.stdout
    before = normal_files(read_tree(tree))
    afar("export", "--tree", str(tree))
    after = {name: (tree / name).read_text() for name in before}
    changed = {name for name in before if before[name] != after[name]}
    slug = key.split("/")[0]
    assert changed == {f"charts/{key}.yaml", f"dashboards/{slug}.yaml"}  # the page repeats the title
    new = set(after[f"charts/{key}.yaml"].splitlines()) - set(before[f"charts/{key}.yaml"].splitlines())
    assert new == {"slice_name: Renamed by hand", "cache_timeout: 77"}
    afar.deploy(platform.root / "superset_exports")
    assert afar("deploy", "--check").returncode == 0


def test_export_import_export_is_byte_identical(platform: Platform, afar: Afar, tree: Path) -> None:
    committed = {path.relative_to(tree): path.read_bytes() for path in tree.rglob("*.yaml")}
    afar("export", "--tree", str(tree))
    first = {path.relative_to(tree): path.read_bytes() for path in tree.rglob("*.yaml")}
    assert first == committed
    edit(tree / "charts" / f"{next(iter(read_tree(tree).chart))}.yaml", lambda chart: chart.update(cache_timeout=99))
    afar.deploy(tree)  # everything is imported anew
    afar.deploy(platform.root / "superset_exports")
    afar("export", "--tree", str(tree))
    assert {path.relative_to(tree): path.read_bytes() for path in tree.rglob("*.yaml")} == committed


def test_a_slug_of_somebody_else_is_never_taken_over(people: dict[str, Person], afar: Afar, tree: Path) -> None:
    boss = people["boss"]
    made = boss.post("/api/v1/dashboard/", {"dashboard_title": "By hand", "slug": "by_hand"}).json()["id"]
    try:
        slug, page = next(iter(read_tree(tree).dashboard.items()))
        page |= {"slug": "by_hand", "uuid": uuid_of("dashboard", "by_hand"), "dashboard_title": "Ours"}
        (tree / "dashboards" / "by_hand.yaml").write_text(yaml.safe_dump(page))
        refused = afar("deploy", "--tree", str(tree), check=False)
        assert refused.returncode == 1
        assert "the slug by_hand belongs to another dashboard, `By hand`" in refused.stderr
        assert boss.get(f"/api/v1/dashboard/{made}").json()["result"]["dashboard_title"] == "By hand"
        assert slug in boss.dashboards()
    finally:
        boss.delete(f"/api/v1/dashboard/{made}")


def test_what_was_removed_from_the_files_goes_and_what_people_made_stays(
    platform: Platform, people: dict[str, Person], afar: Afar, tree: Path, mended: None
) -> None:
    boss = people["boss"]
    files = read_tree(tree)
    key, chart = next((key, chart) for key, chart in files.chart.items() if chart["viz_type"] == "table")
    slug = key.split("/")[0]
    extra = f"{slug}/extra_of_a_test"
    chart |= {"uuid": uuid_of("chart", extra), "slice_name": "Extra"}
    (tree / "charts" / f"{extra}.yaml").write_text(yaml.safe_dump(chart))
    assert f"charts/{extra}.yaml" not in afar.deploy(tree)["removed"]
    _, number = a_chart(platform, boss)
    theirs = boss.get(f"/api/v1/chart/{number}").json()["result"]
    made = make_chart(boss, "Made by hand", theirs["params"], dataset_of(theirs))
    try:
        assert afar.deploy(platform.root / "superset_exports")["removed"] == ["chart Extra"]
        assert boss.get(f"/api/v1/chart/{made}").ok
        assert afar("deploy", "--check").returncode == 0
    finally:
        boss.delete(f"/api/v1/chart/{made}")


def test_a_draft_becomes_the_chart_of_its_file_where_it_stands(
    platform: Platform, people: dict[str, Person], afar: Afar, tree: Path, mended: None
) -> None:
    boss, slug = people["boss"], "experiments"
    before = {row["id"] for row in all_of_server(boss, "chart")}
    # Given a chart that somebody made in the browser and put on a page
    theirs = boss.get(f"/api/v1/chart/{a_chart(platform, boss)[1]}").json()["result"]
    page = boss.dashboards()[slug]
    made = make_chart(boss, "A draft", theirs["params"], dataset_of(theirs), page)
    put_on_page(boss, page, made)
    # if it is exported, under a better name than its own,
    told = afar("export", "--tree", str(tree)).stdout
    assert f"draft: chart `A draft` is charts/{slug}/a_draft.yaml" in told
    (tree / "charts" / slug / "a_draft.yaml").rename(tree / "charts" / slug / "better.yaml")
    platform.gtc("dashboards", "format", "--tree", str(tree))
    files = read_tree(tree)
    afar("export", "--tree", str(tree))
    assert read_tree(tree) == files, "a second export keeps the name"
    drift = afar("deploy", "--check", "--tree", str(tree), check=False)
    assert drift.returncode == 1
    assert f"would be adopted: chart `A draft` as {slug}/better" in drift.stdout
    # then a deploy makes no second one,
    done = afar.deploy(tree)
    assert (done["adopted"], done["removed"]) == ([f"chart `A draft` as {slug}/better"], [])
    assert number_of(boss, f"{slug}/better") == made
    assert {row["id"] for row in all_of_server(boss, "chart")} == before | {made}
    assert afar("deploy", "--check", "--tree", str(tree)).returncode == 0
    # and it goes with its file.
    assert afar.deploy(platform.root / "superset_exports")["removed"] == ["chart A draft"]
    assert {row["id"] for row in all_of_server(boss, "chart")} == before


def test_a_draft_becomes_the_dataset_of_its_file_where_it_stands(
    platform: Platform, people: dict[str, Person], afar: Afar, tree: Path, mended: None
) -> None:
    boss, slug = people["boss"], "experiments"
    page = boss.dashboards()[slug]
    before = {row["id"] for row in all_of_server(boss, "dataset")}
    # Given a dataset of a mart that no file has, and a chart on it, both made in the browser,
    ours = boss.get(f"/api/v1/dataset/{min(before)}").json()["result"]
    table = {"database": ours["database"]["id"], "schema": ours["schema"], "table_name": "lifecycle_weekly"}
    made = boss.post("/api/v1/dataset/", table).json()["id"]
    params = {"viz_type": "big_number_total", "metric": "count", "adhoc_filters": []}
    chart = make_chart(boss, "A draft", json.dumps(params), made, page)
    put_on_page(boss, page, chart)
    # if they are exported,
    told = afar("export", "--tree", str(tree)).stdout
    assert "draft: dataset `lifecycle_weekly` is datasets/warehouse/lifecycle_weekly.yaml" in told
    assert read_tree(tree).chart[f"{slug}/a_draft"]["dataset_uuid"] == uuid_of("dataset", "lifecycle_weekly")
    drift = afar("deploy", "--check", "--tree", str(tree), check=False)
    assert "would be adopted: dataset `lifecycle_weekly` as lifecycle_weekly" in drift.stdout
    # then a deploy makes no second one, and the chart stays on it,
    done = afar.deploy(tree)
    assert "dataset `lifecycle_weekly` as lifecycle_weekly" in done["adopted"]
    assert done["removed"] == []
    adopted = [row for row in all_of_server(boss, "dataset") if row["id"] not in before]
    assert adopted == [{"id": made, "uuid": uuid_of("dataset", "lifecycle_weekly")}]
    assert dataset_of(boss.get(f"/api/v1/chart/{chart}").json()["result"]) == made
    assert afar("deploy", "--check", "--tree", str(tree)).returncode == 0
    # and it goes with its file.
    removed = afar.deploy(platform.root / "superset_exports")["removed"]
    assert removed == ["chart A draft", "dataset lifecycle_weekly"]
    assert {row["id"] for row in all_of_server(boss, "dataset")} == before


def make_chart(boss: Person, name: str, params: str, dataset: int, *pages: int) -> int:
    """The number of a new chart, made as the editor does."""
    chart = {
        "slice_name": name, "viz_type": json.loads(params)["viz_type"], "params": params, "dashboards": pages,
        "datasource_id": dataset, "datasource_type": "table",
    }  # fmt: skip
    return int(boss.post("/api/v1/chart/", chart).json()["id"])


def dataset_of(chart: dict[str, Any]) -> int:
    """The number of a chart's dataset; the query that a deploy keeps with the chart names it."""
    return int(json.loads(chart["query_context"])["datasource"]["id"])


def all_of_server(boss: Person, kind: str) -> list[dict[str, Any]]:
    """Number and uuid of each chart or dataset."""
    rows = boss.get(f"/api/v1/{kind}/?q=(page_size:1000,columns:!(id,uuid))").json()["result"]
    return [{"id": row["id"], "uuid": row["uuid"]} for row in rows]


def put_on_page(boss: Person, page: int, chart: int) -> None:
    """Add a row with the chart below everything else, as the editor saves it."""
    position = json.loads(boss.get(f"/api/v1/dashboard/{page}").json()["result"]["position_json"])
    uuid = next(row["uuid"] for row in all_of_server(boss, "chart") if row["id"] == chart)
    parent = next(node for node in position.values() if isinstance(node, dict) and node["type"] in ("TAB", "GRID"))
    parents = [*parent.get("parents", []), parent["id"]]
    row = {"id": "ROW-draft", "type": "ROW", "children": ["CHART-draft"], "parents": parents,
           "meta": {"background": "BACKGROUND_TRANSPARENT"}}  # fmt: skip
    meta = {"chartId": chart, "uuid": uuid, "sliceName": "A draft", "width": 4, "height": 40}
    node = {"id": "CHART-draft", "type": "CHART", "children": [], "parents": [*parents, row["id"]], "meta": meta}
    parent["children"].append(row["id"])
    changed = {**position, row["id"]: row, node["id"]: node}
    assert boss.put(f"/api/v1/dashboard/{page}", {"position_json": json.dumps(changed)}).ok


def test_a_role_that_left_the_file_goes_and_roles_of_people_stay(
    platform: Platform, people: dict[str, Person], afar: Afar, tree: Path, mended: None
) -> None:
    boss = people["boss"]

    # Given a role of the file with rows of its own, a copy of it that somebody made, and a page of that somebody
    def add(access: Content) -> None:
        access["roles"]["Visitor"] = {"description": "of a test", "like": ["Viewer"]}
        access["dashboards"]["revenue"].append("Visitor")
        access["rows"].append({"role": "Visitor", "column": "country", "values": ["DE"]})

    edit(tree / "access.yaml", add)
    assert "role Visitor DE: new" in afar.deploy(tree)["access"]
    assert afar("deploy", "--check", "--tree", str(tree)).returncode == 0
    roles = roles_of_server(boss)
    granted = boss.get(f"/api/v1/security/roles/{roles['Visitor DE']}/permissions/").json()["result"]
    copy = boss.post("/api/v1/security/roles/", {"name": "Visitor DE copy"}).json()["id"]
    numbers = {"permission_view_menu_ids": [one["id"] for one in granted]}
    assert boss.post(f"/api/v1/security/roles/{copy}/permissions", numbers).ok
    page = boss.post("/api/v1/dashboard/", {"dashboard_title": "Theirs", "roles": [roles["Visitor DE"], copy]}).json()
    try:
        # if the role leaves the file,
        drift = afar("deploy", "--check", check=False)
        assert drift.returncode == 1
        assert "would be set: role Visitor DE: removed, 0 people had it" in drift.stdout
        assert "Visitor DE" in roles_of_server(boss)
        told = afar.deploy(platform.root / "superset_exports")["access"]
        # then it goes with its rows and from every page, and the copy stays.
        assert "role Visitor DE: removed, 0 people had it" in told
        assert "readers of Theirs: without Visitor DE" in told
        assert roles_of_server(boss) == {name: number for name, number in roles.items() if name != "Visitor DE"} | {
            "Visitor DE copy": copy
        }
        rules = boss.get("/api/v1/rowlevelsecurity/?q=(page_size:1000)").json()["result"]
        assert [rule["name"] for rule in rules if rule["name"].startswith("Visitor")] == []
        readers = boss.get(f"/api/v1/dashboard/{page['id']}").json()["result"]["roles"]
        assert [reader["name"] for reader in readers] == ["Visitor DE copy"]
        assert afar("deploy", "--check").returncode == 0
    finally:
        boss.delete(f"/api/v1/dashboard/{page['id']}")
        boss.delete(f"/api/v1/security/roles/{copy}")


def roles_of_server(boss: Person) -> dict[str, int]:
    rows = boss.get("/api/v1/security/roles/?q=(page_size:1000)").json()["result"]
    return {row["name"]: row["id"] for row in rows}


def test_a_wrong_password_is_one_line(afar: Afar) -> None:
    refused = Afar(afar.platform, afar.name, "wrong")("deploy", check=False)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("error: POST /api/v1/security/login: 401")


def test_every_chart_answers_under_every_filter_and_big_numbers_are_those_of_the_mart(
    platform: Platform, afar: Afar
) -> None:
    ended = afar("check", "--json", check=False)
    runs = json.loads(ended.stdout)
    assert [(run["chart"], run["filters"], run["fault"]) for run in runs if run["fault"]] == []
    assert ended.returncode == 0
    files = read_tree(platform.root / "superset_exports")
    assert {run["chart"] for run in runs} == set(files.chart)
    assert len(runs) > 2 * len(files.chart)
    assert max(run["seconds"] for run in runs) < 5


def test_a_broken_query_and_a_wrong_big_number_make_the_check_fail(
    platform: Platform, people: dict[str, Person], afar: Afar, mended: None
) -> None:
    boss = people["boss"]
    files = read_tree(platform.root / "superset_exports")
    wrong, number = a_chart(platform, boss)
    trend, number_of_trend = a_chart(platform, boss, "big_number")
    slug, slug_of_trend = wrong.split("/")[0], trend.split("/")[0]
    broken = next(
        key for key, chart in files.chart.items() if key.startswith(f"{slug}/") and "metrics" in chart["params"]
    )
    put_expression(boss, number, "count() + 0.5")
    put_expression(boss, number_of_trend, "count() + 0.25")
    put_expression(boss, number_of(boss, broken), "sum(no_such_column)")
    ended = afar("check", "--dashboard", slug, "--dashboard", slug_of_trend, check=False)
    assert ended.returncode == 1
    assert f"fault: {broken} (default filters): 400" in ended.stdout
    assert "no_such_column" in ended.stdout
    for key in (wrong, trend):
        faults = [line for line in ended.stdout.splitlines() if line.startswith(f"fault: {key} (default filters): ")]
        assert len(faults) == 1
        assert " shows " in faults[0]
        assert "the mart says" in faults[0]


def put_expression(boss: Person, number: int, expression: str) -> None:
    """Make a chart ask something else than its files say, under the same name."""
    context = json.loads(boss.get(f"/api/v1/chart/{number}").json()["result"]["query_context"])
    query = context["queries"][0]
    query["metrics"] = [{"expressionType": "SQL", "sqlExpression": expression, "label": query["metrics"][0]}]
    query["orderby"] = []
    changed = {"query_context": json.dumps(context), "query_context_generation": True}
    assert boss.put(f"/api/v1/chart/{number}", changed).ok
