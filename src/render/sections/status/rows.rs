//! Groups and their tables, in rows.

use super::verdict::{is_blocked, is_failed, paused, primary_away};
use super::{entries, label};
use crate::command::{Command, Verb};
use crate::figures::span;
use crate::plan::status::{
    GroupStatus, LedgerPresence, OffCut, RegionsStatus, Rpo, StatusDocument, TableStatus,
    WorkspaceStatus,
};
use crate::render::away;
use crate::render::page::{Block, PageRow, PageTable, Phrase, Section};

/// Groups in the table; further ones that are in order are counted.
pub(super) const ROWS_MAX: usize = 20;

/// Every group with its cut, and how far behind it is; with a primary away what its replicas hold.
pub(super) fn groups(status: &StatusDocument) -> Section {
    let away = primary_away(status);
    let heads: &[&str] = if away {
        &["group", "cut", "replicas"]
    } else {
        &["group", "cut", "lag", "RPO", "at cut"]
    };
    let mut table = PageTable::new("How every group stands", "group", heads);
    table.most = 2 * ROWS_MAX;
    let met = if away { "all replicas at their cut" } else { "all replicas at their cut, RPO met" };
    table.quiet = Some((ROWS_MAX + 1, met));
    table.all = Some(Command::new(Verb::Status).word("-v"));
    for (workspace, group) in entries(status).filter(|(_, group)| group.failed_over.is_none()) {
        let mut cells = vec![
            Phrase::name(label(status, workspace, group)),
            away::cut_cell(group.last_cut.as_ref()).into(),
        ];
        if away {
            cells.push(replicas(workspace, group).into());
        } else {
            cells.extend([lag(group), rpo(group), at_cut(group)].map(Phrase::from));
        }
        let quiet = in_order(workspace, group, away);
        table.rows.push(PageRow { cells, below: vec![], further: vec![], quiet });
    }
    Section::titled("Groups", [Block::Table(table)])
}

fn in_order(workspace: &WorkspaceStatus, group: &GroupStatus, away: bool) -> bool {
    group.protected
        && !is_blocked(workspace, group)
        && !is_failed(workspace, group)
        && paused(group).is_none()
        && (away || group.findings.is_empty() && group.rpo == Rpo::Met)
}

fn lag(group: &GroupStatus) -> String {
    match (group.lag_seconds, group.pending_commits) {
        (Some(..=0), Some(1..)) => "<1s".to_owned(),
        (Some(lag), _) => span(lag),
        (None, _) => "-".to_owned(),
    }
}

fn rpo(group: &GroupStatus) -> String {
    match (group.rpo_seconds, group.rpo) {
        (Some(seconds), Rpo::None | Rpo::Unknown) => span(seconds),
        (Some(seconds), rpo) => format!("{} {}", span(seconds), rpo.as_str()),
        (None, rpo) => rpo.as_str().to_owned(),
    }
}

/// Replicas that hold what the cut says, and those known to be ahead of it.
fn counted(group: &GroupStatus) -> (usize, usize, bool) {
    let holds = |table: &&TableStatus| {
        table.holds_source_version.is_some() && table.holds_source_version == table.cut_version
    };
    let ahead = |table: &&TableStatus| {
        table.holds_source_version > table.cut_version && table.cut_version.is_some()
    };
    let known = group.tables.iter().any(|table| table.replica_version.is_some());
    (group.tables.iter().filter(holds).count(), group.tables.iter().filter(ahead).count(), known)
}

fn at_cut(group: &GroupStatus) -> String {
    match (counted(group), &group.last_cut) {
        (_, None) | ((_, _, false), _) => "-".to_owned(),
        ((here, _, true), Some(_)) => format!("{here} of {}", group.tables.len()),
    }
}

fn replicas(workspace: &WorkspaceStatus, group: &GroupStatus) -> String {
    let RegionsStatus { primary, secondary, shared_answer: _ } = &workspace.regions;
    let ledgers = [primary, secondary]
        .map(|region| if region.reachable { region.ledger } else { LedgerPresence::Unknown });
    match (counted(group), &group.last_cut) {
        (_, None) if ledgers == [LedgerPresence::Unknown; 2] => "not known".to_owned(),
        (_, None) => "never synchronized".to_owned(),
        ((_, _, false), Some(_)) => "not seen".to_owned(),
        ((here, ahead, true), Some(_)) => {
            let drift = |table: &&TableStatus| matches!(table.off_cut, Some(OffCut::Drift { .. }));
            let drift = group.tables.iter().filter(drift).count();
            let mut says = format!("{here} of {} at the cut", group.tables.len());
            for (number, what) in [(ahead, "ahead of it"), (drift, "with drift")] {
                if number > 0 {
                    says.push_str(&format!(", {number} {what}"));
                }
            }
            says
        }
    }
}

/// What each table of a group holds.
pub(super) fn tables(label: String, group: &GroupStatus) -> Section {
    let version = |version: Option<u64>| {
        Phrase::from(version.map_or("-".to_owned(), |version| format!("v{version}")))
    };
    let heads = ["table", "head", "cut", "replica", "holds", "pending"];
    let mut table = PageTable::new(format!("Tables of {label}"), "table", &heads);
    table.label = Some(Phrase::name(label));
    for one in &group.tables {
        let TableStatus {
            table: name,
            source_head,
            cut_version,
            replica_version,
            holds_source_version,
            pending_commits,
            checked: _,
            lost: _,
            cut_replica_version: _,
            off_cut: _,
        } = one;
        let pending = pending_commits.map_or("-".to_owned(), |pending| pending.to_string());
        table.row(vec![
            Phrase::name(name),
            version(*source_head),
            version(*cut_version),
            version(*replica_version),
            version(*holds_source_version),
            pending.into(),
        ]);
    }
    Block::Table(table).into()
}
