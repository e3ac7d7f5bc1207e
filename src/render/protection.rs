//! Changes of what protects, in words: which setting, as it was and as it is.

use super::page::{ChangedSetting as Told, Phrase};
use super::shown::label_among;
use crate::figures::{minute, plural};
use crate::harmless::{clean, name};
use crate::layout::width;
use crate::plan::{ComparedWith, NotCompared, Plan, SettingChange};

/// What a change says; texts of others in it are as they were written.
pub(super) fn describe_change(several: bool, workspace: &str, change: &SettingChange) -> Told {
    let [before, after] = change.values();
    Told {
        who: match &change.group {
            Some(group) => label_among(several, workspace, group),
            None => name(workspace),
        },
        word: change.way(),
        weaker: change.weakens(),
        setting: match &change.key {
            Some(key) => Phrase::name(key),
            None => change.called().into(),
        },
        before,
        after,
    }
}

/// Every change of a plan, with its workspace.
pub(super) fn of_plan(plan: &Plan) -> impl Iterator<Item = (&str, &SettingChange)> {
    plan.workspaces.iter().flat_map(|workspace| {
        workspace.settings_changes.iter().map(move |change| (workspace.name.as_str(), change))
    })
}

/// What a plan changes of the protection, as far as it fits.
pub(super) fn settings(plan: &Plan, fits: impl Fn(&SettingChange) -> bool) -> Vec<Told> {
    let several = plan.workspaces.len() > 1;
    let changes = of_plan(plan).filter(|(_, change)| fits(change));
    changes.map(|(workspace, change)| describe_change(several, workspace, change)).collect()
}

/// With what the settings of a plan were compared, each once.
pub(super) fn all_compared(plan: &Plan) -> Vec<String> {
    let changed = plan.workspaces.iter().filter(|workspace| !workspace.settings_changes.is_empty());
    let with = changed.filter_map(|workspace| workspace.settings_compared_with.as_ref());
    let mut with: Vec<String> = with.map(describe_compared).collect();
    with.dedup();
    with
}

/// Why the settings of workspaces were compared with nothing, each once.
pub(super) fn not_compared(plan: &Plan) -> Vec<String> {
    let nothing = plan.workspaces.iter().filter_map(|it| it.settings_not_compared.as_ref());
    let mut told: Vec<String> = nothing.map(NotCompared::describe).collect();
    told.dedup();
    told
}

/// Columns for the names of those whose protection changes, in a first line.
const WHOM: usize = 40;

/// `2 groups and of east`: of whom something changed that fits.
pub(super) fn of_whom<'a>(
    changes: impl Iterator<Item = (&'a str, &'a SettingChange)>,
) -> Option<String> {
    let (mut groups, mut workspaces) = (Vec::new(), Vec::new());
    for (workspace, change) in changes {
        match &change.group {
            Some(group) => groups.push((workspace, group)),
            None => workspaces.push(name(workspace)),
        }
    }
    groups.sort_unstable();
    groups.dedup();
    workspaces.sort_unstable();
    workspaces.dedup();
    let counted = |number: usize, what: &str| (number > 0).then(|| plural(number, what));
    let all = [counted(groups.len(), "group"), counted(workspaces.len(), "workspace")];
    let named_group = match groups.as_slice() {
        [(_, group)] => Some(name(group)),
        _ => all[0].clone(),
    };
    let named = named_group.into_iter().chain(workspaces).collect::<Vec<_>>().join(" and of ");
    match named.as_str() {
        "" => None,
        // They are named below, whatever their number and length.
        _ if width(&named) > WHOM => {
            Some(all.into_iter().flatten().collect::<Vec<_>>().join(" and of "))
        }
        _ => Some(named),
    }
}

/// `weakens the protection of 2 groups and of east`; `None`: nothing is weaker.
pub(super) fn weakens(plan: &Plan) -> Option<String> {
    let whom = of_whom(of_plan(plan).filter(|(_, change)| change.weakens()))?;
    Some(format!("weakens the protection of {whom}"))
}

/// With what settings were compared.
pub(super) fn describe_compared(with: &ComparedWith) -> String {
    match with {
        ComparedWith::Record { run_id, ended_at } => {
            format!("the settings of run {} ({})", clean(run_id), minute(*ended_at))
        }
        ComparedWith::Configuration { source, sha256: _ } => {
            format!("the settings of {}", clean(source))
        }
    }
}
