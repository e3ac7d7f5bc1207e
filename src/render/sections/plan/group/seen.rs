//! What is pinned, found and seen of a group, as a report has it: tables and notes.

use chrono::{DateTime, Utc};

use super::ways::repair;
use crate::figures::{count, plural};
use crate::plan::document::{Drift, DriftCommit, SourceMaintenance};
use crate::plan::{Finding, GroupPlan, Step};
use crate::render::causes::word_of_harmless;
use crate::render::page::{Block, Note, PageRow, PageTable, Phrase, PhrasePart, ShownNotes, Tone};
use crate::render::sections::card;
use crate::render::shown::Labelled;

/// What is pinned of every table, and why.
pub(super) fn pins(label: &str, group: &GroupPlan) -> PageTable {
    let heads = ["table", "source", "why this version", "readable", "replica", "columns"];
    let mut table = PageTable::new(format!("Pins of {label}"), "table", &heads);
    table.folded = Some(format!("Pins ({})", plural(group.steps.len(), "table")));
    for step in &group.steps {
        table.rows.push(pin(step, group.recovery_point));
    }
    table
}

fn pin(step: &Step, point: Option<DateTime<Utc>>) -> PageRow {
    let replica = Phrase::from(card::replica(step)).and(" ");
    let cells = vec![
        Phrase::name(&step.table),
        card::source(step),
        point.map_or(String::new(), |point| card::certificate(step, point)).into(),
        card::readable(step).into(),
        replica.and(Phrase::name(&step.replica.location)),
        card::columns_verdict(step).unwrap_or_default().into(),
    ];
    let below = card::column_lines(step).collect();
    PageRow { cells, below, further: vec![], quiet: false }
}

/// Everything found, each with its remedy.
pub(super) fn findings(of: &Labelled<'_>, all: &[Finding]) -> ShownNotes {
    let notes = all.iter().map(|finding| {
        let word = match word_of_harmless(finding.severity) {
            None => ("blocks", Tone::Bad),
            Some(word) => (word, Tone::Wait),
        };
        Note {
            word: Some(word),
            code: Some(finding.code.as_str().to_owned()),
            subject: finding.table.clone(),
            about: finding.table.iter().cloned().collect(),
            below: repair(of, finding),
            ..Note::new(Phrase::from_others(&finding.message))
        }
    });
    ShownNotes { word: "finding", notes: notes.collect(), alike_max: usize::MAX }
}

/// Commits on replicas that are not ours.
pub(super) fn table_of_drift(drift: &[Drift]) -> PageTable {
    let caption = "Commits on replicas that are not drsync's";
    let heads = ["replica of", "version", "when", "operation", "by", "#rows", "kind"];
    let mut table = PageTable::new(caption, "commit", &heads);
    for replica in drift {
        let theirs = replica.theirs.iter().map(|commit| (commit, "changes the replica"));
        let maintenance = replica.maintenance.iter().map(|commit| match commit.rows_compared {
            Some(false) => (commit, "maintenance, rows not compared"),
            Some(true) | None => (commit, "maintenance, harmless"),
        });
        for (commit, kind) in theirs.chain(maintenance) {
            let mut cells = self::commit(Phrase::name(&replica.table), commit);
            cells.extend([commit.rows.map_or(String::new(), count).into(), kind.into()]);
            table.row(cells);
        }
    }
    table
}

/// Maintenance on sources of whose rows nothing tells.
pub(super) fn maintenance(seen: &[SourceMaintenance]) -> Block {
    let caption = "Maintenance on sources whose rows were not compared";
    let heads = ["table", "version", "when", "operation", "by"];
    let mut table = PageTable::new(caption, "commit", &heads);
    for source in seen {
        for commit in &source.commits {
            table.row(self::commit(Phrase::name(&source.table), commit));
        }
    }
    Block::Table(table)
}

fn commit(table: Phrase, commit: &DriftCommit) -> Vec<Phrase> {
    vec![
        table,
        format!("v{}", commit.version).into(),
        PhrasePart::Moment(commit.committed_at).into(),
        Phrase::from_others(&commit.operation),
        commit.user.as_ref().map(Phrase::from_others).unwrap_or_default(),
    ]
}
