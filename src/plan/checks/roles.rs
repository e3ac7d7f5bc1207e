//! That another side is active of a group, or may be: then nothing of it is looked at further, and nothing is written to its tables.
//! Pure.

use std::collections::BTreeMap;

use super::{Deed, Finding, FindingCode, finding};
use crate::config::TableName;
use crate::ledger::{Cut, CutKind, Roles};
use crate::moment;
use crate::plan::WorkspaceObserved;
use crate::plan::failover::active::failed_over;
use crate::plan::failover::{FailedOver, GivenUp};
use crate::plan::view::GroupView;
use crate::plan::witness::WitnessedRole;

/// What a cut means for whoever would bring its group on from its home: the finding, and what is said of it.
pub fn told_of_roles(cut: &Cut) -> (FindingCode, String) {
    if let Some(CutKind::Unknown(kind)) = &cut.kind {
        let text = format!(
            "{} is of the kind {kind}, which drsync {} does not know: it needs the version that wrote it, a newer one ({} at {})",
            cut.label(),
            env!("CARGO_PKG_VERSION"),
            cut.committed_by,
            moment::text(cut.committed_at)
        );
        return (FindingCode::LedgerNewer, text);
    }
    let active = cut.active.as_deref().unwrap_or("another side");
    let text = format!(
        "{active} is active since {}, by {} (cut {}, epoch {}); nothing is written to its tables",
        moment::text(cut.committed_at),
        cut.committed_by,
        cut.cut_number,
        cut.epoch
    );
    (FindingCode::FailedOver, text)
}

/// That another side is active, as the cut log says, or that what it says of that does not hold.
pub(super) fn role_finding(view: &GroupView<'_>) -> Option<Finding> {
    let sides = view.workspace.workspace.sides();
    let group = &view.group.name;
    let found = match view.workspace.ledger.cuts.roles(group, &sides) {
        Roles::Home => return None,
        Roles::FailedOver(cut) => {
            let (code, text) = told_of_roles(cut);
            let over = failed_over(view.workspace, group, &view.seen.tables);
            let text = format!("{text}{}", over.map(lost).unwrap_or_default());
            finding(code, None, text).deed(Deed::LeaveToActive { side: sides.other.clone() })
        }
        Roles::Unnamed(cut) if view.workspace.witnessed.tells_side_of(cut) => {
            let (code, text) = told_of_roles(cut);
            let active = cut.active.as_deref().unwrap_or_default();
            let text = format!(
                "{text}; the configuration no longer names {active}: its sides are {} and {}",
                sides.home, sides.other
            );
            finding(code, None, text).deed(Deed::NameSecondary { name: active.to_owned() })
        }
        Roles::Unnamed(cut) => {
            let active = cut.active.as_deref().unwrap_or_default();
            let earlier = view.workspace.ledger.cuts.of(group);
            let before = earlier.filter(|earlier| earlier.cut_number < cut.cut_number).last();
            let text = format!(
                "{} does not hold: it makes {active} active, and the sides are {} and {}; it stands after {}",
                row(cut),
                sides.home,
                sides.other,
                before.map_or("no cut before it".to_owned(), row)
            );
            let deed = Deed::NameSecondaryOrDeleteRoleRow { name: active.to_owned() };
            finding(FindingCode::LedgerDiverged, None, text).deed(deed)
        }
        Roles::Newer(cut) => {
            let (code, text) = told_of_roles(cut);
            finding(code, None, text).deed(Deed::Upgrade)
        }
        Roles::Broken { cut, before, why } => {
            let before = before.map_or("no cut before it".to_owned(), row);
            let text = format!("{} does not hold: {why}; it stands after {before}", row(cut));
            finding(FindingCode::LedgerDiverged, None, text).deed(Deed::DeleteRoleRow)
        }
    };
    Some(found)
}

/// Tables of groups that another side is active of, in small letters, with the name of the group and what is told of its roles.
///
/// A group of another name does not take its roles along, and its tables are the same.
#[derive(Debug, Default)]
pub(super) struct TablesOver(BTreeMap<String, (String, String)>);

impl TablesOver {
    /// Those of a workspace's cut log.
    pub(super) fn of(workspace: &WorkspaceObserved) -> TablesOver {
        let sides = workspace.workspace.sides();
        let cuts = &workspace.ledger.cuts;
        let mut over = BTreeMap::new();
        for newest in cuts.newest_of_each() {
            // Only a cut that says so is away: no other costs a look at its group's log.
            if !newest.is_away_from(&sides.home) {
                continue;
            }
            let (Roles::FailedOver(cut) | Roles::Unnamed(cut)) =
                cuts.roles(&newest.group_name, &sides)
            else {
                continue;
            };
            let (_, text) = told_of_roles(cut);
            for entry in &newest.tables {
                let of = (newest.group_name.clone(), text.clone());
                over.insert(entry.table.to_string().to_lowercase(), of);
            }
        }
        TablesOver(over)
    }

    /// That another side is active of a table of a group, under another group's name.
    pub(super) fn finding(&self, view: &GroupView<'_>) -> Option<Finding> {
        let own = &view.group.name;
        let mut tables = view.tables().filter_map(|table| {
            let (group, text) = self.0.get(&table.name.to_string().to_lowercase())?;
            (group != own).then_some((&table.name, group, text))
        });
        let (table, group, text) = tables.next()?;
        let text = format!("{table} is of the group {group} in the cut log, and of that {text}");
        Some(
            finding(FindingCode::FailedOver, None, text)
                .deed(Deed::ComeBack { group: group.clone() }),
        )
    }
}

/// What was lost with it, as far as that is known.
fn lost(over: FailedOver) -> String {
    let FailedOver { given_up, lost, .. } = over;
    let given_up = given_up.map_or(String::new(), |GivenUp { first, last }| match last {
        last if last == first => format!("; cut {first} was given up"),
        last => format!("; cuts {first} to {last} were given up"),
    });
    let lost =
        lost.map_or(String::new(), |lost| format!("; lost with it: {}", lost.describe_loss()));
    format!("{given_up}{lost}")
}

/// A row of the log, with what it says of roles.
fn row(cut: &Cut) -> String {
    let kind = match &cut.kind {
        Some(CutKind::Role) => "role",
        Some(CutKind::Unknown(kind)) => kind,
        Some(CutKind::Sync) | None => "sync",
    };
    format!(
        "cut {} ({kind}, active {}, epoch {}, by {} at {}, run {})",
        cut.cut_number,
        cut.active.as_deref().unwrap_or("home"),
        cut.epoch,
        cut.committed_by,
        moment::text(cut.committed_at),
        cut.run_id
    )
}

/// That a replica carries the mark of a change of role that the log does not have, or that a run record tells of one.
pub(super) fn behind_finding(view: &GroupView<'_>) -> Option<Finding> {
    let known = view.last_cut.map_or(0, |cut| cut.epoch);
    let marked = view.tables().filter_map(|table| Some((&table.name, table.replica()?.epoch?)));
    let (_, text) = told_of_behind(known, marked, told_by_record(view))?;
    Some(finding(FindingCode::LedgerBehind, None, text).deed(Deed::PutChangeOfRoleBack))
}

/// The epoch that a cut log of a group lacks, and how that is known: by what its replicas are marked with, or by a run record.
///
/// `known` is the epoch that the log ends with. `None`: nothing tells of a later one.
pub fn told_of_behind<'a>(
    known: u64,
    marked: impl Iterator<Item = (&'a TableName, u64)>,
    told: Option<&WitnessedRole>,
) -> Option<(u64, String)> {
    let marked = marked.max_by_key(|(_, epoch)| *epoch).filter(|(_, epoch)| *epoch > known);
    let (epoch, seen) = match (marked, told) {
        (Some((table, epoch)), _) => {
            (epoch, format!("the replica of {table} is marked with epoch {epoch}"))
        }
        (None, Some(WitnessedRole { role, run_id })) if role.epoch > known => {
            let active = role.active.as_deref().unwrap_or("another side");
            let seen = format!(
                "apply {run_id} recorded that {active} is active (cut {}, epoch {})",
                role.cut, role.epoch
            );
            (role.epoch, seen)
        }
        (None, Some(_) | None) => return None,
    };
    let text = format!(
        "{seen}, and the cut log knows {known}: it was put back from an older copy, or a change of role is missing in it"
    );
    Some((epoch, text))
}

/// The change of role that run records tell of; the secondary's log has to be read for it to be missing there.
fn told_by_record<'a>(view: &GroupView<'a>) -> Option<&'a WitnessedRole> {
    view.workspace.secondary.ledger.as_ref().ok()?;
    let newest = view.last_cut.map(|cut| cut.cut_number);
    view.workspace.witnessed.role_of(&view.group.name, newest)
}
