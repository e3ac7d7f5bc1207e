//! The log of cuts: what both copies say together, by group, number and table. Pure.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Consistency, Cut, CutTableEntry};
use crate::config::{Sides, TableName};

/// Cuts under one number by their digests; more than one is a divergence, and all are kept.
type Numbered = BTreeMap<String, Cut>;

/// Cuts by group and number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cuts {
    groups: BTreeMap<String, BTreeMap<u64, Numbered>>,
    /// Where the newest cuts name a table: group, and place among its tables.
    places: HashMap<TableName, Vec<(String, usize)>>,
    /// Groups whose log is not one chain.
    broken: BTreeSet<String>,
    /// Groups whose log has rows that are no cuts.
    odd: BTreeSet<String>,
    /// Only the cuts that a plan needs: what stands between them is not known.
    heads_only: bool,
}

/// Two truths under one number, or a chain that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// The group.
    pub group: String,
    /// The number at which the copies part.
    pub cut_number: u64,
    /// The runs that committed the cuts under that number.
    pub runs: Vec<String>,
}

impl Cuts {
    /// Collects cuts from any number of copies.
    pub fn new(cuts: impl IntoIterator<Item = Cut>) -> Cuts {
        Cuts::with_digests(cuts.into_iter().map(|cut| (cut.sha256(), cut)), false)
    }

    /// The union of two logs.
    pub fn merged(a: &Cuts, b: &Cuts) -> Cuts {
        let all = a.numbered().chain(b.numbered()).flatten();
        let all = all.map(|(digest, cut)| (digest.clone(), cut.clone()));
        let odd = a.odd.union(&b.odd).cloned();
        Cuts::with_digests(all, a.heads_only || b.heads_only).with_odd(odd)
    }

    /// The same cuts, with groups whose log has rows that are no cuts: what stands there nobody knows.
    #[must_use]
    pub fn with_odd(mut self, groups: impl IntoIterator<Item = String>) -> Cuts {
        self.odd.extend(groups);
        self
    }

    /// Whether the log of a group has rows that are no cuts.
    pub fn has_odd(&self, group: &str) -> bool {
        self.odd.contains(group)
    }

    /// The same cuts, as only those of a log that a plan needs.
    #[must_use]
    pub fn of_heads(self) -> Cuts {
        let numbered = self.groups.into_values().flat_map(BTreeMap::into_values);
        Cuts::with_digests(numbered.flatten(), true).with_odd(self.odd)
    }

    /// Whether only the cuts that a plan needs are known: what stands between them is not.
    pub(super) fn is_of_heads(&self) -> bool {
        self.heads_only
    }

    fn with_digests(cuts: impl Iterator<Item = (String, Cut)>, heads_only: bool) -> Cuts {
        let mut all = Cuts { heads_only, ..Cuts::default() };
        all.take_in(cuts);
        all
    }

    /// Takes in the cuts of another log; what it costs depends on their groups alone.
    pub fn extend(&mut self, other: Cuts) {
        self.heads_only |= other.heads_only;
        self.odd.extend(other.odd);
        let numbered = other.groups.into_values().flat_map(BTreeMap::into_values);
        self.take_in(numbered.flatten());
    }

    fn take_in(&mut self, cuts: impl Iterator<Item = (String, Cut)>) {
        let mut touched: BTreeMap<String, Vec<(String, Cut)>> = BTreeMap::new();
        for (digest, cut) in cuts {
            let of_group = touched.entry(cut.group_name.clone()).or_default();
            of_group.push((digest, cut));
        }
        for (name, cuts) in touched {
            let group = self.groups.entry(name.clone()).or_default();
            for entry in newest(group).into_iter().flat_map(|cut| &cut.tables) {
                if let Entry::Occupied(mut places) = self.places.entry(entry.table.clone()) {
                    places.get_mut().retain(|(of, _)| *of != name);
                    if places.get().is_empty() {
                        places.remove();
                    }
                }
            }
            for (digest, cut) in cuts {
                group.entry(cut.cut_number).or_default().insert(digest, cut);
            }
            let named = newest(group).into_iter().flat_map(|cut| &cut.tables);
            for (place, entry) in named.enumerate() {
                let of_table = self.places.entry(entry.table.clone()).or_default();
                of_table.push((name.clone(), place));
                of_table.sort_unstable();
            }
            if self.chain_holds(&name) {
                self.broken.remove(&name)
            } else {
                self.broken.insert(name)
            };
        }
    }

    /// Whether the log of a group is one chain, by digests that are known already; of heads alone, whether none has a rival.
    fn chain_holds(&self, group: &str) -> bool {
        let mut previous: Option<(u64, &str)> = None;
        let numbers = self.groups.get(group).into_iter().flatten();
        numbers.into_iter().all(|(number, cuts)| {
            let mut cuts = cuts.iter();
            let (Some((digest, cut)), None) = (cuts.next(), cuts.next()) else {
                return false;
            };
            let before = previous.replace((*number, digest));
            match before {
                _ if self.heads_only => true,
                None => cut.previous_sha256.is_none(),
                Some((before, digest)) => {
                    *number > before && cut.previous_sha256.as_deref() == Some(digest)
                }
            }
        })
    }

    fn numbered(&self) -> impl Iterator<Item = &Numbered> {
        self.groups.values().flat_map(BTreeMap::values)
    }

    /// The newest cut of a group.
    pub fn newest(&self, group: &str) -> Option<&Cut> {
        newest(self.groups.get(group)?)
    }

    /// Whether the log has this very cut.
    pub(super) fn holds(&self, cut: &Cut) -> bool {
        let of_group = self.groups.get(&cut.group_name);
        let at_number = of_group.and_then(|numbers| numbers.get(&cut.cut_number));
        at_number.is_some_and(|cuts| cuts.contains_key(&cut.sha256()))
    }

    /// The same log as far as it is of these groups.
    #[must_use]
    pub fn of_groups(&self, groups: &[&str]) -> Cuts {
        let numbers = groups.iter().filter_map(|group| self.groups.get(*group));
        let cuts = numbers.flat_map(BTreeMap::values).flatten();
        let cuts = cuts.map(|(digest, cut)| (digest.clone(), cut.clone()));
        let odd = groups.iter().filter(|group| self.odd.contains(**group));
        Cuts::with_digests(cuts, self.heads_only).with_odd(odd.map(|group| (*group).to_owned()))
    }

    /// All cuts of a group, oldest first; of a diverged number all.
    pub fn of(&self, group: &str) -> impl Iterator<Item = &Cut> {
        let numbers = self.groups.get(group).into_iter();
        numbers.flat_map(BTreeMap::values).flat_map(BTreeMap::values)
    }

    /// The newest cut of every group that has one, by group.
    pub fn newest_of_each(&self) -> impl Iterator<Item = &Cut> {
        self.groups.values().filter_map(newest)
    }

    /// The newest cuts that name a table, with what they say of it.
    pub fn newest_with<'a>(
        &'a self,
        table: &TableName,
    ) -> impl Iterator<Item = (&'a Cut, &'a CutTableEntry)> + use<'a> {
        let places = self.places.get(table).into_iter().flatten();
        places.filter_map(|(group, place)| {
            let cut = self.newest(group)?;
            Some((cut, cut.tables.get(*place)?))
        })
    }

    /// What the newest cut of a group says of a table: the same as that cut's own list, at a cost that does not grow with it.
    pub fn entry_of(&self, group: &str, table: &TableName) -> Option<&CutTableEntry> {
        let mut naming = self.newest_with(table);
        naming.find(|(cut, _)| cut.group_name == group).map(|(_, entry)| entry)
    }

    /// What the newest cut of a table's own group says of it, of what `counts`; where that says nothing, of any other group: a
    /// table that has moved is not copied again.
    ///
    /// Cuts of other groups are compared by their clocks, which may have been wrong, and may be of groups that nobody knows:
    /// they never outdo the group's own.
    pub fn newest_entry(
        &self,
        own: Option<&str>,
        table: &TableName,
        counts: impl Fn(&CutTableEntry) -> bool,
    ) -> Option<&CutTableEntry> {
        self.newest_with(table)
            .filter(|(_, entry)| counts(entry))
            // A replica that was made again begins with version 0, so its versions do not tell which cut is newer. A cut
            // outside of the chain counts only where no cut of the chain names the table.
            .max_by_key(|(cut, entry)| {
                let holds = self.is_one_chain(&cut.group_name);
                let is_own = own == Some(cut.group_name.as_str());
                (holds, is_own, cut.committed_at, entry.replica_version)
            })
            .map(|(_, entry)| entry)
    }

    /// Whether a plan may need a cut: it is its group's newest, or the newest that is not crash-consistent.
    pub fn is_needed_to_plan(&self, cut: &Cut) -> bool {
        let tied = |cut: &Cut| cut.consistency != Consistency::CrashConsistent;
        let of_group = || self.of(&cut.group_name);
        let newest = of_group().map(|cut| cut.cut_number).max();
        let newest_tied = of_group().filter(|cut| tied(cut)).map(|cut| cut.cut_number);
        let number = Some(cut.cut_number);
        number == newest || tied(cut) && number == newest_tied.max()
    }

    /// The same log as far as a plan may need it, of which every row is a cut.
    #[must_use]
    pub fn needed_to_plan(&self) -> Cuts {
        let all = self.numbered().flatten().filter(|(_, cut)| self.is_needed_to_plan(cut));
        let all = all.map(|(digest, cut)| (digest.clone(), cut.clone()));
        Cuts::with_digests(all, self.heads_only)
    }

    /// All cuts, by group and number.
    pub fn iter(&self) -> impl Iterator<Item = &Cut> {
        self.numbered().flat_map(BTreeMap::values)
    }

    /// Whether there is no cut at all.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The first number of a group at which the log is not one chain; of heads alone, at which there are two cuts.
    pub fn divergence(&self, group: &str) -> Option<Divergence> {
        let mut previous: Option<&Cut> = None;
        for (number, cuts) in self.groups.get(group)? {
            let cut = cuts.values().next()?;
            if cuts.len() > 1 || !self.heads_only && !cut.follows(previous) {
                let runs = cuts.values().map(|cut| cut.run_id.clone()).collect();
                return Some(Divergence { group: group.to_owned(), cut_number: *number, runs });
            }
            previous = Some(cut);
        }
        None
    }

    /// Whether the log of a group is one chain, and nothing else: [`Cuts::divergence`] says where it is none.
    pub fn is_one_chain(&self, group: &str) -> bool {
        !self.broken.contains(group) && !self.has_odd(group)
    }

    /// Whether of two cuts with numbers that follow each other the later does not name the earlier: somewhere a row is not what it was.
    ///
    /// It holds of heads alone, too, as far as they have neighbours.
    pub fn is_doubtful(&self) -> bool {
        let doubtful = |numbers: &BTreeMap<u64, Numbered>| {
            numbers.iter().any(|(number, cuts)| {
                let before = number.checked_sub(1).and_then(|before| numbers.get(&before));
                let Some(before) = before else {
                    return false;
                };
                let named = |cut: &Cut| {
                    let previous = cut.previous_sha256.as_ref();
                    previous.is_some_and(|digest| before.contains_key(digest))
                };
                !cuts.values().all(named)
            })
        };
        self.groups.values().any(doubtful)
    }

    /// The cuts that a copy of this log is to be given: those it lacks, but none of a group whose log parts, or of which a change of
    /// role does not hold.
    ///
    /// Which of them is the truth is for people to judge, and both copies stay as they are.
    pub fn owed_to(&self, other: &Cuts, sides: &Sides) -> Vec<Cut> {
        let mut owed = self.missing_from_log(other);
        let mut parted: BTreeMap<String, bool> = BTreeMap::new();
        owed.retain(|cut| {
            let of_group = parted.entry(cut.group_name.clone());
            let parts = || {
                let group = &cut.group_name;
                self.has_odd(group)
                    || other.has_odd(group)
                    || self.divergence(group).is_some()
                    || !self.roles_hold(group, sides)
            };
            !*of_group.or_insert_with(parts)
        });
        owed
    }

    /// The cuts of `self` that `other` lacks, in an order in which they may be appended.
    pub fn missing_from(&self, other: &[Cut]) -> Vec<Cut> {
        self.missing_from_log(&Cuts::new(other.iter().cloned()))
    }

    /// The same of a copy whose digests are known. One of which only the heads were read is taken to hold what is before them.
    pub fn missing_from_log(&self, there: &Cuts) -> Vec<Cut> {
        let holds = |digest: &str, cut: &Cut| {
            let Some(numbers) = there.groups.get(&cut.group_name) else {
                return false;
            };
            match numbers.get(&cut.cut_number) {
                Some(cuts) => cuts.contains_key(digest),
                None => there.heads_only && numbers.range(cut.cut_number..).next().is_some(),
            }
        };
        self.numbered()
            .flatten()
            .filter(|(digest, cut)| !holds(digest, cut))
            .map(|(_, cut)| cut.clone())
            .collect()
    }
}

fn newest(numbers: &BTreeMap<u64, Numbered>) -> Option<&Cut> {
    numbers.values().next_back()?.values().next_back()
}
