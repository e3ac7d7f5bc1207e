//! Values keep their types and digits, and compare by what they are.

use drsync::sandbox::Quirks;
use serde_json::{Value, json};

use crate::world::Sandbox;

impl Sandbox {
    /// The types of a result's columns, as their names and as SQL writes them, with the rows.
    async fn typed(&self, sql: &str) -> (Vec<(String, String)>, Value) {
        let body = self.statement(sql, json!({})).await;
        assert_eq!(body["status"]["state"], "SUCCEEDED", "{sql}: {body}");
        let columns = body["manifest"]["schema"]["columns"].as_array().unwrap();
        let said = |column: &Value, key: &str| column[key].as_str().unwrap().to_owned();
        let types =
            columns.iter().map(|column| (said(column, "type_name"), said(column, "type_text")));
        (types.collect(), body["result"]["data_array"].clone())
    }
}

async fn in_utc() -> Sandbox {
    let mut quirks = Quirks::default();
    quirks.add("time-zone=UTC").unwrap();
    Sandbox::with(quirks).await
}

#[tokio::test]
async fn decimals_compare_as_numbers_and_keep_their_digits() {
    let sandbox = Sandbox::new().await;
    sandbox
        .rows("CREATE TABLE main.scratch.d (id INT, amount DECIMAL(10,2), wide DECIMAL(38,18))")
        .await;
    sandbox
        .rows(
            "INSERT INTO main.scratch.d VALUES (1, 10, 12345678901234567890.123456789012345678), \
             (2, 9.50, 0.1), (3, -100.25, NULL), (4, 9.5, 0.10)",
        )
        .await;
    let ids = async |rest: &str| {
        let rows = sandbox.rows(&format!("SELECT id FROM main.scratch.d {rest}")).await;
        let ids = rows.iter().map(|row| row[0].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids("WHERE amount > 9.5 ORDER BY id").await, "1");
    assert_eq!(ids("WHERE amount = 9.500 ORDER BY id").await, "2 4");
    assert_eq!(ids("WHERE amount = '9.5' ORDER BY id").await, "2 4");
    assert_eq!(ids("WHERE amount IN (10, -100.250) ORDER BY id").await, "1 3");
    assert_eq!(ids("WHERE amount BETWEEN 9 AND 10 ORDER BY id").await, "1 2 4");
    assert_eq!(ids("ORDER BY amount DESC, id").await, "1 2 4 3");
    assert_eq!(ids("WHERE wide = 12345678901234567890.123456789012345678").await, "1");
    assert_eq!(ids("WHERE wide > 12345678901234567890.123456789012345677").await, "1");
    assert_eq!(
        sandbox
            .rows("SELECT min(amount), max(amount), sum(amount), avg(amount), count(DISTINCT amount) FROM main.scratch.d")
            .await,
        [json!(["-100.25", "10.00", "-71.25", "-17.812500", "3"])]
    );
    assert_eq!(
        sandbox
            .rows("SELECT amount, count(*) FROM main.scratch.d GROUP BY amount ORDER BY amount")
            .await,
        [json!(["-100.25", "1"]), json!(["9.50", "2"]), json!(["10.00", "1"])]
    );
    assert_eq!(
        sandbox.rows("SELECT wide, to_json(struct(amount)) FROM main.scratch.d WHERE id = 1").await,
        [json!(["12345678901234567890.123456789012345678", "{\"amount\":10.00}"])]
    );
    let merged = sandbox
        .rows(
            "MERGE INTO main.scratch.d t USING (SELECT 9.5 AS a) s ON t.amount = s.a \
             WHEN MATCHED THEN UPDATE SET amount = t.amount + 0.005",
        )
        .await;
    assert_eq!(merged[0][1], "2");
    assert_eq!(ids("WHERE amount = 9.51 ORDER BY id").await, "2 4");
}

#[tokio::test]
async fn decimals_are_calculated_with_exactly() {
    let sandbox = Sandbox::new().await;
    for (expression, kind, value) in [
        ("0.1 + 0.2", "DECIMAL(2,1)", "0.3"),
        ("1.50", "DECIMAL(3,2)", "1.50"),
        ("1.5 * 2", "DECIMAL(4,1)", "3.0"),
        ("1.0 / 3", "DECIMAL(7,6)", "0.333333"),
        ("-0.5", "DECIMAL(1,1)", "-0.5"),
        ("7.5 % 2", "DECIMAL(2,1)", "1.5"),
        ("1e0 + 0.5", "DOUBLE", "1.5"),
        ("12345678901234567890", "DECIMAL(20,0)", "12345678901234567890"),
        (".5 + 1.", "DECIMAL(3,1)", "1.5"),
        ("5.e1", "DOUBLE", "50.0"),
        ("CAST(2.5 AS DECIMAL(3,0))", "DECIMAL(3,0)", "3"),
        ("1 / 4", "DOUBLE", "0.25"),
        ("1 + 1", "INT", "2"),
        ("3000000000 + 1", "BIGINT", "3000000001"),
        ("CASE WHEN true THEN 1 ELSE 2.5 END", "DECIMAL(11,1)", "1.0"),
    ] {
        let (types, rows) = sandbox.typed(&format!("SELECT {expression}")).await;
        assert_eq!((types[0].1.as_str(), &rows), (kind, &json!([[value]])), "{expression}");
    }
    for (expression, class) in [
        ("1.5 / 0", "[DIVIDE_BY_ZERO]"),
        ("1 / 0.0", "[DIVIDE_BY_ZERO]"),
        ("2147483647 + 1", "[ARITHMETIC_OVERFLOW]"),
        ("99999999999999999999999999999999999999 + 1.0", "[NUMERIC_VALUE_OUT_OF_RANGE"),
        ("1 = 'x'", "[CAST_INVALID_INPUT]"),
        ("1e400", "[NUMERIC_VALUE_OUT_OF_RANGE"),
        ("123456789012345678901234567890123456789", "[NUMERIC_VALUE_OUT_OF_RANGE"),
        ("1 = true", "[DATATYPE_MISMATCH"),
        ("1 + true", "[DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES]"),
        ("- true", "[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE]"),
    ] {
        let refused = sandbox.failure(&format!("SELECT {expression}")).await;
        assert!(refused.starts_with(class), "{expression}: {refused}");
    }
}

#[tokio::test]
async fn a_float_is_a_float_and_has_its_shortest_digits() {
    let sandbox = Sandbox::new().await;
    sandbox.rows("CREATE TABLE main.scratch.f (f FLOAT, d DOUBLE)").await;
    sandbox
        .rows("INSERT INTO main.scratch.f VALUES (0.1, 0.1), (16777217, 1e20), ('NaN', 'NaN')")
        .await;
    let (types, rows) = sandbox.typed("SELECT f, d FROM main.scratch.f ORDER BY f").await;
    let types: Vec<_> = types.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    assert_eq!(types, [("FLOAT", "FLOAT"), ("DOUBLE", "DOUBLE")]);
    assert_eq!(rows, json!([["0.1", "0.1"], ["1.6777216E7", "1.0E20"], ["NaN", "NaN"]]));
    assert_eq!(sandbox.rows("DESCRIBE main.scratch.f").await[0], json!(["f", "float", null]));
    let (types, rows) = sandbox
        .typed("SELECT max(f), CAST(d AS FLOAT) + CAST(1 AS FLOAT) FROM main.scratch.f WHERE d < 1 GROUP BY d")
        .await;
    assert_eq!((types[0].0.as_str(), types[1].0.as_str()), ("FLOAT", "FLOAT"));
    assert_eq!(rows, json!([["0.1", "1.1"]]));
    assert!(
        sandbox.rows("SELECT 1 FROM main.scratch.f WHERE f = d AND d < 1").await.is_empty(),
        "a float is not the double that is written alike"
    );
}

#[tokio::test]
async fn a_time_without_a_zone_has_none() {
    let sandbox = in_utc().await;
    sandbox.rows("CREATE TABLE main.scratch.n (id INT, wall TIMESTAMP_NTZ, at TIMESTAMP)").await;
    sandbox
        .rows(
            "INSERT INTO main.scratch.n VALUES \
             (1, TIMESTAMP_NTZ '2024-01-01 00:00:00', TIMESTAMP '2024-01-01 00:00:00'), \
             (2, '2024-01-01T00:00:00.123456', TIMESTAMP '2024-01-01T00:00:00.123456+01:00')",
        )
        .await;
    let (types, rows) = sandbox
        .typed("SELECT wall, at, wall = at, CAST(wall AS STRING) FROM main.scratch.n ORDER BY wall")
        .await;
    assert_eq!(types[0], ("TIMESTAMP_NTZ".to_owned(), "TIMESTAMP_NTZ".to_owned()));
    assert_eq!(types[1].0, "TIMESTAMP");
    assert_eq!(
        rows,
        json!([
            ["2024-01-01T00:00:00.000", "2024-01-01T00:00:00.000Z", "true", "2024-01-01 00:00:00"],
            [
                "2024-01-01T00:00:00.123456",
                "2023-12-31T23:00:00.123456Z",
                "false",
                "2024-01-01 00:00:00.123456"
            ],
        ])
    );
    assert_eq!(
        sandbox
            .rows("SELECT id FROM main.scratch.n WHERE wall > TIMESTAMP '2024-01-01T00:00:00Z'")
            .await,
        [json!(["2"])]
    );
    let replica = sandbox.replica("scratch/n");
    sandbox.rows(&format!("CREATE TABLE {replica} DEEP CLONE main.scratch.n")).await;
    let features =
        sandbox.rows(&format!("SELECT minReaderVersion FROM (DESCRIBE DETAIL {replica})")).await;
    assert_eq!(features, [json!(["3"])]);
}

#[tokio::test]
async fn a_time_that_says_no_zone_is_in_that_of_the_session() {
    let sandbox = Sandbox::new().await;
    let rows = sandbox
        .rows(
            "SELECT TIMESTAMP '2024-07-01 00:00:00', TIMESTAMP '2024-01-01T08:00:00Z' = TIMESTAMP_NTZ '2024-01-01 00:00:00', \
             CAST(TIMESTAMP '2024-01-01T07:59:59Z' AS DATE), CAST(DATE '2024-01-01' AS TIMESTAMP), \
             CAST(TIMESTAMP '2024-01-01T08:00:00.5Z' AS STRING), TIMESTAMP '2024-03-10 02:30:00'",
        )
        .await;
    assert_eq!(
        rows,
        [json!([
            "2024-07-01T00:00:00.000-07:00",
            "true",
            "2023-12-31",
            "2024-01-01T00:00:00.000-08:00",
            "2024-01-01 00:00:00.5",
            "2024-03-10T03:30:00.000-07:00",
        ])]
    );
}

#[tokio::test]
async fn values_that_stand_together_have_one_type() {
    let sandbox = Sandbox::new().await;
    for (sql, kind, rows) in [
        ("VALUES (1), (2.5)", "DECIMAL(11,1)", json!([["1.0"], ["2.5"]])),
        (
            "SELECT 1 UNION ALL SELECT 2.25 UNION ALL SELECT NULL",
            "DECIMAL(12,2)",
            json!([["1.00"], ["2.25"], [null]]),
        ),
        ("SELECT coalesce(NULL, 1, 2e0)", "DOUBLE", json!([["1.0"]])),
        ("SELECT upper('a') WHERE false", "STRING", Value::Null),
        (
            "SELECT struct(1 AS a, array(1, 2.5) AS b)",
            "STRUCT<a: INT, b: ARRAY<DECIMAL(11,1)>>",
            json!([["{\"a\":\"1\",\"b\":[\"1.0\",\"2.5\"]}"]]),
        ),
        ("SELECT map('k', 1)", "MAP<STRING, INT>", json!([["{\"k\":\"1\"}"]])),
        ("SELECT named_struct('x', NULL)", "STRUCT<x: VOID>", json!([["{\"x\":null}"]])),
        ("SELECT greatest(1, NULL, 2.5)", "DECIMAL(11,1)", json!([["2.5"]])),
    ] {
        let (types, found) = sandbox.typed(sql).await;
        assert_eq!((types[0].1.as_str(), &found), (kind, &rows), "{sql}");
    }
    let refused = sandbox.failure("SELECT 1 UNION ALL SELECT true").await;
    assert!(refused.starts_with("[INCOMPATIBLE_COLUMN_TYPE]"), "{refused}");
}

#[tokio::test]
async fn texts_and_numbers_are_taken_for_each_other_as_databricks_documents() {
    let sandbox = Sandbox::new().await;
    for (expression, kind, value) in [
        ("1 + '2'", "BIGINT", "3"),
        ("1.5 + '2'", "DOUBLE", "3.5"),
        ("'1' + '2'", "DOUBLE", "3.0"),
        ("-'5'", "DOUBLE", "-5.0"),
        ("abs('-5')", "DOUBLE", "5.0"),
        ("coalesce(1, '2')", "BIGINT", "1"),
        ("CASE WHEN true THEN '2024-01-01' ELSE current_date() END", "DATE", "2024-01-01"),
        ("CAST(1 AS TINYINT) + CAST(0.5 AS FLOAT)", "DOUBLE", "1.5"),
        ("upper(5) || lower(true)", "STRING", "5true"),
        ("length(1234)", "INT", "4"),
        ("NOT 'false' AND 'yes'", "BOOLEAN", "true"),
        ("1 = '1'", "BOOLEAN", "true"),
    ] {
        let (types, rows) = sandbox.typed(&format!("SELECT {expression}")).await;
        assert_eq!((types[0].1.as_str(), &rows), (kind, &json!([[value]])), "{expression}");
    }
    // Types are looked at before rows are.
    for (sql, words) in [
        ("SELECT 1 WHERE false AND 1", "\"INT\" was given"),
        ("SELECT CAST(NULL AS INT) = true", "[DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES]"),
        ("SELECT coalesce(1, true) WHERE false", "[DATATYPE_MISMATCH.DATA_DIFF_TYPES]"),
        ("SELECT nope(1) WHERE false", "the function nope is not understood here"),
        ("SELECT coalesce(NULL, 'x', 1)", "[CAST_INVALID_INPUT]"),
        ("SELECT CASE WHEN true THEN 1 ELSE array(1) END", "[DATATYPE_MISMATCH.DATA_DIFF_TYPES]"),
    ] {
        let refused = sandbox.failure(sql).await;
        assert!(refused.contains(words), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn a_cast_that_fits_no_value_is_told_from_one_that_there_is_not() {
    let sandbox = Sandbox::new().await;
    assert_eq!(
        sandbox
            .rows(
                "SELECT try_cast(array('1', 'x') AS ARRAY<INT>), \
                 try_cast(map('a', 'x') AS MAP<STRING, INT>), try_cast('x' AS INT), \
                 try_cast(named_struct('a', 'x', 'b', '2') AS STRUCT<a: INT, b: INT>)"
            )
            .await,
        [json!(["[\"1\",null]", "{\"a\":null}", null, "{\"a\":null,\"b\":\"2\"}"])]
    );
    for (expression, words) in [
        ("CAST(array('1', 'x') AS ARRAY<INT>)", "[CAST_INVALID_INPUT]"),
        ("try_cast(map('x', 1) AS MAP<INT, INT>)", "[CAST_INVALID_INPUT]"),
        ("map(NULL, 1)", "[NULL_MAP_KEY]"),
        ("map('a', 1, CAST(NULL AS STRING), 2)", "[NULL_MAP_KEY]"),
        ("from_json('{\"1\": 2}', 'map<int,int>')", "[INVALID_JSON_SCHEMA_MAP_TYPE]"),
        ("try_cast(DATE '2024-01-01' AS INT)", "[DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION]"),
        ("try_cast('[1]' AS ARRAY<INT>)", "[DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION]"),
        ("greatest(map('a', 1), map('b', 1))", "[DATATYPE_MISMATCH"),
    ] {
        let refused = sandbox.failure(&format!("SELECT {expression}")).await;
        assert!(refused.starts_with(words), "{expression}: {refused}");
    }
    let refused = sandbox.failure("SELECT a FROM VALUES (map('k', 1)) AS t(a) ORDER BY a").await;
    assert!(refused.starts_with("[DATATYPE_MISMATCH.INVALID_ORDERING_TYPE]"), "{refused}");
}

#[tokio::test]
async fn what_databricks_calculates_and_casts_beyond_is_refused_by_its_name() {
    let sandbox = Sandbox::new().await;
    for (expression, word) in [
        ("DATE '2024-01-01' + 1", "the calculation DATE + INT"),
        ("current_timestamp() - current_timestamp()", "the calculation TIMESTAMP - TIMESTAMP"),
        ("CAST(current_timestamp() AS DOUBLE)", "a cast from TIMESTAMP to DOUBLE"),
        ("CAST(1.5 AS TIMESTAMP)", "a cast from DECIMAL(2,1) to TIMESTAMP"),
        ("to_date('2024', 'yyyy')", "the function to_date(STRING, STRING)"),
        ("trim(array('a'))", "the function trim(ARRAY<STRING>)"),
        ("unbase64('YQ==') || unbase64('Yg==')", "the function concat(BINARY, BINARY)"),
    ] {
        let refused = sandbox.failure(&format!("SELECT {expression}")).await;
        let wanted = format!("[UNSUPPORTED_FEATURE.SANDBOX] {word} is not understood here: docs/");
        assert!(refused.starts_with(&wanted), "{expression}: {refused}");
    }
}
