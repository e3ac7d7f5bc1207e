//! A replica's own history, read: whose each commit is, what the replica holds, how it stands to what was looked at. Pure.
//!
//! Plans, applies and both kinds of region go by this one reading: what one of them takes for maintenance no other overwrites.

use std::collections::BTreeMap;
use std::fmt;

use super::{CloneProof, Mark, Replica, ReplicaCommit};

/// The operation of a clone.
pub const CLONE: &str = "CLONE";

/// The operation of going back to another version.
const RESTORE: &str = "RESTORE";

/// What a commit of a replica is to whoever synchronizes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitKind {
    /// A clone of ours: its mark is where it lies, and the engine cloned what the mark says.
    Clone(Mark),
    /// A change of role marked it with this epoch and did nothing else.
    RoleMark(u64),
    /// It leaves every row as it is.
    Maintenance,
    /// It went back to this version.
    Restore(u64),
    /// Somebody else's.
    Foreign,
}

/// A commit of somebody else, or a place in a history where there may have been one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theirs<'a> {
    /// The commit.
    Commit(&'a ReplicaCommit),
    /// The log forgot what came before this commit.
    ForgottenBefore(&'a ReplicaCommit),
    /// The log does not tell of the newest version, the last argument; of those that it tells of the newest is this.
    ForgottenUpTo(Option<&'a ReplicaCommit>, u64),
}

/// What a history says of a replica.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading<'a> {
    /// The clone that the newest version is, maintenance aside; `None`: it is not one of ours that was read.
    pub holds: Option<Mark>,
    /// The version of that clone, where it was among the commits that were read.
    pub cloned_as: Option<u64>,
    /// The last version before anyone else wrote.
    pub ours: Option<u64>,
    /// Commits by others, oldest first.
    pub theirs: Vec<Theirs<'a>>,
    /// Maintenance.
    pub maintenance: Vec<&'a ReplicaCommit>,
    /// The newest mark of a change of role, and its epoch.
    pub marked: Option<(u64, u64)>,
}

impl Replica {
    /// What one of its commits is, the replica lying at `path`.
    pub fn kind_of(&self, path: &str, commit: &ReplicaCommit) -> CommitKind {
        if let Some(mark) = commit.clone_mark(path).filter(|_| !self.refutes(commit.version)) {
            return CommitKind::Clone(mark.clone());
        }
        match (commit.marked_epoch, commit.restored_to) {
            // The property alone counts here: whether there was such a change of role is for the cut log to tell.
            (Some(epoch), _) => CommitKind::RoleMark(epoch),
            (None, _) if !commit.upkeep.changes() => CommitKind::Maintenance,
            (None, Some(version)) => CommitKind::Restore(version),
            (None, None) => CommitKind::Foreign,
        }
    }

    /// Whether one of its commits wrote what no version before it held: whoever brings it back to one of those takes that away.
    pub fn is_new_work(&self, path: &str, commit: &ReplicaCommit) -> bool {
        match self.kind_of(path, commit) {
            CommitKind::RoleMark(_) | CommitKind::Maintenance | CommitKind::Restore(_) => false,
            // One of which files were gone brought that version back in part, and nothing else.
            CommitKind::Foreign => commit.operation != RESTORE,
            CommitKind::Clone(_) => true,
        }
    }

    /// Whether a version that calls itself a clone was found to be none.
    pub fn refutes(&self, clone: u64) -> bool {
        matches!(&self.proof, CloneProof::Refuted { version, .. } if *version == clone)
    }

    /// Reads its commits after `start`, at which it was the clone `base`.
    pub fn read_from<'a>(
        &self,
        path: &str,
        start: u64,
        base: Option<Mark>,
        commits: &[&'a ReplicaCommit],
    ) -> Reading<'a> {
        let mut read = Reading {
            holds: base.clone(),
            ours: base.as_ref().map(|_| start),
            ..Reading::default()
        };
        // What each version was, as long as nobody else had written: where a RESTORE may go back to.
        let mut clean = BTreeMap::from([(start, (base, None))]);
        let mut expected = start + 1;
        for commit in commits.iter().copied() {
            if commit.version != expected {
                // The log forgets its oldest commits first: nothing before a gap can be restored.
                read.ours = None;
                read.theirs.push(Theirs::ForgottenBefore(commit));
            }
            expected = commit.version + 1;
            match self.kind_of(path, commit) {
                CommitKind::Clone(mark) => {
                    (read.holds, read.cloned_as) = (Some(mark), Some(commit.version));
                }
                CommitKind::RoleMark(epoch) => read.marked = Some((commit.version, epoch)),
                CommitKind::Maintenance => read.maintenance.push(commit),
                CommitKind::Restore(version) => match clean.get(&version) {
                    Some((mark, cloned_as)) => {
                        (read.holds, read.cloned_as) = (mark.clone(), *cloned_as);
                        read.theirs.clear();
                    }
                    None => read.theirs.push(Theirs::Commit(commit)),
                },
                CommitKind::Foreign => read.theirs.push(Theirs::Commit(commit)),
            }
            if read.theirs.is_empty() {
                read.ours = Some(commit.version);
                clean.insert(commit.version, (read.holds.clone(), read.cloned_as));
            }
        }
        if expected != self.version + 1 {
            read.ours = None;
            read.theirs.push(Theirs::ForgottenUpTo(commits.last().copied(), self.version));
        }
        read
    }

    /// Reads its whole history: from its first commit, or from the oldest clone of ours where the log lost its beginning;
    /// `None`: it never was a replica of ours.
    pub fn read_whole(&self, path: &str) -> Option<Reading<'_>> {
        self.mark.as_ref().filter(|mark| mark.replica == path)?;
        let mut commits: Vec<&ReplicaCommit> = self.commits.iter().collect();
        commits.sort_by_key(|commit| commit.version);
        let clone = |commit: &ReplicaCommit| match self.kind_of(path, commit) {
            CommitKind::Clone(mark) => Some(mark),
            CommitKind::RoleMark(_)
            | CommitKind::Maintenance
            | CommitKind::Restore(_)
            | CommitKind::Foreign => None,
        };
        let begins = commits.first().is_some_and(|first| first.version == 0);
        // A clone replaces all that was there before it: no cut tells of more at this place, so that reading may begin with the
        // oldest clone.
        let oldest = commits.iter().enumerate().find_map(|(at, commit)| Some((at, clone(commit)?)));
        match oldest {
            Some((at, _)) if begins && at > 0 => None,
            None if begins => None,
            None => Some(self.read_from(path, 0, None, &commits)),
            Some((at, mark)) => {
                let start = commits[at].version;
                let read = self.read_from(path, start, Some(mark), &commits[at + 1..]);
                // Without a clone since then, no cut names anything else that it could hold.
                let cloned_as = read.cloned_as.or(read.holds.is_some().then_some(start));
                Some(Reading { cloned_as, ..read })
            }
        }
    }
}

impl ReplicaCommit {
    /// The mark of a commit that is a clone of ours by what it says: one that lies where its mark is, of the version that the
    /// engine cloned.
    pub fn clone_mark(&self, path: &str) -> Option<&Mark> {
        let mark = self.mark.as_ref()?;
        let ours = self.operation == CLONE
            && mark.replica == path
            && self.source_version == Some(mark.source_version);
        ours.then_some(mark)
    }
}

/// A replica as it was looked at, and the clone that is to be made of it.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedReplica<'a> {
    /// Its path under the sync location.
    pub path: &'a str,
    /// Its newest version then; `None`: there was no table.
    pub version: Option<u64>,
    /// The mark of the clone; `None`: none is ordered that could be known again.
    pub mark: Option<&'a Mark>,
}

/// How a replica stands to a clone that is to be made, some time after it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplicaStanding {
    /// As it was looked at, maintenance aside; its newest version.
    AsLookedAt(Option<u64>),
    /// It holds the clone already.
    Cloned {
        /// The version that the clone made.
        version: u64,
        /// The newest version, maintenance since then being all.
        newest: u64,
    },
    /// Another apply brought it to this version of its source.
    Other(u64),
    /// It is something else; why.
    Changed(ReplicaConflict),
}

impl ReplicaStanding {
    /// Why the clone must not be made, a fragment; `None`: it may be, or was.
    pub fn conflict(&self) -> Option<String> {
        match self {
            ReplicaStanding::AsLookedAt(_) | ReplicaStanding::Cloned { .. } => None,
            ReplicaStanding::Other(version) => {
                Some(format!("another apply has brought the replica to v{version} of its source"))
            }
            ReplicaStanding::Changed(change) => Some(change.to_string()),
        }
    }
}

/// Why a replica is not what was looked at. Its `Display` is a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplicaConflict {
    /// It was at this version, and is gone.
    Gone(u64),
    /// It has fewer versions than it had.
    Older {
        /// Its newest version now.
        now: u64,
        /// Its newest version then.
        then: u64,
    },
    /// A table that is no replica of ours.
    NotOurs,
    /// Somebody else wrote to it.
    Written {
        /// The version that was made.
        version: u64,
        /// By which operation.
        operation: String,
        /// By whom, where that is told.
        user: Option<String>,
    },
    /// The log does not tell how it became this version.
    Forgotten(u64),
    /// A change of role marked it.
    RoleMarked {
        /// The version that the mark made.
        version: u64,
        /// The epoch.
        epoch: u64,
    },
}

impl ReplicaConflict {
    /// What others did.
    pub fn by(theirs: Theirs<'_>) -> ReplicaConflict {
        match theirs {
            Theirs::Commit(commit) => ReplicaConflict::Written {
                version: commit.version,
                operation: commit.operation.clone(),
                user: commit.user.clone(),
            },
            Theirs::ForgottenBefore(commit) => ReplicaConflict::Forgotten(commit.version),
            Theirs::ForgottenUpTo(_, version) => ReplicaConflict::Forgotten(version),
        }
    }
}

impl fmt::Display for ReplicaConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplicaConflict::Gone(version) => {
                write!(f, "the replica is gone; it was at v{version}")
            }
            ReplicaConflict::Older { now, then } => {
                write!(f, "the replica is at v{now}; it was at v{then}")
            }
            ReplicaConflict::NotOurs => f.write_str("a table that is no replica of it lies there"),
            ReplicaConflict::Written { version, operation, user } => {
                let user = user.as_deref().unwrap_or("someone else");
                write!(
                    f,
                    "{operation} by {user} made v{version}; its rows can be read under that version"
                )
            }
            ReplicaConflict::Forgotten(version) => {
                write!(f, "its log no longer tells how v{version} came about")
            }
            ReplicaConflict::RoleMarked { version, epoch } => write!(
                f,
                "v{version} marks it with epoch {epoch}: roles were changed since it was looked at"
            ),
        }
    }
}

/// Compares a replica with what was looked at. It has its commits since then, or since its first one.
pub fn standing(replica: Option<&Replica>, expected: ExpectedReplica<'_>) -> ReplicaStanding {
    let Some(replica) = replica else {
        return match expected.version {
            None => ReplicaStanding::AsLookedAt(None),
            Some(version) => ReplicaStanding::Changed(ReplicaConflict::Gone(version)),
        };
    };
    let read = match expected.version {
        None => match replica.read_whole(expected.path) {
            Some(read) => read,
            None => return ReplicaStanding::Changed(ReplicaConflict::NotOurs),
        },
        Some(then) if replica.version < then => {
            return ReplicaStanding::Changed(ReplicaConflict::Older { now: replica.version, then });
        }
        Some(then) => {
            let since = replica.commits.iter().filter(|commit| commit.version > then);
            let mut since: Vec<&ReplicaCommit> = since.collect();
            since.sort_by_key(|commit| commit.version);
            replica.read_from(expected.path, then, None, &since)
        }
    };
    if let Some(theirs) = read.theirs.first() {
        return ReplicaStanding::Changed(ReplicaConflict::by(*theirs));
    }
    if let Some((version, epoch)) = read.marked {
        return ReplicaStanding::Changed(ReplicaConflict::RoleMarked { version, epoch });
    }
    match read.holds.zip(read.cloned_as) {
        None => ReplicaStanding::AsLookedAt(Some(replica.version)),
        // Its properties name another mark than its history: somebody changed them by hand.
        Some((held, _)) if replica.mark.as_ref() != Some(&held) => {
            ReplicaStanding::Changed(ReplicaConflict::NotOurs)
        }
        Some((held, version)) if Some(&held) == expected.mark => {
            ReplicaStanding::Cloned { version, newest: replica.version }
        }
        Some((held, _)) => ReplicaStanding::Other(held.source_version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{LookDepth, Upkeep};

    fn commit(operation: &str) -> ReplicaCommit {
        ReplicaCommit {
            version: 7,
            committed_at: chrono::DateTime::UNIX_EPOCH,
            operation: operation.to_owned(),
            user: None,
            source_version: None,
            source_size: None,
            mark: None,
            restored_to: None,
            marked_epoch: None,
            rows: None,
            upkeep: Upkeep::Changes,
        }
    }

    #[test]
    fn what_a_runbook_does_to_a_replica_is_no_new_work() {
        let replica = Replica {
            version: 7,
            mark: None,
            epoch: None,
            column_mapping: "none".to_owned(),
            rows: None,
            damaged: None,
            read_around: None,
            since_damaged: None,
            since_files: None,
            depth: LookDepth::History,
            content: None,
            proof: CloneProof::NotAsked,
            before: Vec::new(),
            commits: Vec::new(),
        };
        for (commit, expected) in [
            (ReplicaCommit { restored_to: Some(3), ..commit(RESTORE) }, false),
            (commit(RESTORE), false),
            (ReplicaCommit { marked_epoch: Some(1), ..commit("SET TBLPROPERTIES") }, false),
            (ReplicaCommit { upkeep: Upkeep::Compared, ..commit("OPTIMIZE") }, false),
            (commit("SET TBLPROPERTIES"), true),
            (commit("WRITE"), true),
            (commit(CLONE), true),
        ] {
            assert_eq!(replica.is_new_work("main/shop/orders", &commit), expected, "{commit:?}");
        }
    }
}
