//! Where an apply is recorded: what each region took down, and the digest against which the record can be checked later.

use crate::figures::id_end;
use crate::plan::{Plan, Role};
use crate::record::{Recorded, RunRecord};
use crate::render::page::{Block, CodeLanguage, Copied, Phrase, PhrasePart, Section};

/// Where it is recorded; `kept` is where its record lies on this machine. Of a plan that does nothing nothing is kept.
pub(super) fn section(plan: Option<&Plan>, record: &RunRecord, kept: Option<&str>) -> Section {
    if plan.is_some_and(|plan| !plan.applyable) {
        return Section::default();
    }
    let run = id_end(&record.run_id);
    let tables = holders(record, &[Recorded::Rows, Recorded::Cuts]);
    // A record that was kept cannot tell of itself.
    let told = holders(record, &[Recorded::Record]).is_some();
    let evidence = holders(record, &[Recorded::Record, Recorded::Plan]).filter(|_| told);
    let mut text = match tables.or(evidence) {
        // Records of older versions do not tell.
        None => format!("Recorded as {run}"),
        Some((true, true)) => format!("Recorded in both regions as {run}"),
        Some((true, false)) => format!("Recorded in the primary only as {run}"),
        Some((false, true)) => format!("Recorded in the secondary only as {run}"),
        Some((false, false)) => format!("Run {run} is recorded in neither region"),
    };
    if tables.is_some() && evidence != tables {
        let (but, place) = match evidence {
            None => ("", ""),
            Some((true, true)) => ("", "in both"),
            Some((true, false)) => ("but ", "in the primary only"),
            Some((false, true)) => ("but ", "in the secondary only"),
            Some((false, false)) => ("but ", "in none"),
        };
        // Where even the tables are recorded nowhere, "but" would be wrong.
        let but = if tables == Some((false, false)) { "" } else { but };
        if !place.is_empty() {
            text.push_str(&format!(", {but}its plan and run record {place}"));
        }
    }
    let mut says = Phrase::from(text);
    if let Some(kept) = kept {
        says = says.and("; here: ").and(Phrase::from_others(kept));
    }
    // What is meant to be copied stands alone on its line.
    let Some(digest) = &record.record_sha256 else {
        return Block::Words(says).into();
    };
    let line = PhrasePart::Line(format!("sha256 {digest}"));
    Block::Copied(Copied { intro: Some(says), language: CodeLanguage::Plain, lines: vec![line] })
        .into()
}

/// Whether all primaries have taken down all that they were to of some kinds, and all secondaries; `None`: nobody was to.
fn holders(record: &RunRecord, of: &[Recorded]) -> Option<(bool, bool)> {
    let recorded = record.recorded.as_ref()?;
    let answers = |region: Role| {
        let taken = recorded.iter().map(move |recorded| match region {
            Role::Primary => recorded.primary,
            Role::Secondary => recorded.secondary,
        });
        let each = taken.flat_map(|taken| of.iter().map(move |what| taken.get(*what)));
        each.flatten().collect::<Vec<bool>>()
    };
    let [primary, secondary] = [Role::Primary, Role::Secondary].map(answers);
    let all = |answers: &[bool]| !answers.is_empty() && answers.iter().all(|taken| *taken);
    (!primary.is_empty() || !secondary.is_empty()).then(|| (all(&primary), all(&secondary)))
}
