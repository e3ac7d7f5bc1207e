//! What a reviewer must not miss: risks that were accepted, what others wrote and is lost, what is no longer synchronized.

use super::changes::{Changes, What};
use super::escape::{code, text};
use super::{Comment, Detail, decided, heading, names, settings};
use crate::ledger::Consistency;
use crate::plan::{Decision, Plan};
use crate::render::figures::plural;
use crate::render::leaving::tables_left;
use crate::render::shown::label;

/// Every kind of danger keeps its line and its number, whatever is left out.
pub(super) fn block(page: &mut Comment, plan: &Plan, changes: &Changes, detail: Detail) {
    let mut lines = String::new();
    for region in away(plan) {
        lines.push_str(&format!("- {region}\n"));
    }
    lines.push_str(&accepted(plan, detail));
    let lost: Vec<String> = decided(plan, Decision::Sync)
        .flat_map(|(_, group)| &group.drift)
        .filter(|drift| !drift.theirs.is_empty())
        .map(|drift| drift.table.to_string())
        .collect();
    lines.push_str(&kind(page, "what others wrote to the replica is lost", &lost, detail, "table"));
    let torn: Vec<String> = decided(plan, Decision::Sync)
        .filter(|(_, group)| group.consistency == Some(Consistency::CrashConsistent))
        .map(|(workspace, group)| label(plan, &workspace.name, &group.name))
        .collect();
    let words = "a cut that is not tied to a finished workflow run";
    lines.push_str(&kind(page, words, &torn, detail, "group"));
    let retired = changes.groups.iter().filter(|group| group.what == What::Retired);
    let retired: Vec<String> = retired.map(|group| group.label.clone()).collect();
    lines.push_str(&kind(page, "no longer synchronized", &retired, detail, "group"));
    let left: Vec<String> = plan.workspaces.iter().flat_map(tables_left).cloned().collect();
    lines.push_str(&kind(page, "no longer synchronized", &left, detail, "table"));
    if plan.observed_clock.overridden {
        lines.push_str("- the clock was set by `DRSYNC_NOW`\n");
    }
    if !lines.is_empty() {
        page.block(&format!("{}{lines}", heading("Dangers")));
    }
    settings::weaker(page, plan, lines.is_empty(), detail);
}

fn away(plan: &Plan) -> Vec<&'static str> {
    let mut away = vec![];
    let seen = || plan.workspaces.iter().map(|workspace| &workspace.observed);
    if seen().any(|seen| seen.primary.is_away()) {
        away.push("the primary region does not answer");
    }
    if seen().any(|seen| seen.primary.refused.is_some()) {
        away.push("the primary region cannot be read");
    }
    if seen().any(|seen| seen.secondary.is_away()) {
        away.push("the secondary region does not answer");
    }
    if seen().any(|seen| seen.secondary.refused.is_some()) {
        away.push("the secondary region cannot be read");
    }
    away
}

fn accepted(plan: &Plan, detail: Detail) -> String {
    let mut lines = String::new();
    for risk in plan.accepted.iter().take(detail.named) {
        lines.push_str(&format!(
            "- accepted {} for {}: {}\n",
            code(&risk.code),
            code(&risk.scope),
            text(&risk.reason)
        ));
    }
    let more = plan.accepted.len().saturating_sub(detail.named);
    if more > 0 {
        lines.push_str(&format!("- {}\n", plural(more, "more accepted risk")));
    }
    lines
}

fn kind(page: &mut Comment, what: &str, of: &[String], detail: Detail, noun: &str) -> String {
    if of.is_empty() {
        String::new()
    } else {
        format!("- {what}: {}\n", names(page, of, detail.named, noun))
    }
}
