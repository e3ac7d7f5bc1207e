//! What one apply did: the verdict, then the groups by how they ended, what went wrong first.

use maud::{Markup, html};

use super::{Page, approval, code, document, facts, provenance, said, table, time};
use crate::apply::{GroupOutcome, GroupRecord, RunRecord, TableOutcome, TableRecord};
use crate::canonical;
use crate::ledger::cut_label;
use crate::region::VerifiedLevel;
use crate::render::clean::clean;
use crate::render::figures::{bytes, count, elapsed, plural};
use crate::render::protection::{compared, told};
use crate::render::run::{verdict, written_metadata};
use crate::render::shown::label_among;

/// The report of a run record; `bytes` are those that it was read from.
pub fn run(record: &RunRecord, stored: &[u8]) -> String {
    let ended = |outcome: GroupOutcome| {
        let groups = record.groups.iter();
        groups.filter(move |group| group.outcome == outcome)
    };
    let outcomes: Vec<GroupOutcome> =
        ORDER.into_iter().filter(|outcome| ended(*outcome).next().is_some()).collect();
    let several = {
        let mut workspaces = record.groups.iter().map(|group| &group.workspace);
        let first = workspaces.next();
        workspaces.any(|other| Some(other) != first)
    };
    let mut parts: Vec<(String, String)> = outcomes
        .iter()
        .map(|outcome| {
            let words = format!("{} ({})", heading(*outcome), ended(*outcome).count());
            (id(*outcome), words)
        })
        .collect();
    parts.push(("provenance".to_owned(), "Provenance".to_owned()));
    parts.push(("document".to_owned(), "The document".to_owned()));
    let body = html! {
        (facts(&[
            ("Exit", Some(html! { (record.exit.code) ", " (clean(&record.exit.name)) })),
            ("Began", Some(time(record.started_at))),
            ("Took", Some(html! { (elapsed(record.ended_at - record.started_at)) })),
            ("Metadata tables", metadata(record)),
            ("Copied", Some(html! {
                (bytes(record.summary.copied_bytes)) " in " (count(record.summary.copied_files)) " files"
            })),
        ]))
        (settings(record, several))
        @if !record.warnings.is_empty() {
            h2 { "Warnings (" (record.warnings.len()) ")" }
            ul.plain {
                @for warning in &record.warnings {
                    li { span.word.wait { "warning" } " " (clean(&warning.message)) }
                }
            }
        }
        @for outcome in outcomes {
            section aria-labelledby=(id(outcome)) {
                h2 id=(id(outcome)) { (heading(outcome)) " (" (count(ended(outcome).count() as u64)) ")" }
                @for group in ended(outcome) { (self::group(group, several)) }
            }
        }
        (origin(record))
        (document(stored, &canonical::sha256_of_bytes(stored), "run", &record.run_id, "drsync show"))
    };
    Page { what: "drsync run record", verdict: &verdict(None, record).line, parts, body }.text()
}

/// Settings that are others from this apply on.
fn settings(record: &RunRecord, several: bool) -> Markup {
    let number: usize = record.settings_changed.iter().map(|it| it.changes.len()).sum();
    html! {
        @if number > 0 {
            h2 { "Protection that changed (" (count(number as u64)) ")" }
            (table("Settings that are others than before", &["", "What", "Setting", "Before", "After"], &html! {
                @for changed in &record.settings_changed {
                    @for change in &changed.changes {
                        @let told = told(several, &changed.workspace, change);
                        tr {
                            td { span class=(if change.weakens() { "word bad" } else { "word wait" }) { (told.word) } }
                            td { (code(&told.who)) }
                            td { (told.setting) }
                            td { (clean(&told.before)) }
                            td { (clean(&told.after)) }
                        }
                    }
                }
            }))
            @for changed in &record.settings_changed {
                p {
                    "Compared with " (compared(&changed.compared_with)) "; "
                    (if changed.reviewed { "approved with its plan." } else { "no approved plan covers it." })
                }
            }
        }
    }
}

/// What was written to the metadata tables, without the words that the label says.
fn metadata(record: &RunRecord) -> Option<Markup> {
    written_metadata(record).map(|written| html! { (written.without_subject()) })
}

/// What went wrong comes first.
const ORDER: [GroupOutcome; 8] = [
    GroupOutcome::Failed,
    GroupOutcome::Stale,
    GroupOutcome::Blocked,
    GroupOutcome::NotStarted,
    GroupOutcome::Synchronized,
    GroupOutcome::Overtaken,
    GroupOutcome::Waiting,
    GroupOutcome::UpToDate,
];

fn id(outcome: GroupOutcome) -> String {
    outcome.as_str().replace(' ', "-")
}

fn heading(outcome: GroupOutcome) -> &'static str {
    match outcome {
        GroupOutcome::Failed => "Failed",
        GroupOutcome::Stale => "Stale",
        GroupOutcome::Blocked => "Blocked",
        GroupOutcome::NotStarted => "Not started",
        GroupOutcome::Synchronized => "Synchronized",
        GroupOutcome::Overtaken => "Overtaken",
        GroupOutcome::Waiting => "Waiting",
        GroupOutcome::UpToDate => "Up to date",
    }
}

fn tone(outcome: GroupOutcome) -> &'static str {
    match outcome {
        GroupOutcome::Failed | GroupOutcome::Blocked => "bad",
        GroupOutcome::Stale | GroupOutcome::NotStarted | GroupOutcome::Waiting => "wait",
        GroupOutcome::Synchronized | GroupOutcome::Overtaken | GroupOutcome::UpToDate => "good",
    }
}

fn group(group: &GroupRecord, several: bool) -> Markup {
    let label = label_among(several, &group.workspace, &group.name);
    let cut = match (group.cut, group.recovery_point) {
        (Some(cut), Some(point)) => Some(cut_label(cut, point)),
        (Some(cut), None) => Some(format!("cut {cut}")),
        (None, _) => None,
    };
    html! {
        article class=(tone(group.outcome)) {
            h3 {
                span class={ "word " (tone(group.outcome)) } { (group.outcome.as_str()) } " "
                bdi { (label) }
            }
            @if let Some(message) = &group.message { p { (clean(message)) } }
            @if let Some(cut) = cut { p { (cut) } }
            @if !group.tables.is_empty() {
                (table(
                    &format!("What was done to {} of {label}", plural(group.tables.len(), "table")),
                    &["Table", "Outcome", "Source", "Replica", "Copied", "Files", "Verified", "Attempts", "Statement"],
                    &html! { @for table in &group.tables { (row(table)) } },
                ))
            }
        }
    }
}

fn row(table: &TableRecord) -> Markup {
    let (word, tone) = match table.outcome {
        TableOutcome::Cloned => ("cloned", "good"),
        TableOutcome::AlreadyCloned => ("already cloned", "good"),
        TableOutcome::Unchanged => ("unchanged", ""),
        TableOutcome::Failed => ("failed", "bad"),
        TableOutcome::NotStarted => ("not started", "wait"),
    };
    html! {
        tr {
            th scope="row" { (code(&table.table)) }
            td {
                span class={ "word " (tone) } { (word) }
                @if let Some(message) = &table.message { " " (clean(message)) }
            }
            td { "v" (table.source_version) }
            td { @if let Some(version) = table.replica_version { "v" (version) } }
            td.number { @if let Some(size) = table.copied_bytes { (bytes(size)) } }
            td.number { @if let Some(files) = table.copied_files { (count(files)) } }
            td { (verified(table)) }
            td.number { @if let Some(attempts) = table.attempts { (attempts) } }
            td { @if let Some(statement) = &table.statement_id { (code(statement)) } }
        }
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

fn origin(record: &RunRecord) -> Markup {
    let mut said_of =
        vec![("Run", Some(code(&record.run_id))), ("Plan", Some(code(&record.plan_id)))];
    said_of.extend(provenance(&record.provenance));
    said_of.extend([
        ("Approval", record.approval.as_ref().map(approval)),
        ("Ended", Some(time(record.ended_at))),
        ("Clock", record.clock_overridden.then(|| said("set by DRSYNC_NOW"))),
        ("Plan file", Some(code(&record.plan_sha256))),
        ("Effect", Some(code(&record.effect_sha256))),
        ("Record before", record.previous_run_sha256.as_ref().map(code)),
    ]);
    html! {
        section aria-labelledby="provenance" {
            h2 id="provenance" { "Provenance" }
            (facts(&said_of))
        }
    }
}
