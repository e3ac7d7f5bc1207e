//! Between rounds: which workflows finished since they were last seen, and whether a region that was away is back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use futures::future::join_all;

use crate::apply::{GroupOutcome, RunRecord};
use crate::config::{Group, GroupEntry, WorkflowRef};
use crate::plan::document::{ReasonCode, Selection};
use crate::plan::{
    Answer, GroupObserved, Observed, Plan, RegionObserved, Request, WorkspaceObserved,
    is_interval_over, newest_success,
};
use crate::region::{Region, Regions, Workflow};
use crate::text::label_group;

/// What was last seen of workflows, with the regions that are asked again.
#[derive(Default)]
pub(super) struct Polled {
    /// The last round did not come as far as an apply: the next one begins as soon as it may.
    pub(super) failed: bool,
    workspaces: Vec<Place>,
}

struct Place {
    name: String,
    regions: Regions,
    /// The primary did not answer.
    primary_away: bool,
    secondary_away: bool,
    groups: Vec<Watched>,
    /// When it was last asked.
    asked_at: DateTime<Utc>,
    /// So much is its clock behind: a plan goes by the earlier of the two.
    behind: Duration,
}

/// A group that its workflows make due.
struct Watched {
    name: String,
    workflows: Vec<WorkflowRef>,
    /// The newest success of each that was seen; `None`: there was none.
    seen: BTreeMap<WorkflowRef, Option<i64>>,
    /// A success came that is in no cut yet.
    finished: bool,
    /// When its newest cut was planned, from which its minimum interval counts.
    planned_at: Option<DateTime<Utc>>,
    min_interval: Duration,
}

/// A round as it bears on what is looked at until the next.
pub(super) struct LastRound<'a> {
    pub(super) plan: &'a Plan,
    /// Groups that have a cut of this plan, each with its workspace.
    pub(super) synchronized: BTreeSet<(String, String)>,
}

/// The groups that an apply synchronized, each with its workspace.
pub(super) fn collect_synchronized(record: &RunRecord) -> BTreeSet<(String, String)> {
    let groups = record.groups.iter();
    let synchronized = groups.filter(|group| group.outcome == GroupOutcome::Synchronized);
    synchronized.map(|group| (group.workspace.clone(), group.name.clone())).collect()
}

impl LastRound<'_> {
    /// What is known of a group now; `None`: nothing is waited for. `known`: what was known before.
    fn watch(
        &self,
        seen: &WorkspaceObserved,
        group: &GroupObserved,
        now: DateTime<Utc>,
        known: impl FnOnce(&(String, String)) -> Option<Watched>,
    ) -> Option<Watched> {
        let GroupEntry::Valid(valid) = &group.entry else { return None };
        if valid.workflows.is_empty() {
            return None;
        }
        let named = (seen.workspace.name.clone(), valid.name.clone());
        // What was seen of the log is of before the round.
        let planned_at = if self.synchronized.contains(&named) {
            Some(self.plan.created_at)
        } else {
            seen.ledger.cuts.newest(&valid.name).map(|cut| cut.planned_at)
        };
        if group.workflows.is_empty() {
            // It was not looked at.
            return Some(Watched {
                planned_at,
                min_interval: valid.min_interval,
                ..known(&named)?
            });
        }
        Some(Watched {
            finished: self.came_early(&named),
            ..Watched::of(valid, &group.workflows, planned_at, now)
        })
    }

    /// Whether something came too early for another synchronization of a group: it is known, and comes again.
    fn came_early(&self, (workspace, name): &(String, String)) -> bool {
        self.plan.groups().any(|(of, group)| {
            group.reason.code == ReasonCode::MinInterval
                && of.name == *workspace
                && group.name == *name
        })
    }
}

impl Watched {
    fn of(
        group: &Group,
        answers: &[Answer<Workflow>],
        planned_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Watched {
        let workflows = group.workflows.clone();
        let seen = workflows.iter().zip(answers).map(|(asked, answer)| {
            (asked.clone(), answer.as_ref().ok().and_then(|answer| newest_success(answer, now)))
        });
        Watched {
            name: group.name.clone(),
            seen: seen.collect(),
            workflows,
            finished: false,
            planned_at,
            min_interval: group.min_interval,
        }
    }

    /// Notes which of its workflows succeeded since they were last seen.
    fn note_successes(&mut self, answers: &BTreeMap<WorkflowRef, Option<i64>>) {
        for (workflow, seen) in &mut self.seen {
            if let Some(newest) = answers.get(workflow)
                && newest != seen
            {
                *seen = *newest;
                self.finished = true;
            }
        }
    }

    /// Whether there is something to synchronize, and a plan would not put it off.
    fn is_due(&self, now: DateTime<Utc>) -> bool {
        let over = |planned_at| is_interval_over(planned_at, self.min_interval, now);
        self.finished && self.planned_at.is_none_or(over)
    }
}

impl Polled {
    /// What a round saw; of groups that it left out, what was known before.
    pub(super) fn after(
        observed: Observed,
        round: &LastRound<'_>,
        regions: Vec<Regions>,
        before: Option<Polled>,
    ) -> Polled {
        let mut known: BTreeMap<(String, String), Watched> = BTreeMap::new();
        for place in before.into_iter().flat_map(|before| before.workspaces) {
            let name = place.name;
            let groups = place.groups.into_iter();
            known.extend(groups.map(|group| ((name.clone(), group.name.clone()), group)));
        }
        let asked_at = observed.now;
        let places = observed.workspaces.into_iter().zip(regions);
        let workspaces = places.map(|(seen, regions)| {
            let now = seen.now(asked_at);
            let groups = seen.groups.iter();
            let groups = groups
                .filter_map(|group| round.watch(&seen, group, now, |named| known.remove(named)));
            let is_away = |region: &RegionObserved| {
                region.presence.as_ref().is_err_and(|refusal| refusal.kind.is_away())
            };
            Place {
                groups: groups.collect(),
                primary_away: is_away(&seen.primary),
                secondary_away: is_away(&seen.secondary),
                name: seen.workspace.name.clone(),
                regions,
                asked_at,
                behind: asked_at - now,
            }
        });
        Polled { failed: false, workspaces: workspaces.collect() }
    }

    /// What stands after a round that did not come as far as an apply.
    pub(super) fn failed(before: Option<Polled>) -> Polled {
        Polled { failed: true, ..before.unwrap_or_default() }
    }

    /// Whether a region that was away answers again.
    pub(super) async fn a_region_is_back(&self) -> bool {
        let away = self.workspaces.iter().flat_map(|place| {
            let Place { regions, primary_away, secondary_away, .. } = place;
            let primary = primary_away.then_some(&regions.primary);
            let secondary = secondary_away.then_some(&regions.secondary);
            primary.into_iter().chain(secondary)
        });
        let answers = join_all(away.map(async |region: &Region| region.presence().await)).await;
        answers
            .iter()
            .any(|answer| answer.as_ref().is_ok_and(|presence| presence.workspace_unseen.is_none()))
    }

    /// Groups of which a workflow succeeded since it was last seen, and that may be synchronized again by now: each as `WORKSPACE/NAME` where there are several workspaces.
    pub(super) async fn due(
        &mut self,
        now: DateTime<Utc>,
        selection: &Selection,
    ) -> BTreeSet<String> {
        let asked = Request { selection: selection.clone(), ..Request::default() };
        let answers = self.workspaces.iter().map(async |place| {
            let refs: BTreeSet<&WorkflowRef> =
                place.groups.iter().flat_map(|group| &group.workflows).collect();
            let refs: Vec<WorkflowRef> = refs.into_iter().cloned().collect();
            if refs.is_empty() || place.primary_away {
                return BTreeMap::new();
            }
            let Some(workspace) = &place.regions.primary.workspace else {
                return BTreeMap::new();
            };
            let answers = workspace.workflows(&refs, Some(place.asked_at)).await;
            let answers = answers.unwrap_or_default();
            let known = refs.iter().zip(answers);
            known
                .filter_map(|(asked, answer)| {
                    Some((asked.clone(), newest_success(&answer.ok()?, now - place.behind)))
                })
                .collect::<BTreeMap<WorkflowRef, Option<i64>>>()
        });
        let answers = join_all(answers).await;
        let mut due = BTreeSet::new();
        let several = self.workspaces.len() > 1;
        for (place, answers) in self.workspaces.iter_mut().zip(&answers) {
            for group in &mut place.groups {
                group.note_successes(answers);
                if group.is_due(now - place.behind) && asked.selects(&place.name, &group.name) {
                    group.finished = false;
                    due.insert(label_group(several, &place.name, &group.name));
                }
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{PauseStatus, RunState, WorkflowRun};

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-12-01T{time}Z").parse().expect("a moment")
    }

    /// A group whose newest cut was planned at 10:00:40, and of whose workflow nothing was seen yet.
    fn watched() -> Watched {
        let workflow = WorkflowRef::Id(7);
        Watched {
            name: "orders".to_owned(),
            workflows: vec![workflow.clone()],
            seen: BTreeMap::from([(workflow, None)]),
            finished: false,
            planned_at: Some(at("10:00:40")),
            min_interval: Duration::minutes(10),
        }
    }

    fn succeeded(run_id: i64) -> BTreeMap<WorkflowRef, Option<i64>> {
        BTreeMap::from([(WorkflowRef::Id(7), Some(run_id))])
    }

    #[test]
    fn a_group_is_due_when_a_plan_says_so_not_before_and_not_later() {
        let mut group = watched();
        assert!(!group.is_due(at("10:30:00")), "nothing came");
        group.note_successes(&succeeded(1));
        // A plan says of it: due again from 10:10.
        assert!(!group.is_due(at("10:09:59")));
        assert!(group.is_due(at("10:10:00")));
        group.finished = false;
        group.note_successes(&succeeded(1));
        assert!(!group.is_due(at("10:30:00")), "it came already");
    }

    #[test]
    fn a_cut_that_is_yet_to_come_keeps_no_group_back() {
        let mut group = Watched { planned_at: Some(at("23:00:00")), ..watched() };
        group.note_successes(&succeeded(1));
        assert!(group.is_due(at("10:00:00")));
    }

    #[test]
    fn a_run_that_is_yet_to_end_by_the_clock_of_a_plan_is_none_that_came() {
        let run = |run_id, ended_at: &str, state| WorkflowRun {
            run_id,
            started_at: at("09:00:00"),
            ended_at: Some(at(ended_at)),
            state,
        };
        let workflow = Workflow {
            job_id: 7,
            name: "orders_job".to_owned(),
            pause_status: PauseStatus::Unpaused,
            deployment: None,
            runs: vec![
                run(3, "10:05:00", RunState::Succeeded),
                run(2, "10:01:00", RunState::Failed),
                run(1, "10:00:00", RunState::Succeeded),
            ],
            seen_from: None,
        };
        assert_eq!(newest_success(&workflow, at("10:04:59")), Some(1));
        assert_eq!(newest_success(&workflow, at("10:05:00")), Some(3));
    }
}
