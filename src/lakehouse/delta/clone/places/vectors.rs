//! Where the files of deletion vectors lie in a target. The log tells of none how big it is, nor when it was written, so what
//! tells them apart is their content: the vectors that are wanted of them, checksums and all.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use sha2::{Digest, Sha256};

use super::super::super::action::{LiveFile, Vector};
use super::super::super::error::{DeltaError, Result};
use super::super::super::parallel::{in_parallel, lock_or_recover};
use super::super::super::path::{self, FileLocation};
use super::super::super::store::{Occupant, TableStore};
use super::super::super::vector::{VectorFile, check_inline};
use super::super::job::{FileCopy, Placed};
use super::super::{CopyProgress, WantedFile};
use super::{NAMES_MAX, TargetNames};

/// One file of vectors, and the wanted files, by number, whose vectors are in it.
type Group<'a> = (&'a FileLocation, Vec<usize>);

fn groups<'a>(wanted: &'a [WantedFile<'_>]) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<&FileLocation, Vec<usize>> = BTreeMap::new();
    for (number, want) in wanted.iter().enumerate() {
        if let Some((from, _)) = &want.vector_file {
            groups.entry(from).or_default().push(number);
        }
    }
    groups.into_iter().collect()
}

/// Refuses deletion vectors of a source that are not whole.
pub(super) fn check(wanted: &[WantedFile<'_>], source: &TableStore) -> Result<()> {
    let inline =
        wanted.iter().filter(|want| want.vector_file.is_none()).filter_map(WantedFile::vector);
    inline.into_iter().try_for_each(check_inline)?;
    in_parallel(&groups(wanted), |(from, numbers)| read(wanted, source, from, numbers).map(drop))
}

/// Opens a source's file of vectors and reads those that are wanted, as they lie there.
fn read(
    wanted: &[WantedFile<'_>],
    source: &TableStore,
    from: &FileLocation,
    numbers: &[usize],
) -> Result<(VectorFile, Vec<Vec<u8>>)> {
    let file = VectorFile::open(source, from)?;
    let vectors = numbers
        .iter()
        .filter_map(|number| wanted[*number].vector())
        .map(|vector| file.rows(vector).and_then(|_| file.stored(vector)))
        .collect::<Result<_>>()?;
    Ok((file, vectors))
}

/// Where a file of vectors shall lie.
struct Choice {
    numbers: Vec<usize>,
    /// The reference to it and its name; `None`: the source's own.
    renamed: Option<(String, String)>,
}

pub(super) fn place_vectors(
    wanted: &mut [WantedFile<'_>],
    source: &TableStore,
    target: &TableStore,
    names: &TargetNames<'_>,
    placed: &mut Placed,
    progress: &CopyProgress,
) -> Result<()> {
    let inline = wanted.iter().filter(|want| want.vector_file.is_none());
    inline.filter_map(WantedFile::vector).try_for_each(check_inline)?;
    let groups = groups(wanted);
    if groups.is_empty() {
        return Ok(());
    }
    let gone = &names.gone().vectors;
    let choices: Mutex<Vec<Choice>> = Mutex::default();
    let (taken, new) = (Mutex::default(), Mutex::default());
    let places = Places { source, target, gone, taken, new };
    in_parallel(&groups, |group| {
        progress.check()?;
        let choice = places.choose(wanted, group)?;
        lock_or_recover(&choices).push(choice);
        Ok(())
    })?;
    for Choice { numbers, renamed } in choices.into_inner().unwrap_or_default() {
        let Some((reference, name)) = renamed else {
            continue;
        };
        for number in numbers {
            wanted[number].point_to(reference.clone(), name.clone());
        }
    }
    let Placed { mut jobs, adopted, replaced } = places.new.into_inner().unwrap_or_default();
    jobs.sort_unstable_by(|one, other| one.to.cmp(&other.to));
    placed.jobs.extend(jobs);
    placed.adopted.extend(adopted);
    placed.replaced.extend(replaced);
    Ok(())
}

/// Where files of vectors lie in a target, while many are chosen at once.
struct Places<'a> {
    source: &'a TableStore,
    target: &'a TableStore,
    /// Names that only older versions of the target have.
    gone: &'a HashSet<String>,
    /// Names that were given, and to which file of the source.
    taken: Mutex<HashMap<String, FileLocation>>,
    /// What comes to the target.
    new: Mutex<Placed>,
}

impl Places<'_> {
    /// Chooses the first name under which the file lies already, or may come to lie.
    fn choose(&self, wanted: &[WantedFile<'_>], (from, numbers): &Group<'_>) -> Result<Choice> {
        let (file, vectors) = read(wanted, self.source, from, numbers)?;
        let plain = numbers
            .first()
            .and_then(|number| wanted[*number].vector_file.as_ref())
            .map(|(_, plain)| plain.clone())
            .unwrap_or_default();
        let asked: Vec<(&Vector, &[u8])> = numbers
            .iter()
            .filter_map(|number| wanted[*number].vector())
            .zip(vectors.iter().map(Vec::as_slice))
            .collect();
        let known = known(wanted, numbers);
        let candidates = known.iter().cloned().chain([(None, plain.clone())]).map(Ok);
        let made = (1..NAMES_MAX).map(|attempt| another_name(&plain, &file, attempt));
        for candidate in candidates.chain(made) {
            let (reference, name) = candidate?;
            let is_known = known.iter().any(|(_, known)| *known == name);
            if !self.take(from, &name, is_known, file.length, &asked)? {
                continue;
            }
            let renamed = (name != plain).then(|| (reference.unwrap_or_default(), name));
            return Ok(Choice { numbers: numbers.clone(), renamed });
        }
        let why = "every name for it in the replica is taken by other content";
        Err(DeltaError::corrupt(plain, why))
    }

    /// Gives a file a name, if nothing else has it, or what lies there holds the vectors that are `asked` of it.
    fn take(
        &self,
        from: &FileLocation,
        name: &str,
        is_known: bool,
        length: u64,
        asked: &[(&Vector, &[u8])],
    ) -> Result<bool> {
        let free = lock_or_recover(&self.taken).get(name).is_none_or(|other| other == from);
        if !free {
            return Ok(false);
        }
        let there = self.target.occupants(&[name])?.pop();
        match there.unwrap_or(Occupant::Nothing) {
            Occupant::Nothing if is_known || !self.gone.contains(name) => {
                lock_or_recover(&self.new).jobs.push(FileCopy {
                    from: from.clone(),
                    to: name.to_owned(),
                    size: length,
                    is_data: false,
                });
            }
            Occupant::File(_, _) if holds(self.target, name, asked) => {
                if !is_known {
                    lock_or_recover(&self.new).adopted.push(name.to_owned());
                }
            }
            Occupant::Nothing | Occupant::File(_, _) | Occupant::Other => {
                if is_known {
                    lock_or_recover(&self.new).replaced.push(name.to_owned());
                }
                return Ok(false);
            }
        }
        lock_or_recover(&self.taken).insert(name.to_owned(), from.clone());
        Ok(true)
    }
}

/// Whether the target's file of a name has all the vectors that are wanted of it, byte for byte.
fn holds(target: &TableStore, name: &str, asked: &[(&Vector, &[u8])]) -> bool {
    VectorFile::open(target, &FileLocation::Inside(name.to_owned()))
        .is_ok_and(|there| asked.iter().all(|(vector, bytes)| there.holds(vector, bytes)))
}

/// Where the target's newest version has the same vectors of the same files.
fn known(wanted: &[WantedFile<'_>], numbers: &[usize]) -> Vec<(Option<String>, String)> {
    let mut known = Vec::new();
    for want in numbers.iter().map(|number| &wanted[*number]) {
        let there = want.held.and_then(|(_, there)| same_vector(want, there));
        let Some(there) = there else { continue };
        let Ok(file) = path::vector_file(&there.path_or_inline_dv) else {
            continue;
        };
        let candidate = (Some(there.path_or_inline_dv.clone()), file);
        if !known.contains(&candidate) {
            known.push(candidate);
        }
    }
    known
}

fn same_vector<'a>(want: &WantedFile<'_>, there: &'a LiveFile) -> Option<&'a Vector> {
    let (ours, theirs) = (want.vector()?, there.vector.as_deref()?);
    let same = theirs.storage_type == "u"
        && ours.offset == theirs.offset
        && ours.size_in_bytes == theirs.size_in_bytes
        && ours.cardinality == theirs.cardinality;
    same.then_some(theirs)
}

/// A name that nothing else has: made from the source's own and from the content, the same at every clone.
fn another_name(plain: &str, file: &VectorFile, attempt: u32) -> Result<(Option<String>, String)> {
    let digest = Sha256::new()
        .chain_update(plain)
        .chain_update([0])
        .chain_update(file.bytes()?)
        .chain_update(attempt.to_be_bytes())
        .finalize();
    let id = uuid::Uuid::from_slice(&digest[..16]).unwrap_or_default();
    let (prefix, folder) = match plain.rsplit_once('/') {
        Some((folder, _)) => (folder, format!("{folder}/")),
        None => ("", String::new()),
    };
    Ok((
        Some(format!("{prefix}{}", path::vector_reference(id))),
        format!("{folder}deletion_vector_{id}.bin"),
    ))
}
