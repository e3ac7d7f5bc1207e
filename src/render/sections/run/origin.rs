//! Where a run record comes from: which apply of which plan, by whom, with whose approval.

use crate::plan::Provenance;
use crate::record::{Approval, RunRecord};
use crate::render::page::{Block, Fact, Phrase, PhrasePart, Section};

/// Which run it was.
pub(super) fn section(record: &RunRecord) -> Section {
    let name = |text: &String| Phrase::name(text);
    let digest = |text: &String| Phrase::from(PhrasePart::Digest(text.clone()));
    let mut facts = vec![
        Fact::new("run", name(&record.run_id)),
        Fact::new("began", record.started_at),
        Fact::new("ended", Phrase::from(record.ended_at).and(exit(record))),
    ];
    facts.extend(provenance(&record.provenance));
    facts.extend(record.approval.as_ref().map(|given| Fact::new("approval", approval(given))));
    if record.clock_overridden {
        facts.push(Fact::new("clock", "set by DRSYNC_NOW"));
    }
    facts.push(Fact::new("plan", name(&record.plan_id)));
    facts.push(Fact::new("its file", Phrase::from("sha256 ").and(digest(&record.plan_sha256))));
    facts.push(Fact::new("effect", digest(&record.effect_sha256)));
    let before = record.previous_run_sha256.as_ref();
    facts.extend(before.map(|before| {
        Fact::new("before it", Phrase::from("the record with sha256 ").and(digest(before)))
    }));
    Section::titled("Provenance", [Block::Facts(facts)])
}

fn exit(record: &RunRecord) -> Phrase {
    let exit = &record.exit;
    Phrase::from(", ").and(Phrase::from_others(&exit.name)).and(format!(" (exit {})", exit.code))
}

/// Who made a document, and where.
pub(in crate::render) fn provenance(provenance: &Provenance) -> Vec<Fact> {
    let Provenance { actor, started_by, ci_run_url, git_commit, change } = provenance;
    let said = |label, text: Option<&String>| {
        text.filter(|text| !text.is_empty()).map(|text| Fact::new(label, Phrase::from_others(text)))
    };
    let commit = git_commit.as_ref().map(|commit| Fact::new("commit", Phrase::name(commit)));
    let pipeline =
        ci_run_url.as_ref().map(|url| Fact::new("pipeline", PhrasePart::Address(url.clone())));
    let facts = [
        said("by", Some(actor)),
        said("started by", started_by.as_ref()),
        said("change", change.as_ref()),
        commit,
        pipeline,
    ];
    facts.into_iter().flatten().collect()
}

/// Who said yes to an apply.
pub(in crate::render) fn approval(approval: &Approval) -> Phrase {
    let words = Phrase::from(approval.as_str());
    match approval {
        Approval::Signature { public_key, trusted_comment } => words
            .and(": ")
            .and(Phrase::from_others(trusted_comment))
            .and(", key ")
            .and(Phrase::name(public_key)),
        Approval::ExpectedEffect | Approval::Prompt | Approval::None => words,
    }
}
