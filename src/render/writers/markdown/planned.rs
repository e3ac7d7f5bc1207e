//! What a plan is told of, in a comment: groups with their tables, causes, statements, settings.

use super::budget::{Comment, NameBudget, names};
use super::escape::{code, fenced, symbols, text};
use super::{copied, phrase};
use crate::figures::{bytes, bytes_short, plural};
use crate::harmless::command;
use crate::plan::Action;
use crate::render::page::{
    Below, ChangedSetting, CopySize, Obstacles, PageEntry, Phrase, PlannedStatement, PlannedStep,
    ShownCause, Steps,
};
use crate::render::writers::versions;

/// Settings that are told, however much room there is.
const SETTINGS_MAX: usize = 50;

/// The tables of entries of which each tells nothing but what happens to its tables.
pub(super) fn steps_of(entries: &[PageEntry]) -> Option<Vec<(Phrase, &Steps)>> {
    let mut all = vec![];
    for entry in entries {
        let [Below::Steps(steps)] = entry.below.as_slice() else {
            return None;
        };
        let says = if entry.says.is_empty() { "" } else { " " };
        all.push((entry.label.clone().and(says).and(entry.says.clone()), steps));
    }
    (!all.is_empty()).then_some(all)
}

/// Groups, a row each, with a row a table as far as there is room.
pub(super) fn groups(
    comment: &mut Comment,
    groups: &[(Phrase, &Steps)],
    detail: NameBudget,
) -> String {
    let mut lines = String::new();
    if detail.groups > 0 {
        lines.push_str("| group | tables | copy |\n|---|---|---|\n");
    }
    let mut folded = 0;
    for (label, steps) in groups.iter().take(detail.groups) {
        let (counted, copied) = (counted(steps), copies(&steps.told));
        lines.push_str(&format!("| {} | {counted} | {copied} |\n", phrase(label)));
        let clones = steps.told.iter().filter(|step| step.action != Action::NoOp);
        let number = clones.clone().count();
        for step in clones.take(detail.tables) {
            lines.push_str(&format!("| | {} | {} |\n", self::step(step), copy(step.copies)));
        }
        if comment.is_too_long_with(lines.len()) {
            return lines;
        }
        folded += number.saturating_sub(detail.tables);
    }
    let rest = &groups[groups.len().min(detail.groups)..];
    folded += rest.iter().map(|(_, steps)| steps.told.len()).sum::<usize>();
    if !rest.is_empty() {
        let steps = rest.iter().flat_map(|(_, steps)| &steps.told);
        let more = if rest.len() == groups.len() { "group" } else { "more group" };
        lines.push_str(&format!("\n{}: {}\n", plural(rest.len(), more), copies(steps)));
        comment.leave_out(rest.len(), "group");
    }
    comment.leave_out(folded, "table");
    lines
}

/// `+ create 1, ~ update 2, = no-op 3`.
fn counted(steps: &Steps) -> String {
    let said = [Action::Create, Action::Update, Action::NoOp].into_iter().filter_map(|action| {
        let told = steps.told.iter().filter(|step| step.action == action).count();
        let counted = steps.counted.iter().filter(|counted| counted.action == action);
        let number = told + counted.map(|counted| counted.tables).sum::<usize>();
        (number > 0).then(|| format!("{} {number}", action.with_symbol()))
    });
    symbols(&said.collect::<Vec<_>>().join(", "))
}

fn step(step: &PlannedStep) -> String {
    let word = symbols(step.action.with_symbol());
    let columns = step.columns.as_ref().map(|columns| format!(", {}", symbols(&phrase(columns))));
    let columns = columns.unwrap_or_default();
    format!("{word} {} {}{columns}", code(&step.table), versions(step, "to"))
}

fn copy(copies: Option<CopySize>) -> String {
    copies.map_or("size not known".to_owned(), |copies| bytes(copies.bytes))
}

fn copies<'a>(steps: impl IntoIterator<Item = &'a PlannedStep>) -> String {
    let clones = steps.into_iter().filter(|step| step.action != Action::NoOp);
    let (mut size, mut unknown, mut known) = (0_u64, 0, 0);
    for step in clones {
        match step.copies {
            Some(copies) => {
                size = size.saturating_add(copies.bytes);
                known += 1;
            }
            None => unknown += 1,
        }
    }
    match (known, unknown) {
        (0, 0) => "nothing".to_owned(),
        (0, _) => "size not known".to_owned(),
        (_, 0) => bytes_short(size),
        (_, _) => format!("at least {}", bytes_short(size)),
    }
}

/// Every cause is told or counted: what is blocked never disappears.
pub(super) fn obstacles(comment: &mut Comment, all: &Obstacles, detail: NameBudget) -> String {
    let Obstacles { title: _, groups, causes } = all;
    let mut lines = match groups.as_slice() {
        [] => String::new(),
        groups => format!("{}\n\n", names(comment, groups, detail.named, "group")),
    };
    let (told, rest) = causes.split_at(causes.len().min(detail.causes));
    for cause in told {
        lines.push_str(&obstacle(comment, cause, detail));
    }
    comment.leave_out(rest.iter().filter(|cause| !cause.remedy.is_empty()).count(), "repair");
    for alike in rest.chunk_by(|one, other| one.code == other.code) {
        let about = match alike.iter().map(|cause| cause.tables.len()).sum() {
            0 => plural(alike.len(), "time"),
            tables => plural(tables, "table"),
        };
        lines.push_str(&format!("- {}: {about}\n", code(alike[0].code)));
    }
    lines
}

fn obstacle(comment: &mut Comment, cause: &ShownCause, detail: NameBudget) -> String {
    let ShownCause { code: of, about: _, tables, groups, seen, remedy } = cause;
    let groups = names(comment, groups, detail.named.min(5), "group");
    let tables = if tables.is_empty() {
        String::new()
    } else {
        format!(" {}", names(comment, tables, detail.named, "table"))
    };
    let mut lines = format!("- {}{tables}, blocks {groups}\n", code(of));
    if !detail.messages {
        comment.leave_out(usize::from(!remedy.is_empty()), "repair");
        return lines;
    }
    for says in seen.iter().take(detail.named.min(3)) {
        lines.push_str(&format!("  Seen: {}\n", phrase(says)));
    }
    for below in remedy {
        lines.push_str(&match below {
            Below::Copied(line) => format!("\n{}\n", copied(line)),
            Below::Note(words) => format!("  To do: {}\n", phrase(words)),
            other => super::below(comment, std::slice::from_ref(other), detail),
        });
    }
    lines
}

/// What will be run, folded away.
pub(super) fn statements(
    comment: &mut Comment,
    all: &[PlannedStatement],
    detail: NameBudget,
) -> String {
    let mut shown: Vec<String> = vec![];
    let mut length = 0;
    for statement in all.iter().take(detail.statements) {
        let line = command(&format!("{};", statement.text));
        length += line.len();
        shown.push(line);
        if comment.is_too_long_with(length) {
            return String::new();
        }
    }
    comment.leave_out(all.len() - shown.len(), "statement");
    if shown.is_empty() {
        return String::new();
    }
    let number = plural(all.len(), "statement");
    let fence = fenced("sql", &shown);
    format!("<details><summary>{number}</summary>\n\n{fence}\n</details>\n")
}

/// Settings, or how many more there are; what is weaker never disappears.
pub(super) fn settings(
    comment: &mut Comment,
    all: &[ChangedSetting],
    detail: NameBudget,
) -> String {
    let most = detail.named.min(SETTINGS_MAX);
    let (shown, rest) = all.split_at(all.len().min(most));
    let mut lines = String::new();
    if !shown.is_empty() {
        lines.push_str("| | what | setting | now | then |\n|---|---|---|---|---|\n");
    }
    for told in shown {
        let ChangedSetting { word, weaker, who, setting, before, after } = told;
        let mark = if *weaker { "! " } else { "" };
        let (who, setting) = (code(who), phrase(setting));
        let (before, after) = (text(before), text(after));
        lines.push_str(&format!("| {mark}{word} | {who} | {setting} | {before} | {after} |\n"));
    }
    if !rest.is_empty() {
        let noun = if all[0].weaker { "weaker setting" } else { "setting" };
        let more = if shown.is_empty() { noun.to_owned() } else { format!("more {noun}") };
        lines.push_str(&format!("\n{}\n", plural(rest.len(), &more)));
        comment.leave_out(rest.len(), noun);
    }
    lines
}
