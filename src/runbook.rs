//! What people need who make the other side active by hand: made from the cut log and the newest run record, and nothing else.
//!
//! Pure: what it says can be said with the primary gone, and by whoever has the log alone.

mod python;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::config::{Configuration, Sides, WorkspaceAddress, WorkspaceConfig};
use crate::ledger::{Cut, Cuts, FOLDER, Roles, Row, SYNC_CUTS};
use crate::plan::document::WorkspacePlan;
use crate::plan::{GrantsSeen, JobSeen, LossReceipt};
use crate::record::{GroupRecord, LossesTold, RunRecord};
use crate::region::RUNBOOK_ENDING;
use crate::sentence::Sentence;
use crate::sql::Relation;
use steps::{only_fence, steps_of_group};

/// In what the steps are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// SQL for a workspace's editor.
    Sql,
    /// Python with deltalake, for a lakehouse.
    Python,
}

impl Language {
    /// As a fence of Markdown names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Language::Sql => "sql",
            Language::Python => "python",
        }
    }
}

/// Where a workspace's groups are brought over, and who decides that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunbookSubject {
    /// The labels of both sides.
    pub sides: Sides,
    /// The address of the other side's workspace, where one is configured.
    pub address: Option<String>,
    /// The other side's sync location.
    pub location: String,
    /// In what the steps are written.
    pub language: Language,
    /// When it is to be done.
    pub when: Option<String>,
    /// Who decides.
    pub approvers: Vec<String>,
}

impl RunbookSubject {
    /// As a configuration says.
    pub fn of(workspace: &WorkspaceConfig) -> RunbookSubject {
        RunbookSubject {
            sides: workspace.sides(),
            address: workspace.connection.secondary_workspace.clone(),
            location: workspace.location_secondary.to_string(),
            language: match workspace.address {
                WorkspaceAddress::Databricks(_) => Language::Sql,
                WorkspaceAddress::Lakehouse(_) => Language::Python,
            },
            when: workspace.failover_when.clone(),
            approvers: workspace.failover_approvers.clone(),
        }
    }

    /// Those of a configuration, by workspace.
    pub fn all(configuration: &Configuration) -> BTreeMap<String, RunbookSubject> {
        let workspaces = configuration.workspaces.iter();
        workspaces
            .map(|workspace| (workspace.name.clone(), RunbookSubject::of(workspace)))
            .collect()
    }

    /// As a plan says that is applied without a configuration: nothing of who decides.
    pub fn of_plan(plan: &WorkspacePlan) -> RunbookSubject {
        let connection = &plan.connection;
        let address = plan.observed.primary.workspace.as_deref().unwrap_or_default();
        RunbookSubject {
            sides: plan.sides(),
            address: connection.secondary_workspace.clone(),
            location: plan.observed.secondary.location.clone(),
            language: if address.starts_with("http://") || address.starts_with("https://") {
                Language::Sql
            } else {
                Language::Python
            },
            when: None,
            approvers: Vec::new(),
        }
    }

    /// Whether Delta promises one winner among the writers of one workspace alone.
    pub fn is_s3(&self) -> bool {
        ["s3://", "s3a://"].iter().any(|scheme| self.location.starts_with(scheme))
    }

    /// Where its cut log lies.
    pub fn log_folder(&self) -> String {
        format!("{}/{FOLDER}/{SYNC_CUTS}", self.location.trim_end_matches('/'))
    }

    fn log(&self) -> Relation {
        Relation::Path(self.log_folder())
    }
}

/// What a runbook is made from.
#[derive(Debug, Clone, Copy)]
pub struct RunbookInput<'a> {
    /// Where.
    pub place: &'a RunbookSubject,
    /// The cut log of the other side.
    pub cuts: &'a Cuts,
    /// The rows of the metadata table beside it, for the names of workflows.
    pub rows: &'a BTreeMap<String, Row>,
    /// The newest run record there, where there is one.
    pub record: Option<&'a RunRecord>,
    /// What of the log was read around, a fragment: other readers stumble over it.
    pub read_around: Option<&'a Sentence>,
    /// What the replicas and the run records there tell beside the log.
    pub looked: &'a LookedAtGroups,
    /// The groups that are asked for; none: all.
    pub groups: &'a [String],
    /// Cuts that groups are to be brought to in place of their newest.
    pub to_cuts: &'a BTreeMap<String, u64>,
    /// It is for coming home, and of groups that the other side is active of.
    pub come_back: bool,
    /// When it is made.
    pub made_at: DateTime<Utc>,
    /// By whom.
    pub made_by: &'a str,
}

/// What is known of groups that their cut log does not say: nothing of those that nobody looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookedAtGroups {
    /// Groups of which the log lacks a change of role: the other side may be active, and nothing is brought back.
    pub behind: BTreeMap<String, Behind>,
    /// Groups whose cut cannot be read whole where an earlier one can, with why, a fragment that names that one.
    pub unreadable: BTreeMap<String, Sentence>,
    /// What has to be known of a group before its fence, a sentence.
    pub warned: BTreeMap<String, Sentence>,
}

/// That a log lacks a change of role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The epoch that it lacks.
    pub epoch: u64,
    /// How that is known, a fragment.
    pub why: Sentence,
}

/// What is to be done, group by group.
#[derive(Debug, Clone, PartialEq)]
pub struct Runbook {
    /// Where.
    pub place: RunbookSubject,
    /// It is for coming home.
    pub come_back: bool,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// By whom.
    pub made_by: String,
    /// When a run last looked at the home side, as far as the log's side knows, and its id.
    pub looked: Option<(String, DateTime<Utc>)>,
    /// What of the log other readers stumble over, a fragment.
    pub read_around: Option<Sentence>,
    /// Where the newest kept one is found, a statement; `None`: in a folder.
    pub newest: Option<String>,
    /// The groups with a cut that can be brought over, by name.
    pub groups: Vec<GroupSteps>,
    /// Groups that cannot, with why.
    pub left_out: Vec<LeftOut>,
}

/// A group that cannot be brought over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name.
    pub group: String,
    /// Why, a fragment.
    pub why: Sentence,
    /// What makes the log say that the other side is active, and touches no replica: where the log lacks that, and no newer copy
    /// of it is found.
    pub fence: Option<String>,
}

/// What is to be done for one group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSteps {
    /// Its name.
    pub group: String,
    /// Who becomes active.
    pub active: String,
    /// The other side is active already, since when and by whom.
    pub failed_over: Option<(DateTime<Utc>, String)>,
    /// It is all the same, and another cut is brought back there.
    pub again: bool,
    /// What has to be known before the fence, a sentence.
    pub warned: Option<Sentence>,
    /// The cut that is restored.
    pub cut: u64,
    /// Later cuts that are given up with an older one: the first and the last of them, and the moment of that.
    pub given_up: Option<(u64, u64, DateTime<Utc>)>,
    /// Its moment.
    pub recovery_point: DateTime<Utc>,
    /// The run of the workflow at whose end that is.
    pub workflow_run_id: Option<i64>,
    /// The workflows that write it.
    pub workflow: Option<String>,
    /// The epoch of the change.
    pub epoch: u64,
    /// The change of role; `None`: it was made, and what brings the group home was not asked for.
    pub fence: Option<String>,
    /// What shows the newest row of the group in the log; `None`: the fence does so itself.
    pub newest_row: Option<String>,
    /// What gives an older log the columns for it; `None`: the fence does so itself.
    pub columns: Option<String>,
    /// What brings the tables back.
    pub restore: Vec<TableStep>,
    /// What marks them.
    pub mark: Vec<TableStep>,
    /// What says of each whether it is as the cut says.
    pub check: Vec<String>,
    /// What looks for files that are gone, where the check may not.
    pub files: Vec<String>,
    /// How many tables it has.
    pub tables: usize,
    /// What is known to be lost beyond its newest cut, as it was last looked at; `None`: no look at that is known.
    pub lost: Option<LossReceipt>,
    /// Its jobs at both sides, as they were last seen.
    pub jobs: Vec<JobSeen>,
    /// Who may use its tables at both sides, as it was last seen.
    pub grants: Option<GrantsSeen>,
    /// Live rows, where all are known.
    pub rows: Option<u64>,
    /// Bytes.
    pub bytes: u64,
}

/// A statement about one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStep {
    /// The table's name.
    pub table: String,
    /// The statement.
    pub statement: String,
}

/// Makes it.
pub fn make(facts: RunbookInput<'_>) -> Runbook {
    let RunbookInput { place, cuts, rows, record, looked, groups, to_cuts, .. } = facts;
    let RunbookInput { read_around, come_back, made_at, made_by, .. } = facts;
    let mut losses = LossesTold::default();
    let told = record.into_iter().flat_map(|record| &record.groups);
    let told: Vec<&GroupRecord> = told.filter(|told| told.workspace == place.sides.home).collect();
    told.iter().for_each(|group| losses.take(group));
    let (mut steps, mut left_out) = (Vec::new(), Vec::new());
    for name in names_of_groups(cuts, rows, looked, groups) {
        if let Some(behind) = looked.behind.get(name) {
            left_out.push(LeftOut {
                group: name.to_owned(),
                why: behind.why.clone(),
                fence: only_fence(place, cuts, name, behind.epoch),
            });
            continue;
        }
        if let Some(why) = looked.unreadable.get(name) {
            left_out.push(LeftOut { group: name.to_owned(), why: why.clone(), fence: None });
            continue;
        }
        match steps_of_group(place, cuts, name, to_cuts.get(name).copied(), come_back) {
            Ok(group) => {
                let told = told.iter().find(|told| told.name == name);
                let newest = cuts.newest(name).map(|cut| cut.cut_number);
                let lost = match failed_over(place, cuts, name) {
                    // What was lost with the change of role, whatever the home has by now.
                    Some(role) => losses.lost_with(role, cuts.of(name)).cloned(),
                    None => told.filter(|told| told.cut == newest).and_then(|it| it.loss.clone()),
                };
                steps.push(GroupSteps {
                    workflow: rows.get(name).and_then(|row| row.workflow.clone()),
                    lost,
                    jobs: told.map(|told| told.jobs.clone()).unwrap_or_default(),
                    grants: told.and_then(|told| told.grants.clone()),
                    warned: looked.warned.get(name).cloned(),
                    ..group
                });
            }
            Err(why) => left_out.push(LeftOut { group: name.to_owned(), why, fence: None }),
        }
    }
    Runbook {
        place: place.clone(),
        come_back,
        made_at,
        made_by: made_by.to_owned(),
        looked: record.map(|record| (record.run_id.clone(), record.started_at)),
        read_around: read_around.cloned(),
        newest: match place.language {
            Language::Sql => Some(newest_kept(place)),
            Language::Python => None,
        },
        groups: steps,
        left_out,
    }
}

/// The groups that are asked for, else all that are known and not retired, sorted.
fn names_of_groups<'a>(
    cuts: &'a Cuts,
    rows: &'a BTreeMap<String, Row>,
    looked: &'a LookedAtGroups,
    asked: &'a [String],
) -> BTreeSet<&'a str> {
    if !asked.is_empty() {
        return asked.iter().map(String::as_str).collect();
    }
    let of_log = cuts.newest_of_each().map(|cut| cut.group_name.as_str());
    let of_rows = rows.values().map(|row| row.group_name.as_str());
    let retired = |name: &str| rows.get(name).is_some_and(Row::is_retired);
    let unreadable = looked.unreadable.keys().map(String::as_str);
    of_log.chain(of_rows).filter(|name| !retired(name)).chain(unreadable).collect()
}

/// The change of role since which the other side is active of a group.
fn failed_over<'a>(place: &'a RunbookSubject, cuts: &'a Cuts, name: &str) -> Option<&'a Cut> {
    match cuts.roles(name, &place.sides) {
        Roles::FailedOver(cut) => Some(cut),
        Roles::Home | Roles::Unnamed(_) | Roles::Newer(_) | Roles::Broken { .. } => None,
    }
}

fn newest_kept(place: &RunbookSubject) -> String {
    let location = place.location.trim_end_matches('/');
    let documents = Relation::Path(format!("{location}/{FOLDER}/evidence/documents"));
    format!(
        "SELECT cast(content AS STRING) AS runbook FROM {documents}\nWHERE name LIKE '%{RUNBOOK_ENDING}' ORDER BY name DESC, part LIMIT 100"
    )
}
