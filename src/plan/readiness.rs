//! Whether a group could be failed over now, and what is missing, as it was last seen. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grants::GrantsSeen;
use super::job::JobSeen;
use super::needed::GoneWithPrimary;
use super::observed::WorkspaceObserved;
use super::role::Role;
use crate::region::PauseStatus;

/// Something that is missing where a group is to be failed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NotReady {
    /// It has no cut.
    NeverSynchronized,
    /// Not every replica is known to hold the cut.
    NotProtected,
    /// The secondary's workspace was not seen.
    SecondaryNotSeen,
    /// Nothing runs SQL there.
    NoCompute,
    /// Nobody looked at who may use its tables.
    RightsNotLookedAt,
    /// Rights of the primary are lacking in the secondary.
    RightsLacking {
        /// How many.
        rights: usize,
    },
    /// Of tables it could not be seen who may use them.
    RightsNotSeen {
        /// How many tables.
        tables: usize,
    },
    /// A job has none of its name in the secondary.
    JobMissing {
        /// Its name.
        job: String,
    },
    /// A job was not seen in the secondary.
    JobNotSeen {
        /// Its name.
        job: String,
    },
    /// Something that is needed on the day is gone with the primary.
    DiesWithPrimary {
        /// What.
        needed: GoneWithPrimary,
    },
    /// A job starts by itself in the secondary already.
    JobNotPaused {
        /// Its name.
        job: String,
    },
}

/// What is known of a group that bears on it.
pub(super) struct KnownReadiness<'a> {
    pub(super) synchronized: bool,
    pub(super) protected: bool,
    pub(super) jobs: &'a [JobSeen],
    pub(super) grants: Option<&'a GrantsSeen>,
    pub(super) needed: &'a [GoneWithPrimary],
}

/// What is missing of a group; `None`: no workspace stands by, which is told of all groups together.
pub(super) fn of_group(
    workspace: &WorkspaceObserved,
    known: &KnownReadiness<'_>,
) -> Option<Vec<NotReady>> {
    workspace.workspace.secondary.as_ref()?;
    let mut missing = Vec::new();
    if !known.synchronized {
        return Some(vec![NotReady::NeverSynchronized]);
    }
    if !known.protected {
        missing.push(NotReady::NotProtected);
    }
    let presence = workspace.secondary.presence.as_ref();
    if !presence.is_ok_and(|presence| presence.workspace_unseen.is_none()) {
        missing.push(NotReady::SecondaryNotSeen);
        return Some(missing);
    }
    if matches!(workspace.compute, Some(Err(_))) {
        missing.push(NotReady::NoCompute);
    }
    match known.grants {
        None if workspace.keeps_replicas_in_files() => {}
        None => missing.push(NotReady::RightsNotLookedAt),
        Some(seen) => {
            let differing = seen.differing().into_iter();
            let lacking = differing.filter(|right| right.at == Role::Primary).count();
            if lacking > 0 {
                missing.push(NotReady::RightsLacking { rights: lacking });
            }
            if !seen.unseen.is_empty() {
                missing.push(NotReady::RightsNotSeen { tables: seen.unseen.len() });
            }
        }
    }
    let needed = known.needed.iter().cloned();
    missing.extend(needed.map(|needed| NotReady::DiesWithPrimary { needed }));
    for job in known.jobs.iter().filter(|job| job.side == Role::Secondary) {
        let name = || job.name.clone();
        missing.extend(match job.pause_status {
            None => Some(NotReady::JobMissing { job: name() }),
            Some(PauseStatus::Unknown) => Some(NotReady::JobNotSeen { job: name() }),
            Some(PauseStatus::Unpaused) => Some(NotReady::JobNotPaused { job: name() }),
            Some(PauseStatus::Paused | PauseStatus::Unscheduled) => None,
        });
    }
    Some(missing)
}
