//! A stored plan as an auditor meets it: where it comes from first, then the plan itself.

use chrono::{DateTime, Utc};

use super::clean::{clean, name};
use super::figures::{minute, moment, short};
use super::layout::hanging;
use super::{Page, Style, Tone};
use crate::plan::{Plan, StoredPlan};

/// The provenance of a stored plan and the plan; its digests were recomputed when it was read.
pub fn text(stored: &StoredPlan, now: DateTime<Utc>, style: &Style) -> String {
    let plan = &stored.plan;
    let mut page = Page::default();
    page.block(vec![style.paint(Tone::Strong, &verdict(plan, now))]);
    page.block(provenance(stored, style));
    let mut text = page.text();
    text.push('\n');
    text.push_str(&super::plan::text(plan, style));
    text
}

fn verdict(plan: &Plan, now: DateTime<Utc>) -> String {
    let id = clean(&plan.plan_id);
    match now > plan.expires_at {
        true => format!("Plan {}, unaltered, expired", short(&id)),
        false => format!(
            "Plan {}, unaltered, can be applied until {}",
            short(&id),
            minute(plan.expires_at)
        ),
    }
}

fn provenance(stored: &StoredPlan, style: &Style) -> Vec<String> {
    let plan = &stored.plan;
    let line = |head: &str, text: &str| hanging(&format!("  {head:<12}"), text, style.width);
    let digest = |digest: &str| match style.verbose {
        true => clean(digest),
        false => format!("{}…", short(&clean(digest))),
    };
    let clock = match plan.observed_clock.overridden {
        true => "clock set by DRSYNC_NOW",
        false => "clock not overridden",
    };
    let made = format!(
        "{} by {} {}, {clock}",
        moment(plan.created_at),
        clean(&plan.tool.name),
        clean(&plan.tool.version)
    );
    let mut lines = line("made", &made);
    let config = format!(
        "{}, sha256 {}",
        clean(&plan.config.source),
        digest(&plan.config.sha256)
    );
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
        &format!(
            "{}: {}",
            moment(plan.expires_at),
            clean(&plan.expiry_reason)
        ),
    ));
    lines.extend(line("file", &format!("sha256 {}", digest(&stored.sha256))));
    lines.extend(line(
        "effect",
        &format!("{} (recomputed, equal)", digest(&plan.effect_sha256)),
    ));
    let risks: Vec<String> = plan
        .accepted
        .iter()
        .map(|risk| {
            format!(
                "{} {}, \"{}\"",
                clean(&risk.code),
                name(&risk.scope),
                clean(&risk.reason)
            )
        })
        .collect();
    if !risks.is_empty() {
        lines.extend(line(
            "risks",
            &format!("{} accepted: {}", risks.len(), risks.join("; ")),
        ));
    }
    lines
}
