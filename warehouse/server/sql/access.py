"""Who may run what: decides on the statement's tokens, so that quoting, case and comments hide nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from warehouse.server.sql.errors import access_denied, read_only
from warehouse.server.sql.statement import Kind, Statement

# Functions that reach files, programs, other hosts or the serving process itself.
REACHING_OUT = frozenset(
    b"file fileCluster url urlCluster s3 s3Cluster gcs cosn oss azureBlobStorage azureBlobStorageCluster hdfs "
    b"hdfsCluster remote remoteSecure mysql postgresql mongodb redis sqlite odbc jdbc ytsaurus executable python "
    b"iceberg icebergS3 icebergAzure icebergHDFS icebergLocal icebergCluster icebergS3Cluster icebergAzureCluster "
    b"icebergHDFSCluster deltaLake deltaLakeS3 deltaLakeAzure deltaLakeLocal deltaLakeCluster deltaLakeS3Cluster "
    b"deltaLakeAzureCluster hudi hudiCluster paimon arrowFlight prometheusQuery prometheusQueryRange".lower().split()
)
SYSTEM_DATABASES = (b"system", b"information_schema")


@dataclass(frozen=True)
class Access:
    """Who asks, and in which database and with which query parameters names are to be understood."""

    user: str
    read_only: bool
    database: str = "default"
    parameters: Mapping[str, str] = field(default_factory=dict)


def authorise(statement: Statement, access: Access) -> None:
    """Raise StatementError when `access` does not allow `statement`."""
    _refuse_processes_objects(statement)
    if statement.kind in (Kind.DDL, Kind.INSERT):
        _refuse_system_targets(statement, access)
    if access.read_only:
        _authorise_reader(statement)


def _refuse_processes_objects(statement: Statement) -> None:
    for token, after in pairwise(statement.tokens):
        name = token.identifier
        if name is not None and after.text == b"(" and name.lower() in (b"python", b"executable"):
            raise access_denied(
                f"Not enough privileges: the function {name.decode()} is not available in this warehouse"
            )


def _refuse_system_targets(statement: Statement, access: Access) -> None:
    """DDL and inserts into the engine's own databases."""
    end_words = (b"SELECT", b"WHERE") if statement.kind is not Kind.INSERT else (b"SELECT", b"WITH")
    if access.database.lower().encode() in SYSTEM_DATABASES:
        raise access_denied("Not enough privileges: the database `system` cannot be changed; choose another database")
    for at, token in enumerate(statement.tokens):
        if token.word in end_words and at:
            return
        name = token.identifier
        if name is None or name.lower() not in SYSTEM_DATABASES:
            continue
        dotted = at + 1 < len(statement.tokens) and statement.tokens[at + 1].text == b"."
        if dotted or statement.tokens[at - 1].word in (b"DATABASE", b"EXISTS", b"SCHEMA"):
            raise access_denied("Not enough privileges: the database `system` cannot be changed")


def _authorise_reader(statement: Statement) -> None:
    if statement.kind in (Kind.INSERT, Kind.DDL, Kind.SYSTEM, Kind.OTHER):
        raise read_only("Cannot execute query in readonly mode.")
    for token, after in pairwise(statement.tokens):
        name = token.identifier
        if name is not None and after.text == b"(" and name.lower() in REACHING_OUT:
            raise access_denied(f"Not enough privileges: a reader may not use the function {name.decode()}")
