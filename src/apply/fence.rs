//! Whether a group may still be worked on: a change of role that somebody made while an apply is at work ends it before its next
//! clone. It asks the secondary's log, and writes nothing.

use std::sync::OnceLock;

use super::precondition::away_from_home;
use super::site::Site;
use crate::ledger::Cut;
use crate::plan::GroupPlan;
use crate::record::{TableOutcome, TableRecord};
use crate::region::RegionError;
use crate::sentence::Sentence;

/// Clones that are named in one message.
const CLONES_TOLD_MAX: usize = 5;

/// What keeps a group's clones from being started.
pub(super) struct Fence<'a> {
    site: &'a Site<'a>,
    group: &'a GroupPlan,
    /// The epoch of the cut that the group's next one follows.
    epoch: u64,
    /// The cut that changed its roles, once it was seen: who asks after that need not read the log again.
    seen: OnceLock<Cut>,
}

impl<'a> Fence<'a> {
    /// None yet, of a group whose cut comes next as the site's cuts say.
    pub(super) fn new(site: &'a Site<'a>, group: &'a GroupPlan) -> Fence<'a> {
        let epoch = site.cuts.newest(&group.name).map_or(0, |cut| cut.epoch);
        Fence { site, group, epoch, seen: OnceLock::new() }
    }

    /// Reads the secondary's log again: the cut since which another side is active, or roles have changed and changed back.
    ///
    /// Roles are changed in the log of the side that is passive, so that it alone is asked.
    ///
    /// # Errors
    /// The secondary's refusal: then it is not known whether anything may be started.
    pub(super) async fn find_change_of_role(&self) -> Result<Option<&Cut>, RegionError> {
        if let Some(cut) = self.seen.get() {
            return Ok(Some(cut));
        }
        let newest = self.site.newest_cut_now(&self.group.name).await?;
        let home = &self.site.plan.name;
        let stands = |cut: &Cut| cut.is_away_from(home) || cut.epoch > self.epoch;
        Ok(newest.filter(stands).map(|cut| self.seen.get_or_init(|| cut)))
    }
}

/// Why a group whose roles a cut changed is left as it is, with what this apply's clones had done by then.
pub(super) fn told_with_clones(cut: &Cut, tables: &[TableRecord]) -> Sentence {
    let (_, text) = away_from_home(cut);
    let mut left: Vec<String> = tables.iter().filter_map(told_of_clone).collect();
    if left.is_empty() {
        return text;
    }
    let more = left.len().saturating_sub(CLONES_TOLD_MAX);
    left.truncate(CLONES_TOLD_MAX);
    if more > 0 {
        left.push(format!("and {more} more"));
    }
    format!("{text}; clones that this run had sent before it saw that: {}", left.join(", ")).into()
}

/// What a clone did to its replica, a fragment; `None`: none was sent.
fn told_of_clone(table: &TableRecord) -> Option<String> {
    let name = &table.table;
    match table.outcome {
        TableOutcome::Cloned => Some(match table.replica_version {
            Some(version) => format!("{name} is v{version} of its replica"),
            None => format!("{name} landed"),
        }),
        TableOutcome::Failed => {
            let why = table.message.as_ref().map_or("no answer".to_owned(), ToString::to_string);
            Some(format!("{name} failed ({why})"))
        }
        TableOutcome::AlreadyCloned | TableOutcome::Unchanged | TableOutcome::NotStarted => None,
    }
}
