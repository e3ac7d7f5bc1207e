//! What opened, went on and closed: incidents after an apply, from those before it and from what it found. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::incident::{
    Cause, CauseCode, Class, Closed, Digest, DigestGroup, How, Incident, Lost, Standing, Telling,
    ToldChange,
};
use super::letters::told_to;
use super::policy::Policy;
use super::round::{GroupRound, Round, State};
use crate::canonical::sha256_of_bytes;
use crate::config::Success;
use crate::plan::{FindingCode, Role, Setting, SettingChange};

/// Decides what people are told of after an apply: incidents that it opened, that go on or that it closed.
///
/// `before`: what the newest records carry of the workspace, of applies that ended at once more than one. Only what this apply
/// looked at is judged; everything else is carried on as it was. Whatever is told of now is marked as told by this apply.
pub fn decide(round: &Round, before: &[&Standing], policy: &Policy) -> Standing {
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
    Standing {
        workspace: round.workspace.clone(),
        incidents,
        digest: digest(round, before, policy),
        told_lately,
    }
}

/// Decides what people are told of an apply that could not begin, by its cause, or, without one, of the first that began again.
pub fn not_begun(
    round: &Round,
    before: &[&Standing],
    policy: &Policy,
    cause: Option<&Cause>,
) -> Standing {
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
    Standing { workspace: round.workspace.clone(), incidents, digest: None, told_lately }
}

/// What stands of a workspace whose configuration tells nobody any more: everything as it was, for an apply that does, and what
/// protects less, which those hear for a last time who heard of it before.
pub fn last_words(round: &Round, before: &[&Standing], policy: &Policy) -> Standing {
    let carried = carried(&round.workspace, before);
    let Standing { workspace, incidents, digest, told_lately } = carried;
    let mut decision = Decision { round, policy, incidents, told_lately };
    decision.incidents.retain(|incident| incident.class != Class::ProtectionWeakened);
    decision.weakened();
    let Decision { mut incidents, told_lately, .. } = decision;
    for incident in incidents.iter_mut().filter(|it| it.told.by == round.run_id) {
        incident.told.to = told_to(policy, incident);
    }
    Standing { workspace, incidents, digest, told_lately }
}

/// What stands of a workspace that left the configuration: all that was open of it is over, and that nothing of it is protected any
/// more is told once, to those who heard of it.
pub fn end_of_left_workspace(round: &Round, before: &[&Standing], policy: &Policy) -> Standing {
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
    Standing { workspace: round.workspace.clone(), incidents, digest: None, told_lately }
}

/// What stands of a workspace after an apply that tells nobody of it: everything as it was, for the next one that does.
pub fn carried(workspace: &str, before: &[&Standing]) -> Standing {
    let digest = before.iter().find_map(|standing| standing.digest.clone());
    let digest = digest.filter(|digest| !digest.due);
    let told_lately = told_lately(before);
    Standing { workspace: workspace.to_owned(), incidents: merged(before), digest, told_lately }
}

/// What protects less and was told lately, as the newest records carry it together: of each change when it was last told.
fn told_lately(before: &[&Standing]) -> Vec<ToldChange> {
    let mut all: Vec<ToldChange> = Vec::new();
    for told in before.iter().flat_map(|standing| &standing.told_lately) {
        match all.iter_mut().find(|known| known.brought(&told.change)) {
            Some(known) => {
                known.at = known.at.max(told.at);
                for seen_from in &told.undone_from {
                    known.undo_from(seen_from);
                }
            }
            None => all.push(told.clone()),
        }
    }
    all
}

/// The incidents that are open, as the newest records carry them together.
///
/// One that any of them closed is closed. Two that were opened for the same by applies that did not see each other become the
/// older one, which remembers the other's id.
fn merged(before: &[&Standing]) -> Vec<Incident> {
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

    /// What protects less is told at once, of each group and of the workspace. A runner that has the configuration of before undoes it
    /// in every round of its own, and the other brings it back: that is told again no sooner than a reminder would be. Who undid it
    /// himself, and brings it again, is news.
    fn weakened(&mut self) {
        let (now, reminder) = (self.round.ended_at, self.policy.reminder);
        self.told_lately.retain(|told| now - told.at < reminder);
        self.undone();
        for change in &self.round.changed {
            let seen_from = &self.round.seen_from;
            let Some(at) = self.told_lately.iter().position(|told| told.brought(change)) else {
                continue;
            };
            if self.told_lately[at].undone_from.contains(seen_from) {
                self.told_lately.remove(at);
            } else {
                self.told_lately[at].undone_from.clear();
            }
        }
        for change in &self.round.weakened {
            if self.told_lately.iter().any(|told| told.brought(change)) {
                continue;
            }
            let undone_from = Vec::new();
            self.told_lately.push(ToldChange { change: change.clone(), at: now, undone_from });
            let of = |incident: &&mut Incident| {
                incident.class == Class::ProtectionWeakened && incident.group == change.group
            };
            if let Some(incident) = self.incidents.iter_mut().find(of) {
                incident.weakened.push(change.clone());
                continue;
            }
            let group = change.group.as_deref();
            let mut opened = self.opened(Class::ProtectionWeakened, group, Vec::new());
            opened.weakened.push(change.clone());
            opened.id = self.id(&opened);
            self.incidents.push(opened);
        }
    }

    /// Notes of what was told lately that it does not hold where this round looked from.
    fn undone(&mut self) {
        let round = self.round;
        // What left and is there again protects as it did, whatever else was told of it.
        let is_back = |left: &SettingChange| {
            left.setting == Setting::Removed
                && match (&left.table, &left.group) {
                    (Some(table), _) => round.came.iter().any(|it| it.eq_ignore_ascii_case(table)),
                    (None, Some(group)) => round.groups.iter().any(|it| it.name == *group),
                    (None, None) => !round.groups.is_empty(),
                }
        };
        let back: Vec<SettingChange> = self
            .told_lately
            .iter()
            .map(|told| &told.change)
            .filter(|it| is_back(it))
            .cloned()
            .collect();
        for told in &mut self.told_lately {
            let of = |left: &SettingChange| {
                (left.group.is_none() || left.group == told.change.group)
                    && (left.table.is_none() || left.table == told.change.table)
            };
            let changed = round.changed.iter().find(|change| told.is_of(change));
            let undone = match changed {
                Some(change) => !told.brought(change),
                // Nobody brought it back since.
                None => back.iter().any(of) || (round.whole && !told.undone_from.is_empty()),
            };
            if undone {
                told.undo_from(&round.seen_from);
            }
        }
    }

    fn group(&mut self, group: &GroupRound) {
        match &group.state {
            // The secondary's workspace, where its workflow was at work, was not seen this time: the workflow may run on, and
            // the incident with it.
            State::Synchronized | State::InOrder | State::Waiting if self.may_run_on(group) => {
                self.remind(Class::Failing, group);
            }
            // What would be found in a region that gives no answer was not looked for.
            State::InOrder | State::Waiting if !self.round.away.is_empty() => {
                self.remind(Class::Failing, group);
            }
            State::Synchronized | State::InOrder => {
                self.close(Class::Failing, group, How::Recovered);
            }
            State::Paused => {
                self.close(Class::Failing, group, How::Paused);
                self.close(Class::RpoBreached, group, How::Paused);
                return;
            }
            State::Failing(causes) => self.failing(group, causes),
            State::Waiting => self.waiting(group),
            // Nobody looked at the group itself.
            State::Untried | State::Away => return,
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

    fn failing(&mut self, group: &GroupRound, causes: &[Cause]) {
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
            (State::Synchronized, _, _) => Some(true),
            (_, Some(lag), Some(rpo)) => Some(lag <= rpo),
            (State::InOrder, None, _) => Some(true),
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

    fn opened(&self, class: Class, group: Option<&str>, causes: Vec<Cause>) -> Incident {
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

impl Incident {
    fn facts(&mut self, group: &GroupRound) {
        self.cut = group.cut.or(self.cut);
        self.lag_seconds = group.lag_seconds;
        self.rpo_seconds = group.rpo_seconds.or(self.rpo_seconds);
    }

    fn count_round(&mut self, round: &Round) {
        self.seen_at = round.ended_at;
        self.rounds = self.rounds.saturating_add(1);
    }

    /// It was found again: other causes are told at once.
    fn recur(&mut self, round: &Round, causes: &[Cause], reminder: Duration) {
        let before = self.codes();
        self.causes = causes.to_vec();
        if self.codes() == before {
            self.remind(round, reminder);
        } else {
            self.changed_by = Some(round.run_id.clone());
            self.counted_from = round.ended_at;
            self.tell(round);
        }
    }

    fn is_seen_from(&self, round: &Round) -> bool {
        self.seen_from.as_deref() == Some(round.seen_from.as_str())
    }

    /// Ends what is seen now: at once from where it was not, and where nobody looks from there any more in the end all the same,
    /// for nobody else would ever close it.
    fn end_as_seen(&mut self, round: &Round, reminder: Duration) {
        if self.is_seen_from(round) {
            self.close(round, How::Recovered);
        } else if round.ended_at - self.seen_at > reminder {
            self.close(round, How::Unattended);
        }
    }

    fn tell(&mut self, round: &Round) {
        self.told = Telling { at: round.ended_at, by: round.run_id.clone(), to: Vec::new() };
    }

    /// Tells of it again where a whole number of spans passed since it was last told of, counted from its beginning, so that a
    /// round that comes late moves none that follow.
    fn remind(&mut self, round: &Round, every: Duration) {
        let spans = |at: DateTime<Utc>| {
            (at - self.counted_from).num_seconds().div_euclid(every.num_seconds().max(1))
        };
        if spans(round.ended_at) > spans(self.told.at) {
            self.tell(round);
        }
    }

    fn close(&mut self, round: &Round, how: How) {
        self.closed = Some(Closed { at: round.ended_at, how, owners: Vec::new() });
        self.tell(round);
    }

    /// What it was about left the configuration, which knows its owners no more.
    fn leave(&mut self, round: &Round) {
        let owners = self.group.as_ref().and_then(|group| round.owners_before.get(group));
        let owners = owners.cloned().unwrap_or_default();
        self.closed = Some(Closed { at: round.ended_at, how: How::Removed, owners });
        self.tell(round);
    }
}

/// What was synchronized and is told of once a day, at the first apply of a day of UTC: clocks that are moved move no day.
fn digest(round: &Round, before: &[&Standing], policy: &Policy) -> Option<Digest> {
    match policy.success {
        Success::Each | Success::Off => return None,
        Success::Daily => {}
    }
    let mut since = round.started_at;
    let mut groups: BTreeMap<String, DigestGroup> = BTreeMap::new();
    let carried = before.iter().filter_map(|standing| standing.digest.as_ref());
    for digest in carried {
        // What an apply told is not told again.
        let begun = if digest.due { digest.until } else { digest.since };
        since = since.min(begun);
        for group in digest.groups.iter().filter(|_| !digest.due) {
            let known = groups.entry(group.group.clone()).or_insert_with(|| group.clone());
            if group.newest.number > known.newest.number {
                *known = group.clone();
            }
        }
    }
    let synchronized = round.groups.iter().filter(|group| group.state == State::Synchronized);
    for (group, cut) in synchronized.filter_map(|group| Some((group, group.cut?))) {
        let known = groups.entry(group.name.clone()).or_insert_with(|| DigestGroup {
            group: group.name.clone(),
            cuts: 0,
            newest: cut,
        });
        known.cuts = known.cuts.saturating_add(1);
        known.newest = cut;
    }
    let groups: Vec<DigestGroup> = groups.into_values().collect();
    let due = !groups.is_empty() && round.ended_at.date_naive() > since.date_naive();
    Some(Digest { since, until: round.ended_at, due, groups })
}

#[cfg(test)]
mod tests;
