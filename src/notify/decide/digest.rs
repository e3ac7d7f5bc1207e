//! What was synchronized, gathered for one message a day. Pure.

use std::collections::BTreeMap;

use crate::config::Success;
use crate::notify::incident::{DigestGroup, SyncDigest, ToldState};
use crate::notify::policy::Policy;
use crate::notify::round::{Round, StateAfterApply};

/// What was synchronized and is told of once a day, at the first apply of a day of UTC: clocks that are moved move no day.
pub(super) fn digest(round: &Round, before: &[&ToldState], policy: &Policy) -> Option<SyncDigest> {
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
    let synchronized =
        round.groups.iter().filter(|group| group.state == StateAfterApply::Synchronized);
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
    Some(SyncDigest { since, until: round.ended_at, due, groups })
}
