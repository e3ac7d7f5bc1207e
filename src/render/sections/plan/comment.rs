//! A plan as a comment under a change: verdict first, dangers and what is blocked always.

use chrono::{DateTime, Utc};

use super::changes::changes;
use super::group::{self, Verbosity, changing};
use super::notes::due_anyway;
use super::steps;
use super::tally::Tally;
use super::verdict::verdict;
use crate::figures::{minute, plural, short, tally};
use crate::plan::{Decision, Plan, Setting, SettingChange, StoredPlan};
use crate::record::RunRecord;
use crate::render::page::{
    Block, Entries, Obstacles, Page, PageEntry, Phrase, Section, ShownNotes,
};
use crate::render::protection::{all_compared, not_compared, of_plan, settings};
use crate::render::sections::acceptances::{all_the_same, risks_by_groups, without_acceptance};
use crate::render::sections::causes::{blocking_causes, obstacle};
use crate::render::sections::dangers::dangers;
use crate::render::sections::notes::warnings;
use crate::render::sections::show;
use crate::render::shown::{Labelled, Shown};
use crate::text::span;

/// Groups of whose lag it is told from when on nobody would hear of it.
const UNHEARD_MAX: usize = 5;

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
    page.say(Section::titled("Dangers", dangers(plan).blocks.into_iter().chain(weaker(plan))));
    let shown = Shown::of(plan, true);
    page.say(blocked(&shown));
    page.say(Section::titled("Changed by the configuration", [Block::Table(changes.table())]));
    page.say(others(plan));
    page.say(synchronized(&shown));
    page.say(waiting(&shown));
    if let Some(said) = plan.due_anyway.as_ref().and_then(due_anyway) {
        let says = format!("Due anyway, not part of this plan: {said}");
        page.say(Block::Words(says.into()));
    }
    page.say(warnings(&plan.warnings, |_| true));
    let steps = shown.decided(Decision::Sync).flat_map(|of| &of.group.steps);
    page.say(Block::Statements(steps::statements(steps)));
    page.say(Block::Words(foot(plan)));
    page
}

/// Every setting that is weaker, and from when on nobody would hear of lags that there are.
fn weaker(plan: &Plan) -> [Block; 2] {
    let all = settings(plan, SettingChange::weakens);
    [Block::Settings(all), Block::Notes(ShownNotes::of("objective", unheard(plan)))]
}

/// Of groups whose objective is longer: from when on somebody would be told of the lag that they have now.
fn unheard(plan: &Plan) -> Vec<Phrase> {
    let weaker = of_plan(plan).filter(|(_, change)| change.weakens());
    let objectives = weaker.filter(|(_, change)| change.setting == Setting::Objective);
    let told = objectives.take(UNHEARD_MAX).filter_map(|(workspace, change)| {
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
    told.collect()
}

/// What is blocked, by its causes.
fn blocked(shown: &Shown<'_>) -> Section {
    let groups: Vec<&Labelled<'_>> = shown.decided(Decision::Blocked).collect();
    let all = blocking_causes(&groups);
    let together = risks_by_groups(&all);
    let told = all.into_iter().map(|cause| {
        let several = together.contains_key(&cause.groups);
        obstacle(if several { without_acceptance(&cause) } else { cause })
    });
    let causes = told.collect();
    let labels: Vec<String> = groups.iter().map(|of| of.label.clone()).collect();
    let title = format!("Blocked: {}", plural(groups.len(), "group"));
    let obstacles = Block::Obstacles(Obstacles { title: None, groups: labels, causes });
    let changing = changing(groups).map(|(label, says)| label.and(" ").and(says));
    let changing = Block::Notes(ShownNotes::of("change of columns", changing));
    let blocks = [obstacles, changing].into_iter().chain(all_the_same(&together));
    Section::titled(title, blocks)
}

/// What else changes, and with what it was compared.
fn others(plan: &Plan) -> Section {
    let all = settings(plan, |change| !change.weakens());
    let title = (!all.is_empty()).then(|| "Settings that change otherwise".to_owned());
    let with = all_compared(plan);
    let compared = Phrase::join(with.iter().map(Phrase::from_others), " and ");
    let says =
        "These settings hold from the first round after the change is taken in, applied or not.";
    let compared = match with.as_slice() {
        [] => Phrase::default(),
        _ => Phrase::from(format!("{says} Compared with ")).and(compared).and("."),
    };
    let nothing = not_compared(plan).into_iter().map(|told| {
        let told =
            Phrase::from("Settings are compared with nothing: ").and(Phrase::from_others(told));
        Block::Words(told.and("."))
    });
    let blocks = [Block::Settings(all), Block::Words(compared)].into_iter().chain(nothing);
    Section { title, ..Section::of(blocks) }
}

fn synchronized(shown: &Shown<'_>) -> Section {
    let entries = shown.decided(Decision::Sync);
    let entries: Vec<PageEntry> =
        entries.map(|of| group::entry(shown.plan, of, Verbosity::Line)).collect();
    let title = format!("To synchronize: {}", plural(entries.len(), "group"));
    Section::titled(title, [Block::Entries(Entries::chosen("group", entries))])
}

/// Waiting groups are counts, save those that wait for a person.
fn waiting(shown: &Shown<'_>) -> Section {
    let [_, waiting, up_to_date] = Tally::of(shown.plan).others();
    let counts = match (waiting, up_to_date) {
        ((0, _), (0, _)) => String::new(),
        some => tally(&[some.0, some.1]),
    };
    let held = shown.decided(Decision::Waiting).filter(|of| of.group.waits_for_a_person());
    let held = held.map(|of| {
        let entry = group::entry(shown.plan, of, Verbosity::Line);
        // The count before them says what they are.
        PageEntry { word: "", ..entry }
    });
    let held = Entries::chosen("waiting group", held.collect());
    Section::of([Block::Words(counts.into()), Block::Entries(held)])
}

/// By what the plan is recognized, who made it, until when it may be applied.
fn foot(plan: &Plan) -> Phrase {
    let mut parts = vec![Phrase::from("effect ").and(Phrase::name(&plan.effect_sha256))];
    let provenance = &plan.provenance;
    if let Some(commit) = &provenance.git_commit {
        parts.push(Phrase::from("commit ").and(Phrase::name(short(commit))));
    }
    parts.extend(provenance.change.as_ref().map(Phrase::from_others));
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
