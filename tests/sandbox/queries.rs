//! What people ask of rows is answered right, or refused.

use serde_json::{Value, json};

use crate::world::Sandbox;

/// A sandbox with a small table: an id, a name, a kind, tags and a struct.
async fn with_rows() -> Sandbox {
    let sandbox = Sandbox::new().await;
    sandbox
        .rows("CREATE TABLE main.scratch.p (id INT, name STRING, kind STRING, tags ARRAY<STRING>, s STRUCT<a: INT>)")
        .await;
    sandbox
        .rows(
            "INSERT INTO main.scratch.p VALUES (1, 'Ann', 'x', array('p', 'q'), named_struct('a', 7)), \
             (2, NULL, 'y', NULL, NULL), (10, 'bob', 'x', array(), NULL)",
        )
        .await;
    sandbox
}

async fn answers(sandbox: &Sandbox, asked: &[(&str, Value)]) {
    for (sql, wanted) in asked {
        let sql = sql.replace("FROM p", "FROM main.scratch.p");
        let rows = Value::Array(sandbox.rows(&sql).await);
        assert_eq!(rows, *wanted, "{sql}");
    }
}

async fn refusals(sandbox: &Sandbox, asked: &[(&str, &str)]) {
    for (sql, words) in asked {
        let sql = sql.replace("FROM p", "FROM main.scratch.p");
        let refused = sandbox.failure(&sql).await;
        assert!(refused.contains(words), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn rows_are_sorted_with_nulls_where_they_are_wanted_and_skipped() {
    let sandbox = with_rows().await;
    answers(
        &sandbox,
        &[
            ("SELECT id FROM p ORDER BY name", json!([["2"], ["1"], ["10"]])),
            ("SELECT id FROM p ORDER BY name NULLS LAST", json!([["1"], ["10"], ["2"]])),
            ("SELECT id FROM p ORDER BY name DESC", json!([["10"], ["1"], ["2"]])),
            ("SELECT id FROM p ORDER BY name DESC NULLS FIRST", json!([["2"], ["10"], ["1"]])),
            ("SELECT id FROM p ORDER BY id LIMIT 1 OFFSET 1", json!([["2"]])),
            ("SELECT id FROM p ORDER BY id OFFSET 2", json!([["10"]])),
            ("SELECT id FROM p OFFSET 5", json!([])),
            (
                "SELECT id AS kind, kind AS id FROM p ORDER BY id, kind",
                json!([["1", "x"], ["10", "x"], ["2", "y"]]),
            ),
        ],
    )
    .await;
    refusals(&sandbox, &[("SELECT id FROM p ORDER BY 2", "[ORDER_BY_POS_OUT_OF_RANGE]")]).await;
}

#[tokio::test]
async fn rows_are_grouped_by_a_place_an_alias_or_an_expression() {
    let sandbox = with_rows().await;
    let wanted = json!([["x", "2"], ["y", "1"]]);
    answers(
        &sandbox,
        &[
            ("SELECT kind, count(*) FROM p GROUP BY 1 ORDER BY 1", wanted.clone()),
            ("SELECT kind AS k, count(*) FROM p GROUP BY k ORDER BY k", wanted.clone()),
            ("SELECT p.kind, count(*) FROM p GROUP BY KIND ORDER BY count(*) DESC", wanted),
            ("SELECT s.a, count(*) FROM p GROUP BY s ORDER BY s.a", json!([[null, "2"], ["7", "1"]])),
            (
                "SELECT max(id) + 1, CASE WHEN count(*) > 2 THEN 'many' ELSE 'few' END, -sum(id), sum(id) IS NULL FROM p",
                json!([["11", "many", "-13", "false"]]),
            ),
            ("SELECT count(DISTINCT 1), count(DISTINCT kind) FROM p", json!([["1", "2"]])),
            ("SELECT count(DISTINCT 1) FROM p", json!([["1"]])),
            ("SELECT kind FROM p GROUP BY kind HAVING count(*) > 1", json!([["x"]])),
            (
                "SELECT kind AS k, max(id) AS most FROM p GROUP BY k HAVING most < 10 AND k <> 'z'",
                json!([["y", "2"]]),
            ),
            (
                "SELECT kind FROM p UNION SELECT 'x' UNION ALL SELECT 'y' ORDER BY 1",
                json!([["x"], ["y"], ["y"]]),
            ),
            ("SELECT 1 UNION ALL SELECT 1 UNION DISTINCT SELECT 1.0", json!([["1.0"]])),
            ("SELECT count(*) FROM p HAVING count(*) > 3", json!([])),
            ("SELECT count(*) FROM p HAVING min(id) = 1", json!([["3"]])),
            (
                "SELECT kind, max(id) AS id FROM p GROUP BY kind HAVING id > 2",
                json!([["x", "10"]]),
            ),
            (
                "SELECT struct(kind) AS s FROM p GROUP BY kind HAVING s.kind = 'y'",
                json!([[r#"{"kind":"y"}"#]]),
            ),
            (
                "SELECT id % 2 AS odd, count(*) FROM p GROUP BY id % 2 HAVING id % 2 = 1",
                json!([["1", "1"]]),
            ),
            ("WITH q (SELECT 1 AS n), r(m) (SELECT n + 1 FROM q) SELECT m FROM r", json!([["2"]])),
            ("WITH q(n, k) AS (SELECT id, kind FROM p) SELECT k, max(n) FROM q GROUP BY k ORDER BY k", json!([["x", "10"], ["y", "2"]])),
        ],
    )
    .await;
    refusals(
        &sandbox,
        &[
            ("SELECT name, count(*) FROM p", "[MISSING_AGGREGATION]"),
            ("SELECT name, count(*) FROM p GROUP BY kind", "[MISSING_AGGREGATION]"),
            ("SELECT kind FROM p GROUP BY 3", "[GROUP_BY_POS_OUT_OF_RANGE]"),
            ("SELECT count(DISTINCT *) FROM p", "DISTINCT * is not understood"),
            ("SELECT id FROM p WHERE count(*) > 1", "the aggregate count anywhere but"),
            (
                "SELECT kind AS k FROM p GROUP BY kind HAVING id > 1",
                "`id` cannot be resolved. Did you mean one of the following? [`k`]",
            ),
            (
                "SELECT kind AS k FROM p GROUP BY kind HAVING max(k) > 'a'",
                "[UNRESOLVED_COLUMN.WITH_SUGGESTION]",
            ),
            ("SELECT id FROM p HAVING id > 1", "[MISSING_AGGREGATION]"),
            (
                "SELECT kind FROM p GROUP BY kind HAVING max(id)",
                "[DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN]",
            ),
            ("SELECT id FROM p QUALIFY id > 1", "QUALIFY is not understood"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_in_a_value_is_found_or_refused() {
    let sandbox = with_rows().await;
    answers(
        &sandbox,
        &[
            (
                "SELECT tags[0], element_at(tags, 1), element_at(tags, -1), try_element_at(tags, 2), get(tags, 1), get(tags, 2) FROM p WHERE id = 1",
                json!([["p", "p", "q", "q", "q", null]]),
            ),
            ("SELECT s.a FROM p ORDER BY id", json!([["7"], [null], [null]])),
            ("SELECT id FROM p WHERE id LIKE '1%' ORDER BY id", json!([["1"], ["10"]])),
            ("SELECT split('a,b', ',')", json!([["[\"a\",\"b\"]"]])),
            ("SELECT least(3, NULL, 2), greatest(NULL, 'a', 'b')", json!([["2", "b"]])),
            (
                "SELECT -2147483648, -9223372036854775808, current_catalog()",
                json!([["-2147483648", "-9223372036854775808", "main"]]),
            ),
            ("SELECT +id AS i, i + 1 AS j, j * 2 FROM p WHERE id = 1", json!([["1", "2", "4"]])),
            (
                "SELECT (name IS NULL) IS TRUE, (id > 1) IS NOT FALSE, (name = 'x') IS UNKNOWN FROM p WHERE id = 2",
                json!([["true", "true", "true"]]),
            ),
        ],
    )
    .await;
    refusals(
        &sandbox,
        &[
            ("SELECT tags[2] FROM p WHERE id = 1", "[INVALID_ARRAY_INDEX]"),
            ("SELECT element_at(tags, 3) FROM p WHERE id = 1", "[INVALID_ARRAY_INDEX]"),
            ("SELECT s.b FROM p WHERE id = 1", "[FIELD_NOT_FOUND]"),
            ("SELECT name.b FROM p WHERE id = 1", "[INVALID_EXTRACT_BASE_FIELD_TYPE]"),
            ("SELECT q.* FROM p", "[CANNOT_RESOLVE_STAR_EXPAND]"),
            ("SELECT split('a.b', '.')", "split at a pattern is not understood here"),
            (
                "SELECT concat(array(1), array(2))",
                "the function concat(ARRAY<INT>, ARRAY<INT>) is not understood here",
            ),
            ("SELECT id FROM p WHERE id", "[DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN]"),
            (
                "SELECT sum(x) FROM VALUES (true) AS t(x)",
                "sum takes numbers, and \"BOOLEAN\" was given",
            ),
            ("SELECT 10L", "the number 10L"),
            ("SELECT map('a', 1, 'a', 2)", "[DUPLICATED_MAP_KEY]"),
            ("SELECT explode('a')", "explode takes an array or a map, and \"STRING\" was given"),
            ("SELECT i + 1, id AS i FROM p", "[UNRESOLVED_COLUMN.WITH_SUGGESTION]"),
            (
                "SELECT 1 FROM VALUES (1, 2) AS t(x)",
                "[INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH] Inline table expected 1 columns but found 2",
            ),
            (
                "SELECT 1 FROM VALUES (1) AS t(x, y)",
                "[INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH]",
            ),
            ("SELECT 1 FROM (SELECT 1, 2) AS t(x)", "[ASSIGNMENT_ARITY_MISMATCH]"),
            ("SELECT count(*) FROM p AS o(a)", "[ASSIGNMENT_ARITY_MISMATCH]"),
            (
                "SELECT version, operationMetrics FROM (DESCRIBE HISTORY main.shop.orders) UNION SELECT 1, map('a', 'b')",
                "[UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE]",
            ),
            (
                "SELECT DISTINCT array(map(1, 2))",
                "[UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE]",
            ),
            ("WITH q(n) AS (SELECT 1, 2) SELECT n FROM q", "[ASSIGNMENT_ARITY_MISMATCH]"),
            ("WITH q AS (SELECT 1), Q AS (SELECT 2) SELECT * FROM q", "[DUPLICATED_CTE_NAMES]"),
            (
                "SELECT wrong FROM (DESCRIBE HISTORY main.shop.orders)",
                "Did you mean one of the following? [`version`, `timestamp`, `userId`",
            ),
            (
                "SELECT x.version FROM (DESCRIBE HISTORY main.shop.orders) h",
                "`isBlindAppend`, `operationMetrics`, `userMetadata`, `engineInfo`]",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_would_not_hold_afterwards_is_not_written() {
    let sandbox = with_rows().await;
    refusals(
        &sandbox,
        &[
            ("INSERT INTO main.scratch.p (id, ID) VALUES (1, 2)", "[COLUMN_ALREADY_EXISTS]"),
            ("INSERT INTO main.scratch.p (id) VALUES (2147483648)", "[CAST_OVERFLOW]"),
            (
                "CREATE TABLE main.scratch.r (id INT NOT NULL)",
                "NOT NULL of a column is not understood",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_joins_or_filters_beyond_is_refused_by_its_name() {
    let sandbox = with_rows().await;
    for (sql, word) in [
        ("SELECT 1 FROM p, main.ref.countries", "a join of several relations"),
        ("SELECT 1 FROM p FULL OUTER JOIN main.ref.countries", "FULL after a relation"),
        ("SELECT 1 FROM p TABLESAMPLE (10 ROWS)", "TABLESAMPLE after a relation"),
        ("SELECT 1 FROM p EXCEPT SELECT 1", "a set operation other than UNION"),
        ("SELECT 1 MINUS SELECT 1", "a set operation other than UNION"),
        ("SELECT * EXCEPT (id) FROM p", "* EXCEPT"),
        ("SELECT id FROM p WHERE name ILIKE 'a%'", "ILIKE in an expression"),
        ("SELECT kind, count(*) FROM p GROUP BY ROLLUP (kind)", "GROUP BY ROLLUP"),
        ("SELECT size(explode(tags)) FROM p", "explode within an expression"),
        ("SELECT kind, count(*) FROM p GROUP BY kind, CUBE (id)", "GROUP BY CUBE"),
        ("SELECT kind, count(*) FROM p GROUP BY kind WITH ROLLUP", "GROUP BY … WITH ROLLUP"),
        ("SELECT date_add(current_date(), 1)", "the function date_add"),
        ("OPTIMIZE main.scratch.p ZORDER BY (id)", "OPTIMIZE … ZORDER"),
        ("OPTIMIZE main.scratch.p WHERE id > 1", "OPTIMIZE … WHERE"),
        ("VACUUM main.scratch.p USING INVENTORY main.scratch.p", "VACUUM … USING INVENTORY"),
        ("CREATE TABLE main.scratch.c (id INT) CLUSTER BY (id)", "CLUSTER"),
        ("CREATE TABLE main.scratch.c (id BIGINT GENERATED ALWAYS AS IDENTITY)", "GENERATED"),
        ("CREATE TABLE main.scratch.c (id INT DEFAULT 3)", "DEFAULT"),
        ("SELECT id FROM p@20260101000000000", "a table at a time by @"),
        ("SELECT kind, count(*) FROM p GROUP BY CUBE (kind)", "GROUP BY CUBE"),
        ("SELECT kind, count(*) FROM p GROUP BY GROUPING SETS ((kind), ())", "GROUP BY GROUPING"),
        ("SELECT id & 1 FROM p", "the sign `&`"),
        ("SELECT explode(map('a', 1)) AS (k, v)", "AS with several names"),
        ("SELECT X'616263'", "the literal X'…'"),
        ("SELECT name LIKE 'a!_' ESCAPE '!' FROM p", "LIKE … ESCAPE"),
        ("SELECT first(name), count(*) FROM p", "the function first"),
        (
            "SELECT count(*) AS n, n + 1 FROM p",
            "the alias n within another expression beside aggregates",
        ),
        ("INSERT INTO main.scratch.p BY NAME SELECT 1 AS id", "INSERT … BY NAME"),
        ("UPDATE main.scratch.p SET s.a = 1", "SET of s.a, a field within a column,"),
        (
            "MERGE INTO main.scratch.p t USING (SELECT 1 AS id) u ON t.id = u.id WHEN MATCHED THEN UPDATE SET t.s.a = 1",
            "SET of s.a, a field within a column,",
        ),
        ("CREATE TABLE main.scratch.c LIKE main.scratch.p", "CREATE TABLE … LIKE"),
        ("DESCRIBE main.scratch.p PARTITION (id = 1)", "DESCRIBE of a partition"),
        ("DESCRIBE EXTENDED main.scratch.p id", "DESCRIBE EXTENDED of a column"),
        ("DESCRIBE EXTENDED main.scratch.p AS JSON", "DESCRIBE … AS JSON"),
        ("DESCRIBE main.scratch.p s.a", "DESCRIBE of what is within a column"),
        ("SELECT 10L, id FROM p", "the number 10L"),
        ("ALTER TABLE p UNSET TBLPROPERTIES ('a')", "ALTER TABLE … UNSET TBLPROPERTIES"),
        ("ALTER SCHEMA main.scratch SET OWNER TO x", "ALTER SCHEMA"),
    ] {
        let wanted = format!("{word} is not understood here: docs/sandbox.md");
        refusals(&sandbox, &[(sql, &wanted)]).await;
    }
}

#[tokio::test]
async fn groups_filters_and_versions_are_written_as_databricks_takes_them() {
    let sandbox = with_rows().await;
    answers(
        &sandbox,
        &[
            (
                "SELECT kind, count(*) AS rows FROM p GROUP BY ALL ORDER BY kind",
                json!([["x", "2"], ["y", "1"]]),
            ),
            ("SELECT count(*) FROM p GROUP BY ALL", json!([["3"]])),
            (
                "SELECT count(*) FILTER (WHERE id > 1), sum(id) FILTER (WHERE id > 1), count(*) FROM p",
                json!([["2", "12", "3"]]),
            ),
        ],
    )
    .await;
    let then = sandbox.rows("SELECT count(*) FROM main.shop.orders VERSION AS OF 1").await;
    assert_eq!(sandbox.rows("SELECT count(*) FROM main.shop.orders@v1").await, then);
    for named in ["USE CATALOG main", "USE main.shop", "USE SCHEMA shop"] {
        sandbox.rows(named).await;
    }
    refusals(
        &sandbox,
        &[("USE main.gone", "[SCHEMA_NOT_FOUND]"), ("USE CATALOG gone", "[NO_SUCH_CATALOG_")],
    )
    .await;
}

#[tokio::test]
async fn what_a_query_came_to_is_looked_for_in_a_condition() {
    let sandbox = with_rows().await;
    let of = "SELECT id FROM p WHERE";
    answers(
        &sandbox,
        &[
            (
                &format!("{of} (kind, id) IN (SELECT kind, max(id) FROM main.scratch.p GROUP BY kind) ORDER BY id"),
                json!([["2"], ["10"]]),
            ),
            (
                &format!("{of} id IN (SELECT 1 UNION ALL SELECT 10) AND NOT name IN (SELECT 'bob')"),
                json!([["1"]]),
            ),
            // Of a null nobody knows whether it is among them, and among none there is nothing.
            (&format!("{of} name NOT IN (SELECT 'Ann')"), json!([["10"]])),
            (&format!("{of} id NOT IN (SELECT id FROM main.scratch.p WHERE name IS NULL) ORDER BY id"), json!([["1"], ["10"]])),
            (&format!("{of} kind NOT IN (SELECT name FROM main.scratch.p)"), json!([])),
            (&format!("{of} name NOT IN (SELECT name FROM main.scratch.p WHERE id > 99) ORDER BY id"), json!([["1"], ["2"], ["10"]])),
        ],
    )
    .await;
    refusals(
        &sandbox,
        &[
            ("SELECT id IN (SELECT 1) FROM p", "outside of WHERE"),
            (&format!("{of} id IN (SELECT 1, 2)"), "IN_SUBQUERY_LENGTH_MISMATCH"),
            (&format!("{of} id IN (SELECT 'a')"), "of two types"),
            (&format!("{of} id IN (SELECT gone FROM main.scratch.p)"), "gone"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_generator_has_what_is_selected_beside_it_in_each_of_its_rows() {
    let sandbox = with_rows().await;
    answers(
        &sandbox,
        &[
            ("SELECT id, explode(tags) FROM p", json!([["1", "p"], ["1", "q"]])),
            (
                "SELECT explode(tags) AS tag, name, id + 1 AS n FROM p ORDER BY tag DESC",
                json!([["q", "Ann", "2"], ["p", "Ann", "2"]]),
            ),
            (
                "SELECT id, explode(map('a', id)) FROM p WHERE id > 1",
                json!([["2", "a", "2"], ["10", "a", "10"]]),
            ),
            (
                "SELECT tag FROM (SELECT explode(tags) AS tag, * FROM p) ORDER BY tag LIMIT 1",
                json!([["p"]]),
            ),
        ],
    )
    .await;
    let twice = "SELECT explode(tags), explode(tags) FROM p";
    refusals(&sandbox, &[(twice, "[UNSUPPORTED_GENERATOR.MULTI_GENERATOR]")]).await;
}
