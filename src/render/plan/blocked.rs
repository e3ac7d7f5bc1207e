//! What is blocked: a cause of many groups once, then every group with what blocks it alone.

use super::{Entry, Shown, drift};
use crate::ledger::cut_label;
use crate::plan::{Decision, Finding, GroupPlan, Severity};
use crate::render::causes::{Cause, Remedy, causes};
use crate::render::clean::{command, name};
use crate::render::figures::plural;
use crate::render::layout::{few, hanging, indented};
use crate::render::{Page, away};

/// Groups shown with all there is to say; further ones get a line.
const DETAILED_MAX: usize = 6;
/// Groups that get a line; further ones are counted.
const LINES_MAX: usize = 12;
/// Names of tables under one cause.
const TABLES_MAX: usize = 3;

pub(super) fn blocks(shown: &Shown<'_>, page: &mut Page) {
    let entries: Vec<&Entry<'_>> = shown
        .decided(Decision::Blocked)
        .filter(|entry| !away::only_away(entry.group))
        .collect();
    let all =
        causes(entries.iter().flat_map(|entry| {
            blocking(entry.group).map(|finding| (entry.label.as_str(), finding))
        }));
    let (shared, own): (Vec<Cause>, Vec<Cause>) =
        all.into_iter().partition(|cause| cause.groups.len() > 1);
    for cause in &shared {
        page.block(shared_cause(shown, cause));
    }
    let alone: Vec<(&&Entry<'_>, Vec<&Cause>)> = entries
        .iter()
        .map(|entry| {
            let theirs = |cause: &&Cause| cause.groups.contains(&entry.label);
            (entry, own.iter().filter(theirs).collect::<Vec<_>>())
        })
        .filter(|(_, causes)| !causes.is_empty())
        .collect();
    let detailed = match shown.style.verbose || alone.len() <= DETAILED_MAX + 1 {
        true => alone.len(),
        false => DETAILED_MAX,
    };
    for (entry, causes) in &alone[..detailed] {
        page.block(group(shown, entry, causes));
    }
    let rest = &alone[detailed..];
    let mut lines: Vec<String> = rest
        .iter()
        .take(LINES_MAX)
        .flat_map(|(entry, causes)| {
            shown.line(
                Decision::Blocked,
                &entry.label,
                &in_short(entry.group, causes),
            )
        })
        .collect();
    if let Some(more @ 1..) = rest.len().checked_sub(LINES_MAX) {
        let text = "every cause with its remedy: drsync validate";
        lines.extend(shown.line(Decision::Blocked, &format!("{more} more groups"), text));
    }
    page.block(lines);
}

/// The findings of a group that block it, save that a region is away.
fn blocking(group: &GroupPlan) -> impl Iterator<Item = &Finding> {
    group
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Block && !away::says_away(finding.code))
}

fn shared_cause(shown: &Shown<'_>, cause: &Cause) -> Vec<String> {
    let groups = plural(cause.groups.len(), "group");
    let mut lines = shown.line(Decision::Blocked, &groups, cause.code.as_str());
    lines.extend(what(shown, cause));
    lines.extend(remedy(shown, cause));
    let names = match shown.style.verbose {
        true => few(&cause.groups, usize::MAX - 1),
        false => few(&cause.groups, 5),
    };
    lines.extend(fact(shown, "groups", &names));
    lines
}

fn group(shown: &Shown<'_>, entry: &Entry<'_>, causes: &[&Cause]) -> Vec<String> {
    let group = entry.group;
    let mut lines = shown.line(Decision::Blocked, &entry.label, &headline(group, causes));
    for cause in causes {
        lines.extend(what(shown, cause));
        lines.extend(drift::commits(shown, group, cause));
        lines.extend(remedy(shown, cause));
    }
    lines.extend(facts(shown, group, causes));
    lines.extend(drift::ways_out(entry, causes));
    lines.extend(acceptance(entry, causes));
    lines
}

/// How much of a group is blocked.
fn headline(group: &GroupPlan, causes: &[&Cause]) -> String {
    let tables: usize = affected(causes);
    if tables == 0 {
        return codes(causes);
    }
    let whole = plural(group.tables.max(tables), "table");
    match causes.iter().all(|cause| drift::is_drift(cause)) {
        true => format!("{tables} of {whole}: someone else wrote to the replica"),
        false => format!("{tables} of {whole}; a group is synchronized as a whole"),
    }
}

fn in_short(group: &GroupPlan, causes: &[&Cause]) -> String {
    match affected(causes) {
        0 => codes(causes),
        tables => format!(
            "{tables} of {}: {}",
            plural(group.tables.max(tables), "table"),
            codes(causes)
        ),
    }
}

fn affected(causes: &[&Cause]) -> usize {
    let mut tables: Vec<&String> = causes.iter().flat_map(|cause| &cause.tables).collect();
    tables.sort();
    tables.dedup();
    tables.len()
}

fn codes(causes: &[&Cause]) -> String {
    let mut codes: Vec<&str> = causes.iter().map(|cause| cause.code.as_str()).collect();
    codes.dedup();
    codes.join(", ")
}

/// What was seen: the table and the code, the words under it, and of many tables the first.
fn what(shown: &Shown<'_>, cause: &Cause) -> Vec<String> {
    let columns = shown.style.width;
    let mut lines = match cause.subject() {
        subject if subject.is_empty() => vec![],
        subject => vec![format!("  ! {subject}   {}", cause.code.as_str())],
    };
    if cause.tables.is_empty() && cause.groups.len() == 1 {
        lines.push(format!("  ! {}", cause.code.as_str()));
    }
    let limit = if shown.style.verbose {
        usize::MAX
    } else {
        TABLES_MAX
    };
    for message in cause.messages.iter().take(limit) {
        lines.extend(indented(6, message, columns));
    }
    if let Some(more @ 1..) = cause.messages.len().checked_sub(limit) {
        lines.push(format!("      and {more} more like it"));
    }
    if cause.tables.len() > 1 && cause.messages.len() == 1 {
        lines.extend(indented(
            6,
            &few(&cause.tables, limit.saturating_sub(1)),
            columns,
        ));
    }
    lines
}

fn remedy(shown: &Shown<'_>, cause: &Cause) -> Vec<String> {
    match &cause.remedy {
        Some(Remedy::Sql(text) | Remedy::Shell(text)) => vec![text.clone()],
        Some(Remedy::Words(text)) => indented(6, text, shown.style.width),
        None => vec![],
    }
}

/// What the blocking means for the group.
fn facts(shown: &Shown<'_>, group: &GroupPlan, causes: &[&Cause]) -> Vec<String> {
    let mut lines = vec![];
    let tables = affected(causes);
    if tables > 0 && group.tables > tables {
        lines.extend(fact(
            shown,
            "held back with it",
            &plural(group.tables - tables, "table"),
        ));
    }
    let keeps = match &group.last_cut {
        Some(cut) => cut_label(cut.number, cut.recovery_point),
        None => "nothing: it was never synchronized".to_owned(),
    };
    lines.extend(fact(shown, "keeps", &keeps));
    if let Some(lag) = group.lag_seconds {
        let words = away::lag_words(lag, group.rpo_seconds, shown.plan.created_at);
        lines.extend(fact(shown, "lag", &words));
    }
    lines
}

/// `    keeps               cut 17 (…)`.
pub(super) fn fact(shown: &Shown<'_>, label: &str, text: &str) -> Vec<String> {
    hanging(&format!("    {label:<20}"), text, shown.style.width)
}

/// The command that lets what may be accepted through, for this plan only.
fn acceptance(entry: &Entry<'_>, causes: &[&Cause]) -> Vec<String> {
    let mut lines = vec![];
    for cause in causes.iter().filter(|cause| cause.code.acceptable()) {
        let given = cause.remedy.as_ref().and_then(Remedy::copied);
        if given.is_some_and(|text| text.contains("--accept")) {
            continue;
        }
        let scope = match cause.tables.as_slice() {
            [table] => table.clone(),
            _ => name(&entry.group.name),
        };
        if lines.is_empty() {
            lines.push("To go on all the same, recorded in plan and cut".to_owned());
        }
        lines.push(accept(cause.code.as_str(), &scope));
    }
    lines
}

/// `drsync plan --accept CODE:SCOPE --reason "…" --out plan.json`.
pub(super) fn accept(code: &str, scope: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let what = match scope.chars().all(plain) {
        true => format!("{code}:{scope}"),
        false => format!("'{code}:{}'", scope.replace('\'', "'\\''")),
    };
    command(&format!(
        "drsync plan --accept {what} --reason \"…\" --out plan.json"
    ))
}
