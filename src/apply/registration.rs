//! Replicas in the secondary's own catalog: registered after their cut, and by every later apply where they are not.
//!
//! A cut is true with or without it: whatever stands in the way is a warning.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::queue::Queue;
use super::{Run, chain};
use crate::ledger::{Cut, CutTableEntry, Cuts};
use crate::plan::GroupPlan;
use crate::plan::document::WorkspacePlan;
use crate::region::{Region, Registered};

/// How often a registration looks whether it is to stop.
const STOP_EVERY: Duration = Duration::from_millis(200);

/// The registrations of one workspace while it is applied.
pub(super) struct Registrations<'a> {
    secondary: &'a dyn Region,
    waiting: Queue<Cut, ()>,
    /// The catalog did not answer: it is left to the next apply.
    given_up: AtomicBool,
}

impl<'a> Registrations<'a> {
    pub(super) fn new(secondary: &'a dyn Region) -> Registrations<'a> {
        Registrations {
            secondary,
            waiting: Queue::new(),
            given_up: AtomicBool::new(false),
        }
    }

    /// Registers the replicas of a cut that was committed, together with the others that wait.
    pub(super) async fn of_cut(&self, run: &Run<'_>, cut: Cut) {
        if !self.secondary.registers() {
            return;
        }
        let register = async |cuts: &[Cut]| {
            self.register(run, cuts).await;
            vec![Ok(()); cuts.len()]
        };
        // What stood in the way has been told.
        let _ = self.waiting.write(cut, register).await;
    }

    /// Registers the replicas of the groups that this apply did not bring to a cut.
    ///
    /// `cuts`: as they were when the apply began; `None`: nothing was to be done, and they were not read.
    pub(super) async fn of_others(
        &self,
        run: &Run<'_>,
        plan: &WorkspacePlan,
        cuts: Option<&Cuts>,
        done: impl Fn(&str) -> bool,
    ) {
        let there = plan.observed.secondary.reachable && !chain::is_foreign(plan);
        if !self.secondary.registers() || !there || run.stopped() {
            return;
        }
        let read = match cuts {
            Some(_) => None,
            // A ledger that cannot be read is told by the plan that needs it.
            None => match self.secondary.ledger().await {
                Ok(ledger) => Some(ledger.all_cuts()),
                Err(_) => return,
            },
        };
        let Some(cuts) = cuts.or(read.as_ref()) else {
            return;
        };
        let others = plan.groups.iter().filter(|group| !done(&group.name));
        let mut newest = Vec::new();
        for group in others {
            match believed(plan, group, cuts) {
                Ok(cut) => newest.extend(cut),
                Err(why) => run.warn(why),
            }
        }
        self.register(run, &newest).await;
    }

    async fn register(&self, run: &Run<'_>, cuts: &[Cut]) {
        if cuts.is_empty() || self.given_up.load(Ordering::Relaxed) {
            return;
        }
        let work = self.secondary.register(cuts);
        tokio::pin!(work);
        let told = loop {
            if run.stopped() {
                return;
            }
            if let Ok(told) = tokio::time::timeout(STOP_EVERY, &mut work).await {
                break told;
            }
        };
        match told {
            Ok(Registered { tables, refused }) => {
                run.registered(tables);
                refused.into_iter().for_each(|text| run.warn(text));
            }
            Err(refusal) => {
                self.given_up.store(true, Ordering::Relaxed);
                run.warn(format!(
                    "the replicas are not all registered in the secondary's catalog: {}; the next apply tries again",
                    refusal.detail
                ));
            }
        }
    }
}

/// The newest cut of a group, as far as it may be believed: its chain holds, and its tables and places are the configuration's.
///
/// Whoever can write to the storage of a region can append a row to its log, and the catalog opens places to people.
///
/// # Errors
/// Why nothing of it is registered.
fn believed(plan: &WorkspacePlan, group: &GroupPlan, cuts: &Cuts) -> Result<Option<Cut>, String> {
    let Some(newest) = cuts.newest(&group.name) else {
        return Ok(None);
    };
    let name = &group.name;
    if cuts.divergence(name).is_some() {
        return Err(format!(
            "nothing of {name} is registered: its cut log is not one chain, see ledger_diverged"
        ));
    }
    let mut cut = newest.clone();
    // A table that left the group stays as it is.
    cut.tables
        .retain(|entry| group.members().any(|table| *table == entry.table));
    let location = plan.observed.secondary.location.trim_end_matches('/');
    let elsewhere = |entry: &&CutTableEntry| {
        entry.replica_location != format!("{location}/{}", entry.table.path())
    };
    match cut.tables.iter().find(elsewhere) {
        None => Ok(Some(cut)),
        Some(entry) => Err(format!(
            "nothing of {name} is registered: {} names {} for {}, and its replicas lie under {location}",
            newest.label(),
            entry.replica_location,
            entry.table
        )),
    }
}
