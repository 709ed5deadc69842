"""The names that decide about access. A test compares them with what the engine in the wheel really offers."""


def _names(text: str) -> frozenset[bytes]:
    return frozenset(text.lower().encode().split())


#: Functions, table functions and engines that would touch files, programs or objects of the serving process, which a
#: ClickHouse server confines to its own directories; and those that run a string as a query.
LOCAL = _names(
    "file fileCluster filesystem python executable executablePool executable_pool sqlite fileLog library "
    "icebergLocal icebergLocalCluster deltaLakeLocal paimonLocal arrowStream catboostEvaluate eval viewExplain "
    "queryRunner fuzzQuery"
)

#: Functions and engines that fetch an address, which may be a `file:` address.
ADDRESSES = _names("url urlCluster http")

#: Table functions that reach other machines: for those who may write, as on a server, but not for readers.
REMOTE = _names(
    "url urlCluster s3 s3Cluster gcs cosn oss azureBlobStorage azureBlobStorageCluster hdfs hdfsCluster "
    "remote remoteSecure mysql postgresql mongodb redis odbc jdbc ytsaurus bigquery prometheusQuery "
    "prometheusQueryRange iceberg icebergS3 icebergAzure icebergHDFS icebergCluster icebergS3Cluster "
    "icebergAzureCluster icebergHDFSCluster deltaLake deltaLakeS3 deltaLakeAzure deltaLakeCluster deltaLakeS3Cluster "
    "deltaLakeAzureCluster hudi hudiCluster paimon paimonS3 paimonAzure paimonHDFS paimonCluster paimonS3Cluster "
    "paimonAzureCluster paimonHDFSCluster input loop"
)

#: Table functions that compute or look at tables of this warehouse.
HARMLESS = _names(
    "numbers numbers_mt zeros zeros_mt primes generateSeries generate_series generateRandom values SQLStandardValues "
    "null view viewIfPermitted format dictionary merge cluster clusterAllReplicas fuzzJSON mergeTreeIndex "
    "mergeTreeProjection mergeTreeAnalyzeIndexes mergeTreeAnalyzeIndexesUUID mergeTreeCodecBlockCounts "
    "mergeTreeTextIndex timeSeriesSelector timeSeriesMetricFamilies timeSeriesTags timeSeriesSamples timeSeriesMetrics "
    "timeSeriesData"
)

#: Table functions to which tables are named by strings or patterns.
NAMING = _names(
    "merge cluster clusterAllReplicas mergeTreeIndex mergeTreeProjection mergeTreeAnalyzeIndexes "
    "mergeTreeAnalyzeIndexesUUID mergeTreeCodecBlockCounts mergeTreeTextIndex timeSeriesSelector "
    "timeSeriesMetricFamilies timeSeriesTags timeSeriesSamples timeSeriesMetrics timeSeriesData"
)

#: Engines and table functions through which an insert or a definition reaches a table named in their arguments.
FORWARDING = _names("buffer distributed alias remote remoteSecure cluster clusterAllReplicas loop merge")


def mentions(text: bytes, names: frozenset[bytes]) -> bool:
    """Whether a text needs a closer look: it has one of the names, or an escape that could hide one."""
    lower = text.lower()
    return b"\\" in lower or any(name in lower for name in names)


#: The engine's own databases.
SYSTEM_DATABASES = _names("system information_schema")

#: Tables of `system` that hold other users' texts or accounts. The engine's raw logs, `engine_*`, count as well.
OTHERS_TABLES = _names(
    "user_processes query_cache asynchronous_inserts stack_trace users roles grants role_grants quotas quotas_usage "
    "quota_limits quota_usage row_policies settings_profiles settings_profile_elements user_directories "
    "named_collections sessions"
)
ENGINE_LOGS = b"engine_"

#: Settings that this layer or the file system depends on; no statement may set them.
KEPT_SETTINGS = _names(
    "chdb_client_name profile log_queries log_queries_probability log_queries_min_type "
    "log_queries_min_query_duration_ms log_queries_cut_to_length database input_format_record_errors_file_path"
)
