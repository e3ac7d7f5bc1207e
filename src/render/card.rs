//! One table of a plan: what is pinned and why that is the right version, what it brings, what will be run.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::clean::{clean, command, name};
use super::figures::{bytes, count, minute, moment, plural, plural_of};
use super::layout::hanging;
use super::shown::label;
use super::{Page, Style, Tone};
use crate::plan::document::{Certificate, SourceCommit, Unprotected};
use crate::plan::{Action, Decision, Finding, GroupPlan, Plan, Severity, Step};
use crate::region::{SchemaChange, changes_schema};
use crate::text::names_table;

/// A table where a group of the plan names it.
#[derive(Debug, Serialize)]
pub struct Card<'a> {
    /// Its workspace.
    pub workspace: &'a str,
    /// Its group.
    pub group: &'a str,
    /// What was decided for the group.
    pub decision: Decision,
    /// The table.
    pub table: String,
    /// The moment the group is brought to.
    #[serde(with = "crate::moment::OptionalMoment")]
    pub recovery_point: Option<DateTime<Utc>>,
    /// What proves it, over all tables of the group.
    pub certificate: Option<&'a Certificate>,
    /// What happens to it; absent: nothing.
    pub step: Option<&'a Step>,
    /// What was found of it.
    pub findings: Vec<&'a Finding>,
    /// Why it is not synchronized, where the configuration leaves it out.
    pub unprotected: Option<&'a str>,
}

/// The cards of a table, by its name or the end of it, without case.
pub fn cards<'a>(plan: &'a Plan, asked: &str) -> Vec<Card<'a>> {
    let mut cards: Vec<Card<'a>> = vec![];
    for (workspace, group) in plan.groups() {
        for table in tables(plan, group) {
            if !names_table(asked, &table) {
                continue;
            }
            let step = group.steps.iter().find(|step| step.table.to_string() == table);
            let about = |finding: &&Finding| finding.table.as_deref() == Some(table.as_str());
            let left_out = |one: &&Unprotected| one.group == group.name && one.table == table;
            cards.push(Card {
                workspace: &workspace.name,
                group: &group.name,
                decision: group.decision,
                recovery_point: group.recovery_point,
                certificate: group.certificate.as_ref(),
                step,
                findings: group.findings.iter().filter(about).collect(),
                unprotected: plan.unprotected.iter().find(left_out).map(|one| one.reason.as_str()),
                table,
            });
        }
    }
    cards
}

/// Every table that the plan says something of.
pub fn names(plan: &Plan) -> Vec<String> {
    let mut names: Vec<String> = plan.groups().flat_map(|(_, group)| tables(plan, group)).collect();
    names.sort();
    names.dedup();
    names
}

fn tables(plan: &Plan, group: &GroupPlan) -> Vec<String> {
    let mut tables: Vec<String> = group.steps.iter().map(|step| step.table.to_string()).collect();
    tables.extend(group.findings.iter().filter_map(|finding| finding.table.clone()));
    tables.extend(group.drift.iter().map(|drift| drift.table.to_string()));
    let left_out = plan.unprotected.iter().filter(|one| one.group == group.name);
    tables.extend(left_out.map(|one| one.table.clone()));
    tables.sort();
    tables.dedup();
    tables
}

/// The cards, one after the other.
pub fn text(plan: &Plan, cards: &[Card<'_>], style: &Style) -> String {
    let mut page = Page::default();
    for card in cards {
        page.block(vec![style.paint(Tone::Strong, &verdict(plan, card))]);
        page.block(facts(card, style));
        if let Some(step) = card.step {
            page.block(brings(step, style));
            page.block(columns(step, style));
            // A statement is copied: it stands alone on its line and is never broken.
            page.block(step.statement.iter().map(|text| command(text)).collect());
        }
    }
    page.text()
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

fn facts(card: &Card<'_>, style: &Style) -> Vec<String> {
    let line = |head: &str, text: &str| hanging(&format!("  {head:<12}"), text, style.width);
    let mut lines = vec![];
    if let Some(reason) = card.unprotected {
        lines.extend(line("why", &clean(reason)));
    }
    for finding in &card.findings {
        let text = format!("{}: {}", finding.code.as_str(), clean(&finding.message));
        match finding.severity {
            Severity::Block => {
                lines.extend(line("finding", &text));
                lines.extend(finding.remedy.iter().map(|remedy| command(&remedy.to_string())));
            }
            Severity::Accepted => lines.extend(line("accepted", &text)),
            Severity::Repaired => lines.extend(line("repaired", &text)),
        }
    }
    let Some(step) = card.step else {
        return lines;
    };
    lines.extend(line("source", &source(step)));
    lines.extend(line("readable", &readable(step)));
    if let Some(point) = card.recovery_point {
        lines.extend(line("certificate", &certificate(step, point)));
    }
    lines.extend(line("replica", &replica(step)));
    lines.extend(line("", &name(&step.replica.location)));
    if let Some(copy) = step.estimate {
        let files = plural_of(copy.copy_files, "file");
        let text = format!("{} in {files}, estimated", bytes(copy.copy_bytes));
        lines.extend(line("copies", &text));
    }
    lines
}

pub(super) fn source(step: &Step) -> String {
    let pin = &step.source;
    let mut text = format!(
        "v{} of {}, head v{}, id {}",
        pin.version,
        moment(pin.committed_at),
        pin.head_version,
        name(&pin.table_id)
    );
    for (number, noun) in [(pin.rows, "row"), (pin.files, "file")] {
        if let Some(number) = number {
            text.push_str(&format!(", {}", plural_of(number, noun)));
        }
    }
    if let Some(size) = pin.bytes {
        text.push_str(&format!(", {}", bytes(size)));
    }
    text
}

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

pub(super) fn replica(step: &Step) -> String {
    match (step.replica.version, step.replica.holds_source_version) {
        (None, _) => "none yet".to_owned(),
        (Some(version), Some(held)) => format!("v{version}, holds v{held} of the source"),
        (Some(version), None) => format!("v{version}, which is no clone of ours"),
    }
}

fn brings(step: &Step, style: &Style) -> Vec<String> {
    let (Action::Update, Some(brought)) = (step.action, &step.brings) else {
        return vec![];
    };
    let held = step.replica.holds_source_version.unwrap_or_default();
    let number = match brought.commits {
        Some(number) => plural(usize::try_from(number).unwrap_or(usize::MAX), "commit"),
        None => "commits that the history no longer shows all".to_owned(),
    };
    let range = format!("v{held} to v{}: {number}", step.source.version);
    let mut lines = hanging("  brings      ", &range, style.width);
    for commit in &brought.newest {
        lines.push(format!("    {}", self::commit(commit)));
    }
    let schema: Vec<String> = brought
        .newest
        .iter()
        .filter(|commit| changes_schema(&commit.operation))
        .map(|commit| format!("v{} {}", commit.version, clean(&commit.operation)))
        .collect();
    if !schema.is_empty() {
        lines.extend(hanging("  schema      ", &schema.join(", "), style.width));
    }
    lines
}

/// How the update changes the replica's columns, a line a column.
fn columns(step: &Step, style: &Style) -> Vec<String> {
    let (Action::Update, Some(change)) = (step.action, columns_verdict(step)) else {
        return vec![];
    };
    let mut lines = hanging("  columns     ", &change, style.width);
    lines.extend(column_lines(step).map(|line| format!("    {line}")));
    lines
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
pub(super) fn column_lines(step: &Step) -> impl Iterator<Item = String> {
    let change = step.schema.iter();
    let lines = change.clone().flat_map(|change| &change.columns).map(|one| {
        let column = name(&one.column);
        let kind = |text: &Option<String>| text.as_deref().map(clean);
        match (kind(&one.before), kind(&one.after)) {
            (None, Some(after)) => format!("+ added    {column}  {after}"),
            (Some(before), None) => format!("- removed  {column}  {before}"),
            (Some(before), Some(after)) => format!("~ changed  {column}  {before} -> {after}"),
            (None, None) => column,
        }
    });
    let more = change.map(|change| change.more).filter(|more| *more > 0);
    lines.chain(more.map(|more| format!("and {} more", count(more))))
}

fn commit(commit: &SourceCommit) -> String {
    let user = commit.user.as_deref().map_or(String::new(), |user| format!("  {}", clean(user)));
    format!(
        "v{}  {}  {}{user}",
        commit.version,
        moment(commit.committed_at),
        clean(&commit.operation)
    )
}
