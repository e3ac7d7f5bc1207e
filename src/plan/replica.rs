//! What a replica holds, and who wrote to it: read from its own history, never believed from the ledger. Pure.

use super::document::{Action, DriftCommit, ReplicaPin, Step};
use crate::ledger::CutTableEntry;
use crate::region::{
    CLONE, ExpectedReplica, LookDepth, Mark, Reading, Replica, ReplicaCommit, ReplicaConflict,
    ReplicaStanding, Theirs, UnprovedClone, Upkeep, standing,
};
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
    if let Some(what) = replica.damaged.as_ref().or(replica.read_around.as_ref()) {
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
pub(super) struct UnvouchedClone {
    pub(super) clone: UnprovedClone,
    pub(super) source_version: u64,
}

/// The clone of a replica that is to be compared with its source.
///
/// A cut vouches by its digests, as far as it is believed; a full look at files believes none.
pub(super) fn unproved_clone(
    path: &str,
    replica: &Replica,
    cut: Option<&CutTableEntry>,
    full: bool,
) -> Option<UnvouchedClone> {
    let seen = assess(path, replica, cut);
    let told = |(version, mark): (u64, Mark), named| UnvouchedClone {
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
pub(super) fn is_drifted(path: &str, replica: &Replica, cut: Option<&CutTableEntry>) -> bool {
    !assess(path, replica, cut).theirs.is_empty()
}

/// Whether a replica tells of what the log that it is looked at by does not: of a later epoch than `epoch`, of a clone that no cut
/// names, or of what somebody else did.
pub(super) fn is_ahead_of_its_log(
    path: &str,
    replica: &Replica,
    cut: Option<&CutTableEntry>,
    epoch: u64,
) -> bool {
    let Assessment { holds: _, ours: _, theirs, maintenance: _, marked: _, foreign, unproved } =
        assess(path, replica, cut);
    replica.epoch > Some(epoch) || foreign || !theirs.is_empty() || unproved.is_some()
}

/// Reads a replica's history from what the newest cut that names it says, or from its first commit.
pub(super) fn assess(path: &str, replica: &Replica, cut: Option<&CutTableEntry>) -> Assessment {
    match cut {
        Some(cut) if replica.version >= cut.replica_version => from_cut(path, replica, cut),
        // Fewer versions than the cut names: it was removed and made again, by us or by someone else.
        Some(_) | None => replica.read_whole(path).map_or_else(Assessment::foreign, Assessment::of),
    }
}

fn from_cut(path: &str, replica: &Replica, cut: &CutTableEntry) -> Assessment {
    let Some((start, base, before)) = named_clone(path, replica, cut) else {
        return Assessment::foreign();
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
            Some(_) | None => Assessment::foreign(),
        };
    }
    let mut seen = Assessment::of(replica.read_from(path, start, Some(base), &commits));
    seen.maintenance.retain(|commit| commit.version > cut.replica_version);
    // Nothing but maintenance since, yet not the clone that the cut names: another table was put there.
    if seen.theirs.is_empty() && seen.holds != replica.mark { Assessment::foreign() } else { seen }
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
    let refuted = |clone| replica.refutes(clone) && !was_rewritten(replica, cut);
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
            let mark = first.clone_mark(path).filter(|_| !refuted(first.version))?.clone();
            // A history without properties tells the version of an older clone, but not the id of its table.
            let said = Some(said).filter(|said| said.source_version == mark.source_version);
            Some((first.version, said.unwrap_or(mark), rest))
        }
    }
}

impl Assessment {
    fn foreign() -> Assessment {
        Assessment { foreign: true, ..Assessment::default() }
    }

    fn of(read: Reading<'_>) -> Assessment {
        let Reading { holds, cloned_as, ours, theirs, maintenance, marked } = read;
        let kept = |commit: &ReplicaCommit| DriftCommit {
            rows_compared: Some(commit.upkeep == Upkeep::Compared),
            ..drift(commit)
        };
        Assessment {
            holds,
            ours,
            theirs: theirs.into_iter().map(written).collect(),
            maintenance: maintenance.into_iter().map(kept).collect(),
            marked,
            foreign: false,
            unproved: cloned_as,
        }
    }
}

/// What stands in a document for a commit of others, or for what the log no longer tells.
fn written(theirs: Theirs<'_>) -> DriftCommit {
    const FORGOTTEN: &str = "no longer in the log";
    match theirs {
        Theirs::Commit(commit) => drift(commit),
        Theirs::ForgottenBefore(commit) => {
            DriftCommit { operation: FORGOTTEN.to_owned(), ..drift(commit) }
        }
        Theirs::ForgottenUpTo(newest, version) => DriftCommit {
            version,
            committed_at: newest.map_or(chrono::DateTime::UNIX_EPOCH, |commit| commit.committed_at),
            operation: FORGOTTEN.to_owned(),
            user: None,
            rows: None,
            rows_compared: None,
        },
    }
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

/// Compares a replica with a step.
///
/// `cut` is what the newest cut says of it, and the replica has its commits since then, or since the first one.
pub fn standing_of(
    step: &Step,
    replica: Option<&Replica>,
    cut: Option<&CutTableEntry>,
) -> ReplicaStanding {
    let looked_at = step.replica.version;
    if let Some((replica, version)) = replica.zip(looked_at)
        && replica.version >= version
        && let Some(change) = unplanned(step, replica, cut)
    {
        return ReplicaStanding::Changed(change);
    }
    let mark = Mark {
        source_table_id: step.source.table_id.clone(),
        source_version: step.source.version,
        replica: step.replica.path.clone(),
    };
    let expected =
        ExpectedReplica { path: &step.replica.path, version: looked_at, mark: Some(&mark) };
    standing(replica, expected)
}

/// What others did to a replica before the version that the plan names, and what the plan does not say that it replaces.
///
/// The version alone proves nothing: it is no part of the effect, because maintenance moves it.
fn unplanned(
    step: &Step,
    replica: &Replica,
    cut: Option<&CutTableEntry>,
) -> Option<ReplicaConflict> {
    let ReplicaPin { path, holds_source_version, overwrites, .. } = &step.replica;
    let seen = assess(path, replica, cut);
    let replaces = step.action == Action::Update && holds_source_version.is_none();
    if seen.foreign && !replaces {
        return Some(ReplicaConflict::NotOurs);
    }
    let mut theirs = seen.theirs.into_iter();
    let commit = theirs.find(|commit| !overwrites.contains(&commit.version))?;
    let DriftCommit { version, operation, user, .. } = commit;
    Some(ReplicaConflict::Written { version, operation, user })
}
