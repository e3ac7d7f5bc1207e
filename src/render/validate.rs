//! Everything that would block, cause by cause with one remedy each, and all remedies as one script.

use super::away::{self, Away};
use super::causes::{Cause, Repair, causes};
use super::clean::{clean, name};
use super::figures::plural;
use super::layout::{few, hanging, indented, pad, width};
use super::plan::warnings;
use super::shown::Shown;
use super::{Page, Style, Tone};
use crate::command::{Command, Verb};
use crate::notify::{Doubt, DoubtCode};
use crate::plan::{Observed, Plan, Severity};

/// Causes of one kind that are told each.
const SAME_MAX: usize = 5;

/// What would block which groups, and what repairs it.
pub fn text(plan: &Plan, style: &Style) -> String {
    page(plan, style).text()
}

/// The same without empty lines.
pub fn lines(plan: &Plan, style: &Style) -> Vec<String> {
    page(plan, style).lines()
}

fn page(plan: &Plan, style: &Style) -> Page {
    let shown = Shown::of(plan, *style);
    let causes = all(&shown);
    let mut page = Page::default();
    page.block(vec![style.paint(Tone::Strong, &verdict(plan, &causes))]);
    page.block(away::facts(plan, style));
    let names = causes.iter().map(|cause| width(&head(cause))).max().unwrap_or(0).clamp(24, 44) + 3;
    for same in causes.chunk_by(|one, other| one.code == other.code) {
        let told = if style.verbose || same.len() <= SAME_MAX + 1 { same.len() } else { SAME_MAX };
        for cause in &same[..told] {
            page.block(entry(cause, names, style));
        }
        page.block(more(&same[told..], style));
    }
    page.block(warnings(&shown));
    page.block(unprotected(plan, style));
    let scripted =
        causes.iter().filter(|cause| matches!(cause.remedy, Some(Repair::Sql(_)))).count();
    if scripted > 1 {
        page.block(vec![
            "All statements as one script:".to_owned(),
            style.command(&Command::new(Verb::Validate).word("--sql")),
        ]);
    }
    page
}

/// What will surprise somebody of who is told, below the rest; that no mail is sent at all is said elsewhere.
pub fn doubts(doubts: &[Doubt], style: &Style) -> String {
    let told = doubts.iter().filter(|doubt| doubt.code != DoubtCode::NoMailServer);
    let mut lines = vec![String::new()];
    for doubt in told {
        let text = format!("{}: {}", doubt.workspace, doubt.message);
        lines.extend(hanging("warning   ", &clean(&text), style.width));
    }
    match lines.len() {
        1 => String::new(),
        _ => lines.join("\n") + "\n",
    }
}

fn all(shown: &Shown<'_>) -> Vec<Cause> {
    causes(shown.groups.iter().flat_map(|entry| {
        let away = Away::of(entry.workspace);
        let findings = entry.group.findings.iter();
        findings
            .filter(move |finding| finding.severity == Severity::Block && !away.says(finding.code))
            .map(|finding| (entry.label.as_str(), finding))
    }))
}

fn verdict(plan: &Plan, causes: &[Cause]) -> String {
    if let Some(line) = away::verdict(plan) {
        return line;
    }
    let groups = plan.groups().count();
    let blocked = plan
        .groups()
        .filter(|(_, group)| {
            group.findings.iter().any(|finding| finding.severity == Severity::Block)
        })
        .count();
    if blocked == 0 {
        return match groups {
            1 => "The group is ready".to_owned(),
            _ => format!("All {groups} groups are ready"),
        };
    }
    let mut remedies: Vec<&Repair> =
        causes.iter().filter_map(|cause| cause.remedy.as_ref()).collect();
    remedies.sort();
    remedies.dedup();
    let need = if blocked == 1 { "needs" } else { "need" };
    let mut text = format!(
        "{} of {} {} ready; {blocked} {need} something",
        groups - blocked,
        plural(groups, "group"),
        if groups - blocked == 1 { "is" } else { "are" }
    );
    match remedies.len() {
        0 => {}
        1 => text.push_str(", 1 remedy"),
        many => text.push_str(&format!(", {many} remedies")),
    }
    text
}

/// Further causes of one kind in one entry.
fn more(causes: &[Cause], style: &Style) -> Vec<String> {
    let Some(first) = causes.first() else {
        return vec![];
    };
    let mut groups: Vec<String> = vec![];
    for cause in causes {
        groups.extend(cause.groups.iter().cloned());
    }
    groups.sort();
    groups.dedup();
    let validate = style.said(&Command::new(Verb::Validate).word("-v"));
    let text = format!("{} more, each with its remedy: {validate}", causes.len());
    let mut lines = hanging(&format!("  ! {}   ", first.code.as_str()), &text, style.width);
    lines.extend(indented(6, &few(&groups, 5), style.width));
    lines
}

fn head(cause: &Cause) -> String {
    match cause.subject() {
        subject if subject.is_empty() => cause.code.as_str().to_owned(),
        subject => format!("{} {subject}", cause.code.as_str()),
    }
}

fn entry(cause: &Cause, names: usize, style: &Style) -> Vec<String> {
    let groups =
        if style.verbose { few(&cause.groups, usize::MAX - 1) } else { few(&cause.groups, 2) };
    let mut first = pad(&format!("  ! {}", head(cause)), names + 4);
    if !first.ends_with(' ') {
        first.push_str("   ");
    }
    let mut lines = hanging(&first, &groups, style.width);
    let limit = if style.verbose { usize::MAX } else { 3 };
    for message in cause.messages.iter().take(limit) {
        lines.extend(indented(6, message, style.width));
    }
    if let Some(more @ 1..) = cause.messages.len().checked_sub(limit) {
        lines.push(format!("      and {more} more like it"));
    }
    match &cause.remedy {
        Some(Repair::Sql(text) | Repair::Shell(text)) => lines.push(text.clone()),
        Some(Repair::Command(command)) => lines.push(style.command(command)),
        Some(Repair::Words(text)) => lines.extend(indented(6, text, style.width)),
        Some(Repair::WordsElse(words, command)) => {
            lines.extend(indented(6, &format!("{words}:"), style.width));
            lines.push(style.command(command));
        }
        None => {}
    }
    lines
}

fn unprotected(plan: &Plan, style: &Style) -> Vec<String> {
    let tables: Vec<String> = plan
        .unprotected
        .iter()
        .map(|one| format!("{} ({})", name(&one.table), clean(&one.reason)))
        .collect();
    if tables.is_empty() {
        vec![]
    } else {
        hanging(
            "not copied  ",
            &few(&tables, if style.verbose { usize::MAX - 1 } else { 3 }),
            style.width,
        )
    }
}

/// Every table as it was resolved, group by group.
pub fn names(observed: &Observed) -> String {
    let mut text = String::new();
    for workspace in &observed.workspaces {
        text.push_str(&format!("\n{}\n", name(&workspace.workspace.name)));
        for group in &workspace.groups {
            let label = group.entry.name().unwrap_or("(a group without a name)");
            text.push_str(&format!("  {}\n", name(label)));
            for table in &group.tables {
                text.push_str(&format!("    {}\n", name(&table.name)));
            }
        }
    }
    text
}

/// All remedies as one SQL script: what is not SQL is a comment.
pub fn sql(plan: &Plan) -> String {
    let shown = Shown::of(plan, Style::default());
    let mut script = String::new();
    let mut told: Vec<Repair> = vec![];
    for cause in all(&shown) {
        script.push_str(&format!("-- {} {}\n", head(&cause), few(&cause.groups, 5)));
        match cause.remedy {
            None => script.push_str(&format!("--   {}\n", cause.messages.join("; "))),
            Some(repair) if told.contains(&repair) => script.push_str("--   as above\n"),
            Some(repair) => {
                script.push_str(&match &repair {
                    Repair::Sql(text) => format!("{};\n", text.trim_end_matches(';')),
                    Repair::Shell(text) | Repair::Words(text) => format!("--   {text}\n"),
                    Repair::Command(command) => {
                        format!("--   {}\n", Style::default().command(command))
                    }
                    Repair::WordsElse(words, command) => {
                        format!("--   {words}: {}\n", Style::default().command(command))
                    }
                });
                told.push(repair);
            }
        }
    }
    script
}
