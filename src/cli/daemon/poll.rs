//! Between rounds: which workflows finished since they were last seen, and whether a region that was away is back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::future::join_all;

use crate::config::{Group, GroupEntry, WorkflowRef};
use crate::plan::document::{ReasonCode, Selection};
use crate::plan::{Answer, Observed, Plan, Request};
use crate::region::{Region, Regions, RunState, Workflow};
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
}

/// A group that its workflows make due.
struct Watched {
    name: String,
    workflows: Vec<WorkflowRef>,
    /// The newest success of each that was seen; `None`: there was none.
    seen: BTreeMap<WorkflowRef, Option<i64>>,
    /// A success came that is in no cut yet.
    finished: bool,
    /// It is not synchronized again before.
    not_before: Option<DateTime<Utc>>,
}

impl Polled {
    /// What a round saw; of groups that it left out, what was known before.
    pub(super) fn after(
        observed: Observed,
        plan: &Plan,
        regions: Vec<Regions>,
        before: Option<Polled>,
        whole: bool,
    ) -> Polled {
        let mut known: BTreeMap<(String, String), Watched> = BTreeMap::new();
        for place in before.into_iter().filter(|_| !whole).flat_map(|before| before.workspaces) {
            let name = place.name;
            let groups = place.groups.into_iter();
            known.extend(groups.map(|group| ((name.clone(), group.name.clone()), group)));
        }
        // What came too early for another synchronization is known, and comes again.
        let early = plan.groups().filter(|(_, group)| group.reason.code == ReasonCode::MinInterval);
        let early: BTreeSet<(&str, &str)> = early
            .map(|(workspace, group)| (workspace.name.as_str(), group.name.as_str()))
            .collect();
        let asked_at = observed.now;
        let places = observed.workspaces.into_iter().zip(regions);
        let workspaces = places
            .map(|(seen, regions)| {
                let name = seen.workspace.name.clone();
                let groups = seen.groups.iter().filter_map(|group| {
                    let GroupEntry::Valid(valid) = &group.entry else { return None };
                    if valid.workflows.is_empty() {
                        return None;
                    }
                    let newest = seen.ledger.cuts.newest(&valid.name);
                    let not_before = newest
                        .map(|cut| crate::moment::later(cut.committed_at, valid.min_interval));
                    if group.workflows.is_empty() {
                        // It was not looked at.
                        let known = known.remove(&(name.clone(), valid.name.clone()))?;
                        return Some(Watched { not_before, ..known });
                    }
                    Some(Watched {
                        finished: early.contains(&(name.as_str(), valid.name.as_str())),
                        ..watched(valid, &group.workflows, not_before)
                    })
                });
                Place {
                    primary_away: seen.primary.presence.as_ref().is_err_and(|it| it.kind.is_away()),
                    secondary_away: seen
                        .secondary
                        .presence
                        .as_ref()
                        .is_err_and(|it| it.kind.is_away()),
                    groups: groups.collect(),
                    name,
                    regions,
                    asked_at,
                }
            })
            .collect();
        Polled { failed: false, workspaces }
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
                .filter_map(|(asked, answer)| Some((asked.clone(), newest_success(&answer.ok()?))))
                .collect::<BTreeMap<WorkflowRef, Option<i64>>>()
        });
        let answers = join_all(answers).await;
        let mut due = BTreeSet::new();
        let several = self.workspaces.len() > 1;
        for (place, answers) in self.workspaces.iter_mut().zip(answers) {
            for group in &mut place.groups {
                for (workflow, seen) in &mut group.seen {
                    if let Some(newest) = answers.get(workflow)
                        && newest != seen
                    {
                        *seen = *newest;
                        group.finished = true;
                    }
                }
                let may = group.not_before.is_none_or(|not_before| not_before <= now);
                if group.finished && may && asked.selects(&place.name, &group.name) {
                    group.finished = false;
                    due.insert(label_group(several, &place.name, &group.name));
                }
            }
        }
        due
    }
}

fn watched(group: &Group, seen: &[Answer<Workflow>], not_before: Option<DateTime<Utc>>) -> Watched {
    let workflows = group.workflows.clone();
    let seen = workflows
        .iter()
        .zip(seen)
        .map(|(asked, answer)| (asked.clone(), answer.as_ref().ok().and_then(newest_success)));
    Watched {
        name: group.name.clone(),
        seen: seen.collect(),
        workflows,
        finished: false,
        not_before,
    }
}

/// The run of a workflow that succeeded last.
fn newest_success(workflow: &Workflow) -> Option<i64> {
    let ended = workflow.runs.iter().filter(|run| run.state == RunState::Succeeded);
    ended.max_by_key(|run| (run.ended_at, run.run_id)).map(|run| run.run_id)
}
