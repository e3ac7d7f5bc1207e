//! What drsync writes and reads in its own tables: rows that are JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::State;
use super::sql::{Outcome, missing, relation};

impl State {
    pub(super) fn merge(&mut self, text: &str, parameters: &BTreeMap<&str, &str>) -> Outcome {
        let (key, _) = relation(text.strip_prefix("MERGE INTO ").unwrap());
        let table = self.tables.get_mut(&key).ok_or_else(|| missing(&key))?;
        let group = |row: &Value| row["group_name"].clone();
        if let Some(rows) = parameters.get("rows") {
            for row in serde_json::from_str::<Vec<Value>>(rows).unwrap() {
                table.rows.retain(|other| group(other) != group(&row));
                table.rows.push(row);
            }
        } else if let Some(cuts) = parameters.get("cuts") {
            let number = |row: &Value| row["cut_number"].as_u64().unwrap();
            let conditional = text.contains("t.cut_number >= s.cut_number");
            for cut in serde_json::from_str::<Vec<Value>>(cuts).unwrap() {
                let there = table.rows.iter().any(|row| {
                    group(row) == group(&cut)
                        && if conditional {
                            number(row) >= number(&cut)
                        } else {
                            number(row) == number(&cut) && row["run_id"] == cut["run_id"]
                        }
                });
                if !there {
                    table.rows.push(cut);
                }
            }
        } else if !table
            .rows
            .iter()
            .any(|row| row["name"] == parameters["name"] && row["part"] == parameters["part"])
        {
            let row = json!({"name": parameters["name"], "part": parameters["part"], "sha256": parameters["sha256"], "content": parameters["content"]});
            table.rows.push(row);
        }
        table.commit("MERGE");
        Ok((vec!["num_affected_rows".to_owned()], vec![vec![Some("1".to_owned())]]))
    }

    /// JSON as the warehouse writes it: times in its zone, NULLs left out.
    pub(super) fn records(&self, text: &str, parameters: &BTreeMap<&str, &str>) -> Outcome {
        let (key, _) = relation(text.split_once("FROM ").unwrap().1);
        let table = self.tables.get(&key).ok_or_else(|| missing(&key))?;
        let ends: Vec<(&str, Option<u64>)> = (0..)
            .map_while(|at| {
                let group = parameters.get(format!("group_{at}").as_str())?;
                let from = parameters.get(format!("from_{at}").as_str());
                Some((*group, from.and_then(|from| from.parse().ok())))
            })
            .collect();
        let wanted = |row: &&Value| {
            let mut any = ends.iter();
            ends.is_empty()
                || any.any(|(group, from)| {
                    row["group_name"] == *group && row["cut_number"].as_u64() >= *from
                })
        };
        let newest = |group: &Value, tied: bool| {
            let mut of_group: Vec<&Value> = table.rows.iter().collect();
            of_group.retain(|row| row["group_name"] == *group);
            of_group.retain(|row| !tied || row["consistency"] != "crash-consistent");
            of_group.iter().filter_map(|row| row["cut_number"].as_u64()).max()
        };
        let heads = text.contains("max(cut_number)");
        let head = |row: &&Value| {
            let number = row["cut_number"].as_u64();
            let group = &row["group_name"];
            !heads || number == newest(group, false) || number == newest(group, true)
        };
        let rows = table
            .rows
            .iter()
            .filter(wanted)
            .filter(head)
            .map(|row| vec![Some(in_session_zone(row).to_string())])
            .collect();
        Ok((vec!["row".to_owned()], rows))
    }

    pub(super) fn kept(&self, text: &str, parameters: &BTreeMap<&str, &str>) -> Outcome {
        let (key, _) = relation(text.split_once("FROM ").unwrap().1);
        let table = self.tables.get(&key).ok_or_else(|| missing(&key))?;
        if text.starts_with("SELECT name,") {
            let mut names: BTreeMap<&str, u64> = BTreeMap::new();
            for row in &table.rows {
                let name = row["name"].as_str().unwrap();
                let within = parameters.get("oldest").is_none_or(|from| name >= *from)
                    && parameters.get("newest").is_none_or(|until| name <= *until);
                if within {
                    *names.entry(name).or_default() += 1;
                }
            }
            let rows = names
                .into_iter()
                .map(|(name, parts)| vec![Some(name.to_owned()), Some(parts.to_string())]);
            return Ok((vec!["name".to_owned(), "parts".to_owned()], rows.collect()));
        }
        let parts: Vec<&Value> =
            table.rows.iter().filter(|row| row["name"] == parameters["name"]).collect();
        let rows = parts.first().map(|row| {
            vec![row["sha256"].as_str().map(str::to_owned), Some(parts.len().to_string())]
        });
        Ok((vec!["sha256".to_owned(), "parts".to_owned()], rows.into_iter().collect()))
    }
}

fn in_session_zone(value: &Value) -> Value {
    match value {
        Value::String(text) => match chrono::DateTime::parse_from_rfc3339(text) {
            Ok(time) => {
                let west = chrono::FixedOffset::west_opt(7 * 3600).unwrap();
                json!(
                    time.with_timezone(&west).to_rfc3339_opts(chrono::SecondsFormat::Millis, false)
                )
            }
            Err(_) => value.clone(),
        },
        Value::Array(items) => items.iter().map(in_session_zone).collect(),
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), in_session_zone(value))).collect())
        }
        other => other.clone(),
    }
}
