//! Cuts that run records tell of, whatever the cut logs say now: what was committed once was, and its number is not given again.
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Sides;
use crate::ledger::{Cut, Cuts};

/// Numbers are given one after the other, and a few are left out where cuts were lost: a record that tells of one in no stretch of
/// this length beside the log's own is wrong about it, and would take all numbers between from the group.
const STRETCH: u64 = 1_000_000;

/// What one run record tells of the cuts of one workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutsTold<'a> {
    /// The apply whose record it is.
    pub run_id: &'a str,
    /// Its groups, each with the cut that it has.
    pub groups: Vec<(&'a str, Option<u64>)>,
    /// The newest cut of every group that was known when it was written; `None`: it does not tell.
    pub newest: Option<&'a BTreeMap<String, u64>>,
    /// The newest change of role of every group with one that was known when it was written, as far as it tells.
    pub roles: Option<&'a BTreeMap<String, RoleTold>>,
    /// When all groups were last looked at, due or not, as far as it tells.
    pub whole_look: Option<DateTime<Utc>>,
}

/// What is told of the side that is active of a group since its roles were changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleTold {
    /// The newest cut that was known then, of that epoch.
    pub cut: u64,
    /// The epoch, which counts changes of role.
    pub epoch: u64,
    /// The side that is active; absent: the cut names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
}

impl RoleTold {
    /// Of every group whose roles were ever changed what its newest cut says, as far as that holds.
    pub fn of_cuts(cuts: &Cuts, sides: &Sides) -> BTreeMap<String, RoleTold> {
        let changed = cuts.newest_of_each().filter(|cut| cut.epoch > 0);
        let changed = changed.filter(|cut| cuts.roles_hold(&cut.group_name, sides));
        let told = changed.map(|cut| {
            let Cut { cut_number, epoch, active, .. } = cut;
            let told = RoleTold { cut: *cut_number, epoch: *epoch, active: active.clone() };
            (cut.group_name.clone(), told)
        });
        told.collect()
    }

    /// Whether a log could say it: there is a cut for every change of role, and the first can follow none.
    fn may_be(&self) -> bool {
        Cut::may_have(self.cut) && self.epoch < self.cut
    }
}

/// A change of role that a run record tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessedRole {
    /// What it tells.
    pub role: RoleTold,
    /// The apply whose record it is.
    pub run_id: String,
}

/// The newest cut of each group that run records tell of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Witnessed {
    cuts: Told,
    /// What records tell that nobody has to believe: a key was asked for, and they are not signed by it.
    unsigned: Told,
    /// Of each group the change of role with the highest epoch.
    roles: BTreeMap<String, WitnessedRole>,
    /// Groups that a record names, be it without a cut.
    named: BTreeSet<String>,
    /// A record told the newest cut of every group that was known when it was written.
    whole: bool,
    /// When all groups were last looked at, due or not, as any of them tells.
    whole_look: Option<DateTime<Utc>>,
}

/// By group and stretch of numbers the newest cut there.
type Told = BTreeMap<String, BTreeMap<u64, WitnessedCut>>;

/// A cut that a run record tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessedCut {
    /// Its number.
    pub number: u64,
    /// The apply whose record it is.
    pub run_id: String,
}

/// A cut that a run record tells of and that is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoubtedCut<'a> {
    /// The group.
    pub group: &'a str,
    /// What is told.
    pub cut: &'a WitnessedCut,
    /// No key that was asked for signed the record; otherwise its number lies too far beyond the log.
    pub unsigned: bool,
}

impl Witnessed {
    /// Takes in what a record tells, and says whether that is anything of the workspace.
    pub fn take_in(&mut self, told: &CutsTold<'_>) -> bool {
        note(&mut self.cuts, told);
        self.take_in_roles(told);
        self.named.extend(told.groups.iter().map(|(group, _)| (*group).to_owned()));
        self.whole |= told.newest.is_some();
        self.whole_look = self.whole_look.max(told.whole_look);
        told.newest.is_some() || !told.groups.is_empty()
    }

    fn take_in_roles(&mut self, told: &CutsTold<'_>) {
        let roles = told.roles.into_iter().flatten().filter(|(_, role)| role.may_be());
        for (group, role) in roles {
            let known = self.roles.get(group).map(|known| known.role.epoch);
            if known < Some(role.epoch) {
                let role = WitnessedRole { role: role.clone(), run_id: told.run_id.to_owned() };
                self.roles.insert(group.clone(), role);
            }
        }
    }

    /// The change of role with the highest epoch that is believed of a group beside a log that ends with this cut.
    pub fn role_of(&self, group: &str, newest: Option<u64>) -> Option<&WitnessedRole> {
        let told = self.roles.get(group)?;
        (told.role.cut / STRETCH <= last_stretch(newest)).then_some(told)
    }

    /// Whether a record tells of the side that a cut makes active, of its epoch: that was one of the two then.
    pub fn tells_side_of(&self, cut: &Cut) -> bool {
        let told = self.roles.get(&cut.group_name).map(|told| &told.role);
        told.is_some_and(|role| role.epoch == cut.epoch && role.active == cut.active)
    }

    /// The changes of role of all groups that records and these cuts tell of, of each that with the highest epoch.
    pub fn roles_beside(&self, known: &BTreeMap<String, RoleTold>) -> BTreeMap<String, RoleTold> {
        let mut all = known.clone();
        for (group, told) in &self.roles {
            if known.get(group).is_none_or(|known| known.epoch < told.role.epoch) {
                all.insert(group.clone(), told.role.clone());
            }
        }
        all
    }

    /// When all groups were last looked at, due or not; `None`: no record tells.
    pub fn whole_look(&self) -> Option<DateTime<Utc>> {
        self.whole_look
    }

    /// Takes in what a record tells that is not signed as it should be: it witnesses nothing.
    pub fn take_in_unsigned(&mut self, told: &CutsTold<'_>) {
        note(&mut self.unsigned, told);
    }

    /// Takes over what was read later of these groups: of others an apply may have ended since the logs were read.
    pub fn take_over(&mut self, later: Witnessed, groups: &BTreeSet<String>) {
        let of_these = |(group, _): &(String, _)| groups.contains(group);
        self.cuts.extend(later.cuts.into_iter().filter(of_these));
        let of_role = |(group, _): &(String, WitnessedRole)| groups.contains(group);
        self.roles.extend(later.roles.into_iter().filter(of_role));
        self.unsigned.extend(later.unsigned.into_iter().filter(of_these));
    }

    /// The newest cut of a group that is believed beside a log that ends with this one.
    pub fn of(&self, group: &str, newest: Option<u64>) -> Option<&WitnessedCut> {
        let mut stretches = self.cuts.get(group)?.range(..=last_stretch(newest));
        stretches.next_back().map(|(_, cut)| cut)
    }

    /// The number of the newest cut of every group with one, beside logs that end with these.
    pub fn numbers(&self, newest: impl Fn(&str) -> Option<u64>) -> BTreeMap<String, u64> {
        let groups = self.cuts.keys();
        let told = groups.filter_map(|group| Some((group, self.of(group, newest(group))?)));
        told.map(|(group, cut)| (group.clone(), cut.number)).collect()
    }

    /// Whether records told of each of these groups what there was to tell: one that tells of all groups does.
    pub fn tells_of_all<'a>(&self, mut groups: impl Iterator<Item = &'a str>) -> bool {
        self.whole || groups.all(|group| self.named.contains(group))
    }

    /// Groups with a cut beyond the newest that the logs have, by name.
    pub fn beyond<'a>(
        &'a self,
        newest: impl Fn(&str) -> Option<u64> + 'a,
    ) -> impl Iterator<Item = (&'a str, &'a WitnessedCut)> {
        self.cuts.keys().filter_map(move |group| {
            let newest = newest(group);
            let cut = self.of(group, newest)?;
            (newest < Some(cut.number)).then_some((group.as_str(), cut))
        })
    }

    /// Cuts that records tell of beyond the newest that the logs have, and that are not believed, by group.
    pub fn doubted<'a>(
        &'a self,
        newest: impl Fn(&str) -> Option<u64> + 'a,
    ) -> impl Iterator<Item = DoubtedCut<'a>> {
        let all = [(&self.cuts, false), (&self.unsigned, true)].into_iter();
        let all = all.flat_map(|(told, unsigned)| told.iter().map(move |it| (it, unsigned)));
        all.filter_map(move |((group, stretches), unsigned)| {
            let newest = newest(group);
            let believed = self.of(group, newest).map(|cut| cut.number).max(newest);
            let cut = stretches.values().next_back()?;
            (believed < Some(cut.number)).then_some(DoubtedCut { group, cut, unsigned })
        })
    }
}

fn note(all: &mut Told, told: &CutsTold<'_>) {
    let newest = told.newest.into_iter().flatten();
    let newest = newest.map(|(group, number)| (group.as_str(), Some(*number)));
    for (group, number) in told.groups.iter().copied().chain(newest) {
        // No cut has a number that none could follow.
        let Some(number) = number.filter(|number| Cut::may_have(*number)) else {
            continue;
        };
        let stretch = number / STRETCH;
        let known = all.get(group).and_then(|stretches| stretches.get(&stretch));
        if known.is_none_or(|known| known.number < number) {
            let cut = WitnessedCut { number, run_id: told.run_id.to_owned() };
            all.entry(group.to_owned()).or_default().insert(stretch, cut);
        }
    }
}

/// The last stretch of numbers that is believed beside a log that ends with this one.
fn last_stretch(newest: Option<u64>) -> u64 {
    newest.unwrap_or_default() / STRETCH + 1
}
