//! What may be let through: one command for all of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::{Arg, Command};
use crate::render::causes::{FindingCause, ShownRemedy};
use crate::render::page::{Block, Copied, Phrase, PhrasePart};

/// Groups that are named beside a command.
const GROUPS_NAMED: usize = 5;

/// What may be let through of groups that have several causes of which that is so: all of a group is one command.
pub(super) type Together = BTreeMap<Vec<String>, Vec<Arg>>;

/// The groups that have several, with what may be let through of each.
pub(super) fn risks_by_groups(causes: &[FindingCause]) -> Together {
    let mut all = Together::new();
    for cause in causes {
        if let Some(acceptance) = &cause.acceptance {
            let risks = all.entry(cause.groups.clone()).or_default();
            let risk = acceptance.risk();
            if !risks.contains(&risk) {
                risks.push(risk);
            }
        }
    }
    all.retain(|_, risks| risks.len() > 1);
    all
}

/// A cause without the command that lets it alone through.
pub(super) fn without_acceptance(cause: &FindingCause) -> FindingCause {
    let remedy = cause.remedy.as_ref().and_then(|remedy| match remedy {
        ShownRemedy::Command(_) if cause.acceptance.is_some() => None,
        ShownRemedy::ToDoElse(to_do, _) => Some(ShownRemedy::ToDo(to_do.clone())),
        ShownRemedy::Command(_)
        | ShownRemedy::Sql(..)
        | ShownRemedy::Shell(..)
        | ShownRemedy::ToDo(_) => Some(remedy.clone()),
    });
    FindingCause { remedy, ..cause.clone() }
}

/// A command for each of these groups.
pub(super) fn all_the_same(together: &Together) -> Vec<Block> {
    let commands = together.iter().map(|(groups, risks)| {
        let groups = PhrasePart::Names(groups.clone(), GROUPS_NAMED);
        let intro = Phrase::from("To go on with ")
            .and(groups)
            .and(" all the same, recorded in plan and cut");
        Block::Copied(Copied::command(Command::accept(risks.iter().cloned())).after(intro))
    });
    commands.collect()
}

/// The command that lets risks through, each once.
pub(in crate::render) fn accept(risks: Vec<Arg>) -> Copied {
    let mut seen = BTreeSet::new();
    let each = risks.into_iter().filter(|risk| seen.insert(risk.clone()));
    Copied::command(Command::accept(each))
}
