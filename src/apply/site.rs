//! One workspace while it is applied: both ledgers brought together, and every row written to both.
//! Only this file appends cuts; rows are written here and in `healing`.

use std::collections::{BTreeMap, BTreeSet};

pub(super) mod healing;

use super::Run;
use super::exit::AwayRegions;
use super::queue::Queue;
use crate::ledger::{Cut, Cuts, FOLDER, Row, SYNC_METADATA};
use crate::observe::bring_ledgers_together;
use crate::plan::document::{MetadataAction, WorkspacePlan};
use crate::plan::{Decision, Role, merge_copies};
use crate::record::{MetadataRecord, Recorded, RunWarningCode};
use crate::region::{
    Appended, LedgerCopy, Location, Presence, Region, RegionError, RegionErrorKind, Regions,
};
use healing::{CutsRefused, Lacking, Made, make, planned_rows};

/// One workspace while it is applied.
pub(super) struct Site<'a> {
    /// Its part of the plan.
    pub(super) plan: &'a WorkspacePlan,
    /// Its regions.
    pub(super) regions: &'a Regions,
    /// All cuts, as both copies said when the apply began.
    pub(super) cuts: Cuts,
    /// Why the primary's ledger could not be read, where the secondary's could not either: nothing is known of any cut.
    pub(super) unread: Option<RegionError>,
    /// Why the secondary cannot be used; `None`: it can.
    pub(super) secondary_refusal: Option<RegionError>,
    /// Why the primary cannot be used; `None`: it can.
    pub(super) primary_refusal: Option<RegionError>,
    /// Who asks, as the primary knows them.
    pub(super) principal: Option<String>,
    /// What was done to the metadata tables.
    pub(super) metadata: Vec<MetadataRecord>,
    /// Rows can be written in the primary; where they cannot, that was told once.
    rows_in_primary: bool,
    /// The same of the secondary.
    rows_in_secondary: bool,
    /// SHA-256 of the newest run record that either region had when the apply began.
    pub(super) newest_record: Option<String>,
    rows: std::sync::Mutex<BTreeMap<String, Row>>,
    /// What was warned of as being so of every group.
    said_of_all: std::sync::Mutex<BTreeSet<(RunWarningCode, Role)>>,
    rows_to_primary: Queue<Row, ()>,
    rows_to_secondary: Queue<Row, ()>,
    cuts_to_primary: Queue<Cut, ()>,
    cuts_to_secondary: Queue<Cut, Sent>,
    heads_of_secondary: Queue<String, Option<Cut>>,
}

impl<'a> Site<'a> {
    /// Brings both ledgers together and writes the rows that do not depend on any sync.
    pub(super) async fn prepare(
        run: &Run<'_>,
        plan: &'a WorkspacePlan,
        regions: &'a Regions,
    ) -> Site<'a> {
        let BothRead { primary, secondary, principal } = read_both_ledgers(plan, regions).await;
        let unread = match (&primary, &secondary) {
            (Err(refusal), Err(_)) => Some(refusal.clone()),
            (Ok(_), _) | (_, Ok(_)) => None,
        };
        let [primary, secondary] = make_both_ledgers(run, plan, regions, primary, secondary).await;
        let split = |made: Result<Made, RegionError>| match made {
            Ok(made) => (made, None),
            Err(refusal) => (Made::nothing(), Some(refusal)),
        };
        let ((primary, primary_refusal), (secondary, secondary_refusal)) =
            (split(primary), split(secondary));
        for (made, role) in [(&primary, Role::Primary), (&secondary, Role::Secondary)] {
            warn_without_rows(run, plan, role, made);
        }
        let ledger = merge_copies(&primary.copy, &secondary.copy);
        let rows = planned_rows(plan, ledger.rows, &ledger.cuts, run.stored.plan.created_at);
        let mut site = Site {
            plan,
            regions,
            cuts: ledger.cuts,
            unread,
            secondary_refusal,
            primary_refusal,
            rows_in_primary: primary.without_rows.is_none(),
            rows_in_secondary: secondary.without_rows.is_none(),
            principal,
            metadata: Vec::new(),
            newest_record: None,
            rows: std::sync::Mutex::new(rows.clone()),
            said_of_all: std::sync::Mutex::default(),
            rows_to_primary: Queue::new(),
            rows_to_secondary: Queue::new(),
            cuts_to_primary: Queue::new(),
            cuts_to_secondary: Queue::new(),
            heads_of_secondary: Queue::new(),
        };
        site.write_what_is_lacking(run, primary, secondary, &rows).await;
        site.note_refusals(run);
        site
    }

    /// Writes what the tables of each region lack of the rows and of all cuts. The primary's may stay behind; without the secondary's
    /// nothing is synchronized.
    async fn write_what_is_lacking(
        &mut self,
        run: &Run<'_>,
        primary: Made,
        secondary: Made,
        rows: &BTreeMap<String, Row>,
    ) {
        if self.primary_refusal.is_none()
            && let Err(error) = self.write_lacking_in(run, Role::Primary, primary, rows).await
        {
            run.noted(&self.plan.name, Role::Primary, Recorded::Rows, Err(&error));
            self.warn_of_metadata_behind(run, Role::Primary, &error);
        }
        if self.secondary_refusal.is_none()
            && let Err(refusal) = self.write_lacking_in(run, Role::Secondary, secondary, rows).await
        {
            self.secondary_refusal = Some(refusal);
        }
    }

    async fn write_lacking_in(
        &mut self,
        run: &Run<'_>,
        role: Role,
        made: Made,
        rows: &BTreeMap<String, Row>,
    ) -> Result<(), RegionError> {
        let (region, takes_rows) = match role {
            Role::Primary => (&self.regions.primary, self.rows_in_primary),
            Role::Secondary => (&self.regions.secondary, self.rows_in_secondary),
        };
        let mut lacking = Lacking::of(&made.copy, rows, &self.cuts, &self.plan.sides());
        let refused = lacking.write(region.location.as_ref(), takes_rows).await?;
        self.warn_of_cuts(run, role, &refused);
        self.metadata.extend(lacking.record(&self.plan.name, role, made.action));
        run.noted(&self.plan.name, role, Recorded::Rows, Ok(()));
        Ok(())
    }

    /// Notes which regions take no rows. Groups that are to be synchronized warn of that themselves, and so does a plan that saw it.
    fn note_refusals(&self, run: &Run<'_>) {
        let seen = &self.plan.observed;
        let refusals = [
            (&self.primary_refusal, &seen.primary, Role::Primary),
            (&self.secondary_refusal, &seen.secondary, Role::Secondary),
        ];
        for (refusal, _, role) in refusals {
            if let Some(refusal) = refusal {
                run.noted(&self.plan.name, role, Recorded::Rows, Err(refusal));
            }
        }
        if self.plan.groups.iter().any(|group| group.decision == Decision::Sync) {
            return;
        }
        for (refusal, seen, role) in refusals {
            if let Some(refusal) = refusal.as_ref().filter(|_| seen.reachable) {
                self.warn_of_metadata_behind(run, role, refusal);
            }
        }
    }

    fn warn_of_metadata_behind(&self, run: &Run<'_>, role: Role, why: &RegionError) {
        let text = format!("the {}'s metadata tables are behind: {why}", role.name());
        let warning = RunWarningCode::MetadataBehind.warn(text);
        run.warn(warning.of_side(role).of_workspace(&self.plan.name));
    }

    /// Which regions did not answer.
    pub(super) fn away(&self) -> AwayRegions {
        let [primary, secondary] = self.refusals_of_away().map(|refusal| refusal.is_some());
        AwayRegions { primary, secondary }
    }

    /// The refusals of those that did not answer, the primary's first.
    pub(super) fn refusals_of_away(&self) -> [Option<RegionError>; 2] {
        let refusals = [&self.primary_refusal, &self.secondary_refusal];
        refusals.map(|refusal| refusal.clone().filter(|error| error.kind.is_away()))
    }

    /// Appends a cut in the secondary, with the others that wait: the commit point of its group.
    ///
    /// # Errors
    /// The secondary's refusal.
    pub(super) async fn append(&self, cut: Cut) -> Result<Sent, RegionError> {
        let append = async |cuts: &[Cut]| self.send(cuts).await;
        self.cuts_to_secondary.write(cut, append).await
    }

    /// Sends cuts of which neither copy of the log tells anything newer: the primary's is read again just before, and the append
    /// itself reads the secondary's.
    ///
    /// Somebody may have written to the primary's copy alone, as after a change of role that the secondary's storage has not seen.
    async fn send(&self, cuts: &[Cut]) -> Vec<Result<Sent, RegionError>> {
        let away = |refusal: &RegionError| refusal.kind.is_away();
        let there = match &self.primary_refusal {
            Some(refusal) if away(refusal) => Ok(Cuts::default()),
            Some(_) | None => {
                let groups: Vec<&str> = cuts.iter().map(|cut| cut.group_name.as_str()).collect();
                self.regions.primary.location.newest_cuts(&groups).await
            }
        };
        let there = match there {
            Ok(there) => there,
            Err(refusal) if away(&refusal) => Cuts::default(),
            Err(refusal) => return vec![Ok(Sent::No(refusal)); cuts.len()],
        };
        let newer: Vec<Option<Appended>> = cuts.iter().map(|cut| there.newer_than(cut)).collect();
        let open: Vec<Cut> = cuts
            .iter()
            .zip(&newer)
            .filter(|(_, newer)| newer.is_none())
            .map(|(cut, _)| cut.clone())
            .collect();
        let mut sent = (if open.is_empty() {
            Vec::new()
        } else {
            self.regions.secondary.location.append_cuts(&open).await
        })
        .into_iter();
        let answers = newer.into_iter().map(|newer| match newer {
            Some(newer) => Ok(Sent::Yes(newer)),
            None => sent
                .next()
                .unwrap_or_else(|| {
                    let doing = "append a cut";
                    Err(RegionError::new(RegionErrorKind::Other, doing, "it was not answered"))
                })
                .map(Sent::Yes),
        });
        answers.collect()
    }

    /// The newest cut of a group as the secondary's log has it now; who asks while it is read shares the next reading.
    ///
    /// # Errors
    /// The secondary's refusal.
    pub(super) async fn newest_cut_now(&self, group: &str) -> Result<Option<Cut>, RegionError> {
        let read = async |asked: &[String]| {
            let groups: BTreeSet<&str> = asked.iter().map(String::as_str).collect();
            let groups: Vec<&str> = groups.into_iter().collect();
            let read = self.regions.secondary.location.newest_cuts(&groups).await;
            let answer = |group: &String| match &read {
                Ok(cuts) => Ok(cuts.newest(group).cloned()),
                Err(refusal) => Err(refusal.clone()),
            };
            asked.iter().map(answer).collect()
        };
        self.heads_of_secondary.write(group.to_owned(), read).await
    }

    /// Copies a committed cut to the primary's log, with the others that wait.
    ///
    /// # Errors
    /// The primary's refusal.
    pub(super) async fn copy_to_primary(&self, cut: Cut) -> Result<(), RegionError> {
        let copy = async |cuts: &[Cut]| {
            let copied = self.regions.primary.location.copy_cuts(cuts).await;
            vec![copied; cuts.len()]
        };
        self.cuts_to_primary.write(cut, copy).await
    }

    /// Changes a group's row in both regions.
    ///
    /// # Errors
    /// The secondary's refusal; the primary's is a warning.
    pub(super) async fn record(
        &self,
        run: &Run<'_>,
        group: &str,
        change: impl FnOnce(&Row) -> Row,
    ) -> Result<(), RegionError> {
        let row = {
            let mut rows = self.rows.lock().expect("no panic while a row is changed");
            let before = rows.get(group).cloned().unwrap_or_else(|| {
                // Only a ledger that lost a row between plan and apply gets here: the next plan fills it in.
                Row::first_seen(group, None, Vec::new(), run.now())
            });
            let after = change(&before);
            rows.insert(group.to_owned(), after.clone());
            after
        };
        let Regions { primary, secondary } = self.regions;
        let primary = async {
            match &self.primary_refusal {
                Some(refusal) => Err(refusal.clone()),
                None if !self.rows_in_primary => Ok(()),
                None => {
                    write_row(primary.location.as_ref(), &self.rows_to_primary, row.clone()).await
                }
            }
        };
        let secondary = async {
            match &self.secondary_refusal {
                Some(refusal) => Err(refusal.clone()),
                None if !self.rows_in_secondary => Ok(()),
                None => {
                    write_row(secondary.location.as_ref(), &self.rows_to_secondary, row.clone())
                        .await
                }
            }
        };
        let (primary, secondary) = futures::join!(primary, secondary);
        if let Err(error) = primary {
            run.noted(&self.plan.name, Role::Primary, Recorded::Rows, Err(&error));
            self.warn_of_status(run, group, Role::Primary, &error);
        }
        if let Err(error) = &secondary {
            run.noted(&self.plan.name, Role::Secondary, Recorded::Rows, Err(error));
        }
        secondary
    }

    /// Warns of groups whose cuts a region did not take.
    fn warn_of_cuts(&self, run: &Run<'_>, side: Role, refused: &[CutsRefused]) {
        for CutsRefused { group, refusal } in refused {
            let text = format!(
                "the {} lacks cuts of {group} that the other region has, and does not take them: {refusal}; docs/planning.md#ledger_diverged",
                side.name()
            );
            let warning = RunWarningCode::MetadataBehind.warn(text).about(group);
            run.warn(warning.of_side(side).of_workspace(&self.plan.name));
        }
    }

    /// Warns that the status of a group is not in the metadata table of a region.
    pub(super) fn warn_of_status(&self, run: &Run<'_>, group: &str, side: Role, why: &RegionError) {
        let place = side.name();
        let of_group = || format!("the status of {group} is not recorded in the {place}: {why}");
        let of_all = || format!("no status of any group is recorded in the {place}: {why}");
        self.warn_of(run, RunWarningCode::StatusNotRecorded, (group, side), why, of_group, of_all);
    }

    /// Warns that a cut of a group is not in the primary's log yet.
    pub(super) fn warn_of_copy(&self, run: &Run<'_>, cut: &Cut, why: &RegionError) {
        let group = &cut.group_name;
        let of_group =
            || format!("{} of {group} is not in the primary's log yet: {why}", cut.label());
        let of_all = || format!("no cut is in the primary's log yet: {why}");
        let about = (group.as_str(), Role::Primary);
        self.warn_of(run, RunWarningCode::CutNotCopied, about, why, of_group, of_all);
    }

    /// Warns of what a region does not take down of a group. Where nothing can be written there at all, that is so of every group,
    /// and is said once.
    fn warn_of(
        &self,
        run: &Run<'_>,
        code: RunWarningCode,
        (group, side): (&str, Role),
        why: &RegionError,
        of_group: impl Fn() -> String,
        of_all: impl Fn() -> String,
    ) {
        let of_region = match side {
            Role::Primary => &self.primary_refusal,
            Role::Secondary => &self.secondary_refusal,
        };
        let warning = if why.kind == RegionErrorKind::Denied || of_region.is_some() {
            let mut said = self.said_of_all.lock().expect("no panic while a warning is noted");
            if !said.insert((code, side)) {
                return;
            }
            code.warn(of_all())
        } else {
            code.warn(of_group()).about(group)
        };
        run.warn(warning.of_side(side).of_workspace(&self.plan.name));
    }
}

/// What came of a cut that was to be appended.
#[derive(Debug, Clone)]
pub(super) enum Sent {
    /// What the logs say.
    Yes(Appended),
    /// The primary refuses to tell its copy, so that nothing was sent.
    No(RegionError),
}

/// Whether a group of the plan has another newest cut than the one its plan follows.
fn has_passed(plan: &WorkspacePlan, cuts: &Cuts) -> bool {
    let mut due = plan.groups.iter().filter(|group| group.decision == Decision::Sync);
    due.any(|group| cuts.newest(&group.name).map(|cut| cut.cut_number) != group.follows_cut)
}

/// Writes a group's row in one region, with the others that wait.
async fn write_row(
    location: &dyn Location,
    queue: &Queue<Row, ()>,
    row: Row,
) -> Result<(), RegionError> {
    let write = async |rows: &[Row]| {
        let written = location.write_rows(rows).await.map(drop);
        vec![written; rows.len()]
    };
    queue.write(row, write).await
}

/// Both ledgers as they were read, or why not.
struct BothRead {
    primary: Result<LedgerCopy, RegionError>,
    secondary: Result<LedgerCopy, RegionError>,
    /// Who asks, as the primary knows them.
    principal: Option<String>,
}

/// Reads the ledgers of both regions and brings them together: their newest cuts, or the whole of them where the plan heals
/// something, or another apply has committed a cut since.
async fn read_both_ledgers(plan: &WorkspacePlan, regions: &Regions) -> BothRead {
    // What a full look found damaged may lie in what no apply reads otherwise, and is healed all the same.
    let heals = |action: &MetadataAction| !action.put_aside.is_empty() || !action.mend.is_empty();
    let whole = plan.metadata.iter().any(heals);
    let (primary, secondary) = futures::join!(
        read_ledger(&regions.primary, whole),
        read_ledger(&regions.secondary, whole)
    );
    let split = |looked: Result<(LedgerCopy, Option<String>), RegionError>| match looked {
        Ok((copy, principal)) => (Ok(copy), principal),
        Err(refusal) => (Err(refusal), None),
    };
    let ((mut primary, principal), (mut secondary, _)) = (split(primary), split(secondary));
    bring_ledgers_together(regions, &plan.name, &mut primary, &mut secondary).await;
    if let (Ok(one), Ok(other)) = (&primary, &secondary)
        && one.heads_only
        && has_passed(plan, &merge_copies(one, other).cuts)
    {
        // Which cut is the plan's own only the whole log tells.
        (primary, secondary) =
            futures::join!(regions.primary.location.ledger(), regions.secondary.location.ledger());
    }
    BothRead { primary, secondary, principal }
}

/// Makes the metadata tables of both regions, the primary's first: each of what the other's copy said when it was read.
async fn make_both_ledgers(
    run: &Run<'_>,
    plan: &WorkspacePlan,
    regions: &Regions,
    primary: Result<LedgerCopy, RegionError>,
    secondary: Result<LedgerCopy, RegionError>,
) -> [Result<Made, RegionError>; 2] {
    let in_primary = primary.clone().unwrap_or_default();
    let in_secondary = secondary.clone().unwrap_or_default();
    let planned = |role: Role| {
        let action = plan.metadata.iter().find(|action| action.region == role);
        action.map(|action| (action, run.stored.plan.plan_id.as_str()))
    };
    let primary = make(
        regions.primary.location.as_ref(),
        primary,
        &in_secondary,
        &plan.observed.secondary.location,
        &plan.name,
        planned(Role::Primary),
    )
    .await;
    let secondary = make(
        regions.secondary.location.as_ref(),
        secondary,
        &in_primary,
        &plan.observed.primary.location,
        &plan.name,
        planned(Role::Secondary),
    )
    .await;
    [primary, secondary]
}

/// Notes and tells that a region takes no rows although it takes cuts.
fn warn_without_rows(run: &Run<'_>, plan: &WorkspacePlan, role: Role, made: &Made) {
    let Some(refusal) = &made.without_rows else {
        return;
    };
    run.noted(&plan.name, role, Recorded::Rows, Err(refusal));
    let text = format!(
        "no status is recorded in the {}: {refusal}; move the folder {FOLDER}/{SYNC_METADATA} away there, and the next apply makes it anew",
        role.name()
    );
    let warning = RunWarningCode::StatusNotRecorded.warn(text);
    run.warn(warning.of_side(role).of_workspace(&plan.name));
}

/// A region's ledger, whole or its newest cuts, and who asks for it, if the region is there.
async fn read_ledger(
    region: &Region,
    whole: bool,
) -> Result<(LedgerCopy, Option<String>), RegionError> {
    let Presence { principal, .. } = region.presence().await?;
    let location = &region.location;
    let ledger = if whole { location.ledger().await? } else { location.ledger_heads().await? };
    Ok((ledger, principal))
}
