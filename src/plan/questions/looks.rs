//! How deeply each group is looked at, by what is cheap to know. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::plan::loss_receipt::count::receipt_is_due;
use crate::plan::observed::WorkspaceObserved;
use crate::plan::request::Request;
use crate::plan::trigger::may_be_due;
use crate::plan::view::views;

/// How deeply a group is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupLook {
    /// Whether the first of its replicas is as its newest cut left it. Whoever makes another side active marks every replica, so a
    /// log that was put back from before is seen by that one, in every round and at one question a group.
    Sign,
    /// What came to its sources since the newest cut, and whether every replica is as that left it.
    Heads,
    /// The histories of its sources and replicas.
    Whole,
}

/// The groups of a workspace that are looked at, each with how deeply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looks(BTreeMap<String, GroupLook>);

impl Looks {
    /// How deeply the groups that were asked for are looked at.
    ///
    /// A whole look is for those that a trigger may make due. Where a copy of the metadata tables was lost something happened in that
    /// region: then it is for every group.
    pub fn of(seen: &WorkspaceObserved, request: &Request, now: DateTime<Utc>) -> Looks {
        // With the primary away only replicas are left to look at: that takes long and decides nothing, so that only a full
        // look does it.
        let away = seen.primary.refusal().is_some();
        if away && !(request.full && seen.secondary.reachable()) {
            return Looks::default();
        }
        let all = request.full || seen.lost_a_copy();
        let looks = views(seen, now, request).into_values().map(|view| {
            // A whole look reads histories, which tell what the receipt and the sign of a cheaper look would.
            let look = if all || may_be_due(&view) {
                GroupLook::Whole
            } else if receipt_is_due(&view) {
                GroupLook::Heads
            } else {
                GroupLook::Sign
            };
            (view.group.name.clone(), look)
        });
        Looks(looks.collect())
    }

    /// How deeply a group is looked at; `None`: not at all.
    pub fn at(&self, group: &str) -> Option<GroupLook> {
        self.0.get(group).copied()
    }

    /// The groups whose histories are read, by name.
    pub fn wholly(&self) -> impl Iterator<Item = &str> {
        let whole = self.0.iter().filter(|(_, look)| **look == GroupLook::Whole);
        whole.map(|(group, _)| group.as_str())
    }
}
