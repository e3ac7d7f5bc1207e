//! Documents kept beside the ledger: put once, never replaced.

use std::path::Path;

use super::delta::{DeltaError, TableStore};
use super::off_thread;
use super::refusal::refusal;
use crate::ledger::{EVIDENCE, FOLDER};
use crate::region::{KeptDocument, RecordRange, RegionError, RegionErrorKind};

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
        return Err(RegionError::new(
            RegionErrorKind::Unsupported,
            doing,
            detail,
        ));
    }
    Ok(())
}

pub(super) async fn run_records(
    root: &Path,
    wanted: &RecordRange,
) -> Result<Vec<KeptDocument>, RegionError> {
    let folder = TableStore::within(root, &format!("{FOLDER}/{EVIDENCE}"));
    let wanted = wanted.clone();
    let read = off_thread(move || {
        let mut names: Vec<String> = folder
            .list("")?
            .into_iter()
            .map(|listed| listed.name)
            .collect();
        names.retain(|name| wanted.holds(name));
        names.sort_unstable();
        let surplus = wanted
            .newest
            .map_or(0, |newest| names.len().saturating_sub(newest));
        names
            .drain(..)
            .skip(surplus)
            .map(|name| {
                let bytes = folder.read_all(&name)?.to_vec();
                Ok(KeptDocument { name, bytes })
            })
            .collect::<Result<Vec<_>, DeltaError>>()
    });
    read.await
        .map_err(|error| refusal("read the run records", &error))
}
