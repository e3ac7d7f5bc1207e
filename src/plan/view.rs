//! One valid group as the triggers see it: what is desired, what was seen, and what its last cut says. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use super::identity::{NamedVersion, recreated};
use super::observed::{Answer, GroupObserved, TableObserved, WorkspaceObserved};
use super::place::{ReplicaPlace, place_of};
use super::replica::{Assessment, Damage, assess, damage};
use super::request::Request;
use super::{CRASH_CONSISTENT, FindingCode, versions};
use crate::config::{Group, GroupEntry, LocationAddress, TableName};
use crate::ledger::{Cut, CutTableEntry, Row};
use crate::region::{CloneProof, Commit, Grant, RegionError, Replica, Workflow};
use crate::sentence::Sentence;

/// The views of the groups of a workspace that are asked for and have no mistake, by name: each is made once for a plan.
pub(super) fn views<'a>(
    workspace: &'a WorkspaceObserved,
    now: DateTime<Utc>,
    request: &'a Request,
) -> BTreeMap<&'a str, GroupView<'a>> {
    let views =
        workspace.groups.iter().filter_map(|seen| GroupView::new(workspace, seen, now, request));
    let chosen = views.filter(|view| request.selects(&workspace.workspace.name, &view.group.name));
    chosen.map(|view| (view.group.name.as_str(), view)).collect()
}

/// Moments further ahead than this are no matter of two clocks that differ a little.
const CLOCKS_APART: Duration = Duration::minutes(1);

/// Whether a moment that a cut tells is yet to come by more than clocks differ: the clock was wrong when it was made.
pub(super) fn is_yet_to_come(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at > now + CLOCKS_APART
}

/// One valid group with everything that bears on its decision.
#[derive(Debug)]
pub(super) struct GroupView<'a> {
    /// What is desired.
    pub(super) group: &'a Group,
    /// What was seen.
    pub(super) seen: &'a GroupObserved,
    /// Its workspace.
    pub(super) workspace: &'a WorkspaceObserved,
    /// No recovery point is later.
    pub(super) now: DateTime<Utc>,
    /// Its newest cut.
    pub(super) last_cut: Option<&'a Cut>,
    /// Its row.
    pub(super) row: Option<&'a Row>,
    /// It was asked for as due.
    pub(super) take_as_due: bool,
    /// A cut that is not tied to a finished run was accepted.
    pub(super) crash_consistent_accepted: bool,
    request: &'a Request,
}

impl<'a> GroupView<'a> {
    /// The statement that gives whoever asks the right to read a table where the primary tells of a lack; `None`: it tells of none.
    pub(super) fn grant_to_read(&self, table: &TableName, refusal: &RegionError) -> Option<Grant> {
        let presence = self.workspace.primary.presence.as_ref().ok()?;
        Some(refusal.lack.as_ref()?.grant_for_reading(table, presence.principal.as_deref()?))
    }

    /// The view of a group; `None`: its configuration is not valid.
    pub(super) fn new(
        workspace: &'a WorkspaceObserved,
        seen: &'a GroupObserved,
        now: DateTime<Utc>,
        request: &'a Request,
    ) -> Option<GroupView<'a>> {
        let GroupEntry::Valid(group) = &seen.entry else {
            return None;
        };
        Some(GroupView {
            group,
            seen,
            workspace,
            now: workspace.now(now),
            last_cut: workspace.ledger.cuts.newest(&group.name),
            row: workspace.ledger.rows.get(&group.name),
            take_as_due: request.takes_as_due(&workspace.workspace.name, &group.name),
            crash_consistent_accepted: request.accepted.iter().any(|risk| {
                let name = &workspace.workspace.name;
                risk.code == CRASH_CONSISTENT
                    && risk.is_about(name, &group.name, std::iter::empty())
            }),
            request,
        })
    }

    /// Whether a finding about one of its tables was accepted for this plan.
    pub(super) fn accepts(&self, code: FindingCode, table: &TableName) -> bool {
        let table = table.to_string();
        self.request.accepts(
            code.as_str(),
            &self.workspace.workspace.name,
            &self.group.name,
            Some(&table),
        )
    }

    /// Whether a finding about the group itself was accepted for this plan.
    pub(super) fn accepts_of_group(&self, code: FindingCode) -> bool {
        let workspace = &self.workspace.workspace.name;
        self.request.accepts(code.as_str(), workspace, &self.group.name, None)
    }

    /// Its workflows as far as they were found.
    pub(super) fn workflows(&self) -> Vec<&'a Workflow> {
        self.seen.workflows.iter().filter_map(|answer| answer.as_ref().ok()).collect()
    }

    /// Its tables that are to be synchronized.
    pub(super) fn tables(&self) -> impl Iterator<Item = &'a TableObserved> + use<'a> {
        self.seen.tables.iter()
    }

    /// Where a table's replica lies.
    pub(super) fn replica_place(&self, table: &TableName) -> ReplicaPlace<'a> {
        self.workspace.replica_place(Some(&self.group.name), table)
    }

    /// What the newest cut says of a table's replica where it lies now, of the group itself where that names it.
    pub(super) fn cut_entry(&self, table: &TableName) -> Option<&'a CutTableEntry> {
        self.replica_place(table).entry
    }

    /// What the group's own newest cut says of a table, wherever its replica lies.
    pub(super) fn own_entry(&self, table: &TableName) -> Option<&'a CutTableEntry> {
        self.workspace.ledger.cuts.entry_of(&self.group.name, table)
    }

    /// What the newest cut says of a table, wherever its replica lies: of any group where it lies now, else of the group itself.
    pub(super) fn identity(&self, table: &TableName) -> Option<&'a CutTableEntry> {
        self.cut_entry(table).or_else(|| self.own_entry(table))
    }

    /// A table whose replica would go back behind what a cut of any group holds, were the group brought to `point`.
    pub(super) fn goes_back(&self, point: DateTime<Utc>) -> Option<&'a TableObserved> {
        self.tables().find(|table| {
            let (Some(Ok(source)), Some(entry)) = (&table.source, self.cut_entry(&table.name))
            else {
                return false;
            };
            recreated(source, &NamedVersion::in_cut(entry)).is_none()
                && versions::version_at(&source.commits, point)
                    .is_some_and(|pinned| pinned.commit.version < entry.source_version)
        })
    }

    /// What a replica's history says; `None`: it was not looked at, or there is none.
    pub(super) fn assessment(&self, table: &TableObserved) -> Option<Assessment> {
        let replica = table.replica()?;
        let place = self.replica_place(&table.name);
        Some(assess(&place.path, replica, place.entry))
    }

    /// What is wrong with the files of a table's replica, as far as they were looked at.
    pub(super) fn damage(&self, table: &TableObserved) -> Option<Damage> {
        damage(table.replica()?, self.replica_place(&table.name).entry)
    }

    /// Why a table's replica is not known to be the clone that it says to be; no cut names it.
    pub(super) fn unknown_clone(&self, table: &TableObserved) -> Option<Sentence> {
        match &table.replica()?.proof {
            CloneProof::Unknown { version, why } => Some(format!(
                "v{version} of the replica of {} is a clone that no cut names, and it cannot be compared with its source: {why}",
                table.name
            ).into()),
            CloneProof::NotAsked | CloneProof::Proved | CloneProof::Refuted { .. } => None,
        }
    }

    /// Why the configuration alone says that replicas are not what the newest cut says.
    pub(super) fn membership_differs(&self) -> Option<Sentence> {
        self.tables().find_map(|table| match self.own_entry(&table.name) {
            None => Some(format!("{} is new in the group", table.name).into()),
            Some(entry) => {
                let there = &entry.replica_location;
                let stays =
                    LocationAddress::is_one_place(there, &self.replica_place(&table.name).location);
                (!stays).then(|| format!("the replica of {} moves from {there}", table.name).into())
            }
        })
    }

    /// Why replicas are not what the newest cut says, as far as they were looked at.
    pub(super) fn differs_from(&self, cut: &Cut) -> Option<Sentence> {
        self.membership_differs()
            .or_else(|| self.tables().find_map(|table| self.differs(table, cut)))
    }

    fn differs(&self, table: &TableObserved, cut: &Cut) -> Option<Sentence> {
        let Some(Ok(replica)) = &table.replica else {
            return None;
        };
        if replica.is_none() {
            return Some(format!("the replica of {} is missing", table.name).into());
        }
        let entry = self.own_entry(&table.name)?;
        if self.recreated_and_accepted(table) {
            return Some(format!("{} was created again, which was accepted", table.name).into());
        }
        let seen = self.assessment(table)?;
        // What others wrote is a finding; accepted, it is repaired.
        if !seen.theirs.is_empty() || seen.foreign {
            let code = if seen.foreign {
                FindingCode::ReplicaNotOurs
            } else {
                FindingCode::ReplicaChanged
            };
            return self.accepts(code, &table.name).then(|| {
                format!(
                    "what others wrote to the replica of {} was accepted to be lost",
                    table.name
                )
                .into()
            });
        }
        if let Some(damage) = self.damage(table) {
            return Some(damage.what);
        }
        if let Some(unknown) = self.unknown_clone(table) {
            return Some(unknown);
        }
        let holds = seen.holds?;
        let same = holds.source_version == entry.source_version
            && holds.source_table_id == entry.source_table_id;
        (!same).then(|| {
            format!(
                "the replica of {} holds v{}, cut {} says v{}: an apply was interrupted or beaten",
                table.name, holds.source_version, cut.cut_number, entry.source_version
            )
            .into()
        })
    }

    /// Whether a source is another table than the one its last cut names, and somebody accepted that.
    pub(super) fn recreated_and_accepted(&self, table: &TableObserved) -> bool {
        let (Some(Ok(source)), Some(entry)) = (&table.source, self.identity(&table.name)) else {
            return false;
        };
        self.accepts(FindingCode::SourceRecreated, &table.name)
            && recreated(source, &NamedVersion::in_cut(entry)).is_some()
    }

    /// Whether anything about the group was accepted, so that it has to be looked at.
    pub(super) fn anything_accepted(&self) -> bool {
        let tables = || self.tables().map(|table| table.name.to_string());
        let mut accepted = self.request.accepted.iter();
        accepted
            .any(|risk| risk.is_about(&self.workspace.workspace.name, &self.group.name, tables()))
    }

    /// The source version that is held of a table: by the group's own cut, otherwise by whichever names its replica.
    fn held_version(&self, table: &TableName) -> Option<u64> {
        let own = self.own_entry(table);
        own.or_else(|| self.cut_entry(table)).map(|entry| entry.source_version)
    }

    /// Whether a cut says to be of a moment that is yet to come: a clock was wrong when it was made.
    pub(super) fn is_of_the_future(&self, cut: &Cut) -> bool {
        is_yet_to_come(cut.recovery_point, self.now)
    }

    /// When a cut was planned; where that is yet to come too, when its recovery point was, and now at the latest.
    pub(super) fn planned(&self, cut: &Cut) -> DateTime<Utc> {
        if is_yet_to_come(cut.planned_at, self.now) {
            cut.recovery_point.min(self.now)
        } else {
            cut.planned_at
        }
    }

    /// The recovery point of a cut, where its clock can be believed.
    pub(super) fn believed(&self, cut: &Cut) -> Option<DateTime<Utc>> {
        (!self.is_of_the_future(cut)).then_some(cut.recovery_point)
    }

    /// Since when its home is active again, where nothing was synchronized since.
    pub(super) fn home_since(&self) -> Option<DateTime<Utc>> {
        let home = &self.workspace.workspace.name;
        let cut = self.last_cut.filter(|cut| cut.is_role() && !cut.is_away_from(home));
        cut.map(|cut| cut.committed_at)
    }

    /// Whether no table is at an older version at `point` than the newest cut holds.
    fn all_as_far(&self, point: DateTime<Utc>) -> bool {
        self.tables().all(|table| {
            let held = self.own_entry(&table.name).map(|entry| entry.source_version);
            let then = table.commits().map(|commits| versions::version_at(commits, point));
            match (held, then) {
                (Some(held), Some(then)) => then.is_some_and(|then| then.commit.version >= held),
                (None, _) | (_, None) => true,
            }
        })
    }

    /// Whether bringing the group to `point` brings at least one table beyond a cut; nothing goes back behind it.
    pub(super) fn brings_beyond(&self, cut: &Cut, point: DateTime<Utc>) -> bool {
        let forward = match self.believed(cut) {
            Some(held) => point >= held,
            None => self.all_as_far(point),
        };
        forward
            && self.tables().any(|table| {
                let version = self.own_entry(&table.name).map(|entry| entry.source_version);
                // A table whose history was not read may have anything: its finding decides.
                table.commits().is_none_or(|commits| {
                    versions::changes_beyond(commits, version, point).next().is_some()
                })
            })
    }

    /// Age of the oldest commit that changes something and that the newest cut lacks; `None`: histories were not read.
    pub(super) fn lag(&self) -> Option<Duration> {
        let oldest = self.pending()?.into_iter().map(|commit| commit.committed_at).min();
        Some(oldest.map_or(Duration::zero(), |oldest| (self.now - oldest).max(Duration::zero())))
    }

    /// Commits that change something and that the newest cut lacks; `None`: not every history was read.
    pub(super) fn pending(&self) -> Option<Vec<&'a Commit>> {
        let mut pending = Vec::new();
        for table in self.tables() {
            let version = self.held_version(&table.name);
            pending.extend(versions::changes_after(table.commits()?, version));
        }
        Some(pending)
    }
}

impl WorkspaceObserved {
    /// Where the replica of a table of a group lies in the secondary.
    pub fn replica_place(&self, group: Option<&str>, table: &TableName) -> ReplicaPlace<'_> {
        let root = self.workspace.location_secondary.join("");
        place_of(&self.ledger.cuts, &root, group, table)
    }
}

impl TableObserved {
    /// Its commits, where its history was read.
    pub fn commits(&self) -> Option<&[Commit]> {
        match &self.source {
            Some(Ok(source)) => Some(&source.commits),
            Some(Err(_)) | None => None,
        }
    }

    /// Its newest version, where its history was read.
    pub fn newest(&self) -> Option<u64> {
        self.commits()?.last().map(|commit| commit.version)
    }

    /// Its replica, where one was seen.
    pub fn replica(&self) -> Option<&Replica> {
        match &self.replica {
            Some(Answer::Ok(replica)) => replica.as_ref(),
            Some(Err(_)) | None => None,
        }
    }
}
