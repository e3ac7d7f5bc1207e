//! One group of a plan with everything that is known of it.

use chrono::{DateTime, Utc};

use crate::figures::{count, plural, span};
use crate::ledger::{Consistency, cut_label};
use crate::plan::document::{Drift, DriftCommit, SourceMaintenance};
use crate::plan::{Decision, Finding, GroupPlan, Plan, ReasonCode, Severity, Step};
use crate::render::away;
use crate::render::causes::Repair;
use crate::render::page::{
    Block, Entry, Fact, Note, Notes, Part, Phrase, Row, Section, Table, Tone,
};
use crate::render::sections::card;
use crate::render::sections::causes::remedy;
use crate::render::sections::plan::{blocked, steps, sync, waiting};
use crate::render::shown::{self, Labelled};

/// What was decided for a group, and all that belongs to it.
pub(super) fn entry(plan: &Plan, of: &Labelled<'_>) -> Entry {
    let Labelled { label, workspace: _, group } = of;
    let says = match group.decision {
        Decision::Sync => sync::to(group),
        Decision::Waiting => {
            Phrase::name(code_of(group.reason.code)).and(" ").and(waiting::reason(group))
        }
        Decision::Blocked | Decision::UpToDate => Phrase::default(),
    };
    let seen = [Block::Table(drift(&group.drift)), maintenance(&group.source_maintenance)];
    let facts = Block::Facts(standing(plan, group));
    let findings = Block::Notes(findings(&group.findings));
    let details: Vec<Block> = match group.decision {
        Decision::Sync => {
            let steps = [
                Block::Steps(steps::told(label, &group.steps)),
                Block::Table(pins(label, group)),
                Block::Statements(steps::statements(&group.steps)),
            ];
            [findings, facts].into_iter().chain(steps).chain(seen).collect()
        }
        Decision::Blocked | Decision::Waiting | Decision::UpToDate => {
            [findings].into_iter().chain(seen).chain([facts]).collect()
        }
    };
    let details = Section::of(details).blocks;
    let mut entry = shown::entry(group.decision, Phrase::name(label), says);
    if waiting::for_the_clock(group) {
        entry.tone = Some(Tone::Good);
    }
    Entry { details, ..entry }
}

/// A reason's code as documents spell it.
fn code_of(reason: ReasonCode) -> String {
    let code = serde_json::to_value(reason).unwrap_or_default();
    code.as_str().unwrap_or_default().to_owned()
}

/// What holds for a group, and of one that is synchronized what its cut will be.
fn standing(plan: &Plan, group: &GroupPlan) -> Vec<Fact> {
    let mut facts = vec![];
    if group.decision == Decision::Sync {
        let cut = match group.follows_cut {
            Some(before) => format!("{}, after cut {before}", before + 1),
            None => "1, the first".to_owned(),
        };
        facts.extend(group.consistency.map(|it| Fact::new("consistency", consistency(it))));
        facts.extend(certificate(group).map(|it| Fact::new("certificate", it)));
        facts.push(Fact::new("next cut", cut));
    }
    let keeps = match &group.last_cut {
        Some(cut) => cut_label(cut.number, cut.recovery_point),
        None => "nothing: it was never synchronized".to_owned(),
    };
    facts.extend(blocked::columns(group));
    facts.push(Fact::new("keeps", keeps));
    let lag = group.lag_seconds.filter(|lag| *lag > 0);
    let lag = lag.map(|lag| away::lag_words(lag, group.rpo_seconds, plan.created_at));
    facts.extend(lag.map(|lag| Fact::new("lag", lag)));
    facts.extend(group.rpo_seconds.map(|rpo| Fact::new("RPO", span(rpo))));
    facts.push(Fact::new("tables", count(group.tables as u64)));
    if !group.owner_emails.is_empty() {
        let owners = group.owner_emails.iter().map(Phrase::said);
        facts.push(Fact::new("owner", Phrase::join(owners, ", ")));
    }
    facts
}

fn consistency(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::WorkflowConsistent => {
            "workflow-consistent: the end of a successful workflow run"
        }
        Consistency::PointInTime => "point-in-time: no workflow of the group was writing",
        Consistency::CrashConsistent => "crash-consistent: not tied to a finished workflow run",
    }
}

/// The newest commit that is in, the recovery point, the oldest commit that stays out.
fn certificate(group: &GroupPlan) -> Option<String> {
    let (certificate, point) = (group.certificate.as_ref()?, group.recovery_point?);
    let exact = crate::moment::text;
    let out = match certificate.oldest_out {
        Some(out) => format!("< {}, the oldest commit that stays out", exact(out)),
        None => "and no newer commit".to_owned(),
    };
    Some(format!(
        "{}, the newest commit that is in, <= {}, the recovery point, {out}",
        exact(certificate.newest_in),
        exact(point)
    ))
}

/// What is pinned of every table, and why.
fn pins(label: &str, group: &GroupPlan) -> Table {
    let heads = ["table", "source", "why this version", "readable", "replica", "columns"];
    let mut table = Table::new(format!("Pins of {label}"), "table", &heads);
    table.folded = Some(format!("Pins ({})", plural(group.steps.len(), "table")));
    for step in &group.steps {
        table.rows.push(pin(step, group.recovery_point));
    }
    table
}

fn pin(step: &Step, point: Option<DateTime<Utc>>) -> Row {
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
    Row { cells, below, further: vec![], quiet: false }
}

/// Everything found, each with its remedy.
fn findings(all: &[Finding]) -> Notes {
    let notes = all.iter().map(|finding| {
        let word = match finding.severity {
            Severity::Block => ("blocks", Tone::Bad),
            Severity::Accepted => ("accepted", Tone::Wait),
            Severity::Repaired => ("repaired by apply", Tone::Wait),
        };
        Note {
            word: Some(word),
            code: Some(finding.code.as_str().to_owned()),
            subject: finding.table.clone(),
            about: finding.table.iter().cloned().collect(),
            below: finding.remedy.iter().flat_map(|it| remedy(&Repair::of(it))).collect(),
            ..Note::new(Phrase::said(&finding.message))
        }
    });
    Notes { word: "finding", notes: notes.collect(), alike_max: usize::MAX }
}

/// Commits on replicas that are not ours.
fn drift(drift: &[Drift]) -> Table {
    let caption = "Commits on replicas that are not drsync's";
    let heads = ["replica of", "version", "when", "operation", "by", "#rows", "kind"];
    let mut table = Table::new(caption, "commit", &heads);
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
fn maintenance(seen: &[SourceMaintenance]) -> Block {
    let caption = "Maintenance on sources whose rows were not compared";
    let heads = ["table", "version", "when", "operation", "by"];
    let mut table = Table::new(caption, "commit", &heads);
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
        Part::Moment(commit.committed_at).into(),
        Phrase::said(&commit.operation),
        commit.user.as_ref().map(Phrase::said).unwrap_or_default(),
    ]
}
