//! A stored plan as an auditor meets it: where it comes from first, then the plan itself.

use chrono::{DateTime, Utc};

use super::clean::{clean, name};
use super::figures::{minute, moment, short, tail};
use super::layout::hanging;
use super::{Page, Style, Tone};
use crate::apply::{GroupOutcome, RunRecord};
use crate::plan::{Plan, Provenance, StoredPlan};

/// The provenance of a stored plan and the plan; its digests were recomputed when it was read.
///
/// `applies` are the records of its applies that were found, oldest first.
pub fn text(
    stored: &StoredPlan,
    applies: &[RunRecord],
    now: DateTime<Utc>,
    style: &Style,
) -> String {
    let plan = &stored.plan;
    let mut page = Page::default();
    page.block(vec![style.paint(Tone::Strong, &verdict(plan, applies, now))]);
    page.block(provenance(stored, applies, style));
    let mut text = page.text();
    text.push('\n');
    text.push_str(&super::plan::text(plan, style));
    text
}

pub(super) fn verdict(plan: &Plan, applies: &[RunRecord], now: DateTime<Utc>) -> String {
    let id = clean(&plan.plan_id);
    let head = format!("Plan {}, unaltered", tail(&id));
    let applied = decisive(applies).map(|record| {
        format!(
            "; applied by {} on {}{}",
            tail(&clean(&record.run_id)),
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
fn by(provenance: &Provenance) -> String {
    let Provenance { actor, started_by, ci_run_url: _, git_commit: _, change } = provenance;
    let mut text = match actor.as_str() {
        "" => "someone".to_owned(),
        actor => clean(actor),
    };
    if let Some(change) = change {
        text.push_str(&format!(", {}", clean(change)));
    }
    if let Some(person) = started_by {
        text.push_str(&format!(", started by {}", clean(person)));
    }
    text
}

fn provenance(stored: &StoredPlan, applies: &[RunRecord], style: &Style) -> Vec<String> {
    let plan = &stored.plan;
    let line = |head: &str, text: &str| hanging(&format!("  {head:<12}"), text, style.width);
    let digest = |digest: &str| {
        if style.verbose { clean(digest) } else { format!("{}…", short(&clean(digest))) }
    };
    let clock = if plan.observed_clock.overridden {
        "clock set by DRSYNC_NOW"
    } else {
        "clock not overridden"
    };
    let made = format!("{} by {}", moment(plan.created_at), by(&plan.provenance));
    let mut lines = line("made", &made);
    let mut with = format!("{} {}, {clock}", clean(&plan.tool.name), clean(&plan.tool.version));
    if let Some(commit) = &plan.provenance.git_commit {
        with = format!("commit {}, {with}", clean(commit));
    }
    lines.extend(line("", &with));
    if let Some(url) = &plan.provenance.ci_run_url {
        lines.extend(line("", &clean(url)));
    }
    for record in applies {
        let applied = format!(
            "{} by {}, run {}{}",
            moment(record.ended_at),
            by(&record.provenance),
            tail(&clean(&record.run_id)),
            ended(record)
        );
        lines.extend(line("applied", &applied));
    }
    let config = format!("{}, sha256 {}", clean(&plan.config.source), digest(&plan.config.sha256));
    lines.extend(line("from", &config));
    for workspace in &plan.workspaces {
        if let Some(principal) = &workspace.observed.primary.principal {
            lines.extend(line(
                "seen as",
                &format!("{} in {}", clean(principal), name(&workspace.name)),
            ));
        }
    }
    lines.extend(line(
        "expires",
        &format!("{}: {}", moment(plan.expires_at), clean(&plan.expiry_reason)),
    ));
    lines.extend(line("file", &format!("sha256 {}", digest(&stored.sha256))));
    lines.extend(line("effect", &format!("{} (recomputed, equal)", digest(&plan.effect_sha256))));
    let risks: Vec<String> = plan
        .accepted
        .iter()
        .map(|risk| {
            format!("{} {}, \"{}\"", clean(&risk.code), name(&risk.scope), clean(&risk.reason))
        })
        .collect();
    if !risks.is_empty() {
        lines.extend(line("risks", &format!("{} accepted: {}", risks.len(), risks.join("; "))));
    }
    lines
}
