//! `drsync status`: how far behind each group is, with either region away. It asks both regions and prints; nothing is written.

use clap::{Args, ValueEnum};

mod asked;

use super::flags::Context;
use super::look::{self, Asking};
use super::{ExitStatus, Failure, configuration, output};
use crate::apply::RunRecord;
use crate::observe::newest_records;
use crate::plan::status::{self, GroupStatus, Rpo, StatusDocument as Document, WorkspaceStatus};
use crate::plan::{Decision, Finding, FindingCode, Plan, Role};
use crate::region::Location;
use crate::render;
use crate::render::sections::status::Parts;
use crate::text::label_group;
use asked::StatusSelection;

/// Show the last cut of every group, how far behind it is, and what stands in the way
#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// Only this group, with its tables, or this table: a full name, or the end of one
    #[arg(value_name = "GROUP|TABLE")]
    asked: Vec<String>,
    /// Name the tables that are not synchronized
    #[arg(long)]
    unprotected: bool,
    /// Read the files of every replica, too
    ///
    /// Files of lakehouse folders are read; of replicas on Databricks the engine's history tells.
    #[arg(long)]
    full: bool,
    /// Exit with 3 if a group is in one of these states, with 8 if a region does not answer; commas between them
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
}

/// What a group may be that somebody is to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Its lag is beyond its objective.
    Breached,
    /// A finding blocks it.
    Blocked,
    /// A replica cannot be brought to the group's cut, or the cut log lost cuts.
    Lost,
    /// It has no cut that every replica holds.
    Unprotected,
    /// What runs in the secondary's workspace, where nothing should, is not seen.
    Unwatched,
}

impl FailOn {
    fn is_so(self, workspace: &WorkspaceStatus, group: &GroupStatus) -> bool {
        match self {
            FailOn::Breached => group.rpo == Rpo::Breached,
            FailOn::Blocked => group.decision == Some(Decision::Blocked),
            FailOn::Lost => {
                let lost = |finding: &Finding| finding.code == FindingCode::LedgerLost;
                group.tables.iter().any(|table| table.lost.is_some())
                    || group.findings.iter().any(lost)
            }
            FailOn::Unprotected => !group.protected,
            FailOn::Unwatched => workspace.unwatched.as_ref().is_some_and(|it| !it.is_empty()),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            FailOn::Breached => "breached",
            FailOn::Blocked => "blocked",
            FailOn::Lost => "lost",
            FailOn::Unprotected => "unprotected",
            FailOn::Unwatched => "unwatched",
        }
    }
}

impl StatusArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let (looked, status, asked) = look::block_on(async {
            let found = configuration::usable(context).await?;
            let asked = StatusSelection::of(&self.asked, &found.configuration)?;
            let selection = asked.selection(&context.selection)?;
            let context = &Context { selection, ..context.clone() };
            let looking = &Asking::everything(self.full).or_of_the_secondary();
            let mut looked = look::look_with(context, looking, found).await?;
            let mut status = status::status(&looked.observed, &looked.plan);
            for (workspace, regions) in status.workspaces.iter_mut().zip(&looked.regions) {
                if !workspace.regions.primary.reachable {
                    recall(workspace, regions.secondary.location.as_ref()).await;
                }
            }
            if !asked.is_everything() {
                asked.narrow(&mut status)?;
            }
            if !context.selection.only.is_empty() {
                asked::leave_out_others(&mut status);
                let kept = |name: &str| status.workspaces.iter().any(|one| one.name == name);
                looked.plan.workspaces.retain(|workspace| kept(&workspace.name));
            }
            Ok((looked, status, asked))
        })?;
        if context.json {
            output::json(&status)?;
        } else {
            let parts = Parts {
                // What was asked for by its name is told with its tables.
                tables: !asked.is_everything(),
                unprotected: self.unprotected || asked.of_left_out(&status),
                reasons: &looked.plan.unprotected,
            };
            let page = render::sections::status::page(&status, parts);
            output::data(&render::writers::write(&page, context.form()))?;
        }
        if !self.fail_on.is_empty() {
            return Ok(judged(&status, &looked.plan, &self.fail_on));
        }
        Ok(look::no_primary(&looked.plan).unwrap_or(ExitStatus::Ok))
    }
}

/// Whether a group is in one of these states, told on stderr; with a region away that is not known of all of them.
fn judged(status: &Document, plan: &Plan, fail_on: &[FailOn]) -> ExitStatus {
    let several = status.workspaces.len() > 1;
    let groups = status
        .workspaces
        .iter()
        .flat_map(|workspace| workspace.groups.iter().map(move |group| (workspace, group)));
    let named: Vec<String> = groups
        .filter_map(|(workspace, group)| {
            let states: Vec<&str> = fail_on
                .iter()
                .filter(|state| state.is_so(workspace, group))
                .map(|state| state.as_str())
                .collect();
            let label = label_group(several, &workspace.name, &group.name);
            (!states.is_empty()).then(|| format!("{label} is {}", states.join(", ")))
        })
        .collect();
    for said in &named {
        output::note(&render::clean(&format!("drsync: {said}")));
    }
    let regions = plan.workspaces.iter().flat_map(|workspace| {
        let seen = &workspace.observed;
        [(Role::Primary, &seen.primary), (Role::Secondary, &seen.secondary)]
    });
    let unseen = regions.filter(|(_, region)| region.is_away() || region.refused.is_some());
    match ExitStatus::of_all_unseen(unseen.map(|(side, region)| (side, region.refused))) {
        Some(unseen) => unseen,
        None if named.is_empty() => ExitStatus::Ok,
        None => ExitStatus::NotInOrder,
    }
}

/// Run records that are asked for what was last seen of a primary that is away.
const RECORDS: usize = 64;

/// Takes what would be lost from the newest run records that tell it of the cuts that groups have: the primary tells nothing now.
async fn recall(workspace: &mut WorkspaceStatus, secondary: &dyn Location) {
    // Without records nothing is known, which is told.
    let kept = newest_records([secondary], RECORDS).await;
    let records: Vec<RunRecord> =
        kept.iter().rev().filter_map(|document| RunRecord::of(document).ok()).collect();
    for group in &mut workspace.groups {
        let cut = group.last_cut.as_ref().map(|cut| cut.number);
        let mut told = records.iter().flat_map(|record| &record.groups).filter(|told| {
            told.workspace == workspace.name && told.name == group.name && told.cut == cut
        });
        if group.loss.is_none() {
            group.loss = told.find_map(|told| told.loss.clone());
        }
        if let Some(over) = group.failed_over.as_mut().filter(|over| over.lost.is_none()) {
            let told = records.iter().flat_map(|record| &record.groups);
            let told =
                told.filter(|told| told.workspace == workspace.name && told.name == group.name);
            over.lost = { told }.find_map(|told| told.lost_with(over.cut).cloned());
        }
    }
}
