//! What people need who make the other side active by hand: made from the cut log and the newest run record, and nothing else.
//!
//! Pure: what it says can be said with the primary gone, and by whoever has the log alone.

mod python;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::command::{Command, Verb};
use crate::config::{Configuration, Sides, WorkspaceAddress, WorkspaceConfig};
use crate::ledger::{Cut, Cuts, FOLDER, NewRole, Roles, Row, SYNC_CUTS};
use crate::plan::document::WorkspacePlan;
use crate::plan::{GrantsSeen, JobSeen, LossReceipt};
use crate::record::{LossesTold, RunRecord};
use crate::region::RUNBOOK_ENDING;
use crate::sentence::Sentence;
use crate::sql::{self, Expected, Relation};

/// Tables in one statement that looks at several: longer ones are hard to read, and some editors cut them off.
const TABLES_AT_ONCE: usize = 50;

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
pub struct Place {
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

impl Place {
    /// As a configuration says.
    pub fn of(workspace: &WorkspaceConfig) -> Place {
        Place {
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
    pub fn all(configuration: &Configuration) -> BTreeMap<String, Place> {
        let workspaces = configuration.workspaces.iter();
        workspaces.map(|workspace| (workspace.name.clone(), Place::of(workspace))).collect()
    }

    /// As a plan says that is applied without a configuration: nothing of who decides.
    pub fn of_plan(plan: &WorkspacePlan) -> Place {
        let connection = &plan.connection;
        let address = plan.observed.primary.workspace.as_deref().unwrap_or_default();
        Place {
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
pub struct Facts<'a> {
    /// Where.
    pub place: &'a Place,
    /// The cut log of the other side.
    pub cuts: &'a Cuts,
    /// The rows of the metadata table beside it, for the names of workflows.
    pub rows: &'a BTreeMap<String, Row>,
    /// The newest run record there, where there is one.
    pub record: Option<&'a RunRecord>,
    /// What of the log was read around, a fragment: other readers stumble over it.
    pub read_around: Option<&'a Sentence>,
    /// What the replicas and the run records there tell beside the log.
    pub looked: &'a Looked,
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
pub struct Looked {
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
    pub place: Place,
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
pub fn make(facts: Facts<'_>) -> Runbook {
    let Facts { place, cuts, rows, record, looked, groups, to_cuts, .. } = facts;
    let Facts { read_around, come_back, made_at, made_by, .. } = facts;
    let newest = cuts.newest_of_each().map(|cut| cut.group_name.as_str());
    let known = newest
        .chain(rows.values().filter(|row| !row.is_retired()).map(|row| row.group_name.as_str()));
    let retired = |name: &str| rows.get(name).is_some_and(Row::is_retired);
    let unreadable = looked.unreadable.keys().map(String::as_str);
    let mut names: Vec<&str> = if groups.is_empty() {
        known.filter(|name| !retired(name)).chain(unreadable).collect()
    } else {
        groups.iter().map(String::as_str).collect()
    };
    names.sort_unstable();
    names.dedup();
    let (mut steps, mut left_out) = (Vec::new(), Vec::new());
    let mut losses = LossesTold::default();
    let told = record.into_iter().flat_map(|record| &record.groups);
    for group in told.filter(|told| told.workspace == place.sides.home) {
        losses.take(group);
    }
    for name in names {
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
        match of_group(place, cuts, name, to_cuts.get(name).copied(), come_back) {
            Ok(group) => {
                let workflow = rows.get(name).and_then(|row| row.workflow.clone());
                let told = record.into_iter().flat_map(|record| &record.groups);
                let mut told =
                    told.filter(|told| told.workspace == place.sides.home && told.name == name);
                let told = told.next();
                let newest = cuts.newest(name).map(|cut| cut.cut_number);
                let lost = match failed_over(place, cuts, name) {
                    // What was lost with the change of role, whatever the home has by now.
                    Some(role) => losses.lost_with(role, cuts.of(name)).cloned(),
                    None => told.filter(|told| told.cut == newest).and_then(|it| it.loss.clone()),
                };
                let jobs = told.map(|told| told.jobs.clone()).unwrap_or_default();
                let grants = told.and_then(|told| told.grants.clone());
                let warned = looked.warned.get(name).cloned();
                steps.push(GroupSteps { workflow, lost, jobs, grants, warned, ..group });
            }
            Err(why) => {
                left_out.push(LeftOut { group: name.to_owned(), why, fence: None });
            }
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

/// The change of role since which the other side is active of a group.
fn failed_over<'a>(place: &'a Place, cuts: &'a Cuts, name: &str) -> Option<&'a Cut> {
    match cuts.roles(name, &place.sides) {
        Roles::FailedOver(cut) => Some(cut),
        Roles::Home | Roles::Unnamed(_) | Roles::Newer(_) | Roles::Broken { .. } => None,
    }
}

fn newest_kept(place: &Place) -> String {
    let location = place.location.trim_end_matches('/');
    let documents = Relation::Path(format!("{location}/{FOLDER}/evidence/documents"));
    format!(
        "SELECT cast(content AS STRING) AS runbook FROM {documents}\nWHERE name LIKE '%{RUNBOOK_ENDING}' ORDER BY name DESC, part LIMIT 100"
    )
}

fn fence(place: &Place, role: &NewRole<'_>) -> String {
    match place.language {
        Language::Sql => sql::fence(&place.log(), role),
        Language::Python => python::fence(&place.location, role),
    }
}

/// What makes a log that lacks a change of role of this epoch say that the other side is active; `None`: nothing can follow it.
fn only_fence(place: &Place, cuts: &Cuts, name: &str, known_epoch: u64) -> Option<String> {
    let newest = cuts.newest(name).filter(|_| cuts.is_one_chain(name))?;
    let readable = matches!(cuts.roles(name, &place.sides), Roles::Home | Roles::FailedOver(_));
    let role = NewRole { newest, held: newest, active: &place.sides.other, known_epoch };
    readable.then(|| fence(place, &role))
}

/// The steps of a group, or why it has none.
fn of_group(
    place: &Place,
    cuts: &Cuts,
    name: &str,
    to_cut: Option<u64>,
    come_back: bool,
) -> Result<GroupSteps, Sentence> {
    let Some(newest) = cuts.newest(name) else {
        return Err("never synchronized: it has no cut".into());
    };
    if !cuts.is_one_chain(name) {
        return Err(format!(
            "the cut log of the group is not one chain; {} says where",
            Command::new(Verb::Status)
        )
        .into());
    }
    let failed_over = match cuts.roles(name, &place.sides) {
        Roles::Home => None,
        Roles::FailedOver(cut) => Some((cut.committed_at, cut.committed_by.clone())),
        Roles::Unnamed(cut) => {
            return Err(format!(
                "{} makes {} active, and the sides are {} and {}: if {1} has another name by now, give it the old one again (secondary_workspace_name)",
                cut.label(),
                cut.active.as_deref().unwrap_or_default(),
                place.sides.home,
                place.sides.other
            )
            .into());
        }
        Roles::Newer(cut) => {
            return Err(format!("{} is of a kind that a newer drsync knows", cut.label()).into());
        }
        Roles::Broken { cut, before: _, why } => {
            return Err(format!("{} does not hold: {why}", cut.label()).into());
        }
    };
    if failed_over.is_none() && come_back {
        return Err("it is at home".into());
    }
    let number = to_cut.unwrap_or(newest.cut_number);
    let held = cuts.of(name).find(|cut| cut.cut_number == number);
    let held = held.ok_or_else(|| format!("the cut log has no cut {number} of it"))?;
    // A cut that turned out not to be whole gives way to an earlier one: then the log says which one the other side went on from.
    let again = failed_over.is_some() && to_cut.is_some();
    let active = match failed_over {
        Some(_) if !again => &place.sides.home,
        Some(_) | None => &place.sides.other,
    };
    let role = NewRole { newest, held, active, known_epoch: 0 };
    let fence = fence(place, &role);
    // Who brings a group over twice must not bring it home by that.
    let fence = Some(fence).filter(|_| come_back || again || failed_over.is_none());
    let newest_row = match place.language {
        Language::Sql => Some(sql::newest_row(&place.log(), name)),
        Language::Python => None,
    };
    let columns = match place.language {
        Language::Sql => Some(sql::add_role_columns(&place.log())),
        Language::Python => None,
    };
    let of_tables = |statement: &dyn Fn(&str, u64) -> String| -> Vec<TableStep> {
        let entries = held.tables.iter();
        let steps = entries.map(|entry| TableStep {
            table: entry.table.to_string(),
            statement: statement(&entry.replica_location, entry.replica_version),
        });
        steps.collect()
    };
    let at = |location: &str| Relation::Path(location.to_owned());
    let epoch = if fence.is_some() { role.epoch() } else { newest.epoch };
    let (restore, mark, check) = match place.language {
        // What is at home is no replica: nobody brings it back or marks it from here.
        _ if come_back => (Vec::new(), Vec::new(), Vec::new()),
        Language::Sql => (
            of_tables(&|location, version| sql::restore(&at(location), version)),
            of_tables(&|location, _| sql::mark(&at(location), epoch)),
            checks(held),
        ),
        Language::Python => {
            let one = |statement: String| vec![TableStep { table: name.to_owned(), statement }];
            (one(python::restore(held)), one(python::mark(held, epoch)), vec![python::check(held)])
        }
    };
    let files = match place.language {
        Language::Sql => {
            of_tables(&|location, _| format!("FSCK REPAIR TABLE {} DRY RUN", at(location)))
        }
        Language::Python => Vec::new(),
    };
    let later = |cut: &&Cut| !cut.is_role() && cut.cut_number > held.cut_number;
    let later: Vec<&Cut> = cuts.of(name).filter(later).collect();
    let of_number = |number| cuts.of(name).find(|cut| cut.cut_number == number);
    let given_up = match cuts.given_up_with(held).filter(|_| held.is_role()) {
        // What a change of role gave up stays given up.
        Some((first, last)) => of_number(first).zip(of_number(last)),
        None => later.first().copied().zip(later.last().copied()),
    };
    let rows: Option<Vec<u64>> = held.tables.iter().map(|entry| entry.rows).collect();
    Ok(GroupSteps {
        group: name.to_owned(),
        active: active.clone(),
        failed_over,
        again,
        warned: None,
        cut: held.cut_number,
        given_up: given_up
            .map(|(first, last)| (first.cut_number, last.cut_number, last.recovery_point)),
        recovery_point: held.recovery_point,
        workflow_run_id: held.workflow_run_id,
        workflow: None,
        epoch,
        fence,
        newest_row,
        columns,
        restore,
        mark,
        check,
        files: files.into_iter().map(|step| step.statement).collect(),
        tables: held.tables.len(),
        lost: None,
        jobs: Vec::new(),
        grants: None,
        rows: rows.map(|rows| rows.into_iter().fold(0, u64::saturating_add)),
        bytes: held.tables.iter().fold(0, |sum, entry| sum.saturating_add(entry.bytes)),
    })
}

fn checks(held: &Cut) -> Vec<String> {
    let expected: Vec<Expected> = held
        .tables
        .iter()
        .map(|entry| Expected {
            table: Relation::Path(entry.replica_location.clone()),
            name: entry.table.to_string(),
            files: entry.files,
            bytes: entry.bytes,
            rows: entry.rows,
        })
        .collect();
    let some = expected.chunks(TABLES_AT_ONCE);
    some.flat_map(|some| [Some(sql::check_files(some)), sql::check_rows(some)]).flatten().collect()
}
