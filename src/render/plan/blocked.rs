//! What is blocked: a cause of many groups once, then every group with what blocks it alone.

use std::collections::BTreeSet;

use super::drift;
use crate::command::{Arg, Command, Verb};
use crate::ledger::cut_label;
use crate::plan::{Decision, Finding, GroupPlan, risk};
use crate::render::Page;
use crate::render::away::{self, Away};
use crate::render::causes::{Cause, Repair, causes};
use crate::render::clean::name;
use crate::render::figures::plural;
use crate::render::layout::{few, hanging, indented};
use crate::render::shown::{Entry, Shown};

/// Groups shown with all there is to say; further ones get a line.
const DETAILED_MAX: usize = 3;
/// Groups that get a line; further ones are counted.
const LINES_MAX: usize = 12;
/// Causes of one group told in full.
const CAUSES_MAX: usize = 4;
/// Groups whose acceptances fit one command.
const TOGETHER_MAX: usize = 12;
/// Names of tables under one cause.
const TABLES_MAX: usize = 3;

pub(super) fn blocks(shown: &Shown<'_>, page: &mut Page) {
    let entries: Vec<&Entry<'_>> = shown
        .decided(Decision::Blocked)
        .filter(|entry| !away::only_away(entry.workspace, entry.group))
        .collect();
    let all = causes(
        entries
            .iter()
            .flat_map(|entry| blocking(entry).map(|finding| (entry.label.as_str(), finding))),
    );
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
    let room = shown.room(DETAILED_MAX);
    let detailed = if alone.len() <= room + 1 { alone.len() } else { room };
    for (entry, causes) in &alone[..detailed] {
        page.block(group(shown, entry, causes));
    }
    let rest = &alone[detailed..];
    let mut lines: Vec<String> = rest
        .iter()
        .take(LINES_MAX)
        .flat_map(|(entry, causes)| {
            shown.line(Decision::Blocked, &entry.label, &in_short(entry.group, causes))
        })
        .collect();
    if let Some(more @ 1..) = rest.len().checked_sub(LINES_MAX) {
        let validate = shown.style.said(&Command::new(Verb::Validate));
        let text = format!("every cause with its remedy: {validate}");
        lines.extend(shown.line(Decision::Blocked, &format!("{more} more groups"), &text));
    }
    page.block(lines);
    let all: Vec<Vec<Arg>> = alone
        .iter()
        .map(|(entry, causes)| risks(entry, causes))
        .filter(|risks| !risks.is_empty())
        .collect();
    if (2..=TOGETHER_MAX).contains(&all.len()) {
        page.block(vec![
            format!("To go on all the same with all {} groups", all.len()),
            accept(shown, all.concat()),
        ]);
    }
}

/// A line for every group.
pub(super) fn heads(shown: &Shown<'_>) -> Vec<String> {
    let entries = shown.decided(Decision::Blocked);
    let lines = entries.flat_map(|entry| {
        let all = causes(blocking(entry).map(|finding| (entry.label.as_str(), finding)));
        let text = headline(entry.group, &all.iter().collect::<Vec<_>>());
        shown.line(Decision::Blocked, &entry.label, &text)
    });
    lines.collect()
}

/// The findings of a group that block it, save that a region is away.
fn blocking<'a>(entry: &Entry<'a>) -> impl Iterator<Item = &'a Finding> {
    let away = Away::of(entry.workspace);
    let findings = entry.group.findings.iter();
    findings.filter(move |finding| finding.blocks() && !away.says(finding.code))
}

fn shared_cause(shown: &Shown<'_>, cause: &Cause) -> Vec<String> {
    let groups = plural(cause.groups.len(), "group");
    let about = match cause.subject() {
        subject if subject.is_empty() => cause.code.as_str().to_owned(),
        subject => format!("{}: {subject}", cause.code.as_str()),
    };
    let mut lines = shown.line(Decision::Blocked, &groups, &about);
    lines.extend(seen(shown, cause));
    lines.extend(remedy(shown, cause));
    let names = if shown.style.verbose {
        few(&cause.groups, usize::MAX - 1)
    } else {
        few(&cause.groups, 5)
    };
    lines.extend(fact(shown, "groups", &names));
    lines
}

fn group(shown: &Shown<'_>, entry: &Entry<'_>, causes: &[&Cause]) -> Vec<String> {
    let group = entry.group;
    let mut lines = shown.line(Decision::Blocked, &entry.label, &headline(group, causes));
    let (told, more) = if shown.style.verbose || causes.len() <= CAUSES_MAX + 1 {
        (causes, 0)
    } else {
        (&causes[..CAUSES_MAX], causes.len() - CAUSES_MAX)
    };
    for cause in told {
        if causes.len() > 1 || !cause.tables.is_empty() {
            lines.push(what(cause));
        }
        if !drift::told(group, cause) {
            lines.extend(seen(shown, cause));
        }
        lines.extend(drift::commits(shown, group, cause));
        match &cause.remedy {
            // The command that lets it through follows, with those of the group's other causes.
            Some(Repair::WordsElse(words, _)) => {
                lines.extend(indented(6, words, shown.style.width));
            }
            _ if cause.acceptable => {}
            _ => lines.extend(remedy(shown, cause)),
        }
    }
    if more > 0 {
        let [validate, plan] = [Command::new(Verb::Validate), Command::new(Verb::Plan).word("-v")]
            .map(|command| shown.style.command(&command));
        lines.push(format!("      and {more} more causes: {validate}, or {plan}"));
    }
    lines.extend(facts(shown, group, causes));
    lines.extend(drift::ways_out(entry, told));
    lines.extend(acceptance(shown, entry, told));
    lines
}

/// How much of a group is blocked.
fn headline(group: &GroupPlan, causes: &[&Cause]) -> String {
    let tables: usize = affected(causes);
    if tables == 0 {
        return codes(causes);
    }
    let whole = plural(group.tables.max(tables), "table");
    if causes.iter().all(|cause| drift::is_drift(cause)) {
        format!("{tables} of {whole}: someone else wrote to the replica")
    } else {
        format!("{tables} of {whole}; a group is synchronized as a whole")
    }
}

fn in_short(group: &GroupPlan, causes: &[&Cause]) -> String {
    match affected(causes) {
        0 => codes(causes),
        tables => {
            format!("{tables} of {}: {}", plural(group.tables.max(tables), "table"), codes(causes))
        }
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

/// What was seen: the table and the code.
fn what(cause: &Cause) -> String {
    let code = cause.code.as_str();
    match cause.subject() {
        subject if subject.is_empty() => format!("  ! {code}"),
        subject => format!("  ! {subject}   {code}"),
    }
}

/// The words under it, and of many tables the first.
fn seen(shown: &Shown<'_>, cause: &Cause) -> Vec<String> {
    let columns = shown.style.width;
    let mut lines = vec![];
    let limit = match (shown.style.verbose, cause.messages.len()) {
        (true, _) => usize::MAX,
        (false, ..=TABLES_MAX) => TABLES_MAX,
        (false, _) => 1,
    };
    for message in cause.messages.iter().take(limit) {
        lines.extend(indented(6, message, columns));
    }
    if let Some(more @ 1..) = cause.messages.len().checked_sub(limit) {
        lines.push(format!("      and {more} more like it"));
    }
    if cause.tables.len() > 1 && cause.messages.len() == 1 {
        lines.extend(indented(6, &few(&cause.tables, limit.max(TABLES_MAX)), columns));
    }
    lines
}

fn remedy(shown: &Shown<'_>, cause: &Cause) -> Vec<String> {
    match &cause.remedy {
        Some(Repair::Sql(text) | Repair::Shell(text)) => vec![text.clone()],
        Some(Repair::Command(command)) => vec![shown.style.command(command)],
        Some(Repair::Words(text)) => indented(6, text, shown.style.width),
        Some(Repair::WordsElse(words, command)) => {
            let mut lines = indented(6, &format!("{words}:"), shown.style.width);
            lines.push(shown.style.command(command));
            lines
        }
        None => vec![],
    }
}

/// What the blocking means for the group.
fn facts(shown: &Shown<'_>, group: &GroupPlan, causes: &[&Cause]) -> Vec<String> {
    let mut lines = vec![];
    let tables = affected(causes);
    if tables > 0 && group.tables > tables {
        lines.extend(fact(shown, "held back with it", &plural(group.tables - tables, "table")));
    }
    let keeps = match &group.last_cut {
        Some(cut) => cut_label(cut.number, cut.recovery_point),
        None => "nothing: it was never synchronized".to_owned(),
    };
    lines.extend(fact(shown, "keeps", &keeps));
    lines.extend(lag(shown, group));
    lines
}

/// How far behind the group is, where it is.
pub(super) fn lag(shown: &Shown<'_>, group: &GroupPlan) -> Vec<String> {
    let Some(lag) = group.lag_seconds.filter(|lag| *lag > 0) else {
        return vec![];
    };
    let words = away::lag_words(lag, group.rpo_seconds, shown.plan.created_at);
    fact(shown, "lag", &words)
}

/// `    keeps               cut 17 (…)`.
pub(super) fn fact(shown: &Shown<'_>, label: &str, text: &str) -> Vec<String> {
    hanging(&format!("    {label:<20}"), text, shown.style.width)
}

/// The command that lets what may be accepted of a group through, for this plan only.
fn acceptance(shown: &Shown<'_>, entry: &Entry<'_>, causes: &[&Cause]) -> Vec<String> {
    let risks = risks(entry, causes);
    if risks.is_empty() {
        vec![]
    } else {
        let heading = "To go on all the same, recorded in plan and cut";
        vec![heading.to_owned(), accept(shown, risks)]
    }
}

/// What may be accepted of a group, each `CODE:SCOPE`.
fn risks(entry: &Entry<'_>, causes: &[&Cause]) -> Vec<Arg> {
    let acceptable = causes.iter().filter(|cause| cause.acceptable);
    let all = acceptable.map(|cause| {
        let of = |scope: &str| risk(cause.code.as_str(), scope);
        match (&cause.acceptance, cause.tables.as_slice()) {
            (Some(acceptance), _) => acceptance.risk(),
            (None, [table]) => of(table),
            (None, _) => of(&name(&entry.group.name)),
        }
    });
    all.collect()
}

/// The command that lets risks through, each once.
pub(super) fn accept(shown: &Shown<'_>, risks: Vec<Arg>) -> String {
    let mut seen = BTreeSet::new();
    let each = risks.into_iter().filter(|risk| seen.insert(risk.clone()));
    shown.style.command(&Command::accept(each))
}
