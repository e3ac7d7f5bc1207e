//! The metadata tables: what becomes of them, and the rows an apply writes whatever comes of the syncs. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::checks::{PRIMARY_AWAY, PRIMARY_REFUSED, SECONDARY_AWAY, SECONDARY_REFUSED};
use super::document::{
    Decision, GroupPlan, LedgerAction, MetadataAction, PutAside, Role, RowChange,
};
use super::finding::{Finding, FindingCode};
use super::observed::{GroupObserved, Observed, RegionObserved, WorkspaceObserved};
use super::request::Request;
use crate::config::{Group, GroupEntry};
use crate::ledger::{Cut, Row, RowStatus, row};
use crate::region::LedgerCopy;

/// A message longer than this tells no more.
const MESSAGE_MAX: usize = 1_000;

/// The rows of a workspace that change, by group name.
pub(super) fn changes(
    observed: &Observed,
    workspace: &WorkspaceObserved,
    groups: &[GroupPlan],
    request: &Request,
) -> Vec<RowChange> {
    let rows = &workspace.ledger.rows;
    let mut after: BTreeMap<&str, Row> = BTreeMap::new();
    let named = workspace.groups_by_name();
    for plan in groups {
        let Some(seen) = named.get(plan.name.as_str()) else {
            continue;
        };
        let before = rows.get(&plan.name);
        let configured = match &seen.entry {
            GroupEntry::Valid(group) => configured(group, seen),
            GroupEntry::Invalid { .. } => (None, Vec::new()),
        };
        let cut = workspace.ledger.cuts.newest(&plan.name);
        let row = of_group(before, plan, configured, cut, observed.now);
        after.insert(&plan.name, row);
    }
    for (name, row) in rows {
        let left = !named.contains_key(name.as_str()) && leaves(observed, workspace, row);
        if left && request.selects(&workspace.workspace.name, name) {
            after.insert(name, row.retired(observed.now));
        }
    }
    after
        .into_iter()
        .map(|(name, row)| RowChange { before: rows.get(name).cloned(), after: row })
        .filter(|change| change.before.as_ref() != Some(&change.after))
        .collect()
}

/// Whether the group of a row, which the configuration does not have, is to be retired: not where a part of it was not
/// understood, nor in somebody else's tables, nor twice.
pub(super) fn leaves(observed: &Observed, workspace: &WorkspaceObserved, row: &Row) -> bool {
    let ours = !super::checks::ledger_is_foreign(workspace);
    let whole = !observed.incomplete && !workspace.workspace.incomplete;
    ours && whole && !row.is_retired()
}

/// What the configuration says in a row: the workflows as one text, the resolved tables.
pub(super) fn configured(group: &Group, seen: &GroupObserved) -> (Option<String>, Vec<String>) {
    let names: Vec<String> = group.workflows.iter().map(ToString::to_string).collect();
    let workflow = (!names.is_empty()).then(|| names.join(", "));
    (workflow, seen.names.iter().map(ToString::to_string).collect())
}

/// The row that a plan leaves of a group before anything is synchronized, or of one that left the configuration.
///
/// Of the plan it takes what its effect has: what the configuration says, the decision, and what blocks. All else comes from the
/// row and the newest cut as the ledger has them now. `None`: there is nothing to retire.
pub fn row_after(
    change: &RowChange,
    group: Option<&GroupPlan>,
    before: Option<&Row>,
    cut: Option<&Cut>,
    now: DateTime<Utc>,
) -> Option<Row> {
    let Some(group) = group else {
        let there = before.filter(|row| !row.is_retired());
        return there.map(|row| row.retired(now));
    };
    let configured = (change.after.workflow.clone(), change.after.tables.clone());
    let row = of_group(before, group, configured, cut, now);
    Some(match (&group.decision, &change.after.message) {
        // The row says what was reviewed: the message is part of the effect, and the words of findings are not.
        (Decision::Blocked, Some(message)) => row.failed(message.clone(), now),
        (Decision::Blocked | Decision::Sync | Decision::Waiting | Decision::UpToDate, _) => row,
    })
}

/// The row of a group with what its configuration says, and what the plan knows of its status.
fn of_group(
    before: Option<&Row>,
    plan: &GroupPlan,
    (workflow, tables): (Option<String>, Vec<String>),
    cut: Option<&Cut>,
    now: DateTime<Utc>,
) -> Row {
    let mut findings = plan.findings.iter();
    let unread = findings.any(|finding| finding.code == FindingCode::ConfigurationInvalid);
    let row = match before {
        // A group that could not be read keeps its row as it is.
        Some(row) if unread => row.clone(),
        Some(row) => returned(row, cut, now).configured(workflow, tables, now),
        None => Row::first_seen(&plan.name, workflow, tables, now),
    };
    with_status(plan, row, cut, now)
}

/// The row of a group that had left and is back: what its last cut says.
fn returned(row: &Row, cut: Option<&Cut>, now: DateTime<Utc>) -> Row {
    match cut {
        Some(cut) if row.is_retired() => row.as_cut_says(cut, now),
        Some(_) | None => row.clone(),
    }
}

/// The row with what the plan knows of its group's status, whatever an apply does.
fn with_status(plan: &GroupPlan, row: Row, cut: Option<&Cut>, now: DateTime<Utc>) -> Row {
    let interrupted = row.current_sync_status == Some(RowStatus::InProgress);
    // Its attempt ended without a word, or could not see its cut committed: the cut is there all the same.
    let arrived = row.current_sync_status != Some(RowStatus::Success)
        && cut.is_some_and(|cut| row.is_by(&cut.run_id));
    match plan.decision {
        Decision::Blocked => row.failed(blocked_message(&plan.findings), now),
        Decision::Sync => row,
        Decision::UpToDate | Decision::Waiting
            if arrived || was_blocked(&row) || row.was_beaten() =>
        {
            match cut {
                Some(cut) => row.as_cut_says(cut, now),
                None => row.cleared(now),
            }
        }
        Decision::UpToDate => match cut {
            Some(cut) if row.current_sync_status != Some(RowStatus::Success) => {
                row.as_cut_says(cut, now)
            }
            Some(_) | None => row,
        },
        Decision::Waiting if interrupted => {
            let what = row.message.clone().unwrap_or_default();
            row.failed(row::interrupted(&what), now)
        }
        Decision::Waiting => row,
    }
}

/// Whether a failed row is that of a group that was blocked or interrupted, not of one whose sync failed.
pub(super) fn was_blocked(row: &Row) -> bool {
    let regions = [PRIMARY_AWAY, SECONDARY_AWAY, PRIMARY_REFUSED, SECONDARY_REFUSED];
    let findings = FindingCode::ALL.iter().map(|code| code.as_str());
    row.was_held_up(&findings.chain(regions).collect::<Vec<_>>())
}

/// What a row says of a blocked group: `code: text`, and what to do.
pub(super) fn blocked_message(findings: &[Finding]) -> String {
    let blocking: Vec<&Finding> = findings.iter().filter(|finding| finding.blocks()).collect();
    if blocking.iter().any(|finding| finding.code == FindingCode::SecondaryNotAvailable) {
        return SECONDARY_AWAY.to_owned();
    }
    let texts: Vec<String> = blocking
        .iter()
        .map(|finding| {
            let table = finding.table.as_ref().map_or(String::new(), |table| format!(" {table}:"));
            let remedy =
                finding.remedy.as_ref().map_or(String::new(), |remedy| format!("; {remedy}"));
            format!("{}:{table} {}{remedy}", finding.code.as_str(), finding.message)
        })
        .collect();
    let text = texts.join(" | ");
    match text.char_indices().nth(MESSAGE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What becomes of both regions' metadata tables.
pub(super) fn actions(
    workspace: &WorkspaceObserved,
    rows: &[RowChange],
    plan_id: &str,
) -> Vec<MetadataAction> {
    let (primary, secondary) = (&workspace.primary, &workspace.secondary);
    vec![
        action(Role::Primary, primary, secondary, workspace, rows, plan_id),
        action(Role::Secondary, secondary, primary, workspace, rows, plan_id),
    ]
}

/// The name under which a metadata table that cannot be read is put aside, in its own folder.
pub fn aside_name(table: &str, plan_id: &str) -> String {
    format!("{table}.unreadable-{plan_id}")
}

fn action(
    role: Role,
    region: &RegionObserved,
    other: &RegionObserved,
    workspace: &WorkspaceObserved,
    rows: &[RowChange],
    plan_id: &str,
) -> MetadataAction {
    let here = region.copy();
    let mut planned = MetadataAction {
        region: role,
        action: LedgerAction::None,
        table_version: here.metadata.as_ref().map(|table| table.version),
        rows_to_add: Vec::new(),
        rows_to_change: Vec::new(),
        rows_to_retire: Vec::new(),
        cuts_to_copy: 0,
        put_aside: Vec::new(),
        mend: Vec::new(),
    };
    if !region.reachable() {
        return planned;
    }
    for trouble in &here.troubles {
        let table = trouble.table.name().to_owned();
        if trouble.unreadable {
            planned.put_aside.push(PutAside { name: aside_name(&table, plan_id), table })
        } else {
            planned.mend.push(table)
        }
    }
    let there = other.copy();
    let complete = |copy: &LedgerCopy| copy.metadata.is_some() && copy.cuts.is_some();
    // A table that is cloned begins with the other region's rows and cuts.
    let start = LedgerCopy {
        metadata: here.metadata.clone().or_else(|| there.metadata.clone()),
        cuts: here.cuts.clone().or_else(|| there.cuts.clone()),
        troubles: Vec::new(),
        heads_only: here.heads_only || there.heads_only,
    };
    let (rows_here, cuts_here) = (start.rows_by_group(), start.all_cuts());
    let mut target = workspace.ledger.rows.clone();
    target
        .extend(rows.iter().map(|change| (change.after.group_name.clone(), change.after.clone())));
    sort_rows(&mut planned, &rows_here, &target);
    planned.cuts_to_copy =
        workspace.ledger.cuts.owed_to(&cuts_here, &workspace.workspace.sides()).len();
    let clones = (here.metadata.is_none() && there.metadata.is_some())
        || (here.cuts.is_none() && there.cuts.is_some());
    planned.action = if clones {
        LedgerAction::Clone
    } else if !complete(&here) {
        LedgerAction::Create
    } else if planned.changes() > 0 || planned.cuts_to_copy > 0 || !planned.mend.is_empty() {
        LedgerAction::Merge
    } else {
        LedgerAction::None
    };
    planned
}

/// Names the rows that are to be added, changed and retired where these are here.
fn sort_rows(
    planned: &mut MetadataAction,
    here: &BTreeMap<String, Row>,
    target: &BTreeMap<String, Row>,
) {
    for (name, row) in target {
        match here.get(name) {
            None => planned.rows_to_add.push(name.clone()),
            Some(before) if before == row => {}
            Some(before) if row.is_retired() && !before.is_retired() => {
                planned.rows_to_retire.push(name.clone())
            }
            Some(_) => planned.rows_to_change.push(name.clone()),
        }
    }
}

impl MetadataAction {
    /// Nothing of these tables is changed.
    pub(super) fn leave_alone(&mut self) {
        let MetadataAction {
            region: _,
            action,
            table_version: _,
            rows_to_add,
            rows_to_change,
            rows_to_retire,
            cuts_to_copy,
            put_aside,
            mend,
        } = self;
        put_aside.clear();
        mend.clear();
        *action = LedgerAction::None;
        for rows in [rows_to_add, rows_to_change, rows_to_retire] {
            rows.clear();
        }
        *cuts_to_copy = 0;
    }

    /// How many rows change here.
    pub fn changes(&self) -> usize {
        self.rows_to_add.len() + self.rows_to_change.len() + self.rows_to_retire.len()
    }
}
