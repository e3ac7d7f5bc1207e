//! What the warehouse understands.

use drsync::sandbox::Quirks;
use serde_json::json;

use crate::world::Sandbox;

#[tokio::test]
async fn a_table_is_counted_filtered_sorted_and_read_at_a_version() {
    let sandbox = Sandbox::new().await;
    assert_eq!(sandbox.rows("SELECT count(*) FROM main.ref.countries").await, [json!(["249"])]);
    assert_eq!(
        sandbox.rows("SELECT count(*) FROM main.ref.countries VERSION AS OF 0").await,
        [json!(["0"])]
    );
    let rows = sandbox
        .rows("SELECT id FROM main.ref.countries WHERE id >= 5 AND id < 8 ORDER BY id DESC LIMIT 2")
        .await;
    assert_eq!(rows, [json!(["7"]), json!(["6"])]);
    let rows = sandbox.rows("SELECT region, count(*) AS n FROM main.shop.daily_totals GROUP BY region ORDER BY region").await;
    assert!(rows.len() > 1);
    let missing = sandbox.failure("SELECT * FROM main.ref.countries VERSION AS OF 99").await;
    assert!(
        missing.contains("[DELTA_VERSION_NOT_FOUND]")
            && missing.contains("Available versions: [0, 2]"),
        "{missing}"
    );
}

#[tokio::test]
async fn values_go_by_named_parameters() {
    let sandbox = Sandbox::new().await;
    let parameters = json!({"parameters": [
        {"name": "n", "type": "INT", "value": "12"}, {"name": "t", "value": "it's"}, {"name": "nothing"},
    ]});
    let body = sandbox.statement("SELECT :n + 1, :t, :nothing", parameters).await;
    assert_eq!(body["result"]["data_array"], json!([["13", "it's", null]]));
    assert!(sandbox.failure("SELECT :unbound").await.starts_with("[UNBOUND_SQL_PARAMETER]"));
}

#[tokio::test]
async fn parameters_have_the_type_that_they_are_given_with() {
    let sandbox = Sandbox::new().await;
    for (kind, value, shown, text) in [
        ("INT", Some("12"), "INT", Some("12")),
        ("TINYINT", Some("-128"), "BYTE", Some("-128")),
        ("SMALLINT", Some("3"), "SHORT", Some("3")),
        ("BIGINT", Some("9223372036854775807"), "LONG", Some("9223372036854775807")),
        ("DECIMAL(10,2)", Some("123.456"), "DECIMAL", Some("123.46")),
        ("DECIMAL", Some("1"), "DECIMAL", Some("1")),
        ("INT", None, "INT", None),
        ("TIMESTAMP", None, "TIMESTAMP", None),
        ("STRING", None, "STRING", None),
    ] {
        let parameters = json!({"parameters": [{"name": "p", "type": kind, "value": value}]});
        let body = sandbox.statement("SELECT :p", parameters).await;
        let column = &body["manifest"]["schema"]["columns"][0];
        assert_eq!(column["type_name"], shown, "{kind} {value:?}");
        assert_eq!(body["result"]["data_array"], json!([[text]]), "{kind}");
    }
}

#[tokio::test]
async fn parameters_that_do_not_fit_their_type_are_refused() {
    let sandbox = Sandbox::new().await;
    for (kind, value, words) in [
        ("INT", json!("2147483648"), "\"INT\" because it is out of range"),
        ("TINYINT", json!("200"), "\"TINYINT\" because it is out of range"),
        ("BIGINT", json!("9223372036854775808"), "out of range"),
        ("DECIMAL(4,2)", json!("12345.6"), "out of range"),
        ("DECIMAL(39,2)", json!("1"), "exceeds max precision 38"),
        ("DECIMAL(4,2)", json!("x"), "malformed"),
        ("INT", json!(5), "The value 5 of the parameter p is not a string: send \"5\""),
        ("INT", json!(true), "is not a string"),
    ] {
        let request = json!({
            "statement": "SELECT :p", "warehouse_id": sandbox.primary().warehouse_id,
            "parameters": [{"name": "p", "type": kind, "value": value}],
        });
        let answer = sandbox.post("/api/2.0/sql/statements", request).await;
        assert_eq!(answer.status, 400, "{kind} {value}: {}", answer.body);
        let message = answer.body["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    let overflow = sandbox.failure("SELECT CAST(2147483648 AS INT)").await;
    assert!(overflow.starts_with("[CAST_OVERFLOW]"), "{overflow}");
}

#[tokio::test]
async fn a_clone_is_made_by_path_and_counted() {
    let sandbox = Sandbox::new().await;
    let replica = sandbox.replica("shop/orders");
    let clone = format!(
        "CREATE OR REPLACE TABLE {replica} DEEP CLONE `main`.`shop`.`orders` VERSION AS OF 6 TBLPROPERTIES ('drsync.source_version' = '6')"
    );
    let body = sandbox.statement(&clone, json!({})).await;
    assert_eq!(body["manifest"]["schema"]["columns"][3]["name"], "num_copied_files");
    let first = sandbox.rows(&clone).await;
    assert_eq!(first[0][3], "0", "nothing is copied twice");
    let history = sandbox.rows(&format!("DESCRIBE HISTORY {replica}")).await;
    assert_eq!((history.len(), &history[0][0], &history[0][4]), (2, &json!("1"), &json!("CLONE")));
    assert!(history[0][5].as_str().unwrap().contains("\"sourceVersion\":\"6\""));
    let counted = |table: String| {
        let sandbox = &sandbox;
        async move { sandbox.rows(&format!("SELECT count(*) FROM {table}")).await }
    };
    assert_eq!(
        counted(replica.clone()).await,
        counted("main.shop.orders VERSION AS OF 6".into()).await
    );
    let properties =
        sandbox.rows(&format!("SHOW TBLPROPERTIES {replica}('drsync.source_version')")).await;
    assert_eq!(properties, [json!(["drsync.source_version", "6"])]);
    let refused =
        sandbox.failure(&format!("CREATE TABLE {replica} DEEP CLONE main.shop.orders")).await;
    assert!(refused.starts_with("[TABLE_OR_VIEW_ALREADY_EXISTS]"), "{refused}");
}

#[tokio::test]
async fn a_clone_without_its_container_or_right_fails() {
    let sandbox = Sandbox::new().await;
    let replica = sandbox.replica("shop/orders");
    let denied = sandbox
        .failure(&format!("CREATE OR REPLACE TABLE {replica} DEEP CLONE main.crm.contacts"))
        .await;
    assert!(denied.starts_with("[INSUFFICIENT_PERMISSIONS]"), "{denied}");
    std::fs::remove_dir(sandbox.path("west/sync")).unwrap();
    let away = sandbox
        .failure(&format!("CREATE OR REPLACE TABLE {replica} DEEP CLONE main.shop.orders"))
        .await;
    assert!(away.contains("The specified filesystem does not exist"), "{away}");
    assert!(!sandbox.path("west/sync").exists());
}

#[tokio::test]
async fn histories_that_are_read_together_are_those_that_are_read_one_by_one() {
    let sandbox = Sandbox::new().await;
    let ends = ["main.shop.orders LIMIT 2", "main.ref.countries", "main.shop.orders LIMIT 1"];
    let histories = ends.map(|end| format!("FROM (DESCRIBE HISTORY {end}) h"));
    for (selects, end) in [
        (
            [
                "0 AS asked, version, timestamp, operation",
                "1 AS asked, version, timestamp, operation",
                "2 AS asked, version, timestamp, operation",
            ],
            "",
        ),
        (["version + 1, 'a'", "version + 1, 'b'", "version + 1, NULL"], ""),
        (["7 AS n, n + 1, h.operationMetrics, operationParameters"; 3], " LIMIT 2"),
        (
            ["1 AS n, version", "2 AS n, version", "3 AS n, version"],
            " ORDER BY version DESC, n LIMIT 3",
        ),
        (["max(version)"; 3], ""),
        (["1, *"; 3], ""),
        (["1", "2.5", "3"], ""),
    ] {
        let union = |of_each: &str| {
            let parts = selects.iter().zip(&histories);
            let parts =
                parts.map(|(select, history)| format!("SELECT {select} {history}{of_each}"));
            format!("{}{end}", parts.collect::<Vec<_>>().join(" UNION ALL "))
        };
        let (together, apart) = (union(""), union(" WHERE true"));
        assert_eq!(sandbox.rows(&together).await, sandbox.rows(&apart).await, "{together}");
    }
    let missing = "SELECT 0, version FROM (DESCRIBE HISTORY main.shop.orders) UNION ALL SELECT 1, version FROM (DESCRIBE HISTORY main.shop.none)";
    let refused = sandbox.failure(missing).await;
    assert!(refused.starts_with("[TABLE_OR_VIEW_NOT_FOUND]"), "{refused}");
}

#[tokio::test]
async fn histories_of_several_tables_come_in_one_statement_unless_the_warehouse_refuses() {
    let sql = "SELECT 0 AS asked, version, timestamp, operation FROM (DESCRIBE HISTORY main.shop.orders LIMIT 2) \
               UNION ALL SELECT 1 AS asked, version, timestamp, operation FROM (DESCRIBE HISTORY main.ref.countries LIMIT 1)";
    let sandbox = Sandbox::new().await;
    let rows = sandbox.rows(sql).await;
    let asked: Vec<_> = rows.iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(asked, ["0", "0", "1"]);
    let time = rows[0][2].as_str().unwrap();
    assert!(time.ends_with("-08:00") || time.ends_with("-07:00"), "{time}");
    let strict = Sandbox::with(Quirks { refuse_history_queries: true, ..Quirks::default() }).await;
    assert!(strict.failure(sql).await.starts_with("[PARSE_SYNTAX_ERROR]"));
    assert_eq!(strict.rows("DESCRIBE HISTORY main.shop.orders LIMIT 1").await.len(), 1);
}

#[tokio::test]
async fn a_table_is_made_filled_changed_merged_restored_and_dropped() {
    let sandbox = Sandbox::new().await;
    sandbox.rows("CREATE TABLE main.scratch.t (id BIGINT, name STRING, at TIMESTAMP, tags ARRAY<STRING>) USING DELTA").await;
    sandbox.rows("INSERT INTO main.scratch.t VALUES (1, 'a', TIMESTAMP '2026-11-22T09:41:07.500Z', array('x', 'y')), (2, NULL, NULL, NULL)").await;
    assert_eq!(
        sandbox.rows("UPDATE main.scratch.t SET name = upper('b') WHERE id = 2").await,
        [json!(["1"])]
    );
    let merged = sandbox
        .rows("MERGE INTO main.scratch.t t USING (VALUES (2, 'two'), (3, 'three')) AS s(id, name) ON t.id = s.id \
               WHEN MATCHED THEN UPDATE SET t.name = s.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, s.name)")
        .await;
    assert_eq!(merged, [json!(["2", "1", "0", "1"])]);
    assert_eq!(sandbox.rows("DELETE FROM main.scratch.t WHERE id = 1").await, [json!(["1"])]);
    assert_eq!(
        sandbox.rows("SELECT id, name FROM main.scratch.t ORDER BY id").await,
        [json!(["2", "two"]), json!(["3", "three"])]
    );
    let old =
        sandbox.rows("SELECT tags, at FROM main.scratch.t VERSION AS OF 1 WHERE id = 1").await;
    assert_eq!(old, [json!(["[\"x\",\"y\"]", "2026-11-22T01:41:07.500-08:00"])]);
    sandbox.rows("RESTORE TABLE main.scratch.t TO VERSION AS OF 1").await;
    assert_eq!(sandbox.rows("SELECT count(*) FROM main.scratch.t").await, [json!(["2"])]);
    let operations = sandbox.rows("SELECT operation FROM (DESCRIBE HISTORY main.scratch.t)").await;
    assert_eq!(
        operations,
        [
            json!(["RESTORE"]),
            json!(["DELETE"]),
            json!(["MERGE"]),
            json!(["UPDATE"]),
            json!(["WRITE"]),
            json!(["CREATE TABLE"])
        ]
    );
    sandbox.rows("DROP TABLE main.scratch.t").await;
    sandbox.rows("DROP TABLE IF EXISTS main.scratch.t").await;
    assert!(
        sandbox
            .failure("SELECT * FROM main.scratch.t")
            .await
            .starts_with("[TABLE_OR_VIEW_NOT_FOUND]")
    );
}

#[tokio::test]
async fn a_merge_of_rows_in_json_inserts_what_is_missing_once() {
    let sandbox = Sandbox::new().await;
    let table = sandbox.replica("ledger");
    sandbox.rows(&format!("CREATE TABLE IF NOT EXISTS {table} (g string, n bigint, at timestamp, list array<struct<a:string,b:bigint>>)")).await;
    let merge = format!(
        "MERGE INTO {table} t USING (SELECT r.* FROM (SELECT explode(from_json(:rows, \
         'array<struct<g:string,n:bigint,at:timestamp,list:array<struct<a:string,b:bigint>>>>')) AS r)) s \
         ON t.g = s.g AND t.n >= s.n WHEN NOT MATCHED THEN INSERT (g, n, at, list) VALUES (s.g, s.n, s.at, s.list)"
    );
    let rows =
        json!([{"g": "x", "n": 1, "at": "2026-11-22T09:41:07.123Z", "list": [{"a": "p", "b": 7}]}])
            .to_string();
    let parameters = json!({"parameters": [{"name": "rows", "value": rows}]});
    for inserted in ["1", "0"] {
        let body = sandbox.statement(&merge, parameters.clone()).await;
        assert_eq!(body["result"]["data_array"][0][3], inserted, "{body}");
    }
    let told =
        sandbox.rows(&format!("SELECT to_json(struct(g, n, at, list)) AS row FROM {table}")).await;
    let told: serde_json::Value = serde_json::from_str(told[0][0].as_str().unwrap()).unwrap();
    assert_eq!(
        told,
        json!({"g": "x", "n": 1, "at": "2026-11-22T01:41:07.123-08:00", "list": [{"a": "p", "b": 7}]})
    );
}

#[tokio::test]
async fn of_many_merges_at_once_none_is_lost_and_losers_are_conflicts() {
    let sandbox = Sandbox::new().await;
    sandbox.rows("CREATE TABLE main.scratch.c (n BIGINT)").await;
    let merge = |n: usize| {
        let sandbox = &sandbox;
        async move {
            let sql = format!(
                "MERGE INTO main.scratch.c t USING (SELECT {n} AS n) s ON t.n = s.n WHEN NOT MATCHED THEN INSERT *"
            );
            loop {
                let body = sandbox.statement(&sql, json!({})).await;
                if body["status"]["state"] == "SUCCEEDED" {
                    return;
                }
                assert_eq!(body["status"]["sql_state"], "2D521", "{body}");
            }
        }
    };
    futures::future::join_all((0..8).map(merge)).await;
    assert_eq!(sandbox.rows("SELECT count(*) FROM main.scratch.c").await, [json!(["8"])]);
}

#[tokio::test]
async fn what_people_ask_a_catalog_is_answered() {
    let sandbox = Sandbox::new().await;
    assert_eq!(sandbox.rows("SHOW CATALOGS").await, [json!(["main"])]);
    assert_eq!(sandbox.rows("SHOW SCHEMAS IN main LIKE 'sh*'").await, [json!(["shop"])]);
    assert_eq!(sandbox.rows("SHOW TABLES IN main.ref").await.len(), 2);
    let described = sandbox.rows("DESCRIBE EXTENDED main.shop.orders").await;
    assert_eq!(described[0], json!(["order_id", "bigint", null]));
    assert!(described.iter().any(|row| row[0] == "Location"));
    let detail = sandbox.rows("DESCRIBE DETAIL main.shop.daily_totals").await;
    assert_eq!((&detail[0][0], &detail[0][7]), (&json!("delta"), &json!("[\"region\"]")));
    let listed = "SELECT table_name FROM system.information_schema.tables WHERE table_schema = 'ref' ORDER BY table_name";
    assert_eq!(sandbox.rows(listed).await, [json!(["countries"]), json!(["currencies"])]);
    let west = sandbox.path("west/sync");
    assert!(sandbox.rows(&format!("LIST '{}' LIMIT 1", west.display())).await.is_empty());
    sandbox.rows("REPAIR TABLE main.shop.orders SYNC METADATA").await;
}

#[tokio::test]
async fn what_is_not_understood_is_refused_by_its_name() {
    let sandbox = Sandbox::new().await;
    let refused = sandbox.failure("CACHE TABLE main.shop.orders").await;
    let begins = "[UNSUPPORTED_FEATURE.SANDBOX] CACHE … is not understood here: docs/sandbox.md";
    assert!(refused.starts_with(begins), "{refused}");
    let refused = sandbox.failure("SELECT * FROM a.b.c JOIN d.e.f").await;
    assert!(refused.contains("JOIN"), "{refused}");
    let syntax = sandbox.failure("SELEC 1").await;
    assert!(syntax.contains("SELEC"), "{syntax}");
    let syntax = sandbox.failure("SELECT id FROM").await;
    assert!(syntax.contains("[PARSE_SYNTAX_ERROR]") && syntax.contains("== SQL =="), "{syntax}");
}

#[tokio::test]
async fn old_versions_are_refused_where_retention_is_enforced() {
    let sandbox = Sandbox::with(Quirks { enforce_retention: true, ..Quirks::default() }).await;
    let refused = sandbox.failure("SELECT * FROM main.ref.countries VERSION AS OF 1").await;
    assert!(
        refused
            .starts_with("[DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION]"),
        "{refused}"
    );
    assert_eq!(
        sandbox.rows("SELECT count(*) FROM main.ref.countries VERSION AS OF 2").await,
        [json!(["249"])]
    );
}

#[tokio::test]
async fn a_table_that_keeps_its_files_longer_is_read_further_back() {
    let mut quirks = Quirks::default();
    quirks.add("enforce-retention").unwrap();
    let sandbox = Sandbox::with(quirks).await;
    let old = "SELECT count(*) FROM main.ref.countries VERSION AS OF 1";
    let keep = |interval: &str| {
        format!(
            "ALTER TABLE main.ref.countries SET TBLPROPERTIES ('delta.deletedFileRetentionDuration' = '{interval}')"
        )
    };
    sandbox.rows(&keep("interval 10000 days")).await;
    assert_eq!(sandbox.rows(old).await.len(), 1);
    sandbox.rows(&keep("interval 2 hours")).await;
    let refused = sandbox.failure(old).await;
    assert!(refused.contains("(2 HOURS) set on the table"), "{refused}");
}

#[tokio::test]
async fn a_quirk_that_is_none_is_refused_with_those_there_are() {
    let mut quirks = Quirks::default();
    for text in ["chunk-rows=10", "inline-bytes=4096", "time-zone=UTC", "no-history-queries"] {
        quirks.add(text).unwrap();
    }
    assert_eq!((quirks.chunk_rows, quirks.inline_bytes), (10, 4096));
    for text in ["slow", "chunk-rows=0", "time-zone=Atlantis", "enforce-retention=no"] {
        let error = quirks.add(text).unwrap_err();
        assert!(error.contains(text) && error.contains("time-zone=ZONE"), "{error}");
    }
}

#[tokio::test]
async fn managed_tables_are_read_by_name_only() {
    let sandbox = Sandbox::new().await;
    let path = sandbox.path("east/tables/shop_orders");
    let refused = sandbox.failure(&format!("SELECT * FROM delta.`{}`", path.display())).await;
    assert!(refused.starts_with("[LOCATION_OVERLAP]"), "{refused}");
}

#[tokio::test]
async fn lists_for_drivers_have_the_type_sixth_and_go_by_their_patterns() {
    let sandbox = Sandbox::new().await;
    let listed = sandbox.rows("SHOW TABLES IN CATALOG main SCHEMA LIKE 'ref' LIKE 'c%s'").await;
    assert_eq!(listed[0], json!(["ref", "countries", "false", null, "main", "TABLE", null]));
    let columns = sandbox
        .rows("SHOW COLUMNS IN CATALOG main SCHEMA LIKE 'ref' TABLE LIKE 'countries' LIKE 'i%'")
        .await;
    assert_eq!(columns, [json!(["main", "ref", "countries", "id", "BIGINT"])]);
    let refused = sandbox.failure("SHOW COLUMNS IN CATALOG main WHERE true").await;
    let wanted = "'WHERE' where the end of the statement is expected (line 1, pos 29) is not";
    assert!(refused.contains(wanted), "{refused}");
}

#[tokio::test]
async fn tables_are_shown_of_one_schema_that_is_there() {
    let sandbox = Sandbox::new().await;
    let body = sandbox.statement("SHOW TABLES IN ref", json!({"catalog": "main"})).await;
    let columns = body["manifest"]["schema"]["columns"].as_array().unwrap();
    let named: Vec<(&str, &str)> = columns
        .iter()
        .map(|it| (it["name"].as_str().unwrap(), it["type_name"].as_str().unwrap()))
        .collect();
    assert_eq!(
        named,
        [("database", "STRING"), ("tableName", "STRING"), ("isTemporary", "BOOLEAN")]
    );
    let both = json!([["ref", "countries", "false"], ["ref", "currencies", "false"]]);
    assert_eq!(body["result"]["data_array"], both);
    for within in [" FROM main.ref", " IN main.ref LIKE 'c*'", " IN main.ref 'coun* | CURR*'"] {
        assert_eq!(json!(sandbox.rows(&format!("SHOW TABLES{within}")).await), both, "{within}");
    }
    let body = sandbox.statement("SHOW TABLES", json!({"catalog": "main", "schema": "ref"})).await;
    assert_eq!(body["result"]["data_array"], both);
    assert!(sandbox.rows("SHOW TABLES").await.is_empty(), "those of default");
    for (show, class) in [
        ("SHOW TABLES IN main.gone", "[SCHEMA_NOT_FOUND]"),
        // A catalog is no schema.
        ("SHOW TABLES IN main", "[SCHEMA_NOT_FOUND]"),
        ("SHOW TABLES IN gone.ref", "[NO_SUCH_CATALOG_EXCEPTION]"),
        ("SHOW SCHEMAS IN gone", "[NO_SUCH_CATALOG_EXCEPTION]"),
    ] {
        let refused = sandbox.failure(show).await;
        assert!(refused.starts_with(class), "{show}: {refused}");
    }
    assert_eq!(sandbox.rows("SHOW TABLES IN CATALOG main").await[0].as_array().unwrap().len(), 7);
}
