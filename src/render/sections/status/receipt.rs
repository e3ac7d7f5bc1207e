//! What would be lost if a primary were gone now.

use chrono::{DateTime, Utc};

use super::label;
use super::rows::ROWS_MAX;
use crate::command::{Command, Verb};
use crate::figures::minute_near;
use crate::harmless::name;
use crate::plan::LossReceipt;
use crate::plan::status::{StatusDocument, WorkspaceStatus};
use crate::render::page::{Block, PageTable, Phrase, Section};
use crate::render::sections::losses::lost_words;

/// Of a primary that is away it is what was known to be lost when somebody last looked. What is not known is said to be that,
/// never to be nothing.
pub(super) fn receipts(status: &StatusDocument) -> Vec<Section> {
    let of_workspace = |workspace: &WorkspaceStatus| {
        let away = !workspace.regions.primary.reachable;
        let home = name(&workspace.name);
        let lost = if away {
            "lost, as it was last looked at".to_owned()
        } else {
            format!("lost if {home} were gone now")
        };
        let caption = "What would be lost";
        let mut table = PageTable::new(caption, "group", &["group", &lost, "looked at"]);
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
            let (lost, looked) = receipt(group.loss.as_ref(), status.at);
            let label = Phrase::name(label(status, workspace, group));
            table.row(vec![label, lost.into(), looked.into()]);
        }
        Section::titled(caption, [Block::Table(table)])
    };
    status.workspaces.iter().map(of_workspace).collect()
}

/// What one group loses, and when it was looked at.
pub(super) fn receipt(loss: Option<&LossReceipt>, now: DateTime<Utc>) -> (String, String) {
    match loss {
        Some(loss) => lost_words(loss, |at| minute_near(at, now)),
        None => ("not known: no look since its cut".to_owned(), "-".to_owned()),
    }
}
