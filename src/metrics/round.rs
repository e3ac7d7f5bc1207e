//! What a round leaves of what was measured before it: what it did not look at goes on as it was, as far as that is still known.
//! Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{CutMeasured, GroupMeasured, GroupState, Measured};
use crate::config::WorkspaceConfig;
use crate::plan::status::{GroupStatus, StatusDocument};
use crate::record::{GroupOutcome, GroupRecord, RunRecord};

impl Measured {
    /// What is so after a round: `status` is what it saw before it applied anything, `record` what it did.
    pub fn after_round(
        mut self,
        status: &StatusDocument,
        record: &RunRecord,
        workspaces: &[WorkspaceConfig],
        whole: bool,
    ) -> Measured {
        let Measured { mut sides, groups, .. } = Measured::of(status, workspaces);
        let key = |group: &GroupMeasured| (group.workspace.clone(), group.group.clone());
        let mut before: BTreeMap<_, _> =
            self.groups.drain(..).map(|group| (key(&group), group)).collect();
        let statuses = status.workspaces.iter().flat_map(|workspace| {
            workspace
                .groups
                .iter()
                .map(|group| ((workspace.name.clone(), group.name.clone()), group))
        });
        let statuses: BTreeMap<_, _> = statuses.collect();
        let records = record.groups.iter();
        let records: BTreeMap<_, _> =
            records.map(|it| ((it.workspace.clone(), it.name.clone()), it)).collect();
        let mut after = Vec::new();
        for group in groups {
            let key = key(&group);
            let known = before.remove(&key);
            let (Some(status), Some(record_of_group)) = (statuses.get(&key), records.get(&key))
            else {
                after.extend(known);
                continue;
            };
            let at = Moments { before: self.round_ended_at, now: record.ended_at };
            after.push(of_group(group, status, record_of_group, known, at));
        }
        if !whole {
            // A round of some groups says nothing of the others.
            after.extend(before.into_values());
        }
        after.sort_by(|a, b| (&a.workspace, &a.group).cmp(&(&b.workspace, &b.group)));
        let before_sides = std::mem::take(&mut self.sides);
        for side in sides.iter_mut().filter(|_| !whole) {
            // A round of some groups asks for their jobs alone: what it saw is not all that was not seen.
            let blind = |it: &&super::SideUp| {
                it.watched == Some(false)
                    && (&it.workspace, &it.side) == (&side.workspace, &side.side)
            };
            if side.watched == Some(true) && before_sides.iter().any(|it| blind(&it)) {
                side.watched = Some(false);
            }
        }
        let asked = |side: &super::SideUp| sides.iter().any(|it| it.workspace == side.workspace);
        self.sides = before_sides.into_iter().filter(|side| !whole && !asked(side)).collect();
        self.sides.extend(sides);
        self.sides.sort_by(|a, b| (&a.workspace, &a.side).cmp(&(&b.workspace, &b.side)));
        self.groups = after;
        self.round_ended_at = Some(record.ended_at);
        self
    }
}

/// When the round before ended, and when this one did.
#[derive(Clone, Copy)]
struct Moments {
    before: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

fn of_group(
    group: GroupMeasured,
    status: &GroupStatus,
    record: &GroupRecord,
    known: Option<GroupMeasured>,
    at: Moments,
) -> GroupMeasured {
    let cut = match (record.cut, record.recovery_point) {
        (Some(number), Some(recovery_point)) => Some(CutMeasured { number, recovery_point }),
        _ => group.cut,
    };
    if record.outcome == GroupOutcome::Synchronized {
        let lag = record
            .loss
            .as_ref()
            // The lag may be longer where it is not known what a table would lose: then none is measured.
            .filter(|loss| loss.unknown.is_empty())
            .map(|loss| loss.since.map_or(0, |since| (at.now - since).num_seconds().max(0)));
        return GroupMeasured {
            cut,
            lag_seconds: lag,
            protected: Some(true),
            state: GroupState::Ok,
            ..group
        };
    }
    // Of another cut than before nothing that was known still says anything.
    let known = known.filter(|known| known.cut.map(|it| it.number) == cut.map(|it| it.number));
    let state = match record.outcome {
        GroupOutcome::Failed | GroupOutcome::Stale => GroupState::Failing,
        GroupOutcome::UpToDate | GroupOutcome::Overtaken => GroupState::Ok,
        GroupOutcome::Synchronized
        | GroupOutcome::Waiting
        | GroupOutcome::Blocked
        | GroupOutcome::NotStarted => group.state,
    };
    let sources_seen = status.pending_commits.is_some();
    let replicas_seen =
        status.tables.iter().any(|table| table.checked.is_some() || table.lost.is_some());
    let lag_seconds = match (sources_seen || group.lag_seconds.is_some(), &known, at.before) {
        (true, _, _) => group.lag_seconds,
        // Where sources were not seen, what waited before still waits, by the time that has passed; where nothing did, nobody
        // knows.
        (false, Some(known), Some(before)) => known
            .lag_seconds
            .filter(|lag| *lag > 0)
            .map(|lag| lag + (at.now - before).num_seconds().max(0)),
        (false, _, _) => None,
    };
    let protected =
        if replicas_seen { group.protected } else { known.and_then(|known| known.protected) };
    GroupMeasured { cut, state, lag_seconds, protected, ..group }
}
