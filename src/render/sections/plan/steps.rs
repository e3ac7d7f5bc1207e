//! Steps as they are told: what happens to which table, from which version to which, and how much is copied.

use crate::plan::{Action, Step};
use crate::render::page::{Counted, Size, Statement, Step as Told, Steps};

/// The steps, each told.
pub(super) fn told<'a>(of: &str, steps: impl IntoIterator<Item = &'a Step>) -> Steps {
    let told = steps.into_iter().map(|step| Told {
        action: step.action,
        table: step.table.to_string(),
        held: step.replica.holds_source_version,
        version: step.source.version,
        copies: size(step),
        files: step.source.files,
        newer: step.source.head_version.saturating_sub(step.source.version),
    });
    Steps { of: of.to_owned(), told: told.collect(), counted: vec![] }
}

/// The steps by what they do, each kind counted.
pub(super) fn counted(steps: &[&Step]) -> Vec<Counted> {
    let kinds = [Action::Create, Action::Update, Action::NoOp].into_iter().map(|action| {
        let same = steps.iter().filter(|step| step.action == action);
        let copies = match action {
            Action::NoOp => None,
            Action::Create | Action::Update => Size::sum(same.clone().filter_map(|it| size(it))),
        };
        Counted { action, tables: same.count(), copies }
    });
    kinds.filter(|counted| counted.tables > 0).collect()
}

/// What a step copies, where that is known.
pub(super) fn size(step: &Step) -> Option<Size> {
    let estimate = step.estimate?;
    Some(Size { bytes: estimate.copy_bytes, files: estimate.copy_files })
}

/// What will be run.
pub(super) fn statements<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<Statement> {
    let all = steps.into_iter().filter_map(|step| {
        let text = step.statement.as_ref()?.clone();
        Some(Statement { table: step.table.to_string(), text })
    });
    all.collect()
}
