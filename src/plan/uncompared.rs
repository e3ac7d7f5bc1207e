//! That there was nothing to compare settings with, and what tells that groups were protected before all the same. Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures::minute;
use crate::moment;
use crate::text::plural;

/// Settings of a workspace that were compared with nothing: whatever of them is weaker than before, nobody is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotCompared {
    /// Why.
    pub why: NotComparedWhy,
    /// Where settings were looked for: both sync locations, or the configuration that was given.
    pub looked_in: Vec<String>,
    /// What tells that groups were protected before; empty: nothing does, as before a first apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<ProtectedBefore>,
}

/// Why settings were compared with nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotComparedWhy {
    /// No record of an apply is there.
    NoRecord,
    /// Records are there, and none that counts tells settings of the workspace.
    NoneTells,
    /// Records could not be read.
    NotSeen,
    /// The configuration that was given has no such workspace.
    NotInBase,
}

/// What tells that groups were protected before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProtectedBefore {
    /// Run records are there, and none counts.
    Records {
        /// How many were read.
        records: usize,
        /// Signatures are asked for, and no key that is has signed one.
        unsigned: bool,
    },
    /// The cut log has cuts.
    Cuts {
        /// Of so many groups.
        groups: usize,
    },
    /// Replicas carry the mark of drsync where they would lie.
    Replicas {
        /// So many.
        tables: usize,
    },
    /// An apply from this folder was recorded here, and its sync locations were others.
    KeptHere {
        /// The apply.
        run_id: String,
        /// When it ended.
        #[serde(with = "moment::Moment")]
        ended_at: DateTime<Utc>,
        /// Where its replicas lie; absent: the record does not tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replicas: Option<String>,
    },
    /// Workspaces of the configuration that was given, none of which this one has.
    OtherWorkspaces {
        /// Their labels.
        workspaces: Vec<String>,
    },
}

impl NotCompared {
    /// Whether it is told aloud: groups were protected before, and what they lose is hidden; or what changes was asked for, and a
    /// configuration of which both sync locations are others now looks like the first of a new estate.
    pub fn hides(&self, asked_for_changes: bool) -> bool {
        let looked_for_a_record = match self.why {
            NotComparedWhy::NoRecord | NotComparedWhy::NoneTells | NotComparedWhy::NotSeen => true,
            NotComparedWhy::NotInBase => false,
        };
        !self.signs.is_empty() || asked_for_changes && looked_for_a_record
    }

    /// `no record of an apply is found at A or B`.
    pub(crate) fn describe(&self) -> String {
        let places = self.looked_in.join(" or ");
        match self.why {
            NotComparedWhy::NoRecord => format!("no record of an apply is found at {places}"),
            NotComparedWhy::NoneTells => format!("no record at {places} counts"),
            NotComparedWhy::NotSeen => format!("no record of an apply could be read at {places}"),
            NotComparedWhy::NotInBase => format!("{places} has no such workspace"),
        }
    }

    /// The same with what tells that there was something once, and what to do.
    pub(super) fn warned(&self) -> String {
        let signs: Vec<String> = self.signs.iter().map(ProtectedBefore::describe).collect();
        let signs = match signs.as_slice() {
            [] => {
                ", as before a first apply, or where both sync locations are others now".to_owned()
            }
            signs => format!(", and {}", signs.join(", and ")),
        };
        let compare = match self.why {
            NotComparedWhy::NotInBase => "give the file whose workspace it is",
            NotComparedWhy::NoRecord | NotComparedWhy::NoneTells | NotComparedWhy::NotSeen => {
                "--base FILE compares with the configuration of before"
            }
        };
        let kept_here = self.signs.iter().any(|it| matches!(it, ProtectedBefore::KeptHere { .. }));
        // Such an apply compares with what its machine keeps.
        let told = match (self.why, kept_here) {
            (NotComparedWhy::NoRecord, true) => "by an apply from here alone",
            (NotComparedWhy::NoRecord | NotComparedWhy::NoneTells, _)
            | (NotComparedWhy::NotSeen | NotComparedWhy::NotInBase, _) => "nowhere",
        };
        format!(
            "nothing to compare settings with: {}{signs}; what protects less now is told {told}: {compare}",
            self.describe(),
        )
    }
}

impl ProtectedBefore {
    fn describe(&self) -> String {
        match self {
            ProtectedBefore::Records { records, unsigned: true } => format!(
                "{} there without a signature that is asked for",
                plural_is(*records, "record")
            ),
            ProtectedBefore::Records { records, unsigned: false } => {
                format!("{} there that tell no settings of it", plural_is(*records, "record"))
            }
            ProtectedBefore::Cuts { groups } => {
                format!("the cut log there has cuts of {}", plural(*groups, "group"))
            }
            ProtectedBefore::Replicas { tables } => {
                format!("{} there that drsync made", plural_is(*tables, "replica"))
            }
            ProtectedBefore::KeptHere { run_id, ended_at, replicas } => {
                let place = replicas.as_ref().map_or(String::new(), |at| format!(" to {at}"));
                format!("apply {run_id} from here{place} is on record ({})", minute(*ended_at))
            }
            ProtectedBefore::OtherWorkspaces { workspaces } => format!(
                "it has {} that this configuration has not: {}",
                plural(workspaces.len(), "workspace"),
                workspaces.join(", ")
            ),
        }
    }
}

fn plural_is(number: usize, noun: &str) -> String {
    let is = if number == 1 { "is" } else { "are" };
    format!("{} {is}", plural(number, noun))
}
