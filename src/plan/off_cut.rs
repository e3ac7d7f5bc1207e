//! Why a replica does not hold what the last cut of its group says. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::DriftCommit;
use super::place::ReplicaPlace;
use super::replica::{Assessment, damage};
use crate::ledger::CutTableEntry;
use crate::region::{CloneProof, Replica};
use crate::sentence::Sentence;

/// Commits of others that are listed of one replica.
const COMMITS_LISTED: usize = 20;

/// Why a replica that can be brought to the last cut does not hold it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OffCut {
    /// Others wrote to it.
    Drift {
        /// How many commits they made.
        number: u64,
        /// The first of them, oldest first: as many as make a list that somebody reads.
        commits: Vec<DriftCommit>,
    },
    /// It holds a later version of its source: a sync of the group was at work, and its cut is not there.
    Ahead {
        /// That version.
        source_version: u64,
    },
    /// It holds an earlier version of its source.
    Behind {
        /// That version.
        source_version: u64,
    },
    /// The cut has it elsewhere.
    Elsewhere {
        /// Where.
        location: String,
    },
    /// The table came to its group after the cut.
    Joined,
    /// Its newest version cannot be read as a whole.
    Damaged {
        /// What is wrong, a fragment.
        what: Sentence,
    },
    /// It says to be the clone that the cut names, and that could not be compared.
    Unproved {
        /// What stood in the way, a fragment.
        why: Sentence,
    },
}

impl OffCut {
    /// What is known of a replica that does not hold its cut and can be brought to it; `None`: nothing is.
    pub(super) fn of(
        entry: Option<&CutTableEntry>,
        place: &ReplicaPlace<'_>,
        replica: Option<&Replica>,
        seen: Option<&Assessment>,
    ) -> Option<OffCut> {
        let Some(entry) = entry else {
            return Some(OffCut::Joined);
        };
        if entry.replica_location != place.location {
            return Some(OffCut::Elsewhere { location: entry.replica_location.clone() });
        }
        let (replica, seen) = replica.zip(seen)?;
        if !seen.theirs.is_empty() {
            let commits = seen.theirs.iter().take(COMMITS_LISTED).cloned().collect();
            return Some(OffCut::Drift { number: seen.theirs.len() as u64, commits });
        }
        let held = seen.holds.as_ref().map(|held| held.source_version);
        match held {
            Some(source_version) if source_version > entry.source_version => {
                return Some(OffCut::Ahead { source_version });
            }
            Some(source_version) if source_version < entry.source_version => {
                return Some(OffCut::Behind { source_version });
            }
            Some(_) | None => {}
        }
        if let Some(damage) = damage(replica, place.entry) {
            return Some(OffCut::Damaged { what: damage.what });
        }
        match &replica.proof {
            CloneProof::Unknown { version: _, why } => Some(OffCut::Unproved { why: why.clone() }),
            CloneProof::NotAsked | CloneProof::Proved | CloneProof::Refuted { .. } => None,
        }
    }
}
