//! What is known of a group, each fact with the forms that have room for it.

use std::collections::BTreeSet;

use super::{GroupItem, Verbosity};
use crate::figures::{count, minute, plural, plural_of, span};
use crate::ledger::{Consistency, cut_label};
use crate::plan::document::ColumnChanges;
use crate::plan::{Decision, GroupPlan, Plan};
use crate::render::away;
use crate::render::page::{Fact, Phrase};
use crate::render::sections::plan::steps;
use crate::render::shown::Labelled;

/// Tables whose columns would change that are told where not everything is.
const COLUMNS_TOLD: usize = 3;
/// What is said of columns before the group is synchronized.
const WOULD_CHANGE: &str = "would change";

/// Every fact, in the order in which they are told.
pub(super) fn facts<'a>(
    plan: &Plan,
    group: &GroupPlan,
    depth: Verbosity,
) -> impl Iterator<Item = GroupItem<'a>> {
    let tables = if depth == Verbosity::Full { usize::MAX } else { COLUMNS_TOLD };
    let short = |fact: Option<Fact>| fact.map(|fact| GroupItem::Fact(Verbosity::Short, fact));
    let full = |fact: Option<Fact>| fact.map(|fact| GroupItem::Fact(Verbosity::Full, fact));
    let failed = group.waits_for_a_failed_run();
    let all = [
        short(
            failed.then(|| Fact::new("workflow run", Phrase::from_others(&group.reason.message))),
        ),
        full(group.consistency.map(|it| Fact::new("consistency", consistency(it)))),
        full(certificate(group).map(|it| Fact::new("certificate", it))),
        full(next_cut(group)),
        short(held_back(group)),
        short(columns(group, tables).map(|says| Fact::new(WOULD_CHANGE, says))),
        short(Some(keeps(group))),
        short(pending(group).filter(|_| failed)),
        short(lag(plan, group)),
        short(failed.then(|| synchronized(group))),
        full(group.rpo_seconds.map(|rpo| Fact::new("RPO", span(rpo)))),
        full(Some(Fact::new("tables", count(group.tables as u64)))),
        full(owners(group)),
    ];
    all.into_iter().flatten()
}

/// The cut that a group gets that is synchronized.
fn next_cut(group: &GroupPlan) -> Option<Fact> {
    let cut = match group.follows_cut {
        Some(before) => format!("{}, after cut {before}", before + 1),
        None => "1, the first".to_owned(),
    };
    (group.decision == Decision::Sync).then(|| Fact::new("next cut", cut))
}

/// Tables that nothing is wrong with, which wait for those that block the group.
fn held_back(group: &GroupPlan) -> Option<Fact> {
    let blocking = group.findings.iter().filter(|finding| finding.blocks());
    let tables: BTreeSet<&String> = blocking.filter_map(|it| it.table.as_ref()).collect();
    let others = group.tables.checked_sub(tables.len()).filter(|it| *it > 0 && !tables.is_empty());
    others.map(|others| Fact::new("held back with it", plural(others, "table")))
}

/// What the sync that is held up would change, of each of these groups of which that is known.
pub(in crate::render::sections::plan) fn changing<'a>(
    groups: impl IntoIterator<Item = &'a Labelled<'a>>,
) -> impl Iterator<Item = (Phrase, Phrase)> {
    groups.into_iter().filter_map(|of| {
        let says = Phrase::from(format!("{WOULD_CHANGE} ")).and(columns(of.group, COLUMNS_TOLD)?);
        Some((Phrase::name(&of.label), says))
    })
}

/// The columns that the sync that is held up would change, of so many tables.
fn columns(group: &GroupPlan, most: usize) -> Option<Phrase> {
    let told = group.columns.iter().filter_map(|ColumnChanges { table, change }| {
        Some(Phrase::name(table).and(" ").and(steps::changed(change)?))
    });
    let told: Vec<Phrase> = told.collect();
    (!told.is_empty()).then(|| Phrase::few(told, most))
}

/// The cut that its replicas are at.
fn keeps(group: &GroupPlan) -> Fact {
    let keeps = match &group.last_cut {
        Some(cut) => cut_label(cut.number, cut.recovery_point),
        None => "nothing: it was never synchronized".to_owned(),
    };
    Fact::new("keeps", keeps)
}

/// Commits that are not copied because the run that made them failed.
fn pending(group: &GroupPlan) -> Option<Fact> {
    let pending = group.pending_commits.filter(|pending| *pending > 0)?;
    let yet = if group.crash_consistent_from.is_some() { " yet" } else { "" };
    let commits = plural_of(pending, "commit");
    let text = format!("{commits}: maybe half of a run, so they are not copied{yet}");
    Some(Fact::new("pending", text))
}

/// How far behind the group is, where it is.
fn lag(plan: &Plan, group: &GroupPlan) -> Option<Fact> {
    let lag = group.lag_seconds.filter(|lag| *lag > 0)?;
    Some(Fact::new("lag", away::lag_words(lag, group.rpo_seconds, plan.created_at)))
}

/// When a group is synchronized whose workflow failed.
fn synchronized(group: &GroupPlan) -> Fact {
    let later = group.crash_consistent_from.map_or(String::new(), |from| {
        format!(" or, not tied to a finished run, from {} on (sync_max_lag_minutes)", minute(from))
    });
    Fact::new("synchronized", format!("with the next successful run{later}"))
}

fn owners(group: &GroupPlan) -> Option<Fact> {
    let owners = group.owner_emails.iter().map(Phrase::from_others);
    (!group.owner_emails.is_empty()).then(|| Fact::new("owner", Phrase::join(owners, ", ")))
}

fn consistency(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::WorkflowConsistent => {
            "workflow-consistent: the end of a successful workflow run"
        }
        Consistency::PointInTime => "point-in-time: no workflow of the group was writing",
        Consistency::CrashConsistent => "crash-consistent: not tied to a finished workflow run",
    }
}

/// The newest commit that is in, the recovery point, the oldest commit that stays out.
fn certificate(group: &GroupPlan) -> Option<String> {
    let (certificate, point) = (group.certificate.as_ref()?, group.recovery_point?);
    let exact = crate::moment::text;
    let out = match certificate.oldest_out {
        Some(out) => format!("< {}, the oldest commit that stays out", exact(out)),
        None => "and no newer commit".to_owned(),
    };
    Some(format!(
        "{}, the newest commit that is in, <= {}, the recovery point, {out}",
        exact(certificate.newest_in),
        exact(point)
    ))
}
