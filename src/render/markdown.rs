//! A plan as a comment under a change: verdict first, dangers and what is blocked always, and never longer than it may be.

use chrono::{DateTime, Utc};

use super::Style;
use super::causes::{Cause, Repair, causes};
use super::figures::{bytes, bytes_short, minute, plural, short};
use super::plan::verdict;
use super::sections::dangers::dangers;
use super::sections::notes::warnings;
use super::shown::label;
use super::writers::markdown::section;
use crate::apply::RunRecord;
use crate::plan::document::WorkspacePlan;
use crate::plan::{Action, Decision, GroupPlan, Plan, ReasonCode, Step, StoredPlan};

mod changes;
mod runbook;
mod settings;

use changes::changes;
pub use runbook::runbook;

pub use super::writers::markdown::budget::{BUDGET, BUDGET_MIN};
use super::writers::markdown::budget::{Comment, Detail, fitted, heading, hidden, names};
use super::writers::markdown::escape::{code, fence, sentence, text};

/// A plan as a comment of at most `budget` bytes.
pub fn plan(plan: &Plan, budget: usize) -> String {
    fitted(budget, |detail| comment(plan, "plan", &[], detail))
}

/// A stored plan as a comment: as [`plan`], after a line that says what it is and what became of it.
pub fn show(
    stored: &StoredPlan,
    applies: &[RunRecord],
    now: DateTime<Utc>,
    budget: usize,
) -> String {
    let lines = [
        sentence(&super::show::verdict(&stored.plan, applies, now)),
        format!("file `sha256 {}`", sentence(&stored.sha256)),
    ];
    fitted(budget, |detail| comment(&stored.plan, "show", &lines, detail))
}

fn comment(plan: &Plan, kind: &str, head: &[String], detail: Detail) -> Comment {
    let mut page = Comment::default();
    let names = plan.workspaces.iter().map(|workspace| workspace.name.as_str());
    page.text = format!("{}\n", hidden(kind, names));
    let changes = changes(plan);
    let verdict = if plan.selection.changed { changes.verdict(plan) } else { verdict(plan) };
    page.block(&format!("### drsync: {}", sentence(&verdict)));
    page.block(&head.join("  \n"));
    let dangers = dangers(plan);
    section(&mut page, &dangers, detail);
    settings::weaker(&mut page, plan, dangers.blocks.is_empty(), detail);
    blocked(&mut page, plan, detail);
    changes.block(&mut page, detail);
    settings::others(&mut page, plan, detail);
    synchronized(&mut page, plan, detail);
    waiting(&mut page, plan, detail);
    if let Some(due) = &plan.due_anyway {
        page.block(&super::plan::due_anyway(due).map_or(String::new(), |said| {
            format!("Due anyway, not part of this plan: {}", sentence(&said))
        }));
    }
    section(&mut page, &warnings(&plan.warnings, |_| true), detail);
    statements(&mut page, plan, detail);
    page.text.push_str(&foot(plan));
    page
}

/// Every cause is told or counted: what is blocked never disappears.
fn blocked(page: &mut Comment, plan: &Plan, detail: Detail) {
    let groups: Vec<(String, &GroupPlan)> = decided(plan, Decision::Blocked)
        .map(|(workspace, group)| (label(plan, &workspace.name, &group.name), group))
        .collect();
    if groups.is_empty() {
        return;
    }
    let findings = groups.iter().flat_map(|(label, group)| {
        let blocking = group.findings.iter().filter(|finding| finding.blocks());
        blocking.map(move |finding| (label.as_str(), finding))
    });
    let causes = causes(findings);
    let labels: Vec<String> = groups.iter().map(|(label, _)| label.clone()).collect();
    let mut lines = heading(&format!("Blocked: {}", plural(groups.len(), "group")));
    lines.push_str(&format!("{}\n\n", names(page, &labels, detail.named, "group")));
    for cause in causes.iter().take(detail.causes) {
        lines.push_str(&self::cause(page, cause, detail));
    }
    let rest = &causes[causes.len().min(detail.causes)..];
    if !rest.is_empty() {
        page.leave_out(rest.iter().filter(|cause| cause.remedy.is_some()).count(), "repair");
        let mut at = 0;
        while at < rest.len() {
            let alike = rest[at..].iter().take_while(|cause| cause.code == rest[at].code);
            let alike: Vec<&Cause> = alike.collect();
            let tables: usize = alike.iter().map(|cause| cause.tables.len()).sum();
            let about = match tables {
                0 => plural(alike.len(), "time"),
                tables => plural(tables, "table"),
            };
            lines.push_str(&format!("- `{}`: {about}\n", rest[at].code.as_str()));
            at += alike.len();
        }
    }
    page.block(&lines);
}

fn cause(page: &mut Comment, cause: &Cause, detail: Detail) -> String {
    let groups = names(page, &cause.groups, detail.named.min(5), "group");
    let tables = if cause.tables.is_empty() {
        String::new()
    } else {
        format!(" {}", names(page, &cause.tables, detail.named, "table"))
    };
    let mut lines = format!("- `{}`{tables}, blocks {groups}\n", cause.code.as_str());
    if detail.messages {
        let most = detail.named.min(3);
        for message in cause.messages.iter().take(most) {
            lines.push_str(&format!("  Seen: {}\n", text(message)));
        }
    }
    match &cause.remedy {
        Some(Repair::Words(words)) if detail.messages => {
            lines.push_str(&format!("  To do: {}\n", text(words)));
        }
        Some(Repair::WordsElse(words, command)) if detail.messages => {
            let line = Style::default().command(command);
            lines.push_str(&format!("  To do: {}:\n\n{}\n", text(words), fence("shell", &[line])));
        }
        Some(Repair::Sql(command)) if detail.messages => {
            lines.push_str(&format!("\n{}\n", fence("sql", std::slice::from_ref(command))));
        }
        Some(Repair::Shell(command)) if detail.messages => {
            lines.push_str(&format!("\n{}\n", fence("shell", std::slice::from_ref(command))));
        }
        Some(Repair::Command(command)) if detail.messages => {
            let line = Style::default().command(command);
            lines.push_str(&format!("\n{}\n", fence("shell", &[line])));
        }
        Some(_) => page.leave_out(1, "repair"),
        None => {}
    }
    lines
}

fn decided(plan: &Plan, decision: Decision) -> impl Iterator<Item = (&WorkspacePlan, &GroupPlan)> {
    plan.groups().filter(move |(_, group)| group.decision == decision)
}

fn synchronized(page: &mut Comment, plan: &Plan, detail: Detail) {
    let groups: Vec<(&WorkspacePlan, &GroupPlan)> = decided(plan, Decision::Sync).collect();
    if groups.is_empty() {
        return;
    }
    let mut lines = heading(&format!("To synchronize: {}", plural(groups.len(), "group")));
    if detail.groups > 0 {
        lines.push_str("| group | tables | copy |\n|---|---|---|\n");
    }
    let mut folded = 0;
    for (workspace, group) in groups.iter().take(detail.groups) {
        let label = code(label(plan, &workspace.name, &group.name));
        lines.push_str(&format!("| {label} | {} | {} |\n", counted(group), copies(&group.steps)));
        let clones = group.steps.iter().filter(|step| step.action != Action::NoOp);
        let number = clones.clone().count();
        for step in clones.take(detail.tables) {
            lines.push_str(&format!("| | {} | {} |\n", self::step(step), copy(step)));
        }
        folded += number.saturating_sub(detail.tables);
    }
    let rest = &groups[groups.len().min(detail.groups)..];
    folded += rest.iter().map(|(_, group)| group.steps.len()).sum::<usize>();
    if !rest.is_empty() {
        let steps = rest.iter().flat_map(|(_, group)| &group.steps);
        let more = if rest.len() == groups.len() { "group" } else { "more group" };
        lines.push_str(&format!("\n{}: {}\n", plural(rest.len(), more), copies(steps)));
        page.leave_out(rest.len(), "group");
    }
    page.leave_out(folded, "table");
    page.block(&lines);
}

/// `+ create 1, ~ update 2, = no-op 3`.
fn counted(group: &GroupPlan) -> String {
    let parts =
        [(Action::Create, "+ create"), (Action::Update, "~ update"), (Action::NoOp, "= no-op")];
    let said: Vec<String> = parts
        .into_iter()
        .filter_map(|(action, word)| {
            let number = group.steps.iter().filter(|step| step.action == action).count();
            (number > 0).then(|| format!("{word} {number}"))
        })
        .collect();
    symbols(&said.join(", "))
}

/// Our own symbols; a tilde would strike words out.
fn symbols(text: &str) -> String {
    text.replace('~', "&#126;")
}

fn step(step: &Step) -> String {
    let versions = match (step.action, step.replica.holds_source_version) {
        (Action::Update, Some(held)) => format!("v{held} to v{}", step.source.version),
        _ => format!("v{}", step.source.version),
    };
    let word = symbols(step.action.with_symbol());
    format!("{word} {} {versions}", code(&step.table))
}

fn copy(step: &Step) -> String {
    match step.estimate {
        Some(estimate) => bytes(estimate.copy_bytes),
        None => "size not known".to_owned(),
    }
}

fn copies<'a>(steps: impl IntoIterator<Item = &'a Step>) -> String {
    let clones = steps.into_iter().filter(|step| step.action != Action::NoOp);
    let (mut size, mut unknown, mut known) = (0_u64, 0, 0);
    for step in clones {
        match step.estimate {
            Some(estimate) => {
                size = size.saturating_add(estimate.copy_bytes);
                known += 1;
            }
            None => unknown += 1,
        }
    }
    match (known, unknown) {
        (0, 0) => "nothing".to_owned(),
        (0, _) => "size not known".to_owned(),
        (_, 0) => bytes_short(size),
        (_, _) => format!("at least {}", bytes_short(size)),
    }
}

/// Waiting groups are counts, save those that wait for a person.
fn waiting(page: &mut Comment, plan: &Plan, detail: Detail) {
    let number = |decision| decided(plan, decision).count();
    let counts: Vec<String> =
        [(number(Decision::Waiting), "waiting"), (number(Decision::UpToDate), "up to date")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{} {word}", plural(number, "group")))
            .collect();
    let mut lines =
        if counts.is_empty() { String::new() } else { format!("{}\n\n", counts.join(", ")) };
    let held: Vec<(&WorkspacePlan, &GroupPlan)> = decided(plan, Decision::Waiting)
        .filter(|(_, group)| {
            matches!(group.reason.code, ReasonCode::Paused | ReasonCode::WorkflowFailed)
        })
        .collect();
    for (workspace, group) in held.iter().take(detail.groups) {
        let label = code(label(plan, &workspace.name, &group.name));
        lines.push_str(&format!("- {label}: {}\n", text(&group.reason.message)));
    }
    page.leave_out(held.len().saturating_sub(detail.groups), "waiting group");
    page.block(&lines);
}

/// What will be run, folded away.
fn statements(page: &mut Comment, plan: &Plan, detail: Detail) {
    let all = || {
        let steps = decided(plan, Decision::Sync).flat_map(|(_, group)| &group.steps);
        steps.filter_map(|step| step.statement.as_deref())
    };
    let number = all().count();
    let shown: Vec<String> =
        all().take(detail.statements).map(|statement| format!("{statement};")).collect();
    page.leave_out(number - shown.len(), "statement");
    if !shown.is_empty() {
        page.block(&format!(
            "<details><summary>{}</summary>\n\n{}\n</details>",
            plural(number, "statement"),
            fence("sql", &shown)
        ));
    }
}

/// By what the plan is recognized, who made it, until when it may be applied.
fn foot(plan: &Plan) -> String {
    let mut parts = vec![format!("effect `{}`", sentence(&plan.effect_sha256))];
    if let Some(commit) = &plan.provenance.git_commit {
        parts.push(format!("commit {}", code(short(commit))));
    }
    if let Some(change) = &plan.provenance.change {
        parts.push(sentence(&super::clean(change)));
    }
    parts.push(format!("by {}", code(&plan.provenance.actor)));
    let mut principals: Vec<&String> = plan
        .workspaces
        .iter()
        .filter_map(|workspace| workspace.observed.primary.principal.as_ref())
        .collect();
    principals.dedup();
    if let [one] = principals.as_slice() {
        parts.push(format!("seen as {}", code(one)));
    }
    parts.push(format!("can be applied until {}", minute(plan.expires_at)));
    format!("{}\n", parts.join(" · "))
}
