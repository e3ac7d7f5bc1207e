//! What opened, went on and closed: incidents after an apply, from those before it and from what it found. Pure.

mod course;
mod digest;
mod weakened;

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;

use super::incident::{
    CauseCode, Class, FailureCause, How, Incident, Lost, Telling, ToldChange, ToldState,
};
use super::letters::told_to;
use super::policy::Policy;
use super::round::{GroupRound, Round, StateAfterApply};
use crate::canonical::sha256_of_bytes;
use crate::plan::{FindingCode, Role, Setting, misses_objective};
use digest::digest;
use weakened::told_lately;

/// Decides what people are told of after an apply: incidents that it opened, that go on or that it closed.
///
/// `before`: what the newest records carry of the workspace, of applies that ended at once more than one. Only what this apply
/// looked at is judged; everything else is carried on as it was. Whatever is told of now is marked as told by this apply.
pub fn decide(round: &Round, before: &[&ToldState], policy: &Policy) -> ToldState {
    let mut incidents = merged(before);
    // Weakened protection is told once, by the apply that found it, and is no incident after that.
    incidents.retain(|incident| incident.class != Class::ProtectionWeakened);
    let mut decision = Decision { round, policy, incidents, told_lately: told_lately(before) };
    decision.regions();
    decision.watch();
    decision.weakened();
    for group in &round.groups {
        decision.group(group);
    }
    decision.removed();
    let Decision { mut incidents, told_lately, .. } = decision;
    for incident in &mut incidents {
        if incident.told.by == round.run_id {
            incident.told.to = told_to(policy, incident);
        }
    }
    incidents.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
    ToldState {
        workspace: round.workspace.clone(),
        incidents,
        digest: digest(round, before, policy),
        told_lately,
    }
}

/// Decides what people are told of an apply that could not begin, by its cause, or, without one, of the first that began again.
pub fn not_begun(
    round: &Round,
    before: &[&ToldState],
    policy: &Policy,
    cause: Option<&FailureCause>,
) -> ToldState {
    let told_lately = told_lately(before);
    let mut decision = Decision { round, policy, incidents: merged(before), told_lately };
    let open = decision.incidents.iter_mut().find(|it| it.class == Class::NotBegun);
    match (open, cause) {
        (Some(incident), Some(cause)) => {
            incident.count_round(round);
            incident.recur(round, std::slice::from_ref(cause), policy.reminder);
        }
        (Some(incident), None) => incident.close(round, How::Recovered),
        (None, Some(cause)) => {
            let mut opened = decision.opened(Class::NotBegun, None, vec![cause.clone()]);
            opened.seen_from = Some(round.seen_from.clone());
            opened.id = decision.id(&opened);
            decision.incidents.push(opened);
        }
        (None, None) => {}
    }
    let Decision { incidents, told_lately, .. } = decision;
    ToldState { workspace: round.workspace.clone(), incidents, digest: None, told_lately }
}

/// What stands of a workspace whose configuration tells nobody any more: everything as it was, for an apply that does, and what
/// protects less, which those hear for a last time who heard of it before.
pub fn last_words(round: &Round, before: &[&ToldState], policy: &Policy) -> ToldState {
    let carried = carried(&round.workspace, before);
    let ToldState { workspace, incidents, digest, told_lately } = carried;
    let mut decision = Decision { round, policy, incidents, told_lately };
    decision.incidents.retain(|incident| incident.class != Class::ProtectionWeakened);
    decision.weakened();
    let Decision { mut incidents, told_lately, .. } = decision;
    for incident in incidents.iter_mut().filter(|it| it.told.by == round.run_id) {
        incident.told.to = told_to(policy, incident);
    }
    ToldState { workspace, incidents, digest, told_lately }
}

/// What stands of a workspace that left the configuration: all that was open of it is over, and that nothing of it is protected any
/// more is told once, to those who heard of it.
pub fn end_of_left_workspace(round: &Round, before: &[&ToldState], policy: &Policy) -> ToldState {
    let told_lately = told_lately(before);
    let mut decision = Decision { round, policy, incidents: merged(before), told_lately };
    decision.incidents.retain(|incident| incident.class != Class::ProtectionWeakened);
    for incident in &mut decision.incidents {
        incident.leave(round);
    }
    decision.weakened();
    let Decision { mut incidents, told_lately, .. } = decision;
    for incident in &mut incidents {
        incident.told.to = told_to(policy, incident);
    }
    ToldState { workspace: round.workspace.clone(), incidents, digest: None, told_lately }
}

/// What stands of a workspace after an apply that tells nobody of it: everything as it was, for the next one that does.
pub fn carried(workspace: &str, before: &[&ToldState]) -> ToldState {
    let digest = before.iter().find_map(|standing| standing.digest.clone());
    let digest = digest.filter(|digest| !digest.due);
    let told_lately = told_lately(before);
    ToldState { workspace: workspace.to_owned(), incidents: merged(before), digest, told_lately }
}

/// The incidents that are open, as the newest records carry them together.
///
/// One that any of them closed is closed. Two that were opened for the same by applies that did not see each other become the
/// older one, which remembers the other's id.
fn merged(before: &[&ToldState]) -> Vec<Incident> {
    let all = || before.iter().flat_map(|standing| &standing.incidents);
    let closed: BTreeSet<&str> =
        all().filter(|incident| !incident.is_open()).flat_map(ids).collect();
    let mut by_id: BTreeMap<&str, &Incident> = BTreeMap::new();
    for incident in all().filter(|incident| !closed.contains(incident.id.as_str())) {
        let known = by_id.entry(&incident.id).or_insert(incident);
        if (known.seen_at, known.told.at) < (incident.seen_at, incident.told.at) {
            *known = incident;
        }
    }
    let mut open: Vec<Incident> = by_id.into_values().cloned().collect();
    open.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
    let mut one_each: Vec<Incident> = Vec::new();
    for incident in open {
        match one_each.iter_mut().find(|other| other.about() == incident.about()) {
            Some(first) => first.take_in(incident),
            None => one_each.push(incident),
        }
    }
    one_each
}

fn ids(incident: &Incident) -> impl Iterator<Item = &str> {
    std::iter::once(incident.id.as_str()).chain(incident.also.iter().map(String::as_str))
}

impl Incident {
    /// Takes in another that is about the same and was opened later.
    fn take_in(&mut self, other: Incident) {
        let Incident { id, also, causes, seen_at, rounds, told, counted_from, .. } = other;
        for id in std::iter::once(id).chain(also) {
            if id != self.id && !self.also.contains(&id) {
                self.also.push(id);
            }
        }
        if seen_at > self.seen_at {
            (self.causes, self.seen_at, self.counted_from) = (causes, seen_at, counted_from);
        }
        self.rounds = self.rounds.max(rounds);
        if told.at > self.told.at {
            self.told = told;
        }
    }
}

struct Decision<'a> {
    round: &'a Round,
    policy: &'a Policy,
    incidents: Vec<Incident>,
    told_lately: Vec<ToldChange>,
}

impl Decision<'_> {
    /// A region that gives no answer is one incident for all groups, and the incident of whoever does not see it.
    fn regions(&mut self) {
        let round = self.round;
        for side in [Role::Primary, Role::Secondary] {
            let away = round.away.contains(&side);
            let answered = round.answered.contains(&side) && !away;
            let mine = |incident: &Incident| incident.is_seen_from(round);
            let of_side = |incident: &Incident| {
                incident.class == Class::RegionAway && incident.side == Some(side)
            };
            if away && !self.incidents.iter().any(|it| of_side(it) && mine(it) && it.is_open()) {
                let mut opened = self.opened(Class::RegionAway, None, Vec::new());
                opened.side = Some(side);
                opened.seen_from = Some(round.seen_from.clone());
                opened.lost = lost_with(side, round);
                opened.id = self.id(&opened);
                self.incidents.push(opened);
                continue;
            }
            let reminder = self.policy.reminder;
            for incident in self.incidents.iter_mut().filter(|it| of_side(it)) {
                match (mine(incident), away, answered) {
                    (true, true, _) => {
                        incident.count_round(round);
                        incident.lost = lost_with(side, round);
                        incident.remind(round, reminder);
                    }
                    (_, false, true) => incident.end_as_seen(round, reminder),
                    (true, false, false) | (false, _, _) => {}
                }
            }
        }
    }

    /// What runs in the secondary is one thing for all groups, and not to see it is the incident of whoever does not.
    fn watch(&mut self) {
        const CLASS: Class = Class::SecondaryUnwatched;
        let (round, reminder) = (self.round, self.policy.reminder);
        if !round.stands_by {
            for incident in self.incidents.iter_mut().filter(|it| it.class == CLASS) {
                incident.close(round, How::Removed);
            }
            return;
        }
        let Some(causes) = &round.unwatched else {
            return;
        };
        if causes.is_empty() {
            for incident in self.incidents.iter_mut().filter(|it| it.class == CLASS) {
                // Whoever looks at some groups alone asks for their jobs alone.
                let of_a_job = incident.codes().contains(&CauseCode::JobUnseen);
                if round.whole || !of_a_job {
                    incident.end_as_seen(round, reminder);
                }
            }
            return;
        }
        let mine = |it: &&mut Incident| it.class == CLASS && it.is_seen_from(round);
        if let Some(incident) = self.incidents.iter_mut().find(mine) {
            incident.count_round(round);
            incident.recur(round, causes, reminder);
            return;
        }
        let mut opened = self.opened(CLASS, None, causes.clone());
        opened.side = Some(Role::Secondary);
        opened.seen_from = Some(round.seen_from.clone());
        opened.id = self.id(&opened);
        self.incidents.push(opened);
    }

    fn group(&mut self, group: &GroupRound) {
        match &group.state {
            // The secondary's workspace, where its workflow was at work, was not seen this time: the workflow may run on, and
            // the incident with it.
            StateAfterApply::Synchronized | StateAfterApply::InOrder | StateAfterApply::Waiting
                if self.may_run_on(group) =>
            {
                self.remind(Class::Failing, group);
            }
            // What would be found in a region that gives no answer was not looked for.
            StateAfterApply::InOrder | StateAfterApply::Waiting if !self.round.away.is_empty() => {
                self.remind(Class::Failing, group);
            }
            StateAfterApply::Synchronized | StateAfterApply::InOrder => {
                self.close(Class::Failing, group, How::Recovered);
            }
            StateAfterApply::Paused => {
                self.close(Class::Failing, group, How::Paused);
                self.close(Class::RpoBreached, group, How::Paused);
                return;
            }
            StateAfterApply::Failing(causes) => self.failing(group, causes),
            StateAfterApply::Waiting => self.waiting(group),
            // Nobody looked at the group itself.
            StateAfterApply::Untried | StateAfterApply::Away => return,
        }
        self.objective(group);
    }

    /// Whether a workflow of the group that ran in the secondary may do so still.
    fn may_run_on(&mut self, group: &GroupRound) -> bool {
        const RUNS: CauseCode = CauseCode::Finding(FindingCode::WorkflowActiveInSecondary);
        let unwatched = self.round.unwatched.as_ref().is_some_and(|unseen| !unseen.is_empty());
        let open = self.open(Class::Failing, &group.name);
        unwatched && open.is_some_and(|it| it.causes.iter().any(|cause| cause.code == RUNS))
    }

    /// What would be found again and is not is no cause any more; anything else is tried when the group is due.
    fn waiting(&mut self, group: &GroupRound) {
        let round = self.round;
        if let Some(incident) = self.open(Class::Failing, &group.name)
            && incident.causes.iter().all(|cause| cause.code.is_seen_every_round())
        {
            // It is in order, and got no cut by that.
            incident.cut = None;
            incident.close(round, How::Recovered);
            return;
        }
        self.remind(Class::Failing, group);
    }

    fn failing(&mut self, group: &GroupRound, causes: &[FailureCause]) {
        let round = self.round;
        let reminder = self.policy.reminder;
        let Some(incident) = self.open(Class::Failing, &group.name) else {
            let mut opened = self.opened(Class::Failing, Some(&group.name), causes.to_vec());
            opened.facts(group);
            opened.id = self.id(&opened);
            self.incidents.push(opened);
            return;
        };
        incident.count_round(round);
        incident.facts(group);
        incident.recur(round, causes, reminder);
    }

    /// Whether the group is within its objective, as far as that was seen.
    fn objective(&mut self, group: &GroupRound) {
        let met = match (&group.state, group.lag_seconds, group.rpo_seconds) {
            (StateAfterApply::Synchronized, _, _) => Some(true),
            (_, Some(lag), Some(rpo)) => Some(!misses_objective(lag, rpo)),
            (StateAfterApply::InOrder, None, _) => Some(true),
            _ => None,
        };
        let known = self.open(Class::RpoBreached, &group.name).is_some();
        match (met, known) {
            (Some(false), false) => {
                let mut opened = self.opened(Class::RpoBreached, Some(&group.name), Vec::new());
                opened.facts(group);
                // The objective was missed when the lag passed it, and not only when somebody looked.
                let beyond = group.lag_seconds.zip(group.rpo_seconds).map(|(lag, rpo)| lag - rpo);
                let since = beyond.and_then(Duration::try_seconds);
                opened.since = since
                    .and_then(|beyond| self.round.started_at.checked_sub_signed(beyond))
                    .unwrap_or(self.round.started_at);
                opened.id = self.id(&opened);
                self.incidents.push(opened);
            }
            (Some(false), true) => self.remind(Class::RpoBreached, group),
            (Some(true), true) => self.close(Class::RpoBreached, group, How::Recovered),
            (Some(true) | None, _) => {}
        }
    }

    /// Closes what is open of groups that left the configuration. Where another runner still has such a group, and finds it as it was,
    /// that is said once: until it looked for as long as a reminder takes, it is its incident.
    fn removed(&mut self) {
        let (round, reminder) = (self.round, self.policy.reminder);
        if !round.whole {
            return;
        }
        let there: BTreeSet<&str> = round.groups.iter().map(|group| group.name.as_str()).collect();
        let left_before: BTreeSet<&str> = self
            .told_lately
            .iter()
            .filter(|told| told.change.setting == Setting::Removed && told.change.table.is_none())
            .filter(|told| told.at < round.ended_at)
            .filter_map(|told| told.change.group.as_deref())
            .collect();
        for incident in self.incidents.iter_mut().filter(|it| it.is_open()) {
            let Some(group) = incident.group.as_deref().filter(|group| !there.contains(group))
            else {
                continue;
            };
            if !left_before.contains(group) || round.ended_at - incident.seen_at > reminder {
                incident.leave(round);
            }
        }
    }

    fn open(&mut self, class: Class, group: &str) -> Option<&mut Incident> {
        self.incidents.iter_mut().find(|incident| {
            incident.class == class
                && incident.group.as_deref() == Some(group)
                && incident.is_open()
        })
    }

    fn close(&mut self, class: Class, group: &GroupRound, how: How) {
        let round = self.round;
        if let Some(incident) = self.open(class, &group.name) {
            incident.facts(group);
            incident.close(round, how);
        }
    }

    fn remind(&mut self, class: Class, group: &GroupRound) {
        let (round, reminder) = (self.round, self.policy.reminder);
        if let Some(incident) = self.open(class, &group.name) {
            incident.facts(group);
            incident.count_round(round);
            incident.remind(round, reminder);
        }
    }

    fn opened(&self, class: Class, group: Option<&str>, causes: Vec<FailureCause>) -> Incident {
        let round = self.round;
        Incident {
            id: String::new(),
            also: Vec::new(),
            class,
            group: group.map(str::to_owned),
            side: None,
            seen_from: None,
            since: round.started_at,
            opened_by: round.run_id.clone(),
            causes,
            weakened: Vec::new(),
            lost: Vec::new(),
            changed_by: None,
            counted_from: round.ended_at,
            seen_at: round.ended_at,
            rounds: 1,
            cut: None,
            lag_seconds: None,
            rpo_seconds: None,
            told: Telling { at: round.ended_at, by: round.run_id.clone(), to: Vec::new() },
            closed: None,
        }
    }

    /// An id that nothing else has: of the apply, and of what the incident is about.
    fn id(&self, incident: &Incident) -> String {
        let (class, group, side, seen_from) = incident.about();
        let about = [
            self.round.run_id.as_str(),
            &self.round.workspace,
            class.as_str(),
            group.unwrap_or_default(),
            side.map_or("", Role::name),
            seen_from.unwrap_or_default(),
        ];
        sha256_of_bytes(about.join("\n").as_bytes())[..ID_LETTERS].to_owned()
    }
}

/// What is lost with a region; with replicas nothing is.
fn lost_with(side: Role, round: &Round) -> Vec<Lost> {
    match side {
        Role::Primary => round.lost.clone(),
        Role::Secondary => Vec::new(),
    }
}

/// As many as the random part of an apply's id could tell apart.
const ID_LETTERS: usize = 26;

#[cfg(test)]
mod tests;
