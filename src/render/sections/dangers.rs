//! What a reviewer must not miss: risks that were accepted, what others wrote and is lost, what is no longer synchronized.

use super::notes::{accepted, leaving};
use crate::ledger::Consistency;
use crate::plan::{Decision, GroupPlan, NotCompared, Plan};
use crate::render::page::{Block, NameNote, NamesInRow, Section};
use crate::render::shown::label;

/// Every kind of danger with all that it is of.
pub(in crate::render) fn dangers(plan: &Plan) -> Section {
    let away = away(plan).into_iter().map(|away| kind(away, "", vec![]));
    let mut blocks: Vec<Block> = away.map(Block::Names).collect();
    blocks.extend(accepted(plan).blocks);
    let synchronized = || plan.decided(Decision::Sync);
    let lost = synchronized()
        .flat_map(|(_, group)| &group.drift)
        .filter(|drift| !drift.theirs.is_empty())
        .map(|drift| drift.table.to_string());
    let not_compared = |signs: bool| -> Vec<String> {
        let hides = |nothing: &NotCompared| {
            nothing.hides(plan.selection.changed) && nothing.signs.is_empty() != signs
        };
        let hidden = plan.workspaces.iter();
        let hidden = hidden.filter(|it| it.settings_not_compared.as_ref().is_some_and(hides));
        hidden.map(|workspace| workspace.name.clone()).collect()
    };
    let torn = |group: &GroupPlan| group.consistency == Some(Consistency::CrashConsistent);
    let torn = synchronized()
        .filter(|(_, group)| torn(group))
        .map(|(workspace, group)| label(plan, &workspace.name, &group.name));
    let words = "nothing to compare settings with, though groups were protected before";
    let hidden = kind(words, "workspace", not_compared(true));
    let words = "nothing to compare settings with: what is weaker than before is not known";
    let unknown = kind(words, "workspace", not_compared(false));
    let mut kinds = vec![
        hidden,
        unknown,
        kind("what others wrote to the replica is lost", "table", lost.collect()),
    ];
    let words = "a cut that is not tied to a finished workflow run";
    kinds.push(kind(words, "group", torn.collect()));
    blocks.extend(kinds.into_iter().map(Block::Names).filter(|block| !block.is_empty()));
    blocks.extend(leaving(plan).blocks);
    if plan.observed_clock.overridden {
        blocks.push(Block::Names(kind("the clock was set by DRSYNC_NOW", "", vec![])));
    }
    Section::titled("Dangers", blocks)
}

fn kind(word: &'static str, noun: &'static str, names: Vec<String>) -> NamesInRow {
    let names = names.into_iter().map(|name| NameNote { name, group: None, why: None });
    NamesInRow { word, noun, names: names.collect(), few: usize::MAX, says: None }
}

fn away(plan: &Plan) -> Vec<&'static str> {
    let seen = || plan.workspaces.iter().map(|workspace| &workspace.observed);
    let all = [
        (seen().any(|seen| seen.primary.is_away()), "the primary region does not answer"),
        (seen().any(|seen| seen.primary.refused.is_some()), "the primary region cannot be read"),
        (seen().any(|seen| seen.secondary.is_away()), "the secondary region does not answer"),
        (
            seen().any(|seen| seen.secondary.refused.is_some()),
            "the secondary region cannot be read",
        ),
    ];
    all.into_iter().filter(|(away, _)| *away).map(|(_, words)| words).collect()
}
