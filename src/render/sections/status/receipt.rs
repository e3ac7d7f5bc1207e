//! What would be lost if a primary were gone now.

use chrono::{DateTime, Utc};

use super::label;
use super::rows::ROWS_MAX;
use crate::command::{Command, Verb};
use crate::plan::status::{GroupStatus, Status, WorkspaceStatus};
use crate::plan::{LossReceipt, UnknownLoss};
use crate::render::clean::name;
use crate::render::figures::{minute_near, plural_of};
use crate::render::layout::few;
use crate::render::page::{Block, Phrase, Section, Table};

/// Of a primary that is away it is what was known to be lost when somebody last looked. What is not known is said to be that,
/// never to be nothing.
pub(super) fn receipts(status: &Status) -> Vec<Section> {
    let of_workspace = |workspace: &WorkspaceStatus| {
        let away = !workspace.regions.primary.reachable;
        let home = name(&workspace.name);
        let lost = if away {
            "lost, as it was last looked at".to_owned()
        } else {
            format!("lost if {home} were gone now")
        };
        let caption = "What would be lost";
        let mut table = Table::new(caption, "group", &["group", &lost, "looked at"]);
        table.most = ROWS_MAX;
        table.all = Some(Command::new(Verb::Status).word("-v"));
        table.after.push(format!("What {home} takes after a look nobody knows.").into());
        let cuts = workspace
            .groups
            .iter()
            .filter(|group| group.last_cut.is_some() && group.failed_over.is_none());
        let told = cuts
            .filter(|group| away || group.loss.as_ref().is_some_and(LossReceipt::is_of_something));
        for group in told {
            let (lost, looked) = receipt(group, status.at);
            let label = Phrase::name(label(status, workspace, group));
            table.row(vec![label, lost.into(), looked.into()]);
        }
        Section { title: Some(caption.to_owned()), ..Block::Table(table).into() }
    };
    status.workspaces.iter().map(of_workspace).collect()
}

/// What one group loses, and when it was looked at.
fn receipt(group: &GroupStatus, now: DateTime<Utc>) -> (String, String) {
    let Some(loss) = &group.loss else {
        return ("not known: no look since its cut".to_owned(), "-".to_owned());
    };
    let since =
        loss.since.map_or(String::new(), |since| format!(" since {}", minute_near(since, now)));
    let runs: Vec<String> = loss.runs.iter().map(ToString::to_string).collect();
    let repeat = match runs.as_slice() {
        [] => String::new(),
        runs => format!(", repeat run {}", few(runs, 3)),
    };
    let counted = |commits| plural_of(commits, "commit");
    let lost = match (loss.commits, unknown(loss, now)) {
        (0, None) => "no commit".to_owned(),
        (commits, None) => format!("{}{since}{repeat}", counted(commits)),
        (0, Some(unknown)) => format!("{unknown}{repeat}"),
        // Of the rest nobody knows since when it is.
        (commits, Some(unknown)) => format!("at least {}{repeat}; {unknown}", counted(commits)),
    };
    (lost, minute_near(loss.at, now))
}

/// Tables that are named one by one.
const UNKNOWN_MAX: usize = 2;

/// Of which tables it is not known, why, and when it was last.
fn unknown(loss: &LossReceipt, now: DateTime<Utc>) -> Option<String> {
    let told = |unknown: &UnknownLoss| {
        let known = unknown.known_at.map(|at| format!(", known until {}", minute_near(at, now)));
        let table = name(unknown.table.to_string());
        format!("{table} ({}{})", unknown.why.text(), known.unwrap_or_default())
    };
    let tables: Vec<String> = loss.unknown.iter().map(told).collect();
    (!tables.is_empty()).then(|| format!("not known of {}", few(&tables, UNKNOWN_MAX)))
}
