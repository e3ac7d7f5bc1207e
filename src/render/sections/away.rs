//! Regions that cannot be looked at: what is known of them, and the groups that wait for nothing else.

use crate::figures::{plural, span};
use crate::harmless::clean;
use crate::plan::document::{BothRegions, RegionSeen};
use crate::plan::{GroupPlan, Plan};
use crate::render::away::{cut_cell, describe_region_address, only_away, rpo_cell};
use crate::render::page::{Block, Fact, PageTable, Phrase, Section};
use crate::render::shown::label;

/// Groups that are shown on a screen.
const ROWS_MAX: usize = 12;

/// What is known of the regions of every workspace of which one cannot be looked at.
pub(in crate::render) fn regions(plan: &Plan) -> Section {
    let mut facts = vec![];
    for workspace in &plan.workspaces {
        let BothRegions { primary, secondary, shared_answer } = &workspace.observed;
        if primary.reachable && secondary.reachable {
            continue;
        }
        if plan.workspaces.len() > 1 {
            facts.push(Fact::new("workspace", Phrase::name(&workspace.name)));
        }
        if let Some((address, answer)) = primary.workspace.as_ref().zip(shared_answer.as_ref()) {
            let says = Phrase::from_others(address)
                .and("  ")
                .and(Phrase::from_others(answer))
                .and(", asked ")
                .and(primary.observed_at);
            facts.push(Fact::new("", says));
            continue;
        }
        for (role, seen) in [("primary", primary), ("secondary", secondary)] {
            facts.extend(region(role, seen));
        }
    }
    Section::titled("Regions", [Block::Facts(facts)])
}

fn region(role: &'static str, seen: &RegionSeen) -> Vec<Fact> {
    let location = clean(&seen.location);
    if seen.reachable {
        return vec![Fact::new(role, format!("{location} available"))];
    }
    let under = |label, says: Phrase| Fact::new(label, says).under();
    let answer = seen.answer.as_ref().map_or("none".into(), Phrase::from_others);
    vec![
        Fact::new(role, describe_region_address(role, seen.workspace.as_deref(), &location)),
        under("answer", answer),
        under("asked", seen.observed_at.into()),
    ]
}

/// The groups that only a region holds up: what each keeps, and how far behind it is.
pub(in crate::render) fn groups(plan: &Plan) -> Section {
    let held: Vec<_> =
        plan.groups().filter(|(workspace, group)| only_away(workspace, group)).collect();
    // Of groups that were never synchronized there is nothing to tell.
    let begun = |group: &GroupPlan| group.last_cut.is_some() || group.lag_seconds.is_some();
    if !held.iter().any(|(_, group)| begun(group)) {
        return Section::default();
    }
    let heads = ["group", "cut", "lag", "RPO"];
    let mut table = PageTable::new("Groups that a region holds up", "group", &heads);
    for (workspace, group) in &held {
        table.row(vec![
            Phrase::name(label(plan, &workspace.name, &group.name)),
            cut_cell(group.last_cut.as_ref()).into(),
            group.lag_seconds.map_or("-".to_owned(), span).into(),
            rpo_cell(group.lag_seconds, group.rpo_seconds, plan.created_at).into(),
        ]);
    }
    table.most = ROWS_MAX;
    let others = plan.groups().count() - held.len();
    if others > 0 {
        table.after.push(format!("{}: not held up by it", plural(others, "other group")).into());
    }
    Section::titled("Held up by it", [Block::Table(table)])
}
