//! How a stored plan stands now: whether it can be applied, and for each group that moved why.

use std::collections::BTreeSet;

use super::clean::{clean, name};
use super::figures::{minute, plural, short};
use super::layout::{few, first_line, hanging, pad, width};
use super::run::{REGION_AWAY, blocking};
use super::shown::label;
use super::{Page, Style, Tone};
use crate::apply::{GroupCheck, GroupStanding, PlanCheck};
use crate::command::{Command, Verb};
use crate::ledger::cut_label;
use crate::plan::{Decision, Plan};

/// Groups of one standing that get a line each.
const LINES_MAX: usize = 15;

/// The standing of every group that the plan would synchronize; `file` is where the plan lies.
pub fn text(plan: &Plan, check: &PlanCheck, file: &str, style: &Style) -> String {
    let mut page = Page::default();
    page.block(vec![style.paint(Tone::Strong, &verdict(plan, check))]);
    page.block(groups(plan, check, style));
    let digest = |digest: &str| {
        if style.verbose { clean(digest) } else { format!("{}…", short(&clean(digest))) }
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
    if moved(check) {
        let again = Command::new(Verb::Plan).word("--out").word(file);
        page.block(vec![style.command(&again)]);
    }
    page.text()
}

/// Whether planning again would help: something moved since the plan was made.
fn moved(check: &PlanCheck) -> bool {
    check.exit.code != REGION_AWAY
        && (check.expired()
            || planned(check).any(|group| match group.standing {
                GroupStanding::Stale | GroupStanding::Expired | GroupStanding::Blocked => true,
                GroupStanding::Applicable
                | GroupStanding::Applied
                | GroupStanding::Overtaken
                | GroupStanding::NothingToDo => false,
            }))
}

/// The groups that the plan would synchronize.
fn planned(check: &PlanCheck) -> impl Iterator<Item = &GroupCheck> {
    let groups = check.groups.iter();
    groups.filter(|group| group.decision == Decision::Sync)
}

fn verdict(plan: &Plan, check: &PlanCheck) -> String {
    let head = format!("Plan {}", short(&clean(&check.plan_id)));
    let of = |standing| {
        let alike = planned(check).filter(|group| group.standing == standing);
        alike.count()
    };
    let all = planned(check).count();
    let held = check.groups.iter().filter(|group| group.decision == Decision::Blocked).count();
    let held = (held > 0).then(|| format!("; {held} blocked"));
    let rest: String = [
        (GroupStanding::Stale, "stale"),
        (GroupStanding::Blocked, "blocked"),
        (GroupStanding::Applied, "applied"),
        (GroupStanding::Overtaken, "overtaken"),
    ]
    .into_iter()
    .filter(|(standing, _)| of(*standing) > 0)
    .map(|(standing, word)| format!(", {} {word}", of(standing)))
    .collect();
    if check.expired() {
        let why = if check.outdated {
            format!("is of format version {}", clean(&plan.format_version))
        } else {
            format!("expired at {}", minute(check.expires_at))
        };
        return first_line(format!("{head} {why}{rest}"), held);
    }
    let (applied, overtaken) = (of(GroupStanding::Applied), of(GroupStanding::Overtaken));
    // What could not be looked at says nothing about the plan.
    if check.exit.code == REGION_AWAY && all > 0 && of(GroupStanding::Applicable) == 0 {
        let why = clean(&check.exit.name);
        return format!("{head} cannot be looked at: {why}");
    }
    let said = match (all, of(GroupStanding::Applicable)) {
        (0, _) if !plan.applyable => "does nothing: there is nothing to apply".to_owned(),
        (0, _) if check.metadata_changes || check.exit.code == REGION_AWAY => {
            "can be applied: only metadata tables change".to_owned()
        }
        (0, _) => "does nothing any more: metadata tables are up to date".to_owned(),
        (all, _) if applied == all => format!(
            "was applied by {}: {}",
            runs(check, GroupStanding::Applied),
            plural(all, "group")
        ),
        (all, _) if overtaken == all => {
            format!("is overtaken: others brought {} as far or further", plural(all, "group"))
        }
        (all, _) if applied + overtaken == all => format!(
            "was applied to {} by {}; {overtaken} overtaken",
            plural(applied, "group"),
            runs(check, GroupStanding::Applied)
        ),
        (all, 0) => format!("can no longer be applied: {} planned{rest}", plural(all, "group")),
        (all, some) if some == all => {
            format!("can be applied until {}: {}", minute(check.expires_at), plural(some, "group"))
        }
        (all, some) => format!("can be applied in part: {some} of {all}{rest}"),
    };
    first_line(format!("{head} {said}"), held)
}

/// The applies that committed cuts of the groups that stand so.
fn runs(check: &PlanCheck, standing: GroupStanding) -> String {
    let groups = planned(check).filter(|group| group.standing == standing);
    let runs: BTreeSet<String> = groups
        .filter_map(|group| Some(short(&clean(group.run_id.as_deref()?)).to_owned()))
        .collect();
    few(&runs.into_iter().collect::<Vec<_>>(), 3)
}

fn groups(plan: &Plan, check: &PlanCheck, style: &Style) -> Vec<String> {
    let mut shown: Vec<(&str, String, String)> = vec![];
    let mut lines: Vec<String> = vec![];
    for (standing, word) in [
        (GroupStanding::Blocked, "blocked"),
        (GroupStanding::Stale, "stale"),
        (GroupStanding::Expired, "expired"),
        (GroupStanding::Applied, "applied"),
        (GroupStanding::Overtaken, "overtaken"),
        (GroupStanding::Applicable, "applicable"),
    ] {
        let alike: Vec<&GroupCheck> =
            check.groups.iter().filter(|group| group.standing == standing).collect();
        let limit =
            if style.verbose || alike.len() <= LINES_MAX + 1 { alike.len() } else { LINES_MAX };
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

/// Why it stands so, of a group that the plan blocks its findings; of one that can be synchronized, the cut that would follow.
fn says(plan: &Plan, check: &GroupCheck) -> String {
    let group = plan
        .groups()
        .find(|(workspace, group)| workspace.name == check.workspace && group.name == check.name);
    let Some((workspace, group)) = group else {
        return name(&check.name);
    };
    if let Some(text) = blocking(workspace, group) {
        return text;
    }
    match (&check.message, group.recovery_point) {
        (Some(message), _) => clean(message),
        (None, Some(point)) => cut_label(group.next_cut(), point),
        (None, None) => String::new(),
    }
}
