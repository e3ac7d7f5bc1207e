//! Compares a clone with its source, in the logs and on the disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde_json::Value;

use super::action::{FileKey, Metadata};
use super::clone::{kept_property, source_sizes, wanted};
use super::error::Result;
use super::facts::same_facts;
use super::path::Location;
use super::replay::{Detail, Snapshot, snapshot};
use super::store::TableStore;

/// Something in which a clone is not what its source is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Live in the source, not in the clone.
    Lacking {
        /// The file, and its deletion vector if it has one.
        file: String,
    },
    /// Live in the clone, not in the source.
    Surplus {
        /// The file, and its deletion vector if it has one.
        file: String,
    },
    /// Described differently: size, time, partition values, tags or statistics.
    Described {
        /// The file.
        file: String,
    },
    /// Not on the disk as it should be.
    OnDisk {
        /// The file.
        file: String,
        /// Bytes expected.
        expected: u64,
        /// Bytes found; `None` when the file is missing.
        found: Option<u64>,
    },
    /// Another value in protocol, schema, partitioning, a property, a transaction or a domain.
    Header {
        /// What it is, as `schema` or `property delta.appendOnly`.
        what: String,
        /// The source's.
        source: Option<String>,
        /// The clone's.
        target: Option<String>,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lacking { file } => {
                write!(out, "{file} is live in the source and not in the replica")
            }
            Self::Surplus { file } => {
                write!(out, "{file} is live in the replica and not in the source")
            }
            Self::Described { file } => {
                write!(out, "{file} is described differently in source and replica")
            }
            Self::OnDisk {
                file,
                expected,
                found: Some(found),
            } => {
                write!(
                    out,
                    "{file} of the replica has {found} bytes instead of {expected}"
                )
            }
            Self::OnDisk {
                file,
                expected: _,
                found: None,
            } => write!(out, "{file} of the replica is missing"),
            Self::Header {
                what,
                source,
                target,
            } => {
                let shown =
                    |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
                write!(
                    out,
                    "{what} is {} in the source and {} in the replica",
                    shown(source),
                    shown(target)
                )
            }
        }
    }
}

/// Properties in which a clone differs on purpose, beside those that it drops.
const OVERRIDDEN: [&str; 2] = [
    "delta.deletedFileRetentionDuration",
    "delta.logRetentionDuration",
];

/// A file that a version of a table names.
pub(super) struct Named {
    from: Location,
    name: String,
    /// `None`: the log does not know how big a deletion vector's file is.
    size: Option<u64>,
}

/// The files that a version of a table names.
pub(super) fn files(store: &TableStore, version: &Snapshot) -> Result<Vec<Named>> {
    let mut all = Vec::new();
    for want in wanted(version, store.folder())? {
        all.extend(want.vector_file.map(|(from, name)| Named {
            from,
            name,
            size: None,
        }));
        all.push(Named {
            from: want.from,
            name: want.to,
            size: Some(want.file.size),
        });
    }
    Ok(all)
}

/// The first of some files that is not there as its log says, and how.
pub(super) fn damage(store: &TableStore, files: &[Named]) -> Result<Option<String>> {
    let mut sizes = Vec::with_capacity(files.len());
    for file in files {
        sizes.extend(match &file.from {
            Location::Inside(path) => store.sizes(&[path])?,
            elsewhere => source_sizes(store, std::iter::once(elsewhere))?,
        });
    }
    let damaged = files.iter().zip(sizes).find_map(|(file, found)| {
        let expected = file.size.or(found).unwrap_or_default();
        (found != Some(expected)).then(|| Difference::OnDisk {
            file: file.name.clone(),
            expected,
            found,
        })
    });
    Ok(damaged.map(|difference| difference.to_string()))
}

pub(super) fn compare(
    source_store: &TableStore,
    source_version: u64,
    target_store: &TableStore,
    target_version: u64,
) -> Result<Vec<Difference>> {
    let source = snapshot(source_store, Some(source_version), Detail::Full)?;
    let target = snapshot(target_store, Some(target_version), Detail::Full)?;
    let mut found = headers(&source, &target);
    let wanted = wanted(&source, source_store.folder())?;
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    let mut keys: BTreeSet<&FileKey> = BTreeSet::new();
    for want in &wanted {
        keys.insert(&want.key);
        match target.files.get(&want.key) {
            None => found.push(Difference::Lacking {
                file: named(&want.key),
            }),
            Some(there) if !same_facts(want.file, there) => found.push(Difference::Described {
                file: named(&want.key),
            }),
            Some(_) => {}
        }
        expected.insert(&want.to, want.file.size);
    }
    found.extend(
        target
            .files
            .keys()
            .filter(|key| !keys.contains(key))
            .map(|key| Difference::Surplus { file: named(key) }),
    );
    let vectors: HashMap<_, _> = wanted
        .iter()
        .filter_map(|want| want.vector_file.as_ref())
        .map(|(from, to)| (to.as_str(), from))
        .collect();
    let sizes = source_sizes(source_store, vectors.values().copied())?;
    for (to, size) in vectors.into_keys().zip(sizes) {
        // Gone from the source since: that it is there is all that can be asked.
        expected.insert(to, size.unwrap_or(u64::MAX));
    }
    let files: Vec<&str> = expected.keys().copied().collect();
    for ((file, expected), size) in expected.iter().zip(target_store.sizes(&files)?) {
        let right = size == Some(*expected) || (*expected == u64::MAX && size.is_some());
        if !right {
            found.push(Difference::OnDisk {
                file: (*file).to_owned(),
                expected: *expected,
                found: size,
            });
        }
    }
    found.sort();
    Ok(found)
}

fn named(key: &FileKey) -> String {
    match &key.vector {
        Some(vector) => format!("{} (deletion vector {vector})", key.path),
        None => key.path.to_string(),
    }
}

fn headers(source: &Snapshot, target: &Snapshot) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |what: String, source: Option<String>, target: Option<String>| {
        if source != target {
            found.push(Difference::Header {
                what,
                source,
                target,
            });
        }
    };
    let features = |list: Vec<&str>| {
        let kept: BTreeSet<&str> = list
            .into_iter()
            .filter(|feature| !super::features::COORDINATED.contains(feature))
            .collect();
        Some(kept.into_iter().collect::<Vec<_>>().join(", "))
    };
    let versions = |snapshot: &Snapshot| {
        Some(format!(
            "{}/{}",
            snapshot.protocol.min_reader_version(),
            snapshot.protocol.min_writer_version()
        ))
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
    let schema = |metadata: &Metadata| {
        let parsed = serde_json::from_str::<Value>(metadata.schema_string());
        Some(parsed.map_or_else(
            |_| metadata.schema_string().to_owned(),
            |schema| schema.to_string(),
        ))
    };
    differ(
        "schema".to_owned(),
        schema(&source.metadata),
        schema(&target.metadata),
    );
    let partitioning = |metadata: &Metadata| Some(metadata.partition_columns().join(", "));
    differ(
        "partitioning".to_owned(),
        partitioning(&source.metadata),
        partitioning(&target.metadata),
    );
    let compared = |name: &String| kept_property(name) && !OVERRIDDEN.contains(&name.as_str());
    let (ours, theirs) = (source.metadata.properties(), target.metadata.properties());
    let names: BTreeSet<&String> = ours
        .keys()
        .chain(theirs.keys())
        .filter(|name| compared(name))
        .collect();
    for name in names {
        differ(
            format!("property {name}"),
            ours.get(name).cloned(),
            theirs.get(name).cloned(),
        );
    }
    // A target may remember more: a transaction cannot be taken back.
    for (app, txn) in &source.txns {
        let version = |txn: &super::action::Raw| txn.get("version").map(Value::to_string);
        differ(
            format!("transaction {app}"),
            version(txn),
            target.txns.get(app).and_then(version),
        );
    }
    let domain = |snapshot: &Snapshot, name: &str| {
        snapshot
            .domains
            .get(name)?
            .get("configuration")
            .map(Value::to_string)
    };
    for name in source
        .domains
        .keys()
        .filter(|name| *name != "delta.rowTracking")
    {
        differ(
            format!("domain {name}"),
            domain(source, name),
            domain(target, name),
        );
    }
    found
}
