//! A message as text: its subject, which stays until the state of what it is about changes, and its body, plain and as HTML.
//! Pure.
//!
//! It says what, since when, what still holds, what comes next and why this address got it. It carries no command that accepts a
//! risk, needs no region to be read, and names no other receiver.

mod blocks;
mod subject;

use super::escape;
use super::incident::{Class, GroupCut, Incident};
use super::letters::{Letter, LetterItem, News, Receiver, Why};
use crate::canonical::sha256_of_bytes;
use crate::command::{Command, Verb};
use crate::figures::moment;
use crate::harmless::{clean, name as clean_name};
use crate::layout::{few, hanging};
use blocks::{LetterBlock, block};
use subject::subject;

/// Columns of a body.
const COLUMNS: usize = 78;

/// Letters that a subject has of names of groups at most, before it counts them.
const NAMES_MAX: usize = 3;

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
        if let LetterItem::Incident { incident, .. } = item {
            let first = mail_id(&incident.opened_by, &receiver);
            if first != id && !before.contains(&first) {
                before.push(first);
            }
        }
    }
    let again = letter
        .items
        .iter()
        .all(|item| matches!(item, LetterItem::Incident { news: News::Reminded, .. }));
    let subject = match (letter.test, again && !before.is_empty()) {
        (true, _) => format!("[drsync] TEST {}", subject(letter)),
        (false, true) => format!("Re: [drsync] {}", subject(letter)),
        (false, false) => format!("[drsync] {}", subject(letter)),
    };
    let shown = items_with_block(letter);
    let blocks: Vec<LetterBlock> = shown.iter().map(|item| block(letter, item)).collect();
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
fn items_with_block(letter: &Letter) -> Vec<&LetterItem> {
    let failing = |whose: &String, late: &Incident| {
        letter.items.iter().any(|item| match item {
            LetterItem::Incident { workspace, incident, .. } => {
                incident.class == Class::Failing
                    && (workspace, &incident.group) == (whose, &late.group)
                    && incident.is_open() == late.is_open()
            }
            LetterItem::Synchronized { .. } | LetterItem::Digest { .. } => false,
        })
    };
    let told_by_another = |item: &&LetterItem| match item {
        LetterItem::Incident { workspace, incident, .. } => {
            incident.class == Class::RpoBreached && failing(workspace, incident)
        }
        LetterItem::Synchronized { .. } | LetterItem::Digest { .. } => false,
    };
    letter.items.iter().filter(|item| !told_by_another(item)).collect()
}

fn names(groups: &[&str]) -> String {
    let names: Vec<String> = groups.iter().map(clean_name).collect();
    few(&names, NAMES_MAX)
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

/// What looks at what a message is about and writes nothing.
fn command(letter: &Letter) -> Option<String> {
    let open = letter.items.iter().filter_map(|item| match item {
        LetterItem::Incident { incident, .. } if incident.is_open() => Some(incident),
        LetterItem::Incident { .. }
        | LetterItem::Synchronized { .. }
        | LetterItem::Digest { .. } => None,
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
        matches!(item, LetterItem::Incident { incident, .. } if incident.class == Class::NotBegun && incident.is_open())
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
