//! A message as text: its subject, which stays until the state of what it is about changes, and its body, plain and as HTML.
//!
//! It says what, since when, what still holds, what comes next and why this address got it. It carries no command that accepts a
//! risk, needs no region to be read, and names no other receiver.

use chrono::{DateTime, Utc};

use super::escape;
use super::incident::{Class, GroupCut, How, Incident, Lost};
use super::letters::{Item, Letter, News, Receiver, Why};
use crate::canonical::sha256_of_bytes;
use crate::command::{Command, Verb};
use crate::figures::{minute, moment};
use crate::harmless::{clean, name as clean_name};
use crate::layout::{few, hanging};
use crate::plan::{Role, Setting, SettingChange};
use crate::text::{plural, span};

/// Columns of a body.
const COLUMNS: usize = 78;
/// Letters that a subject has of names of groups at most, before it counts them.
const NAMES_MAX: usize = 3;
/// Causes that a body tells of one group.
const CAUSES_MAX: usize = 6;

/// A message that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub subject: String,
    /// The first line of the body, which stands alone in a chat.
    pub verdict: String,
    /// Facts, each with its label; of webhooks that have fields.
    pub facts: Vec<(&'static str, String)>,
    /// The command that looks and changes nothing, where there is one.
    pub command: Option<String>,
    /// The whole body.
    pub plain: String,
    /// The same for readers of mail that show HTML.
    pub html: String,
    /// The message's own id, without angle brackets; of it and the sender's domain the header is made.
    pub id: String,
    /// The ids of messages before it in its threads.
    pub before: Vec<String>,
}

/// The id of an apply's message to a receiver: told again it has the same.
pub fn mail_id(run_id: &str, receiver: &str) -> String {
    let of = sha256_of_bytes(format!("{run_id}\n{receiver}").as_bytes());
    format!("{}.{}", run_id.to_lowercase(), &of[..16])
}

/// Writes a message.
pub fn text(letter: &Letter) -> Text {
    let receiver = letter.to.hash();
    let id = mail_id(&letter.run_id, &receiver);
    let mut before: Vec<String> = Vec::new();
    // What it is about most of all is what it answers.
    for item in letter.items.iter().rev() {
        if let Item::Incident { incident, .. } = item {
            let first = mail_id(&incident.opened_by, &receiver);
            if first != id && !before.contains(&first) {
                before.push(first);
            }
        }
    }
    let again =
        letter.items.iter().all(|item| matches!(item, Item::Incident { news: News::Reminded, .. }));
    let subject = match (letter.test, again && !before.is_empty()) {
        (true, _) => format!("[drsync] TEST {}", subject(letter)),
        (false, true) => format!("Re: [drsync] {}", subject(letter)),
        (false, false) => format!("[drsync] {}", subject(letter)),
    };
    let shown = shown(letter);
    let blocks: Vec<Block> = shown.iter().map(|item| block(letter, item)).collect();
    let verdict = match blocks.as_slice() {
        [only] => only.verdict.clone(),
        _ => self::subject(letter),
    };
    let verdict =
        if letter.test { format!("TEST, nothing of it is so: {verdict}") } else { verdict };
    let mut lines: Vec<String> = Vec::new();
    if blocks.len() > 1 || letter.test {
        lines.extend(hanging("", &verdict, COLUMNS));
        lines.push(String::new());
    }
    for block in &blocks {
        lines.extend(block.lines());
        lines.push(String::new());
    }
    let command = command(letter);
    if let Some(command) = &command {
        lines.push("To look at it, on a machine with drsync and the configuration:".to_owned());
        lines.push(String::new());
        lines.push(command.clone());
        lines.push(String::new());
    }
    lines.extend(footer(letter));
    let plain = lines.join("\n") + "\n";
    let facts = blocks.into_iter().flat_map(|block| block.facts).collect();
    let html = escape::page(&plain);
    Text { subject: escape::header(&subject), verdict, facts, command, plain, html, id, before }
}

/// The items of a message that get a block: a group that fails says itself how far it lags.
fn shown(letter: &Letter) -> Vec<&Item> {
    let failing = |whose: &String, late: &Incident| {
        letter.items.iter().any(|item| match item {
            Item::Incident { workspace, incident, .. } => {
                incident.class == Class::Failing
                    && (workspace, &incident.group) == (whose, &late.group)
                    && incident.is_open() == late.is_open()
            }
            Item::Synchronized { .. } | Item::Digest { .. } => false,
        })
    };
    let told_by_another = |item: &&Item| match item {
        Item::Incident { workspace, incident, .. } => {
            incident.class == Class::RpoBreached && failing(workspace, incident)
        }
        Item::Synchronized { .. } | Item::Digest { .. } => false,
    };
    letter.items.iter().filter(|item| !told_by_another(item)).collect()
}

/// What a message is about, without counts that would change from one round to the next.
fn subject(letter: &Letter) -> String {
    let shown = shown(letter);
    let Some(first) = shown.first() else {
        return "nothing".to_owned();
    };
    match first {
        Item::Incident { news, incident, workspace, region, .. } => {
            // Of several of one kind and one beginning one line; of others the body tells.
            let alike: Vec<&Incident> = shown
                .iter()
                .filter_map(|item| match item {
                    Item::Incident { news: other, incident: it, workspace: of, .. } => {
                        let same = it.class == incident.class
                            && it.is_open() == incident.is_open()
                            && other == news
                            && of == workspace;
                        same.then_some(it)
                    }
                    Item::Synchronized { .. } | Item::Digest { .. } => None,
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
        Item::Synchronized { done } => {
            let groups: Vec<String> = shown
                .iter()
                .filter_map(|item| match item {
                    Item::Synchronized { done } => {
                        Some(letter.name_of(&done.workspace, &done.group))
                    }
                    Item::Incident { .. } | Item::Digest { .. } => None,
                })
                .collect();
            match groups.as_slice() {
                [group] => format!("{group} synchronized: {}", cut(done.cut)),
                groups => format!("{} synchronized", few(groups, NAMES_MAX)),
            }
        }
        Item::Digest { digest, workspace } => {
            format!(
                "{} synchronized {} until {}",
                clean_name(workspace),
                plural(digest.groups.len(), "group"),
                minute(digest.until)
            )
        }
    }
}

fn names(groups: &[&str]) -> String {
    let names: Vec<String> = groups.iter().map(clean_name).collect();
    few(&names, NAMES_MAX)
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
    let one = alike.len() == 1;
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
        (Class::ProtectionWeakened, None) => {
            let mut settings: Vec<Setting> =
                alike.iter().flat_map(|it| &it.weakened).map(|change| change.setting).collect();
            settings.sort_unstable();
            settings.dedup();
            let settings: Vec<&str> = settings.into_iter().map(Setting::as_str).collect();
            let whole = alike.iter().any(|it| it.group.is_none());
            let whom = match (groups.as_str(), whole) {
                ("", _) => region,
                (groups, true) => format!("{groups} and {region}"),
                (groups, false) => groups.to_owned(),
            };
            format!("{whom} protected less since {since}: {}", settings.join(", "))
        }
        (Class::Failing, None) => format!("{groups} failing since {since}: {}", codes.join(", ")),
        (Class::RpoBreached, None) => format!("{groups} behind the objective since {since}"),
        (class, Some(closed)) => {
            let what = match (class, closed.how) {
                (Class::RpoBreached, How::Recovered) => "within the objective again",
                (_, How::Recovered | How::Unattended) => "recovered",
                (_, How::Paused) => "paused",
                (_, How::Removed) => "no longer configured",
            };
            match (one, first.cut, closed.how) {
                (true, Some(got), How::Recovered) => {
                    format!("{groups} {what} after {}: {}", lasted(closed.at), cut(got))
                }
                (true, _, _) => format!("{groups} {what} after {}", lasted(closed.at)),
                (false, _, _) => format!("{groups} {what}"),
            }
        }
    }
}

fn cut(cut: GroupCut) -> String {
    format!("cut {}", cut.number)
}

fn cut_at(cut: GroupCut) -> String {
    match cut.recovery_point {
        Some(point) => format!("cut {} ({})", cut.number, moment(point)),
        None => format!("cut {}", cut.number),
    }
}

/// What is said of one item: its first line, and facts below it.
struct Block {
    verdict: String,
    facts: Vec<(&'static str, String)>,
}

impl Block {
    fn lines(&self) -> Vec<String> {
        let mut lines = hanging("", &self.verdict, COLUMNS);
        for (label, fact) in &self.facts {
            lines.extend(hanging(&format!("  {label:<9} "), fact, COLUMNS));
        }
        lines
    }
}

fn block(letter: &Letter, item: &Item) -> Block {
    match item {
        Item::Incident { workspace, incident, news, region, both_away, next, groups } => {
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
        Item::Synchronized { done } => Block {
            verdict: format!(
                "{} is synchronized: {}",
                letter.name_of(&done.workspace, &done.group),
                cut_at(done.cut)
            ),
            facts: vec![("workspace", clean_name(&done.workspace))],
        },
        Item::Digest { workspace, digest } => Block {
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
) -> Block {
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
        return Block { verdict, facts };
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
    Block { verdict: format!("No answer from {region} since {}", moment(incident.since)), facts }
}

/// What runs in a workspace where nothing should is not seen.
fn unwatched(region: &str, incident: &Incident, groups: &[String], next: DateTime<Utc>) -> Block {
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
        return Block { verdict, facts };
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
    Block { verdict: format!("What runs in {region} is not seen since {since}"), facts }
}

fn not_begun(workspace: &str, incident: &Incident, next: DateTime<Utc>) -> Block {
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
        return Block { verdict, facts };
    }
    if let Some(from) = &incident.seen_from {
        facts.push(("on", clean_name(from)));
    }
    facts.extend(incident.causes.iter().map(|cause| ("what", clean(&cause.message))));
    facts.push(("keeps", "the last cuts, whole; nothing is copied meanwhile".to_owned()));
    facts.push(("next", format!("a mail when an apply begins again, else {}", minute(next))));
    let since = moment(incident.since);
    let verdict = format!("No apply of {workspace} could begin since {since}");
    Block { verdict, facts }
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
fn weakened(letter: &Letter, workspace: &str, incident: &Incident) -> Block {
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
    Block { verdict, facts }
}

fn of_group(
    letter: &Letter,
    workspace: &str,
    incident: &Incident,
    news: News,
    next: DateTime<Utc>,
) -> Block {
    let group = letter.name_of(workspace, incident.group.as_deref().unwrap_or_default());
    let now = letter.at;
    let codes: Vec<&str> = incident.codes().iter().map(|code| code.as_str()).collect();
    let codes = codes.join(", ");
    let since = minute(incident.since);
    let mut facts = vec![("workspace", clean_name(workspace))];
    if let Some(closed) = &incident.closed {
        let lasted = span((closed.at - incident.since).num_seconds());
        let verdict = match (incident.class, closed.how, incident.cut) {
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
        };
        facts.push(("failed", format!("since {since}")));
        return Block { verdict, facts };
    }
    let lasts = span((now - incident.since).num_seconds());
    let rounds = plural(usize::try_from(incident.rounds).unwrap_or(usize::MAX), "round");
    let verdict = match (incident.class, news) {
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
    };
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
            (Some(lag), Some(rpo)) if lag > rpo => {
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
    Block { verdict, facts }
}

/// What looks at what a message is about and writes nothing.
fn command(letter: &Letter) -> Option<String> {
    let open = letter.items.iter().filter_map(|item| match item {
        Item::Incident { incident, .. } if incident.is_open() => Some(incident),
        Item::Incident { .. } | Item::Synchronized { .. } | Item::Digest { .. } => None,
    });
    let mut groups: Vec<&String> = open.clone().filter_map(|it| it.group.as_ref()).collect();
    groups.dedup();
    let command = match (open.clone().next()?, groups.as_slice()) {
        (incident, _)
            if matches!(incident.class, Class::RegionAway | Class::SecondaryUnwatched) =>
        {
            Command::new(Verb::Status)
        }

        (_, [group]) => Command::new(Verb::Plan).word("--only").word(group.as_str()),
        (_, _) => Command::new(Verb::Plan),
    };
    Some(crate::harmless::command(&command.to_string()))
}

fn footer(letter: &Letter) -> Vec<String> {
    let mut items = letter.items.iter();
    let idle = items.all(|item| {
        matches!(item, Item::Incident { incident, .. } if incident.class == Class::NotBegun && incident.is_open())
    });
    let mut run = if idle {
        format!("Tried on {}", moment(letter.at))
    } else {
        format!("Run {} of {}", letter.run_id, moment(letter.at))
    };
    if let Some(url) = &letter.url {
        run.push(' ');
        run.push_str(&clean(url));
    }
    let mut lines = vec![run];
    if matches!(letter.to, Receiver::Mail { .. }) {
        lines.extend(hanging("", &reasons(letter), COLUMNS));
    }
    lines
}

/// Why this address got it.
fn reasons(letter: &Letter) -> String {
    let mut owned: Vec<&str> = Vec::new();
    let mut lists: Vec<String> = Vec::new();
    for why in &letter.why {
        match why {
            Why::Failure(workspace) => {
                lists.push(format!("sync_failure_notification of {}", clean_name(workspace)));
            }
            Why::Success(workspace) => {
                lists.push(format!("sync_success_notification of {}", clean_name(workspace)));
            }
            Why::Owner(group) => owned.push(group),
        }
    }
    let (owned, lists) = (names(&owned), lists.join(" and "));
    match (owned.as_str(), lists.as_str()) {
        ("", lists) => format!("You stand in {lists}."),
        (owned, "") => format!("You own {owned} (group_owner_email)."),
        (owned, lists) => format!("You own {owned} (group_owner_email); you stand in {lists}."),
    }
}
