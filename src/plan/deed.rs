//! What people are to do where nothing is to be run, granted or let through: data, and the words in which it is told. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::command::{Command, Verb};
use crate::ledger::{FOLDER, SYNC_CUTS};
use crate::sentence::Sentence;

/// Something for people to do, and what it is done to where that is not what the finding is of.
///
/// By this remedies are compared: its words may be others, and nothing else changes with them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Deed {
    /// Correct a place of the configuration.
    CorrectConfiguration {
        /// The file, as the user named it.
        file: String,
        /// Line in the file, from 1.
        line: usize,
        /// JSON path in it.
        path: String,
        /// Which of the mistakes at that place, from 1.
        number: usize,
    },
    /// Keep the table in one group.
    NameTableOnce,
    /// Name the workflow by its id.
    NameWorkflowById,
    /// Correct the workflow's name, or create the job.
    CorrectWorkflow,
    /// Stop the run in the secondary, and pause its job.
    StopRunInSecondary,
    /// Put the newer copy of the cut log back.
    PutCutLogBack,
    /// The same where it lacks a change of role, so that nothing else may be touched before.
    PutChangeOfRoleBack,
    /// Sign in as somebody whom the region knows.
    SignIn,
    /// Give whoever asks the right that is missing.
    GiveRight,
    /// Look what answers in the region's place, or repair what it names.
    RepairAnswer,
    /// Let the principal see the job.
    ShowJob,
    /// Plan again when the region answers.
    PlanWhenItAnswers,
    /// Nothing: an apply does what is due when the region answers.
    WaitForApply,
    /// Move a metadata table away, so that it is cloned from the other region.
    MoveLedgerTable {
        /// Where it lies.
        location: String,
        /// The other region has to answer first.
        when_other_answers: bool,
    },
    /// Put a metadata table back from a backup.
    RestoreLedgerTable {
        /// Where it lies.
        location: String,
    },
    /// Add a place to the external locations of the primary's catalog.
    AddExternalLocation {
        /// The place.
        location: String,
    },
    /// Give every configuration sync locations of its own.
    SeparateLocations,
    /// Delete a row that is no cut of drsync.
    DeleteRow {
        /// Where the cut log lies.
        location: String,
    },
    /// Delete cuts from one on whose number drsync cannot have given.
    DeleteCuts {
        /// The newest of them.
        cut: u64,
    },
    /// Bring two copies of the cut log together that part.
    ReconcileCutLogs,
    /// Delete the row of a change of role that does not hold.
    DeleteRoleRow,
    /// Give the secondary a former name again, if it was one; else delete the row.
    NameSecondaryOrDeleteRoleRow {
        /// The name.
        name: String,
    },
    /// Give the secondary a former name again.
    NameSecondary {
        /// The name.
        name: String,
    },
    /// Leave the group as it is while another side is active.
    LeaveToActive {
        /// The side.
        side: String,
    },
    /// Leave the table as it is; it comes home with the group that the cut log has it in.
    ComeBack {
        /// That group.
        group: String,
    },
    /// Upgrade drsync wherever it works with the sync location.
    Upgrade,
    /// List the table among those that are left out.
    LeaveTableOut,
    /// Correct the table's name, or create the table.
    CorrectTable,
    /// Rename the part of the table's name that is too long, or leave the table out.
    ShortenTable,
    /// Correct the secondary's sync location, or where the table lies.
    CorrectLocation,
    /// Repair a file of the source, or leave the table out.
    RepairSource,
    /// Move away what lies where a replica is to be.
    ClearPlace {
        /// Where.
        location: String,
    },
    /// Let whoever runs drsync read a replica.
    LetRead {
        /// Where it lies.
        location: String,
    },
    /// Move a replica away.
    MoveReplica {
        /// Where it lies.
        location: String,
    },
    /// Repair a replica, or move it away.
    RepairReplica {
        /// Where it lies.
        location: String,
    },
    /// Nothing: the next commit to the table heals it.
    WaitForCommit,
    /// Nothing: a new table is synchronized at the next recovery point.
    WaitForRecoveryPoint,
}

/// Something for people to do, and the words in which they are told of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Advice {
    /// What; `None`: of a document that did not tell it.
    pub deed: Option<Deed>,
    /// The words.
    pub words: Sentence,
}

impl From<Deed> for Advice {
    fn from(deed: Deed) -> Advice {
        Advice { words: deed.describe_deed(), deed: Some(deed) }
    }
}

impl Deed {
    /// What is said of it, a sentence without a full stop.
    pub fn describe_deed(&self) -> Sentence {
        const DIVERGED: &str = "docs/planning.md#ledger_diverged";
        match self {
            Deed::CorrectConfiguration { file, line, path, number: _ } => {
                format!("correct {path} in line {line} of {file}").into()
            }
            Deed::NameTableOnce => "name the table in one group only".into(),
            Deed::NameWorkflowById => "name it by its id: \"id:<job id>\"".into(),
            Deed::CorrectWorkflow => {
                "correct the workflow's name in the configuration, or create the job".into()
            }
            Deed::StopRunInSecondary => {
                "stop the run there, and pause the job as long as the secondary is passive".into()
            }
            Deed::PutCutLogBack => {
                format!(
                    "put the newer copy of {FOLDER}/{SYNC_CUTS} back in either region; where there is none, go on without the lost cuts"
                )
                .into()
            }
            Deed::PutChangeOfRoleBack => {
                format!(
                    "put the newer copy of {FOLDER}/{SYNC_CUTS} back in either region, and touch no replica before: the other side may be active; docs/bad-day.md#when-the-log-was-put-back"
                )
                .into()
            }
            Deed::SignIn => "sign in with a credential that is valid, then plan again".into(),
            Deed::GiveRight => "give whoever asks the right that is missing, then plan again".into(),
            Deed::RepairAnswer => {
                "look what answers in the region's place, or repair what it names, then plan again".into()
            }
            Deed::ShowJob => {
                "let the principal see the job (CAN VIEW on Databricks), then plan again".into()
            }
            Deed::PlanWhenItAnswers => "plan again when it answers".into(),
            Deed::WaitForApply => {
                "nothing to repair by hand here: the next apply synchronizes what is due".into()
            }
            Deed::MoveLedgerTable { location, when_other_answers: false } => {
                format!(
                    "move {location} away: the next apply clones it from the other region"
                )
                .into()
            }
            Deed::MoveLedgerTable { location, when_other_answers: true } => {
                format!(
                    "once the other region answers, move {location} away: the next apply clones it from there"
                )
                .into()
            }
            Deed::RestoreLedgerTable { location } => {
                format!(
                    "put {location} back from a backup: the other region's cannot be read either"
                )
                .into()
            }
            Deed::AddExternalLocation { location } => {
                format!(
                    "add {location} to the external locations of the primary's catalog"
                )
                .into()
            }
            Deed::SeparateLocations => "give every configuration sync locations of its own".into(),
            Deed::DeleteRow { location } => {
                format!(
                    "delete that row from {location} with any Delta writer; {DIVERGED}"
                )
                .into()
            }
            Deed::DeleteCuts { cut } => {
                format!(
                    "delete cut {cut}, and whatever stands before it that drsync did not make, from {FOLDER}/{SYNC_CUTS} in both regions with any Delta writer; {DIVERGED}"
                )
                .into()
            }
            Deed::ReconcileCutLogs => DIVERGED.into(),
            Deed::DeleteRoleRow => {
                format!(
                    "find out who is active, then delete the wrong row from {FOLDER}/{SYNC_CUTS} in both regions with any Delta writer; {DIVERGED}"
                )
                .into()
            }
            Deed::NameSecondaryOrDeleteRoleRow { name } => {
                format!(
                    "if the secondary was ever called {name}, give it that name again (secondary_workspace_name); else {}",
                    Deed::DeleteRoleRow.describe_deed()
                )
                .into()
            }
            Deed::NameSecondary { name } => {
                format!(
                    "give the secondary the name {name} again (secondary_workspace_name), and delete nothing: the row is the fence"
                )
                .into()
            }
            Deed::LeaveToActive { side } => {
                format!(
                    "leave it as it is while {side} is active; to come back, follow docs/bad-day.md#coming-back"
                )
                .into()
            }
            Deed::ComeBack { group } => {
                format!(
                    "leave it as it is; to come back, bring {group} home under that name: {}, docs/bad-day.md#coming-back",
                    Command::new(Verb::Runbook).word("--come-back").word(group)
                )
                .into()
            }
            Deed::Upgrade => "upgrade drsync wherever it works with this sync location".into(),
            Deed::LeaveTableOut => "list it under unprotected_tables with a reason".into(),
            Deed::CorrectTable => {
                "correct the table's name in the configuration, or create the table".into()
            }
            Deed::ShortenTable => {
                "rename the part of the table's name that is too long, or list it under unprotected_tables with a reason".into()
            }
            Deed::CorrectLocation => {
                "correct sync_location_secondary, or the table's location in the catalog".into()
            }
            Deed::RepairSource => {
                "repair the file that is named, from a backup of the table, or list the table under unprotected_tables with a reason".into()
            }
            Deed::ClearPlace { location } => {
                format!("move away what lies at {location}").into()
            }
            Deed::LetRead { location } => {
                format!(
                    "give whoever runs drsync the right to read what is named at {location}"
                )
                .into()
            }
            Deed::MoveReplica { location } => {
                format!("move {location} away: it is cloned again").into()
            }
            Deed::RepairReplica { location } => {
                format!("repair what is named, or move {location} away: it is cloned again")
                    .into()
            }
            Deed::WaitForCommit => {
                "nothing to do by hand: the next commit to the table heals it, at the recovery point after it".into()
            }
            Deed::WaitForRecoveryPoint => {
                "nothing to do by hand if the table is new: it is synchronized at the next recovery point".into()
            }
        }
    }
}
