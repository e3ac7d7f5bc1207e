//! What an apply did: the verdict, every group by how it ended, and where it is recorded.

mod group;
mod metadata;
mod origin;
mod recorded;
mod settings;
mod verdict;

pub(super) use origin::{approval, provenance};
pub(super) use verdict::REGION_AWAY;

use super::away::{groups as groups_held, regions};
use crate::command::Verb;
use crate::figures::{bytes, elapsed};
use crate::plan::Plan;
use crate::record::{Ending, GroupOutcome, GroupRecord, RunRecord};
use crate::render::away;
use crate::render::page::{
    Block, Document, Entries, Page, PageEntry, Phrase, PhrasePart, Section, ShownNotes,
};
use crate::render::shown::{PlannedGroups, label_among};

/// What there is to say of a group that was stopped, beside that word.
pub(in crate::render) const GOES_ON: &str = "the next apply continues";
/// Registered replicas that are named.
const REGISTERED_NAMED: usize = 5;

/// The summary of an apply; `kept` is where its record lies on this machine.
///
/// Its plan tells why a region was away and what blocked a group; a record that was found without it tells the rest.
pub fn page(plan: Option<&Plan>, record: &RunRecord, kept: Option<&str>) -> Page {
    let verdict = verdict::verdict(plan, record);
    let mut page = Page::new("run", "drsync run record", verdict.line).of(workspaces(record));
    let unavailable = plan.is_some_and(|plan| away::verdict(plan).is_some());
    page.brief = nothing(record) && !unavailable;
    if !nothing(record) {
        page.figures = Some(figures(record));
    }
    if let Some(plan) = plan {
        page.say(regions(plan));
        page.say(groups_held(plan));
    }
    page.say(Block::Entries(Entries::new("group", entries(plan, record))));
    page.fit(14, 12);
    let hand = plan.is_some_and(away::needs_a_hand);
    if (unavailable || record.exit.code == REGION_AWAY) && !hand {
        let text = "Nothing to repair by hand: the next apply synchronizes what is due and brings both regions' metadata tables up to date.";
        page.say(Block::Words(text.into()));
    }
    settings::sections(record, several(plan, record)).into_iter().for_each(|it| page.say(it));
    page.say(warnings(record));
    page.say(registered(record));
    if let Some(written) = metadata::metadata_written(record).filter(|_| !verdict.tells_metadata) {
        page.say(Block::Words(written.sentence().into()));
    }
    page.say(recorded::section(plan, record, kept));
    page
}

/// The same of a record that was kept, in these bytes: where it comes from goes before.
pub fn stored(plan: Option<&Plan>, record: &RunRecord, bytes: &[u8], kept: Option<&str>) -> Page {
    let mut page = page(plan, record, kept);
    page.brief = false;
    page.sections.insert(0, origin::section(record));
    page.document = Some(Document {
        bytes: bytes.to_vec(),
        id: record.run_id.clone(),
        shown_by: Some(Verb::Show),
    });
    page
}

/// The verdict, and every group by how it ended.
pub fn outline(plan: &Plan, record: &RunRecord) -> Page {
    let mut page = page(Some(plan), record, None);
    page.sections.retain(|section| matches!(section.blocks[..], [Block::Entries(_)]));
    page
}

/// What a round that had nothing to do says all the same: what it registered, and what stood in the way.
pub fn page_of_unwritten(record: &RunRecord) -> Option<Page> {
    let mut page = Page::new("run", "drsync run record", String::new());
    page.say(warnings(record));
    page.say(registered(record));
    page.fit(14, 12);
    (!page.sections.is_empty()).then_some(page)
}

/// Every workspace that it has groups of, once.
fn workspaces(record: &RunRecord) -> Vec<&String> {
    let mut names: Vec<&String> = vec![];
    for group in &record.groups {
        if !names.contains(&&group.workspace) {
            names.push(&group.workspace);
        }
    }
    names
}

/// Whether nothing was done and nothing stands in the way.
fn nothing(record: &RunRecord) -> bool {
    record.warnings.is_empty()
        && record.settings_changed.is_empty()
        && record.registered.is_empty()
        && record.metadata.is_empty()
        && record.groups.iter().all(|group| match group.outcome {
            GroupOutcome::UpToDate | GroupOutcome::Waiting | GroupOutcome::Overtaken => true,
            GroupOutcome::Synchronized
            | GroupOutcome::Blocked
            | GroupOutcome::Failed
            | GroupOutcome::Stale
            | GroupOutcome::NotStarted => false,
        })
}

/// How long it took and how much was copied.
fn figures(record: &RunRecord) -> String {
    let mut figures = elapsed(record.ended_at - record.started_at);
    if record.summary.copied_bytes > 0 {
        figures.push_str(&format!(", {}", bytes(record.summary.copied_bytes)));
    }
    figures
}

/// How a group ended; one that was stopped at work has a word of its own.
fn word(group: &GroupRecord) -> &'static str {
    if was_stopped(group) { "stopped" } else { group.outcome.as_str() }
}

/// Whether it was stopped at work. Records before version 1.2 tell by its tables.
fn was_stopped(group: &GroupRecord) -> bool {
    match &group.ending {
        Some(ending) => *ending == Ending::Interrupted,
        None => group.outcome == GroupOutcome::NotStarted && !group.tables.is_empty(),
    }
}

/// Whether names of groups need their workspace beside them.
fn several(plan: Option<&Plan>, record: &RunRecord) -> bool {
    plan.map_or_else(|| workspaces(record).len(), |plan| plan.workspaces.len()) > 1
}

/// Every group of which something is told; groups of a workspace that failed by one region have one cause.
fn entries(plan: Option<&Plan>, record: &RunRecord) -> Vec<PageEntry> {
    let several = several(plan, record);
    let planned = plan.map(PlannedGroups::of);
    let planned = planned.as_ref();
    let held =
        |group: &&GroupRecord| !planned.is_some_and(|plan| group::held_by_region(plan, group));
    let mut causes: Vec<(&str, &Ending)> = vec![];
    let entries = record.groups.iter().filter(held).map(|group| {
        let label = label_among(several, &group.workspace, &group.name);
        let mut entry = group::entry(planned, group, label);
        entry.cause = group::cause_of_region(group).map(|cause| {
            let known = causes.iter().position(|known| *known == cause);
            known.unwrap_or_else(|| {
                causes.push(cause);
                causes.len() - 1
            })
        });
        entry
    });
    entries.collect()
}

fn warnings(record: &RunRecord) -> Section {
    let says = record.warnings.iter().map(|warning| Phrase::from_others(&warning.message));
    let notes = ShownNotes::of("warning", says);
    Section::titled("Warnings", [Block::Notes(notes)])
}

/// Which replicas are now in the secondary's own catalog.
fn registered(record: &RunRecord) -> Section {
    if record.registered.is_empty() {
        return Section::default();
    }
    let names = record.registered.iter().map(ToString::to_string).collect();
    let says = Phrase::from("Registered in the secondary's catalog: ");
    Block::Words(says.and(PhrasePart::Names(names, REGISTERED_NAMED))).into()
}
