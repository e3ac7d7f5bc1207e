//! Mistakes of a configuration: all at once, each with its line, its path and what to do.

use super::Style;
use super::page::{Block, Notes, Page, Phrase, Section};
use crate::config::{Configuration, GroupEntry, Mistake};
use crate::figures::plural;
use crate::harmless::{clean, name};
use crate::layout::{hanging, pad_left, width};

/// `drsync.json has 2 mistakes`.
pub fn headline(configuration: &Configuration) -> String {
    let source = clean(&configuration.source);
    match configuration.mistakes.len() {
        0 => format!("{source} is valid"),
        number => format!("{source} has {}", plural(number, "mistake")),
    }
}

/// Every mistake, aligned under one another; empty where there is none.
pub fn mistakes(configuration: &Configuration, style: &Style) -> String {
    let mistakes = &configuration.mistakes;
    let digits = mistakes.iter().map(|mistake| mistake.line.to_string().len()).max().unwrap_or(1);
    let files = mistakes.iter().any(|mistake| mistake.file != configuration.source);
    let lines = mistakes.iter().flat_map(|mistake| {
        let Mistake { file, line, path: _, group: _, message, remedy } = mistake;
        let mut head = format!("  line {}  ", pad_left(&line.to_string(), digits));
        if files {
            head = format!("  {} {}", clean(file), head.trim_start());
        }
        let mut text = clean(message);
        if let Some(remedy) = remedy {
            text.push_str(&format!(": {}", clean(remedy)));
        }
        place(&head, &clean(&mistake.place()), &text, style.width)
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The same as notes of a page.
pub(super) fn mistaken(configuration: &Configuration) -> Section {
    let files = configuration.mistakes.iter().any(|it| it.file != configuration.source);
    let says = configuration.mistakes.iter().map(|mistake| {
        let Mistake { file, line, path, group: _, message, remedy } = mistake;
        let mut says = Phrase::default();
        if files {
            says = says.and(Phrase::name(file)).and(" ");
        }
        says = says.and(format!("line {line}: "));
        if !path.is_empty() {
            says = says.and(Phrase::name(mistake.place())).and("  ");
        }
        says = says.and(Phrase::said(message));
        if let Some(remedy) = remedy {
            says = says.and(": ").and(Phrase::said(remedy));
        }
        says
    });
    let notes = Notes::of("mistake", says);
    Section { title: Some("Mistakes".to_owned()), ..Block::Notes(notes).into() }
}

/// The path and what is wrong on one line where both fit, else under one another.
fn place(head: &str, path: &str, text: &str, columns: usize) -> Vec<String> {
    if path.is_empty() {
        return hanging(head, text, columns);
    }
    if width(head) + width(path) + 2 + width(text) <= columns {
        return vec![format!("{head}{path}  {text}")];
    }
    let mut lines = vec![format!("{head}{path}")];
    lines.extend(hanging(&" ".repeat(width(head)), text, columns));
    lines
}

/// What there is to say of a configuration where no region was looked at.
pub fn page(configuration: &Configuration) -> Page {
    let names = configuration.workspaces.iter().map(|workspace| workspace.name.as_str());
    let names: Vec<String> = names.map(str::to_owned).collect();
    let valid = configuration.mistakes.is_empty();
    let verdict = if valid { counted(configuration) } else { headline(configuration) };
    let mut page = Page::new("validate", "drsync validate", verdict).of(&names);
    page.say(mistaken(configuration));
    page
}

/// `drsync.json is valid: 1 workspace, 12 groups, 655 tables`.
fn counted(configuration: &Configuration) -> String {
    let groups = || configuration.workspaces.iter().flat_map(|workspace| &workspace.groups);
    let tables: usize = groups()
        .map(|entry| match entry {
            GroupEntry::Valid(group) => group.tables.len(),
            GroupEntry::Invalid { .. } => 0,
        })
        .sum();
    format!(
        "{}: {}, {}, {}",
        headline(configuration),
        plural(configuration.workspaces.len(), "workspace"),
        plural(groups().count(), "group"),
        plural(tables, "table")
    )
}

/// What a valid configuration asks for: every workspace, and with `verbose` every group and table as written.
pub fn valid(configuration: &Configuration, style: &Style) -> String {
    let mut text = format!("{}\n", counted(configuration));
    if !style.verbose {
        return text;
    }
    for workspace in &configuration.workspaces {
        text.push_str(&format!(
            "\n{}  {}\n",
            name(&workspace.name),
            clean(&workspace.address.to_string())
        ));
        text.push_str(&format!("  from  {}\n", clean(workspace.location_primary.as_str())));
        text.push_str(&format!("  to    {}\n", clean(workspace.location_secondary.as_str())));
        for entry in &workspace.groups {
            let GroupEntry::Valid(group) = entry else {
                continue;
            };
            let workflows: Vec<String> = group.workflows.iter().map(name).collect();
            let when = if workflows.is_empty() {
                group.schedule.describe()
            } else {
                format!("after {}", workflows.join(", "))
            };
            text.push_str(&format!("  {}  {}\n", name(&group.name), clean(&when)));
            for table in &group.tables {
                text.push_str(&format!("    {}\n", name(table)));
            }
        }
    }
    text
}
