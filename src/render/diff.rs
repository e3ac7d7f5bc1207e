//! What changed between two plans: every part of both as lines, compared line by line.
//!
//! What changes in every plan is not among the lines: ids, times, figures, messages, digests.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;
use similar::{Algorithm, ChangeTag, capture_diff_slices};

use super::causes::word_of_harmless;
use crate::formats::DIFF;
use crate::harmless::{clean, command, name};
use crate::ledger::Consistency;
use crate::plan::document::{Refused, RegionSeen, RowChange, WorkspacePlan};
use crate::plan::{Action, Decision, GroupPlan, Plan, Step};

/// Lines of one part in both plans that are compared in their order: that takes as many steps as the square of what differs,
/// and whoever made a plan decides how long it is. Of more lines it is said which are gone and which are new.
const ORDERED_MAX: usize = 5_000;

/// What changed between two plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Difference")]
pub struct PlanDifference {
    /// `drsync.diff`.
    pub kind: String,
    /// Major and minor version of this document's shape.
    pub format_version: String,
    /// Both plans do the same.
    pub same_effect: bool,
    /// The plan before.
    pub before: PlanSide,
    /// The plan after.
    pub after: PlanSide,
    /// Parts that are the same in both.
    pub unchanged: usize,
    /// Parts that are not, in the order of the plans.
    pub parts: Vec<DocumentPart>,
}

/// One of the two plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Side")]
pub struct PlanSide {
    /// Its id.
    pub plan_id: String,
    /// Of what it does.
    pub effect_sha256: String,
}

/// A group, or what is said of a whole workspace or plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Part")]
pub struct DocumentPart {
    /// Its name, with the workspace's before it.
    pub name: String,
    /// What became of it.
    pub change: PartChange,
    /// Lines that are only before.
    pub gone: Vec<String>,
    /// Lines that are only after.
    pub new: Vec<String>,
    #[serde(skip)]
    pub(super) shown: Vec<(char, PartLine)>,
}

/// A line of a part. Two lines are the same if they say the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PartLine {
    pub(super) text: String,
    /// The table whose step it describes further, and in what.
    pub(super) about: Option<(String, StepDetail)>,
}

/// In what a line describes a table's step further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum StepDetail {
    From,
    To,
    By,
}

impl StepDetail {
    fn word(self) -> &'static str {
        match self {
            StepDetail::From => "from",
            StepDetail::To => "to",
            StepDetail::By => "by",
        }
    }
}

impl PartLine {
    fn of(table: &str, what: StepDetail, said: &str) -> PartLine {
        let text = format!("{table}: {} {said}", what.word());
        PartLine { text, about: Some((table.to_owned(), what)) }
    }
}

impl From<String> for PartLine {
    fn from(text: String) -> PartLine {
        PartLine { text, about: None }
    }
}

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Change")]
pub enum PartChange {
    /// Only the plan after has it.
    New,
    /// Only the plan before has it.
    Gone,
    /// Both have it.
    Changed,
}

impl PartChange {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            PartChange::New => "new",
            PartChange::Gone => "gone",
            PartChange::Changed => "changed",
        }
    }
}

impl PlanDifference {
    /// Compares two plans.
    pub fn of(before: &Plan, after: &Plan) -> PlanDifference {
        let (old, new) = (parts(before), parts(after));
        let known: HashMap<&str, &[PartLine]> = by_name(&old);
        let still: HashMap<&str, &[PartLine]> = by_name(&new);
        let mut unchanged = 0;
        let mut changed: Vec<DocumentPart> = vec![];
        for (name, lines) in &new {
            match known.get(name.as_str()) {
                Some(known) if known == lines => unchanged += 1,
                Some(known) => changed.push(part(name, PartChange::Changed, known, lines)),
                None => changed.push(part(name, PartChange::New, &[], lines)),
            }
        }
        for (name, lines) in &old {
            if !still.contains_key(name.as_str()) {
                changed.push(part(name, PartChange::Gone, lines, &[]));
            }
        }
        let side = |plan: &Plan| PlanSide {
            plan_id: plan.plan_id.clone(),
            effect_sha256: plan.effect_sha256.clone(),
        };
        PlanDifference {
            kind: DIFF.kind.to_owned(),
            format_version: DIFF.version.to_owned(),
            same_effect: before.effect_sha256 == after.effect_sha256,
            before: side(before),
            after: side(after),
            unchanged,
            parts: changed,
        }
    }
}

/// Lines of parts by their names; of two parts of one name, those of the first.
fn by_name(parts: &[(String, Vec<PartLine>)]) -> HashMap<&str, &[PartLine]> {
    let mut found = HashMap::new();
    for (name, lines) in parts {
        found.entry(name.as_str()).or_insert(lines.as_slice());
    }
    found
}

fn part(name: &str, change: PartChange, before: &[PartLine], after: &[PartLine]) -> DocumentPart {
    let mut part =
        DocumentPart { name: name.to_owned(), change, gone: vec![], new: vec![], shown: vec![] };
    let mut tell = |sign, line: &PartLine| {
        part.shown.push((sign, line.clone()));
        match sign {
            '-' => part.gone.push(line.text.clone()),
            _ => part.new.push(line.text.clone()),
        }
    };
    if before.len() + after.len() > ORDERED_MAX {
        lacking(before, after).for_each(|line| tell('-', line));
        lacking(after, before).for_each(|line| tell('+', line));
        return part;
    }
    let (old, new): (Vec<&PartLine>, Vec<&PartLine>) =
        (before.iter().collect(), after.iter().collect());
    for change in capture_diff_slices(Algorithm::Myers, &old, &new)
        .iter()
        .flat_map(|op| op.iter_changes(&old, &new))
    {
        match change.tag() {
            ChangeTag::Equal => {}
            ChangeTag::Delete => tell('-', change.value()),
            ChangeTag::Insert => tell('+', change.value()),
        }
    }
    part
}

/// The lines that others have not, or not as often.
fn lacking<'a>(
    lines: &'a [PartLine],
    others: &'a [PartLine],
) -> impl Iterator<Item = &'a PartLine> {
    let mut left: HashMap<&PartLine, usize> = HashMap::new();
    for line in others {
        *left.entry(line).or_default() += 1;
    }
    lines.iter().filter(move |line| {
        let Some(count) = left.get_mut(line).filter(|count| **count > 0) else {
            return true;
        };
        *count -= 1;
        false
    })
}

/// Every part of a plan with its lines; a part that says nothing is left out.
fn parts(plan: &Plan) -> Vec<(String, Vec<PartLine>)> {
    let mut parts: Vec<(String, Vec<PartLine>)> = vec![];
    let plain = |lines: Vec<String>| lines.into_iter().map(PartLine::from).collect::<Vec<_>>();
    for workspace in &plan.workspaces {
        let label = name(&workspace.name);
        parts.push((format!("workspace {label}"), plain(reached(workspace))));
        for group in &workspace.groups {
            let group_name = format!("{label}/{}", name(&group.name));
            parts.push((group_name, self::group(plan, workspace, group)));
        }
        parts.push((format!("metadata tables of {label}"), plain(metadata(workspace))));
    }
    let risks = plan.accepted.iter();
    let risks = risks.map(|risk| format!("{} {}", clean(&risk.code), name(&risk.scope)));
    parts.push(("accepted risks".to_owned(), risks.map(PartLine::from).collect()));
    let mut warnings: Vec<String> = plan
        .warnings
        .iter()
        .map(|warning| {
            let about = [&warning.workspace, &warning.group, &warning.table];
            let about: Vec<String> = about.into_iter().flatten().map(name).collect();
            format!("{} {}", warning.code.as_str(), about.join("/"))
        })
        .collect();
    warnings.sort();
    parts.push(("warnings".to_owned(), plain(warnings)));
    parts.retain(|(_, lines)| !lines.is_empty());
    parts
}

fn reached(workspace: &WorkspacePlan) -> Vec<String> {
    let region = |role: &str, seen: &RegionSeen| {
        let address = seen.workspace.as_deref().map_or(String::new(), clean);
        let state = match (seen.reachable, seen.refused) {
            (true, _) => "",
            (false, None) => ", away",
            (false, Some(Refused::Denied)) => ", denied",
            (false, Some(Refused::Unreadable)) => ", unreadable",
        };
        format!("{role} {address} at {}{state}", clean(&seen.location))
    };
    let mut lines = vec![
        region("primary", &workspace.observed.primary),
        region("secondary", &workspace.observed.secondary),
    ];
    let connection = serde_json::to_value(&workspace.connection).unwrap_or_default();
    for (key, value) in connection.as_object().into_iter().flatten() {
        if let Some(text) = value.as_str() {
            lines.push(format!("{key} {}", clean(text)));
        }
    }
    lines
}

fn group(plan: &Plan, workspace: &WorkspacePlan, group: &GroupPlan) -> Vec<PartLine> {
    let mut lines = vec![PartLine::from(decision(group))];
    for finding in &group.findings {
        let word = word_of_harmless(finding.severity).unwrap_or("!");
        let about =
            finding.table.as_ref().map_or(String::new(), |table| format!(" {}", name(table)));
        lines.push(format!("{word} {}{about}", finding.code.as_str()).into());
    }
    for step in &group.steps {
        lines.extend(self::step(step));
    }
    let of = &workspace.name;
    let left_out = plan.unprotected.iter().filter(|one| one.is_of(of, &group.name));
    lines.extend(left_out.map(|one| format!("not synchronized {}", name(&one.table)).into()));
    lines
}

fn decision(group: &GroupPlan) -> String {
    let mut text = group.decision.as_str().to_owned();
    match group.decision {
        Decision::Sync => {
            if let Some(trigger) = &group.trigger {
                text.push_str(&format!(", {}", trigger.kind.as_str()));
                if let (Some(workflow), Some(run)) = (&trigger.workflow, trigger.run_id) {
                    text.push_str(&format!(" {} run {run}", name(workflow)));
                }
            }
            if let Some(consistency) = group.consistency {
                text.push_str(&format!(", {}", Consistency::as_str(consistency)));
            }
            match group.follows_cut {
                Some(cut) => text.push_str(&format!(", after cut {cut}")),
                None => text.push_str(", its first cut"),
            }
        }
        Decision::Waiting => {
            let code = serde_json::to_value(group.reason.code).unwrap_or_default();
            text.push_str(&format!(", {}", code.as_str().unwrap_or_default()));
        }
        Decision::Blocked | Decision::UpToDate => {}
    }
    text
}

fn step(step: &Step) -> Vec<PartLine> {
    let table = name(&step.table);
    let held = match (step.action, step.replica.holds_source_version) {
        (Action::NoOp, _) => String::new(),
        (Action::Create | Action::Update, Some(held)) => format!("v{held} -> "),
        (Action::Create | Action::Update, None) => String::new(),
    };
    let source = &step.source;
    let place = source.location.as_deref().map_or(String::new(), |at| format!(" at {}", clean(at)));
    let id = source
        .catalog_id
        .as_deref()
        .map_or(String::new(), |id| format!(", catalog id {}", name(id)));
    // The symbol would stand beside that of the line.
    let action = &step.action.with_symbol()[2..];
    let from = format!("table {}{id}{place}", name(&source.table_id));
    let mut lines = vec![
        PartLine::from(format!("{action}  {table}  {held}v{}", source.version)),
        PartLine::of(&table, StepDetail::From, &from),
        PartLine::of(&table, StepDetail::To, &name(&step.replica.location)),
    ];
    // The version stands in the first line already.
    if let Some(statement) = step.statement_of_any_version() {
        lines.push(PartLine::of(&table, StepDetail::By, &command(&statement)));
    }
    lines
}

fn metadata(workspace: &WorkspacePlan) -> Vec<String> {
    let mut lines = vec![];
    for action in &workspace.metadata {
        let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let region = word(serde_json::to_value(action.region).unwrap_or_default());
        let what = word(serde_json::to_value(action.action).unwrap_or_default());
        if what != "none" {
            lines.push(format!("{region}: {what}"));
        }
        for (verb, rows) in [
            ("add", &action.rows_to_add),
            ("change", &action.rows_to_change),
            ("retire", &action.rows_to_retire),
        ] {
            lines.extend(rows.iter().map(|row| format!("{region}: {verb} {}", name(row))));
        }
    }
    lines.extend(workspace.rows.iter().map(row));
    lines
}

fn row(change: &RowChange) -> String {
    let row = &change.after;
    let status = serde_json::to_value(row.current_sync_status).unwrap_or_default();
    let tables: Vec<String> = row.tables.iter().map(name).collect();
    format!(
        "row {}: {}, workflow {}, tables {}",
        name(&row.group_name),
        status.as_str().unwrap_or("no status"),
        row.workflow.as_deref().map_or("none".to_owned(), clean),
        tables.join(" ")
    )
}
