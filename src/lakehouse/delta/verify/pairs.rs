//! Which live file of a clone is which of its source: by name and by what both logs say of it, and where the clone gave it a
//! name of its own, by the bytes.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;

use sha2::{Digest, Sha256};

use super::super::action::{FileKey, LiveFile};
use super::super::error::{DeltaError, Result};
use super::super::facts::same_facts;
use super::super::parallel::{in_parallel, lock_or_recover};
use super::super::path::{self, FileLocation};
use super::super::snapshot::Snapshot;
use super::super::store::TableStore;
use super::super::vector::deleted_rows;
use super::CloneDifference;
use crate::files::open_regular;

/// Bytes of files under other names than the source's that are read to compare them; of more, as many as fit.
const BYTES_MAX: u64 = 64 << 20;

/// Bytes read of a file at once.
const CHUNK: usize = 256 << 10;

/// A live file, and where it lies.
struct Live<'a> {
    key: &'a FileKey,
    file: &'a LiveFile,
    place: FileLocation,
}

/// Compares the live files of a clone with those of its source.
pub(super) fn compare(
    source_store: &TableStore,
    source: &Snapshot,
    target_store: &TableStore,
    target: &Snapshot,
    found: &mut Vec<CloneDifference>,
) -> Result<()> {
    let ours = live(target, target_store.folder())?;
    let theirs = live(source, source_store.folder())?;
    let mut by_place: HashMap<&FileLocation, Vec<usize>> = HashMap::with_capacity(ours.len());
    for (number, own) in ours.iter().enumerate() {
        by_place.entry(&own.place).or_default().push(number);
    }
    let mut free = vec![true; ours.len()];
    let mut pairs: Vec<(&Live<'_>, &Live<'_>)> = Vec::with_capacity(theirs.len());
    let mut renamed: Vec<&Live<'_>> = Vec::new();
    for their in &theirs {
        let here = by_place.get(&their.place).into_iter().flatten();
        let mut same = here.filter(|number| free[**number] && their.may_be(&ours[**number]));
        match same.next() {
            Some(number) => {
                free[*number] = false;
                pairs.push((their, &ours[*number]));
            }
            None => renamed.push(their),
        }
    }
    for their in renamed {
        let candidates: Vec<usize> = (0..ours.len())
            .filter(|number| {
                free[*number] && their.may_be(&ours[*number]) && ours[*number].ends_as(their)
            })
            .collect();
        let best = match candidates[..] {
            [only] => Some(only),
            _ => {
                let wanted = digest(source_store, &their.place);
                let same = candidates.iter().find(|number| {
                    wanted.is_some() && digest(target_store, &ours[**number].place) == wanted
                });
                same.or(candidates.first()).copied()
            }
        };
        match best {
            Some(number) => {
                free[number] = false;
                pairs.push((their, &ours[number]));
            }
            None => found.push(CloneDifference::Lacking { file: their.named() }),
        }
    }
    let surplus = ours.iter().zip(&free).filter(|(_, free)| **free);
    found.extend(surplus.map(|(own, _)| CloneDifference::Surplus { file: own.named() }));
    let different = pairs.iter().filter(|(their, own)| !same_facts(their.file, own.file));
    found.extend(different.map(|(their, _)| CloneDifference::Described { file: their.named() }));
    contents(source_store, target_store, &pairs, found)
}

fn live<'a>(version: &'a Snapshot, root: Option<&Path>) -> Result<Vec<Live<'a>>> {
    let files = version.sorted_files().into_iter();
    files.map(|(key, file)| Ok(Live { key, file, place: path::locate(&key.path, root)? })).collect()
}

impl Live<'_> {
    /// Whether a file of the clone may be this one, whatever its name.
    fn may_be(&self, other: &Live<'_>) -> bool {
        let deleted = |live: &Live<'_>| {
            let vector = live.file.vector.as_deref();
            vector.map(|vector| (vector.offset, vector.size_in_bytes, vector.cardinality))
        };
        self.file.has_content_of(other.file) && deleted(self) == deleted(other)
    }

    fn ends_as(&self, other: &Live<'_>) -> bool {
        let name = |live: &Live<'_>| match &live.place {
            FileLocation::Inside(name) | FileLocation::Foreign(name) => name.clone(),
            FileLocation::Elsewhere(path) => path.display().to_string(),
        };
        let (ours, theirs) = (name(self), name(other));
        let last = theirs.rsplit('/').next().unwrap_or_default();
        let end = last.len().saturating_sub(100);
        let end = (end..last.len()).find(|at| last.is_char_boundary(*at));
        ours.ends_with(&last[end.unwrap_or(0)..])
    }

    fn named(&self) -> String {
        match &self.key.vector {
            Some(vector) => format!("{} (deletion vector {vector})", self.key.path),
            None => self.key.path.to_string(),
        }
    }
}

/// Compares deleted rows, and the bytes of files whose names differ.
fn contents(
    source: &TableStore,
    target: &TableStore,
    pairs: &[(&Live<'_>, &Live<'_>)],
    found: &mut Vec<CloneDifference>,
) -> Result<()> {
    let mut bytes = 0_u64;
    let work: Vec<(&Live<'_>, &Live<'_>, bool)> = pairs
        .iter()
        .filter_map(|(their, own)| {
            let renamed = their.place != own.place;
            let read = renamed && bytes.saturating_add(their.file.size) <= BYTES_MAX;
            bytes += if read { their.file.size } else { 0 };
            (read || their.file.vector.is_some()).then_some((*their, *own, read))
        })
        .collect();
    let different = Mutex::new(Vec::new());
    in_parallel(&work, |(their, own, read)| {
        let rows = |live: &Live<'_>, store: &TableStore| {
            let vector = live.file.vector.as_deref()?;
            deleted_rows(vector, store, store.folder()).ok()
        };
        let note = |why: &str| {
            lock_or_recover(&different)
                .push(CloneDifference::Content { file: own.named(), why: why.into() });
        };
        // What of the source is gone since cannot be asked any more.
        if let (Some(theirs), Some(ours)) = (rows(their, source), rows(own, target))
            && theirs != ours
        {
            note("deletes other rows than in the source");
        }
        if *read
            && let (Some(theirs), Some(ours)) =
                (digest(source, &their.place), digest(target, &own.place))
            && theirs != ours
        {
            note("has other bytes than in the source");
        }
        Ok(())
    })?;
    found.extend(different.into_inner().unwrap_or_default());
    Ok(())
}

/// What a file holds; `None` where it cannot be read.
fn digest(store: &TableStore, place: &FileLocation) -> Option<Vec<u8>> {
    let hash = |mut file: File| {
        let mut digest = Sha256::new();
        let mut buffer = vec![0; CHUNK];
        loop {
            match file.read(&mut buffer).ok()? {
                0 => return Some(digest.finalize().to_vec()),
                count => digest.update(&buffer[..count]),
            }
        }
    };
    match (place, store.folder()) {
        (FileLocation::Inside(inside), Some(folder)) => {
            hash(open_regular(&folder.join(inside)).ok()?)
        }
        (FileLocation::Inside(inside), None) => {
            let all = store.read_data(inside).map_err(drop::<DeltaError>).ok()?;
            Some(Sha256::digest(&all).to_vec())
        }
        (FileLocation::Elsewhere(path), _) => hash(open_regular(&store.external(path).ok()?).ok()?),
        (FileLocation::Foreign(_), _) => None,
    }
}
