//! What would be lost if a primary were gone now.

use chrono::{DateTime, Utc};

use super::label;
use super::rows::ROWS_MAX;
use crate::command::{Command, Verb};
use crate::plan::status::{GroupStatus, Status, WorkspaceStatus};
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
        let told =
            cuts.filter(|group| away || group.loss.as_ref().is_some_and(|loss| loss.commits > 0));
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
    let lost = match loss.commits {
        0 => "no commit".to_owned(),
        commits => format!("{}{since}{repeat}", plural_of(commits, "commit")),
    };
    (lost, minute_near(loss.at, now))
}
