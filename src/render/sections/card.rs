//! One table of a plan: what is pinned and why that is the right version, what it brings, what will be run.

use chrono::{DateTime, Utc};

use super::causes::{entry_of_configuration, remedy};
use crate::figures::{bytes, count, minute, plural_of};
use crate::harmless::name;
use crate::plan::document::SourceCommit;
use crate::plan::{Action, Finding, Plan, Step};
use crate::region::{SchemaChange, changes_schema};
use crate::render::card::Card;
use crate::render::causes::{LocatedFinding, RemedyWorkspace, causes, word_of_harmless};
use crate::render::page::{Below, Block, CodeLanguage, Copied, Fact, Page, Phrase, Section};
use crate::render::shown::label;

/// Each card.
pub fn pages(plan: &Plan, cards: &[Card<'_>]) -> Vec<Page> {
    cards.iter().map(|card| page(plan, card)).collect()
}

fn page(plan: &Plan, card: &Card<'_>) -> Page {
    let mut page = Page::new("card", "drsync plan", verdict(plan, card));
    let why = card.unprotected.map(|reason| Fact::new("why", Phrase::from_others(reason)));
    let mut blocks = vec![Block::Facts(why.into_iter().collect())];
    let of = plan.workspaces.iter().find(|of| of.name == card.workspace);
    let place = of.and_then(RemedyWorkspace::of);
    blocks.extend(card.findings.iter().flat_map(|of| finding(of, place.as_ref())));
    if let Some(step) = card.step {
        blocks.push(Block::Facts(pins(step, card.recovery_point)));
    }
    page.say(Section::dense(blocks));
    if let Some(step) = card.step {
        page.say(Block::Facts(brings(step)));
        page.say(Block::Facts(columns(step)));
        if let Some(text) = &step.statement {
            page.say(Block::Copied(Copied::line(CodeLanguage::Sql, text)));
        }
    }
    page
}

fn verdict(plan: &Plan, card: &Card<'_>) -> String {
    let what = match (card.step, card.unprotected) {
        (Some(step), _) => step.action.with_symbol()[2..].to_owned(),
        (None, Some(_)) => "not synchronized".to_owned(),
        (None, None) => format!("its group is {}", card.decision.as_str()),
    };
    let label = label(plan, card.workspace, card.group);
    format!("{}: {what}, in {label}", name(&card.table))
}

/// What was found; what blocks with what repairs it.
fn finding(finding: &Finding, place: Option<&RemedyWorkspace>) -> Vec<Block> {
    let (label, blocks) = match word_of_harmless(finding.severity) {
        None => ("finding", true),
        Some(word) => (word, false),
    };
    let says =
        Phrase::name(finding.code.as_str()).and(": ").and(Phrase::from_others(&finding.message));
    let found = blocks.then_some(LocatedFinding { group: "", place, finding });
    let repairs = causes(found.into_iter()).into_iter().flat_map(|cause| {
        let entry = entry_of_configuration(&cause).map(Below::Copied);
        cause.remedy.iter().flat_map(remedy).chain(entry).collect::<Vec<_>>()
    });
    vec![Block::Facts(vec![Fact::new(label, says)]), Block::Apart(repairs.collect())]
}

/// Which version is pinned, why, how long it can be read, and what it replaces.
fn pins(step: &Step, point: Option<DateTime<Utc>>) -> Vec<Fact> {
    let mut facts = vec![Fact::new("source", source(step)), Fact::new("readable", readable(step))];
    facts.extend(point.map(|point| Fact::new("certificate", certificate(step, point))));
    facts.push(Fact::new("replica", replica(step)));
    facts.push(Fact::new("", Phrase::name(&step.replica.location)).under());
    facts.extend(step.estimate.map(|copy| {
        let files = plural_of(copy.copy_files, "file");
        Fact::new("copies", format!("{} in {files}, estimated", bytes(copy.copy_bytes)))
    }));
    facts
}

/// The pinned version, and how much it holds.
pub(super) fn source(step: &Step) -> Phrase {
    let pin = &step.source;
    let mut text = String::new();
    for (number, noun) in [(pin.rows, "row"), (pin.files, "file")] {
        if let Some(number) = number {
            text.push_str(&format!(", {}", plural_of(number, noun)));
        }
    }
    if let Some(size) = pin.bytes {
        text.push_str(&format!(", {}", bytes(size)));
    }
    Phrase::from(format!("v{} of ", pin.version))
        .and(pin.committed_at)
        .and(format!(", head v{}, id ", pin.head_version))
        .and(Phrase::name(&pin.table_id))
        .and(text)
}

/// Until when the pinned version can be read.
pub(super) fn readable(step: &Step) -> String {
    match (step.source.readable_until, step.source.only_while_newest) {
        (Some(until), _) => format!("until {}", minute(until)),
        (None, true) => "only as long as it is the newest version".to_owned(),
        (None, false) => "without limit, or as long as it is the newest version".to_owned(),
    }
}

/// In words what anyone can check: the pinned commit is in, the next one stays out.
pub(super) fn certificate(step: &Step, point: DateTime<Utc>) -> String {
    let exact = crate::moment::text;
    let next = match step.source.next_committed_at {
        Some(next) => format!("< {}, v{}", exact(next), step.source.version + 1),
        None => "and no newer version".to_owned(),
    };
    format!("{} <= {}, the recovery point, {next}", exact(step.source.committed_at), exact(point))
}

/// What the replica holds now.
pub(super) fn replica(step: &Step) -> String {
    match (step.replica.version, step.replica.holds_source_version) {
        (None, _) => "none yet".to_owned(),
        (Some(version), Some(held)) => format!("v{version}, holds v{held} of the source"),
        (Some(version), None) => format!("v{version}, which is no clone of ours"),
    }
}

fn brings(step: &Step) -> Vec<Fact> {
    let (Action::Update, Some(brought)) = (step.action, &step.brings) else {
        return vec![];
    };
    let held = step.replica.holds_source_version.unwrap_or_default();
    let number = match brought.commits {
        Some(number) => plural_of(number, "commit"),
        None => "commits that the history no longer shows all".to_owned(),
    };
    let range = format!("v{held} to v{}: {number}", step.source.version);
    let lines = brought.newest.iter().map(commit).collect();
    let mut facts = vec![Fact { lines, ..Fact::new("brings", range) }];
    let schema = brought.newest.iter().filter(|commit| changes_schema(&commit.operation));
    let schema = schema.map(|commit| {
        Phrase::from(format!("v{} ", commit.version)).and(Phrase::from_others(&commit.operation))
    });
    let schema = Phrase::join(schema, ", ");
    if !schema.is_empty() {
        facts.push(Fact::new("schema", schema));
    }
    facts
}

/// How the update changes the replica's columns, a line a column.
fn columns(step: &Step) -> Vec<Fact> {
    let change = columns_verdict(step).map(|change| {
        let lines = column_lines(step).collect();
        Fact { lines, ..Fact::new("columns", change) }
    });
    change.into_iter().collect()
}

/// What there is to say of the columns in a word or two; `None`: nothing is cloned, or into nothing.
pub(super) fn columns_verdict(step: &Step) -> Option<String> {
    if step.action != Action::Update {
        return None;
    }
    let Some(SchemaChange { columns, more }) = &step.schema else {
        return Some("not known whether they differ from the replica's".to_owned());
    };
    let number = columns.len() + usize::try_from(*more).unwrap_or(usize::MAX - columns.len());
    Some(match number {
        0 => "those of the replica".to_owned(),
        1 => "1 differs from the replica's".to_owned(),
        _ => format!("{} differ from the replica's", count(number as u64)),
    })
}

/// `+ amount decimal(10,2)`, `- old string`, `~ qty integer -> long`.
pub(super) fn column_lines(step: &Step) -> impl Iterator<Item = Phrase> {
    let change = step.schema.iter();
    let lines = change.clone().flat_map(|change| &change.columns).map(|one| {
        let column = Phrase::name(&one.column);
        let kind = |text: &Option<String>| text.as_ref().map(Phrase::from_others);
        match (kind(&one.before), kind(&one.after)) {
            (None, Some(after)) => Phrase::from("+ added    ").and(column).and("  ").and(after),
            (Some(before), None) => Phrase::from("- removed  ").and(column).and("  ").and(before),
            (Some(before), Some(after)) => {
                Phrase::from("~ changed  ").and(column).and("  ").and(before).and(" -> ").and(after)
            }
            (None, None) => column,
        }
    });
    let more = change.map(|change| change.more).filter(|more| *more > 0);
    lines.chain(more.map(|more| format!("and {} more", count(more)).into()))
}

fn commit(commit: &SourceCommit) -> Phrase {
    let user = commit.user.as_ref().map(|user| Phrase::from("  ").and(Phrase::from_others(user)));
    Phrase::from(format!("v{}  ", commit.version))
        .and(commit.committed_at)
        .and("  ")
        .and(Phrase::from_others(&commit.operation))
        .and(user.unwrap_or_default())
}
