//! A plan as a comment under a change: verdict first, dangers and what is blocked always.

use chrono::{DateTime, Utc};

use super::changes::{Changes, changes};
use super::notes::due_anyway;
use super::steps;
use super::verdict::verdict;
use crate::apply::RunRecord;
use crate::plan::document::WorkspacePlan;
use crate::plan::{Decision, GroupPlan, Plan, ReasonCode, Setting, SettingChange, StoredPlan};
use crate::render::causes::causes;
use crate::render::figures::{minute, plural, short};
use crate::render::page::{
    Below, Block, Entries, Entry, Notes, Obstacles, Page, Phrase, Section, Tone,
};
use crate::render::protection::{all_compared, of_plan, settings};
use crate::render::sections::acceptances::{all_the_same, apart, together};
use crate::render::sections::causes::obstacle;
use crate::render::sections::dangers::dangers;
use crate::render::sections::notes::warnings;
use crate::render::sections::show;
use crate::render::shown::label;
use crate::text::span;

/// A plan as a comment.
pub fn comment(plan: &Plan) -> Page {
    page(plan, "plan", vec![])
}

/// A stored plan as a comment: as [`comment`], after what it is and what became of it.
pub fn comment_stored(stored: &StoredPlan, applies: &[RunRecord], now: DateTime<Utc>) -> Page {
    let file = Phrase::from("file ").and(Phrase::name(format!("sha256 {}", stored.sha256)));
    let head = [show::verdict(&stored.plan, applies, now).into(), file];
    page(&stored.plan, "show", head.map(Block::Words).to_vec())
}

fn page(plan: &Plan, kind: &'static str, head: Vec<Block>) -> Page {
    let changes = changes(plan);
    let verdict = if plan.selection.changed { changes.verdict(plan) } else { verdict(plan) };
    let workspaces = plan.workspaces.iter().map(|workspace| &workspace.name);
    let mut page = Page::new(kind, "drsync plan", verdict).of(workspaces);
    page.say(Section::dense(head));
    let mut dangers = dangers(plan);
    dangers.blocks.extend(weaker(plan));
    page.say(dangers);
    page.say(blocked(plan));
    page.say(changed(&changes));
    page.say(others(plan));
    page.say(synchronized(plan));
    page.say(waiting(plan));
    if let Some(said) = plan.due_anyway.as_ref().and_then(due_anyway) {
        let says = format!("Due anyway, not part of this plan: {said}");
        page.say(Block::Words(says.into()));
    }
    page.say(warnings(&plan.warnings, |_| true));
    let steps = decided(plan, Decision::Sync).flat_map(|(_, group)| &group.steps);
    page.say(Block::Statements(steps::statements(steps)));
    page.say(Block::Words(foot(plan)));
    page
}

fn decided(plan: &Plan, decision: Decision) -> impl Iterator<Item = (&WorkspacePlan, &GroupPlan)> {
    plan.groups().filter(move |(_, group)| group.decision == decision)
}

/// Every setting that is weaker, and from when on nobody would hear of lags that there are.
fn weaker(plan: &Plan) -> Vec<Block> {
    let all = settings(plan, SettingChange::weakens);
    let unheard = Notes::of("objective", unheard(plan));
    let blocks = [Block::Settings(all), Block::Notes(unheard)];
    blocks.into_iter().filter(|block| !block.is_empty()).collect()
}

/// Of groups whose objective is longer: from when on somebody would be told of the lag that they have now.
fn unheard(plan: &Plan) -> Vec<Phrase> {
    let weaker = of_plan(plan).filter(|(_, change)| change.weakens());
    let objectives = weaker.filter(|(_, change)| change.setting == Setting::Objective);
    let told = objectives.filter_map(|(workspace, change)| {
        let (_, group) = plan.groups().find(|(of, group)| {
            of.name == workspace && Some(&group.name) == change.group.as_ref()
        })?;
        let (lag @ 1.., rpo) = (group.lag_seconds?, group.rpo_seconds?) else {
            return None;
        };
        let left = chrono::Duration::try_seconds(rpo.saturating_sub(lag))?;
        let then = plan.created_at.checked_add_signed(left)?;
        Some(Phrase::name(&group.name).and(format!(
            " lags {} now: with an objective of {} nobody would be told before {}.",
            span(lag),
            span(rpo),
            minute(then)
        )))
    });
    told.take(UNHEARD_MAX).collect()
}

/// Groups of whose lag it is told from when on nobody would hear of it.
const UNHEARD_MAX: usize = 5;

/// What is blocked, by its causes.
fn blocked(plan: &Plan) -> Section {
    let groups: Vec<(String, &GroupPlan)> = decided(plan, Decision::Blocked)
        .map(|(workspace, group)| (label(plan, &workspace.name, &group.name), group))
        .collect();
    let findings = groups.iter().flat_map(|(label, group)| {
        let blocking = group.findings.iter().filter(|finding| finding.blocks());
        blocking.map(move |finding| (label.as_str(), finding))
    });
    let all = causes(findings);
    let together = together(&all);
    let told = all.into_iter().map(|cause| match together.contains_key(&cause.groups) {
        true => obstacle(apart(&cause)),
        false => obstacle(cause),
    });
    let causes = told.collect();
    let labels: Vec<String> = groups.iter().map(|(label, _)| label.clone()).collect();
    let title = format!("Blocked: {}", plural(labels.len(), "group"));
    let blocks = match labels.as_slice() {
        [] => vec![],
        _ => {
            let obstacles = Obstacles { title: None, groups: labels, causes };
            [Block::Obstacles(obstacles)].into_iter().chain(all_the_same(&together)).collect()
        }
    };
    Section::titled(title, blocks)
}

/// What becomes of which group by the configuration.
fn changed(changes: &Changes) -> Section {
    let title = "Changed by the configuration";
    Section { title: Some(title.to_owned()), ..Block::Table(changes.table()).into() }
}

/// What else changes, and with what it was compared.
fn others(plan: &Plan) -> Section {
    let all = settings(plan, |change| !change.weakens());
    let title = (!all.is_empty()).then(|| "Settings that change otherwise".to_owned());
    let mut blocks: Vec<Block> = vec![];
    if !all.is_empty() {
        blocks.push(Block::Settings(all));
    }
    let with = all_compared(plan);
    if !with.is_empty() {
        let says = "These settings hold from the first round after the change is taken in, applied or not.";
        let with = Phrase::join(with.into_iter().map(Phrase::said), " and ");
        let compared = Phrase::from(format!("{says} Compared with ")).and(with).and(".");
        blocks.push(Block::Words(compared));
    }
    Section { title, blocks, ..Section::default() }
}

fn synchronized(plan: &Plan) -> Section {
    let entries = decided(plan, Decision::Sync).map(|(workspace, group)| {
        let label = label(plan, &workspace.name, &group.name);
        let steps = steps::told(&label, &group.steps);
        let mut entry = Entry::new("sync", Tone::Good, Phrase::name(label), Phrase::default());
        entry.below.push(Below::Steps(steps));
        entry
    });
    let entries: Vec<Entry> = entries.collect();
    let title = format!("To synchronize: {}", plural(entries.len(), "group"));
    Section { title: Some(title), ..Block::Entries(Entries::chosen("group", entries)).into() }
}

/// Waiting groups are counts, save those that wait for a person.
fn waiting(plan: &Plan) -> Section {
    let kinds = [(Decision::Waiting, "waiting"), (Decision::UpToDate, "up to date")];
    let counts: Vec<String> = kinds
        .into_iter()
        .map(|(decision, word)| (decided(plan, decision).count(), word))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", plural(number, "group")))
        .collect();
    let held = decided(plan, Decision::Waiting).filter(|(_, group)| {
        matches!(group.reason.code, ReasonCode::Paused | ReasonCode::WorkflowFailed)
    });
    let held = held.map(|(workspace, group)| {
        let label = Phrase::name(label(plan, &workspace.name, &group.name));
        Entry::new("", Tone::Wait, label, Phrase::said(&group.reason.message))
    });
    let held = Entries::chosen("waiting group", held.collect());
    let blocks = [Block::Words(counts.join(", ").into()), Block::Entries(held)];
    let blocks = blocks.into_iter().filter(|block| !block.is_empty()).collect();
    Section { blocks, ..Section::default() }
}

/// By what the plan is recognized, who made it, until when it may be applied.
fn foot(plan: &Plan) -> Phrase {
    let mut parts = vec![Phrase::from("effect ").and(Phrase::name(&plan.effect_sha256))];
    let provenance = &plan.provenance;
    if let Some(commit) = &provenance.git_commit {
        parts.push(Phrase::from("commit ").and(Phrase::name(short(commit))));
    }
    parts.extend(provenance.change.as_ref().map(Phrase::said));
    parts.push(Phrase::from("by ").and(Phrase::name(&provenance.actor)));
    let observed = plan.workspaces.iter().map(|workspace| &workspace.observed.primary);
    let mut principals: Vec<&String> =
        observed.filter_map(|primary| primary.principal.as_ref()).collect();
    principals.dedup();
    if let [one] = principals.as_slice() {
        parts.push(Phrase::from("seen as ").and(Phrase::name(one)));
    }
    parts.push(format!("can be applied until {}", minute(plan.expires_at)).into());
    Phrase::join(parts, " · ")
}
