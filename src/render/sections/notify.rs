//! Messages to try out who is told: what each receiver's server said.

use crate::figures::plural;
use crate::render::page::{Block, Columns, Entries, Page, PageEntry, Phrase, Tone};
use crate::sentence::Sentence;

/// What one receiver's server said to all messages.
#[derive(Debug, Clone)]
pub struct Channel {
    /// An address, or a webhook with its kind.
    pub name: String,
    /// Whether it took them.
    pub standing: ReceiverStanding,
    /// So many it took.
    pub took: usize,
    /// Of so many.
    pub of: usize,
    /// The first answer of a message that was not taken, else the last.
    pub reply: Sentence,
}

/// Whether a receiver takes messages; what calls for somebody first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReceiverStanding {
    /// Its server refused one.
    Refused,
    /// Its server was not reached.
    Silent,
    /// Its server says yes in any case: somebody has to look there.
    Ask,
    /// It took all of them.
    Took,
}

/// The word of the column of names begins here.
const WORD: usize = 9;

/// How many took every message, what each said, and whether anybody tells that this machine died.
pub fn page(channels: &[Channel], heartbeat: bool) -> Page {
    let of = |standing| channels.iter().filter(|channel| channel.standing == standing).count();
    let number = plural(channels.len(), "channel");
    let mut verdict = format!("{} of {number} took every message", of(ReceiverStanding::Took));
    for (standing, word) in [
        (ReceiverStanding::Refused, "refused"),
        (ReceiverStanding::Silent, "not reached"),
        (ReceiverStanding::Ask, "cannot know"),
    ] {
        if of(standing) > 0 {
            verdict.push_str(&format!("; {} {word}", of(standing)));
        }
    }
    let mut page = Page::new("notify", "drsync notify test", verdict);
    page.columns = Columns { word: WORD, ..Columns::default() };
    let entries = channels.iter().map(entry).collect();
    page.say(Block::Entries(Entries::chosen("channel", entries)));
    if !heartbeat {
        let says = "nobody tells if this machine dies: notifications.heartbeat is not set";
        page.say(Block::Words(says.into()));
    }
    page
}

fn entry(channel: &Channel) -> PageEntry {
    let Channel { name, standing, took, of, reply } = channel;
    let (word, tone) = match standing {
        ReceiverStanding::Refused => ("refused", Tone::Bad),
        ReceiverStanding::Silent => ("failed", Tone::Bad),
        ReceiverStanding::Ask => ("ask", Tone::Wait),
        ReceiverStanding::Took => ("took", Tone::Good),
    };
    let says = match standing {
        ReceiverStanding::Ask => {
            let look = format!(
                ", which proves nothing: look there for {} marked TEST",
                plural(*of, "message")
            );
            Phrase::from_others(reply).and(look)
        }
        ReceiverStanding::Took | ReceiverStanding::Refused | ReceiverStanding::Silent => {
            Phrase::from(format!("{took} of {of}, ")).and(Phrase::from_others(reply))
        }
    };
    PageEntry::new(word, tone, Phrase::name(name), says)
}
