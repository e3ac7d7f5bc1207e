//! How a stored plan stands now: whether it can be applied, and for each group that moved why.

use super::clean::{clean, name};
use super::figures::{minute, plural, short};
use super::layout::{hanging, pad, width};
use super::plan::{label, shell};
use super::run::REGION_AWAY;
use super::{Page, Style, Tone};
use crate::apply::{GroupCheck, GroupStanding, PlanCheck};
use crate::ledger::cut_label;
use crate::plan::Plan;

/// Groups of one standing that get a line each.
const LINES_MAX: usize = 15;

/// The standing of every group that the plan would synchronize; `file` is where the plan lies.
pub fn text(plan: &Plan, check: &PlanCheck, file: &str, style: &Style) -> String {
    let mut page = Page::default();
    page.block(vec![style.paint(Tone::Strong, &verdict(plan, check))]);
    page.block(groups(plan, check, style));
    let digest = |digest: &str| match style.verbose {
        true => clean(digest),
        false => format!("{}…", short(&clean(digest))),
    };
    page.block(hanging(
        "",
        &format!(
            "unaltered: effect {} recomputed; file sha256 {}",
            digest(&check.effect_sha256),
            digest(&check.plan_sha256)
        ),
        style.width,
    ));
    if !matches!(check.exit.code, 0 | 8) {
        page.block(vec![format!("drsync plan --out {}", shell(file))]);
    }
    page.text()
}

fn number(check: &PlanCheck, standing: GroupStanding) -> usize {
    let alike = check
        .groups
        .iter()
        .filter(|group| group.standing == standing);
    alike.count()
}

fn verdict(plan: &Plan, check: &PlanCheck) -> String {
    let id = clean(&check.plan_id);
    let head = format!("Plan {}", short(&id));
    let of = |standing| number(check, standing);
    let (applicable, overtaken) = (of(GroupStanding::Applicable), of(GroupStanding::Overtaken));
    let planned = check.groups.len() - of(GroupStanding::NothingToDo);
    let mut rest: Vec<String> = vec![];
    for (standing, word) in [
        (GroupStanding::Stale, "stale"),
        (GroupStanding::Blocked, "blocked"),
        (GroupStanding::Overtaken, "overtaken"),
    ] {
        if of(standing) > 0 {
            rest.push(format!("{} {word}", of(standing)));
        }
    }
    let rest = match rest.is_empty() {
        true => String::new(),
        false => format!(", {}", rest.join(", ")),
    };
    if of(GroupStanding::Expired) > 0 {
        return format!("{head} expired at {}{rest}", minute(check.expires_at));
    }
    if planned > 0 && overtaken == planned {
        return format!(
            "{head} was completed: {} overtaken",
            plural(overtaken, "group")
        );
    }
    // What could not be looked at says nothing about the plan.
    if check.exit.code == REGION_AWAY && applicable == 0 {
        return format!("{head} cannot be looked at: {}", clean(&check.exit.name));
    }
    match (planned, applicable) {
        (0, _) if !plan.applyable => format!("{head} does nothing: there is nothing to apply"),
        (0, _) => format!("{head} can be applied: only metadata tables change"),
        (_, 0) => format!(
            "{head} can no longer be applied: {} planned{rest}",
            plural(planned, "group")
        ),
        (_, some) if some == planned => format!(
            "{head} can be applied: {}, until {}",
            plural(some, "group"),
            minute(check.expires_at)
        ),
        (_, some) => format!(
            "{head} can be applied in part: {some} of {}{rest}",
            plural(planned, "group")
        ),
    }
}

fn groups(plan: &Plan, check: &PlanCheck, style: &Style) -> Vec<String> {
    let mut shown: Vec<(&str, String, String)> = vec![];
    let mut lines: Vec<String> = vec![];
    for (standing, word) in [
        (GroupStanding::Blocked, "blocked"),
        (GroupStanding::Stale, "stale"),
        (GroupStanding::Expired, "expired"),
        (GroupStanding::Overtaken, "overtaken"),
        (GroupStanding::Applicable, "applicable"),
    ] {
        let alike: Vec<&GroupCheck> = check
            .groups
            .iter()
            .filter(|group| group.standing == standing)
            .collect();
        let limit = match style.verbose || alike.len() <= LINES_MAX + 1 {
            true => alike.len(),
            false => LINES_MAX,
        };
        for group in &alike[..limit] {
            let label = label(plan, &group.workspace, &group.name);
            shown.push((word, label, says(plan, group)));
        }
        if limit < alike.len() {
            let more = plural(alike.len() - limit, "more group");
            shown.push((word, more, String::new()));
        }
    }
    let names = shown.iter().map(|(_, label, _)| width(label)).max();
    let names = names.unwrap_or(0).clamp(14, 28) + 3;
    for (word, label, text) in shown {
        let head = format!("{}  {}", pad(word, 10), pad(&label, names));
        lines.extend(hanging(&head, &text, style.width));
    }
    lines
}

/// Why it stands so; of a group that can be synchronized, the cut that would follow.
fn says(plan: &Plan, check: &GroupCheck) -> String {
    if let Some(message) = &check.message {
        return clean(message);
    }
    let group = plan
        .groups()
        .find(|(workspace, group)| workspace.name == check.workspace && group.name == check.name);
    let Some((_, group)) = group else {
        return name(&check.name);
    };
    match group.recovery_point {
        Some(point) => cut_label(group.follows_cut.unwrap_or_default() + 1, point),
        None => String::new(),
    }
}
