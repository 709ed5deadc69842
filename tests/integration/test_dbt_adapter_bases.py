"""dbt's own adapter test bases (dbt-tests-adapter) against the embedded warehouse, adapted to ClickHouse's SQL.

Only bases whose SQL ClickHouse can read are here; docs/warehouse-compatibility.md lists the others and why.
"""

import pytest
from dbt.tests.adapter.aliases.test_aliases import BaseAliasErrors, BaseAliases
from dbt.tests.adapter.basic.test_base import BaseSimpleMaterializations
from dbt.tests.adapter.basic.test_empty import BaseEmpty
from dbt.tests.adapter.basic.test_ephemeral import BaseEphemeral
from dbt.tests.adapter.basic.test_generic_tests import BaseGenericTests
from dbt.tests.adapter.basic.test_incremental import BaseIncremental, BaseIncrementalNotSchemaChange
from dbt.tests.adapter.basic.test_singular_tests import BaseSingularTests
from dbt.tests.adapter.basic.test_singular_tests_ephemeral import BaseSingularTestsEphemeral
from dbt.tests.adapter.basic.test_snapshot_check_cols import BaseSnapshotCheckCols
from dbt.tests.adapter.basic.test_snapshot_timestamp import BaseSnapshotTimestamp
from dbt.tests.adapter.basic.test_table_materialization import BaseTableMaterialization
from dbt.tests.adapter.basic.test_validate_connection import BaseValidateConnection
from dbt.tests.adapter.concurrency.test_concurrency import BaseConcurrency
from dbt.tests.adapter.dbt_debug.test_dbt_debug import BaseDebug
from dbt.tests.adapter.dbt_show.test_dbt_show import BaseShowLimit, BaseShowSqlHeader
from dbt.tests.adapter.empty.test_empty import BaseTestEmpty
from dbt.tests.adapter.query_comment.test_query_comment import BaseEmptyQueryComments, BaseQueryComments
from dbt.tests.adapter.relations.test_changing_relation_type import BaseChangeRelationTypeValidator
from dbt.tests.adapter.unit_testing.test_case_insensitivity import BaseUnitTestCaseInsensivity
from dbt.tests.adapter.unit_testing.test_invalid_input import BaseUnitTestInvalidInput

from gtc.settings import Settings

pytest_plugins = ["dbt.tests.fixtures.project"]


@pytest.fixture(scope="class")
def dbt_profile_target(warehouse: Settings) -> dict[str, object]:
    return {
        "type": "clickhouse",
        "driver": "http",
        "host": warehouse.warehouse_host,
        "port": warehouse.warehouse_port,
        "user": warehouse.warehouse_user,
        "password": warehouse.warehouse_password.get_secret_value(),
        "threads": 4,
        "custom_settings": {"mutations_sync": 2},
    }


class TestValidateConnection(BaseValidateConnection):
    pass


class TestSimpleMaterializations(BaseSimpleMaterializations):
    pass


class TestEmptyProject(BaseEmpty):
    pass


class TestEphemeral(BaseEphemeral):
    pass


class TestSingularTests(BaseSingularTests):
    pass


class TestGenericTests(BaseGenericTests):
    pass


class TestIncremental(BaseIncremental):
    pass


class TestSnapshotCheckCols(BaseSnapshotCheckCols):
    pass


class TestSnapshotTimestamp(BaseSnapshotTimestamp):
    pass


class TestConcurrency(BaseConcurrency):
    pass


class TestChangeRelationType(BaseChangeRelationTypeValidator):
    pass


@pytest.mark.heavy
class TestSingularTestsEphemeral(BaseSingularTestsEphemeral):
    pass


@pytest.mark.heavy
class TestIncrementalNotSchemaChange(BaseIncrementalNotSchemaChange):
    pass


@pytest.mark.heavy
class TestTableMaterialization(BaseTableMaterialization):
    pass


@pytest.mark.heavy
class TestAliases(BaseAliases):
    pass


@pytest.mark.heavy
class TestAliasErrors(BaseAliasErrors):
    pass


@pytest.mark.heavy
class TestDebug(BaseDebug):
    pass


@pytest.mark.heavy
class TestShowLimit(BaseShowLimit):
    pass


@pytest.mark.heavy
class TestShowSqlHeader(BaseShowSqlHeader):
    pass


@pytest.mark.heavy
class TestEmptyFlag(BaseTestEmpty):
    pass


@pytest.mark.heavy
class TestQueryComments(BaseQueryComments):
    pass


@pytest.mark.heavy
class TestEmptyQueryComments(BaseEmptyQueryComments):
    pass


@pytest.mark.heavy
class TestUnitTestCaseInsensitivity(BaseUnitTestCaseInsensivity):
    pass


@pytest.mark.heavy
class TestUnitTestInvalidInput(BaseUnitTestInvalidInput):
    pass
