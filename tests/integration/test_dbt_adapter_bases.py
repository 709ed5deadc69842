"""dbt's own adapter test bases (dbt-tests-adapter) against the embedded warehouse, adapted to ClickHouse's SQL.

Only bases whose SQL ClickHouse can read are here; docs/warehouse-compatibility.md lists the others and why.
"""

import pytest
from dbt.tests.adapter.aliases.test_aliases import BaseAliasErrors, BaseAliases
from dbt.tests.adapter.basic.expected_catalog import base_expected_catalog, no_stats
from dbt.tests.adapter.basic.test_adapter_methods import BaseAdapterMethod
from dbt.tests.adapter.basic.test_base import BaseSimpleMaterializations
from dbt.tests.adapter.basic.test_docs_generate import BaseDocsGenerate
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
from dbt.tests.adapter.incremental.test_incremental_predicates import BaseIncrementalPredicates
from dbt.tests.adapter.query_comment.test_query_comment import BaseEmptyQueryComments, BaseQueryComments
from dbt.tests.adapter.relations.test_changing_relation_type import BaseChangeRelationTypeValidator
from dbt.tests.adapter.unit_testing.test_case_insensitivity import BaseUnitTestCaseInsensivity
from dbt.tests.adapter.unit_testing.test_invalid_input import BaseUnitTestInvalidInput
from dbt.tests.adapter.unit_testing.test_quoted_reserved_word_column_names import (
    BaseUnitTestQuotedReservedWordColumnNames,
)
from dbt.tests.adapter.utils.test_timestamps import BaseCurrentTimestamps

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


@pytest.mark.heavy
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


@pytest.mark.heavy
class TestSnapshotCheckCols(BaseSnapshotCheckCols):
    pass


class TestSnapshotTimestamp(BaseSnapshotTimestamp):
    pass


class TestAdapterMethods(BaseAdapterMethod):
    """Ends with dropping the schema that its own session is in."""


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


@pytest.mark.heavy
class TestQuotedReservedWords(BaseUnitTestQuotedReservedWordColumnNames):
    pass


@pytest.mark.heavy
class TestIncrementalPredicates(BaseIncrementalPredicates):
    pass


@pytest.mark.heavy
class TestCurrentTimestamps(BaseCurrentTimestamps):
    @pytest.fixture(scope="class")
    def expected_schema(self):
        names = ("current_timestamp", "current_timestamp_in_utc_backcompat", "current_timestamp_backcompat")
        return dict.fromkeys(names, "DateTime")

    @pytest.fixture(scope="class")
    def expected_sql(self):
        return None


@pytest.mark.heavy
class TestDocsGenerate(BaseDocsGenerate):
    @pytest.fixture(scope="class")
    def expected_catalog(self, project, profile_user):
        return base_expected_catalog(
            project,
            role=None,
            id_type="Int32",
            text_type="String",
            time_type="DateTime",
            view_type="view",
            table_type="table",
            model_stats=no_stats(),
        )
