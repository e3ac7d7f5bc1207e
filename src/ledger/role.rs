//! Who is active of a group: what cuts say of that, whoever wrote them, and what of it does not hold. Pure.

use super::{Cut, CutKind, CutTableEntry, Cuts};
use crate::config::Sides;
use crate::sentence::Sentence;

/// Property of a ledger table that names the least version of drsync that may read it.
pub const NEEDS_PROPERTY: &str = "drsync.needs_version";

/// Who is active of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roles<'a> {
    /// The home primary.
    Home,
    /// The other side, since this cut.
    FailedOver(&'a Cut),
    /// A side that is none of the two, since this cut, which holds in everything else: the side has another name by now, or never
    /// had that one.
    Unnamed(&'a Cut),
    /// A cut is of a kind that only a later version of drsync knows.
    Newer(&'a Cut),
    /// A cut cannot follow the one before it.
    Broken {
        /// The cut.
        cut: &'a Cut,
        /// The one before it, where the log has one.
        before: Option<&'a Cut>,
        /// Why, a fragment.
        why: Sentence,
    },
}

/// A change of role that is to follow a group's newest cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRole<'a> {
    /// The newest cut, which it follows.
    pub newest: &'a Cut,
    /// The cut that the replicas are brought to, whose tables it repeats.
    pub held: &'a Cut,
    /// The side that becomes active.
    pub active: &'a str,
    /// An epoch that is known from elsewhere: the change has that one at least.
    pub known_epoch: u64,
}

impl NewRole<'_> {
    /// Its number.
    pub fn number(&self) -> u64 {
        self.newest.cut_number + 1
    }

    /// Its epoch.
    pub fn epoch(&self) -> u64 {
        (self.newest.epoch + 1).max(self.known_epoch)
    }
}

impl Cut {
    /// Whether it is a change of role.
    pub fn is_role(&self) -> bool {
        self.kind == Some(CutKind::Role)
    }

    /// Whether a side other than `home` is active after it, or something is so that this version does not know.
    pub fn is_away_from(&self, home: &str) -> bool {
        matches!(self.kind, Some(CutKind::Unknown(_)))
            || self.active.as_deref().is_some_and(|active| active != home)
    }

    /// Whether it says anything of roles, so that the cuts before it count, too.
    pub fn speaks_of_roles(&self) -> bool {
        match &self.kind {
            Some(CutKind::Role | CutKind::Unknown(_)) => true,
            None | Some(CutKind::Sync) => false,
        }
    }
}

impl Cuts {
    /// Who is active of a group, by its cuts as far as they were read.
    pub fn roles(&self, group: &str, sides: &Sides) -> Roles<'_> {
        let mut before: Option<&Cut> = None;
        let mut since: Option<&Cut> = None;
        for cut in self.of(group) {
            if matches!(cut.kind, Some(CutKind::Unknown(_))) {
                return Roles::Newer(cut);
            }
            let broken = self.broken_at(cut, before, &sides.home);
            if let Some(why) = broken.or_else(|| self.odd_tables(cut)) {
                return Roles::Broken { cut, before, why: why.into() };
            }
            let away = cut.active.as_deref().is_some_and(|active| active != sides.home);
            since = match (away, since) {
                (true, Some(since)) if !cut.is_role() => Some(since),
                (true, _) => Some(cut),
                (false, _) => None,
            };
            before = Some(cut);
        }
        match since {
            None => Roles::Home,
            Some(cut) if cut.active.as_ref() == Some(&sides.other) => Roles::FailedOver(cut),
            Some(cut) => Roles::Unnamed(cut),
        }
    }

    /// Whether what the log of a group says of roles holds: of one that does not nothing is carried on, and who is active is for
    /// people to judge.
    pub fn roles_hold(&self, group: &str, sides: &Sides) -> bool {
        match self.roles(group, sides) {
            Roles::Home | Roles::FailedOver(_) | Roles::Newer(_) => true,
            Roles::Unnamed(_) | Roles::Broken { .. } => false,
        }
    }

    /// The first and the last of the cuts that a change of role gave up, because it brought an older one back; `None`: it brought
    /// back the newest, or the log does not tell.
    pub fn given_up_with(&self, role: &Cut) -> Option<(u64, u64)> {
        let before = self.of(&role.group_name).filter(|cut| cut.cut_number < role.cut_number);
        let synchronized: Vec<&Cut> = before.filter(|cut| !cut.is_role()).collect();
        let same =
            |cut: &&&Cut| cut.recovery_point == role.recovery_point && cut.tables == role.tables;
        let held = synchronized.iter().rev().find(same)?.cut_number;
        let mut later = synchronized.iter().filter(|cut| cut.cut_number > held);
        let first = later.next()?;
        Some((first.cut_number, later.next_back().unwrap_or(first).cut_number))
    }

    /// Why nobody knows what a change of role was made with, a fragment: its tables are those of no cut before it.
    fn odd_tables(&self, role: &Cut) -> Option<String> {
        if !role.is_role() || self.is_of_heads() {
            return None;
        }
        let same = |one: &CutTableEntry, other: &CutTableEntry| {
            one.table == other.table
                && one.source_version == other.source_version
                && one.replica_location == other.replica_location
                && one.replica_version == other.replica_version
        };
        let repeats = |cut: &Cut| {
            cut.tables.len() == role.tables.len()
                && cut.tables.iter().zip(&role.tables).all(|(one, other)| same(one, other))
        };
        let mut before = self.of(&role.group_name);
        let repeated = before.any(|cut| cut.cut_number < role.cut_number && repeats(cut));
        (!repeated).then(|| match role.tables.len() {
            0 => "it names no tables".to_owned(),
            _ => "it names other tables, or versions of them, than any cut before it".to_owned(),
        })
    }

    /// Why a cut cannot stand where it does, a fragment.
    fn broken_at<'a>(
        &self,
        cut: &'a Cut,
        before: Option<&'a Cut>,
        home: &'a str,
    ) -> Option<String> {
        if cut.is_role() && cut.active.is_none() {
            return Some("it changes roles and names no side".to_owned());
        }
        let Some(before) = before else {
            return (cut.is_role() && !self.is_of_heads())
                .then(|| "it changes roles before there was a cut".to_owned());
        };
        if cut.epoch < before.epoch {
            return Some(format!("its epoch is {} after {}", cut.epoch, before.epoch));
        }
        if cut.is_role() && cut.epoch == before.epoch {
            return Some(format!("it changes roles, and its epoch stays {}", cut.epoch));
        }
        let active = |cut: &'a Cut| cut.active.as_deref().unwrap_or(home);
        if !cut.is_role() && cut.epoch == before.epoch && active(cut) != active(before) {
            return Some("another side is active without a change of role".to_owned());
        }
        if !cut.is_role() && cut.epoch > before.epoch && !self.is_of_heads() {
            let (now, then) = (cut.epoch, before.epoch);
            return Some(format!("its epoch is {now} after {then} without a change of role"));
        }
        (cut.is_role() && !self.is_of_heads() && !cut.follows(Some(before)))
            .then(|| "it does not name the cut before it".to_owned())
    }
}

/// What a ledger table needs by its property, as a fragment, where only a later version of drsync may use it.
pub fn need_of_later_version(property: Option<&str>) -> Option<String> {
    let needed = match needed_version(property)? {
        "" => "a later version of drsync".to_owned(),
        version => format!("drsync {version}"),
    };
    let ours = env!("CARGO_PKG_VERSION");
    Some(format!("it needs {needed}, and this is {ours}: upgrade whoever works with it"))
}

/// The version of drsync that a ledger table needs by its property, where this one is older.
fn needed_version(property: Option<&str>) -> Option<&str> {
    let parts = |version: &str| -> Option<Vec<u64>> {
        version.split('.').map(|part| part.parse().ok()).collect()
    };
    let ours = parts(env!("CARGO_PKG_VERSION"))?;
    // A text that is no version is taken for a later one: it is better to stop than to misread.
    property.filter(|needed| parts(needed).is_none_or(|needed| needed > ours))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sides() -> Sides {
        Sides { home: "east".to_owned(), other: "west".to_owned() }
    }

    fn cut(number: u64, before: Option<&Cut>, change: serde_json::Value) -> Cut {
        let mut row = json!({
            "group_name": "g", "cut_number": number, "recovery_point": "2026-11-22T09:41:07.120Z",
            "consistency": "point-in-time", "trigger": "schedule", "workflow_run_id": null,
            "planned_at": "2026-11-22T09:45:00Z", "plan_id": "P", "plan_sha256": "aa", "run_id": "R", "tables": [],
            "accepted": [], "epoch": 0, "committed_by": "someone", "committed_at": "2026-11-22T09:46:00.001Z",
            "previous_sha256": before.map(Cut::sha256),
        });
        for (name, value) in change.as_object().unwrap() {
            row[name] = value.clone();
        }
        serde_json::from_value(row).unwrap()
    }

    fn role(number: u64, before: &Cut, active: &str, epoch: u64) -> Cut {
        let change = json!({"kind": "role", "active": active, "epoch": epoch});
        Cut { tables: before.tables.clone(), ..cut(number, Some(before), change) }
    }

    /// A table of a cut, with a version of its replica.
    fn entry(replica_version: u64) -> CutTableEntry {
        serde_json::from_value(json!({
            "table": "main.core.gold", "source_table_id": "id", "source_version": 7,
            "source_committed_at": "2026-11-22T09:40:00Z", "rows": null, "files": 2, "bytes": 10,
            "replica_location": "/west/main/core/gold", "replica_version": replica_version,
        }))
        .unwrap()
    }

    #[test]
    fn the_newest_change_of_role_says_which_side_is_active() {
        let first = cut(1, None, json!({}));
        let away = role(2, &first, "west", 1);
        let home = role(3, &away, "east", 2);
        let sync = cut(4, Some(&home), json!({"epoch": 2, "active": "east", "kind": "sync"}));
        let all = [first, away.clone(), home, sync];
        let roles = |count: usize| match Cuts::new(all[..count].to_vec()).roles("g", &sides()) {
            Roles::Home => None,
            Roles::FailedOver(cut) => Some(cut.clone()),
            other => panic!("{other:?}"),
        };
        assert_eq!(roles(1), None);
        assert_eq!(roles(2), Some(away));
        assert_eq!(roles(3), None);
        assert_eq!(roles(4), None);
        assert!(all[1].is_away_from("east") && !all[3].is_away_from("east"));
    }

    #[test]
    fn a_cut_that_another_version_made_while_a_side_was_away_is_of_that_change() {
        let first = cut(1, None, json!({}));
        let away = role(2, &first, "west", 1);
        let back = cut(3, Some(&away), json!({"epoch": 1, "active": "west"}));
        let cuts = Cuts::new([first, away.clone(), back]);
        assert_eq!(cuts.roles("g", &sides()), Roles::FailedOver(&away));
    }

    #[test]
    fn a_side_of_another_name_is_told_apart_as_long_as_it_is_active() {
        let first = cut(1, None, json!({}));
        let away = role(2, &first, "north", 1);
        let home = role(3, &away, "east", 2);
        let all = [first, away.clone(), home];
        let cuts = Cuts::new(all[..2].to_vec());
        assert_eq!(cuts.roles("g", &sides()), Roles::Unnamed(&away));
        assert!(!cuts.roles_hold("g", &sides()));
        // Who was active once may be called anything by now.
        assert_eq!(Cuts::new(all).roles("g", &sides()), Roles::Home);
    }

    #[test]
    fn what_cannot_follow_is_told_with_both_cuts() {
        let first = cut(1, None, json!({"epoch": 1, "active": "east"}));
        let odd = [
            (role(2, &first, "west", 1), "it changes roles, and its epoch stays 1"),
            (role(2, &first, "west", 0), "its epoch is 0 after 1"),
            (cut(2, Some(&first), json!({"active": "east"})), "its epoch is 0 after 1"),
            (
                cut(2, Some(&first), json!({"kind": "role", "epoch": 2})),
                "it changes roles and names no side",
            ),
            (
                cut(2, Some(&first), json!({"epoch": 1, "active": "west"})),
                "another side is active without a change of role",
            ),
            (
                Cut { previous_sha256: None, ..role(2, &first, "west", 2) },
                "it does not name the cut before it",
            ),
        ];
        for (second, expected) in odd {
            let cuts = Cuts::new([first.clone(), second.clone()]);
            let Roles::Broken { cut, before, why } = cuts.roles("g", &sides()) else {
                panic!("{expected}");
            };
            assert_eq!((cut, before, why), (&second, Some(&first), expected.into()));
        }
        // A change of role names the tables of a cut before it: with others nobody could bring the replicas to what it names.
        let mut one = first.clone();
        one.tables = vec![entry(3)];
        for (tables, expected) in [
            (vec![], "it names no tables"),
            (vec![entry(4)], "it names other tables, or versions of them, than any cut before it"),
        ] {
            let role = Cut { tables, ..role(2, &one, "west", 2) };
            let cuts = Cuts::new([one.clone(), role]);
            let Roles::Broken { why, .. } = cuts.roles("g", &sides()) else {
                panic!("{expected}");
            };
            assert_eq!(why, expected);
        }
        let alone = Cut { previous_sha256: None, ..role(1, &first, "west", 2) };
        assert!(matches!(
            Cuts::new([alone]).roles("g", &sides()),
            Roles::Broken { before: None, .. }
        ));
    }

    #[test]
    fn a_kind_of_a_later_version_is_kept_and_told() {
        let first = cut(1, None, json!({}));
        let later = cut(2, Some(&first), json!({"kind": "drill"}));
        assert_eq!(serde_json::to_value(&later).unwrap()["kind"], "drill");
        let cuts = Cuts::new([first, later.clone()]);
        assert_eq!(cuts.roles("g", &sides()), Roles::Newer(&later));
        assert!(later.is_away_from("east"));
    }

    #[test]
    fn a_ledger_says_which_version_may_read_it() {
        assert_eq!(needed_version(None), None);
        assert_eq!(needed_version(Some("0.0.1")), None);
        assert_eq!(needed_version(Some(env!("CARGO_PKG_VERSION"))), None);
        assert_eq!(needed_version(Some("999.0.0")), Some("999.0.0"));
        assert_eq!(needed_version(Some("next")), Some("next"));
        let need = |property| need_of_later_version(Some(property)).unwrap();
        assert!(need("9.0.0").starts_with("it needs drsync 9.0.0, and this is "));
        assert!(need("").starts_with("it needs a later version of drsync, and this is "));
    }
}
