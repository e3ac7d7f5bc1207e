//! The files of a version on the disk: whether each is there itself, as long as the log says, and every deletion vector whole.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::super::action::{FileKey, LiveFile, Vector};
use super::super::error::{DeltaError, Result};
use super::super::parallel::{in_parallel, lock_or_recover};
use super::super::path::{self, FileLocation};
use super::super::snapshot::Snapshot;
use super::super::store::{Occupant, TableStore};
use super::super::vector::{VectorFile, check_inline, vector_location};
use super::{CloneDifference, FileSeen};
use crate::files::Looker;
use crate::sentence::Sentence;

/// Looks at every live file of a clone and notes what is not as its log says.
pub(super) fn compare_files(
    store: &TableStore,
    version: &Snapshot,
    found: &mut Vec<CloneDifference>,
) -> Result<Vec<FileSeen>> {
    let files = version.sorted_files();
    let mut seen = Vec::with_capacity(files.len());
    let places = files
        .iter()
        .map(|(key, _)| path::locate(&key.path, store.folder()))
        .collect::<Result<Vec<_>>>()?;
    let inside: Vec<&str> = places
        .iter()
        .filter_map(|place| match place {
            FileLocation::Inside(inside) => Some(inside.as_str()),
            FileLocation::Elsewhere(_) | FileLocation::Foreign(_) => None,
        })
        .collect();
    let mut there = store.occupants(&inside)?.into_iter();
    for ((key, file), place) in files.iter().zip(&places) {
        let occupant = match place {
            FileLocation::Inside(_) => there.next().unwrap_or(Occupant::Nothing),
            FileLocation::Elsewhere(path) => {
                match Looker::default().regular(&store.external(path)?) {
                    Ok(Some(there)) => Occupant::File(there.size, Some(there.modified_ms)),
                    Ok(None) | Err(_) => Occupant::Nothing,
                }
            }
            // The file lies in a store that this machine does not reach.
            FileLocation::Foreign(_) => continue,
        };
        match occupant {
            Occupant::File(size, modified_ms) if size == file.size => seen.push(FileSeen {
                path: key.path.to_string(),
                vector: key.vector.as_deref().map(str::to_owned),
                size,
                modified_ms,
            }),
            other => found.push(CloneDifference::OnDisk {
                file: key.path.to_string(),
                expected: file.size,
                found: match other {
                    Occupant::File(size, _) => Some(size),
                    Occupant::Nothing | Occupant::Other => None,
                },
            }),
        }
    }
    vectors(store, &files, found)?;
    Ok(seen)
}

/// The first of the live files of a version that is not there as its log says, and how.
pub(in super::super) fn damage(store: &TableStore, version: &Snapshot) -> Result<Option<Sentence>> {
    let mut found = Vec::new();
    compare_files(store, version, &mut found)?;
    Ok(found.into_iter().min().map(|first| first.to_string().into()))
}

fn vectors(
    store: &TableStore,
    files: &[(&FileKey, &LiveFile)],
    found: &mut Vec<CloneDifference>,
) -> Result<()> {
    let mut groups: BTreeMap<FileLocation, Vec<&Vector>> = BTreeMap::new();
    let mut note = |file: &str, error: DeltaError| {
        found.push(difference(file, error));
    };
    for (key, file) in files {
        let Some(vector) = file.vector.as_deref() else {
            continue;
        };
        match vector_location(vector, store.folder()) {
            Ok(None) => {
                if let Err(error) = check_inline(vector) {
                    note(&key.path, error);
                }
            }
            Ok(Some(FileLocation::Foreign(_))) => {}
            Ok(Some(place)) => groups.entry(place).or_default().push(vector),
            Err(error) => note(&key.path, error),
        }
    }
    let groups: Vec<(FileLocation, Vec<&Vector>)> = groups.into_iter().collect();
    let broken = Mutex::new(Vec::new());
    in_parallel(&groups, |(place, vectors)| {
        let read = VectorFile::open(store, place).and_then(|file| {
            let mut vectors = vectors.iter();
            vectors.try_for_each(|vector| file.rows(vector).map(drop))
        });
        if let Err(error) = read {
            let name = match place {
                FileLocation::Inside(inside) => inside.clone(),
                FileLocation::Elsewhere(path) => path.display().to_string(),
                FileLocation::Foreign(url) => url.clone(),
            };
            lock_or_recover(&broken).push(difference(&name, error));
        }
        Ok(())
    })?;
    found.extend(broken.into_inner().unwrap_or_default());
    Ok(())
}

fn difference(file: &str, error: DeltaError) -> CloneDifference {
    let why = match error {
        DeltaError::DataMissing { .. } => "is missing".to_owned(),
        DeltaError::Corrupt { why, .. } => format!("is corrupt: {why}"),
        other => format!("cannot be read: {other}"),
    };
    CloneDifference::Content { file: file.to_owned(), why: why.into() }
}
