//! What the configuration changes of the protection: what is weaker stands among the dangers, as a table.

use super::{Comment, Detail, heading};
use crate::plan::{Plan, SettingChange};
use crate::render::figures::{minute, plural};
use crate::render::protection::{Told, compared, of_plan, told};
use crate::render::writers::markdown::escape::{code, text};
use crate::text::span;

/// Every setting that is weaker, or how many more there are; `first`: nothing else is a danger.
pub(super) fn weaker(page: &mut Comment, plan: &Plan, first: bool, detail: Detail) {
    let all: Vec<Told> = changes(plan, SettingChange::weakens);
    if all.is_empty() {
        return;
    }
    let most = detail.named.min(50);
    let mut lines = if first { heading("Dangers") } else { String::new() };
    if most > 0 {
        lines.push_str("| | what | setting | now | then |\n|---|---|---|---|---|\n");
    }
    for Told { who, word, setting, before, after } in all.iter().take(most) {
        let (before, after) = (text(before), text(after));
        lines.push_str(&format!("| ! {word} | {} | {setting} | {before} | {after} |\n", code(who)));
    }
    let more = all.len().saturating_sub(most);
    if more > 0 {
        let other = if most == 0 { "weaker setting" } else { "more weaker setting" };
        lines.push_str(&format!("\n{}\n", plural(more, other)));
        page.leave_out(more, "weaker setting");
    }
    page.block(&lines);
    page.block(&unheard(plan, detail));
}

/// What else changes, and with what it was compared.
pub(super) fn others(page: &mut Comment, plan: &Plan, detail: Detail) {
    let all = changes(plan, |change| !change.weakens());
    let most = detail.named.min(20);
    if !all.is_empty() {
        let mut lines = heading("Settings that change otherwise");
        for told in all.iter().take(most) {
            let Told { who, word, setting, before, after } = told;
            let (before, after) = (text(before), text(after));
            lines.push_str(&format!("- {word} {}: {setting}: {before}, then {after}\n", code(who)));
        }
        let more = all.len().saturating_sub(most);
        if more > 0 {
            lines.push_str(&format!("- {}\n", plural(more, "more setting")));
            page.leave_out(more, "setting");
        }
        page.block(&lines);
    }
    let changed = plan.workspaces.iter().filter(|workspace| !workspace.settings_changes.is_empty());
    let mut with: Vec<String> = changed
        .filter_map(|workspace| workspace.settings_compared_with.as_ref())
        .map(|with| text(&compared(with)))
        .collect();
    with.dedup();
    if !with.is_empty() {
        page.block(&format!(
            "These settings hold from the first round after the change is taken in, applied or not.\nCompared with {}.",
            with.join(" and ")
        ));
    }
}

fn changes(plan: &Plan, fits: impl Fn(&SettingChange) -> bool) -> Vec<Told> {
    let several = plan.workspaces.len() > 1;
    let all = of_plan(plan).filter(|(_, change)| fits(change));
    all.map(|(workspace, change)| told(several, workspace, change)).collect()
}

/// Of groups whose objective is longer: from when on somebody would be told of the lag that they have now.
fn unheard(plan: &Plan, detail: Detail) -> String {
    use crate::plan::Setting;
    let mut lines = String::new();
    let weaker = of_plan(plan).filter(|(_, change)| change.weakens());
    let objectives = weaker.filter(|(_, change)| change.setting == Setting::Objective);
    for (workspace, change) in objectives.take(detail.named.min(5)) {
        let group = plan
            .groups()
            .find(|(of, group)| of.name == workspace && Some(&group.name) == change.group.as_ref());
        let Some((_, group)) = group else { continue };
        let (Some(lag @ 1..), Some(rpo)) = (group.lag_seconds, group.rpo_seconds) else {
            continue;
        };
        let left = chrono::Duration::try_seconds(rpo.saturating_sub(lag));
        let Some(then) = left.and_then(|left| plan.created_at.checked_add_signed(left)) else {
            continue;
        };
        lines.push_str(&format!(
            "{} lags {} now: with an objective of {} nobody would be told before {}.\n",
            code(&group.name),
            span(lag),
            span(rpo),
            minute(then)
        ));
    }
    lines
}
