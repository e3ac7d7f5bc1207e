//! Steps as they are told: what happens to which table, from which version to which, and how much is copied.

use crate::plan::{Action, Step};
use crate::region::SchemaChange;
use crate::render::page::{
    CopySize, Counted, Phrase, PlannedStatement, PlannedStep as Told, Steps,
};

/// The steps, each told.
pub(super) fn list_steps<'a>(of: &str, steps: impl IntoIterator<Item = &'a Step>) -> Steps {
    let told = steps.into_iter().map(|step| Told {
        action: step.action,
        table: step.table.to_string(),
        held: step.replica.holds_source_version,
        version: step.source.version,
        copies: size(step),
        files: step.source.files,
        newer: step.source.head_version.saturating_sub(step.source.version),
        columns: columns(step),
    });
    Steps { of: of.to_owned(), told: told.collect(), counted: vec![] }
}

/// Columns that are named of a step.
const COLUMNS_NAMED: usize = 4;

/// The columns that an update changes: `columns + amount, ~ qty, - old`.
fn columns(step: &Step) -> Option<Phrase> {
    changed(step.schema.as_ref().filter(|_| step.action == Action::Update)?)
}

/// The same of a change.
pub(super) fn changed(change: &SchemaChange) -> Option<Phrase> {
    let SchemaChange { columns, more } = change;
    let named = columns.iter().map(|one| {
        let sign = match (&one.before, &one.after) {
            (None, _) => "+ ",
            (Some(_), None) => "- ",
            (Some(_), Some(_)) => "~ ",
        };
        Phrase::from(sign).and(Phrase::name(&one.column))
    });
    let named: Vec<Phrase> = named.collect();
    let hidden = named.len().saturating_sub(COLUMNS_NAMED) as u64 + more;
    if named.is_empty() {
        return None;
    }
    let says =
        Phrase::from("columns ").and(Phrase::join(named.into_iter().take(COLUMNS_NAMED), ", "));
    Some(if hidden > 0 { says.and(format!(", {hidden} more")) } else { says })
}

/// The steps by what they do, each kind counted.
pub(super) fn count_steps(steps: &[&Step]) -> Vec<Counted> {
    let kinds = [Action::Create, Action::Update, Action::NoOp].into_iter().map(|action| {
        let same = steps.iter().filter(|step| step.action == action);
        let copies = match action {
            Action::NoOp => None,
            Action::Create | Action::Update => {
                CopySize::sum(same.clone().filter_map(|it| size(it)))
            }
        };
        Counted { action, tables: same.count(), copies }
    });
    kinds.filter(|counted| counted.tables > 0).collect()
}

/// What a step copies, where that is known.
pub(super) fn size(step: &Step) -> Option<CopySize> {
    let estimate = step.estimate?;
    Some(CopySize { bytes: estimate.copy_bytes, files: estimate.copy_files })
}

/// What will be run.
pub(super) fn statements<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<PlannedStatement> {
    let all = steps.into_iter().filter_map(|step| {
        let text = step.statement.as_ref()?.clone();
        Some(PlannedStatement { table: step.table.to_string(), text })
    });
    all.collect()
}
