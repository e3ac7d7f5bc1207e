//! Whether each group could be failed over, or what is missing.

use super::rows::ROWS_MAX;
use super::{entries, label};
use crate::command::{Command, Verb};
use crate::figures::plural;
use crate::harmless::name;
use crate::plan::status::StatusDocument;
use crate::plan::{GoneWithPrimary, NotReady};
use crate::render::page::{Block, PageTable, Phrase, Section};

/// A line a group of which it is known; none where no workspace stands by.
pub(super) fn readiness(status: &StatusDocument) -> Section {
    let caption = "Whether groups could be failed over";
    let mut table = PageTable::new(caption, "group", &["group", "ready"]);
    table.most = ROWS_MAX;
    table.all = Some(Command::new(Verb::Status).word("-v"));
    for (workspace, group) in entries(status) {
        let Some(missing) = &group.not_ready else {
            continue;
        };
        let says = if missing.is_empty() {
            "yes".to_owned()
        } else {
            let missing: Vec<String> = missing.iter().map(not_ready).collect();
            format!("no: {}", missing.join("; "))
        };
        let label = Phrase::name(label(status, workspace, group));
        table.row(vec![label, says.into()]);
    }
    Section::titled(caption, [Block::Table(table)])
}

/// What is missing, a fragment.
fn not_ready(missing: &NotReady) -> String {
    match missing {
        NotReady::NeverSynchronized => "never synchronized".to_owned(),
        NotReady::NotProtected => "its replicas are not all known to hold the cut".to_owned(),
        NotReady::SecondaryNotSeen => "the secondary's workspace was not seen".to_owned(),
        NotReady::NoCompute => "nothing runs SQL in the secondary's workspace".to_owned(),
        NotReady::RightsNotLookedAt => "nobody looked at rights".to_owned(),
        NotReady::RightsLacking { rights } => {
            format!("{} lacking in the secondary", plural(*rights, "right"))
        }
        NotReady::RightsNotSeen { tables } => {
            format!("rights on {} not seen at both sides", plural(*tables, "table"))
        }
        NotReady::DiesWithPrimary { needed } => match needed {
            GoneWithPrimary::Runner => "drsync runs in the primary's workspace".to_owned(),
            GoneWithPrimary::Configuration { .. } => {
                "the configuration lies in the primary".to_owned()
            }
            GoneWithPrimary::SigningKey { .. } => {
                "the key that signs records lies in the primary".to_owned()
            }
            GoneWithPrimary::Secrets { names } => {
                format!("{} in the primary alone", plural(names.len(), "secret"))
            }
        },
        NotReady::JobMissing { job } => format!("no job {} in the secondary", name(job)),
        NotReady::JobNotSeen { job } => format!("job {} not seen in the secondary", name(job)),
        NotReady::JobNotPaused { job } => {
            format!("job {} is not paused in the secondary", name(job))
        }
    }
}
