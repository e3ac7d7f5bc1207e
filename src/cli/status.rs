//! `drsync status`: how far behind each group is, with either region away.

use clap::{Args, ValueEnum};

use super::flags::Context;
use super::look::{self, Asking};
use super::{ExitStatus, Failure, output, selection};
use crate::apply::RunRecord;
use crate::plan::document::Refused;
use crate::plan::status::{self, GroupStatus, Rpo, Status as Document, WorkspaceStatus};
use crate::plan::{Decision, Finding, FindingCode, Plan};
use crate::region::{RecordRange, Region};
use crate::render;
use crate::render::sections::status::Parts;
use crate::text::names_table;

/// Show the last cut of every group, how far behind it is, and what stands in the way
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Only the groups of this table, with their tables: a full name, or the end of one
    table: Option<String>,
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
}

impl FailOn {
    fn is_so(self, group: &GroupStatus) -> bool {
        match self {
            FailOn::Breached => group.rpo == Rpo::Breached,
            FailOn::Blocked => group.decision == Some(Decision::Blocked),
            FailOn::Lost => {
                let lost = |finding: &Finding| finding.code == FindingCode::LedgerLost;
                group.tables.iter().any(|table| table.lost.is_some())
                    || group.findings.iter().any(lost)
            }
            FailOn::Unprotected => !group.protected,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            FailOn::Breached => "breached",
            FailOn::Blocked => "blocked",
            FailOn::Lost => "lost",
            FailOn::Unprotected => "unprotected",
        }
    }
}

impl Status {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let (looked, mut status) = look::block_on(async {
            let looked = look::look(context, &Asking::everything(self.full)).await?;
            let mut status = status::status(&looked.observed, &looked.plan);
            for (workspace, regions) in status.workspaces.iter_mut().zip(&looked.regions) {
                if !workspace.regions.primary.reachable {
                    recall(workspace, regions.secondary.as_ref()).await;
                }
            }
            Ok((looked, status))
        })?;
        select(&mut status, context);
        if let Some(table) = &self.table {
            narrow(&mut status, table)?;
        }
        if context.json {
            output::json(&status)?;
        } else {
            let parts = Parts {
                tables: self.table.is_some(),
                unprotected: self.unprotected || self.table.is_some() && left_out(&status),
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
    let groups = status.workspaces.iter().flat_map(|workspace| {
        workspace.groups.iter().map(|group| (workspace.name.as_str(), group))
    });
    let named: Vec<String> = groups
        .filter_map(|(workspace, group)| {
            let states: Vec<&str> = fail_on
                .iter()
                .filter(|state| state.is_so(group))
                .map(|state| state.as_str())
                .collect();
            let name = &group.name;
            let label = if several { format!("{workspace}/{name}") } else { name.clone() };
            (!states.is_empty()).then(|| format!("{label} is {}", states.join(", ")))
        })
        .collect();
    for said in &named {
        output::note(&render::clean(&format!("drsync: {said}")));
    }
    let seen = plan.workspaces.iter().map(|workspace| &workspace.observed);
    let regions = seen.clone().flat_map(|seen| [&seen.primary, &seen.secondary]);
    if seen.clone().any(|seen| seen.primary.is_away()) {
        ExitStatus::PrimaryAway
    } else if seen.clone().any(|seen| seen.secondary.is_away()) {
        ExitStatus::SecondaryAway
    } else if regions.clone().any(|region| region.refused == Some(Refused::Denied)) {
        ExitStatus::Authentication
    } else if regions.clone().any(|region| region.refused.is_some()) {
        ExitStatus::Failed
    } else if named.is_empty() {
        ExitStatus::Ok
    } else {
        ExitStatus::NotInOrder
    }
}

/// Run records that are asked for what was last seen of a primary that is away.
const RECORDS: usize = 64;

/// Takes what would be lost from the newest run records that tell it of the cuts that groups have: the primary tells nothing now.
async fn recall(workspace: &mut WorkspaceStatus, secondary: &dyn Region) {
    let newest = RecordRange { newest: Some(RECORDS), ..RecordRange::default() };
    // Without records nothing is known, which is told.
    let Ok(kept) = secondary.run_records(&newest).await else {
        return;
    };
    let records: Vec<RunRecord> =
        kept.documents.iter().rev().filter_map(|document| RunRecord::of(document).ok()).collect();
    for group in &mut workspace.groups {
        let cut = group.last_cut.as_ref().map(|cut| cut.number);
        let mut told = records.iter().flat_map(|record| &record.groups).filter(|told| {
            told.workspace == workspace.name && told.name == group.name && told.cut == cut
        });
        if group.loss.is_none() {
            group.loss = told.find_map(|told| told.loss.clone());
        }
    }
}

/// Whether a table is left out.
fn left_out(status: &Document) -> bool {
    let mut workspaces = status.workspaces.iter();
    workspaces.any(|workspace| {
        let mut groups = workspace.groups.iter();
        groups.any(|group| !group.unprotected.is_empty())
    })
}

/// Leaves the groups that were asked for.
fn select(status: &mut Document, context: &Context) {
    let request =
        crate::plan::Request { selection: context.selection.clone(), ..Default::default() };
    for workspace in &mut status.workspaces {
        workspace.groups.retain(|group| request.selects(&group.name));
    }
}

/// Leaves the groups that have a table, synchronized or left out, with that table only.
fn narrow(status: &mut Document, asked: &str) -> Result<(), Failure> {
    let groups = status.workspaces.iter().flat_map(|workspace| &workspace.groups);
    let all: Vec<String> = groups
        .flat_map(|group| {
            let tables = group.tables.iter().map(|table| table.table.to_string());
            tables.chain(group.unprotected.iter().cloned())
        })
        .collect();
    for workspace in &mut status.workspaces {
        for group in &mut workspace.groups {
            let named = |table: &str| names_table(asked, table);
            group.tables.retain(|table| named(&table.table.to_string()));
            group.unprotected.retain(|table| named(table));
        }
        let has = |group: &GroupStatus| !group.tables.is_empty() || !group.unprotected.is_empty();
        workspace.groups.retain(has);
    }
    if status.workspaces.iter().any(|workspace| !workspace.groups.is_empty()) {
        return Ok(());
    }
    let hint = selection::nearest(asked, all.iter().map(String::as_str))
        .map_or(String::new(), |near| format!("; nearest: {near}"));
    let message = format!("{asked} is no table of any group{hint}");
    Err(Failure::new(ExitStatus::Usage, render::clean(&message)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TableName;

    #[test]
    fn a_table_that_is_left_out_is_one_of_its_group() {
        let region =
            || serde_json::json!({"location": "/west", "reachable": true, "ledger": "present"});
        let mut status: Document = serde_json::from_value(serde_json::json!({
            "kind": status::KIND, "format_version": status::FORMAT_VERSION, "at": "2026-11-22T11:00:00.000Z",
            "workspaces": [{
                "name": "east",
                "regions": {"primary": region(), "secondary": region()},
                "groups": [{
                    "name": "orders", "status": null, "last_cut": null, "lag_seconds": null,
                    "pending_commits": null, "pending_bytes": null, "rpo_seconds": null, "rpo": "none",
                    "protected": false, "findings": [], "decision": null, "tables": [],
                    "unprotected": ["main.shop.big1", "main.shop.big2"]
                }]
            }]
        }))
        .expect("a status");
        assert!(narrow(&mut status, "big1").is_ok());
        let groups = &status.workspaces[0].groups;
        assert_eq!(groups[0].unprotected, ["main.shop.big1"]);
        assert!(left_out(&status) && narrow(&mut status, "big3").is_err());
    }

    #[test]
    fn a_table_is_named_in_full_or_by_its_end() {
        let table = TableName::new("main", "Core", "core_gold").to_string();
        for asked in ["main.core.core_gold", "CORE.core_gold", "core_gold"] {
            assert!(names_table(asked, &table), "{asked}");
        }
        assert!(!names_table("gold", &table));
        let odd = TableName::new("main", "core", "sp ace").to_string();
        for asked in ["sp ace", "core.sp ace", "main.core.`sp ace`"] {
            assert!(names_table(asked, &odd), "{asked}");
        }
    }
}
