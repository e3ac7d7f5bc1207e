//! Documents kept beside the ledger: put once, never replaced. Those of past months lie in a folder each.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::delta::{DeltaError, TableStore};
use super::refusal::refusal;
use crate::ledger::{EVIDENCE, FOLDER};
use crate::off_thread::off_thread;
use crate::region::{
    KeptDocument, KeptRecords, PassedOver, RUN_RECORD_ENDING, RecordRange, RegionError,
    RegionErrorKind,
};
use months::{DocumentListing, Month, move_past_months};

mod months;

fn folder(root: &Path) -> TableStore {
    TableStore::within(root, &format!("{FOLDER}/{EVIDENCE}"))
}

/// Keeps a document: where it lies already it stays as it is. `now` tells which month has passed.
pub(super) async fn keep(
    root: &Path,
    name: &str,
    bytes: &[u8],
    now: DateTime<Utc>,
) -> Result<(), RegionError> {
    let doing = format!("keep {name} as evidence");
    is_file_name(name, &doing)?;
    let folder = folder(root);
    let (name, bytes) = (name.to_owned(), bytes.to_vec());
    let kept = off_thread(move || {
        folder.make_folder("")?;
        let month = Month::of(&name);
        // One that another runner moves meanwhile is found in one of the two places by this order.
        if folder.sizes(&[&name])? != [None] {
            return Ok(());
        }
        if let Some(month) = month {
            let inside = month.path_of(&name);
            if folder.sizes(&[&inside])? != [None] {
                return Ok(());
            }
            if month.is_before(now) {
                return folder.create(&inside, &bytes).map(drop);
            }
        }
        folder.create(&name, &bytes).map(drop)
    });
    kept.await.map_err(|error| refusal(doing, &error))
}

/// Gives the documents of past months a folder each, once a run record is kept.
///
/// They are found in either place, so where they may not be moved, as in storage that is locked, nothing is lost.
pub(super) async fn tidy(root: &Path, kept: &str, now: DateTime<Utc>) {
    if !kept.ends_with(RUN_RECORD_ENDING) {
        return;
    }
    let folder = folder(root);
    let _ = off_thread(move || move_past_months(&folder, now)).await;
}

pub(super) async fn read(root: &Path, name: &str) -> Result<Option<Vec<u8>>, RegionError> {
    let doing = format!("read the evidence {name}");
    is_file_name(name, &doing)?;
    let folder = folder(root);
    let name = name.to_owned();
    match off_thread(move || months::read(&folder, &name)).await {
        Ok(bytes) => Ok(Some(bytes)),
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
    let folder = folder(root);
    let wanted = wanted.clone();
    let read = off_thread(move || {
        let mut listing = DocumentListing::of(&folder, &wanted)?;
        let most = wanted.newest.unwrap_or(usize::MAX);
        let mut documents = Vec::new();
        let mut unread = Vec::new();
        // From the newest on, so that what cannot be read takes the place of no record.
        while documents.len() < most {
            let Some(name) = listing.newest(&folder)? else {
                break;
            };
            if !wanted.holds(&name) {
                continue;
            }
            match months::read(&folder, &name) {
                Ok(bytes) => {
                    listing.compare(&folder, &name, &bytes);
                    documents.push(KeptDocument { name, bytes });
                }
                // What nobody may read, or is larger than any record, is no reason to read none.
                Err(error) => unread.push(PassedOver { name, why: error.to_string().into() }),
            }
        }
        documents.reverse();
        let mut passed_over = listing.passed_over;
        passed_over.sort_unstable();
        passed_over.extend(unread);
        Ok::<_, DeltaError>(KeptRecords { documents, passed_over })
    });
    read.await.map_err(|error| refusal("read the run records", &error))
}

pub(super) async fn names(root: &Path, wanted: &RecordRange) -> Result<Vec<String>, RegionError> {
    let folder = folder(root);
    let wanted = wanted.clone();
    let read = off_thread(move || {
        let mut listing = DocumentListing::of(&folder, &wanted)?;
        let mut names = Vec::new();
        while let Some(name) = listing.newest(&folder)? {
            names.extend(Some(name).filter(|name| wanted.bounds(name)));
        }
        names.reverse();
        Ok::<_, DeltaError>(names)
    });
    read.await.map_err(|error| refusal("list the evidence", &error))
}
