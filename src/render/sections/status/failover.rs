//! Groups that another side is active of: since when and by whom, what was written there since, and what was lost with it.

use super::label;
use super::receipt::receipt;
use super::rows::ROWS_MAX;
use crate::command::{Command, Verb};
use crate::figures::{moment, plural_of};
use crate::harmless::name;
use crate::plan::status::{
    FailedOver, GivenUp, GroupStatus, StatusDocument, TableStatus, WorkspaceStatus,
};
use crate::render::page::{Block, Copied, PageTable, Phrase, Section};

/// Who is active, and what was lost, of each workspace that has such groups.
pub(super) fn failed_over(status: &StatusDocument) -> Vec<Section> {
    let sections = status.workspaces.iter().flat_map(|workspace| {
        let over = workspace.groups.iter();
        let over = over.filter_map(|group| Some((group, group.failed_over.as_ref()?)));
        let over: Vec<(&GroupStatus, &FailedOver)> = over.collect();
        match over.first() {
            Some((_, first)) => {
                let side = name(&first.active);
                vec![active(status, workspace, &side, &over), lost(status, workspace, &over)]
            }
            None => vec![],
        }
    });
    sections.collect()
}

/// What says how they come home, once that can be done.
pub(super) fn way_home(status: &StatusDocument) -> Option<Copied> {
    let mut at_both = status.workspaces.iter().filter(|workspace| {
        workspace.regions.primary.reachable
            && workspace.groups.iter().any(|group| group.failed_over.is_some())
    });
    let home = name(&at_both.next()?.name);
    let command = Command::new(Verb::Runbook).word("--come-back");
    let intro = format!("How they come home once {home} is whole (prints it, changes nothing):");
    Some(Copied::command(command).after(intro))
}

fn active(
    status: &StatusDocument,
    workspace: &WorkspaceStatus,
    side: &str,
    over: &[(&GroupStatus, &FailedOver)],
) -> Section {
    let caption = "Who is active";
    let since = format!("active in {side} since");
    let mut table = PageTable::new(caption, "group", &["group", &since, "by", "written there"]);
    table.most = 2 * ROWS_MAX;
    table.all = Some(Command::new(Verb::Status).word("-v"));
    let home = name(&workspace.name);
    table.after.push(
        format!("Nothing copies from {side} to {home}: what is written in {side} is there alone.")
            .into(),
    );
    for (group, over) in over {
        let written = match over.written {
            None => "not known".to_owned(),
            Some(0) => match (at_cut(group), group.tables.len()) {
                (here, all) if here == all => "no commit".to_owned(),
                (here, all) => format!("no commit; {here} of {all} at the cut"),
            },
            Some(commits) => plural_of(commits, "commit"),
        };
        table.row(vec![
            Phrase::name(label(status, workspace, group)),
            moment(over.since).into(),
            Phrase::from_others(&over.by),
            written.into(),
        ]);
    }
    Section { title: Some("Failed over".to_owned()), ..Block::Table(table).into() }
}

/// How many tables hold what the cut says: where somebody follows a runbook, not all of them may yet.
fn at_cut(group: &GroupStatus) -> usize {
    let holds = |table: &&TableStatus| table.holds_source_version == table.cut_version;
    group.tables.iter().filter(holds).count()
}

/// What was known to be lost when it was done, and what the home has beyond the cut where it can be looked at.
fn lost(
    status: &StatusDocument,
    workspace: &WorkspaceStatus,
    over: &[(&GroupStatus, &FailedOver)],
) -> Section {
    let caption = "What was lost";
    let home = name(&workspace.name);
    let seen = workspace.regions.primary.reachable;
    let now = format!("{home} has beyond");
    let heads: &[&str] = &["group", "lost with it", "looked at", &now];
    let mut table = PageTable::new(caption, "group", if seen { heads } else { &heads[..3] });
    table.most = 2 * ROWS_MAX;
    table.all = Some(Command::new(Verb::Status).word("-v"));
    table.after.push(if seen {
        format!(
            "What {home} has beyond the cut is in {home} alone: keep aside what is needed of it before anything is copied home."
        )
        .into()
    } else {
        format!("What {home} took after a look nobody knows.").into()
    });
    for (group, over) in over {
        let (lost, looked) = match &over.lost {
            Some(loss) => receipt(Some(loss), status.at),
            None => ("not known: no look before it".to_owned(), "-".to_owned()),
        };
        let lost = match over.given_up {
            None => lost,
            Some(GivenUp { first, last }) if first == last => format!("cut {first}, {lost}"),
            Some(GivenUp { first, last }) => format!("cuts {first} to {last}, {lost}"),
        };
        let label = Phrase::name(label(status, workspace, group));
        let mut cells = vec![label, lost.into(), looked.into()];
        if seen {
            cells.push(Phrase::from(match &group.loss {
                None => "-".to_owned(),
                Some(loss) if !loss.is_of_something() => "nothing".to_owned(),
                Some(loss) if loss.unknown.is_empty() => plural_of(loss.commits, "commit"),
                Some(loss) => format!("at least {}", plural_of(loss.commits, "commit")),
            }));
        }
        table.row(cells);
    }
    Section { title: Some("Lost with it".to_owned()), ..Block::Table(table).into() }
}
