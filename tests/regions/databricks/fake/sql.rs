//! As much SQL as drsync sends, over Delta tables that are a history, properties and rows.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::State;

/// Columns and rows, or the code and message of a failure.
pub(super) type Outcome = Result<(Vec<String>, Vec<Vec<Option<String>>>), (String, String)>;

#[derive(Clone, Debug, Default)]
pub(in super::super) struct DeltaTable {
    /// Operation, parameters, metrics; the version is the place.
    pub(in super::super) commits: Vec<(String, Value, Value)>,
    pub(in super::super) properties: BTreeMap<String, String>,
    pub(in super::super) files: u64,
    pub(in super::super) bytes: u64,
    pub(in super::super) rows: Vec<Value>,
    /// `name type, …`, as it was created.
    pub(in super::super) columns: String,
}

impl DeltaTable {
    pub(in super::super) fn with_writes(count: usize) -> DeltaTable {
        let commits = vec![("WRITE".to_owned(), json!({}), json!({"numOutputRows": "5"})); count];
        DeltaTable { commits, files: 3, bytes: 300, ..DeltaTable::default() }
    }

    pub(in super::super) fn commit(&mut self, operation: &str) {
        self.commits.push((operation.to_owned(), json!({}), json!({})));
    }
}

pub(super) fn missing(key: &str) -> (String, String) {
    let text = if key.contains("://") {
        format!(
            "[DELTA_PATH_DOES_NOT_EXIST] {key} doesn't exist, or is not a Delta table. SQLSTATE: 42K03"
        )
    } else {
        let quoted = key.split('.').map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".");
        format!(
            "[TABLE_OR_VIEW_NOT_FOUND] The table or view {quoted} cannot be found. SQLSTATE: 42P01"
        )
    };
    ("BAD_REQUEST".to_owned(), text)
}

/// The first table that a text names, and what follows it.
pub(super) fn relation(text: &str) -> (String, &str) {
    let mut parts = Vec::new();
    let mut rest = text.strip_prefix("delta.").unwrap_or(text);
    while let Some(quoted) = rest.strip_prefix('`') {
        let (part, after) = quoted.split_once('`').unwrap();
        parts.push(part.to_owned());
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    (parts.join("."), rest.trim_start())
}

fn quoted(text: &str) -> &str {
    text.split_once('\'')
        .and_then(|(_, rest)| rest.split_once('\''))
        .map_or("", |(inside, _)| inside)
}

fn properties(text: &str) -> BTreeMap<String, String> {
    let Some((_, inside)) = text.split_once("TBLPROPERTIES (") else {
        return BTreeMap::new();
    };
    let pairs = inside.trim_end_matches(')').split(", ").filter_map(|pair| pair.split_once(" = "));
    pairs
        .map(|(key, value)| {
            (key.trim_matches('\'').to_owned(), value.trim_matches('\'').to_owned())
        })
        .collect()
}

impl State {
    pub(super) fn execute(&mut self, request: &Value) -> Outcome {
        let text = request["statement"].as_str().unwrap().to_owned();
        crate::sql::kind::assert_known(&text);
        let empty = Vec::new();
        let parameters: BTreeMap<&str, &str> = request["parameters"]
            .as_array()
            .unwrap_or(&empty)
            .iter()
            .map(|it| (it["name"].as_str().unwrap(), it["value"].as_str().unwrap_or_default()))
            .collect();
        let looks = ["SELECT", "DESCRIBE", "LIST"].iter().any(|verb| text.starts_with(verb));
        assert_eq!(request["wait_timeout"], if looks { "10s" } else { "0s" });
        if text.contains("AS asked") {
            return self.union(&text);
        }
        let (first, _) = text.split_once(' ').unwrap();
        match first {
            "LIST" => self.list(quoted(&text)),
            "DESCRIBE" | "SELECT" if text.contains("count(*) AS parts") => {
                self.kept(&text, &parameters)
            }
            "SELECT" if text.starts_with("SELECT * ") => self.described(&text),
            "SELECT" if text.contains("to_json") => self.records(&text, &parameters),
            "DESCRIBE" | "SELECT" => self.look(&text, None),
            "MERGE" => self.merge(&text, &parameters),
            "CREATE" => self.create(&text),
            "REPAIR" => Ok((vec![], vec![])),
            other => panic!("the fake has no {other}: {text}"),
        }
    }

    fn union(&self, text: &str) -> Outcome {
        if self.refuse_batches {
            return Err((
                "BAD_REQUEST".to_owned(),
                "[PARSE_SYNTAX_ERROR] Syntax error at or near 'DESCRIBE'. SQLSTATE: 42601"
                    .to_owned(),
            ));
        }
        let mut all: (Vec<String>, Vec<Vec<Option<String>>>) = (Vec::new(), Vec::new());
        for part in text.split(" UNION ALL ") {
            let asked = part.trim_start_matches("SELECT ").split(' ').next().unwrap();
            let inner = match part.split_once("FROM (") {
                Some((_, inner)) => inner.trim_end_matches(')').to_owned(),
                None => part.to_owned(),
            };
            let (columns, rows) = self.look(&inner, Some(asked))?;
            all.0 = columns;
            all.1.extend(rows);
        }
        Ok(all)
    }

    fn look(&self, text: &str, asked: Option<&str>) -> Outcome {
        let table = |after: &str| {
            let (key, rest) = relation(text.split_once(after).unwrap().1);
            self.tables.get(&key).map(|table| (table, rest.to_owned())).ok_or_else(|| missing(&key))
        };
        let number = |rest: &str| rest.rsplit(' ').next().unwrap().parse::<usize>().unwrap();
        let some = |text: String| Some(text);
        let (mut columns, mut rows): (Vec<&str>, Vec<Vec<Option<String>>>) = if text
            .contains("DESCRIBE HISTORY")
        {
            let (table, rest) = table("DESCRIBE HISTORY ")?;
            let row =
                |(version, (operation, parameters, metrics)): (usize, &(String, Value, Value))| {
                    // A session seven hours west of UTC.
                    let time = format!(
                        "2026-11-{:02}T{:02}:{:02}:00.500-07:00",
                        1 + version / 1440,
                        version / 60 % 24,
                        version % 60
                    );
                    vec![
                        some(version.to_string()),
                        some(time),
                        None,
                        some("dr@example.com".into()),
                        some(operation.clone()),
                        some(parameters.to_string()),
                        some(metrics.to_string()),
                    ]
                };
            let rows =
                table.commits.iter().enumerate().rev().take(number(&rest)).map(row).collect();
            (
                vec![
                    "version",
                    "timestamp",
                    "userId",
                    "userName",
                    "operation",
                    "operationParameters",
                    "operationMetrics",
                ],
                rows,
            )
        } else if text.contains("DESCRIBE DETAIL") {
            let (table, _) = table("DESCRIBE DETAIL ")?;
            let row = vec![
                some("delta".into()),
                some("log-id".into()),
                None,
                some(table.files.to_string()),
                some(table.bytes.to_string()),
                some(json!(table.properties).to_string()),
            ];
            (vec!["format", "id", "location", "numFiles", "sizeInBytes", "properties"], vec![row])
        } else {
            let (table, rest) = table("FROM ")?;
            if number(&rest) >= table.commits.len() {
                return Err((
                    "BAD_REQUEST".to_owned(),
                    "[DELTA_VERSION_NOT_FOUND] Cannot time travel. SQLSTATE: 22003".to_owned(),
                ));
            }
            (vec!["n"], vec![vec![some("42".into())]])
        };
        if let Some(asked) = asked {
            columns.insert(0, "asked");
            rows.iter_mut().for_each(|row| row.insert(0, Some(asked.to_owned())));
        }
        Ok((columns.into_iter().map(str::to_owned).collect(), rows))
    }

    /// No rows, and columns as `name: TYPE`.
    fn described(&self, text: &str) -> Outcome {
        let (key, _) = relation(text.split_once("FROM ").unwrap().1);
        let table = self.tables.get(&key).ok_or_else(|| missing(&key))?;
        let mut depth = 0;
        let parts = table.columns.split(|letter| {
            depth += match letter {
                '<' => 1,
                '>' => -1,
                _ => 0,
            };
            letter == ',' && depth == 0
        });
        let columns = parts.map(|column| column.trim().replacen(' ', ": ", 1));
        Ok((columns.collect(), vec![]))
    }

    fn list(&self, location: &str) -> Outcome {
        let folder = format!("{}/", location.trim_end_matches('/'));
        let mut names: Vec<String> = self
            .tables
            .keys()
            .filter_map(|key| key.strip_prefix(&folder))
            .map(|rest| format!("{}/", rest.split('/').next().unwrap()))
            .collect();
        names.dedup();
        if names.is_empty() {
            return Err((
                "BAD_REQUEST".to_owned(),
                format!("[PATH_NOT_FOUND] Path does not exist: {location}. SQLSTATE: 42K03"),
            ));
        }
        let rows = names
            .into_iter()
            .map(|name| vec![Some(format!("{folder}{name}")), Some(name)])
            .collect();
        Ok((vec!["path".to_owned(), "name".to_owned()], rows))
    }

    fn create(&mut self, text: &str) -> Outcome {
        if let Some((_, rest)) = text.split_once("CREATE OR REPLACE TABLE ") {
            return self.clone_over(rest);
        }
        let (key, rest) = relation(text.split_once("IF NOT EXISTS ").unwrap().1);
        if let Some(source) = rest.strip_prefix("DEEP CLONE ") {
            let source = self
                .tables
                .get(&relation(source).0)
                .cloned()
                .ok_or_else(|| missing(&relation(source).0))?;
            let commits = vec![("CLONE".to_owned(), json!({}), json!({}))];
            self.tables.entry(key).or_insert(DeltaTable { commits, ..source });
        } else if rest.contains("LOCATION") {
            self.catalog
                .insert(key, json!({"storage_location": quoted(rest), "table_type": "EXTERNAL"}));
        } else {
            let columns = rest.split_once('(').unwrap().1;
            let created = DeltaTable {
                columns: columns.split_once(") USING").unwrap().0.to_owned(),
                commits: vec![("CREATE TABLE".to_owned(), json!({}), json!({}))],
                properties: properties(rest),
                ..DeltaTable::default()
            };
            self.tables.entry(key).or_insert(created);
        }
        Ok((vec![], vec![]))
    }

    fn clone_over(&mut self, text: &str) -> Outcome {
        let (target, rest) = relation(text);
        let (source, rest) = relation(rest.strip_prefix("DEEP CLONE ").unwrap());
        let version = rest.strip_prefix("VERSION AS OF ").unwrap().split(' ').next().unwrap();
        let from = self.tables.get(&source).cloned().ok_or_else(|| missing(&source))?;
        let table = self.tables.entry(target).or_default();
        let copied = from.files.saturating_sub(table.files);
        let metrics = json!({"sourceNumOfFiles": from.files.to_string(), "sourceTableSize": from.bytes.to_string(),
            "numCopiedFiles": copied.to_string(), "copiedFilesSize": (copied * 100).to_string()});
        table.commits.push((
            "CLONE".to_owned(),
            json!({"source": source, "sourceVersion": version}),
            metrics,
        ));
        table.properties = properties(rest);
        (table.files, table.bytes) = (from.files, from.bytes);
        let columns = [
            "source_table_size",
            "source_num_of_files",
            "num_removed_files",
            "num_copied_files",
            "removed_files_size",
            "copied_files_size",
        ];
        let row =
            [from.bytes, from.files, 0, copied, 0, copied * 100].map(|it| Some(it.to_string()));
        Ok((columns.map(str::to_owned).to_vec(), vec![row.to_vec()]))
    }
}
