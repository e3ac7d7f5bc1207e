//! A configuration: its mistakes, all at once, and what a valid one asks for.

use crate::config::{Configuration, Group, GroupEntry, Mistake, WorkspaceConfig};
use crate::figures::plural;
use crate::harmless::clean;
use crate::plan::Observed;
use crate::render::page::{Block, Fact, Located, Page, Phrase, Section};

/// `drsync.json has 2 mistakes`.
pub fn headline(configuration: &Configuration) -> String {
    let source = clean(&configuration.source);
    match configuration.mistakes.len() {
        0 => format!("{source} is valid"),
        number => format!("{source} has {}", plural(number, "mistake")),
    }
}

/// Every mistake under its own headline, for what stands between other text.
pub fn mistakes(configuration: &Configuration) -> Page {
    let mut page = begun(String::new());
    page.say(mistaken(configuration));
    page
}

/// Every mistake: where it is, what is wrong, what to do.
pub(super) fn mistaken(configuration: &Configuration) -> Section {
    let files = configuration.mistakes.iter().any(|it| it.file != configuration.source);
    let all = configuration.mistakes.iter().map(|mistake| {
        let Mistake { file, line, path: _, group: _, message, remedy } = mistake;
        let mut says = Phrase::from_others(message);
        if let Some(remedy) = remedy {
            says = says.and(": ").and(Phrase::from_others(remedy));
        }
        Located {
            file: files.then(|| file.clone()),
            line: *line,
            place: mistake.path_with_group(),
            says,
        }
    });
    Section::titled("Mistakes", [Block::Located(all.collect())])
}

/// What there is to say of a configuration where no region was looked at; where everything is asked for, what a valid one asks
/// for, too.
pub fn page(configuration: &Configuration) -> Page {
    let names: Vec<String> =
        configuration.workspaces.iter().map(|workspace| workspace.name.clone()).collect();
    let valid = configuration.mistakes.is_empty();
    let mut page = begun(if valid { counted(configuration) } else { headline(configuration) });
    page.say(mistaken(configuration));
    if valid {
        let workspaces = configuration.workspaces.iter();
        workspaces.for_each(|workspace| page.say(asked_for(workspace).in_full()));
    }
    page.of(&names)
}

fn begun(verdict: String) -> Page {
    Page::new("validate", "drsync validate", verdict)
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

/// Where a workspace is brought, and every group of it with its tables, as they are written.
fn asked_for(workspace: &WorkspaceConfig) -> Section {
    let address = Phrase::from_others(&workspace.address);
    let head = [
        Fact::new("", Phrase::name(&workspace.name).and("  ").and(address)),
        Fact::new("from", Phrase::from_others(workspace.location_primary.as_str())).under(),
        Fact::new("to", Phrase::from_others(workspace.location_secondary.as_str())).under(),
    ];
    let groups = workspace.groups.iter().filter_map(|entry| match entry {
        GroupEntry::Valid(group) => Some(group),
        GroupEntry::Invalid { .. } => None,
    });
    let groups = groups.map(|group| {
        tables(Phrase::name(&group.name).and("  ").and(when(group)), group.tables.iter())
    });
    Block::Facts(head.into_iter().chain(groups).collect()).into()
}

/// When a group is synchronized.
fn when(group: &Group) -> Phrase {
    if group.workflows.is_empty() {
        return Phrase::from_others(group.schedule.describe());
    }
    let workflows = group.workflows.iter().map(Phrase::name);
    Phrase::from("after ").and(Phrase::join(workflows, ", "))
}

/// A group, and its tables, a line each.
fn tables(group: Phrase, tables: impl Iterator<Item = impl ToString>) -> Fact {
    Fact { lines: tables.map(Phrase::name).collect(), ..Fact::new("", group) }
}

/// Every table as it was resolved, group by group.
pub fn page_of_resolved(observed: &Observed) -> Page {
    let mut page = begun(String::new());
    for workspace in &observed.workspaces {
        let groups = workspace.groups.iter().map(|group| {
            let label = group.entry.name().unwrap_or("(a group without a name)");
            tables(Phrase::name(label), group.tables.iter().map(|table| &table.name))
        });
        let head = Fact::new("", Phrase::name(&workspace.workspace.name));
        page.say(Block::Facts([head].into_iter().chain(groups).collect()));
    }
    page
}
