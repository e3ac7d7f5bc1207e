//! What a clone says about the table as a whole: protocol, metadata, transactions and domains.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::action::{Metadata, Protocol, Raw};
use super::super::change::Author;
use super::super::commit::next_time;
use super::super::error::Result;
use super::super::features::COORDINATED;
use super::super::snapshot::Snapshot;

/// The domain that counts row ids.
pub(super) const ROW_TRACKING: &str = "delta.rowTracking";

/// Columns, named by the table itself, in which rewritten rows keep their ids. A source's hold ids of another table.
const MATERIALIZED: [(&str, &str); 2] = [
    ("delta.rowTracking.materializedRowIdColumnName", "_row-id-col-"),
    ("delta.rowTracking.materializedRowCommitVersionColumnName", "_row-commit-version-col-"),
];

const OWN_TIMES_VERSION: &str = "delta.inCommitTimestampEnablementVersion";
const OWN_TIMES_TIMESTAMP: &str = "delta.inCommitTimestampEnablementTimestamp";

/// Whether a clone keeps a property of its source: not what speaks of the source's own history, catalog or marks.
pub(in super::super) fn kept_property(name: &str) -> bool {
    let dropped_prefix =
        ["drsync.", "io.unitycatalog.", "delta.coordinatedCommits.", "delta.managedCommits."];
    let dropped = [
        OWN_TIMES_VERSION,
        OWN_TIMES_TIMESTAMP,
        "delta.requireCheckpointProtectionBeforeVersion",
        "ucTableId",
    ];
    !dropped_prefix.iter().any(|prefix| name.starts_with(prefix))
        && !dropped.contains(&name)
        && !MATERIALIZED.iter().any(|(property, _)| *property == name)
}

/// What a header is made from.
pub(super) struct HeaderPlan<'a> {
    pub(super) source: &'a Snapshot,
    pub(super) target: Option<&'a Snapshot>,
    /// The version to commit.
    pub(super) version: u64,
    pub(super) properties: &'a BTreeMap<String, String>,
    pub(super) author: &'a Author,
}

/// The actions about the table as a whole, and what the file actions and `commitInfo` must follow.
pub(super) struct Header {
    pub(super) actions: Vec<String>,
    pub(super) version: u64,
    /// The commit's own time, where the table has them.
    pub(super) own_time_ms: Option<i64>,
    /// The highest row id given out so far (-1 for none), where rows are tracked.
    pub(super) row_ids: Option<i64>,
}

pub(super) fn header(plan: &HeaderPlan<'_>) -> Result<Header> {
    let HeaderPlan { source, target, version, properties: _, author } = *plan;
    let protocol = protocol(&source.protocol);
    let tracks_rows = protocol.supports("rowTracking");
    let time = next_time(target, true, author.now_ms);
    let metadata = metadata(plan, tracks_rows, time);
    let own_time_ms = metadata.in_commit_timestamps().then_some(time);
    let mut actions = Vec::new();
    if target.is_none_or(|target| !same_protocol(&target.protocol, &protocol)) {
        actions.push(json!({ "protocol": protocol.0 }).to_string());
    }
    // Metadata is written always: the log may forget commits before this one, and its mark has to say whose clone it is.
    actions.push(json!({ "metaData": metadata.0 }).to_string());
    for (app, txn) in &source.txns {
        if target.is_none_or(|target| target.txns.get(app) != Some(txn)) {
            actions.push(json!({ "txn": txn }).to_string());
        }
    }
    let configuration = |domain: &Raw| domain.get("configuration").cloned();
    for (name, domain) in &source.domains {
        let there = target.and_then(|target| target.domains.get(name));
        if name != ROW_TRACKING && there.map(configuration) != Some(configuration(domain)) {
            actions.push(json!({ "domainMetadata": domain }).to_string());
        }
    }
    if protocol.supports("domainMetadata") {
        for (name, domain) in target.iter().flat_map(|target| &target.domains) {
            if !source.domains.contains_key(name) && name != ROW_TRACKING {
                let mut removed = domain.clone();
                removed.insert("removed".to_owned(), true.into());
                actions.push(json!({ "domainMetadata": removed }).to_string());
            }
        }
    }
    let row_ids = tracks_rows.then(|| target.map_or(-1, high_water_mark));
    Ok(Header { actions, version, own_time_ms, row_ids })
}

/// The source's protocol without what binds it to a coordinator.
fn protocol(source: &Protocol) -> Protocol {
    let mut raw = source.0.clone();
    for list in ["readerFeatures", "writerFeatures"] {
        if let Some(Value::Array(features)) = raw.get_mut(list) {
            features.retain(|feature| {
                !feature.as_str().is_some_and(|feature| COORDINATED.contains(&feature))
            });
        }
    }
    Protocol(raw)
}

/// Whether two protocols ask the same.
pub(in super::super) fn same_protocol(one: &Protocol, other: &Protocol) -> bool {
    let sorted = |mut features: Vec<&str>| {
        features.sort_unstable();
        features.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let asked = |protocol: &Protocol| {
        let versions = (protocol.min_reader_version(), protocol.min_writer_version());
        (versions, sorted(protocol.reader_features()), sorted(protocol.writer_features()))
    };
    asked(one) == asked(other)
}

/// The source's metadata under the target's own identity.
fn metadata(plan: &HeaderPlan<'_>, tracks_rows: bool, time: i64) -> Metadata {
    let HeaderPlan { source, target, version, properties, author } = *plan;
    let own = target.map(|target| &target.metadata);
    let mut all: BTreeMap<String, String> = source.metadata.properties();
    all.retain(|name, _| kept_property(name));
    for (property, prefix) in MATERIALIZED {
        if tracks_rows && source.metadata.property(property).is_some() {
            let name = own.and_then(|own| own.property(property)).map(str::to_owned);
            all.insert(
                property.to_owned(),
                name.unwrap_or_else(|| format!("{prefix}{}", uuid::Uuid::new_v4())),
            );
        }
    }
    all.extend(properties.iter().map(|(name, value)| (name.clone(), value.clone())));
    let times_on = all
        .get("delta.enableInCommitTimestamps")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    match own {
        Some(own) if times_on && own.in_commit_timestamps() => {
            for name in [OWN_TIMES_VERSION, OWN_TIMES_TIMESTAMP] {
                if let Some(value) = own.property(name) {
                    all.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        // They begin here, in the middle of the target's history.
        Some(_) if times_on => {
            all.insert(OWN_TIMES_VERSION.to_owned(), version.to_string());
            all.insert(OWN_TIMES_TIMESTAMP.to_owned(), time.to_string());
        }
        _ => {}
    }
    let mut raw = source.metadata.0.clone();
    // CLONE carries neither name nor comment.
    raw.shift_remove("name");
    raw.shift_remove("description");
    raw.insert(
        "id".to_owned(),
        own.map_or_else(|| uuid::Uuid::new_v4().to_string(), |own| own.id().to_owned()).into(),
    );
    raw.insert("configuration".to_owned(), json!(all));
    let created = own.and_then(|own| own.0.get("createdTime").cloned());
    raw.insert("createdTime".to_owned(), created.unwrap_or_else(|| author.now_ms.into()));
    Metadata(raw)
}

fn high_water_mark(target: &Snapshot) -> i64 {
    let configuration =
        target.domains.get(ROW_TRACKING).and_then(|domain| domain.get("configuration")?.as_str());
    let parsed = configuration.and_then(|text| serde_json::from_str::<Value>(text).ok());
    parsed.and_then(|parsed| parsed.get("rowIdHighWaterMark")?.as_i64()).unwrap_or(-1)
}
