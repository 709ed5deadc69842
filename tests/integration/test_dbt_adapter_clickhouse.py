"""What dbt-clickhouse's own suite asks of a server, in one project of ours: incremental strategies, dictionaries,
projections, materialized and refreshable views, query settings, query ids that lead into the query log.
"""

import pytest
from dbt.tests.util import run_dbt

from gtc.settings import Settings

pytest_plugins = ["dbt.tests.fixtures.project"]

PLANS = "id,name,price\n1,free,0\n2,pro,20\n3,team,50\n"
SOURCES = """
sources:
  - name: seeded
    schema: "{{ target.schema }}"
    tables: [{name: plans}]
"""
INCREMENTAL = """
{{ config(materialized='incremental', order_by='id', unique_key='id', incremental_strategy='%s') }}
{%% if is_incremental() %%} select toUInt64(2) as id, 'new' as word union all select 9 as id, 'new' as word
{%% else %%} select number as id, 'old' as word from numbers(5) {%% endif %%}
"""
OVERWRITTEN = """
{{ config(materialized='incremental', order_by='id', partition_by='part', incremental_strategy='insert_overwrite') }}
{% if is_incremental() %} select 'b' as part, 7 as id
{% else %} select 'a' as part, 1 as id union all select 'b' as part, 2 as id {% endif %}
"""
DICTIONARY = """
{{ config(materialized='dictionary', fields=[('id', 'Int32'), ('name', 'String')], primary_key='id',
          layout='HASHED()', lifetime='1', source_type='clickhouse') }}
select id, upper(name) as name from {{ source('seeded', 'plans') }}
"""
PROJECTED = """
{{ config(materialized='table', order_by='id',
          projections=[{'name': 'by_name', 'query': 'select name, sum(price) group by name'}]) }}
select id, name, price from {{ source('seeded', 'plans') }}
"""
MATERIALIZED_VIEW = """
{{ config(materialized='materialized_view', engine='MergeTree()', order_by='id') }}
select id, price * 12 as yearly from {{ source('seeded', 'plans') }}
"""
REFRESHABLE = """
{{ config(materialized='materialized_view', engine='MergeTree()', order_by='id',
          refreshable={'interval': 'EVERY 1 HOUR'}) }}
select id, price from {{ source('seeded', 'plans') }}
"""
NULLS = """
{{ config(materialized='table', order_by='tuple()', query_settings={'join_use_nulls': 1}) }}
select r.id as id from (select 1 as id) l left join (select 2 as id) r on l.id = r.id
"""


@pytest.fixture(scope="class")
def dbt_profile_target(warehouse: Settings) -> dict[str, object]:
    return {
        "type": "clickhouse",
        "host": warehouse.warehouse_host,
        "port": warehouse.warehouse_port,
        "user": warehouse.warehouse_user,
        "password": warehouse.warehouse_password.get_secret_value(),
        "threads": 4,
        "use_lw_deletes": True,
    }


class TestClickHouseFeatures:
    @pytest.fixture(scope="class")
    def seeds(self):
        return {"plans.csv": PLANS}

    @pytest.fixture(scope="class")
    def models(self):
        return {
            "sources.yml": SOURCES,
            "deleted_and_inserted.sql": INCREMENTAL % "delete+insert",
            "rebuilt.sql": INCREMENTAL % "legacy",
            "overwritten.sql": OVERWRITTEN,
            "plan_names.sql": DICTIONARY,
            "projected.sql": PROJECTED,
            "yearly.sql": MATERIALIZED_VIEW,
            "refreshed.sql": REFRESHABLE,
            "with_nulls.sql": NULLS,
        }

    def test_all_of_them_are_built_and_built_again(self, project):
        def ask(sql: str) -> list[tuple[object, ...]]:
            return project.run_sql(sql, fetch="all")

        run_dbt(["seed"])
        first = run_dbt(["run"])
        assert [result.status for result in first.results] == ["success"] * 8
        run_dbt(["run", "--exclude", "yearly", "refreshed"])

        for table in ("deleted_and_inserted", "rebuilt"):
            assert ask(f"select id, word from {table} order by id") == [
                (0, "old"), (1, "old"), (2, "new"), (3, "old"), (4, "old"), (9, "new"),
            ]  # fmt: skip
        assert ask("select part, id from overwritten order by part") == [("a", 1), ("b", 7)]
        assert ask("select isNullable(id) from with_nulls") == [(1,)]
        assert ask(f"select dictGet('{project.test_schema}.plan_names', 'name', 2)") == [("PRO",)]
        project.run_sql("insert into plans (id, name, price) values (4, 'max', 100);")
        project.run_sql("system reload dictionary plan_names")
        assert ask("select count() from plan_names") == [(4,)]
        assert ask("select yearly from yearly where id = 4") == [(1200,)]
        project.run_sql("system refresh view refreshed_mv") if ask("exists table refreshed_mv") == [(1,)] else None
        assert ask("select count() > 0 from system.view_refreshes") == [(1,)]

        query = f"-- which projection\nselect name, sum(price) from {project.test_schema}.projected group by name"
        assert len(ask(query)) == 3
        project.run_sql("SYSTEM FLUSH LOGS", fetch="all")
        logged = ask(
            "select projections, query from system.query_log where query like '-- which projection%' "
            "and type = 'QueryFinish' order by event_time_microseconds desc limit 1"
        )
        assert logged[0][0] == [f"{project.test_schema}.projected.by_name"]
        assert query in logged[0][1]
        query_id = first.results[0].adapter_response["query_id"]
        assert ask(f"select count() > 0 from system.query_log where query_id = '{query_id}'") == [(1,)]
