//! What table properties that are set ask of a table: a protocol that has the feature, and names for its columns. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::action::{MAPPING_MODE, Metadata, Protocol, Raw};
use super::columns::TableColumns;
use super::error::{DeltaError, Result};
use super::features;
use super::store::TableStore;

/// Features that protocols have by their versions alone, with the first reader and writer version of each.
const BY_VERSION: [(&str, i64, i64); 7] = [
    ("appendOnly", 1, 2),
    ("invariants", 1, 2),
    ("checkConstraints", 1, 3),
    ("changeDataFeed", 1, 4),
    ("generatedColumns", 1, 4),
    ("columnMapping", 2, 5),
    ("identityColumns", 1, 6),
];

/// The first reader version whose features are named, and the first writer version.
const NAMED: (i64, i64) = (3, 7);

/// Properties whose `true` needs a feature.
const SWITCHES: [(&str, &str); 3] = [
    ("delta.appendOnly", "appendOnly"),
    ("delta.enableChangeDataFeed", "changeDataFeed"),
    ("delta.enableDeletionVectors", "deletionVectors"),
];

/// What a property cannot be set to.
#[derive(Debug)]
pub enum Unsettable {
    /// TableColumns cannot be mapped another way than they are.
    Mapping {
        /// How they are.
        from: String,
        /// How they were to be.
        to: String,
    },
    /// No such feature is known, by the name of the property.
    Feature(String),
    /// No such version of a protocol is known, by the name of the property.
    Version(String),
    /// The table's log is not what a log is.
    Delta(DeltaError),
}

impl Unsettable {
    /// As a refusal of the table.
    pub(super) fn of(self, store: &TableStore) -> DeltaError {
        let why = match self {
            Unsettable::Mapping { from, to } => {
                format!("its columns are mapped by {from} and cannot be mapped by {to}")
            }
            Unsettable::Feature(name) => format!("no feature is known that {name} sets"),
            Unsettable::Version(name) => format!("no protocol is known that {name} asks for"),
            Unsettable::Delta(error) => return error,
        };
        DeltaError::Unsupported { location: store.location(), why: why.into() }
    }
}

/// Whether a table is being made or has files already, which have names for its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableStage {
    /// It is being made, and has no files.
    Made,
    /// It is there.
    There,
}

/// A table's protocol and metadata with properties that are set, and with what these ask for.
///
/// # Errors
/// If one of them cannot be had.
pub fn with_properties(
    protocol: Protocol,
    metadata: Raw,
    set: &BTreeMap<String, String>,
    stage: TableStage,
) -> Result<(Protocol, Raw), Unsettable> {
    let (mut protocol, mut metadata) = (protocol, metadata);
    for (key, value) in set {
        if let Some(feature) = key.strip_prefix("delta.feature.") {
            if !features::is_known(feature) {
                return Err(Unsettable::Feature(key.clone()));
            }
            protocol = protocol.with_feature(feature);
            continue;
        }
        match key.as_str() {
            "delta.minReaderVersion" | "delta.minWriterVersion" => {
                let version = value.parse().ok().filter(|version| *version >= 1);
                let raised = version.and_then(|version| protocol.raised(key, version));
                protocol = raised.ok_or_else(|| Unsettable::Version(key.clone()))?;
                continue;
            }
            MAPPING_MODE => {
                if let Some(mapped) = mapped(&metadata, &value.to_ascii_lowercase(), stage)? {
                    metadata = mapped;
                    protocol = protocol.with_feature("columnMapping");
                }
                continue;
            }
            _ => {}
        }
        let needs = SWITCHES.iter().find(|(switch, _)| switch == key);
        if let Some((_, feature)) = needs.filter(|_| value.eq_ignore_ascii_case("true")) {
            protocol = protocol.with_feature(feature);
        }
        put(&mut metadata, key, value);
    }
    Ok((protocol, metadata))
}

fn put(metadata: &mut Raw, key: &str, value: &str) {
    let configuration = metadata.entry("configuration").or_insert_with(|| json!({}));
    configuration[key] = value.into();
}

/// Metadata whose columns have names in files; `None`: they have them, or need none.
fn mapped(metadata: &Raw, to: &str, stage: TableStage) -> Result<Option<Raw>, Unsettable> {
    let before = Metadata(metadata.clone());
    let from = before.column_mapping_mode();
    match (from.as_str(), to, stage) {
        (from, to, _) if from == to => return Ok(None),
        ("none", "name", _) | ("none", "id", TableStage::Made) => {}
        _ => return Err(Unsettable::Mapping { from, to: to.to_owned() }),
    }
    let mut columns = TableColumns::of(&before).map_err(Unsettable::Delta)?;
    columns.map(stage == TableStage::There);
    let mut metadata = columns.into_metadata(before.0);
    put(&mut metadata, MAPPING_MODE, to);
    Ok(Some(metadata))
}

impl Protocol {
    /// The same with one more feature: by its version where that is enough, else by its name.
    #[must_use]
    pub fn with_feature(&self, feature: &str) -> Protocol {
        let (reader, writer) = (self.min_reader_version(), self.min_writer_version());
        let by_version = BY_VERSION.iter().find(|(name, ..)| *name == feature);
        match by_version {
            Some((_, needs_reader, needs_writer)) if writer < NAMED.1 => {
                self.with_versions(reader.max(*needs_reader), writer.max(*needs_writer))
            }
            _ => {
                let readers = features::is_of_readers(feature);
                self.named(readers.then_some(feature), Some(feature))
            }
        }
    }

    /// The same with a version at least as high, by the property that sets it; `None`: there is no such version.
    fn raised(&self, property: &str, version: i64) -> Option<Protocol> {
        let (reader, writer) = (self.min_reader_version(), self.min_writer_version());
        let (reader, writer) = match property {
            "delta.minReaderVersion" => (reader.max(version), writer),
            _ => (reader, writer.max(version)),
        };
        if reader > NAMED.0 || writer > NAMED.1 {
            return None;
        }
        // Whoever names features of readers names those of writers.
        Some(match (reader == NAMED.0, writer == NAMED.1) {
            (false, false) => self.with_versions(reader, writer),
            _ => self.named(None, None),
        })
    }

    fn with_versions(&self, reader: i64, writer: i64) -> Protocol {
        let mut protocol = self.0.clone();
        protocol.insert("minReaderVersion".to_owned(), reader.into());
        protocol.insert("minWriterVersion".to_owned(), writer.into());
        Protocol(protocol)
    }

    /// The same with its features by their names, and these besides.
    fn named(&self, of_readers: Option<&str>, of_writers: Option<&str>) -> Protocol {
        let (reader, writer) = (self.min_reader_version(), self.min_writer_version());
        let held = |version: i64, of: fn(&(&'static str, i64, i64)) -> i64, least: i64| {
            let held = BY_VERSION.iter().filter(move |it| of(it) > least && of(it) <= version);
            held.map(|(name, ..)| *name).collect::<Vec<_>>()
        };
        let mut readers =
            if reader >= NAMED.0 { self.reader_features() } else { held(reader, |it| it.1, 1) };
        let mut writers =
            if writer >= NAMED.1 { self.writer_features() } else { held(writer, |it| it.2, 0) };
        readers.extend(of_readers);
        writers.extend(of_writers);
        // What readers must know, writers must.
        writers.extend(readers.iter().copied());
        for features in [&mut readers, &mut writers] {
            features.sort_unstable();
            features.dedup();
        }
        let mut protocol = self.with_versions(1, NAMED.1).0;
        if !readers.is_empty() {
            protocol.insert("minReaderVersion".to_owned(), NAMED.0.into());
            protocol.insert("readerFeatures".to_owned(), json!(readers));
        }
        protocol.insert("writerFeatures".to_owned(), Value::from(writers));
        Protocol(protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protocol(reader: i64, writer: i64) -> Protocol {
        let written = json!({"minReaderVersion": reader, "minWriterVersion": writer});
        Protocol(serde_json::from_value(written).unwrap())
    }

    #[test]
    fn a_feature_comes_by_the_version_that_has_it_or_by_its_name() {
        let mapped = protocol(1, 2).with_feature("columnMapping");
        assert_eq!(mapped, protocol(2, 5));
        let both = Value::Object(mapped.with_feature("timestampNtz").0);
        let expected = json!({
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["columnMapping", "timestampNtz"],
            "writerFeatures": [
                "appendOnly", "changeDataFeed", "checkConstraints", "columnMapping", "generatedColumns",
                "invariants", "timestampNtz",
            ],
        });
        assert_eq!(both, expected);
        let of_writers = Value::Object(protocol(1, 2).with_feature("domainMetadata").0);
        let expected = json!({
            "minReaderVersion": 1, "minWriterVersion": 7,
            "writerFeatures": ["appendOnly", "domainMetadata", "invariants"],
        });
        assert_eq!(of_writers, expected);
    }

    #[test]
    fn columns_are_mapped_by_name_at_any_time_by_id_from_the_start_and_never_another_way() {
        let metadata = |mode: &str| -> Raw {
            let schema = r#"{"type":"struct","fields":[{"name":"a","type":"long","nullable":true,"metadata":{}}]}"#;
            let written = json!({"schemaString": schema, "partitionColumns": [], "configuration": {MAPPING_MODE: mode}});
            serde_json::from_value(written).unwrap()
        };
        let set = |from: &str, to: &str, stage| {
            let set = BTreeMap::from([(MAPPING_MODE.to_owned(), to.to_owned())]);
            with_properties(protocol(1, 2), metadata(from), &set, stage)
        };
        let (upgraded, mapped) = set("none", "NAME", TableStage::There).unwrap();
        assert_eq!(upgraded, protocol(2, 5));
        assert_eq!(Metadata(mapped).property(MAPPING_MODE), Some("name"));
        assert!(set("none", "id", TableStage::Made).is_ok());
        for (from, to) in [("none", "id"), ("name", "id"), ("id", "name"), ("name", "none")] {
            assert!(
                matches!(set(from, to, TableStage::There), Err(Unsettable::Mapping { .. })),
                "{from}"
            );
        }
        let same = set("name", "name", TableStage::There).unwrap();
        assert_eq!(same, (protocol(1, 2), metadata("name")));
    }
}
