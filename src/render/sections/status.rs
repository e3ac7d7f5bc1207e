//! How every group stands: its cut, its lag against the objective, its replicas.

mod failover;
mod readiness;
mod receipt;
mod rows;
mod standing;
mod verdict;

use super::notes;
use crate::command::{Command, Verb};
use crate::figures::{moment, plural};
use crate::harmless::clean;
use crate::plan::document::Unprotected;
use crate::plan::status::{
    Checked, GroupStatus, RegionStatus, RegionsStatus, StatusDocument, WorkspaceStatus,
};
use crate::plan::{Refused, WarningCode};
use crate::region::LookDepth;
use crate::render::away;
use crate::render::page::{
    Block, Columns, Copied, Fact, Page, Phrase, Section, ShownNotes, ToldIn,
};
use crate::render::shown::label_among;
use verdict::{nothing_known, primary_away};

/// What of a status is told beside the groups, however little is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Every table of the groups.
    pub tables: bool,
    /// The named tables that are not synchronized.
    pub unprotected: bool,
    /// Why tables are not synchronized, as far as that is known.
    pub reasons: &'a [Unprotected],
}

/// How every group stands.
pub fn page(status: &StatusDocument, parts: Parts<'_>) -> Page {
    let workspaces = status.workspaces.iter().map(|workspace| &workspace.name);
    let verdict = verdict::verdict(status);
    let mut page = Page::new("status", "drsync status", verdict).of(workspaces);
    page.columns = Columns { word: 9, name: 0, aside: 12 };
    for section in regions(status) {
        page.say(section);
    }
    let begun = page.sections.len();
    for section in failover::failed_over(status) {
        page.say(section);
    }
    page.say(rows::groups(status));
    page.say(checked(status));
    for (workspace, group) in entries(status) {
        let tables = rows::tables(label(status, workspace, group), group);
        page.say(if parts.tables { tables } else { tables.in_full() });
    }
    for section in receipt::receipts(status) {
        page.say(section);
    }
    page.say(readiness::readiness(status));
    page.say(standing::losses(status));
    page.say(standing::off_cut(status));
    page.say(standing::troubles(status));
    // Tables that are left out have a line of their own.
    page.say(notes::warnings(&status.warnings, |code| code != WarningCode::UnprotectedTables));
    page.say(unprotected(status, parts));
    page.say(standing::section_of_retired(status));
    if let Some(home) = failover::way_home(status) {
        page.say(Block::Copied(home));
    }
    let left =
        |(_, group): (_, &GroupStatus)| group.last_cut.is_some() && group.failed_over.is_none();
    if primary_away(status) && entries(status).any(left) {
        let runbook = Copied::command(Command::new(Verb::Runbook));
        let intro = "What to do by hand if it stays away (prints it, changes nothing):";
        page.say(Block::Copied(runbook.after(intro)));
    }
    if nothing_known(status) {
        page.sections[begun..].iter_mut().for_each(|section| section.told = ToldIn::InFull);
    }
    page
}

fn entries(status: &StatusDocument) -> impl Iterator<Item = (&WorkspaceStatus, &GroupStatus)> {
    status
        .workspaces
        .iter()
        .flat_map(|workspace| workspace.groups.iter().map(move |group| (workspace, group)))
}

fn label(status: &StatusDocument, workspace: &WorkspaceStatus, group: &GroupStatus) -> String {
    label_among(status.workspaces.len() > 1, &workspace.name, &group.name)
}

/// Both regions of each workspace; where both can be looked at that is told only where everything is asked for.
fn regions(status: &StatusDocument) -> Vec<Section> {
    let of_workspace = |workspace: &WorkspaceStatus| {
        let mut facts = vec![];
        if status.workspaces.len() > 1 {
            facts.push(Fact::new("workspace", Phrase::name(&workspace.name)));
        }
        let RegionsStatus { primary, secondary, shared_answer } = &workspace.regions;
        match primary.workspace.as_ref().zip(shared_answer.as_ref()) {
            Some((address, answer)) => {
                let says = Phrase::from_others(address).and("  ").and(Phrase::from_others(answer));
                facts.push(Fact::new("", says));
            }
            None => {
                facts.push(Fact::new("primary", region("primary", primary)));
                facts.push(Fact::new("secondary", region("secondary", secondary)));
            }
        }
        let section = Section::titled("Regions", [Block::Facts(facts)]);
        let seen = primary.reachable && secondary.reachable;
        if seen { section.in_full() } else { section }
    };
    let sections = status.workspaces.iter().map(of_workspace).enumerate();
    sections.map(|(at, section)| if at > 0 { section.close() } else { section }).collect()
}

fn region(role: &str, region: &RegionStatus) -> Phrase {
    let RegionStatus { workspace, location, reachable, answer, refused, ledger: _, role: _ } =
        region;
    let how = match (reachable, refused) {
        (true, _) => "available",
        (false, None) => "no answer",
        (false, Some(Refused::Denied)) => "refuses",
        (false, Some(Refused::Unreadable)) => "cannot be read",
    };
    let location = clean(location);
    let place = if *reachable {
        location
    } else {
        away::describe_region_address(role, workspace.as_deref(), &location)
    };
    let says = Phrase::from_others(place).and(format!(" {how}"));
    match answer {
        Some(answer) => says.and(": ").and(Phrase::from_others(answer)),
        None => says,
    }
}

/// How deeply the replicas were looked at for what is said here, and when their files were last read.
fn checked(status: &StatusDocument) -> Section {
    let looked = || entries(status).filter(|(_, group)| group.last_cut.is_some());
    let looks: Vec<Checked> = looked().filter_map(|(_, group)| group.checked).collect();
    let Some(least) = looks.iter().map(|look| look.depth).min() else {
        return Section::default();
    };
    let unread = looked()
        .filter(|(_, group)| group.checked.is_some() && group.content_read_at.is_none())
        .count();
    let first_read = looked().filter_map(|(_, group)| group.content_read_at).min();
    let all = if looks.len() == looked().count() { "" } else { " that was seen" };
    let full = || Phrase::command(Command::new(Verb::Status).word("--full")).and(" reads it now");
    let listed = format!("every file of every replica{all} is there with its size");
    let says = match (least, unread, first_read) {
        (LookDepth::History, _, _) => format!("every replica{all}, by the engine's history").into(),
        (LookDepth::ContentRead, _, _) => {
            format!("the files of every replica{all} were read now").into()
        }
        (LookDepth::FilesListed, 0, Some(at)) => Phrase::from(format!(
            "{listed}; the oldest reading of their content is of {}; ",
            moment(at)
        ))
        .and(full()),
        (LookDepth::FilesListed, unread, _) => Phrase::from(format!(
            "{listed}; the content of {} was not read since its clones; ",
            plural(unread, "group")
        ))
        .and(full()),
    };
    told_of("checked", "Checked", vec![says])
}

/// What is said of no group, after a word.
fn told_of(word: &'static str, title: &str, says: Vec<Phrase>) -> Section {
    Section::titled(title, [Block::Notes(ShownNotes::of(word, says))])
}

/// The tables that are left out: with the reasons where they were asked for, else how many.
fn unprotected(status: &StatusDocument, parts: Parts<'_>) -> Section {
    let number: usize = entries(status).map(|(_, group)| group.unprotected.len()).sum();
    if number == 0 && parts.unprotected {
        return Block::Words("No table of the configuration is left out".into()).into();
    }
    if number > 0 && !parts.unprotected {
        let named = Phrase::command(Command::new(Verb::Status).word("--unprotected"));
        let says = Phrase::from(format!("{}: ", plural(number, "table"))).and(named);
        return told_of("not copied", "Not copied", vec![says]);
    }
    let says = entries(status).flat_map(|(workspace, group)| {
        let label = label(status, workspace, group);
        group.unprotected.iter().map(move |table| {
            let mut reasons = parts.reasons.iter();
            let why =
                reasons.find(|one| one.is_of(&workspace.name, &group.name) && one.table == *table);
            let says = Phrase::name(&label).and("  ").and(Phrase::name(table));
            match why {
                Some(one) => says.and(" (").and(Phrase::from_others(&one.reason)).and(")"),
                None => says,
            }
        })
    });
    told_of("not copied", "Not copied", says.collect())
}
