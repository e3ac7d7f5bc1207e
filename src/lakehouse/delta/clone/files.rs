//! The files of a clone: under which paths they lie in the target, and which actions bring it there.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::action::{FileKey, LiveFile, Vector};
use super::super::change::{carried, described, removal};
use super::super::error::{DeltaError, Result};
use super::super::facts::same_facts;
use super::super::log::LOG;
use super::super::path::{self, FileLocation};
use super::super::snapshot::Snapshot;
use super::foreign;
use super::header::{Header, ROW_TRACKING};
use crate::text::hex;

/// A live file of the source as the target shall have it.
pub(in super::super) struct WantedFile<'a> {
    pub(in super::super) file: &'a LiveFile,
    /// Its path as the source's log spells it.
    pub(super) spelled: &'a str,
    /// Where the bytes are.
    pub(in super::super) from: FileLocation,
    /// The name in the target that is the source's own, to be taken literally.
    plain: String,
    /// Another name, where that one is of other content.
    renamed: Option<String>,
    /// Digest of the bytes, where it was needed to tell it from others of its name, size and time.
    content: Option<String>,
    /// Its path as the target's log shall spell it under the plain name.
    path: Cow<'a, str>,
    /// Its deletion vector, where the reference had to be rewritten.
    vector: Option<Vector>,
    /// Where the deletion vector's file is and shall be in the target, if it has one.
    pub(in super::super) vector_file: Option<(FileLocation, String)>,
    /// The live file of the target that is of the same content, whatever of its rows are deleted.
    pub(super) held: Option<(&'a FileKey, &'a LiveFile)>,
}

impl<'a> WantedFile<'a> {
    /// Where it shall be in the target, to be taken literally.
    pub(in super::super) fn to(&self) -> &str {
        self.renamed.as_deref().unwrap_or(&self.plain)
    }

    /// Its names in the target in the order in which they are tried; the first is the source's own.
    ///
    /// The others tell contents apart: the same at every clone, so that a clone that is repeated finds what it had copied.
    pub(super) fn name(&self, attempt: u32) -> Cow<'_, str> {
        match attempt {
            0 => Cow::Borrowed(&self.plain),
            attempt => Cow::Owned(self.another_name(attempt)),
        }
    }

    /// Lets its further names depend on what is in it.
    pub(super) fn tell_content(&mut self, digest: String) {
        self.content = Some(digest);
    }

    /// A name beside its own, for content that its own name does not have.
    fn another_name(&self, attempt: u32) -> String {
        let LiveFile { size, modified_ms, .. } = self.file;
        let plain = &self.plain;
        let content = self.content.as_deref().unwrap_or_default();
        let identity = format!("{plain}\0{size}\0{modified_ms:?}\0{attempt}{content}");
        let (folder, name) = match plain.rsplit_once('/') {
            Some((folder, name)) => (format!("{folder}/"), name),
            None => (String::new(), plain.as_str()),
        };
        let digest = hex(&Sha256::digest(identity.as_bytes())[..8]);
        format!("{folder}renamed-{digest}-{}", ending(name))
    }

    /// Decides on one of its names.
    pub(super) fn settle(&mut self, attempt: u32) {
        self.renamed = match attempt {
            0 => None,
            attempt => Some(self.another_name(attempt)),
        };
    }

    /// Lets its deletion vector be found in another file.
    pub(super) fn point_to(&mut self, reference: String, file: String) {
        let Some(vector) = self.file.vector.as_deref() else {
            return;
        };
        self.vector = Some(Vector {
            storage_type: "u".to_owned(),
            path_or_inline_dv: reference,
            ..vector.clone()
        });
        if let Some((_, to)) = &mut self.vector_file {
            *to = file;
        }
    }

    /// Its deletion vector as the target shall refer to it.
    pub(super) fn vector(&self) -> Option<&Vector> {
        self.vector.as_ref().or(self.file.vector.as_deref())
    }

    /// Under which of its names it would stand in the target's log, spelled as there.
    pub(super) fn path(&self, attempt: u32) -> Cow<'_, str> {
        match attempt {
            0 => Cow::Borrowed(&self.path),
            attempt => Cow::Owned(path::encode(&self.name(attempt))),
        }
    }

    /// The path as the target's log shall spell it.
    fn spelled(&self) -> Cow<'_, str> {
        match (&self.held, &self.renamed) {
            (Some((key, _)), _) => Cow::Borrowed(&key.path),
            (None, Some(renamed)) => Cow::Owned(path::encode(renamed)),
            (None, None) => Cow::Borrowed(&self.path),
        }
    }

    /// The target's own description of it, deleted rows and all.
    pub(super) fn exact(&self) -> Option<(&'a FileKey, &'a LiveFile)> {
        let vector = self.vector().map(Vector::unique_id);
        self.held.filter(|(key, _)| key.vector.as_deref() == vector.as_deref())
    }
}

/// Finds every live file's place in a target that is empty. `root` is the source's folder, where it has one.
pub(in super::super) fn wanted<'a>(
    source: &'a Snapshot,
    root: Option<&Path>,
) -> Result<Vec<WantedFile<'a>>> {
    wanted_in_turn(source, root, FileOrder::Ordered(usize::MAX))?.collect()
}

/// In which order files come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileOrder {
    /// In none, which costs nothing.
    Any,
    /// In that of their keys; the first so many are put in order before the rest.
    Ordered(usize),
}

/// The same, one after the other: of many files not all are held at a time.
pub(super) fn wanted_in_turn<'a>(
    source: &'a Snapshot,
    root: Option<&Path>,
    turn: FileOrder,
) -> Result<impl Iterator<Item = Result<WantedFile<'a>>>> {
    let places = places(source, root)?;
    let (any, ordered) = match turn {
        FileOrder::Any => (Some(source.files.iter()), None),
        FileOrder::Ordered(first) => (None, Some(source.files_in_turn(first))),
    };
    let files = any.into_iter().flatten().chain(ordered.into_iter().flatten());
    Ok(files.map(move |(key, file)| want(key, file, &places, root)))
}

/// Where the files with absolute paths shall lie in a target, to be taken literally, by their path in the source's log.
///
/// A file of the table itself stays where it is, and one from elsewhere gets a name of its own. Two paths of one log stay two,
/// even where they are two spellings of one file: readers read it twice.
pub(super) fn places<'a>(
    source: &'a Snapshot,
    root: Option<&Path>,
) -> Result<HashMap<&'a str, String>> {
    let paths = || source.files.keys().map(|key| &*key.path);
    let absolute: BTreeSet<&str> = paths().filter(|path| path::is_absolute(path)).collect();
    let mut places = HashMap::new();
    if absolute.is_empty() {
        return Ok(places);
    }
    let relative = paths().filter(|path| !absolute.contains(path));
    let mut taken: HashSet<String> = relative.map(str::to_owned).collect();
    for spelled in absolute {
        let place = match path::locate(spelled, root)? {
            FileLocation::Inside(inside) => inside,
            FileLocation::Elsewhere(path) => external_name(&path.display().to_string()),
            FileLocation::Foreign(url) => return Err(foreign(&url)),
        };
        let place =
            if taken.contains(&path::encode(&place)) { external_name(spelled) } else { place };
        taken.insert(path::encode(&place));
        places.insert(spelled, place);
    }
    Ok(places)
}

fn want<'a>(
    key: &'a FileKey,
    file: &'a LiveFile,
    places: &HashMap<&str, String>,
    root: Option<&Path>,
) -> Result<WantedFile<'a>> {
    let spelled = &*key.path;
    let from = path::locate(spelled, root)?;
    let (path, to) = match (places.get(spelled), &from) {
        (Some(place), _) => (Cow::Owned(path::encode(place)), place.clone()),
        // A relative path stays the string that it is.
        (None, FileLocation::Inside(inside)) => (Cow::Borrowed(spelled), inside.clone()),
        (None, _) => {
            return Err(DeltaError::corrupt(spelled, "the path leads out of the table"));
        }
    };
    if to.split('/').next() == Some(LOG) {
        return Err(DeltaError::corrupt(spelled, "a data file cannot lie in the log"));
    }
    let (vector, vector_file) = match &file.vector {
        Some(vector) => vector_place(vector, root)?,
        None => (None, None),
    };
    Ok(WantedFile {
        file,
        spelled,
        from,
        plain: to,
        renamed: None,
        content: None,
        path,
        vector,
        vector_file,
        held: None,
    })
}

/// Bytes of a file's name that fit behind what is put before it: no file system of today takes more than 255.
const ENDING: usize = 220;

/// The end of a name, which tells readers what the file is.
fn ending(name: &str) -> &str {
    let from = name.len().saturating_sub(ENDING);
    let boundary = (from..name.len()).find(|at| name.is_char_boundary(*at));
    &name[boundary.unwrap_or(0)..]
}

/// The name in a target of a file that lies outside its table: the same at every clone, and nobody else's.
fn external_name(absolute: &str) -> String {
    let name = absolute.rsplit('/').next().unwrap_or(absolute);
    let digest = hex(&Sha256::digest(absolute.as_bytes())[..8]);
    format!("external-{digest}-{}", ending(name))
}

type VectorPlace = (Option<Vector>, Option<(FileLocation, String)>);

/// Where a deletion vector's file is and shall be, with a new reference where the old one is absolute.
fn vector_place(vector: &Vector, root: Option<&Path>) -> Result<VectorPlace> {
    match vector.storage_type.as_str() {
        "i" => Ok((None, None)),
        "u" => {
            let file = path::vector_file(&vector.path_or_inline_dv)?;
            Ok((None, Some((FileLocation::Inside(file.clone()), file))))
        }
        "p" => {
            let from = path::locate(&vector.path_or_inline_dv, root)?;
            let whole = match &from {
                FileLocation::Inside(inside) => inside.clone(),
                FileLocation::Elsewhere(path) => path.display().to_string(),
                FileLocation::Foreign(url) => return Err(foreign(url)),
            };
            let (folder, name) = whole.rsplit_once('/').unwrap_or(("", &whole));
            let known =
                name.strip_prefix("deletion_vector_").and_then(|rest| rest.strip_suffix(".bin"));
            let known = known.and_then(|id| uuid::Uuid::try_parse(id).ok());
            let (reference, to) = match (known, &from) {
                // It may stay where it is.
                (Some(id), FileLocation::Inside(_)) => {
                    (format!("{folder}{}", path::vector_reference(id)), whole.clone())
                }
                (known, _) => {
                    let digest = Sha256::digest(whole.as_bytes());
                    let id = known
                        .or_else(|| uuid::Uuid::from_slice(&digest[..16]).ok())
                        .unwrap_or_default();
                    (path::vector_reference(id), format!("deletion_vector_{id}.bin"))
                }
            };
            let vector = Vector {
                storage_type: "u".to_owned(),
                path_or_inline_dv: reference,
                ..vector.clone()
            };
            Ok((Some(vector), Some((from, to))))
        }
        other => Err(DeltaError::feature(
            format!("deletion vector storage type {other}"),
            "drsync does not know it",
        )),
    }
}

/// The file actions of a clone's commit.
pub(super) struct CloneActions {
    pub(super) actions: Vec<String>,
    pub(super) removed_files: u64,
    pub(super) removed_bytes: u64,
    /// The row ids given out so far, as the domain's action, where rows are tracked.
    pub(super) row_ids: Option<Value>,
}

/// Compares live files: removes what only the target has, adds what only the source has or describes differently.
pub(super) fn changes(
    wanted: &[WantedFile<'_>],
    target: Option<&Snapshot>,
    header: &Header,
    now_ms: i64,
) -> Result<CloneActions> {
    let mut changes =
        CloneActions { actions: Vec::new(), removed_files: 0, removed_bytes: 0, row_ids: None };
    let kept: HashSet<&FileKey> =
        wanted.iter().filter_map(|want| want.exact().map(|(key, _)| key)).collect();
    if let Some(target) = target {
        for (key, file) in target.sorted_files() {
            if !kept.contains(key) {
                changes.actions.push(removal(key, file, now_ms, true)?);
                changes.removed_files += 1;
                changes.removed_bytes += file.size;
            }
        }
    }
    let mut ids = header.row_ids.map(|given| RowIds::new(given, header.version, wanted, target));
    for (number, want) in wanted.iter().enumerate() {
        let row_ids = ids.as_ref().map(|ids| ids.held.get(&number).copied());
        let same = want
            .exact()
            .is_some_and(|(_, there)| same_facts(want.file, there) && row_ids != Some(None));
        if !same {
            changes.actions.push(add(want, ids.as_mut(), row_ids.flatten())?);
        }
    }
    if let (Some(ids), Some(given)) = (ids, header.row_ids)
        && (ids.next - 1 != given
            || target.is_none_or(|target| !target.domains.contains_key(ROW_TRACKING)))
        && ids.next > 0
    {
        let configuration = json!({ "rowIdHighWaterMark": ids.next - 1 }).to_string();
        changes.row_ids = Some(
            json!({ "domainMetadata": { "domain": ROW_TRACKING, "configuration": configuration, "removed": false } }),
        );
    }
    Ok(changes)
}

/// Refuses files whose rows could not be numbered in a table that numbers its rows.
pub(super) fn check_records(wanted: &[WantedFile<'_>], tracks_rows: bool) -> Result<()> {
    let uncounted = wanted
        .iter()
        .find(|want| tracks_rows && want.held.is_none() && want.file.records.is_none());
    match uncounted {
        None => Ok(()),
        Some(want) => Err(uncountable(want)),
    }
}

fn uncountable(want: &WantedFile<'_>) -> DeltaError {
    DeltaError::feature(
        "rowTracking",
        format!("{} has no record count to number rows by", want.path),
    )
}

/// Gives fresh row ids: those of the source name rows of another table.
struct RowIds {
    next: i64,
    version: u64,
    /// What files of the target have already and keep, by their number among the wanted ones.
    held: HashMap<usize, RowIdFields>,
}

impl RowIds {
    /// Row ids after those given so far. A file keeps its own unless another has some of them, too.
    fn new(
        given: i64,
        version: u64,
        wanted: &[WantedFile<'_>],
        target: Option<&Snapshot>,
    ) -> RowIds {
        let end = |file: &LiveFile| {
            let records = i64::try_from(file.records?).ok()?;
            RowIdFields::of(file)?.base_row_id.checked_add(records)
        };
        let files = target.iter().flat_map(|target| target.files.values());
        let next = files.filter_map(end).fold(given.saturating_add(1), i64::max);
        let mut ranges: Vec<(i64, i64, usize, RowIdFields)> = Vec::new();
        for (number, want) in wanted.iter().enumerate() {
            if let Some((_, there)) = want.held
                && let Some(ids) = RowIdFields::of(there)
            {
                let end = end(there).unwrap_or(ids.base_row_id.saturating_add(1));
                ranges.push((ids.base_row_id, end, number, ids));
            }
        }
        ranges.sort_unstable_by_key(|(first, end, number, _)| (*first, *end, *number));
        let mut held = HashMap::with_capacity(ranges.len());
        let mut free_from = i64::MIN;
        for (first, end, number, ids) in ranges {
            if first >= free_from {
                held.insert(number, ids);
                free_from = end;
            }
        }
        RowIds { next, version, held }
    }
}

/// The row ids that a file of the target has already.
#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "camelCase")]
struct RowIdFields {
    base_row_id: i64,
    default_row_commit_version: i64,
}

impl RowIdFields {
    fn of(file: &LiveFile) -> Option<Self> {
        serde_json::from_str(file.action.as_deref()?).ok()
    }
}

fn add(
    want: &WantedFile<'_>,
    ids: Option<&mut RowIds>,
    held: Option<RowIdFields>,
) -> Result<String> {
    let mut action = described(want.file, &want.path)?;
    action.insert("path".to_owned(), want.spelled().as_ref().into());
    if let (Some(rewritten), Some(Value::Object(vector))) =
        (&want.vector, action.get_mut("deletionVector"))
    {
        vector.insert("storageType".to_owned(), rewritten.storage_type.as_str().into());
        vector.insert("pathOrInlineDv".to_owned(), rewritten.path_or_inline_dv.as_str().into());
    }
    action.shift_remove("baseRowId");
    action.shift_remove("defaultRowCommitVersion");
    if let Some(ids) = ids {
        let given = match held {
            // The same rows, with other deletions or statistics.
            Some(held) => held,
            None => {
                let records = want.file.records.and_then(|records| i64::try_from(records).ok());
                let records = records.ok_or_else(|| uncountable(want))?;
                let given = RowIdFields {
                    base_row_id: ids.next,
                    default_row_commit_version: i64::try_from(ids.version).unwrap_or(i64::MAX),
                };
                // No row may get a number beyond the last one.
                ids.next = ids.next.checked_add(records).ok_or_else(|| uncountable(want))?;
                given
            }
        };
        action.insert("baseRowId".to_owned(), given.base_row_id.into());
        action
            .insert("defaultRowCommitVersion".to_owned(), given.default_row_commit_version.into());
    }
    Ok(carried(action, true))
}
