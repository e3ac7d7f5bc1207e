//! Everything that can block a group: all findings are collected, never the first only. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::deed::{Advice, Deed};
use super::document::Role;
use super::finding::{Finding, FindingCode, Severity};
use super::loss::{Loss, loss};
use super::observed::{TableObserved, WorkspaceObserved};
use super::remedy::{Acceptance, Remedy};
use super::request::Request;
use super::trigger::SyncTarget;
use super::view::GroupView;
use crate::config::{GroupEntry, LocationAddress, Mistake, TableName};
use crate::moment;
use crate::region::RegionErrorKind;
use crate::sentence::Sentence;

mod regions;
mod roles;
mod tables;
mod target;
mod unanswered;

pub(super) use regions::{CREDENTIAL, external_location, ledger_is_foreign, odd_rows_of_others};
use regions::{ledger_findings, location_findings, region_finding};
use roles::{TablesOver, behind_finding, role_finding};
pub use roles::{told_of_behind, told_of_roles};
pub use tables::{CloneObstacle, obstacles};
use tables::{
    catalog_findings, damage_findings, length_finding, place_findings, replica_findings,
    source_findings,
};
use target::pin_findings;
pub use target::readable_until;
use unanswered::unanswered;

/// So many replicas at least have to be gone before it is more than a repair.
const REPLICAS_MISSING_MIN: usize = 3;

/// The brief words for a secondary that does not answer, as people search for them.
pub const SECONDARY_AWAY: &str = "secondary region not available";
/// The same for a primary.
pub const PRIMARY_AWAY: &str = "primary region not available";
/// Of a secondary that answers, and not with what was asked.
pub const SECONDARY_REFUSED: &str = "secondary region cannot be read";
/// The same for a primary.
pub const PRIMARY_REFUSED: &str = "primary region cannot be read";

/// The words for a region that could not be looked at, by how it refused.
pub fn words_of_region(role: Role, refused: RegionErrorKind) -> &'static str {
    match (role, refused.is_away()) {
        (Role::Primary, true) => PRIMARY_AWAY,
        (Role::Secondary, true) => SECONDARY_AWAY,
        (Role::Primary, false) => PRIMARY_REFUSED,
        (Role::Secondary, false) => SECONDARY_REFUSED,
    }
}

/// What blocks a group whatever its trigger: the regions, the ledger, the catalog, the replicas.
pub(super) fn standing(view: &GroupView<'_>, facts: &WorkspaceFacts) -> Vec<Finding> {
    let WorkspaceObserved { primary, secondary, .. } = view.workspace;
    // Whoever else is active: nothing here has to be in order, and nothing of it may be repaired.
    if let Some(role) = role_finding(view).or_else(|| facts.over.finding(view)) {
        return vec![role];
    }
    if let Some(region) = region_finding(Role::Primary, primary, secondary) {
        // With the primary gone somebody may follow a runbook: that the log is behind is told as well.
        return std::iter::once(region).chain(behind_finding(view)).collect();
    }
    // Another side may be active: nothing may be repaired or let through as long as nobody knows.
    if let Some(behind) = behind_finding(view) {
        return vec![behind];
    }
    let mut found = unanswered(view);
    found.extend(location_findings(view.workspace));
    found.extend(ledger_findings(view.workspace, &view.group.name));
    found.extend(ledger_lost(view));
    found.extend(workflow_findings(view));
    for table in view.tables() {
        found.extend(catalog_findings(view, table));
        found.extend(facts.duplicates.get(&table.name).map(|groups| {
            let others = groups.iter().filter(|group| **group != view.group.name);
            let others: Vec<&str> = others.map(String::as_str).collect();
            let text = if others.is_empty() {
                "the group names it twice".to_owned()
            } else {
                format!("it is also a table of group {}", others.join(", "))
            };
            finding(FindingCode::DuplicateTarget, Some(&table.name), text).deed(Deed::NameTableOnce)
        }));
        found.extend(length_finding(view, table));
        found.extend(place_findings(view, table));
        found.extend(source_findings(view, table));
        found.extend(replica_findings(view, table));
        found.extend(damage_findings(view, table));
    }
    if facts.replicas_missing {
        found.extend(missing_replicas(view));
    }
    found
}

/// What blocks a group that is due, at the moment it would be brought to.
pub(super) fn at_target(view: &GroupView<'_>, target: &SyncTarget) -> Vec<Finding> {
    if let Some(region) = secondary_finding(view) {
        return vec![region];
    }
    view.tables().flat_map(|table| pin_findings(view, table, target)).collect()
}

/// That the secondary cannot be looked at; `None`: it can.
pub(super) fn secondary_finding(view: &GroupView<'_>) -> Option<Finding> {
    let WorkspaceObserved { primary, secondary, .. } = view.workspace;
    region_finding(Role::Secondary, secondary, primary)
}

/// The finding of a group whose configuration is not valid.
pub(super) fn configuration_invalid(entry: &GroupEntry) -> Vec<Finding> {
    match entry {
        GroupEntry::Valid(_) => Vec::new(),
        GroupEntry::Invalid { mistakes, .. } => mistakes
            .iter()
            .enumerate()
            .map(|(at, mistake)| {
                let text = format!(
                    "{} line {}: {} {}",
                    mistake.file,
                    mistake.line,
                    mistake.path_with_group(),
                    mistake.message
                );
                let deed = correction(mistake, &mistakes[..at]);
                let words = mistake.remedy.clone().unwrap_or_else(|| deed.describe_deed());
                finding(FindingCode::ConfigurationInvalid, None, text)
                    .repaired_by(Remedy::Advice(Advice { deed: Some(deed), words }))
            })
            .collect(),
    }
}

/// What corrects a mistake; `before`: those of the same group that come before it.
fn correction(mistake: &Mistake, before: &[Mistake]) -> Deed {
    let Mistake { file, line, path, group: _, message: _, remedy: _ } = mistake;
    let place = |other: &&Mistake| (&other.file, &other.line, &other.path) == (file, line, path);
    Deed::CorrectConfiguration {
        file: file.clone(),
        line: *line,
        path: path.clone(),
        number: before.iter().filter(place).count() + 1,
    }
}

/// What is true of a workspace as a whole and bears on its groups.
#[derive(Debug, Default)]
pub(super) struct WorkspaceFacts {
    /// Tables that stand in more than one place, with the groups that have them.
    duplicates: BTreeMap<TableName, Vec<String>>,
    /// Tables that another side is active of, under the name of some group.
    over: TablesOver,
    /// More than a tenth and at least three of the replicas that last cuts name, of those that were looked at, are gone.
    replicas_missing: bool,
}

impl WorkspaceFacts {
    /// Gathers them.
    pub(super) fn of(workspace: &WorkspaceObserved) -> WorkspaceFacts {
        let mut places: BTreeMap<&TableName, Vec<&str>> = BTreeMap::new();
        for group in &workspace.groups {
            let name = group.entry.name().unwrap_or("?");
            // As the catalog spells them where the group was looked at, as the configuration resolves where it was left out.
            let listed = group.tables.iter().map(|table| &table.name);
            let all: BTreeSet<&TableName> = listed.chain(&group.names).collect();
            let unprotected = |table: &TableName| {
                let mut named = group.unprotected.iter();
                named.any(|(other, _)| other == table)
            };
            for table in all.into_iter().filter(|table| !unprotected(table)) {
                places.entry(table).or_default().push(name);
            }
        }
        let duplicates = places.into_iter().filter(|(_, groups)| groups.len() > 1);
        let duplicates = duplicates.map(|(table, groups)| {
            let groups = groups.into_iter().map(str::to_owned);
            (table.clone(), groups.collect())
        });
        let duplicates = duplicates.collect();
        let groups = || workspace.groups.iter();
        let held: usize = groups().map(|group| tables_in_cuts(workspace, group).count()).sum();
        let gone: usize = groups().map(|group| count_missing_replicas(workspace, group)).sum();
        WorkspaceFacts {
            duplicates,
            over: TablesOver::of(workspace),
            replicas_missing: gone >= REPLICAS_MISSING_MIN && gone * 10 > held,
        }
    }
}

/// How many replicas of a group its last cut names where they should be and that are not there.
fn count_missing_replicas(workspace: &WorkspaceObserved, group: &super::GroupObserved) -> usize {
    let gone = |table: &&TableObserved| matches!(table.replica, Some(Ok(None)));
    tables_in_cuts(workspace, group).filter(gone).count()
}

/// Tables of a group that were looked at and whose replica its last cut names where it should be.
fn tables_in_cuts<'a>(
    workspace: &'a WorkspaceObserved,
    group: &'a super::GroupObserved,
) -> impl Iterator<Item = &'a TableObserved> {
    let name = group.entry.name();
    let tables = group.tables.iter().filter(|table| table.replica.is_some());
    tables.filter(move |table| {
        let location = workspace.replica_place(name, &table.name).location;
        name.and_then(|name| workspace.ledger.cuts.entry_of(name, &table.name))
            .is_some_and(|entry| LocationAddress::is_one_place(&entry.replica_location, &location))
    })
}

/// Turns findings that somebody accepted for this plan into accepted ones.
pub(super) fn accept(findings: &mut [Finding], view: &GroupView<'_>, request: &Request) {
    for finding in findings {
        let table = finding.table.as_deref();
        if finding.acceptable()
            && request.accepts(
                finding.code.as_str(),
                &view.workspace.workspace.name,
                &view.group.name,
                table,
            )
        {
            finding.severity = Severity::Accepted;
        }
    }
}

/// A blocking finding.
pub(super) fn finding(
    code: FindingCode,
    table: Option<&TableName>,
    message: impl Into<Sentence>,
) -> Finding {
    Finding {
        code,
        severity: Severity::Block,
        table: table.map(ToString::to_string),
        message: message.into(),
        remedy: None,
    }
}

impl Finding {
    /// The finding with what people are to do about it.
    fn deed(self, deed: Deed) -> Finding {
        self.repaired_by(deed.into())
    }

    /// The finding, which may be let through.
    fn acceptance(self, scope: impl std::fmt::Display) -> Finding {
        let acceptance = Acceptance { code: self.code, scope: scope.to_string() };
        self.repaired_by(Remedy::Acceptance(acceptance))
    }

    fn repaired_by(self, remedy: Remedy) -> Finding {
        Finding { remedy: Some(remedy), ..self }
    }

    /// Whether it blocks its group.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Block
    }
}

/// That a workflow of a group is at work where the group's replicas are, a fragment.
pub(crate) fn active_in_secondary(name: &str, run_id: i64, since: DateTime<Utc>) -> String {
    format!("{name} run {run_id} is active in the secondary since {}", moment::text(since))
}

fn workflow_findings(view: &GroupView<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (asked, answer) in view.group.workflows.iter().zip(&view.seen.workflows) {
        let Err(error) = answer else { continue };
        // Of one that is neither missing nor ambiguous nothing is known: that is told of the region.
        let (code, deed) = match error.kind {
            RegionErrorKind::Conflict => (FindingCode::WorkflowAmbiguous, Deed::NameWorkflowById),
            RegionErrorKind::NotFound => (FindingCode::WorkflowNotFound, Deed::CorrectWorkflow),
            RegionErrorKind::Unavailable
            | RegionErrorKind::SignedOut
            | RegionErrorKind::Denied
            | RegionErrorKind::Unsupported
            | RegionErrorKind::Other => continue,
        };
        let text = format!("workflow {asked}: {}", error.describe_answer());
        found.push(finding(code, None, text).deed(deed));
    }
    for workflow in &view.seen.workflows_in_secondary {
        if let Some(run) = super::workflow::running(workflow, view.now) {
            found.push(
                finding(
                    FindingCode::WorkflowActiveInSecondary,
                    None,
                    active_in_secondary(&workflow.name, run.run_id, run.started_at),
                )
                .deed(Deed::StopRunInSecondary),
            );
        }
    }
    found
}

fn ledger_lost(view: &GroupView<'_>) -> Option<Finding> {
    let last = match view.last_cut {
        Some(cut) => format!("the cut log ends with cut {}", cut.cut_number),
        None => "the cut log has no cut of the group".to_owned(),
    };
    let text = match loss(view)? {
        Loss::Recorded(cut) => {
            format!("{last}, and apply {} recorded cut {}", cut.run_id, cut.number)
        }
        Loss::InRow(committed_at) => format!(
            "{last}, and its row in sync_metadata tells of one committed at {}",
            moment::text(committed_at)
        ),
        Loss::Marked(1) => format!("{last}, and one of its replicas was synchronized before"),
        Loss::Marked(replicas) => {
            format!("{last}, and {replicas} of its replicas were synchronized before")
        }
    };
    let accept = Acceptance { code: FindingCode::LedgerLost, scope: view.group.name.clone() };
    let remedy = Remedy::AdviceElse(Deed::PutCutLogBack.into(), accept);
    Some(finding(FindingCode::LedgerLost, None, text).repaired_by(remedy))
}

fn missing_replicas(view: &GroupView<'_>) -> Option<Finding> {
    let missing = count_missing_replicas(view.workspace, view.seen);
    (missing > 0).then(|| {
        finding(
            FindingCode::ReplicasMissing,
            None,
            match missing {
                1 => "1 replica that the last cut names is gone, and others too: is this the right location?".to_owned(),
                _ => format!("{missing} replicas that the last cut names are gone, and others too: is this the right location?"),
            },
        )
        .acceptance(&view.group.name)
    })
}
