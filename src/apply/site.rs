//! One workspace while it is applied: both ledgers brought together, and every row written to both.

use std::collections::BTreeMap;

use super::Run;
use super::rows::RowQueue;
use crate::ledger::{Cut, Cuts, Row};
use crate::plan::document::WorkspacePlan;
use crate::plan::merge_copies;
use crate::region::{Appended, LedgerCopy, Region, RegionError, RegionErrorKind, Regions};

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
    rows: std::sync::Mutex<BTreeMap<String, Row>>,
    to_primary: RowQueue,
    to_secondary: RowQueue,
    /// Held while a cut is appended in the secondary: groups of one run do not race each other.
    appending: tokio::sync::Mutex<()>,
    /// Cuts on their way to the primary's log, and the turn to write them: what has gathered becomes one write.
    cuts_to_primary: std::sync::Mutex<Vec<Cut>>,
    copying: tokio::sync::Mutex<()>,
}

impl<'a> Site<'a> {
    /// Brings both ledgers together and writes the rows that do not depend on any sync.
    pub(super) async fn prepare(
        run: &Run<'_>,
        plan: &'a WorkspacePlan,
        regions: &'a Regions,
    ) -> Site<'a> {
        let location_primary = &plan.observed.primary.location;
        let location_secondary = &plan.observed.secondary.location;
        let (primary, secondary) = futures::join!(
            look(regions.primary.as_ref()),
            look(regions.secondary.as_ref())
        );
        let unread = match (&primary, &secondary) {
            (Err(refusal), Err(_)) => Some(refusal.clone()),
            (Ok(_), _) | (_, Ok(_)) => None,
        };
        let (in_primary, in_secondary) = (
            primary.clone().unwrap_or_default(),
            secondary.clone().unwrap_or_default(),
        );
        let primary = make(
            regions.primary.as_ref(),
            primary,
            &in_secondary,
            location_secondary,
            &plan.name,
        )
        .await;
        let secondary = make(
            regions.secondary.as_ref(),
            secondary,
            &in_primary,
            location_primary,
            &plan.name,
        )
        .await;

        let (copy_primary, copy_secondary) = (
            primary.clone().unwrap_or_default(),
            secondary.clone().unwrap_or_default(),
        );
        let ledger = merge_copies(&copy_primary, &copy_secondary);
        let mut rows = ledger.rows;
        for change in &plan.rows {
            let name = &change.after.group_name;
            // A row that has moved since the plan was made knows better.
            if rows.get(name) == change.before.as_ref() {
                rows.insert(name.clone(), change.after.clone());
            }
        }
        let mut site = Site {
            plan,
            regions,
            cuts: ledger.cuts,
            unread,
            secondary_refusal: secondary.err(),
            primary_refusal: primary.err(),
            rows: std::sync::Mutex::new(rows.clone()),
            to_primary: RowQueue::new(regions.primary.clone()),
            to_secondary: RowQueue::new(regions.secondary.clone()),
            appending: tokio::sync::Mutex::default(),
            cuts_to_primary: std::sync::Mutex::default(),
            copying: tokio::sync::Mutex::default(),
        };
        if site.primary_refusal.is_none() {
            let healed = heal(regions.primary.as_ref(), &copy_primary, &rows, &site.cuts).await;
            if let Err(error) = healed {
                run.warn(format!("the primary's metadata tables are behind: {error}"));
            }
        }
        if site.secondary_refusal.is_none() {
            site.secondary_refusal = heal(
                regions.secondary.as_ref(),
                &copy_secondary,
                &rows,
                &site.cuts,
            )
            .await
            .err();
            if site.secondary_refusal.is_none() && run.stored.plan.applyable {
                keep_plan(run, regions.secondary.as_ref()).await;
            }
        }
        site
    }

    /// Says which region took down nothing, where no group says so.
    pub(super) fn warn_of_refusals(&self, run: &Run<'_>) {
        let refusals = [
            ("primary", &self.primary_refusal),
            ("secondary", &self.secondary_refusal),
        ];
        for (region, refusal) in refusals {
            if let Some(refusal) = refusal {
                run.warn(format!(
                    "the {region}'s metadata tables are behind: {refusal}"
                ));
            }
        }
    }

    /// Appends a cut in the secondary: the commit point of its group.
    ///
    /// # Errors
    /// The secondary's refusal.
    pub(super) async fn append(&self, cut: &Cut) -> Result<Appended, RegionError> {
        let _turn = self.appending.lock().await;
        self.regions.secondary.append_cut(cut).await
    }

    /// Copies a committed cut to the primary's log, with the others that wait.
    ///
    /// # Errors
    /// The primary's refusal, to the one of them that made the write.
    pub(super) async fn copy_to_primary(&self, cut: &Cut) -> Result<(), RegionError> {
        self.cuts_to_primary
            .lock()
            .expect("no panic while a cut is queued")
            .push(cut.clone());
        let _turn = self.copying.lock().await;
        let gathered = std::mem::take(
            &mut *self
                .cuts_to_primary
                .lock()
                .expect("no panic while a cut is queued"),
        );
        if gathered.is_empty() {
            return Ok(());
        }
        self.regions.primary.copy_cuts(&gathered).await
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
        let primary = async {
            match &self.primary_refusal {
                Some(refusal) => Err(refusal.clone()),
                None => self.to_primary.write(row.clone()).await,
            }
        };
        let secondary = async {
            match &self.secondary_refusal {
                Some(refusal) => Err(refusal.clone()),
                None => self.to_secondary.write(row.clone()).await,
            }
        };
        let (primary, secondary) = futures::join!(primary, secondary);
        if let Err(error) = primary {
            run.warn(format!(
                "the status of {group} is not recorded in the primary: {error}"
            ));
        }
        secondary
    }
}

/// A region's ledger, if the region is there.
async fn look(region: &dyn Region) -> Result<LedgerCopy, RegionError> {
    let presence = region.presence().await?;
    match presence.workspace_unseen {
        Some(why) if presence.location.is_empty() => Err(RegionError::new(
            RegionErrorKind::Unavailable,
            "look at the region",
            why,
        )),
        Some(_) | None => region.ledger().await,
    }
}

/// Clones the metadata tables that only the other region has, and creates those that neither has.
async fn make(
    region: &dyn Region,
    copy: Result<LedgerCopy, RegionError>,
    other: &LedgerCopy,
    other_location: &str,
    workspace: &str,
) -> Result<LedgerCopy, RegionError> {
    let copy = copy?;
    let lacks_metadata = copy.metadata.is_none();
    let lacks_cuts = copy.cuts.is_none();
    if !lacks_metadata && !lacks_cuts {
        return Ok(copy);
    }
    if (lacks_metadata && other.metadata.is_some()) || (lacks_cuts && other.cuts.is_some()) {
        region.clone_ledger(other_location).await?;
    }
    if (lacks_metadata && other.metadata.is_none()) || (lacks_cuts && other.cuts.is_none()) {
        region.create_ledger(workspace).await?;
    }
    region.ledger().await
}

/// Brings one region's copy up to what both say together.
async fn heal(
    region: &dyn Region,
    copy: &LedgerCopy,
    rows: &BTreeMap<String, Row>,
    cuts: &Cuts,
) -> Result<(), RegionError> {
    let here: Vec<_> = copy.all_cuts().iter().cloned().collect();
    let missing = cuts.missing_from(&here);
    if !missing.is_empty() {
        region.copy_cuts(&missing).await?;
    }
    let here = copy.rows_by_group();
    let changed: Vec<Row> = rows
        .values()
        .filter(|row| here.get(&row.group_name) != Some(row))
        .cloned()
        .collect();
    if !changed.is_empty() {
        region.write_rows(&changed).await?;
    }
    Ok(())
}

/// Keeps the plan's exact bytes, and the signature of them.
async fn keep_plan(run: &Run<'_>, secondary: &dyn Region) {
    let name = format!("{}.plan.json", run.options.run_id);
    let signature = run.options.signature.as_ref();
    let documents = [
        Some((name.clone(), run.stored.bytes.as_slice())),
        signature.map(|text| (format!("{name}.minisig"), text.as_bytes())),
    ];
    for (name, bytes) in documents.into_iter().flatten() {
        if let Err(error) = secondary.keep_evidence(&name, bytes).await {
            run.warn(format!("the plan is not kept in the secondary: {error}"));
        }
    }
}
