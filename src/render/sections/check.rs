//! How a stored plan stands now: whether it can be applied, and for each group that moved why.

use std::collections::BTreeSet;

use super::findings::blocking;
use super::run::REGION_AWAY;
use crate::apply::{GroupCheck, GroupStanding, PlanCheck};
use crate::command::{Command, Verb};
use crate::figures::{Ends, minute, plural};
use crate::harmless::clean;
use crate::layout::{few, first_line};
use crate::ledger::cut_label;
use crate::plan::{Decision, Plan};
use crate::render::page::{
    Block, Copied, Entries, Page, PageEntry, Phrase, PhrasePart, Section, Tone,
};
use crate::render::shown::{PlannedGroups, label};

/// The standing of every group that the plan would synchronize; `file` is where the plan lies.
pub fn page(plan: &Plan, check: &PlanCheck, file: &str) -> Page {
    let workspaces = plan.workspaces.iter().map(|workspace| &workspace.name);
    let mut page = Page::new("check", "drsync check", verdict(plan, check)).of(workspaces);
    page.say(Block::Entries(Entries::new("group", entries(plan, check))));
    page.fit(12, 14);
    let unaltered = Phrase::from("unaltered: effect ")
        .and(PhrasePart::Digest(check.effect_sha256.clone()))
        .and(" recomputed; file sha256 ")
        .and(PhrasePart::Digest(check.plan_sha256.clone()));
    page.say(Block::Words(unaltered));
    if moved(check) {
        let again = Command::new(Verb::Plan).word("--out").word(file);
        page.say(Section::titled("Plan again", [Block::Copied(Copied::command(again))]));
    }
    page
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
    let committed = check.groups.iter().filter_map(|group| group.run_id.as_deref());
    let ends = Ends::of(committed.chain([check.plan_id.as_str()]));
    let head = format!("Plan {}", ends.end(&clean(&check.plan_id)));
    let of = |standing| {
        let alike = planned(check).filter(|group| group.standing == standing);
        alike.count()
    };
    let all = planned(check).count();
    let held = check.groups.iter().filter(|group| group.decision == Decision::Blocked).count();
    let held = (held > 0).then(|| format!("; {held} blocked"));
    let rest = count_the_rest(check);
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
            runs(check, GroupStanding::Applied, ends),
            plural(all, "group")
        ),
        (all, _) if overtaken == all => {
            format!("is overtaken: others brought {} as far or further", plural(all, "group"))
        }
        (all, _) if applied + overtaken == all => format!(
            "was applied to {} by {}; {overtaken} overtaken",
            plural(applied, "group"),
            runs(check, GroupStanding::Applied, ends)
        ),
        (all, 0) => format!("can no longer be applied: {} planned{rest}", plural(all, "group")),
        (all, some) if some == all => {
            format!("can be applied until {}: {}", minute(check.expires_at), plural(some, "group"))
        }
        (all, some) => format!("can be applied in part: {some} of {all}{rest}"),
    };
    first_line(format!("{head} {said}"), held)
}

/// How many groups stand otherwise than applicable.
fn count_the_rest(check: &PlanCheck) -> String {
    let words = [
        (GroupStanding::Stale, "stale"),
        (GroupStanding::Blocked, "blocked"),
        (GroupStanding::Applied, "applied"),
        (GroupStanding::Overtaken, "overtaken"),
    ];
    let counted = words.map(|(standing, word)| {
        let alike = planned(check).filter(|group| group.standing == standing);
        (alike.count(), word)
    });
    let there = counted.into_iter().filter(|(count, _)| *count > 0);
    there.map(|(count, word)| format!(", {count} {word}")).collect()
}

/// The applies that committed cuts of the groups that stand so.
fn runs(check: &PlanCheck, standing: GroupStanding, ends: Ends) -> String {
    let groups = planned(check).filter(|group| group.standing == standing);
    let runs: BTreeSet<String> = groups
        .filter_map(|group| Some(ends.end(&clean(group.run_id.as_deref()?)).to_owned()))
        .collect();
    few(&runs.into_iter().collect::<Vec<_>>(), 3)
}

fn entries(plan: &Plan, check: &PlanCheck) -> Vec<PageEntry> {
    let standings = [
        (GroupStanding::Blocked, "blocked", Tone::Bad),
        (GroupStanding::Stale, "stale", Tone::Bad),
        (GroupStanding::Expired, "expired", Tone::Wait),
        (GroupStanding::Applied, "applied", Tone::Good),
        (GroupStanding::Overtaken, "overtaken", Tone::Good),
        (GroupStanding::Applicable, "applicable", Tone::Good),
    ];
    let planned = &PlannedGroups::of(plan);
    let entries = standings.into_iter().flat_map(|(standing, word, tone)| {
        let alike = check.groups.iter().filter(move |group| group.standing == standing);
        alike.map(move |group| {
            let label = Phrase::name(label(plan, &group.workspace, &group.name));
            PageEntry::new(word, tone, label, says(planned, group))
        })
    });
    entries.collect()
}

/// Why it stands so, of a group that the plan blocks its findings; of one that can be synchronized, the cut that would follow.
fn says(plan: &PlannedGroups<'_>, check: &GroupCheck) -> Phrase {
    let Some((workspace, group)) = plan.find(&check.workspace, &check.name) else {
        return Phrase::name(&check.name);
    };
    if let Some(says) = blocking(workspace, group) {
        return says;
    }
    match (&check.message, group.recovery_point) {
        (Some(message), _) => Phrase::from_others(message),
        (None, Some(point)) => cut_label(group.next_cut(), point).into(),
        (None, None) => Phrase::default(),
    }
}
