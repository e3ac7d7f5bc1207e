//! What people follow by hand, as Markdown that is read raw as well: what is run in order stands in blocks of its language, what is run
//! only in some case in blocks of plain text.

use super::escape::{block, words};
use super::phrase;
use crate::render::page::{
    Chapter, Condition, Guide, GuideStep, Instruction, LabeledPoint, Phrase, RunApart, RunInOrder,
};

/// The language of a block that is not run when its turn comes.
const APART: &str = "text";

/// The page, its chapters and their stages numbered.
pub fn guide(guide: &Guide) -> String {
    let Guide { title, head, chapters } = guide;
    let mut parts = vec![format!("# {}\n", phrase(title))];
    parts.extend(head.iter().map(instruction));
    for (number, chapter) in (1..).zip(chapters) {
        let Chapter { title, says, stages } = chapter;
        parts.push(format!("## {number} {}\n", phrase(title)));
        parts.extend(says.iter().map(instruction));
        for (of_it, GuideStep { title, says }) in (1..).zip(stages) {
            parts.push(format!("### {number}.{of_it} {}\n", phrase(title)));
            parts.extend(says.iter().map(instruction));
        }
    }
    // An empty line between two of them.
    parts.join("\n")
}

fn instruction(instruction: &Instruction) -> String {
    match instruction {
        Instruction::Sentences(says) => lines("", says),
        Instruction::Listed(says, items) => format!("{}\n{}", phrase(says), lines("- ", items)),
        Instruction::Strong(says) => format!("**{}**\n", phrase(says)),
        // Apart from what is before it by an empty line more.
        Instruction::Warning(says) => {
            format!("\n**Before anything is run:** {}\n", phrase(says))
        }
        Instruction::Conditions(all) => all.iter().map(condition).collect(),
        Instruction::Numbered(says) => {
            let numbered = (1..).zip(says);
            numbered.map(|(number, says)| format!("{number}. {}\n", phrase(says))).collect()
        }
        Instruction::Points(all) => points(all),
        Instruction::Run(run) => run_in_order(run),
        Instruction::RunApart(RunApart { says, block: text }) => {
            format!("{}\n\n{}", phrase(says), block(APART, text))
        }
    }
}

fn lines<'a>(before: &str, says: impl IntoIterator<Item = &'a Phrase>) -> String {
    says.into_iter().map(|says| format!("{before}{}\n", phrase(says))).collect()
}

/// What has to be so, with a box to tick.
fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Known(says) => format!("- [ ] {}\n", phrase(says)),
        Condition::Written(said) => format!("- [ ] \"{}\"\n", words(said)),
    }
}

fn points(all: &[LabeledPoint]) -> String {
    let mut lines = String::new();
    let mut after_block = false;
    for LabeledPoint { label, says, run, also } in all {
        let item = |says: &Phrase| match *label {
            "" => format!("- {}\n", phrase(says)),
            label => format!("- {label}: {}\n", phrase(says)),
        };
        // What comes after a block is no part of it, for whoever reads it raw.
        if after_block {
            lines.push('\n');
        }
        lines.push_str(&item(says));
        after_block = run.is_some() && also.is_none();
        if let Some(run) = run {
            lines.push_str(&format!("\n{}", block(APART, run)));
        }
        if let Some(also) = also {
            lines.push_str(&item(also));
        }
    }
    lines
}

fn run_in_order(run: &RunInOrder) -> String {
    let says: Vec<String> = run.says().into_iter().map(phrase).collect();
    let between = if run.in_one_line { " " } else { "\n" };
    let mut text = format!("{}\n", says.join(between));
    for one in &run.blocks {
        text.push_str(&format!("\n{}", block(run.language.as_str(), one)));
    }
    text
}
