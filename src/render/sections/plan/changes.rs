//! What the configuration changes: groups that come, go, or get other tables or another workflow.

use std::collections::BTreeSet;

use super::tally::Tally;
use crate::figures::{bytes_short, plural};
use crate::harmless::name;
use crate::plan::Plan;
use crate::plan::document::RowChange;
use crate::render::leaving::tables_kept;
use crate::render::page::{PageTable, Phrase, PhrasePart};
use crate::render::protection::{of_plan, of_whom, weakens};
use crate::render::shown::label;

/// Tables of a group that are named.
const TABLES_NAMED: usize = 20;

/// What the configuration changes.
pub(super) struct MembershipChanges {
    pub(super) groups: Vec<GroupChange>,
}

/// What becomes of one group.
pub(super) struct GroupChange {
    pub(super) label: String,
    pub(super) what: MembershipChange,
    tables_added: Vec<String>,
    /// In no group any more.
    tables_left: Vec<String>,
    /// In another group from now on.
    tables_moved: Vec<String>,
    workflow: Option<(Option<String>, Option<String>)>,
}

/// Whether a group comes, goes or stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MembershipChange {
    New,
    Returned,
    Changed,
    Retired,
}

/// Reads the changes from the rows that an apply would write.
pub(super) fn changes(plan: &Plan) -> MembershipChanges {
    let mut groups = vec![];
    for workspace in &plan.workspaces {
        let kept = tables_kept(workspace);
        groups.extend(workspace.rows.iter().filter_map(|row| {
            let label = label(plan, &workspace.name, &row.after.group_name);
            change(label, row, &kept)
        }));
    }
    MembershipChanges { groups }
}

fn change(label: String, change: &RowChange, kept: &BTreeSet<&String>) -> Option<GroupChange> {
    let after = &change.after;
    let Some(before) = &change.before else {
        return Some(GroupChange {
            label,
            what: MembershipChange::New,
            tables_added: after.tables.clone(),
            tables_left: vec![],
            tables_moved: vec![],
            workflow: None,
        });
    };
    let what = match (before.is_retired(), after.is_retired()) {
        (false, true) => MembershipChange::Retired,
        (true, false) => MembershipChange::Returned,
        (false, false) | (true, true) => MembershipChange::Changed,
    };
    let without = |these: &[String], others: &[String]| -> Vec<String> {
        let known: BTreeSet<&String> = others.iter().collect();
        these.iter().filter(|table| !known.contains(table)).cloned().collect()
    };
    let gone = match what {
        MembershipChange::Retired => before.tables.clone(),
        MembershipChange::New | MembershipChange::Returned | MembershipChange::Changed => {
            without(&before.tables, &after.tables)
        }
    };
    let (tables_moved, tables_left) = gone.into_iter().partition(|table| kept.contains(table));
    let workflow = before.workflow != after.workflow;
    let group = GroupChange {
        label,
        what,
        tables_added: without(&after.tables, &before.tables),
        tables_left,
        tables_moved,
        workflow: workflow.then(|| (before.workflow.clone(), after.workflow.clone())),
    };
    let says = what != MembershipChange::Changed
        || workflow
        || !group.tables_added.is_empty()
        || group.takes_out() > 0;
    says.then_some(group)
}

impl MembershipChanges {
    /// The first line of a plan of what the configuration changes.
    pub(super) fn verdict(&self, plan: &Plan) -> String {
        let mut parts: Vec<String> = weakens(plan).into_iter().collect();
        let others = of_whom(of_plan(plan)).filter(|_| parts.is_empty());
        parts.extend(others.map(|whom| format!("changes settings of {whom}")));
        let of =
            |what: MembershipChange| self.groups.iter().filter(move |group| group.what == what);
        match self.groups.as_slice() {
            [] => {}
            [one] => parts.push(one.sentence()),
            _ => {
                for (what, verb) in [
                    (MembershipChange::New, "adds"),
                    (MembershipChange::Returned, "takes up again"),
                    (MembershipChange::Changed, "changes"),
                    (MembershipChange::Retired, "retires"),
                ] {
                    if of(what).count() > 0 {
                        parts.push(format!("{verb} {}", plural(of(what).count(), "group")));
                    }
                }
            }
        }
        let Tally { sync, blocked, waiting: _, up_to_date: _ } = Tally::of(plan);
        if blocked > 0 {
            parts.push(format!("{} blocked", plural(blocked, "group")));
        }
        if sync > 0 {
            parts.push(match plan.summary.copy_bytes {
                0 => format!("{} to synchronize", plural(sync, "group")),
                size => format!("{} to copy", bytes_short(size)),
            });
        }
        if parts.is_empty() {
            "the configuration changes no group".to_owned()
        } else if sync > 0 || of_plan(plan).next().is_none() {
            parts.join(", ")
        } else {
            format!("{}; copies nothing", parts.join(", "))
        }
    }

    /// A row a group.
    pub(super) fn table(&self) -> PageTable {
        let caption = "What the configuration changes";
        let mut table = PageTable::new(caption, "changed group", &["", "group", "change"]);
        for group in &self.groups {
            let what = group.what.with_symbol().into();
            table.row(vec![what, Phrase::name(&group.label), group.says()]);
        }
        table
    }
}

impl MembershipChange {
    fn with_symbol(self) -> &'static str {
        match self {
            MembershipChange::New => "+ create",
            MembershipChange::Returned => "+ returns",
            MembershipChange::Changed => "~ change",
            MembershipChange::Retired => "- retire",
        }
    }
}

impl GroupChange {
    fn takes_out(&self) -> usize {
        self.tables_left.len() + self.tables_moved.len()
    }

    /// `adds 1 table to core_product`.
    fn sentence(&self) -> String {
        let group = name(&self.label);
        let (added, left) = (self.tables_added.len(), self.takes_out());
        match self.what {
            MembershipChange::New => format!("adds group {group} with {}", plural(added, "table")),
            MembershipChange::Returned => format!("takes up group {group} again"),
            MembershipChange::Retired => format!("retires group {group}"),
            MembershipChange::Changed if added > 0 && left > 0 => {
                format!("adds {} to {group}, takes {left} out", plural(added, "table"))
            }
            MembershipChange::Changed if added > 0 => {
                format!("adds {} to {group}", plural(added, "table"))
            }
            MembershipChange::Changed if left > 0 => {
                format!("takes {} out of {group}", plural(left, "table"))
            }
            MembershipChange::Changed => format!("gives {group} another workflow"),
        }
    }

    fn says(&self) -> Phrase {
        let listed = |tables: &[String]| PhrasePart::Tables(tables.to_vec(), TABLES_NAMED);
        let mut says = vec![];
        if !self.tables_added.is_empty() {
            says.push(Phrase::from("adds ").and(listed(&self.tables_added)));
        }
        if !self.tables_left.is_empty() {
            let stay = ": replicas stay, no longer synchronized";
            says.push(Phrase::from("without ").and(listed(&self.tables_left)).and(stay));
        }
        if !self.tables_moved.is_empty() {
            let moved = Phrase::from("without ").and(listed(&self.tables_moved));
            says.push(moved.and(": now in another group"));
        }
        if let Some((before, after)) = &self.workflow {
            let named =
                |workflow: &Option<String>| workflow.as_ref().map_or("none".into(), Phrase::name);
            let before = Phrase::from("workflow ").and(named(before));
            says.push(before.and(" becomes ").and(named(after)));
        }
        Phrase::join(says, "; ")
    }
}
