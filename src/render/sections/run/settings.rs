//! Settings that are others from an apply on, and whether somebody approved what is weaker.

use crate::record::RunRecord;
use crate::render::page::{Block, Note, PageTable, Phrase, Section, ShownNotes, ToldIn};
use crate::render::protection::{describe_change, describe_compared};

/// A line a setting, and where there is room a table with what it was compared with.
pub(super) fn sections(record: &RunRecord, several: bool) -> Vec<Section> {
    let caption = "Settings that are others than before";
    let mut table = PageTable::new(caption, "setting", &["", "what", "setting", "before", "after"]);
    let mut weaker = vec![];
    let mut otherwise = vec![];
    for changed in &record.settings_changed {
        for change in &changed.changes {
            let told = describe_change(several, &changed.workspace, change);
            let weakens = change.weakens();
            table.row(told.cells());
            let unseen = weakens && !changed.reviewed;
            let approved = if unseen { "; no approved plan covers it" } else { "" };
            let says = Phrase::name(&told.who).and("  ").and(told.says()).and(approved);
            let note = Note::new(says);
            if weakens { &mut weaker } else { &mut otherwise }.push((told.word, note));
        }
        let with = Phrase::from("Compared with ")
            .and(Phrase::from_others(describe_compared(&changed.compared_with)));
        let approved = if changed.reviewed {
            "; approved with its plan."
        } else {
            "; no approved plan covers it."
        };
        table.after.push(with.and(approved));
    }
    let lines = weaker.into_iter().chain(otherwise).map(|(word, note)| {
        Block::Notes(ShownNotes { word, notes: vec![note], alike_max: usize::MAX })
    });
    let title = "Protection that changed";
    let lines = Section { told: ToldIn::InBrief, ..Section::titled(title, lines) };
    let table = Section::titled(title, [Block::Table(table)]);
    vec![lines, table.in_full()]
}
