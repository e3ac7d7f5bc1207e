//! A cause of trouble: what was seen, and what repairs it.

use crate::command::Command;
use crate::render::causes::{FindingCause, RemedyWorkspace, ShownRemedy, causes};
use crate::render::page::{
    Below, CAUSE, CodeLanguage, Copied, PageEntry, Phrase, PhrasePart, ShownCause, Tone,
};
use crate::render::shown::Labelled;

/// Groups that are named beside a cause.
const GROUPS_NAMED: usize = 2;

/// A cause by its code, the groups that it blocks, and what repairs it.
pub(in crate::render) fn entry(cause: &FindingCause) -> PageEntry {
    let groups = PhrasePart::Names(cause.groups.clone(), GROUPS_NAMED);
    let mut entry = PageEntry::new(CAUSE, Tone::Bad, head(cause), groups);
    entry.below =
        cause.messages.iter().map(|seen| Below::Seen(Phrase::from_others(seen))).collect();
    entry.below.extend(cause.remedy.as_ref().map(remedy).unwrap_or_default());
    entry.below.extend(unprotected(cause));
    entry
}

/// Tables that are named where a cause is about several.
const TABLES_NAMED: usize = 3;

/// The tables that can only be left out, by their names, and the entry of the configuration that does so.
fn unprotected(cause: &FindingCause) -> Vec<Below> {
    let Some(line) = entry_of_configuration(cause) else {
        return vec![];
    };
    let names = match cause.tables.as_slice() {
        [_] => None,
        many => Some(Below::Note(PhrasePart::Names(many.to_vec(), TABLES_NAMED).into())),
    };
    names.into_iter().chain([Below::Copied(line)]).collect()
}

/// The entry of the configuration that leaves the tables of a cause out, where that is a remedy.
pub(in crate::render) fn entry_of_configuration(cause: &FindingCause) -> Option<Copied> {
    cause.unprotected().map(|text| Copied::line(CodeLanguage::Plain, text))
}

/// Its code, and what it is about.
pub(in crate::render) fn head(cause: &FindingCause) -> Phrase {
    let code = Phrase::name(cause.code.as_str());
    match about(cause) {
        about if about.is_empty() => code,
        about => code.and(" ").and(about),
    }
}

/// What it is about: a table, `31 tables of main.crm`; nothing: whole groups.
pub(in crate::render) fn about(cause: &FindingCause) -> Phrase {
    match (cause.tables.as_slice(), cause.schema()) {
        ([], _) => Phrase::default(),
        ([table], _) => Phrase::name(table),
        (tables, Some(schema)) => {
            Phrase::from(format!("{} tables of ", tables.len())).and(Phrase::name(schema))
        }
        (tables, None) => format!("{} tables", tables.len()).into(),
    }
}

/// What blocks groups, by its causes.
pub(in crate::render) fn blocking_causes(groups: &[&Labelled<'_>]) -> Vec<FindingCause> {
    let findings = groups.iter().flat_map(|of| {
        of.group.findings.iter().filter(|finding| finding.blocks()).map(|it| of.found(it))
    });
    causes(findings)
}

/// A cause as it is told of all that it blocks.
pub(in crate::render) fn obstacle(cause: FindingCause) -> ShownCause {
    let about = about(&cause);
    let entry = entry_of_configuration(&cause);
    let FindingCause { code, tables, messages, groups, remedy, acceptable: _, acceptance: _ } =
        cause;
    let remedy = remedy.as_ref().map(self::remedy).unwrap_or_default().into_iter();
    ShownCause {
        code: code.as_str(),
        about,
        tables,
        groups,
        seen: messages.into_iter().map(Phrase::from_others).collect(),
        remedy: remedy.chain(entry.map(Below::Copied)).collect(),
    }
}

/// Where a statement is to be run.
fn run_in(place: &RemedyWorkspace) -> Phrase {
    Phrase::from("To be run in ").and(address(place))
}

fn address(place: &RemedyWorkspace) -> Phrase {
    PhrasePart::Address(place.0.clone()).into()
}

/// What repairs a cause: what is copied stands alone.
pub(in crate::render) fn remedy(repair: &ShownRemedy) -> Vec<Below> {
    let command = |command: &Command| Below::Copied(Copied::command(command.clone()));
    match repair {
        ShownRemedy::Sql(text, place) => {
            let line = Copied::line(CodeLanguage::Sql, text);
            vec![Below::Copied(Copied { intro: place.as_ref().map(run_in), ..line })]
        }
        ShownRemedy::Shell(text, place) => {
            let line = Copied::line(CodeLanguage::Shell, text);
            let about = |place: &RemedyWorkspace| Phrase::from("For ").and(address(place));
            vec![Below::Copied(Copied { intro: place.as_ref().map(about), ..line })]
        }
        ShownRemedy::Command(line) => vec![command(line)],
        ShownRemedy::ToDo(to_do) => vec![Below::Note(Phrase::from_others(&to_do.words))],
        ShownRemedy::ToDoElse(to_do, line) => {
            vec![Below::Note(Phrase::from_others(&to_do.words).and(":")), command(line)]
        }
    }
}
