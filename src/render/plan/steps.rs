//! Steps as lines: what happens to which table, from which version to which, and how much is copied.

use crate::plan::{Action, Step};
use crate::render::Style;
use crate::render::clean::name;
use crate::render::figures::{bytes, count, plural};
use crate::render::layout::{columns, few, hanging, indented, pad_left, width};

/// One line for every step that clones, and one for all that do not.
pub(super) fn lines(steps: &[&Step], style: &Style) -> Vec<String> {
    let clones: Vec<&&Step> = steps.iter().filter(|step| step.action != Action::NoOp).collect();
    let mut lines = vec![];
    for (step, line) in clones.iter().zip(fitting(&clones, style)) {
        lines.extend(with_note(line, stays_out(step), style));
    }
    let unchanged: Vec<String> = steps
        .iter()
        .filter(|step| step.action == Action::NoOp)
        .map(|step| name(&step.table))
        .collect();
    if !unchanged.is_empty() {
        let text = if style.verbose { few(&unchanged, usize::MAX - 1) } else { few(&unchanged, 8) };
        lines.extend(hanging("  = no-op   ", &text, style.width));
    }
    lines
}

/// Counts of steps instead of steps: `+ create  62 tables, 388.1 GiB in 60,114 files`.
pub(super) fn counted(steps: &[&Step], style: &Style) -> Vec<String> {
    let parts: Vec<String> = [Action::Create, Action::Update, Action::NoOp]
        .into_iter()
        .filter_map(|action| {
            let same: Vec<&Step> =
                steps.iter().copied().filter(|step| step.action == action).collect();
            let size = match action {
                Action::NoOp => String::new(),
                Action::Create | Action::Update => size(same.iter().copied()),
            };
            let comma = if size.is_empty() { "" } else { ", " };
            let tables = plural(same.len(), "table");
            (!same.is_empty()).then(|| format!("  {}  {tables}{comma}{size}", action.with_symbol()))
        })
        .collect();
    let line = parts.join(" ");
    if width(&line) <= style.width { vec![line] } else { parts }
}

/// Bytes and files of all steps whose size is known.
pub(super) fn size<'a>(steps: impl Iterator<Item = &'a Step>) -> String {
    let (mut copy_bytes, mut files, mut known) = (0_u64, 0_u64, 0);
    for estimate in steps.filter_map(|step| step.estimate) {
        copy_bytes = copy_bytes.saturating_add(estimate.copy_bytes);
        files = files.saturating_add(estimate.copy_files);
        known += 1;
    }
    match known {
        0 => String::new(),
        _ => format!(
            "{} in {}",
            bytes(copy_bytes),
            plural(usize::try_from(files).unwrap_or(usize::MAX), "file")
        ),
    }
}

/// How much is told of the files of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Files {
    OfAll,
    Copied,
    Untold,
}

/// The lines with as much about files as fits the screen.
fn fitting(clones: &[&&Step], style: &Style) -> Vec<String> {
    let laid = |files: Files| columns(&rows(clones, files), &[false, false, true, true], 2, 2);
    let fits = |lines: &Vec<String>| lines.iter().all(|line| width(line) <= style.width);
    [Files::OfAll, Files::Copied]
        .into_iter()
        .map(laid)
        .find(fits)
        .unwrap_or_else(|| laid(Files::Untold))
}

fn rows(clones: &[&&Step], told: Files) -> Vec<Vec<String>> {
    let files = |step: &Step| match (step.action, step.estimate, told) {
        // Of a table without files there is nothing to tell.
        (Action::Update, Some(estimate), _)
            if estimate.copy_files == 0 && step.source.files == Some(0) =>
        {
            None
        }
        (Action::Update, Some(estimate), Files::OfAll) => {
            Some((count(estimate.copy_files), step.source.files.map(count)))
        }
        (Action::Update, Some(estimate), Files::Copied) => Some((count(estimate.copy_files), None)),
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
            let size = step.estimate.map_or(String::new(), |estimate| bytes(estimate.copy_bytes));
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
                step.action.with_symbol().to_owned(),
                name(&step.table),
                versions(step),
                [size, files].join(" ").trim().to_owned(),
            ]
        })
        .collect()
}

pub(in crate::render) fn versions(step: &Step) -> String {
    let to = step.source.version;
    match (step.action, step.replica.holds_source_version) {
        (Action::Update, Some(from)) => format!("v{from} -> v{to}"),
        (Action::Create | Action::Update | Action::NoOp, _) => format!("v{to}"),
    }
}

/// Commits after the pinned version are left out on purpose; whoever reads the plan should know.
pub(in crate::render) fn stays_out(step: &Step) -> Option<String> {
    match step.source.head_version.saturating_sub(step.source.version) {
        0 => None,
        1 => Some("1 newer commit stays out".to_owned()),
        newer => Some(format!("{} newer commits stay out", count(newer))),
    }
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
