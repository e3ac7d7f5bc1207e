//! The first big sync: many groups and tables at once, told by size.

use super::size::tables;
use super::{blocked, steps};
use crate::command::{Command, Verb};
use crate::plan::{Decision, GroupPlan, Plan, Step};
use crate::render::Page;
use crate::render::clean::{command, name};
use crate::render::figures::{bytes, bytes_short, count, moment, plural, span};
use crate::render::layout::columns;
use crate::render::shown::{Entry, Shown};
use crate::text::shell_word;

/// Groups with a line of their own, the largest.
const GROUPS_MAX: usize = 5;

/// Bytes a second, before anything was copied: what storage of another region takes at least.
const ASSUMED_PACE: u64 = 200 << 20;

/// How much it is, and how the other groups stand.
pub(super) fn clauses(plan: &Plan) -> (String, Vec<String>) {
    let number =
        |decision: Decision| plan.groups().filter(|(_, group)| group.decision == decision).count();
    let tables: usize = plan.groups().map(|(_, group)| group.steps.len()).sum();
    let line = format!(
        "First sync of {}: {}, {} to copy",
        plural(number(Decision::Sync), "group"),
        plural(tables, "table"),
        bytes_short(plan.summary.copy_bytes)
    );
    let others = [
        (number(Decision::Blocked), "blocked"),
        (number(Decision::Waiting), "waiting"),
        (number(Decision::UpToDate), "up to date"),
    ];
    let others = others.into_iter().filter(|(number, _)| *number > 0);
    let goes_on = others.map(|(number, word)| format!("; {number} {word}"));
    (line, goes_on.collect())
}

pub(super) fn blocks(shown: &Shown<'_>, entries: &[&Entry<'_>], page: &mut Page) {
    let mut by_size: Vec<&&Entry<'_>> = entries.iter().collect();
    by_size.sort_by_key(|entry| copy(entry.group));
    let small = if by_size.len() <= GROUPS_MAX + 1 { 0 } else { by_size.len() - GROUPS_MAX };
    let mut rows = vec![["", "", "tables", "copy", "files", "about"].map(str::to_owned).to_vec()];
    if small > 0 {
        let few: Vec<&GroupPlan> = by_size[..small].iter().map(|entry| entry.group).collect();
        rows.push(row("+ create", &format!("{small} groups"), &few));
    }
    for entry in &by_size[small..] {
        rows.push(row("+ create", &entry.label, &[entry.group]));
    }
    let all: Vec<&GroupPlan> = entries.iter().map(|entry| entry.group).collect();
    rows.push(row("", "total", &all));
    let label = plural(entries.len(), "group");
    let mut lines = shown.line(Decision::Sync, &label, "smallest first");
    lines.extend(columns(&rows, &[false, false, true, true, true, true], 2, 2));
    page.block(lines);
    page.block(promises(shown, &by_size));
}

fn row(action: &str, label: &str, groups: &[&GroupPlan]) -> Vec<String> {
    let steps = || groups.iter().flat_map(|group| &group.steps);
    let copy = groups.iter().map(|group| copy(group)).fold(0, u64::saturating_add);
    let files = steps().filter_map(|step| step.estimate).map(|estimate| estimate.copy_files);
    let files = files.fold(0, u64::saturating_add);
    vec![
        action.to_owned(),
        label.to_owned(),
        count(steps().count() as u64),
        bytes(copy),
        count(files),
        span((copy / ASSUMED_PACE) as i64),
    ]
}

fn copy(group: &GroupPlan) -> u64 {
    let estimates = group.steps.iter().filter_map(|step| step.estimate);
    estimates.map(|estimate| estimate.copy_bytes).fold(0, u64::saturating_add)
}

/// What whoever starts it wants to know.
fn promises(shown: &Shown<'_>, by_size: &[&&Entry<'_>]) -> Vec<String> {
    let all = || by_size.iter().flat_map(|entry| &entry.group.steps);
    let pace = format!("at {} MiB/s, assumed; measured while it runs", ASSUMED_PACE >> 20);
    let mut lines = blocked::fact(shown, "time", &pace);
    let largest: Option<&Step> =
        all().max_by_key(|step| step.estimate.map_or(0, |estimate| estimate.copy_bytes));
    if let Some(step) = largest {
        let text =
            format!("{} {}, one statement", name(&step.table), steps::size(std::iter::once(step)));
        lines.extend(blocked::fact(shown, "largest", &text));
    }
    lines.extend(blocked::fact(
        shown,
        "protected",
        "each group from its own first cut on, not at the end",
    ));
    let until = all()
        .filter_map(|step| Some((step.source.readable_until?, step)))
        .min_by_key(|(until, _)| *until);
    if let Some((until, step)) = until {
        let text = format!(
            "every pinned version until {} ({} v{})",
            moment(until),
            name(&step.table),
            step.source.version
        );
        lines.extend(blocked::fact(shown, "readable", &text));
    }
    if let Some(smallest) = by_size.first().filter(|_| by_size.len() > 1) {
        let text = format!("{}, {}", smallest.label, tables(smallest.group));
        lines.extend(blocked::fact(shown, "smallest", &text));
        lines.push("Or begin with it".to_owned());
        let only = Command::new(Verb::Plan).word("--only").word(&*smallest.group.name);
        lines.push(shown.style.command(&only));
    }
    lines
}

/// A name as one word of a shell.
pub fn shell(text: &str) -> String {
    command(&shell_word(text))
}
