//! What a table says of itself beside its files, in a clone and in its source.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::action::{Metadata, Raw};
use super::super::clone::kept_property;
use super::super::features::COORDINATED;
use super::super::snapshot::Snapshot;
use super::CloneDifference;

/// Properties in which a clone differs on purpose, beside those that it drops.
const OVERRIDDEN: [&str; 2] = ["delta.deletedFileRetentionDuration", "delta.logRetentionDuration"];

/// Compares protocol, schema, partitioning, properties, transactions and domains.
pub(super) fn compare(source: &Snapshot, target: &Snapshot) -> Vec<CloneDifference> {
    let mut found = Vec::new();
    let mut differ = |what: String, source: Option<String>, target: Option<String>| {
        if source != target {
            found.push(CloneDifference::Header { what, source, target });
        }
    };

    differ("protocol".to_owned(), versions(source), versions(target));
    differ(
        "reader features".to_owned(),
        features(source.protocol.reader_features()),
        features(target.protocol.reader_features()),
    );
    differ(
        "writer features".to_owned(),
        features(source.protocol.writer_features()),
        features(target.protocol.writer_features()),
    );

    differ("schema".to_owned(), schema(&source.metadata), schema(&target.metadata));
    let partitioning = |metadata: &Metadata| Some(metadata.partition_columns().join(", "));
    differ(
        "partitioning".to_owned(),
        partitioning(&source.metadata),
        partitioning(&target.metadata),
    );
    let compared = |name: &String| kept_property(name) && !OVERRIDDEN.contains(&name.as_str());
    let (ours, theirs) = (source.metadata.properties(), target.metadata.properties());
    let names: BTreeSet<&String> =
        ours.keys().chain(theirs.keys()).filter(|name| compared(name)).collect();
    for name in names {
        differ(format!("property {name}"), ours.get(name).cloned(), theirs.get(name).cloned());
    }
    // A target may remember more: a transaction cannot be taken back.
    for (app, txn) in &source.txns {
        let version = |txn: &Raw| txn.get("version").map(Value::to_string);
        differ(format!("transaction {app}"), version(txn), target.txns.get(app).and_then(version));
    }
    let domain = |snapshot: &Snapshot, name: &str| {
        snapshot.domains.get(name)?.get("configuration").map(Value::to_string)
    };
    for name in source.domains.keys().filter(|name| *name != "delta.rowTracking") {
        differ(format!("domain {name}"), domain(source, name), domain(target, name));
    }
    found
}

/// The features of a table, but those that say how commits are coordinated.
fn features(list: Vec<&str>) -> Option<String> {
    let kept: BTreeSet<&str> =
        list.into_iter().filter(|feature| !COORDINATED.contains(feature)).collect();
    Some(kept.into_iter().collect::<Vec<_>>().join(", "))
}

/// Which readers and writers a table asks for.
fn versions(snapshot: &Snapshot) -> Option<String> {
    let protocol = &snapshot.protocol;
    Some(format!("{}/{}", protocol.min_reader_version(), protocol.min_writer_version()))
}

/// The schema, the same however it is spaced.
fn schema(metadata: &Metadata) -> Option<String> {
    let parsed = serde_json::from_str::<Value>(metadata.schema_string());
    Some(parsed.map_or_else(|_| metadata.schema_string().to_owned(), |schema| schema.to_string()))
}
