//! What happens to which table, as lines: from which version to which, and how much is copied.

use super::phrase;
use crate::figures::{bytes, count, plural, plural_of};
use crate::harmless::name;
use crate::layout::{columns, few, hanging, indented, pad_left, width};
use crate::plan::Action;
use crate::render::Style;
use crate::render::page::{CopySize, Counted, PlannedStep, Steps, Tone};
use crate::render::writers::{stays_out, versions};

/// Tables that stay as they are which are named.
const UNCHANGED_NAMED: usize = 8;

/// One line for every table that is cloned, one for all that are not, and one for those that are only counted.
pub(super) fn lines(steps: &Steps, style: &Style) -> Vec<String> {
    let (clones, unchanged): (Vec<&PlannedStep>, Vec<&PlannedStep>) =
        steps.told.iter().partition(|step| step.action != Action::NoOp);
    let mut lines = vec![];
    for (step, line) in clones.iter().zip(fitting(&clones, style)) {
        let columns = step.columns.as_ref().map(|columns| phrase(columns, style));
        let notes: Vec<String> = columns.into_iter().chain(stays_out(step.newer)).collect();
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        lines.extend(with_note(line, note, style));
    }
    let unchanged: Vec<String> = unchanged.iter().map(|step| name(&step.table)).collect();
    if !unchanged.is_empty() {
        let most = if style.verbose { usize::MAX - 1 } else { UNCHANGED_NAMED };
        lines.extend(hanging("  = no-op   ", &few(&unchanged, most), style.width));
    }
    lines.extend(counted(&steps.counted, style));
    lines
}

/// The sign of an action in its colour.
fn sign(action: Action, style: &Style) -> String {
    let sign = action.with_symbol();
    match action {
        Action::Create => style.paint(Tone::Good, sign),
        Action::Update => style.paint(Tone::Wait, sign),
        Action::NoOp => sign.to_owned(),
    }
}

/// `+ create  62 tables, 388.1 GiB in 60,114 files`.
fn counted(all: &[Counted], style: &Style) -> Vec<String> {
    let told = all.iter().map(|Counted { action, tables, copies }| {
        let tables = plural(*tables, "table");
        let copies = copies.map_or(String::new(), |copies| format!(", {}", size(copies)));
        format!("  {}  {tables}{copies}", sign(*action, style))
    });
    let told: Vec<String> = told.collect();
    let together = told.join(" ");
    if !told.is_empty() && width(&together) <= style.width { vec![together] } else { told }
}

fn size(size: CopySize) -> String {
    format!("{} in {}", bytes(size.bytes), plural_of(size.files, "file"))
}

/// How much is told of the files of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Files {
    OfAll,
    Copied,
    Untold,
}

/// The lines with as much about files as fits the screen.
fn fitting(clones: &[&PlannedStep], style: &Style) -> Vec<String> {
    let laid =
        |files: Files| columns(&rows(clones, files, style), &[false, false, true, true], 2, 2);
    let fits = |lines: &Vec<String>| lines.iter().all(|line| width(line) <= style.width);
    [Files::OfAll, Files::Copied]
        .into_iter()
        .map(laid)
        .find(fits)
        .unwrap_or_else(|| laid(Files::Untold))
}

fn rows(clones: &[&PlannedStep], told: Files, style: &Style) -> Vec<Vec<String>> {
    let files = |step: &PlannedStep| match (step.action, step.copies, told) {
        // Of a table without files there is nothing to tell.
        (Action::Update, Some(copies), _) if copies.files == 0 && step.files == Some(0) => None,
        (Action::Update, Some(copies), Files::OfAll) => {
            Some((count(copies.files), step.files.map(count)))
        }
        (Action::Update, Some(copies), Files::Copied) => Some((count(copies.files), None)),
        (Action::Create | Action::Update | Action::NoOp, _, _) => None,
    };
    let noun = |files: &str| if files == "1" { "file" } else { "files" };
    let copied = clones.iter().filter_map(|step| files(step));
    let widths = copied.fold((0, 0), |(a, b), (copied, whole)| {
        (a.max(width(&copied)), b.max(whole.map_or(0, |whole| width(&whole))))
    });
    clones
        .iter()
        .map(|step| {
            let size = step.copies.map_or(String::new(), |copies| bytes(copies.bytes));
            let files = match files(step) {
                Some((copied, Some(whole))) => format!(
                    "in {} of {} {}",
                    pad_left(&copied, widths.0),
                    pad_left(&whole, widths.1),
                    noun(&whole)
                ),
                Some((copied, None)) => {
                    format!("in {} {}", pad_left(&copied, widths.0), noun(&copied))
                }
                None => String::new(),
            };
            vec![
                sign(step.action, style),
                name(&step.table),
                versions(step, "->"),
                [size, files].join(" ").trim().to_owned(),
            ]
        })
        .collect()
}

fn with_note(line: String, note: Option<String>, style: &Style) -> Vec<String> {
    match note {
        None => vec![line],
        Some(note) if width(&line) + 3 + width(&note) <= style.width => {
            vec![format!("{line}   {note}")]
        }
        Some(note) => {
            let mut lines = vec![line];
            lines.extend(indented(12, &note, style.width));
            lines
        }
    }
}
