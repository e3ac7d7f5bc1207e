//! One group of an apply: how it ended, why, and what was done to its tables.

use super::{GOES_ON, was_stopped, word};
use crate::figures::{bytes, count, plural};
use crate::ledger::cut_label;
use crate::record::{Ending, GroupOutcome, GroupRecord, TableOutcome, TableRecord};
use crate::region::VerifiedLevel;
use crate::render::away;
use crate::render::page::{Below, Block, PageEntry, PageTable, Phrase, ToldIn, Tone};
use crate::render::sections::findings::blocking;
use crate::render::shown::PlannedGroups;

/// A group under its label.
pub(super) fn entry(
    plan: Option<&PlannedGroups<'_>>,
    group: &GroupRecord,
    label: String,
) -> PageEntry {
    let mut entry = PageEntry::new(
        word(group),
        tone(group.outcome),
        Phrase::name(&label),
        describe_group(plan, group),
    );
    entry.told = if tells(group.outcome) { ToldIn::Always } else { ToldIn::InFull };
    entry.below = failed_tables(group).map(|table| Below::Trouble(trouble(table))).collect();
    entry.details.extend(tables(&label, group));
    entry
}

/// What makes groups that failed by a region one entry: the workspace and how it ended.
pub(super) fn cause_of_region(group: &GroupRecord) -> Option<(&str, &Ending)> {
    let ending = group.ending.as_ref().filter(|ending| ending.is_of_region())?;
    let alone = failed_tables(group).next().is_some();
    (!alone).then_some((&*group.workspace, ending))
}

/// Groups that only a region held up are told with it.
pub(super) fn held_by_region(plan: &PlannedGroups<'_>, group: &GroupRecord) -> bool {
    let planned = || plan.find(&group.workspace, &group.name);
    group.outcome != GroupOutcome::Synchronized
        && planned().is_some_and(|(workspace, planned)| away::only_away(workspace, planned))
}

fn tells(outcome: GroupOutcome) -> bool {
    match outcome {
        GroupOutcome::UpToDate | GroupOutcome::Waiting => false,
        GroupOutcome::Synchronized
        | GroupOutcome::Overtaken
        | GroupOutcome::Blocked
        | GroupOutcome::Failed
        | GroupOutcome::Stale
        | GroupOutcome::NotStarted => true,
    }
}

fn tone(outcome: GroupOutcome) -> Tone {
    match outcome {
        GroupOutcome::Synchronized | GroupOutcome::UpToDate | GroupOutcome::Overtaken => Tone::Good,
        GroupOutcome::Blocked | GroupOutcome::Failed => Tone::Bad,
        GroupOutcome::Waiting | GroupOutcome::Stale | GroupOutcome::NotStarted => Tone::Wait,
    }
}

/// What there is to say of a group.
fn describe_group(plan: Option<&PlannedGroups<'_>>, group: &GroupRecord) -> Phrase {
    let cut = match (group.cut, group.recovery_point) {
        (Some(cut), Some(point)) => Some(cut_label(cut, point)),
        (Some(cut), None) => Some(format!("cut {cut}")),
        (None, _) => None,
    };
    let message = if was_stopped(group) {
        Some(GOES_ON.into())
    } else {
        group.message.as_ref().map(Phrase::from_others)
    };
    let message = blocked(plan, group).or(tables_failed(group)).or(message);
    if group.outcome == GroupOutcome::Overtaken {
        return message.or(cut.map(Phrase::from)).unwrap_or_default();
    }
    if group.outcome != GroupOutcome::Synchronized {
        let kept = cut.map(|cut| format!("keeps {cut}").into());
        return Phrase::join(message.into_iter().chain(kept), "; ");
    }
    let mut said: Vec<Phrase> = cut.map(Phrase::from).into_iter().collect();
    said.push(plural(group.tables.len(), "table").into());
    said.extend(rows(&group.tables).map(Phrase::from));
    said.extend(message);
    Phrase::join(said, ", ")
}

/// How many of its tables failed; each has lines of its own.
fn tables_failed(group: &GroupRecord) -> Option<Phrase> {
    match failed_tables(group).count() {
        0 => None,
        failed => {
            Some(format!("{failed} of {} failed", plural(group.tables.len(), "table")).into())
        }
    }
}

/// The tables that failed, where that is why the group did.
fn failed_tables(group: &GroupRecord) -> impl Iterator<Item = &TableRecord> {
    let tables = group.tables.iter().filter(|table| {
        group.outcome == GroupOutcome::Failed && table.outcome == TableOutcome::Failed
    });
    tables.filter(|table| table.message.is_some())
}

/// What blocks a group that the plan held as blocked.
fn blocked(plan: Option<&PlannedGroups<'_>>, group: &GroupRecord) -> Option<Phrase> {
    if group.outcome != GroupOutcome::Blocked {
        return None;
    }
    let (workspace, planned) = plan?.find(&group.workspace, &group.name)?;
    blocking(workspace, planned)
}

/// `18,204,118 rows on both sides` where every table was counted, `row counts equal` where every copied one was.
fn rows(tables: &[TableRecord]) -> Option<String> {
    let counted = |table: &TableRecord| {
        let verified = table.verified.as_ref()?;
        let (source, replica) = (verified.source_rows?, verified.replica_rows?);
        (source == replica).then_some(source)
    };
    let mut counts = tables.iter().map(counted);
    let all = counts.try_fold(0, |all: u64, more| Some(all.saturating_add(more?)));
    if let Some(all) = all.filter(|_| !tables.is_empty()) {
        return Some(format!("{} rows on both sides", count(all)));
    }
    let mut copied =
        tables.iter().filter(|table| table.outcome != TableOutcome::Unchanged).peekable();
    (copied.peek().is_some() && copied.all(|table| counted(table).is_some()))
        .then(|| "row counts equal".to_owned())
}

/// Why a table failed.
fn trouble(table: &TableRecord) -> Phrase {
    let tried = match table.attempts.filter(|attempts| *attempts > 1) {
        Some(attempts) => format!(" after {attempts} attempts: "),
        None => ": ".to_owned(),
    };
    let why = table.why.as_ref().or(table.message.as_ref());
    Phrase::name(&table.table).and(tried).and(why.map_or(Phrase::default(), Phrase::from_others))
}

/// What was done to each table.
fn tables(label: &str, group: &GroupRecord) -> Option<Block> {
    if group.tables.is_empty() {
        return None;
    }
    let caption = format!("What was done to {} of {label}", plural(group.tables.len(), "table"));
    let heads = [
        "table",
        "outcome",
        "source",
        "replica",
        "#copied",
        "#files",
        "verified",
        "#attempts",
        "statement",
    ];
    let mut table = PageTable::new(caption, "table", &heads);
    for one in &group.tables {
        let number = |number: Option<u64>| number.map_or(Phrase::default(), |it| count(it).into());
        let version = |version: u64| Phrase::from(format!("v{version}"));
        table.row(vec![
            Phrase::name(&one.table),
            outcome(one),
            version(one.source_version),
            one.replica_version.map(version).unwrap_or_default(),
            one.copied_bytes.map_or(Phrase::default(), |size| bytes(size).into()),
            number(one.copied_files),
            verified(one).into(),
            number(one.attempts.map(u64::from)),
            one.statement_id.as_ref().map_or(Phrase::default(), Phrase::name),
        ]);
    }
    Some(Block::Table(table))
}

fn outcome(table: &TableRecord) -> Phrase {
    let word = match table.outcome {
        TableOutcome::Cloned => Phrase::mark("cloned", Tone::Good),
        TableOutcome::AlreadyCloned => Phrase::mark("already cloned", Tone::Good),
        TableOutcome::Unchanged => "unchanged".into(),
        TableOutcome::Failed => Phrase::mark("failed", Tone::Bad),
        TableOutcome::NotStarted => Phrase::mark("not started", Tone::Wait),
    };
    match &table.message {
        Some(message) => word.and(" ").and(Phrase::from_others(message)),
        None => word,
    }
}

fn verified(table: &TableRecord) -> String {
    let Some(verified) = &table.verified else {
        return String::new();
    };
    let level = match verified.level {
        VerifiedLevel::Files => "file by file",
        VerifiedLevel::Metrics => "by the engine's figures",
        VerifiedLevel::Rows => "by counting rows",
    };
    match (verified.source_rows, verified.replica_rows) {
        (Some(source), Some(replica)) if source == replica => {
            format!("{level}: {} rows on both sides", count(source))
        }
        (Some(source), Some(replica)) => {
            format!("{level}: {} rows, {} in the replica", count(source), count(replica))
        }
        (_, _) => level.to_owned(),
    }
}
