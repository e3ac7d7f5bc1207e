//! Documents kept beside the ledger: put once, never replaced.

use std::path::Path;

use super::delta::{DeltaError, TableStore, UNFINISHED};
use super::off_thread;
use super::refusal::refusal;
use crate::ledger::{EVIDENCE, FOLDER};
use crate::region::{
    KeptDocument, KeptRecords, PassedOver, RecordRange, RegionError, RegionErrorKind, apply_of,
};

/// The folder of the table in which Databricks keeps documents.
const DOCUMENTS: &str = "documents";

pub(super) async fn keep(root: &Path, name: &str, bytes: &[u8]) -> Result<(), RegionError> {
    let doing = format!("keep {name} as evidence");
    is_file_name(name, &doing)?;
    let folder = TableStore::within(root, &format!("{FOLDER}/{EVIDENCE}"));
    let (name, bytes) = (name.to_owned(), bytes.to_vec());
    let kept = off_thread(move || {
        folder.make_folder("")?;
        folder.create(&name, &bytes)
    });
    kept.await.map(drop).map_err(|error| refusal(doing, &error))
}

pub(super) async fn read(root: &Path, name: &str) -> Result<Option<Vec<u8>>, RegionError> {
    let doing = format!("read the evidence {name}");
    is_file_name(name, &doing)?;
    let folder = TableStore::within(root, &format!("{FOLDER}/{EVIDENCE}"));
    let name = name.to_owned();
    match off_thread(move || folder.read_all(&name)).await {
        Ok(bytes) => Ok(Some(bytes.to_vec())),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(refusal(&doing, &error)),
    }
}

fn is_file_name(name: &str, doing: &str) -> Result<(), RegionError> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        let detail = "its name is not the name of a file";
        return Err(RegionError::new(RegionErrorKind::Unsupported, doing, detail));
    }
    Ok(())
}

pub(super) async fn run_records(
    root: &Path,
    wanted: &RecordRange,
) -> Result<KeptRecords, RegionError> {
    let folder = TableStore::within(root, &format!("{FOLDER}/{EVIDENCE}"));
    let wanted = wanted.clone();
    let read = off_thread(move || {
        let (mut names, mut passed_over) = listed(&folder)?;
        names.retain(|name| wanted.holds(name));
        let most = wanted.newest.unwrap_or(usize::MAX);
        let mut documents = Vec::new();
        // From the newest on, so that what cannot be read takes the place of no record.
        for name in names.into_iter().rev() {
            if documents.len() == most {
                break;
            }
            match folder.read_all(&name) {
                Ok(bytes) => documents.push(KeptDocument { name, bytes: bytes.to_vec() }),
                // What nobody may read, or is larger than any record, is no reason to read none.
                Err(error) => passed_over.push(PassedOver { name, why: error.to_string() }),
            }
        }
        documents.reverse();
        Ok::<_, DeltaError>(KeptRecords { documents, passed_over })
    });
    read.await.map_err(|error| refusal("read the run records", &error))
}

pub(super) async fn names(root: &Path, wanted: &RecordRange) -> Result<Vec<String>, RegionError> {
    let folder = TableStore::within(root, &format!("{FOLDER}/{EVIDENCE}"));
    let wanted = wanted.clone();
    let read = off_thread(move || {
        let (mut names, _) = listed(&folder)?;
        names.retain(|name| wanted.bounds(name));
        Ok::<_, DeltaError>(names)
    });
    read.await.map_err(|error| refusal("list the evidence", &error))
}

/// The names of documents, sorted, and what lies among them that is none.
fn listed(folder: &TableStore) -> Result<(Vec<String>, Vec<PassedOver>), DeltaError> {
    let (mut names, mut passed_over) = (Vec::new(), Vec::new());
    for (name, strange) in folder.names("")? {
        // A file that is being written, and what Databricks keeps at the same place.
        let ours = name.starts_with(UNFINISHED) || name == DOCUMENTS;
        let why = match strange {
            _ if ours => continue,
            Some(why) => why,
            None if apply_of(&name).is_none() => "its name is that of no document".to_owned(),
            None => {
                names.push(name);
                continue;
            }
        };
        passed_over.push(PassedOver { name, why });
    }
    names.sort_unstable();
    passed_over.sort_unstable();
    Ok((names, passed_over))
}
