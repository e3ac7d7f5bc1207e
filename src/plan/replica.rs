//! What a replica holds, and who wrote to it: read from its own history, never believed from the ledger.

use std::collections::BTreeMap;

use super::document::{Action, DriftCommit, ReplicaPin, Step};
use crate::ledger::CutTableEntry;
use crate::region::{CloneProof, LookDepth, Mark, Replica, ReplicaCommit, UnprovedClone, Upkeep};
use crate::sentence::Sentence;

/// What a replica's history says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Assessment {
    /// The clone that the replica's newest version is, maintenance aside; `None`: it is not one of ours.
    pub(super) holds: Option<Mark>,
    /// The last version before anyone else wrote.
    pub(super) ours: Option<u64>,
    /// Commits by others, oldest first.
    pub(super) theirs: Vec<DriftCommit>,
    /// Maintenance.
    pub(super) maintenance: Vec<DriftCommit>,
    /// The newest mark of a change of role, and its epoch.
    pub(super) marked: Option<(u64, u64)>,
    /// It never was a replica of ours.
    pub(super) foreign: bool,
    /// The version of the clone that it holds, where no cut names that version: its mark alone vouches for it.
    pub(super) unproved: Option<u64>,
}

/// What is wrong with the files of a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    /// What, a fragment.
    pub(super) what: Sentence,
    /// What the log says of the other files proves nothing either: all are to be compared with the source's.
    pub(super) doubted: bool,
}

/// What is wrong with the files of a replica, as far as it was looked at, of which the newest cut that names it says `cut`.
pub(super) fn damage(replica: &Replica, cut: Option<&CutTableEntry>) -> Option<Damage> {
    let read = replica.content.as_ref().and_then(|content| content.wrong.as_ref());
    if let Some(what) = read {
        return Some(Damage { what: what.clone(), doubted: true });
    }
    if let Some(what) = &replica.damaged {
        return Some(Damage { what: what.clone(), doubted: false });
    }
    let cut = cut.filter(|cut| replica.version >= cut.replica_version)?;
    was_rewritten(replica, cut).then(|| Damage {
        what: format!(
            "the replica's log does not say of v{} what it said when that had been cloned",
            cut.replica_version
        )
        .into(),
        doubted: true,
    })
}

/// Whether a replica's log says of the version that a cut names something else than it said then.
fn was_rewritten(replica: &Replica, cut: &CutTableEntry) -> bool {
    let kind = |digest: &str| digest.split_once(':').map(|(kind, _)| kind.to_owned());
    let both = cut.replica_files_sha256.as_ref().zip(replica.since_files.as_ref());
    both.is_some_and(|(then, now)| kind(then) == kind(now) && then != now)
}

/// The same as a fragment, for whoever does not repair it.
pub fn damaged(replica: &Replica, cut: Option<&CutTableEntry>) -> Option<Sentence> {
    damage(replica, cut).map(|damage| damage.what)
}

/// A clone for which no cut vouches, and the version of its source that it says to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unproved {
    pub(crate) clone: UnprovedClone,
    pub(crate) source_version: u64,
}

/// The clone of a replica that is to be compared with its source.
///
/// A cut vouches by its digests, as far as it is believed; a full look at files believes none.
pub(crate) fn unproved_clone(
    path: &str,
    replica: &Replica,
    cut: Option<&CutTableEntry>,
    full: bool,
) -> Option<Unproved> {
    let seen = assess(path, replica, cut);
    let told = |(version, mark): (u64, Mark), named| Unproved {
        clone: UnprovedClone { version, named },
        source_version: mark.source_version,
    };
    let named = || {
        let cut = cut.filter(|cut| replica.version >= cut.replica_version)?;
        let read = full && replica.depth >= LookDepth::FilesListed;
        let vouched = cut.replica_files_sha256.is_some() && !read;
        let (start, mark, _) = named_clone(path, replica, cut).filter(|_| !vouched)?;
        Some((start, mark))
    };
    match seen.unproved.zip(seen.holds) {
        Some(unnamed) => Some(told(unnamed, false)),
        None => named().map(|named| told(named, true)),
    }
}

/// Whether others wrote to a replica.
pub(crate) fn is_drifted(path: &str, replica: &Replica, cut: Option<&CutTableEntry>) -> bool {
    !assess(path, replica, cut).theirs.is_empty()
}

/// The operation of a clone.
const CLONE: &str = "CLONE";

/// Reads a replica's history from what the newest cut that names it says, or from its first commit.
pub(super) fn assess(path: &str, replica: &Replica, cut: Option<&CutTableEntry>) -> Assessment {
    match cut {
        Some(cut) if replica.version >= cut.replica_version => from_cut(path, replica, cut),
        // Fewer versions than the cut names: it was removed and made again, by us or by someone else.
        Some(_) | None => from_first_commit(path, replica),
    }
}

fn from_cut(path: &str, replica: &Replica, cut: &CutTableEntry) -> Assessment {
    let Some((start, base, before)) = named_clone(path, replica, cut) else {
        return Assessment { foreign: true, ..Assessment::default() };
    };
    let after = replica.commits.iter().filter(|commit| commit.version > cut.replica_version);
    let mut commits: Vec<&ReplicaCommit> = before.iter().chain(after).collect();
    commits.sort_by_key(|commit| commit.version);
    if commits.is_empty() && replica.version == cut.replica_version {
        return match &replica.mark {
            Some(mark) if mark.replica == path => Assessment {
                holds: Some(mark.clone()),
                ours: Some(replica.version),
                ..Assessment::default()
            },
            Some(_) | None => Assessment { foreign: true, ..Assessment::default() },
        };
    }
    let mut seen = follow(path, replica, start, Some(base), &commits);
    seen.maintenance.retain(|commit| commit.version > cut.replica_version);
    // Nothing but maintenance since, yet not the clone that the cut names: another table was put there.
    if seen.theirs.is_empty() && seen.holds != replica.mark {
        Assessment { foreign: true, ..Assessment::default() }
    } else {
        seen
    }
}

/// The clone that a cut's version of a replica goes back to: its version, what it is, and the commits between; `None`: it goes
/// back to none of ours.
///
/// Whoever may append to a cut log can name any version: the replica's own log says what that is. Where it no longer tells,
/// the cut is believed.
fn named_clone<'a>(
    path: &str,
    replica: &'a Replica,
    cut: &CutTableEntry,
) -> Option<(u64, Mark, &'a [ReplicaCommit])> {
    let said = Mark {
        source_table_id: cut.source_table_id.clone(),
        source_version: cut.source_version,
        replica: path.to_owned(),
    };
    // A log that was rewritten is damage, and repaired.
    let refuted = |clone| is_refuted(replica, clone) && !was_rewritten(replica, cut);
    let Some((first, rest)) = replica.before.split_first() else {
        let refuted = refuted(cut.replica_version);
        return (!refuted).then_some((cut.replica_version, said, &[]));
    };
    match first.version.checked_sub(1) {
        // The log forgot the clone, and reaches back to this commit.
        Some(start) if first.operation != CLONE => {
            (!refuted(start)).then_some((start, said, &replica.before))
        }
        Some(_) | None => {
            let mark = clone_of_ours(path, first);
            let mark = mark.filter(|_| !refuted(first.version))?;
            // A history that shows no properties tells of an older clone's version, not of its table's id.
            let said = Some(said).filter(|said| said.source_version == mark.source_version);
            Some((first.version, said.unwrap_or(mark), rest))
        }
    }
}

fn from_first_commit(path: &str, replica: &Replica) -> Assessment {
    let marked = replica.mark.as_ref().is_some_and(|mark| mark.replica == path);
    if !marked {
        return Assessment { foreign: true, ..Assessment::default() };
    }
    let mut commits: Vec<&ReplicaCommit> = replica.commits.iter().collect();
    commits.sort_by_key(|commit| commit.version);
    match commits.first() {
        Some(first) if first.version == 0 => match clone_of_ours(path, first) {
            Some(mark) if !refuted(replica, first) => {
                let seen = follow(path, replica, 0, Some(mark), &commits[1..]);
                // Its very first version is named by no cut either.
                let unproved = seen.unproved.or(seen.holds.is_some().then_some(0));
                Assessment { unproved, ..seen }
            }
            Some(_) | None => Assessment { foreign: true, ..Assessment::default() },
        },
        Some(_) | None => from_oldest_clone(path, replica, &commits),
    }
}

/// Reads a history without its beginning, which log cleanup takes, from the oldest clone of ours in it: a clone takes the place
/// of whatever was before it, and no cut of this place tells more.
fn from_oldest_clone(path: &str, replica: &Replica, commits: &[&ReplicaCommit]) -> Assessment {
    let ours =
        |commit: &ReplicaCommit| clone_of_ours(path, commit).filter(|_| !refuted(replica, commit));
    let oldest = commits.iter().enumerate().find_map(|(at, commit)| Some((at, ours(commit)?)));
    let Some((at, mark)) = oldest else {
        return follow(path, replica, 0, None, commits);
    };
    let start = commits[at].version;
    let seen = follow(path, replica, start, Some(mark), &commits[at + 1..]);
    // It is named by no cut either.
    let unproved = seen.unproved.or(seen.holds.is_some().then_some(start));
    Assessment { unproved, ..seen }
}

/// Walks the commits after `start`, at which the replica was the clone `base`.
fn follow(
    path: &str,
    replica: &Replica,
    start: u64,
    base: Option<Mark>,
    commits: &[&ReplicaCommit],
) -> Assessment {
    let mut seen = Assessment {
        holds: base.clone(),
        ours: base.as_ref().map(|_| start),
        ..Assessment::default()
    };
    // What each version was, as long as nobody else had written: where a RESTORE may go back to.
    let mut clean = BTreeMap::from([(start, (base, None))]);
    let mut expected = start + 1;
    for commit in commits {
        if commit.version != expected {
            // The log forgets its oldest commits first: nothing before a gap can be restored.
            seen.ours = None;
            seen.theirs.push(DriftCommit {
                operation: "no longer in the log".to_owned(),
                ..drift(commit)
            });
        }
        expected = commit.version + 1;
        let ours = clone_of_ours(path, commit).filter(|_| !refuted(replica, commit));
        if let Some(mark) = ours {
            seen.holds = Some(mark);
            seen.unproved = Some(commit.version);
        } else if let Some(epoch) = commit.marked_epoch {
            // Whether there was such a change the cut log tells.
            seen.marked = Some((commit.version, epoch));
        } else if !commit.upkeep.changes() {
            seen.maintenance.push(DriftCommit {
                rows_compared: Some(commit.upkeep == Upkeep::Compared),
                ..drift(commit)
            });
        } else if let Some((mark, unproved)) =
            commit.restored_to.and_then(|version| clean.get(&version))
        {
            (seen.holds, seen.unproved) = (mark.clone(), *unproved);
            seen.theirs.clear();
        } else {
            seen.theirs.push(drift(commit));
        }
        if seen.theirs.is_empty() {
            seen.ours = Some(commit.version);
            clean.insert(commit.version, (seen.holds.clone(), seen.unproved));
        }
    }
    if expected != replica.version + 1 {
        seen.ours = None;
        seen.theirs.push(DriftCommit {
            version: replica.version,
            committed_at: commits
                .last()
                .map_or(chrono::DateTime::UNIX_EPOCH, |commit| commit.committed_at),
            operation: "no longer in the log".to_owned(),
            user: None,
            rows: None,
            rows_compared: None,
        });
    }
    seen
}

/// The mark of a commit that is a clone of ours: its mark is where it lies, and the engine cloned what the mark says.
fn clone_of_ours(path: &str, commit: &ReplicaCommit) -> Option<Mark> {
    let mark = commit.mark.as_ref()?;
    let ours = commit.operation == CLONE
        && mark.replica == path
        && commit.source_version == Some(mark.source_version);
    ours.then(|| mark.clone())
}

/// Whether a commit calls itself a clone and was found to be none.
fn refuted(replica: &Replica, commit: &ReplicaCommit) -> bool {
    is_refuted(replica, commit.version)
}

fn is_refuted(replica: &Replica, clone: u64) -> bool {
    matches!(&replica.proof, CloneProof::Refuted { version, .. } if *version == clone)
}

fn drift(commit: &ReplicaCommit) -> DriftCommit {
    DriftCommit {
        version: commit.version,
        committed_at: commit.committed_at,
        operation: commit.operation.clone(),
        user: commit.user.clone(),
        rows: commit.rows,
        rows_compared: None,
    }
}

/// How a replica stands against a step of a plan, some time after the plan was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// As it was looked at, maintenance aside; its newest version.
    AsPlanned(Option<u64>),
    /// It holds the pinned version already; its newest version.
    AlreadyCloned(u64),
    /// Another apply has brought it to another source version.
    Other(u64),
    /// Somebody else wrote to it, or it is gone; a fragment that says so.
    Changed(String),
}

/// Compares a replica with a step.
///
/// `cut` is what the newest cut says of it, and the replica has its commits since then, or since the first one.
pub fn standing_of(
    step: &Step,
    replica: Option<&Replica>,
    cut: Option<&CutTableEntry>,
) -> Standing {
    let Some(replica) = replica else {
        return match step.replica.version {
            None => Standing::AsPlanned(None),
            Some(version) => {
                Standing::Changed(format!("the replica is gone; it was at v{version}"))
            }
        };
    };
    let seen = match step.replica.version {
        None => from_first_commit(&step.replica.path, replica),
        Some(version) if replica.version < version => {
            return Standing::Changed(format!(
                "the replica is at v{}; it was at v{version}",
                replica.version
            ));
        }
        Some(version) => {
            if let Some(text) = unplanned(step, replica, cut) {
                return Standing::Changed(text);
            }
            let mut commits: Vec<&ReplicaCommit> =
                replica.commits.iter().filter(|commit| commit.version > version).collect();
            commits.sort_by_key(|commit| commit.version);
            follow(&step.replica.path, replica, version, None, &commits)
        }
    };
    if seen.foreign {
        return Standing::Changed(FOREIGN.to_owned());
    }
    if let Some(commit) = seen.theirs.first() {
        return Standing::Changed(written_by_others(commit));
    }
    if let Some((version, epoch)) = seen.marked {
        return Standing::Changed(format!(
            "v{version} marks it with epoch {epoch}: roles were changed since it was looked at"
        ));
    }
    match seen.holds {
        None => Standing::AsPlanned(Some(replica.version)),
        Some(mark)
            if mark.source_version == step.source.version
                && mark.source_table_id == step.source.table_id =>
        {
            Standing::AlreadyCloned(replica.version)
        }
        Some(mark) => Standing::Other(mark.source_version),
    }
}

const FOREIGN: &str = "a table that is no replica of it lies there";

/// What others did to a replica before the version that the plan names, and what the plan does not say that it replaces.
///
/// The version alone proves nothing: it is no part of the effect, because maintenance moves it.
fn unplanned(step: &Step, replica: &Replica, cut: Option<&CutTableEntry>) -> Option<String> {
    let ReplicaPin { path, holds_source_version, overwrites, .. } = &step.replica;
    let seen = assess(path, replica, cut);
    let replaces = step.action == Action::Update && holds_source_version.is_none();
    if seen.foreign && !replaces {
        return Some(FOREIGN.to_owned());
    }
    let mut theirs = seen.theirs.iter();
    theirs.find(|commit| !overwrites.contains(&commit.version)).map(written_by_others)
}

fn written_by_others(commit: &DriftCommit) -> String {
    let user = commit.user.as_deref().unwrap_or("someone else");
    format!(
        "{} by {user} made v{}; its rows can be read under that version",
        commit.operation, commit.version
    )
}
