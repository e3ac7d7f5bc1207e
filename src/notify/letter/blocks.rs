//! What a message says of each thing that it is about: a verdict, and facts under labels. Pure.

use chrono::{DateTime, Utc};

use super::{COLUMNS, NAMES_MAX, cut_at, names};
use crate::command::{Command, Verb};
use crate::figures::{minute, moment};
use crate::harmless::{clean, name as clean_name};
use crate::layout::{few, hanging};
use crate::notify::incident::{Class, Closed, How, Incident, Lost};
use crate::notify::letters::{Letter, LetterItem, News};
use crate::plan::{Role, Setting, SettingChange, misses_objective};
use crate::text::{plural, span};

/// Causes that a body tells of one group.
const CAUSES_MAX: usize = 6;

/// What is said of one item: its first line, and facts below it.
pub(super) struct LetterBlock {
    pub(super) verdict: String,
    pub(super) facts: Vec<(&'static str, String)>,
}

impl LetterBlock {
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = hanging("", &self.verdict, COLUMNS);
        for (label, fact) in &self.facts {
            lines.extend(hanging(&format!("  {label:<9} "), fact, COLUMNS));
        }
        lines
    }
}

pub(super) fn block(letter: &Letter, item: &LetterItem) -> LetterBlock {
    match item {
        LetterItem::Incident { workspace, incident, news, region, both_away, next, groups } => {
            match incident.class {
                Class::RegionAway => away(region, incident, *both_away, groups, *next),
                Class::NotBegun => not_begun(region, incident, *next),
                Class::SecondaryUnwatched => unwatched(region, incident, groups, *next),
                Class::ProtectionWeakened => weakened(letter, workspace, incident),
                Class::Failing | Class::RpoBreached => {
                    of_group(letter, workspace, incident, *news, *next)
                }
            }
        }
        LetterItem::Synchronized { done } => LetterBlock {
            verdict: format!(
                "{} is synchronized: {}",
                letter.name_of(&done.workspace, &done.group),
                cut_at(done.cut)
            ),
            facts: vec![("workspace", clean_name(&done.workspace))],
        },
        LetterItem::Digest { workspace, digest } => LetterBlock {
            verdict: format!(
                "Synchronized from {} to {}: {}",
                minute(digest.since),
                minute(digest.until),
                plural(digest.groups.len(), "group")
            ),
            facts: std::iter::once(("workspace", clean_name(workspace)))
                .chain(digest.groups.iter().map(|group| {
                    let cuts = plural(usize::try_from(group.cuts).unwrap_or(usize::MAX), "cut");
                    let newest = cut_at(group.newest);
                    ("group", format!("{}: {cuts}, the newest {newest}", clean_name(&group.group)))
                }))
                .collect(),
        },
    }
}

fn away(
    region: &str,
    incident: &Incident,
    both: bool,
    groups: &[String],
    next: DateTime<Utc>,
) -> LetterBlock {
    let region = clean_name(region);
    let mut facts = Vec::new();
    if let Some(from) = &incident.seen_from {
        facts.push(("asked", format!("from {}; another machine may see it", clean_name(from))));
    }
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    if let Some(closed) = &incident.closed {
        let lasted = span((closed.at - incident.since).num_seconds());
        let verdict = match closed.how {
            How::Unattended => {
                format!("{region} answers, as others see it; nobody asked from there any more")
            }
            How::Removed => format!("{region} is no longer configured, and nobody asks it"),
            How::Recovered | How::Paused => format!("{region} answers again, after {lasted}"),
        };
        facts.push(("since", moment(closed.at)));
        return LetterBlock { verdict, facts };
    }
    if !groups.is_empty() {
        facts.push(("groups", names(&groups)));
    }
    facts.extend(lost(incident, &groups));
    // Of a region that gives no answer nobody knows what it keeps.
    let keeps = match (incident.side, both) {
        (Some(Role::Primary), false) => "the last cuts in the secondary, whole",
        (Some(Role::Primary), true) => {
            "the last cuts, if the secondary has them still: it gives no answer either"
        }
        (Some(Role::Secondary) | None, false) => {
            "the sources in the primary; nothing is copied meanwhile"
        }
        (Some(Role::Secondary) | None, true) => {
            "the sources, if the primary has them still: it gives no answer either"
        }
    };
    facts.push(("keeps", keeps.to_owned()));
    facts
        .push(("next", format!("one mail for all groups: when it answers, else {}", minute(next))));
    LetterBlock {
        verdict: format!("No answer from {region} since {}", moment(incident.since)),
        facts,
    }
}

/// What runs in a workspace where nothing should is not seen.
fn unwatched(
    region: &str,
    incident: &Incident,
    groups: &[String],
    next: DateTime<Utc>,
) -> LetterBlock {
    let region = clean_name(region);
    let mut facts = Vec::new();
    if let Some(from) = &incident.seen_from {
        facts.push(("asked", format!("from {}; another machine may see it", clean_name(from))));
    }
    if let Some(closed) = &incident.closed {
        let lasted = span((closed.at - incident.since).num_seconds());
        let verdict = match closed.how {
            How::Unattended => {
                format!("{region} is watched, as others see it; nobody asked from there any more")
            }
            How::Removed => {
                format!("{region} is no longer configured: nobody watches what runs there")
            }
            How::Recovered | How::Paused => format!("{region} is watched again, after {lasted}"),
        };
        facts.push(("since", moment(closed.at)));
        return LetterBlock { verdict, facts };
    }
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    if !groups.is_empty() {
        facts.push(("groups", names(&groups)));
    }
    for cause in incident.causes.iter().take(CAUSES_MAX) {
        facts.push(("what", clean(&cause.message)));
    }
    let more = incident.causes.len().saturating_sub(CAUSES_MAX);
    if more > 0 {
        facts.push(("what", format!("{more} more, which status names")));
    }
    let keeps = "groups are synchronized as ever; a workflow that starts there stops none of them";
    facts.push(("keeps", keeps.to_owned()));
    facts
        .push(("next", format!("one mail for all groups: when it is seen, else {}", minute(next))));
    let since = moment(incident.since);
    LetterBlock { verdict: format!("What runs in {region} is not seen since {since}"), facts }
}

fn not_begun(workspace: &str, incident: &Incident, next: DateTime<Utc>) -> LetterBlock {
    let workspace = clean_name(workspace);
    let mut facts = Vec::new();
    if let Some(closed) = &incident.closed {
        let lasted = span((closed.at - incident.since).num_seconds());
        facts.push(("since", moment(closed.at)));
        let verdict = match closed.how {
            How::Removed => format!("{workspace} is no longer configured, and nothing is applied"),
            How::Recovered | How::Paused | How::Unattended => {
                format!("Applies of {workspace} begin again, after {lasted}")
            }
        };
        return LetterBlock { verdict, facts };
    }
    if let Some(from) = &incident.seen_from {
        facts.push(("on", clean_name(from)));
    }
    facts.extend(incident.causes.iter().map(|cause| ("what", clean(&cause.message))));
    facts.push(("keeps", "the last cuts, whole; nothing is copied meanwhile".to_owned()));
    facts.push(("next", format!("a mail when an apply begins again, else {}", minute(next))));
    let since = moment(incident.since);
    let verdict = format!("No apply of {workspace} could begin since {since}");
    LetterBlock { verdict, facts }
}

/// What would be lost of these groups if their primary never came back, and what nobody knows of that.
fn lost(incident: &Incident, groups: &[&str]) -> Vec<(&'static str, String)> {
    let own: Vec<&Lost> =
        incident.lost.iter().filter(|lost| groups.contains(&lost.group.as_str())).collect();
    let mut facts = Vec::new();
    let some: Vec<&&Lost> =
        own.iter().filter(|lost| lost.commits > 0 || !lost.unknown.is_empty()).collect();
    for lost in some.iter().take(CAUSES_MAX) {
        let commits = plural(usize::try_from(lost.commits).unwrap_or(usize::MAX), "commit");
        let since = lost.since.map_or(String::new(), |since| format!(" since {}", minute(since)));
        let runs: Vec<String> = lost.runs.iter().map(i64::to_string).collect();
        let repeat = match runs.as_slice() {
            [] => String::new(),
            [run] => format!(", repeat run {run}"),
            runs => format!(", repeat runs {}", few(runs, NAMES_MAX)),
        };
        let group = clean_name(&lost.group);
        let lost = if lost.unknown.is_empty() {
            format!("{commits}{since}{repeat}")
        } else {
            let tables: Vec<&str> = lost.unknown.iter().map(String::as_str).collect();
            let least = match lost.commits {
                0 => String::new(),
                _ => format!("at least {commits}, and "),
            };
            format!("{least}not known of {}{repeat}", names(&tables))
        };
        facts.push(("lost", format!("if it never comes back: {group} {lost}")));
    }
    let more = some.len().saturating_sub(CAUSES_MAX);
    if more > 0 {
        facts.push(("lost", format!("{} more, which status names", plural(more, "group"))));
    }
    let unseen: Vec<&str> =
        own.iter().filter(|lost| lost.seen_at.is_none()).map(|lost| lost.group.as_str()).collect();
    if let Some(seen) = own.iter().filter_map(|lost| lost.seen_at).min() {
        let seen = minute(seen);
        let said = if some.is_empty() {
            format!("no commit as of {seen}; what came after that nobody knows")
        } else {
            format!("what came after {seen}, the last look, nobody knows")
        };
        facts.push(("lost", said));
    }
    if !unseen.is_empty() {
        facts.push(("lost", format!("not known of {}: nobody looked", names(&unseen))));
    }
    facts
}

/// What protects less; it is told once.
fn weakened(letter: &Letter, workspace: &str, incident: &Incident) -> LetterBlock {
    let whom = match &incident.group {
        Some(group) => letter.name_of(workspace, group),
        None => clean_name(workspace),
    };
    let mut facts = vec![("workspace", clean_name(workspace))];
    for change in incident.weakened.iter().take(CAUSES_MAX) {
        facts.push(("what", change.without_addresses().says()));
    }
    let more = incident.weakened.len().saturating_sub(CAUSES_MAX);
    if more > 0 {
        facts.push(("what", format!("{more} more, which the run record names")));
    }
    let history = Command::new(Verb::History);
    let since = minute(incident.since);
    let gone =
        |change: &SettingChange| change.setting == Setting::Removed && change.table.is_none();
    let verdict = if incident.weakened.iter().any(gone) {
        let keeps = "its replicas and its cuts stay, and are no longer kept up";
        facts.push(("keeps", keeps.to_owned()));
        format!("{whom} left the configuration at {since}, and nobody approved that")
    } else {
        format!("{whom} is protected less since {since}, and nobody approved that")
    };
    facts.push(("next", format!("it is told once, and {history} keeps it")));
    LetterBlock { verdict, facts }
}

fn of_group(
    letter: &Letter,
    workspace: &str,
    incident: &Incident,
    news: News,
    next: DateTime<Utc>,
) -> LetterBlock {
    let group = letter.name_of(workspace, incident.group.as_deref().unwrap_or_default());
    let mut facts = vec![("workspace", clean_name(workspace))];
    if let Some(closed) = &incident.closed {
        facts.push(("failed", format!("since {}", minute(incident.since))));
        return LetterBlock { verdict: verdict_of_closed(&group, incident, closed), facts };
    }
    let verdict = verdict_of_open(&group, incident, news, letter.at);
    for cause in incident.causes.iter().take(CAUSES_MAX) {
        let message = clean(&cause.message);
        facts.push((
            "what",
            match &cause.table {
                Some(table) => format!("{}: {message}", clean_name(table)),
                None => message,
            },
        ));
    }
    let more = incident.causes.len().saturating_sub(CAUSES_MAX);
    if more > 0 {
        facts.push(("what", format!("{more} more, which status names")));
    }
    facts.push(match incident.cut {
        Some(cut) => ("keeps", format!("{}, whole", cut_at(cut))),
        None => ("keeps", "no cut is known: it may never have been synchronized".to_owned()),
    });
    facts.push((
        "lag",
        match (incident.lag_seconds, incident.rpo_seconds) {
            (Some(lag), Some(rpo)) if misses_objective(lag, rpo) => {
                format!("{} of {}: the objective is breached", span(lag), span(rpo))
            }
            (Some(lag), Some(rpo)) => format!("{} of {}", span(lag), span(rpo)),
            (None, Some(rpo)) => format!("not known, of {}", span(rpo)),
            (Some(lag), None) => span(lag),
            (None, None) => "not known".to_owned(),
        },
    ));
    facts.push((
        "next",
        format!("a mail when it recovers or its causes change, else {}", minute(next)),
    ));
    LetterBlock { verdict, facts }
}

fn verdict_of_closed(group: &str, incident: &Incident, closed: &Closed) -> String {
    let lasted = span((closed.at - incident.since).num_seconds());
    match (incident.class, closed.how, incident.cut) {
        (Class::RpoBreached, How::Recovered | How::Unattended, _) => {
            format!("{group} is within its objective again, after {lasted}")
        }
        (_, How::Recovered | How::Unattended, Some(cut)) => {
            format!("{group} is synchronized again: {}, after {lasted}", cut_at(cut))
        }
        (_, How::Recovered | How::Unattended, None) => {
            format!("{group} is in order again, after {lasted}")
        }
        (_, How::Paused, _) => format!("{group} is paused: it is not synchronized on purpose"),
        (_, How::Removed, _) => format!("{group} left the configuration; its replicas stay"),
    }
}

fn verdict_of_open(group: &str, incident: &Incident, news: News, now: DateTime<Utc>) -> String {
    let codes: Vec<&str> = incident.codes().iter().map(|code| code.as_str()).collect();
    let codes = codes.join(", ");
    let since = minute(incident.since);
    let lasts = span((now - incident.since).num_seconds());
    let rounds = plural(usize::try_from(incident.rounds).unwrap_or(usize::MAX), "round");
    match (incident.class, news) {
        (Class::RpoBreached, News::Reminded) => {
            format!("Still: {group} is behind its objective for {lasts}")
        }
        (Class::RpoBreached, _) => format!("{group} is behind its objective since {since}"),
        (_, News::Reminded) => {
            format!("Still: {group} is not synchronized for {lasts}, {rounds}: {codes}")
        }
        (_, News::Changed) => {
            format!("{group} is not synchronized since {since}, now for another cause: {codes}")
        }
        (_, News::Opened | News::Closed) => {
            format!("{group} is not synchronized since {since}: {codes}")
        }
    }
}
