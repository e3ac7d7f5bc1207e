//! A stored plan as an auditor meets it: that it is unaltered, what became of it, and where it comes from; the plan itself follows.

use chrono::{DateTime, Utc};

use crate::figures::{Ends, minute};
use crate::harmless::clean;
use crate::plan::{Plan, Provenance, StoredPlan};
use crate::record::{GroupOutcome, RunRecord};
use crate::render::page::{Block, Fact, Page, Phrase, PhrasePart};

/// The provenance of a stored plan; its digests were recomputed when it was read.
///
/// `applies` are the records of its applies that were found, oldest first.
pub fn page(stored: &StoredPlan, applies: &[RunRecord], now: DateTime<Utc>) -> Page {
    let workspaces = stored.plan.workspaces.iter().map(|workspace| &workspace.name);
    let verdict = verdict(&stored.plan, applies, now);
    let mut page = Page::new("show", "drsync plan", verdict).of(workspaces);
    page.say(Block::Facts(facts(stored, applies)));
    page
}

/// Whether it can be applied, and what became of it.
pub(in crate::render) fn verdict(plan: &Plan, applies: &[RunRecord], now: DateTime<Utc>) -> String {
    let ends = ends(plan, applies);
    let head = format!("Plan {}, unaltered", ends.end(&clean(&plan.plan_id)));
    let applied = decisive(applies).map(|record| {
        format!(
            "; applied by {} on {}{}",
            ends.end(&clean(&record.run_id)),
            minute(record.ended_at),
            ended(record)
        )
    });
    match (now > plan.expires_at, applied) {
        (true, applied) => format!("{head}, expired{}", applied.unwrap_or_default()),
        (false, Some(applied)) => format!("{head}{applied}"),
        (false, None) => format!("{head}, can be applied until {}", minute(plan.expires_at)),
    }
}

/// What tells the plan and its applies from one another.
fn ends(plan: &Plan, applies: &[RunRecord]) -> Ends {
    let runs = applies.iter().map(|record| record.run_id.as_str());
    Ends::of(runs.chain([plan.plan_id.as_str()]))
}

/// The apply that did what the plan says; where none did, the last that tried.
fn decisive(applies: &[RunRecord]) -> Option<&RunRecord> {
    let did = |record: &&RunRecord| {
        let mut groups = record.groups.iter();
        groups.any(|group| group.outcome == GroupOutcome::Synchronized)
    };
    applies.iter().find(did).or(applies.last())
}

/// ` (partial)`, where it did not simply end well.
fn ended(record: &RunRecord) -> String {
    match record.exit.code {
        0 => String::new(),
        _ => format!(" ({})", clean(&record.exit.name)),
    }
}

/// Who made a document, and where: `ci:github acme/dr run 7, pull 418, started by octo`.
fn by(provenance: &Provenance) -> Phrase {
    let Provenance { actor, started_by, ci_run_url: _, git_commit: _, change } = provenance;
    let mut says = match actor.as_str() {
        "" => "someone".into(),
        actor => Phrase::from_others(actor),
    };
    if let Some(change) = change {
        says = says.and(", ").and(Phrase::from_others(change));
    }
    if let Some(person) = started_by {
        says = says.and(", started by ").and(Phrase::from_others(person));
    }
    says
}

fn facts(stored: &StoredPlan, applies: &[RunRecord]) -> Vec<Fact> {
    let plan = &stored.plan;
    let digest = |digest: &String| Phrase::from(PhrasePart::Digest(digest.clone()));
    let at = |at: DateTime<Utc>| Phrase::from(at).and(" by ");
    let mut facts = vec![Fact::new("made", at(plan.created_at).and(by(&plan.provenance)))];
    let clock = if plan.observed_clock.overridden {
        ", clock set by DRSYNC_NOW"
    } else {
        ", clock not overridden"
    };
    let commit = plan.provenance.git_commit.as_ref();
    let commit = commit.map(|it| Phrase::from("commit ").and(Phrase::from_others(it)).and(", "));
    let tool =
        Phrase::from_others(&plan.tool.name).and(" ").and(Phrase::from_others(&plan.tool.version));
    let with = commit.unwrap_or_default().and(tool).and(clock);
    facts.push(Fact::new("", with).under());
    let pipeline = plan.provenance.ci_run_url.clone();
    facts.extend(pipeline.map(|url| Fact::new("", PhrasePart::Address(url)).under()));
    let ends = ends(plan, applies);
    facts.extend(applies.iter().map(|record| {
        let run = PhrasePart::Id(record.run_id.clone(), ends);
        let run = Phrase::from(", run ").and(run).and(ended(record));
        Fact::new("applied", at(record.ended_at).and(by(&record.provenance)).and(run))
    }));
    let source = Phrase::from_others(&plan.config.source).and(", sha256 ");
    facts.push(Fact::new("from", source.and(digest(&plan.config.sha256))));
    facts.extend(plan.workspaces.iter().filter_map(|workspace| {
        let principal = Phrase::from_others(workspace.observed.primary.principal.as_ref()?);
        Some(Fact::new("seen as", principal.and(" in ").and(Phrase::name(&workspace.name))))
    }));
    let expires =
        Phrase::from(plan.expires_at).and(": ").and(Phrase::from_others(&plan.expiry_reason));
    let effect = digest(&plan.effect_sha256).and(" (recomputed, equal)");
    facts.extend([
        Fact::new("expires", expires),
        Fact::new("file", Phrase::from("sha256 ").and(digest(&stored.sha256))),
        Fact::new("effect", effect),
    ]);
    if !plan.accepted.is_empty() {
        let risks = plan.accepted.iter().map(|risk| {
            let of = Phrase::from_others(&risk.code).and(" ").and(Phrase::name(&risk.scope));
            of.and(", ").and(PhrasePart::Quoted(risk.reason.clone()))
        });
        let head = Phrase::from(format!("{} accepted: ", plan.accepted.len()));
        facts.push(Fact::new("risks", head.and(Phrase::join(risks, "; "))));
    }
    facts
}
