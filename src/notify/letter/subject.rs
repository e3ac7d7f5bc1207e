//! What a message is about, in one line that stays until the state of that changes. Pure.

use chrono::{DateTime, Utc};

use super::{NAMES_MAX, cut, items_with_block};
use crate::figures::minute;
use crate::harmless::name as clean_name;
use crate::layout::few;
use crate::notify::incident::{Class, Closed, How, Incident};
use crate::notify::letters::{Letter, LetterItem};
use crate::plan::Setting;
use crate::text::{plural, span};

/// What a message is about, without counts that would change from one round to the next.
pub(super) fn subject(letter: &Letter) -> String {
    let shown = items_with_block(letter);
    let Some(first) = shown.first() else {
        return "nothing".to_owned();
    };
    match first {
        LetterItem::Incident { news, incident, workspace, region, .. } => {
            // Of several of one kind and one beginning one line; of others the body tells.
            let alike: Vec<&Incident> = shown
                .iter()
                .filter_map(|item| match item {
                    LetterItem::Incident { news: other, incident: it, workspace: of, .. } => {
                        let same = it.class == incident.class
                            && it.is_open() == incident.is_open()
                            && other == news
                            && of == workspace;
                        same.then_some(it)
                    }
                    LetterItem::Synchronized { .. } | LetterItem::Digest { .. } => None,
                })
                .collect();
            let of = match incident.class {
                Class::ProtectionWeakened => workspace,
                Class::RegionAway
                | Class::NotBegun
                | Class::SecondaryUnwatched
                | Class::Failing
                | Class::RpoBreached => region,
            };
            let groups = alike.iter().filter_map(|incident| incident.group.as_deref());
            let groups = groups.map(|group| letter.name_of(workspace, group)).collect();
            incidents_subject(&alike, groups, of)
        }
        LetterItem::Synchronized { done } => {
            let groups: Vec<String> = shown
                .iter()
                .filter_map(|item| match item {
                    LetterItem::Synchronized { done } => {
                        Some(letter.name_of(&done.workspace, &done.group))
                    }
                    LetterItem::Incident { .. } | LetterItem::Digest { .. } => None,
                })
                .collect();
            match groups.as_slice() {
                [group] => format!("{group} synchronized: {}", cut(done.cut)),
                groups => format!("{} synchronized", few(groups, NAMES_MAX)),
            }
        }
        LetterItem::Digest { digest, workspace } => {
            format!(
                "{} synchronized {} until {}",
                clean_name(workspace),
                plural(digest.groups.len(), "group"),
                minute(digest.until)
            )
        }
    }
}

fn incidents_subject(alike: &[&Incident], groups: Vec<String>, region: &str) -> String {
    let Some(first) = alike.first() else {
        return String::new();
    };
    let groups = few(&groups, NAMES_MAX);
    let since = minute(alike.iter().map(|incident| incident.since).min().unwrap_or(first.since));
    let mut codes: Vec<&str> =
        alike.iter().flat_map(|it| it.codes()).map(|code| code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let region = clean_name(region);
    let lasted = |closed: DateTime<Utc>| span((closed - first.since).num_seconds());
    match (first.class, &first.closed) {
        (Class::RegionAway, None) => {
            format!("REGION AWAY: no answer from {region} since {since}")
        }
        (Class::RegionAway, Some(closed)) => match closed.how {
            How::Unattended => format!("{region} answers, as others see it"),
            How::Removed => format!("{region} is no longer configured"),
            How::Recovered | How::Paused => {
                format!("{region} answers again after {}", lasted(closed.at))
            }
        },
        (Class::SecondaryUnwatched, None) => {
            format!("{region} is not watched since {since}: {}", codes.join(", "))
        }
        (Class::SecondaryUnwatched, Some(closed)) => match closed.how {
            How::Unattended => format!("{region} is watched, as others see it"),
            How::Removed => format!("{region} is no longer configured"),
            How::Recovered | How::Paused => {
                format!("{region} is watched again after {}", lasted(closed.at))
            }
        },
        (Class::NotBegun, None) => {
            format!("{region}: no apply begins since {since}: {}", codes.join(", "))
        }
        (Class::NotBegun, Some(closed)) => match closed.how {
            How::Removed => format!("{region} is no longer configured"),
            How::Recovered | How::Paused | How::Unattended => {
                format!("{region}: applies begin again after {}", lasted(closed.at))
            }
        },
        (Class::ProtectionWeakened, None) => subject_of_weakened(alike, &groups, region, &since),
        (Class::Failing, None) => format!("{groups} failing since {since}: {}", codes.join(", ")),
        (Class::RpoBreached, None) => format!("{groups} behind the objective since {since}"),
        // It was over when it began.
        (Class::ProtectionWeakened, Some(_)) => {
            format!("{groups} no longer configured since {since}")
        }
        (_, Some(closed)) => subject_of_ended(alike, first, closed, &groups),
    }
}

fn subject_of_weakened(alike: &[&Incident], groups: &str, region: String, since: &str) -> String {
    let mut settings: Vec<Setting> =
        alike.iter().flat_map(|it| &it.weakened).map(|change| change.setting).collect();
    settings.sort_unstable();
    settings.dedup();
    let settings: Vec<&str> = settings.into_iter().map(Setting::as_str).collect();
    let whole = alike.iter().any(|it| it.group.is_none());
    let whom = match (groups, whole) {
        ("", _) => region,
        (groups, true) => format!("{groups} and {region}"),
        (groups, false) => groups.to_owned(),
    };
    format!("{whom} protected less since {since}: {}", settings.join(", "))
}

/// How it ended for groups that failed, or were behind their objective.
fn subject_of_ended(
    alike: &[&Incident],
    first: &Incident,
    closed: &Closed,
    groups: &str,
) -> String {
    let what = match (first.class, closed.how) {
        (Class::RpoBreached, How::Recovered) => "within the objective again",
        (_, How::Recovered | How::Unattended) => "recovered",
        (_, How::Paused) => "paused",
        (_, How::Removed) => "no longer configured",
    };
    let lasted = span((closed.at - first.since).num_seconds());
    match (alike.len() == 1, first.cut, closed.how) {
        (true, Some(got), How::Recovered) => {
            format!("{groups} {what} after {lasted}: {}", cut(got))
        }
        (true, _, _) => format!("{groups} {what} after {lasted}"),
        (false, _, _) => format!("{groups} {what}"),
    }
}
