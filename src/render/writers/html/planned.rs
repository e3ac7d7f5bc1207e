//! What a plan is told of, on a page: tables and what happens to them, causes that are shared, statements, settings.

use maud::{Markup, Render, html};

use super::sheet::{WrittenInPlace, code, table, write_copied};
use super::{below, phrase};
use crate::figures::{bytes, count};
use crate::harmless::line;
use crate::layout::few;
use crate::plan::Action;
use crate::render::page::{
    ChangedSetting, Obstacles, PageTable, PlannedStatement, PlannedStep, Steps,
};
use crate::render::writers::{stays_out, versions};

/// Groups that are named beside a cause.
const GROUPS_NAMED: usize = 5;

pub(super) fn steps(steps: &Steps) -> Markup {
    let counted = steps.counted.iter().map(|counted| {
        html! { p { (counted.action.with_symbol()) " " (count(counted.tables as u64)) } }
    });
    html! {
        @if !steps.told.is_empty() {
            (table(
                &format!("What happens to the tables of {}", line(&steps.of)),
                &["Table", "Action", "Version", "Copies", "Files", "Note"],
                WrittenInPlace(|to| steps.told.iter().for_each(|step| self::step(step).render_to(to))),
            ))
        }
        @for counted in counted { (counted) }
    }
}

fn step(step: &PlannedStep) -> Markup {
    let (word, tone) = match step.action {
        Action::Create => ("create", "good"),
        Action::Update => ("update", "wait"),
        Action::NoOp => ("no-op", ""),
    };
    html! {
        tr {
            th scope="row" { (code(&step.table)) }
            td { span class={ "word " (tone) } { (word) } }
            td { (versions(step, "->")) }
            td.number { @if let Some(copy) = step.copies { (bytes(copy.bytes)) } }
            td.number { @if let Some(copy) = step.copies { (count(copy.files)) } }
            td {
                @if let Some(columns) = &step.columns { p { (phrase(columns)) } }
                @if let Some(note) = stays_out(step.newer) { (note) }
            }
        }
    }
}

/// Causes, each with its one remedy.
pub(super) fn obstacles(all: &Obstacles) -> Markup {
    html! {
        @if let Some(title) = all.title { h3 { (title) } }
        ul.plain {
            @for cause in &all.causes {
                li {
                    p {
                        (code(cause.code)) " " (phrase(&cause.about))
                        " in " (line(&few(&cause.groups, GROUPS_NAMED)))
                    }
                    @if let [says] = cause.seen.as_slice() { p { (phrase(says)) } }
                    @for below in &cause.remedy { (self::below(below)) }
                }
            }
        }
    }
}

pub(super) fn statements(statements: &[PlannedStatement]) -> Markup {
    html! {
        details {
            summary { "Statements (" (statements.len()) ")" }
            @for PlannedStatement { table, text } in statements {
                p { (code(table)) }
                (write_copied(text))
            }
        }
    }
}

pub(super) fn settings(settings: &[ChangedSetting]) -> Markup {
    let heads = ["", "what", "setting", "before", "after"];
    let mut table = PageTable::new("Settings that are others than before", "setting", &heads);
    settings.iter().for_each(|setting| table.row(setting.cells()));
    super::table(&table)
}
