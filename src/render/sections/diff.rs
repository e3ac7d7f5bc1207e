//! What changed between two plans, part by part.

use std::collections::HashSet;

use crate::figures::{plural, short};
use crate::harmless::clean;
use crate::render::diff::{DocumentPart, PartLine, PlanDifference, PlanSide, StepDetail};
use crate::render::page::{Block, Changed, LineChanges, Page, Phrase, Section};

/// The verdict, then every part that changed.
pub fn page(difference: &PlanDifference) -> Page {
    let mut page = Page::new("diff", "drsync diff", verdict(difference));
    let parts = difference.parts.iter().map(|part| Block::Changes(changes(part)));
    page.say(Section::titled("What changed", parts));
    page
}

fn verdict(difference: &PlanDifference) -> String {
    let effect = |side: &PlanSide| clean(short(&side.effect_sha256));
    let (before, after) = (effect(&difference.before), effect(&difference.after));
    let number = difference.parts.len();
    match (difference.same_effect, number) {
        (true, 0) => format!("Same effect {after}: both plans do the same"),
        (true, _) => format!(
            "Same effect {after}: both plans do the same; {} to know differs",
            plural(number, "thing")
        ),
        (false, _) => format!(
            "{} changed, {} the same; effect {before} became {after}",
            plural(number, "part"),
            difference.unchanged
        ),
    }
}

fn changes(part: &DocumentPart) -> LineChanges {
    let details = |of: char| -> HashSet<&(String, StepDetail)> {
        let of = part.shown.iter().filter(|(sign, _)| *sign == of);
        of.filter_map(|(_, line)| line.about.as_ref()).collect()
    };
    let (gone, new) = (details('-'), details('+'));
    // Where a table is read from, lies and how it is cloned is worth a line only where both plans have the table.
    let further = |line: &PartLine| {
        line.about.as_ref().is_some_and(|about| !(gone.contains(about) && new.contains(about)))
    };
    let lines = part.shown.iter().map(|(sign, line)| Changed {
        sign: *sign,
        text: line.text.clone(),
        further: further(line),
    });
    LineChanges {
        word: part.change.as_str(),
        label: Phrase::name(&part.name),
        lines: lines.collect(),
        otherwise: "the same lines in another order",
        under: false,
    }
}
