//! One message of every class, marked as a test, for whoever wants to see that messages arrive. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::address::hash_of;
use super::incident::{
    CauseCode, Class, Closed, DigestGroup, FailureCause, GroupCut, How, Incident, Lost, SyncDigest,
    Telling,
};
use super::letters::{Letter, LetterItem, News, Receiver, SynchronizedGroup, Why};
use super::policy::Policy;
use crate::plan::{Direction, FindingCode, Role, Setting, SettingChange, SettingValue};

/// A message of every class to every receiver of these workspaces; `to`: only to one, by its address or its webhook's name.
///
/// Each receiver gets the same fourteen, whatever it would be told of: what is tried is whether they arrive.
pub fn samples(
    policies: &[Policy],
    run_id: &str,
    now: DateTime<Utc>,
    to: Option<&str>,
) -> Vec<Vec<Letter>> {
    let mut receivers: Vec<(Receiver, BTreeSet<Why>)> = Vec::new();
    for policy in policies {
        let workspace = || policy.workspace.clone();
        let failure = policy.failure.iter().map(|it| (it, Why::Failure(workspace())));
        let success = policy.success_list.iter().map(|it| (it, Why::Success(workspace())));
        let owners = policy.owners.iter().flat_map(|(group, owners)| {
            owners.iter().map(move |owner| (owner, Why::Owner(group.clone())))
        });
        for (address, why) in failure.chain(success).chain(owners) {
            let Some(smtp) = policy.smtp.clone() else {
                continue;
            };
            let same = |(other, _): &&mut (Receiver, BTreeSet<Why>)| {
                matches!(other, Receiver::Mail { .. }) && other.hash() == hash_of(address)
            };
            match receivers.iter_mut().find(same) {
                Some((_, all)) => drop(all.insert(why)),
                None => {
                    let address = address.clone();
                    let to = Receiver::Mail { address, smtp, workspace: workspace() };
                    receivers.push((to, BTreeSet::from([why])));
                }
            }
        }
        receivers.extend(policy.webhooks.iter().map(|webhook| {
            let to = Receiver::Webhook { workspace: workspace(), webhook: webhook.clone() };
            (to, BTreeSet::new())
        }));
    }
    receivers.retain(|(receiver, _)| to.is_none_or(|to| is_called(receiver, to)));
    let workspace = policies.first().map_or("east", |policy| &policy.workspace);
    receivers
        .into_iter()
        .map(|(to, why)| {
            let items = items(workspace, run_id, now).into_iter().enumerate();
            items
                .map(|(at, item)| Letter {
                    to: to.clone(),
                    why: why.clone(),
                    items: vec![item],
                    // Each is a message of its own.
                    run_id: format!("{run_id}{at}"),
                    at: now,
                    url: None,
                    test: true,
                    shared: BTreeSet::new(),
                })
                .collect()
        })
        .collect()
}

fn is_called(receiver: &Receiver, name: &str) -> bool {
    match receiver {
        Receiver::Mail { address, .. } => address.to_lowercase() == name.to_lowercase(),
        Receiver::Webhook { webhook, .. } => webhook.label.to_lowercase() == name.to_lowercase(),
    }
}

/// Every class, from its beginning to its end.
fn items(workspace: &str, run_id: &str, now: DateTime<Utc>) -> Vec<LetterItem> {
    let item = |incident: Incident, news: News| LetterItem::Incident {
        workspace: workspace.to_owned(),
        news,
        region: workspace.to_owned(),
        both_away: false,
        next: now + Duration::hours(24),
        groups: vec!["example_group".to_owned()],
        incident,
    };
    let closed = |incident: Incident| Incident {
        closed: Some(Closed { at: now, how: How::Recovered, owners: Vec::new() }),
        ..incident
    };
    let failing = incident(Class::Failing, run_id, now);
    let away = incident(Class::RegionAway, run_id, now);
    let idle = incident(Class::NotBegun, run_id, now);
    let unwatched = incident(Class::SecondaryUnwatched, run_id, now);
    let late = incident(Class::RpoBreached, run_id, now);
    let cut = GroupCut { number: 2, recovery_point: Some(now) };
    let group = "example_group".to_owned();
    vec![
        item(failing.clone(), News::Opened),
        item(failing.clone(), News::Reminded),
        item(closed(failing), News::Closed),
        item(away.clone(), News::Opened),
        item(closed(away), News::Closed),
        item(idle.clone(), News::Opened),
        item(closed(idle), News::Closed),
        item(unwatched.clone(), News::Opened),
        item(closed(unwatched), News::Closed),
        item(late.clone(), News::Opened),
        item(closed(late), News::Closed),
        item(incident(Class::ProtectionWeakened, run_id, now), News::Opened),
        LetterItem::Synchronized {
            done: SynchronizedGroup { workspace: workspace.to_owned(), group: group.clone(), cut },
        },
        LetterItem::Digest {
            workspace: workspace.to_owned(),
            digest: SyncDigest {
                since: now - Duration::hours(24),
                until: now,
                due: true,
                groups: vec![DigestGroup { group, cuts: 2, newest: cut }],
            },
        },
    ]
}

fn incident(class: Class, run_id: &str, now: DateTime<Utc>) -> Incident {
    let of_group =
        !matches!(class, Class::RegionAway | Class::NotBegun | Class::SecondaryUnwatched);
    let side = match class {
        Class::RegionAway => Some(Role::Primary),
        Class::SecondaryUnwatched => Some(Role::Secondary),
        Class::NotBegun | Class::Failing | Class::RpoBreached | Class::ProtectionWeakened => None,
    };
    let since = now - Duration::hours(1);
    Incident {
        id: format!("test.{}.{}", class.as_str(), run_id.to_lowercase()),
        also: Vec::new(),
        class,
        group: of_group.then(|| "example_group".to_owned()),
        side,
        seen_from: (!of_group).then(|| "this machine".to_owned()),
        since,
        opened_by: run_id.to_owned(),
        causes: vec![FailureCause {
            code: CauseCode::Finding(FindingCode::SourceShrank),
            table: Some("main.example.table".to_owned()),
            message: "this is a test, and nothing shrank".into(),
        }]
        .into_iter()
        .filter(|_| class == Class::Failing)
        .collect(),
        weakened: vec![SettingChange {
            group: Some("example_group".to_owned()),
            table: None,
            setting: Setting::Objective,
            key: None,
            before: Some(SettingValue::Number(720)),
            after: Some(SettingValue::Number(1_440)),
            direction: Direction::Weaker,
        }]
        .into_iter()
        .filter(|_| class == Class::ProtectionWeakened)
        .collect(),
        lost: vec![Lost {
            group: "example_group".to_owned(),
            seen_at: Some(since),
            commits: 3,
            since: Some(since),
            runs: vec![7],
            unknown: vec![],
        }]
        .into_iter()
        .filter(|_| class == Class::RegionAway)
        .collect(),
        changed_by: None,
        counted_from: since,
        seen_at: now,
        rounds: 2,
        cut: of_group.then_some(GroupCut { number: 1, recovery_point: Some(since) }),
        lag_seconds: of_group.then_some(3_600),
        rpo_seconds: of_group.then_some(43_200),
        told: Telling { at: now, by: run_id.to_owned(), to: Vec::new() },
        closed: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::text;

    #[test]
    fn every_sample_says_that_it_is_one() {
        let now = DateTime::UNIX_EPOCH;
        for item in items("east", "01JDA2C7000000000000000000", now) {
            let letter = Letter {
                to: Receiver::Webhook {
                    workspace: "east".to_owned(),
                    webhook: crate::config::Webhook {
                        kind: crate::config::WebhookKind::Slack,
                        label: "SLACK".to_owned(),
                        url_secret: None,
                        secret_key: None,
                        events: BTreeSet::new(),
                    },
                },
                why: BTreeSet::new(),
                items: vec![item],
                run_id: "01JDA2C7000000000000000000".to_owned(),
                at: now,
                url: None,
                test: true,
                shared: BTreeSet::new(),
            };
            let text = text(&letter);
            assert!(text.subject.starts_with("[drsync] TEST "), "{}", text.subject);
            assert!(text.verdict.starts_with("TEST, nothing of it is so"), "{}", text.verdict);
        }
    }
}
