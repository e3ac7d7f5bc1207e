//! What was seen: the shape of the desired state, with the answer written beside each thing asked for. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::deed::Deed;
use super::document::{ConfigSource, Refused};
use super::grants::GrantsSeen;
use super::loss_receipt::ReceiptTold;
use super::protection::SettingsBefore;
use super::unwatched::Unwatched;
use super::witness::Witnessed;
use crate::config::{Group, GroupEntry, TableName, WorkspaceAddress, WorkspaceConfig};
use crate::ledger::{Cuts, FOLDER, Ledger, merge_rows};
use crate::moment;
use crate::region::{
    ActiveRun, Commit, LedgerCopy, Pin, Presence, RegionError, RegionErrorKind, Replica, Source,
    Table, TableRights, Workflow, WriteAccess,
};
use crate::sentence::Sentence;

/// An answer: what the region said, or how it refused.
pub type Answer<T> = Result<T, RegionError>;

/// Everything one plan is computed from.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Taken before the first question: no recovery point is later.
    pub now: DateTime<Utc>,
    /// `DRSYNC_NOW` replaced the clock.
    pub clock_overridden: bool,
    /// The configuration it was computed from.
    pub config: ConfigSource,
    /// Part of the configuration could not be understood: nothing is retired.
    pub incomplete: bool,
    /// One entry a usable workspace.
    pub workspaces: Vec<WorkspaceObserved>,
}

/// One workspace and both its regions.
#[derive(Debug, Clone)]
pub struct WorkspaceObserved {
    /// What is desired.
    pub workspace: WorkspaceConfig,
    /// The primary.
    pub primary: RegionObserved,
    /// The secondary.
    pub secondary: RegionObserved,
    /// Whether the primary's principal may write to the secondary's sync location; `None`: not asked.
    pub write_access: Option<Answer<WriteAccess>>,
    /// Whether it may write to the primary's own sync location; `None`: not asked.
    pub write_access_primary: Option<Answer<WriteAccess>>,
    /// Both copies of the ledger as one.
    pub ledger: Ledger,
    /// The cuts that the newest run records of both regions tell of.
    pub witnessed: Witnessed,
    /// Whether something runs SQL in the secondary's workspace; `None`: not asked.
    pub compute: Option<Answer<()>>,
    /// Secrets by which people are told that no variable holds, as far as both scopes could be looked into; `None`: nobody looked.
    pub secrets: Option<Vec<SecretSeen>>,
    /// Of each group the newest look at who may use its tables that run records tell.
    pub grants: BTreeMap<String, GrantsSeen>,
    /// The newest receipt of each group that run records tell.
    pub receipts: BTreeMap<String, ReceiptTold>,
    /// What was lost of groups with the newest change of role away from their home, that being the cut, as run records tell.
    pub lost_with: BTreeMap<String, ReceiptTold>,
    /// The settings that the newest run record tells, or those of another configuration that was given.
    pub settings_before: Option<SettingsBefore>,
    /// What was found of run records, whatever they tell; `None`: nobody looked for any.
    pub records: Option<RecordsSeen>,
    /// The newest record on this machine that tells settings of it, where no other settings are known.
    pub record_here: Option<RecordHere>,
    /// What is at work in the secondary's workspace; `None`: it was not asked.
    pub watch: Option<Watch>,
    /// The histories of all groups were asked for, due or not, of both regions.
    pub whole_look: bool,
    /// Every group of the configuration, in its order.
    pub groups: Vec<GroupObserved>,
}

/// What was found of run records, whatever they tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordsSeen {
    /// So many were read.
    pub found: usize,
    /// No region could be asked.
    pub unseen: bool,
}

/// The newest record that lies on this machine and tells settings of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordHere {
    /// The apply.
    pub run_id: String,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Where its replicas lie.
    pub replicas: Option<String>,
}

/// A secret by which people are told, looked up in the scope of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSeen {
    /// Its name.
    pub name: String,
    /// The primary has it.
    pub primary: bool,
    /// The secondary has it.
    pub secondary: bool,
}

/// What is at work in a workspace that should be passive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watch {
    /// What is running there, of whatever job.
    pub active: Vec<ActiveRun>,
    /// What could not be seen there.
    pub unseen: Vec<Unwatched>,
}

/// One region.
#[derive(Debug, Clone)]
pub struct RegionObserved {
    /// The workspace's address as configured, where there is one.
    pub workspace: Option<String>,
    /// The sync location as configured.
    pub location: String,
    /// Whether it is there.
    pub presence: Answer<Presence>,
    /// Its copy of the metadata tables.
    pub ledger: Answer<LedgerCopy>,
    /// When it was asked.
    pub observed_at: DateTime<Utc>,
}

/// One group with what was seen of its workflows and tables.
#[derive(Debug, Clone)]
pub struct GroupObserved {
    /// What is desired.
    pub entry: GroupEntry,
    /// One answer a workflow of the group, in its order.
    pub workflows: Vec<Answer<Workflow>>,
    /// The same workflows in the secondary workspace, where one is configured; those not there are left out.
    pub workflows_in_secondary: Vec<Workflow>,
    /// Every table the configuration gives it, resolved, in its order.
    pub names: Vec<TableName>,
    /// Its tables that cannot or shall not be cloned, with the reason.
    pub unprotected: Vec<(TableName, String)>,
    /// One entry a table of the group that is to be synchronized, in its order.
    pub tables: Vec<TableObserved>,
}

/// One table with its replica.
#[derive(Debug, Clone)]
pub struct TableObserved {
    /// Its resolved name, spelled as the catalog does where that is known.
    pub name: TableName,
    /// Its catalog entry.
    pub listed: Answer<Table>,
    /// Its history; `None`: not asked, because nothing may make the group due.
    pub source: Option<Answer<Source>>,
    /// What came to it after the version that the last cut names, where that was asked in place of its history.
    pub came: Option<Answer<Vec<Commit>>>,
    /// Who may use it in the primary and its replica in the secondary; `None`: not asked.
    pub rights: Option<[Answer<TableRights>; 2]>,
    /// Its replica; `None`: not asked.
    pub replica: Option<Answer<Option<Replica>>>,
    /// Whether the replica is as the newest cut left it; `None`: not asked.
    pub stands: Option<Answer<bool>>,
    /// What the replica's files hold was asked, or whether it is the clone that it says to be: the replica says what was answered.
    pub looked_into: bool,
    /// Whether the secondary's own catalog has the replica under the table's name; asked where others wrote to it.
    pub registered: Option<bool>,
    /// It at the version the plan pins; `None`: not asked, or nothing is pinned.
    pub pin: Option<Answer<Pin>>,
}

impl TableObserved {
    /// A table of which nothing is known but what the catalog says: its name is as the catalog spells it, else as it was asked for.
    pub fn listed(asked: &TableName, listed: Answer<Table>) -> TableObserved {
        TableObserved {
            name: listed.as_ref().map_or(asked, |table| &table.name).clone(),
            listed,
            source: None,
            came: None,
            rights: None,
            replica: None,
            stands: None,
            looked_into: false,
            registered: None,
            pin: None,
        }
    }
}

impl WorkspaceObserved {
    /// What neither region can be looked at for, where it is one workspace that answers for both.
    pub(super) fn shared_answer(&self) -> Option<Sentence> {
        let WorkspaceObserved { primary, secondary, .. } = self;
        // Each folder has an answer of its own: only one workspace, an http address, can answer for both regions at once.
        primary.workspace.as_deref().filter(|address| address.starts_with("http"))?;
        let refusals = primary.refusal().zip(secondary.refusal());
        let (one, _) = refusals.filter(|(one, other)| one.is_same_answer(other))?;
        let of_a_table = [primary, secondary].into_iter().any(|it| it.unreadable_table().is_some());
        (!of_a_table).then(|| one.told_of_any())
    }

    /// Whether the secondary's workspace is a folder: it registers no replica, and who may use one is for the storage to say.
    pub(super) fn keeps_replicas_in_files(&self) -> bool {
        let secondary = self.workspace.secondary.as_ref();
        matches!(secondary, Some(WorkspaceAddress::Lakehouse(_)))
    }

    /// The moment that no recovery point is later than: the earlier of drsync's clock and the primary's own.
    ///
    /// Commits have the service's times: by a clock that is ahead of it, a commit might yet come before the recovery point.
    pub fn now(&self, ours: DateTime<Utc>) -> DateTime<Utc> {
        let presence = self.primary.presence.as_ref().ok();
        let theirs = presence.and_then(|presence| presence.clock);
        theirs.map_or(ours, |theirs| moment::millis(ours.min(theirs)))
    }

    /// Its groups by name; of a name that stands twice the first.
    pub(super) fn groups_by_name(&self) -> BTreeMap<&str, &GroupObserved> {
        let named = self.groups.iter().rev();
        named.filter_map(|group| Some((group.entry.name()?, group))).collect()
    }

    /// Why nothing of it could be looked at: the primary is not there, or whoever asks was not signed in for any of its groups.
    pub fn not_let_in(&self) -> Option<&RegionError> {
        // What a secondary that is there can tell is told.
        let of_primary = self.primary.presence.as_ref().err();
        let of_primary = of_primary.filter(|_| self.secondary.presence.is_err());
        let of_regions = || self.primary.signed_out().or(self.secondary.signed_out());
        let of_groups = || {
            let asked = self.groups.iter().filter(|group| !group.tables.is_empty());
            let refusals: Option<Vec<&RegionError>> =
                asked.map(GroupObserved::signed_out).collect();
            refusals?.into_iter().next()
        };
        of_primary.or_else(of_regions).or_else(of_groups)
    }

    /// Whether the secondary tells what it holds, whatever the primary says.
    pub fn secondary_tells(&self) -> bool {
        self.secondary.presence.is_ok() && self.secondary.ledger.is_ok()
    }

    /// The refusal of a primary for whose host no address is known, where no cut of the workspace was seen: nothing is away that
    /// was ever there.
    pub fn nowhere(&self) -> Option<&RegionError> {
        let refusal = self.primary.presence.as_ref().err().filter(|refusal| refusal.unresolved)?;
        self.ledger.cuts.newest_of_each().next().is_none().then_some(refusal)
    }

    /// Whether a region lost a metadata table or its cut log although cuts are known, or the secondary's log lacks cuts,
    /// which are committed there first: then its replicas may be lost too.
    pub(super) fn lost_a_copy(&self) -> bool {
        let secondary = self.secondary.ledger.as_ref().ok();
        let log = secondary.filter(|copy| copy.cuts.is_some()).map(LedgerCopy::all_cuts);
        let sides = self.workspace.sides();
        let behind = log.is_some_and(|log| !self.ledger.cuts.owed_to(&log, &sides).is_empty());
        behind || self.lacks_a_table()
    }

    fn lacks_a_table(&self) -> bool {
        let lost = |region: &RegionObserved| {
            let copy = region.ledger.as_ref().ok();
            copy.is_some_and(|copy| copy.metadata.is_none() || copy.cuts.is_none())
        };
        self.ledger.cuts.newest_of_each().next().is_some()
            && (lost(&self.primary) || lost(&self.secondary))
    }
}

impl GroupObserved {
    /// What is desired of it, where that has no mistake.
    pub(super) fn valid(&self) -> Option<&Group> {
        self.entry.valid()
    }

    /// The refusal of who asks as somebody the region does not, or no longer, know.
    fn signed_out(&self) -> Option<&RegionError> {
        let workflows = self.workflows.iter().filter_map(|it| it.as_ref().err());
        let tables = self.tables.iter().flat_map(|table| {
            let listed = table.listed.as_ref().err();
            let source = table.source.as_ref().and_then(|it| it.as_ref().err());
            let replica = table.replica.as_ref().and_then(|it| it.as_ref().err());
            let pin = table.pin.as_ref().and_then(|it| it.as_ref().err());
            [listed, source, replica, pin].into_iter().flatten()
        });
        workflows.chain(tables).find(|error| signed_out(error))
    }
}

fn signed_out(error: &RegionError) -> bool {
    error.kind == RegionErrorKind::SignedOut
}

impl RegionObserved {
    /// Whether the region can be looked at.
    pub fn reachable(&self) -> bool {
        self.presence.is_ok() && self.ledger.is_ok()
    }

    /// The refusal of a region that cannot be looked at.
    pub fn refusal(&self) -> Option<&RegionError> {
        self.presence.as_ref().err().or(self.ledger.as_ref().err())
    }

    /// How a region that answers refuses; `None`: it can be looked at, or gives no answer.
    pub(super) fn refused(&self) -> Option<Refused> {
        Refused::of(self.refusal()?.kind)
    }

    /// The refusal of who asks as somebody the region does not, or no longer, know.
    fn signed_out(&self) -> Option<&RegionError> {
        self.refusal().filter(|error| signed_out(error))
    }

    /// What is said of a region that cannot be looked at; of metadata tables that cannot be read, which and what repairs them.
    pub(super) fn answer(&self, other: &RegionObserved) -> Option<Sentence> {
        let refusal = self.refusal()?;
        Some(match self.unreadable_table().zip(self.repair(other)) {
            None => refusal.describe_answer(),
            Some((place, repair)) => {
                let repair = repair.describe_deed();
                format!("{place} cannot be read: {}; {repair}", refusal.describe_answer()).into()
            }
        })
    }

    /// What repairs a metadata table that cannot be read; with the other region's gone too only a backup does.
    pub(super) fn repair(&self, other: &RegionObserved) -> Option<Deed> {
        let location = self.unreadable_table()?;
        Some(match (&other.ledger, other.unreadable_table()) {
            (Ok(_), _) => Deed::MoveLedgerTable { location, when_other_answers: false },
            (Err(_), None) => Deed::MoveLedgerTable { location, when_other_answers: true },
            (Err(_), Some(_)) => Deed::RestoreLedgerTable { location },
        })
    }

    /// Where a metadata table lies that is there and cannot be read, although the region answers.
    pub(super) fn unreadable_table(&self) -> Option<String> {
        let (Ok(_), Err(error)) = (&self.presence, &self.ledger) else {
            return None;
        };
        let table = error.ledger_table?.name();
        (error.kind == RegionErrorKind::Other && !error.transient)
            .then(|| format!("{}/{FOLDER}/{table}", self.location.trim_end_matches('/')))
    }

    /// Its copy of the ledger; empty where it does not answer.
    pub fn copy(&self) -> LedgerCopy {
        self.ledger.clone().unwrap_or_default()
    }
}

/// Makes two copies of a ledger one.
pub fn merge_copies(a: &LedgerCopy, b: &LedgerCopy) -> Ledger {
    Ledger {
        rows: merge_rows(&a.rows_by_group(), &b.rows_by_group()),
        cuts: Cuts::merged(&a.all_cuts(), &b.all_cuts()),
    }
}
