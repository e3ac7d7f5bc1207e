//! Writes files: stored plans, and drsync's own records beside the configuration.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::apply::RunRecord;
use crate::config::{self, WorkspaceConfig};
use crate::files::{self, EntryKind};
use crate::limits::DOCUMENT;
use crate::notify::ToldState;
use crate::plan::{OwnPlaces, RecordHere, StoredPlan};
use crate::region::{
    KeptDocument, PLAN_ENDING, RUN_RECORD_ENDING, SIGNATURE_ENDING, TOLD_ENDING, apply_of,
};

/// Folder of drsync's own files beside the configuration.
const FOLDER: &str = ".drsync";
/// Answers that have led to no configuration yet.
const ANSWERS: &str = "answers.json";
/// How the names of records end that tell of a round with nothing to do.
const QUIET_ENDING: &str = ".quiet.json";
/// Folder of the notes that regions have yet to get the documents of an apply: apart from the records, which grow in number.
const OWED: &str = "owed";
/// How the names of such notes end that earlier versions laid among the records.
const OWED_ENDING: &str = ".owed";
/// So many records of this machine tell what goes on, where no region does.
const RECENT_MAX: usize = 16;
/// So many of them are kept on this machine: those of a week, at a round every half hour. The secondary keeps them all.
const QUIET_MAX: usize = 336;

/// Writes a file whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    // A name that nobody else has: what lies beside the file is not drsync's to overwrite.
    aside.push(format!(".{}.part", ulid::Ulid::new()));
    let aside = PathBuf::from(aside);
    let written = File::create_new(&aside)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        // What is half written is of no use; why it failed is what counts.
        let _ = fs::remove_file(&aside);
    }
    written.with_context(|| format!("write {}", path.display()))
}

/// Writes a file that is not there yet, not even as a link; what is there stays.
pub(super) fn new(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    File::create_new(path)
        .and_then(|mut file| file.write_all(bytes))
        .with_context(|| format!("write {}", path.display()))
}

/// Makes the folder of records, drsync's own all the way: nothing is written through a link.
fn make_runs(folder: &Path) -> anyhow::Result<PathBuf> {
    make_own(folder, runs(folder))
}

/// Makes a folder within the folder of drsync's own files.
fn make_own(folder: &Path, own: PathBuf) -> anyhow::Result<PathBuf> {
    for made in [folder.join(FOLDER), own.clone()] {
        match fs::create_dir(&made) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("make {}", made.display()));
            }
            Ok(()) | Err(_) => {}
        }
        let there =
            fs::symlink_metadata(&made).with_context(|| format!("look at {}", made.display()))?;
        anyhow::ensure!(
            there.is_dir(),
            "write into {}: it is a link or no folder, and nothing is written through one",
            made.display()
        );
    }
    Ok(own)
}

/// Where records of applies are kept.
fn runs(folder: &Path) -> PathBuf {
    folder.join(FOLDER).join("runs")
}

/// Keeps the schema of configurations, for editors.
pub(super) fn schema(folder: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let own = make_own(folder, folder.join(FOLDER))?;
    write_whole(&own.join("config.schema.json"), bytes)
}

/// Answers to the questions of `init` that have led to no configuration yet.
pub(super) fn answers(folder: &Path) -> Option<Vec<u8>> {
    read(&files::resolve_folder(folder).join(FOLDER).join(ANSWERS)).ok()
}

/// Keeps them.
pub(super) fn keep_answers(folder: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let own = make_own(folder, folder.join(FOLDER))?;
    write_whole(&own.join(ANSWERS), bytes)
}

/// Forgets them: they are in the configuration now.
pub(super) fn forget_answers(folder: &Path) {
    let _ = fs::remove_file(folder.join(FOLDER).join(ANSWERS));
}

/// Keeps the bytes of a plan that is about to be applied, and its signature.
pub(super) fn plan(
    folder: &Path,
    run_id: &str,
    stored: &StoredPlan,
    signature: Option<&str>,
) -> anyhow::Result<()> {
    let runs = make_runs(folder)?;
    if let Some(signature) = signature {
        write_whole(&runs.join(format!("{run_id}.plan.json.minisig")), signature.as_bytes())?;
    }
    write_whole(&runs.join(format!("{run_id}.plan.json")), &stored.bytes)
}

/// Keeps the newest runbook of a workspace.
pub(super) fn runbook(folder: &Path, workspace: &str, bytes: &[u8]) -> anyhow::Result<()> {
    make_runs(folder)?;
    write_whole(&folder.join(runbook_path(workspace)), bytes)
}

/// Where the newest runbook of a workspace is kept, beside the configuration.
pub(super) fn runbook_path(workspace: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("runbook-{}.md", label(workspace)))
}

/// A workspace as part of the name of a file; names that would become one are told apart by what they are.
fn label(workspace: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let label: String = workspace.chars().map(plain).take(64).collect();
    if label == workspace {
        return label;
    }
    format!("{label}-{}", &crate::canonical::sha256_of_bytes(workspace.as_bytes())[..8])
}

/// Folder of the configurations that applies of this machine last used, one a workspace.
const USED: &str = "configurations";

/// Keeps the configurations of an apply, by workspace, and forgets those of workspaces that do not stay.
///
/// Where it cannot, it says nothing: they are of use only once a configuration cannot be read, to know whom to tell.
pub(super) fn configurations(
    folder: &Path,
    used: &BTreeMap<String, Vec<u8>>,
    stays: impl Fn(&str) -> bool,
) {
    let Ok(own) = make_own(folder, folder.join(FOLDER).join(USED)) else {
        return;
    };
    for (workspace, bytes) in used {
        let file = own.join(format!("{}.json", label(workspace)));
        if read(&files::resolve_folder(&file)).ok().as_ref() != Some(bytes) {
            let _ = write_whole(&file, bytes);
        }
    }
    for (file, workspace) in kept_configurations(folder) {
        if !stays(&workspace.name) {
            let _ = fs::remove_file(file);
        }
    }
}

/// The workspaces as applies of this machine last used them; what cannot be read is left out.
pub(super) fn used_configurations(folder: &Path) -> Vec<WorkspaceConfig> {
    kept_configurations(folder).into_iter().map(|(_, workspace)| workspace).collect()
}

fn kept_configurations(folder: &Path) -> Vec<(PathBuf, WorkspaceConfig)> {
    let own = files::resolve_folder(&folder.join(FOLDER).join(USED));
    let names = files::names(&own).unwrap_or_default().into_iter();
    let files =
        names.filter(|(_, named)| *named == EntryKind::File).map(|(name, _)| own.join(name));
    let read = files.filter_map(|file| {
        let bytes = read(&file).ok()?;
        let configuration = config::read_text(&file.to_string_lossy(), &bytes, Path::new("/"));
        Some((file, configuration.workspaces.into_iter().next()?))
    });
    read.collect()
}

/// Reads one of drsync's own files, at a resolved path.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    files::read(files::open_regular(path)?, &DOCUMENT)
}

/// The records of every apply of a plan that lie in these folders, oldest first; the plan is known by its file's digest.
///
/// What cannot be read is left out: these files are a convenience, the evidence lies in the secondary.
pub(super) fn applies(folders: &[PathBuf], plan_sha256: &str) -> Vec<RunRecord> {
    let all = folders.iter().flat_map(|folder| {
        let runs = runs(&files::resolve_folder(folder));
        let found = files::list(&runs).unwrap_or_default().into_iter();
        found.map(move |(name, _)| runs.join(name))
    });
    let mut records: Vec<RunRecord> = all
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .filter(|path| !is_quiet(path))
        .filter_map(|path| RunRecord::read(&read(&path).ok()?).ok())
        .filter(|record| record.plan_sha256 == plan_sha256)
        .collect();
    records.sort_by(|a, b| (a.started_at, &a.run_id).cmp(&(b.started_at, &b.run_id)));
    records.dedup_by(|a, b| a.run_id == b.run_id);
    records
}

/// The records of applies that lie in these folders whose id ends so, by their ids.
pub(super) fn ending(folders: &[PathBuf], end: &str) -> BTreeMap<String, PathBuf> {
    let end = end.to_ascii_uppercase();
    let all = folders.iter().flat_map(|folder| {
        let runs = runs(&files::resolve_folder(folder));
        let found = files::names(&runs).unwrap_or_default().into_iter();
        found.filter(|(_, named)| *named == EntryKind::File).filter_map(move |(name, _)| {
            let id = id_of(&name)?.to_owned();
            Some((id, runs.join(name)))
        })
    });
    all.filter(|(id, _)| id.ends_with(&end)).collect()
}

/// The id of the apply whose record lies here under a name.
fn id_of(name: &str) -> Option<&str> {
    let id = name.strip_suffix(QUIET_ENDING).or_else(|| name.strip_suffix(".json"))?;
    apply_of(&format!("{id}{RUN_RECORD_ENDING}")).is_some().then_some(id)
}

/// The plan of an apply, where it lies beside the record, unaltered.
pub(super) fn plan_of(record_file: &Path, record: &RunRecord) -> Option<StoredPlan> {
    // The id comes from a file that anybody may have written: it names a file of this folder and nothing else.
    let plain = record.run_id.chars().all(|c| c.is_ascii_alphanumeric());
    let beside = files::resolve_folder(record_file.parent()?);
    let path = beside.join(format!("{}.plan.json", record.run_id));
    let stored = plain.then(|| read(&path).ok()).flatten()?;
    let stored = StoredPlan::read(&stored).ok()?;
    (stored.sha256 == record.plan_sha256).then_some(stored)
}

/// Keeps the bytes of an apply's record, and the runner's signature of them, and says where.
pub(super) fn record(
    folder: &Path,
    run_id: &str,
    bytes: &[u8],
    signature: Option<&str>,
) -> anyhow::Result<PathBuf> {
    let runs = make_runs(folder)?;
    let path = runs.join(format!("{run_id}.json"));
    signed(&path, bytes, signature)?;
    Ok(path)
}

/// Writes a document after the signature of it: one that is there has its signature beside it.
fn signed(path: &Path, bytes: &[u8], signature: Option<&str>) -> anyhow::Result<()> {
    if let Some(signature) = signature {
        write_whole(&signature_of(path), signature.as_bytes())?;
    }
    write_whole(path, bytes)
}

/// Where the signature of a document lies.
fn signature_of(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(SIGNATURE_ENDING);
    PathBuf::from(path)
}

/// Keeps the bytes of the record of a round with nothing to do, and lets the oldest of them go.
pub(super) fn quiet_record(
    folder: &Path,
    run_id: &str,
    bytes: &[u8],
    signature: Option<&str>,
) -> anyhow::Result<()> {
    let runs = make_runs(folder)?;
    let tend = || -> anyhow::Result<()> {
        let path = runs.join(format!("{run_id}{QUIET_ENDING}"));
        signed(&path, bytes, signature)?;
        let entries = fs::read_dir(&runs)?.collect::<io::Result<Vec<_>>>()?;
        let mut quiet: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
        quiet.retain(|path| is_quiet(path));
        quiet.sort_unstable();
        let beyond = quiet.len().saturating_sub(QUIET_MAX);
        for path in &quiet[..beyond] {
            fs::remove_file(path)?;
            match fs::remove_file(signature_of(path)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    };
    tend().with_context(|| format!("keep what this round found in {}", runs.display()))
}

/// What was told of applies that could not begin.
const NOT_BEGUN: &str = "not-begun.json";

/// What was told of applies that could not begin; what cannot be read was told of nobody.
pub(super) fn not_begun(folder: &Path) -> Vec<ToldState> {
    let noted = read(&files::resolve_folder(folder).join(FOLDER).join(NOT_BEGUN)).ok();
    noted.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Notes what was told of applies that could not begin. Where it cannot be noted, the next one tells it again.
pub(super) fn note_not_begun(folder: &Path, standings: &[ToldState]) {
    let path = folder.join(FOLDER).join(NOT_BEGUN);
    if standings.is_empty() {
        let _ = fs::remove_file(path);
        return;
    }
    let bytes = serde_json::to_vec_pretty(standings).unwrap_or_default();
    let _ = make_runs(folder).and_then(|_| write_whole(&path, &bytes));
}

/// Where the notes are kept that regions have yet to get documents.
fn notes(folder: &Path) -> PathBuf {
    folder.join(FOLDER).join(OWED)
}

/// Makes the folder of notes, and takes those in that earlier versions laid among the records.
fn make_notes(folder: &Path) -> anyhow::Result<PathBuf> {
    let notes = notes(folder);
    if fs::symlink_metadata(&notes).is_ok_and(|there| there.is_dir()) {
        return Ok(notes);
    }
    let runs = make_runs(folder)?;
    let notes = make_own(folder, notes)?;
    let (runs, into) = (files::resolve_folder(&runs), files::resolve_folder(&notes));
    for (name, named) in files::names(&runs).unwrap_or_default() {
        if let Some(id) = name.strip_suffix(OWED_ENDING).filter(|_| named == EntryKind::File) {
            files::rename(&runs.join(&name), &into.join(id))
                .with_context(|| format!("move {name} to {}", notes.display()))?;
        }
    }
    Ok(notes)
}

/// Notes that regions have yet to get the documents of an apply.
pub(super) fn owe(folder: &Path, run_id: &str) -> anyhow::Result<()> {
    write_whole(&make_notes(folder)?.join(run_id), b"")
}

/// Forgets it: all regions have them. A note that stays makes the next apply look once more.
pub(super) fn settle(folder: &Path, run_id: &str) {
    let _ = fs::remove_file(notes(folder).join(run_id));
}

/// The documents of applies that regions have yet to get, by name; what cannot be read is left out.
pub(super) fn owed(folder: &Path) -> Vec<KeptDocument> {
    let runs = files::resolve_folder(&runs(folder));
    // Where it cannot be made nothing was noted.
    let noted =
        make_notes(folder).and_then(|notes| Ok(files::names(&files::resolve_folder(&notes))?));
    let noted = noted.unwrap_or_default().into_iter();
    let mut ids: Vec<String> =
        noted.filter(|(_, named)| *named == EntryKind::File).map(|(id, _)| id).collect();
    ids.sort_unstable();
    let of = |id: &str, here: String, name: String| {
        let file = files::open_regular(&runs.join(here)).ok()?;
        let bytes = files::read(file, &DOCUMENT).ok()?;
        (apply_of(&name) == Some(id)).then_some(KeptDocument { name, bytes })
    };
    let mut documents = Vec::new();
    for id in &ids {
        let plan = format!("{id}{PLAN_ENDING}");
        let signature = format!("{plan}{SIGNATURE_ENDING}");
        let record = format!("{id}{RUN_RECORD_ENDING}");
        documents.extend(of(id, plan.clone(), plan));
        documents.extend(of(id, signature.clone(), signature));
        let either = |ending: &str| {
            let name = format!("{record}{ending}");
            let kept = of(id, format!("{id}.json{ending}"), name.clone());
            kept.or_else(|| of(id, format!("{id}{QUIET_ENDING}{ending}"), name))
        };
        documents.extend(either(SIGNATURE_ENDING));
        documents.extend(either(""));
    }
    documents
}

/// Keeps what servers answered to the messages of an apply.
pub(super) fn keep_server_answers(folder: &Path, run_id: &str, bytes: &[u8]) -> anyhow::Result<()> {
    write_whole(&make_runs(folder)?.join(format!("{run_id}{TOLD_ENDING}")), bytes)
}

/// What servers answered to the messages of an apply, where it lies here.
pub(super) fn told_of(folder: &Path, run_id: &str) -> Option<Vec<u8>> {
    let name = format!("{run_id}{TOLD_ENDING}");
    // The id may come from a document of somebody else: it names a file of this folder and nothing else.
    apply_of(&name)?;
    read(&files::resolve_folder(&runs(folder)).join(name)).ok()
}

/// The newest run records that lie here, as regions keep them; what cannot be read is left out.
pub(super) fn recent_records(folder: &Path) -> Vec<KeptDocument> {
    let runs = files::resolve_folder(&runs(folder));
    let names = files::names(&runs).unwrap_or_default().into_iter();
    let mut found: Vec<(String, String)> = names
        .filter(|(_, named)| *named == EntryKind::File)
        .filter_map(|(name, _)| {
            let kept = format!("{}{RUN_RECORD_ENDING}", id_of(&name)?);
            Some((kept, name))
        })
        .collect();
    found.sort_unstable();
    let newest = found.into_iter().rev().take(RECENT_MAX);
    newest
        .filter_map(|(kept, name)| {
            Some(KeptDocument { name: kept, bytes: read(&runs.join(name)).ok()? })
        })
        .collect()
}

/// Whether one of the newest run records that lie here tells of a cut of a workspace.
pub(super) fn tells_of_a_cut(folder: &Path, workspace: &str) -> bool {
    let records = recent_records(folder).into_iter();
    let mut records = records.filter_map(|document| RunRecord::of(&document).ok());
    records.any(|record| {
        let mut groups = record.groups.iter();
        groups.any(|group| group.workspace == workspace && group.cut.is_some())
    })
}

/// The newest run record that lies here and tells settings of a workspace.
pub(super) fn record_with_settings(
    folder: &Path,
    workspace: &WorkspaceConfig,
) -> Option<RecordHere> {
    let places = OwnPlaces::of(workspace);
    let whose = places.whose(&workspace.name);
    let records = recent_records(folder).into_iter();
    let mut records = records.filter_map(|document| RunRecord::of(&document).ok());
    records.find_map(|record| {
        let before = record.settings_of(&whose)?;
        Some(RecordHere {
            run_id: record.run_id,
            ended_at: record.ended_at,
            replicas: before.settings.workspace.replicas,
        })
    })
}

/// The record of an apply that lies here.
pub(super) fn record_of(folder: &Path, run_id: &str) -> Option<RunRecord> {
    apply_of(&format!("{run_id}{RUN_RECORD_ENDING}"))?;
    let runs = files::resolve_folder(&runs(folder));
    let named = [format!("{run_id}.json"), format!("{run_id}{QUIET_ENDING}")];
    let bytes = named.iter().find_map(|name| read(&runs.join(name)).ok())?;
    RunRecord::read(&bytes).ok().filter(|record| record.run_id == run_id)
}

fn is_quiet(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.ends_with(QUIET_ENDING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_rounds_are_kept_here_and_every_apply() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(runs(folder.path())).unwrap();
        let apply = runs(folder.path()).join("01.json");
        fs::write(&apply, "{}").unwrap();
        for number in 0..QUIET_MAX + 3 {
            quiet_record(folder.path(), &format!("01Q{number:04}"), b"{}", Some("sig")).unwrap();
        }
        let names = fs::read_dir(runs(folder.path())).unwrap();
        let mut names: Vec<PathBuf> = names.map(|entry| entry.unwrap().path()).collect();
        names.sort();
        assert_eq!(names.len(), 2 * QUIET_MAX + 1);
        assert_eq!(names[0], apply);
        assert!(names[1].ends_with("01Q0003.quiet.json"), "{:?}", names[1]);
        assert!(names[2].ends_with("01Q0003.quiet.json.minisig"), "{:?}", names[2]);
    }

    #[test]
    fn what_regions_have_yet_to_get_is_known_until_they_have_it() {
        let folder = tempfile::tempdir().unwrap();
        let (quiet, loud) = ("01JDA2C7000000000000000000", "01JDA2C7000000000000000001");
        for id in [quiet, loud] {
            owe(folder.path(), id).unwrap();
        }
        quiet_record(folder.path(), quiet, b"quiet", Some("of quiet")).unwrap();
        record(folder.path(), loud, b"loud", None).unwrap();
        let plan = runs(folder.path()).join(format!("{loud}.plan.json"));
        fs::write(plan, "plan").unwrap();
        // One that an earlier version left, and one of nobody's: it names no apply.
        fs::remove_dir_all(notes(folder.path())).unwrap();
        for id in [quiet, loud] {
            fs::write(runs(folder.path()).join(format!("{id}.owed")), "").unwrap();
        }
        owe(folder.path(), "notes").unwrap();
        fs::write(runs(folder.path()).join("notes.json"), "notes").unwrap();
        let owed_now = || -> Vec<(String, Vec<u8>)> {
            let owed = owed(folder.path()).into_iter();
            owed.map(|one| (one.name, one.bytes)).collect()
        };
        let of_loud = [
            (format!("{loud}.plan.json"), b"plan".to_vec()),
            (format!("{loud}.run.json"), b"loud".to_vec()),
        ];
        let of_quiet = (format!("{quiet}.run.json"), b"quiet".to_vec());
        let signature = (format!("{quiet}.run.json.minisig"), b"of quiet".to_vec());
        let [plan, run] = of_loud.clone();
        assert_eq!(owed_now(), [signature, of_quiet, plan, run]);
        settle(folder.path(), quiet);
        assert_eq!(owed_now(), of_loud);
        settle(folder.path(), loud);
        assert_eq!(owed_now(), []);
    }
}
