//! What there is to know beside groups: accepted risks, warnings, tables that are left out, what is no longer synchronized.

use crate::plan::document::WorkspacePlan;
use crate::plan::{Plan, Warning, WarningCode};
use crate::render::leaving::{groups_retired, tables_left};
use crate::render::page::{
    Block, NameNote, NamesInRow, Note, Phrase, PhrasePart, Section, ShownNotes,
};
use crate::render::shown::label;
use crate::text::label_group;

/// Warnings of one code that are told each.
const ALIKE_MAX: usize = 3;
/// Tables that are left out which are named.
const UNPROTECTED_NAMED: usize = 3;
/// Groups and tables that leave which are named.
const LEAVING_NAMED: usize = 4;

/// Risks that somebody accepted, each with the reason.
pub(in crate::render) fn accepted(plan: &Plan) -> Section {
    let notes = plan.accepted.iter().map(|risk| Note {
        code: Some(risk.code.clone()),
        subject: Some(risk.scope.clone()),
        about: vec![risk.scope.clone()],
        ..Note::new(PhrasePart::Quoted(risk.reason.clone()))
    });
    let notes = ShownNotes { word: "accepted", notes: notes.collect(), alike_max: usize::MAX };
    Section::titled("Accepted risks", [Block::Notes(notes)])
}

/// Warnings, those of one code together; of all of them those that pass.
pub(in crate::render) fn warnings<'a>(
    all: impl IntoIterator<Item = &'a Warning>,
    passes: impl Fn(WarningCode) -> bool,
) -> Section {
    let mut warnings: Vec<&Warning> =
        all.into_iter().filter(|warning| passes(warning.code)).collect();
    warnings.sort_by_key(|warning| warning.code);
    let notes = warnings.into_iter().map(|warning| {
        let Warning { code, workspace, group, table, message } = warning;
        Note {
            code: Some(code.as_str().to_owned()),
            subject: table.as_ref().or(group.as_ref()).cloned(),
            about: [workspace, group, table].into_iter().flatten().cloned().collect(),
            ..Note::new(Phrase::from_others(message))
        }
    });
    let notes = ShownNotes { word: "warning", notes: notes.collect(), alike_max: ALIKE_MAX };
    Section::titled("Warnings", [Block::Notes(notes)])
}

/// Named tables that are not synchronized, each with the reason.
pub(in crate::render) fn unprotected(plan: &Plan) -> Section {
    let names = plan.unprotected.iter().map(|one| NameNote {
        name: one.table.clone(),
        group: Some(match &one.workspace {
            Some(workspace) => label(plan, workspace, &one.group),
            None => one.group.clone(),
        }),
        why: Some(Phrase::from_others(&one.reason)),
    });
    let names = NamesInRow {
        word: "not copied",
        noun: "table",
        names: names.collect(),
        few: UNPROTECTED_NAMED,
        says: None,
    };
    Section::titled("Not copied", [Block::Names(names)])
}

/// What is no longer synchronized once the plan is applied.
pub(in crate::render) fn leaving(plan: &Plan) -> Section {
    let blocks = plan.workspaces.iter().flat_map(|workspace| leaving_workspace(plan, workspace));
    Section::titled("No longer synchronized", blocks)
}

/// The same of one workspace.
pub(in crate::render) fn leaving_workspace(
    plan: &Plan,
    workspace: &WorkspacePlan,
) -> impl Iterator<Item = Block> {
    let several = plan.workspaces.len() > 1;
    let names = |all: Vec<&String>| -> Vec<NameNote> {
        let names = all.into_iter().map(|name| label_group(several, &workspace.name, name));
        names.map(|name| NameNote { name, group: None, why: None }).collect()
    };
    let kinds = [
        NamesInRow {
            word: "retired",
            noun: "group",
            names: names(groups_retired(workspace).into_iter().collect()),
            few: LEAVING_NAMED,
            says: Some("no longer in the configuration; rows and replicas stay".into()),
        },
        NamesInRow {
            word: "left",
            noun: "table",
            names: names(tables_left(workspace)),
            few: LEAVING_NAMED,
            says: Some("in no group any more; replicas stay and are no longer synchronized".into()),
        },
    ];
    kinds.into_iter().map(Block::Names)
}
