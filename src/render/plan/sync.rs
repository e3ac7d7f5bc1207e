//! What is synchronized: a line a group, and of the tables those that matter.

use std::collections::BTreeSet;

use super::size::{is_big, many_tables};
use super::{first, steps};
use crate::plan::document::Trigger;
use crate::plan::{Action, Decision, GroupPlan, Step, TriggerKind};
use crate::render::Page;
use crate::render::clean::{clean, name};
use crate::render::figures::moment;
use crate::render::shown::{Entry, Shown};

/// Groups with a line of their own where tables are not shown.
const GROUPS_MAX: usize = 12;
/// The largest copies are shown among many.
const LARGEST: usize = 5;
/// Tables shown among many, whatever the reason.
const NOTABLE_MAX: usize = 12;

pub(super) fn blocks(shown: &Shown<'_>, page: &mut Page) {
    let entries: Vec<&Entry<'_>> = shown.decided(Decision::Sync).collect();
    if shown.style.verbose || !many_tables(shown.plan) {
        for entry in &entries {
            let mut lines = headline(shown, entry);
            let steps: Vec<&Step> = entry.group.steps.iter().collect();
            lines.extend(steps::lines(&steps, &shown.style));
            page.block(lines);
        }
        return;
    }
    if is_big(shown.plan) {
        return first::blocks(shown, &entries, page);
    }
    let notable = notable(shown, &entries);
    let listed = listed(shown.room(GROUPS_MAX), &entries, &notable);
    let mut plain = vec![];
    for at in &listed {
        let entry = entries[*at];
        let (told, rest): (Vec<&Step>, Vec<&Step>) =
            entry.group.steps.iter().partition(|step| notable.contains(step.id.as_str()));
        let mut lines = headline(shown, entry);
        lines.extend(steps::lines(&told, &shown.style));
        lines.extend(steps::counted(&rest, &shown.style));
        if told.is_empty() { plain.append(&mut lines) } else { page.block(lines) }
    }
    page.block(plain);
    let others: Vec<&Step> = entries
        .iter()
        .enumerate()
        .filter(|(at, _)| !listed.contains(at))
        .flat_map(|(_, entry)| &entry.group.steps)
        .collect();
    if listed.len() < entries.len() {
        let label = format!("{} more groups", entries.len() - listed.len());
        let mut lines = shown.line(Decision::Sync, &label, "all tables with -v");
        lines.extend(steps::counted(&others, &shown.style));
        page.block(lines);
    }
}

/// Tables worth a line among many: new ones in old groups, those with a warning, and the largest copies.
fn notable<'a>(shown: &Shown<'_>, entries: &[&Entry<'a>]) -> BTreeSet<&'a str> {
    let clones = || {
        entries.iter().flat_map(|entry| {
            let steps = entry.group.steps.iter();
            steps.filter(|step| step.action != Action::NoOp).map(move |step| (entry.group, step))
        })
    };
    let warned: BTreeSet<&str> =
        shown.plan.warnings.iter().filter_map(|warning| warning.table.as_deref()).collect();
    let mut largest: Vec<(u64, &Step)> =
        clones().filter_map(|(_, step)| Some((step.estimate?.copy_bytes, step))).collect();
    largest.sort_by_key(|(bytes, step)| (std::cmp::Reverse(*bytes), step.id.as_str()));
    let largest = largest.into_iter().take(LARGEST).map(|(_, step)| step);
    let added = clones()
        .filter(|(group, step)| step.action == Action::Create && group.follows_cut.is_some())
        .map(|(_, step)| step);
    let warned = clones()
        .filter(|(_, step)| warned.contains(step.table.to_string().as_str()))
        .map(|(_, step)| step);
    let mut notable = BTreeSet::new();
    for step in largest.chain(added).chain(warned) {
        if notable.len() == NOTABLE_MAX {
            break;
        }
        notable.insert(step.id.as_str());
    }
    notable
}

/// Places of the groups that get a line: those with a table to show, then the largest.
fn listed(room: usize, entries: &[&Entry<'_>], notable: &BTreeSet<&str>) -> BTreeSet<usize> {
    let mut order: Vec<(bool, u64, usize)> = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| {
            let steps = &entry.group.steps;
            let plain = !steps.iter().any(|step| notable.contains(step.id.as_str()));
            let bytes = steps
                .iter()
                .filter_map(|step| step.estimate)
                .map(|estimate| estimate.copy_bytes)
                .fold(0, u64::saturating_add);
            (plain, u64::MAX - bytes, at)
        })
        .collect();
    order.sort_unstable();
    let limit = if order.len() <= room + 1 { order.len() } else { room };
    order[..limit].iter().map(|(_, _, at)| *at).collect()
}

/// `sync     core_product      to 2026-11-22 09:41:07Z, end of core_product_job run 98231`.
fn headline(shown: &Shown<'_>, entry: &Entry<'_>) -> Vec<String> {
    shown.line(Decision::Sync, &entry.label, &to(entry.group))
}

/// Where a group is brought, and why now.
pub(in crate::render) fn to(group: &GroupPlan) -> String {
    let why = why(group);
    match group.recovery_point {
        Some(point) => format!("to {}, {why}", moment(point)),
        None => why,
    }
}

fn why(group: &GroupPlan) -> String {
    let said = clean(&group.reason.message);
    let Some(Trigger { kind, workflow, run_id }) = &group.trigger else {
        return said;
    };
    let run = match (workflow, run_id) {
        (Some(workflow), Some(run)) => Some(format!("end of {} run {run}", name(workflow))),
        (None, Some(run)) => Some(format!("end of workflow run {run}")),
        (_, None) => None,
    };
    match kind {
        TriggerKind::Workflow => run.unwrap_or(said),
        // Steps that create say that the group is new.
        TriggerKind::FirstSync => {
            run.unwrap_or_else(|| group.reason.why_now.as_ref().map_or(said, clean))
        }
        TriggerKind::Schedule => said,
        TriggerKind::Repair => format!("repair: {said}"),
        TriggerKind::MaxLag => format!("not tied to a finished workflow run: {said}"),
    }
}
