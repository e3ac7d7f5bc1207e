//! Table features that drsync knows by name, and what each asks of a reader and of a clone.

use super::action::{Metadata, Protocol};
use super::error::{DeltaError, Result};

/// Features whose tables the log layer reads correctly. It reads no rows, so a feature of the data itself asks nothing of it.
const READER: &[&str] = &[
    "columnMapping",
    "deletionVectors",
    "timestampNtz",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
    "variantShredding",
    "variantShredding-preview",
    "variantType",
    "variantType-preview",
];

/// Features that stay true when files are copied as they are and actions are carried over.
const WRITER: &[&str] = &[
    "allowColumnDefaults",
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "checkpointProtection",
    "clustering",
    "collations",
    "collations-preview",
    "domainMetadata",
    "generatedColumns",
    "icebergCompatV1",
    "icebergCompatV2",
    "icebergCompatV3",
    "identityColumns",
    "inCommitTimestamp",
    "inCommitTimestamp-preview",
    "invariants",
    "liquid",
    "materializePartitionColumns",
    "rowTracking",
];

/// Features under which the log in the folder is not the whole truth.
const ELSEWHERE: &[&str] = &[
    "catalogManaged",
    "catalogOwned-preview",
    "redirectReaderWriter-preview",
    "redirectWriterOnly-preview",
];

/// Features about who coordinates commits, which a copy does not inherit.
pub(crate) const COORDINATED: &[&str] = &["coordinatedCommits-preview", "managedCommit-preview"];

/// Whether readers must know a feature, too.
pub(super) fn is_of_readers(feature: &str) -> bool {
    READER.contains(&feature)
}

/// Whether tables with a feature can be read and cloned.
pub(super) fn is_known(feature: &str) -> bool {
    READER.contains(&feature) || WRITER.contains(&feature)
}

/// Refuses a protocol that a reader may not read.
pub(crate) fn check_reader(protocol: &Protocol) -> Result<()> {
    let version = protocol.min_reader_version();
    if !(1..=3).contains(&version) {
        return Err(DeltaError::feature(
            format!("minReaderVersion {version}"),
            "drsync reads versions 1 to 3",
        ));
    }
    protocol.reader_features().into_iter().try_for_each(|feature| known(feature, READER))
}

/// Refuses a table whose copy drsync could not keep true.
pub(crate) fn check_clone(protocol: &Protocol, metadata: &Metadata) -> Result<()> {
    check_writer(protocol)?;
    if let Some(coordinator) = metadata.properties().into_keys().find(|name| {
        name.starts_with("delta.coordinatedCommits.commitCoordinator")
            || name.starts_with("delta.managedCommits.commitOwner")
    }) {
        return Err(DeltaError::feature(
            coordinator,
            "newer commits may lie with a coordinator, out of the log's sight",
        ));
    }
    Ok(())
}

/// Refuses a protocol that drsync may not write.
pub(crate) fn check_writer(protocol: &Protocol) -> Result<()> {
    let version = protocol.min_writer_version();
    if !(1..=7).contains(&version) {
        return Err(DeltaError::feature(
            format!("minWriterVersion {version}"),
            "drsync writes versions 1 to 7",
        ));
    }
    let both = [READER, WRITER, COORDINATED].concat();
    protocol.writer_features().into_iter().try_for_each(|feature| known(feature, &both))
}

fn known(feature: &str, list: &[&str]) -> Result<()> {
    if ELSEWHERE.contains(&feature) {
        return Err(DeltaError::feature(feature, "such a table cannot be read by its path alone"));
    }
    if list.contains(&feature) {
        return Ok(());
    }
    Err(DeltaError::feature(feature, "drsync does not know it"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn protocol(value: serde_json::Value) -> Protocol {
        Protocol(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn an_unknown_reader_feature_is_refused_by_name() {
        let unknown = protocol(
            json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors", "blahabl"]}),
        );
        let Err(DeltaError::UnsupportedFeature { feature, .. }) = check_reader(&unknown) else {
            panic!()
        };
        assert_eq!(feature, "blahabl");
    }

    #[test]
    fn a_catalog_managed_table_is_refused() {
        let managed = protocol(
            json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["catalogManaged"], "writerFeatures": ["catalogManaged"]}),
        );
        assert!(check_reader(&managed).is_err());
        assert!(check_writer(&managed).is_err());
    }

    #[test]
    fn a_reader_version_beyond_features_is_refused_and_older_ones_are_read() {
        assert!(
            check_reader(&protocol(json!({"minReaderVersion": 99, "minWriterVersion": 7})))
                .is_err()
        );
        for version in [1, 2] {
            assert!(
                check_reader(&protocol(
                    json!({"minReaderVersion": version, "minWriterVersion": 6})
                ))
                .is_ok()
            );
        }
    }
}
