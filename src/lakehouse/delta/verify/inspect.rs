//! A replica, looked at long after its clone: what lies on the disk, what it holds, and whether it is what a cut says it was.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Deserialize;

use super::super::action::LiveFile;
use super::super::error::Result;
use super::super::parallel::{in_parallel, lock_or_recover};
use super::super::path::{self, FileLocation};
use super::super::replay::snapshot;
use super::super::snapshot::Snapshot;
use super::super::state::SnapshotDetail;
use super::super::store::TableStore;
use super::super::vector::vector_location;
use super::digest::{self, Agreement, ContentKind};
use super::{CloneDifference, FileSeen, content, disk};
use crate::sentence::Sentence;

/// Names of files that are told of a content that changed.
const NAMED_MAX: usize = 3;

/// The domain in which a table keeps the row ids that it gave out.
const ROW_TRACKING: &str = "delta.rowTracking";

/// What a look at a replica's files found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// What is not as its log, or a cut, says.
    pub differences: Vec<CloneDifference>,
    /// Whether its files are those of which a cut has a digest of what was cloned.
    pub compared: bool,
}

/// Reads the newest version of a replica and notes what is not as its log, or a cut, says.
pub(in super::super) fn inspect(
    store: &TableStore,
    version: u64,
    source: Option<(TableStore, u64)>,
    named: Option<(u64, String)>,
) -> Result<Inspection> {
    let head = snapshot(store, Some(version), SnapshotDetail::Live)?;
    let mut found = Vec::new();
    disk::compare_files(store, &head, &mut found)?;
    row_ids(&head, &mut found);
    let source = source.as_ref().map(|(store, version)| (store, *version));
    let (times_differ, compared) = match &named {
        None => (false, false),
        Some((then, digest)) if *then == version => {
            (compare(store, &head, digest, source, &mut found)?, true)
        }
        Some((then, digest)) => match snapshot(store, Some(*then), SnapshotDetail::Live) {
            Ok(then) => {
                let same = digest::is_same_state(&head, &then);
                (compare(store, &then, digest, source, &mut found)?, same)
            }
            // An old version that can no longer be read is told of as that.
            Err(_) => (false, false),
        },
    };
    if let Some(source) = source.filter(|_| times_differ) {
        compare_bytes(store, &head, source, &mut found)?;
    }
    let depth = if times_differ { content::ReadDepth::Whole } else { content::ReadDepth::Look };
    content::check(store, &head, source, depth, &mut found);
    found.sort();
    found.dedup();
    Ok(Inspection { differences: found, compared })
}

/// Compares a version with what a cut says of its content; says whether only times differ, which is a reason to read all of it.
fn compare(
    store: &TableStore,
    version: &Snapshot,
    named: &str,
    source: Option<(&TableStore, u64)>,
    found: &mut Vec<CloneDifference>,
) -> Result<bool> {
    let Some(kind) = ContentKind::of(named) else {
        return Ok(false);
    };
    let mut wrong = Vec::new();
    let seen = disk::compare_files(store, version, &mut wrong)?;
    if !wrong.is_empty() {
        // It is told already, or it is an old version's.
        return Ok(false);
    }
    let Some(now) = digest::content(store, version, &seen, kind) else {
        return Ok(false);
    };
    match kind.compare(named, &now) {
        Agreement::Same => Ok(false),
        Agreement::OtherTimes => Ok(true),
        Agreement::OtherContent => {
            let mut others = Vec::new();
            if let Some(source) = source {
                compare_bytes(store, version, source, &mut others)?;
            }
            // What a digest tells of is some file; which, only the source's files or times say.
            if others.is_empty() {
                others = changed_since(version, &seen);
            }
            found.extend(others);
            Ok(false)
        }
    }
}

/// Compares files and their deletion vectors with those of the source that both logs describe alike, where that can still be
/// read.
fn compare_bytes(
    store: &TableStore,
    head: &Snapshot,
    (source_store, version): (&TableStore, u64),
    found: &mut Vec<CloneDifference>,
) -> Result<()> {
    let Ok(source) = snapshot(source_store, Some(version), SnapshotDetail::Summary) else {
        return Ok(());
    };
    let files = head.sorted_files();
    let pairs: Vec<(&str, &LiveFile, &LiveFile)> = files
        .into_iter()
        .filter_map(|(key, file)| {
            let theirs = source.files.get(key).filter(|theirs| theirs.has_content_of(file))?;
            Some((&*key.path, file, theirs))
        })
        .collect();
    let others = Mutex::new(Vec::new());
    let differ = |ours: Option<String>, theirs: Option<String>| {
        ours.zip(theirs).is_some_and(|(ours, theirs)| ours != theirs)
    };
    in_parallel(&pairs, |(path, file, of_source)| {
        let digest = |store: &TableStore| {
            let place = path::locate(path, store.folder()).ok()?;
            digest::digest_of(store, &place).ok()
        };
        if differ(digest(store), digest(source_store)) {
            lock_or_recover(&others).push(CloneDifference::Content {
                file: (*path).to_owned(),
                why: "does not hold what the source's file does".into(),
            });
        }
        let vector =
            |store: &TableStore, file: &LiveFile| digest::vector_digest(store, file).ok().flatten();
        if differ(vector(store, file), vector(source_store, of_source)) {
            lock_or_recover(&others).push(CloneDifference::Content {
                file: name_of_vector(store, file).unwrap_or_else(|| (*path).to_owned()),
                why: format!("does not delete of {path} what the source's vector does").into(),
            });
        }
        Ok(())
    })?;
    found.extend(others.into_inner().unwrap_or_default());
    Ok(())
}

/// Where the deletion vector of a file lies, by its name in the table.
fn name_of_vector(store: &TableStore, file: &LiveFile) -> Option<String> {
    match vector_location(file.vector.as_deref()?, store.folder()).ok()?? {
        FileLocation::Inside(inside) => Some(inside),
        FileLocation::Elsewhere(path) => Some(path.display().to_string()),
        FileLocation::Foreign(url) => Some(url),
    }
}

/// Which files changed, as far as their times tell.
fn changed_since(version: &Snapshot, seen: &[FileSeen]) -> Vec<CloneDifference> {
    const WHY: &str = "does not hold what was cloned";
    let cloned_at = version.timestamp_ms();
    let later = |file: &&FileSeen| cloned_at.is_some_and(|at| file.modified_ms > Some(at));
    let later: Vec<&FileSeen> = seen.iter().filter(later).collect();
    if later.is_empty() {
        let why: Sentence = match seen.len() {
            1 => WHY.into(),
            others => format!("or another of its {others} files {WHY}").into(),
        };
        let first = seen.iter().take(1);
        return first
            .map(|file| CloneDifference::Content { file: file.path.clone(), why: why.clone() })
            .collect();
    }
    later
        .into_iter()
        .take(NAMED_MAX)
        .map(|file| CloneDifference::Content {
            file: file.path.clone(),
            why: format!("was written after its clone and {WHY}").into(),
        })
        .collect()
}

/// Whether two files have the same row ids, or some that were never given out.
fn row_ids(version: &Snapshot, found: &mut Vec<CloneDifference>) {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Given {
        base_row_id: Option<i64>,
    }
    if !version.protocol.supports("rowTracking") {
        return;
    }
    let mut ranges: BTreeMap<i64, (i64, &str)> = BTreeMap::new();
    let mut wrong = |file: &str, why: String| {
        found.push(CloneDifference::Content { file: file.to_owned(), why: why.into() });
    };
    for (key, file) in version.sorted_files() {
        let action = file.action.as_deref().unwrap_or("{}");
        let given: Option<Given> = serde_json::from_str(action).ok();
        let base = given.and_then(|given| given.base_row_id);
        let records = file.records.and_then(|records| i64::try_from(records).ok());
        let (Some(base), Some(records)) = (base, records) else {
            continue;
        };
        let end = base.saturating_add(records);
        let before = ranges.range(..end).next_back();
        if let Some((_, (other_end, other))) = before
            && *other_end > base
            && *other != &*key.path
        {
            wrong(&key.path, format!("has row ids that {other} has, too"));
        }
        ranges.insert(base, (end, &key.path));
    }
    let highest = ranges.values().map(|(end, file)| (*end - 1, *file)).max();
    let domain = version.domains.get(ROW_TRACKING);
    let configuration = domain.and_then(|domain| domain.get("configuration")?.as_str());
    let mark = configuration.and_then(|text| {
        let parsed: serde_json::Value = serde_json::from_str(text).ok()?;
        parsed.get("rowIdHighWaterMark")?.as_i64()
    });
    if let (Some((highest, file)), Some(mark)) = (highest, mark)
        && highest > mark
    {
        wrong(
            file,
            format!("has row id {highest}, and the table says to have given none beyond {mark}"),
        );
    }
}
