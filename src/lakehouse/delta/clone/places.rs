//! Under which names the files of a source lie in a target, and which of them are still to be copied.
//!
//! A name is not an identity: a writer may give one twice, to other content. A file of a target is written once, because
//! a committed version may name it, so other content gets a name of its own. What tells contents apart is path, size and
//! modification time, as the log has them; of files that no log describes, the bytes.

mod vectors;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::super::action::{FileKey, LiveFile, Vector};
use super::super::error::{DeltaError, Result};
use super::super::path::{self, FileLocation};
use super::super::snapshot::Snapshot;
use super::super::state::{FileChange, file_changes};
use super::super::store::{Occupant, TableStore, missing};
use super::super::vector;
use super::files::{FileOrder, WantedFile, check_records, wanted, wanted_in_turn};
use super::job::{FileCopy, Placed};
use super::{CopyEstimate, CopyProgress, copy, foreign};
use crate::files::Looker;

/// Names that are tried for a file before its target is taken to be none. The second is tried where a name was given twice.
const NAMES_MAX: u32 = 64;

/// From this one on a name tells what is in the file: a writer that gives every file one name, one size and one time has used up
/// those that come of these.
const BY_CONTENT: u32 = 32;

/// Names under which content that a target holds is looked for, without a look at the disk.
const NAMES_HELD: u32 = 4;

/// Files of a source that a plan looks at together: few enough to be held in little memory.
const FILES_AT_A_TIME: usize = 8192;

/// Files that are looked at before all others.
const SOME_FILES: usize = 64;

/// What the log of a target says of names.
pub(super) struct TargetNames<'a> {
    root: Option<PathBuf>,
    target: Option<&'a Snapshot>,
    /// By the path as the log spells it: two spellings of one name are two rows of a log.
    live: HashMap<&'a str, (&'a FileKey, &'a LiveFile)>,
    /// The other rows of paths of which a log has several, which differ in their deletion vectors.
    also_live: HashMap<&'a str, Vec<(&'a FileKey, &'a LiveFile)>>,
    /// By where they lie.
    places: HashMap<Cow<'a, str>, &'a LiveFile>,
    /// Of files that older versions name.
    gone: OnceCell<Gone>,
    /// Whether content ever got another name than the source's.
    renames: bool,
    /// Whether what the target's log says of its files is not believed.
    doubted: bool,
    /// Which files of the source may be others than those that the target holds of it.
    given_again: GivenAgain,
}

/// Names that a source's log gave since the version that a target holds.
#[derive(Default)]
pub(super) enum GivenAgain {
    /// These, as the log spells them.
    #[default]
    Nothing,
    Paths(HashSet<String>),
    /// It is another table, or its log no longer tells.
    Unknown,
}

impl GivenAgain {
    /// Reads what the source's log says after the version whose id and number the mark of a target tells that is there.
    pub(super) fn since(
        source_store: &TableStore,
        source: &Snapshot,
        held: Option<(&str, u64)>,
    ) -> Result<GivenAgain> {
        let Some((id, version)) = held else {
            return Ok(GivenAgain::Unknown);
        };
        if id != source.metadata.id() {
            return Ok(GivenAgain::Unknown);
        }
        let mut paths = HashSet::new();
        for later in version + 1..=source.version {
            let changes = match file_changes(source_store, later) {
                Ok(changes) => changes,
                Err(error) if error.is_not_found() => return Ok(GivenAgain::Unknown),
                Err(error) => return Err(error),
            };
            let (mut added, mut removed) = (Vec::new(), HashSet::new());
            for change in changes {
                match change {
                    FileChange::Added(key, _) => added.push(key),
                    FileChange::Removed(key) => drop(removed.insert(key.path)),
                }
            }
            // A file that is taken out and put in again with a deletion vector by one commit is the old one, of which rows were
            // deleted.
            let given = |key: &FileKey| key.vector.is_none() || !removed.contains(&key.path);
            paths.extend(added.into_iter().filter(given).map(|key| key.path.to_string()));
        }
        Ok(GivenAgain::Paths(paths))
    }

    /// Whether a wanted file that is held may be another.
    fn names(&self, want: &WantedFile<'_>) -> bool {
        match self {
            GivenAgain::Nothing => false,
            GivenAgain::Paths(paths) => paths.contains(want.spelled),
            GivenAgain::Unknown => true,
        }
    }
}

/// Names that only older versions of a target may use.
#[derive(Default)]
struct Gone {
    files: HashSet<String>,
    vectors: HashSet<String>,
}

impl<'a> TargetNames<'a> {
    pub(super) fn of(target: Option<&'a Snapshot>, root: Option<&Path>) -> TargetNames<'a> {
        let files = || target.iter().flat_map(|target| &target.files);
        let mut live: HashMap<&str, (&FileKey, &LiveFile)> = HashMap::new();
        let mut also_live: HashMap<&str, Vec<(&FileKey, &LiveFile)>> = HashMap::new();
        for (key, file) in files() {
            match live.entry(&*key.path) {
                Entry::Vacant(free) => drop(free.insert((key, file))),
                Entry::Occupied(_) => also_live.entry(&*key.path).or_default().push((key, file)),
            }
        }
        let places =
            files().filter_map(|(key, file)| Some((inside(&key.path, root)?, file))).collect();
        let renames = live.keys().any(|path| path.contains("renamed-"));
        TargetNames {
            root: root.map(Path::to_path_buf),
            target,
            live,
            also_live,
            places,
            gone: OnceCell::new(),
            renames,
            doubted: false,
            given_again: GivenAgain::Nothing,
        }
    }

    /// The same, knowing what the source's log gave again.
    pub(super) fn given_again(self, given_again: GivenAgain) -> TargetNames<'a> {
        TargetNames { given_again, ..self }
    }

    /// The same, with or without belief in what the target's log says of its files.
    pub(super) fn doubted(self, doubted: bool) -> TargetNames<'a> {
        TargetNames { doubted, ..self }
    }

    /// Finds the live files of the target that have the content of wanted ones, by what both logs say. `taken` are those that
    /// were found before, each with the place of its content.
    pub(super) fn hold(
        &self,
        wanted: &mut [WantedFile<'a>],
        taken: &mut HashMap<&'a FileKey, FileLocation>,
    ) {
        // A name of the source's own goes before one that was made from another.
        for attempt in 0..if self.renames { NAMES_HELD } else { 1 } {
            for want in wanted.iter_mut().filter(|want| want.held.is_none()) {
                let free = |key: &FileKey| taken.get(key).is_none_or(|from| *from == want.from);
                let there = self.there(want, &want.path(attempt));
                let Some(there) = there.filter(|there| free(there.0)) else { continue };
                if want.file.has_content_of(there.1) {
                    taken.insert(there.0, want.from.clone());
                    want.settle(attempt);
                    want.held = Some(there);
                }
            }
        }
    }

    /// The target's row of a path: of several that with the vector of the wanted file, else the first in their order.
    fn there(&self, want: &WantedFile<'_>, path: &str) -> Option<(&'a FileKey, &'a LiveFile)> {
        let first = self.live.get(path).copied()?;
        let Some(others) = self.also_live.get(path) else {
            return Some(first);
        };
        let vector = want.vector().map(Vector::unique_id);
        let rows = || others.iter().copied().chain([first]);
        let exact = rows().find(|(key, _)| key.vector.as_deref() == vector.as_deref());
        exact.or_else(|| rows().min_by_key(|(key, _)| *key))
    }

    fn gone(&self) -> &Gone {
        self.gone.get_or_init(|| {
            let mut gone = Gone::default();
            let Some(target) = self.target else {
                return gone;
            };
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Removed<'a> {
                #[serde(borrow)]
                path: Cow<'a, str>,
                deletion_vector: Option<Vector>,
            }
            let mut note = |vector: &Vector| {
                if let Ok(Some(FileLocation::Inside(file))) =
                    vector::vector_location(vector, self.root.as_deref())
                {
                    gone.vectors.insert(file);
                }
            };
            let live = target.files.values();
            live.filter_map(|file| file.vector.as_deref()).for_each(&mut note);
            let removed = target.tombstones.values();
            for removed in removed.filter_map(|text| serde_json::from_str::<Removed>(text).ok()) {
                removed.deletion_vector.as_ref().inspect(|it| note(it));
                gone.files.extend(inside(&removed.path, self.root.as_deref()).map(Cow::into_owned));
            }
            gone
        })
    }
}

/// Where a path of a table's log lies in it.
fn inside<'a>(path: &'a str, root: Option<&Path>) -> Option<Cow<'a, str>> {
    match path::locate(path, root) {
        Ok(FileLocation::Inside(inside)) if inside == path => Some(Cow::Borrowed(path)),
        Ok(FileLocation::Inside(inside)) => Some(Cow::Owned(inside)),
        Ok(FileLocation::Elsewhere(_) | FileLocation::Foreign(_)) | Err(_) => None,
    }
}

/// Decides where every wanted file and its deletion vector shall lie, and what of that is not there yet.
///
/// A file that the target's newest version describes as the source does is taken to be the same if it has its size, unless the
/// target is doubted. Of any other that lies there, left by a dead clone or by an older version, the bytes are compared.
/// Refuses, before anything is written, whatever in the source is not what its log says.
pub(super) fn place_files<'a>(
    wanted: &mut [WantedFile<'a>],
    source: &TableStore,
    target: &TableStore,
    names: &TargetNames<'a>,
    tracks_rows: bool,
    progress: &CopyProgress,
) -> Result<Placed> {
    names.hold(wanted, &mut HashMap::new());
    let mut placed = Placed::default();
    place_data(wanted, source, target, names, &mut placed, progress)?;
    check_sizes(source, placed.jobs.iter().map(|job| (&job.from, job.size)))?;
    check_records(wanted, tracks_rows)?;
    vectors::place_vectors(wanted, source, target, names, &mut placed, progress)?;
    Ok(placed)
}

/// Says what a clone would have to copy, by what both logs say, and refuses what it would refuse: of the files that it would
/// copy, and of all deletion vectors. `root` is the target's folder, where it has one.
pub(in super::super) fn check_files(
    store: &TableStore,
    source: &Snapshot,
    target: Option<&Snapshot>,
    root: Option<&Path>,
) -> Result<CopyEstimate> {
    let names = TargetNames::of(target, root);
    // Which of several names is held is decided over all files, in their order, and a store that lists is asked once.
    let whole = names.renames || store.folder().is_none();
    if !whole && let Ok(estimate) = check_in_turn(store, source, &names, FileOrder::Any, SOME_FILES)
    {
        return Ok(estimate);
    }
    // Which of several files is named must be no chance.
    let at_a_time = if whole { usize::MAX } else { FILES_AT_A_TIME };
    check_in_turn(store, source, &names, FileOrder::Ordered(at_a_time), at_a_time)
}

/// The same with files in some order, few first: where many are not as they should be, those tell.
fn check_in_turn(
    store: &TableStore,
    source: &Snapshot,
    names: &TargetNames<'_>,
    turn: FileOrder,
    mut at_a_time: usize,
) -> Result<CopyEstimate> {
    let tracks_rows = source.protocol.supports("rowTracking");
    let mut taken = HashMap::new();
    let mut estimate = CopyEstimate::default();
    let mut with_vectors = Vec::new();
    let mut all = wanted_in_turn(source, store.folder(), turn)?;
    loop {
        let mut some: Vec<WantedFile<'_>> = all.by_ref().take(at_a_time).collect::<Result<_>>()?;
        if some.is_empty() {
            break;
        }
        names.hold(&mut some, &mut taken);
        let lacking = || some.iter().filter(|want| want.held.is_none());
        check_sizes(store, lacking().map(|want| (&want.from, want.file.size)))?;
        check_records(&some, tracks_rows)?;
        for want in lacking() {
            estimate.copy_files += 1;
            estimate.copy_bytes = estimate.copy_bytes.saturating_add(want.file.size);
        }
        with_vectors.extend(some.into_iter().filter(|want| want.vector().is_some()));
        at_a_time = at_a_time.max(FILES_AT_A_TIME);
    }
    vectors::check(&with_vectors, store)?;
    Ok(estimate)
}

/// Refuses a version of whose files one is gone, not as long as its log says, or has a deletion vector that is not whole.
pub(in super::super) fn check_whole(store: &TableStore, version: &Snapshot) -> Result<()> {
    let wanted = wanted(version, store.folder())?;
    check_sizes(store, wanted.iter().map(|want| (&want.from, want.file.size)))?;
    vectors::check(&wanted, store)
}

fn job(want: &WantedFile<'_>) -> FileCopy {
    FileCopy {
        from: want.from.clone(),
        to: want.to().to_owned(),
        size: want.file.size,
        is_data: true,
    }
}

fn place_data<'a>(
    wanted: &mut [WantedFile<'a>],
    source: &TableStore,
    target: &TableStore,
    names: &TargetNames<'a>,
    placed: &mut Placed,
    progress: &CopyProgress,
) -> Result<()> {
    let held = wanted.iter().filter(|want| want.held.is_some());
    let taken = held.map(|want| (want.to().to_owned(), want.from.clone())).collect();
    let mut seeking: Vec<Seeking> = (0..wanted.len()).map(|number| (number, 0)).collect();
    let jobs = BTreeMap::new();
    let mut placing =
        Placing { wanted, source, target, names, progress, taken, jobs, next: vec![], placed };
    while !seeking.is_empty() {
        progress.check()?;
        let tried = placing.name(seeking)?;
        let doubted = placing.look_at_places(tried)?;
        placing.compare(doubted)?;
        seeking = std::mem::take(&mut placing.next);
    }
    let Placing { jobs, placed, .. } = placing;
    placed.jobs.extend(jobs.into_values());
    Ok(())
}

/// A wanted file by its number, and how many names were tried for it.
type Seeking = (usize, u32);

/// Files that are given their names in a target, round by round: a name that is taken by other content is followed by another.
struct Placing<'p, 'a> {
    wanted: &'p mut [WantedFile<'a>],
    source: &'p TableStore,
    target: &'p TableStore,
    names: &'p TargetNames<'a>,
    progress: &'p CopyProgress,
    /// Names that were given, and to which file of the source.
    taken: HashMap<String, FileLocation>,
    /// What is copied, by its name in the target.
    jobs: BTreeMap<String, FileCopy>,
    /// Those that are tried under another name in the next round.
    next: Vec<Seeking>,
    placed: &'p mut Placed,
}

impl Placing<'_, '_> {
    /// Gives names that neither another file nor the target's newest version has for other content.
    fn name(&mut self, seeking: Vec<Seeking>) -> Result<Vec<Seeking>> {
        let mut tried = Vec::new();
        for (number, attempt) in seeking {
            let want = &mut self.wanted[number];
            if attempt == NAMES_MAX {
                let why = "every name for it in the replica is taken by other content";
                return Err(DeltaError::corrupt(want.to(), why));
            }
            if want.held.is_none() {
                if attempt == BY_CONTENT {
                    want.tell_content(copy::digest(self.source, &want.from, self.progress)?);
                }
                want.settle(attempt);
                let other = self.taken.get(want.to()).is_some_and(|from| *from != want.from);
                let live = self.names.places.get(want.to());
                if other || live.is_some_and(|live| !want.file.has_content_of(live)) {
                    self.next.push((number, attempt + 1));
                    continue;
                }
                self.taken.insert(want.to().to_owned(), want.from.clone());
            }
            tried.push((number, attempt));
        }
        Ok(tried)
    }

    /// Looks what lies under these names, and settles what is copied; gives those whose content only their bytes tell.
    fn look_at_places(&mut self, tried: Vec<Seeking>) -> Result<Vec<Seeking>> {
        let there = tried.iter().map(|(number, _)| self.wanted[*number].to());
        let there = self.target.occupants(&there.collect::<Vec<_>>())?;
        let mut doubted: Vec<Seeking> = Vec::new();
        for ((number, attempt), there) in tried.into_iter().zip(there) {
            let want = &mut self.wanted[number];
            match (there, want.held) {
                (Occupant::File(size, _), Some((_, held))) if size == want.file.size => {
                    if self.names.doubted
                        || self.names.given_again.names(want)
                        || is_doubtful(want.file, held)
                    {
                        doubted.push((number, attempt));
                    }
                }
                (Occupant::Nothing, Some(_)) => {
                    self.jobs.insert(want.to().to_owned(), job(want));
                }
                // What older versions name there was other content, for all that is known.
                (Occupant::Nothing, None) if !self.names.gone().files.contains(want.to()) => {
                    self.jobs.insert(want.to().to_owned(), job(want));
                }
                (Occupant::File(size, _), None) if size == want.file.size => {
                    doubted.push((number, attempt));
                }
                // Broken, or never ours: it stays as it is.
                (Occupant::File(_, _) | Occupant::Nothing | Occupant::Other, _) => {
                    if want.held.take().is_some() {
                        self.placed.replaced.push(want.to().to_owned());
                    }
                    self.next.push((number, attempt + 1));
                }
            }
        }
        Ok(doubted)
    }

    /// Compares files byte by byte with the source's: those that are the same stay where they lie.
    fn compare(&mut self, doubted: Vec<Seeking>) -> Result<()> {
        let compared = doubted.iter().map(|(number, _)| job(&self.wanted[*number]));
        let compared = compared.collect();
        let others = copy::differing_files(self.source, self.target, compared, self.progress)?;
        for (number, attempt) in doubted {
            let want = &mut self.wanted[number];
            match (others.contains(want.to()), want.held) {
                (true, Some(_)) => {
                    want.held = None;
                    // The file of a target in doubt is replaced; one that is believed held what the source had then, and the
                    // source's own file is another now.
                    if self.names.doubted {
                        self.placed.replaced.push(want.to().to_owned());
                    }
                    self.next.push((number, attempt + 1));
                }
                (true, None) => self.next.push((number, attempt + 1)),
                (false, Some(_)) => {}
                (false, None) => {
                    self.placed.adopted.push(want.to().to_owned());
                    // Under one of the later names: it is the target's own, and no file that is new to it.
                    want.held = self.names.there(want, &want.path(attempt));
                }
            }
        }
        Ok(())
    }
}

/// Whether a file of the source may be another than the one that the target holds, though path, size and time are the same: some
/// writers give every file one time, or none, and other statistics may be those of other rows.
fn is_doubtful(source: &LiveFile, held: &LiveFile) -> bool {
    source.modified_ms.is_none_or(|time| time <= 0)
        || source.action != held.action && stats_of(source) != stats_of(held)
}

/// The statistics of a file as its `add` action has them; `None`: it has none.
fn stats_of(file: &LiveFile) -> Option<Value> {
    #[derive(Deserialize)]
    struct Add {
        stats: Option<String>,
    }
    let add: Add = serde_json::from_str(file.action.as_deref()?).ok()?;
    serde_json::from_str(&add.stats?).ok()
}

/// Why a file of a source has no size: it is missing, or what stands in its place is no file.
fn why_not_there(source: &TableStore, from: &FileLocation, path: String) -> DeltaError {
    let refused = match from {
        FileLocation::Inside(inside) => source.read(inside).err(),
        FileLocation::Elsewhere(_) | FileLocation::Foreign(_) => None,
    };
    match refused {
        Some(error) => missing(error, &path),
        None => DeltaError::DataMissing { path },
    }
}

/// Refuses files of a source, each with the size that its log says, that are gone or of another size: a copy would be as broken.
fn check_sizes<'a>(
    source: &TableStore,
    files: impl Iterator<Item = (&'a FileLocation, u64)> + Clone,
) -> Result<()> {
    let inside: Vec<&str> = files
        .clone()
        .filter_map(|(from, _)| match from {
            FileLocation::Inside(inside) => Some(inside.as_str()),
            FileLocation::Elsewhere(_) | FileLocation::Foreign(_) => None,
        })
        .collect();
    let mut sizes = source.sizes(&inside)?.into_iter();
    for (from, expected) in files {
        let (size, shown) = match from {
            FileLocation::Inside(inside) => (sizes.next().flatten(), inside.clone()),
            FileLocation::Elsewhere(path) => {
                let there = Looker::default().regular(&source.external(path)?);
                let size = there.ok().flatten().map(|there| there.size);
                (size, path.display().to_string())
            }
            FileLocation::Foreign(url) => return Err(foreign(url)),
        };
        match size {
            None => return Err(why_not_there(source, from, shown)),
            Some(size) => copy::check_length(&shown, size, expected)?,
        }
    }
    Ok(())
}
