//! Where a plan comes from: who made it of what, what was seen of both regions, its digests, and its applies.

use crate::command::{Command, Verb};
use crate::figures::minute;
use crate::plan::document::{Refused, RegionSeen};
use crate::plan::{Role, StoredPlan};
use crate::record::RunRecord;
use crate::render::page::{Block, Copied, Fact, PageTable, Phrase, PhrasePart, Section};
use crate::render::sections::run::provenance;

/// Secrets that are named.
const SECRETS_NAMED: usize = 20;

/// Who made it, from what, and its digests.
pub(super) fn section(stored: &StoredPlan, applies: &[RunRecord]) -> Section {
    let equal = "Effect and document were recomputed and are equal to what the plan says. To apply exactly this effect:";
    let apply = Command::new(Verb::Apply).word("plan.json").word("--expect-effect");
    let apply = Copied::command(apply.word(&*stored.plan.effect_sha256));
    let blocks = [
        Block::Facts(facts(stored)),
        Block::Copied(apply.after(equal)),
        Block::Table(regions(stored)),
        Block::Table(applied(applies)),
    ];
    Section { uncounted: true, ..Section::titled("Provenance", blocks) }
}

fn facts(stored: &StoredPlan) -> Vec<Fact> {
    let plan = &stored.plan;
    let name = |label: &'static str, text: &String| Fact::new(label, Phrase::name(text));
    let mut facts = vec![name("plan", &plan.plan_id), Fact::new("made", plan.created_at)];
    facts.extend(provenance(&plan.provenance));
    let tool =
        Phrase::from_others(&plan.tool.name).and(" ").and(Phrase::from_others(&plan.tool.version));
    facts.push(Fact::new("with", tool));
    if plan.observed_clock.overridden {
        let set = Phrase::from("set by DRSYNC_NOW to ").and(plan.observed_clock.now);
        facts.push(Fact::new("clock", set));
    }
    let expires =
        Phrase::from(plan.expires_at).and(": ").and(Phrase::from_others(&plan.expiry_reason));
    facts.extend([
        Fact::new("expires", expires),
        Fact::new("configuration", Phrase::from_others(&plan.config.source)),
        name("its SHA-256", &plan.config.sha256),
        name("of its meaning", &plan.config.effective_sha256),
    ]);
    if !plan.config.secret_refs.is_empty() {
        let secrets = PhrasePart::Names(plan.config.secret_refs.clone(), SECRETS_NAMED);
        facts.push(Fact::new("secrets it names", secrets));
    }
    facts.extend([
        name("effect", &plan.effect_sha256),
        name("document", &plan.document_sha256),
        name("file", &stored.sha256),
    ]);
    facts
}

fn regions(stored: &StoredPlan) -> PageTable {
    let heads = ["workspace", "region", "address", "sync location", "answered", "as", "when"];
    let mut table = PageTable::new("What was seen of both regions", "region", &heads);
    for workspace in &stored.plan.workspaces {
        let seen = &workspace.observed;
        for (role, seen) in [(Role::Primary, &seen.primary), (Role::Secondary, &seen.secondary)] {
            let mut cells = vec![Phrase::name(&workspace.name), role.name().into()];
            cells.extend(region(seen));
            table.row(cells);
        }
    }
    table
}

fn region(seen: &RegionSeen) -> [Phrase; 5] {
    let how = match (seen.reachable, seen.refused) {
        (true, _) => "yes",
        (false, None) => "no",
        (false, Some(Refused::Denied)) => "with a refusal",
        (false, Some(Refused::Unreadable)) => "with what cannot be read",
    };
    let answer =
        seen.answer.as_ref().map(|answer| Phrase::from(": ").and(Phrase::from_others(answer)));
    [
        seen.workspace.clone().map(|it| PhrasePart::Address(it).into()).unwrap_or_default(),
        Phrase::name(&seen.location),
        Phrase::from(how).and(answer.unwrap_or_default()),
        seen.principal.as_ref().map(Phrase::from_others).unwrap_or_default(),
        seen.observed_at.into(),
    ]
}

fn applied(applies: &[RunRecord]) -> PageTable {
    let mut table = PageTable::new("Applies of this plan", "apply", &["run", "ended", "how", "by"]);
    for record in applies {
        let exit = format!(" (exit {})", record.exit.code);
        table.row(vec![
            Phrase::name(&record.run_id),
            minute(record.ended_at).into(),
            Phrase::from_others(&record.exit.name).and(exit),
            Phrase::from_others(&record.provenance.actor),
        ]);
    }
    table
}
