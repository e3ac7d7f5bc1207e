"""Asks a running sandbox what drsync asks Databricks, with Databricks' own clients, unmodified.

sdk_check.py URL TOKEN WAREHOUSE CLIENT_ID CLIENT_SECRET SYNC_LOCATION

Every check is one line; the exit status is the number of those that failed.
"""

import base64
import decimal
import io
import logging
import sys
import time
import traceback

from databricks.sdk import WorkspaceClient
from databricks.sdk import errors
from databricks.sdk.service import catalog, jobs, sql, workspace

URL, TOKEN, WAREHOUSE, CLIENT_ID, CLIENT_SECRET, SYNC = sys.argv[1:7]
logging.disable(logging.WARNING)
CHECKS = []
failed = 0


def check(call):
    CHECKS.append(call)
    return call


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"nothing was refused, {kind.__name__} expected")


def run(w, statement, **more):
    return w.statement_execution.execute_statement(
        statement=statement, warehouse_id=WAREHOUSE, wait_timeout="30s", **more
    )


def rows(w, statement, **more):
    answer = run(w, statement, **more)
    assert answer.status.state == sql.StatementState.SUCCEEDED, answer.status
    all_rows = list(answer.result.data_array or [])
    part = answer.result
    while part.next_chunk_index is not None:
        part = w.statement_execution.get_statement_result_chunk_n(answer.statement_id, part.next_chunk_index)
        all_rows += part.data_array
    return all_rows


@check
def current_user(w):
    assert w.current_user.me().user_name == "dr-sync@example.com"
    assert w.config.workspace_id is None or str(w.config.workspace_id).isdigit()


@check
def expired_token(w):
    other = WorkspaceClient(host=URL, token="dapi-expired")
    assert "Invalid access token" in str(refused(errors.PermissionDenied, other.current_user.me))


@check
def service_principal(w):
    other = WorkspaceClient(host=URL, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    assert other.current_user.me().active
    wrong = WorkspaceClient(host=URL, client_id=CLIENT_ID, client_secret="wrong")
    refused(Exception, wrong.current_user.me)


@check
def statement_with_everything(w):
    answer = run(
        w,
        "SELECT :v + 1 AS v, :nul AS n",
        catalog="main",
        schema="shop",
        byte_limit=1000,
        row_limit=10,
        disposition=sql.Disposition.INLINE,
        format=sql.Format.JSON_ARRAY,
        on_wait_timeout=sql.ExecuteStatementRequestOnWaitTimeout.CONTINUE,
        parameters=[
            sql.StatementParameterListItem(name="v", type="INT", value="12"),
            sql.StatementParameterListItem(name="nul"),
        ],
    )
    assert answer.result.data_array == [["13", None]], answer


@check
def statement_polled(w):
    answer = w.statement_execution.execute_statement(
        statement="SELECT 1", warehouse_id=WAREHOUSE, wait_timeout="0s"
    )
    assert answer.status.state == sql.StatementState.PENDING
    for _ in range(100):
        polled = w.statement_execution.get_statement(answer.statement_id)
        if polled.status.state == sql.StatementState.SUCCEEDED:
            break
        time.sleep(0.02)
    assert polled.manifest.schema.columns[0].type_name == sql.ColumnInfoTypeName.INT
    w.statement_execution.cancel_execution(answer.statement_id)


@check
def statement_in_parts(w):
    assert len(rows(w, "SELECT * FROM main.ref.countries")) == 249
    assert len(rows(w, "SELECT order_id FROM main.shop.orders")) > 2000


@check
def statement_failed(w):
    answer = run(w, "SELECT * FROM main.shop.nope")
    assert answer.status.state == sql.StatementState.FAILED
    assert answer.status.error.error_code == sql.ServiceErrorCode.BAD_REQUEST
    assert "[TABLE_OR_VIEW_NOT_FOUND]" in answer.status.error.message
    refused(errors.NotFound, lambda: w.statement_execution.get_statement("nope"))
    refused(errors.InvalidParameterValue, lambda: w.statement_execution.execute_statement("SELECT 1", "w9"))


@check
def deep_clone(w):
    clone = (
        f"CREATE OR REPLACE TABLE delta.`{SYNC}/main/shop/orders` DEEP CLONE `main`.`shop`.`orders` VERSION AS OF 6 "
        "TBLPROPERTIES ('drsync.source_version' = '6')"
    )
    answer = run(w, clone)
    assert [c.name for c in answer.manifest.schema.columns][:2] == ["source_table_size", "source_num_of_files"]
    history = rows(w, f"DESCRIBE HISTORY delta.`{SYNC}/main/shop/orders` LIMIT 1")
    assert history[0][4] == "CLONE", history


@check
def warehouses(w):
    assert [it.id for it in w.warehouses.list()] == [WAREHOUSE]
    warehouse = w.warehouses.get(WAREHOUSE)
    assert warehouse.state == sql.State.RUNNING
    odbc = warehouse.odbc_params
    assert f"{odbc.protocol}://{odbc.hostname}:{odbc.port}" == URL, odbc
    assert w.warehouses.start_and_wait(WAREHOUSE).state == sql.State.RUNNING
    refused(errors.ResourceDoesNotExist, lambda: w.warehouses.get("0000"))


@check
def jobs_and_runs(w):
    found = list(w.jobs.list(name="orders_job"))
    assert [job.job_id for job in found] == [1016]
    assert len(list(w.jobs.list(expand_tasks=True, limit=1))) == 2
    assert w.jobs.get(1016).settings.name == "orders_job"
    refused(errors.ResourceDoesNotExist, lambda: w.jobs.get(404))
    refused(errors.ResourceDoesNotExist, lambda: w.jobs.get_run(404))
    runs = list(w.jobs.list_runs(job_id=1016, completed_only=True, limit=1, start_time_from=1, start_time_to=9999999999999))
    assert [run.run_id for run in runs] == [88, 87], runs
    assert runs[0].status.termination_details.type == jobs.TerminationTypeType.SUCCESS
    assert [run.run_id for run in w.jobs.list_runs(active_only=True)] == [89]
    assert w.jobs.get_run(88).state.result_state == jobs.RunResultState.SUCCESS
    waiter = w.jobs.run_now(1017, idempotency_token="sdk")
    assert waiter.result().state.life_cycle_state == jobs.RunLifeCycleState.TERMINATED
    assert w.jobs.run_now(1017, idempotency_token="sdk").run_id == waiter.run_id


@check
def tables(w):
    table = w.tables.get("main.shop.orders", include_delta_metadata=True)
    assert table.table_type == catalog.TableType.MANAGED
    assert table.data_source_format == catalog.DataSourceFormat.DELTA
    assert table.columns[0].type_name == catalog.ColumnTypeName.LONG
    assert w.tables.exists("main.shop.orders").table_exists
    assert not w.tables.exists("main.shop.nope").table_exists
    assert {it.name for it in w.tables.list("main", "shop")} == {"orders", "order_lines", "daily_totals"}
    assert len(list(w.tables.list("main", "shop", max_results=1))) == 3
    assert len(list(w.tables.list_summaries("main", schema_name_pattern="s%", table_name_pattern="order%"))) == 2
    refused(errors.NotFound, lambda: w.tables.get("main.shop.nope"))
    refused(errors.NotFound, lambda: w.tables.get("main.shop.ta ble/é"))
    error = refused(errors.PermissionDenied, lambda: w.tables.get("main.crm.contacts"))
    assert error.get_error_details().request_info.request_id
    assert w.tables.get("main.crm.contacts", include_browse=True).browse_only


@check
def catalogs_and_schemas(w):
    assert [it.name for it in w.catalogs.list()] == ["main"]
    assert w.catalogs.get("main").name == "main"
    assert "shop" in [it.name for it in w.schemas.list("main")]
    assert w.schemas.get("main.shop").full_name == "main.shop"
    refused(errors.NotFound, lambda: w.catalogs.get("nope"))


@check
def grants(w):
    mine = w.grants.get_effective("table", "main.shop.orders", principal="dr-sync@example.com")
    held = {it.privilege for it in mine.privilege_assignments[0].privileges}
    assert {catalog.Privilege.SELECT, catalog.Privilege.USE_CATALOG} <= held
    assert w.grants.get("table", "main.shop.orders").privilege_assignments[0].privileges == [catalog.Privilege.SELECT]
    w.grants.update(
        "table",
        "main.crm.contacts",
        changes=[catalog.PermissionsChange(principal="dr-sync@example.com", add=[catalog.Privilege.SELECT])],
    )
    assert w.tables.get("main.crm.contacts").name == "contacts"
    refused(errors.BadRequest, lambda: w.grants.get("table", "main.shop.orders", max_results=3))


@check
def locations_and_credentials(w):
    found = list(w.external_locations.list())
    assert [it.name for it in found] == ["sync_primary", "sync_secondary"] and not found[1].read_only, found
    assert w.external_locations.get(found[0].name).url == found[0].url
    refused(errors.NotFound, lambda: w.external_locations.get("nope"))
    results = w.storage_credentials.validate(external_location_name=found[1].name, url=SYNC)
    assert results.is_dir and {str(it.result.value) for it in results.results} == {"PASS"}
    w.temporary_path_credentials.generate_temporary_path_credentials(
        url=f"{SYNC}/x", operation=catalog.PathOperation.PATH_READ_WRITE, dry_run=True
    )
    table = w.tables.get("main.shop.orders")
    given = w.temporary_table_credentials.generate_temporary_table_credentials(
        table_id=table.table_id, operation=catalog.TableOperation.READ
    )
    assert given.url == table.storage_location
    assert w.metastores.current().default_catalog_name == "main"
    assert w.metastores.summary().metastore_id == w.metastores.current().metastore_id


@check
def secrets(w):
    value = w.secrets.get_secret("sandbox", "primary-pat").value
    assert base64.b64decode(value).decode() == TOKEN
    assert {it.key for it in w.secrets.list_secrets("sandbox")} == {"primary-pat", "secondary-pat"}
    assert "sandbox" in [it.name for it in w.secrets.list_scopes()]
    refused(errors.ResourceDoesNotExist, lambda: w.secrets.get_secret("sandbox", "nope"))


@check
def workspace_files(w):
    path = "/Workspace/Shared/dr/config.json"
    w.workspace.mkdirs("/Workspace/Shared/dr")
    w.workspace.upload(path, io.BytesIO(b'{"a":1}'), format=workspace.ImportFormat.AUTO, overwrite=True)
    assert w.workspace.download(path).read() == b'{"a":1}'
    exported = w.workspace.export(path, format=workspace.ExportFormat.AUTO)
    assert base64.b64decode(exported.content) == b'{"a":1}'
    assert w.workspace.get_status(path).object_type == workspace.ObjectType.FILE
    assert [it.path for it in w.workspace.list("/Workspace/Shared/dr")] == [path]
    refused(errors.ResourceDoesNotExist, lambda: w.workspace.get_status("/nope"))


@check
def volumes(w):
    path = "/Volumes/main/shop/raw/x y.json"
    w.files.upload(path, io.BytesIO(b"hello"), overwrite=True)
    assert w.files.download(path).contents.read() == b"hello"
    assert w.files.get_metadata(path).content_length == 5
    assert [it.name for it in w.files.list_directory_contents("/Volumes/main/shop/raw")] == ["x y.json"]
    refused(errors.NotFound, lambda: w.files.download("/Volumes/main/shop/raw/nope"))


@check
def unknown_path(w):
    assert "No API found" in str(refused(errors.NotFound, lambda: w.api_client.do("GET", "/api/2.0/fake")))


@check
def sql_connector(w):
    from databricks import sql as connector

    odbc = w.warehouses.get(WAREHOUSE).odbc_params
    for cloud_fetch in (False, True):
        with connector.connect(
            server_hostname=f"{odbc.protocol}://{odbc.hostname}",
            _port=odbc.port,
            enable_telemetry=False,
            http_path=odbc.path,
            access_token=TOKEN,
            use_sea=True,
            use_cloud_fetch=cloud_fetch,
        ) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id, name FROM main.ref.countries ORDER BY id")
            read = cursor.fetchall()
            assert len(read) == 249 and read[0][0] in (0, 1), read[:2]
            cursor.execute("SELECT count(*) FROM main.shop.orders WHERE order_id > :n", {"n": 5})
            assert cursor.fetchone()[0] > 100
            cursor.catalogs()
            assert [row[0] for row in cursor.fetchall()] == ["main"]
            assert [row[0] for row in cursor.schemas("main", "sh%").fetchall()] == ["shop"]
            found = cursor.tables("main", "shop").fetchall()
            assert {(row.tableName, row.tableType) for row in found} == {
                ("orders", "TABLE"), ("order_lines", "TABLE"), ("daily_totals", "TABLE")
            }, found
            assert [row.tableName for row in cursor.tables("main", "shop", "daily%", ["TABLE"]).fetchall()] == ["daily_totals"]
            assert cursor.tables("main", "shop", table_types=["VIEW"]).fetchall() == []
            found = cursor.columns("main", "ref", "countries").fetchall()
            assert {row.tableName for row in found} == {"countries"} and "id" in [row.col_name for row in found], found
            assert [row.col_name for row in cursor.columns("main", "ref", "countries", "i%").fetchall()] == ["id"]
            refused(connector.Error, lambda: cursor.execute("SELECT * FROM main.shop.nope"))
            price = decimal.Decimal("12345678901234567890.123456789012345678")
            cursor.execute(
                "SELECT :price AS price, :price > 9.5 AS dear, CAST(0.5 AS FLOAT) AS half, 1.50 = 1.5 AS same,"
                " TIMESTAMP_NTZ '2024-01-01 00:00:00' AS wall",
                {"price": price},
            )
            assert [column[1] for column in cursor.description] == [
                "decimal", "boolean", "float", "boolean", "timestamp_ntz"
            ], cursor.description
            read = cursor.fetchone()
            assert list(read[:4]) == [price, True, 0.5, True], read
            assert str(read.wall).replace("T", " ").startswith("2024-01-01 00:00:00") and "+" not in str(read.wall), read


@check
def sql_connector_by_its_kernel(w):
    try:
        import databricks_sql_kernel  # noqa: F401
    except ImportError:
        print("skipped sql_connector_by_its_kernel: databricks-sql-kernel is not installed")
        return
    from databricks import sql as connector

    odbc = w.warehouses.get(WAREHOUSE).odbc_params
    with connector.connect(
        server_hostname=f"{odbc.protocol}://{odbc.hostname}:{odbc.port}",
        enable_telemetry=False,
        http_path=odbc.path,
        access_token=TOKEN,
        use_kernel=True,
        catalog="main",
        schema="ref",
    ) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM countries ORDER BY id")
        assert len(cursor.fetchall()) == 249
        cursor.execute("USE shop")
        cursor.execute("SELECT count(*) FROM orders WHERE order_id > :n", {"n": 5})
        assert cursor.fetchone()[0] > 100
        cursor.execute("SELECT order_id FROM orders")
        assert len(cursor.fetchall()) > 2000
        cursor.execute("SELECT * FROM orders WHERE false")
        assert cursor.fetchall() == []
        assert [row[0] for row in cursor.schemas("main", "sh%").fetchall()] == ["shop"]
        assert len(cursor.tables("main", "shop").fetchall()) == 3
        refused(connector.Error, lambda: cursor.execute("SELECT * FROM nope"))


@check
def tables_that_change_and_are_looked_after(w):
    table = f"delta.`{SYNC}/main/shop/changed`"
    for statement in (
        f"CREATE TABLE {table} (id BIGINT, note STRING) TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
        f"INSERT INTO {table} VALUES (1, 'a')",
        f"INSERT INTO {table} VALUES (2, 'b')",
        f"ALTER TABLE {table} RENAME COLUMN note TO remark",
        f"ALTER TABLE {table} ADD COLUMN more STRING AFTER id",
    ):
        rows(w, statement)
    assert rows(w, f"SELECT * FROM {table} ORDER BY id") == [["1", None, "a"], ["2", None, "b"]]
    answer = run(w, f"OPTIMIZE {table}")
    assert [column.name for column in answer.manifest.schema.columns] == ["path", "metrics"]
    assert answer.manifest.schema.columns[1].type_name == sql.ColumnInfoTypeName.STRUCT
    assert rows(w, f"VACUUM {table}") == [[f"{SYNC}/main/shop/changed"]]
    short = run(w, f"VACUUM {table} RETAIN 1 HOURS").status
    assert "[DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT]" in short.error.message, short


@check
def limits_and_names_of_parameters(w):
    cut = run(w, "SELECT id FROM main.ref.countries ORDER BY id", byte_limit=40)
    assert cut.manifest.truncated and 0 < len(cut.result.data_array) < 249, cut.manifest
    twice = [sql.StatementParameterListItem(name="n", value="1")] * 2
    error = refused(errors.InvalidParameterValue, lambda: run(w, "SELECT :n", parameters=twice))
    assert "The parameter n is given more than once" in str(error), error
    refused(errors.InvalidParameterValue, lambda: run(w, "SELECT 1", row_limit=-1))


def main():
    global failed
    w = WorkspaceClient(host=URL, token=TOKEN, product="oracle", product_version="0.0.1")
    for call in CHECKS:
        try:
            call(w)
            print(f"ok      {call.__name__}")
        except ImportError as missing:
            print(f"skipped {call.__name__}: {missing}")
        except Exception:
            failed += 1
            print(f"FAILED  {call.__name__}\n{traceback.format_exc()}")
    sys.exit(failed)


main()
