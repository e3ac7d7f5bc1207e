//! What a clone has to copy: the files that are not safely in the target with the source's content.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::super::action::LiveFile;
use super::super::error::{DeltaError, Result};
use super::super::path::{self, Location};
use super::super::replay::Snapshot;
use super::super::store::TableStore;
use super::files::{Wanted, wanted};
use super::{Progress, by_path, copy, foreign};
use crate::files::Looker;

/// A file to copy.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) from: Location,
    /// In the target, to be taken literally.
    pub(super) to: String,
    pub(super) size: u64,
    pub(super) is_data: bool,
    /// A file with this name and size is there, but a clone that may be dead has not made it safe.
    pub(super) unproven: bool,
}

/// What a clone has to copy.
pub(super) struct Lacking {
    pub(super) jobs: Vec<Job>,
    /// Names that other clones announced and that are safe, or will be when the jobs are done.
    pub(super) settled: HashSet<String>,
}

/// Finds what is not safely in the target.
///
/// A file that the target's newest version describes as the source does is taken to be the same. Of any other that lies there,
/// left by a dead clone or by an older version, the bytes are compared: writers of Delta tables give every file a name of its
/// own, but a table that was made again may have given a name twice.
pub(super) fn lacking(
    wanted: &[Wanted<'_>],
    source: &TableStore,
    target: &TableStore,
    held: Option<&Snapshot>,
    progress: &Progress,
) -> Result<Lacking> {
    let mut jobs: HashMap<&str, Job> = HashMap::new();
    let mut vectors = Vec::new();
    let live = held.map(by_path).unwrap_or_default();
    let mut known: HashSet<&str> = HashSet::new();
    for want in wanted {
        let job = Job {
            from: want.from.clone(),
            to: want.to.clone(),
            size: want.file.size,
            is_data: true,
            unproven: false,
        };
        jobs.insert(&want.to, job);
        let there = live.get(&*want.key.path);
        if there.is_some_and(|(_, there)| same_content(want.file, there)) {
            known.insert(&want.to);
        }
        if let Some(vector) = &want.vector_file {
            vectors.push(vector);
        }
    }
    // The log does not know how big a vector's file is.
    let sizes = source_sizes(source, vectors.iter().map(|(from, _)| from))?;
    for ((from, to), size) in vectors.into_iter().zip(sizes) {
        // Without a source the copy says so by name, unless the target holds the file; then its size cannot be judged.
        let Some(size) = size else {
            return Err(DeltaError::DataMissing { path: to.clone() });
        };
        jobs.insert(
            to,
            Job {
                from: from.clone(),
                to: to.clone(),
                size,
                is_data: false,
                unproven: false,
            },
        );
    }
    let mut jobs: Vec<Job> = jobs.into_values().collect();
    jobs.sort_unstable_by(|one, other| one.to.cmp(&other.to));
    let there = target.sizes(&jobs.iter().map(|job| job.to.as_str()).collect::<Vec<_>>())?;
    let unproven = target.folder().map(copy::unproven).unwrap_or_default();
    // A commit names nothing that is not safe.
    let safe: HashSet<String> = match unproven.is_empty() {
        true => HashSet::new(),
        false => live
            .keys()
            .filter_map(|path| match path::locate(path, target.folder()) {
                Ok(Location::Inside(inside)) => Some(inside),
                Ok(_) | Err(_) => None,
            })
            .collect(),
    };
    let mut doubted: Vec<Job> = Vec::new();
    let mut there = there.into_iter();
    jobs.retain_mut(|job| {
        job.unproven = unproven.contains(&job.to) && !safe.contains(job.to.as_str());
        let lies_there = there.next().flatten() == Some(job.size) && !job.unproven;
        // A vector's name is as good as its content: a UUID of its own.
        if lies_there && job.is_data && !known.contains(job.to.as_str()) {
            doubted.push(job.clone());
        }
        !lies_there
    });
    jobs.extend(copy::others(source, target, doubted, progress)?);
    let copied: HashSet<&str> = jobs.iter().map(|job| job.to.as_str()).collect();
    let settled = |name: &String| safe.contains(name.as_str()) || copied.contains(name.as_str());
    let settled = unproven
        .iter()
        .filter(|name| settled(name))
        .cloned()
        .collect();
    Ok(Lacking { jobs, settled })
}

/// Whether two descriptions are of the same bytes: a file that is written again has another time.
fn same_content(one: &LiveFile, other: &LiveFile) -> bool {
    one.size == other.size && (one.action == other.action || modified(one) == modified(other))
}

/// When a file was written, as its log says.
fn modified(file: &LiveFile) -> Option<i64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Written {
        modification_time: i64,
    }
    let written: Written = serde_json::from_str(file.action.as_deref()?).ok()?;
    Some(written.modification_time)
}

/// Refuses a version of which a file is gone that neither the newest version nor the target names.
pub(in super::super) fn check_retained(
    store: &TableStore,
    source: &Snapshot,
    newest: &Snapshot,
    target: Option<&Snapshot>,
) -> Result<()> {
    let named = |wanted: &[Wanted<'_>]| -> HashSet<String> {
        let files = wanted.iter().flat_map(|want| {
            let vector = want.vector_file.as_ref().map(|(_, to)| to.clone());
            vector.into_iter().chain([want.to.clone()])
        });
        files.collect()
    };
    let live = named(&wanted(newest, store.folder())?);
    let held: HashSet<&str> = match target {
        Some(target) => target.files.keys().map(|key| &*key.path).collect(),
        None => HashSet::new(),
    };
    let all = wanted(source, store.folder())?;
    let needed: Vec<(&Location, &str)> = all
        .iter()
        .filter(|want| !held.contains(&*want.key.path))
        .flat_map(|want| {
            let vector = want.vector_file.as_ref();
            let vector = vector.map(|(from, to)| (from, to.as_str()));
            vector.into_iter().chain([(&want.from, want.to.as_str())])
        })
        .filter(|(_, to)| !live.contains(*to))
        .collect();
    let sizes = source_sizes(store, needed.iter().map(|(from, _)| *from))?;
    match needed.iter().zip(sizes).find(|(_, size)| size.is_none()) {
        None => Ok(()),
        Some(((_, to), _)) => Err(DeltaError::DataMissing {
            path: (*to).to_owned(),
        }),
    }
}

/// The sizes of files in or near a source.
pub(in super::super) fn source_sizes<'a>(
    source: &TableStore,
    files: impl Iterator<Item = &'a Location>,
) -> Result<Vec<Option<u64>>> {
    files
        .map(|from| match from {
            Location::Inside(path) => Ok(source.sizes(&[path])?.pop().flatten()),
            Location::Elsewhere(path) => {
                let found = Looker::default().regular(&source.external(path)?);
                Ok(found.ok().flatten().map(|facts| facts.size))
            }
            Location::Foreign(url) => Err(foreign(url)),
        })
        .collect()
}
