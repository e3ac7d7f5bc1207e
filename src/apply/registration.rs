//! Replicas in the secondary's own catalog: registered after their cut, and by every later apply where they are not.
//! Only this file writes to a catalog.
//!
//! A cut is true with or without it: whatever stands in the way is a warning.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::queue::Queue;
use super::{Run, evidence};
use crate::config::TableName;
use crate::ledger::{Cut, CutTableEntry, Cuts};
use crate::plan::document::WorkspacePlan;
use crate::plan::{GroupPlan, Role, path_under};
use crate::record::{RunWarning, RunWarningCode};
use crate::region::{Region, Registered, Unregistered, Workspace};
use crate::sentence::Sentence;

/// How often a registration looks whether it is to stop.
const STOP_EVERY: Duration = Duration::from_millis(200);

/// The registrations of one workspace while it is applied.
pub(super) struct Registrations<'a> {
    workspace: &'a str,
    secondary: &'a Region,
    waiting: Queue<Cut, ()>,
    /// The catalog did not answer: it is left to the next apply.
    given_up: AtomicBool,
}

impl<'a> Registrations<'a> {
    pub(super) fn new(workspace: &'a str, secondary: &'a Region) -> Registrations<'a> {
        Registrations {
            workspace,
            secondary,
            waiting: Queue::new(),
            given_up: AtomicBool::new(false),
        }
    }

    /// The workspace in whose catalog the replicas are registered; `None`: there is none.
    fn registrar(&self) -> Option<&dyn Workspace> {
        self.secondary.workspace.as_deref().filter(|workspace| workspace.registers())
    }

    /// Warns of replicas that are not registered: those of a group or of a table, or of more than one.
    fn warn(&self, run: &Run<'_>, subject: Option<String>, text: impl Into<Sentence>) {
        let warning = RunWarningCode::NotRegistered.warn(text);
        let warning = warning.of_side(Role::Secondary).of_workspace(self.workspace);
        run.warn(RunWarning { subject, ..warning });
    }

    /// Registers the replicas of a cut that was committed, together with the others that wait.
    pub(super) async fn of_cut(&self, run: &Run<'_>, cut: Cut) {
        if self.registrar().is_none() {
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
        let there = plan.observed.secondary.reachable && !evidence::is_foreign(plan);
        if self.registrar().is_none() || !there || run.stopped() {
            return;
        }
        let read = match cuts {
            Some(_) => None,
            // A ledger that cannot be read is told by the plan that needs it.
            None => match self.secondary.location.ledger().await {
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
                Err(why) => self.warn(run, Some(group.name.clone()), why),
            }
        }
        self.register(run, &newest).await;
    }

    async fn register(&self, run: &Run<'_>, cuts: &[Cut]) {
        let Some(registrar) = self.registrar() else { return };
        if cuts.is_empty() || self.given_up.load(Ordering::Relaxed) {
            return;
        }
        let work = registrar.register(cuts);
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
                for Unregistered { tables, why } in refused {
                    let subject = match tables.as_slice() {
                        [table] => Some(table.to_string()),
                        _ => None,
                    };
                    self.warn(run, subject, why);
                }
            }
            Err(refusal) => {
                self.given_up.store(true, Ordering::Relaxed);
                let text = format!(
                    "the replicas are not all registered in the secondary's catalog: {}; the next apply tries again",
                    refusal.describe_answer()
                );
                self.warn(run, None, text);
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
fn believed(plan: &WorkspacePlan, group: &GroupPlan, cuts: &Cuts) -> Result<Option<Cut>, Sentence> {
    let Some(newest) = cuts.newest(&group.name) else {
        return Ok(None);
    };
    let name = &group.name;
    if !cuts.is_one_chain(name) {
        return Err(format!(
            "nothing of {name} is registered: its cut log is not one evidence, see ledger_diverged"
        )
        .into());
    }
    let mut cut = newest.clone();
    // A table that left the group stays as it is.
    let members: HashSet<&TableName> = group.members().collect();
    cut.tables.retain(|entry| members.contains(&entry.table));
    let location = plan.observed.secondary.location.trim_end_matches('/');
    let elsewhere = |entry: &&CutTableEntry| {
        path_under(location, &entry.table, &entry.replica_location).is_none()
    };
    match cut.tables.iter().find(elsewhere) {
        None => Ok(Some(cut)),
        Some(entry) => Err(format!(
            "nothing of {name} is registered: {} names {} for {}, and its replicas lie under {location}",
            newest.label(),
            entry.replica_location,
            entry.table
        )
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StoredPlan;

    /// A cut of the golden plan's group `reference`, as the plan's own places say.
    fn cut(number: u64, previous: Option<&Cut>) -> Cut {
        let document = serde_json::json!({
            "group_name": "reference", "cut_number": number, "recovery_point": "2026-11-22T06:00:00Z",
            "consistency": "point-in-time", "trigger": "schedule", "workflow_run_id": null,
            "planned_at": "2026-11-22T06:00:00Z", "accepted": [], "plan_id": "P", "plan_sha256": "p",
            "run_id": format!("R{number}"), "epoch": 0, "committed_by": "user:a",
            "committed_at": "2026-11-22T06:02:00Z", "previous_sha256": previous.map(Cut::sha256),
            "tables": [{
                "table": "main.shop.countries", "source_table_id": "id", "source_version": 4,
                "source_committed_at": "2026-11-22T05:00:00Z", "rows": 1, "files": 1, "bytes": 1,
                "replica_location": "/world/west/sync/main/shop/countries", "replica_version": 2,
            }],
        });
        serde_json::from_value(document).expect("a cut")
    }

    #[test]
    fn only_a_chain_that_holds_and_places_of_the_configuration_are_registered() {
        let bytes = include_bytes!("../../fixtures/documents/plan-1.1.json");
        let plan = StoredPlan::read(bytes).expect("the golden plan").plan;
        let workspace = &plan.workspaces[0];
        let mut groups = workspace.groups.iter();
        let group = groups.find(|group| group.name == "reference").expect("a group");
        let of = |cuts: Vec<Cut>| believed(workspace, group, &Cuts::new(cuts));
        let first = cut(1, None);
        let second = cut(2, Some(&first));
        let both = vec![first.clone(), second.clone()];
        assert_eq!(of(both), Ok(Some(second.clone())));
        assert_eq!(of(vec![]), Ok(None));

        let broken = of(vec![first.clone(), cut(2, None)]);
        assert!(broken.is_err_and(|why| why.to_string().contains("ledger_diverged")));

        let mut elsewhere = second.clone();
        elsewhere.tables[0].replica_location = "/elsewhere/table".to_owned();
        let elsewhere = of(vec![first.clone(), elsewhere]);
        assert!(elsewhere.is_err_and(|why| why.to_string().contains("/elsewhere/table")));

        // A table of no group is not registered, wherever it lies.
        let mut other = second;
        other.tables[0].table = "main.finance.payments".parse().expect("a name");
        let registered = of(vec![first, other]).map(|cut| cut.map(|cut| cut.tables.len()));
        assert_eq!(registered, Ok(Some(0)));
    }
}
